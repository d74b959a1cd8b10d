from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import main
from stacks.deployment import load_deployments
from tests.app import Synthesized, deployment, synthesize


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """The shipped deployments, through the whole app."""
    return synthesize(load_deployments(main.ROOT / "deployments"), tmp_path_factory.mktemp("cdktf.out"))


@pytest.fixture
def synth(tmp_path: Path) -> Callable[..., Synthesized]:
    """Synthesize one deployment, named `pov`, with the given values."""

    def synthesize_one(**sections: Any) -> Synthesized:
        return synthesize({"pov": deployment(**sections)}, tmp_path)

    return synthesize_one
