"""Trials: real processes over real HTTP, their results, and what becomes of them when they are killed or bounded."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from loaders.reports import PreviewFacts
from loaders.trials import KEPT_DAYS, queue, take_slot
from pipeline.trials import Trial, TrialBounds, TrialRefused, Upload, begin_trial, read_trial, remove_old_trials
from pipeline.trials.bounds import trial_feed
from pipeline.trials.result import fitting_result
from schemas import ROOT, Environment
from tests.harvesters.loopback import Answer, ReceivedRequest, open_environment, serving
from tests.pipeline.test_self_test import Library

PATIENCE_SECONDS = 90.0  # for what must come; nothing is judged by it
BRIEF = TrialBounds(test_seconds=2, preview_seconds=20)
OAI = {"protocol": "oai_pmh", "format": "oai_dc", "request": {"rate": 1000}}

BEGIN = """
import json, sys
from pipeline.trials import begin_trial
from schemas import environment
env = environment({"ELIB_HOME": sys.argv[1], "ELIB_ALLOW_PRIVATE": "127.0.0.1"})
print(begin_trial(env, json.loads(sys.argv[2]), by="partner@example.org"))
"""


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return open_environment(tmp_path / "home")


@pytest.fixture(scope="module")
def library() -> Iterator[str]:
    served = Library(count=60, size=20)
    with serving(served) as server:
        served.url = f"{server.url}/oai"
        yield served.url


def until(env: Environment, trial_id: str, condition: Callable[[Trial], bool]) -> Trial:
    """Return the trial once something is so."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        trial = read_trial(env, trial_id)
        assert trial is not None
        if condition(trial):
            return trial
        time.sleep(0.05)
    raise AssertionError(f"still {read_trial(env, trial_id)}")


def ended(env: Environment, trial_id: str) -> Trial:
    return until(env, trial_id, lambda trial: trial.state in ("done", "failed"))


def worker_of(env: Environment, trial_id: str) -> int:
    """Return the process of a trial once it says that it is there."""
    path = env.home / "trials" / trial_id / "worker.json"
    until(env, trial_id, lambda _: path.exists())
    return int(json.loads(path.read_bytes()).rpartition(" ")[2])


@pytest.fixture(scope="module")
def tried(library: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Trial, int]:
    """A trial that has ended, and the process that made it; the one that began it had ended at once."""
    env = open_environment(tmp_path_factory.mktemp("tried") / "home")
    begun = subprocess.run(
        [sys.executable, "-c", BEGIN, str(env.home), json.dumps({**OAI, "url": library})],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    trial_id = begun.stdout.strip()
    return env, ended(env, trial_id), worker_of(env, trial_id)


def test_a_trial_tests_and_previews_in_a_process_of_its_own_and_touches_nothing_else(
    tried: tuple[Environment, Trial, int],
) -> None:
    env, trial, pid = tried
    assert trial.state == trial.stage == "done" and trial.reason is None, trial.reason
    assert pid != os.getpid()
    assert {line.check for line in trial.lines} >= {"reachable", "completeness", "robots"}
    assert trial.by == "partner@example.org" and trial.records >= 60 and trial.seconds > 0
    assert {path.name for path in env.home.iterdir()} == {"trials", "locks"}
    assert queue(env) == []
    _, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=PATIENCE_SECONDS)
    assert not alive, "it leaves no process behind"


def test_the_preview_has_a_verdict_what_the_library_asks_for_and_each_record_beside_its_source(
    tried: tuple[Environment, Trial, int],
) -> None:
    preview = tried[1].preview
    assert preview is not None and preview.counts.records == 60 == len(preview.records)
    assert preview.verdict.looked_at == 60 and preview.verdict.publishable == preview.counts.accepted
    assert {row.code for row in preview.verdict.mend_first} >= {"address_missing"}
    assert preview.chosen is not None and "periods" in str(preview.chosen)
    record = preview.records[0]
    assert "Title" in (record.source or "") and record.teacher is not None and record.becomes
    needs = {row.field: row.need for row in preview.fields}
    assert needs["title"] == needs["url"] == "required" and needs["license"] == "recommended"
    assert preview.duplicates.not_checked is not None


def test_an_uploaded_zip_and_a_table_are_tried_from_the_trials_own_folder(env: Environment, tmp_path: Path) -> None:
    archive = tmp_path / "lessons.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for n in range(5):
            lom = '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string language="en">{}</string></title>'
            made.writestr(f"{n}.xml", f"{lom.format(f'Rivers of the world, part {n}')}</general></lom>")
    table = tmp_path / "table.csv"
    rows = [f"{n},Lesson {n} about bridges,https://example.org/{n}" for n in range(500)]
    table.write_text("\n".join(["id,title,url", *rows]), encoding="utf-8")
    first = begin_trial(env, {"protocol": "files"}, by="p", upload=Upload("../../less\nons.zip", archive), bounds=BRIEF)
    second = begin_trial(
        env,
        {"protocol": "csv", "identifier": "id", "map": {"title": "title", "url": "url"}},
        by="p",
        upload=Upload("table.csv", table),
        bounds=BRIEF,
    )
    zipped, rowed = ended(env, first), ended(env, second)
    assert zipped.state == "done" and zipped.preview is not None, zipped.reason
    assert zipped.preview.counts.records == 5 and "\n" not in zipped.upload
    assert [path.name for path in (env.home / "trials" / first / "inbox").iterdir()] == ["upload.zip"]
    assert rowed.preview is not None and rowed.preview.verdict.publishable == 100, rowed.reason
    numbers = [int(record.identifier) for record in rowed.preview.records]
    assert numbers == [place * 5 for place in range(100)], "spread over the rows"
    assert {line.level for line in rowed.lines if line.check in ("reachable", "robots")} == {"not_checked"}
    assert not (env.home / "inbox").exists()


def test_a_declaration_cannot_read_the_installations_inbox_nor_use_its_credentials(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (env.home / "inbox").mkdir(parents=True)
    (env.home / "inbox" / "secret.csv").write_text("id,title\n1,Secret", encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_VAULT", '{"password": "hidden"}')
    inbox = {"protocol": "csv", "url": "inbox:secret.csv", "identifier": "id", "map": {"title": "title"}}
    trial = ended(env, begin_trial(env, inbox, by="p", bounds=BRIEF))
    assert trial.state == "failed" and trial.preview is None
    assert trial_feed({**OAI, "url": "https://x.example/oai", "connection": "vault"}, BRIEF).connection is None


def test_a_killed_worker_has_failed_and_says_so(env: Environment) -> None:
    with serving(lambda request: time.sleep(20) or Answer("")) as server:
        trial_id = begin_trial(env, {**OAI, "url": f"{server.url}/oai"}, by="p")
        pid = worker_of(env, trial_id)
        until(env, trial_id, lambda trial: trial.state == "working")
        os.kill(pid, signal.SIGKILL)
        trial = ended(env, trial_id)
    assert trial.state == "failed" and "ended before it was done" in str(trial.reason)


def test_a_trial_past_its_time_ends_itself_whatever_it_waits_for(env: Environment) -> None:
    bounds = TrialBounds(test_seconds=8, preview_seconds=0, judging_seconds=-7)  # it waits for 8 s, and has one
    with serving(lambda request: time.sleep(30) or Answer("")) as server:
        trial_id = begin_trial(env, {**OAI, "url": f"{server.url}/oai"}, by="p", bounds=bounds)
        pid = worker_of(env, trial_id)
        trial = ended(env, trial_id)
    assert trial.state == "failed" and "longer than 1 seconds" in str(trial.reason)
    assert psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=PATIENCE_SECONDS)[1] == []
    assert queue(env) == []


def test_a_server_that_is_not_reached_is_not_previewed(env: Environment) -> None:
    trial = ended(env, begin_trial(env, {**OAI, "url": "http://127.0.0.1:9/oai"}, by="p"))
    assert trial.state == "failed" and "does not answer" in str(trial.reason) and trial.records == 0
    assert trial.lines[0].check == "reachable" and len(trial.lines) > 20


def test_memory_is_bounded_and_running_out_of_it_is_a_sentence(env: Environment) -> None:
    body = json.dumps([{"id": n, "title": {"rendered": "x" * 900_000}} for n in range(20)])
    bounds = TrialBounds(test_seconds=1, preview_seconds=20, memory_bytes=620 * 2**20)
    declaration = {"protocol": "rest", "format": "wordpress", "identifier": "id", "request": {"rate": 1000}}
    with serving(lambda request: Answer(body)) as server:
        trial_id = begin_trial(env, {**declaration, "url": f"{server.url}/posts"}, by="p", bounds=bounds)
        trial = ended(env, trial_id)
    assert trial.state == "failed"
    assert re.search("memory|ended before it was done", str(trial.reason)), trial.reason


def test_huge_records_still_get_a_verdict_in_a_bounded_result(env: Environment) -> None:
    def posts(request: ReceivedRequest) -> Answer:
        made = [
            {"id": n, "title": {"rendered": f"Rivers, part {n}"}, "link": f"https://example.org/{n}",
             "content": {"rendered": "rivers and bridges " * 100_000}}
            for n in range(6)
        ]  # fmt: skip
        return Answer(json.dumps(made), headers={"Content-Type": "application/json"})

    declaration = {"protocol": "rest", "format": "wordpress", "identifier": "id", "request": {"rate": 1000}}
    with serving(posts) as server:
        trial_id = begin_trial(env, {**declaration, "url": f"{server.url}/posts"}, by="p")
        trial = ended(env, trial_id)
    assert trial.preview is not None, trial.reason
    assert trial.preview.verdict.looked_at == 6 and all(record.source_cut for record in trial.preview.records)
    assert (env.home / "trials" / trial_id / "preview.json").stat().st_size < 2_000_000


def test_what_does_not_fit_is_shortened_and_then_left_out_with_a_note(tried: tuple[Environment, Trial, int]) -> None:
    facts = tried[1].preview
    assert isinstance(facts, PreviewFacts)
    whole = len(msgspec.json.encode(facts))
    assert fitting_result(facts, whole) is facts
    smaller = fitting_result(facts, whole // 4)
    assert len(msgspec.json.encode(smaller)) <= whole // 4 + 200
    assert smaller.verdict == facts.verdict and 0 < len(smaller.records) < len(facts.records)
    assert "not shown" in smaller.notes[-1]


def test_trials_wait_for_their_turn_and_too_many_are_refused(env: Environment, library: str) -> None:
    bounds = TrialBounds(test_seconds=1, preview_seconds=5, at_once=1, waiting=1)
    slot = take_slot(env, 1)
    assert slot is not None
    first = begin_trial(env, {**OAI, "url": library}, by="p", bounds=bounds)
    second = begin_trial(env, {**OAI, "url": library}, by="p", bounds=bounds)
    with pytest.raises(TrialRefused, match="Try again"):
        begin_trial(env, {**OAI, "url": library}, by="p", bounds=bounds)
    workers = [worker_of(env, each) for each in (first, second)]
    waiting = read_trial(env, second)
    assert waiting is not None and waiting.state == "waiting" and waiting.ahead == 1
    os.kill(workers[0], signal.SIGKILL)  # while it waits: the one behind it goes on
    assert ended(env, first).state == "failed"
    os.close(slot)
    assert ended(env, second).state == "done"


def test_a_trial_that_waits_too_long_says_so(env: Environment, library: str) -> None:
    slot = take_slot(env, 1)
    assert slot is not None
    bounds = TrialBounds(at_once=1, wait_seconds=0.3)
    trial = ended(env, begin_trial(env, {**OAI, "url": library}, by="p", bounds=bounds))
    os.close(slot)
    assert trial.state == "failed" and "other sources" in str(trial.reason)


@pytest.mark.parametrize(
    "declaration",
    [
        {},
        {"protocol": "oai_pmh", "url": "ftp://example.org", "format": "oai_dc"},
        {"protocol": "oai_pmh", "url": "https://example.org", "format": "oai_dc", "colour": "red"},
        {"protocol": "rest", "url": "https://example.org", "format": "wordpress"},
        {"protocol": "oai_pmh", "url": "https://example.org", "format": "oai_dc", "name": "../../etc"},
    ],
)
def test_a_declaration_with_a_mistake_is_refused_with_its_reason(declaration: dict[str, Any], env: Environment) -> None:
    with pytest.raises(TrialRefused) as refused:
        begin_trial(env, declaration, by="p")
    assert "mistake" in str(refused.value) and ":" in str(refused.value)
    assert not (env.home / "trials").exists() or not list((env.home / "trials").glob("?" * 32))


def test_an_upload_that_is_too_large_is_refused(env: Environment, tmp_path: Path) -> None:
    (tmp_path / "big.zip").write_bytes(b"0" * 100)
    with pytest.raises(TrialRefused, match="larger"):
        begin_trial(
            env,
            {"protocol": "files"},
            by="p",
            upload=Upload("big.zip", tmp_path / "big.zip"),
            bounds=TrialBounds(upload_bytes=99),
        )


@pytest.mark.parametrize(
    "trial_id", ["", "..", "../" * 10 + "etc", "0" * 31, "0" * 33, "G" * 32, "0" * 32, "\x00" * 32]
)
def test_no_other_id_reaches_a_file(trial_id: str, env: Environment) -> None:
    (env.home / "trials").mkdir(parents=True)
    (env.home / "request.json").write_text("{}", encoding="utf-8")
    assert read_trial(env, trial_id) is None


def test_trials_are_removed_after_thirty_days_and_no_others(env: Environment) -> None:
    folder = trial_begun(env, datetime.now(UTC))
    (env.home / "trials" / "notes").mkdir()
    assert remove_old_trials(env, time.time() + (KEPT_DAYS - 1) * 86_400) == 0
    assert read_trial(env, folder.name) is not None
    assert remove_old_trials(env, time.time() + (KEPT_DAYS + 1) * 86_400) == 1
    assert read_trial(env, folder.name) is None and (env.home / "trials" / "notes").exists()


def trial_begun(env: Environment, at: datetime) -> Path:
    """Write the folder of a trial whose process never came."""
    folder = env.home / "trials" / ("a" * 32)
    folder.mkdir(parents=True)
    request = {"declaration": {}, "by": "p", "upload": "", "bounds": {}, "began_at": f"{at:%Y-%m-%dT%H:%M:%S}Z"}
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    return folder


def test_a_trial_whose_process_never_came_has_failed_after_a_minute_and_not_before(env: Environment) -> None:
    folder = trial_begun(env, datetime.now(UTC))
    early = read_trial(env, folder.name)
    shutil.rmtree(folder)
    late = read_trial(env, trial_begun(env, datetime.now(UTC) - timedelta(minutes=2)).name)
    assert early is not None and early.state == "waiting"
    assert late is not None and late.state == "failed" and "did not begin" in str(late.reason)
