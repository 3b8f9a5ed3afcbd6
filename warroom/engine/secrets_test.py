from __future__ import annotations

from pathlib import Path

import pytest
from keyring.errors import PasswordDeleteError

from warroom.engine.errors import SecretError
from warroom.engine.secrets import Backend, Vault, variable_name


class MemoryKeyring:
    """A keyring in a dict."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("gone")


@pytest.fixture(autouse=True)
def cheap_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real cost of a key, a quarter of a second, is no part of what is tested here."""
    monkeypatch.setattr("keyrings.cryptfile.cryptfile.ArgonAESEncryption.time_cost", 1)


def no_keyring() -> None:
    return None


def test_variable_name_other_characters_become_underscores() -> None:
    assert variable_name("XDR main-1", "apikey_creds") == "WARROOM_SECRET__XDR_MAIN_1__APIKEY_CREDS"


@pytest.mark.parametrize("backend", ["keyring", "file", "plaintext"])
def test_vault_stored_secret_is_found_until_forgotten(tmp_path: Path, backend: Backend) -> None:
    ring = MemoryKeyring()
    vault = Vault(tmp_path, {"WARROOM_KEYRING_PASSPHRASE": "pass"}, system=lambda: ring)
    reference = vault.store(backend, "id1", "key", "v\u00e4lue")
    assert vault.find("main", "id1", "key", reference) == "v\u00e4lue"
    vault.forget("id1", {"key": reference})
    assert ring.kept == {} and list(tmp_path.iterdir()) == []
    vault.forget("id1", {"key": reference})


def test_vault_environment_is_looked_up_first() -> None:
    vault = Vault(Path("unused"), {"WARROOM_SECRET__MAIN__KEY": "new"}, system=no_keyring)
    assert vault.find("main", "id1", "key", {"backend": "plaintext", "value": "old"}) == "new"
    assert vault.find("main", "id1", "key", None) == "new"


def test_vault_file_needs_the_right_pass_phrase(tmp_path: Path) -> None:
    reference = Vault(tmp_path, {"WARROOM_KEYRING_PASSPHRASE": "pass"}).store("file", "id1", "key", "value")
    assert b"value" not in (tmp_path / "id1.cfg").read_bytes()
    with pytest.raises(SecretError, match="the pass phrase of the secrets file is wrong"):
        Vault(tmp_path, {"WARROOM_KEYRING_PASSPHRASE": "other"}).find("main", "id1", "key", reference)


def test_vault_unstored_secret_is_asked_once_for_all_runs() -> None:
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return "typed"

    vault = Vault(Path("unused"), {}, ask)
    assert [vault.find("main", "id1", "key", {"backend": "none"}) for _ in range(2)] == ["typed", "typed"]
    assert questions == ["key of main"]


def test_vault_unstored_secret_comes_from_the_place_that_was_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from file\n")
    vault = Vault(tmp_path, {"MY_KEY": "from variable"})
    assert vault.find("m", "i", "k", {"backend": "none", "env": "MY_KEY"}) == "from variable"
    assert vault.find("m", "i", "k", {"backend": "none", "path": str(tmp_path / "key")}) == "from file"


def test_vault_needed_secret_that_nobody_gives_is_named() -> None:
    with pytest.raises(SecretError, match="the secret key is not stored; set WARROOM_SECRET__MAIN__KEY"):
        Vault(Path("unused"), {}).find("main", "i", "key", {"backend": "none", "needed": True})


@pytest.mark.parametrize(
    ("environ", "ring", "chosen"),
    [({}, MemoryKeyring(), "keyring"), ({"WARROOM_KEYRING_PASSPHRASE": "x"}, None, "file")],
)
def test_vault_auto_takes_the_safest_that_works(
    environ: dict[str, str], ring: MemoryKeyring | None, chosen: str
) -> None:
    assert Vault(Path("unused"), environ, system=lambda: ring).choose("auto") == chosen


def test_vault_auto_without_any_backend_names_the_choices() -> None:
    with pytest.raises(SecretError) as caught:
        Vault(Path("unused"), {}, system=no_keyring).choose("auto")
    for choice in ("WARROOM_KEYRING_PASSPHRASE", "--no-store-secrets", "--plaintext"):
        assert choice in str(caught.value)
