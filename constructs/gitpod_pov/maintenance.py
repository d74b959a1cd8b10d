"""The maintenance window and the maintenance exclusions of a cluster.

Owns: when GKE may upgrade a cluster, when it may not, and the block for both. Leaves to others: the release channel
(`GkeCluster`) and automatic upgrades of the nodes (`LabelledNodePool`).

There is an exclusion by default, because the guide disables automatic upgrades. GKE allows that only without a release channel, and
has refused new clusters without one since 2026-08-21. In a channel, an exclusion with the scope NO_MINOR_OR_NODE_UPGRADES keeps the minor
version and the nodes as they are. The control plane still gets security patches.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Pattern, PlainText
from gitpod_pov.tokens import Choice

from cdktf_cdktf_provider_google.container_cluster import (
    ContainerCluster,
    ContainerClusterMaintenancePolicy,
    ContainerClusterMaintenancePolicyMaintenanceExclusion,
    ContainerClusterMaintenancePolicyMaintenanceExclusionExclusionOptions,
    ContainerClusterMaintenancePolicyRecurringWindow,
)
from pydantic import AfterValidator, Field

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_SHORTEST, _LONGEST = timedelta(hours=4), timedelta(hours=24)


def _time(text: str) -> datetime:
    return datetime.strptime(text, _TIME)  # noqa: DTZ007 - the format ends in Z, and only differences matter


def _utc_time(value: str) -> str:
    with suppress(ValueError):
        if _time(value).strftime(_TIME) == value:
            return value
    raise ValueError("is not a time in UTC, such as 2027-01-02T03:00:00Z")


UtcTime = Annotated[str, AfterValidator(_utc_time)]
"""RFC 3339 in UTC. GKE accepts other forms but returns this one, which would be a change in every plan."""

Recurrence = Annotated[
    str,
    Pattern(
        r"FREQ=(DAILY|WEEKLY(;BYDAY=(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*)?)",
        "a recurrence: FREQ=DAILY, or FREQ=WEEKLY;BYDAY= and days of MO,TU,WE,TH,FR,SA,SU",
    ),
]
"""The recurrences of which every window makes up the 48 hours in 92 days that GKE requires: 4 hours each week are 52.

Syntax: https://www.rfc-editor.org/rfc/rfc5545#section-3.8.5.3
"""

Scope = Literal["NO_UPGRADES", "NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"]


def _window_duration(config: "MaintenanceWindow") -> Iterator[Fault]:
    duration = _time(config.end_time) - _time(config.start_time)
    if not _SHORTEST <= duration <= _LONGEST:
        yield Fault(("end_time",), f"must be 4 to 24 hours after start_time {config.start_time}")


class MaintenanceWindow(Configuration):
    """The recurring hours in which Google may upgrade a cluster."""

    start_time: UtcTime
    """Start of the first window in UTC, such as 2027-01-02T03:00:00Z."""

    end_time: UtcTime
    """End of the first window in UTC, 4 to 24 hours after its start."""

    recurrence: Recurrence = "FREQ=DAILY"
    """Recurrence as an RFC 5545 rule, such as `FREQ=WEEKLY;BYDAY=SA,SU`."""

    rules = (_window_duration,)


def _exclusion_times(config: "MaintenanceExclusion") -> Iterator[Fault]:
    if config.end_time is None:
        if config.scope == "NO_UPGRADES":
            yield Fault(("end_time",), "is required with the scope NO_UPGRADES: set it, or use NO_MINOR_OR_NODE_UPGRADES")
    elif _time(config.end_time) <= _time(config.start_time):
        yield Fault(("end_time",), f"must be after start_time {config.start_time}")


class MaintenanceExclusion(Configuration):
    """A period in which GKE does not upgrade a cluster."""

    name: PlainText = Field(min_length=1)
    """Name of the exclusion, unique within the cluster."""

    start_time: UtcTime = "2026-01-01T00:00:00Z"
    """Start in UTC. The default is a fixed time in the past, so that every synth writes the same value."""

    end_time: UtcTime | None = None
    """End in UTC. Default: the end of support of the minor version, the latest end that GKE accepts."""

    scope: Choice[Scope] = "NO_MINOR_OR_NODE_UPGRADES"
    """Upgrades that GKE does not start. NO_UPGRADES stops all of them, for at most 90 days, and needs an end_time."""

    rules = (_exclusion_times,)

    @property
    def stops_node_upgrades(self) -> bool:
        """Whether nodes get no upgrades, and with them no security patches, while the exclusion lasts."""
        return self.scope != "NO_MINOR_UPGRADES"


KEEP_VERSIONS = MaintenanceExclusion(name="keep-versions")
"""The exclusion of a cluster in a release channel whose deployment lists none: what `--no-enable-autoupgrade` means in the guide."""

ALL_DAY = MaintenanceWindow(start_time="2026-01-01T00:00:00Z", end_time="2026-01-02T00:00:00Z")
"""The window of a cluster with exclusions and no configured window: the whole day, every day. The provider requires one with exclusions."""


def maintenance_policy(
    window: MaintenanceWindow | None, exclusions: Sequence[MaintenanceExclusion]
) -> ContainerClusterMaintenancePolicy | None:
    """Return the block of a cluster; None when there is neither a window nor an exclusion."""
    if window is None and not exclusions:
        return None
    window = window or ALL_DAY
    return ContainerClusterMaintenancePolicy(
        recurring_window=ContainerClusterMaintenancePolicyRecurringWindow(
            start_time=window.start_time, end_time=window.end_time, recurrence=window.recurrence
        ),
        maintenance_exclusion=[
            ContainerClusterMaintenancePolicyMaintenanceExclusion(
                exclusion_name=exclusion.name,
                start_time=exclusion.start_time,
                end_time=exclusion.end_time or "",  # the bindings require a value; see override_open_ends
                exclusion_options=ContainerClusterMaintenancePolicyMaintenanceExclusionExclusionOptions(scope=exclusion.scope),
            )
            for exclusion in exclusions
        ]
        or None,
    )


def override_open_ends(cluster: ContainerCluster, exclusions: Sequence[MaintenanceExclusion]) -> None:
    """Write the exclusions without an end so that they last until the end of support of the minor version.

    The bindings (google 6.50) require `end_time` and lack `end_time_behavior`, which exists from google 7.12 on.
    """
    for index, exclusion in enumerate(exclusions):
        if exclusion.end_time is None:
            block = f"maintenance_policy.maintenance_exclusion.{index}"
            cluster.add_override(f"{block}.end_time", None)
            cluster.add_override(f"{block}.exclusion_options.end_time_behavior", "UNTIL_END_OF_SUPPORT")
