"""Values of other resources, which are tokens until Terraform runs, and aliased providers."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gitpod_pov.cluster_admins import BindingConfig, ClusterAdmins, ClusterAdminsConfig
from gitpod_pov.cluster_network import ClusterNetwork, ClusterNetworkConfig
from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Faults
from gitpod_pov.gke_cluster import GkeCluster, GkeClusterConfig
from gitpod_pov.maintenance import MaintenanceExclusion, MaintenanceWindow
from gitpod_pov.node_identity import NodeIdentity, NodeIdentityConfig
from gitpod_pov.node_pool import AdditionalNodePoolConfig, LabelledNodePool, NodePoolConfig, NodeTaint
from gitpod_pov.project_apis import ProjectApis, ProjectApisConfig
from gitpod_pov.provider_versions import require_providers
from gitpod_pov.tokens import is_token
from gitpod_pov.upgrade_settings import UpgradeSettings

import pytest
from cdktf import App, Fn, TerraformProvider, TerraformStack, TerraformVariable, Token
from cdktf_cdktf_provider_google.provider import GoogleProvider
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider

from rehearsal.workspace import Workspace, attach

CONFIGURATIONS = (
    *(ProjectApisConfig, NodeIdentityConfig, ClusterNetworkConfig, GkeClusterConfig, NodePoolConfig, ClusterAdminsConfig),
    *(NodeTaint, MaintenanceExclusion, MaintenanceWindow, UpgradeSettings, AdditionalNodePoolConfig, BindingConfig),
)
KNOWN_AT_SYNTH = {
    *("manage", "grant_roles", "create_network", "create_subnetwork", "grant_service_agents", "cloud_nat", "flow_logs"),
    *("strategy", "workloads"),
}
"""These decide which resources, blocks and labels there are."""


class Stack:
    """A stack with a variable of each kind, and what it becomes."""

    def __init__(self, outdir: Path) -> None:
        self.app = App(outdir=str(outdir))
        self.stack = TerraformStack(self.app, "stack")
        require_providers(self.stack, kubernetes="2.38.0")
        GoogleProvider(self.stack, "google")
        KubernetesProvider(self.stack, "kubernetes")
        self._outdir = outdir

    def variable(self, name: str) -> TerraformVariable:
        return TerraformVariable(self.stack, name)

    def text(self, name: str) -> str:
        return self.variable(name).string_value

    def boolean(self, name: str) -> Any:
        return self.variable(name).boolean_value

    def table(self, name: str) -> Any:
        return Token.as_string_map(self.variable(name).value)

    def synth(self) -> dict[str, Any]:
        self.app.synth()
        stack: dict[str, Any] = json.loads((self._outdir / "stacks" / "stack" / "cdk.tf.json").read_text())
        return stack

    def messages(self) -> list[str]:
        manifest = json.loads((self._outdir / "manifest.json").read_text())
        return [annotation["message"] for annotation in manifest["stacks"]["stack"]["annotations"]]

    def warnings(self) -> set[str]:
        return {message.partition(":")[0] for message in self.messages()}

    def add(self, *, project: str = "demo-project", region: str = "us-central1", **arguments: Any) -> GkeCluster:
        """Add every construct, with the configurations by the name of their section, and with the other arguments."""
        configs = {section: arguments.pop(section, None) for section in ("apis", "identity", "network", "cluster", "node_pool", "admins")}
        zones, provider = arguments.pop("zones", ()), arguments.pop("provider", None)
        pools = arguments.pop("pools", {})
        apis = ProjectApis(self.stack, "apis", project=project, config=configs["apis"], provider=provider)
        identity = NodeIdentity(self.stack, "identity", project=project, apis=apis, config=configs["identity"], provider=provider)
        network = ClusterNetwork(
            self.stack,
            "network",
            project=project,
            region=region,
            cluster_name=arguments.pop("cluster_name", "gitpod"),
            apis=apis,
            config=configs["network"],
            provider=provider,
        )
        cluster = GkeCluster(
            self.stack,
            "cluster",
            project=project,
            region=region,
            zones=zones,
            identity=identity,
            network=network,
            apis=apis,
            config=configs["cluster"],
            provider=provider,
        )
        LabelledNodePool(
            self.stack, "pool", cluster=cluster, identity=identity, config=configs["node_pool"], pools=pools, provider=provider
        )
        ClusterAdmins(
            self.stack,
            "admins",
            config=configs["admins"],
            provider=arguments.pop("kubernetes", None),
            google_provider=provider,
        )
        assert not arguments
        return cluster


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def only(stack: dict[str, Any], kind: str) -> dict[str, Any]:
    (resource,) = stack["resource"][kind].values()
    return dict(resource)


def fields() -> Iterator[Any]:
    for configuration in CONFIGURATIONS:
        for name, field in configuration.model_fields.items():
            yield pytest.param(configuration, name, field.annotation, id=f"{configuration.__name__}.{name}")


REQUIRED: dict[type[Configuration], dict[str, Any]] = {
    NodeTaint: {"key": "example.com/trial"},
    MaintenanceExclusion: {"name": "freeze"},
    BindingConfig: {"role": "view", "members": ["user:a@example.com"]},
    MaintenanceWindow: {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"},
}


def token_for(stack: Stack, annotation: Any) -> Any:
    """Return a token of the kind that a field has; None for a model, whose fields are tested by themselves."""
    kind = str(annotation)
    if any(model in kind for model in ("Maintenance", "NodeTaint", "UpgradeSettings", "BindingConfig")):
        return None
    if "bool" in kind:
        return stack.boolean("boolean")
    if "tuple" in kind:
        return stack.variable("list").list_value
    if "dict" in kind:
        return stack.table("table")
    return stack.variable("number").number_value if "int" in kind else stack.text("text")


@pytest.mark.parametrize(("configuration", "name", "annotation"), [*fields()])
def test_every_field_accepts_a_token_of_its_kind(stack: Stack, configuration: type[Configuration], name: str, annotation: Any) -> None:
    token = token_for(stack, annotation)
    if token is None:
        return
    values = {**REQUIRED.get(configuration, {}), name: token}
    if name in KNOWN_AT_SYNTH:
        with pytest.raises(ValueError, match=f"{name}: must be known during synthesis"):
            configuration(**values)
    else:
        assert is_token(getattr(configuration(**values), name))


@pytest.mark.parametrize(
    ("configuration", "values", "refused"),
    [
        (ClusterNetworkConfig, {"pods_cidr": "10.0.0.0/16"}, "pods_cidr: '10.0.0.0/16' overlaps network.nodes_cidr"),
        (NodePoolConfig, {"min_nodes": 60}, "min_nodes: 60 is greater than node_pool.max_nodes 50"),
        (NodePoolConfig, {"machine_type": "t2a-standard-4"}, "machine_type: 't2a-standard-4' is an Arm machine type"),
        (GkeClusterConfig, {"logging_components": ["WORKLOADS"]}, "must include SYSTEM_COMPONENTS"),
    ],
)
def test_a_token_hides_no_fault_of_other_values(
    stack: Stack, configuration: type[Configuration], values: dict[str, Any], refused: str
) -> None:
    other = {ClusterNetworkConfig: "services_cidr", NodePoolConfig: "image_type", GkeClusterConfig: "name"}[configuration]
    with pytest.raises(ValueError, match=refused):
        configuration(**values, **{other: stack.text("other")})


SKIPPED: list[Callable[[Stack], Configuration]] = [
    lambda s: ClusterNetworkConfig(nodes_cidr=s.text("a"), pods_cidr="10.4.0.0/14", services_cidr="10.8.0.0/20"),
    lambda s: ClusterNetworkConfig(network=s.text("a"), nodes_cidr="10.130.0.0/20"),
    lambda s: NodePoolConfig(machine_type=s.text("a"), disk_type="hyperdisk-balanced"),
    lambda s: NodePoolConfig(machine_type="c4-standard-8", disk_type=s.text("a")),
    lambda s: NodePoolConfig(max_nodes=s.variable("a").number_value, min_nodes=70, initial_nodes=70),
    lambda s: NodePoolConfig(labels={"team": s.text("a"), s.text("b"): "x"}, metadata={"motd": s.text("c")}),
    lambda s: NodePoolConfig(taints=(NodeTaint(key=s.text("a"), effect="PREFER_NO_SCHEDULE"), NodeTaint(key=s.text("b")))),
    lambda s: NodePoolConfig(machine_type="e2-standard-8", confidential_nodes=s.boolean("a")),
    lambda s: GkeClusterConfig(managed_prometheus=s.boolean("a"), monitoring_components=["SYSTEM_COMPONENTS", "HPA"]),
    lambda s: GkeClusterConfig(authorized_networks={"office": s.text("a")}, private_endpoint=True),
    lambda s: GkeClusterConfig(logging_components=["WORKLOADS", s.text("a")]),
    lambda s: NodeIdentityConfig(roles=[f"projects/{s.text('a')}/roles/gitpod", s.text("b")]),
    lambda s: ClusterAdminsConfig(members=[f"user:{s.text('a')}", s.text("b")]),
    lambda s: MaintenanceWindow(start_time=s.text("a"), end_time="2027-01-02T04:00:00Z"),
    lambda s: MaintenanceExclusion(name="freeze", end_time=s.text("a"), scope="NO_UPGRADES"),
]


@pytest.mark.parametrize("configuration", SKIPPED)
def test_rules_between_values_skip_tokens(stack: Stack, configuration: Callable[[Stack], Configuration]) -> None:
    configuration(stack)


def test_a_fault_with_every_value_of_an_unknown_choice_is_reported(stack: Stack) -> None:
    with pytest.raises(ValueError, match="machine_type: 'f1-micro' has too little memory"):
        NodePoolConfig(machine_type="f1-micro", confidential_nodes=stack.boolean("a"))


@pytest.mark.parametrize("value", ["${var.zone}", "TfToken[TOKEN.0]", "us central", -1.5, 8.5])
def test_values_that_are_not_tokens_are_still_refused(value: object) -> None:
    assert not is_token(value)
    with pytest.raises(ValueError, match="disk_size_gb"):
        NodePoolConfig.model_validate({"disk_size_gb": value, "machine_type": value})


def test_a_list_token_beside_other_items_is_refused(stack: Stack) -> None:
    """Cdktf cannot write such a list; `Fn.concat` joins two."""
    tokens = stack.variable("list").list_value
    with pytest.raises(ValueError, match=r"oauth_scopes\[0\]"):
        NodePoolConfig(oauth_scopes=[*tokens, "https://www.googleapis.com/auth/cloud-platform"])
    assert is_token(NodePoolConfig(oauth_scopes=Fn.concat([tokens, ["https://www.googleapis.com/auth/cloud-platform"]])).oauth_scopes)


def add_with_tokens(stack: Stack) -> None:
    number = stack.variable("number").number_value
    stack.add(
        project=stack.text("project"),
        region=stack.text("region"),
        zones=stack.variable("zones").list_value,
        cluster_name=stack.text("cluster_name"),
        identity=NodeIdentityConfig(account_id=stack.text("account"), roles=["roles/logging.logWriter", stack.text("role")]),
        network=ClusterNetworkConfig(
            network=stack.text("vpc"),
            nodes_cidr=stack.text("nodes"),
            pods_cidr=stack.text("pods"),
            private_google_access=stack.boolean("pga"),
        ),
        cluster=GkeClusterConfig(
            private_nodes=stack.boolean("private"),
            deletion_protection=stack.boolean("protection"),
            workload_identity=stack.boolean("workload_identity"),
            kubelet_readonly_port=stack.boolean("port"),
            secure_boot=stack.boolean("secure_boot"),
            secrets_kms_key=stack.text("key"),
            resource_labels=stack.table("resource_labels"),
            authorized_networks={"office": stack.text("office")},
        ),
        node_pool=NodePoolConfig(
            machine_type=stack.text("machine"),
            max_nodes=number,
            disk_size_gb=number,
            labels=stack.table("labels"),
            spot=stack.boolean("spot"),
            oauth_scopes=stack.variable("scopes").list_value,
        ),
        admins=ClusterAdminsConfig(members=[f"user:{stack.text('user')}", stack.text("member")]),
    )


def test_every_argument_and_field_comes_out_as_a_reference(stack: Stack) -> None:
    add_with_tokens(stack)
    out = stack.synth()
    pool, cluster = only(out, "google_container_node_pool"), only(out, "google_container_cluster")
    assert (pool["node_locations"], pool["node_config"]["oauth_scopes"]) == ("${var.zones}", "${var.scopes}")
    assert pool["autoscaling"]["max_node_count"] == pool["node_config"]["disk_size_gb"] == "${var.number}"
    assert pool["node_config"]["labels"].startswith("${merge(var.labels, {")
    assert "gitpod.io/workload_meta" in pool["node_config"]["labels"]
    assert pool["node_config"]["spot"] == "${var.spot}"
    assert pool["node_config"]["resource_labels"] == cluster["resource_labels"] == "${var.resource_labels}"
    assert pool["node_config"]["shielded_instance_config"] == {"enable_secure_boot": "${var.secure_boot}"}
    assert pool["node_config"]["workload_metadata_config"]["mode"] == '${var.workload_identity ? "GKE_METADATA" : "GCE_METADATA"}'
    assert pool["network_config"]["enable_private_nodes"] == "${var.private}"
    assert (cluster["project"], cluster["location"], cluster["node_locations"]) == ("${var.project}", "${var.region}", "${var.zones}")
    assert cluster["deletion_protection"] == "${var.protection}"
    assert "prevent_destroy" not in cluster["lifecycle"]
    defaults = cluster["node_pool_defaults"]["node_config_defaults"]
    assert defaults["insecure_kubelet_readonly_port_enabled"] == '${var.port ? "TRUE" : "FALSE"}'
    assert cluster["workload_identity_config"]["workload_pool"] == '${var.workload_identity ? "${var.project}.svc.id.goog" : null}'
    grants = out["resource"]["google_project_iam_member"]
    assert sorted(grant["role"] for grant in grants.values()) == ["${var.role}", "roles/logging.logWriter"]
    assert only(out, "kubernetes_cluster_role_binding_v1")["subject"] == [
        {"api_group": "rbac.authorization.k8s.io", "kind": "User", "name": "${var.user}"},
        {
            "api_group": "rbac.authorization.k8s.io",
            "kind": '${startswith(var.member, "group:") ? "Group" : "User"}',
            "name": '${element(split(":", var.member), 1)}',
        },
    ]
    assert "TfToken" not in json.dumps(out)
    assert stack.warnings() == {"nodes-without-security-patches"}


def test_a_release_channel_from_a_variable_gives_the_version(stack: Stack) -> None:
    stack.add(region=stack.text("region"), cluster=GkeClusterConfig(release_channel=stack.text("channel")))
    cluster = only(stack.synth(), "google_container_cluster")
    assert cluster["release_channel"]["channel"] == "${var.channel}"
    assert cluster["min_master_version"].endswith(".release_channel_latest_version[var.channel]}")
    (annotation,) = [message for message in stack.messages() if message.startswith("node-in-every-zone")]
    assert "in three zones of a region, which GKE chooses" in annotation


def add_with_lists(stack: Stack) -> None:
    def items(name: str) -> list[str]:
        return stack.variable(name).list_value

    stack.add(
        apis=ProjectApisConfig(services=items("services")),
        identity=NodeIdentityConfig(roles=items("roles")),
        cluster=GkeClusterConfig(authorized_networks=stack.table("networks")),
        admins=ClusterAdminsConfig(members=items("members")),
    )


def test_lists_that_make_resources_become_for_each(stack: Stack) -> None:
    add_with_lists(stack)
    out = stack.synth()
    service, grant = only(out, "google_project_service"), only(out, "google_project_iam_member")
    assert (service["for_each"], service["service"]) == ("${toset(var.services)}", "${each.value}")
    assert (grant["for_each"], grant["role"]) == ("${toset(var.roles)}", "${each.value}")
    assert only(out, "google_container_node_pool")["depends_on"] == [
        f"google_project_iam_member.{next(iter(out['resource']['google_project_iam_member']))}"
    ]
    binding = only(out, "kubernetes_cluster_role_binding_v1")
    assert binding["dynamic"]["subject"]["for_each"] == "${toset(var.members)}"
    assert binding["dynamic"]["subject"]["content"]["name"] == '${element(split(":", each.value), 1)}'
    (networks,) = only(out, "google_container_cluster")["master_authorized_networks_config"]["dynamic"].values()
    assert (networks["for_each"], networks["content"]) == (
        "${var.networks}",
        {"cidr_block": "${each.value}", "display_name": "${each.key}"},
    )
    assert "google_client_openid_userinfo" not in out["data"]


SECTIONS: dict[type[Configuration], str] = {
    ProjectApisConfig: "apis",
    NodeIdentityConfig: "identity",
    ClusterNetworkConfig: "network",
    GkeClusterConfig: "cluster",
    NodePoolConfig: "node_pool",
    ClusterAdminsConfig: "admins",
}
BLUE_GREEN = {"node_pool_soak_duration", "batch_node_count", "batch_soak_duration"}
PARENTS: dict[type[Configuration], Callable[[Any], Configuration]] = {
    NodeTaint: lambda taint: NodePoolConfig(taints=[taint]),
    MaintenanceExclusion: lambda exclusion: GkeClusterConfig(maintenance_exclusions=[exclusion]),
    BindingConfig: lambda binding: ClusterAdminsConfig(bindings={"observers": binding}),
    MaintenanceWindow: lambda window: GkeClusterConfig(maintenance_window=window),
    UpgradeSettings: lambda settings: NodePoolConfig(upgrade_settings=settings),
}


@pytest.mark.parametrize(("configuration", "name", "annotation"), [*fields()])
def test_a_token_in_any_field_is_written(stack: Stack, configuration: type[Configuration], name: str, annotation: Any) -> None:
    token = token_for(stack, annotation)
    if token is None or name in KNOWN_AT_SYNTH:
        return
    beside = {"strategy": "BLUE_GREEN"} if name in BLUE_GREEN else REQUIRED.get(configuration, {})
    config = configuration(**{**beside, name: token})
    config = PARENTS[configuration](config) if configuration in PARENTS else config
    sections: dict[str, Any] = (
        {"pools": {"spot": config}} if configuration is AdditionalNodePoolConfig else {SECTIONS[type(config)]: config}
    )
    stack.add(**sections)
    content = json.dumps({block: value for block, value in stack.synth().items() if block in {"resource", "data"}})
    assert "var." in content
    assert "TfToken" not in content
    assert not any("TfToken" in message for message in stack.messages())


@pytest.mark.terraform
@pytest.mark.parametrize("add", [add_with_tokens, add_with_lists])
def test_terraform_accepts_the_references(stack: Stack, add: Callable[[Stack], None], tmp_path: Path) -> None:
    add(stack)
    stack.synth()
    folder = tmp_path / "stacks" / "stack"
    with attach([folder], tmp_path / "journal.jsonl") as stand_ins:
        workspace = Workspace(stand_ins, folder, tmp_path / "applied")
        workspace.init()
        assert workspace.validate() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"zones": ["us-east4-a"]}, "is not a zone of us-central1"),
        ({"network": {"pods_cidr": "10.4.0.0/24"}}, "has room for 1 node"),
        ({"cluster": {"private_nodes": True}}, "is required with cluster.private_nodes"),
    ],
)
def test_constructs_refuse_known_values_beside_tokens(stack: Stack, arguments: dict[str, Any], message: str) -> None:
    zones = [*arguments.pop("zones", ["us-central1-a"]), stack.text("zone")]
    sections: dict[str, type[Configuration]] = {"network": ClusterNetworkConfig, "cluster": GkeClusterConfig}
    configs: dict[str, Any] = {section: sections[section].model_validate(values) for section, values in arguments.items()}
    with pytest.raises(Faults, match=message):
        stack.add(project=stack.text("project"), zones=zones, **configs)


@pytest.mark.parametrize(
    "arguments",
    [
        lambda s: {"region": s.text("a"), "zones": ["us-central1-a"]},
        lambda s: {"zones": [s.text("a"), f"{s.text('b')}-a"]},
        lambda s: {"network": ClusterNetworkConfig(pods_cidr=s.text("a"), nodes_cidr=s.text("b"))},
        lambda s: {"region": s.text("a"), "cluster": GkeClusterConfig(boot_disk_kms_key=s.text("b"))},
        lambda s: {"cluster": GkeClusterConfig(private_nodes=s.boolean("a"))},
        lambda s: {"cluster": GkeClusterConfig(release_channel=s.text("a")), "node_pool": NodePoolConfig(auto_upgrade=False)},
        lambda s: {"node_pool": NodePoolConfig(max_pods_per_node=s.variable("a").number_value, max_nodes=1000)},
        lambda s: {"cluster": GkeClusterConfig(default_max_pods_per_node=s.variable("a").number_value)},
    ],
)
def test_constructs_skip_rules_about_tokens(stack: Stack, arguments: Callable[[Stack], dict[str, Any]]) -> None:
    stack.add(**arguments(stack))
    stack.synth()


def test_every_resource_and_data_source_takes_the_aliased_provider(stack: Stack) -> None:
    google: TerraformProvider = GoogleProvider(stack.stack, "other", alias="other")
    kubernetes: TerraformProvider = KubernetesProvider(stack.stack, "cluster_of_another", alias="other")
    stack.add(
        provider=google,
        kubernetes=kubernetes,
        network=ClusterNetworkConfig(create_network=True, network="gitpod", cloud_nat=True),
    )
    out = stack.synth()
    found = {
        (kind, resource.get("provider"))
        for block in ("resource", "data")
        for kind, named in out[block].items()
        for resource in named.values()
    }
    assert len(found) == 12
    assert all(provider == f"{kind.partition('_')[0]}.other" for kind, provider in found), found


def test_text_and_resolvables_are_accepted_for_every_type(stack: Stack) -> None:
    """Functions of Terraform return text for lists, maps and numbers, and attributes of any type are resolvables."""
    values: dict[str, Any] = {
        "disk_size_gb": stack.text("size"),
        "spot": stack.text("spot"),
        "machine_type": stack.variable("machine").value,
        "labels": Fn.merge([{"team": "dev"}, stack.table("labels")]),
        "oauth_scopes": Fn.concat([stack.variable("scopes").list_value, ["a"]]),
    }
    stack.add(node_pool=NodePoolConfig(**values))
    node_config = only(stack.synth(), "google_container_node_pool")["node_config"]
    assert (node_config["disk_size_gb"], node_config["spot"]) == ("${var.size}", "${var.spot}")
    assert node_config["machine_type"] == "${var.machine}"
    assert node_config["oauth_scopes"] == '${concat(var.scopes, ["a"])}'
    assert 'merge({"team" = "dev"}, var.labels)' in node_config["labels"]


def test_beside_a_refused_value_tokens_give_no_faults(stack: Stack) -> None:
    data = {
        "pods_cidr": stack.text("pods"),
        "nodes_cidr": "10.0.0.1/20",
        "services_cidr": stack.text("services"),
        "network": stack.text("vpc"),
    }
    with pytest.raises(Faults) as refused:
        ClusterNetworkConfig.checked(data)
    assert [fault.key for fault in refused.value.faults] == [("nodes_cidr",)]


def test_an_exclusion_with_an_unknown_scope_gives_no_warning(stack: Stack) -> None:
    exclusion = MaintenanceExclusion(name="freeze", scope=stack.text("scope"))
    stack.add(cluster=GkeClusterConfig(maintenance_exclusions=[exclusion]))
    stack.synth()
    assert "nodes-without-security-patches" not in stack.warnings()


def test_a_map_token_beside_other_entries_is_refused(stack: Stack) -> None:
    """Cdktf cannot write such a map; `Fn.merge` joins two."""
    with pytest.raises(ValueError, match="is not a label key"):
        NodePoolConfig(labels={**stack.table("labels"), "team": "dev"})


def test_beside_a_refused_value_rules_skip_tokens(stack: Stack) -> None:
    with pytest.raises(Faults) as refused:
        MaintenanceWindow.checked({"start_time": stack.text("start"), "end_time": "2027-01-02T03:00:00Z", "recurrence": "HOURLY"})
    assert [fault.key for fault in refused.value.faults] == [("recurrence",)]
