from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from warroom.cli.main import main
from warroom.cli.scaffold import NEEDED
from warroom.cli.scaffolding.files import KINDS, Names, driver_files
from warroom.cli.scaffolding.interface import commands_for, interface


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in NEEDED:
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AcmeFirewall", Names("AcmeFirewallResponse", "Acme Firewall", "acme_firewall", "AcmeFirewallEmulator")),
        ("AcmeResponse", Names("AcmeResponse", "Acme", "acme", "AcmeEmulator")),
        (
            "PANFirewall9x",
            Names("PANFirewall9xResponse", "PAN Firewall 9 x", "pan_firewall_9_x", "PANFirewall9xEmulator"),
        ),
    ],
)
def test_names_of_a_product(name: str, expected: Names) -> None:
    assert Names.of(name) == expected


@pytest.mark.parametrize("name", ["acme", "Acme-Firewall", "A", "../Acme", "", "A" * 41])
def test_names_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name for a driver: use letters and digits in CamelCase"):
        Names.of(name)


@pytest.mark.parametrize("product", ['Acme "X"', "Acme\n", "Acme: X", "$brand", "  "])
def test_names_product_that_breaks_a_file_is_refused(product: str) -> None:
    with pytest.raises(ValueError, match="is no name for a product"):
        Names.of("Acme", product)


@pytest.mark.parametrize("names", [Names.of("AcmeFirewall"), Names.of("Zzz", "Zzz 9.1 - Cloud")], ids=str)
def test_driver_files_are_whole(names: Names) -> None:
    files = {str(path): content for path, content in driver_files(names).items()}
    for path, content in files.items():
        assert b"$" not in content or path.endswith((".png", ".md")), path
        if path.endswith(".py"):
            ast.parse(content)
            assert all(len(line) <= 120 for line in content.decode().splitlines()), path
    yml = yaml.safe_load(files[f"Packs/VectraAutomatedResponse/Integrations/{names.brand}/{names.brand}.yml"])
    assert yml["script"]["commands"] == commands_for(KINDS)
    image = files[f"Packs/VectraAutomatedResponse/Integrations/{names.brand}/{names.brand}_image.png"]
    assert image[:8] == b"\x89PNG\r\n\x1a\n" and len(image) < 10_000


def test_interface_commands_for_kinds() -> None:
    assert [command["name"] for command in commands_for(["account"])] == [
        "vectra-block-account",
        "vectra-unblock-account",
        "vectra-response-reconcile",
    ]
    assert "vectra-groom-host" not in {command["name"] for command in commands_for(["host"], groom=False)}
    assert len(interface()) == len(commands_for(["host", "account", "detection", "destinations"])) == 10


def test_scaffold_driver_writes_and_never_overwrites(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["scaffold", "driver", "AcmeFirewall", "--repository", str(checkout)]
    assert main(argv) == 0
    told = capsys.readouterr().out
    written = sorted(str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file())
    assert written == sorted(line for line in told.splitlines() if line.startswith(("Packs", "Tests", "emulators")))
    own = checkout / "emulators" / "acme_firewall" / "state.py"
    own.write_text("mine")
    assert main(argv) == 2
    assert "is there already; nothing was written" in capsys.readouterr().err
    assert own.read_text() == "mine"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["acme"], "'acme' is no name for a driver"),
        (["Acme", "--product", "a:b"], "'a:b' is no name for a product"),
        (["Acme", "--repository", "."], "is no checkout of this repository"),
    ],
)
def test_scaffold_driver_bad_use_is_told(
    argv: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scaffold", "driver", *argv]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
