import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deployment.model import Deployment
from deployment.show import effective_values
from stacks.__main__ import main as show
from tests.app import ROOT, deployment, synthesize
from tests.existing import NETWORK
from tests.inputs import OBSERVERS

WINDOW = {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"}
EXCLUSION = {"name": "trial", "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-05-01T00:00:00Z"}


INGRESS = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
SECTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "hardened": {"profile": "hardened"},
    "windows": {"profile": "hardened", "cluster": {"maintenance_window": WINDOW, "maintenance_exclusions": [EXCLUSION]}},
    "tables": {"cluster": {"authorized_networks": {"the office": "192.0.2.0/24"}, "resource_labels": {"team": "a"}}},
    "text": {"node_pool": {"taints": [{"key": "trial"}], "metadata": {"motd": 'a "\\\n\u0085\U0001f600'}}},
    "backend": {"backend": {"type": "gcs", "bucket": "states", "prefix": "trial"}},
    "existing account": {"identity": {"email": "nodes@platform-project.iam.gserviceaccount.com"}},
    "bindings": {"admins": {"bindings": {"observers": {**OBSERVERS, "namespace": "gitpod"}, "b_2": OBSERVERS}}},
    "no channel": {"cluster": {"release_channel": "UNSPECIFIED"}},
    "private nodes": {"cluster": {"private_nodes": True}, "network": {"cloud_nat": True}},
    "existing subnetwork": {"profile": "hardened", "network": {**NETWORK, "host_project": "host-project"}},
    "ingress": {"profile": "hardened", "ingress": INGRESS},
    "pools": {"node_pool": {"max_total_nodes": 9}, "pools": {"a": {}, "b": {"workloads": ["ide"], "upgrade_settings": {"max_surge": 2}}}},
}


@pytest.mark.parametrize("sections", SECTIONS.values(), ids=SECTIONS)
def test_output_reads_back_and_gives_the_same_terraform(sections: dict[str, Any], tmp_path: Path) -> None:
    shown = deployment(**sections)
    text = "\n".join(effective_values(shown, sections))
    assert all(c.isprintable() or c == "\n" for c in text)
    read_back = synthesize({"pov": Deployment.model_validate(tomllib.loads(text))}, tmp_path / "read back")
    expected = synthesize({"pov": shown}, tmp_path / "expected")
    for stack in expected.manifest["stacks"]:
        assert read_back.stack(stack) == expected.stack(stack)


def test_prints_the_source_of_each_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = 'project = "demo-project"\nregion = "us-central1"\nprofile = "hardened"\n[cluster]\nsecure_boot = false\n'
    (tmp_path / "trial.toml").write_text(file)
    assert show("trial", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {
        'project = "demo-project"  # file',
        "zones = []  # default",
        "# ingress is not set  # default",
        "secure_boot = false  # file",
        "integrity_monitoring = true  # profile",
        "# secrets_kms_key is not set  # default",
        'logging_components = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]  # profile',
        'subnetwork = "gitpod-gitpod"  # derived',
        "auto_upgrade = true  # derived",
    } <= set(lines)


@pytest.mark.parametrize("sections", SECTIONS.values(), ids=SECTIONS)
def test_every_value_has_a_source(sections: dict[str, Any]) -> None:
    items = re.compile(r"    .*,|]|\[[\w.]+]|")
    for line in effective_values(deployment(**sections), sections):
        assert items.fullmatch(line) or line.rpartition("  # ")[2] in {"file", "profile", "default", "derived"}, line


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ({"cluster": {"private_nodes": True}, "network": {"cloud_nat": True}}, "private_google_access = true  # derived"),
        ({}, "# private_google_access is not set  # default"),
        ({"network": {"private_google_access": False}}, "private_google_access = false  # file"),
        ({"cluster": {"name": "trial"}}, 'subnetwork = "gitpod-trial"  # derived'),
        ({"cluster": {"release_channel": "UNSPECIFIED"}}, "auto_upgrade = false  # derived"),
        ({"cluster": {"release_channel": "UNSPECIFIED"}}, "maintenance_exclusions = []  # derived"),
        ({"cluster": {"maintenance_exclusions": []}}, "maintenance_exclusions = []  # file"),
        ({"profile": "hardened"}, "maintenance_exclusions = []  # profile"),
        ({"node_pool": {"auto_repair": True}}, "auto_repair = true  # file"),
        ({"ingress": INGRESS}, "workload_identity = true  # derived"),
        ({"ingress": INGRESS}, 'zone = "gitpod"  # derived'),
        ({"ingress": {**INGRESS, "zone": "acme"}}, 'zone = "acme"  # file'),
    ],
)
def test_the_source_of_a_derived_value(sections: dict[str, Any], line: str) -> None:
    assert line in list(effective_values(deployment(**sections), sections))


def test_prints_a_section_for_each_additional_pool() -> None:
    content = {"node_pool": {"max_total_nodes": 9}, "pools": {"spot": {"spot": True, "workloads": ["ide"]}}}
    lines = list(effective_values(deployment(**content), content))
    assert not [line for line in lines if line.startswith("pools")]
    pool = lines[lines.index("[pools.spot]") :]
    pool = pool[: pool.index("")]
    assert {"spot = true  # file", 'workloads = ["ide"]  # file', "max_nodes = 50  # default"} <= set(pool)
    assert {"# max_total_nodes is not set  # default", "auto_upgrade = true  # derived"} <= set(pool)
    assert {"# max_nodes is not set  # default", "max_total_nodes = 9  # file"} <= set(lines)


def test_an_unknown_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    assert show("pvo", ROOT / "deployments") == 2
    assert capsys.readouterr().err == "there is no deployment 'pvo'; known: pov; did you mean 'pov'?\n"


def test_a_refused_deployment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trial.toml").write_text('region = "us-central1"\n')
    assert show("trial", tmp_path) == 2
    assert "trial.toml: project: is required" in capsys.readouterr().err
