"""An existing service account, additional bindings and options of the cluster under real Terraform, from the first apply to the destroy.

Nothing that existed before is modified, unless the deployment grants roles to the account.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.workspace import TerraformError
from tests.app import deployment
from tests.inputs import OBSERVERS
from tests.stacks.test_life import ACCOUNT, BINDING, POOL, Rehearsal, rehearse
from tests.terraform_output import error_text

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
    """A deployment with an existing account that has a role already."""
    made = rehearse(deployment(identity={"email": EMAIL}), tmp_path)
    with made.stand_ins:
        grant = {"project": "demo-project", "role": "roles/logging.logWriter", "member": f"serviceAccount:{EMAIL}"}
        made.stand_ins.cloud.put("google_project_iam_member", GRANTED_BEFORE, {"id": GRANTED_BEFORE, "etag": "", **grant})
        made.cluster.apply()
        yield made


def granted_before(rehearsal: Rehearsal) -> bool:
    return rehearsal.stand_ins.cloud.find("google_project_iam_member", GRANTED_BEFORE) is not None


def test_apply_empty_plan_and_a_destroy_that_keeps_the_account(existing: Rehearsal) -> None:
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

    def test_apply_empty_plan_destroy(self, observed: Rehearsal) -> None:
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


CLUSTER = "google_container_cluster.cluster"


class TestDataplaneV2:
    @pytest.fixture
    def with_dataplane_v2(self, tmp_path: Path) -> Iterator[Rehearsal]:
        made = rehearse(deployment(cluster={"network_policy": "dataplane-v2"}), tmp_path)
        with made.stand_ins:
            made.cluster.apply()
            yield made

    def test_apply_empty_plan_destroy(self, with_dataplane_v2: Rehearsal) -> None:
        assert with_dataplane_v2.cluster.plan().empty
        assert with_dataplane_v2.cluster.state()[CLUSTER]["datapath_provider"] == "ADVANCED_DATAPATH"
        with_dataplane_v2.cluster.destroy()
        assert with_dataplane_v2.cluster.state() == {}

    def test_a_replaced_cluster_has_it_again(self, with_dataplane_v2: Rehearsal) -> None:
        with_dataplane_v2.change(cluster={"network_policy": "dataplane-v2", "name": "other"})
        with_dataplane_v2.cluster.apply()
        assert with_dataplane_v2.cluster.state()[CLUSTER]["datapath_provider"] == "ADVANCED_DATAPATH"
        assert with_dataplane_v2.cluster.plan().empty

    def test_the_plan_of_a_cluster_with_calico_fails_and_the_cluster_can_still_be_destroyed(self, tmp_path: Path) -> None:
        made = rehearse(deployment(), tmp_path)
        with made.stand_ins:
            made.cluster.apply()
            made.change(cluster={"network_policy": "dataplane-v2"})
            with pytest.raises(TerraformError) as refused:
                made.cluster.plan()
            assert "runs the datapath LEGACY_DATAPATH, so this change" in error_text(refused.value)
            made.cluster.destroy()
            assert made.cluster.state() == {}

    def test_gke_refuses_calico_and_network_policies_stay_on(self, with_dataplane_v2: Rehearsal) -> None:
        with_dataplane_v2.change()
        with pytest.raises(TerraformError, match="DatapathProvider=ADVANCED_DATAPATH is not allowed"):
            with_dataplane_v2.cluster.apply()
        with_dataplane_v2.change(cluster={"network_policy": "dataplane-v2"})
        assert with_dataplane_v2.cluster.plan().empty

    def test_a_cluster_that_google_migrated_can_be_managed(self, tmp_path: Path) -> None:
        made = rehearse(deployment(), tmp_path)
        with made.stand_ins:
            made.cluster.apply()
            made.stand_ins.cloud.change("google_container_cluster", "datapath_provider", "ADVANCED_DATAPATH")
            made.change(cluster={"network_policy": "dataplane-v2"})
            assert made.cluster.plan().changes == {CLUSTER: "update"}


def test_notifications_are_changed_switched_off_and_kept_when_they_are_removed(tmp_path: Path) -> None:
    topic = "projects/demo-project/topics/{}"
    made = rehearse(deployment(cluster={"notification_topic": topic.format("gke")}), tmp_path)
    with made.stand_ins:
        made.cluster.apply()
        assert made.cluster.plan().empty
        made.change()
        assert made.cluster.plan().empty
        for name in ("other", ""):
            made.change(cluster={"notification_topic": name and topic.format(name)})
            assert made.cluster.plan().changes == {CLUSTER: "update"}
            made.cluster.apply()
            assert made.cluster.plan().empty
        (cluster,) = made.stand_ins.cloud.objects("google_container_cluster")
        assert cluster["notification_config"][0]["pubsub"][0]["enabled"] is False


def test_a_created_account_can_be_kept_when_it_is_named_by_its_address(tmp_path: Path) -> None:
    """The steps of docs/permissions.md: without them, the plan deletes the account that the nodes use."""
    made = rehearse(deployment(), tmp_path)
    with made.stand_ins:
        made.cluster.apply()
        made.change(identity={"email": "gitpod-gke@demo-project.iam.gserviceaccount.com"})
        assert made.cluster.plan().changes == {ACCOUNT: "delete", **dict.fromkeys(GRANTS, "delete")}
        for address in (ACCOUNT, *GRANTS):
            made.cluster.state_rm(address)
        assert made.cluster.plan().empty
