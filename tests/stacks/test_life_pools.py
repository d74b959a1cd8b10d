"""Additional node pools on real Terraform with stand-in providers: added, changed, moved, failed, removed, destroyed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gitpod_pov.node_pool import WORKLOADS

import pytest

from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import deployment, synthesize

pytestmark = pytest.mark.terraform

CLUSTER = "google_container_cluster.cluster"
POOL, TYPE = "google_container_node_pool.node_pool", "google_container_node_pool"
SPOT = f"{POOL}_spot"
WORKSPACES = {"spot": {"spot": True, "workloads": ["workspace_regular"]}}
LABEL = "gitpod.io/workload_workspace_regular"
BLUE_GREEN = {"strategy": "BLUE_GREEN", "batch_node_count": 2}


class Stack:
    """The cluster stack of a deployment, and Terraform in a folder for it."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self._folder, self._count = folder, 0
        self.stand_ins = StandIns(folder / "journal.jsonl")
        self.cloud = self.stand_ins.cloud
        self.workspace = Workspace(self.stand_ins, self._synthesized(sections), folder / "a" / "b" / "pov-cluster")
        self.workspace.init()

    def _synthesized(self, sections: dict[str, Any]) -> Path:
        self._count += 1
        out = self._folder / f"out{self._count}"
        synthesize({"pov": deployment(**{"zones": ["us-central1-a"], **sections})}, out)
        return out / "stacks" / "pov-cluster"

    def edit(self, **sections: Any) -> dict[str, str]:
        """Edit the deployment and return what a plan does, by address."""
        self.workspace.synthesize(self._synthesized(sections))
        return dict(self.workspace.plan().changes)

    def apply(self) -> None:
        """Apply, and check that nothing is left to do."""
        self.workspace.apply()
        assert self.workspace.plan().empty

    def pools(self) -> dict[str, set[str]]:
        """Return the labels of each pool in the cloud, by name."""
        return {pool["name"]: set(pool["node_config"][0]["labels"]) for pool in self.cloud.objects(TYPE)}

    def done(self, since: int) -> list[tuple[str, str]]:
        """Return call and pool of everything that was done to a pool, in order."""
        entries = self.cloud.journal.entries(type=TYPE, outcome="done", since=since)
        return [(entry.call, str(entry.id).rpartition("/")[2]) for entry in entries if entry.call in {"create", "update", "destroy"}]


@pytest.fixture
def stack_of(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    running: list[StandIns] = []

    def applied(**sections: Any) -> Stack:
        stack = Stack(tmp_path, **sections)
        running.append(stack.stand_ins)
        stack.apply()
        return stack

    yield applied
    for one in running:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("google", ["6.50.0", "7.45.0"])
@pytest.mark.parametrize("profile", ["reference", "hardened"])
def test_apply_empty_plan_destroy(stack_of: Callable[..., Stack], profile: str, google: str) -> None:
    exclusions: dict[str, Any] = {"maintenance_exclusions": []}
    pools = {**WORKSPACES, "other": {"max_total_nodes": 9, "upgrade_settings": BLUE_GREEN}}
    sections = {"profile": profile, "providers": {"google": google}, "cluster": exclusions, "pools": pools}
    stack = stack_of(**sections)
    assert stack.pools().keys() == {"gitpod", "spot", "other"}
    sections["cluster"] = {**exclusions, "deletion_protection": False}
    stack.edit(**sections)
    stack.workspace.apply()
    stack.workspace.destroy()
    assert stack.workspace.state() == {}
    assert stack.cloud.objects(TYPE) == []


def test_a_workload_keeps_its_label_until_its_new_nodes_exist(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of()
    assert stack.edit(pools=WORKSPACES) == {SPOT: "create", POOL: "update"}
    mark = stack.cloud.journal.mark()
    stack.cloud.break_down(Fault("create", TYPE, "stall", seconds=1))
    stack.apply()
    assert stack.done(mark) == [("create", "spot"), ("update", "gitpod")]
    assert LABEL in stack.pools()["spot"]
    assert LABEL not in stack.pools()["gitpod"]


def test_a_workload_keeps_its_pool_if_the_new_pool_fails(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of()
    stack.edit(pools=WORKSPACES)
    stack.cloud.break_down(Fault("create", TYPE, message="Error 403: Insufficient regional quota"))
    with pytest.raises(TerraformError, match="Insufficient regional quota"):
        stack.workspace.apply()
    assert LABEL in stack.pools()["gitpod"]
    stack.apply()
    assert LABEL in stack.pools()["spot"]


def test_a_pool_that_fails_after_google_created_it_is_replaced(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of()
    stack.edit(pools=WORKSPACES)
    stack.cloud.break_down(Fault("create", TYPE, message="timeout while waiting for state", carried_out=True))
    with pytest.raises(TerraformError, match="timeout while waiting"):
        stack.workspace.apply()
    assert stack.workspace.tainted() == {SPOT}
    assert LABEL in stack.pools()["gitpod"]
    stack.apply()
    assert stack.pools().keys() == {"gitpod", "spot"}


def test_the_next_apply_creates_a_failed_pool(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of()
    assert set(stack.edit(pools={**WORKSPACES, "other": {}}).values()) == {"create", "update"}
    other = "projects/demo-project/locations/us-central1/clusters/gitpod/nodePools/other"
    stack.cloud.break_down(Fault("create", TYPE, message="Error 429", id=other))
    with pytest.raises(TerraformError, match="Error 429"):
        stack.workspace.apply()
    assert "spot" in stack.pools()
    assert LABEL in stack.pools()["gitpod"]
    stack.apply()
    assert stack.pools().keys() == {"gitpod", "spot", "other"}


def test_a_changed_name_creates_a_new_pool_and_deletes_the_old_one(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(pools=WORKSPACES)
    assert stack.edit(pools={"burst": WORKSPACES["spot"]}) == {SPOT: "delete", f"{POOL}_burst": "create"}
    stack.apply()
    assert stack.pools().keys() == {"gitpod", "burst"}


def test_a_replaced_cluster_replaces_every_pool(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(pools=WORKSPACES)
    changes = stack.edit(pools=WORKSPACES, cluster={"default_max_pods_per_node": 64})
    assert changes == {CLUSTER: "replace", POOL: "replace", SPOT: "replace"}
    stack.apply()
    assert stack.pools().keys() == {"gitpod", "spot"}


def test_a_change_of_one_pool_leaves_the_others(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(pools=WORKSPACES)
    for pool, verb in (
        ({"max_nodes": 5}, "update"),
        ({"max_total_nodes": 5}, "update"),
        ({"machine_type": "n2d-standard-8"}, "update"),
        ({"upgrade_settings": BLUE_GREEN}, "update"),
        ({"labels": {"team": "a"}}, "update"),
        ({"spot": False}, "replace"),
        ({"max_pods_per_node": 64}, "replace"),
        ({"initial_nodes": 2}, None),
    ):
        assert stack.edit(pools={"spot": {**WORKSPACES["spot"], **pool}}) == ({SPOT: verb} if verb else {}), pool


def test_each_removed_setting_returns_to_the_default(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(
        node_pool={"max_total_nodes": 5, "upgrade_settings": BLUE_GREEN},
        cluster={"network_tags": ["a"]},
        pools={"spot": {**WORKSPACES["spot"], "min_total_nodes": 1, "max_total_nodes": 5, "upgrade_settings": {"max_surge": 2}}},
    )
    assert stack.edit(pools=WORKSPACES) == {POOL: "update", SPOT: "update"}
    stack.apply()
    state = stack.workspace.state()
    for address in (POOL, SPOT):
        (autoscaling,) = state[address]["autoscaling"]
        assert (autoscaling["min_node_count"], autoscaling["max_node_count"]) == (1, 50)
        assert not autoscaling["total_max_node_count"]
        (upgrades,) = state[address]["upgrade_settings"]
        assert (upgrades["strategy"], upgrades["max_surge"], upgrades["max_unavailable"]) == ("SURGE", 1, 0)
        assert not state[address]["node_config"][0]["tags"]


def test_the_last_workload_can_leave_a_pool(stack_of: Callable[..., Stack]) -> None:
    stack = stack_of(pools=WORKSPACES)
    stack.edit(pools={"spot": {"spot": True}})
    stack.apply()
    assert stack.pools()["spot"] == {"gitpod.io/workloads"}
    stack.edit(pools={"spot": {"spot": True, "workloads": list(WORKLOADS)}})
    stack.apply()
    assert stack.pools()["gitpod"] == {"gitpod.io/workloads"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("initial_node_count", 7),
        ("version", "1.35.8-gke.2000000"),
        ("node_config.advanced_machine_features", [{"threads_per_core": 0}]),
        ("queued_provisioning", [{"enabled": False}]),
    ],
)
def test_values_that_google_sets_on_an_additional_pool_plan_nothing(stack_of: Callable[..., Stack], path: str, value: Any) -> None:
    stack = stack_of(pools=WORKSPACES)
    (id_,) = (pool["id"] for pool in stack.cloud.objects(TYPE) if pool["name"] == "spot")
    stack.cloud.change(TYPE, path, value)
    assert stack.cloud.find(TYPE, id_) is not None
    assert stack.workspace.plan().empty
