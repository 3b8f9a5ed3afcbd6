from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from warroom.core.outline_test import graphs
from warroom.core.picture import Path, picture
from warroom.core.playbook import Branch, Playbook
from warroom.core.testing import book, comparison, task

SVG = "{http://www.w3.org/2000/svg}"
PLAYBOOK = book(
    task("1", "condition", {"yes": ["2"], "#error#": ["3"], "#default#": ["4"]}, name="Is it <so> & \"true\"?",
         branches=(Branch("yes", [[comparison("a", "isTrue")]]),)),
    task("2", "regular", script="tiny-do", is_command=True), task("3", "playbook", playbook="Other"),
    task("4", "collection"),
)  # fmt: skip


def texts(drawn: str, kind: str) -> list[str]:
    return [item.text or "" for item in ET.fromstring(drawn).iter(f"{SVG}text") if item.get("class") == kind]


def classes(drawn: str) -> list[str]:
    return [item.get("class") or "" for item in ET.fromstring(drawn).iter() if item.get("class")]


def test_picture_names_tasks_what_they_run_and_branches() -> None:
    drawn = picture(PLAYBOOK)
    assert " ".join(texts(drawn, "name")) == 'start Is it <so> & "true"? Task 2 Task 3 Task 4'
    assert texts(drawn, "call") == ["!tiny-do", "playbook Other", "asks questions"]
    assert sorted(texts(drawn, "label")) == ["on error", "otherwise", "yes"]
    assert texts(drawn, "number") == ["#0", "#1", "#2", "#3", "#4"]


def test_picture_kinds_of_tasks_look_different() -> None:
    found = classes(picture(PLAYBOOK))
    assert {"box start", "box condition", "box regular", "box playbook", "box person"} <= set(found)


def test_picture_has_colours_for_light_and_dark_and_nothing_from_outside() -> None:
    drawn = picture(PLAYBOOK)
    assert "prefers-color-scheme: dark" in drawn
    assert not re.search(r"<script|url\(|@import|<image|href", drawn)


def test_picture_run_is_told_by_mark_and_text_too() -> None:
    way = Path({"0": "done", "1": "done", "2": "error"}, frozenset({("0", "#none#"), ("1", "yes")}), "Test — run 7")
    drawn = picture(PLAYBOOK, way)
    assert texts(drawn, "mark") == ["✓", "✓", "✗"]
    assert texts(drawn, "heading") == ["Test — run 7"]
    assert classes(drawn).count("line taken") == 2 and classes(drawn).count("faded") == 2
    assert "task 2: error" in (ET.fromstring(drawn).find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    assert len(texts(drawn, "legend")) == 5


def test_picture_error_path_that_was_taken_has_its_own_colour() -> None:
    drawn = picture(PLAYBOOK, Path({"1": "error"}, frozenset({("1", "#error#")})))
    assert classes(drawn).count("line failed") == 1


def test_picture_long_names_are_cut_to_two_lines() -> None:
    drawn = picture(book(task("1", name="very " * 40)))
    names = texts(drawn, "name")[1:]
    assert len(names) == 2 and names[1].endswith("…") and all(len(name) <= 30 for name in names)


@given(graphs(), st.text(max_size=60))
def test_picture_any_playbook_is_well_formed_and_always_the_same(playbook: Playbook, name: str) -> None:
    named = Playbook(name, name, name, playbook.start, playbook.tasks)
    drawn = picture(named)
    assert drawn == picture(named)
    assert len([item for item in classes(drawn) if item.startswith("box ")]) == len(playbook.tasks)
