"""The catalog's tables, in SQLAlchemy; docs/decisions/010 says why each is there.

Times are UTC ISO 8601 text with `Z`; JSON columns are TEXT that holds the exact JSON, so that equal is byte for byte
equal on SQLite and PostgreSQL. A row changes only when what it says changes.
"""

from __future__ import annotations

from sqlalchemy import Float, Index, Integer, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
PUBLISHED, WAITS = text("resource_id IS NOT NULL"), text("pending_status IS NOT NULL")
DOUBTED = text("review IS NOT NULL")


class Table(DeclarativeBase):
    """The one base of every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text(), int: Integer(), float: Float(53)}


class HarvestRunRow(Table):
    """One run of a feed (or of the publication), its counts and how it ended. Only here does a quiet night write."""

    __tablename__ = "harvest_run"
    __table_args__ = (Index("ix_harvest_run_feed_status", "feed", "status"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # <feed>-<UTC YYYYMMDDTHHMMSSffffff>, strictly increasing
    feed: Mapped[str | None]  # null: publish
    kind: Mapped[str]  # harvest, reprocess, publish, undo
    status: Mapped[str]  # running, landed, held, loaded, failed, refused, superseded, undone
    started_at: Mapped[str]
    ended_at: Mapped[str | None]
    listed: Mapped[int] = mapped_column(default=0)  # records that the partner listed in this run
    landed: Mapped[int] = mapped_column(default=0)  # distinct records judged: the funnel's sum
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    deleted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    duplicates: Mapped[int] = mapped_column(default=0)  # listed again in one harvest; the winner alone is counted
    cause: Mapped[str | None]  # of the table of causes, when it failed
    error: Mapped[str | None]  # the sentence for the operator, when it failed
    reasons: Mapped[str | None]  # JSON list of schemas.Reason: why it is held
    notes: Mapped[str | None]  # JSON list: what an operator should know of the harvest
    base_run_id: Mapped[str | None]  # the feed's loaded run that this one was staged against
    landing_until: Mapped[str | None]  # the newest run whose landing is in it; null: its records came by the pipe
    undid_run_id: Mapped[str | None]  # kind undo: the run that it undid
    transform_version: Mapped[str | None]
    ungated_by: Mapped[str | None]  # who loaded it past the gate
    decided_by: Mapped[str | None]  # who released, refused or undid it
    decided_at: Mapped[str | None]
    decision_reason: Mapped[str | None]
    worker: Mapped[str | None]  # JSON: host, boot, pid and start of the process that runs it


class SourceRecordRow(Table):
    """The state of one record of one feed: its last accepted version, and the version that waits, if any."""

    __tablename__ = "source_record"
    __table_args__ = (
        # Wide enough, or few enough, for every night's counts: reading the rows themselves means reading every record.
        Index("ix_source_record_feed_status", "feed", "status", "resource_id", "score"),
        Index("ix_source_record_resource_id", "resource_id", sqlite_where=PUBLISHED, postgresql_where=PUBLISHED),
        Index("ix_source_record_pending", "feed", "pending_status", sqlite_where=WAITS, postgresql_where=WAITS),
        Index("ix_source_record_run_id", "run_id"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)  # feed:identifier
    feed: Mapped[str]
    identifier: Mapped[str]
    datestamp: Mapped[str | None]  # theirs, of the last version that changed anything here
    format: Mapped[str]
    status: Mapped[str]  # live, deleted, rejected, quarantined; the last two have no live version
    deleted_reason: Mapped[str | None]  # deleted (they said so), absent (a complete list lacks it), retired
    payload_sha256: Mapped[str | None]  # of the last accepted version
    record: Mapped[str | None]  # JSON of schemas.Resource, keys in order; kept when deleted
    record_sha256: Mapped[str | None]
    score: Mapped[int | None]  # quality of the accepted version, 0 to 100
    has_title: Mapped[bool] = mapped_column(default=False)
    has_language: Mapped[bool] = mapped_column(default=False)
    has_license: Mapped[bool] = mapped_column(default=False)
    license_open: Mapped[bool | None]
    unmapped: Mapped[str | None]  # JSON list of [field, value]: its terms without a code
    pending_sha256: Mapped[str | None]  # of the payload that waits
    pending_record: Mapped[str | None]
    pending_record_sha256: Mapped[str | None]
    pending_reason: Mapped[str | None]  # why it waits
    pending_status: Mapped[str | None]  # rejected, quarantined
    run_id: Mapped[str]  # the run that last changed this row
    resource_id: Mapped[str | None]


class ResourceRow(Table):
    """One published resource: a cluster of records, merged."""

    __tablename__ = "resource"
    __table_args__ = (
        Index("ix_resource_withdrawn_at", "withdrawn_at"),
        Index("ix_resource_review", "withdrawn_at", sqlite_where=DOUBTED, postgresql_where=DOUBTED),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    language: Mapped[str | None]
    license_uri: Mapped[str | None]
    resource_type: Mapped[str | None]
    url: Mapped[str | None]
    issued: Mapped[str | None]
    issued_year: Mapped[int | None]
    quality: Mapped[int | None]  # 0 to 100
    record: Mapped[str]  # JSON: the shared record
    record_sha256: Mapped[str]
    members: Mapped[int] = mapped_column(default=1)  # records in it
    review: Mapped[str | None]  # why a steward should look at the cluster, if so
    created_at: Mapped[str]
    updated_at: Mapped[str]
    withdrawn_at: Mapped[str | None]


class ResourceVersionRow(Table):
    """What a publication changed in a resource."""

    __tablename__ = "resource_version"

    resource_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)  # from 1
    run_id: Mapped[str]
    changed_at: Mapped[str]
    changes: Mapped[str]  # JSON


class RedirectRow(Table):
    """A resource id that another has taken over."""

    __tablename__ = "redirect"

    old_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str]
    at: Mapped[str]


class IssueRow(Table):
    """A finding about a record, from the run that first saw it to the run that no longer did. Never deleted."""

    __tablename__ = "issue"
    __table_args__ = (
        Index("ix_issue_key", "key"),
        Index("ix_issue_feed_code", "feed", "code"),
        Index("ix_issue_first_run_id", "first_run_id"),
        Index("ix_issue_resolved_run_id", "resolved_run_id"),
    )

    finding: Mapped[str] = mapped_column(primary_key=True)  # key # digest of code, path without list index, value
    key: Mapped[str]
    feed: Mapped[str]
    run_id: Mapped[str]  # the run that last changed this row
    code: Mapped[str]
    severity: Mapped[str]  # error, warning, info
    scope: Mapped[str] = mapped_column(default="record")  # record; batch: beside its feed; catalog: across feeds
    path: Mapped[str]
    value: Mapped[str]
    first_run_id: Mapped[str]
    resolved_run_id: Mapped[str | None]


class UnmappedValueRow(Table):
    """A vocabulary term for which we have no code, and in how many live records of the feed it stands."""

    __tablename__ = "unmapped_value"

    field: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    first_seen: Mapped[str]  # when the run that first saw it began
    mapped_to: Mapped[str | None]  # the code, once there is one


class MatchRow(Table):
    """A pair of records that the matcher compared, smaller key left."""

    __tablename__ = "match"
    __table_args__ = (Index("ix_match_right_key", "right_key"), Index("ix_match_verdict", "verdict"))

    left_key: Mapped[str] = mapped_column(primary_key=True)
    right_key: Mapped[str] = mapped_column(primary_key=True)
    probability: Mapped[float]  # 6 places
    evidence: Mapped[str]  # JSON list of schemas.Evidence
    verdict: Mapped[str]  # same, review, different
    review: Mapped[str | None]  # why it is put up for review, where the verdict alone does not say


class JudgementRow(Table):
    """A steward's decision on a pair. Append-only, the newest wins. Primary: cannot be rebuilt."""

    __tablename__ = "judgement"
    __table_args__ = (Index("ix_judgement_pair", "left_key", "right_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    left_key: Mapped[str]
    right_key: Mapped[str]
    verdict: Mapped[str]  # same, different
    by: Mapped[str]
    at: Mapped[str]
    reason: Mapped[str]
    left_sha256: Mapped[str | None]  # of the match fields when it was decided
    right_sha256: Mapped[str | None]


class CurationRow(Table):
    """A steward's correction or withdrawal of a record or resource. Append-only but for undone_*. Primary."""

    __tablename__ = "curation"
    __table_args__ = (Index("ix_curation_key", "key"), Index("ix_curation_resource_id", "resource_id"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str | None]
    resource_id: Mapped[str | None]
    path: Mapped[str | None]  # of the shared record, such as title.en
    value: Mapped[str | None]  # JSON; for accept the payload's sha256
    action: Mapped[str]  # set, withdraw, accept
    by: Mapped[str]
    at: Mapped[str]
    reason: Mapped[str]
    before: Mapped[str | None]  # accept: JSON of the row as it was, to undo it
    undone_at: Mapped[str | None]
    undone_by: Mapped[str | None]
    undone_reason: Mapped[str | None]


class RefusedRow(Table):
    """A version that a steward refused to load, until its payload changes. Primary."""

    __tablename__ = "refused"

    key: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)  # of the payload; empty for a deletion
    feed: Mapped[str]
    run_id: Mapped[str]
    by: Mapped[str]
    at: Mapped[str]
    reason: Mapped[str]


class RestoredMemberRow(Table):
    """Which resource a record belonged to when the backup was made: a record that is loaded again goes back to it."""

    __tablename__ = "restored_member"

    key: Mapped[str] = mapped_column(primary_key=True)
    resource_id: Mapped[str]


class PublishStateRow(Table):
    """What a publication remembers for the next: the model's version, what it has matched, counts by blocking rule."""

    __tablename__ = "publish_state"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]  # JSON


class FeedDeclarationRow(Table):
    """The last good declaration of a feed: what its file said when it had no mistake. Primary."""

    __tablename__ = "feed_declaration"

    feed: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]  # from 1; one more each time the declaration changes
    declaration: Mapped[str]  # JSON: the keys that the file sets
    sha256: Mapped[str]  # of the declaration
    seen_at: Mapped[str]  # when this version was first seen
    source: Mapped[str]  # file, registration
