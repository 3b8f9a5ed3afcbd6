"""The configuration of the old program, taken over line by line, and used at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from emulators import news, xsoar
from Tests.profiles_rest.world import ACTOR, PACKS
from Tests.terminal import Shell
from warroom.engine import UsageError
from warroom.engine.profiles import read_old_config

KEY = "made-up-key-of-the-old-program"
PHRASE = {"PATH": "/usr/bin:/bin", "WARROOM_KEYRING_PASSPHRASE": "phrase of the tests"}


def config(**changes: Any) -> dict[str, Any]:
    """A configuration in the shape of the old program, with every setting that it has."""
    api = {"host": "http://127.0.0.1:9", "api_key": KEY, "search_field": "aliases", **changes.pop("api", {})}
    web = {
        "rss_feeds": ["https://news.example/rss"],
        "webpages": ["https://pages.example/news"],
        "stopwords": ["/sponsored/"],
        "specialHandling": {"pages": "https://pages.example//news/"},
        **changes.pop("web", {}),
    }
    return {
        "websiteconfig": web,
        "getDeltaRecords": True,
        "timeDelta4Delete": 10,
        "controllerPort": 0,
        "resultfile": {"createFile": True, "folder": "f", "filename": "a.txt"},
        "mailconfig": {"sendMail": False},
        "profileRecords": True,
        "profiling": {
            "profileData": ["APT28", "WinterVivern"],
            "profile2file": False,
            "profileFolderName": "x",
            "profile2cortex": True,
            "CortexXSOARAPIConfig": api,
        },
        **changes,
    }


def test_read_old_config_every_setting_gets_a_line() -> None:
    old = read_old_config(json.dumps({**config(), "newSetting": 1}), "c.json")

    told = {note.subject: note.kind for note in old.notes}
    assert told == {
        "websiteconfig.rss_feeds": "taken",
        "websiteconfig.webpages": "changed",
        "websiteconfig.stopwords": "taken",
        "websiteconfig.specialHandling": "changed",
        "getDeltaRecords": "left out",
        "timeDelta4Delete": "left out",
        "controllerPort": "left out",
        "resultfile": "left out",
        "mailconfig": "left out",
        "profileRecords": "taken",
        "profiling.profileData": "to do",
        "profiling.profile2file": "left out",
        "profiling.profileFolderName": "left out",
        "profiling.profile2cortex": "taken",
        "profiling.CortexXSOARAPIConfig.host": "taken",
        "profiling.CortexXSOARAPIConfig.search_field": "taken",
        "newSetting": "left out",
        "the question for a new record": "changed",
        "the field of the notes": "taken",
        "cortex_aliases.json": "left out",
        "the certificate of the server": "changed",
    }
    assert KEY not in repr(old) + "".join(note.line() for note in old.notes)
    assert old.watch.sources == ("https://news.example/rss kind=feed", "https://pages.example/news kind=page")
    assert old.watch.names == ("APT28", "WinterVivern") and old.watch.field == "communitynotes"


@pytest.mark.parametrize(
    ("link", "taken"),
    [
        ("https://pages.example/news/1", True),
        ("https://pages.example/blog/1", False),
        ("https://other.example/1", True),
        ("https://other.example/SPONSORED/1", False),
    ],
)
def test_read_old_config_filters_mean_what_they_meant(link: str, taken: bool) -> None:
    old = read_old_config(json.dumps(config()), "c.json")
    assert old.watch.filter.takes({"link": link, "title": "T"}) is taken


def test_read_old_config_keywords_and_names_of_older_files() -> None:
    older = config(web={"keywords": ["ransom"]})
    older["archiving"] = {
        "archivedData": ["Clop"],
        **{k: v for k, v in older.pop("profiling").items() if k != "profileData"},
    }

    old = read_old_config(json.dumps(older), "keywords_config.json")

    assert old.watch.names == ("Clop",) and old.key == KEY
    assert old.watch.filter.takes({"title": "New Ransomware", "link": "https://x.example"})
    assert not old.watch.filter.takes({"title": "Weather", "link": "https://x.example"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import os", "no JSON"),
        ("[]", "no configuration"),
        ('{"websiteconfig": {"rss_feeds": "x"}}', "websiteconfig.rss_feeds must be a list"),
        ('{"websiteconfig": {"specialHandling": []}}', "specialHandling must map"),
    ],
)
def test_read_old_config_what_cannot_be_read_is_named(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_old_config(text, "c.json")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Shell, xsoar.Xsoar, Path]]:
    """A home without any key in its environment, a server with the key of the file, and the file."""
    with ExitStack() as stack:
        server = stack.enter_context(xsoar.running(generation="6", rate=0, api_key=KEY))
        site = stack.enter_context(news.running())
        with server.lock, site.lock:
            server.state.seed({"indicators": [ACTOR]})
            items = [{"title": "Fancy Bear is back", "link": "https://news.example/1"}]
            site.state.seed({"sources": {"blog": {"items": items}}})
        shell = Shell(tmp_path / "home", PHRASE)
        shell.good("init")
        shell.good("content", "add", str(PACKS))
        file = tmp_path / "articles_config.json"
        web = {"rss_feeds": [site.address("blog")], "webpages": []}
        found = config(web=web, api={"host": server.url})
        found["profiling"]["profileData"] = ["APT28"]
        file.write_text(json.dumps(found))
        yield shell, server, file


def test_migrate_result_is_usable_at_once_and_the_key_is_in_no_plain_file(
    world: tuple[Shell, xsoar.Xsoar, Path],
) -> None:
    shell, server, file = world

    dry = shell.good("profiles", "migrate", str(file), "--dry-run")
    nothing = shell.run("profiles", "test")
    told = shell.good("profiles", "migrate", str(file))
    done = shell.json("profiles", "update", "--own-network", "127.0.0.0/8", "--write")

    assert "would be taken" in dry and nothing.returncode == 2
    assert "api_key: taken" in told and KEY not in dry + told
    assert done["status"] == "ok"
    with server.lock:
        record = server.state.with_value("Sofacy")
    assert record is not None
    assert [row["notes"] for row in record["CustomFields"]["communitynotes"]] == [
        "Fancy Bear is back: https://news.example/1"
    ]
    assert not any(KEY.encode() in path.read_bytes() for path in shell.home.rglob("*") if path.is_file())


@pytest.mark.parametrize("dry_run", [True, False])
def test_migrate_without_a_key_leaves_the_stored_one(world: tuple[Shell, xsoar.Xsoar, Path], dry_run: bool) -> None:
    shell, server, file = world
    given = Shell(shell.home, {**PHRASE, "DEMISTO_API_KEY": KEY})
    given.good("profiles", "configure", "--url", server.url)
    found = json.loads(file.read_text())
    found["profiling"]["CortexXSOARAPIConfig"]["api_key"] = ""
    file.write_text(json.dumps(found))

    told = shell.good("profiles", "migrate", str(file), *(["--dry-run"] if dry_run else []))

    assert "the key that is stored for this server stays" in told
    shell.good("profiles", "test")


def test_update_takes_the_old_file_itself(world: tuple[Shell, xsoar.Xsoar, Path]) -> None:
    shell, server, file = world
    given = Shell(shell.home, {**PHRASE, "DEMISTO_API_KEY": KEY})

    found = given.json("profiles", "update", "--config", str(file), "--own-network", "127.0.0.0/8")

    assert [change["value"] for change in found["changes"]] == ["Sofacy"]
    assert not [one for one in server.requests.latest(None) if "/indicator/" in one.path]
