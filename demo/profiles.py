"""The story of the threat profiles, step by step: real news arrive, and each article is kept where it belongs, once."""

from __future__ import annotations

import json
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import pack
from benchmarks.articles import Item, articles, profiles
from benchmarks.galaxies import actors, labels
from demo.profiles_compare import PROCESSED, SHARED, Comparison, compare, confirmed, links_of
from demo.stage import DemoFailed, EmulatorProcess, Narrator, Warroom, shown
from demo.story import Outcome
from warroom.engine.host import DATABASE
from warroom.store import Store

INSTANCE = "news"
JOB = "Threat Profiles - Update from News"
SITES = {"wire": "rss", "blog": "atom"}
SLICE, SLICES, SHOWN_AGAIN = 400, 3, 40
PROFILES = 'type:"Threat Actor"'
REPORTS = "type:Report"
LOOK_SECONDS = 0.02
KILLED_AT = 15
TRIES = 3
BEST_SHOWN, TITLE_SHOWN = 5, 70
TEXT = "APT10 and Fancy-Bear continue; APT281 does not, and research at sea goes on"
IN_TEXT = {"APT10", "Fancy-Bear"}


@dataclass
class ProfilesStory:
    """Tells the story. `meddle` gets the news sites before all is compared; it is for tests that must see a failure."""

    tell: Narrator
    folder: Path
    warroom: Warroom
    site: EmulatorProcess
    meddle: Callable[[EmulatorProcess], object] = lambda emulator: None
    outcome: Outcome = field(default_factory=Outcome)
    unchanged: int = 0

    def run(self) -> Outcome:
        """All steps in order. Raises DemoFailed when one cannot be done."""
        started = time.monotonic()
        first, second, third = self.install()
        self.arrives(first)
        self.same_again()
        self.site_fails(second)
        self.killed_job(third)
        self.analyst()
        self.meddle(self.site)
        self.close()
        self.outcome.rows["all steps, seconds"] = round(time.monotonic() - started, 1)
        return self.outcome

    # -- 1

    def install(self) -> list[list[Item]]:
        """A home, the packs, the profiles, an instance. Gives the articles that are to come, in slices."""
        stream, records = articles(), profiles()
        chosen = stream[-SLICE * SLICES :]
        self.tell.step(1, f"{len(records)} real actors, and two sites with real articles")
        for line in about(records, stream, chosen):
            self.tell.say(line)
        sources = {name: {"kind": kind, "window": SLICE // 2 + SHOWN_AGAIN // 2} for name, kind in SITES.items()}
        self.site.post("seed", {"sources": sources})
        path = self.folder / "profiles.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        self.tell.say(f"$ export WARROOM_HOME={shown(self.home)}")
        self.warroom.show("init")
        self.warroom.show("content", "add", "Packs")
        self.warroom.show("indicator", "import", shown(path), "--source", "MISP galaxy")
        self.warroom.show(
            "instance", "add", "ThreatNewsFeed", "--name", INSTANCE,
            "-p", "sources=" + "\n".join(f"{self.site.url}/sources/{name} name={name}" for name in SITES),
            "-p", "own_networks=127.0.0.0/8", "-p", "first_fetch=",
        )  # fmt: skip
        return [chosen[start : start + SLICE] for start in range(0, len(chosen), SLICE)]

    # -- 2

    def arrives(self, items: Sequence[Item]) -> None:
        """The first articles."""
        self.tell.step(2, f"{len(items)} articles appear; the feed brings them, the job puts them on the profiles")
        self._publish(items)
        self.warroom.show("fetch", INSTANCE)
        self._job()
        self._judge("after the first articles", self._compared())
        self._fullest()

    # -- 3

    def same_again(self) -> None:
        """Nothing new: first the sites say so, then they do not."""
        self.tell.step(3, "The same again: nothing may be doubled, nothing may even be written")
        before, asked = self._everything(), len(self.site.statuses())
        self.warroom.show("fetch", INSTANCE)
        self._job()
        self._still(before, "the same documents were offered")
        self._asked(asked, [304, 304], "both sites said that nothing changed, and sent nothing")
        self.tell.say("\nNow the sites forget how to say that, and send everything once more:")
        self._sites({name: {"conditional": False} for name in SITES})
        asked = len(self.site.statuses())
        self.warroom.show("fetch", INSTANCE)
        self._job()
        self._still(before, "the same documents were sent again")
        self._asked(asked, [200, 200], "both documents were read again as a whole")
        self._sites({name: {"conditional": True} for name in SITES})

    # -- 4

    def site_fails(self, items: Sequence[Item]) -> None:
        """One site is down; the other is served, and the next run brings what is missing."""
        again = f"{SHOWN_AGAIN} known ones are still shown beside them"
        self.tell.step(4, f"{len(items)} more appear ({again}), and one site answers 500")
        known, asked = self._reported(), len(self.site.statuses())
        served, missed = self._publish(items)
        self._door("faults", {"kind": "status", "status": 500, "path": "*/blog"})
        self.warroom.show("fetch", INSTANCE, good=(1,))
        self._job()
        came = self._reported() - known
        self.tell.say(f"  the run failed and names the site; {len(came)} new articles are here, all of the other site")
        self.outcome.expect(came == served - known, f"{len(came)} articles came from the site that was not down")
        self.outcome.expect(bool(missed - served - known), "the site that was down had nothing new")
        tries = self.site.statuses()[asked:].count(500)
        self.tell.say(f"  the site that is down was asked {tries} times. It comes back:")
        self.outcome.expect(tries == TRIES, f"the site that was down was asked {tries} times, not {TRIES}")
        self._door("faults", {"clear": True})
        self.warroom.show("fetch", INSTANCE)
        self._job()
        self._judge("after the site came back", self._compared())

    # -- 5

    def killed_job(self, items: Sequence[Item]) -> None:
        """The job is killed while it writes; the same command again."""
        self.tell.step(5, f"The last {len(items)}; the job is killed while it writes, and run again")
        self._publish(items)
        self.warroom.show("fetch", INSTANCE)
        with Store.open(self.home / DATABASE) as store:
            before = _rows(store)
            process = self.warroom.start("job", "run", JOB)
            killed = kill_when(process, lambda: _rows(store) - before >= KILLED_AT)
            done = _rows(store) - before
        if killed:
            left = self._count(f"{REPORTS} and -tags:{PROCESSED}")
            self.tell.say(f"\n$ kill -9 {process.pid}")
            self.tell.say(
                f"  {done} articles were written; {left} reports are not marked as done. The same command again:"
            )
            self._job()
        else:
            self.tell.say("The job was done before it could be killed.")
        self.outcome.rows["rows written before the kill"] = done if killed else "not killed, it was too fast"
        self._judge("after the kill", self._compared())

    # -- 6

    def analyst(self) -> None:
        """Why a name is found, and one profile as people read it."""
        self.tell.step(6, "What an analyst sees")
        command = f'!threat-news-match text="{TEXT}"'
        self.warroom.show("run", command)
        [answer] = self.warroom.ask("run", command)
        found = {row["name"] for row in rows_of(answer["entries"][0]) if row["hit"]}
        self.outcome.expect(
            found == IN_TEXT, f"in {TEXT!r} the names {sorted(found)} were found, not {sorted(IN_TEXT)}"
        )
        records = self._records(PROFILES)
        some = next((one["value"] for one in records if 3 <= len(links_of(one)) <= 5 and " " not in one["value"]), "")
        self.warroom.show("run", f'!threat-profile-report names="{some or records[0]["value"]}"')

    # -- 7

    def close(self) -> None:
        """Compares what the sites showed with what the home holds, article by article, and makes the closing table."""
        self.tell.step(7, "Is every article where it belongs, once? The sites' own list against the store")
        found = self._compared()
        self.outcome.problems.extend(found.problems)
        shared = pack.module(SHARED)
        names = {one.id: one.value for one in actors()}
        known = {shared.canonical_link(link): {names[key] for key in ids} for link, ids in labels(actors()).items()}
        right, judged = confirmed(self._records(PROFILES), known)
        totals = self.site.totals()
        self.outcome.rows = {
            "every article where it belongs, once": "NO" if found.problems else "yes",
            "articles that the sites showed": found.articles,
            "reports": found.reports,
            "articles lost": len(found.lost),
            "articles with several reports": len(found.doubled),
            "profiles with articles": found.profiles,
            "articles on profiles": found.rows,
            "missing there": len(found.missing),
            "there without reason": len(found.surplus),
            "there twice": len(found.twice),
            "right by the galaxy, of those that it knows": f"{right} of {judged}",
            "runs after which the store was as before": self.unchanged,
            **self.outcome.rows,
            "requests to the sites": totals["requests"],
            "articles in their answers": totals["records"],
        }

    # -- what the steps are made of

    @property
    def home(self) -> Path:
        """The home of this story."""
        return Path(self.warroom.environ["WARROOM_HOME"])

    def _publish(self, items: Sequence[Item]) -> list[set[str]]:
        """Shows new articles, by turns on each site; gives the links that each got."""
        shares = [list(items[place :: len(SITES)]) for place in range(len(SITES))]
        for name, share in zip(SITES, shares, strict=True):
            self._door("edit", {"publish": {"source": name, "items": share}}, f"{len(share)} articles on {name}")
        shared = pack.module(SHARED)
        # One address of the galaxy is misspelt, and so is no link.
        return [{shared.canonical_link(item["link"]) for item in share} - {""} for share in shares]

    def _sites(self, settings: Mapping[str, Any]) -> None:
        self._door("edit", {"sources": settings})

    def _door(self, door: str, payload: Any, told: str = "") -> None:
        self.tell.say(f"POST news {door} {told or json.dumps(payload)}")
        self.site.post(door, payload)

    def _job(self) -> None:
        self.warroom.show("job", "run", JOB)

    def _records(self, query: str) -> list[dict[str, Any]]:
        with Store.open(self.home / DATABASE) as store:
            return list(store.indicators.iterate(query))

    def _count(self, query: str) -> int:
        with Store.open(self.home / DATABASE) as store:
            return store.indicators.count(query)

    def _reported(self) -> set[str]:
        """The links that have a Report."""
        return {link for record in self._records(REPORTS) for link in links_of(record)}

    def _everything(self) -> dict[str, Any]:
        """All records of the home with the moment of their last change."""
        return {str(record["id"]): record["modified"] for record in self._records("")}

    def _compared(self) -> Comparison:
        shown_items = [item for row in self.site.objects("source") for item in row["source"]["items"]]
        with Store.open(self.home / DATABASE) as store:
            related = store.relationships.search(size=100_000)
        return compare(shown_items, self._records(REPORTS), self._records(PROFILES), related)

    def _judge(self, when: str, found: Comparison) -> None:
        self.tell.say(f"  {found.articles:,} different articles were shown so far, {found.reports:,} have a report")
        rows = f"missing {len(found.missing)}, twice {len(found.twice)}"
        self.tell.say(f"  {found.profiles} profiles have {found.rows} articles; {rows}")
        self.outcome.problems.extend(f"{when}: {problem}" for problem in found.problems)

    def _still(self, before: Mapping[str, Any], when: str) -> None:
        same = self._everything() == before
        self.unchanged += same
        told = "is exactly as before" if same else "HAS CHANGED"
        self.tell.say(f"  the store, {len(before):,} records, {told}")
        self.outcome.expect(same, f"the store changed though only {when}")

    def _asked(self, since: int, wanted: Sequence[int], told: str) -> None:
        found = self.site.statuses()[since:]
        self.tell.say(f"  the sites answered {', '.join(map(str, found))}: {told}")
        self.outcome.expect(found == wanted, f"the sites answered {found}, not {wanted}")

    def _fullest(self) -> None:
        """Tells the profiles with the most articles."""
        best = sorted(self._records(PROFILES), key=lambda record: -len(links_of(record)))[:BEST_SHOWN]
        for record in best:
            row = record["CustomFields"]["publications"][0]
            title = textwrap.shorten(row["title"], TITLE_SHOWN, placeholder=" ...")
            self.tell.say(
                f"  {len(links_of(record)):>3}  {record['value']}, the newest: {title} ({row['timestamp'][:10]})"
            )


def about(records: Sequence[Mapping[str, Any]], stream: Sequence[Item], chosen: Sequence[Item]) -> Iterator[str]:
    """What the articles and actors are."""
    aliases = sum(len(one["aliases"]) for one in records)
    odd = sum(not item["title"].isascii() for item in chosen)
    marks = sum("," in item["title"] or "|" in item["title"] for item in chosen)
    yield f"Both are from pymispgalaxies 1.1.1: the actors with {aliases:,} aliases, and the newest {len(chosen):,} of"
    days = f"{day(chosen[0])} to {day(chosen[-1])}"
    yield f"{len(stream):,} articles, {days}, with title, link and date; no link is opened."
    yield f"{marks} titles have a comma or a bar, {odd} are not plain ASCII. One site speaks RSS, the other Atom."


def day(item: Item) -> str:
    """When it was published."""
    return item["published"][:10]


def rows_of(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an entry of a command puts into the context, as rows."""
    return [row for value in entry["EntryContext"].values() for row in (value if isinstance(value, list) else [value])]


def kill_when(process: subprocess.Popen[bytes], due: Callable[[], bool]) -> bool:
    """Kills a process as soon as it is due; False when it ended before. Raises DemoFailed when it ended badly."""
    try:
        while process.poll() is None:
            if due():
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(LOOK_SECONDS)
        process.communicate()
    finally:
        process.kill()
    if process.returncode not in (0, -signal.SIGKILL):
        raise DemoFailed(f"the job ended with exit code {process.returncode}")
    return process.returncode == -signal.SIGKILL


def _rows(store: Store) -> int:
    return sum(len(links_of(record)) for record in store.indicators.iterate(PROFILES))
