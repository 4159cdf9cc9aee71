"""Join pairs into clusters of records that are one work, without chains of weak links, never against a steward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas import Cluster, FeatureFiles, Judgement, Match
from transforms.match.feature_rows import titles_of
from transforms.match.feature_tables import rows_of
from transforms.match.final_verdicts import Matches, Overrides, Pair, read_verdicts
from transforms.match.links import Link, link_pairs_file, relations, undecided, variants_apart, with_links
from transforms.match.wording import titles_difference

MAX_CLUSTER_RECORDS = 40  # records in a cluster; one of more stays whole and is for a person to look at
# More than this share of the pairs between two groups must be links for them to join; a likely link counts half.
_MIN_SUPPORT = 0.5

_TITLES = "titles in one cluster would differ"
_ONE_FEED_ONCE = "both of one feed, which lists no work twice"
_ONE_FEED = "both of one feed, and too unlike to be one work there"
_DOIS = "DOI contradicts"
_ISBNS = "ISBN contradicts"
_LANGUAGES = "languages in one cluster would differ"
_YEARS = "years in one cluster would differ"
_NUMBERS = "numbers in the titles of one cluster would differ"
_TOO_LARGE = "the cluster has too many records"
_TOO_FEW = "too few pairs of the two groups are alike"
_VARIANTS = "two of the records are one work in two forms"
_JUDGED = "a steward judged two of the records different"
LABELS = (  # why something objects to a link; the reports have them in every language
    *(_TITLES, _ONE_FEED_ONCE, _ONE_FEED, _DOIS, _ISBNS, _LANGUAGES, _YEARS, _NUMBERS),
    *(_TOO_LARGE, _TOO_FEW, _JUDGED, _VARIANTS),
)
_TRAITS = (
    "key",
    "feed",
    "identifiers",
    "year",
    "edition",
    "numbers",
    "languages",
    "match_sha256",
)  # columns of features


class _Traits(NamedTuple):
    """What two records of one cluster must not contradict each other in."""

    feed: str
    dois: frozenset[str] = frozenset()
    isbns: frozenset[str] = frozenset()
    year: int | None = None
    edition: str = ""
    numbers: str = ""
    languages: Sequence[str] = ()
    sha256: str = ""  # of the match fields


class Clustering(NamedTuple):
    """Clusters of two records and more, in key order; every kept pair with its final verdict; related pairs."""

    clusters: list[Cluster]
    matches: Matches
    related: list[tuple[str, str, str, str]]  # key, other key, LOM kind of the first to the second, variant


def cluster(
    pairs: pa.Table,
    features: pa.Table | FeatureFiles,
    judgements: Sequence[Judgement] = (),
    one_to_one: frozenset[str] = frozenset(),
    links: Sequence[Link] = (),
) -> Clustering:
    """Return the clusters of a catalog, from the pairs and features of transforms.match and judgements in their order.

    A steward's judgement wins over any link, and "different" over a chain of "same"; two records of one feed of
    `one_to_one` are never one work. A link to which something objects is for review, with the objection. What `links`
    (transforms.match.links) relates is never one work either, unless a steward says so.
    """
    decided = _decisions(judgements)
    links = undecided(links, decided)
    pairs = with_links(pairs, links)
    return _cluster(pairs, pairs, features, decided, one_to_one, links)


def cluster_files(
    pairs: Path,
    features: FeatureFiles,
    folder: Path,
    judgements: Sequence[Judgement] = (),
    one_to_one: frozenset[str] = frozenset(),
    links: Sequence[Link] = (),
) -> Clustering:
    """Do as `cluster` does, from files: of the features, only those of linked records are read.

    The pairs with their links are written into `folder`, from where the matches of the result are read.
    """
    decided = _decisions(judgements)
    links = undecided(links, decided)
    linked = folder / "linked_pairs.parquet"
    link_pairs_file(pairs, links, linked, folder)
    names = [name for name in pq.read_schema(linked).names if name != "evidence"]
    return _cluster(pq.read_table(linked, columns=names), linked, features, decided, one_to_one, links)


def _cluster(
    pairs: pa.Table,
    source: pa.Table | Path,
    features: pa.Table | FeatureFiles,
    decided: dict[Pair, Judgement],
    one_to_one: frozenset[str],
    links: Sequence[Link],
) -> Clustering:
    """Cluster pairs among which the links are; `source` has their evidence too, which is read with the matches."""
    alone, others = _split_lone_pairs(pairs, decided, one_to_one)
    kept = [match for match in read_verdicts(others) if match.verdict != "different" or _pair(match) in decided]
    linked = {key for match in kept for key in _pair(match)}
    wanted = pa.array(sorted(linked.union(*decided)), pa.string())
    rows = rows_of(features, wanted, (*_TRAITS, "tagged_titles"))
    traits = _traits(rows)
    joined = _Joined(traits, _Titles(rows), decided, one_to_one, variants_apart(links))
    joined.add_links(kept)
    objections = dict(joined.join())
    stale = frozenset(pair for pair, judged in decided.items() if _stale(judged, traits))
    clusters = sorted([*_clusters_of_two(alone), *joined.clusters(objections)], key=lambda group: group.keys)
    last = Matches(source, Overrides(objections, decided, stale))
    return Clustering(clusters, last, list(relations(pairs, features, links, decided)))


def _split_lone_pairs(
    pairs: pa.Table, decided: Mapping[Pair, Judgement], one_to_one: frozenset[str]
) -> tuple[pa.Table, pa.Table]:
    """Return the kept pairs of which no record stands in another kept pair, and all others that are kept or judged."""
    judged = pa.array(sorted({key for pair in decided for key in pair}), pa.string())
    touched = pc.or_(pc.is_in(pairs["left_key"], judged), pc.is_in(pairs["right_key"], judged))
    pairs = pairs.filter(pc.or_(pc.not_equal(pairs["verdict"], "different"), touched))
    records = pa.chunked_array([*pairs["left_key"].chunks, *pairs["right_key"].chunks], pa.string())
    numbers = records.combine_chunks().dictionary_encode().indices.to_numpy()
    often = np.bincount(numbers)[numbers]
    alone = pa.array((often[: pairs.num_rows] == 1) & (often[pairs.num_rows :] == 1))
    doubtful = pc.or_(pc.is_in(pairs["left_key"], judged), pc.is_in(pairs["right_key"], judged))
    for feed in sorted(one_to_one):
        own = [pc.starts_with(pairs[side], f"{feed}:") for side in ("left_key", "right_key")]
        doubtful = pc.or_(doubtful, pc.or_(*own))
    quiet = pc.and_not(alone, doubtful)
    return pairs.filter(quiet), pairs.filter(pc.invert(quiet))


def _clusters_of_two(alone: pa.Table) -> Iterator[Cluster]:
    """Return the clusters of pairs that stand alone: nothing but their own verdict can speak."""
    columns = (alone[name].to_pylist() for name in ("left_key", "right_key", "verdict"))
    for left, right, verdict in zip(*columns, strict=True):
        if verdict == "same":
            yield Cluster(keys=(left, right))


def _decisions(judgements: Iterable[Judgement]) -> dict[Pair, Judgement]:
    """Return the judgement that holds for each pair, smaller key left: the last in order."""
    return {_ordered(judgement.left_key, judgement.right_key): judgement for judgement in judgements}


def _pair(match: Match) -> Pair:
    return match.left_key, match.right_key


def _ordered(key: str, other: str) -> Pair:
    return min(key, other), max(key, other)


def _feed_of(key: str) -> str:
    """Return the feed of a record's key."""
    return key.partition(":")[0]


def _traits(rows: pa.Table) -> dict[str, _Traits]:
    """Return the traits of the records of some features."""
    columns = zip(*(rows[name].to_pylist() for name in _TRAITS), strict=True)
    return {key: _Traits(feed, _of(ids, "doi:"), _of(ids, "isbn:"), *others) for key, feed, ids, *others in columns}


class _Titles:
    """The titles of the records of some features, each read when it is asked for: few are."""

    def __init__(self, rows: pa.Table) -> None:
        self.tagged_titles = rows["tagged_titles"]
        self.places = {key: place for place, key in enumerate(rows["key"].to_pylist())}

    def contradict(self, left_key: str, right_key: str) -> str | None:
        """Return how the titles of two records differ; None when they do not, or one is not known."""
        if left_key not in self.places or right_key not in self.places:
            return None
        left, right = (titles_of(self.tagged_titles[self.places[key]].as_py()) for key in (left_key, right_key))
        apart = titles_difference(left, right)
        return f"{_TITLES}: {apart.seen}" if apart else None


def _of(identifiers: Iterable[str], scheme: str) -> frozenset[str]:
    return frozenset([identifier for identifier in identifiers if identifier.startswith(scheme)])


def _contradiction(left: _Traits, right: _Traits, one_to_one: frozenset[str]) -> str | None:
    """Say why two records that no link of their own joins cannot stand in one cluster; None when nothing is against."""
    return (
        _feed_contradiction(left, right, one_to_one)
        or _no_common_value(left, right)
        or _year_contradiction(left, right)
        or _number_contradiction(left, right)
    )


def _feed_contradiction(left: _Traits, right: _Traits, one_to_one: frozenset[str]) -> str | None:
    if left.feed != right.feed:
        return None
    return f"{_ONE_FEED_ONCE if left.feed in one_to_one else _ONE_FEED}: {left.feed}"


def _no_common_value(left: _Traits, right: _Traits) -> str | None:
    """Say in what both records have values and none in common: DOIs, ISBNs or languages."""
    for label, mine, theirs in (
        (_DOIS, left.dois, right.dois),
        (_ISBNS, left.isbns, right.isbns),
        (_LANGUAGES, frozenset(left.languages), frozenset(right.languages)),
    ):
        if mine and theirs and not mine & theirs:
            return f"{label}: {', '.join(sorted(mine))} / {', '.join(sorted(theirs))}"
    return None


def _year_contradiction(left: _Traits, right: _Traits) -> str | None:
    differ = left.year and right.year and left.year != right.year
    return f"{_YEARS}: {left.year} / {right.year}" if differ else None


def _number_contradiction(left: _Traits, right: _Traits) -> str | None:
    for mine, theirs in ((left.numbers, right.numbers), (left.edition, right.edition)):
        if mine != theirs:
            return f"{_NUMBERS}: {mine or '-'} / {theirs or '-'}"
    return None


class _Joined:
    """Groups of records while they are joined, strongest link first."""

    def __init__(
        self,
        traits: dict[str, _Traits],
        titles: _Titles,
        decided: dict[Pair, Judgement],
        one_to_one: frozenset[str],
        variants: Mapping[Pair, str],
    ) -> None:
        self.traits = traits
        self.titles = titles
        self.decided = decided
        self.one_to_one = one_to_one
        self.variants = variants
        self.links: dict[str, set[str]] = {}
        self.likely: dict[str, set[str]] = {}
        self.group: dict[str, list[str]] = {}
        self.ordered: list[Pair] = []
        self.enlarging: list[Pair] = []  # links that made a cluster larger than it may be without a look

    def add_links(self, matches: Iterable[Match]) -> None:
        """Take the pairs that are to be one work: stewards' first, then by probability, then by key."""
        links = []
        for match in matches:
            judged = self.decided.get(_pair(match))
            verdict = judged.verdict if judged else self._verdict(match)
            if verdict == "same":
                likely = judged is None and match.verdict == "review"  # behind all that the matcher is sure of
                links.append((judged is None, likely, -match.probability, *_pair(match)))
            if verdict != "different":
                known = self.links if verdict == "same" else self.likely
                known.setdefault(match.left_key, set()).add(match.right_key)
                known.setdefault(match.right_key, set()).add(match.left_key)
        self.ordered = [(left, right) for *_, left, right in sorted(links)]

    def _verdict(self, match: Match) -> str:
        """Join a likely pair of one year across two feeds without inner duplicates: its rivals are not joined."""
        left, right = (self.traits.get(key) or _Traits(feed=_feed_of(key)) for key in _pair(match))
        feeds = {left.feed, right.feed}
        likely = match.verdict == "review" and len(feeds) == 2 and feeds <= self.one_to_one
        return "same" if likely and not _year_contradiction(left, right) else match.verdict

    def join(self) -> Iterator[tuple[Pair, str]]:
        """Join what can be joined; yield every other link with the objection to it, and those of too large clusters.

        A cluster that becomes too large is not cut: the links that made it so are for review.
        """
        not_joined = [link for link in self.ordered if self._join_or_object(*link)]
        for left, right in not_joined:  # a later link may have lent the support that was missing
            objection = self._join_or_object(left, right)
            if objection:
                yield (left, right), objection
        for left, right in self.enlarging:
            yield (left, right), f"{_TOO_LARGE}: {len(self.group[left])} > {MAX_CLUSTER_RECORDS}"

    def _join_or_object(self, left: str, right: str) -> str | None:
        """Join the groups of two records; return the objection when they stay apart, None when they are one."""
        mine, theirs = self.group.setdefault(left, [left]), self.group.setdefault(right, [right])
        if mine is theirs:
            return None
        objection = self._objection_to_join(mine, theirs, (left, right))
        if objection is None:
            if len(mine) + len(theirs) > MAX_CLUSTER_RECORDS and (left, right) not in self.decided:
                self.enlarging.append((left, right))
            mine.extend(theirs)
            for key in theirs:
                self.group[key] = mine
        return objection

    def _objection_to_join(self, mine: list[str], theirs: list[str], link: Pair) -> str | None:
        """Say why two groups cannot become one by a link; None when they can. A judged link needs no support."""
        judged = link in self.decided
        pairs = [(key, other) for key in mine for other in theirs]
        objections = (self._objection_to_pair(key, other, judged) for key, other in pairs)
        objection = next(filter(None, objections), None)
        return objection if objection or judged else self._lack_of_support(pairs)

    def _objection_to_pair(self, key: str, other: str, judged: bool) -> str | None:
        """Say why two records cannot stand in one cluster; of a `judged` link, only a steward objects."""
        pair = _ordered(key, other)
        decision = self.decided.get(pair)
        if decision and decision.verdict == "different":
            return f"{_JUDGED}: {decision.by}: {decision.reason} ({pair[0]} / {pair[1]})"
        if judged or (other in self.links.get(key, ()) and not self._in_one_to_one_feed(key, other)):
            return None
        reason = self._contradiction(key, other)
        return f"{reason} ({key} / {other})" if reason else None

    def _lack_of_support(self, pairs: Sequence[Pair]) -> str | None:
        """Say that too few pairs between two groups are links; None when enough are, or there is one pair only."""
        supported = sum(self._support(key, other) for key, other in pairs)
        enough = len(pairs) == 1 or supported > _MIN_SUPPORT * len(pairs)
        return None if enough else f"{_TOO_FEW}: {supported:g} / {len(pairs)}"

    def _support(self, key: str, other: str) -> float:
        if other in self.links.get(key, ()):
            return 1.0
        return 0.5 if other in self.likely.get(key, ()) else 0.0

    def _in_one_to_one_feed(self, key: str, other: str) -> bool:
        feed = _feed_of(key)
        return feed == _feed_of(other) and feed in self.one_to_one

    def _contradiction(self, left_key: str, right_key: str) -> str | None:
        if variant := self.variants.get(_ordered(left_key, right_key)):
            return f"{_VARIANTS}: {variant}"
        left, right = (self.traits.get(key) or _Traits(feed=_feed_of(key)) for key in (left_key, right_key))
        return _contradiction(left, right, self.one_to_one) or self._titles_contradiction(left_key, right_key)

    def _titles_contradiction(self, key: str, other: str) -> str | None:
        """Say how titles differ, unless a steward joined one of them with a record that has the other's title."""
        reason = self.titles.contradict(key, other)
        if reason and (self._joined_by_steward(key, other) or self._joined_by_steward(other, key)):
            return None
        return reason

    def _joined_by_steward(self, key: str, other: str) -> bool:
        judged = ((third, self.decided.get(_ordered(key, third))) for third in self.group[key])
        same = [third for third, judgement in judged if judgement is not None and judgement.verdict == "same"]
        return any(self.titles.contradict(third, other) is None for third in same)

    def clusters(self, objections: Mapping[Pair, str]) -> list[Cluster]:
        """Return groups of two and more, in key order, with the first objection to a link to them."""
        first_objections: dict[int, str] = {}
        for (left, right), objection in sorted(objections.items()):
            for key in (left, right):
                first_objections.setdefault(id(self.group[key]), objection)
        groups = {id(group): group for group in self.group.values() if len(group) > 1}
        return sorted(
            (
                Cluster(keys=tuple(sorted(group)), review=first_objections.get(number))
                for number, group in groups.items()
            ),
            key=lambda group: group.keys,
        )


def _stale(judged: Judgement, traits: Mapping[str, _Traits]) -> bool:
    """Whether the match fields of a record changed since the pair was judged."""
    sides = ((judged.left_key, judged.left_sha256), (judged.right_key, judged.right_sha256))
    return any(sha256 is not None and key in traits and traits[key].sha256 != sha256 for key, sha256 in sides)
