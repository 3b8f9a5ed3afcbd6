"""`python -m demo [--only ioc|response|profiles] [--iocs FILE] [--keep] [--json]`"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from demo.profiles import ProfilesStory
from demo.response import ResponseStory
from demo.response_estate import Estate
from demo.stage import DemoFailed, EmulatorProcess, Narrator, Warroom, emulator, fresh_folder, shown
from demo.story import Outcome, Story

FAILED, BAD_USE = 1, 2


def main(argv: Sequence[str] | None = None, meddle: Callable[[EmulatorProcess], object] = lambda emulator: None) -> int:
    """Runs the demo. Returns 0 only when everything that it claims was true, 1 when not, 2 for bad use.

    `meddle` gets Cortex XDR, or the news sites, in each story before both sides are compared; tests use it to make
    them differ.
    """
    options = _options(argv)
    if options.iocs is not None and not options.iocs.is_file():
        print(f"demo: --iocs {options.iocs}: there is no such file", file=sys.stderr)
        return BAD_USE
    tell = Narrator(sys.stderr if options.json else sys.stdout)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with fresh_folder(options.keep) as folder:
            outcomes = _play(tell, folder, options, meddle)
            if options.keep:
                tell.say(f"\nEverything is kept in {shown(folder)}.")
    except DemoFailed as error:
        tell.say(f"\nThe demo failed: {error}")
        return FAILED
    except KeyboardInterrupt:
        tell.say("\ninterrupted")
        return FAILED
    problems = [problem for outcome in outcomes.values() for problem in outcome.problems]
    if options.json:
        numbers = {name: outcome.rows for name, outcome in outcomes.items()}
        print(json.dumps({"ok": not problems, "numbers": numbers, "problems": problems}))
    return FAILED if problems else 0


def _play(
    tell: Narrator, folder: Path, options: argparse.Namespace, meddle: Callable[[EmulatorProcess], object]
) -> dict[str, Outcome]:
    outcomes = {}
    for name in [options.only] if options.only else _TOLD:
        warroom = Warroom.in_folder(folder / name, tell)
        outcomes[name] = _TOLD[name](warroom, options, meddle)
        _conclude(tell, outcomes[name])
    return outcomes


def _iocs(warroom: Warroom, options: argparse.Namespace, meddle: Callable[[EmulatorProcess], object]) -> Outcome:
    warroom.tell.part("Indicators: XSOAR and Cortex XDR")
    with emulator(warroom, "cortex_xdr") as running:
        own = options.iocs.absolute() if options.iocs else None
        return Story(warroom.tell, warroom.folder, warroom, running, own, meddle).run()


def _response(warroom: Warroom, options: argparse.Namespace, meddle: Callable[[EmulatorProcess], object]) -> Outcome:
    warroom.tell.part("Response: Vectra decides, Cortex XDR isolates")
    with emulator(warroom, "vectra") as vectra, emulator(warroom, "cortex_xdr") as xdr:
        estate = Estate(warroom.tell, vectra, xdr, lambda: time.strftime("%H:%M:%S", time.gmtime()))
        return ResponseStory(warroom.tell, warroom, estate, meddle).run()


def _profiles(warroom: Warroom, options: argparse.Namespace, meddle: Callable[[EmulatorProcess], object]) -> Outcome:
    warroom.tell.part("Threat profiles: news arrive, profiles fill up")
    with emulator(warroom, "news") as site:
        return ProfilesStory(warroom.tell, warroom.folder, warroom, site, meddle).run()


_TOLD = {"ioc": _iocs, "response": _response, "profiles": _profiles}


def _conclude(tell: Narrator, outcome: Outcome) -> None:
    tell.say()
    for line in table(outcome.rows):
        tell.say(line)
    for problem in outcome.problems:
        tell.say(f"PROBLEM: {problem}")


def table(rows: Mapping[str, object]) -> list[str]:
    """Names and values in two columns, numbers with separators."""
    texts = {name: f"{value:,}" if isinstance(value, (int, float)) else str(value) for name, value in rows.items()}
    left, right = max(map(len, texts)), max(map(len, texts.values()))
    return [f"  {name:<{left}}  {text:>{right}}" for name, text in texts.items()]


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m demo",
        description="Real indicators to an emulated Cortex XDR and back; emulated hosts isolated and released; real"
        " news on the profiles of the actors that they name.",
    )
    parser.add_argument("--only", choices=tuple(_TOLD), help="only this story")
    parser.add_argument("--iocs", type=Path, metavar="FILE", help="your own list: csv, json, jsonl, txt or STIX")
    parser.add_argument("--keep", action="store_true", help="keep the folder of this run below .demo/")
    parser.add_argument("--json", action="store_true", help="the closing table as JSON on stdout, the story on stderr")
    return parser.parse_args(argv)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
