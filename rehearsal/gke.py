"""What GKE decides by comparing objects: versions, release channels and the default pool.

Owns the decisions that need more than one object or the order of versions. Leaves everything that a table can say to ``behaviour.toml``,
whose facts name the newest version of each channel and whether a channel is required.

A channel offers every version up to its newest here; the real one also drops old ones. The messages about auto-upgrades, node versions
and channel versions are those that users report (nkoson/gke-tutorial#8, hashicorp/terraform-provider-google#14389,
terraform-google-modules/terraform-google-kubernetes-engine#2177); the text of the others is invented.
"""

from __future__ import annotations

import re
from typing import Any

from rehearsal.cloud import Cloud, Operation, Refused
from rehearsal.values import first, version_key

CLUSTER = "google_container_cluster"
NODE_POOL = "google_container_node_pool"

_CHANNELS = ("RAPID", "REGULAR", "STABLE", "EXTENDED")
_FULL_VERSION = re.compile(r"\d+\.\d+\.\d+-gke\.\d+")


class Gke:
    """GKE's decisions about clusters and node pools. Other types pass unchanged."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def set_versions(self, type: str, planned: dict[str, Any], new: dict[str, Any], prior: dict[str, Any] | None) -> None:
        """Give a new or updated cluster or pool, in place, the versions that it will run.

        Args:
            type: the resource type.
            planned: the plan, in which a version may be unknown.
            new: the object as it will be.
            prior: the object in the state, or None.
        """
        if type == CLUSTER:
            self._set_cluster_versions(new, prior)
        elif type == NODE_POOL:
            asked = planned.get("version")
            new["version"] = self._full_version(asked) if isinstance(asked, str) else self._cluster_of(new).get("master_version")

    def check(self, operation: Operation, type: str, new: dict[str, Any]) -> None:
        """Check a cluster or pool before it is created or updated; an updated one must exist.

        Raises:
            Refused: when GKE returns 400.
        """
        if type == NODE_POOL:
            self._check_upgrade_settings(new)
        if type == CLUSTER and operation == "create":
            self._check_new_cluster(new)
        elif type == CLUSTER:
            self._check_channel_change(new)
        elif type == NODE_POOL:
            self._check_pool(new)

    def follow_up(self, operation: Operation, type: str, new: dict[str, Any], prior: dict[str, Any] | None, *, complete: bool) -> None:
        """Create or remove the objects that come with a cluster.

        Args:
            operation: what was done to the cluster.
            type: the resource type.
            new: the cluster, or what was destroyed.
            prior: the cluster in the state before, or None.
            complete: whether the provider finished the operation; the default pool is removed after the cluster's creation.
        """
        if type != CLUSTER:
            return
        default_pool = f"{new['id']}/nodePools/default-pool"
        removes = new.get("remove_default_node_pool") is True and complete
        if operation == "create" and not removes:
            self._cloud.put(NODE_POOL, default_pool, self._default_pool(new, default_pool))
        elif operation == "update" and removes and (prior or {}).get("remove_default_node_pool") is not True:
            self._cloud.remove(NODE_POOL, default_pool)
        elif operation == "destroy":
            for pool in self._pools_of(new):
                self._cloud.remove(NODE_POOL, pool["id"])

    # Versions

    def _set_cluster_versions(self, new: dict[str, Any], prior: dict[str, Any] | None) -> None:
        asked = new.get("min_master_version")
        if prior is None:
            new["master_version"] = self._full_version(asked) if asked else self._newest_of(_channel_of(new))
            new["node_version"] = new["master_version"]
            return
        running = str((self._cloud.find(CLUSTER, new["id"]) or prior)["master_version"])
        # The provider upgrades the control plane only when the argument changes, and never downgrades it.
        changed = asked is not None and asked != prior.get("min_master_version")
        new["master_version"] = self._full_version(str(asked)) if changed and version_key(str(asked)) > version_key(running) else running

    def _newest_of(self, channel: str) -> str:
        return str(self._cloud.facts[f"{(channel if channel in _CHANNELS else 'REGULAR').lower()}_version"])

    def _full_version(self, asked: str) -> str:
        """Return the version that GKE picks for one that is written in part, such as 1.35."""
        if _FULL_VERSION.fullmatch(asked):
            return asked
        known = [version for version in map(self._newest_of, _CHANNELS) if version.startswith((f"{asked}.", f"{asked}-"))]
        # No fact has a patch release of it, so one is invented.
        return max(known, key=version_key, default=f"{asked}{'.0' if asked.count('.') == 1 else ''}-gke.1000000")

    # Checks

    def _check_new_cluster(self, new: dict[str, Any]) -> None:
        if self._cloud.facts["release_channel_required"] and _channel_of(new) == "UNSPECIFIED":
            raise Refused("googleapi: Error 400: Cluster.release_channel must be one of RAPID, REGULAR, STABLE and EXTENDED., badRequest")

    def _check_channel_change(self, new: dict[str, Any]) -> None:
        present = self._cloud.find(CLUSTER, new["id"]) or {}
        channel = _channel_of(new)
        if channel not in _CHANNELS or channel == _channel_of(present):
            return
        for pool in self._pools_of(new):
            _check_management(pool, channel)
        newest, running = self._newest_of(channel), str(present.get("master_version"))
        if version_key(running) > version_key(newest):
            raise Refused(f'googleapi: Error 400: Master version must be "{channel}" channel supported versions [{newest}]., badRequest')

    def _check_pool(self, new: dict[str, Any]) -> None:
        cluster = self._cluster_of(new)
        if _channel_of(cluster) in _CHANNELS:
            _check_management(new, _channel_of(cluster))
        version, control_plane = str(new["version"]), str(cluster.get("master_version"))
        unchanged = (self._cloud.find(NODE_POOL, new["id"]) or {}).get("version") == version
        if version_key(version) > version_key(control_plane) and not unchanged:
            raise Refused(
                f'googleapi: Error 400: Node version "{version}" must not have a greater version than '
                f'master version "{control_plane}"., badRequest'
            )

    def _check_upgrade_settings(self, new: dict[str, Any]) -> None:
        """Refuse what the provider refuses: `expandNodePool` and `nodePoolUpdate` of google 6.50.0 and 7.45.0."""
        present = self._cloud.find(NODE_POOL, new["id"]) or {}
        surge = [[first(pool, f"upgrade_settings.{name}") or 0 for name in ("max_surge", "max_unavailable")] for pool in (present, new)]
        if first(new, "upgrade_settings.strategy") == "BLUE_GREEN" and surge[0] != surge[1]:
            raise Refused("Surge upgrade settings may not be changed when surge strategy is not enabled")

    # Objects

    def _cluster_of(self, pool: dict[str, Any]) -> dict[str, Any]:
        id_ = f"projects/{pool['project']}/locations/{pool['location']}/clusters/{pool['cluster']}"
        return self._cloud.find(CLUSTER, id_) or {}

    def _pools_of(self, cluster: dict[str, Any]) -> list[dict[str, Any]]:
        return [pool for pool in self._cloud.objects(NODE_POOL) if str(pool["id"]).startswith(f"{cluster['id']}/")]

    @staticmethod
    def _default_pool(cluster: dict[str, Any], id_: str) -> dict[str, Any]:
        return {
            "id": id_,
            "name": "default-pool",
            "project": cluster["project"],
            "location": cluster["location"],
            "cluster": cluster["name"],
            "initial_node_count": cluster["initial_node_count"],
            "management": [{"auto_repair": True, "auto_upgrade": True}],
            "version": cluster["master_version"],
        }


def _channel_of(cluster: dict[str, Any]) -> str:
    return str(first(cluster, "release_channel.channel") or "UNSPECIFIED")


def _check_management(pool: dict[str, Any], channel: str) -> None:
    for argument in ("auto_upgrade", "auto_repair"):
        if first(pool, f"management.{argument}") is False:
            summary = f"{argument.capitalize()} cannot be false when release_channel {channel} is set"
            raise Refused(f"googleapi: Error 400: {summary}., badRequest")
