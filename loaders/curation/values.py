"""Check that a steward's value fits the record or resource as it is today, before the correction is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec
from sqlalchemy import Connection, or_, select

from loaders.store import CurationRow, ResourceRow, SourceRecordRow
from schemas import (
    Correction,
    CorrectionUnusable,
    Resource,
    Sentence,
    apply_correction,
    replaced_value,
    sentence,
)

_MAX_SHOWN_CHARS = 120


class CannotDecide(LookupError):
    """What a decision names does not exist, or its state does not allow the decision."""


def never_read(key: str) -> Sentence:
    """Return why nothing in a record can be corrected."""
    return sentence("%(key)s could never be read, so that nothing in it can be corrected", key=key)


def corrected_record(connection: Connection, target: dict[str, str]) -> Resource:
    """Read a record or resource (`key` or `resource_id` in `target`) and apply the corrections that it has already."""
    if "resource_id" in target:
        text = connection.scalar(select(ResourceRow.record).where(ResourceRow.id == target["resource_id"]))
    else:
        columns = (SourceRecordRow.record, SourceRecordRow.pending_record)
        accepted, waiting = connection.execute(select(*columns).where(SourceRecordRow.key == target["key"])).one()
        text = accepted or waiting
    if not text:
        raise CannotDecide(never_read(target["key"]))
    return with_corrections(connection, msgspec.json.decode(text, type=Resource), [target])


def with_corrections(connection: Connection, record: Resource, targets: Iterable[dict[str, str]]) -> Resource:
    """Return the record with the corrections of these records and resources; one that does not fit is left out."""
    of_targets = or_(*(getattr(CurationRow, column) == value for each in targets for column, value in each.items()))
    query = select(CurationRow.id, CurationRow.path, CurationRow.value).where(
        of_targets, CurationRow.action == "set", CurationRow.undone_at.is_(None)
    )
    for number, path, value in connection.execute(query.order_by(CurationRow.id)):
        with suppress(CorrectionUnusable):  # the publication reports it
            record = apply_correction(record, Correction(id=number, path=path or "", value=value, by="", at=""))
    return record


def replaced_text(connection: Connection, target: dict[str, str], path: str) -> str:
    """Return what a correction at a path would replace, as `title.und 'A title'`; empty where nothing stands there."""
    replaced = replaced_value(corrected_record(connection, target), path)
    if replaced is None:
        return ""
    place, value = replaced
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    shown = text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"
    return f"{place} {shown!r}"


def page_summary(record: Resource) -> str:
    """Return what the page of a record would show, in a line: title, address, languages and licence."""
    links = [link.url for link in record.links]
    shown = {
        "title": " / ".join(filter(None, record.title.values())),
        "address": record.url or ", ".join(links),
        "identifier": ", ".join(f"{identifier.scheme} {identifier.value}" for identifier in record.identifiers),
        "author": ", ".join(person.name for person in record.contributors),
        "language": ", ".join(language.tag for language in record.languages),
        "licence": (record.license.label or record.license.statement) if record.license else "",
    }
    return ", ".join(f"{name}: {value[:_MAX_SHOWN_CHARS] or 'none'}" for name, value in shown.items())


def fitting_value(record: Resource, path: str, value: str) -> str:
    """Return the value as JSON: parsed as JSON where that fits the field, else as plain text (a title may be 1984).

    Raises CannotDecide, saying what the field expects, when neither fits.
    """
    why = ""
    for text in dict.fromkeys(_as_json(value)):
        try:
            apply_correction(record, Correction(id=0, path=path, value=text, by="", at=""))
        except CorrectionUnusable as error:
            why = why or error.why
            continue
        return text
    raise CannotDecide(sentence("%(path)s cannot be set to %(value)s: %(why)s", path=path, value=repr(value), why=why))


def check_title_stays(record: Resource, path: str, value: str) -> None:
    """Raise CannotDecide when a correction would leave a record that has a title without one that can be read."""
    corrected = apply_correction(record, Correction(id=0, path=path, value=value, by="", at=""))
    if _has_title(record) and not _has_title(corrected):
        raise CannotDecide(
            sentence("this correction would leave no title that can be read; give another one, or withdraw the record")
        )


def _has_title(record: Resource) -> bool:
    return any(letter.isprintable() and not letter.isspace() for title in record.title.values() for letter in title)


def _as_json(value: str) -> Iterator[str]:
    with suppress(msgspec.DecodeError, RecursionError):
        yield msgspec.json.encode(msgspec.json.decode(value)).decode()
    yield msgspec.json.encode(value).decode()
