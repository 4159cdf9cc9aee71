"""The steps of a feed's DAG, without Airflow: what an operator finds in the catalog when one cannot go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from loaders.store import HarvestRunRow, read_transaction
from pipeline import feed as tasks
from schemas import HarvestFailed, environment
from tests.catalogs import new_catalog

FEED = 'title="t"\npartner="p"\nprotocol="oai_pmh"\nurl="http://127.0.0.1:9/oai"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "feeds").mkdir()
    monkeypatch.setenv("ELIB_HOME", str(tmp_path))
    monkeypatch.setenv("ELIB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
    monkeypatch.delenv("ELIB_CATALOG_URL", raising=False)
    new_catalog(environment())
    return tmp_path


def last_run() -> HarvestRunRow:
    with read_transaction(environment()) as connection:
        return connection.execute(select(HarvestRunRow.__table__).order_by(HarvestRunRow.id.desc())).first()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("words", "named"),
    [('format="oai_dcc"\n', "'oai_dcc'"), ('format="oai_dc"\ndialect="eprint"\n', "'eprint'")],
)
def test_an_unknown_format_is_reported_before_the_partner_is_contacted(home: Path, words: str, named: str) -> None:
    (home / "feeds" / "odd.toml").write_text(FEED + words, encoding="utf-8")
    with pytest.raises(HarvestFailed, match=named):
        tasks.harvest("odd")
    run = last_run()
    assert (run.status, run.cause) == ("failed", "bad_format")
    assert named in run.error and "put one of" in run.error
    assert run.error.count(" until ") == 1, "what is to be expected is said once"


def test_a_partner_that_is_down_ends_the_run_as_failed_with_what_to_expect(home: Path) -> None:
    (home / "feeds" / "down.toml").write_text(FEED + 'format="oai_dc"\n[request]\nretries=0\n', encoding="utf-8")
    with pytest.raises(HarvestFailed):
        tasks.harvest("down")
    run = last_run()
    assert (run.status, run.cause) == ("failed", "unreachable")
    assert run.error.endswith("The next run tries again.")
    assert run.error.count(" again") == 1, "what is to be expected is said once"


def test_a_permanent_failure_says_once_that_a_change_is_needed(home: Path) -> None:
    (home / "feeds" / "private.toml").write_text(
        FEED.replace("127.0.0.1", "10.0.0.1") + 'format="oai_dc"\n', encoding="utf-8"
    )
    with pytest.raises(HarvestFailed):
        tasks.harvest("private")
    run = last_run()
    assert (run.status, run.cause) == ("failed", "forbidden_address")
    assert run.error.endswith("Every run fails until this is changed.")
    assert run.error.count(" until ") == 1 and " again" not in run.error
