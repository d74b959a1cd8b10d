"""Local states that no stack uses any more.

Owns: finding them, and what to do about each. Leaves to others: where a state is kept (`deployment.backend`), and states in a bucket or in
a workspace, which a synth does not read.

Terraform never mentions such a state, because no configuration refers to it. Its resources still exist and are charged.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from deployment.backend import LocalBackendConfig
from deployment.model import Deployment
from stacks.registry import STACK_KINDS, stack_names


def unused_states(folder: Path, deployments: Mapping[str, Deployment]) -> Iterator[str]:
    """Yield a message for each local state with resources that no stack uses.

    Args:
        folder: holds the states, `terraform.STACK.tfstate`.
        deployments: every deployment, by name.
    """
    for path in sorted(folder.glob("terraform.*.tfstate")):
        stack = path.name.removeprefix("terraform.").removesuffix(".tfstate")
        name, _, suffix = stack.rpartition("-")
        if not name or suffix not in {kind.suffix for kind in STACK_KINDS}:
            continue  # not a state of this project
        if (reason := _unused(name, stack, deployments.get(name))) and (problem := _problem(path)):
            yield f"{path.name}: {problem}, but {reason}"


def _unused(name: str, stack: str, deployment: Deployment | None) -> str | None:
    """Return why the local state of a stack is not used, and the remedy; None if it is used."""
    file = f"deployments/{name}.toml"
    if deployment is None:
        return (
            f"{file} does not exist: restore the file and run `make destroy DEPLOYMENT={name}`, or rename the state if you renamed the "
            "deployment"
        )
    if stack not in stack_names(name, deployment):
        return f"{file} does not describe the stack {stack}: restore its section, destroy the stack, and then remove the section"
    if not isinstance(deployment.backend, LocalBackendConfig):
        return (
            f"{file} selects the backend {deployment.backend.type}: move the state as docs/operations.md says, or delete it if it is moved"
        )
    return None


def _problem(path: Path) -> str | None:
    """Return what a state holds that must not be forgotten; None for nothing."""
    try:
        content = json.loads(path.read_text(encoding="utf-8") or "{}")  # Terraform empties a state that it moves
        managed = any(resource["mode"] == "managed" for resource in content.get("resources", []))
        encrypted = "encrypted_data" in content  # by OpenTofu
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return "cannot be read"
    return "contains resources" if managed or encrypted else None
