"""Why a harvest failed: the table of causes, each with what to do, and the exceptions that carry them.

`python -m harvesters.causes` prints the table as docs/harvest.md shows it.
"""

from __future__ import annotations

import sys

from schemas import Base, HarvestFailed, RawResponse

_KEPT_ADVICE = "The response is kept in landing: show it to the partner."  # only where a failure carries it
MAX_CONSECUTIVE_FAILURES = 10  # records or pages in a row that fail before the server counts as failed


class _Cause(Base, frozen=True, kw_only=True):
    meaning: str  # what happened
    advice: str  # what the operator should do
    retryable: bool  # the next run may succeed although nothing was changed


CAUSES: dict[str, _Cause] = {
    "unreachable": _Cause(
        meaning="the server does not answer, or answers only with errors of its own",
        advice="Wait a night or two; if this continues, ask the partner whether the server is running.",
        retryable=True,
    ),
    "server_failing": _Cause(
        meaning="the server began its list and keeps failing at the rest of it",
        advice="Nothing was deleted. If this continues, show the partner which part of the list fails, and when.",
        retryable=True,
    ),
    "certificate": _Cause(
        meaning="the server's TLS certificate cannot be trusted",
        advice="Ask the partner to renew the certificate; it is never ignored.",
        retryable=True,
    ),
    "blocked": _Cause(
        meaning="a login, a firewall or the partner's rules keep us out",
        advice="Ask the partner to let the harvester in, or give the feed a connection that holds the credentials.",
        retryable=True,
    ),
    "gone": _Cause(
        meaning="there is nothing at this address any more",
        advice="Ask the partner for the new address and put it into the feed's url.",
        retryable=False,
    ),
    "moved": _Cause(
        meaning="the server redirects to an address that we cannot follow",
        advice="Open the address in a browser, find where it leads, and put that into the feed's url.",
        retryable=False,
    ),
    "not_oai_pmh": _Cause(
        meaning="what answers is not an OAI-PMH server",
        advice="Compare the feed's url with the partner's documentation: it must be the OAI-PMH base URL.",
        retryable=True,
    ),
    "bad_format": _Cause(
        meaning="the response is not in the format that the feed declares",
        advice="Compare the feed's format, sets and [request] with what the server offers.",
        retryable=False,
    ),
    "token_expired": _Cause(
        meaning="the server's resumption tokens expire before we can use them",
        advice="Declare smaller parts of the list (sets), or a higher [request] rate that the partner agrees to.",
        retryable=True,
    ),
    "truncated": _Cause(
        meaning="the list ended before it was complete",
        advice="Nothing was deleted, and the next harvest covers the same time again. If the partner really removed so "
        "many, raise [expect] max_drop; if its completeListSize is wrong, set [request] trust_list_size = false.",
        retryable=True,
    ),
    "too_slow": _Cause(
        meaning="the feed's time ran out",
        advice="The next run continues where this one stopped; raise [request] timeout or budget if it never finishes.",
        retryable=True,
    ),
    "quiet_hours": _Cause(
        meaning="the partner's quiet hours have begun",
        advice="The next run continues where this one stopped; move the feed's schedule if it never finishes.",
        retryable=True,
    ),
    "malformed": _Cause(
        meaning="the response cannot be parsed",
        advice="Show the partner what its address answers.",
        retryable=True,
    ),
    "too_large": _Cause(
        meaning="the response or the list is larger than the feed allows",
        advice="Look at what the address serves; if it is right, raise [request] max_bytes or max_pages.",
        retryable=False,
    ),
    "forbidden_address": _Cause(
        meaning="the address is not a public web address",
        advice="Correct the feed's url, or list the host in ELIB_ALLOW_PRIVATE if it is one of your own.",
        retryable=False,
    ),
}

_SERVER_CAUSES = frozenset({"unreachable", "too_slow"})


class RequestFailed(HarvestFailed):
    """The server was reached and this one request failed: a smaller window or another method may still succeed.

    `status` is the HTTP status, if that was the failure; `raw` is the response, if it could not be parsed.
    """

    def __init__(self, cause: str, sentence: str, *, status: int | None = None, again: bool = True) -> None:
        super().__init__(cause, sentence, again=again)
        self.status = status
        self.raw: tuple[RawResponse, ...] = ()
        self.received = b""  # of a response that broke off


class HostInUse(HarvestFailed):
    """Other work of this library used the host for as long as there was time; it is not the server that was slow."""


def failed(cause: str, what: str, advice: str = "") -> HarvestFailed:
    """Return a failure of the whole harvest. Its sentence holds `what` happened, the advice, and what comes next.

    `advice` replaces that of the cause.
    """
    return HarvestFailed(cause, _sentence(cause, what, advice), again=CAUSES[cause].retryable)


def request_failed(cause: str, what: str, status: int | None = None, advice: str = "") -> RequestFailed:
    """Return a failure of one request to a server that was reached; `advice` replaces that of the cause."""
    return RequestFailed(cause, _sentence(cause, what, advice), status=status, again=CAUSES[cause].retryable)


def unreadable_response(cause: str, what: str, url: str, body: bytes) -> RequestFailed:
    """Return a failure of one request whose response cannot be read; it carries the response for landing."""
    advice = _KEPT_ADVICE if cause == "malformed" else ""
    failure = RequestFailed(cause, _sentence(cause, what, advice), again=CAUSES[cause].retryable)
    failure.raw = (RawResponse(url=url, body=body, reason=what),)
    return failure


def concerns_one_record(failure: HarvestFailed) -> bool:
    """Return whether a failure may be that of one record only, so that the next record is worth a request."""
    causes = ("blocked", "bad_format", "too_large", "moved", "forbidden_address")
    return isinstance(failure, RequestFailed) or failure.cause in causes


def as_harvest_failure(failure: HarvestFailed) -> HarvestFailed:
    """Return the failure as one of the whole harvest, where nothing else is tried any more."""
    return HarvestFailed(failure.cause, failure.sentence, again=failure.again)


def of_one_record(failure: HarvestFailed) -> str:
    """Return why a record or page is skipped: what happened, without the advice and outlook for a whole feed."""
    outlook = _sentence(failure.cause, "").removeprefix(". ")
    return failure.sentence.removesuffix(outlook).rstrip()


def what_happened(failure: HarvestFailed) -> str:
    """Return what happened, without any advice and outlook for operators."""
    row = CAUSES[failure.cause]
    what = failure.sentence.removesuffix(_next_sentence(row)).rstrip()
    for advice in (row.advice, _KEPT_ADVICE):
        what = what.removesuffix(advice).rstrip()
    return what


def is_server_failure(failure: HarvestFailed) -> bool:
    """Return whether a failure may be one of the whole server, and not of what it sends."""
    return failure.cause in _SERVER_CAUSES


def as_server_failure(failure: HarvestFailed, where: str) -> HarvestFailed:
    """Return a failure that smaller requests did not get around as one of the server, `where` in the list it fails.

    It stays what it is where it has a cause of its own, or nothing of the list came.
    """
    if not where or not is_server_failure(failure):
        return as_harvest_failure(failure)
    what = failure.sentence.removesuffix(_sentence(failure.cause, "")).rstrip(". ")
    return failed("server_failing", f"{what}, {where}")


def causes_table() -> str:
    """Return the causes as a Markdown table."""
    rows = [f"| `{name}` | {cause.meaning} | {cause.advice} | {_next_run(cause)} |" for name, cause in CAUSES.items()]
    return "\n".join(["| cause | it means | what to do | the next run |", "|---|---|---|---|", *rows])


def _next_run(cause: _Cause) -> str:
    return "tries again" if cause.retryable else "fails until this is changed"


def _sentence(cause: str, what: str, advice: str = "") -> str:
    row = CAUSES[cause]
    return f"{what.rstrip('. ')}. {advice or row.advice} {_next_sentence(row)}"


def _next_sentence(row: _Cause) -> str:
    return "The next run tries again." if row.retryable else "Every run fails until this is changed."


if __name__ == "__main__":
    sys.stdout.write(f"{causes_table()}\n")
