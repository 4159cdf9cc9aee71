"""Checks of the server itself, whatever its protocol: reachable, certificate, headers, speed, robots.txt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from harvesters.client import Reply
from harvesters.documents.robots import Robots
from pipeline.self_test.bounded_client import BoundedClient
from pipeline.self_test.failures import failure_result, quoted
from pipeline.self_test.lines import CheckResult, Level, NotChecked, advice, ok
from schemas import HarvestFailed, sentence

_SOON = timedelta(days=14)
_SLOW_SECONDS = 5.0  # of one response
_FEW_RECORDS_PER_SECOND = 10.0
_MIN_COMPRESSED_BYTES = 4_096  # below that compression saves nothing
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.ASCII | re.IGNORECASE)
_UNICODE = frozenset({"utf-8", "utf8"})


def reached(reply: Reply) -> CheckResult:
    """Return the result for a server that answered."""
    return ok(sentence("The server answers (%(milliseconds)s ms).", milliseconds=round(reply.seconds * 1000)))


def certificate(reply: Reply) -> CheckResult:
    """Judge the certificate that the server showed; one that is not valid is never reached with."""
    if reply.certificate_until is None:
        if reply.url.startswith("https:"):
            raise NotChecked(sentence("The server closed the connection before its certificate could be read."))
        return advice(
            sentence("The address is http: what is sent can be read and changed on its way."),
            sentence("Offer the same address with https, and give that one."),
        )
    day = f"{reply.certificate_until:%Y-%m-%d}"
    if reply.certificate_until - datetime.now(UTC) < _SOON:
        return advice(
            sentence("The certificate is valid, but only until %(day)s.", day=day),
            sentence("Renew the certificate before that day; without a valid one nothing is harvested."),
        )
    return ok(sentence("The certificate is valid until %(day)s.", day=day))


def headers(received: Mapping[str, str], size: int, types: Sequence[str]) -> CheckResult:
    """Judge Content-Type, its charset, and compression.

    `size` is the body's in bytes; `types` are parts of a Content-Type that fits.
    """
    content_type = received.get("content-type", "")
    charset = _CHARSET.search(content_type)
    if charset is not None and charset[1].lower() not in _UNICODE:
        return advice(
            sentence("The Content-Type declares the encoding %(charset)s.", charset=quoted(charset[1])),
            sentence("Send UTF-8, and declare it."),
        )
    if not any(part in content_type.lower() for part in types):
        return advice(
            sentence("The Content-Type is “%(type)s”.", type=quoted(content_type) or "-"),
            sentence("Declare what the answer is: %(types)s.", types=", ".join(types)),
        )
    if size >= _MIN_COMPRESSED_BYTES and not received.get("content-encoding"):
        return advice(
            sentence("The answers are not compressed."),
            sentence("Switch on gzip for these answers: a harvest then moves a tenth of the bytes."),
        )
    return ok(sentence("The Content-Type is right: %(type)s.", type=quoted(content_type)))


def speed(records: int, seconds: Sequence[float]) -> CheckResult:
    """Judge how long the answers took that gave so many records."""
    if not records or not seconds:
        raise NotChecked(sentence("No records came whose time could be measured."))
    total = sum(seconds)
    per_second, per_page = records / max(total, 0.001), total / len(seconds)
    values = {"rate": round(per_second), "milliseconds": round(per_page * 1000)}
    if per_page > _SLOW_SECONDS or per_second < _FEW_RECORDS_PER_SECOND:
        return advice(
            sentence("%(rate)s records per second, %(milliseconds)s ms per answer: that is slow.", **values),
            sentence("Look why: an index on the date of change, or answers that are kept, help most."),
        )
    return ok(sentence("%(rate)s records per second, %(milliseconds)s ms per answer.", **values))


def robots(client: BoundedClient) -> CheckResult:
    """Judge what the site's robots.txt says about the feed's address; only walks through pages are bound by it."""
    level: Level = "problem" if client.feed.traits.requests_each_record else "advice"
    try:
        is_allowed = Robots(client).allow(client.feed.url)
    except HarvestFailed as failure:
        result = failure_result(failure)
        return result._replace(level=level) if result.level == "problem" else result
    if is_allowed:
        return ok(sentence("robots.txt allows the address."))
    return CheckResult(
        level,
        sentence("robots.txt forbids the address."),
        sentence("Allow the user agent E-library-for-Teachers-harvester there."),
    )
