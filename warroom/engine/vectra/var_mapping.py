"""What VAR's settings mean here: instances with their parameters, and a word about each setting. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from warroom.engine.migration import Note, NoteKind
from warroom.engine.vectra import var_values
from warroom.engine.vectra.var_clients import BY_HAND, DRIVERS, client_proposal
from warroom.engine.vectra.var_config import Setting, VarConfig
from warroom.engine.vectra.var_proposal import Proposal, VarSecret

BRAIN_BRAND = "VectraAutomatedResponse"
NOTIFIER_BRAND = "ResponseNotifier"
Convert = Callable[[Any], var_values.Taken]

# setting of VAR -> (parameter of the brain, how its value is read)
RULES: dict[str, tuple[str, Convert]] = {
    "BLOCK_HOST_TAG": ("host_block_tag", var_values.text_of),
    "UNBLOCK_HOST_TAG": ("host_unblock_tag", var_values.text_of),
    "NO_BLOCK_HOST_GROUP_NAME": ("host_no_block_group", var_values.text_of),
    "BLOCK_HOST_GROUP_NAME": ("host_block_group", var_values.text_of),
    "BLOCK_HOST_THREAT_CERTAINTY": ("host_score", var_values.score_of),
    "BLOCK_HOST_URGENCY": ("host_urgency", var_values.urgency_of),
    "BLOCK_HOST_DETECTION_TYPES": ("host_detection_types", var_values.lines_of),
    "BLOCK_ACCOUNT_TAG": ("account_block_tag", var_values.text_of),
    "UNBLOCK_ACCOUNT_TAG": ("account_unblock_tag", var_values.text_of),
    "NO_BLOCK_ACCOUNT_GROUP_NAME": ("account_no_block_group", var_values.text_of),
    "BLOCK_ACCOUNT_GROUP_NAME": ("account_block_group", var_values.text_of),
    "BLOCK_ACCOUNT_THREAT_CERTAINTY": ("account_score", var_values.score_of),
    "BLOCK_ACCOUNT_URGENCY": ("account_urgency", var_values.urgency_of),
    "BLOCK_ACCOUNT_DETECTION_TYPES": ("account_detection_types", var_values.lines_of),
    "EXTERNAL_BLOCK_HOST_TC": ("detection_host_score", var_values.score_of),
    "EXTERNAL_BLOCK_DETECTION_TAG": ("detection_block_tag", var_values.text_of),
    "EXTERNAL_UNBLOCK_DETECTION_TAG": ("detection_unblock_tag", var_values.text_of),
    "EXTERNAL_BLOCK_DETECTION_TYPES": ("detection_types", var_values.lines_of),
    "EXPLICIT_UNBLOCK": ("explicit_unblock", var_values.flag_of),
    "BLOCK_DAYS": ("block_days", var_values.lines_of),
    "BLOCK_START_TIME": ("block_start", var_values.hour_of),
    "BLOCK_END_TIME": ("block_end", var_values.hour_of),
}
# least score for detection types -> (parameter, the setting with the types)
MINIMA = {
    "BLOCK_HOST_DETECTION_TYPES_MIN_TC_SCORE": ("host_detection_score", "BLOCK_HOST_DETECTION_TYPES"),
    "BLOCK_ACCOUNT_DETECTION_TYPES_MIN_TC_SCORE": ("account_detection_score", "BLOCK_ACCOUNT_DETECTION_TYPES"),
}
MAIL = {"SMTP_SERVER": "smtp_server", "SMTP_PORT": "smtp_port", "SRC_EMAIL": "mail_from", "DST_EMAIL": "mail_to"}
SYSLOG = {"SYSLOG_SERVER": "syslog_server", "SYSLOG_PORT": "syslog_port"}
SWITCHES = ("SEND_EMAIL", "SMTP_AUTH", "SMTP_USER", "SEND_SYSLOG", "SYSLOG_PROTO", "SYSLOG_FORMAT")
RUNNER = ("COGNITO_URL", "AUTH", "THIRD_PARTY_CLIENTS", "SLEEP_MINUTES", "STATIC_BLOCK_DESTINATION_IPS")
KNOWN = frozenset({*RULES, *MINIMA, *MAIL, *SYSLOG, *SWITCHES, *RUNNER})


@dataclass(frozen=True)
class Migration:
    """What a configuration becomes. `list_file` is as VAR had it, relative to its folder."""

    proposals: tuple[Proposal, ...]
    interval_minutes: int | None
    list_file: str
    notes: tuple[Note, ...]


@dataclass
class Reader:
    """Reads settings one by one and keeps a word about each."""

    config: VarConfig
    notes: list[Note] = field(default_factory=list)

    def value(self, name: str, default: Any) -> Any:
        """The value of a setting, the default when it is not there."""
        found = self.config.settings.get(name)
        return default if found is None else found.value

    def say(self, kind: NoteKind, name: str, text: str) -> None:
        """Keeps a word about a setting."""
        found = self.config.settings.get(name)
        self.notes.append(Note(kind, found.where if found else "", name, text))

    def take(self, name: str, target: str, convert: Convert) -> dict[str, str]:
        """The parameter that a setting becomes; nothing when it is missing or cannot be taken over."""
        found = self.config.settings.get(name)
        if found is None:
            return {}
        try:
            text, remark = convert(found.value)
        except ValueError as error:
            self.say("left out", name, f"{error}; {target} keeps its default")
            return {}
        shown = text.replace("\n", ", ") or "empty"
        self.say("changed" if remark else "taken", name, f"{target} = {shown}" + (f" ({remark})" if remark else ""))
        return {target: text}


def migrate(
    config: VarConfig, clients: Mapping[str, VarConfig], zone: str, which: Callable[[str], str | None]
) -> Migration:
    """The migration of a configuration.

    `clients` are the settings of VAR's third-party clients by folder, `zone` the time zone that VAR ran in ("" when it
    is not known), `which` finds a program by its name.
    """
    reader = Reader(config)
    rules = rule_params(reader, zone)
    proposals = [*brain_proposals(reader, rules), *driver_proposals(reader, clients, which), *notifier_proposal(reader)]
    minutes = interval(reader)
    return Migration(tuple(proposals), minutes, list_file(reader), (*reader.notes, *unknown(config), *config.refused))


def rule_params(reader: Reader, zone: str) -> dict[str, str]:
    """Every rule as parameters of a brain."""
    params: dict[str, str] = {}
    for name, (target, convert) in RULES.items():
        params |= reader.take(name, target, convert)
    for name, (target, types) in MINIMA.items():
        used = bool(reader.value(types, []))
        params |= reader.take(name, target, lambda value: var_values.minimum_of(value, used=used))  # noqa: B023
    return {**params, **window(reader, params, zone)}


def window(reader: Reader, params: Mapping[str, str], zone: str) -> dict[str, str]:
    """Corrections of the block window: VAR's clock, and a window that has one end only."""
    start, end = params.get("block_start", ""), params.get("block_end", "")
    limited = bool(params.get("block_days")) or start != end
    change: dict[str, str] = {}
    if start != end and not (start and end):
        reader.say("changed", "BLOCK_START_TIME", "one end of the window is missing, so it is the whole day, as in VAR")
        change = {"block_start": "", "block_end": ""}
    if limited and zone:
        reader.say("changed", "BLOCK_DAYS", f"time_zone = {zone}, the clock that VAR went by on this machine")
        change["time_zone"] = zone
    elif limited:
        reader.say("to do", "BLOCK_DAYS", "the time zone of this machine is not known; set time_zone, else it is UTC")
    return change


def brain_proposals(reader: Reader, rules: Mapping[str, str]) -> list[Proposal]:
    """One instance per brain, each with all rules."""
    urls = reader.value("COGNITO_URL", [])
    urls = [urls] if isinstance(urls, str) else urls
    if not isinstance(urls, (list, tuple)):
        reader.say("left out", "COGNITO_URL", f"is {urls!r}, which is no list of addresses")
        return []
    found = [proposal for url in urls if (proposal := brain(reader, str(url).strip(), rules)) is not None]
    if not found:
        reader.say("to do", "COGNITO_URL", "names no brain; add one with `warroom vectra configure`")
    return found


def brain(reader: Reader, url: str, rules: Mapping[str, str]) -> Proposal | None:
    """The instance of one brain; None for an empty address. VAR's login is looked up under the address as it was."""
    if not url:
        return None
    full = url if "://" in url else f"https://{url}"
    host = urlsplit(full).hostname
    if not host:
        reader.say("left out", "COGNITO_URL", f"{url!r} is no address")
        return None
    token = str(reader.value("AUTH", "OAUTH")).strip().upper() == "TOKEN" and "portal.vectra.ai" not in full
    reader.say("taken", "COGNITO_URL", f"instance {host}, url = {full}, login by {'token' if token else 'API client'}")
    secrets = {"token_creds": VarSecret(url, "Token")} if token else {"client_creds": VarSecret(url, "Secret_Key")}
    identity = {} if token else {"client_creds.identifier": VarSecret(url, "Client_ID")}
    return Proposal(BRAIN_BRAND, host, {"url": full, **rules}, secrets, identity)


def driver_proposals(
    reader: Reader, clients: Mapping[str, VarConfig], which: Callable[[str], str | None]
) -> list[Proposal]:
    """One driver per client that has one here."""
    names = reader.value("THIRD_PARTY_CLIENTS", [])
    names = [names] if isinstance(names, str) else names if isinstance(names, (list, tuple)) else []
    found: dict[str, Proposal] = {}
    for name in map(str, names):
        folder = DRIVERS.get(name.strip().lower())
        if by_hand := BY_HAND.get(name.strip().lower()):
            reader.say("to do", "THIRD_PARTY_CLIENTS", by_hand_text(name, *by_hand))
            continue
        if folder is None:
            reader.say("left out", "THIRD_PARTY_CLIENTS", f"{name}: there is no driver for it here yet")
            continue
        proposal, notes = client_proposal(folder, clients.get(folder), which)
        reader.say("taken", "THIRD_PARTY_CLIENTS", f"{name}: instance {proposal.name} ({proposal.brand})")
        reader.notes += notes
        found[folder] = proposal
    return list(found.values())


def by_hand_text(name: str, folder: str, brand: str) -> str:
    """What to do for a client whose settings are not read; its name keeps VAR's tags meaning what they mean."""
    return f"{name}: its settings are not read; add it by `warroom instance add {brand} --name {folder}`"


def notifier_proposal(reader: Reader) -> list[Proposal]:
    """The notifier, when VAR sent mail or syslog."""
    params: dict[str, str] = {}
    secrets: dict[str, VarSecret] = {}
    if reader.value("SEND_EMAIL", False) is True:
        params |= mail_params(reader)
        if reader.value("SMTP_AUTH", False) is True:
            params["credentials.identifier"] = str(reader.value("SMTP_USER", ""))
            secrets["credentials"] = VarSecret("VAR", "Email")
            reader.say("taken", "SMTP_AUTH", f"login as {params['credentials.identifier']}")
    if reader.value("SEND_SYSLOG", False) is True:
        params |= syslog_params(reader)
    return [Proposal(NOTIFIER_BRAND, "notifier", params, secrets, {})] if params else []


def mail_params(reader: Reader) -> dict[str, str]:
    """Mail, with the encryption that belongs to the port."""
    params: dict[str, str] = {}
    for name, target in MAIL.items():
        params |= reader.take(name, target, _plain)
    params["smtp_security"] = "tls" if params.get("smtp_port") == "465" else "starttls"
    remark = f"smtp_security = {params['smtp_security']}, with certificates checked; VAR would also go on unencrypted"
    reader.say("changed", "SEND_EMAIL", remark)
    return params


def syslog_params(reader: Reader) -> dict[str, str]:
    """Syslog; VAR's formats by their new names."""
    params: dict[str, str] = {}
    for name, target in SYSLOG.items():
        params |= reader.take(name, target, _plain)
    params |= reader.take("SYSLOG_PROTO", "syslog_protocol", _one_of({"UDP": "udp", "TCP": "tcp"}))
    params |= reader.take("SYSLOG_FORMAT", "syslog_format", _one_of({"STANDARD": "rfc5424", "CEF": "cef"}))
    return params


def interval(reader: Reader) -> int | None:
    """Minutes between the starts of two cycles; None when VAR had none that can be used."""
    found = reader.config.settings.get("SLEEP_MINUTES")
    if found is None:
        return None
    try:
        minutes = max(1, var_values.whole_of(found.value))
    except ValueError as error:
        reader.say("left out", "SLEEP_MINUTES", f"{error}; a cycle runs every 5 minutes")
        return None
    reader.say("changed", "SLEEP_MINUTES", f"a cycle begins every {minutes} minutes; VAR waited so long after each")
    return minutes


def list_file(reader: Reader) -> str:
    """The file with static destinations."""
    return reader.take("STATIC_BLOCK_DESTINATION_IPS", "list file", var_values.text_of).get("list file", "")


def unknown(config: VarConfig) -> list[Note]:
    """A word about every setting that VAR does not have."""
    found: Sequence[Setting] = [item for name, item in config.settings.items() if name not in KNOWN]
    return [Note("left out", item.where, item.name, "is no setting of VAR that is known here") for item in found]


def _plain(value: Any) -> var_values.Taken:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)), ""
    return str(value).strip(), ""


def _one_of(names: Mapping[str, str]) -> Convert:
    def convert(value: Any) -> var_values.Taken:
        key = str(value).strip().upper()
        if key not in names:
            raise ValueError(f"is {value!r}, which is none of {', '.join(names)}")
        return names[key], ""

    return convert
