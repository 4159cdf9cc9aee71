"""Check that a steward's value fits the record or resource as it is today, before the correction is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from sqlalchemy import Connection, select

from loaders.store import CurationRow, ResourceRow, SourceRecordRow
from schemas import Correction, CorrectionUnusable, Resource, apply_correction

_WEB_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", re.IGNORECASE)


class CannotDecide(LookupError):
    """What a decision names does not exist, or its state does not allow the decision."""


def corrected_record(connection: Connection, target: dict[str, str]) -> Resource:
    """Read a record or resource (`key` or `resource_id` in `target`) and apply the corrections that it has already."""
    if "resource_id" in target:
        text = connection.scalar(select(ResourceRow.record).where(ResourceRow.id == target["resource_id"]))
    else:
        columns = (SourceRecordRow.record, SourceRecordRow.pending_record)
        accepted, waiting = connection.execute(select(*columns).where(SourceRecordRow.key == target["key"])).one()
        text = accepted or waiting
    if not text:
        raise CannotDecide(f"{target['key']} could never be read, so that nothing in it can be corrected")
    record = msgspec.json.decode(text, type=Resource)
    of_target = [getattr(CurationRow, column) == value for column, value in target.items()]
    query = select(CurationRow.id, CurationRow.path, CurationRow.value).where(
        *of_target, CurationRow.action == "set", CurationRow.undone_at.is_(None)
    )
    for number, path, value in connection.execute(query.order_by(CurationRow.id)):
        with suppress(CorrectionUnusable):  # the publication reports it
            record = apply_correction(record, Correction(id=number, path=path or "", value=value, by="", at=""))
    return record


def fitting_value(record: Resource, path: str, value: str) -> str:
    """Return the value as JSON: parsed as JSON where that fits the field, else as plain text (a title may be 1984).

    Raises CannotDecide, saying what the field expects, when neither fits.
    """
    why = ""
    for text in dict.fromkeys(_as_json(value)):
        try:
            corrected = apply_correction(record, Correction(id=0, path=path, value=text, by="", at=""))
        except CorrectionUnusable as error:
            why = why or error.why
            continue
        if (address := _bad_address(record, corrected)) is not None:
            raise CannotDecide(f"{path} cannot be set to {value!r}: {address!r} is not an http or https address")
        return text
    raise CannotDecide(f"{path} cannot be set to {value!r}: {why}")


def _bad_address(before: Resource, after: Resource) -> str | None:
    """Return the first address that a correction adds and that no browser would open."""
    known = set(_addresses(before))
    added = (address for address in _addresses(after) if address not in known)
    return next((address for address in added if not _WEB_ADDRESS.fullmatch(address)), None)


def _addresses(record: Resource) -> Iterator[str]:
    yield from filter(None, (record.url, record.license.uri if record.license else None))
    yield from (link.url for link in record.links)


def _as_json(value: str) -> Iterator[str]:
    with suppress(msgspec.DecodeError):
        yield msgspec.json.encode(msgspec.json.decode(value)).decode()
    yield msgspec.json.encode(value).decode()
