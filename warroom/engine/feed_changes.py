"""When a feed last brought something new: what feed-triggered jobs wait for."""

from __future__ import annotations

from warroom.store import Store

SETTING = "feeds.changed"


def note_feed_change(store: Store, instance: str, now: float) -> None:
    """Remembers that a fetch of the instance, ended now (seconds since 1970), made or changed indicators."""
    with store.atomic():
        store.settings.set(SETTING, {**feed_changes(store), instance: now})


def feed_changes(store: Store) -> dict[str, float]:
    """The time of the last change by name of the instance."""
    return dict(store.settings.get(SETTING) or {})
