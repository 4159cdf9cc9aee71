"""The entries of the lists whose labels, in any of their languages, are most like a term that is in none."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process

from schemas import read_vocabulary
from transforms.normalize.folding import fold
from transforms.normalize.vocabulary.mappings import FIELD_SCHEMES
from transforms.normalize.vocabulary.terms import VOCABULARIES
from transforms.remembering import remember

_MIN_LIKENESS = 55  # of 100; what is less like it is another word
_LABELS_COMPARED = 12  # of which several may be of one entry
_MAX_TERM_CHARS = 100


class NearEntry(NamedTuple):
    """An entry of a list, with the label of it that is like the term, and how like: 0 to 100."""

    scheme: str
    code: str
    label: str
    like: str
    likeness: int


@remember(2048)
def nearest_entries(field: str, term: str, limit: int = 3) -> tuple[NearEntry, ...]:
    """Return the entries of the field's lists whose labels are most like a term, the most like first; each once."""
    folded = fold(term[:_MAX_TERM_CHARS])
    near: dict[tuple[str, str], NearEntry] = {}
    for scheme in FIELD_SCHEMES.get(field, ()):
        labels, entries = _labels(scheme)
        similar = process.extract(folded, labels, scorer=fuzz.ratio, score_cutoff=_MIN_LIKENESS, limit=_LABELS_COMPARED)
        for _, likeness, number in similar:
            code, label, like = entries[number]
            near.setdefault((scheme, code), NearEntry(scheme, code, label, like, round(likeness)))
    return tuple(sorted(near.values(), key=lambda each: (-each.likeness, each.scheme, each.code))[:limit])


def entries_of(field: str) -> tuple[tuple[str, str, str], ...]:
    """Return list, code and label of every entry of the field's lists that are short enough to be shown whole."""
    schemes = [scheme for scheme in FIELD_SCHEMES.get(field, ()) if scheme in VOCABULARIES and scheme != "unesco"]
    return tuple((scheme, code, row["label"]) for scheme in schemes for code, row in read_vocabulary(scheme).items())


@lru_cache(maxsize=16)
def _labels(scheme: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the folded labels and terms of a list, and for each its code, the entry's label and itself."""
    labels, entries = list[str](), list[tuple[str, str, str]]()
    if scheme not in VOCABULARIES:
        return labels, entries
    for code, row in read_vocabulary(scheme).items():
        texts = row if isinstance(row, list) else [row["label"], *row["terms"]]
        for text in texts:
            if folded := fold(text):
                labels.append(folded)
                entries.append((code, texts[0], text))
    return labels, entries
