"""Crosswalks: one module per format. CROSSWALKS has every format by name; read() reads a payload."""

from __future__ import annotations

from transforms.crosswalks.dialects import DIALECTS
from transforms.crosswalks.engine import Unreadable, xml_members
from transforms.crosswalks.formats import ALIASES, CROSSWALKS, Crosswalk
from transforms.crosswalks.mapped import read_mapped
from transforms.crosswalks.reading import read

__all__ = ["ALIASES", "CROSSWALKS", "DIALECTS", "Crosswalk", "Unreadable", "read", "read_mapped", "xml_members"]
