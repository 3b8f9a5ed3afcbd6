"""The state against a context that others write to as well."""

import json
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from VersionedStateApiModule import (
    VERSIONED_STATE_KEY,
    ContextPort,
    StateConflictError,
    StateTooNewError,
    VersionedState,
    pause_between_tries,
)


class Context:
    """An integration context that refuses stale versions. `meanwhile` runs before each write."""

    def __init__(self, context: dict[str, Any] | None = None) -> None:
        self.context = context or {}
        self.version = 0
        self.meanwhile: Callable[[], None] = lambda: None
        self.lock = threading.Lock()

    def read(self) -> dict[str, Any]:
        with self.lock:
            return {"context": dict(self.context), "version": self.version}

    def write(self, context: dict[str, Any], version: Any) -> None:
        self.meanwhile()
        with self.lock:
            if version != self.version:
                raise ValueError("stale")
            self.context, self.version = context, self.version + 1

    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.context[VERSIONED_STATE_KEY])
        return found


def state(context: Context, version: int = 1, **more: Any) -> VersionedState:
    port = ContextPort(context.read, context.write)
    return VersionedState(port, version, lambda: {"n": 0}, more.pop("pause", lambda attempt: None), **more)


def plus(number: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda current: {**current, "n": current["n"] + number}


@pytest.mark.parametrize("empty", [{}, {"other": "x"}, {VERSIONED_STATE_KEY: ""}])
def test_load_of_an_instance_without_state_gives_the_initial_one_and_stores_nothing(empty: dict[str, Any]) -> None:
    context = Context(dict(empty))
    assert state(context).load() == {"n": 0}
    assert (context.context, context.version) == (empty, 0)


def test_load_without_any_context_gives_the_initial_state() -> None:
    port = ContextPort(lambda: {"context": None, "version": 0}, lambda context, version: None)
    assert VersionedState(port, 1, lambda: {"n": 0}, lambda attempt: None).load() == {"n": 0}


def test_update_stores_one_text_and_leaves_other_keys_alone() -> None:
    context = Context({"other": "kept"})
    assert state(context).update(plus(2), progress="half") == {"n": 2}
    assert context.context["other"] == "kept" and context.context["progress"] == "half"
    assert context.stored() == {"n": 2, "v": 1}
    assert all(isinstance(value, str) for value in context.context.values())
    assert state(context).load()["n"] == 2


def test_update_is_applied_again_to_what_another_run_wrote_in_between() -> None:
    context = Context()
    waits: list[int] = []
    others = [100, 10]

    def meanwhile() -> None:
        if others:
            number = others.pop()
            context.meanwhile, kept = lambda: None, context.meanwhile
            state(context).update(plus(number))
            context.meanwhile = kept

    context.meanwhile = meanwhile
    assert state(context, pause=waits.append).update(plus(1))["n"] == 111
    assert waits == [1, 2]


def test_update_that_others_always_overtake_gives_up_and_stores_nothing() -> None:
    context = Context()

    def overtake() -> None:
        context.version += 1

    context.meanwhile = overtake
    with pytest.raises(StateConflictError, match="3 times"):
        state(context, attempts=3).update(plus(1))
    assert context.context == {}


@pytest.mark.parametrize("error", [ValueError("mine"), RuntimeError("mine"), KeyboardInterrupt()])
def test_what_a_change_raises_is_passed_on_and_nothing_is_stored(error: BaseException) -> None:
    context = Context()

    def broken(current: dict[str, Any]) -> dict[str, Any]:
        raise error

    with pytest.raises(type(error)):
        state(context).update(broken)
    assert context.version == 0


def test_older_state_is_migrated_step_by_step_and_stored_in_the_new_shape() -> None:
    context = Context({VERSIONED_STATE_KEY: json.dumps({"v": 1, "n": 5})})
    migrations = {1: lambda old: {**old, "m": old["n"] * 2}, 2: lambda old: {**old, "k": old["m"] + 1}}
    newer = state(context, version=3, migrations=migrations)
    assert newer.load() == {"v": 3, "n": 5, "m": 10, "k": 11}
    newer.update(plus(1))
    assert context.stored() == {"v": 3, "n": 6, "m": 10, "k": 11}


def test_state_of_a_newer_version_is_refused_and_left_alone() -> None:
    text = json.dumps({"v": 9, "n": 5})
    context = Context({VERSIONED_STATE_KEY: text})
    for call in (state(context).load, lambda: state(context).update(plus(1))):
        with pytest.raises(StateTooNewError, match="version 9"):
            call()
    assert context.context == {VERSIONED_STATE_KEY: text}


@pytest.mark.parametrize("text", ["{", "[]", "5", '{"n": 1}', '{"v": "one"}', '{"v": null}', '{"v": 0}'])
def test_state_that_is_damaged_is_an_error_that_says_what_to_do(text: str) -> None:
    context = Context({VERSIONED_STATE_KEY: text})
    with pytest.raises(ValueError, match=r"cannot be read.*reset the integration cache"):
        state(context).load()
    assert context.context == {VERSIONED_STATE_KEY: text}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_updates_of_many_threads_are_all_counted(numbers: list[int]) -> None:
    context = Context()
    threads = [
        threading.Thread(target=lambda number=number: state(context, attempts=1000).update(plus(number)))
        for number in numbers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert context.stored()["n"] == sum(numbers)


def test_context_port_of_a_server_reads_from_the_database_and_writes_at_once() -> None:
    asked: list[Any] = []

    def read(**options: Any) -> dict[str, Any]:
        asked.append(options)
        return {"context": {}, "version": 3}

    server = SimpleNamespace(
        getIntegrationContextVersioned=read,
        setIntegrationContextVersioned=lambda *given, **options: asked.append((given, options)),
    )
    port = ContextPort.of(server)
    assert port.read() == {"context": {}, "version": 3}
    port.write({"state": "x"}, 3)
    assert asked == [{"refresh": True}, (({"state": "x"}, 3), {"sync": True})]


def test_pause_between_tries_grows_and_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("random.random", lambda: 0.5)
    for attempt in (1, 4):
        pause_between_tries(attempt)
    assert slept == [0.05, 0.2]


def test_states_under_keys_of_their_own_leave_each_other_alone() -> None:
    context = Context()
    one, other = state(context), state(context, key="other", version=3)
    one.update(plus(1))
    other.update(plus(5))
    one.update(plus(1))
    assert (one.load()["n"], other.load()["n"], set(context.context)) == (2, 5, {VERSIONED_STATE_KEY, "other"})
