"""The Terraform variables of a hand-over, and the rules that Terraform checks of them.

Owns: how a rule of a configuration is said in Terraform. A rule for one value becomes a `validation` of its variable, a rule between
values a `precondition` of the resource that would fail. Leaves to others: the rules themselves. Patterns, bounds, prefixes and
messages are read from the configurations, so that each is written once.

Why preconditions and not validations that look at several variables: the latter need Terraform 1.9.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from operator import attrgetter
from types import MappingProxyType, NoneType
from typing import Annotated, Any, NamedTuple, cast, get_args, get_origin

from gitpod_pov.cluster_network import AUTO_MODE_RANGE, PREFIXES
from gitpod_pov.configuration import Configuration
from gitpod_pov.descriptions import descriptions
from gitpod_pov.faults import ALLOWED
from gitpod_pov.gcp_names import Cidr, Pattern, PlainText, Unique
from gitpod_pov.gke_cluster import MOST_LABELS, MOST_NETWORKS, locations_of_keys
from gitpod_pov.ipv4_ranges import PROHIBITED
from gitpod_pov.maintenance import ALL_DAY, MaintenanceWindow, Recurrence
from gitpod_pov.node_pool import (
    ADDRESSES_GOOGLE_KEEPS,
    WORKLOAD_LABELS,
    ZONES_OF_A_REGION,
    addresses_of_a_node,
    all_pools,
    existing_subnetwork_conditions,
    nodes_of_pools,
    prefix_of_a_node,
)

from annotated_types import Ge, Le, MinLen
from pydantic import WithJsonSchema
from pydantic.fields import FieldInfo

from deployment.model import Deployment
from deployment.parameters import ADMINS, NETWORKS, NODE_COUNTS, SUBNETWORK, SUBNETWORK_RANGES, WINDOW, ParameterKey

Json = dict[str, Any]

REQUIRED: frozenset[ParameterKey] = frozenset(("project", "region", "cluster.name", "identity.account_id", *SUBNETWORK_RANGES))
"""Parameters whose variables have no default in HCL, because two clusters of a project cannot have the same value."""


def is_required(deployment: Deployment, key: ParameterKey) -> bool:
    """Return whether the variable of a parameter has no default in HCL. An explicit network or subnetwork has none either."""
    explicit = key in {"network.network", "network.subnetwork"} and value_of(deployment, key) not in {None, "default"}
    return key in REQUIRED or explicit


_IPV4_RANGE = get_args(Cidr)[1]
_PLAIN_TEXT = get_args(PlainText)[1:]


def variable_name(key: str) -> str:
    """Return the name of a parameter's variable: `cluster_name` for the key cluster.name."""
    return key.replace(".", "_")


def with_variable_names(text: str, parameters: Iterable[ParameterKey]) -> str:
    """Return a text that names inputs with the names of their variables, where they have one."""
    for key in parameters:
        text = re.sub(rf"(?<![\w.]){re.escape(key)}(?![\w.]*\w)", variable_name(key), text)
    return text


def value_of(deployment: Deployment, key: str) -> Any:
    """Return the deployment's value of a key."""
    return attrgetter(key)(deployment)


def reference(deployment: Deployment, key: ParameterKey) -> str:
    """Return the expression, without ${}, that stands for a text or a number."""
    name = f"var.{variable_name(key)}"
    if key != SUBNETWORK:
        return name
    cluster = "${var.cluster_name}" if "cluster.name" in deployment.handover.parameters else deployment.cluster.name
    return f'coalesce({name}, "gitpod-{cluster}")'


def variable(deployment: Deployment, key: ParameterKey) -> Json:
    """Return the variable of a parameter, with the deployment's value as default and the rules of its field."""
    section, _, name = key.rpartition(".")
    model: type[Configuration] = type(value_of(deployment, section) if section else deployment)
    field, value = _type(model.model_fields[name]), default_of(deployment, key)
    nullable = value is None or key == NETWORKS
    return {
        "description": _description(descriptions(model)[name], "Null" if nullable else "An empty list" if field.kind is tuple else None),
        "type": _TYPES[field.kind],
        "default": value,
        **({} if nullable else {"nullable": False}),
        "validation": [_checked(rule) for rule in (*_rules(field, key), *_rules_of_the_key(deployment, key))],
    }


def _description(of_input: str, nothing: str | None) -> str:
    """Return the description of a variable, whose default is the deployment's value and not that of the input.

    Args:
        of_input: the description of the input.
        nothing: the value of the variable that stands for an input that is left out, if there is one.
    """
    if nothing:
        of_input = of_input.replace("Default: ", f"{nothing} means ").replace(
            "If removed later", f"If you set it to {nothing.lower()} later"
        )
    sentences = re.split(r"(?<=\.) (?=[A-Z])", of_input)
    return " ".join(one for one in sentences if not one.startswith(("Default: ", "Required if ")))


def default_of(deployment: Deployment, key: ParameterKey) -> Any:
    """Return the deployment's value of a parameter as the default of its variable."""
    value = value_of(deployment, key)
    if key == WINDOW and value is None and deployment.cluster.effective_exclusions:
        value = ALL_DAY
    if isinstance(value, Configuration):
        return value.model_dump()
    return list(value) if isinstance(value, tuple) else value


class _Type(NamedTuple):
    """The type of a field: what it is, and what pydantic knows of it and of its items."""

    kind: type
    metadata: Sequence[Any]
    items: Sequence[Any] = ()


_TYPES: Mapping[type, str] = {
    str: "string",
    int: "number",
    tuple: "list(string)",
    dict: "map(string)",
    MaintenanceWindow: f"object({{ {', '.join(f'{name} = string' for name in MaintenanceWindow.model_fields)} }})",
}


def _type(field: FieldInfo) -> _Type:
    annotation, metadata = cast("Any", field.annotation), list(field.metadata)
    if NoneType in get_args(annotation):
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metadata += more
    return _Type(get_origin(annotation) or annotation, metadata, get_args(annotation))


class Rule(NamedTuple):
    """A rule in Terraform's words.

    Attributes:
        holds: an expression, without ${}.
        message: a template; it names variable and value, and what is allowed.
    """

    holds: str
    message: str


def _checked(rule: Rule) -> Json:
    """Return the block in which Terraform checks a rule."""
    return {"condition": f"${{{rule.holds}}}", "error_message": rule.message}


def quoted(text: str) -> str:
    """Return a text as a string of Terraform's expressions."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _rules(field: _Type, key: ParameterKey) -> Iterator[Rule]:
    name = variable_name(key)
    value = f"var.{name}"
    if field.kind is MaintenanceWindow:
        yield from _rules_of_a_window(value, name)
    elif field.kind is dict:
        for function, item in zip(("keys", "values"), field.items, strict=True):
            listed = f"{function}({value})"
            if key == NETWORKS:  # not `{}`, which checkov's reader of HCL does not understand within a template
                listed = f"({value} == null ? [] : {listed})"
            yield from _rules_of_each(listed, name, get_args(item)[1:])
    elif field.kind is tuple:
        yield from _rules_of_each(value, name, get_args(field.items[0])[1:])
        if Unique in field.metadata or key == "zones":
            yield Rule(
                f"length(distinct({value})) == length({value})",
                f"{name}: ${{jsonencode({value})}} has a value that is listed twice",
            )
    elif key == SUBNETWORK:
        for rule in _rules_of_one(value, name, field.metadata):
            yield Rule(f"{value} == null ? true : {rule.holds}", rule.message.replace(f"'${{{value}}}'", f"${{jsonencode({value})}}"))
    else:
        if field.kind is int:
            yield Rule(f"floor({value}) == {value}", f"{_quoted(value, name)}{ALLOWED['int_type']}")
        yield from _rules_of_one(value, name, field.metadata)
        yield from _rules_of_a_range(value, name, key)


def _rules_of_a_range(value: str, name: str, key: ParameterKey) -> Iterator[Rule]:
    if sizes := PREFIXES.get(key.removeprefix("network.")):
        (shortest, longest, allowed), prefix = sizes, _prefix(value)
        yield Rule(f"try({prefix} >= {shortest} && {prefix} <= {longest}, false)", f"{_quoted(value, name)}must be {allowed}")
    if key.endswith("_cidr"):
        prohibited = [*map(str, PROHIBITED)]
        yield Rule(
            f"try(!anytrue([for cidr in {json.dumps(prohibited)} : {_overlap(value, 'cidr')}]), true)",
            f"{_quoted(value, name)}overlaps one of {', '.join(prohibited)}, which no subnetwork can have",
        )


def _rules_of_each(listed: str, name: str, metadata: Any) -> Iterator[Rule]:
    """Yield the rules of the items of a list, each with the refused items in its message."""
    for rule in _rules_of_one("one", "", metadata):
        refused = f'join(", ", [for one in {listed} : "\'${{one}}\'" if !({rule.holds})])'
        allowed = rule.message.removeprefix(_quoted("one", "")).removeprefix("is ")
        yield Rule(f"alltrue([for one in {listed} : {rule.holds}])", f"{name}: ${{{refused}}}: {allowed}")


def _rules_of_a_window(value: str, name: str) -> Iterator[Rule]:
    start, end, recurrence = (f"{value}.{field}" for field in MaintenanceWindow.model_fields)
    for time in (start, end):
        yield Rule(
            f'{value} == null ? true : can(regex("^[0-9]{{4}}(-[0-9]{{2}}){{2}}T([0-9]{{2}}:){{2}}[0-9]{{2}}Z$", {time})) && '
            f'can(timeadd({time}, "0s"))',
            f"{time.removeprefix('var.')}: '${{try({time}, \"\")}}' is not a time in UTC, such as 2027-01-02T03:00:00Z",
        )
    (form,) = (one for one in get_args(Recurrence)[1:] if isinstance(one, Pattern))
    yield Rule(
        f"{value} == null ? true : {' && '.join(_matches(form.pattern, recurrence))}",
        f"{name}.recurrence: '${{try({recurrence}, \"\")}}' is not {form.allowed}",
    )
    yield Rule(
        f'try(timecmp({end}, timeadd({start}, "4h")) >= 0 && timecmp({end}, timeadd({start}, "24h")) <= 0, true)',
        f'{name}.end_time: \'${{try({end}, "")}}\' must be 4 to 24 hours after start_time ${{try({start}, "")}}',
    )


def _rules_of_the_key(deployment: Deployment, key: ParameterKey) -> Iterator[Rule]:
    """Yield the rules of single parameters that are not those of their fields."""
    name = variable_name(key)
    value = f"var.{name}"
    if key == "cluster.resource_labels":
        yield Rule(f"length({value}) <= {MOST_LABELS}", f"{name}: has ${{length({value})}} labels, but at most {MOST_LABELS} are allowed")
    if key == NETWORKS:
        yield Rule(
            f"{value} == null ? true : length({value}) <= {MOST_NETWORKS}",
            f"{name}: has ${{try(length({value}), 0)}} networks, but GKE accepts at most {MOST_NETWORKS}: combine adjacent ranges",
        )
        yield Rule(
            f'{value} == null ? true : !contains(values({value}), "0.0.0.0/0")',
            f"{name}: allows every network: use null to allow all of them, or list yours",
        )
        if deployment.cluster.private_endpoint:
            yield Rule(
                f"{value} != null",
                f"{name}: is required with a private endpoint: list the networks that may connect, or use {{}} for only the subnetwork",
            )
    if key == "node_pool.labels":
        reserved = quoted(r"^([a-z0-9.-]+\.)?(kubernetes|k8s)\.io/")
        refused = f'join(", ", [for one in keys({value}) : "\'${{one}}\'" if can(regex({reserved}, one))])'
        yield Rule(
            f"!anytrue([for one in keys({value}) : can(regex({reserved}, one))])",
            f"{name}: ${{{refused}}}: under kubernetes.io or k8s.io, which Kubernetes reserves: use another prefix",
        )
        yield Rule(
            f'alltrue([for one in {json.dumps([*WORKLOAD_LABELS])} : lookup({value}, one, "true") == "true"])',
            f"{name}: {', '.join(WORKLOAD_LABELS)} must be 'true', because Gitpod schedules its workloads by these labels: remove them",
        )
    if key == ADMINS and deployment.cluster.rbac_security_group is None:
        yield Rule(
            f'alltrue([for one in var.{name} : !startswith(one, "group:")])',
            f"{name}: ${{jsonencode(var.{name})}} has a group, which RBAC ignores unless the cluster has authenticator_groups_config: list "
            "the users",
        )


def _rules_of_one(value: str, name: str, metadata: Any) -> Iterator[Rule]:
    """Yield the rules of a field or of an element of a list; a kind of rule that is not known here is an error, not left out."""
    for rule in metadata:
        shown = _quoted(value, name)
        match rule:
            case _ if rule in _PLAIN_TEXT:
                continue  # Terraform does not evaluate the value of a variable
            case Pattern(pattern=pattern, allowed=allowed):
                yield Rule(" && ".join(_matches(pattern, value)), f"{shown}is not {allowed}")
            case Ge(ge=least):
                yield Rule(f"{value} >= {least}", f"{shown}{ALLOWED['greater_than_equal'].format(ge=least)}")
            case Le(le=most):
                yield Rule(f"{value} <= {most}", f"{shown}{ALLOWED['less_than_equal'].format(le=most)}")
            case MinLen(min_length=least):
                yield Rule(f"length({value}) >= {least}", f"{shown}{ALLOWED['string_too_short']}")
            case _ if rule == _IPV4_RANGE:
                yield Rule(
                    f'try(cidrsubnet({value}, 0, 0) == {value}, false) && can(regex("^[0-9.]+/[0-9]+$", {value}))',
                    f"{shown}is not an IPv4 range in CIDR notation without host bits, such as 10.0.0.0/20",
                )
            case FieldInfo(metadata=inner):
                yield from _rules_of_one(value, name, inner)
            case WithJsonSchema():
                continue  # says a rule again, for editors
            case _:
                raise TypeError(f"{name}: there is no Terraform for the rule {rule!r}")


def _matches(pattern: str, value: str) -> Iterator[str]:
    """Yield the conditions that a value matches a pattern. RE2, which Terraform uses, has no look-ahead: each is a condition."""
    while found := re.match(r"\(\?([=!])", pattern):
        end = next(end for end in range(1, len(pattern) + 1) if pattern[:end].count("(") == pattern[:end].count(")")) - 1
        ahead, pattern = pattern[len("(?=") : end], pattern[end + 1 :]
        yield f"{'!' * (found[1] == '!')}can(regex({quoted(f'^(?:{ahead})')}, {value}))"
    yield f"can(regex({quoted(f'^(?:{pattern})$')}, {value}))"


def _quoted(value: str, name: str) -> str:
    return f"{name}: '${{{value}}}' "


def _address(cidr: str) -> str:
    """Return the address of a range, which is an expression or a literal in quotes, as a part of a template."""
    return cidr[1:].partition("/")[0] if cidr.startswith('"') else f'${{split("/", {cidr})[0]}}'


def _prefix(cidr: str) -> str:
    return cidr[:-1].partition("/")[2] if cidr.startswith('"') else f'tonumber(split("/", {cidr})[1])'


def parameters_of(deployment: Deployment) -> tuple[ParameterKey, ...]:
    """Return the parameters of a deployment's hand-over, without inputs that the deployment does not use."""
    return tuple(key for key in deployment.handover.parameters if is_used(deployment, key))


def is_used(deployment: Deployment, key: ParameterKey) -> bool:
    """Return whether a deployment uses an input.

    A pool with limits for the whole region has none per zone, an existing subnetwork has its ranges already, and an existing service
    account has no ID.
    """
    if key == "identity.account_id":
        return deployment.identity.email is None
    if key in SUBNETWORK_RANGES:
        return deployment.network.create_subnetwork
    return not deployment.node_pool.counts_in_total or key not in NODE_COUNTS


def sizes_of_existing_subnetwork(deployment: Deployment, expressions: Mapping[str, str] = MappingProxyType({})) -> list[Json]:
    """Return the postconditions on the size of an existing subnetwork's ranges, as the stack has them or with expressions of variables."""
    if deployment.network.create_subnetwork:
        return []
    conditions = existing_subnetwork_conditions(deployment, expressions)
    return [{"condition": condition.condition, "error_message": condition.error_message} for condition in conditions]


class RulesBetweenValues:
    """The rules between several values, each for the resource that it protects, by resource type.

    A value that is no parameter stands in them as a literal; a rule without a parameter is left out, since synth has checked it.
    """

    def __init__(self, deployment: Deployment, parameters: tuple[ParameterKey, ...]) -> None:
        self._deployment, self._parameters = deployment, parameters

    def of(self, resource_type: str, resource: Json) -> list[Json]:
        """Return the preconditions of a resource; of several node pools, the main one has them."""
        match resource_type:
            case "google_container_cluster":
                rules = self._of_the_cluster()
            case "google_compute_network":
                rules = self._of_the_network()
            case "google_container_node_pool" if resource["name"] not in self._deployment.pools:
                rules = self._of_the_node_pool()
            case _:
                return []
        return [_checked(rule) for rule in rules if "var." in rule.holds]

    def of_existing_subnetwork(self) -> list[Json]:
        """Return the postconditions on the size of an existing subnetwork's ranges.

        Those of the stack compare with numbers. These compare with the variables.
        """
        if not {"zones", "node_pool.max_nodes", SUBNETWORK} & set(self._parameters):
            return sizes_of_existing_subnetwork(self._deployment)
        expressions = {"zones": self._zone_count(), "node_pool.max_nodes": self._value("node_pool.max_nodes")}
        if SUBNETWORK in self._parameters:
            expressions[SUBNETWORK] = f"${{{self._value(SUBNETWORK)}}}"
        return sizes_of_existing_subnetwork(self._deployment, expressions)

    def _value(self, key: ParameterKey) -> str:
        if key in self._parameters:
            return f"var.{variable_name(key)}"
        value = value_of(self._deployment, key)
        return json.dumps(list(value) if isinstance(value, tuple) else value)

    def _zone_count(self) -> str:
        zones = self._value("zones")
        return f"(length({zones}) == 0 ? {ZONES_OF_A_REGION} : length({zones}))"

    def _of_the_cluster(self) -> Iterator[Rule]:
        zones, region = self._value("zones"), self._value("region")
        yield Rule(
            f'alltrue([for zone in {zones} : startswith(zone, "${{{region}}}-")])',
            f"zones: ${{jsonencode({zones})}} has a zone outside ${{{region}}}",
        )
        for location in sorted({location for _, location in locations_of_keys(self._deployment.cluster)}):
            yield Rule(
                f"{region} == {quoted(location)}",
                f"region: '${{{region}}}' has no access to the Cloud KMS key in {location}: use another key",
            )
        if self._deployment.network.create_subnetwork:
            yield from self._of_the_ranges()
            pods, per_zone = self._value("network.pods_cidr"), addresses_of_a_node(self._deployment.cluster.default_max_pods_per_node)
            yield Rule(
                f"pow(2, 32 - {_prefix(pods)}) >= {per_zone} * {self._zone_count()}",
                f"{_quoted(pods, variable_name('network.pods_cidr'))}is too small for the default node pool, which GKE creates first with "
                f"one node per zone and {per_zone} addresses for each: use a larger range",
            )

    def _of_the_network(self) -> Iterator[Rule]:
        yield Rule(
            f'{self._value("network.network")} != "default"',
            "network_network: 'default' is the network that Google creates in new projects: name another",
        )

    def _of_the_ranges(self) -> Iterator[Rule]:
        for first, second in combinations(SUBNETWORK_RANGES, 2):
            yield Rule(
                f"!{_overlap(self._value(first), self._value(second))}",
                f"{_quoted(self._value(second), variable_name(second))}overlaps {variable_name(first)} "
                f"${{{self._value(first)}}}: use a range that does not overlap it",
            )
        network = self._deployment.network
        is_variable = "network.network" in self._parameters
        unless_another = f'{self._value("network.network")} != "default" || ' if is_variable else ""
        if (is_variable or network.network == "default") and not network.create_network:
            for key in SUBNETWORK_RANGES:
                yield Rule(
                    f"{unless_another}!{_overlap(self._value(key), quoted(str(AUTO_MODE_RANGE)))}",
                    f"{_quoted(self._value(key), variable_name(key))}overlaps {AUTO_MODE_RANGE}, which the auto-mode network 'default' "
                    "reserves: use a range below 10.128.0.0",
                )

    def _of_the_node_pool(self) -> Iterator[Rule]:
        low, first, high = (self._value(key) for key in NODE_COUNTS)
        if not self._deployment.node_pool.counts_in_total:
            yield Rule(
                f"{low} <= {first} && {first} <= {high}",
                f"node counts: minimum ${{{low}}}, initial ${{{first}}}, maximum ${{{high}}}: must be in ascending order",
            )
        for path, pool in all_pools(self._deployment).items():
            if pool.max_total_nodes is not None:
                initial = f"{pool.initial_nodes} * {self._zone_count()}"
                message = f"zones: {'.'.join(path)} starts with ${{{initial}}} nodes, more than its maximum of {pool.max_total_nodes}"
                yield Rule(f"{initial} <= {pool.max_total_nodes}", message)
        if not self._deployment.network.create_subnetwork:
            return
        pods, nodes = _prefix(self._value("network.pods_cidr")), _prefix(self._value("network.nodes_cidr"))
        pools = nodes_of_pools(all_pools(self._deployment), self._value("node_pool.max_nodes"), self._zone_count())
        most = " + ".join(pool.most for pool in pools)
        if len(pools) == 1:
            prefix = prefix_of_a_node(self._deployment.node_pool.max_pods_per_node)
            yield self._capacity("network.pods_cidr", most, f"floor(pow(2, {prefix} - {pods}))")
        else:
            addresses = " + ".join(f"{pool.most} * {pool.addresses}" for pool in pools)
            yield self._capacity("network.pods_cidr", addresses, f"pow(2, 32 - {pods})", "{} addresses, but the pools can need up to {}")
        yield self._capacity("network.nodes_cidr", most, f"max(pow(2, 32 - {nodes}) - {ADDRESSES_GOOGLE_KEEPS}, 0)")

    def _capacity(self, key: ParameterKey, most: str, holds: str, what: str = "room for {} nodes, but {} are possible") -> Rule:
        return Rule(
            f"{holds} >= {most}",
            f"{_quoted(self._value(key), variable_name(key))}has {what.format(f'${{{holds}}}', f'${{{most}}}')}: use a larger range, or "
            "lower the maximum number of nodes per zone",
        )


def _overlap(first: str, second: str) -> str:
    """Return the expression that two ranges overlap: cut to the shorter prefix, they are the same."""
    shorter = f"min({_prefix(first)}, {_prefix(second)})"
    cut = (f'cidrsubnet("{_address(one)}/${{{shorter}}}", 0, 0)' for one in (first, second))
    return f"({' == '.join(cut)})"
