"""Opendatasoft Explore v2.1, past its window of 10 000 records by slices.

https://help.opendatasoft.com/apis/ods-explore-v2/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from harvesters.causes import failed
from harvesters.client import Client
from harvesters.completeness import require_size
from harvesters.lists.paging import Position
from harvesters.lists.rest import RestList
from harvesters.web_pages import html_cause
from schemas import Ask, Environment, Feed, Page, Progress

T = TypeVar("T")
_WINDOW_RECORDS = 10_000  # offset + limit may not exceed it
_MAX_PAGE_RECORDS = 100
_MAX_GROUPS = 20_000  # values of one field that one request can count


class _Slice(msgspec.Struct):
    """A part of the dataset: what it is refined by, and how many slicing fields that used up."""

    refine: list[str] = []
    where: str | None = None
    depth: int = 0
    position: Position = msgspec.field(name="place", default_factory=Position)


class _Position(msgspec.Struct):
    """How far a harvest has come; landed as JSON with every page, to continue from there."""

    todo: list[_Slice]  # the slices that are not complete; the first may have begun
    total: int | None = None  # of the whole dataset
    listed: int = 0  # in slices that are complete
    response_date: str | None = None
    attempt: int = 0  # how often everything was begun again


def harvest(feed: Feed, ask: Ask, env: Environment, report: Progress) -> Iterator[Page]:
    """Yield the dataset's records page by page, as `harvesters.harvest` promises."""
    feed = _with_paging(feed)
    ask = msgspec.structs.replace(ask, since=None, full=True)  # a slice's count is of the whole list
    with Client(feed, ask, env) as client:
        yield from _Dataset(feed, ask, client, report, _continue(ask)).pages()


def read_where(feed: Feed, ask: Ask, env: Environment, where: str) -> Iterator[Page]:
    """Yield the pages of the records for which a condition holds. Raises HarvestFailed."""
    feed = _with_paging(feed)
    ask = msgspec.structs.replace(ask, since=None, full=True)
    with Client(feed, ask, env) as client:
        yield from _Dataset(feed, ask, client, _no_report, _Position(todo=[_Slice(where=where)])).pages()


def _with_paging(feed: Feed) -> Feed:
    """Return the feed with the parameters and paths that all datasets have."""
    request = feed.request.model_copy(
        update={
            "paging": "offset",
            "page_param": "offset",
            "size_param": "limit",
            "size": min(feed.request.size, _MAX_PAGE_RECORDS),
            "records_path": "results",
            "total_path": "total_count",
        }
    )
    return feed.model_copy(update={"request": request})


def _no_report(listed: int, total: int | None) -> None:
    """Progress callback that does nothing."""


def _continue(ask: Ask) -> _Position:
    """Return where to continue; a slice, or a dataset, that ended short is requested again from its beginning."""
    progress = msgspec.convert(ask.position, _Position) if ask.position else _Position(todo=[_Slice()])
    if not progress.todo:
        return _Position(todo=[_Slice()], attempt=progress.attempt + 1)
    for part in progress.todo:
        if part.position.done and part.position.listed < (part.position.total or 0):
            part.position = Position(attempt=part.position.attempt + 1)
    return progress


def _as_text(value: Any) -> str:
    """Return a group's value as refine takes it: true and false, not Python's True and False."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class _Dataset:
    """One dataset, slice by slice."""

    def __init__(self, feed: Feed, ask: Ask, client: Client, report: Progress, progress: _Position) -> None:
        self.feed, self.ask, self.client, self.report, self.progress = feed, ask, client, report, progress
        self.fields = [name.strip() for name in (feed.request.slice_by or "").split(",") if name.strip()]
        self.window = feed.request.window or _WINDOW_RECORDS
        self.given = 0

    def pages(self) -> Iterator[Page]:
        """Yield every page from where the harvest stands, then the complete one. Raises HarvestFailed."""
        while self.progress.todo:
            yield from self._slice_pages(self.progress.todo[0])
            if self._limit_reached():
                return
        require_size(self.progress.listed, self.progress.total, self.feed.url)
        yield self._page(Page(), complete=True)

    def _limit_reached(self) -> bool:
        return self.ask.limit is not None and self.given >= self.ask.limit

    def _slice_pages(self, part: _Slice) -> Iterator[Page]:
        """Yield the pages of a slice; one with more records than the window is replaced by slices of its own."""
        name = " ".join((*part.refine, part.where or "")).strip() or "the dataset"
        if part.position.pages == 0 and part.position.offset == 0:
            total = part.position.total = self._count(part)
            if part.depth == 0:
                self.progress.total = total
            if total > self.window:
                self.progress.todo[0:1] = self._finer_slices(part, total)
                return
        rest_list = RestList(
            self.feed,
            self.ask,
            self.client,
            self._report,
            part.position,
            self._params(part),
            self.given,
            list_name=f"{name} {self.progress.attempt}",
        )
        for page in rest_list.pages():
            self.given = rest_list.given
            self.progress.response_date = self.progress.response_date or page.response_date
            yield self._page(page)
            if self._limit_reached():
                return
        require_size(part.position.listed, part.position.total, f"{self.feed.url}, {name},")
        self.progress.listed += part.position.listed
        self.progress.todo.remove(part)

    def _finer_slices(self, part: _Slice, total: int) -> list[_Slice]:
        """Return one slice per value of the next slicing field, and one for the records without a value."""
        if part.depth >= len(self.fields):
            used = ", ".join(self.fields) or "nothing"
            problem = f"{self.feed.url} gives {self.window} of {total} records of a slice (sliced by {used})"
            raise failed("truncated", f"{problem}; name one more field in [request] slice_by")
        name = self.fields[part.depth]
        grouping = {"select": f"{name}, count(*) as records", "group_by": name, "limit": _MAX_GROUPS}
        groups = self._request({**self._params(part), **grouping}, "results", list[dict[str, Any]])
        values = [_as_text(group[name]) for group in groups if group.get(name) is not None]
        slices = [
            _Slice(refine=[*part.refine, f"{name}:{value}"], where=part.where, depth=part.depth + 1) for value in values
        ]
        without_value = " and ".join(clause for clause in (part.where, f"{name} is null") if clause)
        return [*slices, _Slice(refine=part.refine, where=without_value, depth=part.depth + 1)]

    def _count(self, part: _Slice) -> int:
        return self._request({**self._params(part), "limit": 0}, "total_count", int)

    def _request(self, params: dict[str, Any], key: str, kind: type[T]) -> T:
        """Return the value of a key of the response. Raises HarvestFailed if there is none."""
        reply = self.client.send(self.feed.url, params={**self.feed.request.params, **params})
        try:
            return msgspec.convert(msgspec.json.decode(reply.body, type=dict[str, Any])[key], kind)
        except (msgspec.DecodeError, KeyError) as error:
            cause, page = html_cause(reply.body, "bad_format")
            content = f"with {page}" if page else f"without a {key}"
            raise failed(cause, f"{self.feed.url} answers {content}") from error

    def _params(self, part: _Slice) -> dict[str, Any]:
        """Return the slice's own parameters, joined with those of the feed file."""
        declared = self.feed.request.params
        refine = declared.get("refine", [])
        refine = [*(refine if isinstance(refine, list) else [refine]), *part.refine]
        where = " and ".join(f"({clause})" for clause in (declared.get("where"), part.where) if clause)
        return {**({"refine": refine} if refine else {}), **({"where": where} if where else {})}

    def _report(self, listed: int, total: int | None) -> None:
        self.report(self.progress.listed + listed, self.progress.total)

    def _page(self, page: Page, *, complete: bool = False) -> Page:
        """Return the page as one of the whole dataset."""
        progress = self.progress
        return msgspec.structs.replace(
            page,
            position=msgspec.to_builtins(progress),
            total=progress.total,
            complete=complete,
            full=True,
            counted=progress.listed if complete else None,
            promised=progress.total if complete and self.feed.request.trust_list_size else None,
            response_date=progress.response_date,
        )
