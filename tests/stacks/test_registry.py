"""The registry of stacks: what is shipped, and a third kind of stack that is registered here and nowhere else.

The third kind stands for any: it depends on the second, finds the cluster by name, for its provider and for an argument, and brings a
separate file.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from cdktf import AssetType, Fn, TerraformAsset, TerraformOutput
from cdktf_cdktf_provider_google.data_google_client_config import DataGoogleClientConfig
from cdktf_cdktf_provider_google.data_google_container_cluster import DataGoogleContainerCluster
from cdktf_cdktf_provider_google.service_account import ServiceAccount
from cdktf_cdktf_provider_kubernetes.cluster_role_binding_v1 import (
    ClusterRoleBindingV1,
    ClusterRoleBindingV1Metadata,
    ClusterRoleBindingV1RoleRef,
    ClusterRoleBindingV1Subject,
)
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider
from constructs import Construct
from jsii._kernel.providers.process import _NodeProcess

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, load_deployment
from handover.folder import files_of, write
from main import main
from rehearsal.__main__ import rehearse
from rehearsal.cloud import Journal
from rehearsal.stand_in import StandIns
from stacks import registry
from stacks.__main__ import main as show_stacks
from stacks.base import GitpodStack
from stacks.registry import STACK_KINDS, StackKind
from tests.app import deployment, synthesize
from tests.handover.test_terraform import Folder

NOTE = "who reads the logs\n"


class AuditStack(GitpodStack):
    """An account that may read everything in the cluster."""

    note: Path

    def __init__(self, scope: Construct, id: str, deployment: Deployment) -> None:
        super().__init__(scope, id, deployment, "kubernetes")
        project, region = deployment.project, deployment.region
        cluster = DataGoogleContainerCluster(self, "cluster", project=project, location=region, name=deployment.cluster.name)
        KubernetesProvider(
            self,
            "kubernetes",
            host=f"https://{cluster.endpoint}",
            cluster_ca_certificate=Fn.base64decode(cluster.master_auth.get(0).cluster_ca_certificate),
            token=DataGoogleClientConfig(self, "client").access_token,
        )
        asset = TerraformAsset(self, "note", path=str(self.note), type=AssetType.FILE)
        auditor = ServiceAccount(
            self,
            "auditor",
            project=project,
            account_id="auditor",
            display_name=f"auditor of {cluster.id}",
            description=f'${{trimspace(file("${{path.module}}/{asset.path}"))}}',
        )
        ClusterRoleBindingV1(
            self,
            "audit",
            metadata=ClusterRoleBindingV1Metadata(name="audit"),
            role_ref=ClusterRoleBindingV1RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="view"),
            subject=[ClusterRoleBindingV1Subject(kind="User", name=auditor.email, api_group="rbac.authorization.k8s.io")],
        )
        TerraformOutput(self, "project", value=project, description="Project of the auditor.")


@pytest.fixture
def third_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Register a third kind, for every deployment whose project is not `without-audit`."""
    note = tmp_path / "note.txt"
    note.write_text(NOTE)
    monkeypatch.setattr(AuditStack, "note", note, raising=False)
    kind = StackKind(
        "audit",
        AuditStack,
        creates="an account that may read everything",
        depends_on=("rbac", "absent"),
        wanted=lambda d: d.project != "without-audit",
    )
    monkeypatch.setattr(registry, "STACK_KINDS", (*STACK_KINDS, kind))


class TestShipped:
    def test_each_kind_has_a_unique_name_and_follows_its_dependencies(self) -> None:
        suffixes = [kind.suffix for kind in STACK_KINDS]
        assert len(set(suffixes)) == len(suffixes)
        for number, kind in enumerate(STACK_KINDS):
            assert re.fullmatch(r"[a-z][a-z0-9]{0,6}", kind.suffix), "a longer one needs another _LONGEST_STATE in deployment/backend.py"
            assert set(kind.depends_on) <= set(suffixes[:number])


@pytest.mark.usefixtures("third_kind")
class TestThirdKind:
    def test_is_synthesized_and_listed_with_its_dependency(self, tmp_path: Path) -> None:
        app = synthesize({"pov": deployment(), "other": deployment(project="without-audit")}, tmp_path / "out")
        stacks = app.manifest["stacks"]
        assert stacks.keys() == {"pov-cluster", "pov-rbac", "pov-audit", "other-cluster", "other-rbac"}
        assert stacks["pov-audit"]["dependencies"] == ["pov-rbac"]
        assert "google_service_account.auditor" in app.addresses("pov-audit")

    def test_is_named_by_the_synth_and_shown(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CDKTF_OUTDIR", str(tmp_path))
        assert main(name="pov") == 0
        assert capsys.readouterr().out == "pov-cluster\npov-rbac\npov-audit\n"
        assert (tmp_path / "stacks" / "pov-audit" / "cdk.tf.json").exists()
        assert show_stacks("pov") == 0
        assert "# pov-audit: an account that may read everything; after pov-rbac\n" in capsys.readouterr().out

    def test_is_handed_over(self) -> None:
        files = files_of("pov", load_deployment("pov", DEPLOYMENTS), "json")
        parsed = {path: json.loads(content) for path, content in files.items() if path.endswith(".json")}
        for folder in ("3-audit", "modules/audit"):
            assert "auditor" in parsed[f"{folder}/main.tf.json"]["resource"]["google_service_account"]
            (note,) = (content for path, content in files.items() if path.startswith(f"{folder}/assets/"))
            assert note.decode() == NOTE
        call = parsed["example/main.tf.json"]["module"]["audit"]
        # The first, since the module looks the cluster up; the second, since its kind depends on it.
        assert (call["source"], call["depends_on"]) == ("../modules/audit", ["module.cluster", "module.rbac"])
        assert parsed["example/outputs.tf.json"]["output"]["audit_project"]["value"] == "${module.audit.project}"

        readme = files["README.md"].decode()
        assert "| `3-audit` | an account that may read everything | `2-rbac` |" in readme
        assert readme.index("terraform -chdir=2-rbac apply") < readme.index("terraform -chdir=3-audit apply")
        assert readme.index("terraform -chdir=3-audit destroy") < readme.index("terraform -chdir=2-rbac destroy")
        assert "| 3-audit | `google_service_account.auditor` | 1 |" in readme
        assert "`modules/cluster`, `modules/rbac` and `modules/audit` are the same" in readme

        picture = ET.fromstring(files["picture.svg"])  # noqa: S314 - drawn here
        texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
        assert {"Folder 3-audit", "Service account auditor", "Role binding audit", "ClusterRole view", "User auditor"} <= texts

    def test_is_not_handed_over_for_other_deployments(self) -> None:
        assert not [path for path in files_of("pov", deployment(project="without-audit")) if "audit" in path]

    @pytest.mark.terraform
    def test_is_rehearsed_in_order_and_destroyed_in_reverse(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert rehearse("pov") == 0, capsys.readouterr().err
        steps = re.findall(r"^pov-(\w+): (plan and apply|destroy)$", capsys.readouterr().out, re.MULTILINE)
        assert steps == [
            *((stack, "plan and apply") for stack in ("cluster", "rbac", "audit")),
            *((stack, "destroy") for stack in ("audit", "rbac", "cluster")),
        ]

    @pytest.mark.terraform
    def test_its_hand_over_applies_as_roots_and_as_an_example(self, stand_ins: StandIns, tmp_path: Path) -> None:
        write(files_of("pov", deployment()), tmp_path / "pov")
        for name in ("1-cluster", "2-rbac", "3-audit"):
            root = Folder(stand_ins, tmp_path / "pov" / name, tmp_path / "pov" / name)
            root.init()
            root.apply()
            assert root.plan().empty
        for name in ("3-audit", "2-rbac", "1-cluster"):
            Folder(stand_ins, tmp_path / "pov" / name, tmp_path / "pov" / name).destroy()

        example = Folder(stand_ins, tmp_path / "pov" / "example", tmp_path / "pov" / "example")
        example.init()
        journal = stand_ins.cloud.journal
        since = journal.mark()
        example.apply()
        assert example.plan().empty
        order = created(journal, since)
        assert order.index("audit") > order.index("cluster-admin-binding")
        example.destroy()
        assert stand_ins.cloud.objects("google_container_cluster") == []


def created(journal: Journal, since: int) -> list[Any]:
    entries = journal.entries("create", "kubernetes_cluster_role_binding_v1", "done", since)
    return [entry.values["metadata"][0]["name"] for entry in entries]


def test_each_additional_deployment_takes_as_many_calls_to_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a synth is linear in the number of deployments."""
    send, calls = _NodeProcess.send, list[int]()

    def counted(process: _NodeProcess, *arguments: Any) -> Any:
        calls[-1] += 1
        return send(process, *arguments)

    monkeypatch.setattr(_NodeProcess, "send", counted)
    for number in (1, 2, 3, 9):
        calls.append(0)
        synthesize({f"pov{index}": deployment(project=f"demo-project-{index}") for index in range(number)}, tmp_path / str(number))
    first, second, third, ninth = calls
    assert third - second == second - first > 10
    assert ninth - third == 6 * (second - first)
