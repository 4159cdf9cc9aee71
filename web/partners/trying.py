"""The pages of a trial: the self-test and the preview with live progress; and the preview by a link."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.applications import Application, ApplicationTrouble, keep_test, upload_path
from loaders.reports import PreviewRecord
from pipeline.trials import Trial, TrialRefused, Upload, begin_trial, read_trial
from schemas import Environment
from transforms.rules import rule_texts
from web.forms import limited, posted
from web.languages import reader_language
from web.links import BadLink, preview_link, read_preview_link, settings_of
from web.pages import address, error_in_words, gettext_of, in_words, render, see, tell
from web.partners.access import own_application, page_of
from web.partners.declaration_form import FIELD_NAMES
from web.partners.drafts import draft_troubles
from web.partners.registering import detection_of

router = APIRouter()
RECORDS_PER_PAGE = 10
_PER_APPLICATION, _PER_CLIENT = "20/hour", "30/hour"  # trials
_ENDED = ("done", "failed")
_Page = Annotated[int, Query(ge=1, le=1_000)]


class PreviewPage(NamedTuple):
    """What a page shows of a trial: ten of its records, the links to those before and after, and the rules' words."""

    trial: Trial
    records: list[PreviewRecord]
    previous: str
    next: str
    rules: dict[str, tuple[str, str]]  # what is wrong and how to mend it, by code, in the reader's language
    names: dict[str, str]  # of the fields, in the reader's language
    link: str

    @property
    def has_ended(self) -> bool:
        return self.trial.state in _ENDED


def preview_page(request: Request, trial_id: str, page: int) -> PreviewPage | None:
    """Return what a page shows of a trial; None when it is no longer kept."""
    env: Environment = request.app.state.env
    trial = read_trial(env, trial_id)
    if trial is None:
        return None
    records = sorted(trial.preview.records if trial.preview else [], key=_urgency)
    first = (page - 1) * RECORDS_PER_PAGE
    path = request.url.path
    return PreviewPage(
        trial,
        records[first : first + RECORDS_PER_PAGE],
        address(path, page=page - 1) if page > 1 else "",
        address(path, page=page + 1) if first + RECORDS_PER_PAGE < len(records) else "",
        _rule_words(reader_language(request)),
        {key: gettext_of(request, name) for key, name in FIELD_NAMES.items()},
        preview_link(settings_of(request), trial_id),
    )


def _urgency(record: PreviewRecord) -> int:
    """Return where a record stands: what must be mended first, then what could be better, in the source's order."""
    if record.status in ("rejected", "quarantined"):
        return 0
    return 1 if any(issue.severity != "info" for issue in record.issues) else 2


def _rule_words(language: str) -> dict[str, tuple[str, str]]:
    return {
        code: (texts.get(f"wrong.{language}", texts["wrong"]), texts.get(f"mend.{language}", texts["mend"]))
        for code, texts in rule_texts().items()
    }


@router.get("/applications/{application_id}/test")
def test_page(request: Request, application_id: str, page: _Page = 1) -> Response:
    """Show the self-test and the preview of an application, or what keeps them from being made."""
    application = own_application(request, application_id)
    trial_id = (application.test or {}).get("trial", "")
    shown = preview_page(request, trial_id, page) if trial_id else None
    if shown is not None and shown.has_ended:
        application = _with_result(request, application, shown.trial)
    troubles = draft_troubles(request, application) if application.status in ("draft", "tested") else []
    return render(request, "partners/test.html", application=application, shown=shown, troubles=troubles)


def _with_result(request: Request, application: Application, trial: Trial) -> Application:
    """Keep the result with an application that does not have it yet, and return the application."""
    env: Environment = request.app.state.env
    if application.status != "draft":
        return application
    try:
        return keep_test(env, application, result_of(trial))
    except ApplicationTrouble:  # changed meanwhile: then this is the trial of an earlier version
        return own_application(request, application.id)


def result_of(trial: Trial) -> dict[str, Any]:
    """Return what is kept with an application of a trial that has ended: all but the records."""
    preview = trial.preview
    verdict = {"verdict": preview.verdict, "counts": preview.counts, "total": preview.total} if preview else {}
    facts = {"trial": trial.id, "at": trial.began_at, "state": trial.state, "lines": trial.lines, **verdict}
    result: dict[str, Any] = msgspec.to_builtins(facts)
    return result


@router.post("/applications/{application_id}/test", dependencies=[limited(_PER_CLIENT, "trial")])
def begin(request: Request, application_id: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Begin the self-test and the preview, in a process of their own."""
    env: Environment = request.app.state.env
    application = own_application(request, application_id)
    request.app.state.rates.check(request, _PER_APPLICATION, "trial of", application.id)
    back = f"{page_of(application)}/test"
    if application.status not in ("draft", "tested"):
        raise HTTPException(422, "Only a draft is tested.")
    if draft_troubles(request, application):
        return see(page_of(application))
    _, _, kept = detection_of(application)
    upload = Upload(kept.rpartition("/")[2], upload_path(env, kept)) if kept else None
    try:
        trial_id = begin_trial(env, application.declaration, by=application.contact, upload=upload)
        keep_test(env, application, {"trial": trial_id}, has_ended=False)
    except TrialRefused as error:
        tell(request, in_words(request, error.message), is_error=True)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    return see(back)


@router.get("/previews/{token}")
def shared_preview(request: Request, token: str, page: _Page = 1) -> Response:
    """Show a preview to everybody who has its link; nothing can be done here."""
    try:
        shown = preview_page(request, read_preview_link(settings_of(request), token), page)
    except BadLink as error:
        raise HTTPException(404, gettext_of(request, str(error))) from error
    if shown is None:
        raise HTTPException(404, "This preview is no longer kept.")
    return render(request, "partners/shared.html", shown=shown)
