"""Compare titles by their words: the same, a slip of one letter inside one long word, or another word.

Alike letters do not make alike works: "Rivers and lakes" and "Rivers and seas" differ in one word and are two works. So
are "Addition …" and "Addiction …": a slip, which a typist makes and a language seldom (a letter left out, doubled or
exchanged with its neighbour inside a long word), is only a milder difference. Signs that carry meaning (x < 3, F♯, 10²)
count as words. Marks count where both titles were typed with them ("Vater", "Väter"), an article only beside another
one ("El capital", "La capital").
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from operator import eq
from typing import NamedTuple

from transforms.match.numbering import ORDINALS, SPELLED, WORDS
from transforms.remembering import remember
from transforms.spelling import cyrillic_to_latin, fold, roman

_ARTICLES = {language: frozenset(articles) for language, articles in WORDS["articles"].items()}
_CONJUNCTIONS = frozenset(WORDS["and"])
_NUMERALS = frozenset({*ORDINALS, *SPELLED})
_SITE = re.compile(r"\||\s[-–—·»]\s")  # what stands between a title and the name of the site
_SITE_MIN_LETTERS = 4  # of a name in a host; "www", "oer" and "edu" are none of a site
_ALPHABET = re.compile(r"[a-zα-ω]+")  # of scripts that write vowels; Cyrillic is folded to Latin letters
_CYRILLIC = re.compile("[\u0400-\u052f]")
_TRANSLITERATIONS = [  # ways to write one Cyrillic letter, and how transforms.spelling writes it; in this order
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
_DIGITS = re.compile(r"\d+")
_SLIP_MIN_LETTERS = 7  # of the shorter word: below, one letter more or less mostly makes another word
_SLIP_MIN_START = 3  # letters before a slip
_SLIP_MIN_END = 2  # letters after it
_TURNED_MIN_WORDS = 3
_MAX_SHOWN_WORDS = 8
_MAX_CACHED_WORDS = 100_000

_SIGNS_BY_PLACE = re.compile(  # signs that are words beside some characters only, or not there
    r"(?<![\w)\]])[-–](?=\d)|(?<=\d)[/⁄](?=\d)|(?<!\w)[#^]|\^(?!\w)|<<|>>"
)
_MEANT = {"-": " − ", "–": " − ", "/": " ⁄ ", "⁄": " ⁄ "}  # any other is none
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼ⁿ"
_OTHER_SIGNS = frozenset("&%‰#^")  # that Unicode takes for punctuation or a modifier
_NO_WORDS = frozenset("|¦~∼∶∙⋅∣∥°©®™℠\ufffc\ufffd")  # mathematical or other symbols that titles bear as punctuation
_ORNAMENTS = re.compile(  # shapes, stars, ticks and arrows; of the dingbats not those that are pictures or arithmetic
    "[\u2500-\u25ff\u2605\u2606\u2610-\u2612\u2701-\u2704\u2706\u270e-\u2715\u2717-\u2727\u2729-\u2752\u2756"
    "\u2758-\u2763\u2765-\u2794\u2798-\u27af\u27b1-\u27be]"
)
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u1100-\u11ff]")
_ARABIC = re.compile("[\u0600-\u06ff]")
_VOWEL_MARKS = re.compile("[\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670]")
_ARABIC_LETTER = re.compile("([^\u0653-\u0655])([\u0653-\u0655]?)")  # with its hamza or madda
_ONE_MARK = str.maketrans("ёşţ", "еșț")

LETTER = "the same but for a letter inside one word"
_ONE = "one word differs"
_SEVERAL = "several words differ"
_CHARACTERS = "some characters differ"
_ONE_SIDE = "only one title has"
_ORDER = "the same words in another order"
LABELS = (LETTER, _ONE, _SEVERAL, _CHARACTERS, _ONE_SIDE, _ORDER)  # the reports have them in every language


class Title(NamedTuple):
    """A title of a record as its partner wrote it; `language` is a primary tag, empty when it is not known."""

    language: str
    text: str


class Difference(NamedTuple):
    """What differs between two titles: one of LABELS, and the words that only one of them has, as written there."""

    label: str
    left: Sequence[str]
    right: Sequence[str]

    @property
    def whole(self) -> bool:
        """Whether a whole word differs, not a letter inside one."""
        return self.label != LETTER

    @property
    def seen(self) -> str:
        """The label and the words of both sides, as evidence shows them."""
        sides = (" ".join(side[:_MAX_SHOWN_WORDS]) for side in (self.left, self.right))
        return f"{self.label}: {' / '.join(filter(None, sides))}"


class _Word(NamedTuple):
    """A word or sign of a title."""

    written: str
    folded: str  # without case and marks
    marked: str  # without case
    articles: tuple[str, ...] = ()  # that stand before it


class _Wording(NamedTuple):
    """The words of a title without its articles."""

    title: Title
    words: list[_Word]

    @property
    def folded(self) -> list[str]:
        return [word.folded for word in self.words]


def without_site(title: str, publishers: Iterable[str], url: str | None = None) -> str:
    """Return the title without the name of its publisher or site behind it, as in "Maps | Open Library".

    A site's name is its host, or the name in it ("Open Library", openlibrary.org).
    """
    ends = list(_SITE.finditer(title))
    if not ends or not fold(title[: ends[-1].start()]):
        return title
    site = fold(title[ends[-1].end() :])
    named = bool(site) and (site in map(fold, publishers) or _closed(site) in _host_names(url))
    return title[: ends[-1].start()] if named else title


def _host_names(url: str | None) -> set[str]:
    """Return the host of a web address and the names in it, folded and closed up."""
    host = (url or "").partition("://")[2].partition("/")[0].partition(":")[0].lower()
    names = host.removeprefix("www.").split(".")
    return {_closed(fold(name)) for name in (*names[:-1], ".".join(names)) if len(name) >= _SITE_MIN_LETTERS}


def _closed(text: str) -> str:
    return text.replace(" ", "")


def titles_difference(left: Sequence[Title], right: Sequence[Title]) -> Difference | None:
    """Return what differs between all titles of two records; None when nothing does, or a record has none.

    A title that only one of them has counts, unless it is in a language in which the other record has no title.
    """
    if not left or not right:
        return None
    if len(left) == len(right) == 1:
        return difference(left[0], right[0])
    mine, theirs = _unmatched(left, right), _unmatched(right, left)
    if len(mine) == len(left):
        return difference(left[0], right[0])
    mine, theirs = _of_languages(mine, right), _of_languages(theirs, left)
    if mine and theirs:
        return difference(mine[0], theirs[0])
    alone = next(iter(mine or theirs), None)
    return alone and Difference(_ONE_SIDE, [word.written for word in _wording(alone).words], [])


def _unmatched(titles: Sequence[Title], others: Sequence[Title]) -> list[Title]:
    return [title for title in titles if all(difference(title, other) for other in others)]


def _of_languages(titles: Sequence[Title], others: Sequence[Title]) -> list[Title]:
    """Return the titles in the languages of the others; an unknown language may be any."""
    languages = {other.language for other in others}
    return [title for title in titles if not title.language or not languages.isdisjoint(("", title.language))]


def difference(left: Title, right: Title) -> Difference | None:
    """Return what differs between two titles; None when nothing does, whatever languages are declared.

    Nothing are case, punctuation, an article on one side, an ampersand for its word, one number in two notations, the
    end put first behind a comma, other spaces in scripts that set none, and Cyrillic in Latin letters by a usual table.
    """
    if left.text == right.text:
        return None
    mine, theirs = _wording(left), _wording(right)
    aligned = _align(mine, theirs)
    if aligned is None:
        return None if _transliterated(mine, theirs) else _words_difference(mine, theirs)
    return _marks_difference(left, right, *aligned) or _articles_difference(*aligned)


def _wording(title: Title) -> _Wording:
    """Read the words of a title."""
    text = _SIGNS_BY_PLACE.sub(lambda sign: _MEANT.get(sign[0], " "), title.text).translate(_PARTING)
    words = [word for token in text.split() for word in _words(token)]
    articles = _ARTICLES.get(title.language, frozenset())
    if articles.isdisjoint(word.folded for word in words):
        return _Wording(title, words)
    return _Wording(title, _attach_articles(words, articles))


def _attach_articles(words: Sequence[_Word], articles: frozenset[str]) -> list[_Word]:
    """Return the words that are no articles, each with the articles before it.

    An article is never the last word ("vitamin A"), and of one letter only the first.
    """
    kept: list[_Word] = []
    before: list[str] = []
    last = len(words) - 1
    for place, word in enumerate(words):
        if word.folded in articles and place < last and (place == 0 or len(word.folded) > 1):
            before.append(word.written)
        else:
            kept.append(word._replace(articles=tuple(before)) if before else word)
            before = []
    return kept


class _Parting(dict[int, str]):
    """Translation table that sets signs apart from words; filled with a character the first time that it is met."""

    def __missing__(self, point: int) -> str:
        spaced = self[point] = _space_sign(chr(point))
        return spaced


_PARTING = _Parting()


def _space_sign(character: str) -> str:
    """Return a character as the words of a title are split at it: itself, a sign between spaces, a space or nothing."""
    category, plain = unicodedata.category(character), unicodedata.normalize("NFKC", character)
    if category == "Cf":  # soft hyphens and the like
        return ""
    if character in _SUPERSCRIPTS:
        return f" {character} "
    if "⁄" in plain:  # ½
        return f" {plain.replace('⁄', ' ⁄ ')} "
    if _is_word_sign(character, category, plain):
        return character if any(map(str.isalnum, plain)) else f" {plain} "
    return " " if category[0] in "PSZC" else character


def _is_word_sign(character: str, category: str, plain: str) -> bool:
    """Whether a sign counts as a word: symbols do, except those that titles bear as punctuation or ornament."""
    symbol = category in ("Sm", "Sc", "So") or plain in _OTHER_SIGNS
    return symbol and not (plain in _NO_WORDS or character in _NO_WORDS or _ORNAMENTS.match(character))


@remember(_MAX_CACHED_WORDS)
def _words(token: str) -> tuple[_Word, ...]:
    """Return what a text without spaces says: mostly one word; a few characters stand for several."""
    if token in _SUPERSCRIPTS or not any(map(str.isalnum, token)):
        mark = all(unicodedata.category(character)[0] == "M" for character in token)
        return () if mark else (_Word(token, token, token),)
    folded = fold(token)
    if " " in folded:
        return tuple(_Word(word, word, word) for word in folded.split())
    return (_Word(token, folded, _marked(token)),) if folded else ()


def _marked(word: str) -> str:
    """Return the word in lower case, with its marks in one spelling; ё is е, and Romanian's old cedilla a comma."""
    if word.isascii():
        return word.lower()
    lower = unicodedata.normalize("NFKC", word).casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFC", lower).translate(_ONE_MARK)


def _align(mine: _Wording, theirs: _Wording) -> tuple[list[_Word], list[_Word]] | None:
    """Return the words of two titles beside one another; None when they do not have the same words in one order."""
    if mine.folded == theirs.folded:
        return mine.words, theirs.words
    spaced, other = _respaced(mine.words), _respaced(theirs.words)
    if [word.folded for word in spaced] == [word.folded for word in other]:
        return spaced, other
    exchanged = _exchanged(mine, theirs)
    if exchanged.folded == mine.folded:
        return mine.words, exchanged.words
    for title, further, swap in ((mine, exchanged, False), (exchanged, mine, True)):
        turned = _turned(title)
        if turned and turned.folded == further.folded:
            return (further.words, turned.words) if swap else (turned.words, further.words)
    return None


def _respaced(words: Sequence[_Word]) -> list[_Word]:
    """Return the words, joined where a space says nothing: at scripts without spaces, letter beside digit, and 's."""
    joined: list[_Word] = []
    for word in words:
        if joined and _space_is_empty(joined[-1].folded, word.folded):
            last = joined[-1]
            joined[-1] = last._replace(folded=last.folded + word.folded, marked=last.marked + word.marked)
        else:
            joined.append(word)
    return joined


def _space_is_empty(before: str, after: str) -> bool:
    end, start = before[-1], after[0]
    if _UNSPACED.match(end) or _UNSPACED.match(start) or after == "s":
        return True
    return (end.isdecimal() and start.isalpha()) or (end.isalpha() and start.isdecimal())


def _exchanged(mine: _Wording, theirs: _Wording) -> _Wording:
    """Return the second wording with words of the first where both mean the same: & for its word, 2 for II."""
    words, places = list(theirs.words), _only(theirs.words, mine.words)
    for place in _only(mine.words, theirs.words):
        word = mine.words[place]
        equal = next((at for at in places if _same_meaning(word.folded, words[at].folded)), None)
        if equal is not None:
            words[equal] = word._replace(articles=words[equal].articles)
            places.remove(equal)
    return theirs._replace(words=words)


def _same_meaning(word: str, other: str) -> bool:
    for sign, name in ((word, other), (other, word)):
        if sign == "&" and name in _CONJUNCTIONS:
            return True
        if sign.isdecimal() and int(sign) in (roman(name), ORDINALS.get(name), *SPELLED.get(name, {}).values()):
            return True
    return False


def _turned(wording: _Wording) -> _Wording | None:
    """Return the wording with what is behind its last comma first ("Statistics, introduction to"), not of two words."""
    start, comma, end = wording.title.text.rpartition(",")
    if not comma or len(wording.words) < _TURNED_MIN_WORDS:
        return None
    return _wording(wording.title._replace(text=f"{end} {start}"))


def _words_difference(left: _Wording, right: _Wording) -> Difference:
    """Return what differs between two titles that do not have the same words in one order."""
    exchanged = _exchanged(left, right)
    mine = [left.words[place] for place in _only(left.words, exchanged.words)]
    theirs = [exchanged.words[place] for place in _only(exchanged.words, left.words)]
    if not mine and not theirs:
        return Difference(_ORDER, *_trimmed(left.words, right.words))
    if len(mine) == len(theirs) == 1:
        return _word_difference(left, exchanged, mine[0], theirs[0])
    label = _SEVERAL if mine and theirs else _ONE_SIDE
    return Difference(label, [word.written for word in mine], [word.written for word in theirs])


def _word_difference(left: _Wording, right: _Wording, mine: _Word, theirs: _Word) -> Difference:
    """Return what differs between two titles of which each has one word that the other has not."""
    if _UNSPACED.search(mine.folded) and _UNSPACED.search(theirs.folded):
        return _characters_difference(mine.written, theirs.written)
    in_place = [theirs.folded if word == mine.folded else word for word in left.folded] == right.folded
    label = LETTER if in_place and is_slip(mine.folded, theirs.folded) else _ONE
    return Difference(label, [mine.written], [theirs.written])


def _trimmed(left: Sequence[_Word], right: Sequence[_Word]) -> tuple[list[str], list[str]]:
    """Return the words between what two titles begin and end with in common."""
    mine, theirs = [word.folded for word in left], [word.folded for word in right]
    start = _common(mine, theirs)
    end = _common(mine[start:][::-1], theirs[start:][::-1])
    sides = (words[start : len(words) - end] for words in (left, right))
    mine, theirs = ([word.written for word in side] for side in sides)
    return mine, theirs


def _characters_difference(left: str, right: str) -> Difference:
    """Return what differs in two runs of a script without spaces; vowel signs and tones stay with their letters."""
    mine, theirs = _letters(left), _letters(right)
    start = _common(mine, theirs)
    end = _common(mine[start:][::-1], theirs[start:][::-1])
    my_middle, their_middle = "".join(mine[start : len(mine) - end]), "".join(theirs[start : len(theirs) - end])
    if not my_middle or not their_middle:
        return Difference(_ONE_SIDE, [my_middle or their_middle], [])
    return Difference(_CHARACTERS if start or end else _ONE, [my_middle], [their_middle])


def _letters(text: str) -> list[str]:
    letters: list[str] = []
    for character in text:
        if letters and unicodedata.category(character)[0] == "M":
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _marks_difference(left: Title, right: Title, mine: list[_Word], theirs: list[_Word]) -> Difference | None:
    """Return what differs in marks alone between titles that were both typed with letters outside ASCII."""
    pairs = [(word, other) for word, other in zip(mine, theirs, strict=True) if word.marked != other.marked]
    if not pairs or not (_beyond_ascii(left.text) and _beyond_ascii(right.text)):
        return None
    capitals = left.text.isupper(), right.text.isupper()
    words = [(word.written, other.written) for word, other in pairs if not _one_marking(word, other, capitals)]
    if not words:
        return None
    return Difference(_ONE if len(words) == 1 else _SEVERAL, *zip(*words, strict=True))


def _beyond_ascii(text: str) -> bool:
    return not text.isascii() and any(character > "\x7f" and character.isalpha() for character in text)


def _one_marking(word: _Word, other: _Word, capitals: tuple[bool, bool]) -> bool:
    """Whether two words of one folded spelling are one word in spite of other marks or letters."""
    mine, theirs = word.marked, other.marked
    if _ARABIC.search(mine):
        return _one_vocalization(mine, theirs)
    if bool(_CYRILLIC.search(mine)) != bool(_CYRILLIC.search(theirs)):
        return cyrillic_to_latin(mine) == cyrillic_to_latin(theirs)
    if any(capitals):  # often typed without marks; Turkish I is the capital of ı
        mine, theirs = mine.replace("ı", "i"), theirs.replace("ı", "i")
        bare = [_without_marks(spelling) == spelling for spelling in (mine, theirs)]
        if mine == theirs or (capitals[0] and bare[0]) or (capitals[1] and bare[1]):
            return True
    return mine == theirs


def _without_marks(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


def _one_vocalization(left: str, right: str) -> bool:
    """Whether two Arabic words can be one: vowel marks count when both have some, hamza and madda when both letters do.

    Letters that the matcher folds to one (ى and ي, ة and ه) are one.
    """
    mine, theirs = (unicodedata.normalize("NFD", word) for word in (left, right))
    if _VOWEL_MARKS.search(mine) and _VOWEL_MARKS.search(theirs) and _vowels(mine) != _vowels(theirs):
        return False
    hamzas = (_ARABIC_LETTER.findall(_VOWEL_MARKS.sub("", word).replace("ـ", "")) for word in (mine, theirs))
    return all(not hamza or not other or hamza == other for (_, hamza), (_, other) in zip(*hamzas, strict=False))


def _vowels(word: str) -> list[tuple[int, str]]:
    """Return the vowel marks of a word, with the place of their letter."""
    place = 0
    marks = []
    for character in word.replace("ـ", ""):
        if _VOWEL_MARKS.match(character):
            marks.append((place, character))
        elif not unicodedata.combining(character):
            place += 1
    return sorted(marks)


def _articles_difference(mine: list[_Word], theirs: list[_Word]) -> Difference | None:
    """Return the articles that stand before one word and are not the same; one may be missing on one side."""
    for word, other in zip(mine, theirs, strict=True):
        if word.articles and other.articles and list(map(fold, word.articles)) != list(map(fold, other.articles)):
            return Difference(_ONE, [*word.articles, word.written], [*other.articles, other.written])
    return None


def _transliterated(left: _Wording, right: _Wording) -> bool:
    """Whether one title is the other, written in Latin letters by any of the usual tables (ALA-LC, BGN, ISO 9, …)."""
    if bool(_CYRILLIC.search(left.title.text)) == bool(_CYRILLIC.search(right.title.text)):
        return False
    mine, theirs = " ".join(left.folded), " ".join(right.folded)
    return _DIGITS.findall(mine) == _DIGITS.findall(theirs) and _without_table(mine) == _without_table(theirs)


def _without_table(text: str) -> str:
    """Return a folded Cyrillic text, or one in Latin letters, without what tables write in several ways.

    Spaces go too: the apostrophe of a soft sign is folded to one.
    """
    text = text.replace(" ", "")
    for letters, letter in _TRANSLITERATIONS:
        text = letters.sub(letter, text)
    return text


def is_slip(left: str, right: str) -> bool:
    """Whether two words differ by a letter left out or by two neighbours exchanged, inside a long word."""
    short, long = sorted((left, right), key=len)
    if len(short) < _SLIP_MIN_LETTERS or len(long) - len(short) > 1:
        return False
    if not (_ALPHABET.fullmatch(left) and _ALPHABET.fullmatch(right)) or not _NUMERALS.isdisjoint((left, right)):
        return False
    start, end = _common(short, long), _common(short[::-1], long[::-1])
    if start < _SLIP_MIN_START or end < _SLIP_MIN_END:
        return False
    if len(short) < len(long):
        return start + end >= len(short)
    return start + end == len(short) - 2 and short[start : start + 2] == long[start : start + 2][::-1]


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the letters, or words, that two sequences begin with in common."""
    return sum(1 for _ in takewhile(bool, map(eq, left, right)))


def _only(words: Sequence[_Word], others: Sequence[_Word]) -> list[int]:
    """Return the places of words that the first title has more often than the second."""
    left = Counter(word.folded for word in others)
    places = []
    for place, word in enumerate(words):
        if left[word.folded]:
            left[word.folded] -= 1
        else:
            places.append(place)
    return places
