"""What the provider SDK does with values: plans, replacements and the values that an apply leaves behind.

Owns the comparison of configuration, state and schema under the rules of ``behaviour``, as terraform-plugin-sdk v2 does it. Leaves to
``stand_in`` the protocol, and to ``gke`` and ``cloud`` what an API returns.
"""

from __future__ import annotations

import copy
import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rehearsal.behaviour import ReadBack, ResourceRules, holds
from rehearsal.provider_schema import Block, Type
from rehearsal.values import UNKNOWN, change, comparable, fill_in, first, is_blank, is_set, is_unknown, places

Steps: TypeAlias = tuple[str | int, ...]
"""A path as Terraform takes it: names, and positions in lists."""


@dataclass(frozen=True)
class Change:
    """A difference between state and plan.

    Attributes:
        path: the argument, or the block whose number changes.
        steps: the same for Terraform, with positions.
        before: the value in the state.
        after: the value in the plan.
    """

    path: str
    steps: Steps
    before: Any
    after: Any


# Values against a schema


def empty(block: Block) -> dict[str, Any]:
    """Return an object of the block in which nothing is set."""
    nothing: dict[str, Any] = dict.fromkeys(block["attributes"])
    for name, nested in block["block_types"].items():
        nothing[name] = {"single": None, "map": {}}.get(nested["nesting_mode"], [])
    return nothing


def conform(block: Block, value: dict[str, Any]) -> dict[str, Any]:
    """Return the value with exactly what the block declares, since it may come from a provider of another version."""
    result = empty(block)
    for name, attribute in block["attributes"].items():
        result[name] = conform_to_type(attribute["type"], value.get(name))
    for name, nested in block["block_types"].items():
        found = value.get(name)
        if isinstance(found, list):
            result[name] = [conform(nested["block"], element) for element in found]
        elif isinstance(found, dict) and nested["nesting_mode"] == "single":
            result[name] = conform(nested["block"], found)
        elif found:
            result[name] = found
    return result


def conform_to_type(kind: Type, value: Any) -> Any:
    """Return the value as a value of the type: objects have exactly their members."""
    if value is None or isinstance(kind, str) or is_unknown(value):
        return value
    collection, element = kind
    if collection == "object":
        return {name: conform_to_type(member, value.get(name)) for name, member in element.items()}
    if collection == "map":
        return {key: conform_to_type(element, part) for key, part in value.items()}
    return [conform_to_type(element, part) for part in value]


# Planning


def plan(block: Block, rules: ResourceRules, proposed: dict[str, Any], prior: dict[str, Any] | None) -> dict[str, Any]:
    """Return the planned object.

    Args:
        block: the schema of the resource.
        rules: its rules.
        proposed: what Terraform proposes: the configuration, with the state's values for computed attributes that it leaves out.
        prior: the state, or None for a new object.
    """
    planned: dict[str, Any] = _plan_block(block, rules, proposed, prior, "")
    return planned


def changes(block: Block, prior: dict[str, Any], planned: dict[str, Any]) -> list[Change]:
    """Return what changes. As in the SDK, a change of the timeouts alone is none, and neither is one from null to a zero value."""
    return [one for one in _changes(block, prior, planned, "", ()) if one.steps[0] != "timeouts"]


def replacements(rules: ResourceRules, changed: list[Change]) -> Iterator[Steps]:
    """Yield the paths of the changes that replace the object."""
    for one in changed:
        transition = any((rule.path, rule.before, rule.after) == (one.path, one.before, one.after) for rule in rules.replace_on)
        narrower = one.path in rules.replace_unless_wider and not _wider(one.before, one.after)
        if one.path in rules.replace or transition or narrower:
            yield one.steps


def _plan_block(block: Block, rules: ResourceRules, proposed: Any, prior: Any, path: str) -> Any:
    if proposed is None or is_unknown(proposed):
        return proposed
    planned = dict(proposed)
    for name, attribute in block["attributes"].items():
        planned[name] = _plan_attribute(rules, attribute, planned.get(name), prior, (path + name, name))
    for name, nested in block["block_types"].items():
        before = None if prior is None else prior.get(name)
        planned[name] = _plan_blocks(nested, rules, planned[name], before, path + name, new=prior is None)
    return planned


def _plan_attribute(rules: ResourceRules, attribute: dict[str, Any], value: Any, prior: Any, where: tuple[str, str]) -> Any:
    path, name = where
    if value is None and path in rules.defaults:
        value = rules.defaults[path]
    if value is None and attribute.get("computed") and prior is None:
        return UNKNOWN
    if prior is None or is_unknown(value):
        return value
    before = prior.get(name)
    if path in rules.ignored_keys and isinstance(before, dict):
        ignored = {key: part for key, part in before.items() if key.startswith(rules.ignored_keys[path])}
        value = {**ignored, **(value or {})} if ignored else value
    suppressed = any((rule.path, rule.state, rule.configuration) == (path, before, value) for rule in rules.same)
    return before if suppressed or (value is None and is_blank(before)) else value


def _plan_blocks(nested: dict[str, Any], rules: ResourceRules, proposed: Any, prior: Any, path: str, *, new: bool) -> Any:
    """Plan the blocks of one name. `new` says that the block around them is not in the state."""
    if not proposed and path in rules.filled_in:
        return UNKNOWN if new else prior
    if not proposed and prior and path in rules.off and holds(rules.off[path], prior):
        return prior
    block, mode, inside = nested["block"], nested["nesting_mode"], f"{path}."
    if mode == "map" and proposed:
        old = prior or {}
        return {key: _plan_block(block, rules, one, old.get(key), inside) for key, one in proposed.items()}
    if mode == "single":
        return _plan_block(block, rules, proposed, prior, inside)
    if not isinstance(proposed, list):
        return proposed
    return [_plan_block(block, rules, one, _counterpart(mode, prior or [], one, index), inside) for index, one in enumerate(proposed)]


def _counterpart(mode: str, before: list[Any], element: Any, index: int) -> Any:
    """Return the block that this one was before: by position in a list, by its configured values in a set."""
    if mode == "list":
        return before[index] if index < len(before) else None
    given = {key: value for key, value in element.items() if is_set(value)}
    return next((old for old in before if all(old.get(key) == value for key, value in given.items())), None)


def _changes(block: Block, prior: dict[str, Any], planned: dict[str, Any], path: str, steps: Steps) -> Iterator[Change]:
    # Terraform always sends the elements of a set in the same order, so sets compare like lists.
    for name in block["attributes"]:
        before, after = prior.get(name), planned.get(name)
        if before != after and not (is_blank(before) and is_blank(after)):
            yield Change(path + name, (*steps, name), before, after)
    for name, nested in block["block_types"].items():
        yield from _block_changes(nested, prior.get(name), planned.get(name), path + name, (*steps, name))


def _block_changes(nested: dict[str, Any], before: Any, after: Any, path: str, steps: Steps) -> Iterator[Change]:
    block, inside = nested["block"], f"{path}."
    if nested["nesting_mode"] == "single":
        if before != after:
            yield from _changes(block, before or {}, after or {}, inside, steps)
        return
    if is_unknown(after) or is_unknown(before):
        yield Change(path, steps, before, after)
        return
    old, new = before or [], after or []
    if len(old) != len(new):
        yield Change(path, steps, before, after)
    if nested["nesting_mode"] == "list":
        for index in range(max(len(old), len(new))):
            here = (*steps, index)
            if index >= len(old):
                yield from _in_new_block(block, new[index], inside, here)
            else:
                yield from _changes(block, old[index], new[index] if index < len(new) else {}, inside, here)
    elif comparable(old) != comparable(new):
        yield Change(path, steps, before, after)
        for element in (one for one in new if one not in old):
            yield from _in_new_block(block, element, inside, steps)


def _in_new_block(block: Block, element: dict[str, Any], inside: str, steps: Steps) -> Iterator[Change]:
    """Yield what a block that is added sets; what the API computes in it is no change."""
    return (one for one in _changes(block, {}, element, inside, steps) if not is_unknown(one.after))


def _wider(before: str, after: Any) -> bool:
    if not isinstance(after, str):
        return False
    outer, inner = ipaddress.IPv4Network(after), ipaddress.IPv4Network(before)
    return inner.subnet_of(outer)


# After the apply


@dataclass(frozen=True)
class Settling:
    """Gives every unknown of one object a value. The same object always gets the same values.

    Attributes:
        name: the type of the object.
        values: templates by path, with the id's under ``id``.
        state: what is known.
        provider: the configuration of the provider.
        facts: the facts of the cloud.
        sent: values that the provider sends for what is left out.
        filled_in: blocks that the API fills in.
    """

    name: str
    values: dict[str, Any]
    state: dict[str, Any]
    provider: dict[str, Any]
    facts: dict[str, Any]
    sent: dict[str, Any] = field(default_factory=dict)
    filled_in: tuple[str, ...] = ()

    def id(self) -> str | None:
        """Return the id, or None while something that it consists of is unknown."""
        known = self.state.get("id")
        if is_set(known) and not is_unknown(known):
            return str(known)
        if "id" in self.values:
            found = self.look_up("id")
            return None if is_unknown(found) else found
        return f"{self.name}/{_digest(comparable(self.state))}"

    def look_up(self, path: str) -> Any:
        """Return the value of a place in a template."""
        if path.startswith("facts."):
            return self.facts[path.removeprefix("facts.")]
        if path.startswith("provider."):
            return self.provider.get(path.removeprefix("provider."))
        if path in ("digest", "address"):
            digest = _digest(f"{self.name}:{self.id()}")
            # 198.18.0.0/15 is reserved for tests of network equipment, so no server responds there.
            return digest if path == "digest" else f"198.18.{int(digest[:2], 16)}.{int(digest[2:4], 16)}"
        found = first(self.state, path)
        if (found is None or is_unknown(found)) and path in self.values:
            template = self.values[path]
            undecided = any(is_unknown(self.look_up(part)) for part in places(template))
            return UNKNOWN if undecided else fill_in(template, self.look_up)
        return self.provider.get(path) if found is None else found

    def block(self, block: Block, value: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Return the block with nothing unknown left in it."""
        settled: dict[str, Any] = {}
        for name, attribute in block["attributes"].items():
            settled[name] = self._attribute(attribute, value.get(name), path + name)
        for name, nested in block["block_types"].items():
            found, here, inner = value.get(name), f"{path}{name}.", nested["block"]
            if is_unknown(found):
                found = [self._fresh(inner, here, given) for given in self._filled_in(path + name)]
            if isinstance(found, list):
                settled[name] = [self.block(inner, element, here) for element in found]
            elif nested["nesting_mode"] == "map":
                settled[name] = {key: self.block(inner, element, here) for key, element in (found or {}).items()}
            else:
                settled[name] = None if found is None else self.block(inner, found, here)
        return settled

    def _attribute(self, attribute: dict[str, Any], found: Any, path: str) -> Any:
        if path in self.sent and (found is None or is_unknown(found)):
            return self.sent[path]
        only_computed = attribute.get("computed") and not attribute.get("optional")
        if path in self.values and (is_unknown(found) or only_computed):
            return conform_to_type(attribute["type"], fill_in(self.values[path], self.look_up))
        return self._made_up(attribute["type"], path) if is_unknown(found) else found

    def _filled_in(self, path: str) -> list[dict[str, Any]]:
        """Return what is given of blocks that the API fills in: one block where a value inside is known, else none."""
        given: list[dict[str, Any]] | None = fill_in(self.values.get(path), self.look_up)
        if given is None:
            return [{}] if any(known.startswith(f"{path}.") for known in self.values) else []
        return given

    def _fresh(self, block: Block, inside: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return a block of which only `given` is known: what the API computes and fills in is unknown."""
        computed = {name: UNKNOWN for name, attribute in block["attributes"].items() if attribute.get("computed")}
        blocks = {name: UNKNOWN for name in block["block_types"] if inside + name in self.filled_in}
        return {**empty(block), **computed, **blocks, **given}

    def _made_up(self, kind: Type, path: str) -> Any:
        """Return a recognizable text, or an empty value where a text does not fit."""
        if path == "id":
            return self.id()
        if kind == "string":
            return f"{path.rpartition('.')[2]}-{_digest(f'{self.name}:{self.id()}/{path}')}"
        if isinstance(kind, str):
            return {"number": 0, "bool": False}.get(kind)
        return {"map": {}, "object": conform_to_type(kind, {}) if kind[0] == "object" else None}.get(kind[0], [])


def read_back(rule: ReadBack, new: dict[str, Any]) -> None:
    """Change the object, in place, as the API does."""

    def answer(configured: Any) -> Any:
        value = copy.deepcopy(rule.value)
        return {**value, **(configured or {})} if rule.merge else value

    change(new, rule.path, answer)


def _digest(seed: str) -> str:
    return hashlib.sha256(seed.encode()).hexdigest()[:12]
