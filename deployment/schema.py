"""Writes the documents that are generated from the code: `python -m deployment.schema`.

Owns: the JSON Schema, which editors use, docs/configuration.md, and the tables of fields. Leaves to others: the models, the rest of the
constructs' reference (`reference`), and every rule between several values, which a schema cannot express. An editor may therefore accept a
file that the synth refuses.

The schema has no references and uses an old draft, because every editor's TOML extension understands that.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from deployment import commands

if __name__ == "__main__":
    commands.start()

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
_TYPES = {"string": "string", "integer": "whole number", "boolean": "`true` or `false`", "object": "table of strings"}


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


class _EditorSchema(_TomlSchema):
    """The same with titles, and with the defaults in the descriptions, since editors show nothing else of an input."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        generated = super().model_schema(schema)
        for name, value in generated["properties"].items():
            default = value.get("default")
            is_section = "$ref" in value or "oneOf" in value  # the keys of a section have their own defaults
            if "default" in value and not is_section and "Default" not in value["description"]:
                value["description"] += f" Default: {', '.join(_values(default)) or 'none'}."
            if is_section or default is None:
                value.pop("default", None)
            words = " ".join(_SPELT.get(word, word) for word in name.split("_"))
            value["title"] = words[:1].upper() + words[1:]
        return generated


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a deployment file."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_schema_of(Deployment, _EditorSchema)}


def _schema_of(model: type[BaseModel], generator: type[GenerateJsonSchema] = _TomlSchema) -> dict[str, Any]:
    generated = model.model_json_schema(schema_generator=generator)
    written_out: dict[str, Any] = _written_out(generated, generated.pop("$defs", {}))
    return written_out


def _written_out(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a part of the schema with its references resolved."""
    if isinstance(node, list):
        return [_written_out(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = {**definitions[node["$ref"].removeprefix("#/$defs/")], **node}
    if "patternProperties" in node:
        node = {**node, "additionalProperties": False}
    # `discriminator` is part of OpenAPI; in JSON Schema, the constants of `type` are enough.
    return {key: _written_out(value, definitions) for key, value in node.items() if key not in {"$ref", "discriminator"}}


def _values(default: Any) -> list[str]:
    """Return a default as TOML writes it, a list item by item."""
    if default is None or default == {}:
        return []
    return [json.dumps(item) for item in (default if isinstance(default, list) else [default])]


def configuration() -> str:
    """Return the document that lists every input, a section of a deployment file after the other."""
    deployment = _schema_of(Deployment)
    sections = {name: value for name, value in deployment["properties"].items() if _sections(value)}
    top_level = {name: value for name, value in deployment["properties"].items() if name not in sections}
    parts = [_HEAD, _table({**deployment, "properties": top_level})]
    for name, value in sections.items():
        (below, _), *_ = _sections(value)
        parts += [f"## [{name}{below}]", value["description"], _table({"properties": {name: value}})]
    return "\n\n".join(parts) + "\n"


def _sections(value: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the schema of each table that a value can be or hold, and what its key has below that of the value; none for an input."""
    tables = [entry for entry in value.get("patternProperties", {}).values() if "properties" in entry]
    choices = [value] if "properties" in value else value.get("oneOf", [])  # their first key is the type, which decides what the others are
    return [("", choice) for choice in choices] + [(".NAME", table) for table in tables]


def _table(section: dict[str, Any], kind: str = "input") -> str:
    return "\n".join([f"| {kind} | value | default | description |", "|---|---|---|---|", *_rows(section, "")])


def _rows(section: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, value in section["properties"].items():
        if sections := _sections(value):
            for below, inner in sections:
                yield from _rows(inner, f"{prefix}{name}{below}.")
            continue
        defaults = ["required"] if name in section.get("required", ()) else [f"`{item}`" for item in _values(value.get("default"))]
        yield f"| `{prefix}{name}` | {_allowed(value)} | {'<br>'.join(defaults)} | {value['description']} |"
        if "properties" in value.get("items", {}):
            yield from _rows(value["items"], f"{prefix}{name}[].")


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
    at_least, at_most = value.get("minimum"), value.get("maximum")
    bounds = "" if at_least is None else f", {at_least} or more" if at_most is None else f", {at_least} to {at_most}"
    return _TYPES[value["type"]] + bounds


def _constructs() -> str:
    """Return docs/constructs.md with the reference between its marks."""
    before, begin, rest = CONSTRUCTS.read_text(encoding="utf-8").partition(BEGIN)
    generated = reference(lambda config: _table(_schema_of(config), "field"))
    return f"{before}{begin}\n{generated}\n{END}{rest.partition(END)[2]}"


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
