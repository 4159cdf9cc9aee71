"""What an OAI-PMH server says of itself, and what it offers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lxml import etree
from sickle.oaiexceptions import NoSetHierarchy

from harvesters.causes import failed
from harvesters.client import Client
from harvesters.datestamps import format_datestamp, parse_datestamp
from harvesters.oai_pmh.sickle_client import ERRORS, OTHER, Repository
from harvesters.oai_pmh.windows import OLDEST, day
from schemas import Ask, Environment, Feed, HarvestFailed
from schemas.base import Base

_SKEW = timedelta(minutes=10)


class Server(Base, frozen=True, kw_only=True):
    """An Identify response: granularity, where the list begins, whether deletes are told, the server's clock."""

    days: bool
    earliest: str
    deletes: str  # no, transient, persistent
    response_date: str | None


_BY_METHOD = frozenset(
    {"bad_format", "blocked", "gone", "not_oai_pmh", "unreachable"}
)  # what may be the method's fault
_BUSY = frozenset({None, 429, 502, 503, 504})  # and what is not


def identify(repository: Repository, client: Client) -> Server:
    """What the server says of itself, by POST when GET fails and the other way round.

    Raises HarvestFailed("not_oai_pmh") when it does not.
    """
    try:
        return _identified(repository, client)
    except HarvestFailed as error:
        busy = error.cause == "unreachable" and getattr(error, "status", None) in _BUSY
        if error.cause not in _BY_METHOD or busy:
            raise
        refused = error
    first = repository.http_method
    repository.http_method, repository.retries = OTHER[first], 0
    try:
        server = _identified(repository, client)
    except HarvestFailed:
        raise refused from None  # the way that the feed file declares is the one to be told about
    repository.retries = None
    client.notes.append(f"the server wants {repository.http_method}")
    return server


def _identified(repository: Repository, client: Client) -> Server:
    response = repository.harvest(verb="Identify")
    client.notes += response.notes
    root = response.xml
    ns = repository.oai_namespace
    said = root.find(f"{ns}Identify")
    if said is None:
        error = root.findtext(f"{ns}error") or "no Identify in the response"
        raise failed("not_oai_pmh", f"{repository.endpoint} cannot identify itself: {error}")
    _note_move(said.findtext(f"{ns}baseURL"), repository.endpoint, client)
    earliest = (said.findtext(f"{ns}earliestDatestamp") or "").strip()
    return Server(
        days=day(said.findtext(f"{ns}granularity") or "YYYY-MM-DD"),
        earliest=earliest if _readable(earliest) else OLDEST,
        deletes=(said.findtext(f"{ns}deletedRecord") or "no").strip().lower(),
        response_date=_server_clock(root, ns, client),
    )


def _server_clock(root: etree._Element, ns: str, client: Client) -> str | None:
    """The server's responseDate in UTC seconds, never later than our own clock: an early mark only repeats records."""
    said = (root.findtext(f"{ns}responseDate") or "").strip()
    if not _readable(said):
        client.notes.append(f"the server's responseDate is {said!r}, which is no date")
        return None
    at, now = parse_datestamp(said), datetime.now(UTC)
    if at - now > _SKEW:
        client.notes.append(f"the server's clock says {said}, which is ahead of the time; the mark is held back")
    return format_datestamp(min(at, now), days=False)


def formats(repository: Repository) -> list[str]:
    """The metadata prefixes that the server offers."""
    root = repository.harvest(verb="ListMetadataFormats").xml
    ns = repository.oai_namespace
    return [(found.text or "").strip() for found in root.iter(f"{ns}metadataPrefix")]


def sets(repository: Repository) -> list[str]:
    """Every set that the server offers, over all pages of the list."""
    found: list[str] = []
    for response in repository.ListSets():
        found += [(spec.text or "").strip() for spec in response.xml.iter(f"{repository.oai_namespace}setSpec")]
    return found


def check(feed: Feed, ask: Ask, env: Environment) -> list[str]:
    """What the server does not offer of what the feed asks: its format, its sets."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        identify(repository, client)
        offered = formats(repository)
        wrong = [] if feed.format in offered else [f"format: {feed.format!r} is not offered; {', '.join(offered)} are"]
        if feed.sets:
            try:
                known = set(sets(repository))
            except NoSetHierarchy:
                known = set()
            except ERRORS as error:
                return [*wrong, f"sets: the server refuses to list them ({type(error).__name__}: {error})"]
            wrong += [f"sets: {name!r} is not offered" for name in feed.sets if name not in known]
        return [*wrong, *client.notes]


def _note_move(said: str | None, asked: str, client: Client) -> None:
    """A base URL on another host or path is reported; the scheme and a slash at the end make no difference."""
    if not said:
        return
    there, here = (url.strip().split("://")[-1].rstrip("/").lower() for url in (said, asked))
    if there != here:
        named = client.credentials.mask(said.strip())
        client.notes.append(f"the server names its address {named}, the feed asks {asked}")


def _readable(datestamp: str) -> bool:
    try:
        parse_datestamp(datestamp)
    except ValueError:
        return False
    return True
