"""The rules by version, without Terraform: which version a configuration gets, and since when each difference holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.behaviour import ResourceRules, behaviour, schema_of
from rehearsal.cloud import Cloud, Refused
from rehearsal.gke import Gke
from rehearsal.provider_schema import Block
from rehearsal.stand_in import StandIns, required_versions
from rehearsal.values import values_of, version_key
from tests.rehearsal.examples import CLUSTER_ID, NEWEST, OLDEST

GOOGLE = behaviour().providers["google"]
CLUSTER, POOL = "google_container_cluster", "google_container_node_pool"
PRIVATE_NODES = "private_cluster_config.enable_private_nodes"
QUOTA = "node_config.kubelet_config.cpu_cfs_quota"


class TestVersions:
    @pytest.mark.parametrize(
        ("requirements", "version"),
        [
            ([], NEWEST),
            (["6.50.0"], "6.50.0"),
            (["= 6.50.0"], "6.50.0"),
            (["7.45.0"], "7.45.0"),
            (["7.20.0"], "7.20.0"),
            (["8.7.0"], "8.7.0"),
            ([">= 7.12.0, < 8.0.0"], "7.45.0"),
            ([">= 6.50.0, < 7.0.0"], "6.50.0"),
            ([">= 6.50.0", "< 7"], "6.50.0"),
            (["~> 7.12"], "7.45.0"),
            (["~> 7.12.0"], "7.12.0"),
            ([">= 7.12.0, < 7.20.0"], "7.12.0"),
            (["!= 7.45.0"], "6.50.0"),
            (["> 7.45.0"], "7.45.0"),
            (["6.50.0", "7.45.0"], "7.45.0"),
        ],
    )
    def test_a_configuration_gets_the_newest_measured_version_or_the_lowest_named_one(self, requirements: list[str], version: str) -> None:
        assert GOOGLE.choose(requirements) == version

    @pytest.mark.parametrize("requirement", ["5.0.0", "< 6.50.0", "~> 6.9.0"])
    def test_versions_older_than_the_bindings_are_refused(self, requirement: str) -> None:
        with pytest.raises(ValueError, match=r"the stand-in knows 6\.50\.0 and newer, the configuration requires"):
            GOOGLE.choose([requirement])

    @pytest.mark.parametrize(
        ("older", "newer"),
        [
            ("7.9.0", "7.12.0"),
            ("6.50.0", "7.0.0"),
            ("1.35.8-gke.9", "1.35.8-gke.10"),
            ("1.34.11-gke.5", "1.35.8-gke.1"),
            ("1.35", "1.35.8"),
        ],
    )
    def test_compare_by_number(self, older: str, newer: str) -> None:
        assert version_key(older) < version_key(newer)

    def test_equal_whether_or_not_zeros_are_written(self) -> None:
        assert version_key("7.12") == version_key("7.12.0")

    def test_requirements_are_read_in_both_forms_of_json(self) -> None:
        google = {"source": "hashicorp/google", "version": "7.45.0"}
        assert required_versions({"terraform": {"required_providers": {"google": google}}}) == [("google", "7.45.0")]
        assert required_versions({"terraform": [{"required_providers": [{"google": google}]}]}) == [("google", "7.45.0")]
        assert required_versions({"terraform": {"required_providers": {"google": {"source": "hashicorp/google"}}}}) == []
        assert required_versions({}) == []


def attribute(block: Block, path: str) -> dict[str, Any] | None:
    *blocks, last = path.split(".")
    for name in blocks:
        block = block["block_types"][name]["block"]
    declared: dict[str, Any] | None = block["attributes"].get(last) or block["block_types"].get(last)
    return declared


def at(version: str, kind: str) -> tuple[ResourceRules, Block]:
    rules = GOOGLE.at(version)
    return rules.resources[kind], schema_of("google", frozenset(), frozenset(), rules).resources[kind]


class TestDifferences:
    """Each has the last version without it and the first one with it."""

    @pytest.mark.parametrize(("version", "tainted"), [(OLDEST, True), ("7.0.0", False)])
    def test_a_pool_that_was_refused_is_tainted(self, version: str, *, tainted: bool) -> None:
        assert at(version, POOL)[0].tainted_when_refused is tainted

    @pytest.mark.parametrize(("version", "disabled"), [(OLDEST, True), ("7.0.0", False)])
    def test_disable_on_destroy(self, version: str, *, disabled: bool) -> None:
        assert at(version, "google_project_service")[0].defaults["disable_on_destroy"] is disabled

    @pytest.mark.parametrize(("version", "sent"), [("7.5.0", False), ("7.6.0", True)])
    @pytest.mark.parametrize("kind", [CLUSTER, POOL])
    def test_cpu_cfs_quota(self, kind: str, version: str, *, sent: bool) -> None:
        rules, block = at(version, kind)
        declared = attribute(block, QUOTA)
        assert declared is not None
        assert (rules.sent[QUOTA], declared.get("computed", False)) == (sent, sent)

    @pytest.mark.parametrize(("version", "known"), [("7.8.0", False), ("7.9.0", True)])
    @pytest.mark.parametrize("name", ["enable_k8s_certs_via_dns", "enable_k8s_tokens_via_dns"])
    def test_access_via_dns(self, name: str, version: str, *, known: bool) -> None:
        assert (attribute(at(version, CLUSTER)[1], f"control_plane_endpoints_config.dns_endpoint_config.{name}") is not None) is known

    @pytest.mark.parametrize(("version", "known"), [("7.11.0", False), ("7.12.0", True)])
    def test_end_time_behavior(self, version: str, *, known: bool) -> None:
        block = at(version, CLUSTER)[1]
        exclusion = "maintenance_policy.maintenance_exclusion"
        assert (attribute(block, f"{exclusion}.exclusion_options.end_time_behavior") is not None) is known
        assert attribute(block, f"{exclusion}.end_time") == {"type": "string", "optional" if known else "required": True}

    @pytest.mark.parametrize(("version", "fixed"), [("7.12.0", False), ("7.13.0", True)])
    def test_private_nodes_and_subsetting(self, version: str, *, fixed: bool) -> None:
        rules, block = at(version, CLUSTER)
        declared = attribute(block, "enable_l4_ilb_subsetting")
        assert declared is not None
        assert (PRIVATE_NODES not in rules.replace) is fixed
        assert ("enable_l4_ilb_subsetting" not in rules.defaults) is fixed
        assert declared.get("computed", False) is fixed

    @pytest.mark.parametrize(("version", "fixed"), [("7.29.0", False), ("7.30.0", True)])
    def test_database_encryption(self, version: str, *, fixed: bool) -> None:
        assert any(rule.path == "database_encryption.state" for rule in at(version, CLUSTER)[0].same) is fixed

    @pytest.mark.parametrize(
        ("kind", "path", "before", "since"),
        [
            (CLUSTER, "ip_allocation_policy.network_tier_config", "7.9.0", "7.10.0"),
            (CLUSTER, "node_config.containerd_config", "7.15.0", "7.16.0"),
            (POOL, "node_config.containerd_config", "7.15.0", "7.16.0"),
            (POOL, "network_config.additional_node_network_configs", "7.16.0", "7.17.0"),
            (CLUSTER, "addons_config.pod_snapshot_config", "7.32.0", "7.33.0"),
        ],
    )
    def test_blocks_that_are_filled_in(self, kind: str, path: str, before: str, since: str) -> None:
        assert path not in at(before, kind)[0].filled_in
        assert path in at(since, kind)[0].filled_in

    @pytest.mark.parametrize(
        ("kind", "path", "before", "since"),
        [
            (CLUSTER, "node_config.sandbox_config", "7.21.0", "7.22.0"),
            (POOL, "node_config.sandbox_config", "7.21.0", "7.22.0"),
            (POOL, "network_config.subnetwork", "7.23.0", "7.24.0"),
            (POOL, "network_config.accelerator_network_profile", "7.30.0", "7.31.0"),
            (CLUSTER, "dataplane_optimization_mode", "7.37.0", "7.38.0"),
        ],
    )
    def test_new_arguments_that_replace(self, kind: str, path: str, before: str, since: str) -> None:
        assert path not in at(before, kind)[0].replace
        rules, block = at(since, kind)
        declared = attribute(block, path)
        assert path in rules.replace
        assert declared is not None
        assert declared.get("optional") or "nesting_mode" in declared

    @pytest.mark.parametrize(("version", "collection"), [(NEWEST, "list"), ("8.0.0", "set")])
    @pytest.mark.parametrize("block", ["logging_config", "monitoring_config"])
    def test_enable_components(self, block: str, version: str, collection: str) -> None:
        declared = attribute(at(version, CLUSTER)[1], f"{block}.enable_components")
        assert declared is not None
        assert declared["type"] == [collection, "string"]

    def test_the_schema_of_the_bindings_is_unchanged(self) -> None:
        at("8.7.0", CLUSTER)
        assert attribute(at(OLDEST, CLUSTER)[1], "maintenance_policy.maintenance_exclusion.exclusion_options.end_time_behavior") is None


class TestImportIds:
    @pytest.mark.parametrize(
        ("kind", "given", "named"),
        [
            (CLUSTER, "p/us-central1/c", {"project": "p", "location": "us-central1", "name": "c"}),
            (CLUSTER, "us-central1/c", {"location": "us-central1", "name": "c"}),
            (CLUSTER, "projects/p/locations/us-central1/clusters/c", {"project": "p", "location": "us-central1", "name": "c"}),
            (POOL, "p/us-central1/c/main", {"project": "p", "location": "us-central1", "cluster": "c", "name": "main"}),
            (POOL, "us-central1/c/main", {"location": "us-central1", "cluster": "c", "name": "main"}),
            ("google_project_service", "p/iam.googleapis.com", {"project": "p", "service": "iam.googleapis.com"}),
            ("google_service_account", "a@p.iam.gserviceaccount.com", {"email": "a@p.iam.gserviceaccount.com"}),
            (
                "google_project_iam_member",
                "p roles/viewer user:a@example.com",
                {"project": "p", "role": "roles/viewer", "member": "user:a@example.com"},
            ),
            ("google_compute_network", "p/n", {"project": "p", "name": "n"}),
            ("google_compute_subnetwork", "p/us-central1/s", {"project": "p", "region": "us-central1", "name": "s"}),
            ("google_compute_router", "us-central1/r", {"region": "us-central1", "name": "r"}),
            ("google_compute_router_nat", "p/us-central1/r/n", {"project": "p", "region": "us-central1", "router": "r", "name": "n"}),
        ],
    )
    def test_are_those_of_the_documentation(self, kind: str, given: str, named: dict[str, str]) -> None:
        assert next(found for form in GOOGLE.resources[kind].import_ids if (found := values_of(form, given))) == named


class TestCloud:
    def test_refuses_a_change_of_what_does_not_exist(self, tmp_path: Path) -> None:
        cloud = StandIns(tmp_path / "journal.jsonl").cloud
        with pytest.raises(LookupError, match="no google_container_cluster with master_version"):
            cloud.change(CLUSTER, "master_version", "1.36.2-gke.1000")
        cloud.put(CLUSTER, CLUSTER_ID, {"id": CLUSTER_ID, "addons_config": []})
        for path in ("master_versoin", "addons_config.gcs_fuse_csi_driver_config", "addons_config.no_such_addon"):
            with pytest.raises(LookupError, match=f"no google_container_cluster with {path}"):
                cloud.change(CLUSTER, path, [{"enabled": True}])

    def test_changes_one_object_or_all(self, tmp_path: Path) -> None:
        cloud = Cloud(tmp_path / "journal.jsonl", {})
        for name in ("a", "b"):
            cloud.put(POOL, name, {"id": name, "version": "1"})
        cloud.change(POOL, "version", "2", id="a")
        assert [pool["version"] for pool in cloud.objects(POOL)] == ["2", "1"]
        cloud.change(POOL, "version", "3")
        assert [pool["version"] for pool in cloud.objects(POOL)] == ["3", "3"]


class TestGke:
    @pytest.fixture
    def cloud(self, tmp_path: Path) -> Cloud:
        return StandIns(tmp_path / "journal.jsonl").cloud

    def cluster(self, **values: Any) -> dict[str, Any]:
        return {"id": CLUSTER_ID, "project": "p", "location": "us-central1", "name": "c", "initial_node_count": 1, **values}

    @pytest.mark.parametrize(
        ("asked", "channel", "version"),
        [
            (None, "REGULAR", "1.35.8-gke.1094000"),
            (None, "STABLE", "1.34.11-gke.1052000"),
            (None, "UNSPECIFIED", "1.35.8-gke.1094000"),
            ("1.35", "REGULAR", "1.35.8-gke.1094000"),
            ("1.35.8", "REGULAR", "1.35.8-gke.1094000"),
            ("1.35.7-gke.5", "REGULAR", "1.35.7-gke.5"),
            ("1.36", "REGULAR", "1.36.0-gke.1000000"),
            ("1.36.2", "REGULAR", "1.36.2-gke.1000000"),
        ],
    )
    def test_a_new_cluster_gets_a_full_version(self, cloud: Cloud, asked: str | None, channel: str, version: str) -> None:
        new = self.cluster(min_master_version=asked, release_channel=[{"channel": channel}])
        Gke(cloud).set_versions(CLUSTER, new, new, None)
        assert (new["master_version"], new["node_version"]) == (version, version)

    @pytest.mark.parametrize(
        ("before", "asked", "version"),
        [
            ("1.35.8-gke.1", "1.36.2-gke.5", "1.36.2-gke.5"),
            ("1.35.8-gke.1", "1.34.11-gke.1052000", "1.35.9-gke.1"),
            ("1.36.2-gke.5", "1.36.2-gke.5", "1.35.9-gke.1"),
            ("1.35.8-gke.1", None, "1.35.9-gke.1"),
        ],
    )
    def test_a_changed_version_upgrades_the_control_plane_and_never_downgrades_it(
        self, cloud: Cloud, before: str, asked: str | None, version: str
    ) -> None:
        cloud.put(CLUSTER, CLUSTER_ID, self.cluster(master_version="1.35.9-gke.1"))
        new = self.cluster(min_master_version=asked)
        Gke(cloud).set_versions(CLUSTER, new, new, self.cluster(min_master_version=before, master_version="1.35.8-gke.1"))
        assert new["master_version"] == version

    @pytest.mark.parametrize("argument", ["auto_upgrade", "auto_repair"])
    @pytest.mark.parametrize("channel", ["RAPID", "REGULAR", "STABLE", "EXTENDED"])
    def test_a_pool_in_a_channel_needs_its_management(self, cloud: Cloud, channel: str, argument: str) -> None:
        cloud.put(CLUSTER, CLUSTER_ID, self.cluster(master_version="1.35.8-gke.1", release_channel=[{"channel": channel}]))
        pool = {
            "id": f"{CLUSTER_ID}/nodePools/main",
            "project": "example-project",
            "location": "us-central1",
            "cluster": "example",
            "version": "1.35.8-gke.1",
            "management": [{"auto_upgrade": True, "auto_repair": True, argument: False}],
        }
        with pytest.raises(Refused, match=f"{argument.capitalize()} cannot be false when release_channel {channel} is set"):
            Gke(cloud).check("create", POOL, pool)

    def test_a_pool_may_not_be_newer_than_its_control_plane(self, cloud: Cloud) -> None:
        cloud.put(CLUSTER, CLUSTER_ID, self.cluster(master_version="1.35.8-gke.9"))
        pool = {
            "id": f"{CLUSTER_ID}/nodePools/main",
            "project": "example-project",
            "location": "us-central1",
            "cluster": "example",
            "version": "1.35.8-gke.10",
        }
        with pytest.raises(Refused, match="must not have a greater version than master version"):
            Gke(cloud).check("create", POOL, pool)
        cloud.put(POOL, pool["id"], pool)
        Gke(cloud).check("update", POOL, pool)
