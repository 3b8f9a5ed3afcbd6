from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from tools import unified

CODE = "register_module_line('Sync', 'start', __line__())\n\n\ndef main() -> int:\n    return 1\n"


def unified_yml(code: str = CODE) -> str:
    return yaml.safe_dump({"name": "Sync", "script": {"script": code, "type": "python"}})


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "Packs" / "One"
    item = folder / "Integrations" / "Sync"
    item.mkdir(parents=True)
    (item / "Sync.yml").write_text("name: Sync\n", encoding="utf-8")
    return folder


def write_zip(folder: Path, members: dict[str, str], pack_id: str = "One") -> Path:
    path = folder / "One.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"id": pack_id, "currentVersion": "1.2.3"}))
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_items_several_packs_are_folders_in_order(pack: Path) -> None:
    script = pack.parent / "Another" / "Scripts" / "Do"
    script.mkdir(parents=True)
    (script / "Do.yml").write_text("name: Do\n", encoding="utf-8")

    assert unified.items(pack.parent) == [script, pack / "Integrations" / "Sync"]


@pytest.mark.parametrize(
    "document",
    [{"script": {"script": CODE}}, {"script": CODE}],
    ids=["integration", "script"],
)
def test_code_of_both_forms_give_the_code(document: dict[str, object]) -> None:
    assert unified.code_of(document, "x.yml") == CODE


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "no code inside"),
        ("-", "no code inside"),
        ("x = 1\nfrom SharedApiModule import *\n", "an ApiModule was not put in"),
        ("x = 1\ndef (\n", "line 2: "),
    ],
)
def test_code_of_unusable_code_is_refused(code: str, reason: str) -> None:
    with pytest.raises(unified.BadBuild, match=f"^x.yml: {reason}"):
        unified.code_of({"script": {"script": code}}, "x.yml")


def test_extract_one_yml_writes_importable_module(tmp_path: Path) -> None:
    folder = tmp_path / "Sync"
    folder.mkdir()
    (folder / "integration-Sync.yml").write_text(unified_yml(), encoding="utf-8")

    module = unified.extract(folder)

    assert module == folder / "Sync.py"
    assert module.read_text(encoding="utf-8") == unified.HEADER + CODE


def test_extract_nothing_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(unified.BadBuild, match="0 unified files instead of one"):
        unified.extract(tmp_path)


def test_checked_zips_complete_pack_passes(pack: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path, {"Integrations/integration-Sync.yml": unified_yml()})

    assert unified.checked_zips(tmp_path, [pack]) == [path]


@pytest.mark.parametrize(
    ("members", "pack_id", "reason"),
    [
        ({}, "One", "0 integrations and scripts, the pack has 1"),
        ({"Integrations/integration-Sync.yml": unified_yml("from XApiModule import *")}, "One", "was not put in"),
        ({"Integrations/integration-Sync.yml": unified_yml()}, "Two", "names pack Two, not One"),
    ],
    ids=["item_missing", "module_missing", "other_pack"],
)
def test_checked_zips_wrong_content_is_refused(
    pack: Path, tmp_path: Path, members: dict[str, str], pack_id: str, reason: str
) -> None:
    write_zip(tmp_path, members, pack_id)

    with pytest.raises(unified.BadBuild, match=reason):
        unified.checked_zips(tmp_path, [pack])


def test_checked_zips_no_zip_is_refused(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(unified.BadBuild, match=r"One\.zip: not written"):
        unified.checked_zips(tmp_path, [pack])


def test_listing_members_in_any_order_are_sorted(tmp_path: Path) -> None:
    path = write_zip(tmp_path, {"b.yml": "1", "a.yml": "2"})

    assert unified.listing([path]) == [
        f"{tmp_path.name}/One.zip (version 1.2.3)",
        "    a.yml",
        "    b.yml",
        "    metadata.json",
    ]
