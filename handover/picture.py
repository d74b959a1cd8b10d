"""The architecture of a deployment as a picture: `python -m handover.picture NAME DIR` writes it as DIR/NAME.svg.

Owns: which boxes, frames and arrows there are, and what they say. A frame for the project and for each stack, a box for each construct with
the names and values of its resources, and an arrow where one reaches or uses another. All of it is read from the synthesized stacks, so
that the picture shows what Terraform will create. A resource type that is not known here is drawn with its type and name. Leaves to
others: layout and look (`drawing`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
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
from handover.stacks import HandoverError, blocks_of
from handover.variables import Json
from stacks.registry import SynthesizedStack, synthesize

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
    stacks = {title: _Stack(source) for title, source in sources.items()}
    scene = _Scene(deployment)
    zones = ", ".join(deployment.zones)
    listed = f"Zone{'s' if len(deployment.zones) > 1 else ''} {zones}" if zones else "Three zones of the region"
    project = Frame(
        Box(f"Project {deployment.project}", [f"Region {deployment.region}", listed]),
        frames=[scene.frame(title, stack) for title, stack in stacks.items()],
    )
    found = dict.fromkeys(arrow for stack in stacks.values() for arrow in scene.arrows(stack))
    boxes = scene.outside | project.all_boxes()
    arrows = [arrow for arrow in found if arrow.start in boxes and arrow.end in boxes]
    title = f"Architecture of the deployment {name}"
    return draw(scene.outside, [project], arrows, above=scene.above, title=title, description=_in_words(boxes, project, arrows))


class _Stack:
    """A synthesized stack.

    Attributes:
        name: its name.
        blocks: every resource and data source by address.
        boxes: the id of the box of each address: the construct that it comes from, see `_box_of`.
        risks: the risks by construct; those of the stack itself under its name.
    """

    def __init__(self, source: SynthesizedStack) -> None:
        self.name, self.blocks = source.name, blocks_of(source.content)
        self.boxes = {address: _box_of(address, block["//"]["metadata"]["path"].split("/")) for address, block in self.blocks.items()}
        self.risks: dict[str, list[str]] = {}
        for annotation in source.annotations:
            construct = "/".join(annotation["constructPath"].split("/")[:2])
            self.risks.setdefault(construct, []).append(annotation["message"].partition(":")[0])

    def drawn(self) -> dict[str, dict[str, Json]]:
        """Return what is drawn in each box, by address: what the stack creates, and an existing network or zone in its place."""
        boxes: dict[str, dict[str, Json]] = {}
        for address, block in self.blocks.items():
            if _type(address) != _API and (not address.startswith("data.") or address.rpartition(".")[0] in _EXISTING):
                boxes.setdefault(self.boxes[address], {})[address] = block
        return boxes


def _of_type(blocks: dict[str, Json], *types: str) -> dict[str, Json]:
    """Return the blocks of some types by address, created or looked up."""
    return {address: block for address, block in blocks.items() if _type(address) in types}


def _box_of(address: str, path: list[str]) -> str:
    """Return the box of a block: its construct. A node pool, a role binding and Cloud NAT with its router are drawn by themselves."""
    kind = _type(address)
    if kind in {_POOL, *_BINDINGS}:
        return "/".join(part for part in path if part != "Default")
    return "/".join([*path[:2], "nat"] if kind in {_ROUTER, _NAT} else path[:2])


def _at(block: Any, *path: str) -> Any:
    """Return what a block has at a path, or None."""
    for part in path:
        block = block.get(part) if isinstance(block, dict) else None
    return block


def _type(address: str) -> str:
    return address.removeprefix("data.").partition(".")[0]


class _Scene:
    """What is outside the project, and what the arrows need of the stacks before theirs."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._clusters: list[str] = []
        self.outside: dict[str, Box] = {}
        self.above: list[tuple[str, str]] = []

    def frame(self, title: str, stack: _Stack) -> Frame:
        """Return the frame of a stack; subnetwork, Cloud NAT and node pools are in a frame of the network inside it."""
        apis = len(_of_type(stack.blocks, _API))
        lines = [f"Enables {apis} API{'s' if apis > 1 else ''}"] if apis else []
        frame = Frame(Box(title, lines, stack.risks.get(stack.name, [])), style="stack")
        drawn = stack.drawn()
        with_subnetwork = (blocks for blocks in drawn.values() if _of_type(blocks, _SUBNETWORK))
        frame.frames += (_network_frame(blocks, stack, self._deployment.project) for blocks in with_subnetwork)
        for box, blocks in drawn.items():
            inside = frame.frames[0] if frame.frames and _of_type(blocks, _SUBNETWORK, _NAT, _POOL) else frame
            inside.boxes[box] = _box(box, blocks, stack)
            self._clusters += [box] if _of_type(blocks, _CLUSTER) else []
        return frame

    def arrows(self, stack: _Stack) -> Iterator[Arrow]:
        """Yield the arrows of a stack, and add what is outside the project at their ends."""
        for address, block in ((address, block) for blocks in stack.drawn().values() for address, block in blocks.items()):
            kind, here = _type(address), stack.boxes[address]
            if kind == _CLUSTER:
                yield from self._to_the_control_plane(here, block)
            if kind == _SUBNETWORK:
                self.above += [(cluster, here) for cluster in self._clusters]
            if kind == _POOL:
                yield from self._to_the_internet(here, block, stack)
            if kind == _ZONE:
                self.outside["resolvers"] = Box("Internet", ("DNS resolvers",))
                yield Arrow("resolvers", here, "DNS queries")
            if kind.partition("_")[0] in {"kubernetes", "helm"}:
                text = str(_at(block, "role_ref", "name")) if kind in _BINDINGS else "run in the cluster"
                yield from (Arrow(here, cluster, text) for cluster in self._clusters)
            if kind == "helm_release":
                yield from self._of_names(here, stack)
            # From each construct that the block refers to.
            arguments = {key: value for key, value in block.items() if key not in {"depends_on", "lifecycle", "//"}}
            for needed in _REFERENCE.findall(json.dumps(arguments)):
                use = _USES.get((_type(needed), kind), "")
                if use is not None and stack.boxes.get(needed, here) != here:
                    yield Arrow(stack.boxes[needed], here, use)

    def _of_names(self, charts: str, stack: _Stack) -> Iterator[Arrow]:
        yield from (Arrow(charts, stack.boxes[zone], "DNS records", upward=True) for zone in _of_type(stack.blocks, _ZONE))
        if self._deployment.ingress:
            server = ACME_SERVERS[self._deployment.ingress.acme_server].split("/")[2]
            self.outside["acme"] = Box("Let's Encrypt", (server,))
            yield Arrow(charts, "acme", "certificates", upward=True)

    def _to_the_control_plane(self, cluster: str, block: Json) -> Iterator[Arrow]:
        restricted = block.get("master_authorized_networks_config")
        listed = [f"{_at(one, 'display_name')} {_at(one, 'cidr_block')}" for one in _at(restricted, "cidr_blocks") or []]
        if restricted is None or listed:  # the private endpoint needs it
            self.outside["networks"] = Box("Authorized networks", listed) if listed else Box("Any network")
            private = _at(block, "private_cluster_config", "enable_private_endpoint")
            yield Arrow("networks", cluster, "internal IP address" if private else "external IP address")
        if _at(block, "control_plane_endpoints_config", "dns_endpoint_config", "allow_external_traffic"):
            self.outside["clients"] = Box("Any network, with the IAM permission", ("container.clusters.connect",))
            yield Arrow("clients", cluster, "DNS endpoint")

    def _to_the_internet(self, pool: str, block: Json, stack: _Stack) -> Iterator[Arrow]:
        self.outside["internet"] = Box("Internet")
        gateways = [stack.boxes[address] for address in _of_type(stack.blocks, _NAT)]
        if not _at(block, "network_config", "enable_private_nodes"):
            yield Arrow(pool, "internet", "external IP addresses")
        elif not gateways:
            yield Arrow(pool, "internet", "another route of the network")
        else:
            for gateway in gateways:
                yield Arrow(pool, gateway)
                yield Arrow(gateway, "internet", "outgoing connections")


_USES: dict[tuple[str, str], str | None] = {
    ("google_service_account", _POOL): "identity of the nodes",
    ("google_service_account", "helm_release"): "identity of the Pods",
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
"""The text of the arrow from a resource to another that uses it, by the two types. None means no arrow; other pairs have no text."""


def _network_frame(blocks: dict[str, Json], stack: _Stack, project: str) -> Frame:
    (subnetwork,) = _of_type(blocks, _SUBNETWORK).values()
    created = [network["name"] for network in _of_type(blocks, "google_compute_network").values()]
    name = created[0] if created else str(subnetwork.get("network") or _cluster_of(stack).get("network") or "").rpartition("/")[2]
    owner = subnetwork.get("project", project)
    where = f" of project {owner}" if owner != project else ""
    return Frame(Box(f"VPC network {name}".rstrip() + where + ("" if created else " (already exists)")), style="network")


def _cluster_of(stack: _Stack) -> Json:
    """Return the block of the stack's cluster; an empty one where it has none."""
    return next((block for address, block in _of_type(stack.blocks, _CLUSTER).items() if not address.startswith("data.")), {})


def _box(box: str, blocks: dict[str, Json], stack: _Stack) -> Box:
    """Return the box of a construct: the first known type of its blocks gives the title, and each gives lines."""
    known = [describe(block, stack) for kind, describe in _DESCRIPTIONS.items() for block in _of_type(blocks, kind).values()]
    others = [
        str(("_iam_" in address and block.get("role")) or f"{_type(address)} {_named(block) or address.rpartition('.')[2]}")
        for address, block in blocks.items()
        if _type(address) not in _DESCRIPTIONS
    ]
    title = next((title for title, _ in known if title), box.partition("/")[2])
    return Box(title, [line for _, lines in known for line in lines if line] + others, stack.risks.get(box, []))


def _named(block: Json) -> str | None:
    """Return the name of what a block creates, if it is known before Terraform runs."""
    names = (block.get("name"), _at(block, "metadata", "name"), block.get("account_id"))
    return next(filter(None, map(_known, names)), None)


def _known(value: Any) -> str | None:
    """Return a text that is known before Terraform runs, or None."""
    return value if isinstance(value, str) and "${" not in value else None


Description = tuple[str, list[str | None]]
"""Title and lines of a box. An empty title leaves it to another block, and None is no line."""


def _subnetwork(block: Json, stack: _Stack) -> Description:
    """Describe a subnetwork: each range, and how many nodes, Pods or Services it has room for."""
    lines: list[str | None] = []
    if nodes := block.get("ip_cidr_range"):
        lines.append(f"Nodes {nodes}: {max(IPv4Network(nodes).num_addresses - ADDRESSES_GOOGLE_KEEPS, 0):,} nodes")
    pods = max((pool["max_pods_per_node"] for pool in _of_type(stack.blocks, _POOL).values()), default=110)
    for secondary in block.get("secondary_ip_range") or []:
        cidr = IPv4Network(secondary["ip_cidr_range"])
        if secondary["range_name"] == _at(_cluster_of(stack), "ip_allocation_policy", "services_secondary_range_name"):
            lines.append(f"Services {cidr}: {cidr.num_addresses:,} Services")
        else:
            lines.append(f"Pods {cidr}: {cidr.num_addresses // addresses_of_a_node(pods):,} nodes with {pods} Pods")
    lines.append("Private Google Access" if block.get("private_ip_google_access") else None)
    lines.append("VPC Flow Logs" if block.get("log_config") else None)
    existing = any(address.startswith("data.") for address in _of_type(stack.blocks, _SUBNETWORK))
    return f"Subnetwork {_named(block) or ''}".rstrip() + (" (already exists)" if existing else ""), lines


def _cluster(block: Json, _: _Stack) -> Description:
    channel, version = _at(block, "release_channel", "channel"), _known(block.get("min_master_version"))
    restricted = block.get("master_authorized_networks_config")
    if _at(block, "private_cluster_config", "enable_private_endpoint"):
        address = "Internal IP address only"
    elif restricted is None:
        address = "External IP address, open to any network"
    else:
        address = (
            "External IP address, for authorized networks" if _at(restricted, "cidr_blocks") else "External IP address, for its own nodes"
        )
    policy = "Dataplane V2" if block.get("datapath_provider") == "ADVANCED_DATAPATH" else None
    if _at(block, "network_policy", "enabled"):
        policy = block["network_policy"]["provider"].capitalize()
    return f"GKE cluster {block['name']}", [
        f"Regional control plane in {block['location']}",
        "No release channel" if channel == "UNSPECIFIED" else f"Release channel {channel}",
        f"Kubernetes {version}" if version else None,
        address,
        "DNS endpoint" if _at(block, "control_plane_endpoints_config", "dns_endpoint_config", "allow_external_traffic") else None,
        f"Network policy: {policy}" if policy else None,
        "Workload Identity Federation for GKE" if _at(block, "workload_identity_config", "workload_pool") else None,
    ]


def _pool(block: Json, _: _Stack) -> Description:
    node, scaling = block["node_config"], block["autoscaling"]
    account, labels = _known(node.get("service_account")), node.get("labels") or {}
    return f"Node pool {block['name']}", [
        f"{node['machine_type']}, {node['disk_size_gb']} GB {node['disk_type']}",
        node.get("image_type"),
        *(
            f"{scaling.get(f'{total}min_node_count', 0)} to {scaling[f'{total}max_node_count']} nodes{where}"
            for total, where in (("", " per zone"), ("total_", ""))
            if f"{total}max_node_count" in scaling
        ),
        f"At creation: {block['initial_node_count']} per zone" if "initial_node_count" in block else None,
        "Spot VMs" if node.get("spot") else None,
        f"Service account {account}" if account else None,
        "No external IP addresses" if _at(block, "network_config", "enable_private_nodes") else "External IP addresses",
        *(f"{key}={value}" for key, value in (labels.items() if isinstance(labels, dict) else ())),
    ]


def _binding(block: Json, stack: _Stack) -> Description:
    role, namespace, subjects = _at(block, "role_ref", "name"), _at(block, "metadata", "namespace"), block.get("subject") or []
    title = "Administrators" if role == "cluster-admin" else f"Role binding {_named(block) or ''}".rstrip()
    return title, [
        f"{_at(block, 'role_ref', 'kind')} {role}" + (f" in namespace {namespace}" if namespace else ""),
        *(_subject(subject, stack) for subject in ([subjects] if isinstance(subjects, dict) else subjects)),
    ]


def _subject(subject: Json, stack: _Stack) -> str:
    """Return kind and name of a subject; in place of a reference, what it refers to."""
    name = subject["name"]
    if (address := _REFERENCE.search(name)) and "${" in name:
        if "google_client_openid_userinfo" in address[0]:
            return "The account that runs Terraform"
        name = _named(stack.blocks.get(address[0], {})) or address[0]
    return f"{subject['kind']} {name}"


_DESCRIPTIONS: dict[str, Callable[[Json, _Stack], Description]] = {
    _CLUSTER: _cluster,
    _POOL: _pool,
    _SUBNETWORK: _subnetwork,
    _NAT: lambda block, _: (f"Cloud NAT {block['name']}", []),
    "google_service_account": lambda block, _: (f"Service account {block['account_id']}", []),
    "google_project_iam_member": lambda block, _: ("Roles", [block["role"]]),
    "google_dns_managed_zone_iam_member": lambda block, _: ("Roles", [f"{block['role']} on the zone"]),
    "google_service_account_iam_member": lambda block, _: ("Roles", [f"used by {block['member'].rpartition('[')[2].rstrip(']')}"]),
    _ZONE: lambda block, _: (f"DNS zone {block['name']}", [str(block.get("dns_name", "")).removesuffix(".")]),
    **dict.fromkeys(_BINDINGS, _binding),
    "helm_release": lambda block, _: ("Helm releases", [f"{block['name']} {block.get('version', '')}".rstrip()]),
    **dict.fromkeys(("google_compute_network", _ROUTER, "kubernetes_namespace_v1"), lambda *_: ("", [])),
}
"""Title and lines of a construct's box, by resource type."""


def _in_words(boxes: dict[str, Box], project: Frame, arrows: list[Arrow]) -> str:
    """Return what the picture shows as text."""

    def said(box: Box) -> str:
        details = "; ".join([*box.lines, *(f"risk {risk}" for risk in box.risks)])
        return f"{box.title}: {details}." if details else f"{box.title}."

    inside = [box for frame in project.all_frames() for box in (frame.label, *frame.boxes.values())]
    reached = (f"{boxes[arrow.start].title} to {boxes[arrow.end].title}" + (f" ({arrow.text})" if arrow.text else "") for arrow in arrows)
    return " ".join([*map(said, inside), f"Arrows: {'; '.join(reached)}."])


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
