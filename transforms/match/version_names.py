"""Name what tells that two records are one work in two languages or editions (transforms.match.links).

A name is a scheme, a colon and a value, such as `doi:10.1234/x`; that of a number without a scheme holds its feed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from babel import Locale
from langcodes import Language as LanguageTag

from schemas import Resource, ResourceView
from transforms.normalize import read_identifier, web_address
from transforms.spelling import fold

VERSION_KINDS = ("isversionof", "hasversion", "isformatof", "hasformat")  # of LOM 7.1
_TOLD_APART = {"hbs": ("sr", "hr", "bs", "sh"), "no": ("no", "nb", "nn")}  # languages that the features count as one
_MAX_NAME_CHARS = 500
_ROOTED = ("url:", "doi:", "handle:", "ark:")  # names whose first part, up to a slash, names no work
_MIN_TITLE_CHARS = 12  # of a title that names a related work
_PARAMETERS = "lang|language|langue|idioma|locale|locale-attribute|currentlocale|hl|lng|ln|uselang|setlang"
_HANDLE = re.compile(r"\d[\d.]{2,}/\S+")
_NO_ANCHOR = re.compile(  # fragments that name no part of a page: its top, sharing and tracking marks, highlights
    r"(top|main|content|main-?content|page-?content|header|skip\S*|_=_|\.\w+|(utm|at|pk|mtm)_\S*|xtor=\S*|:~:text=.*|[!/]*)$",
    re.IGNORECASE,
)
_Record = Resource | ResourceView


def page_name(url: str | None) -> str:
    """Return a web address without what does not tell two pages apart; empty for a site's front page."""
    if not url or not url.startswith(("http://", "https://")):
        return ""
    address, _, fragment = url.split("://", 1)[1].partition("#")
    host, _, path = address.partition("/")
    path = path.rstrip("/")
    if fragment and not _NO_ANCHOR.match(fragment):
        path = f"{path}#{fragment.rstrip('/')}"
    return f"{host.lower().removeprefix('www.')}/{path}" if path else ""


def more_identifiers(record: _Record, feed: str) -> list[str]:
    """Return the names of a record that the column `identifiers` lacks: ark, OAI identifier, the partner's numbers."""
    named = {
        _name(identifier.scheme, identifier.value, feed)
        for identifier in record.identifiers
        if identifier.scheme in ("ark", "oai", "other")
    }
    return sorted(name for name in named if len(name) <= _MAX_NAME_CHARS)


def _name(scheme: str, value: str, feed: str) -> str:
    return f"other:{feed}:{value.lower()}" if scheme == "other" else f"{scheme}:{value.lower()}"


def language_bases(names: Sequence[str], languages: Iterable[str]) -> list[str]:
    """Return the names without the mark of one of the record's own languages, of those that have it.

    "url:a.example/guide/12/fre" of a French record is "url:a.example/guide/12"; so is "…/guide/12?lang=fr", and
    "ark:…/pf0000123456_fre" is "ark:…/pf0000123456". What is left must name more than a host or a prefix.
    """
    marks = _marks(tuple(languages))
    if marks is None or not marks.any.search("\n".join(names)):
        return []
    bases = {name: _without(marks, name) for name in names if not name.startswith("isbn:")}
    return sorted({base for name, base in bases.items() if base != name and _names_something(base)})


class _Marks(NamedTuple):
    """Expressions for the marks of some languages in names."""

    any: re.Pattern[str]  # in names that are separated by line breaks; most have none, and this is quick
    parameter: re.Pattern[str]
    host: re.Pattern[str]
    segment: re.Pattern[str]  # of a path, or of an identifier


def _without(marks: _Marks, name: str) -> str:
    """Return the name without marks: those of the query, of the host, and of the path."""
    if not name.startswith("url:"):
        start, colon, rest = name.partition(":")
        return start + colon + marks.segment.sub("", rest)
    start, slash, rest = marks.host.sub("url:", marks.parameter.sub("", name)).partition("/")
    return (start + marks.segment.sub("", slash + rest)).rstrip("?&/")


def _names_something(base: str) -> bool:
    """Whether what is left of a name has something behind a host, a DOI's prefix, or the name of a feed."""
    return bool(re.search(r"\w", base.rpartition(":")[2].partition("/")[2]) or not base.startswith(_ROOTED))


@lru_cache(maxsize=1024)
def _marks(languages: tuple[str, ...]) -> _Marks | None:
    codes = sorted({code for language in languages for code in _codes(language)})
    if not codes:
        return None
    code = f"(?:{'|'.join(map(re.escape, codes))})(?:[-_][a-z]{{2}}(?![a-z]))?"
    return _Marks(
        re.compile(rf"(?:(?<=\d)|[/_.=~:-]){code}(?![^/?#&._~\n-])", re.IGNORECASE),
        re.compile(rf"(?<=[?&])(?:{_PARAMETERS})={code}(?:&|$)", re.IGNORECASE),
        re.compile(rf"^url:{code}\."),
        re.compile(rf"(?:(?<=\d)|[/_.=~-]){code}(?![^/?#&._~-])", re.IGNORECASE),
    )


def _codes(language: str) -> set[str]:
    """Return what a language is called in addresses: its codes of two and three letters and its English name."""
    if not language or language == "und":
        return set()
    codes = set()
    for tag in _TOLD_APART.get(language, (language,)):
        known = LanguageTag.get(tag)
        codes |= {tag, known.to_alpha3(), known.to_alpha3("B")}
        codes.add(str(Locale("en").languages.get(tag, tag)).lower())
    return {code for code in codes if re.fullmatch("[a-z]{2,}", code)}


def version_targets(record: _Record, feed: str) -> list[str]:
    """Return what a record says it is a version or format of: kind, variant (or "") and name, separated by tabs."""
    return sorted(
        {
            f"{relation.kind}\t{relation.variant or ''}\t{name}"
            for relation in record.relations
            if relation.kind in VERSION_KINDS
            for name in _names_of_target(relation.target, feed)
        }
    )


def _names_of_target(target: str, feed: str) -> set[str]:
    """Return the names that another record may have to which a relation leads; of a text without any, its title."""
    address = web_address(target) if "://" in target else None
    names = {*_identifier_names(target, feed), *_title_names(target if address is None else "")}
    if page := page_name(address):
        names.add(f"url:{page}")
    return {name for name in names if len(name) <= _MAX_NAME_CHARS}


def _identifier_names(target: str, feed: str) -> list[str]:
    """Return the name of the identifier that a text is; a number such as 11599/12 may be a handle."""
    identifier = read_identifier(target)
    if identifier is None or identifier.scheme in ("issn", "uri"):
        return []
    names = [_name(identifier.scheme, identifier.value, feed)]
    if identifier.scheme == "other" and _HANDLE.fullmatch(identifier.value):
        names.append(f"handle:{identifier.value.lower()}")
    return names


def _title_names(target: str) -> list[str]:
    folded = fold(target)
    return [f"title:{folded}"] if " " in folded and len(folded) >= _MIN_TITLE_CHARS else []
