import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from gitpod_pov.cluster_network import ClusterNetwork
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig, oldest_google
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.provider_versions import require_providers

import pytest
from cdktf import App, TerraformOutput, TerraformStack, Testing

from tests.app import Synthesized, deployment

CLUSTER = "google_container_cluster.cluster"
POOL = "google_container_node_pool.node_pool"
KEY = "projects/keys-project/locations/us-central1/keyRings/ring/cryptoKeys/key"


class TestVersion:
    def test_left_out_is_the_newest_of_the_channel_at_creation(self, synth: Callable[..., Synthesized]) -> None:
        app = synth()
        newest = '${data.google_container_engine_versions.cluster_versions.release_channel_latest_version["REGULAR"]}'
        cluster = app.resource("pov-cluster", CLUSTER)
        assert cluster["min_master_version"] == newest
        assert "min_master_version" in cluster["lifecycle"]["ignore_changes"]
        assert Testing.to_have_data_source_with_properties(
            app.text("pov-cluster"), "google_container_engine_versions", {"location": "us-central1", "project": "demo-project"}
        )

    @pytest.mark.parametrize("channel", ["REGULAR", "STABLE", "UNSPECIFIED"])
    def test_set_is_followed_with_and_without_a_channel(self, synth: Callable[..., Synthesized], channel: str) -> None:
        app = synth(cluster={"version": "1.35.4-gke.1245000", "release_channel": channel})
        cluster = app.resource("pov-cluster", CLUSTER)
        assert cluster["min_master_version"] == "1.35.4-gke.1245000"
        assert "min_master_version" not in cluster["lifecycle"]["ignore_changes"]
        assert "data" not in app.stack("pov-cluster")

    @pytest.mark.parametrize("cluster", [{}, {"version": "1.35"}, {"release_channel": "UNSPECIFIED"}], ids=str)
    def test_the_pool_starts_with_the_version_of_the_control_plane(
        self, synth: Callable[..., Synthesized], cluster: dict[str, Any]
    ) -> None:
        pool = synth(cluster=cluster).resource("pov-cluster", POOL)
        assert pool["version"] == "${google_container_cluster.cluster.master_version}"
        assert "version" in pool["lifecycle"]["ignore_changes"]


class TestMaintenance:
    ALL_DAY: ClassVar = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-02T00:00:00Z", "recurrence": "FREQ=DAILY"}
    KEEP_VERSIONS: ClassVar = {
        "exclusion_name": "keep-versions",
        "start_time": "2026-01-01T00:00:00Z",
        "exclusion_options": {"scope": "NO_MINOR_OR_NODE_UPGRADES", "end_time_behavior": "UNTIL_END_OF_SUPPORT"},
    }

    def policy(self, synth: Callable[..., Synthesized], **cluster: Any) -> Any:
        return synth(cluster=cluster).resource("pov-cluster", CLUSTER).get("maintenance_policy")

    @pytest.mark.parametrize("channel", ["RAPID", "REGULAR", "STABLE", "EXTENDED"])
    def test_in_a_channel_the_default_keeps_the_versions(self, synth: Callable[..., Synthesized], channel: str) -> None:
        expected = {"recurring_window": self.ALL_DAY, "maintenance_exclusion": [self.KEEP_VERSIONS]}
        assert self.policy(synth, release_channel=channel) == expected

    def test_without_a_channel_there_is_none(self, synth: Callable[..., Synthesized]) -> None:
        assert self.policy(synth, release_channel="UNSPECIFIED") is None

    def test_an_empty_list_is_none(self, synth: Callable[..., Synthesized]) -> None:
        assert self.policy(synth, maintenance_exclusions=[]) is None

    def test_a_listed_exclusion_needs_only_a_name(self, synth: Callable[..., Synthesized]) -> None:
        listed = [{"name": "a"}, {"name": "b", "scope": "NO_MINOR_UPGRADES", "end_time": "2027-05-01T00:00:00Z"}]
        policy = self.policy(synth, maintenance_exclusions=listed)
        assert policy["recurring_window"] == self.ALL_DAY
        assert policy["maintenance_exclusion"] == [
            {**self.KEEP_VERSIONS, "exclusion_name": "a"},
            {
                "exclusion_name": "b",
                "start_time": "2026-01-01T00:00:00Z",
                "end_time": "2027-05-01T00:00:00Z",
                "exclusion_options": {"scope": "NO_MINOR_UPGRADES"},
            },
        ]


class TestProviderVersion:
    """The default exclusion needs google 7.12, and state that the provider cannot read back is ignored."""

    @pytest.mark.parametrize("google", ["6.50.0", "7.11.9"])
    @pytest.mark.parametrize(
        ("cluster", "key"),
        [
            ({}, "cluster.maintenance_exclusions: is left out"),
            ({"maintenance_exclusions": [{"name": "a"}]}, "cluster.maintenance_exclusions[0].end_time: is left out"),
        ],
        ids=["default", "listed"],
    )
    def test_an_open_end_is_refused_before_7_12(self, google: str, cluster: dict[str, Any], key: str) -> None:
        with pytest.raises(ValueError, match=re.escape(key)) as refused:
            deployment(providers={"google": google}, cluster=cluster)
        assert f"needs google 7.12.0 or newer, but {google} is required: raise providers.google" in str(refused.value)

    @pytest.mark.parametrize(
        "cluster",
        [
            {"release_channel": "UNSPECIFIED"},
            {"maintenance_exclusions": []},
            {"maintenance_exclusions": [{"name": "a", "end_time": "2027-05-01T00:00:00Z"}]},
        ],
        ids=str,
    )
    def test_without_an_open_end_any_version_does(self, cluster: dict[str, Any]) -> None:
        deployment(providers={"google": "6.50.0"}, cluster=cluster)

    @pytest.mark.parametrize(("google", "ignored"), [("7.12.0", True), ("7.29.9", True), ("7.30.0", False), ("7.45.0", False)])
    def test_encryption_state_is_ignored_if_its_plan_is_never_empty(
        self, synth: Callable[..., Synthesized], google: str, *, ignored: bool
    ) -> None:
        cluster = synth(providers={"google": google}, cluster={"secrets_kms_key": KEY}).resource("pov-cluster", CLUSTER)
        assert ("database_encryption[0].state" in cluster["lifecycle"]["ignore_changes"]) is ignored

    @pytest.mark.parametrize(("google", "ignored"), [("7.12.0", False), ("7.37.9", False), ("7.38.0", True), ("8.7.0", True)])
    def test_an_argument_is_ignored_only_where_the_provider_has_it(
        self, synth: Callable[..., Synthesized], google: str, *, ignored: bool
    ) -> None:
        cluster = synth(providers={"google": google}).resource("pov-cluster", CLUSTER)
        assert ("dataplane_optimization_mode" in cluster["lifecycle"]["ignore_changes"]) is ignored

    @pytest.mark.parametrize(
        ("google", "cluster", "oldest"),
        [
            ("7.45.0", {}, "7.38.0"),
            ("7.30.0", {}, "7.12.0"),
            ("7.30.0", {"secrets_kms_key": KEY}, "7.30.0"),
            ("7.12.0", {"secrets_kms_key": KEY}, "7.12.0"),
            ("6.50.0", {"maintenance_exclusions": []}, "6.50.0"),
        ],
    )
    def test_the_oldest_provider_that_accepts_the_output(self, google: str, cluster: dict[str, Any], oldest: str) -> None:
        assert oldest_google(GkeClusterConfig.checked(cluster), google) == oldest

    def test_without_a_key_there_is_no_state_to_ignore(self, synth: Callable[..., Synthesized]) -> None:
        cluster = synth(providers={"google": "7.12.0"}).resource("pov-cluster", CLUSTER)
        assert "database_encryption[0].state" not in cluster["lifecycle"]["ignore_changes"]


class TestWorkloadIdentity:
    @pytest.mark.parametrize(
        ("value", "block", "mode"),
        [(True, {"workload_pool": "demo-project.svc.id.goog"}, "GKE_METADATA"), (False, {}, "GCE_METADATA")],
    )
    def test_is_written_when_it_is_set(self, synth: Callable[..., Synthesized], block: dict[str, str], mode: str, *, value: bool) -> None:
        app = synth(cluster={"workload_identity": value})
        assert app.resource("pov-cluster", CLUSTER)["workload_identity_config"] == block
        for address in (CLUSTER, POOL):
            assert app.resource("pov-cluster", address)["node_config"]["workload_metadata_config"] == {"mode": mode}

    def test_is_not_written_when_it_is_left_out(self, synth: Callable[..., Synthesized]) -> None:
        text = synth().text("pov-cluster")
        assert "workload_identity_config" not in text
        assert "workload_metadata_config" not in text


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

    def test_shipped_deployment_has_exactly_one_zone(self, synthesized: Synthesized) -> None:
        assert len(synthesized.resource("pov-cluster", POOL)["node_locations"]) == 1


def test_the_cluster_is_regional(synthesized: Synthesized) -> None:
    assert synthesized.resource("pov-cluster", CLUSTER)["location"] == "us-central1"


def test_ignores_changes_that_would_replace_the_cluster_at_the_second_apply(synthesized: Synthesized) -> None:
    ignored = synthesized.resource("pov-cluster", CLUSTER)["lifecycle"]["ignore_changes"]
    assert {"enable_l4_ilb_subsetting", "node_config", "datapath_provider"} <= set(ignored)


def test_ignores_changes_of_the_console_that_would_replace_the_pool(synthesized: Synthesized) -> None:
    ignored = synthesized.resource("pov-cluster", POOL)["lifecycle"]["ignore_changes"]
    assert {"node_config[0].advanced_machine_features", "queued_provisioning"} <= set(ignored)


def test_a_kubelet_block_keeps_cpu_limits(synth: Callable[..., Synthesized]) -> None:
    """google 6.50 sends cpuCfsQuota false in a block without it."""
    pool = synth(cluster={"kubelet_readonly_port": False}).resource("pov-cluster", POOL)
    assert pool["node_config"]["kubelet_config"] == {"insecure_kubelet_readonly_port_enabled": "FALSE", "cpu_cfs_quota": True}


class TestNetworkPolicy:
    def test_dataplane_v2_instead_of_calico(self, synth: Callable[..., Synthesized]) -> None:
        calico, dataplane_v2 = (
            synth(cluster=cluster).resource("pov-cluster", CLUSTER) for cluster in ({}, {"network_policy": "dataplane-v2"})
        )
        assert dataplane_v2["datapath_provider"] == "ADVANCED_DATAPATH"
        assert dataplane_v2["network_policy"] == {"enabled": False, "provider": "PROVIDER_UNSPECIFIED"}
        assert dataplane_v2["addons_config"] == {**calico["addons_config"], "network_policy_config": {"disabled": True}}
        (postcondition,) = dataplane_v2["lifecycle"].pop("postcondition")
        assert postcondition["condition"] == '${self.datapath_provider == "ADVANCED_DATAPATH" || self.network_policy[0].enabled}'
        changed = {"datapath_provider", "network_policy", "addons_config"}
        assert {name for name, value in dataplane_v2.items() if value != calico[name]} == changed

    def test_calico_by_name_is_the_default(self, synth: Callable[..., Synthesized]) -> None:
        default = synth().text("pov-cluster")
        assert synth(cluster={"network_policy": "calico"}).text("pov-cluster") == default


class TestNotifications:
    def test_left_out_are_not_written(self, synthesized: Synthesized) -> None:
        assert "notification_config" not in synthesized.text("pov-cluster")

    @pytest.mark.parametrize(
        "topic", ["gke", "projects/demo-project/topics/1a", "//pubsub.googleapis.com/projects/demo-project/topics/gke", " "]
    )
    def test_refuses_an_invalid_topic(self, topic: str) -> None:
        with pytest.raises(ValueError, match=r"notification_topic: .* is not a Pub/Sub topic: projects/PROJECT/topics/TOPIC, or an empty"):
            deployment(cluster={"notification_topic": topic})


def test_deletion_protection(synth: Callable[..., Synthesized]) -> None:
    cluster = synth(cluster={"deletion_protection": True}).resource("pov-cluster", CLUSTER)
    assert cluster["deletion_protection"] is True
    assert cluster["lifecycle"]["prevent_destroy"] is True


def test_there_is_one_cluster_and_one_pool(synthesized: Synthesized) -> None:
    resources = synthesized.stack("pov-cluster")["resource"]
    assert len(resources["google_container_cluster"]) == len(resources["google_container_node_pool"]) == 1


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


class TestAttributes:
    """What the neighbours of a cluster in an app need of it."""

    def test_wait_for_the_cluster(self, tmp_path: Path) -> None:
        stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
        require_providers(stack)
        place: dict[str, Any] = {"project": "demo-project", "region": "us-central1"}
        identity = NodeIdentity(stack, "identity", project="demo-project")
        network = ClusterNetwork(stack, "network", **place, cluster_name="gitpod")
        cluster = GkeCluster(stack, "cluster", **place, identity=identity, network=network)
        for name in ("id", "name", "location", "endpoint", "ca_certificate", "workload_pool", "control_plane_version"):
            TerraformOutput(stack, name, value=getattr(cluster, name))
        TerraformOutput(stack, "account", value=identity.name)
        outputs = {name: output["value"] for name, output in json.loads(Testing.synth(stack))["output"].items()}
        address = "google_container_cluster.cluster"
        assert outputs == {
            **{name: f"${{{address}.{name}}}" for name in ("id", "name", "location", "endpoint")},
            "ca_certificate": f"${{base64decode({address}.master_auth[0].cluster_ca_certificate)}}",
            "workload_pool": f"${{{address}.project}}.svc.id.goog",
            "control_plane_version": f"${{{address}.master_version}}",
            "account": "${google_service_account.identity.name}",
        }
