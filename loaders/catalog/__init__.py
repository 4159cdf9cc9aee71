"""The catalog: one writer, one transaction a run. The steps of a run, in order: `begin`, …, then `hold` or `load`."""

from loaders.catalog.decisions import Unsigned, refuse, release, signed, staged_rows
from loaders.catalog.issues import TABLE, compare, standing_or_found
from loaders.catalog.loading import PENDING, load
from loaders.catalog.rollback import forgive, is_refusal, notes, undo
from loaders.catalog.standing import accepted_records, deleted_keys, open_findings, shares, staged_records
from loaders.catalog.stream import BadLine, pipe
from loaders.catalog.unmapped import recount_unmapped
from loaders.migrations import migrate
from loaders.store import FUNNEL, FeedBusy, NotRunning, Run, begin, fail, feed_of, hold, note_landed, read_run, working

__all__ = [
    "FUNNEL",
    "PENDING",
    "TABLE",
    "BadLine",
    "FeedBusy",
    "NotRunning",
    "Run",
    "Unsigned",
    "accepted_records",
    "begin",
    "compare",
    "deleted_keys",
    "fail",
    "feed_of",
    "forgive",
    "hold",
    "is_refusal",
    "load",
    "migrate",
    "note_landed",
    "notes",
    "open_findings",
    "pipe",
    "read_run",
    "recount_unmapped",
    "refuse",
    "release",
    "shares",
    "signed",
    "staged_records",
    "staged_rows",
    "standing_or_found",
    "undo",
    "working",
]
