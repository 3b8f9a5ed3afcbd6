"""Vectra and the world around it in memory, for the suites beside this file. Holds no tests."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from VectraAutomatedResponse import (
    MARKER,
    PLURAL,
    STATE_VERSION,
    Brain,
    ContextPort,
    Detection,
    Entity,
    Facts,
    Group,
    Settings,
    VectraClient,
    VectraNotFoundError,
    VectraRequestError,
    VersionedState,
    account_from_item,
    detection_from_item,
    host_from_item,
    new_state,
    settings_from_params,
    with_end,
    with_intents,
    with_outcomes,
)

NOW = 1_760_000_000.0
PARAMS = {"url": "https://brain.example.com", "token_creds": {"identifier": "", "password": "made-up"}}
CLOUD = {
    "url": "https://tenant.uw2.portal.vectra.ai",
    "client_creds": {"identifier": "client", "password": "made-up-too"},
}
PROTECTED = (Group("host", "NoBlock", frozenset({"999"})), Group("account", "NoBlock", frozenset({"admin@corp.test"})))


class Killed(BaseException):
    """The process ended here, as by kill -9."""


def settings(**params: Any) -> Settings:
    return settings_from_params({**PARAMS, **params})


def host_item(number: int, **more: Any) -> dict[str, Any]:
    """A host as `GET /hosts` gives it."""
    return {
        "id": number,
        "name": f"pc-{number}",
        "last_source": f"10.0.{number // 250}.{number % 250 + 1}",
        "threat": 0,
        "certainty": 0,
        "is_key_asset": False,
        "tags": [],
        "host_artifact_set": [],
        "state": "active",
        **more,
    }


def account_item(number: int, **more: Any) -> dict[str, Any]:
    name = f"O365:user{number}@corp.test"
    item = {"id": number, "name": name, "display_name": name, "account_type": ["o365"], "threat": 0, "certainty": 0}
    return {**item, "tags": [], "state": "active", **more}


def detection_item(number: int, host: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    source = None
    if host is not None:
        source = {key: host[key] for key in ("id", "name", "threat", "certainty", "is_key_asset")}
    return {
        "id": number,
        "detection_type": "Hidden HTTPS Tunnel",
        "detection_category": "command",
        "state": "active",
        "is_triaged": False,
        "src_ip": "10.0.0.9",
        "src_host": source,
        "src_account": None,
        "tags": [],
        "summary": {"dst_ips": ["8.8.8.8"], "target_domains": []},
        **more,
    }


def host(number: int, **more: Any) -> Entity:
    return host_from_item(host_item(number, **more))


def account(number: int, **more: Any) -> Entity:
    return account_from_item(account_item(number, **more))


def detection(number: int, **more: Any) -> Detection:
    return detection_from_item(detection_item(number, **more))


def facts(*subjects: Entity | Detection, groups: Sequence[Group] = PROTECTED, **more: Any) -> Facts:
    return Facts(
        entities={subject.key: subject for subject in subjects if isinstance(subject, Entity)},
        detections={subject.key: subject for subject in subjects if isinstance(subject, Detection)},
        groups=tuple(groups),
        **{"brain": "brain_1", **more},
    )


def row(decision: Mapping[str, Any], instance: str, at: float = NOW, **more: Any) -> dict[str, Any]:
    """An outcome as a driver gives it: the order was carried out."""
    return {
        "action": decision["action"],
        "brain": "brain_1",
        "entity": decision["key"],
        "brand": "TestResponse",
        "instance": instance,
        "element": f"{decision['key']}@{instance}",
        "status": "applied",
        "contained": decision["action"] == "block",
        "reason": "",
        "reference": "",
        "time": int(at),
        **more,
    }


def carried_out(
    state: dict[str, Any],
    decisions: Sequence[Mapping[str, Any]],
    now: float = NOW,
    answer: Callable[[Mapping[str, Any]], list[dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """The state after a whole cycle in which every driver obeyed, or answered what `answer` says."""
    state = with_intents(state, decisions, "brain_1", now)
    for decision in decisions:
        rows = answer(decision) if answer else obeyed(decision, now)
        state = with_outcomes(state, [decision], rows, "brain_1", now)
    return with_end(state, now)


def obeyed(decision: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """What drivers that do everything say: `edr_1` when no names are given."""
    names = decision["instances"] if decision["instances"] is not None else ["edr_1"]
    if decision["type"] == "destinations":
        listed = decision["elements"] or dict.fromkeys(names, decision["args"]["destinations"])
        return [row(decision, name, now, element=entry) for name in names for entry in listed[name]]
    taken = {**decision["adopt"], **{name: found for name, found in decision["elements"].items() if found}}
    held = {name: taken.get(name) or [f"{decision['key']}@{name}"] for name in names}
    return [row(decision, name, now, element=element) for name in names for element in held[name]]


class FakeVectra:
    """Vectra's objects, tags and notes; stands in for `VectraClient`. `tags` matches by part of the text, as it does.

    `step` is called before and after each write.
    """

    def __init__(self, **objects: Sequence[dict[str, Any]]) -> None:
        self.objects = {name: [copy.deepcopy(item) for item in items] for name, items in objects.items()}
        self.all_notes: dict[str, list[dict[str, Any]]] = {}
        self.reads = 0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.broken: dict[str, Exception] = {}
        self.refused: set[str] = set()
        self.writes: list[str] = []
        self.step: Callable[[str], None] = lambda name: None

    def item(self, kind: str, number: str) -> dict[str, Any]:
        for item in self.objects.get(PLURAL[kind], []):
            if str(item["id"]) == number:
                return item
        raise VectraNotFoundError(f"no {kind} {number}", 404)

    def listing(
        self, path: str, params: Mapping[str, Any], more: Callable[[Mapping[str, Any]], bool] | None = None
    ) -> list[dict[str, Any]]:
        self.reads += 1
        self.asked.append((path, dict(params)))
        if path in self.broken:
            raise self.broken[path]
        found = [copy.deepcopy(item) for item in self.objects.get(path, []) if self.fits(item, params)]
        if params.get("ordering") == "-urgency_score":
            found.sort(key=lambda item: -item["urgency_score"])
        cut = next((place for place, item in enumerate(found) if more is not None and not more(item)), len(found))
        return found[:cut]

    def fits(self, item: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
        tags = [part for part in str(params.get("tags", "")).split(",") if part]
        if tags and not any(part in tag for part in tags for tag in item["tags"]):
            return False
        at_least = {"threat_gte": "threat", "certainty_gte": "certainty"}
        if any(item[name] < int(params[key]) for key, name in at_least.items() if key in params):
            return False
        if "uid" in params and params["uid"] not in str(item.get("name", "")).casefold():
            return False
        exact = ("state", "detection_type", "type")
        return all(item.get(name) == params[name] for name in exact if name in params)

    def page(self, path: str, params: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        found = self.listing(path, {key: value for key, value in params.items() if key not in ("page", "page_size")})
        size, page = int(params["page_size"]), int(params["page"])
        return found[(page - 1) * size : page * size], len(found) > page * size

    def groups(self) -> list[dict[str, Any]]:
        return self.listing("groups", {})

    def one(self, kind: str, number: str) -> dict[str, Any] | None:
        self.reads += 1
        self.asked.append((f"{PLURAL[kind]}/{number}", {}))
        if f"{PLURAL[kind]}/{number}" in self.broken:
            raise self.broken[f"{PLURAL[kind]}/{number}"]
        try:
            return copy.deepcopy(self.item(kind, number))
        except VectraNotFoundError:
            return None

    def tags(self, kind: str, number: str) -> list[str]:
        self.reads += 1
        return list(self.item(kind, number)["tags"])

    def set_tags(self, kind: str, number: str, tags: Sequence[str]) -> None:
        self.step("before tags")
        if "tags" in self.broken:
            raise self.broken["tags"]
        bad = [tag for tag in tags if tag in self.refused]
        if bad:
            raise VectraRequestError("Vectra refused the tags", 200, bad)
        self.item(kind, number)["tags"] = list(tags)
        self.writes.append(f"tags {kind}:{number}")
        self.step("after tags")

    def notes(self, kind: str, number: str) -> list[dict[str, Any]]:
        self.reads += 1
        return list(self.all_notes.get(f"{kind}:{number}", []))

    def add_note(self, kind: str, number: str, text: str) -> dict[str, Any]:
        self.step("before note")
        self.item(kind, number)
        notes = self.all_notes.setdefault(f"{kind}:{number}", [])
        notes.append({"id": len(notes) + 1, "note": text, "created_by": "api"})
        self.writes.append(f"note {kind}:{number}")
        self.step("after note")
        return notes[-1]

    def change_note(self, kind: str, number: str, note: str, text: str) -> None:
        next(item for item in self.all_notes[f"{kind}:{number}"] if str(item["id"]) == note)["note"] = text

    def remove_note(self, kind: str, number: str, note: str) -> None:
        key = f"{kind}:{number}"
        self.all_notes[key] = [item for item in self.all_notes[key] if str(item["id"]) != note]


class FakeContext:
    """The versioned integration context. `step` is called before and after each write."""

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}
        self.version = 0
        self.step: Callable[[str], None] = lambda name: None

    def read(self) -> dict[str, Any]:
        return {"context": copy.deepcopy(self.context), "version": self.version}

    def write(self, context: dict[str, Any], version: Any) -> None:
        self.step("before context")
        if version != self.version:
            raise ValueError("stale")
        self.context, self.version = copy.deepcopy(context), self.version + 1
        self.step("after context")

    def port(self) -> ContextPort:
        return ContextPort(self.read, self.write)


class World:
    """One brain with its Vectra, its context and a clock that moves only when told to."""

    def __init__(self, vectra: FakeVectra, **params: Any) -> None:
        self.vectra = vectra
        self.context = FakeContext()
        self.seconds = NOW
        self.brain = self.brain_with(settings(**params))

    def brain_with(self, chosen: Settings) -> Brain:
        state = VersionedState(self.context.port(), STATE_VERSION, new_state, lambda attempt: None)
        return Brain(chosen, cast(VectraClient, self.vectra), state, lambda: self.seconds, "brain_1")

    @property
    def state(self) -> dict[str, Any]:
        return self.brain.state.load()


def groups_items(**members: list[Any]) -> list[dict[str, Any]]:
    """The two no-block groups, each with somebody else in it, and block groups with these members."""
    found: list[dict[str, Any]] = [
        {"id": 1, "type": "host", "name": "NoBlock", "members": [{"id": 999}]},
        {"id": 2, "type": "account", "name": "NoBlock", "members": [{"uid": "admin@corp.test"}]},
        {"id": 3, "type": "ip", "name": "NoBlock", "members": ["10.0.0.1"]},
    ]
    for kind, listed in members.items():
        found.append({"id": 10 + len(found), "type": kind, "name": "Block", "members": listed})
    return found


def text_of(value: Any) -> str:
    return json.dumps(value)


BLOCKED_HOST = MARKER["host"]
