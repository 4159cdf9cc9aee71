"""The reader's language: which one, and the texts of the pages in it, from gettext catalogs."""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path

from babel.core import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

LANGUAGES = ("en", "fr", "ru", "ar")
COOKIE = "language"
_FOLDER = Path(__file__).parent / "translations"


def reader_language(request: Request) -> str:
    """Return the language that the reader chose, or the best of those that the browser asks for, or English."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    wanted = [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")[:20]]
    return negotiate_locale([tag for tag in wanted if tag], LANGUAGES, sep="-") or "en"


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the texts of one language; those of English are the keys themselves."""
    path = _FOLDER / f"{language}.po"
    if language == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language, abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def marked(text: str) -> str:
    """Return a text as it is; what is marked is in the catalogs, for `gettext_of` to translate where it is shown."""
    return text


def direction(language: str) -> str:
    """Return rtl or ltr."""
    return "rtl" if Locale.parse(language).text_direction == "rtl" else "ltr"


def language_name(language: str) -> str:
    """Return the language's name in itself."""
    return Locale.parse(language).get_language_name(language) or language
