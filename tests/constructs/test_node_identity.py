import json
from collections.abc import Callable
from pathlib import Path

from gitpod_pov.cluster_network import ClusterNetwork
from gitpod_pov.faults import Faults
from gitpod_pov.gke_cluster import GkeCluster
from gitpod_pov.node_identity import ROLE_SETS, NodeIdentity, NodeIdentityConfig, custom_role_faults
from gitpod_pov.node_pool import LabelledNodePool
from gitpod_pov.provider_versions import require_providers

import pytest
from cdktf import App, TerraformStack, Testing
from cdktf_cdktf_provider_google.service_account import ServiceAccount

from deployment.model import Deployment
from tests.app import Synthesized


def test_service_account(synthesized: Synthesized) -> None:
    assert Testing.to_have_resource_with_properties(
        synthesized.text("pov-cluster"), "google_service_account", {"account_id": "gitpod-gke", "display_name": "gitpod-gke"}
    )


def test_each_role_is_granted_additively_at_an_address_that_names_it(synthesized: Synthesized) -> None:
    stack = synthesized.stack("pov-cluster")
    assert {address: grant["role"] for address, grant in stack["resource"]["google_project_iam_member"].items()} == {
        "identity_storage_admin": "roles/storage.admin",
        "identity_logging_logWriter": "roles/logging.logWriter",
        "identity_monitoring_metricWriter": "roles/monitoring.metricWriter",
        "identity_container_admin": "roles/container.admin",
    }
    authoritative = {"google_project_iam_binding", "google_project_iam_policy"}
    assert not authoritative & stack["resource"].keys()


def test_without_roles_there_are_no_grants_and_no_dependencies(synth: Callable[..., Synthesized]) -> None:
    app = synth(identity={"roles": []})
    assert "google_project_iam_member" not in app.stack("pov-cluster")["resource"]
    assert "depends_on" not in app.resource("pov-cluster", "google_container_node_pool.node_pool")
    assert "node-account-is-cluster-admin" not in app.warnings("pov-cluster")


def test_creates_no_key(synthesized: Synthesized) -> None:
    assert "google_service_account_key" not in synthesized.stack("pov-cluster")["resource"]


def test_custom_roles(synth: Callable[..., Synthesized]) -> None:
    app = synth(identity={"account_id": "nodes-of-gitpod", "roles": ["projects/demo-project/roles/gitpod.nodes"]})
    grant = app.resource("pov-cluster", "google_project_iam_member.identity_projects_demo-project_roles_gitpod_nodes")
    assert grant == {
        "project": "demo-project",
        "role": "projects/demo-project/roles/gitpod.nodes",
        "member": "${google_service_account.identity.member}",
    }
    assert app.resource("pov-cluster", "google_container_node_pool.node_pool")["depends_on"] == [
        "google_project_iam_member.identity_projects_demo-project_roles_gitpod_nodes"
    ]


@pytest.mark.parametrize(
    "role",
    [
        *("roles/owner", "roles/editor", "roles/viewer", "roles/admin", "roles/writer", "roles/reader"),
        *("roles/resourcemanager.projectIamAdmin", "roles/iam.securityAdmin", "roles/iam.serviceAccountUser"),
        *("roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountKeyAdmin"),
    ],
)
def test_warns_about_a_broad_role(synth: Callable[..., Synthesized], role: str) -> None:
    app = synth(identity={"roles": ["roles/logging.logWriter", role]})
    (message,) = [
        annotation["message"] for annotation in app.manifest["stacks"]["pov-cluster"]["annotations"] if role in annotation["message"]
    ]
    assert message.startswith(
        f"node-account-has-broad-role: the node service account has {role}, so any Pod that can use the credentials of the node can"
    )


@pytest.mark.parametrize(
    "roles",
    [
        *ROLE_SETS.values(),
        ("roles/storage.objectViewer", "roles/artifactregistry.reader", "roles/container.viewer"),
        ("roles/iam.workloadIdentityUser", "roles/monitoring.editor", "roles/compute.admin"),
        ("projects/demo-project/roles/owner", "organizations/1/roles/editor"),
    ],
    ids=range(5),
)
def test_does_not_warn_about_a_role_of_one_service(synth: Callable[..., Synthesized], roles: tuple[str, ...]) -> None:
    assert "node-account-has-broad-role" not in synth(identity={"roles": roles}).warnings("pov-cluster")


def test_a_custom_role_of_another_project_is_refused() -> None:
    roles = ("roles/a", "projects/demo-project/roles/own", "projects/other-project/roles/foreign", "organizations/1/roles/other")
    (fault,) = custom_role_faults("demo-project", roles)
    assert (fault.key, fault.value) == (("identity", "roles", 2), "projects/other-project/roles/foreign")
    with pytest.raises(Faults, match="is a custom role of project 'other-project', which cannot be granted in 'demo-project'"):
        Deployment.checked({"project": "demo-project", "region": "us-central1", "identity": {"roles": roles}})


EMAIL = "nodes@platform-project.iam.gserviceaccount.com"


class TestAnExistingAccount:
    def test_is_used_and_neither_created_nor_granted_anything(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(identity={"email": EMAIL})
        assert not {"google_service_account", "google_project_iam_member"} & app.stack("pov-cluster")["resource"].keys()
        assert "google_service_account" not in app.text("pov-cluster")
        for node in ("google_container_node_pool.node_pool", "google_container_cluster.cluster"):
            assert app.resource("pov-cluster", node)["node_config"]["service_account"] == EMAIL
        assert app.stack("pov-cluster")["output"]["node_service_account_email"]["value"] == EMAIL

    def test_no_warning_for_roles_that_are_not_granted(self, synth: Callable[..., Synthesized]) -> None:
        named = {risk for risk in synth(identity={"email": EMAIL}).warnings("pov-cluster") if "account" in risk or "grants" in risk}
        assert named == set()

    def test_is_granted_roles_on_request_after_the_apis(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(identity={"email": EMAIL, "grant_roles": True, "roles": ["roles/logging.logWriter"]})
        apis = [f"google_project_service.{name}" for name in app.stack("pov-cluster")["resource"]["google_project_service"]]
        assert app.resource("pov-cluster", "google_project_iam_member.identity_logging_logWriter") == {
            "project": "demo-project",
            "role": "roles/logging.logWriter",
            "member": f"serviceAccount:{EMAIL}",
            "depends_on": apis,
        }
        assert app.resource("pov-cluster", "google_container_node_pool.node_pool")["depends_on"] == [
            "google_project_iam_member.identity_logging_logWriter"
        ]

    def test_can_be_the_output_of_another_resource(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
        account = ServiceAccount(stack, "account", account_id="platform-nodes")
        NodeIdentity(stack, "identity", project="demo-project", config=NodeIdentityConfig(email=account.email, grant_roles=True))
        text = Testing.synth(stack)
        assert '"member": "serviceAccount:${google_service_account.account.email}"' in text
        assert "destroy-removes-existing-grants" not in capsys.readouterr().err  # the app creates the account, so no grant existed before

    @pytest.mark.parametrize(
        ("email", "project"),
        [
            (EMAIL, EMAIL.partition("@")[2].partition(".")[0]),
            ("123456789012-compute@developer.gserviceaccount.com", "-"),
            ("nodes@project.example.com.iam.gserviceaccount.com", "-"),
        ],
    )
    def test_name_contains_the_project_if_the_address_has_it(self, tmp_path: Path, email: str, project: str) -> None:
        stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
        identity = NodeIdentity(stack, "identity", project="demo-project", config=NodeIdentityConfig(email=email))
        assert identity.name == f"projects/{project}/serviceAccounts/{email}"

    def test_can_be_given_to_cluster_and_pool_without_a_construct(self, tmp_path: Path) -> None:
        stack = TerraformStack(App(outdir=str(tmp_path)), "stack")
        require_providers(stack)
        account = ServiceAccount(stack, "account", account_id="platform-nodes")
        network = ClusterNetwork(stack, "network", project="demo-project", region="us-central1", cluster_name="gitpod")
        cluster = GkeCluster(stack, "cluster", project="demo-project", region="us-central1", identity=account.email, network=network)
        LabelledNodePool(stack, "node_pool", cluster=cluster, identity=EMAIL)
        resources = json.loads(Testing.synth(stack))["resource"]
        (made,), (pool,) = (resources[kind].values() for kind in ("google_container_cluster", "google_container_node_pool"))
        assert made["node_config"]["service_account"] == "${google_service_account.account.email}"
        assert pool["node_config"]["service_account"] == EMAIL
        assert "depends_on" not in pool


def test_the_grants_of_a_created_account_can_be_left_to_others(synth: Callable[..., Synthesized]) -> None:
    app = synth(identity={"grant_roles": False})
    assert "google_project_iam_member" not in app.stack("pov-cluster")["resource"]
    assert "google_service_account" in app.stack("pov-cluster")["resource"]
    assert "node-account-is-cluster-admin" not in app.warnings("pov-cluster")
