"""The architecture of a deployment as a picture: `python -m handover.picture NAME DIR` writes it as DIR/NAME.svg.

Owns: which boxes, frames and arrows there are, and what they say. A frame for the project and for each stack, a box for each construct with
the names and values of its resources, and an arrow where one reaches or uses another. All of it is read from the synthesized stacks, so
that the picture shows what Terraform will create. A resource type that is not known here is drawn with its type and name. Leaves to
others: layout and look (`drawing`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from deployment import commands

if __name__ == "__main__":
    commands.start()

from gitpod_pov.bindings import collect_no_garbage
from gitpod_pov.ingress_charts import ACME_SERVERS
from gitpod_pov.node_pool import ADDRESSES_GOOGLE_KEEPS, addresses_of_a_node

from deployment.model import Deployment
from deployment.reading import DEPLOYMENTS, RefusedDeploymentsError, load_deployment
from handover.drawing import Arrow, Box, Frame, draw
from handover.stacks import HandoverError
from stacks.registry import SynthesizedStack, synthesize

Json = dict[str, Any]

_REFERENCE = re.compile(r"(?:data\.)?[a-z]\w*\.[A-Za-z_][\w-]*")
_CLUSTER, _POOL, _SUBNETWORK = "google_container_cluster", "google_container_node_pool", "google_compute_subnetwork"
_ROUTER, _NAT, _API, _ZONE = "google_compute_router", "google_compute_router_nat", "google_project_service", "google_dns_managed_zone"
_BINDINGS = frozenset({"kubernetes_cluster_role_binding_v1", "kubernetes_role_binding_v1"})
_EXISTING = frozenset({f"data.{_SUBNETWORK}", f"data.{_ZONE}"})  # data sources of what a deployment does not create but stands in for


def picture(name: str, deployment: Deployment, sources: Mapping[str, SynthesizedStack] | None = None) -> str:
    """Return the picture of a deployment as SVG.

    Args:
        name: the deployment's name.
        deployment: the deployment.
        sources: the synthesized stacks with every risk, by the title of their frame. They are synthesized by default.

    Raises:
        HandoverError: when Graphviz is not installed.
    """
    if sources is None:
        without_acknowledgement = deployment.model_copy(update={"acknowledged_risks": ()})
        sources = {f"Stack {stack.name}": stack for stack in synthesize(name, without_acknowledgement)}
    stacks = [_Stack.of(source) for source in sources.values()]
    project = Frame(Box(f"Project {deployment.project}", _location(deployment)))
    scene = _Scene(deployment)
    for title, stack in zip(sources, stacks, strict=True):
        project.frames.append(scene.frame(title, stack))
    for stack in stacks:
        scene.connect(stack)
    arrows = [arrow for arrow in dict.fromkeys(scene.arrows) if arrow.start in scene.known and arrow.end in scene.known]
    title = f"Architecture of the deployment {name}"
    description = _in_words(scene, project, arrows)
    return draw(scene.outside, [project], arrows, above=scene.above, title=title, description=description)


@dataclass(frozen=True)
class _Stack:
    """A synthesized stack.

    Attributes:
        name: its name.
        blocks: every resource and data source by address.
        groups: the construct that each address comes from, see `_group`.
        risks: the risks by construct; those of the stack itself under its name.
    """

    name: str
    blocks: dict[str, Json]
    groups: dict[str, str]
    risks: dict[str, list[str]]

    @classmethod
    def of(cls, source: SynthesizedStack) -> "_Stack":
        """Return what the picture needs of a synthesized stack."""
        blocks = {
            f"{prefix}{kind}.{name}": block
            for section, prefix in (("resource", ""), ("data", "data."))
            for kind, named in source.content.get(section, {}).items()
            for name, block in named.items()
        }
        groups = {address: _group(address, block["//"]["metadata"]["path"].split("/")[1:]) for address, block in blocks.items()}
        risks: dict[str, list[str]] = {}
        for annotation in source.annotations:
            risks.setdefault(annotation["constructPath"].split("/")[:2][-1], []).append(annotation["message"].partition(":")[0])
        return cls(source.name, blocks, groups, risks)

    def drawn(self) -> dict[str, dict[str, Json]]:
        """Return what is drawn of each construct, by address: what it creates, and an existing network or zone in its place."""
        constructs: dict[str, dict[str, Json]] = {}
        for address, block in self.blocks.items():
            if _type(address) != _API and (not address.startswith("data.") or address.rpartition(".")[0] in _EXISTING):
                constructs.setdefault(self.groups[address], {})[address] = block
        return constructs

    def id_of(self, group: str) -> str:
        """Return the id of a construct's box."""
        return f"{self.name}/{group}"


def _group(address: str, path: list[str]) -> str:
    """Return the construct of a block; a node pool, a role binding and Cloud NAT with its router are drawn by themselves."""
    kind = _type(address)
    if kind in {_POOL, *_BINDINGS}:
        return "/".join(part for part in path if part != "Default")
    return f"{path[0]}/nat" if kind in {_ROUTER, _NAT} else path[0]


def _location(deployment: Deployment) -> list[str]:
    zones = deployment.zones
    listed = f"Zone{'s' if len(zones) > 1 else ''} {', '.join(zones)}" if zones else "Every zone of the region"
    return [f"Region {deployment.region}", listed]


def _at(block: Any, *path: str | int) -> Any:
    """Return what a block has at a path, or None."""
    for part in path:
        if isinstance(part, int):
            block = block[part] if isinstance(block, list) and len(block) > part else None
        else:
            block = block.get(part) if isinstance(block, dict) else None
    return block


def _type(address: str) -> str:
    return address.removeprefix("data.").partition(".")[0]


class _Scene:
    """The boxes and arrows of a picture while the stacks are added to it."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.outside: dict[str, Box] = {}
        self.known: dict[str, Box] = {}
        self.arrows: list[Arrow] = []
        self.above: list[tuple[str, str]] = []
        self._clusters: list[str] = []

    def frame(self, title: str, stack: _Stack) -> Frame:
        """Return the frame of a stack; subnetwork, Cloud NAT and node pools are in a frame of the network inside it."""
        apis = sum(_type(address) == _API for address in stack.blocks)
        lines = [f"Enables {apis} API{'s' if apis > 1 else ''}"] if apis else []
        frame = Frame(Box(title, lines, stack.risks.get(stack.name, [])), style="stack")
        constructs = stack.drawn()
        networks = [
            _network_frame(blocks, stack, self._deployment.project) for blocks in constructs.values() if _SUBNETWORK in map(_type, blocks)
        ]
        frame.frames += networks
        for group, blocks in constructs.items():
            types = set(map(_type, blocks))
            inside = networks[0] if networks and types & {_SUBNETWORK, _NAT, _POOL} else frame
            inside.boxes[stack.id_of(group)] = self.known[stack.id_of(group)] = _box(group, blocks, stack)
            self._clusters += [stack.id_of(group)] if _CLUSTER in types else []
        return frame

    def connect(self, stack: _Stack) -> None:
        """Add the arrows of a stack, and what is outside the project at their ends."""
        for address, block in ((address, block) for blocks in stack.drawn().values() for address, block in blocks.items()):
            kind, here = _type(address), stack.id_of(stack.groups[address])
            if kind == _CLUSTER:
                self._reach_the_control_plane(here, block)
            if kind == _SUBNETWORK:
                self.above += [(cluster, here) for cluster in self._clusters]
            if kind == _POOL:
                self._reach_the_internet(here, block, stack)
            if kind == _ZONE:
                self._outsider("resolvers", Box("Internet", ("DNS resolvers",)))
                self.arrows.append(Arrow("resolvers", here, "DNS queries"))
            if kind.partition("_")[0] in {"kubernetes", "helm"}:
                text = str(_at(block, "role_ref", "name")) if kind in _BINDINGS else "run in the cluster"
                self.arrows += [Arrow(here, cluster, text) for cluster in self._clusters]
            if kind == "helm_release":
                self._maintain_names(here, stack)
            self._use(address, block, stack)

    def _use(self, address: str, block: Json, stack: _Stack) -> None:
        """Add an arrow from each construct that a block refers to."""
        arguments = {key: value for key, value in block.items() if key not in {"depends_on", "lifecycle", "//"}}
        for needed in dict.fromkeys(_REFERENCE.findall(json.dumps(arguments))):
            if stack.groups.get(needed, stack.groups[address]) != stack.groups[address]:
                text = _USES.get((_type(needed), _type(address)), "")
                if text is not None:
                    self.arrows.append(Arrow(stack.id_of(stack.groups[needed]), stack.id_of(stack.groups[address]), text))

    def _maintain_names(self, charts: str, stack: _Stack) -> None:
        zones = (stack.id_of(group) for address, group in stack.groups.items() if _type(address) == _ZONE)
        self.arrows += [Arrow(charts, zone, "DNS records", upward=True) for zone in zones]
        if self._deployment.ingress:
            server = ACME_SERVERS[self._deployment.ingress.acme_server].split("/")[2]
            self._outsider("acme", Box("Let's Encrypt", (server,)))
            self.arrows.append(Arrow(charts, "acme", "certificates", upward=True))

    def _outsider(self, identifier: str, box: Box) -> None:
        self.outside[identifier] = self.known[identifier] = box

    def _reach_the_control_plane(self, cluster: str, block: Json) -> None:
        restricted = block.get("master_authorized_networks_config")
        listed = [f"{_at(one, 'display_name')} {_at(one, 'cidr_block')}" for one in _at(restricted, "cidr_blocks") or []]
        private = _at(block, "private_cluster_config", "enable_private_endpoint")
        if restricted is None:  # the private endpoint needs it
            self._outsider("networks", Box("Any network"))
        elif listed:
            self._outsider("networks", Box("Authorized networks", listed))
        if "networks" in self.outside:
            self.arrows.append(Arrow("networks", cluster, "private address" if private else "public address"))
        if _at(block, "control_plane_endpoints_config", "dns_endpoint_config", "allow_external_traffic"):
            self._outsider("clients", Box("Any network, with the IAM permission", ("container.clusters.connect",)))
            self.arrows.append(Arrow("clients", cluster, "DNS endpoint"))

    def _reach_the_internet(self, pool: str, block: Json, stack: _Stack) -> None:
        self._outsider("internet", Box("Internet"))
        if not _at(block, "network_config", "enable_private_nodes"):
            self.arrows.append(Arrow(pool, "internet", "external IP addresses"))
            return
        gateways = [stack.id_of(stack.groups[address]) for address in stack.blocks if _type(address) == _NAT]
        if not gateways:
            self.arrows.append(Arrow(pool, "internet", "another route of the network"))
        for gateway in gateways:
            self.arrows += [Arrow(pool, gateway), Arrow(gateway, "internet", "outgoing connections")]


_USES: dict[tuple[str, str], str | None] = {
    ("google_service_account", _POOL): "identity of the nodes",
    ("google_service_account", "helm_release"): "identity of the pods",
    (_CLUSTER, _POOL): "manages",
    # Left out: the identity of the default node pool, which is removed, and what a frame, a line or another arrow shows.
    ("google_service_account", _CLUSTER): None,
    (_SUBNETWORK, _CLUSTER): None,
    (_SUBNETWORK, _NAT): None,
    ("google_compute_network", _CLUSTER): None,
    ("google_compute_network", _ROUTER): None,
    (_ZONE, "google_dns_managed_zone_iam_member"): None,
    (_ZONE, "helm_release"): None,
}
"""The text of the arrow from a resource to another that uses it, by the two types. None if there is no arrow."""


def _network_frame(blocks: dict[str, Json], stack: _Stack, project: str) -> Frame:
    (subnetwork,) = (block for address, block in blocks.items() if _type(address) == _SUBNETWORK)
    created = [block["name"] for address, block in blocks.items() if _type(address) == "google_compute_network"]
    name = created[0] if created else str(subnetwork.get("network") or _cluster_of(stack).get("network") or "").rpartition("/")[2]
    owner = subnetwork.get("project", project)
    where = f" of project {owner}" if owner != project else ""
    return Frame(Box(f"VPC network {name}".rstrip() + where + ("" if created else " (exists already)")), style="network")


def _cluster_of(stack: _Stack) -> Json:
    """Return the block of the stack's cluster; an empty one where it has none."""
    return next((block for address, block in stack.blocks.items() if address.startswith(f"{_CLUSTER}.")), {})


def _subnetwork(blocks: list[Json], stack: _Stack) -> "Description":
    """Describe a subnetwork: each range, and how many nodes, pods or Services it holds."""
    (block,) = blocks
    lines = []
    if nodes := block.get("ip_cidr_range"):
        lines.append(f"Nodes {nodes}: {max(IPv4Network(nodes).num_addresses - ADDRESSES_GOOGLE_KEEPS, 0):,} nodes")
    pods = max((pool["max_pods_per_node"] for address, pool in stack.blocks.items() if _type(address) == _POOL), default=110)
    for secondary in block.get("secondary_ip_range") or []:
        cidr = IPv4Network(secondary["ip_cidr_range"])
        if secondary["range_name"] == _at(_cluster_of(stack), "ip_allocation_policy", "services_secondary_range_name"):
            lines.append(f"Services {cidr}: {cidr.num_addresses:,} Services")
        else:
            lines.append(f"Pods {cidr}: {cidr.num_addresses // addresses_of_a_node(pods):,} nodes with {pods} pods")
    lines += ["Private Google Access"] if block.get("private_ip_google_access") else []
    lines += ["VPC Flow Logs"] if block.get("log_config") else []
    existing = any(address.startswith(f"data.{_SUBNETWORK}.") for address in stack.blocks)
    return f"Subnetwork {_named(block) or ''}".rstrip() + (" (exists already)" if existing else ""), lines


def _box(group: str, blocks: dict[str, Json], stack: _Stack) -> Box:
    """Return the box of a construct: the first known type of its blocks gives the title, and each gives lines."""
    title, lines, types = "", [], set(map(_type, blocks))
    for kind, describe in _DESCRIPTIONS.items():
        if kind in types:
            own_title, own_lines = describe([block for address, block in blocks.items() if _type(address) == kind], stack)
            title = title or own_title
            lines += own_lines
    for address, block in blocks.items():
        if _type(address) not in _DESCRIPTIONS:
            role = block.get("role") if "_iam_" in address else None
            lines.append(str(role or f"{_type(address)} {_named(block) or address.rpartition('.')[2]}"))
    return Box(title or group, lines, stack.risks.get(group, []))


def _named(block: Json) -> str | None:
    """Return the name of what a block creates, if it is known before Terraform runs."""
    names = [block.get("name"), _at(block, "metadata", "name"), block.get("account_id")]
    return next((name for name in names if isinstance(name, str) and "${" not in name), None)


Description = tuple[str, list[str]]


def _cluster(blocks: list[Json], _: _Stack) -> Description:
    (block,) = blocks
    channel = _at(block, "release_channel", "channel")
    version = str(block.get("min_master_version") or "")
    restricted = block.get("master_authorized_networks_config")
    if _at(block, "private_cluster_config", "enable_private_endpoint"):
        address = "Private address only"
    elif restricted is None:
        address = "Public address, open to any network"
    else:
        address = "Public address, for authorized networks" if _at(restricted, "cidr_blocks") else "Public address, for its own nodes"
    lines = [
        f"Regional control plane in {block['location']}",
        "No release channel" if channel == "UNSPECIFIED" else f"Release channel {channel}",
        *([f"Kubernetes {version}"] if version and "${" not in version else []),
        address,
    ]
    if _at(block, "control_plane_endpoints_config", "dns_endpoint_config", "allow_external_traffic"):
        lines.append("DNS endpoint")
    if _at(block, "network_policy", "enabled"):
        lines.append(f"Network policy: {block['network_policy']['provider'].capitalize()}")
    elif block.get("datapath_provider") == "ADVANCED_DATAPATH":
        lines.append("Network policy: Dataplane V2")
    if _at(block, "workload_identity_config", "workload_pool"):
        lines.append("Workload Identity Federation")
    return f"GKE cluster {block['name']}", lines


def _pool(blocks: list[Json], _: _Stack) -> Description:
    (block,) = blocks
    node, scaling = block["node_config"], block["autoscaling"]
    lines = [f"{node['machine_type']}, {node['disk_size_gb']} GB {node['disk_type']}"]
    lines += [node["image_type"]] if "image_type" in node else []
    if "max_node_count" in scaling:
        lines.append(f"{scaling.get('min_node_count', 0)} to {scaling['max_node_count']} nodes per zone")
    if "total_max_node_count" in scaling:
        lines.append(f"{scaling.get('total_min_node_count', 0)} to {scaling['total_max_node_count']} nodes")
    if "initial_node_count" in block:
        lines.append(f"At creation: {block['initial_node_count']} per zone")
    if node.get("spot"):
        lines.append("Spot VMs")
    account = str(node.get("service_account") or "")
    if account and "${" not in account:
        lines.append(f"Service account {account}")
    private = _at(block, "network_config", "enable_private_nodes")
    lines.append("No external IP addresses" if private else "External IP addresses")
    labels = node.get("labels") or {}
    lines += [f"{key}={value}" for key, value in labels.items()] if isinstance(labels, dict) else []
    return f"Node pool {block['name']}", lines


def _binding(blocks: list[Json], stack: _Stack) -> Description:
    lines = []
    for block in blocks:
        namespace = _at(block, "metadata", "namespace")
        where = f" in namespace {namespace}" if namespace else ""
        lines.append(f"{_at(block, 'role_ref', 'kind')} {_at(block, 'role_ref', 'name')}{where}")
        subjects = block.get("subject") or []
        lines += (_subject(subject, stack) for subject in ([subjects] if isinstance(subjects, dict) else subjects))
    administrators = any(_at(block, "role_ref", "name") == "cluster-admin" for block in blocks)
    return "Administrators" if administrators else f"Role binding {_named(blocks[0]) or ''}".rstrip(), lines


def _subject(subject: Json, stack: _Stack) -> str:
    """Return kind and name of a subject; in place of a reference, what it refers to."""
    name = subject["name"]
    if (address := _REFERENCE.search(name)) and "${" in name:
        if "google_client_openid_userinfo" in address[0]:
            return "The account that applies"
        name = _named(stack.blocks.get(address[0], {})) or address[0]
    return f"{subject['kind']} {name}"


_DESCRIPTIONS: dict[str, Callable[[list[Json], _Stack], Description]] = {
    _CLUSTER: _cluster,
    _POOL: _pool,
    _SUBNETWORK: _subnetwork,
    "google_compute_network": lambda *_: ("", []),
    _NAT: lambda blocks, _: (f"Cloud NAT {blocks[0]['name']}", []),
    _ROUTER: lambda *_: ("", []),
    "google_service_account": lambda blocks, _: (f"Service account {blocks[0]['account_id']}", []),
    "google_project_iam_member": lambda blocks, _: ("Roles", [block["role"] for block in blocks]),
    "google_dns_managed_zone_iam_member": lambda blocks, _: ("Roles", [f"{block['role']} on the zone" for block in blocks]),
    "google_service_account_iam_member": lambda blocks, _: (
        "Roles",
        [f"used by {block['member'].rpartition('[')[2].removesuffix(']')}" for block in blocks],
    ),
    _ZONE: lambda blocks, _: (
        f"DNS zone {blocks[0]['name']}",
        [str(block["dns_name"]).removesuffix(".") for block in blocks if "dns_name" in block],
    ),
    **dict.fromkeys(_BINDINGS, _binding),
    "helm_release": lambda blocks, _: ("Helm releases", [f"{block['name']} {block.get('version', '')}".rstrip() for block in blocks]),
    "kubernetes_namespace_v1": lambda *_: ("", []),
}
"""Title and lines of a construct's box, by resource type."""


def _in_words(scene: _Scene, project: Frame, arrows: list[Arrow]) -> str:
    """Return what the picture shows as text."""

    def boxes(frame: Frame) -> Iterator[Box]:
        yield frame.label
        yield from frame.boxes.values()
        for inner in frame.frames:
            yield from boxes(inner)

    def said(box: Box) -> str:
        risks = [f"risk {risk}" for risk in box.risks]
        details = "; ".join([*box.lines, *risks])
        return f"{box.title}: {details}." if details else f"{box.title}."

    names = {identifier: box.title for identifier, box in scene.known.items()}
    reached = (f"{names[arrow.start]} to {names[arrow.end]}" + (f" ({arrow.text})" if arrow.text else "") for arrow in arrows)
    return " ".join([*map(said, boxes(project)), f"Arrows: {'; '.join(reached)}."])


@commands.refused(RefusedDeploymentsError, HandoverError)
def main(name: str, directory: Path, folder: Path = DEPLOYMENTS) -> int:
    """Write the picture of the deployment `name` as NAME.svg into a directory; return the exit status."""
    file = f"{name}.svg"
    commands.write_files(directory, {file: picture(name, load_deployment(name, folder)).encode()})
    print(directory / file)  # noqa: T201
    return 0


if __name__ == "__main__":
    collect_no_garbage()
    arguments = commands.Arguments("python -m handover.picture", "name")
    arguments.add_argument("directory", metavar="DIR", type=Path)
    commands.run(main, arguments)
