"""Learn how n-grams and the two models together tell languages, and write the table of the detection.

Usage: python -m bench.train_langid NTREX LINGUA SIB TICO

The folders hold NTREX-128 of github.com/MicrosoftTranslator/NTREX (news, CC BY-SA 4.0), language-testdata/sentences of
github.com/pemistahl/lingua-py (Apache 2.0), data/annotated of github.com/dadelani/sib-200 (FLORES-200, CC BY-SA 4.0)
and data/TM of github.com/tico-19/tico-19.github.io, unpacked (texts on health, CC0). Frequencies of words come from the
package wordfreq 3 (CC BY-SA 4.0), which must be installed for this.

Read are NTREX's sentences from the 691st on (a new article begins there), every second sentence of LINGUA, its first
among them, SIB's part "train" and TICO; `python -m bench.langid` measures the others. Writes
transforms/normalize/language/ngrams.tsv, which `transforms.normalize.language.ngrams` describes.

The likelihood of a language is a softmax over the weighted logarithms of the models' shares, a constant, and the sum of
the weights of the text's n-grams; all are fitted together by gradient descent (Adam), so that n-grams say what the
models do not know. It is fitted twice with the same n-grams: for fastText alone, and for both models. Rows for close
languages only ("a specialist") have weights for these, and also learn from random words drawn by their frequency. To
their weights is added what word lists say of a word, because what is learned of a few corpora fits these too well.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from bench.langid_texts import UNKNOWN, Sample, read_lingua, read_ntrex, read_sib, read_tico
from transforms.normalize.language import agreement, fasttext, ngrams, py3langid
from transforms.normalize.language.detection import without_noise
from transforms.normalize.language.evidence import distinctive_letters, letters_against
from transforms.normalize.language.script import script_of

_MIN_COUNT = 5  # of an n-gram, in all languages together
_CANDIDATES_PER_ROW = 3  # n-grams of which the first fit chooses one
_MAX_NGRAMS = {"Latn": 11500, "Cyrl": 5000, "Arab": 2500, "Deva": 2500, "Ethi": 2000}
_SPECIALISTS = {  # close languages → the most n-grams and words that are for them only
    "id ms": 12500, "xh zu": 4000, "da no sv": 4000, "ca es gl pt": 6000, "cs sk": 2500, "bs hr sl sr": 2000,
    "af nl": 1500, "bg mk sr": 2000, "be ru uk": 1000, "kk ky tt": 1000, "hi mr ne": 1000, "am ti": 500,
}  # fmt: skip
_LISTED = "ar bg ca cs da de en es fa fi fil fr hu id is it lt lv mk ms nl pl pt ro ru sk sl sv tr uk ur vi"
_WORD_LISTS = {**{name: name for name in _LISTED.split()}, "hr": "sh", "no": "nb"}  # language → its list in wordfreq
_MIN_FREQUENCY = 2e-7
_TEXTS_OF_WORDS = 8_000  # that are drawn of a word list for a specialist
_TEXTS_OF_ALL = 4_000  # and to tell it from all others
_WEIGHT_OF_RATIOS = 1.0  # of the logarithm of how much more frequent a word is in one of close languages
_MAX_RATIO = 1.5
_OWN_WORDS = {"en": 7500}  # languages of most titles → the most words that count for them alone
_WEIGHT_OF_OWN_WORDS = 0.6
_WEIGHT_OF_WORDS = 0.4
_EPOCHS = 4
_BATCH = 4096
_RATE = 0.03
_RATE_OF_FACTORS = 0.01
_DECAY = 3e-5  # of the weights of n-grams
_DECAY_OF_FACTORS = 1e-3  # towards their mean
_DECAY_OF_CONSTANTS = 1e-4
# How much more than another a language counts: most titles are English, and of neighbours one is larger.
_EXPECTED = {"en": 5.0, "de": 1.5, "es": 1.5, "fr": 1.5, "pt": 1.5, "ru": 1.5, "id": 1.55, "zu": 1.2}
_DROPPED = 0.25  # of the texts in a step, for which the models are not read, so that n-grams can do without them
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
    for name in ("ntrex", "lingua", "sib", "tico"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    rows = [
        *read_ntrex(arguments.ntrex, tuning=True),
        *read_lingua(arguments.lingua, tuning=True),
        *(
            row
            for number, row in enumerate(read_sib(arguments.sib, "train"))
            if row.expected != UNKNOWN or number % 3 == 0
        ),
        *list(read_tico(arguments.tico))[::6],
    ]
    with ProcessPoolExecutor(2) as processes:
        tables = processes.map(_table, _MAX_NGRAMS, [[*_in_script(rows, script)] for script in _MAX_NGRAMS])
        text = "".join(tables)
    ngrams.PATH.write_text(text, encoding="utf-8")
    return 0


def _in_script(rows: Iterable[Sample], script: str) -> Iterator[Sample]:
    for row in rows:
        language = row.expected.partition("-")[0]
        if script == "Cyrl" and language in _LETTERS_OF_TWO:
            yield row._replace(whole=_cyrillic(row.whole, language))
        elif script_of(row.whole) == script and language in ngrams.columns_of(script):
            yield row


def _cyrillic(text: str, language: str) -> str:
    """Transliterate Uzbek or Azerbaijani in Latin letters, as both are written in Cyrillic ones."""
    groups, latin, cyrillic = _LETTERS_OF_TWO[language]
    text = text.lower()
    for group in groups.split():
        for start in range(0, len(group), 3):
            text = text.replace(group[start : start + 2], group[start + 2])
    return text.translate(str.maketrans(latin, cyrillic))


class _Texts(NamedTuple):
    """Texts of one script with what they are learned from; one row per text, one column per language."""

    texts: list[str]
    expected: np.ndarray[Any, np.dtype[np.int64]]  # columns
    fast: _Floats
    slow: _Floats
    letters: _Floats


def _table(script: str, rows: list[Sample]) -> str:
    columns = ngrams.columns_of(script)
    texts = _read(script, rows, columns)
    counts = _counts(texts, len(columns))
    wide = _most_telling(counts, np.arange(len(columns)), _MAX_NGRAMS[script] * _CANDIDATES_PER_ROW)
    first = _fit(script, texts, {name: np.ones(len(columns), dtype=bool) for name in wide}, epochs=2)
    heaviest = np.sort(np.argsort(-first.importance, kind="stable")[: _MAX_NGRAMS[script]])
    general = [wide[index] for index in heaviest]
    masks = {name: np.ones(len(columns), dtype=bool) for name in general}
    special = dict(_special_names(columns, counts, set(general)))
    for group, names in special.items():
        of_group = np.isin(columns, group.split())
        masks |= {name: masks.get(name, False) | of_group for name in names}
    fitted = _fit(script, texts, masks, epochs=_EPOCHS)
    print(f"{script}: {len(texts.texts)} texts, {len(general)} n-grams, {len(masks) - len(general)} of specialists")
    index = {name: row for row, name in enumerate(masks)}
    weights = dict(zip(masks, fitted.weights + _ratios(columns, index), strict=True))
    sections = [(columns, {name: weights[name] for name in general})]
    for group, names in special.items():
        members = tuple(name for name in group.split() if name in columns)
        sections.append((members, {name: weights[name] for name in names}))
    sections += [((name,), _own_words(name, columns, weights)) for name in _OWN_WORDS if name in columns]
    return ngrams.write_part(script, ngrams.Factors(*fitted.factors), sections)


def _own_words(language: str, columns: tuple[str, ...], weights: dict[str, _Floats]) -> dict[str, _Floats]:
    """Return the most frequent words that a language's list has far oftener than any other, with their weights."""
    others = [_word_list(name) for name in columns if name in _WORD_LISTS and name != language]
    column = np.arange(len(columns)) == columns.index(language)
    own: dict[str, _Floats] = {}
    for word, frequency in sorted(_word_list(language).items(), key=lambda pair: -pair[1]):
        ratio = np.log(frequency / max(_MIN_FREQUENCY, *(words.get(word, 0.0) for words in others)))
        if ratio > 1 and len(own) < _OWN_WORDS[language]:
            learned = weights.get(f" {word} ", np.zeros(len(columns)))
            own[f" {word} "] = learned + column * (_WEIGHT_OF_OWN_WORDS * min(ratio, 2 * _MAX_RATIO))
    return own


def _read(script: str, rows: list[Sample], columns: tuple[str, ...]) -> _Texts:
    """Read three or four parts of each sentence: its beginning as a title, two short ones, at times the whole."""
    drawn = random.Random(5)
    texts, expected, fast, slow, letters = [], [], [], [], []
    for row in rows:
        for part in _parts(row.whole, drawn):
            text = without_noise(part)
            if script_of(text) == script:
                texts.append(text)
                expected.append(columns.index(row.expected.partition("-")[0]))
                fast.append(agreement.logarithms(fasttext(text), script))
                slow.append(agreement.logarithms(py3langid(text, script), script))
                letters.append(letters_against(distinctive_letters(text, script), script))
    return _Texts(texts, np.array(expected), np.array(fast), np.array(slow), np.array(letters))


def _parts(text: str, drawn: random.Random) -> Iterator[str]:
    words = text.replace("፡", " ").split()
    yield " ".join(words[:6])
    for least, most in ((2, 5), (4, 8)):
        count = drawn.randint(least, most)
        start = drawn.randrange(max(1, len(words) - count + 1))
        yield " ".join(words[start : start + count])
    if drawn.random() < 0.4:
        yield text[:120]


def _counts(texts: _Texts, columns: int) -> dict[str, _Floats]:
    """Return n-gram → how often it occurs in each language, as a share of that language's n-grams."""
    words: dict[int, Counter[str]] = defaultdict(Counter)
    for text, column in zip(texts.texts, texts.expected, strict=True):
        words[column].update(ngrams.WORD.findall(text))
    counts: dict[str, _Floats] = defaultdict(lambda: np.zeros(columns))
    for column, of_language in words.items():
        for word, times in of_language.items():
            for ngram in ngrams.ngrams_of(word):
                counts[ngram][column] += times
    totals = np.maximum(1.0, sum(counts.values()))
    return {name: row / totals for name, row in counts.items() if row.sum() >= _MIN_COUNT}


def _most_telling(counts: dict[str, _Floats], columns: _Floats, limit: int) -> list[str]:
    """Return the n-grams that lower the doubt between languages most: frequency times information."""
    names = sorted(counts)
    frequencies = np.array([counts[name][columns] for name in names])
    totals = frequencies.sum(1)
    shares = (frequencies + 1e-7) / (frequencies + 1e-7).sum(1, keepdims=True)
    information = totals * (np.log(shares.shape[1]) + (shares * np.log(shares)).sum(1))
    return [names[index] for index in np.sort(np.argsort(-information, kind="stable")[:limit])]


def _special_names(
    columns: tuple[str, ...], counts: dict[str, _Floats], general: set[str]
) -> Iterator[tuple[str, list[str]]]:
    """Yield each group of close languages with the n-grams and words that only its specialist counts."""
    rows = {name: row for name, row in counts.items() if name not in general}
    for group, limit in _SPECIALISTS.items():
        members = np.array([columns.index(name) for name in group.split() if name in columns])
        if len(members) > 1:
            of_words = {name: row for name, row in _counts_of_words(group, columns).items() if name not in general}
            both = {name: (rows.get(name, 0.0) + row) / 2 for name, row in of_words.items()}
            yield group, _most_telling(rows | both, members, limit)


def _counts_of_words(group: str, columns: tuple[str, ...]) -> dict[str, _Floats]:
    """Return each word of a group's lists, with blanks around it, with its share among words."""
    counts: dict[str, _Floats] = {}
    for language in group.split():
        for word, frequency in _word_list(language).items():
            counts.setdefault(f" {word} ", np.zeros(len(columns)))[columns.index(language)] = frequency / 20
    return counts


@cache
def _word_list(language: str) -> dict[str, float]:
    if language not in _WORD_LISTS:
        return {}
    frequencies = import_module("wordfreq").get_frequency_dict(_WORD_LISTS[language], "best")
    return {
        word: frequency
        for word, frequency in frequencies.items()
        if frequency > _MIN_FREQUENCY and ngrams.WORD.fullmatch(word)
    }


class _Fitted(NamedTuple):
    """What is learned."""

    factors: _Floats  # the five rows of ngrams.Factors
    weights: _Floats
    importance: _Floats  # of each n-gram


def _matrix(texts: list[list[str]], index: dict[str, int]) -> Any:
    """Return how often each n-gram occurs in each text, given by its words."""
    rows_of_word: dict[str, list[int]] = {}
    indexes: list[int] = []
    ends = [0]
    for words in texts:
        for word in words:
            if word not in rows_of_word:
                rows_of_word[word] = [index[name] for name in ngrams.ngrams_of(word) if name in index]
            indexes += rows_of_word[word]
        ends.append(len(indexes))
    ones = np.ones(len(indexes), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, np.array(indexes, dtype=np.int32), np.array(ends)), (len(texts), len(index)))
    matrix.sum_duplicates()
    return matrix


class _Drawn(NamedTuple):
    """Texts of words drawn by their frequency, which tell the languages of a group apart."""

    matrix: Any
    expected: np.ndarray[Any, np.dtype[np.int64]]
    members: np.ndarray[Any, np.dtype[np.bool_]]  # row of a text → the columns of its group


def _draw(columns: tuple[str, ...], index: dict[str, int]) -> _Drawn:
    generator = np.random.default_rng(3)
    texts, expected, members = [], [], []
    listed = [name for name in columns if name in _WORD_LISTS]
    for group, count in (*((group.split(), _TEXTS_OF_WORDS) for group in _SPECIALISTS), (listed, _TEXTS_OF_ALL)):
        known = [name for name in group if name in listed]
        for language in known if len(known) > 1 else ():
            words = _word_list(language)
            shares = np.array(list(words.values()))
            lengths = generator.integers(2, 7, count)
            drawn = iter(generator.choice(list(words), int(lengths.sum()), p=shares / shares.sum()).tolist())
            texts += [[next(drawn) for _ in range(length)] for length in lengths]
            expected += [columns.index(language)] * count
            members += [np.isin(columns, known)] * count
    return _Drawn(_matrix(texts, index), np.array(expected), np.array(members))


def _ratios(columns: tuple[str, ...], index: dict[str, int]) -> _Floats:
    """Return what word lists say of close languages that all have one: how much more frequent a word is in each."""
    weights = np.zeros((len(index), len(columns)), dtype=np.float32)
    same = {"bs": "hr", "sr": "hr"} if "hr" in columns else {}  # in Latin letters one list for the three
    for group in _SPECIALISTS:
        members = group.split()
        if not all(name in columns and same.get(name, name) in _WORD_LISTS for name in members):
            continue
        lists = [_word_list(same.get(name, name)) for name in members]
        of_group = [columns.index(name) for name in members]
        for word in set().union(*lists):
            if (row := index.get(f" {word} ")) is not None:
                logs = np.log([words.get(word, _MIN_FREQUENCY) for words in lists])
                weights[row, of_group] = np.clip(logs - logs.mean(), -_MAX_RATIO, _MAX_RATIO)
    return np.multiply(_WEIGHT_OF_RATIOS, weights, dtype=np.float32)


class _Adam:
    """Gradient descent with a step for each number by the size of its gradients (Kingma and Ba 2015)."""

    def __init__(self, values: dict[str, _Floats], steps: int) -> None:
        self._values = values
        self._means = {name: np.zeros_like(value) for name, value in values.items()}
        self._squares = {name: np.zeros_like(value) for name, value in values.items()}
        self._steps, self._step = steps, 0

    def descend(self, gradients: dict[str, _Floats]) -> None:
        self._step += 1
        left = 1.02 - self._step / self._steps
        for name, gradient in gradients.items():
            mean, square = self._means[name], self._squares[name]
            mean += 0.1 * (gradient - mean)
            square += 0.01 * (gradient * gradient - square)
            rate = left * (_RATE if name == "ngrams" else _RATE_OF_FACTORS)
            unbiased = mean / (1 - 0.9**self._step)
            self._values[name] -= (rate * unbiased / (np.sqrt(square / (1 - 0.99**self._step)) + 1e-8)).astype("f4")


def _fit(script: str, texts: _Texts, masks: dict[str, _Floats], *, epochs: int) -> _Fitted:
    """Fit the weights of n-grams, each in its columns, and the factors of the models."""
    columns = ngrams.columns_of(script)
    index = {name: row for row, name in enumerate(masks)}
    matrix = _matrix([ngrams.WORD.findall(text) for text in texts.texts], index)
    drawn = _draw(columns, index)
    mask = np.array(list(masks.values()), dtype=np.float32)
    right = _right(columns, texts.expected)
    importance = _importance_of_texts(columns, texts.expected)
    zeros = np.zeros(len(columns), dtype=np.float32)
    values = {"ngrams": np.zeros(mask.shape, dtype=np.float32)} | {
        name: zeros + start for name, start in zip(ngrams.Factors._fields, (0.6, 0.0, 0.5, 0.5, 0.0), strict=True)
    }
    generator = np.random.default_rng(0)
    batches = len(texts.texts) // _BATCH + 1
    adam = _Adam(values, epochs * batches)
    for _ in range(epochs):
        order = np.array_split(generator.permutation(len(texts.texts)), batches)
        order_drawn = np.array_split(generator.permutation(len(drawn.expected)), batches)
        for rows, rows_drawn in zip(order, order_drawn, strict=True):
            is_read = generator.random((len(rows), 1), dtype=np.float32) >= _DROPPED
            models = texts.fast[rows] * is_read, texts.slow[rows] * is_read
            weights = importance[rows, None] / len(rows)
            gradients = _gradients(values, models, matrix[rows], texts.letters[rows], right[rows], weights)
            if len(rows_drawn):
                gradients["ngrams"] += _gradient_of_words(values["ngrams"], drawn, rows_drawn)
            gradients["ngrams"] = (gradients["ngrams"] + _DECAY * values["ngrams"]) * mask
            adam.descend(gradients)
    frequencies = np.asarray(matrix.sum(0)).ravel()
    factors = np.array([values[name] for name in ngrams.Factors._fields])
    return _Fitted(factors, values["ngrams"], np.sqrt(frequencies) * values["ngrams"].std(1))


def _right(columns: tuple[str, ...], expected: _Floats) -> _Floats:
    """Return for each text which columns are right: Serbian, Croatian and Bosnian in Latin letters are one language."""
    right: _Floats = np.arange(len(columns))[None] == expected[:, None]
    if "hr" in columns:
        members = np.isin(columns, agreement.SERBO_CROATIAN)
        right[members[expected]] = members
    return right


def _importance_of_texts(columns: tuple[str, ...], expected: _Floats) -> _Floats:
    """Return the weight of each text, so that languages count as they are expected."""
    of_columns = np.array([_EXPECTED.get(name, 1.0) for name in columns])
    weights = (of_columns / np.maximum(1, np.bincount(expected, minlength=len(columns))))[expected]
    relative: _Floats = (weights / weights.mean()).astype(np.float32)
    return relative


def _gradients(
    values: dict[str, _Floats],
    models: tuple[_Floats, _Floats],
    matrix: Any,
    letters: _Floats,
    right: _Floats,
    weights: _Floats,
) -> dict[str, _Floats]:
    """Return the slope of the loss of some texts, by fastText alone and by both models."""
    fast, slow = models
    of_ngrams = matrix @ values["ngrams"] + letters
    alone = _slopes(fast * values["fast_alone"] + values["constant_alone"] + of_ngrams, right) * weights
    both = _slopes(fast * values["fast"] + slow * values["slow"] + values["constant"] + of_ngrams, right) * weights
    gradients = {
        "fast_alone": (alone * fast).sum(0),
        "constant_alone": alone.sum(0),
        "fast": (both * fast).sum(0),
        "slow": (both * slow).sum(0),
        "constant": both.sum(0),
    }
    for name in gradients:
        is_constant = name.startswith("constant")
        distance = values[name] - (0.0 if is_constant else values[name].mean())
        gradients[name] += distance * (_DECAY_OF_CONSTANTS if is_constant else _DECAY_OF_FACTORS)
    gradients["ngrams"] = np.asarray(matrix.T @ (alone + both))
    return gradients


def _slopes(scores: _Floats, right: _Floats) -> _Floats:
    """Return the slope of the cross entropy by the scores."""
    odds = np.exp(scores - scores.max(1, keepdims=True))
    odds /= odds.sum(1, keepdims=True)
    likelihood = (odds * right).sum(1, keepdims=True) + 1e-9
    slopes: _Floats = odds - odds * right / likelihood
    return slopes


def _gradient_of_words(weights: _Floats, drawn: _Drawn, rows: _Floats) -> _Floats:
    """Return the slope of the loss of texts of drawn words, among the languages of their group."""
    matrix = drawn.matrix[rows]
    scores = np.where(drawn.members[rows], matrix @ weights, -np.inf)
    right = np.arange(weights.shape[1])[None] == drawn.expected[rows, None]
    slopes = _slopes(scores, right) * (_WEIGHT_OF_WORDS / len(rows))
    return np.asarray(matrix.T @ slopes.astype(np.float32))


if __name__ == "__main__":
    sys.exit(main())
