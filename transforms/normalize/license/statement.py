"""Read statements of rights as one licence, without inventing a version or a licence.

"Open" is the Open Definition's (https://opendefinition.org/od/2.1/): CC BY, CC BY-SA, CC0 and the public domain are
open, and so are the free software licences; anything with NC or ND is not, though teachers may use it as it is.
A statement about access ("info:eu-repo/semantics/openAccess") is not a licence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from schemas import License, read_vocabulary, replace
from transforms.normalize.license.creative_commons import NamedLicense
from transforms.normalize.license.permissions import strictness
from transforms.normalize.license.recognition import is_silent, licenses_named

_MAX_COMPARED = 50  # licences of one record


def license_of(statements: Sequence[str], default: str | None = None) -> License | None:
    """Return the licence that the statements name, else the feed's default, else None.

    Of statements that agree the most specific counts. Where they disagree, the least permissive licence counts, and
    `open` is False unless they name versions of one licence. A statement that names no licence known here is kept,
    with everything else None; the default applies only when there is no such statement.
    """
    statements = [statement for statement in statements if statement.strip()]
    if named := _named_in(statements):
        return named
    unknown = next((statement for statement in statements if not _names_no_terms(statement)), None)
    if unknown is not None:
        return _license(unknown, None, "record")
    if default and default.strip():
        return _license(default, _counting(licenses_named(default)), "feed_default")
    return _license(statements[0], None, "record") if statements else None


def _named_in(statements: Sequence[str]) -> License | None:
    """Return the licence that counts of those that the record's statements name, with its own statement."""
    by_license = {license_: statement for statement in reversed(statements) for license_ in licenses_named(statement)}
    counting = _counting(_in_order(statements))
    if counting is None:
        return None
    license_ = _license(by_license[counting], counting, "record")
    of_several_kinds = any(not counting.is_of_kind(other) for other in by_license if other.is_a_choice)
    return replace(license_, open=False) if license_.open and of_several_kinds else license_


def _in_order(statements: Sequence[str]) -> tuple[NamedLicense, ...]:
    return tuple(dict.fromkeys(license_ for statement in statements for license_ in licenses_named(statement)))


def _counting(named: Sequence[NamedLicense]) -> NamedLicense | None:
    """Return the most specific of licences that agree, else the least permissive that says what is permitted."""
    if not _differ(named):
        return max(
            named, default=None, key=lambda license_: (license_.is_a_choice, bool(license_.uri), bool(license_.version))
        )
    choices = [license_ for license_ in named if license_.is_a_choice]
    return max(choices, key=lambda license_: (strictness(_license("", license_, "record")), bool(license_.uri)))


def _differ(named: Sequence[NamedLicense]) -> bool:
    """Return whether two of the licences, or the reservation of all rights and a licence, are not one licence."""
    choices = [license_ for license_ in named if license_.is_a_choice]
    return any(not first.agrees_with(second) for first, second in combinations(choices[:_MAX_COMPARED], 2))


def contradictory(statements: Sequence[str]) -> bool:
    """Return whether the statements name different licences, different versions of one, or a licence beside all rights
    reserved.
    """
    return _differ(_in_order(statements))


def _license(statement: str, named: NamedLicense | None, origin: Literal["record", "feed_default"]) -> License:
    if named is None:
        return License(uri=None, spdx=None, label=None, statement=statement, origin=origin, open=None)
    return License(
        uri=named.uri, spdx=named.spdx, label=named.label, statement=statement, origin=origin, open=named.open
    )


def _names_no_terms(statement: str) -> bool:
    """Return whether a statement is about access or about the metadata only."""
    return _grants_access_only(statement) or is_silent(statement)


def _grants_access_only(statement: str) -> bool:
    low = statement.strip().casefold()
    return any(re.search(pattern, low) for pattern in read_vocabulary("licenses")["access"]["open"])
