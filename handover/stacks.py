"""A deployment's stacks with a Terraform variable at every place that a parameter reaches.

Owns: finding those places. The deployment is synthesized once as it is and once with a mark in place of every value that could be a
parameter; where a mark comes out, the variable's reference goes in, and where a value is no parameter, the value itself. Leaves to
others: which files this becomes.

Why this is reliable: with every mark replaced by the deployment's own value, the second synth must equal the first, place by
place, else there is no hand-over. A construct that decides by a value, or computes with it, is found that way.
"""

import copy
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any, Literal

from gitpod_pov.cluster_admins import SUBJECT_KINDS
from gitpod_pov.faults import faults_of
from gitpod_pov.maintenance import MaintenanceWindow

from pydantic import ValidationError

from deployment.model import Deployment
from deployment.parameters import ADMINS, MARKS, NETWORKS, SUBNETWORK, WINDOW, ParameterKey
from handover.variables import (
    Json,
    RulesBetweenValues,
    is_used,
    parameters_of,
    quoted,
    reference,
    sizes_of_existing_subnetwork,
    value_of,
    variable_name,
    with_variable_names,
)
from stacks.registry import StackKind, SynthesizedStack, kinds_of, synthesize

_KMS_KEY = f"projects/marked-project/locations/{MARKS['region']}/keyRings/marked/cryptoKeys/"
_KMS_MARKS = MappingProxyType({f"cluster.{name}_kms_key": _KMS_KEY + name for name in ("secrets", "boot_disk")})
"""A mark for each value that is never a parameter but must fit to the mark of one: a KMS key lies in the region of its cluster."""

_SECTIONS = ("provider", "data", "resource", "output")
"""What a stack's configuration is read for; a section that it leaves out is empty."""


Format = Literal["hcl", "json"]
"""The syntax of a hand-over's configuration."""


class HandoverError(Exception):
    """This deployment cannot be handed over, or not to this folder."""


@dataclass(frozen=True)
class Stack:
    """A stack of a hand-over.

    Attributes:
        kind: its kind.
        source: the stack as it is synthesized, with literal values and without acknowledged risks.
        content: its Terraform configuration, with references to variables.
        parameters: the keys of those variables, in the order in which the deployment lists them.
        groups: the construct that each address comes from, by address.
    """

    kind: StackKind
    source: SynthesizedStack
    content: Json
    parameters: tuple[ParameterKey, ...]
    groups: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the stack within the hand-over: the suffix of its kind."""
        return self.kind.suffix

    @property
    def risks(self) -> list[tuple[str, str]]:
        """Name and meaning of each risk that the stack carries, acknowledged or not, with the names of variables.

        A hand-over does not have Gitpod's guide, so no meaning refers to it.
        """
        messages = (re.sub(", (as in|which) the guide( requires)?", "", one["message"]) for one in self.source.annotations)
        parts = (with_variable_names(message, self.parameters).partition(": ") for message in messages)
        return [(name, meaning) for name, _, meaning in parts]

    @property
    def blocks(self) -> dict[str, Json]:
        """The resources and data sources by address, with references to variables."""
        return blocks_of(self.content)


def blocks_of(content: Json, *sections: str) -> dict[str, Json]:
    """Return the resources and data sources of a configuration by address; with a section, those of that section."""
    return {
        f"{'data.' * (section == 'data')}{kind}.{name}": block
        for section in sections or ("resource", "data")
        for kind, named in content.get(section, {}).items()
        for name, block in named.items()
    }


def stacks_of(name: str, deployment: Deployment) -> list[Stack]:
    """Return the stacks of a deployment in order of application.

    Raises:
        HandoverError: when the output does not follow a value in the way in which it would follow a variable.
    """
    parameters = parameters_of(deployment)
    base = _with(deployment, {"acknowledged_risks": ()})
    sources = plain = synthesize(name, base)
    if ADMINS in parameters and deployment.admins.members:
        base = _with(base, {ADMINS: ()})
        plain = synthesize(name, base)
    marks: dict[str, Any] = {key: MARKS[key] for key in MARKS if is_used(deployment, key) and (key != SUBNETWORK or key in parameters)}
    marks |= {key: mark for key, mark in _KMS_MARKS.items() if value_of(deployment, key)}
    marked_deployment = _with(base, marks)
    values = {key: value_of(deployment, key) for key in marks}
    values[str(SUBNETWORK)] = deployment.network.subnetwork_of(deployment.cluster.name)  # left out, it has a name as well
    literals = {key: Replacement.by_value(mark, values[key]) for key, mark in marks.items()}
    references = {str(key): Replacement.by_variable(MARKS[key], reference(deployment, key)) for key in parameters if key in MARKS}
    rules = RulesBetweenValues(deployment, parameters)
    stacks = []
    with_marks = {stack.name: stack for stack in synthesize(name, marked_deployment)}  # the marks can add kinds of stack
    for kind, source, with_values in zip(kinds_of(deployment), sources, plain, strict=True):
        expected, marked = _content(with_values, base), _content(with_marks[source.name], marked_deployment)
        _refuse_a_difference(fill(marked, literals.values()), expected, source.name)
        content = fill(marked, (literals | references).values())
        for key, change in _UNMARKED.items():
            if key in parameters:
                change(content)
        for address, resource in blocks_of(content, "resource").items():
            if preconditions := rules.of(address.partition(".")[0], resource):
                resource.setdefault("lifecycle", {}).setdefault("precondition", []).extend(preconditions)
        for existing in content["data"].get("google_compute_subnetwork", {}).values():
            existing["lifecycle"]["postcondition"] += rules.of_existing_subnetwork()
        groups = {address: block["//"]["metadata"]["path"].split("/")[1] for address, block in blocks_of(content).items()}
        for check in _checks(content):
            check["error_message"] = with_variable_names(check["error_message"], parameters)
        clean = without_bookkeeping(content)
        stacks.append(Stack(kind, source, clean, parameters_in(clean, parameters), groups))
    return stacks


_FIRST_GROUPS = ("apis", "network", "identity", "cluster", "node_pool")
_ADDRESS = re.compile(r"(?:data\.)?[a-z]\w*\.\w+")


def reading_order(stack: Stack) -> list[str]:
    """Return the addresses of a stack's resources and data sources from network to node pool, each after those that it refers to."""
    blocks = stack.blocks
    order: dict[str, None] = {}

    def add(address: str) -> None:
        if address not in order:
            for needed in sorted(set(_ADDRESS.findall(json.dumps(blocks[address]))) & blocks.keys() - {address}):
                add(needed)
            order[address] = None

    for group in dict.fromkeys((*_FIRST_GROUPS, *stack.groups.values())):
        for address in sorted(one for one in blocks if stack.groups[one] == group):
            add(address)
    return ["locals", *order]


def _content(stack: SynthesizedStack, deployment: Deployment) -> Json:
    """Return the configuration with all sections, and without postconditions on sizes: a hand-over's own follow the variables."""
    content = {**{section: {} for section in _SECTIONS}, **copy.deepcopy(stack.content)}
    for subnetwork in content["data"].get("google_compute_subnetwork", {}).values():
        lifecycle, sizes = subnetwork["lifecycle"], sizes_of_existing_subnetwork(deployment)
        lifecycle["postcondition"] = [one for one in lifecycle["postcondition"] if one not in sizes]
    return content


def _checks(content: Json) -> Iterator[Json]:
    """Yield the preconditions and postconditions of a configuration."""
    for block in blocks_of(content).values():
        for kind in ("precondition", "postcondition"):
            yield from block.get("lifecycle", {}).get(kind, ())


def parameters_in(content: Json, parameters: tuple[ParameterKey, ...]) -> tuple[ParameterKey, ...]:
    """Return those parameters whose variables the content refers to."""
    text = json.dumps(content)
    return tuple(key for key in parameters if re.search(rf"\bvar\.{variable_name(key)}\b", text))


def _with(deployment: Deployment, values: Mapping[Any, Any]) -> Deployment:
    """Return the deployment with other values, checked as one that was read."""
    content = deployment.model_dump(exclude_unset=True)
    for key, value in values.items():
        *sections, last = key.split(".")
        reduce(lambda section, part: section.setdefault(part, {}), sections, content)[last] = value
    try:
        return Deployment.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(str(fault) for fault in faults_of(error))
        raise HandoverError(f"a rule refuses the placeholder values with which a hand-over finds its variables: {faults}") from None


@dataclass(frozen=True)
class Replacement:
    """What comes in place of a mark.

    Attributes:
        mark: the mark.
        whole: where the mark is the whole of a value; `LEFT_OUT` takes the argument out.
        within: where the mark is a part of a text.
        beside: where the mark is a part of a map, with the other items.
    """

    mark: Any
    whole: Any
    within: str = ""
    beside: Callable[[Json], Any] = lambda others: others

    @classmethod
    def by_value(cls, mark: Any, value: Any) -> "Replacement":
        """Put the deployment's own value."""
        if isinstance(value, Mapping):
            return cls(mark, dict(value) or LEFT_OUT, beside=lambda others: {**value, **others})
        return cls(mark, list(value) or LEFT_OUT) if isinstance(value, tuple) else cls(mark, value, str(value))

    @classmethod
    def by_variable(cls, mark: Any, name: str) -> "Replacement":
        """Put a reference to a variable; an empty list or map is an argument that is left out, as at synth."""
        if isinstance(mark, str | int):
            return cls(mark, f"${{{name}}}", f"${{{name}}}")

        def merged(others: Json) -> str:
            items = ", ".join(f"{quoted(item)} = {quoted(value)}" for item, value in others.items())
            return f"${{merge({name}, {{ {items} }})}}"

        return cls(mark, f"${{length({name}) == 0 ? null : {name}}}", beside=merged)


LEFT_OUT = object()


def fill(content: Any, replacements: Collection[Replacement]) -> Any:
    """Return the content of a synth with marks, with a replacement for each mark."""
    for one in replacements:
        if (tuple(content) if isinstance(content, list) else content) == one.mark:
            return one.whole
        if isinstance(one.mark, dict) and isinstance(content, dict) and one.mark.items() <= content.items():
            return one.beside({item: value for item, value in content.items() if item not in one.mark})
    if isinstance(content, dict):
        filled = {key: fill(value, replacements) for key, value in content.items()}
        return {key: value for key, value in filled.items() if value is not LEFT_OUT}
    if isinstance(content, list):
        return [fill(one, replacements) for one in content]
    if isinstance(content, str):
        for one in replacements:
            if isinstance(one.mark, str):
                content = content.replace(one.mark, one.within)
    return content


def _refuse_a_difference(filled: Any, plain: Any, path: str) -> None:
    if isinstance(filled, dict) and isinstance(plain, dict) and filled.keys() == plain.keys():
        for key, value in filled.items():
            _refuse_a_difference(value, plain[key], f"{path}.{key}")
    elif isinstance(filled, list) and isinstance(plain, list) and len(filled) == len(plain):
        for index, value in enumerate(filled):
            _refuse_a_difference(value, plain[index], f"{path}[{index}]")
    elif filled != plain:
        raise HandoverError(
            f"{path}: cannot become a variable, because the output does not follow the input: {filled!r} instead of {plain!r}"
        )


def _make_admins_a_parameter(content: Json) -> None:
    """Bind the members of a variable, and the account that runs Terraform where the variable is an empty list.

    The binding has a block for each member. What was synthesized has the one block for the account that runs Terraform.
    """
    accounts = content["data"].get("google_client_openid_userinfo")
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
            output["value"] = "${[for subject in local.subjects : subject.name]}"  # a tuple, as without a variable


def _make_networks_a_parameter(content: Json) -> None:
    """Restrict the control plane to the networks of a variable, and leave it open where the variable is null."""
    for cluster in content["resource"].get("google_container_cluster", {}).values():
        cluster.pop("master_authorized_networks_config", None)
        networks = {
            "for_each": "${master_authorized_networks_config.value}",
            "content": {"display_name": "${cidr_blocks.key}", "cidr_block": "${cidr_blocks.value}"},
        }
        block = {"gcp_public_cidrs_access_enabled": False, "dynamic": {"cidr_blocks": networks}}
        _add_block_unless_null(cluster, "master_authorized_networks_config", NETWORKS, block)


def _make_window_a_parameter(content: Json) -> None:
    """Take the maintenance window from a variable; without a policy, there is one where the variable is not null."""
    for cluster in content["resource"].get("google_container_cluster", {}).values():
        policy = cluster.get("maintenance_policy")
        window = f"var.{variable_name(WINDOW)}" if policy else "maintenance_policy.value"
        block = {"recurring_window": {time: f"${{{window}.{time}}}" for time in MaintenanceWindow.model_fields}}
        if policy:
            policy.update(block)
        else:
            _add_block_unless_null(cluster, "maintenance_policy", WINDOW, block)


def _add_block_unless_null(resource: Json, name: str, key: ParameterKey, block: Json) -> None:
    """Add a block that a resource has where a variable is not null."""
    variable = f"var.{variable_name(key)}"
    resource.setdefault("dynamic", {})[name] = {"for_each": f"${{{variable} == null ? [] : [{variable}]}}", "content": block}


_UNMARKED: MappingProxyType[ParameterKey, Callable[[Json], None]] = MappingProxyType(
    {ADMINS: _make_admins_a_parameter, NETWORKS: _make_networks_a_parameter, WINDOW: _make_window_a_parameter}
)


def without_bookkeeping(content: Any) -> Any:
    """Return content without what cdktf notes in it for itself."""
    if isinstance(content, dict):
        return {key: without_bookkeeping(value) for key, value in content.items() if key != "//"}
    if isinstance(content, list):
        return [without_bookkeeping(one) for one in content]
    return content
