import tomllib
from pathlib import Path

import pytest

from deployment.new import main as new
from deployment.reading import load_deployments
from stacks.registry import build
from tests.app import ROOT

PROJECT, REGION = "my-gitpod-pov", "us-central1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped deployment."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "deployments"
    folder.mkdir()
    (folder / "pov.toml").write_bytes((ROOT / "deployments" / "pov.toml").read_bytes())
    return folder


def test_keeps_the_defaults_that_are_free(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new("trial", "other-project", "us-east1", folder) == 0
    assert (folder / "trial.toml").read_text() == (
        "#:schema ../docs/deployment.schema.json\n\n"
        'project = "other-project"\nregion = "us-east1"\n'
        'zones = ["us-east1-b"] # one zone: starts with one node. Left out: one node in each of three zones, which GKE chooses\n\n'
        '[cluster]\nname = "trial"\n\n[identity]\naccount_id = "gitpod-gke"\n'
    )
    assert capsys.readouterr().out.startswith("deployments/trial.toml: written; ")
    assert load_deployments(folder).keys() == {"pov", "trial"}


def test_chooses_names_and_ranges_that_are_free(folder: Path) -> None:
    assert new("trial", PROJECT, REGION, folder) == 0
    content = tomllib.loads((folder / "trial.toml").read_text())
    assert content["cluster"] == {"name": "trial"}
    assert content["identity"] == {"account_id": "gitpod-trial"}
    assert content["network"] == {"nodes_cidr": "10.0.16.0/20", "pods_cidr": "10.12.0.0/14", "services_cidr": "10.0.32.0/20"}
    load_deployments(folder)


def test_many_in_one_project_do_not_collide(folder: Path, tmp_path: Path) -> None:
    names = [f"{'a' * 30}-{number}" for number in range(40)]
    for name in names:
        assert new(name, PROJECT, REGION, folder) == 0
    deployments = load_deployments(folder)
    assert deployments.keys() == {"pov", *names}
    build({name: deployments[name] for name in ("pov", names[-1])}, str(tmp_path / "out")).synth()


def test_names_that_other_deployments_chose(folder: Path) -> None:
    apart = f'project = "{PROJECT}"\nregion = "{REGION}"\n[network]\nnetwork = "a"\n'
    taken = '[cluster]\nname = "trial"\n[identity]\naccount_id = "gitpod-trial"\n'
    (folder / "a.toml").write_text(apart + taken)
    subnetwork = 'subnetwork = "gitpod-trial-2"\n[cluster]\nname = "b"\n[identity]\naccount_id = "gitpod-b"\n'
    (folder / "z.toml").write_text(apart.replace('"a"', '"b"') + subnetwork)
    assert new("trial", PROJECT, REGION, folder) == 0
    content = tomllib.loads((folder / "trial.toml").read_text())
    assert content["cluster"] == {"name": "trial-3"}  # gitpod-trial-2 is the name of a subnetwork
    assert content["identity"] == {"account_id": "gitpod-trial-2"}
    load_deployments(folder)


def test_the_longest_name(folder: Path) -> None:
    name = "a" + "b" * 38 + "c"
    assert new(name, PROJECT, REGION, folder) == 0
    content = tomllib.loads((folder / f"{name}.toml").read_text())
    assert content["cluster"] == {"name": name}
    assert content["identity"] == {"account_id": "gitpod-a" + "b" * 22}


def test_a_region_that_is_not_on_the_list_has_no_zone(folder: Path) -> None:
    assert new("trial", PROJECT, "mars-north1", folder) == 0
    assert "zones" not in tomllib.loads((folder / "trial.toml").read_text())


def test_the_first_deployment(tmp_path: Path) -> None:
    assert new("trial", PROJECT, REGION, tmp_path / "deployments") == 0
    assert load_deployments(tmp_path / "deployments").keys() == {"trial"}


def test_overwrites_no_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "pov.toml").read_bytes()
    assert new("pov", "other-project", REGION, folder) == 2
    assert capsys.readouterr().err == "deployments/pov.toml: already exists; edit it, or choose another name with DEPLOYMENT=NAME\n"
    assert (folder / "pov.toml").read_bytes() == before
    (folder / "trial.toml").symlink_to("gone")
    assert new("trial", "other-project", REGION, folder) == 2
    assert (folder / "trial.toml").is_symlink()


PROJECT_ID = "is not a project ID: 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen"
NAME = (
    "has a name that is not a deployment name: at most 40 lowercase letters, digits and hyphens, starting with a letter and not ending "
    "with a hyphen"
)
REFUSED = {
    ("trial", "", ""): [
        "trial.toml: project: is required: ID of an existing Google Cloud project with billing",
        "trial.toml: region: is required: Region of the cluster, such as us-central1",
    ],
    ("My trial", "My Project", "us"): [
        f"My trial.toml: project: 'My Project' {PROJECT_ID} (use the ID, not the number)",
        "My trial.toml: region: 'us' is not a region, such as us-central1 (for one zone of it, set zones)",
        f"My trial.toml: {NAME}",
    ],
    ("../trial", PROJECT, REGION): [f"../trial.toml: {NAME}"],
}


@pytest.mark.parametrize(("arguments", "lines"), REFUSED.items(), ids=str)
def test_refuses_with_the_messages_of_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str, str], lines: list[str]
) -> None:
    assert new(*arguments, folder) == 2
    assert capsys.readouterr().err.splitlines() == [f"deployments/{line}" for line in lines]
    assert {path.name for path in folder.iterdir()} == {"pov.toml"}
    assert not list(folder.parent.glob("*.toml"))


def test_says_what_a_project_without_a_free_range_needs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f'project = "{PROJECT}"\nregion = "{REGION}"\n[cluster]\nname = "{{0}}"\n[identity]\naccount_id = "account-{{0}}"\n[network]\n'
    ranges = 'nodes_cidr = "{0}"\npods_cidr = "{1}"\nservices_cidr = "192.168.0.0/20"\n'
    (folder / "pov.toml").write_text(text.format("a") + ranges.format("10.0.0.0/9", "100.64.0.0/10"))
    ranges = ranges.replace("192.168.0", "192.168.16")
    (folder / "b.toml").write_text(text.format("b") + ranges.format("172.24.0.0/13", "172.20.0.0/14"))
    assert new("trial", PROJECT, REGION, folder) == 2
    assert capsys.readouterr().err == (
        "deployments/trial.toml: network.pods_cidr: cannot be chosen: network 'default' has no free /14; write the file with another "
        "network\n"
    )
    assert not (folder / "trial.toml").exists()


def test_faults_of_other_files_come_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pov.toml").write_text('region = "us-central1"\n')
    assert new("trial", PROJECT, REGION, folder) == 2
    assert "deployments/pov.toml: project: is required" in capsys.readouterr().err
