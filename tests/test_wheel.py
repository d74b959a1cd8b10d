"""The examples of the README and of docs/constructs.md, run from an installed wheel, outside the repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.workspace import Workspace, attach
from tests.app import ROOT
from tests.existing import add_subnetwork


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


@pytest.mark.terraform
def test_example_is_applied_and_the_second_plan_is_empty(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(example())
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, check=True)
    stack = tmp_path / "cdktf.out" / "stacks" / "trial"
    with attach([stack], tmp_path / "journal.jsonl") as stand_ins:
        workspace = Workspace(stand_ins, stack, tmp_path / "applied")
        workspace.init()
        workspace.apply()
        assert workspace.plan().empty
        workspace.destroy()


def examples() -> dict[str, str]:
    """Return the complete apps of docs/constructs.md by their heading."""
    text = (ROOT / "docs" / "constructs.md").read_text().partition("\n## Examples\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"### (.*?)\n.*?```python\n(.*?)```", text, re.DOTALL))


@pytest.mark.terraform
@pytest.mark.parametrize("name", examples())
def test_examples_of_the_document_apply_empty_plan_destroy(installed: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "app.py").write_text(examples()[name])
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, check=True)
    manifest = json.loads((tmp_path / "cdktf.out" / "manifest.json").read_text())["stacks"]
    stacks = sorted(manifest, key=lambda stack: len(manifest[stack]["dependencies"]))
    folders = [tmp_path / "cdktf.out" / "stacks" / stack for stack in stacks]
    with attach(folders, tmp_path / "journal.jsonl") as stand_ins:
        add_subnetwork(stand_ins.cloud, "platform-network")
        workspaces = [Workspace(stand_ins, folder, tmp_path / "applied" / folder.name) for folder in folders]
        for workspace in workspaces:
            workspace.init()
            assert workspace.validate() == []
            workspace.apply()
            assert workspace.plan().empty
        for workspace in reversed(workspaces):
            workspace.destroy()
            assert workspace.state() == {}
        assert [subnetwork["project"] for subnetwork in stand_ins.cloud.objects("google_compute_subnetwork")] == ["platform-network"]


def test_example_adds_a_labelled_cluster(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(example() + "\nimport gitpod_pov\nprint(gitpod_pov.__file__)\n")
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    result = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(result.stdout.strip()).is_relative_to(installed)
    stack = json.loads((tmp_path / "cdktf.out" / "stacks" / "trial" / "cdk.tf.json").read_text())
    (pool,) = stack["resource"]["google_container_node_pool"].values()
    assert len(pool["node_config"]["labels"]) == 5


def test_has_the_chart_of_the_issuer(installed: Path) -> None:
    folders = (installed / "gitpod_pov" / "charts", ROOT / "constructs" / "gitpod_pov" / "charts")
    in_the_wheel, in_the_repository = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} for folder in folders
    )
    assert in_the_wheel == in_the_repository != {}


MYPY = """
[mypy]
strict = True
[mypy-cdktf_cdktf_provider_google,cdktf_cdktf_provider_kubernetes]
follow_imports = skip
"""
PLUGIN = "[pydantic-mypy]\ninit_typed = True\ninit_forbid_extra = True\n"


def type_checked(installed: Path, folder: Path, code: str, *, plugin: bool = False) -> "subprocess.CompletedProcess[str]":
    """Check an app as its author would, with the types of the installed wheel."""
    (folder / "app.py").write_text(code)
    configuration = MYPY.replace("strict", "plugins = pydantic.mypy\nstrict") + PLUGIN if plugin else MYPY
    (folder / "mypy.ini").write_text(configuration)
    environment = {**os.environ, "PYTHONPATH": str(installed), "MYPYPATH": ""}
    command = [sys.executable, "-m", "mypy", "--verbose", "--cache-dir", str(installed.parent / f"mypy-{plugin}"), "app.py"]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert f"{installed}/gitpod_pov/tokens.py" in result.stderr
    assert f"{ROOT}/constructs" not in result.stderr
    return result


CALLS = (ROOT / "tests" / "typed_calls.py").read_text()


@pytest.mark.parametrize("plugin", [False, True], ids=["without the plugin", "with pydantic's plugin"])
@pytest.mark.parametrize("code", [example(), CALLS, *examples().values()], ids=["README", "typed_calls.py", *examples()])
def test_a_strict_type_checker_accepts(installed: Path, tmp_path: Path, code: str, *, plugin: bool) -> None:
    assert type_checked(installed, tmp_path, code, plugin=plugin).stdout == "Success: no issues found in 1 source file\n"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("NodePoolConfig(machine_typ='n2-standard-8')", 'Unexpected keyword argument "machine_typ"'),
        ("NodePoolConfig(disk_size_gb='50')", 'Argument "disk_size_gb" to "NodePoolConfig" has incompatible type "str"'),
        ("NodePoolConfig(oauth_scopes=1)", 'Argument "oauth_scopes" to "NodePoolConfig" has incompatible type "int"'),
        ("NodePoolConfig(spot='yes')", 'Argument "spot" to "NodePoolConfig" has incompatible type "str"'),
    ],
)
def test_a_strict_type_checker_refuses(installed: Path, tmp_path: Path, call: str, error: str) -> None:
    result = type_checked(installed, tmp_path, f"from gitpod_pov.node_pool import NodePoolConfig\n{call}\n")
    assert error in result.stdout


def test_the_calls_that_type_checkers_accept_are_accepted_at_run_time(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(CALLS)
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed)}, check=True)
    assert "TfToken" not in (tmp_path / "cdktf.out" / "stacks" / "trial" / "cdk.tf.json").read_text()
