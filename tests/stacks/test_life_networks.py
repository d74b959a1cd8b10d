"""A deployment in a network that exists, from the first apply to the destroy, on real Terraform with stand-in providers."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud import Cloud
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import ROOT, deployment, synthesize
from tests.existing import NETWORK, add_subnetwork, contents
from tests.stacks.test_inputs import CLUSTER, NAT, POOL, ROUTER, SUBNETWORK
from tests.terraform_output import error_text

pytestmark = pytest.mark.terraform

OF_THE_NETWORK = ("google_compute_network", "google_compute_subnetwork")
HOST = {**NETWORK, "host_project": "host-project"}
ONE_ZONE = {"zones": ["us-central1-a"]}
PRIVATE = {"cluster": {"private_nodes": True}, "network": {**NETWORK, "cloud_nat": True}}
GOOGLE = {version: {"providers": {"google": version}, "cluster": {"maintenance_exclusions": []}} for version in ("6.50.0", "7.45.0")}


class Stack(Workspace):
    """The cluster stack of a deployment, which can be synthesized again with other values."""

    def __init__(self, stand_ins: StandIns, root: Path, **sections: Any) -> None:
        self._root, self._count = root, 0
        super().__init__(stand_ins, self._synthesized(sections), root / "a" / "b" / "pov-cluster")
        self.init()

    def _synthesized(self, sections: dict[str, Any]) -> Path:
        self._count += 1
        outdir = self._root / f"out{self._count}"
        synthesize({"pov": deployment(**sections)}, outdir)
        return outdir / "stacks" / "pov-cluster"

    def change(self, **sections: Any) -> None:
        self.synthesize(self._synthesized(sections))

    @property
    def cloud(self) -> Cloud:
        return self.stand_ins.cloud

    def refusal(self) -> str:
        """Return what a plan says that fails, on one line."""
        with pytest.raises(TerraformError) as error:
            self.plan()
        return error_text(error.value)


@pytest.fixture
def stack_of(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    with StandIns(tmp_path / "journal.jsonl") as stand_ins:
        yield lambda **sections: Stack(stand_ins, tmp_path, **sections)


class TestExistingSubnetwork:
    @pytest.mark.parametrize("version", GOOGLE)
    def test_is_used_and_not_changed(self, stack_of: Callable[..., Stack], version: str) -> None:
        other_zones = {"zones": ["us-central1-a", "us-central1-b"]}
        stack = stack_of(**ONE_ZONE, **GOOGLE[version], network={**NETWORK, "cloud_nat": True})
        add_subnetwork(stack.cloud)
        before = contents(stack.cloud, *OF_THE_NETWORK)
        plan = stack.plan()
        assert set(plan.changes.values()) == {"create"}
        assert not {address for address in plan.changes if address.partition(".")[0] in OF_THE_NETWORK}
        stack.apply(plan)
        assert stack.plan().empty
        cluster, nat = stack.state()[CLUSTER], stack.state()[NAT]
        assert (cluster["network"], cluster["subnetwork"]) == ("platform", "nodes")
        assert cluster["ip_allocation_policy"][0]["cluster_secondary_range_name"] == "platform-pods"
        assert cluster["ip_allocation_policy"][0]["services_secondary_range_name"] == "platform-services"
        assert nat["subnetwork"][0]["name"] == "projects/demo-project/regions/us-central1/subnetworks/nodes"
        stack.change(**other_zones, **GOOGLE[version], network=NETWORK)
        assert stack.plan().changes == {CLUSTER: "update", POOL: "update", ROUTER: "delete", NAT: "delete"}
        stack.apply()
        assert stack.plan().empty
        stack.destroy()
        assert stack.state() == {}
        assert contents(stack.cloud, *OF_THE_NETWORK) == before

    def test_private_nodes_with_private_google_access(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, profile="hardened", network=NETWORK)
        add_subnetwork(stack.cloud, private_ip_google_access=True)
        stack.apply()
        assert stack.plan().empty

    def test_waits_for_the_apis_but_is_read_before(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, cluster={"version": "1.35.8"}, network=NETWORK)
        add_subnetwork(stack.cloud)
        stack.apply()
        assert stack.cloud.journal.precedes("google_project_service", "google_container_cluster")

    def test_created_subnetwork_can_be_removed_from_the_state_and_kept(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, network={"cloud_nat": True})
        stack.apply()
        before = contents(stack.cloud, *OF_THE_NETWORK)
        names = {"subnetwork": "gitpod-gitpod", "pods_range_name": "pods", "services_range_name": "services"}
        stack.change(**ONE_ZONE, network={"cloud_nat": True, "create_subnetwork": False, **names})
        assert stack.plan().changes == {SUBNETWORK: "delete"}
        with pytest.raises(TerraformError, match="is already being used by"):
            stack.apply()
        (command,) = re.findall(r"^terraform (state rm .*)$", (ROOT / "docs" / "networks.md").read_text(encoding="utf-8"), re.MULTILINE)
        stack.run(*command.split())
        assert stack.plan().empty
        stack.destroy()
        assert contents(stack.cloud, *OF_THE_NETWORK) == before

    def test_late_read_does_not_replace_the_cluster(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, network={**HOST, "cloud_nat": True})
        add_subnetwork(stack.cloud, "host-project")
        stack.apply()
        stack.change(**ONE_ZONE, network={**HOST, "cloud_nat": True}, apis={"services": ["pubsub.googleapis.com"]})
        file = stack.directory / "cdk.tf.json"
        content = json.loads(file.read_text())
        (read,) = content["data"]["google_compute_subnetwork"].values()
        read["depends_on"] = ["google_project_service.apis_pubsub"]  # as with depends_on of a module
        file.write_text(json.dumps(content))
        assert stack.plan().changes["google_project_service.apis_pubsub"] == "create"
        assert not {CLUSTER, POOL, NAT, ROUTER} & stack.plan().changes.keys()

    @pytest.mark.parametrize(
        ("values", "sections", "message"),
        [
            (
                {"ranges": {"platform-services": "10.96.0.0/20"}},
                {},
                (
                    "network.pods_range_name: 'platform-pods' is not a secondary range of the subnetwork 'nodes', which has "
                    '["platform-services"]: use one of these, or add the range to the subnetwork'
                ),
            ),
            (
                {"ranges": {}},
                {},
                (
                    "network.services_range_name: 'platform-services' is not a secondary range of the subnetwork 'nodes', which has []: "
                    "use one of these, or add the range to the subnetwork"
                ),
            ),
            (
                {"ranges": {"platform-pods": "10.64.0.0/14", "platform-services": "10.96.0.0/28"}},
                {},
                (
                    "network.services_range_name: 'platform-services' is 10.96.0.0/28, but a range for Services must be /16 to /27: use "
                    "another range"
                ),
            ),
            (
                {"ranges": {"platform-pods": "10.64.0.0/20", "platform-services": "10.96.0.0/20"}},
                {},
                (
                    "network.pods_range_name: 'platform-pods' is 10.64.0.0/20 and has room for 16 nodes, but 150 are possible (50 per zone "
                    "in 3 zones): use a range of /16 or larger, or lower node_pool.max_nodes to 5"
                ),
            ),
            (
                {"ranges": {"platform-pods": "10.64.0.0/24", "platform-services": "10.96.0.0/20"}},
                {"zones": ["us-central1-a", "us-central1-b"], "node_pool": {"max_nodes": 1}, "cluster": {"default_max_pods_per_node": 8}},
                (
                    "network.pods_range_name: 'platform-pods' is 10.64.0.0/24 and has room for 1 node, but 2 are possible (1 per zone in 2 "
                    "zones): use a range of /23 or larger"
                ),
            ),
            (
                {"ranges": {"platform-pods": "10.64.0.0/23", "platform-services": "10.96.0.0/20"}},
                {"node_pool": {"max_pods_per_node": 8, "max_nodes": 5}},
                (
                    "network.pods_range_name: 'platform-pods' is 10.64.0.0/23, which is too small for the default node pool, which GKE "
                    "creates first with one node per zone and 256 addresses for each: use a larger range, or lower "
                    "cluster.default_max_pods_per_node"
                ),
            ),
            (
                {"ip_cidr_range": "10.32.0.0/26"},
                {},
                (
                    "network.subnetwork: 'nodes' is 10.32.0.0/26 and has room for 60 nodes, but 150 are possible (50 per zone in 3 zones): "
                    "use a range of /24 or larger, or lower node_pool.max_nodes to 20"
                ),
            ),
            (
                {"network": "https://www.googleapis.com/compute/v1/projects/demo-project/global/networks/other"},
                {},
                (
                    "network.subnetwork: 'nodes' is in the network 'other', not in 'platform': set network.network to the network of the "
                    "subnetwork, or use another subnetwork"
                ),
            ),
            (
                {},
                PRIVATE,
                (
                    "network.subnetwork: 'nodes' has no Private Google Access, through which the nodes of cluster.private_nodes reach "
                    "Google's APIs and registries: run `gcloud compute networks subnets update nodes --region us-central1 --project "
                    "demo-project --enable-private-ip-google-access`, or use another subnetwork"
                ),
            ),
            (
                {"ranges": {"platform-pods": "10.64.0.0/20", "platform-services": "10.96.0.0/20"}},
                {"zones": ["us-central1-a"], "node_pool": {"max_nodes": 10}, "pools": {"spot": {"max_total_nodes": 7}}},
                (
                    "network.pods_range_name: 'platform-pods' is 10.64.0.0/20 and has 4096 addresses, but the pools can need up to 4352 "
                    "(node_pool 2560, pools.spot 1792): use a range of /19 or larger, or lower the maximum of a pool"
                ),
            ),
            (
                {"ip_cidr_range": "10.32.0.0/28"},
                {"zones": ["us-central1-a"], "node_pool": {"max_nodes": 10}, "pools": {"spot": {"max_nodes": 3}}},
                (
                    "network.subnetwork: 'nodes' is 10.32.0.0/28 and has room for 12 nodes, but the pools can need up to 13 (node_pool 10, "
                    "pools.spot 3): use a range of /27 or larger, or lower the maximum of a pool"
                ),
            ),
            (
                {"ip_cidr_range": "10.32.0.0/28"},
                {"node_pool": {"max_total_nodes": 13}},
                (
                    "network.subnetwork: 'nodes' is 10.32.0.0/28 and has room for 12 nodes, but 13 are possible: use a range of /27 or "
                    "larger, or lower node_pool.max_total_nodes to 12"
                ),
            ),
            ({"region": "europe-west1"}, {}, "projects/demo-project/regions/us-central1/subnetworks/nodes not found"),
        ],
    )
    def test_subnetwork_that_does_not_fit_fails_the_plan(
        self, stack_of: Callable[..., Stack], values: dict[str, Any], sections: dict[str, Any], message: str
    ) -> None:
        stack = stack_of(**{"network": NETWORK, **sections})
        add_subnetwork(stack.cloud, **values)
        refusal = stack.refusal()
        assert message in refusal
        assert refusal.count("Error: ") == (2 if values.get("ranges") == {} else 1)

    def test_deployment_whose_subnetwork_no_longer_fits_can_be_destroyed(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, network=NETWORK)
        id_ = add_subnetwork(stack.cloud)
        stack.apply()
        stack.cloud.change("google_compute_subnetwork", "ip_cidr_range", "10.32.0.0/29", id_)
        assert "'nodes' is 10.32.0.0/29 and has room for 4 nodes" in stack.refusal()
        stack.destroy()
        assert stack.state() == {}


SUBNETWORK_GRANT = "google_compute_subnetwork_iam_member"
PROJECT_GRANT = "google_project_iam_member.network_service_agents_host_service_agent_user"


class TestSharedVpc:
    @pytest.mark.parametrize("version", GOOGLE)
    def test_network_of_the_platform_team_is_not_changed(self, stack_of: Callable[..., Stack], version: str) -> None:
        stack = stack_of(**ONE_ZONE, **GOOGLE[version], network=HOST)
        add_subnetwork(stack.cloud, "host-project")
        before = contents(stack.cloud, *OF_THE_NETWORK)
        stack.apply()
        assert stack.plan().empty
        cluster = stack.state()[CLUSTER]
        assert (cluster["project"], cluster["network"], cluster["subnetwork"]) == (
            "demo-project",
            "projects/host-project/global/networks/platform",
            "projects/host-project/regions/us-central1/subnetworks/nodes",
        )
        stack.change(**ONE_ZONE, **GOOGLE[version], network={**HOST, "cloud_nat": True})
        assert stack.plan().changes == {ROUTER: "create", NAT: "create"}
        stack.apply()
        assert {stack.state()[address]["project"] for address in (ROUTER, NAT)} == {"host-project"}
        assert stack.plan().empty
        stack.destroy()
        assert contents(stack.cloud, *OF_THE_NETWORK) == before

    @pytest.mark.parametrize("version", GOOGLE)
    def test_is_created_and_shared_with_grants(self, stack_of: Callable[..., Stack], version: str) -> None:
        network = {"host_project": "host-project", "network": "shared", "create_network": True, "grant_service_agents": True}
        stack = stack_of(**ONE_ZONE, **GOOGLE[version], network=network)
        stack.apply()
        assert stack.plan().empty
        journal = stack.cloud.journal
        for kind in (SUBNETWORK_GRANT, "google_project_iam_member"):
            assert journal.precedes("google_project_service", kind)
        assert journal.precedes(SUBNETWORK_GRANT, "google_container_cluster")
        assert {one["project"] for kind in OF_THE_NETWORK for one in stack.cloud.objects(kind)} == {"host-project"}
        started = journal.mark()
        stack.destroy()
        assert journal.precedes("google_container_cluster", SUBNETWORK_GRANT, call="destroy", since=started)
        assert [one for kind in (*OF_THE_NETWORK, SUBNETWORK_GRANT) for one in stack.cloud.objects(kind)] == []

    def test_is_not_deleted_while_its_cluster_uses_it(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, network={"host_project": "host-project"})
        stack.apply()
        stack.change(**ONE_ZONE, network={"host_project": "host-project", "nodes_cidr": "10.64.0.0/20"})
        assert stack.plan().changes == {"google_compute_subnetwork.network_subnetwork": "replace"}
        with pytest.raises(TerraformError, match="is already being used by"):
            stack.apply()

    def test_grants_are_added_and_removed_and_survive_a_change_of_the_apis(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, network=HOST)
        add_subnetwork(stack.cloud, "host-project")
        stack.apply()
        stack.change(**ONE_ZONE, network={**HOST, "grant_service_agents": True})
        assert set(stack.plan().changes.values()) == {"create"}
        stack.apply()
        apis = ["compute.googleapis.com", "container.googleapis.com", "pubsub.googleapis.com"]
        stack.change(**ONE_ZONE, network={**HOST, "grant_service_agents": True}, apis={"services": apis})
        assert not {address for address in stack.plan().changes if "service_agents" in address}
        stack.apply()
        stack.change(**ONE_ZONE, network=HOST, apis={"services": apis})
        assert set(stack.plan().changes.values()) == {"delete"}
        assert PROJECT_GRANT in stack.plan().changes

    def test_another_host_project_replaces_the_cluster(self, stack_of: Callable[..., Stack]) -> None:
        stack = stack_of(**ONE_ZONE, network=HOST)
        for project in ("host-project", "other-host"):
            add_subnetwork(stack.cloud, project)
        stack.apply()
        stack.change(**ONE_ZONE, network={**HOST, "host_project": "other-host"})
        assert stack.plan().changes[CLUSTER] == "replace"
