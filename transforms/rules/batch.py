"""Rules that need a record's neighbours or its history: pure functions of facts that the caller has fetched.

The facts of a record are small, so that a feed's worth of them fits in memory; a caller with more than that sorts
them by url or identifier and passes one group at a time to `shared` and `duplicated`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from rapidfuzz import fuzz

from schemas import Base, Concept, Contributor, Identifier, Issue, LangMap, License, Resource
from transforms.rules.rights import cc_parts
from transforms.rules.rule import Rule

_ALIKE = 80.0  # of 100: above, two titles are of related records
_TITLE_SAYS_SOMETHING = 10  # letters; shorter titles repeat by chance
_TITLE_LENGTH = 120
LOOKS = 50  # titles that a record is compared with, where more share one address or identifier
_OTHER = re.compile(r"[\W_]+")  # than letters and digits
ARROW, VALUE = " → ", 200
_PUBLIC = frozenset({"doi", "isbn", "handle", "ark", "uri"})  # schemes that name one resource in the whole world


class Facts(NamedTuple):
    """What the batch rules know of one record."""

    key: str
    titles: tuple[str, ...]  # casefolded letters and digits
    author: str
    year: int | None
    types: tuple[str, ...]
    url: str | None
    identifiers: tuple[str, ...]  # scheme:value, of schemes that name one resource in the world
    license_uri: str | None
    license_open: bool | None


class _Card(Base, frozen=True, kw_only=True):
    """Those fields of a Resource that the facts are made of: the others are passed over when its JSON is read."""

    key: str
    title: LangMap = {}
    contributors: tuple[Contributor, ...] = ()
    issued_year: int | None = None
    resource_types: tuple[Concept, ...] = ()
    url: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    license: License | None = None


_CARD = msgspec.json.Decoder(_Card)


def decode_facts(text: str | bytes) -> Facts:
    """The facts of one record, from its JSON."""
    return facts_of(_CARD.decode(text))


def facts_of(resource: Resource | _Card) -> Facts:
    """The facts of one record."""
    rights = resource.license
    return Facts(
        key=resource.key,
        titles=tuple(_letters(text) for text in resource.title.values()),
        author=_letters(resource.contributors[0].name) if resource.contributors else "",
        year=resource.issued_year,
        types=tuple(sorted(kind.code for kind in resource.resource_types)),
        url=resource.url,
        identifiers=tuple(f"{one.scheme}:{one.value}" for one in resource.identifiers if one.scheme in _PUBLIC),
        license_uri=rights.uri if rights else None,
        license_open=rights.open if rights else None,
    )


def _letters(text: str) -> str:
    return _OTHER.sub(" ", text.casefold()).strip()[:_TITLE_LENGTH]


def apply_batch_rules(
    batch: Iterable[Facts],
    neighbours: Iterable[Facts] = (),
    before: Mapping[str, Facts] | None = None,
    narrowed_before: Mapping[str, str] | None = None,
) -> Iterator[Issue]:
    """The findings about the records of a batch, one rule after the other.

    `neighbours` are the other live records, of this feed and of others; `before` the batch's own records as last
    accepted, by key; `narrowed_before` the values of the licence findings that stand. Only records of the batch get
    findings.
    """
    stands = narrowed_before or {}
    new = {one.key: one for one in batch}
    everyone = list(new.values()) + [one for one in neighbours if one.key not in new]
    for group in _groups(everyone, lambda one: [one.url] if one.url else []):
        yield from _shared("url_shared", "url", group[0].url or "", group, new)
    for name, group in _named_groups(everyone):
        yield from _shared("identifier_shared", "identifiers", name, group, new)
    for group in _groups(everyone, _same_work):
        yield from _duplicated(group, new)
    for key, one in new.items():
        if key in stands and stands[key] == _narrowing(stands[key].partition(ARROW)[0], one):
            yield issue("license_narrowed", key, "license", stands[key])
        elif before and key in before:
            yield from _narrowed(one, before[key])


def _groups(everyone: Iterable[Facts], by: Callable[[Facts], Sequence[Hashable]]) -> Iterator[list[Facts]]:
    """Records that have something in common, two or more at a time."""
    found: dict[Hashable, list[Facts]] = defaultdict(list)
    for one in everyone:
        for mark in dict.fromkeys(by(one)):
            found[mark].append(one)
    yield from (group for group in found.values() if len(group) > 1)


def _named_groups(everyone: Iterable[Facts]) -> Iterator[tuple[str, list[Facts]]]:
    found: dict[str, list[Facts]] = defaultdict(list)
    for one in everyone:
        for mark in dict.fromkeys(one.identifiers):
            found[mark].append(one)
    yield from ((name, group) for name, group in found.items() if len(group) > 1)


def _shared(code: str, path: str, value: str, group: Sequence[Facts], wanted: Mapping[str, Facts]) -> Iterator[Issue]:
    """A finding for each wanted record that has an address or identifier in common with an unrelated one."""
    ordered = sorted(group, key=lambda one: one.key)
    titles = list(dict.fromkeys(one.titles for one in ordered))
    apart = {mine: any(unrelated(mine, theirs) for theirs in titles[:LOOKS]) for mine in titles}
    for one in ordered:
        if one.key in wanted and apart[one.titles]:
            yield issue(code, one.key, path, value)


def unrelated(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether no title of one is like a title of the other; records without titles are not called unrelated."""
    if not left or not right:
        return False
    return all(fuzz.token_set_ratio(mine, theirs) < _ALIKE for mine in left for theirs in right)


def _same_work(one: Facts) -> list[Hashable]:
    """What two records of one feed share when they are probably one: every title, first author, year and kind."""
    if not any(len(title) >= _TITLE_SAYS_SOMETHING for title in one.titles):
        return []
    return [(one.key.partition(":")[0], tuple(sorted(one.titles)), one.author, one.year, one.types)]


def _duplicated(group: Sequence[Facts], wanted: Mapping[str, Facts]) -> Iterator[Issue]:
    """A finding for each wanted record of one feed that repeats another; the value names the smallest other key."""
    keys = sorted({one.key for one in group})
    for key in keys:
        if key in wanted and len(keys) > 1:
            yield issue("duplicated_in_feed", key, "title", keys[1] if key == keys[0] else keys[0])


def _narrowed(now: Facts, before: Facts) -> Iterator[Issue]:
    """A finding when the licence permits less than it did in the version accepted before."""
    more = cc_parts(now.license_uri) - cc_parts(before.license_uri)
    lost = before.license_open is True and now.license_open is not True
    tightened = before.license_open is True and bool(more & {"nc", "nd", "sa"})
    if lost or tightened:
        yield issue("license_narrowed", now.key, "license", _narrowing(before.license_uri, now))


def _narrowing(before: str | None, now: Facts) -> str:
    """What a licence was and is, as a finding says it."""
    return f"{before}{ARROW}{now.license_uri or 'none'}"[:VALUE]


def issue(code: str, key: str, path: str, value: str) -> Issue:
    return Issue(key=key, code=code, severity=_SEVERITIES[code], path=path, value=value[:VALUE])


RULES = (
    Rule(
        code="url_shared", path="url", severity="warning", part="address",
        wrong="Unrelated records have the same address.",
        why="At most one of them is at that address; the others lead astray.",
        mend="Give each resource the address of its own page.",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"url": "https://learn.unesco.org/catalogue"},
    ),
    Rule(
        code="identifier_shared", path="identifiers", severity="warning", part="address",
        wrong="Unrelated records carry the same identifier.",
        why="They would be taken for one resource: we no longer trust the identifier for any of them.",
        mend="Give each resource an identifier of its own.",
        good={"identifiers": [{"scheme": "doi", "value": "10.54675/zjte2084"}]},
        bad={"identifiers": [{"scheme": "doi", "value": "10.54675/series"}]},
    ),
    Rule(
        code="url_shared_elsewhere", path="url", severity="warning", part="address",
        wrong="An unrelated record of another feed has the same address.",
        why="At most one of the two is at that address; the other leads astray.",
        mend="Open the address: if it is not the resource, give the record the address of its own page.",
        good={"url": "https://learn.unesco.org/a/1"}, bad={"url": "https://learn.unesco.org/catalogue"},
    ),
    Rule(
        code="identifier_shared_elsewhere", path="identifiers", severity="warning", part="address",
        wrong="An unrelated record of another feed carries the same identifier.",
        why="The two would be taken for one resource, and one of them must be wrong.",
        mend="Look the identifier up: if it names something else, correct it or leave it out.",
        good={"identifiers": [{"scheme": "doi", "value": "10.54675/zjte2084"}]},
        bad={"identifiers": [{"scheme": "doi", "value": "10.54675/series"}]},
    ),
    Rule(
        code="duplicated_in_feed", path="title", severity="info", part="title",
        wrong="The feed has another record with the same title, author, year and kind.",
        why="Readers see the resource twice, and statistics count it twice.",
        mend="Merge the two records, or say in the title what sets them apart.",
        good={"title": {"en": "Plants and light, part two"}}, bad={"title": {"en": "Plants and light"}},
    ),
    Rule(
        code="license_narrowed", path="license", severity="warning", part="license",
        wrong="The licence permits less than it did last time.",
        why="Creative Commons licences cannot be withdrawn; who holds a copy may go on using it as before.",
        mend="Restore the earlier licence, or publish the new version as a resource of its own.",
    ),
)  # fmt: skip
_SEVERITIES = {rule.code: rule.severity for rule in RULES}
