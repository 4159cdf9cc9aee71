"""Which names a new feed may have, and whether its source is known already.

A feed's name is never used again, not even in another spelling: landing, keys of records and addresses have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import idna
from sqlalchemy import select

from loaders.applications.application import OPEN_STATUSES, list_applications
from loaders.store import (
    UPKEEP_KINDS,
    ApplicationRow,
    FeedDeclarationRow,
    HarvestRunRow,
    RefusedRow,
    TermMappingRow,
    read_transaction,
)
from schemas import FEED_NAME, PROTOCOLS, Environment, Feed

_WORDS = re.compile(r"[a-z0-9]+")
_MAX_NAME_CHARS = 40  # of a suggested name
_DEFAULT_PORTS = {"http": 80, "https": 443}
_RESERVED = frozenset({"publish", "catalog", *UPKEEP_KINDS})  # what runs without a feed, and DAGs, are named by


class SameSource(NamedTuple):
    """A feed, or an application, that has the same source; `application` is its id, empty for a feed."""

    feed: str
    application: str


def name_trouble(env: Environment, name: str, *, application: str = "") -> str | None:
    """Return why a new feed cannot have a name: `malformed`, or `used` before in any spelling; None when it can.

    Names are compared without case and underscores, with those of feed files, the catalog, landing and applications
    (but that of the id given).
    """
    if not FEED_NAME.fullmatch(name) or not name.strip("_"):
        return "malformed"
    folded = _folded(name)
    return "used" if folded in _RESERVED or any(_folded(each) == folded for each in _used(env, application)) else None


def suggested_name(env: Environment, *texts: str, application: str = "") -> str:
    """Return a free name made of the first of these texts that has letters or digits of ASCII, else of `feed`."""
    words = next((words_of_text for text in texts if (words_of_text := _WORDS.findall(text.casefold()))), ["feed"])
    base = "_".join(words)[:_MAX_NAME_CHARS].strip("_")
    used = {_folded(each) for each in _used(env, application)} | _RESERVED
    candidates = (base, *(f"{base}_{number}" for number in range(2, len(used) + 3)))
    return next(name for name in candidates if _folded(name) not in used)


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _used(env: Environment, application: str) -> Iterator[str]:
    for folder in {*env.feeds, env.registered_feeds}:
        yield from (path.stem for path in folder.glob("*.toml"))
    if env.landing.is_dir():
        yield from (path.name for path in env.landing.iterdir() if path.is_dir())
    with read_transaction(env) as connection:
        for column in (HarvestRunRow, FeedDeclarationRow, RefusedRow, TermMappingRow):
            yield from filter(None, connection.scalars(select(column.feed).distinct()))
        names = select(ApplicationRow.name).where(
            ApplicationRow.id != application, ApplicationRow.status.in_(("submitted", "accepted"))
        )
        yield from filter(None, connection.scalars(names))


def source_key(declaration: Mapping[str, Any]) -> tuple[str, str, frozenset[str]] | None:
    """Return what two declarations of one source have in common: its address, the prefix and the sets.

    None for files that were sent to us. Scheme, case of the host, default port, `www.`, a slash at the end, and the
    verb of OAI-PMH in the query do not make another source.
    """
    address = str(declaration.get("url") or "")
    if not address or address.startswith("inbox:"):
        return None
    traits = PROTOCOLS.get(str(declaration.get("protocol")))
    prefix = str(declaration.get("prefix") or declaration.get("format") or "") if traits and traits.has_prefixes else ""
    sets = declaration.get("sets") or ()
    return _normalized(address, traits is not None and traits.has_verbs), prefix, frozenset(map(str, sets))


def _normalized(address: str, has_verbs: bool) -> str:
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        return address.strip()
    host = (parts.hostname or "").rstrip(".")
    with suppress(idna.IDNAError):  # a host that cannot be asked is compared as it is written
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    host = host.removeprefix("www.")
    place = host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"
    query = [] if has_verbs else sorted(parse_qsl(parts.query, keep_blank_values=True))
    return f"{place}{parts.path.rstrip('/')}" + (f"?{urlencode(query)}" if query else "")


def same_sources(
    env: Environment, declaration: Mapping[str, Any], feeds: Iterable[Feed], *, application: str = "", feed: str = ""
) -> list[SameSource]:
    """Return the feeds and the open applications that have the source of a declaration, in part or whole.

    One without sets has all of them. Left out are the application of the id, and the feed, that it is itself about.
    """
    mine = source_key(declaration)
    if mine is None:
        return []
    sources = [
        SameSource(each.name, "")
        for each in feeds
        if each.name != feed and _overlap(mine, source_key(each.model_dump(mode="json")))
    ]
    for other in list_applications(env, *OPEN_STATUSES):
        if other.id != application and other.status == "submitted" and _overlap(mine, source_key(other.declaration)):
            sources.append(SameSource(other.feed_name or "", other.id))
    return sources


def _overlap(mine: tuple[str, str, frozenset[str]], other: tuple[str, str, frozenset[str]] | None) -> bool:
    if other is None or mine[:2] != other[:2]:
        return False
    return not mine[2] or not other[2] or bool(mine[2] & other[2])
