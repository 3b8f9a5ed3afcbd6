"""`warroom scaffold driver` in a copy of this repository: what it writes passes every suite as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from warroom.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "conftest.py", "pyproject.toml", "warroom", "emulators/__init__.py", "emulators/kit", "Packs/ApiModules",
    "Tests/__init__.py", "Tests/architecture.py", "Tests/architecture_test.py", "Tests/content",
    "Tests/conformance/__init__.py", "Tests/conformance/conformance_test.py", "Tests/conformance/discovery.py",
    "Tests/conformance/host_test.py", "Tests/conformance/instance.py", "Tests/conformance/product.py",
    "Tests/conformance/drivers/__init__.py", "Packs/VectraAutomatedResponse/pack_metadata.json",
    "Packs/VectraAutomatedResponse/README.md",
)  # fmt: skip
SUITES = (
    "Tests/conformance", "Tests/architecture_test.py", "Tests/content", "emulators/acme_firewall",
    "Packs/VectraAutomatedResponse",
)  # fmt: skip
# The other tests of these folders are about the content that was not copied, or about the checks themselves.
CHOSEN = "acme_firewall or AcmeFirewall or packs_every_check or repository_every_rule"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


@pytest.mark.slow
def test_scaffolded_driver_passes_every_suite_as_it_is(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scaffold", "driver", "AcmeFirewall", "--repository", str(copy)]) == 0
    assert "Tests/conformance/drivers/AcmeFirewallResponse.py" in capsys.readouterr().out
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHOSEN, *SUITES]
    ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = int(ended.stdout.rpartition(" passed")[0].rsplit(maxsplit=1)[-1])
    assert passed > 80, ended.stdout


# What a driver may get wrong, and the test of the suite that has to notice.
LIES = {
    "accepted is told as done": (
        '"applied" if answer["state"] == "active" else "pending"',
        '"applied"',
        "test_slow_job_is_pending_until_it_is_done",
    ),
    "a lost answer is told as a refusal": (
        '/entries/add", order=True',
        '/entries/add", order=False',
        "test_fault_the_outcome_is_true_and_the_end_is_right",
    ),
    "what others blocked is not seen": (
        'STATES.get(self.client.entry_state(element), "unknown")',
        '"free"',
        "test_killed_around_each_write_others_block_stays",
    ),
    "the token is in an error": (
        '"{PRODUCT} refused the API token',
        '"{self._headers} refused the API token',
        "test_fault_the_outcome_is_true_and_the_end_is_right",
    ),
    "an undeclared kind is blocked": (
        "entries = texts_to_block(entity, PRODUCT)",
        'entries = ("10.0.0.1",)',
        "test_undeclared_kinds_are_refused_and_change_nothing",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("lie", LIES)
def test_suite_notices_a_driver_that_lies(copy: Path, lie: str) -> None:
    truth, wrong, test = LIES[lie]
    assert main(["scaffold", "driver", "AcmeFirewall", "--repository", str(copy)]) == 0
    [path] = copy.glob("Packs/*/Integrations/*/AcmeFirewallResponse.py")
    text = path.read_text(encoding="utf-8")
    assert text.count(truth) == 1
    path.write_text(text.replace(truth, wrong), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", f"{test} and not detection"]
    command.append("Tests/conformance/conformance_test.py")
    ended = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 1 and f"FAILED Tests/conformance/conformance_test.py::{test}" in ended.stdout
