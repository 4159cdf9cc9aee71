"""A night in which nothing changed is not matched or published again, and any change is; on both databases."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, text, update

from loaders import store
from loaders.curation import curation
from loaders.publication import begin_publication, publish_match
from loaders.store import HarvestRunRow, ResourceRow, SourceRecordRow, read_transaction, write_transaction
from pipeline import catalog, feed
from schemas import Environment
from tests.installation import KeptInstallation, kept_installation
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, land_only, listed, night
from transforms.merge import merge

BY = {"by": "A Steward", "reason": "looked at it"}
TABLES = (
    "source_record",
    "resource",
    "resource_set",
    "resource_version",
    "redirect",
    "match",
    "issue",
    "publication",
    "publish_state",
    "catalog_change",
)


def everything(env: Environment) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows(env, table) for table in TABLES}


def is_skipped(matched: dict[str, Any]) -> bool:
    return matched["folder"] is None


def published(env: Environment, *, full: bool = False) -> bool:
    """Match and publish; return whether there was nothing to do."""
    matched = catalog.match(full=full)
    catalog.publish(matched)
    return is_skipped(matched)


def settle(env: Environment) -> None:
    """Publish what there is, and see that the next night has nothing to do."""
    published(env)
    assert published(env), "everything is published"


def fill(library: Environment) -> None:
    """Publish four records of which two are one work."""
    declare(library, "books")
    night(library, "books", [listed("books", number) for number in range(3)])
    declare(library, "films")
    night(library, "films", [listed("films", 0, name="Photosynthesis for class 1, a workbook of books")])
    settle(library)


kept = kept_installation(fill)


@pytest.fixture
def quiet(kept: KeptInstallation) -> Iterator[Environment]:
    """A library of four records of which two are one work, all published."""
    with kept.begun() as library:
        yield library


def test_a_night_without_a_change_says_which_publication_holds_and_counts_as_the_whole_work(
    quiet: Environment,
) -> None:
    before = everything(quiet)
    published(quiet, full=True)
    assert everything(quiet) == before, "the whole work changes nothing"
    counts = "listed, landed, added, changed, unchanged, deleted, duplicates, notes"
    whole = rows(quiet, "harvest_run", f"id, {counts}")[-1]
    assert published(quiet)
    assert everything(quiet) == before
    *_, (name, base, *skipped) = rows(quiet, "harvest_run", f"id, base_run_id, {counts}")
    assert base == whole[0] and name > base
    assert skipped == list(whole[1:])


def reload(env: Environment, **more: Any) -> None:
    night(env, "books", [listed("books", 0, **more), *(listed("books", number) for number in (1, 2))])


def correct(env: Environment) -> None:
    curation.record_correction(env, "books:1", "title.en", '"Corrected"', **BY)


def undo(env: Environment) -> None:
    number = curation.withdraw(env, "books:2", **BY)
    settle(env)
    curation.undo_curation(env, number, **BY)


def write(env: Environment, statement: Any) -> None:
    with write_transaction(env) as connection:
        connection.execute(statement)


def lose_a_trigger(env: Environment) -> None:
    on = ' ON "judgement"' if env.catalog_url.startswith("postgresql") else ""
    write(env, text(f"DROP TRIGGER change_of_judgement_insert{on}"))


def upgrade(env: Environment) -> None:
    """The state that another version of the code left."""
    with write_transaction(env) as connection:
        value = connection.scalar(text("SELECT value FROM publish_state WHERE name = 'published_from'"))
        other = value.replace('"inputs":"', '"inputs":"0')
        statement = text("UPDATE publish_state SET value = :value WHERE name = 'published_from'")
        connection.execute(statement, {"value": other})


def damage(env: Environment) -> None:
    (features,) = (env.home / "match").glob("features-*.parquet")
    features.write_bytes(b"PAR1")


CHANGES: dict[str, Callable[[Environment], Any]] = {
    "another title": lambda env: reload(env, name="Photosynthesis, second edition"),
    "a record less": lambda env: night(env, "books", [listed("books", number) for number in (0, 1)]),
    "a new record": lambda env: night(env, "books", [listed("books", number) for number in range(4)]),
    "a correction": correct,
    "a withdrawal": lambda env: curation.withdraw(env, "books:2", **BY),
    "an undone withdrawal": undo,
    "a judgement": lambda env: curation.judge(env, "different", "books:0", "films:0", **BY),
    "another trust": lambda env: declare(env, "films", "trust = 90\n"),
    "another partner": lambda env: (env.feeds / "films.toml").write_text(
        (env.feeds / "films.toml").read_text().replace("Example University", "Another")
    ),
    "another feed": lambda env: declare(env, "songs"),
    "code of another version": upgrade,
    "a lost match": lambda env: (env.home / "match" / "state.json").unlink(),
    "a damaged match": damage,
    "a resource changed by hand": lambda env: write(env, update(ResourceRow).values(record_sha256="00")),
    "a record deleted by hand": lambda env: write(env, delete(SourceRecordRow).where(SourceRecordRow.key == "books:2")),
    "a held run": lambda env: write(
        env, update(HarvestRunRow).where(HarvestRunRow.feed == "films").values(status="held")
    ),
    "a lost row of the counter": lambda env: write(env, text("DELETE FROM catalog_change")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_is_matched_and_published(quiet: Environment, change: Callable[[Environment], Any]) -> None:
    change(quiet)
    assert not published(quiet)
    after = everything(quiet)
    published(quiet, full=True)
    assert everything(quiet) == after, "the whole work finds nothing more"


def test_a_catalog_that_has_lost_a_trigger_is_matched_every_night(quiet: Environment) -> None:
    lose_a_trigger(quiet)
    assert not published(quiet)
    assert not published(quiet)


def test_what_concerns_no_publication_does_not_cause_one(quiet: Environment) -> None:
    reload(quiet)
    write(quiet, update(SourceRecordRow).values(datestamp="2026-02-02"))
    assert published(quiet)


def test_a_load_between_match_and_publication_is_published_that_night(quiet: Environment) -> None:
    matched = catalog.match()
    assert is_skipped(matched)
    reload(quiet, name="Photosynthesis, second edition")
    assert catalog.publish(matched)["changed"] == 1
    assert published(quiet)


def test_a_load_while_a_match_runs_is_published_the_night_after(quiet: Environment) -> None:
    matched = catalog.match(full=True)
    night(quiet, "books", [listed("books", number) for number in range(4)])
    catalog.publish(matched)
    assert not published(quiet)
    assert published(quiet)


def test_a_publication_that_was_killed_before_its_last_step_is_not_taken_for_done(quiet: Environment) -> None:
    reload(quiet, name="Photosynthesis, second edition")
    matched = catalog.match()
    publish_match(quiet, begin_publication(quiet), quiet.home / matched["folder"], merge=merge, trust={})
    # here its process ends, before the issues over the whole catalog are written
    assert not published(quiet)
    assert published(quiet)


def test_the_log_says_that_another_version_of_the_software_published_last(
    quiet: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade(quiet)
    assert not published(quiet)
    assert "every night, it means that workers have different versions" in caplog.text
    caplog.clear()
    assert published(quiet)
    assert "different versions" not in caplog.text


def test_the_log_says_that_another_version_matched_than_publishes(
    quiet: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    reload(quiet, name="Photosynthesis, second edition")
    matched = catalog.match()
    read = quiet.home / matched["folder"] / "read.json"
    state = json.loads(read.read_bytes())
    read.write_text(json.dumps(state | {"inputs": f"0{state['inputs']}", "worker": "w1.test, process 12"}))
    catalog.publish(matched)
    assert "matched by w1.test, process 12 with another version of this software" in caplog.text
    assert not published(quiet), "as often as workers of different versions share a night"


def test_the_log_says_that_another_version_normalizes_than_began_the_run(
    quiet: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    run = land_only(quiet, "books", [listed("books", 0, name="Another title")])
    write(quiet, update(HarvestRunRow).where(HarvestRunRow.id == run).values(transform_version="000000000000"))
    feed.run_feed("books", run)
    assert "books: the run was begun with another version of this software" in caplog.text


@pytest.mark.parametrize("fault", [lambda home: home / "match" / "state.json", lambda home: home / "search"])
def test_an_error_after_a_publication_leaves_it_to_the_next_try(
    quiet: Environment, fault: Callable[[Path], Path]
) -> None:
    """A file that cannot be written: that of the match kept for the next night, or of the search index."""
    reload(quiet, name="Photosynthesis, second edition")
    matched, path = catalog.match(), fault(quiet.home)
    remove(path)
    path.mkdir() if path.suffix else path.write_text("a file in the place of a folder")
    with pytest.raises(catalog.PublicationUnfinished, match=r"^The catalog is published, but what follows is not done"):
        catalog.publish(matched)
    ran = rows(quiet, "harvest_run WHERE kind = 'publish'", "id, status, changed")
    assert ran[-1][1:] == ("loaded", 1)
    remove(path)
    assert catalog.publish(matched)["changed"] == 1
    assert rows(quiet, "harvest_run WHERE kind = 'publish'", "id, status, changed") == ran
    assert published(quiet), "everything of it is done"


def test_what_was_published_by_a_declaration_that_is_taken_back_is_published_again(quiet: Environment) -> None:
    """A feed is trusted more for as long as a publication lasts, whose last steps are done by a second try."""
    reload(quiet, name="Photosynthesis, second edition")
    matched, state_file = catalog.match(), quiet.home / "match" / "state.json"
    declare(quiet, "books", "trust = 90\n")
    remove(state_file)
    state_file.mkdir()
    with pytest.raises(catalog.PublicationUnfinished):
        catalog.publish(matched)
    declare(quiet, "books")
    remove(state_file)
    catalog.publish(matched)
    assert not published(quiet)
    assert published(quiet)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def test_the_seconds_of_a_report_are_those_of_the_publication_that_it_tells_of(quiet: Environment) -> None:
    catalog.report()
    reload(quiet, name="Photosynthesis, second edition")
    remove(quiet.home / "match" / "published.json")
    (quiet.home / "match" / "published.json").mkdir()  # so that the publication fails before it writes
    with pytest.raises(OSError, match=r"published\.json"):
        catalog.publish(catalog.match())
    catalog.report()
    catalog.report()
    *_, good, failed = rows(quiet, "harvest_run WHERE kind = 'publish'", "id, status, measures")
    assert (good[1], failed[1]) == ("loaded", "failed")
    assert set(store.decode_measures(failed[2]).seconds) == {"report"}


def test_a_night_that_lists_nothing_reads_no_record_of_the_catalog(quiet: Environment) -> None:
    before = everything(quiet)
    run = store.begin_run(quiet, "books", version="1")
    counts = feed.run_feed("books", run)
    assert (counts["landed"], counts["unchanged"]) == (0, 0)
    assert pq.read_metadata(quiet.staging / run / "state.parquet").num_rows == 0
    assert everything(quiet) == before
    _, counts = night(quiet, "books", [listed("books", number) for number in range(4)])
    assert (counts["unchanged"], counts["added"]) == (3, 1)


def random_change(env: Environment, chance: random.Random) -> None:
    """Something that may happen between two nights, or nothing."""
    with read_transaction(env) as connection:
        live = sorted(connection.scalars(text("SELECT key FROM source_record WHERE status = 'live'")))
    kind = chance.randrange(6)
    if kind < 3:
        numbers = [number for number in range(6) if chance.random() < 0.7]
        name = chance.choice(("books", "films"))
        titles = [f"{chance.choice(('Fractions', 'Volcanoes'))} for class {number % 3 + 1}" for number in numbers]
        night(env, name, [listed(name, number, name=title) for number, title in zip(numbers, titles, strict=True)])
    elif kind == 3 and len(live) > 1:
        curation.judge(env, chance.choice(("same", "different")), *sorted(chance.sample(live, 2)), **BY)
    elif kind == 4 and live:
        with suppress(curation.CannotDecide):  # it is withdrawn already
            curation.withdraw(env, chance.choice(live), **BY)


@pytest.mark.parametrize("seed", range(2))
def test_random_nights_leave_what_nights_of_the_whole_work_leave(library: Environment, seed: int) -> None:
    declare(library, "films")
    chance = random.Random(seed)
    skipped = 0
    for _ in range(6):
        random_change(library, chance)
        skipped += published(library)
        after = everything(library)
        published(library, full=True)
        assert everything(library) == after
    assert skipped < 6
