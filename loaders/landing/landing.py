"""Land a harvest: what a partner sent, exactly, in files that are never changed.

`landing/<feed>/<run_id>/part-00000.parquet` and so on; a response that did not parse is beside them as `raw-00000.bin`,
with the reason in `raw-00000.json`; a harvest that failed leaves its cause in `failed.json`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from loaders.landing.absence import count_missing
from loaders.landing.erasures import Erasures, without_erased
from loaders.landing.harvest import Failure
from loaders.landing.index import LandingIndex, landing_index
from loaders.landing.part import Footer, ListPart, part_paths, write_part
from loaders.landing.past import fingerprint, recent_harvests
from loaders.landing.repeats import count_repeats
from loaders.store import whole_file
from schemas import Ask, Base, Feed, HarvestFailed, Listing, Page, Progress, RawResponse, Skipped, SourceRecord, replace

LANDING_PART_RECORDS = 5_000
LANDING_MAX_IDENTIFIER_BYTES = 1_200  # a key of PostgreSQL's indexes may have 2 700 bytes, and a match names two
_PART_PAYLOAD_CHARS = 32 * 1024 * 1024
_PART_SECONDS = 60.0
_SHORTENED_CHARS = 80  # of an identifier that is too long, where it is named
# the fields of a footer that are about its own part, as a new part begins
_NEW_PART: dict[str, Any] = {"skipped": (), "notes": (), "lists": {}, "repeated": 0, "missing": 0}


class Landed(Base, frozen=True, kw_only=True):
    """What one run has landed."""

    run_id: str
    listed: int = 0  # records in this run's parts
    kept: int = 0  # of them with a payload that was not landed before
    parts: int = 0
    complete: bool = False
    full: bool = False
    not_modified: bool = False
    notes: tuple[str, ...] = ()
    nameless: int = 0  # records that could not be read and have no identifier
    nameless_reason: str = ""  # of the first of them
    raw: int = 0  # responses and records that could not be read, of which the bytes are kept


def land(
    landing: Path,
    feed: Feed,
    run_id: str,
    pages: Iterable[Page],
    *,
    ask: Ask | None = None,
    progress: Progress | None = None,
) -> Landed:
    """Write a harvest's pages as parts, each complete when it appears. The caller holds the feed's lock.

    The distinct identifiers of a complete harvest decide whether its list is whole (see loaders.landing.repeats).
    `ask` is what `loaders.landing.ask` returned and the harvester got. Raises HarvestFailed after landing what came
    before it; any other error (a full disk) leaves the complete parts, and the next run continues from the last.
    """
    folder = landing / feed.name
    ask = ask or Ask()
    start = Footer(
        feed=feed.name,
        run_id=run_id,
        number=len(part_paths(folder / run_id)),  # more than 0 when the run's task is tried again
        records=0,
        source_fingerprint=fingerprint(feed),
        begins=ask.position is None,
        asked_since=ask.since,
        asked_full=ask.full,
        position=ask.position,
    )
    earlier = [] if start.begins else _parts_to_continue(folder)
    with landing_index(folder) as index:
        writer = _Writer(folder / run_id, index, start, earlier, feed.absent_after)
        try:
            for page in pages:
                writer.take(page)
                if progress is not None:
                    progress(ask.listed_so_far + writer.landed.listed, page.total)
        except HarvestFailed as failed:
            writer.finish()
            _note_failure(folder / run_id, failed)
            raise
        return writer.finish()


def _parts_to_continue(folder: Path) -> list[tuple[Path, Footer]]:
    """Return the parts, with their footers, of the newest harvest, which is continued."""
    past = recent_harvests(folder)
    return list(zip(past[-1].parts, past[-1].footers, strict=True)) if past else []


class _Writer:
    """Collects pages into parts."""

    def __init__(
        self,
        folder: Path,
        index: LandingIndex,
        start: Footer,
        earlier: list[tuple[Path, Footer]],
        absent_after: int,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.parent.glob("*/.*.tmp"):  # of a killed run: we hold the feed's lock
            unfinished.unlink()
        (folder / "failed.json").unlink(missing_ok=True)  # of an earlier attempt
        self.folder = folder
        self.index = index
        self.footer = start
        self.parts = earlier  # of this harvest
        self.absent_after = absent_after
        self.erasures = Erasures(folder.parent.parent).of_feed(start.feed)
        self.records: list[SourceRecord] = []
        self.listings: list[Listing] = []  # where each of the records was listed
        self.payload_chars = 0
        self.raw_responses = len(list(folder.glob("raw-*.bin")))
        self.first_number = start.number
        self.part_began = time.monotonic()
        self.unwritten = False
        self.landed = Landed(run_id=start.run_id)

    def take(self, page: Page) -> None:
        """Add a page; write a part when it is full or old enough."""
        page = _storable(without_erased(page, self.erasures))
        for response in page.raw:
            self._keep_raw(response)
        for record in page.records:
            self._add(record, page.listing)
        nameless = [skipped.reason for skipped in page.skipped if skipped.identifier is None]
        self.footer = _footer_after(self.footer, page)
        self.unwritten = True
        self.landed = replace(
            self.landed,
            listed=self.landed.listed + len(page.records),
            nameless=self.landed.nameless + len(nameless),
            nameless_reason=self.landed.nameless_reason or next(iter(nameless), ""),
            raw=self.landed.raw + len(page.raw),
            notes=self.landed.notes + page.notes,
        )
        if self._full() or time.monotonic() - self.part_began >= _PART_SECONDS:
            self._write()

    def finish(self) -> Landed:
        """Write the last part, and return what was landed."""
        if self.unwritten:
            self._note_repeats()
            self._count_missing()
            self._write()
        footer = self.footer
        return replace(
            self.landed,
            parts=footer.number - self.first_number,
            complete=footer.complete,
            full=footer.full,
            not_modified=footer.not_modified,
        )

    def _note_repeats(self) -> None:
        """Note in the last footer, and in words, what the lists of a complete harvest repeat."""
        footer = self.footer
        if not footer.complete or footer.not_modified:
            return
        repeats = count_repeats(self.folder, self.parts, footer, self.records, self.listings)
        if repeats:
            note = _repeats_note(repeats, full=footer.full)
            self.footer = replace(footer, doubtful_repeats=repeats, notes=(*footer.notes, note))
            self.landed = replace(self.landed, notes=(*self.landed.notes, note))

    def _count_missing(self) -> None:
        """Note in the last footer how many records wait for another whole list."""
        if self.footer.complete:
            missing = count_missing(self.folder, self.parts, self.footer, self.records, self.absent_after)
            self.footer = replace(self.footer, missing=missing)

    def _add(self, record: SourceRecord, listing: Listing) -> None:
        if self._full():  # a page of more than one part: its position only holds behind its last record
            self._write()
        if record.payload is not None and record.sha256 is None:
            record = replace(record, sha256=sha256(record.payload.encode()).hexdigest())
        self.records.append(record)
        self.listings.append(listing)
        self.payload_chars += len(record.payload or "")

    def _full(self) -> bool:
        return len(self.records) >= LANDING_PART_RECORDS or self.payload_chars >= _PART_PAYLOAD_CHARS

    def _write(self) -> None:
        records = self.records
        known = set(self.index.locations([(record.identifier, record.sha256) for record in records if record.sha256]))
        payload_known, new = [], []
        for row, record in enumerate(records):
            payload = (record.identifier, record.sha256 or "")
            landed_before = record.payload is not None and payload in known
            payload_known.append(landed_before)
            if record.payload is not None and not landed_before:
                known.add(payload)  # a payload that is twice in this part is kept once
                new.append((*payload, row))
        path = self.folder / f"part-{self.footer.number:05d}.parquet"
        footer = replace(self.footer, records=len(records), lists=_with_rows(self.footer.lists, self.listings))
        write_part(path, records, payload_known, footer, self.listings)
        self.parts.append((path, footer))
        self.index.add(path, iter(new))
        self.landed = replace(self.landed, kept=self.landed.kept + len(new))
        self.footer = replace(self.footer, number=self.footer.number + 1, begins=False, **_NEW_PART)
        self.records, self.listings, self.payload_chars, self.unwritten = [], [], 0, False
        self.part_began = time.monotonic()

    def _keep_raw(self, response: RawResponse) -> None:
        path = self.folder / f"raw-{self.raw_responses:05d}.bin"
        with whole_file(path) as temporary:
            temporary.write_bytes(response.body)
        with whole_file(path.with_suffix(".json")) as temporary:
            temporary.write_bytes(msgspec.json.encode({"url": response.url, "reason": response.reason}))
        self.raw_responses += 1


def _storable(page: Page) -> Page:
    """Return the page with records skipped whose identifier is too long to be stored."""
    records, skipped, raw = [], [], []
    for record in page.records:
        name = record.identifier
        size = len(name.encode()) if len(name) > LANDING_MAX_IDENTIFIER_BYTES // 4 else 0
        if size <= LANDING_MAX_IDENTIFIER_BYTES:
            records.append(record)
            continue
        shortened = f"{name[:_SHORTENED_CHARS]}…{sha256(name.encode()).hexdigest()[:12]}"
        reason = f"its identifier has {size} bytes; at most {LANDING_MAX_IDENTIFIER_BYTES} can be stored"
        skipped.append(Skipped(identifier=shortened, reason=reason, retry=False))
        raw.append(RawResponse(url=name, body=(record.payload or "").encode(), reason=reason))
    if not skipped:
        return page
    return replace(page, records=records, skipped=(*page.skipped, *skipped), raw=(*page.raw, *raw))


def _footer_after(footer: Footer, page: Page) -> Footer:
    """Return the footer of a part that ends behind a page."""
    return replace(
        footer,
        position=page.position,
        total=page.total if page.total is not None else footer.total,
        complete=page.complete,
        full=page.full,
        not_modified=page.not_modified,
        reports_all_deletions=page.reports_all_deletions,
        counted=page.counted,
        size_asked=page.size_asked,
        whole_size=page.whole_size,
        response_date=page.response_date or footer.response_date,
        lists={**footer.lists, page.listing.name: _list_after(footer.lists.get(page.listing.name), page)},
        promised=page.promised if page.promised is not None else footer.promised,
        repeated=footer.repeated + page.repeated,
        skipped=footer.skipped + page.skipped,
        notes=footer.notes + page.notes,
        validators={**footer.validators, **page.validators},
    )


def _list_after(before: ListPart | None, page: Page) -> ListPart:
    """Return what the part knows about a page's list, with that page."""
    before, listing = before or ListPart(), page.listing
    named = [(listing.page, skipped.identifier) for skipped in page.skipped if skipped.identifier is not None]
    return ListPart(
        pages=max(before.pages, listing.page + 1),
        size=max((size for size in (before.size, listing.size) if size is not None), default=None),
        nameless=before.nameless + len(page.skipped) - len(named),
        skipped=(*before.skipped, *named),
    )


def _with_rows(lists: dict[str, ListPart], listings: Iterable[Listing]) -> dict[str, ListPart]:
    """Return the lists of a part, with those that it only holds rows of a page of that continues in the next part."""
    return {**{listing.name: ListPart(pages=listing.page + 1) for listing in listings}, **lists}


def _repeats_note(repeats: int, *, full: bool) -> str:
    """Return what an operator should know about a list that is not whole because of its repeats."""
    records = "1 record" if repeats == 1 else f"{repeats} records"
    effect = "nothing is deleted for being absent from it" if full else "what changed in that time is asked for again"
    return f"the list repeats {records} and may omit others: {effect}"


def _note_failure(folder: Path, failed: HarvestFailed) -> None:
    failure = Failure(cause=failed.cause, sentence=failed.sentence, retryable=failed.again)
    with whole_file(folder / "failed.json") as temporary:
        temporary.write_bytes(msgspec.json.encode(failure))
