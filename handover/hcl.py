"""Writes a Terraform configuration in JSON syntax as HCL text.

Owns: which arguments are blocks, their order, blank lines and comments. Leaves to others: strings and expressions
(`handover/hcl_expressions.py`), and the texts of the comments (`handover/comments.py`).

The text is formatted as by `terraform fmt`. The order follows Terraform's style guide: arguments before blocks, `count` and `for_each`
first, `lifecycle` and `depends_on` last. A blank line surrounds an argument that has a comment or several lines.

JSON syntax does not show whether an argument is a block. The provider bindings do, and `rehearsal.provider_schema` reads them; it imports
nothing else of the rehearsal. `EXCEPTIONS` lists the arguments for which the bindings are wrong or have no form. An unknown string, number
or boolean is an attribute, because a block cannot be one.

python-hcl2 8.1.4 also writes HCL from dictionaries. It is not used, because it writes no comments, leaves the quoting of strings to its
caller, and aligns values of several lines where `terraform fmt` does not, so that `terraform fmt -check` fails.

References:
    Style: https://developer.hashicorp.com/terraform/language/style
"""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from handover.hcl_expressions import HclError, Lines, Reading, assignments, indented, is_flat, is_heredoc, object_key, string
from rehearsal.provider_schema import Block, provider_schema

Json: TypeAlias = dict[str, Any]

WIDTH = 120
"""The column after which comments, lists and expressions continue on the next line where HCL allows it."""

Comments: TypeAlias = Mapping[str, Mapping[str, str]]
"""Comments by address and path, as in `{"google_container_cluster.cluster": {"": "...", "addons_config.http_load_balancing": "..."}}`.

Addresses are those of Terraform, such as `google_container_cluster.cluster`, `data.google_client_config.client`, `module.cluster`,
`var.project`, `output.endpoint` and `provider.google`. Other blocks have their type: `terraform`, `locals`, `moved`.

The empty path is the block itself. A path separates arguments by dots. Keys that are not identifiers and elements of lists are in brackets:
`node_config.labels[gitpod.io/ide]`, `lifecycle.ignore_changes[node_config]`, `secondary_ip_range[1].range_name`. Without a number, a path
means the first of several blocks. A comment whose path does not exist in the configuration is ignored.
"""


class ArgumentForm(NamedTuple):
    """An argument for which the bindings have a wrong form or none.

    Attributes:
        path: `provider.` and the provider's name, the type of a resource or `data.` and the type of a data source, then the argument with
            the blocks around it.
        form: its form.
        source: where the form is documented.
    """

    path: str
    form: Literal["attribute", "block"]
    source: str


_HELM_PROVIDER = "https://github.com/hashicorp/terraform-provider-helm/blob/v3.1.1/helm/provider.go"
_HELM_RELEASE = "https://github.com/hashicorp/terraform-provider-helm/blob/v3.1.1/helm/resource_helm_release.go"

EXCEPTIONS = (
    ArgumentForm("provider.helm.experiments", "attribute", _HELM_PROVIDER),
    ArgumentForm("provider.helm.kubernetes", "attribute", _HELM_PROVIDER),
    ArgumentForm("provider.helm.registries", "attribute", _HELM_PROVIDER),
    ArgumentForm("helm_release.postrender", "attribute", _HELM_RELEASE),
    ArgumentForm("helm_release.timeouts", "attribute", _HELM_RELEASE),
)


@dataclass(frozen=True)
class Form:
    """The form of a block.

    Attributes:
        blocks: the nested blocks by name.
        labels: how many labels the block has.
        attributes: the other arguments; None for any.
        reading: how Terraform reads strings, except those in `readings`.
        readings: how Terraform reads the strings of certain arguments.
        first: the arguments that come first, in this order.
        spaced: whether the other arguments are sorted, and those with several lines are surrounded by blank lines.
    """

    blocks: Mapping[str, "Form"] = field(default_factory=dict)
    labels: int = 0
    attributes: frozenset[str] | None = None
    reading: Reading = "template"
    readings: Mapping[str, Reading] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    spaced: bool = False


_TEXT = Form(reading="text")
_CONDITION = Form(first=("condition", "error_message"))
_LIFECYCLE = Form(
    blocks={"precondition": _CONDITION, "postcondition": _CONDITION},
    readings={"ignore_changes": "reference", "replace_triggered_by": "reference"},
)
_RESOURCE = Form(
    blocks={"lifecycle": _LIFECYCLE},
    labels=2,
    readings={"depends_on": "reference", "provider": "reference"},
    first=("count", "for_each", "provider"),
    spaced=True,
)
_REQUIRED_PROVIDERS = Form(reading="requirement")
_DYNAMIC = Form(readings={"iterator": "reference"}, first=("for_each", "iterator", "labels"))
_WORKSPACES = Form(blocks={"workspaces": _TEXT}, reading="text")
_LANGUAGE = {
    "terraform": Form(
        blocks={"required_providers": _REQUIRED_PROVIDERS, "backend": replace(_WORKSPACES, labels=1), "cloud": _WORKSPACES},
        reading="text",
    ),
    "provider": Form(labels=1, readings={"alias": "text", "version": "text"}, first=("alias",), spaced=True),
    "variable": Form(
        blocks={"validation": _CONDITION},
        labels=1,
        readings={"type": "type", "description": "text", "default": "text"},
        first=("type", "description", "default", "nullable", "sensitive"),
    ),
    "locals": Form(spaced=True),
    "data": _RESOURCE,
    "resource": _RESOURCE,
    "module": Form(
        labels=1,
        readings={"depends_on": "reference", "providers": "reference"},
        first=("source", "version", "count", "for_each", "providers"),
        spaced=True,
    ),
    "output": Form(
        blocks={"precondition": _CONDITION},
        labels=1,
        readings={"depends_on": "reference", "description": "text"},
        first=("description", "value", "sensitive"),
    ),
    "moved": Form(reading="reference"),
    "import": Form(readings={"provider": "reference", "to": "reference"}, first=("for_each", "provider", "to", "id")),
}
_ADDRESSES = {"resource": (), "variable": ("var",)}
_NAMES = ("name", "account_id", "service", "exclusion_name", "range_name", "key", "value", "project", "location", "region", "start_time")
_LAST = ("timeouts", "lifecycle", "depends_on")
_CONSTANTS = {"None": "null", "True": "true", "False": "false"}
_UNKNOWN: Block = {"attributes": {}, "block_types": {}}


@dataclass(frozen=True)
class Forms:
    """The forms of providers, resources and data sources, as the provider bindings state them.

    Attributes:
        blocks: the form of a block by its address without a name: `provider.google`, `google_container_cluster` or
            `data.google_client_config`.
    """

    blocks: Mapping[str, Form]

    @classmethod
    def of(cls, contents: Iterable[Json]) -> "Forms":
        """Read the forms that configurations need. Each binding is read once, in about half a second: ask for all at once.

        Raises:
            HclError: when no binding is installed for a provider, or when it does not know a type.
        """
        used: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for content in contents:
            for section in ("provider", "resource", "data"):
                for (label,), _ in _labelled(content.get(section, {}), 1):
                    used[label.partition("_")[0]][section].add(label)
        blocks = {"data.terraform_remote_state": _RESOURCE, "terraform_data": _RESOURCE}  # built in: no binding, no blocks
        for provider in sorted(used.keys() - {"terraform"}):
            try:
                schema = provider_schema(provider, frozenset(used[provider]["resource"]), frozenset(used[provider]["data"]))
            except LookupError as error:
                raise HclError(str(error)) from None
            found = {f"provider.{provider}": schema.provider, **schema.resources}
            found |= {f"data.{kind}": block for kind, block in schema.data_sources.items()}
            blocks |= {path: _form(block, path) for path, block in found.items()}
        return cls(blocks)

    def form(self, section: str, labels: Sequence[str]) -> Form:
        """Return the form of a block at the top of a configuration."""
        if section not in _LANGUAGE:
            raise HclError(f"{section}: not a block that a hand-over has, use one of {', '.join(_LANGUAGE)}")
        language = _LANGUAGE[section]
        if section not in ("provider", "resource", "data"):
            return language
        form = self.blocks[".".join((*_ADDRESSES.get(section, (section,)), labels[0]))]
        return replace(language, blocks={**form.blocks, **language.blocks}, attributes=form.attributes)


def hcl(content: Json, forms: Forms, comments: Comments = MappingProxyType({}), order: Sequence[str] = ()) -> str:
    """Return a configuration as HCL.

    Args:
        content: the configuration in JSON syntax.
        forms: the forms of what it uses.
        comments: see `Comments`.
        order: addresses in the order of their blocks; the others follow in the order in which the configuration has them.

    Raises:
        HclError: when an argument's form is unknown, or a string is not a template.
    """
    blocks: list[tuple[str, Lines]] = []
    for section, body in content.items():
        if section == "//":
            continue  # a comment of JSON syntax, as in the body of a block
        for labels, arguments in _labelled(body, _LANGUAGE[section].labels if section in _LANGUAGE else 0):
            address = ".".join((*_ADDRESSES.get(section, (section,)), *labels))
            writer = _Writer(address, comments.get(address, {}))
            lines = writer.block((section, *labels), arguments, forms.form(section, labels), "")
            blocks.append((address, [*writer.comment(""), *lines]))
    places = {address: place for place, address in enumerate(order)}
    blocks.sort(key=lambda block: places.get(block[0], len(places)))
    return "\n\n".join("\n".join(lines) for _, lines in blocks) + "\n" * bool(blocks)


def values_file(variables: Mapping[str, Json]) -> str:
    """Return the text of a `.tfvars` file: the default of each variable, with its description as a comment."""
    form, writer = Form(reading="text", spaced=True), _Writer("", {name: one["description"] for name, one in variables.items()})
    lines = _in_paragraphs(writer.arguments({name: one["default"] for name, one in variables.items()}, form, "", 0), form)
    return "\n".join(lines) + "\n" * bool(lines)


def _form(block: Block, path: str) -> Form:
    """Return the form of a block from the bindings and the exceptions."""
    forms: dict[str, Form | None] = dict.fromkeys(block["attributes"])
    forms |= {name: _form(nested["block"], f"{path}.{name}") for name, nested in block["block_types"].items()}
    for exception in EXCEPTIONS:
        parent, _, name = exception.path.rpartition(".")
        if parent == path:
            forms[name] = _form(_UNKNOWN, exception.path) if exception.form == "block" else None
    return Form(
        blocks={name: form for name, form in forms.items() if form},
        attributes=frozenset(name for name, form in forms.items() if not form),
        spaced=True,
    )


def _labelled(body: Any, labels: int) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yield the labels and the body of each block. Every level is an object or a list of objects."""
    for one in body if isinstance(body, list) else [body]:
        if not labels:
            yield (), one
        else:
            for label, inner in one.items():
                for others, arguments in _labelled(inner, labels - 1):
                    yield (label, *others), arguments


class _Argument(NamedTuple):
    """An argument or a block of a body, or a key of an object."""

    name: str
    lines: Lines
    comment: Lines
    is_block: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it has one line and no comment."""
        return not self.is_block and not self.comment and is_flat(self.lines)


class _Writer:
    """Writes the blocks of one address. `depth` counts the levels of indentation around what a method writes."""

    def __init__(self, address: str, comments: Mapping[str, str]) -> None:
        self._address = address
        self._comments = {path.replace("[0]", ""): text for path, text in comments.items()}

    def block(self, header: Sequence[str], body: Any, form: Form, path: str, depth: int = 0) -> Lines:
        """Return a block."""
        if not isinstance(body, dict):
            raise self._error(path, f"is a block, which cannot be {body!r}, use a dynamic block")
        kind, *labels = header
        opening = " ".join((kind, *(f'"{label}"' for label in labels), "{"))
        lines = _in_paragraphs(self.arguments(body, form, path, depth + 1), form)
        return [opening, *indented(lines), "}"] if lines else [f"{opening}}}"]

    def comment(self, path: str, depth: int = 0) -> Lines:
        """Return the comment of a path, which is written once."""
        text = self._comments.pop(path.replace("[0]", ""), "")
        wrap = textwrap.TextWrapper(
            WIDTH - 2 * depth, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
        )
        return [line for paragraph in text.splitlines() for line in wrap.wrap(paragraph)]

    def arguments(self, body: Json, form: Form, path: str, depth: int) -> Iterator[_Argument]:
        """Yield the arguments and blocks of a body."""
        for name, value in body.items():
            where = f"{path}.{name}" if path else name
            if name == "//":
                continue
            if name == "dynamic" and form.attributes is not None:
                for (kind,), dynamic in _labelled(value, 1):
                    yield self._dynamic(kind, dynamic, form, f"{path}.{kind}" if path else kind, depth)
            elif name in form.blocks:
                for index, (labels, inner) in enumerate(_labelled([] if value is None else value, form.blocks[name].labels)):
                    at = f"{where}[{index}]"
                    lines = self.block((name, *labels), inner, form.blocks[name], at, depth)
                    yield _Argument(name, lines, self.comment(at, depth), is_block=True)
            else:
                if form.attributes is not None and name not in form.attributes | form.readings.keys() and _has_objects(value):
                    raise self._error(where, "is unknown to the provider bindings, state its form in EXCEPTIONS of handover/hcl.py")
                yield self._argument(name, value, form.readings.get(name, form.reading), where, depth)

    def _dynamic(self, kind: str, dynamic: Json, form: Form, path: str, depth: int) -> _Argument:
        if kind not in form.blocks:
            raise self._error(path, "is not a block, a dynamic block cannot make it")
        arguments = {name: value for name, value in dynamic.items() if name != "content"}
        lines = _in_paragraphs(self.arguments(arguments, _DYNAMIC, path, depth + 1), _DYNAMIC)
        content = self.block(("content",), dynamic["content"], form.blocks[kind], path, depth + 1)
        lines = [f'dynamic "{kind}" {{', *indented([*lines, "", *content]), "}"]
        return _Argument("dynamic", lines, self.comment(path, depth), is_block=True)

    def _argument(self, name: str, value: Any, reading: Reading, path: str, depth: int) -> _Argument:
        return _Argument(name, self._value(value, reading, path, depth, len(f"{name} = ")), self.comment(path, depth))

    def _value(self, value: Any, reading: Reading, path: str, depth: int, used: int) -> Lines:
        """Return a value; `used` are the columns that its first line shares with other text."""
        if isinstance(value, str):
            return string(value, reading, WIDTH - 2 * depth - used)
        if isinstance(value, dict):
            return self._object(value, reading, path, depth)
        if isinstance(value, list):
            return self._list(value, reading, path, depth, used)
        return [_CONSTANTS.get(repr(value), repr(value))]

    def _object(self, value: Json, reading: Reading, path: str, depth: int) -> Lines:
        items = []
        for key, inner in value.items():
            where = f"{path}.{key}" if key.isidentifier() else f"{path}[{key}]"
            inner_reading: Reading = "reference" if reading == "requirement" and key == "configuration_aliases" else reading
            items.append(self._argument(object_key(key, reading), inner, inner_reading, where, depth + 1))
        return ["{", *indented(_aligned(items)), "}"] if items else ["{}"]

    def _list(self, value: list[Any], reading: Reading, path: str, depth: int, used: int) -> Lines:
        lines: Lines = []
        for index, item in enumerate(value):
            where = f"{path}[{item}]" if isinstance(item, str) else f"{path}[{index}]"
            written = self._value(item, reading, where, depth + 1, 1)
            if is_heredoc(written):
                written += [","] * (index + 1 < len(value))
            else:
                written[-1] += ","
            lines += [*self.comment(where, depth + 1), *written]
        line = f"[{' '.join(lines).removesuffix(',')}]"
        fits = len(lines) == len(value) and len(line) <= WIDTH - 2 * depth - used
        return [line] if fits else ["[", *indented(lines), "]"]

    def _error(self, path: str, problem: str) -> HclError:
        return HclError(f"{self._address}: {path}: {problem}")


def _has_objects(value: Any) -> bool:
    return any(isinstance(one, dict) for one in (value if isinstance(value, list) else [value]))


def _aligned(arguments: Iterable[_Argument]) -> Lines:
    """Return arguments with their comments; a comment interrupts the alignment."""
    lines: Lines = []
    together: list[tuple[str, Lines]] = []
    for argument in arguments:
        if argument.comment:
            lines += [*assignments(together), *argument.comment]
            together = []
        together.append((argument.name, argument.lines))
    return lines + assignments(together)


def _in_paragraphs(arguments: Iterable[_Argument], form: Form) -> Lines:
    """Return the body of a block, in order and with blank lines."""

    def place(argument: _Argument) -> tuple[int, int]:
        name = argument.name
        if name in form.first:
            return 0, form.first.index(name)
        if name in _LAST:
            return 4, _LAST.index(name)
        if argument.is_block:
            return 3, 0
        if not form.spaced:
            return 1, 0
        return (1, (*_NAMES, name).index(name)) if argument.is_plain else (2, 0)

    def paragraph(argument: _Argument) -> int:
        if argument.is_block or (form.spaced and not argument.is_plain):
            return id(argument)  # by itself
        return place(argument)[0] if form.spaced else 0

    lines: Lines = []
    for _, together in groupby(sorted(arguments, key=place), key=paragraph):
        first, *others = together
        lines += [""] * bool(lines)
        lines += [*first.comment, *first.lines] if first.is_block else _aligned([first, *others])
    return lines
