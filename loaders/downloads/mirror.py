"""Keep a copy of the dumps elsewhere, such as a bucket that serves them: the same dumps as here, and no others."""

from __future__ import annotations

import os
from collections.abc import Mapping

from loaders.copies import Place, copy_place
from loaders.downloads.dumps import FILES, MANIFEST_NAME, Dump, list_dumps
from schemas import Environment

_VARIABLE = "ELIB_DOWNLOADS_COPY"
_FILES = tuple(file for file in FILES if file != MANIFEST_NAME)


def mirror_dumps(env: Environment, variables: Mapping[str, str] | None = None) -> str:
    """Copy the dumps that ELIB_DOWNLOADS_COPY lacks, and remove from there those that are no longer here.

    A dump's manifest is copied last and removed first: while it is there, all files of the dump are. Returns what was
    done as a sentence, empty without that variable. Raises loaders.copies.CopyFailed.
    """
    address = (os.environ if variables is None else variables).get(_VARIABLE, "").strip()
    if not address:
        return ""
    place, dumps = copy_place(address), {dump.manifest.name: dump for dump in list_dumps(env)}
    there = set(place.names())
    gone = {path.partition("/")[0] for path in there if "/" in path} - dumps.keys()
    for name in sorted(gone):
        _remove(place, name, there)
    new = [name for name in sorted(dumps) if f"{name}/{MANIFEST_NAME}" not in there]
    for name in new:
        _put(place, dumps[name])
    return f"{place.address}: {len(new)} downloads copied, {len(gone)} removed"


def _put(place: Place, dump: Dump) -> None:
    for file in (*_FILES, MANIFEST_NAME):
        place.put(dump.folder / file, f"{dump.manifest.name}/{file}")


def _remove(place: Place, name: str, there: set[str]) -> None:
    """Remove the files of a dump; others in its folder are not ours and stay."""
    for file in (MANIFEST_NAME, *_FILES):
        if f"{name}/{file}" in there:
            place.remove(f"{name}/{file}")
