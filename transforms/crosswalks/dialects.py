"""What single partners say differently from their format: a few rows over the format's table.

A feed file chooses one by name (`dialect = "phaidra"`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from transforms.crosswalks.table import Reader


class Dialect(NamedTuple):
    """Rows, ignored paths and readers that come before those of one format."""

    format: str
    rows: Mapping[str, str] = {}
    ignored: Mapping[str, str] = {}
    readers: Mapping[str, Reader] = {}


DIALECTS: dict[str, Dialect] = {}
