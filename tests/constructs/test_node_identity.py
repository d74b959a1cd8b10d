from collections.abc import Callable

from gitpod_pov.faults import Faults
from gitpod_pov.node_identity import ROLE_SETS, custom_role_faults

import pytest
from cdktf import Testing

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


def test_without_roles_nothing_is_granted_and_nothing_waited_for(synth: Callable[..., Synthesized]) -> None:
    app = synth(identity={"roles": []})
    assert "google_project_iam_member" not in app.stack("pov-cluster")["resource"]
    assert "depends_on" not in app.resource("pov-cluster", "google_container_node_pool.node_pool")
    assert "node-account-is-cluster-admin" not in app.warnings("pov-cluster")


def test_no_key_is_made(synthesized: Synthesized) -> None:
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
def test_a_broad_role_is_warned_of(synth: Callable[..., Synthesized], role: str) -> None:
    app = synth(identity={"roles": ["roles/logging.logWriter", role]})
    (message,) = [
        annotation["message"] for annotation in app.manifest["stacks"]["pov-cluster"]["annotations"] if role in annotation["message"]
    ]
    assert message.startswith(f"node-account-has-broad-role: the nodes' service account holds {role}:")


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
def test_a_role_of_one_service_is_not(synth: Callable[..., Synthesized], roles: tuple[str, ...]) -> None:
    assert "node-account-has-broad-role" not in synth(identity={"roles": roles}).warnings("pov-cluster")


def test_a_custom_role_of_another_project_is_refused() -> None:
    roles = ("roles/a", "projects/demo-project/roles/own", "projects/other-project/roles/foreign", "organizations/1/roles/other")
    (fault,) = custom_role_faults("demo-project", roles)
    assert (fault.key, fault.value) == (("identity", "roles", 2), "projects/other-project/roles/foreign")
    with pytest.raises(Faults, match="is a custom role of project 'other-project', which cannot be granted in 'demo-project'"):
        Deployment.checked({"project": "demo-project", "region": "us-central1", "identity": {"roles": roles}})
