"""By what text a licence is named: Creative Commons' addresses and short names, and the patterns of licenses.toml.

The one place for them: feed files check their `default_license` here, and normalization reads statements with them.
Names of Creative Commons licences: https://creativecommons.org/licenses/list.en
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from schemas.vocabulary import read_vocabulary

# Groups: kind, version, jurisdiction.
CC_URL = re.compile(
    r"(?:creativecommons\.org/(?:licen[sc]es?|l)|licensebuttons\.net/l|creativecommons\.org/presskit/buttons/\d+x\d+/\w+)/([a-z]+(?:-[a-z]+)*(?:\+|%2B)?)(?:/(\d\.\d))?(?:/(?!deed|legalcode|rdf)([a-z]{2,8})\b)?",
    re.IGNORECASE,
)
# Groups: the mark at today's address, or at the old one.
CC_PUBLIC_DOMAIN_URL = re.compile(
    r"creativecommons\.org/(?:publicdomain/(zero|mark)|licenses/(?:publicdomain/)?(zero|mark|publicdomain(?!/(?:zero|mark))))\b",
    re.IGNORECASE,
)
# Groups: kind, "igo" before the version, version, jurisdiction. "CC BY, 3 June" has no version.
CC_SHORT_NAME = re.compile(
    r"(?<![a-z])(?:cc[\s_:/.-]*|creative commons[\s_:-]+|(?<!\S)(?=by-))"
    r"(by(?:[\s_/+-]*(?:nc|nd|sa)(?![a-z]))*)(?![a-z])"
    r"(?:[\s_-]+(igo)(?![a-z]))?"
    r"(?:[\s,_/-]*\(?(?:v(?:er(?:sion)?)?\.?\s?)?(\d\.\d(?!\.?\d)|(?<![\s,(])(?:[1-4]0|2[15])(?![\d.])|\d(?!\.?\d)(?=\W*(?:$|[;,)]|igo|unported|international|generic|licen[cs]e))))?"
    r"(?:[\s_/-]+(igo|[a-z]{2})(?![a-z]))?",
    re.IGNORECASE,
)
WIKIDATA_URL = re.compile(r"wikidata\.org/(?:wiki|entity)/(Q\d{1,12})\b", re.IGNORECASE)  # group: the item
CC_MARK = re.compile(r"\bcc[\s_-]?(?:pd)?m(?:ark)?\b|\bpublic domain mark\b|\bpdm\b", re.IGNORECASE)
CC_ZERO = re.compile(r"\bcc[\s_-]?(?:0|zero)(?!\.?\d)", re.IGNORECASE)
_CC_ZERO_VERSION = re.compile(r"[\s_-]1\.0$")


def names_license(text: str) -> bool:
    """Return whether a text is nothing but a web address, or the name of a licence known here."""
    name = text.strip()
    if CC_SHORT_NAME.fullmatch(name) or CC_ZERO.fullmatch(_CC_ZERO_VERSION.sub("", name)) or CC_MARK.fullmatch(name):
        return True
    return _is_listed(name.casefold()) or _is_web_address(name)


def names_metadata_license(text: str) -> bool:
    """Return whether a text is nothing but the name or address of a licence whose conditions are known here.

    That is CC0, the public domain mark, a Creative Commons licence with its version, or another open one of
    licenses.toml: what a record may be passed on under must be known, also when it is merged with others.
    """
    name = text.strip()
    if short := CC_SHORT_NAME.fullmatch(name):
        return short[3] is not None
    if CC_ZERO.fullmatch(_CC_ZERO_VERSION.sub("", name)) or CC_MARK.fullmatch(name):
        return True
    if "creativecommons.org" in name.casefold():
        return _is_web_address(name) and _is_cc_address(name)
    row = _listed_row(name.casefold())
    return row is not None and bool(row.get("open")) and "uri" in row


def _is_cc_address(address: str) -> bool:
    if CC_PUBLIC_DOMAIN_URL.search(address):
        return True
    match = CC_URL.search(address)
    return match is not None and match[2] is not None and set(match[1].lower().split("-")) <= {"by", "nc", "nd", "sa"}


def _is_listed(name: str) -> bool:
    licenses = read_vocabulary("licenses")
    labels = {row["label"].casefold() for row in licenses["rights_statements"].values()}
    return name in labels or _listed_row(name) is not None


def _listed_row(name: str) -> dict[str, Any] | None:
    """Return the row of licenses.toml that counts for a name without case: the first that matches."""
    rows: list[dict[str, Any]] = read_vocabulary("licenses")["known"]
    return next((row for row in rows if any(re.search(pattern, name) for pattern in row["patterns"])), None)


def _is_web_address(text: str) -> bool:
    """Whether it is a web address; Creative Commons' may lack the scheme."""
    bare = text.lower().removeprefix("www.")
    try:
        parts = urlsplit(f"https://{bare}" if CC_URL.match(bare) or CC_PUBLIC_DOMAIN_URL.match(bare) else text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
