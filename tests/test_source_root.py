"""constructs/ is a source root: as a package it would shadow PyPI's `constructs`, which cdktf imports."""

from pathlib import Path

import gitpod_pov

import constructs

from tests.app import ROOT


def test_constructs_is_not_a_package() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists()


def test_the_imported_constructs_is_the_one_of_pypi() -> None:
    assert constructs.__file__ is not None
    assert not Path(constructs.__file__).is_relative_to(ROOT / "constructs")
    assert hasattr(constructs, "Construct")


def test_gitpod_pov_is_imported_from_the_source_root() -> None:
    assert gitpod_pov.__file__ is not None
    assert Path(gitpod_pov.__file__).is_relative_to(ROOT / "constructs")
