"""The PAN-OS emulator put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement

from emulators import kit
from emulators.kit import Call, Emulator, Observer, Refused, Reply, Route, serving
from emulators.kit.strict import known_headers, known_names
from emulators.panos import operations, userid
from emulators.panos.devices import Devices
from emulators.panos.messages import BAD_REQUEST, FORBIDDEN, INVALID_CREDENTIAL, error_document, refuse, reply, success
from emulators.panos.options import PanosOptions
from emulators.panos.registry import Registry
from emulators.panos.state import PanosState

_FORM = "form"
_FORM_TYPE = "application/x-www-form-urlencoded"
_COMMON = frozenset({"type", "key", "cmd", "vsys", "target"})
_FIELDS = {"keygen": frozenset({"type", "user", "password"}), "op": _COMMON, "user-id": _COMMON | {"action"}}


class Panos(Emulator[PanosState, PanosOptions]):
    """One address: a firewall with its virtual systems, or a Panorama that passes calls on to its firewalls."""

    name: ClassVar[str] = "panos"
    vendor_headers: ClassVar[frozenset[str]] = frozenset({"x-pan-key"})

    def __init__(
        self, options: PanosOptions, *, clock: Callable[[], float] = time.time, observer: Observer | None = None
    ) -> None:
        """Opens the state, takes or makes key and password, binds the port. Raises BadOption."""
        super().__init__(options, clock=clock, observer=observer)
        self.api_key = self.password = ""
        self.forget()

    @property
    def registry(self) -> Registry:
        """The registered addresses at this moment; a reset replaces it."""
        return self.state.registry

    @property
    def devices(self) -> Devices:
        """The devices at this moment; a reset replaces them."""
        return self.state.devices

    def open_state(self, *, fresh: bool) -> PanosState:
        """The devices from `options.state`, or new ones in memory."""
        return PanosState(self.options, self.clock.now, fresh=fresh)

    def routes(self) -> list[Route]:
        """The one call, a form."""
        return [Route("POST", "/api/", self._call, _FORM)]

    def authenticate(self, call: Call) -> None:
        """Raises Refused (403) without a good key, in the header or the form; keygen checks its own login."""
        form = form_of(call)
        if form.get("type") == "keygen":
            return
        with self.lock:
            self.state.access.check(call.headers.get("X-PAN-KEY") or form.get("key", ""))

    def _check_form(self, call: Call, route: Route) -> None:
        """In place of the kit's: the call takes a form, and nothing in the address."""
        known_headers(call.headers.keys(), self.vendor_headers)
        known_names(call.request.args.keys(), route.query, "query string")
        if call.request.mimetype != _FORM_TYPE:
            raise refuse(BAD_REQUEST, f"Content-Type is '{call.request.mimetype}'; it must be {_FORM_TYPE}")

    def error(self, refused: Refused) -> Reply:
        """An XML error for what the API itself refuses, a page for what its web server does."""
        code = refused.extra if isinstance(refused.extra, int) else refused.status
        if refused.status in (200, 400, 401, 403):
            code = FORBIDDEN if code == 401 else code
            shown = code if self.options.http_errors == "as-code" and code in (BAD_REQUEST, FORBIDDEN) else 200
            return reply(error_document(code, refused.message or INVALID_CREDENTIAL), shown)
        page = f"<html><head><title>{refused.status}</title></head><body>{refused.status}</body></html>"
        return Reply(refused.status, page.encode(), {"Content-Type": "text/html"})

    def key_expired(self) -> Refused:
        """An expired key looks like a wrong one."""
        return refuse(FORBIDDEN, INVALID_CREDENTIAL, "the key has expired")

    def credentials(self) -> dict[str, str]:
        """The API key, and the login for keygen."""
        return {"api_key": self.api_key, "user": self.options.user, "password": self.password}

    def forget(self) -> None:
        """Key and password stay over a reset, and are written into the new state."""
        access = self.state.access
        self.api_key = access.secret("api_key", self.options.api_key or self.api_key or None)
        self.password = access.secret("password", self.options.password or self.password or None)
        access.allow(self.api_key)

    def _call(self, call: Call) -> Reply:
        form = form_of(call)
        kind = form.get("type", "")
        if kind not in _FIELDS:
            raise refuse(BAD_REQUEST, f"type '{kind}' is not known")
        if unknown := sorted(form.keys() - _FIELDS[kind]):
            raise refuse(BAD_REQUEST, f"fields that are not known: {', '.join(unknown)}")
        if kind == "keygen":
            return self._keygen(form)
        if form.get("action", "set") != "set" or not form.get("cmd"):
            raise refuse(BAD_REQUEST, "cmd is missing, or action is not set")
        self.state.access.check_right(kind)
        return self._dispatch(kind, form, call)

    def _dispatch(self, kind: str, form: dict[str, str], call: Call) -> Reply:
        device, place = self.state.devices.asked(form.get("target", ""), form.get("vsys", ""))
        call.note = f"{kind} {device.serial} {place.vsys}".rstrip()
        with self.state.transaction():
            self.registry.settle()
            if kind == "op":
                bare = self.options.empty_result == "bare"
                return operations.performed(self.registry, self.devices, device, place, form["cmd"], bare=bare)
            return userid.updated(self.registry, device, place, form["cmd"], self.state.rules())

    def _keygen(self, form: dict[str, str]) -> Reply:
        result = Element("result")
        key = self.state.access.keygen(form.get("user", ""), form.get("password", ""))
        SubElement(result, "key").text = key
        return success(result)


def form_of(call: Call) -> dict[str, str]:
    """The fields of the body. Raises Refused (400) when it is no form, or a field is given twice."""
    try:
        pairs = parse_qsl(call.body.decode("ascii"), strict_parsing=bool(call.body), keep_blank_values=True)
    except ValueError:
        raise refuse(BAD_REQUEST, "The body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise refuse(BAD_REQUEST, "A field of the form is given twice")
    return form


@contextmanager
def running(
    *, clock: Callable[[], float] = time.time, observer: Observer | None = None, **options: Any
) -> Iterator[Panos]:
    """An emulator that serves inside this process for as long as the block lasts.

    `options` are the fields of PanosOptions, named as on the command line (`--key-lifetime` is `key_lifetime`);
    `api_key` and `password` are the secrets themselves here. Raises BadOption.
    """
    with serving(Panos(PanosOptions(**options), clock=clock, observer=observer)) as emulator:
        yield emulator


def main(argv: Sequence[str] | None = None) -> int:
    """The command line, `python -m emulators.panos`; returns the exit status. See `kit.main`."""
    return kit.main(Panos, PanosOptions, "emulators.panos", argv)
