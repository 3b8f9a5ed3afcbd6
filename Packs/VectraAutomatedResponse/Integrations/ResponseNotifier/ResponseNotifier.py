"""Tells people and a SIEM what a cycle of the response did: one mail, and one syslog record per event.

In this order: settings, pure functions (mail text, syslog records, what was told before), the two senders, the
commands, and `main`, the only place that touches `demisto`.
"""

import base64
import email.utils
import hashlib
import json
import random
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any, NamedTuple

import demistomock as demisto
from CommonServerPython import *
from ParametersApiModule import *
from VersionedStateApiModule import *

SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
SYSLOG_PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
FACILITIES = {"user": 1, "daemon": 3, "auth": 4, **{f"local{number}": 16 + number for number in range(8)}}
SYSLOG_SEVERITY = {"info": 6, "warning": 4, "error": 3}
CEF_SEVERITY = {"info": 3, "warning": 6, "error": 8}
CEF_DEVICE = ("Vectra Automated Response", "Response Notifier", "1.0.0")
# key of the item -> (CEF key, label of a custom string, longest value in characters)
CEF_KEYS = {
    "action": ("act", "", 63),
    "status": ("outcome", "", 63),
    "reason": ("reason", "", 1023),
    "brain": ("cs1", "brain", 4000),
    "entity": ("cs2", "entity", 4000),
    "driver": ("cs3", "driver", 4000),
    "element": ("cs4", "element", 4000),
    "reference": ("cs5", "reference", 4000),
}
MESSAGE_LIMIT = 1023
# RFC 5424 asks receivers for 2,048 octets; a longer datagram may be cut anywhere or be lost.
RECORD_BYTES = {"udp": 2048, "tcp": 8192, "tls": 8192}
ITEMS_IN_MAIL = 200
RECORDS_IN_SYSLOG = 1000
TOLD_KEPT = 1000
CLOSING_SECONDS = 2.0
APP_NAME = "vectra-response"
TEST_TITLE = "Test message of the Vectra automated response"
BOM = "\ufeff"


class NotifyError(Exception):
    """A message could not be sent. The text says where and why, and holds no secret."""


# ---- settings


@dataclass(frozen=True)
class Mail:
    """How mail is sent. `security` is starttls, tls or none; `user` empty means no login. Timeout in seconds."""

    server: str
    port: int
    security: str
    user: str
    password: str
    sender: Address
    recipients: tuple[Address, ...]
    verify: bool
    timeout: float


@dataclass(frozen=True)
class Syslog:
    """Where records go. `protocol` is udp, tcp or tls, `style` rfc5424 or cef, `facility` its number. Timeout in
    seconds.
    """

    server: str
    port: int
    protocol: str
    style: str
    facility: int
    verify: bool
    timeout: float


@dataclass(frozen=True)
class Settings:
    """The parameters of an instance, each checked once; a channel without a server is None."""

    mail: Mail | None
    syslog: Syslog | None
    repeat_hours: int


def settings_from_params(params: Mapping[str, Any]) -> Settings:
    """The parameters, checked. Raises ValueError naming the parameter and the value."""
    mail, syslog = mail_from_params(params), syslog_from_params(params)
    if mail is None and syslog is None:
        raise ValueError("Give an 'SMTP Server', a 'Syslog Server', or both.")
    return Settings(mail, syslog, whole_param(params, "repeat_hours", "Hours between repeats", 24, 0, 8760))


def mail_from_params(params: Mapping[str, Any]) -> Mail | None:
    """The mail channel, None without a server. Raises ValueError as settings_from_params does."""
    server = str(params.get("smtp_server") or "").strip()
    if not server:
        return None
    security = choice_param(params, "smtp_security", "Mail Security", tuple(SMTP_PORTS), "starttls")
    login = params.get("credentials") or {}
    user, password = str(login.get("identifier") or ""), str(login.get("password") or "")
    if user and security == "none":
        raise ValueError(
            "With 'Mail Security' none the password would cross the network unprotected; use starttls or tls."
        )
    recipients = tuple(mailbox(text, "To") for text in argToList(params.get("mail_to")) if str(text).strip())
    if not recipients:
        raise ValueError("'To' is empty: name at least one address.")
    return Mail(
        server=server,
        port=whole_param(params, "smtp_port", "SMTP Port", SMTP_PORTS[security], 1, 65535),
        security=security,
        user=user,
        password=password,
        sender=mailbox(params.get("mail_from"), "From"),
        recipients=recipients,
        verify=not params.get("insecure"),
        timeout=whole_param(params, "timeout", "Timeout in seconds", 30, 1, 120),
    )


def syslog_from_params(params: Mapping[str, Any]) -> Syslog | None:
    """The syslog channel, None without a server. Raises ValueError as settings_from_params does."""
    server = str(params.get("syslog_server") or "").strip()
    if not server:
        return None
    protocol = choice_param(params, "syslog_protocol", "Syslog Protocol", tuple(SYSLOG_PORTS), "udp")
    return Syslog(
        server=server,
        port=whole_param(params, "syslog_port", "Syslog Port", SYSLOG_PORTS[protocol], 1, 65535),
        protocol=protocol,
        style=choice_param(params, "syslog_format", "Syslog Format", ("rfc5424", "cef"), "rfc5424"),
        facility=FACILITIES[choice_param(params, "syslog_facility", "Syslog Facility", tuple(FACILITIES), "user")],
        verify=not params.get("insecure"),
        timeout=whole_param(params, "timeout", "Timeout in seconds", 30, 1, 120),
    )


def mailbox(raw: Any, label: str) -> Address:
    """One address, with or without a name before it. Raises ValueError naming the field and the text."""
    text = str(raw or "").strip()
    name, address = email.utils.parseaddr(text)
    try:
        if "@" not in address or not text.isprintable():
            raise ValueError
        return Address(name, addr_spec=address)
    except Exception:
        raise ValueError(f"'{label}': {text!r} is no mail address.") from None


# ---- pure functions: sections


class Item(NamedTuple):
    """One event of a message: what it is called, how bad it is, and what is known about it."""

    kind: str
    title: str
    level: str
    news: bool
    text: str
    details: Mapping[str, str]


def items_from(raw: Any) -> list[Item]:
    """The events of the argument `sections`. Raises ValueError when it is not what it should be."""
    try:
        groups = json.loads(raw) if isinstance(raw, str) else raw
        return [item_from(group, item) for group in groups for item in group["items"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        shape = '[{"title": "Contained", "level": "info", "news": true, "items": [{"text": "..."}]}]'
        raise ValueError(f"Argument 'sections' must be JSON such as {shape}.") from None


def item_from(group: Mapping[str, Any], item: Mapping[str, Any] | str) -> Item:
    details = {"text": item} if isinstance(item, str) else {key: str(value) for key, value in item.items()}
    level = str(group.get("level") or "info")
    if level not in SYSLOG_SEVERITY:
        raise ValueError(level)
    title = str(group["title"])
    news = bool(group.get("news", level == "info"))
    return Item(str(group.get("kind") or title), title, level, news, one_line(details["text"]), details)


def one_line(text: Any) -> str:
    """Any text on one line, without control characters."""
    return "".join(char if char.isprintable() else " " for char in " ".join(str(text).split()))


def mark(item: Item) -> str:
    """By which an event is recognised when it comes again."""
    return hashlib.sha256(f"{item.kind}|{item.text}".encode()).hexdigest()[:24]


def is_due(items: Sequence[Item], told: Mapping[str, int], repeat_hours: int, now: float) -> bool:
    """Is there something in it that people do not know yet? Troubles count once in `repeat_hours`."""
    oldest = now - repeat_hours * 3600
    return any(item.news or (item.level != "info" and told.get(mark(item), 0) <= oldest) for item in items)


def remembered(told: Mapping[str, int], items: Sequence[Item], repeat_hours: int, now: float) -> dict[str, int]:
    """What people know after this message; what is older than `repeat_hours` is forgotten."""
    oldest = now - repeat_hours * 3600
    kept = {key: at for key, at in told.items() if at > oldest}
    for item in items:
        if not item.news and item.level != "info" and mark(item) not in kept:
            kept[mark(item)] = int(now)
    return dict(sorted(kept.items(), key=lambda pair: pair[1])[-TOLD_KEPT:])


# ---- pure functions: mail


def mail_text(title: str, items: Sequence[Item]) -> str:
    """The events grouped by what happened, in the order in which the groups came."""
    groups: dict[str, list[str]] = {}
    for item in items:
        groups.setdefault(item.title, []).append(item.text)
    blocks = [title]
    for heading, texts in groups.items():
        lines = [f"{heading} ({len(texts)})", *(f"- {text}" for text in texts[:ITEMS_IN_MAIL])]
        lines += [f"- and {len(texts) - ITEMS_IN_MAIL} more"] if len(texts) > ITEMS_IN_MAIL else []
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def mail_message(mail: Mail, title: str, text: str, now: float, message_id: str) -> EmailMessage:
    """The whole message. Quoted-printable, so that servers without 8BITMIME and long lines are no trouble."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = mail.recipients
    message["Subject"] = one_line(title)
    message["Date"] = datetime.fromtimestamp(now, tz=timezone.utc)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    return message


# ---- pure functions: syslog


def records(syslog: Syslog, items: Sequence[Item], now: float, host: str) -> list[bytes]:
    """One record per event, without framing; the last one tells how many were left out."""
    chosen = list(items[:RECORDS_IN_SYSLOG])
    if len(items) > RECORDS_IN_SYSLOG:
        more = f"{len(items) - RECORDS_IN_SYSLOG} more events are not in syslog"
        chosen.append(Item("left_out", "Left out", "warning", False, more, {}))
    return [record(syslog, item, now, host) for item in chosen]


def record(syslog: Syslog, item: Item, now: float, host: str) -> bytes:
    """One RFC 5424 record. Its message is UTF-8 text with the byte order mark, or CEF, which begins at `CEF:`."""
    header = syslog_header(syslog.facility, item, now, host)
    text, limit = item.text, RECORD_BYTES[syslog.protocol]
    while True:
        body = cef(item, text, now) if syslog.style == "cef" else BOM + text
        encoded = f"{header} {body}".encode()
        excess = len(encoded) - limit
        if excess <= 0 or not text:
            return encoded
        # A character takes at most eight octets here, so this never cuts too much.
        text = text[: len(text) - max(excess // 8, 1)]


def syslog_header(facility: int, item: Item, now: float, host: str) -> str:
    """PRI, version, time, host, program, no process id, message id, no structured data."""
    stamp = datetime.fromtimestamp(now, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    priority = facility * 8 + SYSLOG_SEVERITY[item.level]
    return f"<{priority}>1 {stamp} {header_word(host, 255)} {APP_NAME} - {header_word(item.kind.upper(), 32)} -"


def header_word(text: str, longest: int) -> str:
    """A field of the header: visible ASCII without blanks, `-` when nothing is left."""
    return "".join(char for char in text.replace(" ", "_") if "!" <= char <= "~")[:longest] or "-"


def cef(item: Item, text: str, now: float) -> str:
    """The event in ArcSight's Common Event Format: seven header fields and an extension of key=value pairs."""
    header = [*CEF_DEVICE, item.kind, item.title, str(CEF_SEVERITY[item.level])]
    pairs = {"rt": str(int(now * 1000))}
    for key, (name, label, longest) in CEF_KEYS.items():
        if item.details.get(key):
            pairs |= {f"{name}Label": label} if label else {}
            pairs[name] = one_line(item.details[key])[:longest]
    pairs |= affected(item.details)
    pairs["msg"] = text[:MESSAGE_LIMIT]
    extension = " ".join(f"{name}={escaped(value, '=')}" for name, value in pairs.items())
    return "|".join(["CEF:0", *(escaped(one_line(field), "|") for field in header), extension])


def affected(details: Mapping[str, str]) -> dict[str, str]:
    """The name of the host or account in the field that a SIEM looks at."""
    kind, name = str(details.get("entity") or "").partition(":")[0], details.get("name")
    key = {"host": "dhost", "account": "duser"}.get(kind)
    return {key: one_line(name)[:1023]} if key and name else {}


def escaped(text: str, separator: str) -> str:
    """Text with a backslash before each backslash and separator."""
    return text.replace("\\", "\\\\").replace(separator, "\\" + separator)


def framed(protocol: str, record_bytes: bytes) -> bytes:
    """A record for a stream, with its length in octets before it; a datagram is its own frame."""
    return record_bytes if protocol == "udp" else str(len(record_bytes)).encode() + b" " + record_bytes


# ---- senders


def tls_context(verify: bool) -> ssl.SSLContext:
    """Certificates and names are checked, unless the user wants it otherwise."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def smtp_session(mail: Mail) -> smtplib.SMTP:
    """A connection that is encrypted and logged in as the settings say. Raises SMTPException or OSError."""
    context = tls_context(mail.verify)
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.server, mail.port, timeout=mail.timeout, context=context)
    else:
        server = smtplib.SMTP(mail.server, mail.port, timeout=mail.timeout)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.user:
            log_in(server, mail.user, mail.password)
    except BaseException:
        server.close()
        raise
    return server


def log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    """Log in by the best way that both know. The library's ways are ASCII only; beyond that it is PLAIN in UTF-8."""
    if (user + password).isascii():
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, said = server.docmd("AUTH", f"PLAIN {token}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, said)


def with_smtp(mail: Mail, step: Callable[[smtplib.SMTP], Any]) -> Any:
    """Run one step in a session. Raises NotifyError with the server's answer."""
    try:
        with smtp_session(mail) as server:
            return step(server)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotifyError(f"mail server {mail.server}:{mail.port}: {refusals(error.recipients)}") from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise NotifyError(f"mail server {mail.server}:{mail.port}: {error.smtp_code} {one_line(said)}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotifyError(f"mail server {mail.server}:{mail.port}: {told_reason(error)}") from None


def refusals(recipients: Mapping[str, tuple[int, bytes]]) -> str:
    """Who was refused, and why."""
    return "; ".join(
        f"{address} refused: {code} {one_line(said.decode('utf-8', 'replace'))}"
        for address, (code, said) in recipients.items()
    )


def send_mail(mail: Mail, message: EmailMessage) -> None:
    """Hand the message over. Raises NotifyError, also when only some addresses were refused."""
    refused = with_smtp(mail, lambda server: server.send_message(message))
    if refused:
        raise NotifyError(f"mail server {mail.server}:{mail.port}: sent, but {refusals(refused)}")


def send_syslog(syslog: Syslog, batch: Sequence[bytes]) -> None:
    """Send the records. Raises NotifyError; over UDP nobody can tell whether they arrived."""
    try:
        if syslog.protocol == "udp":
            send_datagrams(syslog, batch)
        else:
            send_stream(syslog, batch)
    except OSError as error:
        raise NotifyError(f"syslog server {syslog.server}:{syslog.port}: {told_reason(error)}") from None


def send_datagrams(syslog: Syslog, batch: Sequence[bytes]) -> None:
    family, kind, _, _, address = socket.getaddrinfo(syslog.server, syslog.port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as sender:
        for one in batch:
            sender.sendto(one, address)


def send_stream(syslog: Syslog, batch: Sequence[bytes]) -> None:
    with socket.create_connection((syslog.server, syslog.port), timeout=syslog.timeout) as plain:
        if syslog.protocol == "tcp":
            plain.sendall(b"".join(framed("tcp", one) for one in batch))
            return
        with tls_context(syslog.verify).wrap_socket(plain, server_hostname=syslog.server) as secure:
            secure.sendall(b"".join(framed("tls", one) for one in batch))
            # Without the closing message a receiver may take the records for cut off; not all of them answer it.
            secure.settimeout(CLOSING_SECONDS)
            with suppress(OSError):
                secure.unwrap()


def told_reason(error: BaseException) -> str:
    """Why a connection failed, with what to do about a certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate is not trusted ({error.verify_message}); install its authority, or trust any certificate"
        )
    return one_line(error) or type(error).__name__


# ---- commands


@dataclass(frozen=True)
class Notifier:
    """What a command needs. `memory` keeps which troubles were told; `message_id(domain)` makes one."""

    settings: Settings
    memory: VersionedState
    now: Callable[[], float]
    message_id: Callable[[str], str]
    host: str


def send_command(notifier: Notifier, args: Mapping[str, Any]) -> CommandResults:
    """`response-notify-send`: one message to every channel. Raises NotifyError when a channel failed."""
    title, items = one_line(args.get("title") or "Vectra automated response"), items_from(args.get("sections"))
    hours, now = notifier.settings.repeat_hours, notifier.now()
    if not items or not is_due(items, notifier.memory.load()["told"], hours, now):
        return answer([], "nothing that was not told before")
    sent, failed = deliver(notifier, title, items)
    if sent:
        notifier.memory.update(lambda state: {**state, "told": remembered(state["told"], items, hours, now)})
    if failed:
        done = f"sent by {' and '.join(row['channel'] for row in sent)}; " if sent else ""
        raise NotifyError(done + "; ".join(failed))
    return answer(sent, "")


def deliver(notifier: Notifier, title: str, items: Sequence[Item]) -> tuple[list[dict[str, Any]], list[str]]:
    """Send to every channel; one that fails does not stop the other. Gives what was sent, and why the rest was not."""
    sent, failed = [], []
    for step in (mail_step, syslog_step):
        try:
            row = step(notifier, title, items)
        except NotifyError as error:
            failed.append(str(error))
        else:
            sent += [row] if row else []
    return sent, failed


def mail_step(notifier: Notifier, title: str, items: Sequence[Item]) -> dict[str, Any] | None:
    """Send the mail, if there is a mail server."""
    mail = notifier.settings.mail
    if mail is None:
        return None
    identity = notifier.message_id(mail.sender.domain)
    send_mail(mail, mail_message(mail, title, mail_text(title, items), notifier.now(), identity))
    return {"channel": "mail", "messages": 1, "to": [address.addr_spec for address in mail.recipients], "id": identity}


def syslog_step(notifier: Notifier, title: str, items: Sequence[Item]) -> dict[str, Any] | None:
    """Send the records, if there is a syslog server."""
    syslog = notifier.settings.syslog
    if syslog is None:
        return None
    batch = records(syslog, items, notifier.now(), notifier.host)
    send_syslog(syslog, batch)
    return {"channel": "syslog", "messages": len(batch), "to": [f"{syslog.server}:{syslog.port}"], "id": ""}


def answer(sent: Sequence[dict[str, Any]], why_not: str) -> CommandResults:
    rows = list(sent) or [{"channel": "none", "messages": 0, "to": [], "id": "", "reason": why_not}]
    return CommandResults(
        outputs_prefix="VectraResponse.Notification",
        outputs_key_field="channel",
        outputs=rows,
        readable_output=tableToMarkdown(
            "Notification", rows, headers=["channel", "messages", "to", "reason"], removeNull=True
        ),
    )


def sample_item() -> Item:
    text = "This is a test. If you can read it, messages of the response arrive: ä ö ü – €."
    return Item("test", "Test", "info", True, text, {"action": "test", "status": "applied"})


def mail_test_command(notifier: Notifier) -> CommandResults:
    """`response-notify-test-mail`: a mail that says it is a test. Raises NotifyError or ValueError."""
    row = mail_step(notifier, TEST_TITLE, [sample_item()])
    if row is None:
        raise ValueError("There is no 'SMTP Server' in this instance.")
    return answer([row], "")


def syslog_test_command(notifier: Notifier) -> CommandResults:
    """`response-notify-test-syslog`: a record that says it is a test. Raises NotifyError or ValueError."""
    row = syslog_step(notifier, TEST_TITLE, [sample_item()])
    if row is None:
        raise ValueError("There is no 'Syslog Server' in this instance.")
    return answer([row], "")


def check_module(settings: Settings) -> str:
    """Connect and log in without sending anything. Over UDP only the name can be checked. Raises NotifyError."""
    if settings.mail is not None:
        with_smtp(settings.mail, lambda server: server.noop())
    if settings.syslog is not None:
        send_syslog(settings.syslog, [])
    return "ok"


def run_command(command: str, notifier: Notifier, args: Mapping[str, Any]) -> CommandResults | str:
    """Run one command. Raises NotImplementedError for an unknown one."""
    table: dict[str, Callable[[], CommandResults | str]] = {
        "test-module": lambda: check_module(notifier.settings),
        "response-notify-send": lambda: send_command(notifier, args),
        "response-notify-test-mail": lambda: mail_test_command(notifier),
        "response-notify-test-syslog": lambda: syslog_test_command(notifier),
    }
    if command not in table:
        raise NotImplementedError(f"Command {command!r} is not one of this integration.")
    return table[command]()


def main() -> None:
    """Read parameters and arguments, run one command, return its result."""
    command = demisto.command()
    try:
        port = ContextPort(
            read=lambda: demisto.getIntegrationContextVersioned(refresh=True),
            write=lambda context, version: demisto.setIntegrationContextVersioned(context, version, sync=True),
        )
        memory = VersionedState(
            port, 1, lambda: {"told": {}}, lambda attempt: time.sleep(random.random() * 0.05 * attempt)
        )
        settings = settings_from_params(demisto.params())
        notifier = Notifier(
            settings, memory, time.time, lambda domain: email.utils.make_msgid(domain=domain), socket.gethostname()
        )
        return_results(run_command(command, notifier, demisto.args()))
    except Exception as error:
        return_error(f"{command}: {error}", error=error)


if __name__ in ("__main__", "__builtin__", "builtins"):
    main()
