"""What the documentation and a hand-over say about networks that exist before a deployment."""

import re
import tomllib

import pytest

from deployment.model import Deployment
from handover.folder import files_of
from handover.shared_vpc import commands
from tests.app import ROOT, deployment
from tests.existing import NETWORK

DOCUMENT = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
EXAMPLES = [tomllib.loads(example) for example in re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)]
HOST = {"host_project": "host-project"}


@pytest.mark.parametrize("content", EXAMPLES, ids=[str(index) for index in range(len(EXAMPLES))])
def test_the_documents_examples_are_deployments(content: dict[str, object]) -> None:
    Deployment.checked({"project": "my-gitpod-pov", "region": "us-central1", **content})


def test_the_documents_commands_are_those_of_its_example() -> None:
    (block,) = (block for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL) if "shared-vpc" in block)
    assert block.splitlines() == [*commands(Deployment.checked(EXAMPLES[-1]))]


def readme(**network: object) -> str:
    return files_of("pov", deployment(network=network))["README.md"].decode()


def test_a_handover_lists_every_command() -> None:
    text = readme(**NETWORK, **HOST)
    section = text[text.index("## Shared VPC") : text.index("## Inputs")]
    listed = section.partition("```sh\n")[2].partition("```")[0].splitlines()
    assert listed == [*commands(deployment(network={**NETWORK, **HOST}))]
    assert "gcloud beta services identity create --service container.googleapis.com --project demo-project" in listed
    roles = [line.rpartition(" ")[2] for line in listed if "--role" in line]
    assert roles == ["roles/container.hostServiceAgentUser", "roles/compute.networkUser", "roles/compute.networkUser"]
    assert [line for line in listed if line.startswith("gcloud compute networks subnets add-iam-policy-binding nodes --region us-central1")]


def test_a_subnetwork_that_does_not_exist_yet_has_its_grants_on_the_host_project() -> None:
    listed = [*commands(deployment(network=HOST))]
    assert len([line for line in listed if line.startswith("gcloud projects add-iam-policy-binding host-project ")]) == 3
    assert not [line for line in listed if "subnets" in line]


def test_grants_of_terraform_are_not_listed() -> None:
    text = readme(**NETWORK, **HOST, grant_service_agents=True)
    assert "services identity create" in text
    assert "add-iam-policy-binding" not in text
    assert "a destroy removes these grants" in text


def test_a_network_of_the_same_project_has_no_section() -> None:
    assert "## Shared VPC" not in readme()
