"""jsii's checks of arguments, made cheaper; what passes, what fails and every message stay jsii's and typeguard's own.

Owns the two names that each generated module calls for its checks (`typing.get_type_hints`, `check_type`), in that
module alone: `typing` and `typeguard` themselves belong to everybody and are not touched. Worth it because the checks
are more than half of what Python has to do in an app of many stacks.
"""

import functools
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

# A stand-in for `typing` in generated modules. A stub's annotations never change, but generated code resolves them at
# every call.
_typing = types.ModuleType("typing")
vars(_typing).update(vars(typing), get_type_hints=functools.cache(typing.get_type_hints))


def cheaper(namespace: dict[str, Any]) -> None:
    """Let the generated module that owns `namespace` check its arguments with the shortcuts."""
    if "check_type" not in namespace:  # a package without classes, or one without checks
        return
    namespace["typing"] = _typing
    namespace["check_type"] = _with_shortcut(namespace["check_type"])


def _with_shortcut(check_type: Callable[[str, object, Any], Any]) -> Callable[[str, object, Any], Any]:
    def check(argname: str, value: object, expected_type: Any) -> Any:
        # `None` for an optional argument, or exactly the class that is named: nine of ten checks. typeguard comes to
        # the same end, but formats and drops an error message for every other member of a union on its way.
        kind = type(value)
        if kind is expected_type or (getattr(expected_type, "__origin__", None) is typing.Union and kind in expected_type.__args__):
            return None
        return check_type(argname, value, expected_type)

    return check


class _MockOnceImported(type):
    def __instancecheck__(cls, instance: object) -> bool:
        mock = sys.modules.get("unittest.mock")
        return mock is not None and isinstance(instance, mock.Mock)


def import_typeguard() -> None:
    """Import typeguard without `unittest.mock`, which brings asyncio along for one `isinstance(value, Mock)`.

    There are no mocks before `unittest.mock` is imported, so the class that typeguard is given looks for it when asked.
    """
    if "unittest.mock" in sys.modules or "typeguard" in sys.modules:
        return
    stand_in = types.ModuleType("unittest.mock")
    vars(stand_in)["Mock"] = _MockOnceImported("Mock", (), {})
    sys.modules["unittest.mock"] = stand_in
    try:
        import typeguard  # noqa: F401
    finally:
        del sys.modules["unittest.mock"]
