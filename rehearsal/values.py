"""Values as they travel between Terraform and a provider, and the dotted paths that name their parts.

Owns what the other modules share: the unknown value, reading and writing along a path, the comparison of versions, and the text
templates of ``behaviour.toml``. A path such as ``node_config.machine_type`` names an attribute inside blocks. A list of blocks is not
a step of the path: the path continues in each of its elements.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgpack  # type: ignore[import-untyped]

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""Terraform's encoding of a value that is only known after the apply."""


def is_unknown(value: Any) -> bool:
    """Return whether the value is only known after the apply."""
    return isinstance(value, msgpack.ExtType)


def is_set(value: Any) -> bool:
    """Return whether a configuration sets the value; null and an absent block do not."""
    return value is not None and value not in ([], {})


def is_blank(value: Any) -> bool:
    """Return whether the provider SDK cannot tell the value from null: false, zero, an empty text or collection."""
    return not is_unknown(value) and not value


def readable(value: Any) -> Any:
    """Return the value for readers and for JSON: unknowns spelled out, nulls left out."""
    if is_unknown(value):
        return "(known after apply)"
    if isinstance(value, dict):
        return {key: readable(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [readable(part) for part in value]
    return value


def parts(value: Any, path: str) -> Iterator[Any]:
    """Yield every value that the path names, in order: one for each block that it passes through."""
    if not path:
        yield value
        return
    head, _, rest = path.partition(".")
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, dict) and head in element:
            yield from parts(element[head], rest)


def first(value: Any, path: str) -> Any:
    """Return the first value that the path names, or None."""
    return next(parts(value, path), None)


def change(value: Any, path: str, new: Callable[[Any], Any]) -> int:
    """Replace, in place, every value that the path names.

    Args:
        value: the object or the list of blocks that the path starts in.
        path: the blocks on the way must exist, the last name need not.
        new: returns the new value for the present one, which is None where there is none.

    Returns:
        how many values were replaced.
    """
    head, _, rest = path.partition(".")
    count = 0
    for element in value if isinstance(value, list) else [value]:
        if not isinstance(element, dict):
            continue
        if rest:
            count += change(element.get(head), rest, new)
        else:
            element[head] = new(element.get(head))
            count += 1
    return count


def comparable(value: Any) -> str:
    """Return a text that is equal for equal values."""
    return json.dumps(readable(value), sort_keys=True, default=str)


def version_key(version: str) -> tuple[int, ...]:
    """Return the numbers of a version for comparison: ``7.12`` equals ``7.12.0``, ``1.35.8-gke.2`` is older than ``1.35.8-gke.10``."""
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


_PLACE = re.compile(r"\{([\w.]+)\}")


def fill_in(template: Any, look_up: Callable[[str], Any]) -> Any:
    """Replace every ``{path}`` of a template, also inside lists and tables.

    A template that consists of one place keeps the value unchanged, null included. ``base64:`` encodes what follows it,
    ``unbase64:`` decodes it.
    """
    if isinstance(template, list):
        return [fill_in(part, look_up) for part in template]
    if isinstance(template, dict):
        return {key: fill_in(part, look_up) for key, part in template.items()}
    return _fill_in_text(template, look_up) if isinstance(template, str) else template


def _fill_in_text(template: str, look_up: Callable[[str], Any]) -> Any:
    whole = _PLACE.fullmatch(template)
    if whole:
        return look_up(whole[1])
    coding, _, rest = template.partition(":")
    if coding == "base64":
        return base64.b64encode(str(_fill_in_text(rest, look_up)).encode()).decode()
    if coding == "unbase64":
        return base64.b64decode(str(_fill_in_text(rest, look_up))).decode()

    def place(match: re.Match[str]) -> str:
        value = look_up(match[1])
        return "" if value is None else str(value)

    return _PLACE.sub(place, template)


def places(template: Any) -> Iterator[str]:
    """Yield the paths that a template refers to."""
    if isinstance(template, list):
        for part in template:
            yield from places(part)
    elif isinstance(template, dict):
        yield from places(list(template.values()))
    elif isinstance(template, str):
        yield from _PLACE.findall(template)


def values_of(template: str, text: str) -> dict[str, str] | None:
    """Return what stands in the places of a template when it is filled in as the text, or None when it cannot be.

    A place holds no slash, or, in a template with spaces, no space.
    """
    place = r"[^ ]+" if " " in template else r"[^/]+"
    pattern = re.sub(r"\\\{([\w.]+)\\\}", rf"(?P<\1>{place})", re.escape(template))
    match = re.fullmatch(pattern, text)
    return match.groupdict() if match else None
