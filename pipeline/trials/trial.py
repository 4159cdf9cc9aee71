"""A trial: its state, how far it is, and its result, in files below ELIB_HOME/trials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from loaders.reports import PreviewFacts
from pipeline.self_test import TestLine
from schemas import Base, Environment, Feed, Sentence

TrialState = Literal["waiting", "working", "done", "failed"]
Stage = Literal["waiting", "self_test", "reading", "judging", "done"]


class TrialRefused(Exception):
    """A trial cannot be begun; `message` says why, for the person who wants it."""

    def __init__(self, message: Sentence) -> None:
        super().__init__(str(message))
        self.message = message


class Upload(NamedTuple):
    """A file that a partner sends instead of an address: its name as sent, and where it lies now (it is copied)."""

    name: str
    path: Path


class Trial(Base, frozen=True, kw_only=True):
    """A trial as it stands now.

    id: 32 hexadecimal digits that cannot be guessed
    declaration: the feed's declaration as it was given, without its name; Feed of it is `feed`
    by: who began it
    began_at, kept_until: UTC, ISO 8601
    state: failed has a `reason`, and may still have lines and a preview: what was found before it failed
    stage: what is done now
    records: records received so far, for the progress
    seconds: since it began to work
    ahead: trials that wait before this one
    lines: the self-test's lines so far
    preview: the result; None until it is there
    upload: the name of the uploaded file; empty without one
    """

    id: str
    declaration: dict[str, Any]
    by: str
    began_at: str
    kept_until: str
    state: TrialState = "waiting"
    stage: Stage = "waiting"
    reason: Sentence | None = None
    records: int = 0
    seconds: float = 0.0
    ahead: int = 0
    lines: tuple[TestLine, ...] = ()
    preview: PreviewFacts | None = None
    upload: str = ""


def begin_trial(env: Environment, declaration: Mapping[str, Any], *, by: str, upload: Upload | None = None) -> str:
    """Begin a trial of a declaration (the keys of a feed file, without a name) and return its id at once.

    With an upload the declaration's `protocol` is `files` or `csv`, and its `url` may be left out. Raises
    TrialRefused: the declaration has a mistake, the upload is too large, or too many trials wait.
    """
    raise NotImplementedError


def read_trial(env: Environment, trial_id: str) -> Trial | None:
    """Return a trial as it stands now; None when there is none with that id, or it is no longer kept.

    A trial whose process has ended without a result, or is past its time, has failed.
    """
    raise NotImplementedError


def trial_feed(declaration: Mapping[str, Any]) -> Feed:
    """Return the feed of a declaration, within a trial's bounds. Raises TrialRefused naming every mistake."""
    raise NotImplementedError


def remove_old_trials(env: Environment) -> int:
    """Remove the trials that are kept no longer (30 days); return how many. Every new trial and publication does it."""
    raise NotImplementedError
