from __future__ import annotations

from typing import Any

import pytest

from tools import validation_config

PACKAGED: dict[str, Any] = {
    "path_based_validations": {"select": ["IN100", "GR102", "DO106", "IM100"], "warning": ["RM108", "GR101", "IN100"]},
    "support_level": {"community": {"ignore": ["DS101", "BC100"]}},
}


@pytest.mark.parametrize("code", ["GR102", "IF117", "DO106"])
def test_selection_check_that_needs_a_network_is_left_out(code: str) -> None:
    errors, warnings = validation_config.selection(
        {"path_based_validations": {"select": [code], "warning": [code]}},
    )

    assert code not in errors
    assert code not in warnings


def test_selection_packaged_and_added_codes_are_sorted_without_repetition() -> None:
    errors, warnings = validation_config.selection(PACKAGED)

    assert errors == sorted({"IN100"} | validation_config.NOT_SELECTED_BUT_WORKS)
    assert warnings == ["RM108"]


def test_render_result_names_codes_and_support_level() -> None:
    text = validation_config.render(PACKAGED)

    assert 'select = [\n    "BA103",\n' in text
    assert text.endswith('[support_level.community]\nignore = [\n    "BC100",\n    "DS101",\n]\n')
    assert "ignorable_errors = []\n" in text
