"""The README of a hand-over: what it describes, and that its blocks let the modules use an existing state."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from deployment.parameters import ParameterKey
from handover.design import effects
from handover.folder import files_of, write
from rehearsal.stand_in import StandIns
from tests.app import deployment
from tests.handover.test_terraform import Folder
from tests.stacks.changes import RECREATES_NODES

SOURCE: dict[str, Any] = {"project": "my-gitpod-pov", "zones": ["us-central1-a"]}
INGRESS: dict[str, Any] = {"domain": "gitpod.acme-corp.dev", "acme_email": "ops@acme-corp.dev"}
WINDOW = {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z", "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU"}


def readme(**sections: Any) -> str:
    return files_of("pov", deployment(**{**SOURCE, **sections}))["README.md"].decode()


def section(text: str, heading: str) -> str:
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("sections", [{}, {"pools": {"spot": {"spot": True}}}, {"ingress": INGRESS}], ids=["plain", "pools", "ingress"])
def test_commands_have_values_and_no_expressions(sections: dict[str, Any]) -> None:
    commands = re.findall(r"```sh\n(.*?)```", readme(**sections), re.DOTALL)
    assert any(
        "terraform -chdir=1-cluster import google_container_node_pool.node_pool my-gitpod-pov/us-central1/gitpod/gitpod\n" in one
        for one in commands
    )
    assert not [one for one in commands if "${" in one or "var." in one]


class TestAnswers:
    def test_says_why_the_pool_is_not_inside_the_cluster(self) -> None:
        assert "cannot be changed without replacing the cluster" in section(readme(), "Why it is built this way")

    @pytest.mark.parametrize(
        ("sections", "expected", "absent"),
        [
            (
                {},
                [
                    "control plane accepts connections from every network",
                    "the DNS endpoint is off",
                    "Anyone who can run a Pod can become cluster administrator",
                ],
                ["internal IP address"],
            ),
            (
                {"cluster": {"authorized_networks": {"office": "203.0.113.0/24"}}},
                ["external IP address", "from `203.0.113.0/24` (office)"],
                ["control plane accepts connections from every network"],
            ),
            (
                {"cluster": {"authorized_networks": {}}},
                ["accepts connections from the cluster's nodes only"],
                ["control plane accepts connections from every network"],
            ),
            (
                {"profile": "hardened"},
                ["only an internal IP address", "`container.clusters.connect`", "only the health checks answer"],
                ["control plane accepts connections from every network", "Anyone who can run a Pod"],
            ),
            (
                {"admins": {"members": ["user:alice@example.com"]}},
                ["ClusterRole `cluster-admin` to `user:alice@example.com`"],
                ["no members"],
            ),
            (
                {"admins": {"members": ["user:alice@example.com"]}, "handover": {"parameters": []}},
                ["ClusterRole `cluster-admin` to `alice@example.com` (User)"],
                ["no members"],
            ),
            ({"admins": {"cluster_role": "view"}}, ["ClusterRole `view` to the account that runs Terraform"], []),
        ],
        ids=str,
    )
    def test_says_who_can_reach_the_control_plane(self, sections: dict[str, Any], expected: list[str], absent: list[str]) -> None:
        found = section(readme(**sections), "Who can reach the control plane")
        assert [text for text in expected if text not in found] == []
        assert [text for text in absent if text in found] == []

    @pytest.mark.parametrize(
        ("cluster", "expected"),
        [
            (
                {},
                {
                    "control plane, patch versions": "yes | at any time",
                    **dict.fromkeys(
                        ("control plane, minor versions", "nodes, patch versions", "nodes, minor versions"),
                        "not before the end of support of the minor version (exclusion `keep-versions`) |",
                    ),
                },
            ),
            (
                {"maintenance_exclusions": [], "maintenance_window": WINDOW},
                dict.fromkeys(
                    ("control plane, patch versions", "control plane, minor versions", "nodes, patch versions", "nodes, minor versions"),
                    "yes | on Saturday, Sunday, 03:00 to 09:00 UTC, first on 2027-01-02",
                ),
            ),
            (
                {
                    "maintenance_window": {**WINDOW, "recurrence": "FREQ=DAILY"},
                    "maintenance_exclusions": [
                        {
                            "name": "freeze",
                            "start_time": "2027-03-01T00:00:00Z",
                            "end_time": "2027-04-01T00:00:00Z",
                            "scope": "NO_UPGRADES",
                        },
                        {"name": "minor", "scope": "NO_MINOR_UPGRADES"},
                    ],
                },
                {
                    **dict.fromkeys(
                        ("control plane, patch versions", "nodes, patch versions"),
                        "yes, except from 2027-03-01T00:00:00Z to 2027-04-01T00:00:00Z (exclusion `freeze`) | "
                        "every day, 03:00 to 09:00 UTC, first on 2027-01-02",
                    ),
                    **dict.fromkeys(
                        ("control plane, minor versions", "nodes, minor versions"),
                        "not before the end of support of the minor version (exclusion `minor`) |",
                    ),
                },
            ),
            (
                {"release_channel": "UNSPECIFIED"},
                {
                    "control plane, patch versions": "yes | at any time",
                    "control plane, minor versions": "yes | at any time",
                    "nodes": "no: `auto_upgrade` is off |",
                },
            ),
        ],
        ids=["reference", "window", "exclusions", "no channel"],
    )
    def test_says_what_google_upgrades_and_when(self, cluster: dict[str, Any], expected: dict[str, str]) -> None:
        found = section(readme(cluster=cluster), "What Google upgrades, and when")
        rows = dict(re.findall(r"^\| ((?:control plane|nodes)[^|]*) \| (.*?) ?\|$", found, re.MULTILINE))
        assert {what: row.rstrip() for what, row in rows.items()} == expected

    @pytest.mark.parametrize(
        ("cluster", "expected"), [({}, "--master"), ({"version": "1.35.8-gke.1"}, "set `min_master_version`")], ids=str
    )
    def test_says_how_to_upgrade(self, cluster: dict[str, Any], expected: str) -> None:
        found = section(readme(cluster=cluster), "What Google upgrades, and when")
        assert expected in found
        assert "gcloud container clusters upgrade gitpod --region us-central1 --project my-gitpod-pov --node-pool gitpod" in found

    def test_says_what_a_change_does_to_the_nodes(self) -> None:
        text = section(readme(handover={"parameters": []}), "What you can change without replacing nodes")
        rows = re.findall(r"^\| (.*) \| (`.*) \|$", text, re.MULTILINE)
        stay, recreated, pool, cluster, fixed, in_use = (re.findall("`(.*?)`", inputs) for _, inputs in rows)
        assert {"node_pool.max_nodes", "cluster.maintenance_window", "node_pool.labels"} <= {*stay}
        assert {"node_pool.machine_type", "cluster.workload_identity"} <= {*recreated}
        assert len(recreated) == len(RECREATES_NODES)
        assert {"node_pool.spot", "identity.account_id"} <= {*pool}
        assert {"cluster.name", "network.network", "project", "region"} <= {*cluster}
        assert ("fixed when the cluster is created" in text, "the plan fails" in text) == (True, False), "two plans succeed"
        assert fixed == ["network.create_subnetwork", "cluster.network_policy"]
        assert in_use == ["network.nodes_cidr", "network.pods_cidr", "network.services_cidr"]
        assert "`network.nodes_cidr` can still grow to a range that contains the present one." in text
        assert len([*stay, *recreated, *pool, *cluster, *fixed, *in_use]) == len([*effects()]) + len(("project", "region"))

    def test_calls_an_input_by_the_name_of_its_variable(self) -> None:
        without = section(readme(handover={"parameters": []}), "What you can change without replacing nodes")
        assert "`node_pool.max_nodes`" in without
        every = section(readme(handover={"parameters": get_args(ParameterKey)}), "What you can change without replacing nodes")
        assert "`identity_account_id`" in every

    @pytest.mark.parametrize(
        "sections",
        [
            {},
            {"handover": {"parameters": []}},
            {"handover": {"parameters": get_args(ParameterKey)}},
            {"handover": {"parameters": ["zones", "node_pool.name"]}},
            {"identity": {"email": "nodes@my-gitpod-pov.iam.gserviceaccount.com"}},
            {"node_pool": {"max_total_nodes": 9}},
        ],
        ids=["default", "none", "all", "some", "no account ID", "no node counts"],
    )
    def test_says_which_names_are_variables(self, sections: dict[str, Any]) -> None:
        files = files_of("pov", deployment(**{**SOURCE, **sections}))
        text = section(files["README.md"].decode(), "What you can change without replacing nodes")
        (keys,) = re.findall("Names with a dot, and (.*), are keys of the source deployment. All others are variables.", text)
        names = {name for row in re.findall(r"^\| .* \| (`.*`) \|$", text, re.MULTILINE) for name in re.findall("`(.*?)`", row)}
        said = {name for name in names if "." not in name} - {*re.findall("`(.*?)`", keys)}
        declared = {
            name
            for path, content in files.items()
            if path.endswith("/variables.tf")
            for name in re.findall(r'^variable "(\w+)"', content.decode(), re.MULTILINE)
        }
        assert said == declared


class TestCosts:
    @pytest.mark.parametrize(
        ("sections", "expected"),
        [
            (
                {},
                [
                    "starts with 1 node and scales from 1 to 50. An upgrade adds nodes for its duration.",
                    "**External IP addresses**",
                    "Logs: GKE's default (system and workload logs). Metrics: GKE's default. Managed",
                    "billed by the sample: GKE's default.",
                ],
            ),
            ({"zones": []}, ["In 3 zones, which GKE chooses, the pool `gitpod` starts with 3 nodes and scales from 3 to 150."]),
            (
                {"node_pool": {"min_nodes": 0, "max_nodes": 4, "spot": True}},
                ["`n2d-standard-16` (Spot)", "starts with 1 node and scales from 0 to 4."],
            ),
            ({"node_pool": {"upgrade_settings": {"strategy": "BLUE_GREEN"}}}, ["1 to 50. An upgrade doubles the nodes for its duration."]),
            ({"node_pool": {"upgrade_settings": {"max_surge": 0, "max_unavailable": 1}}}, ["from 1 to 50.\n"]),
            (
                {"profile": "hardened"},
                ["**Cloud NAT**", "**VPC Flow Logs**", "SYSTEM_COMPONENTS, WORKLOADS, APISERVER", "billed by the sample: on."],
            ),
            ({"cluster": {"logging_components": []}}, ["Logs: none."]),
            ({"ingress": INGRESS}, ["**DNS zone**"]),
        ],
        ids=str,
    )
    def test_lists_the_costs_of_the_deployment(self, sections: dict[str, Any], expected: list[str]) -> None:
        found = section(readme(**sections), "What it costs")
        assert [text for text in expected if text not in found] == []

    def test_lists_nothing_else(self) -> None:
        found = section(readme(), "What it costs")
        assert not [text for text in ("NAT", "Flow Logs", "DNS", "KMS", "Spot") if text in found]
        assert "External IP" not in section(readme(profile="hardened"), "What it costs")


class TestFirstPlan:
    def test_lists_tools_and_commands(self) -> None:
        found = section(readme(), "A first plan in five minutes")
        assert [
            name for name in ("Terraform 1.6", "OpenTofu", "`kubectl`", "`gke-gcloud-auth-plugin`", "`gcloud`") if name not in found
        ] == []
        assert "terraform -chdir=1-cluster init\nterraform -chdir=1-cluster plan" in found

    def test_first_plan_with_a_workspace_has_a_login(self) -> None:
        backend = {"type": "cloud", "organization": "acme", "hostname": "tfe.acme-corp.dev"}
        assert "terraform login tfe.acme-corp.dev" in section(readme(backend=backend), "A first plan in five minutes")


class TestState:
    def test_local_state_is_copied(self) -> None:
        found = section(readme(), "State")
        assert "cp SOURCE/terraform.pov-cluster.tfstate 1-cluster/terraform.tfstate" in found
        assert "cp SOURCE/terraform.pov-rbac.tfstate 2-rbac/terraform.tfstate" in found

    @pytest.mark.parametrize(
        ("backend", "place"),
        [
            (
                {"type": "gcs", "bucket": "states", "prefix": "trial"},
                "the bucket `states`, under `trial/pov-cluster`, `trial/pov-rbac`",
            ),
            ({"type": "cloud", "organization": "acme"}, "the organization `acme` on `app.terraform.io`, in the workspaces `pov-cluster`"),
        ],
        ids=["gcs", "cloud"],
    )
    def test_a_new_cluster_does_not_use_the_state_of_another_backend(self, backend: dict[str, Any], place: str) -> None:
        found = section(readme(backend=backend), "State")
        assert "delete `backend.tf" in found
        assert place in found
        assert "cp SOURCE" not in found

    def test_helm_releases_need_a_separate_configuration(self) -> None:
        found = section(readme(ingress=INGRESS), "State")
        assert "`3-ingress` needs a separate configuration that calls `modules/ingress`" in found
        assert "from = helm_release.charts_issuer\n  to   = module.ingress.helm_release.charts_issuer" in found
        assert found.count("import {") == 1

    @pytest.mark.terraform
    def test_modules_use_the_state_without_a_change(self, stand_ins: StandIns, tmp_path: Path) -> None:
        folder = tmp_path / "pov"
        write(files_of("pov", deployment(**SOURCE)), folder)
        for name in ("1-cluster", "2-rbac"):
            root = Folder(stand_ins, folder / name, folder / name)
            root.init()
            root.apply()
        (blocks,) = re.findall(r"```hcl\n(.*?)```", section((folder / "README.md").read_text(), "State"), re.DOTALL)
        example = Folder(stand_ins, folder / "example", folder / "example")
        (example.directory / "continue.tf").write_text(blocks)
        (example.directory / "terraform.tfstate").write_text(
            Folder(stand_ins, folder / "1-cluster", folder / "1-cluster").run("state", "pull")
        )
        example.init()
        plan = example.plan()
        assert plan.changes == {}
        since = stand_ins.cloud.journal.mark()
        example.apply(plan)
        changes = [entry.call for entry in stand_ins.cloud.journal.entries(since=since) if entry.call in {"create", "update", "destroy"}]
        assert changes == []
        (example.directory / "continue.tf").unlink()
        assert example.plan().empty
        assert "module.rbac.kubernetes_cluster_role_binding_v1.admins" in example.run("state", "list")


class TestOperations:
    @pytest.mark.parametrize(
        ("sections", "expected", "absent"),
        [
            ({}, ["The network `default` does not exist", "no e-mail address", "slower release channel"], ["takes two applies"]),
            ({"admins": {"members": ["user:alice@example.com"]}}, [], ["no e-mail address"]),
            ({"network": {"network": "own", "create_network": True}}, [], ["does not exist.**"]),
            ({"network": {"network": "own"}}, ["The network `own` does not exist"], ["organization policy"]),
            ({"cluster": {"release_channel": "UNSPECIFIED"}}, ["takes two applies"], ["slower release channel"]),
            (
                {"backend": {"type": "gcs", "bucket": "states", "prefix": "trial"}},
                ["terraform -chdir=1-cluster force-unlock"],
                ["not locked"],
            ),
            ({"backend": {"type": "cloud", "organization": "acme"}}, ["terraform -chdir=1-cluster force-unlock"], ["not locked"]),
        ],
        ids=str,
    )
    def test_has_the_steps_for_the_deployment(self, sections: dict[str, Any], expected: list[str], absent: list[str]) -> None:
        found = section(readme(**sections), "When something fails")
        assert [text for text in expected if text not in found] == []
        assert [text for text in absent if text in found] == []

    def test_names_what_a_second_cluster_needs(self) -> None:
        found = section(readme(cluster={"name": "trial"}), "A second cluster in the same project")
        assert "service account `gitpod-gke`, cluster `trial`, subnetwork `gitpod-trial`" in found
