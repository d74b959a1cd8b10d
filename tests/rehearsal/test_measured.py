"""What was measured with the real providers 6.50.0 and 7.45.0: one test for each line, with the words of the measurement.

The classes follow the tables of the measurement: what holds in general, what does not and what cures it, one input changed after the
apply, what Google or its console fills in, the default that GKE takes today, and differences of the schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rehearsal.behaviour import behaviour, has_path, schema_of
from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.values import first
from rehearsal.workspace import Plan, TerraformError
from tests.killed import kill_while_creating
from tests.rehearsal.examples import (
    BINDING,
    CLUSTER,
    CLUSTER_ID,
    LOCATION,
    NAT,
    NEWEST,
    OLDEST,
    POOL,
    POOL_ID,
    PROJECT,
    ROUTER,
    SUBNETWORK,
    Configuration,
    binding_configuration,
    changed,
    cluster_configuration,
    hardened_configuration,
    resource,
    with_channel,
    workspace,
    write,
)
from tests.terraform_output import error_text

pytestmark = pytest.mark.terraform

VERSIONS = pytest.mark.parametrize("google", [OLDEST, NEWEST])
PROFILES: dict[str, Callable[[str], Configuration]] = {"reference": cluster_configuration, "hardened": hardened_configuration}
CLUSTER_TYPE, POOL_TYPE = CLUSTER.partition(".")[0], POOL.partition(".")[0]
DEFAULT_POOL_ID = f"{CLUSTER_ID}/nodePools/default-pool"
MOVED_ON = "1.36.2-gke.1000"


class Life:
    """One deployment over time: its configuration changes, its state and its cloud stay."""

    def __init__(self, stand_ins: StandIns, folder: Path, content: Configuration) -> None:
        self.cloud, self.folder = stand_ins.cloud, folder
        self.workspace = workspace(stand_ins, folder, content)

    def write(self, content: Configuration) -> None:
        self.workspace.synthesize(write(self.folder / "synthesized", content))

    def changes(self, content: Configuration | None = None) -> dict[str, str]:
        if content is not None:
            self.write(content)
        return dict(self.workspace.plan().changes)

    def apply(self, content: Configuration | None = None) -> None:
        if content is not None:
            self.write(content)
        self.workspace.apply()

    def planned(self, content: Configuration) -> dict[str, str]:
        """What a plan of another configuration would change; afterwards the present one is back."""
        before = (self.folder / "synthesized" / "cdk.tf.json").read_text()
        try:
            return self.changes(content)
        finally:
            self.write(json.loads(before))

    @contextmanager
    def filled_in(self, kind: str, path: str, value: Any) -> Iterator[Plan]:
        """The plan after Google or the console wrote a value, which is removed again afterwards."""
        [before] = [found for found in self.cloud.objects(kind) if found["id"] in (CLUSTER_ID, POOL_ID)]
        self.cloud.change(kind, path, value)
        try:
            yield self.workspace.plan()
        finally:
            self.cloud.put(kind, before["id"], before)

    def at_rest(self) -> bool:
        return self.workspace.plan().empty

    def fails(self, content: Configuration | None = None) -> str:
        """The error of an apply, on one line."""
        with pytest.raises(TerraformError) as failed:
            self.apply(content)
        return error_text(failed.value)

    def object(self, type: str, id: str) -> dict[str, Any]:
        found = self.cloud.find(type, id)
        assert found is not None, id
        return found


@pytest.fixture
def life(stand_ins: StandIns, tmp_path: Path) -> Callable[[Configuration], Life]:
    return lambda content: Life(stand_ins, tmp_path, content)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Life]]:
    """An applied deployment of a profile with a version, for tests that only plan and do not change the cloud."""
    lives: dict[tuple[str, str], Life] = {}
    running: list[StandIns] = []

    def applied_one(profile: str, google: str) -> Life:
        if (profile, google) not in lives:
            folder = tmp_path_factory.mktemp(profile)
            running.append(StandIns(folder / "journal.jsonl"))
            lives[profile, google] = Life(running[-1], folder, PROFILES[profile](google))
            lives[profile, google].apply()
        return lives[profile, google]

    yield applied_one
    for stand_ins in running:
        stand_ins.__exit__(None, None, None)


class TestWhatHolds:
    @pytest.mark.parametrize("profile", PROFILES)
    @VERSIONS
    def test_apply_empty_second_plan_destroy(self, life: Callable[[Configuration], Life], profile: str, google: str) -> None:
        content = PROFILES[profile](google)
        one = life(content)
        one.apply()
        assert one.at_rest()
        assert one.cloud.objects(POOL_TYPE)[0]["id"] == POOL_ID, "the default pool is removed"
        one.apply(changed(content, CLUSTER, {"deletion_protection": False, "lifecycle.prevent_destroy": None}))
        one.workspace.destroy()
        assert one.workspace.state() == {}
        assert one.cloud.objects(CLUSTER_TYPE) == []

    @pytest.mark.parametrize("profile", PROFILES)
    def test_applied_with_6_50_planned_with_7_45_no_change(self, applied: Callable[[str, str], Life], profile: str) -> None:
        assert applied(profile, OLDEST).planned(PROFILES[profile](NEWEST)) == {}

    def test_429_503_and_409_from_every_api_in_turn_one_apply_gets_through(self, life: Callable[[Configuration], Life]) -> None:
        one = life(hardened_configuration())
        kinds = {address.partition(".")[0] for address in one.workspace.plan().changes}
        for kind in kinds:
            for code in (429, 503, 409):
                one.cloud.break_down(Fault("create", kind, "retry", message=f"googleapi: Error {code}"))
        one.apply()
        assert one.at_rest()
        retried = one.cloud.journal.entries("create", outcome="retried")
        assert {entry.type for entry in retried} == kinds
        assert len(retried) == 3 * len(kinds)


class TestWhatDoesNot:
    @pytest.mark.parametrize(("google", "sent"), [(OLDEST, False), (NEWEST, True)])
    def test_kubelet_config_without_cpu_cfs_quota(self, life: Callable[[Configuration], Life], google: str, *, sent: bool) -> None:
        content = changed(
            cluster_configuration(google), POOL, {"node_config.kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE"}}
        )
        one = life(content)
        one.apply()
        quota = "node_config.kubelet_config.cpu_cfs_quota"
        assert first(one.object(POOL_TYPE, POOL_ID), quota) is sent
        assert one.at_rest()
        one.apply(changed(content, POOL, {quota: True}))
        assert first(one.object(POOL_TYPE, POOL_ID), quota) is True
        assert one.at_rest()

    def test_without_a_kubelet_config_limits_are_not_switched_off(self, applied: Callable[[str, str], Life]) -> None:
        pool = applied("reference", OLDEST).object(POOL_TYPE, POOL_ID)
        assert first(pool, "node_config.kubelet_config.cpu_cfs_quota") is None

    @pytest.mark.parametrize(("google", "verbs"), [(OLDEST, {CLUSTER: "update"}), (NEWEST, {})])
    def test_secrets_kms_key_second_plan(self, life: Callable[[Configuration], Life], google: str, verbs: dict[str, str]) -> None:
        key = {"state": "ENCRYPTED", "key_name": "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"}
        content = changed(cluster_configuration(google), CLUSTER, {"database_encryption": key})
        one = life(content)
        one.apply()
        assert one.workspace.state()[CLUSTER]["database_encryption"][0]["state"] == "ALL_OBJECTS_ENCRYPTION_ENABLED"
        assert one.changes() == verbs
        one.apply()
        assert one.changes() == verbs, "for ever"
        resource(content, CLUSTER)["lifecycle"]["ignore_changes"].append("database_encryption[0].state")
        assert one.changes(content) == {}

    @pytest.mark.parametrize(("google", "verb"), [(OLDEST, "replace"), (NEWEST, "update")])
    def test_private_nodes_true_to_false(self, life: Callable[[Configuration], Life], google: str, verb: str) -> None:
        content = changed(cluster_configuration(google), CLUSTER, {"private_cluster_config": {"enable_private_nodes": True}})
        one = life(content)
        one.apply()
        changed(content, CLUSTER, {"private_cluster_config.enable_private_nodes": False})
        assert one.changes(content)[CLUSTER] == verb

    @VERSIONS
    def test_google_migrates_to_dataplane_v2_in_place(self, life: Callable[[Configuration], Life], google: str) -> None:
        content = changed(cluster_configuration(google), CLUSTER, {"datapath_provider": "LEGACY_DATAPATH"})
        one = life(content)
        one.apply()
        one.cloud.change(CLUSTER_TYPE, "datapath_provider", "ADVANCED_DATAPATH")
        action = one.workspace.plan().actions[CLUSTER]
        assert (action.verb, action.because) == ("replace", ("datapath_provider",))
        resource(content, CLUSTER)["lifecycle"]["ignore_changes"].append("datapath_provider")
        assert one.changes(content) == {}

    def test_pool_is_replaced_after_regular_has_a_newer_version(self, life: Callable[[Configuration], Life]) -> None:
        content = cluster_configuration()
        one = life(content)
        one.apply()
        one.cloud.facts["regular_version"] = MOVED_ON
        assert one.at_rest()
        message = one.fails(changed(content, POOL, {"node_config.spot": True}))
        assert f'Node version "{MOVED_ON}" must not have a greater version than master version' in message
        assert one.cloud.find(POOL_TYPE, POOL_ID) is None, "destroyed before"
        one.apply(changed(content, POOL, {"version": f"${{{CLUSTER}.master_version}}"}))
        assert one.at_rest()

    @VERSIONS
    def test_hardened_removed_from_the_file(self, life: Callable[[Configuration], Life], google: str) -> None:
        one = life(hardened_configuration(google, protected=False))
        one.apply()
        plain = cluster_configuration(google)
        mark = one.cloud.journal.mark()
        assert one.changes(plain) == {ROUTER: "delete", NAT: "delete", SUBNETWORK: "update"}
        one.apply()
        assert one.at_rest()
        assert one.cloud.journal.precedes(NAT.partition(".")[0], ROUTER.partition(".")[0], call="destroy", since=mark)
        assert (one.cloud.objects(NAT.partition(".")[0]), one.cloud.objects(ROUTER.partition(".")[0])) == ([], [])
        cluster, pool = one.object(CLUSTER_TYPE, CLUSTER_ID), one.object(POOL_TYPE, POOL_ID)
        assert first(cluster, "private_cluster_config.enable_private_nodes") is True
        assert first(cluster, "private_cluster_config.enable_private_endpoint") is True
        assert first(cluster, "workload_identity_config.workload_pool") == f"{PROJECT}.svc.id.goog"
        assert first(pool, "network_config.enable_private_nodes") is True

        if google == OLDEST:
            assert one.planned(switched_off(plain))[CLUSTER] == "replace", "as private_nodes does"
            return
        one.apply(switched_off(plain))
        assert one.at_rest()
        cluster, pool = one.object(CLUSTER_TYPE, CLUSTER_ID), one.object(POOL_TYPE, POOL_ID)
        assert first(cluster, "private_cluster_config.enable_private_nodes") is False
        assert first(cluster, "private_cluster_config.enable_private_endpoint") is False
        assert first(cluster, "control_plane_endpoints_config.dns_endpoint_config.allow_external_traffic") is False
        assert first(cluster, "workload_identity_config.workload_pool") is None
        assert first(pool, "network_config.enable_private_nodes") is False
        assert first(pool, "node_config.workload_metadata_config.mode") == "GCE_METADATA"

    def test_order_two_applies_off_values_first_then_without_nat(self, life: Callable[[Configuration], Life]) -> None:
        content = hardened_configuration(protected=False)
        one = life(content)
        one.apply()
        switched_off(content)
        changed(content, CLUSTER, {"master_authorized_networks_config": None})
        assert one.changes(content) == {CLUSTER: "update", POOL: "update"}
        one.apply()
        assert first(one.object(POOL_TYPE, POOL_ID), "network_config.enable_private_nodes") is False
        assert one.changes(without_nat(content)) == {ROUTER: "delete", NAT: "delete"}
        one.apply()
        assert one.at_rest()

    def test_order_in_one_apply_router_and_nat_go_before_the_nodes_become_public(self, life: Callable[[Configuration], Life]) -> None:
        content = hardened_configuration(protected=False)
        one = life(content)
        one.apply()
        one.cloud.break_down(Fault("destroy", NAT.partition(".")[0], "stall", seconds=0.5))
        mark = one.cloud.journal.mark()
        one.apply(without_nat(switched_off(content)))
        [gone] = one.cloud.journal.entries("destroy", NAT.partition(".")[0], "done", since=mark)
        [public] = one.cloud.journal.entries("update", POOL_TYPE, "begun", since=mark)
        assert gone.number < public.number

    def test_create_before_destroy_on_the_nat_spreads_to_the_subnetwork(self, life: Callable[[Configuration], Life]) -> None:
        content = hardened_configuration(protected=False)
        for address in (ROUTER, NAT):
            changed(content, address, {"lifecycle.create_before_destroy": True})
        del content["resource"]["google_container_node_pool"], content["resource"]["google_container_cluster"], content["output"]
        one = life(content)
        one.apply()
        message = one.fails(changed(content, SUBNETWORK, {"ip_cidr_range": "10.16.0.0/20"}))
        assert "Error 409: Already exists" in message

    @VERSIONS
    def test_off_values_added_to_a_state_that_lacks_them(self, applied: Callable[[str, str], Life], google: str) -> None:
        one = applied("reference", google)
        [private] = one.object(CLUSTER_TYPE, CLUSTER_ID)["private_cluster_config"]
        assert (private["enable_private_nodes"], private["enable_private_endpoint"]) == (False, False), "the provider sends them"
        content = switched_off(cluster_configuration(google))
        assert one.planned(content) == {CLUSTER: "update", POOL: "update"}
        changed(content, CLUSTER, {"workload_identity_config": None})
        changed(content, POOL, {"node_config.workload_metadata_config": None})
        assert one.planned(content) == {}

    def test_creation_ends_in_an_error_hardened(self, life: Callable[[Configuration], Life]) -> None:
        content = hardened_configuration()
        one = life(content)
        one.cloud.break_down(Fault("create", CLUSTER_TYPE, message="Error waiting for creating GKE cluster", carried_out=True))
        assert "Error waiting for creating GKE cluster" in one.fails()
        assert one.workspace.tainted() == {CLUSTER}
        assert "Instance cannot be destroyed" in one.fails()
        with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
            one.workspace.plan()
        unprotected = changed(hardened_configuration(), CLUSTER, {"deletion_protection": False, "lifecycle.prevent_destroy": None})
        assert one.changes(unprotected)[CLUSTER] == "replace"
        assert "because deletion_protection is set to true" in one.fails()

        one.write(content)
        one.workspace.untaint(CLUSTER)
        one.apply()
        assert one.at_rest()
        assert {pool["name"] for pool in one.cloud.objects(POOL_TYPE)} == {"default-pool", "main"}
        assert one.object(POOL_TYPE, DEFAULT_POOL_ID)["version"] == one.cloud.facts["regular_version"]
        one.cloud.remove(POOL_TYPE, DEFAULT_POOL_ID)
        assert one.at_rest()

    def test_creation_ends_in_an_error_reference(self, life: Callable[[Configuration], Life]) -> None:
        one = life(cluster_configuration())
        one.cloud.break_down(Fault("create", CLUSTER_TYPE, message="Error waiting for creating GKE cluster", carried_out=True))
        one.fails()
        assert one.changes()[CLUSTER] == "replace"
        one.apply()
        assert one.at_rest()
        assert [pool["name"] for pool in one.cloud.objects(POOL_TYPE)] == ["main"], "the default pool went with the first cluster"

    def test_killed_while_a_pool_is_being_created(self, life: Callable[[Configuration], Life]) -> None:
        one = life(with_timeouts(cluster_configuration()))
        kill_while_creating(POOL_TYPE, one.workspace, one.cloud)
        lock = one.workspace.directory / "states" / ".cluster.tfstate.lock.info"
        assert lock.exists()
        assert f"resource - {POOL_ID} - already exists" in one.fails()
        assert not lock.exists(), "the lock of a local state does not outlive its process, only its file does"
        one.workspace.import_(POOL, f"{PROJECT}/{LOCATION}/example/main")
        assert one.workspace.state()[POOL]["timeouts"] is None
        assert one.at_rest()

    def test_killed_while_the_cluster_is_being_created(self, life: Callable[[Configuration], Life]) -> None:
        one = life(with_timeouts(cluster_configuration()))
        kill_while_creating(CLUSTER_TYPE, one.workspace, one.cloud)
        assert f"Already exists: {CLUSTER_ID}" in one.fails()
        assert one.object(POOL_TYPE, DEFAULT_POOL_ID)["name"] == "default-pool"
        one.workspace.import_(CLUSTER, f"{PROJECT}/{LOCATION}/example")
        imported = one.workspace.state()[CLUSTER]
        assert imported["deletion_protection"] is True
        assert (imported["remove_default_node_pool"], imported["min_master_version"]) == (None, None)
        assert one.changes() == {CLUSTER: "update", POOL: "create"}
        one.apply()
        assert one.at_rest()
        assert one.cloud.find(POOL_TYPE, DEFAULT_POOL_ID) is None, "the update removes it, as remove_default_node_pool changes"

    def test_joining_a_channel_in_one_apply_is_refused_at_every_retry(self, life: Callable[[Configuration], Life]) -> None:
        one = without_channel(life)
        joined = with_channel(cluster_configuration(), "REGULAR", auto_upgrade=True)
        for _ in range(2):
            assert "Auto_upgrade cannot be false when release_channel REGULAR is set" in one.fails(joined)
        assert first(one.object(POOL_TYPE, POOL_ID), "management.auto_upgrade") is False, "the cluster is updated first"
        assert first(one.object(CLUSTER_TYPE, CLUSTER_ID), "release_channel.channel") == "UNSPECIFIED"

        one.apply(with_channel(cluster_configuration(), "UNSPECIFIED", auto_upgrade=True))
        assert one.at_rest()
        one.apply(joined)
        assert one.at_rest()

    def test_hand_over_example_tls_private_address_without_ca(self, applied: Callable[[str, str], Life], tmp_path: Path) -> None:
        one = applied("hardened", NEWEST)
        content = binding_configuration()
        del content["provider"]["kubernetes"][0]["cluster_ca_certificate"]
        binding = Life(one.workspace.stand_ins, tmp_path, content)
        assert "x509: certificate signed by unknown authority" in binding.fails()
        dns = "data.google_container_cluster.example.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint"
        content["provider"]["kubernetes"][0]["host"] = f"https://${{{dns}}}"
        binding.apply(content)
        assert binding.at_rest()
        assert BINDING in binding.workspace.state()

    def test_unspecified_at_creation_is_refused_since_2026_08_21(self, life: Callable[[Configuration], Life]) -> None:
        content = with_channel(cluster_configuration(), "UNSPECIFIED", auto_upgrade=False)
        one = life(content)
        assert "Cluster.release_channel must be one of" in one.fails()
        assert one.cloud.objects(CLUSTER_TYPE) == []
        assert CLUSTER not in one.workspace.state()
        one.cloud.facts["release_channel_required"] = False
        one.apply()
        assert one.at_rest()
        one.cloud.facts["release_channel_required"] = True
        one.apply(changed(content, CLUSTER, {"resource_labels": {"team": "platform"}}))
        assert one.at_rest(), "clusters that exist already go on"


def switched_off(content: Configuration) -> Configuration:
    """The configuration with the values that switch the hardened inputs off."""
    changed(
        content,
        CLUSTER,
        {
            "private_cluster_config": {"enable_private_nodes": False, "enable_private_endpoint": False},
            "workload_identity_config": {},
            "control_plane_endpoints_config": {"dns_endpoint_config": {"allow_external_traffic": False}},
        },
    )
    return changed(
        content,
        POOL,
        {"network_config": {"enable_private_nodes": False}, "node_config.workload_metadata_config": {"mode": "GCE_METADATA"}},
    )


def without_nat(content: Configuration) -> Configuration:
    del content["resource"]["google_compute_router_nat"], content["resource"]["google_compute_router"]
    return changed(content, POOL, {"depends_on": None})


def with_timeouts(content: Configuration) -> Configuration:
    """The configuration with timeouts, which an import does not set."""
    for address in (CLUSTER, POOL):
        changed(content, address, {"timeouts": {"create": "90m"}})
    return content


def without_channel(life: Callable[[Configuration], Life], google: str = NEWEST) -> Life:
    """An applied cluster of a customer who may create it without a channel; afterwards the customer is like any other."""
    one = life(with_channel(cluster_configuration(google), "UNSPECIFIED", auto_upgrade=False))
    one.cloud.facts["release_channel_required"] = False
    one.apply()
    one.cloud.facts["release_channel_required"] = True
    return one


BLUE_GREEN = {
    "strategy": "BLUE_GREEN",
    "blue_green_settings": {
        "node_pool_soak_duration": "3600s",
        "standard_rollout_policy": {"batch_node_count": 1, "batch_percentage": 0, "batch_soak_duration": "0s"},
    },
}
IN_PLACE, REPLACED, NOTHING = "update", "replace", "no-op"
WINDOW = {
    "recurring_window": {"start_time": "2026-01-03T00:00:00Z", "end_time": "2026-01-03T06:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=SA"}
}

# what is changed: the address, the arguments at the apply, the arguments afterwards, what the plan does with 7.45.0
ONE_INPUT: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "node_pool.machine_type": (POOL, {}, {"node_config.machine_type": "n2d-standard-32"}, IN_PLACE),
    "node_pool.disk_size_gb": (POOL, {"node_config.disk_size_gb": 100}, {"node_config.disk_size_gb": 200}, IN_PLACE),
    "node_pool.labels": (POOL, {}, {"node_config.labels": {"example.com/workload": "false"}}, IN_PLACE),
    "cluster.network_tags": (POOL, {}, {"node_config.tags": ["other"]}, IN_PLACE),
    "cluster.network_tags left out": (POOL, {"node_config.tags": ["gke-nodes"]}, {"node_config.tags": None}, IN_PLACE),
    "node_pool.taints": (POOL, {}, {"node_config.taint": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}]}, IN_PLACE),
    "node_pool.max_nodes": (POOL, {}, {"autoscaling.max_node_count": 7}, IN_PLACE),
    "node_pool.max_total_nodes": (POOL, {}, {"autoscaling": {"total_min_node_count": 0, "total_max_node_count": 9}}, IN_PLACE),
    "node_pool.upgrade_settings surge": (
        POOL,
        {"upgrade_settings": {"max_surge": 1, "max_unavailable": 0}},
        {"upgrade_settings": {"max_surge": 2, "max_unavailable": 0}},
        IN_PLACE,
    ),
    "node_pool.upgrade_settings blue-green": (POOL, {}, {"upgrade_settings": BLUE_GREEN}, IN_PLACE),
    "node_pool.metadata": (POOL, {}, {"node_config.metadata": {"disable-legacy-endpoints": "true", "team": "platform"}}, REPLACED),
    "node_pool.spot": (POOL, {}, {"node_config.spot": True}, REPLACED),
    "node_pool.initial_nodes": (POOL, {}, {"initial_node_count": 2}, NOTHING),
    "node_pool.confidential_nodes": (POOL, {}, {"node_config.confidential_nodes": {"enabled": True}}, IN_PLACE),
    "cluster.dns_endpoint true -> false": (
        CLUSTER,
        {"control_plane_endpoints_config": {"dns_endpoint_config": {"allow_external_traffic": True}}},
        {"control_plane_endpoints_config": {"dns_endpoint_config": {"allow_external_traffic": False}}},
        IN_PLACE,
    ),
    "cluster.dns_endpoint left out": (
        CLUSTER,
        {"control_plane_endpoints_config": {"dns_endpoint_config": {"allow_external_traffic": True}}},
        {"control_plane_endpoints_config": None},
        NOTHING,
    ),
    "cluster.cost_allocation true -> false": (
        CLUSTER,
        {"cost_management_config": {"enabled": True}},
        {"cost_management_config": {"enabled": False}},
        IN_PLACE,
    ),
    "cluster.managed_prometheus true -> false": (
        CLUSTER,
        {"monitoring_config": {"managed_prometheus": {"enabled": True}}},
        {"monitoring_config": {"managed_prometheus": {"enabled": False}}},
        IN_PLACE,
    ),
    "cluster.private_nodes true -> false": (
        CLUSTER,
        {"private_cluster_config": {"enable_private_nodes": True}},
        {"private_cluster_config": {"enable_private_nodes": False}},
        IN_PLACE,
    ),
    "cluster.private_nodes left out": (
        CLUSTER,
        {"private_cluster_config": {"enable_private_nodes": True}},
        {"private_cluster_config": None},
        NOTHING,
    ),
    "cluster.workload_identity left out": (
        CLUSTER,
        {"workload_identity_config": {"workload_pool": f"{PROJECT}.svc.id.goog"}},
        {"workload_identity_config": None},
        NOTHING,
    ),
    "cluster.workload_identity an empty block": (
        CLUSTER,
        {"workload_identity_config": {"workload_pool": f"{PROJECT}.svc.id.goog"}},
        {"workload_identity_config": {}},
        IN_PLACE,
    ),
    "cluster.anonymous_authentication left out": (
        CLUSTER,
        {"anonymous_authentication_config": {"mode": "LIMITED"}},
        {"anonymous_authentication_config": None},
        NOTHING,
    ),
    "cluster.authorized_networks left out": (
        CLUSTER,
        {"master_authorized_networks_config": {"cidr_blocks": [{"cidr_block": "203.0.113.0/24", "display_name": "office"}]}},
        {"master_authorized_networks_config": None},
        NOTHING,
    ),
    "cluster.rbac_security_group left out": (
        CLUSTER,
        {"authenticator_groups_config": {"security_group": "gke-security-groups@example.com"}},
        {"authenticator_groups_config": None},
        NOTHING,
    ),
    "cluster.logging_components left out": (
        CLUSTER,
        {"logging_config": {"enable_components": ["SYSTEM_COMPONENTS"]}},
        {"logging_config": None},
        NOTHING,
    ),
    "cluster.kubelet_readonly_port left out": (
        CLUSTER,
        {"node_pool_defaults": {"node_config_defaults": {"insecure_kubelet_readonly_port_enabled": "FALSE"}}},
        {"node_pool_defaults": None},
        NOTHING,
    ),
    "node_pool kubelet_readonly_port left out": (
        POOL,
        {"node_config.kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE", "cpu_cfs_quota": True}},
        {"node_config.kubelet_config": None},
        NOTHING,
    ),
    "node_pool network_config left out": (POOL, {"network_config": {"enable_private_nodes": True}}, {"network_config": None}, NOTHING),
    "cluster.resource_labels left out": (CLUSTER, {"resource_labels": {"team": "platform"}}, {"resource_labels": None}, IN_PLACE),
    "cluster.maintenance_window left out": (CLUSTER, {"maintenance_policy": WINDOW}, {"maintenance_policy": None}, IN_PLACE),
    "cluster.shielded_nodes false -> left out": (CLUSTER, {"enable_shielded_nodes": False}, {"enable_shielded_nodes": None}, IN_PLACE),
    "network.flow_logs true -> false": (SUBNETWORK, {"log_config": {"flow_sampling": 0.5}}, {"log_config": None}, IN_PLACE),
    "network.nodes_cidr": (SUBNETWORK, {}, {"ip_cidr_range": "10.16.0.0/20"}, REPLACED),
}
AFTER_THE_UPDATE: dict[str, tuple[str, Any]] = {
    "cluster.resource_labels left out": ("resource_labels", None),
    "cluster.maintenance_window left out": ("maintenance_policy", []),
    "cluster.shielded_nodes false -> left out": ("enable_shielded_nodes", True),
    "network.flow_logs true -> false": ("log_config", []),
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Life, Callable[[], Configuration]]]:
    def content() -> Configuration:
        made = cluster_configuration()
        for address, arguments, _, _ in ONE_INPUT.values():
            changed(made, address, arguments)
        return made

    folder = tmp_path_factory.mktemp("everything")
    with StandIns(folder / "journal.jsonl") as stand_ins:
        one = Life(stand_ins, folder, content())
        one.apply()
        assert one.at_rest()
        yield one, content


class TestOneInputChanged:
    """All inputs that can be set together are applied together; then each is changed alone."""

    @pytest.mark.parametrize("name", ONE_INPUT)
    def test_what_the_plan_does(self, everything: tuple[Life, Callable[[], Configuration]], name: str) -> None:
        one, content = everything
        address, _, arguments, verb = ONE_INPUT[name]
        one.write(changed(content(), address, arguments))
        actions = one.workspace.plan().actions
        assert actions[address].verb == verb
        others = {other: action.verb for other, action in actions.items() if other != address and action.verb != "no-op"}
        assert others == {}

    def test_state_after_the_updates(self, life: Callable[[Configuration], Life]) -> None:
        content = cluster_configuration()
        for name in AFTER_THE_UPDATE:
            changed(content, ONE_INPUT[name][0], ONE_INPUT[name][1])
        one = life(content)
        one.apply()
        for name in AFTER_THE_UPDATE:
            changed(content, ONE_INPUT[name][0], ONE_INPUT[name][2])
        one.apply(content)
        assert one.at_rest()
        state = one.workspace.state()
        assert {name: state[ONE_INPUT[name][0]][path] for name, (path, _) in AFTER_THE_UPDATE.items()} == {
            name: value for name, (_, value) in AFTER_THE_UPDATE.items()
        }

    @pytest.mark.parametrize("google", [OLDEST, NEWEST])
    def test_upgrade_strategies_there_and_back(self, life: Callable[..., Life], google: str) -> None:
        surge = {"upgrade_settings": {"max_surge": 2, "max_unavailable": 0}}
        one = life(changed(cluster_configuration(google), POOL, surge))
        one.apply()
        for settings in (BLUE_GREEN, {"max_surge": 1, "max_unavailable": 1}):
            one.apply(changed(cluster_configuration(google), POOL, {"upgrade_settings": settings}))
            assert one.at_rest()
        assert one.workspace.state()[POOL]["upgrade_settings"][0]["strategy"] == "SURGE"

    def test_surge_settings_with_the_strategy_blue_green(self, life: Callable[[Configuration], Life]) -> None:
        one = life(cluster_configuration())
        one.apply()
        both = changed(cluster_configuration(), POOL, {"upgrade_settings": {**BLUE_GREEN, "max_surge": 3}})
        assert "Surge upgrade settings may not be changed when surge strategy is not enabled" in one.fails(both)

    def test_the_last_label_of_a_pool_cannot_be_removed(self, life: Callable[[Configuration], Life]) -> None:
        one = life(cluster_configuration())
        one.apply()
        without = changed(cluster_configuration(), POOL, {"node_config.labels": {}})
        one.apply(without)
        assert one.changes(without) == {POOL: "update"}
        other = changed(cluster_configuration(), POOL, {"node_config.labels": {"other": "true"}})
        one.apply(other)
        assert one.at_rest()

    def test_release_channel_regular_to_stable(self, life: Callable[[Configuration], Life]) -> None:
        one = life(cluster_configuration())
        one.apply()
        stable = with_channel(cluster_configuration(), "STABLE", auto_upgrade=True)
        assert one.changes(stable) == {CLUSTER: "update"}
        assert 'Master version must be "STABLE" channel supported versions' in one.fails()
        assert first(one.object(CLUSTER_TYPE, CLUSTER_ID), "release_channel.channel") == "REGULAR"
        one.cloud.facts["stable_version"] = one.cloud.facts["regular_version"]
        one.apply()
        assert one.at_rest()

    def test_cloud_nat_left_out(self, applied: Callable[[str, str], Life]) -> None:
        planned = applied("hardened", NEWEST).planned(without_nat(hardened_configuration()))
        assert planned == {ROUTER: "delete", NAT: "delete"}

    def test_nodes_cidr_elsewhere_is_refused_while_the_cluster_uses_it(self, life: Callable[[Configuration], Life]) -> None:
        content = cluster_configuration()
        one = life(content)
        one.apply()
        before = one.workspace.state()
        message = one.fails(changed(content, SUBNETWORK, {"ip_cidr_range": "10.16.0.0/20"}))
        assert "Error 400: The subnetwork resource" in message
        assert f"is already being used by '{CLUSTER_ID}'" in message
        assert one.workspace.state() == before, "nothing is lost"
        one.write(cluster_configuration())
        assert one.at_rest()


# where: {path: what Google or its console writes there}; the keys are those that were tried
AT_REST: dict[str, tuple[str, str, Any]] = {
    "label for the provisioning model": (POOL_TYPE, "node_config.resource_labels", {"goog-gke-node-pool-provisioning-model": "on-demand"}),
    "label for the fleet": (CLUSTER_TYPE, "resource_labels", {"goog-fleet-project": "1"}),
    "boot disk": (POOL_TYPE, "node_config.boot_disk", [{"disk_type": "pd-balanced", "size_gb": 100}]),
    "cgroup mode": (POOL_TYPE, "node_config.linux_node_config", [{"cgroup_mode": "CGROUP_MODE_V2"}]),
    "kubelet settings": (
        POOL_TYPE,
        "node_config.kubelet_config",
        [{"insecure_kubelet_readonly_port_enabled": "FALSE", "cpu_cfs_quota": True}],
    ),
    "location policy": (POOL_TYPE, "autoscaling.location_policy", "ANY"),
    "upgrade settings": (POOL_TYPE, "upgrade_settings", [{"max_surge": 2, "max_unavailable": 0, "strategy": "SURGE"}]),
    "network tier": (CLUSTER_TYPE, "ip_allocation_policy.network_tier_config", [{"network_tier": "NETWORK_TIER_PREMIUM"}]),
    "Filestore": (CLUSTER_TYPE, "addons_config.gcp_filestore_csi_driver_config", [{"enabled": True}]),
    "GCS FUSE": (CLUSTER_TYPE, "addons_config.gcs_fuse_csi_driver_config", [{"enabled": True}]),
    "Lustre": (CLUSTER_TYPE, "addons_config.lustre_csi_driver_config", [{"enabled": True}]),
    "snapshots": (CLUSTER_TYPE, "addons_config.pod_snapshot_config", [{"enabled": True}]),
    "gateway API": (CLUSTER_TYPE, "gateway_api_config", [{"channel": "CHANNEL_STANDARD"}]),
    "vertical autoscaling": (CLUSTER_TYPE, "vertical_pod_autoscaling", [{"enabled": True}]),
    "security posture": (CLUSTER_TYPE, "security_posture_config", [{"mode": "BASIC", "vulnerability_mode": "VULNERABILITY_DISABLED"}]),
    "autoscaling profile": (
        CLUSTER_TYPE,
        "cluster_autoscaling",
        [{"enabled": False, "autoscaling_profile": "OPTIMIZE_UTILIZATION"}],
    ),
    "secret manager": (CLUSTER_TYPE, "secret_manager_config", [{"enabled": False}]),
    "a newer control plane": (CLUSTER_TYPE, "master_version", "1.36.2-gke.1000"),
    "a newer node version": (POOL_TYPE, "version", "1.36.2-gke.1000"),
}
# Blocks that `hardened` sets itself: there, only what it leaves out is filled in.
AT_REST_BY_PROFILE: dict[str, dict[str, tuple[str, str, Any]]] = {
    "reference": {
        "default private nodes": (CLUSTER_TYPE, "private_cluster_config.enable_private_nodes", True),
        "authorized networks": (CLUSTER_TYPE, "master_authorized_networks_config", [{"private_endpoint_enforcement_enabled": True}]),
        "pool defaults": (CLUSTER_TYPE, "node_pool_defaults", [{"node_config_defaults": [{"logging_variant": "DEFAULT"}]}]),
    },
    "hardened": {
        "private endpoint enforcement": (
            CLUSTER_TYPE,
            "master_authorized_networks_config.private_endpoint_enforcement_enabled",
            True,
        ),
    },
}


NOT_AT_REST: dict[str, tuple[str, str, Any, str]] = {
    "advancedMachineFeatures": (POOL_TYPE, "node_config.advanced_machine_features", [{"threads_per_core": 0}], "replace"),
    "queuedProvisioning": (POOL_TYPE, "queued_provisioning", [{"enabled": False}], "replace"),
    "inTransitEncryptionConfig": (CLUSTER_TYPE, "in_transit_encryption_config", "IN_TRANSIT_ENCRYPTION_DISABLED", "update"),
    "dnsConfig": (CLUSTER_TYPE, "dns_config", [{"cluster_dns": "CLOUD_DNS"}], "update"),
}
# Not measured, but ForceNew in the source of 7.45.0 and unknown to 6.50.0.
NEW_AND_REPLACES: dict[str, tuple[str, str, str, Any]] = {
    "dataplaneV2Config": ("reference", CLUSTER_TYPE, "dataplane_optimization_mode", "SCALE_OPTIMIZED"),
    "sandboxConfig": ("reference", POOL_TYPE, "node_config.sandbox_config", [{"type": "GVISOR"}]),
    "acceleratorNetworkProfile": ("hardened", POOL_TYPE, "network_config.accelerator_network_profile", "auto"),
}


class TestFilledInLater:
    @pytest.mark.parametrize("profile", PROFILES)
    @VERSIONS
    def test_has_an_empty_plan(self, life: Callable[[Configuration], Life], profile: str, google: str) -> None:
        content = PROFILES[profile](google)
        one = life(content)
        one.apply()
        fill_ins = AT_REST | AT_REST_BY_PROFILE[profile]
        for kind, path, value in fill_ins.values():
            one.cloud.change(kind, path, value)
        plan = one.workspace.plan()
        assert {address: action.changed for address, action in plan.actions.items() if action.verb != "no-op"} == {}
        drifted: set[str] = set().union(*(action.changed for action in plan.drift.values()))
        # Other labels than the configured ones are not read, and neither is what only newer providers know.
        unseen = {"resource_labels", *(["ip_allocation_policy"] if google == OLDEST else [])}
        assert drifted >= {path.partition(".")[0] for _, path, _ in fill_ins.values()} - unseen

    @pytest.mark.parametrize("name", NOT_AT_REST)
    @pytest.mark.parametrize("profile", PROFILES)
    @VERSIONS
    def test_has_a_plan_that_is_not_empty(self, applied: Callable[[str, str], Life], profile: str, google: str, name: str) -> None:
        kind, path, value, verb = NOT_AT_REST[name]
        with applied(profile, google).filled_in(kind, path, value) as plan:
            [address] = plan.changes
            action = plan.actions[address]
            assert (action.type, action.verb) == (kind, verb)
            assert all(because.replace(".0", "").startswith(path) for because in action.because)
            assert verb == "replace" or action.changed == {path}

    @pytest.mark.parametrize("name", NEW_AND_REPLACES)
    @VERSIONS
    def test_new_arguments_replace_and_older_providers_do_not_know_them(
        self, applied: Callable[[str, str], Life], google: str, name: str
    ) -> None:
        profile, kind, path, value = NEW_AND_REPLACES[name]
        with applied(profile, google).filled_in(kind, path, value) as plan:
            assert set(plan.changes.values()) == ({"replace"} if google == NEWEST else set())

    @pytest.mark.parametrize("name", ["inTransitEncryptionConfig", "dnsConfig"])
    def test_changes_in_every_plan(self, life: Callable[[Configuration], Life], name: str) -> None:
        kind, path, value, _ = NOT_AT_REST[name]
        content = cluster_configuration()
        one = life(content)
        one.apply()
        one.cloud.change(kind, path, value)
        one.apply()
        assert one.changes() == {CLUSTER: "update"}, "Google does not unset it"
        resource(content, CLUSTER)["lifecycle"]["ignore_changes"].append(path)
        assert one.changes(content) == {}

    def test_a_cluster_without_a_channel_is_enrolled_by_google(self, life: Callable[[Configuration], Life]) -> None:
        one = without_channel(life)
        one.cloud.change(CLUSTER_TYPE, "release_channel.channel", "REGULAR")
        plan = one.workspace.plan()
        assert plan.changes == {CLUSTER: "update"}
        assert plan.actions[CLUSTER].changed == {"release_channel"}

    def test_components_added_to_a_list_that_the_deployment_sets(self, applied: Callable[[str, str], Life]) -> None:
        components = ["SYSTEM_COMPONENTS", "KUBELET", "CADVISOR"]
        with applied("hardened", NEWEST).filled_in(CLUSTER_TYPE, "monitoring_config.enable_components", components) as plan:
            assert plan.changes == {CLUSTER: "update"}


def todays_default(google: str = NEWEST) -> Configuration:
    """REGULAR with an exclusion until the end of support, and a window of the whole day."""
    return changed(
        cluster_configuration(google),
        CLUSTER,
        {
            "maintenance_policy": {
                "recurring_window": {"start_time": "2019-01-01T00:00:00Z", "end_time": "2019-01-02T00:00:00Z", "recurrence": "FREQ=DAILY"},
                "maintenance_exclusion": [
                    {
                        "exclusion_name": "keep-versions",
                        "start_time": "2026-01-01T00:00:00Z",
                        "exclusion_options": {"scope": "NO_MINOR_OR_NODE_UPGRADES", "end_time_behavior": "UNTIL_END_OF_SUPPORT"},
                    }
                ],
            }
        },
    )


class TestTodaysDefault:
    @pytest.mark.parametrize("google", ["7.12.0", NEWEST])
    def test_has_an_empty_plan_after_regular_has_a_newer_version(self, life: Callable[[Configuration], Life], google: str) -> None:
        one = life(todays_default(google))
        assert one.workspace.validate() == []
        one.apply()
        assert one.at_rest()
        one.cloud.facts["regular_version"] = MOVED_ON
        assert one.at_rest()

    def test_the_console_writes_the_days_of_the_week(self, life: Callable[[Configuration], Life]) -> None:
        one = life(todays_default())
        one.apply()
        one.cloud.change(CLUSTER_TYPE, "maintenance_policy.recurring_window.recurrence", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU")
        assert one.at_rest()

    def test_the_provider_demands_a_window_beside_exclusions(self, life: Callable[[Configuration], Life]) -> None:
        content = todays_default()
        changed(content, CLUSTER, {"maintenance_policy.recurring_window": None})
        with pytest.raises(TerraformError, match="must be specified"):
            life(content).workspace.validate()

    @pytest.mark.parametrize("google", [OLDEST, "7.11.0"])
    def test_end_time_behavior_exists_from_7_12_on(self, life: Callable[[Configuration], Life], google: str) -> None:
        with pytest.raises(TerraformError) as refused:
            life(todays_default(google)).workspace.validate()
        assert "Extraneous JSON object property" in str(refused.value)
        assert 'The argument "end_time" is required' in str(refused.value)

    def test_another_end_time_behavior_is_refused(self, life: Callable[[Configuration], Life]) -> None:
        content = todays_default()
        exclusion = resource(content, CLUSTER)["maintenance_policy"]["maintenance_exclusion"][0]
        exclusion["exclusion_options"]["end_time_behavior"] = "NEVER"
        with pytest.raises(TerraformError, match="doesn't match regexp"):
            life(content).workspace.validate()


class TestProvidersAgainstTheSchema:
    @VERSIONS
    def test_enable_k8s_certs_and_tokens_via_dns_are_sent_at_creation(self, applied: Callable[[str, str], Life], google: str) -> None:
        cluster = applied("hardened", google).object(CLUSTER_TYPE, CLUSTER_ID)
        [endpoint] = cluster["control_plane_endpoints_config"][0]["dns_endpoint_config"]
        found = {name: endpoint.get(name) for name in ("enable_k8s_certs_via_dns", "enable_k8s_tokens_via_dns")}
        assert set(found.values()) == {None if google == OLDEST else False}

    @pytest.mark.parametrize("google", ["7.46.1", "8.7.0"])
    def test_newer_providers_have_every_argument_of_the_bindings(self, google: str) -> None:
        rules = behaviour().providers["google"]
        oldest, newer = (schema_of("google", frozenset(), frozenset(), rules.at(version)) for version in (OLDEST, google))
        for name, block in oldest.resources.items():
            for path in paths(block):
                assert has_path(newer.resources[name], path)

    @pytest.mark.parametrize(("google", "collection"), [(OLDEST, "list"), (NEWEST, "list"), ("8.0.0", "set"), ("8.7.0", "set")])
    @pytest.mark.parametrize("block", ["logging_config", "monitoring_config"])
    def test_enable_components_becomes_a_set_in_8_0(self, google: str, collection: str, block: str) -> None:
        schema = schema_of("google", frozenset(), frozenset(), behaviour().providers["google"].at(google))
        declared = schema.resources[CLUSTER_TYPE]["block_types"][block]["block"]["attributes"]["enable_components"]
        assert declared["type"] == [collection, "string"]

    @pytest.mark.parametrize(("google", "verb"), [(OLDEST, "replace"), (NEWEST, "no-op")])
    def test_l4_subsetting_is_fixed_in_7_13(self, life: Callable[[Configuration], Life], google: str, verb: str) -> None:
        content = cluster_configuration(google)
        resource(content, CLUSTER)["lifecycle"]["ignore_changes"].remove("enable_l4_ilb_subsetting")
        one = life(content)
        one.apply()
        assert one.workspace.plan().actions[CLUSTER].verb == verb

    @pytest.mark.parametrize(("google", "tainted"), [(OLDEST, {POOL}), (NEWEST, set())])
    def test_tainted_pools_after_failed_creation_are_fixed_in_7_0(
        self, life: Callable[[Configuration], Life], google: str, tainted: set[str]
    ) -> None:
        one = life(cluster_configuration(google))
        one.cloud.break_down(Fault("create", POOL_TYPE, message="Error 403: Quota exceeded"))
        assert "Quota exceeded" in one.fails()
        assert one.workspace.tainted() == tainted
        assert one.changes() == {POOL: "create"}
        one.apply()
        assert one.at_rest()


def paths(block: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every argument, attribute and block of a block."""
    yield from (path + name for name in block["attributes"])
    for name, nested in block["block_types"].items():
        yield path + name
        yield from paths(nested["block"], f"{path}{name}.")
