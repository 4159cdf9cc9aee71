"""Read Link headers: several links, each with parameters in any order and several relations.

https://www.rfc-editor.org/rfc/rfc8288#section-3 and appendix B.2
"""

from __future__ import annotations

import re

_MAX_CHARS = 65_536
_TARGET = re.compile(r"[\s,]*+(?:<([^<>]*)>|([^\s<>;,\"][^\s<>;\"]{0,2000}+)(?=\s*+;))")  # some omit the brackets
_PARAMETER = re.compile(r"\s*+;\s*+([^\s;,=\"<>]*+)\s*+(?:=\s*+(\"(?:[^\"\\]++|\\.)*\"?|'[^',;\"]*+'|[^\s;,\"]*+))?")
_ESCAPED = re.compile(r"\\(.)")
_NEXT = frozenset({"next", "http://www.iana.org/assignments/relation/next"})
_QUOTES = "\"'"  # some servers quote with apostrophes, which RFC 8288 does not know


def next_link(header: str) -> str | None:
    """Return the target of the first link whose relations include "next", in any case; None if there is none.

    A link with an anchor is one of the resource that it names, and only counts where no other leads to the next page.
    """
    header = header[:_MAX_CHARS]
    position, anchored = 0, None
    while (target := _TARGET.match(header, position)) is not None:
        position = target.end()
        relations: str | None = None
        has_anchor = False
        while (parameter := _PARAMETER.match(header, position)) is not None:
            position = parameter.end()
            if relations is None and parameter[1].lower() == "rel":  # the first one counts
                relations = _ESCAPED.sub(r"\1", (parameter[2] or "").strip(_QUOTES))
            has_anchor = has_anchor or parameter[1].lower() == "anchor"
        address = next(filter(None, target.groups()), "").strip() if is_next(relations or "") else None
        if address is not None and not has_anchor:
            return address
        anchored = address if anchored is None else anchored
        separator = header.find(",", position)
        if separator < 0:
            break
        position = separator
    return anchored


def is_next(relations: str) -> bool:
    """Return whether a link with these relations leads to the next page."""
    return not _NEXT.isdisjoint(relations.lower().split())
