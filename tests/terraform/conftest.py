"""The `terraform` marker, and stand-ins for the tests that need them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terraform.stand_in import StandIns


@pytest.hookimpl(tryfirst=True)  # before the fixtures of any scope, which run terraform too
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `terraform` needs the binary. Where REQUIRE_TERRAFORM is 1, its absence is a failure."""
    if item.get_closest_marker("terraform") and not shutil.which("terraform"):
        if os.environ.get("REQUIRE_TERRAFORM") == "1":
            pytest.fail("REQUIRE_TERRAFORM is 1 and there is no terraform on the PATH")
        pytest.skip("no terraform on the PATH")


@pytest.fixture
def stand_ins(tmp_path: Path) -> Iterator[StandIns]:
    """Stand-ins for every type that the behaviour file describes, over an empty cloud."""
    with StandIns(tmp_path / "journal.jsonl") as running:
        yield running
