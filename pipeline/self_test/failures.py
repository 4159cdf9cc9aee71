"""A failed request as a line of the self-test: what happened, and what the partner can do about it."""

from __future__ import annotations

from harvesters.causes import HostInUse, what_happened
from pipeline.self_test.lines import CheckResult, problem
from schemas import HarvestFailed, Sentence, one_line, sentence

MAX_QUOTED_CHARS = 300  # of what a partner's server sends, in a line

_IN_USE = sentence("The library itself is reading from this server now; try again in some minutes.")
_UNREACHABLE = (
    sentence("The server does not answer. %(detail)s"),
    sentence("Look whether the server runs, and whether its firewall lets our requests in."),
)
_CAUSES = {
    "unreachable": _UNREACHABLE,
    "server_failing": _UNREACHABLE,
    "certificate": (
        sentence("The TLS certificate cannot be trusted. %(detail)s"),
        sentence("Renew the certificate, and send the intermediate certificates with it."),
    ),
    "blocked": (
        sentence("The server refuses us. %(detail)s"),
        sentence("Let our requests in: no login, no captcha, no page of a firewall at this address."),
    ),
    "gone": (
        sentence("There is nothing at this address. %(detail)s"),
        sentence("Correct the address, or bring back what was there."),
    ),
    "moved": (
        sentence("The server redirects to where we cannot follow. %(detail)s"),
        sentence("Give the address that the redirects lead to, and end redirects that lead in a circle."),
    ),
    "not_oai_pmh": (
        sentence("What answers is not OAI-PMH. %(detail)s"),
        sentence("Give the base URL of the OAI-PMH interface, as the software's documentation names it."),
    ),
    "bad_format": (
        sentence("The answer is not what was expected. %(detail)s"),
        sentence("Compare address and settings with what the server offers."),
    ),
    "token_expired": (
        sentence("The server does not know its own resumption token any more. %(detail)s"),
        sentence("Let resumption tokens be valid for an hour at least."),
    ),
    "truncated": (
        sentence("The list ends before it is complete. %(detail)s"),
        sentence("Let the list give all the records that it announces."),
    ),
    "too_slow": (
        sentence("The server is too slow. %(detail)s"),
        sentence("Look why the answer takes so long: smaller pages and an index on the date of change help."),
    ),
    "quiet_hours": (
        sentence("These are your quiet hours. %(detail)s"),
        sentence("Test again outside of them."),
    ),
    "malformed": (
        sentence("The answer cannot be read. %(detail)s"),
        sentence("Open the address in a browser, and mend what breaks off or is not well-formed."),
    ),
    "too_large": (
        sentence("The answer is too large. %(detail)s"),
        sentence("Give smaller pages, or smaller files."),
    ),
    "forbidden_address": (
        sentence("The address is not a public web address. %(detail)s"),
        sentence("Give an address that can be reached from the internet."),
    ),
}


def failure_result(failure: HarvestFailed) -> CheckResult:
    """Return the result of a check whose request failed."""
    if isinstance(failure, HostInUse):
        return CheckResult("not_checked", _IN_USE)
    message, what_to_do = _CAUSES[failure.cause]
    return problem(Sentence(text=message.text, values={"detail": quoted(what_happened(failure))}), what_to_do)


def failure_message(failure: HarvestFailed) -> Sentence:
    """Return what happened, for a partner."""
    return failure_result(failure).message


def quoted(text: str) -> str:
    """Return what a partner's server sent as a value of a sentence: on one line, shortened."""
    flat = one_line(text)
    return flat if len(flat) <= MAX_QUOTED_CHARS else f"{flat[: MAX_QUOTED_CHARS - 1]}…"
