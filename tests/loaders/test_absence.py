"""Absence: a record is deleted when the newest whole lists lack it, worked out from landing alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import catalog, store
from loaders.landing import ask, land
from loaders.store import engine
from schemas import Ask, Environment, Feed, Listing, Page, Reason, Skipped, environment, replace
from tests.catalogs import new_catalog
from tests.loaders.nights import everything, feed, night, on_sqlite, pages, run_counts, sent, stage, staged, states

ETAG = {"https://example.org/api": "a tag"}
NOT_MODIFIED = Page(complete=True, not_modified=True, validators=ETAG)


def source(**more: Any) -> Feed:
    return feed(**{"absent_after": 2, **more})


def live(env: Environment) -> set[str]:
    return {name for name, status in states(env).items() if status == "live"}


def lists(env: Environment, names: str, **more: Any) -> dict[str, int]:
    """Run a night in which the partner lists these records."""
    return night(env, more.pop("source", source()), [sent(name) for name in names], **more)


def unmodified(env: Environment) -> dict[str, int]:
    """Run a night in which the partner says that nothing changed."""
    run = store.begin_run(env, "books")
    land(env.landing, source(), run, [NOT_MODIFIED], ask=ask(env.landing, source()))
    stage(env, run, absent_after=2)
    return run_counts(catalog.load(env, run))


def reprocess(env: Environment, absent_after: int = 2) -> dict[str, int]:
    run = store.begin_run(env, "books", "reprocess")
    stage(env, run, absent_after=absent_after)
    return run_counts(catalog.load(env, run))


def test_a_record_is_deleted_when_two_whole_lists_lack_it(env: Environment) -> None:
    lists(env, "ab")
    before = everything(env)
    assert lists(env, "a") == {"landed": 1, "unchanged": 1}
    assert everything(env) == before, "what waits is in landing only"
    assert lists(env, "a") == {"landed": 2, "unchanged": 1, "deleted": 1}
    after = everything(env)
    assert lists(env, "a") == {"landed": 1, "unchanged": 1}
    assert everything(env) == after


@on_sqlite
@pytest.mark.parametrize("nights", [1, 3])
def test_the_feed_file_says_how_many_lists_it_takes(env: Environment, nights: int) -> None:
    declared = source(absent_after=nights)
    lists(env, "ab", source=declared)
    deleted = [lists(env, "a", source=declared).get("deleted", 0) for _ in range(4)]
    assert deleted == [int(number == nights) for number in range(1, 5)]


@on_sqlite
def test_a_record_that_comes_back_waits_anew(env: Environment) -> None:
    for names in ("ab", "a", "ab", "a"):
        lists(env, names)
    assert live(env) == {"a", "b"}
    lists(env, "b", full=False)
    lists(env, "a")
    assert live(env) == {"a", "b"}, "an increment had it"
    lists(env, "a")
    assert live(env) == {"a"}


@on_sqlite
def test_that_nothing_changed_is_the_same_list_seen_again(env: Environment) -> None:
    lists(env, "ab", validators=ETAG)
    assert unmodified(env) == {}
    assert live(env) == {"a", "b"}
    lists(env, "a", validators=ETAG)
    assert unmodified(env) == {"landed": 1, "deleted": 1}
    before = everything(env)
    assert unmodified(env) == {}
    assert everything(env) == before


@on_sqlite
@pytest.mark.parametrize("skipped", [Skipped(identifier="b", reason="HTTP 500"), Skipped(identifier=None, reason="?")])
def test_what_could_not_be_read_is_not_absent_from_that_list(env: Environment, skipped: Skipped) -> None:
    lists(env, "ab")
    lists(env, "a")
    lists(env, "a", skipped=(skipped,))
    lists(env, "a")
    assert "b" in live(env)
    lists(env, "a")
    assert live(env) == {"a"}


@on_sqlite
def test_a_list_with_repeats_that_may_hide_records_does_not_count(env: Environment) -> None:
    lists(env, "abc")
    run = store.begin_run(env, "books")
    shifted = [
        Page(records=[sent("a")]),
        Page(records=[sent("a")], listing=Listing(page=1)),
        Page(complete=True, full=True),
    ]
    land(env.landing, source(), run, shifted, ask=ask(env.landing, source()))
    stage(env, run, absent_after=2)
    catalog.load(env, run)
    lists(env, "ac")
    assert live(env) == {"a", "b", "c"}
    lists(env, "ac")
    assert live(env) == {"a", "c"}


@on_sqlite
def test_lists_of_an_earlier_source_do_not_count(env: Environment) -> None:
    lists(env, "ab")
    lists(env, "a")
    elsewhere = source(url="https://example.org/v2")
    lists(env, "a", source=elsewhere)
    assert live(env) == {"a", "b"}
    lists(env, "a", source=elsewhere)
    assert live(env) == {"a"}


def test_lists_of_held_runs_count(env: Environment) -> None:
    lists(env, "ab")
    run = staged(env, source(), [sent("a"), sent("c")])
    store.hold_run(env, run, [Reason(code="pipe")])
    assert lists(env, "ac") == {"landed": 3, "added": 1, "unchanged": 1, "deleted": 1}


def test_a_refused_deletion_stays_refused_until_the_record_is_listed_again(env: Environment) -> None:
    lists(env, "ab")
    lists(env, "a")
    run = staged(env, source(), [sent("a")])
    store.hold_run(env, run, [Reason(code="pipe")])
    catalog.refuse(env, run, by="A Steward", reason="their export is incomplete")
    for _ in range(2):
        assert lists(env, "a").get("deleted", 0) == 0
    reprocess(env)
    assert live(env) == {"a", "b"}
    for names in ("ab", "a"):
        lists(env, names)
    assert live(env) == {"a", "b"}
    assert lists(env, "a")["deleted"] == 1


# what is asked next


def waits(env: Environment, **more: Any) -> Ask:
    return ask(env.landing, source(**more))


@on_sqlite
def test_while_an_absence_waits_the_whole_list_is_asked_for(env: Environment) -> None:
    every = source(full_every=50)
    lists(env, "ab", source=every)
    assert not ask(env.landing, every).full
    lists(env, "a", source=every)
    assert ask(env.landing, every).full
    lists(env, "a", source=every)
    assert not ask(env.landing, every).full
    lists(env, "b", source=every, full=False)
    lists(env, "a", source=every)
    assert ask(env.landing, every).full
    lists(env, "b", source=every, full=False)
    assert not ask(env.landing, every).full, "it came back"


@on_sqlite
def test_a_deleted_header_ends_the_wait(env: Environment) -> None:
    every = source(full_every=50)
    lists(env, "ab", source=every)
    lists(env, "a", source=every)
    night(env, every, [sent("b", None)], full=False)
    assert not ask(env.landing, every).full
    assert live(env) == {"a"}


def test_a_conditional_request_is_enough_while_an_absence_waits(env: Environment) -> None:
    lists(env, "ab", validators=ETAG)
    lists(env, "a", validators=ETAG)
    question = ask(env.landing, source())
    assert (question.full, question.validators) == (True, ETAG)


# what a reprocess makes of the same nights

NAMES = "abc"
LIST = st.sets(st.sampled_from(NAMES)).map(lambda names: "".join(sorted(names)))
SKIPPED = st.sampled_from(["", "", "", *NAMES, "?"])
NIGHTS = st.lists(
    st.tuples(
        LIST,
        st.sampled_from(["whole", "whole", "whole", "increment", "unmodified", "cut", "gone"]),
        SKIPPED,
        st.sampled_from(["load", "load", "load", "hold"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=9,
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NIGHTS, st.integers(1, 3))
def test_a_reprocess_gives_the_same_for_any_history_of_nights(nights: list[Any], absent_after: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        env = environment({"ELIB_HOME": str(Path(home))})
        new_catalog(env)
        declared = source(absent_after=absent_after)
        for names, kind, skipped, ending, moved in nights:
            declared = declared.model_copy(update={"url": "https://example.org/v2"}) if moved else declared
            run = store.begin_run(env, "books")
            land(env.landing, declared, run, harvest(names, kind, skipped), ask=Ask())
            stage(env, run, absent_after=absent_after)
            run_counts(store.read_run(env, run).counts)
            if ending == "hold":
                store.hold_run(env, run, ["held by the test"])
            else:
                catalog.load(env, run)
        catalog.load(env, staged(env, declared, [], full=False))
        nightly = live(env)
        reprocess(env, absent_after)
        assert live(env) == nightly, "over the catalog"
        engine(env).dispose()
        (Path(home) / "catalog.db").unlink()
        new_catalog(env)
        reprocess(env, absent_after)
        assert live(env) == nightly, "from nothing"
        engine(env).dispose()


def harvest(names: str, kind: str, skipped: str) -> Iterator[Page]:
    if kind == "unmodified":
        yield NOT_MODIFIED
        return
    unread = () if not skipped else (Skipped(identifier=None if skipped == "?" else skipped, reason="HTTP 500"),)
    records = [sent(name, None if kind == "gone" else "A title") for name in names]
    full = kind in ("whole", "cut")
    for page in pages(records, full=full, complete=kind != "cut"):
        yield replace(page, skipped=unread, validators=ETAG if kind == "whole" else {})
