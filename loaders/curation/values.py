"""Whether a steward's value fits what a record or resource says today: asked when it is given, not when it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from sqlalchemy import Connection, select

from loaders.store import CurationRow, ResourceRow, SourceRecordRow
from schemas import Correction, CorrectionUnusable, Resource, correct

_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)


class NotThere(LookupError):
    """What a decision names does not exist, or is not in a state to be decided so."""


def today(connection: Connection, target: dict[str, str]) -> Resource:
    """What a record or resource says, with the corrections that it has already."""
    if "resource_id" in target:
        text = connection.scalar(select(ResourceRow.record).where(ResourceRow.id == target["resource_id"]))
    else:
        columns = (SourceRecordRow.record, SourceRecordRow.pending_record)
        accepted, waiting = connection.execute(select(*columns).where(SourceRecordRow.key == target["key"])).one()
        text = accepted or waiting
    if not text:
        raise NotThere(f"{target['key']} was never read, so that nothing of it can be corrected")
    record = msgspec.json.decode(text, type=Resource)
    ours = [getattr(CurationRow, name) == value for name, value in target.items()]
    query = select(CurationRow.id, CurationRow.path, CurationRow.value).where(
        *ours, CurationRow.action == "set", CurationRow.undone_at.is_(None)
    )
    for number, path, value in connection.execute(query.order_by(CurationRow.id)):
        with suppress(CorrectionUnusable):  # the publication tells of it
            record = correct(record, Correction(id=number, path=path or "", value=value, by="", at=""))
    return record


def fitting(record: Resource, path: str, value: str) -> str:
    """The value as JSON: read as JSON where that fits the field, else as plain text (a title may be 1984)."""
    why = ""
    for text in dict.fromkeys(_readings(value)):
        try:
            corrected = correct(record, Correction(id=0, path=path, value=text, by="", at=""))
        except CorrectionUnusable as error:
            why = why or str(error).partition(": ")[2].partition("; correct the value")[0]
            continue
        if (wrong := _strange_address(record, corrected)) is not None:
            raise NotThere(f"{path} cannot be set to {value!r}: {wrong!r} is no http or https address")
        return text
    raise NotThere(f"{path} cannot be set to {value!r}: {why}")


def _strange_address(before: Resource, after: Resource) -> str | None:
    """The first address that a correction brings in and no browser would open."""
    known = set(_addresses(before))
    return next((one for one in _addresses(after) if one not in known and not _ADDRESS.fullmatch(one)), None)


def _addresses(record: Resource) -> Iterator[str]:
    yield from filter(None, (record.url, record.license.uri if record.license else None))
    yield from (link.url for link in record.links)


def _readings(value: str) -> Iterator[str]:
    with suppress(msgspec.DecodeError):
        yield msgspec.json.encode(msgspec.json.decode(value)).decode()
    yield msgspec.json.encode(value).decode()
