"""What belongs to others: it is never taken away, never renamed, never deleted; and what VAR left."""

from __future__ import annotations

import pytest

from Tests.fortimanager_response.world import ELEMENT, IN, IP, OUT, PACKAGE, World, world

OURS = f"vectra_{IP}"


def settled(here: World) -> None:
    here.block()
    here.settle()


@pytest.mark.parametrize("install", [True, False])
def test_member_of_somebody_else_is_left_alone_installed_or_not(install: bool) -> None:
    with world() as here:
        here.put("bad-host", f"{IP}/32", install=install)
        row = here.block()
        assert (row["status"], row["contained"], here.records) == ("already", False, {})
        assert "bad-host of somebody else" in row["reason"]
        assert ("not installed" in row["reason"]) is not install
        assert here.unblock()["contained"] is False and "bad-host" in here.members()


def test_member_that_somebody_adds_beside_ours_stays_when_ours_goes() -> None:
    with world() as here:
        settled(here)
        here.put("bad-host", f"{IP}/32")
        row = here.unblock()
        assert row["status"] == "pending" and "bad-host in the group in is not of this instance" in row["reason"]
        here.settle()
        assert here.members() == ["none", "bad-host"] and here.truth() == {f"{IP}/32"} and here.records == {}


def test_member_that_took_the_place_of_ours_stays_and_the_record_goes() -> None:
    with world() as here:
        settled(here)
        here.edit(members={"adom": "root", "table": "addrgrp", "group": IN, "remove": [OURS]})
        here.put("bad-host", f"{IP}/32")
        row = here.unblock()
        assert (row["status"], row["contained"]) == ("already", False) and "bad-host" in row["reason"]
        assert here.members() == ["none", "bad-host"] and here.records == {}


def test_object_that_another_group_uses_too_leaves_our_group_and_is_not_deleted() -> None:
    for code in (-10015, -20013):
        with world(used_code=code) as here:
            settled(here)
            here.edit(object={"adom": "root", "table": "addrgrp", "data": {"name": "other", "member": [OURS]}})
            here.unblock()
            here.settle()
            assert OURS in here.objects() and here.members() == ["none"] and here.records == {}


def test_object_of_our_name_without_our_comment_is_used_and_not_deleted() -> None:
    with world() as here:
        here.edit(object={"adom": "root", "table": "address", "data": {"name": OURS, "subnet": f"{IP}/32"}})
        settled(here)
        assert here.truth() == {f"{IP}/32"}
        here.unblock()
        here.settle()
        assert here.objects()[OURS]["comment"] == "" and here.members() == ["none"]


def test_object_of_our_name_with_another_value_is_not_changed_and_told() -> None:
    with world() as here:
        here.edit(object={"adom": "root", "table": "address", "data": {"name": OURS, "subnet": "10.8.8.8/32"}})
        row = here.block()
        assert row["status"] == "failed" and f"{OURS} exists with another value" in row["reason"]
        assert here.objects()[OURS]["subnet"][0] == "10.8.8.8" and here.members() == ["none"]


def test_object_whose_comment_a_person_changed_leaves_the_group_and_is_not_deleted() -> None:
    with world() as here:
        settled(here)
        data = {"name": OURS, "subnet": f"{IP}/32", "comment": "mine now"}
        here.edit(object={"adom": "root", "table": "address", "data": data})
        here.unblock()
        here.settle()
        assert here.objects()[OURS]["comment"] == "mine now" and here.members() == ["none"]


def test_group_that_was_changed_in_the_parameters_is_released_where_it_was_put() -> None:
    with world() as here:
        settled(here)
        here.params.update(internal_group=OUT, external_group=IN, object_prefix="other_")
        here.unblock()
        here.settle()
        assert here.members(IN) == ["none"] and OURS in here.objects() and here.records == {}


def test_group_that_is_missing_is_told_and_a_release_from_it_is_done() -> None:
    with world({"internal_group": "gone"}) as here:
        assert "There is no address group gone" in here.test()
        row = here.block()
        assert row["status"] == "failed" and "no address group gone" in row["reason"] and here.records == {}


def test_group_that_was_deleted_meanwhile_lets_the_record_go() -> None:
    with world() as here:
        settled(here)
        here.edit(delete_object={"adom": "root", "table": "addrgrp", "name": IN})
        assert here.unblock()["status"] == "failed"
        here.settle()
        assert here.records == {}


@pytest.mark.parametrize(("kind", "group", "side"), [("host", IN, "source"), ("detection", OUT, "destination")])
@pytest.mark.parametrize("own_form", [True, False])
def test_adopted_element_in_the_form_of_var_or_in_ours_is_released(
    kind: str, group: str, side: str, own_form: bool
) -> None:
    with world() as here:
        here.put("VAR-object", f"{IP}/32", group)
        element = f"{'internal' if kind == 'host' else 'external'}:{IP}" if own_form else IP
        args = {"host_id": "41"} if kind == "host" else {"detection_id": "41"}
        row = here.one(f"vectra-unblock-{kind}", **args, elements=element, adopt="true", brain="brain-1")
        assert row["status"] == "pending" and row["element"] == element
        here.settle()
        assert here.truth(side) == frozenset() and here.records == {}
        assert "VAR-object" in here.objects() and here.members(group) == ["none"]


def test_adopted_text_that_is_no_address_is_gone_and_asks_for_nothing() -> None:
    with world() as here:
        element = "../addrgrp/in"
        row = here.one("vectra-unblock-host", host_id="41", elements=element, adopt="true", brain="b")
        assert (row["status"], row["contained"], here.records) == ("already", False, {})
        assert here.asked("addrgrp/in") == 0


def test_adopted_element_that_nobody_blocks_is_already_free() -> None:
    with world() as here:
        row = here.one("vectra-unblock-host", host_id="41", elements=IP, adopt="true", brain="b")
        assert (row["status"], row["contained"], here.asked("workspace/lock")) == ("already", False, 0)


def test_second_instance_leaves_the_block_of_the_first_alone() -> None:
    with world() as here:
        settled(here)
        other = here.second()
        assert (other.block()["status"], other.records) == ("already", {})
        other.unblock()
        other.settle()
        assert here.truth() == {f"{IP}/32"} and set(here.records) == {ELEMENT}


def test_members_that_cannot_be_compared_stay_and_do_not_count() -> None:
    with world() as here:
        inner = {"name": "inner", "member": ["none"]}
        here.edit(object={"adom": "root", "table": "addrgrp", "data": inner})
        here.edit(members={"adom": "root", "table": "addrgrp", "group": IN, "add": ["inner"]})
        here.edit(install={"adom": "root", "pkg": PACKAGE})
        settled(here)
        here.unblock()
        here.settle()
        assert here.members() == ["none", "inner"]
