"""Faults: refused values, and the line that reports each of them.

Owns: `Fault`, the form in which every refused value is reported; `Faults`, the exception that carries all of them; how a value is shown
in a message; and the text for everything that pydantic refuses. Leaves to others: the rules, which are beside the code that they concern,
running them (`configuration`), and the name of the file, which its reader adds.

pydantic's own text never appears, because it describes Python types instead of TOML and keys.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from itertools import islice
from typing import Any

from gitpod_pov.descriptions import descriptions

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

NO_VALUE = object()
VALUE_AT_KEY = object()
# A message shows a value, its key, and at times another value: together less than 300 characters.
_LONGEST_SHOWN = 80
_LONGEST_KEY = _LONGEST_WORD = 200
_DEEPEST_SHOWN = 3
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONG_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
# Python calls these printable, although they are invisible: https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


@dataclass(frozen=True)
class Fault:
    """One refused value.

    Attributes:
        key: the path to the value, outermost key first; empty for a fault of the whole.
        message: what is allowed and the remedy, in lower case and without a full stop; it reads on from the value.
        value: the value as it was given; `NO_VALUE` where there is none to show. If a rule leaves it out, it is the value at the key, if
            that is a text, a number or a boolean.
    """

    key: tuple[str | int, ...]
    message: str
    value: object = VALUE_AT_KEY

    def below(self, *prefix: str | int) -> "Fault":
        """Return the same fault as seen from a configuration that holds this one under `prefix`."""
        return Fault((*prefix, *self.key), self.message, self.value)

    @property
    def rank(self) -> tuple[object, ...]:
        """The fault's place among others: by key, the items of a list by their number, then by message."""
        return (*((0, part, "") if isinstance(part, int) else (1, 0, part) for part in self.key), (2, 0, self.message))

    def __str__(self) -> str:
        """Return `key: value message`: one line, with control characters escaped and long values cut."""
        # A rule can quote another value, such as a name, in its message. Such a value has no spaces.
        message = _LONG_WORD.sub(lambda word: _cut(word[0], _LONGEST_WORD), escaped(self.message))
        shown = message if self.value is NO_VALUE or self.value is VALUE_AT_KEY else f"{show(self.value)} {message}"
        return f"{_path(self.key)}: {shown}" if self.key else shown


def _path(key: tuple[str | int, ...]) -> str:
    """Return the key as TOML writes it, except for the numbers of list items: `zones[1]`, `labels."a/b"`."""
    parts = (
        f"[{part}]" if isinstance(part, int) else f".{printable(part)}" if _BARE_KEY.fullmatch(part) else f'."{printable(part)}"'
        for part in key[:_LONGEST_KEY]
    )
    return _cut("".join(parts).removeprefix("."), _LONGEST_KEY)


def show(value: object) -> str:
    """Return a value as TOML writes it, on one line: control and invisible characters escaped, cut after 80 characters."""
    return f"'{printable(value)}'" if isinstance(value, str) else _cut(_inline(value, _DEEPEST_SHOWN))


def _inline(value: object, depth: int) -> str:
    match value:
        case str():
            return f"'{printable(value)}'"
        case bool():
            return str(value).lower()
        case int():
            # Python refuses to write a very long number in decimal.
            return str(value) if value.bit_length() <= _LONGEST_SHOWN * 4 else hex(value)
        case date() | time():
            return value.isoformat()
        case dict() | list() | tuple():
            return _container(value, depth) if depth else "…"
        case _:
            return printable(repr(value))


def _container(value: dict[str, object] | list[object] | tuple[object, ...], depth: int) -> str:
    if isinstance(value, dict):
        items = (f"{_path((key,))} = {_inline(item, depth - 1)}" for key, item in value.items())
        return f"{{{', '.join(islice(items, _LONGEST_SHOWN))}}}"
    return f"[{', '.join(_inline(item, depth - 1) for item in value[:_LONGEST_SHOWN])}]"


def printable(text: str) -> str:
    """Return the text as a terminal can show it, cut after 80 characters."""
    return _cut(escaped(text[: _LONGEST_SHOWN + 1]))


def escaped(text: str) -> str:
    """Return the text with control characters and invisible characters escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() and not _INVISIBLE.match(c) else c.encode("unicode_escape").decode() for c in text)


def _cut(text: str, longest: int = _LONGEST_SHOWN) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class Faults(ValueError):  # noqa: N818 - it contains several errors
    """Every fault of one configuration or of one value.

    Attributes:
        faults: each of them.
        known: the part of the refused value that rules can still use; `NO_VALUE` if there is none.
    """

    def __init__(self, faults: Iterable[Fault], known: object = NO_VALUE) -> None:
        self.faults = tuple(faults)
        self.known = known
        super().__init__("; ".join(str(fault) for fault in self.faults))


def refuse(faults: Iterable[Fault], known: object = NO_VALUE) -> None:
    """Raise `Faults` if there is any.

    Args:
        faults: the faults.
        known: the part of the value that rules can still use, such as a list in which an item is listed twice.

    Raises:
        Faults: with every fault given.
    """
    if found := tuple(faults):
        raise Faults(found, known)


def inner_faults(detail: ErrorDetails) -> Faults | None:
    """Return the faults that a validator of ours raised inside pydantic, if this is such an error."""
    error = detail.get("ctx", {}).get("error")
    return error if isinstance(error, Faults) else None


def faults_of(error: ValidationError) -> Iterator[Fault]:
    """Yield the faults of a pydantic error."""
    for detail in error.errors(include_url=False):
        if inner := inner_faults(detail):
            yield from (fault.below(*detail["loc"]) for fault in inner.faults)
        else:
            yield _fault(detail)


def refused(error: ValidationError) -> Faults:
    """Return a pydantic error of one value as its faults, with the part of it that is known."""
    inner = inner_faults(error.errors()[0])
    return Faults(faults_of(error), inner.known if inner else NO_VALUE)


def unknown_key(key: Any, known_keys: Iterable[str]) -> Fault:
    """Return the fault of a key that a configuration does not have."""
    if not isinstance(key, str):
        return Fault((key,), "must have a string as its key", key)
    near = difflib.get_close_matches(key.lower(), known_keys, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"the known keys are {', '.join(known_keys)}"
    return Fault((key,), f"unknown key; {remedy}")


def missing_key(key: str, model: type[BaseModel]) -> Faults:
    """Return the fault of a key that a model requires, in the place of its value."""
    return Faults([Fault((), f"is required: {descriptions(model)[key].rstrip('.')}")])


def _fault(detail: ErrorDetails) -> Fault:
    key, value, context = detail["loc"], detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "union_tag_not_found":
            return Fault((*key, _tag(context)), "is required; it decides which other keys are allowed")
        case "union_tag_invalid":
            return Fault((*key, _tag(context)), f"must be {' or '.join(context['expected_tags'].rsplit(', ', 1))}", value[_tag(context)])
        case "value_error":
            return Fault(key, str(context["error"]), value)
        case kind:
            return Fault(key, ALLOWED.get(kind, NO_WORDS).format(**context) + _quotes(kind, value), value)


def _tag(context: dict[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _quotes(kind: str, value: object) -> str:
    if kind == "string_type" and not isinstance(value, dict | list):
        return ", in quotes"
    return ", without quotes" if kind in {"int_type", "bool_type"} and isinstance(value, str) else ""


# What pydantic's own checks allow, by the type of its error, worded to read on from the value.
ALLOWED = {
    "string_type": "must be a string",
    "string_unicode": "must be text in UTF-8",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
}
# For a type of error that `ALLOWED` lacks; tests/test_properties.py fails on it.
NO_WORDS = "is not allowed here"
