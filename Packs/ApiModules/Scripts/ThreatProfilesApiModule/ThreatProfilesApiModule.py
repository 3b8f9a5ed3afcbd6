"""Which threat actors and malware a text names, and how an article is kept on their records, each of them once.

In this order: the key of an article, its rows, the names that are watched, the server (the only part with effects, as a
value that scripts are given), and the matcher.

A name is compared as a run of letters and digits. `APT28`, `APT-28` and `apt 28` are one name, and so are `FancyBear`,
`Fancy Bear` and `fancy-bear`; but a name always begins and ends where a word does, so that `APT1` is not in `APT10` and
`Conti` is not in `continue`.
"""

import random
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import demistomock as demisto
from CommonServerPython import *

TRACKING_PARAMETERS = frozenset(
    "fbclid gclid dclid msclkid igshid mc_cid mc_eid yclid _hsenc _hsmi mkt_tok ocid cmpid at_medium".split()
)
PROFILE_TYPES = ("Threat Actor", "Intrusion Set", "Malware")
PUBLICATIONS, NOTES = "publications", "communitynotes"
ARTICLE_TEXT = "threatnewstext"
MAX_ROWS = 500
MIN_NAME, SHORT_NAME = 3, 4
WORDS_IN_NAME = 6
WRITE_TRIES = 3

# Things that begin like, or are, the name of an actor and are something else.
STOP_PHRASES = ("APT", "Cobalt Strike")
# Beside one of these, a short or common word is a name: after the first kind, before both kinds.
KINDS_OF_ACTOR = frozenset("actor apt backdoor campaign gang group malware operation ransomware trojan".split())
ACTOR_WORDS = KINDS_OF_ACTOR | frozenset(
    "actors attackers crew espionage gangs groups hacker hackers spies team threat".split()
)
# Everyday words, of general language and of technology, that are names of actors or malware too.
COMMON_WORDS = frozenset(
    """
    agenda alibaba alien alpha anchor android apocalypse apollo aurora avalanche basin beacon beast beijing bitter
    blackjack blackout blitz blizzard bloodhound bouncer breakthrough brick butterfly cactus calendar carbon cardinal
    castle chameleon chaos charger christmas chromium cicada citadel cleaner cleaver clipper cloak clock cobalt
    collection comet copper core covenant crash creeper crimson crisis cuba curator cyborg cyclone cyclops damage dark
    darkness darknet deadly death defender delta demo desktop diamond dune dusk echelon elephant elevator elite embargo
    emissary empire endurance energetic enigma epic equation eternal evil evolution executioner exodus exorcist expand
    explorer explosive fake fallout final fire fireball firebird first flame flashback fog framework freezing frog
    frozen fury fusion gamma genesis ghost glimpse global globe golden graphite grief guard hacked hacker hacking havoc
    hawkeye helium hermes hive homeland hook hunter hunters hydra inception incubator inferno insane insider inter
    interception iron james joker judge jupiter karma key killer king knight knot lady lead legend legion leviathan
    light lime lock lockbox locked locker lockout lotus lucky luna machete mafia magic magnesium mamba maple mars mask
    matrix maze mechanical mega mercury merlin meteor mimic mini mirage momentum mosquito mummy mutant mystic nautilus
    nemesis net network neutrino nickel nightmare ninja nitro nitrogen nova nuclear oblique ocean octopus offline orbit
    outsider oxide oxygen page pain panda pandora paradise paradox parasite patchwork payday payment pegasus phantom
    phoenix photo ping pink pioneer platinum play plead plutonium pocket poison pony potassium predator premier prism
    prometheus protected proteus proton proxy punisher purge python quantum quarantine radar radium ragnarok ransom
    ransomed rapid reaper red resident revenge revolution rhino ripper rock rogue rook router rover royal rubidium ruby
    rush russian saber sage samurai sandman saturn scanner scarab scorpion scout sea sector secure seed sentinel serpent
    shade shadow shark shell shield sidewalk sigma silence silent silicon skull slingshot smoke snake sodium solar
    soldier spark sparkle spectre sphinx spider splinter spring stealer steel sting stop storm stowaway stranger strider
    striker sugar sulphur summit sun sunburst surprise survey swift switcher sword tar teardrop telegram teleport
    tempest tester thallium thunder tiger tiny titan tools tor torch toxic triangle trickster trident trinity triton
    typhoon ultimate umbrella unknown update uppercut vampire vanguard vendetta venom viper virus void vortex voyeur
    vulture warlock watchdog whois wildcard wildfire wind winter wiper wizard wolf worm wraith zebra zen zero zeus zinc
    zip
    """.split()
)


# ---- the key of an article


def canonical_link(url: str) -> str:
    """The form under which two links to one article are equal; empty when it is no http link. Idempotent.

    Scheme and host in small letters, no login, default port, fragment, tracking parameter or slashes at the end; the
    case of path and query stays, and what is not ASCII is percent-encoded there.
    """
    try:
        parts = urlsplit(re.sub(r"[\t\r\n]", "", str(url or "")).strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not host or re.search(r"[\s<>\"\\]", host):
        return ""
    place = f"[{host}]" if ":" in host else host
    if port not in (None, 443 if scheme == "https" else 80):
        place += f":{port}"
    kept = [pair for pair in parts.query.split("&") if pair and not _is_tracking(pair)]
    return f"{scheme}://{place}{_encoded(parts.path).rstrip('/')}" + (f"?{_encoded('&'.join(kept))}" if kept else "")


def _is_tracking(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name in TRACKING_PARAMETERS or name.startswith("utm_")


def _encoded(text: str) -> str:
    """Percent-encoded once: what is encoded already stays, with capital digits."""
    once = quote(text, safe="%/:@!$&'()*+,;=~?-._[]|{}")
    return re.sub(r"%[0-9a-fA-F]{2}", lambda found: found[0].upper(), re.sub(r"%(?![0-9a-fA-F]{2})", "%25", once))


def article_key(link: str, guid: str = "", title: str = "") -> str:
    """What tells an article from others of its feed: its guid, else its link, else its title; empty without any."""
    key = canonical_link(guid) or str(guid or "").strip() or canonical_link(link)
    return key or " ".join(str(title or "").casefold().split())


def slug_text(link: str) -> str:
    """The words of a link's path, where most sites repeat the headline, ` | ` between its parts."""
    try:
        parts = unquote(urlsplit(str(link or "")).path).split("/")
    except ValueError:
        return ""
    parts = [" ".join(re.sub(r"[\s_+-]+", " ", re.sub(r"\.[A-Za-z]{2,5}$", "", part)).split()) for part in parts]
    return " | ".join(part for part in parts if part)


def article_text(article: Mapping[str, Any]) -> str:
    """What is matched of an article: title, the words of its link, and its `text` when it has one."""
    parts = (article.get("title"), slug_text(article.get("link") or ""), article.get("text"))
    return " | ".join(str(part).strip() for part in parts if str(part or "").strip())


# ---- rows


def iso_time(value: Any) -> str:
    """A moment as `2024-01-31T10:00:00Z`; empty when it cannot be read. Without a zone it is UTC.

    Takes a datetime, seconds since 1970, an ISO 8601 text, or a date as mail and RSS write it.
    """
    moment = _moment(value)
    if moment is None or moment.year < 2:  # the server's way to say that a time is not set
        return ""
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, timezone.utc)
        moment = value if isinstance(value, datetime) else _moment_of_text(str(value or "").strip())
        moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment
        moment.astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError, OSError, IndexError):
        return None
    return moment


def _moment_of_text(text: str) -> datetime:
    # Until Python 3.11 fromisoformat reads neither `Z` nor fractions of other than three or six digits.
    plain = re.sub(r"(\.\d{1,6})\d*", lambda found: f"{found[1]:0<7}", re.sub(r"[zZ]$", "+00:00", text))
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        return parsedate_to_datetime(text)


def row_of(article: Mapping[str, Any]) -> dict[str, str]:
    """The row of an article in the field Publications: link (canonical), title, source, timestamp.

    An article without a link, a source or a readable date gets a row without that cell, because the server refuses
    dates it cannot read.
    """
    link = str(article.get("link") or "").strip()
    row = {
        "link": canonical_link(link) or link,
        "title": " ".join(str(article.get("title") or "").split()),
        "source": str(article.get("source") or "").strip(),
        "timestamp": iso_time(article.get("timestamp")),
    }
    return {name: text for name, text in row.items() if text}


def note_of(article: Mapping[str, Any]) -> dict[str, str]:
    """The row of an article in the field Community Notes: `title: link` and the date."""
    row = row_of(article)
    notes = ": ".join(row[name] for name in ("title", "link") if name in row)
    return {"notes": notes, **({"timestamp": row["timestamp"]} if "timestamp" in row else {})}


def row_key(row: Any) -> str:
    """What two rows about one article share, of either field: the canonical link, else the text. Empty: not a row."""
    if not isinstance(row, Mapping):
        return ""
    note = str(row.get("notes") or "")
    links = re.findall(r"https?://\S+", note)
    key = canonical_link(str(row.get("link") or "")) or canonical_link(links[-1] if links else "")
    return key or " ".join(str(row.get("link") or row.get("title") or note).casefold().split())


def row_link(row: Any) -> str:
    """The canonical link of a row that is about an article, of either field; empty for what people write otherwise."""
    if not isinstance(row, Mapping):
        return ""
    ending = re.search(r"(?:^|: )(https?://\S+)\s*\Z", str(row.get("notes") or ""))
    return canonical_link(str(row.get("link") or "")) or canonical_link(ending[1] if ending else "")


def merged_rows(
    old: Iterable[Any] | None, new: Iterable[Mapping[str, Any]], max_rows: int = MAX_ROWS
) -> tuple[list[Any], int]:
    """Old and new rows, newest first, cut to `max_rows`; and how many of the new ones are among them.

    An article that has a row already keeps that row as it is. With nothing to add, the old rows come back unchanged,
    even when there are more than `max_rows`. Rows without a date are the last. Only rows about articles are cut away:
    what people wrote stays, whatever its number and date.
    """
    kept = list(old or [])
    known = {row_key(row) for row in kept}
    fresh: dict[str, Mapping[str, Any]] = {}
    for row in new:
        key = row_key(row)
        if key and key not in known:
            fresh.setdefault(key, row)
    whole = _cut(sorted([*kept, *fresh.values()], key=_row_time, reverse=True), max_rows)
    added = sum(any(row is one for one in fresh.values()) for row in whole)
    return (whole, added) if added else (kept, 0)


def _cut(rows: Sequence[Any], most: int) -> list[Any]:
    articles = [index for index, row in enumerate(rows) if row_link(row)]
    dropped = set(articles[max(0, most - (len(rows) - len(articles))) :])
    return [row for index, row in enumerate(rows) if index not in dropped]


def _row_time(row: Any) -> str:
    return iso_time(row.get("timestamp")) if isinstance(row, Mapping) else ""


# ---- names that are watched


@dataclass(frozen=True)
class Watched:
    """A record whose names are looked for. `value` is its name, `aliases` are its other names."""

    id: str
    type: str
    value: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names, each once."""
        return tuple(dict.fromkeys(name.strip() for name in (self.value, *self.aliases) if name.strip()))


def watched_of(record: Mapping[str, Any]) -> Watched:
    """An indicator as the server gives it, with the aliases it holds at this moment."""
    fields = record.get("CustomFields") or {}
    aliases = [str(name) for key in ("aliases", "stixaliases") for name in argToList(fields.get(key))]
    value = str(record.get("value") or "")
    return Watched(str(record.get("id") or ""), str(record.get("indicator_type") or ""), value, tuple(aliases))


def quoted(text: str) -> str:
    """A text as one word of a query, whatever characters it has."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def name_query(name: str, types: Sequence[str] = PROFILE_TYPES, field: str = "aliases") -> str:
    """A query for the records of a name. It finds too many on some servers; `has_name` decides."""
    of_types = " or ".join(f"type:{quoted(kind)}" for kind in types)
    return f"(value:{quoted(name)} or {field}:{quoted(name)})" + (f" and ({of_types})" if of_types else "")


def has_name(
    record: Mapping[str, Any], name: str, types: Sequence[str] = PROFILE_TYPES, field: str = "aliases"
) -> bool:
    """Whether value, an alias or `field` is this name in small or capital letters, and the type is one of these.

    Without types, any will do.
    """
    watched, wanted = watched_of(record), {kind.casefold() for kind in types}
    names = (*watched.names, *(str(one) for one in argToList((record.get("CustomFields") or {}).get(field))))
    same = name.strip().casefold() in {one.strip().casefold() for one in names}
    return same and (not wanted or watched.type.casefold() in wanted)


# ---- the server


@dataclass(frozen=True)
class ProfileServer:
    """The server, as a script reaches it.

    `search` is its searchIndicators, `execute` runs a command and raises DemistoException when it fails, `pause` waits
    before a further try and is told how many there were.
    """

    search: Callable[..., Mapping[str, Any]]
    execute: Callable[[str, dict[str, Any]], Any]
    pause: Callable[[int], None]

    def records(self, query: str) -> Iterator[dict[str, Any]]:
        """All records of a query, page by page. What the server refuses is raised."""
        yield from found_records(self.search, query)

    def named(self, name: str, types: Sequence[str] = PROFILE_TYPES, field: str = "aliases") -> list[dict[str, Any]]:
        """The records that have exactly this name, each once, whatever else the search found."""
        found = self.records(name_query(name, types, field))
        return list({str(one.get("id")): one for one in found if has_name(one, name, types, field)}.values())

    def fresh(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record as it is now; as it was, when the search does not know it yet."""
        same = (one for one in self.records(f"value:{quoted(record['value'])}") if one.get("id") == record.get("id"))
        return next(same, record)

    def change(
        self,
        record: Mapping[str, Any],
        fields_for: Callable[[Mapping[str, Any]], dict[str, Any]],
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Write the fields that `fields_for(the record as it is now)` gives, unless there are none; gives them back.

        After a failed write the record is read anew and `fields_for` is asked again, so that what others wrote
        meanwhile stays. Only fields that it names are written. Raises DemistoException or ValueError after three tries.
        """
        attempt = 1
        while True:
            try:
                fields = fields_for(self.fresh(record))
                if fields and not dry_run:
                    self.execute("setIndicator", {"value": record["value"], **fields})
                return fields
            except (DemistoException, ValueError):
                if attempt == WRITE_TRIES:
                    raise
            self.pause(attempt)
            attempt += 1


def profile_server() -> ProfileServer:
    """The server that this script runs on."""
    return ProfileServer(
        demisto.searchIndicators, execute_command, lambda attempt: time.sleep(random.random() * attempt)
    )


def found_records(search: Callable[..., Mapping[str, Any]], query: str, size: int = 200) -> Iterator[dict[str, Any]]:
    """All records of a query, page by page; `search` is the server's searchIndicators. What it raises is passed on."""
    after: Any = None
    while True:
        page = search(query=query, size=size, **({"searchAfter": after} if after else {}))
        records = page.get("iocs") or []
        yield from records
        after = page.get("searchAfter")
        if not records or not after:
            return


# ---- the matcher


class Hit(NamedTuple):
    """A name in a text. `position` is where it begins, in characters of the text in Unicode's form NFC."""

    name_as_found: str
    watched_id: str
    position: int
    why: str
    ambiguous: bool = False


class _Word(NamedTuple):
    folded: str
    start: int
    end: int
    joins: bool  # only a blank, hyphen or the like lies between the word before and this one


class _Name(NamedTuple):
    text: str
    owners: tuple[int, ...]
    seams: frozenset[int]


# Scripts written without blanks: there a name of Latin letters is a word of its own.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
_WORDS = re.compile(rf"[^\W_{_UNSPACED}]+|[{_UNSPACED}]+")
_JOINT = re.compile(r"[\s_+\-\u00ad\u2010-\u2015]{1,2}\Z")
_SHORTENED = re.compile(r"(.+?)[\s-]+(?:group|team|gang|crew|apt)\Z", re.IGNORECASE)
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()


def _words(text: str) -> list[_Word]:
    words: list[_Word] = []
    end = 0
    for found in _WORDS.finditer(text):
        joins = bool(words) and _JOINT.match(text[end : found.start()]) is not None
        words.append(_Word(_folded(found[0]), found.start(), found.end(), joins))
        end = found.end()
    return words


def name_key(name: str) -> str:
    """What is compared of a name: two names with the same key are one name to the matcher."""
    return _name_key(name)[0]


def weakness(name: str) -> str:
    """Why a name alone says nothing in a text; empty when it does."""
    key = name_key(name)
    if len(key) < MIN_NAME or key.isdigit():
        return "too short or only a number"
    if key.isalpha() and key.isascii() and (len(key) <= SHORT_NAME or key in COMMON_WORDS):
        return "a short or common word"
    return ""


def _name_key(name: str) -> tuple[str, frozenset[int]]:
    """Letters and digits of a name, and where in them one of its words ends: at a gap, a hump, before a number."""
    key, seams = "", set()
    for found in _WORDS.finditer(unicodedata.normalize("NFC", name)):
        for part in _SEAM.split(found[0]):
            key += _folded(part)
            seams.add(len(key))
    return key, frozenset(seams)


class Matcher:
    """Finds the names of watched records in texts.

    Args:
        watched: the records; one without an id is known by its value.
        stop: names that are never a hit, and phrases in which no name is: with `Cobalt Strike`, the name `Cobalt` is
            not found there and still is elsewhere. Those of STOP_PHRASES always count.
        ambiguous: what a name of several records does: `all` finds each of them, marked as such, `skip` finds none.

    A text costs time in proportion to its length, whatever the number of names: from each word on, words are joined
    only for as long as what they make is the beginning of some name.
    """

    def __init__(self, watched: Iterable[Watched], stop: Sequence[str] = (), ambiguous: str = "all") -> None:
        if ambiguous not in ("skip", "all"):
            raise ValueError(f"ambiguous: {ambiguous!r} is neither skip nor all.")
        self.watched = tuple(watched)
        self.ambiguous = ambiguous
        self.stopped = {_name_key(phrase)[0]: phrase for phrase in (*STOP_PHRASES, *stop)}
        self.names = _names_of(self.watched)
        keys = (*self.names, *self.stopped)
        self.beginnings = {key[:length] for key in keys for length in range(1, len(key) + 1)}

    def find(self, text: str) -> list[Hit]:
        """The records that the text names, in the order of the text, each once and under the first of its names."""
        found: dict[str, Hit] = {}
        for hit in self.explain(text):
            if hit.watched_id:
                found.setdefault(hit.watched_id, hit)
        return list(found.values())

    def explain(self, text: str) -> list[Hit]:
        """Every name in the text and why it is a hit; one that is none has an empty `watched_id`, and why not."""
        text = text if text.isascii() else unicodedata.normalize("NFC", text)
        words, hits, start = _words(text), [], 0
        while start < len(words):
            end, key = self._longest(words, start)
            if end:
                hits += self._judged(text, words, start, end, key)
            start = end or start + 1
        return hits

    def _longest(self, words: Sequence[_Word], start: int) -> tuple[int, str]:
        """(index after the last word, key) of the longest name or phrase that begins here; (0, "") without one."""
        joined, best = "", (0, "")
        ends: list[int] = []
        for index in range(start, min(len(words), start + WORDS_IN_NAME)):
            word = words[index]
            if index > start and not word.joins:
                break
            joined += word.folded
            # Links write the genitive without its apostrophe: `lazarus-groups-new-tool`.
            stem = joined[:-1] if joined.endswith("s") and joined not in self.names else ""
            if len(stem) > SHORT_NAME and stem in self.names and stem not in COMMON_WORDS:
                best = (index + 1, stem) if self._cut_rightly(stem, ends) else best
            if joined not in self.beginnings:
                break
            if joined in self.stopped or (joined in self.names and self._cut_rightly(joined, ends)):
                best = (index + 1, joined)
            ends.append(len(joined))
        return best

    def _cut_rightly(self, key: str, cuts: Sequence[int]) -> bool:
        """False when the text cuts the name into words at a place where no word of it ends, and into small pieces."""
        pieces = [end - begin for begin, end in zip((0, *cuts), (*cuts, len(key)), strict=True)]
        return set(cuts) <= self.names[key].seams or min(pieces) >= SHORT_NAME

    def _judged(self, text: str, words: Sequence[_Word], start: int, end: int, key: str) -> list[Hit]:
        position = words[start].start
        as_found = text[position : words[end - 1].end]
        no_hit = Hit(as_found, "", position, "")
        if key in self.stopped:
            return [no_hit._replace(why=f"stopped by {self.stopped[key]!r}")] if key in self.names else []
        name = self.names[key]
        before = text[words[start - 1].start : words[start - 1].end] if start and words[start].joins else ""
        after = text[words[end].start : words[end].end] if end < len(words) and words[end].joins else ""
        if refusal := _refusal(name.text, as_found, before, after):
            return [no_hit._replace(why=refusal)]
        owners = [self.watched[index] for index in name.owners]
        if len(owners) == 1:
            return [no_hit._replace(watched_id=_id_of(owners[0]), why=_reason(name.text, owners[0]))]
        shared = f"a name of {len(owners)} records: {', '.join(one.value for one in owners)}"
        if self.ambiguous == "skip":
            return [no_hit._replace(why=shared, ambiguous=True)]
        return [no_hit._replace(watched_id=_id_of(one), why=shared, ambiguous=True) for one in owners]


def _id_of(watched: Watched) -> str:
    return watched.id or watched.value


def _reason(name: str, owner: Watched) -> str:
    return f"name of {owner.value}" if name == owner.value else f"alias {name!r} of {owner.value}"


def _names_of(watched: Sequence[Watched]) -> dict[str, _Name]:
    """The names by their key; and where no record has it as a name, the short form `Lazarus` of `Lazarus Group`."""
    names: dict[str, _Name] = {}
    short: dict[str, _Name] = {}
    for index, record in enumerate(watched):
        for text in record.names:
            _enter(names, text, index)
            form = _SHORTENED.match(text)
            if form and len(form[1]) > SHORT_NAME and form[1].lower() not in COMMON_WORDS:
                _enter(short, form[1], index)
    return {**short, **names}


def _enter(names: dict[str, _Name], text: str, index: int) -> None:
    key, seams = _name_key(text)
    if not key:
        return
    old = names.get(key, _Name(text, (), frozenset()))
    owners = (*old.owners, index) if index not in old.owners else old.owners
    names[key] = _Name(old.text, owners, old.seams | seams)


def _refusal(name: str, as_found: str, before: str, after: str) -> str:
    """Why a name that stands in the text between these words says nothing; empty when it is a hit."""
    reason = weakness(name)
    if not reason or not name_key(name).isalpha() or len(name_key(name)) < MIN_NAME:
        return reason and f"{name!r} is {reason}"
    if before.lower() in KINDS_OF_ACTOR or after.lower() in ACTOR_WORDS:
        return ""
    if as_found == name and _stands_out(as_found, before, after):
        return ""
    return f"{name!r} is {reason}, here neither in its capital letters nor beside a word such as group"


def _stands_out(as_found: str, before: str, after: str) -> bool:
    """Whether capital letters say something here: all capitals among others, or a capital amid a sentence."""
    if as_found.isupper():
        return not (before.isupper() or after.isupper())
    return not as_found.islower() and before.islower() and not after[:1].isupper()
