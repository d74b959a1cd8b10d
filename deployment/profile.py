"""The profiles of a deployment: values for many inputs under one name.

Owns: the values of the profile `hardened`, which inputs in the file override. Leaves to others: what each input does, which its
configuration documents. docs/hardening.md describes the effect of each input on the workloads.

The profile contains every input that makes a deployment safer and needs no value of the user's own, such as a key, a time or a group. It
does not contain Spot VMs, which are cheaper but not safer, nor confidential nodes, which depend on the machine type and the zone.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal

from gitpod_pov.gke_cluster import PROMETHEUS_COMPONENTS

from deployment.ingress import derived_from_ingress

Profile = Literal["reference", "hardened"]

PROFILES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "reference": {},
    "hardened": {
        "identity": {"roles": "least-privilege"},
        "network": {"cloud_nat": True, "private_google_access": True, "flow_logs": True},
        "cluster": {
            "release_channel": "REGULAR",
            "maintenance_exclusions": [],
            "deletion_protection": True,
            "private_nodes": True,
            "private_endpoint": True,
            "authorized_networks": {},
            "dns_endpoint": True,
            "workload_identity": True,
            "shielded_nodes": True,
            "secure_boot": True,
            "integrity_monitoring": True,
            "kubelet_readonly_port": False,
            "anonymous_authentication": "LIMITED",
            "insecure_rbac_bindings": False,
            "logging_components": ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"],
            "monitoring_components": [
                *("SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "STORAGE"),
                *("HPA", "POD", "DAEMONSET", "DEPLOYMENT", "STATEFULSET"),
            ],
            "managed_prometheus": True,
            "cost_allocation": True,
        },
        "ingress": {"dns_access": "least-privilege"},
    },
}
"""Values by section and input. `reference` has none: it uses the defaults of the configurations."""


OPTIONAL_SECTIONS = frozenset({"ingress"})
"""Sections that exist only in deployments whose file has them; a profile does not add them."""


def with_profile(content: Mapping[str, Any], profile: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of a deployment file with a profile's values where the file has none, and then with those that it implies."""
    merged = dict(content)
    for section, values in chain(profile.items(), derived_from_ingress(content).items()):
        given = merged.get(section, {})
        if isinstance(given, Mapping) and (section in content or section not in OPTIONAL_SECTIONS):
            merged[section] = {**_supported(values, given), **given}
    return merged


def _supported(values: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a profile's values for a section, without those that the file rules out.

    These are the monitoring components that need Prometheus, with managed_prometheus = false, and the settings of the subnetwork, with
    create_subnetwork = false.
    """
    if given.get("create_subnetwork") is False:
        return {key: value for key, value in values.items() if key not in {"private_google_access", "flow_logs"}}
    if not values.get("managed_prometheus") or given.get("managed_prometheus") is not False:
        return values
    return {**values, "monitoring_components": [name for name in values["monitoring_components"] if name not in PROMETHEUS_COMPONENTS]}
