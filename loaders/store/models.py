"""The catalog's tables, in SQLAlchemy; docs/data-dictionary.md lists them. A class is named for its table, + Row.

Times are UTC ISO 8601 text with `Z`. JSON columns are TEXT with the exact JSON, so that equal values are equal bytes on
SQLite and PostgreSQL. A row is written only when one of its values changes.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy
from sqlalchemy import BigInteger, Boolean, Column, ColumnClause, Float, Index, Integer, MetaData, Text, false, text

_CONSTRAINT_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_PUBLISHED = text("resource_id IS NOT NULL")
_PENDING = text("pending_status IS NOT NULL")
_OPEN = text("mapped_to IS NULL AND count > 0")
_WAITING_PAIR = text("verdict = 'review' OR review IS NOT NULL")
_NEEDS_REVIEW = text("review IS NOT NULL")
_UNRESOLVED = text("resolved_run_id IS NULL")
_DEAD = text("dead_at IS NOT NULL")
_ENDING = text("certificate_until IS NOT NULL")
_RESOLVED = text("resolved_run_id IS NOT NULL")


class Table:
    """Base class of every table. A subclass stands for its table in queries, and its columns are attributes.

    They are tables and columns of SQLAlchemy Core. Nothing here reads or writes objects, and classes that its ORM maps
    would take 0.1 s of every task to import.
    """

    metadata: ClassVar = MetaData(naming_convention=_CONSTRAINT_NAMES)
    classes: ClassVar[dict[str, type[Table]]] = {}  # by name of the table
    __tablename__: ClassVar[str]
    __table__: ClassVar[sqlalchemy.Table]
    __table_args__: ClassVar[Any] = ()  # indexes, or options of the table

    def __init_subclass__(cls) -> None:
        """Make the table of the class."""
        columns = {name: column for name, column in vars(cls).items() if isinstance(column, Column)}
        for name, column in columns.items():
            column.name = column.key = name
        indexes, options = (
            ((), cls.__table_args__) if isinstance(cls.__table_args__, dict) else (cls.__table_args__, {})
        )
        cls.__table__ = sqlalchemy.Table(cls.__tablename__, cls.metadata, *columns.values(), *indexes, **options)
        cls.classes[cls.__tablename__] = cls

    @classmethod
    def __clause_element__(cls) -> sqlalchemy.Table:
        """Return what SQLAlchemy takes a class for that a statement names."""
        return cls.__table__


def _text(**options: Any) -> ColumnClause[str]:
    return Column(Text, nullable=False, **options)


def _text_or_null(**options: Any) -> ColumnClause[str | None]:
    return Column(Text, **options)


def _integer(kind: type[Integer] = Integer, **options: Any) -> ColumnClause[int]:
    return Column(kind, nullable=False, **options)


def _integer_or_null(kind: type[Integer] = Integer, **options: Any) -> ColumnClause[int | None]:
    return Column(kind, **options)


def _number(**options: Any) -> ColumnClause[float]:
    return Column(Float(53), nullable=False, **options)


def _truth(**options: Any) -> ColumnClause[bool]:
    return Column(Boolean, nullable=False, **options)


def _truth_or_null(**options: Any) -> ColumnClause[bool | None]:
    return Column(Boolean, **options)


class HarvestRunRow(Table):
    """A run of a feed or a publication, its counts and its end. A night without changes writes to this table only."""

    __tablename__ = "harvest_run"
    __table_args__ = (Index("ix_harvest_run_feed_status", "feed", "status"),)

    id = _text(
        primary_key=True,
        doc="run id: feed (or `publish`, `links`, `downloads`), `-`, UTC time as YYYYMMDDTHHMMSSffffff; "
        "always increasing per feed",
    )
    feed = _text_or_null(doc="feed name; null for a publication, a check of the links and downloads")
    kind = _text(doc="`harvest`, `reprocess`, `publish`, `undo`, `links` or `downloads`")
    status = _text(
        doc="`running`, `landed` (staged, before the gate), `held`, `loaded`, `failed`, `refused`, `superseded` or "
        "`undone`"
    )
    started_at = _text(doc="when the run began")
    ended_at = _text_or_null(doc="when it was loaded, held, refused or failed")
    listed = _integer(default=0, doc="records that the partner listed in this run")
    landed = _integer(default=0, doc="distinct records compared with the catalog: the sum of the next six columns")
    added = _integer(default=0, doc="records that are new, or live again")
    changed = _integer(default=0, doc="live records with another accepted version")
    unchanged = _integer(default=0, doc="records with the version known before")
    deleted = _integer(
        default=0, doc="records that the partner deleted, that a complete list no longer has, or whose feed is retired"
    )
    rejected = _integer(default=0, doc="records that could not be read")
    quarantined = _integer(default=0, doc="readable records with an error-level issue")
    duplicates = _integer(
        default=0,
        doc="records listed again in one harvest (only the last one counts); of a publication: records merged away",
    )
    cause = _text_or_null(doc="why it failed: a cause of the operator's guide, such as `timeout`")
    error = _text_or_null(doc="when it failed: the sentence for the operator")
    reasons = _text_or_null(doc="JSON list of schemas.Reason: why it is held")
    notes = _text_or_null(doc="JSON list of sentences that an operator should know")
    changes = _text_or_null(doc="JSON list of [kind of change, records]: what a reprocess changed; null for other runs")
    measures = _text_or_null(
        doc="JSON of loaders.store.RunMeasures: seconds by step, requests, shares; null for runs that were not measured"
    )
    base_run_id = _text_or_null(
        doc="the feed's loaded run that this one was staged against; "
        "of a publication before which nothing had changed: the one that still holds"
    )
    landing_until = _text_or_null(
        doc="the newest run whose landing is included; null when the records came by the pipe"
    )
    undid_run_id = _text_or_null(doc="of kind `undo`: the run that it undid")
    transform_version = _text_or_null(doc="digest of the code and mappings that normalized the records")
    ungated_by = _text_or_null(doc="who loaded it past the gate")
    decided_by = _text_or_null(doc="who released, refused or undid it")
    decided_at = _text_or_null(doc="when that was decided")
    decision_reason = _text_or_null(doc="the reason given")
    worker = _text_or_null(
        doc="for people: host and process that last worked on it; null once it has ended. Nothing is decided by it"
    )
    dag = _text_or_null(
        doc="the DAG whose tasks carry it on, between which no process works on it; null when one process does it all"
    )


class LeaseRow(Table):
    """Who holds a lock, with PostgreSQL: a process that works on a feed, or on the publication.

    The lock itself is an advisory lock of the holder's session. A row is written whenever its lock is taken or renewed.
    """

    __tablename__ = "lease"

    name = _text(primary_key=True, doc="`feed:` and the feed's name, `publication` or `links`")
    holder = _text(doc="for people: host and process that took it last")
    token = _integer(BigInteger, doc="how often it was taken; only the holder of the newest token may write")
    since = _text(doc="when it was taken, by the clock of PostgreSQL")
    until = _text(
        doc="when it lapses unless it is renewed, by the clock of PostgreSQL; in the past once it is released"
    )


class SourceRecordRow(Table):
    """A record of a feed: its last accepted version, and the version that waits for a decision, if there is one."""

    __tablename__ = "source_record"
    __table_args__ = (
        # Wide enough, or few enough, for every night's counts: reading the rows themselves means reading every record.
        Index("ix_source_record_feed_status", "feed", "status", "resource_id", "score"),
        Index("ix_source_record_resource_id", "resource_id", sqlite_where=_PUBLISHED, postgresql_where=_PUBLISHED),
        Index(
            "ix_source_record_pending",
            *("feed", "pending_status", "run_id", "key"),
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index("ix_source_record_run_id", "run_id"),
    )

    key = _text(primary_key=True, doc="feed:identifier")
    feed = _text(doc="feed name")
    identifier = _text(doc="the partner's identifier")
    datestamp = _text_or_null(doc="the partner's datestamp of the last version that changed this row")
    format = _text(doc="the crosswalk that reads the payload")
    status = _text(doc="`live`, `deleted`, `rejected` or `quarantined`; the last two have no accepted version")
    deleted_reason = _text_or_null(
        doc="`deleted` (the partner says so), `absent` (a complete list lacks it) or `retired` (the feed has ended)"
    )
    payload_sha256 = _text_or_null(doc="sha256 of the payload of the last accepted version")
    record = _text_or_null(doc="JSON of schemas.Resource, the last accepted version; kept when the record is deleted")
    record_sha256 = _text_or_null(doc="sha256 of `record`")
    score = _integer_or_null(doc="quality of the accepted version, 0 to 100")
    has_title = _truth(default=False, doc="whether the accepted version has a title")
    has_language = _truth(default=False, doc="whether the accepted version names a language")
    has_license = _truth(default=False, doc="whether the accepted version names a licence")
    license_open = _truth_or_null(doc="whether that licence is open; null when it cannot be decided")
    unmapped = _text_or_null(doc="JSON list of [field, value]: its terms without a code")
    pending_sha256 = _text_or_null(doc="sha256 of the payload of the version that is waiting")
    pending_record = _text_or_null(
        doc="JSON of schemas.Resource, the version that is waiting; null when it could not be read"
    )
    pending_record_sha256 = _text_or_null(doc="sha256 of `pending_record`")
    pending_reason = _text_or_null(doc="why the version is waiting")
    pending_status = _text_or_null(doc="`rejected` or `quarantined`; null when no version is waiting")
    run_id = _text(doc="the run that last changed this row")
    resource_id = _text_or_null(doc="the resource that it is published in; null when it is not")


class ResourceRow(Table):
    """A published resource: a cluster of records, merged."""

    __tablename__ = "resource"
    __table_args__ = (
        Index("ix_resource_withdrawn_at", "withdrawn_at"),
        Index("ix_resource_updated_at", "updated_at", "id"),
        Index("ix_resource_id_updated_at", "id", "updated_at"),
        Index("ix_resource_review", "withdrawn_at", sqlite_where=_NEEDS_REVIEW, postgresql_where=_NEEDS_REVIEW),
    )

    id = _text(
        primary_key=True,
        doc="26 letters and digits that sort by time (ULID), minted by the catalog and kept while one member stays",
    )
    title = _text_or_null(doc="title in the resource's own language, or else its first title")
    language = _text_or_null(doc="BCP 47 tag of its first language")
    license_uri = _text_or_null(doc="URI of its licence")
    resource_type = _text_or_null(doc="code of its first resource type")
    url = _text_or_null(doc="address of its landing page")
    issued = _text_or_null(doc="date of publication, EDTF level 1")
    issued_year = _integer_or_null(doc="year of publication")
    quality = _integer_or_null(doc="best score of its records, 0 to 100")
    record = _text(doc="JSON of schemas.Resource: the merged record")
    record_sha256 = _text(doc="sha256 of `record`")
    members = _integer(default=1, doc="number of records in its cluster")
    review = _text_or_null(doc="why a steward should review the cluster; null when there is no reason")
    created_at = _text(doc="when it was first published")
    updated_at = _text(doc="when a publication last changed it; filling a derived column does not count")
    withdrawn_at = _text_or_null(doc="when it was withdrawn; null while it is published")
    sets = _text_or_null(
        doc="JSON list of the sets that it is in, as `resource_set` has them; null until a publication has derived them"
    )
    merged_from = _text_or_null(
        doc="digest of what `record` was merged from, and of itself; null of a single record, or to merge it again"
    )


class ResourceSetRow(Table):
    """A resource in a set of the OAI-PMH provider: of a feed, language, level or type. Derived from `resource`."""

    __tablename__ = "resource_set"
    __table_args__ = {"sqlite_with_rowid": False}

    spec = _text(primary_key=True, doc="`feed.`, `language.`, `level.` or `type.` and the value")
    resource_id = _text(primary_key=True, doc="the resource, published or withdrawn")


class PublicationRow(Table):
    """What changed resources at one time: a publication, an erasure or a restore. They follow one another."""

    __tablename__ = "publication"
    __table_args__ = (Index("ix_publication_visible_at", "visible_at"),)

    changed_at = _text(
        primary_key=True, doc="`updated_at` of the resources that it changed; later than that of every earlier one"
    )
    run_id = _text(unique=True, doc="the publication's run, or a name of the same form")
    visible_at = _text_or_null(
        doc="a time after its transaction ended, never earlier than of those before; null until it is known"
    )


class ResourceVersionRow(Table):
    """A change that a publication made to a resource."""

    __tablename__ = "resource_version"

    resource_id = _text(primary_key=True, doc="the resource")
    version = _integer(primary_key=True, doc="number of the version, from 1")
    run_id = _text(doc="the publication that made it")
    changed_at = _text(doc="when it was made")
    changes = _text(doc="JSON: {field: {from, to}}, {created: keys}, {withdrawn: true} or {redirected: id}")


class RedirectRow(Table):
    """A resource id that was replaced by another."""

    __tablename__ = "redirect"

    old_id = _text(primary_key=True, doc="the id that is no longer used")
    id = _text(doc="the id to use instead; chains are resolved")
    at = _text(doc="when the redirect was written")


class IssueRow(Table):
    """An issue of a record, from the run that first found it to the run that no longer did. Never deleted."""

    __tablename__ = "issue"
    __table_args__ = (
        Index("ix_issue_key", "key"),
        Index("ix_issue_feed_code", "feed", "code"),
        Index("ix_issue_first_run_id", "first_run_id"),
        # A partner's list by rule, newest first, and its counts: without reading the rows themselves. SQLite reads them
        # nevertheless where the column of the condition is not in the index.
        Index(
            "ix_issue_open",
            *("feed", "code", "severity", "first_run_id", "finding", "came_back", "resolved_run_id"),
            sqlite_where=_UNRESOLVED,
            postgresql_where=_UNRESOLVED,
        ),
        Index(
            "ix_issue_resolved_run_id",
            *("resolved_run_id", "feed", "code", "severity", "finding"),
            sqlite_where=_RESOLVED,
            postgresql_where=_RESOLVED,
        ),
    )

    finding = _text(primary_key=True, doc="record key, `#`, digest of code, path (without list indexes) and value")
    key = _text(doc="the record")
    feed = _text(doc="feed name")
    run_id = _text(doc="the run that last changed this row")
    code = _text(doc="the rule, as in docs/rules.md")
    severity = _text(doc="`error`, `warning` or `info`")
    scope = _text(
        default="record",
        doc="`record` (a rule on one record), `batch` (compared within its feed), `catalog` (compared across feeds) or "
        "`link` (its address was checked)",
    )
    path = _text(doc="where in the shared record")
    value = _text(doc="what was found there")
    first_run_id = _text(doc="the run that first found it, or found it again")
    resolved_run_id = _text_or_null(doc="the run that no longer found it; null while it is open")
    came_back = _truth(
        default=False, server_default=false(), doc="whether it had been resolved before its first run found it again"
    )


class UnmappedValueRow(Table):
    """A vocabulary term without a code, and the number of the feed's live records that contain it."""

    __tablename__ = "unmapped_value"
    __table_args__ = (
        Index("ix_unmapped_value_open", "count", "field", "value", "feed", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_unmapped_value_facets", "field", "feed", "mapped_to", "count"),
    )

    field = _text(
        primary_key=True, doc="field of the shared record; or `language`, `role` or `relation_kind`, of a part of one"
    )
    value = _text(primary_key=True, doc="the term as the partner wrote it")
    feed = _text(primary_key=True, doc="feed name")
    count = _integer(doc="live records of the feed that have it")
    first_seen = _text(doc="start of the run that first found it")
    mapped_to = _text_or_null(doc="the code, once the term is mapped")


class MatchRow(Table):
    """A pair of records that the matcher compared and that is worth keeping; the smaller key is left."""

    __tablename__ = "match"
    __table_args__ = (
        Index("ix_match_right_key", "right_key"),
        Index("ix_match_verdict", "verdict"),
        # In the order in which a steward sees the pairs that wait.
        Index(
            "ix_match_waiting",
            "probability",
            "left_key",
            "right_key",
            sqlite_where=_WAITING_PAIR,
            postgresql_where=_WAITING_PAIR,
        ),
    )

    left_key = _text(primary_key=True, doc="the smaller record key")
    right_key = _text(primary_key=True, doc="the larger record key")
    probability = _number(doc="probability that both are one work, six decimal places")
    evidence = _text(doc="JSON list of schemas.Evidence: field, what was seen, weight")
    verdict = _text(doc="`same`, `review` or `different`")
    review = _text_or_null(doc="why the pair is up for review, where the verdict alone does not say")


class JudgementRow(Table):
    """A steward's decision on a pair. Append-only except undone_*; the newest in force counts. Primary data."""

    __tablename__ = "judgement"
    __table_args__ = (
        Index("ix_judgement_pair", "left_key", "right_key"),
        Index("ix_judgement_batch_id", "batch_id"),
    )

    id = _integer(primary_key=True, autoincrement=True, doc="number of the judgement")
    left_key = _text(doc="the smaller record key")
    right_key = _text(doc="the larger record key")
    verdict = _text(doc="`same` or `different`")
    by = _text(doc="who decided")
    at = _text(doc="when")
    reason = _text(doc="why")
    left_sha256 = _text_or_null(doc="digest of the left record's compared fields at that time")
    right_sha256 = _text_or_null(doc="digest of the right record's compared fields at that time")
    batch_id = _text_or_null(doc="the decisions that were made, and are undone, together")
    undone_at = _text_or_null(doc="when it was undone; null while it is in force")
    undone_by = _text_or_null(doc="who undid it")
    undone_reason = _text_or_null(doc="why it was undone")


class CurationRow(Table):
    """A steward's correction, withdrawal, or accepted or refused version. Append-only except undone_*. Primary data."""

    __tablename__ = "curation"
    __table_args__ = (
        Index("ix_curation_key", "key"),
        Index("ix_curation_resource_id", "resource_id"),
        Index("ix_curation_batch_id", "batch_id"),
    )

    id = _integer(primary_key=True, autoincrement=True, doc="number of the curation")
    key = _text_or_null(doc="the record that it is about, unless it is about a resource")
    resource_id = _text_or_null(doc="the resource that it is about, unless it is about a record")
    path = _text_or_null(doc="of `set`: the path in the shared record, such as title.en")
    value = _text_or_null(
        doc="of `set`: the value as JSON; of `accept` and `refuse`: the payload's sha256; of `absent`: the newest run "
        "landed"
    )
    action = _text(doc="`set`, `withdraw`, `accept`, `refuse` or `absent` (a record is gone that waited to be deleted)")
    by = _text(doc="who decided")
    at = _text(doc="when")
    reason = _text(doc="why")
    before = _text_or_null(doc="of `accept`, `refuse` and `absent`: JSON of what was before, to undo it")
    batch_id = _text_or_null(doc="the decisions that were made, and are undone, together")
    undone_at = _text_or_null(doc="when it was undone; null while it is in force")
    undone_by = _text_or_null(doc="who undid it")
    undone_reason = _text_or_null(doc="why it was undone")


class RefusedRow(Table):
    """A version that a steward refused: it is not loaded until its payload changes. Primary data."""

    __tablename__ = "refused"

    key = _text(primary_key=True, doc="the record")
    sha256 = _text(primary_key=True, doc="sha256 of the refused payload; empty for a deletion")
    feed = _text(doc="feed name")
    run_id = _text(doc="the run that contained it")
    by = _text(doc="who decided")
    at = _text(doc="when")
    reason = _text(doc="why")


class RestoredMemberRow(Table):
    """The resource of a record in a restored backup: when the record is loaded again, it goes back to that resource."""

    __tablename__ = "restored_member"

    key = _text(primary_key=True, doc="the record")
    resource_id = _text(doc="the resource to which it belonged")


class PublishStateRow(Table):
    """What one step remembers for a later one, as JSON by name."""

    __tablename__ = "publish_state"

    name = _text(
        primary_key=True,
        doc="`matched` (the match published), `derivation` (version of the derived columns), `restored` (feeds of a "
        "restored backup that were not loaded since), `published_from` (the state of which "
        "everything is published), `feed_folders` (the folder of each feed's declaration), "
        "`merge` (version of the code that merged the resources last), "
        "`links` (up to which resource the published addresses are known), `link_hosts` (their counts by host) or "
        "`feed_terms` (partner and licence of the metadata of each feed at the last publication)",
    )
    value = _text(doc="JSON")


class CatalogChangeRow(Table):
    """Counts the times that anything changed on which a publication depends; one row, counted by triggers."""

    __tablename__ = "catalog_change"

    id = _integer(primary_key=True, doc="always 1")
    number = _integer(doc="even when a match has begun to read; one more once something has changed since")


class FeedDeclarationRow(Table):
    """The last good declaration of a feed: the keys of its file when it had no mistake. Primary data."""

    __tablename__ = "feed_declaration"

    feed = _text(primary_key=True, doc="feed name")
    version = _integer(doc="number of the declaration, from 1; one more each time it changes")
    declaration = _text(doc="JSON: the keys that the feed file sets")
    sha256 = _text(doc="sha256 of the declaration")
    seen_at = _text(doc="when this version was first seen")
    source = _text(doc="`file` or `registration`")


class FeedDeclarationVersionRow(Table):
    """Every declaration that a feed had; the last one is in feed_declaration too. Primary data.

    Append-only. Of feeds that are older than this table, it begins with the declaration of that time.
    """

    __tablename__ = "feed_declaration_version"

    feed = _text(primary_key=True, doc="feed name")
    version = _integer(primary_key=True, doc="number of the declaration, from 1")
    declaration = _text(doc="JSON: the keys that the feed file set")
    sha256 = _text(doc="sha256 of the declaration")
    seen_at = _text(doc="when this version was first seen")
    source = _text(doc="`file` or `registration`")


class TermMappingRow(Table):
    """A steward's code for a partner's term, laid over the lists in schemas/vocabularies. Primary data.

    Of several in force for a term, the feed's own counts before the general one, then the newest.
    """

    __tablename__ = "term_mapping"
    __table_args__ = (
        Index("ix_term_mapping_batch_id", "batch_id"),
        Index("ix_term_mapping_term", "field", "value"),
    )

    id = _integer(primary_key=True, autoincrement=True, doc="number of the mapping")
    field = _text(doc="field of the shared record, as in unmapped_value")
    value = _text(doc="the term as the partner wrote it")
    feed = _text_or_null(doc="the feed that it is for; null for all")
    scheme = _text_or_null(doc="the list that has the code; null when the term is ignored")
    code = _text_or_null(doc="the code in that list; null when the term is ignored")
    by = _text(doc="who decided")
    at = _text(doc="when")
    reason = _text(doc="why")
    batch_id = _text_or_null(doc="the decisions that were made, and are undone, together")
    undone_at = _text_or_null(doc="when it was undone; null while it is in force")
    undone_by = _text_or_null(doc="who undid it")
    undone_reason = _text_or_null(doc="why it was undone")


class AccountRow(Table):
    """A person who may sign in. Primary data."""

    __tablename__ = "account"

    id = _integer(primary_key=True, autoincrement=True, doc="number of the account")
    name = _text(unique=True, doc="the name that decisions carry; of a partner the mail address")
    role = _text(doc="`steward`, `operator` or `partner`")
    feeds = _text_or_null(doc="of a partner: JSON list of the feeds' names")
    password = _text_or_null(doc="argon2 hash; null for those who sign in by a link")
    subject = _text_or_null(doc="the person's subject at an OpenID provider; not used yet")
    created_at = _text(doc="when it was made")
    disabled_at = _text_or_null(doc="when it was disabled; null while it may sign in")


class TaskNoteRow(Table):
    """Who took, snoozed or remarked on something that needs a person. Primary data."""

    __tablename__ = "task_note"
    __table_args__ = (Index("ix_task_note_object", "object"),)

    id = _integer(primary_key=True, autoincrement=True, doc="number of the note")
    object = _text(doc="what it is about: kind and name, such as `run:books-20260101T000000000000`")
    kind = _text(doc="`taken`, `snoozed` or `remarked`")
    who = _text(doc="name of the account")
    at = _text(doc="when it was written")
    until = _text_or_null(doc="until when it is taken or snoozed; null without an end")
    note = _text_or_null(doc="the remark")
    ended_at = _text_or_null(doc="when it was taken back; null while it holds")


class ApplicationRow(Table):
    """A partner's application: a feed to add, or a change of one. Primary data."""

    __tablename__ = "application"
    __table_args__ = (Index("ix_application_status", "status"), Index("ix_application_contact", "contact"))

    id = _text(primary_key=True, doc="26 letters and digits that sort by time (ULID)")
    partner = _text(doc="name of the institution")
    contact = _text(doc="mail address of who applies")
    contact_name = _text_or_null(doc="name of who applies")
    language = _text(server_default="en", doc="language of the mails: en, fr, ru or ar")
    name = _text_or_null(doc="the name that the new feed is to have; null until it is chosen")
    feed = _text_or_null(doc="the feed that it would change; null for a new one")
    declaration = _text(doc="JSON: the keys of the feed file that it asks for")
    detection = _text_or_null(doc="JSON: what was recognised at the address")
    status = _text(doc="`draft`, `tested`, `submitted`, `accepted`, `declined` or `withdrawn`")
    test = _text_or_null(doc="JSON: what the self-test and the preview found")
    messages = _text_or_null(doc="JSON list of questions and answers: at, by, is_question, text")
    version = _integer(
        server_default="1", doc="number of changes, from 1: a change that was begun on an older one fails"
    )
    created_at = _text(doc="when it was begun")
    changed_at = _text(server_default="", doc="when it was changed last")
    submitted_at = _text_or_null(doc="when it was submitted")
    decided_by = _text_or_null(doc="who accepted or declined it")
    decided_at = _text_or_null(doc="when that was decided")
    reason = _text_or_null(doc="the reason given")
    accepting = _text_or_null(
        doc="sha256 of the feed file that is being written since the application was accepted; null before and after"
    )


class UsedLinkRow(Table):
    """A link that may be used once and was used; forgotten when it has expired."""

    __tablename__ = "used_link"

    id = _text(primary_key=True, doc="the link's random number")
    expires_at = _text(doc="when the link expires")


class FixMailRow(Table):
    """A partner's wish for a weekly mail about what is new to fix in a feed. Primary data."""

    __tablename__ = "fix_mail"

    feed = _text(primary_key=True, doc="feed name")
    account = _text(primary_key=True, doc="name of the account, to which the mail goes")
    language = _text(doc="the language of the mail")
    chosen_at = _text(doc="when it was last chosen")
    ended_at = _text_or_null(doc="when it was ended; null while mails are wanted")
    told_run_id = _text_or_null(doc="the feed's run up to which everything was told; null when none was loaded before")
    begun_at = _text_or_null(
        doc="when the last mail was begun: no other begins for seven days, also when it is not known whether it went"
    )
    told_at = _text_or_null(doc="when the last mail was handed over")


class ReaderReportRow(Table):
    """What readers report about a resource, by kind; while it is open, each adds to its count. Primary data."""

    __tablename__ = "reader_report"
    __table_args__ = (
        Index(
            "ix_reader_report_open",
            "kind",
            "first_at",
            "id",
            sqlite_where=text("decision_id IS NULL"),
            postgresql_where=text("decision_id IS NULL"),
        ),
        Index("ix_reader_report_resource_id", "resource_id"),
    )

    id = _integer(primary_key=True, autoincrement=True, doc="number of the report")
    resource_id = _text(doc="the resource that it is about")
    kind = _text(doc="`dead`, `wrong`, `not_free` or `takedown` (it is the reader's own work)")
    count = _integer(doc="how many readers reported it")
    first_at = _text(doc="when it was first reported")
    last_at = _text(doc="when it was last reported")
    due_at = _text_or_null(doc="of `takedown`: by when it should be decided")
    messages = _text(
        doc="JSON list of what the first and the last readers wrote: id, at, language, text, contact (a mail address), "
        "answered_at; emptied 90 days after the decision"
    )
    decision_id = _integer_or_null(doc="the decision in force; null while it is open")


class ReaderReportDecisionRow(Table):
    """What a steward decided on what readers reported. Primary data."""

    __tablename__ = "reader_report_decision"
    __table_args__ = (
        Index("ix_reader_report_decision_batch_id", "batch_id"),
        Index("ix_reader_report_decision_report_id", "report_id"),
    )

    id = _integer(primary_key=True, autoincrement=True, doc="number of the decision")
    report_id = _integer(doc="number of the report")
    resource_id = _text(doc="the resource that the report is about")
    action = _text(doc="`dismiss`, `mend` (it was mended) or `withdraw` (the resource was)")
    answer = _text_or_null(doc="what is answered to the readers who left an address")
    by = _text(doc="who decided")
    at = _text(doc="when")
    reason = _text(doc="why")
    batch_id = _text(doc="the decisions that were made, and are undone, together")
    undone_at = _text_or_null(doc="when it was undone; null while it is in force")
    undone_by = _text_or_null(doc="who undid it")
    undone_reason = _text_or_null(doc="why it was undone")


class LinkCheckRow(Table):
    """A published address, and what its last checks found. Made again by checking; not backed up."""

    __tablename__ = "link_check"
    __table_args__ = (
        # What is due on a host, and the counts of a host, without reading the rows themselves.
        Index("ix_link_check_due", "host", "next_due", "url"),
        Index("ix_link_check_counts", "host", "checked_at", "dead_at"),
        Index("ix_link_check_dead", "dead_at", "url", sqlite_where=_DEAD, postgresql_where=_DEAD),
        Index(
            "ix_link_check_certificate",
            "certificate_until",
            "host",
            sqlite_where=_ENDING,
            postgresql_where=_ENDING,
        ),
    )

    url = _text(primary_key=True, doc="the address, as it is published")
    host = _text(doc="its host, with the port where that is not the usual one")
    checked_at = _text_or_null(doc="when it was last checked; null before the first time")
    status = _text_or_null(doc="what the last check found, as in docs/links.md")
    detail = _text(default="", doc="in a few words what was seen")
    final_url = _text_or_null(doc="where permanent redirects lead; null where nothing moved")
    strikes = _integer(default=0, doc="failures since it last answered, at most one a day")
    first_failed_at = _text_or_null(doc="when the first of these failures was")
    last_failed_at = _text_or_null(doc="when the last strike was")
    dead_at = _text_or_null(doc="when it was found to be dead; null while it is not")
    certificate_until = _text_or_null(
        doc="when the certificate of its host expires, where that is within 14 days of the check; else null"
    )
    size_bytes = _integer_or_null(
        BigInteger, doc="how large the file is, as its server states; null of a web page and where nothing is stated"
    )
    next_due = _text(doc="when it is to be checked again")


class PublishedLinkRow(Table):
    """An address of a published resource; kept in step with publications, and made again from them."""

    __tablename__ = "published_link"
    __table_args__ = (Index("ix_published_link_url", "url", "resource_id"),)

    resource_id = _text(primary_key=True, doc="the resource")
    url = _text(primary_key=True, doc="the address")
    is_content = _truth(doc="whether it opens the resource; a picture of it does not")


class DeadResourceRow(Table):
    """A resource of which no address that opens it lives any more; it is ranked down. Made again by checking."""

    __tablename__ = "dead_resource"
    __table_args__ = (Index("ix_dead_resource_changed_at", "changed_at"),)

    resource_id = _text(primary_key=True, doc="the resource")
    since = _text_or_null(doc="since when; null when one of its addresses lives again")
    changed_at = _text(doc="when that was found")
