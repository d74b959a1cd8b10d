from collections.abc import Callable
from typing import Any

from gitpod_pov.node_pool import WORKLOAD_LABELS, WORKLOADS

import pytest
from cdktf import Testing

from tests.app import Synthesized

POOL = "google_container_node_pool.node_pool"


def test_five_labels_are_added_to_other_labels(synth: Callable[..., Synthesized]) -> None:
    app = synth(node_pool={"labels": {"team": "platform"}})
    assert app.resource("pov-cluster", POOL)["node_config"]["labels"] == {
        "team": "platform",
        "gitpod.io/workload_meta": "true",
        "gitpod.io/workload_ide": "true",
        "gitpod.io/workload_workspace_services": "true",
        "gitpod.io/workload_workspace_regular": "true",
        "gitpod.io/workload_workspace_headless": "true",
    }


def test_legacy_endpoints_stay_off_with_other_metadata(synth: Callable[..., Synthesized]) -> None:
    metadata = synth(node_pool={"metadata": {"team": "platform"}}).resource("pov-cluster", POOL)["node_config"]["metadata"]
    assert metadata == {"team": "platform", "disable-legacy-endpoints": "true"}


def test_nodes_wait_for_their_roles(synthesized: Synthesized) -> None:
    assert synthesized.resource("pov-cluster", POOL)["depends_on"] == [
        f"google_project_iam_member.identity_{role}"
        for role in ("storage_admin", "logging_logWriter", "monitoring_metricWriter", "container_admin")
    ]


def test_counts_are_per_zone_and_never_total(synth: Callable[..., Synthesized]) -> None:
    pool = synth(node_pool={"initial_nodes": 2, "min_nodes": 0, "max_nodes": 5}).resource("pov-cluster", POOL)
    assert pool["initial_node_count"] == 2
    assert pool["autoscaling"] == {"min_node_count": 0, "max_node_count": 5}
    assert "node_count" not in pool
    assert "initial_node_count" in pool["lifecycle"]["ignore_changes"]


def test_machine(synth: Callable[..., Synthesized]) -> None:
    machine = {"machine_type": "e2-standard-8", "disk_type": "pd-balanced", "disk_size_gb": 50, "image_type": "COS_CONTAINERD"}
    app = synth(node_pool=machine)
    assert Testing.to_have_resource_with_properties(app.text("pov-cluster"), "google_container_node_pool", {"node_config": machine})


def test_upgrades_follow_the_channel(synth: Callable[..., Synthesized]) -> None:
    app = synth(cluster={"release_channel": "REGULAR"}, node_pool={"auto_upgrade": True})
    assert app.resource("pov-cluster", POOL)["management"] == {"auto_repair": True, "auto_upgrade": True}


def test_limits_of_the_whole_region(synth: Callable[..., Synthesized]) -> None:
    pool = synth(node_pool={"initial_nodes": 2, "max_total_nodes": 6}).resource("pov-cluster", POOL)
    assert pool["autoscaling"] == {"total_min_node_count": 0, "total_max_node_count": 6}
    assert pool["initial_node_count"] == 2
    pool = synth(node_pool={"min_total_nodes": 3, "max_total_nodes": 6}).resource("pov-cluster", POOL)
    assert pool["autoscaling"] == {"total_min_node_count": 3, "total_max_node_count": 6}


@pytest.mark.parametrize(
    ("settings", "block"),
    [
        ({}, {"max_surge": 1, "max_unavailable": 0}),
        ({"max_surge": 3}, {"max_surge": 3, "max_unavailable": 0}),
        ({"max_surge": 0, "max_unavailable": 2}, {"max_surge": 0, "max_unavailable": 2}),
        (
            {"strategy": "BLUE_GREEN", "batch_node_count": 5},
            {
                "strategy": "BLUE_GREEN",
                "blue_green_settings": {
                    "node_pool_soak_duration": "3600s",
                    "standard_rollout_policy": {"batch_node_count": 5, "batch_percentage": 0, "batch_soak_duration": "0s"},
                },
            },
        ),
        (
            {"strategy": "BLUE_GREEN", "node_pool_soak_duration": "60s", "batch_soak_duration": "30s"},
            {
                "strategy": "BLUE_GREEN",
                "blue_green_settings": {
                    "node_pool_soak_duration": "60s",
                    "standard_rollout_policy": {"batch_node_count": 1, "batch_percentage": 0, "batch_soak_duration": "30s"},
                },
            },
        ),
    ],
)
def test_upgrade_settings(synth: Callable[..., Synthesized], settings: dict[str, Any], block: dict[str, Any]) -> None:
    assert synth(node_pool={"upgrade_settings": settings}).resource("pov-cluster", POOL)["upgrade_settings"] == block


class TestAdditionalPools:
    def labels(self, app: Synthesized, name: str) -> dict[str, str]:
        labels: dict[str, str] = app.resource("pov-cluster", name)["node_config"]["labels"]
        return labels

    def test_the_main_pool_has_the_rest_of_the_workloads(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(pools={"spot": {"workloads": ["workspace_regular", "ide"], "labels": {"team": "a"}}, "other": {"workloads": ["meta"]}})
        assert self.labels(app, f"{POOL}_spot") == {
            "team": "a",
            "gitpod.io/workload_workspace_regular": "true",
            "gitpod.io/workload_ide": "true",
        }
        assert self.labels(app, f"{POOL}_other") == {"gitpod.io/workload_meta": "true"}
        assert self.labels(app, POOL) == {
            "gitpod.io/workload_workspace_services": "true",
            "gitpod.io/workload_workspace_headless": "true",
        }

    def test_the_main_pool_can_have_a_workload_of_another_pool_for_a_move(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(pools={"spot": {"workloads": ["ide"]}}, node_pool={"labels": {"gitpod.io/workload_ide": "true"}})
        assert self.labels(app, POOL).keys() == WORKLOAD_LABELS.keys()

    def test_no_pool_is_without_a_label(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(pools={"all": {"workloads": list(WORKLOADS)}, "none": {}, "own": {"labels": {"team": "a"}}})
        assert self.labels(app, POOL) == self.labels(app, f"{POOL}_none") == {"gitpod.io/workloads": "none"}
        assert self.labels(app, f"{POOL}_own") == {"team": "a"}

    def test_a_pool_without_workloads_can_repel_them(self, synth: Callable[..., Synthesized]) -> None:
        taint = {"key": "example.com/gpu", "value": "a", "effect": "NO_SCHEDULE"}
        app = synth(pools={"all": {"workloads": list(WORKLOADS)}, "gpu": {"taints": [taint]}}, node_pool={"taints": [taint]})
        assert [app.resource("pov-cluster", name)["node_config"]["taint"] for name in (POOL, f"{POOL}_gpu")] == [[taint], [taint]]

    def test_additional_pool_has_the_arguments_of_the_main_pool(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(profile="hardened", cluster={"network_tags": ["a"]}, pools={"spot": {"workloads": ["ide"]}})
        main, other = app.resource("pov-cluster", POOL), app.resource("pov-cluster", f"{POOL}_spot")
        assert (main.pop("name"), other.pop("name")) == ("gitpod", "spot")
        assert main.pop("depends_on") == [*other.pop("depends_on"), f"{POOL}_spot"]
        assert len(main["node_config"].pop("labels")) == 4
        del other["node_config"]["labels"]
        assert main == other

    def test_warnings_name_the_pool(self, synth: Callable[..., Synthesized]) -> None:
        app = synth(pools={"odd": {"machine_type": "n7-standard-8", "disk_type": "hyperdisk-new", "image_type": "COS_CONTAINERD"}})
        messages = [annotation["message"] for annotation in app.manifest["stacks"]["pov-cluster"]["annotations"]]
        for key in ("machine_type", "disk_type", "image_type"):
            assert [message for message in messages if f"pools.odd.{key}" in message], key

    @pytest.mark.parametrize(
        ("pools", "warns"),
        [
            ({"a": {"max_nodes": 14}}, False),
            ({"a": {"max_nodes": 15}}, True),
            ({"a": {"max_nodes": 15, "upgrade_settings": {"max_surge": 0, "max_unavailable": 1}}}, True),  # the main pool needs one
            ({"a": {"max_nodes": 8, "upgrade_settings": {"max_surge": 7}}}, False),
            ({"a": {"max_nodes": 8, "upgrade_settings": {"max_surge": 8}}}, True),
            ({"a": {"max_nodes": 7, "upgrade_settings": {"strategy": "BLUE_GREEN"}}}, False),
            ({"a": {"max_nodes": 8, "upgrade_settings": {"strategy": "BLUE_GREEN"}}}, True),
            ({"a": {"max_total_nodes": 14}}, False),
            ({"a": {"max_total_nodes": 15}}, True),
        ],
    )
    def test_room_for_upgrades_includes_all_pools(self, synth: Callable[..., Synthesized], pools: dict[str, Any], warns: bool) -> None:  # noqa: FBT001
        # The range holds 16 nodes, of which the main pool has 1.
        app = synth(zones=["us-central1-a"], network={"pods_cidr": "10.4.0.0/20"}, node_pool={"max_nodes": 1}, pools=pools)
        assert ("no-room-for-surge-nodes" in app.warnings("pov-cluster")) is warns
