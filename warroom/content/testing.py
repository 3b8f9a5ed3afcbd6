"""A small pack written to disk, for tests of everything that reads or runs content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

YML: dict[str, Any] = {
    "commonfields": {"id": "Tiny", "version": -1},
    "name": "Tiny",
    "display": "Tiny Feed",
    "category": "Utilities",
    "sectionorder": ["Connect", "Collect"],
    "configuration": [
        {"name": "url", "display": "Server URL", "type": 0, "required": True, "section": "Connect"},
        {"name": "apikey_creds", "displaypassword": "API Key", "type": 9, "required": True, "section": "Connect"},
        {"name": "token", "display": "Token", "type": 4, "hidden": True},
        {"name": "feed", "display": "Fetch indicators", "type": 8, "defaultvalue": "true", "section": "Collect"},
        {"name": "feedReliability", "display": "Source Reliability", "type": 15, "required": True,
         "defaultvalue": "B - Usually reliable",
         "options": ["A - Completely reliable", "B - Usually reliable", "F - Reliability cannot be judged"]},
        {"name": "feedIncremental", "display": "Incremental", "type": 8, "defaultvalue": "true", "hidden": True},
        {"name": "feedFetchInterval", "display": "Interval", "type": 19, "defaultvalue": "20", "section": "Collect"},
        {"name": "limit", "display": "Limit", "type": 1, "defaultvalue": "10", "section": "Collect"},
        {"name": "colours", "display": "Colours", "type": 16, "options": ["red", "blue"], "defaultvalue": "red"},
    ],
    "script": {
        "type": "python", "subtype": "python3", "dockerimage": "demisto/python3:3.11", "feed": True, "script": "-",
        "commands": [
            {"name": "tiny-echo", "description": "Gives back what it was given.", "arguments": [
                {"name": "text", "default": True, "required": True},
                {"name": "mood", "auto": "PREDEFINED", "predefined": ["good", "bad"], "defaultValue": "good"},
                {"name": "many", "isArray": True},
                {"name": "password", "secret": True},
            ]},
            {"name": "tiny-do", "arguments": [{"name": "what", "required": True}]},
        ],
    },
}  # fmt: skip

PYTHON = """\
import os
import time

import demistomock as demisto
from CommonServerPython import *


def do(what):
    if what == "sleep":
        time.sleep(60)
    elif what == "crash":
        raise RuntimeError("broken with " + demisto.params()["apikey_creds"]["password"])
    elif what == "error":
        return_error("it went wrong")
    elif what == "secret":
        demisto.debug("logged " + demisto.params()["apikey_creds"]["password"])
        return "the key is " + demisto.params()["apikey_creds"]["password"]
    elif what == "file":
        demisto.results(fileResult("report.txt", "some text"))
        return None
    elif what == "context":
        demisto.setIntegrationContext({"n": "1"})
        return "saved"
    elif what == "told":
        message = "seen with " + demisto.params()["apikey_creds"]["password"]
        line = {"Value": "198.51.100.1", "Category": "Update", "Message": message}
        return {"Type": 1, "ContentsFormat": "text", "Contents": "told", "IndicatorTimeline": [line, "no line"]}
    elif what == "search":
        return {"found": demisto.searchIndicators(query="type:IP", size=10)}
    elif what == "environment":
        return dict(os.environ)
    elif what == "lastrun":
        demisto.setLastRun({"never": "kept"})
        return demisto.getLastRun()
    return "done"


def fetch():
    demisto.setIntegrationContext({"progress": '{"label": "tiny", "done": 1, "total": 2, "unit": "rounds"}'})
    demisto.setLastRun({"round": str(int(demisto.getLastRun().get("round", 0)) + 1)})
    if demisto.params()["url"] == "http://broken":
        raise ValueError("the feed is down")
    demisto.createIndicators([
        {"value": "198.51.100.%d" % n, "type": "IP", "rawJSON": {"n": n}, "fields": {}} for n in range(3)
    ])


def main():
    command = demisto.command()
    args = demisto.args()
    if command == "test-module":
        demisto.results("ok" if demisto.params()["url"] != "http://broken" else "no answer from the server")
    elif command == "fetch-indicators":
        fetch()
    elif command == "tiny-echo":
        demisto.results({
            "Type": 1, "ContentsFormat": "json", "Contents": {"args": args, "deep": [{"a": 1}, {"a": 2}]},
            "HumanReadable": "echo " + args["text"], "EntryContext": {"Tiny.Echo": args["text"]},
        })
    else:
        demisto.results(do(args["what"]))


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
"""

SCRIPT_YML: dict[str, Any] = {
    "commonfields": {"id": "TinyScript", "version": -1}, "name": "TinyScript", "type": "python", "script": "-",
    "timeout": "0s", "args": [{"name": "text", "required": True, "default": True}],
}  # fmt: skip

SCRIPT_PYTHON = """\
import demistomock as demisto
from CommonServerPython import *


def main():
    entries = demisto.executeCommand("tiny-echo", {"text": demisto.args()["text"]})
    demisto.results("script saw " + str(len(entries)) + " " + entries[0]["HumanReadable"])


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
"""


def write_pack(packs: Path, *, changes: Mapping[str, Any] | None = None) -> Path:
    """Writes the pack Tiny in source form under `packs` and returns its folder; `changes` replace keys of the yml."""
    pack = packs / "TinyPack"
    folder = pack / "Integrations" / "Tiny"
    script = pack / "Scripts" / "TinyScript"
    folder.mkdir(parents=True)
    script.mkdir(parents=True)
    (pack / "pack_metadata.json").write_text(json.dumps({"name": "Tiny Pack"}))
    (folder / "Tiny.yml").write_text(yaml.safe_dump({**YML, **(changes or {})}))
    (folder / "Tiny.py").write_text(PYTHON)
    (folder / "Tiny_test.py").write_text("")
    (script / "TinyScript.yml").write_text(yaml.safe_dump(SCRIPT_YML))
    (script / "TinyScript.py").write_text(SCRIPT_PYTHON)
    return pack


def write_unified(folder: Path) -> Path:
    """Writes the integration Tiny as one yml that carries its code, as the SDK does, and returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "integration-Tiny.yml"
    unified = {**YML, "script": {**YML["script"], "script": PYTHON}}
    file.write_text(yaml.safe_dump(unified))
    return file
