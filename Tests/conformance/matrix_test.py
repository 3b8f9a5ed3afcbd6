"""The page that says which product can do what."""

from __future__ import annotations

from pathlib import Path

import pytest

from Tests.conformance import matrix
from Tests.conformance.discovery import find_drivers
from Tests.conformance.matrix import OPERATIONS, Verdict, cell, main, page, unconfirmed, verdicts

DRIVER = next(driver for driver in find_drivers() if driver.name == "TestResponse")
CASES = """<testsuites><testsuite>
<testcase classname="SUITE" name="test_block[TestResponse-host]"/>
<testcase classname="SUITE" name="test_fault[server_error-TestResponse-account]"><failure>x</failure></testcase>
<testcase classname="SUITE" name="test_groom[TestResponse]"/>
<testcase classname="SUITE" name="test_skipped[TestResponse-host]"><skipped/></testcase>
<testcase classname="Tests.vectra_cycle.x_test" name="test_of_another_suite[TestResponse-host]"/>
</testsuite></testsuites>"""
RESULTS = CASES.replace("SUITE", "Tests.conformance.x_test")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "source.xml", tmp_path / "unified.xml"]
    for file in made:
        file.write_text(RESULTS)
    return made


def test_verdicts_are_read_and_skipped_ones_left_out(files: list[Path]) -> None:
    assert [(one.form, one.name, one.passed) for one in verdicts(files[1])] == [
        ("unified", "test_block", True),
        ("unified", "test_fault", False),
        ("unified", "test_groom", True),
    ]


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        ("block-host", "yes"),
        ("unblock-host", "yes"),
        ("groom-host", "yes"),
        ("block-account", "**2 failed**"),
        ("block-detection", "**not tested: source and unified**"),
    ],
)
def test_cell_says_what_the_suite_said(files: list[Path], operation: str, shown: str) -> None:
    assert cell(DRIVER, operation, [one for file in files for one in verdicts(file)]) == shown


def test_cell_one_form_only_is_told() -> None:
    found = [Verdict("source", "test_block", frozenset({"TestResponse", "host"}), passed=True)]
    assert cell(DRIVER, "block-host", found) == "**not tested: unified**"


def test_page_has_every_driver_with_what_nobody_confirms() -> None:
    text = page(find_drivers(), [])
    for driver in find_drivers():
        assert f"\n## {driver.name}\n" in text
        assert unconfirmed(driver), driver.name
    assert f"{len(OPERATIONS)} of {len(OPERATIONS)} operations" in text


def test_main_check_tells_the_line_that_is_not_up_to_date(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "page", lambda drivers, found: "one\ntwo\n")
    arguments = [str(file) for file in files]
    assert main(["--check", *arguments]) == 1
    assert main(arguments) == 0 and main(["--check", *arguments]) == 0
    (tmp_path / "page.md").write_text("one\n2\n")
    assert main(["--check", *arguments]) == 1
    assert "run `make matrix`: line 2 says '2', and should say 'two'" in capsys.readouterr().err
    assert main(["--check", "absent.xml"]) == 2
