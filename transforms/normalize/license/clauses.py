"""Leave out of a statement the clauses that name a licence which does not hold for the resource.

A clause names no licence of the resource when it denies one ("not under CC BY"), speaks of a former, planned or
comparable one ("formerly CC BY", "compatible with CC BY"), or of the metadata's. The words, by language, are in
licenses.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from schemas import license_names, read_vocabulary
from transforms.remembering import remember

_CLAUSE = re.compile(r"[;؛；。\n]|[.!](?=\s|$)")
_PART_OF_CLAUSE = re.compile(r"[,،、]|(?=\s[-–—]\s)|(?=\band\b|\bet\b|\bund\b|\by\b|\be\b|\bи\b|\bi\b|\bو)")
_BEFORE_NAME = re.compile(r":(?!//)|[,،(«\"“]|\s[-–—]\s")  # what a negation before it does not reach over
_NAMES = re.compile(
    r"\bcc[\s_:/.-]*(?:by|0|zero|pd|sa|nc)|creative ?commons|creativecommons|rightsstatements\.org", re.IGNORECASE
)
_MAX_BEFORE_CHARS, _MAX_AFTER_CHARS = 200, 80  # around the name of a licence


def without_licenses_of_others(text: str) -> str:
    """Return the text without the clauses that name a licence which is denied, former, planned, or the metadata's."""
    if not _sign("trigger").search(text.casefold()):
        return text
    return " ; ".join(clause for clause in _clauses(text) if not _is_left_out(clause.casefold()))


def clauses_of_resource(text: str) -> Iterator[str]:
    """Yield the clauses of a text, each of which names a licence for one thing; those about a logo are left out."""
    about_logo = False
    for clause in _clauses(text):
        names_brand = bool(_sign("brand").search(clause.casefold()))
        goes_on = about_logo and _rights_only(clause.casefold())
        about_logo = names_brand or goes_on
        if not about_logo:
            yield clause


def _rights_only(clause: str) -> bool:
    """Return whether a clause names all rights reserved and no licence."""
    return _first_name(clause) is not None and _NAMES.search(clause) is None


def is_about_part(clause: str) -> bool:
    """Return whether a clause is about a part of the resource only: its images, its code, some chapters."""
    before, _ = _around_name(clause.casefold())
    return bool(_sign("part").search(before)) and not _sign("whole").search(before)


def is_excepted(before: str, after: str) -> bool:
    """Return whether "all rights reserved" between these texts is taken back by an exception, or is about a logo."""
    return bool(_sign("exception").search(after) or _sign("brand").search(before[-_MAX_AFTER_CHARS:]))


def is_about_metadata(text: str) -> bool:
    """Return whether a statement is about nothing but the metadata."""
    return all(_sign("metadata").search(clause.casefold()) for clause in _clauses(text))


def _clauses(text: str) -> Iterator[str]:
    """Yield the clauses; one with several licences is divided at its commas and conjunctions."""
    for sentence in _CLAUSE.split(text):
        rest: list[str] = []
        for piece in _PART_OF_CLAUSE.split(sentence):
            if rest and _first_name(piece.casefold()) is not None and _first_name("".join(rest).casefold()) is not None:
                yield " ".join(rest)
                rest = []
            rest.append(piece)
        if clause := " ".join(rest).strip():
            yield clause


def _is_left_out(clause: str) -> bool:
    if _first_name(clause) is None:
        return False
    before, after = _around_name(clause)
    near = _BEFORE_NAME.split(before)[-1]
    denied = _sign("not_before").search(_sign("neutral").sub(" ", near)) or _sign("not_after").search(after)
    if denied or _sign("denied").search(clause):
        return True
    if _sign("metadata").search(clause) and not _sign("metadata_too").search(clause):
        return True
    return bool(_sign("former").search(before) or _sign("conditional").search(before))


def _around_name(clause: str) -> tuple[str, str]:
    start = _first_name(clause) or 0
    return clause[max(0, start - _MAX_BEFORE_CHARS) : start], clause[start : start + _MAX_AFTER_CHARS]


@remember(8192)
def _first_name(clause: str) -> int | None:
    """Return where a clause without case first names a licence, or a right; None where it names none."""
    starts = [match.start() for pattern in _patterns_of_names() if (match := pattern.search(clause))]
    return min(starts, default=None)


@lru_cache(maxsize=1)
def _patterns_of_names() -> tuple[re.Pattern[str], ...]:
    licenses = read_vocabulary("licenses")
    known = [pattern.lstrip("^") for row in licenses["known"] for pattern in row["patterns"]]
    names = [re.escape(name.casefold()) for name in licenses["creative_commons"]["words"]["name"]]
    built = (re.compile("|".join(names)), re.compile("|".join(known)))
    return (_NAMES, license_names.CC_SHORT_NAME, license_names.CC_ZERO, license_names.CC_MARK, *built)


def _sign(name: str) -> re.Pattern[str]:
    """Return the pattern of one of the groups of words in licenses.toml."""
    return _signs()[name]


@lru_cache(maxsize=1)
def _signs() -> dict[str, re.Pattern[str]]:
    groups: dict[str, Any] = read_vocabulary("licenses")["clauses"]
    signs = {name: re.compile("|".join(patterns)) for name, patterns in groups.items()}
    of_trigger = ("not_before", "not_after", "denied", "metadata", "former", "conditional")
    signs["trigger"] = re.compile("|".join(pattern for name in of_trigger for pattern in groups[name]))
    return signs
