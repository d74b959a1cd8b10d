"""The Terraform binary: the chosen one, otherwise `terraform`, otherwise `tofu`. With stand-ins for both binaries."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployment import commands
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import ROOT, Synthesized

# Each with the programs that are installed, the variable, and the program that runs.
CASES = [
    (["terraform"], None, "terraform"),
    (["tofu"], None, "tofu"),
    (["terraform", "tofu"], None, "terraform"),
    (["terraform", "tofu"], "tofu", "tofu"),
    (["terraform", "tofu"], "", "terraform"),
    (["terraform"], "tofu", "tofu"),  # which is then reported as missing
    (["terraform"], "/opt/Open Tofu/tofu", "/opt/Open Tofu/tofu"),
    ([], None, "terraform"),
]
# A program that prints its name, its arguments and the providers that it would attach to, one a line.
PROGRAM = f"""#!{sys.executable}
import json, os, pathlib, sys
print(pathlib.Path(sys.argv[0]).name, *sys.argv[1:])
print(*json.loads(os.environ.get("TF_REATTACH_PROVIDERS", "{{}}")), sep="\\n")
"""


# The Python of the Makefile's environment.
PYTHON = """
case "$*" in
"main.py pov") echo pov-cluster ;;
"main.py pov "*) echo "$3 the stacks" && echo pov-cluster ;;
*) echo "$TERRAFORM_BINARY_NAME runs for python $2" >&2 ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for the PATH, with what the Makefile needs and no Terraform."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("awk", "cat", "comm", "grep", "head", "ls", "make", "sh", "sort", "tail", "touch"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def install(programs: Path, *names: str, text: str = PROGRAM) -> None:
    for name in names:
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)


@pytest.mark.parametrize(("installed", "variable", "chosen"), CASES)
def test_binary_of_the_python_programs(
    programs: Path, monkeypatch: pytest.MonkeyPatch, installed: list[str], variable: str | None, chosen: str
) -> None:
    install(programs, *installed)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("TERRAFORM_BINARY_NAME", raising=False)
    if variable is not None:
        monkeypatch.setenv("TERRAFORM_BINARY_NAME", variable)
    assert commands.terraform() == chosen


class Project:
    """The Makefile, with stand-ins for Python and for the CLI."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        folder.mkdir()
        shutil.copy(ROOT / "Makefile", folder)
        for name, text in (
            (".venv/bin/python", PYTHON),
            ("node_modules/.bin/cdktn", 'echo "$TERRAFORM_BINARY_NAME runs for cdktn $1"'),
        ):
            path = folder / name
            path.parent.mkdir(parents=True)
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> str:
        up_to_date = [f"--assume-old={name}" for name in (".venv/.synced", ".venv/.synced-dev", "node_modules/.synced")]
        for name in (".venv/.synced", ".venv/.synced-dev", "node_modules/.synced"):
            (self.folder / name).touch()
        command = ["make", "--silent", *up_to_date, *arguments]
        environment = {"PATH": str(self.programs), **environment}
        result = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout + result.stderr


@pytest.mark.parametrize(("installed", "variable", "chosen"), CASES)
def test_binary_of_the_cli(tmp_path: Path, programs: Path, installed: list[str], variable: str | None, chosen: str) -> None:
    install(programs, *installed)
    project = Project(tmp_path / "project", programs)
    environment = {} if variable is None else {"TERRAFORM_BINARY_NAME": variable}
    for command in ("diff", "deploy", "output", "destroy"):
        assert f"{chosen} runs for cdktn {command}\n" in project.make(command, **environment)
        if variable is not None:
            assert f"{chosen} runs for cdktn {command}\n" in project.make(command, f"TF={variable}", TERRAFORM_BINARY_NAME="")
            assert f"{chosen} runs for cdktn {command}\n" in project.make(command, TF=variable)
    for command, module in (("rehearse", "rehearsal"), ("destroy", "checks.destroy")):
        assert f"{chosen} runs for python {module}\n" in project.make(command, **environment)


@pytest.mark.parametrize("name", ["terraform", "tofu", "Open Tofu"])
def test_binary_of_make_validate(tmp_path: Path, programs: Path, name: str) -> None:
    install(programs, name)
    printed = Project(tmp_path / "project", programs).make("validate", f"TF={name}")
    assert f"{name} -chdir=cdktf.out/stacks/pov-cluster init -backend=false -input=false\n" in printed
    assert f"{name} -chdir=cdktf.out/stacks/pov-cluster validate\n" in printed


def test_tf_overrides_the_variable_of_the_cli(tmp_path: Path, programs: Path) -> None:
    install(programs, "terraform", "tofu")
    project = Project(tmp_path / "project", programs)
    assert "tofu runs for cdktn deploy" in project.make("deploy", "TF=tofu", TERRAFORM_BINARY_NAME="terraform")


@pytest.fixture
def workspace(stand_ins: StandIns, synthesized: Synthesized, tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("TERRAFORM_BINARY_NAME", raising=False)
    return Workspace(stand_ins, synthesized.outdir / "stacks" / "pov-cluster", tmp_path / "a" / "b" / "c" / "pov-cluster")


@pytest.mark.parametrize("name", ["terraform", "tofu"])
def test_a_rehearsal_serves_the_providers_of_both_registries(workspace: Workspace, programs: Path, name: str) -> None:
    install(programs, name)
    command, *providers = workspace.run("init").splitlines()
    assert command == f"{name} init -no-color"
    assert sorted(providers) == [
        f"registry.{registry}/hashicorp/{provider}"
        for registry in ("opentofu.org", "terraform.io")
        for provider in ("google", "helm", "kubernetes")
    ]


def test_an_error_names_the_program(workspace: Workspace, programs: Path) -> None:
    install(programs, "tofu", text="#!/bin/sh\necho no; exit 1\n")
    with pytest.raises(TerraformError, match=r"^tofu init ended with 1:\nno\n$"):
        workspace.run("init")


@pytest.mark.terraform
def test_a_state_of_opentofus_registry_returns_to_terraforms(stand_ins: StandIns, synthesized: Synthesized, tmp_path: Path) -> None:
    """As docs/lifetimes.md says. OpenTofu makes this address of `hashicorp/google`; here it is given to Terraform in full."""
    stack = tmp_path / "stack"
    stack.mkdir()
    content = synthesized.stack("pov-cluster")
    required = content["terraform"]["required_providers"]["google"]
    required["source"] = f"registry.opentofu.org/{required['source']}"
    (stack / "cdk.tf.json").write_text(json.dumps(content))
    workspace = Workspace(stand_ins, stack, tmp_path / "a" / "b" / "c" / "pov-cluster")
    workspace.init()
    workspace.apply()
    assert workspace.plan().empty
    before = workspace.state()

    workspace.synthesize(synthesized.outdir / "stacks" / "pov-cluster")
    (providers,) = re.findall(r"^terraform state replace-provider (.*)$", (ROOT / "docs" / "lifetimes.md").read_text(), re.MULTILINE)
    workspace.run("state", "replace-provider", "-auto-approve", *providers.split())
    workspace.init()
    plan = workspace.plan()
    assert plan.empty
    assert plan.actions.keys() >= before.keys() != set()


@pytest.mark.terraform
def test_a_rehearsal_runs_where_only_tofu_is_installed(programs: Path) -> None:
    """A real rehearsal; the real Terraform stands in for OpenTofu."""
    install(programs, "tofu", text=f'#!/bin/sh\nexec "{shutil.which(commands.terraform())}" "$@"\n')
    environment = {**os.environ, "PATH": str(programs)}
    environment.pop("TERRAFORM_BINARY_NAME", None)
    command = [sys.executable, "-m", "rehearsal", "pov"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "resources would exist" in result.stdout


def test_a_rehearsal_without_either_says_what_is_needed(programs: Path) -> None:
    for variable, missing in (({}, "terraform"), ({"TERRAFORM_BINARY_NAME": "tofu"}, "tofu")):
        environment = {"PATH": str(programs), **variable}
        command = [sys.executable, "-m", "rehearsal", "pov"]
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        expected = f"{missing} is not installed: a rehearsal needs Terraform 1.6 or newer, or OpenTofu\n"
        assert (result.returncode, result.stderr) == (2, expected)
