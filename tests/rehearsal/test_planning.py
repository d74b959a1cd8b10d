"""What the provider SDK does with values, without Terraform."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.behaviour import ResourceRules, Same, Transition
from rehearsal.planning import changes, conform, plan, replacements
from rehearsal.values import UNKNOWN

BLOCK: dict[str, Any] = {
    "attributes": {
        "name": {"type": "string", "required": True},
        "size": {"type": "number", "optional": True},
        "open": {"type": "bool", "optional": True},
        "address": {"type": "string", "optional": True, "computed": True},
        "labels": {"type": ["map", "string"], "optional": True},
    },
    "block_types": {
        "rule": {
            "nesting_mode": "list",
            "block": {
                "attributes": {
                    "port": {"type": "number", "optional": True},
                    "note": {"type": "string", "optional": True},
                    "id": {"type": "string", "computed": True},
                },
                "block_types": {},
            },
        },
        "entry": {"nesting_mode": "set", "block": {"attributes": {"key": {"type": "string", "required": True}}, "block_types": {}}},
        "timeouts": {
            "nesting_mode": "single",
            "block": {"attributes": {"create": {"type": "string", "optional": True}}, "block_types": {}},
        },
    },
}


def value(**values: Any) -> dict[str, Any]:
    return conform(BLOCK, {"name": "a", **values})


def changed(prior: dict[str, Any], planned: dict[str, Any]) -> set[str]:
    return {one.path for one in changes(BLOCK, prior, planned)}


class TestChanges:
    @pytest.mark.parametrize(("null", "zero"), [({"open": None}, {"open": False}), ({"size": None}, {"size": 0}), ({}, {"labels": {}})])
    def test_null_and_zero_are_equal_to_the_sdk(self, null: dict[str, Any], zero: dict[str, Any]) -> None:
        assert changed(value(**null), value(**zero)) == changed(value(**zero), value(**null)) == set()

    def test_a_change_of_the_timeouts_alone_is_no_change(self) -> None:
        assert changed(value(), value(timeouts={"create": "90m"})) == set()

    def test_changes_in_a_set_do_not_depend_on_other_elements(self) -> None:
        assert changed(value(entry=[{"key": "a"}]), value(entry=[{"key": "a"}, {"key": "b"}])) == {"entry", "entry.key"}

    def test_changes_of_an_added_block_are_its_values(self) -> None:
        added = value(rule=[{"port": 1, "id": UNKNOWN}])
        assert changed(value(), added) == {"rule", "rule.port"}
        assert changed(value(rule=[{"port": 1}]), value()) == {"rule", "rule.port"}


class TestReplacements:
    def paths(self, rules: ResourceRules, prior: dict[str, Any], planned: dict[str, Any]) -> list[tuple[str | int, ...]]:
        return list(replacements(rules, changes(BLOCK, prior, planned)))

    def test_by_an_argument_of_a_block_that_is_added_or_removed(self) -> None:
        rules, rule = ResourceRules(replace=("rule.port",)), value(rule=[{"port": 1, "note": "a"}])
        assert self.paths(rules, value(), rule) == [("rule", 0, "port")]
        assert self.paths(rules, rule, value()) == [("rule", 0, "port")]
        assert self.paths(rules, rule, value(rule=[{"port": 1, "note": "b"}])) == []

    def test_in_one_direction_only(self) -> None:
        rules = ResourceRules(replace_on=(Transition("open", before=True, after=False),))
        assert self.paths(rules, value(open=True), value(open=False)) == [("open",)]
        assert self.paths(rules, value(open=False), value(open=True)) == []


class TestPlan:
    def planned(self, rules: ResourceRules, proposed: dict[str, Any], prior: dict[str, Any] | None) -> dict[str, Any]:
        return plan(BLOCK, rules, proposed, prior)

    def test_an_optional_argument_that_is_left_out_is_unset(self) -> None:
        assert self.planned(ResourceRules(), value(), value(size=3))["size"] is None
        assert self.planned(ResourceRules(), value(), value(size=0))["size"] == 0

    def test_a_computed_one_is_unknown_in_a_new_object(self) -> None:
        assert self.planned(ResourceRules(), value(), None)["address"] == UNKNOWN

    def test_a_block_that_the_api_fills_in_is_kept(self) -> None:
        rule = [{"port": 1, "note": None, "id": "x"}]
        assert self.planned(ResourceRules(filled_in=("rule",)), value(), value(rule=rule))["rule"] == rule
        assert self.planned(ResourceRules(filled_in=("rule",)), value(), None)["rule"] == UNKNOWN
        assert self.planned(ResourceRules(), value(), value(rule=rule))["rule"] == []

    @pytest.mark.parametrize(("port", "kept"), [(0, True), (1, False)])
    def test_a_block_that_is_off_equals_none(self, port: int, *, kept: bool) -> None:
        planned = self.planned(ResourceRules(off={"rule": {"port": 0}}), value(), value(rule=[{"port": port}]))
        assert bool(planned["rule"]) is kept

    def test_a_difference_that_is_suppressed_keeps_the_state(self) -> None:
        rules = ResourceRules(same=(Same("address", state="ALL", configuration="SOME"),))
        assert self.planned(rules, value(address="SOME"), value(address="ALL"))["address"] == "ALL"
        assert self.planned(rules, value(address="SOME"), value(address="NONE"))["address"] == "SOME"

    def test_keys_of_the_api_are_ignored_unless_they_are_configured(self) -> None:
        rules = ResourceRules(ignored_keys={"labels": "goog-"})
        prior = value(labels={"goog-a": "1", "team": "x"})
        assert self.planned(rules, value(labels={"team": "x"}), prior)["labels"] == {"goog-a": "1", "team": "x"}
        assert self.planned(rules, value(labels={"goog-a": "2"}), prior)["labels"] == {"goog-a": "2"}
        assert self.planned(rules, value(), prior)["labels"] == {"goog-a": "1"}


class TestConform:
    def test_drops_unknown_and_adds_missing_attributes(self) -> None:
        assert conform(BLOCK, {"name": "a", "gone": 1, "rule": [{"port": 1, "gone": 2}]}) == {
            "name": "a",
            "size": None,
            "open": None,
            "address": None,
            "labels": None,
            "rule": [{"port": 1, "note": None, "id": None}],
            "entry": [],
            "timeouts": None,
        }
