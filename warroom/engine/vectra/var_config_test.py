from __future__ import annotations

from pathlib import Path

import pytest

from warroom.engine import UsageError
from warroom.engine.vectra.var_config import read_var_config


def test_read_var_config_literals_are_read_and_code_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    text = f'''"""A comment."""
import os
COGNITO_URL = ["https://a.test"]
BLOCK_HOST_TAG: str = "block me"
A = B = (80, "and", -1)
SECRET = os.environ["X"]
open({str(trace)!r}, "w").close()
if True:
    HIDDEN = 1
X, Y = 1, 2
'''
    found = read_var_config(text, "config.py")
    assert {name: (setting.value, setting.where) for name, setting in found.settings.items()} == {
        "COGNITO_URL": (["https://a.test"], "config.py:3"),
        "BLOCK_HOST_TAG": ("block me", "config.py:4"),
        "A": ((80, "and", -1), "config.py:5"),
        "B": ((80, "and", -1), "config.py:5"),
    }
    assert [(note.where, note.subject) for note in found.refused] == [
        ("config.py:2", "import"), ("config.py:6", "SECRET"), ("config.py:7", "expr"), ("config.py:8", "if"),
        ("config.py:10", "assign"),
    ]  # fmt: skip
    assert not trace.exists()


@pytest.mark.parametrize("text", ["COGNITO_URL = [", "a\0b", "x = 1 +"])
def test_read_var_config_that_is_no_python_names_the_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"config.py:1: this is no Python file"):
        read_var_config(text, "config.py")


def test_setting_shows_no_value() -> None:
    assert "hunter2" not in repr(read_var_config("KEY = 'hunter2'", "c.py"))


def test_read_var_config_last_value_counts() -> None:
    assert read_var_config("A = 1\nA = 2", "c.py").settings["A"].value == 2
