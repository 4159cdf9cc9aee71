"""What a partner said, word for word, and how far a harvest has come."""

from __future__ import annotations

from typing import Any

from schemas.base import Base


class SourceRecord(Base, frozen=True, kw_only=True):
    """One record as its source listed it.

    `payload` is the record's own text and nothing else: for OAI-PMH the `<record>` element without its header
    (`metadata` and `about`), serialised once from a strict parse; for JSON feeds the exact text of the record.
    It is None when the record is deleted, or when the same payload was landed before (then `sha256` finds it).
    """

    feed: str
    identifier: str
    format: str
    datestamp: str | None = None  # theirs, as said
    sets: tuple[str, ...] = ()
    deleted: bool = False
    payload: str | None = None
    sha256: str | None = None  # of the payload as UTF-8; None when deleted
    harvested_at: str = ""  # ours, UTC, ISO 8601 with seconds

    @property
    def key(self) -> str:
        return f"{self.feed}:{self.identifier}"


class RawResponse(Base, frozen=True, kw_only=True):
    """A response that did not parse, kept as the bytes that came."""

    url: str
    body: bytes
    reason: str


class Skipped(Base, frozen=True, kw_only=True):
    """A record that the server could not give us, or that we cannot take."""

    identifier: str | None
    reason: str
    window: tuple[str, str] | None = None  # the datestamps between which it lies, when no identifier is known
    again: bool = True  # whether it is asked for next time; a record that no store takes is not


class Listing(Base, frozen=True, kw_only=True):
    """Which list a page is part of, and which of its pages it is. Repeats are counted within one list.

    A list that is asked for again from its beginning has another name; a page that is asked for again after a kill has
    the same number. Everything that came as one response has one number: a repeat within it hides nothing.
    """

    name: str = ""  # of the set, window or slice; empty where the harvest is one list
    page: int = 0
    size: int | None = None  # records in the list, as the server promised


class Page(Base, frozen=True, kw_only=True):
    """What one response gave, and where to go on from if we die after it.

    `position` is opaque to everyone but the harvester that wrote it. The page of a harvest that came to its end has
    `complete=True`; only such a harvest may move the incremental mark to `response_date`, or infer deletions.
    """

    records: list[SourceRecord] = []
    position: dict[str, Any] = {}
    total: int | None = None  # records in the whole list, when the server says so; for the progress line
    listing: Listing = Listing()
    promised: int | None = None  # distinct records that all lists of the harvest hold together, when the server says so
    repeated: int = 0  # entries of the list that came again on another page of it, and are given once only
    raw: tuple[RawResponse, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()  # what an operator should know: a moved address, a lying completeListSize
    complete: bool = False
    full: bool = False  # the whole list was asked for: what is absent is gone
    not_modified: bool = False  # the server says that nothing changed since last time
    response_date: str | None = None  # the server's own clock at the first response of this harvest
    validators: dict[str, str] = {}  # ETag / Last-Modified by URL, for the next conditional request
    deletes_told: bool = False  # the repository keeps telling every delete, so that an incremental harvest carries them
    counted: int | None = None  # of a complete page: records in the list, what was asked for twice counted once


class Ask(Base, frozen=True, kw_only=True):
    """What to ask of a feed this time: everything that a harvest knows of the harvests before it."""

    since: str | None = None  # the mark of the last complete harvest, less the overlap; None asks for everything
    full: bool = True
    position: dict[str, Any] | None = None  # go on from here: the last landed part's position
    listed_before: int | None = None  # records listed by the last complete full harvest
    listed_so_far: int = 0  # records landed by the interrupted harvest that is continued
    retry: tuple[Skipped, ...] = ()
    validators: dict[str, str] = {}
    limit: int | None = None  # stop after about so many records (preview); such a harvest is never complete
    credentials: dict[
        str, str
    ] = {}  # login, password, token, header.<Name>; from an Airflow connection or the environment


class HarvestFailed(Exception):
    """A harvest that could not be completed: a cause of the table of causes, and a sentence for the operator."""

    def __init__(self, cause: str, sentence: str, *, again: bool = True) -> None:
        super().__init__(f"{cause}: {sentence}")
        self.cause = cause
        self.sentence = sentence
        self.again = again  # whether the next night will try again by itself
