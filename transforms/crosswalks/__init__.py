"""One module a format; CROSSWALKS finds the one that reads a record by the format's name."""

from __future__ import annotations

from transforms.crosswalks.engine import Unreadable
from transforms.crosswalks.formats import ALIASES, CROSSWALKS, Crosswalk
from transforms.crosswalks.reading import read

__all__ = ["ALIASES", "CROSSWALKS", "Crosswalk", "Unreadable", "read"]
