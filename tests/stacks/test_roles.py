"""The roles that the account that runs Terraform needs: the table covers every type in the outputs, and the lists follow from it."""

from pathlib import Path
from typing import Any

import pytest

from deployment.profile import PROFILES
from handover.folder import files_of
from handover.stacks import stacks_of
from stacks.__main__ import describe
from stacks.roles import NEEDS, required_roles, roles_of
from tests.app import deployment, synthesize
from tests.existing import NETWORK
from tests.inputs import INPUTS, OBSERVERS, every_input, sections, with_input

INGRESS = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
EMAIL = "nodes@platform-project.iam.gserviceaccount.com"
VARIANTS: dict[str, dict[str, Any]] = {
    **{f"input-{number}": with_input(key, one.value) for number, (key, one) in enumerate(INPUTS.items())},
    **{f"profile-{name}": {"profile": name} for name in PROFILES},
    "every-input": sections(*every_input()),
    "binding-in-a-namespace": {"admins": {"bindings": {"observers": {**OBSERVERS, "namespace": "gitpod"}}}},
    "ingress": {"ingress": INGRESS},
    "ingress-least-privilege": {"ingress": {**INGRESS, "dns_access": "least-privilege"}},
    "ingress-existing-zone": {"ingress": {**INGRESS, "create_zone": False}},
}


def types_of(content: dict[str, Any]) -> set[str]:
    return {*content.get("resource", {}), *(f"data.{kind}" for kind in content.get("data", {}))}


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The types of every output: of each input, each profile, each form of [ingress], and of hand-overs."""
    app = synthesize({name: deployment(**values) for name, values in VARIANTS.items()}, tmp_path_factory.mktemp("cdktf.out"))
    found = set[str]().union(*(types_of(app.stack(stack)) for stack in app.manifest["stacks"]))
    for values in ({}, {"ingress": INGRESS}):
        found.update(*(types_of(stack.content) for stack in stacks_of("pov", deployment(**values))))
    return found


def test_every_type_has_a_row_and_every_row_a_type(types: set[str]) -> None:
    assert NEEDS.keys() == types


def test_every_row_names_a_role_and_a_source() -> None:
    needs = [need for row in NEEDS.values() for need in row]
    assert all(need.role.startswith("roles/") and need.source.startswith("https://") and need.purpose for need in needs)
    without_a_role = {kind for kind, row in NEEDS.items() if not row}
    assert without_a_role == {"data.google_client_config", "data.google_client_openid_userinfo"}


def test_roles_of_the_default_deployment() -> None:
    assert {(role.role, role.on) for role in roles_of("pov", deployment())} == {
        (role, "demo-project")
        for role in (
            "roles/compute.networkAdmin",
            "roles/compute.viewer",
            "roles/container.admin",
            "roles/iam.serviceAccountAdmin",
            "roles/iam.serviceAccountUser",
            "roles/resourcemanager.projectIamAdmin",
            "roles/serviceusage.serviceUsageAdmin",
        )
    }


def test_fewer_roles_where_the_platform_team_manages_apis_and_account() -> None:
    roles = {(role.role, role.on) for role in roles_of("pov", deployment(apis={"manage": False}, identity={"email": EMAIL}))}
    assert ("roles/iam.serviceAccountUser", EMAIL) in roles
    absent = {"roles/serviceusage.serviceUsageAdmin", "roles/iam.serviceAccountAdmin", "roles/resourcemanager.projectIamAdmin"}
    assert not absent & {role for role, _ in roles}


def test_grants_on_a_zone_need_more_than_the_zone_does() -> None:
    roles = {role.role: role.purposes for role in roles_of("pov", deployment(ingress={**INGRESS, "dns_access": "least-privilege"}))}
    assert roles["roles/iam.securityAdmin"] == ("grant roles on the DNS zone",)
    assert "roles/iam.securityAdmin" not in {role.role for role in roles_of("pov", deployment(ingress=INGRESS))}


def test_a_resource_of_another_project_needs_its_role_there() -> None:
    content = {"resource": {"google_compute_network": {"a": {"project": "host-project"}, "b": {}}}}
    roles = required_roles([content], project="demo-project", node_account=None)
    assert [(role.role, role.on) for role in roles] == [("roles/compute.networkAdmin", on) for on in ("demo-project", "host-project")]


def test_a_shared_vpc_needs_roles_in_the_host_project() -> None:
    network = {**NETWORK, "host_project": "host-project", "grant_service_agents": True}
    roles = {role.role for role in roles_of("pov", deployment(network=network)) if role.on == "host-project"}
    assert roles == {"roles/compute.networkUser", "roles/iam.securityAdmin", "roles/resourcemanager.projectIamAdmin"}


def test_a_type_without_a_row_refers_to_its_documentation() -> None:
    (role,) = required_roles([{"resource": {"google_storage_bucket": {"a": {}}}}], project="demo-project", node_account=None)
    assert (role.role, role.purposes) == ("see the provider's documentation", ("use google_storage_bucket",))


def test_make_show_lists_the_roles_as_comments() -> None:
    lines = list(describe("pov", deployment()))
    assert all(line.startswith("# ") or not line for line in lines)
    assert "# roles/iam.serviceAccountUser on demo-project, to run nodes under their service account" in lines
    assert not [line for line in lines if "must have" in line]


def test_make_show_lists_the_roles_of_an_existing_account() -> None:
    lines = list(describe("pov", deployment(identity={"email": EMAIL, "roles": ["roles/logging.logWriter"]})))
    assert lines[-3:] == [f"# Roles that {EMAIL} must have on demo-project:", "# roles/logging.logWriter", ""]


def test_the_handover_lists_roles_with_sources_and_the_grants_that_it_does_not_make() -> None:
    readme = files_of("pov", deployment(identity={"email": EMAIL, "roles": ["roles/logging.logWriter"]}))["README.md"].decode()
    assert f"| `roles/iam.serviceAccountUser` | `{EMAIL}` | run nodes under their service account | [source](https://" in readme
    assert "| `roles/container.admin` | the project | manage the cluster and its node pools; bind Kubernetes roles | [source](" in readme
    assert f"gcloud projects add-iam-policy-binding PROJECT --member serviceAccount:{EMAIL} --role roles/logging.logWriter\n" in readme
    assert "constraints/iam.disableCrossProjectServiceAccountUsage" in readme
    assert "service-PROJECT_NUMBER@compute-system.iam.gserviceaccount.com --role roles/iam.serviceAccountTokenCreator\n" in readme
    assert "add-iam-policy-binding" not in files_of("pov", deployment())["README.md"].decode()
    own = files_of("pov", deployment(identity={"email": "nodes@demo-project.iam.gserviceaccount.com"}))["README.md"].decode()
    assert "disableCrossProjectServiceAccountUsage" not in own


class TestApisOfThePlatformTeam:
    """With apis.manage = false, nothing in the output reads or changes the project's APIs."""

    @pytest.mark.parametrize("values", [{}, {"profile": "hardened"}, {"ingress": INGRESS}], ids=["reference", "hardened", "ingress"])
    def test_in_the_stacks(self, tmp_path: Path, values: dict[str, Any]) -> None:
        app = synthesize({"pov": deployment(apis={"manage": False}, **values)}, tmp_path)
        for stack in app.manifest["stacks"]:
            assert "google_project_service" not in app.text(stack)
            assert not {kind for kind in types_of(app.stack(stack)) if "service" in kind and "account" not in kind}

    def test_in_a_handover(self) -> None:
        files = files_of("pov", deployment(apis={"manage": False}, ingress=INGRESS))
        assert not [path for path, content in files.items() if path != "README.md" and b"google_project_service" in content]
        assert "serviceUsageAdmin" not in files["README.md"].decode()
