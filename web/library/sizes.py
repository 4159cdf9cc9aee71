"""How a number of bytes is told to readers."""

from __future__ import annotations

from babel.numbers import format_decimal
from starlette.requests import Request

from web.languages import marked, reader_language
from web.pages import gettext_of

_UNITS = ((10**9, marked("%(size)s GB")), (10**6, marked("%(size)s MB")), (10**3, marked("%(size)s kB")))


def size_in_words(request: Request, number_of_bytes: int) -> str:
    """Return a size in kB, MB or GB (powers of ten) in the reader's language."""
    unit, text = next((each for each in _UNITS if number_of_bytes >= each[0]), _UNITS[-1])
    size = round(number_of_bytes / unit, 0 if number_of_bytes >= 10 * unit else 1)
    return gettext_of(request, text, size=format_decimal(size, locale=reader_language(request)))
