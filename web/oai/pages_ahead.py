"""Make the next page of a list while its client reads this one: waiting for each page takes twice as long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from schemas import Base

_MAX_PAGES = 16  # that wait for their clients, each of about a megabyte
_MAX_AGE_SECONDS = 30.0  # of a page: what is published meanwhile comes with a later list


class AnswerBody(Base, frozen=True):
    """An answer's bytes, whether they are compressed, and the resumption token that it ends with ("": none)."""

    body: bytes
    is_gzip: bool
    token: str


class PagesAhead:
    """The pages that were made before anybody asked for them, by resumption token."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[float, Future[AnswerBody]]] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "oai-pages")

    def make(self, token: str, render: Callable[[], AnswerBody]) -> None:
        """Begin to make the page of a token, unless as many as may be are waiting."""
        now = time.monotonic()
        with self._lock:
            for known, (began, _) in list(self._pages.items()):
                if now - began > _MAX_AGE_SECONDS:
                    del self._pages[known]
            if token not in self._pages and len(self._pages) < _MAX_PAGES:
                self._pages[token] = now, self._worker.submit(render)

    def take(self, token: str) -> AnswerBody | None:
        """Return the page of a token, once; None where it was not made, is too old, or could not be made."""
        with self._lock:
            began, page = self._pages.pop(token, (0.0, None))
        if page is None or time.monotonic() - began > _MAX_AGE_SECONDS or page.cancel():
            return None
        return page.result() if page.exception() is None else None  # made again, its error is seen
