"""Is the sync in step, since when not, and why: from the stored state alone, for people and for playbooks.

Values in, values out. Times of the state are ISO texts in UTC; `now` is the epoch in seconds.

What this module keeps in the state, each of them absent until the first run ended:
  runs           the newest RUNS_KEPT runs, see `RunLine`
  errors         the newest ERRORS_KEPT failures, {when, by, error}
  failing_since  start of the first of the latest runs that failed one after the other, None when the last one did not
  behind_since   the same for runs that failed or ended before all was worked through
  through        {outbound, inbound}: what was changed before this time has arrived on the other side
  whole          start of the last run that did all there was to do
  set_back       when a person set positions back, None once a run did all there was to do after that
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, NamedTuple

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

RUNS_KEPT = 20
ERRORS_KEPT = 10
REASONS_SHOWN = 20
TENANT_REQUESTS_PER_SECOND = 10
RUN_ERROR_LENGTH = 500
SHORT_VALUE = 3
VARYING_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"|\d{4}-\d\d-\d\d(?:[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?|\d{5,}")
SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


@dataclass(frozen=True)
class RunLine:
    """One run. `by` is the command; `first_sync` the indicators of the first sync that it looked at; `requests` those
    sent to Cortex XDR, `throttled` how many of them were answered with 429; `error` and `note` why it failed, or why it
    ended early.
    """

    when: str
    by: str
    seconds: float
    pushed: int
    taken: int
    removed: int
    set_aside: int
    first_sync: int
    requests: int
    throttled: int
    error: str
    note: str


class SyncFacts(NamedTuple):
    """What the report needs to know of the instance, beside its state.

    `sends` and `fetches`: the parameters *Auto Sync* and *Fetch indicators*. `query_mark`: that of today's Sync Query.
    """

    now: float
    interval_seconds: float
    run_seconds: float
    rate: float
    sends: bool
    fetches: bool
    query_mark: str


class WaitingChanges(NamedTuple):
    """Indicators that were changed in XSOAR and not looked at since; `oldest` is when the first of them was changed."""

    number: int
    oldest: str | None


class SyncVerdict(NamedTuple):
    """The answer: `reason` is one word or two for programs, `since` when it stopped being in step, None if that is
    not known or it is in step; `why` a sentence or two.
    """

    in_sync: bool
    reason: str
    since: str | None
    why: str


# ---- after a run


def with_run(
    state: dict[str, Any], run: RunLine, through: Mapping[str, str], whole: bool, decides: bool
) -> dict[str, Any]:
    """The state after a run.

    Args:
        through: the directions that it brought to their end, with the time up to which.
        whole: it did all there was to do.
        decides: whether it tells if the sync is in step. A push by hand between two fetches does not.
    """
    error = {"when": run.when, "by": run.by, "error": run.error}
    changed: dict[str, Any] = {
        "runs": [*state.get("runs", []), asdict(run)][-RUNS_KEPT:],
        "errors": [*state.get("errors", []), *([error] if run.error else [])][-ERRORS_KEPT:],
        "through": {**state.get("through", {}), **through},
    }
    if decides:
        changed["failing_since"] = (state.get("failing_since") or run.when) if run.error else None
        changed["behind_since"] = None if whole else state.get("behind_since") or run.when
        if whole:
            changed |= {"whole": run.when, "set_back": None}
    return {**state, **changed}


# ---- time in words


def epoch_seconds(text: str) -> float:
    """An ISO instant in UTC as the epoch in seconds, cut to a whole one."""
    return datetime.fromisoformat(text[:19]).replace(tzinfo=timezone.utc).timestamp()


def in_words(seconds: float) -> str:
    """A span of time: `5 seconds`, `2 minutes`, `3 hours`, `2 days`."""
    size, name = next(((size, name) for size, name in SPANS if seconds >= size), (1, "second"))
    number = int(seconds // size)
    return f"{number} {name}{'' if number == 1 else 's'}"


def moment_in_words(text: str | None, now: float) -> str:
    """An instant, and how long ago it was or how far ahead it is."""
    if not text:
        return "never"
    ahead = epoch_seconds(text) - now
    told = f"in {in_words(ahead)}" if ahead > 0 else f"{in_words(-ahead)} ago"
    return f"{text[:10]} {text[11:19]} UTC ({told})"


def number_in_words(count: int, name: str) -> str:
    """`1 indicator`, `12,000 indicators`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


# ---- the answer


def sync_verdict(state: Mapping[str, Any], facts: SyncFacts, waiting: WaitingChanges | None = None) -> SyncVerdict:
    """Whether both sides are in step. The first thing that speaks against it is the answer."""
    found = (
        _failing(state, facts)
        or _not_started(state, facts)
        or _query_changed(state, facts)
        or _overdue(state, facts)
        or _first_sync(state, facts)
        or _set_back(state, facts)
        or _behind(state, facts)
        or (waiting and _left_waiting(state, facts, waiting))
    )
    if found:
        return found
    both = [outbound_in_words(state, facts.now), inbound_in_words(state, facts.now)]
    ended = f"the last run ended {moment_in_words(state['last'].get('run'), facts.now)} without an error"
    return SyncVerdict(True, "in sync", None, sentence(both if any(both) else [ended]))


def sentence(parts: Iterable[str]) -> str:
    """Parts as sentences."""
    return " ".join(f"{part[0].upper()}{part[1:].rstrip('.')}." for part in parts if part)


def _failing(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    since = state.get("failing_since")
    if not since:
        return None
    failed = [run for run in state["runs"] if run["error"] and run["when"] >= since]
    first_sync = (state["bulk"] or {}).get("open")
    how_often = "the last run failed"
    if len(failed) > 1:
        number = f"the last {RUNS_KEPT}" if len(failed) == RUNS_KEPT else len(failed)
        how_often = f"every run since then failed, {number} of them, the last with"
    parts = [
        f"{how_often}: {failed[-1]['error']}" if failed else how_often,
        f"the last run that went through began {moment_in_words(state.get('whole'), facts.now)}"
        if state.get("whole")
        else "no run has gone through yet",
        quiet_in_words(state, facts),
        first_sync_in_words(state["bulk"]) if first_sync else outbound_in_words(state, facts.now),
        inbound_in_words(state, facts.now),
    ]
    return SyncVerdict(False, "failing", state.get("behind_since") or since, sentence(parts))


def _not_started(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    if state["last"].get("run") or (state["fresh"] and not facts.fetches):
        return None
    if (state["bulk"] or {}).get("open"):
        return None
    hint = "" if facts.fetches else "the parameter 'Fetch indicators' is off, so nothing runs by itself"
    return SyncVerdict(False, "not started", None, sentence(["no run of the sync has ended yet", hint]))


def _query_changed(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    if not state["fresh"] or state["query"] == facts.query_mark or not facts.sends:
        return None
    return SyncVerdict(
        False,
        "query changed",
        state.get("whole"),
        "The Sync Query was changed after the last run; the next run begins to send what the new one finds.",
    )


def _first_sync(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    bulk = state["bulk"] or {}
    if not bulk.get("open"):
        return None
    eta = first_sync_eta(state, facts)
    ahead = outbound_in_words(state, facts.now)
    parts = [
        first_sync_in_words(bulk),
        f"it will be done at about {moment_in_words(eta, facts.now)}" if eta else "",
        f"what changed since it began does not wait for it: of that, {ahead}" if ahead else "",
    ]
    return SyncVerdict(False, "first sync", bulk["started"], sentence(parts))


def _overdue(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    quiet = quiet_in_words(state, facts)
    if not quiet:
        return None
    bulk = state["bulk"] or {}
    parts = [
        f"{quiet}, although one is due every {in_words(facts.interval_seconds)}",
        "is the instance enabled, and does its fetch run? A run that is ended from outside leaves no trace here",
        first_sync_in_words(bulk) if bulk.get("open") else outbound_in_words(state, facts.now),
        inbound_in_words(state, facts.now),
    ]
    since = bulk["started"] if bulk.get("open") else state.get("whole") or state["last"].get("run")
    return SyncVerdict(False, "overdue", since, sentence(parts))


def quiet_in_words(state: Mapping[str, Any], facts: SyncFacts) -> str:
    """That no run ended, and nothing was sent, for longer than two intervals and a run; empty when that is not so."""
    signs = [state["last"].get("run"), state["last"].get("outbound"), (state["bulk"] or {}).get("started")]
    last = max((epoch_seconds(sign) for sign in signs if sign), default=None)
    if not facts.fetches or last is None or facts.now - last <= 2 * facts.interval_seconds + facts.run_seconds:
        return ""
    return f"no run has ended for {in_words(facts.now - last)}"


def _set_back(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    since = state.get("set_back")
    if not since:
        return None
    parts = [
        f"a person set the position back {moment_in_words(since, facts.now)}",
        "the next run sends and reads again from there on",
        outbound_in_words(state, facts.now),
        inbound_in_words(state, facts.now),
    ]
    return SyncVerdict(False, "set back", since, sentence(parts))


def _behind(state: Mapping[str, Any], facts: SyncFacts) -> SyncVerdict | None:
    since = state.get("behind_since")
    if not since:
        return None
    note = state["runs"][-1]["note"] if state.get("runs") else ""
    parts = [
        f"there was more to do than the time of a run allows{': ' + note if note else ''}",
        "the next run goes on from there",
        outbound_in_words(state, facts.now),
        inbound_in_words(state, facts.now),
    ]
    return SyncVerdict(False, "behind", since, sentence(parts))


def _left_waiting(state: Mapping[str, Any], facts: SyncFacts, waiting: WaitingChanges) -> SyncVerdict | None:
    """Changes that nobody will send, or that a run should have sent."""
    if not waiting.number or not waiting.oldest:
        return None
    number, moment = number_in_words(waiting.number, "indicator"), moment_in_words(waiting.oldest, facts.now)
    changed = f"{number} changed in XSOAR since {moment}"
    if not facts.sends or not facts.fetches:
        name = "Fetch indicators" if not facts.fetches else "Auto Sync"
        how = f"the parameter '{name}' is off, so they go out by `!xdr-iocs-push` or a playbook only"
        return SyncVerdict(False, "waiting", waiting.oldest, sentence([changed, how]))
    up_to = (state.get("through") or {}).get("outbound")
    if not up_to or epoch_seconds(waiting.oldest) + 120 >= epoch_seconds(up_to):
        return None
    why = f"the run that began {moment_in_words(up_to, facts.now)} did not find them; the next one will"
    return SyncVerdict(False, "waiting", waiting.oldest, sentence([changed, why]))


def outbound_in_words(state: Mapping[str, Any], now: float) -> str:
    """Up to when XSOAR's changes are in Cortex XDR; empty as long as no run brought that to its end."""
    up_to = (state.get("through") or {}).get("outbound")
    return f"everything changed in XSOAR up to {moment_in_words(up_to, now)} is in Cortex XDR" if up_to else ""


def inbound_in_words(state: Mapping[str, Any], now: float) -> str:
    """As `outbound_in_words`, the other way round."""
    up_to = (state.get("through") or {}).get("inbound")
    return f"everything changed in Cortex XDR up to {moment_in_words(up_to, now)} is in XSOAR" if up_to else ""


# ---- the first sync


def first_sync_in_words(bulk: Mapping[str, Any]) -> str:
    done, total = bulk["done"], max(bulk["done"], bulk["total"])
    share = f" ({100 * done // total} %)" if total else ""
    return f"the first sync is under way: {done:,} of about {number_in_words(total, 'indicator')}{share} are delivered"


def first_sync_eta(state: Mapping[str, Any], facts: SyncFacts) -> str | None:
    """When the first sync will be done if it goes on as in its last run; None when it is not open or nobody knows."""
    bulk = state["bulk"] or {}
    left = max(0, bulk.get("total", 0) - bulk.get("done", 0))
    if not bulk.get("open") or not bulk["done"]:
        return None
    run = next((run for run in reversed(state.get("runs") or []) if run["first_sync"]), None)
    if run is None or epoch_seconds(run["when"]) < epoch_seconds(bulk["started"]):
        elapsed = max(1.0, facts.now - epoch_seconds(bulk["started"]))
        return _iso(facts.now + left * elapsed / bulk["done"])
    begins = max(facts.now, epoch_seconds(run["when"]) + (facts.interval_seconds if facts.fetches else 0))
    more = max(0, math.ceil(left / run["first_sync"]) - 1)
    seconds = max(run["seconds"], 0.1) * (left - more * run["first_sync"]) / run["first_sync"]
    return _iso(begins + more * facts.interval_seconds + seconds)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- figures


def run_figures(state: Mapping[str, Any], rate: float) -> dict[str, Any]:
    """How fast the run was that sent most, and what the last one used of the tenant's limit."""
    runs = state.get("runs") or []
    sent = max((run for run in runs if run["pushed"]), key=lambda run: int(run["pushed"]), default=None)
    last = runs[-1] if runs else {"requests": 0, "throttled": 0, "seconds": 0}
    # The first request of a run starts at once, so the pace is that of the others.
    paced = max(last["requests"] - 1, min(last["requests"], 1))
    return {
        "throughput": round(sent["pushed"] / max(sent["seconds"], 0.1), 1) if sent else None,
        "requests": last["requests"],
        "requests_per_second": round(paced / max(last["seconds"], 1.0), 2),
        "requests_per_second_allowed": rate,
        "requests_per_second_of_tenant": TENANT_REQUESTS_PER_SECOND,
        "requests_throttled": last["throttled"],
    }


def reason_kind(reason: str, value: str = "") -> str:
    """A reason without what differs from record to record, so that equal ones can be counted."""
    return VARYING_TEXT.sub("...", reason.replace(value, "...") if len(value) > SHORT_VALUE else reason)


def rejects_by_reason(rejects: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is set aside, most frequent reason first, with an example and the time of the newest."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for value, entry in rejects.items():
        kind = reason_kind(str(entry["reason"]), value)
        row = found.setdefault(
            (kind, entry["direction"]),
            {"reason": kind, "direction": entry["direction"], "records": 0, "example": value, "newest": entry["when"]},
        )
        row["records"] += 1
        if entry["when"] >= row["newest"]:
            row |= {"example": value, "newest": entry["when"]}
    return sorted(found.values(), key=lambda row: -row["records"])[:REASONS_SHOWN]


# ---- for people

SHOWN_RUNS = 5
SHOWN_ERRORS = 3
SHOWN_OUTCOME = 80
RUN_HEADERS = {
    "when": "Began",
    "by": "By",
    "seconds": "Seconds",
    "pushed": "To XDR",
    "taken": "From XDR",
    "removed": "Removed",
    "set_aside": "Set aside",
    "requests": "Requests",
    "throttled": "429s",
    "outcome": "Ended",
}


def status_text(status: Mapping[str, Any], now: float) -> str:
    """The outputs of the status command for people: the answer, then what is behind it."""
    blocks = [
        status_answer(status, now),
        tableToMarkdown("Figures", _figure_rows(status, now), headers=["What", "State"]),
        _reasons_table(status),
        _removal_table(status, now),
        _runs_table(status),
        _errors_table(status, now),
    ]
    return "\n".join(block for block in blocks if block)


def status_answer(status: Mapping[str, Any], now: float) -> str:
    """The first lines: in sync or not, since when not, why, and what is kept out."""
    since = f", since {moment_in_words(status['not_in_sync_since'], now)}" if status["not_in_sync_since"] else ""
    aside = status["set_aside_now"]
    head = f"### In sync: {'yes' if status['in_sync'] else 'no'}{since}"
    if aside and status["in_sync"]:
        head += f", except {number_in_words(aside, 'record')} set aside"
    lines = [head, status["why"]]
    if aside:
        more = f", and {status['set_aside_not_listed']:,} older ones" if status["set_aside_not_listed"] else ""
        verb = "is" if aside == 1 and not more else "are"
        lines.append(
            f"{number_in_words(aside, 'record')}{more} {verb} set aside, for the reasons below; "
            "`!xdr-iocs-rejects` lists them."
        )
    lines.append(removal_in_words(status["removal"], now))
    return "\n".join(line for line in lines if line) + "\n"


def removal_in_words(removal: Mapping[str, Any], now: float) -> str:
    """What is done with IOCs that are not wanted any more, what was removed, and why not more."""
    if removal["policy"] == "leave":
        return "Nothing is removed from Cortex XDR by itself: the removal policy is 'leave'."
    if removal["held"]:
        since = f" since {moment_in_words(removal['held_since'], now)}" if removal["held_since"] else ""
        hint = "" if "xdr-iocs-remove" in removal["held"] else " `!xdr-iocs-remove` shows what it is about."
        return f"Removal is held{since}: {removal['held'].rstrip('.')}.{hint}"
    done = sum(row["iocs"] for row in removal["on_record"] if row["phase"] == "done")
    last = sum(row["removed"] for row in removal["by_reason"])
    back = sum(row["held_back"] for row in removal["by_reason"])
    text = f"{number_in_words(done, 'IOC')} {'is' if done == 1 else 'are'} removed (policy '{removal['policy']}'), "
    text += f"the last run removed {last:,}; `!xdr-iocs-removed` lists them."
    return text + (f" {back:,} more wait for the cap of {removal['cap']:,} per run." if back else "")


def _removal_table(status: Mapping[str, Any], now: float) -> str:
    removal = status["removal"]
    if removal["policy"] == "leave" and not removal["on_record"]:
        return ""
    parts = [f"{row['reason']}: {row['removed']:,} of {row['candidates']:,}" for row in removal["by_reason"]]
    record = [f"{row['iocs']:,} {row['phase']}" for row in removal["on_record"]]
    sources = [f"{row['iocs']:,} of {row['source'] or 'no source'}" for row in removal["by_source"]]
    rows = {
        "Policy": removal["policy"],
        "Removed in the last run, of candidates": ", ".join(parts),
        "Held": removal["held"],
        "Last run": moment_in_words(removal["last_run"], now) if removal["last_run"] else "",
        "Ended early": removal["note"],
        "On record": ", ".join(record),
        "All of Cortex XDR looked through": moment_in_words(removal["last_look"], now),
        "Found there": ", ".join(sources),
        "Doubts": removal["last_look_doubts"],
        "Being looked through since": moment_in_words(removal["looking_since"], now)
        if removal["looking_since"]
        else "",
    }
    told = [{"What": name, "State": text} for name, text in rows.items() if text]
    return tableToMarkdown("Removal", told, headers=["What", "State"])


def _figure_rows(status: Mapping[str, Any], now: float) -> list[dict[str, str]]:
    found = status.get("indicators")
    kinds = [f"{row['indicators']:,} {row['type']}" for row in status.get("by_type") or ()]
    verdicts = [f"{row['indicators']:,} {row['verdict']}" for row in status.get("by_verdict") or ()]
    changes = number_in_words(status["changes_from_xdr"], "change")
    rows = {
        "Phase": status["phase"],
        "First sync": _first_sync_row(status, now),
        "Waiting in XSOAR": _waiting_row(status),
        "The Sync Query finds": number_in_words(found, "indicator") if found is not None else "",
        "of these, by type": ", ".join(kinds),
        "of these, by verdict": ", ".join(verdicts),
        "Sent to Cortex XDR so far": f"{status['pushed']:,}; {status['without_news']:,} were in order there already",
        "Taken from Cortex XDR so far": f"{status['taken_from_xdr']:,} of {changes} there",
        "Changed on both sides at once": f"{status['changed_on_both_sides']:,}",
        "Speed of the largest run": f"{status['throughput']:,} records per second" if status["throughput"] else "",
        "Requests of the last run": _requests_row(status),
        "Ended early": status["last_note"],
        "API key type": status["key_type"],
    }
    return [{"What": name, "State": text} for name, text in rows.items() if text]


def _first_sync_row(status: Mapping[str, Any], now: float) -> str:
    if not status["first_sync_started"]:
        return ""
    done = status["first_sync_done"]
    if status["first_sync_finished"]:
        return f"done {moment_in_words(status['first_sync_finished'], now)}, {number_in_words(done, 'indicator')}"
    begun, eta = moment_in_words(status["first_sync_started"], now), status["first_sync_eta"]
    text = f"{done:,} of about {status['first_sync_total']:,}, begun {begun}"
    return f"{text}, done at about {moment_in_words(eta, now)}" if eta else text


def _waiting_row(status: Mapping[str, Any]) -> str:
    if status["waiting"] is None:
        return ""
    if not status["waiting"]:
        return "nothing"
    changes = number_in_words(status["waiting"], "change")
    return f"{changes} for the next run, the oldest for {in_words(status['lag_seconds'])}"


def _requests_row(status: Mapping[str, Any]) -> str:
    if not status["runs"]:
        return ""
    seconds = status["runs"][0]["seconds"]
    # A run of less than a second has no pace that says something.
    pace = f", {status['requests_per_second']:g} per second" if seconds >= 1 else ""
    return (
        f"{status['requests']:,} in {seconds:g} s{pace}; "
        f"allowed are {status['requests_per_second_allowed']:g} by the parameter and "
        f"{status['requests_per_second_of_tenant']} by the tenant to all its clients; "
        f"{status['requests_throttled']:,} were turned away (429)"
    )


def _reasons_table(status: Mapping[str, Any]) -> str:
    rows = [
        {
            "Records": row["records"],
            "Reason": row["reason"],
            "Way": row["direction"],
            "Newest": row["newest"],
            "For example": row["example"],
        }
        for row in status["set_aside_by_reason"]
    ]
    return tableToMarkdown("Set aside, by reason", rows, headers=list(rows[0])) if rows else ""


def _runs_table(status: Mapping[str, Any]) -> str:
    rows = []
    for run in status["runs"][:SHOWN_RUNS]:
        outcome = f"failed: {run['error']}" if run["error"] else f"early: {run['note']}" if run["note"] else "ok"
        rows.append({title: run.get(name, _outcome_cut(outcome)) for name, title in RUN_HEADERS.items()})
    return tableToMarkdown("Last runs", rows, headers=list(RUN_HEADERS.values())) if rows else ""


def _outcome_cut(text: str) -> str:
    return text if len(text) <= SHOWN_OUTCOME else f"{text[:SHOWN_OUTCOME]} ..."


def _errors_table(status: Mapping[str, Any], now: float) -> str:
    rows = [
        {"When": moment_in_words(one["when"], now), "Error": one["error"]} for one in status["errors"][:SHOWN_ERRORS]
    ]
    return tableToMarkdown("Last errors", rows, headers=["When", "Error"]) if rows else ""
