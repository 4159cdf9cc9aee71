"""Forms: WTForms with a token of the session in each, without which nothing that is posted is taken."""

from __future__ import annotations

import re
from typing import Any

from fastapi import HTTPException
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from wtforms import Form
from wtforms.csrf.session import SessionCSRF
from wtforms.meta import DefaultMeta

from web.settings import WebSettings

MAX_FIELD_CHARS = 1_000  # of a field, unless it may be longer
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


async def posted(request: Request) -> FormData:
    """Return the fields of a form, as a dependency. Raises HTTPException 403 without the session's token."""
    values = await _fields(request)
    form = _token_form(request, _Values(values))
    if not form.validate():
        raise HTTPException(403, "The form is too old, or comes from another site. Open the page again.")
    _check_texts(values)
    return values


async def read_form(request: Request) -> FormData:
    """Return the fields of a form whose token the page itself checks, as a dependency."""
    values = await _fields(request)
    _check_texts(values)
    return values


async def _fields(request: Request) -> FormData:
    try:
        return await request.form()
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
