"""The story of the threat profiles, whole: the exit code is the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from demo.__main__ import main
from demo.profiles import about, kill_when
from demo.profiles_compare import PROCESSED, compare, confirmed
from demo.stage import ROOT, DemoFailed, EmulatorProcess

LINK, OTHER = "https://news.example/1", "https://news.example/2"
ARTICLES = [{"title": "APT28 is back", "link": f"{LINK}/?utm_source=x"}, {"title": "Nobody", "link": OTHER}]
RELATED = [{"entityA": "APT28 is back", "entityB": "APT28"}]


@pytest.mark.slow
def test_profiles_story_ends_with_zero_and_every_article_is_where_it_belongs() -> None:
    argv = [sys.executable, "-m", "demo", "--only", "profiles", "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=600, check=False)
    story = done.stderr.decode()
    assert done.returncode == 0, story
    told = json.loads(done.stdout)
    assert told["ok"] and told["problems"] == [] and set(told["numbers"]) == {"profiles"}
    numbers = told["numbers"]["profiles"]
    assert numbers["every article where it belongs, once"] == "yes"
    assert numbers["articles that the sites showed"] == numbers["reports"] > 1_000
    assert (numbers["articles on profiles"], numbers["missing there"], numbers["there twice"]) == (261, 0, 0)
    assert numbers["articles in their answers"] > 2 * numbers["reports"]
    assert numbers["runs after which the store was as before"] == 2
    for words in (
        "answers with status 500 (3 tries failed",
        "$ kill -9 ",
        "the sites answered 304, 304",
        "| sea | False |",
    ):
        assert words in story


@pytest.mark.slow
def test_profiles_story_article_that_nobody_fetched_ends_with_one(capfd: pytest.CaptureFixture[str]) -> None:
    def publish(site: EmulatorProcess) -> None:
        site.post("edit", {"publish": {"source": "wire", "items": ARTICLES[:1]}})

    assert main(["--only", "profiles", "--json"], meddle=publish) == 1
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert told["ok"] is False
    assert told["problems"] == [
        f"1 articles have no report, such as {LINK}",
        f"1 rows are missing, such as {LINK} on APT28",
    ]


def report(value: str, *links: str, tags: tuple[str, ...] = (PROCESSED,)) -> dict[str, Any]:
    return {"id": value, "value": value, "CustomFields": {"publications": rows(*links), "tags": list(tags)}}


def profile(*links: str) -> dict[str, Any]:
    return {
        "id": "7",
        "value": "APT28",
        "indicator_type": "Threat Actor",
        "CustomFields": {"publications": rows(*links)},
    }


def rows(*links: str) -> list[dict[str, str]]:
    return [{"link": link} for link in links]


REPORTS = [report("APT28 is back", LINK), report("Nobody", OTHER)]


def test_compare_all_in_place_has_no_problem() -> None:
    found = compare(ARTICLES, REPORTS, [profile(LINK)], RELATED)
    assert (found.problems, found.articles, found.reports, found.rows, found.profiles) == ([], 2, 2, 1, 1)


@pytest.mark.parametrize(
    ("reports", "links", "related", "told"),
    [
        (REPORTS[:1], [LINK], RELATED, "1 articles have no report"),
        ([*REPORTS, report("again", OTHER)], [LINK], RELATED, "1 articles have several reports"),
        ([*REPORTS, report("odd", "https://a.example/9")], [LINK], RELATED, "1 reports are of no article"),
        ([REPORTS[0], report("Nobody", OTHER, tags=())], [LINK], RELATED, "1 reports were left open"),
        (REPORTS, [], RELATED, "1 rows are missing"),
        (REPORTS, [LINK, OTHER], RELATED, "1 rows are on a profile that the article does not name"),
        (REPORTS, [LINK, LINK], RELATED, "1 rows are there twice"),
        (REPORTS, [LINK], [], "1 reports are not related to their profile"),
    ],
)
def test_compare_each_difference_is_told(
    reports: list[dict[str, Any]], links: list[str], related: list[dict[str, Any]], told: str
) -> None:
    [problem] = compare(ARTICLES, reports, [profile(*links)], related).problems
    assert problem.startswith(told)


def test_compare_profile_without_fields_has_no_rows() -> None:
    found = compare(ARTICLES, REPORTS, [{"id": "7", "value": "APT28", "CustomFields": None}], None)
    assert found.missing == [f"{LINK} on APT28"] and found.rows == 0


def test_confirmed_counts_only_articles_that_are_known() -> None:
    known = {LINK: {"APT28"}, OTHER: {"Turla"}}
    assert confirmed([profile(LINK, OTHER, "https://a.example/9")], known) == (1, 2)


def test_about_tells_counts_and_days() -> None:
    items = [
        {"title": "A, b", "published": "2025-01-01T00:00:00Z"},
        {"title": "Новости", "published": "2025-02-01T00:00:00Z"},
    ]
    text = " ".join(about([{"aliases": ["x", "y"]}], items, items))
    assert "2 aliases" in text and "2025-01-01 to 2025-02-01" in text
    assert "1 titles have a comma or a bar, 1 are not plain ASCII" in text


def test_kill_when_process_is_killed_or_was_faster_or_failed() -> None:
    def started(code: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)

    assert kill_when(started("import time; time.sleep(60)"), lambda: True)
    assert not kill_when(started("pass"), lambda: False)
    with pytest.raises(DemoFailed, match="exit code 3"):
        kill_when(started("raise SystemExit(3)"), lambda: False)
