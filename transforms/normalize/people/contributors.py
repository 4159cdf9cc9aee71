"""Read contributors and publishers: one name each, in one form; a corporate name is never split.

The form is "First Last". "Last, First" can be turned into it with certainty; the other way round would be a guess at
which part of an Arabic, Thai or Spanish name is the family's.
"""

from __future__ import annotations

import re
from itertools import islice

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_11_2

from schemas import Contributor
from transforms.normalize.folding import fold
from transforms.normalize.people.corporate import Kind, placeholder_names
from transforms.normalize.people.names import EMAIL, clean_name, split_names
from transforms.remembering import remember

_MAX_STATEMENT_CHARS = 4000  # a longer one is cut
_MAX_PLACE_CHARS = 40
_MAX_CONTRIBUTORS = 200  # of one statement
_ORCID = re.compile(r"(?<![\dA-Za-z-])(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])(?![\dA-Za-z-])")
_AUTHORITY = re.compile(
    r"https?://(?:www\.)?(viaf\.org/viaf/\d+|isni\.org/(?:isni/)?\d{15}[\dX]|ror\.org/\w{9}|d-nb\.info/gnd/[\w-]+"
    r"|id\.loc\.gov/authorities/\w+/\w+|wikidata\.org/(?:wiki|entity)/Q\d+|idref\.fr/\w+|data\.bnf\.fr/\S+)/?$",
    re.I,
)


@remember(32768)
def read_contributors(
    statement: str, role: str = "author", kind: str | None = None, authority: str | None = None
) -> tuple[Contributor, ...]:
    """Return everyone whom a statement names, in its order; empty when it names nobody.

    `kind` is "person" or "organisation" where the source gives it, and "joined" where it joins several names of both
    kinds with commas (UNESDOC). Without it a list is split only where that is certain: at ";" and "|", where persons
    are listed beside an organisation, where there are more commas than one name has. `authority` is an ORCID in any
    spelling or another authority's address; a wrong check digit makes it None. E-mail addresses and years of life are
    left out.
    """
    given: Kind | None = "person" if kind == "person" else "organisation" if kind == "organisation" else None
    names = dict.fromkeys(split_names(statement[:_MAX_STATEMENT_CHARS], given, joined=kind == "joined"))
    authority_id = read_authority_id(authority) if authority else None
    if len(names) == 1:
        authority_id = authority_id or _find_orcid(statement)
    return tuple(
        Contributor(name=name, role=role, kind=name_kind, id=authority_id if len(names) == 1 else None)
        for name, name_kind in islice(names, _MAX_CONTRIBUTORS)
    )


@remember(8192)
def read_publisher(statement: str) -> str:
    """Return a publisher's name without place ("Paris : UNESCO"), stray spaces and end punctuation; "" for nobody."""
    statement = statement[:_MAX_STATEMENT_CHARS]
    place, colon, rest = statement.partition(" : ")
    name = rest if colon and len(place) <= _MAX_PLACE_CHARS and rest.strip() else statement
    name = clean_name(clean_name(EMAIL.sub(" ", name) if "@" in name else name).lstrip("© "))
    return "" if fold(name) in placeholder_names() or not fold(name) else name


@remember(8192)
def read_authority_id(statement: str) -> str | None:
    """Return the URI of an ORCID ("orcid::0000-…", bare or an address) or of another authority."""
    if orcid := _find_orcid(statement):
        return orcid
    address = _AUTHORITY.match(statement.strip())
    return f"https://{address[1]}" if address else None


def _find_orcid(statement: str) -> str | None:
    """Return the URI of the first ORCID in a text (https://support.orcid.org, ISO 7064 mod 11-2)."""
    if "0" not in statement:
        return None
    for match in _ORCID.finditer(statement):
        digits = "".join(match.groups()).upper()
        if "-" not in match[0] and "orcid" not in statement.lower():
            continue
        try:
            mod_11_2.validate(digits)
        except ValidationError:
            continue
        return "https://orcid.org/" + "-".join(digits[at : at + 4] for at in range(0, 16, 4))
    return None
