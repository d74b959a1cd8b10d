"""Fixtures that many tests share, and the `terraform` marker."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployment import commands
from deployment.reading import load_deployments
from rehearsal.stand_in import StandIns
from tests.app import ROOT, Synthesized, deployment, synthesize
from tests.required import missing


@pytest.hookimpl(tryfirst=True)  # before the fixtures of any scope, which run terraform too
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `terraform` needs the binary. Where REQUIRE_TERRAFORM is 1, its absence is a failure."""
    if item.get_closest_marker("terraform") and not shutil.which(commands.terraform()):
        missing("REQUIRE_TERRAFORM", f"{commands.terraform()} is not installed")


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The shipped deployments, through the whole app."""
    return synthesize(load_deployments(ROOT / "deployments"), tmp_path_factory.mktemp("cdktf.out"))


@pytest.fixture
def synth(tmp_path: Path) -> Callable[..., Synthesized]:
    """Synthesize one deployment, named `pov`, with the given values."""

    def synthesize_one(**sections: Any) -> Synthesized:
        return synthesize({"pov": deployment(**sections)}, tmp_path)

    return synthesize_one


@pytest.fixture
def stand_ins(tmp_path: Path) -> Iterator[StandIns]:
    """Stand-ins for every type that the behaviour file describes, over an empty cloud."""
    with StandIns(tmp_path / "journal.jsonl") as running:
        yield running
