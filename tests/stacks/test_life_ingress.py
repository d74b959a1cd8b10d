"""Rehearsals of the ingress stack on real Terraform, in front of a cluster that already exists.

What they cannot show: whether the charts start, and whether Let's Encrypt issues a certificate.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helm_python import values_from_yaml

from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import Plan, TerraformError, Workspace, attach
from tests.app import ROOT, deployment, synthesize
from tests.terraform_output import error_text

pytestmark = pytest.mark.terraform

CLUSTER_ID = "projects/demo-project/locations/us-central1/clusters/gitpod"
ZONE_ID = "projects/demo-project/managedZones/gitpod"
INGRESS = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
ZONE = "google_dns_managed_zone.zone"
ACCOUNT = "google_service_account.dns_identity"
CERT_MANAGER, EXTERNAL_DNS, ISSUER = (f"helm_release.charts_{name}" for name in ("cert_manager", "external_dns", "issuer"))
NAMESPACES = {f"kubernetes_namespace_v1.charts_{name}_namespace" for name in ("cert_manager", "external_dns")}
AS = {f"google_service_account_iam_member.dns_identity_as_{name}" for name in ("cert_manager", "external_dns")}
GUIDE = {"google_project_iam_member.dns_identity_dns_admin"}
LEAST_PRIVILEGE = {"google_dns_managed_zone_iam_member.dns_identity_zone_admin", "google_project_iam_member.dns_identity_dns_reader"}
EVERYTHING = {ZONE, ACCOUNT, CERT_MANAGER, EXTERNAL_DNS, ISSUER, "google_project_service.apis_iamcredentials"} | NAMESPACES | AS


@dataclass
class Ingress:
    """The ingress stack of a deployment, and how to synthesize it again."""

    stand_ins: StandIns
    workspace: Workspace
    out: Path

    def change(self, **sections: Any) -> None:
        self.workspace.synthesize(synthesized(self.out, **sections))

    def plan(self, **sections: Any) -> Plan:
        self.change(**sections)
        return self.workspace.plan()


def synthesized(out: Path, *, ingress: dict[str, Any] | None = None, **sections: Any) -> Path:
    synthesize({"pov": deployment(ingress={**INGRESS, **(ingress or {})}, **sections)}, out)
    return out / "stacks" / "pov-ingress"


def cluster(workload_pool: str | None = "demo-project.svc.id.goog") -> dict[str, Any]:
    return {
        "id": CLUSTER_ID,
        "name": "gitpod",
        "location": "us-central1",
        "project": "demo-project",
        "endpoint": "198.18.0.1",
        "master_auth": [{"cluster_ca_certificate": base64.b64encode(b"-----BEGIN CERTIFICATE-----\nA\n").decode()}],
        "control_plane_endpoints_config": [{"dns_endpoint_config": [{"endpoint": "gke-1.us-central1.gke.goog"}]}],
        "workload_identity_config": [{"workload_pool": workload_pool}] if workload_pool else [],
    }


@pytest.fixture
def rehearse(tmp_path: Path) -> Iterator[Callable[..., Ingress]]:
    running: list[StandIns] = []

    def start(**sections: Any) -> Ingress:
        stack = synthesized(tmp_path / "cdktf.out", **sections)
        stand_ins = attach([stack], tmp_path / "journal.jsonl").__enter__()
        running.append(stand_ins)
        stand_ins.cloud.put("google_container_cluster", CLUSTER_ID, cluster())
        workspace = Workspace(stand_ins, stack, tmp_path / "a" / "b" / "ingress")
        workspace.init()
        return Ingress(stand_ins, workspace, tmp_path / "cdktf.out")

    yield start
    for stand_ins in running:
        stand_ins.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("sections", "grants"),
    [
        ({}, GUIDE),
        ({"ingress": {"dns_access": "least-privilege"}}, LEAST_PRIVILEGE),
        ({"cluster": {"dns_endpoint": True}}, GUIDE),
    ],
    ids=["guide", "least privilege", "DNS endpoint"],
)
def test_apply_empty_plan_destroy(rehearse: Callable[..., Ingress], sections: dict[str, Any], grants: set[str]) -> None:
    ingress = rehearse(**sections)
    assert ingress.workspace.validate() == []
    plan = ingress.workspace.plan()
    assert plan.changes == dict.fromkeys(EVERYTHING | grants, "create")
    ingress.workspace.apply(plan)
    assert ingress.workspace.plan().empty
    ingress.workspace.destroy()
    assert ingress.workspace.state() == {}
    cloud = ingress.stand_ins.cloud
    for kind in ("google_dns_managed_zone", "google_service_account", "helm_release", "kubernetes_namespace_v1"):
        assert cloud.objects(kind) == []
    assert [found["service"] for found in cloud.objects("google_project_service")] == ["iamcredentials.googleapis.com"]


def test_the_values_reach_the_charts(rehearse: Callable[..., Ingress]) -> None:
    ingress = rehearse()
    ingress.workspace.apply()
    state = ingress.workspace.state()
    ((cert_manager,), (external_dns,), (issuer,)) = (
        [values_from_yaml(text) for text in state[address]["values"]] for address in (CERT_MANAGER, EXTERNAL_DNS, ISSUER)
    )
    account = "gitpod-dns01-solver@demo-project.iam.gserviceaccount.com"
    assert cert_manager["serviceAccount"]["annotations"] == {"iam.gke.io/gcp-service-account": account}
    assert external_dns["serviceAccount"]["annotations"] == {"iam.gke.io/gcp-service-account": account}
    assert external_dns["txtPrefix"] == "external-dns-%{record_type}."
    assert "--zone-id-filter=gitpod" in external_dns["extraArgs"]
    assert issuer == {
        "server": "https://acme-v02.api.letsencrypt.org/directory",
        "email": "ops@acme-corp.dev",
        "project": "demo-project",
        "hostedZoneName": "gitpod",
    }
    outputs = ingress.workspace.outputs()
    assert outputs["name_servers"] == state[ZONE]["name_servers"]
    assert outputs["dns_service_account_email"] == account


def test_chart_is_in_the_folder_of_the_release(rehearse: Callable[..., Ingress]) -> None:
    ingress = rehearse()
    after = ingress.workspace.plan().actions[ISSUER].after
    assert after is not None
    assert after["chart"] == "./charts/gitpod-issuer"
    assert (ingress.workspace.directory / after["chart"] / "Chart.yaml").is_file()


def test_the_helm_provider_connects_as_the_kubernetes_provider_does(rehearse: Callable[..., Ingress]) -> None:
    ingress = rehearse()
    ingress.workspace.apply()
    configured = {entry.provider: entry.values for entry in ingress.stand_ins.cloud.journal.entries("configure")}
    assert configured["helm"]["kubernetes"].items() <= configured["kubernetes"].items()
    assert configured["helm"]["kubernetes"].keys() == {"host", "cluster_ca_certificate", "token"}


class TestOrder:
    def test_grants_before_pods_and_cert_manager_before_its_issuer(self, rehearse: Callable[..., Ingress]) -> None:
        ingress = rehearse()
        cloud = ingress.stand_ins.cloud
        for kind in ("google_project_iam_member", "google_service_account_iam_member"):
            cloud.break_down(Fault("create", kind, "stall", seconds=0.3, times=None))
        cloud.break_down(Fault("create", "helm_release", "stall", seconds=0.3, id="cert-manager"))
        ingress.workspace.apply()
        for kind in ("google_project_iam_member", "google_service_account_iam_member", "google_dns_managed_zone"):
            assert cloud.journal.precedes(kind, "helm_release")
        assert calls(ingress, "create")[-1] == "gitpod-issuer"

    def test_releases_are_uninstalled_before_their_dependencies(self, rehearse: Callable[..., Ingress]) -> None:
        ingress = rehearse()
        ingress.workspace.apply()
        ingress.stand_ins.cloud.break_down(Fault("destroy", "helm_release", "stall", seconds=0.3, times=None))
        ingress.workspace.destroy()
        destroyed = {(entry.type, entry.id): entry for entry in ingress.stand_ins.cloud.journal.entries("destroy", outcome="done")}
        begun = {(entry.type, entry.id): entry.number for entry in ingress.stand_ins.cloud.journal.entries("destroy", outcome="begun")}
        uninstalled = {name: destroyed["helm_release", name].number for name in ("gitpod-issuer", "cert-manager", "external-dns")}
        assert uninstalled["gitpod-issuer"] < begun["helm_release", "cert-manager"]
        assert uninstalled["external-dns"] < begun["google_dns_managed_zone", ZONE_ID]
        for name in ("cert-manager", "external-dns"):
            assert uninstalled[name] < begun["kubernetes_namespace_v1", name]
            grants = [number for (kind, _), number in begun.items() if kind.endswith("_iam_member")]
            assert uninstalled[name] < min(grants)


def calls(ingress: Ingress, call: Any) -> list[str | None]:
    """Return the releases in the order in which a call on them ended."""
    return [entry.id for entry in ingress.stand_ins.cloud.journal.entries(call, "helm_release", "done")]


class TestFailure:
    @pytest.mark.parametrize("release", ["cert-manager", "external-dns", "gitpod-issuer"])
    def test_failed_release_is_repeated_by_the_next_apply(self, rehearse: Callable[..., Ingress], release: str) -> None:
        ingress = rehearse()
        ingress.stand_ins.cloud.break_down(Fault("create", "helm_release", message="context deadline exceeded", id=release))
        with pytest.raises(TerraformError, match="context deadline exceeded"):
            ingress.workspace.apply()
        assert ingress.workspace.state().keys() >= NAMESPACES
        ingress.workspace.apply()
        assert ingress.workspace.plan().empty

    def test_unreachable_cluster_drops_releases_and_the_next_apply_uses_them(self, rehearse: Callable[..., Ingress]) -> None:
        ingress = rehearse()
        ingress.workspace.apply()
        file = ingress.workspace.directory / "cdk.tf.json"
        text = file.read_text()
        broken = json.loads(text)
        broken["provider"]["helm"][0]["kubernetes"]["host"] = "https://198.18.0.2"
        file.write_text(json.dumps(broken))
        ingress.workspace.run("apply", "-refresh-only", "-auto-approve")
        assert not {CERT_MANAGER, EXTERNAL_DNS, ISSUER} & ingress.workspace.state().keys()

        file.write_text(text)
        ingress.workspace.edit(CERT_MANAGER, upgrade_install=None)
        with pytest.raises(TerraformError, match="Already exists: cert-manager"):
            ingress.workspace.apply()
        ingress.workspace.edit(CERT_MANAGER, upgrade_install=True)
        ingress.workspace.apply()
        assert ingress.workspace.plan().empty

    @pytest.mark.parametrize("pool", [None, ""])
    def test_cluster_without_workload_identity_fails_the_plan(self, rehearse: Callable[..., Ingress], pool: str | None) -> None:
        ingress = rehearse()
        ingress.stand_ins.cloud.put("google_container_cluster", CLUSTER_ID, cluster(pool))
        with pytest.raises(TerraformError) as refused:
            ingress.workspace.plan()
        assert "The cluster gitpod does not have Workload Identity" in error_text(refused.value)

    def test_deleted_cluster_is_named_in_the_error(self, rehearse: Callable[..., Ingress]) -> None:
        ingress = rehearse()
        ingress.workspace.apply()
        ingress.stand_ins.cloud.remove("google_container_cluster", CLUSTER_ID)
        with pytest.raises(TerraformError, match="gitpod not found"):
            ingress.workspace.destroy()
        # The steps of docs/ingress.md.
        ingress.workspace.run("state", "rm", CERT_MANAGER, EXTERNAL_DNS, ISSUER, *NAMESPACES)
        with pytest.raises(TerraformError, match="gitpod not found"):
            ingress.workspace.destroy()
        ingress.workspace.run("destroy", "-auto-approve", "-refresh=false")
        assert ingress.workspace.state() == {}


class TestExistingZone:
    def zone(self, ingress: Ingress, **values: Any) -> None:
        zone = {"id": ZONE_ID, "name": "gitpod", "project": "demo-project", "dns_name": "gitpod.acme-corp.dev.", "visibility": "public"}
        ingress.stand_ins.cloud.put("google_dns_managed_zone", ZONE_ID, {**zone, "name_servers": ["ns.acme-corp.dev."], **values})

    def test_is_used_and_not_deleted(self, rehearse: Callable[..., Ingress]) -> None:
        ingress = rehearse(ingress={"create_zone": False})
        self.zone(ingress)
        ingress.workspace.apply()
        assert ZONE not in ingress.workspace.state()
        assert ingress.workspace.outputs()["name_servers"] == ["ns.acme-corp.dev."]
        assert ingress.workspace.plan().empty
        ingress.workspace.destroy()
        assert len(ingress.stand_ins.cloud.objects("google_dns_managed_zone")) == 1

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (
                {"dns_name": "acme-corp.dev."},
                "The zone gitpod has the DNS name acme-corp.dev., but ingress.domain is gitpod.acme-corp.dev.",
            ),
            ({"visibility": "private"}, "The zone gitpod is private"),
        ],
    )
    def test_unsuitable_zone_fails_the_plan(self, rehearse: Callable[..., Ingress], values: dict[str, str], message: str) -> None:
        ingress = rehearse(ingress={"create_zone": False})
        self.zone(ingress, **values)
        with pytest.raises(TerraformError) as refused:
            ingress.workspace.plan()
        assert message in error_text(refused.value)

    def test_missing_zone_fails_the_plan(self, rehearse: Callable[..., Ingress]) -> None:
        with pytest.raises(TerraformError, match="gitpod not found"):
            rehearse(ingress={"create_zone": False}).workspace.plan()

    def test_can_be_removed_from_the_state_and_imported(self, rehearse: Callable[..., Ingress]) -> None:
        ingress = rehearse()
        ingress.workspace.apply()
        assert ingress.plan(ingress={"create_zone": False}).changes == {ZONE: "delete"}
        ingress.workspace.run("state", "rm", ZONE)
        assert ingress.workspace.plan().changes == {}
        ingress.change()
        ingress.workspace.run("import", ZONE, ZONE_ID)
        assert ingress.workspace.plan().changes == {}


# What is changed -> what the plan then does, by address.
CHANGES: dict[str, tuple[Any, dict[str, str]]] = {
    "domain": ("gitpod.acme.co.uk", {ZONE: "replace", EXTERNAL_DNS: "update"}),
    "zone": ("other", {ZONE: "replace", EXTERNAL_DNS: "update", ISSUER: "update"}),
    "account_id": (
        "other-account",
        {ACCOUNT: "replace", CERT_MANAGER: "update", EXTERNAL_DNS: "update", **dict.fromkeys(AS | GUIDE, "replace")},
    ),
    "dns_access": ("least-privilege", {**dict.fromkeys(LEAST_PRIVILEGE, "create"), **dict.fromkeys(GUIDE, "delete")}),
    "acme_email": ("dns@acme-corp.dev", {ISSUER: "update"}),
    "acme_server": ("staging", {ISSUER: "update"}),
    "issuer_name": ("other-issuer", {ISSUER: "replace"}),
    "cert_manager_version": ("v1.20.0", {CERT_MANAGER: "update"}),
    "external_dns_version": ("1.20.0", {EXTERNAL_DNS: "update"}),
    "chart_repository": ("oci://mirror.acme-corp.dev/charts", {CERT_MANAGER: "update", EXTERNAL_DNS: "update"}),
}


def test_every_input_changes_what_is_documented(rehearse: Callable[..., Ingress]) -> None:
    ingress = rehearse()
    ingress.workspace.apply()
    for key, (value, changes) in CHANGES.items():
        assert ingress.plan(ingress={key: value}).changes == changes, key
    ingress.change()
    assert ingress.workspace.plan().empty


def test_every_input_is_changed_once() -> None:
    assert CHANGES.keys() == type(deployment(ingress=INGRESS).ingress).model_fields.keys() - {"create_zone"}  # type: ignore[union-attr]


def test_the_documentation_lists_what_each_input_replaces() -> None:
    (table,) = re.findall(r"\| input \| the plan \|\n\|---\|---\|\n((?:\|.*\n)+)", (ROOT / "docs" / "ingress.md").read_text())
    rows = {key: plan for keys, plan in re.findall(r"\| (.*?) \| (.*) \|", table) for key in re.findall(r"`(\w+)`", keys)}
    assert rows.keys() == CHANGES.keys() | {"create_zone"}
    for key, (_, changes) in CHANGES.items():
        assert ("replaced" in rows[key]) is ("replace" in changes.values()), key
        assert ("updated" in rows[key]) is ("update" in changes.values()), key
