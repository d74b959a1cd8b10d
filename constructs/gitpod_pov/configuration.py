"""The base of every configuration, and how faults in one are told.

Owns: the frozen pydantic model that each construct's configuration extends, the cross-field rules such a model declares, and
`Fault`, the one form in which a refused value is reported. Leaves to others: the rules themselves, which stand beside what they
are about, and printing, which is the reader's of the file.

Why not plain pydantic: its model validators run only when every field is valid and stop at the first complaint, so a file with
three mistakes would need three attempts. Here every rule whose inputs are valid runs, and all faults come at once.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator


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
    value: object

    def below(self, *prefix: str | int) -> "Fault":
        """Return the same fault seen from a configuration that holds this one under `prefix`."""
        return Fault((*prefix, *self.key), self.message, self.value)

    def __str__(self) -> str:
        """Return `key: value message`, with the value made safe for a terminal."""
        key = ".".join(part if isinstance(part, str) else f"[{part}]" for part in self.key).replace(".[", "[")
        shown = "" if self.value is NO_VALUE else f"{show(self.value)} "
        return f"{printable(key)}: {shown}{self.message}" if key else f"{shown}{self.message}"


NO_VALUE = object()
_LONGEST_SHOWN = 80


def show(value: object) -> str:
    """Return a value as Python would write it: control characters escaped, cut after 80 characters."""
    return _cut(ascii(value) if not isinstance(value, str) else f"'{printable(value)}'")


def printable(text: str) -> str:
    """Return the text with every character escaped that a terminal would act on or not show, cut after 80 characters."""
    return _cut("".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


class Faults(ValueError):  # noqa: N818 - it is several errors, and reads so
    """Every fault found in one configuration."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
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
    declaration order; when some fields are invalid, the rules that do not need those still run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rules: ClassVar[tuple[Callable[[Any], Iterator[Fault]], ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            configuration = handler(data)
        except ValidationError as error:
            found = faults_of(error, tuple(cls.model_fields))
            known = _without_faulty_fields(cls, data, {fault.key[0] for fault in found if fault.key})
            raise Faults([*found, *_rules_that_can_run(known)]) from None
        refuse(fault for rule in cls.rules for fault in rule(configuration))
        return configuration


def _without_faulty_fields(cls: type[Configuration], data: Any, faulty: set[str | int]) -> Configuration:
    """Return what is valid of a refused configuration; reading one of its faulty fields raises AttributeError."""
    known = cls.model_construct()
    for name, field in cls.model_fields.items():
        if name in faulty or not isinstance(data, dict):
            known.__dict__.pop(name, None)
        elif name in data:
            known.__dict__[name] = TypeAdapter(field.rebuild_annotation()).validate_python(data[name])
    return known


def _rules_that_can_run(known: Configuration) -> Iterator[Fault]:
    for rule in known.rules:
        try:
            yield from tuple(rule(known))
        except AttributeError:  # the rule needs a field that is refused already
            continue


def faults_of(error: ValidationError, known_keys: tuple[str, ...] = ()) -> list[Fault]:
    """Return the faults that a pydantic error tells of, in the words of this product.

    Args:
        error: the error of a model or of a single field.
        known_keys: the keys from which the nearest is suggested for an unknown one.
    """
    found: list[Fault] = []
    for detail in error.errors(include_url=False):
        key, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
        inner = context.get("error")
        if isinstance(inner, Faults):
            found += (fault.below(*key) for fault in inner.faults)
        elif kind == "extra_forbidden":
            near = difflib.get_close_matches(str(key[-1]), known_keys, n=1)
            way_out = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known_keys)}"
            found.append(Fault(key, f"unknown key, {way_out}", NO_VALUE))
        elif kind == "missing":
            found.append(Fault(key, "is required", NO_VALUE))
        else:
            found.append(Fault(key, str(inner) if inner else _ALLOWED.get(kind, detail["msg"]).format(**context), detail["input"]))
    return found


# What pydantic's own checks allow, worded to read on from the value.
_ALLOWED = {
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "must have one of the types {expected_tags}",
    "union_tag_not_found": "needs a type",
}
