"""Observes what a change of each input plans, on real Terraform with stand-in providers: `python -m tests.stacks.changes` writes it down.

The table in docs/operations.md is made of it. tests/stacks/test_changes.py compares the two.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.stand_in import StandIns
from rehearsal.workspace import Action, TerraformError, Workspace
from tests.app import ROOT, deployment, synthesize
from tests.existing import add_subnetwork
from tests.inputs import INPUTS, every_input, sections, with_input

DOCUMENT = ROOT / "docs" / "operations.md"
_BEGIN, _END = "<!-- changes:begin -->\n", "<!-- changes:end -->\n"
_STACKS = ("pov-cluster", "pov-rbac")

_CLUSTER_LIFECYCLE = "https://cloud.google.com/kubernetes-engine/docs/concepts/managing-clusters"
RECREATES_NODES = {
    # What the plan calls an update in place and GKE carries out by draining and replacing every node, by input, with the source.
    "cluster.workload_identity": "https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
    "cluster.private_nodes": "https://cloud.google.com/kubernetes-engine/docs/how-to/latest/network-isolation",
    "cluster.shielded_nodes": "https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes",
    "cluster.kubelet_readonly_port": "https://cloud.google.com/kubernetes-engine/docs/how-to/disable-kubelet-readonly-port",
    "node_pool.machine_type": _CLUSTER_LIFECYCLE,
    "node_pool.disk_type": _CLUSTER_LIFECYCLE,
    "node_pool.disk_size_gb": _CLUSTER_LIFECYCLE,
    "node_pool.image_type": "https://cloud.google.com/kubernetes-engine/docs/how-to/node-images",
    "node_pool.confidential_nodes": "https://cloud.google.com/kubernetes-engine/docs/how-to/confidential-gke-nodes",
}

_NOUNS = {
    "google_project_service": "APIs",
    "google_service_account": "service account",
    "google_project_iam_member": "role grants",
    "google_compute_network": "network",
    "google_compute_subnetwork": "subnetwork",
    "google_compute_subnetwork_iam_member": "subnetwork grants",
    "google_compute_router": "router",
    "google_compute_router_nat": "Cloud NAT",
    "google_container_cluster": "cluster",
    "google_container_node_pool": "node pool",
    "kubernetes_cluster_role_binding_v1": "binding",
}
_VERBS = {"update": "updated in place", "replace": "**replaced**", "create": "created", "delete": "deleted", "forget": "forgotten"}


@dataclass(frozen=True)
class Effect:
    """What a plan does, in words: when the input gets another value, and when it is removed from the file."""

    changed: str
    removed: str


class _Applied:
    """Both stacks of a deployment after an apply."""

    def __init__(self, stand_ins: StandIns, folder: Path, content: dict[str, Any]) -> None:
        self._folder, self._count = folder, 0
        self._workspaces = [Workspace(stand_ins, stack, folder / "a" / "b" / stack.name) for stack in self._synthesized(content)]
        for workspace in self._workspaces:
            workspace.init()
            workspace.apply()

    def _synthesized(self, content: dict[str, Any]) -> list[Path]:
        self._count += 1
        out = self._folder / f"out{self._count}"
        synthesize({"pov": deployment(**content)}, out)
        return [out / "stacks" / stack for stack in _STACKS]

    def effect(self, key: str, content: dict[str, Any], *, apply: bool = False) -> str:
        """Return what a plan of the input's stack does when the deployment becomes this one. With `apply`, it is carried out."""
        number = _STACKS.index("pov-rbac" if key.startswith("admins.") else "pov-cluster")
        workspace = self._workspaces[number]
        workspace.synthesize(self._synthesized(content)[number])
        try:
            plan = workspace.plan("-refresh=false")
            if apply:
                workspace.apply(plan)
        except TerraformError:
            return "refused"
        actions = plan.actions.values()
        return _in_words([action for action in actions if action.verb not in ("no-op", "read")])


def _in_words(actions: list[Action]) -> str:
    by_verb: dict[str, dict[str, None]] = {}
    for action in actions:
        by_verb.setdefault(_VERBS[action.verb], {})[_NOUNS[action.type]] = None
    return "; ".join(f"{', '.join(nouns)} {verb}" for verb, nouns in sorted(by_verb.items())) or "nothing"


@contextmanager
def _stand_ins(folder: Path) -> Iterator[StandIns]:
    with StandIns(folder / "journal.jsonl") as running:
        yield running


def observe() -> dict[str, Effect]:
    """Return the effect of every input.

    Inputs that go together are changed and removed in a deployment that has all of them, the others in one that has each alone.
    """
    everything = dict(every_input())
    effects: dict[str, Effect] = {}
    with tempfile.TemporaryDirectory() as temporary:
        with _stand_ins(Path(temporary)) as stand_ins:
            applied = _Applied(stand_ins, Path(temporary), sections(*everything.items()))
            for key in everything:
                rest = {other: value for other, value in everything.items() if other != key}
                changed = INPUTS[key].other
                effects[key] = Effect(
                    "no other value" if changed is None else applied.effect(key, sections(*rest.items(), (key, changed))),
                    applied.effect(key, sections(*rest.items())),
                )
        for key in INPUTS.keys() - everything.keys():
            folder = Path(temporary) / key
            folder.mkdir()
            with _stand_ins(folder) as stand_ins:
                needs = sections(*INPUTS[key].needs.items())
                before = _Applied(stand_ins, folder, needs)
                changed_to = before.effect(key, with_input(key, INPUTS[key].value), apply=True)
            (folder / "removed").mkdir()
            with _stand_ins(folder / "removed") as stand_ins:
                if key == "network.create_subnetwork":
                    add_subnetwork(stand_ins.cloud)
                effects[key] = Effect(
                    changed_to, _Applied(stand_ins, folder / "removed", with_input(key, INPUTS[key].value)).effect(key, needs, apply=True)
                )
    return {key: effects[key] for key in INPUTS}


def table(effects: dict[str, Effect]) -> str:
    """Return the table of docs/operations.md."""
    rows = ["| input | another value | removed | recreates nodes |", "|---|---|---|---|"]
    for key, effect in effects.items():
        nodes = f"[yes]({RECREATES_NODES[key]})" if key in RECREATES_NODES else ""
        rows.append(f"| `{key}` | {effect.changed} | {effect.removed} | {nodes} |")
    return "\n".join(rows) + "\n"


def recorded() -> str:
    """Return the table that docs/operations.md has."""
    return DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)[2].partition(_END)[0]


def main() -> None:
    """Write the table into docs/operations.md."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    DOCUMENT.write_text(f"{before}{_BEGIN}{table(observe())}{_END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
