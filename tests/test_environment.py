"""The environments of the Makefile: what is refused before anything is installed, and that an incomplete environment is created again.

With stand-ins for Python and Pipenv that install empty files; the Makefile is the real one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app import ROOT

# Answers `-c CODE` as the Python of a given version would, `-m venv DIR`, and `-m pip install`, which here installs Pipenv alone.
PYTHON = """#!/bin/sh
echo "$@" >> "$LOG"
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" "$3/lib/python3.11/site-packages/pkg_resources" && cp "$0" "$3/bin/python" ;;
"-m pip") cp "$PIPENV_STAND_IN" .pipenv/bin/pipenv && touch .pipenv/lib/python3.11/site-packages/pipenv ;;
"-c "*) exec {real} -c 'import sys; code = sys.argv[1]; sys.version_info = {version}; exec(code)' "$2" ;;
*) echo "ran $@" ;;
esac
"""
PIPENV = """#!/bin/sh
echo "pipenv $@" >> "$LOG"
mkdir -p .venv/lib/python3.11/site-packages/cdktf .venv/lib/python3.11/site-packages/__pycache__
test -z "$INTERRUPT" || kill -9 $PPID $$
mkdir -p .venv/lib/python3.11/site-packages/jsii
test "$2" != --dev || { rmdir .venv/lib/python3.11/site-packages/pkg_resources; mkdir -p .venv/lib/python3.11/site-packages/pytest; }
"""
NEW = ["-m venv .pipenv", "-m venv .venv", "pipenv sync"]


class Project:
    """A project with nothing but the Makefile and the files that its environments depend on."""

    def __init__(self, folder: Path, version: tuple[int, ...] = (3, 11)) -> None:
        self.folder, self.log = folder, folder / "log"
        (folder / "checks").mkdir()
        for name in ("Makefile", "Pipfile.lock", "pyproject.toml", "checks/requirements.txt"):
            shutil.copy(ROOT / name, folder / name)
        self.site_packages = folder / ".venv" / "lib" / "python3.11" / "site-packages"
        for name, text in (("python", PYTHON.format(real=sys.executable, version=version)), ("pipenv", PIPENV)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        full = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        full |= {"LOG": str(self.log), "PIPENV_STAND_IN": str(self.folder / "pipenv"), **environment}
        self.log.write_text("")
        command = ["make", f"PYTHON={self.folder / 'python'}", *arguments]
        return subprocess.run(command, cwd=self.folder, env=full, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        """Return what the last command did to install something."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if line.startswith(("-m venv", "pipenv"))]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose environment is complete."""
    made = Project(tmp_path)
    result = made.make("synth")
    assert (result.returncode, result.stdout) == (0, "ran main.py\n")
    assert made.installed() == NEW
    return made


@pytest.mark.parametrize("version", [(2, 7), (3, 6), (3, 9), (3, 10)], ids=str)
@pytest.mark.parametrize("command", ["synth", "deploy", "test", "lint", ".checkov/.synced"])
def test_an_old_python_is_refused_before_anything_is_installed(tmp_path: Path, version: tuple[int, ...], command: str) -> None:
    project = Project(tmp_path, version)
    result = project.make("--silent", command)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines()[0] == (
        f"{tmp_path / 'python'} is Python {version[0]}.{version[1]}, version 3.11 or newer is required: install it, or choose another with "
        "make PYTHON=python3.13"
    )
    assert project.installed() == []
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14), (3, 20), (4, 0)], ids=str)
def test_newer_pythons_are_accepted(tmp_path: Path, version: tuple[int, ...]) -> None:
    project = Project(tmp_path, version)
    assert project.make("synth").returncode == 0
    assert project.installed() == NEW


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    result = Project(tmp_path).make("--silent", "synth", "PYTHON=no-python")
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == "no-python is not installed: Python 3.11 or newer is required"


def test_a_complete_environment_is_left_alone(project: Project) -> None:
    (project.site_packages / "something-else").mkdir()  # what a person has installed beside it
    (project.site_packages / "__pycache__").rmdir()
    project.make("synth")
    assert project.installed() == []


def test_a_new_lock_file_updates_the_environment_in_place(project: Project) -> None:
    later = (project.folder / ".venv" / ".synced").stat().st_mtime + 10
    os.utime(project.folder / "Pipfile.lock", (later, later))
    project.make("synth")
    assert project.installed() == ["pipenv sync"]


def test_the_tests_add_packages_to_the_environment(project: Project) -> None:
    """And replace a package: a newer setuptools has no `pkg_resources`, which venv installs on Python 3.11."""
    project.make("lint")
    assert project.installed() == ["pipenv sync --dev"]
    project.make("lint")
    assert project.installed() == []


@pytest.mark.parametrize("gone", ["lib/python3.11/site-packages/cdktf", "lib", "bin/python"])
def test_a_missing_file_creates_the_environment_again(project: Project, gone: str) -> None:
    path = project.folder / ".venv" / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = project.make("synth")
    assert result.stdout == "ran main.py\n"
    assert result.stderr.startswith(".venv is incomplete (")
    assert project.installed() == NEW[1:]
    assert (project.site_packages / "cdktf").is_dir()
    project.make("synth")
    assert project.installed() == []


def test_an_uninstalled_python_creates_the_environment_again(project: Project) -> None:
    python = project.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert project.make("synth").stdout == "ran main.py\n"
    assert project.installed() == NEW[1:]


def test_a_missing_package_of_the_tests_creates_the_environment_again(project: Project) -> None:
    project.make("lint")
    shutil.rmtree(project.site_packages / "pytest")
    project.make("lint")
    assert project.installed() == ["-m venv .venv", "pipenv sync", "pipenv sync --dev"]


def test_a_damaged_pipenv_is_created_again(project: Project) -> None:
    (project.folder / ".pipenv" / "bin" / "pipenv").unlink()
    project.make("synth")
    assert project.installed() == ["-m venv .pipenv", "pipenv sync"]


@pytest.mark.parametrize("command", ["synth", "lint"])
def test_an_interrupted_installation_creates_the_environment_again(tmp_path: Path, command: str) -> None:
    project = Project(tmp_path)
    assert project.make(command, INTERRUPT="yes").returncode != 0
    assert not (project.site_packages / "jsii").exists()
    result = project.make(command)
    assert result.returncode == 0
    assert ".venv is incomplete (interrupted): creating it again" in result.stderr
    assert project.installed()[:2] == NEW[1:]
    assert (project.site_packages / "jsii").is_dir()


def test_an_interrupted_update_creates_the_environment_again(project: Project) -> None:
    later = (project.folder / ".venv" / ".synced").stat().st_mtime + 10
    os.utime(project.folder / "Pipfile.lock", (later, later))
    assert project.make("synth", INTERRUPT="yes").returncode != 0
    project.make("synth")
    assert project.installed() == NEW[1:]
