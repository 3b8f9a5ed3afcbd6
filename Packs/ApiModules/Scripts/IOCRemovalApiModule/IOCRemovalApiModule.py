"""Which IOCs may be removed from Cortex XDR, and the record of those that were: values in, values out.

What is done with a value, first line that fits. *Wanted*: the Sync Query finds it. *Kept*: the keep query does. *Ours*:
source, label and type say that this instance wrote it. *In force*: enabled, not expired, and not about to expire
because this integration said so. The phase is that of its entry in the record, see `RemovedIoc`. With the policy
`leave` no reason is chosen.

| value            | in XDR                         | phase           | what is done                                 |
| ---------------- | ------------------------------ | --------------- | -------------------------------------------- |
| any              | any                            | young intent    | nothing: another run is at it                |
| wanted           | in force                       | intent          | the entry is withdrawn: nothing had happened |
| wanted           | in force                       | done            | `returned`: it is back already               |
| wanted           | absent or not in force         | intent, done    | it is brought back, then `returned`          |
| wanted           | any                            | any other, none | nothing                                      |
| kept or unwanted | absent                         | intent          | `done` if it was to be deleted, else gone    |
| kept or unwanted | ours, not in force             | intent          | `done`: the effect came before the end       |
| kept             | in force, or not ours          | intent          | the entry is withdrawn                       |
| kept             | any                            | any other, none | nothing                                      |
| unwanted         | any                            | restored        | nothing: a person wants it                   |
| unwanted         | not ours                       | intent          | the entry is withdrawn                       |
| unwanted         | absent, not ours, not in force | any other, none | nothing                                      |
| unwanted         | in force, changed since        | done            | `restored`: somebody in XDR wants it         |
| unwanted         | in force, reason is not chosen | intent          | the entry is withdrawn                       |
| unwanted         | in force, reason is not chosen | any other, none | nothing                                      |
| unwanted         | in force                       | any other, none | intent, the effect, `done`                   |
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

REMOVAL_POLICIES = ("leave", "disable", "delete", "expire")
GONE_EXPIRED, GONE_DELETED = "expired", "deleted or excluded"
GONE_JUDGED, GONE_OUTSIDE = "judged anew", "outside of the Sync Query"
REMOVAL_REASONS = (GONE_EXPIRED, GONE_DELETED, GONE_JUDGED, GONE_OUTSIDE)
INTENT, DONE, RESTORED, RETURNED = "intent", "done", "restored", "returned"
REMOVAL_PHASES = (INTENT, DONE, RESTORED, RETURNED)
DO_NOTHING, DO_REMOVE, DO_BRING_BACK = "nothing", "remove", "bring back"
DO_NOTE_DONE, DO_WITHDRAW, DO_NOTE_RESTORED, DO_NOTE_RETURNED = "done", "withdraw", "restored", "returned"
REMOVAL_RECORD_VERSION = 1
REMOVAL_RECORD_KEY = "removals"
REMOVALS_KEPT = 10_000
REMOVALS_REMEMBERED = 50_000
REMOVAL_MOST_PER_RUN = 2_000
REMOVAL_FEW = 10
REMOVAL_COMMENT_KEPT = 200
REMOVAL_ECHO_MS = 10 * 60 * 1000
REMOVAL_CLOCKS_DIFFER_MS = 2 * 60 * 60 * 1000
REMOVAL_SOURCES_COUNTED = 20
MARK_LENGTH = 8


@dataclass(frozen=True)
class RemovalRules:
    """What a person decided about removal. `percent`: of what the Sync Query finds, per run. `types`: of IOCs that
    this integration writes. `label`: that of this instance, "" for none.
    """

    policy: str
    percent: float
    interval_ms: int
    reasons: frozenset[str]
    sources: frozenset[str]
    types: frozenset[str]
    label: str = ""

    def cap(self, found: int) -> int:
        """How many IOCs one run may remove when the Sync Query finds so many: at least one of some, none of none."""
        return min(REMOVAL_MOST_PER_RUN, max(1, int(found * self.percent / 100))) if found > 0 else 0


class HeldIoc(NamedTuple):
    """What XDR holds of a value. `expiration` in epoch milliseconds, -1 for never, None for the tenant's default, which
    then stands in `expires`. `modified` in XDR's epoch milliseconds, 0 when unknown.
    """

    value: str
    type: str
    severity: str
    reputation: str
    reliability: str
    expiration: int | None
    expires: int
    comment: str
    status: str
    source: str
    label: str
    modified: int

    def in_force(self, now_ms: int) -> bool:
        """Only what says that it is enabled counts; an unknown status is not touched."""
        return self.status == "ENABLED" and (self.expires <= 0 or self.expires > now_ms)

    def ours(self, rules: RemovalRules) -> bool:
        return self.source in rules.sources and self.label == rules.label and self.type in rules.types


class Wish(NamedTuple):
    """What XSOAR says about a value today. `verdict` in XDR's words, "" for an unknown indicator."""

    known: bool
    wanted: bool
    kept: bool = False
    expired: bool = False
    verdict: str = ""


class RemovedIoc(NamedTuple):
    """An entry of the record, stored as the list of these: what was done to a value, and what XDR held before.

    `when`: of the last step, in epoch milliseconds. `phase`: `intent` before the effect, `done` after it; `restored`
    once a person wants it back, and it is not removed again while the entry lasts; `returned` once the Sync Query found
    it again. `changed_to`: the expiration that was set, None with other policies.
    """

    when: int
    phase: str
    policy: str
    reason: str
    type: str
    severity: str
    reputation: str
    reliability: str
    expiration: int | None
    comment: str
    status: str
    modified: int
    changed_to: int | None = None

    def young(self, now_ms: int, stale_ms: int) -> bool:
        """The run that wrote this intent may still be at work. A time in the near future is one, too: clocks differ.
        One farther ahead was written by a clock that was wrong.
        """
        return self.phase == INTENT and -REMOVAL_CLOCKS_DIFFER_MS < now_ms - self.when < stale_ms

    def ends(self, held: HeldIoc) -> bool:
        """XDR holds the expiration that this removal set, so the IOC is out of force in minutes."""
        return self.is_away() and self.changed_to is not None and same_second(held.expiration, self.changed_to)

    def is_away(self) -> bool:
        """XDR does not enforce it, or may not, because of this integration."""
        return self.phase in (INTENT, DONE)


class RemovalStep(NamedTuple):
    """What is to be done with a value, one of the DO_ words; and for a removal why it is not wanted."""

    do: str
    reason: str = ""


# ---- deciding


def gone_reason(wish: Wish, held: HeldIoc) -> str:
    """Why XSOAR does not want an IOC any more, one of REMOVAL_REASONS."""
    if not wish.known:
        return GONE_DELETED
    if wish.expired:
        return GONE_EXPIRED
    return GONE_JUDGED if wish.verdict != held.reputation else GONE_OUTSIDE


def removal_step(
    wish: Wish, held: HeldIoc | None, entry: RemovedIoc | None, rules: RemovalRules, now_ms: int, stale_ms: int
) -> RemovalStep:
    """The table above, for one value. `held` is None for what XDR does not have."""
    phase = entry.phase if entry else ""
    if entry and entry.young(now_ms, stale_ms):
        return RemovalStep(DO_NOTHING)
    in_force = held is not None and held.in_force(now_ms) and not (entry and entry.ends(held))
    if wish.wanted:
        return RemovalStep(_wanted_step(phase, in_force))
    if held is None:
        gone = entry is not None and entry.policy == "delete"
        return RemovalStep((DO_NOTE_DONE if gone else DO_WITHDRAW) if phase == INTENT else DO_NOTHING)
    if held.ours(rules) and not in_force:
        return RemovalStep(DO_NOTE_DONE if phase == INTENT else DO_NOTHING)
    leave = RemovalStep(DO_WITHDRAW if phase == INTENT else DO_NOTHING)
    if wish.kept or phase == RESTORED or not held.ours(rules):
        return leave
    if entry and phase == DONE and not _same_version(entry, held):
        return RemovalStep(DO_NOTE_RESTORED)
    reason = gone_reason(wish, held)
    return RemovalStep(DO_REMOVE, reason) if reason in rules.reasons and rules.policy != "leave" else leave


def _wanted_step(phase: str, in_force: bool) -> str:
    if phase not in (INTENT, DONE):
        return DO_NOTHING
    if not in_force:
        return DO_BRING_BACK
    return DO_WITHDRAW if phase == INTENT else DO_NOTE_RETURNED


def _same_version(entry: RemovedIoc, held: HeldIoc) -> bool:
    """XDR has the IOC as it was before the removal, which it did not carry out, so that it is tried again."""
    return held.modified != 0 and held.modified == entry.modified


def same_second(one: int | None, other: int | None) -> bool:
    """Two moments in milliseconds, as exact as every store keeps them."""
    return one is not None and other is not None and one // 1000 == other // 1000


def removal_hold(removal: Mapping[str, Any], query_mark: str, found: int, rules: RemovalRules) -> str:
    """Why nothing may be removed at present, "" when something may.

    `removal` is the member of the state, `found` how many indicators the Sync Query finds now.
    """
    if found <= 0:
        return "the Sync Query finds nothing, so nothing is removed"
    before = removal.get("found", 0) if removal.get("query") == query_mark else 0
    if before - found > REMOVAL_FEW and found * 100 < before * (100 - rules.percent):
        return (
            f"the Sync Query finds {found} indicators, {before} at the last look: that is more than "
            f"{rules.percent:g} % less. If it is meant, run `!xdr-iocs-remove dry_run=false`"
        )
    return ""


# ---- the record

# The record, version 1 (JSON, under a context key of its own), has these members:
#   entries   {value as XDR spells it: RemovedIoc}, in the order in which they were written
#   dropped   how many were dropped to keep at most REMOVALS_KEPT
#   away      fingerprints of MARK_LENGTH characters each of dropped values that are removed still, the newest
#             REMOVALS_REMEMBERED: whoever of them comes back is enabled as if its entry were there
#   lost      how many fingerprints were dropped


def new_removal_record() -> dict[str, Any]:
    return {"entries": {}, "dropped": 0, "away": "", "lost": 0}


def removed_entry(record: Mapping[str, Any], value: str) -> RemovedIoc | None:
    row = record["entries"].get(value)
    return RemovedIoc(*row) if row is not None else None


def removal_intent(held: HeldIoc, rules: RemovalRules, reason: str, now_ms: int, changed_to: int | None) -> RemovedIoc:
    """The entry of an IOC that is about to be removed."""
    return RemovedIoc(
        now_ms,
        INTENT,
        rules.policy,
        reason,
        held.type,
        held.severity,
        held.reputation,
        held.reliability,
        held.expiration,
        held.comment[:REMOVAL_COMMENT_KEPT],
        held.status,
        held.modified,
        changed_to,
    )


def with_intents(record: Mapping[str, Any], intents: Mapping[str, RemovedIoc]) -> dict[str, Any]:
    """The record with these entries as its newest."""
    entries = {value: row for value, row in record["entries"].items() if value not in intents}
    entries |= {value: list(entry) for value, entry in intents.items()}
    return pruned_record({**record, "entries": entries})


def with_phase(
    record: Mapping[str, Any], values: Iterable[str], phase: str, now_ms: int, of: Sequence[str] = REMOVAL_PHASES
) -> dict[str, Any]:
    """The record with the entries of these values in another phase, those that are in one of the phases `of`."""
    entries = dict(record["entries"])
    for value in values:
        row = entries.get(value)
        if row is not None and row[1] in of:
            entries[value] = [now_ms, phase, *row[2:]]
    return {**record, "entries": entries}


def without_intents(record: Mapping[str, Any], values: Iterable[str]) -> dict[str, Any]:
    """The record without the intents of these values: their effects did not happen."""
    gone = set(values)
    entries = {v: row for v, row in record["entries"].items() if v not in gone or row[1] != INTENT}
    return {**record, "entries": entries}


def pruned_record(record: Mapping[str, Any], most: int = REMOVALS_KEPT) -> dict[str, Any]:
    """At most so many entries: those that returned go first, then the oldest of those removed, then the restored.

    An intent always stays: its effect may be on its way. What is removed still leaves its fingerprint.
    """
    entries = record["entries"]
    surplus = len(entries) - most
    if surplus <= 0:
        return dict(record)
    order = {RETURNED: 0, DONE: 1, RESTORED: 2}
    droppable = sorted((v for v, row in entries.items() if row[1] in order), key=lambda v: order[entries[v][1]])
    gone = set(droppable[:surplus])
    away = record["away"] + "".join(removal_mark(v) for v in entries if v in gone and entries[v][1] == DONE)
    kept = away[max(0, len(away) - REMOVALS_REMEMBERED * MARK_LENGTH) :]
    return {
        "entries": {v: row for v, row in entries.items() if v not in gone},
        "dropped": record["dropped"] + len(gone),
        "away": kept,
        "lost": record["lost"] + (len(away) - len(kept)) // MARK_LENGTH,
    }


def removal_mark(value: str) -> str:
    """Fingerprint of a value, in any spelling."""
    digest = hashlib.blake2b(value.lower().encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return urlsafe_b64encode(digest).decode()


class AwayIocs:
    """What is removed from XDR at present, or may be, for looking values up in any spelling."""

    def __init__(self, record: Mapping[str, Any], now_ms: int, stale_ms: int) -> None:
        entries = {value: RemovedIoc(*row) for value, row in record["entries"].items() if row[1] in (INTENT, DONE)}
        self.spelled = {value.lower(): value for value in entries}
        self.young = {value for value, entry in entries.items() if entry.young(now_ms, stale_ms)}
        away = record["away"]
        self.marks = {away[at : at + MARK_LENGTH] for at in range(0, len(away), MARK_LENGTH)}

    def __contains__(self, value: object) -> bool:
        text = str(value)
        return text.lower() in self.spelled or (bool(self.marks) and removal_mark(text) in self.marks)

    def __len__(self) -> int:
        return len(self.spelled) + len(self.marks)

    def spellings(self, value: str) -> list[str]:
        """How XDR may spell a value: as it is given and as it was found there."""
        return list(dict.fromkeys([value, self.spelled.get(value.lower(), value)]))


def with_returned(
    record: Mapping[str, Any],
    values: Iterable[str],
    now_ms: int,
    stale_ms: int,
    phase: str = RETURNED,
    policies: Sequence[str] = REMOVAL_POLICIES,
) -> dict[str, Any]:
    """The record after these values were sent to XDR and enabled there again, those that were removed by `policies`.

    A young intent stays as it is: the run that wrote it may disable the value after this, and has to look again.
    """
    away = AwayIocs(record, now_ms, stale_ms)
    sent = list(values)
    keys = {away.spelled.get(value.lower(), "") for value in sent} - away.young - {""}
    keys = {key for key in keys if record["entries"][key][2] in policies}
    marks = {removal_mark(value) for value in sent} & away.marks
    text = record["away"]
    pieces = (text[at : at + MARK_LENGTH] for at in range(0, len(text), MARK_LENGTH)) if marks else ()
    left = "".join(piece for piece in pieces if piece not in marks) if marks else text
    return with_phase({**record, "away": left}, keys, phase, now_ms, (INTENT, DONE))


def without_disabled(record: Mapping[str, Any], values: Iterable[str], now_ms: int, stale_ms: int) -> dict[str, Any]:
    """The record after a person disabled these values: what was only disabled before is his from now on, so neither a
    restore nor the Sync Query enables it.
    """
    before = dict(record["entries"])
    taken = with_returned(record, values, now_ms, stale_ms, RETURNED, ("disable",))
    entries = {v: row for v, row in taken["entries"].items() if row[1] != RETURNED or before[v][1] == RETURNED}
    return {**taken, "entries": entries}


# ---- what comes back from XDR


def rows_of_others(
    rows: Iterable[Mapping[str, Any]], record: Mapping[str, Any], known: "set[str] | frozenset[str]"
) -> list[dict[str, Any]]:
    """Changed rows of XDR without our own removals, so that none of these is taken for an operator's word.

    An operator's edit of an IOC that we disabled stays, with the status that it had before: the edit is his, the status
    is not. That goes for `known` indicators (lower-case values); one that XSOAR does not know comes as it is.
    """
    return [kept for row in rows if (kept := _row_of_others(dict(row), record, known)) is not None]


def _row_of_others(
    row: dict[str, Any], record: Mapping[str, Any], known: "set[str] | frozenset[str]"
) -> dict[str, Any] | None:
    value = str(row.get("RULE_INDICATOR") or "")
    entry = removed_entry(record, value)
    if entry is None:
        return row
    moment = row.get("RULE_MODIFY_TIME")
    early = isinstance(moment, int | float) and moment <= entry.when + REMOVAL_ECHO_MS
    if entry.phase == RESTORED:
        return None if early and not row.get("MARKED_DELETED") and _status(row) == entry.status else row
    if not entry.is_away() or not _as_we_set_it(row, entry):
        return row
    if early or (entry.policy != "delete" and _same_content(row, entry)):
        return None
    if entry.policy == "delete" or value.lower() not in known:
        return row
    before = -1 if entry.expiration is None else entry.expiration
    return {**row, "RULE_STATUS": entry.status, **({"RULE_EXPIRATION_TIME": before} if entry.changed_to else {})}


def _status(row: Mapping[str, Any]) -> str:
    return str(row.get("RULE_STATUS") or "").upper()


def _as_we_set_it(row: Mapping[str, Any], entry: RemovedIoc) -> bool:
    if entry.policy == "delete" or row.get("MARKED_DELETED"):
        return entry.policy == "delete" and bool(row.get("MARKED_DELETED"))
    if entry.policy == "disable":
        return _status(row) == "DISABLED"
    expiration = row.get("RULE_EXPIRATION_TIME")
    return isinstance(expiration, int) and same_second(expiration, entry.changed_to)


def _same_content(row: Mapping[str, Any], entry: RemovedIoc) -> bool:
    """Nothing but the removal differs from what XDR held before it."""
    comment = row.get("RULE_COMMENT")
    text = ", ".join(str(item) for item in comment if item) if isinstance(comment, list) else str(comment or "")
    expiration, before = row.get("RULE_EXPIRATION_TIME"), -1 if entry.expiration is None else entry.expiration
    kept = entry.changed_to is not None or not isinstance(expiration, int) or same_second(expiration, before)
    return (
        kept
        and text[:REMOVAL_COMMENT_KEPT] == entry.comment
        and str(row.get("REPUTATION") or "UNKNOWN").upper() == entry.reputation
        and str(row.get("RULE_SEVERITY") or "").rpartition("_")[2] == entry.severity
        and str(row.get("RELIABILITY") or "")[:1] == entry.reliability
    )


# ---- a look through the whole of XDR

# The member `removal` of the state, absent while removal never ran:
#   query     mark of the Sync Query of the last look
#   found     the most that the Sync Query found since that look began
#   quick     {edge, after}: up to where changed indicators were looked at, see `Removal.quick`
#   look      null, or the look under way, see `new_look`; `rehearsal` the same for dry runs
#   last      the look that was finished last, with `finished`
#   held      null, or {why, since}
#   run       outcome of the last run: {when, policy, cap, candidates, removed, held_back, refused, brought_back, note}


def new_look(started_ms: int, found: int, place: Mapping[str, Any], epoch: int) -> dict[str, Any]:
    """A look at its beginning. `place` is where the listing is, `in_xdr` how many IOCs were seen, `by_source` of which
    source, `candidates` and `removed` how many by reason, `rows` the first of them.
    """
    return {
        "started": started_ms,
        "found": found,
        "epoch": epoch,
        **place,
        "in_xdr": 0,
        "by_source": {},
        "candidates": {},
        "removed": {},
        "refused": 0,
        "rows": [],
    }


def look_cursor(look: Mapping[str, Any]) -> tuple[Any, ...]:
    """Changes with each page, so that of two runs at once only one carries a page in."""
    return tuple(look[name] for name in ("started", "position", "steps_back", "in_xdr"))


def added_counts(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in [*one, *(n for n in other if n not in one)]}


def counted_by(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def added_sources(known: Mapping[str, int], seen: Mapping[str, int]) -> dict[str, int]:
    """Sources by number of IOCs, at most REMOVAL_SOURCES_COUNTED by name."""
    counts = dict(known)
    for name, count in seen.items():
        key = name if name in counts or len(counts) < REMOVAL_SOURCES_COUNTED else "(others)"
        counts[key] = counts.get(key, 0) + count
    return counts


def look_is_due(removal: Mapping[str, Any], epoch: int, interval_ms: int, now_ms: int) -> bool:
    """A look is due when there never was one, when the sync began anew since, as it does with a changed Sync Query, and
    when the interval is over.
    """
    last = removal.get("last")
    return not last or last["epoch"] != epoch or not 0 <= now_ms - last["started"] < interval_ms


def removal_status(state: Mapping[str, Any], record: Mapping[str, Any], policy: str = "") -> dict[str, Any]:
    """What a person wants to know of removal: the figures of the last run and of the last whole look, and why nothing
    is removed, if nothing is. Times in epoch milliseconds; None where there was nothing yet.
    """
    removal = state.get("removal") or {}
    run, last, look = removal.get("run") or {}, removal.get("last") or {}, removal.get("look") or {}
    held = removal.get("held") or {}
    phases = counted_by(row[1] for row in record["entries"].values())
    return {
        "policy": policy or run.get("policy") or "leave",
        "held": held.get("why") or "",
        "held_since": held.get("since"),
        "note": run.get("note") or "",
        "last_run": run.get("when"),
        "cap": run.get("cap"),
        **{name: dict(run.get(name) or {}) for name in ("candidates", "removed", "held_back")},
        "refused": run.get("refused") or 0,
        "brought_back": run.get("brought_back") or 0,
        "looking_since": look.get("started"),
        "looked_at": look.get("in_xdr"),
        "last_look_started": last.get("started"),
        "last_look": last.get("finished"),
        "last_look_whole": bool(last) and not last.get("doubts"),
        "last_look_doubts": list(last.get("doubts") or []),
        "in_xdr": last.get("in_xdr"),
        "by_source": dict(last.get("by_source") or {}),
        "last_look_candidates": dict(last.get("candidates") or {}),
        "last_look_removed": dict(last.get("removed") or {}),
        "on_record": {phase: phases.get(phase, 0) for phase in REMOVAL_PHASES},
        "dropped_from_record": record["dropped"],
    }
