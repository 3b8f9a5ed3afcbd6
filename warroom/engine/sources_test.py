from __future__ import annotations

from pathlib import Path

import pytest

from warroom.content.testing import write_pack
from warroom.core.indicators import Source
from warroom.engine import Host, UsageError
from warroom.engine.sources import fetch_interval_seconds, is_full_listing, source_of


def test_source_of_parameters_of_the_platform_are_read() -> None:
    params = {
        "feedReliability": "A - Completely reliable", "feedReputation": "Bad", "feedExpirationPolicy": "interval",
        "feedExpirationInterval": "60", "feedBypassExclusionList": True,
    }  # fmt: skip
    assert source_of("B", "n", "i", params) == Source(
        "B", "n", "i", "A - Completely reliable", "Bad", "interval", 60, bypass_exclusion=True
    )


def test_source_of_missing_parameters_are_those_of_the_server() -> None:
    expected = Source("B", "n", "i", "F - Reliability cannot be judged", "", "indicatorType", 20160)
    assert source_of("B", "n", "i", {"feedReputation": "None"}) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [({"feedExpirationPolicy": "suddenDeath"}, True), ({"feedExpirationPolicy": "never"}, False),
     ({"feedExpirationPolicy": "suddenDeath", "feedIncremental": True}, False)],
)  # fmt: skip
def test_is_full_listing_only_for_sudden_death_of_full_feeds(params: dict[str, object], expected: bool) -> None:
    assert is_full_listing(params) is expected


@pytest.mark.parametrize(
    ("params", "feed", "seconds"),
    [
        ({"feedFetchInterval": "20"}, True, 1200),
        ({}, True, 14400),
        ({"incidentFetchInterval": 5}, False, 300),
        ({}, False, 60),
    ],
)
def test_fetch_interval_seconds_is_in_minutes_of_the_parameter(
    params: dict[str, object], feed: bool, seconds: float
) -> None:
    assert fetch_interval_seconds(params, feed=feed) == seconds


def test_fetch_interval_seconds_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="parameter feedFetchInterval must be a number of minutes, not 'often'"):
        fetch_interval_seconds({"feedFetchInterval": "often"}, feed=True)


def test_fetch_full_listing_ends_what_is_not_listed_any_more(tmp_path: Path) -> None:
    policy = {"name": "feedExpirationPolicy", "type": 17, "defaultvalue": "suddenDeath"}
    pack = write_pack(tmp_path / "Packs", changes={"configuration": [policy]})
    code = pack / "Integrations" / "Tiny" / "Tiny.py"
    times = iter(range(1_800_000_000, 1_900_000_000, 60))
    with Host.open(tmp_path / "home", content=[tmp_path / "Packs"], clock=lambda: float(next(times))) as host:
        host.add_instance("Tiny", "main")
        for values in (("192.0.2.1", "192.0.2.2"), ("192.0.2.2",)):
            batch = [{"value": value, "type": "IP"} for value in values]
            code.write_text(f"import demistomock as demisto\ndemisto.createIndicators({batch!r})\n")
            assert host.fetch("main").status == "ok"
        states = {value: host.store.indicators.get(value) for value in ("192.0.2.1", "192.0.2.2")}
        assert [found and found["expirationStatus"] for found in states.values()] == ["expired", "active"]
