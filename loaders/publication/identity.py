"""Which id each cluster's resource bears: kept while one member stays, minted only for what was never published."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence, Set
from functools import cache
from typing import NamedTuple

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]  # ten bits in two letters
Group = tuple[str, ...]  # the live keys of a cluster, sorted


class Identities(NamedTuple):
    """The id of each group, in the groups' order, the ids that another has taken over, and those that it gave back."""

    ids: list[str]
    redirects: dict[str, str]
    returned: frozenset[str]

    def redirected(self, before: Mapping[str, str]) -> dict[str, str]:
        """Every redirect that is to be, given those of before; the chains are not resolved."""
        return {**{old: name for old, name in before.items() if old not in self.returned}, **self.redirects}


class _Claim(NamedTuple):
    """That `size` members of a group were of a resource; the smallest claim comes first."""

    size: int  # negative: the larger part first
    created_at: str
    id: str
    has_own: bool  # it could have another id back
    key: str
    group: int


def identify(
    groups: Sequence[Group],
    held: Mapping[str, str],
    created: Mapping[str, str],
    redirects: Mapping[str, str],
    former: Mapping[str, Set[str]],
    run_id: str,
) -> Identities:
    """Give every group an id.

    `held` is the id that each key bore last, `created` when each id was made, `former` the last records of each id that
    was redirected. The larger part of a resource keeps its id, then the older id, then what has no id to go back to,
    then the smaller key. A group that keeps none has back the oldest id of which it has all the records, and the others
    of those lead to it. An id that no group keeps is redirected to where most of it went.
    """
    own = _own(groups, created, former)
    claims = sorted(_claims(groups, held, created, redirects, own))
    ids: list[str | None] = [None] * len(groups)
    taken: set[str] = set()
    for claim in claims:
        if ids[claim.group] is None and claim.id not in taken:
            ids[claim.group] = claim.id
            taken.add(claim.id)
    back = {number: names for number, names in own.items() if ids[number] is None}
    for number, (oldest, *_) in back.items():
        ids[number] = oldest
    named = [name or _mint(run_id, group[0]) for name, group in zip(ids, groups, strict=True)]
    gone = {name: oldest for oldest, *others in back.values() for name in others}
    for claim in claims:
        if claim.id not in taken:
            gone.setdefault(claim.id, named[claim.group])
    return Identities(named, gone, frozenset(oldest for oldest, *_ in back.values()))


def _own(groups: Sequence[Group], created: Mapping[str, str], former: Mapping[str, Set[str]]) -> dict[int, list[str]]:
    """The redirected ids of which a group has all the records that live, by group, the oldest first."""
    known = {key for keys in former.values() for key in keys}
    group_of = {key: number for number, group in enumerate(groups) for key in group if key in known} if known else {}
    own: dict[int, list[str]] = {}
    for name in sorted(former, key=lambda one: (created.get(one, ""), one)):
        numbers = {group_of[key] for key in former[name] if key in group_of}
        if len(numbers) == 1:
            own.setdefault(numbers.pop(), []).append(name)
    return own


def _claims(
    groups: Sequence[Group],
    held: Mapping[str, str],
    created: Mapping[str, str],
    redirects: Mapping[str, str],
    own: Container[int],
) -> Iterable[_Claim]:
    for number, group in enumerate(groups):
        first: dict[str, str] = {}
        size: dict[str, int] = {}
        for key in group:
            name = held.get(key)
            if name is not None:
                name = resolve(redirects, name)
                first.setdefault(name, key)
                size[name] = size.get(name, 0) + 1
        for name, key in first.items():
            yield _Claim(-size[name], created.get(name, ""), name, number in own, key, number)


def resolve(redirects: Mapping[str, str], name: str) -> str:
    """The id at the end of a chain of redirects."""
    seen = set()
    while name in redirects and name not in seen:
        seen.add(name)
        name = redirects[name]
    return name


def _mint(run_id: str, key: str) -> str:
    """A new id in 26 letters and digits that sorts by the run's time, the same whenever this run mints it for the key.

    The layout is ULID's (https://github.com/ulid/spec): 48 bits of time, here of the run, and 80 bits of a hash.
    """
    number = _milliseconds(run_id.rsplit("-", 1)[-1]) << 80
    number |= int.from_bytes(hashlib.sha256(f"{run_id}\x00{key}".encode()).digest()[:10], "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


@cache
def _milliseconds(stamp: str) -> int:
    """The time of a run's stamp; of one that is no time a number of as many bits, always the same."""
    from datetime import UTC, datetime

    if "T" not in stamp:
        return int(hashlib.sha256(stamp.encode()).hexdigest()[:12], 16)
    return int(datetime.strptime(stamp, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC).timestamp() * 1000)
