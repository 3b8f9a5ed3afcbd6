"""The calls of `/public_api/v1/indicators/`: from request to rules to reply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

import orjson

from emulators.cortex_xdr.indicators.csvform import csv_records
from emulators.cortex_xdr.indicators.objects import (
    object_error,
    plain_severity,
    read_deletion,
    read_object,
    read_search,
)
from emulators.cortex_xdr.indicators.records import PUBLIC_FORM, TIM_FORM, Rule, read_records
from emulators.cortex_xdr.indicators.rows import StoredRule, change_row, object_row
from emulators.cortex_xdr.indicators.rules import Rules, Writer, chunks
from emulators.cortex_xdr.indicators.values import XSOAR_SOURCE
from emulators.cortex_xdr.options import XdrOptions
from emulators.kit import Call, Refused, Reply, Route, json_list
from emulators.kit.strict import BOOLEAN, INTEGER, LIST, OBJECT, TEXT, Field, json_object, text_list

BASE = "/public_api/v1/indicators/"

_JSON_INSERT = {"request_data": Field(LIST), "validate": Field(BOOLEAN, required=False)}
_CSV_INSERT = {"request_data": Field(TEXT), "validate": Field(BOOLEAN, required=False)}
_LIST_BODY = {"request_data": Field(LIST)}
_OBJECT_BODY = {"request_data": Field(OBJECT)}


class Tenant(Protocol):
    """Where the calls find what they work on."""

    @property
    def rules(self) -> Rules: ...

    @property
    def options(self) -> XdrOptions: ...

    def now_ms(self) -> int: ...


class IndicatorCalls:
    """Handlers of the indicator calls of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def routes(self) -> list[Route]:
        """All indicator calls; each is served with and without its trailing slash."""
        upload = {"body": "multipart", "max_body_bytes": self._tenant.options.max_upload}
        calls: dict[str, Callable[[Call], Reply]] = {
            "tim_insert_jsons": self._tim_insert,
            "insert_jsons": self._insert_jsons,
            "insert_csv": self._insert_csv,
            "get_changes": self._get_changes,
            "enable_iocs": lambda call: self._set_status(call, "ENABLED"),
            "disable_iocs": lambda call: self._set_status(call, "DISABLED"),
            "get": self._get,
            "insert": self._insert_objects,
            "delete": self._delete,
        }
        return [Route("POST", f"{BASE}{name}/", handler) for name, handler in calls.items()] + [
            Route("POST", f"{BASE}sync_tim_iocs/", self._sync, **upload),  # type: ignore[arg-type]
            Route("POST", f"{BASE}iocs_to_keep/", self._keep, **upload),  # type: ignore[arg-type]
        ]

    def _tim_insert(self, call: Call) -> Reply:
        return self._insert_records(call, json_object(call.json(), _JSON_INSERT), TIM_FORM)

    def _insert_jsons(self, call: Call) -> Reply:
        return self._insert_records(call, json_object(call.json(), _JSON_INSERT), PUBLIC_FORM)

    def _insert_csv(self, call: Call) -> Reply:
        body = json_object(call.json(), _CSV_INSERT)
        records = list(csv_records(body["request_data"]))
        return self._insert_records(call, {**body, "request_data": records}, PUBLIC_FORM)

    def _insert_records(self, call: Call, body: Mapping[str, Any], form: Mapping[str, tuple[type, ...]]) -> Reply:
        self._check_size(call, body["request_data"])
        rules, rejects = read_records(body["request_data"], form, self._tenant.now_ms())
        rejects += self._tenant.rules.upsert(rules, _writer(call))
        reply: dict[str, Any] = {"success": True}
        if body.get("validate"):
            reply["validation_errors"] = [reject._asdict() for reject in rejects]
        return Reply.json({"reply": reply})

    def _check_size(self, call: Call, records: Sequence[object]) -> None:
        call.records = len(records)
        most = self._tenant.options.max_records
        if most and call.records > most:
            raise Refused(413, extra=f"{call.records} records; at most {most}")

    def _get_changes(self, call: Call) -> Reply:
        body = json_object(call.json(), _OBJECT_BODY)
        since = json_object(body["request_data"], {"last_update_ts": Field(INTEGER)}, "request_data")["last_update_ts"]
        options, rules = self._tenant.options, self._tenant.rules
        changes = rules.changes if options.changes_order == "modified" else rules.changes_shuffled
        found = changes(since, own=options.own_writes == "show", deleted=options.deleted == "show")
        return Reply.stream(json_list(b'{"reply":[', _counted_rows(found, call), b"]}"))

    def _set_status(self, call: Call, status: str) -> Reply:
        values = text_list(json_object(call.json(), _LIST_BODY)["request_data"], "request_data")
        self._check_size(call, values)
        self._tenant.rules.set_status(values, status, _writer(call))
        return Reply.json({"reply": {"success": True}})

    def _sync(self, call: Call) -> Reply:
        records = _json_lines(call.file("file"), call)
        self._tenant.rules.replace_all(_valid(chunks(records), self._tenant.now_ms()), _writer(call))
        return Reply.json({"reply": {"success": True}})

    def _keep(self, call: Call) -> Reply:
        upload = call.file("file")
        if not upload.read(1):
            raise Refused(400, "The file must not be empty")
        upload.seek(0)
        self._tenant.rules.keep_only(chunks(_lines(upload, call)), _writer(call))
        return Reply.json({"reply": {"success": True}})

    def _get(self, call: Call) -> Reply:
        search = read_search(json_object(call.json(), _OBJECT_BODY)["request_data"])
        objects = [object_row(rule, search.extended) for rule in self._tenant.rules.search(search)]
        call.records = len(objects)
        return self._objects({"objects_count": len(objects), "objects_type": "indicator", "objects": objects})

    def _insert_objects(self, call: Call) -> Reply:
        data = json_object(call.json(), _LIST_BODY)["request_data"]
        self._check_size(call, data)
        wanted = [read_object(value, index) for index, value in enumerate(data)]
        reply: dict[str, list[dict[str, Any]]] = {"added_objects": [], "updated_objects": [], "errors": []}
        with self._tenant.rules.change():
            for index, (rule_id, rule, expiration) in enumerate(wanted):
                error = object_error(rule, expiration, self._tenant.now_ms())
                error = error or self._write_object(call, rule_id, plain_severity(rule), reply)
                if error:
                    reply["errors"].append({"index": index, "status": error})
        return self._objects(reply)

    def _write_object(
        self, call: Call, rule_id: int | None, rule: Rule, reply: dict[str, list[dict[str, Any]]]
    ) -> str | None:
        rules = self._tenant.rules
        holder = rules.id_of(rule.indicator)
        if holder is not None and holder != rule_id:
            raise Refused(400, "IOC indicator exists", extra=rule.indicator)
        if rule_id is not None:
            if rules.value_of(rule_id) is None:
                return f"There is no indicator rule with id {rule_id}"
            rules.rename(rule_id, rule.indicator)
        rejects = rules.upsert([rule], _writer(call))
        if rejects:
            return rejects[0].error
        kind, status = ("added_objects", "created") if rule_id is None else ("updated_objects", "updated")
        reply[kind].append({"id": rules.id_of(rule.indicator), "status": f"Indicator {status} successfully"})
        return None

    def _delete(self, call: Call) -> Reply:
        conditions = read_deletion(json_object(call.json(), _OBJECT_BODY)["request_data"])
        ids = self._tenant.rules.delete(conditions, _writer(call))
        call.records = len(ids)
        return self._objects({"objects_count": len(ids), "objects": ids})

    def _objects(self, reply: object) -> Reply:
        return Reply.json({"reply": reply} if self._tenant.options.object_replies == "wrapped" else reply)


def _writer(call: Call) -> Writer:
    name = call.headers.get("x-iocs-source", "")
    if name.lower() == "xsoar":
        return Writer(XSOAR_SOURCE, own=True)
    return Writer(name or f"Public API user (key #{call.headers['x-xdr-auth-id']})", own=False)


def _counted_rows(rules: Iterable[StoredRule], call: Call) -> Iterator[bytes]:
    for rule in rules:
        call.records += 1
        yield orjson.dumps(change_row(rule))


def _valid(batches: Iterable[list[object]], now_ms: int) -> Iterator[list[Rule]]:
    for batch in batches:
        rules, _rejects = read_records(batch, TIM_FORM, now_ms)
        yield rules


def _json_lines(upload: BinaryIO, call: Call) -> Iterator[object]:
    for number, line in enumerate(upload, 1):
        if line.strip():
            call.records += 1
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise Refused(400, f"The file's line {number} is not valid JSON", extra=str(error)) from None


def _lines(upload: BinaryIO, call: Call) -> Iterator[str]:
    for number, line in enumerate(upload, 1):
        try:
            value = line.decode().strip()
        except UnicodeDecodeError:
            raise Refused(400, f"The file's line {number} is not UTF-8") from None
        if value:
            call.records += 1
            yield value
