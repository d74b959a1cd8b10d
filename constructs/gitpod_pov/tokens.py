"""Tokens: how cdktf writes values that are known only when Terraform plans or applies, such as the outputs of other resources.

Owns: recognizing tokens, the types of fields that accept them, and changing a pydantic schema so that tokens pass it. Leaves to others:
which rules are skipped for a token (`configuration`).

Tokens are recognized here, because `Token.is_unresolved` would call Node for every value. The encodings are those of
cdktf 0.21, packages/cdktf/lib/tokens/private/encoding.ts, whose documentation is
https://developer.hashicorp.com/terraform/cdktf/concepts/tokens
"""

import struct
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar, cast

from gitpod_pov.faults import Fault, Faults

from cdktf import IResolvable, Token
from pydantic import Field, GetCoreSchemaHandler
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


def _as_tuple(value: Any) -> tuple[str, ...]:
    return tuple(value if isinstance(value, list | tuple) else Token.as_list(value))


def _as_map(value: Any) -> dict[str, str]:
    return value if isinstance(value, dict) else dict(Token.as_string_map(value))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else Token.as_string(value)


def _as_number(value: Any) -> float:
    return value if isinstance(value, float) else Token.as_number(value)


def _as_boolean(value: Any) -> IResolvable:
    return cast("IResolvable", Token.as_any(value) if isinstance(value, str) else value)


_CONVERSIONS = {"str": _as_text, "literal": _as_text, "int": _as_number, "tuple": _as_tuple, "dict": _as_map}
"""How a token is written for a field, by the type of the field's schema."""

# What a token of another kind can stand for. The functions of `cdktf.Fn` return text for lists and maps.
_ACCEPTED: Mapping[str, tuple[type, ...]] = {
    "int": (str, float),
    "tuple": (str, list, tuple),
    "dict": (str, dict),
    "str": (str,),
    "literal": (str,),
    "bool": (str,),
}


def _passing(kind: str, value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    plain = isinstance(value, str | float | list | tuple | dict)
    if (isinstance(value, _ACCEPTED[kind]) or not plain) and is_token(value):
        return _as_boolean(value) if kind == "bool" else _CONVERSIONS[kind](value)
    return handler(value)


def _known_at_synth(value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, bool) and is_token(value):
        raise Faults([Fault((), "must be known at synth, because it decides which resources there are: use true or false, not a token")])
    return handler(value)


def _no_token(value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    if any(map(is_token, [value, *(value if isinstance(value, list | tuple) else ())])):
        raise Faults([Fault((), "must be known at synth, because it decides which arguments there are: use the value itself, not a token")])
    return handler(value)


def _wrapped(kind: str, schema: CoreSchema) -> CoreSchema:
    return core_schema.no_info_wrap_validator_function(partial(_passing, kind), schema)


def accepting_tokens(schema: CoreSchema) -> CoreSchema:
    """Return a schema of a model's fields, or of one field, that accepts tokens for text, whole numbers, lists and maps.

    It does not descend into the models that a field holds: their own schemas accept tokens.
    """
    return cast("CoreSchema", _accepting(cast("dict[str, Any]", schema), in_field=schema["type"] not in {"model", "function-wrap"}))


def _accepting(schema: dict[str, Any], *, in_field: bool) -> dict[str, Any]:
    if "fields" in schema:
        fields = {name: {**field, "schema": _accepting(field["schema"], in_field=True)} for name, field in schema["fields"].items()}
        return {**schema, "fields": fields}
    if not in_field or schema["type"] == "default":
        return {**schema, "schema": _accepting(schema["schema"], in_field=in_field)} if "schema" in schema else schema
    kind = _kind(schema)
    if kind == "literal" and len(_innermost(schema)["expected"]) == 1:  # a discriminator, which pydantic allows no validator
        return schema
    if kind == "bool" and not _is_boolean(schema):
        return cast("dict[str, Any]", core_schema.no_info_wrap_validator_function(_known_at_synth, cast("CoreSchema", schema)))
    if kind not in _CONVERSIONS or _holds_models(_innermost(schema)) or KnownAtSynth.__name__ in schema.get("metadata", {}):
        return schema
    return cast("dict[str, Any]", _wrapped(kind, cast("CoreSchema", _with_items(schema))))


def _holds_models(schema: dict[str, Any]) -> bool:
    parts = schema["items_schema"] if schema["type"] == "tuple" else [schema["values_schema"]] if schema["type"] == "dict" else []
    return any(_kind(part) == "model" for part in parts)


def _with_items(schema: dict[str, Any]) -> dict[str, Any]:
    if "schema" in schema:
        return {**schema, "schema": _with_items(schema["schema"])}
    changed = dict(schema)
    if schema["type"] == "tuple":
        changed["items_schema"] = [_accepting(item, in_field=True) for item in schema["items_schema"]]
    if schema["type"] == "dict":
        changed |= {part: _accepting(schema[part], in_field=True) for part in ("keys_schema", "values_schema")}
    return changed


def _innermost(schema: dict[str, Any]) -> dict[str, Any]:
    while "schema" in schema and schema["type"] != "model":
        schema = schema["schema"]
    return schema


def _kind(schema: dict[str, Any]) -> str:
    return str(_innermost(schema)["type"])


def _is_boolean(schema: dict[str, Any]) -> bool:
    """Return whether the field is a `Boolean`, which accepts tokens."""
    return schema["type"] == "function-wrap" or ("schema" in schema and _is_boolean(schema["schema"]))


class AcceptTokens:
    """A mark of an annotation: the field accepts tokens."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        return _wrapped("bool", schema) if source is bool else accepting_tokens(schema)


class KnownAtSynth:
    """A mark of an annotation: the field accepts no token."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(_no_token, handler(source), metadata={KnownAtSynth.__name__: True})


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
