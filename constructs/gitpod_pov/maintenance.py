"""The maintenance window and the maintenance exclusions of a cluster.

Owns: when GKE may upgrade a cluster, when it may not, what GKE accepts as the exclusions of one cluster, and the block for both. Leaves
to others: the release channel (`GkeCluster`), which scopes it allows, and automatic upgrades of the nodes (`LabelledNodePool`).

GKE checks the exclusions when the cluster is created, after minutes, and it has changed the numbers before. Until the spring of 2026,
NO_UPGRADES could last 30 days, and maintenance had to be possible for 48 hours in 32 days.

There is an exclusion by default, because the guide disables automatic upgrades. GKE allows that only without a release channel, and
has refused new clusters without one since 2026-08-21. In a channel, an exclusion with the scope NO_MINOR_OR_NODE_UPGRADES keeps the minor
version and the nodes as they are. The control plane still gets security patches.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Pattern, PlainText, repeated
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
    """Start in UTC. The default is a fixed time in the past, so that every synthesis writes the same value."""

    end_time: UtcTime | None = None
    """End in UTC. Default: the end of support of the minor version, the latest end that GKE accepts."""

    scope: Choice[Scope] = "NO_MINOR_OR_NODE_UPGRADES"
    """Upgrades that GKE does not start. NO_UPGRADES stops all of them, for at most 90 days, and needs an end_time."""

    rules = (_exclusion_times,)

    @property
    def stops_node_upgrades(self) -> bool:
        """Whether nodes get no upgrades, and with them no security patches, while the exclusion lasts."""
        return self.scope != "NO_MINOR_UPGRADES"


MOST_EXCLUSIONS = 20
MOST_NO_UPGRADES = 3
LONGEST_NO_UPGRADES = timedelta(days=90)
ROLLING_WINDOW = timedelta(days=92)
AVAILABILITY = timedelta(hours=48)
SHORTEST_AVAILABILITY = timedelta(hours=4)
"""Shorter gaps between exclusions do not count as available."""

_Span = tuple[datetime, datetime]


def _number(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    if len(exclusions) > MOST_EXCLUSIONS:
        yield Fault((), f"has {len(exclusions)} exclusions, but at most {MOST_EXCLUSIONS} are allowed")


def _names(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    for index in repeated(tuple(exclusion.name for exclusion in exclusions)):
        yield Fault((index, "name"), "is also the name of another exclusion: use a different name", exclusions[index].name)


def _scopes(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    without_upgrades = [index for index, exclusion in enumerate(exclusions) if exclusion.scope == "NO_UPGRADES"]
    for index in without_upgrades[MOST_NO_UPGRADES:]:
        yield Fault(
            (index, "scope"),
            f"is the scope of {len(without_upgrades)} exclusions, but at most {MOST_NO_UPGRADES} are allowed: use another scope",
            exclusions[index].scope,
        )


def _times(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    spans: dict[int, _Span] = {}
    for index, exclusion in enumerate(exclusions):
        # Without an end it is refused already: such an exclusion cannot last until the end of support.
        if exclusion.scope == "NO_UPGRADES" and exclusion.end_time is not None:
            start, end = _time(exclusion.start_time), _time(exclusion.end_time)
            if end - start <= LONGEST_NO_UPGRADES:
                spans[index] = start, end
            else:
                yield Fault(
                    (index, "end_time"),
                    f"is more than {LONGEST_NO_UPGRADES.days} days after start_time {exclusion.start_time}: end it earlier, or use the "
                    "scope NO_MINOR_OR_NODE_UPGRADES",
                    exclusion.end_time,
                )
    for index, (_, end) in spans.items():
        if (available := _available_before(end, spans.values())) < AVAILABILITY:
            yield Fault(
                (index, "end_time"),
                f"leaves {available // timedelta(hours=1)} hours for upgrades in the {ROLLING_WINDOW.days} days before it, but GKE "
                f"requires {AVAILABILITY // timedelta(hours=1)}: leave more time between exclusions with the scope NO_UPGRADES",
                exclusions[index].end_time,
            )


def _available_before(end: datetime, spans: Iterable[_Span]) -> timedelta:
    """Return how much of the 92 days before a time lies outside the spans; the recurring window can only leave less.

    The days before the end of an exclusion are the ones with the least: later or earlier ones have as much or more.
    """
    available, open_from = timedelta(), end - ROLLING_WINDOW
    for start_of_span, end_of_span in sorted(spans):
        if (gap := start_of_span - open_from) >= SHORTEST_AVAILABILITY:
            available += gap
        open_from = max(open_from, end_of_span)
        if open_from >= end:
            break
    return available


EXCLUSION_RULES = (_number, _names, _scopes, _times)
"""Functions that yield a fault for everything in the exclusions of a cluster that GKE refuses; a key starts with the index of one.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#limitations-maint-exclusions
"""

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
