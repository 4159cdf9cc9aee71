"""Why a harvest ends without its whole list: one small table, each cause with what to do about it."""

from __future__ import annotations

import sys

from schemas import Base, HarvestFailed, RawResponse

MAX_CONSECUTIVE_FAILURES = 10  # records or pages in a row that fail before the server counts as failed


class _Cause(Base, frozen=True, kw_only=True):
    """What happened in general, what the operator should do, and whether the next night tries by itself."""

    meaning: str
    advice: str
    again: bool


CAUSES: dict[str, _Cause] = {
    "unreachable": _Cause(
        meaning="the server does not answer, or answers only with errors of its own",
        advice="Wait a night or two; if it stays so, ask the partner whether the server is running.",
        again=True,
    ),
    "certificate": _Cause(
        meaning="the server's TLS certificate cannot be trusted",
        advice="Ask the partner to renew the certificate; it is never ignored.",
        again=True,
    ),
    "blocked": _Cause(
        meaning="a login, a firewall or the partner's rules keep us out",
        advice="Ask the partner to let the harvester in, or give the feed a connection that holds the credentials.",
        again=True,
    ),
    "gone": _Cause(
        meaning="there is nothing at this address any more",
        advice="Ask the partner for the new address and put it into the feed's url.",
        again=False,
    ),
    "moved": _Cause(
        meaning="the server sends us elsewhere and we cannot follow",
        advice="Open the address in a browser, find where it leads, and put that into the feed's url.",
        again=False,
    ),
    "not_oai_pmh": _Cause(
        meaning="what answers is not an OAI-PMH server",
        advice="Compare the feed's url with the partner's documentation: it must be the OAI-PMH base URL.",
        again=True,
    ),
    "bad_format": _Cause(
        meaning="the answer is not in the format that the feed declares",
        advice="Compare the feed's format, sets and [request] with what the server offers.",
        again=False,
    ),
    "token_expired": _Cause(
        meaning="the server forgets its place in the list faster than we can follow",
        advice="Ask for smaller windows (sets) or a higher [request] rate that the partner agrees to.",
        again=True,
    ),
    "truncated": _Cause(
        meaning="the list ended before it was whole",
        advice="Nothing was deleted and the mark was not moved. If the partner really removed so many, raise "
        "[expect] max_drop; if its completeListSize is wrong, set [request] trust_list_size = false.",
        again=True,
    ),
    "too_slow": _Cause(
        meaning="the feed's time ran out",
        advice="The next run goes on where this one stopped; raise [request] timeout or budget if it never ends.",
        again=True,
    ),
    "quiet_hours": _Cause(
        meaning="the partner's quiet hours have begun",
        advice="The next run goes on where this one stopped; move the feed's schedule if it never ends.",
        again=True,
    ),
    "malformed": _Cause(
        meaning="the answer cannot be read",
        advice="The response is kept in landing: show it to the partner.",
        again=True,
    ),
    "too_large": _Cause(
        meaning="the answer is larger than the feed allows",
        advice="Look at what the address serves; raise [request] max_bytes or max_pages if it is right.",
        again=False,
    ),
    "forbidden_address": _Cause(
        meaning="the address is not a public web address",
        advice="Correct the feed's url, or list the host in ELIB_ALLOW_PRIVATE if it is one of your own.",
        again=False,
    ),
}


class RequestFailed(HarvestFailed):
    """The server was reached and failed on this one request: another window or method may still succeed."""

    def __init__(self, cause: str, sentence: str, *, status: int | None = None, again: bool = True) -> None:
        super().__init__(cause, sentence, again=again)
        self.status = status
        self.raw: tuple[RawResponse, ...] = ()  # what came, when it could not be read


def failed(cause: str, what: str, advice: str = "") -> HarvestFailed:
    """A failure of the table: what was seen, what to do, and whether it is tried again.

    `advice` takes the place of the cause's own.
    """
    return HarvestFailed(cause, _sentence(cause, what, advice), again=CAUSES[cause].again)


def request_failed(cause: str, what: str, status: int | None = None) -> RequestFailed:
    """The same for one request of a server that is there."""
    return RequestFailed(cause, _sentence(cause, what), status=status, again=CAUSES[cause].again)


def concerns_one_record(failure: HarvestFailed) -> bool:
    """Whether a failure may be one record's own, so that the next may still come."""
    return isinstance(failure, RequestFailed) or failure.cause in ("blocked", "bad_format", "too_large", "moved")


def as_harvest_failure(failure: HarvestFailed) -> HarvestFailed:
    """The same failure where nothing else is tried any more, be it one request's or the whole harvest's."""
    return HarvestFailed(failure.cause, failure.sentence, again=failure.again)


def unreadable_response(cause: str, what: str, url: str, body: bytes) -> RequestFailed:
    """The same for an answer that cannot be read; it is kept as it came."""
    failure = request_failed(cause, what)
    failure.raw = (RawResponse(url=url, body=body, reason=what),)
    return failure


def causes_table() -> str:
    """The causes as a Markdown table, as docs/harvest.md shows them."""
    rows = [f"| `{name}` | {row.meaning} | {row.advice} | {_again(row)} |" for name, row in CAUSES.items()]
    return "\n".join(["| cause | it means | what to do | tried again |", "|---|---|---|---|", *rows])


def _again(row: _Cause) -> str:
    return "every night" if row.again else "every night, and ends so until something is changed"


def _sentence(cause: str, what: str, advice: str = "") -> str:
    row = CAUSES[cause]
    trying = "The next run tries again." if row.again else "Every run ends so until this is changed."
    return f"{what.rstrip('. ')}. {advice or row.advice} {trying}"


if __name__ == "__main__":
    sys.stdout.write(f"{causes_table()}\n")
