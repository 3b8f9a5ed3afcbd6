import csv
import io
from typing import Any

import pytest
from VectraResponseReport import Gathered, House, as_csv, as_html, gather, markdown, report_of, sections, table_rows

NOW = 1_760_000_000.0
OVER = {
    "brain": "a", "key": "host:41", "name": "pc", "instance": "edr", "brand": "Edr", "element": "ep-1",
    "why": "score <80>", "since": int(NOW) - 7200, "until": int(NOW) - 3600, "hours": 1.0,
}  # fmt: skip
LASTS = {**OVER, "key": "account:7", "name": "=jane", "instance": "ad", "until": 0, "hours": 2.0, "why": ""}
FAILED = {"brain": "a", "key": "host:9", "name": "", "instance": "", "status": "failed", "reason": "no\ndriver"}
FOUND = Gathered((OVER, {**OVER, "instance": "fw"}, LASTS), (FAILED,), ("a",), ("b: down",))


def made() -> dict[str, Any]:
    return report_of(FOUND, "7 days", NOW)


def test_report_of_counts_entities_once_and_hours_of_each_product() -> None:
    report = made()
    assert [report[name] for name in ("contained", "released", "still", "failed", "hours")] == [2, 1, 1, 1, 4.0]
    assert report["by_type"] == {"host": 1, "account": 1} and report["by_product"] == {"edr": 1, "fw": 1, "ad": 1}
    assert report["failures"] == ["a: host 9 by no driver: no driver"]


def test_table_rows_what_lasts_comes_first() -> None:
    rows = table_rows(FOUND.history)
    assert (rows[0]["What"], rows[0]["Until"]) == ("account:7", "still contained")
    assert rows[1]["Since"] == "2025-10-09 06:53Z"


def test_markdown_tells_numbers_table_failures_and_silent_brains() -> None:
    text = markdown(made(), table_rows(FOUND.history))
    for part in (
        "2 contained in the last 7 days",
        "| a | host:41 | pc |",
        "### Failed",
        "- b: down",
        "stop of a is on",
    ):
        assert part in text


def test_markdown_long_table_is_cut_and_says_so() -> None:
    rows = table_rows([{**OVER, "key": f"host:{n}"} for n in range(60)])
    assert "10 more are in the files." in markdown(made(), rows)


def test_sections_are_told_always_and_empty_ones_left_out() -> None:
    titles = [group["title"] for group in sections(made(), table_rows(FOUND.history))]
    assert titles == ["Summary", "Still contained", "Released", "Failed", "Brains that could not be asked"]
    nothing = report_of(Gathered((), (), (), ()), "7 days", NOW)
    assert [(group["title"], group["news"]) for group in sections(nothing, [])] == [("Summary", True)]


def test_as_csv_cells_are_no_formulas() -> None:
    [head, first, *rest] = csv.reader(io.StringIO(as_csv(table_rows(FOUND.history))))
    assert head[2] == "Name" and first[2] == "'=jane" and len(rest) == 2


def test_as_html_escapes_what_came_from_elsewhere() -> None:
    page = as_html(made(), table_rows(FOUND.history))
    assert "score &lt;80&gt;" in page and "<80>" not in page and page.startswith("<!doctype html>")


def test_gather_brain_that_fails_is_named_once() -> None:
    modules = {name: {"brand": "VectraAutomatedResponse", "state": "active"} for name in ("a", "b")}
    status = {"brain": "a", "stopped": True, "elements": [{"key": "host:9", "status": "failed"}]}

    def execute(command: str, args: dict[str, Any]) -> Any:
        if args["using"] == "b":
            return [{"Type": 4, "Contents": "down"}]
        path, value = ("Status", status) if command == "vectra-response-status" else ("History", [OVER])
        return [{"EntryContext": {f"VectraResponse.{path}": value}}]

    found = gather(House(execute, lambda: modules, dict, lambda: NOW), "7 days")
    assert found.errors == ("b: down",) and found.stopped == ("a",) and found.history == (OVER,)
    assert found.elements[0]["brain"] == "a"


def test_gather_without_a_brain_is_refused() -> None:
    with pytest.raises(ValueError, match="no enabled instance"):
        gather(House(lambda name, args: [], dict, dict, lambda: NOW), "7 days")
