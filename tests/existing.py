"""Networks that exist before a deployment: what a platform team created, as the stand-in providers find it."""

import json
from typing import Any

from rehearsal.cloud import Cloud

NETWORK: dict[str, Any] = {
    "network": "platform",
    "create_subnetwork": False,
    "subnetwork": "nodes",
    "pods_range_name": "platform-pods",
    "services_range_name": "platform-services",
}
"""The section of a deployment that uses the subnetwork of `add_subnetwork`."""

_COMPUTE = "https://www.googleapis.com/compute/v1"


def add_subnetwork(cloud: Cloud, project: str = "demo-project", region: str = "us-central1", **values: Any) -> str:
    """Create the subnetwork `nodes`, with other values where they are given; return its ID."""
    id_ = f"projects/{project}/regions/{region}/subnetworks/nodes"
    ranges = values.pop("ranges", {"platform-pods": "10.64.0.0/14", "platform-services": "10.96.0.0/20"})
    subnetwork = {
        "id": id_,
        "name": "nodes",
        "project": project,
        "region": region,
        "self_link": f"{_COMPUTE}/{id_}",
        "network": f"{_COMPUTE}/projects/{project}/global/networks/platform",
        "ip_cidr_range": "10.32.0.0/20",
        "private_ip_google_access": False,
        "secondary_ip_range": [{"range_name": name, "ip_cidr_range": cidr} for name, cidr in ranges.items()],
    }
    cloud.put("google_compute_subnetwork", id_, subnetwork | values)
    return id_


def contents(cloud: Cloud, *types: str) -> str:
    """Return what exists of these types, in a form that can be compared."""
    return json.dumps({kind: sorted(cloud.objects(kind), key=str) for kind in types}, sort_keys=True)
