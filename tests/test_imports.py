"""Imports go one way: main -> stacks -> deployment -> constructs; the other commands use all three but main, and not each other.

`rehearsal.provider_schema` is a separate part, like `gitpod_pov.bindings`: it imports nothing from the product.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app import ROOT

_FOR_COMMANDS = {"stacks", "deployment", "gitpod_pov", "gitpod_pov.bindings"}
ALLOWED: dict[str, set[str]] = {
    "gitpod_pov.bindings": set(),  # for any app: nothing of Gitpod or GKE
    "gitpod_pov": {"gitpod_pov.bindings"},
    "deployment": {"gitpod_pov", "gitpod_pov.bindings"},
    "stacks": {"deployment", "gitpod_pov", "gitpod_pov.bindings"},
    "checks": _FOR_COMMANDS,
    "rehearsal.provider_schema": set(),  # for any command: what the bindings say of a provider
    "handover": _FOR_COMMANDS | {"rehearsal.provider_schema"},
    "rehearsal": _FOR_COMMANDS | {"rehearsal.provider_schema"},
    "main": _FOR_COMMANDS,
}
"""What each part may import, beside itself and what is installed."""


def sources() -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of every module of the product."""
    for root in (ROOT, ROOT / "constructs"):
        for path in sorted(root.glob("*.py")):
            yield path.stem, path
        for package in sorted(path.parent for path in root.glob("*/__init__.py")):
            if package.name != "tests":
                for path in sorted(package.rglob("*.py")):
                    yield ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"), path


def part_of(module: str) -> str | None:
    """Return the part that a module belongs to; none when it is installed."""
    return next((part for part in (*ALLOWED, "tests") if module == part or module.startswith(f"{part}.")), None)


def imported(module: str, path: Path) -> Iterator[str]:
    """Yield every module that the source of a module names, at its top or inside a function."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            yield from (f"{name}.{one.name}" for one in node.names)


MODULES = dict(sources())


def test_every_module_belongs_to_a_part() -> None:
    assert {part_of(module) for module in MODULES} == set(ALLOWED)


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_what_its_part_may(module: str) -> None:
    own = part_of(module)
    assert own
    forbidden = {name for name in imported(module, MODULES[module]) if (part := part_of(name)) and part not in {own, *ALLOWED[own]}}
    assert forbidden == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import main", {"main"}),
        ("from main import main", {"main.main"}),
        ("from gitpod_pov import risks", {"gitpod_pov.risks"}),
        ("from . import risks", {"gitpod_pov.risks"}),
        ("from .bindings.type_checks import one", {"gitpod_pov.bindings.type_checks.one"}),
        ("def late():\n    import stacks.registry", {"stacks.registry"}),
    ],
)
def test_every_form_of_an_import_is_read(tmp_path: Path, source: str, expected: set[str]) -> None:
    file = tmp_path / "module.py"
    file.write_text(source)
    assert set(imported("gitpod_pov.module", file)) == expected
