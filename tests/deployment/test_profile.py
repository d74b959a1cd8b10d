import re
import tomllib
from collections.abc import Callable
from textwrap import dedent
from typing import Any

from gitpod_pov.faults import faults_of

import pytest
from pydantic import ValidationError

from deployment.profile import PROFILES, with_profile
from handover.design import effects
from tests.app import ROOT, Synthesized, deployment
from tests.stacks.changes import RECREATES_NODES
from tests.stacks.test_inputs import INPUTS, NOT_HARDENING

HARDENED = {f"{section}.{key}": value for section, values in PROFILES["hardened"].items() for key, value in values.items()}

# What makes a deployment of a profile's values, with the sections that a profile does not add.
OPTIONAL = {"ingress": {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}}
STACKS = ("pov-cluster", "pov-rbac", "pov-ingress")


def written_out(profile: str) -> dict[str, Any]:
    values = PROFILES[profile]
    return {section: {**OPTIONAL.get(section, {}), **values.get(section, {})} for section in values.keys() | OPTIONAL.keys()}


def test_each_profile_has_a_value_for_nothing_but_inputs() -> None:
    for profile in PROFILES:
        deployment(**written_out(profile))


def test_reference_is_the_default_to_the_byte(synth: Callable[..., Synthesized]) -> None:
    default = {stack: synth(**OPTIONAL).text(stack) for stack in STACKS}
    named = synth(profile="reference", **OPTIONAL)
    assert {stack: named.text(stack) for stack in default} == default


def test_hardened_is_what_its_values_are(synth: Callable[..., Synthesized]) -> None:
    values = {stack: synth(**written_out("hardened")).text(stack) for stack in STACKS}
    named = synth(profile="hardened", **OPTIONAL)
    assert {stack: named.text(stack) for stack in values} == values


def test_hardened_carries_no_risk(synth: Callable[..., Synthesized]) -> None:
    app = synth(profile="hardened", zones=["us-central1-a"], admins={"members": ["user:a@example.com"]}, **OPTIONAL)
    assert set().union(*(app.warnings(stack) for stack in STACKS)) == set()


def test_hardened_keeps_what_the_workloads_need(synth: Callable[..., Synthesized]) -> None:
    hardened, reference = (
        {address: app.resource("pov-cluster", address) for address in app.addresses("pov-cluster") if "data." not in address}
        for app in (synth(profile="hardened"), synth())
    )
    cluster, pool = "google_container_cluster.cluster", "google_container_node_pool.node_pool"
    for key in ("datapath_provider", "network_policy", "addons_config", "networking_mode"):
        assert hardened[cluster][key] == reference[cluster][key]
    for key in ("image_type", "machine_type", "labels", "metadata", "oauth_scopes", "service_account"):
        assert hardened[pool]["node_config"][key] == reference[pool]["node_config"][key]
    assert "taint" not in hardened[pool]["node_config"]


@pytest.mark.parametrize("key", HARDENED)
def test_a_value_in_the_file_wins(key: str) -> None:
    section, field = key.split(".")
    merged = with_profile({section: {field: "the file's"}}, PROFILES["hardened"])
    assert merged[section] == {**PROFILES["hardened"][section], field: "the file's"}


def test_a_value_in_the_file_wins_in_the_output(synth: Callable[..., Synthesized]) -> None:
    app = synth(profile="hardened", cluster={"secure_boot": False, "authorized_networks": {"vpn": "192.0.2.0/24"}})
    cluster = app.resource("pov-cluster", "google_container_cluster.cluster")
    assert cluster["node_config"]["shielded_instance_config"] == {"enable_secure_boot": False, "enable_integrity_monitoring": True}
    assert [block["display_name"] for block in cluster["master_authorized_networks_config"]["cidr_blocks"]] == ["vpn"]


def test_hardened_without_managed_prometheus_leaves_out_what_needs_it(synth: Callable[..., Synthesized]) -> None:
    app = synth(profile="hardened", cluster={"managed_prometheus": False})
    monitoring = app.resource("pov-cluster", "google_container_cluster.cluster")["monitoring_config"]
    components = ["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]
    assert monitoring == {"enable_components": components, "managed_prometheus": {"enabled": False}}


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"profile": "hardened", "cluster": {"managed_prometheus": False, "monitoring_components": ["SYSTEM_COMPONENTS", "POD"]}},
            "cluster.monitoring_components[1]: 'POD' needs managed Prometheus; leave it out, or set cluster.managed_prometheus to true",
        ),
        ({"profile": "hardend"}, "profile: 'hardend' must be 'reference' or 'hardened'"),
        ({"profile": ["hardened"]}, "profile: ['hardened'] must be 'reference' or 'hardened'"),
        ({"profile": "hardened", "cluster": 3}, "cluster: 3 must be a table"),
        (
            {"profile": "hardened", "node_pool": {"auto_upgrade": False}},
            (
                "node_pool.auto_upgrade: false must be true in the release channel REGULAR: remove it; use "
                "cluster.maintenance_exclusions to keep the versions as they are"
            ),
        ),
        (
            {"profile": "hardened", "network": {"private_google_access": False}},
            (
                "network.private_google_access: false contradicts cluster.private_nodes: private nodes reach Google's APIs and "
                "registries through it; remove it or set it to true"
            ),
        ),
    ],
    ids=lambda value: value.partition(":")[0] if isinstance(value, str) else "",
)
def test_the_merged_values_are_what_is_checked(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        deployment(**sections)
    assert message in [str(fault) for fault in faults_of(refused.value)]


@pytest.mark.parametrize("profile", ["hardend", 5, ["hardened"]])
def test_an_unknown_profile_hides_no_fault_and_invents_none(profile: Any) -> None:
    right_with_hardened = {"node_pool": {"auto_upgrade": True}, "cluster": {"private_nodes": True}}
    wrong_with_both = {"zones": ["us-central1-a", "us-central1-a"]}
    with pytest.raises(ValidationError) as refused:
        deployment(profile=profile, **right_with_hardened, **wrong_with_both)
    assert [fault.key for fault in faults_of(refused.value)] == [("profile",), ("zones", 1)]


def test_the_documentation_lists_every_input_and_what_the_profile_sets() -> None:
    text = (ROOT / "docs" / "hardening.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("| `")]
    listed = {key: row[3] for row in rows for key in re.findall(r"`((?:identity|network|cluster|node_pool|ingress)\.\w+)", row[1])}
    assert listed.keys() == (INPUTS.keys() - NOT_HARDENING) | HARDENED.keys()
    assert {key for key, marks in listed.items() if "P" in marks} == HARDENED.keys()
    replaces_pool = {key for key, effect, _ in effects() if effect.startswith("node pool **replaced**")}
    assert {key for key, marks in listed.items() if "R" in marks} == replaces_pool & listed.keys()
    assert {key for key, marks in listed.items() if "N" in marks} == RECREATES_NODES.keys() & listed.keys()


def test_the_examples_of_the_documentation_are_deployments() -> None:
    text = (ROOT / "docs" / "hardening.md").read_text()
    blocks = [dedent(block) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)]
    examples = [tomllib.loads(block) for block in blocks if block.strip()]
    assert len(examples) == 3
    for example in examples:
        deployment(**{"profile": "hardened", "project": "demo-project", **example})
