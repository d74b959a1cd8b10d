from collections.abc import Callable

from cdktf import Testing

from tests.app import Synthesized

POOL = "google_container_node_pool.node_pool"


def test_the_five_labels_stand_beside_others(synth: Callable[..., Synthesized]) -> None:
    app = synth(node_pool={"labels": {"team": "platform"}})
    assert app.resource("pov-cluster", POOL)["node_config"]["labels"] == {
        "team": "platform",
        "gitpod.io/workload_meta": "true",
        "gitpod.io/workload_ide": "true",
        "gitpod.io/workload_workspace_services": "true",
        "gitpod.io/workload_workspace_regular": "true",
        "gitpod.io/workload_workspace_headless": "true",
    }


def test_legacy_endpoints_stay_off_beside_other_metadata(synth: Callable[..., Synthesized]) -> None:
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
