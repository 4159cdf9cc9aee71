"""Paged lists: one stored file, of which each answer is the requested page, offset or search result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.answer import Answer, Request

_JSON = "application/json; charset=utf-8"
_RESULT = re.compile(r"<result\b.*?</result>", re.DOTALL)


@dataclass(frozen=True)
class Listing:
    """One paged list: its path and method, and the style of API in which it answers."""

    path: str
    method: str
    style: Callable[[list[Any], Request], Answer]
    rows: list[Any]

    def fits(self, request: Request) -> bool:
        return request.method == self.method and request.path == self.path

    def answer(self, request: Request) -> Answer:
        return self.style(self.rows, request)


def read_listing(folder: Path, row: dict[str, str]) -> Listing:
    """Read the listing that a [[listing]] table declares: path, style and file."""
    method, style = _STYLES[row["style"]]
    text = (folder / row["file"]).read_text(encoding="utf-8")
    rows = _RESULT.findall(text) if row["file"].endswith(".xml") else json.loads(text)
    return Listing(row["path"], method, style, rows)


def _json(content: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(content, ensure_ascii=False).encode("utf-8"), _JSON, status, named)


def opendatasoft(rows: list[Any], request: Request) -> Answer:
    """Answer as Explore v2.1: `limit` up to 100, `offset`, `refine=field:value`; past 10 000 its error."""
    parameters = dict(request.pairs)
    limit, offset = int(parameters.get("limit", 10)), int(parameters.get("offset", 0))
    if limit > 100 or offset + limit > 10_000:
        return _json({"error_code": "InvalidRESTParameterError", "message": "offset + limit should be <= 10000"}, 400)
    matching = [row for row in rows if all(_refined(row, value) for name, value in request.pairs if name == "refine")]
    return _json({"total_count": len(matching), "results": matching[offset : offset + limit]})


def _refined(row: dict[str, Any], refine: str) -> bool:
    name, _, value = refine.partition(":")
    values = row.get(name)
    return value.strip('"') in (values if isinstance(values, list) else [str(values)])


def wordpress(rows: list[Any], request: Request) -> Answer:
    """Answer as wp/v2: `page` from 1, `per_page` up to 100, totals in headers, an error past the last page."""
    parameters = dict(request.pairs)
    size, page = int(parameters.get("per_page", 10)), int(parameters.get("page", 1))
    matching = [row for row in rows if row["modified_gmt"] > parameters.get("modified_after", "")[:19]]
    pages = -(-len(matching) // size)
    if page > max(pages, 1):
        sentence = "The page number requested is larger than the number of pages available."
        return _json({"code": "rest_post_invalid_page_number", "message": sentence, "data": {"status": 400}}, 400)
    rows_of_page = matching[(page - 1) * size : page * size]
    return _json(rows_of_page, X_WP_Total=str(len(matching)), X_WP_TotalPages=str(pages))


def graasp(rows: list[Any], request: Request) -> Answer:
    """Answer a POST search: `page` from 1 and `hitsPerPage` in the JSON body."""
    search = request.json or {}
    size, page = int(search.get("hitsPerPage", 24)), int(search.get("page", 1))
    rows_of_page = rows[(page - 1) * size : page * size]
    return _json({"hits": rows_of_page, "totalHits": len(rows), "page": page, "hitsPerPage": size})


def oercommons(rows: list[Any], request: Request) -> Answer:
    """Answer as the token API: `batch_start` and `batch_size`; the token itself is not checked."""
    parameters = dict(request.pairs)
    start, size = int(parameters.get("batch_start", 0)), int(parameters.get("batch_size", 50))
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<oersearchresults total-items="{len(rows)}" batch-start="{start}">'
    text = "\n".join([head, *rows[start : start + size], "</oersearchresults>\n"])
    return Answer(text.encode("utf-8"), "text/xml; charset=utf-8")


_STYLES: dict[str, tuple[str, Callable[[list[Any], Request], Answer]]] = {
    "opendatasoft": ("GET", opendatasoft),
    "wordpress": ("GET", wordpress),
    "graasp": ("POST", graasp),
    "oercommons": ("GET", oercommons),
}
