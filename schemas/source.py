"""What harvesters hand on: source records word for word, pages of them, and how far a harvest has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.base import Base
from schemas.one_line import one_line

Progress = Callable[[int, int | None], None]  # is told the records listed so far, and how many there are, if known


class SourceRecord(Base, frozen=True, kw_only=True):
    """One record as its repository listed it.

    `payload` is the record's own text and nothing else: for OAI-PMH the `<record>` element without its header
    (`metadata` and `about`), serialised once from a strict parse; for JSON feeds the exact text of the record.
    It is None when the record is deleted, or when the same payload was landed before (then `sha256` finds it).
    """

    feed: str
    identifier: str
    format: str
    datestamp: str | None = None  # theirs, as given
    sets: tuple[str, ...] = ()
    deleted: bool = False
    payload: str | None = None
    sha256: str | None = None  # of the payload as UTF-8; None when deleted
    harvested_at: str = ""  # ours, UTC, ISO 8601 with seconds

    @property
    def key(self) -> str:
        return f"{self.feed}:{self.identifier}"


class RawResponse(Base, frozen=True, kw_only=True):
    """A response that does not parse, kept as the bytes that came."""

    url: str
    body: bytes
    reason: str


class Skipped(Base, frozen=True, kw_only=True):
    """A record that the server could not deliver, or that no store can hold."""

    identifier: str | None
    reason: str
    window: tuple[str, str] | None = None  # the datestamps between which it lies, when no identifier is known
    retry: bool = msgspec.field(
        default=True, name="again"
    )  # the next harvest asks for it; not when no store can hold it
    defect: str | None = None  # the type and the place of an exception that nobody expected: a fault of our code


class Listing(Base, frozen=True, kw_only=True):
    """Which list a page is part of, and its number there. Repeated records are counted within one list.

    A list that is requested again from its beginning gets another name; a page that is requested again after a kill
    keeps its number. Everything that came in one response has one number: a repeat within it hides no record.
    """

    name: str = ""  # of the set, window or slice; empty where the harvest is one list
    page: int = 0
    size: int | None = None  # records in the list, as the server reported


class Page(Base, frozen=True, kw_only=True):
    """The records of one response, and the position from which a killed harvest goes on after it.

    `position` is opaque to everyone but the harvester that wrote it. The last page of a harvest that reached its end
    has `complete=True`; only such a harvest may move the incremental mark to `response_date`, or infer deletions.

    Counts, by who counts and of what:

    | field          | counted by | records of                                   | distinct |
    |----------------|------------|----------------------------------------------|----------|
    | `total`        | server     | the list, for the progress line only         | unknown  |
    | `listing.size` | server     | the list that the page is part of            | unknown  |
    | `promised`     | server     | all lists of the harvest together            | yes      |
    | `repeated`     | harvester  | this page that came before, handed on once   | no       |
    | `counted`      | harvester  | the list, of a complete page only            | yes      |
    """

    records: list[SourceRecord] = []
    position: dict[str, Any] = {}
    total: int | None = None  # records in the whole list, when the server reports it; for the progress line
    listing: Listing = Listing()
    promised: int | None = None  # distinct records in all lists of the harvest, when the server reports it
    repeated: int = 0  # entries that came again on another page of the list, and are handed on once
    raw: tuple[RawResponse, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()  # for the operator: a moved address, a wrong completeListSize
    complete: bool = False
    full: bool = False  # the whole list was requested: records absent from it are gone
    not_modified: bool = False  # the server answered that nothing changed since last time
    response_date: str | None = None  # the server's own clock at the first response of this harvest
    validators: dict[str, str] = {}  # ETag / Last-Modified by URL, for the next conditional request
    reports_all_deletions: bool = False  # it keeps deleted headers for ever, so incremental harvests have them all
    counted: int | None = None  # of a complete page: records in the list, each counted once though requested twice
    size_asked: bool = False  # the server was asked for the size of its whole list, beside this harvest
    whole_size: int | None = None  # and this was its answer


class Ask(Base, frozen=True, kw_only=True):
    """What to request of a feed this time: everything that a harvest knows of the harvests before it."""

    since: str | None = None  # the mark of the last complete harvest, less the overlap; None requests everything
    full: bool = True
    position: dict[str, Any] | None = None  # go on from here: the last landed part's position
    token: str | None = None  # begin at this resumption token or cursor; such a harvest is never the whole list
    listed_before: int | None = None  # records listed by the last complete full harvest
    listed_so_far: int = 0  # records landed by the interrupted harvest that is continued
    retry: tuple[Skipped, ...] = ()
    validators: dict[str, str] = {}
    # identifiers that earlier harvests listed, where the server is to be asked for the size of its whole list
    known_records: int | None = None
    size_known_at: str | None = None  # by the server's clock, when that size was last known; None: ask now
    usual_difference: int = 0  # the size less the known records when the whole list was last harvested
    limit: int | None = None  # stop after about so many records (preview); such a harvest is never complete
    # login, password, token, header.<Name>; from an Airflow connection or the environment
    credentials: dict[str, str] = {}


class HarvestFailed(Exception):
    """A harvest that could not be completed: a code of harvesters.causes, and a sentence for the operator."""

    def __init__(self, cause: str, sentence: str, *, again: bool = True) -> None:
        self.cause = cause
        self.sentence = one_line(sentence)  # it often quotes what a partner sent
        super().__init__(f"{cause}: {self.sentence}")
        self.again = again  # whether the next night will try again without help
