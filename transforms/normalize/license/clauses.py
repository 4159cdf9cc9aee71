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
_SPACED = re.compile(r"[\x00-\u052f\u2000-\u20cf]*+")  # Latin, Greek and Cyrillic letters and punctuation
_BEHIND_NAME = re.compile(r"^\^(?:\.|\[[^\]]*+\])\{0,\d+\}\??")
_ENDS_BEFORE_NAME = re.compile(r"(?<!\\)\$")
_JOINED = {  # groups of licenses.toml
    "trigger": ("not_before", "not_after", "denied", "metadata", "former", "conditional"),
    "divided": ("part", "reserved"),
}
_MAX_BEFORE_CHARS, _MAX_AFTER_CHARS = 200, 80  # around the name of a licence


def without_licenses_of_others(text: str) -> str:
    """Return the text without the clauses that name a licence which is denied, former, planned, or the metadata's."""
    if not _holds_any(text, "trigger"):
        return text
    all_clauses = list(_clauses(text))
    kept = [clause for clause in all_clauses if not _is_left_out(clause.casefold())]
    return text if len(kept) == len(all_clauses) else " ; ".join(kept)


def clauses_of_resource(text: str) -> Iterator[str]:
    """Yield the clauses of a text, each of which names a licence for one thing; those about a logo are left out."""
    about_logo = False
    for clause in _clauses(text):
        names_brand = bool(sign("brand").search(clause.casefold()))
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
    return bool(sign("part").search(before)) and not sign("whole").search(before)


def names_part_or_all_rights(text: str) -> bool:
    """Return whether a text calls for a look at each of its clauses."""
    return _holds_any(text, "divided")


def _holds_any(text: str, name: str) -> bool:
    """Return whether a text holds a sign of the group; where words are apart, they are looked for at their beginnings.

    That is some times as fast, as a group has a hundred words.
    """
    low = text.casefold()
    return bool((_sign_at_word(name) if _SPACED.fullmatch(low) else sign(name)).search(low))


@lru_cache(maxsize=4)
def _sign_at_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?<!\w)(?=\w)|(?=[:&]))(?:{'|'.join(map(_beginning, _patterns(name)))})")


def _beginning(pattern: str) -> str:
    """Return a pattern that stands behind a name, or ends before one, as one that stands anywhere."""
    return _ENDS_BEFORE_NAME.sub("", _BEHIND_NAME.sub("", pattern))


def is_excepted(before: str, after: str) -> bool:
    """Return whether "all rights reserved" between these texts is taken back by an exception, or is about a logo."""
    return bool(sign("exception").search(after) or sign("brand").search(before[-_MAX_AFTER_CHARS:]))


def is_about_metadata(text: str) -> bool:
    """Return whether a statement is about nothing but the metadata."""
    all_clauses = list(_clauses(text))
    return bool(all_clauses) and all(sign("metadata").search(clause.casefold()) for clause in all_clauses)


def _clauses(text: str) -> Iterator[str]:
    """Yield the clauses; one with several licences is divided at its commas and conjunctions."""
    for sentence in _CLAUSE.split(text):
        rest: list[str] = []
        for piece in _PART_OF_CLAUSE.split(sentence):
            if rest and _first_name(piece.casefold()) is not None and _first_name("".join(rest).casefold()) is not None:
                yield " ".join(rest)
                rest = []
            rest.append(piece)
        if clause := " ".join(" ".join(rest).split()):
            yield clause


def _is_left_out(clause: str) -> bool:
    if _first_name(clause) is None:
        return False
    before, after = _around_name(clause)
    near = _BEFORE_NAME.split(before)[-1]
    denied = sign("not_before").search(sign("neutral").sub(" ", near)) or sign("not_after").search(after)
    if denied or sign("denied").search(clause):
        return True
    if sign("metadata").search(clause) and not sign("metadata_too").search(clause):
        return True
    return bool(sign("former").search(before) or sign("conditional").search(before))


def _around_name(clause: str) -> tuple[str, str]:
    start = _first_name(clause) or 0
    return clause[max(0, start - _MAX_BEFORE_CHARS) : start], clause[start : start + _MAX_AFTER_CHARS]


@remember(8192)
def _first_name(clause: str) -> int | None:
    """Return where a clause without case first names a licence, or a right; None where it names none."""
    starts = [match.start() for pattern in _names_of_licenses() if (match := pattern.search(clause))]
    return min(starts, default=None)


@lru_cache(maxsize=1)
def _names_of_licenses() -> tuple[Any, ...]:
    patterns = (_NAMES, license_names.CC_SHORT_NAME, license_names.CC_ZERO, license_names.CC_MARK)
    return (*patterns, sign("commons"), sign("known"))


@lru_cache(maxsize=64)
def sign(name: str) -> re.Pattern[str]:
    """Return the pattern of a group of licenses.toml, over text without case: one of its clauses, or a joined one.

    Joined are commons (Creative Commons in any language), known (every other licence), reserved (all rights), trigger
    (what may leave a clause out) and divided (what calls for a look at each clause).
    """
    return re.compile("|".join(_patterns(name)))


def _patterns(name: str) -> list[str]:
    licenses = read_vocabulary("licenses")
    if name == "commons":
        return [re.escape(words.casefold()) for words in licenses["creative_commons"]["words"]["name"]]
    if name in ("known", "reserved"):
        return _patterns_of_known(name)
    if name in _JOINED:
        return [_beginning(pattern) for group in _JOINED[name] for pattern in _patterns(group)]
    patterns: list[str] = licenses["clauses"][name]["patterns"]
    return patterns


def _patterns_of_known(family: str) -> list[str]:
    """Return the patterns of the other licences, of any family, or of those that reserve all rights."""
    rows = read_vocabulary("licenses")["known"]
    if family == "known":
        return [pattern.lstrip("^") for row in rows for pattern in row["patterns"]]
    return [pattern for row in rows if row.get("family") == family for pattern in row["patterns"]]
