"""Compares two titles by their words: the same, a slip of one letter inside one long word, or another whole word.

Alike letters do not make alike works: "Rivers and lakes" and "Rivers and seas" differ in one word and are two works. A
slip is what a typist does and a language seldom: a letter left out, doubled or exchanged with its neighbour inside a
long word. Another letter in its place, at its ends, or in a script that writes few letters to a word makes another
word (Zambia, Gambia; object, objects; micro, macro), and so does any change where words are not set apart by spaces.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from operator import eq
from typing import NamedTuple

from transforms.match.fold import fold, roman
from transforms.match.number import ORDINALS, WORDS

_ARTICLES = {language: frozenset(articles) for language, articles in WORDS["articles"].items()}
_CONJUNCTIONS = frozenset(WORDS["and"])
_SIGN = re.compile(r"(&|(?<=\w)[+#]+)")  # signs that stand for a word or are part of one: C++, C#, R&D
_SITE = re.compile(r"\||\s[-–—·»]\s")  # what stands between a title and the name of the site
_ALPHABET = re.compile(r"[a-zα-ω]+")  # of scripts that write vowels; Cyrillic is folded to Latin letters
_CYRILLIC = re.compile("[\u0400-\u052f]")
_TRANSLITERATIONS = [  # ways to write one Cyrillic letter, and how transforms.match.fold writes it; in this order
    (re.compile(letters), letter)
    for letters, letter in (
        ("shch|sht|sc", "s"),
        ("([csz])h", r"\1"),
        ("kh|x", "h"),
        ("ts|tc", "c"),
        ("[jyi]+", "i"),
        ("i(?=[aeou])", ""),
    )
]
_EDGES = re.compile(r"^[^\w]+|[^\w+#]+$")  # what stands around a word, such as a comma
_DIGITS = re.compile(r"\d+")
_SLIP_MIN_LETTERS = 7  # of the shorter word: below, one letter more or less mostly makes another word
_SLIP_MIN_START = 3  # letters before a slip
_SLIP_MIN_END = 2  # letters after it
_SHOWN_WORDS = 8
_LETTER = "the same but for a letter inside one word"
_ONE = "one word differs"
_SEVERAL = "several words differ"
_ONE_SIDE = "only one title has"
_ORDER = "the same words in another order"
LABELS = (_LETTER, _ONE, _SEVERAL, _ONE_SIDE, _ORDER)  # the reports have them in every language


class _Difference(NamedTuple):
    """What tells two titles apart: the words that only one of them has."""

    left: Sequence[str]
    right: Sequence[str]
    whole: bool  # a whole word, not a letter inside one

    @property
    def seen(self) -> str:
        """One of LABELS, and the words of both sides."""
        left, right = (" ".join(side[:_SHOWN_WORDS]) for side in (self.left, self.right))
        if not left or not right:
            return f"{_ONE_SIDE}: {left or right}"
        if not self.whole:
            label = _LETTER
        elif sorted(map(str.casefold, self.left)) == sorted(map(str.casefold, self.right)):
            label = _ORDER
        else:
            label = _SEVERAL if max(len(self.left), len(self.right)) > 1 else _ONE
        return f"{label}: {left} / {right}"


def without_site(title: str, publishers: Iterable[str]) -> str:
    """The title without the name of its own publisher behind it, as in "Maps | Open Library"."""
    ends = list(_SITE.finditer(title))
    if not ends or not fold(title[: ends[-1].start()]):
        return title
    site = fold(title[ends[-1].end() :])
    return title[: ends[-1].start()] if site and site in map(fold, publishers) else title


def wording(title: str, folded: str, language: str) -> str:
    """The words of a title as they are compared: `folded`, with the signs that are words, without articles.

    One of a single letter is left out at the start only: "Vitamin A deficiency".
    """
    if _SIGN.search(title):
        parts = [
            part if place % 2 else fold(part) for place, part in enumerate(_SIGN.split(title))
        ]  # every other: a sign
        folded = " ".join(filter(None, parts))
    articles = _ARTICLES.get(language.partition("-")[0])
    if articles is None or articles.isdisjoint(words := folded.split()):
        return folded
    *before, last = words  # an article is never the last word: "vitamin A"
    kept = (word for place, word in enumerate(before) if word not in articles or (place and len(word) == 1))
    return " ".join([*kept, last])


class Title(NamedTuple):
    """What is compared of a record's titles."""

    said: str | None  # the first, as it was written
    wording: str | None  # of the first
    titles: Sequence[str]  # all, folded


def difference(left: str, right: str) -> _Difference | None:
    """What tells two wordings apart; None when nothing does."""
    if left == right or _joined(left) == _joined(right):
        return None
    mine, theirs = left.split(), right.split()
    only_mine, only_theirs = _only(mine, theirs), _only(theirs, mine)
    if not only_mine and not only_theirs:
        return None if _turned(mine, theirs) else _Difference(mine, theirs, whole=True)
    _strike_equals(only_mine, only_theirs)
    if not only_mine and not only_theirs:
        return None
    slip = len(only_mine) == len(only_theirs) == 1 and is_slip(only_mine[0], only_theirs[0])
    in_place = slip and [only_theirs[0] if word == only_mine[0] else word for word in mine] == theirs
    return _Difference(only_mine, only_theirs, whole=not in_place)


def titles_difference(left: Title, right: Title) -> _Difference | None:
    """What tells the titles of two records apart, in the words as they are written there.

    Where a title of one is a title of the other, in any language, the others count only if both have such: two parts of
    a series share the title of the series.
    """
    apart = difference(left.wording or "", right.wording or "")
    if apart is None or _transliterated(left, right):
        return None
    if not _counts(apart, left, right):
        return None
    return _Difference(_as_written(apart.left, left.said), _as_written(apart.right, right.said), apart.whole)


def _counts(apart: _Difference, left: Title, right: Title) -> bool:
    """Whether a difference of the first titles counts, given the other titles."""
    shared = set(left.titles).intersection(right.titles)
    if not apart.whole or not shared or not any(map(_speaks, (*apart.left, *apart.right))):
        return True
    mine, theirs = ([title for title in side.titles if title not in shared] for side in (left, right))
    others = [difference(title, other) for title in mine for other in theirs]
    return bool(others) and all(other is not None and other.whole for other in others)


def _as_written(words: Sequence[str], said: str | None) -> list[str]:
    """Folded words as they stand in the title; one that is part of a word there stays folded."""
    written = {fold(word): _EDGES.sub("", word) for word in (said or "").split()}
    return [written.get(word) or word for word in words]


def _transliterated(left: Title, right: Title) -> bool:
    """Whether one title is the other, written in Latin letters by any of the usual tables (ALA-LC, BGN, ISO 9, …)."""
    if bool(_CYRILLIC.search(left.said or "")) == bool(_CYRILLIC.search(right.said or "")):
        return False
    mine, theirs = left.wording or "", right.wording or ""
    return _DIGITS.findall(mine) == _DIGITS.findall(theirs) and _without_table(mine) == _without_table(theirs)


def _without_table(text: str) -> str:
    """A folded Cyrillic text, or one in Latin letters, without what the tables write in several ways.

    Spaces go too: the apostrophe of a soft sign is folded to one.
    """
    text = text.replace(" ", "")
    for letters, letter in _TRANSLITERATIONS:
        text = letters.sub(letter, text)
    return text


def _speaks(word: str) -> bool:
    """Whether a word is more than a sign, which the folded titles do not hold."""
    return any(map(str.isalnum, word))


def is_slip(left: str, right: str) -> bool:
    """Whether two words differ by a letter left out or by two neighbours exchanged, inside a long word."""
    short, long = sorted((left, right), key=len)
    if len(short) < _SLIP_MIN_LETTERS or len(long) - len(short) > 1:
        return False
    if not (_ALPHABET.fullmatch(left) and _ALPHABET.fullmatch(right)) or ORDINALS.keys() & {left, right}:
        return False
    start, end = _common(short, long), _common(short[::-1], long[::-1])
    if start < _SLIP_MIN_START or end < _SLIP_MIN_END:
        return False
    if len(short) < len(long):
        return start + end >= len(short)
    return start + end == len(short) - 2 and short[start : start + 2] == long[start : start + 2][::-1]


def _common(left: str, right: str) -> int:
    """The letters that two words begin with in common."""
    return sum(1 for _ in takewhile(bool, map(eq, left, right)))


def _joined(text: str) -> tuple[str, list[str]]:
    """A wording without its spaces, and its numbers: "data base" is "database", "1 1" is not "11"."""
    return text.replace(" ", ""), _DIGITS.findall(text)


def _only(mine: list[str], theirs: list[str]) -> list[str]:
    """The words that the first has more often than the second, in their order."""
    left = Counter(theirs)
    only = []
    for word in mine:
        if left[word]:
            left[word] -= 1
        else:
            only.append(word)
    return only


def _turned(mine: list[str], theirs: list[str]) -> bool:
    """Whether one title is the other with its end put first: "Statistics, introduction to", but not of two words."""
    return len(mine) > 2 and any(mine[place:] + mine[:place] == theirs for place in range(1, len(mine)))


def _strike_equals(mine: list[str], theirs: list[str]) -> None:
    """Strike out words that mean the same on both sides: an ampersand and its word, one number in two notations."""
    for word in list(mine):
        for other in theirs:
            if _same_meaning(word, other) or _same_meaning(other, word):
                mine.remove(word)
                theirs.remove(other)
                break


def _same_meaning(sign: str, word: str) -> bool:
    if sign == "&":
        return word in _CONJUNCTIONS
    return sign.isdecimal() and int(sign) in (roman(word), ORDINALS.get(word))
