"""What a preview shows: the shapes of its JSON, of its page, and of the result of a partner's trial."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from schemas import Base, Sentence, Severity

Need = Literal["required", "recommended", "optional"]
PreviewStatus = Literal["accepted", "quarantined", "rejected", "deleted"]


class PreviewedFeed(Base, frozen=True, kw_only=True):
    """The feed that was looked at, in the words of its declaration."""

    name: str
    title: str
    partner: str
    protocol: str
    url: str
    format: str
    prefix: str | None


class PreviewCounts(Base, frozen=True, kw_only=True):
    """Records looked at, and what would become of them; quarantined ones cannot be published as they are."""

    records: int
    accepted: int
    quarantined: int
    rejected: int
    deleted: int


class FieldShare(Base, frozen=True, kw_only=True):
    """The share of readable records (0 to 1) that have a field, and whether the library asks for it.

    need: required, where a record without it cannot be published; recommended; optional
    """

    field: str
    share: float
    need: Need = "optional"


class LicenseShare(Base, frozen=True, kw_only=True):
    """A licence with its records; label is None for records without one, open is None where it cannot be decided."""

    label: str | None
    uri: str | None
    open: bool | None
    count: int
    share: float


class LanguageShare(Base, frozen=True, kw_only=True):
    """A language with its records; tag is None for records without one."""

    tag: str | None
    count: int
    share: float


class KindShare(Base, frozen=True, kw_only=True):
    """A kind of resource with its records; code is None for records without one."""

    code: str | None
    label: str | None
    count: int
    share: float


class UncodedTerm(Base, frozen=True, kw_only=True):
    """A partner's term that no list of the library knows, with the identifiers of the records that have it."""

    field: str
    value: str
    count: int
    identifiers: list[str]


class UnusedPath(Base, frozen=True, kw_only=True):
    """A path of the source that is read and not used, with its values, the most frequent first."""

    path: str
    count: int
    values: list[str]


class FindingExample(Base, frozen=True, kw_only=True):
    """One record that a rule found something in, by the partner's own identifier."""

    identifier: str
    path: str
    value: str


class PreviewFinding(Base, frozen=True, kw_only=True):
    """What a rule found: how often, in how many records, what is wrong, why it matters, how to mend it (English).

    Translations of `wrong` and `mend` are in transforms.rules.rule_texts(), as wrong.fr, mend.fr, ….
    """

    code: str
    severity: Severity
    count: int
    records: int
    wrong: str
    why: str
    mend: str
    examples: list[FindingExample]

    @property
    def is_blocking(self) -> bool:
        """Return whether a record with it cannot be published."""
        return self.severity == "error"


class RejectionCount(Base, frozen=True, kw_only=True):
    """A reason why records could not be read."""

    reason: str
    count: int


class RecordIssue(Base, frozen=True, kw_only=True):
    """What a rule found in one record."""

    code: str
    severity: Severity
    path: str
    value: str


class ShownText(Base, frozen=True, kw_only=True):
    """A text with its language; empty where that is unknown."""

    text: str
    language: str


class FieldRow(Base, frozen=True, kw_only=True):
    """A filled field of the shared record: its values, and the paths and rules that they came from."""

    field: str
    values: list[ShownText]
    origins: list[str] = msgspec.field(name="from")


class UnusedLeaf(Base, frozen=True, kw_only=True):
    """A value of the source that is read and not used."""

    path: str
    value: str


class TeacherView(Base, frozen=True, kw_only=True):
    """A record as a teacher will see it: the first title and description, and labels instead of codes."""

    title: ShownText | None
    description: ShownText | None
    url: str | None
    license: str | None = None
    license_uri: str | None = None
    is_open: bool | None = None
    languages: list[str]
    kinds: list[str]
    levels: list[str]
    audiences: list[str]
    subjects: list[str]
    people: list[str]
    publishers: list[str]
    issued: str | None
    keywords: list[str]


class PreviewRecord(Base, frozen=True, kw_only=True):
    """One record beside its source.

    source: the record's own text, indented; None when it is deleted. source_cut: it is longer than what is shown
    becomes: the shared record's filled fields in order; record: the same as the JSON of schemas.Resource, None where it
        is too large
    """

    identifier: str
    datestamp: str | None
    format: str
    status: PreviewStatus
    score: int | None
    reason: str | None
    source: str | None
    issues: list[RecordIssue]
    title: ShownText | None = None
    becomes: list[FieldRow] = []
    record: dict[str, Any] | None = None
    unused: list[UnusedLeaf] = []
    teacher: TeacherView | None = None
    source_cut: bool = False


class ExpectedDuplicate(Base, frozen=True, kw_only=True):
    """A record that seems to be in the catalog already.

    by: what both have, an identifier (or address) or a title
    resource_id: of the published resource; None where its record is not published
    """

    identifier: str
    title: str | None
    by: Literal["identifier", "title"]
    key: str  # of the record in the catalog, as feed:identifier
    resource_id: str | None
    value: str  # that both have


class ExpectedDuplicates(Base, frozen=True, kw_only=True):
    """Records that seem to be in the catalog already; `not_checked` says why that is not known."""

    rows: list[ExpectedDuplicate] = []
    records: int = 0  # of those looked at, that have at least one
    not_checked: Sentence | None = None


class MendFirst(Base, frozen=True, kw_only=True):
    """A rule that keeps records from being published, and how many."""

    code: str
    wrong: str
    records: int


class PreviewVerdict(Base, frozen=True, kw_only=True):
    """How many of the records can be published as they are, and what to mend first, most records first."""

    publishable: int
    looked_at: int
    mend_first: list[MendFirst]


class PreviewFacts(Base, frozen=True, kw_only=True):
    """Everything that a preview tells.

    at: when it was made (UTC, ISO 8601)
    wanted: records that were to be looked at; total: in the whole feed, where the server says so
    chosen: how the records were chosen
    notes: from the harvest, in English; unreadable: what could not be read as a record, with reasons
    score: average quality, 0 to 100
    """

    at: str
    feed: PreviewedFeed
    wanted: int
    total: int | None
    chosen: Sentence | None
    notes: list[str]
    unreadable: list[str]
    counts: PreviewCounts
    verdict: PreviewVerdict
    score: float | None
    fields: list[FieldShare]
    license_shares: list[LicenseShare]
    language_shares: list[LanguageShare]
    kind_shares: list[KindShare]
    unmapped: list[UncodedTerm]
    unused: list[UnusedPath]
    issues: list[PreviewFinding]
    rejections: list[RejectionCount]
    duplicates: ExpectedDuplicates
    records: list[PreviewRecord]
