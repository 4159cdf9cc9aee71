"""What a self-test tells a partner: one line per check, and what to do about it."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

from schemas import Base, Sentence

Level = Literal["ok", "advice", "problem", "not_checked"]


class TestLine(Base, frozen=True, kw_only=True):
    """The result of one check of a partner's source.

    check: a stable code, of docs/self-test.md; a check has one line, and the lines come in the order of the checks
    level: ok; advice, where a harvest works and something can be better; problem, where it fails or loses records;
        not_checked, where the check does not fit or could not be made, for the reason that `message` tells
    message: what was found
    advice: what the partner can do; None where there is nothing to do
    """

    __test__: ClassVar[bool] = False  # for pytest: its name begins like that of a test

    check: str
    level: Level
    message: Sentence
    advice: Sentence | None = None


class CheckResult(NamedTuple):
    """What a check found; the line of it has the check's code, too."""

    level: Level
    message: Sentence
    advice: Sentence | None = None


class NotChecked(Exception):
    """A check cannot be made; `reason` says why."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__(str(reason))
        self.reason = reason


def ok(message: Sentence) -> CheckResult:
    """Return a result that needs nothing."""
    return CheckResult("ok", message)


def advice(message: Sentence, what_to_do: Sentence) -> CheckResult:
    """Return a result that could be better."""
    return CheckResult("advice", message, what_to_do)


def problem(message: Sentence, what_to_do: Sentence) -> CheckResult:
    """Return a result that makes a harvest fail or lose records."""
    return CheckResult("problem", message, what_to_do)
