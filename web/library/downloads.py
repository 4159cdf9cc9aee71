"""The library as files: a page for people, and the files with ranges and ETags for machines."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from loaders.downloads import FILES, MANIFEST_NAME, SUMS_NAME, Dump, file_of, list_dumps, newest_dump
from schemas import Environment
from web.files import File
from web.languages import marked
from web.library.answers import count_request, has_tag, kept
from web.library.sizes import size_in_words
from web.pages import gettext_of, render

router = APIRouter()
_KEPT_SECONDS = 300  # by browsers and proxies, no longer: an erasure removes files
FILE_MEANINGS = {
    "resources.jsonl.zst": marked("everything, one record per line as JSON, compressed with Zstandard"),
    "resources.parquet": marked("a table for data frames"),
    "resources.csv": marked("the same table for spreadsheets"),
    "resource.schema.json": marked("JSON Schema of the records"),
}
_NO_FILE = marked("There is no such file. Older downloads are removed; the page Downloads has those that there are.")


class ShownFile(NamedTuple):
    """A file of a dump as the page shows it."""

    name: str
    path: str
    meaning: str
    size: str
    sha256: str


@router.get("/downloads", include_in_schema=False)
def without_slash(request: Request) -> Response:
    """Lead to the page, beneath whose address the files are."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/downloads/{query}", status_code=301)


@router.get("/downloads/")
def downloads(request: Request) -> Response:
    """Show what can be downloaded, under which licences, and how to verify it."""
    count_request(request)
    dumps = list_dumps(request.app.state.env)
    page = render(
        request,
        "library/downloads.html",
        newest=dumps[0].manifest if dumps else None,
        files=_shown_files(request, dumps[0]) if dumps else [],
        older=[(dump.manifest, _shown_files(request, dump)) for dump in dumps[1:]],
        manifest_name=MANIFEST_NAME,
        sums_name=SUMS_NAME,
    )
    return kept(request, page)


def _shown_files(request: Request, dump: Dump) -> list[ShownFile]:
    return [
        ShownFile(
            name=each.name,
            path=f"/downloads/{dump.manifest.name}/{each.name}",
            meaning=gettext_of(request, FILE_MEANINGS[each.name]) if each.name in FILE_MEANINGS else "",
            size=size_in_words(request, each.bytes),
            sha256=each.sha256,
        )
        for each in dump.manifest.files
    ]


@router.get("/downloads/latest/{file_name}")
def latest_file(request: Request, file_name: str) -> Response:
    """Lead to a file of the newest dump: not the file itself, so that a range never mixes two dumps."""
    count_request(request)
    newest = newest_dump(request.app.state.env)
    if newest is None or file_name not in FILES:
        raise HTTPException(404, _NO_FILE)
    path = f"/downloads/{newest.manifest.name}/{file_name}"
    return RedirectResponse(path, status_code=302, headers={"cache-control": "no-cache"})


@router.get("/downloads/{dump_name}/{file_name}")
def file(request: Request, dump_name: str, file_name: str) -> Response:
    """Give out a file, or a range of it."""
    count_request(request)
    env: Environment = request.app.state.env
    path = file_of(env, dump_name, file_name)
    response = None if path is None else _response(path)
    if response is None:
        raise HTTPException(404, _NO_FILE)
    if has_tag(request, response.headers["etag"]):
        names = ("etag", "last-modified", "cache-control")
        return Response(status_code=304, headers={name: response.headers[name] for name in names})
    return response


def _response(path: Path) -> File | None:
    """Return the answer with a file; None for one that was removed a moment ago."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    # A dump's files never change: name, size and time tell one from another
    headers = {"cache-control": f"public, max-age={_KEPT_SECONDS}", "access-control-allow-origin": "*"}
    return File(path, headers=headers, media_type=FILES[path.name], filename=path.name, stat_result=status)
