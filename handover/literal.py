"""The configuration of a hand-over with literal values, for texts that name them."""

from collections.abc import Iterator
from typing import Any

from deployment.model import Deployment
from handover.stacks import Stack
from handover.variables import Json, value_of, variable_name


def literal(content: Any, deployment: Deployment) -> Any:
    """Return content with the deployment's values in place of references to variables."""
    if isinstance(content, dict):
        return {key: literal(value, deployment) for key, value in content.items()}
    if isinstance(content, list):
        return [literal(one, deployment) for one in content]
    if isinstance(content, str):
        for key in deployment.handover.parameters:
            reference = f"${{var.{variable_name(key)}}}"
            if content == reference:
                return value_of(deployment, key)
            content = content.replace(reference, str(value_of(deployment, key)))
    return content


def blocks_of(roots: dict[str, Stack], deployment: Deployment) -> Iterator[tuple[str, Json]]:
    """Yield the type and the literal block of every resource."""
    for stack in roots.values():
        for kind, named in stack.content["resource"].items():
            for block in named.values():
                yield kind, literal(block, deployment)
