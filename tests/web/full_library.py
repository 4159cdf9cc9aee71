"""An installation in which every page of the web has something to show: runs, pairs, applications, a partner's feed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from loaders.accounts import Account, add_account
from loaders.applications import (
    Application,
    accept_application,
    ask_partner,
    create_draft,
    decline_application,
    keep_test,
    save_draft,
    submit_application,
)
from loaders.browse import ReaderMessage
from loaders.curation import withdraw
from loaders.reader_reports import keep_reader_report
from loaders.store import now
from pipeline import catalog as tasks_catalog
from pipeline.trials import begin_trial, read_trial
from samples.server import ReplayServer
from schemas import ROOT, Environment, SourceRecord, environment
from tests.catalogs import new_catalog
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, serving
from tests.loaders.nights import rows
from tests.loaders.test_applications import KEYS
from tests.pipeline.feeds import FEED, declare, listed, night
from tests.web.background import wait_until
from tests.web.conftest import PASSWORD_HASH, STEWARD
from tests.web.partner_session import MAIL, SECRET, partner_account
from tests.web.test_pairs import films_like
from tests.web.test_quarantine import without_address
from web.console.background import begin_work, progress_of
from web.links import hand_over_link, preview_link, sign_in_link
from web.settings import WebSettings

SETTINGS = WebSettings(secret=SECRET, mail_url="smtp://127.0.0.1:9?from=elib@example.org")
# Names in a right-to-left script, and one without a place to break, among the titles
TITLES = {3: "الكسور للصف الأول", 4: "Fotosynthese" * 20, 5: "<b>Volcanoes</b> & 'maps'"}
_MAX_SECONDS = 600


class FullLibrary(NamedTuple):
    """The installation, what stands for the braces of addresses, such as run_id, and the partner of its feed."""

    env: Environment
    ids: Mapping[str, str]
    partner: Account


@contextmanager
def full_library(home: Path, patch: pytest.MonkeyPatch) -> Iterator[FullLibrary]:
    """Make the installation below a folder, and stop its partners' servers at the end."""
    with own_source() as source, ReplayServer(ROOT / "samples") as samples:
        env = empty_library(home, patch)
        oai = {"protocol": "oai_pmh", "url": f"{samples.url}/col/server/oai/request", "format": "oai_dc"}
        dead = {"protocol": "oai_pmh", "url": f"{source.url}/nothing", "format": "oai_dc"}
        trials = {name: begin_trial(env, keys, by=MAIL) for name, keys in {"tried": oai, "failed": dead}.items()}
        library_to_steward(env, waiting=5, pairs=6)  # each page is examined often, and slower the more it shows
        own_feed(env, source.url)
        ids = {"samples": samples.url} | _decided(env) | _works(env, source.url)
        partner = partner_account(env, "lessons")
        wait_until(lambda: all(_has_ended(env, trial) for trial in trials.values()))
        ids |= _applications(env, trials)
        links = {
            "preview": preview_link(SETTINGS, trials["tried"]),
            "sign_in": sign_in_link(SETTINGS, MAIL),
            "hand_over": hand_over_link(SETTINGS, "lessons", MAIL, "omar@example.org"),
        }
        yield FullLibrary(env, ids | {name: link.rpartition("/")[2] for name, link in links.items()}, partner)


def empty_library(home: Path, patch: pytest.MonkeyPatch, **variables: object) -> Environment:
    """Return an installation with a steward's account, which may ask the servers of the tests."""
    for name, value in {"HOME": home, "FEEDS": home / "feeds", "ALLOW_PRIVATE": "127.0.0.1", **variables}.items():
        patch.setenv(f"ELIB_{name}", str(value))
    patch.delenv("ELIB_CATALOG_URL", raising=False)
    env = environment()
    new_catalog(env)
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    return env


@contextmanager
def own_source() -> Iterator[Loopback]:
    """Serve the source of the feed lessons: it gives one record, mended; what is asked of it below /slow hangs."""
    is_over = threading.Event()
    mended = json.loads(_lessons()[3].payload or "") | {"id": "https://lessons.example.org/3"}

    def answer(request: ReceivedRequest) -> Answer:
        if request.path.startswith("/slow"):
            is_over.wait(_MAX_SECONDS)
        return Answer(json.dumps(mended), status=200 if request.path.endswith("/3") else 404)

    with serving(answer) as source:
        yield source
        is_over.set()


def own_feed(env: Environment, source_url: str) -> None:
    """Take the feed lessons through three nights, after which it has findings in every state."""
    _declare_at(env, "lessons", f"{source_url}/list", '[request]\ndetail_url = "/records/{id}"\nrate = 100\n')
    lessons, good = _lessons(), [listed("lessons", number) for number in range(3)]
    night(env, "lessons", [*good, lessons[3], lessons[4]])
    night(env, "lessons", [*good, listed("lessons", 3), lessons[4], lessons[5]])
    night(env, "lessons", [*good, lessons[3], lessons[4], listed("lessons", 5), lessons[6], lessons[7]])


def _lessons() -> dict[int, SourceRecord]:
    return {n: listed("lessons", n, id=f"no-address-{n}", name=TITLES.get(n, f"Lesson {n}")) for n in range(3, 8)}


def _declare_at(env: Environment, name: str, url: str, more: str = "") -> None:
    env.registered_feeds.mkdir(parents=True, exist_ok=True)
    text = FEED.replace("https://example.org/api", url) + more
    (env.registered_feeds / f"{name}.toml").write_text(text, encoding="utf-8")


def library_to_steward(env: Environment, *, waiting: int = 21, pairs: int = 20) -> None:
    """Fill a catalog with records without an address, pairs to judge, a term to map, and a reader's report."""
    declare(env, "books")
    declare(env, "films")
    books = [listed("books", 100 + number) for number in range(pairs)]
    night(env, "books", [*without_address(waiting), *books])
    night(env, "films", films_like(books))
    declare(env, "posters")
    posters = {"name": "The zebra on the wall", "learningResourceType": ["Arbeitzblatt"]}
    night(env, "posters", [listed("posters", 7, about=["Fotosíntesi"], **posters)])
    tasks_catalog.publish_now()
    message = ReaderMessage(id="m", at=now(), language="ar", text="الرابط لا يعمل", contact="ana@example.org")
    keep_reader_report(env, rows(env, "resource", "id")[0][0], "takedown", message)


def _decided(env: Environment) -> dict[str, str]:
    """Withdraw a resource, and leave a run held."""
    declare(env, "maps")
    night(env, "maps", [listed("maps", number) for number in range(12)])
    tasks_catalog.publish_now()
    ids = dict(rows(env, "source_record", "key, resource_id"))
    withdraw(env, ids["maps:11"], by=STEWARD, reason="the partner asked")
    tasks_catalog.publish_now()
    held, _ = night(env, "maps", [listed("maps", 0)])
    return {
        "resource": ids["books:100"],
        "gone": ids["maps:11"],
        "reported": rows(env, "reader_report", "resource_id")[0][0],
        "run": rows(env, "harvest_run", "id")[0][0],
        "held_run": held,
    }


def _works(env: Environment, source_url: str) -> dict[str, str]:
    """Begin two harvests: one that fails, and one that goes on until the partner's server is stopped."""
    _declare_at(env, "gone", f"{source_url}/gone")
    _declare_at(env, "slow", f"{source_url}/slow")
    failed, working = (begin_work(env, "harvest", name, by=STEWARD, reason="to see it") for name in ("gone", "slow"))
    wait_until(lambda: progress_of(env, failed).state == "failed" and progress_of(env, working).run is not None)
    return {"failed_work": failed.id, "work": working.id}


def _has_ended(env: Environment, trial_id: str) -> bool:
    trial = read_trial(env, trial_id, with_preview=False)
    return trial is not None and trial.state in ("done", "failed")


def _applications(env: Environment, trials: Mapping[str, str]) -> dict[str, str]:
    """Make an application in each state; return their ids by state."""
    tried = keep_test(env, _draft(env, "tried"), {"trial": trials["tried"]})
    failed = keep_test(env, _draft(env, "failed"), {"trial": trials["failed"]})
    change = create_draft(env, partner="", contact=MAIL, feed="lessons", declaration=dict(KEYS))
    submitted = submit_application(env, _draft(env, "asked"))
    made = {
        "draft": _form_with_everything(env),
        "tested": tried,
        "failed": failed,
        "waiting": submit_application(env, keep_test(env, _draft(env, "waiting"), {"trial": trials["tried"]})),
        "asked": ask_partner(env, submitted, by=STEWARD, question="هل هذه كل السجلات؟"),
        "declined": decline_application(env, submit_application(env, _draft(env, "no")), by=STEWARD, reason="no"),
        "accepted": accept_application(env, submit_application(env, _draft(env, "yes")), by=STEWARD, reason=""),
        "change": submit_application(env, change),
    }
    return {f"{state}_application": application.id for state, application in made.items()}


def _draft(env: Environment, name: str) -> Application:
    keys = KEYS | {"url": f"https://{name}.example.org/oai"}
    return save_draft(env, create_draft(env, partner="Université", contact=MAIL, declaration=keys), name=name)


def _form_with_everything(env: Environment) -> Application:
    """A draft with everything that its form may show: formats, many sets, a map, paging, and mistakes."""
    fields = [{"path": "Titel", "examples": ["Vulkane " * 9], "target": "title"}, {"path": "a_long_name" * 9}]
    declaration = {**KEYS, "default_language": "klingonisch", "map": {"title": "Titel"}, "identifier": "Titel"}
    declaration |= {"protocol": "rest", "request": {"paging": "page"}}
    proposal = {
        "declaration": declaration,
        "protocol": "rest",
        "recognised": {"text": "OK"},
        "fields": fields,
        "formats": [{"code": "oai_dc", "crosswalk": "oai_dc"}, {"code": "rdf"}],
        "sets": [{"code": f"set_{number}", "name": "A collection with a long name " * 4} for number in range(20)],
    }
    detection = {"result": {"address": "https://x.example", "proposals": [proposal] * 2}, "chosen": 0, "upload": ""}
    return create_draft(env, partner="P", contact=MAIL, declaration=declaration, detection=detection)
