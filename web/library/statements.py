"""What readers are told about the library itself: the statements on privacy and on accessibility."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from loaders.reader_reports import FORGET_AFTER_DAYS
from web.library.answers import count_request, kept
from web.library.resources import web_address
from web.links import settings_of
from web.mail import mail_address
from web.pages import COOKIE_SECONDS, render
from web.sign_in_rates import KNOWN_BROWSER_DAYS

router = APIRouter()
_DAY_SECONDS = 24 * 3600
_REVIEWED = "2026-11-30T00:00:00Z"  # when both statements were last compared with what the software does


@router.get("/privacy")
def privacy(request: Request) -> Response:
    """Say what is kept of readers: cookies, logs, reports, for how long, and who reads it."""
    count_request(request)
    page = render(
        request,
        "library/privacy.html",
        contact=_contact(request),
        reviewed=_REVIEWED,
        language_cookie_days=COOKIE_SECONDS // _DAY_SECONDS,
        known_browser_days=KNOWN_BROWSER_DAYS,
        forget_days=FORGET_AFTER_DAYS,
    )
    return kept(request, page)


@router.get("/accessibility")
def accessibility(request: Request) -> Response:
    """Say how accessible the pages are, how that was measured, and whom to tell of barriers."""
    count_request(request)
    page = render(request, "library/accessibility.html", contact=_contact(request), reviewed=_REVIEWED)
    return kept(request, page)


def _contact(request: Request) -> tuple[str, str]:
    """Return what the settings name as contact, and where it leads; twice an empty text when they name none."""
    text = settings_of(request).contact
    try:
        return text, f"mailto:{mail_address(text)}"
    except ValueError:
        return text, web_address(text) or ""
