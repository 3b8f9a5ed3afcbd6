"""`warroom indicator`: search, count, show, set; import and export have files of their own."""

from __future__ import annotations

from typing import Any

import click
import orjson

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.instance import split_pairs
from warroom.cli.output import print_json, print_pairs, print_rows
from warroom.core.verdicts import NAMES
from warroom.engine import UsageError

PAGE = 1000


@click.group()
def indicator() -> None:
    """Indicators: import, search, change, export.

    Example: warroom indicator search 'type:IP and reputation:Bad' --limit 5
    """


@indicator.command("search")
@click.argument("query")
@click.option(
    "--limit", type=click.IntRange(min=1), default=25, show_default=True, metavar="N", help="At most so many."
)
@json_option
@pass_app
def search(app: App, query: str, limit: int, as_json: bool) -> None:
    """Finds indicators with the search language of XSOAR, oldest change first.

    Example: warroom indicator search 'value:*.example.com -tags:done' --json
    """
    with app.open() as host:
        found: list[bytes] = []
        place: list[Any] | None = None
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            page = host.store.indicators.search(
                query, size=size, search_after=place, sort=[("modified", True), ("id", True)]
            )
            found.extend(page.iocs)
            place = page.search_after
            if len(page.iocs) < size or place is None:
                break
    if as_json:
        click.echo(b"[" + b",".join(found) + b"]")
        return
    rows = (_row(orjson.loads(document)) for document in found)
    print_rows(app.terminal, ("Value", "Type", "Verdict", "Status", "Modified", "Sources"), rows)


@indicator.command("count")
@click.argument("query", default="")
@json_option
@pass_app
def count(app: App, query: str, as_json: bool) -> None:
    """Counts indicators; all of them without QUERY.

    Example: warroom indicator count 'expirationStatus:active'
    """
    with app.open() as host:
        number = host.store.indicators.count(query)
    click.echo(orjson.dumps({"count": number}) if as_json else str(number))


@indicator.command("show")
@click.argument("value")
@json_option
@pass_app
def show(app: App, value: str, as_json: bool) -> None:
    """Shows one indicator with everything that is known about it.

    Example: warroom indicator show 192.0.2.1
    """
    with app.open() as host:
        found = host.store.indicators.get(value)
    if found is None:
        raise UsageError(f"there is no indicator {value!r}")
    if as_json:
        print_json(found)
        return
    custom = found.pop("CustomFields", None) or {}
    print_pairs(app.terminal, {**found, **{f"CustomFields.{name}": item for name, item in custom.items()}})


@indicator.command("set")
@click.argument("value")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE ...")
@pass_app
def set_fields(app: App, value: str, pairs: tuple[str, ...]) -> None:
    """Changes an indicator by hand; no feed changes these fields afterwards.

    KEY is verdict, type, expiration (ISO date, "never"), expirationStatus, comments, tags or a custom field.

    Example: warroom indicator set 192.0.2.1 verdict=malicious tags=seen,checked
    """
    changes: dict[str, object] = {}
    for key, text in split_pairs(pairs).items():
        if text is None:
            raise UsageError(f"{key}: write {key}=VALUE")
        changes[key] = text
    with app.open() as host:
        try:
            host.store.indicators.edit(value, changes)
        except ValueError as error:
            raise UsageError(str(error)) from error
    click.echo(f"changed {value}: {', '.join(changes)}")


def _row(document: dict[str, Any]) -> tuple[Any, ...]:
    return (
        document.get("value"), document.get("indicator_type"), NAMES[document.get("score") or 0],
        document.get("expirationStatus"), str(document.get("modified"))[:19], document.get("sourceBrands"),
    )  # fmt: skip
