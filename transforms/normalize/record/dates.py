"""When a resource was issued and modified, from all the dates of its record."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas import replace
from transforms.draft import Statement
from transforms.normalize.dates import ChosenDates, Date, choose_dates, read_date, says_no_date
from transforms.normalize.record.assembly import Assembly

_REPOSITORY_KINDS = frozenset({"accessioned", "available"})  # they count only where there is no other date
_FINDINGS = {  # by the flag of a date
    "impossible": "date_impossible",
    "future": "date_future",
    "ambiguous": "date_ambiguous",
    "assumed": "date_calendar_assumed",
}
# Cataloguers write years of the common era, or add them; with the names that repositories have for these formats.
_GREGORIAN_FORMATS = frozenset({"marcxml", "marc", "marc21", "oai_marc", "unimarc", "mods", "oai_mods", "mets"})


def read_dates(assembly: Assembly, language: str | None, latest_day: str | None) -> dict[str, Any]:
    """Return issued, issued_year and modified; dates of anything else are left unmapped."""
    modified = [replace(statement, hint="modified") for statement in assembly.draft.get("modified")]
    statements = [*assembly.draft.get("issued"), *modified]
    if not statements:
        return {}
    pairs = [(statement.value, statement.hint) for statement in statements]
    calendar = _calendar(assembly)
    chosen = choose_dates(pairs, language=language, today=latest_day, calendar=calendar)
    _note_chosen(assembly, "issued", chosen.issued, statements, chosen.issued_index)
    _note_chosen(assembly, "modified", chosen.modified, statements, chosen.modified_index)
    for index, statement in enumerate(statements):
        if index not in {chosen.issued_index, chosen.modified_index}:
            unused = read_date(statement.value, language=language, today=latest_day, calendar=calendar)
            _note_unused(assembly, statement, unused, chosen)
    return {
        "issued": chosen.issued.edtf if chosen.issued else None,
        "issued_year": chosen.issued.year if chosen.issued else None,
        "modified": chosen.modified.edtf if chosen.modified else None,
    }


def _calendar(assembly: Assembly) -> str | None:
    """Return the calendar of years without a mark: the feed's, or the one that the format fixes."""
    if assembly.feed.calendar:
        return assembly.feed.calendar
    return "gregorian" if assembly.format in _GREGORIAN_FORMATS else None


def _note_chosen(
    assembly: Assembly, field: str, chosen: Date | None, statements: list[Statement], index: int | None
) -> None:
    if chosen is None or index is None:
        return
    assembly.add_origin(field, statements[index].path, f"date, {chosen.rule}")
    for flag in chosen.flags:
        if flag in _FINDINGS:
            assembly.add_finding(_FINDINGS[flag], field, statements[index].value)


def _note_unused(assembly: Assembly, statement: Statement, unused: Date | None, chosen: ChosenDates) -> None:
    """Note a date that agrees with a chosen one as its origin; leave others unmapped, and report what is wrong."""
    for field, chosen_date in (("issued", chosen.issued), ("modified", chosen.modified)):
        if unused is not None and chosen_date is not None and f"{chosen_date.edtf}-".startswith(f"{unused.edtf}-"):
            assembly.add_origin(field, statement.path, f"the same date, {unused.rule}")
            return
    if (statement.hint or "").lower() in _REPOSITORY_KINDS and chosen.issued is not None:
        return
    if code := _finding_of_unused(statement, unused):
        assembly.add_finding(code, "issued", statement.value)
    assembly.leave_unmapped(statement)


def _finding_of_unused(statement: Statement, unused: Date | None) -> str | None:
    """Return the finding on a statement without a date that counts, or with one that is impossible."""
    if unused is None:
        return None if says_no_date(statement.value) else "date_unreadable"
    if "impossible" in unused.flags:
        return "date_impossible"
    return None if unused.edtf else next((_FINDINGS[flag] for flag in unused.flags if flag in _FINDINGS), None)


@lru_cache(maxsize=64)
def latest_day(harvested_at: str) -> str | None:
    """Return the day after the harvest, the latest that it was anywhere on Earth; None for an unreadable time."""
    try:
        return (date.fromisoformat(harvested_at[:10]) + timedelta(days=1)).isoformat()
    except ValueError:
        return None
