"""The page of what readers report: narrowed by facets; dismiss, note as mended, or withdraw some or all; and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Query
from msgspec.structs import replace
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import (
    ReaderReportFacets,
    ReaderReportFilter,
    ReaderReportPlace,
    reader_report_facets,
    reader_report_numbers,
    reader_reports_page,
)
from loaders.curation import READER_REPORT_ACTIONS, Batch, decide_reader_reports
from loaders.declarations import feeds_in_use
from loaders.store import now, read_kept
from schemas import Environment
from web.console.answering import answer_mail, answer_readers
from web.console.asking import name_of_record
from web.console.decisions import decide
from web.console.runs import choices
from web.forms import field, posted
from web.languages import marked
from web.links import settings_of
from web.pages import address, gettext_of, render, tell
from web.signing_in import Steward

router = APIRouter()
PAGE_ROWS = 25
MAX_ANSWER_CHARS = 4_000
_PATH = "/console/reports"
_FILTER = ("kind", "partner", "resource", "state")
_MAX_NUMBER_DIGITS = 10
_Text = Annotated[str, Query(max_length=500)]
KIND_NAMES: dict[str, str] = {
    "takedown": marked("take it down"),
    "dead": marked("dead link"),
    "not_free": marked("not free"),
    "wrong": marked("mistake in the description"),
}
_TOLD = {
    "dismiss": marked("Dismissed: %(count)s."),
    "mend": marked("Noted as mended: %(count)s."),
    "withdraw": marked("Decided: %(count)s. Their resources are not shown any more from the next publication on."),
}


@router.get("/reports")
def reader_reports(
    request: Request, kind: _Text = "", partner: _Text = "", resource: _Text = "", state: _Text = "", after: _Text = ""
) -> Response:
    """Show what readers report: takedowns first, then the oldest; with the state `decided` what was decided of it."""
    env: Environment = request.app.state.env
    query = {"kind": kind, "partner": partner, "resource": resource, "state": state}
    partners = {feed.name: feed.partner for feed in feeds_in_use(env).feeds}
    chosen = _filter(query, partners)
    rows, place = read_kept(env, reader_reports_page, chosen, after=_place(after), limit=PAGE_ROWS)
    facets = read_kept(env, reader_report_facets, chosen)
    return render(
        request,
        "console/reader_reports.html",
        rows=rows,
        query=query,
        total=facets.total,
        newest=facets.newest,
        facets=_facets(request, query, facets, partners),
        states=[
            (gettext_of(request, text), address(_PATH, query, state=value), state == value)
            for text, value in ((marked("open"), ""), (marked("decided"), "decided"))
        ],
        kind_names={name: gettext_of(request, text) for name, text in KIND_NAMES.items()},
        partners_of=lambda row: list(dict.fromkeys(partners.get(feed, feed) for feed in row.feeds)),
        question_of=lambda row: name_of_record(row.key),
        mailto=lambda row, message: _mailto(request, row, message),
        now_text=now(),
        back=address(_PATH, query),
        first=address(_PATH, query) if after else "",
        more=address(_PATH, query, after="|".join(map(str, place))) if place else "",
    )


def _filter(query: Mapping[str, str], partners: Mapping[str, str]) -> ReaderReportFilter:
    feeds = tuple(sorted(feed for feed, name in partners.items() if name == query["partner"]))
    return ReaderReportFilter(
        kind=query["kind"],
        feeds=feeds if query["partner"] else None,
        resource=query["resource"],
        is_decided=query["state"] == "decided",
    )


def _place(after: str) -> ReaderReportPlace | None:
    """Return the place that an address names; None for the first page, and for what is no place."""
    rank, _, rest = after.partition("|")
    first_at, _, number = rest.rpartition("|")
    if not (_is_number(rank) and _is_number(number)):
        return None
    return ReaderReportPlace(int(rank), first_at, int(number))


def _facets(
    request: Request, query: dict[str, str], facets: ReaderReportFacets, partners: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str, int, bool]]]]:
    numbers: dict[str, set[int]] = {}
    for feed, of_feed in facets.feeds.items():
        numbers.setdefault(partners.get(feed, feed), set()).update(of_feed)
    of_partners = sorted(((name, len(each)) for name, each in numbers.items()), key=lambda each: (-each[1], each[0]))
    return [
        (gettext_of(request, "Kind"), choices(_PATH, query, "kind", facets.kinds)),
        (gettext_of(request, "Partner"), choices(_PATH, query, "partner", of_partners)),
    ]


def _mailto(request: Request, row: Any, message: Any) -> str:
    """Return an address that opens a mail program with the answer to a reader, for one that was not sent."""
    mail = answer_mail(settings_of(request), message.language, row.title, row.resource_id, row.decision.answer)
    return f"mailto:{quote(message.contact)}?subject={quote(mail.subject)}&body={quote(mail.body)}"


@router.post("/reports")
def decide_on_reports(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Decide the ticked reports, or all that the facets mean, and answer the readers who left an address."""
    env: Environment = request.app.state.env
    query = {name: field(form, name) for name in _FILTER}
    action = next((each for each in READER_REPORT_ACTIONS if each == field(form, "action")), None)
    if action is None:
        raise HTTPException(422, "There is no such decision.")
    ticked = [int(each) for each in form.getlist("report") if isinstance(each, str) and _is_number(each)]
    is_all = field(form, "scope") == "all"
    partners = {feed.name: feed.partner for feed in feeds_in_use(env).feeds}
    newest = field(form, "newest")
    shown = replace(_filter({**query, "state": ""}, partners), newest=int(newest) if _is_number(newest) else 0)
    answer, reason = field(form, "answer", MAX_ANSWER_CHARS), field(form, "reason")

    def numbers(connection: Connection) -> Iterable[int]:
        """Return the numbers of what is decided; of all that match, only what was there when the page was opened."""
        return reader_report_numbers(connection, shown) if is_all else ticked

    left: list[int] = []

    def make() -> Batch:
        batch = decide_reader_reports(env, action, numbers, by=account.name, reason=reason, answer=answer)
        if answer:
            left.append(answer_readers(env, settings_of(request), batch.id, answer))
        return batch

    response = decide(request, address(_PATH, query), make, _TOLD[action])
    if any(left):
        told = gettext_of(
            request, "Answers that were not sent: %(count)s. The decided reports show them to send.", count=left[0]
        )
        tell(request, told, is_error=True)
    return response


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _MAX_NUMBER_DIGITS
