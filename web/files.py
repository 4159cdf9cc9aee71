"""Files as answers, with ranges as RFC 9110 (14) has them."""

from __future__ import annotations

import os
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Receive, Scope, Send

_RANGES = re.compile(r"(?i:bytes)=([\d\s,-]+)", re.ASCII)
_RANGE = re.compile(r"(\d{1,18})-(\d{1,18})?|-(\d{1,18})", re.ASCII)


class File(FileResponse):
    """A file, or ranges of it; its `stat_result` is to be given.

    Starlette answers 400 to a Range that cannot be read, and 416 where only some of the ranges lie beyond the end.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a Range that Starlette reads as the standard says."""
        header = Headers(scope=scope).get("range")
        if header is not None:
            assert self.stat_result is not None
            ranges = readable_ranges(header, self.stat_result.st_size) if scope["method"] == "GET" else None
            scope = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"range"]}
            if ranges is not None:
                MutableHeaders(scope=scope)["range"] = ranges
        await super().__call__(scope, receive, send)


class Files(StaticFiles):
    """A folder of such files."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the answer with a file, or that it has not changed."""
        response = File(full_path, status_code=status_code, stat_result=stat_result)
        unchanged = self.is_not_modified(response.headers, Headers(scope=scope))
        return NotModifiedResponse(response.headers) if unchanged else response


def readable_ranges(header: str, size: int) -> str | None:
    """Return a Range without what lies beyond a file of `size` bytes, and None for one that is to be ignored.

    One of which nothing is left is returned as it came: the answer to it is 416.
    """
    listed = _RANGES.fullmatch(header)
    specs = [spec.strip() for spec in listed[1].split(",") if spec.strip()] if listed else []
    ranges = [_RANGE.fullmatch(spec) for spec in specs]
    if not ranges or any(each is None or _is_reversed(each) for each in ranges):
        return None
    within = [each[0] for each in ranges if each is not None and _is_within(each, size)]
    return f"bytes={','.join(within or specs)}"


def _is_reversed(spec: re.Match[str]) -> bool:
    return spec[2] is not None and int(spec[2]) < int(spec[1])


def _is_within(spec: re.Match[str], size: int) -> bool:
    return int(spec[1]) < size if spec[1] is not None else size > 0 and int(spec[3]) > 0
