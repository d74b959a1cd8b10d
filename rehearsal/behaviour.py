"""What no schema holds: the reader of ``behaviour.toml``.

Owns the shape of that file, a rule for each kind of fact, and refuses a rule that names an attribute which the schema
does not have: a misspelt rule would otherwise be silently without effect. The facts themselves, and their reasons,
stand in the file.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rehearsal.provider_schema import Block, ProviderSchema, provider_schema
from rehearsal.values import places

BEHAVIOUR_FILE = Path(__file__).with_name("behaviour.toml")

Condition = dict[str, Any]
"""Value by path, all of which must hold. ``"*"`` stands for any value that is set, a list for one of several."""


@dataclass(frozen=True)
class Transition:
    """Replacement only where a value changes from one to another."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Refusal:
    """A combination of values that is an error.

    at: in what was written, found by the `plan`, or in what comes of it, found by the `apply`
    """

    when: Condition
    message: str
    at: str = "plan"


@dataclass(frozen=True)
class ReadBack:
    """The API answers with something other than what was configured.

    merge: add the keys that are missing in a map, instead of replacing it
    """

    path: str
    value: Any
    when: Condition = field(default_factory=dict)
    merge: bool = False


@dataclass(frozen=True)
class Need:
    """Another object that must exist when this one is created, and what must hold for it.

    if_managed: the object may also exist without Terraform's doing; only if a plan announced it, it must come first
    """

    type: str
    id: str
    message: str
    when: Condition = field(default_factory=dict)
    must: Condition = field(default_factory=dict)
    if_managed: bool = False


@dataclass(frozen=True)
class ResourceRules:
    """id: template of the object's identity, which nobody else may have
    shared: creating what already exists is fine, for example switching on an API
    taken_over_when: the condition under which creating what already exists is fine
    forgotten_when_unreachable: the provider drops the object from the state while it cannot reach the API
    blocks: blocks whose rules stand in the file once for several resources, by path; there, paths start at the block
    replace: paths whose change replaces the object; a path to a block means the number of blocks
    replace_on, replace_unless_wider: the same under a condition; the second for address ranges, which may grow in place
    defaults: values of arguments that were left out
    values: templates of what the provider computes; they may build on each other
    filled_in: blocks that the API fills in when they are left out
    sensitive: paths that Terraform must not show
    patterns: regular expressions for whole values
    conflicts: groups of which one may be set
    destroy_guard: path of the argument that forbids destruction while it is true
    kept_when: the object outlives its resource
    """

    id: str = ""
    shared: bool = False
    taken_over_when: Condition = field(default_factory=dict)
    forgotten_when_unreachable: bool = False
    blocks: dict[str, str] = field(default_factory=dict)
    replace: tuple[str, ...] = ()
    replace_on: tuple[Transition, ...] = ()
    replace_unless_wider: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    filled_in: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    patterns: dict[str, str] = field(default_factory=dict)
    conflicts: tuple[tuple[str, ...], ...] = ()
    refused: tuple[Refusal, ...] = ()
    read_back: tuple[ReadBack, ...] = ()
    needs: tuple[Need, ...] = ()
    destroy_guard: str = ""
    kept_when: Condition = field(default_factory=dict)

    def paths(self) -> Iterator[str]:
        """Every path into the resource's own schema that a rule names."""
        yield from (*self.replace, *self.replace_unless_wider, *self.filled_in, *self.sensitive)
        yield from (*self.defaults, *self.values, *self.patterns, *self.kept_when, *self.taken_over_when)
        yield from (path for group in self.conflicts for path in group)
        yield from (transition.path for transition in self.replace_on)
        yield from (read_back.path for read_back in self.read_back)
        conditions = [rule.when for rule in self.refused] + [rule.when for rule in self.read_back]
        yield from (path for when in [*conditions, *(rule.when for rule in self.needs)] for path in when)
        yield from (path for rule in self.needs for path in places(rule.id))
        yield from places([self.id, self.values])
        if self.destroy_guard:
            yield self.destroy_guard


@dataclass(frozen=True)
class DataRules:
    """reads: the resource type among whose objects this data source looks
    values: templates of its answers
    """

    reads: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()

    def paths(self) -> Iterator[str]:
        yield from (*self.values, *self.sensitive)
        yield from places(self.values)


@dataclass(frozen=True)
class Check:
    """What the object behind a provider expects of an argument of the provider."""

    argument: str
    expected: str
    message: str


@dataclass(frozen=True)
class Behind:
    """One way to the object whose API the provider talks to. The first check finds it, the others must then hold."""

    type: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class ProviderBehaviour:
    """address: as Terraform writes it
    inherit: arguments that a resource takes over from the provider
    patterns: regular expressions for the provider's own arguments
    scope: template, from the provider's arguments, of what keeps objects of the same name apart
    """

    address: str
    inherit: tuple[str, ...] = ()
    patterns: dict[str, str] = field(default_factory=dict)
    scope: str = ""
    behind: tuple[Behind, ...] = ()
    resources: dict[str, ResourceRules] = field(default_factory=dict)
    data_sources: dict[str, DataRules] = field(default_factory=dict)


@dataclass(frozen=True)
class Behaviour:
    """The whole file: the facts of the world and, by short name, the providers."""

    facts: dict[str, Any]
    providers: dict[str, ProviderBehaviour]


Rules = TypeVar("Rules")

_NESTED: dict[str, type] = {
    "replace_on": Transition,
    "refused": Refusal,
    "read_back": ReadBack,
    "needs": Need,
    "checks": Check,
    "behind": Behind,
}


def _read(kind: type[Rules], table: dict[str, Any], where: str) -> Rules:
    names = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(table) - names)
    if unknown:
        raise ValueError(f"{where}: no such rule: {', '.join(unknown)}")
    read = {
        name: tuple(_read(_NESTED[name], part, f"{where}.{name}") for part in value) if name in _NESTED else value
        for name, value in table.items()
    }
    return kind(**read)


def _with_blocks(rules: ResourceRules, blocks: dict[str, ResourceRules]) -> ResourceRules:
    """The rules of a resource and those of its shared blocks, as if they stood in one place."""
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
            patterns=rules.patterns | {at(inner): value for inner, value in block.patterns.items()},
            read_back=(*rules.read_back, *(_below(one, at) for one in block.read_back)),
        )
    return rules


def _below(rule: ReadBack, at: Callable[[str], str]) -> ReadBack:
    when = {at(inner): value for inner, value in rule.when.items()}
    return dataclasses.replace(rule, path=at(rule.path), when=when)


@functools.cache
def behaviour(path: Path = BEHAVIOUR_FILE) -> Behaviour:
    """The file, read once."""
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
    """The schema of the types, with every rule checked against it."""
    schema = provider_schema(provider, resources.union(rules.resources), data_sources.union(rules.data_sources))
    for name, own in rules.resources.items():
        _check(name, own, schema.resources[name], rules)
    for name, data in rules.data_sources.items():
        _check(f"data.{name}", data, schema.data_sources[name], rules)
    return schema


def _check(name: str, rules: ResourceRules | DataRules, block: Block, provider: ProviderBehaviour) -> None:
    for path in rules.paths():
        made_up = path in ("digest", "address") or path.startswith(("facts.", "provider.")) or path in provider.inherit
        if not made_up and not has_path(block, path):
            raise ValueError(f"{name}: the schema has no {path}")


def has_path(block: Block, path: str) -> bool:
    head, _, rest = path.partition(".")
    if head in block["attributes"]:
        # Below an attribute stand the keys of a map or the members of an object: a type, but no schema of their own.
        return not rest or isinstance(block["attributes"][head]["type"], list)
    nested = block["block_types"].get(head)
    return nested is not None and (not rest or has_path(nested["block"], rest))
