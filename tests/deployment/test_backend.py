import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitpod_pov.faults import faults_of

import pytest
from pydantic import ValidationError

from tests.app import ROOT, Synthesized, deployment

STACKS = ("pov-cluster", "pov-rbac")
CLOUD: dict[str, Any] = {"type": "cloud", "organization": "acme"}
GCS: dict[str, Any] = {"type": "gcs", "bucket": "states", "prefix": "trial"}
KEY = "projects/key-project/locations/us/keyRings/state/cryptoKeys/state"


def refused(**backend: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        deployment(backend=backend)
    return [str(fault) for fault in faults_of(caught.value)]


class TestCloud:
    def test_one_workspace_for_each_stack(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(backend={**CLOUD, "hostname": "tfe.example.com", "project": "Trial projects"})
        for stack in STACKS:
            terraform = app.stack(stack)["terraform"]
            assert "backend" not in terraform
            assert terraform["cloud"] == {
                "hostname": "tfe.example.com",
                "organization": "acme",
                "workspaces": {"name": stack, "project": "Trial projects"},
            }

    def test_defaults_to_hcp_terraform_and_the_default_project(self, synth: Callable[..., Synthesized]) -> None:
        assert synth(backend=CLOUD).stack("pov-rbac")["terraform"]["cloud"] == {
            "hostname": "app.terraform.io",
            "organization": "acme",
            "workspaces": {"name": "pov-rbac"},
        }

    def test_a_prefix_is_part_of_the_names_of_the_workspaces(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(backend={**CLOUD, "prefix": "team-a"})
        for stack in STACKS:
            assert app.stack(stack)["terraform"]["cloud"]["workspaces"] == {"name": f"team-a-{stack}"}

    def test_the_cdktf_cli_prints_it(self, synth: Callable[..., Synthesized]) -> None:
        assert synth(backend=CLOUD).stack("pov-rbac")["//"]["metadata"]["backend"] == "cloud"


class TestGcs:
    def test_impersonation_and_key_by_reference(self, synth: Callable[..., Synthesized]) -> None:
        account = "state@my-project.iam.gserviceaccount.com"
        app = synth(backend={**GCS, "impersonate_service_account": account, "kms_encryption_key": KEY})
        for stack in STACKS:
            assert app.stack(stack)["terraform"]["backend"]["gcs"] == {
                "bucket": "states",
                "prefix": f"trial/{stack}",
                "impersonate_service_account": account,
                "kms_encryption_key": KEY,
            }


@pytest.mark.parametrize("backend", [{"type": "local"}, GCS, CLOUD], ids=lambda backend: backend["type"])
def test_synthesizes_without_terraform_on_the_path(backend: dict[str, Any], tmp_path: Path) -> None:
    program = (
        "import json, sys; from tests.app import deployment, synthesize; from pathlib import Path;"
        "synthesize({'pov': deployment(backend=json.loads(sys.argv[1]))}, Path(sys.argv[2]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, json.dumps(backend), str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "out" / "stacks" / "pov-rbac" / "cdk.tf.json").exists()


@pytest.mark.parametrize("secret", ["token", "credentials", "access_token", "encryption_key"])
def test_has_no_credentials(secret: str) -> None:
    for backend in (GCS, CLOUD):
        assert any("unknown key" in fault for fault in refused(**backend, **{secret: "s3cr3t"}))
        assert not any("s3cr3t" in fault for fault in refused(**backend, **{secret: "s3cr3t"}))
