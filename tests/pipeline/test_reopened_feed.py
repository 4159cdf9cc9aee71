"""A feed that had ended and is reopened: its whole list is read again, a person decides, and its records come back."""

from __future__ import annotations

import json

import pytest

from commands.cli import main
from pipeline import feed as tasks
from schemas import Environment
from tests.harvesters.loopback import Answer, ReceivedRequest, serving
from tests.loaders.nights import rows
from tests.pipeline.conftest import library
from tests.pipeline.feeds import FEED, listed

__all__ = ["library"]

STATES = "status, deleted_reason"


@pytest.mark.parametrize("is_withdrawn", [True, False], ids=["after its records went", "before"])
def test_a_reopened_feed_reads_its_whole_list_until_a_run_is_loaded(
    library: Environment, monkeypatch: pytest.MonkeyPatch, is_withdrawn: bool
) -> None:
    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
    env = library
    asked: list[ReceivedRequest] = []
    fails: list[bool] = []

    def source(request: ReceivedRequest) -> Answer:
        asked.append(request)
        if fails:
            return Answer(status=404)
        new = [] if "since" in request.params else [json.loads(listed("books", n).payload) for n in range(12)]
        return Answer(json.dumps(new), headers={"Content-Type": "application/json"})

    def declare(status: str) -> None:
        env.feeds.mkdir(parents=True, exist_ok=True)
        text = FEED.replace("https://example.org/api", f"{server.url}/api") + f'status = "{status}"\n'
        (env.feeds / "books.toml").write_text(text + '[request]\nsince_param = "since"\nrate = 100\nretries = 0\n')

    def run() -> str:
        run_id: str = tasks.harvest("books")["run_id"]
        tasks.run_feed("books", run_id)
        return run_id

    with serving(source) as server:
        declare("active")
        run()
        declare("retired")
        held = run()
        if is_withdrawn:
            assert main(["review", "release", held, "--by", "A Steward", "--reason", "the partner closed"]) == 0
            assert {*rows(env, "source_record", STATES)} == {("deleted", "retired")}
        declare("active")
        fails.append(True)
        with pytest.raises(Exception, match="404"):
            run()
        fails.clear()
        before = rows(env, "source_record", STATES)
        held = run()
        assert "since" not in asked[-1].params, "the first run that is loaded has the whole list"
        (reasons,) = (row[1] for row in rows(env, "harvest_run", "id, reasons, status") if row[0] == held)
        assert "reopened" in reasons and rows(env, "source_record", STATES) == before, "a person looks at it first"
        assert main(["review", "release", held, "--by", "A Steward", "--reason", "it is theirs"]) == 0
        assert {*rows(env, "source_record", STATES)} == {("live", None)}
        assert len(rows(env, "source_record", "key")) == 12
        run()
        assert "since" in asked[-1].params, "then it asks for what is new again"
