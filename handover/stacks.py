"""A deployment's stacks with a Terraform variable at every place that a parameter reaches.

Owns: finding those places. The deployment is synthesized once as it is and once with a mark in place of every value that could be a
parameter; where a mark comes out, the variable's reference goes in, and where a value is no parameter, the value itself. Leaves to
others: which files this becomes.

Why this can be relied on: with every mark replaced by the deployment's own value, the second synth must equal the first, place by
place, else there is no hand-over. A construct that decides by a value, or computes with it, is found that way.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitpod_pov.cluster_admins import SUBJECT_KINDS
from gitpod_pov.faults import faults_of

from pydantic import ValidationError

from deployment.commands import temporary_folder
from deployment.model import Deployment
from deployment.parameters import ADMINS, MARKS, ParameterKey
from handover.variables import (
    Json,
    RulesBetweenValues,
    is_used,
    parameters_of,
    sizes_of_existing_subnetwork,
    value_of,
    variable_name,
)
from stacks.registry import StackKind, build, kinds_of, stack_names

_SECTIONS = ("provider", "data", "resource", "output")
"""What a stack's configuration is read for; a section that it leaves out is empty."""


class HandoverError(Exception):
    """There can be no hand-over of this deployment, or not there."""


@dataclass(frozen=True)
class Stack:
    """A stack of a hand-over.

    Attributes:
        kind: its kind.
        content: its Terraform configuration, with references to variables.
        parameters: the keys of those variables, in the order in which the deployment lists them.
        groups: the construct that each address comes from, by address.
        assets: the other files in the stack's folder, such as those of a TerraformAsset, by path.
    """

    kind: StackKind
    content: Json
    parameters: tuple[ParameterKey, ...]
    groups: Mapping[str, str]
    assets: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """The name of the stack within the hand-over: the suffix of its kind."""
        return self.kind.suffix


def stacks_of(name: str, deployment: Deployment) -> tuple[list[Stack], list[str]]:
    """Return the stacks of a deployment in order of application, and every risk that it carries, acknowledged or not.

    Raises:
        HandoverError: when the output does not follow a value in the way in which it would follow a variable.
    """
    parameters = parameters_of(deployment)
    base = _with(deployment, {"acknowledged_risks": ()})
    plain, assets, warnings = _synthesize(name, base)
    if ADMINS in parameters and deployment.admins.members:
        base = _with(base, {ADMINS: ()})
        plain, assets, _ = _synthesize(name, base)
    marks = {key: mark for key, mark in MARKS.items() if is_used(deployment, key)}
    marked_deployment = _with(base, marks)
    marked, *_ = _synthesize(name, marked_deployment)
    values = {key: Replacement.by_value(value_of(deployment, key)) for key in marks}
    variables = {key: Replacement.by_variable(key) for key in parameters if key in MARKS}
    stacks = []
    for kind, stack in zip(kinds_of(deployment), stack_names(name, deployment), strict=True):
        with_marks = marked[stack]
        # They are computed from values. The hand-over has its own, which follow the variables.
        for of, one in ((plain[stack], base), (with_marks, marked_deployment)):
            _remove_postconditions(of, sizes_of_existing_subnetwork(one))
        _refuse_a_difference(fill(with_marks, values), plain[stack], stack)
        content = fill(with_marks, {**values, **variables})
        if ADMINS in parameters:
            _make_admins_a_parameter(content)
        rules = RulesBetweenValues(deployment, parameters)
        for resource_type, resources in content["resource"].items():
            for resource in resources.values():
                if preconditions := rules.of(resource_type, resource):
                    resource.setdefault("lifecycle", {}).setdefault("precondition", []).extend(preconditions)
        for subnetwork in content["data"].get("google_compute_subnetwork", {}).values():
            subnetwork["lifecycle"]["postcondition"] += rules.of_existing_subnetwork()
        clean = _without_bookkeeping(content)
        stacks.append(Stack(kind, clean, parameters_in(clean, parameters), _groups(content), assets[stack]))
    return stacks, warnings


def _remove_postconditions(content: Json, postconditions: list[Json]) -> None:
    for subnetwork in content["data"].get("google_compute_subnetwork", {}).values():
        lifecycle = subnetwork["lifecycle"]
        lifecycle["postcondition"] = [one for one in lifecycle["postcondition"] if one not in postconditions]


def parameters_in(content: Json, parameters: tuple[ParameterKey, ...]) -> tuple[ParameterKey, ...]:
    """Return those parameters whose variables the content refers to."""
    text = json.dumps(content)
    return tuple(key for key in parameters if re.search(rf"\bvar\.{variable_name(key)}\b", text))


def _with(deployment: Deployment, values: Mapping[Any, Any]) -> Deployment:
    """Return the deployment with other values, checked as one that was read."""
    content = deployment.model_dump(exclude_unset=True)
    for key, value in values.items():
        *sections, last = key.split(".")
        section = content
        for part in sections:
            section = section.setdefault(part, {})
        section[last] = value
    try:
        return Deployment.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(str(fault) for fault in faults_of(error))
        raise HandoverError(f"a rule refuses the values with which a hand-over finds its parameters: {faults}") from None


def _synthesize(name: str, deployment: Deployment) -> tuple[dict[str, Json], dict[str, dict[str, bytes]], list[str]]:
    """Return for each stack, by its name, the configuration and every other file of its folder; and every warning."""
    contents: dict[str, Json] = {}
    assets: dict[str, dict[str, bytes]] = {}
    with temporary_folder() as directory:
        build({name: deployment}, str(directory)).synth()
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))["stacks"]
        for stack, entry in manifest.items():
            configuration = directory / entry["synthesizedStackPath"]
            contents[stack] = {**{section: {} for section in _SECTIONS}, **json.loads(configuration.read_text(encoding="utf-8"))}
            files = (path for path in configuration.parent.rglob("*") if path.is_file() and path != configuration)
            assets[stack] = {path.relative_to(configuration.parent).as_posix(): path.read_bytes() for path in files}
    return contents, assets, [annotation["message"] for stack in manifest.values() for annotation in stack["annotations"]]


@dataclass(frozen=True)
class Replacement:
    """What comes in place of a mark.

    Attributes:
        whole: where the mark is the whole of a value; `LEFT_OUT` takes the argument out.
        within: where the mark is a part of a text.
    """

    whole: Any
    within: str

    @classmethod
    def by_value(cls, value: Any) -> "Replacement":
        """Put the deployment's own value."""
        if isinstance(value, tuple):
            return cls(list(value) or LEFT_OUT, "")
        return cls(value, str(value))

    @classmethod
    def by_variable(cls, key: ParameterKey) -> "Replacement":
        """Put a reference to the parameter's variable; an empty list is an argument that is left out, as at synth."""
        name = f"var.{variable_name(key)}"
        reference = f"${{length({name}) == 0 ? null : {name}}}" if isinstance(MARKS[key], tuple) else f"${{{name}}}"
        return cls(reference, f"${{{name}}}")


LEFT_OUT = object()


def fill(content: Any, replacements: Mapping[ParameterKey, Replacement]) -> Any:
    """Return the content of a synth with marks, with a replacement for each mark."""
    for key, replacement in replacements.items():
        mark = MARKS[key]
        if (tuple(content) if isinstance(content, list) else content) == mark:
            return replacement.whole
    if isinstance(content, dict):
        filled = {key: fill(value, replacements) for key, value in content.items()}
        return {key: value for key, value in filled.items() if value is not LEFT_OUT}
    if isinstance(content, list):
        return [fill(one, replacements) for one in content]
    if isinstance(content, str):
        for key, replacement in replacements.items():
            if isinstance(mark := MARKS[key], str):
                content = content.replace(mark, replacement.within)
    return content


def _refuse_a_difference(filled: Any, plain: Any, path: str) -> None:
    if isinstance(filled, dict) and isinstance(plain, dict) and filled.keys() == plain.keys():
        for key, value in filled.items():
            _refuse_a_difference(value, plain[key], f"{path}.{key}")
    elif isinstance(filled, list) and isinstance(plain, list) and len(filled) == len(plain):
        for index, value in enumerate(filled):
            _refuse_a_difference(value, plain[index], f"{path}[{index}]")
    elif filled != plain:
        raise HandoverError(f"{path}: does not follow a value of the deployment as it would a variable: {filled!r} is not {plain!r}")


def _make_admins_a_parameter(content: Json) -> None:
    """Bind the members of a variable, and the applying account where the variable is an empty list.

    The binding has a block for each member. What was synthesized has the one block for the applying account.
    """
    accounts = content.get("data", {}).get("google_client_openid_userinfo")
    if not accounts:
        return
    ((name, account),) = accounts.items()
    address, variable = f"data.google_client_openid_userinfo.{name}", variable_name(ADMINS)
    bindings = content["resource"]["kubernetes_cluster_role_binding_v1"].values()
    (binding,) = (binding for binding in bindings if binding["subject"][0]["name"] == f"${{{address}.email}}")
    (subject,) = binding.pop("subject")
    kinds = ", ".join(f'{kind} = "{subject_kind}"' for kind, subject_kind in SUBJECT_KINDS.items())
    content["locals"] = {
        "subject_kinds": f"${{{{ {kinds} }}}}",
        "subjects": (
            f'${{length(var.{variable}) == 0 ? [{{ kind = "User", name = one({address}[*].email) }}] : [for member in var.{variable} : '
            '{ kind = local.subject_kinds[split(":", member)[0]], name = split(":", member)[1] }]}'
        ),
    }
    binding["dynamic"] = {
        "subject": {
            "for_each": "${local.subjects}",
            "content": {**subject, "kind": "${subject.value.kind}", "name": "${subject.value.name}"},
        }
    }
    account["count"] = f"${{length(var.{variable}) == 0 ? 1 : 0}}"
    for postcondition in account["lifecycle"]["postcondition"]:
        postcondition["error_message"] = postcondition["error_message"].replace(f"{ADMINS} of the deployment", f"the variable {variable}")
    for output in content["output"].values():
        if output["value"] == [f"${{{address}.email}}"]:
            output["value"] = "${local.subjects[*].name}"


def _groups(content: Json) -> dict[str, str]:
    """Return for each address the construct that it stands in, or its own name."""
    blocks = {
        **{f"{kind}.{name}": block for kind, named in content.get("resource", {}).items() for name, block in named.items()},
        **{f"data.{kind}.{name}": block for kind, named in content.get("data", {}).items() for name, block in named.items()},
    }
    return {address: block["//"]["metadata"]["path"].split("/")[1] for address, block in blocks.items()}


def _without_bookkeeping(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_bookkeeping(value) for key, value in content.items() if key != "//"}
    if isinstance(content, list):
        return [_without_bookkeeping(one) for one in content]
    return content
