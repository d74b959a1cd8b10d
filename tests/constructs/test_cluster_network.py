from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.existing_subnetwork import in_region
from gitpod_pov.gke_cluster import GkeCluster
from gitpod_pov.node_identity import NodeIdentity
from gitpod_pov.node_pool import LabelledNodePool, NodePoolConfig
from gitpod_pov.provider_versions import require_providers

import pytest
from cdktf import App, TerraformStack, TerraformVariable, Testing
from cdktf_cdktf_provider_google.provider import GoogleProvider

from tests.app import Synthesized
from tests.existing import NETWORK


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


def test_creates_a_dedicated_network(synth: Callable[..., Synthesized]) -> None:
    app = synth(network={"network": "gitpod", "create_network": True})
    network = app.resource("pov-cluster", "google_compute_network.network")
    assert (network["name"], network["auto_create_subnetworks"]) == ("gitpod", False)
    for address in ("google_compute_subnetwork.network_subnetwork", "google_container_cluster.cluster"):
        assert app.resource("pov-cluster", address)["network"] == "${google_compute_network.network.name}"


def test_the_cluster_takes_its_addresses_from_the_ranges_by_name(synthesized: Synthesized) -> None:
    cluster = synthesized.resource("pov-cluster", "google_container_cluster.cluster")
    assert cluster["ip_allocation_policy"] == {"cluster_secondary_range_name": "pods", "services_secondary_range_name": "services"}


READ = "data.google_compute_subnetwork.network_subnetwork"


class TestExistingSubnetwork:
    def test_is_read_and_nothing_of_the_network_is_created(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(network=NETWORK)
        assert not {address for address in app.addresses("pov-cluster") if address.startswith("google_compute")}
        read = app.stack("pov-cluster")["data"]["google_compute_subnetwork"]["network_subnetwork"]
        assert {key: read[key] for key in ("project", "region", "name")} == {
            "project": "demo-project",
            "region": "us-central1",
            "name": "nodes",
        }
        assert "depends_on" not in read

    def test_has_the_cluster(self, synth: Callable[..., Synthesized]) -> None:
        cluster = synth(network=NETWORK).resource("pov-cluster", "google_container_cluster.cluster")
        assert (cluster["network"], cluster["subnetwork"]) == ("platform", "nodes")
        assert cluster["ip_allocation_policy"] == {
            "cluster_secondary_range_name": "platform-pods",
            "services_secondary_range_name": "platform-services",
        }
        assert {READ, "google_project_service.apis_container"} <= {*cluster["depends_on"]}

    def test_can_have_cloud_nat(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(network={**NETWORK, "cloud_nat": True})
        nat = app.resource("pov-cluster", "google_compute_router_nat.network_nat")
        assert nat["subnetwork"] == [
            {"name": "projects/demo-project/regions/us-central1/subnetworks/nodes", "source_ip_ranges_to_nat": ["ALL_IP_RANGES"]}
        ]
        assert app.resource("pov-cluster", "google_compute_router.network_router")["network"] == "platform"

    def test_has_no_warning_about_ranges(self, synth: Callable[..., Synthesized]) -> None:
        warnings = synth(network=NETWORK, node_pool={"max_nodes": 1000}).warnings("pov-cluster")
        assert not {"docker-bridge-range", "no-room-for-surge-nodes"} & warnings

    def test_hardened_profile_does_not_change_it(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(profile="hardened", network=NETWORK)
        assert READ in app.addresses("pov-cluster")
        assert "google_compute_router_nat.network_nat" in app.addresses("pov-cluster")

    def test_of_tokens_is_checked_as_far_as_numbers_are_known(self, tmp_path: Path) -> None:
        app = App(outdir=str(tmp_path))
        stack = TerraformStack(app, "own")
        require_providers(stack)
        GoogleProvider(stack, "google")
        text = {name: TerraformVariable(stack, name, type="string").string_value for name in ("region", "subnetwork", "pods")}
        number = TerraformVariable(stack, "number", type="number").number_value
        network = ClusterNetwork(
            stack,
            "network",
            project="demo-project",
            region=text["region"],
            cluster_name="gitpod",
            config=ClusterNetworkConfig(**{**NETWORK, "subnetwork": text["subnetwork"], "pods_range_name": text["pods"]}),
        )
        identity = NodeIdentity(stack, "identity", project="demo-project")
        cluster = GkeCluster(stack, "cluster", project="demo-project", region=text["region"], identity=identity, network=network)
        LabelledNodePool(stack, "pool", cluster=cluster, identity=identity, config=NodePoolConfig(max_nodes=number))
        app.synth()
        (read,) = Synthesized(tmp_path).stack("own")["data"]["google_compute_subnetwork"].values()
        conditions = [one["condition"] for one in read["lifecycle"]["postcondition"]]
        assert (read["name"], read["region"]) == ("${var.subnetwork}", "${var.region}")
        assert "${self.region == var.region}" in conditions
        assert "${contains(self.secondary_ip_range[*].range_name, var.pods)}" in conditions
        assert any(condition.endswith(">= 256 * 3}") for condition in conditions)  # the default pool
        assert not any("self.ip_cidr_range" in condition for condition in conditions)

    def test_has_conditions_and_a_created_one_has_none(self) -> None:
        network = ClusterNetwork(TerraformStack(App(), "own"), "network", project="demo-project", region="a-b1", cluster_name="gitpod")
        with pytest.raises(TypeError, match="only an existing subnetwork has conditions"):
            network.expect(in_region("nodes", "a-b1"))


def test_the_ranges_have_the_given_names(synth: Callable[..., Synthesized]) -> None:
    names: dict[str, Any] = {"pods_range_name": "gke-pods", "services_range_name": "gke-services"}
    app = synth(network=names)
    subnetwork = app.resource("pov-cluster", "google_compute_subnetwork.network_subnetwork")
    assert [one["range_name"] for one in subnetwork["secondary_ip_range"]] == ["gke-pods", "gke-services"]
    assert app.resource("pov-cluster", "google_container_cluster.cluster")["ip_allocation_policy"] == {
        "cluster_secondary_range_name": "gke-pods",
        "services_secondary_range_name": "gke-services",
    }
    outputs = app.stack("pov-cluster")["output"]
    assert [outputs[name]["value"] for name in names] == ["gke-pods", "gke-services"]


class TestSharedVpc:
    OF_THE_HOST = ("google_compute_network", "google_compute_subnetwork", "google_compute_router", "google_compute_router_nat")

    def test_network_is_in_the_host_project_and_cluster_in_the_service_project(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(network={"host_project": "host-project", "network": "shared", "create_network": True, "cloud_nat": True})
        resources = app.stack("pov-cluster")["resource"]
        assert [one["project"] for kind in self.OF_THE_HOST for one in resources[kind].values()] == ["host-project"] * 4
        cluster = app.resource("pov-cluster", "google_container_cluster.cluster")
        assert cluster["project"] == "demo-project"
        assert (cluster["network"], cluster["subnetwork"]) == (
            "projects/host-project/global/networks/${google_compute_network.network.name}",
            "projects/host-project/regions/us-central1/subnetworks/${google_compute_subnetwork.network_subnetwork.name}",
        )

    def test_has_existing_networks_by_their_full_path(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(network={**NETWORK, "host_project": "host-project"})
        cluster = app.resource("pov-cluster", "google_container_cluster.cluster")
        assert (cluster["network"], cluster["subnetwork"]) == (
            "projects/host-project/global/networks/platform",
            "projects/host-project/regions/us-central1/subnetworks/nodes",
        )
        assert app.stack("pov-cluster")["data"]["google_compute_subnetwork"]["network_subnetwork"]["project"] == "host-project"

    def test_has_no_grants_by_default(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(network={"host_project": "host-project"})
        assert not [address for address in app.addresses("pov-cluster") if "service_agents" in address]

    @pytest.mark.parametrize("network", [NETWORK, {}], ids=["existing subnetwork", "created subnetwork"])
    def test_grants_the_service_agents_what_the_cluster_waits_for(self, synth: Callable[..., Synthesized], network: dict[str, Any]) -> None:
        app = synth(network={**network, "host_project": "host-project", "grant_service_agents": True})
        number = "${data.google_project.network_service_agents_project.number}"
        gke = f"serviceAccount:service-{number}@container-engine-robot.iam.gserviceaccount.com"
        google_apis = f"serviceAccount:{number}@cloudservices.gserviceaccount.com"
        name = "nodes" if network else "${google_compute_subnetwork.network_subnetwork.name}"
        of_the_subnetwork = {"project": "host-project", "region": "us-central1", "subnetwork": name, "role": "roles/compute.networkUser"}
        grants = {
            "google_project_iam_member.network_service_agents_host_service_agent_user": {
                "project": "host-project",
                "role": "roles/container.hostServiceAgentUser",
                "member": gke,
            },
            "google_compute_subnetwork_iam_member.network_service_agents_gke_network_user": {**of_the_subnetwork, "member": gke},
            "google_compute_subnetwork_iam_member.network_service_agents_google_apis_network_user": {
                **of_the_subnetwork,
                "member": google_apis,
            },
        }
        for address, expected in grants.items():
            found = app.resource("pov-cluster", address)
            assert "google_project_service.apis_container" in found.pop("depends_on")
            assert found == expected
            assert address in app.resource("pov-cluster", "google_container_cluster.cluster")["depends_on"]
        project = app.stack("pov-cluster")["data"]["google_project"]["network_service_agents_project"]
        assert (project["project_id"], "depends_on" in project) == ("demo-project", False)
