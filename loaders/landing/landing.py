"""Landing: what a partner said, word for word, in files that are never changed.

`landing/<feed>/<run_id>/part-00000.parquet` and so on; responses that did not parse lie beside as `raw-00000.bin` with
their reason in `raw-00000.json`; a harvest that failed leaves its cause in `failed.json`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from loaders.landing.index import LandingIndex, landing_index
from loaders.landing.part import Footer, ListPart, part_paths, write_part
from loaders.landing.past import Failure, fingerprint, recent_harvests
from loaders.landing.repeats import count_repeats
from loaders.store import whole_file
from schemas import Ask, Base, Feed, HarvestFailed, Listing, Page, RawResponse, Skipped, SourceRecord, replace

PART_RECORDS = 5_000
_PART_BYTES = 32 * 1024 * 1024  # of payload
_PART_SECONDS = 60.0
LONGEST = 1_200  # bytes of an identifier
_Progress = Callable[[int, int | None], None]
_NEW_PART: dict[str, Any] = {"skipped": (), "notes": (), "lists": {}, "repeated": 0}  # what a footer says of its part


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
    nameless: int = 0  # records that could not be read and that nothing names
    nameless_reason: str = ""  # of the first of them


def land(
    landing: Path,
    feed: Feed,
    run_id: str,
    pages: Iterable[Page],
    *,
    asked: Ask | None = None,
    progress: _Progress | None = None,
) -> Landed:
    """Write a harvest's pages as parts, each whole when it appears. Hold the feed's lock.

    When it is complete, its distinct identifiers tell whether the list is whole (see landing_repeats).
    `asked` is what `ask` returned and the harvester was given. Raises HarvestFailed after landing what came before it;
    any other error (a full disk) leaves the parts that are whole, and the next run goes on from the last of them.
    """
    folder = landing / feed.name
    asked = asked or Ask()
    start = Footer(
        feed=feed.name,
        run_id=run_id,
        number=len(part_paths(folder / run_id)),  # more than 0 when the run's task is tried again
        records=0,
        source=fingerprint(feed),
        begins=asked.position is None,
        asked_since=asked.since,
        asked_full=asked.full,
        position=asked.position,
    )
    earlier = [] if start.begins else _newest_parts(folder)
    with landing_index(folder) as index:
        writer = _Writer(folder / run_id, index, start, earlier)
        try:
            for page in pages:
                writer.take(page)
                if progress is not None:
                    progress(asked.listed_so_far + writer.landed.listed, page.total)
        except HarvestFailed as failed:
            writer.finish()
            _note_failure(folder / run_id, failed)
            raise
        return writer.finish()


def _newest_parts(folder: Path) -> list[tuple[Path, Footer]]:
    """The parts, with their footers, of the harvest that is gone on with."""
    past = recent_harvests(folder)
    return list(zip(past[-1].parts, past[-1].footers, strict=True)) if past else []


class _Writer:
    """Gathers pages into parts."""

    def __init__(self, folder: Path, index: LandingIndex, start: Footer, earlier: list[tuple[Path, Footer]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob("*/.*.tmp"):  # of a killed run: we hold the feed's lock
            left.unlink()
        (folder / "failed.json").unlink(missing_ok=True)  # of the try before
        self.folder = folder
        self.index = index
        self.footer = start
        self.parts = earlier  # of this harvest
        self.records: list[SourceRecord] = []
        self.listings: list[Listing] = []  # where each of the records was listed
        self.size = 0
        self.raw = len(list(folder.glob("raw-*.bin")))
        self.first = start.number
        self.since = time.monotonic()
        self.unwritten = False
        self.landed = Landed(run_id=start.run_id)

    def take(self, page: Page) -> None:
        page = _storable(page)
        for response in page.raw:
            self._keep_raw(response)
        for record in page.records:
            self._gather(record, page.listing)
        nameless = [one.reason for one in page.skipped if one.identifier is None]
        self.footer = _onward(self.footer, page)
        self.unwritten = True
        self.landed = replace(
            self.landed,
            listed=self.landed.listed + len(page.records),
            nameless=self.landed.nameless + len(nameless),
            nameless_reason=self.landed.nameless_reason or next(iter(nameless), ""),
            notes=self.landed.notes + page.notes,
        )
        if self._full() or time.monotonic() - self.since >= _PART_SECONDS:
            self._write()

    def finish(self) -> Landed:
        if self.unwritten:
            self._judge_list()
            self._write()
        footer = self.footer
        return replace(
            self.landed,
            parts=footer.number - self.first,
            complete=footer.complete,
            full=footer.full,
            not_modified=footer.not_modified,
        )

    def _judge_list(self) -> None:
        """Note in the last footer, and in words, what the list of a complete harvest repeats."""
        footer = self.footer
        if not footer.complete or footer.not_modified:
            return
        repeats = count_repeats(self.folder, self.parts, footer, self.records, self.listings)
        if repeats:
            note = _repeats_note(repeats, full=footer.full)
            self.footer = replace(footer, repeats=repeats, notes=(*footer.notes, note))
            self.landed = replace(self.landed, notes=(*self.landed.notes, note))

    def _gather(self, record: SourceRecord, listing: Listing) -> None:
        if self._full():  # one huge page: its position is only true after its last record
            self._write()
        if record.payload is not None and record.sha256 is None:
            record = replace(record, sha256=sha256(record.payload.encode()).hexdigest())
        self.records.append(record)
        self.listings.append(listing)
        self.size += len(record.payload or "")

    def _full(self) -> bool:
        return len(self.records) >= PART_RECORDS or self.size >= _PART_BYTES

    def _write(self) -> None:
        records = self.records
        known = self.index.places([(one.identifier, one.sha256) for one in records if one.sha256])
        again, new = [], []
        for row, one in enumerate(records):
            name = (one.identifier, one.sha256 or "")
            seen = one.payload is not None and name in known
            again.append(seen)
            if one.payload is not None and not seen:
                known[name] = ("", row)  # twice in this part: kept once
                new.append((*name, row))
        path = self.folder / f"part-{self.footer.number:05d}.parquet"
        footer = replace(self.footer, records=len(records), lists=_with_rows(self.footer.lists, self.listings))
        write_part(path, records, again, footer, self.listings)
        self.parts.append((path, footer))
        self.index.add(path, iter(new))
        self.landed = replace(self.landed, kept=self.landed.kept + len(new))
        self.footer = replace(self.footer, number=self.footer.number + 1, begins=False, **_NEW_PART)
        self.records, self.listings, self.size, self.unwritten = [], [], 0, False
        self.since = time.monotonic()

    def _keep_raw(self, response: RawResponse) -> None:
        path = self.folder / f"raw-{self.raw:05d}.bin"
        with whole_file(path) as beside:
            beside.write_bytes(response.body)
        with whole_file(path.with_suffix(".json")) as beside:
            beside.write_bytes(msgspec.json.encode({"url": response.url, "reason": response.reason}))
        self.raw += 1


def _storable(page: Page) -> Page:
    """The page, what no index takes skipped: a key of PostgreSQL's may have 2 700 bytes, and a match names two."""
    short, skipped, raw = [], [], []
    for one in page.records:
        size = len(one.identifier.encode()) if len(one.identifier) > LONGEST // 4 else 0
        if size <= LONGEST:
            short.append(one)
            continue
        digest = sha256(one.identifier.encode()).hexdigest()[:12]
        reason = f"its identifier has {size} bytes; {LONGEST} are taken"
        skipped.append(Skipped(identifier=f"{one.identifier[:80]}…{digest}", reason=reason, again=False))
        raw.append(RawResponse(url=one.identifier, body=(one.payload or "").encode(), reason=reason))
    if not skipped:
        return page
    return replace(page, records=short, skipped=(*page.skipped, *skipped), raw=(*page.raw, *raw))


def _onward(footer: Footer, page: Page) -> Footer:
    return replace(
        footer,
        position=page.position,
        total=page.total if page.total is not None else footer.total,
        complete=page.complete,
        full=page.full,
        not_modified=page.not_modified,
        deletes_told=page.deletes_told,
        counted=page.counted,
        response_date=page.response_date or footer.response_date,
        lists={**footer.lists, page.listing.name: _listed(footer.lists.get(page.listing.name), page)},
        promised=page.promised if page.promised is not None else footer.promised,
        repeated=footer.repeated + page.repeated,
        skipped=footer.skipped + page.skipped,
        notes=footer.notes + page.notes,
        validators={**footer.validators, **page.validators},
    )


def _listed(before: ListPart | None, page: Page) -> ListPart:
    """What the part says of a page's list, that page included."""
    before, listing = before or ListPart(), page.listing
    named = [(listing.page, one.identifier) for one in page.skipped if one.identifier is not None]
    return ListPart(
        pages=max(before.pages, listing.page + 1),
        size=max((size for size in (before.size, listing.size) if size is not None), default=None),
        nameless=before.nameless + len(page.skipped) - len(named),
        skipped=(*before.skipped, *named),
    )


def _with_rows(lists: dict[str, ListPart], listings: Iterable[Listing]) -> dict[str, ListPart]:
    """The lists of a part, those included of which it holds rows of a page that has not ended yet."""
    return {**{listing.name: ListPart(pages=listing.page + 1) for listing in listings}, **lists}


def _repeats_note(repeats: int, *, full: bool) -> str:
    """What an operator should know of a list that is not whole because of its repeats."""
    records = "1 record" if repeats == 1 else f"{repeats} records"
    left = "nothing is deleted for being absent from it" if full else "what changed in that time is asked for again"
    return f"the list repeats {records} and may omit others: {left}"


def _note_failure(folder: Path, failed: HarvestFailed) -> None:
    said = Failure(cause=failed.cause, sentence=failed.sentence, again=failed.again)
    with whole_file(folder / "failed.json") as beside:
        beside.write_bytes(msgspec.json.encode(said))
