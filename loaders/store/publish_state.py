"""Read and write the rows of `publish_state`: what a publication remembers for the next one, as JSON by name."""

from __future__ import annotations

from sqlalchemy import Connection, select

from loaders.store.database import upsert
from loaders.store.models import PublishStateRow


def read_publish_state(connection: Connection, name: str) -> str | None:
    """Return the JSON remembered under a name, None when there is none."""
    return connection.scalar(select(PublishStateRow.value).where(PublishStateRow.name == name))


def write_publish_state(connection: Connection, name: str, value: str) -> None:
    """Remember a JSON text under a name; a row that holds it already is not written."""
    if read_publish_state(connection, name) != value:
        row = {"name": name, "value": value}
        connection.execute(upsert(connection, PublishStateRow.__table__, ("value",)), row)
