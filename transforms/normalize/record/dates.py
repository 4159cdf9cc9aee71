"""When a resource was issued and modified, from all the dates of its record."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas import replace
from transforms.draft import Statement
from transforms.normalize.dates import ChosenDates, Date, choose_dates, read_date
from transforms.normalize.record.assembly import Assembly

_REPOSITORY_KINDS = frozenset({"accessioned", "available"})  # they count only where there is no other date
_REPORTED_FLAGS = frozenset({"impossible", "future", "ambiguous"})


def read_dates(assembly: Assembly, language: str | None, latest_day: str | None) -> dict[str, Any]:
    """Return issued, issued_year and modified; dates of anything else are left unmapped."""
    modified = [replace(statement, hint="modified") for statement in assembly.draft.get("modified")]
    statements = [*assembly.draft.get("issued"), *modified]
    if not statements:
        return {}
    pairs = [(statement.value, statement.hint) for statement in statements]
    chosen = choose_dates(pairs, language=language, today=latest_day)
    _note_chosen(assembly, "issued", chosen.issued, statements, chosen.issued_index)
    _note_chosen(assembly, "modified", chosen.modified, statements, chosen.modified_index)
    for index, statement in enumerate(statements):
        if index not in {chosen.issued_index, chosen.modified_index}:
            _note_unused(assembly, statement, language, latest_day, chosen)
    return {
        "issued": chosen.issued.edtf if chosen.issued else None,
        "issued_year": chosen.issued.year if chosen.issued else None,
        "modified": chosen.modified.edtf if chosen.modified else None,
    }


def _note_chosen(
    assembly: Assembly, field: str, chosen: Date | None, statements: list[Statement], index: int | None
) -> None:
    if chosen is None or index is None:
        return
    assembly.add_origin(field, statements[index].path, f"date, {chosen.rule}")
    for flag in chosen.flags:
        if flag in _REPORTED_FLAGS:
            assembly.add_finding(f"date_{flag}", field, statements[index].value)


def _note_unused(
    assembly: Assembly, statement: Statement, language: str | None, latest_day: str | None, chosen: ChosenDates
) -> None:
    """Note a date that agrees with a chosen one as its origin; leave others unmapped, and report impossible ones."""
    unused = read_date(statement.value, language=language, today=latest_day)
    for field, chosen_date in (("issued", chosen.issued), ("modified", chosen.modified)):
        if unused is not None and chosen_date is not None and f"{chosen_date.edtf}-".startswith(f"{unused.edtf}-"):
            assembly.add_origin(field, statement.path, f"the same date, {unused.rule}")
            return
    if (statement.hint or "").lower() in _REPOSITORY_KINDS and chosen.issued is not None:
        return
    if unused is not None and "impossible" in unused.flags:
        assembly.add_finding("date_impossible", "issued", statement.value)
    assembly.leave_unmapped(statement)


@lru_cache(maxsize=64)
def latest_day(harvested_at: str) -> str | None:
    """Return the day after the harvest, the latest that it was anywhere on Earth; None for an unreadable time."""
    try:
        return (date.fromisoformat(harvested_at[:10]) + timedelta(days=1)).isoformat()
    except ValueError:
        return None
