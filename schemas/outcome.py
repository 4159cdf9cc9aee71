"""What becomes of a source record: exactly one outcome, with the issues that the rules found."""

from __future__ import annotations

from typing import Literal

from schemas.base import Base
from schemas.resource import Resource

Severity = Literal["error", "warning", "info"]


class Issue(Base, frozen=True, kw_only=True):
    """What a rule found in a record, identified by key, code, path without list index, and value."""

    key: str
    code: str  # a key of transforms.rules.RULES
    severity: Severity
    path: str  # of the shared record, such as title.en or identifiers[2].value; or of the source
    value: str  # what was found there, shortened to 200 characters


class Tombstone(Base, frozen=True, kw_only=True):
    """The repository deleted the record, or complete lists no longer have it."""

    key: str
    reason: Literal["deleted", "absent"] = "deleted"


class Rejection(Base, frozen=True, kw_only=True):
    """The record could not be read; the reason names what and where."""

    key: str
    reason: str


Outcome = Resource | Tombstone | Rejection


class Assessment(Base, frozen=True, kw_only=True):
    """What the transform makes of one source record: its outcome in one of three fields, and the issues."""

    feed: str
    identifier: str
    format: str
    datestamp: str | None = None
    sha256: str | None = None  # of the payload that was read
    resource: Resource | None = None
    tombstone: Tombstone | None = None
    rejection: Rejection | None = None
    issues: tuple[Issue, ...] = ()
    score: int | None = None  # quality, 0 to 100

    @property
    def key(self) -> str:
        return f"{self.feed}:{self.identifier}"

    @property
    def errors(self) -> tuple[Issue, ...]:
        """Return the issues that keep this version of the record from being published."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    @property
    def outcome(self) -> Outcome:
        outcome = self.resource or self.tombstone or self.rejection
        if outcome is None:
            raise ValueError(f"{self.key}: the assessment has no resource, tombstone or rejection")
        return outcome
