"""Creative Commons' own licences and marks: which of them exist, their URIs and SPDX names.

https://creativecommons.org/licenses/list.en and https://spdx.org/licenses/: country versions exist up to 3.0 only, and
igo at 3.0 only.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from schemas import read_vocabulary

_KINDS = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
_OLD_KINDS = {  # withdrawn licences, with the versions in which they exist
    "nd": "1.0 2.0",
    "nc": "1.0 2.0",
    "sa": "1.0 2.0",
    "nc-sa": "1.0 2.0",
    "nd-nc": "1.0 2.0",
    "sampling": "1.0",
    "sampling+": "1.0",
    "nc-sampling+": "1.0",
    "devnations": "2.0",
}
_OPEN_KINDS = frozenset({"by", "by-sa", "sa"})


class NamedLicense(NamedTuple):
    """A licence that a statement names; two of them agree when `family` and `version` do."""

    family: str
    version: str
    uri: str | None
    spdx: str | None
    label: str | None
    open: bool | None

    @property
    def is_a_choice(self) -> bool:
        """Return whether it says what is permitted: a licence by its kind, or all rights reserved."""
        return self.open is not None

    def is_of_kind(self, other: NamedLicense) -> bool:
        """Return whether both are one licence, in any version; CC0 counts as the public domain."""
        labels = sorted((self.label or "", other.label or ""), key=len)
        families = {self.family, other.family}
        return len(families) == 1 or families == {"cc0", "public-domain"} or labels[1].startswith(f"{labels[0]} ")

    def agrees_with(self, other: NamedLicense) -> bool:
        """Return whether both are one licence, as far as both are said."""
        versions = {self.version, other.version} - {""}
        return self.is_of_kind(other) and (len(versions) <= 1 or self.family != other.family)


def creative_commons(kind: str, version: str, jurisdiction: str) -> NamedLicense | None:
    """Return the licence of a kind such as by-nc, a version such as 3.0, and a country's code, igo or "".

    None for a kind that does not exist. Where the version does not exist in that country, only the kind is known.
    """
    if kind in _OLD_KINDS and version in _OLD_KINDS[kind].split():
        exists = True
    else:
        kind = _in_order(kind)
        exists = version in _jurisdictions()
    if kind not in _KINDS and kind not in _OLD_KINDS:
        return None
    label = f"CC {kind.upper()}"
    if not exists or (jurisdiction and jurisdiction not in _jurisdictions()[version]):
        return NamedLicense(kind, "", None, None, label, kind in _OPEN_KINDS)
    kind_in_uri = "by-nd-nc" if (kind, version) == ("by-nc-nd", "1.0") else kind  # the order of 1.0's address
    path = f"{kind_in_uri}/{version}/" + (f"{jurisdiction}/" if jurisdiction else "")
    return NamedLicense(
        kind,
        version,
        f"https://creativecommons.org/licenses/{path}",
        _spdx(kind, version, jurisdiction),
        " ".join(filter(None, (label, version, jurisdiction.upper()))),
        kind in _OPEN_KINDS,
    )


def is_ported(version: str, jurisdiction: str) -> bool:
    """Return whether Creative Commons has a version of its own for a country, or igo."""
    return jurisdiction.lower() in _jurisdictions().get(version, ())


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
    listed = read_vocabulary("licenses")["creative_commons"]["spdx"].get(kind, ())
    return f"CC-{kind.upper()}-{version}-{jurisdiction.upper()}" if f"{version} {jurisdiction}" in listed else None


def public_domain(name: str) -> NamedLicense:
    """Return CC0 for "zero", the Public Domain Mark for "mark", else the old dedication."""
    if name == "zero":
        uri = "https://creativecommons.org/publicdomain/zero/1.0/"
        return NamedLicense("cc0", "1.0", uri, "CC0-1.0", "CC0 1.0", True)
    if name == "mark":
        uri = "https://creativecommons.org/publicdomain/mark/1.0/"
        return NamedLicense("public-domain", "1.0", uri, "CC-PDM-1.0", "Public Domain Mark 1.0", True)
    uri = "https://creativecommons.org/licenses/publicdomain/"
    return NamedLicense("public-domain", "", uri, "CC-PDDC", "CC Public Domain Dedication and Certification", True)


@lru_cache(maxsize=1)
def _jurisdictions() -> dict[str, frozenset[str]]:
    """Return the countries that have a version of their own, by version."""
    rows = read_vocabulary("licenses")["creative_commons"]["jurisdictions"]
    return {version: frozenset(codes.split()) for version, codes in rows.items()}
