"""Assigns an ANC policy of Cisco ISE to the MACs of hosts that Vectra wants contained, and takes it off again.

In this order: settings, XML of sessions, MACs and addresses, clients, driver, `main`, the only place that touches
`demisto`.

An element is a MAC, `AA:BB:CC:DD:EE:FF`. An endpoint has one ANC policy or none, so a block may replace the policy of
somebody else: it is read before, kept as a fact, and assigned again by the release. ISE answers an order when the
policy is stored; whether the network device took the change of authorisation is told in the reason. HTTP 500 is an
ordinary answer of both APIs: what it means stands in its body.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from xml.parsers import expat

import demistomock as demisto
import requests
from AddressesApiModule import *
from CommonServerPython import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "CiscoISEResponse"
PRODUCT = "Cisco ISE"
COMMAND_SECONDS = 150
PAGE_SIZE = 100
ENDPOINTS = "/ers/config/ancendpoint"
POLICIES = "/ers/config/ancpolicy"
SESSIONS = "/admin/API/mnt/Session"
JSON_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}

# Titles of ERS, in small letters.
HAS_IT_ALREADY = "mac address is already associated with this policy"
HAS_NONE = "mac address is not associated with a policy"
NO_SUCH_POLICY = "policy is not configured"
COA_FAILED = "radius failure"
DONE_TITLES = frozenset({HAS_IT_ALREADY, HAS_NONE, COA_FAILED})
CERTAIN_TITLES = frozenset({NO_SUCH_POLICY, "invalid mac address", "session lookup failure"})


# ---- settings


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. `http` has the address of ERS, `mnt_url` that of MnT.

    `mnt_lookup`: ask ISE who has an address now. `use_vectra_macs`: take the MACs of Vectra when ISE does not tell.
    `block_all_macs`: take all MACs that Vectra knows, not one.
    """

    mnt_url: str
    username: str
    password: str
    policy: str
    use_csrf: bool
    mnt_lookup: bool
    use_vectra_macs: bool
    block_all_macs: bool
    http: HttpSettings


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once.

    Raises:
        ValueError: names the parameter by id and title, the value, and what is allowed. Never shows a secret.
    """
    node = node_param(params)
    port = whole_param(params, "ers_port", "Port of ERS", 9060, 1, 65535)
    given = text_param(params, "mnt_url")
    return Settings(
        mnt_url=url_param(params, "mnt_url", "Monitoring node") if given else node,
        username=password_param(params, "credentials", "Account", "identifier"),
        password=password_param(params, "credentials", "Account"),
        policy=needed_param(params, "quarantine_policy", "ANC policy", "Quarantine"),
        use_csrf=flag_param(params, "use_csrf"),
        mnt_lookup=flag_param(params, "mnt_lookup", default=True),
        use_vectra_macs=flag_param(params, "use_vectra_macs", default=True),
        block_all_macs=flag_param(params, "block_all_macs"),
        http=http_params(params, url=f"{node}:{port}", rate=20),
    )


def node_param(params: Mapping[str, Any]) -> str:
    """The address of the administration node, without port and path."""
    url = url_param(params, "url", "Administration node")
    found = urlsplit(url)
    if found.path or re.search(r":\d*$", found.netloc):
        raise ValueError(
            f"Parameter 'url' (Administration node): {url!r} must be https://<node> alone; the port is 'ers_port'."
        )
    return url


# ---- pure functions: XML of sessions


class Session(NamedTuple):
    """A session of MnT. `mac` is empty when its calling station is no MAC (VPN); `stopped`: it is over."""

    mac: str
    addresses: frozenset[IPAddress]
    stopped: bool

    def has(self, address: IPAddress) -> bool:
        """Does this session have exactly this address now?"""
        return not self.stopped and address in self.addresses


class XmlRows:
    """Reads a document of MnT: its root, and each row's texts by tag, however deep they stand in the row.

    Memory is one row at a time beside the result. A document type is refused, and with it entities of any kind.
    """

    ROWS = frozenset({"activeSession", "sessionParameters", "sessionCount", "mnt-rest-result"})

    def __init__(self) -> None:
        self.root = ""
        self.rows: list[dict[str, list[str]]] = []
        self.text = ""

    def read(self, document: bytes) -> "XmlRows":
        """Raises ValueError for what is no XML, is cut off, or has a document type."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self.refuse
        parser.StartElementHandler = self.start
        parser.CharacterDataHandler = self.data
        parser.EndElementHandler = self.end
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            raise ValueError(f"no XML: {error}") from None
        return self

    def refuse(self, *declaration: Any) -> None:
        raise ValueError("the document has a document type, which MnT does not use")

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.root = self.root or name
        self.text = ""
        if name in self.ROWS:
            self.rows.append({})

    def data(self, text: str) -> None:
        self.text += text

    def end(self, name: str) -> None:
        text, self.text = self.text.strip(), ""
        if text and self.rows:
            self.rows[-1].setdefault(name, []).append(text)


def session_from(row: Mapping[str, Sequence[str]]) -> Session:
    """A session of a row of ActiveList or of the details of one session."""
    texts = [*row.get("framed_ip_address", ()), *row.get("ipv6_address", ()), *row.get("framed_ipv6_address", ())]
    parts = (part for text in texts for part in re.split(r"[,\s]+", text))
    stopped = (row.get("stopped") or ("",))[0].lower() == "true"
    return Session(
        mac=mac_of((row.get("calling_station_id") or ("",))[0]),
        addresses=frozenset(address for part in parts if (address := ip_or_none(part)) is not None),
        stopped=stopped,
    )


# ---- pure functions: MACs and addresses


def mac_of(text: str) -> str:
    """A MAC in upper case with colons, of any spelling; empty when it is none, or not the one of a single interface."""
    return colon_mac(text).upper()


def macs_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The MACs among these texts, each once, whatever its spelling."""
    return tuple(dict.fromkeys(filter(None, map(mac_of, texts))))


def usable_ip(text: str, settings: Settings) -> IPAddress | None:
    """The address of a host, None when Vectra knows none. Raises TargetError for one that no host can have."""
    address = ip_or_none(text)
    if address is None:
        return None
    value = blockable_range(address, address).simplest()
    reason = never_blocked(value) or own_address_in(value, (settings.http.url, settings.mnt_url), PRODUCT)
    if reason:
        raise TargetError("unsupported", f"{reason}, so no endpoint is looked up for it.")
    return address


class Found(NamedTuple):
    """Who has the address of a host. `clear`: ISE was asked and told. `reason`: how that is known, or why it is not."""

    macs: tuple[str, ...]
    clear: bool
    reason: str


class Chosen(NamedTuple):
    """A MAC to block, and what a person should know about it."""

    mac: str
    note: str


def choose_macs(found: Found, known: tuple[str, ...], settings: Settings, grooming: bool) -> list[Chosen]:
    """The MACs of a host: that of its session, or those that Vectra knows, as the settings have it.

    Grooming releases what is not chosen. So while ISE tells of no session it chooses nothing: a contained host that is
    offline for a moment would be released by that.

    Raises:
        TargetError: there is none, or nobody can say which.
    """
    if found.macs:
        mac = the_one(found.macs, known)
        others = [other for other in known if other != mac] if settings.block_all_macs else []
        return [Chosen(mac, found.reason), *(Chosen(other, "one of all MACs that Vectra knows") for other in others)]
    status = "not_found" if found.clear else "failed"
    if grooming and settings.mnt_lookup:
        raise TargetError(status, f"{found.reason}, so what is contained for this host stays as it is.")
    if not known:
        raise TargetError(status, f"{found.reason}, and Vectra knows no MAC of this host.")
    if not settings.use_vectra_macs:
        raise TargetError(status, f"{found.reason}, and 'use_vectra_macs' does not permit the MACs of Vectra.")
    if len(known) > 1 and not settings.block_all_macs:
        raise TargetError(
            "failed",
            f"{found.reason}, and Vectra knows several MACs ({', '.join(known)}), of which some may belong to a dock. "
            "Tick 'block_all_macs' to block them all.",
        )
    note = f"{found.reason}; without a live session it takes effect when this MAC authenticates next"
    return [Chosen(mac, note) for mac in known]


def the_one(found: tuple[str, ...], known: tuple[str, ...]) -> str:
    """The MAC of the host among those whose sessions have its address. Raises TargetError unless it is one."""
    fitting = found if len(found) == 1 else tuple(mac for mac in found if mac in known)
    if len(fitting) != 1:
        raise TargetError(
            "failed",
            f"Cisco ISE shows sessions of several endpoints with this address ({', '.join(found)}), and the MACs that "
            "Vectra knows do not tell which of them is the host.",
        )
    return fitting[0]


# ---- clients


class RefusedError(ProductError):
    """Cisco ISE refused. `title` is that of ERS in small letters, or empty."""

    def __init__(self, reason: str, status: int, title: str = "", uncertain: bool = False) -> None:
        super().__init__(reason, uncertain)
        self.status = status
        self.title = title


class NotAllowedError(ProductError):
    """The account may not use MnT at all."""


class IseClient(ProductClient):
    """What both APIs have in common: the account, and one pace for both."""

    def __init__(self, settings: Settings, url: str, retry: HttpRetry, headers: Mapping[str, str]) -> None:
        login = (settings.username.encode(), settings.password.encode())
        super().__init__(
            PRODUCT,
            replace(settings.http, url=url),
            retry,
            headers=headers,
            auth=login,
        )


class ErsClient(IseClient):
    """The calls of ERS for ANC. All raise ProductError."""

    def __init__(self, settings: Settings, retry: HttpRetry) -> None:
        super().__init__(settings, settings.http.url, retry, JSON_HEADERS)
        self.use_csrf = settings.use_csrf
        # None: not asked for yet. Empty: asked for, and ISE gave none, because it does not check.
        self.token: str | None = None

    def policy_exists(self, name: str) -> bool:
        """Is there an ANC policy of exactly this name?"""
        try:
            policy = self.call("GET", f"{POLICIES}/name/{quote(name, safe='')}").get("ErsAncPolicy")
        except RefusedError as error:
            if error.status != 404:
                raise
            return False
        return isinstance(policy, dict) and policy.get("name") == name

    def assigned(self, mac: str, whole: bool = False) -> str:
        """The ANC policy that an endpoint has, or empty. `whole` looks through the whole list, without a filter."""
        try:
            for row in self.rows("" if whole else f"name.CONTAINS.{mac}"):
                endpoint = self.endpoint(row, mac)
                if mac_of(str(endpoint.get("macAddress") or "")) == mac:
                    return str(endpoint.get("policyName") or "")
            return ""
        except RefusedError as error:
            if whole or error.status != 400:
                raise
        # This release does not filter.
        return self.assigned(mac, whole=True)

    def rows(self, condition: str) -> Iterator[dict[str, Any]]:
        """The rows of the list of ANC endpoints, page by page. They may be others than the condition asks for."""
        page, total = 1, 1
        while (page - 1) * PAGE_SIZE < total:
            query = {"size": PAGE_SIZE, "page": page, **({"filter": condition} if condition else {})}
            result = self.call("GET", ENDPOINTS, params=query).get("SearchResult") or {}
            found = [row for row in result.get("resources") or [] if isinstance(row, dict) and row.get("id")]
            yield from found
            page, total = page + 1, number_of(result.get("total")) if found else 0

    def endpoint(self, row: Mapping[str, Any], mac: str) -> dict[str, Any]:
        """The endpoint of a row of the list, empty when it is another one or gone meanwhile.

        A row has its id and, in some releases, its name, which is the MAC.
        """
        if mac_of(str(row.get("name") or "")) not in ("", mac):
            return {}
        try:
            found = self.call("GET", f"{ENDPOINTS}/{quote(str(row['id']), safe='')}").get("ErsAncEndpoint")
        except RefusedError as error:
            if error.status != 404:
                raise
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def order(self, name: str, mac: str, policy: str) -> str:
        """`apply` or `clear`. Gives the title of an answer that is no failure, empty for a plain success.

        Raises:
            RefusedError: not done, or `uncertain`.
        """
        rows = [{"name": "macAddress", "value": mac}, {"name": "policyName", "value": policy}]
        body = {"OperationAdditionalData": {"additionalData": rows}}
        known = self.token
        try:
            return self.ordered(name, body)
        except RefusedError as error:
            if error.title in DONE_TITLES:
                return error.title
            if error.status != 403 or not known:
                raise
        # The token was of an earlier order and may be past its end. A 403 is certain, so once more is safe.
        self.token = None
        return self.order(name, mac, policy)

    def ordered(self, name: str, body: Mapping[str, Any]) -> str:
        headers = {**JSON_HEADERS, **self.csrf_headers()}
        self.call("PUT", f"{ENDPOINTS}/{name}", order=True, json_data=body, headers=headers)
        return ""

    def csrf_headers(self) -> dict[str, str]:
        """The token of this run, asked for once; its cookies are kept by the session."""
        if not self.use_csrf:
            return {}
        if self.token is None:
            self.token = ""
            self.call("GET", f"{ENDPOINTS}/versioninfo", headers={**JSON_HEADERS, "X-CSRF-TOKEN": "fetch"})
        return {"X-CSRF-TOKEN": self.token} if self.token else {}

    def is_busy(self, response: requests.Response) -> bool:
        """An answer with a title is one, whatever its status."""
        return super().is_busy(response) and not ers_title(response)

    def read(self, response: requests.Response) -> dict[str, Any]:
        """The object of a success, empty for one without a body."""
        found = super().read(response)
        self.token = response.headers.get("X-CSRF-Token") or self.token
        if not isinstance(found, dict):
            raise ProductBusyError(f"{PRODUCT} answered with something that is no object")
        return found

    def refusal(self, response: requests.Response) -> ProductError:
        """The exception for a reply that is no success, by its title, or by its status for a page of HTML."""
        status, title = response.status_code, ers_title(response)
        if title:
            low = title.lower()
            unsure = status >= 500 and low not in CERTAIN_TITLES
            return RefusedError(f"{PRODUCT} refused: {title} (HTTP {status})", status, low, uncertain=unsure)
        return RefusedError(f"{PRODUCT} {ERS_HINTS.get(status, 'refused')} (HTTP {status}).", status)


ERS_HINTS = {
    401: "refused the account at ERS. Check name and password, and that the account is enabled and not locked",
    403: "does not let the account do this. Writing needs the group ERS Admin. If the CSRF check is on in the ERS "
    "settings, tick 'use_csrf'",
    404: "knows no such address at ERS. Check the node and 'ers_port'",
    415: "refused the media type",
}


def ers_title(response: requests.Response) -> str:
    """The title in an ERSResponse; empty for everything else, such as the HTML pages of 401 and 403."""
    if response.status_code < 300:
        return ""
    try:
        messages = response.json()["ERSResponse"]["messages"]
        return " ".join(str(messages[0]["title"]).split())[:300]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def number_of(raw: Any) -> int:
    try:
        return int(raw)
    except (TypeError, ValueError):
        return 0


class MntClient(IseClient):
    """The look-ups of MnT. All raise ProductError, and NotAllowedError when the account has no rights there."""

    def __init__(self, settings: Settings, retry: HttpRetry) -> None:
        super().__init__(settings, settings.mnt_url, retry, {"Accept": "application/xml"})

    def count(self) -> None:
        """Ask for a number, whichever: address and rights are right when it comes."""
        self.call("GET", f"{SESSIONS}/ActiveCount")

    def current(self, address: IPAddress) -> list[Session]:
        """The sessions with exactly this address.

        The look-up for one address comes first. It is known to miss sessions, so when it finds none that really has the
        address, the whole list is looked through.
        """
        trouble: ProductError | None = None
        try:
            found = [one for one in self.by_address(address) if one.has(address)]
            if found:
                return found
        except NotAllowedError:
            raise
        except ProductError as error:
            if never_answered(error):
                raise
            trouble = error
        return self.listed(address, trouble)

    def listed(self, address: IPAddress, trouble: ProductError | None) -> list[Session]:
        """The sessions of the whole list with this address. A list that cannot be had leaves what was told before."""
        try:
            rows: XmlRows = self.call("GET", f"{SESSIONS}/ActiveList")
        except NotAllowedError:
            raise
        except ProductError as error:
            if trouble or never_answered(error):
                raise trouble or error from None
            return []
        return [one for one in map(session_from, rows.rows) if one.has(address)]

    def by_address(self, address: IPAddress) -> list[Session]:
        """The session that MnT tells for an IPv4 address; there is no such look-up for IPv6."""
        if address.version != 4:
            return []
        try:
            rows: XmlRows = self.call("GET", f"{SESSIONS}/EndPointIPAddress/{address}")
        except RefusedError as error:
            if "not available for" not in error.title:
                raise
            return []
        return [session_from(row) for row in rows.rows]

    def is_busy(self, response: requests.Response) -> bool:
        """An answer with a reason is one, whatever its status."""
        return super().is_busy(response) and not mnt_reason(response)

    def read(self, response: requests.Response) -> XmlRows:
        """The document of a success."""
        if not 200 <= response.status_code < 300:
            raise self.refusal(response)
        try:
            found = XmlRows().read(response.content)
        except ValueError:
            raise ProductBusyError(f"{PRODUCT} answered at MnT with something that is no XML, or was cut off") from None
        if found.root not in ("activeList", *XmlRows.ROWS):
            raise ProductError(f"{PRODUCT} answered at MnT with something else than sessions. Check 'mnt_url'.")
        return found

    def refusal(self, response: requests.Response) -> ProductError:
        """The exception for a reply that is no success."""
        status, reason = response.status_code, mnt_reason(response)
        if status in (401, 403):
            return NotAllowedError(
                f"the account may not look up sessions in MnT (HTTP {status}): that takes an internal administrator in "
                "MnT Admin, System Admin or Super Admin"
            )
        what = reason or f"HTTP {status}. Check 'mnt_url'"
        return RefusedError(f"{PRODUCT} refused a look-up in MnT: {what}", status, reason.lower())


def mnt_reason(response: requests.Response) -> str:
    """What MnT says of a failure in its XML; empty for everything else."""
    if response.status_code < 300:
        return ""
    try:
        found = XmlRows().read(response.content)
    except ValueError:
        return ""
    texts = found.rows[0].get("internal-error-info", [""]) if found.rows else [""]
    return " ".join(texts[0].split())[:300]


def never_answered(error: ProductError) -> bool:
    """Was there no reply at all? Then asking for more is waiting for nothing."""
    cause = error.__cause__
    return isinstance(cause, ProductBusyError) and cause.status == 0


# ---- driver


class Facts(NamedTuple):
    """What the record of an element has: the policy that the block assigns, the one before it, and a note."""

    policy: str
    former: str
    note: str

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None, settings: Settings) -> "Facts":
        """Of a record; one that was taken over from another tool has none."""
        given = facts or {}
        policy = str(given.get("policy") or settings.policy)
        return cls(policy, str(given.get("former") or ""), str(given.get("note") or ""))


TAKING_OFF = "taking_off"
ACCESS_KEPT = (
    "the network device did not take the change of authorisation (Radius Failure): "
    "the endpoint keeps {} until it authenticates again"
)


class ISEDriver(Driver):
    """One ANC policy for each MAC.

    Args:
        grooming: the command compares what is contained with what `targets` gives, and releases what is not in it.
    """

    def __init__(self, ers: ErsClient, mnt: MntClient, settings: Settings, grooming: bool = False) -> None:
        self.ers = ers
        self.mnt = mnt
        self.settings = settings
        self.grooming = grooming

    def test(self) -> str:
        """`ok`, or what is missing. The right to write shows only when it is used."""
        policy = self.settings.policy
        if not self.ers.policy_exists(policy):
            return f"Cisco ISE has no ANC policy {policy!r}. Names are compared letter by letter."
        self.ers.assigned("00:00:00:00:00:02")
        self.ers.csrf_headers()
        if self.settings.use_csrf and not self.ers.token:
            return "Cisco ISE gives no CSRF token: its check is off. Clear 'use_csrf', or switch the check on."
        try:
            if self.settings.mnt_lookup:
                self.mnt.count()
        except NotAllowedError as error:
            return f"ERS is right, but {error}. Add it to such a group, or clear 'mnt_lookup'."
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """The MAC of the host's session, or those that Vectra knows, each with the policy that it has now."""
        if not isinstance(entity, Host):
            raise TargetError("unsupported", f"Cisco ISE contains hosts, not a {entity.kind}.")
        address = usable_ip(entity.ip, self.settings)
        chosen = choose_macs(self.who_has(address), macs_of(entity.macs), self.settings, self.grooming)
        return [Target(one.mac, self.facts(one)) for one in chosen]

    def who_has(self, address: IPAddress | None) -> Found:
        """Who has this address now, as far as ISE tells."""
        if address is None:
            return Found((), True, "Vectra knows no address of this host")
        if not self.settings.mnt_lookup:
            return Found((), False, "sessions are not looked up ('mnt_lookup' is off)")
        try:
            sessions = self.mnt.current(address)
        except NotAllowedError as error:
            return Found((), False, str(error))
        macs = tuple(dict.fromkeys(one.mac for one in sessions if one.mac))
        if macs:
            return Found(macs, True, f"MAC of the session with {address}")
        return Found((), True, f"Cisco ISE shows no session of a MAC with {address}")

    def facts(self, chosen: Chosen) -> dict[str, Any]:
        """What the record keeps: `Facts` by name."""
        has = self.ers.assigned(chosen.mac)
        former = has if has != self.settings.policy else ""
        return {"policy": self.settings.policy, "former": former, "note": chosen.note}

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Assign the policy, in place of the one that is kept as a fact, and read it back.

        The facts are those of the record: what the target says now may have been read after a person's change, and
        would not be stored any more.
        """
        mac, facts = mac_of(target.element), Facts.of(record["facts"], self.settings)
        if not mac:
            return Outcome("unsupported", reason=f"{target.element!r} is no MAC of an endpoint.")
        has = self.ers.assigned(mac)
        if has in self.ours(facts):
            return Outcome("already", reason=f"{mac} has the ANC policy {has}")
        if has not in ("", facts.former):
            raise ProductError(self.left_alone(mac, has))
        title = self.assign(mac, self.settings.policy, has)
        extra = ACCESS_KEPT.format("its access") if title == COA_FAILED else facts.note
        done = f"ANC policy {self.settings.policy} assigned" + (f" in place of {has}" if has else "")
        return self.seen(mac, self.settings.policy, done, extra)

    def assign(self, mac: str, policy: str, has: str) -> str:
        """Order a policy, where it is refused because of another one after taking that off. Gives the title."""
        try:
            title = self.ers.order("apply", mac, policy)
            if not has or self.ers.assigned(mac) != has:
                return title
        except RefusedError as error:
            if not has or not error.title or error.title in CERTAIN_TITLES:
                raise
        self.ers.order("clear", mac, has)
        try:
            return self.ers.order("apply", mac, policy)
        except ProductError as error:
            # The former policy is off already. Only what is uncertain stays on record, and with it what was there.
            raise ProductError(f"{error}; {mac} has no ANC policy meanwhile", uncertain=True) from error

    def seen(self, mac: str, wanted: str, done: str, extra: str) -> Outcome:
        """The outcome of an order, by what ISE shows after it."""
        words = f"{done}; {extra}" if extra else done
        try:
            has = self.ers.assigned(mac)
            if has != wanted:
                has = self.ers.assigned(mac, whole=True)
        except ProductError as error:
            return Outcome("pending", mac, f"ordered; the look after it failed: {error}")
        if has == wanted:
            return Outcome("applied", mac, words)
        return Outcome("pending", mac, f"ordered, but Cisco ISE still shows {policy_words(has)} for {mac}")

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Assign the policy that was there before, or take ours off. Touches no policy that somebody set after it."""
        mac, facts = mac_of(element), Facts.of(record["facts"], self.settings)
        if not mac:
            return Outcome("not_found", reason=f"{element!r} is no MAC of an endpoint.")
        has = self.policy_now(mac, record)
        taking_off = bool(record["restore"].get(TAKING_OFF))
        if has in self.ours(facts):
            return self.put_back(mac, has, facts.former, taking_off) if facts.former else self.take_off(mac, has)
        if taking_off and not has:
            return self.put_back(mac, "", facts.former, taking_off)
        return Outcome("already", reason=self.free_words(mac, has, facts))

    def take_off(self, mac: str, has: str, done: str = "") -> Outcome:
        title = self.ers.order("clear", mac, has)
        extra = ACCESS_KEPT.format("its restricted access") if title == COA_FAILED else ""
        return self.seen(mac, "", done or f"ANC policy {has} taken off", extra)

    def put_back(self, mac: str, has: str, former: str, taking_off: bool) -> Outcome:
        """Assign the former policy.

        It replaces ours in one step, so that the endpoint is never without a policy. Where ISE refuses that, ours has
        to be taken off before. A note in `restore` says so beforehand, so that a crash between the two is not mistaken
        for a person who took everything off.
        """
        try:
            if has and taking_off:
                self.ers.order("clear", mac, has)
            title = self.ers.order("apply", mac, former)
        except RefusedError as error:
            if error.title == NO_SUCH_POLICY:
                return self.without_former(mac, has, former)
            if taking_off or not error.title:
                raise
            return Outcome("pending", mac, f"{error}; {has} is taken off first", restore={TAKING_OFF: True})
        extra = ACCESS_KEPT.format("its restricted access") if title == COA_FAILED else ""
        outcome = self.seen(mac, former, f"its former ANC policy {former} is assigned again", extra)
        return outcome if outcome.status == "applied" else outcome._replace(restore={TAKING_OFF: True})

    def without_former(self, mac: str, has: str, former: str) -> Outcome:
        words = f"its former ANC policy {former} does not exist any more, so it has none now"
        return self.take_off(mac, has, words) if has else Outcome("applied", mac, words)

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """Whether the endpoint has our policy.

        A policy that somebody set after the block is left alone: it is `unknown` as long as the block is wanted, and
        `free` when it is not.
        """
        mac, facts = mac_of(element), Facts.of(record["facts"], self.settings)
        if not mac:
            return ElementState("gone", f"{element!r} is no MAC of an endpoint")
        has = self.policy_now(mac, record)
        if has in self.ours(facts):
            return ElementState("blocked", f"{mac} has the ANC policy {has}")
        wanted = bool(record["claims"])
        if not has and not wanted and record["restore"].get(TAKING_OFF):
            return ElementState("blocked", f"the former ANC policy {facts.former} of {mac} is not back yet")
        if wanted and has not in ("", facts.former):
            return ElementState("unknown", self.left_alone(mac, has))
        return ElementState("free", self.free_words(mac, has, facts))

    def policy_now(self, mac: str, record: Mapping[str, Any]) -> str:
        """The policy of an endpoint. What was seen there before is believed gone only after the whole list is read."""
        has = self.ers.assigned(mac)
        return has or (self.ers.assigned(mac, whole=True) if record["confirmed"] else "")

    def ours(self, facts: Facts) -> set[str]:
        """The policies that mean our block: that of the record, and that of the settings."""
        return {facts.policy, self.settings.policy}

    def left_alone(self, mac: str, has: str) -> str:
        return f"{mac} has the ANC policy {has}, which somebody assigned since. It is left as it is."

    def free_words(self, mac: str, has: str, facts: Facts) -> str:
        if has:
            return f"{mac} has its former ANC policy {has}" if has == facts.former else self.left_alone(mac, has)
        lost = (
            f": somebody took it off, so its former one, {facts.former}, is not assigned again" if facts.former else ""
        )
        return f"{mac} has no ANC policy{lost}"


def policy_words(policy: str) -> str:
    return f"the ANC policy {policy}" if policy else "no ANC policy"


# ---- main


def new_driver(settings: Settings, timing: HttpTiming, command: str = "") -> ISEDriver:
    """Put a driver together for one command. Both APIs share one pace and one limit of time."""
    retry = HttpRetry.of(settings.http, timing, COMMAND_SECONDS, cap_seconds=10.0)
    return ISEDriver(
        ErsClient(settings, retry), MntClient(settings, retry), settings, grooming=command == "vectra-groom-host"
    )


def run_command(
    command: str, args: Mapping[str, Any], settings: Settings, port: ContextPort, timing: HttpTiming, instance: str
) -> Any:
    """Carry out one command and give back its result for the war room.

    Raises:
        ValueError: an argument is wrong; nothing was done.
        NotImplementedError: not a command of this integration.
    """
    driver = new_driver(settings, timing, command)
    ledger = VersionedState(
        port, DRIVER_STATE_VERSION, new_ledger, lambda attempt: timing.sleep(timing.jitter() * 0.1 * attempt)
    )
    return driver_answer(command, args, DriverRun(driver, ledger, timing.now, BRAND, instance))


def main() -> None:
    """Read parameters and arguments, run one command, return its result."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        port = ContextPort.of(demisto)
        settings = settings_from_params(demisto.params())
        instance = demisto.integrationInstance()
        timing = HttpTiming(time.time, time.monotonic, time.sleep, random.random)
        return_results(run_command(command, demisto.args(), settings, port, timing, instance))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
