"""PAN-OS as a driver of the Vectra response.

An address is registered with a tag by the User-ID XML API of a firewall, directly or through Panorama. A dynamic
address group that matches the tag, used in a deny rule, contains it within seconds and without a commit. In this order:
settings, values (what can be registered), XML, client, places, the driver, and `main`, the only one that touches
`demisto`.

A place is one virtual system of one firewall. What Vectra wants blocked is blocked when every place has it; each is
asked and told by itself, so one that is out of reach holds up no other. What a place had before the first order is
somebody else's: it is read first, kept in the facts, and left there when everything else is released.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import demistomock as demisto
import requests
from AddressesApiModule import *
from CommonServerPython import *
from HttpRetryApiModule import *
from ParametersApiModule import *
from ResponseDriverApiModule import *
from VersionedStateApiModule import *

BRAND = "PANOSResponse"
PRODUCT = "PAN-OS"
PAGE_SIZE = 500
LONGEST_TAG = 127
LONGEST_TIMEOUT_SECONDS = 2_592_000
NETWORKS_FROM = (10, 0)
SUCCESS, INTERNAL_CODES = "success", frozenset({"2", "3", "4", "5", "11", "21"})
HINTS = {
    "403": "Check the API key, and that its role has the XML API rights User-ID Agent and Operational Requests.",
    "16": "The role of the API key lacks the XML API rights User-ID Agent and Operational Requests.",
    "15": "Give the address of the active device of the pair.",
}


# ---- settings


class Place(NamedTuple):
    """One virtual system of one firewall: the serial number behind Panorama, or empty, and the vsys, or empty."""

    serial: str
    vsys: str

    @property
    def label(self) -> str:
        """The place in words."""
        return " ".join(filter(None, (f"firewall {self.serial}" if self.serial else "the firewall", self.vsys)))

    @property
    def text(self) -> str:
        """The place in the facts of a record."""
        return f"{self.serial}/{self.vsys}"


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once. `tag_timeout` is in seconds, 0 for none.

    `places` is never empty. `static_tag` differs from the other two, which may be the same.
    """

    http: HttpSettings
    key: str
    places: tuple[Place, ...]
    host_tag: str
    detection_tag: str
    static_tag: str
    tag_timeout: int


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """Check every parameter once. Raises ValueError naming the parameter, its value and what is allowed."""
    host_tag = tag_param(params, "host_tag", "Tag for hosts", "Block_Host")
    detection_tag = tag_param(params, "detection_tag", "Tag for destinations of detections", "Block_Detection")
    static_tag = tag_param(params, "static_tag", "Tag for the static list", "Block_Static")
    if static_tag in (host_tag, detection_tag):
        raise ValueError(
            f"Parameter 'static_tag' (Tag for the static list): {static_tag!r} is also the tag of something else. "
            "Give it one of its own, and let the dynamic address group match both."
        )
    return Settings(
        http_params(params, url=re.sub(r"/api$", "", url_param(params)), rate=5),
        secret_param(params, "api_key", "API Key"),
        places_param(params),
        host_tag,
        detection_tag,
        static_tag,
        whole_param(params, "tag_timeout", "Time limit of a tag (seconds)", 0, 0, LONGEST_TIMEOUT_SECONDS),
    )


def tag_param(params: Mapping[str, Any], name: str, title: str, default: str) -> str:
    """A tag; a comma or quote in it would be taken apart where elements are listed."""
    tag = needed_param(params, name, title, default)
    if len(tag) > LONGEST_TAG or not tag.isprintable() or re.search("[,\"'`]", tag):
        raise ValueError(
            f"Parameter '{name}' ({title}): {tag!r} is not a tag of up to {LONGEST_TAG} characters "
            "without commas and quotes."
        )
    return tag


def places_param(params: Mapping[str, Any]) -> tuple[Place, ...]:
    vsys, serials = text_param(params, "vsys"), lines_param(params, "target_serials")
    if not re.fullmatch(r"[\w.-]*", vsys, re.ASCII):
        raise ValueError(f"Parameter 'vsys' (Virtual system): {vsys!r} is not a name such as vsys1.")
    for serial in serials:
        if not re.fullmatch(r"[0-9A-Za-z]+", serial):
            raise ValueError(f"Parameter 'target_serials' (Firewalls behind Panorama): {serial!r} is no serial number.")
    return tuple(Place(serial, vsys) for serial in serials or ("",))


# ---- pure functions: values


def registrable(text: str) -> Blockable:
    """What a text names and may be registered. Raises ValueError with the reason for everything else."""
    try:
        value = read_blockable(text)
    except ValueError:
        value = Blockable(DOMAIN_NAME, text)
    if value.kind == DOMAIN_NAME:
        raise ValueError(
            f"{text!r} is no address, network or range, and {PRODUCT} registers nothing else. "
            "For domains use an external dynamic list."
        )
    reason = never_blocked(value)
    if reason:
        raise ValueError(reason)
    return value


def spelled(text: str) -> str:
    """The one spelling of an address, network or range; any other text as it is."""
    try:
        return read_blockable(text).text
    except ValueError:
        return text


class Item(NamedTuple):
    """One registration: a value and the tag that it has."""

    value: Blockable
    tag: str

    @property
    def words(self) -> str:
        return f"{self.value.text} with tag {self.tag}"


# ---- pure functions: XML


def tree(*path: str) -> tuple[Element, Element]:
    """Elements inside one another; gives the outermost and the innermost."""
    root = here = Element(path[0])
    for name in path[1:]:
        here = SubElement(here, name)
    return root, here


def uid_message(action: str, item: Item, timeout: int) -> Element:
    """The order to `register` or `unregister` one tag of one address. `timeout` in seconds, 0 is none.

    Without a timeout the registration is told to outlive a restart; the two do not go together.
    """
    root = Element("uid-message")
    SubElement(root, "version").text = "1.0"
    SubElement(root, "type").text = "update"
    attributes = {"ip": item.value.text}
    if action == "register" and not timeout:
        attributes["persistent"] = "1"
    entry = SubElement(SubElement(SubElement(root, "payload"), action), "entry", attributes)
    limit = {"timeout": str(timeout)} if action == "register" and timeout else {}
    SubElement(SubElement(entry, "tag"), "member", limit).text = item.tag
    return root


def show_address(text: str) -> Element:
    root, registered = tree("show", "object", "registered-ip")
    SubElement(registered, "ip").text = text
    return root


def show_tag(tag: str, start: int) -> Element:
    """One page of the addresses with a tag; `start` counts from 1."""
    root, registered = tree("show", "object", "registered-ip")
    SubElement(registered, "limit").text = str(PAGE_SIZE)
    SubElement(registered, "start-point").text = str(start)
    SubElement(SubElement(registered, "tag"), "entry", {"name": tag})
    return root


def parsed(body: bytes) -> Element:
    """The document of a reply. Raises ValueError for what is no XML, or declares a document type or entities."""
    text = body.decode("utf-8")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("the reply declares a document type")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - without declarations nothing can be expanded or fetched
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None


def registered_rows(root: Element) -> dict[str, frozenset[str]]:
    """Tags by address of a reply of `show object registered-ip`.

    Raises ProductError for a form that is not known: it must not pass for `nothing is registered`.
    """
    result = root.find("result")
    if result is None or any(child.tag not in ("entry", "count") for child in result):
        raise unknown_form()
    entries, count = result.findall("entry"), (result.findtext("count") or "").strip()
    if any(not entry.get("ip") for entry in entries) or (count not in ("", "0") and not entries):
        raise unknown_form()
    return {
        spelled(str(entry.get("ip"))): frozenset(str(member.text) for member in entry.findall("tag/member"))
        for entry in entries
    }


def unknown_form() -> ProductError:
    return ProductError(f"{PRODUCT} showed its registered addresses in a form that is not known; nothing was changed.")


class Refusal(ProductError):
    """An XML error. `problems` are the messages for single entries, `code` is empty when only they are there."""

    def __init__(self, code: str, text: str, problems: Sequence[str]) -> None:
        shown = "; ".join(dict.fromkeys(problems)) or text or "without a reason"
        told = f"{PRODUCT} refused{f' (code {code})' if code else ''}: {shown.rstrip('.')}. {HINTS.get(code, '')}"
        super().__init__(told.strip(), uncertain=code in INTERNAL_CODES)
        self.problems = tuple(problems)
        self.text = text

    def only_says(self, words: str) -> bool:
        """Is this the one answer that an order had been carried out before?"""
        said = self.problems or (self.text,)
        return all(words in problem for problem in said)


def refusal_of(root: Element) -> Refusal:
    """The refusal in a reply; its text is in `msg`, `msg/line` or `result/msg`."""
    problems = [str(entry.get("message")) for entry in root.iter("entry") if entry.get("message")]
    texts = [" ".join(" ".join(message.itertext()).split()) for message in root.iter("msg")]
    return Refusal(root.get("code") or "", "; ".join(filter(None, texts)), problems)


# ---- client


class System(NamedTuple):
    """What a device says of itself: PAN-OS version as shown and as (major, minor), and its own addresses as text."""

    shown: str
    version: tuple[int, int]
    addresses: tuple[str, ...]
    is_panorama: bool
    serial: str


class PANOSClient(ProductClient):
    """The calls of the XML API. All raise ProductError. One instance serves one command.

    What a device says of itself is asked once. So are all addresses with a tag, for those questions to which the
    beginning of the command is early enough.
    """

    def __init__(self, settings: Settings, timing: HttpTiming | None = None) -> None:
        super().__init__(
            PRODUCT,
            settings.http,
            HttpRetry.of(settings.http, timing),
            headers={"X-PAN-KEY": settings.key},
        )
        self.systems: dict[Place, System] = {}
        self.tagged_at_first: dict[tuple[Place, str], frozenset[str]] = {}

    def system(self, place: Place) -> System:
        """What the device of a place says of itself."""
        if place not in self.systems:
            command, _ = tree("show", "system", "info")
            found = system_of(self.ask("op", command, place))
            if place.serial and found.serial != place.serial:
                raise ProductError(
                    f"{place.label} was asked and {found.serial or 'another device'} answered. Is the address that of "
                    "a Panorama, and the serial number right?"
                )
            self.systems[place] = found
        return self.systems[place]

    def has(self, place: Place, item: Item) -> bool:
        """Is this registered now?"""
        if item.value.kind == ADDRESS:
            rows = registered_rows(self.ask("op", show_address(item.value.text), place))
            return item.tag in rows.get(item.value.text, frozenset())
        return item.value.text in self.tagged(place, item.tag)

    def had(self, place: Place, item: Item) -> bool:
        """Was this registered when this command first asked for the tag?"""
        key = (place, item.tag)
        if key not in self.tagged_at_first:
            self.tagged_at_first[key] = self.tagged(place, item.tag)
        return item.value.text in self.tagged_at_first[key]

    def tagged(self, place: Place, tag: str) -> frozenset[str]:
        """All addresses, networks and ranges with a tag, page by page."""
        found: dict[str, frozenset[str]] = {}
        while True:
            rows = registered_rows(self.ask("op", show_tag(tag, len(found) + 1), place))
            fresh = rows.keys() - found.keys()
            found |= rows
            # The last page is short; one that brings nothing new ends the walk where pages are not known.
            if len(rows) < PAGE_SIZE or not fresh:
                return frozenset(address for address, tags in found.items() if tag in tags)

    def register(self, place: Place, item: Item, timeout: int) -> bool:
        """Put the tag on the address; False when it had it."""
        return self.order(place, uid_message("register", item, timeout), "already exists")

    def unregister(self, place: Place, item: Item) -> bool:
        """Take this tag, and no other, off the address; False when it did not have it."""
        return self.order(place, uid_message("unregister", item, 0), "does not exist")

    def order(self, place: Place, message: Element, needless: str) -> bool:
        try:
            self.ask("user-id", message, place, order=True)
        except Refusal as refusal:
            if not refusal.only_says(needless):
                raise
            return False
        return True

    def ask(self, kind: str, command: Element, place: Place, order: bool = False) -> Element:
        """One call of the API at a place; gives the reply of a success."""
        form = {"type": kind, "cmd": ElementTree.tostring(command, encoding="unicode")}
        form |= {"vsys": place.vsys} if place.vsys else {}
        form |= {"target": place.serial} if place.serial else {}
        root: Element = self.call("POST", "/api/", order=order, data=form)
        return root

    def read(self, response: requests.Response) -> Element:
        """The document of a success; whether it is one stands in the document, whatever the HTTP status."""
        try:
            root = parsed(response.content)
        except ValueError:
            if not 200 <= response.status_code < 300:
                raise self.refusal(response) from None
            raise ProductBusyError(f"{PRODUCT} answered with something that is not XML") from None
        if root.tag != "response":
            raise ProductBusyError(f"{PRODUCT} answered with a page that is not of its XML API")
        if root.get("status") != SUCCESS:
            raise refusal_of(root)
        return root


def system_of(root: Element) -> System:
    """Reads a reply of `show system info`. Raises ProductError when it lacks the version."""
    told = {part.tag: (part.text or "").strip() for part in root.findall("result/system/*")}
    version = re.match(r"(\d+)\.(\d+)", told.get("sw-version", ""))
    if version is None:
        raise ProductError(f"{PRODUCT} did not tell its version.")
    names = ("ip-address", "ipv6-address", "public-ip-address")
    return System(
        told["sw-version"],
        (int(version[1]), int(version[2])),
        tuple(told.get(name, "").partition("/")[0] for name in names),
        told.get("model", "").casefold() == "panorama",
        told.get("serial", ""),
    )


# ---- pure functions: places


class Answers(NamedTuple):
    """What each place said, and why others said nothing."""

    given: dict[Place, bool]
    errors: dict[Place, ProductError]

    def those(self, answer: bool) -> list[Place]:
        return [place for place, given in self.given.items() if given is answer]


def at_each(places: Iterable[Place], action: Callable[[Place], bool]) -> Answers:
    """Do something at every place; what fails at one does not keep the others from it."""
    answers = Answers({}, {})
    for place in places:
        try:
            answers.given[place] = action(place)
        except ProductError as error:
            answers.errors[place] = error
    return answers


def labels(places: Iterable[Place]) -> str:
    return ", ".join(place.label for place in places)


def error_words(errors: Mapping[Place, ProductError]) -> str:
    return "; ".join(f"{place.label}: {error}" for place, error in errors.items())


def joined_error(errors: Mapping[Place, ProductError]) -> ProductError:
    """One exception for all places; of a single firewall its own words are enough."""
    uncertain = any(error.uncertain for error in errors.values())
    alone = len(errors) == 1 and not next(iter(errors)).serial
    return ProductError(str(next(iter(errors.values()))) if alone else error_words(errors), uncertain)


def places_in(texts: Iterable[str]) -> list[Place]:
    """The places of a list in facts or restore."""
    return [Place(serial, vsys) for serial, _, vsys in (text.partition("/") for text in texts)]


def others_places(record: Mapping[str, Any]) -> set[Place]:
    """Where somebody else had registered it before."""
    return {place for part in ("facts", "restore") for place in places_in(record[part].get("others", ()))}


def unread_places(record: Mapping[str, Any]) -> set[Place]:
    """Where nobody could tell so far whether somebody else had registered it before."""
    return set(places_in(record["facts"].get("unread", ()))) - set(places_in(record["restore"].get("read", ())))


def restore_after(record: Mapping[str, Any], orders: Answers) -> dict[str, Any] | None:
    """What the first orders to places that could not be read before tell of them; None for nothing new.

    A place that had the registration then had it from somebody else. An order without an answer may have been the
    first one to put it there, so that place counts as this instance's own.
    """
    answered = [*orders.given, *(place for place, error in orders.errors.items() if error.uncertain)]
    told = [place for place in answered if place in unread_places(record)]
    if not told:
        return None
    kept = record["restore"]
    others = [place.text for place in told if orders.given.get(place) is False]
    return {
        "read": sorted({*kept.get("read", ()), *(place.text for place in told)}),
        "others": sorted({*kept.get("others", ()), *others}),
    }


def wanted_state(item: Item, look: Answers, unread: Iterable[Place]) -> ElementState:
    """Of something to be blocked: it is when every place has it.

    At an `unread` place an order has yet to find out whose registration it is, so it does not count until then.
    """
    lacking = [*look.those(False), *(place for place in look.those(True) if place in unread)]
    if lacking:
        return ElementState("free", f"{item.words} is not registered by this instance at {labels(lacking)}")
    if look.errors:
        return ElementState("unknown", error_words(look.errors))
    return ElementState("blocked")


def unwanted_state(item: Item, look: Answers) -> ElementState:
    """Of something to be released: it is free when no place has it."""
    holding = look.those(True)
    if holding:
        return ElementState("blocked", f"{item.words} is registered at {labels(holding)}")
    return ElementState("unknown", error_words(look.errors)) if look.errors else ElementState("free")


def obstacle(item: Item, place: Place, system: System) -> str:
    """Why a device cannot or must not register this; empty when nothing is in the way."""
    if item.value.kind != ADDRESS and system.version < NETWORKS_FROM:
        return (
            f"{place.label} has PAN-OS {system.shown}, which registers single addresses only; networks and ranges "
            f"need {'.'.join(map(str, NETWORKS_FROM))}"
        )
    return own_address_in(item.value, system.addresses, place.label)


# ---- driver


class PANOSDriver(Driver):
    """One registration for each value and tag, at every place.

    Elements are `value@tag`. Those of a static list are the plain value, as the list has it; their tag is in the facts.
    """

    def __init__(self, client: PANOSClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.tags = {
            "host": settings.host_tag,
            "detection": settings.detection_tag,
            "destinations": settings.static_tag,
        }

    def test(self) -> str:
        """`ok`, or what is missing. The right to register shows only when it is used."""
        for place in self.settings.places:
            system = self.client.system(place)
            if system.is_panorama:
                return (
                    f"{self.settings.http.url} is a Panorama. Name the firewalls in 'target_serials': what Panorama "
                    "itself registers may not reach them."
                )
            probe = Item(read_blockable("192.0.2.1"), self.settings.host_tag)
            self.client.has(place, probe)
        return "ok"

    def targets(self, entity: Entity) -> list[Target]:
        """What to register for an entity, with where it is blocked and where somebody else blocked it before."""
        return [self.target(text, entity.kind) for text in texts_to_block(entity, PRODUCT)]

    def target(self, text: str, kind: str) -> Target:
        tag = self.tags[kind]
        try:
            value = registrable(text)
        except ValueError:
            return Target(text)
        element = value.text if kind == "destinations" else f"{value.text}@{tag}"
        return Target(element, {"tag": tag, **self.facts(Item(value, tag))})

    def facts(self, item: Item) -> dict[str, list[str]]:
        """The places, those that have it by somebody else, and those that could not be asked.

        One place needs no look: what it has by somebody else is not blocked by this instance at all.
        """
        places = self.settings.places
        found = at_each(places if len(places) > 1 else (), lambda place: self.client.had(place, item))
        kept = {"places": places, "others": found.those(True), "unread": list(found.errors)}
        return {name: [place.text for place in there] for name, there in kept.items() if there}

    def item(self, element: str, record: Mapping[str, Any]) -> Item:
        """The registration that an element stands for. Raises ValueError with the reason when it is none.

        An element without a tag is one of a static list, or was written down by VAR.
        """
        text, _, tag = element.partition("@")
        return Item(registrable(text), tag or record["facts"].get("tag") or self.tags.get(record["kind"], ""))

    def block(self, target: Target, record: Mapping[str, Any]) -> Outcome:
        """Register it at every place, and look."""
        try:
            item = self.item(target.element, record)
        except ValueError as error:
            return Outcome("unsupported", reason=str(error))
        known = at_each(self.settings.places, lambda place: bool(self.client.system(place)))
        reason = self.obstacle(item, known)
        if reason:
            return Outcome("unsupported", reason=reason)
        orders = at_each(known.given, lambda place: self.client.register(place, item, self.settings.tag_timeout))
        look = at_each(orders.given, lambda place: self.client.has(place, item))
        missing = {**known.errors, **orders.errors}
        reached = set(orders.given) - others_places(record)
        if missing and not reached and not any(error.uncertain for error in orders.errors.values()):
            raise joined_error(missing)
        return block_outcome(item, orders, look, missing, restore_after(record, orders))

    def obstacle(self, item: Item, known: Answers) -> str:
        """What keeps any of the places, or the address of this instance, from it."""
        found = (obstacle(item, place, self.client.system(place)) for place in known.given)
        return own_address_in(item.value, [self.settings.http.url], PRODUCT) or next(filter(None, found), "")

    def unblock(self, element: str, record: Mapping[str, Any]) -> Outcome:
        """Take the tag off wherever this instance may have put it, and look."""
        try:
            item = self.item(element, record)
        except ValueError as error:
            return Outcome("not_found", reason=str(error))
        places = self.held_places(record)
        orders = at_each(places, lambda place: self.client.unregister(place, item))
        look = at_each(orders.given, lambda place: self.client.has(place, item))
        errors, left = self.sorted_errors({**orders.errors, **look.errors})
        if errors:
            raise joined_error(errors)
        if look.those(True):
            return Outcome("pending", reason=f"{item.words} is still shown at {labels(look.those(True))}")
        return Outcome("applied" if orders.those(True) else "already", reason=left, reference=f"tag {item.tag}")

    def held_places(self, record: Mapping[str, Any]) -> list[Place]:
        """Where this instance may have registered it: then and now, but not where others had."""
        then = places_in(record["facts"].get("places", ()))
        others = others_places(record)
        return [place for place in dict.fromkeys((*then, *self.settings.places)) if place not in others]

    def sorted_errors(self, errors: Mapping[Place, ProductError]) -> tuple[dict[Place, ProductError], str]:
        """Errors that have to be tried again, and words for those of firewalls that this instance left behind.

        A firewall that is not in the settings any more and cannot be asked is likely gone; waiting for it has no end.
        """
        left = {place: error for place, error in errors.items() if not (error.uncertain or self.is_served(place))}
        words = (
            f"not released where this instance no longer reaches, check by hand: {error_words(left)}" if left else ""
        )
        return {place: error for place, error in errors.items() if place not in left}, words

    def is_served(self, place: Place) -> bool:
        return place.serial in {one.serial for one in self.settings.places}

    def state(self, element: str, record: Mapping[str, Any]) -> ElementState:
        """What the places say. Settled elements are looked up together, all others each by itself."""
        try:
            item = self.item(element, record)
        except ValueError as error:
            return ElementState("gone", str(error))
        ask = self.client.had if record["phase"] == "blocked" else self.client.has
        wanted = bool(record["claims"]) or record["phase"] == "new"
        places = self.settings.places if wanted else self.held_places(record)
        look = at_each(places, lambda place: ask(place, item))
        if not wanted:
            look = Answers(look.given, self.sorted_errors(look.errors)[0])
        if look.errors and not look.given:
            raise joined_error(look.errors)
        if not wanted:
            return unwanted_state(item, look)
        return wanted_state(item, look, () if record["phase"] == "new" else unread_places(record))


def block_outcome(
    item: Item, orders: Answers, look: Answers, missing: Mapping[Place, ProductError], restore: dict[str, Any] | None
) -> Outcome:
    """What became of an order to block: `orders` say where it was new, `look` where it is shown after it.

    Of several places the block stays on record while any lacks it, so that it is ordered there again.
    """
    errors = {**missing, **look.errors}
    unsure = {place: error for place, error in errors.items() if error.uncertain or place in look.errors}
    lacking = {place: error for place, error in errors.items() if place not in unsure}
    parts = {
        "registered, not shown yet at ": labels(look.those(False)),
        "not registered at ": error_words(lacking),
        "no certain answer from ": error_words(unsure),
    }
    reasons = [f"{words}{where}" for words, where in parts.items() if where]
    seen = labels(look.those(True))
    reasons = [f"blocked at {seen}", *reasons] if reasons and seen else reasons
    status = "pending" if reasons else "applied" if orders.those(True) else "already"
    return Outcome(status, reason="; ".join(reasons), reference=f"tag {item.tag}", restore=restore)


# ---- main


def main() -> None:
    """Read parameters and arguments, run one command, return its result. Nothing but this touches `demisto`."""
    command = demisto.command()
    demisto.debug(f"Command being called is {command}")
    try:
        ledger = VersionedState(ContextPort.of(demisto), DRIVER_STATE_VERSION, new_ledger)
        settings = settings_from_params(demisto.params())
        driver = PANOSDriver(PANOSClient(settings), settings)
        run = DriverRun(driver, ledger, time.time, BRAND, demisto.integrationInstance())
        return_results(driver_answer(command, demisto.args(), run))
    except Exception as error:
        demisto.debug(f"{command} failed: {type(error).__name__}")
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
