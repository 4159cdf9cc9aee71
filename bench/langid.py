"""Prints how well and how fast languages are told apart on title-length text, by language.

Usage: python bench/langid.py [--whole] [--half 0|1] [--system NAME].

Reads ../shared/corpora/E_langid (sentences of lingua's test data and paragraphs of the UDHR; not lingua's single words
and pairs of words, which are no titles); says so and ends where that folder is absent. Nothing is learned from it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.langid_texts import CORPUS, Sample, samples  # noqa: E402 - the path comes first
from transforms.normalize.language import candidates, fasttext, py3langid, script_of  # noqa: E402
from transforms.normalize.language import detection as detect  # noqa: E402

_FAMILY = ("sr-Latn", "hr", "bs")  # one language to the models, counted as one and apart
MISLABELLED = "ms"  # lingua's Malay sentences are mostly Indonesian: see _malay
_Told = dict[str, Counter[str]]  # group → tag → how often


def right(expected: str, tag: str) -> bool:
    return tag == expected if expected.startswith("sr") else tag.split("-", maxsplit=1)[0] == expected


def right_family(expected: str, tag: str) -> bool:
    """The same, with Serbian, Croatian and Bosnian as one language, in either script."""
    return tag.split("-", maxsplit=1)[0] in ("sr", "hr", "bs") if expected in _FAMILY else right(expected, tag)


def _langdetect_alone(text: str) -> str:
    from langdetect import DetectorFactory, LangDetectException
    from langdetect import detect as told

    DetectorFactory.seed = 0
    try:
        return str(told(text)).replace("zh-cn", "zh").replace("zh-tw", "zh")
    except LangDetectException:
        return "und"


def _py3langid_alone(text: str) -> str:
    script, languages = candidates(text)
    if script is None or len(languages) < 2:
        return languages[0] if languages else "und"
    return _best(py3langid(text.lower(), script), text)


def _best(scores: dict[str, float], text: str) -> str:
    language = max(scores, key=lambda one: scores[one], default="und")
    return f"sr-{script_of(text)}" if language == "sr" else language


_SYSTEMS: dict[str, Callable[[str], str]] = {
    "cascade": lambda text: detect.detect(text).tag,
    "fasttext": lambda text: _best(fasttext(text.lower()), text),
    "py3langid": _py3langid_alone,
    "langdetect": _langdetect_alone,
}


def _measure(told: Callable[[str], str], texts: list[str]) -> tuple[list[str], float]:
    """What was told of each text, and texts a second of processor time, the models loaded."""
    told("A text to load the models with, before the clock starts")
    told("Текст, који учитава моделе пре него што сат крене")
    start = time.process_time()
    tags = [told(text) for text in texts]
    return tags, len(texts) / (time.process_time() - start)


def _half(rows: list[Sample], which: int) -> list[Sample]:
    """Every second text of each group, from its first or its second on."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return [row for group in groups.values() for row in group[which::2]]


def counted(rows: Iterable[Sample], tags: list[str], holds: Callable[[str, str], bool]) -> _Told:
    found: _Told = defaultdict(Counter)
    for row, tag in zip(rows, tags, strict=True):
        found[row.group]["right" if holds(row.expected, tag) else tag] += 1
    return found


def by_language(found: _Told) -> dict[str, float]:
    """Language → share right: the mean of its groups'."""
    shares: dict[str, list[float]] = defaultdict(list)
    for group, told in found.items():
        shares[group.split()[0]].append(told["right"] / told.total())
    return {language: sum(of) / len(of) for language, of in shares.items()}


def _averages(found: _Told, together: _Told) -> None:
    """Print the macro averages over languages, and the lowest language of each."""
    alone, means = by_language(found), by_language(together)
    family = sum(means.pop(one) for one in _FAMILY) / len(_FAMILY)
    one_family = {**means, "/".join(_FAMILY): family}
    rest = {language: mean for language, mean in one_family.items() if language != MISLABELLED}
    apart = {language: alone[language] for language in _FAMILY}
    for name, shares in (
        ("as every file says", alone),
        ("Latin sr, hr and bs counted as one", one_family),
        (f"the same without {MISLABELLED}, whose file is not Malay", rest),
        ("Latin sr, hr and bs among each other", apart),
    ):
        lowest = min(shares, key=lambda one: shares[one])
        mean = sum(shares.values()) / len(shares)
        print(f"macro average of {len(shares)}, {name}: {mean:.4f}; lowest {lowest} {shares[lowest]:.3f}")
    print("apart: " + ", ".join(f"{language} {share:.3f}" for language, share in apart.items()))


def _malay(rows: list[Sample], tags: list[str]) -> None:
    """Print what the file of Malay sentences reads as to two models that know nothing of our words."""
    read: dict[str, list[str]] = defaultdict(list)
    for row, tag in zip(rows, tags, strict=True):
        if row.group == MISLABELLED:
            whole = " ".join(row.whole.lower().split())
            two = {_best(fasttext(whole), whole), _py3langid_alone(whole)}
            read[two.pop() if len(two) == 1 else "apart"].append(tag)
    told = ", ".join(f"{name} {len(of)}" for name, of in sorted(read.items(), key=lambda one: -len(one[1])))
    print(f"{MISLABELLED}.txt, first 120 characters as fastText and py3langid both read them, or are apart: {told}")
    if malay := read.get("ms"):
        print(f"of those that both read as Malay, told as Malay: {malay.count('ms') / len(malay):.3f}")


def _confidences(rows: list[Sample], texts: list[str]) -> None:
    """Print how often an answer is right by its confidence, save for Malay and for Cyrillic Bosnian."""
    found: dict[bool, dict[int, list[bool]]] = {True: defaultdict(list), False: defaultdict(list)}
    for row, text in zip(rows, texts, strict=True):
        told = detect.detect(text)
        if told.tag != "und" and row.expected != MISLABELLED and row.group != "bs udhr cyrl":
            close = row.expected in _FAMILY
            found[close][min(9, int(told.confidence * 10))].append(right(row.expected, told.tag))
    for close, steps in found.items():
        said = ", ".join(f"0.{step} {sum(of) / len(of):.3f} of {len(of)}" for step, of in sorted(steps.items()))
        print(f"right by confidence, {'Latin sr, hr, bs' if close else 'others'}: {said}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="120 characters instead of title length")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every second text of a group, from the first on")
    parser.add_argument("--system", default="cascade", choices=_SYSTEMS)
    asked = parser.parse_args()
    if not CORPUS.exists():
        print(f"nothing to measure: {CORPUS} is absent")
        return 0
    rows = list(samples())
    rows = rows if asked.half is None else _half(rows, asked.half)
    texts = [row.whole if asked.whole else row.title for row in rows]
    tags, rate = _measure(_SYSTEMS[asked.system], texts)
    found = counted(rows, tags, right)
    for group, told in sorted(found.items(), key=lambda one: one[1]["right"] / one[1].total()):
        others = ", ".join(f"{tag} {n}" for tag, n in told.most_common(5) if tag != "right")
        print(f"{group:22} {told.total():5} {told['right'] / told.total():.3f}  {others}")
    _averages(found, counted(rows, tags, right_family))
    _malay(rows, tags)
    if asked.system == "cascade":
        _confidences(rows, texts)
    print(f"{rate:.0f} texts a second of one core ({1e6 / rate:.0f} µs a text), over {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
