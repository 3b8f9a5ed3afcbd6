"""The feed on the host, against sites where everything that goes wrong with news goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from Tests.threat_profiles.world import World, world

ABOUT = {
    "title": "APT28, also known as Fancy Bear, is back",
    "link": "https://www.news.example/2025/apt28-back?utm_source=rss#top",
    "guid": "1",
    "published": "2025-01-01T08:00:00Z",
    "summary": "What <b>Venomous Bear</b> &amp; others do",
}
OTHER = {"title": "Companies continue to patch", "link": "https://www.news.example/2025/patch", "guid": "2"}
LINK = "https://www.news.example/2025/apt28-back"


def links(made: World) -> list[str]:
    return sorted(doc["CustomFields"]["publications"][0]["link"] for doc in made.reports().values())


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_fetch_makes_a_report_of_each_article_and_relates_it(tmp_path: Path, kind: str) -> None:
    with world(tmp_path, {"blog": {"kind": kind, "items": [ABOUT, OTHER]}}, feedTags="news", tlp_color="GREEN", match_description="true") as made:
        made.profiles()
        result = made.fetch()
        assert result.status == "ok", result.error
        report = made.reports()["APT28 also known as Fancy Bear is back"]
        fields = report["CustomFields"]
        assert fields["publications"] == [
            {"link": LINK, "title": ABOUT["title"], "source": "blog", "timestamp": "2025-01-01T08:00:00Z"}
        ]
        assert fields["description"] == "What Venomous Bear & others do"
        assert (fields["reportedby"], fields["tags"], fields["trafficlightprotocol"]) == ("blog", ["news"], "GREEN")
        assert made.related() == {
            (report["value"], "Threat Actor", "Sofacy"),
            (report["value"], "Intrusion Set", "Turla"),
        }
        assert len(made.reports()) == 2
