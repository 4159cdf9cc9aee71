"""Every regular expression over what partners send takes time that grows with the text, whatever the text is."""

from __future__ import annotations

import re
import signal
import time
from functools import partial
from typing import NoReturn

import pytest
from expressions import Expression, apply, attacks, built_at_run_time, expressions, has_possessive_group, subject
from growth import growth, in_new_process, in_time

pytestmark = pytest.mark.early

# Read no text of a partner, or no more of it than is said here.
BOUNDED = {
    "transforms.normalize.language.detection._TWO_WORDS": "reads 120 characters (_MAX_READ_CHARS)",
    "transforms.normalize.record.descriptions._TEASER": "reads 40 characters (_MAX_TEASER_CHARS)",
}
# Build an expression while they run, which is not measured unless they are functions without arguments.
_ESCAPED = "only words of ours or of the feed file, escaped"
BUILT = {
    "harvesters.client.authorization._pattern": "each character of a credential, escaped, or its encoding",
    "harvesters.client.authorization.mask_token": _ESCAPED,
    "harvesters.client.authorization.Credentials": _ESCAPED,
    "harvesters.lists.json_recovery._start_behind": "one escaped key, then a colon: runs of space do not overlap",
    "loaders.reports.lists.delete_other_pages": "the names of our own files",
    "schemas.license_names._listed_row": "the patterns of licenses.toml, which are measured",
    "transforms.match.numbering._unspaced_numeral": "one of the module's constants, which is measured",
    "transforms.match.version_names._marks": "codes and English names of languages, escaped, and a region once",
    "transforms.normalize.language.script._pattern_of_one_script": "one class of characters",
    "transforms.normalize.dates.edtf.says_no_date": "the patterns of dates.toml, which are measured",
    "transforms.normalize.license.clauses._sign_at_word": "the patterns of licenses.toml, which are measured",
    "transforms.normalize.license.clauses.sign": "the patterns of licenses.toml, which are measured",
    "transforms.normalize.license.recognition._other_licenses": "measured: a function without arguments",
    "transforms.normalize.license.statement._grants_access_only": "the patterns of licenses.toml, which are measured",
    "transforms.normalize.vocabulary.grades._any_of": _ESCAPED,
    "transforms.normalize.vocabulary.grades._ordinal_words": _ESCAPED,
    "transforms.normalize.vocabulary.times._bound_patterns": "measured: a function without arguments",
    "transforms.normalize.vocabulary.times._phrases": "measured: a function without arguments",
    "transforms.normalize.vocabulary.times._times_in_words": "one of the module's constants, which is measured",
    "transforms.rules.languages._runs_of_letters": "one class of characters",
    "transforms.rules.people._and": "measured: a function without arguments",
}
SIZE = 8_000  # characters at which a quadratic expression is far slower than SUSPECT
TOO_LATE = 20  # seconds for one expression on one text
SUSPECT = 0.0015  # seconds; only what takes longer is measured at growing sizes


def failures() -> str:
    """One line for each expression and text on which the time grows faster than the text."""
    lines = []
    for expression in expressions():
        if expression.where in BOUNDED:
            continue
        for attack in attacks(expression.pattern):
            if reason := growth_of(expression, attack):
                lines.append(f"{expression.where}: {reason}, of {attack}: {expression.pattern.pattern!r:.120}")
                break
    return "\n".join(lines)


def growth_of(expression: Expression, attack: tuple[str, str, str], size: int = SIZE) -> str:
    """Why the expression is too slow on a text; empty when it is not."""
    signal.signal(signal.SIGALRM, _too_late)  # re looks for signals while it matches
    signal.alarm(TOO_LATE)
    try:
        begin = time.process_time()
        apply(expression, subject(expression.pattern, attack, size))
        if time.process_time() - begin < SUSPECT:
            return ""
        return growth(
            lambda text: apply(expression, text), lambda n: subject(expression.pattern, attack, n), size, size * 4
        )
    except TimeoutError:
        return f"does not end in {TOO_LATE} seconds"
    finally:
        signal.alarm(0)


def _too_late(*_: object) -> NoReturn:
    raise TimeoutError


def test_no_expression_takes_longer_than_its_text_grows() -> None:
    assert not in_new_process(failures, 1_200)


def test_every_bounded_expression_still_exists() -> None:
    assert BOUNDED.keys() <= {expression.where for expression in expressions()}


def test_every_place_that_builds_an_expression_while_it_runs_is_listed_with_a_reason() -> None:
    """A new one is measured as a constant of its module, or listed in BUILT with why it cannot be slow."""
    assert built_at_run_time() == set(BUILT)


def test_every_expression_matches_alike_on_every_python_of_a_version() -> None:
    assert not [expression.where for expression in expressions() if has_possessive_group(expression.pattern)]


@pytest.mark.parametrize(
    ("pattern", "is_possessive"), [(r"(?:ab|b)*+c", True), (r"(x(?>ab|a))", True), (r"[ab]*+c", False)]
)
def test_a_possessive_group_is_recognised(pattern: str, is_possessive: bool) -> None:
    assert has_possessive_group(re.compile(pattern)) is is_possessive


@pytest.mark.parametrize(("pattern", "size"), [(r"\s*,", 4_000), (r"(\w+)@", 2_000), (r"a[^;]*;b", 4_000)])
def test_an_expression_that_takes_longer_is_recognised(pattern: str, size: int) -> None:
    expression = Expression("here", re.compile(pattern), frozenset({"search"}))
    texts = attacks(expression.pattern)
    reasons = (in_time(partial(growth_of, expression, attack, size)) for attack in texts)
    assert any("times as long" in reason or "does not end" in reason for reason in reasons)
