"""Calls that a strict type checker must accept from an application; tests/test_wheel.py checks them against the installed wheel."""

from gitpod_pov.cluster_admins import BindingConfig, ClusterAdmins, ClusterAdminsConfig
from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.maintenance import MaintenanceExclusion, MaintenanceWindow
from gitpod_pov.node_identity import NodeIdentity, NodeIdentityConfig
from gitpod_pov.node_pool import AdditionalNodePoolConfig, LabelledNodePool, NodePoolConfig, NodeTaint
from gitpod_pov.project_apis import ProjectApis, ProjectApisConfig
from gitpod_pov.provider_versions import require_providers
from gitpod_pov.risks import acknowledge
from gitpod_pov.upgrade_settings import UpgradeSettings

from cdktf import App, TerraformStack, TerraformVariable, Token
from cdktf_cdktf_provider_google.provider import GoogleProvider
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider

app = App()
stack = TerraformStack(app, "trial")
require_providers(stack, google="7.45.0", kubernetes="2.38.0")
acknowledge(stack, ["node-in-every-zone", "public-control-plane"])
acknowledge(stack, ("no-release-channel",))
google = GoogleProvider(stack, "google", project="demo-project", alias="trial")
kubernetes = KubernetesProvider(stack, "kubernetes", alias="trial")
project = TerraformVariable(stack, "project_id", type="string")
machine = TerraformVariable(stack, "machine", type="string")
zones = TerraformVariable(stack, "zones", type="list(string)")
most = TerraformVariable(stack, "most", type="number")
spot = TerraformVariable(stack, "spot", type="bool")
labels = TerraformVariable(stack, "labels", type="map(string)")

by_name = NodeIdentityConfig(roles="least-privilege")
by_list = NodeIdentityConfig(account_id="gitpod-nodes", roles=["roles/logging.logWriter"])
by_tuple = NodeIdentityConfig(roles=("roles/logging.logWriter", "roles/monitoring.metricWriter"))
some_apis = ProjectApisConfig(services=["container.googleapis.com"])
no_apis = ProjectApisConfig(manage=False)
ranges = ClusterNetworkConfig(pods_cidr="10.16.0.0/14", subnetwork=None)
created = ClusterNetworkConfig(network="trial", create_network=True, cloud_nat=True, private_google_access=spot.boolean_value)
hardened = GkeClusterConfig(private_nodes=True, authorized_networks={"office": "203.0.113.0/24"}, resource_labels={"team": "dev"})
observed = GkeClusterConfig(logging_components=["SYSTEM_COMPONENTS", "WORKLOADS"], monitoring_components=("SYSTEM_COMPONENTS",))
in_channel = GkeClusterConfig(release_channel="STABLE", maintenance_exclusions=[])
by_variable = GkeClusterConfig(release_channel=machine.string_value, resource_labels=Token.as_string_map(labels.value))
frozen = GkeClusterConfig(
    maintenance_exclusions=[MaintenanceExclusion(name="freeze")],
    maintenance_window=MaintenanceWindow(start_time="2027-01-02T03:00:00Z", end_time="2027-01-02T09:00:00Z"),
)
frozen_by_dicts = GkeClusterConfig(
    maintenance_exclusions=[{"name": "freeze", "scope": "NO_MINOR_UPGRADES"}],
    maintenance_window={"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"},
)
small = NodePoolConfig(machine_type="n2-standard-8", disk_size_gb=50, max_nodes=3, labels={"team": "dev"})
tainted = NodePoolConfig(taints=[NodeTaint(key="example.com/trial")])
tainted_by_dicts = NodePoolConfig(taints=({"key": "example.com/trial"},))
variable = NodePoolConfig(
    machine_type=machine.string_value,
    max_nodes=most.number_value,
    spot=spot.boolean_value,
    oauth_scopes=zones.list_value,
    labels=Token.as_string_map(labels.value),
)
upgraded = NodePoolConfig(upgrade_settings={"strategy": "BLUE_GREEN"}, max_total_nodes=most.number_value)
workspaces = AdditionalNodePoolConfig(spot=True, workloads=["workspace_regular"], upgrade_settings=UpgradeSettings(max_surge=2))
nobody = ClusterAdminsConfig()
observers = BindingConfig(role="view", members=["user:carol@example.com"], namespace=machine.string_value)
bound = ClusterAdminsConfig(bindings={"observers": observers, "readers": {"role": "view", "members": ["user:dan@example.com"]}})
existing_account = NodeIdentityConfig(email="nodes@platform-project.iam.gserviceaccount.com", grant_roles=False)
people = ClusterAdminsConfig(members=["user:jane@example.com", f"user:{machine.string_value}"], binding_name="gitpod-admins")

apis = ProjectApis(stack, "apis", project=project.string_value, config=some_apis, provider=google)
identity = NodeIdentity(stack, "identity", project=project.string_value, apis=apis, config=by_name, provider=google)
network = ClusterNetwork(
    stack, "network", project="demo-project", region="us-central1", cluster_name="gitpod", apis=apis, config=ranges, provider=google
)
cluster = GkeCluster(
    stack,
    "cluster",
    project="demo-project",
    region="us-central1",
    zones=["us-central1-a"],
    identity=identity,
    network=network,
    apis=apis,
    config=observed,
    provider=google,
)
LabelledNodePool(stack, "node_pool", cluster=cluster, identity=identity, config=small, pools={"spot": workspaces}, provider=google)
ClusterAdmins(stack, "admins", config=people, provider=kubernetes, google_provider=google)
other_stack = TerraformStack(app, "other")
GoogleProvider(other_stack, "google")
require_providers(other_stack)
plain = NodeIdentity(other_stack, "identity", project="demo-project")
GkeCluster(
    other_stack,
    "cluster",
    project="demo-project",
    region="us-central1",
    zones=zones.list_value,
    identity=plain,
    network=ClusterNetwork(other_stack, "network", project="demo-project", region="us-central1", cluster_name="gitpod"),
)
app.synth()
