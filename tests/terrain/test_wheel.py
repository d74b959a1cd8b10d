"""The wheel for apps of CDK Terrain: what it requires, and the README's example with it."""

import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.terrain.conftest import PYTHON, Copy, without_version
from tests.test_wheel import example


@pytest.fixture(scope="module")
def wheel(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, copy.folder]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_requires_cdk_terrain_and_no_package_of_cdktf(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    (metadata,) = (Parser().parsestr(text) for name, text in contents.items() if name.endswith("/METADATA"))
    assert metadata["Name"] == "gitpod-pov-cdktn"
    assert metadata["Requires-Python"] == ">=3.11"
    required = metadata.get_all("Requires-Dist", [])
    assert {it for it in required if it.startswith("cdkt")} == {
        "cdktn<0.25,>=0.22",
        "cdktn-provider-google<22,>=17",
        "cdktn-provider-helm<16,>=13",
        "cdktn-provider-kubernetes<17.1,>=13",
    }
    modules = {name: text for name, text in contents.items() if name.startswith("gitpod_pov/") and name.endswith(".py")}
    assert "gitpod_pov/gke_cluster.py" in modules
    assert not [name for name, text in modules.items() if "import cdktf" in text or "from cdktf" in text]
    assert "gitpod_pov/bindings/kernel_hooks.js" in contents


def test_the_readmes_example_writes_the_same_output_as_with_cdktf(copy: Copy, wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel]
    subprocess.run(install, check=True)
    folder = tmp_path / "app"  # the same for both: the default backend writes its path into the output
    folder.mkdir()
    output = folder / "cdktf.out" / "stacks" / "trial" / "cdk.tf.json"

    (folder / "app.py").write_text(example())
    warnings = subprocess.run([sys.executable, "app.py"], cwd=folder, check=True, capture_output=True, text=True).stderr
    old, old_version = without_version(json.loads(output.read_text()))
    output.unlink()

    text = example(copy.folder)
    assert "from cdktn import App" in text
    (folder / "app.py").write_text(text + "\nimport gitpod_pov\nprint(gitpod_pov.__file__)\n")
    assert "warning: trial/cluster: " in warnings
    assert Path(copy.run("app.py", cwd=folder, warnings=warnings, PYTHONPATH=str(site)).strip()).is_relative_to(site)
    new, new_version = without_version(json.loads(output.read_text()))
    assert new == old
    assert (new_version[:5], old_version[:5]) == ("0.22.", "0.21.")


def test_the_environment_is_complete() -> None:
    result = subprocess.run([PYTHON, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "No broken requirements found.\n")
