"""Clusters: no chains of weak links, stewards first, contradictions shown."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Contributor, Evidence, Identifier, Judgement, Language, Resource, match_sha256
from transforms.match import Live, cluster, features
from transforms.match.clusters import MAX_CLUSTER_RECORDS, Clustering
from transforms.match.matching import PAIRS

NOTHING = msgspec.json.encode([Evidence(field="title", seen="the same", weight=16.0)]).decode()


def rows(*keys: str, **records: Resource) -> pa.Table:
    """Features of plain records; `records` gives a record by its key, the colon an underscore."""
    lives = []
    for key in keys:
        record = records.get(key.replace(":", "_"), Resource(key=key, title={"en": "Fractions"}))
        lives.append(Live(key.split(":")[0], "", record))
    return features(lives)


def pairs(*links: tuple[str, str, float], related: dict[tuple[str, str], str] | None = None) -> pa.Table:
    """Pairs with a probability; same from 0.9, review from 0.3."""
    made = []
    for left, right, probability in sorted(links):
        verdict = "same" if probability >= 0.9 else "review" if probability >= 0.3 else "different"
        kind = (related or {}).get((left, right))
        made.append((left, right, probability, verdict, NOTHING, kind))
    return pa.Table.from_pylist([dict(zip(PAIRS.names, row, strict=True)) for row in made], schema=PAIRS)


def judged(left: str, right: str, verdict: str, **more: str) -> Judgement:
    fields = {
        "left_key": left,
        "right_key": right,
        "verdict": verdict,
        "by": "Steward",
        "at": "2026-01-01",
        "reason": "read",
    }
    return msgspec.convert({**fields, **more}, Judgement)


def keys(clustering: Clustering) -> list[tuple[str, ...]]:
    return [group.keys for group in clustering.clusters]


def verdicts(clustering: Clustering) -> dict[tuple[str, str], str]:
    return {(pair.left_key, pair.right_key): pair.verdict for pair in clustering.matches}


def test_links_make_clusters() -> None:
    clustering = cluster(pairs(("a:1", "b:1", 0.99), ("a:2", "b:2", 0.95)), rows("a:1", "b:1", "a:2", "b:2"))
    assert keys(clustering) == [("a:1", "b:1"), ("a:2", "b:2")]
    assert [group.review for group in clustering.clusters] == [None, None]


def test_a_chain_of_weak_links_does_not_join() -> None:
    clustering = cluster(pairs(("a:1", "b:1", 0.99), ("b:1", "c:1", 0.95)), rows("a:1", "b:1", "c:1"))
    assert keys(clustering) == [("a:1", "b:1")]
    assert verdicts(clustering) == {("a:1", "b:1"): "same", ("b:1", "c:1"): "review"}
    assert "too few pairs of the two groups are alike: 1 / 2" in (clustering.clusters[0].review or "")


def test_another_feed_does_not_join_two_records_that_are_unlike_in_their_own() -> None:
    links = (("a:1", "b:1", 1.0), ("a:2", "b:2", 1.0), ("a:1", "b:2", 0.95), ("a:2", "b:1", 0.95))
    unlike = (("a:1", "a:2", 0.5), ("b:1", "b:2", 0.5))
    clustering = cluster(pairs(*links, *unlike), rows("a:1", "a:2", "b:1", "b:2"))
    assert keys(clustering) == [("a:1", "b:1"), ("a:2", "b:2")]
    assert verdicts(clustering)["a:1", "b:2"] == "review"
    assert "too unlike to be one work there" in (clustering.clusters[0].review or "")


def test_a_triangle_joins() -> None:
    clustering = cluster(
        pairs(("a:1", "b:1", 0.99), ("b:1", "c:1", 0.95), ("a:1", "c:1", 0.92)), rows("a:1", "b:1", "c:1")
    )
    assert keys(clustering) == [("a:1", "b:1", "c:1")]


def test_a_judgement_of_different_breaks_a_chain_of_links_and_is_shown() -> None:
    candidates = pairs(("a:1", "b:1", 0.99), ("b:1", "c:1", 0.98), ("a:1", "c:1", 0.97))
    clustering = cluster(candidates, rows("a:1", "b:1", "c:1"), [judged("a:1", "c:1", "different")])
    assert keys(clustering) == [("a:1", "b:1")]
    assert verdicts(clustering) == {("a:1", "b:1"): "same", ("a:1", "c:1"): "different", ("b:1", "c:1"): "review"}
    contradicted = next(pair for pair in clustering.matches if pair.left_key == "b:1")
    assert "a steward judged two of the records different: Steward: read (a:1 / c:1)" in contradicted.evidence[-1].seen


def test_the_newest_judgement_wins_whichever_side_is_left() -> None:
    candidates, table = pairs(("a:1", "b:1", 0.4)), rows("a:1", "b:1")
    same, different = judged("b:1", "a:1", "same"), judged("a:1", "b:1", "different")
    assert keys(cluster(candidates, table, [different, same])) == [("a:1", "b:1")]
    assert keys(cluster(candidates, table, [same, different])) == []


def test_a_judgement_holds_when_the_record_changed_and_comes_up_again() -> None:
    old = Resource(key="a:1", title={"en": "Old"})
    decided = judged("a:1", "b:1", "same", left_sha256=match_sha256(old))
    clustering = cluster(pairs(("a:1", "b:1", 0.1)), rows("a:1", "b:1"), [decided])
    assert keys(clustering) == [("a:1", "b:1")]
    assert verdicts(clustering) == {("a:1", "b:1"): "review"}
    assert "changed since" in clustering.matches[0].evidence[-1].seen
    fresh = judged("a:1", "b:1", "same", left_sha256=match_sha256(Resource(key="a:1", title={"en": "Fractions"})))
    assert verdicts(cluster(pairs(("a:1", "b:1", 0.1)), rows("a:1", "b:1"), [fresh])) == {("a:1", "b:1"): "same"}


def test_a_judgement_on_a_record_that_is_gone_changes_nothing() -> None:
    clustering = cluster(pairs(("a:1", "b:1", 0.99)), rows("a:1", "b:1"), [judged("a:1", "gone:1", "same")])
    assert keys(clustering) == [("a:1", "b:1")]


@pytest.mark.parametrize(
    ("trait", "reason"),
    [
        ("identifiers", "DOI contradicts: doi:10.54675/x0 / doi:10.54675/x1 (a:1 / c:1)"),
        ("issued_year", "years in one cluster would differ: 2000 / 2001"),
        ("languages", "languages in one cluster would differ: fr / sw"),
        ("title", "numbers in the titles of one cluster would differ: 1 / 2"),
    ],
)
def test_records_that_contradict_each_other_are_not_joined_by_a_third(trait: str, reason: str) -> None:
    def values(which: int) -> dict[str, object]:
        return {
            "identifiers": {"identifiers": (Identifier(scheme="doi", value=f"10.54675/x{which}"),)},
            "issued_year": {"issued_year": 2000 + which},
            "languages": {"languages": (Language(tag=("fr", "sw")[which], origin="declared", confidence=1.0),)},
            "title": {"title": {"en": f"Fractions {which + 1}"}},
        }[trait]

    left = Resource(**{"key": "a:1", "title": {"en": "Fractions"}, **values(0)})
    right = Resource(**{"key": "c:1", "title": {"en": "Fractions"}, **values(1)})
    candidates = pairs(("a:1", "b:1", 0.99), ("b:1", "c:1", 0.98), ("a:1", "c:1", 0.5))
    clustering = cluster(candidates, rows("a:1", "b:1", "c:1", a_1=left, c_1=right))
    assert keys(clustering) == [("a:1", "b:1")]
    assert reason in (clustering.clusters[0].review or "")


def test_a_feed_without_inner_duplicates_gives_one_record_to_a_cluster() -> None:
    candidates = pairs(("a:1", "b:1", 0.95), ("a:1", "b:2", 0.99), ("b:1", "b:2", 0.99), ("a:2", "b:1", 0.5))
    table = rows("a:1", "a:2", "b:1", "b:2")
    assert keys(cluster(candidates, table, (), frozenset({"a", "b"}))) == [("a:1", "b:2"), ("a:2", "b:1")]
    assert keys(cluster(candidates, table)) == [("a:1", "b:1", "b:2")]


def test_a_cluster_above_the_maximum_size_stays_whole_and_needs_review() -> None:
    names = [f"a:{number:03}" for number in range(MAX_CLUSTER_RECORDS + 1)]
    links = [(left, right, 0.99) for place, left in enumerate(names) for right in names[place + 1 :]]
    clustering = cluster(pairs(*links), rows(*names))
    assert keys(clustering) == [tuple(names)]
    reason = f"the cluster has too many records: {len(names)} > {MAX_CLUSTER_RECORDS}"
    assert clustering.clusters[0].review == reason
    for_review = [match for match in clustering.matches if match.verdict == "review"]
    assert [match.evidence[-1].seen for match in for_review] == [reason]


def test_versions_and_translations_are_related_each_way() -> None:
    older = Resource(key="a:1", title={"en": "Fractions"}, issued_year=2001)
    newer = Resource(key="b:1", title={"en": "Fractions"}, issued_year=2009)
    candidates = pairs(
        ("a:1", "b:1", 0.01),
        ("b:1", "c:1", 0.01),
        related={("a:1", "b:1"): "version", ("b:1", "c:1"): "translation"},
    )
    clustering = cluster(candidates, rows("a:1", "b:1", "c:1", a_1=older, b_1=newer))
    assert clustering.clusters == []
    assert clustering.matches[0].evidence[-1].seen == "a version of one work: linked, not merged"
    assert clustering.related == [
        ("a:1", "b:1", "hasversion", "version"),
        ("b:1", "a:1", "isversionof", "version"),
        ("b:1", "c:1", "isversionof", "translation"),
        ("c:1", "b:1", "isversionof", "translation"),
    ]


NAMES = [f"f{number % 3}:{number}" for number in range(8)]
LINKS = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.1, 0.5, 0.92, 0.97, 0.999]),
)
JUDGED = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] < pair[1]),
    st.just("different"),
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(LINKS, JUDGED)
def test_clusters_are_disjoint_and_never_join_what_a_steward_judged_different(
    links: dict[tuple[str, str], float], judgements: dict[tuple[str, str], str]
) -> None:
    decided = [judged(left, right, verdict) for (left, right), verdict in judgements.items()]
    clustering = cluster(pairs(*((*pair, odds) for pair, odds in links.items())), rows(*NAMES), decided)
    members = [key for group in clustering.clusters for key in group.keys]
    assert len(members) == len(set(members))
    for group in clustering.clusters:
        assert not any(left in group.keys and right in group.keys for left, right in judgements)
    assert len(clustering.matches) == len(links)


def test_a_record_with_contributors_joins_one_without() -> None:
    resource = Resource(key="a:1", contributors=(Contributor(name="Li Wei", role="author", kind="person"),))
    assert keys(cluster(pairs(("a:1", "b:1", 0.99)), rows("a:1", "b:1", a_1=resource))) == [("a:1", "b:1")]
