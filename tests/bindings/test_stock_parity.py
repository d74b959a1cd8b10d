"""The lazy bindings behave like the stock ones for an app, and the output has the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.conftest import HERE, NODE, app_directory, child_environment

Observed = tuple[dict[str, Any], dict[str, bytes]]


def observe(directory: Path, cache: Path, **environment: str) -> Observed:
    app_directory(directory)
    full = child_environment(JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(cache), JSII_NODE=str(NODE), **environment)
    command = [sys.executable, str(HERE / "behaviour.py")]
    done = subprocess.run(command, cwd=directory, env=full, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    output = directory / "cdktf.out"
    files = {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    return json.loads(done.stdout), files


@pytest.fixture(scope="module")
def stock(jsii_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    return observe(tmp_path_factory.mktemp("stock") / "app", jsii_cache, GITPOD_POV_EAGER_BINDINGS="1")


@pytest.fixture(scope="module")
def lazy(jsii_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    return observe(tmp_path_factory.mktemp("lazy") / "app", jsii_cache)


def test_same_bytes(stock: Observed, lazy: Observed) -> None:
    assert sorted(lazy[1]) == [
        "manifest.json",
        *(f"stacks{os.sep}pov-{it}{os.sep}cdk.tf.json" for it in ("cluster", "rbac")),
    ]
    assert lazy[1] == stock[1]


@pytest.mark.parametrize(
    "observation",
    [
        "argument of the wrong type",
        "scope of the wrong type",
        "none for a required argument",
        "unknown argument",
        "missing argument",
        "struct argument of the wrong type",
        "list of the wrong type",
        "setter",
        "error in node",
        "nested output",
        "list output",
        "creation stack",
        "synthesized",
        "visited",
        "attribute access",
        "unknown attribute",
        "unknown import",
        "public names",
        "documentation",
        "loader",
    ],
)
def test_same_behaviour(stock: Observed, lazy: Observed, observation: str) -> None:
    assert lazy[0][observation] == stock[0][observation]


def test_every_observation_has_a_test(lazy: Observed) -> None:
    (marker,) = test_same_behaviour.pytestmark  # type: ignore[attr-defined]
    assert list(lazy[0]) == [*marker.args[1], "modules loaded"]


def test_stock_is_compared_with_lazy(stock: Observed, lazy: Observed) -> None:
    assert lazy[0]["modules loaded"] < 50
    assert stock[0]["modules loaded"] > 1000


def test_observations_are_the_intended_ones(lazy: Observed) -> None:
    """Two equal failures would make the comparisons above pass."""
    seen = lazy[0]
    errors = [seen[it] for it in ("argument of the wrong type", "setter", "error in node", "unknown attribute")]
    assert [it.split(":")[0] for it in errors] == [f"builtins.{it}" for it in ("TypeError", "TypeError", "RuntimeError", "AttributeError")]
    assert seen["visited"] == ["Renamed account"]
    assert seen["synthesized"]["resource"]["google_service_account"]["account"]["display_name"] == "from a subclass"
    assert len(seen["creation stack"]) > 3
