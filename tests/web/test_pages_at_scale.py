"""No page reads every record: an index answers each of its queries, on SQLite and on PostgreSQL.

The catalog is that of `python -m bench.web_pages`, small. A plan of SQLite scans at any size or never; PostgreSQL,
which reads small tables from end to end, is told to avoid that where an index can answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, event

from bench.web_pages import PARTNER, PASSWORD, make_catalog, pages, partner_pages
from loaders.store import engine, read_transaction
from schemas import Environment, environment
from tests.web.conftest import STEWARD, Browser
from web import create_app
from web.settings import WebSettings

RECORDS = 600
LARGE = {"source_record", "resource", "resource_version", "resource_set", "issue", "match", "redirect"}
OF_FEW = {"ix_source_record_pending", "ix_match_waiting", "ix_resource_review"}  # have only what waits for a person


class Query(NamedTuple):
    """A query that a page sent, and the transactions that it began before."""

    statement: str
    values: Any


def test_no_page_reads_every_record_and_each_reads_in_one_transaction(env: Environment, tmp_path: Path) -> None:
    variables = {"ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url, "ELIB_FEEDS": str(tmp_path / "feeds")}
    env = environment(variables)
    make_catalog(env, RECORDS)
    sent: list[Query] = []
    begun: list[object] = []
    event.listen(engine(env), "before_cursor_execute", lambda *each: sent.append(Query(*each[2:4])))
    event.listen(engine(env), "begin", begun.append)
    scans: dict[str, list[str]] = {}
    several: dict[str, int] = {}
    for account, some in ((STEWARD, pages(env)), (PARTNER, partner_pages(env))):
        with Browser(create_app(env, WebSettings(secret="s" * 40)), base_url="http://127.0.0.1:8081") as browser:
            browser.submit("/sign-in", "/sign-in", name=account, password=PASSWORD)
            for page in some:
                sent.clear()
                begun.clear()
                assert browser.get(page).status_code == 200, page
                if len(begun) > 2:  # the state of the catalog is asked before
                    several[page] = len(begun)
                if found := _scans(env, list(sent)):
                    scans[page] = found
    assert not scans, "\n".join(each for found in scans.values() for each in found)
    assert not several


def _scans(env: Environment, queries: list[Query]) -> list[str]:
    """Return what the plans of queries read of large tables from end to end."""
    is_sqlite = env.catalog_url.startswith("sqlite")
    with read_transaction(env) as connection:
        if not is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        steps = _steps_of_sqlite if is_sqlite else _steps_of_postgresql
        selects = [query for query in queries if query.statement.lstrip().startswith(("SELECT", "WITH"))]
        return [f"{step} of {query.statement}" for query in selects for step in steps(connection, query)]


def _steps_of_sqlite(connection: Connection, query: Query) -> Iterator[str]:
    """Yield the steps that scan; one with a limit stops when it has enough."""
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query.statement}", query.values):
        words = row[3].split()
        is_limited = "LIMIT" in query.statement
        if words[0] == "SCAN" and words[1].strip('"') in LARGE and not (OF_FEW & set(words)) and not is_limited:
            yield row[3]


def _steps_of_postgresql(connection: Connection, query: Query) -> Iterator[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {query.statement}", query.values).scalar_one()
    yield from _steps(plan[0]["Plan"], is_limited=False)


def _steps(step: dict[str, Any], *, is_limited: bool) -> Iterator[str]:
    """Yield the steps that read a large table, or an index of all of it, without a condition that the index answers."""
    is_limited = is_limited or step["Node Type"] == "Limit"
    is_narrowed = "Index Cond" in step or step.get("Index Name") in OF_FEW
    is_read = step["Node Type"] != "Bitmap Heap Scan"  # of rows that an index named
    if step.get("Relation Name") in LARGE and is_read and not (is_narrowed or is_limited):
        yield f"{step['Node Type']} {step['Relation Name']} {step.get('Index Name', '')}"
    for part in step.get("Plans", ()):
        yield from _steps(part, is_limited=is_limited)
