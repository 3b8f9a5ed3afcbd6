"""The configuration of TI Scraper (`articles_config.json`, `keywords_config.json`) as settings of `profiles`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from warroom.engine.errors import UsageError
from warroom.engine.migration import Note, NoteKind
from warroom.engine.profiles.settings import Watch

API = "profiling.CortexXSOARAPIConfig"
_RESULTS = "what is on a record is the memory, so no result file is needed"
_LEFT_OUT = {
    "getDeltaRecords": _RESULTS,
    "timeDelta4Delete": _RESULTS,
    "resultfile": _RESULTS,
    "mailconfig": "nothing is mailed; --json gives what was found",
    "profiling.profile2file": "!threat-profile-report writes a profile as a document",
    "profiling.profileFolderName": "!threat-profile-report writes a profile as a document",
}
# Names of settings in older files, and what they are called since.
_RENAMED = {"archiving.": "profiling.", ".archivedData": ".profileData"}


@dataclass
class OldConfig:
    """What a file is turned into. `key` is a secret and not shown."""

    watch: Watch = field(default_factory=Watch)
    url: str = ""
    key: str = field(default="", repr=False)
    notes: list[Note] = field(default_factory=list)

    def note(self, kind: NoteKind, subject: str, text: str) -> None:
        """Says what became of a setting."""
        self.notes.append(Note(kind, "", subject, text))


def read_old_config(text: str, name: str) -> OldConfig:
    """The settings of a file. Raises UsageError when it is no such file, or a value has a wrong type."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}") from None
    if not isinstance(found, dict) or not found.keys() & {"websiteconfig", "profiling", "archiving"}:
        raise UsageError(f"{name} is no configuration of TI Scraper: it has neither websiteconfig nor profiling")
    made = OldConfig()
    changes: dict[str, Any] = {"field": "communitynotes", "feeds": (), "pages": ()}
    for subject, value in _settings(found):
        taker = _TAKERS.get(subject)
        if taker is not None:
            changes |= taker(made, subject, value)
        else:
            _left_out(made, subject, value)
    _say_defaults(made)
    made.watch = Watch(sources=(*changes.pop("feeds"), *changes.pop("pages")), **changes)
    return made


def _settings(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of each setting, under the newest of its names."""
    for key, value in found.items():
        subject = f"{before}{key}"
        for old, new in _RENAMED.items():
            subject = subject.replace(old, new)
        if isinstance(value, dict) and subject not in (*_LEFT_OUT, "websiteconfig.specialHandling"):
            yield from _settings(value, f"{subject}.")
        else:
            yield subject, value


def _left_out(made: OldConfig, subject: str, value: Any) -> None:
    known = _LEFT_OUT.get(subject)
    made.note("left out", subject, known or "this setting is not known")


def _say_defaults(made: OldConfig) -> None:
    made.note("changed", "the question for a new record", "nothing is asked; --create-missing makes records")
    made.note("taken", "the field of the notes", "communitynotes; with --field publications each part gets a column")
    made.note("left out", "cortex_aliases.json", "aliases are read from the records at each run")
    made.note("changed", "the certificate of the server", "it is checked; --ca-file names others to trust")


def _texts(subject: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{subject} must be a list of texts")
    return tuple(dict.fromkeys(one.strip() for one in value if one.strip()))


def _take_feeds(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    feeds = _texts(subject, value)
    made.note("taken", subject, f"{len(feeds)} feeds; the date of an article is kept")
    return {"feeds": tuple(f"{url} kind=feed" for url in feeds)}


def _take_pages(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    pages = _texts(subject, value)
    made.note(
        "changed", subject, f"{len(pages)} pages; links to the host of the page with a headline of four words count"
    )
    return {"pages": tuple(f"{url} kind=page" for url in pages)}


def _take_stopwords(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    skip = _texts(subject, value)
    made.note("taken", subject, f"{len(skip)} parts of links that are left out (--skip)")
    return {"skip": skip}


def _take_special(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise UsageError(f"{subject} must map texts to texts")
    rules = tuple((key, text) for key, text in value.items() if key and text)
    doubled = any("//" in text.partition("://")[2] for _, text in rules)
    more = "; double slashes, which the old program made itself, count as one" if doubled else ""
    made.note("changed" if doubled else "taken", subject, f"{len(rules)} rules for links{more}")
    return {"must_begin": rules}


def _take_keywords(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    words = _texts(subject, value)
    made.note("taken", subject, f"{len(words)} words, of which title or link must have one (--keyword)")
    return {"keywords": words}


def _take_names(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    names = _texts(subject, value)
    made.note("taken", subject, f"{len(names)} names; they are found as whole words, however they are joined")
    joined = [name for name in names if re.search(r"[a-z][A-Z]", name)]
    if joined:
        told = ", ".join(joined)
        made.note("to do", subject, f"write names as their records have them, with blanks: is that so for {told}?")
    return {"names": names}


def _take_host(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    made.url = str(value or "").strip()
    if not made.url:
        made.note("to do", subject, "it is empty: give --url")
    elif "://" not in made.url:
        made.url = f"https://{made.url}"
        made.note("changed", subject, f"{made.url}; for XSOAR 8 also give --key-id")
    else:
        made.note("taken", subject, f"{made.url}; for XSOAR 8 also give --key-id")
    return {}


def _take_key(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    # What becomes of it is known only when it is stored.
    made.key = str(value or "").strip()
    return {}


def _take_search_field(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    name = str(value or "").strip()
    if name.casefold() in ("", "value", "name"):
        made.note("changed", subject, "the value of a record and its aliases are looked at")
        return {}
    made.note("taken", subject, f"{name}; the value of a record counts too")
    return {"search_field": name}


def _take_profiling(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    if value:
        made.note("taken", subject, "this is what `warroom profiles update` does")
    else:
        made.note(
            "changed", subject, "it was off; nothing runs unless you run it, and nothing is written without --write"
        )
    return {}


def _take_tor(made: OldConfig, subject: str, value: Any) -> dict[str, Any]:
    more = "; set the variable HTTPS_PROXY for a proxy" if value else ""
    made.note("left out", subject, f"Tor is not controlled{more}")
    return {}


_TAKERS = {
    "websiteconfig.rss_feeds": _take_feeds,
    "websiteconfig.webpages": _take_pages,
    "websiteconfig.stopwords": _take_stopwords,
    "websiteconfig.specialHandling": _take_special,
    "websiteconfig.keywords": _take_keywords,
    "controllerPort": _take_tor,
    "profileRecords": _take_profiling,
    "profiling.profileData": _take_names,
    "profiling.profile2cortex": _take_profiling,
    f"{API}.host": _take_host,
    f"{API}.api_key": _take_key,
    f"{API}.search_field": _take_search_field,
}
