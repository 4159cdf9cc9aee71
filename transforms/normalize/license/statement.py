"""Read statements of rights as one licence, without inventing a version or a licence.

"Open" is the Open Definition's (https://opendefinition.org/od/2.1/): CC BY, CC BY-SA, CC0 and the public domain are
open, and so are the free software licences; anything with NC or ND is not, though teachers may use it as it is.
A statement about access ("info:eu-repo/semantics/openAccess") is not a licence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from schemas import License, read_vocabulary
from transforms.normalize.license.creative_commons import NamedLicense
from transforms.normalize.license.recognition import licenses_named


def license_of(statements: Sequence[str], default: str | None = None) -> License | None:
    """Return the licence that the statements name, else the feed's default, else None.

    Of several licences the most specific counts, and of equally specific ones the stricter. A statement that names no
    licence known here is kept, with everything else None; the default applies only when there is no such statement.
    """
    statements = [statement for statement in statements if statement.strip()]
    if named := _named_in(statements):
        return named
    unknown = next((statement for statement in statements if not _grants_access_only(statement)), None)
    if unknown is not None:
        return _license(unknown, None, "record")
    if default and default.strip():
        return _license(default, _strictest(licenses_named(default)), "feed_default")
    return _license(statements[0], None, "record") if statements else None


def _named_in(statements: Sequence[str]) -> License | None:
    """Return the licence that counts of those that the record's statements name, with its own statement."""
    named = [(license_, statement) for statement in statements for license_ in licenses_named(statement)]
    if not named:
        return None
    license_, statement = max(named, key=lambda pair: pair[0].rank)
    return _license(statement, license_, "record")


def _strictest(named: Sequence[NamedLicense]) -> NamedLicense | None:
    return max(named, key=lambda license_: license_.rank, default=None)


def contradictory(statements: Sequence[str]) -> bool:
    """Return whether the statements name different kinds of licence, or different versions of one kind."""
    named = {license_ for statement in statements for license_ in licenses_named(statement)}
    families = {license_.family for license_ in named}
    versions = {(license_.family, license_.version) for license_ in named if license_.version}
    return len(families) > 1 or len(versions) > 1


def _license(statement: str, named: NamedLicense | None, origin: Literal["record", "feed_default"]) -> License:
    if named is None:
        return License(uri=None, spdx=None, label=None, statement=statement, origin=origin, open=None)
    return License(
        uri=named.uri, spdx=named.spdx, label=named.label, statement=statement, origin=origin, open=named.open
    )


def _grants_access_only(statement: str) -> bool:
    low = statement.strip().casefold()
    return any(re.search(pattern, low) for pattern in read_vocabulary("licenses")["access"]["open"])
