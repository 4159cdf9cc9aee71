"""The form of a feed's expectations: its fields, what a form says, and the lines that a feed file has of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import ValidationError
from starlette.datastructures import FormData

from loaders.feed_text import feed_text
from schemas import Expect, Feed
from web.forms import field
from web.languages import marked

_MAX_NUMBER_CHARS = 12
_RECORDS = "records"
_HUNDRED = 100


class Question(NamedTuple):
    """A field of the form: its name, what it means, and whether it is a share in percent."""

    name: str
    label: str
    is_share: bool


class NotUnderstood(Exception):
    """A field of the form has no value that an expectation can have; the text names both."""


QUESTIONS = (
    Question("least", marked("Records, at least"), False),
    Question("most", marked("Records, at most"), False),
    Question("max_drop", marked("Records that may go in one run, in percent of all"), True),
    Question("max_drop_records", marked("or so many, whichever is more"), False),
    Question("max_error_share", marked("Records with errors, at most, in percent"), True),
    Question("language_share", marked("Records with a language, at least, in percent"), True),
    Question("license_share", marked("Records with a licence, at least, in percent"), True),
)


def answers_of(feed: Feed) -> dict[str, str]:
    """Return what the form shows of a feed's expectations, by name; what the feed does not say is empty."""
    declared = feed.expect.model_dump(exclude_unset=True)
    least, most = declared.get(_RECORDS) or ("", "")
    answers = {"least": str(least), "most": str(most)}
    for question in QUESTIONS[2:]:
        value = declared.get(question.name)
        shown = value * _HUNDRED if question.is_share and value is not None else value
        answers[question.name] = "" if shown is None else f"{shown:g}"
    return answers


def answers_in(form: FormData) -> dict[str, str]:
    """Return what a form says, by name."""
    return {question.name: field(form, question.name, _MAX_NUMBER_CHARS) for question in QUESTIONS}


def expectations_of(answers: dict[str, str]) -> dict[str, Any]:
    """Return the keys of `[expect]` that the answers mean, without those that are empty. Raises NotUnderstood."""
    keys: dict[str, Any] = {}
    for question in QUESTIONS:
        text = answers[question.name].replace(",", ".").replace("%", "").strip()
        if text:
            keys[question.name] = _number(question, text)
    least, most = keys.pop("least", None), keys.pop("most", None)
    if least is not None and most is not None and 0 <= least <= most:
        keys[_RECORDS] = [least, most]
    elif least is not None or most is not None:
        raise NotUnderstood(f"records: {least} – {most}")
    try:
        Expect.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        raise NotUnderstood(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return keys


def _number(question: Question, text: str) -> float | int:
    try:
        return round(float(text) / _HUNDRED, 6) if question.is_share else int(text)
    except (ValueError, OverflowError) as error:
        raise NotUnderstood(f"{question.name}: {text}") from error


def lines_of(keys: dict[str, Any]) -> str:
    """Return the section as a feed file has it."""
    return feed_text({"expect": keys}) if keys else "[expect]\n"
