"""docs/support-matrix.md, made from what drivers declare and from what the conformance suite said of them.

`python -m Tests.conformance.matrix [--check] RESULTS...` where the results are JUnit files of the suite, by form:
`source.xml` and `unified.xml`. With `--check` nothing is written, and the status is 1 when the page is not up to date.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from Tests.conformance.discovery import ROOT, DriverFile, find_drivers

PAGE = ROOT / "docs" / "support-matrix.md"
SUITE = "Tests.conformance."
OPERATIONS = (
    "block-host",
    "unblock-host",
    "groom-host",
    "block-account",
    "unblock-account",
    "block-detection",
    "unblock-detection",
    "block-destinations",
    "unblock-destinations",
)
UNCONFIRMED = re.compile(r"^## What no public document confirms\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
INTRODUCTION = """# Support matrix

Made by `make matrix` from the commands that each driver declares and from the results of the conformance suite, which
runs every driver against an emulator of its product. `yes`: declared, and all tests of it passed on the source and on
what `prepare-content` makes of it. `-`: the product cannot do it, so it is not declared and the war room never sends it
there. No product of a vendor was at hand.
"""


@dataclass(frozen=True)
class Verdict:
    """One test of the suite in one form. `words` are the parts of its parameters, `name` is the bare name."""

    form: str
    name: str
    words: frozenset[str]
    passed: bool


def verdicts(file: Path) -> list[Verdict]:
    """The suite's tests in a JUnit file; the form is the name of the file. Other and skipped tests are left out."""
    cases = ET.parse(file).getroot().iter("testcase")
    own = (case for case in cases if (case.get("classname") or "").startswith(SUITE))
    return [verdict(file.stem, case) for case in own if case.find("skipped") is None]


def verdict(form: str, case: ET.Element) -> Verdict:
    name, _, parameters = (case.get("name") or "").partition("[")
    passed = case.find("failure") is None and case.find("error") is None
    return Verdict(form, name, frozenset(parameters.rstrip("]").split("-")), passed)


def concerns(found: Verdict, driver: str, operation: str) -> bool:
    """Is this a test of an operation of a driver? A test of a kind of entity blocks and unblocks it."""
    action, _, kind = operation.partition("-")
    if driver not in found.words:
        return False
    return "groom" in found.name if action == "groom" else kind in found.words


def cell(driver: DriverFile, operation: str, all_found: Sequence[Verdict]) -> str:
    """`yes`, `-`, or what is wrong."""
    if f"vectra-{operation}" not in driver.commands:
        return "-"
    found = [one for one in all_found if concerns(one, driver.name, operation)]
    failed = sum(not one.passed for one in found)
    missing = {"source", "unified"} - {one.form for one in found}
    if failed:
        return f"**{failed} failed**"
    return f"**not tested: {' and '.join(sorted(missing))}**" if missing else "yes"


def table(drivers: Sequence[DriverFile], found: Sequence[Verdict]) -> list[str]:
    """A row for each driver, a column for each operation."""
    lines = [f"| driver | {' | '.join(name.replace('-', ' ') for name in OPERATIONS)} |"]
    lines.append("| --- " * (len(OPERATIONS) + 1) + "|")
    for driver in drivers:
        lines.append(f"| [{driver.name}](#{driver.name.lower()}) | {' | '.join(row(driver, found))} |")
    return lines


def row(driver: DriverFile, found: Sequence[Verdict]) -> Iterable[str]:
    return (cell(driver, operation, found) for operation in OPERATIONS)


def section(driver: DriverFile, found: Sequence[Verdict]) -> list[str]:
    """What else is known of one driver: figures, what its product cannot get into, what nobody confirms."""
    own = [one for one in found if driver.name in one.words]
    counts = [f"{sum(one.passed for one in own if one.form == form)} ({form})" for form in ("source", "unified")]
    lines = ["", f"## {driver.name}", "", f"{driver.yml['display']}. Tests passed: {', '.join(counts)}.", ""]
    lines += [f"* Not tried, {what}: {why}." for what, why in sorted(driver.lacks().items())]
    return [*lines, "", "What no public document confirms:", "", *unconfirmed(driver)]


def unconfirmed(driver: DriverFile) -> list[str]:
    """The list under the heading in the driver's README; each entry on one line."""
    [readme] = (ROOT / "Packs").glob(f"*/Integrations/{driver.name}/README.md")
    match = UNCONFIRMED.search(readme.read_text(encoding="utf-8"))
    if match is None:
        raise LookupError(f"{readme.relative_to(ROOT)}: there is no section 'What no public document confirms'")
    entries = re.split(r"^[-*] ", match[1].strip(), flags=re.MULTILINE)
    return [f"* {' '.join(entry.split())}" for entry in entries if entry.strip()]


def page(drivers: Sequence[DriverFile], found: Sequence[Verdict]) -> str:
    """The whole page."""
    served = {name for name in OPERATIONS if any(f"vectra-{name}" in driver.commands for driver in drivers)}
    lines = [INTRODUCTION, f"{len(served)} of {len(OPERATIONS)} operations are served by at least one driver.", ""]
    lines += table(drivers, found)
    return "\n".join([*lines, *(line for driver in drivers for line in section(driver, found)), ""])


def difference(old: str, new: str) -> str:
    """Where the page first differs, in words."""
    pairs: Mapping[int, tuple[str, str]] = dict(enumerate(zip(old.splitlines(), new.splitlines(), strict=False), 1))
    for number, (there, here) in pairs.items():
        if there != here:
            return f"line {number} says {there!r}, and should say {here!r}"
    return f"it has {len(old.splitlines())} lines, and should have {len(new.splitlines())}"


def main(argv: Sequence[str]) -> int:
    """Write the page, or check it. Gives the exit status."""
    check, files = "--check" in argv, [Path(name) for name in argv if name != "--check"]
    if absent := [str(file) for file in files if not file.is_file()]:
        sys.stderr.write(f"There is no {absent[0]}: run the conformance suite with --junitxml first.\n")
        return 2
    text = page(find_drivers(), [one for file in files for one in verdicts(file)])
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    if old != text:
        told = f"{PAGE.relative_to(ROOT)} is not up to date, run `make matrix`: {difference(old, text)}"
        sys.stderr.write(f"{told}\n")
    return int(old != text)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
