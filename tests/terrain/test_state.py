"""A state moves between CDKTF and CDK Terrain, in both directions, without a change to any resource or output."""

from pathlib import Path

import pytest

from rehearsal.workspace import Workspace, attach
from tests.app import Synthesized

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("deployment", ["reference", "hardened"])
def test_plans_are_empty_after_the_move_and_after_the_return(
    cdktf: Synthesized, cdktn: Synthesized, tmp_path: Path, deployment: str
) -> None:
    names = [f"{deployment}-cluster", f"{deployment}-rbac"]
    old, new = ([app.outdir / "stacks" / name for name in names] for app in (cdktf, cdktn))
    with attach(old, tmp_path / "journal.jsonl") as stand_ins:
        stacks = [Workspace(stand_ins, stack, tmp_path / "a" / "b" / "c" / stack.name) for stack in old]
        for stack in stacks:
            stack.init()
            stack.apply()
        applied = [stack.state() for stack in stacks]
        assert "google_container_cluster.cluster" in applied[0]
        assert "kubernetes_cluster_role_binding_v1.admins" in applied[1]
        for outputs in (new, old):
            for stack, output, before in zip(stacks, outputs, applied, strict=True):
                stack.synthesize(output)
                stack.init()
                plan = stack.plan()
                assert plan.empty
                assert {address for address in plan.actions if not address.startswith("data.")} == before.keys()
                stack.apply(plan)
                assert stack.state() == before
