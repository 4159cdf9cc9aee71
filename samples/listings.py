"""Lists that a server hands out by pages: one stored file, cut as the asked page, offset or search says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.answer import Answer, Asked

_JSON = "application/json; charset=utf-8"
_RESULT = re.compile(r"<result\b.*?</result>", re.DOTALL)


@dataclass(frozen=True)
class Listing:
    """One paged list: its path and method, and the style in which it answers."""

    path: str
    method: str
    style: Callable[[list[Any], Asked], Answer]
    rows: list[Any]

    def fits(self, asked: Asked) -> bool:
        return asked.method == self.method and asked.path == self.path

    def answer(self, asked: Asked) -> Answer:
        return self.style(self.rows, asked)


def read_listing(folder: Path, row: dict[str, str]) -> Listing:
    """The listing that a [[listing]] table declares: path, style and file."""
    method, style = _STYLES[row["style"]]
    text = (folder / row["file"]).read_text(encoding="utf-8")
    rows = _RESULT.findall(text) if row["file"].endswith(".xml") else json.loads(text)
    return Listing(row["path"], method, style, rows)


def _json(said: Any, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(said, ensure_ascii=False).encode("utf-8"), _JSON, status, named)


def opendatasoft(rows: list[Any], asked: Asked) -> Answer:
    """Explore v2.1: `limit` to 100, `offset`, `refine=field:value`; past 10 000 an error as the real server gives."""
    said = dict(asked.pairs)
    limit, offset = int(said.get("limit", 10)), int(said.get("offset", 0))
    if limit > 100 or offset + limit > 10_000:
        return _json({"error_code": "InvalidRESTParameterError", "message": "offset + limit should be <= 10000"}, 400)
    kept = [row for row in rows if all(_refined(row, value) for name, value in asked.pairs if name == "refine")]
    return _json({"total_count": len(kept), "results": kept[offset : offset + limit]})


def _refined(row: dict[str, Any], refine: str) -> bool:
    name, _, value = refine.partition(":")
    held = row.get(name)
    return value.strip('"') in (held if isinstance(held, list) else [str(held)])


def wordpress(rows: list[Any], asked: Asked) -> Answer:
    """wp/v2: `page` from 1, `per_page` to 100, the totals in headers, an error past the last page."""
    said = dict(asked.pairs)
    size, page = int(said.get("per_page", 10)), int(said.get("page", 1))
    kept = [row for row in rows if row["modified_gmt"] > said.get("modified_after", "")[:19]]
    pages = -(-len(kept) // size)
    if page > max(pages, 1):
        sentence = "The page number requested is larger than the number of pages available."
        return _json({"code": "rest_post_invalid_page_number", "message": sentence, "data": {"status": 400}}, 400)
    cut = kept[(page - 1) * size : page * size]
    return _json(cut, X_WP_Total=str(len(kept)), X_WP_TotalPages=str(pages))


def graasp(rows: list[Any], asked: Asked) -> Answer:
    """POST search: `page` from 1 and `hitsPerPage` in the JSON body."""
    said = asked.json or {}
    size, page = int(said.get("hitsPerPage", 24)), int(said.get("page", 1))
    cut = rows[(page - 1) * size : page * size]
    return _json({"hits": cut, "totalHits": len(rows), "page": page, "hitsPerPage": size})


def oercommons(rows: list[Any], asked: Asked) -> Answer:
    """The token API: `batch_start` and `batch_size`; the token that the real one asks for is not looked at."""
    said = dict(asked.pairs)
    start, size = int(said.get("batch_start", 0)), int(said.get("batch_size", 50))
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<oersearchresults total-items="{len(rows)}" batch-start="{start}">'
    text = "\n".join([head, *rows[start : start + size], "</oersearchresults>\n"])
    return Answer(text.encode("utf-8"), "text/xml; charset=utf-8")


_STYLES: dict[str, tuple[str, Callable[[list[Any], Asked], Answer]]] = {
    "opendatasoft": ("GET", opendatasoft),
    "wordpress": ("GET", wordpress),
    "graasp": ("POST", graasp),
    "oercommons": ("GET", oercommons),
}
