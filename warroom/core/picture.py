"""A playbook drawn as SVG text: readable in light and dark, alone or in a page, with no font or script of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape as escaped
from itertools import pairwise
from typing import Literal

from warroom.core.layout import HEIGHT, Box, Layout, Line, lay_out
from warroom.core.playbook import Playbook, Task
from warroom.core.wording import call_text, label_text, shortened

Status = Literal["done", "error", "waiting", "skipped", "running"]

MARGIN = 24.0
_HEAD = 44.0
_LEGEND = 34.0
# Letters of a narrow sans-serif face take about this much of their size.
_LETTER = 0.58
_NAME_SIZE, _CALL_SIZE = 12.5, 10.5
_MARKS: Mapping[Status, tuple[str, str]] = {
    "done": ("✓", "done"), "error": ("✗", "error"), "waiting": ("…", "waits"), "skipped": ("–", "skipped"),
    "running": ("▸", "was running"),
}  # fmt: skip

_STYLE = """
svg { font-family: "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
.paper { fill: #ffffff; }
.box { fill: #f4f6f8; stroke: #6b7785; stroke-width: 1.2; }
.box.condition { fill: #fff6e0; stroke: #b07d12; }
.box.playbook { fill: #e8f0fe; stroke: #3b6fc4; }
.box.person { fill: #f3e8fb; stroke: #8a4fb8; stroke-dasharray: 5 3; }
.box.start { fill: #dfe5ea; }
.box.title { fill: none; stroke: #9aa5b1; }
.box.done { fill: #dff3e4; stroke: #1f8a44; stroke-width: 2; }
.box.error { fill: #fde3e1; stroke: #c5281c; stroke-width: 2; }
.box.waiting, .box.running { fill: #fff0c2; stroke: #a86f00; stroke-width: 2; }
.box.skipped { fill: #eceff2; stroke: #7b8794; }
.inner { fill: none; stroke: #3b6fc4; stroke-width: 1; }
.name { fill: #1c2733; font-size: 12.5px; font-weight: 600; text-anchor: middle; }
.call { fill: #4a5663; font-size: 10.5px; text-anchor: middle; }
.mark { fill: #1c2733; font-size: 12px; font-weight: 700; text-anchor: end; }
.number { fill: #6b7785; font-size: 9.5px; }
.line { fill: none; stroke: #6b7785; stroke-width: 1.3; }
.line.taken { stroke: #1f8a44; stroke-width: 2.6; }
.line.failed { stroke: #c5281c; stroke-width: 2.6; }
.tip { fill: #6b7785; } .tip.taken { fill: #1f8a44; } .tip.failed { fill: #c5281c; }
.label { fill: #1c2733; font-size: 11px; text-anchor: middle; stroke: #ffffff; stroke-width: 4px;
  paint-order: stroke; stroke-linejoin: round; }
.heading { fill: #1c2733; font-size: 16px; font-weight: 700; }
.legend { fill: #4a5663; font-size: 11px; }
.faded { opacity: 0.45; }
@media (prefers-color-scheme: dark) {
.paper { fill: #14191f; }
.box { fill: #232b34; stroke: #8a97a5; }
.box.condition { fill: #3a2f14; stroke: #d9a53a; }
.box.playbook { fill: #1b2c47; stroke: #7aa7ee; }
.box.person { fill: #33223f; stroke: #c391e6; }
.box.start { fill: #303a45; }
.box.title { fill: none; stroke: #6f7c8a; }
.box.done { fill: #163623; stroke: #4cc47a; }
.box.error { fill: #461c19; stroke: #ff7b70; }
.box.waiting, .box.running { fill: #41330c; stroke: #f0bd4a; }
.box.skipped { fill: #262d35; stroke: #8a97a5; }
.inner { stroke: #7aa7ee; }
.name, .mark, .heading { fill: #eef2f6; }
.call, .legend { fill: #b9c4cf; }
.number { fill: #9aa7b4; }
.line { stroke: #8a97a5; } .tip { fill: #8a97a5; }
.line.taken { stroke: #4cc47a; } .tip.taken { fill: #4cc47a; }
.line.failed { stroke: #ff7b70; } .tip.failed { fill: #ff7b70; }
.label { fill: #eef2f6; stroke: #14191f; }
}
"""

_OPENING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
    'viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
)


@dataclass(frozen=True)
class Path:
    """How a run went: the status of the tasks that it came to, and the (task, label) branches that it took."""

    statuses: Mapping[str, Status] = field(default_factory=dict)
    taken: frozenset[tuple[str, str]] = frozenset()
    title: str = ""


# Characters that XML has no place for.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """The text as XML has it; characters that XML forbids become question marks."""
    return escaped(_NO_XML.sub("?", text))


def picture(playbook: Playbook, path: Path | None = None) -> str:
    """The playbook as an SVG document; with `path` the run's tasks and branches are coloured, the others faded.

    Only text goes in, escaped; the same playbook and path always give the same document.
    """
    layout = lay_out(playbook)
    width = max(layout.width + 2 * MARGIN, 420.0)
    height = layout.height + 2 * MARGIN + _HEAD + (_LEGEND if path else 0)
    shift = ((width - layout.width) / 2, MARGIN + _HEAD)
    parts = [
        _OPENING.format(width=width, height=height),
        f"<title>{escape(playbook.name)}</title>",
        f"<desc>{escape(_told(playbook, path))}</desc>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        _text("heading", MARGIN, MARGIN + 14, shortened(path.title if path and path.title else playbook.name,
                                                        int((width - 2 * MARGIN) / (16 * _LETTER)))),
        f'<g transform="translate({shift[0]:.1f} {shift[1]:.1f})">',
        *_lines(layout, path),
        *(_node(task, layout.boxes[task_id], path) for task_id, task in playbook.tasks.items()),
        "</g>",
        *(_legend(height) if path else ()),
        "</svg>",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _told(playbook: Playbook, path: Path | None) -> str:
    many = f"{len(playbook.tasks)} tasks, from top to bottom in the order of execution."
    if path is None:
        return many
    ends = [f"task {task_id}: {_MARKS[status][1]}" for task_id, status in path.statuses.items()]
    return f"{many} {', '.join(ends)}"


def _lines(layout: Layout, path: Path | None) -> Iterator[str]:
    # Branches that were taken lie above the others, and labels above all branches.
    ordered = sorted(layout.lines, key=lambda line: _line_class(line, path) in ("taken", "failed"))
    yield from (_curve(line, path) for line in ordered)
    yield from (_label(line, index, layout.lines) for index, line in enumerate(layout.lines) if label_text(line.label))


def _line_class(line: Line, path: Path | None) -> str:
    if path is None:
        return ""
    if (line.source, line.label) not in path.taken:
        return "faded"
    return "failed" if line.label == "#error#" else "taken"


def _curve(line: Line, path: Path | None) -> str:
    kind = _line_class(line, path)
    (x, y), *rest = line.points
    pieces = [f"M {x:.1f} {y:.1f}"]
    points = [(x, y), *rest[:-1], (rest[-1][0], rest[-1][1] - (7 if rest[-1][1] >= y else -7))]
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) / 2
        pieces.append(f"L {x2:.1f} {y2:.1f}" if x1 == x2 else
                      f"C {x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}")  # fmt: skip
    end_x, end_y = line.points[-1]
    back = -7 if end_y >= y else 7
    tip = f"M {end_x:.1f} {end_y:.1f} l -4.5 {back} h 9 z"
    return f'<path class="line {kind}" d="{" ".join(pieces)}"/><path class="tip {kind}" d="{tip}"/>'


def _label(line: Line, index: int, lines: Sequence[Line]) -> str:
    """The name of a branch near its beginning, where its line has left those of its siblings."""
    (x1, y1), (x2, y2) = line.points[0], line.points[1]
    share = 0.62
    siblings = [other for other in lines if other.source == line.source]
    if len(siblings) > 3:
        share += 0.13 * (siblings.index(lines[index]) % 2)
    # A point of the same curve that is drawn there.
    curved = share * share * (3 - 2 * share)
    x, y = x1 + (x2 - x1) * curved, y1 + (y2 - y1) * share
    return _text("label", x, y + 3, shortened(label_text(line.label), 24))


def _node(task: Task, box: Box, path: Path | None) -> str:
    status = path.statuses.get(task.id) if path else None
    faded = path is not None and status is None
    kind = _kind(task)
    parts = [
        f'<g class="{"faded" if faded else ""}"><title>{escape(_hint(task, status))}</title>',
        _shape(task, box, f"box {kind} {status or ''}".strip()),
        *_words(task, box),
    ]
    left, top = box.x - box.width / 2, box.y - HEIGHT / 2
    parts.append(_text("number", left + 2, top - 4, f"#{task.id}"))
    if status:
        parts.append(_text("mark", left + box.width - 2, top - 4, _MARKS[status][0]))
    return "".join(parts) + "</g>"


def _hint(task: Task, status: Status | None) -> str:
    said = f" — {_MARKS[status][1]}" if status else ""
    return f"{task.id} {task.name or task.kind}{said}" + (f"\n{task.description}" if task.description else "")


def _kind(task: Task) -> str:
    if task.manual:
        return "person"
    return "title" if task.kind == "section" else task.kind


def _shape(task: Task, box: Box, classes: str) -> str:
    left, top, right, bottom = (
        box.x - box.width / 2, box.y - box.height / 2, box.x + box.width / 2, box.y + box.height / 2,
    )  # fmt: skip
    if task.kind == "condition":
        cut = 16
        points = (
            (left + cut, top), (right - cut, top), (right, box.y), (right - cut, bottom), (left + cut, bottom),
            (left, box.y),
        )  # fmt: skip
        return f'<polygon class="{classes}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
    round_by = {"start": 29, "title": 29, "section": 29}.get(task.kind, 6)
    outer = _rect(classes, left, top, box.width, box.height, round_by)
    if task.kind == "playbook":
        return outer + _rect("inner", left + 4, top + 4, box.width - 8, box.height - 8, 4)
    return outer


def _rect(classes: str, x: float, y: float, width: float, height: float, round_by: float) -> str:
    return (
        f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_by}"/>'
    )


def _words(task: Task, box: Box) -> Iterator[str]:
    """The name in up to two lines, and below it what runs."""
    call = shortened(call_text(task), _room(box, _CALL_SIZE))
    if call == shortened(f"playbook {task.name}", _room(box, _CALL_SIZE)):
        call = "sub-playbook"
    names = _wrapped(task.name or task.kind, _room(box, _NAME_SIZE), 2)
    height = 15.0 * len(names) + (13.0 if call else 0.0)
    y = box.y - height / 2 + 11.5
    for name in names:
        yield _text("name", box.x, y, name)
        y += 15.0
    if call:
        yield _text("call", box.x, y - 1.0, call)


def _room(box: Box, size: float) -> int:
    return int((box.width - 30) / (size * _LETTER))


def _wrapped(text: str, width: int, most: int) -> list[str]:
    """The words in at most `most` lines; what is left over is cut."""
    lines: list[str] = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    kept = [*lines[: most - 1], " ".join(lines[most - 1 :])] if len(lines) > most else lines
    return [shortened(line, width) for line in kept]


def _legend(height: float) -> Iterator[str]:
    x = MARGIN
    for status, (mark, text) in _MARKS.items():
        yield _rect(f"box {status}", x, height - 30, 14, 14, 3)
        yield _text("legend", x + 20, height - 19, f"{mark} {text}")
        x += 82 if status != "running" else 110


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
