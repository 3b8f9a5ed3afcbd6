"""What every suite needs: the search path that a server builds for pack code, and silence.

Suites below Packs/ import their module by name. With `--unified DIR` the name leads to DIR/<Module>/<Module>.py, the
code that the SDK put into the unified file, so that the same suite runs on both forms.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent
PACKS = ROOT / "Packs"
ITEMS = ("Integrations", "Scripts")
SHIMS = ROOT / "warroom" / "runtime" / "shims"

# How fast examples are made says something about the machine, not about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--unified", metavar="DIR", help="test the unified form of each module, DIR/<Module>/<Module>.py")


def pytest_configure(config: pytest.Config) -> None:
    unified = config.getoption("--unified")
    sys.path[:0] = [str(folder) for folder in (*server_folders(), *module_folders(Path(unified) if unified else None))]


def server_folders() -> list[Path]:
    """Where CommonServerPython and demistomock are found: the folder of the environment first, then the stand-in."""
    given = os.environ.get("COMMON_SERVER_PYTHON")
    return [*([Path(given).resolve()] if given else []), SHIMS]


def module_folders(unified: Path | None) -> list[Path]:
    """The folder of each integration and script, ApiModules included; with `unified` after its twins there.

    The source folders stay on the path for what suites import from beside them. Raises pytest.UsageError when a module
    has no twin.
    """
    found = sorted(path.parent for kind in ITEMS for path in PACKS.glob(f"*/{kind}/*/*.py") if is_module(path))
    return [*(_twin(folder, unified) for folder in found if unified), *found]


def is_module(path: Path) -> bool:
    """True for the file that its folder is named after."""
    return path.stem == path.parent.name


def _twin(folder: Path, unified: Path) -> Path:
    twin = (ROOT / unified / folder.name).resolve()
    if not (twin / f"{folder.name}.py").is_file():
        raise pytest.UsageError(f"--unified: {unified / folder.name / folder.name}.py does not exist; build it first")
    return twin


@pytest.fixture(autouse=True)
def silent(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test below Packs/ that lets anything reach stdout, stderr, or the log from WARNING up.

    A test that expects output takes it away by `capsys.readouterr()`, `capfd.readouterr()` or `caplog.clear()`.
    """
    if PACKS not in request.path.parents:
        yield
        return
    # A test can have one kind of capture only, so its own choice is taken.
    capture = "capfd" if "capfd" in request.fixturenames else "capsys"
    captured_by: pytest.CaptureFixture[str] = request.getfixturevalue(capture)
    caplog: pytest.LogCaptureFixture = request.getfixturevalue("caplog")
    _forget_mock()
    yield
    captured = captured_by.readouterr()
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    loud = [f"{record.levelname}: {record.getMessage()}" for record in records if record.levelno >= 30]
    said = [text for text in (captured.out, captured.err, *loud) if text]
    if said:
        pytest.fail("the test was not silent:\n" + "\n".join(said), pytrace=False)


def _forget_mock() -> None:
    # The real demistomock has no memory to empty.
    reset = getattr(sys.modules.get("demistomock"), "reset", None)
    if reset is not None:
        reset()
