"""What an XSOAR indicator is in Cortex XDR and the other way round: values in, values out.

Three parts: the record that XDR takes for an indicator, what of it is news to XDR, and what a change in XDR
means for the indicator. Nothing here touches a network, a clock or a store; `now_ms` is handed in.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import demistomock as demisto  # noqa: F401
from CommonServerPython import *

IOC_BRAND = "CortexXDRIOC"
SEVERITIES = ("info", "low", "medium", "high", "critical")
XDR_SEVERITY = {
    **{name.upper(): name.upper() for name in SEVERITIES},
    "INFORMATIONAL": "INFO",
    "INFORMATION": "INFO",
    "MED": "MEDIUM",
    "0.5": "INFO",
    "1": "LOW",
    "2": "MEDIUM",
    "3": "HIGH",
    "4": "CRITICAL",
    "SEV_010_INFO": "INFO",
    "SEV_020_LOW": "LOW",
    "SEV_030_MEDIUM": "MEDIUM",
    "SEV_040_HIGH": "HIGH",
    "SEV_050_CRITICAL": "CRITICAL",
}
NO_SEVERITY = frozenset({"", "UNKNOWN", "0", "SEV_090_UNKNOWN", "NONE"})
XDR_REPUTATION = {1: "GOOD", 2: "SUSPICIOUS", 3: "BAD"}
XSOAR_SCORE = {"GOOD": 1, "SUSPICIOUS": 2, "BAD": 3}
XDR_TYPE = {"File": "HASH", "Domain": "DOMAIN_NAME", "IP": "IP"}
XSOAR_TYPE = {"HASH": "File", "DOMAIN_NAME": "Domain", "IP": "IP"}
VALUE_SHAPE = {
    "HASH": re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}"),
    "IP": re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII),
    "DOMAIN_NAME": re.compile(r"[^\s/*:@]+\.[^\s/*:@]+"),
}
HASH_NAMES = {40: "SHA-1", 128: "SHA-512"}
HASH_FIELDS = {"sha256": 64, "md5": 32}
NO_HASH_KNOWN = "and neither MD5 nor SHA-256 of the file is known"
NO_NAMES: Mapping[str, str] = MappingProxyType({})
CLASS_LENGTH = 36
LATEST_MS = 253_402_300_799_000
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - compared with instants whose zone was taken off, which is faster
COMPARED = ("severity", "reputation", "expiration_date", "comment", "status", "class", "reliability")
WHOLE_SECOND_ENDS = frozenset({"Z", ".000Z", ".000000Z"})
ISO_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?\s*(Z|z|[+-]\d\d:?\d\d)?$")


class MappingSettings(Protocol):
    """What the mapping needs to know of an instance; see the parameters of the same names.

    `severity` is an XDR severity in capitals; `comment_field` and `severity_field` are cli names; `link_prefix` is
    empty unless the link to the indicator is part of the comment. `label` names the instance where there are several,
    "" where there is one; `instance` is its name in XSOAR, of use together with a label only.
    """

    @property
    def severity(self) -> str: ...

    @property
    def override_severity(self) -> bool: ...

    @property
    def severity_field(self) -> str: ...

    @property
    def comment_field(self) -> str: ...

    @property
    def link_prefix(self) -> str: ...

    @property
    def comments_as_tags(self) -> bool: ...

    @property
    def tags(self) -> tuple[str, ...]: ...

    @property
    def tlp_color(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def instance(self) -> str: ...


def row_time(row: Mapping[str, Any]) -> int:
    """When XDR last changed this IOC, in epoch milliseconds; 0 when the row does not say."""
    value = row.get("RULE_MODIFY_TIME")
    return int(value) if isinstance(value, int | float) and 0 <= value <= LATEST_MS else 0


# ---- pure functions: time and text


class RejectedRecordError(ValueError):
    """This record cannot be exchanged; the text says why. It is set aside, the others go on."""


def epoch_ms(text: str) -> int:
    """An ISO instant as epoch milliseconds; without a zone it is UTC.

    Raises:
        ValueError: not an ISO instant.
    """
    if isinstance(text, str) and text[19:] in WHOLE_SECOND_ENDS:
        delta = datetime.fromisoformat(text[:19]) - EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1000
    return instant_ns(text) // 10**6


def instant_ns(text: str) -> int:
    """An ISO instant as epoch nanoseconds, exactly, so that instants with different numbers of decimals can be
    compared.
    """
    found = ISO_INSTANT.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a date and time such as 2030-01-31T12:00:00Z")
    day, clock, fraction, zone = found.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}")
    if zone and zone not in "Zz":
        zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
        try:
            moment = datetime.fromisoformat(f"{day}T{clock}{zone}").astimezone(timezone.utc).replace(tzinfo=None)
        except OverflowError:
            raise ValueError(f"{text!r} is outside of the years 1 to 9999") from None
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))


def whole_second(ns: int, after: bool = False) -> str:
    """The instant cut to a whole second, the form that every search of XSOAR takes; `after` gives the next one."""
    seconds = ns // 10**9 + (1 if after else 0)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_from_ms(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- pure functions: XSOAR -> Cortex XDR


def xdr_kind(indicator_type: Any) -> str:
    """The IOC type for an XSOAR indicator type, "" when XDR has none."""
    name = str(indicator_type or "")
    kind = XDR_TYPE.get(name)
    if kind is None:
        lowered = name.lower()
        if lowered.startswith("file"):
            kind = "HASH"
        elif lowered in ("domain", "fqdn"):
            kind = "DOMAIN_NAME"
        elif lowered == "ip":
            kind = "IP"
    return kind or ""


def xdr_type(indicator_type: Any, value: str) -> str:
    """The IOC type for an XSOAR indicator type, or a RejectedRecordError that says why XDR does not take it."""
    kind = xdr_kind(indicator_type)
    if not kind:
        raise RejectedRecordError(f"Cortex XDR has no IOC type for {indicator_type or 'an indicator without a type'}")
    if not VALUE_SHAPE[kind].fullmatch(value):
        raise RejectedRecordError(shape_reason(kind, value))
    return kind


def value_and_type(ioc: Mapping[str, Any], value: str) -> tuple[str, str]:
    """The value and type of the IOC for an indicator with this value, or a RejectedRecordError."""
    try:
        return value, xdr_type(ioc.get("indicator_type"), value)
    except RejectedRecordError as reason:
        if hash_value := stand_in_hash(ioc):
            return hash_value, "HASH"
        if xdr_kind(ioc.get("indicator_type")) == "HASH":
            raise RejectedRecordError(f"{reason}, {NO_HASH_KNOWN}") from None
        raise


def is_hash(value: str) -> bool:
    """Is this an MD5 or a SHA-256, the hashes that XDR takes?"""
    return VALUE_SHAPE["HASH"].fullmatch(value) is not None


def stand_in_hash(ioc: Mapping[str, Any]) -> str:
    """The hash under which XDR holds a File indicator whose own value it does not take: the SHA-256 of the file if it
    is known, else the MD5, in lower case. "" for every other indicator, and for a file of which neither is known.
    """
    value, fields = ioc.get("value"), ioc.get("CustomFields")
    if not isinstance(value, str) or not isinstance(fields, dict):
        return ""
    if xdr_kind(ioc.get("indicator_type")) != "HASH" or is_hash(value):
        return ""
    for name, length in HASH_FIELDS.items():
        known = fields.get(name)
        for text in known if isinstance(known, list) else [known]:
            if isinstance(text, str) and len(text := text.strip()) == length and is_hash(text):
                return text.lower()
    return ""


def ioc_value(ioc: Mapping[str, Any]) -> str:
    """The value under which XDR holds an indicator."""
    return stand_in_hash(ioc) or str(ioc.get("value") or "")


def is_owner(ioc: Mapping[str, Any], owners: Mapping[str, Mapping[str, Any]]) -> bool:
    """Does this indicator speak for its IOC? Only of files that go out under another hash there can be several;
    `owners` has the one that does by that hash.
    """
    owner = owners.get(stand_in_hash(ioc)) if owners else None
    return owner is None or owner.get("id") == ioc.get("id")


def shape_reason(kind: str, value: str) -> str:
    if kind == "HASH":
        return (
            f"Cortex XDR takes MD5 and SHA-256, not {HASH_NAMES.get(len(value), f'a value of {len(value)} characters')}"
        )
    if kind == "IP":
        return "Cortex XDR takes single IPv4 addresses only"
    return "this is not a plain domain name"


def xdr_severity(raw: Any, fallback: str) -> str:
    """A severity in any of its spellings (word, XSOAR number, SEV_0x0 code) as XDR's word; unknown or empty gives
    `fallback`.
    """
    text = str(raw if raw is not None else "").strip().upper().removesuffix(".0")
    if text in NO_SEVERITY:
        return fallback
    known = XDR_SEVERITY.get(text)
    if known is None:
        raise RejectedRecordError(f"severity {str(raw)[:60]!r} is not one of {', '.join(SEVERITIES)}")
    return known


def xdr_expiration(raw: Any, now_ms: int) -> int:
    """Epoch milliseconds, or -1 for an indicator that never expires.

    Raises:
        RejectedRecordError: already past, or not readable. An unreadable date never becomes "never expires".
    """
    if not raw or (isinstance(raw, str) and raw.startswith("0001")):
        return -1
    try:
        moment = epoch_ms(raw)
    except (AttributeError, TypeError, ValueError):
        raise RejectedRecordError(f"expiration {str(raw)[:40]!r} is not a date") from None
    if moment <= now_ms:
        raise RejectedRecordError(f"expired at {raw}")
    return moment


def xdr_vendors(feeds: Mapping[str, Any]) -> list[dict[str, str]]:
    """One vendor per source brand, in the map's order, with the worst verdict and best reliability of its instances.

    This integration's own entry is left out: it only repeats what XDR said.
    """
    vendors: dict[str, dict[str, str]] = {}
    for key, feed in feeds.items():
        if not feed:
            continue
        name = feed.get("sourceBrand") or key
        if name == IOC_BRAND:
            continue
        reputation = XDR_REPUTATION.get(feed.get("score"), "UNKNOWN")
        reliability = (feed.get("reliability") or "F")[0]
        known = vendors.get(name)
        if known is None:
            vendors[name] = {"vendor_name": name, "reputation": reputation, "reliability": reliability}
            continue
        known["reliability"] = min(known["reliability"], reliability)
        if XSOAR_SCORE.get(reputation, 0) > XSOAR_SCORE.get(known["reputation"], 0):
            known["reputation"] = reputation
    return list(vendors.values())


def last_comment(comments: Any) -> str:
    """The newest comment that a person wrote; entries of the time line do not count."""
    for entry in reversed(comments or ()):
        if isinstance(entry, dict) and entry.get("type") == "IndicatorCommentRegular":
            return str(entry.get("content") or "")
    return ""


def xdr_comment(ioc: Mapping[str, Any], fields: Mapping[str, Any], settings: MappingSettings) -> list[str]:
    """The comment for XDR as a list of texts; empty when there is nothing to say, so that XDR keeps what it has."""
    if settings.comment_field == "comments":
        text = last_comment(ioc.get("comments"))
        if not settings.link_prefix:
            return [text] if text else []
        parts = [text]
    else:
        raw = fields.get(settings.comment_field)
        if settings.comments_as_tags and isinstance(raw, str):
            raw = raw.split(",")
        parts = [str(item).strip() for item in raw] if isinstance(raw, list | tuple) else [str(raw or "").strip()]
    if settings.link_prefix and ioc.get("id"):
        parts.append(f"{settings.link_prefix}{ioc['id']}")
    parts = [part for part in parts if part]
    return parts if settings.comments_as_tags or len(parts) < 2 else [", ".join(parts)]


def xdr_class(threat_types: Any) -> str:
    """The first threat category, cut to the length that XDR takes. XSOAR keeps an object, a list of objects or a
    list of texts.
    """
    first = threat_types[0] if isinstance(threat_types, list) and threat_types else threat_types
    category = first.get("threatcategory") if isinstance(first, dict) else first
    return str(category or "").strip()[:CLASS_LENGTH]


def xdr_record(ioc: Mapping[str, Any], settings: MappingSettings, now_ms: int) -> dict[str, Any]:
    """An XSOAR indicator as the object that XDR takes. Keys without a value are left out, so XDR keeps its own.

    Raises:
        RejectedRecordError: XDR would not take it, or a field of it cannot be read.
    """
    value = ioc.get("value")
    if not value or not isinstance(value, str):
        raise RejectedRecordError("the indicator has no value")
    fields = ioc.get("CustomFields") or {}
    value, kind = value_and_type(ioc, value)
    record: dict[str, Any] = {
        "indicator": value,
        "type": kind,
        "severity": settings.severity
        if settings.override_severity
        else xdr_severity(fields.get(settings.severity_field), settings.severity),
        "reputation": XDR_REPUTATION.get(ioc.get("score"), "UNKNOWN"),  # type: ignore[arg-type]
        "expiration_date": xdr_expiration(ioc.get("expiration"), now_ms),
    }
    if reliability := ioc.get("aggregatedReliability"):
        record["reliability"] = reliability[0]
    if (feeds := ioc.get("moduleToFeedMap")) and (vendors := xdr_vendors(feeds)):
        record["vendors"] = vendors
    if comment := xdr_comment(ioc, fields, settings):
        record["comment"] = comment
    if fields:
        if (threat_types := fields.get("threattypes")) and (category := xdr_class(threat_types)):
            record["class"] = category
        if status := str(fields.get("xdriocstatus") or ""):
            record["status"] = status.upper()
    return record


# ---- pure functions: what may be sent


def record_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a record that people change on either side, one plain value per name of COMPARED; "" means no
    opinion.
    """
    view = {name: record.get(name, "") for name in COMPARED}
    view["comment"] = without_owner(", ".join(record.get("comment") or ()))
    return view


class Outgoing(NamedTuple):
    """What goes out for an indicator.

    `standing` is the record as XDR should hold it; `news` tells whether XDR does not hold it yet; `enable` whether XDR
    must be told to enable the IOC besides; `deleted` whether XDR deleted it and nobody in XSOAR has asked for it since.
    `changed` names the fields that were changed in XSOAR, all of them where there is no memory; `memory` is what has to
    be remembered once XDR took the record, or at once where nothing is news; None for nothing. `intent` is what has to
    be remembered before XDR is asked to take it: should nobody learn whether it did, the fields count as changed until
    somebody does.
    """

    standing: dict[str, Any]
    news: bool
    enable: bool = False
    deleted: bool = False
    changed: tuple[str, ...] = COMPARED
    memory: dict[str, Any] | None = None
    intent: dict[str, Any] | None = None


def memories(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What every instance noted on the indicator, by label, as it was found; `with_memory` writes it."""
    text = fields.get("xdriocstate")
    if not text:
        return {}
    try:
        noted = json.loads(text)
    except (TypeError, ValueError):
        return {}
    if not isinstance(noted, dict):
        return {}
    if noted.get("v") == 1:
        return {"": {name: content for name, content in noted.items() if name != "v"}}
    known = noted.get("of")
    return known if isinstance(known, dict) else {}


def load_memory(fields: Mapping[str, Any], label: str) -> dict[str, Any] | None:
    """What the instance with this label noted on the indicator: {"theirs": view and time, "base": view, "manual"}, and
    "ioc" where XDR holds the indicator under another value. Never what another label noted.
    """
    memory = memories(fields).get(label)
    if not isinstance(memory, dict):
        return None
    theirs, base = memory.get("theirs"), memory.get("base")
    if not isinstance(theirs, dict) or not isinstance(base, dict):
        return None
    return memory if all(expected is None or isinstance(expected, list) for expected in base.values()) else None


def with_memory(fields: Mapping[str, Any], label: str, memory: Mapping[str, Any] | None) -> str:
    """The text for the field *XDR IOC State* with this memory for this label, None for none. Those of all other labels
    stay as they are.
    """
    kept = {name: noted for name, noted in memories(fields).items() if name != label}
    of = kept if memory is None else {**kept, label: dict(memory)}
    return json.dumps({"v": 2, "of": of}, separators=(",", ":")) if of else "{}"


def about(memory: Mapping[str, Any], ioc: Mapping[str, Any], value: str) -> bool:
    """Is the memory on this indicator about the IOC with this value?"""
    return str(memory.get("ioc") or ioc.get("value") or "").lower() == value.lower()


def named_in(memory: dict[str, Any], ioc: Mapping[str, Any], value: str) -> dict[str, Any]:
    """The memory with the IOC that it is about, where that is not the indicator's own value."""
    own = str(ioc.get("value") or "").lower() == value.lower()
    return {name: noted for name, noted in memory.items() if name != "ioc"} | ({} if own else {"ioc": value})


def changed_here(name: str, value: Any, memory: Mapping[str, Any], manual: bool) -> bool:
    """Was this field changed in XSOAR since XDR's change arrived? Its `base` is a list of values that mean no, or
    null for any value.
    """
    if name == "reputation" and manual and not memory.get("manual"):
        return True
    base = memory["base"]
    if name not in base:
        return True
    return base[name] is not None and value not in base[name]


def outgoing(ioc: Mapping[str, Any], record: dict[str, Any], label: str = "") -> Outgoing:
    """Decide what to send for an indicator, given the record made from it and what it remembers of XDR's side.

    Without a memory the whole record goes. With one, fields that nobody changed in XSOAR keep XDR's value; when that
    leaves nothing new, nothing goes. An IOC that was deleted in XDR is sent again only after a person or a feed
    changed it. A file whose better hash became known is a new IOC, which starts with what the old one had.
    """
    fields = ioc.get("CustomFields")
    memory = load_memory(fields, label) if fields and "xdriocstate" in fields else None
    if memory is None:
        status = record.get("status")
        return Outgoing(sendable(record), True, enable=status == "ENABLED") if status else Outgoing(record, True)
    theirs, view = memory["theirs"], record_view(record)
    manual = bool(ioc.get("manualScore"))
    on_the_way = frozenset(memory.get("sent") or ())
    changed = [name for name in COMPARED if name in on_the_way or changed_here(name, view[name], memory, manual)]
    news = [name for name in changed if name in on_the_way or view[name] != theirs.get(name, "")]
    news = [name for name in news if view[name] or name == "comment"]
    merged = dict(record)
    for name in COMPARED:
        if name not in changed:
            put(merged, name, theirs.get(name, ""))
    if "comment" in news and not view["comment"]:
        merged["comment"] = [""]
    enable = "status" in news and view["status"] == "ENABLED" and theirs.get("status") == "DISABLED"
    merged = sendable(merged)
    deleted = not news and theirs.get("status") == "DELETED"
    send = bool(news) or not (deleted or about(memory, ioc, merged["indicator"]))
    after = (
        memory_after(memory, merged, view, changed, enable, manual) if send else settled_memory(memory, view, manual)
    )
    after = named_in(after, ioc, merged["indicator"]) if after and send else after
    intent = {**memory, "sent": news} if set(news) - on_the_way else None
    return Outgoing(merged, send, enable, deleted, tuple(changed), after, intent)


def memory_after(
    memory: Mapping[str, Any],
    sent: Mapping[str, Any],
    view: Mapping[str, Any],
    changed: Sequence[str],
    enable: bool,
    manual: bool,
) -> dict[str, Any]:
    """The memory once XDR took `sent`: what XDR holds then, and that today's values of XSOAR are no news any more.

    Without it a change that is taken back in XSOAR would look as if nobody had changed anything.
    """
    theirs = memory["theirs"]
    revived = theirs.get("status") == "DELETED"
    held = {name: value for name, value in record_view(sent).items() if value or (name == "comment" and name in sent)}
    if enable or revived:
        held.setdefault("status", "ENABLED")
    settled = (settled_memory(memory, view, manual) or memory)["base"]
    base = {**settled, **{name: [view[name]] for name in changed}, "reliability": None}
    if revived:
        base["status"] = sorted({view["status"], held["status"]})
    return {"theirs": {**theirs, **held}, "base": base, "manual": manual}


def settled_memory(memory: Mapping[str, Any], view: Mapping[str, Any], manual: bool) -> dict[str, Any] | None:
    """The memory of an indicator that is as `view` when nothing is open any more, None when nothing was.

    Open is what its expiration came to be: when XDR's change was written, nobody could tell whether XSOAR would follow
    it or another source. And what XSOAR had still to say, which is settled once XDR says it, too. Both would hide, or
    make up, what is changed later.
    """
    base, theirs = memory["base"], memory["theirs"]
    agreed = {
        name: [view[name]]
        for name in COMPARED
        if view[name] == theirs.get(name, "") and changed_here(name, view[name], memory, manual)
    }
    if not is_settled(memory):
        agreed["expiration_date"] = [view["expiration_date"]]
    if not agreed:
        return None
    return {**memory, "base": {**base, **agreed}, "manual": manual if "reputation" in agreed else memory.get("manual")}


def settled_item(ioc: Mapping[str, Any], memory: Mapping[str, Any], settings: MappingSettings) -> dict[str, Any]:
    """The indicator as it is, with this memory."""
    state = with_memory(ioc.get("CustomFields") or {}, settings.label, memory)
    return own_item(ioc, {**standing_expiration(ioc), "xdriocstate": state}, settings)


def settled_items(
    iocs: Iterable[Mapping[str, Any]], settings: MappingSettings, now_ms: int
) -> Iterator[dict[str, Any]]:
    """Items for those of these indicators of which it was open what their expiration would come to be."""
    for ioc in iocs:
        memory = load_memory(ioc.get("CustomFields") or {}, settings.label)
        with suppress(RejectedRecordError):
            view = record_view(checked_record(ioc, settings, now_ms))
            settled = settled_memory(memory, view, bool(ioc.get("manualScore"))) if memory else None
            if settled:
                yield settled_item(ioc, settled, settings)


def is_settled(memory: Mapping[str, Any]) -> bool:
    """Is it known what the expiration of the indicator came to be? See `settled_memory`."""
    expected = memory["base"].get("expiration_date", [])
    return expected is not None and len(expected) < 2


def noted_item(ioc: Mapping[str, Any], memory: Mapping[str, Any], settings: MappingSettings) -> dict[str, Any]:
    """The indicator again, with a new memory; our vote and what we said about its expiration stay as they are."""
    custom = ioc.get("CustomFields") or {}
    fields: dict[str, Any] = {"xdriocstate": with_memory(custom, settings.label, memory)}
    known, theirs = load_memory(custom, settings.label), memory["theirs"]
    revived = known and known["theirs"].get("status") == "DELETED" and theirs["status"] != "DELETED"
    if revived or (settings.label and theirs.get("status")):
        fields["xdriocstatus"] = str(theirs["status"]).lower()
    if theirs["expiration_date"] > 0:
        fields["expirationdate"] = iso_from_ms(theirs["expiration_date"])
    return own_item(ioc, fields, settings)


def own_item(ioc: Mapping[str, Any], fields: dict[str, Any], settings: MappingSettings) -> dict[str, Any]:
    """The indicator with these fields, to hand over to XSOAR; our vote stays as it was.

    A status goes into the field for the status by tenant when the instance has a label.
    """
    if settings.label and "xdriocstatus" in fields:
        status = fields["xdriocstatus"]
        fields = {name: value for name, value in fields.items() if name != "xdriocstatus"}
        fields |= tenant_fields(ioc.get("CustomFields") or {}, settings.label, status)
    item = {"value": ioc["value"], "type": ioc["indicator_type"], "score": own_vote(ioc, settings), "fields": fields}
    return {**item, "rawJSON": {"RULE_INDICATOR": ioc_value(ioc)}}


# ---- pure functions: several instances and tenants


OWNER_PART = re.compile(r"xsoar:([A-Za-z0-9 ._-]{1,32})")
LABEL_SHAPE = re.compile(r"[A-Za-z0-9._-](?:[A-Za-z0-9 ._-]{0,30}[A-Za-z0-9._-])?")


def owner_label(comment: str) -> str:
    """The label of the instance that last sent this comment, "" when no instance with a label did."""
    found = [OWNER_PART.fullmatch(part.strip()) for part in comment.split(",")] if "xsoar:" in comment else []
    labels = [match.group(1) for match in found if match]
    return labels[-1] if labels else ""


def without_owner(comment: str) -> str:
    """A comment without the parts that name an instance; the rest stays letter by letter."""
    if "xsoar:" not in comment:
        return comment
    parts = comment.split(",")
    kept = [part for part in parts if not OWNER_PART.fullmatch(part.strip())]
    rest = ",".join(kept)
    return rest.lstrip() if OWNER_PART.fullmatch(parts[0].strip()) else rest


def with_owner(record: dict[str, Any], settings: MappingSettings) -> dict[str, Any]:
    """The record with the label of this instance in its comment, so that the owner of an IOC can be read in XDR."""
    parts = [part for part in record.get("comment") or () if part]
    parts = [*parts, f"xsoar:{settings.label}"]
    return {**record, "comment": parts if settings.comments_as_tags else [", ".join(parts)]}


def with_tenant(entries: Any, label: str, status: str) -> list[str]:
    """The entries of the field *XDR IOC Tenants* with this status for this label; those of other labels stay."""
    known = entries if isinstance(entries, list) else str(entries or "").split(",")
    kept = {text for entry in known if (text := str(entry).strip()) and text.rpartition(":")[0] != label}
    return sorted({*kept, f"{label}: {status.lower()}"})


def tenant_fields(fields: Mapping[str, Any], label: str, status: Any) -> dict[str, Any]:
    """The field that shows the status by tenant; nothing where XDR said none."""
    return {"xdrioctenants": with_tenant(fields.get("xdrioctenants"), label, str(status))} if status else {}


def merged_item(item: Mapping[str, Any], current: Mapping[str, Any] | None, label: str) -> dict[str, Any]:
    """The item as it has to be written over the indicator as it is now: of the two fields that instances share, only
    the part of this label is the item's, the others' is what the indicator has.
    """
    fields, held = dict(item["fields"]), (current or {}).get("CustomFields") or {}
    if "xdriocstate" in fields:
        fields["xdriocstate"] = with_memory(held, label, memories(fields).get(label))
    if "xdrioctenants" in fields:
        own = [entry for entry in fields["xdrioctenants"] if entry.rpartition(":")[0] == label]
        fields |= tenant_fields(held, label, own[0].rpartition(": ")[2]) if own else {}
    return {**item, "fields": fields}


def was_lost(item: Mapping[str, Any], current: Mapping[str, Any] | None, label: str) -> bool:
    """Does the indicator lack what this item noted for this label? So it is when another instance, which had read the
    indicator before, wrote it after.
    """
    if current is None or "xdriocstate" not in item["fields"]:
        return False
    ours, held = memories(item["fields"]).get(label), memories(current.get("CustomFields") or {}).get(label)
    return bool(held != ours)


def put(record: dict[str, Any], name: str, value: Any) -> None:
    """Set a field of a record to a value of a view; no opinion removes it."""
    if value in ("", None):
        record.pop(name, None)
    else:
        record[name] = [value] if name == "comment" else value


def sendable(record: dict[str, Any]) -> dict[str, Any]:
    """Only DISABLED is a status that an insert is known to take; enabling is a call of its own."""
    if record.get("status", "DISABLED") != "DISABLED":
        record = {name: value for name, value in record.items() if name != "status"}
    return record


# ---- pure functions: Cortex XDR -> XSOAR


def their_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A `get_changes` row as a view (see `record_view`), `t`, the time of the change, and `hits`.

    Raises:
        RejectedRecordError: a code that this integration does not know; names the column and the value.
    """
    severity = row.get("RULE_SEVERITY")
    try:
        known_severity = xdr_severity(severity, "")
    except RejectedRecordError:
        raise RejectedRecordError(f"RULE_SEVERITY {severity!r} is unknown") from None
    status = "DELETED" if row.get("MARKED_DELETED") else str(row.get("RULE_STATUS") or "").upper()
    if status not in ("ENABLED", "DISABLED", "DELETED", ""):
        raise RejectedRecordError(f"RULE_STATUS {row.get('RULE_STATUS')!r} is unknown")
    expiration = row.get("RULE_EXPIRATION_TIME")
    if isinstance(expiration, int) and expiration > LATEST_MS:
        raise RejectedRecordError(f"RULE_EXPIRATION_TIME {expiration} is after the year 9999")
    reputation = str(row.get("REPUTATION") or "UNKNOWN").upper()
    return {
        "t": row_time(row),
        "severity": known_severity,
        "reputation": reputation if reputation in XSOAR_SCORE else "UNKNOWN",
        "expiration_date": expiration if isinstance(expiration, int) and expiration > 0 else -1,
        "comment": without_owner(comment_text(row.get("RULE_COMMENT"))),
        "status": status,
        "class": str(row.get("KLASS") or ""),
        "reliability": str(row.get("RELIABILITY") or "")[:1],
        "hits": row_hits(row),
    }


def comment_text(raw: Any) -> str:
    return ", ".join(str(item) for item in raw if item) if isinstance(raw, list) else str(raw or "")


def without_link(comment: str, link_prefix: str) -> list[str]:
    """The parts of a comment without the link that this integration added on the way out. Joined by commas they are
    the rest of the comment, letter by letter.
    """
    parts = comment.split(",")
    return [part for part in parts if not (link_prefix and part.strip().startswith(link_prefix))]


def own_vote(ioc: Mapping[str, Any] | None, settings: MappingSettings) -> int:
    """The verdict that this integration gave to an indicator before; of one with a label, that this instance gave."""
    feeds = ((ioc or {}).get("moduleToFeedMap") or {}).values()
    own = [feed for feed in feeds if feed and feed.get("sourceBrand") == IOC_BRAND]
    if settings.label and settings.instance:
        own = [feed for feed in own if feed.get("sourceInstance") == settings.instance]
    return (own[0].get("score") or 0) if own else 0


def inbound_score(theirs: Mapping[str, Any], current: Mapping[str, Any] | None, settings: MappingSettings) -> int:
    """Our vote: XDR's verdict, unless it only repeats what XSOAR holds already; then the vote stays as it was."""
    score = XSOAR_SCORE.get(theirs["reputation"], 0)
    return own_vote(current, settings) if current and score == (current.get("score") or 0) else score


def standing_expiration(ioc: Mapping[str, Any]) -> dict[str, Any]:
    """The expiration that an indicator has, as a field to hand over again; nothing when it never expires.

    An item that names none would get what the expiration policy of this instance says, "never" as a rule, in place of
    what the other sources said; and the next push would carry that to XDR.
    """
    expiration = ioc.get("expiration")
    if not isinstance(expiration, str) or not expiration or expiration.startswith("0001"):
        return {}
    return {"expirationdate": expiration}


def inbound_fields(
    theirs: Mapping[str, Any], current: Mapping[str, Any] | None, settings: MappingSettings
) -> dict[str, Any]:
    """The indicator fields that a change in XDR sets. A missing value sets nothing, so nothing is wiped by accident."""
    rest = without_link(theirs["comment"], settings.link_prefix)
    text, parts = ",".join(rest).strip(), [part.strip() for part in rest if part.strip()]
    fields: dict[str, Any] = {"xdrioccomment": text}
    if settings.label:
        fields |= tenant_fields((current or {}).get("CustomFields") or {}, settings.label, theirs["status"])
    else:
        fields["xdriocstatus"] = theirs["status"].lower()
    if theirs["expiration_date"] > 0:
        fields["expirationdate"] = iso_from_ms(theirs["expiration_date"])
    if not settings.override_severity and theirs["severity"]:
        fields[settings.severity_field] = theirs["severity"]
    if theirs["class"] and not ((current or {}).get("CustomFields") or {}).get("threattypes"):
        fields["threattypes"] = [{"threatcategory": theirs["class"]}]
    if settings.tlp_color:
        fields["trafficlightprotocol"] = settings.tlp_color
    tags = list(settings.tags)
    if settings.comment_field == "tags":
        tags = list(dict.fromkeys([*parts, *tags]))
    elif settings.comment_field != "comments" and parts:
        fields[settings.comment_field] = parts if settings.comments_as_tags else text
    if tags:
        fields["tags"] = tags
    return {name: value for name, value in fields.items() if value not in ("", None)}


def expected_base(
    item: Mapping[str, Any],
    theirs: Mapping[str, Any],
    current: Mapping[str, Any] | None,
    settings: MappingSettings,
    now_ms: int,
) -> dict[str, Any]:
    """What would be sent for the indicator once XSOAR took `item`: per field the values that mean "unchanged".

    Fields that a person edited stay as they are in XSOAR. Verdict and expiration depend on the other sources of the
    indicator, so both
    the old and the new value are expected there until `settled_memory`. An indicator that cannot be sent at all has an
    empty base: any later change counts; of one that is over, a new expiration does.
    """
    before = dict(current or {})
    locked = {str(name).lower() for name in before.get("manuallyEditedFields") or ()}
    written = {name: value for name, value in item["fields"].items() if name.lower() not in locked}
    after = {
        **before,
        "value": item["value"],
        "indicator_type": item["type"],
        "score": item["score"] if current is None else before.get("score"),
        "CustomFields": {**(before.get("CustomFields") or {}), **written},
        "expiration": written.get("expirationdate") or before.get("expiration"),
    }
    try:
        view = record_view(checked_record(unexpired(after, now_ms), settings, now_ms))
    except RejectedRecordError:
        return {}
    base: dict[str, Any] = {name: [view[name]] for name in COMPARED}
    base["reputation"] = sorted({view["reputation"], theirs["reputation"]})
    expected = {view["expiration_date"], theirs["expiration_date"], previous_expiration(before, now_ms)}
    # A new indicator has no other source. Without a date its type may give it one.
    alone = [theirs["expiration_date"]] if theirs["expiration_date"] > 0 else None
    base["expiration_date"] = sorted(expected) if current is not None else alone
    base["reliability"] = None
    return base


def previous_expiration(ioc: Mapping[str, Any], now_ms: int) -> int:
    try:
        return xdr_expiration(ioc.get("expiration"), now_ms)
    except RejectedRecordError:
        return -1


class InboundPlan(NamedTuple):
    """What a list of changes from XDR means for XSOAR: indicators to create or update, records set aside as
    (value, type, reason), how many rows told nothing new, and values that were changed on both sides. `names` has the
    value of the indicator by the IOC's in lower case, where they differ.
    """

    items: list[dict[str, Any]]
    rejects: list[tuple[str, str, str]]
    unchanged: int
    conflicts: list[str]
    names: Mapping[str, str] = NO_NAMES


def plan_inbound(
    rows: Iterable[Mapping[str, Any]],
    current: Mapping[str, Mapping[str, Any]],
    settings: MappingSettings,
    now_ms: int,
    sent_up_to_ns: int | None = None,
) -> InboundPlan:
    """Decide row by row, in order of change; of several rows for one value the last one counts.

    Args:
        current: today's XSOAR indicators by lower-case value of their IOC.
        sent_up_to_ns: position of the outbound fresh lane. An indicator changed after it has news that XDR does not
        know yet.
    """
    latest = {str(row.get("RULE_INDICATOR") or "").lower(): row for row in sorted(rows, key=row_time)}
    names = {key: str(ioc["value"]) for key, ioc in current.items() if stand_in_hash(ioc) == key}
    plan = InboundPlan([], [], 0, [], names)
    unchanged = 0
    for key, row in latest.items():
        try:
            item, conflict = inbound_item(row, current.get(key), settings, now_ms, sent_up_to_ns)
        except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
            reason = error if isinstance(error, RejectedRecordError) else f"cannot be read ({type(error).__name__})"
            value = names.get(key) or str(row.get("RULE_INDICATOR") or "")
            plan.rejects.append((value, str(row.get("IOC_TYPE") or ""), str(reason)))
            continue
        if item is None:
            unchanged += 1
            continue
        plan.items.append(item)
        if conflict:
            plan.conflicts.append(names.get(key, key))
    return plan._replace(unchanged=unchanged)


def inbound_item(
    row: Mapping[str, Any],
    current: Mapping[str, Any] | None,
    settings: MappingSettings,
    now_ms: int,
    sent_up_to_ns: int | None,
) -> tuple[dict[str, Any] | None, bool]:
    """The indicator to hand to XSOAR for one row, None when there is nothing new in it; and whether both sides
    changed it.
    """
    value, kind = str(row.get("RULE_INDICATOR") or ""), str(row.get("IOC_TYPE") or "")
    if not value:
        raise RejectedRecordError("the row has no RULE_INDICATOR")
    if kind not in XSOAR_TYPE:
        raise RejectedRecordError(f"XSOAR has no indicator type for {kind or 'a row without IOC_TYPE'}")
    theirs = their_view(row)
    custom = (current or {}).get("CustomFields") or {}
    memory = load_memory(custom, settings.label)
    if current is None and theirs["status"] == "DELETED":
        return None, False
    if memory and about(memory, current or {}, value) and told_before(theirs, memory):
        return hits_item(row, theirs, current or {}, memory, settings), False
    pending = pending_news(current, settings, now_ms) if current else None
    expired = current is not None and is_expired(current, now_ms)
    if current and pending is not None and says_the_same(pending.standing, theirs):
        return hits_item(row, theirs, current, memory_of_same(theirs, current, settings, now_ms), settings), False
    stands_in = current is not None and stand_in_hash(current) == value.lower()
    item: dict[str, Any] = {
        "value": current["value"] if current and stands_in else value,
        "type": current["indicator_type"] if current and stands_in else XSOAR_TYPE[kind],
        "score": inbound_score(theirs, current, settings),
        "rawJSON": dict(row),
    }
    item["fields"] = {
        **inbound_fields(theirs, current, settings),
        **hit_fields(theirs, memory, current or {}, settings),
    }
    unsent = sent_up_to_ns is not None and (memory is not None or changed_after(current or {}, sent_up_to_ns))
    changed = opinions(pending, memory is not None) if pending and unsent else ()
    if expired and "expiration_date" not in changed:
        # Nobody sends that an indicator is over, so what XDR still has is no answer to it.
        changed = (*changed, "expiration_date")
    if changed:
        # Both sides changed it. XSOAR's news goes out at this run, XDR's elsewhere in the record is taken now.
        item["fields"] = without_owned(item["fields"], changed, settings)
        item["score"] = own_vote(current, settings) if "reputation" in changed else item["score"]
    item["fields"] = {**standing_expiration(current or {}), **item["fields"]}
    base = expected_base(item, theirs, current, settings, now_ms)
    # What XSOAR has still to say stays to be said, also when it is what it said at first, unless XDR says it by now.
    base |= {name: [theirs[name]] if theirs[name] in (base.get(name) or ()) else [] for name in changed if base}
    if expired:
        base.pop("expiration_date", None)
    note = {"theirs": theirs, "base": base, "manual": bool((current or {}).get("manualScore"))}
    if memory and memory.get("sent"):
        note["sent"] = memory["sent"]
    item["fields"]["xdriocstate"] = with_memory(custom, settings.label, named_in(note, item, value))
    return item, bool(changed)


# ---- pure functions: hits

NOT_DISABLED = "not disabled"
HITS_THAT_DISABLE = 5_000


def row_hits(row: Mapping[str, Any]) -> int:
    """How often XDR found this IOC; 0 when the row does not say."""
    value = row.get("NUMBER_OF_HITS")
    return int(value) if isinstance(value, int | float) and value > 0 else 0


def hits_elsewhere(current: Mapping[str, Any], label: str) -> int:
    """The hits that instances with other labels noted on the indicator."""
    noted = [memory for name, memory in memories(current.get("CustomFields") or {}).items() if name != label]
    theirs = [memory.get("theirs") for memory in noted if isinstance(memory, dict)]
    return sum(int(view.get("hits") or 0) for view in theirs if isinstance(view, dict))


def known_hits(memory: Mapping[str, Any] | None, current: Mapping[str, Any], label: str) -> int:
    """The number of hits that this instance read before: from its memory of the indicator, else from the field."""
    if memory and "hits" in memory["theirs"]:
        return int(memory["theirs"]["hits"])
    noted = (current.get("CustomFields") or {}).get("xdriochits")
    try:
        return max(0, int(noted or 0) - hits_elsewhere(current, label))
    except (TypeError, ValueError):
        return 0


def hit_fields(
    theirs: Mapping[str, Any],
    memory: Mapping[str, Any] | None,
    current: Mapping[str, Any],
    settings: MappingSettings,
) -> dict[str, Any]:
    """What is new of the hits, and of why an IOC is disabled that nobody disabled from XSOAR.

    The hits of all labels are added up. An instance with a label names itself in the reason, and takes no other's back.
    """
    fields: dict[str, Any] = {}
    custom = current.get("CustomFields") or {}
    prefix = f"{settings.label}: " if settings.label else ""
    reason = str(custom.get("xdriocdisabledreason", NOT_DISABLED))
    explained = reason != NOT_DISABLED and reason.startswith(prefix)
    if theirs["hits"] != known_hits(memory, current, settings.label):
        fields["xdriochits"] = theirs["hits"] + hits_elsewhere(current, settings.label)
    wish, before = str(custom.get("xdriocstatus") or "").lower(), memory["theirs"].get("status") if memory else ""
    if theirs["status"] == "DISABLED" and before != "DISABLED" and wish != "disabled":
        fields["xdriocdisabledreason"] = prefix + disabled_reason(theirs)
    elif theirs["status"] == "ENABLED" and explained:
        fields["xdriocdisabledreason"] = NOT_DISABLED
    return fields


def disabled_reason(theirs: Mapping[str, Any]) -> str:
    """Why an IOC is disabled that was not disabled from XSOAR, as far as it can be known. XDR does not say who did it,
    but disables by itself a rule with 5,000 hits in 24 hours.
    """
    hits, when = theirs["hits"], f" at {iso_from_ms(theirs['t'])}" if theirs["t"] else ""
    if hits >= HITS_THAT_DISABLE:
        return f"probably by Cortex XDR itself{when}: it has {hits:,} hits, and 5,000 in 24 hours disable a rule"
    comment = f"; its comment there: {theirs['comment'][:100]}" if theirs["comment"] else ""
    return f"by an operator or Cortex XDR itself{when}, with {hits:,} hits{comment}"


def memory_of_same(
    theirs: Mapping[str, Any], current: Mapping[str, Any], settings: MappingSettings, now_ms: int
) -> dict[str, Any]:
    """The memory for an indicator of which XDR holds just what would be sent, so that nothing of it is news."""
    base = expected_base(own_item(current, {}, settings), theirs, current, settings, now_ms)
    note = {"theirs": dict(theirs), "base": base, "manual": bool(current.get("manualScore"))}
    return named_in(note, current, ioc_value(current))


def hits_item(
    row: Mapping[str, Any],
    theirs: Mapping[str, Any],
    current: Mapping[str, Any],
    memory: Mapping[str, Any],
    settings: MappingSettings,
) -> dict[str, Any] | None:
    """The indicator with its new number of hits and nothing else, None when there is no news of it. `memory` goes with
    it, since a changed indicator without one would be sent.
    """
    custom = current.get("CustomFields") or {}
    known = load_memory(custom, settings.label)
    if theirs["t"] < memory["theirs"].get("t", 0):
        return None
    fields = hit_fields(theirs, known, current, settings)
    if not fields:
        return None
    note = {**memory, "theirs": {**memory["theirs"], "hits": theirs["hits"]}}
    fields |= {**standing_expiration(current), "xdriocstate": with_memory(custom, settings.label, note)}
    if settings.label and note["theirs"].get("status"):
        fields["xdriocstatus"] = str(note["theirs"]["status"]).lower()
    return {**own_item(current, fields, settings), "rawJSON": dict(row)}


def opinions(pending: Outgoing, exact: bool) -> tuple[str, ...]:
    """The fields that count as changed in XSOAR: the `exact` ones, or all with a value where these are not known."""
    if exact:
        return pending.changed
    view = record_view(pending.standing)
    return tuple(name for name in COMPARED if view[name] != "" or (name == "status" and pending.enable))


def without_owned(fields: Mapping[str, Any], names: Iterable[str], settings: MappingSettings) -> dict[str, Any]:
    """Indicator fields without those that stand for these fields of a record."""
    owners = {
        "severity": settings.severity_field,
        "comment": settings.comment_field,
        "status": "xdriocstatus",
        "expiration_date": "expirationdate",
        "class": "threattypes",
    }
    owned = {owners.get(name) for name in names}
    return {name: value for name, value in fields.items() if name not in owned}


def checked_record(ioc: Mapping[str, Any], settings: MappingSettings, now_ms: int) -> dict[str, Any]:
    """As `xdr_record`, with RejectedRecordError also for fields whose shape cannot be read."""
    try:
        return xdr_record(ioc, settings, now_ms)
    except RejectedRecordError:
        raise
    except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
        text = f"a field has a shape that cannot be read ({type(error).__name__}: {error})"
        raise RejectedRecordError(text[:200]) from error


def mapped(ioc: Mapping[str, Any], settings: MappingSettings, now_ms: int) -> Outgoing:
    """What goes out for an indicator. Raises RejectedRecordError when nothing can."""
    going = outgoing(ioc, checked_record(ioc, settings, now_ms), settings.label)
    return going._replace(standing=with_owner(going.standing, settings)) if settings.label else going


def pending_news(current: Mapping[str, Any], settings: MappingSettings, now_ms: int) -> Outgoing | None:
    """What outbound would send for this indicator, None when nobody changed it in XSOAR. Of one that is over, what it
    would send if it were not.
    """
    try:
        going = mapped(unexpired(current, now_ms), settings, now_ms)
    except RejectedRecordError:
        return None
    return going if going.news or going.changed else None


def is_expired(ioc: Mapping[str, Any], now_ms: int) -> bool:
    if str(ioc.get("expirationStatus") or "").lower() == "expired":
        return True
    try:
        xdr_expiration(ioc.get("expiration"), now_ms)
    except RejectedRecordError as reason:
        return str(reason).startswith("expired")
    return False


def unexpired(ioc: Mapping[str, Any], now_ms: int) -> Mapping[str, Any]:
    return {**ioc, "expiration": None} if is_expired(ioc, now_ms) else ioc


def same_view(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in COMPARED)


def told_before(theirs: Mapping[str, Any], memory: Mapping[str, Any]) -> bool:
    """Does the memory know this already, or something newer?"""
    return bool(theirs["t"] <= memory["theirs"].get("t", 0)) or same_view(theirs, memory["theirs"])


def says_the_same(record: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Does XDR hold what we would send, and nothing besides? That is how our own write looks when it comes back. A
    comment or a class that we do not send is an operator's word.
    """
    view = record_view(record)
    if (theirs["status"] or "ENABLED") != (view["status"] or "ENABLED"):
        return False
    return all(view[name] == theirs[name] for name in COMPARED if name != "status")


def changed_after(ioc: Mapping[str, Any], position_ns: int | None) -> bool:
    with suppress(ValueError, TypeError):
        return position_ns is not None and instant_ns(str(ioc.get("modified") or "")) > position_ns
    return False
