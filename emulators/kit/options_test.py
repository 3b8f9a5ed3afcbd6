"""Options from keywords and from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulators.kit.errors import BadOption
from emulators.kit.options import Options, parse_options


def test_options_command_line_equals_keywords(tmp_path: Path) -> None:
    argv = ["--port", "8080", "--state", str(tmp_path), "--requests-accepted-per-second", "2.5", "--max-body", "7"]
    assert parse_options(Options, argv, "x") == Options(port=8080, state=tmp_path, rate=2.5, max_body=7)
    assert parse_options(Options, [], "x") == Options()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--port", "abc"], "--port"),
        (["--port", "70000"], "--port 70000"),
        (["--rate", "-1"], "--rate -1"),
        (["--rate", "nan"], "--rate nan"),
        (["--latency", "inf"], "--latency inf"),
        (["--retry-after", "-3"], "--retry-after -3"),
        (["--max-bdy", "3"], "--max-bdy"),
        (["stray"], "stray"),
    ],
)
def test_options_wrong_are_one_line_that_names_them(argv: list[str], words: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_options(Options, argv, "x")
    assert words in str(caught.value) and "\n" not in str(caught.value)
