"""Exports: one module per format that the library gives its records out in, each the counterpart of a crosswalk.

EXPORTS has every format by name. Pure: a Published becomes a text.
"""

from __future__ import annotations

from transforms.exports.files import FileForm
from transforms.exports.formats import EXPORTS, Export, OaiFormat
from transforms.exports.table import COLUMNS, row_of
from transforms.exports.texts import escape, language_attribute
from transforms.exports.values import UNESCO_ATTRIBUTION, attribution

__all__ = [
    "COLUMNS",
    "EXPORTS",
    "UNESCO_ATTRIBUTION",
    "Export",
    "FileForm",
    "OaiFormat",
    "attribution",
    "escape",
    "language_attribute",
    "row_of",
]
