"""When a resource came out and when it was changed, of all the dates that were said."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas import replace
from transforms.draft import Statement
from transforms.normalize.dates import edtf as dates
from transforms.normalize.record.assembly import Assembly

_REPOSITORY = frozenset({"accessioned", "available"})  # dates that stand in only where there is no other
_DOUBTS = frozenset({"impossible", "future", "ambiguous"})


def when(work: Assembly, tongue: str | None, today: str | None) -> dict[str, Any]:
    """When it came out and was changed; dates of anything else are left unmapped."""
    told = [*work.draft.get("issued"), *(replace(one, hint="modified") for one in work.draft.get("modified"))]
    if not told:
        return {}
    chosen = dates.issued([(one.value, one.hint) for one in told], language=tongue, today=today)
    for field, index, found in (
        ("issued", chosen.path_index, chosen.issued),
        ("modified", chosen.modified_index, chosen.modified),
    ):
        if index is not None and found is not None:
            work.made(field, told[index].path, f"date, {found.rule}")
            for flag in found.flags:
                if flag in _DOUBTS:
                    work.find(f"date_{flag}", field, told[index].value)
    for index, one in enumerate(told):
        if index not in {chosen.path_index, chosen.modified_index}:
            _unused_date(work, one, tongue, today, chosen)
    return {
        "issued": chosen.issued.edtf if chosen.issued else None,
        "issued_year": chosen.issued.year if chosen.issued else None,
        "modified": chosen.modified.edtf if chosen.modified else None,
    }


def _unused_date(work: Assembly, said: Statement, tongue: str | None, today: str | None, chosen: dates.Issued) -> None:
    """A date that says the same or less of it supports it; another stays unmapped; one that cannot be is found too."""
    found = dates.date(said.value, language=tongue, today=today)
    for field, one in (("issued", chosen.issued), ("modified", chosen.modified)):
        if found is not None and one is not None and f"{one.edtf}-".startswith(f"{found.edtf}-"):
            work.made(field, said.path, f"the same date, {found.rule}")
            return
    if (said.hint or "").lower() in _REPOSITORY and chosen.issued is not None:
        return
    if found is not None and "impossible" in found.flags:
        work.find("date_impossible", "issued", said.value)
    work.leave(said)


@lru_cache(maxsize=64)
def latest_day(harvested_at: str) -> str | None:
    """The day after the harvest, which it was already somewhere; None when the record does not say."""
    try:
        return (date.fromisoformat(harvested_at[:10]) + timedelta(days=1)).isoformat()
    except ValueError:
        return None
