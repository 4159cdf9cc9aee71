"""Ask an OAI-PMH server what it is and offers: Identify, ListMetadataFormats, ListSets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lxml import etree
from sickle.oaiexceptions import NoSetHierarchy

from harvesters.causes import failed
from harvesters.client import Client
from harvesters.datestamps import format_datestamp, is_datestamp, parse_datestamp
from harvesters.oai_pmh.sickle_client import ERRORS, OTHER_METHOD, Repository
from schemas import Ask, Base, Environment, Feed, HarvestFailed

OLDEST_DATESTAMP = "1970-01-01"  # assumed where the server's earliestDatestamp is missing or wrong
_MAX_CLOCK_SKEW = timedelta(minutes=10)
_METHOD_CAUSES = frozenset({"bad_format", "blocked", "gone", "not_oai_pmh", "unreachable"})  # may be the method's fault
_BUSY_STATUSES = frozenset({None, 429, 502, 503, 504})  # are not; None is no response at all


class Server(Base, frozen=True, kw_only=True):
    """What a server's Identify response says."""

    days: bool  # its datestamps are dates without a time
    earliest: str  # datestamp
    deletes: str  # deletedRecord: no, transient, persistent
    response_date: str | None  # the server's clock


def identify(repository: Repository, client: Client) -> Server:
    """Identify the server; when the feed's HTTP method fails, with the other one.

    Raises HarvestFailed("not_oai_pmh") when what answers is not an OAI-PMH server.
    """
    try:
        return _identify(repository, client)
    except HarvestFailed as error:
        busy = error.cause == "unreachable" and getattr(error, "status", None) in _BUSY_STATUSES
        if error.cause not in _METHOD_CAUSES or busy:
            raise
        first_failure = error
    repository.http_method, repository.retries = OTHER_METHOD[repository.http_method], 0
    try:
        server = _identify(repository, client)
    except HarvestFailed:
        raise first_failure from None  # of the method that the feed file declares
    repository.retries = None
    client.notes.append(f"the server accepts {repository.http_method} only")
    return server


def _identify(repository: Repository, client: Client) -> Server:
    response = repository.harvest(verb="Identify")
    client.notes += response.notes
    root, ns = response.xml, repository.oai_namespace
    identity = root.find(f"{ns}Identify")
    if identity is None:
        error = root.findtext(f"{ns}error") or "no Identify in the response"
        raise failed("not_oai_pmh", f"{repository.endpoint} cannot identify itself: {error}")
    _note_other_base_url(identity.findtext(f"{ns}baseURL"), repository.endpoint, client)
    earliest = (identity.findtext(f"{ns}earliestDatestamp") or "").strip()
    granularity = identity.findtext(f"{ns}granularity") or "YYYY-MM-DD"
    return Server(
        days="T" not in granularity.upper(),
        earliest=earliest if is_datestamp(earliest) else OLDEST_DATESTAMP,
        deletes=(identity.findtext(f"{ns}deletedRecord") or "no").strip().lower(),
        response_date=_response_date(root, ns, client),
    )


def _note_other_base_url(base_url: str | None, endpoint: str, client: Client) -> None:
    """Note a base URL on another host or path; the scheme and a slash at the end make no difference."""
    if not base_url:
        return
    theirs, ours = (url.strip().split("://")[-1].rstrip("/").lower() for url in (base_url, endpoint))
    if theirs != ours:
        named = client.credentials.mask(base_url.strip())
        client.notes.append(f"the server names its address {named}, the feed asks {endpoint}")


def _response_date(root: etree._Element, ns: str, client: Client) -> str | None:
    """Return the server's responseDate in UTC, never later than our own clock: an early mark only repeats records."""
    text = (root.findtext(f"{ns}responseDate") or "").strip()
    if not is_datestamp(text):
        client.notes.append(f"the server's responseDate {text!r} is not a date")
        return None
    time, now = parse_datestamp(text), datetime.now(UTC)
    if time - now > _MAX_CLOCK_SKEW:
        client.notes.append(f"the server's clock says {text}, which is ahead of the time; our own time is used")
    return format_datestamp(min(time, now), days=False)


def formats(repository: Repository) -> list[str]:
    """Return the metadata prefixes that the server offers."""
    root = repository.harvest(verb="ListMetadataFormats").xml
    return [(prefix.text or "").strip() for prefix in root.iter(f"{repository.oai_namespace}metadataPrefix")]


def sets(repository: Repository) -> list[str]:
    """Return the specs of all sets that the server offers, over all pages of the list."""
    specs: list[str] = []
    for response in repository.ListSets():
        specs += [(spec.text or "").strip() for spec in response.xml.iter(f"{repository.oai_namespace}setSpec")]
    return specs


def check(feed: Feed, ask: Ask, env: Environment) -> list[str]:
    """Return a sentence for each of the feed's prefix and sets that the server does not offer."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        identify(repository, client)
        offered = formats(repository)
        return [*_prefix_problems(feed, offered), *_set_problems(feed, repository), *client.notes]


def _prefix_problems(feed: Feed, offered: list[str]) -> list[str]:
    if feed.metadata_prefix in offered:
        return []
    key = "format" if feed.prefix is None else "prefix"
    return [f"{key}: {feed.metadata_prefix!r} is not offered; {', '.join(offered)} are"]


def _set_problems(feed: Feed, repository: Repository) -> list[str]:
    if not feed.sets and not feed.exclude_sets:
        return []
    try:
        offered = set(sets(repository))
    except NoSetHierarchy:
        offered = set()
    except ERRORS as error:
        return [f"sets: the server refuses to list them ({type(error).__name__}: {error})"]
    problems = [f"sets: {name!r} is not offered" for name in feed.sets if name not in offered]
    return problems + [f"exclude_sets: {name!r} is not offered" for name in feed.exclude_sets if name not in offered]
