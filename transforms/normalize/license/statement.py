"""Licences: from any statement to URI, SPDX name, label and whether it is open. Never invents a version or a licence.

"Open" is the Open Definition's (https://opendefinition.org/od/2.1/): CC BY, CC BY-SA, CC0 and the public domain are
open, and so are the free software licences; anything with NC or ND is not, though teachers may use it as it is.
A statement about access ("info:eu-repo/semantics/openAccess") is no licence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from schemas import License, read_vocabulary
from transforms.normalize.license.known import Reading
from transforms.normalize.license.signs import readings


def license_of(statements: Sequence[str], default: str | None = None) -> License | None:
    """The licence that the statements name; the feed's default only where they say nothing; None when nobody does.

    Of several statements the most specific counts, of equally specific ones the stricter. A statement that names no
    licence known here is kept with everything else None.
    """
    said = [statement for statement in statements if statement.strip()]
    best: tuple[tuple[int, int], str, Reading] | None = None
    for statement in said:
        for reading in readings(statement):
            if best is None or reading.rank > best[0]:
                best = (reading.rank, statement, reading)
    if best is not None:
        return _license(best[1], best[2], "record")
    rest = [statement for statement in said if not _says_open_access(statement)]
    if rest:
        return _license(rest[0], None, "record")
    if default and default.strip():
        found = max(readings(default), key=lambda reading: reading.rank, default=None)
        return _license(default, found, "feed_default")
    return _license(said[0], None, "record") if said else None


def contradictory(statements: Sequence[str]) -> bool:
    """Whether the statements name licences that cannot all be meant: other kinds, or other versions of one kind."""
    found = {reading for statement in statements for reading in readings(statement)}
    families = {reading.family for reading in found}
    versions = {(reading.family, reading.version) for reading in found if reading.version}
    return len(families) > 1 or len(versions) > 1


def _license(statement: str, reading: Reading | None, origin: Literal["record", "feed_default"]) -> License:
    if reading is None:
        return License(uri=None, spdx=None, label=None, statement=statement, origin=origin, open=None)
    return License(
        uri=reading.uri,
        spdx=reading.spdx,
        label=reading.label,
        statement=statement,
        origin=origin,
        open=reading.open,
    )


def _says_open_access(statement: str) -> bool:
    low = statement.strip().casefold()
    return any(re.search(pattern, low) for pattern in read_vocabulary("licenses")["access"]["open"])
