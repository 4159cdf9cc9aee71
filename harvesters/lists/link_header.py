"""Read Link headers: several links, each with parameters in any order and several relations.

https://www.rfc-editor.org/rfc/rfc8288#section-3 and appendix B.2
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_MAX_CHARS = 65_536
_TARGET = re.compile(r"[\s,]*+(?:<([^<>]*)>|([^\s<>;,\"][^\s<>;\"]{0,2000}+)(?=\s*+;))")  # some omit the brackets
_PARAMETER = re.compile(r"\s*+;\s*+([^\s;,=\"<>]*+)\s*+(?:=\s*+(\"(?:[^\"\\]++|\\.)*\"?|'[^',;\"]*+'|[^\s;,\"]*+))?")
_ESCAPED = re.compile(r"\\(.)")
_NEXT = frozenset({"next", "http://www.iana.org/assignments/relation/next"})
_QUOTES = "\"'"  # some servers quote with apostrophes, which RFC 8288 does not know


class _Link(NamedTuple):
    """A link of a header."""

    target: str
    relations: str
    has_anchor: bool


def next_link(header: str) -> str | None:
    """Return the target of the first link whose relations include "next", in any case; None if there is none.

    A link with an anchor is one of the resource that it names, and only counts where no other leads to the next page.
    """
    links = [link for link in _links(header[:_MAX_CHARS]) if is_next(link.relations)]
    return next((link.target for link in sorted(links, key=lambda link: link.has_anchor)), None)


def _links(header: str) -> Iterator[_Link]:
    """Yield the links of a header, up to the first one that cannot be read."""
    position = 0
    while position >= 0 and (target := _TARGET.match(header, position)) is not None:
        position = target.end()
        relations, has_anchor = None, False
        while (parameter := _PARAMETER.match(header, position)) is not None:
            position, name = parameter.end(), parameter[1].lower()
            if relations is None and name == "rel":  # the first one counts
                relations = _ESCAPED.sub(r"\1", (parameter[2] or "").strip(_QUOTES))
            has_anchor = has_anchor or name == "anchor"
        yield _Link(next(filter(None, target.groups()), "").strip(), relations or "", has_anchor)
        position = header.find(",", position)


def is_next(relations: str) -> bool:
    """Return whether a link with these relations leads to the next page."""
    return not _NEXT.isdisjoint(relations.lower().split())
