"""The texts of ../shared/corpora/E_langid that languages are told by, at title length, each with what its file says."""

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
_ROMAN = [
    "a",
    "b",
    "v",
    "g",
    "d",
    "đ",
    "e",
    "ž",
    "z",
    "i",
    "j",
    "k",
    "l",
    "lj",
    "m",
    "n",
    "nj",
    "o",
    "p",
    "r",
    "s",
    "t",
]
_ROMAN += ["ć", "u", "f", "h", "c", "č", "dž", "š"]
_LATIN = dict(zip(_CYRILLIC, _ROMAN, strict=True)) | dict(
    zip(_CYRILLIC.upper(), map(str.capitalize, _ROMAN), strict=True)
)
_UNSPACED = ("th", "zh", "ja")
_WORDS = 6  # of a title
_CHARACTERS = 25  # where no spaces part words
_SHORT = 12  # characters, or
_FEW = 4  # words: a paragraph of less is a heading
_WHOLE = 120  # characters that the detector reads


class Sample(NamedTuple):
    group: str  # the language, with the UDHR and its scripts apart
    expected: str  # the tag that the file says
    title: str
    whole: str  # the sentence or paragraph, as the detector would see it


def samples() -> Iterator[Sample]:
    """Every sentence of lingua's and every paragraph of the UDHR's; Serbian sentences once more in Latin letters.

    Raises KeyError for a file of the UDHR whose language is not listed above: nothing is passed over.
    """
    for path in sorted((CORPUS / "lingua" / "sentences").glob("*.txt")):
        expected = "sr-Cyrl" if path.stem == "sr" else path.stem
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            yield _sample(expected, expected, line)
            if expected == "sr-Cyrl":
                yield _sample("sr-Latn", "sr-Latn", _latin(line))
    for path in sorted((CORPUS / "udhr").glob("*.html")):
        expected = _UDHR[path.stem]
        group = f"{expected} udhr {path.stem.partition('_')[2]}".strip()
        for node in LexborHTMLParser(path.read_text(encoding="utf-8")).css("p"):
            if (parted := len(_words(node.text()))) >= _FEW or (expected in _UNSPACED and parted):
                text = " ".join(node.text().split())
                if expected not in _UNSPACED or len(text) > _SHORT:
                    yield _sample(group, expected, text)


def _sample(group: str, expected: str, text: str) -> Sample:
    title = text[:_CHARACTERS] if expected in _UNSPACED else " ".join(_words(text)[:_WORDS])
    return Sample(group, expected, title, text[:_WHOLE])


def _words(text: str) -> list[str]:
    return text.replace("፡", " ").split()  # in Ethiopic a sign parts words


def _latin(serbian: str) -> str:
    """Serbian Cyrillic in Latin letters, one for one."""
    return "".join(_LATIN.get(letter, letter) for letter in serbian)
