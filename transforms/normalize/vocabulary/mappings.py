"""Mappings that stewards lay over the vocabularies: what a partner's term of a field means, or that it is ignored.

Terms match folded and without spaces, as in the vocabularies. Of several mappings of a term, the feed's own counts
before the general one, then the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from schemas import Concept, TermMapping, read_vocabulary
from transforms.draft import mask_emails
from transforms.normalize.folding import compact
from transforms.normalize.language import language_tag
from transforms.normalize.vocabulary.ages import read_age_range
from transforms.normalize.vocabulary.terms import VOCABULARIES, concept_of_code, lookup
from transforms.normalize.vocabulary.times import read_learning_time

MAPPED_TERM_MAX_CHARS = 400  # of a term that count: the catalog keeps no more of one
FIELD_SCHEMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {  # field, as in `Term` → the lists that may have its code
        "resource_types": ("resource_type",),
        "levels": ("level",),
        "contexts": ("context",),
        "audiences": ("audience",),
        "difficulty": ("difficulty",),
        "interactivity_type": ("interactivity_type",),
        "cost": ("cost",),
        "formats": ("media_type",),
        "subjects": ("isced_f", "unesco"),
        "competencies": ("competency",),
        "age_range": ("age_range",),
        "typical_learning_time": ("learning_time",),
        "language": ("language",),
        "role": ("role",),
        "relation_kind": ("relation_kind",),
    }
)


def _is_media_type(code: str) -> bool:
    concept = lookup("media_type", code) if "/" in code else None
    return concept is not None and concept.code == code


_IS_CODE: dict[str, Callable[[str], bool]] = {  # list that is no table of codes → whether a text is a code in it
    "media_type": _is_media_type,
    "age_range": lambda code: read_age_range(code) is not None,
    "learning_time": lambda code: read_learning_time(code) == code,
    "language": lambda code: language_tag(code) == code,
}


class MappedTerm(NamedTuple):
    """What a term means: a code in a list; both are None when the term is ignored."""

    scheme: str | None
    code: str | None


def term_key(term: str) -> str:
    """Return what two terms share that count as one: their folded text; of terms without any letter their signs."""
    shown = mask_emails(term)[:MAPPED_TERM_MAX_CHARS]
    return compact(shown) or "".join(shown.split())


def scheme_of_code(field: str, scheme: str | None, code: str) -> str | None:
    """Return the list of the field that has the code, the named one if it is one of the field's; None when none has."""
    schemes = FIELD_SCHEMES.get(field, ())
    named = (scheme or "").replace("-", "_")
    return next((each for each in ((named,) if named in schemes else schemes) if _is_code(each, code)), None)


def find_code(field: str, scheme: str | None, text: str) -> tuple[str, str] | None:
    """Return list and code of an entry that is named by its code or a label; None when no list of the field has it."""
    if exact := scheme_of_code(field, scheme, text):
        return exact, text
    for each in FIELD_SCHEMES.get(field, ()):
        code = _code_of_label(each, text) if scheme in (None, each) else None
        if code is not None:
            return each, code
    return None


def _code_of_label(scheme: str, text: str) -> str | None:
    if scheme == "language":
        return language_tag(text)
    if scheme == "learning_time":
        return read_learning_time(text)
    concept = lookup(scheme, text) if scheme in VOCABULARIES else None
    return concept.code if concept else None


def concept_of_mapping(scheme: str, code: str, source: str) -> Concept:
    """Return the concept of a mapped code, with the partner's term as its source."""
    if scheme in _IS_CODE:
        return Concept(code=code, label=code, source=source, uri=None)
    return concept_of_code(scheme, code, source)


class TermMappings:
    """The mappings that count for the records of one feed. One whose code is in no list of its field is left out."""

    def __init__(self, mappings: Iterable[TermMapping], feed: str) -> None:
        self._by_field: dict[str, dict[str, MappedTerm]] = {}
        # Later ones replace earlier ones: the newest, and the feed's own after the general ones.
        for mapping in sorted(mappings, key=lambda each: (each.feed is not None, each.id)):
            if mapping.feed in (None, feed) and (mapped := _mapped(mapping)) is not None:
                self._by_field.setdefault(mapping.field, {})[term_key(mapping.value)] = mapped

    def find(self, field: str, term: str) -> MappedTerm | None:
        """Return what a term of a field is mapped to; None for a term without a mapping."""
        mapped = self._by_field.get(field)
        return mapped.get(term_key(term)) if mapped else None


def _mapped(mapping: TermMapping) -> MappedTerm | None:
    if mapping.code is None:
        return MappedTerm(None, None)
    scheme = scheme_of_code(mapping.field, mapping.scheme, mapping.code)
    return MappedTerm(scheme, mapping.code) if scheme else None


def _is_code(scheme: str, code: str) -> bool:
    return _IS_CODE[scheme](code) if scheme in _IS_CODE else code in read_vocabulary(scheme)
