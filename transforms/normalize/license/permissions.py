"""What licences forbid, so that two of them can be compared: a licence narrows when it forbids what the other did not.

From what permits most to what permits least: the public domain and CC0; attribution only, as other open licences;
then share alike, no commercial use and no derivatives, each of which forbids something else; closed licences; and no
licence at all, which permits nothing that the law does not. The elements of Creative Commons licences:
https://creativecommons.org/share-your-work/cclicenses/
"""

from __future__ import annotations

import re

from schemas import License

_CC_ELEMENTS = re.compile(
    r"(?:/licenses/|\bcc )((?:by|nc|nd|sa|devnations|(?:nc-)?sampling\+?)(?:-(?:by|nc|nd|sa))*)", re.I
)
_PUBLIC_DOMAIN = re.compile(r"/publicdomain/|/licenses/publicdomain|public domain|\bcc0\b", re.I)
_COPYLEFT = re.compile(r"\bGNU\b|Open Database|Free Art|\bEUPL\b|Mozilla", re.I)
_OPEN = frozenset({"by"})  # to leave the author's name out
_SHARE_ALIKE = frozenset({"by", "sa"})
_UNKNOWN = frozenset({"by", "sa", "nc", "nd", "any"})  # no licence, one that is not known, all rights reserved

_WEIGHTS = {"by": 1, "sa": 2, "nc": 4, "nd": 8, "any": 16}


def narrows(before: License | None, now: License | None) -> bool:
    """Return whether the licence now forbids something that the one before permitted.

    A licence that is lost, or can no longer be read, permits nothing. None, an unknown one and all rights reserved have
    nothing to lose.
    """
    permitted_before = _UNKNOWN - conditions(before)
    return bool(permitted_before & conditions(now))


def strictness(license_: License) -> int:
    """Return a number that is greater for a licence that permits less: no derivatives weigh more than no commerce."""
    return sum(_WEIGHTS[element] for element in conditions(license_))


def conditions(license_: License | None) -> frozenset[str]:
    """Return what a licence forbids, in the elements of Creative Commons: by, sa, nc, nd; any: whatever else."""
    if license_ is None:
        return _UNKNOWN
    name = f"{license_.uri or ''} {license_.label or ''}"
    if license_.open is not False and _PUBLIC_DOMAIN.search(name):
        return frozenset()
    if elements := _CC_ELEMENTS.search(name):
        kinds = frozenset(elements[1].lower().split("-"))
        return kinds if kinds <= _UNKNOWN else kinds | {"any"}  # sampling, developing nations
    if not license_.open:
        return _UNKNOWN
    return _SHARE_ALIKE if _COPYLEFT.search(name) else _OPEN
