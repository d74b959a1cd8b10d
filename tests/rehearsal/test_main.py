import json
from pathlib import Path
from typing import Any, get_args

import pytest

from deployment.model import Deployment
from deployment.profile import Profile
from rehearsal import __main__ as main
from rehearsal.__main__ import WHAT_IT_SHOWS, rehearse
from rehearsal.workspace import TerraformError, Workspace
from tests.existing import NETWORK

pytestmark = pytest.mark.terraform


def test_shows_progress_and_the_table_of_resources(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearse("pov") == 0
    output = capsys.readouterr().out
    assert "pov-rbac: second plan is empty" in output
    assert "17 resources would exist" in output
    assert "google_project_iam_member.identity_storage_admin  " in output
    assert "roles/storage.admin" in output
    assert output.endswith(f"{WHAT_IT_SHOWS}\n")


@pytest.mark.parametrize("profile", get_args(Profile))
def test_passes_for_every_profile(capsys: pytest.CaptureFixture[str], tmp_path: Path, profile: str) -> None:
    (tmp_path / "trial.toml").write_text(f'project = "demo-project"\nregion = "us-central1"\nprofile = "{profile}"\n')
    assert rehearse("trial", tmp_path) == 0, capsys.readouterr().err
    assert "\ntrial-cluster: destroy\n" in capsys.readouterr().out


def test_passes_with_the_ingress_stack(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "trial.toml").write_text(
        'project = "demo-project"\nregion = "us-central1"\nprofile = "hardened"\n'
        '[ingress]\ndomain = "gitpod.acme-corp.dev"\nacme_email = "ops@acme-corp.dev"\n'
    )
    assert rehearse("trial", tmp_path) == 0, capsys.readouterr().err
    output = capsys.readouterr().out
    order = [output.index(f"trial-{stack}: destroy\n") for stack in ("ingress", "rbac", "cluster")]
    assert order == sorted(order)
    assert "helm_release.charts_cert_manager  " in output


@pytest.mark.parametrize(
    "network", [NETWORK, {**NETWORK, "host_project": "host-project", "grant_service_agents": True}], ids=["own", "host"]
)
def test_existing_subnetwork_meets_the_requirements(capsys: pytest.CaptureFixture[str], tmp_path: Path, network: dict[str, Any]) -> None:
    values = "".join(f"{key} = {json.dumps(value)}\n" for key, value in network.items())
    (tmp_path / "trial.toml").write_text(
        f'project = "demo-project"\nregion = "us-central1"\nprofile = "hardened"\n[network]\n{values}[node_pool]\nmax_nodes = 1000\n'
    )
    assert rehearse("trial", tmp_path) == 0, capsys.readouterr().err
    assert "google_compute_subnetwork.network_subnetwork" not in capsys.readouterr().out


class TestProtected:
    @pytest.fixture(autouse=True)
    def _deployment(self, tmp_path: Path) -> None:
        (tmp_path / "trial.toml").write_text('project = "demo-project"\nregion = "us-central1"\n[cluster]\ndeletion_protection = true\n')

    def test_removes_the_protection_before_anything_is_destroyed(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert rehearse("trial", tmp_path) == 0
        steps = capsys.readouterr().out.partition("\n\n")[0].splitlines()
        cluster = "google_container_cluster.cluster"
        assert steps[-6:] == [
            f"trial-cluster: destroy is refused, {cluster} is protected",
            "synthesize trial with cluster.deletion_protection = false",
            f"trial-cluster: plan updates {cluster} in place",
            "trial-cluster: apply",
            "trial-rbac: destroy",
            "trial-cluster: destroy",
        ]

    def test_fails_when_the_destroy_is_not_refused(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        synthesize = Workspace.synthesize

        def without_protection(workspace: Workspace, stack: Path) -> None:
            synthesize(workspace, stack)
            if stack.name == "trial-cluster" and workspace.directory.exists():
                block = workspace.configured("google_container_cluster.cluster")
                del block["lifecycle"]["prevent_destroy"]
                workspace.edit("google_container_cluster.cluster", lifecycle=block["lifecycle"])

        monkeypatch.setattr(Workspace, "synthesize", without_protection)
        assert rehearse("trial", tmp_path) == 2
        captured = capsys.readouterr()
        assert captured.out.endswith("trial-cluster: destroy is refused, google_container_cluster.cluster is protected\n")
        assert captured.err.startswith("failed\n")

    def test_fails_when_removing_the_protection_would_change_more(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        unprotected = main._unprotected

        def other_machines(one: Deployment) -> Deployment:
            content = unprotected(one).model_dump(exclude_unset=True)
            return Deployment.model_validate({**content, "node_pool": {"machine_type": "n2-standard-8"}})

        monkeypatch.setattr(main, "_unprotected", other_machines)
        assert rehearse("trial", tmp_path) == 2
        assert "removing the protection would change {'google_container_cluster.cluster': 'update', " in capsys.readouterr().err


def test_an_unknown_deployment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearse("prod") == 2
    assert capsys.readouterr().err == "there is no deployment 'prod'; known: pov\n"


def test_a_refused_deployment_is_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pov.toml").write_text('project = "demo-project"\n')
    assert rehearse("pov", tmp_path) == 2
    assert "pov.toml: region: is required" in capsys.readouterr().err


def test_errors_of_terraform_are_reported(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.workspace.Workspace.plan", lambda *_: pytest.fail("not reached"))
    monkeypatch.setattr("rehearsal.workspace.Workspace.validate", _broken)
    assert rehearse("pov") == 2
    assert "no such argument" in capsys.readouterr().err


def _broken(workspace: object) -> None:
    raise TerraformError(["terraform", "validate"], 1, f"no such argument in {type(workspace).__name__}")
