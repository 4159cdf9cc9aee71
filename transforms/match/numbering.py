"""Read the numbers of a title, which alone tell parts of a series and editions of a work apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schemas import read_toml
from transforms.spelling import fold, roman

_FOLDER = Path(__file__).parent
WORDS: dict[str, Any] = read_toml(_FOLDER / "words.toml")
ORDINALS: dict[str, int] = WORDS["ordinals"]
_CONJUNCTIONS = frozenset(WORDS["and"])
_REVISED = frozenset({"revised", "rev", "updated", "revisee"})  # words of an edition without a number
_DIGITS = re.compile(r"\d+")
_MAX_DIGITS = 100  # of a numeral that is read as a number; Python refuses 4,300
_SURE_ROMAN = frozenset({"ii", "iii", "iv", "vii", "viii", "ix", "xii", "xiii", "xiv", "xv"})  # words of no language
_STEM_MIN_LETTERS = 4  # of a word that counts in a longer form too (a case, a plural)
_ENDING_MAX_LETTERS = 3
_NEAR_WORDS = 2  # from a numeral in words to the word of what it numbers
_ONE_LETTER_WORDS = frozenset(
    ["ru", "uk", "be", "bg", "mk", "sr", "hr", "bs", "sl", "cs", "sk", "pl"]
)  # languages with prepositions of one letter
_HAN_PARTS = (  # what a Han numeral counts
    "年级|年級|学年|學年|年生|单元|單元|课|課|章|卷|巻|册|冊|部|篇|编|編|回|话|話|讲|講|节|節|期|集|级|級|周|週|学期|學期"
)
_HAN_DIGITS = {digit: number for number, digit in enumerate("〇一二三四五六七八九")}
_HAN_NUMERAL = re.compile(f"([〇一二三四五六七八九十]{{1,3}})(?:{_HAN_PARTS})")
_UNSPACED = ("th", "lo", "km", "my")  # languages that set no spaces between words, with numerals behind what they count


def _by_word(*tables: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Return each folded word with its languages."""
    languages: dict[str, set[str]] = {}
    for table in tables:
        for language, words in table.items():
            for word in words:
                languages.setdefault(fold(word).rpartition(" ")[2], set()).add(language)
    return {word: frozenset(known) for word, known in languages.items()}


def _spelled() -> dict[str, dict[str, int]]:
    """Return each numeral in words, folded, with its value by language."""
    spelled: dict[str, dict[str, int]] = {}
    for language, numbers in read_toml(_FOLDER / "number_words.toml").items():
        for number, words in numbers.items():
            for word in words:
                spelled.setdefault(word, {})[language] = int(number)
    for language, words in WORDS["numerals"].items():
        for number, word in enumerate(words, start=1):
            spelled.setdefault(fold(word).rpartition(" ")[2], {}).setdefault(language, number)
    return spelled


_PART = _by_word(WORDS["part"])
_EDITION = _by_word(WORDS["edition"])
SPELLED = _spelled()
_COUNTED = _by_word(WORDS["part"], WORDS["edition"])
_TELLING = frozenset({*_COUNTED, *ORDINALS, *_SURE_ROMAN, *SPELLED})  # without one, a digit or a last Roman: no number


def _unspaced_numeral() -> re.Pattern[str]:
    """Return an expression for a numeral in words behind what it counts, in scripts that set no spaces."""
    parts = sorted((fold(word) for language in _UNSPACED for word in WORDS["part"][language]), key=len, reverse=True)
    words = sorted((word for word, known in SPELLED.items() if known.keys() & set(_UNSPACED)), key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(parts)})({'|'.join(words)})")


_UNSPACED_NUMERAL = _unspaced_numeral()
_ORDINAL_ENDINGS = frozenset(WORDS["ordinal_endings"])
_UNSPACED_EDITION = re.compile(  # "第2版", "제3판", "พิมพ์ครั้งที่ 2"
    rf"(?:(?:第|{fold('제')}) ?)?(?:(?<!\d)(\d{{1,4}})|([〇一二三四五六七八九十]{{1,3}})) ?(?:版|{fold('판')})"
    rf"|{fold('พิมพ์ครั้งที่')} ?(\d{{1,4}})"
)
_UNSPACED_REVISED = re.compile("|".join(map(fold, ("改訂版", "改订版", "修訂版", "修订版", "개정판", "ฉบับปรับปรุง"))))
_DENSE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3400-\u9fff]")
_DENSE_OR_HANGUL = re.compile("[\u0e00-\u0eff\u3400-\u9fff\u1100-\u11ff\uac00-\ud7a3]")


def edition_and_numbers(title: str, year: int | None) -> tuple[str, str]:
    """Return the edition of a folded title, and its other numerals in order; the record's own year is neither."""
    unspaced, rest = _unspaced_editions(title)
    spaced, numbers = _spaced_editions_and_numbers(rest)
    if not spaced and not unspaced and _REVISED.intersection(rest.split()):
        spaced.append("revised")
    is_year = {str(year)} if year is not None and len(str(year)) == 4 else set[str]()
    return (
        " ".join(numeral for numeral in (*unspaced, *spaced) if numeral not in is_year),
        " ".join(numeral for numeral in numbers if numeral not in is_year),
    )


def _spaced_editions_and_numbers(title: str) -> tuple[list[str], list[str]]:
    """Return the editions that words of a folded title tell, and its other numerals in order."""
    editions: list[str] = []
    numbers: list[str] = []
    words = title.split()
    if _may_have_numerals(title, words):
        for place in range(len(words)):
            (editions if _counts_editions(words, place) else numbers).extend(_numerals(words, place))
    return editions, numbers


def without_edition(title: str) -> str:
    """Return a folded title without the words that tell its edition."""
    words = _unspaced_editions(title)[1].split()
    dropped = {place for place, word in enumerate(words) if word in _EDITION}
    for place in range(len(words)):
        if _numerals(words, place) and (spans := _edition_span(words, place)):
            dropped.update(spans)
    return " ".join(word for place, word in enumerate(words) if place not in dropped)


def _unspaced_editions(title: str) -> tuple[list[str], str]:
    """Return the editions that a folded title tells in scripts without spaces, and the title without them."""
    if not _DENSE_OR_HANGUL.search(title):
        return [], title
    editions = [
        str(int(digits or thai)) if digits or thai else str(_han_value(han))
        for digits, han, thai in _UNSPACED_EDITION.findall(title)
    ]
    rest = _UNSPACED_EDITION.sub(" ", title)
    if not editions and _UNSPACED_REVISED.search(rest):
        editions.append("revised")
    return editions, _UNSPACED_REVISED.sub(" ", rest)


def _may_have_numerals(title: str, words: list[str]) -> bool:
    """Whether it is worth while to look at each word; most titles have no numeral."""
    return bool(
        _DIGITS.search(title)
        or _DENSE.search(title)
        or _TELLING.intersection(words)
        or roman(words[-1] if words else "")
    )


def _counts_editions(words: list[str], place: int) -> bool:
    """Whether the numeral at a place counts editions ("2nd edition"), not parts ("part 2")."""
    return bool(_edition_span(words, place))


def _edition_span(words: list[str], place: int) -> range:
    """Return the places of a numeral of an edition, from its word to its ending ("2 a edicion"); empty for others."""
    first = _past_endings(words, place, -1)
    if first >= 0 and _known(words[first], _EDITION):
        last = place + 1
        return range(first, last + (words[last : last + 1] != [] and words[last] in _ORDINAL_ENDINGS))
    if place and _known(words[place - 1], _PART):
        return range(0)
    last = _past_endings(words, place, 1)
    return range(place, last + 1) if last < len(words) and _known(words[last], _EDITION) else range(0)


def _past_endings(words: list[str], place: int, step: int) -> int:
    """Return the first place before or behind a numeral whose word is no ending or article of an ordinal."""
    place += step
    while 0 <= place < len(words) and words[place] in _ORDINAL_ENDINGS:
        place += step
    return place


def _known(word: str, table: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the languages of a word of a table, also in a form with an ending."""
    for ending in range(_ENDING_MAX_LETTERS + 1):
        stem = word[: len(word) - ending]
        if ending and len(stem) < _STEM_MIN_LETTERS:
            break
        if stem in table:
            return table[stem]
    return frozenset()


def _numerals(words: list[str], place: int) -> list[str]:
    """Return the numerals that one word of a title holds, in decimal digits."""
    word = words[place]
    if not word.isalpha() and any(map(str.isdigit, word)):
        return [str(int(digits)) if len(digits) <= _MAX_DIGITS else digits for digits in _DIGITS.findall(word)]
    if word in ORDINALS:
        return [str(ORDINALS[word])]
    if _DENSE.search(word) and (unspaced := _unspaced_numerals(word)):
        return unspaced
    numeral = _spelled_numeral(words, place) or _letter_numeral(words, place)
    return [] if numeral is None else [numeral]


def _unspaced_numerals(text: str) -> list[str]:
    """Return the numerals in words of a text without spaces, in decimal digits."""
    spelled = [value for word in _UNSPACED_NUMERAL.findall(text) for value in set(SPELLED[word].values())]
    return [str(value) for value in (*map(_han_value, _HAN_NUMERAL.findall(text)), *spelled)]


def _han_value(numeral: str) -> int:
    tens, ten, ones = numeral.rpartition("十")
    value = _HAN_DIGITS.get(ones, 0) if len(ones) < 2 else int("".join(str(_HAN_DIGITS[digit]) for digit in ones))
    return value + (10 * _HAN_DIGITS.get(tens, 1) if ten else 0)


def _spelled_numeral(words: list[str], place: int) -> str | None:
    """Return the value of a numeral in words, which counts beside a part or an edition in its language only."""
    values = SPELLED.get(words[place])
    if not values:
        return None
    near = words[max(0, place - _NEAR_WORDS) : place] + words[place + 1 : place + 1 + _NEAR_WORDS]
    for language in sorted(values):
        if any(language in _known(word, _COUNTED) for word in near):
            return str(values[language])
    return None


def _letter_numeral(words: list[str], place: int) -> str | None:
    """Return a part's letter ("part b") or the value of a Roman numeral, where the word can be one."""
    word, last = words[place], 0 < place == len(words) - 1
    languages = _known(words[place - 1], _PART) if place else frozenset[str]()
    if len(word) == 1 and languages:
        if not (last or _may_be_letter(word, languages)):
            return None
        if word not in "ivxl":
            return word
    return _roman_numeral(word, sure=word in _SURE_ROMAN or bool(languages) or last)


def _roman_numeral(word: str, sure: bool) -> str | None:
    value = roman(word) if sure else None
    return None if value is None else str(value)


def _may_be_letter(word: str, languages: frozenset[str]) -> bool:
    """Whether a letter behind a part, not at the end of a title, numbers it: no preposition or conjunction does."""
    return "en" in languages or not (languages & _ONE_LETTER_WORDS or word in _CONJUNCTIONS)
