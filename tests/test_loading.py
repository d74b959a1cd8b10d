"""What a folder of deployments can hold besides good files; tests/test_rules.py has the rules of what a file says."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gitpod_pov.gke_cluster import GkeClusterConfig

import pytest

from deployment.reading import RefusedDeploymentsError, load_deployments
from stacks.registry import build
from tests.app import ROOT

MINIMAL = "project = 'demo-project'\nregion = 'us-central1'\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "deployments"
    folder.mkdir()
    return folder


def answer(folder: Path) -> list[str]:
    with pytest.raises(RefusedDeploymentsError) as refused:
        load_deployments(folder)
    assert str(refused.value).splitlines() == refused.value.messages
    return refused.value.messages


TEXTS = {
    "no value": (b"project =", "is not TOML: invalid value (at end of document)"),
    "no statement": (b"=", "is not TOML: invalid statement (at line 1, column 1)"),
    "a key twice": (b"a = 1\na = 2\n", "is not TOML: a key is given a second value (at line 2, column 6)"),
    "a section twice": (b"[a]\n[b]\n[a]\n", "is not TOML: cannot declare 'a' twice (at line 3, column 3)"),
    "a section within a dotted key": (b"[a]\nb.c = 1\n[a.b]\n", "is not TOML: cannot declare 'a.b' twice (at line 3, column 5)"),
    "a control character": (b"a = 'b\x1b[31m'", r"is not TOML: found invalid character '\x1b' (at line 1, column 7)"),
    "latin-1": (b"# \xe4\n", "is not UTF-8 text: byte 3 is 0xe4; save it as UTF-8"),
    "UTF-16": (MINIMAL.encode("utf-16"), "is not UTF-8 text: byte 1 is 0xff; save it as UTF-8"),
    "a byte order mark": (MINIMAL.encode("utf-8-sig"), "begins with a byte order mark; save it as UTF-8 without one"),
    "deep nesting": (b"a = " + b"[" * 5000, "cannot be read: its values are nested too deeply"),
    "a long number": (b"a = " + b"9" * 5000, "cannot be read: it has a number of more than 4300 digits"),
}


@pytest.mark.parametrize(("content", "message"), TEXTS.values(), ids=TEXTS)
def test_no_toml(folder: Path, content: bytes, message: str) -> None:
    (folder / "pov.toml").write_bytes(content)
    assert answer(folder) == [f"deployments/pov.toml: {message}"]


def test_windows_line_ends_are_accepted(folder: Path) -> None:
    (folder / "pov.toml").write_bytes(MINIMAL.replace("\n", "\r\n").encode())
    assert list(load_deployments(folder)) == ["pov"]


def test_an_empty_folder(folder: Path) -> None:
    (folder / ".gitkeep").touch()
    assert answer(folder) == ["deployments: has no deployments; add a file NAME.toml"]


def test_no_folder(folder: Path) -> None:
    folder.rmdir()
    assert answer(folder) == ["deployments: cannot be read: no such file or directory"]
    folder.touch()
    assert answer(folder) == ["deployments: cannot be read: not a directory"]


NO_FILES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "another file": (Path.touch, "README.md", "is not a deployment file; name it NAME.toml or move it out of this folder"),
    "a backup": (Path.touch, "pov.toml~", "is not a deployment file; name it NAME.toml or move it out of this folder"),
    "a directory": (Path.mkdir, "pov.toml", "is not a file; move it out of this folder"),
    "a pipe": (os.mkfifo, "pov.toml", "is not a file; move it out of this folder"),
    "a dangling link": (lambda path: path.symlink_to("gone"), "pov.toml", "is a broken link; repair it or move it out of this folder"),
    "a link to itself": (lambda path: path.symlink_to(path), "pov.toml", "is a broken link; repair it or move it out of this folder"),
}


@pytest.mark.parametrize(("make", "name", "message"), NO_FILES.values(), ids=NO_FILES)
def test_no_file(folder: Path, make: Callable[[Path], object], name: str, message: str) -> None:
    make(folder / name)
    assert answer(folder) == [f"deployments/{name}: {message}"]


def test_an_unreadable_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pov.toml").touch()

    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)  # root, whom tests may run as, reads everything
    assert answer(folder) == ["deployments/pov.toml: cannot be read: permission denied"]


def test_a_file_name_is_shown_safely(folder: Path) -> None:
    (folder / "\x1b[31m\udcff.md").touch()
    assert answer(folder) == [r"deployments/\x1b[31m\udcff.md: is not a deployment file; name it NAME.toml or move it out of this folder"]


def test_values_and_keys_are_shown_safely(folder: Path) -> None:
    (folder / "pov.toml").write_text(
        'project = """a\nb\\u001b[31m\\u202e"""\n'
        f"region = '{'a' * 81}'\n"
        f"zones = {['a' * 200]}\n"
        '"a\\nb" = 1\n'
        f"{'k' * 200} = 1\n"
        f"cluster{'.x' * 500} = 1\n"
        "[node_pool.metadata]\n"
        '"a\\r\\"" = "b"\n'
    )
    known = (
        "the known keys are project, region, zones, profile, acknowledged_risks, providers, apis, identity, network, cluster, node_pool, "
        "pools, admins, ingress, backend, handover"
    )
    project = (
        "6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen (use the ID, not the number)"
    )
    assert answer(folder) == [
        rf'deployments/pov.toml: "a\nb": unknown key; {known}',
        f"deployments/pov.toml: cluster.x: unknown key; the known keys are {', '.join(GkeClusterConfig.model_fields)}",
        f"deployments/pov.toml: {'k' * 79}…: unknown key; {known}",
        (
            r"""deployments/pov.toml: node_pool.metadata."a\r"": 'a\r"' is not a metadata key: 1 to 128 letters, digits, hyphens and """
            "underscores"
        ),
        rf"deployments/pov.toml: project: 'a\nb\x1b[31m\u202e' is not a project ID: {project}",
        f"deployments/pov.toml: region: '{'a' * 79}…' is not a region, such as us-central1 (for one zone of it, set zones)",
        f"deployments/pov.toml: zones[0]: '{'a' * 79}…' is not a zone, such as us-central1-a",
    ]


def test_a_key_of_thousands_of_parts_is_refused(folder: Path) -> None:
    """By tomllib where it limits the parts of a key (https://github.com/python/cpython/issues/149231), by the model elsewhere."""
    (folder / "pov.toml").write_text(f"{MINIMAL}cluster{'.x' * 3000} = 1\n")
    (message,) = answer(folder)
    assert message in (
        "deployments/pov.toml: cannot be read: its values are nested too deeply",
        f"deployments/pov.toml: cluster.x: unknown key; the known keys are {', '.join(GkeClusterConfig.model_fields)}",
    )


def test_every_fault_of_every_file_at_once_sorted_by_file_and_key(folder: Path) -> None:
    twelve_zones = [f"us-central1-{letter}" for letter in "abcdefghijkl"]
    (folder / "b.toml").write_text(
        f"project = 'demo-project'\nregion = 'europe-west1'\nzones = {twelve_zones}\n"
        "[network]\nsubnetwork = 'A'\npods_cidr = '10.4.0.0/20'\n"
        "[identity]\naccount_id = 'a'\n[node_pool]\ndisk_size_gb = 9\nmin_nodes = 60\n"
    )
    (folder / "a.toml").write_text("project = 'demo-project'\nregion = 'europe-west1'\nregoin = 1\n[admins]\nmembers = ['a']\n")
    (folder / "c.md").touch()
    assert [line.partition(": '")[0].partition(": 9")[0].partition(": 60")[0] for line in answer(folder)] == [
        "deployments/a.toml: admins.members[0]",
        "deployments/a.toml: regoin: unknown key; did you mean 'region'?",
        "deployments/b.toml: cluster.name",  # taken by a.toml, although both are refused
        "deployments/b.toml: identity.account_id",
        "deployments/b.toml: network.nodes_cidr",
        "deployments/b.toml: network.pods_cidr",  # too small, although the section has a refused value
        "deployments/b.toml: network.pods_cidr",
        "deployments/b.toml: network.services_cidr",
        "deployments/b.toml: network.subnetwork",
        "deployments/b.toml: node_pool.disk_size_gb",
        "deployments/b.toml: node_pool.min_nodes",
        *(f"deployments/b.toml: zones[{index}]" for index in range(12)),
        "deployments/c.md: is not a deployment file; name it NAME.toml or move it out of this folder",
    ]


def test_outside_the_current_directory_the_whole_path_is_shown(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert answer(folder) == [f"{folder}: has no deployments; add a file NAME.toml"]


def test_no_two_stacks_share_a_state_file(folder: Path, tmp_path: Path) -> None:
    apart = "[cluster]\nname = '{0}'\n[identity]\naccount_id = 'gitpod-{0}'\n[network]\nnetwork = '{0}'\n"
    for name in ("a", "a-cluster", "a-rbac"):
        (folder / f"{name}.toml").write_text(MINIMAL + apart.format(name))
    stacks = build(load_deployments(folder), str(tmp_path / "out")).node.children
    assert len({stack.node.id for stack in stacks}) == len(stacks) == 6


def test_a_refusal_ends_with_2_and_keeps_the_last_output(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "main.py").symlink_to(ROOT / "main.py")  # it takes the deployments beside it
    last = {tmp_path / "cdktf.out" / name: f"the last {name}" for name in ("manifest.json", "stacks/pov-cluster/cdk.tf.json")}
    for path, text in last.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path, *(tmp_path / "cdktf.out").rglob("*"))}
    (folder / "pov.toml").write_text(MINIMAL.replace("central1", ""))
    (folder / "bad.toml").write_text("=")
    result = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "deployments/bad.toml: is not TOML: invalid statement (at line 1, column 1)",
        "deployments/pov.toml: region: 'us-' is not a region, such as us-central1 (for one zone of it, set zones)",
    ]
    assert {path: path.read_text() for path in last} == last
    assert {path: path.stat().st_mtime_ns for path in (tmp_path, *(tmp_path / "cdktf.out").rglob("*"))} == before


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("node_pool.machine_type = '${TfToken[TOKEN.0]}'", "node_pool.machine_type"),
        ("node_pool.disk_size_gb = -8.10956221259138e+298", "node_pool.disk_size_gb"),
        ("node_pool.oauth_scopes = ['#{TfToken[TOKEN.0]}']", "node_pool.oauth_scopes[0]"),
        ("node_pool.labels = { '&{TfToken[TOKEN.0]}' = 'a' }", 'node_pool.labels."&{TfToken[TOKEN.0]}"'),
        ("network.pods_cidr = '${TfToken[TOKEN.0]}'", "network.pods_cidr"),
        ("providers.google = '${TfToken[TOKEN.0]}'", "providers.google"),
        ("profile = '${TfToken[TOKEN.0]}'", "profile"),
    ],
)
def test_a_file_contains_no_tokens(folder: Path, line: str, key: str) -> None:
    (folder / "pov.toml").write_text(f"{line}\n{MINIMAL}")
    (fault,) = answer(folder)
    assert fault.startswith(f"deployments/pov.toml: {key}: ")
    assert "cdktf reserves for tokens" in fault


def test_files_with_the_same_token_own_nothing_in_common(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.toml").write_text("project = '${TfToken[TOKEN.0]}'\nregion = 'us-central1'\n")
    assert [fault.partition(": '")[0] for fault in answer(folder)] == ["deployments/a.toml: project", "deployments/b.toml: project"]
