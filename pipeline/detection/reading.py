"""How unknown records can be read: what identifies one, and the crosswalk that fits them or else a guessed map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.detection.crosswalk_fit import fitting_json
from pipeline.detection.fields import (
    FieldValues,
    guess_identifier,
    guess_targets,
    is_surely_identifier,
    map_of,
    read_fields,
    seen_fields,
)
from pipeline.detection.found import SeenField
from schemas import Sentence, sentence

_MAX_RECORDS = 200  # that are looked at


@dataclass(frozen=True)
class Reading:
    """The identifier of records, the crosswalk that reads them or None, and the fields that `[map]` would take."""

    identifier: FieldValues
    format: str | None
    fields: Sequence[FieldValues]
    targets: Mapping[str, Sequence[FieldValues]]  # of the guessed map; none where a crosswalk reads the records

    @property
    def keys(self) -> dict[str, Any]:
        """The keys of a feed file."""
        what = {"map": map_of(self.targets)} if self.format is None else {"format": self.format}
        return {"identifier": self.identifier.dotted, **what}

    @property
    def datestamp(self) -> dict[str, str]:
        """The key of [request] that says when a record was changed."""
        modified = self.targets.get("modified")
        return {"datestamp_path": modified[0].dotted} if modified else {}

    @property
    def seen(self) -> tuple[SeenField, ...]:
        """The fields as a form shows them."""
        return seen_fields(self.fields, self.targets)

    @property
    def warnings(self) -> tuple[Sentence, ...]:
        """What a partner should look at in the guesses."""
        missing = [] if self.format else [text for target, text in _NEEDED.items() if target not in self.targets]
        return (*self._identifier_warnings(), *missing)

    def _identifier_warnings(self) -> tuple[Sentence, ...]:
        if is_surely_identifier(self.identifier):
            return ()
        text = sentence(
            "The records have no identifier; %(field)s tells them apart: one whose %(field)s changes becomes another.",
            field=self.identifier.path,
        )
        return (text,)


def reading_of(records: Sequence[Mapping[str, Any]], *, columns: bool = False) -> Reading | None:
    """Return how records can be read; None if nothing tells them apart, or nothing is known of their fields.

    `columns`: they are rows of a table.
    """
    looked_at = records[:_MAX_RECORDS]
    fields = read_fields(looked_at, columns=columns)
    return read_by(fields, guess_identifier(fields, len(looked_at)), fitting_json(looked_at))


def read_by(fields: Sequence[FieldValues], identifier: FieldValues | None, format_: str | None) -> Reading | None:
    """Return how records of some fields can be read, by a crosswalk or else by a guessed map."""
    targets = guess_targets(fields) if format_ is None else {}
    if identifier is None or (format_ is None and not targets):
        return None
    return Reading(identifier, format_, fields, targets)


_NEEDED = {
    "title": sentence("No field was recognised as the title; choose it."),
    "url": sentence("No field was recognised as the address of a page; choose it, or give the addresses' form."),
    "license": sentence("No field was recognised as the licence; choose it, or state the licence of all records."),
    "languages": sentence("No field was recognised as the language; choose it, or state the language of all records."),
}
