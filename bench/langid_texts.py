"""Read texts of E_langid, NTREX-128 and lingua's test data, each with the language that its file gives."""

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
_UNSPACED_LANGUAGES = ("th", "zh", "ja", "lo", "km", "my")
_NTREX = {
    "afr": "af", "amh": "am", "arb": "ar", "aze-Latn": "az", "bel": "be", "ben": "bn", "bos": "bs", "bul": "bg",
    "cat": "ca", "ces": "cs", "ckb-Arab": "ckb", "cym": "cy", "dan": "da", "deu": "de", "div": "dv", "ell": "el",
    "eng-GB": "en", "est": "et", "eus": "eu", "fas": "fa", "fil": "fil", "fin": "fi", "fra": "fr", "gle": "ga",
    "glg": "gl", "guj": "gu", "hau": "ha", "heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "hye": "hy",
    "ind": "id", "isl": "is", "ita": "it", "jpn": "ja", "kan": "kn", "kat": "ka", "kaz": "kk", "khm": "km",
    "kir": "ky", "kmr": "ku", "kor": "ko", "lao": "lo", "lav": "lv", "lit": "lt", "mal": "ml", "mar": "mr",
    "mkd": "mk", "mlt": "mt", "mon": "mn", "msa": "ms", "mya": "my", "nep": "ne", "nld": "nl", "nno": "no",
    "nob": "no", "pan": "pa", "pol": "pl", "por-BR": "pt", "por": "pt", "pus": "ps", "ron": "ro", "rus": "ru",
    "sin": "si", "slk": "sk", "slv": "sl", "som": "so", "spa": "es", "spa-MX": "es", "sqi": "sq",
    "srp-Cyrl": "sr-Cyrl", "srp-Latn": "sr-Latn", "swa": "sw", "swe": "sv", "tam": "ta", "tat": "tt", "tel": "te",
    "tgk-Cyrl": "tg", "tha": "th", "tir": "ti", "tuk": "tk", "tur": "tr", "uig": "ug", "ukr": "uk", "urd": "ur",
    "uzb": "uz", "vie": "vi", "xho": "xh", "zho-CN": "zh", "zho-TW": "zh", "zul": "zu",
}  # fmt: skip
_NTREX_REPORTED = 690  # sentences that are measured; the detection is tuned on the others, which are other articles
_LINGUA = {"nb": "no", "nn": "no", "tl": "fil", "sr": "sr-Cyrl"}  # file → language, where they differ
_LINGUA_UNUSED = ("eo", "la", "lg", "mi", "sn", "st", "tn", "ts", "yo", "ms")  # unknown; ms.txt is mostly Indonesian
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


def read_ntrex(folder: Path, *, tuning: bool) -> Iterator[Sample]:
    """Yield the sentences of NTREX-128 that the detection is tuned on, or those that it is measured on."""
    for name, language in _NTREX.items():
        lines = (folder / f"newstest2019-ref.{name}.txt").read_text(encoding="utf-8-sig").splitlines()
        group = f"{language} {name}" if name in ("nno", "por-BR", "spa-MX", "zho-TW") else language
        part = lines[_NTREX_REPORTED:] if tuning else lines[:_NTREX_REPORTED]
        yield from (_sample(group, language, line.strip(), cut=not tuning) for line in part if line.strip())


def read_lingua(folder: Path, *, tuning: bool) -> Iterator[Sample]:
    """Yield every second sentence of lingua's: from the first on to tune the detection, else from the second on."""
    for path in sorted(folder.glob("*.txt")):
        language = _LINGUA.get(path.stem, path.stem)
        if path.stem not in _LINGUA_UNUSED:
            lines = path.read_text(encoding="utf-8").splitlines()[0 if tuning else 1 :: 2]
            group = f"{language} {path.stem}" if path.stem == "nn" else language
            yield from (_sample(group, language, line.strip(), cut=not tuning) for line in lines if line.strip())


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


def _sample(group: str, expected: str, text: str, *, cut: bool = True) -> Sample:
    title = text[:_UNSPACED_TITLE_CHARS] if expected in _UNSPACED_LANGUAGES else " ".join(_words(text)[:_TITLE_WORDS])
    return Sample(group, expected, title, text[:_MAX_READ_CHARS] if cut else text)


def _words(text: str) -> list[str]:
    return text.replace("፡", " ").split()  # the sign between words in Ethiopic


def _latin(serbian: str) -> str:
    """Transliterate Serbian Cyrillic, letter by letter."""
    return "".join(_LATIN_OF_CYRILLIC.get(letter, letter) for letter in serbian)
