"""The texts of ../shared/corpora/E_langid that languages are told by, at title length, each with what its file says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "E_langid"
UDHR = {
    "amh": "am", "arb": "ar", "azj_cyrl": "az", "azj_latn": "az", "ben": "bn", "bos_cyrl": "bs", "bos_latn": "bs",
    "bul": "bg", "cmn_hans": "zh", "cmn_hant": "zh", "deu_1996": "de", "ell_monotonic": "el", "eng": "en", "fra": "fr",
    "heb": "he", "hin": "hi", "hrv": "hr", "hye": "hy", "ind": "id", "ita": "it", "jpn": "ja", "kaz": "kk", "kir": "ky",
    "kor": "ko", "mkd": "mk", "nld": "nl", "pes_1": "fa", "pol": "pl", "por_BR": "pt", "por_PT": "pt", "rus": "ru",
    "spa": "es", "srp_cyrl": "sr-Cyrl", "srp_latn": "sr-Latn", "swh": "sw", "tat": "tt", "tgk": "tg", "tha": "th",
    "tha2": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "uzn_cyrl": "uz", "uzn_latn": "uz", "vie": "vi",
}  # fmt: skip
CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
ROMAN = ["a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t"]
ROMAN += ["ć", "u", "f", "h", "c", "č", "dž", "š"]
LATIN = dict(zip(CYRILLIC, ROMAN, strict=True)) | dict(zip(CYRILLIC.upper(), map(str.capitalize, ROMAN), strict=True))
UNSPACED = ("th", "zh", "ja")
WORDS = 6  # of a title
CHARACTERS = 25  # where no spaces part words
SHORT = 12  # characters, or
FEW = 4  # words: a paragraph of less is a heading
WHOLE = 120  # characters that the detector reads


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
                yield _sample("sr-Latn", "sr-Latn", latin(line))
    for path in sorted((CORPUS / "udhr").glob("*.html")):
        expected = UDHR[path.stem]
        group = f"{expected} udhr {path.stem.partition('_')[2]}".strip()
        for node in LexborHTMLParser(path.read_text(encoding="utf-8")).css("p"):
            if (parted := len(_words(node.text()))) >= FEW or (expected in UNSPACED and parted):
                text = " ".join(node.text().split())
                if expected not in UNSPACED or len(text) > SHORT:
                    yield _sample(group, expected, text)


def _sample(group: str, expected: str, text: str) -> Sample:
    title = text[:CHARACTERS] if expected in UNSPACED else " ".join(_words(text)[:WORDS])
    return Sample(group, expected, title, text[:WHOLE])


def _words(text: str) -> list[str]:
    return text.replace("፡", " ").split()  # in Ethiopic a sign parts words


def latin(serbian: str) -> str:
    """Serbian Cyrillic in Latin letters, one for one."""
    return "".join(LATIN.get(letter, letter) for letter in serbian)
