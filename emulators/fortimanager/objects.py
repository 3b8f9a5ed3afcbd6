"""Address objects and groups: add, set, update, delete, and the members of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulators.fortimanager.adoms import Adoms
from emulators.fortimanager.codes import BAD_DATA, DATASRC, EXISTS, INVALID_URL, LIMIT, MISSING, Failed
from emulators.fortimanager.options import FortiManagerOptions
from emulators.fortimanager.packages import Packages
from emulators.fortimanager.queries import selected, with_fields
from emulators.fortimanager.rpc import Part
from emulators.fortimanager.sessions import Who
from emulators.fortimanager.tables import TABLES, Table, object_from, shown

SOURCES = {"firewall address": "address", "firewall addrgrp": "addrgrp",
           "firewall address6": "address6", "firewall addrgrp6": "addrgrp6"}  # fmt: skip


class ObjectCalls:
    """The calls under `/pm/config/adom/<adom>/obj/firewall/<table>`."""

    def __init__(self, adoms: Adoms, packages: Packages, options: FortiManagerOptions) -> None:
        self._adoms = adoms
        self._packages = packages
        self._options = options

    def call(self, part: Part, who: Who, adom: str, rest: Sequence[str]) -> Any:
        """Carry out one call; `rest` is the URL after `firewall`. Raises Failed."""
        self._adoms.adom(adom)
        if not rest or rest[0] not in TABLES or len(rest) > 3:
            raise Failed(INVALID_URL)
        table = TABLES[rest[0]]
        if len(rest) == 3:
            if rest[2] != "member" or not table.members or part.method not in ("add", "delete"):
                raise Failed(INVALID_URL)
            return self._change_members(part, who, adom, table, rest[1])
        name = rest[1] if len(rest) == 2 else ""
        if part.method == "get":
            return self._get(part, who, adom, table, name)
        if part.method == "delete":
            return self._delete(who, adom, table, name)
        return self._put(part, who, adom, table, name)

    def _get(self, part: Part, who: Who, adom: str, table: Table, name: str) -> Any:
        rows = self._adoms.rows(adom, table.name, who)
        if name:
            if name not in rows:
                raise Failed(MISSING)
            return shown(with_fields(rows[name], part.fields), part.verbose)
        found = selected([rows[key] for key in sorted(rows)], part)
        return [shown(self._expanded(row, part, who, adom), part.verbose) for row in found]

    def _expanded(self, row: dict[str, Any], part: Part, who: Who, adom: str) -> dict[str, Any]:
        """The row with its members in full, where the call asked for that."""
        sources = part.expand.get("member")
        if sources is None or "member" not in row:
            return row
        members = []
        for member in row["member"]:
            for kind, fields in sources.items():
                if kind not in SOURCES:
                    raise Failed(BAD_DATA, f"obj type {kind}")
                found = self._adoms.rows(adom, SOURCES[kind], who).get(member)
                if found is not None:
                    members.append({**shown(with_fields(found, fields), part.verbose), "obj type": kind})
        return {**row, "member": members}

    def _put(self, part: Part, who: Who, adom: str, table: Table, name: str) -> Any:
        data = part.mapping()
        name = name or str(data.get("name", ""))
        self._adoms.may_write(adom, who)
        rows = self._adoms.rows(adom, table.name, who)
        found = rows.get(name)
        if part.method == "add" and found is not None:
            raise Failed(EXISTS)
        if part.method == "update" and found is None:
            raise Failed(MISSING)
        limit = self._options.max_addresses
        if found is None and not table.members and limit and len(rows) >= limit:
            raise Failed(LIMIT)
        base = found if part.method in ("set", "update") and found is not None else {}
        made = object_from(table, {**base, **data, "name": name})
        if table.members:
            self._check_members(who, adom, table, made["member"])
        self._adoms.write(adom, table.name, name, made, who)
        return {"name": name}

    def _delete(self, who: Who, adom: str, table: Table, name: str) -> None:
        self._adoms.may_write(adom, who)
        if name not in self._adoms.rows(adom, table.name, who):
            raise Failed(MISSING)
        groups = self._adoms.rows(adom, "addrgrp" if table.version == 4 else "addrgrp6", who).values()
        if any(name in group["member"] for group in groups) or self._packages.uses(adom, name):
            raise Failed((self._options.used_code, "used"))
        self._adoms.write(adom, table.name, name, None, who)

    def _change_members(self, part: Part, who: Who, adom: str, table: Table, name: str) -> None:
        self._adoms.may_write(adom, who)
        group = self._adoms.rows(adom, table.name, who).get(name)
        if group is None:
            raise Failed(MISSING)
        names, members = part.names(), group["member"]
        if part.method == "add":
            members = [*members, *(item for item in names if item not in members)]
            self._check_members(who, adom, table, members)
        elif missing := [item for item in names if item not in members]:
            raise Failed(MISSING, missing[0])
        else:
            members = [item for item in members if item not in names]
        self._adoms.write(adom, table.name, name, {**group, "member": members}, who)

    def _check_members(self, who: Who, adom: str, table: Table, members: Sequence[str]) -> None:
        known = self._adoms.rows(adom, table.members, who).keys() | self._adoms.rows(adom, table.name, who).keys()
        if unknown := [member for member in members if member not in known]:
            raise Failed(DATASRC, f"object: firewall {table.name} member. detail: {unknown[0]} does not exist")
        if self._options.max_members and len(members) > self._options.max_members:
            raise Failed(LIMIT)
