"""From pairs to clusters: records that are one work, without chains of weak links and never against a steward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from schemas import Cluster, Evidence, Judgement, Match
from schemas.match import MatchVerdict

LARGEST = 40  # records in a cluster; a work that more feeds than this describe is for a person to look at
SUPPORT = (
    0.5  # more than this share of the pairs between two groups must be links for them to join; a likely one is half
)
Pair = tuple[str, str]


class Traits(NamedTuple):
    """What two records of one cluster must not contradict each other in."""

    feed: str
    dois: frozenset[str] = frozenset()
    isbns: frozenset[str] = frozenset()
    year: int | None = None
    edition: str = ""
    numbers: str = ""
    languages: frozenset[str] = frozenset()
    sha256: str = ""  # of the match fields


class Clustering(NamedTuple):
    """Clusters of two records and more, in key order; every kept pair with its last word; pairs that are related."""

    clusters: list[Cluster]
    matches: list[Match]
    related: list[tuple[str, str, str]]  # key, other key, LOM kind of the first to the second


def cluster(
    pairs: pa.Table, features: pa.Table, judgements: Sequence[Judgement] = (), one_to_one: frozenset[str] = frozenset()
) -> Clustering:
    """The clusters of a catalog: `pairs` and `features` as transforms.match gives them, judgements in their order.

    A steward's word wins over any link, "different" over a chain of "same"; two records of one feed of `one_to_one`
    are never one work. What is refused for one of these reasons is put up for review with the reason.
    """
    decided = decisions(judgements)
    matches = [_match(row) for row in pairs.to_pylist()]
    kept = [match for match in matches if match.verdict != "different" or _pair(match) in decided]
    traits = _traits(features, _entangled(kept) | {key for pair in decided for key in pair})
    joined = _Joined(traits, decided, one_to_one)
    joined.add_links(kept)
    verdicts = dict(joined.join())
    last = [_last_word(match, verdicts.get(_pair(match)), decided.get(_pair(match)), traits) for match in matches]
    return Clustering(joined.clusters(verdicts), last, list(_related(pairs, features, decided)))


def decisions(judgements: Iterable[Judgement]) -> dict[Pair, Judgement]:
    """The judgement that holds for each pair, smaller key left: the last in order."""
    return {(min(one.left_key, one.right_key), max(one.left_key, one.right_key)): one for one in judgements}


def _related(pairs: pa.Table, features: pa.Table, decided: Mapping[Pair, Judgement]) -> Iterator[tuple[str, str, str]]:
    """Translations and versions, each way round: the later of two versions `isversionof` the earlier (LOM 7.1).

    LOM has no kind for translations, and which is the original is not told: each `isversionof` the other.
    """
    linked = pairs.filter(pc.is_valid(pairs["related"])).select(["left_key", "right_key", "related"]).to_pylist()
    keys = {row[side] for row in linked if row["related"] == "version" for side in ("left_key", "right_key")}
    traits = _traits(features, keys)
    for row in linked:
        left, right = row["left_key"], row["right_key"]
        if (left, right) in decided:
            continue
        kinds = ("isversionof", "isversionof")
        if row["related"] == "version":
            earlier = _issued(traits[left]) <= _issued(traits[right])
            kinds = ("hasversion", "isversionof") if earlier else ("isversionof", "hasversion")
        yield left, right, kinds[0]
        yield right, left, kinds[1]


def _issued(traits: Traits) -> tuple[int, int, str]:
    return traits.year or 0, len(traits.edition), traits.edition


def _pair(match: Match) -> Pair:
    return match.left_key, match.right_key


def _match(row: Mapping[str, object]) -> Match:
    said = {name: row[name] for name in ("left_key", "right_key", "probability", "verdict")}
    evidence = msgspec.json.decode(str(row["evidence"]), type=tuple[Evidence, ...])
    if row["related"]:
        linked = Evidence(field="relation", seen=f"a {row['related']} of one work: linked, not merged", weight=0.0)
        evidence = (*evidence, linked)
    return msgspec.convert({**said, "evidence": evidence}, Match)


def _entangled(matches: Sequence[Match]) -> set[str]:
    """The records of pairs that share a record with another pair: only there can a third join what contradicts."""
    degree: dict[str, int] = {}
    for match in matches:
        for key in _pair(match):
            degree[key] = degree.get(key, 0) + 1
    return {key for match in matches if max(map(degree.__getitem__, _pair(match))) > 1 for key in _pair(match)}


def feed_of(key: str) -> str:
    """The feed of a record's key."""
    return key.partition(":")[0]


def _traits(features: pa.Table, keys: set[str]) -> dict[str, Traits]:
    """The traits of some records."""
    read = features.select(["key", "feed", "identifiers", "year", "edition", "numbers", "languages", "match_sha256"])
    wanted = read.filter(pc.is_in(features["key"], pa.array(sorted(keys), pa.string())))
    return {row["key"]: _trait(row) for part in wanted.to_batches() for row in part.to_pylist()}


def _trait(row: Mapping[str, object]) -> Traits:
    names = row["identifiers"] if isinstance(row["identifiers"], list) else []
    year = row["year"]
    return Traits(
        feed=str(row["feed"]),
        dois=frozenset(name for name in names if name.startswith("doi:")),
        isbns=frozenset(name for name in names if name.startswith("isbn:")),
        year=year if isinstance(year, int) else None,
        edition=str(row["edition"]),
        numbers=str(row["numbers"]),
        languages=frozenset(row["languages"] if isinstance(row["languages"], list) else []),
        sha256=str(row["match_sha256"]),
    )


def contradiction(left: Traits, right: Traits, one_to_one: frozenset[str]) -> str | None:
    """Why two records that no link of their own joins cannot stand in one cluster; None when nothing speaks against."""
    if left.feed == right.feed and left.feed in one_to_one:
        return f"both are of {left.feed}, which lists no work twice"
    for name, mine, theirs in (
        ("DOIs", left.dois, right.dois),
        ("ISBNs", left.isbns, right.isbns),
        ("languages", left.languages, right.languages),
    ):
        if mine and theirs and not mine & theirs:
            return f"{name} contradict: {', '.join(sorted(mine))} and {', '.join(sorted(theirs))}"
    if left.year and right.year and left.year != right.year:
        return f"years contradict: {left.year} and {right.year}"
    if (left.numbers, left.edition) != (right.numbers, right.edition):
        return "numbered differently in their titles"
    return None


class _Joined:
    """Groups of records while they are joined, strongest link first."""

    def __init__(self, traits: dict[str, Traits], decided: dict[Pair, Judgement], one_to_one: frozenset[str]) -> None:
        self.traits = traits
        self.decided = decided
        self.one_to_one = one_to_one
        self.links: dict[str, set[str]] = {}
        self.likely: dict[str, set[str]] = {}
        self.group: dict[str, list[str]] = {}
        self.ordered: list[Pair] = []

    def add_links(self, matches: Iterable[Match]) -> None:
        """Take the pairs that are to be one work: stewards' first, then by probability, then by key."""
        links = []
        for match in matches:
            judged = self.decided.get(_pair(match))
            verdict = judged.verdict if judged else self._verdict(match)
            if verdict == "same":
                links.append((judged is None, -match.probability, *_pair(match)))
            if verdict != "different":
                known = self.links if verdict == "same" else self.likely
                known.setdefault(match.left_key, set()).add(match.right_key)
                known.setdefault(match.right_key, set()).add(match.left_key)
        self.ordered = [(left, right) for _, _, left, right in sorted(links)]

    def _verdict(self, match: Match) -> str:
        """A pair across two feeds without inner duplicates needs no more than to be likely: its rivals are refused."""
        feeds = {feed_of(match.left_key), feed_of(match.right_key)}
        likely = match.verdict == "review" and len(feeds) == 2 and feeds <= self.one_to_one
        return "same" if likely else match.verdict

    def join(self) -> Iterator[tuple[Pair, str]]:
        """Join what can be joined; give each link that is refused, with the reason."""
        refused = [link for link in self.ordered if self._refusal(*link, final=False)]
        for left, right in refused:  # a later link may have lent the support that was missing
            reason = self._refusal(left, right, final=True)
            if reason:
                yield (left, right), reason

    def _refusal(self, left: str, right: str, final: bool) -> str | None:
        mine, theirs = self.group.setdefault(left, [left]), self.group.setdefault(right, [right])
        if mine is theirs:
            return None
        reason = self._against(mine, theirs, (left, right))
        if reason is None:
            mine.extend(theirs)
            for key in theirs:
                self.group[key] = mine
        return reason

    def _against(self, mine: list[str], theirs: list[str], link: Pair) -> str | None:
        if len(mine) + len(theirs) > LARGEST:
            return f"the cluster would have more than {LARGEST} records"
        supported = 0.0
        judged = self.decided.get(link) is not None
        for one in mine:
            for other in theirs:
                pair = (min(one, other), max(one, other))
                said = self.decided.get(pair)
                if said and said.verdict == "different":
                    return f"would join {pair[0]} and {pair[1]}, which {said.by} judged different: {said.reason}"
                own = other in self.links.get(one, ())
                supported += 1 if own else 0.5 * (other in self.likely.get(one, ()))
                reason = None if (own and not self._one_feed(one, other)) else self._contradiction(one, other)
                if reason and not judged:
                    return f"{one} and {other}: {reason}"
        every = len(mine) * len(theirs)
        enough = judged or every == 1 or supported > SUPPORT * every
        return None if enough else f"only {supported:g} of {every} pairs of the two groups are alike"

    def _one_feed(self, one: str, other: str) -> bool:
        feed = feed_of(one)
        return feed == feed_of(other) and feed in self.one_to_one

    def _contradiction(self, one: str, other: str) -> str | None:
        left, right = (self.traits.get(key) or Traits(feed=feed_of(key)) for key in (one, other))
        return contradiction(left, right, self.one_to_one)

    def clusters(self, refused: Mapping[Pair, str]) -> list[Cluster]:
        """The groups of two and more, in key order, with the first reason for which a link to them was refused."""
        reasons: dict[int, str] = {}
        for (left, right), reason in sorted(refused.items()):
            for key in (left, right):
                reasons.setdefault(id(self.group[key]), reason)
        groups = {id(group): group for group in self.group.values() if len(group) > 1}
        return sorted(
            (Cluster(keys=tuple(sorted(group)), review=reasons.get(one)) for one, group in groups.items()),
            key=lambda found: found.keys,
        )


def _last_word(match: Match, refused: str | None, judged: Judgement | None, traits: Mapping[str, Traits]) -> Match:
    """The match as it is shown: a steward's verdict, or review where a link was refused or a judgement grew old."""
    verdict: MatchVerdict = match.verdict
    told = list(match.evidence)
    if judged:
        stale = _stale(judged, traits)
        verdict = "review" if stale or refused else judged.verdict
        old = "; the records have changed since" if stale else ""
        told.append(
            Evidence(field="judgement", seen=f"{judged.verdict}, by {judged.by}: {judged.reason}{old}", weight=0.0)
        )
    if refused:
        verdict = "review"
        told.append(Evidence(field="cluster", seen=refused, weight=0.0))
    return msgspec.structs.replace(match, verdict=verdict, evidence=tuple(told))


def _stale(judged: Judgement, traits: Mapping[str, Traits]) -> bool:
    """Whether the match fields of a record changed since the pair was judged."""
    said = ((judged.left_key, judged.left_sha256), (judged.right_key, judged.right_sha256))
    return any(sha256 is not None and key in traits and traits[key].sha256 != sha256 for key, sha256 in said)
