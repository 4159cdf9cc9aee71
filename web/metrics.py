"""`/metrics`: how the feeds, the publications and the decisions that wait stand, as Prometheus reads it.

Everything is read from the catalog, and counted again only when something was written into it. Numbers describe the
last run, or how things stand now: the night is a batch, so hardly anything is a counter.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

from fastapi import APIRouter, HTTPException
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import FeedStanding, OperatorFigures, operator_figures, todays_needs
from loaders.declarations import feeds_in_use
from loaders.store import catalog_bytes, read_kept
from pipeline.feed_health import unusual_feeds
from schemas import Environment
from schemas.version import __version__
from web.languages import marked
from web.settings import WebSettings

_STATUSES = ("loaded", "held", "failed", "running", "landed", "refused", "superseded", "undone")
_REFUSED = marked("These figures are for the monitoring only, which sends the token that the operators have set.")
_A_YEAR_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR_SECONDS = 366 * 86_400
_MAX_TIMES = 1_500  # of a schedule that are looked at: four of each day of a year
router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Answer with every figure in the text format of Prometheus."""
    _require_permission(request)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(request.app.state.env))
    return Response(
        generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"}
    )


def _require_permission(request: Request) -> None:
    """Raise 403 unless the request brings the token. Where none is set, this machine itself may ask without.

    Behind a proxy every request comes from this machine, so a web with a public address answers nobody without a token.
    """
    settings: WebSettings = request.app.state.settings
    client = request.client.host if request.client else ""
    if settings.metrics_token:
        scheme, _, sent = request.headers.get("authorization", "").encode("latin-1").partition(b" ")
        is_allowed = scheme.lower() == b"bearer" and hmac.compare_digest(sent, settings.metrics_token.encode())
    else:
        is_allowed = not settings.url and "x-forwarded-for" not in request.headers and _is_loopback(client)
    if not is_allowed:
        raise HTTPException(403, _REFUSED)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Figures:
    """A collector of prometheus_client over the catalog of an installation."""

    def __init__(self, env: Environment) -> None:
        self.env = env

    def collect(self) -> Iterator[Metric]:
        """Yield every family of figures."""
        figures = read_kept(self.env, operator_figures)
        yield _gauge("elib_build_info", "Version of the library; always 1.", ("version",), [((__version__,), 1)])
        yield from self._catalog(figures)
        yield from _feeds(figures.feeds)
        yield from self._declared()
        yield from self._decisions()

    def _catalog(self, figures: OperatorFigures) -> Iterator[Metric]:
        resources = [((), figures.resources)]
        yield _gauge("elib_catalog_resources", "Published resources that are not withdrawn.", (), resources)
        size = [((), catalog_bytes(self.env))]
        yield _gauge("elib_catalog_bytes", "Size of the catalog's database in bytes.", (), size)
        published = [((), _seconds(figures.published_at))] if figures.published_at else []
        text = "When the catalog was last published, in seconds since 1970."
        yield _gauge("elib_publication_last_success_timestamp_seconds", text, (), published)
        failed = [((), int(figures.publication_failed))]
        yield _gauge("elib_publication_failed", "1 while the last publication is one that failed.", (), failed)
        steps = [((step,), took) for step, took in figures.publication_seconds.items()]
        yield _gauge("elib_publication_step_seconds", "Seconds of each step of the last publication.", ("step",), steps)

    def _declared(self) -> Iterator[Metric]:
        in_use = feeds_in_use(self.env)
        mistakes = [((name, trouble.state), 1) for name, trouble in sorted(in_use.troubles.items())]
        text = "1 for each feed whose file has a mistake, is missing, or is not the one that is used."
        yield _gauge("elib_feed_file_trouble", text, ("feed", "trouble"), mistakes)
        active = [feed for feed in in_use.feeds if feed.status == "active"]
        text = "1 for each active feed that is to be harvested."
        yield _gauge("elib_feed_active", text, ("feed",), [((feed.name,), 1) for feed in active])
        text = "Longest time between two harvests by the schedule of each active feed, in seconds."
        intervals = [((feed.name,), _longest_interval(feed.schedule)) for feed in active]
        yield _gauge("elib_feed_interval_seconds", text, ("feed",), intervals)
        without = [((feed.name,), 1) for feed in active if "expect" not in feed.model_fields_set]
        text = "1 for each active feed whose file expects nothing of it."
        yield _gauge("elib_feed_without_expectations", text, ("feed",), without)
        odd = [
            ((feed, each.measure, each.manner), each.value)
            for feed, those in sorted(read_kept(self.env, unusual_feeds).items())
            for each in those
        ]
        text = "Measures of a feed's last night outside the band of its own nights: their value."
        yield _gauge("elib_feed_unusual", text, ("feed", "measure", "manner"), odd)

    def _decisions(self) -> Iterator[Metric]:
        """Yield how many decisions wait for a person, and how long the oldest of each cause does."""
        counts: dict[str, int] = {}
        since: dict[str, str] = {}
        for need in todays_needs(self.env):
            counts[need.cause] = counts.get(need.cause, 0) + need.count
            if need.since is not None:
                since[need.cause] = min(need.since, since.get(need.cause, need.since))
        waiting = [((cause,), count) for cause, count in sorted(counts.items())]
        yield _gauge("elib_decisions_waiting", "What waits for a person, by cause.", ("cause",), waiting)
        oldest = [((cause,), _seconds(at)) for cause, at in sorted(since.items())]
        text = "Since when the oldest thing of each cause waits, in seconds since 1970."
        yield _gauge("elib_decisions_oldest_timestamp_seconds", text, ("cause",), oldest)


class _OfFeeds(NamedTuple):
    """A figure of each feed: its second label beside `feed`, empty for none, and its values by that label."""

    name: str
    text: str
    label: str
    values: Callable[[FeedStanding], Mapping[str, Any]]


_OF_FEEDS = (
    _OfFeeds("records", "Records of each feed, by status.", "status", lambda feed: feed.records),
    _OfFeeds(
        "last_run",
        "1 for the status of each feed's last run.",
        "status",
        lambda feed: {status: int(feed.status == status) for status in _STATUSES},
    ),
    _OfFeeds("run_records", "Records of each feed's last run, by outcome.", "outcome", lambda feed: feed.counts),
    _OfFeeds(
        "failed_nights",
        "Days in a row on which the harvests of each feed have failed; 0 once one has come through.",
        "",
        lambda feed: {"": feed.failed_nights},
    ),
    _OfFeeds(
        "last_run_timestamp_seconds",
        "When each feed's last run began, in seconds since 1970.",
        "",
        lambda feed: {"": _seconds(feed.started_at)},
    ),
    _OfFeeds(
        "last_success_timestamp_seconds",
        "When a harvest of each feed was last loaded, in seconds since 1970.",
        "",
        lambda feed: {"": _seconds(feed.loaded_at)} if feed.loaded_at else {},
    ),
    _OfFeeds(
        "step_seconds",
        "Seconds of work of each step of each feed's last run.",
        "step",
        lambda feed: feed.measures.seconds,
    ),
    _OfFeeds("requests", "Requests of each feed's last harvest.", "", lambda feed: {"": feed.measures.requests}),
    _OfFeeds(
        "retries",
        "Requests of each feed's last harvest that were tried again.",
        "",
        lambda feed: {"": feed.measures.retries},
    ),
    _OfFeeds(
        "promised_records",
        "How many records each partner's server says that it has.",
        "",
        lambda feed: {} if feed.measures.promised is None else {"": feed.measures.promised},
    ),
    _OfFeeds("runs", "Runs of each feed that the catalog keeps, by status.", "status", lambda feed: feed.runs),
)


@lru_cache(maxsize=256)
def _longest_interval(schedule: str) -> float:
    """Return the longest time between two of a schedule's times within a year, in seconds: three days for weekdays."""
    from croniter import croniter  # type: ignore[import-untyped]  # it has no types

    times = croniter(schedule, _A_YEAR_FROM)
    before, longest = times.get_next(float), 0.0
    for number in range(_MAX_TIMES):
        after = times.get_next(float)
        longest, before = max(longest, after - before), after
        if number and after - _A_YEAR_FROM.timestamp() > _YEAR_SECONDS:
            break
    return longest


def _feeds(feeds: tuple[FeedStanding, ...]) -> Iterator[Metric]:
    for figure in _OF_FEEDS:
        labels = ("feed", figure.label) if figure.label else ("feed",)
        samples = [
            ((feed.name, value)[: len(labels)], number)
            for feed in feeds
            for value, number in sorted(figure.values(feed).items())
        ]
        yield _gauge(f"elib_feed_{figure.name}", figure.text, labels, samples)


def _gauge(name: str, text: str, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], Any]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _seconds(at: str) -> float:
    moment = datetime.fromisoformat(at)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
