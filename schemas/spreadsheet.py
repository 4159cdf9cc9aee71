"""Cells of tables that spreadsheets open: no text of a partner may become a formula there."""

from __future__ import annotations

import re

_STARTS_FORMULA = re.compile(r"'*(?:[\t\r\n]|\s*[=+\-@＝＋－＠])")  # also what is quoted already, so that one is ours


def harmless(cell: str) -> str:
    """Quote a cell that a spreadsheet would take for a formula, by one apostrophe; nothing else of it changes.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if _STARTS_FORMULA.match(cell) else cell
