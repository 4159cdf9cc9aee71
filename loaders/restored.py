"""Protect what a restore put back until its feeds are loaded again.

A backup has each resource and the keys of its records, but not the records. Until each feed is reprocessed, these
records count as live before the night, so that the gate sees what would be lost. Until then nothing is published,
because a publication would withdraw every one of them.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from loaders.shell import elib_command
from loaders.store import (
    HarvestRunRow,
    ResourceRow,
    RestoredMemberRow,
    read_publish_state,
    read_transaction,
    write_publish_state,
)
from schemas import Environment

_STATE = "restored"  # the row of publish_state: the feeds that were published when the backup was made
_PUBLISHED_KEYS = (
    select(RestoredMemberRow.key)
    .join(ResourceRow, ResourceRow.id == RestoredMemberRow.resource_id)
    .where(ResourceRow.withdrawn_at.is_(None))
)


class NotReprocessed(Exception):
    """Restored feeds are not loaded again; the message names them and says what to do."""


def note_restored_feeds(connection: Connection) -> None:
    """Write down the feeds whose restored records were published."""
    keys = connection.execute(_PUBLISHED_KEYS, execution_options={"stream_results": True, "yield_per": 10_000})
    feeds = sorted({key.partition(":")[0] for key in keys.scalars()})
    write_publish_state(connection, _STATE, msgspec.json.encode(feeds).decode())


def waiting_feeds(env: Environment) -> list[str]:
    """Return the restored feeds of which no run has been loaded since."""
    with read_transaction(env) as connection:
        value = read_publish_state(connection, _STATE)
        feeds: list[str] = msgspec.json.decode(value) if value else []
        return [feed for feed in feeds if not _is_loaded(connection, feed)]


def waiting_keys(env: Environment, feed: str) -> set[str]:
    """Return the keys of the feed's records that were published at the backup; none once a run is loaded."""
    if feed not in waiting_feeds(env):
        return set()
    query = _PUBLISHED_KEYS.where(RestoredMemberRow.key.startswith(f"{feed}:", autoescape=True))
    with read_transaction(env) as connection:
        return set(connection.scalars(query))


def check_reprocessed(env: Environment) -> None:
    """Raise NotReprocessed while a publication would withdraw what was restored."""
    feeds = waiting_feeds(env)
    if feeds:
        commands = "; ".join(elib_command("reprocess", feed) for feed in feeds)
        raise NotReprocessed(
            f"Nothing is published: {len(feeds)} feed(s) were restored from a backup and are not loaded again. "
            f"Run: {commands}. Then decide on the runs that are held: {elib_command('review', 'held')}. "
            f"Then publish: {elib_command('publish')}"
        )


def _is_loaded(connection: Connection, feed: str) -> bool:
    loaded = select(HarvestRunRow.id).where(HarvestRunRow.feed == feed, HarvestRunRow.status == "loaded")
    return connection.scalar(loaded.limit(1)) is not None
