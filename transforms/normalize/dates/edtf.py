"""Dates as they are written to EDTF level 1 (https://www.loc.gov/standards/datetime/); what is doubtful is flagged."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from schemas import Base, read_vocabulary
from transforms.normalize.dates import words
from transforms.normalize.dates.parts import Date, era, made
from transforms.normalize.dates.reading import (
    ISO,
    TIME,
    as_iso,
    in_two_calendars,
    is_short_range,
    many_years,
    single,
    span,
)

__all__ = ["Date", "Issued", "date", "issued"]

_LONGEST = 120  # characters; a longer statement is a sentence, not a date
_OPENAIRE = re.compile(r"info:eu-repo/date/(\w+)/(.+)")
_BEGIN = re.compile(r"\d{4}(?:-\d\d){0,2}")  # of an EDTF date or interval
_QUALIFIED = re.compile(r"^[^\[]*+\[.*\?\s*+\]|\?\s*+\]?\.?$|^\?")


class Issued(Base, frozen=True, kw_only=True):
    """When a resource came out and when it was changed, with the place of each in what was said."""

    issued: Date | None = None
    modified: Date | None = None
    path_index: int | None = None
    modified_index: int | None = None
    flags: tuple[str, ...] = ()


@lru_cache(maxsize=32768)
def date(said: str, *, language: str | None = None, today: str | None = None) -> Date | None:
    """The date that was said, or None when it says none. Never raises.

    `language` is the record's ("th" makes 2554 a Buddhist year, "ar" 1434 a Hijri one); `today` is the last day on
    which it was harvested anywhere ("2026-11-26"), after which a date is in the future. Times of day and zones are left
    out: the date is the one written.
    """
    text = _tidy(said)
    if not text or len(text) > _LONGEST:
        return None
    tongue = (language or "").split("-")[0].split("_")[0].lower()
    if any("\u0e50" <= letter <= "\u0e59" for letter in said):
        tongue = "th"
    iso = ISO.fullmatch(text)
    if iso and not is_short_range(text):
        return _flagged(made(era(as_iso(iso), text, tongue)), "", today)
    uncertain, approximate = bool(_QUALIFIED.search(text)), bool(words.CIRCA.search(text)) or text.endswith("~")
    bare = _bare(text)
    found = in_two_calendars(text) or many_years(text) or span(bare, text, tongue) or single(bare, text, tongue)
    if found is None:
        return None
    mark = "?" if uncertain else "~" if approximate else ""
    return _flagged(found, mark, today)


def issued(said: Sequence[tuple[str, str | None]], *, language: str | None = None, today: str | None = None) -> Issued:
    """When the resource came out and was changed, among several dates, each with the source's word for it or None.

    A named meaning decides ("issued" before "created" before "available"; "accessioned" is the archive's, never the
    work's). Of dates of unknown meaning the earliest one without a time of day wins, a timestamp only where there is
    nothing else. Impossible and future dates come after all others.
    """
    return _issued(tuple(said), language, today)


@lru_cache(maxsize=32768)
def _issued(said: tuple[tuple[str, str | None], ...], language: str | None, today: str | None) -> Issued:
    read = [
        (at, kind, date(text, language=language, today=today), text)
        for at, (text, kind) in enumerate(map(_openaire, said))
    ]
    candidates: list[_Candidate] = [
        (_rank(kind, text, found), at, found) for at, kind, found, text in read if found is not None and found.edtf
    ]
    first = min((one for one in candidates if one[0] is not None), key=lambda one: (one[0], one[1]), default=None)
    first = _refined(first, candidates) if first else None
    changed = [
        (found.edtf, at, found)
        for at, kind, found, _ in read
        if found is not None and found.edtf and _kind(kind) in read_vocabulary("dates")["modified"]
    ]
    last = max(changed, default=None, key=lambda one: one[0])
    flags = dict.fromkeys(flag for _, _, found, _ in read if found is not None for flag in found.flags)
    return Issued(
        issued=first[2] if first else None,
        modified=last[2] if last else None,
        path_index=first[1] if first else None,
        modified_index=last[1] if last else None,
        flags=tuple(flags),
    )


_Candidate = tuple[tuple[int, int, str] | None, int, Date]  # rank, place in what was said, date


def _refined(first: _Candidate, candidates: list[_Candidate]) -> _Candidate:
    """The same date told to the month or day by another candidate of its rank: "2019-05-06" for "2019".

    The first of January is what systems fill in for a year, and tells no more.
    """
    rank, _, found = first
    finer = [
        one
        for one in candidates
        if rank and one[0] and one[0][:2] == rank[:2]
        if one[2].edtf.startswith(f"{found.edtf}-") and not one[2].edtf.endswith("-01-01")
    ]
    return min(finer, key=lambda one: (one[2].edtf, one[1]), default=first)


def _openaire(said: tuple[str, str | None]) -> tuple[str, str | None]:
    """ "info:eu-repo/date/embargoEnd/2026-11-01" says what it is of (https://guidelines.openaire.eu)."""
    found = _OPENAIRE.fullmatch(said[0].strip())
    return (found[2], found[1]) if found else said


def _kind(kind: str | None) -> str:
    return re.sub(r"[^a-z]", "", (kind or "").lower().rpartition("date.")[2])


def _rank(kind: str | None, text: str, found: Date) -> tuple[int, int, str] | None:
    """How near a date is to "issued"; None for one that is of something else."""
    doubtful = 1 if {"impossible", "future"} & set(found.flags) else 0
    name = _kind(kind)
    if not name or name in ("date", "unknown", "other", "none"):
        return (doubtful, 6 if TIME.search(text) else 4, found.edtf)
    place = read_vocabulary("dates")["issued"].get(name)
    return None if place is None else (doubtful, place, found.edtf)


def _tidy(said: str) -> str:
    """One line, with the digits of any script in ASCII."""
    text = " ".join(said[: _LONGEST * 4].split())
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(letter, letter)) if letter.isdigit() else letter for letter in text)


def _bare(text: str) -> str:
    """The text without brackets, qualifiers, copyright signs and ordinal endings."""
    text = words.CIRCA.sub(" ", words.COPYRIGHT.sub(" ", text))
    text = words.SPACED_DIGITS.sub(" ", re.sub(r"[\[\]()<>?~]|^\s*(?:i\.e\.|d\.)\s*", " ", text))
    return " ".join(text.split()).strip(" .,;:")


def _flagged(found: Date, mark: str, today: str | None) -> Date:
    """With the qualifier that EDTF has for it, and the flags that need more than the date itself."""
    edtf, flags = found.edtf, list(found.flags)
    if mark and edtf and edtf[-1].isdigit() and ".." not in edtf:
        edtf = "/".join(part + mark for part in edtf.split("/"))
    if mark and "approximate" not in flags:
        flags.append("approximate")
    if today is not None and (begin := _BEGIN.match(edtf)) and begin[0] > today[: len(begin[0])]:
        flags.append("future")
    return Date(edtf=edtf, year=found.year, flags=tuple(flags), rule=found.rule)
