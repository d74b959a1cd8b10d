"""Changes by Google or the console plan nothing. The arguments that are ignored for this reason would otherwise replace something.

The paths that are filled in were measured with the real providers or read from google 7.45.0; see `IGNORED_CHANGES` in gke_cluster.py and
node_pool.py.
"""

from collections.abc import Iterator
from typing import Any

from gitpod_pov import gke_cluster, node_pool

import pytest

from rehearsal.workspace import Workspace
from tests.stacks.test_operations import CLUSTER, CLUSTER_TYPE, POOL, POOL_TYPE, Stacks

pytestmark = pytest.mark.terraform

# resource type -> argument -> what Google sets, and what a plan would do if the argument were not ignored
GOOGLE_SETS: dict[str, dict[str, tuple[Any, str]]] = {
    CLUSTER_TYPE: {
        "datapath_provider": ("ADVANCED_DATAPATH", "replace"),
        "dataplane_optimization_mode": ("SCALE_OPTIMIZED", "replace"),
        "enable_fqdn_network_policy": (True, "replace"),
        "enable_k8s_beta_apis": ([{"enabled_apis": ["a.k8s.io/v1beta1/b"]}], "update"),
        "dns_config": ([{"cluster_dns": "CLOUD_DNS"}], "update"),
        "in_transit_encryption_config": ("IN_TRANSIT_ENCRYPTION_DISABLED", "update"),
        "node_config": ([{"machine_type": "e2-medium"}], "replace"),
    },
    POOL_TYPE: {
        "initial_node_count": (7, "replace"),
        "version": ("1.35.7-gke.1", "update"),
        "node_config.advanced_machine_features": ([{"threads_per_core": 0}], "replace"),
        "queued_provisioning": ([{"enabled": False}], "replace"),
        "placement_policy": ([{"type": ""}], "replace"),
        "node_config.reservation_affinity": ([{"consume_reservation_type": "ANY_RESERVATION"}], "replace"),
        "node_config.host_maintenance_policy": ([{"maintenance_interval": "AS_NEEDED"}], "replace"),
        "node_config.ephemeral_storage_local_ssd_config": ([{"local_ssd_count": 1}], "replace"),
    },
}
CASES = [(kind, path, *expected) for kind, paths in GOOGLE_SETS.items() for path, expected in paths.items()]
# What no change in the cloud shows: the provider's own default, a newer release, and a difference of older providers.
ELSEWHERE = {"enable_l4_ilb_subsetting", "min_master_version", "database_encryption[0].state"}


def test_every_ignored_change_is_here() -> None:
    paths = {path for _, path, *_ in CASES}
    ignored = gke_cluster.IGNORED_CHANGES.keys() | node_pool.IGNORED_CHANGES.keys()
    assert {path.replace("[0]", "") for path in ignored - ELSEWHERE} == paths


@pytest.fixture(scope="module", params=["reference", "hardened"])
def applied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    stacks = Stacks(tmp_path_factory.mktemp("life"), profile=request.param)
    stacks.cluster.apply()
    yield stacks.cluster
    stacks.stand_ins.__exit__(None, None, None)


@pytest.mark.parametrize(("kind", "path", "value", "verb"), CASES, ids=[path for _, path, *_ in CASES])
def test_is_ignored(applied: Workspace, kind: str, path: str, value: Any, verb: str) -> None:
    cloud, address = applied.stand_ins.cloud, CLUSTER if kind == CLUSTER_TYPE else POOL
    (before,) = cloud.objects(kind) if "." not in path else [one["node_config"][0] for one in cloud.objects(kind)]
    cloud.change(kind, path, value)
    configured = applied.configured(address)["lifecycle"]
    try:
        assert applied.plan().changes == {}
        ignored = [name for name in configured["ignore_changes"] if name.replace("[0]", "") != path]
        assert len(ignored) == len(configured["ignore_changes"]) - 1
        applied.edit(
            address, lifecycle={key: one for key, one in {**configured, "ignore_changes": ignored}.items() if key != "prevent_destroy"}
        )
        assert applied.plan().changes[address] == verb
    finally:
        applied.edit(address, lifecycle=configured)
        cloud.change(kind, path, before[path.rpartition(".")[2]])


def test_a_newer_release_upgrades_nothing(applied: Workspace) -> None:
    facts, configured = applied.stand_ins.cloud.facts, applied.configured(CLUSTER)["lifecycle"]
    before = facts["regular_version"]
    facts["regular_version"] = "1.37.0-gke.1"
    try:
        assert applied.plan().changes == {}
        ignored = [name for name in configured["ignore_changes"] if name != "min_master_version"]
        applied.edit(CLUSTER, lifecycle={**configured, "ignore_changes": ignored})
        assert applied.plan().changes == {CLUSTER: "update"}
    finally:
        applied.edit(CLUSTER, lifecycle=configured)
        facts["regular_version"] = before
