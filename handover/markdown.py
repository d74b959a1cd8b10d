"""Parts of a README in Markdown. Leaves to others: what they say."""

from collections.abc import Iterable


def shell(*commands: str) -> str:
    """Return commands as a block."""
    return "```sh\n" + "\n".join(commands) + "\n```"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def listed(names: Iterable[str]) -> str:
    """Return names as code in a sentence: `a`, `b` and `c`."""
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} and {last}" if first else last
