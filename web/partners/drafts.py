"""The page of an application: what was recognised and a form to correct it, or how far the decision is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.applications import Application, ApplicationTrouble, SameSource, name_trouble, same_sources, save_draft
from loaders.declarations import feeds_in_use
from schemas import Environment
from web.forms import field, posted
from web.languages import marked
from web.pages import error_in_words, gettext_of, mistakes_in_words, render, see, tell
from web.partners.access import as_seen, own_application, page_of
from web.partners.declaration_form import (
    FIELD_NAMES,
    LICENSES,
    MAX_SETS_SHOWN,
    PAGINGS,
    changed_declaration,
    columns_of,
    map_rows,
    mistakes_of,
    traits_of,
    words_of_format,
)
from web.partners.registering import UPLOAD_MAX_BYTES, detection_of, link_of_draft

router = APIRouter()
_NAME_TROUBLES = {
    "malformed": marked("The short name may have the letters a to z, digits and underscores only, at most 64 of them."),
    "used": marked("This short name was used before, perhaps in another spelling. Choose another one."),
}


@router.get("/applications/{application_id}")
def application_page(request: Request, application_id: str) -> Response:
    """Show a draft with its form, or an application with what became of it."""
    application = own_application(request, application_id)
    if application.status not in ("draft", "tested"):
        return render(request, "partners/application.html", application=application)
    detection, chosen, upload = detection_of(application)
    proposal = detection.proposals[chosen] if detection and detection.proposals else None
    declaration = application.declaration
    traits = traits_of(declaration)
    return render(
        request,
        "partners/draft.html",
        application=application,
        declaration=declaration,
        request_keys=declaration.get("request") or {},
        detection=detection,
        chosen=chosen,
        proposal=proposal,
        traits=traits,
        upload=upload,
        troubles=draft_troubles(request, application) if traits else [],
        same=sources_like(request, application),
        map_rows=map_rows(declaration) if declaration.get("map") else [],
        field_names={key: gettext_of(request, name) for key, name in FIELD_NAMES.items()},
        columns=columns_of(declaration, proposal),
        licenses=LICENSES,
        pagings={key: gettext_of(request, words) for key, words in PAGINGS.items()},
        words_of_format=lambda crosswalk: gettext_of(request, words) if (words := words_of_format(crosswalk)) else "",
        max_sets=MAX_SETS_SHOWN,
        max_bytes=UPLOAD_MAX_BYTES,
        draft_link=link_of_draft(request, application),
    )


def draft_troubles(request: Request, application: Application) -> list[str]:
    """Return why a draft cannot be tested or submitted as it is: its name, and the mistakes of its declaration."""
    env: Environment = request.app.state.env
    troubles = mistakes_in_words(request, mistakes_of(application.declaration))
    if application.feed is None:
        trouble = name_trouble(env, application.name or "", application=application.id)
        troubles += [gettext_of(request, _NAME_TROUBLES[trouble])] if trouble else []
    return troubles


def sources_like(request: Request, application: Application) -> list[SameSource]:
    """Return the feeds and submitted applications that have the same source."""
    env: Environment = request.app.state.env
    feeds = feeds_in_use(env).feeds
    return same_sources(env, application.declaration, feeds, application=application.id, feed=application.feed or "")


@router.post("/applications/{application_id}")
def save(request: Request, application_id: str, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Keep what the form says, also with mistakes, which the page then names."""
    env: Environment = request.app.state.env
    application = own_application(request, application_id)
    detection, chosen, _ = detection_of(application)
    proposal = detection.proposals[chosen] if detection and detection.proposals else None
    changes: dict[str, Any] = {"declaration": changed_declaration(application.declaration, form, proposal)}
    if application.feed is None and "name" in form:
        changes["name"] = field(form, "name", 64) or None
    try:
        save_draft(env, as_seen(application, form), **changes)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
        return see(page_of(application))
    if field(form, "action") == "try":
        return see(f"{page_of(application)}/test")
    tell(request, gettext_of(request, "Saved."))
    return see(page_of(application))
