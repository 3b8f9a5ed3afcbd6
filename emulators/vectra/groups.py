"""Groups and their members."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulators.kit import Database
from emulators.vectra.marks import json_ids

Member = int | str


class Members:
    """Who is in which group: host ids (numbers), account uids, addresses or domains (text)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, group_ids: Iterable[int]) -> dict[int, list[Member]]:
        """Members by group, in their own order; empty groups are left out."""
        query = (
            "SELECT group_id, member FROM members WHERE group_id IN (SELECT value FROM json_each(?))"
            " ORDER BY group_id, member"
        )
        found: dict[int, list[Member]] = {}
        for group_id, member in self._database.connection.execute(query, (json_ids(group_ids),)):
            found.setdefault(group_id, []).append(member)
        return found

    def holding(self, kind: str, members: Iterable[Member]) -> dict[Member, list[dict[str, Any]]]:
        """The groups of type `kind` by member, as `{"id", "name", "type"}`; members of no group are left out."""
        query = (
            "SELECT member, groups.id, name FROM members JOIN groups ON groups.id = group_id"
            " WHERE type = ? AND member IN (SELECT value FROM json_each(?)) ORDER BY groups.id"
        )
        found: dict[Member, list[dict[str, Any]]] = {}
        for member, group_id, name in self._database.connection.execute(query, (kind, json_ids(members))):
            found.setdefault(member, []).append({"id": group_id, "name": name, "type": kind})
        return found

    def add(self, rows: Iterable[tuple[int, Member]]) -> None:
        """Put each (group id, member) there; those already there stay."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", rows)

    def remove(self, rows: Iterable[tuple[int, Member]]) -> None:
        """Take each (group id, member) out."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM members WHERE group_id = ? AND member = ?", rows)

    def clear(self, group_id: int) -> None:
        """Empty one group."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM members WHERE group_id = ?", (group_id,))

    def forget(self, kind: str, member: Member) -> None:
        """Take a member out of all groups of type `kind`."""
        with self._database.transaction() as connection:
            query = "DELETE FROM members WHERE member = ? AND group_id IN (SELECT id FROM groups WHERE type = ?)"
            connection.execute(query, (member, kind))
