"""Rules that need a feed's other records, or a record's earlier version: pure functions of facts about records.

The facts of a record are small, and only those of records that have something in common with another are needed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec
from rapidfuzz import fuzz

from schemas import Issue, License, Resource, ResourceView
from transforms.normalize.license import narrows
from transforms.rules.rule import Rule

MAX_COMPARED_TITLES = 50  # that a record is compared with, where more share one address or identifier
_MIN_RELATED_RATIO = 80.0  # of 100, from which two titles are of related records
_MIN_TITLE_CHARS = 10  # shorter titles repeat by chance
_MAX_TITLE_CHARS = 120  # that are compared
_MAX_VALUE_CHARS = 200
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_GLOBAL_SCHEMES = frozenset({"doi", "isbn", "handle", "ark", "uri"})  # they name one resource in the whole world

K = TypeVar("K", bound=Hashable)


class Facts(NamedTuple):
    """What the batch rules know about one record."""

    key: str
    titles: tuple[str, ...]  # casefolded letters and digits
    author: str
    year: int | None
    types: tuple[str, ...]
    url: str | None
    identifiers: tuple[str, ...]  # scheme:value, of schemes that name one resource in the world


_ENCODER, _DECODER = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Facts)
_JSON_DECODER = msgspec.json.Decoder(ResourceView)


def facts_of_json(resource: str | bytes) -> Facts:
    """Return the facts of one record, from its JSON."""
    return facts_of(_JSON_DECODER.decode(resource))


def encode_facts(facts: Facts) -> bytes:
    """Return the facts in a compact form, about a third of their memory."""
    return _ENCODER.encode(facts)


def decode_facts(encoded: bytes) -> Facts:
    """Return the facts that `encode_facts` encoded."""
    return _DECODER.decode(encoded)


def facts_of(resource: Resource | ResourceView) -> Facts:
    """Return the facts of one record."""
    return Facts(
        key=resource.key,
        titles=tuple(_comparable(title) for title in resource.title.values()),
        author=_comparable(resource.contributors[0].name) if resource.contributors else "",
        year=resource.issued_year,
        types=tuple(sorted(kind.code for kind in resource.resource_types)),
        url=resource.url,
        identifiers=tuple(
            f"{identifier.scheme}:{identifier.value}"
            for identifier in resource.identifiers
            if identifier.scheme in _GLOBAL_SCHEMES
        ),
    )


def common_digests(facts: Facts) -> list[int]:
    """Return 64-bit numbers that are equal for records with something in common, and by chance hardly ever for others.

    Only a record that has such a number in common with another can have an issue of apply_batch_rules.
    """
    common = (("url", _urls(facts)), ("identifier", facts.identifiers), ("work", _same_work_keys(facts)))
    return list({_digest(_ENCODER.encode((kind, value))) for kind, values in common for value in values})


def _digest(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _comparable(text: str) -> str:
    return _NOT_ALPHANUMERIC.sub(" ", text.casefold()).strip()[:_MAX_TITLE_CHARS]


def apply_batch_rules(
    batch: Iterable[Facts],
    neighbours: Iterable[Facts] = (),
) -> Iterator[Issue]:
    """Yield the issues of the records of a batch, one rule after the other.

    `neighbours` are the other live records, which are compared but get no issues.
    """
    by_key = {facts.key: facts for facts in batch}
    everyone = [*by_key.values(), *(facts for facts in neighbours if facts.key not in by_key)]
    for url, group in _groups(everyone, _urls):
        yield from _shared("url_shared", "url", url, group, by_key)
    for identifier, group in _groups(everyone, lambda facts: facts.identifiers):
        yield from _shared("identifier_shared", "identifiers", identifier, group, by_key)
    for _, group in _groups(everyone, _same_work_keys):
        yield from _duplicated(group, by_key)


def _groups(everyone: Iterable[Facts], keys_of: Callable[[Facts], Sequence[K]]) -> Iterator[tuple[K, list[Facts]]]:
    """Yield what two or more records have in common, and these records."""
    groups: dict[K, list[Facts]] = defaultdict(list)
    for facts in everyone:
        for key in dict.fromkeys(keys_of(facts)):
            groups[key].append(facts)
    yield from ((key, group) for key, group in groups.items() if len(group) > 1)


def _urls(facts: Facts) -> list[str]:
    return [facts.url] if facts.url else []


def _shared(code: str, path: str, value: str, group: Sequence[Facts], batch: Mapping[str, Facts]) -> Iterator[Issue]:
    """Yield an issue for each record of the batch that shares an address or identifier with an unrelated record."""
    ordered = sorted(group, key=lambda facts: facts.key)
    titles = list(dict.fromkeys(facts.titles for facts in ordered))
    has_unrelated = {mine: any(unrelated(mine, theirs) for theirs in titles[:MAX_COMPARED_TITLES]) for mine in titles}
    for facts in ordered:
        if facts.key in batch and has_unrelated[facts.titles]:
            yield issue(code, facts.key, path, value)


def unrelated(left: Sequence[str], right: Sequence[str]) -> bool:
    """Return whether no title of one record is like a title of the other; records without titles are not unrelated."""
    if not left or not right:
        return False
    return all(fuzz.token_set_ratio(mine, theirs) < _MIN_RELATED_RATIO for mine in left for theirs in right)


def _same_work_keys(facts: Facts) -> list[Hashable]:
    """Return what two records of one feed share that are probably one: all titles, first author, year and types."""
    if not any(len(title) >= _MIN_TITLE_CHARS for title in facts.titles):
        return []
    return [(facts.key.partition(":")[0], tuple(sorted(facts.titles)), facts.author, facts.year, facts.types)]


def _duplicated(group: Sequence[Facts], batch: Mapping[str, Facts]) -> Iterator[Issue]:
    """Yield an issue for each record of the batch that repeats another, whose smallest key is the value."""
    keys = sorted({facts.key for facts in group})
    for key in keys:
        if key in batch and len(keys) > 1:
            yield issue("duplicated_in_feed", key, "title", keys[1] if key == keys[0] else keys[0])


def license_issue(key: str, before: License | None, now: License | None) -> Issue | None:
    """Return an issue when the licence of a record permits less than that of the version accepted before, else None."""
    if not narrows(before, now):
        return None
    return issue("license_narrowed", key, "license", f"{_license_name(before)} → {_license_name(now)}")


def _license_name(license_: License | None) -> str:
    return (license_ and (license_.uri or license_.label or license_.statement)) or "none"


def issue(code: str, key: str, path: str, value: str) -> Issue:
    """Return an issue of a batch rule."""
    return Issue(key=key, code=code, severity=_SEVERITIES[code], path=path, value=value[:_MAX_VALUE_CHARS])


RULES = (
    Rule(
        code="url_shared", path="url", severity="warning", part="address",
        wrong="Unrelated records have the same address.",
        why="At most one of them is at that address; the others are wrong.",
        mend="Give each resource the address of its own page.",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"url": "https://learn.unesco.org/catalogue"},
    ),
    Rule(
        code="identifier_shared", path="identifiers", severity="warning", part="address",
        wrong="Unrelated records have the same identifier.",
        why="They would be taken for one resource: we no longer trust the identifier for any of them.",
        mend="Give each resource an identifier of its own.",
        good={"identifiers": [{"scheme": "doi", "value": "10.54675/zjte2084"}]},
        bad={"identifiers": [{"scheme": "doi", "value": "10.54675/series"}]},
    ),
    Rule(
        code="url_shared_elsewhere", path="url", severity="warning", part="address",
        wrong="An unrelated record of another feed has the same address.",
        why="At most one of the two is at that address; the other is wrong.",
        mend="Open the address: if it is not the resource, give the record the address of its own page.",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"url": "https://learn.unesco.org/catalogue"},
    ),
    Rule(
        code="identifier_shared_elsewhere", path="identifiers", severity="warning", part="address",
        wrong="An unrelated record of another feed has the same identifier.",
        why="The two would be taken for one resource, and one of them must be wrong.",
        mend="Look the identifier up: if it names something else, correct it or leave it out.",
        good={"identifiers": [{"scheme": "doi", "value": "10.54675/zjte2084"}]},
        bad={"identifiers": [{"scheme": "doi", "value": "10.54675/series"}]},
    ),
    Rule(
        code="duplicated_in_feed", path="title", severity="info", part="title",
        wrong="The feed has another record with the same title, author, year and kind.",
        why="Readers see the resource twice, and statistics count it twice.",
        mend="Merge the two records, or say in the title how they differ.",
        good={"title": {"en": "Plants and light, part two"}}, bad={"title": {"en": "Plants and light"}},
    ),
    Rule(
        code="license_narrowed", path="license", severity="error", part="license",
        wrong="The licence permits less than it did last time.",
        why="Creative Commons licences cannot be withdrawn; until a person has decided, we show no licence.",
        mend="Restore the earlier licence, or publish the new version as a resource of its own.",
    ),
)  # fmt: skip
_SEVERITIES = {rule.code: rule.severity for rule in RULES}
