"""The request log."""

from __future__ import annotations

from emulators.kit.requestlog import LoggedRequest, RequestLog


def test_log_beyond_its_room_keeps_the_latest_and_exact_totals() -> None:
    log = RequestLog(keep=3)
    for number in range(10):
        log.add(LoggedRequest(number, 0.0, "GET", f"/{number}", 200 if number else 500, 1, 2, 3, 0.0), "/<n>")
    assert [entry.number for entry in log.latest()] == [7, 8, 9]
    assert [entry.number for entry in log.latest(1)] == [9]
    assert log.latest(0) == []
    assert len(log) == 10
    assert log.totals() == {
        "requests": 10, "bytes_in": 10, "bytes_out": 20, "records": 30,
        "by_status": {"500": 1, "200": 9}, "by_path": {"/<n>": 10},
    }  # fmt: skip
    log.clear()
    assert (len(log), log.latest(), log.totals()["by_path"]) == (0, [], {})
