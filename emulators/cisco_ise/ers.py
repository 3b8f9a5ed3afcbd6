"""The calls of the ERS API: ANC endpoints and ANC policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlencode

from emulators.cisco_ise.access import COOKIE
from emulators.cisco_ise.anc import CoaFailed
from emulators.cisco_ise.replies import ErsFailure
from emulators.cisco_ise.state import IseState
from emulators.kit import Call, Refused, Reply, Route
from emulators.kit.strict import LIST, OBJECT, TEXT, Field, json_object

BASE = "/ers/config"
QUERY = frozenset({"filter", "filterType", "page", "size", "sortasc", "sortdsc"})
LARGEST_PAGE = 100
_WRAPPED = {"OperationAdditionalData": Field(OBJECT)}
_DATA = {"additionalData": Field(LIST)}
_ROW = {"name": Field(TEXT, choices=("macAddress", "ipAddress", "policyName")), "value": Field(TEXT)}
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "EQ": lambda name, value: name == value,
    "NEQ": lambda name, value: name != value,
    "STARTSW": str.startswith,
    "NSTARTSW": lambda name, value: not name.startswith(value),
    "ENDSW": str.endswith,
    "NENDSW": lambda name, value: not name.endswith(value),
    "CONTAINS": lambda name, value: value in name,
    "NCONTAINS": lambda name, value: value not in name,
}


class Deployment(Protocol):
    """What the calls need of the emulator."""

    url: str

    @property
    def ise(self) -> IseState:
        """The state now; a reset replaces it."""


class ErsCalls:
    """Handlers by path. A refusal is an ERSResponse with a title."""

    def __init__(self, deployment: Deployment) -> None:
        self._at = deployment

    def routes(self) -> list[Route]:
        """All ERS calls."""
        endpoint, policy = f"{BASE}/ancendpoint", f"{BASE}/ancpolicy"
        return [
            Route("GET", f"{endpoint}/", self._endpoints, body="none", query=QUERY),
            Route("GET", f"{endpoint}/versioninfo", self._version, body="none"),
            Route("GET", f"{endpoint}/<key>", self._endpoint, body="none"),
            Route("PUT", f"{endpoint}/apply", self._apply),
            Route("PUT", f"{endpoint}/clear", self._clear),
            Route("GET", f"{policy}/", self._policies, body="none", query=QUERY),
            Route("GET", f"{policy}/name/<path:name>", self._policy_by_name, body="none"),
            Route("GET", f"{policy}/<key>", self._policy, body="none"),
        ]

    def _endpoints(self, call: Call) -> Reply:
        filters = self._at.ise.options.name_filter if call.request.args.get("filter") else "on"
        if filters == "off":
            raise self._refused(400, "Unsupported filter field", "GET-getAll-ancendpoint", call)
        rows = [(row["id"], mac) for mac, row in self._at.ise.anc.endpoints.items() if filters == "on"]
        return self._page(call, "ancendpoint", rows, names=self._at.ise.options.list_names == "show")

    def _endpoint(self, call: Call) -> Reply:
        key = call.arguments["key"]
        for _, row in self._at.ise.anc.endpoints.items():
            if row["id"] == key:
                return self._reply(call, {"ErsAncEndpoint": {**row, "link": self._link("ancendpoint", key)}})
        raise self._refused(404, f"Resource not found: {key}", "GET-getById-ancendpoint", call)

    def _apply(self, call: Call) -> Reply:
        data = additional_data(call.json())
        if "policyName" not in data:
            raise self._refused(400, "policyName is missing", "PUT-apply-ancendpoint", call)
        anc = self._at.ise.anc
        return self._ordered(call, "apply", lambda mac: anc.apply(mac, data["policyName"]), data)

    def _clear(self, call: Call) -> Reply:
        data = additional_data(call.json())
        anc = self._at.ise.anc
        return self._ordered(call, "clear", lambda mac: anc.clear(mac, data.get("policyName")), data)

    def _ordered(self, call: Call, order: str, carry_out: Callable[[str], None], data: dict[str, str]) -> Reply:
        operation = f"PUT-{order}-ancendpoint"
        call.records = 1
        try:
            carry_out(self._mac(data))
        except ValueError as error:
            raise self._refused(self._at.ise.options.refusal_status, str(error), operation, call) from None
        except CoaFailed:
            raise self._refused(500, "Radius Failure", operation, call) from None
        return Reply(204)

    def _mac(self, data: dict[str, str]) -> str:
        if "macAddress" in data:
            return data["macAddress"]
        try:
            session = self._at.ise.anc.find_address(data.get("ipAddress", ""))
        except ValueError:
            session = None
        if session is None:
            raise ValueError("Session lookup failure")
        return str(session["mac"])

    def _policies(self, call: Call) -> Reply:
        rows = [(row["id"], name) for name, row in self._at.ise.anc.policies.items()]
        return self._page(call, "ancpolicy", rows, names=True)

    def _policy_by_name(self, call: Call) -> Reply:
        row = self._at.ise.anc.policies.get(call.arguments["name"])
        return self._policy_reply(call, row, call.arguments["name"])

    def _policy(self, call: Call) -> Reply:
        rows = (row for _, row in self._at.ise.anc.policies.items() if row["id"] == call.arguments["key"])
        return self._policy_reply(call, next(rows, None), call.arguments["key"])

    def _policy_reply(self, call: Call, row: dict[str, Any] | None, asked: str) -> Reply:
        if row is None:
            raise self._refused(404, f"Resource not found: {asked}", "GET-getByName-ancpolicy", call)
        return self._reply(call, {"ErsAncPolicy": {**row, "link": self._link("ancpolicy", row["id"])}})

    def _version(self, call: Call) -> Reply:
        link = self._link("ancendpoint", "versioninfo")
        info = {"currentServerVersion": "1.0", "supportedVersions": "1.0", "link": link}
        return self._reply(call, {"VersionInfo": info})

    def _page(self, call: Call, kind: str, rows: list[tuple[str, str]], *, names: bool) -> Reply:
        args = call.request.args
        page, size = self._number(call, "page", 1, 1_000_000), self._number(call, "size", 20, LARGEST_PAGE)
        tests = [self._filter(call, text) for text in args.getlist("filter")]
        joined = any if args.get("filterType", "and").lower() == "or" else all
        kept = [(key, name) for key, name in rows if not tests or joined(test(name) for test in tests)]
        kept.sort(key=lambda row: row[1], reverse="sortdsc" in args)
        shown = kept[(page - 1) * size : page * size]
        result: dict[str, Any] = {
            "total": len(kept),
            "resources": [self._resource(kind, key, name if names else "") for key, name in shown],
        }
        for rel, number in (("nextPage", page + 1), ("previousPage", page - 1)):
            if 0 < number <= -(-len(kept) // size):
                query = urlencode([*((k, v) for k, v in args.items(multi=True) if k != "page"), ("page", number)])
                href = f"{self._at.url}{BASE}/{kind}?{query}"
                result[rel] = {"rel": rel.removesuffix("Page"), "href": href, "type": "application/json"}
        call.records = len(shown)
        return self._reply(call, {"SearchResult": result})

    def _filter(self, call: Call, text: str) -> Callable[[str], bool]:
        field, _, rest = text.partition(".")
        operator, _, value = rest.partition(".")
        if field != "name" or operator.upper() not in OPERATORS or not value:
            raise self._refused(400, f"Illegal filter: {text}", "GET-getAll", call)
        return lambda name: OPERATORS[operator.upper()](name, value)

    def _number(self, call: Call, name: str, default: int, largest: int) -> int:
        text = call.request.args.get(name, str(default))
        if not text.isdecimal() or not 1 <= int(text) <= largest:
            raise self._refused(400, f"{name} is {text}; it must lie between 1 and {largest}", "GET-getAll", call)
        return int(text)

    def _resource(self, kind: str, key: str, name: str) -> dict[str, Any]:
        return {"id": key, **({"name": name} if name else {}), "link": self._link(kind, key)}

    def _link(self, kind: str, key: str) -> dict[str, str]:
        return {"rel": "self", "href": f"{self._at.url}{BASE}/{kind}/{key}", "type": "application/json"}

    def _refused(self, status: int, title: str, operation: str, call: Call) -> Refused:
        return Refused(status, title, extra=ErsFailure(operation, f"{self._at.url}{call.path}"))

    def _reply(self, call: Call, body: dict[str, Any]) -> Reply:
        """A good reply; it has a CSRF token and the cookie of its session when they were asked for."""
        headers = {}
        if self._at.ise.csrf and call.headers.get("X-CSRF-TOKEN", "").lower() == "fetch":
            cookie, headers["X-CSRF-Token"] = self._at.ise.access.new_token()
            headers["Set-Cookie"] = f"{COOKIE}={cookie}; Path=/; HttpOnly"
        return Reply.json(body, headers=headers)


def additional_data(body: Any) -> dict[str, str]:
    """The attributes of an order by name. Raises Refused(400) for any other form, and for a name given twice."""
    wrapped = json_object(body, _WRAPPED)["OperationAdditionalData"]
    rows = [json_object(row, _ROW, "additionalData") for row in json_object(wrapped, _DATA)["additionalData"]]
    data = {row["name"]: row["value"] for row in rows}
    if len(data) != len(rows) or not data.keys() & {"macAddress", "ipAddress"}:
        raise Refused(400, "additionalData must have macAddress or ipAddress, and each name once")
    return data
