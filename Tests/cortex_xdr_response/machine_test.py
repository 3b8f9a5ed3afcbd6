"""Agents, operators, brains, lost replies and crashes in any order: in the end the tenant is as was decided last.

The model knows three things: what each brain decided last, whether somebody else isolated the endpoint, and which brain
has to ask again, because its command was killed or it was told that nothing is contained.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from Tests.cortex_xdr_response.world import HOST, World, world

FREE, HELD = "AGENT_UNISOLATED", "AGENT_ISOLATED"
BRAINS = st.sampled_from(["brain-1", "brain-2"])
# The longest pause between two tries.
LONG = 4_000.0
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "status", "status": 500, "when": "before"},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "status", "status": 504, "when": "after"},
    {"kind": "status", "status": 429, "when": "before"},
    {"kind": "torn"},
)


class Machine(RuleBasedStateMachine):
    """One endpoint, two brains."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.here: World
        self.wants: dict[str, bool] = {}
        self.asks_again: set[str] = set()
        self.foreign = False

    @initialize(
        isolate=st.sampled_from(["skip", "queue"]),
        release=st.sampled_from(["queue", "wait"]),
        poll=st.sampled_from([0, 30]),
    )
    def begin(self, isolate: str, release: str, poll: int) -> None:
        params = {"offline_isolate": isolate, "offline_release": release, "poll": str(poll)}
        self.here = self.stack.enter_context(world(params))
        self.here.seed()

    def teardown(self) -> None:
        try:
            if hasattr(self, "here"):
                self.settle()
        finally:
            self.stack.close()

    # ---- decisions

    def decide(self, brain: str, wanted: bool) -> None:
        self.wants[brain] = wanted
        self.asks_again.discard(brain)
        if not wanted:
            self.here.unblock(brain=brain)
        elif not self.here.block(brain=brain)["contained"]:
            self.asks_again.add(brain)

    @rule(brain=BRAINS, wanted=st.booleans())
    def decides(self, brain: str, wanted: bool) -> None:
        self.decide(brain, wanted)

    @rule(brain=BRAINS, wanted=st.booleans(), effects=st.integers(0, 16))
    def is_killed_while_it_decides(self, brain: str, wanted: bool, effects: int) -> None:
        self.wants[brain] = wanted
        self.asks_again.add(brain)
        command = "vectra-block-host" if wanted else "vectra-unblock-host"
        args = {**HOST, "brain": brain} if wanted else {"host_id": HOST["host_id"], "brain": brain}
        self.here.killed(effects, command, **args)

    @rule()
    def reconciles(self) -> None:
        self.here.reconcile()

    @rule(effects=st.integers(0, 12))
    def is_killed_while_it_reconciles(self, effects: int) -> None:
        self.here.killed(effects, "vectra-response-reconcile")

    # ---- the world

    @rule(status=st.sampled_from(["CONNECTED", "DISCONNECTED", "LOST"]))
    def agent_comes_or_goes(self, status: str) -> None:
        self.here.edit(status=status)

    @rule(status=st.sampled_from(["CONNECTED", "DISCONNECTED", "LOST"]))
    def agent_calls_in_for_a_moment(self, status: str) -> None:
        self.here.edit(check_in=True, status=status)

    @precondition(lambda self: not self.foreign)
    @rule(result=st.sampled_from(["COMPLETED_SUCCESSFULLY", "FAILED", "TIMEOUT"]))
    def agent_ends_orders(self, result: str) -> None:
        self.here.edit(order_result=result)

    @rule(seconds=st.sampled_from([1.0, 15.0, 70.0, LONG]))
    def time_passes(self, seconds: float) -> None:
        self.here.wait(seconds)

    @rule(fault=st.sampled_from(FAULTS), call=st.sampled_from(["isolate", "unisolate", "get_endpoint"]))
    def something_goes_wrong(self, fault: dict[str, Any], call: str) -> None:
        self.here.fault(call, **fault)

    @precondition(lambda self: bool(self.here.open_actions()) and not self.foreign)
    @rule()
    def operator_cancels(self) -> None:
        self.here.edit(action_id=self.here.open_actions()[0], status="CANCELED")

    @precondition(lambda self: not self.here.records and self.here.truth() == FREE)
    @rule(state=st.sampled_from([HELD, "AGENT_PENDING_ISOLATION"]))
    def analyst_isolates(self, state: str) -> None:
        self.here.edit(is_isolated=state, order_result="COMPLETED_SUCCESSFULLY")
        self.foreign = True

    @precondition(lambda self: self.foreign and self.here.truth() == HELD)
    @rule()
    def analyst_releases(self) -> None:
        self.here.edit(is_isolated=FREE)
        self.foreign = False

    # ---- what holds

    @invariant()
    def nobody_elses_isolation_is_on_record_or_undone(self) -> None:
        if self.foreign:
            assert not self.here.records
            assert self.here.truth() in (HELD, "AGENT_PENDING_ISOLATION")

    def settle(self) -> None:
        """The agent is online and stays, nothing goes wrong any more, and reconcile runs as it does each cycle."""
        self.here.emulator.faults.clear()
        self.here.edit(status="CONNECTED", order_result="COMPLETED_SUCCESSFULLY")
        for _ in range(6):
            self.here.wait(LONG)
            for brain in sorted(self.asks_again):
                self.decide(brain, self.wants[brain])
            self.here.reconcile()
        wanted = any(self.wants.values())
        assert self.here.truth() == (HELD if wanted or self.foreign else FREE)
        phases = [record["phase"] for record in self.here.records.values()]
        assert phases == (["blocked"] if wanted and not self.foreign else [])
        assert self.here.reconcile() == []


Machine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestReality = Machine.TestCase
