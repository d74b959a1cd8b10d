"""What GKE accepts as the maintenance exclusions of one cluster.

Owns: the rules between the exclusions of a cluster, and those of the scope NO_UPGRADES. Leaves to others: the form of an exclusion and
the block that they make (`maintenance`), and which scopes a release channel allows (`gke_cluster`).

Why these rules are apart: GKE checks them when the cluster is created, after minutes, and it has changed the numbers before. Until the
spring of 2026, NO_UPGRADES could last 30 days, and maintenance had to be possible for 48 hours in 32 days.

Source: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions#limitations-maint-exclusions
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from gitpod_pov.faults import Fault
from gitpod_pov.gcp_names import repeated
from gitpod_pov.maintenance import MaintenanceExclusion

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
        yield Fault((), f"has {len(exclusions)} exclusions, at most {MOST_EXCLUSIONS} are allowed")


def _names(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    for index in repeated(tuple(exclusion.name for exclusion in exclusions)):
        yield Fault((index, "name"), "is also the name of another exclusion: use a different name", exclusions[index].name)


def _scopes(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    without_upgrades = [index for index, exclusion in enumerate(exclusions) if exclusion.scope == "NO_UPGRADES"]
    for index in without_upgrades[MOST_NO_UPGRADES:]:
        yield Fault(
            (index, "scope"),
            f"is the scope of {len(without_upgrades)} exclusions, at most {MOST_NO_UPGRADES} are allowed: use another scope",
            exclusions[index].scope,
        )


def _times(exclusions: Sequence[MaintenanceExclusion]) -> Iterator[Fault]:
    spans: dict[int, _Span] = {}
    for index, exclusion in enumerate(exclusions):
        # Without an end it is refused already: such an exclusion cannot last until the end of support.
        if exclusion.scope == "NO_UPGRADES" and exclusion.end_time is not None:
            start, end = datetime.fromisoformat(exclusion.start_time), datetime.fromisoformat(exclusion.end_time)
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
                f"leaves {available // timedelta(hours=1)} hours for upgrades in the {ROLLING_WINDOW.days} days before it, GKE requires "
                f"{AVAILABILITY // timedelta(hours=1)}: leave more time between exclusions with the scope NO_UPGRADES",
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
"""Functions that yield a fault for everything in the exclusions of a cluster that GKE refuses; a key starts with the index of one."""
