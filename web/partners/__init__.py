"""For partners: register a source, test it, see what becomes of its records, and submit it to the stewards."""

from fastapi import APIRouter

from web.partners import drafts, own, registering, sign_in_by_link, submitting, trying, welcome
from web.partners.access import NOT_PUBLIC
from web.partners.mails import Mail, mail_about, send_about
from web.partners.registering import UPLOAD_MAX_BYTES, UPLOAD_PATH
from web.partners.trying import PreviewPage, preview_page

router = APIRouter()
for _pages in (welcome, sign_in_by_link, registering, trying, submitting, drafts, own):
    router.include_router(_pages.router, prefix="/partners")

__all__ = [
    "NOT_PUBLIC",
    "UPLOAD_MAX_BYTES",
    "UPLOAD_PATH",
    "Mail",
    "PreviewPage",
    "mail_about",
    "preview_page",
    "router",
    "send_about",
]
