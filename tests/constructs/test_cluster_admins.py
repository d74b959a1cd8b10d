from collections.abc import Callable

from tests.app import Synthesized

BINDING = "kubernetes_cluster_role_binding_v1.admins"
GROUP = "rbac.authorization.k8s.io"


def test_members_become_subjects_as_gke_sees_them(synth: Callable[..., Synthesized]) -> None:
    members = ["user:alice@example.com", "group:platform@example.com", "serviceAccount:ci@demo-project.iam.gserviceaccount.com"]
    app = synth(admins={"members": members})
    assert app.resource("pov-rbac", BINDING)["subject"] == [
        {"api_group": GROUP, "kind": "User", "name": "alice@example.com"},
        {"api_group": GROUP, "kind": "Group", "name": "platform@example.com"},
        {"api_group": GROUP, "kind": "User", "name": "ci@demo-project.iam.gserviceaccount.com"},
    ]
    assert "google_client_openid_userinfo" not in app.stack("pov-rbac")["data"]


def test_none_configured_binds_the_account_that_applies(synthesized: Synthesized) -> None:
    email = "${data.google_client_openid_userinfo.admins_applying_account.email}"
    assert synthesized.resource("pov-rbac", BINDING)["subject"] == [{"api_group": GROUP, "kind": "User", "name": email}]


def test_an_account_without_email_is_told_what_to_do(synthesized: Synthesized) -> None:
    userinfo = synthesized.stack("pov-rbac")["data"]["google_client_openid_userinfo"]["admins_applying_account"]
    (postcondition,) = userinfo["lifecycle"]["postcondition"]
    assert postcondition["condition"] == '${self.email != null && self.email != ""}'
    assert "admins.members" in postcondition["error_message"]


def test_another_role_and_name(synth: Callable[..., Synthesized]) -> None:
    binding = synth(admins={"cluster_role": "view", "binding_name": "gitpod:viewers"}).resource("pov-rbac", BINDING)
    assert binding["metadata"] == {"name": "gitpod:viewers"}
    assert binding["role_ref"] == {"api_group": GROUP, "kind": "ClusterRole", "name": "view"}
