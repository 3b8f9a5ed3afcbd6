"""Mail to a real SMTP server, syslog to receivers that parse strictly with parsers that are not ours (package jc)."""

import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import demistomock as demisto
import jc
import pytest
import ResponseNotifier
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from ResponseNotifier import (
    Item,
    Notifier,
    NotifyError,
    check_module,
    items_from,
    mail_test_command,
    mail_text,
    record,
    records,
    remembered,
    send_command,
    settings_from_params,
    syslog_test_command,
)
from VersionedStateApiModule import ContextPort, VersionedState

NOW = 1_760_000_000.0
SECRET = "s3cret-pässword"
SECTIONS = (Path(__file__).parent / "test_data" / "sections.json").read_text(encoding="utf-8")
MAIL = {"mail_from": "Vectra response <soc@corp.test>", "mail_to": "a@corp.test, Béa <b@corp.test>"}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is among those that this machine trusts."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


class Mailbox:
    """What the mail server accepted."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.receivers: list[list[str]] = []
        self.logins: list[str] = []
        self.refuse = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address == self.refuse:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.raw.append(envelope.original_content)
        self.receivers.append(list(envelope.rcpt_tos))
        return "250 taken"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.logins.append(data.login.decode())
        right = (data.login, data.password) == (b"me", SECRET.encode())
        return AuthResult(success=right, handled=False)

    @property
    def messages(self) -> list[EmailMessage]:
        return [BytesParser(EmailMessage, policy=policy.strict).parsebytes(raw) for raw in self.raw]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def smtp_server(mailbox: Mailbox, **options: Any) -> Iterator[dict[str, str]]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    # It logs refused handshakes, which some tests are about.
    log = logging.getLogger("mail.log")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    controller.start()
    try:
        yield {"smtp_server": "localhost", "smtp_port": str(controller.port), "timeout": "5", **MAIL}
    finally:
        controller.stop()
        log.setLevel(level)


class Receiver:
    """A syslog receiver on one socket; `records` are what it took apart, `rest` what was left over."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.rest = b""

    def take(self, stream: bytes) -> None:
        """Octet counting, as RFC 6587 has it: a length without leading zero, a blank, so many octets."""
        while stream:
            length, blank, tail = stream.partition(b" ")
            if not (blank and length.isdigit() and not length.startswith(b"0") and len(tail) >= int(length)):
                break
            self.records.append(tail[: int(length)])
            stream = tail[int(length) :]
        self.rest = stream


@contextmanager
def stream_receiver(
    context: ssl.SSLContext | None = None,
) -> Iterator[tuple[Receiver, dict[str, str], Callable[[], None]]]:
    receiver, done = Receiver(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                secure = context.wrap_socket(connection, server_side=True) if context else connection
                with secure:
                    receiver.take(b"".join(iter(lambda: secure.recv(65536), b"")))
        except OSError as error:
            receiver.rest = repr(error).encode()
        finally:
            done.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        where = {"syslog_server": "localhost", "syslog_port": str(listener.getsockname()[1]), "timeout": "5"}
        yield receiver, where, lambda: thread.join(5)
    finally:
        listener.close()
        thread.join(5)


def notifier_of(params: dict[str, Any], context: dict[str, Any] | None = None) -> Notifier:
    """A notifier whose memory is a dict."""
    kept: dict[str, Any] = {} if context is None else context
    port = ContextPort(lambda: {"context": dict(kept), "version": 1}, lambda new, version: kept.update(new))
    memory = VersionedState(port, 1, lambda: {"told": {}}, lambda attempt: None)
    return Notifier(settings_from_params(params), memory, lambda: NOW, lambda domain: f"<id-1@{domain}>", "runner")


def outputs_of(results: Any) -> list[dict[str, Any]]:
    return list(results.outputs)


# ---- mail


def test_mail_over_starttls_with_login_arrives_whole(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    options = {
        "tls_context": server_context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": box.login,
    }
    with smtp_server(box, **options) as where:
        params = {**where, "credentials": {"identifier": "me", "password": SECRET}}
        sent = send_command(notifier_of(params), {"title": "2 Ereignisse – wichtig", "sections": SECTIONS})
    [message] = box.messages
    assert box.receivers == [["a@corp.test", "b@corp.test"]]
    assert box.logins == ["me"]
    assert (message["From"], message["To"]) == (
        "Vectra response <soc@corp.test>",
        "a@corp.test, Béa <b@corp.test>",
    )
    assert message["Subject"] == "2 Ereignisse – wichtig"
    assert message["Date"].datetime.timestamp() == NOW
    assert message["Message-ID"] == "<id-1@corp.test>"
    assert (message["MIME-Version"], message["Auto-Submitted"]) == ("1.0", "auto-generated")
    assert (message.get_content_type(), message.get_content_charset()) == ("text/plain", "utf-8")
    assert message.defects == []
    assert outputs_of(sent)[0]["to"] == ["a@corp.test", "b@corp.test"]


def test_mail_defect_29_holds_every_category_and_no_history(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    with smtp_server(box, tls_context=server_context) as where:
        notifier = notifier_of(where)
        send_command(notifier, {"title": "first", "sections": SECTIONS})
        again = json.dumps([{"title": "Released", "level": "info", "items": ["brain-a: host x (1)"]}])
        send_command(notifier, {"title": "second", "sections": again})
    first, second = (message.get_content().replace("\r\n", "\n") for message in box.messages)
    assert first == (
        "first\n\nContained (1)\n- brain-a: host fin|lap=07 (41) by edr (ep-1): müssen – 日本\n\n"
        "Failed (1)\n- brain-a: account jane (7) by ad: login refused\n\n"
        "Held back (1)\n- brain-a: host dc (5): cap of 1 reached\n"
    )
    assert second == "second\n\nReleased (1)\n- brain-a: host x (1)\n"


def test_mail_over_implicit_tls_arrives(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    with smtp_server(box, ssl_context=server_context) as where:
        mail_test_command(notifier_of({**where, "smtp_security": "tls"}))
    assert "This is a test" in box.messages[0].get_content()
    assert "ä ö ü – €" in box.messages[0].get_content()


def test_mail_without_encryption_and_login_arrives_when_asked_for() -> None:
    box = Mailbox()
    with smtp_server(box) as where:
        mail_test_command(notifier_of({**where, "smtp_security": "none"}))
    assert len(box.raw) == 1


def test_mail_server_without_starttls_gets_nothing() -> None:
    box = Mailbox()
    with smtp_server(box) as where, pytest.raises(NotifyError, match="STARTTLS extension not supported"):
        mail_test_command(notifier_of(where))
    assert box.raw == []


def test_mail_untrusted_certificate_is_refused_before_the_password(server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    with smtp_server(box, tls_context=server_context, authenticator=box.login) as where:
        params = {**where, "credentials": {"identifier": "me", "password": SECRET}}
        with pytest.raises(NotifyError, match="the certificate is not trusted"):
            mail_test_command(notifier_of(params))
        assert (box.logins, box.raw) == ([], [])
        mail_test_command(notifier_of({**params, "insecure": True}))
    assert len(box.raw) == 1


def test_mail_wrong_name_in_the_certificate_is_refused(trusted: None, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.test").configure_cert(context)
    with smtp_server(Mailbox(), tls_context=context) as where, pytest.raises(NotifyError, match="not trusted"):
        mail_test_command(notifier_of(where))


def test_mail_defect_30_wrong_password_is_told_without_it(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    with smtp_server(box, tls_context=server_context, authenticator=box.login) as where:
        params = {**where, "credentials": {"identifier": "me", "password": "wrong-word"}}
        with pytest.raises(NotifyError, match=r"localhost:\d+: 535") as refused:
            check_module(settings_from_params(params))
    assert "wrong-word" not in str(refused.value)


def test_mail_refused_receiver_is_told_and_the_others_get_it(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    box.refuse = "a@corp.test"
    with smtp_server(box, tls_context=server_context) as where:
        with pytest.raises(NotifyError, match=r"sent, but a@corp\.test refused: 550 no such user"):
            mail_test_command(notifier_of(where))
        with pytest.raises(NotifyError, match=r"a@corp\.test refused: 550 no such user"):
            mail_test_command(notifier_of({**where, "mail_to": "a@corp.test"}))
    assert box.receivers == [["b@corp.test"]]


def test_mail_server_that_is_not_there_is_told() -> None:
    params = {"smtp_server": "127.0.0.1", "smtp_port": str(free_port()), "timeout": "2", **MAIL}
    with pytest.raises(NotifyError, match=r"mail server 127\.0\.0\.1:.*refused"):
        check_module(settings_from_params(params))


def test_mail_server_that_says_nothing_is_left_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = {"smtp_server": "127.0.0.1", "smtp_port": str(silent.getsockname()[1]), **MAIL}
        settings = settings_from_params(where)
        assert settings.mail is not None
        hasty = replace(settings, mail=replace(settings.mail, timeout=0.1))
        with pytest.raises(NotifyError, match="timed out"):
            check_module(hasty)


def test_check_module_logs_in_and_sends_nothing(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    with smtp_server(box, tls_context=server_context, authenticator=box.login) as where:
        assert (
            check_module(settings_from_params({**where, "credentials": {"identifier": "me", "password": SECRET}}))
            == "ok"
        )
    assert (box.logins, box.raw) == (["me"], [])


def test_mail_text_long_group_is_cut_and_counted() -> None:
    text = mail_text("t", [Item("k", "Contained", "info", True, str(number), {}) for number in range(205)])
    assert text.endswith("- 199\n- and 5 more\n")


def test_mail_line_break_in_the_title_makes_no_header(trusted: None, server_context: ssl.SSLContext) -> None:
    box = Mailbox()
    with smtp_server(box, tls_context=server_context) as where:
        send_command(notifier_of(where), {"title": "a\r\nBcc: x@evil.test", "sections": SECTIONS})
    assert (box.messages[0]["Subject"], box.messages[0]["Bcc"]) == ("a Bcc: x@evil.test", None)


# ---- syslog


def rfc5424(raw: bytes) -> dict[str, Any]:
    """The record as another parser reads it; fails on what is no RFC 5424."""
    parsed: Any = jc.parse("syslog", raw.decode("utf-8"), quiet=True)
    assert len(parsed) == 1 and "unparsable" not in parsed[0]
    return dict(parsed[0])


def as_cef(raw: bytes) -> dict[str, str]:
    """The event as another parser reads it; escapes stay as they are."""
    parsed: Any = jc.parse("cef", rfc5424(raw)["message"], raw=True, quiet=True)
    assert len(parsed) == 1 and "unparsable" not in parsed[0]
    return dict(parsed[0])


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_syslog_stream_is_octet_counted_rfc5424(protocol: str, trusted: None, server_context: ssl.SSLContext) -> None:
    with stream_receiver(server_context if protocol == "tls" else None) as (receiver, where, wait):
        params = {**where, "syslog_protocol": protocol, "syslog_facility": "local3"}
        sent = send_command(notifier_of(params), {"sections": SECTIONS})
        wait()
    assert (len(receiver.records), receiver.rest) == (3, b"")
    parsed = [rfc5424(raw) for raw in receiver.records]
    assert [item["priority"] for item in parsed] == [19 * 8 + 6, 19 * 8 + 3, 19 * 8 + 4]
    assert [item["msg_id"] for item in parsed] == ["CONTAINED", "FAILED", "HELD_BACK"]
    assert {(item["version"], item["hostname"], item["appname"]) for item in parsed} == {
        (1, "runner", "vectra-response")
    }
    assert parsed[0]["timestamp"] == "2025-10-09T08:53:20.000000Z"
    assert parsed[0]["message"] == "\ufeffbrain-a: host fin|lap=07 (41) by edr (ep-1): müssen – 日本"
    assert outputs_of(sent)[0] == {
        "channel": "syslog",
        "messages": 3,
        "to": [f"localhost:{where['syslog_port']}"],
        "id": "",
    }


def test_syslog_datagrams_are_one_record_each() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        where = {"syslog_server": "127.0.0.1", "syslog_port": str(receiver.getsockname()[1])}
        send_command(notifier_of(where), {"sections": SECTIONS})
        parsed = [rfc5424(receiver.recv(65536)) for _ in range(3)]
    assert [item["priority"] for item in parsed] == [14, 11, 12]


def test_syslog_untrusted_certificate_gets_nothing(server_context: ssl.SSLContext) -> None:
    with stream_receiver(server_context) as (receiver, where, wait):
        with pytest.raises(NotifyError, match="certificate is not trusted"):
            syslog_test_command(notifier_of({**where, "syslog_protocol": "tls"}))
        wait()
    assert receiver.records == []


def test_syslog_receiver_that_is_not_there_is_told() -> None:
    params = {"syslog_server": "127.0.0.1", "syslog_port": str(free_port()), "syslog_protocol": "tcp"}
    with pytest.raises(NotifyError, match=r"syslog server 127\.0\.0\.1:.*refused"):
        check_module(settings_from_params(params))


def test_syslog_test_command_sends_one_record() -> None:
    with stream_receiver() as (receiver, where, wait):
        syslog_test_command(notifier_of({**where, "syslog_protocol": "tcp", "syslog_format": "cef"}))
        wait()
    [event] = [as_cef(raw) for raw in receiver.records]
    assert (event["name"], event["act"], event["outcome"]) == ("Test", "test", "applied")


def cef_records() -> list[bytes]:
    settings = settings_from_params({"syslog_server": "x", "syslog_format": "cef"})
    assert settings.syslog is not None
    return records(settings.syslog, items_from(SECTIONS), NOW, "runner")


def test_cef_defect_30_has_seven_header_fields_and_an_extension() -> None:
    first, second, third = (as_cef(raw) for raw in cef_records())
    header = {
        "CEFVersion": "0", "deviceVendor": "Vectra Automated Response", "deviceProduct": "Response Notifier",
        "deviceVersion": "1.0.0", "deviceEventClassId": "contained", "name": "Contained", "agentSeverity": "3",
    }  # fmt: skip
    assert {key: first[key] for key in header} == header
    assert (second["agentSeverity"], third["agentSeverity"]) == ("8", "6")
    assert (second["duser"], second["outcome"]) == ("jane", "failed")
    assert third["msg"] == "brain-a: host dc (5): cap of 1 reached"
    expected = {
        "rt": "1760000000000", "act": "block", "outcome": "applied", "reason": "score 80 and 70 second line",
        "cs1Label": "brain", "cs1": "brain-a", "cs2Label": "entity", "cs2": "host:41",
        "cs3Label": "driver", "cs3": "edr", "cs4Label": "element",
        "cs5Label": "reference", "cs5": "77", "dhost": r"fin|lap\=07",
        "msg": r"brain-a: host fin|lap\=07 (41) by edr (ep-1): müssen – 日本",
    }  # fmt: skip
    assert {key: first[key] for key in expected} == expected
    # The parser takes some escapes away itself, so these are read as they are on the wire.
    assert r" cs4=C:\\ep\=1 " in cef_records()[0].decode()


def test_cef_header_escapes_bars_and_backslashes() -> None:
    settings = settings_from_params({"syslog_server": "x", "syslog_format": "cef"})
    assert settings.syslog is not None
    raw = record(settings.syslog, Item("a|b", "c\\d", "info", True, "text", {}), NOW, "runner").decode()
    message = raw.partition(" - CEF:")[2]
    assert message.startswith(r"0|Vectra Automated Response|Response Notifier|1.0.0|a\|b|c\\d|3|rt=")


def test_cef_begins_without_byte_order_mark() -> None:
    assert all(rfc5424(raw)["message"].startswith("CEF:0|") for raw in cef_records())


@pytest.mark.parametrize("style", ["rfc5424", "cef"])
@pytest.mark.parametrize("protocol", ["udp", "tls"])
@pytest.mark.parametrize("letter", ["x", "€", "\\", "="])
def test_record_too_long_is_shortened_to_valid_utf8(style: str, protocol: str, letter: str) -> None:
    settings = settings_from_params({"syslog_server": "x", "syslog_format": style, "syslog_protocol": protocol})
    assert settings.syslog is not None
    raw = record(settings.syslog, Item("k", "K", "info", True, letter * 20_000, {}), NOW, "runner")
    assert len(raw) <= {"udp": 2048, "tls": 8192}[protocol]
    assert raw.decode("utf-8").count(letter) > 300
    if style == "cef" and letter == "\\":
        assert (len(raw) - len(raw.rstrip(b"\\"))) % 2 == 0


def test_record_header_fields_are_visible_ascii() -> None:
    settings = settings_from_params({"syslog_server": "x"})
    assert settings.syslog is not None
    raw = record(settings.syslog, Item("zu große Zahl", "K", "info", True, "t", {}), NOW, "höst name")
    parsed = rfc5424(raw)
    assert (parsed["hostname"], parsed["msg_id"]) == ("hst_name", "ZU_GROSSE_ZAHL")
    assert rfc5424(record(settings.syslog, Item("ü", "K", "info", True, "t", {}), NOW, ""))["hostname"] in (None, "-")


def test_records_more_than_the_limit_are_counted() -> None:
    settings = settings_from_params({"syslog_server": "x"})
    assert settings.syslog is not None
    made = records(settings.syslog, [Item("k", "K", "info", True, "t", {})] * 1002, NOW, "h")
    assert (len(made), b"2 more events are not in syslog" in made[-1]) == (1001, True)


# ---- what is told again


def told_twice(sections: list[dict[str, Any]], hours: float) -> int:
    """How many messages two equal calls send when so many hours lie between them."""
    box, clock = Mailbox(), [NOW]
    with smtp_server(box) as where:
        notifier = notifier_of({**where, "smtp_security": "none"})
        ticking = Notifier(notifier.settings, notifier.memory, lambda: clock[0], notifier.message_id, "h")
        for _ in range(2):
            send_command(ticking, {"sections": json.dumps(sections)})
            clock[0] += hours * 3600
    return len(box.raw)


def test_send_lasting_trouble_is_told_once_in_the_hours_between() -> None:
    trouble = [{"title": "Problems", "level": "error", "items": ["brain-a: no answer"]}]
    assert (told_twice(trouble, 1), told_twice(trouble, 24)) == (1, 2)


def test_send_news_is_always_told() -> None:
    assert told_twice([{"title": "Contained", "level": "info", "items": ["brain-a: host x"]}], 0) == 2


def test_send_new_trouble_beside_an_old_one_is_told() -> None:
    box = Mailbox()
    with smtp_server(box) as where:
        notifier = notifier_of({**where, "smtp_security": "none"})
        for items in (["a"], ["a", "b"], ["b"]):
            sections = json.dumps([{"title": "Problems", "level": "error", "items": items}])
            last = send_command(notifier, {"sections": sections})
    assert len(box.raw) == 2
    assert outputs_of(last)[0]["channel"] == "none"


def test_send_failed_message_is_not_remembered() -> None:
    trouble = json.dumps([{"title": "Problems", "level": "error", "items": ["x"]}])
    kept: dict[str, Any] = {}
    with pytest.raises(NotifyError):
        send_command(
            notifier_of({"smtp_server": "127.0.0.1", "smtp_port": str(free_port()), **MAIL}, kept),
            {"sections": trouble},
        )
    assert kept == {}


def test_send_channel_that_fails_does_not_stop_the_other() -> None:
    with stream_receiver() as (receiver, where, wait):
        params = {**where, "syslog_protocol": "tcp", "smtp_server": "127.0.0.1", "smtp_port": str(free_port()), **MAIL}
        with pytest.raises(NotifyError, match=r"^sent by syslog; mail server .* refused"):
            send_command(notifier_of(params), {"sections": SECTIONS})
        wait()
    assert len(receiver.records) == 3


def test_remembered_keeps_a_thousand_and_forgets_the_old() -> None:
    items = [Item("k", "K", "error", False, str(number), {}) for number in range(1500)]
    told = remembered({"old": int(NOW) - 90_000}, items, 24, NOW)
    assert (len(told), "old" in told) == (1000, False)


# ---- settings and arguments


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "Give an 'SMTP Server', a 'Syslog Server', or both"),
        ({"smtp_server": "x", "mail_from": "a@b.test"}, "'To' is empty"),
        ({"smtp_server": "x", **MAIL, "mail_from": "nobody"}, "'From': 'nobody' is no mail address"),
        ({"smtp_server": "x", **MAIL, "mail_to": "a@b.test,c d@"}, "'To': 'c d@' is no mail address"),
        ({"smtp_server": "x", **MAIL, "mail_from": "a@b.test\nBcc: c@d.test"}, "'From': .* is no mail address"),
        ({"smtp_server": "x", **MAIL, "smtp_port": "smtp"}, r"'smtp_port' \(SMTP Port\): 'smtp' is not a number"),
        (
            {"smtp_server": "x", **MAIL, "smtp_security": "maybe"},
            "'smtp_security' .*: 'maybe' is not one of starttls, tls, none",
        ),
        ({"smtp_server": "x", **MAIL, "smtp_security": "none", "credentials": {"identifier": "me"}}, "unprotected"),
        ({"syslog_server": "x", "syslog_protocol": "http"}, "'syslog_protocol' .*: 'http'"),
        ({"syslog_server": "x", "repeat_hours": "-1"}, "'repeat_hours' .*: '-1'"),
    ],
)
def test_settings_wrong_parameter_is_named(params: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        settings_from_params(params)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_settings_port_follows_the_security(security: str, port: int) -> None:
    mail = settings_from_params({"smtp_server": "x", "smtp_security": security, **MAIL}).mail
    assert mail is not None and mail.port == port


@pytest.mark.parametrize(
    "raw", ["", "{", "[1]", '[{"title": "x"}]', '[{"title": "x", "level": "loud", "items": ["y"]}]', None]
)
def test_items_from_wrong_sections_say_what_they_should_be(raw: Any) -> None:
    with pytest.raises(ValueError, match="Argument 'sections' must be JSON such as"):
        items_from(raw)


def test_test_commands_without_their_channel_are_refused() -> None:
    with pytest.raises(ValueError, match="no 'SMTP Server'"):
        mail_test_command(notifier_of({"syslog_server": "x"}))
    with pytest.raises(ValueError, match="no 'Syslog Server'"):
        syslog_test_command(notifier_of({"smtp_server": "x", **MAIL}))


# ---- main


def test_main_sends_and_remembers_in_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    trouble = json.dumps([{"title": "Problems", "level": "error", "items": ["x"]}])
    box = Mailbox()
    with smtp_server(box) as where:
        monkeypatch.setattr(demisto, "params", lambda: {**where, "smtp_security": "none"})
        monkeypatch.setattr(demisto, "args", lambda: {"sections": trouble})
        monkeypatch.setattr(demisto, "command", lambda: "response-notify-send")
        ResponseNotifier.main()
        ResponseNotifier.main()
    assert len(box.raw) == 1
    assert [entry["Contents"][0]["channel"] for entry in demisto.last_results()] == ["mail", "none"]
    assert box.messages[0]["Message-ID"].endswith("@corp.test>")


@pytest.mark.parametrize("command", ["test-module", "response-notify-nothing"])
def test_main_error_is_an_entry(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(demisto, "params", lambda: {"syslog_server": "x"} if "nothing" in command else {})
    monkeypatch.setattr(demisto, "command", lambda: command)
    with pytest.raises(SystemExit):
        ResponseNotifier.main()
    assert demisto.last_results()[0]["Type"] == 4
