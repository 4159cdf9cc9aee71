"""Print how well and how fast languages are detected in texts of title length, by language.

Usage: python bench/langid.py [--whole] [--half 0|1] [--system NAME].

Reads ../shared/corpora/E_langid (sentences of lingua's test data and paragraphs of the UDHR; not lingua's single words
and pairs of words, which are no titles); ends where that folder is absent. Nothing is trained on it.
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
from transforms.normalize.language import candidate_languages, detect, fasttext, py3langid, script_of  # noqa: E402

_FAMILY = ("sr-Latn", "hr", "bs")  # one language to the models, counted as one and apart
MISLABELLED = "ms"  # lingua's Malay sentences are mostly Indonesian: see _malay
_Answers = dict[str, Counter[str]]  # group → "right" or a wrong tag → how often


def is_right(expected: str, tag: str) -> bool:
    """Return whether a tag names the expected language, for Serbian with its script."""
    return tag == expected if expected.startswith("sr") else tag.split("-", maxsplit=1)[0] == expected


def is_right_in_family(expected: str, tag: str) -> bool:
    """Return the same with Serbian, Croatian and Bosnian as one language, in either script."""
    return tag.split("-", maxsplit=1)[0] in ("sr", "hr", "bs") if expected in _FAMILY else is_right(expected, tag)


def _langdetect_alone(text: str) -> str:
    from langdetect import DetectorFactory, LangDetectException
    from langdetect import detect as langdetect_detect

    DetectorFactory.seed = 0
    try:
        return str(langdetect_detect(text)).replace("zh-cn", "zh").replace("zh-tw", "zh")
    except LangDetectException:
        return "und"


def _py3langid_alone(text: str) -> str:
    script, languages = candidate_languages(text)
    if script is None or len(languages) < 2:
        return languages[0] if languages else "und"
    return _best(py3langid(text.lower(), script), text)


def _best(scores: dict[str, float], text: str) -> str:
    language = max(scores, key=lambda name: scores[name], default="und")
    return f"sr-{script_of(text)}" if language == "sr" else language


_SYSTEMS: dict[str, Callable[[str], str]] = {
    "cascade": lambda text: detect(text).tag,
    "fasttext": lambda text: _best(fasttext(text.lower()), text),
    "py3langid": _py3langid_alone,
    "langdetect": _langdetect_alone,
}


def _measure(system: Callable[[str], str], texts: list[str]) -> tuple[list[str], float]:
    """Return the tag of each text, and texts per second of processor time after the models are loaded."""
    system("A text to load the models with, before the clock starts")
    system("Текст, који учитава моделе пре него што сат крене")
    start = time.process_time()
    tags = [system(text) for text in texts]
    return tags, len(texts) / (time.process_time() - start)


def _half(rows: list[Sample], which: int) -> list[Sample]:
    """Return every second text of each group, from its first or its second on."""
    groups: dict[str, list[Sample]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    return [row for group in groups.values() for row in group[which::2]]


def count_answers(rows: Iterable[Sample], tags: list[str], is_correct: Callable[[str, str], bool]) -> _Answers:
    """Count the right answers and the wrong tags of each group."""
    answers: _Answers = defaultdict(Counter)
    for row, tag in zip(rows, tags, strict=True):
        answers[row.group]["right" if is_correct(row.expected, tag) else tag] += 1
    return answers


def by_language(answers: _Answers) -> dict[str, float]:
    """Return language → share right, the mean of its groups."""
    shares: dict[str, list[float]] = defaultdict(list)
    for group, tags in answers.items():
        shares[group.split()[0]].append(tags["right"] / tags.total())
    return {language: sum(of) / len(of) for language, of in shares.items()}


def _averages(answers: _Answers, family_answers: _Answers) -> None:
    """Print the macro averages over languages, and the lowest language of each."""
    alone, means = by_language(answers), by_language(family_answers)
    family = sum(means.pop(language) for language in _FAMILY) / len(_FAMILY)
    one_family = {**means, "/".join(_FAMILY): family}
    rest = {language: mean for language, mean in one_family.items() if language != MISLABELLED}
    apart = {language: alone[language] for language in _FAMILY}
    for name, shares in (
        ("as the files are labelled", alone),
        ("Latin sr, hr and bs counted as one", one_family),
        (f"the same without {MISLABELLED}, whose file is not Malay", rest),
        ("Latin sr, hr and bs among each other", apart),
    ):
        lowest = min(shares, key=lambda language: shares[language])
        mean = sum(shares.values()) / len(shares)
        print(f"macro average of {len(shares)}, {name}: {mean:.4f}; lowest {lowest} {shares[lowest]:.3f}")
    print("apart: " + ", ".join(f"{language} {share:.3f}" for language, share in apart.items()))


def _malay(rows: list[Sample], tags: list[str]) -> None:
    """Print as what two models, which do not know our words, read the file of Malay sentences."""
    read: dict[str, list[str]] = defaultdict(list)
    for row, tag in zip(rows, tags, strict=True):
        if row.group == MISLABELLED:
            whole = " ".join(row.whole.lower().split())
            two = {_best(fasttext(whole), whole), _py3langid_alone(whole)}
            read[two.pop() if len(two) == 1 else "apart"].append(tag)
    counts = ", ".join(f"{name} {len(tags)}" for name, tags in sorted(read.items(), key=lambda pair: -len(pair[1])))
    print(f"{MISLABELLED}.txt, first 120 characters as fastText and py3langid both read them, or are apart: {counts}")
    if malay := read.get("ms"):
        print(f"of those that both read as Malay, detected as Malay: {malay.count('ms') / len(malay):.3f}")


def _confidences(rows: list[Sample], texts: list[str]) -> None:
    """Print how often an answer is right by its confidence, except for Malay and Cyrillic Bosnian."""
    answers: dict[bool, dict[int, list[bool]]] = {True: defaultdict(list), False: defaultdict(list)}
    for row, text in zip(rows, texts, strict=True):
        detection = detect(text)
        if detection.tag != "und" and row.expected != MISLABELLED and row.group != "bs udhr cyrl":
            correct = is_right(row.expected, detection.tag)
            answers[row.expected in _FAMILY][min(9, int(detection.confidence * 10))].append(correct)
    for close, steps in answers.items():
        shares = ", ".join(f"0.{step} {sum(of) / len(of):.3f} of {len(of)}" for step, of in sorted(steps.items()))
        print(f"right by confidence, {'Latin sr, hr, bs' if close else 'others'}: {shares}")


def main() -> int:
    """Print the figures by group, language and confidence; nothing where the corpus is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="120 characters instead of title length")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every second text of a group, from the first on")
    parser.add_argument("--system", default="cascade", choices=_SYSTEMS)
    options = parser.parse_args()
    if not CORPUS.exists():
        print(f"nothing to measure: {CORPUS} is absent")
        return 0
    rows = list(samples())
    rows = rows if options.half is None else _half(rows, options.half)
    texts = [row.whole if options.whole else row.title for row in rows]
    tags, rate = _measure(_SYSTEMS[options.system], texts)
    answers = count_answers(rows, tags, is_right)
    for group, counts in sorted(answers.items(), key=lambda pair: pair[1]["right"] / pair[1].total()):
        others = ", ".join(f"{tag} {n}" for tag, n in counts.most_common(5) if tag != "right")
        print(f"{group:22} {counts.total():5} {counts['right'] / counts.total():.3f}  {others}")
    _averages(answers, count_answers(rows, tags, is_right_in_family))
    _malay(rows, tags)
    if options.system == "cascade":
        _confidences(rows, texts)
    print(f"{rate:.0f} texts per second of one core ({1e6 / rate:.0f} µs per text), over {len(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
