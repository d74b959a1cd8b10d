"""Rules between deployments in one network: what two of them cannot both have, and that many deployments are still read quickly."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from deployment.reading import RefusedDeploymentsError, load_deployments
from tests.existing import NETWORK

HOST = {"host_project": "host-project"}
OTHER_RANGES = {"nodes_cidr": "10.16.0.0/20", "pods_cidr": "10.20.0.0/14", "services_cidr": "10.24.0.0/20"}


def toml(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n" for key, value in values.items())


def write(folder: Path, name: str, network: Mapping[str, Any], project: str = "a-project", cluster: str | None = None) -> None:
    sections = {"network": network, "cluster": {"name": cluster or name}, "identity": {"account_id": f"account-{name}"}}
    text = toml({"project": project, "region": "us-central1"})
    (folder / f"{name}.toml").write_text(text + "".join(f"[{section}]\n{toml(values)}" for section, values in sections.items()))


def refusals(folder: Path) -> list[str]:
    try:
        load_deployments(folder)
    except RefusedDeploymentsError as error:
        return [message.replace(f"{folder}/", "") for message in error.messages]
    return []


def test_deployments_can_share_an_existing_subnetwork(tmp_path: Path) -> None:
    write(tmp_path, "a", {**NETWORK, "cloud_nat": True})
    write(tmp_path, "b", NETWORK)
    write(tmp_path, "c", {**NETWORK, **HOST}, project="c-project")
    write(tmp_path, "d", {"network": "platform"})
    assert refusals(tmp_path) == []


def test_only_one_deployment_creates_cloud_nat_for_a_subnetwork(tmp_path: Path) -> None:
    write(tmp_path, "a", {**NETWORK, **HOST, "cloud_nat": True}, project="a-project")
    write(tmp_path, "b", {**NETWORK, "cloud_nat": True}, project="host-project")
    write(tmp_path, "c", {**NETWORK, "cloud_nat": True}, project="c-project")
    assert refusals(tmp_path) == [
        (
            "b.toml: network.cloud_nat: true is not possible here: a.toml creates Cloud NAT for this subnetwork, which can have only one: "
            "set it to false"
        )
    ]


def test_two_projects_need_unique_names_in_a_host_project(tmp_path: Path) -> None:
    write(tmp_path, "a", {**HOST, "network": "shared", "create_network": True, "cloud_nat": True}, "a-project", "gitpod")
    write(tmp_path, "b", {**HOST, "network": "shared", "create_network": True, "cloud_nat": True}, "b-project", "gitpod")
    assert refusals(tmp_path) == [
        (
            "b.toml: cluster.name: 'gitpod' is not possible here: a.toml creates a router with the name of this cluster in the project of "
            "the network: choose another name"
        ),
        (
            "b.toml: network.network: 'shared' is already in use: a.toml creates the network with this name in project 'host-project'; "
            "choose another"
        ),
        *(
            f"b.toml: network.{key}: '{cidr}' overlaps network.{key} '{cidr}' of a.toml in the same network; choose another"
            for key, cidr in (("nodes_cidr", "10.0.0.0/20"), ("pods_cidr", "10.4.0.0/14"), ("services_cidr", "10.8.0.0/20"))
        ),
        (
            "b.toml: network.subnetwork: 'gitpod-gitpod' is already in use: a.toml creates the subnetwork with this name in project "
            "'host-project'; choose another"
        ),
    ]


def test_one_project_with_the_same_cluster_gives_only_that_fault(tmp_path: Path) -> None:
    write(tmp_path, "a", {"cloud_nat": True}, cluster="gitpod")
    write(tmp_path, "b", {"network": "other", "subnetwork": "other", "cloud_nat": True}, cluster="gitpod")
    assert refusals(tmp_path) == [
        "b.toml: cluster.name: 'gitpod' is already in use: a.toml creates the cluster with this name in project 'a-project'; choose another"
    ]


def test_two_projects_may_use_equal_names_and_ranges_in_their_own_networks(tmp_path: Path) -> None:
    write(tmp_path, "a", {"cloud_nat": True}, "a-project", "gitpod")
    write(tmp_path, "b", {"cloud_nat": True}, "b-project", "gitpod")
    write(tmp_path, "c", {**HOST, "cloud_nat": True}, "c-project", "gitpod")
    assert refusals(tmp_path) == []


def test_only_one_deployment_grants_the_service_agents_of_a_project(tmp_path: Path) -> None:
    granting = {**NETWORK, **HOST, "grant_service_agents": True}
    write(tmp_path, "a", granting)
    write(tmp_path, "b", granting)
    write(tmp_path, "c", granting, project="c-project")
    write(tmp_path, "d", {**granting, "host_project": "other-host"})
    assert refusals(tmp_path) == [
        (
            "b.toml: network.grant_service_agents: true is not possible here: a.toml grants these roles, and a destroy of one of the two "
            "would remove the grants of both: set it to false"
        )
    ]


def test_comparison_takes_linear_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    overlaps = IPv4Network.overlaps

    def counted(one: IPv4Network, other: Any) -> bool:
        nonlocal compared
        compared += 1
        return overlaps(one, other)

    counts = []
    for number in (10, 40):
        folder = tmp_path / str(number)
        folder.mkdir()
        for index in range(number):
            write(folder, f"d{index}", HOST, project=f"project-{index}")
        monkeypatch.setattr(IPv4Network, "overlaps", counted)
        compared = 0
        assert len(refusals(folder)) == 3 * (number - 1)
        monkeypatch.undo()
        counts.append(compared)
    assert counts[1] < 5 * counts[0]
