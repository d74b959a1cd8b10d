"""The schema that is read out of the bindings: compared with what the providers of these versions declare."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal.behaviour import BEHAVIOUR_FILE, behaviour, schema_of
from rehearsal.provider_schema import Block, ProviderSchema, provider_schema

OPTIONAL, COMPUTED, REQUIRED = {"optional": True}, {"computed": True}, {"required": True}


@pytest.fixture(scope="module")
def google() -> ProviderSchema:
    return schema_of("google", frozenset(), frozenset(), behaviour().providers["google"])


@pytest.fixture(scope="module")
def kubernetes() -> ProviderSchema:
    return schema_of("kubernetes", frozenset(), frozenset(), behaviour().providers["kubernetes"])


def inside(block: Block, path: str) -> dict[str, Any]:
    """The declaration of a nested attribute or block."""
    *blocks, last = path.split(".")
    for name in blocks:
        block = block["block_types"][name]["block"]
    found: dict[str, Any] = block["attributes"].get(last) or block["block_types"][last]
    return found


class TestAttributes:
    @pytest.mark.parametrize(
        ("path", "declaration"),
        [
            ("name", {"type": "string", **REQUIRED}),
            ("location", {"type": "string", **OPTIONAL, **COMPUTED}),
            ("endpoint", {"type": "string", **COMPUTED}),
            ("min_master_version", {"type": "string", **OPTIONAL}),
            ("deletion_protection", {"type": "bool", **OPTIONAL}),
            ("initial_node_count", {"type": "number", **OPTIONAL}),
            ("node_locations", {"type": ["set", "string"], **OPTIONAL, **COMPUTED}),
            ("resource_labels", {"type": ["map", "string"], **OPTIONAL}),
            ("effective_labels", {"type": ["map", "string"], **COMPUTED}),
            ("id", {"type": "string", **OPTIONAL, **COMPUTED}),
            ("node_config.oauth_scopes", {"type": ["set", "string"], **OPTIONAL, **COMPUTED}),
            ("node_config.tags", {"type": ["list", "string"], **OPTIONAL}),
            ("node_config.metadata", {"type": ["map", "string"], **OPTIONAL, **COMPUTED}),
            ("release_channel.channel", {"type": "string", **REQUIRED}),
            ("master_auth.cluster_ca_certificate", {"type": "string", **COMPUTED}),
        ],
    )
    def test_has_the_type_and_the_flags_of_the_provider(self, google: ProviderSchema, path: str, declaration: dict[str, Any]) -> None:
        assert inside(google.resources["google_container_cluster"], path) == declaration

    def test_of_a_data_source_can_be_a_list_of_objects(self, google: ProviderSchema) -> None:
        attribute = inside(google.data_sources["google_container_cluster"], "master_auth")
        assert attribute == {
            "computed": True,
            "type": [
                "list",
                [
                    "object",
                    {
                        "client_certificate": "string",
                        "client_certificate_config": ["list", ["object", {"issue_client_certificate": "bool"}]],
                        "client_key": "string",
                        "cluster_ca_certificate": "string",
                    },
                ],
            ],
        }

    def test_of_the_provider_leave_out_what_terraform_reads_itself(self, kubernetes: ProviderSchema) -> None:
        assert kubernetes.provider["attributes"]["host"] == {"type": "string", **OPTIONAL}
        assert "alias" not in kubernetes.provider["attributes"]


class TestBlocks:
    def test_nest_as_in_the_provider(self, google: ProviderSchema, kubernetes: ProviderSchema) -> None:
        cluster = google.resources["google_container_cluster"]
        binding = kubernetes.resources["kubernetes_cluster_role_binding_v1"]

        def nesting(block: Block, path: str) -> dict[str, Any]:
            return {key: value for key, value in inside(block, path).items() if key != "block"}

        assert nesting(cluster, "node_config") == {"nesting_mode": "list", "max_items": 1}
        assert nesting(cluster, "node_pool") == {"nesting_mode": "list"}
        assert nesting(cluster, "timeouts") == {"nesting_mode": "single"}
        assert nesting(cluster, "maintenance_policy.maintenance_exclusion") == {"nesting_mode": "set"}
        assert nesting(binding, "role_ref") == {"nesting_mode": "list", "max_items": 1, "min_items": 1}
        assert nesting(binding, "subject") == {"nesting_mode": "list", "min_items": 1}

    def test_of_a_provider_know_what_they_require(self, kubernetes: ProviderSchema) -> None:
        assert inside(kubernetes.provider, "exec.api_version") == {"type": "string", **REQUIRED}
        assert inside(kubernetes.provider, "exec.args") == {"type": ["list", "string"], **OPTIONAL}


class TestProvidersWithoutBlocks:
    def test_have_nested_attributes_where_the_bindings_write_blocks(self) -> None:
        provider = provider_schema("helm", frozenset({"helm_release"}), frozenset()).provider
        assert provider["block_types"] == {}
        kubernetes = provider["attributes"]["kubernetes"]
        assert (kubernetes["optional"], kubernetes["nested_type"]["nesting_mode"]) == (True, "single")
        assert kubernetes["nested_type"]["attributes"]["host"] == {"type": "string", **OPTIONAL}
        assert kubernetes["nested_type"]["attributes"]["exec"]["nested_type"]["attributes"]["command"] == {"type": "string", **REQUIRED}

    def test_have_an_object_where_others_have_a_list_of_one(self) -> None:
        release = provider_schema("helm", frozenset({"helm_release"}), frozenset()).resources["helm_release"]
        metadata = inside(release, "metadata")
        assert (metadata["type"][0], metadata["type"][1]["revision"]) == ("object", "number")


class TestPackages:
    def test_state_the_version_of_the_provider(self, google: ProviderSchema, kubernetes: ProviderSchema) -> None:
        assert (google.version, kubernetes.version) == ("6.50.0", "2.38.0")

    def test_are_read_once(self, google: ProviderSchema, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tarfile, "open", lambda _: pytest.fail("read the tarball again"))
        assert schema_of("google", frozenset(), frozenset(), behaviour().providers["google"]) == google

    def test_a_missing_type_is_an_error(self) -> None:
        with pytest.raises(LookupError, match="the bindings of kubernetes do not know kubernetes_teapot"):
            provider_schema("kubernetes", frozenset({"kubernetes_teapot"}), frozenset())

    def test_a_missing_package_is_an_error(self) -> None:
        with pytest.raises(LookupError, match="no binding package cdktf_cdktf_provider_teapot"):
            provider_schema("teapot", frozenset(), frozenset())


class TestBehaviourFile:
    @pytest.mark.parametrize(
        ("before", "after", "message"),
        [
            (
                'destroy_guard = "deletion_protection"',
                'destroy_guard = "delete_protection"',
                "the schema has no delete_protection",
            ),
            ('    "oauth_scopes",', '    "oauth_scope",', "the schema has no node_config.oauth_scope"),
            ("{account_id}@{project}", "{acount_id}@{project}", "the schema has no acount_id"),
            ('conflicts = [["name", "name_prefix"]]', 'conflict = [["name", "name_prefix"]]', "no such rule: conflict"),
        ],
    )
    def test_with_a_misspelt_rule_is_refused(self, tmp_path: Path, before: str, after: str, message: str) -> None:
        text = BEHAVIOUR_FILE.read_text()
        assert before in text
        file = tmp_path / "behaviour.toml"
        file.write_text(text.replace(before, after))
        with pytest.raises(ValueError, match=message):
            schema_of("google", frozenset(), frozenset(), behaviour(file).providers["google"])
