"""The calls: configuration tables with the members of groups as tables of their own, and the quarantine list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from emulators.fortigate import errors
from emulators.fortigate.access import URL_TOKEN
from emulators.fortigate.options import FortiGateOptions
from emulators.fortigate.quarantine import Quarantine
from emulators.fortigate.schema import MEMBER, shown
from emulators.fortigate.state import FortiGateState
from emulators.fortigate.vdoms import GROUP_TABLES, TABLES
from emulators.kit import Call, Refused, Reply, Route
from emulators.kit.strict import INTEGER, LIST, Field, json_object, text_list

CMDB, MONITOR = "/api/v2/cmdb/", "/api/v2/monitor/"
QUERY = frozenset({"vdom", "format", URL_TOKEN})
BAN = {"ip_addresses": Field(LIST), "expiry": Field(INTEGER, required=False)}
RELEASE = {"ip_addresses": Field(LIST)}
SERIAL = "FGVMEMULATED0001"


class Place(NamedTuple):
    """Where a call of the configuration goes: `firewall/addrgrp/<key>/member/<member>`, the last three may be empty."""

    path: str
    table: str
    key: str
    child: str
    member: str


class Calls:
    """Handlers of the whole API; `state()` is what stands in the device at the moment."""

    def __init__(self, options: FortiGateOptions, state: Callable[[], FortiGateState]) -> None:
        self._options = options
        self._state = state

    def routes(self) -> list[Route]:
        """All calls."""
        made = [
            Route(method, CMDB + "<path:rest>", self._cmdb, "json" if method in ("POST", "PUT") else "none", QUERY)
            for method in ("GET", "POST", "PUT", "DELETE")
        ]
        monitor = {
            ("GET", "user/banned"): self._banned,
            ("GET", "user/banned/select"): self._banned,
            ("POST", "user/banned/add_users"): self._add_users,
            ("POST", "user/banned/clear_users"): self._clear_users,
            ("POST", "user/banned/clear_all"): self._clear_all,
            ("GET", "system/status"): self._status,
        }
        for (method, path), handler in monitor.items():
            body = "json" if method == "POST" else "none"
            made.append(Route(method, f"{MONITOR}{path}/", self._wrapped(path, handler), body, QUERY))
        return made

    # ---- configuration

    def _cmdb(self, call: Call) -> Reply:
        place = _place(call)
        vdom = self._state().access.vdom(call)
        where = {"vdom": vdom, "path": place.path, "name": place.table, **({"mkey": place.key} if place.key else {})}
        old = self._state().vdoms.revision(vdom, place.table)
        try:
            with self._state().transaction():
                more = self._cmdb_result(call, vdom, place)
        except Refused as refused:
            return self._refusal(call, where, refused, old)
        now = self._state().vdoms.revision(vdom, place.table)
        changed = {} if call.method == "GET" else {"revision_changed": now != old, "old_revision": old}
        return self._envelope(call, {"revision": now, **changed, **where, **more})

    def _cmdb_result(self, call: Call, vdom: str, place: Place) -> dict[str, Any]:
        access, options = self._state().access, self._options
        if (place.path, place.table) == ("system", "interface"):
            access.check_right(options.network, call)
            return self._read(call, vdom, place)
        if place.path != "firewall" or place.table not in TABLES:
            raise errors.absent()
        access.check_right(options.addresses, call)
        if place.child:
            return self._member_call(call, vdom, place)
        handlers = {"GET": self._read, "POST": self._create, "PUT": self._change, "DELETE": self._delete}
        return handlers[call.method](call, vdom, place)

    def _read(self, call: Call, vdom: str, place: Place) -> dict[str, Any]:
        if call.method != "GET":
            raise Refused(405)
        vdoms = self._state().vdoms
        found = [vdoms.existing(vdom, place.table, place.key)] if place.key else list(vdoms.all(vdom, place.table))
        rows = [_interface(row) if place.table == "interface" else shown(place.table, row) for row in found]
        return _results(_trimmed(rows, call.request.args.get("format")))

    def _create(self, call: Call, vdom: str, place: Place) -> dict[str, Any]:
        if place.key:
            raise Refused(405)
        return {"mkey": self._state().vdoms.create(vdom, place.table, call.json())}

    def _change(self, call: Call, vdom: str, place: Place) -> dict[str, Any]:
        _needs_key(place)
        self._state().vdoms.change(vdom, place.table, place.key, call.json())
        return {}

    def _delete(self, call: Call, vdom: str, place: Place) -> dict[str, Any]:
        _needs_key(place)
        self._state().vdoms.delete(vdom, place.table, place.key)
        return {}

    def _member_call(self, call: Call, vdom: str, place: Place) -> dict[str, Any]:
        if place.table not in GROUP_TABLES or place.child != "member":
            raise errors.absent()
        if self._options.member_calls == "refuse":
            raise Refused(405)
        members = list(self._state().vdoms.existing(vdom, place.table, place.key)["member"])
        if call.method == "POST" and not place.member:
            return self._add_member(call, vdom, place, members)
        if place.member and place.member not in members:
            raise errors.absent()
        if call.method == "GET":
            wanted = [place.member] if place.member else members
            return _results([{"name": name, "q_origin_key": name} for name in wanted])
        if call.method == "DELETE" and place.member:
            members.remove(place.member)
            self._state().vdoms.set_members(vdom, place.table, place.key, members)
            return {}
        raise Refused(405)

    def _add_member(self, call: Call, vdom: str, place: Place, members: list[str]) -> dict[str, Any]:
        name = str(json_object(call.json(), MEMBER)["name"])
        if name in members:
            raise errors.exists()
        self._state().vdoms.set_members(vdom, place.table, place.key, [*members, name])
        return {}

    # ---- quarantine list

    def _wrapped(self, path: str, handler: Callable[[Call, str], dict[str, Any]]) -> Callable[[Call], Reply]:
        folder, _, name = path.partition("/")

        def serve(call: Call) -> Reply:
            state = self._state()
            vdom = state.access.vdom(call)
            where = {"vdom": vdom, "path": folder, "name": name.partition("/")[0]}
            if "/" in name:
                where["action"] = name.partition("/")[2]
            try:
                state.access.check_right("read" if folder == "system" else self._options.users, call)
                return self._envelope(call, {**where, **handler(call, vdom)})
            except Refused as refused:
                return self._refusal(call, where, refused)

        return serve

    @property
    def _quarantine(self) -> Quarantine:
        return self._state().quarantine

    def _banned(self, call: Call, vdom: str) -> dict[str, Any]:
        return {"results": self._quarantine.rows(vdom)}

    def _add_users(self, call: Call, vdom: str) -> dict[str, Any]:
        body = json_object(call.json(), BAN)
        expiry = body.get("expiry", 0)
        if expiry < 0:
            raise errors.bad_value("expiry", expiry)
        with self._state().transaction():
            for address in text_list(body["ip_addresses"], "ip_addresses"):
                self._quarantine.ban(vdom, address, expiry)
        return {}

    def _clear_users(self, call: Call, vdom: str) -> dict[str, Any]:
        body = json_object(call.json(), RELEASE)
        with self._state().transaction():
            for address in text_list(body["ip_addresses"], "ip_addresses"):
                self._quarantine.release(vdom, address)
        return {}

    def _clear_all(self, call: Call, vdom: str) -> dict[str, Any]:
        self._quarantine.clear(vdom)
        return {}

    def _status(self, call: Call, vdom: str) -> dict[str, Any]:
        return {"results": {"hostname": "fortigate", "model_name": "FortiGate", "log_disk_status": "available"}}

    # ---- envelope

    def _envelope(self, call: Call, more: Mapping[str, Any], status: int = 200) -> Reply:
        release = self._options.release
        about = {"serial": SERIAL, "version": release.version, "build": release.build}
        word = "success" if status == 200 else "error"
        return Reply.json({"http_method": call.method, **more, "status": word, "http_status": status, **about}, status)

    def _refusal(self, call: Call, where: Mapping[str, Any], refused: Refused, revision: str = "") -> Reply:
        call.note = refused.note or refused.message
        number = {"error": refused.extra} if isinstance(refused.extra, int) else {}
        words = {"cli_error": refused.message} if number and refused.message else {}
        return self._envelope(call, {"revision": revision, **number, **words, **where}, refused.status)


def _place(call: Call) -> Place:
    """The parts of the path, each decoded by itself: a slash in a name is %2F on the wire."""
    raw = str(call.request.environ.get("REQUEST_URI", call.path)).partition("?")[0]
    parts = [unquote(part) for part in raw.removeprefix(CMDB).rstrip("/").split("/")]
    if not 2 <= len(parts) <= 5 or not all(parts):
        raise Refused(404)
    return Place(*parts, *[""] * (5 - len(parts)))


def _needs_key(place: Place) -> None:
    if not place.key:
        raise Refused(405)


def _results(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"size": len(rows), "matched_count": len(rows), "next_idx": max(0, len(rows) - 1), "results": rows}


def _trimmed(rows: list[dict[str, Any]], names: str | None) -> list[dict[str, Any]]:
    if not names:
        return rows
    wanted = {*names.split("|"), "q_origin_key"}
    return [{name: value for name, value in row.items() if name in wanted} for row in rows]


def _interface(row: Mapping[str, Any]) -> dict[str, Any]:
    ipv6 = {"ip6-address": row["ip6"]}
    return {"name": row["name"], "q_origin_key": row["name"], "ip": row["ip"], "ipv6": ipv6}
