"""Writes the documents that are generated from the code: `python -m deployment.schema`.

Owns: the JSON Schema, which editors use, docs/configuration.md, and the tables of fields. Leaves to others: the models, the rest of the
constructs' reference (`reference`), and every rule between several
values, which a schema cannot express. An editor may therefore accept a file that the synth refuses.

The schema has no references and uses an old draft, because every editor's TOML extension understands that.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.configuration import Configuration
from gitpod_pov.descriptions import descriptions

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from deployment.model import Deployment
from deployment.reference import BEGIN, END, reference

_ROOT = Path(__file__).parents[1]
SCHEMA = _ROOT / "docs" / "deployment.schema.json"
CONFIGURATION = _ROOT / "docs" / "configuration.md"
CONSTRUCTS = _ROOT / "docs" / "constructs.md"
_HEAD = """\
# Configuration

Every input of a deployment file. `make schema` writes this document from the models. [operations.md](operations.md#what-a-change-does) says
what a later change of each input does.

## Top level"""

_SPELT = {"api": "API", "apis": "APIs", "cidr": "CIDR", "gb": "GB", "id": "ID", "kms": "KMS", "oauth": "OAuth"}
_TYPES = {"string": "string", "integer": "whole number", "boolean": "`true` or `false`"}


class _TomlSchema(GenerateJsonSchema):
    """Pydantic's schema without null, which TOML does not have. Values that may be null are optional."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a configuration, each input with its text."""
        generated, model = super().model_schema(schema), cast("type[BaseModel]", schema["cls"])
        for name, text in descriptions(model).items():
            generated["properties"][name]["description"] = text
        return generated

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a deployment file."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_schema_of(Deployment)}


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    generated = model.model_json_schema(schema_generator=_TomlSchema)
    written_out: dict[str, Any] = _written_out(generated, generated.pop("$defs", {}))
    return written_out


def _written_out(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a part of the schema with its references resolved, and the default also in the description."""
    if isinstance(node, list):
        return [_written_out(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    node = dict(node)
    if "$ref" in node:
        node = {**definitions[node.pop("$ref").removeprefix("#/$defs/")], **node}
    node.pop("discriminator", None)  # part of OpenAPI; in JSON Schema, the constants of `type` are enough
    if "patternProperties" in node:
        node["additionalProperties"] = False
    if "default" in node:
        node = _with_described_default(node)
    return {
        key: {name: _titled(name, _written_out(item, definitions)) for name, item in value.items()}
        if key == "properties"
        else _written_out(value, definitions)
        for key, value in node.items()
    }


def _with_described_default(node: dict[str, Any]) -> dict[str, Any]:
    is_section = "properties" in node or "oneOf" in node  # the keys of a section have their own defaults
    sentence = _default_sentence(node["default"])
    if is_section or node["default"] is None:
        node = {key: value for key, value in node.items() if key != "default"}
    if is_section or "Default" in node["description"]:
        return node
    return {**node, "description": node["description"] + sentence}


def _default_sentence(default: Any) -> str:
    return f" Default: {', '.join(_values(default)) or 'none'}."


def _values(default: Any) -> list[str]:
    """Return a default as TOML writes it, a list item by item."""
    if default is None or default == {}:
        return []
    return [json.dumps(item) for item in (default if isinstance(default, list) else [default])]


def _titled(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    words = " ".join(_SPELT.get(word, word) for word in name.split("_"))
    return {**schema, "title": words[:1].upper() + words[1:]}


def configuration() -> str:
    """Return the document that lists every input, a section of a deployment file after the other."""
    properties = schema()["properties"]
    top_level = {name: value for name, value in properties.items() if not _is_section(value)}
    parts = [_HEAD, _table(_rows({**schema(), "properties": top_level}, ""))]
    for name, value in properties.items():
        if _is_section(value):
            heading = f"{name}.NAME" if _named_tables(value) else name
            description = value["description"].removesuffix(_default_sentence({}))
            parts += [f"## [{heading}]", description, _table(_rows({"properties": {name: value}}, ""))]
    return "\n\n".join(parts) + "\n"


def _is_section(value: dict[str, Any]) -> bool:
    return "properties" in value or "oneOf" in value or bool(_named_tables(value))


def _named_tables(value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the tables in a table whose keys are names that the reader chooses; an empty one where there are none."""
    return next((entry for entry in value.get("patternProperties", {}).values() if "properties" in entry), {})


def _table(rows: Iterator[str], kind: str = "input") -> str:
    return "\n".join([f"| {kind} | value | default | description |", "|---|---|---|---|", *rows])


def _rows(section: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, value in section["properties"].items():
        if "properties" in value:
            yield from _rows(value, f"{prefix}{name}.")
        elif tables := _named_tables(value):
            yield from _rows(tables, f"{prefix}{name}.NAME.")
        elif "oneOf" in value:
            for choice in value["oneOf"]:  # its first key is the type, which decides what the others are
                yield from _rows(choice, f"{prefix}{name}.")
        else:
            default = (
                "required" if name in section.get("required", ()) else "<br>".join(f"`{item}`" for item in _values(value.get("default")))
            )
            description = value["description"].removesuffix(_default_sentence(value.get("default")))
            yield f"| `{prefix}{name}` | {_allowed(value)} | {default} | {description} |"
            if "properties" in value.get("items", {}):
                yield from _rows(value["items"], f"{prefix}{name}[].")
            for entry in _tables(value):
                yield from _rows(entry, f"{prefix}{name}.NAME.")


def _tables(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schema of the tables that a table holds; nothing for another value."""
    return [entry for entry in value.get("patternProperties", {}).values() if "properties" in entry]


def _allowed(value: dict[str, Any]) -> str:
    if "const" in value:
        return f'`"{value["const"]}"`'
    if "enum" in value:
        return ", ".join(f'`"{item}"`' for item in value["enum"])
    if "anyOf" in value:
        return " or ".join(_allowed(choice) for choice in value["anyOf"])
    if value["type"] == "array":
        items = value["items"]
        return f"list of {_allowed(items) if 'enum' in items else 'tables' if items['type'] == 'object' else 'strings'}"
    if value["type"] == "object":
        return "table of tables" if _tables(value) else "table of strings"
    at_least, at_most = value.get("minimum"), value.get("maximum")
    bounds = "" if at_least is None else f", {at_least} or more" if at_most is None else f", {at_least} to {at_most}"
    return _TYPES[value["type"]] + bounds


def _constructs() -> str:
    """Return docs/constructs.md with the reference between its marks."""
    before, begin, rest = CONSTRUCTS.read_text(encoding="utf-8").partition(BEGIN)
    generated = reference(_table_of)
    return f"{before}{begin}\n{generated}\n{END}{rest.partition(END)[2]}"


def _table_of(config: type[Configuration]) -> str:
    return _table(_rows(_schema_of(config), ""), "field")


def files() -> dict[Path, str]:
    """Return the text of each generated file."""
    return {
        SCHEMA: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
        CONFIGURATION: configuration(),
        CONSTRUCTS: _constructs(),
    }


def main() -> int:
    """Write the generated files; return the exit status."""
    commands.write_files(_ROOT, {str(path.relative_to(_ROOT)): text.encode() for path, text in files().items()})
    return 0


if __name__ == "__main__":
    commands.run(main, commands.Arguments("python -m deployment.schema"))
