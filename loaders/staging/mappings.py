"""The snapshot of the stewards' mappings that a run's chunks are transformed with, beside its staging plan."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from loaders.staging.folder import staging_folder
from loaders.store import whole_file
from schemas import Environment, TermMapping

_FILE_NAME = "mappings.jsonl"


def write_mappings(env: Environment, run_id: str, mappings: Sequence[TermMapping]) -> None:
    """Write the mappings of a run, one per line; no file is left where there are none."""
    path = staging_folder(env, run_id) / _FILE_NAME
    if not mappings:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        temporary.write_bytes(msgspec.json.Encoder().encode_lines(mappings))


def read_mappings(env: Environment, run_id: str) -> tuple[TermMapping, ...]:
    """Return the mappings of a run's snapshot; none where it has no file."""
    path = staging_folder(env, run_id) / _FILE_NAME
    if not path.exists():
        return ()
    return tuple(msgspec.json.Decoder(TermMapping).decode_lines(path.read_bytes()))
