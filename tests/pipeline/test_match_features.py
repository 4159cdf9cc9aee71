"""Match features are made when a record is transformed, kept until a publication, and computed again when missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders.publication import stored_features
from loaders.publication.match_state import live_versions
from pipeline import catalog, matching
from pipeline import feed as tasks
from schemas import Environment, replace
from tests.pipeline.feeds import declare, listed, night
from transforms import transform_all
from transforms.match import FEATURES


@pytest.fixture
def loaded(home: Environment) -> Environment:
    declare(home, "books")
    night(home, "books", [listed("books", number) for number in range(12)])
    return home


def files(env: Environment) -> list[Path]:
    return sorted((env.home / "match" / "features").glob("*.parquet"))


def test_what_transform_keeps_is_what_is_computed_from_the_catalog(loaded: Environment) -> None:
    versions = live_versions(loaded)
    kept = stored_features(loaded, versions, FEATURES)
    assert kept.num_rows == len(versions) == 12
    shutil.rmtree(loaded.home / "match" / "features")
    assert stored_features(loaded, versions, FEATURES).num_rows == 0
    assert matching._live_features(loaded, versions).equals(kept.sort_by("key"))


def test_features_of_another_text_another_version_or_a_broken_file_do_not_count(loaded: Environment) -> None:
    versions = live_versions(loaded)
    (path,) = files(loaded)
    assert stored_features(loaded, dict.fromkeys(versions, "another"), FEATURES).num_rows == 0
    older = FEATURES.with_metadata({"features": "0"})
    pq.write_table(pq.read_table(path).cast(older), path)
    assert stored_features(loaded, versions, FEATURES).num_rows == 0
    path.write_bytes(b"PAR1")
    assert stored_features(loaded, versions, FEATURES).num_rows == 0
    assert matching._live_features(loaded, versions).num_rows == 12


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
    assert made[1].rejection.key == "books:1" and "ArrowInvalid" in made[1].rejection.reason


def test_a_publication_deletes_the_features_that_it_took_up(loaded: Environment) -> None:
    matched = catalog.match()
    assert len(files(loaded)) == 1
    catalog.publish(matched)
    assert files(loaded) == []
    assert catalog.match(full=True)["evaluated"] == 12
