"""Several keywords or subjects in one statement."""

from __future__ import annotations

import re

_MIN_LISTED = 3
_MAX_WORDS = 4  # of a keyword in a list
_NOT_LISTED = re.compile(r"\b(?:and|et|y|e|und|и|و|or|ou|&)\s|[()]|^\W*\d+\W*$|--", re.IGNORECASE)


def split_list(text: str) -> tuple[list[str], str]:
    """Return the keywords of a text, and what parts them: semicolons, or the commas of what is certainly a list.

    "Chemistry, Organic" is one heading; a list has three keywords or more of few words each.
    """
    pieces = [piece.strip() for piece in re.split("[;；؛]", text) if piece.strip()]
    by_comma = [piece.strip() for piece in re.split("[,،、]", text)]
    if len(pieces) == 1 and len(by_comma) >= _MIN_LISTED and all(map(_is_keyword, by_comma)):
        return by_comma, "commas"
    return pieces, "semicolons"


def _is_keyword(piece: str) -> bool:
    return 1 <= len(piece.split()) <= _MAX_WORDS and not _NOT_LISTED.search(piece)
