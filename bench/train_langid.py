"""Learn what n-grams say of close languages, and how much each part of the detection counts.

Usage: python -m bench.train_langid NTREX [LINGUA].

NTREX is a folder with NTREX-128 of github.com/MicrosoftTranslator/NTREX (news, CC BY-SA 4.0), LINGUA one with
language-testdata/sentences of github.com/pemistahl/lingua-py (Apache 2.0). Read are NTREX's sentences from the 691st
on (a new article begins there) and every second sentence of LINGUA, its first among them; `python -m bench.langid`
measures the others. Writes transforms/normalize/language/ngrams.tsv: per script a line with its languages, lines with
the weight of fastText, py3langid and n-grams and a constant for each of them, then one line per n-gram.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from bench.langid_texts import Sample, read_lingua, read_ntrex
from transforms.normalize.language import fasttext, ngrams, py3langid
from transforms.normalize.language.agreement import SERBO_CROATIAN
from transforms.normalize.language.detection import without_noise
from transforms.normalize.language.script import CANDIDATES, script_of

_SMOOTHING = 0.3  # added to each count
_MIN_COUNT = 3  # of an n-gram, in all languages together
_MAX_NGRAMS = {"Latn": 9000, "Cyrl": 4000, "Arab": 1500, "Deva": 1500, "Ethi": 800}
_NEIGHBOURS = {  # languages that are taken for one another → the most n-grams that are kept to tell them apart
    700: (
        "af nl", "cs sk sl", "tr az tk uz", "so sw ha", "fr ca it ro", "ru uk be bg", "kk ky tt", "uz tg kk",
        "hi mr ne", "fa ps ur ar", "et fi",
    ),
    3000: ("id ms", "xh zu", "no da sv", "sl hr sr bs", "mk bg sr"),
    6000: ("gl pt es ca",),
}  # fmt: skip
_REGULARIZATION = 1e-3
_FOLDS = 2
_FITTED_EVERY = 3  # of the texts, to save time
_SHORTENED_EVERY = 3  # of the fitted texts
_SHORTENED_WORDS = 3
_FLOOR = 1e-3  # the share of a language that a model does not name, as in agreement.py
_LETTERS_OF_TWO = {  # Latin letters of Uzbek and Azerbaijani → Cyrillic ones, which no corpus has
    "uz": (
        "o‘ўoʻўo'ўo’ў g‘ғgʻғg'ғg’ғ shш chч yoё yuю yaя yeе",
        "abvgdejzijklmnopqrstufxhcy",
        "абвгдежзижклмнопқрстуфхҳцй",
    ),
    "az": ("", "abcçdeəfgğhxıijkqlmnoöprsştuüvyz", "абҹчдеәфҝғһхыижкглмноөпрсштуүвјз"),
}  # fmt: skip

_Floats = np.ndarray[Any, np.dtype[Any]]


def main() -> int:
    """Write the table from the parts of the corpora that the measurement does not read."""
    parser = argparse.ArgumentParser(prog="python -m bench.train_langid", description=__doc__)
    parser.add_argument("ntrex", type=Path)
    parser.add_argument("lingua", type=Path, nargs="?")
    arguments = parser.parse_args()
    rows = [*read_ntrex(arguments.ntrex, tuning=True)]
    if arguments.lingua:
        rows += read_lingua(arguments.lingua, tuning=True)
    with ProcessPoolExecutor(2) as processes:
        tables = processes.map(_table, _MAX_NGRAMS, [[*_in_script(rows, script)] for script in _MAX_NGRAMS])
        text = "".join(line for table in tables for line in table)
    ngrams.PATH.write_text(text, encoding="utf-8")
    return 0


def _in_script(rows: Iterable[Sample], script: str) -> Iterator[Sample]:
    for row in rows:
        language = row.expected.partition("-")[0]
        if script == "Cyrl" and language in _LETTERS_OF_TWO:
            yield row._replace(title=_cyrillic(row.title, language), whole=_cyrillic(row.whole, language))
        elif script_of(row.whole) == script == script_of(row.title) and language in CANDIDATES[script]:
            yield row


def _cyrillic(text: str, language: str) -> str:
    """Transliterate Uzbek or Azerbaijani in Latin letters, as both are written in Cyrillic ones."""
    groups, latin, cyrillic = _LETTERS_OF_TWO[language]
    text = text.lower()
    for group in groups.split():
        for start in range(0, len(group), 3):
            text = text.replace(group[start : start + 2], group[start + 2])
    return text.translate(str.maketrans(latin, cyrillic))


def _table(script: str, rows: list[Sample]) -> list[str]:
    languages = CANDIDATES[script]
    words = _Words(rows, languages)
    names = words.select(_MAX_NGRAMS[script])
    fitted = range(0, len(rows), _FITTED_EVERY)
    weights = [words.weights(without=fold) for fold in range(_FOLDS)]
    features = np.empty((len(fitted), len(languages), 3), dtype=np.float32)
    for row, i in enumerate(fitted):
        title = rows[i].title if row % _SHORTENED_EVERY else " ".join(rows[i].title.split()[:_SHORTENED_WORDS])
        features[row] = _features(title, script, words.score(title, weights[_fold(i)]))
    expected = np.array([languages.index(_language(rows[i])) for i in fitted])
    factors = _fit(features, expected, [languages.index(name) for name in SERBO_CROATIAN if script == "Latn"])
    right = ((features * factors[:3].T).sum(2) + factors[3]).argmax(1) == expected
    print(f"{script}: {len(features)} texts, {len(names)} n-grams, {right.mean():.4f} right")
    return [
        f"#{script}\t{' '.join(languages)}\n",
        *(f"={' '.join(f'{number:.3f}' for number in numbers)}\n" for numbers in factors),
        *(f"{name}\t{ngrams.encode(numbers)}\n" for name, numbers in zip(names, words.weights(), strict=True)),
    ]


def _language(row: Sample) -> str:
    return row.expected.partition("-")[0]


def _fold(index: int) -> int:
    return index // 100 % _FOLDS


def _features(title: str, script: str, of_ngrams: _Floats) -> _Floats:
    text = without_noise(title)
    fast, slow = fasttext(text), py3langid(text, script)
    names = CANDIDATES[script]
    shares = np.array([[fast.get(name, 0.0) for name in names], [slow.get(name, 0.0) for name in names]])
    return np.vstack([np.log(shares + _FLOOR), of_ngrams]).T


class _Words:
    """Counts of the words of texts in one script, and of their n-grams."""

    def __init__(self, rows: list[Sample], languages: tuple[str, ...]) -> None:
        self._counts = [[Counter[str]() for _ in languages] for _ in range(_FOLDS)]
        for index, row in enumerate(rows):
            self._counts[_fold(index)][languages.index(_language(row))].update(_words_of(row.whole))
        self._languages = languages
        self._selected: dict[str, int] = {}

    def select(self, count: int) -> list[str]:
        """Choose the n-grams that tell most of all languages, and of neighbours among each other."""
        counts: dict[str, Counter[int]] = defaultdict(Counter)
        for language in range(len(self._languages)):
            for word, times in sum((fold[language] for fold in self._counts), Counter()).items():
                for ngram in ngrams.ngrams_of(word):
                    counts[ngram][language] += times
        names = sorted(name for name, row in counts.items() if sum(row.values()) >= _MIN_COUNT)
        matrix = np.zeros((len(names), len(self._languages)))
        for index, name in enumerate(names):
            matrix[index, list(counts[name])] = list(counts[name].values())
        frequencies = matrix / np.maximum(1.0, matrix.sum(0))
        known = np.flatnonzero(matrix.sum(0))
        chosen = set(_most_telling(frequencies[:, known], count))
        for limit, group in ((limit, group) for limit, groups in _NEIGHBOURS.items() for group in groups):
            columns = [self._languages.index(name) for name in group.split() if name in self._languages]
            if len(columns) > 1:
                chosen.update(_most_telling(frequencies[:, columns], limit))
        selected = [names[index] for index in sorted(chosen)]
        self._selected = {name: index for index, name in enumerate(selected)}
        return selected

    def weights(self, without: int | None = None) -> _Floats:
        """Return the logarithm of how much more frequent each n-gram is in a language than on average."""
        counts = np.zeros((len(self._selected), len(self._languages)))
        totals = np.zeros(len(self._languages))
        for fold, of_languages in enumerate(self._counts):
            for language, words in enumerate(of_languages if fold != without else ()):
                for word, times in words.items():
                    for index in self._indexes(word):
                        counts[index, language] += times
                totals[language] += words.total()
        known = totals > 0
        logs = np.log(counts + _SMOOTHING) - np.log(totals + 1)
        logs -= logs[:, known].mean(1, keepdims=True)
        logs[:, ~known] = 0.0
        return ngrams.rounded(logs)

    def score(self, title: str, weights: _Floats) -> _Floats:
        """Return what a title's n-grams say for each language, as the detection counts it."""
        score = weights[[index for word in _words_of(title) for index in self._indexes(word)]].sum(0)
        return ngrams.scaled(score)

    def _indexes(self, word: str) -> list[int]:
        return [self._selected[name] for name in ngrams.ngrams_of(word) if name in self._selected]


def _words_of(text: str) -> list[str]:
    return ngrams.WORD.findall(without_noise(text))


def _most_telling(frequencies: _Floats, count: int) -> Iterable[int]:
    """Return the rows of the n-grams that lower the doubt between languages most: frequency times information."""
    totals = frequencies.sum(1)
    shares = (frequencies + 1e-7) / (frequencies + 1e-7).sum(1, keepdims=True)
    information = totals * (np.log(shares.shape[1]) + (shares * np.log(shares)).sum(1))
    best: list[int] = np.argsort(-information, kind="stable")[:count].tolist()
    return best


def _fit(features: _Floats, expected: np.ndarray[Any, np.dtype[np.int64]], family: list[int]) -> _Floats:
    """Return a weight for fastText, py3langid and n-grams, and a constant, of each language (logistic regression).

    Weights are held near their mean, so that few texts decide little; a family counts as one language.
    """
    count = features.shape[1]
    right = np.arange(count)[None] == expected[:, None]
    members = np.isin(np.arange(count), family)
    right[np.isin(expected, family)] = members
    shares = 1 / np.bincount(expected, minlength=count)[expected][:, None]  # of a text: all languages count alike
    shares /= shares.sum()

    def loss_and_slope(flat: _Floats) -> tuple[float, _Floats]:
        factors = flat.reshape(4, count)
        scores = (features * factors[:3].T).sum(2) + factors[3]
        odds = np.exp(scores - scores.max(1, keepdims=True))
        odds /= odds.sum(1, keepdims=True)
        likelihood = (odds * right).sum(1, keepdims=True) + 1e-12
        slopes = (odds - odds * right / likelihood) * shares
        distance = factors - np.vstack([np.repeat(factors[:3].mean(1, keepdims=True), count, 1), np.zeros((1, count))])
        strength = np.array([[1.0], [1.0], [1.0], [0.1]]) * _REGULARIZATION
        loss = -(shares * np.log(likelihood)).sum() + (strength * distance**2).sum()
        slope = np.vstack([np.einsum("tl,tlk->kl", slopes, features), slopes.sum(0)[None]]) + 2 * strength * distance
        return float(loss), slope.ravel()

    start = np.vstack([np.full((3, count), 0.5), np.zeros((1, count))])
    result = minimize(loss_and_slope, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 40})
    factors: _Floats = result.x.reshape(4, count)
    return factors


if __name__ == "__main__":
    sys.exit(main())
