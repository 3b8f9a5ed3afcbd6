"""Strict reading."""

from __future__ import annotations

import pytest

from emulators.kit.errors import Refused
from emulators.kit.strict import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Field,
    json_body,
    json_object,
    known_headers,
    text_list,
)

FIELDS = {
    "name": Field(TEXT, choices=("a", "b")),
    "size": Field(INTEGER, required=False, nullable=True),
    "share": Field(NUMBER, required=False),
    "on": Field(BOOLEAN, required=False),
}


@pytest.mark.parametrize("value", [{"name": "a"}, {"name": "b", "size": None, "share": 1, "on": True}])
def test_object_good_comes_back_as_it_is(value: dict[str, object]) -> None:
    assert json_object(value, FIELDS) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "must be an object, not list"),
        (None, "must be an object, not null"),
        ({}, "lacks the field 'name'"),
        ({"name": "a", "nmae": 1}, "unknown names: nmae"),
        ({"name": "c"}, "must be one of a, b"),
        ({"name": None}, "thing.name must be text, not null"),
        ({"name": "a", "size": True}, "thing.size must be number, not boolean"),
        ({"name": "a", "size": 1.5}, "thing.size must be number"),
        ({"name": "a", "on": 1}, "thing.on must be boolean"),
    ],
)
def test_object_wrong_is_refused_with_field_and_reason(value: object, words: str) -> None:
    with pytest.raises(Refused) as caught:
        json_object(value, FIELDS, "thing")
    assert caught.value.status == 400 and words in caught.value.message


def test_body_not_json_is_refused() -> None:
    with pytest.raises(Refused):
        json_body(b"{")


def test_headers_common_and_vendor_pass_others_do_not() -> None:
    known_headers(["User-Agent", "X-Vendor-Key", "Accept"], {"x-vendor-key"})
    with pytest.raises(Refused, match="x-vendor-kye"):
        known_headers(["X-Vendor-Kye"], {"x-vendor-key"})


@pytest.mark.parametrize("value", ["a", [1], None, [None]])
def test_text_list_of_other_things_is_refused(value: object) -> None:
    with pytest.raises(Refused):
        text_list(value, "list")
