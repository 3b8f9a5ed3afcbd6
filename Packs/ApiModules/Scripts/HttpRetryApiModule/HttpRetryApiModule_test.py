import threading
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from types import SimpleNamespace

import pytest
from HttpRetryApiModule import HttpBusyError, HttpPacer, HttpRetry, HttpRetryPolicy, HttpTiming, http_retry_after


class PausedError(HttpBusyError):
    pass


class LostError(Exception):
    pass


def lost(error: HttpBusyError) -> LostError:
    return LostError(f"{error}; not known")


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def timing(self) -> HttpTiming:
        return HttpTiming(lambda: 1000 + self.seconds, lambda: self.seconds, self.sleep, lambda: 0.0)


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def one_try() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return one_try


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), (" 7 ", 7.0), ("0", 0.0), (None, None), ("", None), ("soon", None), ("-5", None),
        (formatdate(1030, usegmt=True), 30.0),
    ],
)  # fmt: skip
def test_retry_after_each_form_is_read(value: str | None, seconds: float | None) -> None:
    assert http_retry_after(value, 1000) == seconds


def test_retry_after_date_in_the_past_is_no_wait() -> None:
    assert http_retry_after(formatdate(900, usegmt=True), 1000) == 0


def test_seconds_asked_date_counts_from_now() -> None:
    clock = Clock()
    clock.seconds = 10
    assert HttpRetry(timing=clock.timing()).seconds_asked(formatdate(1030, usegmt=True)) == 20


@pytest.mark.parametrize(("deadline", "left"), [(None, None), (30.0, 20.0), (10.0, 0.0), (5.0, 0.0)])
def test_seconds_left_counts_down_to_zero(deadline: float | None, left: float | None) -> None:
    clock = Clock()
    clock.seconds = 10
    assert HttpRetry(timing=clock.timing(), deadline=deadline).seconds_left() == left


@pytest.mark.parametrize(
    ("status", "expected"), [(408, True), (425, True), (429, True), (500, True), (501, True), (599, True), (400, False)]
)
def test_repeatable_is_busy_or_failed_but_not_refused(status: int, expected: bool) -> None:
    assert HttpRetry().repeatable(status) is expected


def test_delay_grows_up_to_its_limit_and_spreads() -> None:
    policy = HttpRetryPolicy(base_seconds=1, cap_seconds=10)
    assert [policy.delay(tries, None, 1.0) for tries in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert [policy.delay(tries, None, 0.0) for tries in range(1, 4)] == [0.5, 1, 2]
    assert policy.delay(1, 60, 0.5) == 60
    assert policy.delay(5, 1, 1.0) == 10


def test_run_busy_twice_waits_longer_each_time() -> None:
    clock = Clock()
    retry = HttpRetry(timing=clock.timing(), policy=HttpRetryPolicy(base_seconds=2))
    assert retry.run(failing(HttpBusyError("busy"), HttpBusyError("busy"))) == "done"
    assert clock.slept == [1.0, 2.0]


def test_run_429_pauses_every_start_and_lowers_the_rate() -> None:
    clock = Clock()
    retry = HttpRetry(rate=4, timing=clock.timing())
    retry.run(failing(HttpBusyError("slow down", 429, 9.0)))
    retry.pacer.wait()
    assert clock.slept == [9.0]
    assert retry.pacer.allowed == pytest.approx(4 * 0.85 * 1.02)


def test_run_out_of_tries_raises_the_same_class_with_the_reason() -> None:
    class VendorBusyError(HttpBusyError):
        pass

    retry = HttpRetry(timing=Clock().timing(), policy=HttpRetryPolicy(attempts=2))
    with pytest.raises(VendorBusyError, match=r"busy \(2 tries failed; the next run tries again\)") as caught:
        retry.run(failing(VendorBusyError("busy", 503), VendorBusyError("busy", 503)), VendorBusyError)
    assert caught.value.status == 503


def test_run_wait_beyond_the_deadline_gives_up_at_once() -> None:
    clock = Clock()
    retry = HttpRetry(timing=clock.timing(), deadline=5.0)
    with pytest.raises(HttpBusyError, match="time for this run"):
        retry.run(failing(HttpBusyError("busy", 503, 60.0)))
    assert clock.slept == []


@pytest.mark.parametrize(
    ("status", "seconds", "tries", "kind"),
    [
        (429, 60.0, 6, PausedError),
        (503, 60.0, 6, HttpBusyError),
        (429, None, 1, HttpBusyError),
    ],
)
def test_run_paused_only_for_a_429_at_the_deadline(
    status: int, seconds: float | None, tries: int, kind: type[Exception]
) -> None:
    retry = HttpRetry(timing=Clock().timing(), policy=HttpRetryPolicy(attempts=tries), deadline=5.0)
    with pytest.raises(HttpBusyError) as caught:
        retry.run(failing(HttpBusyError("busy", status, seconds)), paused=PausedError)
    assert type(caught.value) is kind
    assert caught.value.status == status


@pytest.mark.parametrize("status", [0, 408, 500, 503, 599])
def test_run_once_that_may_have_been_begun_is_not_repeated(status: int) -> None:
    clock = Clock()
    with pytest.raises(LostError, match="busy; not known"):
        HttpRetry(timing=clock.timing()).run(failing(HttpBusyError("busy", status)), once=lost)
    assert clock.slept == []


@pytest.mark.parametrize(
    "error", [HttpBusyError("busy", 425), HttpBusyError("busy", 429), HttpBusyError("nobody there", unsent=True)]
)
def test_run_once_that_was_certainly_not_begun_is_repeated(error: HttpBusyError) -> None:
    retry = HttpRetry(timing=Clock().timing(), policy=HttpRetryPolicy(attempts=2))
    assert retry.run(failing(error), once=lost) == "done"
    with pytest.raises(HttpBusyError, match="2 tries failed"):
        retry.run(failing(error, error), once=lost)


def test_run_other_error_passes_through_untouched() -> None:
    with pytest.raises(KeyError):
        HttpRetry(timing=Clock().timing()).run(failing(KeyError("x")))


def test_pacer_starts_are_spaced_to_the_rate() -> None:
    clock = Clock()
    pacer = HttpPacer(4, clock.timing())
    for _ in range(9):
        pacer.wait()
    assert clock.seconds == pytest.approx(2.0)


def test_pacer_idle_time_is_not_made_up_for() -> None:
    clock = Clock()
    pacer = HttpPacer(4, clock.timing())
    pacer.wait()
    clock.seconds += 100
    pacer.wait()
    pacer.wait()
    assert clock.slept == [pytest.approx(0.25)]


def test_pacer_slower_ends_at_the_slowest_and_faster_at_the_rate() -> None:
    pacer = HttpPacer(8, Clock().timing())
    for _ in range(50):
        pacer.slower(0)
    assert pacer.allowed == HttpPacer.SLOWEST
    for _ in range(200):
        pacer.faster()
    assert pacer.allowed == 8


def test_pacer_rate_below_the_slowest_stays_as_it_is() -> None:
    clock = Clock()
    pacer = HttpPacer(0.1, clock.timing())
    pacer.slower(5)
    assert pacer.allowed == 0.1
    pacer.wait()
    assert clock.seconds == 5


def test_pacer_settles_close_to_a_limit_far_below_its_rate() -> None:
    clock = Clock()
    retry = HttpRetry(rate=8, timing=clock.timing())
    recent: deque[float] = deque(maxlen=2)

    def limited_to_two_in_a_second() -> None:
        retry.pacer.wait()
        if len(recent) == 2 and recent[0] > clock.seconds - 1:
            raise HttpBusyError("limit", 429)
        recent.append(clock.seconds)

    for _ in range(200):
        retry.run(limited_to_two_in_a_second)
    assert 99 < clock.seconds < 118


@pytest.mark.parametrize(("seconds", "deadline"), [(None, None), (150, 250.0)])
def test_retry_of_settings_has_their_rate_and_tries(seconds: float | None, deadline: float | None) -> None:
    timing = HttpTiming(lambda: 0.0, lambda: 100.0, lambda _: None, lambda: 0.0)
    made = HttpRetry.of(SimpleNamespace(rate=5, tries=4), timing, seconds, cap_seconds=10.0)
    assert (made.pacer.rate, made.policy, made.deadline) == (5, HttpRetryPolicy(4, cap_seconds=10.0), deadline)


def test_requests_and_429s_of_all_threads_are_counted_also_when_the_loop_gives_up() -> None:
    clock = Clock()
    retry = HttpRetry(rate=1e9, timing=clock.timing(), policy=HttpRetryPolicy(attempts=3, base_seconds=0))

    def one_try(status: int) -> None:
        retry.pacer.wait()
        raise HttpBusyError("busy", status)

    def calls() -> None:
        for status in (429, 503):
            with pytest.raises(HttpBusyError):
                retry.run(partial(one_try, status))

    threads = [threading.Thread(target=calls) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (retry.pacer.sent, retry.pacer.throttled) == (8 * 6, 8 * 3)
