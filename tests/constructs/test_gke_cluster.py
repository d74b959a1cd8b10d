from collections.abc import Callable
from typing import Any

import pytest
from cdktf import Testing

from tests.app import Synthesized, deployment

CLUSTER = "google_container_cluster.cluster"
POOL = "google_container_node_pool.node_pool"


class TestVersion:
    def test_unpinned_is_the_newest_regular_one_at_creation_and_stays(self, synth: Callable[..., Synthesized]) -> None:
        app = synth()
        newest = '${data.google_container_engine_versions.cluster_versions.release_channel_latest_version["REGULAR"]}'
        cluster, pool = app.resource("pov-cluster", CLUSTER), app.resource("pov-cluster", POOL)
        assert (cluster["min_master_version"], pool["version"]) == (newest, newest)
        assert "min_master_version" in cluster["lifecycle"]["ignore_changes"]
        assert "version" in pool["lifecycle"]["ignore_changes"]
        assert Testing.to_have_data_source_with_properties(
            app.text("pov-cluster"), "google_container_engine_versions", {"location": "us-central1", "project": "demo-project"}
        )

    def test_pinned_is_followed(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"version": "1.33.4-gke.1245000"})
        cluster, pool = app.resource("pov-cluster", CLUSTER), app.resource("pov-cluster", POOL)
        assert (cluster["min_master_version"], pool["version"]) == ("1.33.4-gke.1245000", "1.33.4-gke.1245000")
        assert cluster["lifecycle"]["ignore_changes"] == ["enable_l4_ilb_subsetting", "node_config"]
        assert pool["lifecycle"]["ignore_changes"] == ["initial_node_count"]
        assert "data" not in app.stack("pov-cluster")

    def test_pinned_in_a_channel_is_left_to_google_after_creation(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"version": "1.33", "release_channel": "STABLE"}, node_pool={"auto_upgrade": True})
        assert "min_master_version" in app.resource("pov-cluster", CLUSTER)["lifecycle"]["ignore_changes"]
        assert "version" in app.resource("pov-cluster", POOL)["lifecycle"]["ignore_changes"]


class TestZones:
    def test_left_out_means_every_zone(self, synth: Callable[..., Synthesized]) -> None:
        app = synth()
        assert "node_locations" not in app.resource("pov-cluster", CLUSTER)
        assert "node_locations" not in app.resource("pov-cluster", POOL)
        assert "node-in-every-zone" in app.warnings("pov-cluster")

    def test_named_on_cluster_and_pool(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(zones=["us-central1-a", "us-central1-f"])
        for address in (CLUSTER, POOL):
            assert app.resource("pov-cluster", address)["node_locations"] == ["us-central1-a", "us-central1-f"]
            assert app.resource("pov-cluster", address)["location"] != "us-central1-a"
        assert "node-in-every-zone" not in app.warnings("pov-cluster")

    def test_the_shipped_deployment_has_exactly_one(self, synthesized: Synthesized) -> None:
        assert len(synthesized.resource("pov-cluster", POOL)["node_locations"]) == 1


def test_the_cluster_is_regional(synthesized: Synthesized) -> None:
    assert synthesized.resource("pov-cluster", CLUSTER)["location"] == "us-central1"


def test_what_would_replace_the_cluster_at_the_second_apply_is_ignored(synthesized: Synthesized) -> None:
    ignored = synthesized.resource("pov-cluster", CLUSTER)["lifecycle"]["ignore_changes"]
    assert {"enable_l4_ilb_subsetting", "node_config"} <= set(ignored)


def test_deletion_protection(synth: Callable[..., Synthesized]) -> None:
    cluster = synth(cluster={"deletion_protection": True}).resource("pov-cluster", CLUSTER)
    assert cluster["deletion_protection"] is True
    assert cluster["lifecycle"]["prevent_destroy"] is True


def test_there_is_one_cluster_and_one_pool(synthesized: Synthesized) -> None:
    resources = synthesized.stack("pov-cluster")["resource"]
    assert len(resources["google_container_cluster"]) == len(resources["google_container_node_pool"]) == 1


class TestRisks:
    def test_of_the_guide(self, synth: Callable[..., Synthesized]) -> None:
        risks = {"node-account-is-cluster-admin", "public-control-plane", "no-release-channel", "node-in-every-zone"}
        assert synth().warnings("pov-cluster") == risks

    @pytest.mark.parametrize("risk", ["node-account-is-cluster-admin", "public-control-plane", "no-release-channel", "node-in-every-zone"])
    def test_acknowledged_is_quiet(self, synth: Callable[..., Synthesized], risk: str) -> None:
        app = synth(acknowledged_risks=[risk])
        assert len(app.warnings("pov-cluster")) == 3
        assert risk not in app.warnings("pov-cluster")

    def test_acknowledging_changes_nothing_else(self, synth: Callable[..., Synthesized]) -> None:
        before = synth().text("pov-cluster")
        assert synth(acknowledged_risks=["no-release-channel"]).text("pov-cluster") == before

    def test_a_channel_ends_its_warning(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"release_channel": "REGULAR"}, node_pool={"auto_upgrade": True})
        assert "no-release-channel" not in app.warnings("pov-cluster")


class TestMonitoring:
    PROMETHEUS = ("STORAGE", "HPA", "POD", "DAEMONSET", "DEPLOYMENT", "STATEFULSET", "KUBELET", "CADVISOR", "DCGM", "JOBSET")
    OTHERS = ("SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")

    @pytest.mark.parametrize("component", PROMETHEUS)
    def test_a_component_needs_managed_prometheus(self, component: str) -> None:
        cluster = {"monitoring_components": ["SYSTEM_COMPONENTS", component]}
        message = rf"monitoring_components\[1\]: '{component}' needs managed Prometheus; leave it out, or set cluster.managed_prometheus"
        with pytest.raises(ValueError, match=message):
            deployment(cluster={**cluster, "managed_prometheus": False})
        deployment(cluster={**cluster, "managed_prometheus": True})
        deployment(cluster=cluster)

    def test_others_do_not(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(cluster={"managed_prometheus": False, "monitoring_components": list(self.OTHERS)})
        monitoring = app.resource("pov-cluster", CLUSTER)["monitoring_config"]
        assert monitoring == {"enable_components": list(self.OTHERS), "managed_prometheus": {"enabled": False}}

    @pytest.mark.parametrize("cluster", [{"managed_prometheus": False}, {"managed_prometheus": False, "monitoring_components": []}])
    def test_it_may_be_off_without_components(self, cluster: dict[str, Any]) -> None:
        deployment(cluster=cluster)


def test_a_zone_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"zones\[0\]: 'europe-west1-b' is not a zone of us-central1"):
        deployment(zones=["europe-west1-b"])
