"""The schema of a Terraform provider, read from its installed cdktf binding package.

Owns the way from a binding package to a schema in the layout of ``terraform providers schema -json``. The package's jsii tarball holds
generated JavaScript, and the source map of each file has the TypeScript that it was compiled from. That text states for each attribute
whether it is computed, optional or required, and for each block how it nests. With that, Terraform checks a configuration as strictly as
with the real provider.

Leaves to ``behaviour.toml`` what no binding states: which blocks are Optional and Computed, what is sensitive, defaults, replacement and
validation. An upper bound above one on the number of blocks is lost.
"""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

Type: TypeAlias = str | list[Any]
"""A type in Terraform's JSON notation: ``"string"``, ``["list", "string"]``, ``["object", {...}]``."""

Block: TypeAlias = dict[str, Any]
"""``{"attributes": {name: {...}}, "block_types": {name: {"nesting_mode": ..., "block": Block, ...}}}``

A nested attribute of a provider has ``"nested_type": {"nesting_mode": ..., **Block}`` in place of a type.
"""


@dataclass(frozen=True)
class ProviderSchema:
    """What one provider declares.

    Attributes:
        provider: the block that configures it.
        version: the version of the provider that the bindings were generated from.
        resources: block by resource type.
        data_sources: block by data source type.
    """

    provider: Block
    version: str
    resources: dict[str, Block] = field(default_factory=dict)
    data_sources: dict[str, Block] = field(default_factory=dict)


Found = TypeVar("Found")

_FLAGS = r"computed: (?P<computed>true|false), optional: (?P<optional>true|false), required: (?P<required>true|false)"
_MEMBER = re.compile(rf"^  // (?P<name>\w+) - {_FLAGS}\n(?P<body>.*?)(?=^  // \w+ - computed|^  // =====|^\}})", re.MULTILINE | re.DOTALL)
_CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{\n(.*?^\})", re.MULTILINE | re.DOTALL)
_INTERFACE = re.compile(r"^export interface (\w+) (?:extends [\w.]+ )?\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_HCL_FUNCTION = re.compile(r"^export function (\w+)ToHclTerraform\(.*?\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_PLAIN_FUNCTION = re.compile(r"^export function (\w+)ToTerraform\(.*?\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_HCL_ENTRY = re.compile(
    r'^ +(\w+): \{\n +value: .*,\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)",',
    re.MULTILINE,
)
_BLOCK_LIST = re.compile(r"^ +(\w+): .*cdktf\.listMapper\((?:\w+\.)?\w+ToTerraform, (true|false)\)", re.MULTILINE)
_NESTED = re.compile(r'= new (?:\w+\.)?(\w+)\(this, "\w+"(?:, (true|false))?\);')
_BUILT_IN = re.compile(r"= new cdktf\.(\w+)\(this,")
_GETTER = re.compile(r"return (.*this\.(get\w+Attribute|interpolationForAttribute)\(.*);")
_SOURCE_FILE = re.compile(r"[^/]+/[^/]+/(?P<folder>[^/]+)/.+\.js")
_RESOURCE_TYPE = re.compile(r"terraformResourceType: '(\w+)'")
_PROVIDER_VERSION = re.compile(r"providerVersion: '([\d.]+)'")

_SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
_GETTERS: dict[str, Type] = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
    "getNumberMapAttribute": ["map", "number"],
    "getBooleanMapAttribute": ["map", "bool"],
}
_BUILT_IN_TYPES: dict[str, Type] = {
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "StringMapList": ["list", ["map", "string"]],
}

_WITHOUT_BLOCKS = frozenset({"helm"})
"""Providers whose configuration has no blocks: `kubernetes = { … }`. Their bindings write such arguments like blocks.

https://github.com/hashicorp/terraform-provider-helm/blob/v3.1.1/docs/guides/v3-upgrade-guide.md
"""


@dataclass(frozen=True)
class _Argument:
    """How the binding writes one argument into a configuration.

    Attributes:
        is_block: whether it is a block.
        kind: how it nests, or ``simple``.
        storage: the TypeScript type.
    """

    is_block: bool
    kind: str
    storage: str

    @property
    def type(self) -> Type:
        if self.kind == "simple":
            return _SCALARS.get(self.storage, "dynamic")
        element = _SCALARS.get(re.sub(r"(List|Map)$", "", self.storage))
        return [self.kind, element] if element else "dynamic"


def _arguments(text: str) -> dict[str, _Argument]:
    return {name: _Argument(is_block == "true", kind, storage) for name, is_block, kind, storage in _HCL_ENTRY.findall(text)}


class _Folder:
    """The TypeScript of one resource, data source or provider."""

    def __init__(self, text: str) -> None:
        self.classes = {name: (base, body) for name, base, body in _CLASS.findall(text)}
        self.interfaces = dict(_INTERFACE.findall(text))
        self.hcl_functions = dict(_HCL_FUNCTION.findall(text))
        self.plain_functions = dict(_PLAIN_FUNCTION.findall(text))

    def root(self) -> tuple[str, str] | None:
        """Return the base class and the body of the class that a configuration instantiates."""
        roots = ("TerraformResource", "TerraformDataSource", "TerraformProvider")
        return next(((base, body) for base, body in self.classes.values() if base in roots), None)

    def root_block(self, body: str) -> Block:
        """Return the block of that class."""
        plain, hcl = body.split("synthesizeHclAttributes", 1) if "synthesizeHclAttributes" in body else (body, "")
        return self._block(body, _arguments(hcl), plain)

    def _struct(self, name: str) -> Block:
        function = name[0].lower() + name[1:]
        arguments = _arguments(self.hcl_functions.get(function, ""))
        reference = self.classes.get(f"{name}OutputReference")
        if reference:
            return self._block(reference[1], arguments, self.plain_functions.get(function, ""))
        # Blocks of a provider cannot be referred to, so they have no class: the interface says what is required.
        required = {_snake(member) for member in re.findall(r"^  readonly (\w+): ", self.interfaces.get(name, ""), re.MULTILINE)}
        block: Block = {"attributes": {}, "block_types": {}}
        for argument_name, argument in arguments.items():
            self._add_argument(block, argument_name, argument, required=argument_name in required, single=False)
        return block

    def _add_argument(self, block: Block, name: str, argument: _Argument, *, required: bool, single: bool) -> None:
        if not argument.is_block:
            block["attributes"][name] = {"type": argument.type, "required" if required else "optional": True}
            return
        nested: Block = {
            "nesting_mode": "single" if argument.kind == "struct" else argument.kind,
            "block": self._struct(re.sub(r"List$", "", argument.storage)),
        }
        if single:
            nested["max_items"] = 1
        if required:
            nested["min_items"] = 1
        block["block_types"][name] = nested

    def _block(self, body: str, arguments: dict[str, _Argument], plain: str) -> Block:
        block: Block = {"attributes": {}, "block_types": {}}
        really_block = {name: flag == "true" for name, flag in _BLOCK_LIST.findall(plain)}
        for member in _MEMBER.finditer(body):
            name, text = member["name"], member["body"]
            flags = {flag: True for flag in ("computed", "optional", "required") if member[flag] == "true"}
            argument = arguments.get(name)
            nested, built_in, getter = _NESTED.search(text), _BUILT_IN.search(text), _GETTER.search(text)
            if built_in and built_in[1] in _BUILT_IN_TYPES:
                block["attributes"][name] = {"type": _BUILT_IN_TYPES[built_in[1]], **flags}
            elif nested and not built_in:
                self._add_nested(block, name, nested, argument if really_block.get(name, True) else None, flags)
            elif argument and not argument.is_block:
                block["attributes"][name] = {"type": argument.type, **flags}
            elif argument:
                single = name not in really_block and argument.kind != "struct"
                self._add_argument(block, name, argument, required=member["required"] == "true", single=single)
            elif getter:
                kind = _GETTERS.get(getter[2], "dynamic")
                if "Fn.tolist" in getter[1] and isinstance(kind, list):
                    kind = ["set", kind[1]]
                block["attributes"][name] = {"type": kind, **flags}
        return block

    def _add_nested(self, block: Block, name: str, match: re.Match[str], argument: _Argument | None, flags: dict[str, bool]) -> None:
        """Add a block or, where no argument writes it as one, an attribute that holds objects."""
        class_name, wraps_set = match[1], match[2] == "true"
        base = self.classes[class_name][0]
        element = self._struct(re.sub(r"(List|Map|OutputReference)$", "", class_name))
        if argument is None and base == "ComplexObject":  # as only providers on the plugin framework have it
            block["attributes"][name] = {"type": _object_type(element), **flags}
            return
        if argument is None:
            collection = "map" if base == "ComplexMap" else "set" if wraps_set else "list"
            block["attributes"][name] = {"type": [collection, _object_type(element)], **flags}
            return
        nested: Block = {"nesting_mode": "single" if argument.kind == "struct" else argument.kind, "block": element}
        if base == "ComplexObject" and argument.kind != "struct":
            nested["max_items"] = 1
        if flags.get("required"):
            nested["min_items"] = 1
        block["block_types"][name] = nested


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), name)


def _object_type(block: Block) -> Type:
    members: dict[str, Type] = {name: attribute["type"] for name, attribute in block["attributes"].items()}
    for name, nested in block["block_types"].items():
        inner = _object_type(nested["block"])
        members[name] = inner if nested["nesting_mode"] == "single" else [nested["nesting_mode"], inner]
    return ["object", members]


def _without_blocks(block: Block) -> Block:
    """Return the block with its nested blocks as nested attributes."""
    nested = {
        name: {"nested_type": {"nesting_mode": inner["nesting_mode"], **_without_blocks(inner["block"])}, "optional": True}
        for name, inner in block["block_types"].items()
    }
    return {"attributes": {**block["attributes"], **nested}, "block_types": {}}


def _folder_name(provider: str, terraform_type: str, *, data: bool) -> str:
    name = terraform_type.removeprefix(f"{provider}_").replace("_", "-")
    return f"data-{provider}-{name}" if data else name


def _typescript(javascript: str) -> str:
    source_map = javascript.rpartition("//# sourceMappingURL=data:application/json;base64,")[2]
    return "\n".join(json.loads(base64.b64decode(source_map))["sourcesContent"])


def _read_folders(provider: str, folders: Iterable[str]) -> dict[str, str]:
    """Return TypeScript by folder, in one pass: the tarball is a compressed stream of up to 30 MB."""
    module = f"cdktf_cdktf_provider_{provider}"
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"no binding package {module} is installed")
    wanted = set(folders)
    texts: dict[str, str] = {}
    tarball = next((Path(spec.origin).parent / "_jsii").glob("*.jsii.tgz"))
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = _SOURCE_FILE.fullmatch(member.name)
            content = archive.extractfile(member) if path and path["folder"] in wanted else None
            if path and content:
                texts[path["folder"]] = texts.get(path["folder"], "") + "\n" + _typescript(content.read().decode())
    return texts


def _required(found: Found | None, what: str) -> Found:
    if found is None:
        raise LookupError(f"the bindings have another form than expected: no {what}")
    return found


@functools.cache
def provider_schema(provider: str, resources: frozenset[str], data_sources: frozenset[str]) -> ProviderSchema:
    """Return the schema of the named types, for example of ``google`` and ``google_container_cluster``.

    One call reads the whole tarball, so request all types at once. The result is shared and must not be changed.

    Raises:
        LookupError: when the bindings are not installed, do not have a type or have an unexpected form.
    """
    folders = {_folder_name(provider, name, data=False): name for name in resources}
    folders |= {_folder_name(provider, name, data=True): name for name in data_sources}
    texts = _read_folders(provider, [*folders, "provider"])
    missing = sorted(name for folder, name in folders.items() if folder not in texts)
    if missing:
        raise LookupError(f"the bindings of {provider} do not know {', '.join(missing)}")

    provider_folder = _Folder(texts["provider"])
    _, body = _required(provider_folder.root(), f"class of {provider}")
    version = _required(_PROVIDER_VERSION.search(body), f"version of {provider}")
    schema = ProviderSchema(provider_folder.root_block(body), version[1])
    # Not an argument of the provider: Terraform itself reads it.
    schema.provider["attributes"].pop("alias", None)
    if provider in _WITHOUT_BLOCKS:
        schema = replace(schema, provider=_without_blocks(schema.provider))
    for folder in folders:
        parsed = _Folder(texts[folder])
        base, body = _required(parsed.root(), f"class in {folder}")
        terraform_type = _required(_RESOURCE_TYPE.search(body), f"resource type in {folder}")
        kind = schema.data_sources if base == "TerraformDataSource" else schema.resources
        kind[terraform_type[1]] = parsed.root_block(body)
    return schema
