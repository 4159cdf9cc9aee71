"""A partner's site for the tests of the detection: answers by path, and harvests of what is proposed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit

from harvesters import harvest
from pipeline.detection import Detection, DetectionBounds, Proposal, detect
from schemas import Ask, Environment, Feed, SourceRecord, environment, read_feed
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, serving

Route = Answer | str | bytes | list | dict | Callable[[ReceivedRequest], Answer]
FAST = DetectionBounds(rate=100_000)


def page(body: str = "", head: str = "", title: str = "A school site") -> Answer:
    text = f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    return Answer(text, headers={"Content-Type": "text/html; charset=utf-8"})


def as_json(value: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(json.dumps(value, ensure_ascii=False), headers={"Content-Type": "application/json", **named})


def answered(route: Route, request: ReceivedRequest) -> Answer:
    if isinstance(route, Answer):
        return route
    if isinstance(route, str | bytes):
        return Answer(route)
    return as_json(route) if isinstance(route, list | dict) else route(request)


@contextmanager
def site(routes: dict[str, Route], otherwise: Route | None = None) -> Iterator[Loopback]:
    """Serve answers by path; any other path is a 404 with a web page, unless `otherwise` answers it."""

    def answer(request: ReceivedRequest) -> Answer:
        if request.path in routes:
            return answered(routes[request.path], request)
        if otherwise is not None:
            return answered(otherwise, request)
        return Answer("<html><body>Not found</body></html>", 404, {"Content-Type": "text/html"})

    with serving(answer) as server:
        yield server


def opened(home: Path) -> Environment:
    return environment({"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds"), "ELIB_ALLOW_PRIVATE": "127.0.0.1"})


def look(address: str, home: Path, bounds: DetectionBounds = FAST) -> Detection:
    return detect(address, opened(home), bounds=bounds)


def declared(proposal: Proposal, home: Path) -> Feed:
    """Return the feed that a file with the proposal declares, as the reader of feed files accepts it."""
    path = home / "feeds" / "proposed.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {"title": proposal.name or "A source", "partner": "A partner", **proposal.declaration}
    path.write_text(tomlkit.dumps(keys), encoding="utf-8")
    return read_feed(path)


def harvested(proposal: Proposal, home: Path, limit: int | None = None) -> list[SourceRecord]:
    """Return the records that a proposal's feed harvests, to the end of its list unless there is a limit."""
    feed = declared(proposal, home)
    request = feed.request.model_copy(update={"rate": 100_000.0, "retries": 0, "backoff": 0.0})
    pages = list(harvest(feed.model_copy(update={"request": request}), Ask(limit=limit), opened(home)))
    assert limit is not None or pages[-1].complete, pages[-1]
    return [record for each in pages for record in each.records]
