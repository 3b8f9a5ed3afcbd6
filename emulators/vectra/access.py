"""Who may call: the personal token, or the API client and its access and refresh tokens."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from emulators.kit import Call, Database, Refused, Reply
from emulators.vectra.options import VectraOptions

# Real tokens are about this long; a client that keeps them in a small place should find out here.
_ACCESS_BYTES, _REFRESH_BYTES = 1_425, 1_800
_GRANTS = {"client_credentials": frozenset({"grant_type"}), "refresh_token": frozenset({"grant_type", "refresh_token"})}


class Access:
    """Credentials and living tokens, kept in the state; `now` gives seconds since the epoch."""

    def __init__(self, database: Database, options: VectraOptions, now: Callable[[], float]) -> None:
        self._options = options
        self._now = now
        self._settings = database.collection("settings")
        self._tokens = database.collection("tokens")

    def secret(self, name: str, given: str | None) -> str:
        """The secret `name`: the one given, else the one kept, else a new one; kept from then on."""
        secret = given or self._settings.get(name) or secrets.token_urlsafe(30)
        self._settings.put(name, secret)
        return str(secret)

    def check(self, header: str) -> None:
        """Raises Refused(401) unless the Authorization header carries the token in the way `--auth` asks for."""
        scheme, _, given = header.partition(" ")
        wanted = "Token" if self._options.auth == "token" else "Bearer"
        if scheme != wanted:
            raise Refused(401, note=f"Authorization is not '{wanted} ...'")
        if wanted == "Token":
            if not _same(given, str(self._settings.get("token"))):
                raise Refused(401, note="the token is wrong")
            return
        self._living(given, "access")

    def issue(self, call: Call) -> Reply:
        """The token call. Raises Refused: 401 wrong client or refresh token, 400 wrong form."""
        self._check_client(call)
        form = _form(call)
        grant = form.get("grant_type", "")
        if grant not in _GRANTS or (grant == "refresh_token" and not self._options.version.rux):
            raise Refused(400, "unsupported_grant_type")
        if form.keys() != _GRANTS[grant]:
            raise Refused(400, f"a form with grant_type={grant} has exactly {', '.join(sorted(_GRANTS[grant]))}")
        if grant == "refresh_token":
            self._living(form["refresh_token"], "refresh")
        return Reply.json(self._new_tokens(with_refresh=self._options.version.rux and grant != "refresh_token"))

    def expire(self, kinds: tuple[str, ...]) -> int:
        """End all living tokens of these kinds (`access`, `refresh`) now; returns how many there were."""
        ended = [(token, entry) for token, entry in self._tokens.items() if entry["kind"] in kinds]
        for token, entry in ended:
            self._tokens.put(token, {**entry, "until": min(entry["until"], self._now())})
        return len(ended)

    def _check_client(self, call: Call) -> None:
        given = call.request.authorization
        good = given is not None and given.type == "basic" and given.username == self._options.client_id
        if not good or not _same(str(given and given.password), str(self._settings.get("client_secret"))):
            raise Refused(401, "Invalid client credentials.", note="client id or secret is wrong or missing")

    def _living(self, token: str, kind: str) -> None:
        entry = self._tokens.get(token)
        if entry is None or entry["kind"] != kind:
            raise Refused(401, note=f"there is no such {kind} token")
        if entry["until"] <= self._now():
            raise Refused(401, note=f"the {kind} token has expired")

    def _new_tokens(self, *, with_refresh: bool) -> dict[str, Any]:
        lives = {"access": self._options.expires_in, "refresh": self._options.refresh_expires_in}
        made = {"access": secrets.token_urlsafe(_ACCESS_BYTES)}
        if with_refresh:
            made["refresh"] = secrets.token_urlsafe(_REFRESH_BYTES)
        for kind, token in made.items():
            self._tokens.put(token, {"kind": kind, "until": self._now() + lives[kind]})
        reply = {"access_token": made["access"], "token_type": "Bearer", "expires_in": lives["access"]}
        if with_refresh:
            reply |= {"refresh_token": made["refresh"], "refresh_expires_in": lives["refresh"]}
        return reply


def _form(call: Call) -> dict[str, str]:
    try:
        pairs = parse_qsl(call.body.decode("ascii"), strict_parsing=True, keep_blank_values=True)
    except ValueError:
        raise Refused(400, "The body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused(400, "A field of the form is given twice")
    return form


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
