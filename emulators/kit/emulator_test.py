"""The kit over real HTTP: order of checks, limits, faults, side door, log, keep-alive."""

from __future__ import annotations

import gc
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from emulators.kit import Call, Options, serving
from emulators.kit.conftest import Shelf

KEY = {"Authorization": "sesame"}
Start = Callable[..., Shelf]


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """A client that keeps its connection."""
    with requests.Session() as session:
        yield session


def put(http: requests.Session, shelf: Shelf, name: str = "a", value: object = 1, **more: Any) -> requests.Response:
    headers = {**KEY, **more.pop("headers", {})}
    return http.put(f"{shelf.url}/things/{name}", json=value, headers=headers, timeout=5, **more)


def names(http: requests.Session, shelf: Shelf) -> list[str]:
    return [json.loads(line)["name"] for line in http.get(f"{shelf.admin}/dump").iter_lines()]


def arm(http: requests.Session, shelf: Shelf, *faults: dict[str, Any]) -> None:
    http.post(f"{shelf.admin}/faults", json=list(faults)).raise_for_status()


def test_request_plain_is_applied_and_answered(shelf: Start, http: requests.Session) -> None:
    reply = put(http, shelf_ := shelf())
    assert (reply.status_code, reply.json()) == (200, {"stored": "a"})
    assert names(http, shelf_) == ["a"]


def test_connection_many_requests_is_kept_alive(shelf: Start) -> None:
    with urllib3.connection_from_url(shelf().url) as pool:
        for number in range(5):
            assert pool.request("PUT", f"/things/{number}", body=b"1", headers=KEY).status == 200
        assert (pool.num_connections, pool.num_requests) == (1, 5)


def test_connection_after_413_is_still_usable(shelf: Start, http: requests.Session) -> None:
    emulator = shelf(max_body=100)
    assert put(http, emulator, value="x" * 1_000_000).status_code == 413
    assert put(http, emulator).status_code == 200


def test_body_chunked_over_limit_is_413(shelf: Start, http: requests.Session) -> None:
    emulator = shelf(max_body=100)
    chunks = (b'"' + b"x" * 60 for _ in range(5))
    assert http.put(f"{emulator.url}/things/a", data=chunks, headers=KEY).status_code == 413
    assert http.put(f"{emulator.url}/things/a", data=iter([b'"', b'x"']), headers=KEY).status_code == 200


def test_upload_over_route_limit_is_413_and_other_part_400(shelf: Start, http: requests.Session) -> None:
    emulator = shelf(max_body=10)
    url = f"{emulator.url}/upload"
    assert http.post(url, files={"file": b"x" * 2_000}, headers=KEY).status_code == 200
    assert http.post(url, files={"file": b"x" * 9_000}, headers=KEY).status_code == 413
    assert http.post(url, files={"other": b"x"}, headers=KEY).status_code == 400
    assert http.post(url, files={"file": b"x"}, data={"more": "1"}, headers=KEY).status_code == 400
    assert http.post(url, json={}, headers=KEY).status_code == 400


def test_key_wrong_is_401_with_reason_only_in_log(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    reply = put(http, emulator, headers={"Authorization": "x"})
    assert (reply.status_code, "sesame" in reply.text) == (401, False)
    assert emulator.requests.latest(1)[0].note == "not sesame"
    assert names(http, emulator) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/things/a", 405), ("GET", "/things", 200), ("GET", "/things/", 200)],
)
def test_route_method_and_slash_decide_status(
    shelf: Start, http: requests.Session, method: str, path: str, status: int
) -> None:
    assert http.request(method, shelf().url + path, headers=KEY).status_code == status


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"X-Unknown": "1"}},
        {"params": {"unknown": "1"}},
        {"headers": {"Content-Type": "text/plain"}},
        {"data": b"{not json"},
    ],
)
def test_request_with_unknown_part_is_400(shelf: Start, http: requests.Session, more: dict[str, Any]) -> None:
    emulator = shelf()
    merged = {"data": b"1", **more, "headers": {**KEY, **more.get("headers", {})}}
    assert http.put(f"{emulator.url}/things/a", **merged).status_code == 400
    assert names(http, emulator) == []


def test_vendor_header_known_is_accepted(shelf: Start, http: requests.Session) -> None:
    assert put(http, shelf(), headers={"X-Shelf": "1"}).status_code == 200


def test_handler_refusing_half_way_changes_nothing(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    assert put(http, emulator, value="bad").json() == {"fault": "no bad things", "code": 422}
    assert names(http, emulator) == []


def test_handler_breaking_is_500_logged_and_changes_nothing(
    shelf: Start, http: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = shelf()
    with caplog.at_level(logging.CRITICAL + 1, "emulators"):
        assert put(http, emulator, value="broken").status_code == 500
    assert names(http, emulator) == []


def test_stream_breaking_is_seen_as_incomplete(
    shelf: Start, http: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL + 1, "emulators"), pytest.raises(requests.exceptions.ChunkedEncodingError):
        assert http.get(f"{shelf().url}/endless", headers={**KEY, "Accept-Encoding": "identity"}).content


def test_rate_exceeded_is_429_with_retry_after_only_on_request(shelf: Start, http: requests.Session) -> None:
    replies = [put(http, silent) for silent in [shelf(rate=2)] * 3]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert "Retry-After" not in replies[2].headers
    telling = shelf(rate=1, retry_after=1.5)
    put(http, telling)
    assert put(http, telling).headers["Retry-After"] == "1.5"


def test_reply_gzip_only_when_accepted_and_worth_it(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    http.post(f"{emulator.admin}/seed", json={f"thing-{n}": n for n in range(500)})
    packed = http.get(f"{emulator.url}/things", headers=KEY)
    plain = http.get(f"{emulator.url}/things", headers={**KEY, "Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json() and len(plain.json()) == 500
    assert "Content-Encoding" not in put(http, emulator).headers
    first, second = emulator.requests.latest(3)[:2]
    assert first.bytes_out < second.bytes_out == len(plain.content)


def test_observer_is_called_around_the_change(shelf: Start, http: requests.Session) -> None:
    seen: list[tuple[str, str, int]] = []
    emulators: list[Shelf] = []

    def observe(phase: str, call: Call) -> None:
        seen.append((phase, call.path, len(emulators[0].state.things)))

    emulators.append(shelf(observer=observe))
    put(http, emulators[0])
    assert seen == [("before", "/things/a", 0), ("after", "/things/a", 1)]


def test_latency_option_delays_every_request(shelf: Start, http: requests.Session) -> None:
    slept: list[float] = []
    put(http, shelf(latency=0.25, sleep=slept.append))
    assert slept == [0.25]


def test_fault_status_before_is_not_applied_and_after_is(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    arm(http, emulator, {"kind": "status", "status": 503, "retry_after": 7, "count": 1, "message": "down"})
    reply = put(http, emulator, "a")
    assert (reply.status_code, reply.headers["Retry-After"], reply.json()["fault"]) == (503, "7", "down")
    assert names(http, emulator) == []
    arm(http, emulator, {"kind": "status", "status": 504, "when": "after", "count": 1})
    assert put(http, emulator, "a").status_code == 504
    assert names(http, emulator) == ["a"]
    assert put(http, emulator, "b").status_code == 200


def test_fault_delay_sleeps_before_and_after(shelf: Start, http: requests.Session) -> None:
    slept: list[float] = []
    emulator = shelf(sleep=slept.append)
    arm(http, emulator, {"kind": "delay", "seconds": 1.5}, {"kind": "delay", "seconds": 2.5, "when": "after"})
    put(http, emulator)
    assert slept == [1.5, 2.5]


@pytest.mark.parametrize("path", ["/things/a", "/things"])
def test_fault_torn_cuts_the_reply(shelf: Start, http: requests.Session, path: str) -> None:
    emulator = shelf()
    http.post(f"{emulator.admin}/seed", json={f"thing-{n}": n for n in range(100)})
    arm(http, emulator, {"kind": "torn", "count": 1})
    method = "GET" if path == "/things" else "PUT"
    headers = {**KEY, "Accept-Encoding": "identity"}
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        http.request(method, emulator.url + path, data=b"1" if method == "PUT" else None, headers=headers)
    assert len(names(http, emulator)) == (100 if method == "GET" else 101)
    assert emulator.requests.latest(1)[0].note == "torn"


@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["a"])])
def test_fault_reset_is_a_real_reset(shelf: Start, http: requests.Session, when: str, left: list[str]) -> None:
    emulator = shelf()
    arm(http, emulator, {"kind": "reset", "when": when, "count": 1})
    with pytest.raises(requests.ConnectionError, match=r"reset by peer|Connection reset"):
        put(http, emulator)
    assert names(http, emulator) == left
    assert emulator.requests.latest(1)[0].status == 0


def test_fault_duplicate_applies_twice(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    arm(http, emulator, {"kind": "duplicate", "count": 1})
    assert put(http, emulator).status_code == 200
    assert emulator.state.things.get("a") == {"value": 1, "writes": 2}
    arm(http, emulator, {"kind": "duplicate"})
    assert http.post(f"{emulator.url}/upload", files={"file": b"xyz"}, headers=KEY).status_code == 200
    assert emulator.state.things.get("upload") == {"value": "xyz", "writes": 2}


def test_fault_expired_key_is_401_for_a_good_key(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    arm(http, emulator, {"kind": "expired_key", "after": 1, "count": 1})
    assert [put(http, emulator).status_code for _ in range(3)] == [200, 401, 200]


def test_faults_bad_payload_arms_none(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    reply = http.post(f"{emulator.admin}/faults", json=[{"kind": "reset"}, {"kind": "reset", "moon": 1}])
    assert (reply.status_code, "moon" in reply.json()["error"]) == (400, True)
    assert http.get(f"{emulator.admin}/faults").json() == {"faults": []}


def test_faults_clear_disarms(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    arm(http, emulator, {"kind": "reset"})
    assert http.post(f"{emulator.admin}/faults", json={"clear": True}).json() == {"faults": []}
    assert put(http, emulator).status_code == 200


def test_log_is_exact_when_the_reply_has_arrived(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    reply = put(http, emulator, value="12345")
    answer = http.get(f"{emulator.admin}/requests?last=1").json()
    assert answer["totals"] == {
        "requests": 1, "bytes_in": 7, "bytes_out": len(reply.content), "records": 1,
        "by_status": {"200": 1}, "by_path": {"/things/<name>": 1},
    }  # fmt: skip
    (entry,) = answer["requests"]
    assert (entry["method"], entry["path"], entry["status"], entry["time"]) == ("PUT", "/things/a", 200, 1_000_000.0)
    assert entry["duration_seconds"] >= 0


def test_clock_moves_freezes_and_goes_on(shelf: Start, http: requests.Session) -> None:
    base = [1_000.0]
    emulator = shelf(clock=lambda: base[0])

    def clock(**change: object) -> float:
        return float(http.post(f"{emulator.admin}/clock", json=change).json()["now"])

    assert clock(advance=60) == 1_060
    assert clock(freeze=True) == 1_060
    base[0] += 5
    assert http.get(f"{emulator.admin}/clock").json() == {"now": 1_060, "frozen": True}
    assert clock(freeze=False) == 1_060
    base[0] += 5
    assert clock() == 1_065
    assert clock(set=10) == 10
    assert http.post(f"{emulator.admin}/clock", json={"jump": 1}).status_code == 400


def test_reset_begins_anew(shelf: Start, http: requests.Session, tmp_path: Path) -> None:
    emulator = shelf(state=tmp_path / "state.db", rate=1)
    put(http, emulator)
    arm(http, emulator, {"kind": "reset"})
    http.post(f"{emulator.admin}/clock", json={"set": 5})
    assert http.post(f"{emulator.admin}/reset").json() == {"reset": True}
    assert names(http, emulator) == []
    assert http.get(f"{emulator.admin}/requests").json()["totals"]["requests"] == 0
    assert emulator.clock.now() == 1_000_000
    assert put(http, emulator).status_code == 200


def test_side_door_unknown_name_is_404_that_lists_the_doors(shelf: Start, http: requests.Session) -> None:
    reply = http.post(f"{shelf().admin}/open")
    assert reply.status_code == 404 and "POST seed" in reply.json()["detail"]


def test_side_door_meets_neither_faults_nor_rate_nor_log(shelf: Start, http: requests.Session) -> None:
    emulator = shelf(rate=1)
    arm(http, emulator, {"kind": "status"})
    assert {http.get(f"{emulator.admin}/count").status_code for _ in range(5)} == {200}
    assert http.post(f"{emulator.admin}/edit", json={"remove": "x"}).json() == {"removed": False}
    assert len(emulator.requests) == 0


def test_side_door_breaking_is_500_and_the_next_request_works(
    shelf: Start, http: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = shelf()
    with caplog.at_level(logging.CRITICAL + 1, "emulators"):
        assert http.post(f"{emulator.admin}/seed", json=[1]).status_code == 500
        assert http.post(f"{emulator.admin}/seed", json={"a": 1, "b": "broken"}).status_code == 500
    assert names(http, emulator) == []


def test_side_door_index_names_emulator_and_doors(shelf: Start, http: requests.Session) -> None:
    body = http.get(shelf().admin).json()
    assert body["emulator"] == "shelf"
    doors = {"GET dump", "GET count", "GET requests", "GET faults", "GET clock"}
    doors |= {"POST seed", "POST edit", "POST faults", "POST clock", "POST reset"}
    assert set(body["doors"]) == doors


def test_client_gone_while_sending_changes_nothing_and_is_no_error(
    shelf: Start, http: requests.Session, caplog: pytest.LogCaptureFixture
) -> None:
    emulator = shelf()
    host, port = emulator.url.removeprefix("http://").split(":")
    request = b"PUT /things/a HTTP/1.1\r\nAuthorization: sesame\r\nContent-Length: 1000000\r\n\r\n12"
    for linger in (struct.pack("ii", 0, 0), struct.pack("ii", 1, 0)):
        with socket.create_connection((host, int(port))) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            client.sendall(request)
    for _ in range(100):
        if len(emulator.requests) == 2:
            break
        time.sleep(0.01)
    assert {entry.status for entry in emulator.requests.latest()} <= {0, 400}
    assert (names(http, emulator), caplog.records) == ([], [])
    assert put(http, emulator).status_code == 200


def test_client_leaving_a_stream_half_read_leaves_the_server_well(shelf: Start, http: requests.Session) -> None:
    emulator = shelf()
    http.post(f"{emulator.admin}/seed", json={f"{n}-{'x' * 2_000}": n for n in range(2_000)})
    headers = {**KEY, "Accept-Encoding": "identity"}
    with http.get(f"{emulator.url}/things", headers=headers, stream=True) as reply:
        assert reply.raw.read(10)
    assert put(http, emulator).status_code == 200


def test_client_killed_before_the_reply_leaves_no_socket_open(shelf: Start) -> None:
    gone = threading.Event()

    def kill(phase: str, call: Call) -> None:
        if phase == "after":
            # Linger 0 makes the reply meet a reset, as after kill -9.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            gone.set()

    started = shelf(observer=kill)
    address = started.url.rpartition("//")[2].split(":")
    client = socket.create_connection((address[0], int(address[1])))
    client.sendall(b"PUT /things/a HTTP/1.1\r\nHost: x\r\nAuthorization: sesame\r\nContent-Length: 1\r\n\r\n1")
    assert gone.wait(5)
    while any("process_request_thread" in thread.name for thread in threading.enumerate()):
        time.sleep(0.01)
    # An unclosed socket is reported when it is collected, which fails this very test.
    gc.collect()


def test_stop_ends_idle_connections_and_frees_the_port(shelf: Start) -> None:
    with requests.Session() as session:
        with serving(Shelf(Options())) as first:
            put(session, first)
            port = int(first.url.rpartition(":")[2])
        with serving(Shelf(Options(port=port))) as second:
            assert put(session, second, "b").status_code == 200
            assert second.state.things.get("a") is None
