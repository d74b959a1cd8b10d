import tomllib
from pathlib import Path
from typing import Any

import pytest

from deployment.model import Deployment
from deployment.show import effective_values
from deployment.show import main as show
from tests.app import ROOT, deployment
from tests.existing import NETWORK
from tests.inputs import OBSERVERS

WINDOW = {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"}
EXCLUSION = {"name": "trial", "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-05-01T00:00:00Z"}


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"profile": "hardened"},
        {"profile": "hardened", "cluster": {"maintenance_window": WINDOW, "maintenance_exclusions": [EXCLUSION]}},
        {"cluster": {"authorized_networks": {"the office": "192.0.2.0/24"}, "resource_labels": {"team": "a"}}},
        {"node_pool": {"taints": [{"key": "trial"}], "metadata": {"motd": 'a "\\\n\u0085\U0001f600'}}},
        {"backend": {"type": "gcs", "bucket": "states"}},
        {"profile": "hardened", "network": {**NETWORK, "host_project": "host-project"}},
        {"node_pool": {"max_total_nodes": 9}, "pools": {"a": {}, "b": {"workloads": ["ide"], "upgrade_settings": {"max_surge": 2}}}},
        {"identity": {"email": "nodes@platform-project.iam.gserviceaccount.com"}},
        {"admins": {"bindings": {"observers": {**OBSERVERS, "namespace": "gitpod"}, "b_2": OBSERVERS}}},
    ],
    ids=range(10),
)
def test_what_is_shown_reads_back_as_the_same_deployment(sections: dict[str, Any]) -> None:
    shown = deployment(**sections)
    text = "\n".join(effective_values(shown, sections))
    assert all(c.isprintable() or c == "\n" for c in text)
    assert Deployment.model_validate(tomllib.loads(text)) == shown


def test_prints_the_source_of_each_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = 'project = "demo-project"\nregion = "us-central1"\nprofile = "hardened"\n[cluster]\nsecure_boot = false\n'
    (tmp_path / "trial.toml").write_text(file)
    assert show("trial", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {
        'project = "demo-project"  # file',
        "zones = []",
        "secure_boot = false  # file",
        "integrity_monitoring = true  # profile",
        "# secrets_kms_key is left out",
        'logging_components = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]  # profile',
    } <= set(lines)


def test_prints_a_section_for_each_additional_pool() -> None:
    content = {"node_pool": {"max_total_nodes": 9}, "pools": {"spot": {"spot": True, "workloads": ["ide"]}}}
    lines = list(effective_values(deployment(**content), content))
    assert not [line for line in lines if line.startswith("pools")]
    pool = lines[lines.index("[pools.spot]") :]
    pool = pool[: pool.index("")]
    assert {"spot = true  # file", 'workloads = ["ide"]  # file', "max_nodes = 50", "# max_total_nodes is left out"} <= set(pool)
    assert {"# max_nodes is left out", "max_total_nodes = 9  # file"} <= set(lines)


def test_an_unknown_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    assert show("pvo", ROOT / "deployments") == 2
    assert capsys.readouterr().err == "there is no deployment 'pvo'; known: pov; did you mean 'pov'?\n"


def test_a_refused_deployment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trial.toml").write_text('region = "us-central1"\n')
    assert show("trial", tmp_path) == 2
    assert "trial.toml: project: is required" in capsys.readouterr().err
