"""An existing service account under real Terraform: applied, changed, removed from the file and destroyed.

Nothing that existed before is modified, unless the deployment grants roles to the account.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app import deployment
from tests.stacks.test_life import ACCOUNT, POOL, Rehearsal, rehearse

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
