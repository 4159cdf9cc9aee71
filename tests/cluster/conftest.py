"""A cluster and its partners, one for each file of tests; skipped with the reason where there cannot be one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samples.generate import Generated
from samples.generated import identifier
from samples.server import ReplayServer
from tests.cluster.cluster import Cluster, running, unshare
from tests.cluster.servers import Postgres, RedisServer, postgres_programs, skip_cluster
from tests.dags.real_airflow import ROOT, until

LONG, *SHORT = FEEDS = ("generated", "sample_col_oasis", "sample_golab_apps")
DAGS = [f"feed_{name}" for name in FEEDS]
_FIRST_NIGHT_RECORDS = 5_600  # of the long feed: two parts in landing, and two chunks
_BORN_EACH_NIGHT = 200
_LONG_FEED = """title = "Generated records"
partner = "A Library"
protocol = "oai_pmh"
format = "oai_dc"
url = "{url}/generated"
[request]
rate = 3
"""


@dataclass
class Night:
    """A cluster before its partners, whose lists grow from night to night."""

    cluster: Cluster
    partners: ReplayServer
    number: int = 0

    def begin(self) -> None:
        """Let a night come: the partner of the long feed has new records."""
        self.number += 1
        self.partners.sites["generated"] = Generated(self._records)

    @property
    def _records(self) -> int:
        return _FIRST_NIGHT_RECORDS + _BORN_EACH_NIGHT * (self.number - 1)

    @property
    def newest_key(self) -> str:
        """The key of a record of the long feed that is new in this night."""
        return f"{LONG}:{identifier(self._records - 1)}"


def missing() -> str | None:
    """What the machine lacks for a cluster; None where it lacks nothing."""
    if unshare() is None:
        return "unshare may give no process a host name of its own here"
    if shutil.which("redis-server") is None:
        return "there is no program redis-server"
    if postgres_programs() is None:
        return "there are no programs of a PostgreSQL server"
    return None


def write_feed_files(folder: Path, url: str) -> None:
    folder.mkdir()
    for name in SHORT:
        declared = (ROOT / "samples" / "feeds" / f"{name}.toml").read_text(encoding="utf-8")
        (folder / f"{name}.toml").write_text(declared.replace("http://127.0.0.1:8765", url), encoding="utf-8")
    (folder / f"{LONG}.toml").write_text(_LONG_FEED.format(url=url), encoding="utf-8")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Night]:
    """A cluster of two workers; a file of tests whose SCHEDULERS is 2 has two schedulers."""
    if (reason := missing()) is not None:
        skip_cluster(reason)
    folder = tmp_path_factory.mktemp("cluster")
    postgres, redis = Postgres(folder), RedisServer(folder)
    try:
        postgres.create("airflow", "catalog", "one_worker")
        with ReplayServer(ROOT / "samples", added={"generated": Generated(0)}) as partners:
            write_feed_files(folder / "feeds", partners.url)
            cluster = Cluster(folder, folder / "feeds", postgres, redis)
            with running(cluster, schedulers=getattr(request.module, "SCHEDULERS", 1)):
                for dag in (*DAGS, "catalog"):
                    until(lambda dag=dag: cluster.get(f"dags/{dag}"), f"the DAG {dag}")
                    cluster.pause(dag, dag == "catalog")
                yield Night(cluster, partners)
    finally:
        redis.stop()
        postgres.remove()
