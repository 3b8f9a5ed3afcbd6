"""The server's common module for children of the chaos run, in whose processes time passes differently.

`clock.json` beside this file says how: `offset` seconds are added to the time of day, `speed` seconds pass in one real
second, `common` is the module that this one stands in front of. Waiting, time-outs and budgets shrink by `speed`, so
that hours of a faulty connection fit into minutes; the integration itself is the one that is shipped.
"""

import json as _json
import time as _time
from pathlib import Path as _Path
from typing import Any as _Any

_setting = _json.loads((_Path(__file__).parent / "clock.json").read_text(encoding="utf-8"))
exec(compile(_Path(_setting["common"]).read_text(encoding="utf-8"), _setting["common"], "exec"))  # noqa: S102


def _bend(offset: float, speed: float) -> None:
    from requests.adapters import HTTPAdapter

    real_time, real_monotonic, real_sleep, real_send = _time.time, _time.monotonic, _time.sleep, HTTPAdapter.send

    def send(self: HTTPAdapter, request: _Any, *args: _Any, **more: _Any) -> _Any:
        if more.get("timeout"):
            more["timeout"] /= speed
        return real_send(self, request, *args, **more)

    def sleep(seconds: float) -> None:
        real_sleep(seconds / speed)

    _time.time = lambda: real_time() + offset
    _time.monotonic = lambda: real_monotonic() * speed
    _time.sleep = sleep  # type: ignore[assignment]
    HTTPAdapter.send = send  # type: ignore[method-assign]


_bend(float(_setting["offset"]), float(_setting["speed"]))
