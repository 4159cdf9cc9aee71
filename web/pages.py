"""Make pages of templates: escaped, in the reader's language, with the signed-in person and what was just done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import jinja2
from babel.core import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from loaders.browse import last_reasons
from loaders.curation import newest_decisions
from loaders.reports import printable
from loaders.store import read_kept, read_transaction
from schemas import BadFeed, Mistake, Sentence
from web.forms import csrf_field
from web.languages import COOKIE, LANGUAGES, direction, language_name, reader_language, translations
from web.signing_in import signed_in

MAX_MESSAGE_CHARS = 600  # of a message about what was done: it travels in a cookie
_MAX_MESSAGES_CHARS = 2_200  # of all of them as JSON, where a letter may take 12: browsers drop a cookie above 4 KiB
COOKIE_SECONDS = 365 * 24 * 3600
_FORMATTED_KEPT = 10_000  # numbers and times in the form of a language: pages show the same ones again
_TEMPLATES = Path(__file__).parent / "templates"
_SIGNED_IN_PATHS = ("/console", "/partners", "/sign-in", "/sign-out")


class Message(NamedTuple):
    """What was just done, or why it was not: shown once, on the next page."""

    text: str
    is_error: bool = False
    undo: str = ""  # the batch that a button beside the message takes back


def _isolated(language: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a sentence so that their direction changes nothing around them, nor the sentence them.

    Without it a date or an address turns around in Arabic (https://www.w3.org/TR/i18n-html-tech-bidi/).
    """
    if direction(language) == "ltr":
        return dict(values)
    return {name: f"\u2068{value}\u2069" if isinstance(value, str) else value for name, value in values.items()}


def _environment(language: str) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.globals["isolated"] = partial(_isolated, language)
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return made


_PAGES = {language: _environment(language) for language in LANGUAGES}


def render(request: Request, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """Return the page of a template with its facts; messages that wait are shown on it, and then gone.

    A page of the library itself shows neither messages nor who is signed in, and sets no cookie: a language that was
    chosen stays in its links, which `link` makes.
    """
    language = reader_language(request)
    locale = Locale.parse(language)
    is_public = is_public_page(request)
    chosen = request.query_params.get("lang")
    kept_language = chosen if is_public and chosen == language else None
    messages = [] if is_public else [Message(*each) for each in request.session.pop("messages", ())]
    text = (
        _PAGES[language]
        .get_template(template)
        .render(
            request=request,
            language=language,
            direction=direction(language),
            languages=[
                (each, language_name(each), address(request.url.path, request.query_params, lang=each))
                for each in LANGUAGES
            ],
            account=None if is_public else signed_in(request),
            messages=messages,
            kept_language=kept_language,
            link=lambda path, query=None, **changes: address(path, query, **{"lang": kept_language, **changes}),
            csrf_field=cache(lambda: csrf_field(request)),
            seen_decisions=cache(lambda: _seen_decisions(request)),
            address=address,
            last_reasons=lambda: _last_reasons(request),
            number=lambda value: _number(value, language),
            percent=lambda share: format_percent(round(share, 3), locale=locale, decimal_quantization=False),
            day=lambda time: _day(time, language),
            time=lambda time: _date_and_time(time, language),
            in_words=lambda said: in_words(request, said),
            mistakes_in_words=lambda mistakes: mistakes_in_words(request, mistakes),
            ago=lambda time: format_timedelta(_time(time) - datetime.now(UTC), add_direction=True, locale=locale),
            **facts,
        )
    )
    response = HTMLResponse(printable(text), status_code=status)
    if chosen == language and not is_public:
        response.set_cookie(COOKIE, language, max_age=COOKIE_SECONDS, samesite="lax", httponly=True)
    return response


def is_public_page(request: Request) -> bool:
    """Return whether the page is one of the library itself, which needs no account."""
    path = request.url.path
    return not any(path == each or path.startswith(f"{each}/") for each in _SIGNED_IN_PATHS)


def _seen_decisions(request: Request) -> str:
    """Return what `seen_in` reads: which decisions there are when a page is opened."""
    with read_transaction(request.app.state.env) as connection:
        return ".".join(map(str, newest_decisions(connection)))


def _last_reasons(request: Request) -> tuple[str, ...]:
    """Return the reasons that the signed-in person gave last, to be suggested."""
    account = signed_in(request)
    return () if account is None else read_kept(request.app.state.env, last_reasons, account.name)


@lru_cache(maxsize=_FORMATTED_KEPT)
def _number(value: float, language: str) -> str:
    return format_decimal(value, locale=language)


@lru_cache(maxsize=_FORMATTED_KEPT)
def _day(time: str, language: str) -> str:
    return format_date(_time(time), format="medium", locale=language)


@lru_cache(maxsize=_FORMATTED_KEPT)
def _date_and_time(time: str, language: str) -> str:
    return format_datetime(_time(time), format="medium", locale=language) + " UTC"


def tell(request: Request, text: str, *, is_error: bool = False, undo: str = "") -> None:
    """Show a message on the next page. `undo` is the id of the batch that a button beside it takes back."""
    text = text[:MAX_MESSAGE_CHARS]
    while len(json.dumps(text)) > _MAX_MESSAGES_CHARS - 100:
        text = text[: len(text) * 9 // 10]
    messages = [*request.session.get("messages", [])[-2:], list(Message(text, is_error, undo))]
    while len(json.dumps(messages)) > _MAX_MESSAGES_CHARS and len(messages) > 1:
        messages = messages[1:]
    request.session["messages"] = messages


def gettext_of(request: Request, text: str, **values: Any) -> str:
    """Return a text of the code in the reader's language, with its values."""
    translated = translations(reader_language(request)).gettext(text)
    return translated % values if values else translated


def in_words(request: Request, text: Sentence) -> str:
    """Return a text of the pipeline in the reader's language, with its values."""
    return gettext_of(request, text.text, **_isolated(reader_language(request), text.values))


def mistakes_in_words(request: Request, mistakes: Iterable[Mistake]) -> list[str]:
    """Return the mistakes of a declaration in the reader's language; the keys stay as a file has them."""
    return [f"{each.key}: {in_words(request, each.sentence)}".removeprefix(": ") for each in mistakes]


def error_in_words(request: Request, error: Exception) -> str:
    """Return what an error says: in the reader's language where it was raised with a Sentence, else as it is."""
    if isinstance(error, BadFeed):
        return f"{error.path.name}: {'; '.join(mistakes_in_words(request, error.reasons))}"
    text = error.args[0] if error.args else None
    return in_words(request, text) if isinstance(text, Sentence) else str(error)


def see(path: str) -> Response:
    """Send the browser on to a page of ours, after a form."""
    return RedirectResponse(path, status_code=303)


def address(path: str, query: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """Return a path of ours with a query; a changed value replaces that of the query, and None leaves it out."""
    pairs: list[tuple[str, Any]] = []
    for name, value in {**_lists(query or {}), **changes}.items():
        pairs.extend((name, each) for each in (value if isinstance(value, list) else [value]) if each not in (None, ""))
    encoded = quote(path, safe="/:@!$'()*,;=~-._")
    return f"{encoded}?{urlencode(pairs)}" if pairs else encoded


def _lists(query: Mapping[str, Any]) -> dict[str, Any]:
    several = getattr(query, "getlist", None)
    return {name: several(name) if several else query[name] for name in query}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
