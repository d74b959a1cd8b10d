from pathlib import Path

import pytest

from deployment.reading import RefusedDeploymentsError, find_deployment, load_deployment
from tests.app import deployment

KNOWN = {"pov": deployment(), "trial": deployment(project="other-project")}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prod", "there is no deployment 'prod'; known: pov, trial"),
        ("trail", "there is no deployment 'trail'; known: pov, trial; did you mean 'trial'?"),
        ("deployments/pov.toml", "there is no deployment 'deployments/pov.toml'; known: pov, trial; did you mean 'pov'?"),
        ("", "there is no deployment ''; known: pov, trial"),
        ("\x1b[2J\n", "there is no deployment '\\x1b[2J\\n'; known: pov, trial"),
    ],
)
def test_an_unknown_name(name: str, message: str) -> None:
    with pytest.raises(RefusedDeploymentsError) as caught:
        find_deployment(name, KNOWN)
    assert caught.value.messages == [message]


def test_a_known_name(tmp_path: Path) -> None:
    assert find_deployment("trial", KNOWN) is KNOWN["trial"]
    (tmp_path / "trial.toml").write_text('project = "other-project"\nregion = "us-central1"\n')
    assert load_deployment("trial", tmp_path) == KNOWN["trial"]


def test_the_faults_of_the_folder_come_first(tmp_path: Path) -> None:
    (tmp_path / "pov.toml").write_text('region = "us-central1"\n')
    with pytest.raises(RefusedDeploymentsError, match=r"pov\.toml: project: is required"):
        load_deployment("prod", tmp_path)
