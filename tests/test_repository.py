"""What a fresh clone promises: the README's commands exist, the lock files name no index, .ci/run runs what people run."""

import json
import os
import re
import tomllib

from tests.app import ROOT

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_make_command_of_the_readme_exists() -> None:
    commands = set(re.findall(r"make ([a-z]+)", README))
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert {"synth", "test"} <= commands <= targets


def test_the_readmes_deployment_is_the_shipped_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert tomllib.loads(example) == tomllib.loads((ROOT / "deployments" / "pov.toml").read_text())


def test_no_lock_names_an_index() -> None:
    for lock in ("Pipfile.lock", "Pipfile.cdktn.lock"):
        pipfile = json.loads((ROOT / lock).read_text())
        assert pipfile["_meta"]["sources"] == []
        packages = {**pipfile["default"], **pipfile["develop"]}
        assert len(packages) > 20
        assert not [name for name, package in packages.items() if "index" in package]
    assert "[[source]]" not in (ROOT / "Pipfile").read_text().replace("No [[source]]", "")
    npm = json.loads((ROOT / "package-lock.json").read_text())
    assert len(npm["packages"]) > 100
    assert not [name for name, package in npm["packages"].items() if "resolved" in package]


def test_ci_runs_the_lint_and_the_readmes_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert {"make lint", "make test"} <= set(script.read_text().splitlines())
