"""Publications on both databases: identities, redirects, versions, curation, and nights without a change."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, select, text, update

from loaders.curation import curation
from loaders.publication import begin_publication, publish_match, resources
from loaders.publication import match_state as state
from loaders.publication.rows import DERIVATION_VERSION, derive_columns, encode_record, sets_of, sha256_of
from loaders.store import (
    CurationRow,
    MatchRow,
    RedirectRow,
    ResourceRow,
    SourceRecordRow,
    WrongRunState,
    read_run,
    read_transaction,
    write_publish_state,
    write_transaction,
)
from schemas import (
    Cluster,
    Concept,
    Correction,
    Environment,
    Evidence,
    Language,
    License,
    Match,
    Member,
    Origin,
    Relation,
    Resource,
    match_sha256,
    replace,
)
from tests.loaders.match_files import files_of
from tests.loaders.nights import rows

TABLES = (
    "resource",
    "resource_set",
    "resource_version",
    "publication",
    "redirect",
    "source_record",
    "match",
    "publish_state",
    "curation",
)
FEATURES = pa.table({"key": pa.array([], pa.string()), "record_sha256": pa.array([], pa.string())})
PAIRS = pa.table({"left_key": pa.array([], pa.string()), "right_key": pa.array([], pa.string())})


class Merged(NamedTuple):
    record: Resource
    problems: tuple[str, ...] = ()


def merge(members: Sequence[Member], corrections: Sequence[Correction], related: Sequence[Relation]) -> Merged:
    """The most trusted record with every correction of its English title, and its relations."""
    record = min(members, key=lambda member: (-member.trust, member.record.key)).record
    for correction in corrections:
        record = replace(record, title={"en": json.loads(correction.value or "null")})
    if len(members) > 1:
        origins = tuple(
            Origin(key=key, path="dc:title", rule="copied") for key in sorted(member.record.key for member in members)
        )
        record = replace(record, provenance={"title.en": origins})
    return Merged(
        replace(record, relations=tuple(related)),
        tuple("odd" for correction in corrections if correction.path == "odd"),
    )


def put(env: Environment, *keys: str, title: str = "Fractions", score: int = 50) -> None:
    """Live accepted records, as a load leaves them."""
    with write_transaction(env) as connection:
        for key in keys:
            record = encode_record(Resource(key=key, title={"en": f"{title} {key}"}, issued_year=2020))
            values = {"status": "live", "record": record, "record_sha256": sha256_of(record), "score": score}
            known = connection.scalar(select(SourceRecordRow.key).where(SourceRecordRow.key == key))
            if known:
                connection.execute(update(SourceRecordRow).where(SourceRecordRow.key == key).values(**values))
            else:
                feed, identifier = key.split(":")
                who = {"key": key, "feed": feed, "identifier": identifier, "format": "oai_dc", "run_id": "run"}
                connection.execute(insert(SourceRecordRow).values(**who, **values))


def gone(env: Environment, *keys: str) -> None:
    """The records are deleted by their partner."""
    with write_transaction(env) as connection:
        connection.execute(update(SourceRecordRow).where(SourceRecordRow.key.in_(keys)).values(status="deleted"))


def curate(env: Environment, **columns: Any) -> None:
    with write_transaction(env) as connection:
        connection.execute(
            insert(CurationRow).values(by="Steward", at="2026-01-01T00:00:00Z", reason="read", **columns)
        )


def laid(env: Environment, version: str, features: pa.Table, pairs: pa.Table, *results: Any) -> Path:
    """The folder of a match that began now."""
    files = files_of(env.home / "made", features, pairs)
    return state.write_match_result(env, version, files, *results, after_publication=state.newest_publication(env))


def night(
    env: Environment,
    *clusters: tuple[str, ...],
    matches: Sequence[Match] = (),
    related: Sequence[tuple[str, str, str, str]] = (),
    review: str | None = None,
    trust: dict[str, int] | None = None,
) -> dict[str, int]:
    """One publication of what a match found."""
    made = [Cluster(keys=keys, review=review) for keys in clusters]
    folder = laid(env, "1", FEATURES, PAIRS, made, matches, related)
    run = begin_publication(env)
    return publish_match(env, run, folder, merge=merge, trust=trust or {}, merge_version="1")


def merged_by(env: Environment, version: str, *clusters: tuple[str, ...], **trust: int) -> tuple[int, dict[str, int]]:
    """One publication by a version of the merging code: how many resources it merged, and its counts."""
    merges = 0

    def counted(*arguments: Any) -> Merged:
        nonlocal merges
        merges += 1
        return merge(*arguments)

    folder = laid(env, "1", FEATURES, PAIRS, [Cluster(keys=keys, review=None) for keys in clusters], (), ())
    run = begin_publication(env)
    counts = publish_match(env, run, folder, merge=counted, trust=trust, merge_version=version)
    return merges, counts


def test_only_resources_of_which_something_changed_are_merged_again(env: Environment) -> None:
    put(env, "books:1", "films:1", "books:2", "films:2", "books:3")
    pairs = (("books:1", "films:1"), ("books:2", "films:2"))
    assert merged_by(env, "1", *pairs)[0] == 2
    before = {table: rows(env, table) for table in TABLES}
    assert merged_by(env, "1", *pairs) == (0, {**merged_by(env, "1", *pairs)[1], "unchanged": 3})
    assert {table: rows(env, table) for table in TABLES} == before
    put(env, "films:2", title="Decimals")
    assert merged_by(env, "1", *pairs)[0] == 1
    assert merged_by(env, "1", *pairs, films=90)[0] == 2, "another trust"
    assert merged_by(env, "2", *pairs, films=90)[0] == 2, "another version of the code"
    assert merged_by(env, "2", *pairs, films=90)[0] == 0
    curate(env, key="books:1", action="set", path="title.en", value='"Corrected"')
    assert merged_by(env, "2", *pairs, films=90)[0] == 1
    assert merged_by(env, "2", *pairs, films=90)[0] == 0
    with write_transaction(env) as connection:
        connection.execute(update(ResourceRow).where(ResourceRow.members == 2).values(record_sha256="00"))
    assert merged_by(env, "2", *pairs, films=90)[0] == 2, "what is published is not what was merged"


def test_a_correction_that_does_not_fit_is_told_by_every_publication(env: Environment) -> None:
    put(env, "books:1", "films:1")
    curate(env, key="books:1", action="set", path="odd", value='"Corrected"')
    assert [merged_by(env, "1", ("books:1", "films:1"))[0] for _ in range(3)] == [1, 1, 1]
    assert [bool(notes) for (notes,) in rows(env, "harvest_run", "notes")] == [True, True, True]


def ids(env: Environment) -> dict[str, str]:
    """The resource of each live record."""
    with read_transaction(env) as connection:
        query = select(SourceRecordRow.key, SourceRecordRow.resource_id).where(SourceRecordRow.status == "live")
        return dict(connection.execute(query).all())


def resource(env: Environment, name: str) -> Any:
    with read_transaction(env) as connection:
        return connection.execute(select(ResourceRow.__table__).where(ResourceRow.id == name)).one()


def redirects(env: Environment) -> dict[str, str]:
    with read_transaction(env) as connection:
        return dict(connection.execute(select(RedirectRow.old_id, RedirectRow.id)).all())


def versions(env: Environment, name: str) -> list[Any]:
    query = text("SELECT changes FROM resource_version WHERE resource_id = :name ORDER BY version")
    with read_transaction(env) as connection:
        return [json.loads(row[0]) for row in connection.execute(query, {"name": name})]


def dump(env: Environment) -> dict[str, list[tuple[Any, ...]]]:
    with read_transaction(env) as connection:
        return {
            table: sorted((tuple(row) for row in connection.execute(text(f'SELECT * FROM "{table}"'))), key=repr)
            for table in TABLES
        }


def test_every_record_is_published_once(env: Environment) -> None:
    put(env, "a:1", "b:1", "b:2")
    counts = night(env, ("a:1", "b:1"))
    assert {name: counts[name] for name in ("landed", "added", "changed", "unchanged", "deleted", "duplicates")} == {
        "landed": 2, "added": 2, "changed": 0, "unchanged": 0, "deleted": 0, "duplicates": 1,
    }  # fmt: skip
    named = ids(env)
    assert named["a:1"] == named["b:1"] != named["b:2"]
    row = resource(env, named["a:1"])
    assert (row.title, row.issued_year, row.quality, row.members) == ("Fractions a:1", 2020, 50, 2)
    assert versions(env, named["a:1"]) == [{"created": ["a:1", "b:1"]}]


def test_a_publication_without_changes_leaves_every_row_as_it_is(env: Environment) -> None:
    put(env, "a:1", "b:1", "b:2", "c:1")
    gone(env, "c:1")
    pair = Match(left_key="a:1", right_key="b:1", probability=0.987654, verdict="same")
    match_results: dict[str, Any] = {
        "matches": [pair],
        "related": [("a:1", "b:2", "hasversion", "version"), ("b:2", "a:1", "isversionof", "version")],
    }
    curate(env, key="b:2", action="set", path="title.en", value='"Mended"')
    night(env, ("a:1", "b:1"), **match_results)
    before = dump(env)
    counts = night(env, ("a:1", "b:1"), **match_results)
    assert dump(env) == before
    assert (counts["unchanged"], counts["added"], counts["changed"], counts["deleted"]) == (2, 0, 0, 0)


def derived_by_an_older_version(env: Environment, *, keep_version: bool = False) -> None:
    """Put the catalog into the state in which an older version left it: without a column that is derived today."""
    with write_transaction(env) as connection:
        connection.execute(text("UPDATE resource SET issued_year = NULL"))
        if not keep_version:
            connection.execute(text("UPDATE resource SET sets = NULL"))
            connection.execute(text("DELETE FROM resource_set"))
            connection.execute(text("UPDATE publish_state SET value = '{\"version\":\"0\"}' WHERE name = 'derivation'"))


def test_a_new_column_is_filled_once_for_resources_that_did_not_change(env: Environment) -> None:
    put(env, "a:1", "b:1", "b:2", "c:1")
    night(env, ("a:1", "b:1"))
    gone(env, "c:1")
    night(env, ("a:1", "b:1"))  # c:1 is withdrawn; its column is filled all the same
    before = dump(env)
    derived_by_an_older_version(env)
    assert dump(env)["resource"] != before["resource"]
    counts = night(env, ("a:1", "b:1"))
    assert dump(env) == before, "filled, with neither a version nor a new updated_at"
    assert (counts["unchanged"], counts["changed"]) == (2, 0)
    night(env, ("a:1", "b:1"))
    assert dump(env) == before
    derived_by_an_older_version(env, keep_version=True)
    night(env, ("a:1", "b:1"))
    assert {row[7] for row in dump(env)["resource"]} == {None}, "derived by this version already: not looked at again"


def test_columns_are_checked_once_in_a_catalog_without_a_derivation_version(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env)
    before = dump(env)
    with write_transaction(env) as connection:
        connection.execute(text("DELETE FROM publish_state WHERE name = 'derivation'"))
        connection.execute(text("UPDATE resource SET title = NULL"))
    night(env)
    assert dump(env) == before


def test_more_resources_than_one_batch_are_all_filled(lite: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_DERIVATION_BATCH_ROWS", 2)
    put(lite, *(f"a:{number}" for number in range(5)))
    night(lite)
    before = dump(lite)
    derived_by_an_older_version(lite)
    night(lite)
    assert dump(lite) == before


def test_a_changed_derivation_needs_a_new_version() -> None:
    """When this fails, raise _DERIVATION in loaders/publication/rows.py, then write the new values here."""
    record = Resource(
        key="a:1",
        title={"en": "Maths", "fr": "Mathématiques"},
        languages=(Language(tag="fr", origin="declared", confidence=1.0),),
        license=License(
            uri="https://creativecommons.org/licenses/by/4.0/",
            spdx="CC-BY-4.0",
            label=None,
            statement="CC BY",
            origin="record",
            open=True,
        ),
        resource_types=(Concept(source="Video", code="video", label="Video"),),
        url="https://example.org/1",
        issued="2020-05",
        issued_year=2020,
    )
    names = "title language license_uri resource_type url issued issued_year"
    values = "Mathématiques fr https://creativecommons.org/licenses/by/4.0/ video https://example.org/1 2020-05 2020"
    assert f"1: {names} sets" == DERIVATION_VERSION
    assert sets_of(encode_record(record), ["b"]) == '["feed.a","feed.b","language.fr","type.video"]'
    assert " ".join(map(str, derive_columns(encode_record(record)).values())) == values


def test_the_most_trusted_feed_gives_the_record_and_the_best_score_the_quality(env: Environment) -> None:
    put(env, "a:1", score=40)
    put(env, "b:1", score=90)
    night(env, ("a:1", "b:1"), trust={"b": 2})
    row = resource(env, ids(env)["a:1"])
    assert (row.title, row.quality) == ("Fractions b:1", 90)


def test_a_change_makes_a_version_that_describes_it(env: Environment) -> None:
    put(env, "a:1")
    night(env)
    name = ids(env)["a:1"]
    put(env, "a:1", title="Decimals", score=60)
    counts = night(env)
    assert counts["changed"] == 1
    assert ids(env)["a:1"] == name
    assert versions(env, name)[1] == {
        "title": {"from": {"en": "Fractions a:1"}, "to": {"en": "Decimals a:1"}},
        "quality": {"from": 50, "to": 60},
    }


def test_the_id_stays_when_one_member_is_deleted(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env, ("a:1", "b:1"))
    name = ids(env)["a:1"]
    gone(env, "a:1")
    night(env, ("a:1", "b:1"))
    assert ids(env) == {"b:1": name}
    assert resource(env, name).title == "Fractions b:1"
    put(env, "a:1")
    night(env)  # it comes back, and is another work now: the id stays where a member stayed
    named = ids(env)
    assert named["b:1"] == name
    assert named["a:1"] != name


def test_a_resource_without_members_is_withdrawn_and_returns_under_its_id(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env, ("a:1", "b:1"))
    name = ids(env)["a:1"]
    gone(env, "a:1", "b:1")
    assert night(env)["deleted"] == 1
    assert resource(env, name).withdrawn_at is not None
    before = dump(env)
    night(env)
    assert dump(env) == before
    put(env, "b:1")
    night(env)
    assert ids(env) == {"b:1": name}
    assert resource(env, name).withdrawn_at is None
    assert len(versions(env, name)) == 3


def test_the_larger_part_of_a_split_keeps_the_id(env: Environment) -> None:
    put(env, "a:1", "b:1", "c:1")
    night(env, ("a:1", "b:1", "c:1"))
    name = ids(env)["a:1"]
    night(env, ("b:1", "c:1"))
    named = ids(env)
    assert named["b:1"] == named["c:1"] == name
    assert named["a:1"] != name
    assert redirects(env) == {}


def test_an_even_split_leaves_the_id_with_the_smaller_key(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env, ("a:1", "b:1"))
    name = ids(env)["a:1"]
    night(env)
    assert ids(env)["a:1"] == name


def test_a_join_keeps_the_larger_part_then_the_older_id_and_redirects(env: Environment) -> None:
    put(env, "c:1")
    night(env)
    older = ids(env)["c:1"]
    put(env, "a:1", "b:1")
    night(env, ("a:1", "b:1"))
    larger = ids(env)["a:1"]
    put(env, "d:1")
    night(env, ("a:1", "b:1"))
    youngest = ids(env)["d:1"]
    night(env, ("a:1", "b:1"), ("c:1", "d:1"))
    assert ids(env)["d:1"] == older
    assert redirects(env) == {youngest: older}
    night(env, ("a:1", "b:1"), ("a:1", "b:1", "c:1", "d:1")[2:])
    gone(env, "d:1")
    night(env, ("a:1", "b:1", "c:1"))
    assert set(ids(env).values()) == {larger}
    assert redirects(env) == {youngest: larger, older: larger}  # the chain is resolved
    assert resource(env, older).withdrawn_at is not None
    assert versions(env, older)[-1] == {"redirected": larger}


def test_undoing_a_judgement_gives_back_the_redirected_id(env: Environment) -> None:
    for key in ("a:2", "b:2"):  # a night apart, so that a:2 has the older id
        put(env, key)
        night(env)
    apart = ids(env)
    mine, other = apart["a:2"], apart["b:2"]
    for flip in range(1, 4):
        night(env, ("a:2", "b:2"))
        assert ids(env) == {"a:2": mine, "b:2": mine}
        assert redirects(env) == {other: mine}
        night(env)
        assert ids(env) == apart
        assert redirects(env) == {}
        assert resource(env, other).withdrawn_at is None
        told = versions(env, other)
        assert len(told) == 1 + 2 * flip
        assert told[-2] == {"redirected": mine}
        assert told[-1]["withdrawn_at"]["to"] is None
    before = dump(env)
    assert night(env)["unchanged"] == 2
    assert dump(env) == before


@pytest.mark.parametrize("seed", range(4))
def test_merged_resources_get_their_old_ids_back_when_they_are_split(lite: Environment, seed: int) -> None:
    chance = random.Random(seed)
    keys = [f"{feed}:{number}" for feed in "abc" for number in range(3)]
    parts: list[tuple[str, ...]] = []
    while keys:
        parts.append(tuple(keys.pop(chance.randrange(len(keys))) for _ in range(min(len(keys), chance.randint(1, 3)))))
    for some in (parts[::2], parts):  # of two nights
        put(lite, *(key for part in some for key in part))
        night(lite, *map(tuple, map(sorted, some)))
    apart = ids(lite)
    for _ in range(4):
        first, second, *others = chance.sample(parts, len(parts))
        night(lite, *(tuple(sorted(part)) for part in ((*first, *second), *others)))
        assert len(redirects(lite)) == 1
        night(lite, *map(tuple, map(sorted, parts)))
        assert ids(lite) == apart
        assert redirects(lite) == {}


def test_a_record_that_returns_alone_gets_the_id_that_it_had_alone(env: Environment) -> None:
    for key in ("a:1", "b:1"):
        put(env, key)
        night(env)
    apart = ids(env)
    night(env, ("a:1", "b:1"))
    gone(env, "b:1")
    night(env)
    put(env, "b:1")
    night(env)
    assert ids(env) == apart
    assert redirects(env) == {}


def test_an_id_returns_only_where_all_of_its_last_records_are(env: Environment) -> None:
    put(env, "a:1", "a:2", "a:3")
    night(env, ("a:1", "a:2", "a:3"))
    put(env, "b:1", "b:2")
    night(env, ("a:1", "a:2", "a:3"), ("b:1", "b:2"))
    apart = ids(env)
    together = ("a:1", "a:2", "a:3", "b:1", "b:2")
    night(env, together)
    night(env, together[:4])  # b:2 alone was never a resource
    assert redirects(env) == {apart["b:1"]: apart["a:1"]}
    assert ids(env)["b:2"] not in apart.values()
    night(env, together)
    night(env, together[:3], together[3:])
    assert ids(env) == apart


def test_the_older_of_two_ids_returns_and_the_other_redirects_to_it(env: Environment) -> None:
    put(env, "b:1", "b:2")
    night(env, ("b:1", "b:2"))
    older = ids(env)["b:1"]
    night(env)
    younger = ids(env)["b:2"]
    assert younger != older
    put(env, "a:1", "a:2", "a:3")
    night(env, ("a:1", "a:2", "a:3"))
    theirs = ids(env)["a:1"]
    night(env, ("a:1", "a:2", "a:3", "b:1", "b:2"))
    assert redirects(env) == {older: theirs, younger: theirs}
    night(env, ("a:1", "a:2", "a:3"), ("b:1", "b:2"))
    assert (ids(env)["b:1"], ids(env)["a:1"]) == (older, theirs)
    assert redirects(env) == {younger: older}


def set_rows(env: Environment) -> set[tuple[str, str]]:
    with read_transaction(env) as connection:
        return {(row.spec, row.resource_id) for row in connection.execute(text("SELECT * FROM resource_set"))}


def test_the_sets_of_a_resource_follow_its_records(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env)
    one, other = ids(env)["a:1"], ids(env)["b:1"]
    assert set_rows(env) == {("feed.a", one), ("feed.b", other)}
    night(env, ("a:1", "b:1"))
    kept = ids(env)["a:1"]
    assert set_rows(env) == {("feed.a", kept), ("feed.b", kept), *({("feed.a", one), ("feed.b", other)})}
    gone(env, "b:1")
    night(env)
    assert ("feed.b", kept) not in set_rows(env) or kept == other
    gone(env, "a:1")
    night(env)
    assert ("feed.a", kept) in set_rows(env), "who follows a set learns that a resource of it was withdrawn"


def test_a_correction_of_a_resource_follows_its_id_to_another_and_back(env: Environment) -> None:
    for key in ("a:1", "b:1"):
        put(env, key)
        night(env)
    apart = ids(env)
    curate(env, resource_id=apart["b:1"], action="set", path="title.en", value='"Mended"')
    for _ in range(2):
        night(env)
        titles = [resource(env, apart[key]).title for key in ("a:1", "b:1")]
        assert titles == ["Fractions a:1", "Mended"]
        before = dump(env)
        night(env)
        assert dump(env) == before
        night(env, ("a:1", "b:1"))
        assert resource(env, apart["a:1"]).title == "Mended"
        before = dump(env)
        night(env, ("a:1", "b:1"))
        assert dump(env) == before


def test_a_pending_version_is_never_read(env: Environment) -> None:
    put(env, "a:1", "b:1")
    with write_transaction(env) as connection:
        connection.execute(
            update(SourceRecordRow)
            .where(SourceRecordRow.key == "a:1")
            .values(pending_record="{}", pending_status="quarantined")
        )
        connection.execute(
            update(SourceRecordRow)
            .where(SourceRecordRow.key == "b:1")
            .values(status="quarantined", record=None, record_sha256=None)
        )
    night(env, ("a:1", "b:1"))
    assert list(ids(env)) == ["a:1"]
    assert resource(env, ids(env)["a:1"]).title == "Fractions a:1"


def test_members_are_read_again_at_the_publication(env: Environment) -> None:
    put(env, "a:1", "b:1")
    folder = laid(env, "1", FEATURES, PAIRS, [Cluster(keys=("a:1", "b:1"))], (), ())
    gone(env, "b:1")
    put(env, "c:1")
    publish_match(env, begin_publication(env), folder, merge=merge, trust={})
    named = ids(env)
    assert set(named) == {"a:1", "c:1"}
    assert resource(env, named["a:1"]).members == 1


def test_a_correction_holds_until_it_is_undone(env: Environment) -> None:
    put(env, "a:1")
    night(env)
    name = ids(env)["a:1"]
    curate(env, resource_id=name, action="set", path="title.en", value='"Mended"')
    night(env)
    assert resource(env, name).title == "Mended"
    put(env, "a:1", title="Decimals")
    night(env)
    assert resource(env, name).title == "Mended"
    with write_transaction(env) as connection:
        connection.execute(update(CurationRow).values(undone_at="2026-02-01T00:00:00Z"))
    night(env)
    assert resource(env, name).title == "Decimals a:1"


def test_a_correction_that_does_not_fit_is_named_in_the_runs_notes(env: Environment) -> None:
    put(env, "a:1")
    curate(env, key="a:1", action="set", path="odd", value='"x"')
    folder = laid(env, "1", FEATURES, PAIRS, [], (), ())
    run_id = begin_publication(env)
    publish_match(env, run_id, folder, merge=merge, trust={})
    with read_transaction(env) as connection:
        notes = connection.scalar(text("SELECT notes FROM harvest_run WHERE id = :id"), {"id": run_id})
    assert json.loads(notes) == [f"{ids(env)['a:1']}: odd"]


def test_a_withdrawal_by_a_steward_holds_for_records_and_resources(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env)
    named = ids(env)
    curate(env, resource_id=named["a:1"], action="withdraw")
    curate(env, key="b:1", action="withdraw")
    night(env)
    assert resource(env, named["a:1"]).withdrawn_at == "2026-01-01T00:00:00Z"
    assert resource(env, named["b:1"]).withdrawn_at is not None
    before = dump(env)
    night(env)
    assert dump(env) == before


def test_related_resources_are_linked_by_id(env: Environment) -> None:
    put(env, "a:1", "b:1")
    related = [
        ("a:1", "b:1", "hasversion", "edition"),
        ("b:1", "a:1", "isversionof", "edition"),
        ("a:1", "gone:1", "hasversion", "version"),
    ]
    night(env, related=related)
    named = ids(env)

    def relations(key: str) -> Any:
        return json.loads(resource(env, named[key]).record)["relations"]

    assert relations("a:1") == [{"kind": "hasversion", "target": named["b:1"], "variant": "edition"}]
    assert relations("b:1") == [{"kind": "isversionof", "target": named["a:1"], "variant": "edition"}]
    curate(env, action="withdraw", resource_id=named["a:1"])
    night(env, related=related)
    assert relations("b:1") == []
    before = dump(env)
    night(env, related=related)
    assert dump(env) == before


def test_a_link_follows_splits_and_merges_of_its_resources(env: Environment) -> None:
    put(env, "a:1", "b:1", "c:1")
    related = [("a:1", "c:1", "isversionof", "translation"), ("c:1", "a:1", "isversionof", "translation")]
    for clusters in ([("a:1", "b:1")], [], [("a:1", "b:1")], [("b:1", "c:1")], []):
        night(env, *clusters, related=related)
        named = ids(env)
        for key, other in (("a:1", "c:1"), ("c:1", "a:1")):
            (relation,) = json.loads(resource(env, named[key]).record)["relations"]
            assert relation == {"kind": "isversionof", "target": named[other], "variant": "translation"}
    gone(env, "c:1")
    night(env, related=related)
    assert json.loads(resource(env, ids(env)["a:1"]).record)["relations"] == []


def test_pairs_are_rewritten_only_where_they_differ(env: Environment) -> None:
    put(env, "a:1", "b:1", "c:1")
    told = Evidence(field="cluster", seen="only 1 of 2 pairs", weight=0.0)
    first = Match(left_key="a:1", right_key="b:1", probability=0.95, verdict="same")
    second = Match(left_key="b:1", right_key="c:1", probability=0.5, verdict="review", evidence=(told,))
    night(env, matches=[first, second])
    night(env, matches=[replace(second, probability=0.6)])
    with read_transaction(env) as connection:
        rows = connection.execute(select(MatchRow.left_key, MatchRow.probability, MatchRow.review)).all()
    assert [tuple(row) for row in rows] == [("b:1", 0.6, "only 1 of 2 pairs")]


def test_a_cluster_to_review_says_why(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env, ("a:1", "b:1"), review="years contradict")
    assert resource(env, ids(env)["a:1"]).review == "years contradict"


def test_a_failed_publication_leaves_the_catalog_as_it_was(env: Environment) -> None:
    put(env, "a:1", "b:1")
    night(env)
    before = dump(env)
    put(env, "a:1", title="Decimals")
    changed = dump(env)["source_record"]

    def broken(members: Any, corrections: Any, related: Any) -> Merged:
        raise RuntimeError("a bug")

    folder = laid(env, "2", FEATURES, PAIRS, [Cluster(keys=("a:1", "b:1"))], (), ())
    with pytest.raises(RuntimeError, match="a bug"):
        publish_match(env, begin_publication(env), folder, merge=broken, trust={})
    after = dump(env)
    assert {**after, "source_record": None} == {**before, "source_record": None}
    assert after["source_record"] == changed
    assert night(env, ("a:1", "b:1"))["changed"] == 1  # the next one does it all


def test_a_publication_is_done_once(env: Environment) -> None:
    put(env, "a:1")
    folder = laid(env, "1", FEATURES, PAIRS, [], (), ())
    run_id = begin_publication(env)
    counts = publish_match(env, run_id, folder, merge=merge, trust={})
    assert publish_match(env, run_id, folder, merge=merge, trust={}) == counts
    assert read_run(env, run_id).kind == "publish"
    with pytest.raises(state.NothingMatched, match="run the match again"):
        publish_match(env, begin_publication(env), folder, merge=merge, trust={})
    with pytest.raises(WrongRunState):
        publish_match(env, "publish-20200101T000000000000", folder, merge=merge, trust={})


def test_an_outdated_match_is_not_published(env: Environment) -> None:
    put(env, "a:1", "b:1")
    old = laid(env, "1", FEATURES, PAIRS, [Cluster(keys=("a:1", "b:1"))], (), ())
    night(env)  # a steward has decided meanwhile that they are two works, and published it
    apart = dump(env)
    with pytest.raises(state.Outdated, match="was published meanwhile"):
        publish_match(env, begin_publication(env), old, merge=merge, trust={})
    assert dump(env) == apart


def test_two_matches_at_once_do_not_disturb_one_another(env: Environment) -> None:
    put(env, "a:1", "b:1")
    together = laid(env, "1", FEATURES, PAIRS, [Cluster(keys=("a:1", "b:1"))], (), ())
    laid(env, "1", FEATURES, PAIRS, [], (), ())
    publish_match(env, begin_publication(env), together, merge=merge, trust={})
    assert len(set(ids(env).values())) == 1


def test_unpublished_matches_are_deleted_after_some_days(lite: Environment) -> None:
    old, new = (laid(lite, "1", FEATURES, PAIRS, [], (), ()) for _ in range(2))
    before = lite.home / "match" / "found"  # of a version of ours that had one
    before.mkdir()
    for folder in (old, before):
        os.utime(folder, (0, 0))
    laid(lite, "1", FEATURES, PAIRS, [], (), ())
    assert (old.exists(), before.exists(), new.exists()) == (False, False, True)


def test_a_match_that_cannot_be_written_leaves_no_files(lite: Environment) -> None:
    def ends() -> Iterator[Cluster]:
        yield Cluster(keys=("a:1",))
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        laid(lite, "1", FEATURES, PAIRS, ends(), (), ())
    assert list((lite.home / "match").iterdir()) == []


def test_the_pairs_of_a_match_count_only_with_its_publication(lite: Environment, tmp_path: Path) -> None:
    rows = pa.table({"key": ["a:1"], "record_sha256": ["x"]})
    folder = laid(lite, "1", rows, PAIRS, [], (), ())
    assert last(lite, "1", tmp_path) is None
    publish_match(lite, begin_publication(lite), folder, merge=merge, trust={})
    known = last(lite, "1", tmp_path)
    assert known is not None and known.is_published
    assert pq.read_table(known.kept.features.base).equals(rows)
    assert last(lite, "2", tmp_path) is None  # of another matcher
    with write_transaction(lite) as connection:
        connection.execute(text("UPDATE publish_state SET value = '{}'"))  # another catalog
    elsewhere = last(lite, "1", tmp_path)
    assert elsewhere is not None and not elsewhere.is_published


def last(env: Environment, version: str, tmp_path: Path) -> state.LastMatch | None:
    return state.read_last_match(env, version, Path(tempfile.mkdtemp(dir=tmp_path)))


def test_the_files_of_a_match_stay_readable_while_the_next_is_published(lite: Environment, tmp_path: Path) -> None:
    rows = pa.table({"key": ["a:1"], "record_sha256": ["x"]})
    publish_match(lite, begin_publication(lite), laid(lite, "1", rows, PAIRS, [], (), ()), merge=merge, trust={})
    held = last(lite, "1", tmp_path)
    assert held is not None
    folder = laid(lite, "1", rows.slice(0, 0), PAIRS, [], (), ())
    publish_match(lite, begin_publication(lite), folder, merge=merge, trust={})
    assert not (lite.home / "match" / held.kept.features.base.name).exists(), "one match is kept"
    assert pq.read_table(held.kept.features.base).equals(rows)


def test_a_state_of_the_version_before_is_read(lite: Environment, tmp_path: Path) -> None:
    rows = pa.table({"key": ["a:1"], "record_sha256": ["x"]})
    folder = lite.home / "match"
    folder.mkdir(parents=True)
    for name, table in (("features", rows), ("pairs", PAIRS)):
        pq.write_table(table, folder / f"{name}.parquet")
    (folder / "state.json").write_text('{"version": "1", "digest": "0f", "since": null}')
    with write_transaction(lite) as connection:
        write_publish_state(connection, state.MATCH_STATE, '{"digest":"0f"}')
    known = last(lite, "1", tmp_path)
    assert known is not None and known.is_published
    assert pq.read_table(known.kept.features.base).equals(rows)
    publish_match(lite, begin_publication(lite), laid(lite, "1", rows, PAIRS, [], (), ()), merge=merge, trust={})
    assert not (folder / "features.parquet").exists()


def test_a_judgement_stores_the_digests_that_the_matcher_compares(lite: Environment) -> None:
    for key in ("a:1", "b:1"):
        put(lite, key)
    curation.judge(lite, "same", "a:1", "b:1", by="amina", reason="one work")
    (judgement,) = state.read_judgements(lite)
    expected = match_sha256(Resource(key="a:1", title={"en": "Fractions a:1"}, issued_year=2020))
    assert judgement.left_sha256 == expected
    assert judgement.right_sha256 != expected


@pytest.mark.parametrize(
    ("title", "languages", "shown"),
    [
        ({"ar": "الإحصاء الوصفي", "fr": "Statistique descriptive"}, ("fr", "ar"), "Statistique descriptive"),
        ({"en": "Maths", "sr": "Математика"}, ("sr-Latn",), "Математика"),
        ({"en": "Maths", "fr": "Mathématiques"}, ("de",), "Maths"),
        ({"en": "Maths", "fr": "Mathématiques"}, (), "Maths"),
        ({}, ("fr",), None),
    ],
)
def test_the_title_of_a_resource_is_the_one_in_its_own_language(
    title: dict[str, str], languages: tuple[str, ...], shown: str | None
) -> None:
    told = tuple(Language(tag=tag, origin="declared", confidence=1.0) for tag in languages)
    assert derive_columns(encode_record(Resource(key="a:1", title=title, languages=told)))["title"] == shown
