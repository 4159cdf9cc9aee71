"""Landing: every payload as the partner sent it, in append-only Parquet parts."""

from loaders.landing.index import NAME, LandingIndex, landing_index
from loaders.landing.landing import LONGEST, Landed, land
from loaders.landing.part import part_paths, read_rows
from loaders.landing.past import Harvest, ask, harvests

__all__ = [
    "LONGEST",
    "NAME",
    "Harvest",
    "Landed",
    "LandingIndex",
    "ask",
    "harvests",
    "land",
    "landing_index",
    "part_paths",
    "read_rows",
]
