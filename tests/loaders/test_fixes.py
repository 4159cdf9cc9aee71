"""What a partner has to fix: new, standing, fixed and come back since the last night, by rule and in pages."""

from __future__ import annotations

from collections import Counter

import msgspec
import pyarrow.parquet as pq
from sqlalchemy import event, text

from loaders import catalog
from loaders.browse import (
    UNREADABLE_RULE,
    Fix,
    FixFilter,
    FixGroup,
    all_fixes,
    fix_groups,
    fix_page,
    last_night,
    nights_after,
    record_fixes,
)
from loaders.catalog import undo_log_path
from loaders.store import read_transaction, write_transaction
from schemas import Environment
from tests.loaders.nights import feed, night, on_sqlite, rows, sent, staged

NOTES = FixFilter(rule="note", severity="warning")


def groups(env: Environment, name: str = "books") -> dict[str, FixGroup]:
    with read_transaction(env) as connection:
        return {group.rule: group for group in fix_groups(connection, name, last_night(connection, name))}


def listed(env: Environment, chosen: FixFilter = NOTES, name: str = "books") -> list[Fix]:
    with read_transaction(env) as connection:
        since = last_night(connection, name)
    return list(all_fixes(env, name, [chosen], since))


def states(env: Environment, **chosen: str) -> dict[str, str]:
    return {fix.value: fix.state for fix in listed(env, msgspec.structs.replace(NOTES, **chosen))}


def test_a_finding_is_new_standing_fixed_and_comes_back(env: Environment) -> None:
    assert groups(env) == {}
    night(env, feed(), [sent("r1", notes=["x", "y"])])
    assert groups(env)["note"] == FixGroup(rule="note", severity="warning", new=2)
    night(env, feed(), [sent("r1", notes=["y", "z"])])
    assert groups(env)["note"] == FixGroup(rule="note", severity="warning", new=1, standing=1, fixed=1)
    assert states(env) == {"y": "standing", "z": "new"} and states(env, state="fixed") == {"x": "fixed"}
    night(env, feed(), [sent("r1", notes=["x", "y", "z", "w"])])
    assert groups(env)["note"] == FixGroup(rule="note", severity="warning", new=1, back=1, standing=2)
    assert states(env, state="back") == {"x": "back"} and states(env, state="new") == {"w": "new"}
    assert states(env, state="standing") == {"y": "standing", "z": "standing"}
    night(env, feed(), [sent("r1", notes=["x", "y", "z", "w"])])
    assert groups(env)["note"].standing == 4, "a night without a change makes everything stand"
    assert states(env, state="back") == {} and states(env, state="other") == {}


@on_sqlite
def test_a_week_tells_what_each_of_its_nights_found(env: Environment) -> None:
    night(env, feed(), [sent("r1", notes=["x"])])
    with read_transaction(env) as connection:
        told = last_night(connection, "books")
        assert told is not None and nights_after(connection, "books", told.last) is None
    night(env, feed(), [sent("r1", notes=["x", "y"])])
    night(env, feed(), [sent("r1", notes=["x", "y", "z"])])
    with read_transaction(env) as connection:
        (since,) = fix_groups(connection, "books", nights_after(connection, "books", told.last))
        (ever,) = fix_groups(connection, "books", nights_after(connection, "books", None))
    assert (since.new, since.standing) == (2, 1) and ever.new == 3


def test_what_a_publication_finds_is_new_until_the_feeds_next_night(env: Environment) -> None:
    night(env, feed(), [sent("r1", notes=["x"])])
    with read_transaction(env) as connection:
        since = last_night(connection, "books")
    assert since is not None
    published = f"publish-{since.first.rpartition('-')[2][:-1]}9"
    change = f"UPDATE issue SET scope = 'catalog', first_run_id = '{published}', run_id = '{published}'"
    with write_transaction(env) as connection:
        connection.execute(text(change))
    assert groups(env)["note"].new == 1 and states(env, state="new") == {"x": "new"}
    assert states(env, state="standing") == {}
    night(env, feed(), [sent("r1", notes=["x"]), sent("r2")])
    assert groups(env)["note"].standing == 1 and states(env, state="standing") == {"x": "standing"}


def test_a_list_is_paged_newest_first_and_names_title_and_identifier(env: Environment) -> None:
    night(env, feed(), [sent(f"r{n}", f"Title {n}", notes=["x"]) for n in range(7)])
    night(env, feed(), [sent(f"r{n}", f"Title {n}", notes=["x"]) for n in range(9)])
    seen: list[Fix] = []
    with read_transaction(env) as connection:
        since = last_night(connection, "books")
        while page := fix_page(connection, "books", NOTES, since, after=seen[-1].place if seen else None, limit=2):
            seen += page
    assert [fix.state for fix in seen] == ["new", "new", *["standing"] * 7]
    assert Counter(fix.identifier for fix in seen) == Counter(f"r{n}" for n in range(9))
    assert all(fix.title == f"Title {fix.identifier[1:]}" for fix in seen)
    assert seen == listed(env)


@on_sqlite
def test_feeds_whose_names_begin_alike_do_not_see_each_other(env: Environment) -> None:
    for name in ("books", "books_2", "publish_x"):
        night(env, feed(name), [sent("a:b#c", name=name, notes=[name])])
    for name in ("books", "books_2", "publish_x"):
        (fix,) = listed(env, name=name)
        assert (fix.identifier, fix.value, fix.state) == ("a:b#c", name, "new")


def test_a_record_that_could_not_be_read_is_a_group_of_its_own(env: Environment) -> None:
    unreadable = FixFilter(rule=UNREADABLE_RULE, severity="error")
    night(env, feed(), [sent("r1"), sent("r2", unreadable=True)])
    assert groups(env)[UNREADABLE_RULE] == FixGroup(rule=UNREADABLE_RULE, severity="error", new=1)
    night(env, feed(), [sent("r1", "Known", unreadable=True), sent("r2", unreadable=True)])
    assert {fix.identifier: (fix.state, fix.title) for fix in listed(env, unreadable)} == {
        "r1": ("new", "A title"),
        "r2": ("standing", ""),
    }
    standing = listed(env, msgspec.structs.replace(unreadable, state="standing"))
    assert [fix.identifier for fix in standing] == ["r2"]
    assert [fix.value for fix in standing] == ["unreadable at $.title"]


@on_sqlite
def test_the_findings_of_a_record_are_errors_first(env: Environment) -> None:
    night(env, feed(), [sent("r1", "bad title", notes=["x"]), sent("r2", notes=["x"])])
    with read_transaction(env) as connection:
        found = record_fixes(connection, "books:r1", last_night(connection, "books"))
    assert [(fix.rule, fix.title) for fix in found] == [("title_bad", "bad title"), ("note", "bad title")]


def test_undoing_a_night_forgets_that_a_finding_came_back(env: Environment) -> None:
    for notes in (["x"], [], ["x"]):
        night(env, feed(), [sent("r1", notes=notes)])
    assert groups(env)["note"].back == 1
    run = max(run for (run,) in rows(env, "harvest_run", "id"))
    catalog.undo(env, run, by="Amina", reason="a try")
    assert rows(env, "issue", "came_back") in ([(False,)], [(0,)]) and "note" not in groups(env)


@on_sqlite
def test_a_night_before_the_update_can_be_undone(env: Environment) -> None:
    night(env, feed(), [sent("r1", notes=["x"])])
    run = staged(env, feed(), [sent("r1", notes=["y"])])
    catalog.load(env, run)
    path = undo_log_path(env, "books", run)
    table = pq.read_table(path)
    of_then = [
        text if text is None else msgspec.json.encode(_without(msgspec.json.decode(text), "came_back")).decode()
        for text in table["row"].to_pylist()
    ]
    pq.write_table(table.set_column(2, "row", [of_then]), path)
    catalog.undo(env, run, by="Amina", reason="a try")
    assert {fix.value for fix in listed(env)} == {"x"}


def _without(row: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in row.items() if key != name}


@on_sqlite
def test_no_count_and_no_list_reads_the_rows_of_all_findings(env: Environment) -> None:
    night(env, feed(), [sent("r1", notes=["x"])])
    with read_transaction(env) as connection:
        plans: list[str] = []
        statements: list[tuple[str, tuple[object, ...]]] = []

        @event.listens_for(connection, "before_cursor_execute")
        def note(_c: object, _u: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
            statements.append((statement, parameters))

        since = last_night(connection, "books")
        fix_groups(connection, "books", since)
        for state in ("", "new", "back", "standing", "fixed"):
            fix_page(connection, "books", msgspec.structs.replace(NOTES, state=state), since)
        for statement, parameters in list(statements):
            if "issue" in statement:
                plans += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert plans and not [plan for plan in plans if plan.startswith("SCAN issue")]
    assert any("USING COVERING INDEX ix_issue_open" in plan for plan in plans), plans
