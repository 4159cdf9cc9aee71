"""The pages by which a steward or operator signs in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from web.forms import limited, posted
from web.pages import gettext_of, render, see, tell
from web.sign_in_rates import PER_CLIENT, count_try, remember_browser
from web.signing_in import MAX_PASSWORD_CHARS, own_path, sign_in, sign_out, signed_in

router = APIRouter()
MAX_FIELD_CHARS = MAX_PASSWORD_CHARS
_AFTER = "/console"


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = _AFTER) -> Response:  # noqa: A002 (the parameter's name in the address)
    """Ask for name and password."""
    return render(request, "sign_in.html", next=own_path(next, _AFTER), name="", wrong=False)


@router.post("/sign-in", dependencies=[limited(PER_CLIENT, "sign-in")])
def try_to_sign_in(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Begin a session and go to the page that was asked for, or ask again."""
    name, password, after = (str(form.get(field, ""))[:MAX_FIELD_CHARS] for field in ("name", "password", "next"))
    count_try(request, name.strip())
    after = own_path(after, _AFTER)
    if sign_in(request, name, password) is None:
        return render(request, "sign_in.html", status=401, next=after, name=name, wrong=True)
    response = see(after)
    remember_browser(request, response, name.strip())
    return response


@router.post("/sign-out")
def end_session(request: Request, form: Annotated[FormData, Depends(posted)]) -> Response:
    """End the session."""
    account = signed_in(request)
    sign_out(request)
    tell(request, gettext_of(request, "You are signed out."))
    return see("/partners" if account is not None and account.role == "partner" else "/sign-in")
