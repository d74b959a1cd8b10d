"""Values as they travel between Terraform and a provider, and the dotted paths that name their parts.

Owns what the other modules share: the unknown value, reading and writing along a path, and the text templates of
``behaviour.toml``. A path such as ``node_config.machine_type`` names an attribute inside blocks; lists of blocks are
passed through, element by element.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgpack  # type: ignore[import-untyped]

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""What Terraform sends, and expects, for a value that only the apply will tell."""


def is_unknown(value: Any) -> bool:
    return isinstance(value, msgpack.ExtType)


def is_set(value: Any) -> bool:
    """Whether a configuration says something: null and an absent block do not."""
    return value is not None and value not in ([], {})


def readable(value: Any) -> Any:
    """A value for people and for JSON: unknowns spelled out, nulls left away."""
    if is_unknown(value):
        return "(known after apply)"
    if isinstance(value, dict):
        return {key: readable(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [readable(part) for part in value]
    return value


def parts(value: Any, path: str) -> Iterator[Any]:
    """Every value that the path names, in order: one for an attribute, one for each block it passes through."""
    if not path:
        yield value
        return
    head, _, rest = path.partition(".")
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, dict) and head in element:
            yield from parts(element[head], rest)


def first(value: Any, path: str) -> Any:
    return next(parts(value, path), None)


def change(value: Any, path: str, new: Callable[[Any], Any]) -> None:
    """Replace, in place, every value that the path names."""
    head, _, rest = path.partition(".")
    for element in value if isinstance(value, list) else [value]:
        if isinstance(element, dict) and head in element:
            if rest:
                change(element[head], rest, new)
            else:
                element[head] = new(element[head])


def comparable(value: Any) -> str:
    return json.dumps(readable(value), sort_keys=True, default=str)


_PLACE = re.compile(r"\{([\w.]+)\}")


def fill_in(template: Any, look_up: Callable[[str], Any]) -> Any:
    """Replace every ``{path}`` of a template, also inside lists and tables.

    A template that is one place only takes over the value as it is, null included. ``base64:`` encodes what follows,
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
    """The paths that a template refers to."""
    if isinstance(template, list):
        for part in template:
            yield from places(part)
    elif isinstance(template, dict):
        yield from places(list(template.values()))
    elif isinstance(template, str):
        yield from _PLACE.findall(template)
