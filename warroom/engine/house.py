"""Server calls about the house itself: its instances, addresses, files, incidents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from warroom.content import Catalog
from warroom.content.model import Command
from warroom.engine import builtins
from warroom.engine.errors import ServerError
from warroom.engine.files import FileKeeper
from warroom.engine.services import NULL, Args, Call
from warroom.engine.wire import encode
from warroom.store import Store

SERVER_URL_SETTING = "server_url"
DEFAULT_SERVER_URL = "https://localhost:8443"
LICENSE_ID = "warroom"


@dataclass
class HouseCalls:
    """Calls whose answer does not depend on the run, and entries that content adds on the way."""

    store: Store
    catalog: Catalog
    files: FileKeeper
    instance_id: str
    instance_name: str
    on_health: Callable[[str], None]
    added: list[dict[str, Any]] = field(default_factory=list)
    created_incidents: list[dict[str, Any]] = field(default_factory=list)

    @property
    def calls(self) -> Mapping[str, Call]:
        """The calls by name."""
        return {
            "createIncidents": self.create_incidents,
            "getFilePath": lambda args: encode(self.files.find(str(args.get("id") or ""))),
            "getModules": lambda args: encode(modules(self.store, self.catalog)),
            "getAllSupportedCommands": lambda args: encode(supported_commands(self.store, self.catalog)),
            "demistoUrls": lambda args: encode(urls(self.store)),
            "getLicenseID": lambda args: encode(LICENSE_ID),
            "internalHttpRequest": self.internal_request,
            "addEntry": self.add_entry,
            "updateModuleHealth": self.health,
        }

    def create_incidents(self, args: Args) -> bytes:
        """Stores incidents at once and gives back what was created."""
        incidents = args.get("incidents")
        if not isinstance(incidents, list):
            raise ServerError("createIncidents takes a list of incidents")
        created = self.store.incidents.create(incidents, self.instance_name)
        self.created_incidents.extend(created)
        return encode(created)

    def internal_request(self, args: Args) -> bytes:
        """Refused: this host has no REST interface that content could call."""
        raise ServerError(
            f"internalHttpRequest {args.get('method')} {args.get('uri')}: this host has no REST interface"
        )

    def add_entry(self, args: Args) -> bytes:
        """Adds an entry to those of the run."""
        entry = args.get("entry", args)
        self.added.append(dict(entry) if isinstance(entry, Mapping) else {"Contents": entry})
        return NULL

    def health(self, args: Args) -> bytes:
        """Keeps what the instance says about its health, for `instance show`."""
        self.on_health(encode(dict(args)).decode())
        self.store.settings.set(health_setting(self.instance_id), dict(args))
        return NULL


def health_setting(instance_id: str) -> str:
    """Name of the setting that holds the last health report of an instance."""
    return f"health.{instance_id}"


def urls(store: Store) -> dict[str, str]:
    """The addresses that content shows to people, made from the setting `server_url`."""
    server = str(store.settings.get(SERVER_URL_SETTING) or DEFAULT_SERVER_URL).rstrip("/")
    pages = {"warRoom": "WarRoom", "workPlan": "WorkPlan", "investigation": "Details", "incident": "incident"}
    return {"server": server, **{name: f"{server}/#/{page}" for name, page in pages.items()}}


def modules(store: Store, catalog: Catalog) -> dict[str, dict[str, str]]:
    """`{instance: {"brand", "category", "state"}}` of all instances."""
    categories = {item.id: item.category for item in catalog.integrations}
    return {
        instance.name: {
            "brand": instance.brand,
            "category": categories.get(instance.brand, ""),
            "state": "active" if instance.enabled else "disabled",
        }
        for instance in store.instances.list()
    }


def supported_commands(store: Store, catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    """`{instance or brand: [{"name", "arguments"}]}` of all enabled instances, the host's own under Builtin."""
    by_brand = {item.id: [_described(command) for command in item.commands] for item in catalog.integrations}
    found = {"Builtin": [_described(command) for command in builtins.COMMANDS]}
    for instance in store.instances.list():
        if instance.enabled and instance.brand in by_brand:
            found[instance.name] = by_brand[instance.brand]
    return found


def _described(command: Command) -> dict[str, Any]:
    arguments = [
        {"name": item.name, "required": item.required, "default": item.is_default} for item in command.arguments
    ]
    return {"name": command.name, "description": command.description, "arguments": arguments}
