"""Creative Commons' own licences and marks: which of them exist, their URIs and SPDX names.

https://creativecommons.org/licenses/list.en and https://spdx.org/licenses/: a country version only up to 3.0, igo only
at 3.0. Where version and country do not exist together, only the kind is known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from schemas import read_vocabulary

_KINDS = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
_OLD_KINDS = {
    **{"nd": "1.0 2.0", "nc": "1.0 2.0", "sa": "1.0 2.0", "nc-sa": "1.0 2.0", "nd-nc": "1.0 2.0"},
    **{"sampling": "1.0", "sampling+": "1.0", "nc-sampling+": "1.0", "devnations": "2.0"},
}
_OPEN_KINDS = frozenset({"by", "by-sa", "sa"})


class Reading(NamedTuple):
    """One licence that a statement names; `family` and `version` tell whether two of them agree."""

    family: str
    version: str
    uri: str | None
    spdx: str | None
    label: str | None
    open: bool | None

    @property
    def rank(self) -> tuple[int, int]:
        """More specific first, then the one that permits less."""
        return (2 if self.uri else 1, {False: 2, None: 1, True: 0}[self.open])


def creative_commons(kind: str, version: str, jurisdiction: str) -> Reading | None:
    """A Creative Commons licence. Where version and country do not exist together, only the kind is known."""
    if kind in _OLD_KINDS and version in _OLD_KINDS[kind].split():
        exists = True
    else:
        kind = _in_order(kind)
        exists = version in _jurisdictions()
    if kind not in _KINDS and kind not in _OLD_KINDS:
        return None
    label = f"CC {kind.upper()}"
    if not exists or (jurisdiction and jurisdiction not in _jurisdictions()[version]):
        return Reading(kind, "", None, None, label, kind in _OPEN_KINDS)
    named = "by-nd-nc" if (kind, version) == ("by-nc-nd", "1.0") else kind  # it was so called once
    path = f"{named}/{version}/" + (f"{jurisdiction}/" if jurisdiction else "")
    return Reading(
        kind,
        version,
        f"https://creativecommons.org/licenses/{path}",
        _spdx(kind, version, jurisdiction),
        " ".join(filter(None, (label, version, jurisdiction.upper()))),
        kind in _OPEN_KINDS,
    )


def _in_order(kind: str) -> str:
    parts = set(kind.split("-"))
    known = [part for part in ("by", "nc", "nd", "sa") if part in parts]
    return "-".join(known) if len(known) == len(parts) else kind


def _spdx(kind: str, version: str, jurisdiction: str) -> str | None:
    if kind in _OLD_KINDS:
        return "CC-SA-1.0" if (kind, version, jurisdiction) == ("sa", "1.0", "") else None
    if version == "2.1" and not jurisdiction:
        return None
    if not jurisdiction:
        return f"CC-{kind.upper()}-{version}"
    named = read_vocabulary("licenses")["creative_commons"]["spdx"].get(kind, ())
    return f"CC-{kind.upper()}-{version}-{jurisdiction.upper()}" if f"{version} {jurisdiction}" in named else None


def public_domain(which: str) -> Reading:
    if which == "zero":
        uri = "https://creativecommons.org/publicdomain/zero/1.0/"
        return Reading("cc0", "1.0", uri, "CC0-1.0", "CC0 1.0", True)
    if which == "mark":
        uri = "https://creativecommons.org/publicdomain/mark/1.0/"
        return Reading("public-domain", "1.0", uri, "CC-PDM-1.0", "Public Domain Mark 1.0", True)
    uri = "https://creativecommons.org/licenses/publicdomain/"
    return Reading("public-domain", "", uri, "CC-PDDC", "CC Public Domain Dedication and Certification", True)


@lru_cache(maxsize=1)
def _jurisdictions() -> dict[str, frozenset[str]]:
    rows = read_vocabulary("licenses")["creative_commons"]["jurisdictions"]
    return {version: frozenset(codes.split()) for version, codes in rows.items()}
