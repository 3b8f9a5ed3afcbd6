from __future__ import annotations

from pathlib import Path

import pytest

from warroom.content import Catalog, Integration
from warroom.content.testing import write_pack
from warroom.engine.errors import UsageError
from warroom.engine.parameters import check_parameters


@pytest.fixture
def tiny(tmp_path: Path) -> Integration:
    write_pack(tmp_path)
    return Catalog.read([tmp_path]).integration("Tiny")


GOOD = {"url": "http://x", "apikey_creds.identifier": "me"}


def test_check_parameters_defaults_are_filled_hidden_ones_too(tiny: Integration) -> None:
    settings = check_parameters(tiny, GOOD, {"apikey_creds": "k"})
    assert settings.secrets == {"apikey_creds": "k"}
    assert settings.plain == {
        "url": "http://x", "apikey_creds": {"identifier": "me"}, "feed": True, "feedIncremental": True,
        "feedReliability": "B - Usually reliable", "feedFetchInterval": "20", "limit": "10", "colours": ["red"],
    }  # fmt: skip


def test_check_parameters_values_get_the_type_of_the_server(tiny: Integration) -> None:
    given = {**GOOD, "feed": "FALSE", "colours": '["green", "a,b"]', "limit": "3"}
    plain = check_parameters(tiny, given, {}).plain
    assert (plain["feed"], plain["colours"], plain["limit"]) == (False, ["green", "a,b"], "3")


@pytest.mark.parametrize(
    ("params", "secrets", "reason"),
    [
        ({"urk": "x"}, {}, r"Tiny has no parameter urk; did you mean url\?"),
        ({}, {}, r"parameter url \(Server URL\) is required"),
        ({"url": ""}, {}, "parameter url .* is required"),
        ({"url": "x"}, {}, r"parameter apikey_creds.identifier \(API Key, user part\) is required"),
        ({**GOOD, "feed": "yes"}, {}, "parameter feed must be true or false, not 'yes'"),
        ({**GOOD, "limit": "many"}, {}, "parameter limit must be a whole number, not 'many'"),
        ({**GOOD, "feedFetchInterval": "0"}, {}, "parameter feedFetchInterval must be a number of minutes"),
        ({**GOOD, "feedReliability": "A"}, {}, "parameter feedReliability cannot be 'A'; allowed: A - Comp"),
        ({**GOOD, "colours": "[red"}, {}, "parameter colours is not a valid JSON list"),
        ({**GOOD, "apikey_creds": "key"}, {}, "parameter apikey_creds is secret and its value would stand in"),
        ({**GOOD, "url.identifier": "x"}, {}, "no parameter url.identifier"),
        (GOOD, {"url": "x"}, "parameter url is not a secret"),
        (GOOD, {"apikey": "x"}, "no parameter apikey; did you mean apikey_creds"),
    ],
)
def test_check_parameters_wrong_one_is_named(
    tiny: Integration, params: dict[str, str], secrets: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        check_parameters(tiny, params, secrets)
    assert "\n" not in str(caught.value)
