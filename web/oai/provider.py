"""The addresses of the OAI-PMH provider: /oai for every verb, and the schemas that no other host has."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec
from babel.core import Locale, UnknownLocaleError
from fastapi import APIRouter, Depends, HTTPException
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from loaders.browse import PublishedReader, count_changed, resource_ids, set_specs, sources_of
from loaders.declarations import feeds_in_use
from loaders.store import change_times, earliest_visible, now, read_transaction
from pipeline.exporting import passed_on
from schemas import Environment, Feed, Published, Withdrawn
from web.library.answers import count_request
from web.library.labels import LEVELS, TYPES
from web.links import public_url, settings_of
from web.oai import answers
from web.oai.pages_ahead import AnswerBody, PagesAhead
from web.oai.requests import (
    FORMATS,
    TOKEN_SECONDS,
    ListRequest,
    OaiError,
    format_of,
    read_arguments,
    read_list,
    token_of,
)
from web.settings import WebSettings

router = APIRouter()
PATH = "/oai"
PAGE_RECORDS = 500
REQUESTS_RATE = "3000/minute"  # of one client
_MAX_BODY_BYTES = 64 * 1024  # of a request
_WAIT_SECONDS = 10


class _Repository(NamedTuple):
    """What every answer is made with."""

    env: Environment
    settings: WebSettings
    address: str
    time: str  # now, as the catalog has it

    @property
    def response_date(self) -> str:
        return f"{self.time[:19]}Z"

    @property
    def site(self) -> str:
        return public_url(self.settings)

    @property
    def tokens(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.settings.secret, salt="elib oai")

    def reader(self) -> PublishedReader:
        return PublishedReader(**passed_on(self.env, site=self.site))

    def feeds(self) -> dict[str, Feed]:
        return {feed.name: feed for feed in feeds_in_use(self.env).feeds}


async def _pairs(request: Request) -> list[tuple[str, str]]:
    """Return the arguments of a request, of its address or of its body."""
    if request.method != "POST":
        return list(request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "A POST request of OAI-PMH has the content type application/x-www-form-urlencoded.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY_BYTES:
            raise HTTPException(413, "This request is too long.")
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return [*request.query_params.multi_items(), *fields]


@router.api_route(PATH, methods=["GET", "POST"], include_in_schema=False)
async def oai(request: Request, pairs: Annotated[list[tuple[str, str]], Depends(_pairs)]) -> Response:
    """Answer a request of OAI-PMH."""
    return await run_in_threadpool(_answer, request, pairs)


@router.get(f"{PATH}/schemas/{{prefix}}.xsd", include_in_schema=False)
def schema(prefix: str) -> Response:
    """Give out the XML Schema of a format that no other host has."""
    known = FORMATS.get(prefix)
    if known is None or known.schema_text is None:
        raise HTTPException(404, "There is no schema with this name.")
    return Response(known.schema_text, media_type="application/xml")


def _answer(request: Request, pairs: list[tuple[str, str]]) -> Response:
    try:
        count_request(request, REQUESTS_RATE)
    except HTTPException as error:  # harvesters know 503 as the sign to wait
        headers = {"retry-after": str((error.headers or {}).get("retry-after", _WAIT_SECONDS))}
        return PlainTextResponse(f"{error.detail}\n", 503, headers)
    settings, env = settings_of(request), request.app.state.env
    is_gzip = _takes_gzip(request.headers.get("accept-encoding", ""))
    ahead: PagesAhead = request.app.state.oai_pages
    token = dict(pairs).get("resumptionToken", "")
    page = ahead.take(f"{is_gzip} {sorted(pairs)}") if token else None
    page = page or _body(env, settings, pairs, is_gzip=is_gzip)
    if page.token:
        following = [("verb", dict(pairs)["verb"]), ("resumptionToken", page.token)]
        ahead.make(f"{is_gzip} {sorted(following)}", partial(_body, env, settings, following, is_gzip=is_gzip))
    headers = {"vary": "Accept-Encoding", "cache-control": "no-cache"}
    if page.is_gzip:
        headers["content-encoding"] = "gzip"
    return Response(page.body, media_type="text/xml; charset=utf-8", headers=headers)


def _body(env: Environment, settings: WebSettings, pairs: list[tuple[str, str]], *, is_gzip: bool) -> AnswerBody:
    """Return the answer to a request."""
    repository = _Repository(env, settings, f"{public_url(settings)}{PATH}", now())
    try:
        verb, arguments = read_arguments(pairs)
        content, named = _VERBS[verb](repository, arguments), {"verb": verb, **arguments}
    except OaiError as error:
        content = answers.error_of(error)
        named = {} if error.code in ("badVerb", "badArgument") else dict(pairs)
    if isinstance(content, str):
        content = _List(content, "")
    body = answers.document(repository.address, repository.response_date, named, content.text).encode()
    return AnswerBody(gzip.compress(body, 1, mtime=0) if is_gzip else body, is_gzip, content.token)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, _, parameter = each.partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return parameter.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _identify(repository: _Repository, _: Mapping[str, str]) -> str:
    with read_transaction(repository.env) as connection:
        earliest = earliest_visible(connection) or repository.time
    return answers.identify(repository.address, repository.settings.admin_mail, f"{earliest[:19]}Z")


def _list_formats(repository: _Repository, arguments: Mapping[str, str]) -> str:
    if "identifier" in arguments:
        with read_transaction(repository.env) as connection:
            _one(repository, connection, arguments["identifier"])
    site = repository.site
    return answers.formats(
        {prefix: each.schema or f"{site}{PATH}/schemas/{prefix}.xsd" for prefix, each in FORMATS.items()}
    )


def _list_sets(repository: _Repository, arguments: Mapping[str, str]) -> str:
    if "resumptionToken" in arguments:
        raise OaiError("badResumptionToken", "resumptionToken: the list of sets has one page only")
    with read_transaction(repository.env) as connection:
        specs = set_specs(connection)
    if not specs:
        raise OaiError("noSetHierarchy", "there is no set, because nothing is published yet")
    in_use = feeds_in_use(repository.env)
    feeds = {feed.name: feed for feed in in_use.feeds}
    hidden = {f"feed.{name}" for name in in_use.unconsented}
    return answers.sets({spec: _set_name(spec, feeds) for spec in specs if spec not in hidden})


def _set_name(spec: str, feeds: Mapping[str, Feed]) -> str:
    kind, _, value = spec.partition(".")
    if kind == "feed":
        return f"{feeds[value].title} ({feeds[value].partner})" if value in feeds else f"The former feed {value}"
    if kind == "language":
        try:
            return Locale.parse(value).get_display_name("en") or value
        except (UnknownLocaleError, ValueError):
            return value
    return {"level": LEVELS, "type": TYPES}.get(kind, {}).get(value, value)


def _get_record(repository: _Repository, arguments: Mapping[str, str]) -> str:
    with read_transaction(repository.env) as connection:
        published, withdrawn = _one(repository, connection, arguments["identifier"])
        format_ = format_of(arguments["metadataPrefix"])
        sources = sources_of(connection, [published.id])
    text = answers.record(published, withdrawn, format_, sources.get(published.id, []), repository.feeds())
    return f"<GetRecord>\n{text}</GetRecord>"


def _one(repository: _Repository, connection: Connection, identifier: str) -> tuple[Published, Withdrawn | None]:
    """Return the resource of an identifier. Raises OaiError idDoesNotExist."""
    resource_id = identifier.rpartition(":")[2]
    for published, withdrawn in repository.reader().read(connection, [resource_id], repository.time):
        if published.oai_identifier == identifier:
            return published, withdrawn
    raise OaiError("idDoesNotExist", f"identifier: {identifier!r} is none of this repository")


class _List(NamedTuple):
    """A page of a list as an element, and the token by which it goes on ("": it does not)."""

    text: str
    token: str


def _list_identifiers(repository: _Repository, arguments: Mapping[str, str]) -> _List:
    return _list(repository, read_list("ListIdentifiers", arguments, repository.tokens))


def _list_records(repository: _Repository, arguments: Mapping[str, str]) -> _List:
    return _list(repository, read_list("ListRecords", arguments, repository.tokens))


class _Page(NamedTuple):
    """Entries of a list, the last id that was looked at (None: the list ends here), and how many there are in all."""

    entries: list[str]
    last_id: str | None
    size: int | None


def _list(repository: _Repository, wanted: ListRequest) -> _List:
    page = _page(repository, wanted)
    if not page.entries and not wanted.after:
        raise OaiError("noRecordsMatch", "there is nothing in this set and window")
    size = "" if page.size is None else f' completeListSize="{page.size}"'
    token = end = ""
    if page.last_id is not None:
        rest = msgspec.structs.replace(wanted, after=page.last_id, delivered=wanted.delivered + len(page.entries))
        token = token_of(rest, repository.tokens)
        expires = datetime.fromtimestamp(time.time() + TOKEN_SECONDS, UTC)
        size = f' expirationDate="{expires:%Y-%m-%dT%H:%M:%SZ}"{size}'
    if token or wanted.after:  # an empty one ends a list of several pages
        end = f'<resumptionToken{size} cursor="{wanted.delivered}">{token}</resumptionToken>\n'
    return _List(f"<{wanted.verb}>\n{''.join(page.entries)}{end}</{wanted.verb}>", token)


def _page(repository: _Repository, wanted: ListRequest) -> _Page:
    """Read records until one page is full or the list ends; what may not be passed on is not counted."""
    entries: list[str] = []
    last_id: str | None = wanted.after
    with read_transaction(repository.env) as connection:
        window = None
        if wanted.since or wanted.before:
            window = change_times(connection, wanted.since, wanted.before, repository.time)
            if window is None:
                return _Page([], None, None)
        size = count_changed(connection, window) if window is not None and not wanted.spec else None
        how: dict[str, Any] = {"window": window, "spec": wanted.spec, "limit": PAGE_RECORDS + 1}
        while last_id is not None and not entries:
            ids = resource_ids(connection, after=last_id, **how)
            entries.extend(_entries(repository, connection, wanted, ids[:PAGE_RECORDS]))
            last_id = ids[PAGE_RECORDS - 1] if len(ids) > PAGE_RECORDS else None
    return _Page(entries, last_id, size)


def _entries(repository: _Repository, connection: Connection, wanted: ListRequest, ids: list[str]) -> Iterator[str]:
    resources = repository.reader().read(connection, ids, repository.time)
    if wanted.verb == "ListIdentifiers":
        yield from (f"{answers.header(published, withdrawn)}\n" for published, withdrawn in resources)
        return
    sources, feeds, format_ = sources_of(connection, ids), repository.feeds(), format_of(wanted.prefix)
    for published, withdrawn in resources:
        yield answers.record(published, withdrawn, format_, sources.get(published.id, []), feeds)


_VERBS: Mapping[str, Callable[[_Repository, Mapping[str, str]], str | _List]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_formats,
    "ListSets": _list_sets,
    "GetRecord": _get_record,
    "ListIdentifiers": _list_identifiers,
    "ListRecords": _list_records,
}
