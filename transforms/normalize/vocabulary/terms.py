"""Find partners' terms in the vocabularies: one TOML file each, and one way of matching for all of them.

A term matches as it is, by a code or label of the vocabulary, by the last part of a URI, without its brackets, or as a
part of a path ("Education > Physics"). Everything is compared folded (see `folding.fold`) and without spaces, so
"conferenceObject", "conference object" and "Conference Object" are equal. A term means one thing in one vocabulary,
whatever the language; the caller counts a term that is in no vocabulary as uncoded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from schemas import Competency, Concept, Subject, read_vocabulary
from transforms.normalize.folding import compact, in_serbian_latin
from transforms.normalize.vocabulary.authorities import coar_code
from transforms.remembering import remember

VOCABULARIES = (
    "resource_type",
    "level",
    "context",
    "audience",
    "difficulty",
    "media_type",
    "subject",
    "isced_f",
    "unesco",
    "competency",
    "interactivity_type",
    "role",
    "relation_kind",
    "relation_variant",
    "cost",
)
LOOKUP_MAX_CHARS = 300
_MIN_SERBIAN_CHARS = 6  # of a Russian label of the thesaurus that counts as Serbian too: "лед" is not "LED"
_MIN_LATIN_CHARS = 5  # of a label of the thesaurus that is not the English one
_OTHER_SCHEME = re.compile(r"\b(?:ddc|udc|lcc|lcsh|msc|jel|acm)\b[\s:/-]?|^\s*\d{1,3}(?:\.\d+)?\s*$", re.IGNORECASE)
_BARE_LEVEL = re.compile(r"\s*level[\s._:-]*\d\s*", re.IGNORECASE)  # of courses, of languages, of a game
# words that mean something else than a label of the lists: German "Art" is a kind, Dutch "arts" a physician
_OTHER_WORDS = {tag: {"art"} for tag in ("de", "da", "nb", "nn", "no", "sv")} | {"nl": {"arts"}}
_SUBJECT_SCHEMES: dict[Literal["isced-f", "unesco"], str] = {"isced-f": "isced_f", "unesco": "unesco"}

_PLACE_OF_LABEL, _ALL_LABELS = {"es": 1, "fr": 2}, 4  # in a row of the thesaurus
_UNESCO = "http://vocabularies.unesco.org/thesaurus/"
_COMPETENCY_CODE_PARTS = 3  # framework.aspect.level

_MEDIA_TYPE = re.compile(
    r"(application|audio|chemical|font|image|message|model|multipart|text|video)/[a-z0-9][a-z0-9.+_-]{0,100}"
)
_MEDIA_TYPE_URI = re.compile(
    r"^https?://(?:www\.)?(?:purl\.org/net/mediatypes|iana\.org/assignments/media-types)/", re.I
)
_FRAMEWORK_NAMES = {
    "ICT-CFT": re.compile(r"ICT[\s-]*CFT|ICT competency framework", re.IGNORECASE),
    "AI-CFT": re.compile(r"AI[\s-]*CFT|AI competency framework", re.IGNORECASE),
}
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_PATH = re.compile(r"(?:(?<!\s)\s++)?(?:::|>|→)\s*+")  # of a subject: its narrowest known node counts
_PATH_SEPARATOR = re.compile(r"(?:(?<!\s)\s++)?(?:::|>|→|\||\\)\s*+|(?<!\s)\s++[-/]\s++")


_Row = dict[str, Any] | list[str]  # of a vocabulary's file; the UNESCO Thesaurus has only labels


class _Entry(NamedTuple):
    """A concept of a vocabulary, without the partner's term."""

    code: str
    label: str
    uri: str | None


@remember(32768)
def lookup(vocabulary: str, term: str, language: str | None = None) -> Concept | None:
    """Return the concept of a vocabulary that a partner's term means, or None; `source` is the term itself.

    `vocabulary` is one of VOCABULARIES; "subject" is ISCED-F 2013 and, where that lacks the term, the UNESCO Thesaurus.
    `language` is the term's or the record's, where it is known; short words of the thesaurus need it. A term longer
    than LOOKUP_MAX_CHARS is never looked up. Raises ValueError for other names.
    """
    if vocabulary not in VOCABULARIES:
        raise ValueError(f"no vocabulary named {vocabulary!r}: use one of {', '.join(VOCABULARIES)}")
    if not term.strip() or len(term) > LOOKUP_MAX_CHARS:
        return None
    if vocabulary == "subject":
        return lookup("isced_f", term, language) or lookup("unesco", term, language)
    entry = _FINDERS[vocabulary](term, language) if vocabulary in _FINDERS else _find(vocabulary, term)
    return Concept(code=entry.code, label=entry.label, source=term, uri=entry.uri) if entry else None


def _is_distinct(term: str, label: str, language: str | None) -> bool:
    """Return whether a term means a concept of the thesaurus in its language, if it is known and not English.

    French "sel" is salt, and SEL is social and emotional learning: a short word in Latin letters that is not the
    English label means too many things.
    """
    if (
        len(term) >= _MIN_LATIN_CHARS
        or not term[:1].isascii()
        or compact(term) in (compact(label), compact(label)[:-1])
    ):
        return True
    return not term.isupper() and bool(language) and not (language or "").startswith("en")


def concept_of_code(vocabulary: str, code: str, source: str) -> Concept:
    """Return the concept of a code of the library, with the partner's term as its source."""
    entry = _entry(vocabulary, code, read_vocabulary(vocabulary)[code])
    return Concept(code=entry.code, label=entry.label, source=source, uri=entry.uri)


@remember(16384)
def subjects(term: str, language: str | None = None) -> tuple[Subject, ...]:
    """Return the subject in every scheme that has it, ISCED-F before the UNESCO Thesaurus; empty when neither does.

    Of a path ("Science > Optics") the narrowest node that a scheme has counts. Codes of other schemes (Dewey's
    "021" or "ddc/031") are not those of ISCED-F.
    """
    if _OTHER_SCHEME.search(term) or compact(term) in _OTHER_WORDS.get((language or "").split("-")[0], ()):
        return ()
    if len(nodes := _PATH.split(term)) > 1:
        return next(filter(None, (_subjects_of(node, language) for node in reversed(nodes))), ())
    return _subjects_of(term, language)


def _subjects_of(term: str, language: str | None) -> tuple[Subject, ...]:
    return tuple(
        Subject(scheme=scheme, code=concept.code, label=concept.label)
        for scheme, vocabulary in _SUBJECT_SCHEMES.items()
        if (concept := lookup(vocabulary, term, language)) is not None
    )


def read_competency(term: str, scheme: str = "") -> Competency | None:
    """Return the cell of UNESCO's ICT-CFT or AI-CFT that is named: framework, aspect and level, in its own words.

    With the framework's name in `scheme`, a cell's name or number alone is enough ("Networking", "6.2").
    """
    framework = next((name for name, pattern in _FRAMEWORK_NAMES.items() if pattern.search(scheme)), None)
    concept = lookup("competency", term) or (lookup("competency", f"{framework} {term}") if framework else None)
    parts = concept.code.split(".") if concept else []
    if len(parts) != _COMPETENCY_CODE_PARTS:
        return None
    levels = read_vocabulary("competency_levels")[parts[0]]
    return Competency(
        framework="ict-cft" if parts[0] == "ict-cft" else "ai-cft",
        aspect=str(levels["aspects"][int(parts[1]) - 1]),
        level=levels["levels"][int(parts[2]) - 1],
    )


def _find(vocabulary: str, term: str) -> _Entry | None:
    index = _index(vocabulary)
    for part in _possible_terms(term):
        key = compact(part)
        for spelling in (_accented_key(part), key, *_other_spellings(key)):
            if spelling in index and (spelling == key or not _is_other_word(part, spelling, vocabulary)):
                return index[spelling]
    return None


def _is_other_word(term: str, spelling: str, vocabulary: str) -> bool:
    """Whether a spelling is that of a word with accents which the term has not: "economies" is no "Économie".

    Of the thesaurus, which has four languages in one row, only English labels have a plural in -s that is looked up.
    """
    if vocabulary == "unesco" and term.isascii():
        return compact(_index(vocabulary)[spelling].label) != spelling
    return term.isascii() and spelling in _accented_words(vocabulary)


@lru_cache(maxsize=32)
def _accented_words(vocabulary: str) -> frozenset[str]:
    """Return the keys of Latin terms that have accents, and of none without."""
    terms = [term for row in read_vocabulary(vocabulary).values() for term in _terms(row)]
    plain = {compact(term) for term in terms if term.isascii()}
    return frozenset(compact(term) for term in terms if not term.isascii()) - plain


def _accented_key(term: str) -> str:
    """Return the key of a term that matches only with its accents: French "collège" is not English "college"."""
    return f"={' '.join(unicodedata.normalize('NFC', term).casefold().split())}"


def _other_spellings(key: str) -> Iterator[str]:
    """Yield the word without a plural's s, and with or without the Arabic article."""
    if len(key) > 4 and key.endswith("s") and not key.endswith(("ss", "us", "is")):
        yield key[:-1]
    if key.startswith("ال"):
        yield key[2:]
    elif "\u0620" <= key[:1] <= "\u064a":
        yield "ال" + key


def _possible_terms(term: str) -> Iterator[str]:
    """Yield the term, then the parts of it that may be the term, surest first."""
    yield term
    if _is_address_or_path(term.strip()):
        yield re.split(r"[/#:]", term.strip().rstrip("/#"))[-1]
    outside = _BRACKETS.sub(" ", term)
    if outside != term:
        yield outside
        yield from _BRACKETS.findall(term)
    parts = _PATH_SEPARATOR.split(outside)
    if len(parts) > 1:
        if not _is_qualifier(parts[0], parts[-1]):
            yield parts[-1]
        yield parts[0]
    if "--" in outside:  # a subject heading: its first part is the subject
        yield outside.partition("--")[0]
    elif "/" in outside and "://" not in outside:
        yield from _parts_at_slash(outside)


def _is_address_or_path(term: str) -> bool:
    """Whether the last part of a term without spaces may be the term: of a URI, a CURIE or a path."""
    if " " in term or not any(sign in term for sign in "/:#"):
        return False
    first, _, last = term.partition("/")
    return "://" in term or not _is_qualifier(first, last)


def _parts_at_slash(text: str) -> Iterator[str]:
    first, _, last = text.partition("/")
    if not _is_qualifier(first, last):
        yield text.rpartition("/")[2]
    yield first


def _is_qualifier(heading: str, last: str) -> bool:
    """Whether what follows a heading only qualifies it, as in MeSH and DeCS: "Neoplasms/diagnosis"."""
    return heading[:1].isupper() and last.lstrip()[:1].islower()


@lru_cache(maxsize=32)
def _index(vocabulary: str) -> dict[str, _Entry]:
    """Return the key of every spelling of every term → its concept; codes win over labels, labels over other terms."""
    rows = [(_entry(vocabulary, code, row), row) for code, row in read_vocabulary(vocabulary).items()]
    index: dict[str, _Entry] = {}
    for keys_of in (_code_keys, _label_keys, _term_keys, _serbian_latin_keys):
        for entry, row in rows:
            for key in keys_of(entry, row):
                index.setdefault(key, entry)
    index.pop("", None)
    return index


def _code_keys(entry: _Entry, _: _Row) -> Iterator[str]:
    """Yield the code, unless it is a single digit (ISCED's levels): "4" may be a class, or an entry's number."""
    if len(entry.code) > 1:
        yield compact(entry.code)


def _label_keys(entry: _Entry, _: _Row) -> Iterator[str]:
    yield compact(entry.label)
    if entry.uri:
        yield compact(entry.uri)
        yield compact(entry.uri.rstrip("/").rsplit("/", 1)[-1])


def _term_keys(_: _Entry, row: _Row) -> Iterator[str]:
    yield from map(compact, _terms(row))
    if isinstance(row, dict):
        yield from map(_accented_key, row.get("accented", ()))


def _serbian_latin_keys(_: _Entry, row: _Row) -> Iterator[str]:
    for latin in filter(None, map(in_serbian_latin, _terms(row))):
        if isinstance(row, dict) or len(latin) >= _MIN_SERBIAN_CHARS:
            yield compact(latin)


def _entry(vocabulary: str, code: str, row: _Row) -> _Entry:
    if isinstance(row, list):  # a concept of the UNESCO Thesaurus, which has labels only
        return _Entry(code, row[0], _UNESCO + code)
    return _Entry(code, row["label"], row.get("uri"))


def _terms(row: _Row) -> list[str]:
    return row if isinstance(row, list) else row["terms"]


def _find_media_type(term: str, _: str | None = None) -> _Entry | None:
    """Find a media type by its registered name where the term has the form of one; else by file ending or name."""
    low = _MEDIA_TYPE_URI.sub("", term.strip()).lower()
    match = _MEDIA_TYPE.match(low)
    if not match:
        return _find("media_type", low)
    name = match[0].rstrip(".+-_")
    return _index("media_type").get(compact(name)) or _Entry(name, name, None)


def _find_resource_type(term: str, _: str | None = None) -> _Entry | None:
    """Find a kind by COAR's code or URI; else by the library's own list."""
    if term.strip().lower().startswith("application/"):  # of a media type, which is any file's
        return None
    code = coar_code(term)
    return _index("resource_type")[compact(code)] if code else _find("resource_type", term)


def _find_level(term: str, _: str | None = None) -> _Entry | None:
    """Find a level; "Level 5" alone is one of no known scheme."""
    return None if _BARE_LEVEL.fullmatch(term) else _find("level", term)


def _find_in_thesaurus(term: str, language: str | None) -> _Entry | None:
    """Find a concept of the UNESCO Thesaurus, by a label that means it in the term's language."""
    entry = _find("unesco", term)
    if entry is None or not _is_distinct(term.strip(), entry.label, language):
        return None
    return entry if _may_be_of(language, term, read_vocabulary("unesco")[entry.code]) else None


def _may_be_of(language: str | None, term: str, labels: list[str]) -> bool:
    """Whether a term is no label of another language than its own: Spanish "sol" is no soil, which is French.

    Labels are English, Spanish, French and Russian where none is left out.
    """
    place = _PLACE_OF_LABEL.get((language or "").split("-")[0])
    if place is None or len(labels) < _ALL_LABELS:
        return True
    keys = [compact(label) for label in labels[:_ALL_LABELS]]
    key = compact(term)
    return key not in keys[1:3] or keys[place] == key


_FINDERS: dict[str, Callable[[str, str | None], _Entry | None]] = {
    "level": _find_level,
    "media_type": _find_media_type,
    "resource_type": _find_resource_type,
    "unesco": _find_in_thesaurus,
}
