"""What a restore has promised: records that were published when the backup was made, and are not loaded again yet.

Until each of their feeds is reprocessed, they count as live before the night, so that the gate sees what would be lost,
and nothing is published: a publication would withdraw every one of them.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from loaders.store import HarvestRunRow, PublishStateRow, ResourceRow, RestoredMemberRow, read_transaction, upsert
from schemas import Environment

_NAME = "restored"  # the row of publish_state: the feeds that were published
_STANDS = ResourceRow.withdrawn_at.is_(None)


class NotReprocessed(Exception):
    """Feeds that were restored and not loaded since: which, and what to do."""


def promise(connection: Connection) -> None:
    """Note the feeds whose restored records were published."""
    query = (
        select(RestoredMemberRow.key).join(ResourceRow, ResourceRow.id == RestoredMemberRow.resource_id).where(_STANDS)
    )
    keys = connection.execute(query, execution_options={"stream_results": True, "yield_per": 10_000}).scalars()
    feeds = sorted({key.partition(":")[0] for key in keys})
    row = {"name": _NAME, "value": msgspec.json.encode(feeds).decode()}
    connection.execute(upsert(connection, PublishStateRow.__table__, ("value",)), row)


def waiting_feeds(env: Environment) -> list[str]:
    """The feeds that were restored and of which no run has been loaded since."""
    with read_transaction(env) as connection:
        value = connection.scalar(select(PublishStateRow.value).where(PublishStateRow.name == _NAME))
        feeds: list[str] = msgspec.json.decode(value) if value else []
        return [feed for feed in feeds if not _loaded(connection, feed)]


def waiting_keys(env: Environment, feed: str) -> set[str]:
    """The keys of the feed's records that were published when the backup was made; none once a run is loaded."""
    if feed not in waiting_feeds(env):
        return set()
    query = select(RestoredMemberRow.key).join(ResourceRow, ResourceRow.id == RestoredMemberRow.resource_id)
    with read_transaction(env) as connection:
        return set(
            connection.scalars(query.where(_STANDS, RestoredMemberRow.key.startswith(f"{feed}:", autoescape=True)))
        )


def check_reprocessed(env: Environment) -> None:
    """Raises NotReprocessed while a publication would withdraw what was restored."""
    feeds = waiting_feeds(env)
    if feeds:
        commands = ", ".join(f"make reprocess FEED={feed}" for feed in feeds)
        raise NotReprocessed(
            f"Nothing is published: {len(feeds)} feed(s) were restored from a backup and are not loaded again. "
            f"Run {commands}; release what the gate holds (elib review); then publish"
        )


def _loaded(connection: Connection, feed: str) -> bool:
    loaded = select(HarvestRunRow.id).where(HarvestRunRow.feed == feed, HarvestRunRow.status == "loaded")
    return connection.scalar(loaded.limit(1)) is not None
