"""Read the texts of ../shared/corpora/E_langid at title length, each with the language that its file gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "E_langid"
_UDHR = {
    "amh": "am", "arb": "ar", "azj_cyrl": "az", "azj_latn": "az", "ben": "bn", "bos_cyrl": "bs", "bos_latn": "bs",
    "bul": "bg", "cmn_hans": "zh", "cmn_hant": "zh", "deu_1996": "de", "ell_monotonic": "el", "eng": "en", "fra": "fr",
    "heb": "he", "hin": "hi", "hrv": "hr", "hye": "hy", "ind": "id", "ita": "it", "jpn": "ja", "kaz": "kk", "kir": "ky",
    "kor": "ko", "mkd": "mk", "nld": "nl", "pes_1": "fa", "pol": "pl", "por_BR": "pt", "por_PT": "pt", "rus": "ru",
    "spa": "es", "srp_cyrl": "sr-Cyrl", "srp_latn": "sr-Latn", "swh": "sw", "tat": "tt", "tgk": "tg", "tha": "th",
    "tha2": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "uzn_cyrl": "uz", "uzn_latn": "uz", "vie": "vi",
}  # fmt: skip
_CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
_LATIN_LETTERS = [
    "a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t", "ć",
    "u", "f", "h", "c", "č", "dž", "š",
]  # fmt: skip
_LATIN_OF_CYRILLIC = dict(zip(_CYRILLIC, _LATIN_LETTERS, strict=True)) | dict(
    zip(_CYRILLIC.upper(), map(str.capitalize, _LATIN_LETTERS), strict=True)
)
_UNSPACED_LANGUAGES = ("th", "zh", "ja")
_TITLE_WORDS = 6
_UNSPACED_TITLE_CHARS = 25  # of a title without spaces
_MAX_HEADING_CHARS = 12  # of an unspaced paragraph that is a heading
_MIN_PARAGRAPH_WORDS = 4  # with fewer it is a heading
_MAX_READ_CHARS = 120  # by the detector


class Sample(NamedTuple):
    """A text of the corpus."""

    group: str  # the language, with the UDHR and its scripts apart
    expected: str  # the tag that the file gives
    title: str
    whole: str  # the sentence or paragraph, as the detector would see it


def samples() -> Iterator[Sample]:
    """Yield every sentence of lingua and every paragraph of the UDHR; Serbian sentences once more in Latin letters.

    Raises KeyError for a file of the UDHR whose language is not listed above, so that none is left out.
    """
    for path in sorted((CORPUS / "lingua" / "sentences").glob("*.txt")):
        yield from _sentences(path)
    for path in sorted((CORPUS / "udhr").glob("*.html")):
        yield from _paragraphs(path)


def _sentences(path: Path) -> Iterator[Sample]:
    expected = "sr-Cyrl" if path.stem == "sr" else path.stem
    for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
        yield _sample(expected, expected, line)
        if expected == "sr-Cyrl":
            yield _sample("sr-Latn", "sr-Latn", _latin(line))


def _paragraphs(path: Path) -> Iterator[Sample]:
    expected = _UDHR[path.stem]
    group = f"{expected} udhr {path.stem.partition('_')[2]}".strip()
    for node in LexborHTMLParser(path.read_text(encoding="utf-8")).css("p"):
        text = node.text()
        if not _is_heading(text, expected):
            yield _sample(group, expected, " ".join(text.split()))


def _is_heading(text: str, language: str) -> bool:
    """Tell whether a paragraph is empty or too short to be a sentence; unspaced languages count characters."""
    if language in _UNSPACED_LANGUAGES:
        return len(" ".join(text.split())) <= _MAX_HEADING_CHARS
    return len(_words(text)) < _MIN_PARAGRAPH_WORDS


def _sample(group: str, expected: str, text: str) -> Sample:
    title = text[:_UNSPACED_TITLE_CHARS] if expected in _UNSPACED_LANGUAGES else " ".join(_words(text)[:_TITLE_WORDS])
    return Sample(group, expected, title, text[:_MAX_READ_CHARS])


def _words(text: str) -> list[str]:
    return text.replace("፡", " ").split()  # the sign between words in Ethiopic


def _latin(serbian: str) -> str:
    """Transliterate Serbian Cyrillic, letter by letter."""
    return "".join(_LATIN_OF_CYRILLIC.get(letter, letter) for letter in serbian)
