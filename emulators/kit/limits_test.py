"""Rate and body limits."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators.kit.errors import Refused
from emulators.kit.limits import BoundedBody, RateLimiter


@given(st.integers(1, 20), st.lists(st.floats(0, 0.5), max_size=100))
def test_rate_any_arrivals_never_exceed_it_in_any_second(rate: int, gaps: list[float]) -> None:
    now = [0.0]
    limiter = RateLimiter(rate, lambda: now[0])
    admitted: list[float] = []
    for gap in gaps:
        now[0] += gap
        if limiter.admit():
            admitted.append(now[0])
    for start in admitted:
        assert sum(start <= moment < start + 1 for moment in admitted) <= rate


@pytest.mark.parametrize(("rate", "moments"), [(0.5, [0, 2, 4]), (1, [0, 1, 2]), (0, [0, 0, 0, 0])])
def test_rate_low_or_none_admits_at_these_moments(rate: float, moments: list[float]) -> None:
    now = [0.0]
    limiter = RateLimiter(rate, lambda: now[0])
    for moment in moments:
        now[0] = moment
        assert limiter.admit()
        assert limiter.admit() is (rate == 0)


def test_rate_refused_requests_do_not_count() -> None:
    now = [0.0]
    limiter = RateLimiter(1, lambda: now[0])
    assert limiter.admit()
    for now[0] in (0.5, 0.9, 0.99):
        assert not limiter.admit()
    now[0] = 1.0
    assert limiter.admit()


def test_body_reads_to_its_length_and_no_further() -> None:
    body = BoundedBody(io.BytesIO(b"abcdefNEXT"), 6, 0)
    assert (body.read(4), body.read(), body.read(), body.taken) == (b"abcd", b"ef", b"", 6)


def test_body_declared_too_large_is_refused_before_reading() -> None:
    stream = io.BytesIO(b"x" * 20)
    body = BoundedBody(stream, 20, 10)
    with pytest.raises(Refused) as caught:
        body.read(1)
    assert (caught.value.status, stream.tell()) == (413, 0)
    body.drain()
    assert (stream.tell(), body.taken) == (20, 20)


def test_body_cut_off_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        BoundedBody(io.BytesIO(b"abc"), 6, 0).read()
    assert caught.value.status == 400
