"""Read texts, each with the language of its file: E_langid, NTREX-128, lingua's, SIB-200, TICO-19, PhET's titles."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from transforms.normalize.language.script import is_known, script_of

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
_SIB = {  # folder of SIB-200 → language
    "afr_Latn": "af", "als_Latn": "sq", "amh_Ethi": "am", "arb_Arab": "ar", "azj_Latn": "az", "bel_Cyrl": "be",
    "ben_Beng": "bn", "bos_Latn": "bs", "bul_Cyrl": "bg", "cat_Latn": "ca", "ces_Latn": "cs", "ckb_Arab": "ckb",
    "cym_Latn": "cy", "dan_Latn": "da", "deu_Latn": "de", "ell_Grek": "el", "eng_Latn": "en", "est_Latn": "et",
    "eus_Latn": "eu", "fin_Latn": "fi", "fra_Latn": "fr", "gle_Latn": "ga", "glg_Latn": "gl", "hat_Latn": "ht",
    "hau_Latn": "ha", "heb_Hebr": "he", "hin_Deva": "hi", "hrv_Latn": "hr", "hun_Latn": "hu", "hye_Armn": "hy",
    "ind_Latn": "id", "isl_Latn": "is", "ita_Latn": "it", "jpn_Jpan": "ja", "kat_Geor": "ka", "kaz_Cyrl": "kk",
    "khk_Cyrl": "mn", "kir_Cyrl": "ky", "kmr_Latn": "ku", "kor_Hang": "ko", "lit_Latn": "lt", "lvs_Latn": "lv",
    "mar_Deva": "mr", "mkd_Cyrl": "mk", "mlt_Latn": "mt", "nld_Latn": "nl", "nno_Latn": "no", "nob_Latn": "no",
    "npi_Deva": "ne", "pbt_Arab": "ps", "pes_Arab": "fa", "pol_Latn": "pl", "por_Latn": "pt", "ron_Latn": "ro",
    "rus_Cyrl": "ru", "slk_Latn": "sk", "slv_Latn": "sl", "som_Latn": "so", "spa_Latn": "es", "srp_Cyrl": "sr-Cyrl",
    "swe_Latn": "sv", "swh_Latn": "sw", "tat_Cyrl": "tt", "tgk_Cyrl": "tg", "tgl_Latn": "fil", "tha_Thai": "th",
    "tir_Ethi": "ti", "tuk_Latn": "tk", "tur_Latn": "tr", "uig_Arab": "ug", "ukr_Cyrl": "uk", "urd_Arab": "ur",
    "uzn_Latn": "uz", "vie_Latn": "vi", "xho_Latn": "xh", "zho_Hans": "zh", "zsm_Latn": "ms", "zul_Latn": "zu",
}  # fmt: skip
# Folders of languages in Latin letters that the library does not know.
_SIB_UNKNOWN = """
    ace_Latn aka_Latn ayr_Latn bam_Latn ban_Latn bem_Latn bug_Latn ceb_Latn cjk_Latn crh_Latn dik_Latn dyu_Latn
    epo_Latn ewe_Latn fao_Latn fij_Latn fon_Latn fur_Latn fuv_Latn gaz_Latn gla_Latn grn_Latn ibo_Latn ilo_Latn
    jav_Latn kab_Latn kac_Latn kam_Latn kbp_Latn kea_Latn kik_Latn kin_Latn kmb_Latn kon_Latn lij_Latn lim_Latn
    lin_Latn lmo_Latn ltg_Latn ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn min_Latn mos_Latn mri_Latn nso_Latn
    nus_Latn nya_Latn oci_Latn pag_Latn pap_Latn plt_Latn quy_Latn run_Latn sag_Latn scn_Latn smo_Latn sna_Latn
    sot_Latn srd_Latn ssw_Latn sun_Latn szl_Latn taq_Latn tpi_Latn tsn_Latn tso_Latn tum_Latn twi_Latn umb_Latn
    vec_Latn war_Latn wol_Latn yor_Latn
"""
_TICO = {  # language of a file of TICO-19 → language
    "ar": "ar", "ckb": "ckb", "es-419": "es", "fa": "fa", "fr": "fr", "ha": "ha", "hi": "hi", "id": "id", "ku": "ku",
    "mr": "mr", "ms": "ms", "ne": "ne", "ps": "ps", "pt-BR": "pt", "ru": "ru", "so": "so", "sw": "sw", "ti": "ti",
    "tl": "fil", "ur": "ur", "zu": "zu",
}  # fmt: skip
_PHET = {"iw": "he", "in": "id", "nb": "no", "nn": "no", "tl": "fil"}  # language of a file of PhET's → language
_DIRECTIONS = dict.fromkeys((*range(0x202A, 0x202F), 0x200E, 0x200F))  # marks of writing direction
UNKNOWN = "und"  # the tag of a text in a language that the library does not know
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


def read_sib(folder: Path, part: str) -> Iterator[Sample]:
    """Yield the sentences of a part of SIB-200 ("train", "dev" or "test"); those of unknown languages as "und"."""
    languages = _SIB | dict.fromkeys(_SIB_UNKNOWN.split(), UNKNOWN)
    for name, language in languages.items():
        group = f"{language} {name}" if name == "nno_Latn" or language == UNKNOWN else language
        with (folder / name / f"{part}.tsv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield _sample(group, language, row["text"].strip().strip('"'), cut=part != "train")


def read_tico(folder: Path) -> Iterator[Sample]:
    """Yield the translations of TICO-19, which are in the files `all.en-LANGUAGE.tmx`."""
    for name, language in _TICO.items():
        for unit in etree.parse(folder / f"all.en-{name}.tmx").iter("tu"):
            text = "".join(map(str, unit.findall("tuv")[1].itertext())).strip()
            if text:
                yield _sample(language, language, text, cut=False)


def read_phet(folder: Path) -> Iterator[Sample]:
    """Yield the titles of two words and more of PhET's simulations, which its repository "babel" translates."""
    titles: set[tuple[str, str]] = set()
    for path in folder.glob("*/*-strings_*.json"):
        name = path.stem.rpartition("strings_")[2].partition("_")[0]
        for key, string in msgspec.json.decode(path.read_bytes()).items():
            if key.endswith(".title") and isinstance(string, dict):
                title = " ".join(str(string.get("value", "")).translate(_DIRECTIONS).split())
                if " " in title and "{" not in title and "<" not in title:
                    titles.add((_PHET.get(name, name), title))
    for language, title in sorted(titles):
        tag = _tag_of(language, title)
        yield Sample(f"{tag} {language}" if tag == UNKNOWN else tag, tag, title, title)


def _tag_of(language: str, title: str) -> str:
    """Return the tag that is right for a title: Serbian with its script, Sorani for Kurdish in Arabic letters."""
    script = script_of(title)
    if language in ("sr", "sh"):
        return f"sr-{script}"
    if language == "ku" and script == "Arab":
        return "ckb"
    return language if is_known(language) else UNKNOWN


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
