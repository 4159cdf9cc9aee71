"""The catalog: one writer, one transaction a run. The steps of a run, in order: `begin`, …, then `hold` or `load`."""

from loaders.catalog_load import load
from loaders.catalog_run import (
    FUNNEL,
    NotRunning,
    Run,
    begin,
    fail,
    feed_of,
    hold,
    note_landed,
    read_run,
    working,
)
from loaders.locks import FeedBusy
from loaders.migrations import migrate

__all__ = [
    "FUNNEL",
    "FeedBusy",
    "NotRunning",
    "Run",
    "begin",
    "fail",
    "feed_of",
    "hold",
    "load",
    "migrate",
    "note_landed",
    "read_run",
    "working",
]
