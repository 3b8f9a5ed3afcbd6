from __future__ import annotations

import json

from warroom.engine.vectra.var_config import read_var_config
from warroom.engine.vectra.var_mapping import KNOWN, MINIMA, RULES, Migration, migrate

CONFIG = """
COGNITO_URL = ["https://brain-a.corp.test", "acme.uw2.portal.vectra.ai", ""]
SLEEP_MINUTES = "10"
AUTH = "TOKEN"
THIRD_PARTY_CLIENTS = ["cortex", "external_call", "meraki", "sophos", "test_client"]
BLOCK_DAYS = ["weekday"]
BLOCK_START_TIME = 8
BLOCK_END_TIME = 17
EXPLICIT_UNBLOCK = True
BLOCK_HOST_TAG = "quarantine"
UNBLOCK_HOST_TAG = ""
NO_BLOCK_HOST_GROUP_NAME = "NoBlock"
BLOCK_HOST_GROUP_NAME = "Block"
BLOCK_HOST_THREAT_CERTAINTY = (80, "and", 70)
BLOCK_HOST_URGENCY = 90
BLOCK_HOST_DETECTION_TYPES = ["Hidden DNS Tunnel", "Ransomware File Activity"]
BLOCK_HOST_DETECTION_TYPES_MIN_TC_SCORE = (100, "and", 100)
EXTERNAL_BLOCK_HOST_TC = (100, "and", 100)
EXTERNAL_BLOCK_DETECTION_TAG = "block"
EXTERNAL_UNBLOCK_DETECTION_TAG = "unblock"
EXTERNAL_BLOCK_DETECTION_TYPES = []
STATIC_BLOCK_DESTINATION_IPS = "static_dst_ips_to_block.txt"
BLOCK_ACCOUNT_TAG = "vectra_account_block"
UNBLOCK_ACCOUNT_TAG = "vectra_account_unblock"
NO_BLOCK_ACCOUNT_GROUP_NAME = "NoBlock"
BLOCK_ACCOUNT_GROUP_NAME = "Block"
BLOCK_ACCOUNT_THREAT_CERTAINTY = (80, "AND", 70)
BLOCK_ACCOUNT_URGENCY = None
BLOCK_ACCOUNT_DETECTION_TYPES = []
BLOCK_ACCOUNT_DETECTION_TYPES_MIN_TC_SCORE = (100, "and", 100)
SEND_EMAIL = True
SMTP_SERVER = "mail.corp.test"
SMTP_PORT = 465
SRC_EMAIL = "var@corp.test"
DST_EMAIL = "soc@corp.test"
SMTP_AUTH = True
SMTP_USER = "var"
SEND_SYSLOG = True
SYSLOG_SERVER = "siem.corp.test"
SYSLOG_PORT = 514
SYSLOG_PROTO = "TCP"
SYSLOG_FORMAT = "CEF"
COLOUR = "red"
"""
CORTEX = """
CORTEX_URL = "https://api-acme.xdr.test"
CORTEX_API_TYPE = "standard"
CORTEX_API_TOKEN = "xdr-key"
CORTEX_KEY_ID = "7"
"""
CALL = """
HOST_BLOCK_CMD = ["python3", "/opt/block.py", "--ip"]
HOST_UNBLOCK_CMD = ["/opt/unblock"]
ACCOUNT_BLOCK_CMD = ["/opt/account"]
ACCOUNT_UNBLOCK_CMD = ["nowhere"]
DETECTION_BLOCK_CMD = []
"""


def migrated(text: str = CONFIG, zone: str = "Europe/Zurich") -> Migration:
    clients = {
        "pan_cortex": read_var_config(CORTEX, "cortex_config.py"),
        "external_call": read_var_config(CALL, "external_call_config.py"),
    }
    return migrate(read_var_config(text, "config.py"), clients, zone, {"python3": "/usr/bin/python3"}.get)


def notes_about(found: Migration, subject: str) -> list[tuple[str, str]]:
    return [(note.kind, note.text) for note in found.notes if note.subject == subject]


def test_migrate_every_brain_gets_every_rule() -> None:
    first, second = migrated().proposals[:2]
    assert (first.brand, first.name, second.name) == (
        "VectraAutomatedResponse",
        "brain-a.corp.test",
        "acme.uw2.portal.vectra.ai",
    )
    assert first.params == {
        "url": "https://brain-a.corp.test",
        "block_days": "weekday", "block_start": "08:00", "block_end": "17:00", "time_zone": "Europe/Zurich",
        "explicit_unblock": "true",
        "host_block_tag": "quarantine", "host_unblock_tag": "", "host_no_block_group": "NoBlock",
        "host_block_group": "Block", "host_score": "80 and 70", "host_urgency": "90",
        "host_detection_types": "Hidden DNS Tunnel\nRansomware File Activity", "host_detection_score": "100 and 100",
        "detection_host_score": "", "detection_block_tag": "block", "detection_unblock_tag": "unblock",
        "detection_types": "", "account_block_tag": "vectra_account_block",
        "account_unblock_tag": "vectra_account_unblock", "account_no_block_group": "NoBlock",
        "account_block_group": "Block", "account_score": "80 and 70", "account_urgency": "",
        "account_detection_types": "", "account_detection_score": "",
    }  # fmt: skip
    assert second.params == {**first.params, "url": "https://acme.uw2.portal.vectra.ai"}


def test_migrate_login_is_looked_up_where_var_had_it() -> None:
    first, second = migrated().proposals[:2]
    assert {name: secret.variable for name, secret in first.secrets.items()} == {
        "token_creds": "https://brain-a.corp.test_Token"
    }
    assert second.secrets["client_creds"].variable == "acme.uw2.portal.vectra.ai_Secret_Key"
    assert second.identity["client_creds.identifier"].key == "Client_ID"


def test_migrate_clients_with_a_driver_become_instances_called_as_their_folder() -> None:
    cortex, call, test = migrated().proposals[2:5]
    assert (cortex.brand, cortex.name) == ("CortexXDRResponse", "pan_cortex")
    assert cortex.params == {"url": "https://api-acme.xdr.test", "api_key_type": "standard"}
    assert (cortex.secrets["apikey_creds"].value, cortex.secrets["apikey_id_creds"].value) == ("xdr-key", "7")
    assert {name: json.loads(value) for name, value in call.params.items()} == {
        "host_block_cmd": ["/usr/bin/python3", "/opt/block.py", "--ip", "{ip}"],
        "host_unblock_cmd": ["/opt/unblock", "{ip}"],
        "account_block_cmd": ["/opt/account", "{account}", "{context}"],
    }
    assert (test.brand, test.name) == ("TestResponse", "test_client")
    assert notes_about(migrated(), "ACCOUNT_UNBLOCK_CMD") == [
        ("left out", "the program 'nowhere' is not found; write its whole path")
    ]
    notes = notes_about(migrated(), "THIRD_PARTY_CLIENTS")
    assert ("left out", "sophos: there is no driver for it here yet") in notes
    told = "meraki: its settings are not read; add it by `warroom instance add MerakiResponse --name meraki`"
    assert ("to do", told) in notes


def test_migrate_notifier_takes_mail_and_syslog() -> None:
    [notifier] = [item for item in migrated().proposals if item.brand == "ResponseNotifier"]
    assert notifier.params == {
        "smtp_server": "mail.corp.test", "smtp_port": "465", "mail_from": "var@corp.test", "mail_to": "soc@corp.test",
        "smtp_security": "tls", "credentials.identifier": "var", "syslog_server": "siem.corp.test",
        "syslog_port": "514", "syslog_protocol": "tcp", "syslog_format": "cef",
    }  # fmt: skip
    assert notifier.secrets["credentials"].variable == "VAR_Email"


def test_migrate_without_notifications_there_is_no_notifier() -> None:
    brands = [item.brand for item in migrated(CONFIG.replace("True", "False")).proposals]
    assert "ResponseNotifier" not in brands


def test_migrate_interval_and_list_are_kept_for_the_runner() -> None:
    found = migrated()
    assert (found.interval_minutes, found.list_file) == (10, "static_dst_ips_to_block.txt")
    assert migrated(CONFIG.replace('"10"', "'often'")).interval_minutes is None


def test_migrate_no_secret_is_told_or_shown() -> None:
    found = migrated()
    assert "xdr-key" not in repr(found)
    assert ("to do", "the key stands readable in this file; remove it when the migration is done") in notes_about(
        found, "CORTEX_API_TOKEN"
    )


def test_migrate_unknown_and_computed_settings_are_told_with_their_line() -> None:
    found = migrated(CONFIG + "import os\n")
    lines = CONFIG.splitlines()
    [unknown] = [note for note in found.notes if note.subject == "COLOUR"]
    assert (unknown.kind, unknown.where) == (
        "left out",
        f"config.py:{lines.index('COLOUR = ' + chr(34) + 'red' + chr(34)) + 1}",
    )
    assert ("left out", "is code; it was not run") in notes_about(found, "import")


def test_migrate_wrong_value_is_left_out_and_the_rest_is_taken() -> None:
    found = migrated(CONFIG.replace('(80, "and", 70)', "80"))
    assert "host_score" not in found.proposals[0].params
    [(kind, text)] = notes_about(found, "BLOCK_HOST_THREAT_CERTAINTY")
    assert (kind, text.endswith("host_score keeps its default")) == ("left out", True)
    assert found.proposals[0].params["host_block_tag"] == "quarantine"


def test_migrate_defect_8_window_follows_the_clock_of_this_machine() -> None:
    half = migrated(CONFIG.replace("BLOCK_END_TIME = 17", 'BLOCK_END_TIME = ""'))
    assert (half.proposals[0].params["block_start"], half.proposals[0].params["block_end"]) == ("", "")
    unknown = migrated(zone="")
    assert "time_zone" not in unknown.proposals[0].params
    assert any("time zone of this machine is not known" in text for _, text in notes_about(unknown, "BLOCK_DAYS"))
    always = CONFIG.replace('["weekday"]', "[]").replace("= 8", "= 0").replace("= 17", "= 0")
    assert "time_zone" not in migrated(always).proposals[0].params


def test_migrate_empty_file_proposes_nothing_and_says_so() -> None:
    found = migrated("")
    assert found.proposals == ()
    assert notes_about(found, "COGNITO_URL") == [("to do", "names no brain; add one with `warroom vectra configure`")]


def test_migrate_every_setting_of_var_has_a_word() -> None:
    told = {note.subject for note in migrated().notes}
    silent = {"AUTH", "SMTP_USER", "SEND_SYSLOG"}
    assert set(KNOWN) - silent <= told
    assert {*RULES, *MINIMA} <= KNOWN
