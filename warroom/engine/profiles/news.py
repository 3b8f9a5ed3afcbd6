"""Articles from feeds and pages, read by the script of the pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warroom.engine.errors import ServerError, UsageError
from warroom.engine.host import Host
from warroom.engine.profiles.articles import Article, article_rows
from warroom.engine.profiles.outputs import outputs
from warroom.engine.services import Args, Call
from warroom.engine.wire import encode

READ = "threat-news-read"


@dataclass(frozen=True)
class News:
    """What sources gave. `problems`: a line for each source that could not be read, or not as a whole."""

    articles: list[Article]
    problems: list[str]


@dataclass(frozen=True)
class _Files:
    """Files of this machine as entries of the war room, by their place in the list."""

    paths: Sequence[Path]

    @property
    def calls(self) -> Mapping[str, Call]:
        """getFilePath."""
        return {"getFilePath": self.path}

    def path(self, args: Args) -> bytes:
        """Where an entry lies."""
        key = str(args.get("id"))
        found = self.paths[int(key)].absolute()
        return encode({"id": key, "path": str(found), "name": found.name})

    def run(self, name: str, args: Args) -> list[dict[str, Any]]:
        """No command is offered."""
        raise ServerError(f"!{name} is not offered while news are read")


def read_news(host: Host, sources: Sequence[str], own_networks: Sequence[str]) -> News:
    """Reads addresses (lines as in the feed of the pack) and files. Raises UsageError for what is neither."""
    lines = [source for source in sources if source.strip().lower().startswith(("http://", "https://"))]
    files = [Path(source) for source in sources if source not in lines]
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file} is neither a file nor an address such as https://news.example.com/rss")
    if host.catalog.script(READ) is None:
        raise UsageError(f"the script {READ} is not among the content; run `warroom content add PATH-TO-Packs`")
    given = {
        "sources": "\n".join(lines),
        "files": [str(place) for place in range(len(files))],
        "own_networks": list(own_networks),
    }
    result = host.run_script(READ, {name: value for name, value in given.items() if value}, server=_Files(files))
    readings = outputs(result.entries, "ThreatNews.Reading")
    problems = [f"{reading['source']}: {reading['problem']}" for reading in readings if reading["problem"]]
    if result.status != "ok" and not problems:
        problems = [result.error or f"{READ} gave no result"]
    return News(article_rows(outputs(result.entries, "ThreatNews.Article"), "news"), problems)
