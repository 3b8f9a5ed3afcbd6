"""A home with the Vectra pack, emulated brains and products, and a person who answers what its playbooks ask."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulators.cortex_xdr import CortexXdr
from emulators.cortex_xdr import running as cortex_xdr
from emulators.vectra import Vectra
from emulators.vectra import running as vectra
from warroom.core.expressions import Scope, resolve
from warroom.engine import Host
from warroom.engine.playbooks import Asked, PlaybookRun, Reply
from warroom.engine.playbooks.answers import read_reply

PACKS = Path(__file__).resolve().parents[2] / "Packs"
BRAIN, DRIVER, LIST = "VectraAutomatedResponse", "TestResponse", "Vectra Response Destinations"
PARAMS = {
    "requests_per_second": "100",
    "minimum_block_minutes": "0",
    "score_hysteresis": "0",
    "account_no_block_group": "",
    "isFetch": True,
}
ENDPOINT = "0123456789abcdef0123456789abcdef"
OBJECTS = {
    "hosts": [
        {
            "id": 41,
            "name": "fin-lap-07",
            "last_source": "10.20.3.7",
            "threat": 80,
            "certainty": 80,
            "tags": ["finance"],
        },
        {"id": 42, "name": "dev-lap-01", "last_source": "10.20.3.8", "threat": 10, "certainty": 10},
        {"id": 43, "name": "dc-01", "last_source": "10.20.3.9", "threat": 99, "certainty": 99},
    ],
    "accounts": [{"id": 7, "name": "O365:jane@corp.test", "threat": 60, "certainty": 60}],
    "groups": [{"id": 1, "type": "host", "name": "NoBlock", "members": [43]}],
    "detections": [
        {
            "id": 9001,
            "detection_type": "Hidden HTTPS Tunnel",
            "detection_category": "command",
            "src_host": 41,
            "summary": {"dst_ips": ["8.8.8.8"], "target_domains": ["c2.example"]},
        }
    ],
}


@dataclass
class World:
    """Brains by instance name, an emulated Cortex XDR when there is one, and what the last run asked for."""

    host: Host
    brains: dict[str, Vectra] = field(default_factory=dict)
    xdr: CortexXdr | None = None
    slept: list[float] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def run(
        self,
        name: str,
        answers: Mapping[str, Any] | None = None,
        incident: Mapping[str, Any] | None = None,
        **inputs: str,
    ) -> PlaybookRun:
        """Run a playbook of the pack. Its questions are kept in `asked`; one without an answer fails the test."""
        given = dict(answers or {})
        self.asked.clear()

        def answer(asked: Asked) -> Reply:
            self.asked.append(asked)
            assert asked.task in given, f"{asked.task}: {asked.text}"
            return read_reply(asked, given[asked.task])

        return self.host.run_playbook(f"Vectra Response - {name}", inputs, incident=incident, answers=answer)

    def result(self, name: str, answers: Mapping[str, Any] | None = None, **inputs: str) -> str:
        """What the playbook says has become of it."""
        run = self.run(name, answers, None, **inputs)
        assert run.status == "done", run.error
        return str(run.context["VectraResponse"]["Result"])

    def command(self, line: str) -> Any:
        """The contents of the first result of a command of the war room."""
        [first, *_] = self.host.run_command(line)
        assert first.status == "ok", first.error
        return first.entries

    def cycle(self) -> None:
        """What the job does."""
        self.command("!VectraResponseCycle")

    def tags(self, kind: str, number: int, brain: str = "brain-a") -> list[str]:
        """The tags of an object on Vectra."""
        emulator = self.brains[brain]
        with emulator.lock:
            return sorted(emulator.brain.tags.of(kind, [number]).get(number, []))

    def notes(self, kind: str, number: int, brain: str = "brain-a") -> list[str]:
        """The notes of an object on Vectra."""
        emulator = self.brains[brain]
        with emulator.lock:
            return [str(note["note"]) for note in emulator.brain.notes.list(kind, number)]

    def state(self, instance: str) -> dict[str, Any]:
        """What an instance keeps."""
        context = self.host.store.contexts.read(self.host.instances.get(instance).id).context
        kept: dict[str, Any] = json.loads(context.get("state") or "{}")
        return kept

    def blocked(self, driver: str = "edr") -> dict[str, list[str]]:
        """Elements that a test driver blocks, with the claims on each."""
        elements = self.state(driver).get("elements") or {}
        return {name: record["claims"] for name, record in elements.items() if record["phase"] == "blocked"}

    def set_driver(self, name: str, **params: str) -> None:
        """Change parameters of a driver instance."""
        known = self.host.instances.get(name)
        self.host.store.instances.update(replace(known, params={**known.params, **params}))

    def kept(self, run: PlaybookRun) -> dict[str, Any]:
        """The incident of a run, as it is kept."""
        return self.host.store.incidents.get(run.incident) or {}

    def is_closed(self, run: PlaybookRun) -> bool:
        """Whether the incident of a run is closed."""
        return self.kept(run).get("status") == 2

    def requests(self) -> list[Any]:
        """What the tenant was asked for."""
        assert self.xdr is not None
        return list(self.xdr.requests.latest())

    def isolated(self) -> str:
        """`is_isolated` of the endpoint, as the tenant has it."""
        assert self.xdr is not None
        with self.xdr.lock:
            self.xdr.actions.settle()
            found = self.xdr.fleet.find(ENDPOINT)
        assert found is not None
        return str(found.is_isolated)


@contextmanager
def world(
    folder: Path,
    brains: tuple[str, ...] = ("brain-a",),
    drivers: Mapping[str, Mapping[str, str]] | None = None,
    xdr: bool = False,
    **params: str,
) -> Iterator[World]:
    """A home in `folder` with these brains, all seeded alike, and these test drivers with their parameters."""
    slept: list[float] = []
    with ExitStack() as stack:
        environ = {"PATH": os.environ["PATH"]}
        host = stack.enter_context(Host.open(folder / "home", content=[PACKS], environ=environ, sleep=slept.append))
        made = World(host, slept=slept)
        for name in brains:
            emulator = stack.enter_context(vectra(api_version="2.5", auth="token"))
            with emulator.lock:
                emulator.state.seed(OBJECTS)
            made.brains[name] = emulator
            given = {**PARAMS, **params, "url": emulator.url}
            host.add_instance(BRAIN, name, given, {"token_creds": emulator.token}, "plaintext")
        for name, settings in ({"edr": {}} if drivers is None else drivers).items():
            host.add_instance(DRIVER, name, dict(settings))
        if xdr:
            made.xdr = stack.enter_context(cortex_xdr(rate=0, check_in_seconds=0, work_seconds=0))
            add_xdr(made, made.xdr)
        yield made


def add_xdr(made: World, emulator: CortexXdr) -> None:
    """An instance of the Cortex XDR driver, and host 41 as an endpoint of the tenant."""
    endpoint = {"endpoint_id": ENDPOINT, "endpoint_name": "fin-lap-07", "ip": ["10.20.3.7"]}
    with emulator.lock:
        emulator.state.seed({"endpoints": [endpoint]})
    params = {"url": emulator.url, "api_key_type": emulator.api_key_type, "poll": "0"}
    secrets = {"apikey_creds": emulator.api_key, "apikey_id_creds": emulator.api_key_id}
    made.host.add_instance("CortexXDRResponse", "xdr", params, secrets, "plaintext")


def mapped(incident: Mapping[str, Any]) -> dict[str, str]:
    """The custom fields of a fetched incident, by the mapper of the pack, which has only roots, accessors and joins."""
    decision = json.loads(incident["rawJSON"])
    file = PACKS / "VectraAutomatedResponse/Classifiers/classifier-mapper-incoming-Vectra_Response.json"
    mapping = json.loads(file.read_text(encoding="utf-8"))["mapping"]["Vectra Response"]["internalMapping"]
    scope = Scope(context=decision)
    found = {name.replace(" ", "").lower(): resolve(expression, scope) for name, expression in mapping.items()}
    return {name: str(value) for name, value in found.items() if value not in (None, "", [])}
