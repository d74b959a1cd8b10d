from datetime import datetime, timedelta

from gitpod_pov.maintenance import EXCLUSION_RULES, MaintenanceExclusion

import pytest

START = datetime.fromisoformat("2027-01-01T00:00:00")


def exclusion(name: str, start_time: str, end_time: str | None, scope: str = "NO_UPGRADES") -> MaintenanceExclusion:
    """Return an exclusion whose own rules have not run."""
    return MaintenanceExclusion.model_construct(name=name, start_time=start_time, end_time=end_time, scope=scope)


def exclusions(*hours: tuple[int, int], scope: str = "NO_UPGRADES") -> list[MaintenanceExclusion]:
    """Return an exclusion for each pair of hours after the start of 2027."""
    times = [[(START + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in pair] for pair in hours]
    return [exclusion(f"e{index}", start, end, scope) for index, (start, end) in enumerate(times)]


def faults(found: list[MaintenanceExclusion]) -> list[str]:
    return [str(fault) for rule in EXCLUSION_RULES for fault in rule(found)]


DAY = 24


class TestNumber:
    def test_refuses_more_than_twenty(self) -> None:
        found = exclusions(*((0, 1) for _ in range(21)), scope="NO_MINOR_UPGRADES")
        assert faults(found[:20]) == []
        assert faults(found) == ["has 21 exclusions, but at most 20 are allowed"]

    def test_refuses_more_than_three_without_any_upgrade(self) -> None:
        found = exclusions((0, 1), (100, 101), (200, 201), (300, 301))
        assert faults(found[:3]) == []
        assert faults(found) == ["[3].scope: 'NO_UPGRADES' is the scope of 4 exclusions, but at most 3 are allowed: use another scope"]


def test_names_are_unique() -> None:
    one, other = exclusions((0, 1), (100, 101), scope="NO_MINOR_UPGRADES")
    assert faults([one, other]) == []
    assert faults([one, other, one]) == ["[2].name: 'e0' is also the name of another exclusion: use a different name"]


class TestLength:
    def test_ninety_days_without_any_upgrade(self) -> None:
        assert faults(exclusions((0, 90 * DAY))) == []
        (fault,) = faults(exclusions((0, 90 * DAY + 1)))
        assert fault == (
            "[0].end_time: '2027-04-01T01:00:00Z' is more than 90 days after start_time 2027-01-01T00:00:00Z: end it earlier, or use the "
            "scope NO_MINOR_OR_NODE_UPGRADES"
        )

    @pytest.mark.parametrize("scope", ["NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"])
    def test_longer_with_other_scopes(self, scope: str) -> None:
        assert faults(exclusions((0, 400 * DAY), scope=scope)) == []

    def test_until_the_end_of_support(self) -> None:
        assert faults([exclusion("a", "2026-01-01T00:00:00Z", None, "NO_MINOR_OR_NODE_UPGRADES")]) == []
        assert faults([exclusion("a", "2026-01-01T00:00:00Z", None)]) == []  # the exclusion itself refuses it


class TestAvailability:
    """48 hours in any 92 days, of which only gaps of four hours or more count."""

    @pytest.mark.parametrize(
        "hours",
        [
            [(0, 45 * DAY), (47 * DAY, 92 * DAY)],
            [(47 * DAY, 92 * DAY), (0, 45 * DAY)],  # in any order
            [(0, 30 * DAY), (31 * DAY, 61 * DAY), (62 * DAY, 92 * DAY)],
            [(0, 90 * DAY), (92 * DAY, 182 * DAY), (184 * DAY, 274 * DAY)],
            [(0, 40 * DAY), (40 * DAY, 80 * DAY), (80 * DAY, 90 * DAY)],  # adjacent, 90 days together
            [(0, 90 * DAY), (10 * DAY, 20 * DAY)],  # one in the other
            [(0, 44 * DAY), (44 * DAY + 3, 90 * DAY)],
        ],
        ids=str,
    )
    def test_enough(self, hours: list[tuple[int, int]]) -> None:
        assert faults(exclusions(*hours)) == []

    @pytest.mark.parametrize(
        ("hours", "index", "available"),
        [
            ([(0, 45 * DAY), (47 * DAY - 1, 92 * DAY)], 1, 47),
            ([(47 * DAY - 1, 92 * DAY), (0, 45 * DAY)], 0, 47),
            ([(0, 90 * DAY), (90 * DAY, 100 * DAY)], 1, 0),
            ([(0, 45 * DAY), (45 * DAY + 3, 91 * DAY)], 1, 24),
            ([(0, 45 * DAY), (45 * DAY + 4, 91 * DAY)], 1, 28),
            ([(0, 60 * DAY), (30 * DAY, 91 * DAY)], 1, 24),
            ([(0, 90 * DAY), (200 * DAY, 260 * DAY), (261 * DAY, 300 * DAY)], 2, 24),
        ],
        ids=str,
    )
    def test_too_little(self, hours: list[tuple[int, int]], index: int, available: int) -> None:
        found = exclusions(*hours)
        (fault,) = faults(found)
        assert fault == (
            f"[{index}].end_time: '{found[index].end_time}' leaves {available} hours for upgrades in the 92 days before it, but GKE "
            "requires 48: leave more time between exclusions with the scope NO_UPGRADES"
        )

    @pytest.mark.parametrize("scope", ["NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"])
    def test_other_scopes_leave_upgrades_possible(self, scope: str) -> None:
        assert faults(exclusions((0, 300 * DAY), (300 * DAY, 400 * DAY), scope=scope)) == []
