"""An existing service account and further bindings under real Terraform: applied, changed, removed from the file and destroyed.

Nothing that existed before is modified, unless the deployment grants roles to the account.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app import deployment
from tests.inputs import OBSERVERS
from tests.stacks.test_life import ACCOUNT, BINDING, POOL, Rehearsal, rehearse

pytestmark = pytest.mark.terraform

EMAIL = "nodes@platform-project.iam.gserviceaccount.com"
OTHER = "others@platform-project.iam.gserviceaccount.com"
GRANTED_BEFORE = f"demo-project/roles/logging.logWriter/serviceAccount:{EMAIL}"
GRANTS = {
    f"google_project_iam_member.identity_{role}"
    for role in ("storage_admin", "logging_logWriter", "monitoring_metricWriter", "container_admin")
}


@pytest.fixture
def existing(tmp_path: Path) -> Iterator[Rehearsal]:
    """A deployment with an existing account, which somebody has granted a role before."""
    made = rehearse(deployment(identity={"email": EMAIL}), tmp_path)
    with made.stand_ins:
        grant = {"project": "demo-project", "role": "roles/logging.logWriter", "member": f"serviceAccount:{EMAIL}"}
        made.stand_ins.cloud.put("google_project_iam_member", GRANTED_BEFORE, {"id": GRANTED_BEFORE, "etag": "", **grant})
        made.cluster.apply()
        yield made


def granted_before(rehearsal: Rehearsal) -> bool:
    return rehearsal.stand_ins.cloud.find("google_project_iam_member", GRANTED_BEFORE) is not None


def test_is_applied_unchanged_in_the_second_plan_and_left_alone_by_a_destroy(existing: Rehearsal) -> None:
    assert existing.cluster.plan().empty
    assert existing.cluster.state()[POOL]["node_config"][0]["service_account"] == EMAIL
    assert not {ACCOUNT, *GRANTS} & existing.cluster.state().keys()
    existing.cluster.destroy()
    assert granted_before(existing)
    journal = existing.stand_ins.cloud.journal
    assert not journal.entries("destroy", "google_service_account") + journal.entries("destroy", "google_project_iam_member")


def test_another_account_replaces_the_pool_and_nothing_else(existing: Rehearsal) -> None:
    existing.change(identity={"email": OTHER})
    assert existing.cluster.plan().changes == {POOL: "replace"}
    existing.cluster.apply()
    assert existing.cluster.plan().empty


def test_removed_creates_an_account_with_its_roles_and_replaces_the_pool(existing: Rehearsal) -> None:
    existing.change()
    assert existing.cluster.plan().changes == {ACCOUNT: "create", POOL: "replace", **dict.fromkeys(GRANTS, "create")}
    existing.cluster.apply()
    assert existing.cluster.plan().empty
    assert granted_before(existing)


def test_granting_roles_changes_no_node_and_a_destroy_removes_the_grant_that_existed_before(existing: Rehearsal) -> None:
    existing.change(identity={"email": EMAIL, "grant_roles": True})
    assert existing.cluster.plan().changes == dict.fromkeys(GRANTS, "create")
    existing.cluster.apply()
    assert existing.cluster.plan().empty
    existing.cluster.destroy()
    assert not granted_before(existing)  # what the risk destroy-removes-existing-grants says


def test_a_created_account_is_replaced_by_an_existing_one(tmp_path: Path) -> None:
    made = rehearse(deployment(), tmp_path)
    with made.stand_ins:
        made.cluster.apply()
        made.change(identity={"email": EMAIL})
        assert made.cluster.plan().changes == {ACCOUNT: "delete", POOL: "replace", **dict.fromkeys(GRANTS, "delete")}
        made.cluster.apply()
        assert made.cluster.plan().empty
        journal = made.stand_ins.cloud.journal
        assert journal.precedes("google_container_node_pool", "google_service_account", call="destroy")


class TestBindings:
    IN_CLUSTER = "kubernetes_cluster_role_binding_v1.admins_bindings_observers"
    IN_NAMESPACE = "kubernetes_role_binding_v1.admins_bindings_observers"

    @pytest.fixture
    def observed(self, tmp_path: Path) -> Iterator[Rehearsal]:
        made = rehearse(deployment(admins={"bindings": {"observers": OBSERVERS}}), tmp_path)
        with made.stand_ins:
            made.apply()
            yield made

    def plan_with(self, observed: Rehearsal, **values: str | list[str]) -> dict[str, str]:
        observed.change(admins={"bindings": {"observers": {**OBSERVERS, **values}}})
        return {address: str(verb) for address, verb in observed.rbac.plan().changes.items()}

    def test_are_unchanged_in_the_second_plan_and_destroyed(self, observed: Rehearsal) -> None:
        assert observed.rbac.plan().empty
        assert {BINDING, self.IN_CLUSTER} <= observed.rbac.state().keys()
        observed.rbac.destroy()
        assert not observed.stand_ins.cloud.objects("kubernetes_cluster_role_binding_v1")

    def test_change_without_touching_the_binding_of_the_administrators(self, observed: Rehearsal) -> None:
        assert self.plan_with(observed, members=["user:dan@example.com"]) == {self.IN_CLUSTER: "update"}
        assert self.plan_with(observed, role="edit") == {self.IN_CLUSTER: "replace"}
        assert self.plan_with(observed, namespace="gitpod") == {self.IN_CLUSTER: "delete", self.IN_NAMESPACE: "create"}
        observed.rbac.apply()
        assert observed.rbac.plan().empty
        assert self.plan_with(observed, namespace="other") == {self.IN_NAMESPACE: "replace"}

    def test_are_removed_with_their_section(self, observed: Rehearsal) -> None:
        observed.change()
        assert observed.rbac.plan().changes == {self.IN_CLUSTER: "delete"}
