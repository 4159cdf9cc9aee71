"""Licences: from any statement to URI, SPDX name, label and whether it is open. Never invents a version or a licence.

"Open" is the Open Definition's (https://opendefinition.org/od/2.1/): CC BY, CC BY-SA, CC0 and the public domain are
open, and so are the free software licences; anything with NC or ND is not, though teachers may use it as it is.
A statement about access ("info:eu-repo/semantics/openAccess") is no licence.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.resource import License
from transforms.normalize.tables import compact, fold, table

LONGEST = 20_000  # characters of a statement that are read; the statement itself is kept whole
BRIEF = 160  # a statement so short speaks of nothing but its licence

_CC_URI = re.compile(
    r"creativecommons\.org/(?:licen[sc]es?|l)/([a-z]+(?:-[a-z]+)*(?:\+|%2B)?)(?:/(\d\.\d))?(?:/(?!deed|legalcode|rdf)([a-z]{2,8})\b)?",
    re.IGNORECASE,
)
_CC_PUBLIC = re.compile(
    r"creativecommons\.org/(?:publicdomain/(zero|mark)|licenses/(zero|publicdomain))\b", re.IGNORECASE
)
_CC_SLUG = re.compile(
    r"(?<![a-z])(?:cc[\s_:/.-]*|creative commons[\s_:-]+|(?<!\S)(?=by-))(by(?:[\s_/+-]*(?:nc|nd|sa)(?![a-z]))*)(?![a-z])"
    r"(?:[\s_-]+(igo)(?![a-z]))?(?:[\s,_/-]*\(?v?(\d(?:\.\d)?)(?![\d]))?(?:[\s_/-]+(igo|[a-z]{2})(?![a-z]))?",
    re.IGNORECASE,
)
_CC_MARK = re.compile(r"\bcc[\s_-]?(?:pd)?m(?:ark)?\b|\bpublic domain mark\b|\bpdm\b", re.IGNORECASE)
_CC_ZERO = re.compile(r"\bcc[\s_-]?(?:0|zero)(?!\.?\d)", re.IGNORECASE)
_VERSION = re.compile(r"(?<![\d.])([1-4]\.[0125])(?![\d.]*\d)")
_RIGHTS_URI = re.compile(r"rightsstatements\.org/(?:vocab|page)/([A-Za-z-]+)(?:/(\d\.\d))?", re.IGNORECASE)
_KINDS = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
_OLD_KINDS = {
    **{"nd": "1.0 2.0", "nc": "1.0 2.0", "sa": "1.0 2.0", "nc-sa": "1.0 2.0", "nd-nc": "1.0 2.0"},
    **{"sampling": "1.0", "sampling+": "1.0", "nc-sampling+": "1.0", "devnations": "2.0"},
}
_OPEN_KINDS = frozenset({"by", "by-sa", "sa"})


class _Reading(NamedTuple):
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


def license_of(statements: Sequence[str], default: str | None = None) -> License | None:
    """The licence that the statements name; the feed's default only where they say nothing; None when nobody does.

    Of several statements the most specific counts, of equally specific ones the stricter. A statement that names no
    licence known here is kept with everything else None.
    """
    said = [statement for statement in statements if statement.strip()]
    best: tuple[tuple[int, int], str, _Reading] | None = None
    for statement in said:
        for reading in _readings(statement):
            if best is None or reading.rank > best[0]:
                best = (reading.rank, statement, reading)
    if best is not None:
        return _license(best[1], best[2], "record")
    rest = [statement for statement in said if not _says_open_access(statement)]
    if rest:
        return _license(rest[0], None, "record")
    if default and default.strip():
        found = max(_readings(default), key=lambda reading: reading.rank, default=None)
        return _license(default, found, "feed_default")
    return _license(said[0], None, "record") if said else None


def contradictory(statements: Sequence[str]) -> bool:
    """Whether the statements name licences that cannot all be meant: other kinds, or other versions of one kind."""
    found = {reading for statement in statements for reading in _readings(statement)}
    families = {reading.family for reading in found}
    versions = {(reading.family, reading.version) for reading in found if reading.version}
    return len(families) > 1 or len(versions) > 1


def _license(statement: str, reading: _Reading | None, origin: Any) -> License:
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


@lru_cache(maxsize=8192)
def _readings(statement: str) -> tuple[_Reading, ...]:
    """Every licence that one statement names, surest signs first: addresses, then short names, then words."""
    text = unicodedata.normalize("NFKC", html.unescape(statement[:LONGEST])).strip()
    for signs in (_addresses, _short_names, _other_names, _words):
        found = tuple(dict.fromkeys(signs(text)))
        if found:
            return found if any(one.uri for one in found) else _with_version(found, text)
    return ()


def _with_version(found: tuple[_Reading, ...], text: str) -> tuple[_Reading, ...]:
    """The same licence with the version that its long name has: "Creative Commons Attribution 4.0 (CC BY)"."""
    long = tuple(one for one in _words(text) if one.uri and one.family == found[0].family)
    return long if len(found) == 1 and long else found


def _addresses(text: str) -> Iterator[_Reading]:
    if "." not in text:
        return
    for kind, version, jurisdiction in _CC_URI.findall(text):
        reading = _creative_commons(kind.lower().replace("%2b", "+"), version, jurisdiction.lower())
        if reading is not None:
            yield reading
    for public, old in _CC_PUBLIC.findall(text):
        yield _public_domain((public or old).lower())
    for code, version in _RIGHTS_URI.findall(text):
        reading = _rights_statement(code, version)
        if reading is not None:
            yield reading


def _short_names(text: str) -> Iterator[_Reading]:
    for match in _CC_SLUG.finditer(text):
        kind = "-".join(re.findall("by|nc|nd|sa", match[1].lower()))
        country = match[2] or _jurisdiction(match[4] or "", match.end(), text)
        reading = _creative_commons(kind, _whole(match[3] or ""), country.lower())
        if reading is not None:
            yield reading
    if _CC_ZERO.search(text):
        yield _public_domain("zero")
    if _CC_MARK.search(text):
        yield _public_domain("mark")


def _whole(version: str) -> str:
    """A version with its decimal; "2" alone could be 2.0, 2.1 or 2.5 and names none."""
    return {"1": "1.0", "3": "3.0", "4": "4.0", "2": ""}.get(version, version)


def _jurisdiction(letters: str, end: int, text: str) -> str:
    """The letters after a version, where they are a country's: in capitals, or the end of a slug."""
    if letters.isupper() or letters.lower() == "igo" or end == len(text):
        return letters.lower()
    return ""


def _other_names(text: str) -> Iterator[_Reading]:
    low = text.casefold()
    for row, pattern in _known():
        if (len(low) <= BRIEF or not row.get("brief")) and pattern.search(low) and not _is_creative_commons(low):
            label = str(row["label"])
            yield _Reading(row.get("family", label), "", row.get("uri"), row.get("spdx"), label, row.get("open"))
            return
    code = _rights_labels().get(fold(text))
    if code is not None:
        yield _rights_reading(code, None)


def _is_creative_commons(low: str) -> bool:
    """Whether Creative Commons is named: "Public Domain Dedication" and the like are then its own words."""
    return "creative commons" in low


def _words(text: str) -> Iterator[_Reading]:
    words = _cc_words()
    letters = compact(text)
    named = next((place for name in words["name"] if (place := letters.find(name)) >= 0), None)
    if named is None and not (len(letters) <= BRIEF and any(letters.startswith(word) for word in words["by"])):
        return
    near = letters[max(0, (named or 0) - 100) : (named or 0) + 200]
    said = {part for part in ("by", "nc", "nd", "sa") if any(word in near for word in words[part])}
    version = _only_version(text)
    if named is None and len(said) < 2 and not version:
        return
    if any(word in near for word in words["zero"]):
        yield _public_domain("zero")
    elif "by" not in said:
        yield _Reading("creative-commons", "", None, None, "Creative Commons", None)
    else:
        kind = "-".join(part for part in ("by", "nc", "nd", "sa") if part in said)
        reading = _creative_commons(kind, version, _country(text, version))
        if reading is not None:
            yield reading


def _only_version(text: str) -> str:
    found = set(_VERSION.findall(text))
    return found.pop() if len(found) == 1 else ""


def _country(text: str, version: str) -> str:
    after = fold(text.partition(version)[2]) if version else ""
    if re.match(r"igo\b", after) or any(word in after.replace(" ", "") for word in _cc_words()["igo"][1:]):
        return "igo"
    return next((code for name, code in _countries().items() if after.startswith(name)), "")


def _creative_commons(kind: str, version: str, jurisdiction: str) -> _Reading | None:
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
        return _Reading(kind, "", None, None, label, kind in _OPEN_KINDS)
    named = "by-nd-nc" if (kind, version) == ("by-nc-nd", "1.0") else kind  # it was so called once
    path = f"{named}/{version}/" + (f"{jurisdiction}/" if jurisdiction else "")
    return _Reading(
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
    named = table("licenses")["creative_commons"]["spdx"].get(kind, ())
    return f"CC-{kind.upper()}-{version}-{jurisdiction.upper()}" if f"{version} {jurisdiction}" in named else None


def _public_domain(which: str) -> _Reading:
    if which == "zero":
        uri = "https://creativecommons.org/publicdomain/zero/1.0/"
        return _Reading("cc0", "1.0", uri, "CC0-1.0", "CC0 1.0", True)
    if which == "mark":
        uri = "https://creativecommons.org/publicdomain/mark/1.0/"
        return _Reading("public-domain", "1.0", uri, "CC-PDM-1.0", "Public Domain Mark 1.0", True)
    uri = "https://creativecommons.org/licenses/publicdomain/"
    return _Reading("public-domain", "", uri, "CC-PDDC", "CC Public Domain Dedication and Certification", True)


def _rights_statement(code: str, version: str) -> _Reading | None:
    known = {name.casefold(): name for name in table("licenses")["rights_statements"]}.get(code.casefold())
    return None if known is None else _rights_reading(known, version or None)


def _rights_reading(code: str, version: str | None) -> _Reading:
    row = table("licenses")["rights_statements"][code]
    uri = f"http://rightsstatements.org/vocab/{code}/1.0/" if version in (None, "1.0") else None
    family = "reserved" if code.startswith("InC") else code
    return _Reading(family, "", uri, None, row["label"], row.get("open"))


def _says_open_access(statement: str) -> bool:
    low = statement.strip().casefold()
    return any(re.search(pattern, low) for pattern in table("licenses")["access"]["open"])


@lru_cache(maxsize=1)
def _known() -> tuple[tuple[dict[str, Any], re.Pattern[str]], ...]:
    return tuple((row, re.compile("|".join(row["patterns"]))) for row in table("licenses")["known"])


@lru_cache(maxsize=1)
def _cc_words() -> dict[str, tuple[str, ...]]:
    words = table("licenses")["creative_commons"]["words"]
    return {part: tuple(compact(term) for term in terms) for part, terms in words.items()}


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    return {fold(name): code for name, code in table("licenses")["creative_commons"]["countries"].items()}


@lru_cache(maxsize=1)
def _jurisdictions() -> dict[str, frozenset[str]]:
    rows = table("licenses")["creative_commons"]["jurisdictions"]
    return {version: frozenset(codes.split()) for version, codes in rows.items()}


@lru_cache(maxsize=1)
def _rights_labels() -> dict[str, str]:
    return {fold(row["label"]): code for code, row in table("licenses")["rights_statements"].items()}
