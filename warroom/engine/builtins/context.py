"""Commands on the context, and those that print."""

from __future__ import annotations

import json
from typing import Any

from warroom.content import Argument
from warroom.core.context import read
from warroom.engine.builtins.desk import Args, Desk, Entries, builtin, flag, note, texts
from warroom.engine.errors import ServerError
from warroom.engine.results import ERROR, text_entry

_BOOLEAN = ("true", "false")
_KEY = Argument("key", required=True, is_default=True)
_VALUE = Argument("value", is_array=True)


def _parsed(args: Args) -> Any:
    """The value: a text that is JSON counts as what it says, unless `stringify`."""
    value = args.get("value", "")
    if flag(args, "stringify"):
        return value if isinstance(value, str) else json.dumps(value)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _set(desk: Desk, args: Args) -> Entries:
    key, value = str(args["key"]), _parsed(args)
    if flag(args, "append") or desk.investigation is None:
        return [note(f"Key {key} set", {key: value}, {key: value})]
    desk.investigation.set(key, value)
    return [note(f"Key {key} set", None, {key: value})]


def _set_unless_empty(desk: Desk, args: Args) -> Entries:
    if args.get("value") in (None, "", [], {}) and not flag(args, "force"):
        return [note("value is None")]
    key, value = str(args["key"]), _parsed(args)
    if args.get("append") == "false" and desk.investigation is not None:
        desk.investigation.remove(key)
    return [note(f"Key {key} set", {key: value})]


def _set_several(desk: Desk, args: Args) -> Entries:
    keys, values = texts(args["keys"]), texts(args["values"])
    if len(keys) != len(values):
        raise ServerError(f"{len(keys)} keys and {len(values)} values do not pair up")
    # The mark makes the merge replace what was there.
    context = {f"{args['parent']}(true)": dict(zip(keys, values, strict=True))}
    return [note(f"Keys {','.join(keys)} set", context, context)]


def _delete(desk: Desk, args: Args) -> str:
    if desk.investigation is None:
        raise ServerError("there is a context only while a playbook runs")
    own = args.get("subplaybook") in ("yes", "auto")
    if flag(args, "all"):
        return _delete_all(desk, args, own=own)
    if not args.get("key"):
        raise ServerError("give key, or all=yes")
    if args.get("index") not in (None, ""):
        return _delete_item(desk, args, own=own)
    for key in texts(args["key"]):
        desk.investigation.remove(key, outer=not own)
    return f"Deleted from the context: {', '.join(texts(args['key']))}"


def _delete_all(desk: Desk, args: Args, *, own: bool) -> str:
    at_work = desk.of_incident("DeleteContext")
    context = at_work.context if own or at_work.outer is None else at_work.outer
    kept = {path: found for path in texts(args.get("keysToKeep")) if (found := read(context, path)) is not None}
    for key in list(context):
        at_work.remove(key, outer=not own)
    for path, value in kept.items():
        if own or at_work.outer is None:
            at_work.set(path, value)
        else:
            raise ServerError("keysToKeep needs subplaybook=yes or auto inside a sub-playbook with its own context")
    return f"Deleted the context{', except ' + ', '.join(kept) if kept else ''}"


def _delete_item(desk: Desk, args: Args, *, own: bool) -> str:
    at_work, key, index = desk.of_incident("DeleteContext"), str(args["key"]), str(args["index"])
    if not own and at_work.outer is not None:
        raise ServerError("index needs subplaybook=yes or auto inside a sub-playbook with its own context")
    found = read(at_work.context, key)
    items = found if isinstance(found, list) else [] if found is None else [found]
    if not index.isdecimal() or int(index) >= len(items):
        raise ServerError(f"{key} has no item {index}; it has {len(items)}")
    rest = [item for number, item in enumerate(items) if number != int(index)]
    at_work.set(key, rest) if rest else at_work.remove(key)
    return f"Deleted item {index} of {key}"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _print(desk: Desk, args: Args) -> str:
    return _as_text(args["value"])


def _print_context(desk: Desk, args: Args) -> Entries:
    context = desk.of_incident("PrintContext").context
    return [note(json.dumps(context, ensure_ascii=False, indent=2), None, context)]


def _print_error(desk: Desk, args: Args) -> Entries:
    return [text_entry(ERROR, _as_text(args["message"]))]


COMMANDS = (
    builtin("Print", "Prints a text.", _print, Argument("value", required=True, is_default=True, is_array=True)),
    builtin("PrintErrorEntry", "Ends in an error with this text.", _print_error,
            Argument("message", required=True, is_default=True)),
    builtin("PrintContext", "Prints the whole context.", _print_context, Argument("outputformat")),
    builtin("Set", "Sets a key of the context; a text that is JSON counts as what it says.", _set, _KEY,
            Argument("value", is_array=True, required=True), Argument("append", predefined=_BOOLEAN),
            Argument("stringify", predefined=_BOOLEAN)),
    builtin("SetAndHandleEmpty", "As Set, but does nothing without a value.", _set_unless_empty, _KEY, _VALUE,
            Argument("append", predefined=_BOOLEAN), Argument("stringify", predefined=_BOOLEAN),
            Argument("force", predefined=_BOOLEAN)),
    builtin("SetMultipleValues", "Replaces an object of the context by keys and values.", _set_several,
            Argument("parent", required=True), Argument("keys", required=True), Argument("values", required=True)),
    builtin("DeleteContext", "Deletes keys of the context, or all of it.", _delete,
            Argument("key", is_default=True), Argument("all", predefined=("yes", "no")),
            Argument("subplaybook", predefined=("yes", "no", "auto")), Argument("keysToKeep"), Argument("index")),
)  # fmt: skip
