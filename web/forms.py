"""Forms: WTForms with a token of the session in each, without which nothing that is posted is taken."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from wtforms import Form
from wtforms.csrf.session import SessionCSRF
from wtforms.meta import DefaultMeta

from web.guards import client_of
from web.languages import marked
from web.settings import WebSettings
from web.signing_in import signed_in

MAX_FIELD_CHARS = 1_000  # of a field, unless it may be longer
_MAX_FILES = 1  # in a form
_OF_A_VISITOR = "120/minute"  # forms of a client in which nobody is signed in
_FOREIGN = marked("The form is too old, or comes from another site. Open the page again.")
_SESSION_TOKEN = "csrf"  # noqa: S105 (what WTForms calls it in a session)
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no store takes


class TokenForm(Form):
    """A form that has nothing but the token."""

    class Meta(DefaultMeta):
        csrf = True
        csrf_class = SessionCSRF
        csrf_field_name = "csrf_token"
        csrf_time_limit = None  # as long as the session


def _token_form(request: Request, values: Any = None) -> TokenForm:
    settings: WebSettings = request.app.state.settings
    form: TokenForm = TokenForm(values, meta={"csrf_context": request.session, "csrf_secret": settings.secret.encode()})
    return form


def csrf_field(request: Request) -> Markup:
    """Return the hidden field that every form of a page carries."""
    return Markup(_token_form(request)["csrf_token"]())  # noqa: S704 (WTForms' own markup)


def limited(rate: str, name: str, *, has_session: bool = True) -> Any:
    """Return a dependency of a route that counts what a client does there, before anything of the body is read.

    `rate` is as `limits` reads it. A request that a page of another site makes, and, unless `has_session` is false, one
    without a session in which a form was opened, is refused uncounted: else such a page could use up a reader's rate.
    """

    def count(request: Request) -> None:
        if request.headers.get("sec-fetch-site") == "cross-site" or (has_session and not _has_opened_a_form(request)):
            raise HTTPException(403, _FOREIGN)
        request.app.state.rates.check(request, rate, name, client_of(request))

    return Depends(count)


def _before_body(request: Request) -> None:
    """Refuse a form that cannot be valid, or is one of too many, before anything of it is read."""
    if not _has_opened_a_form(request):
        raise HTTPException(403, _FOREIGN)
    if signed_in(request) is None:
        request.app.state.rates.check(request, _OF_A_VISITOR, "forms", client_of(request))


def _has_opened_a_form(request: Request) -> bool:
    return _SESSION_TOKEN in request.session


async def posted(request: Request, _allowed: Annotated[None, Depends(_before_body)]) -> FormData:
    """Return the fields of a form, as a dependency. Raises HTTPException 403 without the session's token."""
    values = await _fields(request)
    form = _token_form(request, _Values(values))
    if not form.validate():
        raise HTTPException(403, _FOREIGN)
    _check_texts(values)
    return values


async def read_form(request: Request) -> FormData:
    """Return the fields of a form whose token the page itself checks, as a dependency."""
    values = await _fields(request)
    _check_texts(values)
    return values


async def _fields(request: Request) -> FormData:
    try:
        return await request.form(max_files=_MAX_FILES)
    except UnicodeError as error:  # of a charset that the browser names and that is none for texts
        raise HTTPException(400, "The form cannot be read.") from error


def _check_texts(values: FormData) -> None:
    texts = [text for pair in values.multi_items() for text in pair if isinstance(text, str)]
    if any("\x00" in text for text in texts):
        raise HTTPException(422, "A field holds a NUL character.")
    if any(_SURROGATE.search(text) for text in texts):
        raise HTTPException(400, "The form cannot be read.")


def field(form: FormData, name: str, most: int = MAX_FIELD_CHARS) -> str:
    """Return a field of a form, without blanks around it and not longer than it may be."""
    value = form.get(name, "")
    return value.strip()[:most] if isinstance(value, str) else ""


class _Values:
    """The fields of a form as WTForms reads them."""

    def __init__(self, values: FormData) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Any:
        return iter(self._values)

    def getlist(self, name: str) -> list[Any]:
        return list(self._values.getlist(name))
