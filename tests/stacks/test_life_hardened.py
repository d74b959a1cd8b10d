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
from tests.inputs import every_input, sections
from tests.stacks.test_inputs import CLUSTER, NAT, POOL, ROUTER

pytestmark = pytest.mark.terraform


@dataclass
class Stacks:
    """Both stacks of a deployment, and how to synthesize them again."""

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


def test_hardened_apply_empty_plan_destroy(stacks_of: Callable[..., Stacks]) -> None:
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
    stacks = stacks_of(**sections(*((key, value) for key, value in every_input() if key != "zones")))
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
