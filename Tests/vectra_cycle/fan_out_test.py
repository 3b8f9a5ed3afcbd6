"""One cycle on every product at once: each driver of a vendor against its own emulator, and one of them broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from Tests.conformance.discovery import DriverFile, find_drivers
from Tests.conformance.product import Product, Subject
from Tests.vectra_cycle.world import World, world
from warroom.engine.vectra import DestinationList
from warroom.store import Instance

pytestmark = pytest.mark.slow

# The test driver has no product; what it pretends is told by other tests.
DRIVERS = [driver for driver in find_drivers() if "host" in driver.kinds and driver.name != "TestResponse"]
CYCLE_SECONDS = 300


@dataclass
class Estate:
    """A brain whose host 41 every product knows, and the products by the instance of their driver."""

    here: World
    products: dict[str, Product]

    def subject(self, name: str) -> Subject:
        """The host as one product knows it."""
        return self.products[name].subject("host")

    def blocked(self) -> set[str]:
        """The instances whose product really contains the host."""
        return {name for name, found in self.products.items() if self.subject(name).elements == found.contained()}

    def cycles(self) -> None:
        """One that orders, and one that sees done what the products needed time for."""
        for _ in range(2):
            self.here.cycle()
            for product in self.products.values():
                product.finish()

    def later(self) -> None:
        """The five minutes between two cycles pass: whatever waits after a failure has waited."""
        for name in (*self.here.brains, *self.products):
            stored = self.here.host.store.contexts.read(self.here.host.instances.get(name).id)
            state = json.loads(stored.context.get("state") or "{}")
            for record in (*state.get("elements", {}).values(), *attempts_of(state)):
                record["next_try"] -= CYCLE_SECONDS
            context = {**stored.context, "state": json.dumps(state)}
            self.here.host.store.contexts.write(self.here.host.instances.get(name).id, context, stored.version)

    def refill(self, name: str) -> None:
        """Give an instance the parameters that its product wants now."""
        instance = self.here.host.instances.get(name)
        self.here.host.store.instances.update(with_params(instance, self.products[name].params))


def attempts_of(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a brain keeps of the tries that are not settled."""
    return [attempt for record in state.get("entities", {}).values() for attempt in record["attempts"].values()]


def with_params(instance: Instance, params: Mapping[str, str]) -> Instance:
    return type(instance)(**{**vars(instance), "params": {**instance.params, **params}})


def host_of(products: Mapping[str, Product]) -> dict[str, Any]:
    """What Vectra knows of the host: its address is the same everywhere, names and MACs are those of all products."""
    subjects = [product.subject("host").args for product in products.values()]
    [address] = {subject["ip"] for subject in subjects}
    names = [subject["host_name"] for subject in subjects if subject.get("host_name")]
    macs = sorted({mac.strip() for subject in subjects for mac in subject.get("mac", "").split(",") if mac.strip()})
    artifacts = [{"type": "mac", "value": mac} for mac in macs]
    return {"last_source": address, "name": names[0] if names else "fin-lap-07", "host_artifact_set": artifacts}


def context_of(here: World, instance_id: str) -> dict[str, Any]:
    return dict(here.host.store.contexts.read(instance_id).context)


@contextmanager
def estate(folder: Path, drivers: list[DriverFile]) -> Iterator[Estate]:
    with ExitStack() as stack:
        here = stack.enter_context(world(folder, drivers=()))
        products: dict[str, Product] = {}
        for driver in drivers:
            files = folder / driver.name
            files.mkdir()
            product = stack.enter_context(driver.product()(files))
            secrets = dict(product.secrets)
            instance = here.host.add_instance(driver.name, driver.name, dict(product.params), secrets, "plaintext")
            product.context = partial(context_of, here, instance.id)
            products[driver.name] = product
        here.edit("brain-a", 41, **host_of(products))
        yield Estate(here, products)


def test_cycle_host_is_contained_by_every_product_and_released_again(tmp_path: Path) -> None:
    with estate(tmp_path, DRIVERS) as found:
        found.cycles()
        assert found.blocked() == set(found.products)
        found.here.edit("brain-a", 41, threat=10, certainty=10)
        found.cycles()
        assert {name: product.contained() for name, product in found.products.items()} == {
            name: frozenset() for name in found.products
        }
        found.here.agree()


@pytest.mark.parametrize("broken", [driver.name for driver in DRIVERS])
def test_cycle_one_product_answers_500_the_others_contain_and_the_next_finishes(tmp_path: Path, broken: str) -> None:
    with estate(tmp_path, DRIVERS) as found:
        found.products[broken].fault("server_error")
        found.refill(broken)
        told = found.here.cycle()
        assert found.blocked() - {broken} == set(found.products) - {broken}
        assert told.output["counts"]["contained"] >= len(found.products) - 2, told.text
        found.products[broken].heal()
        found.refill(broken)
        found.later()
        found.cycles()
        assert found.blocked() == set(found.products)
        found.here.agree()


STATIC = [driver for driver in DRIVERS if "destinations" in driver.kinds]
LISTED = ("1.1.1.1", "8.8.8.0/24")


def test_cycle_static_list_is_applied_once_everywhere_and_released_again(tmp_path: Path) -> None:
    def cycles(estate: Estate, text: str) -> list[int]:
        made = []
        for _ in range(3):
            told = estate.here.cycle(destinations=DestinationList("lst", text))
            made.append(told.output["brains"][0]["decisions"])
            for product in estate.products.values():
                product.finish()
        return made

    with estate(tmp_path, STATIC) as found:
        found.here.edit("brain-a", 41, threat=10, certainty=10)
        assert cycles(found, "\n".join(LISTED)) == [1, 0, 0]
        held = {name: len(product.contained()) for name, product in found.products.items()}
        assert set(held.values()) == {len(LISTED)}, held
        assert cycles(found, LISTED[0]) == [1, 0, 0]
        assert {len(product.contained()) for product in found.products.values()} == {1}
        found.here.agree()
