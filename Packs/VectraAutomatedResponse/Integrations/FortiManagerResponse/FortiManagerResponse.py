"""FortiManager as a driver of the Vectra response.

Hosts become members of one address group, destinations of another; deny rules of a policy package use these groups. A
member is saved in the database of an ADOM at once (`block`, `unblock`), and reaches the FortiGates when the package is
installed (`publish`), once per reconcile. In this order: settings, elements, replies, client, driver, `main`.

Nothing is remembered here. Whether an element is only saved or in force is read from the status that FortiManager keeps
of the package on each device: a saved change makes it `modified`, an installation makes it `installed`.

Writing needs the lock of the ADOM where FortiManager works with locks. What is not committed before the lock is given
up is lost, so an order that fails half way leaves nothing behind. The lock is never taken away from anybody.
"""

import hashlib
import ipaddress
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import demistomock as demisto
from AddressesApiModule import *
from CommonServerPython import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "FortiManagerResponse"
PRODUCT = "FortiManager"
# The server ends a command after five minutes.
COMMAND_SECONDS = 270
POLL_SECONDS = 3.0
LOCK_PAUSE_SECONDS = 2.0
LATEST_TASKS = 50
LINES_SHOWN = 5
NAME_LENGTH = 79
COMMENT_LENGTH = 255
COMMENT_MARK = "Vectra response:"

INTERNAL, EXTERNAL = "internal", "external"
EXISTS = frozenset({-2, -20035})
MISSING = frozenset({-3, -20014})
NO_PERMISSION = -11
LOCKED = frozenset({-20055, -20036, -20018})
IN_USE = frozenset({-10015, -20013})
HINTS = {
    -6: "the policy package or the ADOM is not there",
    -11: "the administrator lacks the right, or the right to this ADOM, or the session has ended",
    -14: "the ADOM is in workflow mode, which this driver does not support",
    -22: "the login was refused; check user and password, or whether the administrator has too many sessions",
    -10131: "an object that this needs is not there",
    -10147: "the administrator may only read, or the lock of the ADOM is not held (any more)",
    -20028: "FortiManager has no room for more objects or members",
}
IN_STEP = frozenset({"installed", "imported"})
UNFINISHED = frozenset({"pending", "running", "0", "1"})
FAILED_STATES = frozenset({"error", "aborted", "cancelled", "5"})
MODES = {"0": "disabled", "1": "normal", "2": "workflow", "3": "per-adom"}

# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. Times in seconds.

    `groups` has the names of the address groups by side and IP version; an empty one is not used. `scope` are (device,
    VDOM) pairs to install on, empty for all targets of the package. `placeholder` keeps a group from becoming empty.
    """

    http: HttpSettings
    user: str
    password: str
    api_key: str
    adom: str
    package: str
    groups: Mapping[tuple[str, int], str]
    prefix: str
    placeholder: str
    domains: bool
    install: bool
    scope: tuple[tuple[str, str], ...]
    workspace: str
    lock_wait: float
    task_timeout: float


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once. Raises ValueError naming the parameter and what to do; never shows a secret."""
    user, password, api_key = credentials_from_params(params)
    return Settings(
        http=http_params(params, rate=10, longest_timeout=60),
        user=user,
        password=password,
        api_key=api_key,
        adom=plain_name(params, "adom", "ADOM", "root"),
        package=needed_param(params, "policy_package", "Policy package").strip("/"),
        groups={
            (INTERNAL, 4): plain_name(params, "internal_group", "Address group for hosts", "Vectra-Internal-Block"),
            (EXTERNAL, 4): text_param(params, "external_group", "Vectra-External-Block"),
            (INTERNAL, 6): text_param(params, "internal_group6"),
            (EXTERNAL, 6): text_param(params, "external_group6"),
        },
        prefix=plain_name(params, "object_prefix", "Prefix of object names", "vectra_"),
        placeholder=text_param(params, "placeholder", "none"),
        domains=flag_param(params, "block_domains"),
        install=flag_param(params, "install_policy", True),
        scope=tuple(scope_item(text) for text in lines_param(params, "install_scope")),
        workspace=choice_param(params, "use_workspace", "Use workspace locks", ("auto", "always", "never")),
        lock_wait=number_param(params, "lock_wait", "Wait for the lock (seconds)", 30, 0, 60),
        task_timeout=number_param(params, "task_timeout", "Wait for an installation (seconds)", 180, 0, 180),
    )


def credentials_from_params(params: Mapping[str, Any]) -> tuple[str, str, str]:
    """User, password and API key; the key alone counts when both are given."""
    api_key = secret_param(params, "api_key", "API key", required=False)
    user = password_param(params, "credentials", "User name", "identifier", required=False)
    password = password_param(params, "credentials", "Password", required=False)
    if not api_key and not (user and password):
        raise ValueError("Give either 'api_key' (API key) or both parts of 'credentials' (User name and password).")
    return user, password, api_key


def plain_name(params: Mapping[str, Any], name: str, title: str, default: str) -> str:
    """A name that is needed and stands in URLs."""
    text = needed_param(params, name, title, default)
    if "/" in text or "\\" in text:
        raise ValueError(f"Parameter '{name}' ({title}): {text!r} must not have a slash in it.")
    return text


def scope_item(text: str) -> tuple[str, str]:
    """(device, VDOM) of `device/vdom` or `device`."""
    device, _, vdom = text.partition("/")
    if not device or "/" in vdom:
        raise ValueError(f"Parameter 'install_scope' (Install on): {text!r} is not of the form device/vdom.")
    return device, vdom or "root"


# ---- elements: what is blocked, as text


class Place(NamedTuple):
    """An element taken apart: the thing, and its side: INTERNAL is blocked as source, EXTERNAL as destination."""

    side: str
    thing: Blockable


def thing_from(text: str) -> Blockable:
    """The thing that a text names; a range that is just a network or an address is that. Raises ValueError."""
    return read_blockable(text).simplest()


def version_of(thing: Blockable) -> int:
    """The family of the groups that it belongs into; domains are in those for IPv4."""
    return thing.version or 4


def refusal_of(thing: Blockable, settings: Settings) -> str:
    """Why this must not or cannot be blocked; empty when it may."""
    if thing.kind == DOMAIN_NAME and not settings.domains:
        return "domains are not blocked; the parameter 'block_domains' would allow it"
    return never_blocked(thing) or own_address_in(thing, [settings.http.url], PRODUCT)


def element_of(side: str, value: str) -> str:
    return f"{side}:{value}"


def place_of(element: str, record: Mapping[str, Any]) -> Place:
    """Take an element apart; a bare value, as VAR has it, is on the side of its kind. Raises ValueError."""
    side, colon, value = element.partition(":")
    if not colon or side not in (INTERNAL, EXTERNAL):
        side, value = INTERNAL if record.get("kind") == "host" else EXTERNAL, element
    return Place(side, thing_from(value))


def object_name(prefix: str, thing: Blockable) -> str:
    """The name of the address object: without a slash, and cut to its limit with a part that stays unique."""
    name = prefix + thing.text.replace("/", "_")
    if len(name) <= NAME_LENGTH:
        return name
    return f"{name[: NAME_LENGTH - 13]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def object_data(name: str, thing: Blockable, comment: str) -> dict[str, Any]:
    """What an address object is made of."""
    data = {"name": name, "comment": comment[:COMMENT_LENGTH]}
    if thing.kind == DOMAIN_NAME:
        return {**data, "type": "fqdn", "fqdn": thing.text}
    if thing.kind == RANGE:
        return {**data, "type": "iprange", "start-ip": str(thing.first), "end-ip": str(thing.last)}
    network = ipaddress.ip_network(thing.text)
    if thing.version == 6:
        return {**data, "type": "ipprefix", "ip6": str(network)}
    return {**data, "type": "ipmask", "subnet": f"{network.network_address} {network.netmask}"}


# ---- replies


class Group(NamedTuple):
    """An address group by IP version and name."""

    version: int
    name: str

    @property
    def table(self) -> str:
        return "addrgrp" if self.version == 4 else "addrgrp6"

    @property
    def objects(self) -> str:
        return "address" if self.version == 4 else "address6"


class Member(NamedTuple):
    """A member of a group; `value` is empty for what cannot be compared, such as another group."""

    name: str
    value: str
    comment: str


class Answer(NamedTuple):
    """The answer to one call; code 0 is success."""

    code: int
    message: str
    data: Any


class RefusedCallError(ProductError):
    """FortiManager refused a call with a code."""

    def __init__(self, url: str, answer: Answer) -> None:
        hint = f": {HINTS[answer.code]}" if answer.code in HINTS else ""
        super().__init__(f"{PRODUCT} refused {url} ({answer.code} {answer.message}){hint}.")
        self.code = answer.code


def answers_of(reply: Any, count: int) -> list[Answer] | None:
    """The answers in a reply, one or `count` of them; None when it is no reply of this API."""
    results = reply.get("result") if isinstance(reply, dict) else None
    results = [results] if isinstance(results, dict) else results
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        return None
    answers = [answer_from(item) for item in results]
    # One answer to several calls is a refusal of them all.
    return answers if len(answers) == count else answers * count if len(answers) == 1 and answers[0].code else None


def answer_from(item: Mapping[str, Any]) -> Answer:
    raw = item.get("status")
    status: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    code = status.get("code")
    return Answer(code if isinstance(code, int) else -1, str(status.get("message") or "no status"), item.get("data"))


def rows_of(data: Any) -> list[dict[str, Any]]:
    """A list of objects; an empty table has no data at all."""
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def names_of(raw: Any) -> list[str]:
    """Names in a field that is a list, one text, or null."""
    return [str(name) for name in raw] if isinstance(raw, list) else [raw] if isinstance(raw, str) and raw else []


def member_from(row: Mapping[str, Any]) -> Member:
    return Member(str(row.get("name") or ""), member_value(row), str(row.get("comment") or ""))


def member_value(row: Mapping[str, Any]) -> str:
    """The usual text of what a member stands for."""
    subnet = row.get("subnet")
    raw = {
        "iprange": f"{row.get('start-ip')}-{row.get('end-ip')}",
        "fqdn": str(row.get("fqdn") or ""),
        "ipprefix": str(row.get("ip6") or ""),
        "ipmask": "/".join(map(str, subnet if isinstance(subnet, list) else str(subnet or "").split())),
    }
    with suppress(ValueError):
        return thing_from(raw.get(str(row.get("type")), "")).text
    return ""


def with_value(members: Sequence[Member], value: str) -> list[Member]:
    return [member for member in members if member.value == value]


class View(NamedTuple):
    """FortiManager's database and package as they are now.

    groups: members, None for a group that does not exist. waiting: `device/vdom (status)` of the targets that do not
    have what the package says, or what else keeps it from them. ruled: the groups that an enabled deny rule uses.
    """

    groups: Mapping[Group, Sequence[Member] | None]
    waiting: tuple[str, ...]
    ruled: frozenset[Group]


def waiting_targets(package: Any, rows: Any, settings: Settings) -> tuple[str, ...]:
    """What is not in step with the package: a device on which it never was installed has no row."""
    rows = [row for row in rows_of(rows) if str(row.get("pkg") or "").strip("/") == settings.package]
    known = {(str(row.get("dev")), str(row.get("vdom") or "root")): str(row.get("status")) for row in rows}
    members = rows_of(package.get("scope member") if isinstance(package, dict) else None)
    named = [(str(row["name"]), str(row["vdom"])) for row in members if row.get("name") and row.get("vdom")]
    wanted = settings.scope or tuple(dict.fromkeys([*named, *known]))
    found = {place: known.get(place, "never installed") for place in wanted}
    if not found:
        return (f"the package {settings.package} has no device to be installed on",)
    return tuple(f"{name}/{vdom} ({status})" for (name, vdom), status in found.items() if status not in IN_STEP)


def ruled_groups(rows: Any, settings: Settings) -> frozenset[Group]:
    """The groups that enabled deny rules use: as source for hosts, as destination for destinations."""
    found = set()
    for row in rows_of(rows):
        if str(row.get("action")) not in ("deny", "0") or str(row.get("status", "enable")) not in ("enable", "1"):
            continue
        for (side, version), name in settings.groups.items():
            field = ("srcaddr" if side == INTERNAL else "dstaddr") + ("6" if version == 6 else "")
            if name and name in names_of(row.get(field)):
                found.add(Group(version, name))
    return frozenset(found)


def task_failure(task: Mapping[str, Any]) -> str:
    """What went wrong in a task that has ended; empty when nothing did. `err` of a line is no help: it may be 0."""
    state = str(task.get("state"))
    if not int(task.get("num_err") or 0) and state not in FAILED_STATES:
        return ""
    lines = [row for row in rows_of(task.get("line")) if str(row.get("state")) in FAILED_STATES or row.get("err")]
    shown = "; ".join(f"{row.get('name')}: {row.get('detail')}" for row in lines[:LINES_SHOWN])
    more = f"; and {len(lines) - LINES_SHOWN} more" if len(lines) > LINES_SHOWN else ""
    return (shown + more) or f"it ended as {state}"


# ---- client


class FortiManagerClient(ProductClient):
    """The calls of FortiManager that the driver needs. All raise ProductError, a refusal as RefusedCallError.

    A context manager: its session ends with it, whatever happens. Sessions are few, and an open one keeps its lock.
    """

    def __init__(self, settings: Settings, timing: HttpTiming | None = None) -> None:
        self.settings = settings
        self.timing = timing or HttpTiming()
        super().__init__(
            PRODUCT,
            settings.http,
            HttpRetry.of(settings.http, self.timing, COMMAND_SECONDS, cap_seconds=10.0),
            headers={"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {},
        )
        self.session = ""
        self.locks: bool | None = None
        self.keep_lock = False
        self.base = f"/pm/config/adom/{settings.adom}"
        self.workspace = f"/dvmdb/adom/{settings.adom}/workspace"

    def __enter__(self) -> "FortiManagerClient":
        return self

    def __exit__(self, *error: object) -> None:
        self.logout()

    # -- transport

    def one(self, method: str, url: str, data: Any = None, *, order: bool = False, **more: Any) -> Any:
        """One call and its data. `order`: it changes something, so it is not repeated after a lost answer."""
        [answer] = self.several(method, [{"url": url, **({} if data is None else {"data": data}), **more}], order=order)
        return data_of(url, answer)

    def several(self, method: str, parts: Sequence[Mapping[str, Any]], *, order: bool = False) -> list[Answer]:
        """Several calls in one request. An ended session is answered like a missing right, so it is renewed once."""
        if not self.settings.api_key and not self.session:
            self.login()
        answers = self.rpc(method, parts, order=order)
        if self.session and any(answer.code == NO_PERMISSION for answer in answers):
            # It may be alive and hold the lock, so it is ended, not just forgotten.
            self.logout()
            self.login()
            answers = self.rpc(method, parts, order=order)
        return answers

    def login(self) -> None:
        """Open a session. Raises RefusedCallError."""
        data = {"user": self.settings.user, "passwd": self.settings.password}
        part = {"url": "/sys/login/user", "data": data}
        reply = self.call("POST", "/jsonrpc", json_data={"id": 1, "method": "exec", "params": [part]})
        answers = answers_of(reply, 1)
        session = reply.get("session") if isinstance(reply, dict) else None
        if answers is None or (not answers[0].code and not session):
            raise ProductError(f"What answers at {self.settings.http.url} is not the API of {PRODUCT}.")
        data_of("/sys/login/user", answers[0])
        self.session = str(session)

    def logout(self) -> None:
        """End the session, if there is one; its lock goes with it."""
        if self.session:
            with suppress(ProductError):
                self.rpc("exec", [{"url": "/sys/logout"}])
            self.session = ""

    def rpc(self, method: str, parts: Sequence[Mapping[str, Any]], *, order: bool = False) -> list[Answer]:
        """One request as it is. Enumerations come as words, which `verbose` is for."""
        body: dict[str, Any] = {"id": 1, "method": method, "params": list(parts), "verbose": 1}
        if self.session:
            body["session"] = self.session
        answers = answers_of(self.call("POST", "/jsonrpc", order=order, json_data=body), len(parts))
        if answers is None:
            raise ProductError(f"{PRODUCT} answered {parts[0]['url']} with something else than an answer.", order)
        return answers

    # -- locks

    def uses_locks(self) -> bool:
        """Whether the ADOM has to be locked before it is written. Raises ProductError for workflow mode."""
        if self.locks is None:
            choice = self.settings.workspace
            self.locks = self.mode() == "normal" if choice == "auto" else choice == "always"
        return self.locks

    def mode(self) -> str:
        """`disabled` or `normal`: how this ADOM is shared by administrators. Raises ProductError for anything else."""
        url, adom_url = "/cli/global/system/global", f"/dvmdb/adom/{self.settings.adom}"
        overall, adom = self.several(
            "get", [{"url": url, "fields": ["workspace-mode"]}, {"url": adom_url, "fields": ["name", "workspace_mode"]}]
        )
        if adom.code in MISSING:
            raise ProductError(f"There is no ADOM {self.settings.adom}. Check the parameter 'adom'.")
        if overall.code == NO_PERMISSION:
            raise ProductError(
                "The administrator may not read the workspace mode (-11). Give it the right to read system settings, "
                "or set 'use_workspace' to always or never."
            )
        mode = mode_word(data_of(url, overall), "workspace-mode")
        mode = mode_word(data_of(adom_url, adom), "workspace_mode") if mode == "per-adom" else mode
        if mode not in ("disabled", "normal"):
            raise ProductError(
                f"The ADOM {self.settings.adom} is in {mode} mode. Changes need sessions that a person approves there, "
                "which this driver does not support; use workspace mode normal or disabled."
            )
        return mode

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the ADOM, where there is one; whatever was not committed by the end is lost.

        `keep_lock` leaves it held, for a later run to give up.
        """
        if not self.uses_locks():
            yield
            return
        try:
            self.take_lock()
            yield
        except LockedByOthersError:
            raise
        except BaseException:
            self.give_up_lock()
            raise
        if not self.keep_lock:
            self.give_up_lock()

    def take_lock(self) -> None:
        """Take the lock, waiting for it a while. Raises LockedByOthersError naming who holds it."""
        deadline = self.timing.monotonic() + self.settings.lock_wait
        pause = LOCK_PAUSE_SECONDS
        while True:
            [answer] = self.several("exec", [{"url": f"{self.workspace}/lock"}])
            if answer.code not in LOCKED:
                data_of(f"{self.workspace}/lock", answer)
                return
            if self.timing.monotonic() + pause > deadline:
                raise LockedByOthersError(self.locked_text())
            self.timing.sleep(pause)
            pause = min(pause * 2, 10.0)

    def give_up_lock(self) -> None:
        """Give the lock up. FortiManager refuses that from who does not hold it."""
        with suppress(ProductError):
            self.several("exec", [{"url": f"{self.workspace}/unlock"}])

    def let_go(self) -> None:
        """Give up a lock that an earlier run with the API key kept. That taking it succeeds tells that it is ours."""
        if self.keeps_locks() and rows_of(self.one("get", f"{self.workspace}/lockinfo")):
            [answer] = self.several("exec", [{"url": f"{self.workspace}/lock"}])
            if not answer.code:
                self.give_up_lock()

    def keeps_locks(self) -> bool:
        """Whether a lock and its drafts outlive a run: all requests with an API key are one holder."""
        return bool(self.settings.api_key) and self.uses_locks()

    def has_drafts(self) -> bool:
        """Whether a run that was cut off left changes uncommitted. They look as if they were saved, to us alone."""
        if not self.keeps_locks():
            return False
        found = self.one("get", f"{self.workspace}/dirty")
        return isinstance(found, dict) and bool(found.get("dirty"))

    def locked_text(self) -> str:
        with suppress(ProductError):
            rows = rows_of(self.one("get", f"{self.workspace}/lockinfo"))
            if rows:
                seconds = int(rows[0].get("lock_time") or 0)
                since = timestamp_to_datestring(seconds * 1000, "%Y-%m-%d %H:%M UTC", is_utc=True)
                who = f"{rows[0].get('lock_user')} since {since}"
                return f"The ADOM {self.settings.adom} is locked by {who}. It is tried again; the lock is not broken."
        return f"The ADOM {self.settings.adom} is locked by somebody else. It is tried again; the lock is not broken."

    def commit(self) -> None:
        """Save what was written under the lock; without locks it is saved already."""
        if self.uses_locks():
            self.one("exec", f"{self.workspace}/commit", order=True)

    # -- objects and groups

    def group_parts(self, groups: Sequence[Group]) -> list[dict[str, Any]]:
        """Calls that read these groups with their members in full, one for each IP version."""
        fields = ["name", "type", "subnet", "ip6", "start-ip", "end-ip", "fqdn", "comment"]
        parts = []
        for version in sorted({group.version for group in groups}):
            kind = Group(version, "")
            sources = [
                {"obj type": f"firewall {kind.objects}", "fields": fields},
                {"obj type": f"firewall {kind.table}", "fields": ["name"]},
            ]
            parts.append(
                {
                    "url": f"{self.base}/obj/firewall/{kind.table}",
                    "filter": ["name", "in", *(group.name for group in groups if group.version == version)],
                    "expand datasrc": [{"name": "member", "datasrc": sources}],
                }
            )
        return parts

    def members(self, group: Group) -> list[Member]:
        """The members of a group as this session sees them. Raises ProductError when it does not exist."""
        parts = self.group_parts([group])
        found = groups_from(parts, self.several("get", parts), [group])[group]
        if found is None:
            raise ProductError(f"There is no address group {group.name} in the ADOM {self.settings.adom}. Make it.")
        return list(found)

    def put_object(self, group: Group, data: Mapping[str, Any]) -> None:
        """Make an address object, or use the one of this name and value that is there."""
        url = f"{self.base}/obj/firewall/{group.objects}"
        try:
            self.one("add", url, dict(data), order=True)
        except RefusedCallError as error:
            if error.code not in EXISTS:
                raise
            found = self.one("get", f"{url}/{in_url(data['name'])}")
            if not isinstance(found, dict) or member_value(found) != member_value(data):
                raise ProductError(
                    f"The address object {data['name']} exists with another value. It is left as it is; rename it."
                ) from None

    def add_member(self, group: Group, name: str) -> None:
        """Put an object into a group; repeating it is harmless."""
        with suppress_codes(EXISTS):
            self.one("add", self.member_url(group), [name], order=True)

    def remove_member(self, group: Group, name: str) -> None:
        """Take an object out of a group; repeating it is harmless."""
        with suppress_codes(MISSING):
            self.one("delete", self.member_url(group), [name], order=True)

    def remove_object(self, group: Group, name: str) -> None:
        """Delete an address object, unless something else uses it."""
        with suppress_codes(MISSING | IN_USE):
            self.one("delete", f"{self.base}/obj/firewall/{group.objects}/{in_url(name)}", order=True)

    def member_url(self, group: Group) -> str:
        return f"{self.base}/obj/firewall/{group.table}/{in_url(group.name)}/member"

    # -- package and tasks

    def view(self, groups: Sequence[Group]) -> View:
        """Groups, package and rules in one request. Raises ProductError for a package that is not there."""
        settings, names = self.settings, [name for name in self.settings.groups.values() if name]
        rules = f"{self.base}/pkg/{settings.package}/firewall/policy"
        fields = ("srcaddr", "dstaddr", "srcaddr6", "dstaddr6")
        conditions = [[field, "contain", name] for name in names for field in fields]
        package, statuses = f"/pm/pkg/adom/{settings.adom}/{settings.package}", f"{self.base}/_package/status"
        parts = self.group_parts(groups)
        others: list[dict[str, Any]] = [
            {"url": package},
            {"url": statuses},
            {"url": rules, "fields": ["policyid", "status", "action", *fields], "filter": joined(conditions)},
        ]
        answers = self.several("get", [*parts, *others])
        found, status, policies = answers[len(parts) :]
        if found.code in MISSING or policies.code == -6:
            raise ProductError(f"There is no policy package {settings.package} in the ADOM {settings.adom}.")
        waiting = waiting_targets(data_of(package, found), data_of(statuses, status), settings)
        return View(
            groups_from(parts, answers, groups),
            (*waiting, *(["changes that were not committed"] if self.has_drafts() else [])),
            ruled_groups(data_of(rules, policies), settings),
        )

    def install(self) -> str:
        """Order the installation of the package; gives the number of its task."""
        settings = self.settings
        data: dict[str, Any] = {"adom": settings.adom, "pkg": settings.package, "flags": ["none"]}
        if settings.scope:
            data["scope"] = [{"name": name, "vdom": vdom} for name, vdom in settings.scope]
        found = self.one("exec", "/securityconsole/install/package", data, order=True)
        number = found.get("task") if isinstance(found, dict) else None
        if number is None:
            raise ProductError(f"{PRODUCT} took the order to install without naming a task.", uncertain=True)
        return str(number)

    def task(self, number: str) -> dict[str, Any]:
        """One task."""
        found = self.one("get", f"/task/task/{number}")
        if not isinstance(found, dict):
            raise ProductError(f"{PRODUCT} does not know the task {number}.")
        return found

    def running_installation(self) -> str:
        """The latest installation that is under way in this ADOM, by anybody; empty without one."""
        adom = self.one("get", f"/dvmdb/adom/{self.settings.adom}", fields=["name", "oid"])
        latest = self.one("get", "/task/task/", range=[0, LATEST_TASKS], sortings=[{"id": -1}], loadsub=0)
        for row in rows_of(latest):
            ours = isinstance(adom, dict) and row.get("adom") == adom.get("oid")
            unfinished = str(row.get("state")) in UNFINISHED and int(row.get("percent") or 0) < 100
            if ours and unfinished and "install" in str(row.get("title")).lower():
                return str(row.get("id"))
        return ""

    def followed(self, number: str, deadline: float) -> dict[str, Any] | None:
        """Wait for a task; None when it is not over at the deadline, a value of the monotonic clock."""
        while True:
            task = self.task(number)
            if int(task.get("percent") or 0) >= 100 or str(task.get("state")) not in UNFINISHED:
                return task
            if self.timing.monotonic() + POLL_SECONDS > deadline:
                return None
            self.timing.sleep(POLL_SECONDS)


class LockedByOthersError(ProductError):
    """Somebody else holds the lock of the ADOM."""


@contextmanager
def suppress_codes(codes: frozenset[int]) -> Iterator[None]:
    """Let these refusals pass: what was ordered is so already."""
    try:
        yield
    except RefusedCallError as error:
        if error.code not in codes:
            raise


def data_of(url: str, answer: Answer) -> Any:
    """The data of an answer. Raises RefusedCallError unless it is a success."""
    if answer.code:
        raise RefusedCallError(url, answer)
    return answer.data


def groups_from(
    parts: Sequence[Mapping[str, Any]], answers: Sequence[Answer], groups: Sequence[Group]
) -> dict[Group, Sequence[Member] | None]:
    """The members of each group, None for one that does not exist; answers beyond the parts are not looked at."""
    found: dict[Group, Sequence[Member] | None] = dict.fromkeys(groups)
    for part, answer in zip(parts, answers, strict=False):
        for row in rows_of(data_of(str(part["url"]), answer)):
            version = 6 if str(part["url"]).endswith("6") else 4
            group = Group(version, str(row.get("name")))
            if group in found:
                found[group] = [member_from(member) for member in rows_of(row.get("member"))]
    return found


def joined(conditions: Sequence[list[str]]) -> list[Any]:
    """Conditions of a filter, any of which is to hold."""
    return [item for condition in conditions for item in (condition, "||")][:-1]


def in_url(name: Any) -> str:
    """A name as it stands in a URL of this API."""
    return str(name).replace("/", "\\/")


def mode_word(data: Any, field: str) -> str:
    """A workspace mode as a word; it comes as a number, too."""
    raw = str(data.get(field, "") if isinstance(data, dict) else "").lower()
    return MODES.get(raw, raw) or "disabled"


# ---- driver


class FortiManagerDriver(Driver):
    """Members of address groups. One run looks at FortiManager once, and again after each change of its own."""

    def __init__(self, client: FortiManagerClient) -> None:
        self.client = client
        self.settings = client.settings
        self.seen: View | None = None
        self.unfinished = ""

    def test(self) -> str:
        """`ok`, or what is missing: login, ADOM, mode, package, groups, rules."""
        self.client.one("get", "/sys/status")
        self.client.mode()
        view = self.view()
        for group, members in view.groups.items():
            if members is None:
                return f"There is no address group {group.name} (IPv{group.version}) in the ADOM {self.settings.adom}."
            if group not in view.ruled:
                return self.unruled(group)
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """The address of a host; the addresses, networks, ranges and domains of the others."""
        side = INTERNAL if isinstance(entity, Host) else EXTERNAL
        return [self.target(side, text) for text in texts_to_block(entity, PRODUCT)]

    def target(self, side: str, text: str) -> Target:
        """An element, with the group and the name of the object: settings may have changed when it is released."""
        try:
            thing = thing_from(text)
        except ValueError:
            return Target(element_of(side, text.strip()))
        group = self.settings.groups[side, version_of(thing)]
        return Target(
            element_of(side, thing.text), {"group": group, "object": object_name(self.settings.prefix, thing)}
        )

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Save the element in its group. It is in force when the package is installed, so this ends as `pending`."""
        try:
            place = place_of(target.element, record)
        except ValueError as error:
            return Outcome("unsupported", reason=f"{error}.")
        group = self.group_of(place, record)
        why = refusal_of(place.thing, self.settings) or self.groupless(place, group)
        if why:
            return Outcome("unsupported", reason=why)
        name = self.name_of(place, record)
        with self.client.locked():
            self.seen = None
            new = not with_value(self.client.members(group), place.thing.text)
            if new:
                self.store(group, name, place.thing, record)
            # Also what is there already: it may be a draft that a killed run with the same API key left.
            self.client.commit()
        if new:
            return Outcome("pending", reason=f"saved in the ADOM; {self.next_step()}", reference=name)
        waiting = self.waiting_for(self.view(group), group)
        return Outcome("pending", reason=waiting, reference=name) if waiting else Outcome("already", reference=name)

    def store(self, group: Group, name: str, thing: Blockable, record: Mapping[str, Any]) -> None:
        """Make the object and the member, and see that it is one. Under the lock."""
        comment = f"{COMMENT_MARK} {', '.join(record.get('claims') or ['by hand'])}"
        self.client.put_object(group, object_data(name, thing, comment))
        self.client.add_member(group, name)
        if not with_value(self.client.members(group), thing.text):
            raise ProductError(f"{name} did not become a member of {group.name}, although {PRODUCT} said so.")

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Take the element out of its group and delete its object, when both are ours; what others put in stays."""
        try:
            place = place_of(element, record)
        except ValueError as error:
            return Outcome("not_found", reason=f"{error}.")
        group, name = self.group_of(place, record), self.name_of(place, record)
        with self.client.locked():
            self.seen = None
            members = self.client.members(group)
            found = with_value(members, place.thing.text)
            leaving = [member for member in found if member.name == name or record.get("adopted")]
            if leaving:
                self.drop(group, members, leaving)
            self.client.commit()
        staying = ", ".join(member.name for member in found if member not in leaving)
        theirs = f"{staying} in the group {group.name} is not of this instance, and stays" if staying else ""
        if leaving:
            return Outcome("pending", reason=f"removed in the ADOM; {self.next_step()}. {theirs}".rstrip(". "))
        if theirs:
            return Outcome("already", reason=theirs)
        waiting = self.view(group).waiting
        return Outcome("pending", reason=f"removed; waits for {', '.join(waiting)}") if waiting else Outcome("already")

    def drop(self, group: Group, members: Sequence[Member], leaving: Sequence[Member]) -> None:
        """Remove members and their objects, and see that they are gone. Under the lock."""
        if self.settings.placeholder and len(leaving) == len(members):
            self.client.add_member(group, self.settings.placeholder)
        for member in leaving:
            self.client.remove_member(group, member.name)
            if member.name.startswith(self.settings.prefix) and member.comment.startswith(COMMENT_MARK):
                self.client.remove_object(group, member.name)
        if set(leaving) & set(self.client.members(group)):
            raise ProductError(f"The group {group.name} has its members still, although {PRODUCT} removed them.")

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """What FortiManager has saved, and whether the package is installed with it.

        Saved but no longer wanted counts as blocked, installed or not, and not saved but wanted as free: the missing
        order must not wait for an installation that may fail for days.
        """
        try:
            place = place_of(element, record)
        except ValueError as error:
            return ElementState("gone", f"{error}.")
        group, name = self.group_of(place, record), self.name_of(place, record)
        if not group.name:
            return ElementState("free", self.groupless(place, group))
        view = self.view(group)
        members = view.groups[group]
        wanted, new = bool(record.get("claims")), record.get("phase") == "new"
        if members is None and (wanted or new):
            raise ProductError(f"There is no address group {group.name} in the ADOM {self.settings.adom}. Make it.")
        found = with_value(members or (), place.thing.text)
        waiting = self.waiting_for(view, group)
        if not found:
            releasing = bool(view.waiting) and not wanted and not new
            return ElementState("releasing", f"removed; {waiting}") if releasing else ElementState("free")
        if new:
            names = ", ".join(member.name for member in found)
            return ElementState("blocked", f"{names} of somebody else is in the group {group.name}. {waiting}".strip())
        if wanted:
            return ElementState("blocking", waiting) if waiting else ElementState("blocked")
        if record.get("adopted") or any(member.name == name for member in found):
            return ElementState("blocked", waiting)
        return ElementState("free", f"{found[0].name} in the group {group.name} is not of this instance, and stays")

    def publish(self) -> None:
        """Install the package once, whatever the number of elements, unless every device has it.

        The lock is held until the task has ended: an installation that loses it fails. An installation that is under
        way is waited for, and no second one is started beside it. Raises ProductError with what the task says.
        """
        self.seen = None
        if not self.settings.install:
            return
        if not self.view().waiting:
            self.client.let_go()
            return
        deadline = self.client.timing.monotonic() + self.settings.task_timeout
        number = self.client.running_installation()
        if number:
            if self.client.followed(number, deadline) is None:
                self.unfinished = f"task {number} is still running"
                return
            self.seen = None
            if not self.view().waiting:
                self.client.let_go()
                return
        self.seen = None
        with self.client.locked():
            self.client.commit()
            self.install(deadline)

    def install(self, deadline: float) -> None:
        """Install and wait. Under the lock, which is kept for the next run when the task takes longer than this one."""
        number = self.client.install()
        task = self.client.followed(number, deadline)
        if task is None:
            self.client.keep_lock = self.client.keeps_locks()
            lost = self.client.uses_locks() and not self.client.keep_lock
            risk = ", and may fail because the lock ended with this session; an API key would keep it" if lost else ""
            self.unfinished = f"task {number} is still running{risk}"
            return
        failure = task_failure(task)
        if failure:
            raise ProductError(
                f"The installation of the package {self.settings.package} failed, task {number}: {failure}"
            )

    # -- what the steps above share

    def view(self, group: Group | None = None) -> View:
        """FortiManager as it is, read once until something changes. `group` is one that has to be in it."""
        if self.seen is None or (group is not None and group not in self.seen.groups):
            known = [Group(version, name) for (_, version), name in self.settings.groups.items() if name]
            before = [] if self.seen is None else list(self.seen.groups)
            wanted = dict.fromkeys([*known, *before, *([group] if group is not None else [])])
            self.seen = self.client.view(list(wanted))
        return self.seen

    def group_of(self, place: Place, record: Mapping[str, Any]) -> Group:
        """The group that the element was put into, or is to be."""
        stored = str((record.get("facts") or {}).get("group") or "")
        version = version_of(place.thing)
        return Group(version, stored or self.settings.groups[place.side, version])

    def name_of(self, place: Place, record: Mapping[str, Any]) -> str:
        """The name of the element's object."""
        stored = str((record.get("facts") or {}).get("object") or "")
        return stored or object_name(self.settings.prefix, place.thing)

    def groupless(self, place: Place, group: Group) -> str:
        if group.name:
            return ""
        return f"no address group for IPv{version_of(place.thing)} is set for what is {place.side}"

    def waiting_for(self, view: View, group: Group) -> str:
        """Why a saved change of a group is not in force; empty when it is."""
        configured = group.name in self.settings.groups.values()
        if configured and group not in view.ruled:
            return self.unruled(group)
        if not view.waiting:
            return ""
        running = f"; the installation, {self.unfinished}" if self.unfinished else ""
        return f"saved, not installed on {', '.join(view.waiting)}{running}"

    def unruled(self, group: Group) -> str:
        side = "source" if group.name in (self.settings.groups[INTERNAL, v] for v in (4, 6)) else "destination"
        return f"No enabled deny rule of the package {self.settings.package} has the group {group.name} as {side}."

    def next_step(self) -> str:
        if self.settings.install:
            return "the next vectra-response-reconcile installs it"
        return f"it is not in force until somebody installs the package {self.settings.package}"


# ---- main


def run_command(
    command: str, args: Mapping[str, Any], settings: Settings, port: ContextPort, timing: HttpTiming, instance: str
) -> Any:
    """Carry out one command and give back its result for the war room.

    Raises:
        ValueError: an argument is wrong; nothing was done.
        ProductError: the test of the instance failed.
        NotImplementedError: not a command of this integration.
    """
    ledger = VersionedState(
        port, DRIVER_STATE_VERSION, new_ledger, lambda attempt: timing.sleep(timing.jitter() * 0.1 * attempt)
    )
    with FortiManagerClient(settings, timing) as client:
        run = DriverRun(FortiManagerDriver(client), ledger, timing.now, BRAND, instance)
        return driver_answer(command, args, run)


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        port = ContextPort.of(demisto)
        timing = HttpTiming(time.time, time.monotonic, time.sleep, random.random)
        settings = settings_from_params(demisto.params())
        instance = demisto.integrationInstance()
        return_results(run_command(command, demisto.args(), settings, port, timing, instance))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
