"""A steward sees what a run would do, releases it in the background, refuses it, and takes it back."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loaders.store import feed_lock
from schemas import Environment
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import declare, listed, night
from tests.web.background import ended, wait_until, work_id
from tests.web.conftest import Browser
from web.console.background import read_work

__all__ = ["library"]
on_sqlite = pytest.mark.parametrize("env", ["sqlite"], indirect=True)


def shown(page: str) -> str:
    """The page's text without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"</?(strong|bdi|del|ins)[^>]*>", "", page)))


def statuses(env: Environment) -> dict[str, str]:
    return dict(rows(env, "harvest_run", "id, status"))


@pytest.fixture
def held(library: Environment) -> str:
    """A run that is held: of twenty records it would delete fifteen, change one and add one."""
    night(library, "books", [listed("books", number) for number in range(20)])
    changed = listed("books", 0, name="Photosynthesis for class 1, revised")
    run, counts = night(library, "books", [changed, *(listed("books", number) for number in (1, 2, 3, 4, 40))])
    assert counts == {} and statuses(library)[run] == "held"
    return run


def live(env: Environment) -> int:
    return sum(status == "live" for (status,) in rows(env, "source_record", "status"))


def test_a_held_run_is_released_in_the_background_and_undone(held: str, steward: Browser, library: Environment) -> None:
    page = f"/console/runs/{held}"
    before = shown(steward.get(page).text)
    assert "1 added, 1 changed, 15 deleted" in before and "Photosynthesis for class 1, revised" in before
    answer = steward.submit(page, page, action="release", reason="the partner has moved")
    assert ended(library, answer.url).state == "done"
    assert "Published" in shown(steward.get(str(answer.url)).text)
    assert ("loaded", "Amina", "the partner has moved") in rows(
        library, "harvest_run", "status, decided_by, decision_reason"
    )
    assert live(library) == 6

    text = shown(steward.get(page).text)
    assert "Undoing it takes this back: 1 added, 1 changed, 15 deleted" in text
    assert "a workbook of books" in text, "what was before the run is still shown"
    undone = steward.submit(page, page, action="undo", reason="they have not")
    assert "Undone by the run books-" in shown(undone.text)
    assert statuses(library)[held] == "undone" and live(library) == 20


@on_sqlite
@pytest.mark.parametrize(("page", "what"), [("", "then open the run and decide"), ("/runs/{}", "then decide below")])
def test_why_a_run_is_held_is_told_with_what_to_do_in_the_browser(
    held: str, steward: Browser, page: str, what: str
) -> None:
    text = steward.get(f"/console{page}".format(held)).text
    assert what in text and "elib review" not in text


@on_sqlite
def test_a_run_is_refused_and_the_refusal_revoked(held: str, steward: Browser, library: Environment) -> None:
    page = f"/console/runs/{held}"
    done = steward.submit(page, page, action="refuse", reason="the list is broken")
    assert "data changes: 17." in shown(done.text) and statuses(library)[held] == "refused"
    again = steward.submit(page, page, action="revoke", reason="it was right")
    assert "next list or a reprocess: 17." in shown(again.text)
    assert rows(library, "refused", "key") == []


@on_sqlite
def test_a_decision_without_a_reason_or_that_cannot_be_decides_nothing(
    held: str, steward: Browser, library: Environment
) -> None:
    page = f"/console/runs/{held}"
    for fields in ({"action": "release"}, {"action": "refuse"}, {"action": "undo", "reason": "x"}):
        done = steward.submit(page, page, **fields)
        assert 'class="message error"' in done.text and statuses(library)[held] == "held"
    taken, let_go = threading.Event(), threading.Event()

    def harvest() -> None:
        with feed_lock(library, "books"):
            taken.set()
            let_go.wait()

    at_work = threading.Thread(target=harvest)
    at_work.start()
    taken.wait()
    busy = steward.submit(page, page, action="refuse", reason="x")
    let_go.set()
    at_work.join()
    assert "has been at work on it since" in shown(busy.text)


@on_sqlite
def test_runs_and_changes_are_narrowed(held: str, steward: Browser) -> None:
    page = f"/console/runs/{held}"
    assert shown(steward.get(page, params={"kind": "added"}).text).count("books:") == 1
    changed = shown(steward.get(page, params={"field": "title"}).text)
    assert changed.count("books:0") == 1 and "revised" in changed
    assert "Nothing changes here" in shown(steward.get(page, params={"rule": "no_such_rule"}).text)
    assert "Nothing changes here" in shown(steward.get(page, params={"field": "url'; --"}).text)
    assert steward.get(page, params={"after": "nonsense"}).status_code == 200
    text = steward.get("/console/runs").text
    assert held in text and text.count("/console/runs/books-") == 2
    assert held not in steward.get("/console/runs", params={"status": "loaded"}).text
    assert "There is no run" in steward.get("/console/runs", params={"feed": "films"}).text
    assert steward.get("/console/runs/books-20990101T000000000000").status_code == 404


@on_sqlite
def test_long_lists_of_changes_come_in_pages(steward: Browser, library: Environment) -> None:
    run, _ = night(library, "books", [listed("books", number) for number in range(120)])
    url, keys = f"/console/runs/{run}", list[str]()
    while url:
        page = steward.get(url).text
        keys += re.findall(r"books:\d+(?=</bdi></small>)", page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        url = more[1].replace("&amp;", "&") if more else ""
    assert len(keys) == len(set(keys)) == 120


@on_sqlite
def test_a_staging_that_is_gone_or_damaged_is_said(held: str, steward: Browser, library: Environment) -> None:
    folder = library.staging / held / "rows"
    for path in folder.glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:100])
    assert "is damaged" in shown(steward.get(f"/console/runs/{held}").text)
    for path in folder.glob("*.parquet"):
        path.unlink()
    assert "no longer kept" in shown(steward.get(f"/console/runs/{held}").text)


@on_sqlite
def test_a_killed_release_says_so_and_the_run_is_still_held(held: str, steward: Browser, library: Environment) -> None:
    page = f"/console/runs/{held}"
    with feed_lock(library, "books"):
        answer = steward.submit(page, page, action="release", reason="go")
        work = read_work(library, work_id(answer.url))
        assert work is not None and work.pid is not None
        os.kill(work.pid, signal.SIGKILL)
        assert ended(library, answer.url).state == "failed"
    assert "ended before it was done" in shown(steward.get(page).text)
    assert statuses(library)[held] == "held"


@on_sqlite
def test_a_killed_reprocess_leaves_a_run_that_says_so(steward: Browser, library: Environment) -> None:
    night(library, "books", [listed("books", number) for number in range(5)])
    answer = steward.submit("/console", "/console/work", action="reprocess", target="books", reason="new tables")
    work = read_work(library, work_id(answer.url))
    assert work is not None and work.pid is not None
    wait_until(lambda: "running" in statuses(library).values())
    os.kill(work.pid, signal.SIGKILL)
    assert ended(library, answer.url).state == "failed"
    wait_until(lambda: "failed" in statuses(library).values())
    assert "ended before it was done" in shown(steward.get(str(answer.url)).text)
    (run,) = [run for run, status in statuses(library).items() if status == "failed"]
    assert (
        "Amina" in shown(steward.get(f"/console/runs/{run}").text)
        and "new tables" in steward.get(f"/console/runs/{run}").text
    )


@on_sqlite
def test_work_that_fails_is_shown_with_its_sentence(steward: Browser, library: Environment) -> None:
    answer = steward.submit("/console", "/console/work", action="reprocess", target="nobody", reason="x")
    assert ended(library, answer.url).state == "failed"
    assert "nobody.toml" in shown(steward.get(str(answer.url)).text)
    declare(library, "nobody")
    run, _ = night(library, "nobody", [listed("nobody", 1)])
    assert ended(library, answer.url).state == "failed", "the later run is not this work's"
    assert "Amina" not in re.sub(r"<header>.*?</header>", "", steward.get(f"/console/runs/{run}").text, flags=re.S)


@on_sqlite
@pytest.mark.parametrize("target", ["books; touch x", "../books", "--help", "", "Books"])
def test_only_a_feeds_name_is_worked_on(steward: Browser, library: Environment, target: str) -> None:
    answer = steward.submit("/console", "/console/work", action="harvest", target=target, reason="x")
    assert answer.status_code == 422


class _Airflow(BaseHTTPRequestHandler):
    """Airflow's REST API as far as it is used: a token, and DAG runs."""

    triggered: list[tuple[str, object]] = []
    known = {"username": "web", "password": "secret"}

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/auth/token":
            self._answer(201 if body == self.known else 401, {"access_token": "t"})
        elif self.headers["authorization"] == "Bearer t" and "logical_date" in body:
            self.triggered.append((self.path, body))
            self._answer(200, {"dag_run_id": "manual__1"})
        else:
            self._answer(422, {"detail": "no"})

    def do_GET(self) -> None:
        dag = self.path.rpartition("/")[2]
        if dag == "feed_unknown":
            self._answer(404, {"detail": "not found"})
        else:
            self._answer(200, {"dag_id": dag, "is_paused": dag == "feed_paused"})

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Airflow]]:
    _Airflow.triggered = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Airflow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("ELIB_AIRFLOW_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ELIB_AIRFLOW_USERNAME", "web")
        monkeypatch.setenv("ELIB_AIRFLOW_PASSWORD", "secret")
        yield _Airflow
        server.shutdown()


@on_sqlite
def test_airflow_does_the_work_where_it_is_configured(
    airflow: type[_Airflow], steward: Browser, library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = steward.submit("/console", "/console/work", action="full harvest", target="books", reason="they moved")
    assert "The run in Airflow" in shown(answer.text)
    ((path, body),) = airflow.triggered
    assert path == "/api/v2/dags/feed_books/dagRuns"
    assert body == {"logical_date": None, "conf": {"full": True}, "note": "Amina: they moved"}
    night(library, "books", [listed("books", 1)])
    assert ended(library, answer.url).state == "done"
    monkeypatch.setenv("ELIB_AIRFLOW_PASSWORD", "other")
    refused = steward.submit("/console", "/console/work", action="publish", target="", reason="x")
    assert "it answers 401" in shown(refused.text)


@on_sqlite
def test_the_web_of_a_deployment_signs_in_as_the_admin_and_links_to_airflows_public_address(
    airflow: type[_Airflow], steward: Browser, library: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`elib web` is a process of its own there: nothing sets Airflow's variables for it."""
    monkeypatch.delenv("ELIB_AIRFLOW_USERNAME")
    monkeypatch.delenv("ELIB_AIRFLOW_PASSWORD")
    monkeypatch.delenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", raising=False)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/")
    refused = shown(steward.submit("/console", "/console/work", action="publish", target="", reason="x").text)
    assert "ELIB_AIRFLOW_PASSWORD are not set, and" in refused and "passwords.json has no password of admin" in refused
    (library.home / "airflow").mkdir(parents=True)
    (library.home / "airflow" / "passwords.json").write_text('{"admin": "made by Airflow"}')
    monkeypatch.setattr(airflow, "known", {"username": "admin", "password": "made by Airflow"})
    answer = steward.submit("/console", "/console/work", action="publish", target="", reason="x")
    assert [path for path, _ in airflow.triggered] == ["/api/v2/dags/catalog/dagRuns"]
    assert 'href="https://airflow.example.org/dags/catalog/runs/manual__1"' in answer.text


@on_sqlite
def test_a_process_does_the_work_that_airflow_would_not_run(
    airflow: type[_Airflow], steward: Browser, library: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DAG that is paused, or that Airflow has not read yet, would leave the work waiting for ever."""
    passwords = tmp_path / "passwords.json"
    passwords.write_text('{"web": "secret"}')
    monkeypatch.delenv("ELIB_AIRFLOW_PASSWORD")
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
    for name in ("paused", "unknown"):
        declare(library, name, "[request]\nretries = 0\n")
        path = library.registered_feeds / f"{name}.toml"
        path.write_text(path.read_text().replace("https://example.org/api", "http://127.0.0.1:9/api"))
        answer = steward.submit("/console", "/console/work", action="harvest", target=name, reason="x")
        assert "The run in Airflow" not in shown(answer.text)
        assert ended(library, answer.url).state == "failed"
    assert airflow.triggered == []
    steward.submit("/console", "/console/work", action="publish", target="", reason="x")
    assert [path for path, _ in airflow.triggered] == ["/api/v2/dags/catalog/dagRuns"]
