"""What a plan checks of an existing subnetwork: the rules on ranges, said in Terraform.

Owns: the postconditions of the data source that reads the subnetwork. Each says what a rule says at synth about a subnetwork that is
created here. Leaves to others: reading the subnetwork (`cluster_network`), and how many nodes and addresses there are (`node_pool`).

Why these are not rules at synth: nothing is read from Google Cloud then.

Numbers are Terraform expressions, so that a hand-over can pass variables. Names are texts or tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gitpod_pov.tokens import is_token

from cdktf import Postcondition


def in_network(subnetwork: str, network: str) -> Postcondition:
    """Return the condition that the subnetwork is in the network that the deployment names."""
    return _condition(
        f"basename(self.network) == {_text(network)}",
        f"network.subnetwork: '{subnetwork}' is in the network '${{basename(self.network)}}', not in '{network}': set network.network to "
        "the network of the subnetwork, or use another subnetwork",
    )


def in_region(subnetwork: str, region: str) -> Postcondition:
    """Return the condition that the subnetwork is in the region of the cluster."""
    return _condition(
        f"self.region == {_text(region)}",
        f"network.subnetwork: '{subnetwork}' is in ${{self.region}}: use a subnetwork in {region}, the region of the cluster",
    )


def has_range(key: str, name: str, subnetwork: str) -> Postcondition:
    """Return the condition that the subnetwork has a secondary range; `key` is the input that names it."""
    names = "self.secondary_ip_range[*].range_name"
    return _condition(
        f"contains({names}, {_text(name)})",
        f"network.{key}: '{name}' is not a secondary range of the subnetwork '{subnetwork}', which has ${{jsonencode({names})}}: use one "
        "of these, or add the range to the subnetwork",
    )


def range_size(key: str, name: str, shortest: int, longest: int, allowed: str) -> Postcondition:
    """Return the condition that a secondary range is neither too large nor too small."""
    cidr = _secondary(name)
    return _condition(
        f'{cidr} == "" || ({_prefix(cidr)} >= {shortest} && {_prefix(cidr)} <= {longest})',
        f"network.{key}: '{name}' is ${{{cidr}}}, but a range for Services must be {allowed}: use another range",
    )


def has_private_google_access(subnetwork: str, region: str, project: str) -> Postcondition:
    """Return the condition that private nodes reach Google's APIs and registries."""
    command = f"gcloud compute networks subnets update {subnetwork} --region {region} --project {project} --enable-private-ip-google-access"
    return _condition(
        "self.private_ip_google_access",
        f"network.subnetwork: '{subnetwork}' has no Private Google Access, through which the nodes of cluster.private_nodes reach Google's "
        f"APIs and registries: run `{command}`, or use another subnetwork",
    )


@dataclass(frozen=True)
class Nodes:
    """The nodes that the autoscaler may add to a pool.

    Attributes:
        pool: the section of the pool.
        limit: the maximum, as an expression: per zone, or without `zones` for the whole region.
        addresses: how many addresses of the Pod range a node takes.
        zones: the number of zones, as an expression.
    """

    pool: str
    limit: str
    addresses: int
    zones: str | None = None

    @property
    def most(self) -> str:
        """The maximum for the whole region, as an expression."""
        return self.limit if self.zones is None else f"{self.limit} * {self.zones}"

    @property
    def explained(self) -> str:
        """The maximum for the whole region and what it is made of, as a template."""
        per_zone = "" if self.zones is None else f" (${{{self.limit}}} per zone in {_counted(self.zones, 'zone')})"
        return f"${{{self.most}}} are possible{per_zone}"

    def lowered_to(self, holds: str) -> str:
        """Return the remedy to lower the maximum, as a template; `holds` is the number of nodes that there is room for."""
        key, fewer = ("max_total_nodes", holds) if self.zones is None else ("max_nodes", f"floor({holds} / {self.zones})")
        return f'${{{fewer} > 0 ? ", or lower {self.pool}.{key} to ${{{fewer}}}" : ""}}'


def holds_pods(pods_range: str, pools: Sequence[Nodes], fitting_prefix: int | None = None) -> Postcondition:
    """Return the condition that the Pod range is large enough for the nodes that the autoscaler may add.

    Args:
        pods_range: name of the secondary range.
        pools: the nodes of each pool.
        fitting_prefix: the prefix of the smallest range that is large enough; left out where the numbers are variables.
    """
    cidr, several = _secondary(pods_range), len(pools) > 1
    holds = _addresses(cidr) if several else f"floor({_addresses(cidr)} / {pools[0].addresses})"
    return _room(f"network.pods_range_name: '{pods_range}'", cidr, holds, pools, fitting_prefix, in_addresses=several)


def holds_nodes(subnetwork: str, reserved: int, pools: Sequence[Nodes], fitting_prefix: int | None = None) -> Postcondition:
    """Return the condition that the primary range has an address for each node.

    Args:
        subnetwork: name of the subnetwork.
        reserved: how many addresses Google reserves.
        pools: the nodes of each pool.
        fitting_prefix: the prefix of the smallest range that is large enough; left out where the numbers are variables.
    """
    cidr = "self.ip_cidr_range"
    return _room(f"network.subnetwork: '{subnetwork}'", cidr, f"max({_addresses(cidr)} - {reserved}, 0)", pools, fitting_prefix)


def holds_default_pool(pods_range: str, addresses: int, zones: str) -> Postcondition:
    """Return the condition that the Pod range is large enough for the default pool, which GKE creates first.

    Args:
        pods_range: name of the secondary range.
        addresses: how many addresses of it a node takes.
        zones: the number of zones, in each of which the pool has one node.
    """
    cidr = _secondary(pods_range)
    return _condition(
        f'{cidr} == "" || {_addresses(cidr)} >= {addresses} * {zones}',
        f"network.pods_range_name: '{pods_range}' is ${{{cidr}}}, which is too small for the default node pool, which GKE creates first "
        f"with one node per zone and {addresses} addresses for each: use a larger range, or lower cluster.default_max_pods_per_node",
    )


def _room(
    subject: str, cidr: str, holds: str, pools: Sequence[Nodes], fitting_prefix: int | None, *, in_addresses: bool = False
) -> Postcondition:
    room = f"has ${{{holds}}} addresses" if in_addresses else f"has room for {_counted(holds, 'node')}"
    needed = {nodes.pool: f"{nodes.most} * {nodes.addresses}" if in_addresses else nodes.most for nodes in pools}
    total = " + ".join(needed.values())
    larger = "use a larger range" if fitting_prefix is None else f"use a range of /{fitting_prefix} or larger"
    if len(pools) == 1:
        explained = f"{pools[0].explained}: {larger}{pools[0].lowered_to(holds)}"
    else:
        numbers = ", ".join(f"{pool} ${{{number}}}" for pool, number in needed.items())
        explained = f"the pools can need up to ${{{total}}} ({numbers}): {larger}, or lower the maximum of a pool"
    return _condition(f'{cidr} == "" || {holds} >= {total}', f"{subject} is ${{{cidr}}} and {room}, but {explained}")


def _condition(holds: str, message: str) -> Postcondition:
    """Return a postcondition: the expression that must be true, and the template of the error message."""
    return Postcondition(condition=f"${{{holds}}}", error_message=message)


def _text(value: str) -> str:
    """Return a text as an expression. cdktf writes a token inside `${}` as an expression itself."""
    return value if is_token(value) else f'"{value}"'


def _counted(number: str, noun: str) -> str:
    return f'${{{number}}} {noun}${{{number} == 1 ? "" : "s"}}'


def _secondary(name: str) -> str:
    """Return the expression of a secondary range; an empty text where the subnetwork has no such range.

    Terraform evaluates every error message, also that of a condition which holds, so that it must not fail.
    """
    found = f"[for secondary in self.secondary_ip_range : secondary.ip_cidr_range if secondary.range_name == {_text(name)}]"
    return f'concat({found}, [""])[0]'


def _prefix(cidr: str) -> str:
    """Return the expression of a range's prefix; 32 for an empty text."""
    return f'try(tonumber(split("/", {cidr})[1]), 32)'


def _addresses(cidr: str) -> str:
    return f"pow(2, 32 - {_prefix(cidr)})"
