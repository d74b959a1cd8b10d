"""The README's example, run from an installed wheel, outside the repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the wheel is installed; what it depends on comes from the environment of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "constructs"):  # a copy: setuptools builds in the tree it is given
        subprocess.run(["cp", "-r", ROOT / name, source], check=True)
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True
    )
    return folder / "site"


def example(project: Path = ROOT) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", (project / "README.md").read_text(), re.DOTALL)
    return str(code)


def test_example_adds_a_labelled_cluster(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(example() + "\nimport gitpod_pov\nprint(gitpod_pov.__file__)\n")
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    result = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(result.stdout.strip()).is_relative_to(installed)
    stack = json.loads((tmp_path / "cdktf.out" / "stacks" / "trial" / "cdk.tf.json").read_text())
    (pool,) = stack["resource"]["google_container_node_pool"].values()
    assert len(pool["node_config"]["labels"]) == 5
