from collections.abc import Callable

from cdktf import Testing

from tests.app import Synthesized


def test_subnetwork_with_ranges_for_pods_and_services(synthesized: Synthesized) -> None:
    assert Testing.to_have_resource_with_properties(
        synthesized.text("pov-cluster"),
        "google_compute_subnetwork",
        {
            "name": "gitpod-gitpod",
            "network": "default",
            "region": "us-central1",
            "ip_cidr_range": "10.0.0.0/20",
            "secondary_ip_range": [
                {"range_name": "pods", "ip_cidr_range": "10.4.0.0/14"},
                {"range_name": "services", "ip_cidr_range": "10.8.0.0/20"},
            ],
        },
    )


def test_the_default_network_is_used_and_not_created(synthesized: Synthesized) -> None:
    assert "google_compute_network" not in synthesized.stack("pov-cluster")["resource"]
    assert synthesized.resource("pov-cluster", "google_container_cluster.cluster")["network"] == "default"


def test_another_existing_network(synth: Callable[..., Synthesized]) -> None:
    app = synth(network={"network": "platform", "subnetwork": "trial"})
    assert "google_compute_network" not in app.stack("pov-cluster")["resource"]
    assert app.resource("pov-cluster", "google_container_cluster.cluster")["network"] == "platform"
    subnetwork = app.resource("pov-cluster", "google_compute_subnetwork.network_subnetwork")
    assert (subnetwork["network"], subnetwork["name"]) == ("platform", "trial")


def test_a_network_of_its_own(synth: Callable[..., Synthesized]) -> None:
    app = synth(network={"network": "gitpod", "create_network": True})
    network = app.resource("pov-cluster", "google_compute_network.network")
    assert (network["name"], network["auto_create_subnetworks"]) == ("gitpod", False)
    for address in ("google_compute_subnetwork.network_subnetwork", "google_container_cluster.cluster"):
        assert app.resource("pov-cluster", address)["network"] == "${google_compute_network.network.name}"


def test_the_cluster_takes_its_addresses_from_the_ranges_by_name(synthesized: Synthesized) -> None:
    cluster = synthesized.resource("pov-cluster", "google_container_cluster.cluster")
    assert cluster["ip_allocation_policy"] == {"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"}
