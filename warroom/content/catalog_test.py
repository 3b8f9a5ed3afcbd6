from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from warroom.content import Catalog, ContentError, node
from warroom.content.reader import read_item
from warroom.content.testing import PYTHON, YML, write_pack, write_unified


@pytest.mark.parametrize("below", ["", "Packs", "Packs/TinyPack", "Packs/TinyPack/Integrations/Tiny",
                                   "Packs/TinyPack/Integrations/Tiny/Tiny.yml"])  # fmt: skip
def test_catalog_any_level_of_the_tree_finds_the_integration(tmp_path: Path, below: str) -> None:
    write_pack(tmp_path / "Packs")
    catalog = Catalog.read([tmp_path / below])
    assert [item.id for item in catalog.integrations] == ["Tiny"]
    assert catalog.problems == ()


def test_catalog_source_and_unified_form_declare_the_same(tmp_path: Path) -> None:
    write_pack(tmp_path / "Packs")
    source = Catalog.read([tmp_path]).integration("Tiny")
    unified = Catalog.read([write_unified(tmp_path / "unified")]).integration("Tiny")
    assert (source.parameters, source.commands) == (unified.parameters, unified.commands)
    assert source.code.path is not None and source.code.path.name == "Tiny.py"
    assert unified.code.path is None and unified.code.source == PYTHON


@pytest.mark.parametrize("name", ["Tiny", "tiny", "TINY FEED", "tinypack", "tiny pack"])
def test_integration_known_by_id_display_or_pack(tmp_path: Path, name: str) -> None:
    write_pack(tmp_path / "Packs")
    assert Catalog.read([tmp_path]).integration(name).id == "Tiny"


def test_integration_unknown_offers_near_names(tmp_path: Path) -> None:
    write_pack(tmp_path / "Packs")
    with pytest.raises(LookupError, match=r"unknown integration 'Tinny'; did you mean Tiny\?"):
        Catalog.read([tmp_path]).integration("Tinny")


def test_read_shared_modules_in_source_form_are_on_the_path(tmp_path: Path) -> None:
    write_pack(tmp_path / "Packs")
    shared = tmp_path / "Packs" / "ApiModules" / "Scripts" / "SharedApiModule"
    shared.mkdir(parents=True)
    assert Catalog.read([tmp_path]).integration("Tiny").code.python_path == (shared,)


def test_read_broken_file_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    write_pack(tmp_path / "Packs")
    broken = tmp_path / "Packs" / "Other" / "Integrations" / "Bad" / "Bad.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text("a: [")
    catalog = Catalog.read([tmp_path])
    assert [item.id for item in catalog.integrations] == ["Tiny"]
    assert [problem.file for problem in catalog.problems] == [broken]
    assert "is not valid YAML" in catalog.problems[0].reason


def test_load_yml_again_parses_only_what_has_other_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def load(content: bytes, **loader: Any) -> Any:
        parsed.append(content)
        return yaml.load(content, **loader)  # noqa: S506 - the loader is the one of the house

    monkeypatch.setattr(node, "yaml", SimpleNamespace(load=load, YAMLError=yaml.YAMLError))
    file = tmp_path / "Some.yml"
    for text in (str(tmp_path), str(tmp_path)[::-1]):
        file.write_text(f"name: '{text}'")
        assert [node.load_yml(file).text("name") for _ in range(3)] == [text] * 3
    assert len(parsed) == 2


def test_read_second_item_with_known_id_is_told(tmp_path: Path) -> None:
    write_pack(tmp_path / "Packs")
    again = write_unified(tmp_path / "unified")
    catalog = Catalog.read([tmp_path, again])
    assert catalog.integrations[0].code.path is not None
    assert "'Tiny' is already defined by" in catalog.problems[0].reason


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"commonfields": {}}, "commonfields.id: is missing"),
        ({"name": None}, "name: is missing"),
        ({"configuration": [{"name": "url", "type": "text"}]}, "configuration[0].type: must be a whole number"),
        ({"configuration": ["url"]}, "configuration[0]: must be a mapping"),
        ({"script": {**YML["script"], "feed": "maybe"}}, "script.feed: must be true or false"),
        ({"script": {**YML["script"], "type": "javascript"}}, "script.type: is 'javascript'"),
        ({"script": {**YML["script"], "commands": {}}}, "script.commands: must be a list"),
    ],
)
def test_read_wrong_key_is_named_with_its_file(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    file = write_pack(tmp_path, changes=changes) / "Integrations" / "Tiny" / "Tiny.yml"
    with pytest.raises(ContentError) as caught:
        read_item(file)
    assert str(caught.value).startswith(str(file))
    assert expected in str(caught.value)


def test_read_playbook_is_no_item(tmp_path: Path) -> None:
    file = tmp_path / "playbook.yml"
    file.write_text("id: x\nname: x\ntasks: {}\n")
    assert read_item(file) is None


def test_parameter_hidden_by_marketplace_list(tmp_path: Path) -> None:
    rows = [{"name": "a", "type": 0, "hidden": ["xsoar"]}, {"name": "b", "type": 0, "hidden": ["marketplacev2"]}]
    write_pack(tmp_path / "Packs", changes={"configuration": rows})
    parameters = Catalog.read([tmp_path]).integration("Tiny").parameters
    assert [parameter.hidden for parameter in parameters] == [True, False]
