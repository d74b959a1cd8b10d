import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app import ROOT, Synthesized


def run(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what `python main.py` needs."""
    for name in ("main.py", "deployment", "stacks", "deployments"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def test_prints_stacks_and_warnings_and_writes_the_same_bytes(project: Path, synthesized: Synthesized) -> None:
    result = run("main.py", cwd=project, PYTHONHASHSEED="1")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"{stack}  cdktf.out/stacks/{stack}/cdk.tf.json" for stack in ("pov-cluster", "pov-rbac")]
    assert [line.split(": ")[:3] for line in lines[2:]] == [
        ["warning", "pov-cluster/identity", "node-account-is-cluster-admin"],
        ["warning", "pov-cluster/cluster", "public-control-plane"],
        ["warning", "pov-cluster/cluster", "nodes-without-security-patches"],
        ["warning", "pov-rbac/admins", "applying-account-becomes-admin"],
    ]
    for path in synthesized.outdir.rglob("*.json"):
        assert (project / "cdktf.out" / path.relative_to(synthesized.outdir)).read_bytes() == path.read_bytes()


def test_a_refused_deployment_is_reported_in_one_line_and_writes_nothing(project: Path) -> None:
    (project / "deployments" / "pov.toml").write_text('project = "My Project"\nregion = "us-central1"\nregoin = 1\n')
    result = run("main.py", cwd=project)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        (
            "deployments/pov.toml: project: 'My Project' is not a project ID: 6 to 30 lowercase letters, digits and hyphens, starting "
            "with a letter and not ending with a hyphen (use the ID, not the number)"
        ),
        "deployments/pov.toml: regoin: unknown key; did you mean 'region'?",
    ]
    assert not (project / "cdktf.out").exists()


@pytest.mark.parametrize("arguments", [(), ("pov",)])
def test_warns_about_a_local_state_without_a_deployment(project: Path, arguments: tuple[str, ...]) -> None:
    (project / "terraform.trial-cluster.tfstate").write_text('{"resources": [{"mode": "managed"}]}')
    result = run("main.py", *arguments, cwd=project)
    assert result.returncode == 0
    warning = "warning: terraform.trial-cluster.tfstate: contains resources, but deployments/trial.toml does not exist: "
    assert [warning in text for text in (result.stdout, result.stderr)] == [not arguments, bool(arguments)]
    assert not arguments or result.stdout == "pov-cluster\npov-rbac\n"


@pytest.mark.parametrize(("action", "stacks"), [("deploy", "pov-cluster, pov-rbac"), ("destroy", "pov-rbac, pov-cluster")])
def test_an_action_first_prints_project_and_stacks(project: Path, action: str, stacks: str) -> None:
    result = run("main.py", "pov", action, cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{action}: project my-gitpod-pov, stacks {stacks}\npov-cluster\npov-rbac\n"


def test_synthesis_of_many_deployments_prints_its_steps(project: Path) -> None:
    for number in range(19):
        (project / "deployments" / f"a{number}.toml").write_text(f'project = "demo-project-{number}"\nregion = "us-central1"\n')
    result = run("main.py", cwd=project)
    assert result.returncode == 0
    assert result.stderr.splitlines() == ["build the stacks of 20 deployments", "synthesize", "write cdktf.out"]


def test_importing_main_synthesizes_nothing(project: Path) -> None:
    result = run("-c", "import main", cwd=project)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert not (project / "cdktf.out").exists()
