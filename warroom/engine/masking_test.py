from __future__ import annotations

import json

from warroom.engine.masking import Masker


def test_masker_secret_is_replaced_in_every_text_of_a_structure() -> None:
    masker = Masker.of(['s3cret"key', "", "7"])
    entry = {"Contents": 'the key is s3cret"key.', "deep": [{'s3cret"key': 7}], "id": "7", "n": 17, "t": "17"}
    assert masker.value(entry) == {
        "Contents": "the key is ******.", "deep": [{"******": 7}], "id": "******", "n": 17, "t": "17",
    }  # fmt: skip


def test_masker_secret_is_found_in_json_and_url_form() -> None:
    masker = Masker.of(['a b"c/d\u00e9'])
    assert masker.text(json.dumps({"x": 'a b"c/d\u00e9'})) == '{"x": "******"}'
    assert masker.text("key=a%20b%22c%2Fd%C3%A9&x=1") == "key=******&x=1"


def test_masker_longer_secret_wins_over_its_beginning() -> None:
    assert Masker.of(["secret", "secret-long"]).text("secret-long secret") == "****** ******"


def test_masker_without_secrets_changes_nothing() -> None:
    value = {"a": ("b",)}
    assert Masker.of([]).value(value) is value
