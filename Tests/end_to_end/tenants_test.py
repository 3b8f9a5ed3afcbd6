"""Files under their hash and two tenants with one XSOAR, over HTTP on the host."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from Tests.world import BRAND, ENVIRON, FEED_C, KEY, KEY_ID, PACKS, PARAMS, add_instance, in_xdr, open_home, tenant
from warroom.engine import Host

SHA1, SHA256 = "b2" * 20, "a1" * 32
OTHER_SHA1, MD5 = "b3" * 20, "c3" * 16
LABELS = ("emea", "apac")


def files(host: Host) -> None:
    """Two files that XDR takes under a hash only, and one address."""
    items: list[dict[str, Any]] = [
        {"value": SHA1, "type": "File", "score": 3, "fields": {"sha256": SHA256, "md5": MD5}},
        {"value": OTHER_SHA1, "type": "File", "score": 3, "fields": {"md5": MD5}},
        {"value": "192.0.2.7", "type": "IP", "score": 3},
    ]
    assert not host.store.indicators.apply(items, FEED_C).refused


def fetch(host: Host, name: str) -> None:
    result = host.fetch(name)
    assert result.status == "ok", result.error


def custom(host: Host, value: str) -> dict[str, Any]:
    document = host.store.indicators.get(value)
    assert document is not None
    fields: dict[str, Any] = document["CustomFields"]
    return fields


def edit(emulator: Any, **changes: Any) -> None:
    with emulator.lock:
        emulator.state.edit(changes)


@pytest.mark.slow
def test_file_is_synced_under_its_hash_and_what_happens_there_comes_back(tmp_path: Path) -> None:
    with tenant() as emulator, open_home(tmp_path / "home") as host:
        files(host)
        add_instance(host, emulator.url)
        fetch(host, "main")
        assert set(in_xdr(emulator)) == {SHA256, MD5, "192.0.2.7"}
        edit(emulator, indicator=SHA256, status="DISABLED", comment="noisy")
        edit(emulator, indicator=MD5, comment="old tool")
        fetch(host, "main")
        assert host.store.indicators.count("") == 3
        assert (custom(host, SHA1)["xdriocstatus"], custom(host, SHA1)["xdrioccomment"]) == ("disabled", "noisy")
        assert custom(host, OTHER_SHA1)["xdrioccomment"] == "old tool"
        (result,) = host.run_command(f"!xdr-iocs-enable indicator={SHA1}")
        assert result.status == "ok" and in_xdr(emulator)[SHA256]["RULE_STATUS"] == "ENABLED"
        (result,) = host.run_command("!xdr-iocs-reconcile")
        (found,) = [entry["EntryContext"] for entry in result.entries if entry.get("EntryContext")]
        outputs = next(iter(found.values()))["Reconcile"]
        assert (outputs["whole"], outputs["equal"], outputs["Finding"]) == (True, 3, [])


@pytest.mark.slow
def test_two_tenants_share_what_is_known_and_keep_their_status(tmp_path: Path) -> None:
    names = [f"WARROOM_SECRET__{label.upper()}__APIKEY" for label in LABELS]
    secrets = {f"{name}_{end}": content for name in names for end, content in (("CREDS", KEY), ("ID_CREDS", KEY_ID))}
    with ExitStack() as stack:
        emulators = {label: stack.enter_context(tenant()) for label in LABELS}
        host = stack.enter_context(Host.open(tmp_path / "home", content=[PACKS], environ={**ENVIRON, **secrets}))
        files(host)
        for label, emulator in emulators.items():
            more = {"url": emulator.url, "source_label": label, "override_severity": "false"}
            host.add_instance(BRAND, label, {**PARAMS, **more})

        def rounds(count: int) -> None:
            for label in LABELS * count:
                fetch(host, label)

        rounds(1)
        edit(emulators["emea"], indicator=SHA256, status="DISABLED", severity="LOW")
        rounds(2)
        rows = {label: in_xdr(emulator)[SHA256] for label, emulator in emulators.items()}
        assert [rows[label]["RULE_STATUS"] for label in LABELS] == ["DISABLED", "ENABLED"]
        assert {row["RULE_SEVERITY"] for row in rows.values()} == {"SEV_020_LOW"}
        assert "xsoar:apac" in rows["apac"]["RULE_COMMENT"]
        assert host.store.indicators.count('xdrioctenants:"emea: disabled"') == 1
        assert host.store.indicators.count('type:File and -xdrioctenants:"emea: disabled"') == 1
        assert host.store.indicators.count("xdriocstatus:disabled") == 0
        with emulators["emea"].lock, emulators["apac"].lock:
            before = [list(emulator.state.dump()) for emulator in emulators.values()]
        rounds(2)
        assert [list(emulator.state.dump()) for emulator in emulators.values()] == before
