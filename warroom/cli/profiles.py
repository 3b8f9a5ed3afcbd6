"""`warroom profiles`: threat profiles on a real Cortex XSOAR server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from warroom.cli.app import App, json_option, pass_app
from warroom.cli.output import print_json, print_markdown, print_rows
from warroom.cli.profiles_connect import configure_command, connection_options, reached, take_over
from warroom.cli.profiles_report import Report, report_update
from warroom.engine import UsageError
from warroom.engine.profiles import (
    Article,
    News,
    OldConfig,
    Watch,
    audit,
    read_articles,
    read_news,
    read_old_config,
    update,
)  # fmt: skip
from warroom.engine.profiles.settings import FIELDS
from warroom.engine.xsoar import XsoarError

UNSETTLED = 3
EXIT_CODES = {"ok": 0, "error": 1, "unsettled": UNSETTLED}


@click.group()
def profiles() -> None:
    """Threat profiles on a real Cortex XSOAR server: news on the records of the actors and malware that they name.

    Example: warroom profiles update --articles news.csv --name Turla
    """


profiles.add_command(configure_command)


@profiles.command("update")
@click.option("--articles", "files", multiple=True, metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="JSON or CSV file with title, link and date of articles.")  # fmt: skip
@click.option("--feed", "feeds", multiple=True, metavar="URL|FILE",
              help="An address of a feed or page, also with kind=, name=, prefix= behind it; or a file.")  # fmt: skip
@click.option("--own-network", "own_networks", multiple=True, metavar="NETWORK",
              help="Internal network in which feeds may lie, such as 10.1.0.0/16.")  # fmt: skip
@click.option("--config", "config", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Configuration of TI Scraper to take names, sources and filters from.")  # fmt: skip
@click.option("--name", "names", multiple=True, metavar="NAME", help="Name or alias of a profile to keep up to date.")
@click.option("--query", metavar="QUERY", help="Query for the profiles to keep up to date, in addition to names.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Types of the records that a name may mean.")
@click.option("--create-missing/--no-create-missing", default=None, help="Make a record for a name that has none.")
@click.option("--create-type", metavar="TYPE", help="Type of the records that are made. Default: Threat Actor.")
@click.option("--field", type=click.Choice(FIELDS), help="Where articles are kept. Default: publications.")
@click.option("--search-field", metavar="FIELD", help="Field with further names of a record. Default: aliases.")
@click.option("--max-rows", type=click.IntRange(1, 10_000), help="How many articles a record keeps. Default: 500.")
@click.option(
    "--stop", multiple=True, metavar="PHRASE", help="A name that is never found, or a phrase in which none is."
)
@click.option(
    "--ambiguous", type=click.Choice(("all", "skip")), help="What a name of several records does. Default: all."
)
@click.option("--skip", multiple=True, metavar="TEXT", help="Leave out articles whose link has this in it.")
@click.option("--keyword", "keywords", multiple=True, metavar="WORD", help="Only articles with one of these words.")
@click.option("--write", is_flag=True, help="Change the server. Without it nothing is changed.")
@connection_options
@json_option
@pass_app
def update_command(
    app: App, /, files: tuple[Path, ...], config: Path | None, write: bool, as_json: bool, **options: Any
) -> None:
    """Puts articles on the profiles that they name; a dry run unless --write is given.

    What is not given is taken as migrated. Repeating it, in part or as a whole, changes nothing.

    Exit code 0: all is well; 1: something failed, and the same call again delivers the rest; 3: a name has no record,
    or several.

    Example: warroom profiles update --feed https://news.example.com/rss --name Turla --write
    """
    old = read_config(config) if config else None
    with reached(app, options, write=write, url=old.url if old else "") as (host, settings, server):
        watch = watched(old.watch if old else settings.watch, options)
        sources = options["feeds"] or (() if files else watch.sources)
        if not files and not sources:
            raise UsageError("which articles? Give --articles or --feed")
        articles = [one for file in files for one in read_articles(file)]
        news = read_news(host, sources, options["own_networks"]) if sources else News([], [])
        articles += news.articles
        taken: list[Article] = [one for one in articles if watch.filter.takes(one)]
        result = update(host, server, watch, taken)
    report = Report(result, news.problems, len(articles) - len(taken), written=write)
    report_update(app, report, as_json=as_json)
    click.get_current_context().exit(EXIT_CODES["error" if news.problems else result.status])


def read_config(path: Path) -> OldConfig:
    """The settings of the old program. Raises UsageError when the file cannot be read."""
    try:
        return read_old_config(path.read_text(encoding="utf-8-sig"), path.name)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} cannot be read: it is not UTF-8 text") from error


def watched(stored: Watch, options: dict[str, Any]) -> Watch:
    """What is stored, with the options in its place. Names or a query given replace both."""
    names = ("types", "create_missing", "create_type", "field", "search_field", "max_rows", "stop", "ambiguous", "skip",
             "keywords")  # fmt: skip
    given = {name: options[name] for name in names if options[name] not in (None, ())}
    if options["names"] or options["query"]:
        given |= {"names": options["names"], "query": options["query"] or ""}
    return replace(stored, **given)


@profiles.command("migrate")
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.option("--no-store-secrets", is_flag=True, help="Keep no key: look it up or ask for it at each run.")
@connection_options
@pass_app
def migrate_command(app: App, /, config: Path, dry_run: bool, no_store_secrets: bool, **options: Any) -> None:
    """Takes over the configuration of TI Scraper, articles_config.json or keywords_config.json, line by line.

    The file is read and stays as it is. Names, sources, filters and the server replace those that were stored; the key
    goes where keys are kept. Nothing is sent.

    Example: warroom profiles migrate articles_config.json --dry-run
    """
    old = read_config(config)
    for note in old.notes:
        click.echo(note.line())
    with app.open() as host:
        told = take_over(app, host, old, options, "none" if no_store_secrets else "auto", dry_run=dry_run)
    click.echo(f"profiling.CortexXSOARAPIConfig.api_key: {told}")
    click.echo("Next: warroom profiles test; then warroom profiles update")


@profiles.command("audit")
@click.option("--query", metavar="QUERY", default="", help="Which records. Default: all actors and malware.")
@click.option("--finding", "kinds", multiple=True, metavar="KIND",
              help="duplicate, shared_alias, no_alias, no_dates or weak_name. Default: all.")  # fmt: skip
@connection_options
@json_option
@pass_app
def audit_command(app: App, /, query: str, kinds: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Finds doubles, shared aliases and gaps in the profiles; changes nothing.

    Exit code 0 also when there are findings; 1: the server could not be asked.

    Example: warroom profiles audit --finding duplicate
    """
    with reached(app, options, write=False) as (host, _, server):
        result = audit(host, server, query, kinds)
    if as_json:
        print_json({"error": result.error, "findings": result.findings})
    elif not result.error:
        print_markdown(app.terminal, result.text)
    if result.error:
        click.echo(result.error, err=True)
        click.get_current_context().exit(1)


@profiles.command("test")
@connection_options
@json_option
@pass_app
def test_command(app: App, /, as_json: bool, **options: Any) -> None:
    """Tells whether the server can be reached, its version, and whether the key may read indicators; writes nothing.

    Whether it may write shows at the first `update --write`. Exit code 0: all is well; 1: something failed.

    Example: warroom profiles test --url https://xsoar.example.com
    """
    with reached(app, options, write=False) as (_, _, server):
        found: dict[str, Any] = {"reached": True, "version": "", "may_read": False, "profiles": None, "error": ""}
        try:
            found["profiles"] = server.count('type:"Threat Actor" or type:"Intrusion Set" or type:Malware')
            found["may_read"] = True
        except XsoarError as error:
            found |= {"reached": error.status > 0, "error": str(error)}
        found |= {"prefix": server.client.prefix, "version": server.version() if found["reached"] else ""}
    if as_json:
        print_json(found)
    else:
        print_rows(app.terminal, ("What", "Found"), found.items())
    click.get_current_context().exit(0 if found["may_read"] else 1)
