"""Write the published resources in one of the formats of transforms.exports, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import IO, Any, NamedTuple

from sqlalchemy import Connection

from loaders.browse import Cursor, PublishedReader, all_published, changes_page, require_known
from loaders.declarations import feeds_in_use
from loaders.store import few_pages, newest_publication, read_transaction
from schemas import (
    FEED_NAME,
    Environment,
    Published,
    Withdrawn,
    competency_code,
    nearest_advice,
    read_vocabulary,
    subject_labels,
)
from transforms.exports import Export
from transforms.metadata_license import metadata_license
from transforms.normalize.language import language_tag
from transforms.normalize.license import licenses_named

_PAGE_CHANGES = 500


class BadFilter(ValueError):
    """A filter that names nothing that a resource has: what is wrong, and what may stand there."""


class ExportCounts(NamedTuple):
    """How many resources were written, how many as withdrawn, and how many of these the format has no form for.

    cursor: what gives, as `since`, what publications change after this export; "" before the first publication
    """

    written: int
    withdrawn: int
    left_out: int
    cursor: str


def _languages(published: Published) -> set[str]:
    tags = {language.tag for language in published.record.languages}
    return tags | {tag.partition("-")[0] for tag in tags}


def _openness(published: Published) -> set[str]:
    license_ = published.record.license
    return {{True: "yes", False: "no", None: "unknown"}[license_.open if license_ else None]}


def _subjects(published: Published) -> list[str]:
    return [f"{subject.scheme}:{subject.code}" for subject in published.record.subjects if subject.code]


def _competencies(published: Published) -> list[str]:
    codes = map(competency_code, published.record.competencies)
    return [code for code in codes if code]


def _license(published: Published) -> list[str]:
    license_ = published.record.license
    return [license_.label or license_.uri or ""] if license_ else []


_FILTERS: dict[str, Callable[[Published], Collection[str]]] = {
    "feed": lambda published: published.feeds,
    "language": _languages,
    "level": lambda published: published.record.levels,
    "type": lambda published: [concept.code for concept in published.record.resource_types],
    "subject": _subjects,
    "competency": _competencies,
    "license": _license,
    "partner": lambda published: published.partners,
    "open": _openness,
}


def read_filters(statements: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return the wanted values by what they are of: "language=fr", "type=video".

    Several values of one name are alternatives. Raises BadFilter.
    """
    wanted: dict[str, frozenset[str]] = {}
    for statement in statements:
        name, equals, value = statement.partition("=")
        if not equals or name not in _FILTERS:
            raise BadFilter(f"{statement!r}: use {', '.join(f'{known}=…' for known in _FILTERS)}")
        _check(name, value)
        wanted[name] = wanted.get(name, frozenset()) | {value}
    return wanted


def _check(name: str, value: str) -> None:
    """Raise BadFilter for a value that no resource can have."""
    lists = {
        "level": list(read_vocabulary("level")),
        "open": ["yes", "no", "unknown"],
        "type": list(read_vocabulary("resource_type")),
        "competency": list(read_vocabulary("competency")),
    }
    if name in lists and value not in lists[name]:
        raise BadFilter(f"{name}={value!r} is none of {', '.join(lists[name])}")
    if name == "language":
        _check_language(value)
    if name == "subject" and not subject_labels(*value.partition(":")[::2]):
        raise BadFilter(f"subject={value!r} is no subject of the library's lists, such as isced-f:0541 or unesco:…")
    if name == "feed" and not FEED_NAME.fullmatch(value):
        raise BadFilter(f"feed={value!r} is no name of a feed, such as col_oasis")
    if name == "license" and value:
        _check_license(value)


def _check_language(value: str) -> None:
    if (tag := language_tag(value)) != value:
        meant = f"; did you mean {tag}?" if tag else ", such as fr, sr or sr-Latn"
        raise BadFilter(f"language={value!r} is no tag of a language in BCP 47{meant}")


def _check_license(value: str) -> None:
    if value not in (labels := _license_labels(value)):
        raise BadFilter(f"license={value!r} is no licence that the library knows; {nearest_advice(value, labels)}")


def _license_labels(value: str) -> list[str]:
    """Return what the licences are called that a value names, and all that are listed; of an address only the first."""
    named = [license_.label or license_.uri or "" for license_ in licenses_named(value)]
    listed = [str(row["label"]) for row in _rows_with_label(read_vocabulary("licenses"))]
    return named if named and "://" in value else [*named, *listed]


def _rows_with_label(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield from [node] if "label" in node else []
        node = list(node.values())
    if isinstance(node, list):
        yield from (row for each in node for row in _rows_with_label(each))


def require_known_names(env: Environment, filters: Mapping[str, frozenset[str]]) -> None:
    """Raise BadFilter for a feed or partner that this installation does not know."""
    feeds = feeds_in_use(env)
    known = {"feed": feeds.names, "partner": {feed.partner for feed in feeds.feeds}}
    for name, values in known.items():
        for value in sorted(filters.get(name, frozenset()) - values)[:1]:
            raise BadFilter(f"{name}={value!r}: there is no such {name} here; {nearest_advice(value, values)}")


def passed_on(env: Environment, *, site: str | None = None) -> dict[str, Any]:
    """Return what `loaders.browse.all_published` needs to know of the feeds: partners and licences of the metadata.

    What may not be passed on is left out by it: a partner has not consented, or its licence is not known.
    """
    in_use = feeds_in_use(env)
    return {
        "partners": {feed.name: feed.partner for feed in in_use.feeds},
        "metadata_license": metadata_license(in_use.feeds, in_use.unconsented),
        "site": site,
    }


def write_export(
    env: Environment,
    export: Export,
    out: IO[str],
    *,
    since: str | Cursor = "",
    filters: Mapping[str, frozenset[str]] | None = None,
    site: str | None = None,
) -> ExportCounts:
    """Write every resource that fits the filters as one file of the format; memory does not grow with the catalog.

    With `since`, a time or a cursor of `/api/v1/changes`, only what changed from then on is written, and what was
    withdrawn where the format has a form for it. Without it withdrawn resources are left out. What was withdrawn after
    a cursor is written whatever the filters are. Raises UnknownCursor before anything is written.
    """
    written = withdrawn = left_out = 0
    about = passed_on(env, site=site) | {"whole": export.whole}
    with read_transaction(env) as connection, few_pages(connection):
        newest = newest_publication(connection)
        if isinstance(since, Cursor):
            require_known(connection, since)
        out.write(export.file.head)
        for each in _exported(connection, since, filters or {}, about):
            if isinstance(each, Published):
                out.write(export.file.entry(each, export.render(each)))
                written += 1
            elif export.file.deletion is None:
                left_out += 1
            else:
                out.write(export.file.deletion(each))
                withdrawn += 1
    out.write(export.file.tail)
    return ExportCounts(written, withdrawn, left_out, newest.run_id if newest else "")


def _exported(
    connection: Connection, since: str | Cursor, filters: Mapping[str, frozenset[str]], about: dict[str, Any]
) -> Iterator[Published | Withdrawn]:
    """Yield what fits the filters, in the order of ids, or after a cursor in that of the changes."""
    if isinstance(since, Cursor):
        for change in _changes(connection, since, PublishedReader(**about)):
            if isinstance(change, Withdrawn) or _fits(change, filters):
                yield change
        return
    for published, gone in all_published(connection, since=since, **about):
        if _fits(published, filters) and not (gone and not since):
            yield gone or published


def _changes(connection: Connection, cursor: Cursor, reader: PublishedReader) -> Iterator[Published | Withdrawn]:
    has_more = True
    while has_more:
        changes, cursor, has_more, _ = changes_page(connection, cursor, reader, limit=_PAGE_CHANGES)
        yield from changes


def _fits(published: Published, filters: Mapping[str, frozenset[str]]) -> bool:
    return all(not wanted.isdisjoint(_FILTERS[name](published)) for name, wanted in filters.items())
