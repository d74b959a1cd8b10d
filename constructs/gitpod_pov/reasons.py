"""Why the arguments of resources are as they are.

Each construct has a mapping `REASONS`, beside the code that writes the arguments. A reader of the construct finds the reasons there, and a
hand-over writes them as comments into its HCL files.

Owns: the form of these mappings. Leaves to others: the reasons, and comments about Python and cdktf, which stay at the code.
"""

from collections.abc import Mapping
from typing import TypeAlias

Reasons: TypeAlias = Mapping[str, Mapping[str, str]]
"""Sentences by resource type (`data.TYPE` for a data source) and path of the argument.

The empty path is the resource itself: one sentence that says what it is for. A path separates blocks by dots and names an entry of a list
in brackets: `lifecycle.ignore_changes[node_config]`. `{role}` in a sentence stands for the value of the argument `role`.
"""


def of_ignored_changes(ignored: Mapping[str, str]) -> dict[str, str]:
    """Return the reasons of the entries of `ignore_changes` by path.

    Args:
        ignored: phrases by argument.
    """
    return {f"lifecycle.ignore_changes[{argument}]": f"{reason[0].upper()}{reason[1:]}." for argument, reason in ignored.items()}
