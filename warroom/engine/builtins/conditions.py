"""Commands that answer yes or no, and those that look at entries and tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warroom.content import Argument
from warroom.engine.builtins.desk import Args, Desk, Entries, builtin, note, texts
from warroom.engine.errors import ServerError
from warroom.engine.results import ERROR


def _answer(yes: bool) -> str:
    return "yes" if yes else "no"


def _available(desk: Desk, args: Args) -> Entries:
    wanted = str(args["brandname"]).casefold()
    found = [
        name
        for name, module in desk.modules().items()
        if module["brand"].casefold() == wanted and module["state"] == "active"
    ]
    if found and desk.investigation is not None:
        desk.investigation.set("brandInstances", found)
    return [note(_answer(bool(found)))]


def _equal(desk: Desk, args: Args) -> str:
    return _answer(args.get("left") == args.get("right"))


def _exists(desk: Desk, args: Args) -> str:
    return _answer(args.get("value") not in (None, "", [], {}))


def _true(desk: Desk, args: Args) -> str:
    return _answer(str(args.get("value")).strip().casefold() in {"true", "yes", "1"})


def _entries(desk: Desk, args: Args, name: str) -> list[Mapping[str, Any]]:
    at_work = desk.of_incident(name)
    wanted = texts(args.get("entryId") or args.get("entry_id")) or list(at_work.last_entries)
    missing = [entry_id for entry_id in wanted if entry_id not in at_work.entries]
    if missing:
        raise ServerError(f"there is no entry {', '.join(missing)} among those of the last tasks")
    return [at_work.entries[entry_id] for entry_id in wanted]


def _is_error(desk: Desk, args: Args) -> str:
    return _answer(any(entry.get("Type") == ERROR for entry in _entries(desk, args, "isError")))


def _errors(desk: Desk, args: Args) -> Entries:
    found = [
        str(entry.get("Contents")) for entry in _entries(desk, args, "GetErrorsFromEntry") if entry["Type"] == ERROR
    ]
    return [note("\n".join(found), {"ErrorEntries": found} if found else None, found)]


def _entry(desk: Desk, args: Args) -> Entries:
    return [dict(entry) for entry in _entries(desk, {"entryId": args["id"]}, "getEntry")]


def _complete(desk: Desk, args: Args) -> str:
    at_work = desk.of_incident("taskComplete")
    at_work.completions[str(args["id"])] = str(args.get("input") or "")
    return f"Task {args['id']} is completed"


_VALUE = Argument("value", is_default=True, is_array=True)
COMMANDS = (
    builtin("IsIntegrationAvailable", "Says yes or no: is there an enabled instance of this brand?", _available,
            Argument("brandname", required=True, is_default=True)),
    builtin("AreValuesEqual", "Says yes or no.", _equal, Argument("left", is_array=True),
            Argument("right", is_array=True)),
    builtin("Exists", "Says yes or no: is there a value?", _exists, _VALUE),
    builtin("IsTrue", "Says yes or no: is the value true?", _true, _VALUE),
    builtin("isError", "Says yes or no: was one of the entries an error?", _is_error,
            Argument("entryId", is_default=True, is_array=True)),
    builtin("GetErrorsFromEntry", "Gives the errors of entries, of the last task without an argument.", _errors,
            Argument("entry_id", is_default=True, is_array=True), outputs=("ErrorEntries",)),
    builtin("getEntry", "Gives one entry of the last tasks.", _entry, Argument("id", required=True, is_default=True)),
    builtin("taskComplete", "Completes a task that waits, by its id or tag.", _complete,
            Argument("id", required=True, is_default=True), Argument("input"), Argument("comment")),
)  # fmt: skip
