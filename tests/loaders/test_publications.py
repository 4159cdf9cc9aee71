"""A change counts from when it could be read: after late commits, kills, clocks that went back, and restores."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert, select, text

from loaders.backup import back_up, restore
from loaders.erasure import erase
from loaders.migrations import migrate
from loaders.store import (
    Publication,
    PublicationRow,
    change_time,
    change_times,
    engine,
    newest_publication,
    note_publication,
    now,
    read_publication,
    read_transaction,
    show_publications,
    visible_times,
    write_transaction,
)
from schemas import Environment, environment
from tests.loaders.nights import on_sqlite, rows
from tests.loaders.test_publish import gone, night, put


def publications(env: Environment) -> list[Publication]:
    with read_transaction(env) as connection:
        query = select(PublicationRow.__table__).order_by(PublicationRow.changed_at)
        return [Publication(**row._mapping) for row in connection.execute(query)]


def test_a_publication_is_visible_after_its_transaction_and_known_by_its_run(env: Environment) -> None:
    put(env, "a:1")
    night(env)
    (only,) = publications(env)
    assert {row[0] for row in rows(env, "resource", "updated_at")} == {only.changed_at}
    assert only.visible_at is not None and only.visible_at > only.changed_at
    night(env)
    assert publications(env) == [only], "what changes nothing is none"
    gone(env, "a:1")
    night(env)
    last = publications(env)[-1]
    with read_transaction(env) as connection:
        assert newest_publication(connection) == last
        assert read_publication(connection, only.run_id) == only
        assert read_publication(connection, "publish-20990101T000000000000") is None


def test_what_was_killed_before_its_time_was_noted_counts_as_visible_now_until_the_next_one(env: Environment) -> None:
    put(env, "a:1")
    night(env)
    before = now()
    with write_transaction(env) as connection:  # and killed here
        changed_at = change_time(connection)
        note_publication(connection, changed_at)
    with read_transaction(env) as connection:
        assert visible_times(connection, [changed_at], "2099") == {changed_at: "2099"}
        assert change_times(connection, now(), "", now()) is not None, "a client that comes back still gets it"
        assert change_times(connection, "", before, now()) != change_times(connection, "", "", now())
    put(env, "a:2")
    night(env)
    first, killed, last = publications(env)
    assert first.visible_at and killed.visible_at and last.visible_at
    assert before < killed.visible_at <= last.visible_at


def test_a_clock_that_went_back_does_not_change_the_order(env: Environment) -> None:
    future = "2099-01-01T00:00:00.000000Z"
    with write_transaction(env) as connection:
        connection.execute(insert(PublicationRow).values(run_id="x", changed_at=future, visible_at=future))
    put(env, "a:1")
    night(env)
    last = publications(env)[-1]
    assert last.changed_at > future and last.visible_at is not None and last.visible_at >= future


def test_an_erased_name_is_a_change_that_others_can_follow(env: Environment) -> None:
    put(env, "a:1", title="By Zofia Testname")
    night(env)
    before = publications(env)
    erase(env, feed="a", names=["Zofia Testname"], by="A Steward", reason="asked for")
    erased = publications(env)[len(before) :]
    assert len(erased) == 1 and erased[0].visible_at is not None
    assert {row[0] for row in rows(env, "resource", "updated_at")} == {erased[0].changed_at}


@on_sqlite
def test_after_a_restore_everything_is_new_and_no_older_publication_is_known(env: Environment, tmp_path: Path) -> None:
    put(env, "a:1")
    night(env)
    put(env, "a:2")
    night(env)
    show_publications(env)
    before = publications(env)
    back_up(env, tmp_path / "elib.tar")
    other = environment({"ELIB_HOME": str(tmp_path / "other")})
    restore(other, tmp_path / "elib.tar")
    after = publications(other)
    assert [each.changed_at for each in after] == [each.changed_at for each in before]
    assert not {each.run_id for each in after} & {each.run_id for each in before}
    assert {each.visible_at for each in after} != {each.visible_at for each in before}
    with read_transaction(other) as connection:
        assert connection.scalar(text("SELECT count(*) FROM publication WHERE visible_at IS NULL")) == 0


def test_windows_are_of_visible_times(env: Environment) -> None:
    times = [(f"2026-01-0{day}T01:00:00.000000Z", f"2026-01-0{day}T02:00:00.500000Z") for day in (1, 2, 3)]
    with write_transaction(env) as connection:
        for changed_at, visible_at in times:
            values = {"run_id": changed_at, "changed_at": changed_at, "visible_at": visible_at}
            connection.execute(insert(PublicationRow).values(**values))
    for since, before, wanted in [
        ("", "", times),
        ("2026-01-02T01:30:00", "", times[1:]),
        ("2026-01-02T02:00:01", "", times[2:]),
        ("", "2026-01-02T02:00:01", times[:2]),
        ("2026-01-02T02:00:00", "2026-01-02T02:00:01", times[1:2]),
        ("2026-01-04", "", []),
    ]:
        with read_transaction(env) as connection:
            window = change_times(connection, since, before, now())
        found = (window.first, window.last) if window else None
        assert found == ((wanted[0][0], wanted[-1][0]) if wanted else None), (since, before)


def test_an_older_catalog_knows_its_publications_by_the_times_of_its_resources(tmp_path: Path) -> None:
    older = environment({"ELIB_HOME": str(tmp_path)})
    migrate(older, "009")
    changed_at = "2026-03-01T02:15:00.900000Z"
    columns = "id, record, record_sha256, members, created_at, updated_at"
    with write_transaction(older) as connection:
        connection.execute(
            text(f"INSERT INTO resource ({columns}) VALUES ('1', '{{}}', 'x', 1, :at, :at)"), {"at": changed_at}
        )
    migrate(older)
    assert publications(older) == [
        Publication(run_id=f"before-{changed_at}", changed_at=changed_at, visible_at=changed_at)
    ]
    engine(older).dispose()
