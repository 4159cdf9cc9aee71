"""Corrections that hold for later payloads, and licences that a partner narrows, on both databases."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from commands.cli import main
from loaders import catalog, curation
from pipeline import catalog as tasks_catalog
from pipeline import feed as tasks
from schemas import Environment
from tests.loaders.nights import everything, on_sqlite, rows
from tests.pipeline.feeds import declare, land_only, listed, night

pytestmark = pytest.mark.early

BY: Any = {"by": "A Steward", "reason": "looked at it"}
SIGNED = ("--by", "A Steward", "--reason", "looked at it")
CC = "https://creativecommons.org/licenses/"
OPEN, NC = f"{CC}by/4.0/", f"{CC}by-nc/4.0/"


def works(**more: Any) -> list[Any]:
    """Four records; the first has these fields."""
    return [listed("books", 0, **more), *(listed("books", number) for number in range(1, 4))]


def of_first(env: Environment, columns: str) -> tuple[Any, ...]:
    return next(row[1:] for row in rows(env, "source_record", f"identifier, {columns}") if row[0] == "0")


def published(env: Environment) -> dict[str, Any]:
    """The record of the first work's resource."""
    (resource_id,) = of_first(env, "resource_id")
    return next(json.loads(record) for id_, record in rows(env, "resource", "id, record") if id_ == resource_id)


def open_license(env: Environment) -> bool:
    return bool((published(env).get("license") or {}).get("open"))


def reprocessed(env: Environment) -> dict[str, int]:
    return tasks.run_feed("books", tasks.begin_reprocess("books"))


def test_a_correction_of_the_last_error_publishes_and_holds_for_later_payloads(
    library: Environment,
) -> None:
    night(library, "books", works())
    tasks_catalog.publish_now()
    night(library, "books", works(name="Untitled"))
    assert of_first(library, "status, pending_status") == ("live", "quarantined")
    number = curation.record_correction(library, "books:0", "title", '{"en": "A real title"}', **BY)
    tasks_catalog.publish_now()
    assert of_first(library, "status, pending_status") == ("live", None)
    assert json.loads(of_first(library, "record")[0])["title"] == {"en": "Untitled"}, "the partner's text stays"
    assert published(library)["title"] == {"en": "A real title"}

    night(library, "books", works(name="Untitled", likes=2))
    assert of_first(library, "status, pending_status") == ("live", None)
    tasks_catalog.publish_now()
    before = everything(library)
    assert night(library, "books", works(name="Untitled", likes=2))[1]["unchanged"] == 4
    reprocessed(library)
    tasks_catalog.publish_now()
    assert everything(library) == before

    curation.undo_curation(library, number, **BY)
    tasks_catalog.publish_now()
    status, waiting, record = of_first(library, "status, pending_status, record")
    assert (status, waiting) == ("live", "quarantined")
    assert json.loads(record)["title"]["en"].startswith("Photosynthesis"), "the version before is back"
    before = everything(library)
    reprocessed(library)
    tasks_catalog.publish_now()
    assert [row[:3] for row in everything(library)["source_record"]] == [row[:3] for row in before["source_record"]]
    assert of_first(library, "status, pending_status, record") == (status, waiting, record)


@on_sqlite
def test_a_new_record_waits_again_when_its_correction_is_undone(library: Environment) -> None:
    night(library, "books", works(name="Untitled"))
    number = curation.record_correction(library, "books:0", "title", '{"en": "A real title"}', **BY)
    tasks_catalog.publish_now()
    assert published(library)["title"] == {"en": "A real title"}
    curation.undo_curation(library, number, **BY)
    tasks_catalog.publish_now()
    assert of_first(library, "status, pending_status, record") == ("quarantined", "quarantined", None)


@on_sqlite
def test_a_correction_of_one_field_hides_no_error_in_another(
    library: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    untitled = {"name": "Untitled", "id": None, "learningResourceType": None}
    night(library, "books", works(**untitled))
    ((left,),) = {curation.errors_of_waiting(library, "books:0", errors_left())["books:0"][-1:]}
    assert left == "title_placeholder"
    assert main(["review", "correct", "books:0", "title.en", "A name", *SIGNED]) == 0
    assert "still needs review: address_missing" in capsys.readouterr().out
    tasks_catalog.publish_now()
    assert of_first(library, "status") == ("quarantined",)
    assert main(["review", "correct", "books:0", "description.en", "Untitled", *SIGNED]) == 0
    night(library, "books", works(**untitled, likes=2))
    assert of_first(library, "status") == ("quarantined",)
    assert main(["review", "correct", "books:0", "url", "https://example.org/0", *SIGNED]) == 0
    assert "has no error left and becomes the accepted one" in capsys.readouterr().out
    tasks_catalog.publish_now()
    assert of_first(library, "status") == ("live",)


def errors_left() -> Any:
    from transforms.rules import errors_left

    return errors_left


@pytest.mark.parametrize(
    ("env", "narrower"),
    [
        ("sqlite", f"{CC}by-sa/4.0/"),
        ("sqlite", None),
        ("sqlite", "ask the author"),
        pytest.param("postgresql", f"{CC}by-sa/4.0/", marks=pytest.mark.postgres),
    ],
    indirect=["env"],
)
def test_a_narrowed_licence_waits_and_the_page_shows_none_until_a_person_decides(
    library: Environment, narrower: str | None
) -> None:
    night(library, "books", works())
    tasks_catalog.publish_now()
    assert open_license(library)
    narrowed = works(license=narrower and {"id": narrower})
    night(library, "books", narrowed)
    waiting = of_first(library, "status, pending_status, pending_reason, license_open")
    assert (waiting[0], waiting[1], waiting[2], bool(waiting[3])) == ("live", "quarantined", "license_narrowed", True)
    tasks_catalog.publish_now()
    assert published(library).get("license") is None
    before = everything(library)
    assert night(library, "books", narrowed)[1]["unchanged"] == 4
    reprocessed(library)
    tasks_catalog.publish_now()
    assert everything(library) == before
    night(library, "books", [*narrowed[:1], listed("books", 1, likes=3), *narrowed[2:]])
    assert ("books:0", None) in rows(library, "issue WHERE code = 'license_narrowed'", "key, resolved_run_id")

    number = curation.accept(library, "books:0", **BY)
    tasks_catalog.publish_now()
    assert not open_license(library) or narrower == f"{CC}by-sa/4.0/"
    night(library, "books", works(license=narrower and {"id": narrower}, likes=4))
    assert of_first(library, "status, pending_status") == ("live", None), "no narrower than what was accepted"
    with pytest.raises(curation.CannotDecide):
        curation.accept(library, "books:0", **BY)
    curation.undo_curation(library, number, **BY)


@on_sqlite
def test_a_partner_that_takes_it_back_or_a_refusal_ends_the_question(library: Environment) -> None:
    night(library, "books", works())
    night(library, "books", works(license={"id": NC}))
    night(library, "books", works())
    tasks_catalog.publish_now()
    assert of_first(library, "status, pending_status") == ("live", None) and open_license(library)
    assert all(resolved for (resolved,) in rows(library, "issue WHERE code = 'license_narrowed'", "resolved_run_id"))

    night(library, "books", works(license={"id": NC}))
    curation.refuse_version(library, "books:0", **BY)
    tasks_catalog.publish_now()
    assert open_license(library)
    night(library, "books", works(license={"id": NC}))
    reprocessed(library)
    tasks_catalog.publish_now()
    assert open_license(library) and of_first(library, "pending_status") == (None,)
    night(library, "books", works(license={"id": NC}, likes=2))
    assert of_first(library, "pending_reason") == ("license_narrowed",), "another payload asks again"


def test_a_refusal_also_decides_on_the_versions_that_waited_before(library: Environment) -> None:
    """A reprocess does not bring back what waited between the accepted version and the refused one."""
    night(library, "books", works())
    night(library, "books", works(license={"id": f"{CC}by-sa/4.0/"}))
    night(library, "books", works(license={"id": f"{CC}by-sa/4.0/"}, name="Untitled"))
    curation.refuse_version(library, "books:0", **BY)
    tasks_catalog.publish_now()
    before = published(library)
    assert reprocessed(library)["quarantined"] == 0
    tasks_catalog.publish_now()
    assert of_first(library, "status, pending_status") == ("live", None)
    assert published(library) == before and open_license(library)


@on_sqlite
def test_the_steward_states_the_licence_by_a_correction(library: Environment) -> None:
    night(library, "books", works())
    night(library, "books", works(license={"id": NC}))
    curation.record_correction(library, "books:0", "license.uri", NC, **BY)
    tasks_catalog.publish_now()
    assert of_first(library, "status, pending_status") == ("live", None)
    assert published(library)["license"]["uri"] == NC
    night(library, "books", works(license=None, likes=2))
    assert of_first(library, "pending_status") == (None,)


def test_what_a_licence_is_called_decides_nothing(library: Environment) -> None:
    night(library, "books", works())
    curation.record_correction(library, "books:0", "license.label", "Creative Commons Attribution", **BY)
    night(library, "books", works(license={"id": NC}))
    assert of_first(library, "pending_reason") == ("license_narrowed",)
    curation.record_correction(library, "books:0", "license.label", "Creative Commons", **BY)
    tasks_catalog.publish_now()
    assert of_first(library, "pending_reason") == ("license_narrowed",)
    assert published(library).get("license") is None


@on_sqlite
def test_a_title_in_a_language_replaces_one_in_no_known_language(
    library: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    untagged = {"name": "Xkcd 17", "inLanguage": None, "description": None}
    night(library, "books", works(**untagged))
    record, waiting = of_first(library, "record, pending_record")
    assert json.loads(record or waiting)["title"].keys() == {"und"}
    assert main(["review", "correct", "books:0", "title.en", "A drawing", *SIGNED]) == 0
    assert "title.en of books:0 set in place of title.und 'Xkcd 17'" in capsys.readouterr().out
    assert main(["review", "correct", "books:0", "title.fr", "Un dessin", *SIGNED]) == 0
    assert "title.fr of books:0 set\n" in capsys.readouterr().out.replace(";", "\n")
    assert main(["review", "correct", "books:0", "title.en", "A sketch", *SIGNED]) == 0
    assert "in place of title.en 'A drawing'" in capsys.readouterr().out
    tasks_catalog.publish_now()
    assert published(library)["title"] == {"en": "A sketch", "fr": "Un dessin"}


@on_sqlite
def test_an_open_licence_of_another_member_does_not_hide_the_question(library: Environment) -> None:
    declare(library, "others")
    same = {"name": "A field guide to the mosses of the Tara valley", "id": "https://doi.org/10.1234/mosses"}
    others = [listed("others", number) for number in range(4, 7)]
    night(library, "books", works(**same))
    night(library, "others", [listed("others", 0, **same), *others])
    tasks_catalog.publish_now()
    assert [members for (members,) in rows(library, "resource", "members") if members > 1] == [2]
    night(library, "books", works(**same, license={"id": NC}))
    tasks_catalog.publish_now()
    assert published(library).get("license") is None
    curation.refuse_version(library, "books:0", **BY)
    tasks_catalog.publish_now()
    assert open_license(library)


@on_sqlite
def test_what_our_own_code_reads_better_narrows_nothing(library: Environment) -> None:
    """The catalog has what older code read: an open licence, where today's code reads a closed one."""
    night(library, "books", works(license={"id": NC}))
    older_reading = json.loads(of_first(library, "record")[0])
    older_reading["license"] |= {"uri": OPEN, "label": "CC BY 4.0", "open": True}
    with catalog_transaction(library) as connection:
        connection.exec_driver_sql(
            "UPDATE source_record SET record = '" + json.dumps(older_reading).replace("'", "''") + "', "
            "record_sha256 = 'older' WHERE identifier = '0'"
        )
    night(library, "books", works(license={"id": NC}, likes=2))
    assert of_first(library, "pending_status") == (None,)
    assert reprocessed(library)["quarantined"] == 0


def catalog_transaction(env: Environment) -> Any:
    from loaders.store import write_transaction

    return write_transaction(env)


def test_a_catalog_made_again_from_landing_comes_to_the_same(library: Environment, tmp_path: Any) -> None:
    from loaders.backup import back_up

    night(library, "books", works())
    night(library, "books", works(license={"id": NC}))
    night(library, "books", works(license={"id": NC}, likes=2))
    before = [row[4:16] for row in rows(library, "source_record", "feed, key, run_id, datestamp, *")]
    back_up(library, tmp_path / "backup.tar")
    with catalog_transaction(library) as connection:
        for table in ("source_record", "issue", "unmapped_value", "harvest_run", "resource", "resource_version"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    shutil.rmtree(library.staging)
    reprocessed(library)
    assert [row[4:16] for row in rows(library, "source_record", "feed, key, run_id, datestamp, *")] == before
    assert of_first(library, "pending_reason") == ("license_narrowed",)


def test_a_catalog_made_again_publishes_an_older_version_of_several(library: Environment) -> None:
    night(library, "books", works())
    night(library, "books", works(likes=1))
    night(library, "books", works(description="Another text, with two experiments and a test at the end.", likes=2))
    night(library, "books", works(likes=3))
    night(library, "books", works(license={"id": NC}))
    tasks_catalog.publish_now()
    before = rows(library, "resource", "record")
    with catalog_transaction(library) as connection:
        for table in ("source_record", "issue", "unmapped_value", "harvest_run", "resource", "resource_version"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    shutil.rmtree(library.staging)
    shutil.rmtree(library.home / "match")
    reprocessed(library)
    tasks_catalog.publish_now()
    assert rows(library, "resource", "record") == before


@on_sqlite
def test_a_whole_feed_that_narrows_is_held_and_says_so_first(library: Environment) -> None:
    night(library, "books", [listed("books", number) for number in range(12)])
    tasks_catalog.publish_now()
    run, loaded = night(library, "books", [listed("books", number, license={"id": NC}) for number in range(12)])
    assert loaded == {}
    held = list(curation.list_run_changes(library, run))
    assert held[1].startswith("  because 12 of 12 live records have a licence that permits less than before")
    tasks_catalog.publish_now()
    assert not open_license(library), "nothing is loaded, and no open licence is claimed either"
    catalog.refuse(library, run, **BY)
    tasks_catalog.publish_now()
    assert open_license(library)


@on_sqlite
def test_a_few_narrowed_licences_do_not_hold_the_run(library: Environment) -> None:
    land_only(library, "books", works())
    night(library, "books", works())
    assert night(library, "books", works(license={"id": NC}))[1]["quarantined"] == 1


@on_sqlite
def test_a_licence_that_narrows_what_was_accepted_while_the_run_was_at_work_waits(library: Environment) -> None:
    night(library, "books", works(name="Untitled"))
    assert of_first(library, "status") == ("quarantined",)
    run = land_only(library, "books", works(license={"id": NC}))
    chunks = tasks.plan("books", run)
    curation.accept(library, "books:0", **BY, force=True)
    for chunk in chunks:
        tasks.transform("books", chunk)
    tasks.check("books", run)
    tasks.stage("books", run)
    tasks.load("books", run, True)
    assert of_first(library, "status, pending_reason") == ("live", "license_narrowed")
    assert json.loads(of_first(library, "record")[0])["license"]["uri"] == OPEN
