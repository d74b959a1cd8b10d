"""The base of every configuration: a frozen pydantic model, and how it is checked.

Owns: the model that each construct's configuration extends, and running the rules between fields that such a model declares. Leaves to
others: the rules, which are beside the code that they concern, and faults (`faults`).

pydantic's own model validators run only when every field is valid, and stop at the first error. A file with three mistakes would need three
attempts. Here all faults are reported at once: if a value is refused, the rules run on the other values.

Tokens, which are values that are known only when Terraform plans or applies, are accepted for text, whole numbers, lists, maps and
nearly every choice of true and false. These checks are skipped for them:

- the rules about the form of a value, such as that of a name or of a range;
- the rules between values, where one that a rule reads is a token, or an item or entry of a list or map that it reads is one. A fault
  that is one with either value of an unknown choice is still reported;
- the warnings that depend on the value.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

from gitpod_pov.faults import NO_VALUE, VALUE_AT_KEY, Fault, Faults, faults_of, inner_faults, key_of
from gitpod_pov.tokens import AcceptTokens, accepting_tokens, is_token

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator
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
        return accepting_tokens(handler(source))

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
            found = [*faults_of(error, cls)]
            known_part = NO_VALUE
            if isinstance(data, Mapping):
                known_part, more = _known_part(cls, data, error)
                known_part = without_tokens(known_part)
                found += [*more, *_broken_rules(known_part)]
            raise Faults(found, known_part) from None
        known_part = without_tokens(configuration)
        if found := _broken_rules(known_part):
            raise Faults(found, known_part)
        return configuration


def known(configuration: Configuration, *fields: str) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each of these fields that is neither refused nor a token."""
    for field in fields:
        try:
            value = getattr(configuration, field)
        except RefusedValueError:
            continue
        if not is_token(value):
            yield field, value


def without_tokens(value: Any) -> Any:
    """Return a value as rules see it: where there are tokens in it, as if these were refused."""
    if isinstance(value, Configuration):
        values = {field: without_tokens(item) for field, item in value.__dict__.items() if not is_token(item)}
        same = len(values) == len(value.__dict__) and all(value.__dict__[field] is item for field, item in values.items())
        return value if same else _in_part(type(value), values, value.model_fields_set)
    if isinstance(value, tuple):
        places = value.places if isinstance(value, KnownItems) else range(len(value))
        items = {place: without_tokens(item) for place, item in zip(places, value, strict=True) if not is_token(item)}
        same = len(items) == len(places) and all(item is other for item, other in zip(items.values(), value, strict=True))
        return value if same else KnownItems.of(items, len(value))
    if isinstance(value, dict):
        entries = {key: without_tokens(item) for key, item in value.items() if not is_token(item) and not is_token(key)}
        refused = value.refused if isinstance(value, KnownEntries) else frozenset()
        same = len(entries) == len(dict.keys(value)) and all(value[key] is item for key, item in entries.items())
        return value if same else KnownEntries(entries, refused | (value.keys() - entries.keys()))
    return value


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

    Its length is that of the table as it was given. Reading a refused entry raises `RefusedValueError`.

    Attributes:
        refused: the keys of the refused entries.
    """

    def __init__(self, entries: Mapping[str, Any], refused: Iterable[Any]) -> None:
        super().__init__(entries)
        self.refused = frozenset(refused)

    def __len__(self) -> int:
        return super().__len__() + len(self.refused)

    def __contains__(self, key: object) -> bool:
        return self.get(key, NO_VALUE) is not NO_VALUE

    def __missing__(self, key: str) -> Any:
        raise RefusedValueError if key in self.refused else KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return an entry, or the default where the table has no such entry."""
        try:
            return self[key]
        except KeyError:
            return default


def _known_part(cls: type[Configuration], data: Mapping[str, Any], error: ValidationError) -> tuple[Configuration, list[Fault]]:
    """Return what is known of a refused configuration, and the faults that its lists and tables have beside their refused items."""
    values, faults = dict[str, Any](), list[Fault]()
    refused: dict[Any, dict[tuple[Any, ...], Any]] = {}  # what is known of each refused value, by field and path in the field
    for detail in error.errors(include_url=False):
        if key := key_of(detail):
            inner = inner_faults(detail)
            refused.setdefault(key[0], {})[key[1:]] = inner.known if inner else NO_VALUE
    for name, field in cls.model_fields.items():
        if name in refused:
            values[name], more = _known_of(refused[name], data.get(name), _adapter(cls, name))
            faults += (fault.below(name) for fault in more)
        elif name in data:
            values[name] = _adapter(cls, name).validate_python(data[name])
        else:
            values[name] = field.default
    return _in_part(cls, {name: value for name, value in values.items() if value is not NO_VALUE}, data), faults


def _in_part(cls: type[Configuration], values: dict[str, Any], given: Iterable[str]) -> Configuration:
    """Return a configuration that has these values and no others."""
    configuration = cls.__new__(cls)  # model_construct would add the defaults of the others
    object.__setattr__(configuration, "__dict__", values)
    object.__setattr__(configuration, "__pydantic_fields_set__", values.keys() & set(given))
    return configuration


@cache
def _adapter(cls: type[Configuration], field: str) -> TypeAdapter[Any]:
    annotation: Any = Annotated[cls.model_fields[field].rebuild_annotation(), AcceptTokens()]
    return TypeAdapter(annotation)


def _known_of(refused: Mapping[tuple[Any, ...], Any], given: Any, adapter: TypeAdapter[Any]) -> tuple[Any, list[Fault]]:
    """Return what is known of a refused value, `NO_VALUE` for nothing, and the faults that it has beside its refused items."""
    if () in refused or not isinstance(given, Mapping | list | tuple):
        return refused.get((), NO_VALUE), []
    items = dict(given) if isinstance(given, Mapping) else dict(enumerate(given))
    accepted = {place: item for place, item in items.items() if place not in {path[0] for path in refused}}
    in_part = {path[0]: value for path, value in refused.items() if len(path) == 1 and value is not NO_VALUE}
    faults: list[Fault] = []
    try:
        values = adapter.validate_python(accepted if isinstance(given, Mapping) else tuple(accepted.values()))
    except ValidationError as error:  # of a validator of the whole, which pydantic runs only where every item is valid
        inner = inner_faults(error.errors()[0])
        values = inner.known if inner else NO_VALUE
        for fault in inner.faults if inner else ():
            place, *below = fault.key
            faults.append(Fault((list(accepted)[place] if isinstance(place, int) else place, *below), fault.message, fault.value))
    if isinstance(values, Mapping):
        return KnownEntries({**values, **in_part}, items.keys() - values.keys() - in_part.keys()), faults
    if isinstance(values, tuple):
        return KnownItems.of({**dict(zip(accepted, values, strict=True)), **in_part}, len(items)), faults
    return NO_VALUE, faults


def _broken_rules(configuration: Configuration) -> list[Fault]:
    """Return the faults by the rules of a configuration that is known in part."""
    return [fault for rule in configuration.rules for fault in _faults_by(rule, configuration)]


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
            instead, items_in_part = [_without_items_in_part(configuration)], False
        found = [_faults_by(rule, other, items_in_part=items_in_part) for other in instead]
        faults += (fault for fault in (found or [[]])[0] if fault not in faults and all(fault in others for others in found))
    return faults


def _with_possible_values(configuration: Configuration, refused: RefusedValueError) -> list[Configuration]:
    """Return the configuration with every value that a refused field can have; nothing when they are too many, or it is an item's."""
    if configuration is refused.configuration:
        return [
            _in_part(type(configuration), {**configuration.__dict__, refused.field: value}, configuration.model_fields_set)
            for value in _possible_values(type(configuration), refused.field)
        ]
    for section, inner in configuration.__dict__.items():
        if isinstance(inner, Configuration) and (others := _with_possible_values(inner, refused)):
            return [
                _in_part(type(configuration), {**configuration.__dict__, section: other}, configuration.model_fields_set)
                for other in others
            ]
    return []


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


def _without_items_in_part(value: Any) -> Any:
    """Return a value without every item of a list or table in it of which a field is refused."""
    if isinstance(value, Configuration):
        values = {field: _without_items_in_part(item) for field, item in value.__dict__.items()}
        return _in_part(type(value), values, value.model_fields_set)
    if isinstance(value, KnownItems):
        items = zip(value.places, value, strict=True)
        return KnownItems.of({place: item for place, item in items if not _is_in_part(item)}, len(value))
    if isinstance(value, KnownEntries):
        entries = {key: item for key, item in value.items() if not _is_in_part(item)}
        return KnownEntries(entries, value.refused | (value.keys() - entries.keys()))
    return value


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
