"""When Google may change a running cluster, and when not.

Owns: the maintenance window and the exclusions of a cluster, and the block that they make. Leaves to others: the release channel
(`GkeCluster`) and whether nodes are upgraded at all (`LabelledNodePool`).

Why exclusions: clusters without a release channel end on 2027-06-14, and in a channel Google upgrades. An exclusion of the scope
NO_MINOR_OR_NODE_UPGRADES is what keeps the nodes and the minor version still there; security patches of the control plane still come.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

from gitpod_pov.configuration import Configuration
from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import Matching, PlainText

from cdktf_cdktf_provider_google.container_cluster import (
    ContainerClusterMaintenancePolicy,
    ContainerClusterMaintenancePolicyMaintenanceExclusion,
    ContainerClusterMaintenancePolicyMaintenanceExclusionExclusionOptions,
    ContainerClusterMaintenancePolicyRecurringWindow,
)
from pydantic import AfterValidator, Field

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_SHORTEST, _LONGEST = timedelta(hours=4), timedelta(hours=24)
_ENOUGH_IN_32_DAYS = timedelta(hours=48)


def _utc_time(value: str) -> str:
    try:
        time = datetime.strptime(value, _TIME)  # noqa: DTZ007 - the format ends in Z, and only differences are taken
    except ValueError:
        time = None
    if time is None or time.strftime(_TIME) != value:
        raise ValueError("is not a time in UTC, such as 2027-01-02T03:00:00Z")
    return value


UtcTime = Annotated[str, AfterValidator(_utc_time)]
"""RFC 3339 in UTC: GKE takes other forms and answers with this one, which would be a change at every plan."""

Recurrence = Annotated[
    str,
    Matching(
        r"FREQ=(DAILY|WEEKLY(;BYDAY=(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*)?)",
        "a recurrence: FREQ=DAILY, or FREQ=WEEKLY;BYDAY= and days of MO,TU,WE,TH,FR,SA,SU",
    ),
]
"""The part of https://www.rfc-editor.org/rfc/rfc5545#section-3.8.5.3 whose hours can be counted here."""

Scope = Literal["NO_UPGRADES", "NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"]


def _duration(config: "MaintenanceWindow | MaintenanceExclusion") -> timedelta:
    start, end = (datetime.strptime(time, _TIME) for time in (config.start_time, config.end_time))  # noqa: DTZ007
    return end - start


def _window_is_long_enough(config: "MaintenanceWindow") -> Iterator[Fault]:
    duration = _duration(config)
    if not _SHORTEST <= duration <= _LONGEST:
        yield Fault(("end_time",), f"must be 4 to 24 hours after start_time {config.start_time}", config.end_time)
        return
    days = 32 if config.recurrence == "FREQ=DAILY" else 4 * (config.recurrence.count(",") + 1)
    if duration * days < _ENOUGH_IN_32_DAYS:
        yield Fault(
            ("recurrence",),
            f"leaves {days * duration // timedelta(hours=1)} hours in 32 days, GKE asks for 48: name more days or make the window longer",
            config.recurrence,
        )


class MaintenanceWindow(Configuration):
    """The recurring hours in which Google may upgrade a cluster."""

    start_time: UtcTime = Field(description="When the first window opens, in UTC, such as 2027-01-02T03:00:00Z.")
    end_time: UtcTime = Field(description="When the first window closes, in UTC, 4 to 24 hours later.")
    recurrence: Recurrence = Field(
        default="FREQ=DAILY",
        description="How it recurs: `FREQ=DAILY`, the default, or `FREQ=WEEKLY;BYDAY=SA,SU`. GKE asks for 48 hours in 32 days.",
    )

    rules = (_window_is_long_enough,)


def _exclusion_ends_after_its_start(config: "MaintenanceExclusion") -> Iterator[Fault]:
    if _duration(config) <= timedelta():
        yield Fault(("end_time",), f"must be after start_time {config.start_time}", config.end_time)


class MaintenanceExclusion(Configuration):
    """A span of time in which Google leaves a cluster alone."""

    name: PlainText = Field(min_length=1, description="Name of the exclusion, unique within the cluster.")
    start_time: UtcTime = Field(description="When it begins, in UTC, such as 2027-01-02T00:00:00Z.")
    end_time: UtcTime = Field(description="When it ends, in UTC; GKE allows no later time than the end of support of the minor version.")
    scope: Scope = Field(
        default="NO_MINOR_OR_NODE_UPGRADES",
        description=(
            "What is left alone. NO_MINOR_OR_NODE_UPGRADES, the default, keeps nodes and the minor version still; NO_MINOR_UPGRADES only "
            "the minor version; NO_UPGRADES everything, for which GKE allows weeks only."
        ),
    )

    rules = (_exclusion_ends_after_its_start,)


def maintenance_policy(
    window: MaintenanceWindow | None, exclusions: tuple[MaintenanceExclusion, ...]
) -> ContainerClusterMaintenancePolicy | None:
    """Return the block of a cluster; None where nothing is configured."""
    if window is None:
        return None
    return ContainerClusterMaintenancePolicy(
        recurring_window=ContainerClusterMaintenancePolicyRecurringWindow(
            start_time=window.start_time, end_time=window.end_time, recurrence=window.recurrence
        ),
        maintenance_exclusion=[
            ContainerClusterMaintenancePolicyMaintenanceExclusion(
                exclusion_name=exclusion.name,
                start_time=exclusion.start_time,
                end_time=exclusion.end_time,
                exclusion_options=ContainerClusterMaintenancePolicyMaintenanceExclusionExclusionOptions(scope=exclusion.scope),
            )
            for exclusion in exclusions
        ]
        or None,
    )
