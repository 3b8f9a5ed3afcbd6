"""The root conftest.py, at work on a small repository of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIMS = ROOT / "warroom" / "runtime" / "shims"

MODULE = """
import demistomock as demisto
from CommonServerPython import *
from SharedApiModule import *

FORM = "source"

def say():
    return argToList(SHARED)
"""
SUITE = """
import logging, sys
import pytest
import demistomock as demisto
import Sample
from Sample_fakes import FAKE

def test_form(): assert Sample.FORM == "source"
def test_finds_everything(): assert (Sample.say(), FAKE) == (["a", "b"], 1)
def test_stdout(): print("loud")
def test_stderr(): sys.stderr.write("loud")
def test_warning(): logging.getLogger("x").warning("loud")
def test_expected_output(capsys): print("loud"); assert capsys.readouterr().out == "loud\\n"
def test_expected_descriptor(capfd): print("loud"); assert capfd.readouterr().out == "loud\\n"
def test_expected_warning(caplog): logging.warning("loud"); caplog.clear()
def test_info_is_quiet(): logging.info("quiet")
def test_remembers(): demisto.results(1); assert demisto.last_results() == [1]
def test_has_forgotten(): assert demisto.last_results() == []
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shared = tmp_path / "Packs" / "ApiModules" / "Scripts" / "SharedApiModule"
    sample = tmp_path / "Packs" / "Pack" / "Integrations" / "Sample"
    files = {
        shared / "SharedApiModule.py": "SHARED = 'a,b'\n",
        sample / "Sample.py": MODULE,
        sample / "Sample_fakes.py": "FAKE = 1\n",
        sample / "Sample_test.py": SUITE,
        tmp_path / "house_test.py": "def test_house_may_be_loud(): print('loud')\n",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run_suites(repository: Path, *options: str) -> tuple[set[str], int, str]:
    """(names of tests that failed or broke, exit status, what pytest said)."""
    environ = {**os.environ, "COMMON_SERVER_PYTHON": str(SHIMS), "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rfE",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        *options,
    ]
    ended = subprocess.run(command, cwd=repository, env=environ, capture_output=True, text=True, check=False)
    failed = {line.partition("::")[2].split(" ")[0] for line in ended.stdout.splitlines() if "::" in line}
    return failed, ended.returncode, ended.stdout + ended.stderr


def test_suites_loud_tests_fail_and_others_pass(repository: Path) -> None:
    failed, status, said = run_suites(repository, "Packs", "house_test.py")
    assert failed == {"test_stdout", "test_stderr", "test_warning"}, said
    assert status == 1


def test_suites_unified_option_leads_to_the_twin(repository: Path) -> None:
    for name in ("Sample", "SharedApiModule"):
        (twin := repository / "built" / name).mkdir(parents=True)
        (twin / f"{name}.py").write_text(
            MODULE.replace('"source"', '"unified"') if name == "Sample" else "SHARED = 'a,b'\n"
        )
    failed, _, said = run_suites(repository, "--unified", "built", "-k", "form or finds", "Packs")
    assert failed == {"test_form"}, said
    assert "'unified' == 'source'" in said


def test_suites_missing_twin_is_named(repository: Path) -> None:
    _, status, said = run_suites(repository, "--unified", "built", "Packs")
    assert status == 4
    assert "built/SharedApiModule/SharedApiModule.py does not exist" in said
