"""Opendatasoft Explore v2.1, past its window of 10 000 records by slices.

https://help.opendatasoft.com/apis/ods-explore-v2/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from harvesters.causes import failed
from harvesters.client import Client
from harvesters.lists.paging import Place
from harvesters.lists.rest import RestList
from harvesters.web_pages import html_cause
from harvesters.whole import require_size
from schemas import Ask, Environment, Feed, Page

T = TypeVar("T")
_Report = Callable[[int, int | None], None]
_WINDOW = 10_000  # offset + limit may not pass it
_GROUPS = 20_000  # values of one field that one request can count


class _Slice(msgspec.Struct):
    """A part of the dataset: what it is refined by, and how many slicing fields that used up."""

    refine: list[str] = []
    where: str | None = None
    depth: int = 0
    place: Place = msgspec.field(default_factory=Place)


class _Slices(msgspec.Struct):
    """How far a harvest has come: the slices still to do, the first under way."""

    todo: list[_Slice]
    total: int | None = None  # of the whole dataset
    listed: int = 0  # in slices that are done
    response_date: str | None = None
    attempt: int = 0  # how often all of it was begun again


def harvest(feed: Feed, ask: Ask, env: Environment, report: _Report) -> Iterator[Page]:
    """The dataset's records, page by page, as `harvesters.harvest` promises."""
    asked = feed.request.model_copy(
        update={
            "paging": "offset",
            "page_param": "offset",
            "size_param": "limit",
            "size": min(feed.request.size, 100),
            "records_path": "results",
            "total_path": "total_count",
        }
    )
    feed = feed.model_copy(update={"request": asked})
    ask = msgspec.structs.replace(ask, since=None, full=True)  # a slice's count is of the whole list
    with Client(feed, ask, env) as client:
        place = msgspec.convert(ask.position, _Slices) if ask.position else _Slices(todo=[_Slice()])
        if not place.todo:
            place = _Slices(
                todo=[_Slice()], attempt=place.attempt + 1
            )  # what ended short is asked again from its beginning
        for part in place.todo:
            if part.place.done and part.place.listed < (part.place.total or 0):
                part.place = Place(attempt=part.place.attempt + 1)
        yield from _Dataset(feed, ask, client, report, place).pages()


class _Dataset:
    """One dataset, slice by slice."""

    def __init__(self, feed: Feed, ask: Ask, client: Client, report: _Report, place: _Slices) -> None:
        self.feed, self.ask, self.client, self.report, self.place = feed, ask, client, report, place
        self.fields = [name.strip() for name in (feed.request.slice_by or "").split(",") if name.strip()]
        self.window = feed.request.window or _WINDOW
        self.given = 0

    def pages(self) -> Iterator[Page]:
        """Every page from where we stand, then the complete one. Raises HarvestFailed."""
        while self.place.todo:
            yield from self._slice(self.place.todo[0])
            if self.ask.limit is not None and self.given >= self.ask.limit:
                return
        require_size(self.place.listed, self.place.total, self.feed.url)
        yield self._page(Page(), complete=True)

    def _slice(self, part: _Slice) -> Iterator[Page]:
        """The pages of one slice; of a slice past the window, its own slices take its place."""
        name = " ".join((*part.refine, part.where or "")).strip() or "the dataset"
        reading = RestList(
            self.feed,
            self.ask,
            self.client,
            self._report,
            part.place,
            self._params(part),
            self.given,
            list_name=f"{name} {self.place.attempt}",
        )
        if part.place.pages == 0 and part.place.offset == 0:
            total = part.place.total = self._count(part)
            if part.depth == 0:
                self.place.total = total
            if total > self.window:
                self.place.todo[0:1] = self._finer(part, total)
                return
        for page in reading.pages():
            self.given = reading.given
            self.place.response_date = self.place.response_date or page.response_date
            yield self._page(page)
            if self.ask.limit is not None and self.given >= self.ask.limit:
                return
        require_size(part.place.listed, part.place.total, f"{self.feed.url}, {name},")
        self.place.listed += part.place.listed
        self.place.todo.remove(part)

    def _finer(self, part: _Slice, total: int) -> list[_Slice]:
        """One slice a value of the next slicing field, and one for the records that have none."""
        if part.depth >= len(self.fields):
            used = ", ".join(self.fields) or "nothing"
            what = f"{self.feed.url} gives {self.window} of {total} records of a slice (sliced by {used})"
            raise failed("truncated", f"{what}; name one more field in [request] slice_by")
        name = self.fields[part.depth]
        asked = {**self._params(part), "select": f"{name}, count(*) as records", "group_by": name, "limit": _GROUPS}
        groups = self._said({**self.feed.request.params, **asked}, "results", list[dict[str, Any]])
        values = [str(group[name]) for group in groups if group.get(name) is not None]
        slices = [
            _Slice(refine=[*part.refine, f"{name}:{value}"], where=part.where, depth=part.depth + 1) for value in values
        ]
        none = " and ".join(said for said in (part.where, f"{name} is null") if said)
        return [*slices, _Slice(refine=part.refine, where=none, depth=part.depth + 1)]

    def _count(self, part: _Slice) -> int:
        return self._said({**self.feed.request.params, **self._params(part), "limit": 0}, "total_count", int)

    def _said(self, params: dict[str, Any], name: str, kind: type[T]) -> T:
        """What the answer says under a name. Raises HarvestFailed when it does not say it."""
        reply = self.client.send(self.feed.url, params=params)
        try:
            return msgspec.convert(msgspec.json.decode(reply.body, type=dict[str, Any])[name], kind)
        except (msgspec.DecodeError, KeyError) as error:
            cause, what = html_cause(reply.body, "bad_format")
            seen = f"with {what}" if what else f"without a {name}"
            raise failed(cause, f"{self.feed.url} answers {seen}") from error

    def _params(self, part: _Slice) -> dict[str, Any]:
        """The slice's own parameters, joined with what the feed file asks."""
        own = self.feed.request.params
        said = own.get("refine", [])
        refine = [*(said if isinstance(said, list) else [said]), *part.refine]
        where = " and ".join(f"({clause})" for clause in (own.get("where"), part.where) if clause)
        return {**({"refine": refine} if refine else {}), **({"where": where} if where else {})}

    def _report(self, listed: int, total: int | None) -> None:
        self.report(self.place.listed + listed, self.place.total)

    def _page(self, page: Page, *, complete: bool = False) -> Page:
        return msgspec.structs.replace(
            page,
            position=msgspec.to_builtins(self.place),
            total=self.place.total,
            complete=complete,
            full=True,
            counted=self.place.listed if complete else None,
            promised=self.place.total if complete and self.feed.request.trust_list_size else None,
            response_date=self.place.response_date,
        )
