"""Run the checks that fit a feed's protocol, within a time and a number of requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TypeVar

from harvesters.client import from_environment
from harvesters.unexpected import is_of_the_system, text_of
from pipeline.self_test import oai_pmh, records
from pipeline.self_test.bounded_client import open_client, tested_feed
from pipeline.self_test.failures import failure_result, quoted
from pipeline.self_test.lines import CheckResult, NotChecked, TestLine
from pipeline.self_test.records import SourceUnderTest
from pipeline.self_test.repository import RepositoryUnderTest
from schemas import Environment, Feed, HarvestFailed, ProtocolName, sentence

_S = TypeVar("_S")
_Checks = Mapping[str, Callable[[_S], CheckResult]]
_OAI_CHECKS: _Checks[RepositoryUnderTest] = {
    "reachable": oai_pmh.reachable,
    "certificate": oai_pmh.certificate,
    "identify": oai_pmh.identify,
    "base_url": oai_pmh.base_url,
    "earliest_datestamp": oai_pmh.earliest_datestamp,
    "admin_email": oai_pmh.admin_email,
    "get_and_post": oai_pmh.get_and_post,
    "formats": oai_pmh.formats,
    "sets": oai_pmh.sets,
    "list": oai_pmh.first_list,
    "granularity": oai_pmh.granularity,
    "deleted_records": oai_pmh.deleted_records,
    "resumption_token": oai_pmh.resumption_token,
    "token_expiry": oai_pmh.token_expiry,
    "window": oai_pmh.window,
    "no_match": oai_pmh.no_match,
    "page_size": oai_pmh.page_size,
    "response_headers": oai_pmh.response_headers,
    "completeness": oai_pmh.completeness,
    "identifiers": oai_pmh.unique_identifiers,
    "xml": oai_pmh.xml,
    "speed": oai_pmh.speed,
    "robots": oai_pmh.robots,
}
_DOCUMENT_CHECKS: _Checks[SourceUnderTest] = {
    "reachable": records.reachable,
    "certificate": records.certificate,
    "response_headers": records.response_headers,
    "list": records.first_records,
    "readable": records.readable,
    "identifiers": records.identifiers,
    "addresses": records.addresses,
    "encoding": records.encoding,
    "changes": records.changes,
    "speed": records.speed,
    "robots": records.robots,
}
_PAGING_CHECKS: _Checks[SourceUnderTest] = {
    "paging": records.paging,
    "total": records.total,
    "end_of_list": records.end_of_list,
}
_LIST_CHECKS: _Checks[SourceUnderTest] = {
    code: check
    for checks in (list(_DOCUMENT_CHECKS.items())[:4], _PAGING_CHECKS.items(), _DOCUMENT_CHECKS.items())
    for code, check in checks
}  # after the list itself
_RECORD_CHECKS: Mapping[ProtocolName, _Checks[SourceUnderTest]] = {
    "rest": _LIST_CHECKS,
    "opendatasoft": _LIST_CHECKS,
    "rss": _DOCUMENT_CHECKS,
    "csv": _DOCUMENT_CHECKS,
    "sitemap": {code: check for code, check in _DOCUMENT_CHECKS.items() if code != "speed"},
    "files": _DOCUMENT_CHECKS,
}


def self_test(feed: Feed, env: Environment, *, seconds: float = 30.0) -> Iterator[TestLine]:
    """Yield a line per check as soon as it is made; what there is no time for is not checked.

    Sends about 30 requests at most, at the feed's own rate, all through `harvesters.client`. Never raises for what a
    partner's server does: every failure is a line.
    """
    bounded = tested_feed(feed, seconds)
    try:
        credentials = from_environment(feed.connection, os.environ)
    except HarvestFailed as failure:
        yield _line("reachable", failure_result(failure))
        return
    with open_client(bounded, env, credentials) as client:
        if feed.traits.lists_by_datestamp:
            repository = RepositoryUnderTest(client)
            yield from (_run(code, partial(check, repository)) for code, check in _OAI_CHECKS.items())
        else:
            source = SourceUnderTest(client, env)
            checks = _RECORD_CHECKS[feed.protocol]
            yield from (_run(code, partial(check, source)) for code, check in checks.items())


def _run(code: str, check: Callable[[], CheckResult]) -> TestLine:
    """Return the line of a check, whatever happens in it but an error of the system."""
    try:
        result = check()
    except NotChecked as skipped:
        result = CheckResult("not_checked", skipped.reason)
    except HarvestFailed as failure:
        result = failure_result(failure)
    except Exception as error:  # of a library, for what a partner sends
        if is_of_the_system(error):
            raise
        reason = sentence("This could not be checked (%(reason)s).", reason=quoted(text_of(error)))
        result = CheckResult("not_checked", reason)
    return _line(code, result)


def _line(code: str, result: CheckResult) -> TestLine:
    return TestLine(check=code, level=result.level, message=result.message, advice=result.advice)
