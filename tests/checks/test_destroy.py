"""What stops `make destroy`, with a stand-in for Terraform. With the real Terraform and all stacks: tests/test_cli.py."""

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.destroy import main as check_destroy
from deployment.reading import load_deployments
from tests.app import synthesize

CLUSTER = "google_container_cluster.cluster"
PROTECTED = 'project = "demo-project"\nregion = "us-central1"\nprofile = "hardened"\n'
UNPROTECTED = f"{PROTECTED}[cluster]\ndeletion_protection = false\n"


def state(**of_cluster: Any) -> dict[str, Any]:
    """The state of a cluster stack, as `terraform show -json` prints it."""
    values = {"deletion_protection": of_cluster.pop("deletion_protection", True)}
    cluster = {"address": CLUSTER, "mode": "managed", "type": "google_container_cluster", "values": values, **of_cluster}
    account = {"address": "google_service_account.identity", "mode": "managed", "values": {"account_id": "gitpod-gke"}}
    looked_up = {"address": f"data.{CLUSTER}", "mode": "data", "values": {"deletion_protection": True}}
    return {"format_version": "1.0", "values": {"root_module": {"resources": [account, looked_up, cluster]}}}


EMPTY: dict[str, Any] = {"format_version": "1.0"}

Check = Callable[..., int]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Check a deployment file `trial.toml` against what Terraform shows: before `init`, and after it."""

    def run(file: str, shown: Any, after_init: Any = None) -> int:
        folder = tmp_path / "deployments"
        folder.mkdir()
        (folder / "trial.toml").write_text(file)
        synthesize(load_deployments(folder), tmp_path / "cdktf.out")
        for answer, content in (("shown", shown), ("after_init", after_init)):
            if content is not None:
                (tmp_path / answer).write_text(content if isinstance(content, str) else json.dumps(content))
        program = tmp_path / "fake terraform"
        program.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\nhere = pathlib.Path({str(tmp_path)!r})\ncommand = sys.argv[1]\n"
            "with (here / 'calls').open('a') as calls: print(pathlib.Path.cwd().name, *sys.argv[1:], file=calls)\n"
            "if command == 'init' and (here / 'after_init').exists():\n"
            "    (here / 'after_init').rename(here / 'shown')\n"
            "    pathlib.Path('.terraform.lock.hcl').touch()\n"
            "elif command == 'show' and (here / 'shown').exists(): print((here / 'shown').read_text())\n"
            "else: sys.exit('\\u2502 Error: Backend initialization\\n\\u2502 required')\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(program))
        monkeypatch.chdir(tmp_path)
        return check_destroy("trial", Path("deployments"))

    return run


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


STEPS = "run `make deploy DEPLOYMENT=trial`, then run `make destroy DEPLOYMENT=trial`\n"
BY_FILE = (
    f"deployments/trial.toml: cluster.deletion_protection: true protects {CLUSTER}; nothing was destroyed: "
    "set cluster.deletion_protection = false in deployments/trial.toml, then "
)
BY_STATE = (
    f"deployments/trial.toml: cluster.deletion_protection: false is not applied yet: the state still protects {CLUSTER}; "
    "nothing was destroyed: "
)
UNTAINT = f"run `PROGRAM -chdir=cdktf.out/stacks/trial-cluster untaint {CLUSTER}`, then "
UNREADABLE = "trial-cluster: the state cannot be read: Error: Backend initialization required\n"


@pytest.mark.parametrize(
    ("file", "shown", "message"),
    [
        (PROTECTED, state(), BY_FILE + STEPS),
        (PROTECTED, state(deletion_protection=False), BY_FILE + STEPS),  # prevent_destroy is in the configuration
        (PROTECTED, state(tainted=True), BY_FILE + UNTAINT + STEPS),
        (UNPROTECTED, state(), BY_STATE + STEPS),
        (UNPROTECTED, state(tainted=True), BY_STATE + UNTAINT + STEPS),
        (PROTECTED, None, UNREADABLE + BY_FILE.replace(CLUSTER, "any cluster in trial-cluster") + STEPS),
    ],
    ids=["file and state", "file", "tainted", "state", "state, tainted", "file, state unreadable"],
)
def test_is_refused_with_the_next_steps(
    check: Check, capsys: pytest.CaptureFixture[str], file: str, shown: dict[str, Any] | None, message: str
) -> None:
    assert check(file, shown) == 2
    assert capsys.readouterr().err == message.replace("PROGRAM", shlex.quote(os.environ["TERRAFORM_BINARY_NAME"]))


@pytest.mark.parametrize(
    ("file", "shown", "message"),
    [
        (UNPROTECTED, state(deletion_protection=False), ""),
        (UNPROTECTED, state(deletion_protection=False, tainted=True), ""),
        (UNPROTECTED, EMPTY, ""),
        (PROTECTED, EMPTY, ""),  # nothing was created, or no cluster
        (UNPROTECTED, None, UNREADABLE),
    ],
    ids=["both off", "tainted", "nothing there", "nothing there to protect", "state unreadable"],
)
def test_continues(check: Check, capsys: pytest.CaptureFixture[str], file: str, shown: dict[str, Any] | None, message: str) -> None:
    assert check(file, shown) == 0
    assert capsys.readouterr().err == message


def test_initializes_a_new_stack_and_leaves_no_lock_file(check: Check, tmp_path: Path) -> None:
    assert check(UNPROTECTED, None, after_init=state()) == 2
    assert calls(tmp_path) == [
        "trial-cluster show -json -no-color",
        "trial-cluster init -input=false -no-color",
        "trial-cluster show -json -no-color",
    ]
    assert not (tmp_path / "cdktf.out" / "stacks" / "trial-cluster" / ".terraform.lock.hcl").exists()


def test_finds_a_cluster_inside_a_module(check: Check) -> None:
    nested = {"format_version": "1.0", "values": {"root_module": {"child_modules": [state()["values"]["root_module"]]}}}
    assert check(UNPROTECTED, nested) == 2


def test_a_state_that_is_not_json(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(UNPROTECTED, text := "an upgrade is available", after_init=text) == 0
    assert capsys.readouterr().err.startswith("trial-cluster: the state cannot be read: terraform show -json: ")


def test_without_terraform(check: Check, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    check(UNPROTECTED, EMPTY)
    (tmp_path / "fake terraform").unlink()
    assert check_destroy("trial", Path("deployments")) == 0
    assert capsys.readouterr().err.endswith("fake terraform: No such file or directory\n")


def test_an_unknown_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_destroy("prod") == 2
    assert capsys.readouterr().err == "there is no deployment 'prod'; known: pov\n"
