"""A bad name, value or file: one clear line on stderr, exit code 2, nothing changed. Each command, for real."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from Tests.terminal import Shell
from Tests.world import KEY

ADD = ("instance", "add", "CortexXDRIOC")
URL = ("-p", "url=https://api-xdr.example.com")
SEVERITY = ("-p", "severity=high")
KNOWN = "192.0.2.1"

# What is typed, and words that the one line must have.
CASES: list[tuple[Sequence[str], Sequence[str]]] = [
    (["nosuch"], ["nosuch"]),
    (["instance", "nosuch"], ["nosuch"]),
    (["init", "--server-url", "localhost"], ["--server-url", "localhost"]),
    (["instance", "add"], ["BRAND"]),
    (["instance", "add", "CortexXDRIOK"], ["CortexXDRIOK", "CortexXDRIOC"]),
    ([*ADD, *SEVERITY], ["url"]),
    ([*ADD, *URL], ["severity"]),
    ([*ADD, *URL, "-p", "severity=huge"], ["severity", "huge", "critical"]),
    ([*ADD, *URL, *SEVERITY, "-p", "urll=x"], ["urll", "url"]),
    ([*ADD, *URL, *SEVERITY, "-p", "feed=perhaps"], ["feed", "perhaps"]),
    ([*ADD, *URL, *SEVERITY, "-p", "feedFetchInterval=soon"], ["feedFetchInterval", "soon"]),
    ([*ADD, *URL, *SEVERITY, "-p", "feedReliability=Z"], ["feedReliability", "Z"]),
    ([*ADD, *URL, *SEVERITY, "-p", "feedExpirationPolicy=sometimes"], ["feedExpirationPolicy", "sometimes"]),
    ([*ADD, *URL, *SEVERITY, "-p", f"apikey_creds={KEY}"], ["apikey_creds"]),
    ([*ADD, *URL, *SEVERITY, "-p", f"apikey={KEY}"], ["apikey"]),
    ([*ADD, *URL, *SEVERITY, "-p", "apikey_creds=@/no/such/file"], ["/no/such/file"]),
    ([*ADD, *URL, *SEVERITY, "-p", "apikey_creds=env:NO_SUCH"], ["apikey_creds", "NO_SUCH"]),
    ([*ADD, *URL, *SEVERITY, "-p", "apikey_creds"], ["apikey_creds"]),
    ([*ADD, *URL, *SEVERITY, "--name", "main"], ["main"]),
    ([*ADD, *URL, *SEVERITY, "--name", "a,b"], ["a,b"]),
    ([*ADD, *URL, *SEVERITY, "--name", ""], ["name"]),
    ([*ADD, *URL, *SEVERITY, "-p", "severity=low"], ["severity"]),
    ([*ADD, *URL, *SEVERITY, "-p", "=x"], ["KEY"]),
    ([*ADD, *URL, *SEVERITY, "--plaintext", "--no-store-secrets"], ["--plaintext"]),
    (["instance", "show", "mian"], ["mian", "main"]),
    (["instance", "test", "mian"], ["mian"]),
    (["instance", "enable", "mian"], ["mian"]),
    (["instance", "disable", "mian"], ["mian"]),
    (["instance", "remove", "mian"], ["mian"]),
    (["configure", "CortexXDRIOC"], ["terminal"]),
    (["indicator", "import", "/no/such/file.csv"], ["/no/such/file.csv"]),
    (["indicator", "import", "."], ["."]),
    (["indicator", "import", "-", "--format", "xml"], ["xml", "stix"]),
    (["indicator", "import", "-", "--verdict", "purple"], ["purple", "bad"]),
    (["indicator", "import", "docs/architecture.md", "--format", "json"], ["line 1", "JSON"]),
    (["indicator", "import", "docs/architecture.md", "--format", "stix"], ["line 1", "JSON"]),
    (["indicator", "search", "type:"], ["position 5", "not expected"]),
    (["indicator", "search", "(type:IP"], ["position 8", ")"]),
    (["indicator", "search", "type:IP or"], ["or"]),
    (["indicator", "search", 'value:"open'], ['"']),
    (["indicator", "search", "modified:>=someday"], ["someday"]),
    (["indicator", "search", "nosuchfield:1"], ["nosuchfield"]),
    (["indicator", "search", "type:IP", "--limit", "0"], ["--limit", "0"]),
    (["indicator", "search", "type:IP", "--limit", "many"], ["many"]),
    (["indicator", "count", "reputation:Purple"], ["Purple"]),
    (["indicator", "count", "expirationStatus:perhaps"], ["perhaps"]),
    (["indicator", "show", "203.0.113.99"], ["203.0.113.99"]),
    (["indicator", "set", "203.0.113.99", "verdict=bad"], ["203.0.113.99"]),
    (["indicator", "set", KNOWN], ["KEY"]),
    (["indicator", "set", KNOWN, "verdict"], ["verdict"]),
    (["indicator", "set", KNOWN, "verdict=purple"], ["verdict", "purple"]),
    (["indicator", "set", KNOWN, "expiration=someday"], ["expiration", "someday"]),
    (["indicator", "set", KNOWN, "id=7"], ["id"]),
    (["indicator", "set", KNOWN, "tags=a", "verdict=purple"], ["purple"]),
    (["indicator", "export", "/no/such/folder/x.csv"], ["/no/such/folder"]),
    (["indicator", "export", "x.xml"], ["x.xml"]),
    (["indicator", "export", "/proc/x.csv", "--query", "type:"], ["position 5", "not expected"]),
    (["run", "xdr-iocs-status"], ["!"]),
    (["run", "!"], ["!"]),
    (["run", "!xdr-iocs-statsu"], ["xdr-iocs-statsu", "xdr-iocs-status"]),
    (["run", "!xdr-iocs-enable"], ["indicator"]),
    (["run", "!xdr-iocs-push bogus=1"], ["bogus"]),
    (["run", "!xdr-iocs-create-sync-file zip=maybe"], ["zip", "maybe"]),
    (["run", "!xdr-iocs-status", "--using", "mian"], ["mian", "main"]),
    (["run", "!xdr-iocs-status", "--using", "off"], ["off", "disabled"]),
    (["run", '!xdr-iocs-push indicator="open'], ["quote"]),
    (["fetch", "mian"], ["mian", "main"]),
    (["fetch", "off"], ["off", "disabled"]),
    (["context", "mian"], ["mian"]),
    (["entries", "--last", "0"], ["--last", "0"]),
    (["entries", "--last", "x"], ["x"]),
    (["emulator", "cortex_xrd"], ["cortex_xrd", "cortex_xdr"]),
    (["emulator", "cortex_xdr", "--port", "99999"], ["--port", "99999"]),
    (["emulator", "cortex_xdr", "--nosuch"], ["--nosuch"]),
    (["content", "add", "/no/such/folder"], ["/no/such/folder"]),
    (["content", "add", "docs"], ["docs"]),
    (["content", "remove", "/no/such/folder"], ["/no/such/folder"]),
]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home with an enabled and a disabled instance and one indicator."""
    shell = Shell(tmp_path_factory.mktemp("bad") / "home")
    shell.good("init")
    for name in ("main", "off"):
        shell.good(*ADD, *URL, *SEVERITY, "--name", name, "--no-store-secrets")
    shell.good("instance", "disable", "off")
    shell.good("indicator", "import", "-", given=f"value,verdict\n{KNOWN},bad\n")
    return shell


def test_bad_use_of_each_command_is_one_line_exit_2_and_changes_nothing(shell: Shell) -> None:
    before = shell.fingerprint()

    def faults(case: tuple[Sequence[str], Sequence[str]]) -> list[str]:
        words, needed = case
        ended = shell.run(*words)
        line = ended.stderr.rstrip("\n")
        found = [] if ended.returncode == 2 else [f"exit code {ended.returncode}"]
        if not line or "\n" in line:
            found.append(f"stderr is {ended.stderr!r}")
        if ended.stdout:
            found.append(f"stdout is {ended.stdout[:200]!r}")
        if KEY in ended.stderr:
            found.append("the secret is told")
        found += [f"{word!r} is not in {line!r}" for word in needed if word not in line]
        return [f"{' '.join(words)}: {fault}" for fault in found]

    with ThreadPoolExecutor(4) as pool:
        found = [fault for case in pool.map(faults, CASES) for fault in case]
    assert not found, "\n" + "\n".join(found)
    assert shell.fingerprint() == before


def test_home_that_is_missing_or_a_file_is_told_and_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a home")
    for home, words in ((tmp_path / "none", "init"), (tmp_path / "file", "file")):
        ended = Shell(home).run("instance", "list")
        assert (ended.returncode, ended.stderr.count("\n"), ended.stdout) == (2, 1, "")
        assert words in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"file"}
    assert (tmp_path / "file").read_text() == "not a home"


def test_home_whose_database_is_something_else_is_told_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "warroom.db").write_bytes(b"this is no database at all, only some text" * 100)
    before = (tmp_path / "home" / "warroom.db").read_bytes()
    ended = Shell(tmp_path / "home").run("indicator", "count")
    assert (ended.returncode, ended.stderr.count("\n"), ended.stdout) == (2, 1, "")
    assert "warroom.db" in ended.stderr
    assert (tmp_path / "home" / "warroom.db").read_bytes() == before
