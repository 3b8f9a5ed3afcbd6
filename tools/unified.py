"""Reads what the SDK built: the code inside unified yml files, and the zips of packs."""

from __future__ import annotations

import ast
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

ITEM_FOLDERS = ("Integrations", "Scripts")
# The server puts both names in front of the code; as a module on disk the code has to import them itself.
HEADER = "import demistomock as demisto\nfrom CommonServerPython import *\nfrom CommonServerPython import __line__\n"
UNRESOLVED_MODULE = re.compile(r"^\s*from\s+\w+ApiModule\s+import", re.MULTILINE)


class BadBuild(Exception):
    """What the SDK wrote is not what a server can run; the text names the file and the fault."""


def items(packs: Path) -> list[Path]:
    """Folders of all integrations and scripts, by pack and name."""
    found = {yml.parent for kind in ITEM_FOLDERS for yml in packs.glob(f"*/{kind}/*/*.yml")}
    return sorted(found)


def code_of(document: dict[str, Any], origin: str) -> str:
    """The Python text of a unified integration or script.

    Raises BadBuild when it is empty, does not parse, or still imports an ApiModule.
    """
    script = document.get("script")
    code = script.get("script") if isinstance(script, dict) else script
    if not isinstance(code, str) or not code.strip("- \n"):
        raise BadBuild(f"{origin}: no code inside")
    if UNRESOLVED_MODULE.search(code):
        raise BadBuild(f"{origin}: an ApiModule was not put in")
    try:
        ast.parse(code)
    except SyntaxError as error:
        raise BadBuild(f"{origin}: line {error.lineno}: {error.msg}") from error
    return code


def extract(folder: Path) -> Path:
    """Writes <folder>/<folder name>.py, the code of the one unified yml in `folder`. Returns its path."""
    ymls = sorted(folder.glob("*.yml"))
    if len(ymls) != 1:
        raise BadBuild(f"{folder.name}: {len(ymls)} unified files instead of one")
    document = yaml.safe_load(ymls[0].read_text(encoding="utf-8"))
    module = folder / f"{folder.name}.py"
    module.write_text(HEADER + code_of(document, ymls[0].name), encoding="utf-8")
    return module


def code_members(archive: zipfile.ZipFile) -> Iterable[str]:
    return (n for n in archive.namelist() if n.startswith(tuple(f"{k}/" for k in ITEM_FOLDERS)) and n.endswith(".yml"))


def check_zip(path: Path, pack: Path) -> None:
    """Raises BadBuild unless the zip holds metadata and, with runnable code, all integrations and scripts of `pack`."""
    with zipfile.ZipFile(path) as archive:
        metadata = json.loads(archive.read("metadata.json"))
        if metadata["id"] != pack.name:
            raise BadBuild(f"{path.name}: metadata.json names pack {metadata['id']}, not {pack.name}")
        members = list(code_members(archive))
        expected = items_of(pack)
        if len(members) != len(expected):
            raise BadBuild(f"{path.name}: {len(members)} integrations and scripts, the pack has {len(expected)}")
        for name in members:
            code_of(yaml.safe_load(archive.read(name)), f"{path.name}:{name}")


def items_of(pack: Path) -> list[Path]:
    return [item for item in items(pack.parent) if item.parent.parent == pack]


def checked_zips(folder: Path, packs: Sequence[Path]) -> list[Path]:
    """The zips of `packs` in `folder`, each looked into. Raises BadBuild when one is missing or wrong."""
    zips = [folder / f"{pack.name}.zip" for pack in packs]
    for path, pack in zip(zips, packs, strict=True):
        if not path.is_file():
            raise BadBuild(f"{path.name}: not written")
        check_zip(path, pack)
    return zips


def listing(zips: Sequence[Path]) -> list[str]:
    """One line per zip and per file in it, sorted, without sizes and dates so that equal content lists equally."""
    lines = []
    for path in sorted(zips):
        with zipfile.ZipFile(path) as archive:
            version = json.loads(archive.read("metadata.json"))["currentVersion"]
            lines.append(f"{path.parent.name}/{path.name} (version {version})")
            lines += [f"    {name}" for name in sorted(archive.namelist()) if not name.endswith("/")]
    return lines
