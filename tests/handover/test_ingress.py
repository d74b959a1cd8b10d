"""The hand-over of a deployment with a section `[ingress]`."""

import json
from pathlib import Path
from typing import Any

from gitpod_pov.ingress_charts import ISSUER_CHART, ISSUER_CHART_FOLDER

import pytest

from handover.folder import files_of, write
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import deployment, synthesize
from tests.handover.test_terraform import Folder

INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
SOURCE: dict[str, Any] = {"zones": ["us-central1-a"], "ingress": INGRESS}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return files_of("pov", deployment(**SOURCE), "json")


def parsed(files: dict[str, bytes], path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files[path])
    return content


@pytest.mark.parametrize("folder", ["3-ingress", "modules/ingress"])
def test_chart_is_in_the_folder_of_the_release(files: dict[str, bytes], folder: str) -> None:
    release = parsed(files, f"{folder}/main.tf.json")["resource"]["helm_release"]["charts_issuer"]
    assert release["chart"] == f"${{path.module}}/{ISSUER_CHART_FOLDER}"
    for path in ISSUER_CHART.rglob("*.yaml"):
        assert files[f"{folder}/{ISSUER_CHART_FOLDER}/{path.relative_to(ISSUER_CHART).as_posix()}"] == path.read_bytes()


def test_a_module_leaves_its_providers_to_the_caller(files: dict[str, bytes]) -> None:
    module = parsed(files, "modules/ingress/terraform.tf.json")
    assert "provider" not in module
    assert module["terraform"]["required_providers"].keys() == {"google", "kubernetes", "helm"}
    example = parsed(files, "example/terraform.tf.json")["provider"]
    assert example["helm"] == [{"kubernetes": example["kubernetes"][0]}]
    assert "module.cluster." in example["kubernetes"][0]["host"]


def test_values_follow_the_variables(files: dict[str, bytes]) -> None:
    resources = parsed(files, "3-ingress/main.tf.json")["resource"]
    assert resources["google_dns_managed_zone"]["zone"]["name"] == "${var.cluster_name}"
    (values,) = resources["helm_release"]["charts_external_dns"]["values"]
    assert '"${var.project}-${var.region}-${var.cluster_name}"' in values


def test_the_readme_lists_chart_repositories_roles_and_apis(files: dict[str, bytes]) -> None:
    text = files["README.md"].decode()
    assert "must reach `https://charts.jetstack.io` and `https://kubernetes-sigs.github.io/external-dns/`" in text
    assert "| `roles/dns.admin` | the project | manage the DNS zone |" in text
    assert "see the provider's documentation" not in text
    assert "charts" not in files_of("pov", deployment(), "json")["README.md"].decode()
    unmanaged = files_of("pov", deployment(**SOURCE, apis={"manage": False}), "json")["README.md"].decode()
    assert "`iamcredentials.googleapis.com`" in unmanaged


def test_the_readme_lists_a_mirror_once() -> None:
    mirror = "oci://mirror.acme-corp.dev/charts"
    text = files_of("pov", deployment(ingress={**INGRESS, "chart_repository": mirror}), "json")["README.md"].decode()
    assert f"must reach `{mirror}`." in text


@pytest.mark.terraform
def test_a_root_uses_the_state_of_the_stack(files: dict[str, bytes], stand_ins: StandIns, tmp_path: Path) -> None:
    synthesize({"pov": deployment(**SOURCE)}, tmp_path / "cdktf.out")
    write(files, tmp_path / "pov")
    for stack in ("pov-cluster", "pov-rbac", "pov-ingress"):
        workspace = Workspace(stand_ins, tmp_path / "cdktf.out" / "stacks" / stack, tmp_path / "a" / "b" / "c" / stack)
        workspace.init()
        workspace.apply()
    root = Folder(stand_ins, tmp_path / "pov" / "3-ingress", tmp_path / "pov" / "3-ingress")
    root.init()
    (root.directory / "terraform.tfstate").write_bytes((tmp_path / "a" / "terraform.pov-ingress.tfstate").read_bytes())
    assert root.plan().empty


@pytest.mark.terraform
def test_the_example_applies_in_order_and_is_destroyed(files: dict[str, bytes], stand_ins: StandIns, tmp_path: Path) -> None:
    write(files, tmp_path / "pov")
    example = Folder(stand_ins, tmp_path / "pov" / "example", tmp_path / "pov" / "example")
    example.init()
    plan = example.plan()
    after = plan.actions["module.ingress.helm_release.charts_issuer"].after
    assert after is not None
    assert (example.directory / after["chart"] / "Chart.yaml").is_file()
    example.apply(plan)
    assert example.plan().empty
    journal = stand_ins.cloud.journal
    assert journal.precedes("google_container_cluster", "helm_release")
    assert journal.precedes("kubernetes_cluster_role_binding_v1", "helm_release")
    example.destroy()
    assert example.state() == {}


@pytest.mark.terraform
def test_a_folder_whose_cluster_was_deleted_is_destroyed_as_documented(
    files: dict[str, bytes], stand_ins: StandIns, tmp_path: Path
) -> None:
    write(files, tmp_path / "pov")
    cluster, ingress = (Folder(stand_ins, tmp_path / "pov" / name, tmp_path / "pov" / name) for name in ("1-cluster", "3-ingress"))
    for root in (cluster, ingress):
        root.init()
        root.apply()
    cluster.destroy()
    with pytest.raises(TerraformError, match="clusters/gitpod not found"):
        ingress.destroy()
    text = files["README.md"].decode().partition("**The cluster was deleted before `3-ingress` was destroyed.**")[2]
    remove, destroy = text.partition("```sh\n")[2].partition("\n```")[0].splitlines()
    for command in (remove, f"{destroy} -auto-approve"):
        ingress.run(*command.removeprefix("terraform -chdir=3-ingress ").split())
    assert ingress.state() == {}
    assert stand_ins.cloud.objects("google_dns_managed_zone") == []
