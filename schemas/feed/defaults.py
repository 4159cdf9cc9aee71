"""Whether a feed's defaults name a language and a licence: what no list knows would be the default of nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from schemas.vocabulary import read_vocabulary

_PRIVATE = re.compile(r"(q[a-t][a-z]|x)(-.*)?")  # https://www.rfc-editor.org/rfc/rfc5646#section-2.2.1
_CREATIVE_COMMONS = re.compile(
    r"(cc[ -])?(by([ -](nc|nd|sa))*)([ -]\d\.\d([ -]\w{2,3})?)?|cc[ -]?(0|zero)([ -]1\.0)?"
    r"|(https?://)?(www\.)?creativecommons\.org/(licen[sc]es|publicdomain)/\S+"
)


def is_language(said: str) -> bool:
    """Whether it is a tag of BCP 47, or a code that languages.toml knows, and names one language."""
    import langcodes

    known, code = read_vocabulary("languages"), said.strip().casefold().replace("_", "-")
    if code in known["codes"]:
        return True
    return code not in known["placeholders"] and not _PRIVATE.fullmatch(code) and langcodes.tag_is_valid(code)


def is_license(said: str) -> bool:
    """Whether it is an address, or a name of a licence that licenses.toml knows."""
    spelling, known = said.strip().casefold(), read_vocabulary("licenses")
    if _CREATIVE_COMMONS.fullmatch(spelling) or spelling in _labels(known):
        return True
    if any(re.search(pattern, spelling) for one in known["known"] for pattern in one["patterns"]):
        return True
    try:
        parts = urlsplit(said.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _labels(licenses: dict[str, Any]) -> set[str]:
    return {one["label"].casefold() for one in licenses["rights_statements"].values()}
