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
