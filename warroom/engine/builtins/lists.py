"""Commands on named lists."""

from __future__ import annotations

from warroom.content import Argument
from warroom.engine.builtins.desk import Args, Desk, builtin
from warroom.engine.errors import ServerError

_LIST_NAME = Argument("listName", required=True, is_default=True)
_LIST_DATA = Argument("listData", required=True)


def _get(desk: Desk, args: Args) -> str:
    text = desk.store.lists.get(args["listName"])
    if text is None:
        raise ServerError(f"there is no list {args['listName']!r}")
    return str(text)


def _set(desk: Desk, args: Args) -> str:
    desk.store.lists.set(args["listName"], str(args["listData"]))
    return f"Done: list {args['listName']} was updated"


def _add(desk: Desk, args: Args) -> str:
    old = _get(desk, args)
    return _set(desk, {**args, "listData": f"{old},{args['listData']}" if old else args["listData"]})


def _remove(desk: Desk, args: Args) -> str:
    gone = {item.strip() for item in str(args["listData"]).split(",")}
    kept = [item for item in _get(desk, args).split(",") if item.strip() not in gone]
    return _set(desk, {**args, "listData": ",".join(kept)})


def _exists(desk: Desk, args: Args) -> str:
    return "no" if desk.store.lists.get(args["listName"]) is None else "yes"


COMMANDS = (
    builtin("getList", "Gives the text of a list.", _get, _LIST_NAME),
    builtin("createList", "Makes a list or replaces its text.", _set, _LIST_NAME, _LIST_DATA),
    builtin("setList", "Replaces the text of a list.", _set, _LIST_NAME, _LIST_DATA),
    builtin("addToList", "Appends to a list, with a comma.", _add, _LIST_NAME, _LIST_DATA),
    builtin("removeFromList", "Takes items out of a comma-separated list.", _remove, _LIST_NAME, _LIST_DATA),
    builtin("IsListExist", "Says yes or no: is there a list of this name?", _exists, _LIST_NAME),
)
