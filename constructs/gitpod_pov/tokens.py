"""Tokens: how cdktf writes values that are known only when Terraform plans or applies, such as the outputs of other resources.

Owns: recognizing tokens, the types of fields that accept them, and changing a pydantic schema so that tokens pass it, and so that a
refused value leaves its faults in its place. Leaves to others: which rules are skipped for a token or a refused value (`configuration`).

Tokens are recognized here, because `Token.is_unresolved` would call Node for every value. The encodings are those of
cdktf 0.21, packages/cdktf/lib/tokens/private/encoding.ts, whose documentation is
https://developer.hashicorp.com/terraform/cdktf/concepts/tokens
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

from gitpod_pov.faults import Fault, Faults, refused

from cdktf import IResolvable, Token
from pydantic import Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

_TEXT, _LIST_ITEM, _MAP_KEY = "${TfToken[", "#{TfToken[", "&{TfToken["
_NUMBER = 0xFDFF  # the first two bytes of the double
_RESOLVABLE_MODULES = ("jsii.", "cdktf.", "cdktf_cdktf_provider_")  # those of classes whose instances may be an IResolvable


def is_token(value: object) -> bool:
    """Return whether a value is a token or a text that contains one. A list or a map is a token only as a whole."""
    match value:
        case str():
            return _TEXT in value
        case float():
            return bool(struct.unpack(">H", struct.pack(">d", value)[:2])[0] == _NUMBER)
        case list() | tuple():
            return len(value) == 1 and any(isinstance(item, str) and item.startswith(_LIST_ITEM) for item in value)
        case dict():
            return len(value) == 1 and any(isinstance(key, str) and key.startswith(_MAP_KEY) for key in value)
        case _:
            return f"{type(value).__module__}.".startswith(_RESOLVABLE_MODULES) and Token.is_unresolved(value)


_COLLECTING = "gitpod_pov.collecting"
_ACCEPTED: Mapping[str, tuple[type, ...]] = {
    "int": (str, float),
    "tuple": (str, list, tuple),
    "dict": (str, dict),
    "str": (str,),
    "literal": (str,),
    "bool": (str,),
}
"""What a token can be where a field has the schema of a type. The functions of `cdktf.Fn` return text for lists and maps."""


def _converted(kind: str, token: Any) -> Any:
    """Return a token as it is written for a field with the schema of this type."""
    match kind:
        case "int":
            return token if isinstance(token, float) else Token.as_number(token)
        case "tuple":
            return tuple(token if isinstance(token, list | tuple) else Token.as_list(token))
        case "dict":
            return token if isinstance(token, dict) else dict(Token.as_string_map(token))
        case "bool":
            return Token.as_any(token) if isinstance(token, str) else token
        case _:
            return token if isinstance(token, str) else Token.as_string(token)


def _passing(kind: str, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    """Return a token as it is, the value that the schema makes of another value, or the faults of a refused value in its place."""
    if isinstance(value, Faults):
        return value
    plain = isinstance(value, str | float | list | tuple | dict)
    if kind in _ACCEPTED and (isinstance(value, _ACCEPTED[kind]) or not plain) and is_token(value):
        return _converted(kind, value)
    try:
        return handler(value)
    except ValidationError as error:
        return refused(error)


def _known_at_synth(decides: str, instead: str, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    if any(map(is_token, [value, *(value if isinstance(value, list | tuple) else ())])):
        message = f"must be known during synthesis, because it determines which {decides} there are: use {instead}, not a token"
        raise Faults([Fault((), message)])
    return handler(value)


def _wrapped(schema: Any, function: Callable[..., Any], *arguments: str, **metadata: Any) -> Any:
    return core_schema.no_info_wrap_validator_function(partial(function, *arguments), schema, metadata=metadata)


def collecting_faults(schema: Any) -> Any:
    """Return the schema of a model with fields that accept tokens, and that have `Faults` as their values where they are refused.

    It does not descend into the models that a field holds: their own schemas are like this.
    """
    if "fields" in schema:
        fields = {name: {**field, "schema": _in_field(field["schema"])} for name, field in schema["fields"].items()}
        return {**schema, "fields": fields}
    return {**schema, "schema": collecting_faults(schema["schema"])} if "schema" in schema else schema


def _in_field(schema: dict[str, Any]) -> Any:
    if schema["type"] == "default":
        return {**schema, "schema": _in_field(schema["schema"])}
    innermost, kind, marks = _innermost(schema), _innermost(schema)["type"], schema.get("metadata", {})
    if _COLLECTING in marks:  # the schema of a model that another one holds
        return schema
    if kind == "literal" and len(innermost["expected"]) == 1:  # a discriminator, which pydantic allows no validator
        return schema
    schema = _with_items(schema)
    if kind == "bool" and AcceptTokens.__name__ not in innermost.get("metadata", {}):
        schema, kind = _wrapped(schema, _known_at_synth, "resources", "true or false"), ""
    if KnownAtSynth.__name__ in marks:
        schema, kind = _wrapped(schema, _known_at_synth, "arguments", "the value itself"), ""
    return _wrapped(schema, _passing, "" if _holds_models(innermost) else kind, **{_COLLECTING: True})


def _holds_models(schema: dict[str, Any]) -> bool:
    parts = schema["items_schema"] if schema["type"] == "tuple" else [schema["values_schema"]] if schema["type"] == "dict" else []
    return any(_innermost(part)["type"] == "model" for part in parts)


def _with_items(schema: dict[str, Any]) -> dict[str, Any]:
    if "schema" in schema and schema["type"] != "model":
        return {**schema, "schema": _with_items(schema["schema"])}
    changed = dict(schema)
    if schema["type"] == "tuple":
        changed["items_schema"] = [_in_field(item) for item in schema["items_schema"]]
    if schema["type"] == "dict":
        changed |= {part: _in_field(schema[part]) for part in ("keys_schema", "values_schema")}
    return changed


def _innermost(schema: dict[str, Any]) -> dict[str, Any]:
    while "schema" in schema and schema["type"] != "model":
        schema = schema["schema"]
    return schema


class _Mark:
    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: Any = handler(source)
        return cast("CoreSchema", {**schema, "metadata": {**schema.get("metadata", {}), type(self).__name__: True}})


class AcceptTokens(_Mark):
    """A mark of the annotation of a boolean: the field accepts tokens."""


class KnownAtSynth(_Mark):
    """A mark of an annotation: the field accepts no token."""


# What a type checker sees is what can be passed; pydantic sees what is kept.
if TYPE_CHECKING:
    _Kept = TypeVar("_Kept")
    Choice: TypeAlias = _Kept | str  # a token is any text
    Nested: TypeAlias = _Kept | Any  # a model, or a dict of its fields; a union with Mapping would have to be narrowed wherever it is read
    Items = Sequence
    Table = Mapping
    Number = float
    Boolean = bool | IResolvable
else:

    class Choice:
        """One of certain texts."""

        def __class_getitem__(cls, item: Any) -> Any:
            return item

    Nested = Choice

    class Items:
        """A list, kept as a tuple."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[tuple[item, ...], Field(strict=False)]

    Table = dict
    Number = int
    Boolean = Annotated[bool, AcceptTokens()]
