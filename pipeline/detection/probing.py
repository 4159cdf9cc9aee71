"""Send the requests of a detection: through the harvesters' client, within its bounds, each address once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from harvesters.causes import HostInUse
from harvesters.client import Client, Reply
from pipeline.detection.documents import Document
from pipeline.detection.found import Probe, Trouble
from schemas import Ask, Base, Environment, Feed, HarvestFailed, Request, Sentence, sentence

_TIMEOUT_SECONDS = 12.0  # of one response
_MAX_REDIRECTS = 4
_CONNECTIONS = 2  # to a host: a person waits, also while a harvest of the same host uses its only one
_MAX_PROBE_CHARS = 300  # of an address that is shown
_MAX_REFUSALS = 4  # in a row, before a server that keeps us out is left alone


class DetectionBounds(Base, frozen=True, kw_only=True):
    """What one detection may cost, over all of its requests."""

    requests: int = 25
    seconds: float = 30
    rate: float = 2  # requests per second to one host
    max_bytes: int = 32 * 1024 * 1024  # of one response, decompressed


class BoundsReached(Exception):
    """The detection's requests, its time, or the server's patience are used up."""


class _CountingClient(Client):
    """The harvesters' client, which counts the requests, those for robots.txt included. Raises BoundsReached."""

    requests_left: int = 0
    replies: dict[str, Reply]  # to plain GET requests, by address

    def send(self, url: str, **options: Any) -> Reply:
        """Send one request of those that are left; a plain one that was sent before gives the same reply."""
        is_plain = options.keys() <= {"readable"}
        if is_plain and url in self.replies and self.replies[url].status < 400:
            return self.replies[url]
        if self.requests_left <= 0:
            raise BoundsReached
        self.requests_left -= 1
        reply = super().send(url, **options)
        if is_plain:
            self.replies[url] = reply
        return reply


class Prober:
    """Requests addresses and remembers what came, a context manager. `allow_private` is that of `env`."""

    def __init__(self, address: str, env: Environment, bounds: DetectionBounds) -> None:
        self.env, self.bounds = env, bounds
        self.probes: list[Probe] = []
        self.failures: list[HarvestFailed] = []
        self.obstacle: Trouble | None = None  # why a source that was recognised cannot be proposed
        self.typed_url = address  # after redirects
        self._documents: dict[str, Document | None] = {}
        self._deadline = time.monotonic() + bounds.seconds
        self._refusals = 0
        self.client = _CountingClient(_feed(address, bounds), Ask(), env)
        self.client.requests_left, self.client.replies = bounds.requests, {}

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.__exit__(kind, error, at)

    @property
    def has_answered(self) -> bool:
        """Whether any request was answered."""
        return any(document is not None for document in self._documents.values())

    @property
    def refused(self) -> list[Document]:
        """The responses by which the server keeps us out."""
        return [document for document in self._documents.values() if document is not None and document.is_refused]

    def get(self, url: str) -> Document | None:
        """Return what an address answers, whatever its status is; None if it does not. Raises BoundsReached."""
        if url not in self._documents:
            self._documents[url] = self._send(url, lambda: self.client.send(url, readable=_any_reply))
        return self._documents[url]

    def post(self, url: str, *, form: Mapping[str, Any] | None = None, body: Any = None) -> Document | None:
        """Return what an address answers to POST, with a form or a JSON body. Raises BoundsReached."""
        return self._send(url, lambda: self.client.send(url, method="POST", form=form, body=body, readable=_any_reply))

    def _send(self, url: str, send: Callable[[], Reply]) -> Document | None:
        if time.monotonic() >= self._deadline or self._refusals >= _MAX_REFUSALS:
            raise BoundsReached
        begin = time.monotonic()
        try:
            document = Document(send())
        except HarvestFailed as failure:
            self.failures.append(failure)
            self._note(url, failure_sentence(failure), begin)
            if failure.cause in _FINAL_CAUSES:
                self._refusals += 1
            return None
        self._refusals = self._refusals + 1 if document.has_refused_status else 0
        self._note(url, document.described(), begin)
        return document

    def _note(self, url: str, result: Sentence, begin: float) -> None:
        milliseconds = round((time.monotonic() - begin) * 1_000)
        self.probes.append(Probe(address=url[:_MAX_PROBE_CHARS], result=result, milliseconds=milliseconds))


def _any_reply(_reply: Reply) -> bool:
    return True


def _feed(address: str, bounds: DetectionBounds) -> Feed:
    """Return a feed for the client to ask: nothing of it is harvested."""
    request = Request(
        rate=bounds.rate,
        retries=0,
        timeout=min(_TIMEOUT_SECONDS, bounds.seconds),
        budget=bounds.seconds,
        max_bytes=bounds.max_bytes,
        max_redirects=_MAX_REDIRECTS,
        connections=_CONNECTIONS,
    )
    return Feed(name="detection", title="-", partner="-", protocol="rest", url=address, format="map", request=request)


_FINAL_CAUSES = frozenset({"unreachable", "moved", "too_slow", "too_large", "blocked"})
_FAILURES = {
    "unreachable": sentence("The server does not answer."),
    "certificate": sentence("The server's certificate cannot be trusted."),
    "blocked": sentence("The server keeps us out."),
    "moved": sentence("The address redirects in a circle, or to an address that is none."),
    "too_slow": sentence("The response does not come in time."),
    "too_large": sentence("The response has no end, or is too large."),
    "malformed": sentence("The response is damaged."),
    "forbidden_address": sentence("The address is not on the public internet."),
}


def failure_sentence(failure: HarvestFailed) -> Sentence:
    """Return what a failed request means, in a sentence."""
    if isinstance(failure, HostInUse):
        return sentence("The library itself is reading from this server now.")
    return _FAILURES.get(failure.cause, sentence("The request failed."))
