from collections.abc import Callable

from cdktf import Testing

from tests.app import Synthesized

PREPARATIONS = {"artifactregistry", "cloudbilling", "cloudresourcemanager", "compute", "container", "dns", "iam", "sqladmin"}


def test_the_apis_of_the_preparations_chapter_are_enabled(synthesized: Synthesized) -> None:
    services = synthesized.stack("pov-cluster")["resource"]["google_project_service"]
    assert {service["service"] for service in services.values()} == {f"{name}.googleapis.com" for name in PREPARATIONS}


def test_a_destroy_leaves_every_api_enabled(synthesized: Synthesized) -> None:
    services = synthesized.stack("pov-cluster")["resource"]["google_project_service"]
    assert {service["disable_on_destroy"] for service in services.values()} == {False}


def test_resources_wait_for_the_apis(synthesized: Synthesized) -> None:
    apis = [f"google_project_service.apis_{name}" for name in sorted(PREPARATIONS)]
    assert synthesized.resource("pov-cluster", "google_service_account.identity")["depends_on"] == apis
    assert synthesized.resource("pov-cluster", "google_compute_subnetwork.network_subnetwork")["depends_on"] == apis
    versions = synthesized.stack("pov-cluster")["data"]["google_container_engine_versions"]["cluster_versions"]
    assert versions["depends_on"] == apis


def test_left_to_the_platform_team(synth: Callable[..., Synthesized]) -> None:
    app = synth(apis={"manage": False})
    assert "google_project_service" not in app.stack("pov-cluster")["resource"]
    assert "depends_on" not in app.resource("pov-cluster", "google_service_account.identity")


def test_other_services(synth: Callable[..., Synthesized]) -> None:
    app = synth(apis={"services": ["container.googleapis.com"]})
    assert Testing.to_have_resource_with_properties(
        app.text("pov-cluster"), "google_project_service", {"service": "container.googleapis.com", "project": "demo-project"}
    )
    assert len(app.stack("pov-cluster")["resource"]["google_project_service"]) == 1
