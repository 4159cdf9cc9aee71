"""Prints how well and how fast languages are told apart on title-length text, by language.

Usage: python bench/langid.py [--whole] [--system NAME]. Reads ../shared/corpora/E_langid (sentences of lingua's test
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

from transforms.normalize import detect  # noqa: E402 - the path comes first

CORPUS = ROOT.parent / "shared" / "corpora" / "E_langid"
UDHR = {
    "amh": "am", "arb": "ar", "azj_cyrl": "az", "azj_latn": "az", "ben": "bn", "bos_cyrl": "bs", "bos_latn": "bs",
    "bul": "bg", "cmn_hans": "zh", "cmn_hant": "zh", "deu_1996": "de", "ell_monotonic": "el", "eng": "en", "fra": "fr",
    "heb": "he", "hin": "hi", "hrv": "hr", "hye": "hy", "ind": "id", "ita": "it", "jpn": "ja", "kaz": "kk", "kir": "ky",
    "kor": "ko", "mkd": "mk", "nld": "nl", "pes_1": "fa", "pol": "pl", "por_BR": "pt", "por_PT": "pt", "rus": "ru",
    "spa": "es", "srp_cyrl": "sr-Cyrl", "srp_latn": "sr-Latn", "swh": "sw", "tat": "tt", "tgk": "tg", "tha": "th",
    "tha2": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "uzn_cyrl": "uz", "uzn_latn": "uz", "vie": "vi",
}  # fmt: skip
UNSPACED = ("th", "zh", "ja")


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
    for path in sorted((CORPUS / "udhr").glob("*.html")):
        expected = UDHR[path.stem]
        group = f"{expected} udhr {path.stem.partition('_')[2]}".strip()
        for node in LexborHTMLParser(path.read_text(encoding="utf-8")).css("p"):
            text = " ".join(node.text().split())
            if len(text.split()) >= 4 or (expected in UNSPACED and len(text) > 12):
                yield group, expected, text[:120] if whole else title(text, expected)


def right(expected: str, tag: str) -> bool:
    return tag == expected if expected.startswith("sr") else tag.split("-")[0] == expected


def systems() -> dict[str, Callable[[str], str]]:
    """The cascade, and each of its parts alone, by name."""
    return {"cascade": lambda text: detect.detect(text).tag}


def measure(told: Callable[[str], str], rows: list[tuple[str, str, str]]) -> tuple[dict[str, Counter[str]], float]:
    """What was told of each group, and texts a second."""
    told(rows[0][2])
    start = time.perf_counter()
    tags = [told(text) for _, _, text in rows]
    rate = len(rows) / (time.perf_counter() - start)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (group, expected, _), tag in zip(rows, tags, strict=True):
        found[group]["right" if right(expected, tag) else tag] += 1
    return found, rate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="120 characters instead of title length")
    parser.add_argument("--system", default="cascade", choices=systems())
    asked = parser.parse_args()
    if not CORPUS.exists():
        print(f"nothing to measure: {CORPUS} is absent")
        return 0
    rows = list(samples(asked.whole))
    found, rate = measure(systems()[asked.system], rows)
    shares = {group: told["right"] / told.total() for group, told in found.items()}
    for group, told in sorted(found.items(), key=lambda one: shares[one[0]]):
        others = ", ".join(f"{tag} {n}" for tag, n in told.most_common(5) if tag != "right")
        print(f"{group:22} {told.total():5} {shares[group]:.3f}  {others}")
    for name, chosen in (("lingua", [g for g in shares if "udhr" not in g]), ("udhr", [g for g in shares if "udhr" in g])):
        print(f"{name} macro average over {len(chosen)}: {sum(shares[g] for g in chosen) / len(chosen):.4f}")
    languages: dict[str, list[float]] = defaultdict(list)
    for group, share in shares.items():
        languages[group.split()[0]].append(share)
    print(f"macro average over {len(languages)} languages: {sum(sum(s) / len(s) for s in languages.values()) / len(languages):.4f}")
    print(f"{rate:.0f} texts/s over {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
