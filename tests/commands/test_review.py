"""The steward's command line, as a steward types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, update

import pipeline.catalog
from commands.cli import main
from commands.review import PUBLISH_LATER
from loaders import store
from loaders.store import MatchRow, ResourceRow, SourceRecordRow, write_transaction
from schemas import ROOT, Environment, Language, Resource, environment, replace
from tests.loaders.nights import everything, feed, night, rows, sent, staged, states

BY = ("--by", "A Steward", "--reason", "looked at it")


@pytest.fixture
def say(env: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Type a command; its exit code and what it printed."""
    monkeypatch.setenv("ELIB_HOME", str(env.home))
    monkeypatch.setenv("ELIB_CATALOG_URL", env.catalog_url)

    def typed(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["review", *words])
        sent = capsys.readouterr()
        return code, sent.out + sent.err

    return typed


def test_held_runs_are_listed_with_each_deletion_and_change_and_released(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    assert say("held") == (0, "no run needs a decision\n")
    night(env, feed(), [sent("r1", "old"), sent("r2", "Gone soon")])
    run = staged(env, feed(), [sent("r1", "new"), sent("r3", "bad")])
    store.hold_run(env, run, ["records fell by half"])
    code, listed = say("held", "--feed", "books")
    assert code == 0
    for line in (
        f"{run} (books) HELD: received 3, added 0, changed 1, unchanged 0, deleted 1, unreadable 0, needs review 1",
        "  because records fell by half",
        "  changed books:r1 “new”",
        '    title: {"en":"old"} → {"en":"new"}',
        "  deleted books:r2: absent from a complete list “Gone soon”",
        "  needs review books:r3: errors: title_bad “bad”",
    ):
        assert line in listed.splitlines()
    assert say() == (0, listed), "without a command, what is held"
    code, answer = say("held", "--feed", "boks")
    assert (code, answer) == (1, "There is no feed 'boks' here; did you mean books?\n")
    code, answer = say("release", run, *BY)
    assert (code, states(env)) == (0, {"r1": "live", "r2": "deleted", "r3": "quarantined"})
    assert answer.rstrip().endswith("elib publish")
    assert say("undo", run, *BY)[0] == 0
    assert states(env) == {"r1": "live", "r2": "live"}


def test_a_quarantined_version_is_accepted_until_its_payload_changes_and_that_can_be_undone(
    env: Environment, say
) -> None:  # type: ignore[no-untyped-def]
    assert say("quarantined") == (0, "no record needs review\n")
    night(env, feed(), [sent("r1", "good"), sent("r2", unreadable=True)])
    bad = [sent("r1", "bad but true"), sent("r2", unreadable=True)]
    night(env, feed(), bad)
    before = rows(env, "source_record")
    _, listed = say("quarantined")
    assert "books:r1 NEEDS REVIEW: errors: title_bad; the previous version stays published" in listed
    assert "  title_bad at title.en: bad but true" in listed
    assert "books:r2 UNREADABLE: unreadable at $.title; no version is published" in listed
    assert say("accept", "books:r1", *BY) == (
        0,
        f"curation 1: books:r1 accepted\n{PUBLISH_LATER}\n",
    )
    assert rows(env, "source_record", "status, pending_sha256")[0] == ("live", None)
    assert "cannot be accepted: it is unreadable" in say("accept", "books:r2", *BY)[1]
    assert "no version of it is waiting" in say("accept", "books:r1", *BY)[1]
    accepted = rows(env, "source_record")
    assert night(env, feed(), bad) == {"landed": 2, "unchanged": 2}
    assert rows(env, "source_record") == accepted
    assert say("undo", "1", *BY)[0] == 0
    assert rows(env, "source_record") == before
    code, answer = say("undo", "1", *BY)
    assert (code, "curation 1 was undone" in answer) == (1, True)
    assert "UNDONE" in say("curations")[1]


def test_absent_records_are_listed_deleted_at_once_and_brought_back(
    env: Environment,
    say,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feeds = env.home / "feeds"
    feeds.mkdir()
    about = 'title = "Books"\npartner = "A Library"\nprotocol = "rest"\nurl = "https://example.org/api"\n'
    (feeds / "books.toml").write_text(f'{about}format = "amb"\nidentifier = "id"\n', encoding="utf-8")
    monkeypatch.setenv("ELIB_FEEDS", str(feeds))
    assert say("absent") == (0, "no record waits to be deleted\n")
    for names in (("r1", "r2", "r3"), ("r1",)):
        night(env, feed(absent_after=2), [sent(name) for name in names])
    listed = [f"books:{name}: missing from 1 complete list; deleted after 2\n" for name in ("r2", "r3")]
    assert say("absent", "--feed", "books") == (0, "".join(listed))
    assert say("end-wait", "books:r1", *BY)[0] == 1
    code, answer = say("end-wait", "books", *BY)
    assert (code, answer.splitlines()[0]) == (0, "curations 1-2: 2 absent records of books deleted")
    assert states(env) == {"r1": "live", "r2": "deleted", "r3": "deleted"}
    assert say("undo", "1-2", *BY)[0] == 0
    assert set(states(env).values()) == {"live"}
    assert say("undo", "1-2", *BY)[0] == 1, "they are undone"


def test_pairs_wait_until_they_are_judged(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1"), sent("r2")])
    evidence = '[{"field":"title","seen":"titles 0.93 alike","weight":4.2}]'
    pair = {
        "left_key": "books:r1",
        "right_key": "books:r2",
        "probability": 0.8,
        "evidence": evidence,
        "verdict": "review",
    }
    with write_transaction(env) as connection:
        connection.execute(insert(MatchRow).values(**pair))
    _, listed = say("pairs")
    first, evidence_line, *decisions = listed.splitlines()
    assert (first, evidence_line) == ("books:r1 | books:r2: probability 0.800000", "  title: titles 0.93 alike (+4.20)")
    assert [line.split()[0] for line in decisions] == ["same:", "different:"]
    assert say("same", "books:r2", "books:r1", *BY)[0] == 0
    assert say("different", "books:r1", "books:r2", *BY)[0] == 0
    judged = rows(env, "judgement", "id, left_key, right_key, verdict")
    assert judged == [(1, "books:r1", "books:r2", "same"), (2, "books:r1", "books:r2", "different")]
    assert say("pairs") == (0, "no pair needs a decision\n")
    assert "there is no record 'books:r9'" in say("same", "books:r1", "books:r9", *BY)[1]
    assert "a judgement is about two" in say("same", "books:r1", "books:r1", *BY)[1]


def test_corrections_and_withdrawals_need_an_existing_record_and_field(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1")])
    with write_transaction(env) as connection:
        made = {"id": "lr-1", "record": '{"key":"books:r1"}', "record_sha256": "0", "created_at": "then"}
        connection.execute(insert(ResourceRow).values(**made, updated_at="then"))
    assert say("correct", "books:r1", "title.en", "A better title", *BY)[0] == 0
    assert say("correct", "lr-1", "levels", '["2", "3"]', *BY)[0] == 0
    assert say("withdraw", "lr-1", *BY)[0] == 0
    curations = rows(env, "curation", "id, key, resource_id, path, value, action")
    assert curations == [
        (1, "books:r1", None, "title.en", '"A better title"', "set"),
        (2, None, "lr-1", "levels", '["2","3"]', "set"),
        (3, None, "lr-1", None, None, "withdraw"),
    ]
    assert "has no field 'titel'" in say("correct", "books:r1", "titel.en", "x", *BY)[1]
    assert "there is no record or resource 'lr-9'" in say("withdraw", "lr-9", *BY)[1]


NEVER_PUBLISHED = [
    ("issued_year", "1949", "the year follows from the date"),
    ("issued", "last spring", "is not a date in EDTF"),
    ("license.uri", "CC BY", "is not an http or https address"),
    ("identifiers[3].value", "x", "nothing at that path"),
    ("levels", "2", "Expected `array`"),
    ("url", "javascript:alert(1)", "is not an http or https address"),
    ("url", "https://[::1", "is not an http or https address"),
    ("url", "https://example.org:99999/1", "is not an http or https address"),
    ("license.uri", "https://[x]/", "is not an http or https address"),
    ("links", '[{"url": "file:///etc/passwd"}]', "is not an http or https address"),
]


def test_a_correction_that_could_never_be_published_is_refused_when_it_is_made(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1")])
    for path, value, why in NEVER_PUBLISHED:
        code, answer = say("correct", "books:r1", path, value, *BY)
        assert (code, rows(env, "curation")) == (1, []), (path, value)
        assert f"{path} cannot be set to {value!r}" in answer and why in answer


def test_a_text_that_looks_like_json_is_a_text_where_the_field_is_one(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1")])
    assert say("correct", "books:r1", "title.en", "1984", *BY)[0] == 0
    assert say("correct", "books:r1", "issued", "1949", *BY)[0] == 0
    assert rows(env, "curation", "path, value") == [("issued", '"1949"'), ("title.en", '"1984"')]


def test_a_newer_version_in_review_is_kept_when_an_acceptance_is_undone(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1", "good"), sent("r2", "bad from the start")])
    night(env, feed(), [sent("r1", "bad one"), sent("r2", "bad from the start")])
    for key in ("books:r1", "books:r2"):
        assert say("accept", key, *BY)[0] == 0
    night(env, feed(), [sent("r1", "bad two"), sent("r2", "bad still")])
    waits = rows(env, "source_record", "identifier, pending_sha256, pending_record, datestamp, run_id")
    for number in ("1", "2"):
        assert say("undo", number, *BY)[0] == 0
    assert rows(env, "source_record", "identifier, pending_sha256, pending_record, datestamp, run_id") == waits
    listed = say("quarantined")[1]
    assert "books:r1 NEEDS REVIEW: errors: title_bad; the previous version stays published" in listed
    assert "books:r2 NEEDS REVIEW: errors: title_bad; no version is published" in listed
    assert night(env, feed(), [sent("r1", "bad two"), sent("r2", "bad still")]) == {"landed": 2, "unchanged": 2}


def test_a_version_that_nobody_looked_at_is_not_accepted(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1", "bad one")])
    (seen,) = (line.split()[1] for line in say("quarantined")[1].splitlines() if line.startswith("  version "))
    night(env, feed(), [sent("r1", "bad two")])
    code, answer = say("accept", "books:r1", "--version", seen, *BY)
    assert code == 1 and f"is waiting now, not {seen}; look at it first" in answer
    assert rows(env, "source_record", "status") == [("quarantined",)]
    (seen,) = (line.split()[1] for line in say("quarantined")[1].splitlines() if line.startswith("  version "))
    assert say("accept", "books:r1", "--version", seen, *BY)[0] == 0
    assert rows(env, "source_record", "status") == [("live",)]


def test_a_deleted_record_is_not_judged(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1"), sent("r2"), sent("r3")])
    night(env, feed(), [sent("r1"), sent("r3", "bad now")])
    code, answer = say("same", "books:r1", "books:r2", *BY)
    assert (code, answer) == (1, "books:r2 is deleted; a judgement is about two live records\n")
    assert say("different", "books:r1", "books:r3", *BY)[0] == 0, "its accepted version lives"


@pytest.mark.parametrize("by, reason", [("", "why"), ("A Steward", "  ")])
def test_every_decision_is_signed(env: Environment, say, by: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1")])
    for words in (("withdraw", "books:r1"), ("correct", "books:r1", "url", "x"), ("same", "books:r1", "books:r2")):
        code, answer = say(*words, "--by", by, "--reason", reason)
        assert code == 1
        assert "a decision needs --" in answer
    assert rows(env, "curation") == []
    assert say("withdraw", "books:r1")[0] == 2


def test_every_command_that_is_printed_works_in_the_users_shell(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    hostile = ["r 1", 'it\'s "$HOME"', "a\nb\\n%s\tc", "`id`;x", "--by", "*"]
    titles = iter(("good", "bad but true", "good", "bad"))
    for _ in range(2):
        title = next(titles)
        night(env, feed(), [sent(identifier, title) for identifier in hostile])
    _, listed = say("quarantined")
    commands = [line.partition(": ")[2] for line in listed.splitlines() if line.startswith("  accept: ")]
    assert len(commands) == len(hostile)
    run = staged(env, feed(), [sent(identifier, "good again") for identifier in hostile])
    store.hold_run(env, run, ["looks wrong"])
    _, listed = say("held")
    commands += [line.partition(": ")[2] for line in listed.splitlines() if line.startswith("  release: ")]
    commands.append(f"{PUBLISH_LATER.rpartition(': ')[2]} -h")
    ran = subprocess.run(
        ["sh", "-ec", "\n".join(commands)], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Match, publish and report now" in ran.stdout
    assert set(rows(env, "source_record", "status, pending_status")) == {("live", None)}
    assert {row[0] for row in rows(env, "curation", "key")} == {f"books:{identifier}" for identifier in hostile}


def test_a_refusal_is_revoked_by_the_id_of_its_run(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1", "old")])
    run = staged(env, feed(), [sent("r1", "new")])
    store.hold_run(env, run, ["looks wrong"])
    assert say("refuse", run, *BY)[0] == 0
    code, answer = say("undo", run, *BY)
    assert code == 0
    assert answer.startswith(f"{run} undone: 1 versions can be loaded again; this stages them now: ")
    assert answer.splitlines()[0].endswith("elib reprocess books")


@pytest.mark.parametrize("word", ["a\x1b[2Jb", "a\ud800b", "a\x00b"])
def test_arguments_with_invalid_characters_are_rejected(env: Environment, say, word: str) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1")])
    assert say("correct", "books:r1", "title.en", word, *BY)[0] == 2
    assert rows(env, "curation") == []
    assert say("correct", "books:r1", "title.fa", "می\u200cخواهم\nدو", *BY)[0] == 0, "joiners and line ends are text"


def test_a_closed_output_pipe_is_not_an_error(lite: Environment) -> None:
    night(lite, feed(), [sent(f"r{number}") for number in range(3000)])
    run = staged(lite, feed(), [sent("r0")])
    store.hold_run(lite, run, ["looks wrong"])
    command = f"{sys.executable} -m loaders.review show {run} | head -1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], env=variables(lite), capture_output=True, text=True, check=False)
    assert (ran.stdout.splitlines()[-1], ran.stderr) == ("0", "")


def test_an_unreachable_catalog_is_reported_in_one_sentence(tmp_path: Path) -> None:
    away = environment({"ELIB_HOME": str(tmp_path), "ELIB_CATALOG_URL": "postgresql://127.0.0.1:1/x"})
    command = [sys.executable, "-m", "loaders.review"]
    ran = subprocess.run(command, env=variables(away), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (1, "", 1)
    assert "The catalog cannot be used" in ran.stderr and "ELIB_CATALOG_URL" in ran.stderr


def variables(env: Environment) -> dict[str, str]:
    sent = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url, "PYTHONPATH": str(ROOT)}
    return {**os.environ, **sent}


def test_a_run_that_is_not_there_is_an_error(say) -> None:  # type: ignore[no-untyped-def]
    for words in (
        ("release", "books-1", *BY),
        ("refuse", "books-1", *BY),
        ("undo", "books-1", *BY),
        ("show", "books-1"),
    ):
        assert say(*words) == (1, "there is no run books-1\n")
    assert say("undo", "17", *BY) == (1, "there is no curation 17\n")
    assert say("undo", "9" * 30, *BY) == (1, f"there is no run {'9' * 30}\n")


def test_a_decision_is_published_at_once_when_asked(env: Environment) -> None:
    night(env, feed(), [sent("r1"), sent("r2", "Something else")])
    variables = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url, "ELIB_FEEDS": str(env.home)}
    command = [sys.executable, "-m", "loaders.review", "withdraw", "books:r1", *BY, "--publish"]
    ran = subprocess.run(
        command, env={**os.environ, **variables}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1] == "Published: 1 added, 0 changed, 0 unchanged, 0 deleted"
    assert len(rows(env, "resource")) == 1


def test_a_failed_publication_is_reported_and_the_decision_stays(
    env: Environment, say, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1")])

    def full_disk(**_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(pipeline.catalog, "match", full_disk)
    code, answer = say("withdraw", "books:r1", *BY, "--publish")
    assert code == 1
    assert "The decision stands, but the publication failed: OSError: No space left on device" in answer
    assert len(rows(env, "curation")) == 1


def test_a_page_without_a_title_or_address_is_published_only_with_force(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1", "bad")])
    nameless = Resource(key="books:r1", languages=(Language(tag="en", origin="declared", confidence=1.0),))
    waiting = nameless, replace(nameless, title={"en": "A title"}), replace(nameless, url="https://example.org/1")
    for record, missing in zip(waiting, ("a title and not an address", "an address", "a title"), strict=True):
        text = msgspec.json.encode(record).decode()
        with write_transaction(env) as connection:
            connection.execute(update(SourceRecordRow).values(pending_record=text))
        code, answer = say("accept", "books:r1", *BY)
        assert (code, f"it has not {missing}" in answer, "--force" in answer) == (1, True, True)
        assert f"title: {record.title.get('en', 'none')}, address: {record.url or 'none'}" in answer
        assert "language: en, licence: none" in answer
    assert say("correct", "books:r1", "title.en", "A name", *BY)[0] == 0
    assert say("accept", "books:r1", *BY)[0] == 0, "a standing correction gives it a title"
    assert say("undo", "2", *BY)[0] == say("undo", "1", *BY)[0] == 0
    assert say("accept", "books:r1", *BY)[0] == 1
    assert say("accept", "books:r1", "--force", *BY)[0] == 0
    assert states(env) == {"r1": "live"}


def test_a_refused_version_stays_out_until_its_payload_changes_and_that_can_be_undone(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1", "good")])
    night(env, feed(), [sent("r1", "bad")])
    waiting = rows(env, "source_record")
    assert "the version before it stays" in say("refuse", "books:r1", *BY)[1]
    refused = rows(env, "source_record")
    assert rows(env, "source_record", "status, pending_status") == [("live", None)]
    assert night(env, feed(), [sent("r1", "bad")]) == {"landed": 1, "unchanged": 1}
    assert rows(env, "source_record") == refused
    assert say("refuse", "books:r1", *BY) == (1, "books:r1 cannot be refused: no version of it is waiting\n")
    assert say("undo", "1", *BY)[0] == 0
    assert (rows(env, "source_record"), rows(env, "refused")) == (waiting, [])
    assert say("refuse", "books:r1", *BY)[0] == 0
    assert night(env, feed(), [sent("r1", "bad again")]) == {"landed": 1, "quarantined": 1}


FORGED = "A title\n  because nothing is wrong\x1b[2K\u202egnp\u2028books-1 (books) LOADED"
SHOWN = "A title␊  because nothing is wrong␛[2K�gnp�books-1 (books) LOADED"


def test_titles_and_identifiers_of_partners_forge_no_line_and_control_no_terminal(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    run = staged(env, feed(), [sent("r1\nr2\x1b[1m", f"bad {FORGED}"), sent("r3", FORGED)])
    store.hold_run(env, run, [f"because {FORGED}"])
    for words in (("held",), ("show", run)):
        _, listed = say(*words)
        lines = listed.splitlines()
        assert all(line.isprintable() for line in lines)
        assert sum(SHOWN in line for line in lines) == 3
        assert any("books:r1␊r2␛[1m" in line for line in lines)
    say("release", run, *BY)
    for words in (("quarantined",), ("accept", "books:r1\nr2\x1b[1m", *BY)):
        assert all(line.isprintable() for line in say(*words)[1].splitlines())


ABSURD = [
    ("undo", "9" * 18, *BY),
    ("undo", "9" * 400, *BY),
    ("undo", "9" * 18 + "-" + "9" * 18, *BY),
    ("undo", "1-" + "9" * 18, *BY),
    ("undo", "-1", *BY),
    ("undo", "5-1", *BY),
    ("undo", "", *BY),
    ("show", "nothing"),
    ("show", "../../etc"),
    ("show", "x" * 100_000),
    ("release", "books-20260101T000000000000", *BY),
    ("refuse", "%s %(x)s {} \\", *BY),
    ("accept", "books", *BY),
    ("accept", ":", *BY),
    ("accept", "books:r1", "--version", "%", *BY),
    ("correct", "books:r1", "title." * 5_000, "x", *BY),
    ("correct", "books:r1", "issued", "[" * 100_000, *BY),
    ("correct", "books:r1", "score", "9" * 5_000, *BY),
    ("correct", "books:r1", "identifiers[999999999999999999999].value", "x", *BY),
    ("withdraw", "0" * 26, *BY),
    ("same", "books:r1", "books:r1", *BY),
    ("different", "a", "b", *BY),
    ("end-wait", "nothing", *BY),
    ("quarantined", "--feed", "no such feed"),
    ("held", "--feed", "'; DROP TABLE harvest_run; --"),
]


def test_absurd_input_is_answered_with_a_sentence(env: Environment, say) -> None:  # type: ignore[no-untyped-def]
    night(env, feed(), [sent("r1", "A title")])
    before = everything(env)
    for words in ABSURD:
        code, answer = say(*words)
        shown = f"{' '.join(words)[:80]}: {answer[:500]}"
        assert code in (1, 2) and answer.strip(), shown
        assert "Traceback" not in answer and len(answer) < 3_000, shown
    assert everything(env) == before
