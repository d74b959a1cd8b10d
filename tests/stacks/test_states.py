import json
from pathlib import Path
from typing import Any

import pytest

from deployment.model import Deployment
from stacks.states import unused_states
from tests.app import deployment

STATE = json.dumps({"version": 4, "resources": [{"mode": "managed", "type": "google_service_account"}]})
LOST = "deployments/trial.toml does not exist: restore the file and run `make destroy DEPLOYMENT=trial`, or rename the state if you renamed"
GCS = {"type": "gcs", "bucket": "states", "prefix": "trial"}


def messages(folder: Path, **deployments: Deployment) -> list[str]:
    return list(unused_states(folder, deployments))


def test_a_state_whose_deployment_file_was_deleted(tmp_path: Path) -> None:
    for stack in ("trial-cluster", "trial-rbac", "pov-cluster"):
        (tmp_path / f"terraform.{stack}.tfstate").write_text(STATE)
    assert messages(tmp_path, pov=deployment()) == [
        f"terraform.{stack}.tfstate: contains resources, but {LOST} the deployment" for stack in ("trial-cluster", "trial-rbac")
    ]


@pytest.mark.parametrize(
    ("sections", "stack", "reason"),
    [
        ({}, "pov-ingress", "does not describe the stack pov-ingress: restore its section, destroy the stack, and then remove the section"),
        (
            {"backend": GCS},
            "pov-cluster",
            "selects the backend gcs: move the state as docs/operations.md says, or delete it if it is moved",
        ),
    ],
)
def test_a_state_that_its_deployment_does_not_use(tmp_path: Path, sections: dict[str, Any], stack: str, reason: str) -> None:
    (tmp_path / f"terraform.{stack}.tfstate").write_text(STATE)
    assert messages(tmp_path, pov=deployment(**sections)) == [
        f"terraform.{stack}.tfstate: contains resources, but deployments/pov.toml {reason}"
    ]


@pytest.mark.parametrize("content", ['{"version": 4, "resources": []}', '{"resources": [{"mode": "data"}]}', "", "{}"])
def test_a_state_without_resources_has_no_warning(tmp_path: Path, content: str) -> None:
    (tmp_path / "terraform.trial-cluster.tfstate").write_text(content)
    assert messages(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "problem"), [('{"encrypted_data": "a"}', "contains resources"), ("{", "cannot be read"), ("[]", "cannot be read")]
)
def test_a_state_that_only_another_program_reads(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "terraform.trial-cluster.tfstate").write_text(content)
    (message,) = messages(tmp_path)
    assert message.startswith(f"terraform.trial-cluster.tfstate: {problem}, but {LOST}")


def test_other_files_are_ignored(tmp_path: Path) -> None:
    for name in ("terraform.tfstate", "terraform.mine.tfstate", "terraform.trial-cluster.tfstate.backup", "terraform.cluster.tfstate"):
        (tmp_path / name).write_text(STATE)
    assert messages(tmp_path) == []
