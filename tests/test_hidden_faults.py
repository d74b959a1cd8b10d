"""A refused value hides no other fault, and invents none.

A fault can depend on the refused value. The tests tell such a fault by this: it is there with one other value in the same place, which
is not refused, and not with another.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from gitpod_pov.faults import Faults, show

import pytest

from deployment.model import Deployment
from deployment.schema import schema
from tests.stacks.test_inputs import ACCEPTED, REFUSED
from tests.test_rules import EXAMPLES

Content = dict[str, Any]
Key = tuple[str | int, ...]

NEVER_RIGHT = dt.time(10)
"""A value that TOML can express and that no key accepts."""

MINIMAL = {"project": "demo-project", "region": "us-central1"}
RIGHT: list[Content] = [
    *(tomllib.loads(example.text) for example in EXAMPLES if not example.refused),
    *({**MINIMAL, **sections} for sections in ACCEPTED),
    {
        "cluster": {
            "maintenance_window": {"start_time": "2027-01-02T00:00:00Z", "end_time": "2027-01-02T23:00:00Z"},
            "maintenance_exclusions": [{"name": "other", "start_time": "2026-01-01T00:00:00Z", "end_time": "2028-01-01T00:00:00Z"}],
        }
    },
    {"node_pool": {"taints": [{"key": "other"}]}},
]
WRONG = {
    **{example.rule: tomllib.loads(example.text) for example in EXAMPLES if example.refused},
    **{f"{message.partition(' ')[0]}{index}": {**MINIMAL, **sections} for index, (sections, message) in enumerate(REFUSED)},
}
SCHEMA = schema()


def faults_in(content: Content) -> set[tuple[Key, str, str]]:
    """Return each fault of a content: its key, its message without the number of exclusions, and its value."""
    try:
        Deployment.checked(content)
    except Faults as error:
        return {(fault.key, re.sub("[0-9]+ exclusions", "# exclusions", fault.message), show(fault.value)) for fault in error.faults}
    return set()


def schema_of(key: Key) -> dict[str, Any]:
    node = SCHEMA
    for part in key:
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return node


def value_at(content: Any, key: Key) -> Any:
    """Return the value at a key; None where there is none."""
    for part in key:
        if isinstance(part, int):
            content = content[part] if isinstance(content, list) and part < len(content) else None
        else:
            content = content.get(part) if isinstance(content, dict) else None
    return content


def with_value(content: Any, key: Key, value: Any) -> Any:
    if not key:
        return value
    first, rest = key[0], key[1:]
    if isinstance(first, int):
        return [*content[:first], with_value(content[first], rest, value), *content[first + 1 :]]
    return {**(content or {}), first: with_value((content or {}).get(first), rest, value)}


def all_keys(content: Any, key: Key = ()) -> Iterator[Key]:
    """Yield the keys of a content, and those that it could have; without those of a table that it would have to add with other keys."""
    node = schema_of(key)
    missing = {name for name in node.get("required", ()) if not isinstance(content, dict) or name not in content}
    names = [name for name in node.get("properties", {}) if missing <= {name}]
    if "properties" not in node and isinstance(content, dict):
        names = list(content)
    for part in names if not isinstance(content, list) else range(len(content)):
        yield (*key, part)
        yield from all_keys(value_at(content, (part,)), (*key, part))


def sound_keys(content: Content) -> Iterator[Key]:
    """Yield the keys without those of the content's faults, and without what holds them or is in them."""
    faulty = [key for key, _, _ in faults_in(content)]
    faulty += [key[:-1] for key in faulty if key[-1] == "type"]  # which decides what other keys there are
    for key in all_keys(content):
        if not any(key[: len(fault)] == fault[: len(key)] for fault in faulty):
            yield key


def other_values(key: Key) -> Iterator[Any]:
    """Yield values for a key that are not refused for themselves."""
    node = schema_of(key)
    yield from {"boolean": (True, False), "array": ([],), "object": ({},)}.get(node.get("type", ""), ())
    yield from node.get("enum", ())
    yield from (node[bound] for bound in ("minimum", "maximum") if bound in node)
    for content in RIGHT:
        table = value_at(content, key[:-1])
        if isinstance(table, list) or (isinstance(table, dict) and not node):
            yield from table.values() if isinstance(table, dict) else table
        elif (value := value_at(content, key)) is not None:
            yield value


def check(content: Content, changed: Content, key: Key, *, first: bool = False) -> None:
    """Check that the changed content has one more fault, at `key`, and otherwise those that it has whatever is there.

    Args:
        content: a content with faults.
        changed: the same with a value that is never right.
        key: where that value is.
        first: whether it is the new first item of a list.
    """
    before = set()
    for fault, *rest in faults_in(content):
        moved = first and fault[: len(key) - 1] == key[:-1] and len(fault) >= len(key)
        before.add(((*key[:-1], int(fault[len(key) - 1]) + 1, *fault[len(key) :]) if moved else fault, *rest))
    after = faults_in(changed)
    assert len([fault for fault in after if fault[0] == key]) == 1
    hidden, invented = before - after, {fault for fault in after - before if fault[0] != key}
    if hidden or invented:
        neighbours = value_at(changed, key[:-1])
        values = [value for value in other_values(key) if not isinstance(neighbours, list) or value not in neighbours]
        others = [faults_in(with_value(changed, key, value)) for value in values]
        assert not hidden.intersection(*others), key
        assert all(invented <= other for other in others), key


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_refused_value(content: Content) -> None:
    assert faults_in(content)
    for key in sound_keys(content):
        check(content, with_value(content, key, NEVER_RIGHT), key)


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_refused_item_or_entry(content: Content) -> None:
    for key in all_keys(content):
        node, value = schema_of(key), value_at(content, key)
        if node.get("type") == "array" and isinstance(value or [], list):
            items = value or []
            check(content, with_value(content, key, [NEVER_RIGHT, *items]), (*key, 0), first=True)
            check(content, with_value(content, key, [*items, NEVER_RIGHT]), (*key, len(items)))
        if node.get("type") == "object" and "properties" not in node and isinstance(value or {}, dict):
            check(content, with_value(content, (*key, "spoiled"), NEVER_RIGHT), (*key, "spoiled"))
