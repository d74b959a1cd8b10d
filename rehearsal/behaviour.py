"""The reader of ``behaviour.toml``: what providers and APIs do that no schema states.

Owns the kinds of rules, the choice of a provider version and what differs between versions. Refuses a rule that names an attribute
that the schema does not have, because a misspelt rule would otherwise have no effect. Leaves the facts, their reasons and their sources to
the file, and what a table cannot express to ``gke``.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rehearsal.provider_schema import Block, ProviderSchema, provider_schema
from rehearsal.values import is_set, is_unknown, parts, places, version_key

BEHAVIOUR_FILE = Path(__file__).with_name("behaviour.toml")

Condition = dict[str, Any]
"""Value by path; all must hold. ``"*"`` means any value that is set, a list means one of several."""


def holds(condition: Condition, value: Any) -> bool:
    """Return whether the object or block meets the condition. An unknown value meets none."""

    def one(found: Any, expected: Any) -> bool:
        if is_unknown(found):
            return False
        if expected == "*":
            return is_set(found)
        return found in expected if isinstance(expected, list) else bool(found == expected)

    return all(any(one(found, expected) for found in parts(value, path)) for path, expected in condition.items())


@dataclass(frozen=True)
class Transition:
    """A change from one value to another that replaces the object, while other changes of the argument do not.

    Attributes:
        path: the argument.
        before: the value in the state.
        after: the value in the plan.
    """

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Same:
    """A difference between state and configuration that the provider suppresses.

    Attributes:
        path: the argument.
        state: what the API returned.
        configuration: what is configured, None for an argument that is left out.
    """

    path: str
    state: Any
    configuration: Any = None


@dataclass(frozen=True)
class Refusal:
    """A combination of values that is an error.

    Attributes:
        when: the combination.
        message: the error.
        at: ``plan`` checks the configuration and ``apply`` the values that result from it.
    """

    when: Condition
    message: str
    at: str = "plan"


@dataclass(frozen=True)
class ReadBack:
    """The API returns something other than what was configured.

    Attributes:
        path: the argument.
        value: what is returned.
        when: what must hold for the object.
        merge: adds the keys that a map lacks, instead of replacing the map.
    """

    path: str
    value: Any
    when: Condition = field(default_factory=dict)
    merge: bool = False


@dataclass(frozen=True)
class Need:
    """Another object that must exist when this one is created or updated.

    Attributes:
        type: its type.
        id: template of its id, from the values of this object.
        message: the error when it does not exist.
        if_managed: the object may also exist without Terraform; it must come first only if a plan announced it.
    """

    type: str
    id: str
    message: str
    if_managed: bool = False


@dataclass(frozen=True)
class Use:
    """Objects of another type that keep this one from being deleted.

    Attributes:
        type: the type of the user.
        argument: the user's argument that holds the name, the id or the self link of this object.
        message: the error; ``{id}`` is this object and ``{user}`` the user.
    """

    type: str
    argument: str
    message: str


@dataclass(frozen=True)
class ResourceRules:
    """The rules of one resource type. Paths start at the resource.

    Attributes:
        id: template of the object's id, which is unique.
        shared: creating what already exists succeeds, for example switching on an API.
        taken_over_when: the condition under which creating what already exists succeeds.
        forgotten_when_unreachable: the provider drops the object from the state while it cannot reach the API.
        already_exists: the error when a created object already exists.
        import_ids: templates of the ids that ``terraform import`` accepts, besides the id itself.
        imported: values that an import sets without a request to the API.
        blocks: blocks whose rules the file has once for several resources, by path; there, paths start at the block.
        replace: arguments whose change replaces the object; the path of a block means the number of blocks.
        replace_on: changes that replace the object, although other changes of the argument do not.
        replace_unless_wider: address ranges whose change replaces the object, unless the new range contains the old one.
        defaults: values of arguments that are left out.
        values: templates of what the API computes; they may refer to each other.
        sent: values that the provider sends for arguments that are left out inside a block that is configured.
        filled_in: blocks that are Optional and Computed: the API fills them in, and leaving them out keeps them.
        kept: Optional arguments and blocks that the API keeps when they are left out, so every plan tries to unset them again.
        off: blocks that mean the same as none, with the condition under which they do.
        ignored_keys: by path of a map, the prefix of keys that the provider ignores unless they are configured.
        configured_keys: maps of which the provider reads only the keys that the state has.
        state_only: arguments that the API does not return; an import leaves them null.
        same: differences that the provider suppresses.
        sensitive: arguments and attributes that Terraform must not print.
        patterns: regular expressions for whole values.
        conflicts: groups of arguments of which one may be set.
        exactly_one: groups of blocks of which one must be set if the block around them is.
        refused: combinations that are an error.
        read_back: values that the API changes.
        needs: objects that must exist before.
        used_by: objects that must be deleted first.
        destroy_guard: the argument that forbids a deletion while it is true.
        kept_when: the condition under which the object outlives its resource.
        tainted_when_refused: the provider leaves a tainted object in the state when the API refuses to create it.
    """

    id: str = ""
    shared: bool = False
    taken_over_when: Condition = field(default_factory=dict)
    forgotten_when_unreachable: bool = False
    already_exists: str = "Error 409: Already exists: {id}"
    import_ids: tuple[str, ...] = ()
    imported: dict[str, Any] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    replace: tuple[str, ...] = ()
    replace_on: tuple[Transition, ...] = ()
    replace_unless_wider: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    filled_in: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    off: dict[str, Condition] = field(default_factory=dict)
    ignored_keys: dict[str, str] = field(default_factory=dict)
    configured_keys: tuple[str, ...] = ()
    state_only: tuple[str, ...] = ()
    same: tuple[Same, ...] = ()
    sensitive: tuple[str, ...] = ()
    patterns: dict[str, str] = field(default_factory=dict)
    conflicts: tuple[tuple[str, ...], ...] = ()
    exactly_one: tuple[tuple[str, ...], ...] = ()
    refused: tuple[Refusal, ...] = ()
    read_back: tuple[ReadBack, ...] = ()
    needs: tuple[Need, ...] = ()
    used_by: tuple[Use, ...] = ()
    destroy_guard: str = ""
    kept_when: Condition = field(default_factory=dict)
    tainted_when_refused: bool = False

    def paths(self) -> Iterator[str]:
        """Yield every path into the resource's own schema that a rule names."""
        yield from (*self.replace, *self.replace_unless_wider, *self.filled_in, *self.sensitive)
        yield from (*self.kept, *self.configured_keys, *self.state_only, *self.taken_over_when)
        yield from (*self.defaults, *self.values, *self.sent, *self.patterns, *self.kept_when, *self.imported, *self.ignored_keys)
        yield from (path for group in (*self.conflicts, *self.exactly_one) for path in group)
        yield from [rule.path for rule in self.replace_on] + [rule.path for rule in self.same] + [rule.path for rule in self.read_back]
        yield from (path for when in [rule.when for rule in self.refused] + [rule.when for rule in self.read_back] for path in when)
        yield from (f"{block}.{path}" for block, condition in self.off.items() for path in condition)
        yield from (path for rule in self.needs for path in places(rule.id))
        yield from places([self.id, self.values])
        if self.destroy_guard:
            yield self.destroy_guard


@dataclass(frozen=True)
class DataRules:
    """The rules of one data source.

    Attributes:
        reads: the resource type among whose objects it looks.
        values: templates of its values, for a data source that reads no resource.
        sensitive: attributes that Terraform must not print.
    """

    reads: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()

    def paths(self) -> Iterator[str]:
        """Yield every path into the data source's schema that a rule names."""
        yield from (*self.values, *self.sensitive)
        yield from places(self.values)


@dataclass(frozen=True)
class Check:
    """What the object behind a provider expects of an argument of the provider.

    Attributes:
        argument: the provider's argument.
        expected: template of the expected value, from the values of the object.
        message: the error when the two differ.
    """

    argument: str
    expected: str
    message: str


@dataclass(frozen=True)
class Behind:
    """One way to the object whose API the provider talks to.

    Attributes:
        type: the type of the object.
        checks: the first check finds the object, the others must then hold.
    """

    type: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Difference:
    """What one version of the provider changed, as far as this file states it.

    Attributes:
        since: the first version that has it.
        resources: the resource types that it concerns.
        path: the argument or block.
        schema: its declaration from then on, in the layout of ``provider_schema``; one that is computed has no default.
        default: its value from then on when it is left out.
        replace: whether a change of it replaces the object from then on.
        filled_in: whether it is a block that is Optional and Computed from then on.
        sent: what the provider sends from then on when it is left out.
        pattern: the regular expression for its value.
        same: pairs of the value in the state and the configured value that are no difference from then on.
        tainted_when_refused: as in `ResourceRules`, from then on.
    """

    since: str
    resources: tuple[str, ...]
    path: str = ""
    schema: dict[str, Any] | None = None
    default: Any = None
    replace: bool | None = None
    filled_in: bool = False
    sent: Any = None
    pattern: str = ""
    same: tuple[tuple[Any, Any], ...] = ()
    tainted_when_refused: bool | None = None

    def applied_to(self, rules: ResourceRules) -> ResourceRules:
        """Return the rules of a version that has the difference."""
        replace = rules.replace
        if self.replace is not None:
            replace = (*(path for path in replace if path != self.path), *([self.path] if self.replace else []))
        computed = self.schema is not None and self.schema.get("computed")
        defaults = {path: value for path, value in rules.defaults.items() if not (computed and path == self.path)}
        return dataclasses.replace(
            rules,
            replace=replace,
            defaults=defaults | ({} if self.default is None else {self.path: self.default}),
            filled_in=(*rules.filled_in, *([self.path] if self.filled_in else [])),
            sent=rules.sent | ({} if self.sent is None else {self.path: self.sent}),
            patterns=rules.patterns | ({self.path: self.pattern} if self.pattern else {}),
            same=(*rules.same, *(Same(self.path, state, configuration) for state, configuration in self.same)),
            tainted_when_refused=rules.tainted_when_refused if self.tainted_when_refused is None else self.tainted_when_refused,
        )


@dataclass(frozen=True)
class ProviderBehaviour:
    """The rules of one provider.

    Attributes:
        source: its source address without a registry, as in `required_providers`.
        measured: the versions that the rules were measured with, oldest first. The oldest is that of the bindings.
        inherit: arguments that a resource inherits from the provider.
        patterns: regular expressions for the provider's own arguments.
        scope: template, from the provider's arguments, of what keeps objects of the same name apart.
        behind: the ways to the object whose API the provider talks to.
        resources: rules by resource type.
        data_sources: rules by data source type.
        differences: what newer versions changed.
    """

    source: str
    measured: tuple[str, ...]
    inherit: tuple[str, ...] = ()
    patterns: dict[str, str] = field(default_factory=dict)
    scope: str = ""
    behind: tuple[Behind, ...] = ()
    resources: dict[str, ResourceRules] = field(default_factory=dict)
    data_sources: dict[str, DataRules] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()

    def at(self, version: str) -> ProviderBehaviour:
        """Return the rules of one version: those of the oldest, and every difference up to this one."""
        resources, differences = dict(self.resources), self._differences(version)
        for difference in differences:
            for name in difference.resources:
                resources[name] = difference.applied_to(resources[name])
        return dataclasses.replace(self, resources=resources, differences=differences)

    def _differences(self, version: str) -> tuple[Difference, ...]:
        return tuple(one for one in self.differences if version_key(one.since) <= version_key(version))

    def choose(self, requirements: Iterable[str]) -> str:
        """Return the version that a configuration gets which requires all of these, such as ``">= 7.12.0, < 8.0.0"``.

        It is the newest measured version that the requirements allow. Where they allow none, as an exact version in between does, it is
        the lowest version that they name. Without a requirement it is the newest measured version.

        Raises:
            ValueError: when it is older than every measured version.
        """
        constraints = [_CONSTRAINT.fullmatch(one.strip()) for requirement in requirements for one in requirement.split(",") if one.strip()]
        given = [(match["operator"] or "=", match["version"]) for match in constraints if match]
        allowed = [version for version in self.measured if all(_meets(version, *one) for one in given)]
        if allowed:
            return allowed[-1]
        lowest = [version for operator, version in given if operator in ("=", ">=", ">", "~>")]
        chosen = max(lowest, key=version_key, default="")
        if version_key(chosen) < version_key(self.measured[0]):
            wanted = ", ".join(f"{operator} {version}" for operator, version in given)
            raise ValueError(f"{self.source}: the stand-in knows {self.measured[0]} and newer, the configuration requires {wanted}")
        return chosen


_CONSTRAINT = re.compile(r"(?P<operator>~>|>=|<=|!=|=|>|<)?\s*v?(?P<version>\d[\w.+-]*)")


def _meets(version: str, operator: str, bound: str) -> bool:
    """Return whether a version meets one of Terraform's version constraints."""
    ours, theirs = version_key(version), version_key(bound)
    if operator == "~>":
        # The last written number may increase: "~> 7.12" is below 8, "~> 7.12.0" is below 7.13.
        kept = bound.split(".")[:-1]
        return ours >= theirs and list(ours[: len(kept)]) == [int(number) for number in kept]
    outcomes = {
        "=": ours == theirs,
        "!=": ours != theirs,
        ">=": ours >= theirs,
        "<=": ours <= theirs,
        ">": ours > theirs,
        "<": ours < theirs,
    }
    return outcomes[operator]


@dataclass(frozen=True)
class Behaviour:
    """The whole file.

    Attributes:
        facts: what changes without Terraform.
        providers: rules by the provider's short name.
    """

    facts: dict[str, Any]
    providers: dict[str, ProviderBehaviour]


Rules = TypeVar("Rules")

_NESTED: dict[str, type] = {
    "replace_on": Transition,
    "refused": Refusal,
    "read_back": ReadBack,
    "needs": Need,
    "used_by": Use,
    "checks": Check,
    "behind": Behind,
    "differences": Difference,
}


def _read(kind: type[Rules], table: dict[str, Any], where: str) -> Rules:
    names = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - names)
    if unknown:
        raise ValueError(f"{where}: no such rule: {', '.join(unknown)}")

    def value_of(name: str, value: Any) -> Any:
        if name in _NESTED:
            return tuple(_read(_NESTED[name], part, f"{where}.{name}") for part in value)
        # In a difference, `same` is a list of pairs; elsewhere it is a list of rules.
        if name == "same" and kind is ResourceRules:
            return tuple(_read(Same, part, f"{where}.{name}") for part in value)
        return value

    return kind(**{name: value_of(name, value) for name, value in table.items()})


def _with_blocks(rules: ResourceRules, blocks: dict[str, ResourceRules]) -> ResourceRules:
    """Return the rules of a resource together with those of its shared blocks."""
    for path, name in rules.blocks.items():
        block = blocks[name]

        def at(inner: str, path: str = path) -> str:
            return f"{path}.{inner}" if inner else path

        rules = dataclasses.replace(
            rules,
            replace=(*rules.replace, *map(at, block.replace)),
            filled_in=(*rules.filled_in, *map(at, block.filled_in)),
            defaults=rules.defaults | {at(inner): value for inner, value in block.defaults.items()},
            values=rules.values | {at(inner): value for inner, value in block.values.items()},
            sent=rules.sent | {at(inner): value for inner, value in block.sent.items()},
            patterns=rules.patterns | {at(inner): value for inner, value in block.patterns.items()},
            ignored_keys=rules.ignored_keys | {at(inner): value for inner, value in block.ignored_keys.items()},
            same=(*rules.same, *(dataclasses.replace(one, path=at(one.path)) for one in block.same)),
            read_back=(*rules.read_back, *(_below(one, at) for one in block.read_back)),
        )
    return rules


def _below(rule: ReadBack, at: Callable[[str], str]) -> ReadBack:
    when = {at(inner): value for inner, value in rule.when.items()}
    return dataclasses.replace(rule, path=at(rule.path), when=when)


@functools.cache
def behaviour(path: Path = BEHAVIOUR_FILE) -> Behaviour:
    """Return the content of the file, which is read once.

    Raises:
        ValueError: when it has a rule of an unknown kind.
    """
    content = tomllib.loads(path.read_text())
    providers = {}
    for name, table in content["provider"].items():
        own = dict(table)
        blocks = {block: _read(ResourceRules, rules, block) for block, rules in own.pop("block", {}).items()}
        resources = {kind: _with_blocks(_read(ResourceRules, rules, kind), blocks) for kind, rules in own.pop("resource", {}).items()}
        data = {kind: _read(DataRules, rules, f"data.{kind}") for kind, rules in own.pop("data", {}).items()}
        read = _read(ProviderBehaviour, own, name)
        providers[name] = dataclasses.replace(read, resources=resources, data_sources=data)
    return Behaviour(content["facts"], providers)


def schema_of(provider: str, resources: frozenset[str], data_sources: frozenset[str], rules: ProviderBehaviour) -> ProviderSchema:
    """Return the schema of the types, with every rule checked against it.

    Args:
        provider: the provider's short name.
        resources: resource types beside those that have rules.
        data_sources: data source types beside those that have rules.
        rules: the rules of one version, from `ProviderBehaviour.at`; their differences change the schema of the bindings.

    Raises:
        ValueError: when a rule names an attribute that the schema does not have.
        LookupError: when the bindings do not have a type.
    """
    schema = provider_schema(provider, resources.union(rules.resources), data_sources.union(rules.data_sources))
    changed = {name: schema.resources[name] for name in schema.resources}
    for difference in rules.differences:
        for name in difference.resources if difference.schema else ():
            changed[name] = _with_declaration(changed[name], difference.path, difference.schema or {})
    schema = dataclasses.replace(schema, resources=changed)
    for name, own in rules.resources.items():
        _check(name, own, schema.resources[name], rules)
    for name, data in rules.data_sources.items():
        _check(f"data.{name}", data, schema.data_sources[name], rules)
    return schema


def _with_declaration(block: Block, path: str, declaration: dict[str, Any]) -> Block:
    """Return a copy of the block in which the argument or block at the path is declared so."""
    block = copy.deepcopy(block)
    *blocks, last = path.split(".")
    inner = block
    for name in blocks:
        inner = inner["block_types"][name]["block"]
    inner["block_types" if "nesting_mode" in declaration else "attributes"][last] = declaration
    return block


def _check(name: str, rules: ResourceRules | DataRules, block: Block, provider: ProviderBehaviour) -> None:
    for path in rules.paths():
        made_up = path in ("digest", "address") or path.startswith(("facts.", "provider.")) or path in provider.inherit
        if not made_up and not has_path(block, path):
            raise ValueError(f"{name}: the schema has no {path}")


def has_path(block: Block, path: str) -> bool:
    """Return whether the block declares the path: an argument, a block, a key of a map or a member of an object."""
    head, _, rest = path.partition(".")
    if head in block["attributes"]:
        # Below an attribute there are the keys of a map or the members of an object, which have a type but no schema.
        return not rest or isinstance(block["attributes"][head]["type"], list)
    nested = block["block_types"].get(head)
    return nested is not None and (not rest or has_path(nested["block"], rest))
