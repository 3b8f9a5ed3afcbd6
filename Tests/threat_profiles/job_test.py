"""From a new article to the profile, as the job of the pack does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from Tests.threat_profiles.world import World, world

TAG = "threat-profiles-processed"
FIRST = {"title": "APT28 is back", "link": "https://news.example/1", "published": "2025-01-01T08:00:00Z"}
SECOND = {"title": "Fancy Bear, again", "link": "https://news.example/2", "published": "2025-02-01T08:00:00Z"}
THIRD = {"title": "Turla and nobody else", "link": "https://news.example/3", "published": "2025-03-01T08:00:00Z"}


def links(made: World) -> dict[str, list[str]]:
    """Links on each profile, newest first."""
    return {
        doc["value"]: [row["link"] for row in doc["CustomFields"].get("publications") or []] for doc in made.actors()
    }


def untagged(made: World) -> list[str]:
    return sorted(value for value, doc in made.reports().items() if TAG not in (doc["CustomFields"].get("tags") or []))


def test_job_puts_new_articles_on_profiles_and_closes_its_incident(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [FIRST, SECOND]}}) as made:
        made.profiles()
        assert made.fetch().status == "ok"
        assert made.update().status == "done"
        assert links(made) == {"Sofacy": [SECOND["link"], FIRST["link"]], "Turla": [], "Conti": []}
        assert untagged(made) == []
        made.publish("blog", THIRD)
        assert made.fetch().status == "ok"
        assert made.update().status == "done"
        assert links(made)["Turla"] == [THIRD["link"]] and len(links(made)["Sofacy"]) == 2
        before = made.all_rows()
        assert made.update().status == "done" and made.all_rows() == before


def test_job_report_whose_profile_refuses_stays_open_and_is_done_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, {"blog": {"items": [FIRST, THIRD]}}) as made:
        made.profiles()
        assert made.fetch().status == "ok"
        indicators: Any = made.host.store.indicators
        edit = indicators.edit

        def edit_but(value: str, *args: Any, **options: Any) -> Any:
            if value == "Sofacy":
                raise ValueError("the store is not available")
            return edit(value, *args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(indicators, "edit", edit_but)
            assert made.update().status == "done"
        assert (links(made)["Sofacy"], links(made)["Turla"]) == ([], [THIRD["link"]])
        assert untagged(made) == ["APT28 is back"]
        assert made.update().status == "done"
        assert links(made)["Sofacy"] == [FIRST["link"]] and untagged(made) == []


def test_job_name_without_a_record_gets_one_by_setting_and_no_twin(tmp_path: Path) -> None:
    named = {"title": "Winter-Vivern strikes", "link": "https://news.example/9", "published": "2025-01-01T08:00:00Z"}
    given = {"names": "Winter Vivern", "create_missing": "true", "create_type": "Intrusion Set"}
    with world(tmp_path, {"blog": {"items": [named]}}) as made:
        made.profiles()
        assert made.fetch().status == "ok"
        assert made.update(names="Winter Vivern").status == "done"
        assert set(links(made)) == {"Sofacy", "Turla", "Conti"}
        made.publish("blog", {**named, "link": "https://news.example/10", "published": "2025-02-01T08:00:00Z"})
        for _ in range(2):
            assert made.fetch().status == "ok"
            assert made.update(**given).status == "done"
        [record] = [doc for doc in made.actors() if doc["value"] == "Winter Vivern"]
        assert (record["indicator_type"], record["CustomFields"]["aliases"]) == ("Intrusion Set", ["Winter Vivern"])
        assert links(made)["Winter Vivern"] == ["https://news.example/10"]


def test_job_only_names_and_few_rows(tmp_path: Path) -> None:
    with world(tmp_path, {"blog": {"items": [FIRST, SECOND, THIRD]}}) as made:
        made.profiles()
        assert made.fetch().status == "ok"
        assert made.update(query="", names="Fancy Bear", max_rows="1").status == "done"
        assert links(made) == {"Sofacy": [SECOND["link"]], "Turla": [], "Conti": []}
