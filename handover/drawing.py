"""Draws boxes in frames, joined by arrows, as SVG.

Owns: the layout, which Graphviz computes, and the look. Leaves to others: what is drawn (`picture`).

Why Graphviz gets empty cells of a fixed size, and never a text: it would measure the fonts of the machine, and the same boxes must give
the same bytes everywhere. Each text has a fixed length, its length in Helvetica, so that it fits its cell in every font. Positions are
rounded to whole pixels, because the last digits of a computation can differ between processors.

Why pygraphviz: its wheels contain Graphviz, so that the locked Python packages are all that a hand-over needs. `@viz-js/viz` is the same
Graphviz for Node; it would add the installation of npm packages to every hand-over.
"""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import count
from typing import Any, Literal

from handover.stacks import HandoverError


@dataclass(frozen=True)
class Box:
    """A box.

    Attributes:
        title: its first line, in bold.
        lines: its other lines; long ones are wrapped, and of very many the first are shown.
        risks: names of risks, which are marked.
    """

    title: str
    lines: Sequence[str] = ()
    risks: Sequence[str] = ()


@dataclass
class Frame:
    """A frame around boxes and other frames.

    Attributes:
        label: the text in an upper corner.
        style: what it looks like: `project`, `stack` or `network`.
        boxes: the boxes in it, by an id that is unique in the drawing.
        frames: the frames in it.
    """

    label: Box
    style: Literal["project", "stack", "network"] = "project"
    boxes: dict[str, Box] = field(default_factory=dict)
    frames: list["Frame"] = field(default_factory=list)

    def all_frames(self) -> Iterator["Frame"]:
        """Yield this frame and every frame inside it, each before those that it contains."""
        yield self
        for inner in self.frames:
            yield from inner.all_frames()

    def all_boxes(self) -> dict[str, Box]:
        """Return the boxes in all of these frames by id."""
        return {identifier: box for frame in self.all_frames() for identifier, box in frame.boxes.items()}


@dataclass(frozen=True)
class Arrow:
    """An arrow between two boxes.

    Attributes:
        start: the id of the first.
        end: the id of the second.
        text: what it means, in a few words.
        upward: whether the second is above the first; otherwise it is below.
    """

    start: str
    end: str
    text: str = ""
    upward: bool = False


_LINE, _PADDING, _MARK, _MARGIN = 17, 10, 16, 8
_WIDEST, _MOST_LINES = 270, 16
_FONT_SIZE, _BOLD = 12, 1.06
_CHARACTERS = {
    222: "'ijl",
    278: " !,./:;I[]\\ft|",
    350: '()-r`{}"*',
    500: "Jcksvxyz^",
    570: "#$0123456789?L_abdeghnopqu+<=>~",
    667: "&ABEFKPSTVXYZ",
    722: "CDHNRUw",
    778: "GOQ",
    860: "Mm%",
    1000: "W@",
}
"""The ASCII characters by their width in Helvetica, rounded up, in thousandths of the font size."""

_WIDTHS = {character: width for width, characters in _CHARACTERS.items() for character in characters}

_STYLE = """<style>
 text { font: 12px Helvetica, Arial, "Liberation Sans", sans-serif; paint-order: stroke; stroke-width: 4px }
 .title { font-weight: 600 } .frame, .arrow { fill: none } .network { stroke-dasharray: 5 4 }
 .paper, .box { fill: #ffffff } .stack { fill: #f6f8fa } .box, .frame, .arrow { stroke: #818b98 } .stack { stroke: #0969da }
 text { fill: #1f2328; stroke: #ffffff } .note, .head { fill: #59636e } .risk { fill: #bc4c00 }
 @media (prefers-color-scheme: dark) {
  .paper, .box { fill: #0d1117 } .stack { fill: #151b23 } .box, .frame, .arrow { stroke: #9198a1 } .stack { stroke: #4493f8 }
  text { fill: #f0f6fc; stroke: #0d1117 } .note, .head { fill: #9198a1 } .risk { fill: #f0883e }
 }
</style>
"""


def draw(
    outside: dict[str, Box],
    frames: list[Frame],
    arrows: list[Arrow],
    *,
    above: list[tuple[str, str]],
    title: str,
    description: str,
) -> str:
    """Return a drawing as SVG.

    Args:
        outside: the boxes outside every frame, by id.
        frames: the outermost frames.
        arrows: the arrows.
        above: pairs of ids: the box of the first is above that of the second.
        title: the title, for those who do not see the drawing.
        description: what it shows, for the same readers.

    Raises:
        HandoverError: when Graphviz is not installed.
    """
    everything = Frame(Box(title), boxes=outside, frames=frames)
    boxes = everything.all_boxes()
    names = {identifier: f"box{number}" for number, identifier in enumerate(boxes)}
    layout = _layout(_dot(everything, arrows, above, names))
    width, height = (round(float(size)) for size in layout["bb"].split(",")[2:])
    objects = {one["name"]: one for one in layout["objects"]}
    rectangles, labels = _drawn_frames([*everything.all_frames()][1:], objects, height)
    drawn = [*rectangles, *_drawn_arrows(arrows, layout, height), *labels]
    for identifier, box in boxes.items():
        x, y = map(float, objects[names[identifier]]["pos"].split(","))
        box_width, box_height = _size(box)
        left, top = round(x - box_width / 2), round(height - y - box_height / 2)
        drawn.append(f'<rect class="box" x="{left}" y="{top}" width="{box_width}" height="{box_height}" rx="6"/>')
        drawn += _text(box, left + _PADDING, top + _PADDING)
    left, top, width, height = -_MARGIN, -_MARGIN, width + 2 * _MARGIN, height + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-labelledby="title description">\n<title id="title">{escape(title)}</title>\n'
        f'<desc id="description">{escape(description)}</desc>\n{_STYLE}'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="0" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="head" d="M0 0L8 4L0 8Z"/></marker></defs>\n'
        f'<rect class="paper" x="{left}" y="{top}" width="{width}" height="{height}"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _layout(dot: str) -> dict[str, Any]:
    try:
        import pygraphviz  # type: ignore[import-untyped]  # noqa: PLC0415 - the rest of the hand-over works without it
    except ImportError as error:
        raise HandoverError(f"the picture needs Graphviz: {error}; run `make handover` or `make picture`, which install it") from None
    graph = pygraphviz.AGraph(string=dot)
    graph.layout(prog="dot")
    layout: dict[str, Any] = json.loads(graph.draw(format="json0"))
    return layout


def _dot(everything: Frame, arrows: list[Arrow], above: list[tuple[str, str]], names: dict[str, str]) -> str:
    """Return the graph in Graphviz's language: nothing but numbers and sizes. The edges of the arrows come first."""
    clusters = count()

    def inside(frame: Frame) -> Iterator[str]:
        for identifier, box in frame.boxes.items():
            width, height = _size(box)
            yield f"{names[identifier]} [width={width / 72:.4f}, height={height / 72:.4f}]"
        for inner in frame.frames:
            yield f'subgraph cluster{next(clusters)} {{ margin=12; labeljust="l"; label={_cell(*_size(inner.label))}'
            yield from inside(inner)
            yield "}"

    def edges() -> Iterator[str]:
        for arrow in arrows:
            first, second = names[arrow.start], names[arrow.end]
            label = f"label={_cell(_width(arrow.text) + 8, _LINE)}" if arrow.text else ""
            yield f"{second} -> {first} [dir=back {label}]" if arrow.upward else f"{first} -> {second} [{label}]"
        for upper, lower in above:
            yield f"{names[upper]} -> {names[lower]} [style=invis]"

    reached_from_above = {arrow.end for arrow in arrows if not arrow.upward}
    ranks: dict[str, list[str]] = {"source": [], "sink": []}
    for identifier in everything.boxes:
        ranks["sink" if identifier in reached_from_above else "source"].append(names[identifier])
    lines = [
        'digraph { newrank=true; nodesep=0.35; ranksep=0.35; node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.8]',
        *inside(everything),
        *(f"{{ rank={rank}; {'; '.join(boxes)} }}" for rank, boxes in ranks.items() if boxes),
        *edges(),
        "}",
    ]
    return "\n".join(lines)


def _cell(width: int, height: int) -> str:
    size = f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR><TD {size}></TD></TR></TABLE>>'


def _drawn_frames(frames: list[Frame], objects: dict[str, Any], height: int) -> tuple[list[str], list[str]]:
    """Return the rectangles and the labels; arrows come between them."""
    rectangles: list[str] = []
    labels: list[str] = []
    for number, frame in enumerate(frames):
        left, bottom, right, top = (round(float(edge)) for edge in objects[f"cluster{number}"]["bb"].split(","))
        rectangles.append(
            f'<rect class="frame {frame.style}" x="{left}" y="{height - top}" width="{right - left}" height="{top - bottom}" rx="8"/>'
        )
        if frame.style == "stack":  # in the right corner, because most arrows into a stack come from the left
            left = right - _size(frame.label)[0]
        labels += _text(frame.label, left + _PADDING, height - top + _PADDING)
    return rectangles, labels


def _drawn_arrows(arrows: list[Arrow], layout: dict[str, Any], height: int) -> Iterator[str]:
    for arrow, edge in zip(arrows, layout.get("edges", []), strict=False):  # the rest is invisible
        # The first point is the tip of the arrow, which the marker draws.
        points = [[round(float(one)) for one in point.split(",")[-2:]] for point in edge["pos"].split(" ")[1:]]
        start, *rest = (f"{x} {height - y}" for x, y in (reversed(points) if arrow.upward else points))
        yield f'<path class="arrow" marker-end="url(#head)" d="M{start}C{" ".join(rest)}"/>'
        if arrow.text:
            x, y = (round(float(one)) for one in edge["lp"].split(","))
            yield _line("note", arrow.text, x - _width(arrow.text) // 2, height - y + 4)


def _text(box: Box, left: int, top: int) -> Iterator[str]:
    for number, (style, text) in enumerate(_lines(box)):
        y = top + _LINE * number + _FONT_SIZE
        if style == "risk":
            yield f'<path class="risk" d="M{left} {y}h12l-6 -11z"/>'
        yield _line(style, text, left + _MARK if style == "risk" else left, y)


def _line(style: str, text: str, x: int, y: int) -> str:
    attribute = f' class="{style}"' if style else ""
    fitted = f'textLength="{_width(text, style)}" lengthAdjust="spacingAndGlyphs"'
    return f'<text{attribute} x="{x}" y="{y}" {fitted}>{escape(text)}</text>'


def _size(box: Box) -> tuple[int, int]:
    lines = _lines(box)
    widest = max(_width(text, style) + (_MARK if style == "risk" else 0) for style, text in lines)
    return widest + 2 * _PADDING, _LINE * len(lines) + 2 * _PADDING


def _lines(box: Box) -> list[tuple[str, str]]:
    """Return each line with its style."""
    lines = [line for text in box.lines for line in _wrapped(text)]
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"and {len(lines) - _MOST_LINES + 1} more lines"]
    titles = [("title", line) for line in _wrapped(box.title)]
    return [*titles, *(("", line) for line in lines), *(("risk", risk) for risk in box.risks)]


def _wrapped(text: str) -> Iterator[str]:
    """Yield a text in lines that are not too wide: broken after a space or a separator, or anywhere if there is none."""
    line = ""
    for character in " ".join(text.split()):
        line += character if character.isprintable() else "\ufffd"
        if _width(line) > _WIDEST:
            separator = line.rfind(" ", 20, -1) + 1 or max(line.rfind(one, 20, -1) for one in ",/@.-_") + 1
            end = separator or len(line) - 1
            yield line[:end].rstrip()
            line = line[end:]
    if line:
        yield line


def _width(text: str, style: str = "") -> int:
    """Return how wide a line is, in pixels."""
    thousandths = sum(_WIDTHS.get(one, 1000 if unicodedata.east_asian_width(one) in "WF" else 600) for one in text)
    return round(thousandths * _FONT_SIZE / 1000 * (_BOLD if style == "title" else 1))
