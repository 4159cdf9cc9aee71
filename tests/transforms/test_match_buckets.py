"""A match in files and in buckets finds the pairs and clusters of one in memory, however it is cut and repeated."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.made_catalog import MadeCatalog
from schemas import PLACES_BETWEEN, FeatureFiles, Judgement
from tests.transforms.test_match_nights import SMALL, night, some_record
from transforms.match import (
    Live,
    Matching,
    Resources,
    bound,
    changes,
    cluster,
    cluster_files,
    features,
    find_links,
    join_buckets,
    match,
    match_files,
    plan_buckets,
    score_bucket,
    scoring,
)
from transforms.rules import apply_catalog_rules


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    """Features of a made catalog, and of records that share titles and identifiers with many."""
    chance = random.Random(4)
    crowd = [some_record(chance, f"f{number % 3}:{number}") for number in range(150)]
    return features([*(live for live, _ in MadeCatalog(7).records(1200)), *crowd])


def stored(rows: pa.Table, folder: Path) -> FeatureFiles:
    pq.write_table(rows, folder / "features.parquet", row_group_size=500)
    return FeatureFiles(folder / "features.parquet")


def judged(rows: pa.Table) -> list[Judgement]:
    """Two judgements of records that have nothing in common, and one of a record that is not there."""
    keys = rows["key"].to_pylist()
    pairs = [(keys[0], keys[700]), (keys[3], keys[-1]), (keys[1], "gone:1")]
    return [
        Judgement(left_key=left, right_key=right, verdict="same", by="Amina", at="2026-01-01T00:00:00Z", reason="read")
        for left, right in pairs
    ]


@pytest.mark.parametrize(("block", "per_bucket"), [(100, 10_000), (100, 400), (12, 100)])
def test_the_pairs_of_all_buckets_are_those_of_one_match(
    rows: pa.Table, tmp_path: Path, block: int, per_bucket: int
) -> None:
    resources = Resources(block=block, folder=tmp_path)
    expected = match(rows, judgements=judged(rows), resources=resources)
    buckets = tmp_path / "buckets"
    buckets.mkdir()
    numbers = plan_buckets(
        stored(rows, tmp_path), buckets, judgements=judged(rows), resources=resources, records_per_bucket=per_bucket
    )
    assert len(numbers) == min(-(-rows.num_rows // per_bucket), len(numbers)) >= min(3, -(-rows.num_rows // per_bucket))
    for number in numbers:
        score_bucket(buckets, number, resources=resources)
    counts = join_buckets(buckets, tmp_path / "pairs.parquet", resources=resources)
    assert pq.read_table(tmp_path / "pairs.parquet").equals(expected.pairs)
    assert Matching(expected.pairs, *counts) == expected


def test_the_pairs_of_records_that_are_joined_some_at_a_time_are_those_of_one_join(
    rows: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = match(rows, judgements=judged(rows))
    monkeypatch.setattr(bound, "NARROW_TILE_RECORDS", 500)
    monkeypatch.setattr(bound, "TILE_RECORDS", 90)
    monkeypatch.setattr(scoring, "SCORED_PAIRS", 70)
    counts = match_files(stored(rows, tmp_path), tmp_path / "pairs.parquet", judgements=judged(rows))
    assert Matching(pq.read_table(tmp_path / "pairs.parquet"), *counts) == at_once


def test_a_bucket_scored_again_is_the_same_and_one_that_was_not_is_named(rows: pa.Table, tmp_path: Path) -> None:
    resources = Resources(folder=tmp_path)
    buckets = tmp_path / "buckets"
    buckets.mkdir()
    first, *others = plan_buckets(stored(rows, tmp_path), buckets, resources=resources, records_per_bucket=300)
    score_bucket(buckets, first, resources=resources)
    once = {path.name: path.read_bytes() for path in (buckets / "found").iterdir()}
    (buckets / "found" / f".{first}.tmp").write_bytes(b"half of a file, as a killed task leaves it")
    score_bucket(buckets, first, resources=resources)
    assert {path.name: path.read_bytes() for path in (buckets / "found").iterdir()} == once
    with pytest.raises(FileNotFoundError, match=f"bucket {others[0]} has not been scored"):
        join_buckets(buckets, tmp_path / "pairs.parquet", resources=resources)
    assert [path for path in tmp_path.iterdir() if path.name.startswith("match-")] == [], "nothing spilled is left"


def test_a_match_of_files_makes_the_clusters_of_one_in_memory(rows: pa.Table, tmp_path: Path) -> None:
    resources, files = Resources(folder=tmp_path), stored(rows, tmp_path)
    decided = judged(rows)
    expected = match(rows, judgements=decided)
    counts = match_files(files, tmp_path / "pairs.parquet", judgements=decided, resources=resources)
    assert pq.read_table(tmp_path / "pairs.parquet").equals(expected.pairs)
    assert counts == expected[1:]
    links = find_links(files, tmp_path)
    assert links == find_links(rows) and links.links
    one_to_one = frozenset({"f1"})
    clusters = cluster(expected.pairs, rows, decided, one_to_one, links.links)
    assert cluster_files(tmp_path / "pairs.parquet", files, tmp_path, decided, one_to_one, links.links) == clusters
    assert list(apply_catalog_rules(files, tmp_path)) == list(apply_catalog_rules(rows))


def overlaid(before: pa.Table, now: pa.Table, folder: Path) -> FeatureFiles:
    """The features of now as a night leaves them: those of before in the base, and beside it what is different."""
    names = before["key"].to_pylist()
    earlier = dict(zip(names, before["digest"].to_pylist(), strict=True))
    digests = dict(zip(now["key"].to_pylist(), now["digest"].to_pylist(), strict=True))
    gone = [row for row, key in enumerate(names) if digests.get(key) != earlier[key]]
    changed = [row for row, key in enumerate(now["key"].to_pylist()) if earlier.get(key) != digests[key]]
    fresh = now.take(changed)
    places = [place(key, names, later) for later, key in enumerate(fresh["key"].to_pylist())]
    pq.write_table(before, folder / "base.parquet")
    pq.write_table(fresh.append_column("idx", pa.array(places, pa.int64())), folder / "changed.parquet")
    pq.write_table(pa.table({"row": pa.array(gone, pa.int64())}), folder / "gone.parquet")
    return FeatureFiles(folder / "base.parquet", folder / "changed.parquet", folder / "gone.parquet")


def place(key: str, names: list[str], later: int) -> int:
    before = sum(name <= key for name in names)
    return before * PLACES_BETWEEN + (0 if key in names else later + 1)


@pytest.mark.parametrize("seed", range(6))
def test_nights_in_files_give_the_pairs_of_a_full_match(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    live: dict[str, Live] = {}
    for _ in range(3):
        live = night(chance, live)
    before = features(live.values())
    live = night(chance, live)
    now = features(live.values())
    known = match(before, resources=SMALL).pairs
    pq.write_table(known, tmp_path / "known.parquet")
    match_files(
        overlaid(before, now, tmp_path),
        tmp_path / "pairs.parquet",
        since=changes(before, now),
        known=tmp_path / "known.parquet",
        resources=SMALL._replace(folder=tmp_path),
    )
    assert pq.read_table(tmp_path / "pairs.parquet").equals(match(now, resources=SMALL).pairs)
