"""Write the library's downloads: a dump of everything that may be passed on, if anything changed since the last one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

from loaders.browse import all_published
from loaders.declarations import FeedsInUse, feeds_in_use
from loaders.downloads import (
    DumpColumn,
    DumpEntry,
    DumpManifest,
    DumpSource,
    catalog_state,
    erasures_state,
    mirror_dumps,
    newest_dump,
    read_rule,
    remove_others,
    write_dump,
)
from loaders.store import failed_upkeep, few_pages, read_transaction
from pipeline.catalog import WEB_URL_VARIABLE
from pipeline.exporting import passed_on
from pipeline.upkeep import Upkeep, upkeep
from schemas import Environment
from transforms.exports import COLUMNS, EXPORTS, UNESCO_ATTRIBUTION, row_of
from transforms.metadata_license import MetadataLicense

log = logging.getLogger("elib.catalog")
_SHAPE_VERSION = 1  # of what stands in the files: raise it when a dump of an unchanged catalog would be another one


def write_downloads(
    env: Environment, *, variables: Mapping[str, str] | None = None, even_unchanged: bool = False
) -> str:
    """Write a dump unless the newest one would be the same, remove what the rule does not keep; return a sentence.

    The catalog is read as it is at one moment, and no lock of it is held. The run is recorded, also when it fails; then
    the earlier dumps are as they were. The copy elsewhere, if there is one, is made equal. Raises DownloadsFailed, of
    which BadKeepRule is for a wrong setting, FeedBusy while another process writes one, and loaders.copies.CopyFailed
    when only the copy could not be made; the next time makes it.
    """
    settings = os.environ if variables is None else variables
    with upkeep(env, "downloads") as recorded:
        written = _write_downloads(env, settings, recorded, even_unchanged=even_unchanged)
        copied = mirror_dumps(env, settings)
    return f"{written}; {logged(copied)}" if copied else written


def _write_downloads(env: Environment, settings: Mapping[str, str], recorded: Upkeep, *, even_unchanged: bool) -> str:
    rule = read_rule(settings)
    erasures = erasures_state(env)
    with read_transaction(env) as connection, few_pages(connection):
        content = _content(env, connection, settings)
        if not even_unchanged and (unneeded := _unneeded(env, content)):
            return logged(unneeded)
        dump = write_dump(env, content.source, _entries(connection, content.about), erasures)
    gone = remove_others(env, rule)
    recorded.listed, recorded.notes = dump.manifest.resources, [_sentence(dump.manifest, gone)]
    return logged(_sentence(dump.manifest, gone))


def downloads_due(env: Environment, *, variables: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Return whether a dump would be written now, and a sentence that says so: it costs one count of the resources.

    After a failure one is due also when nothing has changed.
    """
    settings = os.environ if variables is None else variables
    with read_transaction(env) as connection:
        unneeded = _unneeded(env, _content(env, connection, settings))
        has_failed = any(run["kind"] == "downloads" for run in failed_upkeep(connection))
    if unneeded and not has_failed:
        return False, logged(unneeded)
    return True, logged("a download is asked for: the DAG downloads writes it")


class _Content(NamedTuple):
    """What a dump would be made from: facts for its manifest, what is known of the feeds, the number of resources."""

    source: DumpSource
    about: dict[str, Any]
    resources: int


def _content(env: Environment, connection: Connection, settings: Mapping[str, str]) -> _Content:
    site = settings.get(WEB_URL_VARIABLE, "").rstrip("/") or None
    in_use = feeds_in_use(env)
    about = passed_on(env, site=site)
    licenses = {feed.name: about["metadata_license"]([feed.name]) for feed in in_use.feeds}
    known = [_SHAPE_VERSION, site, about["partners"], licenses]
    state, publication, total = catalog_state(connection, known)
    source = DumpSource(
        state=state,
        publication=publication,
        columns=tuple(DumpColumn(column.name, column.kind, column.meaning) for column in COLUMNS),
        attribution=(UNESCO_ATTRIBUTION,),
        partners=tuple(sorted(set(about["partners"].values()))),
        left_out_feeds=_left_out(in_use, about["metadata_license"]),
    )
    return _Content(source, about, total)


def _unneeded(env: Environment, content: _Content) -> str:
    """Return why no dump is needed; empty when one is."""
    newest = newest_dump(env)
    if newest is None:
        return "" if content.resources else "no download was written: nothing is published yet"
    if newest.manifest.state == content.source.state:
        return f"no download was written: nothing has changed since {newest.manifest.name}"
    return ""


def _left_out(in_use: FeedsInUse, metadata_license: MetadataLicense) -> tuple[str, ...]:
    """Return the feeds whose metadata may not be passed on."""
    return tuple(feed.name for feed in in_use.feeds if metadata_license([feed.name]) is None)


def _entries(connection: Connection, about: dict[str, Any]) -> Iterator[DumpEntry]:
    render = EXPORTS["json"].render
    for published, gone in all_published(connection, whole=True, **about):
        if gone is None:
            yield DumpEntry(render(published), row_of(published), published.metadata_license)


def _sentence(manifest: DumpManifest, gone: list[str]) -> str:
    size = sum(file.bytes for file in manifest.files) / 1_000_000
    sentence = f"the download {manifest.name} was written: {manifest.resources} resources, {size:.1f} MB"
    if manifest.left_out_feeds:
        feeds = ", ".join(manifest.left_out_feeds)
        sentence += f"; without what was made of {feeds}: no consent, or a licence of the metadata that is not known"
    if gone:
        sentence += f"; {len(gone)} older ones were removed"
    return sentence


def logged(sentence: str) -> str:
    """Log a sentence and return it."""
    log.info("%s", sentence)
    return sentence
