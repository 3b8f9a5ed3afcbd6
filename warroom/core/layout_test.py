from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given

from warroom.core.layout import BELOW, HEIGHT, WIDTH, Layout, lay_out
from warroom.core.outline_test import graphs
from warroom.core.playbook import Playbook
from warroom.core.testing import book, task


def crossings(layout: Layout) -> int:
    """Crossings of lines between the same two layers, counted by their ends."""
    pieces = [
        (y, line.points[index][0], line.points[index + 1][0])
        for line in layout.lines
        for index in range(0, len(line.points) - 1, 2)
        for y in [line.points[index][1]]
    ]
    return sum(1 for (y, a, b), (z, c, d) in combinations(pieces, 2) if y == z and (a - c) * (b - d) < 0)


def test_lay_out_chain_is_one_straight_column() -> None:
    layout = lay_out(book(task("1", then=["2"]), task("2")))
    assert [box.x for box in layout.boxes.values()] == pytest.approx([WIDTH / 2] * 3)
    assert [layout.boxes[task_id].y for task_id in "012"] == [HEIGHT / 2 + row * (HEIGHT + BELOW) for row in range(3)]
    assert [layout.width, layout.height] == pytest.approx([WIDTH, 3 * HEIGHT + 2 * BELOW])


def test_lay_out_branches_stand_beside_each_other_and_the_join_between() -> None:
    layout = lay_out(book(task("1", then=["2", "3"]), task("2", then=["4"]), task("3", then=["4"]), task("4")))
    boxes = layout.boxes
    assert boxes["2"].y == boxes["3"].y and abs(boxes["2"].x - boxes["3"].x) > WIDTH
    assert boxes["1"].x == pytest.approx(boxes["4"].x) == pytest.approx((boxes["2"].x + boxes["3"].x) / 2)


def test_lay_out_avoidable_crossing_is_avoided() -> None:
    playbook = book(task("1", then=["2", "3"]), task("2", then=["5"]), task("3", then=["4"]), task("4"), task("5"))
    assert crossings(lay_out(playbook)) == 0


def test_lay_out_long_line_runs_beside_the_tasks_that_it_passes() -> None:
    playbook = book(task("1", then=["2", "4"]), task("2", then=["3"]), task("3", then=["4"]), task("4"))
    layout = lay_out(playbook)
    line = next(line for line in layout.lines if (line.source, line.target) == ("1", "4"))
    for x, y in line.points[1:-1]:
        for box in layout.boxes.values():
            inside = abs(x - box.x) < box.width / 2 and abs(y - box.y) < box.height / 2
            assert not inside


@given(graphs())
def test_lay_out_nothing_overlaps_and_everything_is_inside(playbook: Playbook) -> None:
    layout = lay_out(playbook)
    assert set(layout.boxes) == set(playbook.tasks)
    for one, other in combinations(layout.boxes.values(), 2):
        assert abs(one.x - other.x) >= WIDTH - 1e-6 or abs(one.y - other.y) >= HEIGHT
    for box in layout.boxes.values():
        assert WIDTH / 2 - 1e-6 <= box.x <= layout.width - WIDTH / 2 + 1e-6
        assert HEIGHT / 2 <= box.y <= layout.height - HEIGHT / 2
    for line in layout.lines:
        start, end = layout.boxes[line.source], layout.boxes[line.target]
        assert abs(line.points[0][1] - start.y) == HEIGHT / 2 and abs(line.points[-1][1] - end.y) == HEIGHT / 2


@given(graphs())
def test_lay_out_same_playbook_gives_the_same_picture(playbook: Playbook) -> None:
    assert lay_out(playbook) == lay_out(playbook)
