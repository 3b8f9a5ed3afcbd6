"""Where secrets are kept, and how they are found again at run time.

A reference is what the store keeps for a secret: `{"backend": "keyring"|"file"|"none"|"plaintext"}`. With "none" it may
carry `"env"` or `"path"`, the place that the user named; with "plaintext" the value, because the user asked for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import keyring
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringError, PasswordDeleteError

from warroom.engine.errors import SecretError

Backend = Literal["auto", "keyring", "file", "none", "plaintext"]
Reference = dict[str, Any]
PASSPHRASE_VARIABLE = "WARROOM_KEYRING_PASSPHRASE"  # noqa: S105 - the name of a variable
_SERVICE = "warroom"


class Keyring(Protocol):
    """The part of a keyring backend that is used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """The stored text or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Stores or replaces one text."""

    def delete_password(self, service: str, username: str) -> None:
        """Forgets one text; PasswordDeleteError when there is none."""


def system_keyring() -> Keyring | None:
    """The operating system's keyring, or the one configured for `keyring`; None where nothing safe works."""
    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, chainer.ChainerBackend) else [chosen]
    for candidate in candidates:
        foreign_file = type(candidate).__module__.startswith("keyrings.")
        if not foreign_file and not isinstance(candidate, (fail.Keyring, null.Keyring, chainer.ChainerBackend)):
            return candidate
    return None


def variable_name(instance: str, parameter: str) -> str:
    """The environment variable that is looked up first for a secret."""
    return "__".join(["WARROOM_SECRET", *(re.sub(r"[^A-Z0-9]", "_", text.upper()) for text in (instance, parameter))])


@dataclass
class Vault:
    """Stores and finds the secrets of one home.

    `ask(question)` gets a text from a person without showing it; None where there is no terminal. Answers are
    remembered for the life of the vault, so that a loop asks once. `folder` takes the encrypted files, one per
    instance, so that two processes that add instances never write the same file.
    """

    folder: Path
    environ: Mapping[str, str]
    ask: Callable[[str], str] | None = None
    system: Callable[[], Keyring | None] = system_keyring
    _answers: dict[str, str] = field(default_factory=dict)
    _rings: dict[str, Keyring] = field(default_factory=dict)

    def choose(self, wish: Backend) -> Backend:
        """The backend to use. Raises SecretError when the wish, or with "auto" any safe backend, cannot be had."""
        if wish == "keyring" and self.system() is None:
            raise SecretError("the operating system offers no keyring that works here")
        if wish == "file" and not self._has_passphrase():
            raise SecretError(f"the encrypted file keyring needs a pass phrase: set {PASSPHRASE_VARIABLE}")
        if wish != "auto":
            return wish
        if _works(self.system()):
            return "keyring"
        if self._has_passphrase():
            return "file"
        raise SecretError(
            "no keyring works here and nobody can be asked for a pass phrase: set "
            f"{PASSPHRASE_VARIABLE} for an encrypted file, or use --no-store-secrets, or --plaintext"
        )

    def store(self, backend: Backend, instance_id: str, parameter: str, secret: str) -> Reference:
        """Keeps one secret and returns the reference to it. Raises SecretError when the backend fails."""
        if backend == "plaintext":
            return {"backend": backend, "value": secret}
        if backend != "none":
            try:
                ring = self._ring(backend, instance_id)
                ring.set_password(_SERVICE, f"{instance_id}/{parameter}", secret)
            except (KeyringError, OSError, ValueError) as error:
                raise SecretError(f"the secret {parameter} could not be stored: {_reason(error)}") from error
        return {"backend": backend}

    def find(self, name: str, instance_id: str, parameter: str, reference: Reference | None) -> str | None:
        """The secret of the instance called `name`, from its environment variable first, then from where it was stored.

        None when it was never given. Raises SecretError when a stored one cannot be read.
        """
        from_environment = self.environ.get(variable_name(name, parameter))
        if from_environment is not None:
            return from_environment
        if reference is None:
            return None
        if reference["backend"] == "plaintext":
            return str(reference["value"])
        if reference["backend"] == "none":
            return self._unstored(name, parameter, reference)
        return self._stored(name, instance_id, parameter, reference)

    def forget(self, instance_id: str, references: Mapping[str, Reference]) -> None:
        """Removes what `store` kept for an instance; what is gone already is fine."""
        for parameter, reference in references.items():
            if reference["backend"] == "keyring" and (ring := self.system()) is not None:
                try:
                    ring.delete_password(_SERVICE, f"{instance_id}/{parameter}")
                except PasswordDeleteError:
                    continue
                except KeyringError as error:
                    raise SecretError(f"the secret {parameter} could not be removed: {_reason(error)}") from error
            self._answers.pop(f"{instance_id}/{parameter}", None)
        self._rings.pop(instance_id, None)
        self._file(instance_id).unlink(missing_ok=True)

    def remember(self, name: str, parameter: str, secret: str) -> None:
        """Spares the question for a secret of the instance called `name` that a person has just given."""
        self._answers[f"{name}/{parameter}"] = secret

    def ask_once(self, key: str, question: str) -> str | None:
        """A person's answer, remembered under `key`; None where nobody can be asked."""
        if key not in self._answers:
            if self.ask is None:
                return None
            self._answers[key] = self.ask(question)
        return self._answers[key]

    def _stored(self, name: str, instance_id: str, parameter: str, reference: Reference) -> str:
        # Opening the encrypted file takes a quarter of a second by design; a loop or a fan-out pays once.
        known = self._answers.get(f"{instance_id}/{parameter}")
        if known is None:
            known = self._answers[f"{instance_id}/{parameter}"] = self._read(name, instance_id, parameter, reference)
        return known

    def _read(self, name: str, instance_id: str, parameter: str, reference: Reference) -> str:
        variable = variable_name(name, parameter)
        try:
            found = self._ring(reference["backend"], instance_id).get_password(_SERVICE, f"{instance_id}/{parameter}")
        except (KeyringError, OSError, ValueError) as error:
            reason = f"cannot be read ({_reason(error)}); {variable} is used first"
            raise SecretError(f"instance {name}: the secret {parameter} {reason}") from error
        if found is None:
            raise SecretError(f"instance {name}: the secret {parameter} is not in its keyring any more; set {variable}")
        return found

    def _unstored(self, name: str, parameter: str, reference: Reference) -> str | None:
        if "env" in reference:
            value = self.environ.get(reference["env"])
        elif "path" in reference:
            value = read_secret_file(Path(reference["path"]))
        else:
            value = self.ask_once(f"{name}/{parameter}", f"{parameter} of {name}")
        if value:
            return value
        if reference.get("needed"):
            place = f"{reference['env']} or " if "env" in reference else ""
            variable = variable_name(name, parameter)
            raise SecretError(f"instance {name}: the secret {parameter} is not stored; set {place}{variable}")
        return None

    def _ring(self, backend: str, instance_id: str) -> Keyring:
        if backend == "file":
            return self._file_ring(instance_id)
        ring = self.system()
        if ring is None:
            raise SecretError("the operating system's keyring is not reachable")
        return ring

    def _file_ring(self, instance_id: str) -> Keyring:
        # Imported late: its key derivation pulls in cryptography that most runs do not need.
        from keyrings.cryptfile.cryptfile import CryptFileKeyring

        if instance_id in self._rings:
            return self._rings[instance_id]
        phrase = self.environ.get(PASSPHRASE_VARIABLE) or self.ask_once("", "Pass phrase of the secrets file")
        if not phrase or not phrase.strip():
            raise SecretError(f"the encrypted file keyring needs a pass phrase: set {PASSPHRASE_VARIABLE}")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ring = CryptFileKeyring()
        ring.file_path = str(self._file(instance_id))
        try:
            ring.keyring_key = phrase
        except ValueError as error:
            raise SecretError("the pass phrase of the secrets file is wrong") from error
        self._rings[instance_id] = ring
        return ring  # type: ignore[no-any-return]

    def _file(self, instance_id: str) -> Path:
        return self.folder / f"{instance_id}.cfg"

    def _has_passphrase(self) -> bool:
        return bool(self.environ.get(PASSPHRASE_VARIABLE)) or self.ask is not None


def read_secret_file(path: Path) -> str:
    """The content of a secret file without its last line break. Raises SecretError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SecretError(f"the secret file {path} cannot be read: {reason}") from error


def _works(ring: Keyring | None) -> bool:
    # A keyring can be there and locked, with nobody to unlock it; only a round trip tells.
    if ring is None:
        return False
    try:
        ring.set_password(_SERVICE, "probe", "probe")
        found = ring.get_password(_SERVICE, "probe")
        ring.delete_password(_SERVICE, "probe")
    except (KeyringError, OSError):
        return False
    return found == "probe"


def _reason(error: BaseException) -> str:
    # Keyring libraries put no secret in their texts, but only the first line is fit for one line.
    return (str(error).splitlines() or [type(error).__name__])[0]
