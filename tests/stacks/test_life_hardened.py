"""Rehearsals of the hardened profile and of its inputs, one by one, on real Terraform.

What they cannot show: whether the real API takes the values together, and whether the nodes come up with them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import deployment, synthesize
from tests.stacks.test_inputs import CLUSTER, KEY, NAT, POOL, ROUTER, SUBNETWORK

pytestmark = pytest.mark.terraform


IN_PLACE: dict[str, dict[str, Any]] = {
    "identity": {"roles": "least-privilege"},
    "network": {"cloud_nat": True, "private_google_access": True, "flow_logs": True},
    "cluster": {
        "release_channel": "REGULAR",
        "deletion_protection": True,
        "private_endpoint": True,
        "authorized_networks": {},
        "dns_endpoint": True,
        "workload_identity": True,
        "shielded_nodes": True,
        "kubelet_readonly_port": False,
        "anonymous_authentication": "LIMITED",
        "insecure_rbac_bindings": False,
        "secrets_kms_key": KEY,
        "maintenance_window": {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"},
        "rbac_security_group": "gke-security-groups@example.com",
        "logging_components": ["SYSTEM_COMPONENTS"],
        "monitoring_components": ["SYSTEM_COMPONENTS"],
        "managed_prometheus": True,
        "cost_allocation": True,
        "resource_labels": {"team": "platform"},
        "maintenance_exclusions": [{"name": "trial", "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-05-01T00:00:00Z"}],
    },
    "node_pool": {"auto_upgrade": True, "confidential_nodes": True, "taints": [{"key": "trial"}]},
}
REPLACED: list[tuple[dict[str, dict[str, Any]], dict[str, str]]] = [
    ({"cluster": {"secure_boot": True}}, {POOL: "replace"}),
    ({"cluster": {"integrity_monitoring": False}}, {POOL: "replace"}),
    ({"cluster": {"boot_disk_kms_key": KEY}}, {POOL: "replace"}),
    ({"node_pool": {"spot": True}}, {POOL: "replace"}),
]
# Rehearsed at creation, as part of the profile: for a change of it the stand-in, for which the block is new, plans an update where the
# provider is reported to replace the cluster.
AT_CREATION: dict[str, dict[str, Any]] = {"cluster": {"private_nodes": True}}
REHEARSED = [IN_PLACE, *(sections for sections, _ in REPLACED), AT_CREATION]


@dataclass
class Stacks:
    """Both stacks of a deployment, and how to synthesize them anew."""

    cluster: Workspace
    rbac: Workspace
    stand_ins: StandIns
    synthesize: Callable[..., None]


@pytest.fixture(scope="module")
def stacks_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stacks]]:
    running: list[StandIns] = []

    def both(**sections: Any) -> Stacks:
        root = tmp_path_factory.mktemp("rehearsal")
        stand_ins = StandIns(root / "journal.jsonl").__enter__()
        stand_ins.cloud.facts["release_channel_required"] = False  # these deployments may create clusters without a channel
        running.append(stand_ins)

        def synthesized(**values: Any) -> list[Path]:
            out = tmp_path_factory.mktemp("cdktf.out")
            synthesize({"pov": deployment(zones=["us-central1-a"], **values)}, out)
            return [out / "stacks" / stack for stack in ("pov-cluster", "pov-rbac")]

        cluster, rbac = (Workspace(stand_ins, stack, root / "a" / "b" / stack.name) for stack in synthesized(**sections))

        def anew(**values: Any) -> None:
            for workspace, stack in zip((cluster, rbac), synthesized(**values), strict=True):
                workspace.synthesize(stack)

        for workspace in (cluster, rbac):
            workspace.init()
        return Stacks(cluster, rbac, stand_ins, anew)

    yield both
    for one in running:
        one.__exit__(None, None, None)


def test_hardened_applies_has_nothing_left_to_do_and_comes_down(stacks_of: Callable[..., Stacks]) -> None:
    stacks = stacks_of(profile="hardened")
    for workspace in (stacks.cluster, stacks.rbac):
        assert workspace.validate() == []
        workspace.apply()
        assert workspace.plan().empty
    assert {ROUTER, NAT, CLUSTER, POOL} <= stacks.cluster.state().keys()

    stacks.rbac.destroy()
    before = stacks.cluster.state().keys()
    with pytest.raises(TerraformError, match="prevent_destroy"):
        stacks.cluster.destroy()
    assert stacks.cluster.state().keys() == before
    stacks.synthesize(profile="hardened", cluster={"deletion_protection": False})
    assert stacks.cluster.plan().changes == {CLUSTER: "update"}
    stacks.cluster.apply()
    stacks.cluster.destroy()
    assert stacks.cluster.state() == stacks.rbac.state() == {}


def test_with_a_value_for_every_input(stacks_of: Callable[..., Stacks]) -> None:
    exclusion = {"name": "trial", "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-05-01T00:00:00Z"}
    stacks = stacks_of(
        profile="hardened",
        cluster={
            "secrets_kms_key": KEY,
            "boot_disk_kms_key": KEY,
            "rbac_security_group": "gke-security-groups@example.com",
            "resource_labels": {"team": "platform"},
            "maintenance_window": {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"},
            "maintenance_exclusions": [exclusion],
            "authorized_networks": {"office": "203.0.113.0/24"},
        },
        node_pool={"confidential_nodes": True, "spot": True, "taints": [{"key": "trial"}]},
    )
    for workspace in (stacks.cluster, stacks.rbac):
        assert workspace.validate() == []
        workspace.apply()
        assert workspace.plan().empty


def test_private_nodes_wait_for_their_egress(stacks_of: Callable[..., Stacks]) -> None:
    stacks = stacks_of(profile="hardened")
    # Slow enough that a pool that does not wait would come first.
    stacks.stand_ins.cloud.break_down(Fault("create", "google_compute_router_nat", "stall", seconds=1, times=None))
    stacks.cluster.apply()
    assert stacks.stand_ins.cloud.journal.precedes("google_compute_router_nat", "google_container_node_pool")


@pytest.fixture(scope="module")
def running(stacks_of: Callable[..., Stacks]) -> Stacks:
    stacks = stacks_of()
    stacks.cluster.apply()
    return stacks


class TestOfARunningReference:
    def test_most_inputs_are_updates(self, running: Stacks) -> None:
        running.synthesize(**IN_PLACE)
        changes = running.cluster.plan().changes
        assert {address: changes.pop(address) for address in (CLUSTER, POOL, SUBNETWORK)} == dict.fromkeys(
            (CLUSTER, POOL, SUBNETWORK), "update"
        )
        assert {address: verb for address, verb in changes.items() if "iam_member" not in address} == {ROUTER: "create", NAT: "create"}

    @pytest.mark.parametrize(("sections", "expected"), REPLACED, ids=str)
    def test_what_makes_other_machines_replaces_the_pool_alone(
        self, running: Stacks, sections: dict[str, Any], expected: dict[str, str]
    ) -> None:
        running.synthesize(**sections)
        assert running.cluster.plan().changes == expected
