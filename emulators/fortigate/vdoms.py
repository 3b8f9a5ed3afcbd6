"""The configuration of all VDOMs: tables of named objects, who refers to whom, and the revision of each table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from emulators.fortigate import errors
from emulators.fortigate.options import FortiGateOptions
from emulators.fortigate.schema import FIELDS as SCHEMA
from emulators.fortigate.schema import FORM_FIELDS, address_object, common, member_names
from emulators.kit import Database
from emulators.kit.strict import json_object

ADDRESS_TABLES = ("address", "address6")
GROUP_TABLES = ("addrgrp", "addrgrp6")
TABLES = (*ADDRESS_TABLES, *GROUP_TABLES)
BUILT_IN = {"address": {"subnet": "0.0.0.0 0.0.0.0", "type": "ipmask"}, "address6": {"ip6": "::/0", "type": "ipprefix"}}
Document = dict[str, Any]


def family(table: str) -> tuple[str, str]:
    """(address table, group table) that belong together."""
    return ("address6", "addrgrp6") if table.endswith("6") else ("address", "addrgrp")


class Vdoms:
    """Objects of each VDOM by table and name. One thread at a time; a refused change leaves nothing behind."""

    def __init__(self, database: Database, options: FortiGateOptions) -> None:
        self._database = database
        self._options = options
        self._revisions = database.collection("revisions")
        for vdom in options.vdom_names:
            for table, fields in BUILT_IN.items():
                if self.get(vdom, table, "all") is None:
                    self._put(vdom, table, {"name": "all", "comment": "", "color": 0, **fields})

    def get(self, vdom: str, table: str, name: str) -> Document | None:
        """One object, or None."""
        found: Document | None = self._table(vdom, table).get(name)
        return found

    def all(self, vdom: str, table: str) -> Iterator[Document]:
        """All objects in order of name."""
        yield from (document for _, document in self._table(vdom, table).items())

    def existing(self, vdom: str, table: str, name: str) -> Document:
        """One object. Raises Refused(404)."""
        found = self.get(vdom, table, name)
        if found is None:
            raise errors.absent()
        return found

    def create(self, vdom: str, table: str, body: object) -> str:
        """A new object; gives its name. Raises Refused."""
        document = self._made(vdom, table, body)
        name = str(document["name"])
        if any(self.get(vdom, other, name) is not None for other in family(table)):
            raise errors.exists()
        if table in ADDRESS_TABLES and self._is_full(vdom, table):
            raise errors.full(table)
        self._put(vdom, table, document)
        return name

    def change(self, vdom: str, table: str, name: str, body: object) -> None:
        """New values for some fields. Raises Refused."""
        old = self.existing(vdom, table, name)
        given = json_object(body, {**SCHEMA[table], **_OPTIONAL[table]})
        if given.get("name", name) != name:
            raise errors.bad_value("name", given["name"])
        kept = {field: value for field, value in old.items() if field in SCHEMA[table]}
        if given.get("type", old.get("type")) != old.get("type"):
            kept = {field: value for field, value in kept.items() if field not in FORM_FIELDS}
        if table in GROUP_TABLES:
            kept["member"] = [{"name": member} for member in old["member"]]
        self._put(vdom, table, self._made(vdom, table, {**kept, **given}))

    def delete(self, vdom: str, table: str, name: str) -> None:
        """Remove an object. Raises Refused: 404, or in use."""
        self.existing(vdom, table, name)
        users = self.references(vdom, table, name)
        if users:
            raise errors.in_use(len(users))
        self._table(vdom, table).remove(name)
        self._touch(vdom, table)

    def set_members(self, vdom: str, table: str, name: str, members: Sequence[str]) -> None:
        """Replace the members of a group. Raises Refused."""
        group = self.existing(vdom, table, name)
        self._check_members(vdom, table, name, members)
        self._put(vdom, table, {**group, "member": list(members)})

    def references(self, vdom: str, table: str, name: str) -> list[str]:
        """Groups and policies that name the object."""
        _, group_table = family(table)
        groups = [group["name"] for group in self.all(vdom, group_table) if name in group["member"]]
        policies = [
            f"policy {policy['policyid']}" for policy in self.all(vdom, "policy") if name in policy[family(table)[1]]
        ]
        return groups + policies

    def put_policy(self, vdom: str, policyid: int, groups: Sequence[str], groups6: Sequence[str]) -> None:
        """A policy, of which only the groups that it refers to matter here."""
        name = str(policyid)
        self._put(vdom, "policy", {"name": name, "policyid": policyid, "addrgrp": [*groups], "addrgrp6": [*groups6]})

    def put_interface(self, vdom: str, name: str, ip: str, ip6: str) -> None:
        """An interface: `ip` is address and mask, `ip6` a prefix."""
        self._put(vdom, "interface", {"name": name, "ip": ip, "ip6": ip6})

    def revision(self, vdom: str, table: str) -> str:
        """A text that changes with the table."""
        count = self._revisions.get(f"{vdom} {table}") or 0
        return hashlib.sha256(f"{vdom} {table} {count}".encode()).hexdigest()[:32]

    def count(self) -> dict[str, Any]:
        """Objects by VDOM and table."""
        tables = (*TABLES, "policy", "interface")
        return {vdom: {table: len(self._table(vdom, table)) for table in tables} for vdom in self._options.vdom_names}

    def _made(self, vdom: str, table: str, body: object) -> Document:
        if table in ADDRESS_TABLES:
            return address_object(table, body)
        given = json_object(body, SCHEMA[table])
        members = member_names(given["member"])
        self._check_members(vdom, table, str(given["name"]), members)
        return {**common(given), "member": members}

    def _check_members(self, vdom: str, table: str, group: str, members: Sequence[str]) -> None:
        release, known = self._options.release, family(table)
        if not members and not release.empty_groups:
            raise errors.empty_group()
        if self._options.max_members and len(members) > self._options.max_members:
            raise errors.full("member")
        for name in members:
            if name == group or not any(self.get(vdom, other, name) for other in known):
                raise errors.no_member(name, bare=release.bare_datasource)

    def _is_full(self, vdom: str, table: str) -> bool:
        limit = self._options.max_addresses
        return bool(limit) and len(self._table(vdom, table)) >= limit

    def _put(self, vdom: str, table: str, document: Document) -> None:
        self._table(vdom, table).put(str(document["name"]), document)
        self._touch(vdom, table)

    def _touch(self, vdom: str, table: str) -> None:
        key = f"{vdom} {table}"
        self._revisions.put(key, (self._revisions.get(key) or 0) + 1)

    def _table(self, vdom: str, table: str) -> Any:
        return self._database.collection(f"{vdom} {table}")


_OPTIONAL = {
    table: {name: type(field)(field.types, required=False) for name, field in fields.items()}
    for table, fields in SCHEMA.items()
}
