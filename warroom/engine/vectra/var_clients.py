"""VAR's third-party clients that have a driver here, and their own settings files. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from warroom.engine.migration import Note
from warroom.engine.vectra.var_config import VarConfig
from warroom.engine.vectra.var_proposal import Proposal, VarSecret

# name in THIRD_PARTY_CLIENTS -> folder of the client
DRIVERS = {
    "pan_cortex": "pan_cortex",
    "cortex": "pan_cortex",
    "external_call": "external_call",
    "test_client": "test_client",
}
# name in THIRD_PARTY_CLIENTS -> (folder of the client, driver): products whose settings VAR kept in a form of its own,
# with the network's layout in them. Filling in the new instance is quicker and safer than guessing from that.
BY_HAND = {
    "pan": ("pan", "PANOSResponse"),
    "fortinet": ("fortinet", "FortiGateResponse"),
    "fortimanager": ("fortimanager", "FortiManagerResponse"),
    "meraki": ("meraki", "MerakiResponse"),
    "cisco_ise": ("cisco_ise", "CiscoISEResponse"),
    "ise": ("cisco_ise", "CiscoISEResponse"),
}
# folder -> its settings file
CONFIG_FILES = {
    "pan_cortex": "cortex_config.py",
    "external_call": "external_call_config.py",
}
# setting -> (parameter, placeholders for what VAR appended)
COMMANDS = {
    "HOST_BLOCK_CMD": ("host_block_cmd", ("{ip}",)),
    "HOST_UNBLOCK_CMD": ("host_unblock_cmd", ("{ip}",)),
    "ACCOUNT_BLOCK_CMD": ("account_block_cmd", ("{account}", "{context}")),
    "ACCOUNT_UNBLOCK_CMD": ("account_unblock_cmd", ("{account}", "{context}")),
    "DETECTION_BLOCK_CMD": ("detection_block_cmd", ("{ip}",)),
    "DETECTION_UNBLOCK_CMD": ("detection_unblock_cmd", ("{ip}",)),
}


def client_proposal(
    folder: str, config: VarConfig | None, which: Callable[[str], str | None]
) -> tuple[Proposal, list[Note]]:
    """The driver instance of one client, called as its folder: tags such as `client:pan_cortex` go on working."""
    if folder == "pan_cortex":
        return cortex(folder, config)
    if folder == "external_call":
        return external_call(folder, config, which)
    return Proposal("TestResponse", folder, {}), []


def cortex(folder: str, config: VarConfig | None) -> tuple[Proposal, list[Note]]:
    """Cortex XDR: address, kind of key, and the key itself, which VAR may have in the file."""
    if config is None:
        return Proposal("CortexXDRResponse", folder, {}), [_missing(folder)]
    values = {name: str(setting.value or "").strip() for name, setting in config.settings.items()}
    where = {name: setting.where for name, setting in config.settings.items()}
    params = {"url": values.get("CORTEX_URL", "")} if values.get("CORTEX_URL") else {}
    kind = values.get("CORTEX_API_TYPE", "").lower()
    notes = [Note("taken", where["CORTEX_URL"], "CORTEX_URL", f"url = {params['url']}")] if params else []
    if kind in ("standard", "advanced"):
        params["api_key_type"] = kind
        notes.append(Note("taken", where["CORTEX_API_TYPE"], "CORTEX_API_TYPE", f"api_key_type = {kind}"))
    secrets = {
        "apikey_id_creds": VarSecret("Cortex", "CORTEX_KEY_ID", values.get("CORTEX_KEY_ID", "")),
        "apikey_creds": VarSecret("Cortex", "CORTEX_API_TOKEN", values.get("CORTEX_API_TOKEN", "")),
    }
    if secrets["apikey_creds"].value:
        text = "the key stands readable in this file; remove it when the migration is done"
        notes.append(Note("to do", where["CORTEX_API_TOKEN"], "CORTEX_API_TOKEN", text))
    return Proposal("CortexXDRResponse", folder, params, secrets), notes + _unknown(config, "CORTEX_")


def external_call(
    folder: str, config: VarConfig | None, which: Callable[[str], str | None]
) -> tuple[Proposal, list[Note]]:
    """The user's own programs: what VAR appended becomes placeholders, and the program gets its whole path."""
    if config is None:
        return Proposal("ExternalCallResponse", folder, {}), [_missing(folder)]
    params: dict[str, str] = {}
    notes: list[Note] = []
    for name, (target, placeholders) in COMMANDS.items():
        setting = config.settings.get(name)
        if setting is None or not setting.value:
            continue
        try:
            command = _command(setting.value, which)
        except ValueError as error:
            notes.append(Note("left out", setting.where, name, str(error)))
            continue
        params[target] = json.dumps([*command, *placeholders])
        notes.append(Note("changed", setting.where, name, f"{target} = {params[target]}"))
    return Proposal("ExternalCallResponse", folder, params), notes + _unknown(config, *COMMANDS)


def _command(value: Any, which: Callable[[str], str | None]) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError("is no list of texts; write program and arguments as a list")
    program = value[0] if value[0].startswith("/") else which(value[0])
    if not program:
        raise ValueError(f"the program {value[0]!r} is not found; write its whole path")
    return [program, *value[1:]]


def _missing(folder: str) -> Note:
    text = (
        f"its settings were not found; name the folder with --third-party-dir, it holds {folder}/{CONFIG_FILES[folder]}"
    )
    return Note("to do", "", folder, text)


def _unknown(config: VarConfig, *known: str) -> list[Note]:
    left = [item for name, item in config.settings.items() if not name.startswith(known)]
    notes = [Note("left out", item.where, item.name, "has no meaning here") for item in left]
    return [*notes, *config.refused]
