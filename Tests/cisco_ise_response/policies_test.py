"""What was there before, what people change meanwhile, orders that half succeed, and lists that do not filter."""

from __future__ import annotations

import pytest

from Tests.cisco_ise_response.world import DOCK, FORMER, IP, MAC, POLICY, THEIRS, world

SECOND = pytest.mark.parametrize("second", ["replace", "refuse"])


@SECOND
def test_former_policy_comes_back(second: str) -> None:
    with world(second_policy=second) as here:
        here.has(FORMER)
        row = here.block()
        assert (row["status"], here.policy(), here.enforced()) == ("applied", POLICY, POLICY)
        assert f"in place of {FORMER}" in row["reason"]
        here.unblock()
        here.reconcile()
        assert (here.policy(), here.enforced(), here.records) == (FORMER, FORMER, {})


def test_former_policy_is_replaced_in_one_step() -> None:
    with world() as here:
        here.has(FORMER)
        here.block()
        here.unblock()
        assert (here.calls("/apply"), here.calls("/clear")) == (2, 0)


@SECOND
def test_former_policy_survives_a_kill_at_every_moment(second: str) -> None:
    for effects in range(60):
        with world(second_policy=second) as here:
            here.has(FORMER)
            cut = here.killed(effects, "vectra-block-host", host_id="41", ip=IP, brain="brain-1")
            here.block()
            here.reconcile()
            assert (here.policy(), list(here.records)) == (POLICY, [MAC])
            cut |= here.killed(effects, "vectra-unblock-host", host_id="41", brain="brain-1")
            here.unblock()
            for moment in range(effects + 1):
                here.clock.seconds += 4000
                if not here.killed(moment, "vectra-response-reconcile"):
                    break
            here.reconcile()
            assert (here.policy(), here.records) == (FORMER, {}), effects
        if not cut:
            return
    pytest.fail("it never came to its end")


def test_former_policy_survives_a_kill_after_ours_was_taken_off() -> None:
    with world(second_policy="refuse") as here:
        here.has(FORMER)
        here.block()
        assert here.unblock()["status"] == "pending"
        seen = set()
        for effects in range(30):
            here.clock.seconds += 4000
            if not here.killed(effects, "vectra-response-reconcile"):
                break
            seen.add(here.policy())
        assert seen == {POLICY, "", FORMER} and (here.policy(), here.records) == (FORMER, {})


def test_wish_that_turns_after_ours_was_taken_off_blocks_again() -> None:
    with world(second_policy="refuse") as here:
        here.has(FORMER)
        here.block()
        here.unblock()
        here.fault("*/ancendpoint/apply", kind="status", status=403)
        assert [row["status"] for row in here.reconcile()] == ["failed"] and here.policy() == ""
        assert (here.block()["status"], here.policy()) == ("applied", POLICY)
        here.unblock()
        here.reconcile()
        assert (here.policy(), here.records) == (FORMER, {})


def test_former_policy_that_was_deleted_is_told() -> None:
    with world() as here:
        here.has(FORMER)
        here.block()
        here.edit(delete_policy=FORMER)
        row = here.unblock()
        assert (row["status"], here.policy(), here.records) == ("applied", "", {})
        assert f"{FORMER} does not exist any more" in row["reason"]


def test_former_policy_is_not_put_over_what_somebody_took_off() -> None:
    with world() as here:
        here.has(FORMER)
        here.block()
        here.edit(policy=None)
        row = here.unblock()
        assert (row["status"], here.policy()) == ("already", "") and FORMER in row["reason"]


def test_policy_of_a_person_stays_at_the_release_and_is_told() -> None:
    with world() as here:
        here.has(FORMER)
        here.block()
        here.edit(policy=THEIRS)
        row = here.unblock()
        assert (row["status"], here.policy(), here.records) == ("already", THEIRS, {})
        assert f"{THEIRS}, which somebody assigned since" in row["reason"]


def test_policy_of_a_person_is_not_replaced_while_the_block_is_wanted() -> None:
    with world() as here:
        here.block()
        here.edit(policy=THEIRS)
        assert here.reconcile(verify="true") == here.groom() == []
        assert (here.policy(), list(here.records)) == (THEIRS, [MAC])


def test_policy_of_a_person_is_not_replaced_by_an_order_that_is_repeated() -> None:
    with world() as here:
        here.fault("*/ancendpoint/apply", kind="status", status=500)
        assert here.block()["status"] == "pending"
        here.edit(policy=THEIRS)
        assert [row["status"] for row in here.reconcile()] == ["pending"]
        row = here.block()
        assert (row["status"], here.policy()) == ("failed", THEIRS) and "somebody assigned since" in row["reason"]


def test_clean_up_is_put_back_by_verification_and_by_grooming() -> None:
    for put_back in ("reconcile", "groom"):
        with world() as here:
            here.block()
            here.edit(clean_up=True)
            rows = here.groom() if put_back == "groom" else here.reconcile(verify="true")
            assert [row["status"] for row in rows] == ["applied"]
            assert here.policy() == POLICY


def test_adopted_in_any_spelling_is_released_and_others_policies_are_not() -> None:
    with world() as here:
        here.has(POLICY)
        row = here.unblock(elements="0050.56aa.bb01", adopt="true")
        assert (row["status"], here.policy()) == ("applied", "")
        here.has(THEIRS, DOCK)
        row = here.unblock(elements=DOCK.lower(), adopt="true")
        assert (row["status"], here.policy(DOCK)) == ("already", THEIRS)
        assert here.unblock(elements="not-a-mac", adopt="true")["status"] == "already"


def test_change_of_authorisation_fails_the_outcome_warns() -> None:
    with world() as here:
        here.edit(device="10.255.0.1", answers=False)
        row = here.block()
        assert (row["status"], here.policy(), here.enforced()) == ("applied", POLICY, "")
        assert "Radius Failure" in row["reason"] and "keeps its access" in row["reason"]
        row = here.unblock()
        assert (row["status"], here.policy()) == ("applied", "") and "keeps its restricted access" in row["reason"]


@pytest.mark.parametrize("order", ["apply", "clear"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_server_error_is_looked_at_and_not_repeated_blindly(order: str, moment: str) -> None:
    with world() as here:
        if order == "clear":
            here.block()
        here.fault(f"*/ancendpoint/{order}", kind="status", status=500, when=moment)
        row = here.block() if order == "apply" else here.unblock()
        assert row["status"] == "pending" and "looked at again" in row["reason"]
        assert "applied" in [row["status"] for row in here.reconcile()]
        assert here.policy() == (POLICY if order == "apply" else "")
        assert here.calls(f"/{order}") == (1 if moment == "after" else 2)


@pytest.mark.parametrize("names", ["hide", "show"])
def test_list_that_does_not_filter_is_walked(names: str) -> None:
    with world(name_filter="off", list_names=names) as here:
        here.seed(endpoints=[{"mac": f"00:50:56:00:00:{n:02X}", "policy": THEIRS} for n in range(3)])
        assert (here.test(), here.block()["status"], here.policy()) == ("ok", "applied", POLICY)
        assert (here.unblock()["status"], here.policy()) == ("applied", "")


def test_filter_that_finds_nothing_is_not_believed_after_an_order() -> None:
    with world(name_filter="nothing") as here:
        assert (here.block()["status"], here.policy()) == ("applied", POLICY)
        assert here.reconcile(verify="true") == []
        assert (here.unblock()["status"], here.policy()) == ("applied", "")


def test_list_of_many_pages_is_walked() -> None:
    with world(name_filter="off", list_names="show") as here:
        here.seed(
            endpoints=[{"mac": f"00:00:00:00:{n // 256:02X}:{n % 256:02X}", "policy": THEIRS} for n in range(250)]
        )
        assert here.block()["status"] == "applied"


def test_policy_that_does_not_exist_is_told_by_test_and_block() -> None:
    with world({"quarantine_policy": "quarantine"}) as here:
        assert here.test() == "Cisco ISE has no ANC policy 'quarantine'. Names are compared letter by letter."
        row = here.block()
        assert (row["status"], here.records) == ("failed", {}) and "Policy is not configured" in row["reason"]


def test_another_policy_in_the_settings_still_releases_the_old_one() -> None:
    with world() as here:
        here.block()
        here.params["quarantine_policy"] = THEIRS
        assert here.reconcile(verify="true") == []
        assert (here.unblock()["status"], here.policy()) == ("applied", "")


def test_ers_off_is_told_and_followed_later() -> None:
    with world() as here:
        here.block()
        here.edit(ers="off")
        row = here.unblock()
        assert row["status"] == "failed" and "did not answer" in row["reason"]
        here.edit(ers="on")
        here.reconcile()
        assert (here.policy(), here.records) == ("", {})
