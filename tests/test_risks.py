"""Each risk is warned of by name where it is present, and not where it is absent or acknowledged."""

from collections.abc import Callable
from typing import Any, get_args

from gitpod_pov.risks import Risk

import pytest

from tests.app import Synthesized, deployment, synthesize

# What a deployment carries every risk with.
RISKY: dict[str, Any] = {
    "region": "us-west8",
    "node_pool": {"machine_type": "n7-standard-8", "disk_type": "hyperdisk-new", "image_type": "COS_CONTAINERD"},
}

# risk -> the path of the construct that carries it, sections without it, and a part of the warning that names the way out
RISKS: dict[str, tuple[str, dict[str, Any], str]] = {
    "node-account-is-cluster-admin": (
        "pov-cluster/identity",
        {"identity": {"roles": ["roles/logging.logWriter"]}},
        'set identity.roles to "least-privilege"',
    ),
    "public-control-plane": (
        "pov-cluster/cluster",
        {"cluster": {"authorized_networks": {"office": "203.0.113.0/24"}}},
        "set cluster.authorized_networks, or cluster.private_endpoint with cluster.dns_endpoint",
    ),
    "no-release-channel": (
        "pov-cluster/cluster",
        {"cluster": {"release_channel": "REGULAR"}, "node_pool": {"auto_upgrade": True}},
        "set cluster.release_channel, and node_pool.auto_upgrade to true with it",
    ),
    "node-in-every-zone": ("pov-cluster/cluster", {"zones": ["us-west8-a"]}, "set zones to one zone"),
    "unknown-region": (
        "pov-cluster/cluster",
        {"region": "us-west4"},
        "'us-west8' is not on the list of known regions; check region with gcloud compute regions list",
    ),
    "unknown-machine-type": (
        "pov-cluster/node_pool",
        {"node_pool": {"machine_type": "n4-standard-8"}},
        "check node_pool.machine_type with gcloud compute machine-types list",
    ),
    "unknown-disk-type": (
        "pov-cluster/node_pool",
        {"node_pool": {"disk_type": "hyperdisk-balanced"}},
        "check node_pool.disk_type with gcloud compute disk-types list",
    ),
    "image-not-ubuntu-containerd": (
        "pov-cluster/node_pool",
        {"node_pool": {"image_type": "UBUNTU_CONTAINERD"}},
        "set node_pool.image_type to UBUNTU_CONTAINERD",
    ),
}


def risky(sections: dict[str, Any]) -> dict[str, Any]:
    """Return the sections of a deployment that carries every risk but for what is given."""
    pool = {**RISKY["node_pool"], **sections.get("node_pool", {})}
    return {**RISKY, **sections, "node_pool": pool}


def test_every_risk_is_listed() -> None:
    assert list(RISKS) == list(get_args(Risk))


@pytest.fixture(scope="module")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    app = synthesize({"pov": deployment(**RISKY)}, tmp_path_factory.mktemp("cdktf.out"))
    found: list[dict[str, str]] = app.manifest["stacks"]["pov-cluster"]["annotations"]
    return found


@pytest.mark.parametrize("risk", RISKS)
def test_is_warned_of_by_name_and_with_the_way_out(annotations: list[dict[str, str]], risk: str) -> None:
    path, _, way_out = RISKS[risk]
    [annotation] = [found for found in annotations if found["message"].startswith(f"{risk}: ")]
    assert (annotation["level"], annotation["constructPath"]) == ("@cdktf/warn", path)
    assert way_out in annotation["message"]


@pytest.mark.parametrize("risk", RISKS)
def test_is_silent_where_it_is_absent(synth: Callable[..., Synthesized], risk: str) -> None:
    assert synth(**risky(RISKS[risk][1])).warnings("pov-cluster") == RISKS.keys() - {risk}


@pytest.mark.parametrize("risk", RISKS)
def test_is_silent_where_it_is_acknowledged(synth: Callable[..., Synthesized], risk: str) -> None:
    assert synth(acknowledged_risks=[risk], **RISKY).warnings("pov-cluster") == RISKS.keys() - {risk}


def test_a_deployment_that_acknowledges_all_is_quiet(synth: Callable[..., Synthesized]) -> None:
    app = synth(acknowledged_risks=list(RISKS), **RISKY)
    assert [stack["annotations"] for stack in app.manifest["stacks"].values()] == [[], []]
