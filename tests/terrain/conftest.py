"""What the tests for CDK Terrain share: its environment, a rewritten copy of the project, and the same deployments synthesized by both.

The environment is `.terrain` (`make .terrain/.synced`), from Pipfile.cdktn.lock. Without it the tests skip; with REQUIRE_TERRAIN=1,
which CI sets, they fail. It also has the Node that the other environment has not.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.app import ROOT, Synthesized, deployment, synthesize
from tests.required import missing
from tests.terrain.examples import examples

PYTHON = ROOT / ".terrain" / ".venv" / "bin" / "python"
SYNTHESIZE = """
import json, sys
from pathlib import Path
from tests.app import deployment, synthesize
synthesize({name: deployment(**sections) for name, sections in json.load(sys.stdin).items()}, Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Copy:
    """The project, rewritten for CDK Terrain."""

    folder: Path

    def run(self, *arguments: str | Path, cwd: Path, stdin: str = "", warnings: str = "", **environment: str) -> str:
        """Run Python in the environment of CDK Terrain, with the copy's packages; return what it prints besides the expected warnings."""
        full = {**os.environ, "PYTHONPATH": f"{self.folder}{os.pathsep}{self.folder / 'constructs'}", **environment}
        command = [PYTHON, "-W", "error", *arguments]
        result = subprocess.run(command, cwd=cwd, env=full, input=stdin, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (0, warnings)
        return result.stdout


@pytest.fixture(scope="session", autouse=True)
def environment() -> None:
    if not PYTHON.exists():
        missing("REQUIRE_TERRAIN", "there is no environment for CDK Terrain: run `make .terrain/.synced`")


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("terrain") / "copy"
    command: list[str | Path] = [sys.executable, ROOT / "tools" / "terrain.py", ROOT, folder]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return Copy(folder)


@pytest.fixture(scope="session", name="examples")
def _examples() -> dict[str, dict[str, Any]]:
    return examples()


@pytest.fixture(scope="session")
def cdktf(examples: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Every example, synthesized by CDKTF."""
    return synthesize({name: deployment(**sections) for name, sections in examples.items()}, tmp_path_factory.mktemp("cdktf"))


@pytest.fixture(scope="session")
def cdktn(copy: Copy, examples: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Every example, synthesized by CDK Terrain."""
    outdir = tmp_path_factory.mktemp("cdktn")
    copy.run("-c", SYNTHESIZE, outdir, cwd=copy.folder, stdin=json.dumps(examples))
    return Synthesized(outdir)


def without_version(content: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a synthesized file without the version of CDKTF or CDK Terrain that wrote it, and that version."""
    holder = content["//"]["metadata"] if "//" in content else content  # a stack; the manifest
    version: str = holder.pop("version")
    return content, version
