"""What several formats say of a record in the same words: its language, identifiers, licence, schemes and relations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from schemas import Published, Relation, Resource, Subject, Text, read_vocabulary
from transforms.normalize import canonical_url, web_address

UNESCO_ATTRIBUTION = (
    "Subject labels of the UNESCO Thesaurus, © UNESCO, CC BY-SA 3.0 IGO, http://vocabularies.unesco.org/thesaurus"
)
_UNESCO = "http://vocabularies.unesco.org/thesaurus"
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")  # an id of the catalog
_PERIOD = re.compile(r"[\d\s./?~%,–—-]{2,40}")  # "1939-1945", "2012/2014"
_YEAR_OR_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_CC = "https://creativecommons.org/"
_PUBLIC_DOMAIN = f"{_CC}publicdomain/"
_KINDS_BY_VARIANT = {
    ("isversionof", "translation"): "istranslationof",
    ("hasversion", "translation"): "hastranslation",
    ("isversionof", "edition"): "iseditionof",
    ("hasversion", "edition"): "hasedition",
}


class Scheme(NamedTuple):
    """A list of subjects."""

    name: str  # with the attribution that its licence asks for beside every label
    marc: str  # its code for subfield $2 of MARC 21


SCHEMES = {
    "isced-f": Scheme("ISCED-F 2013", "isced-f"),
    "unesco": Scheme("UNESCO Thesaurus (© UNESCO, CC BY-SA 3.0 IGO)", "unescot"),
}


def attribution(record: Resource) -> str | None:
    """Return the line that must stand beside labels of the UNESCO Thesaurus; None for a record without any."""
    return UNESCO_ATTRIBUTION if any(subject.scheme == "unesco" for subject in record.subjects) else None


def main_language(record: Resource) -> str | None:
    """Return the tag of the title that is shown first: the resource's own language, or else its first title's."""
    own = record.languages[0].tag if record.languages else None
    if own is None or own in record.title:
        return own if own in record.title else next(iter(record.title), None)
    primary = own.partition("-")[0]
    return next((tag for tag in record.title if tag.partition("-")[0] == primary), next(iter(record.title), None))


def titles_of_titled_languages(record: Resource) -> Iterator[Text]:
    """Yield every title, then the other titles of these languages; reading them back keeps the two apart."""
    for language, text in record.title.items():
        yield Text(language=language, text=text)
    yield from (title for title in record.alternative_titles if title.language in record.title)


def identifiers(record: Resource) -> list[tuple[str, str]]:
    """Return scheme and value of each identifier; an address in the form that the record shows, not the canonical one.

    Read back, that form is the page or link that it is already, and no further one.
    """
    if not any(identifier.scheme == "uri" for identifier in record.identifiers):
        return [(identifier.scheme, identifier.value) for identifier in record.identifiers]
    shown = {canonical_url(address): address for address in reversed(addresses(record))}
    return [
        (identifier.scheme, shown.get(identifier.value, identifier.value) if identifier.scheme == "uri" else value)
        for identifier in record.identifiers
        for value in [identifier.value]
    ]


def addresses(record: Resource) -> list[str]:
    """Return the landing page and every address of the content, each once."""
    content = [link.url for link in record.links if link.role == "content"]
    return list(dict.fromkeys([record.url, *content] if record.url else content))


def license_statements(record: Resource) -> list[str]:
    """Return the licence as its partner stated it, then its URI, or else its name, where that says more."""
    if record.license is None:
        return []
    named = record.license.uri or record.license.label
    return list(dict.fromkeys(filter(None, (record.license.statement, named))))


def is_restricted(record: Resource) -> bool | None:
    """Tell whether copyright or another restriction applies (LOM 6.2); None where no licence says it."""
    uri = record.license.uri if record.license else None
    return None if uri is None else not uri.startswith(_PUBLIC_DOMAIN)


def is_creative_commons(uri: str | None) -> bool:
    """Tell whether a licence is one of Creative Commons, its public domain tools included."""
    return uri is not None and uri.startswith(_CC)


@lru_cache(maxsize=4096)
def subject_uri(subject: Subject) -> str | None:
    """Return the URI of a subject of ISCED-F or the UNESCO Thesaurus; None for one of the partner's own."""
    if subject.scheme == "unesco":
        return f"{_UNESCO}/{subject.code}"
    row = read_vocabulary("isced_f").get(subject.code or "") if subject.scheme == "isced-f" else None
    return row.get("uri") if row else None


@lru_cache(maxsize=512)
def listed(vocabulary: str, code: str) -> tuple[str, str | None]:
    """Return label and URI of a code of the library's lists; the code itself where the list lacks it."""
    row = read_vocabulary(vocabulary).get(code)
    return (row["label"], row.get("uri")) if row else (code, None)


def age_range(record: Resource) -> str | None:
    """Return the learners' ages as "12-20"; one age as it is, and of a range with an open end the other one: "18-"."""
    ages = record.age_range
    if ages is None or (ages.min is None and ages.max is None):
        return None
    if ages.min == ages.max:
        return str(ages.min)
    return f"{'' if ages.min is None else ages.min}-{'' if ages.max is None else ages.max}"


def relation_kind(relation: Relation) -> str:
    """Return the kind of a relation; of a translation or edition the term that says so."""
    return _KINDS_BY_VARIANT.get((relation.kind, relation.variant or ""), relation.kind)


def relation_target(published: Published, relation: Relation) -> str:
    """Return what a relation leads to: of a resource of the catalog the address of its page, where it has one."""
    if _ULID.fullmatch(relation.target):
        return published.address_of(relation.target) or relation.target
    return relation.target


def is_address(text: str) -> bool:
    """Tell whether a text is a web address and nothing else."""
    return text.startswith(("http://", "https://")) and web_address(text) == text


def is_period(text: str) -> bool:
    """Tell whether what a resource covers is a time written in digits, and no place."""
    return _PERIOD.fullmatch(text) is not None


def is_calendar_date(date: str | None) -> bool:
    """Tell whether a date of EDTF is a plain year, month or day of ISO 8601: certain, and no interval."""
    return date is not None and _YEAR_OR_DAY.fullmatch(date) is not None
