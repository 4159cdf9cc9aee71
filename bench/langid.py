"""Prints how well and how fast languages are told apart on title-length text, by language.

Usage: python bench/langid.py [--whole] [--half 0|1] [--system NAME].

Reads ../shared/corpora/E_langid (sentences of lingua's test
data and paragraphs of the UDHR); says so and ends where that folder is absent. Nothing is learned from it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from transforms.normalize import detect, detect_models, detect_script  # noqa: E402 - the path comes first

CORPUS = ROOT.parent / "shared" / "corpora" / "E_langid"
UDHR = {
    "amh": "am", "arb": "ar", "azj_cyrl": "az", "azj_latn": "az", "ben": "bn", "bos_cyrl": "bs", "bos_latn": "bs",
    "bul": "bg", "cmn_hans": "zh", "cmn_hant": "zh", "deu_1996": "de", "ell_monotonic": "el", "eng": "en", "fra": "fr",
    "heb": "he", "hin": "hi", "hrv": "hr", "hye": "hy", "ind": "id", "ita": "it", "jpn": "ja", "kaz": "kk", "kir": "ky",
    "kor": "ko", "mkd": "mk", "nld": "nl", "pes_1": "fa", "pol": "pl", "por_BR": "pt", "por_PT": "pt", "rus": "ru",
    "spa": "es", "srp_cyrl": "sr-Cyrl", "srp_latn": "sr-Latn", "swh": "sw", "tat": "tt", "tgk": "tg", "tha": "th",
    "tha2": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "uzn_cyrl": "uz", "uzn_latn": "uz", "vie": "vi",
}  # fmt: skip
CYRILLIC = "абвгдђежзијклљмнњопрстћуфхцчџш"
ROMAN = [
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
    "ć",
    "u",
    "f",
    "h",
    "c",
    "č",
    "dž",
    "š",
]
LATIN = dict(zip(CYRILLIC, ROMAN, strict=True)) | dict(zip(CYRILLIC.upper(), map(str.capitalize, ROMAN), strict=True))
# Close to one another in Latin letters (hr, bs), or not what the file says (ms: its sentences are Indonesian).
APART = ("hr", "bs", "ms")
UNSPACED = ("th", "zh", "ja")


Row = tuple[str, str, str]  # group, expected tag, text


def title(text: str, language: str) -> str:
    """The first six words, or 25 characters where no spaces part words."""
    return text[:25] if language in UNSPACED else " ".join(text.split()[:6])


def samples(whole: bool = False) -> Iterator[tuple[str, str, str]]:
    """(group, expected tag, text): the group is the language, with the UDHR's scripts told apart."""
    for path in sorted((CORPUS / "lingua" / "sentences").glob("*.txt")):
        expected = "sr-Cyrl" if path.stem == "sr" else path.stem
        for text in path.read_text(encoding="utf-8").splitlines():
            if text.strip():
                yield expected, expected, text[:120] if whole else title(text, expected)
                if expected == "sr-Cyrl":
                    yield "sr-Latn", "sr-Latn", latin(text[:120] if whole else title(text, expected))
    for path in sorted((CORPUS / "udhr").glob("*.html")):
        expected = UDHR[path.stem]
        group = f"{expected} udhr {path.stem.partition('_')[2]}".strip()
        for node in LexborHTMLParser(path.read_text(encoding="utf-8")).css("p"):
            text = " ".join(node.text().split())
            if len(text.split()) >= 4 or (expected in UNSPACED and len(text) > 12):
                yield group, expected, text[:120] if whole else title(text, expected)


def latin(serbian: str) -> str:
    """Serbian Cyrillic in Latin letters, one for one."""
    return "".join(LATIN.get(letter, letter) for letter in serbian)


def right(expected: str, tag: str) -> bool:
    return tag == expected if expected.startswith("sr") else tag.split("-", maxsplit=1)[0] == expected


def langdetect_alone(text: str) -> str:
    from langdetect import DetectorFactory, LangDetectException
    from langdetect import detect as told

    DetectorFactory.seed = 0
    try:
        return str(told(text)).replace("zh-cn", "zh").replace("zh-tw", "zh")
    except LangDetectException:
        return "und"


def best(scores: dict[str, float], text: str) -> str:
    language = max(scores, key=lambda one: scores[one], default="und")
    return f"sr-{detect_script.script_of(text)}" if language == "sr" else language


SYSTEMS: dict[str, Callable[[str], str]] = {
    "cascade": lambda text: detect.detect(text).tag,
    "fasttext": lambda text: best(detect_models.fasttext(text.lower()), text),
    "py3langid": lambda text: best(detect_models.py3langid(text.lower()), text),
    "langdetect": langdetect_alone,
}


def measure(told: Callable[[str], str], rows: list[Row]) -> tuple[dict[str, Counter[str]], float]:
    """What was told of each group, and texts a second of processor time."""
    told("A text to load the models with, before the clock starts")
    start = time.process_time()
    tags = [told(text) for _, _, text in rows]
    rate = len(rows) / (time.process_time() - start)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (group, expected, _), tag in zip(rows, tags, strict=True):
        found[group]["right" if right(expected, tag) else tag] += 1
    return found, rate


def averages(shares: dict[str, float]) -> dict[str, float]:
    """Macro averages over languages; a language's share is the mean of its groups'."""
    languages: dict[str, list[float]] = defaultdict(list)
    for group, share in shares.items():
        languages[group.split()[0]].append(share)
    means = {language: sum(of) / len(of) for language, of in languages.items()}
    rest = [mean for language, mean in means.items() if language not in APART]
    latin = [means[one] for one in ("sr-Latn", "hr", "bs")]
    return {
        f"all {len(means)}": sum(means.values()) / len(means),
        f"{len(rest)} without {', '.join(APART)}": sum(rest) / len(rest),
        "Latin sr, hr, bs": sum(latin) / 3,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="120 characters instead of title length")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every second text, from the first or the second")
    parser.add_argument("--system", default="cascade", choices=SYSTEMS)
    asked = parser.parse_args()
    if not CORPUS.exists():
        print(f"nothing to measure: {CORPUS} is absent")
        return 0
    rows = list(samples(asked.whole))
    rows = rows if asked.half is None else rows[asked.half :: 2]
    found, rate = measure(SYSTEMS[asked.system], rows)
    shares = {group: told["right"] / told.total() for group, told in found.items()}
    for group, told in sorted(found.items(), key=lambda one: shares[one[0]]):
        others = ", ".join(f"{tag} {n}" for tag, n in told.most_common(5) if tag != "right")
        print(f"{group:22} {told.total():5} {shares[group]:.3f}  {others}")
    for name, average in averages(shares).items():
        print(f"macro average, {name}: {average:.4f}")
    print(f"{rate:.0f} texts a second of one core, over {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
