"""How a source record ends: as exactly one outcome, with everything the rules found."""

from __future__ import annotations

from typing import Literal

from schemas.base import Base
from schemas.resource import Resource

Severity = Literal["error", "warning", "info"]


class Issue(Base, frozen=True, kw_only=True):
    """One finding about one record. The same finding is (key, code, path without list index, value)."""

    key: str
    code: str  # of the registry transforms.rules.RULES
    severity: Severity
    path: str  # of the shared record, such as title.en or identifiers[2].value; or of the source
    value: str  # what was found there, shortened to 200 characters


class Tombstone(Base, frozen=True, kw_only=True):
    """The partner says that the record is gone, or a complete list no longer has it."""

    key: str
    reason: Literal["deleted", "absent"] = "deleted"


class Rejection(Base, frozen=True, kw_only=True):
    """We could not read the record; the reason names what and where."""

    key: str
    reason: str


Outcome = Resource | Tombstone | Rejection


class Assessment(Base, frozen=True, kw_only=True):
    """One source record after transform and rules: its outcome in one of three fields, and the findings."""

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
        """The findings that keep this version of the record from being published."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    @property
    def outcome(self) -> Outcome:
        found = self.resource or self.tombstone or self.rejection
        if found is None:
            raise ValueError(f"{self.key}: an assessment without an outcome")
        return found
