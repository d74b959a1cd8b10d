"""The stand-ins under real Terraform, on two small configurations written by hand.

What the product's own stacks do with them is tested elsewhere; here it is shown that the stand-ins notice what they
are there to notice.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.cloud import Fault
from rehearsal.stand_in import StandIns
from rehearsal.workspace import OVERRIDE_FILE, Action, Plan, TerraformError, Workspace, attach
from tests.killed import kill_while_creating
from tests.rehearsal.examples import (
    BINDING,
    CLUSTER,
    CLUSTER_ID,
    NEWEST,
    OLDEST,
    POOL,
    PROJECT,
    SUBNETWORK,
    Configuration,
    binding_configuration,
    changed,
    cluster_configuration,
    resource,
    without_ignoring,
    workspace,
    write,
)

pytestmark = pytest.mark.terraform


@pytest.fixture
def cluster(stand_ins: StandIns, tmp_path: Path) -> Workspace:
    return workspace(stand_ins, tmp_path / "cluster", cluster_configuration())


@pytest.fixture
def binding(stand_ins: StandIns, tmp_path: Path) -> Workspace:
    return workspace(stand_ins, tmp_path / "binding", binding_configuration())


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """An applied cluster for tests that only plan."""
    directory = tmp_path_factory.mktemp("applied")
    with StandIns(directory / "journal.jsonl") as running:
        made = workspace(running, directory, cluster_configuration())
        made.apply()
        yield made


class TestFullCycle:
    def test_applies_then_has_nothing_to_do_then_destroys(self, cluster: Workspace, stand_ins: StandIns) -> None:
        assert cluster.validate() == []
        plan = cluster.plan()
        assert set(plan.changes.values()) == {"create"}
        assert len(plan.changes) == 8
        cluster.apply(plan)
        assert cluster.state().keys() == plan.changes.keys()
        assert cluster.outputs() == {"endpoint": stand_ins.cloud.objects("google_container_cluster")[0]["endpoint"]}

        second = cluster.plan()
        assert second.changes == {}
        assert second.empty

        cluster.destroy()
        assert cluster.state() == {}
        assert stand_ins.cloud.objects("google_container_cluster") == []

    def test_computed_values_build_on_each_other(self, cluster: Workspace) -> None:
        cluster.apply()
        state = cluster.state()
        email = f"example-node@{PROJECT}.iam.gserviceaccount.com"
        assert state["google_service_account.node"]["email"] == email
        assert state["google_project_iam_member.node"]["member"] == f"serviceAccount:{email}"
        assert state[POOL]["node_config"][0]["service_account"] == email
        assert state[CLUSTER]["id"] == CLUSTER_ID

    def test_what_the_provider_computes_is_unknown_in_the_plan(self, cluster: Workspace) -> None:
        planned = cluster.plan().actions["google_service_account.node"].after
        assert planned is not None
        assert planned["project"] == PROJECT, "taken over from the provider, so it is known"
        assert "email" not in planned

    def test_a_second_stack_finds_the_cluster_and_reaches_it(self, cluster: Workspace, binding: Workspace, stand_ins: StandIns) -> None:
        cluster.apply()
        binding.apply()
        made = stand_ins.cloud.objects("google_container_cluster")[0]
        configured = stand_ins.cloud.journal.entries("configure", "kubernetes")[-1].values
        assert configured["host"] == f"https://{made['endpoint']}"
        assert configured["cluster_ca_certificate"].startswith("-----BEGIN CERTIFICATE-----\n")
        assert configured["token"] == stand_ins.cloud.facts["access_token"]
        assert stand_ins.cloud.journal.precedes("google_container_cluster", "kubernetes_cluster_role_binding_v1")
        assert binding.plan().empty

        binding.destroy()
        cluster.destroy()
        assert binding.state() == cluster.state() == {}

    def test_second_stack_fails_after_cluster_is_destroyed(self, cluster: Workspace, binding: Workspace) -> None:
        cluster.apply()
        binding.apply()
        cluster.destroy()
        with pytest.raises(TerraformError, match=f"{CLUSTER_ID} not found"):
            binding.destroy()
        binding.state_rm(BINDING)
        assert binding.state() == {}


class TestRefusedByTerraform:
    """The schema alone is enough for these."""

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda cluster: cluster.update(machine_type="n2"), "Extraneous JSON object property"),
            (lambda cluster: cluster["node_config"].update(machine="n2"), "Extraneous JSON object property"),
            (lambda cluster: cluster.pop("name"), "Missing required argument"),
            (lambda cluster: cluster.update(initial_node_count="one"), "a number is required"),
            (lambda cluster: cluster.update(node_config=[{}, {}]), "Too many node_config blocks"),
            (lambda cluster: cluster.update(endpoint="192.0.2.1"), "Value for unconfigurable attribute"),
        ],
    )
    def test_a_wrong_argument(self, stand_ins: StandIns, tmp_path: Path, spoil: Callable[[dict[str, Any]], object], message: str) -> None:
        content = cluster_configuration()
        spoil(resource(content, CLUSTER))
        with pytest.raises(TerraformError, match=message):
            workspace(stand_ins, tmp_path, content).validate()

    def test_a_sensitive_value_in_an_output(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        resource(content, CLUSTER)["master_auth"] = {"client_certificate_config": {"issue_client_certificate": False}}
        content["output"]["key"] = {"value": f"${{{CLUSTER}.master_auth[0].client_key}}"}
        with pytest.raises(TerraformError, match="Output refers to sensitive values"):
            workspace(stand_ins, tmp_path, content).plan()


class TestRefusedByTheProvider:
    @pytest.mark.parametrize(
        ("address", "arguments", "message"),
        [
            ("google_service_account.node", {"account_id": "node"}, "doesn't match regexp"),
            (CLUSTER, {"name": "Example"}, "doesn't match regexp"),
            (CLUSTER, {"release_channel": {"channel": "NONE"}}, "doesn't match regexp"),
            (CLUSTER, {"enable_autopilot": True}, '"enable_autopilot" conflicts with remove_default_node_pool'),
            (CLUSTER, {"cluster_ipv4_cidr": "10.0.0.0/14"}, '"cluster_ipv4_cidr" conflicts with ip_allocation_policy'),
        ],
    )
    def test_when_validating(self, stand_ins: StandIns, tmp_path: Path, address: str, arguments: dict[str, Any], message: str) -> None:
        content = cluster_configuration()
        resource(content, address).update(arguments)
        with pytest.raises(TerraformError, match=message):
            workspace(stand_ins, tmp_path, content).validate()

    def test_when_planning(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        resource(content, CLUSTER)["node_version"] = "1.33"
        made = workspace(stand_ins, tmp_path, content)
        made.validate()
        with pytest.raises(TerraformError, match="node_version can only be specified if"):
            made.plan()

    def test_a_certificate_that_is_still_base64(self, applied: Workspace, tmp_path: Path) -> None:
        content = binding_configuration()
        provider = content["provider"]["kubernetes"][0]
        provider["cluster_ca_certificate"] = provider["cluster_ca_certificate"].replace("base64decode", "")
        with pytest.raises(TerraformError, match=r'"cluster_ca_certificate" .* doesn\'t match regexp'):
            workspace(applied.stand_ins, tmp_path, content).apply()


class TestRefusedByTheApi:
    @pytest.mark.parametrize(
        ("argument", "value", "message"),
        [
            ("host", "https://192.0.2.1", "connection refused"),
            (
                "cluster_ca_certificate",
                "-----BEGIN CERTIFICATE-----\nanother",
                "x509: certificate signed by unknown authority",
            ),
            ("token", "expired", "Unauthorized"),
            ("token", None, "Unauthorized"),
            ("cluster_ca_certificate", None, "x509: certificate signed by unknown authority"),
        ],
    )
    def test_a_provider_with_the_wrong_access(
        self, applied: Workspace, tmp_path: Path, argument: str, value: str | None, message: str
    ) -> None:
        content = binding_configuration()
        content["provider"]["kubernetes"][0][argument] = value
        made = workspace(applied.stand_ins, tmp_path, content)
        made.plan()
        with pytest.raises(TerraformError, match=message):
            made.apply()

    def test_a_pool_without_upgrades_in_a_cluster_that_was_enrolled_in_a_channel(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = changed(cluster_configuration(), CLUSTER, {"release_channel": None})
        changed(content, POOL, {"management.auto_upgrade": False})
        made = workspace(stand_ins, tmp_path, content)
        with pytest.raises(TerraformError, match="Auto_upgrade cannot be false when release_channel REGULAR is set"):
            made.apply()
        assert made.state()[CLUSTER]["release_channel"] == [{"channel": "REGULAR"}]

    def test_limits_of_the_autoscaler_of_both_kinds(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        resource(content, POOL)["autoscaling"]["total_max_node_count"] = 50
        with pytest.raises(TerraformError, match="Total limits and per-zone limits"):
            workspace(stand_ins, tmp_path, content).apply()

    def test_a_combination_is_refused_if_an_update_causes_it_but_not_if_google_did(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = changed(cluster_configuration(), CLUSTER, {"network_policy": {"enabled": True, "provider": "CALICO"}})
        resource(content, CLUSTER)["lifecycle"]["ignore_changes"].append("datapath_provider")
        made = workspace(stand_ins, tmp_path, content)
        made.apply()
        stand_ins.cloud.change("google_container_cluster", "datapath_provider", "ADVANCED_DATAPATH")
        made.edit(CLUSTER, resource_labels={"team": "platform"})
        made.apply()
        assert made.plan().empty
        made.edit(CLUSTER, addons_config={"network_policy_config": {"disabled": True}})
        with pytest.raises(TerraformError, match="The network policy addon must be enabled"):
            made.apply()

    def test_what_exists_already(self, cluster: Workspace, stand_ins: StandIns, tmp_path: Path) -> None:
        cluster.apply()
        again = workspace(stand_ins, tmp_path, cluster_configuration())
        with pytest.raises(TerraformError, match="Already exists: projects/example-project/serviceAccounts/example-node@"):
            again.apply()
        assert "google_project_service.iam" in again.state(), "an API that is on is taken over"

    def test_the_destruction_of_a_protected_cluster(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        del resource(content, CLUSTER)["deletion_protection"]
        made = workspace(stand_ins, tmp_path, content)
        made.apply()
        with pytest.raises(TerraformError, match="because deletion_protection is set to true"):
            made.destroy()
        assert CLUSTER in made.state()
        made.edit(CLUSTER, deletion_protection=False)
        assert made.plan().changes == {CLUSTER: "update"} | dict.fromkeys(set(made.plan().changes) - {CLUSTER}, "create")
        made.apply()
        made.destroy()
        assert made.state() == {}

    def test_a_data_source_for_what_does_not_exist(self, binding: Workspace) -> None:
        with pytest.raises(TerraformError, match=f"{CLUSTER_ID} not found"):
            binding.plan()


class TestChanges:
    """Which arguments are updated and which replace, all of one resource in one plan."""

    def action(self, applied: Workspace, tmp_path: Path, address: str, arguments: dict[str, Any]) -> Action:
        """What the plan does to the resource after a change of the arguments, by path."""
        applied.synthesize(write(tmp_path, changed(cluster_configuration(), address, arguments)))
        return applied.plan().actions[address]

    @pytest.mark.parametrize(
        ("address", "arguments", "because"),
        [
            ("google_service_account.node", {"account_id": "another-node", "display_name": "another"}, {"account_id"}),
            (
                CLUSTER,
                {
                    "name": "another",
                    "location": "europe-west1",
                    "default_max_pods_per_node": 32,
                    "ip_allocation_policy.cluster_secondary_range_name": "other",
                    "master_auth.client_certificate_config.issue_client_certificate": True,
                    "resource_labels": {"team": "example"},
                },
                {
                    "name",
                    "location",
                    "default_max_pods_per_node",
                    "ip_allocation_policy.0.cluster_secondary_range_name",
                    "master_auth.0.client_certificate_config",
                    "master_auth.0.client_certificate_config.0.issue_client_certificate",
                },
            ),
            (
                POOL,
                {
                    "max_pods_per_node": 32,
                    "node_config.oauth_scopes": ["https://www.googleapis.com/auth/a"],
                    "node_config.spot": True,
                    "node_config.service_account": "someone@example.com",
                    "node_config.shielded_instance_config": {"enable_secure_boot": True},
                    "node_config.machine_type": "n2d-standard-32",
                },
                {
                    "max_pods_per_node",
                    "node_config.0.oauth_scopes",
                    "node_config.0.spot",
                    "node_config.0.service_account",
                    "node_config.0.shielded_instance_config",
                    "node_config.0.shielded_instance_config.0.enable_secure_boot",
                    "node_config.0.shielded_instance_config.0.enable_integrity_monitoring",
                },
            ),
            (SUBNETWORK, {"ip_cidr_range": "10.8.0.0/21"}, {"ip_cidr_range"}),
            (SUBNETWORK, {"ip_cidr_range": "10.16.0.0/16"}, {"ip_cidr_range"}),
        ],
    )
    def test_changes_that_replace(
        self, applied: Workspace, tmp_path: Path, address: str, arguments: dict[str, Any], because: set[str]
    ) -> None:
        action = self.action(applied, tmp_path, address, arguments)
        assert (action.verb, set(action.because)) == ("replace", because)

    @pytest.mark.parametrize(
        ("address", "arguments"),
        [
            ("google_service_account.node", {"display_name": "example"}),
            (
                CLUSTER,
                {
                    "deletion_protection": True,
                    "release_channel.channel": "STABLE",
                    "resource_labels": {"team": "example"},
                },
            ),
            (
                POOL,
                {
                    "autoscaling.max_node_count": 5,
                    "management.auto_repair": False,
                    "node_config.machine_type": "n2d-standard-32",
                    "node_config.disk_size_gb": 200,
                    "node_config.image_type": "UBUNTU_CONTAINERD",
                    "node_config.labels": {"example.com/workload": "false"},
                    "node_config.taint": [{"key": "a", "value": "b", "effect": "NO_SCHEDULE"}],
                },
            ),
            (SUBNETWORK, {"ip_cidr_range": "10.8.0.0/18", "private_ip_google_access": True}),
        ],
    )
    def test_changes_that_update(self, applied: Workspace, tmp_path: Path, address: str, arguments: dict[str, Any]) -> None:
        action = self.action(applied, tmp_path, address, arguments)
        assert (action.verb, action.because) == ("update", ())
        assert action.changed == {path.split(".")[0] for path in arguments}

    def test_no_changes(self, applied: Workspace, tmp_path: Path) -> None:
        scopes = ["https://www.googleapis.com/auth/a", "https://www.googleapis.com/auth/b"]
        same = {"node_config.oauth_scopes": scopes, "node_config.image_type": None, "initial_node_count": 2}
        assert self.action(applied, tmp_path, POOL, same).verb == "no-op"


class TestSecondApply:
    """What the API makes of a configuration. Only a protection in the configuration keeps the second plan empty."""

    def second(
        self,
        stand_ins: StandIns,
        tmp_path: Path,
        content: Configuration,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Plan:
        made = workspace(stand_ins, tmp_path, content)
        made.apply()
        meanwhile()
        return made.plan()

    def test_a_protected_cluster_stays(self, stand_ins: StandIns, tmp_path: Path) -> None:
        def world_moves_on() -> None:
            stand_ins.cloud.facts["regular_version"] = "1.36.2-gke.1"
            stand_ins.cloud.change("google_container_node_pool", "initial_node_count", 7)

        assert self.second(stand_ins, tmp_path, cluster_configuration(), world_moves_on).changes == {}

    def test_subsetting_was_switched_on_by_gke(self, stand_ins: StandIns, tmp_path: Path) -> None:
        plan = self.second(stand_ins, tmp_path, without_ignoring(cluster_configuration(OLDEST), CLUSTER, ["enable_l4_ilb_subsetting"]))
        assert (plan.actions[CLUSTER].verb, plan.actions[CLUSTER].because) == ("replace", ("enable_l4_ilb_subsetting",))

    def test_the_removed_default_pool_has_no_configuration(self, stand_ins: StandIns, tmp_path: Path) -> None:
        plan = self.second(stand_ins, tmp_path, without_ignoring(cluster_configuration(), CLUSTER, ["node_config"]))
        assert (plan.actions[CLUSTER].verb, plan.actions[CLUSTER].because) == (
            "replace",
            ("node_config", "node_config.0.service_account"),
        )

    def test_the_version_of_the_channel_changes(self, stand_ins: StandIns, tmp_path: Path) -> None:
        plan = self.second(
            stand_ins,
            tmp_path,
            without_ignoring(cluster_configuration(), CLUSTER, ["min_master_version"]),
            lambda: stand_ins.cloud.facts.update(regular_version="1.36.2-gke.1"),
        )
        assert plan.changes == {CLUSTER: "update"}
        assert plan.actions[CLUSTER].changed == {"min_master_version"}

    def test_the_version_of_the_nodes_changes(self, stand_ins: StandIns, tmp_path: Path) -> None:
        plan = self.second(
            stand_ins,
            tmp_path,
            without_ignoring(cluster_configuration(), POOL, ["version"]),
            lambda: stand_ins.cloud.facts.update(regular_version="1.36.2-gke.1"),
        )
        assert plan.changes == {POOL: "update"}

    def test_the_pool_was_resized(self, stand_ins: StandIns, tmp_path: Path) -> None:
        plan = self.second(
            stand_ins,
            tmp_path,
            without_ignoring(cluster_configuration(), POOL, ["initial_node_count"]),
            lambda: stand_ins.cloud.change("google_container_node_pool", "initial_node_count", 3),
        )
        assert (plan.actions[POOL].verb, plan.actions[POOL].because) == ("replace", ("initial_node_count",))

    def test_metadata_gets_a_key_that_was_left_out(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        resource(content, POOL)["node_config"]["metadata"] = {"owner": "example"}
        pool = self.second(stand_ins, tmp_path, content).actions[POOL]
        assert (pool.verb, pool.because) == ("replace", ("node_config.0.metadata",))
        assert pool.before is not None
        metadata = pool.before["node_config"][0]["metadata"]
        assert metadata == {"owner": "example", "disable-legacy-endpoints": "true"}

    def test_metadata_without_any_key_is_filled_in(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        del resource(content, POOL)["node_config"]["metadata"]
        assert self.second(stand_ins, tmp_path, content).changes == {}

    def test_object_deleted_outside_terraform(self, stand_ins: StandIns, tmp_path: Path) -> None:
        def delete() -> None:
            for pool in stand_ins.cloud.objects("google_container_node_pool"):
                stand_ins.cloud.remove("google_container_node_pool", pool["id"])

        plan = self.second(stand_ins, tmp_path, cluster_configuration(), delete)
        assert plan.changes == {POOL: "create"}
        assert plan.drift[POOL].verb == "delete"

    def test_a_service_outlives_its_resource_only_if_told_to(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        resource(content, "google_project_service.iam")["disable_on_destroy"] = True
        made = workspace(stand_ins, tmp_path, content)
        made.apply()
        made.destroy()
        left = [service["service"] for service in stand_ins.cloud.objects("google_project_service")]
        assert left == ["container.googleapis.com"]


class TestAccount:
    @pytest.mark.parametrize("email", [None, ""])
    def test_without_an_address_is_caught_by_a_postcondition(
        self, applied: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, email: str | None
    ) -> None:
        content = binding_configuration()
        content["data"]["google_client_openid_userinfo"]["current"]["lifecycle"] = {
            "postcondition": [{"condition": '${self.email != null && self.email != ""}', "error_message": "no e-mail address"}]
        }
        made = workspace(applied.stand_ins, tmp_path, content)
        made.plan()
        monkeypatch.setitem(applied.stand_ins.cloud.facts, "account_email", email)
        with pytest.raises(TerraformError, match="no e-mail address"):
            made.plan()

    def test_is_the_subject_of_the_binding(self, cluster: Workspace, binding: Workspace, stand_ins: StandIns) -> None:
        cluster.apply()
        binding.apply()
        [subject] = binding.state()[BINDING]["subject"]
        assert (subject["kind"], subject["name"]) == ("User", stand_ins.cloud.facts["account_email"])


class TestOrder:
    def slow(self, stand_ins: StandIns, kind: str) -> None:
        stand_ins.cloud.break_down(Fault("create", kind, "stall", seconds=1, times=None))

    def test_dependencies_end_before_their_dependents_begin(self, cluster: Workspace, stand_ins: StandIns) -> None:
        self.slow(stand_ins, "google_project_iam_member")
        cluster.apply()
        assert stand_ins.cloud.journal.precedes("google_project_iam_member", "google_container_node_pool")
        assert not stand_ins.cloud.journal.precedes("google_container_node_pool", "google_project_iam_member")
        assert not stand_ins.cloud.journal.precedes("google_kms_key_ring", "google_container_node_pool")

    def test_a_missing_dependency_shows_when_the_other_is_slow(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        del resource(content, POOL)["depends_on"]
        self.slow(stand_ins, "google_project_iam_member")
        workspace(stand_ins, tmp_path, content).apply()
        assert not stand_ins.cloud.journal.precedes("google_project_iam_member", "google_container_node_pool")

    def test_an_api_that_is_still_off_refuses(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        del resource(content, CLUSTER)["depends_on"]
        service = f"{PROJECT}/container.googleapis.com"
        stand_ins.cloud.break_down(Fault("create", "google_project_service", "stall", seconds=2, id=service))
        with pytest.raises(TerraformError, match="Kubernetes Engine API has not been used in the project before"):
            workspace(stand_ins, tmp_path, content).apply()

    def test_destruction_has_the_reverse_order(self, cluster: Workspace, stand_ins: StandIns) -> None:
        cluster.apply()
        cluster.destroy()
        journal = stand_ins.cloud.journal
        assert journal.precedes("google_container_node_pool", "google_container_cluster", call="destroy")
        assert journal.precedes("google_container_cluster", "google_compute_network", call="destroy")


class TestInterruptedApply:
    def resumes(self, cluster: Workspace, stand_ins: StandIns) -> None:
        """The next apply makes what is missing, once, and nothing a second time."""
        stand_ins.cloud.repair()
        already = cluster.state()
        mark = stand_ins.cloud.journal.mark()
        cluster.apply()
        created = {entry.type for entry in stand_ins.cloud.journal.entries("create", outcome="done", since=mark)}
        assert created.isdisjoint(address.split(".")[0] for address in already)
        assert cluster.plan().changes == {}

    def test_error_of_the_api(self, cluster: Workspace, stand_ins: StandIns) -> None:
        stand_ins.cloud.break_down(Fault("create", "google_container_cluster", message="Error 429: Quota exceeded"))
        with pytest.raises(TerraformError, match="Error 429: Quota exceeded"):
            cluster.apply()
        assert {CLUSTER, POOL}.isdisjoint(cluster.state())
        assert SUBNETWORK in cluster.state()
        assert [one.outcome for one in stand_ins.cloud.journal.entries("create", "google_container_cluster")] == [
            "begun",
            "failed",
        ]
        self.resumes(cluster, stand_ins)

    def test_error_with_one_object_of_a_type(self, cluster: Workspace, stand_ins: StandIns) -> None:
        service = f"{PROJECT}/container.googleapis.com"
        stand_ins.cloud.break_down(Fault("create", "google_project_service", id=service, times=None))
        with pytest.raises(TerraformError, match="Error 500"):
            cluster.apply()
        assert "google_project_service.iam" in cluster.state()
        assert "google_project_service.container" not in cluster.state()

    def test_error_after_the_operation_was_done(self, cluster: Workspace, stand_ins: StandIns) -> None:
        stand_ins.cloud.break_down(Fault("create", "google_container_node_pool", message="timeout", carried_out=True))
        with pytest.raises(TerraformError, match="timeout"):
            cluster.apply()
        assert cluster.tainted() == {POOL}
        assert cluster.plan().changes == {POOL: "replace"}
        cluster.apply()
        assert cluster.plan().changes == {}

    def test_error_during_destruction(self, cluster: Workspace, stand_ins: StandIns) -> None:
        cluster.apply()
        stand_ins.cloud.break_down(Fault("destroy", "google_compute_network", message="in use"))
        with pytest.raises(TerraformError, match="in use"):
            cluster.destroy()
        assert cluster.state().keys() == {"google_compute_network.example"} | {
            address for address in cluster.state() if address.startswith("google_project_service.")
        }
        cluster.destroy()
        assert cluster.state() == {}

    def test_terraform_killed(self, cluster: Workspace, stand_ins: StandIns) -> None:
        kill_while_creating("google_container_cluster", cluster, stand_ins.cloud, carried_out=False)
        assert SUBNETWORK in cluster.state()
        assert CLUSTER not in cluster.state()
        self.resumes(cluster, stand_ins)

    def test_terraform_killed_during_an_operation(self, cluster: Workspace, stand_ins: StandIns) -> None:
        kill_while_creating("google_container_cluster", cluster, stand_ins.cloud)
        with pytest.raises(TerraformError, match=f"Already exists: {CLUSTER_ID}"):
            cluster.apply()
        cluster.import_(CLUSTER, CLUSTER_ID)
        self.resumes(cluster, stand_ins)

    def ending(self, process: subprocess.Popen[str]) -> str:
        try:
            return process.communicate(timeout=20)[0]
        finally:
            process.kill()

    def test_interrupted_by_the_user(self, cluster: Workspace, stand_ins: StandIns) -> None:
        fault = stand_ins.cloud.break_down(Fault("create", "google_container_cluster", "stall"))
        with cluster.start("apply", "-auto-approve") as process:
            assert fault.reached.wait(20)
            process.send_signal(signal.SIGINT)
            output = self.ending(process)
        assert "create of google_container_cluster was interrupted" in output
        assert SUBNETWORK in cluster.state()
        self.resumes(cluster, stand_ins)

    def test_not_interrupted_after_a_stall(self, cluster: Workspace, stand_ins: StandIns) -> None:
        fault = stand_ins.cloud.break_down(Fault("create", "google_container_cluster", "stall"))
        with cluster.start("apply", "-auto-approve") as process:
            assert fault.reached.wait(20)
            fault.release()
            self.ending(process)
        assert process.returncode == 0
        assert cluster.plan().changes == {}


class TestWorkspace:
    def test_does_not_call_a_plan_empty_that_changes_an_output(self, applied: Workspace, tmp_path: Path) -> None:
        content = cluster_configuration()
        content["output"]["another"] = {"value": "one"}
        applied.synthesize(write(tmp_path, content))
        plan = applied.plan()
        assert (plan.changes, plan.outputs) == ({}, {"another": "create", "endpoint": "no-op"})
        assert not plan.empty

    def test_ignores_the_environment_of_the_user(self, stand_ins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TF_CLI_ARGS", "-no-such-flag")
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "missing"))
        monkeypatch.setenv("TF_WORKSPACE", "another")
        assert workspace(stand_ins, tmp_path, cluster_configuration()).plan().changes

    def test_keeps_local_state_where_the_stack_puts_it(self, cluster: Workspace) -> None:
        cluster.apply()
        assert (cluster.directory / "states" / "cluster.tfstate").exists()
        assert not (cluster.directory / OVERRIDE_FILE).exists()

    @pytest.mark.parametrize(
        "terraform",
        [
            {"backend": {"gcs": {"bucket": "example", "prefix": "example"}}},
            {"cloud": {"organization": "example", "workspaces": {"name": "example"}}},
        ],
    )
    def test_uses_local_state_instead_of_a_remote_one(self, stand_ins: StandIns, tmp_path: Path, terraform: dict[str, Any]) -> None:
        content = cluster_configuration()
        del content["terraform"]["backend"]
        content["terraform"].update(terraform)
        made = workspace(stand_ins, tmp_path, content)
        made.apply()
        assert (made.directory / "terraform.tfstate").exists()
        assert made.plan().empty

    def test_installs_nothing_despite_a_lock_file(self, stand_ins: StandIns, tmp_path: Path) -> None:
        content = cluster_configuration()
        content["terraform"]["required_providers"]["google"]["version"] = "99.0.0"
        stack = write(tmp_path / "stack", content)
        (stack / ".terraform.lock.hcl").write_text(
            'provider "registry.terraform.io/hashicorp/google" {\n  version = "1.0.0"\n  hashes = ["h1:AAAA"]\n}\n'
        )
        made = Workspace(stand_ins, stack, tmp_path / "work")
        made.init()
        assert (made.directory / ".terraform.lock.hcl").exists()
        assert not list(made.directory.rglob("providers"))
        assert made.plan().changes

    @pytest.mark.parametrize("required", ["7.45.0", ">= 7.12.0, < 8.0.0"])
    def test_has_the_providers_that_its_configuration_requires(self, stand_ins: StandIns, tmp_path: Path, required: str) -> None:
        made = Workspace(stand_ins, write(tmp_path / "stack", cluster_configuration(required)), tmp_path / "work")
        newest = stand_ins.environment_for({"google": [NEWEST]})
        oldest = stand_ins.environment_for({"google": [OLDEST]})
        assert newest != oldest
        assert made._environment_of_providers() == newest
        made.synthesize(write(tmp_path / "stack", cluster_configuration(OLDEST)))
        assert made._environment_of_providers() == oldest

    def test_reads_the_requirement_in_hcl_too(self, stand_ins: StandIns, tmp_path: Path) -> None:
        made = Workspace(stand_ins, write(tmp_path / "stack", cluster_configuration()), tmp_path / "work")
        (made.directory / "cdk.tf.json").unlink()
        (made.directory / "versions.tf").write_text(
            'terraform {\n  required_version = ">= 1.6"\n  required_providers {\n    google = {\n'
            f'      source  = "hashicorp/google"\n      version = "{OLDEST}"\n    }}\n  }}\n}}\n'
        )
        assert made._environment_of_providers() == stand_ins.environment_for({"google": [OLDEST]})

    def test_has_the_version_that_the_stand_ins_use(self, tmp_path: Path) -> None:
        stack = write(tmp_path / "stack", cluster_configuration(NEWEST))
        with attach([stack], tmp_path / "journal.jsonl", versions={"google": OLDEST}) as running:
            made = Workspace(running, stack, tmp_path / "work")
            made.init()
            made.apply()
            assert made.state()[CLUSTER]["enable_l4_ilb_subsetting"] is True
            made.synthesize(write(tmp_path / "stack", without_ignoring(cluster_configuration(), CLUSTER, ["enable_l4_ilb_subsetting"])))
            assert made.plan().actions[CLUSTER].verb == "replace"

    def test_of_stacks_that_agree_share_the_default_environment(self, tmp_path: Path) -> None:
        stacks = [write(tmp_path / "cluster", cluster_configuration(OLDEST)), write(tmp_path / "binding", binding_configuration(OLDEST))]
        with attach(stacks, tmp_path / "journal.jsonl") as running:
            assert Workspace(running, stacks[0], tmp_path / "work")._environment_of_providers() == running.environment

    def test_does_not_apply_a_saved_plan_that_is_older_than_the_state(self, cluster: Workspace) -> None:
        plan = cluster.plan()
        cluster.apply()
        with pytest.raises(TerraformError, match="Saved plan is stale"):
            cluster.apply(plan)

    def test_edits_only_its_copy(self, stand_ins: StandIns, tmp_path: Path) -> None:
        stack = write(tmp_path / "stack", cluster_configuration())
        before = (stack / "cdk.tf.json").read_bytes()
        made = Workspace(stand_ins, stack, tmp_path / "work")
        made.edit(CLUSTER, name="another", deletion_protection=None)
        copied = json.loads((made.directory / "cdk.tf.json").read_text())
        assert resource(copied, CLUSTER)["name"] == "another"
        assert "deletion_protection" not in resource(copied, CLUSTER)
        assert (stack / "cdk.tf.json").read_bytes() == before


class TestTypesWithoutRules:
    """A type that the behaviour file does not know is served from its schema alone."""

    def test_are_applied_and_have_an_empty_plan(self, tmp_path: Path) -> None:
        content = copy.deepcopy(cluster_configuration())
        content["resource"] = {"google_compute_address": {"example": {"name": "example", "region": "us-central1"}}}
        del content["output"]
        stack = write(tmp_path / "stack", content)
        with attach([stack], tmp_path / "journal.jsonl") as running:
            made = Workspace(running, stack, tmp_path / "work")
            made.init()
            made.apply()
            made_state = made.state()["google_compute_address.example"]
            assert made_state["name"] == "example"
            assert made_state["id"].startswith("google_compute_address/")
            assert made.plan().empty
            made.edit("google_compute_address.example", description="another")
            assert made.plan().changes == {"google_compute_address.example": "update"}
            made.destroy()
            assert made.state() == {}


class TestMarker:
    @pytest.mark.parametrize(("required", "code", "summary"), [("1", 1, "1 error"), ("", 0, "1 skipped")])
    def test_fails_without_terraform_where_it_is_required(self, tmp_path: Path, required: str, code: int, summary: str) -> None:
        (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_setup\n")
        (tmp_path / "test_one.py").write_text("import pytest\n\n@pytest.mark.terraform\ndef test_one() -> None: ...\n")
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", str(tmp_path)],
            cwd=tmp_path,
            env={**os.environ, "PATH": "", "PYTHONPATH": str(root), "REQUIRE_TERRAFORM": required},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert summary in done.stdout
