"""People and organisations: one name each, in one form; a corporate name is never split.

House form: "First Last". "Last, First" turns into it with certainty, while the other way round would have to guess
which part of an Arabic, Thai or Spanish name is the family's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2

from schemas.resource import Contributor
from transforms.normalize.tables import fold, table

Kind = Literal["person", "organisation"]
LONGEST = 4000  # characters; what is longer is no name and is cut
MOST = 200  # contributors made of one statement

_EMAIL = re.compile(r"[<(\[]?\s*(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+\s*[>)\]]?")
_ORCID = re.compile(r"(?<![\dA-Za-z-])(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])(?![\dA-Za-z-])")
_ORCID_SAID = re.compile(
    r"[\s,;]*[(\[<]?\s*(?:(?:https?://)?(?:www\.)?orcid\.org/|orcid\s*(?:id)?\s*:*\s*)?\d{4}-\d{4}-\d{4}-\d{3}[\dXx]\s*[)\]>]?",
    re.I,
)
_AUTHORITY = re.compile(
    r"https?://(?:www\.)?(viaf\.org/viaf/\d+|isni\.org/(?:isni/)?\d{15}[\dX]|ror\.org/\w{9}|d-nb\.info/gnd/[\w-]+"
    r"|id\.loc\.gov/authorities/\w+/\w+|wikidata\.org/(?:wiki|entity)/Q\d+|idref\.fr/\w+|data\.bnf\.fr/\S+)/?$",
    re.I,
)
_YEARS = re.compile(
    r"[\s,]*[(\[]?\s*\b(?:b\.|d\.|born|ca\.?|р\.|род\.)?\s*(?:1[0-9]|20)\d{2}\s*(?:[-–—]\s*(?:\d{4})?)?\s*[)\]]?\.?$"
)
_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_ROLE_SUFFIX = re.compile(
    r"[\s,]+[(\[]?(?:author|editor|eds?|creator|aut|edt|illustrator|translator|автор|ред)\.?[)\]]?$", re.I
)
_HEAD = re.compile(r"\b(?:ministr|minist[eè]r|universi|institut|department|faculty|bureau|office|cent(?:er|re))", re.I)
_FUNCTION_WORD = re.compile(r"\s(?:pour|dans|aux|sur|para|für|для|with|at)\s", re.I)
_LIST = re.compile(r"[;|]")
_DIGIT = re.compile(r"\d\d")
_COMMAS = re.compile(r"\s*[,،]\s*")
_AND = re.compile(r"\s+(?:and|&|et|y|und|и)\s+", re.I)
_TIDY = re.compile(r"\s+([,;])")


@lru_cache(maxsize=32768)
def contributor(
    said: str,
    role: str = "author",
    kind: str | None = None,
    id: str | None = None,  # noqa: A002 - the field's own name
) -> tuple[Contributor, ...]:
    """Everyone whom one statement names, in its order; empty when it names nobody.

    `kind` is "person" or "organisation" where the source says so, and "joined" where it joins several names of both
    kinds with commas (UNESDOC). Without it a list is parted only where it is certain: at ";" and "|", where persons
    stand beside an organisation, where there are more commas than one name has. `id` is an ORCID in any spelling or
    another authority's address; a wrong check digit makes it None. E-mail addresses and years of life are left out.
    """
    given: Kind | None = "person" if kind == "person" else "organisation" if kind == "organisation" else None
    found: list[Contributor] = []
    for name, single in _names(said[:LONGEST], given, joined=kind == "joined"):
        found.append(Contributor(name=name, role=role, kind=single, id=None))
    found = list({(one.name, one.kind): one for one in found}.values())[:MOST]
    authority = authority_id(id) if id else None
    if len(found) == 1:
        authority = authority or _orcid_in(said)
        return (Contributor(name=found[0].name, role=role, kind=found[0].kind, id=authority),)
    return tuple(found)


def publisher(said: str) -> str:
    """The publisher's name without place ("Paris : UNESCO"), stray spaces and end punctuation; "" for nobody."""
    place, colon, rest = said[:LONGEST].partition(" : ")
    name = rest if colon and len(place) <= 40 and rest.strip() else said[:LONGEST]
    name = _tidy(_tidy(_EMAIL.sub(" ", name) if "@" in name else name).lstrip("© "))
    return "" if fold(name) in _nobody() or not fold(name) else name


@lru_cache(maxsize=8192)
def authority_id(said: str) -> str | None:
    """The URI of an ORCID ("orcid::0000-…", bare, address; check digit kept to) or of another authority; else None."""
    orcid = _orcid_in(said)
    if orcid:
        return orcid
    address = _AUTHORITY.match(said.strip())
    return f"https://{address[1]}" if address else None


def _orcid_in(said: str) -> str | None:
    """The first ORCID in a text (https://support.orcid.org, ISO 7064 mod 11-2), as its URI."""
    if "0" not in said:
        return None
    for match in _ORCID.finditer(said):
        digits = "".join(match.groups()).upper()
        if "-" not in match[0] and "orcid" not in said.lower():
            continue
        try:
            mod_11_2.validate(digits)
        except ValidationError:
            continue
        return "https://orcid.org/" + "-".join(digits[at : at + 4] for at in range(0, 16, 4))
    return None


def _names(said: str, given: Kind | None, *, joined: bool) -> Iterator[tuple[str, Kind]]:
    text = _ORCID_SAID.sub(" ", said) if "-" in said else said
    for part in _LIST.split(_EMAIL.sub(" ", text) if "@" in text else text):
        name = _tidy(part)
        if not fold(name) or fold(name) in _nobody():
            continue
        if given == "organisation":
            yield name, given
        elif joined:
            yield from _joined(_COMMAS.split(name))
        else:
            yield from _one_or_list(name, given)


def _one_or_list(name: str, given: Kind | None) -> Iterator[tuple[str, Kind]]:
    parts = [part for part in _COMMAS.split(name) if part]
    if len(parts) == 1:
        yield from _single(parts[0], given)
        return
    corporate = _which_corporate(parts)
    many_words = not all(map(_is_name_part, parts)) and not any(corporate) and not _AND.search(name)
    if given is None and (all(corporate) or many_words):
        yield name, "organisation"
    elif given is None and any(corporate):
        yield from _mixed(name, parts, corporate)
    else:
        yield from _persons(name, parts)


def _which_corporate(parts: list[str]) -> list[bool]:
    """For each part whether it is an organisation; in "PANTEL, Klaus" and "Perera, GAC" capitals are no acronym."""
    found = [is_corporate(part) for part in parts]
    if len(parts) == 2:
        found = [
            one and not (_is_acronym(part) and not _has_corporate_word(part))
            for one, part in zip(found, parts, strict=True)
        ]
    return found


def _mixed(name: str, parts: list[str], corporate: list[bool]) -> Iterator[tuple[str, Kind]]:
    """Organisations among what may be persons: a list only where a whole "Last, First" stands in it."""
    runs = _runs(parts, corporate)
    persons = [run for is_one, run in runs if not is_one]
    certain = all(len(run) % 2 == 0 and all(map(_is_name_part, run)) for run in persons)
    if certain and len(parts) > 2 and not _goes_on(parts[0]):
        yield from _joined(parts)
    else:
        yield name, "organisation"


def _joined(parts: list[str]) -> Iterator[tuple[str, Kind]]:
    """A comma-joined list of corporate names and "Last, First": each name whole, in order."""
    parts = [part for part in parts if part]
    at = 0
    while at < len(parts):
        if is_corporate(parts[at]):
            end = at + 1
            while end < len(parts) and _belongs(parts, at, end):
                end += 1
            yield ", ".join(parts[at:end]), "organisation"
        elif at + 1 < len(parts) and not is_corporate(parts[at + 1]):
            end = at + 2
            yield from _persons(", ".join(parts[at:end]), parts[at:end])
        else:
            end = at + 1
            yield parts[at], "organisation" if len(parts[at].split()) > 3 else "person"
        at = end


def _belongs(parts: list[str], start: int, at: int) -> bool:
    """Whether a part goes on with a corporate name: "Ministry of Education, Science and Technology"."""
    return bool(_goes_on(parts[start]) and _AND.search(parts[at]) and not _HEAD.search(parts[at]))


def _goes_on(part: str) -> bool:
    """Whether a corporate name is of the sort that lists its fields after a comma."""
    return bool(re.search(r"\b(?:ministr|minist[eè]r|department|faculty|committee|council)\w*\b", part, re.I))


def _runs(parts: list[str], corporate: list[bool]) -> list[tuple[bool, list[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for part, is_one in zip(parts, corporate, strict=True):
        if runs and runs[-1][0] == is_one:
            runs[-1][1].append(part)
        else:
            runs.append((is_one, [part]))
    return runs


def _persons(name: str, parts: list[str]) -> Iterator[tuple[str, Kind]]:
    suffixes = set(table("corporate")["suffixes"])
    titles = [part for part in parts[1:] if fold(part).replace(" ", "") in suffixes]
    core = [part for part in parts if part not in titles]
    pairs = _AND.split(name)
    if len(pairs) > 1 and all(len([p for p in _COMMAS.split(pair) if p]) == 2 for pair in pairs):
        for pair in pairs:
            yield from _persons(pair, _COMMAS.split(pair))
    elif len(core) == 1:
        yield name, "person"
    elif len(core) == 2:
        yield _tidy(" ".join([_plain(core[1]), _plain(core[0])]) + "".join(f", {title}" for title in titles)), "person"
    elif len(core) >= 3 and all(len(part.split()) > 1 for part in core) and not titles:
        for part in core:
            yield from _single(re.sub(r"^(?:and|&)\s+", "", part), "person")
    elif len(core) == 3 and not titles:
        yield _tidy(" ".join([*core[1:], core[0]])), "person"
    elif len(core) >= 4 and len(core) % 2 == 0:
        for at in range(0, len(core), 2):
            yield from _persons(", ".join(core[at : at + 2]), core[at : at + 2])
    else:
        yield name, "person"


def _single(name: str, given: Kind | None) -> Iterator[tuple[str, Kind]]:
    person = _plain(name)
    parts = _AND.split(person)
    if given == "person" and len(parts) > 1 and all(2 <= len(part.split()) <= 4 for part in parts):
        for part in parts:
            yield part, "person"
    elif given == "person" or not is_corporate(name):
        yield person or name, "person"
    else:
        yield name, "organisation"


def _is_name_part(part: str) -> bool:
    return len(part.split()) <= 5 and not _AND.search(part) and not re.search(r"[\d:=]", part)


def _plain(name: str) -> str:
    """A person's name without years of life, a fuller form or affiliation in brackets, and a role."""
    core = _BRACKETS.sub("", _without_years(name)) if "(" in name or "[" in name else name
    return _tidy(_ROLE_SUFFIX.sub("", core)) or name


def _without_years(name: str) -> str:
    return _YEARS.sub("", name) if _DIGIT.search(name) else name


def _tidy(name: str) -> str:
    return _TIDY.sub(r"\1", " ".join(_without_years(name).split())).strip(" ,;:،-–/").strip()


@lru_cache(maxsize=16384)
def is_corporate(name: str) -> bool:
    """Whether a name is surely an organisation's, by its words or by being an acronym."""
    if _is_acronym(name) or _FUNCTION_WORD.search(name):
        return True
    core = _BRACKETS.sub("", name)
    if core != name and len(core.split()) > 2 and re.search(r"\([A-Z]{2}[\w &-]*\)$", name):
        return True  # "Real Time and Interoperability (TRIO)"
    return _has_corporate_word(core)


def _has_corporate_word(name: str) -> bool:
    lists = _corporate()
    return any(
        word in lists["words"] or word.startswith(lists["stems"]) or word.startswith(lists["beginnings"])
        for word in fold(name).split()
    )


def _is_acronym(name: str) -> bool:
    return name.isupper() and 2 <= len(name) <= 8 and name.isalpha() and name.isascii()


@lru_cache(maxsize=1)
def _corporate() -> dict[str, Any]:
    rows = table("corporate")
    return {
        "words": frozenset(fold(word) for word in rows["words"]),
        "stems": tuple(fold(stem) for stem in rows["stems"]),
        "beginnings": tuple(fold(start) for start in rows["beginnings"]),
    }


@lru_cache(maxsize=1)
def _nobody() -> frozenset[str]:
    return frozenset(fold(name) for name in table("corporate")["nobody"])
