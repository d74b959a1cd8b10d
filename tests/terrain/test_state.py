"""A state moves between CDKTF and CDK Terrain, in both directions, without a change to any resource or output."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.workspace import Workspace, attach
from stacks.registry import stack_names
from tests.app import Synthesized, deployment

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("name", ["hardened", "ingress"])
def test_plans_are_empty_after_the_move_and_after_the_return(
    examples: dict[str, dict[str, Any]], cdktf: Synthesized, cdktn: Synthesized, tmp_path: Path, name: str
) -> None:
    names = stack_names(name, deployment(**examples[name]))
    old, new = ([app.outdir / "stacks" / name for name in names] for app in (cdktf, cdktn))
    with attach(old, tmp_path / "journal.jsonl") as stand_ins:
        stacks = [Workspace(stand_ins, stack, tmp_path / "a" / "b" / "c" / stack.name) for stack in old]
        for stack in stacks:
            stack.init()
            stack.apply()
        applied = [stack.state() for stack in stacks]
        for resources, one in zip(
            applied, ["google_container_cluster", "kubernetes_cluster_role_binding_v1", "helm_release"], strict=False
        ):
            assert any(address.startswith(f"{one}.") for address in resources)
        for outputs in (new, old):
            for stack, output, before in zip(stacks, outputs, applied, strict=True):
                stack.synthesize(output)
                stack.init()
                plan = stack.plan()
                assert plan.empty
                assert {address for address in plan.actions if not address.startswith("data.")} == before.keys()
                stack.apply(plan)
                assert stack.state() == before
