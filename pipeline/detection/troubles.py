"""Say why nothing was recognised, and what the partner can do."""

from __future__ import annotations

from collections.abc import Sequence

from harvesters.causes import HostInUse
from pipeline.detection.documents import Document
from pipeline.detection.found import Trouble
from pipeline.detection.lists import find_list
from pipeline.detection.probing import Prober
from pipeline.detection.xml_documents import list_elements
from schemas import HarvestFailed, sentence

_EXACT_ADVICE = sentence(
    "Give the address of the list of records itself: an OAI-PMH interface, a feed, a sitemap, a CSV, JSON or XML file."
)
_SERVER_ADVICE = sentence(
    "Open the address in a browser; if it works there, ask your technicians what keeps programs out."
)
_FAILURES = {
    "certificate": Trouble(
        what=sentence("The server's certificate cannot be trusted."),
        advice=sentence("Renew the certificate, or send it with all intermediate ones; it is never ignored."),
    ),
    "forbidden_address": Trouble(
        what=sentence("The address is not on the public internet."),
        advice=sentence("Give the address under which everybody reaches the site."),
    ),
    "moved": Trouble(
        what=sentence("The address redirects in a circle, or to an address that is none."),
        advice=sentence("Open the address in a browser, and give the one that it ends at."),
    ),
    "too_slow": Trouble(
        what=sentence("The response does not come in time."),
        advice=sentence("Try again later, or give the address of a list that answers faster."),
    ),
    "too_large": Trouble(
        what=sentence("The response has no end, or is too large."),
        advice=sentence("Give the address of a list in pages, or of an archive whose files are smaller."),
    ),
    "blocked": Trouble(
        what=sentence("The server keeps us out."),
        advice=sentence("Allow our requests, or tell the library's staff how to sign in."),
    ),
}
_IN_USE = Trouble(
    what=sentence("The library itself is reading from this server now."),
    advice=sentence("Try again in some minutes."),
)
_UNREACHABLE = Trouble(what=sentence("No server answers at this address."), advice=_SERVER_ADVICE)
_REFUSED = Trouble(
    what=sentence("The site asks to sign in, or its firewall keeps programs out."),
    advice=sentence("Allow our requests, or tell the library's staff how to sign in."),
)
_PARKED_SIGNS = (
    b"domain is for sale",
    b"buy this domain",
    b"domain parking",
    b"parked free",
    b"sedoparking",
    b"parkingcrew",
)
_NOT_LISTS = Trouble(
    what=sentence("The document holds records, but none has an identifier that no other has."),
    advice=sentence("Add a field such as id to each record, with a value of its own that never changes."),
)


def nothing_recognised(prober: Prober, document: Document | None) -> Trouble:
    """Return why nothing is proposed for an address; `document` is what it answered, None for nothing."""
    if document is None:
        return _trouble_of_failures(prober.failures)
    if prober.obstacle is not None:
        return prober.obstacle
    if document.is_refused:
        return _REFUSED
    if document.is_archive:
        return _trouble_of_archive(prober)
    return _trouble_of(document)


def _trouble_of_failures(failures: Sequence[HarvestFailed]) -> Trouble:
    if any(isinstance(failure, HostInUse) for failure in failures):
        return _IN_USE
    causes = [failure.cause for failure in failures] or ["too_slow"]
    cause = next((each for each in causes if each != "unreachable"), causes[0])
    return _FAILURES.get(cause, _UNREACHABLE)


def _trouble_of_archive(prober: Prober) -> Trouble:
    return unreadable_file(prober.failures[-1]) if prober.failures else nothing_in_file()


def _trouble_of(document: Document) -> Trouble:
    if any(sign in document.body[:200_000].lower() for sign in _PARKED_SIGNS):
        what = sentence("The domain is for sale or parked: there is no site.")
        return Trouble(what=what, advice=sentence("Look whether the address is written right."))
    if document.status >= 400:
        what = sentence("The server answers with the status %(status)s.", status=document.status)
        return Trouble(what=what, advice=_SERVER_ADVICE)
    if document.is_too_large:
        return _FAILURES["too_large"]
    if not document.body.strip():
        return Trouble(what=sentence("The response is empty."), advice=_SERVER_ADVICE)
    if document.is_page:
        what = sentence("The site answers with web pages, and none of the interfaces that we know was found on it.")
        return Trouble(what=what, advice=_EXACT_ADVICE)
    return _trouble_of_data(document)


def _trouble_of_data(document: Document) -> Trouble:
    """Return what is wrong with a document of data."""
    if document.json is not None:
        if find_list(document.json) is not None:
            return _NOT_LISTS
        return Trouble(what=sentence("The JSON document holds no list of records."), advice=_EXACT_ADVICE)
    name, _ = list_elements(document)
    if document.xml is not None:
        what = sentence(
            "The XML document is no list of records that we read: its root is %(root)s, its elements are %(name)s.",
            root=document.root_name,
            name=name or "-",
        )
        return Trouble(what=what, advice=sentence("Tell the library's staff; a format can be added."))
    what = sentence("The document is no table, JSON or XML that can be read, or its rows have no identifier.")
    return Trouble(what=what, advice=_EXACT_ADVICE)


def nothing_in_file() -> Trouble:
    """Return why nothing is proposed for a file that was read."""
    return Trouble(
        what=sentence("The file holds no record in a format that we read."),
        advice=sentence("Send a table, a JSON list, or LOM files, IMS packages or JSON files in a zip."),
    )


def unreadable_file(failure: HarvestFailed) -> Trouble:
    """Return why a file cannot be read."""
    if failure.cause == "too_large":
        what = sentence("The archive unpacks to more than is allowed.")
        return Trouble(what=what, advice=sentence("Leave out media files; only the descriptions are needed."))
    if failure.cause == "malformed":
        what = sentence("The archive is damaged or not complete.")
        return Trouble(what=what, advice=sentence("Make it again and send it once more."))
    what = sentence("The file is neither an archive nor a table, JSON or XML that can be read.")
    return Trouble(
        what=what, advice=sentence("Send a table, a JSON list, or LOM files, IMS packages or JSON files in a zip.")
    )
