from collections.abc import Callable
from pathlib import Path

from gitpod_pov.cluster_admins import GKE_BINDINGS, ClusterAdmins, ClusterAdminsConfig
from gitpod_pov.faults import Faults

import pytest
from cdktf import App, TerraformStack

from tests.app import Synthesized

BINDING = "kubernetes_cluster_role_binding_v1.admins"
GROUP = "rbac.authorization.k8s.io"


def test_members_become_subjects_as_gke_sees_them(synth: Callable[..., Synthesized]) -> None:
    members = ["user:alice@example.com", "group:platform@example.com", "serviceAccount:ci@demo-project.iam.gserviceaccount.com"]
    app = synth(cluster={"rbac_security_group": "gke-security-groups@example.com"}, admins={"members": members})
    assert app.resource("pov-rbac", BINDING)["subject"] == [
        {"api_group": GROUP, "kind": "User", "name": "alice@example.com"},
        {"api_group": GROUP, "kind": "Group", "name": "platform@example.com"},
        {"api_group": GROUP, "kind": "User", "name": "ci@demo-project.iam.gserviceaccount.com"},
    ]
    assert "google_client_openid_userinfo" not in app.stack("pov-rbac")["data"]


def test_no_members_bind_the_account_that_runs_terraform(synthesized: Synthesized) -> None:
    email = "${data.google_client_openid_userinfo.admins_applying_account.email}"
    assert synthesized.resource("pov-rbac", BINDING)["subject"] == [{"api_group": GROUP, "kind": "User", "name": email}]


def test_an_account_without_email_is_refused_with_the_remedy(synthesized: Synthesized) -> None:
    userinfo = synthesized.stack("pov-rbac")["data"]["google_client_openid_userinfo"]["admins_applying_account"]
    (postcondition,) = userinfo["lifecycle"]["postcondition"]
    assert postcondition["condition"] == '${self.email != null && self.email != ""}'
    assert "admins.members" in postcondition["error_message"]


def test_another_role_and_name(synth: Callable[..., Synthesized]) -> None:
    binding = synth(admins={"cluster_role": "view", "binding_name": "gitpod:viewers"}).resource("pov-rbac", BINDING)
    assert binding["metadata"] == {"name": "gitpod:viewers"}
    assert binding["role_ref"] == {"api_group": GROUP, "kind": "ClusterRole", "name": "view"}


class TestCapitalLetters:
    """RBAC compares exactly, and the addresses of some Google accounts have uppercase letters: accepted, with a warning."""

    @staticmethod
    def warning(synth: Callable[..., Synthesized], *members: str) -> str | None:
        app = synth(cluster={"rbac_security_group": "gke-security-groups@example.com"}, admins={"members": members})
        found = [
            annotation["message"]
            for annotation in app.manifest["stacks"]["pov-rbac"]["annotations"]
            if annotation["message"].startswith("admin-email-has-capital-letters: ")
        ]
        return found[0] if found else None

    @pytest.mark.parametrize(
        "members",
        [
            ["user:jane@example.com", "group:platform-1@sub.example.com", "serviceAccount:ci@demo-project.iam.gserviceaccount.com"],
            ["user:o'hara.x+y_z%1@example.com"],
        ],
        ids=len,
    )
    def test_none(self, synth: Callable[..., Synthesized], members: list[str]) -> None:
        assert self.warning(synth, *members) is None

    @pytest.mark.parametrize(
        "member", ["user:Jane@example.com", "user:jane@Example.com", "group:platform@example.COM", "group:jaNe@example.com"]
    )
    def test_anywhere_in_the_address(self, synth: Callable[..., Synthesized], member: str) -> None:
        assert f"has uppercase letters in '{member}';" in (self.warning(synth, "user:a@example.com", member) or "")

    def test_warning_lists_only_some_of_many_members(self, synth: Callable[..., Synthesized]) -> None:
        warning = self.warning(synth, *(f"user:A{n}@example.com" for n in range(100))) or ""
        assert "has uppercase letters in 'user:A0@example.com', 'user:A1@example.com', 'user:A2@example.com', …; write" in warning


class TestBindingName:
    @pytest.mark.parametrize("name", [*sorted(GKE_BINDINGS), "cluster-admin", "system:", "system:basic-user", "system:masters"])
    def test_of_the_cluster_itself_is_refused(self, name: str) -> None:
        with pytest.raises(
            Faults,
            match=(r"binding_name: .* is the name of a binding that (GKE|Kubernetes) creates: choose another, such as gitpod-admins$"),
        ):
            ClusterAdminsConfig.checked({"binding_name": name})

    @pytest.mark.parametrize(
        "name", ["cluster-admin-binding", "gitpod-admins", "cluster-admins", "gce", "systems:a", "npd", "view", "edit"]
    )
    def test_another_is_accepted(self, name: str) -> None:
        assert ClusterAdminsConfig.checked({"binding_name": name}).binding_name == name


def test_without_a_deployment_groups_are_accepted(tmp_path: Path) -> None:
    """The construct does not know the cluster, and with it not whether RBAC knows groups."""
    config = ClusterAdminsConfig(members=("group:platform@example.com",))
    admins = ClusterAdmins(TerraformStack(App(outdir=str(tmp_path)), "stack"), "admins", config=config)
    assert admins.subjects == ["platform@example.com"]


OBSERVERS = {"role": "view", "members": ("user:carol@example.com", "serviceAccount:ci@demo-project.iam.gserviceaccount.com")}
SUBJECTS = [
    {"api_group": GROUP, "kind": "User", "name": "carol@example.com"},
    {"api_group": GROUP, "kind": "User", "name": "ci@demo-project.iam.gserviceaccount.com"},
]


class TestBindings:
    def test_in_the_cluster(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(admins={"bindings": {"observers": OBSERVERS}})
        assert app.resource("pov-rbac", "kubernetes_cluster_role_binding_v1.admins_bindings_observers") == {
            "metadata": {"name": "observers"},
            "role_ref": {"api_group": GROUP, "kind": "ClusterRole", "name": "view"},
            "subject": SUBJECTS,
        }
        assert "kubernetes_role_binding_v1" not in app.stack("pov-rbac")["resource"]

    def test_in_a_namespace(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(admins={"bindings": {"observers": {**OBSERVERS, "namespace": "gitpod"}}})
        assert app.resource("pov-rbac", "kubernetes_role_binding_v1.admins_bindings_observers") == {
            "metadata": {"name": "observers", "namespace": "gitpod"},
            "role_ref": {"api_group": GROUP, "kind": "ClusterRole", "name": "view"},
            "subject": SUBJECTS,
        }
        assert list(app.stack("pov-rbac")["resource"]["kubernetes_cluster_role_binding_v1"]) == ["admins"]

    def test_do_not_change_the_binding_of_the_administrators(self, synth: Callable[..., Synthesized]) -> None:
        before = synth().stack("pov-rbac")
        after = synth(admins={"bindings": {"observers": OBSERVERS, "b_2": {**OBSERVERS, "namespace": "gitpod"}}}).stack("pov-rbac")
        del after["resource"]["kubernetes_cluster_role_binding_v1"]["admins_bindings_observers"]
        del after["resource"]["kubernetes_role_binding_v1"]
        assert after == before

    def test_warning_about_uppercase_letters_has_the_key(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(
            admins={"members": ["user:a@example.com"], "bindings": {"observers": {"role": "view", "members": ["user:B@example.com"]}}}
        )
        (warning,) = [annotation["message"] for annotation in app.manifest["stacks"]["pov-rbac"]["annotations"]]
        assert "and admins.bindings.observers.members has uppercase letters in 'user:B@example.com';" in warning

    def test_bindings_of_one_role_need_unique_names(self) -> None:
        for name in ("cluster-admin", "cluster-admin-binding", "netd"):
            with pytest.raises(Faults, match=f"bindings.{name}: has the name .*: choose another name"):
                ClusterAdminsConfig.checked({"bindings": {name: OBSERVERS}})
            ClusterAdminsConfig.checked({"bindings": {name: {**OBSERVERS, "namespace": "gitpod"}}})
