"""The suite. Every test runs for every driver and each kind of entity that its yml declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from Tests.conformance.discovery import DriverFile, cases, find_drivers
from Tests.conformance.instance import Instance, Killed, Row
from Tests.conformance.product import FAULTS, SITUATIONS, Subject
from warroom.cli.scaffolding.interface import KINDS, interface

DRIVERS = find_drivers()
STATUSES = {"applied", "pending", "already", "not_found", "failed", "unsupported"}
Make = Callable[[DriverFile], Instance]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Starts the product of a driver, with one instance on it."""
    with ExitStack() as stack:
        yield lambda driver: Instance(driver, stack.enter_context(driver.product()(tmp_path)), monkeypatch)


def for_each(what: str = "") -> pytest.MarkDecorator:
    found = list(cases(what))
    return pytest.mark.parametrize(("driver", "kind"), found, ids=[f"{driver.name}-{kind}" for driver, kind in found])


each_driver = pytest.mark.parametrize("driver", DRIVERS, ids=[driver.name for driver in DRIVERS])
TESTABLE = [driver for driver in DRIVERS if driver.adapter.is_file()]
each_testable = pytest.mark.parametrize("driver", TESTABLE, ids=[driver.name for driver in TESTABLE])


def statuses(rows: list[Row]) -> set[str]:
    return {row["status"] for row in rows}


def check_truth(instance: Instance, rows: list[Row], *, blocking: bool) -> None:
    """What the rows say of their elements is what the product says, and a failure says why."""
    contained = instance.product.contained()
    for row in rows:
        assert row["status"] in STATUSES
        assert row["reason"] or row["status"] in ("applied", "pending", "already"), row
        if row["status"] == "applied":
            assert (row["element"] in contained) is blocking, row
        if blocking and not row["contained"] and row["element"]:
            assert row["element"] not in contained or row["status"] == "already", row
        if not blocking and not row["contained"]:
            assert row["element"] not in contained, row


# ---- what a driver declares


def test_defects_42_and_43_drivers_are_found_by_what_they_declare() -> None:
    assert {"TestResponse", "ExternalCallResponse"} <= {driver.name for driver in DRIVERS}


@each_driver
def test_product_exists_and_says_what_it_lacks(driver: DriverFile) -> None:
    driver.product()
    for what, why in driver.lacks().items():
        name, _, kind = what.partition("/")
        assert name in (*SITUATIONS, *FAULTS) and (not kind or kind in driver.kinds), f"{driver.adapter}: {what}"
        assert len(why) > 10, f"{driver.adapter}: {what} needs a reason"


def test_product_missing_names_the_file() -> None:
    with pytest.raises(LookupError, match=r"NoSuchResponse has no product .* write Tests/conformance/drivers/NoSuch"):
        DriverFile("NoSuchResponse", {}).product()


def shape(command: Mapping[str, Any]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What callers of a command rely on; the wording of descriptions is the driver's own."""
    arguments = [
        (item["name"], item.get("isArray", False), item.get("default", False)) for item in command["arguments"]
    ]
    return arguments, [(item["contextPath"], item["type"]) for item in command["outputs"]]


@each_driver
def test_commands_have_arguments_and_outputs_of_the_interface(driver: DriverFile) -> None:
    known = {command["name"]: command for command in interface()}
    for name, command in driver.commands.items():
        if name.startswith(("vectra-block-", "vectra-unblock-", "vectra-groom-", "vectra-response-")):
            assert name in known, f"{name} is not a command of the interface"
            assert shape({"arguments": [], "outputs": [], **command}) == shape(known[name]), name


@each_driver
def test_commands_come_in_pairs(driver: DriverFile) -> None:
    assert driver.kinds and "vectra-response-reconcile" in driver.commands
    for kind in KINDS:
        assert (f"vectra-unblock-{kind}" in driver.commands) is (kind in driver.kinds)
    assert "vectra-groom-host" not in driver.commands or "host" in driver.kinds


@each_testable
def test_undeclared_kinds_are_refused_and_change_nothing(driver: DriverFile, make: Make) -> None:
    instance = make(driver)
    asked = {"host": {"ip": "10.9.9.9"}, "account": {"account": "jane"}, "detection": {"dst_ips": "198.51.100.9"}}
    for kind in set(KINDS) - set(driver.kinds):
        args = asked.get(kind, {"destinations": "198.51.100.9"})
        rows = instance.run(f"vectra-block-{kind}", **args)
        assert statuses(rows) == {"unsupported"}, f"{kind} is not declared, but {rows}"
    assert not instance.product.contained()


@each_testable
def test_test_module_is_ok_and_changes_nothing(driver: DriverFile, make: Make) -> None:
    instance = make(driver)
    assert instance.entry("test-module", {}) == "ok"
    assert not instance.product.contained() and not instance.elements


# ---- the ordinary way


@for_each()
def test_block_again_unblock_again(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    rows = instance.block(kind, subject)
    assert {row["element"] for row in rows} == subject.elements and statuses(rows) <= {"applied", "pending"}
    assert all(row["contained"] for row in rows)
    check_truth(instance, rows, blocking=True)
    instance.settle()
    instance.agrees_on(subject.elements)
    rows = instance.block(kind, subject)
    assert [(row["status"], row["contained"]) for row in rows] == [("already", True)] * len(subject.elements)
    rows = instance.unblock(kind, subject)
    assert statuses(rows) <= {"applied", "pending"}
    check_truth(instance, rows, blocking=False)
    instance.settle()
    instance.agrees_on(frozenset())
    assert {(row["status"], row["contained"]) for row in instance.unblock(kind, subject)} == {("already", False)}


@for_each()
def test_two_brains_the_last_one_releases(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.block(kind, subject, "one")
    instance.block(kind, subject, "two")
    instance.settle()
    instance.unblock(kind, subject, "one")
    instance.settle()
    instance.agrees_on(subject.elements)
    instance.unblock(kind, subject, "two")
    instance.settle()
    instance.agrees_on(frozenset())


@for_each("others_block")
def test_others_block_is_never_undone(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.others_block(subject)
    rows = instance.block(kind, subject)
    assert {(row["status"], row["contained"]) for row in rows} == {("already", False)}
    assert {row["contained"] for row in instance.unblock(kind, subject)} == {False}
    instance.reconcile()
    assert instance.product.contained() == subject.elements and not instance.elements


@for_each("others_block")
def test_adopted_element_is_released(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.others_block(subject)
    rows = instance.adopt(kind, subject)
    assert {row["element"] for row in rows} == subject.elements and statuses(rows) <= {"applied", "pending"}
    check_truth(instance, rows, blocking=False)
    instance.settle()
    instance.agrees_on(frozenset())
    rows = instance.adopt(kind, subject)
    assert {(row["status"], row["contained"]) for row in rows} == {("already", False)}
    instance.agrees_on(frozenset())


@for_each("others_block")
def test_adopted_element_is_released_when_killed_around_each_write(driver: DriverFile, kind: str, make: Make) -> None:
    moments = [(number, moment) for number in range(3) for moment in ("before", "after")]
    for number, moment in moments:
        instance = make(driver)
        subject = instance.product.subject(kind)
        instance.product.others_block(subject)
        assert instance.product.contained() == subject.elements
        instance.kill_at = (number, moment)
        with suppress(Killed):
            instance.adopt(kind, subject)
        assert instance.kill_at is None or number == len(moments) // 2 - 1
        instance.kill_at = None
        instance.adopt(kind, subject)
        instance.settle()
        instance.agrees_on(frozenset())


@for_each("unknown")
def test_unknown_is_not_found(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    rows = instance.run(f"vectra-block-{kind}", **instance.product.unknown(kind))
    assert {(row["status"], row["contained"]) for row in rows} == {("not_found", False)}
    assert all(row["reason"] for row in rows)
    instance.agrees_on(frozenset())


@for_each("several")
def test_several_matches_block_no_wrong_one(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.several(kind)
    rows = instance.block(kind, subject)
    if not subject.elements:
        assert statuses(rows) <= {"failed", "not_found", "unsupported"} and all(row["reason"] for row in rows)
    instance.settle()
    instance.agrees_on(subject.elements)


# ---- jobs


@for_each("slow_job")
def test_slow_job_is_pending_until_it_is_done(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.slow_job()
    rows = [*instance.block(kind, subject), *instance.reconcile()]
    assert statuses(rows) == {"pending"} and all(row["contained"] for row in rows)
    assert not instance.product.contained()
    instance.product.finish()
    assert "applied" in statuses(instance.reconcile()) | statuses(instance.reconcile())
    instance.settle()
    instance.agrees_on(subject.elements)


@for_each("slow_job")
def test_slow_job_and_the_wish_turns_ends_free(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.slow_job()
    instance.block(kind, subject)
    instance.unblock(kind, subject)
    instance.settle()
    instance.agrees_on(frozenset())


@for_each("slow_job")
def test_slow_release_and_the_wish_turns_ends_blocked(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.block(kind, subject)
    instance.settle()
    instance.product.slow_job()
    instance.unblock(kind, subject)
    instance.block(kind, subject)
    instance.settle()
    instance.agrees_on(subject.elements)


@for_each("refused_job")
def test_refused_job_is_never_called_done(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.refused_job()
    rows = instance.block(kind, subject)
    for _ in range(3):
        instance.product.finish()
        rows += instance.reconcile()
    assert statuses(rows) <= {"failed", "pending", "not_found"}
    assert any(row["reason"] for row in rows) and not instance.product.contained()
    instance.product.heal()
    instance.block(kind, subject)
    instance.settle()
    instance.agrees_on(subject.elements)


# ---- what was there before


@for_each("former")
def test_former_setting_is_restored(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.former(subject)
    instance.block(kind, subject)
    instance.settle()
    instance.agrees_on(subject.elements)
    assert not instance.product.is_former(subject)
    instance.unblock(kind, subject)
    instance.settle()
    instance.agrees_on(frozenset())
    assert instance.product.is_former(subject)


@for_each("former")
def test_former_setting_is_restored_when_killed_around_each_write(driver: DriverFile, kind: str, make: Make) -> None:
    for number in range(3):
        for moment in ("before", "after"):
            instance = make(driver)
            subject = instance.product.subject(kind)
            instance.product.former(subject)
            for order in (instance.block, instance.unblock):
                instance.kill_at = (number, moment)
                with suppress(Killed):
                    order(kind, subject)
                instance.kill_at = None
                order(kind, subject)
                instance.settle()
            instance.agrees_on(frozenset())
            assert instance.product.is_former(subject)


# ---- lost


@for_each("lose")
def test_lost_elements_are_put_back_by_verification_alone(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.block(kind, subject)
    instance.settle()
    assert instance.verify() == []
    instance.product.lose(subject)
    assert not instance.product.contained() and instance.reconcile() == []
    assert {row["element"] for row in instance.verify()} == subject.elements
    instance.settle()
    instance.agrees_on(subject.elements)


@for_each("lose")
def test_lost_elements_are_released_without_being_put_back(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.block(kind, subject)
    instance.settle()
    instance.product.lose(subject)
    assert statuses(instance.unblock(kind, subject)) <= {"applied", "already", "not_found", "pending"}
    instance.settle()
    instance.agrees_on(frozenset())


# ---- faults


@pytest.mark.parametrize(
    ("fault", "driver", "kind"),
    [(fault, driver, kind) for fault in FAULTS for driver, kind in cases(fault)],
    ids=[f"{fault}-{driver.name}-{kind}" for fault in FAULTS for driver, kind in cases(fault)],
)
def test_fault_the_outcome_is_true_and_the_end_is_right(fault: str, driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    steps: tuple[tuple[bool, Callable[[str, Subject], list[Row]], frozenset[str]], ...] = (
        (True, instance.block, subject.elements),
        (False, instance.unblock, frozenset()),
    )
    for blocking, order, end in steps:
        instance.product.fault(fault)
        rows = [*order(kind, subject), *instance.reconcile()]
        check_truth(instance, [row for row in rows if row["action"] != "reconcile"], blocking=blocking)
        assert statuses(rows) <= {"applied", "pending", "failed"}
        instance.product.heal()
        order(kind, subject)
        instance.settle()
        instance.agrees_on(end)


# ---- killed


@for_each()
def test_killed_around_each_write_then_run_again_agrees(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    for order, undo, end in (
        (instance.block, instance.unblock, subject.elements),
        (instance.unblock, instance.block, frozenset()),
    ):
        number, moment = 0, "before"
        while True:
            instance.kill_at = (number, moment)
            with suppress(Killed):
                order(kind, subject)
            survived, instance.kill_at = instance.kill_at is not None, None
            order(kind, subject)
            instance.settle()
            instance.agrees_on(end)
            if survived:
                break
            undo(kind, subject)
            instance.settle()
            number, moment = (number, "after") if moment == "before" else (number + 1, "before")
        assert number >= 2


@for_each("others_block")
def test_killed_around_each_write_others_block_stays(driver: DriverFile, kind: str, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject(kind)
    instance.product.others_block(subject)
    for number in range(4):
        for moment in ("before", "after"):
            instance.kill_at = (number, moment)
            for order in (instance.block, instance.block, instance.unblock):
                with suppress(Killed):
                    order(kind, subject)
            instance.kill_at = None
            instance.settle()
            assert instance.product.contained() == subject.elements and not instance.elements


# ---- groom


def grooming(what: str) -> pytest.MarkDecorator:
    found = [driver for driver, kind in cases(what) if kind == "host" and "vectra-groom-host" in driver.commands]
    return pytest.mark.parametrize("driver", found, ids=[driver.name for driver in found])


@grooming("lose")
def test_groom_puts_back_what_the_product_lost(driver: DriverFile, make: Make) -> None:
    instance = make(driver)
    subject = instance.product.subject("host")
    instance.block("host", subject)
    instance.settle()
    instance.product.lose(subject)
    rows = instance.run("vectra-groom-host", **subject.args, brain="one")
    assert {row["element"] for row in rows} == subject.elements and statuses(rows) <= {"applied", "pending"}
    instance.settle()
    instance.agrees_on(subject.elements)


@grooming("")
def test_groom_entity_that_did_not_change_stays(driver: DriverFile, make: Make) -> None:
    instance, kind = make(driver), "host"
    subject = instance.product.subject(kind)
    assert {row["contained"] for row in instance.run("vectra-groom-host", **subject.args, brain="one")} == {False}
    assert not instance.product.contained()
    instance.block(kind, subject)
    instance.settle()
    assert instance.run("vectra-groom-host", **subject.args, brain="one") == []
    instance.agrees_on(subject.elements)
