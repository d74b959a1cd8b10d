"""The cheaper checks have the same results as the stock ones, with the same messages."""

import itertools
from typing import Any, Optional, Union

from gitpod_pov.bindings import type_checks

import pytest
import typeguard

from tests.bindings.conftest import NODE, Run


class Struct:
    pass


class Derived(Struct):
    pass


LEAVES = [str, int, float, bool, type(None), Struct, Derived, Any, dict[str, Any], list[str]]
TYPES = [
    *LEAVES,
    *(Union[pair] for pair in itertools.combinations(LEAVES, 2)),  # noqa: UP007  (what generated code writes)
    *(list[it] for it in LEAVES),  # type: ignore[valid-type]
    *(Optional[dict[str, it]] for it in LEAVES),  # type: ignore[valid-type]  # noqa: UP045
]
VALUES = ["a", 1, 1.5, True, None, Struct(), Derived(), [], ["a"], [None], {}, {"a": 1}]


def stock(argname: str, value: object, expected_type: Any) -> Any:
    return typeguard.check_type(argname=argname, value=value, expected_type=expected_type)


def verdict(check: Any, value: object, expected_type: Any) -> str:
    try:
        check(argname="argument it", value=value, expected_type=expected_type)
    except TypeError as error:
        return str(error)
    return "passes"


@pytest.mark.parametrize("value", VALUES, ids=lambda it: type(it).__name__)
def test_same_verdict(value: object) -> None:
    namespace: dict[str, Any] = {"check_type": stock}
    type_checks.cheaper(namespace)
    ours = [verdict(namespace["check_type"], value, it) for it in TYPES]
    assert ours == [verdict(stock, value, it) for it in TYPES]


@pytest.mark.parametrize(
    ("value", "expected_type"),
    [(None, Optional[str]), ("a", str), ("a", Union[int, str])],  # noqa: UP007, UP045  (what generated code writes)
)
def test_usual_checks_do_not_call_typeguard(value: object, expected_type: Any) -> None:
    def never(argname: str, value: object, expected_type: Any) -> None:
        raise AssertionError(argname)

    namespace: dict[str, Any] = {"check_type": never}
    type_checks.cheaper(namespace)
    assert verdict(namespace["check_type"], value, expected_type) == "passes"


@pytest.mark.parametrize("imports", ["import cdktf, gitpod_pov", "import gitpod_pov, cdktf"])
def test_generated_modules_have_them_and_others_do_not(run: Run, imports: str) -> None:
    code = f"""
    import json, os, typing
    {imports}
    from cdktf_cdktf_provider_kubernetes.namespace_v1 import NamespaceV1
    from gitpod_pov.bindings import type_checks
    import sys
    generated = [sys.modules[name + "._private"] for name in ("cdktf", "cdktf_cdktf_provider_kubernetes.namespace_v1")]
    print(json.dumps([all(vars(it)["typing"] is type_checks._typing for it in generated),
                      all(it.check_type.__module__ == type_checks.__name__ for it in generated),
                      typing.get_type_hints.__module__, sys.modules["typing"] is typing]))
    """
    assert run(code, PATH=str(NODE.parent)) == [True, True, "typing", True]


def test_mocks_still_pass_every_check(run: Run) -> None:
    """typeguard lets mocks pass; it is imported before `unittest.mock` is."""
    code = """
    import json, sys
    import gitpod_pov, cdktf
    light = "asyncio" not in sys.modules and "unittest.mock" not in sys.modules
    import typeguard
    from unittest.mock import Mock
    typeguard.check_type("it", Mock(), int)
    try:
        typeguard.check_type("it", "a", int)
    except TypeError as error:
        print(json.dumps([light, str(error)]))
    """
    assert run(code) == [True, "type of it must be int; got str instead"]
