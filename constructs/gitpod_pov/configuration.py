"""The base of every configuration, and how faults in one are told.

Owns: the frozen pydantic model that each construct's configuration extends, the cross-field rules such a model declares, and
`Fault`, the one form in which a refused value is reported. Leaves to others: the rules themselves, which stand beside what they
are about, and printing, which is the reader's of the file.

Why not plain pydantic: its model validators run only when every field is valid and stop at the first complaint, so a file with
three mistakes would need three attempts. Here every rule whose inputs are valid runs, and all faults come at once.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from itertools import islice
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

NO_VALUE = object()
_LONGEST_SHOWN = 80
_DEEPEST_SHOWN = 3
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Fault:
    """One refused value.

    Attributes:
        key: the path to the value, outermost key first; empty for a fault of the whole.
        message: what is allowed and the way out, in lower case and without a full stop; it reads on from the value.
        value: the value as it was given; `NO_VALUE` where there is none to show.
    """

    key: tuple[str | int, ...]
    message: str
    value: object = NO_VALUE

    def below(self, *prefix: str | int) -> "Fault":
        """Return the same fault seen from a configuration that holds this one under `prefix`."""
        return Fault((*prefix, *self.key), self.message, self.value)

    @property
    def rank(self) -> tuple[object, ...]:
        """Where the fault stands among others: by key, items of a list by their number."""
        return (*((0, part, "") if isinstance(part, int) else (1, 0, part) for part in self.key), (2, 0, self.message))

    def __str__(self) -> str:
        """Return `key: value message` on one line, with nothing in it that a terminal would act on."""
        shown = self.message if self.value is NO_VALUE else f"{show(self.value)} {self.message}"
        return f"{_path(self.key)}: {shown}" if self.key else shown


def _path(key: tuple[str | int, ...]) -> str:
    """Return the key as TOML would write it, but for the numbers of list items: `zones[1]`, `labels."a/b"`."""
    parts = (
        f"[{part}]" if isinstance(part, int) else f".{printable(part)}" if _BARE_KEY.fullmatch(part) else f'."{printable(part)}"'
        for part in key
    )
    return "".join(parts).removeprefix(".")


def show(value: object) -> str:
    """Return a value as TOML would write it, on one line: control characters escaped, cut after 80 characters."""
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
    """Return the text safe for a terminal, cut after 80 characters."""
    return _cut(escaped(text[: _LONGEST_SHOWN + 1]))


def escaped(text: str) -> str:
    """Return the text with every character escaped that a terminal would act on or not show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


class Faults(ValueError):  # noqa: N818 - it is several errors, and reads so
    """Every fault found in one configuration or in one value.

    Attributes:
        faults: each of them.
        known: what is valid of a refused configuration; reading one of its refused fields raises AttributeError.
    """

    def __init__(self, faults: Iterable[Fault], known: "Configuration | None" = None) -> None:
        self.faults = tuple(faults)
        self.known = known
        super().__init__("; ".join(str(fault) for fault in self.faults))


def refuse(faults: Iterable[Fault]) -> None:
    """Raise `Faults` if there is any.

    Raises:
        Faults: with every fault given.
    """
    if found := tuple(faults):
        raise Faults(found)


class Configuration(BaseModel):
    """A frozen, strictly typed configuration: no unknown keys, no conversion between types.

    A subclass lists its cross-field rules in `rules`: functions that take the configuration and yield faults. They run in
    declaration order; when some fields are refused, a rule runs until it reads one of those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rules: ClassVar[tuple[Callable[[Any], Iterator[Fault]], ...]] = ()

    @classmethod
    def checked(cls, data: Any) -> Self:
        """Return the configuration that the data describes.

        Raises:
            Faults: with every fault in the data, where pydantic's own `model_validate` would raise a `ValidationError` around them.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise error.errors()[0]["ctx"]["error"] from None

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            configuration = handler(data)
        except ValidationError as error:
            known = _valid_part(cls, data, error)
            raise Faults([*faults_of(error, cls), *_broken_rules(known)], known) from None
        if found := [fault for rule in cls.rules for fault in rule(configuration)]:
            raise Faults(found, configuration)
        return configuration


def _valid_part(cls: type[Configuration], data: Any, error: ValidationError) -> Configuration:
    """Return what is valid of a refused configuration, so that the rules that need no more can still run."""
    known = cls.model_construct()
    refused = {detail["loc"][0]: _inner(detail) for detail in error.errors() if detail["loc"]}
    lists = {detail["loc"][0] for detail in error.errors() if int in map(type, detail["loc"])}  # an item is not the list
    for name, field in cls.model_fields.items():
        if name in refused or not isinstance(data, dict):
            known.__dict__.pop(name, None)
            if (inner := refused.get(name)) and inner.known and name not in lists:
                known.__dict__[name] = inner.known
        elif name in data:
            known.__dict__[name] = TypeAdapter(field.rebuild_annotation()).validate_python(data[name])
    return known


def _inner(detail: ErrorDetails) -> Faults | None:
    inner = detail.get("ctx", {}).get("error")
    return inner if isinstance(inner, Faults) else None


def _broken_rules(known: Configuration) -> Iterator[Fault]:
    for rule in known.rules:
        with suppress(AttributeError):  # the rule needs a field that is refused already
            yield from rule(known)


def faults_of(error: ValidationError, model: type[BaseModel] | None = None) -> Iterator[Fault]:
    """Yield the faults that a pydantic error tells of, in the words of this product.

    Args:
        error: the error of a model or of a single value.
        model: the model whose keys and descriptions help where a key is unknown or missing.
    """
    fields = model.model_fields if model else {}
    for detail in error.errors(include_url=False):
        kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
        key = detail["loc"][:-1] if detail["loc"][-1:] == ("[key]",) else detail["loc"]  # pydantic's mark for a key of a table
        if inner := _inner(detail):
            yield from (fault.below(*key) for fault in inner.faults)
        elif kind == "extra_forbidden":
            near = difflib.get_close_matches(str(key[-1]).lower(), fields, n=1)
            way_out = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(fields)}"
            yield Fault(key, f"unknown key, {way_out}")
        elif kind == "missing":
            description = fields[str(key[-1])].description or ""
            yield Fault(key, f"is required: {description.rstrip('.')}")
        elif kind == "union_tag_not_found":
            yield Fault((*key, _tag(context)), "is required, it decides which other keys there are")
        elif kind == "union_tag_invalid":
            yield Fault((*key, _tag(context)), f"must be one of {context['expected_tags']}", value[_tag(context)])
        elif kind == "value_error":
            yield Fault(key, str(context["error"]), value)
        else:
            yield Fault(key, ALLOWED.get(kind, detail["msg"]).format(**context) + _quotes(kind, value), value)


def _tag(context: dict[str, Any]) -> str:
    return str(context["discriminator"]).strip("'")


def _quotes(kind: str, value: object) -> str:
    if kind == "string_type" and not isinstance(value, dict | list):
        return ", in quotes"
    return ", without quotes" if kind in {"int_type", "bool_type"} and isinstance(value, str) else ""


# What pydantic's own checks allow, worded to read on from the value.
ALLOWED = {
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be one of {expected}",
}
