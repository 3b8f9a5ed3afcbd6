"""The external call: its product is a program that keeps a list in a file, and goes wrong when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from Tests.conformance.discovery import ROOT
from Tests.conformance.product import Product, Subject

LIST_PROGRAM = ROOT / "Packs/VectraAutomatedResponse/Integrations/ExternalCallResponse/test_data/address-list.sh"
# What stands in the file `trouble` happens to every call but those that only look.
PROGRAM = """#!/bin/sh
trouble=$(cat "{folder}/trouble")
[ "$TOKEN" = {secret} ] || exit 9
if [ "$1" != state ]; then
    case $trouble in
    refuse) echo "the list is read-only"; exit 5 ;;
    hang) sleep 30 ;;
    esac
fi
exec /bin/sh "{program}" "{folder}/list" "$1" "$2"
"""
SECRET = "made-up-secret"
NO_NETWORK = "a program that runs on this machine has no connection, no token and no reply to be torn"
ANY_VALUE = "what a value stands for is known to the customer's program alone; the driver hands it over"


class Program(Product):
    """A list in a file, one value per line."""

    lacks: ClassVar[Mapping[str, str]] = {
        "former": "a program is told values alone; what it replaces it has to keep itself",
        "unknown": ANY_VALUE,
        "several": ANY_VALUE,
        "slow_job": "the end of the program is the end of the order",
        "expired_token": NO_NETWORK,
        "too_many_requests": NO_NETWORK,
        "torn_body": NO_NETWORK,
    }

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._list = folder / "list"
        self._trouble = folder / "trouble"
        self.heal()

    @property
    def params(self) -> Mapping[str, str]:
        program = str(self._folder / "program")
        wanted = {"host": "{ip}", "account": "{account}", "detection": "{destination}", "destinations": "{destination}"}
        commands = {
            f"{kind}_{action}_cmd": json.dumps([program, action, value])
            for kind, value in wanted.items()
            for action in ("block", "unblock", "state")
        }
        seconds = "0.1" if self._trouble.read_text() == "hang" else "30"
        return {**commands, "secret_env.identifier": "TOKEN", "command_timeout": seconds}

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"secret_env": SECRET}

    def subject(self, kind: str) -> Subject:
        return {
            "host": Subject({"ip": "10.1.2.3", "host_id": "41", "host_name": "pc"}, frozenset({"10.1.2.3"})),
            "account": Subject({"account": "O365:jane@example.com", "account_id": "7"}, frozenset({"jane"})),
            "detection": Subject(
                {"dst_ips": "198.51.100.7", "dst_domains": "Bad.example", "detection_id": "9001"},
                frozenset({"198.51.100.7", "bad.example"}),
            ),
            "destinations": Subject(
                {"destinations": "192.0.2.9/24,Evil.example", "list": "static"},
                frozenset({"192.0.2.0/24", "evil.example"}),
            ),
        }[kind]

    def contained(self) -> frozenset[str]:
        return frozenset(self._list.read_text().splitlines()) if self._list.is_file() else frozenset()

    def others_block(self, subject: Subject) -> None:
        self._list.write_text("".join(f"{element}\n" for element in sorted(subject.elements)))

    def lose(self, subject: Subject) -> None:
        self._list.unlink()

    def refused_job(self) -> None:
        self._trouble.write_text("refuse")

    def fault(self, name: str) -> None:
        self._trouble.write_text({"server_error": "refuse", "time_out": "hang"}[name])

    def heal(self) -> None:
        self._trouble.write_text("")


@contextmanager
def product(folder: Path) -> Iterator[Product]:
    """A program that was never run."""
    path = folder / "program"
    path.write_text(
        PROGRAM.replace("{folder}", str(folder)).replace("{program}", str(LIST_PROGRAM)).replace("{secret}", SECRET)
    )
    path.chmod(0o755)
    yield Program(folder)
