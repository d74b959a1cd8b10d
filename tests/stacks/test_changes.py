"""The table of docs/operations.md: what a change of each input plans."""

import re

from gitpod_pov.node_pool import AdditionalNodePoolConfig, NodePoolConfig

import pytest

from deployment.model import Deployment
from tests.inputs import APART, INPUTS
from tests.stacks.changes import DOCUMENT, RECREATES_NODES, Effect, observe, recorded, table

# Inputs that say what the deployment is, how it is checked or where its state is, and those of docs/ingress.md.
ELSEWHERE = {"project", "region", "profile", "acknowledged_risks", "providers", "backend", "handover", "ingress"}


def test_every_input_has_a_row() -> None:
    keys = set()
    for name, field in Deployment.model_fields.items():
        if name not in ELSEWHERE:
            inner = getattr(field.annotation, "model_fields", None)
            keys |= {f"{name}.{key}" for key in inner} if inner else {name}
    # Its other inputs are those of the main pool.
    keys |= {f"pools.NAME.{key}" for key in AdditionalNodePoolConfig.model_fields.keys() - NodePoolConfig.model_fields.keys()}
    assert keys == INPUTS.keys()
    assert RECREATES_NODES.keys() <= INPUTS.keys()


def test_the_document_names_the_inputs_that_are_changed_alone() -> None:
    (named,) = re.findall(r"change from left out to a value:\n((?:  .*\n)+)", DOCUMENT.read_text(encoding="utf-8"))
    assert set(re.findall(r"`(.+?)`", named)) == APART


@pytest.fixture(scope="module")
def effects() -> dict[str, Effect]:
    return observe()


@pytest.mark.terraform
def test_the_document_matches_the_plans(effects: dict[str, Effect]) -> None:
    assert recorded() == table(effects), "run `python -m tests.stacks.changes`"


# The cluster is replaced only by another name, network, host project, subnetwork or range, and by another number of pods per node.
REPLACES_CLUSTER = {
    *("network.network", "network.host_project", "network.subnetwork", "network.pods_range_name", "network.services_range_name"),
    *("cluster.name", "cluster.default_max_pods_per_node"),
}


@pytest.mark.terraform
def test_only_these_inputs_replace_the_cluster(effects: dict[str, Effect]) -> None:
    found = {
        key
        for key, effect in effects.items()
        for words in (effect.changed, effect.removed)
        for part in words.split("; ")
        if part.endswith("**replaced**") and "cluster" in part
    }
    assert found == REPLACES_CLUSTER
