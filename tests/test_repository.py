"""The documents and commands of a clone: commands, links and files exist, and the lock files name no index."""

import json
import os
import re
import subprocess
import tomllib
from itertools import pairwise

from tests.app import ROOT

README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_make_command_of_the_readme_exists() -> None:
    commands = set(re.findall(r"make ([a-z]+)", README))
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert {"synth", "test"} <= commands <= targets


COMMANDS = ["new", "synth", "show", "diff", "deploy", "output", "destroy", "rehearse", "handover", "scan", "test"]


def phony() -> list[str]:
    (targets,) = re.findall(r"^\.PHONY: (help .*)$", MAKEFILE, re.MULTILINE)
    return str(targets).split()


def test_help_lists_the_commands_of_users_and_every_variable_with_an_example() -> None:
    variables = re.findall(r"^([A-Z]+) \?=", MAKEFILE, re.MULTILINE)
    for command in (["make"], ["make", "help"]):
        lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        listed = {line.split()[0]: example.strip() for line, example in pairwise(lines) if re.match("  [A-Za-z]", line)}
        assert [name for name in listed if name.islower()] == COMMANDS
        assert listed.keys() == {*COMMANDS, *variables}
        for name, example in listed.items():
            assert example.split()[1] in COMMANDS
            assert name in re.split(r"[ =]", example)


def test_every_other_command_is_in_the_document_for_contributors() -> None:
    for command in set(phony()) - {*COMMANDS}:
        assert re.search(rf"`make {command}`", CONTRIBUTING), command


def test_contributors_find_the_file_of_each_section() -> None:
    table = CONTRIBUTING.partition("| section | file | also |\n")[2].partition("\n\n")[0]
    sections = [section for row in table.splitlines() for section in re.findall(r"`\[([\w.]+)\]`", row.split("|")[1])]
    assert sections == re.findall(r"^## \[([\w.]+)\]$", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    files = re.findall(r"`([\w/]+\.py)`", table)
    assert len(files) > len(sections)
    assert not [file for file in files if not (ROOT / (file if "/" in file else f"constructs/gitpod_pov/{file}")).is_file()]


def test_the_package_handover_lists_its_modules() -> None:
    folder = ROOT / "handover"
    listed = re.findall(r"^ +(\w+\.py) ", (folder / "__init__.py").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")


def test_every_link_between_documents_has_a_target() -> None:
    documents = {path: path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))}
    anchors = {
        path: {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        for path, text in documents.items()
    }
    links = [(path, target) for path, text in documents.items() for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)]
    assert len(links) > 50
    for path, target in links:
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name}: {target}"
        assert not anchor or anchor in anchors[linked], f"{path.name}: {target}"


def test_the_readmes_deployment_is_the_shipped_one() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert tomllib.loads(example) == tomllib.loads((ROOT / "deployments" / "pov.toml").read_text())


def test_no_lock_names_an_index() -> None:
    locks = list(ROOT.glob("Pipfile*.lock"))  # after a move to CDK Terrain there is one
    assert ROOT / "Pipfile.lock" in locks
    for lock in locks:
        pipfile = json.loads(lock.read_text())
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
    targets = {word for line in script.read_text().splitlines() if line.startswith("make ") for word in line.split()[1:]}
    assert {"lint", "test"} <= targets


def test_the_workflow_runs_ci_on_each_supported_python_with_pinned_actions() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert "- run: .ci/run\n" in workflow
    assert 'python: ["3.11", "3.12", "3.13"]' in workflow
    actions = re.findall(r"uses: (\S+)", workflow)
    assert len(actions) == 3
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in actions)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120
