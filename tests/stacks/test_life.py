"""The product's own stacks under real Terraform: every shipped deployment, and what is configured differently."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployment.model import Deployment
from deployment.reading import load_deployments
from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace, attach
from tests.app import ROOT, deployment, synthesize
from tests.killed import kill_while_creating
from tests.terraform_output import error_text

pytestmark = pytest.mark.terraform

CLUSTER = "google_container_cluster.cluster"
POOL = "google_container_node_pool.node_pool"
SUBNETWORK = "google_compute_subnetwork.network_subnetwork"
ACCOUNT = "google_service_account.identity"
BINDING = "kubernetes_cluster_role_binding_v1.admins"

VARIANTS: dict[str, dict[str, Any]] = {
    "every zone": {},
    "own network": {"network": {"network": "gitpod", "create_network": True}},
    "pinned version": {"cluster": {"version": "1.33.5-gke.1080000"}},
    "release channel": {"cluster": {"release_channel": "REGULAR"}, "node_pool": {"auto_upgrade": True}},
    "apis of the platform team": {"apis": {"manage": False}},
    "named admins": {
        "cluster": {"rbac_security_group": "gke-security-groups@example.com"},
        "admins": {"members": ["user:alice@example.com", "group:platform@example.com"]},
    },
    "no roles": {"identity": {"roles": []}},
}
DEPLOYMENTS: dict[str, Deployment] = {
    **load_deployments(ROOT / "deployments"),
    **{name: deployment(**sections) for name, sections in VARIANTS.items()},
}


@dataclass
class Rehearsal:
    """Both stacks of one deployment, each in a separate folder with only the synthesized Terraform configuration."""

    folder: Path
    stand_ins: StandIns
    cluster: Workspace
    rbac: Workspace
    synths: list[Path] = field(default_factory=list)

    def change(self, **sections: Any) -> None:
        """Synthesize the deployment with other values, as an engineer does who edits the file."""
        outdir = self.folder / f"synth{len(self.synths)}"
        self.synths.append(outdir)
        synthesize({"pov": deployment(**sections)}, outdir)
        self.cluster.synthesize(outdir / "stacks" / "pov-cluster")
        self.rbac.synthesize(outdir / "stacks" / "pov-rbac")

    def apply(self) -> None:
        self.cluster.apply()
        self.rbac.apply()


def rehearse(one: Deployment, folder: Path) -> Rehearsal:
    stacks = synthesize({"pov": one}, folder / "cdktf.out").outdir / "stacks"
    cluster, rbac = stacks / "pov-cluster", stacks / "pov-rbac"
    stand_ins = attach([cluster, rbac], folder / "journal.jsonl")
    stand_ins.cloud.facts["release_channel_required"] = False  # these deployments may create clusters without a channel
    # Three folders down, as the local backend's path expects, and apart from everything that was synthesized.
    handed_over = folder / "handed" / "over" / "stacks"
    rehearsal = Rehearsal(
        folder,
        stand_ins,
        Workspace(stand_ins, cluster, handed_over / "pov-cluster"),
        Workspace(stand_ins, rbac, handed_over / "pov-rbac"),
    )
    rehearsal.cluster.init()
    rehearsal.rbac.init()
    return rehearsal


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    made = rehearse(deployment(), tmp_path)
    with made.stand_ins:
        yield made


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_apply_empty_plan_destroy(tmp_path: Path, name: str) -> None:
    made = rehearse(DEPLOYMENTS[name], tmp_path)
    with made.stand_ins:
        for stack in (made.cluster, made.rbac):
            assert stack.validate() == []
            planned = stack.plan()
            assert set(planned.changes.values()) == {"create"}
            stack.apply(planned)
            assert stack.plan().empty
        for stack in (made.rbac, made.cluster):
            assert stack.state()
            stack.destroy()
            assert stack.state() == {}
    journal = made.stand_ins.cloud.journal
    assert journal.precedes("google_container_node_pool", "google_container_cluster", call="destroy")
    switched_on = journal.entries("create", "google_project_service", "done")
    assert len(made.stand_ins.cloud.objects("google_project_service")) == len(switched_on)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """An applied deployment for tests that only plan."""
    made = rehearse(deployment(), tmp_path_factory.mktemp("applied"))
    with made.stand_ins:
        made.apply()
        yield made


def test_states_are_in_the_configured_backend(applied: Rehearsal) -> None:
    states = {path.name for path in (applied.folder / "handed").glob("*.tfstate")}
    assert states == {"terraform.pov-cluster.tfstate", "terraform.pov-rbac.tfstate"}


class TestOrder:
    def slow(self, rehearsal: Rehearsal, kind: str) -> None:
        rehearsal.stand_ins.cloud.break_down(Fault("create", kind, "stall", seconds=0.3, times=None))

    def test_apis_before_everything(self, rehearsal: Rehearsal) -> None:
        self.slow(rehearsal, "google_project_service")
        rehearsal.cluster.apply()
        for later in ("google_service_account", "google_compute_subnetwork", "google_container_cluster"):
            assert rehearsal.stand_ins.cloud.journal.precedes("google_project_service", later)

    def test_grants_before_the_pool(self, rehearsal: Rehearsal) -> None:
        self.slow(rehearsal, "google_project_iam_member")
        rehearsal.cluster.apply()
        assert rehearsal.stand_ins.cloud.journal.precedes("google_project_iam_member", "google_container_node_pool")

    def test_without_depends_on_the_pool_would_not_wait(self, rehearsal: Rehearsal) -> None:
        rehearsal.cluster.edit(POOL, depends_on=None)
        self.slow(rehearsal, "google_project_iam_member")
        rehearsal.cluster.apply()
        assert not rehearsal.stand_ins.cloud.journal.precedes("google_project_iam_member", "google_container_node_pool")

    def test_cluster_before_the_binding(self, rehearsal: Rehearsal) -> None:
        with pytest.raises(TerraformError, match="gitpod"):
            rehearsal.rbac.apply()
        rehearsal.apply()
        assert rehearsal.stand_ins.cloud.journal.precedes("google_container_cluster", "kubernetes_cluster_role_binding_v1")


class TestAccess:
    def test_the_kubernetes_provider_receives_host_decoded_certificate_and_token(self, applied: Rehearsal) -> None:
        configured = applied.stand_ins.cloud.journal.entries("configure")
        (kubernetes, *_) = [entry.values for entry in configured if entry.provider == "kubernetes" and entry.values.get("token")]
        cluster = applied.cluster.state()[CLUSTER]
        certificate = cluster["master_auth"][0]["cluster_ca_certificate"]
        assert kubernetes["host"] == f"https://{cluster['endpoint']}"
        assert kubernetes["cluster_ca_certificate"] == base64.b64decode(certificate).decode()
        assert kubernetes["token"] == applied.stand_ins.cloud.facts["access_token"]

    def test_a_certificate_that_is_not_decoded_is_refused(self, applied: Rehearsal, tmp_path: Path) -> None:
        stack = applied.folder / "cdktf.out" / "stacks" / "pov-rbac"
        broken = tmp_path / "stack"
        broken.mkdir()
        text = (stack / "cdk.tf.json").read_text()
        assert "base64decode(" in text
        (broken / "cdk.tf.json").write_text(
            text.replace(
                "base64decode(data.google_container_cluster.cluster.master_auth[0].cluster_ca_certificate)",
                "data.google_container_cluster.cluster.master_auth[0].cluster_ca_certificate",
            )
        )
        workspace = Workspace(applied.stand_ins, broken, tmp_path / "a" / "b" / "c")
        workspace.init()
        with pytest.raises(TerraformError):
            workspace.apply()

    def test_account_that_runs_terraform_is_bound(self, applied: Rehearsal) -> None:
        (subject,) = applied.rbac.state()[BINDING]["subject"]
        assert (subject["kind"], subject["name"]) == ("User", applied.stand_ins.cloud.facts["account_email"])

    @pytest.mark.parametrize("email", [None, ""])
    def test_an_account_without_email_is_refused_with_the_remedy(self, rehearsal: Rehearsal, email: str | None) -> None:
        rehearsal.cluster.apply()
        rehearsal.stand_ins.cloud.facts["account_email"] = email
        with pytest.raises(TerraformError) as refused:
            rehearsal.rbac.apply()
        assert "admins.members" in error_text(refused.value)

    def test_no_output_is_sensitive(self, applied: Rehearsal) -> None:
        token = applied.stand_ins.cloud.facts["access_token"]
        for stack in (applied.cluster, applied.rbac):
            assert token not in str(stack.outputs())

    def test_outputs(self, applied: Rehearsal) -> None:
        outputs = applied.cluster.outputs()
        (master_auth,) = applied.cluster.state()[CLUSTER]["master_auth"]
        assert outputs["ca_certificate"] == base64.b64decode(master_auth["cluster_ca_certificate"]).decode()
        assert outputs["dns_endpoint"].endswith(".gke.goog")
        assert outputs["workload_pool"] == "demo-project.svc.id.goog"
        for name, address in (
            ("cluster_id", CLUSTER),
            ("node_pool_id", POOL),
            ("node_service_account_id", ACCOUNT),
            ("subnetwork_id", SUBNETWORK),
        ):
            assert outputs[name] == applied.cluster.state()[address]["id"]
        assert outputs["node_service_account_email"] == "gitpod-gke@demo-project.iam.gserviceaccount.com"
        assert outputs["control_plane_version"] == applied.stand_ins.cloud.facts["regular_version"]
        assert outputs["get_credentials_command"] == (
            "gcloud container clusters get-credentials gitpod --region us-central1 --project demo-project"
        )
        assert applied.rbac.outputs() == {"cluster_admins": [applied.stand_ins.cloud.facts["account_email"]]}


# what is changed -> what a plan then does, by address
class TestInterruptedApply:
    def resumes(self, rehearsal: Rehearsal) -> None:
        rehearsal.stand_ins.cloud.repair()
        before = rehearsal.cluster.state().keys()
        rehearsal.cluster.apply()
        assert before <= rehearsal.cluster.state().keys()
        assert rehearsal.cluster.plan().empty

    @pytest.mark.parametrize("kind", ["google_project_iam_member", "google_container_cluster", "google_container_node_pool"])
    def test_error_of_the_provider(self, rehearsal: Rehearsal, kind: str) -> None:
        rehearsal.stand_ins.cloud.break_down(Fault("create", kind, message="Error 429: Quota exceeded"))
        with pytest.raises(TerraformError, match="Error 429: Quota exceeded"):
            rehearsal.cluster.apply()
        assert ACCOUNT in rehearsal.cluster.state()
        self.resumes(rehearsal)

    def test_timeout_after_google_finished_the_operation(self, rehearsal: Rehearsal) -> None:
        rehearsal.stand_ins.cloud.break_down(
            Fault("create", "google_container_node_pool", message="timeout while waiting for state", carried_out=True)
        )
        with pytest.raises(TerraformError, match="timeout while waiting"):
            rehearsal.cluster.apply()
        assert rehearsal.cluster.tainted() == {POOL}
        self.resumes(rehearsal)

    def test_terraform_killed_between_two_resources(self, rehearsal: Rehearsal) -> None:
        kill_while_creating("google_container_cluster", rehearsal.cluster, rehearsal.stand_ins.cloud, carried_out=False)
        assert SUBNETWORK in rehearsal.cluster.state()
        self.resumes(rehearsal)

    def test_error_in_the_second_stack(self, rehearsal: Rehearsal) -> None:
        rehearsal.cluster.apply()
        rehearsal.stand_ins.cloud.break_down(Fault("create", "kubernetes_cluster_role_binding_v1", message="connection refused"))
        with pytest.raises(TerraformError, match="connection refused"):
            rehearsal.rbac.apply()
        rehearsal.rbac.apply()
        assert rehearsal.rbac.plan().empty


def test_a_protected_cluster_is_not_destroyed(tmp_path: Path) -> None:
    made = rehearse(deployment(cluster={"deletion_protection": True}), tmp_path)
    with made.stand_ins:
        made.cluster.apply()
        with pytest.raises(TerraformError, match="deletion_protection"):
            made.cluster.destroy()
        assert CLUSTER in made.cluster.state()
