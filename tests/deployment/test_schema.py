import re
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from deployment import schema
from tests.app import ROOT

POV = ROOT / "deployments" / "pov.toml"


@pytest.mark.parametrize("path", schema.files(), ids=lambda path: str(path.name))
def test_schema_is_generated_from_the_models(path: Any) -> None:
    assert path.read_text(encoding="utf-8") == schema.files()[path], "run `make schema`"


def test_is_a_json_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema.schema())


def test_the_shipped_deployment_names_the_schema_and_keeps_it() -> None:
    first_line, *_ = POV.read_text().splitlines()
    assert (POV.parent / first_line.removeprefix("#:schema ")).resolve() == schema.SCHEMA
    jsonschema.validate(tomllib.loads(POV.read_text()), schema.schema(), jsonschema.Draft7Validator)


@pytest.mark.parametrize(
    "wrong",
    [
        {"regoin": "us-central1"},
        {"project": "Demo"},
        {"zones": ["us-central1-a", "us-central1-a"]},
        {"cluster": {"nam": "gitpod"}},
        {"cluster": {"release_channel": "regular"}},
        {"node_pool": {"max_pods_per_node": 257}},
        {"node_pool": {"labels": {"a b": "c"}}},
        {"pools": {"Spot": {}}},
        {"pools": {"spot": {"name": "other"}}},
        {"pools": {"spot": {"workloads": ["workspace"]}}},
        {"network": {"nodes_cidr": "10.0.0.0"}},
        {"backend": {}},
        {"backend": {"type": "gcs"}},
        {"backend": {"type": "local", "bucket": "demo-bucket"}},
    ],
    ids=str,
)
def test_refuses(wrong: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(schema.schema())
    right = {"project": "demo-project", "region": "us-central1"}
    assert validator.is_valid(right)
    assert not validator.is_valid({**right, **wrong})


def keys(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for choice in (node, *node.get("oneOf", ())):
        for name, value in choice.get("properties", {}).items():
            yield name, value
            yield from keys(value)


def test_every_description_states_the_default() -> None:
    for name, value in keys(schema.schema()):
        assert value["description"].endswith("."), name
        assert ("default" not in value) or "Default" in value["description"], name
        if name.endswith("_gb"):
            assert " GB" in value["description"]
        if name.endswith("_nodes") and "total" not in name and value["type"] == "integer":
            assert "per zone" in value["description"]


class TestConfiguration:
    """docs/configuration.md."""

    def test_describes_tables_within_sections(self) -> None:
        text = schema.configuration()
        assert "| `cluster.maintenance_window` | table |  | Recurring hours in which GKE may start upgrades. " in text
        assert "| `node_pool.upgrade_settings` | table |  | How GKE upgrades the nodes" in text
        assert "| `admins.bindings` | tables by name |  | Additional role bindings. " in text

    def test_lists_the_inputs_of_each_backend_apart(self) -> None:
        _, *types = schema.configuration().partition("## [backend]\n")[2].partition("\n## ")[0].split('### type = "')
        inputs = {text.partition('"')[0]: re.findall(r"^\| `backend\.(\w+)`", text, re.MULTILINE) for text in types}
        assert inputs["local"] == ["type"]
        assert inputs["gcs"] == ["type", "bucket", "prefix", "impersonate_service_account", "kms_encryption_key"]
        assert inputs["cloud"] == ["type", "organization", "hostname", "project", "prefix"]
