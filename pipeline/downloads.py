"""Write the library's downloads: a dump of everything that may be passed on, if anything changed since the last one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from loaders.browse import all_published
from loaders.declarations import FeedsInUse, feeds_in_use
from loaders.downloads import (
    DumpColumn,
    DumpEntry,
    DumpManifest,
    DumpSource,
    catalog_state,
    downloads_lock,
    erasures_state,
    newest_dump,
    read_rule,
    remove_others,
    write_dump,
)
from loaders.store import read_transaction
from pipeline.catalog import WEB_URL_VARIABLE
from pipeline.exporting import passed_on
from schemas import Environment
from transforms.exports import COLUMNS, EXPORTS, UNESCO_ATTRIBUTION, row_of
from transforms.metadata_license import MetadataLicense

log = logging.getLogger("elib.catalog")
_SHAPE_VERSION = 1  # of what stands in the files: raise it when a dump of an unchanged catalog would be another one


def write_downloads(
    env: Environment, *, variables: Mapping[str, str] | None = None, even_unchanged: bool = False
) -> str:
    """Write a dump unless the newest one would be the same, remove what the rule does not keep; return a sentence.

    The catalog is read as it is at one moment, and no lock of it is held. Raises DownloadsFailed, and ValueError for
    wrong settings; then the earlier dumps are as they were.
    """
    settings = os.environ if variables is None else variables
    rule = read_rule(settings)
    site = settings.get(WEB_URL_VARIABLE, "").rstrip("/") or None
    with downloads_lock(env):
        erasures = erasures_state(env)
        in_use = feeds_in_use(env)
        about = passed_on(env, site=site)
        left_out = _left_out(in_use, about["metadata_license"])
        newest = newest_dump(env)
        with read_transaction(env) as connection:
            licenses = {feed.name: about["metadata_license"]([feed.name]) for feed in in_use.feeds}
            known = [_SHAPE_VERSION, site, about["partners"], licenses]
            state, publication, total = catalog_state(connection, known)
            if newest is None and not total:
                return logged("no download was written: nothing is published yet")
            if newest is not None and newest.manifest.state == state and not even_unchanged:
                return logged(f"no download was written: nothing has changed since {newest.manifest.name}")
            source = DumpSource(
                state=state,
                publication=publication,
                columns=tuple(DumpColumn(column.name, column.kind, column.meaning) for column in COLUMNS),
                attribution=(UNESCO_ATTRIBUTION,),
                partners=tuple(sorted(set(about["partners"].values()))),
                left_out_feeds=left_out,
            )
            dump = write_dump(env, source, _entries(connection, about), erasures)
        gone = remove_others(env, rule)
    return logged(_sentence(dump.manifest, gone))


def _left_out(in_use: FeedsInUse, metadata_license: MetadataLicense) -> tuple[str, ...]:
    """Return the feeds whose metadata may not be passed on."""
    return tuple(feed.name for feed in in_use.feeds if metadata_license([feed.name]) is None)


def _entries(connection: Connection, about: dict[str, object]) -> Iterator[DumpEntry]:
    render = EXPORTS["json"].render
    for published, gone in all_published(connection, whole=True, **about):  # type: ignore[arg-type]
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
