from collections.abc import Callable

from cdktf import Testing

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
