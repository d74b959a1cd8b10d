"""The base of every configuration: a frozen pydantic model, and how it is checked.

Owns: the model that each construct's configuration extends, and running the rules between fields that such a model declares. Leaves to
others: the rules, which are beside the code that they concern, and faults (`faults`).

pydantic's own model validators run only when every field is valid, and stop at the first error. A file with three mistakes would need three
attempts. Here all faults are reported at once: each field is checked by itself, and has `Faults` in the place of a refused value. The
rules then run on the other values.

Tokens, which are values that are known only when Terraform plans or applies, are accepted for text, whole numbers, lists, maps and
nearly every choice of true and false. These checks are skipped for them:

- the rules about the form of a value, such as that of a name or of a range;
- the rules between values, where one that a rule reads is a token, or an item or entry of a list or map that it reads is one. A fault
  that is one with either value of an unknown choice is still reported;
- the warnings that depend on the value.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, Union, cast, get_args, get_origin

from gitpod_pov.faults import NO_VALUE, VALUE_AT_KEY, Fault, Faults, faults_of, missing_key, unknown_key
from gitpod_pov.tokens import collecting_faults, is_token

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import CoreSchema


class RefusedValueError(Exception):
    """A rule reads a value that is refused, or a token.

    Attributes:
        configuration: the configuration of which it is a field; None when it is an item or an entry.
        field: the field.
    """

    def __init__(self, configuration: "Configuration | None" = None, field: str = "") -> None:
        super().__init__()
        self.configuration, self.field = configuration, field


Rule = Callable[[Any], Iterator[Fault]]


class Configuration(BaseModel):
    """A frozen, strictly typed configuration: no unknown keys, no conversion between types.

    A subclass lists its rules in `rules`: functions that take the configuration and yield faults. They run in declaration order. A rule
    can end where it reads a refused value, and then misses what it would find after that. So a rule is about one thing; one that goes
    through several fields does so with `known`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rules: ClassVar[tuple[Rule, ...]] = ()

    if not TYPE_CHECKING:  # a type checker would accept every name

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise RefusedValueError(self, name)
            return super().__getattr__(name)

    @property
    def without_effect(self) -> frozenset[str]:
        """Fields whose values have no effect beside those of other fields."""
        return frozenset()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cast("CoreSchema", collecting_faults(handler(source)))

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
        unknown: list[Fault] = []
        if isinstance(data, dict):
            fields = cls.model_fields
            unknown = [unknown_key(key, fields) for key in data if key not in fields]
            given = {key: value for key, value in data.items() if key in fields}
            missing = {name: missing_key(name, cls) for name, field in fields.items() if field.is_required() and name not in data}
            data = {**given, **missing}
        try:
            configuration = handler(data)
        except ValidationError as error:
            raise Faults([*faults_of(error), *unknown]) from None
        known_part = without_tokens(configuration)
        broken = (fault for rule in cls.rules for fault in _faults_by(rule, known_part))
        if found := [*_refusals(configuration.__dict__), *unknown, *broken]:
            raise Faults(found, known_part)
        return configuration


def known(configuration: Configuration, *fields: str) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each of these fields that is neither refused nor a token."""
    for field in fields:
        with suppress(RefusedValueError):
            if not is_token(value := getattr(configuration, field)):
                yield field, value


def without_tokens(value: Any, *, whole_items: bool = False) -> Any:
    """Return a value as rules see it, `NO_VALUE` for nothing: without its tokens, and without what is refused in it.

    Args:
        value: the value.
        whole_items: whether to leave out every item of a list or table of which a field is missing.
    """
    if isinstance(value, Faults):
        return without_tokens(value.known, whole_items=whole_items)
    if is_token(value):
        return NO_VALUE

    def known_items(items: dict[Any, Any], *, whole: bool) -> dict[Any, Any]:
        """Return what is known of the values of a dictionary, and the dictionary itself where that is everything."""
        seen = {
            place: without_tokens(item, whole_items=whole_items)
            for place, item in items.items()
            if not isinstance(place, Faults) and not is_token(place)
        }
        kept = {place: item for place, item in seen.items() if item is not NO_VALUE and not (whole and _is_in_part(item))}
        same = kept.keys() == dict.keys(items) and all(item is dict.get(items, place) for place, item in kept.items())
        return items if same else kept

    if isinstance(value, Configuration):
        values = known_items(value.__dict__, whole=False)
        return value if values is value.__dict__ else _in_part(type(value), values, value.model_fields_set)
    if isinstance(value, tuple):
        given = dict(zip(value.places if isinstance(value, KnownItems) else range(len(value)), value, strict=True))
        items = known_items(given, whole=whole_items)
        return value if items is given else KnownItems.of(items, len(value))
    if isinstance(value, dict):
        entries = known_items(value, whole=whole_items)
        return value if entries is value else KnownEntries(entries, len(value))
    return value


def _refusals(value: Any) -> Iterator[Fault]:
    """Yield the faults of what is refused in a value."""
    if isinstance(value, Faults):
        yield from value.faults
        yield from _refusals(value.known)
    for place, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ():
        key: Any = place
        faults = [*_refusals(item)]
        if isinstance(place, Faults):  # a refused key of a table, which its fault has as the value
            key, faults = place.faults[0].value, [*place.faults, *faults]
        yield from (fault.below(key) for fault in faults)


class KnownItems(tuple[Any, ...]):  # noqa: SLOT001 - Python allows no slots in it
    """A list without its refused items, as a rule sees it.

    Its length is that of the list as it was given. Whether a value is in it is unknown, unless it is among these items.

    Attributes:
        places: for each item its index in the list as it was given.
    """

    places: tuple[int, ...]
    _length: int

    @classmethod
    def of(cls, items: Mapping[int, Any], length: int) -> Self:
        """Return the items, each given under its index in a list of that length."""
        known_items = cls(item for _, item in sorted(items.items()))
        known_items.places, known_items._length = tuple(sorted(items)), length
        return known_items

    def __len__(self) -> int:
        return self._length

    def __contains__(self, value: object) -> bool:
        if not super().__contains__(value):
            raise RefusedValueError
        return True


class KnownEntries(dict[str, Any]):
    """A table without its refused entries, as a rule sees it.

    Its length is that of the table as it was given. What another key holds is unknown, and so is whether it is in the table.
    """

    def __init__(self, entries: Mapping[str, Any], length: int) -> None:
        super().__init__(entries)
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key):
            raise RefusedValueError
        return True

    def get(self, key: str, default: Any = None) -> Any:
        """Return an entry; never the default, because the table can have the key."""
        return super().get(key, default) if key in self else default


def _in_part(cls: type[Configuration], values: dict[str, Any], given: Iterable[str]) -> Configuration:
    """Return a configuration that has these values and no others."""
    configuration = cls.__new__(cls)  # model_construct would add the defaults of the others
    object.__setattr__(configuration, "__dict__", values)
    object.__setattr__(configuration, "__pydantic_fields_set__", values.keys() & set(given))
    return configuration


def _faults_by(rule: Rule, configuration: Configuration, *, items_in_part: bool = True) -> list[Fault]:
    """Return the faults by one rule, those first that it has before it reads a refused value.

    Then it runs with every value that could be there, if these can be counted: what is a fault with all of them is one. Else it runs
    without the items that are known in part, of which the refused value may be one's.
    """
    faults: list[Fault] = []
    try:
        for fault in rule(configuration):
            faults.append(_as_given(configuration, fault))  # noqa: PERF401 - it can end early
    except RefusedValueError as refused:
        instead = _with_possible_values(configuration, refused)
        if not instead and items_in_part:
            instead, items_in_part = [without_tokens(configuration, whole_items=True)], False
        found = [_faults_by(rule, other, items_in_part=items_in_part) for other in instead]
        faults += (fault for fault in (found or [[]])[0] if fault not in faults and all(fault in others for others in found))
    return faults


def _with_possible_values(configuration: Configuration, refused: RefusedValueError) -> list[Configuration]:
    """Return the configuration with every value that a refused field can have; nothing when they are too many, or it is an item's."""
    if configuration is refused.configuration:
        changes = [{refused.field: value} for value in _possible_values(type(configuration), refused.field)]
    else:
        sections = {name: value for name, value in configuration.__dict__.items() if isinstance(value, Configuration)}
        changes = [{name: other} for name, section in sections.items() for other in _with_possible_values(section, refused)]
    return [_in_part(type(configuration), configuration.__dict__ | change, configuration.model_fields_set) for change in changes]


@cache
def _possible_values(cls: type[Configuration], field: str) -> tuple[Any, ...]:
    """Return the values of a field of true and false, or of certain strings; nothing for other fields."""
    annotation = cls.model_fields[field].annotation
    values: list[Any] = []
    for kind in get_args(annotation) if get_origin(annotation) in {UnionType, Union} else (annotation,):
        choice = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if get_origin(choice) is Literal:
            values += get_args(choice)
        elif choice in {bool, NoneType}:
            values += (True, False) if choice is bool else (None,)
        else:
            return ()
    return tuple(values)


def _is_in_part(item: Any) -> bool:
    return isinstance(item, Configuration) and not item.__dict__.keys() >= type(item).model_fields.keys()


def _as_given(value: Any, fault: Fault) -> Fault:
    """Return a fault as one of the configuration as it was given: with the index of an item in the whole list, and with the value."""
    key: list[str | int] = []
    for part in fault.key:
        key.append(value.places[part] if isinstance(value, KnownItems) and isinstance(part, int) else part)
        entries = value.__dict__ if isinstance(value, Configuration) else value if isinstance(value, dict) else {}
        value = value[part] if isinstance(value, tuple) and isinstance(part, int) else dict.get(entries, part)
    at_key = value if isinstance(value, str | int) else NO_VALUE
    return Fault(tuple(key), fault.message, at_key if fault.value is VALUE_AT_KEY else fault.value)
