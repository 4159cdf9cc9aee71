"""Print how well and how fast languages are detected in texts of title length, by language.

Usage: python -m bench.langid [--whole] [--half 0|1] [--system NAME] [--every N] [--beside]
[--ntrex FOLDER | --lingua FOLDER | --sib FOLDER | --phet FOLDER].

Reads ../shared/corpora/E_langid (sentences of lingua's test data and paragraphs of the UDHR; not lingua's single words
and pairs of words, which are no titles); ends where that folder is absent. `--ntrex`, `--lingua` and `--sib` read
NTREX-128, all of lingua's test data or SIB-200 (FLORES-200) instead, but for the parts that bench/train_langid.py
learns from; `--phet` reads the titles of simulations, of languages that the library does not know as well. Half of
lingua's sentences are learned from, so of E_langid only `--half 1` is unseen. `--beside` prints the systems side by
side.
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

from bench.langid_texts import CORPUS, UNKNOWN, Sample, read_lingua, read_ntrex, read_phet, read_sib, samples  # noqa: E402 - the path comes first
from transforms.normalize.language import candidate_languages, detect, fasttext, py3langid, script_of  # noqa: E402

_FAMILY = ("sr-Latn", "hr", "bs")  # one language to the models, counted as one and apart
MISLABELLED = "ms"  # lingua's Malay sentences are mostly Indonesian: see _malay
_MAX_BEHIND = 0.02  # of the share right: how far the cascade may be behind the best system
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


def compare_systems(rows: list[Sample]) -> dict[str, dict[str, float]]:
    """Return group → system → share right at title length; Latin Serbian, Croatian and Bosnian count as one."""
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for name, system in _SYSTEMS.items():
        tags, rate = _measure(system, [row.title for row in rows])
        print(f"{name}: {1e6 / rate:.0f} µs of processor time per text")
        for group, counts in count_answers(rows, tags, is_right_in_family).items():
            shares[group][name] = counts["right"] / counts.total()
    return shares


def _print_beside(rows: list[Sample]) -> None:
    """Print every group with the share right of each system, those first that another system tells better."""
    shares = compare_systems([row for row in rows if row.expected != UNKNOWN])
    behind = {group: max(row.values()) - row["cascade"] for group, row in shares.items()}
    print(f"{'':12}" + "".join(f"{name:>12}" for name in _SYSTEMS) + f"{'behind':>12}")
    for group in sorted(shares, key=lambda name: -behind[name]):
        print(f"{group:12}" + "".join(f"{shares[group][name]:12.3f}" for name in _SYSTEMS) + f"{behind[group]:12.3f}")
    means = [sum(row[name] for row in shares.values()) / len(shares) for name in _SYSTEMS]
    print(f"{'macro':12}" + "".join(f"{mean:12.3f}" for mean in means))
    print(f"more than two points behind: {[group for group, points in behind.items() if points > _MAX_BEHIND]}")


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


def _print_verdicts(answers: _Answers) -> None:
    """Print how many texts are right, in no language, and wrong; those of languages the library does not know apart."""
    for name, is_known in (("known", True), ("unknown", False)):
        of = [counts for group, counts in answers.items() if group.startswith(UNKNOWN) is not is_known]
        total, right = sum(counts.total() for counts in of), sum(counts["right"] for counts in of)
        und = sum(counts["und"] for counts in of)
        print(f"{name} languages: {total} texts, {right} right, {und} in no language, {total - right - und} wrong")


def _averages(answers: _Answers, family_answers: _Answers) -> None:
    """Print the macro averages over languages, and the lowest language of each."""
    alone, means = by_language(answers), by_language(family_answers)
    present = [language for language in _FAMILY if language in means]
    family = sum(means.pop(language) for language in present) / len(present)
    one_family = {**means, "/".join(present): family}
    rest = {language: mean for language, mean in one_family.items() if language != MISLABELLED}
    apart = {language: alone[language] for language in present}
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
    parser.add_argument("--ntrex", type=Path, help="folder of NTREX-128's files")
    parser.add_argument("--lingua", type=Path, help="folder of lingua's files of sentences")
    parser.add_argument("--sib", type=Path, help="folder of SIB-200's folders of languages")
    parser.add_argument("--phet", type=Path, help="folder of PhET's translations")
    parser.add_argument("--every", type=int, default=1, help="only every so many texts (langdetect is slow)")
    parser.add_argument("--beside", action="store_true", help="all systems side by side")
    options = parser.parse_args()
    rows = list(_read_rows(options))[:: options.every]
    if not rows:
        print(f"nothing to measure: {CORPUS} is absent")
        return 0
    rows = rows if options.half is None else _half(rows, options.half)
    if options.beside:
        _print_beside(rows)
    else:
        _print_one_system(rows, options)
    return 0


def _read_rows(options: argparse.Namespace) -> Iterable[Sample]:
    if options.ntrex:
        return read_ntrex(options.ntrex, tuning=False)
    if options.lingua:
        return read_lingua(options.lingua, tuning=False)
    if options.sib:
        return read_sib(options.sib, "test")
    if options.phet:
        return read_phet(options.phet)
    return samples() if CORPUS.exists() else ()


def _print_one_system(rows: list[Sample], options: argparse.Namespace) -> None:
    """Print the figures of one system by group, language and confidence."""
    texts = [row.whole if options.whole else row.title for row in rows]
    tags, rate = _measure(_SYSTEMS[options.system], texts)
    answers = count_answers(rows, tags, is_right)
    for group, counts in sorted(answers.items(), key=lambda pair: pair[1]["right"] / pair[1].total()):
        others = ", ".join(f"{tag} {n}" for tag, n in counts.most_common(5) if tag != "right")
        print(f"{group:22} {counts.total():5} {counts['right'] / counts.total():.3f}  {others}")
    in_family = count_answers(rows, tags, is_right_in_family)
    _print_verdicts(in_family)
    _averages(*({group: of[group] for group in of if not group.startswith(UNKNOWN)} for of in (answers, in_family)))
    if not (options.ntrex or options.lingua or options.sib or options.phet):
        _malay(rows, tags)
    if options.system == "cascade":
        _confidences(rows, texts)
    print(f"{rate:.0f} texts per second of one core ({1e6 / rate:.0f} µs per text), over {len(rows)}")


if __name__ == "__main__":
    sys.exit(main())
