"""Choose the id of each cluster's resource: kept while one member stays, minted only for a new cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence, Set
from functools import cache
from typing import NamedTuple

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]  # ten bits in two letters
MemberKeys = tuple[str, ...]  # the live keys of a cluster, sorted


class Identities(NamedTuple):
    """The id of each group, in the groups' order; the ids replaced by another one; the ids given back."""

    ids: list[str]
    redirects: dict[str, str]
    returned: frozenset[str]

    def merged_redirects(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return all redirects after this publication; chains of redirects are not resolved."""
        return {**{old: target for old, target in before.items() if old not in self.returned}, **self.redirects}


class _Claim(NamedTuple):
    """A group's claim to an id: `size` of its members had it. The smallest claim in sort order wins."""

    size: int  # negative: the larger part first
    created_at: str
    id_key: str  # the smallest of all keys that had the id: ids of one publication are as old as each other
    id: str
    has_own: bool  # the group could have another id back
    key: str
    group: int


def identify(
    groups: Sequence[MemberKeys],
    resource_ids: Mapping[str, str],
    created: Mapping[str, str],
    redirects: Mapping[str, str],
    former: Mapping[str, Set[str]],
    run_id: str,
) -> Identities:
    """Choose an id for every group.

    `resource_ids` is the id that each key had last, `created` the time each id was made, `former` the last records of
    each id that was redirected. An id goes to the group with the larger part of its resource, then to the older id (of
    two that are as old, to that with the smaller key), then to a group that has no id to go back to, then to the
    smaller key. A group that gets none this way gets back the oldest redirected id whose records it holds completely,
    and its other such ids redirect to that one. An id that no group gets is redirected to where most of its records
    went.
    """
    own = _own_ids(groups, created, former)
    claims = sorted(_claims(groups, resource_ids, created, redirects, own))
    granted = _granted(claims)
    returned = {number: ids for number, ids in own.items() if number not in granted}
    chosen = granted | {number: oldest for number, (oldest, *_) in returned.items()}
    ids = [chosen.get(number) or mint(run_id, group[0]) for number, group in enumerate(groups)]
    redirects_to_oldest = {other: oldest for oldest, *others in returned.values() for other in others}
    return Identities(
        ids,
        _lost(claims, set(granted.values()), ids) | redirects_to_oldest,
        frozenset(oldest for oldest, *_ in returned.values()),
    )


def _lost(claims: Iterable[_Claim], taken: Set[str], ids: Sequence[str]) -> dict[str, str]:
    """Redirect each claimed id that no group got to the id of the group with the best claim to it."""
    lost: dict[str, str] = {}
    for claim in claims:
        if claim.id not in taken:
            lost.setdefault(claim.id, ids[claim.group])
    return lost


def _granted(claims: Iterable[_Claim]) -> dict[int, str]:
    """Give each group the id of its first claim that no other group got before, by group number."""
    granted: dict[int, str] = {}
    taken: set[str] = set()
    for claim in claims:
        if claim.group not in granted and claim.id not in taken:
            granted[claim.group] = claim.id
            taken.add(claim.id)
    return granted


def _own_ids(
    groups: Sequence[MemberKeys], created: Mapping[str, str], former: Mapping[str, Set[str]]
) -> dict[int, list[str]]:
    """Return the redirected ids whose live records are all in one group, by group number, the oldest first."""
    former_keys: set[str] = set().union(*former.values())
    if not former_keys:
        return {}
    group_of = {key: number for number, group in enumerate(groups) for key in former_keys.intersection(group)}
    own: dict[int, list[str]] = {}
    for old_id in sorted(former, key=lambda old_id: (created.get(old_id, ""), old_id)):
        numbers = {group_of[key] for key in former[old_id] if key in group_of}
        if len(numbers) == 1:
            own.setdefault(numbers.pop(), []).append(old_id)
    return own


def _claims(
    groups: Sequence[MemberKeys],
    resource_ids: Mapping[str, str],
    created: Mapping[str, str],
    redirects: Mapping[str, str],
    own: Container[int],
) -> Iterable[_Claim]:
    claims: list[_Claim] = []
    smallest: dict[str, str] = {}
    for number, group in enumerate(groups):
        first_key: dict[str, str] = {}
        size: dict[str, int] = {}
        for key in group:
            resource_id = resource_ids.get(key)
            if resource_id is not None:
                resource_id = resolve(redirects, resource_id)
                first_key.setdefault(resource_id, key)
                size[resource_id] = size.get(resource_id, 0) + 1
        for resource_id, key in first_key.items():
            smallest[resource_id] = min(key, smallest.get(resource_id, key))
            made_at = created.get(resource_id, "")
            claims.append(_Claim(-size[resource_id], made_at, "", resource_id, number in own, key, number))
    return [claim._replace(id_key=smallest[claim.id]) for claim in claims]


def resolve(redirects: Mapping[str, str], resource_id: str) -> str:
    """Follow a chain of redirects to its last id."""
    seen = set()
    while resource_id in redirects and resource_id not in seen:
        seen.add(resource_id)
        resource_id = redirects[resource_id]
    return resource_id


def mint(run_id: str, key: str) -> str:
    """Make an id of 26 letters and digits that sorts by the run's time; the same run and key give the same id.

    The layout is ULID's (https://github.com/ulid/spec): 48 bits of time, here the run's, and 80 bits of a hash.
    """
    number = _milliseconds(run_id.rsplit("-", 1)[-1]) << 80
    number |= int.from_bytes(hashlib.sha256(f"{run_id}\x00{key}".encode()).digest()[:10], "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


@cache
def _milliseconds(stamp: str) -> int:
    """Return the time in a run id's stamp; for a stamp without a time a constant number with as many bits."""
    from datetime import UTC, datetime

    if "T" not in stamp:
        return int(hashlib.sha256(stamp.encode()).hexdigest()[:12], 16)
    return int(datetime.strptime(stamp, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC).timestamp() * 1000)
