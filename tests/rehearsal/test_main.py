from pathlib import Path

import pytest

from rehearsal.__main__ import WHAT_IT_SHOWS, rehearse
from rehearsal.workspace import TerraformError

pytestmark = pytest.mark.terraform


def test_shows_progress_and_ends_with_what_would_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearse("pov") == 0
    output = capsys.readouterr().out
    assert "pov-rbac: second plan is empty" in output
    assert "17 resources would exist" in output
    assert "google_project_iam_member.identity_storage_admin  " in output
    assert "roles/storage.admin" in output
    assert output.endswith(f"{WHAT_IT_SHOWS}\n")


def test_an_unknown_deployment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearse("prod") == 2
    assert capsys.readouterr().err == "there is no deployment 'prod'; known: pov\n"


def test_a_refused_deployment_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "pov.toml").write_text('project = "demo-project"\n')
    assert rehearse("pov", tmp_path) == 2
    assert "pov.toml: region: is required" in capsys.readouterr().err


def test_what_terraform_refuses_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.workspace.Workspace.plan", lambda *_: pytest.fail("not reached"))
    monkeypatch.setattr("rehearsal.workspace.Workspace.validate", _broken)
    assert rehearse("pov") == 2
    assert "no such argument" in capsys.readouterr().err


def _broken(workspace: object) -> None:
    raise TerraformError(["terraform", "validate"], 1, f"no such argument in {type(workspace).__name__}")
