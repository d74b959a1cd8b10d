"""The picture of a hand-over: what will exist, and what must exist first.

Owns: which boxes and arrows there are. One box for each construct with the resources it makes; an arrow where one is needed by the
next or its whole stack is, unless a longer way says so already. Leaves to others: layout and drawing, which Graphviz does.

Why the text and the sizes of its boxes come from here: Graphviz measures fonts, which differ from one computer to the next, and the
same deployment must give the same bytes.
"""

import json
import re
from collections import Counter
from html import escape
from itertools import combinations, product

import pygraphviz  # type: ignore[import-untyped]

from handover.stacks import Stack

_ADDRESS = re.compile(r"(?:data\.)?[a-z]\w*\.\w+")
_STYLE = """<style>
 svg { color: #1f2328; background: #ffffff }
 text { fill: currentColor; font: 11px Helvetica, Arial, sans-serif }
 .node text:first-of-type { font-weight: bold }
 @media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117 } }
</style>
"""


def picture(stacks: list[Stack]) -> str:
    """Return the picture as SVG, readable on light and on dark."""
    graph = pygraphviz.AGraph(directed=True, rankdir="LR", bgcolor="transparent", nodesep="0.25", ranksep="0.6")
    graph.node_attr.update(shape="box", style="rounded", fixedsize="true")
    graph.edge_attr.update(arrowsize="0.7")
    texts: dict[str, list[str]] = {}
    for number, stack in enumerate(stacks, 1):
        for group in dict.fromkeys(stack.groups.values()):
            name = f"{number}-{stack.name}/{group}"
            lines = texts[name] = _lines(f"{number}-{stack.name}: {group}", [one for one, of in stack.groups.items() if of == group])
            width, height = max(map(len, lines)) * 0.085 + 0.3, 0.2 + 0.18 * len(lines)
            graph.add_node(name, label="", width=f"{width:.2f}", height=f"{height:.2f}")
        for before, after in _needs(stack):
            graph.add_edge(f"{number}-{stack.name}/{before}", f"{number}-{stack.name}/{after}")
    found = _found_by_name(stacks)
    for before, after in found:
        graph.add_edge(before, after, style="dashed")
    for before, after in _dependencies(stacks, found):
        graph.add_edge(before, after)
    graph.tred()
    graph.layout(prog="dot")
    drawn: str = graph.draw(format="svg").decode()
    for node in graph.nodes():
        drawn = drawn.replace(f"<title>{escape(node).replace('-', '&#45;')}</title>", _text(texts[node], node.attr["pos"]))
    drawn = re.sub(r"<!--.*?-->\n?|<\?xml.*?\?>\n?|<!DOCTYPE.*?>\n?|<title>.*?</title>\n?", "", drawn, flags=re.DOTALL)
    drawn = drawn.replace('"black"', '"currentColor"')
    return drawn.replace(">\n<g ", f">\n{_STYLE}<g ", 1)


def _lines(title: str, addresses: list[str]) -> list[str]:
    counts = Counter(("reads " if address.startswith("data.") else "") + address.split(".")[-2] for address in addresses)
    return [title, *(f"{kind} ({count})" if count > 1 else kind for kind, count in counts.items())]


def _text(lines: list[str], position: str) -> str:
    """Return the lines as SVG, centred on a node's position, which Graphviz counts upwards."""
    x, y = (float(part) for part in position.split(","))
    first = 4 - y - 13 * (len(lines) - 1) / 2
    return "\n".join(
        f'<text text-anchor="middle" x="{x:g}" y="{first + 13 * line:g}">{escape(text)}</text>' for line, text in enumerate(lines)
    )


def _needs(stack: Stack) -> list[tuple[str, str]]:
    """Return pairs of constructs: the first must exist before the second. A resource needs what its provider's configuration needs."""
    found: dict[tuple[str, str], None] = {}
    for address, group in stack.groups.items():
        kind, name = address.removeprefix("data.").split(".")
        block = stack.content["data" if address.startswith("data.") else "resource"][kind][name]
        provider = kind.partition("_")[0]
        text = json.dumps(
            [block, stack.content["provider"].get(provider), stack.content.get("locals", {}) if "local." in str(block) else {}]
        )
        for needed in _ADDRESS.findall(text):
            other = stack.groups.get(needed)
            if other and other != group:
                found[other, group] = None
    return list(found)


def _found_by_name(stacks: list[Stack]) -> list[tuple[str, str]]:
    """Return pairs over stacks: a resource, and the construct of a later stack that looks such a resource up."""
    makers = {}
    found = []
    for number, stack in enumerate(stacks, 1):
        for address, group in stack.groups.items():
            kind = address.removeprefix("data.").split(".")[0]
            if not address.startswith("data."):
                makers[kind] = f"{number}-{stack.name}/{group}"
            elif kind in makers:
                found.append((makers[kind], f"{number}-{stack.name}/{group}"))
    return found


def _dependencies(stacks: list[Stack], found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return pairs over stacks that depend on each other although nothing is found by name: the last constructs, and the first."""
    linked = {(before.partition("/")[0], after.partition("/")[0]) for before, after in found}
    folders = {stack.name: f"{number}-{stack.name}" for number, stack in enumerate(stacks, 1)}
    pairs = []
    for earlier, later in combinations(stacks, 2):
        before, after = folders[earlier.name], folders[later.name]
        if earlier.name in later.kind.depends_on and (before, after) not in linked:
            needed, needing = {one for one, _ in _needs(earlier)}, {one for _, one in _needs(later)}
            lasts, firsts = set(earlier.groups.values()) - needed, set(later.groups.values()) - needing
            pairs += [(f"{before}/{last}", f"{after}/{first}") for last, first in product(sorted(lasts), sorted(firsts))]
    return pairs
