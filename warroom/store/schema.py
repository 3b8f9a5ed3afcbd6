"""The tables, as migrations that are applied once and in order."""

from __future__ import annotations

from typing import NamedTuple


class Migration(NamedTuple):
    """One step; its statements and the record that it ran share a transaction."""

    name: str
    statements: tuple[str, ...]


# `seq` is the indicator's id. Dates are microseconds since 1970 UTC; 2^62 stands for "no date".
# The modified index also carries what a sync query filters by, so such a walk never touches documents it skips.
_INITIAL = Migration(
    "0001_initial",
    (
        """create table indicators (
            seq integer primary key,
            key text not null,
            type text not null,
            score integer not null,
            modified integer not null,
            expiration integer not null,
            created integer not null,
            first_seen integer not null,
            last_seen integer not null,
            doc blob not null)""",
        "create unique index indicators_key on indicators (key)",
        "create unique index indicators_modified on indicators (modified, score, type, expiration)",
        "create index indicators_expiration on indicators (expiration)",
        """create table indicator_raw (
            seq integer, instance_id text, raw blob not null,
            primary key (seq, instance_id)) without rowid""",
        """create table listings (
            instance_id text, seq integer, seen integer not null,
            primary key (instance_id, seq)) without rowid""",
        """create table exclusions (
            key text primary key, value text not null, reason text not null, created text not null) without rowid""",
        "create table custom_fields (name text primary key) without rowid",
        "create table counters (name text primary key, number integer not null) without rowid",
        """insert into counters values
            ('indicator_seq', 0), ('modified', 0), ('indicator_version', 0), ('incident_seq', 0)""",
        """create table relationships (
            name text, entity_a text, entity_b text, instance_id text, doc blob not null,
            primary key (entity_a, name, entity_b, instance_id)) without rowid""",
        "create index relationships_b on relationships (entity_b)",
        """create table contexts (
            instance_id text primary key, version integer not null, context text not null) without rowid""",
        """create table last_runs (
            instance_id text, kind text, content text not null,
            primary key (instance_id, kind)) without rowid""",
        """create table instances (
            id text primary key, name text not null unique collate nocase,
            brand text not null, enabled integer not null,
            params text not null, secrets text not null, created text not null) without rowid""",
        """create table entries (
            seq integer primary key, id text not null unique, happened text not null, instance text not null,
            brand text not null, command text not null, args text not null, status text not null,
            duration_seconds real not null, contents text not null)""",
        "create table lists (name text primary key, content text not null) without rowid",
        "create table incidents (seq integer primary key, instance text not null, doc text not null)",
        "create table settings (name text primary key, content text not null) without rowid",
    ),
)

# `state` is all that a run needs to go on; `job` is the name of the job that began it, "" without one.
_PLAYBOOKS = Migration(
    "0002_playbooks",
    (
        """create table playbook_runs (
            seq integer primary key, id text not null unique, playbook text not null, job text not null,
            status text not null, began text not null, moved text not null, state text not null)""",
        "create index playbook_runs_job on playbook_runs (job, seq)",
        """create table playbook_events (
            run_id text, number integer, doc text not null,
            primary key (run_id, number)) without rowid""",
    ),
)

MIGRATIONS: tuple[Migration, ...] = (_INITIAL, _PLAYBOOKS)
