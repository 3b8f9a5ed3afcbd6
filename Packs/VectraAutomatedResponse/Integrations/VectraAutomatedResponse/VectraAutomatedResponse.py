"""Decides from Vectra who must be contained, keeps what became of it, and shows it on Vectra.

In this order: settings, client, what Vectra says as values, rules, the planner (one pure function), the state, what
Vectra is shown, reading, commands, and `main`, the only place that touches `demisto`.

How a cycle goes
----------------
`vectra-response-plan` reads Vectra (about a dozen reads, whatever the size of the groups) and gives back decisions with
their reasons. `vectra-response-cycle-record` keeps the intent before a driver is called and the outcome after. State
is per entity, driver instance and element; the tags and notes on Vectra are a projection of it, so that nothing is lost
when somebody replaces the tags. A crash between intent and outcome leaves the intent, and the next plan asks again.

What wins over what, from top to bottom: member of a no-block group or critical asset (never contained), unblock tag,
release by command, the rules. Everything that cannot be read stops new blocks, never releases.
"""

import difflib
import hashlib
import hmac
import html
import ipaddress
import json
import re
import secrets
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import demistomock as demisto
import requests
from CommonServerPython import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from VersionedStateApiModule import *

BRAND = "VectraAutomatedResponse"
STATE_VERSION = 1
HISTORY_KEPT = 500
HISTORY_SECONDS = 92 * 86_400
HISTORY_FIELDS = ("key", "name", "why", "instance", "brand", "element", "since")
TOKEN_KEY = "token"  # noqa: S105 - the name of a place, not a secret
PAGE_SIZE = 5000
NOTE_LENGTH = 8000
TOKEN_MARGIN_SECONDS = 100
READ_BUDGET = 12
TYPES_READ_ONE_BY_ONE = 2
DETAIL_ROUNDS = 3
PENDING_SECONDS = 1800
UNSUPPORTED_SECONDS = 86_400
FORGET_SECONDS = 86_400
LEASE_SECONDS = 600
ASIDE_SECONDS = 3600
ABSENCE_SECONDS = 60
RETRY_PAUSES = (300, 900, 1800, 3600, 7200, 14_400)
API_VERSIONS = ("auto", "2.5", "3.3", "3.4", "3.5")
KINDS = ("host", "account", "detection")
MARKER = {"host": "VAR Host Blocked", "account": "VAR Account Blocked", "detection": "VAR Detection Blocked"}
ELEMENT_TAG = "VAR ID:"
PLURAL = {"host": "hosts", "account": "accounts", "detection": "detections"}
DETECTION_FIELDS = (
    "id,detection_type,detection_category,threat,certainty,state,is_triaged,src_ip,src_host,src_account,tags,summary"
)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_NAMES = {
    **{name: (number,) for number, name in enumerate(DAYS)},
    "weekday": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
    "week": (0, 1, 2, 3, 4, 5, 6),
}
AUTOMATIC_RULES = frozenset({"score", "urgency", "detection_type", "host_score"})


# ---- settings


class Score(NamedTuple):
    """A threshold pair such as `80 and 70`: threat, operator (`and` or `or`), certainty."""

    threat: int
    operator: str
    certainty: int

    def met(self, threat: float, certainty: float, slack: float = 0) -> bool:
        """Is the pair reached? `>=` on both sides; `slack` lowers both thresholds."""
        checks = (threat >= self.threat - slack, certainty >= self.certainty - slack)
        return all(checks) if self.operator == "and" else any(checks)

    def __str__(self) -> str:
        return f"{self.threat} {self.operator} {self.certainty}"


@dataclass(frozen=True)
class EntityRules:
    """What decides about hosts or about accounts. Empty texts and None switch a rule off.

    `score` is threat and certainty; `urgency` takes its place on the cloud API when it is set; `minimum` is the score
    that the entity itself must have for the detection types to count.
    """

    block_tag: str
    unblock_tag: str
    block_group: str
    no_block_group: str
    score: Score | None
    urgency: int | None
    types: tuple[str, ...]
    minimum: Score | None


@dataclass(frozen=True)
class DetectionRules:
    """What decides about detections, that is, about the external addresses and domains in them."""

    block_tag: str
    unblock_tag: str
    types: tuple[str, ...]
    host_score: Score | None


@dataclass(frozen=True)
class Window:
    """When new blocks are allowed: days on which it opens (0 is Monday), and minutes of the day. An end at or before
    the start lies on the next day; equal ends mean the whole day.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: Any

    def open_at(self, now: float) -> bool:
        local = datetime.fromtimestamp(now, self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start == self.end:
            return today in self.days
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        return (today in self.days and minute >= self.start) or ((today - 1) % 7 in self.days and minute < self.end)


@dataclass(frozen=True)
class Safety:
    """What limits the response. Times in minutes, scores in points.

    `critical` holds names, addresses and networks that are never contained; `own_networks` and `static_minimum_prefix`
    (IPv4, IPv6) decide which destinations are refused.
    """

    emergency_stop: bool
    dry_run: bool
    explicit_unblock: bool
    max_new_blocks: int
    minimum_block_minutes: int
    hysteresis: int
    missing_cycles: int
    key_assets: bool
    count_triaged: bool
    critical: tuple[str, ...]
    own_networks: tuple[Any, ...]
    static_minimum_prefix: tuple[int, int]
    static_private: bool
    static_max_changes: int


@dataclass(frozen=True)
class Login:
    """How to log in: a personal token, or the id and secret key of an API client (OAuth2)."""

    token: str = ""
    client_id: str = ""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Login(client_id={self.client_id!r})"


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. `version` is never `auto`."""

    url: str
    version: str
    login: Login
    verify: bool
    proxy: bool
    timeout: float
    rate: float
    host: EntityRules
    account: EntityRules
    detection: DetectionRules
    window: Window
    safety: Safety
    write_tags: bool
    write_notes: bool
    max_fetch: int

    @property
    def cloud(self) -> bool:
        """Is it the cloud API (v3), with entities, urgency and refresh tokens?"""
        return self.version.startswith("3")

    def rules(self, kind: str) -> EntityRules:
        return self.host if kind == "host" else self.account


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once.

    Raises:
        ValueError: names the parameter by id and title, the value, and what is allowed. Never shows a secret.
    """
    url = brain_param(params)
    version = choice_param(params, "api_version", "API version", API_VERSIONS, "auto")
    if version == "auto":
        version = "3.4" if "portal.vectra.ai" in url else "2.5"
    return Settings(
        url=url,
        version=version,
        login=login_params(params, version),
        verify=not flag_param(params, "insecure", False),
        proxy=flag_param(params, "proxy", False),
        timeout=number_param(params, "timeout_seconds", "Time-out of a request (seconds)", 60, 1, 600),
        rate=number_param(params, "requests_per_second", "Requests per second", 5, 0.1, 100),
        host=entity_params(params, "host"),
        account=entity_params(params, "account"),
        detection=DetectionRules(
            tag_param(params, "detection_block_tag", "Detections: block tag", "block"),
            tag_param(params, "detection_unblock_tag", "Detections: unblock tag", "unblock"),
            lines_param(params, "detection_types"),
            score_param(params, "detection_host_score", "Detections: block for hosts with this score"),
        ),
        window=window_params(params),
        safety=safety_params(params),
        write_tags=flag_param(params, "write_tags", True),
        write_notes=flag_param(params, "write_notes", True),
        max_fetch=int(number_param(params, "max_fetch", "Maximum incidents per fetch", 50, 1, 200)),
    )


def entity_params(params: Mapping[str, Any], kind: str) -> EntityRules:
    title = f"{PLURAL[kind].capitalize()}:"
    urgency = number_param(params, f"{kind}_urgency", f"{title} block from this urgency", -1, 0, 100)
    return EntityRules(
        block_tag=tag_param(params, f"{kind}_block_tag", f"{title} block tag", f"vectra_{kind}_block"),
        unblock_tag=tag_param(params, f"{kind}_unblock_tag", f"{title} unblock tag", f"vectra_{kind}_unblock"),
        block_group=text_param(params, f"{kind}_block_group"),
        no_block_group=text_param(params, f"{kind}_no_block_group", "NoBlock"),
        score=score_param(params, f"{kind}_score", f"{title} block from this score"),
        urgency=None if urgency < 0 else int(urgency),
        types=lines_param(params, f"{kind}_detection_types"),
        minimum=score_param(
            params, f"{kind}_detection_score", f"{title} least score for these detection types", minimum=True
        ),
    )


def safety_params(params: Mapping[str, Any]) -> Safety:
    def number(name: str, title: str, default: int, high: int, low: int = 0) -> int:
        return int(number_param(params, name, title, default, low, high))

    return Safety(
        emergency_stop=flag_param(params, "emergency_stop", False),
        dry_run=flag_param(params, "dry_run", False),
        explicit_unblock=flag_param(params, "explicit_unblock", False),
        max_new_blocks=number("max_new_blocks", "Maximum new blocks per cycle", 10, 10_000),
        minimum_block_minutes=number("minimum_block_minutes", "Minimum block time (minutes)", 60, 100_000),
        hysteresis=number("score_hysteresis", "Score hysteresis (points)", 10, 99),
        missing_cycles=number("missing_cycles", "Release after missing cycles", 3, 10_000, low=1),
        key_assets=flag_param(params, "block_key_assets", False),
        count_triaged=flag_param(params, "count_triaged", False),
        critical=tuple(text.casefold() for text in lines_param(params, "critical_assets")),
        own_networks=networks_param(params, "own_networks", "Own networks"),
        static_minimum_prefix=(
            number("static_min_prefix_v4", "Static list: shortest IPv4 prefix", 16, 32),
            number("static_min_prefix_v6", "Static list: shortest IPv6 prefix", 32, 128),
        ),
        static_private=flag_param(params, "static_allow_private", False),
        static_max_changes=number("static_max_changes", "Static list: maximum changes per cycle", 500, 1_000_000),
    )


def login_params(params: Mapping[str, Any], version: str) -> Login:
    token = secret_param(params, "token_creds", "API token", required=False)
    client_id = secret_param(params, "client_creds", "Client ID", "identifier", required=False)
    secret = secret_param(params, "client_creds", "Secret key", required=False)
    if bool(client_id) != bool(secret):
        raise ValueError("Parameter 'client_creds' (Client ID, Secret key): give both, or neither.")
    if token and secret:
        raise ValueError("Give either 'token_creds' (API token) or 'client_creds' (Client ID, Secret key), not both.")
    if version.startswith("3") and not secret:
        raise ValueError("Parameter 'client_creds' (Client ID, Secret key): the cloud API takes API clients only.")
    if not token and not secret:
        raise ValueError("Give 'token_creds' (API token) or 'client_creds' (Client ID, Secret key).")
    return Login(token, client_id, secret)


def window_params(params: Mapping[str, Any]) -> Window:
    names = [name.casefold() for name in lines_param(params, "block_days")]
    unknown = [name for name in names if name not in DAY_NAMES]
    if unknown:
        raise ValueError(
            f"Parameter 'block_days' (Block on these days): {', '.join(unknown)!r} is not one of "
            f"{', '.join(DAY_NAMES)}."
        )
    days = frozenset(day for name in names for day in DAY_NAMES[name]) or frozenset(range(7))
    start = clock_param(params, "block_start", "Block from", 0)
    return Window(days, start, clock_param(params, "block_end", "Block until", 0) % 1440, zone_param(params))


def zone_param(params: Mapping[str, Any]) -> Any:
    name = text_param(params, "time_zone", "UTC")
    if name.upper() == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"Parameter 'time_zone' (Time zone): {name!r} is not known here; give a name such as Europe/Zurich."
        ) from None


def clock_param(params: Mapping[str, Any], name: str, title: str, default: int) -> int:
    """Minutes of the day from `22`, `22:30` or `24`."""
    text = text_param(params, name)
    if not text:
        return default
    found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", text)
    minutes = int(found[1]) * 60 + int(found[2] or 0) if found and int(found[2] or 0) < 60 else -1
    if not 0 <= minutes <= 1440:
        raise ValueError(f"Parameter '{name}' ({title}): {text!r} is not a time such as 8, 17:30 or 24.")
    return minutes


def score_param(params: Mapping[str, Any], name: str, title: str, minimum: bool = False) -> Score | None:
    """A threshold pair; one that every entity reaches is refused unless it is only a `minimum` beside other rules."""
    text = text_param(params, name)
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,3})\s*(and|or)\s*(\d{1,3})", text, re.IGNORECASE)
    if not found or int(found[1]) > 100 or int(found[3]) > 100:
        raise ValueError(
            f"Parameter '{name}' ({title}): {text!r} is not threat and certainty from 0 to 100, such as '80 and 70'."
        )
    score = Score(int(found[1]), found[2].lower(), int(found[3]))
    if score.met(0, 0) and not minimum:
        raise ValueError(f"Parameter '{name}' ({title}): {text!r} is reached by everything; it would block all.")
    return score


def tag_param(params: Mapping[str, Any], name: str, title: str, default: str) -> str:
    tag = text_param(params, name, default)
    if "," in tag:
        raise ValueError(f"Parameter '{name}' ({title}): {tag!r} has a comma; Vectra cannot be asked for such a tag.")
    return tag


def networks_param(params: Mapping[str, Any], name: str, title: str) -> tuple[Any, ...]:
    networks = []
    for line in lines_param(params, name):
        try:
            networks.append(ipaddress.ip_network(line, strict=False))
        except ValueError:
            raise ValueError(f"Parameter '{name}' ({title}): {line!r} is neither an address nor a network.") from None
    return tuple(networks)


def brain_param(params: Mapping[str, Any]) -> str:
    url = re.sub(r"/api(/v[\d.]+)?$", "", url_param(params))
    if not re.fullmatch(r"https?://[^/]+", url):
        raise ValueError(f"Parameter 'url' (Server URL): {url!r} is not an address such as https://brain.example.com.")
    return url


# ---- client


class VectraError(DemistoException):
    """Root of all failures of a Vectra call but `VectraBusyError`. `status` is the HTTP status, 0 without a reply."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class VectraConfigError(VectraError):
    """A person must change something: login, permissions, address, certificate or proxy."""


class VectraNotFoundError(VectraError):
    """404: there is no such object, or no such page."""


class VectraRequestError(VectraError):
    """Vectra understood the call and refuses it. `invalid_tags` names the tags it does not take."""

    def __init__(self, message: str, status: int = 0, invalid_tags: Sequence[str] = ()) -> None:
        super().__init__(message, status)
        self.invalid_tags = tuple(invalid_tags)


class VectraBusyError(HttpBusyError):
    """Busy or unreachable, and the tries or the time are used up. The same call may succeed later."""


READ_FAILURES = (VectraError, VectraBusyError)


@dataclass(frozen=True)
class TokenShelf:
    """Where tokens are kept between runs, as one sealed text."""

    load: Callable[[], str]
    store: Callable[[str], None]


class Token(NamedTuple):
    """An access token and, on the cloud API, the one to renew it with. `expires` and `refresh_expires` are epochs."""

    access: str
    expires: float
    refresh: str = ""
    refresh_expires: float = 0


def seal(login: Login, text: str) -> str:
    """The text so that only who has the login's secret key can read it: what lies in the store is no credential."""
    nonce = secrets.token_bytes(16)
    key = hashlib.sha256(f"{login.client_id}\n{login.secret}".encode()).digest()
    data = text.encode()
    stream = hashlib.shake_256(b"stream" + key + nonce).digest(len(data))
    body = nonce + bytes(left ^ right for left, right in zip(data, stream, strict=True))
    return (body + hmac.digest(b"mac" + key, body, "sha256")).hex()


def unseal(login: Login, sealed: str) -> str:
    """What `seal` hid. Raises ValueError when it was sealed with another secret, or is no sealed text."""
    raw = bytes.fromhex(sealed)
    body, mac = raw[:-32], raw[-32:]
    key = hashlib.sha256(f"{login.client_id}\n{login.secret}".encode()).digest()
    if len(body) < 16 or not hmac.compare_digest(mac, hmac.digest(b"mac" + key, body, "sha256")):
        raise ValueError("sealed with another secret")
    stream = hashlib.shake_256(b"stream" + key + body[:16]).digest(len(body) - 16)
    return bytes(left ^ right for left, right in zip(body[16:], stream, strict=True)).decode()


def vectra_error_text(response: requests.Response) -> str:
    """What Vectra, or a proxy before it, says about a failure, in at most 300 characters."""
    try:
        body = response.json()
    except ValueError:
        return " ".join(re.sub(r"<[^>]*>", " ", response.text).split())[:300]
    if not isinstance(body, dict):
        return json.dumps(body)[:300]
    meta = body.get("_meta")
    said = [body.get(name) for name in ("detail", "details", "message", "error")]
    said += [meta.get("message")] if isinstance(meta, dict) else []
    errors = body.get("errors")
    said += [item.get("title") or item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
    said += [f"not accepted: {', '.join(map(str, body['invalid_tags']))}"] if body.get("invalid_tags") else []
    return ": ".join(str(part) for part in said if part)[:300] or json.dumps(body)[:300]


class VectraClient(BaseClient):
    """The calls of the Vectra API that the response needs, for v2.5 and v3.3 to v3.5. Counts its reads in `reads`.

    Args:
        shelf: keeps OAuth2 tokens between runs; a personal token needs none.
        retry: paces and repeats. Only notes, which are not safe to repeat, are not sent again after a lost answer.
    """

    def __init__(self, settings: Settings, shelf: TokenShelf, retry: HttpRetry) -> None:
        super().__init__(settings.url, verify=settings.verify, proxy=settings.proxy, timeout=settings.timeout)
        self.login = settings.login
        self.cloud = settings.cloud
        self.api = f"{settings.url}/api/v{settings.version}"
        self.token_url = f"{settings.url}/oauth2/token" if settings.cloud else f"{self.api}/oauth2/token"
        self.members = settings.version in ("3.4", "3.5")
        self.timeout_seconds = settings.timeout
        self.shelf = shelf
        self.retry = retry
        self.token: Token | None = None
        self.reads = 0

    # -- reading

    def listing(
        self, path: str, params: Mapping[str, Any], more: Callable[[Mapping[str, Any]], bool] | None = None
    ) -> list[dict[str, Any]]:
        """All items of a list, page by page; with `more`, up to the first item for which it is false.

        Takes the envelope with `results` and `next` as well as a bare array. Pages are asked for by number, so that
        the login never goes to another address that an answer names.
        """
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            try:
                items, following = self.page(path, {"page_size": PAGE_SIZE, **params, "page": page})
            except VectraNotFoundError:
                if page == 1:
                    raise
                return found
            for item in items:
                if more is not None and not more(item):
                    return found
                found.append(item)
            if not following:
                return found
            page += 1

    def page(self, path: str, params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """The items of one page, and whether another follows."""
        body = self.call("GET", path, params)
        items = body.get("results") if isinstance(body, dict) else body
        if not isinstance(items, list):
            raise VectraRequestError(f"Vectra answered {path} with something that is no list")
        return [item for item in items if isinstance(item, dict)], bool(isinstance(body, dict) and body.get("next"))

    def groups(self) -> list[dict[str, Any]]:
        """All groups with their members."""
        return self.listing("groups", {"include_members": "true"} if self.members else {})

    def one(self, kind: str, number: str) -> dict[str, Any] | None:
        """One host, account or detection; None when Vectra does not have it."""
        try:
            body = self.call("GET", f"{PLURAL[kind]}/{number}", {"include_ldap": "true"} if kind == "host" else {})
        except VectraNotFoundError:
            return None
        return body if isinstance(body, dict) else None

    # -- tags and notes

    def tag_place(self, kind: str, number: str) -> tuple[str, dict[str, str]]:
        """Path and query of the tags of an object; on the cloud API hosts and accounts are entities."""
        return (
            (f"tagging/entity/{number}", {"type": kind}) if self.as_entity(kind) else (f"tagging/{kind}/{number}", {})
        )

    def note_place(self, kind: str, number: str) -> tuple[str, dict[str, str]]:
        if self.as_entity(kind):
            return f"entities/{number}/notes", {"type": kind}
        return f"{PLURAL[kind]}/{number}/notes", {}

    def as_entity(self, kind: str) -> bool:
        return self.cloud and kind != "detection"

    def tags(self, kind: str, number: str) -> list[str]:
        path, params = self.tag_place(kind, number)
        body = self.call("GET", path, params)
        return [str(tag) for tag in body.get("tags") or []] if isinstance(body, dict) else []

    def set_tags(self, kind: str, number: str, tags: Sequence[str]) -> None:
        """Replace all tags of an object. Raises VectraRequestError with `invalid_tags` when some are refused."""
        path, params = self.tag_place(kind, number)
        body = self.call("PATCH", path, params, {"tags": list(tags)})
        if isinstance(body, dict) and str(body.get("status") or "success").lower() != "success":
            refused = [str(tag) for tag in body.get("invalid_tags") or []]
            said = f"{body.get('message') or 'no reason'} {refused or ''}"
            raise VectraRequestError(f"Vectra refused the tags: {said}".strip(), invalid_tags=refused)

    def notes(self, kind: str, number: str) -> list[dict[str, Any]]:
        path, params = self.note_place(kind, number)
        return self.page(path, params)[0]

    def add_note(self, kind: str, number: str, text: str) -> dict[str, Any]:
        path, params = self.note_place(kind, number)
        body = self.call("POST", path, params, {"note": text[:NOTE_LENGTH]})
        return body if isinstance(body, dict) else {}

    def change_note(self, kind: str, number: str, note: str, text: str) -> None:
        path, params = self.note_place(kind, number)
        self.call("PATCH", f"{path}/{note}", params, {"note": text[:NOTE_LENGTH]})

    def remove_note(self, kind: str, number: str, note: str) -> None:
        path, params = self.note_place(kind, number)
        self.call("DELETE", f"{path}/{note}", params)

    # -- one call

    def call(self, method: str, path: str, params: Mapping[str, Any], body: Any = None) -> Any:
        """Send one request and give back the parsed answer; None when it is empty.

        Raises:
            VectraError, VectraBusyError: see the classes.
        """
        if method == "GET":
            self.reads += 1
        return self.retry.run(lambda: self.one_try(method, path, params, body), VectraBusyError)

    def one_try(self, method: str, path: str, params: Mapping[str, Any], body: Any) -> Any:
        response = self.send(method, f"{self.api}/{path}", path, params=params, json=body, headers=self.headers())
        if response.status_code == HTTPStatus.UNAUTHORIZED and self.renew():
            response = self.send(method, f"{self.api}/{path}", path, params=params, json=body, headers=self.headers())
        if response.status_code >= 300:
            raise self.failure(path, response)
        if not response.content.strip():
            return None
        try:
            return response.json()
        except ValueError:
            if method == "POST":
                raise VectraRequestError(f"The answer of Vectra to {path} is no JSON") from None
            raise VectraBusyError(f"The answer of Vectra to {path} broke off or is no JSON") from None

    def send(self, method: str, url: str, path: str, **options: Any) -> requests.Response:
        self.retry.pacer.wait()
        try:
            return self._http_request(
                method,
                full_url=url,
                params=options.get("params"),
                json_data=options.get("json"),
                data=options.get("data"),
                headers=options.get("headers"),
                auth=options.get("auth"),
                timeout=self.timeout_seconds,
                resp_type="response",
                ok_codes=tuple(range(100, 600)),
                allow_redirects=False,
            )
        except (DemistoException, requests.RequestException, OSError) as error:
            raise connection_failure(path, error, repeat=method != "POST" or path == "oauth2/token") from error

    def failure(self, path: str, response: requests.Response) -> Exception:
        """The exception that fits an answer which is not a success."""
        status = response.status_code
        text = vectra_error_text(response).rstrip(".")
        said = f"Vectra answered {status} to {path}" + (f": {text}" if text else "")
        if status in (401, 403):
            hint = "the login is wrong or expired" if status == 401 else "the role of the login lacks a permission"
            return VectraConfigError(f"{said}. Probably {hint}.", status)
        if status < 400 or status == HTTPStatus.METHOD_NOT_ALLOWED:
            where = response.headers.get("Location") or "another host"
            return VectraConfigError(f"{said}. The address leads on to {where}; use that host as server URL.", status)
        if status == HTTPStatus.NOT_FOUND:
            return VectraNotFoundError(said, status)
        if status in HTTP_REPEATABLE_STATUS or status >= 500:
            wait = http_retry_after(response.headers.get("Retry-After"), self.retry.timing.now())
            return VectraBusyError(said, status, wait)
        try:
            body = response.json()
        except ValueError:
            body = {}
        refused = body.get("invalid_tags") if isinstance(body, dict) else None
        return VectraRequestError(said, status, [str(tag) for tag in refused or []])

    # -- login

    def headers(self) -> dict[str, str]:
        if self.login.token:
            return {"Authorization": f"Token {self.login.token}", "Accept": "application/json"}
        now = self.retry.timing.now()
        if self.token is None:
            self.token = self.shelved()
        if self.token is None or self.token.expires <= now + TOKEN_MARGIN_SECONDS:
            self.token = self.new_token(self.token)
        return {"Authorization": f"Bearer {self.token.access}", "Accept": "application/json"}

    def renew(self) -> bool:
        """After a 401: get another token. False when there is none to get; the 401 then stands."""
        if self.login.token or self.token is None:
            return False
        self.token = self.new_token(self.token)
        return True

    def shelved(self) -> Token | None:
        try:
            return Token(*json.loads(unseal(self.login, self.shelf.load())))
        except (ValueError, TypeError):
            return None

    def new_token(self, old: Token | None) -> Token:
        """A token by refresh where that works, else by the API client; kept on the shelf."""
        now = self.retry.timing.now()
        token = None
        if old is not None and old.refresh and old.refresh_expires > now + TOKEN_MARGIN_SECONDS:
            try:
                token = self.ask_token({"grant_type": "refresh_token", "refresh_token": old.refresh}, old)
            except VectraError:
                token = None
        token = token or self.ask_token({"grant_type": "client_credentials"}, None)
        self.shelf.store(seal(self.login, json.dumps(token)))
        return token

    def ask_token(self, form: Mapping[str, str], old: Token | None) -> Token:
        response = self.send(
            "POST",
            self.token_url,
            "oauth2/token",
            data=dict(form),
            headers={"Accept": "application/json"},
            auth=(self.login.client_id, self.login.secret),
        )
        if response.status_code >= 300:
            raise self.failure("oauth2/token", response)
        now = self.retry.timing.now()
        try:
            body = response.json()
            access, lifetime = str(body["access_token"]), float(body["expires_in"])
        except (ValueError, KeyError, TypeError):
            raise VectraConfigError(
                "Vectra answered oauth2/token without an access token; check the address."
            ) from None
        if body.get("refresh_token"):
            until = now + float(body.get("refresh_expires_in") or 0)
            return Token(access, now + lifetime, str(body["refresh_token"]), until)
        return Token(access, now + lifetime, old.refresh if old else "", old.refresh_expires if old else 0)


def connection_failure(path: str, error: Exception, repeat: bool) -> Exception:
    """Sort a request that got no answer: certificates and proxies need the user, all else may pass."""
    cause = getattr(error, "exception", None) or error
    if isinstance(cause, requests.exceptions.SSLError):
        return VectraConfigError(f"{path}: the certificate of Vectra could not be verified. Check address and proxy.")
    if isinstance(cause, requests.exceptions.ProxyError):
        return VectraConfigError(f"{path}: the proxy refused the connection. Check the system proxy settings.")
    text = f"Vectra did not answer {path} ({type(cause).__name__})"
    return VectraBusyError(text) if repeat else VectraError(f"{text}; it may have been done, so it is not sent again")


# ---- what Vectra says, as values


@dataclass(frozen=True)
class Entity:
    """A host or an account. `partial`: it was only seen inside something else, so tags or details may be missing.

    `aliases` are the texts by which groups and critical assets may name it, in lower case; `groups` the groups that
    it says it is in. `args` are the arguments of the driver commands. Scores 0 to 99, urgency 0 to 100 or None.
    """

    kind: str
    number: str
    name: str
    tags: tuple[str, ...] = ()
    threat: float = 0
    certainty: float = 0
    urgency: float | None = None
    key_asset: bool = False
    aliases: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    args: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False
    tags_known: bool = True

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.number}"


@dataclass(frozen=True)
class Detection:
    """A detection. `host` and `account` are what it says of its source; `ips` and `domains` what it talked to."""

    number: str
    type: str
    state: str
    triaged: bool
    category: str
    tags: tuple[str, ...]
    src_ip: str
    host: Entity | None
    account: Entity | None
    ips: tuple[str, ...]
    domains: tuple[str, ...]

    kind = "detection"

    @property
    def key(self) -> str:
        return f"detection:{self.number}"

    @property
    def name(self) -> str:
        source = self.host or self.account
        return f"{self.type or 'detection'} {self.number}" + (f" of {source.name}" if source and source.name else "")


@dataclass(frozen=True)
class Group:
    """A group of hosts (`members` are host ids) or accounts (`members` are uids in lower case); None: not readable."""

    kind: str
    name: str
    members: frozenset[str] | None
    why: str = ""


@dataclass(frozen=True)
class DriverInstance:
    """An enabled instance of a driver, with the commands it has."""

    instance: str
    brand: str
    commands: frozenset[str]


@dataclass(frozen=True)
class StaticList:
    """A static list: its text, or why it could not be read."""

    name: str
    text: str = ""
    error: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything a plan depends on besides state, settings and time. The order of nothing in it matters.

    `unread` maps what could not be read (groups, hosts, accounts, detections) to the reason. `looked_up` are the keys
    whose details were asked for, `absent` those that Vectra does not have any more. `drivers` is None when the caller
    did not say.
    """

    entities: Mapping[str, Entity] = field(default_factory=dict)
    detections: Mapping[str, Detection] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    looked_up: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    drivers: tuple[DriverInstance, ...] | None = None
    static: StaticList | None = None
    dry_run: bool = False
    groom: bool = False
    brain: str = ""


def first_of(item: Mapping[str, Any], *names: str) -> Any:
    """The first of these members that is there and not None: field names differ between API versions."""
    return next((item[name] for name in names if item.get(name) is not None), None)


def number_of(item: Mapping[str, Any], *names: str) -> float:
    value = first_of(item, *names)
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return 0.0


def words_of(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value if item not in (None, "")) if isinstance(value, list) else ()


def artifacts_of(item: Mapping[str, Any]) -> dict[str, list[str]]:
    """The host artifacts by type, in order."""
    found: dict[str, list[str]] = {}
    for artifact in item.get("host_artifact_set") or []:
        if isinstance(artifact, dict) and artifact.get("value"):
            found.setdefault(str(artifact.get("type")), []).append(str(artifact["value"]))
    return found


def host_from_item(item: Mapping[str, Any]) -> Entity:
    """A host from an item of `hosts` or `entities`, or from what a group or a detection says of its host."""
    number, ip = str(item["id"]), str(first_of(item, "ip", "last_source") or "")
    name, artifacts = str(item.get("name") or ""), artifacts_of(item)
    directory = (item.get("ldap") or {}).get("dns_hostname") if isinstance(item.get("ldap"), dict) else None
    names = [artifacts.get(kind, [""])[0] for kind in ("windows_defender_name", "dns", "rdns")]
    fqdn = next((text for text in [*names, *words_of(directory)] if text), "")
    args = {
        "ip": ip,
        "host_name": name,
        "host_id": number,
        "fqdn": fqdn,
        "mac": sorted({mac.lower() for mac in artifacts.get("mac", [])}),
        "previous_ips": list(words_of(item.get("previous_ips"))),
        "vm_name": artifacts.get("vmachine_info", [""])[0],
        "vm_uuid": artifacts.get("vm_uuid", [""])[0],
        "aws_id": artifacts.get("aws_vm_uuid", [""])[0],
        "last_seen": str(item.get("last_seen") or ""),
    }
    return Entity(
        "host",
        number,
        name or f"host {number}",
        aliases=frozenset(text.casefold() for text in (name, ip, fqdn) if text),
        args={key: value for key, value in args.items() if value},
        partial="last_source" not in item and "host_artifact_set" not in item,
        **scores_from_item(item),
    )


def scores_from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The members that hosts and accounts have in common."""
    return {
        "tags": words_of(item.get("tags")),
        "tags_known": isinstance(item.get("tags"), list),
        "groups": frozenset(
            str(group.get("name") if isinstance(group, dict) else group) for group in item.get("groups") or []
        ),
        "threat": number_of(item, "threat", "t_score"),
        "certainty": number_of(item, "certainty", "c_score"),
        "urgency": number_of(item, "urgency_score") if item.get("urgency_score") is not None else None,
        "key_asset": bool(first_of(item, "is_key_asset", "key_asset")),
    }


def account_from_item(item: Mapping[str, Any]) -> Entity:
    """An account from an item of `accounts` or `entities`, or from what a detection says of its account.

    Directory data may lie beside the other members or below `ldap`.
    """
    number, name = str(item["id"]), str(first_of(item, "name", "uid") or "")
    nested = item.get("ldap") if isinstance(item.get("ldap"), dict) else {}
    data = {**item, **{key: value for key, value in (nested or {}).items() if value}}
    display = str(item.get("display_name") or name)
    plain = display.partition(":")[2] or display
    login = str(first_of(data, "sAMAccountName", "sam_account_name") or plain.partition("@")[0])
    principal = str(first_of(data, "user_principal_name", "userPrincipalName") or (plain if "@" in plain else ""))
    contexts = [tag.partition(":")[2].strip() for tag in words_of(item.get("tags")) if tag.startswith("Context:")]
    args = {
        "account": name,
        "account_id": number,
        "display_name": display,
        "sam": login,
        "upn": principal,
        "context": contexts[-1] if contexts else "",
    }
    known = {name, name.partition(":")[2], display, plain, principal, str(item.get("uid") or "")}
    return Entity(
        "account",
        number,
        name or f"account {number}",
        aliases=frozenset(text.casefold() for text in known if text),
        args={key: value for key, value in args.items() if value},
        partial="display_name" not in item and ("account_type" not in item or "type" in item),
        **scores_from_item(item),
    )


def entity_from_item(kind: str, item: Mapping[str, Any]) -> Entity:
    return host_from_item(item) if kind == "host" else account_from_item(item)


def detection_from_item(item: Mapping[str, Any]) -> Detection:
    """A detection of any API version: members that were renamed are taken under either name."""
    summary = item.get("summary") if isinstance(item.get("summary"), dict) else {}
    host, account = item.get("src_host"), item.get("src_account")
    return Detection(
        number=str(item["id"]),
        type=str(first_of(item, "detection_type", "type_vname") or ""),
        state=str(item.get("state") or "").lower(),
        triaged=bool(item.get("is_triaged")),
        category=str(first_of(item, "detection_category", "category") or "").lower(),
        tags=words_of(item.get("tags")),
        src_ip=str(item.get("src_ip") or ""),
        host=host_from_item(host) if isinstance(host, dict) and host.get("id") is not None else None,
        account=account_from_item(account) if isinstance(account, dict) and account.get("id") is not None else None,
        ips=words_of((summary or {}).get("dst_ips")),
        domains=words_of((summary or {}).get("target_domains")),
    )


def group_from_item(item: Mapping[str, Any]) -> Group | None:
    """A group of hosts or accounts; None for the other types. Members that cannot be trusted make it unreadable."""
    kind, name, members = str(item.get("type") or ""), str(item.get("name") or ""), item.get("members")
    if kind not in ("host", "account"):
        return None
    if item.get("is_membership_evaluation_ongoing"):
        return Group(kind, name, None, "Vectra is still working out its members")
    if not isinstance(members, list):
        return Group(kind, name, None, "Vectra does not say who its members are")
    found = {member_text(kind, member) for member in members}
    if "" in found:
        return Group(kind, name, None, "a member has no id")
    return Group(kind, name, frozenset(found))


def member_text(kind: str, member: Any) -> str:
    if kind == "host":
        return str(member.get("id") or "") if isinstance(member, dict) else str(member or "")
    name = first_of(member, "uid", "name") if isinstance(member, dict) else member
    return str(name or "").casefold()


def external_ips(ips: Iterable[str], own: Sequence[Any]) -> list[str]:
    """Addresses that are really out there: global, no multicast, no shared (CGNAT) space, none of our own ranges."""
    found = []
    for text in ips:
        try:
            ip = ipaddress.ip_address(text.strip())
        except ValueError:
            continue
        if ip.is_global and not ip.is_multicast and not any(ip in network for network in own):
            found.append(str(ip))
    return sorted(set(found))


# ---- tags as VAR writes them

_PLAIN_ELEMENT = re.compile(r"[A-Za-z0-9_:. -]+")
_PLAIN_CLIENT = re.compile(r"[A-Za-z0-9_. -]+")
_ENCODED = "enc."


def encoded(text: str, plain: re.Pattern[str]) -> str:
    """The text with nothing that Vectra refuses in tags: `enc.` and `_xx` for each byte that is not plain.

    Texts that need nothing stay as VAR wrote them.
    """
    if plain.fullmatch(text) and not text.startswith(_ENCODED) and text == text.strip():
        return text
    safe = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")
    return _ENCODED + "".join(chr(byte) if byte in safe else f"_{byte:02x}" for byte in text.encode())


def decoded(text: str) -> str:
    """What `encoded` hid; anything else as it is."""
    if not text.startswith(_ENCODED):
        return text
    body = re.sub(r"_([0-9a-f]{2})", r"%\1", text[len(_ENCODED) :])
    return urllib.parse.unquote_to_bytes(body).decode("utf-8", "replace")


def element_tag(client: str, element: str) -> str:
    return f"{ELEMENT_TAG}{encoded(client, _PLAIN_CLIENT)}:{encoded(element, _PLAIN_ELEMENT)}"


def elements_in_tags(tags: Iterable[str]) -> dict[str, list[str]]:
    """Client name -> elements, from tags `VAR ID:<client>:<element>`. Tags of another shape are left out."""
    found: dict[str, list[str]] = {}
    for tag in tags:
        client, colon, element = tag[len(ELEMENT_TAG) :].partition(":")
        if tag.startswith(ELEMENT_TAG) and colon and client.strip() and element:
            elements = found.setdefault(decoded(client.strip()), [])
            elements += [decoded(element)] if decoded(element) not in elements else []
    return found


def client_limits(tags: Iterable[str]) -> list[str]:
    """Names of tags `client:<name>`, in lower case. A tag such as `Client VPN` is just a tag."""
    names = [tag.partition(":")[2].strip().casefold() for tag in tags if tag[:7].casefold() == "client:"]
    return sorted({name for name in names if name})


def merged_tags(present: Sequence[str], ours_before: Iterable[str], ours_now: Sequence[str]) -> list[str]:
    """The tags to write: everybody else's as they are and in their order, ours replaced.

    A marker that other elements on the object still stand for stays.
    """
    now = list(dict.fromkeys(ours_now))
    gone = set(ours_before) - set(now)
    kept = [tag for tag in dict.fromkeys(present) if tag not in gone]
    if any(tag.startswith(ELEMENT_TAG) for tag in kept):
        kept += [tag for tag in present if tag in gone and tag in MARKER.values()]
    return kept + [tag for tag in now if tag not in kept]


# ---- rules


class Verdict(NamedTuple):
    """What is to become of one entity.

    action: release, new (block for the first time), again (retry, or add a driver), groom, hold (matches, but must not
    be blocked; `reasons` say why), keep, none. `instances` None means every driver instance that has the command.
    """

    action: str
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    instances: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Context:
    """What every verdict of one plan needs, worked out once.

    `closed` maps a kind to why nothing of it may be blocked newly; `no_block` and `block` map a kind to group members.
    `mode` is act, stopped or outside_window.
    """

    facts: Facts
    state: Mapping[str, Any]
    settings: Settings
    now: float
    mode: str
    closed: Mapping[str, str]
    no_block: Mapping[str, frozenset[str]]
    block: Mapping[str, frozenset[str]]
    critical_networks: tuple[Any, ...]
    by_source: Mapping[str, tuple[Detection, ...]]

    def subject(self, key: str) -> Entity | Detection | None:
        return self.facts.entities.get(key) or self.facts.detections.get(key)

    def record(self, key: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.state["entities"].get(key)
        return found


def members_of(facts: Facts, kind: str, name: str) -> tuple[frozenset[str] | None, str]:
    """Members of the group of exactly this name, or None and why they are not known."""
    if "groups" in facts.unread:
        return None, f"the groups could not be read ({facts.unread['groups']})"
    named = [group for group in facts.groups if group.kind == kind and group.name == name]
    unreadable = [group.why for group in named if group.members is None]
    if unreadable:
        return None, f"group {name!r} of {PLURAL[kind]} cannot be used: {unreadable[0]}"
    if not named:
        names = sorted({group.name for group in facts.groups if group.kind == kind})
        near = difflib.get_close_matches(name.casefold(), [other.casefold() for other in names], 1, 0.6)
        hint = next((f"; did you mean {other!r}?" for other in names if near and other.casefold() == near[0]), "")
        return None, f"there is no group of {PLURAL[kind]} named {name!r}{hint}"
    return frozenset().union(*(group.members or frozenset() for group in named)), ""


def no_block_members(facts: Facts, settings: Settings, kind: str) -> tuple[frozenset[str], str]:
    """The protected members, and why nothing may be blocked when the protection cannot be relied on."""
    name = settings.rules(kind).no_block_group
    if not name:
        return frozenset(), ""
    members, why = members_of(facts, kind, name)
    if members is None:
        return frozenset(), why
    if not members:
        return members, f"group {name!r} of {PLURAL[kind]} has no members"
    return members, ""


def new_context(facts: Facts, state: Mapping[str, Any], settings: Settings, now: float) -> Context:
    no_block, block, closed = {}, {}, {}
    for kind in ("host", "account"):
        no_block[kind], why = no_block_members(facts, settings, kind)
        block[kind] = members_of(facts, kind, settings.rules(kind).block_group)[0] or frozenset()
        if why:
            closed[kind] = why
    networks = [as_network(text) for text in settings.safety.critical]
    by_source: dict[str, tuple[Detection, ...]] = {}
    for key in sorted(facts.detections):
        detection = facts.detections[key]
        for source in (detection.host, detection.account):
            if source is not None:
                by_source[source.key] = (*by_source.get(source.key, ()), detection)
    stopped = settings.safety.emergency_stop or bool(state["stopped"])
    mode = "stopped" if stopped else "act" if settings.window.open_at(now) else "outside_window"
    critical = tuple(network for network in networks if network is not None)
    return Context(facts, state, settings, now, mode, closed, no_block, block, critical, by_source)


def as_network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_member(entity: Entity, members: frozenset[str], group: str) -> bool:
    """By the group's word (host ids, account uids) or by the entity's own."""
    return group in entity.groups or (
        entity.number in members if entity.kind == "host" else bool(entity.aliases & members)
    )


def sources_of(ctx: Context, key: str) -> list[Entity]:
    """The hosts and accounts whose protection counts: the entity itself, or what a detection came from.

    What Vectra no longer returns is taken from the record, so that it stays protected.
    """
    subject = ctx.subject(key)
    if isinstance(subject, Entity):
        return [subject]
    if isinstance(subject, Detection):
        found = [source for source in (subject.host, subject.account) if source is not None]
        return [ctx.facts.entities.get(source.key, source) for source in found]
    record = ctx.record(key) or {}
    split = [(source.partition(":"), names) for source, names in (record.get("sources") or {}).items()]
    return [Entity(kind, number, "", aliases=frozenset(names)) for (kind, _, number), names in split]


def protection(ctx: Context, key: str) -> str:
    """Why this must never be contained: no-block group or critical asset. Empty when it may."""
    for entity in sources_of(ctx, key):
        who = "" if entity.key == key else f"its {entity.kind} {entity.name or entity.number} is "
        group = ctx.settings.rules(entity.kind).no_block_group
        if group and is_member(entity, ctx.no_block[entity.kind], group):
            return f"{who}member of no-block group {group!r}"
        if is_critical(ctx, entity):
            return f"{who}on the list of critical assets"
    return ""


def is_critical(ctx: Context, entity: Entity) -> bool:
    if entity.aliases & set(ctx.settings.safety.critical):
        return True
    networks = ctx.critical_networks
    ips = [ip for ip in map(as_network, entity.aliases) if ip is not None] if networks else []
    return any(ip.version == network.version and ip.subnet_of(network) for ip in ips for network in networks)


def rules_met(ctx: Context, key: str, slack_for: Iterable[str] = ()) -> list[tuple[str, str]]:
    """(rule, reason in words) of every rule that asks for this entity to be contained.

    `slack_for` are the rules that brought it in: their thresholds are lower by the hysteresis, so that it does not
    come and go.
    """
    subject, slack = ctx.subject(key), dict.fromkeys(slack_for, ctx.settings.safety.hysteresis)
    if isinstance(subject, Detection):
        return detection_rules_met(ctx, subject, slack)
    if subject is None:
        return []
    rules = ctx.settings.rules(subject.kind)
    found = []
    if rules.block_tag and rules.block_tag in subject.tags:
        found.append(("tag", f"carries the tag {rules.block_tag!r}"))
    found += score_rules_met(ctx, subject, rules, slack)
    if rules.block_group and is_member(subject, ctx.block[subject.kind], rules.block_group):
        found.append(("group", f"is in group {rules.block_group!r}"))
    return found + type_rules_met(ctx, subject, rules, slack)


def score_rules_met(
    ctx: Context, entity: Entity, rules: EntityRules, slack: Mapping[str, int]
) -> list[tuple[str, str]]:
    if ctx.settings.cloud and rules.urgency is not None:
        limit = rules.urgency - slack.get("urgency", 0)
        if entity.urgency is None or entity.urgency < limit:
            return []
        within = "" if entity.urgency >= rules.urgency else f", within {slack['urgency']} points"
        return [("urgency", f"urgency {entity.urgency:g} (limit {rules.urgency}{within})")]
    if rules.score is None or not rules.score.met(entity.threat, entity.certainty, slack.get("score", 0)):
        return []
    within = "" if rules.score.met(entity.threat, entity.certainty) else f", within {slack['score']} points"
    scores = f"threat {entity.threat:g}, certainty {entity.certainty:g}"
    return [("score", f"{scores} (limit {rules.score}{within})")]


def type_rules_met(ctx: Context, entity: Entity, rules: EntityRules, slack: Mapping[str, int]) -> list[tuple[str, str]]:
    types = {name.casefold() for name in rules.types}
    for detection in ctx.by_source.get(entity.key, ()):
        source = detection.host if entity.kind == "host" else detection.account
        if source is None or not counts(ctx, detection, types):
            continue
        if rules.minimum is None or rules.minimum.met(source.threat, source.certainty, slack.get("detection_type", 0)):
            return [("detection_type", f"has the active detection {detection.number} of type {detection.type!r}")]
    return []


def counts(ctx: Context, detection: Detection, types: set[str]) -> bool:
    """Is it an active detection of one of these types that nobody explained away (triage)?"""
    return (
        detection.type.casefold() in types
        and detection.state == "active"
        and (ctx.settings.safety.count_triaged or not detection.triaged)
    )


def detection_rules_met(ctx: Context, detection: Detection, slack: Mapping[str, int]) -> list[tuple[str, str]]:
    rules = ctx.settings.detection
    found = []
    if rules.block_tag and rules.block_tag in detection.tags:
        found.append(("tag", f"carries the tag {rules.block_tag!r}"))
    if counts(ctx, detection, {name.casefold() for name in rules.types}):
        found.append(("detection_type", f"is an active detection of type {detection.type!r}"))
    host, limit = detection.host, rules.host_score
    if host is not None and limit is not None and limit.met(host.threat, host.certainty, slack.get("host_score", 0)):
        usable = detection.state == "active" and not detection.triaged and detection.category != "info"
        scores = f"threat {host.threat:g}, certainty {host.certainty:g} (limit {limit})"
        found += [("host_score", f"is active, and its host {host.name} has {scores}")] if usable else []
    return found


def block_tag_of(settings: Settings, key: str) -> str:
    """The tag by which a person asks for a block of this entity; empty when that rule is off."""
    kind = key.partition(":")[0]
    return settings.detection.block_tag if kind == "detection" else settings.rules(kind).block_tag


def tags_of(settings: Settings) -> dict[str, dict[str, str]]:
    """Block and unblock tag of each kind of entity, as configured; empty where switched off."""
    rules: dict[str, EntityRules | DetectionRules] = {kind: settings.rules(kind) for kind in ("host", "account")}
    rules["detection"] = settings.detection
    return {kind: {"block": rule.block_tag, "unblock": rule.unblock_tag} for kind, rule in rules.items()}


def unblock_tag_of(ctx: Context, key: str) -> str:
    """The unblock tag that a person put on this entity, or empty."""
    subject = ctx.subject(key)
    if subject is None:
        return ""
    tag = (
        ctx.settings.detection.unblock_tag
        if subject.kind == "detection"
        else ctx.settings.rules(subject.kind).unblock_tag
    )
    return tag if tag and tag in subject.tags else ""


def unread_for(ctx: Context, kind: str) -> str:
    """Why the rules for this kind cannot be worked out in full; empty when they can."""
    needed = ["groups", PLURAL[kind]]
    if kind != "detection" and ctx.settings.rules(kind).types:
        needed.append("detections")
    return next(
        (f"the {name} could not be read ({ctx.facts.unread[name]})" for name in needed if name in ctx.facts.unread), ""
    )


def closed_for(ctx: Context, key: str) -> str:
    """Why nothing new of this kind may be blocked: the protection of its hosts and accounts cannot be relied on."""
    subject = ctx.subject(key)
    if isinstance(subject, Detection):
        kinds = [source.kind for source in (subject.host, subject.account) if source is not None] or ["host", "account"]
    else:
        kinds = [key.partition(":")[0]]
    return next((ctx.closed[kind] for kind in kinds if kind in ctx.closed), "")


# ---- the planner


OVER_LIMIT = "over the limit"


class HeldBack(NamedTuple):
    """An entity that the rules ask for and that is not blocked now, and why."""

    key: str
    name: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What to do now. `details` are keys whose details must be read before the plan can be carried out."""

    mode: str
    decisions: tuple[dict[str, Any], ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


def contained_in(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Driver instance -> elements that it contains for this entity."""
    found = {
        instance: sorted(name for name, element in elements.items() if element["contained"])
        for instance, elements in record["elements"].items()
    }
    return {instance: names for instance, names in sorted(found.items()) if names}


def entries_held(record: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """Driver instance -> entry of a static list of which it has something -> does it contain all of it?

    A product may need several elements for one entry, and names them as it likes.
    """
    found: dict[str, dict[str, bool]] = {}
    for instance, elements in sorted(record["elements"].items()):
        held: dict[str, list[bool]] = {}
        for name, element in sorted(elements.items()):
            held.setdefault(element.get("entry") or name, []).append(element["contained"])
        entries = {entry: all(parts) for entry, parts in held.items() if any(parts)}
        if entries:
            found[instance] = entries
    return found


def imported_in(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Driver instance -> elements that VAR blocked and that the driver has no record of."""
    found = {
        instance: sorted(name for name, element in elements.items() if element["imported"])
        for instance, elements in record["elements"].items()
    }
    return {instance: names for instance, names in sorted(found.items()) if names}


def lost_in(record: Mapping[str, Any]) -> list[str]:
    """Driver instances that were asked and never answered: they may contain it."""
    return sorted(name for name, attempt in record["attempts"].items() if attempt["lost"] and name)


def is_engaged(record: Mapping[str, Any] | None) -> bool:
    """Is something contained for it, or could it be?"""
    if record is None:
        return False
    return bool(contained_in(record) or lost_in(record) or (record.get("intent") or {}).get("action") == "block")


def plan_cycle(facts: Facts, state: Mapping[str, Any], settings: Settings, now: float) -> Plan:
    """What to do, from facts, state, settings and time alone.

    The order of the inputs does not matter. New blocks are the worst first and at most `max_new_blocks`; the rest is
    listed in `held_back` with the reason. Repeating it on the state that its own decisions lead to gives none.
    """
    ctx = new_context(facts, state, settings, now)
    keys = {*facts.entities, *facts.detections, *(key for key in state["entities"] if not key.startswith("destin"))}
    verdicts = {key: verdict_for(ctx, key) for key in sorted(keys, key=sort_text)}
    new = sorted(
        (key for key, verdict in verdicts.items() if verdict.action == "new"),
        key=lambda key: badness(ctx, key, verdicts[key]),
    )
    over = set(new[settings.safety.max_new_blocks :])
    decided = [key for key, verdict in verdicts.items() if verdict.action in ("release", "again", "groom")]
    decisions = [
        decision_for(ctx, key, verdicts[key])
        for key in (*sorted(decided, key=lambda key: (verdicts[key].action != "release", sort_text(key))), *new)
        if key not in over
    ]
    held = [
        HeldBack(key, name_of(ctx, key), "; ".join(verdict.reasons))
        for key, verdict in verdicts.items()
        if verdict.action == "hold"
    ]
    limit = f"{OVER_LIMIT} of {settings.safety.max_new_blocks} new blocks per cycle"
    held += [HeldBack(key, name_of(ctx, key), limit) for key in new if key in over]
    fixed, warnings, errors = plan_static(ctx)
    mode = "dry_run" if facts.dry_run or settings.safety.dry_run else ctx.mode
    return Plan(
        mode,
        (*decisions, *fixed),
        tuple(held),
        (*plan_warnings(ctx), *warnings),
        (*plan_errors(ctx), *errors),
        tuple(
            key for key in (str(decision["key"]) for decision in decisions) if needs_details(ctx, key, verdicts[key])
        ),
    )


def sort_text(key: str) -> str:
    kind, _, number = key.partition(":")
    return f"{KINDS.index(kind) if kind in KINDS else 9}{number:>20}"


def badness(ctx: Context, key: str, verdict: Verdict) -> tuple[bool, float, str]:
    """Sorts what a person asked for first, then the highest urgency or scores, then the smallest id."""
    subject = ctx.subject(key)
    entity = (subject.host or subject.account) if isinstance(subject, Detection) else subject
    score = 0.0
    if entity is not None:
        score = entity.urgency if entity.urgency is not None else (entity.threat + entity.certainty) / 2
    return set(verdict.rules) <= AUTOMATIC_RULES, -score, sort_text(key)


def name_of(ctx: Context, key: str) -> str:
    subject = ctx.subject(key)
    return subject.name if subject is not None else str((ctx.record(key) or {}).get("name") or key)


def needs_details(ctx: Context, key: str, verdict: Verdict) -> bool:
    subject = ctx.subject(key)
    wanted = verdict.action != "release" and isinstance(subject, Entity) and subject.partial
    return wanted and key not in ctx.facts.looked_up


def verdict_for(ctx: Context, key: str) -> Verdict:
    """The decision table of the README, from its first row down."""
    record, overruled = ctx.record(key), overruled_by(ctx, key)
    engaged = is_engaged(record)
    if overruled:
        if engaged and record is not None:
            return release_verdict(ctx, record, (overruled,))
        return Verdict("hold", (overruled,)) if rules_met(ctx, key) else Verdict("none")
    if engaged and record is not None:
        return verdict_for_contained(ctx, key, record)
    found = rules_met(ctx, key)
    if not found:
        return Verdict("none")
    why = hold_reason(ctx, key, [rule for rule, _ in found])
    if why:
        return Verdict("hold", (why,)) if why != "nothing" else Verdict("none")
    reasons, rules = tuple(reason for _, reason in found), tuple(sorted({rule for rule, _ in found}))
    allowed = allowed_instances(ctx, key)
    if allowed == ():
        return Verdict("hold", (no_driver_text(ctx, key),))
    if record is not None and record["attempts"]:
        return verdict_for_tried(ctx, record, Verdict("again", reasons, rules, allowed))
    return Verdict("new", reasons, rules, allowed)


def overruled_by(ctx: Context, key: str) -> str:
    """What stands above all rules: protection, a person's unblock tag or release, and not being there any more."""
    protected = protection(ctx, key)
    if protected:
        return protected
    tag = unblock_tag_of(ctx, key)
    if tag:
        return f"carries the unblock tag {tag!r}"
    held = held_text(ctx, key)
    if held:
        return held
    count = (ctx.state["absent"].get(key) or {}).get("count", 0)
    if key in ctx.facts.absent and count >= ctx.settings.safety.missing_cycles:
        return f"Vectra has not known it for {count} cycles"
    return ""


def held_text(ctx: Context, key: str) -> str:
    """Why a person released it, as long as that lasts; else empty."""
    held = ctx.state["held"].get(key)
    lasts = held and (not held["until"] or held["until"] > ctx.now)
    return f"released by command: {held['why']}" if lasts else ""


def hold_reason(ctx: Context, key: str, rules: Sequence[str]) -> str:
    """Why what the rules ask for is not blocked now. Empty: it may be; `nothing`: there is nothing to block in it."""
    subject, kind = ctx.subject(key), key.partition(":")[0]
    if isinstance(subject, Detection) and not blockable(ctx, subject):
        return "it has no external destination to block" if "tag" in rules else "nothing"
    if key in ctx.facts.absent:
        return "Vectra does not have it any more"
    if isinstance(subject, Entity) and subject.partial:
        aside = ctx.state["asides"].get(key)
        if aside and aside["until"] > ctx.now:
            return str(aside["why"])
        if key in ctx.facts.looked_up:
            return "its details could not be read"
    if "tag" not in rules and not ctx.settings.safety.key_assets and any(e.key_asset for e in sources_of(ctx, key)):
        return (
            "it is a key asset; tag it by hand to block it"
            if kind != "detection"
            else "its source is a key asset; tag it by hand to block it"
        )
    return closed_for(ctx, key) or unread_for(ctx, kind) or mode_text(ctx)


def mode_text(ctx: Context) -> str:
    return {"stopped": "the emergency stop is on", "outside_window": "outside the block window"}.get(ctx.mode, "")


def blockable(ctx: Context, detection: Detection) -> bool:
    return bool(detection.domains or external_ips(detection.ips, ctx.settings.safety.own_networks))


def verdict_for_contained(ctx: Context, key: str, record: Mapping[str, Any]) -> Verdict:
    """Something is contained for it, or could be: keep it, add what is missing, or let it go."""
    found = rules_met(ctx, key, record["rules"])
    if found:
        return verdict_for_kept(ctx, key, record, found)
    subject = ctx.subject(key)
    unknown = subject is None or key in ctx.facts.absent
    if unknown or ctx.settings.safety.explicit_unblock or unread_for(ctx, key.partition(":")[0]):
        return Verdict("keep")
    least = record["since"] + 60 * ctx.settings.safety.minimum_block_minutes
    if least > ctx.now and AUTOMATIC_RULES & set(record["rules"]):
        return Verdict("keep")
    reasons = ("no rule asks for it any more", *(f"was: {reason}" for reason in record["reasons"]))
    return release_verdict(ctx, record, reasons)


def release_verdict(ctx: Context, record: Mapping[str, Any], reasons: tuple[str, ...]) -> Verdict:
    """Release now, or wait because every driver that has something failed a moment ago or is still at it."""
    if (record.get("intent") or {}).get("action") == "block":
        return Verdict("release" if release_due(record, "", ctx.now) else "keep", reasons)
    due = any(release_due(record, name, ctx.now) for name in (*contained_in(record), *lost_in(record)))
    return Verdict("release" if due else "keep", reasons)


def verdict_for_kept(ctx: Context, key: str, record: Mapping[str, Any], found: Sequence[tuple[str, str]]) -> Verdict:
    reasons, rules = (
        tuple(reason for _, reason in found),
        tuple(sorted({rule for rule, _ in found} | set(record["rules"]))),
    )
    if closed_for(ctx, key) or unread_for(ctx, key.partition(":")[0]) or mode_text(ctx):
        return Verdict("keep")
    allowed = allowed_instances(ctx, key)
    if (record.get("intent") or {}).get("action") == "block":
        return Verdict("keep") if allowed == () else Verdict("again", reasons, rules, allowed)
    due = due_instances(ctx, record, allowed, f"vectra-block-{key.partition(':')[0]}")
    if due:
        return Verdict("again", reasons, rules, tuple(due))
    subject = ctx.subject(key)
    if ctx.facts.groom and isinstance(subject, Entity) and subject.kind == "host":
        imported = imported_in(record)
        own = [name for name, held in contained_in(record).items() if held != imported.get(name)]
        names = with_command(ctx, own, "vectra-groom-host")
        return (
            Verdict("groom", ("keeps its elements up to date", *reasons), rules, tuple(names))
            if names
            else Verdict("keep")
        )
    return Verdict("keep")


def with_command(ctx: Context, names: Iterable[str], command: str) -> list[str]:
    """These instances without those that are known not to have the command."""
    if ctx.facts.drivers is None:
        return list(names)
    able = {driver.instance for driver in ctx.facts.drivers if command in driver.commands}
    return [name for name in names if name in able]


def due_instances(ctx: Context, record: Mapping[str, Any], allowed: Sequence[str] | None, command: str) -> list[str]:
    """Instances to ask (again) to block: retries that are due, those still letting it go, and drivers added since."""
    holding = contained_in(record)
    releasing = {name for name in holding if any(e["status"] == "releasing" for e in record["elements"][name].values())}
    retries = {
        name
        for name, attempt in record["attempts"].items()
        if name and attempt["action"] == "block" and attempt["next_try"] <= ctx.now
    }
    known = {*holding, *record["attempts"]}
    added = {
        driver.instance
        for driver in ctx.facts.drivers or ()
        if command in driver.commands and driver.instance not in known
    }
    wanted = retries | releasing | added
    names = sorted(name for name in wanted if allowed is None or name in allowed)
    return with_command(ctx, names, command)


def verdict_for_tried(ctx: Context, record: Mapping[str, Any], verdict: Verdict) -> Verdict:
    """Nothing is contained, but it was tried: wait, or ask those whose time has come."""
    nobody = record["attempts"].get("")
    if nobody is not None and nobody["next_try"] <= ctx.now:
        return verdict
    kind = str(record["kind"])
    due = due_instances(ctx, record, verdict.instances, f"vectra-block-{kind}")
    if due:
        return verdict._replace(instances=tuple(due))
    soonest = min(attempt["next_try"] for attempt in record["attempts"].values())
    last = next((a["last_reason"] for a in record["attempts"].values() if a["last_reason"]), "")
    when = datetime.fromtimestamp(soonest, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return Verdict("hold", (f"no driver could block it ({last or 'no reason given'}); next try {when}",))


def allowed_instances(ctx: Context, key: str) -> tuple[str, ...] | None:
    """Instances that may block this entity, from its `client:` tags. None: all of them; empty: none fits."""
    subject, kind = ctx.subject(key), key.partition(":")[0]
    names = client_limits(subject.tags) if subject is not None else []
    if ctx.facts.drivers is None:
        raw = [
            tag.partition(":")[2].strip()
            for tag in (subject.tags if subject else ())
            if tag[:7].casefold() == "client:"
        ]
        return tuple(sorted({name for name in raw if name})) if names else None
    able = [driver for driver in ctx.facts.drivers if f"vectra-block-{kind}" in driver.commands]
    if not names:
        return None if able else ()
    return tuple(sorted(d.instance for d in able if {d.instance.casefold(), d.brand.casefold()} & set(names)))


def no_driver_text(ctx: Context, key: str) -> str:
    subject, kind = ctx.subject(key), key.partition(":")[0]
    names = client_limits(subject.tags) if subject is not None else []
    if names:
        return f"no driver instance that blocks {PLURAL[kind]} is called {' or '.join(names)}, as its client: tag asks"
    return f"no enabled driver instance blocks {PLURAL[kind]}"


# ---- decisions


def decision_for(ctx: Context, key: str, verdict: Verdict) -> dict[str, Any]:
    """A decision as the cycle carries it out: `args` are ready for the generic driver command `vectra-<action>-<type>`.

    `elements` of an unblock say what to release at which instance; an empty list there means all it has for the entity.
    `adopt` has what VAR blocked: it is released by a call of its own, with `adopt=true`.
    """
    record, kind = ctx.record(key), key.partition(":")[0]
    if verdict.action == "release":
        return release_decision(ctx, key, record or {}, verdict)
    subject = ctx.subject(key)
    action = "groom" if verdict.action == "groom" else "block"
    args = driver_args(ctx, subject) if subject is not None else {}
    return {
        "id": decision_id(action, key, verdict.instances),
        "action": action,
        "key": key,
        "type": kind,
        "name": name_of(ctx, key),
        "reasons": list(verdict.reasons),
        "args": {**args, "brain": ctx.facts.brain, "reason": reason_text(verdict.reasons)},
        "instances": None if verdict.instances is None else list(verdict.instances),
        "asked": asked_instances(ctx, f"vectra-{action}-{kind}", verdict.instances),
        "elements": {},
        "adopt": {},
        "rules": list(verdict.rules),
        "sources": {source.key: sorted(source.aliases) for source in sources_of(ctx, key)},
    }


def asked_instances(ctx: Context, command: str, instances: Sequence[str] | None) -> list[str] | None:
    """Who is going to be asked, so that silence is noticed; None when it is not known who has the command."""
    if instances is not None:
        return list(instances)
    if ctx.facts.drivers is None:
        return None
    return sorted(driver.instance for driver in ctx.facts.drivers if command in driver.commands)


def decision_id(action: str, key: str, instances: Sequence[str] | None) -> str:
    return f"{action} {key}" + (f" at {', '.join(instances)}" if instances else "")


def reason_text(reasons: Sequence[str]) -> str:
    return f"Vectra: {'; '.join(reasons)}"[:500]


def driver_args(ctx: Context, subject: Entity | Detection) -> dict[str, Any]:
    if isinstance(subject, Entity):
        return dict(subject.args)
    args = {
        "dst_ips": external_ips(subject.ips, ctx.settings.safety.own_networks),
        "dst_domains": list(subject.domains),
        "detection_id": subject.number,
        "detection_type": subject.type,
        "src_ip": subject.src_ip,
    }
    return {name: value for name, value in args.items() if value}


RELEASE_ARGS = {
    "host": ("ip", "host_name", "host_id"),
    "account": ("account", "account_id"),
    "detection": ("dst_ips", "detection_id"),
}


def release_decision(ctx: Context, key: str, record: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Release per instance what it contains; after an interrupted order everyone is asked, since anyone may have it.

    What was imported from VAR's tags is kept apart, because only that may be released without a driver's own record.
    """
    kind, number = key.split(":", 1)
    interrupted = (record.get("intent") or {}).get("action") == "block"
    holding, imported, lost = contained_in(record), imported_in(record), lost_in(record)
    names = sorted({*holding, *lost})
    due = [name for name in names if release_due(record, name, ctx.now)]
    known = {name: value for name, value in (record.get("args") or {}).items() if name in RELEASE_ARGS.get(kind, ())}
    args = {**known, f"{kind}_id": number, "brain": ctx.facts.brain, "reason": reason_text(verdict.reasons)}
    own = {name: [text for text in holding.get(name, []) if text not in imported.get(name, [])] for name in due}
    elements = {} if interrupted else {name: own[name] for name in due if own[name] or name in lost}
    listed = sorted({element for names_there in elements.values() for element in names_there})
    return {
        "id": decision_id("unblock", key, None),
        "action": "unblock",
        "key": key,
        "type": kind,
        "name": name_of(ctx, key),
        "reasons": list(verdict.reasons),
        "args": {**args, "elements": listed} if listed and all(elements.values()) else args,
        "instances": None if interrupted else due,
        "asked": asked_instances(ctx, f"vectra-unblock-{kind}", None if interrupted else due),
        "elements": elements,
        "adopt": {name: imported[name] for name in due if name in imported},
        "rules": [],
        "sources": record.get("sources") or {},
    }


def release_due(record: Mapping[str, Any], instance: str, now: float) -> bool:
    attempt = record["attempts"].get(instance)
    return not (attempt and attempt["action"] == "unblock" and attempt["next_try"] > now)


# ---- static destinations


DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def parse_static(text: str, safety: Safety) -> tuple[list[str], list[str]]:
    """Entries of a list in canonical form, sorted, and one line of words for each line that is not taken.

    A line holds an address, a network, a range `first-last` or a domain; `#` starts a comment. What a larger network of
    the list covers is left out.
    """
    entries: dict[str, Any] = {}
    problems = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip().strip(",")
        if not line:
            continue
        try:
            entry, networks = static_entry(line, safety)
        except ValueError as error:
            problems.append(f"line {number}: {line[:80]!r} {error}")
            continue
        entries[entry] = networks
    whole = frozenset(nets[0] for entry, nets in entries.items() if nets and "-" not in entry)
    covered = {entry for entry, networks in entries.items() if is_covered(entry, networks, whole)}
    return sorted(set(entries) - covered), problems


def static_entry(line: str, safety: Safety) -> tuple[str, list[Any]]:
    """The canonical text of one entry and its networks. Raises ValueError with what is wrong with it."""
    domain = line.lower().rstrip(".")
    if DOMAIN.fullmatch(domain):
        return domain, []
    try:
        entry, networks = static_networks(line)
    except (ValueError, TypeError):
        raise ValueError("is no address, network, range or domain") from None
    for network in networks:
        refuse_network(network, safety)
    widest = safety.static_minimum_prefix[networks[0].version == 6]
    size = sum(network.num_addresses for network in networks)
    if size > 2 ** (networks[0].max_prefixlen - widest):
        raise ValueError(f"is larger than a /{widest}")
    return entry, networks


def static_networks(line: str) -> tuple[str, list[Any]]:
    first, dash, last = (part.strip() for part in line.partition("-"))
    if dash:
        ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
        return f"{ends[0]}-{ends[1]}", list(ipaddress.summarize_address_range(*ends))  # type: ignore[arg-type]
    network = ipaddress.ip_network(line, strict=False)
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network), [network]


def refuse_network(network: Any, safety: Safety) -> None:
    """Raises ValueError when blocking this network would cut something that must go on."""
    if network.prefixlen == 0:
        raise ValueError("is the whole Internet")
    for name in ("is_loopback", "is_link_local", "is_multicast", "is_unspecified"):
        if getattr(network, name):
            raise ValueError(f"is a {name[3:].replace('_', '-')} address")
    shared = network.version == 4 and network.overlaps(ipaddress.ip_network("100.64.0.0/10"))
    if (network.is_private or shared) and not safety.static_private:
        raise ValueError("is private; switch on 'Static list: allow private ranges' to block it")
    for own in safety.own_networks:
        if own.version == network.version and own.overlaps(network):
            raise ValueError(f"overlaps the own network {own}")


def is_covered(entry: str, networks: Sequence[Any], whole: frozenset[Any]) -> bool:
    """Does one of the `whole` networks of the list hold all of this entry? An entry does not cover itself."""
    more = 1 if "-" in entry else 0
    return bool(networks) and all(
        any(net.supernet(new_prefix=length) in whole for length in range(net.prefixlen + more)) for net in networks
    )


def plan_static(ctx: Context) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Decisions, warnings and errors about static lists. A list that was not given stays as it is."""
    decisions, warnings, errors = [], [], []
    given = ctx.facts.static
    keys = {key for key in ctx.state["entities"] if key.startswith("destinations:")}
    for key in sorted(keys | ({f"destinations:{given.name}"} if given is not None else set())):
        record = ctx.record(key) or new_record(key, "", ctx.now)
        why = held_text(ctx, key)
        if why:
            decisions += static_release(ctx, key, record, frozenset(), why)
        elif given is not None and key == f"destinations:{given.name}":
            found, problems, fault = static_changes(ctx, key, record, given)
            decisions += found
            warnings += problems
            errors += [fault] if fault else []
    return decisions, warnings, errors


def static_changes(
    ctx: Context, key: str, record: Mapping[str, Any], given: StaticList
) -> tuple[list[dict[str, Any]], list[str], str]:
    """Decisions and warnings for one list, and an error when the list must not be acted on."""
    if given.error:
        return [], [], f"Static list {given.name!r} could not be read ({given.error}); nothing of it is changed."
    wanted, problems = parse_static(given.text, ctx.settings.safety)
    warnings = [f"Static list {given.name!r}, {problem}" for problem in problems]
    applied = {entry for entries in entries_held(record).values() for entry in entries}
    if not wanted and applied:
        return (
            [],
            warnings,
            (
                f"Static list {given.name!r} has no usable entry; its {len(applied)} entries stay blocked. "
                f"To let them go: !vectra-response-release keys={key}"
            ),
        )
    listed = set(wanted)
    changes = len(listed - set(record["entries"])) + len(applied - listed)
    if changes > ctx.settings.safety.static_max_changes:
        return (
            [],
            warnings,
            (
                f"Static list {given.name!r} asks for {changes} changes at once, more than "
                f"{ctx.settings.safety.static_max_changes} (static_max_changes); nothing of it is changed."
            ),
        )
    decisions = static_release(ctx, key, record, frozenset(listed), "no longer on the list")
    held = mode_text(ctx)
    blocks = [] if held else static_blocks(ctx, key, record, wanted)
    waiting = len(listed - applied) if held else 0
    warnings += [f"Static list {given.name!r}: {waiting} entries wait: {held}."] if waiting else []
    return decisions + blocks, warnings, ""


def static_blocks(ctx: Context, key: str, record: Mapping[str, Any], wanted: Sequence[str]) -> list[dict[str, Any]]:
    """New entries go to every driver, missing ones to the driver that lacks them."""
    asked = set(record["entries"])
    if (record.get("intent") or {}).get("action") == "block":
        return [static_decision(ctx, key, "block", wanted, None, "an earlier order was interrupted")]
    nobody = record["attempts"].get("")
    if nobody is not None and nobody["next_try"] <= ctx.now:
        asked = set()
    able = [d.instance for d in ctx.facts.drivers or () if "vectra-block-destinations" in d.commands]
    fresh = [entry for entry in wanted if entry not in asked]
    if ctx.facts.drivers is not None and not able:
        return []
    decisions = [static_decision(ctx, key, "block", fresh, None, "on the static list")] if fresh else []
    holding = entries_held(record)
    for name in sorted({*holding, *record["attempts"], *able} - {""}):
        if ctx.facts.drivers is not None and name not in able:
            continue
        has = {entry for entry, whole in holding.get(name, {}).items() if whole}
        missing = [entry for entry in wanted if entry in asked and entry not in has]
        attempt = record["attempts"].get(name)
        if missing and (attempt is None or attempt["next_try"] <= ctx.now):
            decisions.append(static_decision(ctx, key, "block", missing, [name], "on the static list"))
    return decisions


def static_release(
    ctx: Context, key: str, record: Mapping[str, Any], wanted: frozenset[str], why: str
) -> list[dict[str, Any]]:
    """Release what is not wanted where it is held. What was ordered without an answer is released where it may be."""
    unwanted = [entry for entry in record["entries"] if entry not in wanted]
    if unwanted and (record["intent"] or {}).get("action") == "block":
        return [static_decision(ctx, key, "unblock", unwanted, None, why)]
    gone = {name: [entry for entry in held if entry not in wanted] for name, held in entries_held(record).items()}
    gone |= dict.fromkeys(lost_in(record), unwanted)
    due = {name: list(entries) for name, entries in gone.items() if entries and release_due(record, name, ctx.now)}
    entries = sorted({entry for names in due.values() for entry in names})
    if not entries:
        return []
    return [
        {**static_decision(ctx, key, "unblock", entries, sorted(due), why), "elements": due, "id": f"unblock {key}"}
    ]


def static_decision(
    ctx: Context, key: str, action: str, entries: Sequence[str], instances: Sequence[str] | None, why: str
) -> dict[str, Any]:
    name = key.partition(":")[2]
    args = {
        "destinations": list(entries),
        "list": name,
        "brain": ctx.facts.brain,
        "reason": f"Static list {name}: {why}",
    }
    return {
        "id": decision_id(action, key, instances),
        "action": action,
        "key": key,
        "type": "destinations",
        "name": f"static list {name}: {len(entries)} entries",
        "reasons": [why],
        "args": args,
        "instances": None if instances is None else list(instances),
        "asked": asked_instances(ctx, f"vectra-{action}-destinations", instances),
        "elements": {},
        "adopt": {},
        "rules": ["static"],
        "sources": {},
    }


def plan_errors(ctx: Context) -> list[str]:
    """What stops the response, wholly or in part, in words that say what to do."""
    found = [f"The {name} could not be read: {why}" for name, why in sorted(ctx.facts.unread.items())]
    for kind, why in sorted(ctx.closed.items()):
        if "groups" not in ctx.facts.unread:
            found.append(
                f"No new blocks of {PLURAL[kind]} and of detections that came from them: {why}. Create or fill the "
                f"group in Vectra, correct the parameter '{kind}_no_block_group', or clear it to do without."
            )
    return found


def plan_warnings(ctx: Context) -> list[str]:
    """What a person should look at: state that no enabled driver can change, and tags that mean nothing."""
    found = []
    if ctx.facts.drivers is not None:
        enabled = {driver.instance for driver in ctx.facts.drivers}
        for key, record in sorted(ctx.state["entities"].items()):
            gone = sorted(set(contained_in(record)) - enabled)
            found += [f"{key} ({record['name']}) is contained by {name}, which is not enabled." for name in gone]
    for key in sorted({*ctx.facts.entities, *ctx.facts.detections}):
        subject = ctx.subject(key)
        tags = sorted(subject.tags) if subject is not None else []
        odd = [tag for tag in tags if tag.startswith(ELEMENT_TAG) and not elements_in_tags([tag])]
        found += [f"{key} ({name_of(ctx, key)}): the tag {tag!r} has no element and is ignored." for tag in odd]
    return found


# ---- the state: pure functions from state to state


def new_state() -> dict[str, Any]:
    """The state of a brain that contains nothing.

    entities: key -> record; held: key -> {why, until, at}, released by command; absent: key -> {count, at}, not known
    to Vectra any more; asides: key -> {why, until}, held back after its details were read; lease:
    {owner, since, until}; history: {key, name, why, instance, brand, element, since, until} of what was contained and
    is free again, oldest first. A state of an earlier release has no history.
    """
    kept: dict[str, Any] = {"entities": {}, "held": {}, "absent": {}, "lease": {}, "asides": {}, "history": []}
    return {"brain": "", "stopped": False, **kept}


def new_record(key: str, name: str, now: float) -> dict[str, Any]:
    """The record of an entity of which nothing is known yet.

    elements: instance -> element -> {status, contained, entry, since, at, brand, reason, reference, imported};
    `imported`: VAR blocked it, and no driver has it on its own record yet; `entry`: what of a static list it stands
    for.
    attempts: instance -> {action, at, failures, next_try, last_reason, lost, brand} of what is not settled; the
    instance "" stands for nobody having answered. `shown` are our tags on Vectra, `note` the note still to be written.
    """
    return {
        "kind": key.partition(":")[0],
        "name": name,
        "since": int(now),
        "rules": [],
        "reasons": [],
        "sources": {key: []} if key.partition(":")[0] in ("host", "account") else {},
        "args": {},
        "entries": [],
        "elements": {},
        "attempts": {},
        "intent": None,
        "shown": [],
        "note": "",
    }


def with_entity(state: dict[str, Any], key: str, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """The state with one record replaced, or removed by None."""
    entities = {name: entry for name, entry in state["entities"].items() if name != key}
    return {**state, "entities": entities if record is None else {**entities, key: dict(record)}}


def with_intents(
    state: dict[str, Any], decisions: Sequence[Mapping[str, Any]], brain: str, now: float
) -> dict[str, Any]:
    """The state before the drivers are called: each entity knows what is about to be done to it."""
    state = {**state, "brain": state["brain"] or brain}
    for decision in decisions:
        key = str(decision["key"])
        record = state["entities"].get(key)
        if record is None and decision["action"] == "unblock":
            continue
        record = record or new_record(key, str(decision["name"]), now)
        state = with_entity(state, key, {**record, **intent_change(record, decision, now)})
    return state


def intent_change(record: Mapping[str, Any], decision: Mapping[str, Any], now: float) -> dict[str, Any]:
    action = decision["action"]
    if action == "groom":
        return {}
    # An open block must not be forgotten by a release that is planned over it: both may be carried out.
    open_block = action == "unblock" and (record["intent"] or {}).get("action") == "block"
    change: dict[str, Any] = {"intent": record["intent"] if open_block else {"action": action, "at": int(now)}}
    if action == "block":
        names = RELEASE_ARGS.get(record["kind"], ())
        args = decision["args"]
        change |= {
            "name": decision["name"],
            "since": record["since"] if contained_in(record) else int(now),
            "rules": sorted({*record["rules"], *decision["rules"]}) if is_engaged(record) else list(decision["rules"]),
            "reasons": list(decision["reasons"]),
            "sources": dict(decision["sources"]),
            "args": {name: args[name] for name in names if args.get(name)},
            "entries": sorted({*record["entries"], *(args.get("destinations") or [])}),
        }
    return change


def with_outcomes(
    state: dict[str, Any],
    decisions: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    brain: str,
    now: float,
) -> dict[str, Any]:
    """The state after the drivers were called.

    `decisions` are those that were carried out; their intents are closed, and an instance that was asked and did not
    answer counts as failed. `rows` are outcomes of this brain. Giving the same rows again changes nothing.
    """
    state = {**state, "brain": state["brain"] or brain}
    for row in sorted(rows, key=lambda row: int(row.get("time") or 0)):
        state = with_row(state, row, now)
    for decision in decisions:
        state = with_closed_intent(state, decision, rows, now)
    return state


def with_row(state: dict[str, Any], row: Mapping[str, Any], now: float) -> dict[str, Any]:
    key, instance = str(row["entity"]), str(row["instance"])
    record = state["entities"].get(key)
    if record is None:
        if not row.get("contained"):
            return state
        record = new_record(key, key, now)
    at = int(row.get("time") or now)
    element = (record["elements"].get(instance) or {}).get(str(row.get("element") or ""))
    attempt = record["attempts"].get(instance)
    if (element is not None and element["at"] > at) or (attempt is not None and attempt["at"] > at):
        return state
    elements = {**record["elements"], instance: elements_after(record["elements"].get(instance) or {}, row, at)}
    attempts = {name: entry for name, entry in record["attempts"].items() if name not in (instance, "")}
    # What VAR blocked is found blocked by someone else: nothing is left to try.
    theirs = element is not None and element["imported"] and row["action"] != "unblock" and row["status"] == "already"
    after = attempt_after(attempt, {**row, "contained": True} if theirs else row, at)
    if after is not None:
        attempts[instance] = after
    elements = {name: entries for name, entries in elements.items() if entries}
    state = with_history(state, ended(key, record, elements, instance, at), now)
    return with_entity(state, key, {**record, "elements": elements, "attempts": attempts})


def ended(
    key: str, record: Mapping[str, Any], after: Mapping[str, Any], instance: str, at: int
) -> list[dict[str, Any]]:
    """The containments at one instance that an outcome ended, for the history."""
    still = {name for name, element in (after.get(instance) or {}).items() if element["contained"]}
    told = {"key": key, "name": record["name"], "why": "; ".join(record["reasons"])}
    return [
        {**told, "instance": instance, "brand": old["brand"], "element": name, "since": old["since"], "until": at}
        for name, old in (record["elements"].get(instance) or {}).items()
        if old["contained"] and name not in still
    ]


def with_history(state: dict[str, Any], more: Sequence[Mapping[str, Any]], now: float) -> dict[str, Any]:
    """The state with containments that are over, without the oldest ones beyond the limits of number and age."""
    if not more:
        return state
    kept = [item for item in state.get("history") or [] if item["until"] > now - HISTORY_SECONDS]
    return {**state, "history": [*kept, *map(dict, more)][-HISTORY_KEPT:]}


def elements_after(elements: Mapping[str, Any], row: Mapping[str, Any], at: int) -> dict[str, Any]:
    """The elements of one instance after an outcome. What failed to be blocked is listed without being contained.

    An imported element is ours until a driver has it on its own record or its release is told: that a driver finds it
    blocked by someone else, or has nothing on record for the entity, is to be expected and changes nothing.
    """
    name, status = str(row.get("element") or ""), str(row["status"])
    rest = {other: entry for other, entry in elements.items() if other != name}
    old = elements.get(name)
    contained = bool(row.get("contained"))
    imported = bool(old and old["imported"])
    if imported and row["action"] != "unblock" and not contained:
        return dict(elements)
    if not name:
        if row["action"] != "unblock" or contained or status == "failed":
            return dict(elements)
        return {other: entry for other, entry in elements.items() if entry["imported"]}
    if not contained and not (row["action"] == "block" and status == "failed"):
        return rest
    shown = "releasing" if row["action"] == "unblock" and status == "pending" else status
    if row["action"] == "reconcile" and status == "pending" and old is not None:
        shown = old["status"]
    since = old["since"] if old and old["contained"] else at
    return {
        **rest,
        name: {
            "status": "applied" if shown == "already" and contained else shown,
            "contained": contained,
            "entry": str(row.get("entry") or (old or {}).get("entry") or ""),
            "since": since,
            "at": at,
            "brand": str(row.get("brand") or ""),
            "reason": str(row.get("reason") or ""),
            "reference": str(row.get("reference") or (old or {}).get("reference") or ""),
            "imported": imported and status not in ("applied", "already", "pending"),
        },
    }


def attempt_after(attempt: Mapping[str, Any] | None, row: Mapping[str, Any], at: int) -> dict[str, Any] | None:
    """What is still to be tried at an instance after an outcome; None when all is settled there.

    Several rows of one call (the same second) count as one failure.
    """
    status, contained, action = str(row["status"]), bool(row.get("contained")), str(row["action"])
    wants_block = action in ("block", "groom") or (action == "reconcile" and (attempt or {}).get("action") != "unblock")
    done = status in ("applied", "already") and contained == wants_block
    settled = done or (action == "reconcile" and status == "applied")
    same_call = attempt is not None and attempt["at"] == at
    if settled:
        return dict(attempt) if attempt is not None and same_call and attempt["failures"] else None
    if not wants_block and not contained:
        return None
    before = int((attempt or {}).get("failures") or 0)
    failures = before if same_call or status == "pending" else before + 1
    pause = RETRY_PAUSES[min(max(failures, 1), len(RETRY_PAUSES)) - 1]
    pause = {"pending": PENDING_SECONDS, "unsupported": UNSUPPORTED_SECONDS}.get(status, pause)
    # A driver that failed without naming an element may have been cut off after its order.
    lost = wants_block and status == "failed" and not row.get("element")
    name = "block" if wants_block else "unblock"
    return new_attempt(name, at, failures, pause, str(row.get("reason") or status), row, lost=lost)


def new_attempt(
    action: str, at: float, failures: int, pause: float, reason: str, row: Mapping[str, Any], lost: bool = False
) -> dict[str, Any]:
    return {
        "action": action,
        "at": int(at),
        "failures": failures,
        "next_try": int(at + pause),
        "last_reason": reason,
        "lost": lost,
        "brand": str(row.get("brand") or ""),
    }


def with_closed_intent(
    state: dict[str, Any], decision: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], now: float
) -> dict[str, Any]:
    """The state after a decision was carried out. Instances that were asked and are silent have an open question."""
    key = str(decision["key"])
    record = state["entities"].get(key)
    if record is None:
        return state
    answered = {str(row["instance"]) for row in rows if row["entity"] == key}
    attempts, action = dict(record["attempts"]), str(decision["action"])
    asked = decision.get("asked") or decision.get("instances")
    silent = [name for name in asked if name not in answered] if asked is not None else [""] if not answered else []
    for name in silent if action != "groom" else []:
        before = attempts.get(name)
        if before is None or record["intent"] is not None:
            failures = int((before or {}).get("failures") or 0) + 1
            pause = RETRY_PAUSES[min(failures, len(RETRY_PAUSES)) - 1]
            lost = action == "block" or bool(before and before["lost"])
            attempts[name] = new_attempt(action, now, failures, pause, "no answer", {}, lost=lost)
    note = note_for(record, decision, rows)
    unanswered = record["intent"] if silent == [""] and action == "unblock" else None
    change = {"intent": unanswered, "attempts": attempts, "note": note or record["note"]}
    if action == "unblock" and answered:
        released = set(decision["args"].get("destinations") or [])
        change["entries"] = [entry for entry in record["entries"] if entry not in released]
    return with_entity(state, key, {**record, **change} if action != "groom" else {**record, "note": change["note"]})


def note_for(record: Mapping[str, Any], decision: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """What to write on the entity in Vectra, without the time; empty when nothing changed."""
    changed = [row for row in rows if row["entity"] == decision["key"] and row["status"] in ("applied", "pending")]
    names = sorted({str(row["instance"]) for row in changed})
    if not names or record["intent"] is None:
        return ""
    waiting = {str(row["instance"]) for row in changed if row["status"] == "pending"}
    ordered = ("Block ordered", "Release ordered") if waiting == set(names) else ()
    blocked, unblocked = ordered or ("Blocked", "Unblocked")
    if not ordered:
        names = [f"{name} (ordered)" if name in waiting else name for name in names]
    word = {"block": blocked, "unblock": unblocked}.get(str(decision["action"]), "")
    if not word:
        return ""
    at = max(int(row.get("time") or 0) for row in changed)
    return json.dumps({"word": word, "at": at, "by": names, "why": list(decision["reasons"])})


def with_end(state: dict[str, Any], now: float) -> dict[str, Any]:
    """The state at the end of a cycle: what ran out and records that mean nothing are dropped."""
    held = {key: hold for key, hold in state["held"].items() if not hold["until"] or hold["until"] > now}
    entities = {key: record for key, record in state["entities"].items() if not is_over(record, now)}
    asides = {key: aside for key, aside in state["asides"].items() if aside["until"] > now}
    return {**state, "held": held, "entities": entities, "asides": asides}


def is_over(record: Mapping[str, Any], now: float) -> bool:
    """Nothing contained, nothing intended, nothing shown on Vectra, and no try within the last day."""
    recent = any(a["at"] > now - FORGET_SECONDS and a["action"] == "block" for a in record["attempts"].values())
    return not (is_engaged(record) or record["intent"] or record["shown"] or record["note"] or recent)


def with_absences(state: dict[str, Any], absent: Iterable[str], present: Iterable[str], now: float) -> dict[str, Any]:
    """Counts how often in a row each contained entity was asked for and not there; plans in one minute count once."""
    gone, back = set(absent), set(present)
    kept = {key: value for key, value in state["absent"].items() if key not in back and key in state["entities"]}
    before = {key: kept.get(key) or {"count": 0, "at": 0} for key in gone if key in state["entities"]}
    more = {
        key: {"count": seen["count"] + 1, "at": int(now)}
        for key, seen in before.items()
        if now - seen["at"] >= ABSENCE_SECONDS
    }
    return {**state, "absent": {**kept, **more}}


def with_lease(state: dict[str, Any], owner: str, now: float) -> dict[str, Any]:
    """The state in which `owner` has the lease for some minutes more; unchanged while another one has it."""
    if is_leased_by_other(state, owner, now):
        return state
    since = state["lease"]["since"] if state["lease"].get("owner") == owner else int(now)
    return {**state, "lease": {"owner": owner, "since": since, "until": int(now + LEASE_SECONDS)}}


def is_leased_by_other(state: Mapping[str, Any], owner: str, now: float) -> bool:
    return bool(state["lease"]) and state["lease"]["owner"] != owner and state["lease"]["until"] > now


def without_lease(state: dict[str, Any], owner: str) -> dict[str, Any]:
    return {**state, "lease": {}} if state["lease"].get("owner") == owner else state


def with_asides(state: dict[str, Any], held: Iterable[HeldBack], now: float) -> dict[str, Any]:
    """The state that remembers why these were held back after their details were read."""
    more = {item.key: {"why": item.why, "until": int(now + ASIDE_SECONDS)} for item in held}
    return {**state, "asides": {**state["asides"], **more}}


def with_release(state: dict[str, Any], keys: Sequence[str], why: str, until: int, now: float) -> dict[str, Any]:
    """The state after a person released these; `until` is an epoch, 0 for as long as nobody lifts it."""
    held = {**state["held"], **{key: {"why": why, "until": until, "at": int(now)} for key in keys}}
    return {**state, "held": held}


def with_import(
    state: dict[str, Any], subjects: Sequence[Entity | Detection], names: Mapping[str, str], brain: str, now: float
) -> dict[str, Any]:
    """The state with everything that VAR's tags say is contained. Elements that are known already stay as they are.

    `names` maps a client name of VAR to the instance that drives the product now. What an earlier import without that
    name kept under the client's own moves to the instance.
    """
    state = {**state, "brain": state["brain"] or brain}
    for subject in subjects:
        found = elements_in_tags(subject.tags)
        if not found:
            continue
        record = state["entities"].get(subject.key) or new_record(subject.key, subject.name, now)
        record = with_moved(record, names)
        elements = {**record["elements"]}
        for client, texts in found.items():
            instance = names.get(client, client)
            fresh = {text: imported_element(now) for text in texts}
            elements[instance] = {**fresh, **(elements.get(instance) or {})}
        shown = sorted(
            {*record["shown"], *(tag for tag in subject.tags if tag.startswith(ELEMENT_TAG)), MARKER[subject.kind]}
        )
        args = subject.args if isinstance(subject, Entity) else {}
        kept = {name: args[name] for name in RELEASE_ARGS[subject.kind] if args.get(name)}
        change = {
            "elements": elements,
            "shown": shown,
            "args": kept,
            "reasons": record["reasons"] or ["imported from VAR's tags"],
        }
        state = with_entity(state, subject.key, {**record, **change, "sources": imported_sources(subject)})
    return state


def with_moved(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The record with what was imported under a client name put under the instance that it stands for now."""
    elements, attempts = dict(record["elements"]), dict(record["attempts"])
    for client, instance in names.items():
        held = elements.get(client) or {}
        moved = {name: element for name, element in held.items() if element["imported"]}
        if instance == client or not moved:
            continue
        elements[instance] = {**moved, **(elements.get(instance) or {})}
        elements[client] = {name: element for name, element in held.items() if name not in moved}
        if not elements[client]:
            elements.pop(client)
            attempts.pop(client, None)
    return {**record, "elements": elements, "attempts": attempts}


def imported_element(now: float) -> dict[str, Any]:
    return {
        "status": "applied",
        "contained": True,
        "since": int(now),
        "at": int(now),
        "brand": "",
        "reason": "imported from VAR's tags",
        "reference": "",
        "imported": True,
    }


def imported_sources(subject: Entity | Detection) -> dict[str, list[str]]:
    found = [subject] if isinstance(subject, Entity) else [s for s in (subject.host, subject.account) if s is not None]
    return {source.key: sorted(source.aliases) for source in found}


# ---- reading and showing: the steps that talk to Vectra


@dataclass(frozen=True)
class Brain:
    """What the steps of a command need. `instance` is the name of this instance."""

    settings: Settings
    client: VectraClient
    state: VersionedState
    now: Callable[[], float]
    instance: str

    def name(self, state: Mapping[str, Any]) -> str:
        """The name under which the drivers know this brain: the one it had first, so that renaming loses nothing."""
        return str(state["brain"] or self.instance)


@dataclass(frozen=True)
class Request:
    """What the caller of a plan adds: flags, the driver instances there are, a static list.

    `tagged` are keys to plan for as if a person had put the block tag on them; such a plan is a dry run.
    """

    dry_run: bool = False
    groom: bool = False
    drivers: tuple[DriverInstance, ...] | None = None
    static: StaticList | None = None
    tagged: tuple[str, ...] = ()


Subject = TypeVar("Subject", Entity, Detection)


class Reader:
    """Collects the facts of one plan. A read that fails is noted and stops nothing else."""

    def __init__(self, brain: Brain, state: Mapping[str, Any], request: Request) -> None:
        self.brain = brain
        self.settings = brain.settings
        self.client = brain.client
        self.state = state
        self.request = request
        self.entities: dict[str, Entity] = {}
        self.detections: dict[str, Detection] = {}
        self.groups: list[Group] = []
        self.unread: dict[str, str] = {}
        self.looked_up: set[str] = set()
        self.absent: set[str] = set()

    def collect(self) -> Facts:
        """All that the rules need, in about a dozen reads."""
        self.attempt("groups", self.read_groups)
        self.attempt("hosts", lambda: self.read_entities("host"))
        self.attempt("accounts", lambda: self.read_entities("account"))
        self.attempt("detections", self.read_detections)
        self.look_for_missing()
        self.look_for_named()
        for key in self.request.tagged:
            self.look_up(key)
        return self.facts()

    def facts(self) -> Facts:
        return Facts(
            entities={key: self.as_asked(key, entity) for key, entity in self.entities.items()},
            detections={key: self.as_asked(key, detection) for key, detection in self.detections.items()},
            groups=tuple(self.groups),
            unread=dict(self.unread),
            looked_up=frozenset(self.looked_up),
            absent=frozenset(self.absent),
            drivers=self.request.drivers,
            static=self.request.static,
            dry_run=self.request.dry_run,
            groom=self.request.groom,
            brain=self.brain.name(self.state),
        )

    def as_asked(self, key: str, subject: Subject) -> Subject:
        """The subject, with the block tag when it is one of those to plan for as if it had it."""
        tag = block_tag_of(self.settings, key)
        if key not in self.request.tagged or not tag or tag in subject.tags:
            return subject
        return replace(subject, tags=(*subject.tags, tag))

    def attempt(self, area: str, read: Callable[[], None]) -> None:
        try:
            read()
        except READ_FAILURES as error:
            self.unread[area] = str(error)
        except (KeyError, TypeError, AttributeError) as error:
            self.unread[area] = f"Vectra answered in an unknown shape ({type(error).__name__}: {error})"

    def read_groups(self) -> None:
        settings = self.settings
        names = [
            settings.rules(kind).no_block_group or settings.rules(kind).block_group for kind in ("host", "account")
        ]
        if not any(names):
            return
        self.groups = [group for group in map(group_from_item, self.client.groups()) if group is not None]
        for group in self.groups:
            wanted = settings.rules(group.kind).block_group
            if group.kind == "host" and wanted and group.name == wanted:
                for number in group.members or ():
                    self.add(Entity("host", number, f"host {number}", partial=True, tags_known=False))

    def read_entities(self, kind: str) -> None:
        rules, path = self.settings.rules(kind), PLURAL[kind]
        tags = [tag for tag in (rules.block_tag, rules.unblock_tag, MARKER[kind]) if tag]
        for item in self.client.listing(path, {"tags": ",".join(tags)}):
            self.add(entity_from_item(kind, item))
        slack = self.settings.safety.hysteresis
        if self.settings.cloud and rules.urgency is not None:
            least = rules.urgency - slack
            order = {"type": kind, "ordering": "-urgency_score"}
            for item in self.client.listing("entities", order, lambda item: number_of(item, "urgency_score") >= least):
                self.add(entity_from_item(kind, item))
        elif rules.score is not None:
            for query in score_queries(rules.score, slack):
                for item in self.scored(kind, query):
                    self.add(entity_from_item(kind, item))

    def scored(self, kind: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Entities by score; all active ones where the cloud API does not take scores as a filter of accounts."""
        try:
            return self.client.listing(PLURAL[kind], query)
        except VectraRequestError:
            if not self.settings.cloud:
                raise
            return self.client.listing(PLURAL[kind], {"state": "active"})

    def read_detections(self) -> None:
        settings = self.settings
        tags = [settings.detection.block_tag, settings.detection.unblock_tag, MARKER["detection"]]
        for query in [{"tags": ",".join(tag for tag in tags if tag)}, *detection_queries(settings)]:
            for item in self.client.listing("detections", {**query, "fields": DETECTION_FIELDS}):
                detection = detection_from_item(item)
                self.detections[detection.key] = detection
        wanted = {name.casefold() for kind in ("host", "account") for name in settings.rules(kind).types}
        for detection in self.detections.values():
            for source in (detection.host, detection.account):
                if source is not None and detection.type.casefold() in wanted:
                    self.add(replace(source, partial=True, tags_known=False))

    def add(self, entity: Entity) -> None:
        """Keep an entity, joined with what is known of it already."""
        known = self.entities.get(entity.key)
        self.entities[entity.key] = entity if known is None else joined(known, entity)

    def look_for_missing(self) -> None:
        """Ask one by one for contained entities that no list returned, as many as the budget of reads allows.

        Who is asked for moves on from cycle to cycle, so that everyone's turn comes.
        """
        missing = sorted(
            key
            for key, record in self.state["entities"].items()
            if record["kind"] in KINDS
            and is_engaged(record)
            and key not in self.entities
            and key not in self.detections
        )
        for key in self.turn(missing, max(1, (READ_BUDGET - self.client.reads + 1) // 2)):
            self.look_up(key)

    def look_for_named(self) -> None:
        """Find the accounts that the block group names and nobody has met yet; groups say no account ids."""
        group = self.settings.account.block_group
        members = {
            uid
            for found in self.groups
            if found.kind == "account" and found.name == group
            for uid in found.members or ()
        }
        met = {alias for entity in self.entities.values() if entity.kind == "account" for alias in entity.aliases}
        kept = [names for record in self.state["entities"].values() for names in record["sources"].values()]
        met |= {alias for names in kept for alias in names}
        if not group:
            return
        for uid in self.turn(sorted(members - met), READ_BUDGET - self.client.reads):
            self.attempt("accounts", partial(self.read_named, uid))

    def read_named(self, uid: str) -> None:
        for item in self.client.listing("accounts", {"uid": uid}):
            entity = account_from_item(item)
            if uid in entity.aliases:
                self.add(entity)

    def turn(self, names: Sequence[str], room: int) -> list[str]:
        first = int(self.brain.now() // 60) % len(names) if len(names) > room else 0
        return [*names[first:], *names[:first]][: max(room, 0)]

    def look_up(self, key: str) -> None:
        """Read everything about one entity. What cannot be read stays as it is and counts as looked up."""
        kind, _, number = key.partition(":")
        try:
            item = self.client.one(kind, number)
        except READ_FAILURES:
            self.looked_up.add(key)
            return
        if item is None:
            self.absent.add(key)
            self.looked_up.add(key)
        elif kind == "detection":
            self.detections[key] = detection_from_item(item)
        else:
            known, entity = self.entities.get(key), replace(entity_from_item(kind, item), partial=False)
            self.entities[key] = entity if known is None else joined(known, entity)


def joined(known: Entity, other: Entity) -> Entity:
    """Two views of one entity as one: the fuller one, with all tags, the higher scores and any key-asset mark."""
    full, rest = (other, known) if known.partial and not other.partial else (known, other)
    return replace(
        full,
        tags=tuple(dict.fromkeys((*full.tags, *rest.tags))),
        tags_known=full.tags_known or rest.tags_known,
        urgency=full.urgency if full.urgency is not None else rest.urgency,
        threat=max(full.threat, rest.threat),
        certainty=max(full.certainty, rest.certainty),
        key_asset=full.key_asset or rest.key_asset,
        aliases=full.aliases | rest.aliases,
        groups=full.groups | rest.groups,
        args={**rest.args, **full.args},
    )


def score_queries(score: Score, slack: int) -> list[dict[str, int]]:
    """One query for `and`, two for `or`, down to where hysteresis ends."""
    threat = {"threat_gte": max(0, score.threat - slack)}
    certainty = {"certainty_gte": max(0, score.certainty - slack)}
    return [{**threat, **certainty}] if score.operator == "and" else [threat, certainty]


def detection_queries(settings: Settings) -> list[dict[str, str]]:
    """One query per detection type while they are few, else all active detections at once."""
    names = sorted({*settings.host.types, *settings.account.types, *settings.detection.types})
    if settings.detection.host_score is None and len(names) <= TYPES_READ_ONE_BY_ONE:
        return [{"detection_type": name, "state": "active"} for name in names]
    return [{"state": "active"}]


def make_plan(brain: Brain, request: Request) -> tuple[Plan, int]:
    """The plan of this moment, and how many reads it cost. Unless it is a dry run, it counts absences and remembers
    for an hour who was held back because of his details, so that they are not read in each cycle.

    Details of what is about to be blocked (addresses, directory names) are read only for the entities that the plan
    really takes, and the plan is then made again with them.
    """
    state = brain.state.load()
    reader = Reader(brain, state, request)
    facts = reader.collect()
    present = [*facts.entities, *facts.detections]
    if not request.dry_run and (facts.absent or set(present) & set(state["absent"])):
        moment = brain.now()
        state = brain.state.update(lambda newest: with_absences(newest, facts.absent, present, moment))
    plan, asked = plan_cycle(facts, state, brain.settings, brain.now()), set[str]()
    for _ in range(DETAIL_ROUNDS):
        if not plan.details:
            break
        for key in plan.details:
            reader.look_up(key)
        asked |= set(plan.details)
        facts = reader.facts()
        plan = plan_cycle(facts, state, brain.settings, brain.now())
    aside = [held for held in plan.held_back if held.key in asked and not held.why.startswith(OVER_LIMIT)]
    if aside and not request.dry_run:
        now = brain.now()
        brain.state.update(lambda newest: with_asides(newest, aside, now))
    unknown = tuple(asked_error(facts, brain.settings, key) for key in request.tagged)
    plan = replace(plan, errors=(*plan.errors, *(text for text in unknown if text)))
    return without_partial(plan), brain.client.reads


def asked_error(facts: Facts, settings: Settings, key: str) -> str:
    """Why nothing can be planned for an entity as if it had the block tag; empty when all is well."""
    if key in facts.absent:
        return f"{key} is not known to Vectra."
    if key not in facts.entities and key not in facts.detections:
        return f"{key} could not be read from Vectra."
    if not block_tag_of(settings, key):
        return f"{key}: no tag asks for a block, since the parameter '{key.partition(':')[0]}_block_tag' is empty."
    return ""


def without_partial(plan: Plan) -> Plan:
    """The plan without decisions whose details are not read yet; they are held back until the next cycle."""
    late = set(plan.details)
    held = [
        HeldBack(str(d["key"]), str(d["name"]), "its details are read in the next cycle")
        for d in plan.decisions
        if d["key"] in late
    ]
    kept = tuple(decision for decision in plan.decisions if decision["key"] not in late)
    return replace(plan, decisions=kept, held_back=(*plan.held_back, *held))


def tags_to_show(record: Mapping[str, Any]) -> list[str]:
    """Our tags on an entity: the marker and one per contained element."""
    found = [element_tag(instance, element) for instance, names in contained_in(record).items() for element in names]
    return [MARKER[record["kind"]], *sorted(found)] if found else []


def note_text(note: str, zone: Any) -> str:
    """The note as VAR writes it, with the time zone, the drivers and the reason added."""
    parts = json.loads(note)
    when = datetime.fromtimestamp(parts["at"], zone).strftime("%d %b %Y at %H:%M:%S %Z")
    return f"VAR: {parts['word']} on {when} by {', '.join(parts['by'])}. Reason: {'; '.join(parts['why'])}"[
        :NOTE_LENGTH
    ]


@dataclass
class Shown:
    """What showing the state on Vectra did: counts, and errors in words."""

    tags: int = 0
    notes: int = 0
    errors: list[str] = field(default_factory=list)


def show_on_vectra(brain: Brain, keys: Iterable[str]) -> Shown:
    """Bring tags and notes of these entities in line with the state. What fails stays due and is tried again."""
    shown = Shown()
    for key in keys:
        record = brain.state.load()["entities"].get(key)
        if record is None or record["kind"] not in KINDS:
            continue
        try:
            show_tags(brain, key, record, shown)
            show_note(brain, key, record, shown)
        except VectraNotFoundError:
            change_record(brain, key, {"shown": [], "note": ""})
        except READ_FAILURES as error:
            shown.errors.append(f"{key}: {error}")
    return shown


def show_tags(brain: Brain, key: str, record: Mapping[str, Any], shown: Shown) -> None:
    kind, number = key.split(":", 1)
    wanted = tags_to_show(record) if brain.settings.write_tags else []
    if sorted(wanted) == sorted(record["shown"]):
        return
    if brain.settings.write_tags:
        try:
            shown.tags += write_tags(brain.client, kind, number, record["shown"], wanted)
        except VectraRequestError as error:
            refused = [tag for tag in wanted if tag in error.invalid_tags]
            if not refused:
                raise
            shown.errors.append(f"{key}: {error}; these tags are left out")
            taken = [tag for tag in wanted if tag not in refused]
            shown.tags += write_tags(brain.client, kind, number, record["shown"], taken)
    change_record(brain, key, {"shown": wanted})


def write_tags(client: VectraClient, kind: str, number: str, before: Sequence[str], now: Sequence[str]) -> int:
    """Replace our tags among those that are there at this moment. Gives 1 when something had to be written."""
    present = client.tags(kind, number)
    target = merged_tags(present, before, now)
    if target == present:
        return 0
    client.set_tags(kind, number, target)
    return 1


def show_note(brain: Brain, key: str, record: Mapping[str, Any], shown: Shown) -> None:
    if not record["note"]:
        return
    kind, number = key.split(":", 1)
    if brain.settings.write_notes:
        text = note_text(record["note"], brain.settings.window.zone)
        # An earlier run may have written it and died before it could remember that.
        if text not in {html.unescape(str(note.get("note"))) for note in brain.client.notes(kind, number)}:
            brain.client.add_note(kind, number, text)
            shown.notes += 1
    change_record(brain, key, {"note": ""})


def change_record(brain: Brain, key: str, change: Mapping[str, Any]) -> None:
    def changed(state: dict[str, Any]) -> dict[str, Any]:
        record = state["entities"].get(key)
        return state if record is None else with_entity(state, key, {**record, **change})

    brain.state.update(changed)


def due_on_vectra(state: Mapping[str, Any]) -> list[str]:
    """Entities whose tags or notes on Vectra are behind the state."""
    return sorted(
        key
        for key, record in state["entities"].items()
        if record["kind"] in KINDS and (record["note"] or sorted(tags_to_show(record)) != sorted(record["shown"]))
    )


# ---- commands


def request_from_args(args: Mapping[str, Any]) -> Request:
    """Raises ValueError naming the argument that cannot be used."""
    text, error = args.get("destinations"), str(args.get("destinations_error") or "")
    static = None
    if text is not None or error:
        joined_text = "\n".join(map(str, text)) if isinstance(text, list) else str(text or "")
        static = StaticList(str(args.get("list") or "static"), joined_text, error)
    tagged = tuple(key_arg(args, "tagged", KINDS))
    return Request(
        tagged=tagged,
        dry_run=bool(tagged) or argToBoolean(args.get("dry_run") or False),
        groom=argToBoolean(args.get("groom") or False),
        drivers=drivers_from_arg(args.get("drivers")),
        static=static,
    )


def key_arg(args: Mapping[str, Any], name: str, kinds: Sequence[str]) -> list[str]:
    """Keys of entities such as host:41. Raises ValueError naming those that are none."""
    keys = [str(key).strip() for key in argToList(args.get(name)) if str(key).strip()]
    wrong = [key for key in keys if key.partition(":")[0] not in kinds or not key.partition(":")[2]]
    if wrong:
        raise ValueError(f"Argument '{name}': {', '.join(wrong)!r} is no key such as host:41 ({', '.join(kinds)}).")
    return keys


def json_arg(args: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects given as JSON text or as a list. Raises ValueError naming the argument."""
    raw = args.get(name)
    try:
        value = json.loads(raw) if isinstance(raw, str) and raw.strip() else raw or []
    except ValueError as error:
        raise ValueError(f"Argument '{name}' is no JSON: {error}.") from None
    value = [value] if isinstance(value, dict) else value
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"Argument '{name}' is no JSON list of objects.")
    return value


def drivers_from_arg(raw: Any) -> tuple[DriverInstance, ...] | None:
    if raw in (None, ""):
        return None
    try:
        return tuple(
            DriverInstance(str(item["instance"]), str(item["brand"]), frozenset(map(str, item["commands"])))
            for item in json_arg({"drivers": raw}, "drivers")
        )
    except KeyError as error:
        raise ValueError(
            f"Argument 'drivers': an entry has no {error}; it needs instance, brand and commands."
        ) from None


def test_module_command(brain: Brain) -> str:
    """Check address, login, permissions and the no-block groups by reading only. Gives `ok`, or what is wrong."""
    settings, client = brain.settings, brain.client
    client.page("hosts", {"page_size": 1, "page": 1})
    client.page("accounts", {"page_size": 1, "page": 1})
    client.page("detections", {"page_size": 1, "page": 1})
    if settings.cloud:
        client.page("entities", {"type": "host", "page_size": 1, "page": 1})
    groups = tuple(group for group in map(group_from_item, client.groups()) if group is not None)
    ctx = new_context(Facts(groups=groups), new_state(), settings, brain.now())
    return "\n".join(plan_errors(ctx)) or "ok"


def plan_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-plan`: what to do now, with reasons. Changes nothing."""
    plan, reads = make_plan(brain, request_from_args(args))
    if not plan.decisions and sum(error.startswith("The ") for error in plan.errors) == 4:
        raise DemistoException("Nothing could be read from Vectra. " + " ".join(sorted(set(plan.errors))))
    outputs = {
        "brain": brain.name(brain.state.load()),
        "at": int(brain.now()),
        "mode": plan.mode,
        "reads": reads,
        "decisions": list(plan.decisions),
        "held_back": [held._asdict() for held in plan.held_back],
        "warnings": list(plan.warnings),
        "errors": list(plan.errors),
        "tags": tags_of(brain.settings),
    }
    return CommandResults(
        outputs_prefix="VectraResponse.Plan",
        outputs_key_field="brain",
        outputs=outputs,
        readable_output=plan_text(plan, outputs),
    )


def plan_text(plan: Plan, outputs: Mapping[str, Any]) -> str:
    """The plan for people: every entity by name."""
    rows = [
        {
            "Action": decision["action"],
            "What": decision["key"],
            "Name": decision["name"],
            "Why": "; ".join(decision["reasons"]),
        }
        for decision in plan.decisions
    ]
    words = {
        "act": "",
        "dry_run": " (dry run: nothing is to be done)",
        "stopped": " (emergency stop: releases only)",
        "outside_window": " (outside the block window: releases only)",
    }
    title = f"{outputs['brain']}: {len(rows)} decisions{words[plan.mode]}, {outputs['reads']} reads"
    parts = [tableToMarkdown(title, rows, headers=["Action", "What", "Name", "Why"])]
    if plan.held_back:
        held = [{"What": held.key, "Name": held.name, "Why not": held.why} for held in plan.held_back]
        parts.append(
            tableToMarkdown("Not blocked, though the rules ask for it", held, headers=["What", "Name", "Why not"])
        )
    for name, lines in (("Errors", plan.errors), ("Warnings", plan.warnings)):
        if lines:
            parts.append(f"#### {name}\n" + "\n".join(f"- {line}" for line in lines))
    return "\n".join(parts)


def record_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-cycle-record`: keep intents before and outcomes after the drivers; then show them on Vectra.

    Safe to repeat with the same arguments. Raises DemistoException when the emergency stop is on and blocks are still
    to be done; what was to be recorded is then on record.
    """
    stage, owner = str(args.get("stage") or ""), str(args.get("owner") or "")
    steps = {"start": record_start, "intent": record_intent, "outcome": record_outcome, "end": record_outcome}
    if stage not in steps:
        raise ValueError(f"Argument 'stage': {stage!r} is not one of {', '.join(steps)}.")
    return steps[stage](brain, args, stage, owner)


def record_start(brain: Brain, args: Mapping[str, Any], stage: str, owner: str) -> CommandResults:
    """Give the lease of this brain to a cycle, unless another one has it."""
    now = brain.now()
    if not owner:
        raise ValueError(f"Argument 'owner' is empty (given: {', '.join(sorted(args))}); it names the cycle.")
    state = brain.state.update(lambda newest: with_lease(newest, owner, now))
    busy = is_leased_by_other(state, owner, now)
    outputs = {"brain": brain.name(state), "stage": stage, "busy": busy, "until": int(state["lease"]["until"])}
    said = "another cycle is running" if busy else "the cycle may start"
    return CommandResults(
        outputs_prefix="VectraResponse.Cycle",
        outputs_key_field="brain",
        outputs=outputs,
        readable_output=f"{brain.instance}: {said}.",
    )


def is_stopped(brain: Brain, state: Mapping[str, Any]) -> bool:
    return brain.settings.safety.emergency_stop or bool(state["stopped"])


STOPPED_TEXT = (
    "The emergency stop is on: blocks that are not done yet are not to be done. Releases come with the next plan."
)


def record_intent(brain: Brain, args: Mapping[str, Any], stage: str, owner: str) -> CommandResults:
    """Keep what is about to be done. Nothing is kept when the emergency stop came after the plan."""
    decisions, state, now = decisions_arg(args), brain.state.load(), brain.now()
    if is_stopped(brain, state) and any(decision["action"] != "unblock" for decision in decisions):
        raise DemistoException(STOPPED_TEXT)
    if owner and is_leased_by_other(state, owner, now):
        raise DemistoException("Another cycle has taken over this brain, because this one was silent for too long.")
    name = brain.name(state)

    def change(newest: dict[str, Any]) -> dict[str, Any]:
        newest = with_lease(newest, owner, now) if owner else newest
        return with_intents(newest, decisions, name, now)

    brain.state.update(change)
    return record_results(brain, stage, {"intents": len(decisions)}, Shown())


def record_outcome(brain: Brain, args: Mapping[str, Any], stage: str, owner: str) -> CommandResults:
    """Keep what was done and show it on Vectra; the end of a cycle catches up and gives the lease back."""
    decisions, rows, now = decisions_arg(args), json_arg(args, "outcomes"), brain.now()
    name, ends = brain.name(brain.state.load()), stage == "end"
    own = [row for row in rows if row.get("brain") in (name, brain.instance) and is_outcome(row)]

    def change(newest: dict[str, Any]) -> dict[str, Any]:
        newest = with_lease(newest, owner, now) if owner and not ends else newest
        return with_outcomes(newest, decisions, own, name, now)

    state = brain.state.update(change)
    keys = {str(row["entity"]) for row in own} | {str(decision["key"]) for decision in decisions}
    shown = show_on_vectra(brain, [key for key in due_on_vectra(state) if ends or key in keys])
    if ends:
        brain.state.update(lambda newest: without_lease(with_end(newest, now), owner))
    elif decisions and is_stopped(brain, state) and has_blocks_to_do(state, decisions, owner):
        raise DemistoException(STOPPED_TEXT)
    return record_results(brain, stage, {"outcomes": len(own), "ignored": len(rows) - len(own)}, shown)


def has_blocks_to_do(state: Mapping[str, Any], decisions: Sequence[Mapping[str, Any]], owner: str) -> bool:
    """Is this cycle going to block more? What an earlier cycle left open is not its work."""
    lease = state["lease"]
    mine = bool(owner) and lease.get("owner") == owner
    if not mine and all(decision["action"] == "unblock" for decision in decisions):
        return False
    intents = [record["intent"] for record in state["entities"].values() if record["intent"]]
    return any(i["action"] == "block" and i["at"] >= (lease["since"] if mine else 0) for i in intents)


def is_outcome(row: Mapping[str, Any]) -> bool:
    return ":" in str(row.get("entity")) and all(row.get(name) for name in ("action", "instance", "status"))


def decisions_arg(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    decisions = json_arg(args, "decisions")
    for decision in decisions:
        missing = sorted({"id", "action", "key", "name", "reasons", "args", "rules", "sources"} - set(decision))
        if missing or decision["action"] not in ("block", "unblock", "groom") or ":" not in str(decision["key"]):
            raise ValueError(
                f"Argument 'decisions': {str(decision.get('id'))!r} is no decision of vectra-response-plan"
                + (f"; it lacks {', '.join(missing)}." if missing else ".")
            )
    return decisions


def record_results(brain: Brain, stage: str, counted: Mapping[str, int], shown: Shown) -> CommandResults:
    outputs = {
        "brain": brain.name(brain.state.load()),
        "stage": stage,
        "intents": 0,
        "outcomes": 0,
        "ignored": 0,
        **counted,
        "tags_written": shown.tags,
        "notes_written": shown.notes,
        "errors": shown.errors,
    }
    row = {**outputs, "errors": len(shown.errors)}
    text = tableToMarkdown(f"{brain.instance}: recorded", [row], headers=list(outputs))
    text += "".join(f"\n- {error}" for error in shown.errors)
    return CommandResults(outputs_prefix="VectraResponse.Record", outputs=outputs, readable_output=text)


def status_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-status`: who is contained, since when, why, by which instance and element; what is open."""
    state, only = brain.state.load(), {str(key) for key in argToList(args.get("keys"))}
    rows = [
        row
        for key, record in sorted(state["entities"].items())
        if not only or key in only
        for row in status_rows(key, record)
    ]
    zone = brain.settings.window.zone
    outputs = {
        "brain": brain.name(state),
        "stopped": is_stopped(brain, state),
        "window_open": brain.settings.window.open_at(brain.now()),
        "contained": len({row["key"] for row in rows if row["contained"]}),
        "pending": sum(row["status"] in ("pending", "releasing", "intended") for row in rows),
        "failed": sum(row["status"] == "failed" for row in rows),
        "elements": rows,
        "held": [{"key": key, **hold} for key, hold in sorted(state["held"].items())],
    }
    shown = [
        {**row, "since": local_text(row["since"], zone), "next_try": local_text(row["next_try"], zone)} for row in rows
    ]
    counted = ", ".join(f"{outputs[name]} {name}" for name in ("contained", "pending", "failed"))
    title = f"{outputs['brain']}: {counted}"
    title += ", EMERGENCY STOP" if outputs["stopped"] else ""
    headers = ["key", "name", "status", "since", "instance", "element", "why", "reason", "reference", "next_try"]
    text = tableToMarkdown(title, shown, headers=headers)
    if outputs["held"]:
        text += tableToMarkdown("Released by command", outputs["held"], headers=["key", "why", "until"])
    return CommandResults(
        outputs_prefix="VectraResponse.Status", outputs_key_field="brain", outputs=outputs, readable_output=text
    )


def history_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-history`: what was contained within a period and for how long, latest begun first."""
    now, state = brain.now(), brain.state.load()
    start = since_arg(args, now)
    size, page = page_args(args)
    found = [row for row in history_rows(state, now) if (row["until"] or now) > start]
    found.sort(key=lambda row: (-row["since"], row["key"], row["instance"], row["element"]))
    rows = found[(page - 1) * size : page * size]
    zone = brain.settings.window.zone
    shown = [{**row, **{name: local_text(row[name], zone) for name in ("since", "until")}} for row in rows]
    entities = len({row["key"] for row in found})
    title = f"{brain.name(state)}: {entities} contained since {local_text(int(start), zone)}"
    headers = ["key", "name", "since", "until", "hours", "instance", "element", "why"]
    outputs = [{"brain": brain.name(state), **row} for row in rows]
    return CommandResults(
        outputs_prefix="VectraResponse.History",
        outputs_key_field=["brain", "key", "instance", "element", "since"],
        outputs=outputs,
        readable_output=tableToMarkdown(title, shown, headers=headers),
    )


def history_rows(state: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """A row for each containment that is over, with its end, and for each that lasts, with `until` 0."""
    over = [dict(item) for item in state.get("history") or []]
    lasting = [
        {**{name: row[name] for name in HISTORY_FIELDS}, "until": 0}
        for key, record in state["entities"].items()
        for row in status_rows(key, record)
        if row["contained"]
    ]
    return [{**row, "hours": round(((row["until"] or now) - row["since"]) / 3600, 1)} for row in (*over, *lasting)]


def since_arg(args: Mapping[str, Any], now: float) -> float:
    """The argument `since`, a time or a period such as `7 days`, as epoch seconds."""
    text = str(args.get("since") or "7 days").strip()
    base = datetime.fromtimestamp(now, timezone.utc).replace(tzinfo=None)
    kept = {"TIMEZONE": "UTC", "RETURN_AS_TIMEZONE_AWARE": True, "PREFER_DATES_FROM": "past", "RELATIVE_BASE": base}
    # Loading it takes as long as all the rest of a command, and no other command needs it.
    import dateparser

    moment = dateparser.parse(text, settings=kept)
    if moment is None:
        raise ValueError(f"Argument 'since': {text!r} is neither a time nor a period such as '7 days'.")
    return min(moment.timestamp(), now)


def local_text(at: int, zone: Any) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M %Z") if at else ""


def status_rows(key: str, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row per element, and one for each driver that was tried and has none."""
    base = {"key": key, "name": record["name"], "why": "; ".join(record["reasons"])}
    rows = []
    for instance, elements in sorted(record["elements"].items()):
        attempt = record["attempts"].get(instance) or {}
        for name, element in sorted(elements.items()):
            failed = attempt.get("failures") and element["contained"]
            rows.append(
                {
                    **base,
                    "instance": instance,
                    "brand": element["brand"],
                    "element": name,
                    "status": "failed" if failed else element["status"],
                    "contained": element["contained"],
                    "since": element["since"],
                    "reason": attempt.get("last_reason") or element["reason"],
                    "reference": element["reference"],
                    "next_try": attempt.get("next_try") or 0,
                }
            )
    for instance, attempt in sorted(record["attempts"].items()):
        if instance not in record["elements"]:
            rows.append({**base, **attempt_row(instance, attempt)})
    intent = record["intent"]
    if intent and not rows:
        rows.append({**base, **attempt_row("", {"at": intent["at"]}), "status": "intended"})
    return rows


def attempt_row(instance: str, attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "instance": instance,
        "brand": attempt.get("brand") or "",
        "element": "",
        "status": "failed",
        "contained": False,
        "since": attempt["at"],
        "reason": attempt.get("last_reason") or "",
        "reference": "",
        "next_try": attempt.get("next_try") or 0,
    }


def import_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-import`: take over what VAR's tags say is contained."""
    names = dict_arg(args, "clients")
    found: list[Entity | Detection] = []
    for kind in KINDS:
        for item in brain.client.listing(PLURAL[kind], {"tags": MARKER[kind]}):
            subject = detection_from_item(item) if kind == "detection" else entity_from_item(kind, item)
            if MARKER[kind] in subject.tags:
                found.append(subject)
    name, now = brain.name(brain.state.load()), brain.now()
    dry_run = argToBoolean(args.get("dry_run") or False)
    if not dry_run:
        brain.state.update(lambda newest: with_import(newest, found, names, name, now))
    rows = [
        {
            "key": subject.key,
            "name": subject.name,
            "client": client,
            "instance": names.get(client, client),
            "element": element,
        }
        for subject in found
        for client, elements in elements_in_tags(subject.tags).items()
        for element in elements
    ]
    empty = sorted(subject.key for subject in found if not elements_in_tags(subject.tags))
    text = tableToMarkdown(
        f"{len(rows)} elements {'would be' if dry_run else 'are'} taken over",
        rows,
        headers=["key", "name", "client", "instance", "element"],
    )
    text += f"\nMarked as blocked, but without an element: {', '.join(empty)}" if empty else ""
    return CommandResults(
        outputs_prefix="VectraResponse.Imported",
        outputs_key_field=["key", "instance", "element"],
        outputs=rows,
        readable_output=text,
    )


def dict_arg(args: Mapping[str, Any], name: str) -> dict[str, str]:
    raw = args.get(name) or {}
    try:
        value = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(f'Argument \'{name}\' is no JSON object such as {{"PAN Client": "panos_1"}}.')
    return {str(key): str(entry) for key, entry in value.items()}


def release_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-release`: let entities go at the next cycle and keep them free, or lift such a release."""
    everything, lift = argToBoolean(args.get("all") or False), argToBoolean(args.get("lift") or False)
    keys = key_arg(args, "keys", (*KINDS, "destinations"))
    if everything == bool(keys):
        raise ValueError("Give either the argument 'keys' or 'all=true'.")
    hours = arg_to_number(args.get("hours"))
    hours = 24 if hours is None else hours
    if hours < 0:
        raise ValueError(f"Argument 'hours': {hours} is less than 0.")
    now, why = brain.now(), str(args.get("reason") or "no reason given")
    until = int(now + 3600 * hours) if hours else 0

    def change(state: dict[str, Any]) -> dict[str, Any]:
        chosen = sorted(state["held"] if lift else state["entities"]) if everything else keys
        if lift:
            return {**state, "held": {key: hold for key, hold in state["held"].items() if key not in chosen}}
        return {**with_release(state, chosen, why, until, now), "stopped": state["stopped"] or everything}

    before = brain.state.load()
    state = brain.state.update(change)
    touched = sorted(
        set(state["held"]) ^ set(before["held"]) if lift else set(state["held"]) & set(keys or state["entities"])
    )
    rows = [{"key": key, "released": not lift, "until": 0 if lift else until} for key in touched]
    text = tableToMarkdown(
        "No longer kept free by command" if lift else "Released at the next cycle, and kept free",
        rows,
        headers=["key", "until"],
    )
    if everything and not lift:
        text += "\nThe emergency stop is on now; `!vectra-response-stop active=false` ends it."
    return CommandResults(
        outputs_prefix="VectraResponse.Release", outputs_key_field="key", outputs=rows, readable_output=text
    )


def stop_command(brain: Brain, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-response-stop`: the emergency stop of this brain, on or off. Releases go on while it is on."""
    active = argToBoolean(args.get("active") or False)
    brain.state.update(lambda state: {**state, "stopped": active})
    forced = brain.settings.safety.emergency_stop
    text = "on: nothing new is blocked, releases go on" if active or forced else "off"
    text += " (by the parameter 'emergency_stop')" if forced and not active else ""
    outputs = {"brain": brain.name(brain.state.load()), "stopped": active or forced}
    return CommandResults(
        outputs_prefix="VectraResponse.Stop",
        outputs_key_field="brain",
        outputs=outputs,
        readable_output=f"The emergency stop of {brain.instance} is {text}.",
    )


LIST_FILTERS = {
    "hosts": {
        "tags": "tags",
        "state": "state",
        "threat_gte": "threat_gte",
        "certainty_gte": "certainty_gte",
        "ip": "last_source",
        "mac": "mac_address",
    },
    "accounts": {
        "tags": "tags",
        "state": "state",
        "threat_gte": "threat_gte",
        "certainty_gte": "certainty_gte",
        "uid": "uid",
    },
    "detections": {"tags": "tags", "state": "state", "detection_type": "detection_type", "host_id": "host_id"},
    "groups": {"type": "type", "name": "name"},
}


def list_command(brain: Brain, path: str, args: Mapping[str, Any]) -> CommandResults:
    """The `-list` commands: one object by id, or one page of those that the filters let through."""
    number = str(args.get("id") or "")
    if number:
        item = brain.client.one(path[:-1], number)
        items = [item] if item is not None else []
    else:
        query = {name: args[arg] for arg, name in LIST_FILTERS[path].items() if args.get(arg) not in (None, "")}
        size, page = page_args(args)
        items, _ = brain.client.page(path, {**query, "page_size": size, "page": page})
    rows = [list_row(path, item) for item in items]
    title = f"{path.capitalize()} of {brain.instance}"
    return CommandResults(
        outputs_prefix=f"VectraResponse.{path[:-1].capitalize()}",
        outputs_key_field="id",
        outputs=rows,
        raw_response=items,
        readable_output=tableToMarkdown(title, rows, headers=list(rows[0]) if rows else [], removeNull=True),
    )


def page_args(args: Mapping[str, Any]) -> tuple[int, int]:
    size = arg_to_number(args.get("page_size")) or arg_to_number(args.get("limit")) or 50
    page = arg_to_number(args.get("page")) or 1
    for name, number, high in (("limit", size, PAGE_SIZE), ("page", page, 1_000_000)):
        if not 1 <= number <= high:
            raise ValueError(f"Argument '{name}': {number} is not between 1 and {high}.")
    return size, page


def list_row(path: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """What the war room gets of an object, under the same names for every API version."""
    if path == "groups":
        members = [member_text(str(item.get("type")), member) for member in item.get("members") or []]
        return {"id": item.get("id"), "name": item.get("name"), "type": item.get("type"), "members": members}
    if path == "detections":
        detection = detection_from_item(item)
        return {
            "id": item.get("id"),
            "type": detection.type,
            "category": detection.category,
            "state": detection.state,
            "triaged": detection.triaged,
            "src_ip": detection.src_ip,
            "src_host": detection.host.key if detection.host else "",
            "src_account": detection.account.key if detection.account else "",
            "threat": number_of(item, "threat", "t_score"),
            "certainty": number_of(item, "certainty", "c_score"),
            "dst_ips": list(detection.ips),
            "dst_domains": list(detection.domains),
            "tags": list(detection.tags),
        }
    entity = entity_from_item(path[:-1], item)
    return {
        "id": item.get("id"),
        "name": entity.name,
        "ip": entity.args.get("ip") or "",
        "threat": entity.threat,
        "certainty": entity.certainty,
        "urgency": entity.urgency,
        "key_asset": entity.key_asset,
        "state": item.get("state"),
        "last_seen": item.get("last_seen"),
        "tags": list(entity.tags),
    }


def place_args(args: Mapping[str, Any]) -> tuple[str, str]:
    kind, number = str(args.get("type") or ""), str(args.get("id") or "")
    if kind not in KINDS:
        raise ValueError(f"Argument 'type': {kind!r} is not one of {', '.join(KINDS)}.")
    if not number.isdigit():
        raise ValueError(f"Argument 'id': {number!r} is not a number.")
    return kind, number


def tag_command(brain: Brain, action: str, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-tag-list`, `-add`, `-remove`: tags of one object; all others stay."""
    kind, number = place_args(args)
    present = brain.client.tags(kind, number)
    given = [str(tag).strip() for tag in argToList(args.get("tags")) if str(tag).strip()]
    if action != "list" and not given:
        raise ValueError("Argument 'tags' is empty.")
    target = [*present, *(tag for tag in dict.fromkeys(given) if tag not in present)] if action == "add" else present
    target = [tag for tag in target if tag not in given] if action == "remove" else target
    if target != present:
        brain.client.set_tags(kind, number, target)
    outputs = {"type": kind, "id": number, "tags": target}
    return CommandResults(
        outputs_prefix="VectraResponse.Tags",
        outputs_key_field=["type", "id"],
        outputs=outputs,
        readable_output=f"Tags of {kind} {number}: {', '.join(target) or 'none'}",
    )


def note_command(brain: Brain, action: str, args: Mapping[str, Any]) -> CommandResults:
    """`vectra-note-list`, `-add`, `-update`, `-remove`: notes of one object."""
    kind, number = place_args(args)
    note, text = str(args.get("note_id") or ""), str(args.get("note") or "")
    if action in ("update", "remove") and not note.isdigit():
        raise ValueError(f"Argument 'note_id': {note!r} is not a number.")
    if action in ("add", "update") and not text.strip():
        raise ValueError("Argument 'note' is empty.")
    if action == "add":
        brain.client.add_note(kind, number, text)
    elif action == "update":
        brain.client.change_note(kind, number, note, text)
    elif action == "remove":
        brain.client.remove_note(kind, number, note)
    notes = [{**item, "note": html.unescape(str(item.get("note") or ""))} for item in brain.client.notes(kind, number)]
    outputs = {"type": kind, "id": number, "notes": notes}
    return CommandResults(
        outputs_prefix="VectraResponse.Notes",
        outputs_key_field=["type", "id"],
        outputs=outputs,
        readable_output=tableToMarkdown(
            f"Notes of {kind} {number}", notes, headers=["id", "note", "created_by", "date_created"]
        ),
    )


def fetch_incidents(brain: Brain, last_run: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """An incident for each decision that was not in the plan of the last fetch; nothing is carried out.

    A decision that goes away and comes back is new. While Vectra cannot be read in full, nothing is forgotten.
    """
    plan, _ = make_plan(brain, Request(dry_run=True))
    if plan.errors and not plan.decisions:
        raise DemistoException(" ".join(plan.errors))
    seen = set(last_run.get("seen") or [])
    current = {f"{decision['action']} {decision['key']}": decision for decision in plan.decisions}
    fresh = [name for name in current if name not in seen][: brain.settings.max_fetch]
    incidents = [incident_from(current[name], brain) for name in fresh]
    kept = seen if plan.errors else seen & set(current)
    return incidents, {"seen": sorted(kept | set(fresh))}


def incident_from(decision: Mapping[str, Any], brain: Brain) -> dict[str, Any]:
    occurred = datetime.fromtimestamp(brain.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "name": f"Vectra asks to {decision['action']} {decision['type']} {decision['name']}",
        "occurred": occurred,
        "details": "; ".join(decision["reasons"]),
        "severity": 3 if decision["action"] == "block" else 1,
        "rawJSON": json.dumps(decision),
    }


# ---- main


def run_command(command: str, brain: Brain, args: Mapping[str, Any]) -> Any:
    """Carry out one command and give back its result for the war room."""
    table: dict[str, Callable[[], Any]] = {
        "test-module": lambda: test_module_command(brain),
        "vectra-response-plan": lambda: plan_command(brain, args),
        "vectra-response-cycle-record": lambda: record_command(brain, args),
        "vectra-response-status": lambda: status_command(brain, args),
        "vectra-response-history": lambda: history_command(brain, args),
        "vectra-response-import": lambda: import_command(brain, args),
        "vectra-response-release": lambda: release_command(brain, args),
        "vectra-response-stop": lambda: stop_command(brain, args),
        "vectra-host-list": lambda: list_command(brain, "hosts", args),
        "vectra-account-list": lambda: list_command(brain, "accounts", args),
        "vectra-detection-list": lambda: list_command(brain, "detections", args),
        "vectra-group-list": lambda: list_command(brain, "groups", args),
        "vectra-tag-list": lambda: tag_command(brain, "list", args),
        "vectra-tag-add": lambda: tag_command(brain, "add", args),
        "vectra-tag-remove": lambda: tag_command(brain, "remove", args),
        "vectra-note-list": lambda: note_command(brain, "list", args),
        "vectra-note-add": lambda: note_command(brain, "add", args),
        "vectra-note-update": lambda: note_command(brain, "update", args),
        "vectra-note-remove": lambda: note_command(brain, "remove", args),
    }
    if command not in table:
        raise NotImplementedError(f"Command {command!r} is not one of this integration.")
    return table[command]()


RUN_SECONDS = 150


def new_brain(
    settings: Settings, port: ContextPort, timing: HttpTiming, instance: str, keep_token: bool = True
) -> Brain:
    """Put a run together: state in the context, tokens sealed beside it, a client that stops in time."""
    state = VersionedState(
        port, STATE_VERSION, new_state, lambda attempt: timing.sleep(timing.jitter() * 0.05 * attempt)
    )
    shelf = context_shelf(port, state) if keep_token else TokenShelf(lambda: "", lambda sealed: None)
    retry = HttpRetry(settings.rate, timing=timing, deadline=timing.monotonic() + RUN_SECONDS)
    return Brain(settings, VectraClient(settings, shelf, retry), state, timing.now, instance)


def context_shelf(port: ContextPort, state: VersionedState) -> TokenShelf:
    """Keeps the token in the context, beside the state."""

    def store(sealed: str) -> None:
        # A token that is not kept is asked for again; no reason to fail.
        with suppress(StateConflictError):
            state.update(lambda newest: newest, **{TOKEN_KEY: sealed})

    return TokenShelf(lambda: str((port.read().get("context") or {}).get(TOKEN_KEY) or ""), store)


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing else touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        settings = settings_from_params(demisto.params())
        port = ContextPort(
            read=lambda: demisto.getIntegrationContextVersioned(refresh=True),
            write=lambda context, version: demisto.setIntegrationContextVersioned(context, version, sync=True),
        )
        # What the test button stores is thrown away by the server, which looks like a conflict.
        kept = command != "test-module"
        brain = new_brain(settings, port, HttpTiming(), demisto.integrationInstance(), keep_token=kept)
        if command == "fetch-incidents":
            incidents, last_run = fetch_incidents(brain, demisto.getLastRun())
            demisto.setLastRun(last_run)
            demisto.incidents(incidents)
            return
        return_results(run_command(command, brain, demisto.args()))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
