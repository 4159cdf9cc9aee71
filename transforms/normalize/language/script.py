"""The script that a text is written in, and the library's languages that are written in it."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import langcodes

from transforms.remembering import remember

# First and last code point of a block, and its script (ISO 15924; Kana stands for Hiragana and Katakana).
_BLOCKS = (
    (0x41, 0x5A, "Latn"), (0x61, 0x7A, "Latn"), (0xAA, 0xAA, "Latn"), (0xBA, 0xBA, "Latn"), (0xC0, 0xD6, "Latn"),
    (0xD8, 0xF6, "Latn"), (0xF8, 0x2AF, "Latn"), (0x1E00, 0x1EFF, "Latn"), (0x370, 0x3FF, "Grek"),
    (0x1F00, 0x1FFF, "Grek"), (0x400, 0x52F, "Cyrl"), (0x531, 0x587, "Armn"), (0x5D0, 0x5F2, "Hebr"),
    (0x620, 0x64A, "Arab"), (0x66E, 0x6D3, "Arab"), (0x6D5, 0x6EF, "Arab"), (0x6FA, 0x6FF, "Arab"),
    (0x700, 0x74F, "Syrc"), (0x750, 0x77F, "Arab"), (0x780, 0x7B1, "Thaa"), (0x7CA, 0x7EA, "Nkoo"),
    (0xFB50, 0xFDFF, "Arab"), (0xFE70, 0xFEFC, "Arab"), (0x904, 0x961, "Deva"),
    (0x985, 0x9E1, "Beng"), (0xA05, 0xA5E, "Guru"), (0xA85, 0xAE1, "Gujr"), (0xB05, 0xB61, "Orya"),
    (0xB85, 0xBCD, "Taml"), (0xC05, 0xC61, "Telu"), (0xC85, 0xCE1, "Knda"), (0xD05, 0xD61, "Mlym"),
    (0xD85, 0xDDF, "Sinh"), (0xE01, 0xE4E, "Thai"), (0xE81, 0xEDF, "Laoo"), (0xF40, 0xFBC, "Tibt"),
    (0x1000, 0x103F, "Mymr"),
    (0x10A0, 0x10FF, "Geor"), (0x1200, 0x137F, "Ethi"), (0x1780, 0x17D3, "Khmr"), (0x1820, 0x1878, "Mong"),
    (0x3041, 0x30FF, "Kana"), (0x3400, 0x9FFF, "Hani"), (0x20000, 0x2FFFF, "Hani"), (0x1100, 0x11FF, "Hang"),
    (0xAC00, 0xD7A3, "Hang"), (0x13A0, 0x13FD, "Cher"), (0x1401, 0x166C, "Cans"), (0x2D30, 0x2D67, "Tfng"),
)  # fmt: skip

_LANGUAGES_OF_SCRIPT = {
    "Latn": (
        "en fr es pt de it nl ca gl eu ro pl cs sk sl hr bs sr hu sq tr az uz tk sw id ms vi fi sv no da et lv lt "
        "so ha zu xh af ga cy mt is fil ht ku"
    ),
    "Cyrl": "ru uk be bg mk sr kk ky uz tg tt mn az",
    "Arab": "ar fa ps ur ckb ug",
    "Deva": "hi mr ne",
    "Ethi": "am ti",
    "Hani": "zh",
    "Kana": "ja",
    "Hang": "ko",
    "Grek": "el",
    "Armn": "hy",
    "Hebr": "he",
    "Beng": "bn",
    "Guru": "pa",
    "Gujr": "gu",
    "Orya": "or",
    "Taml": "ta",
    "Telu": "te",
    "Knda": "kn",
    "Mlym": "ml",
    "Sinh": "si",
    "Thai": "th",
    "Laoo": "lo",
    "Mymr": "my",
    "Geor": "ka",
    "Khmr": "km",
    "Mong": "mn",
    "Thaa": "dv",
}
# Scripts that a language is also written in, besides the one that CLDR expects (langcodes' likely subtags).
_FURTHER_SCRIPTS = {
    "az": "Cyrl Arab", "ber": "Tfng Arab", "bs": "Cyrl", "ha": "Arab", "ja": "Kana Hani", "kab": "Tfng",
    "kk": "Latn Arab",
    "ko": "Hang Hani", "ks": "Deva", "ku": "Arab Cyrl", "ky": "Latn Arab", "mn": "Mong", "ms": "Arab", "pa": "Arab",
    "ro": "Cyrl", "rom": "Cyrl", "sa": "Latn Beng Telu Knda Mlym Taml Gujr", "sd": "Deva", "sr": "Latn",
    "tg": "Latn Arab", "tk": "Cyrl Arab", "tt": "Latn Arab", "ug": "Cyrl Latn", "uz": "Cyrl Arab", "yue": "Hani",
    "zh": "Hani", "zgh": "Latn", "crh": "Cyrl", "kmr": "Arab Cyrl", "pi": "Latn Thai Sinh Mymr", "cop": "Grek",
}  # fmt: skip
_OTHER_NAMES = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Kana", "Hrkt": "Kana", "Hira": "Kana", "Kore": "Hang"}
# Common characters that only one of the two Chinese scripts has.
_SIMPLIFIED = frozenset(
    "们这个国来时说会学对发经过还进种动实现开无体机关点业问间应长东书见门电车马语读写课师习题听认识数组华汉资养类总级历义术办务产区医单协编译评价优严广际该设计论"
)
_TRADITIONAL = frozenset(
    "們這個國來時說會學對發經過還進種動實現開無體機關點業問間應長東書見門電車馬語讀寫課師習題聽認識數組華漢資養類總級歷義術辦務產區醫單協編譯評價優嚴廣際該設計論"
)
CANDIDATES = {script: tuple(languages.split()) for script, languages in _LANGUAGES_OF_SCRIPT.items()}
_KNOWN_LANGUAGES = frozenset(language for languages in CANDIDATES.values() for language in languages) | {"nb", "nn"}
# Languages written in two scripts → the scripts that their tags name; Latin is the default except in sr.
TWO_SCRIPTS = {"sr": ("Cyrl", "Latn"), "uz": ("Cyrl",), "az": ("Cyrl",), "zh": ("Hani",)}
_LATIN = re.compile("[A-Za-zªºÀ-ÖØ-öø-ʯḀ-ỿ]")
_NO_OTHER_SCRIPT = re.compile("[\0-\u036f\u1e00-\u1eff\u2000-\u20cf]*")  # Latin letters, accents, signs
_OTHER_THAN_LATIN = re.compile("[^\0-\u036f\u2000-\u20cf]")
_KNOWN_SCRIPTS = frozenset(script for _, _, script in _BLOCKS)
_LATIN_ONLY, _NO_SCRIPTS = frozenset(("Latn",)), frozenset[str]()
# One character counts as three letters: it is a word, or words have no blanks between them and Latin ones are names.
_WORD_SCRIPTS = frozenset(("Hani", "Kana", "Hang", "Thai", "Laoo", "Khmr", "Mymr"))


def script_of(text: str) -> str | None:
    """Return the script of most of a text's letters, or None when it has none of a known script."""
    counts = _counts(text)
    return max(counts, key=lambda script: (counts[script], script)) if counts else None


def candidate_languages(text: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the script of a text, and the library's languages that are written in it."""
    script = script_of(text)
    return script, CANDIDATES.get(script, ()) if script else ()


def may_be_written_in(tag: str, text: str) -> bool:
    """Return whether a text holds letters of a script of the language, or no letters of a known script."""
    scripts = scripts_of_language(tag)
    return scripts is None or not (written := _scripts_in(text)) or not scripts.isdisjoint(written)


@remember(4096)
def scripts_of_language(tag: str) -> frozenset[str] | None:
    """Return the scripts that a language is written in, or the one that its tag names; None: a script unknown to us."""
    language = langcodes.Language.get(tag)
    script = language.script or language.maximize().script or ""
    known_script = _OTHER_NAMES.get(script, script)
    if known_script not in _KNOWN_SCRIPTS:
        return None
    names_one = language.script is not None and language.script not in _OTHER_NAMES
    further = "" if names_one else _FURTHER_SCRIPTS.get(language.language or "", "")
    return frozenset((known_script, *further.split()))


def is_known(tag: str) -> bool:
    """Return whether the detection can name the language of a tag."""
    return tag.partition("-")[0] in _KNOWN_LANGUAGES


def tag_with_script(language: str, script: str, text: str) -> str:
    """Return a language's tag, with the script where it is written in two: sr-Cyrl, uz-Cyrl, zh-Hant."""
    if language == "zh":
        return _chinese(text)
    return f"{language}-{script}" if script in TWO_SCRIPTS.get(language, ()) else language


def _chinese(text: str) -> str:
    simplified = sum(letter in _SIMPLIFIED for letter in text)
    traditional = sum(letter in _TRADITIONAL for letter in text)
    if simplified == traditional:
        return "zh"
    return "zh-Hans" if simplified > traditional else "zh-Hant"


def _scripts_in(text: str) -> frozenset[str]:
    """Return the known scripts of a text's letters."""
    if _NO_OTHER_SCRIPT.fullmatch(text):
        return _LATIN_ONLY if _LATIN.search(text) else _NO_SCRIPTS
    return frozenset(filter(None, map(_script_of_letter().get, set(text))))


def _counts(text: str) -> dict[str, int]:
    if _NO_OTHER_SCRIPT.fullmatch(text):
        return {"Latn": 1} if _LATIN.search(text) else {}
    script_of_letter = _script_of_letter()
    first = _OTHER_THAN_LATIN.search(text)
    only_script = script_of_letter.get(first[0]) if first else None
    if only_script is not None and _pattern_of_one_script(only_script).fullmatch(text):
        return {only_script: 1}
    counts: dict[str, int] = {}
    for letter, times in Counter(text).items():
        script = script_of_letter.get(letter)
        if script is not None:
            counts[script] = counts.get(script, 0) + times
    return _weighted(counts)


def _weighted(counts: dict[str, int]) -> dict[str, int]:
    for script in _WORD_SCRIPTS & counts.keys():
        counts[script] *= 3
    for script in counts.keys() - {"Latn"}:
        counts[script] *= 2  # among other letters, Latin ones are mostly names
    if "Kana" in counts and "Hani" in counts:
        counts["Kana"] += counts.pop("Hani")
    return counts


@cache
def _pattern_of_one_script(script: str) -> re.Pattern[str]:
    """Return a pattern of letters of the script, accents and signs, without letters of another script."""
    letters = "".join(f"{chr(first)}-{chr(last)}" for first, last, other in _BLOCKS if other == script)
    return re.compile(f"[{letters}\0-@\\[-`{{-\u00a9\u00ab-\u00b9\u00bb-\u00bf\u0300-\u036f\u2000-\u20cf]*")


@cache
def _script_of_letter() -> dict[str, str]:
    return {chr(point): script for first, last, script in _BLOCKS if last < 0x20000 for point in range(first, last + 1)}
