"""Match features are made when a record is transformed, kept until a publication, and computed again when missing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, insert, update

from loaders.publication import update_features
from loaders.publication.feature_update import FeatureUpdate
from loaders.publication.rows import encode_record, sha256_of
from loaders.store import SourceRecordRow, write_transaction
from pipeline import catalog, matching
from pipeline import feed as tasks
from schemas import Environment, FeatureFiles, Resource, UnusableFile, replace
from tests.pipeline.feeds import declare, listed, night
from transforms import transform_all
from transforms.match import FEATURES, changes, load_features


@pytest.fixture
def loaded(home: Environment) -> Environment:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(12)])
    return home


def files(env: Environment) -> list[Path]:
    return sorted((env.home / "match" / "features").glob("*.parquet"))


class Updates:
    """Features brought up to date again and again, as by nights, with the keys whose features were computed."""

    def __init__(self, env: Environment, tmp_path: Path) -> None:
        self.env, self.tmp_path = env, tmp_path
        self.last: FeatureUpdate | None = None
        self.computed: list[str] = []

    def __call__(self, *, whole: bool = False) -> FeatureUpdate:
        folder = self.tmp_path / f"night-{len(list(self.tmp_path.iterdir()))}"
        folder.mkdir()
        kept, sums = (None, None) if self.last is None else (self.last.features, self.last.sums)
        self.last = update_features(self.env, kept, sums, folder, FEATURES, self.make, whole=whole)
        return self.last

    def make(self, keys: list[str]) -> Iterator[pa.Table]:
        self.computed = keys
        return matching._make_features(self.env, keys)


@pytest.fixture
def updates(loaded: Environment, tmp_path: Path) -> Updates:
    (tmp_path / "nights").mkdir()
    return Updates(loaded, tmp_path / "nights")


def rows_of(features: FeatureFiles) -> pa.Table:
    """The features as the matcher reads them, in the order of idx."""
    import duckdb

    with duckdb.connect() as connection:
        whole = load_features(connection, features).whole
        return connection.sql(f"FROM {whole} ORDER BY idx").to_arrow_table().select(FEATURES.names).cast(FEATURES)


def test_what_transform_keeps_is_what_is_computed_from_the_catalog(loaded: Environment, updates: Updates) -> None:
    kept = rows_of(updates().features)
    assert kept.num_rows == 12 and updates.computed == []
    shutil.rmtree(loaded.home / "match" / "features")
    updates.last = None
    assert rows_of(updates().features).equals(kept)
    assert len(updates.computed) == 12


def test_features_of_another_text_another_version_or_a_broken_file_do_not_count(
    loaded: Environment, updates: Updates
) -> None:
    (path,) = files(loaded)
    kept = pq.read_table(path)
    other_text = kept.set_column(2, "record_sha256", pa.array(["another"] * 12)).cast(FEATURES)
    for unusable in (other_text, kept.cast(FEATURES.with_metadata({"features": "0"}))):
        pq.write_table(unusable, path)
        updates.last, updates.computed = None, []
        updates()
        assert len(updates.computed) == 12
    pq.write_table(kept, path)
    whole = path.read_bytes()
    middle = len(whole) // 3
    for broken in (b"PAR1", whole[:middle] + bytes(200) + whole[middle + 200 :]):
        path.write_bytes(broken)
        updates.last, updates.computed = None, []
        assert updates().sums.records == 12
        assert len(updates.computed) == 12


def put(env: Environment, title: str, *keys: str) -> None:
    """Live accepted records with a title, as a load leaves them."""
    for key in keys:
        record = encode_record(Resource(key=key, title={"en": f"{title} {key}"}, issued_year=2020))
        feed, identifier = key.split(":")
        row: dict[str, Any] = {"key": key, "feed": feed, "identifier": identifier, "format": "oai_dc", "run_id": "run"}
        row |= {"status": "live", "record": record, "record_sha256": sha256_of(record), "score": 50}
        with write_transaction(env) as connection:
            connection.execute(delete(SourceRecordRow).where(SourceRecordRow.key == key))
            connection.execute(insert(SourceRecordRow).values(**row))


def drop(env: Environment, *keys: str) -> None:
    with write_transaction(env) as connection:
        connection.execute(update(SourceRecordRow).where(SourceRecordRow.key.in_(keys)).values(status="deleted"))


def test_many_nights_of_changes_leave_the_features_that_one_night_makes(loaded: Environment, updates: Updates) -> None:
    """Records change, go and come, at both ends and between; only some are written each night."""
    chance = random.Random(3)
    numbers = [f"m:{number:03}" for number in range(0, 240, 2)]
    put(loaded, "Bridges", *numbers)
    first = updates()
    bases = {first.features.base}
    for turn in range(12):
        put(loaded, f"Bridges {turn}", *chance.sample(numbers, 3), f"m:{chance.randrange(240):03}", f"z:{turn}")
        put(loaded, "Arches", f"a:{turn}", f"m:{turn:03}-a", f"m:{turn:03}-b")
        drop(loaded, *chance.sample(numbers, 2))
        before = rows_of(updates.last.features) if updates.last else None
        updated = updates()
        bases.add(updated.features.base)
        assert len(updated.features.names().base) and len(updates.computed) < 10
        now = rows_of(updated.features)
        assert before is not None and updated.fresh is not None and updated.gone is not None
        expected = changes(before, now)
        assert updated.fresh.to_pylist() == expected.fresh.to_pylist()
        assert sorted(updated.gone["key"].to_pylist()) == sorted(expected.gone["key"].to_pylist())
    alone = Updates(loaded, updates.tmp_path)
    once = alone()
    assert rows_of(once.features).equals(rows_of(updated.features)), "in the order of the keys"
    assert once.sums == updated.sums
    assert 1 < len(bases) < 8, "now and then a new base is written, and never every night"
    merged = updates(whole=True)
    assert merged.features.changed is None and rows_of(merged.features).equals(rows_of(once.features))


def test_a_night_without_changes_writes_no_features(updates: Updates) -> None:
    first = updates()
    second = updates()
    assert second.features == first.features and second.sums == first.sums
    assert second.fresh is not None and second.gone is not None
    assert second.fresh.to_pylist() == [] and second.gone.num_rows == 0
    assert [path.name for path in second.features.base.parent.glob("features-*")] == [first.features.base.name]


def test_a_match_in_buckets_finds_what_one_in_memory_finds(
    loaded: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(loaded, "films")
    night(loaded, "films", [listed("films", number, name=f"Lesson {number % 3}") for number in range(12)])
    whole = catalog.match()
    monkeypatch.setenv(matching.BUCKETS_VARIABLE, "1")
    in_buckets = catalog.match()
    assert in_buckets["evaluated"] == whole["evaluated"] == 24
    found, expected = (loaded.home / matched["folder"] for matched in (in_buckets, whole))
    for name in ("matches.jsonl", "found.json", "across.json"):
        assert (found / name).read_bytes() == (expected / name).read_bytes()
    names = {path.name.partition("-")[0] for path in (loaded.home / "match").iterdir()}
    assert names == {"features", "found"}, "no scratch is left"


def test_the_tasks_of_a_match_in_buckets_can_be_tried_again(
    loaded: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = catalog.match()
    assert catalog.begin_match()["jobs"] == [], "a small catalog is matched at once"
    monkeypatch.setenv(matching.BUCKETS_VARIABLE, "1")
    killed = catalog.begin_match()["jobs"]
    begun = catalog.begin_match()
    assert begun["matched"] is None
    (job,) = begun["jobs"]
    with pytest.raises(UnusableFile, match="another match has begun"):
        catalog.score_bucket(killed[0])
    catalog.score_bucket(job)
    catalog.score_bucket(job)
    joined = catalog.join_match(begun["jobs"])
    assert catalog.join_match(begun["jobs"])["folder"] == joined["folder"]
    for name in ("matches.jsonl", "found.json", "across.json"):
        assert (loaded.home / joined["folder"] / name).read_bytes() == (
            loaded.home / whole["folder"] / name
        ).read_bytes()
    assert catalog.publish(joined)["added"] == 12
    assert {path.suffix for path in (loaded.home / job["folder"]).iterdir()} == {".json"}, "no scratch is left"


def test_a_number_of_records_that_is_none_is_named(loaded: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(matching.BUCKETS_VARIABLE, "2 million")
    with pytest.raises(ValueError, match="ELIB_MATCH_BUCKETS_ABOVE is '2 million'; give a number of records"):
        catalog.match()


def test_an_exception_while_features_are_made_rejects_one_record_by_name(loaded: Environment) -> None:
    """No partner's record is known to raise one, so that a record is made which no crosswalk makes."""
    feed = tasks.load_feed(loaded, "books")
    good = list(transform_all([listed("books", number) for number in range(3)], feed))
    assert good[1].resource is not None
    far = replace(good[1], resource=replace(good[1].resource, issued_year=10**12))
    parts: list[pa.Table] = []
    made = list(tasks._with_features([good[0], far, good[2]], parts))
    assert pa.concat_tables(parts)["key"].to_pylist() == ["books:0", "books:2"]
    assert [made[0], made[2]] == [good[0], good[2]]
    assert made[1].rejection and made[1].resource is None
    assert made[1].rejection.key == "books:1" and "OverflowError" in made[1].rejection.reason


def test_a_publication_deletes_the_features_that_it_took_up(loaded: Environment) -> None:
    matched = catalog.match()
    assert len(files(loaded)) == 1
    catalog.publish(matched)
    assert files(loaded) == []
    assert catalog.match(full=True)["evaluated"] == 12
