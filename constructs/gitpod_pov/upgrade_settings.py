"""How GKE upgrades the nodes of a pool.

Owns: the two upgrade strategies and their settings, and the google versions that cannot write them. Leaves to others: when GKE upgrades
(`maintenance`), and the pool itself.

Sources: https://cloud.google.com/kubernetes-engine/docs/concepts/node-pool-upgrade-strategies, and for the provider
https://github.com/hashicorp/terraform-provider-google/blob/v7.45.0/google/services/container/resource_container_node_pool.go
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from gitpod_pov.configuration import Configuration, known
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Pattern
from gitpod_pov.provider_versions import SUPPORTED, parsed
from gitpod_pov.tokens import KnownAtSynth, Number

import cdktf_cdktf_provider_google.container_node_pool as gke
from pydantic import Field

Seconds = Annotated[str, Pattern(r"(0|[1-9][0-9]{0,9})s", "a duration in seconds, such as 3600s")]

_LONGEST_SOAK = 604_800  # 7 days
# https://github.com/hashicorp/terraform-provider-google/issues/25757, fixed in 7.18.0 (pull request 25916)
_BROKEN_SINCE, _FIXED_IN = "7.13.0", "7.18.0"
_ONLY_FOR = {
    "SURGE": ("max_surge", "max_unavailable"),
    "BLUE_GREEN": ("node_pool_soak_duration", "batch_node_count", "batch_soak_duration"),
}
"""The settings of each strategy."""


def _settings_of_the_strategy(config: "UpgradeSettings") -> Iterator[Fault]:
    for strategy, fields in _ONLY_FOR.items():
        for field, value in known(config, *fields) if strategy != config.strategy else ():
            if value is not None:
                yield Fault((field,), f"is a setting of the strategy {strategy}: remove it, or set strategy to {strategy}")


def _progress(config: "UpgradeSettings") -> Iterator[Fault]:
    if config.strategy == "SURGE" and config.surge == config.unavailable == 0:
        yield Fault(("max_surge",), "prevents upgrades, because max_unavailable is also 0: set one of them to 1 or more")


def _soak_duration(config: "UpgradeSettings") -> Iterator[Fault]:
    duration = config.node_pool_soak_duration
    if duration is not None and int(duration.removesuffix("s")) > _LONGEST_SOAK:
        yield Fault(("node_pool_soak_duration",), f"must be {_LONGEST_SOAK}s (7 days) or less")


class UpgradeSettings(Configuration):
    """How many nodes an upgrade replaces at a time, and how long it waits."""

    strategy: Annotated[Literal["SURGE", "BLUE_GREEN"], KnownAtSynth()] = "SURGE"
    """Upgrade strategy. SURGE replaces the nodes a few at a time. BLUE_GREEN creates a second set of nodes, drains the first in batches and
    keeps it for a rollback; it needs quota for twice the nodes.
    """

    max_surge: Annotated[Number, Field(ge=0, le=1000)] | None = None
    """Nodes that a surge upgrade adds at a time. Default: 1."""

    max_unavailable: Annotated[Number, Field(ge=0, le=1000)] | None = None
    """Nodes that may be unavailable at a time during a surge upgrade. Default: 0."""

    node_pool_soak_duration: Seconds | None = None
    """Time for which a blue-green upgrade keeps the drained nodes for a rollback, at most 604800s (7 days). Default: 3600s."""

    batch_node_count: Annotated[Number, Field(ge=1, le=1000)] | None = None
    """Nodes that a blue-green upgrade drains at a time. Default: 1."""

    batch_soak_duration: Seconds | None = None
    """Time that a blue-green upgrade waits after each batch. Default: 0s."""

    rules = (_settings_of_the_strategy, _progress, _soak_duration)

    @property
    def surge(self) -> float:
        """Nodes that a surge upgrade adds at a time."""
        return 1 if self.max_surge is None else self.max_surge

    @property
    def unavailable(self) -> float:
        """Nodes that may be unavailable at a time during a surge upgrade."""
        return 0 if self.max_unavailable is None else self.max_unavailable

    def additional_nodes(self, size: float) -> float:
        """Return how many nodes an upgrade adds at a time to a pool of this size."""
        return size if self.strategy == "BLUE_GREEN" else self.surge

    def oldest_google(self, google: str) -> str:
        """Return the oldest google version, from the one with the bug on, that creates what the version `google` creates."""
        is_fixed = self.strategy == "BLUE_GREEN" and parsed(google) >= parsed(_FIXED_IN)
        return _FIXED_IN if is_fixed else SUPPORTED["google"].bindings

    def block(self) -> gke.ContainerNodePoolUpgradeSettings:
        """Return the block of the node pool.

        Every setting of the strategy is written, because the provider keeps one that disappears. Those of the other strategy are left
        out: the provider refuses to change them, and leaves them as they are.
        """
        if self.strategy == "SURGE":
            return gke.ContainerNodePoolUpgradeSettings(max_surge=self.surge, max_unavailable=self.unavailable)
        return gke.ContainerNodePoolUpgradeSettings(
            strategy=self.strategy,
            blue_green_settings=gke.ContainerNodePoolUpgradeSettingsBlueGreenSettings(
                node_pool_soak_duration=self.node_pool_soak_duration or "3600s",
                standard_rollout_policy=gke.ContainerNodePoolUpgradeSettingsBlueGreenSettingsStandardRolloutPolicy(
                    batch_node_count=self.batch_node_count or 1,
                    # GKE accepts one of the two. Without the 0, the provider would send a percentage that somebody set elsewhere too.
                    batch_percentage=0,
                    batch_soak_duration=self.batch_soak_duration or "0s",
                ),
            ),
        )


def blue_green_faults(settings: UpgradeSettings, google: str) -> Iterator[Fault]:
    """Yield a fault for blue-green upgrades with a google version that cannot create such a pool."""
    if settings.strategy == "BLUE_GREEN" and parsed(_BROKEN_SINCE) <= parsed(google) < parsed(_FIXED_IN):
        yield Fault(
            ("strategy",),
            f"does not work with google {google}, which has a bug in blue_green_settings: require google {_FIXED_IN} or newer",
        )
