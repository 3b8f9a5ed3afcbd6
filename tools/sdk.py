"""The steps that need demisto-sdk: `python -m tools.sdk check|dist|config`. Run through tox (`tox -e sdk -- dist`).

check   validates the repository, builds every item and every pack, lints the pack code; leaves build/unified.
dist    leaves one zip per pack in dist/, ready for upload to an XSOAR.
config  writes validation_config.toml anew.

The exit status is 1 when a step found an error; nothing here needs a network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tools import unified, validation_config

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
DIST = ROOT / "dist"
CONFIG = ROOT / "validation_config.toml"
# Every XSOAR has a pack of this id, and an upload would overwrite it; its code is inside the packs that use it.
NOT_RELEASED = frozenset({"ApiModules"})
DROPPED_BY_SDK = ("CommonServerUserPython.py",)
LINT_WARNING = re.compile(r"^.+:\d+:\d+: W\d+ .*$", re.MULTILINE)


class StepFailed(Exception):
    """A step found errors; the text names the step."""


def environment(offline: bool) -> dict[str, str]:
    """The variables of an SDK process: `offline` skips look-ups, but `validate` refuses to run with it."""
    inherited = {name: value for name, value in os.environ.items() if name != "DEMISTO_SDK_OFFLINE_ENV"}
    return {
        **inherited,
        "CI": "true",
        "DEMISTO_SDK_CONTENT_PATH": str(ROOT),
        "DEMISTO_SDK_IGNORE_CONTENT_WARNING": "1",
        "DEMISTO_SDK_LOG_FILE_PATH": str(BUILD / "log"),
        "DEMISTO_SDK_LOG_NO_COLORS": "true",
        **({"DEMISTO_SDK_OFFLINE_ENV": "true"} if offline else {}),
    }


def sdk(*arguments: str, offline: bool = True) -> str:
    """Runs one SDK command in the repository and returns what it printed, which is shown here only when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.sdk_images", *arguments],
        cwd=ROOT,
        env=environment(offline),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        sys.stdout.write(done.stdout)
        raise StepFailed(f"demisto-sdk {arguments[0]} ended with status {done.returncode}")
    return done.stdout


def packs() -> list[Path]:
    return sorted(folder.parent for folder in ROOT.glob("Packs/*/pack_metadata.json"))


def relative(paths: Sequence[Path]) -> str:
    """The comma-separated form in which the SDK takes several paths."""
    return ",".join(str(path.relative_to(ROOT)) for path in paths)


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def check_config() -> str:
    if not validation_config.is_current(CONFIG):
        raise StepFailed("validation_config.toml is not what the installed SDK gives; run: tox -e sdk -- config")
    errors, warnings = validation_config.selection(validation_config.packaged_config())
    return f"{len(errors)} codes fail, {len(warnings)} warn"


def validate() -> str:
    report = BUILD / "validate.json"
    sdk("validate", "-a", "--config-path", str(CONFIG), "-j", str(report), offline=False)
    results = json.loads(report.read_text(encoding="utf-8"))
    if not_checked := results["invalid content items"] + results["Validations that caught exceptions"]:
        raise StepFailed(f"demisto-sdk validate could not check everything: {not_checked}")
    warnings = results["validations"]
    return "\n".join([f"{len(packs())} packs", *(f"    {w['file path']}: {w['message']}" for w in warnings)])


def prepare_items() -> str:
    """Unifies every integration and script into build/unified/<Module>/, with the code beside it as <Module>.py."""
    items = unified.items(ROOT / "Packs")
    output = fresh(BUILD / "unified")
    folders = [fresh(output / item.name) for item in items]
    # Given several items the SDK writes into a folder per item below the output, given one into the output itself.
    sdk("prepare-content", "-i", relative(items), "-o", str(output if len(items) > 1 else folders[0]), "-f")
    for folder in folders:
        unified.extract(folder)
    return f"{len(items)} items"


def prepare_packs(folder: Path) -> list[Path]:
    fresh(folder)
    for pack in packs():
        if pack.name not in NOT_RELEASED:
            sdk("prepare-content", "-i", str(pack.relative_to(ROOT)), "-o", str(folder), "-f")
    return unified.checked_zips(folder, [pack for pack in packs() if pack.name not in NOT_RELEASED])


def build_packs() -> str:
    return f"{len(prepare_packs(BUILD / 'packs'))} packs"


def zip_packs() -> str:
    sdk("zip-packs", "-i", relative(packs()), "-o", str(fresh(BUILD / "zip")))
    released = [pack for pack in packs() if pack.name not in NOT_RELEASED]
    return f"{len(unified.checked_zips(BUILD / 'zip' / 'uploadable_packs', released))} packs"


def lint() -> str:
    code = [item / f"{item.name}.py" for item in unified.items(ROOT / "Packs")]
    output = sdk("xsoar-lint", *(str(path.relative_to(ROOT)) for path in code))
    return "\n".join([f"{len(code)} files", *LINT_WARNING.findall(output)])


def write_dist() -> str:
    """The zips are those of prepare-content, not of zip-packs, which forgets the oldest server version of a pack."""
    zips = prepare_packs(DIST)
    return "\n".join([f"{len(zips)} packs", *unified.listing(zips)])


def write_config() -> str:
    validation_config.write(CONFIG)
    return str(CONFIG.relative_to(ROOT))


ACTIONS: dict[str, tuple[Callable[[], str], ...]] = {
    "check": (check_config, validate, prepare_items, build_packs, zip_packs, lint),
    "dist": (write_dist,),
    "config": (write_config,),
}


def run(steps: Sequence[Callable[[], str]]) -> int:
    """Runs every step, also after a failed one, so that one run shows all errors; 1 when any failed."""
    failed = False
    for step in steps:
        name = step.__name__.replace("_", "-")
        try:
            print(f"{name}: {step()}", flush=True)
        except (StepFailed, unified.BadBuild) as error:
            failed = True
            print(f"{name}: FAILED: {error}", flush=True)
    return int(failed)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ACTIONS:
        print(f"usage: python -m tools.sdk {'|'.join(ACTIONS)}", file=sys.stderr)
        return 2
    BUILD.mkdir(exist_ok=True)
    before = {name for name in DROPPED_BY_SDK if (ROOT / name).exists()}
    try:
        return run(ACTIONS[arguments[0]])
    finally:
        for name in set(DROPPED_BY_SDK) - before:
            (ROOT / name).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
