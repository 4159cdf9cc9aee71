"""People and organisations: one name each, in one form; a corporate name is never split.

House form: "First Last". "Last, First" turns into it with certainty, while the other way round would have to guess
which part of an Arabic, Thai or Spanish name is the family's.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2

from schemas import Contributor
from transforms.normalize.folding import fold
from transforms.normalize.people.corporate import Kind, is_corporate, nobody
from transforms.normalize.people.names import EMAIL, names, tidy

__all__ = ["authority_id", "contributor", "is_corporate", "publisher"]

_LONGEST = 4000  # characters; what is longer is no name and is cut
_MOST = 200  # contributors made of one statement
_ORCID = re.compile(r"(?<![\dA-Za-z-])(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])(?![\dA-Za-z-])")
_AUTHORITY = re.compile(
    r"https?://(?:www\.)?(viaf\.org/viaf/\d+|isni\.org/(?:isni/)?\d{15}[\dX]|ror\.org/\w{9}|d-nb\.info/gnd/[\w-]+"
    r"|id\.loc\.gov/authorities/\w+/\w+|wikidata\.org/(?:wiki|entity)/Q\d+|idref\.fr/\w+|data\.bnf\.fr/\S+)/?$",
    re.I,
)


@lru_cache(maxsize=32768)
def contributor(
    said: str,
    role: str = "author",
    kind: str | None = None,
    id: str | None = None,  # noqa: A002 - the field's own name
) -> tuple[Contributor, ...]:
    """Everyone whom one statement names, in its order; empty when it names nobody.

    `kind` is "person" or "organisation" where the source says so, and "joined" where it joins several names of both
    kinds with commas (UNESDOC). Without it a list is parted only where it is certain: at ";" and "|", where persons
    stand beside an organisation, where there are more commas than one name has. `id` is an ORCID in any spelling or
    another authority's address; a wrong check digit makes it None. E-mail addresses and years of life are left out.
    """
    given: Kind | None = "person" if kind == "person" else "organisation" if kind == "organisation" else None
    found: list[Contributor] = []
    for name, single in names(said[:_LONGEST], given, joined=kind == "joined"):
        found.append(Contributor(name=name, role=role, kind=single, id=None))
    found = list({(one.name, one.kind): one for one in found}.values())[:_MOST]
    authority = authority_id(id) if id else None
    if len(found) == 1:
        authority = authority or _orcid_in(said)
        return (Contributor(name=found[0].name, role=role, kind=found[0].kind, id=authority),)
    return tuple(found)


@lru_cache(maxsize=8192)
def publisher(said: str) -> str:
    """The publisher's name without place ("Paris : UNESCO"), stray spaces and end punctuation; "" for nobody."""
    place, colon, rest = said[:_LONGEST].partition(" : ")
    name = rest if colon and len(place) <= 40 and rest.strip() else said[:_LONGEST]
    name = tidy(tidy(EMAIL.sub(" ", name) if "@" in name else name).lstrip("© "))
    return "" if fold(name) in nobody() or not fold(name) else name


@lru_cache(maxsize=8192)
def authority_id(said: str) -> str | None:
    """The URI of an ORCID ("orcid::0000-…", bare, address; check digit kept to) or of another authority; else None."""
    orcid = _orcid_in(said)
    if orcid:
        return orcid
    address = _AUTHORITY.match(said.strip())
    return f"https://{address[1]}" if address else None


def _orcid_in(said: str) -> str | None:
    """The first ORCID in a text (https://support.orcid.org, ISO 7064 mod 11-2), as its URI."""
    if "0" not in said:
        return None
    for match in _ORCID.finditer(said):
        digits = "".join(match.groups()).upper()
        if "-" not in match[0] and "orcid" not in said.lower():
            continue
        try:
            mod_11_2.validate(digits)
        except ValidationError:
            continue
        return "https://orcid.org/" + "-".join(digits[at : at + 4] for at in range(0, 16, 4))
    return None
