"""Landing: every payload exactly as the partner sent it, in append-only Parquet parts."""

from loaders.landing.absence import create_absence, create_rows, past_with_lists
from loaders.landing.erasing import erase_landing
from loaders.landing.erasures import (
    ERASURES_FILE_NAME,
    Erasure,
    Erasures,
    erasures_in,
    key_digest,
)
from loaders.landing.harvest import Harvest
from loaders.landing.index import INDEX_FILE_NAME, LandingIndex, landing_index, read_payload
from loaders.landing.landing import LANDING_MAX_IDENTIFIER_BYTES, Landed, land
from loaders.landing.part import part_paths, read_footer, read_rows
from loaders.landing.past import ask, harvests, waits_for_a_list

__all__ = [
    "ERASURES_FILE_NAME",
    "INDEX_FILE_NAME",
    "LANDING_MAX_IDENTIFIER_BYTES",
    "Erasure",
    "Erasures",
    "Harvest",
    "Landed",
    "LandingIndex",
    "ask",
    "create_absence",
    "create_rows",
    "erase_landing",
    "erasures_in",
    "harvests",
    "key_digest",
    "land",
    "landing_index",
    "part_paths",
    "past_with_lists",
    "read_footer",
    "read_payload",
    "read_rows",
    "waits_for_a_list",
]
