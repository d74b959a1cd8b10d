"""The files of a hand-over under real Terraform: as roots, as modules, with other values and with refused ones."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from deployment.parameters import ParameterKey
from handover.folder import files_of, write
from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import TerraformError, Workspace
from tests.app import deployment, synthesize
from tests.existing import NETWORK, add_subnetwork, contents
from tests.killed import kill_while_creating
from tests.terraform_output import error_text

pytestmark = pytest.mark.terraform

SOURCE: dict[str, Any] = {"project": "my-gitpod-pov", "zones": ["us-central1-a"]}
OTHER: dict[str, Any] = {
    "project": "other-project",
    "region": "europe-west1",
    "zones": ["europe-west1-b", "europe-west1-c"],
    "cluster_name": "trial",
    "cluster_authorized_networks": {"office": "203.0.113.0/24", "vpn": "198.51.100.0/24"},
    "cluster_maintenance_window": {
        "start_time": "2027-01-02T03:00:00Z",
        "end_time": "2027-01-02T09:00:00Z",
        "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
    },
    "cluster_resource_labels": {"team": "platform"},
    "identity_account_id": "gitpod-trial",
    "network_network": "trial",
    "network_subnetwork": "trial-nodes",
    "node_pool_name": "workspaces",
    "node_pool_labels": {"example.com/team": "platform"},
    "node_pool_disk_size_gb": 200,
    "network_nodes_cidr": "10.20.0.0/16",
    "network_pods_cidr": "10.32.0.0/12",
    "network_services_cidr": "10.64.0.0/18",
    "node_pool_machine_type": "n2-standard-8",
    "node_pool_initial_nodes": 3,
    "node_pool_min_nodes": 2,
    "node_pool_max_nodes": 7,
    "admins_members": ["user:alice@example.com", "user:Bob@example.com", "serviceAccount:ci@my-project.iam.gserviceaccount.com"],
}


VARIANTS: dict[str, dict[str, Any]] = {
    "no parameter": {"handover": {"parameters": []}},
    "some parameters": {"handover": {"parameters": ["region", "network.pods_cidr", "node_pool.max_nodes"]}},
    "every parameter": {"handover": {"parameters": get_args(ParameterKey)}, "admins": {"members": ["user:alice@example.com"]}},
    "own network": {"network": {"network": "gitpod", "create_network": True}, "apis": {"manage": False}},
    "pinned version": {"cluster": {"version": "1.33.5-gke.1080000"}},
    "no maintenance policy": {"cluster": {"maintenance_exclusions": []}},
    "labels": {
        "cluster": {"resource_labels": {"team": "platform"}, "authorized_networks": {}},
        "node_pool": {"labels": {"example.com/team": "platform", "gitpod.io/workload_ide": "true"}},
    },
    "groups": {
        "cluster": {"rbac_security_group": "gke-security-groups@example.com"},
        "admins": {"members": ["group:platform@example.com"]},
    },
    "Shared VPC": {"network": {"host_project": "host-project", "grant_service_agents": True, "cloud_nat": True}},
    "additional pools": {
        "node_pool": {"upgrade_settings": {"strategy": "BLUE_GREEN"}},
        "pools": {"spot": {"spot": True, "workloads": ["workspace_regular"], "max_total_nodes": 9}, "other": {}},
    },
    "limits for the whole region": {"node_pool": {"max_total_nodes": 9}},
    "custom role": {"identity": {"roles": ["projects/demo-project/roles/nodes"]}},
}


class Folder(Workspace):
    """Terraform in a folder of a hand-over, which is taken as it is."""

    def synthesize(self, stack: Path) -> None:
        assert stack == self.directory

    def set(self, folder_values: Mapping[str, Any]) -> None:
        (self.directory / "terraform.tfvars.json").write_text(json.dumps(folder_values))


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handover") / "pov"
    write(files_of("pov", deployment(**SOURCE), "json"), folder)
    return folder


@pytest.fixture
def copy(handed_over: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handed_over, tmp_path / "elsewhere"))


def declared(directory: Path) -> set[str]:
    """Return the names of the variables of a configuration."""
    return set(json.loads((directory / "variables.tf.json").read_text())["variable"])


def folder(stand_ins: StandIns, directory: Path, values: Mapping[str, Any] | None = None) -> Folder:
    made = Folder(stand_ins, directory, directory)
    if values:
        made.set({name: value for name, value in values.items() if name in declared(directory)})
    made.init()
    return made


def planned(workspace: Workspace) -> dict[str, Any]:
    """What a plan says that will be: every resource with its values, and every output."""
    plan = workspace.plan()
    values = json.loads(workspace.run("show", "-json", str(plan.file)))["planned_values"]
    resources = {one["address"]: one["values"] for one in values["root_module"]["resources"] if one["mode"] == "managed"}
    return {"resources": resources, "outputs": {name: output.get("value") for name, output in values.get("outputs", {}).items()}}


class TestRoots:
    def test_apply_then_nothing_to_do_then_destroy(self, stand_ins: StandIns, copy: Path) -> None:
        for name in ("1-cluster", "2-rbac"):
            root = folder(stand_ins, copy / name)
            assert root.validate() == []
            root.apply(root.plan())
            assert root.plan().empty
            assert (copy / name / "terraform.tfstate").exists()
        for name in ("2-rbac", "1-cluster"):
            root = Folder(stand_ins, copy / name, copy / name)
            root.destroy()
            assert root.state() == {}

    def test_of_a_hardened_deployment_are_destroyed_as_documented(self, stand_ins: StandIns, tmp_path: Path) -> None:
        write(files_of("pov", deployment(**SOURCE, profile="hardened"), "json"), tmp_path / "pov")
        readme = (tmp_path / "pov" / "README.md").read_text()
        section = readme[readme.index("## Destroy") :]
        assert all(name in section for name in ("`deletion_protection`", "`prevent_destroy`", "`1-cluster/main.tf.json`"))
        cluster, rbac = (folder(stand_ins, tmp_path / "pov" / name) for name in ("1-cluster", "2-rbac"))
        for root in (cluster, rbac):
            root.apply()
            assert root.plan().empty
        unprotect(cluster.directory)
        assert cluster.plan().changes == {"google_container_cluster.cluster": "update"}
        cluster.apply()
        for root in (rbac, cluster):
            root.destroy()
            assert root.state() == {}

    def documented(self, directory: Path, command: str) -> list[str]:
        """The arguments of the one command of the README that begins so."""
        lines = (directory / "README.md").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"terraform -chdir={command} "))
        return line.split()[2:]

    def test_an_existing_cluster_is_imported_as_documented(self, stand_ins: StandIns, copy: Path) -> None:
        root = folder(stand_ins, copy / "1-cluster")
        root.apply()
        for kind in ("google_container_node_pool.node_pool", "google_container_cluster.cluster"):
            root.run("state", "rm", kind)
        root.run(*self.documented(copy, "1-cluster import google_container_cluster.cluster"))
        root.run(*self.documented(copy, "1-cluster import google_container_node_pool.node_pool"))
        assert set(root.plan().changes.values()) <= {"update"}

    def test_a_cluster_of_a_killed_terraform_is_imported_as_documented(self, stand_ins: StandIns, copy: Path) -> None:
        text = (copy / "README.md").read_text().partition("**Terraform was killed.**")[2].partition("**The cluster was deleted")[0]
        root = folder(stand_ins, copy / "1-cluster")
        kill_while_creating("google_container_cluster", root, stand_ins.cloud)
        cluster = "projects/my-gitpod-pov/locations/us-central1/clusters/gitpod"
        assert stand_ins.cloud.find("google_container_node_pool", f"{cluster}/nodePools/default-pool")
        lock = copy / "1-cluster" / ".terraform.tfstate.lock.info"
        with pytest.raises(TerraformError, match="not locked"):
            root.run("force-unlock", "-force", json.loads(lock.read_text())["ID"])
        assert "is not locked any more" in text
        assert not [words for words in ("force-unlock", "lock.info", "gcloud") if words in text]
        with pytest.raises(TerraformError, match=f"Already exists: {cluster}"):
            root.apply()
        root.run(*self.documented(copy, "1-cluster import google_container_cluster.cluster"))
        assert root.plan().changes["google_container_cluster.cluster"] == "update"
        root.apply()
        assert "the next apply removes the default node pool" in text
        assert stand_ins.cloud.find("google_container_node_pool", f"{cluster}/nodePools/default-pool") is None
        assert root.plan().empty

    @pytest.mark.parametrize(
        ("cluster", "edit", "changes"),
        [
            ({}, {"datapath_provider": "ADVANCED_DATAPATH"}, {}),
            ({}, {"min_master_version": "1.99.0-gke.1"}, {}),
            ({"version": "1.33.5-gke.1080000"}, {"min_master_version": "1.99.0-gke.1"}, {"google_container_cluster.cluster": "update"}),
        ],
        ids=["datapath", "ignored version", "version"],
    )
    def test_edits_of_the_cluster_have_the_documented_effect(
        self, stand_ins: StandIns, tmp_path: Path, cluster: dict[str, Any], edit: dict[str, str], changes: dict[str, str]
    ) -> None:
        write(files_of("pov", deployment(**SOURCE, cluster=cluster), "json"), tmp_path / "pov")
        readme = (tmp_path / "pov" / "README.md").read_text()
        assert "Terraform ignores a change of `datapath_provider`" in readme
        assert ("To upgrade the cluster yourself, set `min_master_version`" in readme) == bool(cluster)
        root = folder(stand_ins, tmp_path / "pov" / "1-cluster")
        root.apply()
        main = root.directory / "main.tf.json"
        content = json.loads(main.read_text())
        content["resource"]["google_container_cluster"]["cluster"] |= edit
        main.write_text(json.dumps(content))
        assert root.plan().changes == changes

    def test_a_binding_of_a_deleted_cluster_is_removed_from_the_state_as_documented(self, stand_ins: StandIns, copy: Path) -> None:
        cluster, rbac = (folder(stand_ins, copy / name) for name in ("1-cluster", "2-rbac"))
        for root in (cluster, rbac):
            root.apply()
        cluster.destroy()
        with pytest.raises(TerraformError):
            rbac.destroy()
        rbac.run(*self.documented(copy, "2-rbac state rm"))
        assert rbac.state() == {}

    def test_a_protected_cluster_is_kept_as_documented_after_a_failed_creation(self, stand_ins: StandIns, tmp_path: Path) -> None:
        write(files_of("pov", deployment(**SOURCE, profile="hardened"), "json"), tmp_path / "pov")
        root = folder(stand_ins, tmp_path / "pov" / "1-cluster")
        stand_ins.cloud.break_down(Fault("create", "google_container_cluster", carried_out=True))
        with pytest.raises(TerraformError, match="Error 500"):
            root.apply()
        with pytest.raises(TerraformError, match="prevent_destroy"):
            root.plan()
        root.run(*self.documented(tmp_path / "pov", "1-cluster untaint"))
        root.apply()
        assert root.plan().empty
        pools = [pool["name"] for pool in stand_ins.cloud.objects("google_container_node_pool")]
        assert "default-pool" in pools, "the README has the command that deletes it"

    @pytest.mark.parametrize("values", [{}, OTHER, {"zones": []}], ids=["as handed over", "other values", "every zone"])
    def test_plan_is_that_of_the_stacks_with_these_values(
        self, stand_ins: StandIns, copy: Path, tmp_path: Path, values: dict[str, Any]
    ) -> None:
        app = synthesize({"pov": with_values(values)}, tmp_path / "cdktf.out")
        for name, stack in (("1-cluster", "pov-cluster"), ("2-rbac", "pov-rbac")):
            own = Workspace(stand_ins, app.outdir / "stacks" / stack, tmp_path / "a" / "b" / "c" / stack)
            own.init()
            root = folder(stand_ins, copy / name, values)
            assert planned(root) == planned(own)
            own.apply()

    @pytest.mark.parametrize("sections", VARIANTS.values(), ids=VARIANTS)
    def test_other_deployments_apply_and_have_an_empty_plan(self, stand_ins: StandIns, tmp_path: Path, sections: dict[str, Any]) -> None:
        write(files_of("pov", deployment(**sections), "json"), tmp_path / "pov")
        for name in ("1-cluster", "2-rbac"):
            root = folder(stand_ins, tmp_path / "pov" / name)
            root.apply()
            assert root.plan().empty

    def test_use_the_state_of_the_source_deployment(self, stand_ins: StandIns, copy: Path, tmp_path: Path) -> None:
        app = synthesize({"pov": deployment(**SOURCE)}, tmp_path / "cdktf.out")
        for name, stack in (("1-cluster", "pov-cluster"), ("2-rbac", "pov-rbac")):
            own = Workspace(stand_ins, app.outdir / "stacks" / stack, tmp_path / "a" / "b" / "c" / stack)
            own.init()
            own.apply()
            (state,) = tmp_path.rglob(f"terraform.{stack}.tfstate")
            shutil.copy(state, copy / name / "terraform.tfstate")
            assert folder(stand_ins, copy / name).plan().changes == {}

    def test_the_example_values_are_formatted_and_change_nothing(self, stand_ins: StandIns, copy: Path) -> None:
        root = folder(stand_ins, copy / "1-cluster")
        before = planned(root)
        shutil.copy(copy / "1-cluster" / "terraform.tfvars.example", copy / "1-cluster" / "terraform.tfvars")
        root.run("fmt", "-check", "terraform.tfvars")
        assert planned(root) == before


class TestExistingSubnetwork:
    @pytest.fixture
    def root(self, stand_ins: StandIns, tmp_path: Path) -> Folder:
        write(files_of("pov", deployment(**SOURCE, network=NETWORK)), tmp_path / "pov")
        return folder(stand_ins, tmp_path / "pov" / "1-cluster")

    def test_is_used_and_not_changed(self, root: Folder) -> None:
        add_subnetwork(root.stand_ins.cloud, SOURCE["project"])
        before = contents(root.stand_ins.cloud, "google_compute_subnetwork")
        assert root.validate() == []
        root.apply()
        assert root.plan().empty
        root.destroy()
        assert contents(root.stand_ins.cloud, "google_compute_subnetwork") == before

    def test_has_no_variables_for_its_ranges(self, root: Folder) -> None:
        variables = set(re.findall(r'^variable "(\w+)"', (root.directory / "variables.tf").read_text(), re.MULTILINE))
        assert variables >= {"region", "zones", "node_pool_max_nodes"}
        assert {name for name in variables if name.startswith("network_")} == {"network_network", "network_subnetwork"}

    def test_is_read_and_checked_with_the_values_of_the_variables(self, root: Folder) -> None:
        values = {"project": "other-project", "region": "europe-west1", "zones": ["europe-west1-b", "europe-west1-c"]}
        ranges = {"platform-pods": "10.64.0.0/22", "platform-services": "10.96.0.0/20"}
        add_subnetwork(root.stand_ins.cloud, "other-project", "europe-west1", ranges=ranges)
        root.set({**values, "node_pool_max_nodes": 3})
        with pytest.raises(TerraformError) as error:
            root.plan()
        assert (
            "network.pods_range_name: 'platform-pods' is 10.64.0.0/22 and has room for 4 nodes, but 6 are possible (3 per zone in 2 "
            "zones): use a larger range, or lower node_pool_max_nodes to 2"
        ) in error_text(error.value)
        root.set({**values, "node_pool_max_nodes": 2})
        root.apply()
        assert root.plan().empty

    def test_of_several_pools_is_checked_for_all_of_them(self, stand_ins: StandIns, tmp_path: Path) -> None:
        one = deployment(**SOURCE, network=NETWORK, pools={"spot": {"max_nodes": 2}, "total": {"max_total_nodes": 5}})
        write(files_of("pov", one), tmp_path / "pov")
        add_subnetwork(stand_ins.cloud, SOURCE["project"], ip_cidr_range="10.32.0.0/28")
        root = folder(stand_ins, tmp_path / "pov" / "1-cluster")
        root.set({"zones": ["us-central1-a", "us-central1-b"], "node_pool_max_nodes": 2})
        with pytest.raises(TerraformError) as error:
            root.plan()
        assert (
            "network_subnetwork: 'nodes' is 10.32.0.0/28 and has room for 12 nodes, but the pools can need up to 13 (node_pool 4, "
            "pools.spot 4, pools.total 5): use a larger range, or lower the maximum of a pool"
        ) in error_text(error.value)
        root.set({"zones": ["us-central1-a", "us-central1-b"], "node_pool_max_nodes": 1})
        root.apply()
        assert root.plan().empty

    @pytest.mark.parametrize(
        "parameters", [[], ["region"], ["zones"], ["node_pool.max_nodes"], [key for key in get_args(ParameterKey) if "_cidr" not in key]]
    )
    def test_with_other_parameters(self, stand_ins: StandIns, tmp_path: Path, parameters: list[str]) -> None:
        one = deployment(**SOURCE, network=NETWORK, handover={"parameters": parameters}, admins={"members": ["user:alice@example.com"]})
        write(files_of("pov", one), tmp_path / "pov")
        add_subnetwork(stand_ins.cloud, SOURCE["project"], ip_cidr_range="10.32.0.0/27")
        root = folder(stand_ins, tmp_path / "pov" / "1-cluster")
        with pytest.raises(TerraformError, match=r"'nodes' is 10\.32\.0\.0/27 and has room for 28"):
            root.plan()


OTHER_REGION = "region: 'europe-west1' has no access to the Cloud KMS key in us-central1: use another key"
KEY = "projects/keys-project/locations/{}/keyRings/ring/cryptoKeys/key"


class TestKeys:
    """Cloud KMS keys are literals, while the region is a variable: a cluster in another region cannot use them."""

    @pytest.mark.parametrize(
        ("keys", "region", "message"),
        [
            ({"secrets_kms_key": KEY.format("us-central1")}, "us-central1", ""),
            ({"secrets_kms_key": KEY.format("us-central1")}, "europe-west1", OTHER_REGION),
            ({"boot_disk_kms_key": KEY.format("us-central1")}, "europe-west1", OTHER_REGION),
            ({"boot_disk_kms_key": KEY.format("global")}, "europe-west1", ""),
            ({}, "europe-west1", ""),
        ],
        ids=str,
    )
    def test_of_another_region_make_the_plan_fail(
        self, stand_ins: StandIns, tmp_path: Path, keys: dict[str, str], region: str, message: str
    ) -> None:
        write(files_of("pov", deployment(project="my-gitpod-pov", cluster=keys)), tmp_path / "pov")
        root = folder(stand_ins, tmp_path / "pov" / "1-cluster")
        root.set({"region": region})
        if message:
            with pytest.raises(TerraformError) as error:
                root.plan()
            assert message in error_text(error.value)
        else:
            root.plan()


def with_values(values: Mapping[str, Any]) -> Any:
    """The source deployment with the values of Terraform variables, each at its key."""
    sections: dict[str, Any] = dict(SOURCE)
    for name, value in values.items():
        section, _, key = name.partition("_")
        if section == "node":
            section, key = "node_pool", key.removeprefix("pool_")
        if key:
            sections.setdefault(section, {})[key] = value
        else:
            sections[section] = value
    return deployment(**sections)


def unprotect(directory: Path) -> None:
    """Edit the cluster as the README's section on destroying says."""
    main = directory / "main.tf.json"
    content = json.loads(main.read_text())
    (cluster,) = content["resource"]["google_container_cluster"].values()
    cluster["deletion_protection"] = False
    del cluster["lifecycle"]["prevent_destroy"]
    main.write_text(json.dumps(content))


class TestModules:
    def test_the_example_applies_then_has_nothing_to_do_then_destroys(self, stand_ins: StandIns, copy: Path) -> None:
        root = folder(stand_ins, copy / "example")
        assert root.validate() == []
        root.apply(root.plan())
        assert root.plan().empty
        assert root.outputs()["cluster_admins"] == [stand_ins.cloud.facts["account_email"]]
        assert stand_ins.cloud.journal.precedes("google_container_cluster", "kubernetes_cluster_role_binding_v1")
        root.destroy()
        assert stand_ins.cloud.objects("google_container_cluster") == []

    def test_the_example_of_a_hardened_deployment_connects_by_name_and_is_destroyed_as_documented(
        self, stand_ins: StandIns, tmp_path: Path
    ) -> None:
        write(files_of("pov", deployment(**SOURCE, profile="hardened"), "json"), tmp_path / "pov")
        (kubernetes,) = json.loads((tmp_path / "pov" / "example" / "terraform.tf.json").read_text())["provider"]["kubernetes"]
        assert kubernetes.keys() == {"host", "token"}
        root = folder(stand_ins, tmp_path / "pov" / "example")
        assert root.validate() == []
        root.apply(root.plan())
        assert root.plan().empty

        with pytest.raises(TerraformError, match="prevent_destroy"):
            root.destroy()
        unprotect(tmp_path / "pov" / "modules" / "cluster")
        assert root.plan().changes == {"module.cluster.google_container_cluster.cluster": "update"}
        root.apply()
        root.destroy()
        assert stand_ins.cloud.objects("google_container_cluster") == []

    @pytest.mark.parametrize("admins", [[], OTHER["admins_members"]], ids=["account that runs Terraform", "members"])
    def test_called_with_other_values(self, stand_ins: StandIns, copy: Path, admins: list[str]) -> None:
        calls = copy / "example" / "main.tf.json"
        content = json.loads(calls.read_text())
        for module, call in content["module"].items():
            known = declared(copy / "modules" / module)
            call.update({name: value for name, value in {**OTHER, "admins_members": admins}.items() if name in known})
        calls.write_text(json.dumps(content))
        root = folder(stand_ins, copy / "example")
        root.apply()
        assert root.plan().empty
        (cluster,) = stand_ins.cloud.objects("google_container_cluster")
        assert (cluster["project"], cluster["name"], cluster["location"]) == ("other-project", "trial", "europe-west1")


WINDOW = {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z", "recurrence": "FREQ=DAILY"}
REFUSED: list[tuple[str, Any, str]] = [
    ("project", "My Project", "project: 'My Project' is not a project ID"),
    ("region", "us-central1-a", "region: 'us-central1-a' is not a region"),
    ("zones", ["us-central1"], "zones: 'us-central1': not a zone, such as us-central1-a"),
    ("zones", ["us-east1", "us-central1"], "zones: 'us-east1', 'us-central1': not a zone, such as us-central1-a"),
    ("zones", ["us-central1-a", "us-central1-a"], "a value that is listed twice"),
    ("cluster_name", "c" * 41, "is not a valid GKE name: at most 40"),
    ("network_nodes_cidr", "10.0.0.1/20", "network_nodes_cidr: '10.0.0.1/20' is not an IPv4 range in CIDR notation without host bits"),
    ("network_nodes_cidr", "10.0.0.0/30", "network_nodes_cidr: '10.0.0.0/30' must be /29 or larger"),
    ("network_pods_cidr", "fd00::/64", "network_pods_cidr: 'fd00::/64' is not an IPv4 range"),
    ("network_services_cidr", "10.8.0.0/28", "network_services_cidr: '10.8.0.0/28' must be /16 to /27"),
    ("network_nodes_cidr", "169.254.0.0/16", "network_nodes_cidr: '169.254.0.0/16' overlaps one of 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16"),
    ("network_pods_cidr", "224.0.0.0/8", "network_pods_cidr: '224.0.0.0/8' overlaps one of"),
    ("network_services_cidr", "127.1.0.0/20", "network_services_cidr: '127.1.0.0/20' overlaps one of"),
    ("node_pool_machine_type", "N2", "node_pool_machine_type: 'N2' is not a machine type"),
    ("node_pool_initial_nodes", -1, "node_pool_initial_nodes: '-1' must be 0 or more"),
    ("node_pool_min_nodes", 0.5, "node_pool_min_nodes: '0.5' must be a whole number"),
    ("node_pool_max_nodes", 1001, "node_pool_max_nodes: '1001' must be 1000 or less"),
    ("cluster_authorized_networks", {"office": "203.0.113.1/24"}, "cluster_authorized_networks: '203.0.113.1/24': not an IPv4 range"),
    ("cluster_authorized_networks", {"": "203.0.113.0/24"}, "cluster_authorized_networks: '': must not be empty"),
    ("cluster_authorized_networks", {"all": "0.0.0.0/0"}, "cluster_authorized_networks: allows every network"),
    (
        "cluster_authorized_networks",
        {str(number): f"203.0.{number}.0/24" for number in range(101)},
        "cluster_authorized_networks: has 101 networks, but GKE accepts at most 100",
    ),
    ("cluster_maintenance_window", {**WINDOW, "start_time": "2027-01-02"}, "start_time: '2027-01-02' is not a time in UTC"),
    ("cluster_maintenance_window", {**WINDOW, "end_time": "2027-01-02T25:00:00Z"}, "end_time: '2027-01-02T25:00:00Z' is not a time in UTC"),
    ("cluster_maintenance_window", {**WINDOW, "recurrence": "FREQ=YEARLY"}, "recurrence: 'FREQ=YEARLY' is not a recurrence"),
    ("cluster_maintenance_window", {**WINDOW, "end_time": "2027-01-02T06:00:00Z"}, "must be 4 to 24 hours after start_time"),
    ("cluster_maintenance_window", {**WINDOW, "end_time": "2027-01-03T04:00:00Z"}, "must be 4 to 24 hours after start_time"),
    ("cluster_resource_labels", {"goog-team": "platform"}, "cluster_resource_labels: 'goog-team': not a resource label key"),
    ("cluster_resource_labels", {"team": "Platform"}, "cluster_resource_labels: 'Platform': not a resource label value"),
    (
        "cluster_resource_labels",
        {f"team-{number}": "platform" for number in range(65)},
        "cluster_resource_labels: has 65 labels, but at most 64 are allowed",
    ),
    ("identity_account_id", "gke", "identity_account_id: 'gke' is not"),
    ("network_network", "Trial", "network_network: 'Trial' is not a valid Compute Engine name"),
    ("network_subnetwork", "Nodes", 'network_subnetwork: "Nodes" is not a valid Compute Engine name'),
    ("node_pool_name", "Pool", "node_pool_name: 'Pool' is not a valid GKE name"),
    ("node_pool_labels", {"-team": "platform"}, "node_pool_labels: '-team': not a label key"),
    ("node_pool_labels", {f"{'n' * 64}": "platform"}, "': not a label key"),
    ("node_pool_labels", {"team": "p" * 64}, "': not a label value"),
    (
        "node_pool_labels",
        {"node.kubernetes.io/team": "platform"},
        "'node.kubernetes.io/team': under kubernetes.io or k8s.io, which Kubernetes reserves",
    ),
    ("node_pool_labels", {"gitpod.io/workload_ide": "false"}, "must be 'true', because Gitpod schedules its workloads by these labels"),
    ("node_pool_disk_size_gb", 9, "node_pool_disk_size_gb: '9' must be 10 or more"),
    ("admins_members", ["allUsers"], "admins_members: 'allUsers': not a member"),
    (
        "admins_members",
        ["user:a@example.com", "group:b@example.com"],
        '["user:a@example.com","group:b@example.com"] has a group, which RBAC',
    ),
    ("admins_members", ["serviceAccount:jane@example.com"], "admins_members: 'serviceAccount:jane@example.com': not a member"),
]
REFUSED_TOGETHER: list[tuple[dict[str, Any], str]] = [
    ({"zones": ["us-east1-b"]}, 'zones: ["us-east1-b"] has a zone outside us-central1'),
    ({"node_pool_min_nodes": 2}, "node counts: minimum 2, initial 1, maximum 50: must be in ascending order"),
    ({"network_pods_cidr": "10.0.0.0/14"}, "network_pods_cidr: '10.0.0.0/14' overlaps network_nodes_cidr 10.0.0.0/20"),
    ({"network_services_cidr": "10.128.0.0/20"}, "network_services_cidr: '10.128.0.0/20' overlaps 10.128.0.0/9"),
    ({"network_network": "default", "network_nodes_cidr": "10.200.0.0/20"}, "network_nodes_cidr: '10.200.0.0/20' overlaps 10.128.0.0/9"),
    ({"network_pods_cidr": "10.4.0.0/19"}, "network_pods_cidr: '10.4.0.0/19' has room for 32 nodes, but 50 are possible"),
    ({"network_pods_cidr": "10.4.0.0/17", "zones": []}, "network_pods_cidr: '10.4.0.0/17' has room for 128 nodes, but 150 are possible"),
    (
        {"network_pods_cidr": "10.4.0.0/25", "node_pool_max_nodes": 1},
        "network_pods_cidr: '10.4.0.0/25' is too small for the default node pool",
    ),
    ({"network_nodes_cidr": "10.0.0.0/27"}, "network_nodes_cidr: '10.0.0.0/27' has room for 28 nodes, but 50 are possible"),
    (
        {"admins_members": ["user:a@example.com", "group:b@example.com"]},
        '["user:a@example.com","group:b@example.com"] has a group, which RBAC',
    ),
]


class TestRefused:
    @pytest.fixture(scope="class")
    @classmethod
    def running(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
        with StandIns(tmp_path_factory.mktemp("refused") / "journal.jsonl") as started:
            yield started

    @pytest.fixture(scope="class")
    @classmethod
    def root(cls, running: StandIns, handed_over: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        copied = Path(shutil.copytree(handed_over, tmp_path_factory.mktemp("refused") / "pov"))
        for name in ("1-cluster", "2-rbac", "example"):
            folder(running, copied / name)
        return copied

    @pytest.mark.parametrize(("name", "value", "message"), REFUSED)
    def test_by_validate_where_a_module_is_called(self, running: StandIns, root: Path, name: str, value: Any, message: str) -> None:
        with pytest.raises(ValidationError):
            with_values({name: value})  # no rule is Terraform's alone
        calls = root / "example" / "main.tf.json"
        before = calls.read_text()
        content = json.loads(before)
        for module, call in content["module"].items():
            call.update({name: value} if name in declared(root / "modules" / module) else {})
        calls.write_text(json.dumps(content))
        try:
            with pytest.raises(TerraformError) as caught:
                Folder(running, root / "example", root / "example").validate()
        finally:
            calls.write_text(before)
        assert message in error_text(caught.value)

    @pytest.mark.parametrize(
        ("values", "message"),
        [({name: value}, message) for name, value, message in (REFUSED[0], REFUSED[-1])] + REFUSED_TOGETHER,
        ids=lambda one: json.dumps(one) if isinstance(one, dict) else None,
    )
    def test_by_the_plan_of_a_root(self, running: StandIns, root: Path, values: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError):
            with_values(values)  # no rule is Terraform's alone
        name = "2-rbac" if "admins_members" in values else "1-cluster"
        workspace = Folder(running, root / name, root / name)
        workspace.set(values)
        with pytest.raises(TerraformError) as caught:
            workspace.plan()
        workspace.set({})
        assert message in error_text(caught.value)
