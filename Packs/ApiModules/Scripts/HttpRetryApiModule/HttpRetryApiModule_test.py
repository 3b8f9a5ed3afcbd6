from collections.abc import Callable
from email.utils import formatdate

import pytest
from HttpRetryApiModule import HttpBusyError, HttpRetry, HttpRetryPolicy, HttpTiming, http_retry_after


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
    [("7", 7.0), (" 7 ", 7.0), (None, None), ("", None), ("soon", None), (formatdate(1030, usegmt=True), 30.0)],
)
def test_retry_after_each_form_is_read(value: str | None, seconds: float | None) -> None:
    assert http_retry_after(value, 1000) == seconds


def test_retry_after_date_in_the_past_is_no_wait() -> None:
    assert http_retry_after(formatdate(900, usegmt=True), 1000) == 0


def test_run_busy_twice_waits_longer_each_time() -> None:
    clock = Clock()
    retry = HttpRetry(timing=clock.timing(), policy=HttpRetryPolicy(base_seconds=2))
    assert retry.run(failing(HttpBusyError("busy"), HttpBusyError("busy"))) == "done"
    assert clock.slept == [1.0, 2.0]


def test_run_429_pauses_every_start_and_halts_the_rate() -> None:
    clock = Clock()
    retry = HttpRetry(rate=4, timing=clock.timing())
    retry.run(failing(HttpBusyError("slow down", 429, 9.0)))
    retry.pacer.wait()
    assert clock.slept == [9.0]
    assert retry.pacer.allowed == pytest.approx(4 * 0.75 + 4 / 50)


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


def test_run_other_error_passes_through_untouched() -> None:
    with pytest.raises(KeyError):
        HttpRetry(timing=Clock().timing()).run(failing(KeyError("x")))


def test_pacer_two_starts_are_spaced() -> None:
    clock = Clock()
    retry = HttpRetry(rate=4, timing=clock.timing())
    retry.pacer.wait()
    retry.pacer.wait()
    assert clock.slept == [0.25]
