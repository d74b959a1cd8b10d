"""The files of a hand-over in HCL, and what Terraform plans with them: the same as with the synthesized stacks."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deployment.reading import load_deployments
from handover.folder import files_of, write
from handover.variables import REQUIRED, variable_name
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import ROOT, deployment, synthesize
from tests.handover.test_terraform import Folder
from tests.inputs import every_input, sections

SOURCE: dict[str, Any] = {"project": "my-gitpod-pov", "zones": ["us-central1-a"]}
INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "reference": {},
    "hardened": {"profile": "hardened"},
    "ingress": {"ingress": INGRESS},
    "every input": sections(*every_input()),
    "no parameter": {"handover": {"parameters": []}, "network": {"network": "trial", "create_network": True}},
}
FILES = ("main.tf", "outputs.tf", "variables.tf", "versions.tf")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return files_of("pov", load_deployments(ROOT / "deployments")["pov"])


def text(files: dict[str, bytes], path: str) -> str:
    return files[path].decode()


def blocks(configuration: str) -> list[str]:
    """Return the addresses of the blocks, in order."""
    return [
        f"{kind}.{name}"
        for kind, name in re.findall(r'^(?:resource|data|variable|output) "(\w+)"(?: "(\w+)")? {', configuration, re.MULTILINE)
    ]


class TestFiles:
    def test_files_of_roots_modules_and_example(self, files: dict[str, bytes]) -> None:
        of_a_root = {*FILES, "providers.tf", "terraform.tfvars"}
        assert {path for path in files if "/" in path} == {
            *(f"{folder}/{name}" for folder in ("1-cluster", "2-rbac") for name in of_a_root),
            *(f"modules/{folder}/{name}" for folder in ("cluster", "rbac") for name in FILES),
            *(f"example/{name}" for name in ("main.tf", "outputs.tf", "providers.tf", "versions.tf")),
        }

    def test_files_of_the_cluster_are_in_reading_order(self, files: dict[str, bytes]) -> None:
        order = [block.partition(".")[0] for block in blocks(text(files, "1-cluster/main.tf"))]
        assert list(dict.fromkeys(order)) == [
            "google_project_service",
            "google_compute_subnetwork",
            "google_service_account",
            "google_project_iam_member",
            "google_container_engine_versions",
            "google_container_cluster",
            "google_container_node_pool",
        ]

    def test_an_active_backend_has_a_separate_file(self) -> None:
        files = files_of("pov", deployment(backend={"type": "gcs", "bucket": "states", "prefix": "trial"}))
        assert text(files, "1-cluster/backend.tf") == (
            'terraform {\n  backend "gcs" {\n    bucket = "states"\n    prefix = "trial/pov-cluster"\n  }\n}\n'
        )
        assert not [path for path in files if path.startswith(("modules/", "example/")) and path.endswith("backend.tf")]

    def test_without_parameters_there_are_no_values(self) -> None:
        files = files_of("pov", deployment(handover={"parameters": []}))
        assert not [path for path in files if path.endswith((".tfvars", "variables.tf"))]

    @pytest.mark.parametrize("folder", ["1-cluster", "modules/cluster"])
    def test_a_variable_that_two_clusters_cannot_share_has_no_default(self, files: dict[str, bytes], folder: str) -> None:
        for block in text(files, f"{folder}/variables.tf").split("\n\nvariable ")[1:]:
            name = block.split('"')[1]
            assert ("  default " not in block) == (name in {variable_name(key) for key in REQUIRED}), name

    def test_the_values_of_the_source_are_in_the_root(self, files: dict[str, bytes]) -> None:
        values = text(files, "1-cluster/terraform.tfvars")
        assert '\nregion = "us-central1"\n' in values
        assert '\nzones = ["us-central1-a"]\n' in values
        assert "\nnode_pool_max_nodes = 50\n" in values

    @pytest.mark.parametrize("name", DEPLOYMENTS)
    def test_name_no_tool_time_path_or_user(self, name: str) -> None:
        for path, content in files_of("pov", deployment(**DEPLOYMENTS[name])).items():
            assert not re.search(r"python|cdk|jsii|toml|TfToken|metadata\.path|\bmake\b|marked", content.decode(), re.IGNORECASE), path
            assert not re.search(r'["\s(]/(home|root|tmp|usr|work)\b', content.decode()), path

    def test_are_the_same_in_a_second_hand_over(self, files: dict[str, bytes]) -> None:
        assert files_of("pov", load_deployments(ROOT / "deployments")["pov"]) == files


@pytest.fixture(params=DEPLOYMENTS, scope="module")
def source(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = {**SOURCE, **DEPLOYMENTS[request.param]}
    return found


@pytest.fixture(scope="module")
def handed_over(source: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handover") / "pov"
    write(files_of("pov", deployment(**source)), folder)
    return folder


@pytest.fixture
def copy(handed_over: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handed_over, tmp_path / "pov"))


def root_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if re.match(r"\d-", path.name))


def everything_planned(workspace: Workspace) -> dict[str, Any]:
    """Return what a plan does to each resource and output, with every value."""
    plan = json.loads(workspace.run("show", "-json", str(workspace.plan().file)))
    changes = {one["address"]: one["change"] for one in plan.get("resource_changes", [])}
    return {"resources": changes, "outputs": plan.get("output_changes", {}), "planned": plan["planned_values"]}


@pytest.mark.terraform
class TestTerraform:
    def test_terraform_fmt_changes_nothing(self, handed_over: Path) -> None:
        done = subprocess.run(
            ["terraform", "fmt", "-check", "-diff", "-recursive"], cwd=handed_over, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "")

    def test_plans_are_those_of_the_stacks_and_use_their_state(
        self, stand_ins: StandIns, source: dict[str, Any], copy: Path, tmp_path: Path
    ) -> None:
        app = synthesize({"pov": deployment(**source)}, tmp_path / "cdktf.out")
        for directory in root_folders(copy):
            stack = f"pov-{directory.name.partition('-')[2]}"
            own = Workspace(stand_ins, app.outdir / "stacks" / stack, tmp_path / "a" / "b" / "c" / stack)
            root = Folder(stand_ins, directory, directory)
            for workspace in (own, root):
                workspace.init()
            assert root.validate() == []
            assert everything_planned(root) == everything_planned(own)
            own.apply()
            (state,) = tmp_path.rglob(f"terraform.{stack}.tfstate")
            shutil.copy(state, directory / "terraform.tfstate")
            assert root.plan().empty

    def test_applies_the_example_and_then_has_nothing_to_do(self, stand_ins: StandIns, copy: Path) -> None:
        example = Folder(stand_ins, copy / "example", copy / "example")
        example.init()
        assert example.validate() == []
        example.apply(example.plan())
        assert example.plan().empty

    def test_validates_each_module_alone(self, stand_ins: StandIns, copy: Path) -> None:
        for directory in sorted((copy / "modules").iterdir()):
            module = Folder(stand_ins, directory, directory)
            module.init()
            assert module.validate() == []


TWICE = """
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "7.45.0"
    }
  }
}

module "first" {
  source = "../modules/cluster"

  project               = "my-gitpod-pov"
  region                = "us-central1"
  cluster_name          = "first"
  identity_account_id   = "gitpod-first"
  network_nodes_cidr    = "10.0.0.0/20"
  network_pods_cidr     = "10.4.0.0/14"
  network_services_cidr = "10.8.0.0/20"
}

module "second" {
  source = "../modules/cluster"

  project               = "my-gitpod-pov"
  region                = "us-central1"
  cluster_name          = "second"
  identity_account_id   = "gitpod-second"
  network_nodes_cidr    = "10.16.0.0/20"
  network_pods_cidr     = "10.20.0.0/14"
  network_services_cidr = "10.24.0.0/20"
}
"""


@pytest.mark.terraform
class TestTwoClusters:
    """The module, called twice in one project."""

    @pytest.fixture
    def twice(self, stand_ins: StandIns, tmp_path: Path) -> Folder:
        write(files_of("pov", load_deployments(ROOT / "deployments")["pov"]), tmp_path / "pov")
        directory = tmp_path / "pov" / "twice"
        directory.mkdir()
        (directory / "main.tf").write_text(TWICE)
        return Folder(stand_ins, directory, directory)

    def test_do_not_collide(self, twice: Folder) -> None:
        twice.init()
        twice.apply()
        assert twice.plan().empty
        cloud = twice.stand_ins.cloud
        assert {cluster["name"] for cluster in cloud.objects("google_container_cluster")} == {"first", "second"}
        assert {one["name"] for one in cloud.objects("google_compute_subnetwork")} == {"gitpod-first", "gitpod-second"}
        twice.destroy()
        assert cloud.objects("google_container_cluster") == []

    @pytest.mark.parametrize("name", sorted(variable_name(key) for key in REQUIRED))
    def test_values_that_cannot_be_shared_are_required(self, twice: Folder, name: str) -> None:
        main = twice.directory / "main.tf"
        main.write_text(re.sub(rf"\n  {name} .*", "", main.read_text()))
        twice.init()
        with pytest.raises(TerraformError, match=rf'argument "{name}" is required'):
            twice.validate()

    def test_network_is_required(self, stand_ins: StandIns, tmp_path: Path) -> None:
        network = {"network": "trial", "create_network": True, "subnetwork": "nodes"}
        write(files_of("pov", deployment(network=network)), tmp_path / "pov")
        directory = tmp_path / "pov" / "twice"
        directory.mkdir()
        (directory / "main.tf").write_text(TWICE)
        root = Folder(stand_ins, directory, directory)
        root.init()
        with pytest.raises(TerraformError) as refused:
            root.validate()
        assert 'argument "network_network" is required' in str(refused.value)
        assert 'argument "network_subnetwork" is required' in str(refused.value)
