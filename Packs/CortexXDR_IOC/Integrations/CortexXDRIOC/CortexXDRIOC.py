"""Keeps the indicators of XSOAR and the IOCs of Cortex XDR the same, both ways.

In this order: settings, client, pure functions (values in, values out), the sync steps, the commands, and `main`, the
only
place that touches `demisto`.

How the sync keeps its promises
-------------------------------
Outbound has two lanes. The *bulk* lane walks everything that the Sync Query matched when the sync began, newest
change first. The
*fresh* lane follows what changed since then and always goes first. A lane's cursor is stored after Cortex XDR
accepted the request that
holds everything before it, never earlier; a request is one page of the search, so a killed run repeats its
unacknowledged requests only.
The cursor is the position that XSOAR's search gave (`searchAfter`), so no clock of this machine takes part.

Inbound reads `get_changes`, works through it in order of change and stores the time of the last change after XSOAR
took the indicators.
Each indicator that was changed in Cortex XDR carries a small record of it (field `xdriocstate`): what XDR holds
(`theirs`) and what this
integration would have sent right after (`base`). Outbound compares field by field: what still equals `base` was not
changed in XSOAR and
is not sent back; what differs was changed by a person or a feed and is sent. That is how both ways work without echo.
"""

import base64
import csv
import hashlib
import io
import json
import re
import tempfile
import zipfile
from array import array
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple

import demistomock as demisto
from CommonServerPython import *
from CortexXDRApiModule import *
from HttpRetryApiModule import *
from IndicatorMappingApiModule import *
from IOCRemovalApiModule import *
from IOCStatusApiModule import *
from ParametersApiModule import *
from VersionedStateApiModule import *

BATCH_SIZE = 40_000
MAX_REQUEST_SIZE = 4_000
CREATE_SLICE = 2_000
LOOKUP_SLICE = 200
INBOUND_WINDOW = 10_000
LOOKBACK_NS = 60 * 10**9
LOOKBACK_MS = 60 * 1000
ROWS_REMEMBERED = 1_000
NOTED_MS = 60 * 60 * 1000
NOTED_KEPT = 1_000
SHARED_SLICE = 200
SHARED_TURNS = 3
FIRST_INBOUND_MS = 10 * 60 * 1000
MARKS_KEPT = 1_000
UNTAKEN_KEPT = 100_000
HELD_RUNS = 3
UNREADABLE_NS = 2**62
REJECTS_KEPT = 1_000
TO_XDR, FROM_XDR = "to XDR", "from XDR"
REJECT_COLUMNS = ("indicator", "type", "reason", "direction", "when")
RULES_PAGE = 100
RULES_OVERLAP = 10
RULES_AT_ONCE = 10
STEPS_BACK = 20
COMPARE_PAGE = 1_000
FINDINGS_KEPT = 200
FINDING_COLUMNS = ("indicator", "type", "finding", "fields", "in_xsoar", "in_xdr", "reason", "repair")
ONLY_XSOAR, ONLY_XDR = "only in XSOAR", "only in XDR"
DIFFERING, OUTSIDE = "differing", "outside of the Sync Query"
EQUAL, NOWHERE = "equal", "nowhere"
REMOVAL_SLICE = 200
EXPIRES_IN_MS = 10 * 60 * 1000
STALE_AFTER_SECONDS = 60
NO_OWNERS: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
VERDICTS = {1: "Good", 2: "Suspicious", 3: "Bad"}
SAMPLE_SIZE = 50
REASONS_KEPT = 50
OTHER_REASONS = "other reasons"
TIMELINE = "Integration Update"
MIN_FETCH_INTERVAL_MINUTES = 15
SERVER_LIMIT_SECONDS = 180
STATE_VERSION = 1
XSOAR_SOURCE = "XSOAR TIM"
MODIFIED_ASCENDING = [{"field": "modified", "asc": True}, {"field": "id", "asc": True}]
MODIFIED_DESCENDING = [{"field": "modified", "asc": False}, {"field": "id", "asc": False}]
POPULATED_FIELDS = (
    "value,indicator_type,score,expiration,modified,aggregatedReliability,moduleToFeedMap,comments,id,CustomFields,manualScore,"
    "manuallyEditedFields"
)


# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. Times in seconds unless the name says otherwise.

    `severity` is an XDR severity in capitals; `comment_field` the cli name of the field that is exchanged with XDR's
    comment, `comments`
    meaning the indicator's own comments; `link_prefix` is empty unless the link to the indicator is part of the
    comment.
    """

    url: str
    key: XDRKey
    detect_key_type: bool
    verify: bool
    proxy: bool
    query: str
    feed: bool
    auto_sync: bool
    severity: str
    override_severity: bool
    severity_field: str
    comment_field: str
    link_prefix: str
    comments_as_tags: bool
    tags: tuple[str, ...]
    tlp_color: str
    fetch_interval_minutes: int
    time_budget: float
    request_size: int
    in_flight: int
    rate: float
    extensive_logs: bool
    removal: RemovalRules
    keep_query: str
    label: str
    instance: str

    @property
    def effective_query(self) -> str:
        """The Sync Query, limited to what has not expired."""
        return f"expirationStatus:active and ({self.query})"

    @property
    def query_mark(self) -> str:
        """Changes exactly when the Sync Query or the label changes."""
        text = f"{self.query}\n{self.label}" if self.label else self.query
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def settings_from_params(
    params: Mapping[str, Any], server_url: str = "", saas: bool = True, instance: str = ""
) -> Settings:
    """Check every parameter once. `instance` is the name of the instance in XSOAR.

    Raises:
        ValueError: names the parameter by id and title, the value, and what is allowed. Never shows a secret.
    """
    severity = text_param(params, "severity").lower()
    if severity not in SEVERITIES:
        raise ValueError(
            f"Parameter 'severity' (Overriding severity value): {params.get('severity')!r} "
            f"is not one of {', '.join(SEVERITIES)}."
        )
    query = text_param(params, "query")
    if not query:
        raise ValueError("Parameter 'query' (Sync Query) is empty; it decides which indicators are sent to Cortex XDR.")
    comment_field, link = comment_params(params)
    as_tags = flag_param(params, "comments_as_tags", False)
    if as_tags and comment_field == "comments":
        raise ValueError(
            "Parameter 'comments_as_tags' (Comments as tags) does not work with the field 'comments': choose another "
            "field in "
            "'xsoar_comments_field' (XSOAR Comment Field Exporting To XDR), or switch it off."
        )
    key_type = text_param(params, "api_key_type") or "auto"
    if key_type not in ("auto", *XDR_KEY_TYPES):
        raise ValueError(
            f"Parameter 'api_key_type' (API Key Type): {key_type!r} is not one of auto, advanced, standard."
        )
    key = XDRKey(
        key_param(params, "apikey_id", "API Key ID"),
        key_param(params, "apikey", "API Key"),
        "advanced" if key_type == "auto" else key_type,
    )
    link_prefix = server_url.rstrip("/") + ("/indicator/" if saas else "/#/indicator/")
    return Settings(
        url=xdr_base_url(text_param(params, "url")),
        key=key,
        detect_key_type=key_type == "auto",
        verify=not flag_param(params, "insecure", False),
        proxy=flag_param(params, "proxy", False),
        query=query,
        feed=flag_param(params, "feed", True),
        auto_sync=flag_param(params, "autoSync", True),
        severity=severity.upper(),
        override_severity=flag_param(params, "override_severity", True),
        severity_field=cli_name(text_param(params, "xsoar_severity_field") or "sourceoriginalseverity"),
        comment_field=comment_field,
        link_prefix=link_prefix if link else "",
        comments_as_tags=as_tags,
        tags=tuple(tag for tag in argToList(params.get("feedTags") or params.get("tag")) if tag),
        tlp_color=text_param(params, "tlp_color"),
        fetch_interval_minutes=int(number_param(params, "feedFetchInterval", "Feed Fetch Interval", 20, 1, 100_000)),
        time_budget=number_param(params, "fetch_time_budget_seconds", "Time budget of a run", 150, 10, 86_400),
        request_size=int(
            number_param(params, "request_size", "Indicators per request", MAX_REQUEST_SIZE, 1, MAX_REQUEST_SIZE)
        ),
        in_flight=int(number_param(params, "max_requests_in_flight", "Requests in flight", 2, 1, 8)),
        rate=number_param(params, "requests_per_second", "Requests per second", 8, 0.1, 10),
        extensive_logs=flag_param(params, "extensive_logs", False),
        removal=removal_params(params),
        keep_query=text_param(params, "keep_query"),
        label=label_param(params),
        instance=instance,
    )


def removal_params(params: Mapping[str, Any]) -> RemovalRules:
    """The parameters of removal. Without them nothing is removed."""
    policy = text_param(params, "removal_policy").lower() or "leave"
    if policy not in REMOVAL_POLICIES:
        raise ValueError(
            f"Parameter 'removal_policy' (What to do with IOCs that are not wanted any more): {policy!r} "
            f"is not one of {', '.join(REMOVAL_POLICIES)}."
        )
    given = REMOVAL_REASONS if params.get("removal_reasons") is None else argToList(params["removal_reasons"])
    reasons = frozenset(str(reason).strip() for reason in given if str(reason).strip())
    for reason in sorted(reasons.difference(REMOVAL_REASONS)):
        raise ValueError(
            f"Parameter 'removal_reasons' (Reasons for a removal): {reason!r} "
            f"is not one of {', '.join(REMOVAL_REASONS)}."
        )
    sources = frozenset(str(name).strip() for name in argToList(params.get("removal_sources") or XSOAR_SOURCE))
    hours = number_param(params, "removal_interval_hours", "Hours between two looks through Cortex XDR", 24, 1, 8760)
    return RemovalRules(
        policy=policy,
        percent=number_param(params, "removal_cap_percent", "Removals per run (percent)", 5, 0.1, 100),
        interval_ms=int(hours * 3_600_000),
        reasons=reasons,
        sources=sources - {""},
        types=frozenset(XSOAR_TYPE),
        label=label_param(params),
    )


def label_param(params: Mapping[str, Any]) -> str:
    label = text_param(params, "source_label")
    if label and not LABEL_SHAPE.fullmatch(label):
        raise ValueError(
            f"Parameter 'source_label' (Source Label): {label!r} may have letters, digits, blanks, '.', '_' and '-', "
            "at most 32 of them."
        )
    return label


def key_param(params: Mapping[str, Any], name: str, title: str) -> str:
    """A secret from its credentials parameter, or from the hidden one of older configurations."""
    given = (params.get(f"{name}_creds") or {}).get("password") or params.get(name)
    return secret_param({f"{name}_creds": {"password": given}}, f"{name}_creds", title)


def cli_name(field_name: str) -> str:
    """A field as users write it, as the name that XSOAR stores it under."""
    return field_name.lower().replace(" ", "")


def comment_params(params: Mapping[str, Any]) -> tuple[str, bool]:
    """The comment field, and whether the link to the indicator is added. At most one field besides `indicator_link`."""
    names = [str(name).strip() for name in argToList(params.get("xsoar_comments_field")) if str(name).strip()]
    fields = [name for name in names if name != "indicator_link"]
    if len(fields) > 1:
        raise ValueError(
            "Parameter 'xsoar_comments_field' (XSOAR Comment Field Exporting To XDR): "
            f"{', '.join(names)!r} names more than one field; give one, and 'indicator_link' beside it if wanted."
        )
    return cli_name(fields[0]) if fields else "comments", "indicator_link" in names


# ---- client


class InsertReply(NamedTuple):
    """What Cortex XDR said to an insert: `errors` are (value, reason) of records that it did not take."""

    errors: list[tuple[str, str]]


class IndicatorClient(XDRClient):
    """The indicator calls of the Cortex XDR public API, `/public_api/v1/indicators/`.

    Wire formats are those of the vendor's API reference (`get_changes`, `insert_jsons`, `enable_iocs`,
    `disable_iocs`) and, for the calls
    that the reference leaves out (`tim_insert_jsons`, `sync_tim_iocs`), what public connectors send.
    """

    def insert(self, records: Sequence[Mapping[str, Any]]) -> InsertReply:
        """Upsert IOCs. Records that XDR refuses come back with its reason; all others are in force when this returns.

        Raises:
            XDRTooLargeError, XDRBadRequestError: nothing of this request was taken.
            XDRRetryError: XDR may or may not have taken it; sending it again is safe.
        """
        body = json.dumps({"request_data": records, "validate": True}).encode("utf-8")
        reply = self.call("indicators/tim_insert_jsons/", body)
        must_be_success("tim_insert_jsons", reply)
        errors = reply.get("validation_errors") if isinstance(reply, dict) else None
        items = [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
        return InsertReply([(str(item.get("indicator") or "(unnamed)"), str(item.get("error"))) for item in items])

    def set_status(self, values: Sequence[str], enabled: bool) -> None:
        """Enable or disable IOCs by value. Values that XDR does not know are ignored by it."""
        path = "indicators/enable_iocs" if enabled else "indicators/disable_iocs"
        must_be_success(path, self.post(path, list(values)))

    def changes(self, since_ms: int) -> "ChangeSpool":
        """All IOC rows changed at or after `since_ms`, spooled to a temporary file so that memory does not grow
        with them.
        """
        body = json.dumps({"request_data": {"last_update_ts": since_ms}}).encode("utf-8")
        spool: ChangeSpool = self.call("indicators/get_changes", body, read=ChangeSpool.receive)
        return spool

    def read_back(self, start: int = 0, values: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """At most RULES_PAGE IOCs that XDR holds, from position `start` on: all of them, or those with these values.

        The API promises no order. What is deleted in XDR is absent.
        """
        some = [] if values is None else [{"field": "indicator", "operator": "IN", "value": list(values)}]
        return self.listed(start, RULES_PAGE, some)

    def with_hits(self, start: int, count: int) -> list[dict[str, Any]]:
        """At most `count` IOCs, no more than RULES_PAGE, that have hits.

        Raises:
            XDRBadRequestError: the tenant does not filter by them. The reference does not say whether one does.
        """
        return self.listed(start, count, [{"field": "number_of_issues", "operator": "GTE", "value": 1}])

    def listed(self, start: int, count: int, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        wanted: dict[str, Any] = {"extended_view": True, "search_from": start, "search_to": start + count}
        if filters:
            wanted["filters"] = filters
        reply = self.post_documented("indicators/get", wanted, "read back")
        found = reply.get("objects") if isinstance(reply, dict) else None
        if not isinstance(found, list):
            raise XDRRetryError("Cortex XDR answered indicators/get without a list of objects")
        return [rule for rule in found if isinstance(rule, dict)]

    def delete(self, value: str) -> bool:
        """Delete the IOC with this value. Gives whether there was one; deleting what is absent is no error.

        One value per call: the reference shows this filter with `EQ` only, and a filter that is read differently would
        delete something else.
        """
        wanted = {"filters": [{"field": "indicator", "operator": "EQ", "value": value}]}
        reply = self.post_documented("indicators/delete", wanted, "deleted by this integration")
        deleted = reply.get("objects") if isinstance(reply, dict) else None
        if not isinstance(deleted, list):
            raise XDRRetryError("Cortex XDR answered indicators/delete without a list of objects")
        return bool(deleted)

    def post_documented(self, path: str, data: Any, what: str) -> Any:
        """A call that newer tenants offer. Raises XDRConfigError that says so where it is missing."""
        try:
            return self.post(path, data)
        except XDRConfigError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                text = f"This tenant does not offer the call {path}, so its IOCs cannot be {what}."
                raise XDRConfigError(text, error.status) from error
            raise

    def upload(self, path: str, write: Callable[[IO[bytes]], None]) -> None:
        """Send a file of one line per IOC as the multipart part `file`. `write` puts the lines into the body, which
        lies on disk.
        """
        boundary = hashlib.sha256(str(self.retry.now()).encode()).hexdigest()
        with tempfile.NamedTemporaryFile(suffix=".multipart") as body:
            body.write(
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="iocs.json"\r\n'
                "Content-Type: application/json\r\n\r\n".encode()
            )
            write(body)  # type: ignore[arg-type]
            body.write(f"\r\n--{boundary}--\r\n".encode())
            body.flush()
            reopened = Path(body.name)
            reply = self.call(path, lambda: reopened.open("rb"), f"multipart/form-data; boundary={boundary}")
            must_be_success(path, reply)


def must_be_success(path: str, reply: Any) -> None:
    """Raises XDRRetryError for a reply that XDR itself calls a failure, with its reason."""
    if isinstance(reply, dict) and reply.get("success") is False:
        reason = str(reply.get("error") or reply.get("message") or "no reason given")[:200]
        raise XDRRetryError(f"Cortex XDR answered success=false to {path}: {reason}")


class ChangeSpool:
    """The rows of a `get_changes` reply on disk, given out in order of change in windows that fit into memory.

    The API does not page this reply and promises no order, so both are made here: one pass to learn the times of
    change, one to sort the
    rows into files of at most about 10,000.
    """

    def __init__(self, body: IO[bytes], times: "array[int]") -> None:
        self.body = body
        self.times = times

    @classmethod
    def receive(cls, response: requests.Response) -> "ChangeSpool":
        """Read the whole reply. Raises ValueError or requests' errors when it is torn."""
        body = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        try:
            for chunk in response.iter_content(1 << 20):
                body.write(chunk)
            return cls(body, array("q", (row_time(row) for row in json_rows(body))))
        except BaseException:
            body.close()
            raise

    def __len__(self) -> int:
        return len(self.times)

    def close(self) -> None:
        """Give the disk space back. No windows after this."""
        self.body.close()

    def windows(self, size: int = INBOUND_WINDOW) -> Iterator[list[dict[str, Any]]]:
        """Lists of rows, together complete, each list later than the one before; equal times stay together."""
        if not self.times:
            return
        ordered = sorted(self.times)
        uppers = sorted({ordered[min(end, len(ordered)) - 1] for end in range(size, len(ordered) + size, size)})
        if len(uppers) == 1:
            yield sorted(json_rows(self.body), key=row_time)
            return
        with ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in uppers]
            for row in json_rows(self.body):
                files[bisect_left(uppers, row_time(row))].write(json.dumps(row) + "\n")
            for file in files:
                file.seek(0)
                yield sorted((json.loads(line) for line in file), key=row_time)
                file.close()


def json_rows(body: IO[bytes], chunk_size: int = 1 << 20) -> Iterator[dict[str, Any]]:
    """The objects of a JSON list, bare or under `reply`, read from a file piece by piece.

    Raises:
        ValueError: the text ends before the list does, or is no such list.
    """
    body.seek(0)
    decoder, text, position = json.JSONDecoder(), "", 0
    reader = read_text(body, chunk_size)
    text = next(reader, "")
    opening = re.match(r'\s*(?:\{\s*"reply"\s*:\s*)?\[', text)
    if not opening:
        raise ValueError("the reply is not a list of IOCs")
    position = opening.end()
    while True:
        gap = re.compile(r"[\s,]*").match(text, position)
        position = gap.end() if gap else position
        if text.startswith("]", position):
            return
        try:
            row, position = decoder.raw_decode(text, position)
        except ValueError:
            more = next(reader, None)
            if more is None:
                raise ValueError("the list of IOCs broke off") from None
            text, position = text[position:] + more, 0
            continue
        if isinstance(row, dict):
            yield row


def read_text(body: IO[bytes], chunk_size: int) -> Iterator[str]:
    """A binary file as text pieces, never cutting through a character."""
    rest = b""
    while piece := body.read(chunk_size):
        piece = rest + piece
        cut = len(piece)
        while cut and (piece[cut - 1] & 0xC0) == 0x80:
            cut -= 1
        cut = max(cut - 1, 0) if cut and piece[cut - 1] >= 0xC0 else len(piece)
        rest = piece[cut:]
        yield piece[:cut].decode("utf-8")
    if rest:
        yield rest.decode("utf-8")


# ---- pure functions: state

# The state of an instance, version 1 (JSON, see VersionedStateApiModule), has these members:
#   epoch     grows with each new start; a run that began in an older epoch may not move today's cursors
#   query     mark of the Sync Query that the lanes follow
#   key_type  kind of API key that worked
#   bulk      null, or {open, bound, after, done, total, started, finished}: everything up to `bound`, newest first
#   fresh     null, or {edge, after, since, marks, done}: everything after, oldest first; see FreshLane
#   inbound   {ts, rows, conflicts, seen, held}: `ts` is the time of the last change taken from XDR, in its
# milliseconds; `rows` counts each once; `seen` (optional) has marks of the newest rows, which a look-back meets again;
# `held` (optional) is the number of runs in a row that sent nothing because XDR's changes could not be read; of an
# instance with a label also `noted`, see `lately_noted`
#   rejects   {value: {type, reason, when, direction}}, at most REJECTS_KEPT, oldest dropped and counted in
# rejects_dropped; `refused` marks what Cortex XDR itself refused. Absent or a number: `rejects_lost`, how many of the
# dropped ones nobody finds anew, see `with_rejects`
#   counts    {pushed, no_news, rejected, created}
#   last      {outbound, inbound, error, note, run}
#   compare   absent, or where the comparison of both sides is, see `new_comparison`
#   removal   absent, or where removal is, see `new_look`; what was removed is on record under another key
#   runs, errors, failing_since, behind_since, through, whole, set_back: what the runs did, see IOCStatusApiModule


class SupersededError(DemistoException):
    """The sync was started anew while this run was under way; the new start does all the work."""


def new_state(now_ms: int) -> dict[str, Any]:
    return {
        "epoch": 0,
        "query": "",
        "key_type": "",
        "bulk": None,
        "fresh": None,
        "inbound": {"ts": now_ms - FIRST_INBOUND_MS, "rows": 0, "conflicts": 0},
        "rejects": {},
        "rejects_dropped": 0,
        "counts": {"pushed": 0, "no_news": 0, "rejected": 0, "created": 0},
        "last": {},
    }


class Page(NamedTuple):
    """One answer of XSOAR's search. `after` is the position behind it, None when the server gave none. `short`:
    nothing follows it.
    """

    iocs: list[dict[str, Any]]
    after: list[Any] | None
    total: int
    short: bool


class Position(NamedTuple):
    """Where a listing ends: the newest `modified` in it, as text, and the position behind it; both None when it is
    empty.
    """

    edge: str | None
    after: list[Any] | None
    total: int


def started(state: dict[str, Any], query_mark: str, newest: Position, now: str, with_bulk: bool) -> dict[str, Any]:
    """Begin anew at `newest`: the bulk lane has all up to there (none of it without `with_bulk`), the fresh lane
    all after it.
    """
    bulk = {
        "open": with_bulk and newest.edge is not None,
        "bound": whole_second(instant_ns(newest.edge), after=True) if newest.edge else None,
        "after": None,
        "done": 0,
        "total": newest.total,
        "started": now,
        "finished": None if with_bulk and newest.edge is not None else now,
    }
    fresh = {"edge": newest.edge, "after": newest.after, "since": None, "marks": [], "done": 0}
    return {**state, "epoch": state["epoch"] + 1, "query": query_mark, "bulk": bulk, "fresh": fresh}


class PageOutcome(NamedTuple):
    """A page that was delivered: (value, type, reason) of what was set aside, the number XDR took, and of those without
    news; `tried` are the values that were looked at, which in a look-back are not all of the page; `refused` those of
    the rejects that XDR itself refused.
    """

    page: Page
    rejects: list[tuple[str, str, str]]
    pushed: int
    no_news: int
    tried: frozenset[Any]
    refused: frozenset[str] = frozenset()


def counted(state: dict[str, Any], outcome: PageOutcome, now: str) -> dict[str, Any]:
    """The state with the outcome of a delivered page in its counts and its list of rejects."""
    counts = state["counts"]
    counts = {
        **counts,
        "pushed": counts["pushed"] + outcome.pushed,
        "no_news": counts["no_news"] + outcome.no_news,
        "rejected": counts["rejected"] + len(outcome.rejects),
    }
    state = with_rejects(state, outcome.rejects, outcome.tried, now, TO_XDR, outcome.refused)
    return {**state, "counts": counts, "last": {**state["last"], "outbound": now}}


def with_rejects(
    state: dict[str, Any],
    rejects: Iterable[tuple[str, str, str]],
    seen: "set[Any] | frozenset[Any]",
    now: str,
    direction: str,
    refused: "set[str] | frozenset[str]" = frozenset(),
) -> dict[str, Any]:
    """Set records aside. A value that was `seen` and is not among them any more is taken off the list.

    The oldest are dropped, those last that nobody finds anew by mapping the indicators of the Sync Query: what XDR
    itself `refused`, and what came from it.
    """
    kept = {value: entry for value, entry in state["rejects"].items() if value not in seen}
    for value, kind, reason in rejects:
        kept[value] = {"type": kind, "reason": reason, "when": now, "direction": direction}
        if value in refused:
            kept[value]["refused"] = True
    surplus = max(0, len(kept) - REJECTS_KEPT)
    if not surplus:
        return {**state, "rejects": kept}
    dropped = sorted(kept, key=lambda value: lasts(kept[value]))[:surplus]
    lost = sum(lasts(kept.pop(value)) for value in dropped)
    return {
        **state,
        "rejects": kept,
        "rejects_dropped": state["rejects_dropped"] + surplus,
        "rejects_lost": state.get("rejects_lost", 0) + lost,
    }


def lasts(entry: Mapping[str, Any]) -> bool:
    """Is the list of rejects the only place that knows of this one?"""
    return bool(entry.get("refused")) or entry["direction"] == FROM_XDR


def same_epoch(state: Mapping[str, Any], epoch: int) -> None:
    if state["epoch"] != epoch:
        raise SupersededError("The sync of this instance was started anew during this run, which therefore stops here.")


def advanced_bulk(state: dict[str, Any], epoch: int, done: int, outcome: PageOutcome, now: str) -> dict[str, Any]:
    """The bulk lane after a delivered page; `done` records of it were read since its start.

    Of two runs that walk the lane at once, the one that is further sets the cursor; both delivered all before theirs.
    """
    same_epoch(state, epoch)
    state = counted(state, outcome, now)
    bulk, page = state["bulk"], outcome.page
    if done < bulk["done"]:
        return state
    if not bulk["done"]:
        state = {**state, "fresh": with_start_marked(state["fresh"], page)}
    bulk = {**bulk, "done": done, "after": page.after}
    if page.short:
        bulk |= {"open": False, "finished": now}
    elif page.after is None:
        bulk |= {"bound": bound_without_position(bulk, page)}
    return {**state, "bulk": bulk}


def with_start_marked(fresh: dict[str, Any], page: Page) -> dict[str, Any]:
    """The fresh lane after the first page of the bulk lane: it looks back behind the start too, where a record may have
    been invisible when the bulk lane came by.
    """
    newest = modified_ns(page.iocs[0]) if page.iocs else 0
    if not newest or newest == UNREADABLE_NS or (fresh["since"] or 0) > newest + 1:
        return fresh
    sent = page.iocs[:MARKS_KEPT]
    whole = page.short and len(sent) == len(page.iocs)
    since = newest - LOOKBACK_NS if whole else max(newest - LOOKBACK_NS, modified_ns(sent[-1]) + 1)
    known = {mark: ns for ns, mark in fresh["marks"]} | {mark_of(ioc): modified_ns(ioc) for ioc in sent}
    return {**fresh, **looking_back(known, since)}


def looking_back(known: Mapping[str, int], since: int) -> dict[str, Any]:
    """`since` and `marks` of the fresh lane for what was sent, as instants by mark; the newest MARKS_KEPT of them."""
    marks = sorted((ns, mark) for mark, ns in known.items() if ns >= since)
    if len(marks) > MARKS_KEPT:
        since = max(since, marks[-MARKS_KEPT - 1][0] + 1)
    return {"since": since, "marks": [[ns, mark] for ns, mark in marks if ns >= since]}


def bound_without_position(bulk: Mapping[str, Any], page: Page) -> str:
    """The server gave no position behind a full page: go on with the second of its last record, which repeats that
    second only.
    """
    bound = whole_second(instant_ns(page.iocs[-1]["modified"]), after=True)
    if bound == bulk["bound"]:
        raise DemistoException(
            f"XSOAR gave no searchAfter for a page within one second ({bound}), "
            "so the indicators behind it cannot be reached."
        )
    return bound


class FreshStart(NamedTuple):
    """Where a walk over the fresh lane begins.

    A whole second or None for the very start, a position or None, the instant before which
    all was sent, and the marks of what was sent after it."""

    lower: str | None
    after: list[Any] | None
    since_ns: int
    marks: frozenset[str]


def fresh_start(fresh: Mapping[str, Any]) -> FreshStart:
    """Look back a minute where the marks of that minute are known, else go on at the exact position.

    A record that becomes visible to the search late, behind the cursor, is found by the look-back; the marks keep it
    from sending everything else of that minute again. A server that gives no positions leaves no room for looking
    back: each walk has to get past its first page.
    """
    if not fresh["edge"]:
        return FreshStart(None, None, 0, frozenset())
    edge, since = instant_ns(fresh["edge"]), fresh["since"] or 0
    marks = frozenset(mark for _, mark in fresh["marks"])
    if fresh["after"] is None:
        return FreshStart(whole_second(edge), None, since, marks)
    if not 0 < since <= edge:
        return FreshStart(None, fresh["after"], 0, marks)
    return FreshStart(whole_second(since), None, since, marks)


def mark_of(ioc: Mapping[str, Any]) -> str:
    """Fingerprint of one state of one indicator."""
    return hashlib.blake2b(f"{ioc.get('id')} {ioc.get('modified')}".encode(), digest_size=6).hexdigest()


def is_news(ioc: Mapping[str, Any], start: FreshStart) -> bool:
    return modified_ns(ioc) >= start.since_ns and mark_of(ioc) not in start.marks


def modified_ns(ioc: Mapping[str, Any]) -> int:
    """When XSOAR last changed the indicator; a missing or unreadable time counts as the newest, so that it is sent
    rather than lost.
    """
    try:
        return instant_ns(str(ioc.get("modified") or ""))
    except ValueError:
        return UNREADABLE_NS


def advanced_fresh(state: dict[str, Any], epoch: int, outcome: PageOutcome, now: str) -> dict[str, Any]:
    """The fresh lane after a delivered page: its edge moves forward, never back, and the marks follow it."""
    same_epoch(state, epoch)
    state = counted(state, outcome, now)
    fresh, iocs = state["fresh"], outcome.page.iocs
    if not iocs:
        return state
    old_edge = instant_ns(fresh["edge"]) if fresh["edge"] else 0
    last = iocs[-1].get("modified")
    moves = old_edge <= modified_ns(iocs[-1]) < UNREADABLE_NS
    edge = modified_ns(iocs[-1]) if moves else old_edge
    known = {mark: ns for ns, mark in fresh["marks"]}
    known.update({mark_of(ioc): modified_ns(ioc) for ioc in iocs[-MARKS_KEPT:]})
    since = max(edge - LOOKBACK_NS, fresh["since"] if fresh["since"] is not None else old_edge + 1)
    if len(iocs) > MARKS_KEPT:
        since = max(since, modified_ns(iocs[-MARKS_KEPT]) + 1)
    fresh = {
        **fresh,
        "edge": last if moves else fresh["edge"],
        "after": outcome.page.after if moves else fresh["after"],
        **looking_back(known, since),
        "done": fresh["done"] + outcome.pushed,
    }
    return {**state, "fresh": fresh}


def mark_of_row(row: Mapping[str, Any]) -> str:
    """Fingerprint of what a row says."""
    return hashlib.blake2b(json.dumps(row, sort_keys=True).encode(), digest_size=6).hexdigest()


def not_seen_before(rows: list[dict[str, Any]], inbound: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows without those that were taken before. A look-back meets them again, and what was deleted or changed in XSOAR
    since must not be created or changed back by them. Those of which a mark may be lost stay, see `lately_noted`.
    """
    seen, last, noted = frozenset(inbound.get("seen", ())), inbound["ts"], inbound.get("noted") or {}
    return [
        row
        for row in rows
        if row_time(row) > last or str(row.get("RULE_INDICATOR")).lower() in noted or mark_of_row(row) not in seen
    ]


def with_held(state: dict[str, Any], held: int) -> dict[str, Any]:
    """The state after so many runs in a row that sent nothing because XDR's changes could not be read."""
    return {**state, "inbound": {**state["inbound"], "held": held}}


def lately_noted(noted: Mapping[str, int], plan: InboundPlan, newest: int) -> dict[str, int]:
    """When XDR changed the IOCs whose indicators were marked in the last hour, the newest NOTED_KEPT of them, by
    lower-case value. The next run looks whether the marks are still there.
    """
    changed = {str(item["rawJSON"]["RULE_INDICATOR"]).lower(): row_time(item["rawJSON"]) for item in plan.items}
    kept = sorted((moment, value) for value, moment in {**noted, **changed}.items() if moment > newest - NOTED_MS)
    return {value: moment for moment, value in kept[-NOTED_KEPT:]}


def look_back_to(inbound: Mapping[str, Any]) -> int:
    """The time from which on the changes of XDR have to be read."""
    return int(min([inbound["ts"] - LOOKBACK_MS, *(inbound.get("noted") or {}).values()]))


def rule_key(row: Mapping[str, Any]) -> str:
    return str(row.get("RULE_INDICATOR") or "").lower()


def was_taken(row: Mapping[str, Any], noted: Mapping[str, int]) -> bool:
    """Is this the change that was noted?"""
    return noted.get(rule_key(row)) == row_time(row)


def is_due(row: Mapping[str, Any], inbound: Mapping[str, Any]) -> bool:
    """Has this row to be looked at? Of those before the usual look-back only the IOCs that were marked lately."""
    lately = str(row.get("RULE_INDICATOR") or "").lower() in (inbound.get("noted") or {})
    return lately or row_time(row) >= inbound["ts"] - LOOKBACK_MS


def advanced_inbound(
    state: dict[str, Any],
    epoch: int,
    rows: Sequence[Mapping[str, Any]],
    plan: InboundPlan,
    now: str,
    label: str = "",
) -> dict[str, Any]:
    """The inbound cursor after XSOAR took the indicators of these rows."""
    same_epoch(state, epoch)
    inbound = state["inbound"]
    newest = max(inbound["ts"], max(map(row_time, rows), default=0))
    inbound = {
        **inbound,
        "ts": newest,
        "rows": inbound["rows"] + sum(row_time(row) > inbound["ts"] for row in rows),
        "conflicts": inbound["conflicts"] + len(plan.conflicts),
        "seen": [*inbound.get("seen", ()), *map(mark_of_row, rows[-ROWS_REMEMBERED:])][-ROWS_REMEMBERED:],
    }
    if label:
        inbound["noted"] = lately_noted(inbound.get("noted") or {}, plan, newest)
    seen = {str(row.get("RULE_INDICATOR") or "") for row in rows} if state["rejects"] else set()
    seen |= {plan.names[value.lower()] for value in seen if value.lower() in plan.names}
    state = with_rejects(state, plan.rejects, seen, now, FROM_XDR)
    counts = {**state["counts"], "created": state["counts"]["created"] + len(plan.items)}
    return {**state, "inbound": inbound, "counts": counts, "last": {**state["last"], "inbound": now}}


class PagePlan(NamedTuple):
    """What a page of the search means for XDR: records to insert, values to enable after that, what is set aside, items
    for XSOAR by value that note what XDR took, and how many have no news. `records` and `enable` have the values of
    XDR, all else those of XSOAR; `names` has XSOAR's by XDR's, where they differ; `returning` has XDR's values of those
    records that had been removed; `intents` are items that note what is about to be sent.
    """

    records: list[dict[str, Any]]
    enable: list[str]
    rejects: list[tuple[str, str, str]]
    notes: dict[str, dict[str, Any]]
    no_news: int
    names: Mapping[str, str] = NO_NAMES
    returning: tuple[str, ...] = ()
    intents: Sequence[dict[str, Any]] = ()

    def returned(self, refused: Collection[str]) -> list[str]:
        """Those that had been removed and are back, unless XDR refused them (XSOAR's values)."""
        return [value for value in self.returning if self.names.get(value, value) not in refused]


def plan_page(
    iocs: Iterable[Mapping[str, Any]],
    settings: Settings,
    now_ms: int,
    owners: Mapping[str, Mapping[str, Any]] = NO_OWNERS,
    away: AwayIocs | None = None,
) -> PagePlan:
    """Map a page. One record that cannot be mapped is set aside with its reason; it never stops the rest.

    `owners`: see `is_owner`. What belongs to another indicator is no news. What is `away` because this integration
    removed it goes out even without news, and is enabled besides.
    """
    names: dict[str, str] = {}
    plan = PagePlan([], [], [], {}, 0, names)
    no_news, returning, intents = 0, list[str](), list[dict[str, Any]]()
    for ioc in iocs:
        try:
            going = mapped(ioc, settings, now_ms)
        except RejectedRecordError as reason:
            plan.rejects.append(set_aside(ioc, reason))
            continue
        sent, own = going.standing["indicator"], ioc["value"]
        back = away is not None and sent in away and not going.deleted
        if not (going.news or back) or (sent != own and (sent in names or not is_owner(ioc, owners))):
            no_news += 1
            if going.memory and not going.news:
                plan.notes[own] = settled_item(ioc, going.memory, settings)
            continue
        if sent != own:
            names[sent] = own
        plan.records.append(going.standing)
        if away is not None and back:
            returning.append(sent)
            plan.enable.extend(away.spellings(sent) if going.standing.get("status") != "DISABLED" else ())
        elif going.enable:
            plan.enable.append(sent)
        if going.memory:
            noted = noted_item if going.news else settled_item
            plan.notes[own] = noted(ioc, going.memory, settings)
        if going.intent:
            intents.append(settled_item(ioc, going.intent, settings))
    return plan._replace(no_news=no_news, returning=tuple(returning), intents=intents)


def set_aside(ioc: Mapping[str, Any], reason: Exception) -> tuple[str, str, str]:
    """(value, type, reason) of an indicator that cannot be sent."""
    return str(ioc.get("value") or ioc.get("id") or ""), str(ioc.get("indicator_type") or ""), str(reason)


# ---- pure functions: comparing what both sides hold

RULE_COLUMNS = {
    "RULE_INDICATOR": "indicator",
    "IOC_TYPE": "type",
    "RULE_SEVERITY": "severity",
    "RULE_STATUS": "status",
    "RULE_COMMENT": "comment",
    "RULE_EXPIRATION_TIME": "expiration_date",
    "REPUTATION": "reputation",
    "RELIABILITY": "reliability",
    "RULE_MODIFY_TIME": "modification_time",
    "NUMBER_OF_HITS": "number_of_issues",
}
READ_BACK = tuple(name for name in COMPARED if name != "class")


def change_row(rule: Mapping[str, Any]) -> dict[str, Any]:
    """An object of `get` with the names of a `get_changes` row, so that both are read by the same function."""
    return {column: rule.get(name) for column, name in RULE_COLUMNS.items()}


def rule_value(rule: Mapping[str, Any]) -> str:
    return str(rule.get("indicator") or "")


def differences(standing: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields in which XDR's object is not what this integration would send: name -> (ours, XDR's).

    A field about which XSOAR says nothing is XDR's own and never differs; no word about the status means enabled. Class
    and vendors cannot be read back. Expirations are compared to the second, and "never" may be the tenant's default.
    """
    theirs, ours = their_view(change_row(rule)), record_view(standing)
    found: dict[str, tuple[Any, Any]] = {}
    for name in READ_BACK:
        wanted, held = ours[name], theirs[name]
        if name == "status":
            wanted, held = wanted or "ENABLED", held or "ENABLED"
        if wanted != "" and not same_content(name, wanted, held):
            found[name] = (wanted, held)
    if rule.get("default_expiration_enabled") and ours["expiration_date"] == -1:
        found.pop("expiration_date", None)
    if standing["type"] != rule.get("type"):
        found["type"] = (standing["type"], rule.get("type"))
    return found


def same_content(name: str, wanted: Any, held: Any) -> bool:
    if name == "expiration_date":
        return bool(wanted // 1000 == held // 1000)
    if name == "comment":
        one, other = ([part.strip() for part in text.split(",")] for text in (wanted, held))
        return one == other
    return bool(wanted == held)


class Case(NamedTuple):
    """An indicator that XDR does not hold as it should: the XSOAR document, what goes out for it, XDR's object or None,
    and the `differences`.
    """

    ioc: dict[str, Any]
    going: Outgoing
    rule: dict[str, Any] | None
    fields: dict[str, tuple[Any, Any]]


class Compared(NamedTuple):
    """Some indicators against XDR: what is not as it should be, and how many are as they should be, cannot be sent at
    all, stay deleted because XDR deleted them, and have an IOC for which another indicator speaks.
    """

    cases: list[Case]
    equal: int
    not_sendable: int
    stay_deleted: int
    same_ioc: int


def compare(
    goings: Iterable[tuple[dict[str, Any], Outgoing]],
    rules: Mapping[str, dict[str, Any]],
    not_sendable: int,
    same_ioc: int = 0,
) -> Compared:
    """Compare what would go out for each indicator with XDR's objects by lower-case value."""
    cases: list[Case] = []
    equal = stay_deleted = 0
    for ioc, going in goings:
        rule = rules.get(going.standing["indicator"].lower())
        if rule is None and going.deleted:
            stay_deleted += 1
            continue
        fields = readable_differences(going, rule)
        if rule is not None and not fields:
            equal += 1
            continue
        cases.append(Case(ioc, going, rule, fields))
    return Compared(cases, equal, not_sendable, stay_deleted, same_ioc)


def readable_differences(going: Outgoing, rule: Mapping[str, Any] | None) -> dict[str, tuple[Any, Any]]:
    """As `differences`; an object with a code that nobody knows differs in that. Nothing where there is no object."""
    if rule is None:
        return {}
    try:
        return differences(going.standing, rule)
    except RejectedRecordError as reason:
        return {"unreadable": ("", str(reason))}


def why_missing(ioc: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """What the sync knows of an indicator that XDR does not hold."""
    if aside := state["rejects"].get(ioc["value"]):
        return f"set aside: {aside['reason']}"
    fresh, bulk = state["fresh"], state["bulk"]
    if not fresh or (bulk and bulk["open"]) or changed_after(ioc, instant_ns(fresh["edge"]) if fresh["edge"] else 0):
        return "not sent yet"
    return ""


def finding_row(case: Case, state: Mapping[str, Any], repair: str = "") -> dict[str, str]:
    """A case as a row of the report, see FINDING_COLUMNS; `state` is that of the instance."""
    ours = case.fields or {name: (value, "") for name, value in record_view(case.going.standing).items() if value}
    return {
        "indicator": case.ioc["value"],
        "type": case.going.standing["type"],
        "finding": ONLY_XSOAR if case.rule is None else DIFFERING,
        "fields": ", ".join(case.fields),
        "in_xsoar": said((name, pair[0]) for name, pair in ours.items()),
        "in_xdr": said((name, pair[1]) for name, pair in case.fields.items()),
        "reason": why_missing(case.ioc, state) if case.rule is None else "",
        "repair": repair,
    }


def said(pairs: Iterable[tuple[str, Any]]) -> str:
    """Fields and their values in one line, dates readable."""
    return "; ".join(f"{name}={said_value(name, value)}" for name, value in pairs)


def said_value(name: str, value: Any) -> str:
    if name == "expiration_date" and isinstance(value, int):
        return iso_from_ms(value) if value > 0 else "never"
    return str(value)[:200]


def foreign_row(rule: Mapping[str, Any], known: bool, entry: RemovedIoc | None = None) -> dict[str, str]:
    """An IOC of XDR that XSOAR does not send: it does not know it, or the Sync Query does not find it. `entry` is what
    is on record of its removal.
    """
    kind = str(rule.get("type") or "")
    reason = "expired, judged anew, excluded, or the query was changed" if known else ""
    if not known and kind not in XSOAR_TYPE:
        reason = f"XSOAR has no indicator type for {kind or 'an IOC without a type'}"
    if entry and entry.phase == DONE:
        reason = f"removed by the policy {entry.policy!r}: {entry.reason}"
    elif entry and entry.phase == RESTORED:
        reason = "restored after it was removed, so it stays"
    severity = str(rule.get("severity") or "").rpartition("_")[2]
    held = said([("severity", severity), *((name, rule.get(name)) for name in ("reputation", "status", "source"))])
    return {
        "indicator": rule_value(rule),
        "type": kind,
        "finding": OUTSIDE if known else ONLY_XDR,
        "fields": "",
        "in_xsoar": "",
        "in_xdr": held,
        "reason": reason,
        "repair": "",
    }


def standing_row(
    value: str, ioc: Mapping[str, Any] | None, rule: Mapping[str, Any] | None, settings: Settings, now_ms: int
) -> dict[str, Any]:
    """What both sides hold of one value, for people: fields on their own and `summary` in one line."""
    row: dict[str, Any] = {"indicator": value, "in_xsoar": ioc is not None, "in_xdr": rule is not None, "fields": ""}
    row |= {"type": "", "verdict": "", "expiration": "", "status": "", "severity": "", "comment": "", "reason": ""}
    if ioc is not None:
        expiration = standing_expiration(ioc).get("expirationdate", "never")
        with suppress(ValueError):
            expiration = whole_second(instant_ns(expiration))
        row |= {"type": str(ioc.get("indicator_type") or ""), "expiration": expiration}
        row["verdict"] = VERDICTS.get(int(ioc.get("score") or 0), "Unknown")
    if rule is not None:
        row["type"] = row["type"] or str(rule.get("type") or "")
        row |= {name: comment_text(rule.get(name)) for name in ("status", "severity", "comment")}
        row["severity"] = row["severity"].rpartition("_")[2]
    row["finding"] = NOWHERE if ioc is None and rule is None else ONLY_XDR if ioc is None else ONLY_XSOAR
    if ioc is not None:
        try:
            fields = readable_differences(mapped(ioc, settings, now_ms), rule)
            row["fields"] = ", ".join(fields)
        except RejectedRecordError as reason:
            row["reason"] = str(reason)
        if rule is not None:
            row["finding"] = DIFFERING if row["fields"] or row["reason"] else EQUAL
    return {**row, "summary": standing_summary(row)}


def standing_summary(row: Mapping[str, Any]) -> str:
    here = f"verdict {row['verdict']}, expires {row['expiration']}" if row["in_xsoar"] else "not in XSOAR"
    there = f"{row['status'].lower() or 'enabled'} in XDR, {row['severity']}" if row["in_xdr"] else "not in XDR"
    more = [f"differs in {row['fields']}"] if row["fields"] else []
    more += [f"cannot be sent: {row['reason']}"] if row["reason"] else []
    return f"{row['indicator']} ({row['type'] or 'unknown'}): " + "; ".join([here, there, *more])


def repair_plan(cases: Iterable[Case], settings: Settings) -> tuple[PagePlan, dict[str, str]]:
    """What a repair sends for these cases, and why it leaves something alone, by value.

    Nothing that is enabled in XDR is disabled, and what is disabled there is enabled only where XSOAR says so.
    """
    names: dict[str, str] = {}
    plan = PagePlan([], [], [], {}, 0, names)
    left: dict[str, str] = {}
    for case in cases:
        value, record = case.ioc["value"], case.going.standing
        wish, held = case.fields.get("status", ("", ""))
        asked = str((case.ioc.get("CustomFields") or {}).get("xdriocstatus") or "").lower() == "enabled"
        if wish == "DISABLED":
            record = {name: content for name, content in record.items() if name != "status"}
            left[value] = "enabled in XDR; a repair disables nothing"
        elif held == "DISABLED" and not asked:
            left[value] = "disabled in XDR; XSOAR does not say that it is to be enabled"
        if set(case.fields) == {"status"} and value in left:
            continue
        plan.records.append(record)
        if record["indicator"] != value:
            names[record["indicator"]] = value
        if asked and (held == "DISABLED" or case.going.enable):
            plan.enable.append(record["indicator"])
        if case.going.memory:
            plan.notes[value] = noted_item(case.ioc, case.going.memory, settings)
    return plan, left


# ---- pure functions: where a comparison is

COMPARISON_COUNTS = (
    "compared_in_xsoar",
    "compared_in_xdr",
    "equal",
    "only_in_xsoar",
    "only_in_xdr",
    "differing",
    "outside_query",
    "not_sendable",
    "stay_deleted",
    "same_ioc",
    "repaired",
    "refused",
    "left_alone",
)


def new_comparison(started: str, query_mark: str, newest: Position, repair: bool) -> dict[str, Any]:
    """A comparison at its beginning.

    `phase` goes from `xsoar` (its indicators, oldest change first up to `bound`, are looked up in XDR by value) over
    `xdr` (its IOCs, from position to position, are looked up in XSOAR) to `done`. `after` and `position` are the
    cursors, `known` the ids of XDR's last page, `overlap` how far the next one reaches back, `doubts` why the listings
    were not whole, `rows` the first findings.
    """
    return {
        "started": started,
        "updated": started,
        "finished": None,
        "query": query_mark,
        "repair": repair,
        "phase": "xsoar" if newest.edge else "xdr",
        "bound": whole_second(instant_ns(newest.edge), after=True) if newest.edge else None,
        "total": newest.total,
        "after": None,
        **new_place(),
        "found_in_xdr": 0,
        "changed_meanwhile": 0,
        "counts": dict.fromkeys(COMPARISON_COUNTS, 0),
        "rows": [],
    }


def new_place() -> dict[str, Any]:
    """Where a listing of XDR begins: `position`, `known` ids of the last page, `overlap` of the next one with it, how
    often it stepped back, and `doubts` whether it is whole.
    """
    return {"position": 0, "known": [], "overlap": RULES_OVERLAP, "steps_back": 0, "doubts": []}


def cursor_of(comparison: Mapping[str, Any]) -> tuple[Any, ...]:
    """Changes with each page, so that of two runs at once only one carries a page in."""
    counts = comparison["counts"]
    names = ("started", "phase", "after", "position", "steps_back")
    return (*(comparison[name] for name in names), counts["compared_in_xsoar"], counts["compared_in_xdr"])


def advanced_comparison(
    state: dict[str, Any],
    before: Mapping[str, Any],
    changes: Mapping[str, Any],
    rows: Sequence[dict[str, str]],
    now: str,
) -> dict[str, Any]:
    """The state after one more page: `changes` replace members of the comparison, its `counts` are added.

    Raises:
        SupersededError: another run has carried the comparison on since `before` was read.
    """
    known = state.get("compare") or {}
    if not known or cursor_of(known) != cursor_of(before):
        raise SupersededError("Another run carries this comparison on, so this one stops here.")
    counts = {name: count + changes["counts"].get(name, 0) for name, count in before["counts"].items()}
    kept = [*before["rows"], *rows][:FINDINGS_KEPT]
    return {**state, "compare": {**before, **changes, "counts": counts, "rows": kept, "updated": now}}


def with_doubt(comparison: Mapping[str, Any], doubt: str) -> list[str]:
    return list(dict.fromkeys([*comparison["doubts"], doubt]))


# ---- pure functions: pushes by hand

SECONDS_OF = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
RELATIVE_TIME = re.compile(r"(in )?(\d{1,6}) (minute|hour|day|week)s?( ago)?", re.IGNORECASE)


def moment_ms(name: str, raw: Any, now_ms: int, ahead: bool) -> int:
    """The moment that an argument means, in epoch milliseconds: an ISO date or instant (UTC without a zone), or an
    offset from now, `in 30 days` where it lies `ahead`, else `3 days ago` or `3 days`.

    Raises:
        ValueError: names the argument and the value.
    """
    text = str(raw).strip()
    found = RELATIVE_TIME.fullmatch(text)
    if found and (bool(found[1]) and not found[4] if ahead else not found[1]):
        offset = int(found[2]) * SECONDS_OF[found[3].lower()] * 1000
        moment = now_ms + offset if ahead else now_ms - offset
        if moment > 0:
            return moment
    with suppress(ValueError, OverflowError):
        return epoch_ms(f"{text}T00:00:00Z" if len(text) == len("2030-01-31") else text)
    example = "'in 30 days' or 'never'" if ahead else "'3 days ago'"
    raise ValueError(f"Argument '{name}': {raw!r} is not a time such as 2030-01-31T12:00:00Z, {example}.")


@dataclass(frozen=True)
class Overrides:
    """What goes to XDR in place of XSOAR's own values: an XDR severity, an expiration in its milliseconds (-1: never),
    a comment. Empty or None leaves XSOAR's.
    """

    severity: str = ""
    expiration: int | None = None
    comment: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of a record that are not XSOAR's."""
        given = {"severity": self.severity, "expiration_date": self.expiration, "comment": self.comment}
        return tuple(name for name, value in given.items() if value)

    def on(self, ioc: Mapping[str, Any], settings: Settings) -> tuple[dict[str, Any], Settings]:
        """Indicator and settings as if XSOAR said so, and without the memory: a person's word counts, whatever XDR
        said before.
        """
        changed = {**ioc, "CustomFields": without_memory(ioc, settings)}
        if self.expiration is not None:
            changed["expiration"] = iso_from_ms(self.expiration) if self.expiration > 0 else ""
        if self.comment and settings.comment_field == "comments":
            changed["comments"] = [{"type": "IndicatorCommentRegular", "content": self.comment}]
        elif self.comment:
            changed["CustomFields"] = {**changed["CustomFields"], settings.comment_field: self.comment}
        if self.severity:
            settings = replace(settings, severity=self.severity, override_severity=True)
        return changed, settings

    def said(self) -> str:
        """The overrides in words, "" for none."""
        given = (("severity", self.severity), ("expiration_date", self.expiration), ("comment", self.comment))
        return said((name.partition("_")[0], said_value(name, value)) for name, value in given if value)


def overrides_from(args: Mapping[str, Any], now_ms: int) -> Overrides:
    """Raises ValueError that names the argument and the value."""
    severity = str(args.get("severity") or "").strip().lower()
    if severity and severity not in SEVERITIES:
        raise ValueError(f"Argument 'severity': {args.get('severity')!r} is not one of {', '.join(SEVERITIES)}.")
    raw = str(args.get("expiration") or "").strip()
    expiration = None if not raw else -1 if raw.lower() == "never" else moment_ms("expiration", raw, now_ms, True)
    if expiration is not None and 0 <= expiration <= now_ms:
        raise ValueError(f"Argument 'expiration': {raw!r} lies in the past; Cortex XDR refuses such IOCs.")
    return Overrides(severity.upper(), expiration, str(args.get("comment") or "").strip())


class HandPlan(NamedTuple):
    """What a push by hand means for some indicators: the page to deliver, whose `notes` are what XSOAR has to be told
    once XDR took the records, and how many stay deleted.
    """

    page: PagePlan
    stay_deleted: int


def plan_by_hand(
    iocs: Iterable[Mapping[str, Any]],
    settings: Settings,
    overrides: Overrides,
    now_ms: int,
    named: bool,
    owners: Mapping[str, Mapping[str, Any]] = NO_OWNERS,
    away: AwayIocs | None = None,
) -> HandPlan:
    """XSOAR's values go, and the overrides in their place, whatever XDR said before. What is `away` is enabled besides.

    What an operator deleted in XDR comes back only where it is `named`: nobody who pushes a query has it in mind.
    What belongs to another indicator (`owners`, see `is_owner`) is no news.
    """
    names: dict[str, str] = {}
    plan, stay_deleted, no_news = PagePlan([], [], [], {}, 0, names), 0, 0
    returning: list[str] = []
    for ioc in iocs:
        if not named and stays_deleted(ioc, settings, now_ms):
            stay_deleted += 1
            continue
        changed, own_settings = overrides.on(ioc, settings)
        try:
            going = mapped(changed, own_settings, now_ms)
        except RejectedRecordError as reason:
            plan.rejects.append(set_aside(ioc, reason))
            continue
        sent, own = going.standing["indicator"], ioc["value"]
        if sent != own and (sent in names or not is_owner(ioc, owners)):
            no_news += 1
            continue
        if sent != own:
            names[sent] = own
        plan.records.append(going.standing)
        if away is not None and sent in away:
            returning.append(sent)
            plan.enable.extend(away.spellings(sent) if going.standing.get("status") != "DISABLED" else ())
        elif going.enable:
            plan.enable.append(sent)
        if overrides.names:
            plan.notes[own] = overriding_item(ioc, going, settings, overrides, now_ms)
        elif load_memory(ioc.get("CustomFields") or {}, settings.label):
            plan.notes[own] = forgetting_item(ioc, going, settings)
    return HandPlan(plan._replace(no_news=no_news, returning=tuple(returning)), stay_deleted)


def stays_deleted(ioc: Mapping[str, Any], settings: Settings, now_ms: int) -> bool:
    """Did XDR delete it, and nobody in XSOAR ask for it since?"""
    try:
        return mapped(ioc, settings, now_ms).deleted
    except RejectedRecordError:
        return False


def without_memory(ioc: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """A push by hand is a person's word: XSOAR's values go, whatever XDR said before."""
    fields = ioc.get("CustomFields") or {}
    return {**fields, "xdriocstate": with_memory(fields, settings.label, disabled_only(ioc, settings))}


def disabled_only(ioc: Mapping[str, Any], settings: Settings) -> dict[str, Any] | None:
    """What stays of the memory when XSOAR's values overrule it. An instance with a label has no other place that says
    that the IOC is disabled in its tenant; without a label the status field says so.
    """
    memory = load_memory(ioc.get("CustomFields") or {}, settings.label)
    if not settings.label or not memory or memory["theirs"].get("status") != "DISABLED":
        return None
    base = memory["base"].get("status") or [wished_status(ioc)]
    return named_in({"theirs": {"status": "DISABLED"}, "base": {"status": base}}, ioc, ioc_value(ioc))


def wished_status(ioc: Mapping[str, Any]) -> str:
    """What the status field of an indicator says, in XDR's words."""
    return str((ioc.get("CustomFields") or {}).get("xdriocstatus") or "").upper()


def forgetting_item(ioc: Mapping[str, Any], going: Outgoing, settings: Settings) -> dict[str, Any]:
    """The indicator again, without the memory of what XDR said: a push by hand has just overruled it."""
    left = None if going.enable else disabled_only(ioc, settings)
    text = with_memory(ioc.get("CustomFields") or {}, settings.label, left)
    return retold(ioc, {**revived_status(ioc, settings), "xdriocstate": text}, settings)


def overriding_item(
    ioc: Mapping[str, Any], going: Outgoing, settings: Settings, overrides: Overrides, now_ms: int
) -> dict[str, Any]:
    """The indicator again, with the memory of what XDR holds once it took the overrides. Neither they nor XSOAR's own
    values are news then, until a person or a feed changes the field in XSOAR.
    """
    known = load_memory(ioc.get("CustomFields") or {}, settings.label)
    held = known["theirs"] if known else {}
    sent = record_view(going.standing)
    theirs = {**held, **{name: sent[name] if sent[name] != "" else held.get(name, "") for name in COMPARED}}
    if going.enable or held.get("status") == "DELETED" or not theirs["status"]:
        theirs["status"] = sent["status"] or "ENABLED"
    return remembering_item(ioc, theirs, revived_status(ioc, settings), settings, now_ms, overrides.names)


def revived_status(ioc: Mapping[str, Any], settings: Settings) -> dict[str, str]:
    """The status field of an indicator that is being sent: what was deleted in XDR is in force again."""
    deleted = wished_status(ioc) == "DELETED"
    if settings.label:
        memory = load_memory(ioc.get("CustomFields") or {}, settings.label)
        deleted = bool(memory and memory["theirs"].get("status") == "DELETED")
    return {"xdriocstatus": "enabled"} if deleted else {}


def remembering_item(
    ioc: Mapping[str, Any],
    theirs: Mapping[str, Any],
    fields: Mapping[str, Any],
    settings: Settings,
    now_ms: int,
    foreign: Sequence[str] = (),
) -> dict[str, Any]:
    """The indicator again with these fields and the memory that XDR holds `theirs`, so that what XSOAR says today is no
    news. `foreign` names the fields of `theirs` that are not XSOAR's.
    """
    item = retold(ioc, fields, settings)
    base = expected_base(item, theirs, ioc, settings, now_ms)
    if not base and foreign:
        # XSOAR's own record cannot be sent, perhaps because of the very fields that were overridden.
        base = {name: [theirs[name]] for name in COMPARED if name not in foreign} | {"reliability": None}
    note = {"theirs": {"t": 0, **theirs}, "base": base, "manual": bool(ioc.get("manualScore"))}
    memory = named_in(note, ioc, ioc_value(ioc))
    item["fields"]["xdriocstate"] = with_memory(ioc.get("CustomFields") or {}, settings.label, memory)
    return item


def deleted_item(
    ioc: Mapping[str, Any], rule: Mapping[str, Any] | None, settings: Settings, now_ms: int
) -> dict[str, Any]:
    """The indicator again, as if an operator had deleted its IOC in XDR: it is shown as deleted, and not sent until a
    person or a feed changes it. `rule` is what XDR held, None for nothing.
    """
    theirs = {**last_view(ioc, rule, settings, now_ms), "status": "DELETED"}
    return remembering_item(ioc, theirs, {"xdriocstatus": "deleted"}, settings, now_ms)


def last_view(
    ioc: Mapping[str, Any], rule: Mapping[str, Any] | None, settings: Settings, now_ms: int
) -> dict[str, Any]:
    """The best there is to say about what XDR held of an indicator, as a view."""
    with suppress(RejectedRecordError):
        if rule is not None:
            return their_view(change_row(rule))
    nothing = {**dict.fromkeys(COMPARED, ""), "reputation": "UNKNOWN", "expiration_date": -1}
    known = load_memory(ioc.get("CustomFields") or {}, settings.label)
    with suppress(RejectedRecordError):
        nothing = record_view(checked_record(ioc, settings, now_ms))
    return {**nothing, **known["theirs"]} if known else nothing


def deletion_row(
    value: str, status: str, reason: str, rule: Mapping[str, Any] | None, in_xsoar: bool
) -> dict[str, Any]:
    """What became of a value, and what XDR held of it, so that it can be made again."""
    held = rule or {}
    expiration = held.get("expiration_date")
    return {
        "indicator": value,
        "status": status,
        "reason": reason,
        "in_xsoar": in_xsoar,
        "type": str(held.get("type") or ""),
        "severity": str(held.get("severity") or "").rpartition("_")[2],
        "verdict": str(held.get("reputation") or ""),
        "expiration": said_value("expiration_date", expiration) if isinstance(expiration, int) else "",
        "source": str(held.get("source") or ""),
        "comment": comment_text(held.get("comment")),
    }


def retold(ioc: Mapping[str, Any], fields: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The indicator again with these fields; our vote and its expiration stay as they were. See `own_item`."""
    return own_item(ioc, {**standing_expiration(ioc), **fields}, settings)


class WalkToken(NamedTuple):
    """Where a push by query is: what it walks (mark of the query, the second before which it began), the position
    behind what it delivered, and how many of how many it looked at.
    """

    query: str
    bound: str
    after: list[Any]
    looked_at: int
    found: int

    def text(self) -> str:
        """In characters that need no quotes on a command line."""
        return base64.urlsafe_b64encode(json.dumps(self, separators=(",", ":")).encode()).decode()


def walk_token(raw: Any, query: str) -> WalkToken:
    """Raises ValueError for what no push of this query gave out."""
    try:
        token = WalkToken(*json.loads(base64.urlsafe_b64decode(str(raw).encode())))
        whole_second(instant_ns(token.bound))
        usable = isinstance(token.after, list) and token.looked_at > 0 and token.found >= 0
    except (ValueError, TypeError, AttributeError):
        usable = False
    if not usable:
        raise ValueError(f"Argument 'after': {str(raw)[:60]!r} is not the 'next' of a push by query.")
    if token.query != mark_of_query(query):
        raise ValueError("Argument 'after': this is the 'next' of another query. Give both from the same result.")
    return token


def mark_of_query(query: str) -> str:
    return hashlib.sha256(query.encode("utf-8")).hexdigest()[:16]


def command_line(command: str, **args: Any) -> str:
    """A command as a person types it; arguments without a value are left out."""
    words = [f"!{command}"]
    for name, value in args.items():
        text = str(value if value is not None else "")
        if text and not re.fullmatch(r"[\w.:/=-]+", text):
            text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        words += [f"{name}={text}"] if text else []
    return " ".join(words)


@dataclass
class Tally:
    """What a push would do, counted page by page; what is kept does not grow with the number of indicators."""

    looked_at: int = 0
    would_push: int = 0
    would_enable: int = 0
    would_set_aside: int = 0
    without_news: int = 0
    stay_deleted: int = 0
    types: "Counter[str]" = field(default_factory=Counter)
    verdicts: "Counter[str]" = field(default_factory=Counter)
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    records: list[dict[str, str]] = field(default_factory=list)

    def add(self, looked_at: int, plan: PagePlan, stay_deleted: int = 0) -> None:
        """Count one more page."""
        self.looked_at += looked_at
        self.would_push += len(plan.records)
        self.would_enable += len(plan.enable)
        self.would_set_aside += len(plan.rejects)
        self.without_news += plan.no_news
        self.stay_deleted += stay_deleted
        self.types.update(record["type"] for record in plan.records)
        self.verdicts.update(record["reputation"] for record in plan.records)
        for value, _, reason in plan.rejects:
            known = reason if reason in self.reasons or len(self.reasons) < REASONS_KEPT else OTHER_REASONS
            count, example = self.reasons.get(known, (0, value))
            self.reasons[known] = count + 1, example
        self.records += [record_row(record) for record in plan.records[: SAMPLE_SIZE - len(self.records)]]


def record_row(record: Mapping[str, Any]) -> dict[str, str]:
    """A record that goes to XDR, for people."""
    names = ("severity", "reputation", "expiration_date", "status", "comment")
    view = record_view(record)
    row = {name.partition("_")[0]: said_value(name, view[name]) for name in names}
    return {"indicator": record["indicator"], "type": record["type"], **row}


# ---- pure functions: going back

DIRECTIONS = ("both", "outbound", "inbound")


class Rewind(NamedTuple):
    """How far a reset goes back: `outbound` a whole second as text, `inbound` a time of XDR in milliseconds. None
    leaves that direction alone.
    """

    outbound: str | None
    inbound: int | None


def rewind_of(state: Mapping[str, Any], direction: str, to_ms: int) -> Rewind:
    """Only what lies behind a position can be gone back to; a direction that is not there yet stays where it is."""
    edge = (state["fresh"] or {}).get("edge")
    back = direction != "inbound" and edge and to_ms * 10**6 <= instant_ns(edge)
    return Rewind(
        whole_second(to_ms * 10**6) if back else None,
        to_ms if direction != "outbound" and to_ms < state["inbound"]["ts"] else None,
    )


def rewound(state: dict[str, Any], rewind: Rewind, now: str) -> dict[str, Any]:
    """The state from which everything after the moment is sent and read again. Runs under way are superseded."""
    if rewind == Rewind(None, None):
        return state
    state = {**state, "epoch": state["epoch"] + 1, "set_back": now}
    reached = {}
    if rewind.outbound is not None and state["fresh"]:
        since = instant_ns(rewind.outbound)
        fresh = {**state["fresh"], "edge": rewind.outbound, "after": None, "since": since, "marks": []}
        state, reached["outbound"] = {**state, "fresh": fresh}, rewind.outbound
    if rewind.inbound is not None:
        state = {**state, "inbound": {**state["inbound"], "ts": min(state["inbound"]["ts"], rewind.inbound)}}
        reached["inbound"] = iso_from_ms(rewind.inbound)
    through = state.get("through") or {}
    told = {way: min(until, reached.get(way, until)) for way, until in through.items()}
    return {**state, "through": told} if through else state


# ---- steps of the sync


@dataclass(frozen=True)
class XsoarServer:
    """What the sync needs of XSOAR, as functions: `search` and `create` as `demisto.searchIndicators` and
    `demisto.createIndicators`.
    """

    search: Callable[..., dict[str, Any]]
    create: Callable[[list[dict[str, Any]]], Any]
    log: Callable[[str], None]
    populate_fields: str = ""

    def page(self, query: str, size: int, sort: list[dict[str, Any]], after: list[Any] | None = None) -> Page:
        """One page of a listing. Raises DemistoException when the server could not search; a refused query raises
        ValueError.
        """
        more: dict[str, Any] = {"searchAfter": after} if after else {}
        if self.populate_fields:
            more["populateFields"] = self.populate_fields
        reply = self.search(query=query, size=size, sort=sort, **more)
        total = reply.get("total")
        if total is None:
            raise DemistoException(f"XSOAR could not run the search {query!r}: it gave no total.")
        iocs = reply.get("iocs") or []
        return Page(iocs, reply.get("searchAfter") if iocs else None, int(total), len(iocs) < size)

    def lookup(self, values: Sequence[str], query: str = "", whole: bool = False) -> dict[str, dict[str, Any]]:
        """The indicators that go out under these values, by lower-case value, of those that `query` finds; others are
        absent. One with the value itself goes before a file of which it is the hash.

        With `whole` an answer that has fewer than it counts raises DemistoException: who is absent from it may exist.
        """
        found = self.by_value(values, query, whole)
        hashes = [value for value in values if value.lower() not in found and is_hash(value)]
        return found | self.stand_ins(hashes, query, whole) if hashes else found

    def stand_ins(self, hashes: Sequence[str], query: str, whole: bool = False) -> dict[str, dict[str, Any]]:
        """The files that go out under these hashes because XDR does not take their own value, by lower-case hash. Of
        several the first by id.
        """
        found: dict[str, dict[str, Any]] = {}
        for chunk in slices(hashes, LOOKUP_SLICE):
            terms = [f"{name}:{quoted(value)}" for value in chunk for name, n in HASH_FIELDS.items() if len(value) == n]
            search, after, read = f"({' or '.join(terms)})", None, 0
            while True:
                page = self.page(f"{query} and {search}" if query else search, COMPARE_PAGE, MODIFIED_ASCENDING, after)
                for ioc in page.iocs:
                    known = found.setdefault(stand_in_hash(ioc), ioc)
                    if str(ioc.get("id")) < str(known.get("id")):
                        found[stand_in_hash(ioc)] = ioc
                must_go_on(page)
                after, read = page.after, read + len(page.iocs)
                if page.short or after is None:
                    must_be_whole(read, page.total, whole)
                    break
        wanted = {value.lower() for value in hashes}
        return {value: ioc for value, ioc in found.items() if value in wanted}

    def by_value(self, values: Sequence[str], query: str = "", whole: bool = False) -> dict[str, dict[str, Any]]:
        """The indicators with these very values, by lower-case value, of those that `query` finds."""
        found: dict[str, dict[str, Any]] = {}
        for chunk in slices(values, LOOKUP_SLICE):
            wanted_values = " or ".join(f"value:{quoted(value)}" for value in chunk)
            search = f"{query} and ({wanted_values})" if query else wanted_values
            page = self.page(search, 5 * LOOKUP_SLICE, MODIFIED_ASCENDING)
            must_be_whole(len(page.iocs), page.total, whole and page.short)
            if query and not page.short and len(chunk) > 1:
                for half in slices(chunk, (len(chunk) + 1) // 2):
                    found |= self.by_value(half, query, whole)
                continue
            iocs = page.iocs if page.short or query else [ioc for value in chunk for ioc in self.exact(value)]
            found.update({str(ioc.get("value")).lower(): ioc for ioc in iocs})
        wanted = {value.lower() for value in values}
        return {value: ioc for value, ioc in found.items() if value in wanted}

    def exact(self, value: str) -> list[dict[str, Any]]:
        return self.search(value=value, size=10).get("iocs") or []


def slices(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def quoted(value: str) -> str:
    """A value for the search language, whatever characters it has."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass
class Delivery:
    """Sends records in as many requests as XDR wants and brings home what it refused.

    `largest` shrinks for the rest of the run when XDR finds a request too large. Used by several threads.
    """

    client: IndicatorClient
    largest: int = MAX_REQUEST_SIZE

    GIVE_UP_AFTER = 64

    def send(self, plan: PagePlan) -> list[tuple[str, str, str]]:
        """Deliver a page. Gives (XSOAR's value, type, reason) of every record that XDR did not take; all others are in
        force.

        Raises:
            XDRError: part of the page may have been taken; sending the page again is safe.
        """
        errors: list[tuple[str, str]] = []
        for chunk in slices(plan.records, self.largest):
            outcomes: list[bool] = []
            errors += self.halving(list(chunk), outcomes)
            if len(chunk) > 1 and not any(outcomes):
                raise XDRBadRequestError(f"Cortex XDR refuses every record of a request alike: {errors[-1][1]}")
        sent = {record["indicator"].lower(): record["indicator"] for record in plan.records}
        refused = {sent.get(value.lower(), value): reason for value, reason in errors}
        enable = [value for value in plan.enable if value not in refused]
        if enable:
            self.client.set_status(enable, enabled=True)
        kinds = {record["indicator"]: XSOAR_TYPE[record["type"]] for record in plan.records}
        return [(plan.names.get(value, value), kinds.get(value, ""), reason) for value, reason in refused.items()]

    def halving(self, records: list[dict[str, Any]], outcomes: list[bool]) -> list[tuple[str, str]]:
        """Insert; where XDR refuses a whole request, find the record that it does not stand by cutting the request
        in half.
        """
        if not records:
            return []
        try:
            errors = self.client.insert(records).errors
        except (XDRTooLargeError, XDRBadRequestError) as error:
            outcomes.append(False)
            if len(records) == 1:
                return [(records[0]["indicator"], str(error))]
            if len(outcomes) >= self.GIVE_UP_AFTER and not any(outcomes):
                raise
            half = (len(records) + 1) // 2
            if isinstance(error, XDRTooLargeError):
                self.largest = min(self.largest, half)
            return self.halving(records[:half], outcomes) + self.halving(records[half:], outcomes)
        outcomes.append(True)
        return errors


class Named(NamedTuple):
    """What a value that a person gave stands for: the value of the IOC in XDR, and the indicator that speaks for it,
    None where XSOAR knows none.
    """

    ioc: str
    indicator: dict[str, Any] | None


def speakers(named: Mapping[str, Named]) -> list[dict[str, Any]]:
    """The indicators that are meant, one for each IOC."""
    return list({one.ioc.lower(): one.indicator for one in named.values() if one.indicator}.values())


@dataclass
class Untaken:
    """The IOCs with a change in XDR that this run knows of and had no time to take. They must not be written over.

    `values` are their hashes; of more than UNTAKEN_KEPT nothing is remembered but that there are `too_many`. `met`: one
    of them was about to be sent, so outbound stopped.
    """

    values: set[int] = field(default_factory=set)
    too_many: bool = False
    met: bool = False

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        if not self.too_many:
            self.values.update(hash(str(row.get("RULE_INDICATOR") or "").lower()) for row in rows)
            self.too_many = len(self.values) > UNTAKEN_KEPT

    def meets(self, records: Iterable[Mapping[str, Any]]) -> bool:
        """Is one of them among these records?"""
        here = self.too_many or any(hash(record["indicator"].lower()) in self.values for record in records)
        self.met = self.met or here
        return here


@dataclass
class Sync:
    """One run of the sync of one instance. `deadline` is on the monotonic clock of `timing`.

    `tally` counts what this run did, by the names of `RunLine`; `through` are the directions that it brought to their
    end, with the time up to which. `begun` is the epoch in seconds.
    """

    settings: Settings
    client: IndicatorClient
    server: XsoarServer
    state: VersionedState
    timing: HttpTiming
    deadline: float
    delivery: Delivery = field(init=False)
    untaken: Untaken = field(default_factory=Untaken)
    begun: float = field(init=False)
    tally: Counter[str] = field(default_factory=Counter)
    through: dict[str, str] = field(default_factory=dict)
    cut_short: bool = False

    def __post_init__(self) -> None:
        self.delivery = Delivery(self.client, self.settings.request_size)
        self.begun = self.timing.now()

    # -- small things

    def now_ms(self) -> int:
        return int(self.timing.now() * 1000)

    def now(self) -> str:
        return iso_from_ms(self.now_ms())

    def late(self) -> bool:
        return self.timing.monotonic() >= self.deadline

    @property
    def removals(self) -> VersionedState:
        """The record of what was removed."""
        return VersionedState(
            self.state.port, REMOVAL_RECORD_VERSION, new_removal_record, self.state.pause, key=REMOVAL_RECORD_KEY
        )

    @property
    def stale_ms(self) -> int:
        """A run that wrote something so long ago is over."""
        return int((self.settings.time_budget + STALE_AFTER_SECONDS) * 1000)

    def away(self) -> AwayIocs:
        """What is removed at present. To be asked after the indicators were read: see `Removal.remove`."""
        return AwayIocs(self.removals.load(), self.now_ms(), self.stale_ms)

    def note_returned(
        self, values: Sequence[str], phase: str = RETURNED, policies: Sequence[str] = REMOVAL_POLICIES
    ) -> None:
        """Keep on record that these were sent and enabled again, of those that were removed by `policies`."""
        if values:
            now_ms, stale_ms = self.now_ms(), self.stale_ms
            self.removals.update(lambda record: with_returned(record, values, now_ms, stale_ms, phase, policies))

    def note_disabled(self, values: Sequence[str]) -> None:
        """Take off the record what a person disabled now."""
        now_ms, record = self.now_ms(), self.removals.load()
        if record["entries"] or record["away"]:
            self.removals.update(lambda newest: without_disabled(newest, values, now_ms, self.stale_ms))

    def owners(self, iocs: Iterable[Mapping[str, Any]]) -> Mapping[str, dict[str, Any]]:
        """Who speaks for the hashes under which some of these files go out, of all that the Sync Query finds."""
        hashes = list(dict.fromkeys(value for ioc in iocs if (value := stand_in_hash(ioc))))
        return self.server.lookup(hashes, self.settings.effective_query) if hashes else {}

    def holders(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The indicators that speak for these IOCs of XDR, by lower-case value; for a hash those that the Sync Query
        finds go before the others.
        """
        hashes = [value for value in values if is_hash(value)]
        found = self.server.lookup(hashes, self.settings.effective_query) if hashes else {}
        rest = [value for value in values if value.lower() not in found]
        return found | self.server.lookup(rest) if rest else found

    def named(self, values: Sequence[str]) -> dict[str, "Named"]:
        """The IOC and the indicator that a person means by each of these values."""
        found = self.server.lookup(values)
        iocs = {value: ioc_value(found[value.lower()]) if value.lower() in found else value for value in values}
        hashes = [value for value in iocs.values() if is_hash(value)]
        owners = self.server.lookup(hashes, self.settings.effective_query) if hashes else {}
        return {value: Named(ioc, owners.get(ioc.lower()) or found.get(value.lower())) for value, ioc in iocs.items()}

    def newest(self) -> Position:
        page = self.server.page(self.settings.effective_query, 1, MODIFIED_DESCENDING)
        return Position(page.iocs[0].get("modified") if page.iocs else None, page.after, page.total)

    # -- start

    def begin(self, anew: bool = False, with_bulk: bool = True) -> dict[str, Any]:
        """The state to go on from. Makes a new start when there is none yet, when the Sync Query changed, or when
        asked to.
        """
        state = self.state.load()
        mark = self.settings.query_mark
        if not anew and state["fresh"] and state["query"] == mark:
            return state
        newest, epoch, now = self.newest(), state["epoch"], self.now()

        def change(current: dict[str, Any]) -> dict[str, Any]:
            return started(current, mark, newest, now, with_bulk) if current["epoch"] == epoch else current

        return self.state.update(change)

    # -- outbound

    def push(self) -> None:
        """Send what is fresh, then as many batches of the bulk lane as the time allows, looking for fresh news
        after each.
        """
        state = self.begin()
        self.push_fresh(state["epoch"])
        while not self.untaken.met and (state := self.state.load())["bulk"]["open"] and not self.late():
            self.push_batch(state)
            self.push_fresh(state["epoch"])

    def push_fresh(self, epoch: int) -> None:
        begun = self.now()
        fresh = self.state.load()["fresh"]
        start = fresh_start(fresh)
        query = self.settings.effective_query + (f" and modified:>={start.lower}" if start.lower else "")

        def commit(outcome: PageOutcome) -> None:
            now = self.now()
            self.state.update(lambda state: advanced_fresh(state, epoch, outcome, now))

        self.cut_short = False
        self.walk(query, MODIFIED_ASCENDING, start.after, commit, lambda ioc: is_news(ioc, start))
        if not self.cut_short:
            self.through["outbound"] = begun

    def push_batch(self, state: dict[str, Any]) -> None:
        """The next 40,000 records of the bulk lane; its cursor is stored after each request that XDR accepted."""
        epoch, bulk = state["epoch"], state["bulk"]
        done = bulk["done"]

        def commit(outcome: PageOutcome) -> None:
            nonlocal done
            done += len(outcome.page.iocs)
            self.tally["first_sync"] += len(outcome.page.iocs)
            position, now = done, self.now()
            self.state.update(
                lambda newest: advanced_bulk(newest, epoch, position, outcome, now),
                progress=progress_text(position, bulk),
            )

        query = f"{self.settings.effective_query} and modified:<{bulk['bound']}"
        self.walk(query, MODIFIED_DESCENDING, bulk["after"], commit, limit=BATCH_SIZE)
        self.server.log(f"First sync: {done} of about {bulk['total']} indicators delivered.")

    def walk(
        self,
        query: str,
        sort: list[dict[str, Any]],
        after: list[Any] | None,
        commit: Callable[[PageOutcome], None],
        wanted: Callable[[dict[str, Any]], bool] | None = None,
        limit: int | None = None,
    ) -> None:
        """Read a lane page by page, deliver each page, and commit the pages in the order they were read.

        While up to `in_flight` pages are on their way the next one is read and mapped. When a delivery fails, nothing
        behind it is
        committed, even where XDR took it: the next run sends it again. The walk ends before a page with an IOC whose
        change in XDR was not taken yet.
        """
        on_the_way: deque[tuple[Page, PagePlan, frozenset[Any], Future[list[tuple[str, str, str]]]]] = deque()
        with ThreadPoolExecutor(self.settings.in_flight) as pool:
            for page in self.pages(query, sort, after, limit):
                iocs = [ioc for ioc in page.iocs if wanted(ioc)] if wanted else page.iocs
                if not iocs and wanted:
                    must_go_on(page)
                    continue
                plan = plan_page(iocs, self.settings, self.now_ms(), self.owners(iocs), self.away())
                if self.untaken.meets(plan.records):
                    self.cut_short = True
                    break
                tried = frozenset(str(ioc.get("value") or ioc.get("id") or "") for ioc in iocs)
                self.create(plan.intents)
                on_the_way.append((page, plan, tried, pool.submit(self.delivery.send, plan)))
                if len(on_the_way) >= self.settings.in_flight:
                    self.settle(*on_the_way.popleft(), commit)
            while on_the_way:
                self.settle(*on_the_way.popleft(), commit)

    def pages(
        self, query: str, sort: list[dict[str, Any]], after: list[Any] | None, limit: int | None
    ) -> Iterator[Page]:
        size, read = self.settings.request_size, 0
        while not self.late() and (limit is None or read < limit):
            page = self.server.page(query, size, sort, after)
            yield page
            read += len(page.iocs)
            after = page.after
            if page.short or after is None:
                return
        self.cut_short = self.late()

    def settle(
        self,
        page: Page,
        plan: PagePlan,
        tried: frozenset[Any],
        delivered: "Future[list[tuple[str, str, str]]]",
        commit: Callable[[PageOutcome], None],
    ) -> None:
        refused = delivered.result()
        if self.settings.extensive_logs:
            for value, kind, reason in [*plan.rejects, *refused]:
                self.server.log(f"Set aside: {value} ({kind}): {reason}")
        values = {value for value, _, _ in refused}
        self.create([item for value, item in plan.notes.items() if value not in values])
        self.note_returned(plan.returned(values))
        pushed = len(plan.records) - len(refused)
        rejects = [*plan.rejects, *refused]
        self.tally.update(pushed=pushed, set_aside=len(rejects))
        commit(PageOutcome(page, rejects, pushed, plan.no_news, tried, frozenset(values)))

    def create(self, items: Sequence[dict[str, Any]]) -> None:
        """Hand items over to XSOAR; those of an instance with a label so that other instances lose nothing."""
        if self.settings.label:
            for chunk in slices(items, SHARED_SLICE):
                self.create_shared(chunk)
            return
        for chunk in slices(items, CREATE_SLICE):
            self.server.create(list(chunk))

    def create_shared(self, items: Sequence[dict[str, Any]]) -> None:
        """Write items over the indicators as they are at this moment, look what came of it, and write again where
        another instance, which had read before, has put back what it knew.

        XSOAR has no write on condition. What slips through between the two looks is found by the next run, which reads
        the rows of what was marked lately again.
        """
        label, left = self.settings.label, list(items)
        for turn in range(SHARED_TURNS):
            if turn:
                self.timing.sleep(self.timing.jitter() * turn)
            values = [item["value"] for item in left]
            known = self.server.by_value(values)
            self.server.create([merged_item(item, known.get(item["value"].lower()), label) for item in left])
            known = self.server.by_value(values)
            left = [item for item in left if was_lost(item, known.get(item["value"].lower()), label)]
            if not left:
                return
        self.server.log(f"{len(left)} indicators could not be marked for {label!r}: another instance writes to them.")

    # -- inbound

    def pull(self) -> bool:
        """Bring the changes of XDR into XSOAR, window by window; the cursor follows each window that XSOAR took.

        Takes at most half of the time that is left, so that a flood from one side does not keep the other side
        waiting. Gives whether all of them were taken.
        """
        begun, now = self.now(), self.timing.monotonic()
        half_time = now + (self.deadline - now) / 2
        state = self.state.load()
        inbound, epoch, whole = state["inbound"], state["epoch"], True
        with closing(self.client.changes(look_back_to(inbound))) as spool:
            for rows in spool.windows():
                due = [row for row in rows if is_due(row, inbound)]
                whole = whole and self.timing.monotonic() < half_time
                if not whole:
                    self.untaken.add(due)
                elif due:
                    self.take(due, epoch)
        if inbound.get("held"):
            self.state.update(lambda state: with_held(state, 0))
        if whole:
            self.through["inbound"] = begun
        return whole

    def hold(self) -> bool:
        """XDR's changes could not be read. Is nothing to be sent, so that none of them is written over unread?

        Not for ever: what XSOAR has to say would never arrive.
        """
        held = self.state.load()["inbound"].get("held", 0) + 1
        self.state.update(lambda state: with_held(state, held))
        return bool(held <= HELD_RUNS)

    def inbound_plan(self, rows: Sequence[dict[str, Any]]) -> InboundPlan:
        """What these rows mean for XSOAR as it is now; our own removals among them mean nothing. Changes nothing.

        An indicator that is gone although its row was taken before was deleted in XSOAR since, and stays so.
        """
        state = self.state.load()
        fresh, noted = state["fresh"] if self.settings.auto_sync else None, state["inbound"].get("noted") or {}
        sent_up_to = instant_ns(fresh["edge"]) if fresh and fresh["edge"] else None
        current = self.holders([str(row["RULE_INDICATOR"]) for row in rows if row.get("RULE_INDICATOR")])
        rows = [row for row in rows if not was_taken(row, noted) or rule_key(row) in current] if noted else rows
        theirs = rows_of_others(rows, self.removals.load(), frozenset(current))
        return plan_inbound(theirs, current, self.settings, self.now_ms(), sent_up_to)

    def take(self, rows: list[dict[str, Any]], epoch: int) -> None:
        """Take a window of rows. Raises SupersededError when the cursors were reset after `epoch`."""
        rows = not_seen_before(rows, self.state.load()["inbound"])
        plan = self.inbound_plan(rows)
        self.create(plan.items)
        self.settle_expirations(plan.items)
        if plan.conflicts:
            self.server.log(
                f"{len(plan.conflicts)} indicators were changed on both sides since the last run; "
                "XSOAR's changes win field by field: " + ", ".join(plan.conflicts[:20])
            )
        now = self.now()
        self.tally.update(taken=len(plan.items), set_aside=len(plan.rejects))
        label = self.settings.label
        self.state.update(lambda state: advanced_inbound(state, epoch, rows, plan, now, label))

    def settle_expirations(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Note the expiration that these indicators have now, where another source may have its own."""
        memories = ((item["value"], load_memory(item["fields"], self.settings.label)) for item in items)
        values = [
            value for value, memory in memories if memory and len(memory["base"].get("expiration_date") or ()) > 1
        ]
        self.create(list(settled_items(self.server.lookup(values).values(), self.settings, self.now_ms())))


def must_be_whole(read: int, total: int, wanted: bool) -> None:
    """Raises DemistoException for a listing that has fewer than it counts, where a whole one is wanted."""
    if wanted and read < total:
        raise DemistoException(f"XSOAR counts {total} indicators and listed {read} of them.")


def must_go_on(page: Page) -> None:
    """Raises DemistoException for a page without news when more follows it and the server gave no position."""
    if page.after is None and not page.short and page.total > len(page.iocs):
        raise DemistoException("XSOAR gave no searchAfter for a page, so the indicators behind it cannot be reached.")


def progress_text(done: int, bulk: Mapping[str, Any]) -> str:
    batch, batches = (-(-max(number, 1) // BATCH_SIZE) for number in (done, max(done, bulk["total"])))
    return json.dumps(
        {
            "label": f"first sync, batch {batch} of {batches}",
            "done": done,
            "total": max(done, bulk["total"]),
            "unit": "indicators",
        }
    )


# ---- steps of a comparison


def rules_by_value(sync: Sync, values: Iterable[str]) -> dict[str, dict[str, Any]]:
    """XDR's objects for these values, by lower-case value. XDR may keep a value in lower case."""
    return {rule_value(rule).lower(): rule for rule in rules_of_values(sync, values)}


def rules_of_values(sync: Sync, values: Iterable[str]) -> list[dict[str, Any]]:
    """XDR's objects for these values, as they are given and in lower case."""

    def rules_of(some: Sequence[str]) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = []
        while page := sync.client.read_back(len(rules), some):
            rules += page
            if len(page) < RULES_PAGE:
                break
        return rules

    spellings = list(dict.fromkeys(form for value in values for form in (value, value.lower())))
    with ThreadPoolExecutor(sync.settings.in_flight) as pool:
        return list(chain.from_iterable(pool.map(rules_of, slices(spellings, RULES_PAGE))))


class ListedPage(NamedTuple):
    """A page of XDR's listing: the IOCs that the page before did not have, where the listing goes on, and whether it is
    over.
    """

    rules: list[dict[str, Any]]
    place: dict[str, Any]
    ended: bool = False


def listing_of_xdr(sync: Sync, begin: Mapping[str, Any]) -> Iterator[ListedPage]:
    """The next few pages of XDR's listing from a place on, see `new_place`. Each begins with the end of the one before,
    so that none is missed when IOCs disappear in front of it meanwhile.
    """
    place = {name: begin[name] for name in new_place()}
    known = set(place["known"])
    for start, rules in pages_of_rules(sync, place["position"], place["overlap"]):
        fresh = [rule for rule in rules if rule.get("rule_id") not in known]
        if known and rules and len(fresh) == len(rules):
            yield ListedPage([], {**place, **stepped_back(begin, start)})
            return
        known = {rule.get("rule_id") for rule in rules if place["overlap"]} or known
        place |= {"position": start + len(rules), "known": sorted(known, key=str), "steps_back": 0}
        yield ListedPage(fresh, dict(place), not fresh and len(rules) < RULES_PAGE)
        if len(rules) < RULES_PAGE:
            return


def pages_of_rules(sync: Sync, position: int, overlap: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The next pages of XDR's listing with their positions, several asked for at once."""
    first, stride = max(0, position - overlap), RULES_PAGE - overlap
    starts = range(first, first + RULES_AT_ONCE * stride, stride)
    for batch in slices(starts, sync.settings.in_flight):
        with ThreadPoolExecutor(sync.settings.in_flight) as pool:
            pages = list(pool.map(sync.client.read_back, batch))
        yield from zip(batch, pages, strict=True)


def stepped_back(place: Mapping[str, Any], start: int) -> dict[str, Any]:
    """A page shares nothing with the one before: the listing moved. Go back a page or, if that does not help, on
    without looking for what they share.
    """
    if place["steps_back"] < STEPS_BACK and start > 0:
        return {"position": max(0, start - RULES_PAGE), "steps_back": place["steps_back"] + 1}
    doubt = "the listing of Cortex XDR moved while it was read, so IOCs of it may have been missed"
    return {"position": start, "known": [], "overlap": 0, "doubts": with_doubt(place, doubt)}


@dataclass
class Comparison:
    """One run of the comparison of both sides. It goes on where the last run ended and never holds more than a page.

    `sink` gets the rows of each page before it is committed.
    """

    sync: Sync
    repair: bool
    sink: Callable[[Sequence[dict[str, str]]], None]

    def begin(self, anew: bool) -> dict[str, Any]:
        """The comparison to go on with: the open one, if it is of the same kind and Sync Query, or a new one."""
        known = self.load()
        mark = self.sync.settings.query_mark
        usable = known and known["phase"] != "done" and known["query"] == mark and known["repair"] == self.repair
        if usable and not anew:
            return known
        fresh = new_comparison(self.sync.now(), mark, self.sync.newest(), self.repair)
        self.sync.state.update(lambda state: {**state, "compare": fresh})
        return fresh

    def load(self) -> dict[str, Any]:
        return self.sync.state.load().get("compare") or {}

    def run(self, anew: bool = False) -> str:
        """Compare page by page until all is compared or the time is used up. Gives why it ended early, if it did."""
        comparison = self.begin(anew)
        try:
            while comparison["phase"] != "done":
                if self.sync.late():
                    return "the time of this run is used up"
                step = self.step_in_xsoar if comparison["phase"] == "xsoar" else self.step_in_xdr
                if note := step(comparison):
                    return note
                comparison = self.load()
        except XDRPausedError as error:
            return str(error)
        return ""

    def commit(self, before: Mapping[str, Any], changes: Mapping[str, Any], rows: Sequence[dict[str, str]]) -> None:
        now = self.sync.now()
        self.sink(rows)
        self.sync.state.update(
            lambda state: advanced_comparison(state, before, changes, rows, now),
            progress=comparison_progress(before, changes),
        )

    # -- XSOAR's indicators, looked up in XDR

    def step_in_xsoar(self, comparison: Mapping[str, Any]) -> str:
        sync = self.sync
        query = f"{sync.settings.effective_query} and modified:<{comparison['bound']}"
        size = min(COMPARE_PAGE, sync.settings.request_size)
        page = sync.server.page(query, size, MODIFIED_ASCENDING, comparison["after"])
        must_go_on(page)
        compared = self.compared(page.iocs)
        outcome: dict[str, str] = {}
        if self.repair and compared.cases:
            if not sync.pull():
                return "Cortex XDR has more news than this run had time for, and they come first"
            compared, outcome = self.repaired(compared)
        state = sync.state.load() if compared.cases else {}
        rows = [finding_row(case, state, outcome.get(case.ioc["value"], "")) for case in compared.cases]
        self.commit(comparison, self.after_xsoar_page(comparison, page, compared, outcome), rows)
        return ""

    def compared(self, iocs: Iterable[dict[str, Any]]) -> Compared:
        """Map these indicators and hold them against what XDR has."""
        goings, not_sendable, same_ioc, now_ms = [], 0, 0, self.sync.now_ms()
        iocs = list(iocs)
        owners = self.sync.owners(iocs)
        for ioc in iocs:
            try:
                going = mapped(ioc, self.sync.settings, now_ms)
            except RejectedRecordError:
                not_sendable += 1
                continue
            if is_owner(ioc, owners):
                goings.append((ioc, going))
            else:
                same_ioc += 1
        rules = rules_by_value(self.sync, [going.standing["indicator"] for _, going in goings])
        return compare(goings, rules, not_sendable, same_ioc)

    def repaired(self, first: Compared) -> tuple[Compared, dict[str, str]]:
        """Look again, since XDR's news have been taken meanwhile, and send what still is not as it should be.

        Gives the cases and what became of each, by value.
        """
        sync = self.sync
        again = self.compared(sync.server.lookup([case.ioc["value"] for case in first.cases]).values())
        plan, outcome = repair_plan(again.cases, sync.settings)
        refused = sync.delivery.send(plan)
        reasons = {value: reason for value, _, reason in refused}
        sync.create([item for value, item in plan.notes.items() if value not in reasons])
        tried = {plan.names.get(record["indicator"], record["indicator"]) for record in plan.records}
        now = sync.now()
        sync.state.update(lambda state: with_rejects(state, refused, tried, now, TO_XDR, reasons.keys() & tried))
        outcome = {
            **{value: f"left: {reason}" for value, reason in outcome.items()},
            **{value: f"pushed; {outcome[value]}" if value in outcome else "pushed" for value in tried},
            **{value: f"refused: {reason}" for value, reason in reasons.items()},
        }
        settled = len(first.cases) - len(again.cases) - again.not_sendable - again.stay_deleted - again.same_ioc
        return (
            Compared(
                again.cases,
                first.equal + settled,
                first.not_sendable + again.not_sendable,
                first.stay_deleted + again.stay_deleted,
                first.same_ioc + again.same_ioc,
            ),
            outcome,
        )

    def after_xsoar_page(
        self, comparison: Mapping[str, Any], page: Page, compared: Compared, outcome: Mapping[str, str]
    ) -> dict[str, Any]:
        missing = sum(case.rule is None for case in compared.cases)
        told = [outcome.get(case.ioc["value"], "") for case in compared.cases]
        read = comparison["counts"]["compared_in_xsoar"] + len(page.iocs)
        changes: dict[str, Any] = {
            "after": page.after,
            "found_in_xdr": comparison["found_in_xdr"] + compared.equal + len(compared.cases) - missing,
            "counts": {
                "compared_in_xsoar": len(page.iocs),
                "equal": compared.equal,
                "only_in_xsoar": missing,
                "differing": len(compared.cases) - missing,
                "not_sendable": compared.not_sendable,
                "stay_deleted": compared.stay_deleted,
                "same_ioc": compared.same_ioc,
                "repaired": sum(text.startswith("pushed") for text in told),
                "refused": sum(text.startswith("refused") for text in told),
                "left_alone": sum(text.startswith("left") for text in told),
            },
        }
        if page.short:
            changes |= {"phase": "xdr", "changed_meanwhile": self.changed_since(comparison["bound"])}
            if read < page.total:
                doubt = f"XSOAR listed {read} of {page.total} indicators only"
                changes["doubts"] = with_doubt(comparison, doubt)
        return changes

    def changed_since(self, bound: str) -> int:
        """How many indicators were changed after the comparison began; the next fetch sends them."""
        query = f"{self.sync.settings.effective_query} and modified:>={bound}"
        return self.sync.server.page(query, 1, MODIFIED_ASCENDING).total

    # -- XDR's IOCs, looked up in XSOAR

    def step_in_xdr(self, comparison: Mapping[str, Any]) -> str:
        rows: list[dict[str, str]] = []
        counts = dict.fromkeys(("compared_in_xdr", "only_in_xdr", "outside_query"), 0)
        changes: dict[str, Any] = {"counts": counts}
        for page in listing_of_xdr(self.sync, comparison):
            found, outside = self.foreign(page.rules)
            rows += found + outside
            counts["compared_in_xdr"] += len(page.rules)
            counts["only_in_xdr"] += len(found)
            counts["outside_query"] += len(outside)
            changes |= page.place
            if page.ended:
                changes |= self.ended(page, comparison, counts["compared_in_xdr"])
        self.commit(comparison, changes, rows)
        return ""

    def foreign(self, rules: Sequence[dict[str, Any]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Rows for those that XSOAR does not know, and for those in force that its Sync Query does not find."""
        sync = self.sync
        known = sync.server.lookup([rule_value(rule) for rule in rules])
        wanted = sync.server.lookup(list(known), sync.settings.effective_query)
        record = sync.removals.load()
        only = [
            foreign_row(rule, known=False, entry=removed_entry(record, rule_value(rule)))
            for rule in rules
            if rule_value(rule).lower() not in known
        ]
        outside = [
            foreign_row(rule, known=True, entry=removed_entry(record, rule_value(rule)))
            for rule in rules
            if rule_value(rule).lower() in known.keys() - wanted.keys() and rule.get("status") != "DISABLED"
        ]
        return only, outside

    def ended(self, page: "ListedPage", comparison: Mapping[str, Any], read: int) -> dict[str, Any]:
        changes: dict[str, Any] = {"phase": "done", "finished": self.sync.now(), "known": []}
        listed = comparison["counts"]["compared_in_xdr"] + read
        if listed < comparison["found_in_xdr"]:
            doubt = f"Cortex XDR listed {listed} IOCs, although {comparison['found_in_xdr']} were found by value"
            changes["doubts"] = with_doubt(page.place, doubt)
        return changes


def comparison_progress(before: Mapping[str, Any], changes: Mapping[str, Any]) -> str:
    """Progress for who watches: XSOAR's indicators first, then XDR's IOCs, of which nobody knows how many there are."""
    here = before["phase"] == "xsoar"
    name = "compared_in_xsoar" if here else "compared_in_xdr"
    done = before["counts"][name] + changes["counts"].get(name, 0)
    label = "comparing, XSOAR's indicators" if here else "comparing, IOCs of Cortex XDR"
    total = max(done, before["total"] if here else before["found_in_xdr"])
    return json.dumps({"label": label, "done": done, "total": total, "unit": "indicators"})


# ---- steps of a removal


class RemovalDoubtError(DemistoException):
    """What XSOAR answered does not fit together, so nothing may be concluded from what it did not find."""


POLICIES_THAT_ACT = REMOVAL_POLICIES[1:]
REMOVAL_COLUMNS = ("indicator", "type", "reason", "outcome", "in_xdr")
RULE_FIELDS = ("severity", "reputation", "status", "expiration_date", "source", "comment")


def rule_label(rule: Mapping[str, Any]) -> str:
    """The label of the instance that wrote an IOC, "" for none."""
    return owner_label(comment_text(rule.get("comment")))


def held_ioc(rule: Mapping[str, Any]) -> HeldIoc:
    """An object of `get` as removal sees it."""
    expires = rule.get("expiration_date")
    expires = expires if isinstance(expires, int) and expires > 0 else -1
    modified = rule.get("modification_time")
    return HeldIoc(
        value=rule_value(rule),
        type=str(rule.get("type") or ""),
        severity=str(rule.get("severity") or "").upper().rpartition("_")[2],
        reputation=str(rule.get("reputation") or "UNKNOWN").upper(),
        reliability=str(rule.get("reliability") or "")[:1],
        expiration=None if rule.get("default_expiration_enabled") else expires,
        expires=expires,
        comment=comment_text(rule.get("comment")),
        status=str(rule.get("status") or "").upper(),
        source=str(rule.get("source") or ""),
        label=rule_label(rule),
        modified=modified if isinstance(modified, int) else 0,
    )


def held_record(value: str, entry: RemovedIoc, expiration: int | None) -> dict[str, Any]:
    """What XDR held of a removed IOC as a record to insert, with another expiration. Class and vendors are lost."""
    record: dict[str, Any] = {"indicator": value, "type": entry.type, "severity": entry.severity}
    record |= {"reputation": entry.reputation, "expiration_date": expiration}
    if entry.reliability:
        record["reliability"] = entry.reliability
    if entry.comment and entry.policy == "delete":
        record["comment"] = [entry.comment]
    return record


def removal_row(held: HeldIoc, reason: str, outcome: str) -> dict[str, str]:
    """A candidate as a row of the report, see REMOVAL_COLUMNS."""
    shown = {name: value for name, value in zip(RULE_FIELDS, held_shown(held), strict=True) if value}
    kind = XSOAR_TYPE.get(held.type, held.type)
    return {"indicator": held.value, "type": kind, "reason": reason, "outcome": outcome, "in_xdr": said(shown.items())}


def held_shown(held: HeldIoc) -> tuple[Any, ...]:
    return held.severity, held.reputation, held.status, held.expires, held.source, held.comment


@dataclass
class Removal:
    """One run of the removal of IOCs that XSOAR does not want any more. `left` is how many it still may remove.

    Each removal is: looked up on both sides, looked up again, put on record as intended, carried out, looked up once
    more, and put on record as done. A run that ends in between leaves an intent, which a later run completes or takes
    back. Nothing is concluded from a listing that is not whole.

    `sink` gets the rows of all candidates; with `rehearsal` nothing is removed.
    """

    sync: Sync
    rules: RemovalRules
    rehearsal: bool = False
    sink: Callable[[Sequence[dict[str, str]]], None] = lambda rows: None
    left: int = field(init=False, default=0)
    epoch: int = field(init=False, default=0)
    canaries: dict[str, str] = field(init=False, default_factory=dict)
    outcome: dict[str, Any] = field(init=False, default_factory=dict)
    done: set[str] = field(init=False, default_factory=set)
    counted: set[tuple[str, str]] = field(init=False, default_factory=set)
    looked: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.outcome = {
            "when": self.sync.now_ms(),
            "policy": self.rules.policy,
            "cap": 0,
            **{name: {} for name in ("candidates", "removed", "held_back")},
            "refused": 0,
            "brought_back": 0,
            "note": "",
        }

    # -- a run

    def run(self, by_person: bool = False, anew: bool = False) -> str:
        """Remove as much as cap and time allow. Gives why it ended early, if it did.

        Only a person may go on where the Sync Query finds far less than before.
        """
        if self.rules.policy == "leave":
            self.tidy_up()
            return ""
        state = self.sync.state.load()
        self.epoch = state["epoch"]
        note = self.not_yet(state)
        if not note:
            found = self.measure()
            note = self.hold(state.get("removal") or {}, found, by_person)
        if not note:
            note = self.carry_on(found, by_person, anew)
        self.outcome["note"] = note
        if not self.rehearsal:
            self.keep({"run": self.outcome})
        return note

    def tidy_up(self) -> None:
        """Without a policy nothing is removed; what an earlier run had begun is completed or taken back."""
        if self.unsettled():
            self.measure()
            self.settle()

    def not_yet(self, state: Mapping[str, Any]) -> str:
        if not state["fresh"] or not state["bulk"] or state["query"] != self.sync.settings.query_mark:
            return "nothing is removed before the first sync with this Sync Query"
        return "nothing is removed while the first sync is open" if state["bulk"]["open"] else ""

    def measure(self) -> int:
        """How many indicators the Sync Query finds; keeps one of them, and one of the keep query, for `look_up`."""
        total = 0
        for query in filter(None, (self.sync.settings.effective_query, self.keep_query)):
            page = self.sync.server.page(query, 1, MODIFIED_DESCENDING)
            if page.total and not page.iocs:
                raise RemovalDoubtError(f"XSOAR counts {page.total} indicators for {query!r} and lists none")
            if page.iocs:
                self.canaries[query] = str(page.iocs[0].get("value"))
            total = page.total if query == self.sync.settings.effective_query else total
        return total

    @property
    def keep_query(self) -> str:
        return f"({self.sync.settings.keep_query})" if self.sync.settings.keep_query else ""

    def hold(self, removal: Mapping[str, Any], found: int, by_person: bool) -> str:
        """Why nothing may be removed now; kept in the state, with the time since when. "" releases it."""
        mark = self.sync.settings.query_mark
        why = removal_hold({} if by_person or self.rehearsal else removal, mark, found, self.rules)
        if self.rehearsal:
            return why
        if why:
            since = (removal.get("held") or {}).get("since") or self.sync.now_ms()
            self.keep({"held": {"why": why, "since": since}})
            return why
        before = removal.get("found", 0) if removal.get("query") == mark and not by_person else 0
        self.keep({"held": None, "query": mark, "found": max(before, found)})
        return ""

    def carry_on(self, found: int, by_person: bool, anew: bool) -> str:
        self.left = self.outcome["cap"] = self.rules.cap(found)
        name = "rehearsal" if self.rehearsal else "look"
        if not self.rehearsal:
            self.settle()
            self.quick()
        due = look_is_due(self.removal(), self.epoch, self.rules.interval_ms, self.sync.now_ms())
        self.looked = self.begin_look(name, found, anew, due or by_person or self.rehearsal)
        if self.looked:
            while self.removal().get(name):
                if self.sync.late():
                    return "the time of this run is used up; the next one goes on"
                if not self.look_step(name):
                    break
        if self.outcome["held_back"] and self.left <= 0:
            return f"at the cap of {self.outcome['cap']} removals per run; the next one goes on"
        return "the time of this run is used up; the next one goes on" if self.outcome["held_back"] else ""

    def removal(self) -> dict[str, Any]:
        return self.sync.state.load().get("removal") or {}

    def keep(self, changes: Mapping[str, Any]) -> None:
        """Store members of the state's `removal`."""

        def change(state: dict[str, Any]) -> dict[str, Any]:
            return {**state, "removal": {**(state.get("removal") or {}), **changes}}

        self.sync.state.update(change)

    # -- both sides of some values

    def look_up(self, values: Sequence[str], query: str = "") -> dict[str, dict[str, Any]]:
        """As `XsoarServer.lookup`, and sure of who is absent: a value that is there is asked for besides.

        Raises:
            RemovalDoubtError: it was not found, so the others that were not found may exist, too.
        """
        canary = self.canaries.get(query or self.sync.settings.effective_query, "")
        found: dict[str, dict[str, Any]] = {}
        for chunk in slices(values, LOOKUP_SLICE - 1):
            answer = self.sync.server.lookup(list(dict.fromkeys([*chunk, canary] if canary else chunk)), query, True)
            if canary and canary.lower() not in answer:
                raise RemovalDoubtError(f"XSOAR did not find {canary!r}, which it had found a moment before")
            wanted = {value.lower() for value in chunk}
            found |= {value: ioc for value, ioc in answer.items() if value in wanted}
        return found

    def wishes(self, values: Sequence[str]) -> dict[str, Wish]:
        """What XSOAR says about each value today."""
        settings, now_ms = self.sync.settings, self.sync.now_ms()
        known = self.look_up(values)
        wanted = self.look_up(list(known), settings.effective_query)
        kept = self.look_up(list(known), self.keep_query) if self.keep_query else {}
        wishes = {}
        for value in values:
            key = value.lower()
            ioc = known.get(key) or {}
            verdict = XDR_REPUTATION.get(ioc.get("score") or 0, "UNKNOWN")
            wishes[value] = Wish(bool(ioc), key in wanted, key in kept, is_expired(ioc, now_ms), verdict)
        return wishes

    def steps(
        self, values: Sequence[str], known: Mapping[str, HeldIoc] | None = None
    ) -> dict[str, tuple[RemovalStep, HeldIoc | None]]:
        """What is to be done with each value, given what XDR holds of them; it is asked last when that is not known."""
        wishes, record = self.wishes(values), self.sync.removals.load()
        held = self.held(values) if known is None else known
        now_ms = self.sync.now_ms()
        return {
            value: (
                removal_step(
                    wishes[value],
                    held.get(value),
                    removed_entry(record, value),
                    self.rules,
                    now_ms,
                    self.sync.stale_ms,
                ),
                held.get(value),
            )
            for value in values
        }

    def held(self, values: Sequence[str]) -> dict[str, HeldIoc]:
        """What XDR holds of these values, in exactly this spelling."""
        return {rule_value(rule): held_ioc(rule) for rule in rules_of_values(self.sync, values)}

    def may_go(self, held: HeldIoc) -> bool:
        return held.ours(self.rules) and held.in_force(self.sync.now_ms())

    # -- effects

    def settle(self) -> None:
        """Complete or take back what a run that ended early had begun."""
        self.treat(self.unsettled())

    def unsettled(self) -> list[str]:
        """The intents of runs that are over."""
        record, now_ms = self.sync.removals.load(), self.sync.now_ms()
        entries = {value: RemovedIoc(*row) for value, row in record["entries"].items() if row[1] == INTENT}
        return [value for value, entry in entries.items() if not entry.young(now_ms, self.sync.stale_ms)]

    def treat(self, values: Sequence[str]) -> None:
        """Do what the table says, with values on record."""
        for chunk in slices(values, REMOVAL_SLICE):
            if self.sync.late():
                return
            steps = self.steps(chunk)
            self.note(steps)
            self.remove([value for value, (step, _) in steps.items() if step.do == DO_REMOVE])

    def note(self, steps: Mapping[str, tuple[RemovalStep, HeldIoc | None]]) -> None:
        """All that is to be done besides removing: what is to be put on record, and what comes back."""
        by_word: dict[str, list[str]] = {}
        for value, (step, _) in steps.items():
            by_word.setdefault(step.do, []).append(value)
        self.bring_back(by_word.get(DO_BRING_BACK, []))
        words = (DO_NOTE_DONE, DO_NOTE_RESTORED, DO_NOTE_RETURNED)
        if not any(word in by_word for word in (*words, DO_WITHDRAW)):
            return
        now_ms = self.sync.now_ms()

        def change(record: dict[str, Any]) -> dict[str, Any]:
            for word in words:
                record = with_phase(record, by_word.get(word, []), word, now_ms, (INTENT, DONE))
            return without_intents(record, by_word.get(DO_WITHDRAW, []))

        self.sync.removals.update(change)

    def bring_back(self, values: Sequence[str]) -> None:
        """Insert and enable what is wanted again, as the outbound lanes do. What these do not send, as what an operator
        deleted since, stays removed.
        """
        if not values:
            return
        sync = self.sync
        found = self.look_up(values, sync.settings.effective_query)
        plan = plan_page(found.values(), sync.settings, sync.now_ms(), sync.owners(found.values()), sync.away())
        rejects = [*plan.rejects, *sync.delivery.send(plan)]
        refused = {value for value, _, _ in rejects}
        sync.create([item for value, item in plan.notes.items() if value not in refused])
        now, now_ms = sync.now(), sync.now_ms()
        sent = {record["indicator"].lower() for record in plan.records}
        good = [one for one in values if (ioc := found.get(one.lower())) and ioc["value"] not in refused]
        back, stay = [one for one in good if one.lower() in sent], [one for one in good if one.lower() not in sent]
        tried = {ioc["value"] for ioc in found.values()}
        sync.state.update(lambda state: with_rejects(state, rejects, tried, now, TO_XDR))

        def change(record: dict[str, Any]) -> dict[str, Any]:
            record = with_phase(record, stay, DONE, now_ms, (INTENT,))
            return with_phase(record, back, RETURNED, now_ms, (INTENT, DONE))

        sync.removals.update(change)
        self.outcome["brought_back"] += len(back)

    def remove(self, values: Sequence[str]) -> int:
        """Remove these, after a second look at both sides, as far as cap and time go. Gives how many were tried.

        The order keeps a wanted IOC in force whatever happens in between: a run of the sync that delivers it reads the
        indicator first and the record after that, so it either sees the intent, and enables, or read the indicator
        before the intent was written; then the third look here sees it.
        """
        tried = 0
        while tried < len(values) and self.left > 0 and not self.sync.late():
            chunk = values[tried : tried + min(self.left, REMOVAL_SLICE)]
            tried += len(chunk)
            same_epoch(self.sync.state.load(), self.epoch)
            steps = self.steps(chunk)
            self.note(steps)
            going = {value: (step, held) for value, (step, held) in steps.items() if step.do == DO_REMOVE and held}
            if going:
                self.carry_out(going)
        return tried

    def carry_out(self, going: Mapping[str, tuple[RemovalStep, HeldIoc]]) -> None:
        sync, begun_ms = self.sync, self.sync.now_ms()
        until = begun_ms + EXPIRES_IN_MS if self.rules.policy == "expire" else None
        intents = {
            value: removal_intent(held, self.rules, step.reason, begun_ms, until)
            for value, (step, held) in going.items()
        }
        sync.removals.update(lambda record: with_intents(record, intents))
        refused = self.effect(intents, until)
        self.left -= len(intents)
        now_ms, wishes = sync.now_ms(), self.wishes(list(intents))
        wanted = [value for value, wish in wishes.items() if wish.wanted]
        done = [value for value in intents if value not in refused and not wishes[value].wanted]

        def change(record: dict[str, Any]) -> dict[str, Any]:
            return with_phase(without_intents(record, refused), done, DONE, now_ms, (INTENT,))

        sync.removals.update(change)
        self.bring_back(wanted)
        removed = counted_by(intents[value].reason for value in done)
        self.done.update(done)
        sync.tally.update(removed=len(done))
        self.outcome["removed"] = added_counts(self.outcome["removed"], removed)
        self.outcome["refused"] += len(refused)

    def effect(self, intents: Mapping[str, RemovedIoc], until: int | None) -> set[str]:
        """Carry the policy out. Gives the values that XDR refused to change."""
        sync, values = self.sync, list(intents)
        if self.rules.policy == "disable":
            sync.client.set_status(values, enabled=False)
            return set()
        if self.rules.policy == "delete":
            with ThreadPoolExecutor(sync.settings.in_flight) as pool:
                list(pool.map(sync.client.delete, values))
            return set()
        records = [held_record(value, entry, until) for value, entry in intents.items()]
        return {value for value, _, _ in sync.delivery.send(PagePlan(records, [], [], {}, 0))}

    # -- quick: what changed in XSOAR

    def quick(self) -> None:
        """Look at the indicators that changed and that the Sync Query does not find. The look through XDR finds those
        that this misses, so its cursor may be coarse.
        """
        server, outside = self.sync.server, f"-({self.sync.settings.effective_query})"
        cursor = self.removal().get("quick")
        if not cursor:
            page = server.page(f"modified:>=1970-01-01T00:00:00Z and {outside}", 1, MODIFIED_DESCENDING)
            edge = readable_edge(page.iocs[0], "1970-01-01T00:00:00Z") if page.iocs else "1970-01-01T00:00:00Z"
            self.keep({"quick": {"edge": edge, "after": page.after}})
            return
        while self.left > 0 and not self.sync.late():
            query = f"modified:>={whole_second(instant_ns(cursor['edge']))} and {outside}"
            page = server.page(query, self.sync.settings.request_size, MODIFIED_ASCENDING, cursor["after"])
            if not page.iocs or not self.examine_changed(page.iocs):
                return
            edge = readable_edge(page.iocs[-1], cursor["edge"])
            stuck = page.after is None and edge == cursor["edge"]
            cursor = {"edge": edge, "after": page.after}
            self.keep({"quick": cursor})
            if page.short or stuck:
                return

    def examine_changed(self, iocs: Iterable[Mapping[str, Any]]) -> bool:
        """Remove what of these XDR has in force. Gives whether all of it was gone through."""
        values = [ioc_value(ioc) for ioc in iocs if could_be_sent(ioc)]
        return self.examine([held_ioc(rule) for rule in rules_of_values(self.sync, values)])[0]

    def examine(self, seen: Iterable[HeldIoc]) -> tuple[bool, list[tuple[HeldIoc, str, str]]]:
        """Remove those of these IOCs that are not wanted. Gives whether all were gone through, and the candidates with
        reason and outcome.
        """
        by_value = {held.value: held for held in seen if self.may_go(held)}
        steps = self.steps(list(by_value), by_value) if by_value else {}
        candidates = [(held, step.reason) for step, held in steps.values() if step.do == DO_REMOVE and held]
        self.count("candidates", candidates)
        if self.rehearsal:
            return True, [(held, reason, "would be removed") for held, reason in candidates]
        self.note({value: one for value, one in steps.items() if one[0].do == DO_NOTE_RESTORED})
        tried = self.remove([held.value for held, _ in candidates])
        self.count("held_back", candidates[tried:])
        told = [(held, reason, "removed" if held.value in self.done else "left") for held, reason in candidates[:tried]]
        return tried == len(candidates), told

    def count(self, name: str, candidates: Iterable[tuple[HeldIoc, str]]) -> None:
        """Count each once in a run: what `quick` left comes again in the look, and the cap ends a run soon after."""
        if not self.rehearsal:
            candidates = [one for one in candidates if (name, one[0].value) not in self.counted]
            self.counted.update((name, held.value) for held, _ in candidates)
        self.outcome[name] = added_counts(self.outcome[name], counted_by(reason for _, reason in candidates))

    # -- the look through the whole of XDR

    def begin_look(self, name: str, found: int, anew: bool, due: bool) -> bool:
        """Whether there is a look to go on with: the open one, or a new one when it is due."""
        open_look = self.removal().get(name)
        if open_look and open_look["epoch"] == self.epoch and not anew:
            return True
        if not due and not open_look and not anew:
            return False
        look = new_look(self.sync.now_ms(), found, new_place(), self.epoch)
        self.keep({name: look} if self.rehearsal else {name: look, "found": found})
        if not self.rehearsal:
            record = self.sync.removals.load()
            self.treat([value for value, row in record["entries"].items() if row[1] == DONE])
        return True

    def look_step(self, name: str) -> bool:
        """A few pages of XDR's listing. Gives whether it may go on."""
        look = self.removal().get(name)
        if not look or look["epoch"] != self.epoch:
            raise SupersededError("Another run carries this look on, so this one stops here.")
        rules: list[dict[str, Any]] = []
        place, ended = {name: look[name] for name in new_place()}, False
        for page in listing_of_xdr(self.sync, look):
            rules += page.rules
            place, ended = page.place, page.ended
        all_done, candidates = self.examine(map(held_ioc, rules))
        if any(told == "removed" for _, _, told in candidates) and self.rules.policy == "delete":
            place = self.moved_up(place, rules)
        self.commit_look(name, look, rules, place if all_done else {}, ended and all_done, candidates)
        return all_done

    def moved_up(self, place: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The place in a listing from which some of these were deleted."""
        left = [rule.get("rule_id") for rule in rules if rule_value(rule) not in self.done]
        position = max(0, place["position"] - (len(rules) - len(left)))
        return {**place, "position": position, "known": sorted({*place["known"], *left}, key=str)}

    def commit_look(
        self,
        name: str,
        look: Mapping[str, Any],
        rules: Sequence[Mapping[str, Any]],
        place: Mapping[str, Any],
        ended: bool,
        candidates: Sequence[tuple[HeldIoc, str, str]],
    ) -> None:
        """Carry pages of the look in. Without a `place` they come again, because cap or time ended in them."""
        rows = [removal_row(held, reason, told) for held, reason, told in candidates]
        self.sink(rows)
        changes: dict[str, Any] = {
            "candidates": added_counts(look["candidates"], counted_by(reason for _, reason, _ in candidates)),
            "removed": added_counts(
                look["removed"], counted_by(why for _, why, told in candidates if told == "removed")
            ),
            "rows": [*look["rows"], *rows][:FINDINGS_KEPT],
        }
        if place:
            sources = counted_by(str(rule.get("source") or "") for rule in rules)
            changes |= {**place, "in_xdr": look["in_xdr"] + len(rules)}
            changes["by_source"] = added_sources(look["by_source"], sources)
        now_ms = self.sync.now_ms()

        def change(state: dict[str, Any]) -> dict[str, Any]:
            removal = state.get("removal") or {}
            known = removal.get(name)
            if not known or look_cursor(known) != look_cursor(look):
                raise SupersededError("Another run carries this look on, so this one stops here.")
            carried = {**known, **changes}
            if not ended:
                return {**state, "removal": {**removal, name: carried}}
            last = "rehearsed" if name == "rehearsal" else "last"
            finished = {**carried, "finished": now_ms, "known": []}
            return {**state, "removal": {**removal, name: None, last: finished}}

        self.sync.state.update(change)


def readable_edge(ioc: Mapping[str, Any], otherwise: str) -> str:
    """When XSOAR last changed the indicator, as it writes it."""
    return str(ioc["modified"]) if modified_ns(ioc) < UNREADABLE_NS else otherwise


def could_be_sent(ioc: Mapping[str, Any]) -> bool:
    """Is it of a type and shape that XDR takes?"""
    try:
        value_and_type(ioc, str(ioc.get("value") or ""))
    except RejectedRecordError:
        return False
    return True


# ---- steps of a push by hand


@dataclass
class HandPush:
    """Pushes what a person asks for, at once and besides the lanes: no cursor of the sync takes part or moves.

    `named` tells whether the person named the indicators one by one.
    """

    sync: Sync
    overrides: Overrides
    named: bool

    def plan(self, iocs: Sequence[dict[str, Any]]) -> HandPlan:
        sync, owners = self.sync, NO_OWNERS if self.named else self.sync.owners(iocs)
        return plan_by_hand(iocs, sync.settings, self.overrides, sync.now_ms(), self.named, owners, sync.away())

    def settle(
        self, iocs: Sequence[dict[str, Any]], plan: PagePlan, refused: Sequence[tuple[str, str, str]]
    ) -> list[tuple[str, str, str]]:
        """Tell XSOAR what XDR took, and the list of rejects what became of these indicators. Gives what was set aside
        as (value, type, reason).
        """
        sync, values = self.sync, {value for value, _, _ in refused}
        sync.create([item for value, item in plan.notes.items() if value not in values])
        sync.note_returned(plan.returned(values), RESTORED if self.named else RETURNED)
        rejects, now = [*plan.rejects, *refused], sync.now()
        seen = {ioc.get("value") for ioc in iocs}
        sync.state.update(lambda state: with_rejects(state, rejects, seen, now, TO_XDR, values))
        return rejects

    def values(self, iocs: Sequence[dict[str, Any]]) -> tuple[PagePlan, list[tuple[str, str, str]]]:
        """Push these indicators. Gives what was sent and what was set aside."""
        plan = self.plan(iocs).page
        return plan, self.settle(iocs, plan, self.sync.delivery.send(plan))


def asked_page(sync: Sync, query: str) -> Page:
    """The newest indicator that a person's query finds, and how many there are. Raises ValueError for a query that
    XSOAR refuses.
    """
    try:
        return sync.server.page(f"({query})", 1, MODIFIED_DESCENDING)
    except (ValueError, DemistoException) as error:
        raise ValueError(f"Argument 'query': XSOAR refuses {query!r}: {error}") from error


class Walked(NamedTuple):
    """How far a push by query got: where to go on (None when it is complete), why it ended early, and its counts."""

    token: WalkToken | None
    note: str
    looked_at: int
    found: int
    pushed: int
    rejected: int
    stay_deleted: int


@dataclass
class QueryPush:
    """Pushes everything that a query finds, newest change first, page by page, as far as the time goes.

    It walks what had not been changed after it began, so what its own writes move is not met again. `token` is where a
    former call ended, later where this one is. `found` and `looked_at` count from the first call on.
    """

    hand: HandPush
    query: str
    token: WalkToken | None
    bound: str = ""
    found: int = 0
    looked_at: int = 0
    pushed: int = 0
    rejected: int = 0
    stay_deleted: int = 0

    def listing(self) -> str:
        """The search that finds what had not been changed after the first call began."""
        if self.token:
            self.bound, self.found, self.looked_at = self.token.bound, self.token.found, self.token.looked_at
        else:
            newest = asked_page(self.hand.sync, self.query)
            edge = newest.iocs[0].get("modified") if newest.iocs else None
            self.found, self.bound = newest.total, whole_second(instant_ns(edge) if edge else UNREADABLE_NS, after=True)
        return f"({self.query}) and modified:<{self.bound}"

    def pages(self, listing: str) -> Iterator[Page]:
        """The pages of the listing, none after the time is used up."""
        after = self.token.after if self.token else None
        for page in self.hand.sync.pages(listing, MODIFIED_DESCENDING, after, None):
            must_go_on(page)
            yield page

    def run(self) -> Walked:
        """Push. While requests are on their way the next page is read.

        Raises:
            DemistoException: what failed. It tells how far the push got, and with which `after` it goes on.
        """
        sync = self.hand.sync
        listing = self.listing()
        on_the_way: deque[tuple[Page, HandPlan, Future[list[tuple[str, str, str]]]]] = deque()
        complete, note = False, ""
        try:
            with ThreadPoolExecutor(sync.settings.in_flight) as pool:
                for page in self.pages(listing):
                    plan = self.hand.plan(page.iocs)
                    on_the_way.append((page, plan, pool.submit(sync.delivery.send, plan.page)))
                    if len(on_the_way) >= sync.settings.in_flight:
                        complete = self.settle(*on_the_way.popleft())
                while on_the_way:
                    complete = self.settle(*on_the_way.popleft())
        except XDRPausedError as error:
            note = str(error)
        except (DemistoException, ValueError, OSError) as error:
            after = f" Go on with after={self.token.text()}" if self.token else ""
            text = f"{error} Before that {self.looked_at} of {self.found} indicators were looked at.{after}"
            raise DemistoException(text) from error
        note = "" if complete else note or "the time of this command is used up"
        counts = (self.looked_at, self.found, self.pushed, self.rejected, self.stay_deleted)
        return Walked(None if complete else self.token, note, *counts)

    def settle(self, page: Page, plan: HandPlan, delivered: "Future[list[tuple[str, str, str]]]") -> bool:
        """A page that was delivered: from here on `token` points behind it. Gives whether it was the last."""
        rejects = self.hand.settle(page.iocs, plan.page, delivered.result())
        self.looked_at += len(page.iocs)
        self.rejected += len(rejects)
        self.pushed += len(page.iocs) - len(rejects) - plan.stay_deleted - plan.page.no_news
        self.stay_deleted += plan.stay_deleted
        if page.after is not None:
            self.token = WalkToken(mark_of_query(self.query), self.bound, page.after, self.looked_at, self.found)
        return page.short or page.after is None


NOT_TRIED = "not tried"
DELETION_COLUMNS = (
    "indicator",
    "status",
    "in_xsoar",
    "type",
    "severity",
    "verdict",
    "expiration",
    "source",
    "comment",
    "reason",
)


@dataclass
class Deletion:
    """Deletes IOCs in XDR, one per call, and tells XSOAR. A killed one is completed by the same command."""

    sync: Sync

    def run(self, values: Sequence[str]) -> list[dict[str, Any]]:
        """A row for each value, see `deletion_row`, of which `status` is deleted, not_found or failed.

        The first failure ends it; the values behind it are not tried.
        """
        sync = self.sync
        named = sync.named(values)
        rules = rules_by_value(sync, [one.ioc for one in named.values()])
        here = {value.lower(): one.indicator for value, one in named.items() if one.indicator}
        there = {value.lower(): rules[key] for value, one in named.items() if (key := one.ioc.lower()) in rules}
        rows: list[dict[str, Any]] = []
        stop = ""
        for some in slices(values, sync.settings.in_flight):
            stop = stop or ("the time of this command is used up" if sync.late() else "")
            outcomes = [("failed", f"{NOT_TRIED}: {stop}")] * len(some) if stop else self.delete(some, named, there)
            stop = stop or ("another one failed" if any(status == "failed" for status, _ in outcomes) else "")
            for value, (status, reason) in zip(some, outcomes, strict=True):
                key = value.lower()
                rows.append(deletion_row(value, status, reason, there.get(key), key in here))
            gone = [value for value, (status, _) in zip(some, outcomes, strict=True) if status != "failed"]
            self.tell(gone, here, there)
        return rows

    def delete(
        self, values: Sequence[str], named: Mapping[str, Named], there: Mapping[str, dict[str, Any]]
    ) -> list[tuple[str, str]]:
        """What became of each, and why. XDR is asked also for what its listing does not have: it may be new."""

        def one(value: str) -> tuple[str, str]:
            rule = there.get(value.lower())
            try:
                found = self.sync.client.delete(rule_value(rule) if rule else named[value].ioc)
            except XDRError as error:
                return "failed", str(error)
            return ("deleted" if found else "not_found"), ""

        with ThreadPoolExecutor(self.sync.settings.in_flight) as pool:
            return list(pool.map(one, values))

    def tell(
        self, values: Sequence[str], here: Mapping[str, dict[str, Any]], there: Mapping[str, dict[str, Any]]
    ) -> None:
        """Mark the indicators as deleted, whether XDR had them or not: they are not wanted there."""
        sync, now, now_ms = self.sync, self.sync.now(), self.sync.now_ms()
        known = [value.lower() for value in values if (here.get(value.lower()) or {}).get("indicator_type")]
        sync.create([deleted_item(here[key], there.get(key), sync.settings, now_ms) for key in known])
        gone = {here[key]["value"] for key in known}
        if gone & sync.state.load()["rejects"].keys():
            sync.state.update(lambda state: with_rejects(state, (), gone, now, "to XDR"))


def next_outbound(sync: Sync) -> Iterator[list[dict[str, Any]]]:
    """The indicators that the next push without names would look at, page by page. Moves nothing; ends early when the
    time is used up.
    """
    state, settings = sync.state.load(), sync.settings
    if not state["fresh"] or state["query"] != settings.query_mark:
        for page in sync.pages(settings.effective_query, MODIFIED_DESCENDING, None, None):
            yield page.iocs
        return
    start, bulk = fresh_start(state["fresh"]), state["bulk"]
    query = settings.effective_query + (f" and modified:>={start.lower}" if start.lower else "")
    for page in sync.pages(query, MODIFIED_ASCENDING, start.after, None):
        yield [ioc for ioc in page.iocs if is_news(ioc, start)]
    if bulk["open"]:
        query = f"{settings.effective_query} and modified:<{bulk['bound']}"
        for page in sync.pages(query, MODIFIED_DESCENDING, bulk["after"], None):
            yield page.iocs


# ---- steps of a retry

STILL, PUSHED, TAKEN, NO_NEWS, OUT, GONE = "still set aside", "pushed", "taken", "no news", "outside", "gone"


@dataclass
class Retry:
    """Tries records that are set aside again, at once. Gives (outcome, reason) by value; no cursor moves.

    What does not stay set aside is taken off the list.
    """

    sync: Sync

    def to_xdr(self, values: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Send those that the Sync Query still finds."""
        sync = self.sync
        wanted = sync.server.lookup(values, sync.settings.effective_query)
        others = sync.server.lookup([value for value in values if value.lower() not in wanted])
        owners = sync.owners(wanted.values())
        plan = plan_page(wanted.values(), sync.settings, sync.now_ms(), owners, sync.away())
        refused = self.send(plan)
        told = {value: reason for value, _, reason in refused}
        sync.create([item for value, item in plan.notes.items() if value not in told])
        sync.note_returned(plan.returned(told))
        rejects = [*plan.rejects, *refused]
        self.settle(rejects, values, TO_XDR, told.keys() | set())
        reasons = {value.lower(): reason for value, _, reason in rejects}
        sent = {plan.names.get(record["indicator"], record["indicator"]).lower() for record in plan.records}

        def outcome(key: str) -> tuple[str, str]:
            if key in reasons:
                return STILL, reasons[key]
            if key in wanted:
                return (PUSHED, "") if key in sent else (NO_NEWS, "Cortex XDR holds it as it is")
            return (OUT, "the Sync Query does not find it") if key in others else (GONE, "XSOAR has no such indicator")

        return {value: outcome(value.lower()) for value in values}

    def send(self, plan: PagePlan) -> list[tuple[str, str, str]]:
        """As a delivery. All of them may be bad ones, so that XDR refuses a request as a whole is no alarm here."""
        try:
            return self.sync.delivery.send(plan)
        except (XDRBadRequestError, XDRTooLargeError) as error:
            kinds = {record["indicator"]: XSOAR_TYPE[record["type"]] for record in plan.records}
            return [(plan.names.get(value, value), kind, str(error)) for value, kind in kinds.items()]

    def from_xdr(self, values: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Read what XDR holds of them now and take it, as a fetch would."""
        sync = self.sync
        named = sync.named(values)
        rules = rules_by_value(sync, [one.ioc for one in named.values()])
        rules = {value.lower(): rules[key] for value, one in named.items() if (key := one.ioc.lower()) in rules}
        plan = sync.inbound_plan([change_row(rule) for rule in rules.values()])
        sync.create(plan.items)
        self.settle(plan.rejects, values, FROM_XDR)
        reasons = {value.lower(): reason for value, _, reason in plan.rejects}
        taken = {item["value"].lower() for item in plan.items}

        def outcome(key: str) -> tuple[str, str]:
            if key in reasons:
                return STILL, reasons[key]
            if key in taken:
                return TAKEN, ""
            return (NO_NEWS, "XSOAR has it as it is") if key in rules else (GONE, "Cortex XDR holds no such IOC")

        return {value: outcome(value.lower()) for value in values}

    def settle(
        self,
        rejects: Sequence[tuple[str, str, str]],
        values: Iterable[str],
        direction: str,
        refused: "set[str] | frozenset[str]" = frozenset(),
    ) -> None:
        now, seen = self.sync.now(), {*values, *(value for value, _, _ in rejects)}
        self.sync.state.update(lambda state: with_rejects(state, rejects, seen, now, direction, refused))


# ---- files for the vendor


@dataclass(frozen=True)
class FileSpot:
    """Where a file entry has to be written: `path` in the working directory, `entry` to return for it under a name."""

    path: str
    entry: Callable[[str], dict[str, Any]]


def sync_records(sync: Sync, rejects: list[tuple[str, str, str]]) -> Iterator[dict[str, Any]]:
    """Every record of the Sync Query as XDR should hold it, page by page; what cannot be sent is added to `rejects`.

    Reads from the very beginning whatever the stored cursors say, and moves none of them. What was deleted in XDR
    stays out.

    Raises:
        DemistoException: the listing ended early. A file made of it would delete IOCs, since XDR takes it as the
        whole set.
    """
    now_ms, read, total, after = sync.now_ms(), 0, 0, None
    while True:
        page = sync.server.page(sync.settings.effective_query, MAX_REQUEST_SIZE, MODIFIED_ASCENDING, after)
        total, read, after = max(total, page.total), read + len(page.iocs), page.after
        owners = sync.owners(page.iocs)
        for ioc in page.iocs:
            try:
                going = mapped(ioc, sync.settings, now_ms)
            except RejectedRecordError as reason:
                rejects.append(set_aside(ioc, reason))
                continue
            if not going.deleted and is_owner(ioc, owners):
                yield going.standing
        if page.short or after is None:
            break
    if read < total:
        raise DemistoException(
            f"XSOAR listed {read} of {total} indicators only. Nothing was sent; run the command again."
        )


def write_sync_file(sync: Sync, out: IO[bytes], rejects: list[tuple[str, str, str]]) -> int:
    """Write one JSON object per line. Gives the number of lines."""
    count = 0
    for record in sync_records(sync, rejects):
        out.write(json.dumps(record).encode("utf-8") + b"\n")
        count += 1
    return count


def write_keep_file(sync: Sync, out: IO[bytes], rejects: list[tuple[str, str, str]]) -> int:
    """Write one value per line; a single blank when there is none, because XDR refuses an empty file."""
    count = 0
    for record in sync_records(sync, rejects):
        out.write(record["indicator"].encode("utf-8") + b"\n")
        count += 1
    if not count:
        out.write(b" ")
    return count


def write_rejects_file(sync: Sync, out: IO[bytes], wanted: Callable[[Mapping[str, Any]], bool]) -> int:
    """Write the `wanted` of all records that are set aside as CSV: what of today's Sync Query cannot be sent, found
    anew, and what Cortex XDR or XSOAR refused, from the list. Gives the number of rows; memory does not grow.
    """
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    table = csv.DictWriter(text, REJECT_COLUMNS, extrasaction="ignore")
    table.writeheader()
    listed, now, count = dict(sync.state.load()["rejects"]), sync.now(), 0
    found: list[tuple[str, str, str]] = []
    for _ in chain(sync_records(sync, found), (None,)):
        for value, kind, reason in found:
            listed.pop(value, None)
            row = {"indicator": value, "type": kind, "reason": reason, "direction": TO_XDR, "when": now}
            if wanted(row):
                table.writerow(row)
                count += 1
        found.clear()
    rest = [row for row in reject_rows(listed) if wanted(row)]
    table.writerows(rest)
    text.detach()
    return count + len(rest)


# ---- commands


def test_module_command(sync: Sync) -> str:
    """Check what a sync needs: interval, Sync Query, reading and writing in XDR. Changes nothing on either side.

    An insert of an empty list tells whether the key may write: a role that may not is refused before the body is
    looked at.
    """
    settings = sync.settings
    if settings.feed and settings.fetch_interval_minutes < MIN_FETCH_INTERVAL_MINUTES:
        raise ValueError(
            f"Parameter 'feedFetchInterval' (Feed Fetch Interval): "
            f"{settings.fetch_interval_minutes} minutes is less than "
            f"{MIN_FETCH_INTERVAL_MINUTES}. Shorter intervals are known to cause errors on the side of Cortex XDR."
        )
    if settings.time_budget >= SERVER_LIMIT_SECONDS:
        raise ValueError(
            f"Parameter 'fetch_time_budget_seconds' (Time budget of a run): {settings.time_budget:g} is not below the "
            f"{SERVER_LIMIT_SECONDS} seconds after which XSOAR ends a run."
        )
    try:
        sync.newest()
    except (ValueError, DemistoException) as error:
        raise ValueError(f"Parameter 'query' (Sync Query): XSOAR refuses {settings.query!r}: {error}") from error
    if settings.removal.policy != "leave":
        check_removal(sync)
    sync.client.changes(sync.now_ms()).close()
    with suppress(XDRBadRequestError):
        sync.client.insert([])
    return "ok"


def check_removal(sync: Sync) -> None:
    """Check what removal needs besides: a reason, a keep query that XSOAR takes, and XDR's listing."""
    if not sync.settings.removal.reasons:
        raise ValueError(
            "Parameter 'removal_reasons' (Reasons for a removal) is empty; choose one, or the policy 'leave'."
        )
    try:
        Removal(sync, sync.settings.removal).measure()
    except (ValueError, DemistoException) as error:
        raise ValueError(
            f"Parameter 'keep_query' (Keep Query): XSOAR refuses {sync.settings.keep_query!r}: {error}"
        ) from error
    sync.client.read_back()


def fetch_indicators_command(sync: Sync) -> None:
    """One run of the feed: XDR's changes first, then XSOAR's. While XDR's changes cannot be read, XSOAR's wait, at most
    HELD_RUNS runs: a record written over a change that nobody has read would be the end of that change.

    Raises:
        DemistoException: what failed. What was delivered before stays committed.
    """
    problems: list[str] = []
    notes: list[str] = []
    before = sync.state.load()["counts"]["pushed"]
    steps: list[tuple[str, Callable[[], object]]] = [("from Cortex XDR", sync.pull)]
    if sync.settings.auto_sync:
        steps.append(("to Cortex XDR", sync.push))
    done: dict[str, object] = {}
    for name, step in steps:
        try:
            done[name] = step()
        except SupersededError as note:
            notes.append(str(note))
        except XDRConfigError as error:
            problems.append(f"{name}: {error}")
            break
        except (DemistoException, ValueError, OSError) as error:
            # A tenant at its limit while the run comes to its end: no failure, unless the run got nowhere at all.
            got_on = isinstance(error, XDRPausedError) and sync.state.load()["counts"]["pushed"] > before
            (notes if got_on else problems).append(f"{name}: {error}")
            if step == sync.pull and sync.hold():
                break
    if sync.settings.auto_sync and done.get("from Cortex XDR") and not problems and not notes:
        remove_in_run(sync, problems, notes)
    finish(sync, problems, notes)
    if problems:
        raise DemistoException("IOC sync " + "; ".join(problems))


def remove_in_run(sync: Sync, problems: list[str], notes: list[str]) -> None:
    """The removal of a run in which both directions went well: XDR's news are in XSOAR, XSOAR's in XDR."""
    try:
        Removal(sync, sync.settings.removal).run()
    except (SupersededError, RemovalDoubtError, XDRPausedError) as note:
        notes.append(f"removal: {note}")
    except (DemistoException, ValueError, OSError) as error:
        problems.append(f"removal: {error}")


def finish(sync: Sync, problems: list[str], notes: list[str]) -> None:
    """Keep the outcome of a run for `xdr-iocs-status`, and the kind of key that worked."""
    now, key_type = sync.now(), sync.client.key.key_type
    error, note = "; ".join(problems)[:1000], "; ".join(notes)[:1000]
    directions = {"inbound", "outbound"} if sync.settings.auto_sync else {"inbound"}
    whole = not problems and directions <= sync.through.keys()
    run = run_line(sync, "fetch-indicators", error, note)

    def change(state: dict[str, Any]) -> dict[str, Any]:
        last = {**state["last"], "error": error, "note": note, "run": now}
        state = {**state, "last": last, "key_type": key_type if not problems else state["key_type"]}
        return with_run(state, run, sync.through, whole, decides=True)

    sync.state.update(change)


def run_line(sync: Sync, command: str, error: str = "", note: str = "") -> RunLine:
    """What this run did, for the list of runs."""
    pacer, tally = sync.client.retry.pacer, sync.tally
    return RunLine(
        when=iso_from_ms(sync.begun * 1000),
        by=command,
        seconds=round(sync.timing.now() - sync.begun, 1),
        pushed=tally["pushed"],
        taken=tally["taken"],
        removed=tally["removed"],
        set_aside=tally["set_aside"],
        first_sync=tally["first_sync"],
        requests=pacer.sent,
        throttled=pacer.throttled,
        error=error[:RUN_ERROR_LENGTH],
        note=note[:RUN_ERROR_LENGTH],
    )


def push_on_request(sync: Sync) -> None:
    """The outbound half of a fetch. Whether the sync is in step is told by it only where no fetch tells."""
    decides = not sync.settings.feed

    def keep(error: str) -> None:
        run, now = run_line(sync, "xdr-iocs-push", error), sync.now()

        def change(state: dict[str, Any]) -> dict[str, Any]:
            if decides:
                state = {**state, "last": {**state["last"], "error": error, "note": "", "run": now}}
            whole = not error and "outbound" in sync.through
            return with_run(state, run, sync.through, whole, decides)

        sync.state.update(change)

    try:
        sync.push()
    except (DemistoException, ValueError, OSError) as error:
        keep(f"to Cortex XDR: {error}")
        raise
    keep("")


def sync_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-sync`: upload all the Sync Query finds as the whole set of XSOAR's IOCs; start the lanes behind it.

    The cursors are set after XDR accepted the file, to the point where the listing began.
    """
    state = sync.state.load()
    if state["fresh"] and not argToBoolean(args.get("firstTime") or False):
        return CommandResults(
            readable_output="This instance is already synced and keeps up at every fetch. To replace all of "
            "XSOAR's IOCs in Cortex XDR by today's result of the Sync Query, run `!xdr-iocs-sync firstTime=true`."
        )
    newest = sync.newest()
    rejects: list[tuple[str, str, str]] = []
    counts: list[int] = []
    sync.client.upload("indicators/sync_tim_iocs/", lambda out: counts.append(write_sync_file(sync, out, rejects)))
    store_full_sync(sync, newest, rejects)
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Sync",
        outputs={"uploaded": counts[0], "rejected": len(rejects)},
        readable_output=f"sync with XDR completed. {counts[0]} indicators uploaded." + rejects_table(rejects),
    )


def store_full_sync(sync: Sync, newest: Position, rejects: list[tuple[str, str, str]]) -> None:
    mark, now = sync.settings.query_mark, sync.now()

    def change(state: dict[str, Any]) -> dict[str, Any]:
        return with_rejects(started(state, mark, newest, now, with_bulk=False), rejects, set(), now, "to XDR")

    sync.state.update(change)


def push_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-push`: these indicators or all of a query, whatever the Sync Query says, or, without any, the outbound
    half of a fetch. With `dry_run` only tell what would go.
    """
    values, query = values_of(args), str(args.get("query") or "").strip()
    overrides, after = overrides_from(args, sync.now_ms()), args.get("after")
    if values and query:
        raise ValueError("Arguments 'indicator' and 'query': give one of them.")
    if after and not query:
        raise ValueError("Argument 'after' goes on with a push by query; give 'query', too.")
    if overrides.names and not values and not query:
        raise ValueError(
            "Arguments 'severity', 'expiration' and 'comment' are for indicators that are named by 'indicator' or "
            "'query'; a push of everything new sends XSOAR's own values."
        )
    hand = HandPush(sync, overrides, named=bool(values))
    if argToBoolean(args.get("dry_run") or False):
        return dry_run(hand, values, query, after)
    if values:
        return push_values(hand, values)
    return push_query(hand, query, after) if query else push_everything(sync)


def values_of(args: Mapping[str, Any]) -> list[str]:
    """The values of the argument `indicator`, each once."""
    return list(dict.fromkeys(str(value) for value in argToList(args.get("indicator")) if str(value).strip()))


def push_everything(sync: Sync) -> CommandResults:
    before = sync.state.load()["counts"]
    push_on_request(sync)
    after = sync.state.load()["counts"]
    gone = {name: after[name] - before[name] for name in ("pushed", "rejected", "no_news")}
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.PushRun",
        outputs=gone,
        readable_output=f"pushing IOCs to XDR: complete. {gone['pushed']} pushed, {gone['rejected']} set aside"
        + (" (`!xdr-iocs-rejects` shows them and why)." if gone["rejected"] else "."),
    )


def push_values(hand: HandPush, values: list[str]) -> CommandResults:
    named = hand.sync.named(values)
    found = {value.lower(): one.indicator for value, one in named.items() if one.indicator}
    _, rejects = hand.values(speakers(named))
    refused = {value: reason for value, _, reason in rejects}
    missing = [value for value in values if value.lower() not in found]
    outputs = [push_row(value, found[value.lower()], refused) for value in values if value.lower() in found]
    outputs += [
        {"indicator": value, "status": "not_found", "reason": "XSOAR has no such indicator"} for value in missing
    ]
    pushed = [str(ioc["value"]) for ioc in found.values() if str(ioc["value"]) not in refused]
    text = f"pushing IOCs to XDR: complete. {len(pushed)} of {len(values)} pushed." + overridden_text(hand, pushed)
    text += rejects_table(rejects)
    if missing:
        text += f"\n{len(missing)} indicators were not found: {', '.join(missing)}"
    said = hand.overrides.said()
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Push",
        outputs_key_field="indicator",
        outputs=outputs,
        readable_output=text,
        indicators_timeline=time_line(
            list(dict.fromkeys(pushed)), "Pushed to Cortex XDR by command" + (f" with {said}" if said else "")
        ),
    )


def overridden_text(hand: HandPush, pushed: Sequence[Any]) -> str:
    """What was sent in place of XSOAR's values, and how long that lasts."""
    if not hand.overrides.names or not pushed:
        return ""
    return (
        f" They went with {hand.overrides.said()} in place of what XSOAR says; that stays until the field is changed "
        "in XSOAR."
        + (
            ""
            if hand.sync.settings.removal.policy == "leave"
            else " The removal policy goes by XSOAR alone: what the Sync Query does not find, as what expired there, "
            "is removed all the same unless the Keep Query finds it."
        )
    )


def time_line(values: Sequence[str], message: str) -> IndicatorsTimeline | None:
    """A line for the time line of each of these indicators."""
    return IndicatorsTimeline(indicators=list(values), category=TIMELINE, message=message) if values else None


def push_query(hand: HandPush, query: str, after: Any) -> CommandResults:
    walked = QueryPush(hand, query, walk_token(after, query) if after else None).run()
    token = walked.token.text() if walked.token else ""
    outputs = {
        "query": query,
        "complete": not walked.note,
        **{name: getattr(walked, name) for name in ("found", "looked_at", "pushed", "rejected", "stay_deleted")},
        "next": token,
        "note": walked.note,
    }
    end = "complete." if not walked.note else f"not complete, {walked.note}."
    text = (
        f"pushing IOCs to XDR: {end} {walked.looked_at} of {walked.found} indicators of the query were looked at; "
        f"{walked.pushed} pushed by this call, {walked.rejected} set aside"
    )
    text += " (`!xdr-iocs-rejects` shows them and why)." if walked.rejected else "."
    if not walked.found:
        text = "pushing IOCs to XDR: complete. The query finds no indicator."
    text += overridden_text(hand, range(walked.pushed))
    text += walk_remarks(walked)
    if walked.note:
        given = {"severity": hand.overrides.severity.lower(), "comment": hand.overrides.comment}
        given["expiration"] = said_override(hand.overrides)
        text += f"\nTo go on: `{command_line('xdr-iocs-push', query=query, **given, after=token)}`"
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.PushQuery", outputs_key_field="query", outputs=outputs, readable_output=text
    )


def said_override(overrides: Overrides) -> str:
    """The expiration as its argument takes it; "" for none."""
    return said_value("expiration_date", overrides.expiration) if overrides.expiration is not None else ""


def walk_remarks(walked: Walked) -> str:
    """What a reader might take for lost."""
    text = ""
    if walked.stay_deleted:
        text += f"\n{walked.stay_deleted} were deleted in Cortex XDR and stay so; push them by name to bring them back."
    if not walked.note and walked.looked_at < walked.found:
        text += (
            f"\n{walked.found - walked.looked_at} were changed or went away while this went on and were not looked at. "
            "Those of the Sync Query go with the next fetch; for the others push the query again."
        )
    return text


def dry_run(hand: HandPush, values: list[str], query: str, after: Any) -> CommandResults:
    """What the same push would do without `dry_run`. Nothing changes on either side, nor in the state of the sync."""
    sync, tally, missing, complete = hand.sync, Tally(), 0, True
    if values:
        named = sync.named(values)
        missing = sum(one.indicator is None for one in named.values())
        tally.add(len(values) - missing, hand.plan(speakers(named)).page)
    elif query:
        walk = QueryPush(hand, query, walk_token(after, query) if after else None)
        complete = False
        for page in walk.pages(walk.listing()):
            plan = hand.plan(page.iocs)
            tally.add(len(page.iocs), plan.page, plan.stay_deleted)
            complete = page.short
    else:
        for iocs in next_outbound(sync):
            tally.add(len(iocs), plan_page(iocs, sync.settings, sync.now_ms(), sync.owners(iocs), sync.away()))
        complete = not sync.late()
    return dry_run_results(tally, missing, complete)


def dry_run_results(tally: Tally, missing: int, complete: bool) -> CommandResults:
    names = ("looked_at", "would_push", "would_enable", "would_set_aside", "without_news", "stay_deleted")
    counts = {name: getattr(tally, name) for name in names} | {"not_found": missing}
    tables: dict[str, list[dict[str, Any]]] = {
        "Type": [{"type": name, "count": count} for name, count in tally.types.most_common()],
        "Verdict": [{"verdict": name, "count": count} for name, count in tally.verdicts.most_common()],
        "Reason": [
            {"reason": reason, "count": count, "example": example}
            for reason, (count, example) in sorted(tally.reasons.items(), key=lambda item: -item[1][0])
        ],
        "Record": tally.records,
    }
    states = [{"What": name.replace("_", " "), "Indicators": count} for name, count in counts.items() if count]
    title = "Dry run: nothing was sent, nothing was changed"
    if not complete:
        title += "; the time was used up before all were looked at"
    text = tableToMarkdown(title, states or [{"What": "looked at", "Indicators": 0}], headers=["What", "Indicators"])
    text += said_counts("Would be sent, by type", tables["Type"]) + said_counts("By verdict", tables["Verdict"])
    titles = {"Reason": "Would be set aside", "Record": f"The first {len(tally.records)} records that would be sent"}
    for name, heading in titles.items():
        if tables[name]:
            text += "\n" + tableToMarkdown(heading, tables[name], headers=list(tables[name][0]), removeNull=True)
    if tally.would_push:
        text += "\nWhat Cortex XDR itself refuses shows only when it is sent."
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.PushPlan",
        outputs={"complete": complete, **counts, **tables},
        readable_output=text,
        replace_existing=True,
    )


def said_counts(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of a name and a count in one line; nothing without rows."""
    pairs = ", ".join(f"{count} {name}" for name, count in (tuple(row.values())[:2] for row in rows))
    return f"\n{title}: {pairs}." if pairs else ""


def push_row(asked: str, ioc: Mapping[str, Any], refused: Mapping[str, str]) -> dict[str, str]:
    """What became of the indicator that was asked for by this value."""
    value = str(ioc["value"])
    return {
        "indicator": value if value.lower() == asked.lower() else asked,
        "status": "rejected" if value in refused else "pushed",
        "reason": refused.get(value, ""),
    }


def rejects_table(rejects: Sequence[tuple[str, str, str]], shown: int = 50) -> str:
    if not rejects:
        return ""
    lines = [f"\nThe following {len(rejects)} IOCs were not pushed:"]
    lines += [f"{value}: {reason}." for value, _, reason in rejects[:shown]]
    if len(rejects) > shown:
        lines.append(f"... and {len(rejects) - shown} more (`!xdr-iocs-rejects`).")
    return "\n".join(lines)


def delete_command(sync: Sync, args: Mapping[str, Any]) -> list[CommandResults]:
    """`xdr-iocs-delete`: in XDR, whatever its source; what XSOAR knows is not sent again until it changes."""
    values = values_of(args)
    if not values:
        raise ValueError("Argument 'indicator' is empty; give one or more values.")
    rows = Deletion(sync).run(values)
    by_status = {name: [row for row in rows if row["status"] == name] for name in ("deleted", "not_found", "failed")}
    failed = by_status["failed"]
    if len(failed) == len(rows):
        raise DemistoException(f"Nothing was deleted. {failed[0]['reason']}")
    title = f"{len(by_status['deleted'])} of {len(rows)} deleted in Cortex XDR"
    title += f", {len(by_status['not_found'])} not found there" if by_status["not_found"] else ""
    text = tableToMarkdown(title, rows, headers=list(DELETION_COLUMNS), removeNull=True)
    known = [row["indicator"] for row in rows if row["in_xsoar"] and row["status"] != "failed"]
    if known:
        text += (
            f"\n{len(known)} of them XSOAR knows. They are not sent again until a person or a feed changes them, or "
            "`!xdr-iocs-push` names them."
        )
    results = CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Deleted",
        outputs_key_field="indicator",
        outputs=rows,
        readable_output=text,
        indicators_timeline=time_line(known, "Deleted in Cortex XDR by command"),
    )
    return [results, *failure_entry(f"{len(failed)} of {len(rows)} were not deleted: ", failed)]


def failure_entry(title: str, failed: Sequence[Mapping[str, Any]]) -> list[CommandResults]:
    """An error entry beside the results, so that a playbook does not go on as if all were well; none without
    failures.
    """
    told = "; ".join(f"{row['indicator']}: {row['reason']}" for row in failed[:10])
    more = f"; and {len(failed) - 10} more" if len(failed) > 10 else ""
    return [CommandResults(readable_output=f"{title}{told}{more}", entry_type=EntryType.ERROR)] if failed else []


def set_status_command(sync: Sync, args: Mapping[str, Any], enabled: bool) -> CommandResults:
    """`xdr-iocs-enable` and `xdr-iocs-disable`: in XDR at once, and in the field *XDR IOC Status* of the indicators
    that XSOAR knows.
    """
    word = "enabled" if enabled else "disabled"
    values = list(dict.fromkeys(str(value) for value in argToList(args.get("indicator"))))
    if not values:
        raise ValueError("Argument 'indicator' is empty; give one or more values.")
    named = sync.named(values)
    for chunk in slices(list(dict.fromkeys(one.ioc for one in named.values())), sync.settings.request_size):
        sync.client.set_status(chunk, enabled)
    if enabled:
        # What was deleted or has expired is not in force by this; `xdr-iocs-restore` has to bring it back.
        sync.note_returned([one.ioc for one in named.values()], RESTORED, ("disable",))
    else:
        sync.note_disabled([one.ioc for one in named.values()])
    items = [status_item(ioc, word, sync.settings) for ioc in speakers(named) if ioc.get("indicator_type")]
    sync.create(items)
    outputs = [
        {"indicator": value, "status": word, "in_xsoar": one.indicator is not None} for value, one in named.items()
    ]
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Status",
        outputs_key_field="indicator",
        outputs=outputs,
        readable_output=f"IOCs command: {word} indicators={','.join(values)!r}"
        + ("" if sync.settings.label else by_hand_text(speakers(named))),
        indicators_timeline=time_line(
            [str(ioc["value"]) for ioc in speakers(named)], f"{word.capitalize()} in Cortex XDR by command"
        ),
    )


def by_hand_text(iocs: Iterable[Mapping[str, Any]]) -> str:
    """Which indicators go on to show what a person set by hand."""
    values = [str(ioc["value"]) for ioc in iocs if status_is_set_by_hand(ioc)]
    if not values:
        return ""
    return f"\n*XDR IOC Status* was set by hand and stays as it is on: {', '.join(values)}"


def status_is_set_by_hand(ioc: Mapping[str, Any]) -> bool:
    """Did a person set the status field? It stays as it is then, whatever a feed or an integration says."""
    return "xdriocstatus" in {str(name).lower() for name in ioc.get("manuallyEditedFields") or ()}


def status_item(ioc: Mapping[str, Any], word: str, settings: Settings) -> dict[str, Any]:
    """The indicator again, with its status and the memory of XDR's side set; our vote stays as it was.

    An instance with a label remembers the status of its own tenant, since the field is for all tenants; and XSOAR lets
    no integration change a field that a person set.
    """
    custom = ioc.get("CustomFields") or {}
    fields: dict[str, Any] = {"xdriocstatus": word}
    memory, wish = load_memory(custom, settings.label), word.upper()
    if settings.label or status_is_set_by_hand(ioc):
        # The field does not change then, so what it says is remembered as no news.
        memory, wish = memory or {"theirs": {}, "base": {"status": []}}, wished_status(ioc)
    if memory is not None:
        theirs = {**memory["theirs"], "status": word.upper()}
        base = {**memory["base"], "status": [wish]} if memory["base"] else {}
        memory = named_in({**memory, "theirs": theirs, "base": base}, ioc, ioc_value(ioc))
        fields["xdriocstate"] = with_memory(custom, settings.label, memory)
    item = retold(ioc, fields, settings)
    return {**item, "rawJSON": {**item["rawJSON"], "RULE_STATUS": word.upper()}}


def set_sync_time_command(args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-set-sync-time`: deprecated. Moving a cursor by hand loses what lies between, so it does nothing and
    says so.
    """
    return CommandResults(
        readable_output=f"This command is deprecated and changed nothing (time={args.get('time')!r}). The sync "
        "keeps its own position and moves it only behind what Cortex XDR accepted. "
        "To go back to a time, or to send everything again, run `!xdr-iocs-reset`.",
        entry_type=EntryType.WARNING,
    )


def rejects_command(sync: Sync, args: Mapping[str, Any], new_file: Callable[[], FileSpot]) -> Any:
    """`xdr-iocs-rejects`: what was set aside and why, newest first. Each is tried again when it changes, or now with
    `retry`.
    """
    wanted = rejects_filter(args)
    if argToBoolean(args.get("file") or False):
        spot = new_file()
        with Path(spot.path).open("wb") as out:
            count = write_rejects_file(sync, out, wanted)
        return [spot.entry("xdr-iocs-rejects.csv"), f"{count} records are set aside.{lost_text(sync.state.load())}"]
    first, size = page_of(args)
    state = sync.state.load()
    everything = reject_rows(state["rejects"])
    rows = [row for row in everything if wanted(row)]
    if argToBoolean(args.get("retry") or False):
        return retry_rejects(sync, rows)
    shown = rows[first : first + size]
    title = f"{len(everything)} records are set aside, {len(shown)} shown"
    if len(rows) < len(everything):
        title = f"{len(rows)} of {len(everything)} records that are set aside fit, {len(shown)} shown"
    if state["rejects_dropped"]:
        title += f"; {state['rejects_dropped']} older ones were dropped from the list, `file=true` finds them anew"
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Reject",
        outputs_key_field="indicator",
        outputs=shown,
        readable_output=tableToMarkdown(title, shown, headers=list(REJECT_COLUMNS)) + lost_text(state),
    )


def reject_rows(rejects: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The list of rejects for people, newest first."""
    columns = REJECT_COLUMNS[1:]
    return [
        {"indicator": value, **{name: entry[name] for name in columns}}
        for value, entry in reversed(list(rejects.items()))
    ]


def rejects_filter(args: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """What the arguments choose: these indicators, a part of the reason in any case, a direction."""
    values = {value.lower() for value in values_of(args)}
    reason, direction = str(args.get("reason") or "").strip().lower(), str(args.get("direction") or "").strip()
    if direction and direction not in (TO_XDR, FROM_XDR):
        raise ValueError(f"Argument 'direction': {direction!r} is not one of {TO_XDR}, {FROM_XDR}.")

    def wanted(row: Mapping[str, Any]) -> bool:
        by_value = not values or str(row["indicator"]).lower() in values
        return by_value and reason in str(row["reason"]).lower() and direction in ("", row["direction"])

    return wanted


def page_of(args: Mapping[str, Any]) -> tuple[int, int]:
    """Position and size of what `limit`, or `page` and `page_size`, choose."""
    limit, page, size = (arg_to_number(args.get(name)) for name in ("limit", "page", "page_size"))
    for name, number in (("limit", limit), ("page", page), ("page_size", size)):
        if number is not None and number < 1:
            raise ValueError(f"Argument '{name}': {number} is less than 1.")
    return (((page or 1) - 1) * (size or 50), size or 50) if page or size else (0, limit or 50)


def lost_text(state: Mapping[str, Any]) -> str:
    """How many rejects no list and no file has any more."""
    lost = state.get("rejects_lost", 0)
    if not lost:
        return ""
    return (
        f"\n{lost} older ones that were refused are on no list any more, because it keeps {REJECTS_KEPT}; "
        "`!xdr-iocs-reconcile file=true` finds those that are not in Cortex XDR."
    )


def retry_rejects(sync: Sync, rows: Sequence[Mapping[str, Any]]) -> CommandResults:
    """Try these now, and tell what became of each."""
    by_way = {way: [row["indicator"] for row in rows if row["direction"] == way] for way in (TO_XDR, FROM_XDR)}
    retry, outcomes = Retry(sync), dict[str, tuple[str, str]]()
    for way, step in ((TO_XDR, retry.to_xdr), (FROM_XDR, retry.from_xdr)):
        outcomes |= step(by_way[way]) if by_way[way] else {}
    told = []
    for row in rows:
        outcome, reason = outcomes[row["indicator"]]
        known = {name: row[name] for name in ("indicator", "type", "direction")}
        told.append({**known, "outcome": outcome, "reason": reason})
    counts = Counter(row["outcome"] for row in told)
    title = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing is set aside that fits"
    shown = ["indicator", "type", "direction", "outcome", "reason"]
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Retry",
        outputs_key_field="indicator",
        outputs=told,
        readable_output=tableToMarkdown(f"Tried again: {title}", told, headers=shown, removeNull=True),
    )


# ---- status


STATUS_TYPES = ("File", "Domain", "IP")
STATUS_VERDICTS = ("Bad", "Suspicious", "Good")


def sync_facts(sync: Sync) -> SyncFacts:
    settings = sync.settings
    return SyncFacts(
        now=sync.timing.now(),
        interval_seconds=60 * settings.fetch_interval_minutes,
        run_seconds=settings.time_budget,
        rate=settings.rate,
        sends=settings.auto_sync,
        fetches=settings.feed,
        query_mark=settings.query_mark,
    )


def waiting_changes(sync: Sync, state: Mapping[str, Any]) -> WaitingChanges | None:
    """The indicators behind the position of the fresh lane. Reads no more than a page behind it.

    None as long as there is no position. Some of them may have no news for Cortex XDR.
    """
    fresh = state["fresh"]
    if not fresh or state["query"] != sync.settings.query_mark:
        return None
    query, start = sync.settings.effective_query, fresh_start(fresh)
    bounded = query + (f" and modified:>={start.lower}" if start.lower else "")
    edge = instant_ns(fresh["edge"]) if fresh["edge"] else 0
    page = sync.server.page(bounded, MARKS_KEPT, MODIFIED_ASCENDING, start.after)
    news = [ioc for ioc in page.iocs if is_news(ioc, start)]
    # What was sent lies among the rest up to the edge; behind it there is nothing but news, and a total is enough.
    while not page.short and page.after and modified_ns(page.iocs[-1]) <= edge:
        page = sync.server.page(bounded, MARKS_KEPT, MODIFIED_ASCENDING, page.after)
        news += [ioc for ioc in page.iocs if is_news(ioc, start)]
    beyond = 0
    if not page.short:
        second = whole_second(modified_ns(page.iocs[-1]))
        read = sum(modified_ns(ioc) >= instant_ns(second) for ioc in page.iocs)
        beyond = max(0, sync.server.page(f"{query} and modified:>={second}", 1, MODIFIED_ASCENDING).total - read)
    oldest = (news or page.iocs[-1:])[0].get("modified") if news or beyond else None
    return WaitingChanges(len(news) + beyond, oldest)


def totals_of_query(sync: Sync) -> dict[str, Any]:
    """What the Sync Query finds now, by type and by verdict, from the totals of searches."""
    query = sync.settings.effective_query
    total = sync.newest().total

    def parts(column: str, search: str, names: Sequence[str], rest: str) -> list[dict[str, Any]]:
        totals = {name: sync.server.page(f"{query} and {search}:{name}", 1, MODIFIED_ASCENDING).total for name in names}
        totals[rest] = max(0, total - sum(totals.values()))
        return [{column: name, "indicators": count} for name, count in totals.items() if count]

    return {
        "indicators": total,
        "by_type": parts("type", "type", STATUS_TYPES, "other"),
        "by_verdict": parts("verdict", "reputation", STATUS_VERDICTS, "Unknown"),
    }


def status_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-status`: is it in sync, since when not and why; then everything that is known about it.

    With `details=false` from the stored state alone, without a search in XSOAR.
    """
    state, facts = sync.state.load(), sync_facts(sync)
    given = args.get("details")
    details = given in (None, "") or argToBoolean(given)
    waiting = waiting_changes(sync, state) if details else None
    verdict = sync_verdict(state, facts, waiting)
    outputs = {
        "in_sync": verdict.in_sync,
        "reason": verdict.reason,
        "not_in_sync_since": verdict.since,
        "why": verdict.why,
        **sync_positions(state, facts, waiting),
        **sync_counts(state),
        **(totals_of_query(sync) if details else {}),
        **run_figures(state, facts.rate),
        "last_error": state["last"].get("error") or "",
        "last_note": state["last"].get("note") or "",
        "failing_since": state.get("failing_since"),
        "key_type": state["key_type"],
        "set_aside_by_reason": rejects_by_reason(state["rejects"]),
        "removal": removal_figures(sync, state),
        "runs": list(reversed(state.get("runs", []))),
        "errors": list(reversed(state.get("errors", []))),
    }
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.SyncStatus",
        outputs=outputs,
        readable_output=status_text(outputs, facts.now),
        replace_existing=True,
    )


def removal_figures(sync: Sync, state: Mapping[str, Any]) -> dict[str, Any]:
    """What `removal_status` tells, with times and lists as in all outputs."""
    told = removal_status(state, sync.removals.load(), sync.settings.removal.policy)
    figures = ("candidates", "removed", "held_back")
    reasons = list(dict.fromkeys(reason for name in figures for reason in told[name]))
    times = ("held_since", "last_run", "looking_since", "last_look")
    same = ("policy", "held", "note", "cap", "refused", "brought_back", "looked_at", "last_look_whole", "in_xdr")
    return {
        **{name: told[name] for name in same},
        **{name: iso_from_ms(told[name]) if told[name] else None for name in times},
        "last_look_doubts": "; ".join(told["last_look_doubts"]),
        "by_reason": [{"reason": one, **{name: told[name].get(one, 0) for name in figures}} for one in reasons],
        "by_source": [{"source": source, "iocs": count} for source, count in told["by_source"].items()],
        "on_record": [{"phase": phase, "iocs": count} for phase, count in told["on_record"].items() if count],
        "dropped_from_record": told["dropped_from_record"],
    }


def sync_positions(state: Mapping[str, Any], facts: SyncFacts, waiting: WaitingChanges | None) -> dict[str, Any]:
    """Where the lanes are, and how far behind."""
    bulk, through = state["bulk"] or {}, state.get("through") or {}
    phase = "not started" if not bulk else "first sync" if bulk["open"] else "following changes"
    oldest = waiting.oldest if waiting else None
    return {
        "phase": phase,
        "first_sync_done": bulk.get("done", 0),
        "first_sync_total": bulk.get("total", 0),
        "first_sync_started": bulk.get("started"),
        "first_sync_finished": bulk.get("finished"),
        "first_sync_eta": first_sync_eta(state, facts),
        "in_xdr_up_to": through.get("outbound"),
        "in_xsoar_up_to": through.get("inbound"),
        "waiting": waiting.number if waiting else None,
        "lag_seconds": max(0, round(facts.now - epoch_seconds(oldest))) if oldest else 0 if waiting else None,
        "outbound_position": (state["fresh"] or {}).get("edge"),
        "inbound_position": iso_from_ms(state["inbound"]["ts"]),
        "last_in_sync": state.get("whole"),
        "last_run": state["last"].get("run"),
        "last_outbound": state["last"].get("outbound"),
        "last_inbound": state["last"].get("inbound"),
    }


def sync_counts(state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pushed": state["counts"]["pushed"],
        "without_news": state["counts"]["no_news"],
        "changes_from_xdr": state["inbound"]["rows"],
        "taken_from_xdr": state["counts"]["created"],
        "changed_on_both_sides": state["inbound"]["conflicts"],
        "set_aside_now": len(state["rejects"]),
        "set_aside_not_listed": state["rejects_dropped"],
        "set_aside_total": state["counts"]["rejected"],
    }


# ---- hits


HITS_AT_MOST = 1_000
HIT_HEADERS = ("indicator", "type", "hits", "more", "status", "disabled_reason", "in_xsoar")


def page_window(args: Mapping[str, Any], most: int) -> tuple[int, int]:
    """Position and number of the rows that `limit`, or `page` and `page_size`, ask for. Raises ValueError for numbers
    out of range.
    """
    limit, page, size = (arg_to_number(args.get(name)) for name in ("limit", "page", "page_size"))
    for name, number, bound in (("limit", limit, most), ("page", page, 10**6), ("page_size", size, most)):
        if number is not None and not 1 <= number <= bound:
            raise ValueError(f"Argument '{name}': {number} is not from 1 to {bound}.")
    count = (size or 50) if page or size else (limit or 50)
    return ((page or 1) - 1) * count, count


def rules_with_hits(sync: Sync, start: int, count: int) -> tuple[list[dict[str, Any]], str]:
    """XDR's objects that have hits, and what has to be said about the list."""
    found: list[dict[str, Any]] = []
    try:
        while len(found) < count:
            wanted = min(RULES_PAGE, count - len(found))
            page = sync.client.with_hits(start + len(found), wanted)
            found += page
            if len(page) < wanted:
                break
    except XDRBadRequestError:
        page_of_xsoar = sync.server.page("xdriochits:>=1", start + count, MODIFIED_DESCENDING)
        values = [ioc_value(ioc) for ioc in page_of_xsoar.iocs[start:]]
        found = [rule for rule in rules_by_value(sync, values).values() if row_hits(change_row(rule))]
        return found, "This tenant does not list IOCs by their hits: these are those that XSOAR knows to have had some."
    return found, ""


def hits_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-hits`: read back how often Cortex XDR found these IOCs, or those with hits, and note it on the
    indicators that XSOAR knows.
    """
    values = values_of(args)
    start, count = page_window(args, HITS_AT_MOST)
    note = ""
    named = sync.named(values) if values else {}
    if values:
        rules = list(rules_by_value(sync, [one.ioc for one in named.values()]).values())
    else:
        rules, note = rules_with_hits(sync, start, count)
    current = sync.holders([rule_value(rule) for rule in rules])
    rows, items = [], []
    for rule in rules:
        ioc = current.get(rule_value(rule).lower())
        memory = load_memory((ioc or {}).get("CustomFields") or {}, sync.settings.label)
        try:
            theirs = their_view(change_row(rule))
        except RejectedRecordError:
            # Shown all the same; the sync sets such a record aside.
            bare = {"t": 0, "comment": "", "status": str(rule.get("status") or ""), "hits": row_hits(change_row(rule))}
            rows.append(hit_row(rule, bare, ioc, memory, sync.settings))
            continue
        rows.append(hit_row(rule, theirs, ioc, memory, sync.settings))
        if ioc and (item := read_back_item(sync, rule, theirs, ioc, memory)):
            items.append(item)
    sync.create(items)
    known = {rule_value(rule).lower() for rule in rules}
    missing = [value for value, one in named.items() if one.ioc.lower() not in known]
    rows = sorted(rows, key=lambda row: -row["hits"])
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Hit",
        outputs_key_field="indicator",
        outputs=rows,
        readable_output=hits_text(rows, missing, note),
        indicators_timeline=hits_time_line(rows),
    )


def hit_row(
    rule: Mapping[str, Any],
    theirs: Mapping[str, Any],
    ioc: Mapping[str, Any] | None,
    memory: Mapping[str, Any] | None,
    settings: Settings,
) -> dict[str, Any]:
    noted = (ioc or {}).get("CustomFields") or {}
    fields = hit_fields(theirs, memory, ioc, settings) if ioc else {}
    reason = fields.get("xdriocdisabledreason") or noted.get("xdriocdisabledreason") or ""
    return {
        "indicator": str((ioc or {}).get("value") or rule_value(rule)),
        "type": str(rule.get("type") or ""),
        "hits": theirs["hits"],
        "more": max(0, theirs["hits"] - known_hits(memory, ioc or {}, settings.label)),
        "status": theirs["status"] or "ENABLED",
        "disabled_reason": reason if theirs["status"] == "DISABLED" else "",
        "in_xsoar": ioc is not None,
    }


def read_back_item(
    sync: Sync,
    rule: Mapping[str, Any],
    theirs: Mapping[str, Any],
    ioc: Mapping[str, Any],
    memory: Mapping[str, Any] | None,
) -> dict[str, Any] | None:
    """The indicator with its number of hits, None when that is no news.

    Without a memory it gets one if XDR holds just what would be sent, so that the change is no reason to send it again.
    Class and reliability cannot be read back as they are: what would be sent is taken for what XDR has.
    """
    row = {**change_row(rule), "RULE_INDICATOR": rule_value(rule)}
    if memory is None:
        with suppress(RejectedRecordError):
            standing = mapped(ioc, sync.settings, sync.now_ms()).standing
            if not readable_differences(Outgoing(standing, True), rule):
                held = {**record_view(standing), **{name: theirs[name] for name in ("t", "hits", "status", "comment")}}
                memory = memory_of_same(held, ioc, sync.settings, sync.now_ms())
    if memory is None:
        fields = hit_fields(theirs, None, ioc, sync.settings)
        return {**retold(ioc, fields, sync.settings), "rawJSON": row} if "xdriochits" in fields else None
    return hits_item(row, theirs, ioc, memory, sync.settings)


def hits_text(rows: Sequence[Mapping[str, Any]], missing: Sequence[str], note: str) -> str:
    more = sum(row["more"] for row in rows)
    title = f"Hits of {number_in_words(len(rows), 'IOC')} in Cortex XDR"
    title += f", {more:,} more than XSOAR knew" if more else ""
    text = tableToMarkdown(title, [dict(row) for row in rows], headers=list(HIT_HEADERS)) if rows else ""
    parts = [text or "Cortex XDR holds none of them." if missing else text or "Cortex XDR reports no hits.", note]
    if missing and rows:
        parts.append(f"Not in Cortex XDR: {', '.join(missing)}")
    return "\n".join(part for part in parts if part)


def hits_time_line(rows: Sequence[Mapping[str, Any]]) -> IndicatorsTimeline | None:
    """A line for each indicator whose number grew."""
    lines: IndicatorsTimeline | None = None
    for row in rows:
        if not row["in_xsoar"] or not row["more"]:
            continue
        message = f"Cortex XDR found it {row['more']:,} times more, {number_in_words(row['hits'], 'hit')} in all"
        line = IndicatorsTimeline(indicators=[row["indicator"]], category=TIMELINE, message=message)
        if lines is None:
            lines = line
        else:
            lines.indicators_timeline += line.indicators_timeline
    return lines


def reconcile_command(sync: Sync, args: Mapping[str, Any], new_file: Callable[[], FileSpot]) -> list[Any]:
    """`xdr-iocs-reconcile`: compare both sides, as far as the time of one command goes, and on from there at the next.

    With `repair`, what XDR lacks or holds differently is pushed. Nothing is deleted or disabled.
    """
    repair, anew = argToBoolean(args.get("repair") or False), argToBoolean(args.get("restart") or False)
    given = arg_to_number(args.get("limit"))
    limit = 50 if given is None else given
    if not 1 <= limit <= FINDINGS_KEPT:
        raise ValueError(f"Argument 'limit': {limit} is not from 1 to {FINDINGS_KEPT}; a file has no limit.")
    if not argToBoolean(args.get("file") or False):
        comparison = Comparison(sync, repair, lambda rows: None)
        note = comparison.run(anew)
        return [comparison_results(comparison.load(), note, limit)]
    spot = new_file()
    with Path(spot.path).open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, FINDING_COLUMNS)
        table.writeheader()
        comparison = Comparison(sync, repair, table.writerows)
        note = comparison.run(anew)
    return [spot.entry("xdr-iocs-reconcile.csv"), comparison_results(comparison.load(), note, limit)]


def compare_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-compare`: what both sides hold of these values, for a person who is about to decide."""
    values = list(dict.fromkeys(str(value) for value in argToList(args.get("indicator"))))
    if not values:
        raise ValueError("Argument 'indicator' is empty; give one or more values.")
    named, now_ms = sync.named(values), sync.now_ms()
    there = rules_by_value(sync, [one.ioc for one in named.values()])
    rows = [
        standing_row(value, one.indicator, there.get(one.ioc.lower()), sync.settings, now_ms)
        for value, one in named.items()
    ]
    titles = {"verdict": "verdict in XSOAR", "expiration": "expires in XSOAR", "fields": "differs in"}
    titles |= {name: f"{name} in XDR" for name in ("status", "severity", "comment")}
    shown = [
        "indicator",
        "type",
        "finding",
        "verdict",
        "expiration",
        "status",
        "severity",
        "comment",
        "fields",
        "reason",
    ]
    told = [{titles.get(name, name): row[name] for name in shown} for row in rows]
    headers = [titles.get(name, name) for name in shown]
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Compare",
        outputs_key_field="indicator",
        outputs=rows,
        readable_output=tableToMarkdown("In XSOAR and in Cortex XDR", told, headers=headers, removeNull=True),
    )


def comparison_results(comparison: Mapping[str, Any], note: str, limit: int) -> CommandResults:
    """What was compared and found so far. A part is never called the whole."""
    done = comparison["phase"] == "done"
    outputs = {
        "status": "done" if done else "running",
        "whole": done and not comparison["doubts"],
        "extent": comparison_extent(comparison),
        "note": note,
        **{name: comparison[name] for name in ("repair", "started", "updated", "finished", "changed_meanwhile")},
        "total_in_xsoar": comparison["total"],
        **comparison["counts"],
    }
    rows = comparison["rows"][:limit]
    title = "Cortex XDR and XSOAR compared" if done else "Cortex XDR and XSOAR, compared in part"
    states = [{"What": name.replace("_", " "), "State": value} for name, value in outputs.items() if value != ""]
    text = tableToMarkdown(title, states, headers=["What", "State"])
    if rows:
        text += tableToMarkdown(
            f"{number_in_words(len(rows), 'finding')} shown", rows, headers=list(FINDING_COLUMNS), removeNull=True
        )
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Reconcile",
        outputs={**outputs, "Finding": rows},
        readable_output=text,
        replace_existing=True,
    )


def comparison_extent(comparison: Mapping[str, Any]) -> str:
    """What part was compared, in words."""
    counts, phase = comparison["counts"], comparison["phase"]
    text = (
        f"{counts['compared_in_xsoar']} of {comparison['total']} indicators of the Sync Query were looked up in XDR, "
        f"{counts['compared_in_xdr']} IOCs of XDR in XSOAR"
    )
    if comparison["changed_meanwhile"]:
        text += f"; {comparison['changed_meanwhile']} indicators were changed meanwhile and are left to the next fetch"
    if phase != "done":
        text += "; not all yet, run the command again"
    return ". ".join([text, *comparison["doubts"]])


def remove_command(sync: Sync, args: Mapping[str, Any], new_file: Callable[[], FileSpot]) -> list[Any]:
    """`xdr-iocs-remove`: what would be removed, or a run of the removal by a person, who may go on where it is held."""
    rehearsal = argToBoolean(args.get("dry_run") if args.get("dry_run") not in (None, "") else True)
    anew = argToBoolean(args.get("restart") or False)
    limit = number_arg(args, "limit", 50, 1, FINDINGS_KEPT)
    rules = rules_by_person(sync.settings.removal, args, rehearsal)
    if not argToBoolean(args.get("file") or False):
        return [removal_results(sync, *removal_by_person(Removal(sync, rules, rehearsal), anew), limit)]
    spot = new_file()
    with Path(spot.path).open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, REMOVAL_COLUMNS)
        table.writeheader()
        removal, note = removal_by_person(Removal(sync, rules, rehearsal, table.writerows), anew)
    return [spot.entry("xdr-iocs-remove.csv"), removal_results(sync, removal, note, limit)]


def rules_by_person(rules: RemovalRules, args: Mapping[str, Any], rehearsal: bool) -> RemovalRules:
    """The rules of the parameters with the policy and the cap of the arguments. A dry run needs no policy."""
    given = str(args.get("policy") or "").strip().lower()
    policy = given or (POLICIES_THAT_ACT[0] if rehearsal and rules.policy == "leave" else rules.policy)
    if policy not in POLICIES_THAT_ACT:
        wanted = ", ".join(POLICIES_THAT_ACT)
        if given:
            raise ValueError(f"Argument 'policy': {args['policy']!r} is not one of {wanted}.")
        raise ValueError(f"Argument 'policy' is empty and the parameter says 'leave'; give one of {wanted}.")
    cap = args.get("cap")
    percent = rules.percent if cap in (None, "") else cap_given(cap)
    return replace(rules, policy=policy, percent=percent)


def cap_given(cap: Any) -> float:
    try:
        percent = float(str(cap))
    except ValueError:
        percent = 0.0
    if not 0.1 <= percent <= 100:
        raise ValueError(f"Argument 'cap': {cap!r} is not a percentage between 0.1 and 100.")
    return percent


def removal_by_person(removal: Removal, anew: bool) -> tuple[Removal, str]:
    """A run, and why it ended early. What XDR's operators did comes first, as at a fetch."""
    try:
        if not removal.rehearsal and not removal.sync.pull():
            return removal, "Cortex XDR has more news than this run had time for, and they come first"
        return removal, removal.run(by_person=True, anew=anew)
    except (RemovalDoubtError, XDRPausedError, SupersededError) as note:
        return removal, str(note)


def removal_results(sync: Sync, removal: Removal, note: str, limit: int) -> CommandResults:
    """What a run of the removal by a person did, or would do. A part of a look is never called the whole, and a run
    that did not get to look shows no figures of an earlier one that was finished.
    """
    state, rehearsal = sync.state.load(), removal.rehearsal
    status = removal_status(state, sync.removals.load(), removal.rules.policy)
    stored = state.get("removal") or {}
    running = stored.get("rehearsal" if rehearsal else "look")
    last = stored.get("rehearsed" if rehearsal else "last") if removal.looked else None
    look = running or last or {}
    candidates = dict(look.get("candidates") or {})
    cap, outcome = removal.rules.cap(int(look.get("found") or 0)), removal.outcome
    outputs = {
        "status": "running" if running else "done",
        "dry_run": rehearsal,
        "policy": removal.rules.policy,
        "cap": cap,
        "note": note,
        "held": status["held"],
        "looked_at": int(look.get("in_xdr") or 0),
        "by_source": dict(look.get("by_source") or {}),
        "whole": not running and bool(look) and not look["doubts"],
        "candidates": sum(candidates.values()),
        "candidates_by_reason": candidates,
        "would_be_removed": min(cap, sum(candidates.values())) if rehearsal else 0,
        "removed_now": sum(outcome["removed"].values()),
        "removed_by_reason": dict(outcome["removed"]),
        "held_back": max(0, sum(candidates.values()) - cap) if rehearsal else sum(outcome["held_back"].values()),
        "refused": outcome["refused"],
        "brought_back": outcome["brought_back"],
    }
    rows = list(look.get("rows") or [])[:limit]
    title = "What would be removed from Cortex XDR" if rehearsal else "Removal from Cortex XDR"
    title += ", as far as the look has come; run the command again" if running else ""
    shown = {name.replace("_", " "): value for name, value in outputs.items() if value not in ("", {})}
    told = [{"What": name, "State": value} for name, value in shown.items()]
    text = tableToMarkdown(title, told, headers=["What", "State"])
    if rows:
        text += tableToMarkdown(f"{number_in_words(len(rows), 'candidate')} shown", rows, headers=list(REMOVAL_COLUMNS))
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Remove",
        outputs={**outputs, "Candidate": rows},
        readable_output=text,
        replace_existing=True,
    )


REMOVED_COLUMNS = ("indicator", "type", "phase", "policy", "reason", "when", "severity", "reputation", "expiration")


def removed_row(value: str, entry: RemovedIoc) -> dict[str, Any]:
    """An entry of the record for people."""
    shown = {name: getattr(entry, name) for name in ("phase", "policy", "reason", "severity", "reputation", "comment")}
    kind, when = XSOAR_TYPE.get(entry.type, entry.type), iso_from_ms(entry.when)
    expiration = entry.expiration if entry.expiration is not None else "the default of the tenant"
    text = said_value("expiration_date", expiration)
    return {"indicator": value, "type": kind, "when": when, "expiration": text, **shown}


def removed_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-removed`: the record of what was removed, newest first."""
    wanted, reason = {value.lower() for value in values_of(args)}, str(args.get("reason") or "").strip().lower()
    if reason and reason not in REMOVAL_REASONS:
        raise ValueError(f"Argument 'reason': {args['reason']!r} is not one of {', '.join(REMOVAL_REASONS)}.")
    record = sync.removals.load()
    rows = [
        removed_row(value, RemovedIoc(*row))
        for value, row in reversed(list(record["entries"].items()))
        if (not wanted or value.lower() in wanted) and (not reason or row[3] == reason)
    ]
    first, size = page_of(args)
    shown = rows[first : first + size]
    title = f"{number_in_words(len(rows), 'removal')} on record, {len(shown)} shown"
    if record["dropped"]:
        title += f"; {record['dropped']} older ones are not on record any more"
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Removed",
        outputs_key_field="indicator",
        outputs=shown,
        readable_output=tableToMarkdown(title, list(shown), headers=list(REMOVED_COLUMNS)),
    )


RESTORED_NOW, IN_FORCE_ALREADY = "restored", "already in force"


def restore_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-restore`: undo removals, of these values or all; they are not removed again while on record."""
    values, everything = values_of(args), argToBoolean(args.get("all") or False)
    if bool(values) == everything:
        raise ValueError("Give either 'indicator' with one or more values, or 'all=true'.")
    record = sync.removals.load()
    by_key: dict[str, list[str]] = {}
    for value in record["entries"]:
        by_key.setdefault(value.lower(), []).append(value)
    away = [value for value, row in record["entries"].items() if row[1] in (INTENT, DONE)]
    named = [one for value in values for one in by_key.get(value.lower(), [value])]
    asked = away if everything else list(dict.fromkeys(named))
    rows: list[dict[str, str]] = []
    for chunk in slices(asked, REMOVAL_SLICE):
        if sync.late():
            break
        rows += restored(sync, chunk)
    counts = counted_by(row["status"] for row in rows)
    text = f"{counts.get(RESTORED_NOW, 0)} of {len(asked)} removals undone."
    if len(rows) < len(asked):
        text += f" {len(asked) - len(rows)} are left, because the time of this command was used up; run it again."
    table = tableToMarkdown("Restored", rows[:FINDINGS_KEPT], headers=["indicator", "status", "reason"])
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Restored",
        outputs_key_field="indicator",
        outputs=rows,
        readable_output=f"{text}\n{table}",
    )


def restored(sync: Sync, values: Sequence[str]) -> list[dict[str, str]]:
    """Undo the removals of these values, and tell of each what became of it. XDR is asked first what it holds now."""
    record, now_ms = sync.removals.load(), sync.now_ms()
    held = {rule_value(rule): held_ioc(rule) for rule in rules_of_values(sync, values)}
    plan, told = PagePlan([], [], [], {}, 0), {}
    for value in values:
        entry = removed_entry(record, value)
        told[value] = undoing(plan, value, entry, held.get(value), now_ms, sync.stale_ms)
    if sync.settings.label:
        plan.records[:] = [labelled_again(one, sync.settings) for one in plan.records]
    refused = {value: f"Cortex XDR refuses it: {reason}" for value, _, reason in sync.delivery.send(plan)}
    told |= refused
    good = [value for value, text in told.items() if text in (RESTORED_NOW, IN_FORCE_ALREADY)]
    sync.removals.update(lambda stored: with_phase(stored, good, RESTORED, sync.now_ms(), (INTENT, DONE)))
    return [
        {"indicator": value, "status": text if value in good else "left", "reason": "" if value in good else text}
        for value, text in told.items()
    ]


def labelled_again(record: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """A record with the label of this instance, if it has a comment; without one XDR keeps what it has."""
    if "comment" not in record:
        return record
    return with_owner({**record, "comment": [without_owner(text) for text in record["comment"]]}, settings)


def undoing(
    plan: PagePlan, value: str, entry: RemovedIoc | None, held: HeldIoc | None, now_ms: int, stale_ms: int
) -> str:
    """Add to the plan what undoes one removal. Gives what becomes of the value, or why it is left alone."""
    if entry is None or not entry.is_away():
        return "no removal of it is on record" if entry is None else f"it is on record as {entry.phase}"
    if entry.young(now_ms, stale_ms):
        return "a run is removing it right now"
    if held and held.in_force(now_ms) and not entry.ends(held):
        return IN_FORCE_ALREADY
    if held is None and entry.policy != "delete":
        return "Cortex XDR does not have it any more"
    if held is not None and entry.policy == "disable" and 0 < held.expires <= now_ms:
        return f"it has expired in Cortex XDR at {iso_from_ms(held.expires)}"
    if held is not None and entry.policy == "disable":
        plan.enable.append(value)
        return RESTORED_NOW
    if held is not None and not entry.ends(held):
        return "it was changed in Cortex XDR since"
    if held is not None and held.status != "ENABLED":
        return "it was disabled in Cortex XDR since; `!xdr-iocs-enable` it first"
    if entry.expiration is not None and 0 < entry.expiration <= now_ms:
        return f"it would have expired at {iso_from_ms(entry.expiration)}"
    plan.records.append(held_record(value, entry, entry.expiration))
    return RESTORED_NOW


def get_indicators_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-get-indicators`: what a fetch would bring from XDR, in the order in which it would. Makes no indicator
    and moves no cursor.
    """
    limit = int(number_arg(args, "limit", 50, 1, INBOUND_WINDOW))
    since = sync.state.load()["inbound"]["ts"] - LOOKBACK_MS
    if given := args.get("since"):
        since = moment_ms("since", given, sync.now_ms(), ahead=False)
    rows: list[dict[str, Any]] = []
    counts = dict.fromkeys(("unchanged", "set_aside", "changed_in_xdr", "would_bring", "looked_at"), 0)
    with closing(sync.client.changes(since)) as spool:
        counts["changed_in_xdr"] = len(spool)
        for window in spool.windows():
            if sync.late():
                break
            plan = sync.inbound_plan(window)
            counts["looked_at"] += len(window)
            counts["unchanged"] += plan.unchanged
            counts["set_aside"] += len(plan.rejects)
            counts["would_bring"] += len(plan.items)
            rows += [inbound_row(item) for item in plan.items[: limit - len(rows)]]
    title = (
        f"A fetch would bring {counts['would_bring']} indicators from Cortex XDR, {len(rows)} shown. "
        f"{counts['changed_in_xdr']} IOCs were changed there since {iso_from_ms(since)}: {counts['unchanged']} tell "
        f"nothing new, {counts['set_aside']} would be set aside"
    )
    if counts["looked_at"] < counts["changed_in_xdr"]:
        title += f"; {counts['looked_at']} were looked at, then the time of this command was used up"
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Indicators",
        outputs_key_field="value",
        outputs=rows,
        readable_output=tableToMarkdown(title, rows, headers=list(INBOUND_COLUMNS), removeNull=True),
    )


INBOUND_COLUMNS = ("value", "type", "changed", "status", "verdict", "severity", "expiration", "comment", "source")


def inbound_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """An indicator that a fetch would hand over to XSOAR, as XDR has it. `score` is the verdict that it would give."""
    row = item["rawJSON"]
    theirs = their_view(row)
    return {
        "value": item["value"],
        "type": item["type"],
        "score": item["score"],
        "changed": iso_from_ms(theirs["t"]) if theirs["t"] else "",
        "status": theirs["status"],
        "verdict": theirs["reputation"],
        "severity": theirs["severity"],
        "expiration": said_value("expiration_date", theirs["expiration_date"]),
        "comment": theirs["comment"],
        "source": str(row.get("RULE_SOURCE") or ""),
    }


def number_arg(args: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`. Raises ValueError that names the argument and the value."""
    number = arg_to_number(args.get(name), name)
    if number is not None and not low <= number <= high:
        raise ValueError(f"Argument '{name}': {number} is not from {low} to {high}.")
    return default if number is None else number


def reset_command(sync: Sync, args: Mapping[str, Any]) -> CommandResults:
    """`xdr-iocs-reset`: go back to a time, or start the way to XDR anew; without `confirm` only tell what it means."""
    anew, to = argToBoolean(args.get("anew") or False), str(args.get("to") or "").strip()
    direction = str(args.get("direction") or "both")
    if direction not in DIRECTIONS:
        raise ValueError(f"Argument 'direction': {direction!r} is not one of {', '.join(DIRECTIONS)}.")
    if anew == bool(to):
        raise ValueError("Give either 'to', a time to go back to, or 'anew=true'.")
    if anew and direction == "inbound":
        raise ValueError(
            "Argument 'direction': 'anew' starts the way to Cortex XDR anew. To read its changes again give 'to' and "
            "direction=inbound."
        )
    confirmed = argToBoolean(args.get("confirm") or False)
    if anew:
        return start_anew(sync, confirmed)
    to_ms = moment_ms("to", to, sync.now_ms(), ahead=False)
    if to_ms > sync.now_ms():
        raise ValueError(f"Argument 'to': {to!r} lies in the future; what is before it would never be sent.")
    return go_back(sync, direction, to_ms, confirmed)


def start_anew(sync: Sync, confirmed: bool) -> CommandResults:
    state, again = sync.state.load(), sync.newest().total
    if confirmed:
        sync.begin(anew=True)
    position = (state["fresh"] or {}).get("edge") or "not begun"
    row = {"direction": "outbound", "position": position, "goes_back_to": "the start", "again": again}
    return reset_results([{**row, "of": "indicators of the Sync Query"}], confirmed, {"anew": "true"})


def go_back(sync: Sync, direction: str, to_ms: int, confirmed: bool) -> CommandResults:
    state = sync.state.load()
    rewind = rewind_of(state, direction, to_ms)
    rows = []
    if direction != "inbound":
        position = (state["fresh"] or {}).get("edge") or "not begun"
        query = f"{sync.settings.effective_query} and modified:>={rewind.outbound}"
        again = sync.server.page(query, 1, MODIFIED_ASCENDING).total if rewind.outbound else 0
        row = {"direction": "outbound", "position": position, "goes_back_to": rewind.outbound or ""}
        rows.append({**row, "again": again, "of": "indicators of the Sync Query"})
    if direction != "outbound":
        again = 0
        if rewind.inbound is not None:
            with closing(sync.client.changes(rewind.inbound - LOOKBACK_MS)) as spool:
                again = len(spool)
        to = iso_from_ms(rewind.inbound) if rewind.inbound is not None else ""
        row = {"direction": "inbound", "position": iso_from_ms(state["inbound"]["ts"]), "goes_back_to": to}
        rows.append({**row, "again": again, "of": "changes of Cortex XDR"})
    if confirmed:
        now = sync.now()
        sync.state.update(lambda newest: rewound(newest, rewind_of(newest, direction, to_ms), now))
    return reset_results(rows, confirmed, {"to": iso_from_ms(to_ms), "direction": direction})


def reset_results(rows: list[dict[str, Any]], confirmed: bool, args: Mapping[str, str]) -> CommandResults:
    moved = [row for row in rows if row["goes_back_to"]]
    for row in rows:
        row["done"] = confirmed and bool(row["goes_back_to"])
        row["goes_back_to"] = row["goes_back_to"] or "stays"
    if not moved:
        title = "Nothing to go back: no position lies behind that time"
    elif confirmed:
        title = "Done. The next fetch sends and reads again what lies behind; a run under way stops"
    else:
        title = "Nothing was changed. This is what the reset would do"
    shown = [{**row, "goes back to": row["goes_back_to"], "again": f"{row['again']} {row['of']}"} for row in rows]
    text = tableToMarkdown(title, shown, headers=["direction", "position", "goes back to", "again"])
    if moved and any(row["direction"] == "outbound" for row in moved):
        text += (
            "\nAn indicator that remembers what Cortex XDR holds is sent again only where it has news; "
            "`!xdr-iocs-reconcile repair=true` finds what is missing there all the same."
        )
    if moved and not confirmed:
        text += f"\nTo do it: `{command_line('xdr-iocs-reset', **args, confirm='true')}`"
    return CommandResults(
        outputs_prefix=f"{IOC_BRAND}.Reset", outputs_key_field="direction", outputs=rows, readable_output=text
    )


def create_sync_file_command(sync: Sync, args: Mapping[str, Any], spot: FileSpot) -> list[Any]:
    """`xdr-iocs-create-sync-file`: the file that `xdr-iocs-sync` uploads, for the vendor's support; never longer in
    memory than a page.
    """
    zipped, set_time = argToBoolean(args.get("zip") or False), argToBoolean(args.get("set_time") or False)
    newest = sync.newest()
    rejects: list[tuple[str, str, str]] = []
    name = "xdr-sync-file-zipped.zip" if zipped else "xdr-sync-file"
    if zipped:
        with (
            zipfile.ZipFile(spot.path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("xdr-sync-file", "w", force_zip64=True) as out,
        ):
            write_sync_file(sync, out, rejects)
    else:
        with Path(spot.path).open("wb") as out:
            write_sync_file(sync, out, rejects)
    if set_time:
        store_full_sync(sync, newest, rejects)
    return [spot.entry(name), *([rejects_table(rejects)] if rejects else [])]


def to_keep_file_command(sync: Sync, spot: FileSpot) -> list[Any]:
    """`xdr-iocs-to-keep-file`: the values that would be kept in XDR, one per line."""
    rejects: list[tuple[str, str, str]] = []
    with Path(spot.path).open("wb") as out:
        write_keep_file(sync, out, rejects)
    return [spot.entry("xdr-ioc-to-keep-file")]


# ---- main


def run_command(command: str, sync: Sync, args: Mapping[str, Any], new_file: Callable[[], FileSpot]) -> Any:
    """Carry out one command and give back its result for the war room."""
    table: dict[str, Callable[[], Any]] = {
        "test-module": lambda: test_module_command(sync),
        "fetch-indicators": lambda: fetch_indicators_command(sync),
        "xdr-iocs-sync": lambda: sync_command(sync, args),
        "xdr-iocs-push": lambda: push_command(sync, args),
        "xdr-iocs-enable": lambda: set_status_command(sync, args, enabled=True),
        "xdr-iocs-disable": lambda: set_status_command(sync, args, enabled=False),
        "xdr-iocs-delete": lambda: delete_command(sync, args),
        "xdr-iocs-set-sync-time": lambda: set_sync_time_command(args),
        "xdr-iocs-create-sync-file": lambda: create_sync_file_command(sync, args, new_file()),
        "xdr-iocs-to-keep-file": lambda: to_keep_file_command(sync, new_file()),
        "xdr-iocs-status": lambda: status_command(sync, args),
        "xdr-iocs-get-indicators": lambda: get_indicators_command(sync, args),
        "xdr-iocs-reset": lambda: reset_command(sync, args),
        "xdr-iocs-rejects": lambda: rejects_command(sync, args, new_file),
        "xdr-iocs-hits": lambda: hits_command(sync, args),
        "xdr-iocs-compare": lambda: compare_command(sync, args),
        "xdr-iocs-reconcile": lambda: reconcile_command(sync, args, new_file),
        "xdr-iocs-remove": lambda: remove_command(sync, args, new_file),
        "xdr-iocs-removed": lambda: removed_command(sync, args),
        "xdr-iocs-restore": lambda: restore_command(sync, args),
    }
    if command not in table:
        raise NotImplementedError(f"Command {command!r} is not one of this integration.")
    return table[command]()


def new_sync(
    settings: Settings, server: XsoarServer, port: ContextPort, timing: HttpTiming, known_key_type: str = ""
) -> Sync:
    """Put a run together. `known_key_type` is the kind of key that worked before; it spares a refused request."""
    deadline = timing.monotonic() + settings.time_budget
    key = (
        replace(settings.key, key_type=known_key_type) if settings.detect_key_type and known_key_type else settings.key
    )
    client = IndicatorClient(
        settings.url,
        key,
        HttpRetry(settings.rate, timing=timing, deadline=deadline),
        verify=settings.verify,
        proxy=settings.proxy,
        source_headers={"x-iocs-source": "xsoar"},
        detect_key_type=settings.detect_key_type,
    )
    state = VersionedState(
        port,
        STATE_VERSION,
        lambda: new_state(int(timing.now() * 1000)),
        lambda attempt: timing.sleep(timing.jitter() * 0.05 * attempt),
    )
    return Sync(settings, client, server, state, timing, deadline)


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this function touches
    `demisto`.
    """
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        saas = is_xsiam_or_xsoar_saas()
        params = demisto.params()
        server_url = (
            (demisto.demistoUrls() or {}).get("server", "")
            if "indicator_link" in str(params.get("xsoar_comments_field"))
            else ""
        )
        settings = settings_from_params(params, server_url, saas, demisto.integrationInstance())
        server = XsoarServer(
            demisto.searchIndicators, demisto.createIndicators, demisto.info, POPULATED_FIELDS if saas else ""
        )
        port = ContextPort(
            read=lambda: demisto.getIntegrationContextVersioned(refresh=True),
            write=lambda context, version: demisto.setIntegrationContextVersioned(context, version, sync=True),
        )
        timing = HttpTiming()
        known = ""
        if settings.detect_key_type and command != "test-module":
            known = json.loads((port.read().get("context") or {}).get(VERSIONED_STATE_KEY) or "{}").get("key_type", "")
        sync = new_sync(settings, server, port, timing, known)

        def new_file() -> FileSpot:
            file_id = demisto.uniqueFile()
            path = f"{demisto.investigation()['id']}_{file_id}"
            entry = {"Contents": "", "ContentsFormat": "text", "Type": EntryType.FILE, "FileID": file_id}
            return FileSpot(path, lambda name: {**entry, "File": name})

        result = run_command(command, sync, demisto.args(), new_file)
        if result is not None:
            return_results(result)
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
