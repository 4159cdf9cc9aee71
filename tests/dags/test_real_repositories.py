"""Real repositories' stored pages through the whole job: harvested over HTTP, loaded, published, every table counted.

The pages lie beside the project and are not part of it; where they are absent there is nothing to replay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from sqlalchemy import create_engine, text

from samples.server import ReplayServer
from tests.commands.test_night import lines_by_feed, night, write

STORED = Path(__file__).parents[2].parent / "shared" / "corpora" / "A_oai"
OAI = {"o": "http://www.openarchives.org/OAI/2.0/"}
REPOSITORIES = {
    "feb_dc": ("feb-inroa", "oai_dc"),
    "feb_lom": ("feb-inroa", "lom"),
    "dlme_dc": ("dlme-airflow", "oai_dc"),
    "mit_dc": ("mit-oai-harvester/bodies", "oai_dc"),
    "dpla_mods": ("dpla-ingestion3", "mods"),
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not STORED.exists(), reason="the stored pages (../shared/corpora/A_oai) are not here"),
]


def walked(url: str, prefix: str) -> dict[str, str]:
    """What a plain client sees in a repository: identifier → its header's status ("" or "deleted")."""
    statuses: dict[str, str] = {}
    params: dict[str, str] = {"verb": "ListRecords", "metadataPrefix": prefix}
    tokens: set[str] = set()
    while True:
        page = etree.fromstring(httpx.get(url, params=params).content)
        for header in page.iterfind(".//o:record/o:header", OAI):
            statuses[header.findtext("o:identifier", namespaces=OAI).strip()] = header.get("status", "")
        token = page.findtext(".//o:resumptionToken", namespaces=OAI)
        if not token or token in tokens:
            return statuses
        tokens.add(token)
        params = {"verb": "ListRecords", "resumptionToken": token}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("real")
    feeds = home / "feeds"
    feeds.mkdir()
    with ExitStack() as stack:
        seen = {}
        for name, (folder, prefix) in REPOSITORIES.items():
            server = stack.enter_context(ReplayServer(STORED / folder))
            seen[name] = walked(f"{server.url}/oai", prefix)
            write(
                feeds / f"{name}.toml",
                f'title="{name}"\npartner="Replayed"\nprotocol="oai_pmh"\nformat="{prefix}"\nurl="{server.url}/oai"\n'
                "[request]\nrate=1000\nretries=0\ntrust_list_size=false\n",
            )
        ran = night(home, ELIB_FEEDS=str(feeds), ELIB_ALLOW_PRIVATE="127.0.0.1")
    engine = create_engine(f"sqlite:///{home / 'catalog.db'}")
    with engine.connect() as connection:
        yield {"ran": ran, "seen": seen, "catalog": connection}


def rows(job: dict[str, Any], query: str, **values: object) -> list[Any]:
    return job["catalog"].execute(text(query), values).fetchall()


def number(job: dict[str, Any], query: str, **values: object) -> int:
    return int(rows(job, query, **values)[0][0])


def test_the_night_succeeds_over_at_least_three_repositories_in_two_formats(job: dict[str, Any]) -> None:
    assert job["ran"].returncode == 0, job["ran"].stdout
    assert set(lines_by_feed(job["ran"].stdout)) == set(REPOSITORIES)
    assert all(len(seen) >= 10 for seen in job["seen"].values())


@pytest.mark.parametrize("name", REPOSITORIES)
def test_every_record_of_a_repository_has_exactly_one_status(job: dict[str, Any], name: str) -> None:
    seen = job["seen"][name]
    stored = dict(rows(job, "select identifier, status from source_record where feed = :feed", feed=name))
    assert set(stored) == set(seen)
    assert {identifier for identifier, status in stored.items() if status == "deleted"} == {
        identifier for identifier, status in seen.items() if status == "deleted"
    }
    run = rows(job, "select * from harvest_run where feed = :feed", feed=name)
    assert len(run) == 1
    counts = run[0]._mapping
    assert counts["status"] == "loaded"
    assert counts["landed"] == len(seen)
    assert counts["added"] == sum(status == "live" for status in stored.values())
    assert counts["rejected"] == sum(status == "rejected" for status in stored.values())
    assert counts["quarantined"] == sum(status == "quarantined" for status in stored.values())


def test_most_real_records_are_good_enough_to_publish(job: dict[str, Any]) -> None:
    live = number(job, "select count(*) from source_record where status = 'live'")
    every = number(job, "select count(*) from source_record where status <> 'deleted'")
    assert live > 0.5 * every, f"{live} of {every}"


def test_every_live_record_is_in_one_published_resource(job: dict[str, Any]) -> None:
    resources = {row[0] for row in rows(job, "select id from resource where withdrawn_at is null")}
    of = [row[0] for row in rows(job, "select resource_id from source_record where status = 'live'")]
    assert set(of) == resources
    assert number(job, "select count(*) from source_record where status <> 'live' and resource_id is not null") == 0
    versions = rows(job, "select resource_id, version from resource_version")
    assert sorted(versions) == sorted((resource_id, 1) for resource_id in resources)


def test_findings_pairs_and_uncoded_terms_name_records_and_feeds_that_exist(job: dict[str, Any]) -> None:
    keys = {row[0] for row in rows(job, "select key from source_record")}
    assert number(job, "select count(*) from issue") > 0
    assert {row[0] for row in rows(job, "select distinct key from issue")} <= keys
    assert number(job, "select count(*) from issue where run_id <> first_run_id or resolved_run_id is not null") == 0
    for left, right in rows(job, "select left_key, right_key from match"):
        assert left < right and {left, right} <= keys
    assert {row[0] for row in rows(job, "select distinct feed from unmapped_value")} <= set(REPOSITORIES)
    assert number(job, "select count(*) from unmapped_value where count < 1") == 0


def test_tables_for_decisions_and_redirects_are_empty_after_the_first_night(job: dict[str, Any]) -> None:
    for table in ("judgement", "curation", "redirect"):
        assert number(job, f"select count(*) from {table}") == 0
    assert number(job, "select count(*) from harvest_run where feed is null and status <> 'loaded'") == 0
