"""A partner's application: kept as a draft, submitted, and accepted by one steward, as a whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from loaders.accounts import account_by_name, add_account, change_account
from loaders.applications import (
    Application,
    ApplicationTrouble,
    Changed,
    accept_application,
    answer_question,
    applications_of,
    ask_partner,
    complete_acceptances,
    create_draft,
    decline_application,
    keep_test,
    list_applications,
    name_trouble,
    read_application,
    remove_old_drafts,
    reopen_application,
    same_sources,
    save_draft,
    sha256_of_file,
    submit_application,
    suggested_name,
    use_link,
    withdraw_application,
)
from loaders.backup import back_up, restore
from loaders.store import ApplicationRow, begin_run, write_transaction
from schemas import ROOT, Environment, read_feed, read_feeds
from tests.installation import env, lite

__all__ = ["env", "lite"]
KEYS: dict[str, Any] = {
    "title": "Repository of the University of Novi Grad",
    "partner": "University of Novi Grad",
    "protocol": "oai_pmh",
    "url": "https://repository.novigrad.example/oai",
    "format": "oai_dc",
    "default_license": None,
    "request": {"rate": 0.5, "quiet_hours": ["08:00-18:00 Europe/Belgrade"]},
}
MAIL = "ana@novigrad.example"


def draft(env: Environment, **more: Any) -> Application:
    facts = {"partner": "University of Novi Grad", "contact": MAIL, "declaration": KEYS, **more}
    return create_draft(env, **facts)


def submitted(env: Environment, name: str = "novigrad", **more: Any) -> Application:
    return submit_application(env, save_draft(env, draft(env, **more), name=name))


def test_a_draft_is_kept_and_a_change_of_its_source_needs_a_new_test(env: Environment) -> None:
    begun = draft(env)
    tested = keep_test(env, begun, {"trial": "a" * 32})
    assert tested.status == "tested"
    renamed = save_draft(env, tested, contact_name="Ana Kovač")
    assert (renamed.status, renamed.test) == ("tested", {"trial": "a" * 32})
    changed = save_draft(env, renamed, declaration=KEYS | {"sets": ["theses"]})
    assert (changed.status, changed.test) == ("draft", None)
    assert read_application(env, begun.id) == changed
    assert applications_of(env, MAIL) == [changed]
    assert len({draft(env).id for _ in range(20)}) == 20


def test_a_draft_that_nobody_changes_goes_after_thirty_days(env: Environment) -> None:
    old, new, sent = draft(env), draft(env), submitted(env)
    with write_transaction(env) as connection:
        long_ago = update(ApplicationRow).where(ApplicationRow.id.in_([old.id, sent.id]))
        connection.execute(long_ago.values(changed_at="2026-01-01T00:00:00Z"))
    assert remove_old_drafts(env) == [old.id]
    assert {each.id for each in list_applications(env)} == {new.id, sent.id}
    assert remove_old_drafts(env) == []


def test_of_two_people_at_once_only_the_first_changes_it(env: Environment) -> None:
    seen = submitted(env)
    declined = decline_application(env, seen, by="Amina", reason="not about teaching")
    assert (declined.status, declined.decided_by, declined.reason) == ("declined", "Amina", "not about teaching")
    with pytest.raises(Changed, match="declined meanwhile"):
        accept_application(env, seen, by="Boris", reason="good")
    assert not (env.registered_feeds / "novigrad.toml").exists()
    seen = submitted(env, "other")
    ask_partner(env, seen, by="Amina", question="Which set has the textbooks?")
    with pytest.raises(Changed, match="was changed meanwhile"):
        accept_application(env, seen, by="Boris", reason="good")
    assert account_by_name(env, MAIL) is None


def at_once(makes: list[Callable[[], Application]]) -> list[Application | ApplicationTrouble]:
    """What comes of decisions that begin at the same moment, each in a thread of its own."""
    gate = threading.Barrier(len(makes))

    def made(make: Callable[[], Application]) -> Application | ApplicationTrouble:
        gate.wait()
        try:
            return make()
        except ApplicationTrouble as error:
            return error

    with ThreadPoolExecutor(len(makes)) as pool:
        return list(pool.map(made, makes))


def test_one_of_several_stewards_at_once_decides(env: Environment) -> None:
    seen = submitted(env)
    accept = partial(accept_application, env, seen, reason="good")
    decline = partial(decline_application, env, seen, by="Boris", reason="no")
    results = at_once([partial(accept, by="Amina"), partial(accept, by="Chen"), decline, decline])
    (decided,) = [result for result in results if isinstance(result, Application)]
    assert read_application(env, seen.id) == decided
    assert (env.registered_feeds / "novigrad.toml").exists() == (decided.status == "accepted")


def test_two_applications_at_once_do_not_get_one_name(env: Environment) -> None:
    several = [submitted(env, f"wish{number}", declaration=KEYS | {"note": str(number)}) for number in range(4)]
    accept = partial(accept_application, env, by="Amina", reason="good", name="the_name")
    results = at_once([partial(accept, each) for each in several])
    (accepted,) = [result for result in results if isinstance(result, Application)]
    assert read_feed(env.registered_feeds / "the_name.toml").note == accepted.declaration["note"]
    assert [each.id for each in list_applications(env, "accepted")] == [accepted.id]
    assert len(list_applications(env, "submitted")) == 3


def test_two_changes_at_once_do_not_overwrite_each_other(lite: Environment) -> None:
    accept_application(lite, submitted(lite), by="Amina", reason="")
    changes = [submit_application(lite, draft(lite, feed="novigrad", declaration=KEYS | {"note": n})) for n in "abc"]
    digest = sha256_of_file(lite, "novigrad")
    accept = partial(accept_application, lite, by="Amina", reason="", file_sha256=digest)
    results = at_once([partial(accept, each) for each in changes])
    (accepted,) = [result for result in results if isinstance(result, Application)]
    assert read_feed(lite.registered_feeds / "novigrad.toml").note == accepted.declaration["note"]


def test_a_question_is_answered_and_an_application_taken_back(env: Environment) -> None:
    seen = submitted(env)
    with pytest.raises(ApplicationTrouble, match="needs a text"):
        ask_partner(env, seen, by="Amina", question="  ")
    open_question = ask_partner(env, seen, by="Amina", question="Which set has the textbooks?")
    assert open_question.has_open_question
    answered = answer_question(env, open_question, by="Ana", answer="The set theses.")
    assert not answered.has_open_question
    assert [message.text for message in answered.messages] == ["Which set has the textbooks?", "The set theses."]
    back = reopen_application(env, answered)
    assert (back.status, back.submitted_at) == ("tested", None)
    with pytest.raises(ApplicationTrouble):  # it is the partner's own again
        ask_partner(env, back, by="Amina", question="Which set?")
    gone = withdraw_application(env, back)
    assert [each.status for each in list_applications(env)] == ["withdrawn"]
    with pytest.raises(Changed):
        save_draft(env, gone, partner="x")


def test_accepting_writes_the_file_and_the_partner_may_see_the_feed(env: Environment) -> None:
    seen = submitted(env)
    accepted = accept_application(env, seen, by="Amina\nB", reason="good\nrecords", name="novi_grad")
    assert (accepted.status, accepted.name, accepted.accepting) == ("accepted", "novi_grad", None)
    path = env.registered_feeds / "novi_grad.toml"
    declared = {key: value for key, value in KEYS.items() if value is not None}
    assert tomllib.loads(path.read_text("utf-8")) == declared
    assert read_feed(path).request.rate == 0.5
    account = account_by_name(env, MAIL)
    assert account is not None
    assert (account.role, account.feeds) == ("partner", ("novi_grad",))
    second = submitted(env, "second", declaration=KEYS | {"url": "https://second.example/oai"})
    accept_application(env, second, by="Amina", reason="")
    account = account_by_name(env, MAIL)
    assert account is not None
    assert account.feeds == ("novi_grad", "second")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"url": "ftp://x.example"}, "url: 'ftp://x.example' is not a valid URL"),
        ({"request": {"quiet_hours": ["always"]}}, "quiet_hours"),
        ({"colour": "red"}, "colour: unknown key"),
        ({"title": "bell \x07"}, "control character"),
    ],
)
def test_what_no_feed_file_may_say_is_not_accepted(lite: Environment, keys: dict[str, Any], words: str) -> None:
    seen = submitted(lite, declaration=KEYS | keys)
    with pytest.raises(ApplicationTrouble, match=words.replace("(", r"\(")):
        accept_application(lite, seen, by="Amina", reason="")
    assert read_application(lite, seen.id) == seen


def test_hostile_texts_stay_texts_in_the_feed_file(lite: Environment) -> None:
    hostile = '""" \'\'\' \\ "\n[request]\nrate = 1000 # ] }} \u202e é'
    seen = submitted(lite, declaration=KEYS | {"note": hostile, "map": {}})
    accept_application(lite, seen, by='A"]\n[x]', reason="")
    feed = read_feed(lite.registered_feeds / "novigrad.toml")
    assert (feed.note, feed.request.rate) == (hostile, 0.5)


def test_an_account_of_another_role_gets_no_feed(env: Environment) -> None:
    add_account(env, MAIL, "steward", password="hash")
    seen = submitted(env)
    with pytest.raises(ApplicationTrouble, match="account of a steward"):
        accept_application(env, seen, by="Amina", reason="")
    assert not list(env.registered_feeds.glob("*.toml"))
    add_account(env, "b@novigrad.example", "partner")
    change_account(env, "b@novigrad.example", disabled=True)
    with pytest.raises(ApplicationTrouble, match="is disabled"):
        accept_application(env, submitted(env, "b", contact="b@novigrad.example"), by="Amina", reason="")


def test_a_folder_that_nothing_reads_is_named(tmp_path: Path, lite: Environment) -> None:
    from msgspec.structs import replace

    from schemas import FeedFolders

    elsewhere = replace(lite, feeds=FeedFolders([tmp_path / "elsewhere"]))
    with pytest.raises(ApplicationTrouble, match="ELIB_FEEDS does not name"):
        accept_application(elsewhere, submitted(elsewhere), by="Amina", reason="")


def test_a_file_that_cannot_be_written_leaves_the_application_as_it_was(lite: Environment) -> None:
    seen = submitted(lite)
    lite.registered_feeds.write_text("a file where the folder should be")
    with pytest.raises(ApplicationTrouble, match="could not be written"):
        accept_application(lite, seen, by="Amina", reason="")
    left = read_application(lite, seen.id)
    assert left is not None
    assert (left.status, left.accepting, left.decided_by) == ("submitted", None, None)
    assert account_by_name(lite, MAIL) is None


KILLED = """
import os, sys
from loaders.applications import acceptance, read_application
from schemas import environment

step = sys.argv[2]
before = getattr(acceptance, step)
setattr(acceptance, step, (lambda *a: os._exit(9)) if sys.argv[3] == "before" else
        (lambda *a: (before(*a), os._exit(9))))
env = environment()
acceptance.accept_application(env, read_application(env, sys.argv[1]), by="Amina", reason="good")
"""


@pytest.mark.parametrize(("step", "moment"), [("_write_file", "before"), ("_write_file", "after")])
def test_a_kill_between_the_file_and_the_row_is_completed(env: Environment, step: str, moment: str) -> None:
    seen = submitted(env)
    variables = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", KILLED, seen.id, step, moment]
    assert subprocess.run(words, env=variables, check=False).returncode == 9
    begun = read_application(env, seen.id)
    assert begun is not None
    assert begun.status == "submitted"
    assert begun.accepting is not None
    assert (env.registered_feeds / "novigrad.toml").exists() == (moment == "after")
    assert account_by_name(env, MAIL) is None
    with pytest.raises(Changed):
        decline_application(env, begun, by="Boris", reason="meanwhile")
    (completed,) = complete_acceptances(env)
    assert (completed.status, completed.decided_by) == ("accepted", "Amina")
    assert read_feed(env.registered_feeds / "novigrad.toml").url == KEYS["url"]
    account = account_by_name(env, MAIL)
    assert account is not None
    assert account.feeds == ("novigrad",)
    assert complete_acceptances(env) == []


def test_a_kill_before_the_file_gives_way_to_another_file_of_the_name(lite: Environment) -> None:
    seen = submitted(lite)
    variables = {"ELIB_HOME": str(lite.home), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", KILLED, seen.id, "_write_file", "before"]
    assert subprocess.run(words, env=variables, check=False).returncode == 9
    lite.registered_feeds.mkdir(parents=True, exist_ok=True)
    (lite.registered_feeds / "novigrad.toml").write_text("an operator's own")
    assert complete_acceptances(lite) == []
    left = read_application(lite, seen.id)
    assert left is not None
    assert (left.status, left.accepting, left.decided_by) == ("submitted", None, None)
    assert (lite.registered_feeds / "novigrad.toml").read_text() == "an operator's own"


def test_a_changed_feed_keeps_the_comments_of_its_file(lite: Environment) -> None:
    accept_application(lite, submitted(lite), by="Amina", reason="")
    path = lite.registered_feeds / "novigrad.toml"
    path.write_text(path.read_text().replace("rate = 0.5", "rate = 0.5  # their wish"))
    moved = KEYS | {"url": "https://new.novigrad.example/oai"}
    change = submit_application(lite, draft(lite, feed="novigrad", declaration=moved))
    digest = sha256_of_file(lite, "novigrad")
    path.write_text(path.read_text() + "# later\n")
    with pytest.raises(Changed, match="file was changed"):
        accept_application(lite, change, by="Amina", reason="", file_sha256=digest)
    accept_application(lite, change, by="Amina", reason="", file_sha256=sha256_of_file(lite, "novigrad"))
    text = path.read_text()
    assert "# their wish" in text
    assert "# later" in text
    assert read_feed(path).url == "https://new.novigrad.example/oai"
    by_hand = submit_application(lite, draft(lite, feed="golab", declaration=moved))
    with pytest.raises(ApplicationTrouble, match="does not write the feed's file"):
        accept_application(lite, by_hand, by="Amina", reason="")


def test_no_name_is_used_twice_in_any_spelling(env: Environment) -> None:
    begin_run(env, "in_the_catalog", version="1")
    (env.landing / "only_landed" / "run").mkdir(parents=True)
    submitted(env, "applied_for")
    mine = submitted(env, "my_own")
    env.registered_feeds.mkdir(parents=True, exist_ok=True)
    (env.registered_feeds / "registered.toml").write_text("")
    for name in (
        "in_the_catalog",
        "inthecatalog",
        "only_landed",
        "onlylanded_",
        "applied_for",
        "registered",
        "catalog",
    ):
        assert name_trouble(env, name) == "used", name
    for name in ("Upper", "with-dash", "", "_", "x" * 65, "ü", "a.b", "../x"):
        assert name_trouble(env, name) == "malformed", name
    assert name_trouble(env, "my_own", application=mine.id) is None
    assert name_trouble(env, "quite_new") is None
    assert suggested_name(env, "Only Landed!") == "only_landed_2"
    assert suggested_name(env, "Новый Град", "") == "feed"
    assert name_trouble(env, suggested_name(env, "x" * 300)) is None


@pytest.mark.parametrize(
    ("keys", "is_same"),
    [
        ({"url": "http://WWW.Repository.Novigrad.example:80/oai/?verb=Identify"}, True),
        ({"url": "https://repository.novigrad.example/oai", "sets": ["theses"]}, True),
        ({"prefix": "lom", "format": "lom"}, False),
        ({"url": "https://repository.novigrad.example/oai2"}, False),
        ({"url": "https://[broken"}, False),
    ],
)
def test_the_same_source_is_recognised(lite: Environment, keys: dict[str, Any], is_same: bool) -> None:
    accept_application(lite, submitted(lite), by="Amina", reason="")
    feeds, _ = read_feeds(lite.registered_feeds)
    found = same_sources(lite, KEYS | keys, feeds)
    assert [each.feed for each in found] == (["novigrad"] if is_same else [])
    waiting = submitted(lite, "again", declaration=KEYS | keys)
    assert same_sources(lite, KEYS | keys, [], application=waiting.id) == []


def test_a_link_is_used_once(env: Environment) -> None:
    assert use_link(env, "one", "2999-01-01T00:00:00Z")
    assert not use_link(env, "one", "2999-01-01T00:00:00Z")
    assert use_link(env, "old", "2001-01-01T00:00:00Z")
    assert use_link(env, "two", "2999-01-01T00:00:00Z")


def test_applications_are_in_the_backup(env: Environment, tmp_path: Path) -> None:
    application = ask_partner(env, submitted(env), by="Amina", question="Why?")
    back_up(env, tmp_path / "backup.tar")
    withdraw_application(env, application)
    with write_transaction(env) as connection:
        connection.execute(delete(ApplicationRow))
    restore(env, tmp_path / "backup.tar")
    assert list_applications(env) == [application]
