"""The story of the Vectra response, step by step: from a score in Vectra to an isolated endpoint, and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.response_estate import (
    CALLS_IN,
    DC,
    DEV,
    EDR,
    FIN,
    FREE,
    HELD,
    IS_BACK,
    ISOLATING,
    LAB,
    MACHINES,
    NO_BLOCK,
    RELEASING,
    Estate,
    Machine,
    disagreements,
    timeline_lines,
    told,
)
from demo.stage import EmulatorProcess, Narrator, Warroom, shown
from demo.story import Outcome

BRAIN, OTHER = "brain", "second"
SCORE = "70 and 70"
HIGH, LOW = {"threat": 90, "certainty": 85}, {"threat": 35, "certainty": 40}
BRAIN_BRAND = "VectraAutomatedResponse"


@dataclass
class ResponseStory:
    """Tells the story. `meddle` gets Cortex XDR before all is compared; it is for tests that must see a failure."""

    tell: Narrator
    warroom: Warroom
    estate: Estate
    meddle: Callable[[EmulatorProcess], object] = lambda emulator: None
    outcome: Outcome = field(default_factory=Outcome)
    checks: int = 0

    def run(self) -> Outcome:
        """All steps in order. Raises DemoFailed when one cannot be done."""
        started = time.monotonic()
        self.estate.build()
        self.install()
        self.dry_run()
        self.isolate()
        self.offline()
        self.trap()
        self.no_block_group()
        self.war_room()
        self.meddle(self.estate.xdr)
        self.close()
        self.outcome.rows["all steps, seconds"] = round(time.monotonic() - started, 1)
        return self.outcome

    # -- 1

    def install(self) -> None:
        """A home, the packs, one brain and two drivers."""
        tell, estate = self.tell, self.estate
        tell.step(1, "A fresh home, one Vectra brain, two drivers: Cortex XDR and one without a product")
        tell.say(f"Vectra knows four hosts, each has an agent in Cortex XDR. {DC.name} has a high score, but is in")
        tell.say(
            "the group NoBlock. Agents call in every 10 seconds. The tenant's clock moves only when told, so that each"
        )
        tell.say("demo is the same; and hosts may be released at once here, which they usually may after an hour.")
        variables = secret_variables(estate)
        for name in variables:
            tell.say(f"$ export {name}=...")
        tell.say(f"$ export WARROOM_HOME={shown(Path(self.warroom.environ['WARROOM_HOME']))}")
        self.warroom = self.warroom.with_variables(variables)
        self.warroom.show("init")
        self.warroom.show("content", "add", "Packs")
        login = estate.vectra.credentials
        self._add(
            BRAIN_BRAND, BRAIN, f"url={estate.vectra.url}", f"api_version={login['api_version']}",
            f"client_creds.identifier={login['client_id']}", f"host_score={SCORE}", "minimum_block_minutes=0",
            "requests_per_second=50",
        )  # fmt: skip
        self._add("CortexXDRResponse", EDR, f"url={estate.xdr.url}", "poll=0")
        self._add("TestResponse", OTHER)
        self.warroom.show("instance", "test", BRAIN)
        self.warroom.show("instance", "test", EDR)

    def _add(self, brand: str, name: str, *parameters: str) -> None:
        given = [word for parameter in parameters for word in ("-p", parameter)]
        self.warroom.show("instance", "add", brand, "--name", name, *given, "--no-store-secrets")

    # -- 2

    def dry_run(self) -> None:
        """A host crosses the threshold; what would be done is named, and nothing is done."""
        self.tell.step(2, f"{FIN.name} crosses the threshold of {SCORE}; first a dry run")
        self._score(FIN, HIGH)
        self.warroom.show("vectra", "run", "--dry-run")
        self._expect("warroom", "dry run: names the block, does nothing", FIN, FREE, ())
        self.outcome.expect(self.estate.orders() == 0, "the dry run ordered something from Cortex XDR")

    # -- 3

    def isolate(self) -> None:
        """Ordered, pending until the agent calls in, isolated; tags and note on Vectra."""
        self.tell.step(3, "Isolated, once the agent called in")
        self._cycle("isolation ordered; blocked by the second driver", FIN, ISOLATING, (EDR, OTHER))
        self.estate.wait(CALLS_IN)
        self._expect("agent", "called in, isolated itself", FIN, HELD, (EDR, OTHER))
        self._cycle("isolation confirmed", FIN, HELD, (EDR, OTHER))
        self.estate.show_host(FIN)
        self._war_room("!vectra-response-status")

    # -- 4

    def offline(self) -> None:
        """A release waits for an agent that is out of touch."""
        self.tell.step(4, "The agent goes offline, the reason goes away: the release waits for the agent")
        self._agent(FIN, "DISCONNECTED", HELD, (EDR, OTHER))
        self._score(FIN, LOW)
        self._cycle("release queued; released by the second driver", FIN, RELEASING, (EDR,))
        self._agent(FIN, "CONNECTED", FREE, (EDR,))

    # -- 5

    def trap(self) -> None:
        """An isolation that nobody wants any more waits for an agent, and no call of the API can withdraw it."""
        self.tell.step(5, "The trap: the decision turns while an isolation waits for an agent that is offline")
        self._score(FIN, HIGH)
        self._cycle("selected again: isolation ordered", FIN, ISOLATING, (EDR, OTHER))
        self._agent(FIN, "DISCONNECTED", ISOLATING, (EDR, OTHER))
        self._score(FIN, LOW)
        self._cycle("cannot be withdrawn: says what to cancel by hand", FIN, ISOLATING, (EDR,))
        self.tell.say("\nNobody cancels anything. The agent comes back and carries out the old order:")
        self._agent(FIN, "CONNECTED", HELD, (EDR,))
        self._cycle("isolated against the decision: release ordered", FIN, RELEASING, (EDR,))
        self.tell.say("\nBefore the agent gets to it, Vectra selects the host again:")
        self._score(FIN, HIGH)
        self.estate.wait(CALLS_IN)
        self._expect("agent", "called in, released itself", FIN, FREE, (EDR,))
        self._cycle("selected again: isolation ordered anew", FIN, ISOLATING, (EDR, OTHER))
        self.estate.wait(CALLS_IN)
        self._cycle("isolation confirmed: as Vectra wants it", FIN, HELD, (EDR, OTHER))

    # -- 6

    def no_block_group(self) -> None:
        """The group that protects hosts is emptied: nothing new is blocked, releases go on."""
        self.tell.step(6, f"Somebody empties the group NoBlock by mistake, while {DEV.name} crosses the threshold")
        self.estate.change(self.estate.vectra, [{"group": NO_BLOCK, "members": []}])
        self._score(DEV, HIGH)
        self._score(FIN, LOW)
        self._cycle("release ordered, in spite of the empty group", FIN, RELEASING, (EDR,), code=1)
        self._expect("warroom", "no new blocks: NoBlock is empty", DEV, FREE, ())
        self._expect("warroom", "no new blocks: NoBlock is empty", DC, FREE, ())
        self.tell.say("The exit code was 1. The group is filled again:")
        self.estate.change(self.estate.vectra, [{"group": NO_BLOCK, "members": [DC.id]}])
        self.estate.wait(CALLS_IN)
        self._cycle("isolation ordered", DEV, ISOLATING, (EDR, OTHER))
        self._expect("warroom", "release confirmed", FIN, FREE, ())
        self._expect("warroom", "protected by NoBlock", DC, FREE, ())

    # -- 7

    def war_room(self) -> None:
        """A person isolates a machine by its address, and lets it go."""
        self.tell.step(7, "By hand, from the war room")
        self._war_room(f"!vectra-block-host ip={LAB.ip} reason=case-4711")
        self.estate.wait(CALLS_IN)
        self._expect("analyst", "!vectra-block-host, and the agent called in", LAB, HELD, ())
        self._war_room(f"!vectra-unblock-host ip={LAB.ip}")
        self.estate.wait(CALLS_IN)
        self._expect("analyst", "!vectra-unblock-host, and the agent called in", LAB, FREE, ())
        self._cycle("isolation confirmed", DEV, HELD, (EDR, OTHER))

    # -- 8

    def close(self) -> None:
        """The timeline, and whether the record, Vectra and Cortex XDR say the same."""
        self.tell.step(8, "What happened, as both products show it; does the record say the same?")
        for line in timeline_lines(self.estate.timeline):
            self.tell.say(line)
        elements = self._elements()
        found = {machine.name: self.estate.look(machine) for machine in MACHINES}
        problems = disagreements(elements, found)
        self.outcome.problems.extend(problems)
        isolated = [name for name, one in found.items() if one.isolation == HELD]
        self.outcome.expect(isolated == [DEV.name], f"isolated at the end: {told(isolated)}; wanted: {DEV.name}")
        tags = self.estate.host(FIN)["tags"]
        self.outcome.expect(tags == list(FIN.tags), f"{FIN.name}: its own tags are {FIN.tags}, Vectra has {tags}")
        self._numbers(isolated, problems)

    def _elements(self) -> list[Mapping[str, Any]]:
        [answer] = self.warroom.ask("run", "!vectra-response-status")
        return list(answer["entries"][0]["Contents"]["elements"])

    def _numbers(self, isolated: list[str], problems: list[str]) -> None:
        ended = [row["status"] for row in self.estate.xdr.objects("action")]
        self.outcome.rows = {
            "record, Vectra and Cortex XDR agree": "NO" if problems else "yes",
            "moments checked against both products": self.checks,
            "things that were not as wanted": len(self.outcome.problems),
            "machines compared": len(MACHINES),
            "isolated at the end": told(isolated),
            "orders to Cortex XDR": len(ended),
            "orders still open": len(ended) - ended.count("COMPLETED_SUCCESSFULLY"),
            "requests to Cortex XDR": self.estate.xdr.totals()["requests"],
            "requests to Vectra": self.estate.vectra.totals()["requests"],
        }

    # -- what the steps are made of

    def _score(self, machine: Machine, score: Mapping[str, int]) -> None:
        self.estate.change(self.estate.vectra, [{"host": machine.id, **score}])
        self.estate.note("Vectra", " ".join(f"{name} {value}" for name, value in score.items()), machine)

    def _agent(self, machine: Machine, status: str, isolation: str, drivers: tuple[str, ...]) -> None:
        """The agent leaves, or comes back and does what was ordered meanwhile."""
        self.estate.change(self.estate.xdr, [{"endpoint_id": machine.endpoint, "status": status}])
        if status == "CONNECTED":
            self.estate.wait(IS_BACK)
        what = "is back, does what was ordered" if status == "CONNECTED" else "goes offline"
        self._expect("agent", what, machine, isolation, drivers)

    def _cycle(self, what: str, machine: Machine, isolation: str, drivers: tuple[str, ...], code: int = 0) -> None:
        self.warroom.show("vectra", "run", good=(code,))
        self._expect("warroom", what, machine, isolation, drivers)

    def _war_room(self, command: str) -> None:
        self.warroom.show("run", command)

    def _expect(self, who: str, what: str, machine: Machine, isolation: str, drivers: tuple[str, ...]) -> None:
        """Notes the moment, and a problem unless both products are as they have to be."""
        found = self.estate.note(who, what, machine)
        self.checks += 1
        at = f"{machine.name}, {what!r}"
        self.outcome.expect(found.isolation == isolation, f"{at}: {found.isolation} in Cortex XDR, not {isolation}")
        holders = f"Vectra's tags name {told(found.drivers)}, not {told(drivers)}"
        self.outcome.expect(found.drivers == tuple(sorted(drivers)), f"{at}: {holders}")


def secret_variables(estate: Estate) -> dict[str, str]:
    """The environment variables that carry the secrets of the instances."""
    key, prefix = estate.xdr.credentials, "WARROOM_SECRET__"
    return {
        f"{prefix}{BRAIN.upper()}__CLIENT_CREDS": estate.vectra.credentials["client_secret"],
        f"{prefix}{EDR.upper()}__APIKEY_ID_CREDS": key["api_key_id"],
        f"{prefix}{EDR.upper()}__APIKEY_CREDS": key["api_key"],
    }
