"""Find the list of records in a JSON document, and how it is paged: by trying its second page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from harvesters.client import join_address
from pipeline.detection.documents import Document
from pipeline.detection.probing import BoundsReached, Prober
from schemas import Sentence, sentence

_MAX_DEPTH = 5  # of objects around the list
_MAX_VISITED = 2_000  # values of a document
_MAX_KEYS = 200
_NUMBER = re.compile(r"\d{1,12}")
_PAGES = ("page", "paged", "p", "pg", "_page", "page[number]", "pageNumber", "page_number", "pagenum", "currentPage")
_OFFSETS = (
    "offset",
    "start",
    "skip",
    "from",
    "page[offset]",
    "startIndex",
    "start_index",
    "first",
    "skipCount",
    "_start",
)
_SIZES = (
    *("limit", "per_page", "size", "rows", "pageSize", "page_size", "perPage", "count", "page[size]", "page[limit]"),
    *("maxItems", "hitsPerPage", "num", "take", "_limit", "pagesize", "itemsPerPage", "n", "max"),
)
_TOTALS = frozenset(
    {
        *("total", "count", "totalcount", "numfound", "totalelements", "totalhits", "totalresults", "nbhits", "found"),
        *("recordstotal", "totalitems", "totalrecords", "hits", "matches", "resultcount", "itemcount", "value", "size"),
    }
)
_NEXT = frozenset({"next", "nextpage", "nextlink", "nexturl", "odata.nextlink", "nextpageurl", "nexthref"})
_NEXT_TOKEN = re.compile(r"next_?(?:page_?)?(?:token|cursor)|resumption_?token|scroll_?id|cursor", re.IGNORECASE)
_TOKEN_PARAMS = {"nextpagetoken": "pageToken", "next_page_token": "page_token", "nextcursor": "cursor"}
_USUAL_SIZES = frozenset({10, 12, 15, 16, 20, 24, 25, 30, 40, 48, 50, 60, 100, 200, 250, 500, 1000})


@dataclass(frozen=True)
class FoundList:
    """The records of a JSON document and where they are, with dots between keys; empty for the document itself."""

    path: str
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class Paging:
    """How a list goes on: keys of [request], the address without them, and the number of records if it is said."""

    url: str
    request: dict[str, Any]
    total: int | None = None
    warnings: tuple[Sentence, ...] = ()


def find_list(value: Any) -> FoundList | None:
    """Return the list of objects in a JSON document that is likeliest that of the records; None if there is none."""
    lists = list(_lists(value))
    return max(lists, key=_worth, default=None)


def _worth(found: FoundList) -> tuple[int, int, int]:
    """Return how much a list looks like the records: objects of several members, many of them, near the outside."""
    members = sorted(len(record) for record in found.records[:20])
    return min(members[len(members) // 2], 3), len(found.records), -found.path.count(".")


def _lists(value: Any) -> Iterator[FoundList]:
    """Yield the lists of objects in a document."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    visited = 0
    while waiting and visited < _MAX_VISITED:
        path, current, depth = waiting.pop(0)
        visited += 1
        if isinstance(current, list):
            yield from _as_list(path, current)
        elif isinstance(current, dict) and depth < _MAX_DEPTH:
            members = list(current.items())[:_MAX_KEYS]
            waiting += [(f"{path}.{key}".lstrip("."), each, depth + 1) for key, each in members]


def _as_list(path: str, current: list[Any]) -> Iterator[FoundList]:
    """Yield a list if most of its elements are objects."""
    records = [record for record in current if isinstance(record, dict) and record]
    if records and 2 * len(records) > len(current):
        yield FoundList(path, records)


def value_at(value: Any, path: str) -> Any:
    """Return what is at a path of a JSON document, None if nothing is."""
    for key in path.split(".") if path else ():
        value = value.get(key) if isinstance(value, dict) else None
    return value


class PagingGuess:
    """Finds out how a list is paged: by what its first page says, then by requesting the second one."""

    def __init__(self, prober: Prober, document: Document, found: FoundList) -> None:
        self.prober, self.found = prober, found
        self.headers = document.reply.headers
        self.outer = document.json if isinstance(document.json, dict) else {}
        self.query = parse_qsl(urlsplit(document.url).query, keep_blank_values=True)
        self.typed_url = document.url
        self.members = list(_scalars(self.outer, found.path))
        self.total_path, self.total = self._find_total()

    def guess(self) -> Paging:
        """Return how the list goes on."""
        for attempt in (self._by_link, self._by_cursor, self._whole, self._by_number):
            paging = attempt()
            if paging is not None:
                return paging
        return self._unknown()

    # what the first page says

    def _find_total(self) -> tuple[str | None, int | None]:
        """Return the path of the list's size, and the size: a number that is named so and not less than the page."""
        count = len(self.found.records)
        totals = [
            (path, value)
            for path, value in self.members
            if isinstance(value, int) and value >= count and _folded(path.rpartition(".")[2]) in _TOTALS
        ]
        named = [row for row in totals if "total" in row[0].lower() or "found" in row[0].lower()] or totals
        path, total = max(named, key=lambda row: row[1], default=(None, None))
        return path, total

    def _is_known_whole(self) -> bool:
        return self.total is not None and self.total <= len(self.found.records)

    def _with_total(self, request: dict[str, Any]) -> dict[str, Any]:
        header = next((name for name in ("X-WP-Total", "X-Total-Count", "X-Total") if self.headers.get(name)), None)
        if self.total_path is not None:
            return {**request, "total_path": self.total_path}
        return {**request, "total_header": header} if header else request

    def _listed_size(self) -> int | None:
        if self.total is not None:
            return self.total
        header = (
            self.headers.get("X-WP-Total") or self.headers.get("X-Total-Count") or self.headers.get("X-Total") or ""
        )
        return int(header) if _NUMBER.fullmatch(header) else None

    def _by_link(self) -> Paging | None:
        """Page by the Link header, or by the address of the next page that the document names."""
        relations = self.headers.get("link", "").replace('"', "").replace("'", "").replace(" ", "").lower()
        if "rel=next" in relations:
            return Paging(self._first_url(), self._with_total({"paging": "link"}), self._listed_size())
        for path, value in self.members:
            if _names_next(path) and isinstance(value, str) and self._is_next_page(value):
                request = {"paging": "cursor", "cursor_path": path}
                return Paging(self._first_url(), self._with_total(request), self._listed_size())
        return None

    def _is_next_page(self, value: str) -> bool:
        """Return whether a text is the address of another page of the same site."""
        address = join_address(self.typed_url, value) if value else None
        return address is not None and address != self.typed_url and self._is_same_site(address)

    def _is_same_site(self, address: str) -> bool:
        return urlsplit(address).netloc == urlsplit(self.typed_url).netloc and "?" in address

    def _by_cursor(self) -> Paging | None:
        """Page by a token for the next page, sent in the parameter that brings other records."""
        for path, value in self.members:
            name = path.rpartition(".")[2]
            if not isinstance(value, str | int) or not str(value) or not _NEXT_TOKEN.fullmatch(name):
                continue
            bare = name.lower().removeprefix("next_").removeprefix("next")
            for param in dict.fromkeys((_TOKEN_PARAMS.get(name.lower(), ""), name, bare)):
                if param and self._brings_others({param: str(value)}):
                    request = {"paging": "cursor", "cursor_path": path, "page_param": param}
                    return Paging(self._first_url(), self._with_total(request), self._listed_size())
        return None

    def _whole(self) -> Paging | None:
        """Return no paging where the list says that it is whole, or cannot go on."""
        if self._is_known_whole() and not self._typed_params():
            return Paging(self.typed_url, self._with_total({}), self.total)
        return None

    # by the second page

    def _typed_params(self) -> list[str]:
        """Return the parameters of the typed address that number pages."""
        return [name for name, _ in self.query if name in (*_PAGES, *_OFFSETS)]

    def _by_number(self) -> Paging | None:
        """Page by number or offset: the parameter of which another value brings other records."""
        if not self._may_go_on():
            return None
        typed = self._typed_params()
        echoed = [
            name for name in (*_PAGES, *_OFFSETS) if name in {path.rpartition(".")[2] for path, _ in self.members}
        ]
        for param in dict.fromkeys((*typed, *echoed, "page", "offset", "start", "from", "skip")):
            request = self._try_param(param)
            if request is not None:
                return Paging(self._first_url(), self._with_total(request), self._listed_size())
        return None

    def _may_go_on(self) -> bool:
        """Return whether anything speaks for more records than these."""
        count, size = len(self.found.records), self._listed_size()
        if size is not None:
            return size > count or bool(self._typed_params())
        names = {path.rpartition(".")[2] for path, _ in self.members} | {name for name, _ in self.query}
        return count in _USUAL_SIZES or bool(names & {*_PAGES, *_OFFSETS, *_SIZES})

    def _try_param(self, param: str) -> dict[str, Any] | None:
        """Return [request] for a parameter if it numbers pages or records; None if it changes nothing.

        With the value 2 an offset begins at the third record, and a page number behind the first page.
        """
        first = self._records({param: None})
        second = self._records({param: "2"})
        if first is None or not second or second[0] == first[0]:
            return None
        if second[0] in first:
            return {"paging": "offset", "page_param": param, **self._size_param(first)}
        numbered = self._records({param: "1"})
        starts_at_one = numbered is None or not numbered or numbered[0] == first[0]
        return {"paging": "page", "page_param": param, "first": int(starts_at_one), **self._size_param(first)}

    def _size_param(self, first: Sequence[Any]) -> dict[str, Any]:
        """Return the page size, with its parameter where the typed address has one."""
        param = next((name for name, value in self.query if name in _SIZES and _NUMBER.fullmatch(value)), None)
        return {"size": max(1, len(first))} | ({"size_param": param} if param else {})

    def _records(self, params: Mapping[str, str | None]) -> list[Any] | None:
        """Return the records of another page; None if it does not answer with such a list."""
        document = self.prober.get(self._url(params))
        if document is None or document.json is None or document.status >= 400:
            return None
        listed = value_at(document.json, self.found.path) if self.found.path else document.json
        return listed if isinstance(listed, list) else None

    def _brings_others(self, params: Mapping[str, str]) -> bool:
        listed = self._records(params)
        return bool(listed) and listed[0] != self.found.records[0]  # type: ignore[index]  # a list that is not empty

    def _url(self, params: Mapping[str, str | None]) -> str:
        """Return the address with other parameters in its query; None leaves one out."""
        kept = [(name, value) for name, value in self.query if name not in params]
        pairs = [*kept, *((name, value) for name, value in params.items() if value is not None)]
        return urlunsplit(urlsplit(self.typed_url)._replace(query=urlencode(pairs), fragment=""))

    def _first_url(self) -> str:
        """Return the address of the whole list: without the number of the page that was typed."""
        typed = self._typed_params()
        return self._url(dict.fromkeys(typed)) if typed else self.typed_url

    def _unknown(self) -> Paging:
        """Return the list as it came: it may be whole, or its paging could not be found."""
        size, count = self._listed_size(), len(self.found.records)
        warnings: tuple[Sentence, ...] = ()
        if size is not None and size > count:
            warnings = (sentence("The list has more pages, and how to ask for them could not be found out."),)
        return Paging(self.typed_url, self._with_total({}), size, warnings)


def guess_paging(prober: Prober, document: Document, found: FoundList) -> Paging:
    """Return how a list is paged; what could not be tried any more is a warning."""
    guess = PagingGuess(prober, document, found)
    try:
        return guess.guess()
    except BoundsReached:
        warning = sentence("Not everything could be asked in the time of one detection.")
        return Paging(document.url, {}, guess.total, (warning,))


def _scalars(value: Any, list_path: str, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield path and value of the texts and numbers around a list."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    for key, inner in list(value.items())[:_MAX_KEYS]:
        inner_path = f"{path}.{key}".lstrip(".")
        if isinstance(inner, dict):
            yield from _scalars(inner, list_path, inner_path, depth + 1)
        elif isinstance(inner, str | int) and not isinstance(inner, bool):
            yield inner_path, inner


def _names_next(path: str) -> bool:
    """Return whether what is at a path is named as the next page: next, or next.href."""
    outer, _, key = path.rpartition(".")
    return _folded(key) in _NEXT or (_folded(key) == "href" and _folded(outer.rpartition(".")[2]) in _NEXT)


def _folded(name: str) -> str:
    return name.lower().lstrip("@").replace("_", "").replace("-", "")
