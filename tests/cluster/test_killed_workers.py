"""A worker of two is switched off at work; the other ends the night, and the catalog is that of one worker."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.cluster_nights import (
    LONG_DAG,
    at_work,
    begin_one_worker,
    harvest_all,
    kept_from_writing,
    kill_at,
    landed,
    publish,
    require_recovery,
    require_same_catalogs,
)
from tests.cluster.conftest import Night
from tests.dags.real_airflow import trigger

pytestmark = pytest.mark.cluster


def test_a_worker_dies_in_a_harvest_and_one_in_the_publication(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    runs = harvest_all(cluster)
    killed = kill_at(cluster, LONG_DAG, runs[LONG_DAG], "harvest", landed)
    one_worker = begin_one_worker(cluster)
    cluster.require_success(runs)
    require_recovery(cluster, LONG_DAG, runs[LONG_DAG], "a worker killed in harvest", killed)
    assert cluster.tries(LONG_DAG, runs[LONG_DAG], "harvest") == [2]

    with kept_from_writing(cluster, night.newest_key) as stands_in_writing:
        run = trigger(cluster.client, "catalog")
        cluster.pause("catalog", False)
        killed = kill_at(cluster, "catalog", run, "publish", stands_in_writing)
    cluster.require_success({"catalog": run})
    require_recovery(cluster, "catalog", run, "a worker killed in publish", killed)
    assert cluster.tries("catalog", run, "publish") == [2]
    cluster.pause("catalog", True)
    require_same_catalogs(cluster, one_worker)


@pytest.mark.slow
def test_a_worker_dies_in_a_transform(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    runs = harvest_all(cluster)
    killed = kill_at(cluster, LONG_DAG, runs[LONG_DAG], "transform", at_work)
    end_night(cluster, runs, "transform", killed)


@pytest.mark.slow
def test_a_worker_dies_in_a_load(night: Night) -> None:
    cluster = night.cluster
    night.begin()
    with kept_from_writing(cluster, night.newest_key) as stands_in_writing:
        runs = harvest_all(cluster)
        killed = kill_at(cluster, LONG_DAG, runs[LONG_DAG], "load", stands_in_writing)
    end_night(cluster, runs, "load", killed)


def end_night(cluster: Cluster, runs: dict[str, str], task: str, killed: datetime) -> None:
    """Wait for the end of a night's runs, publish, and compare the catalog."""
    one_worker = begin_one_worker(cluster)
    cluster.require_success(runs)
    require_recovery(cluster, LONG_DAG, runs[LONG_DAG], f"a worker killed in {task}", killed)
    assert max(cluster.tries(LONG_DAG, runs[LONG_DAG], task)) == 2
    publish(cluster)
    require_same_catalogs(cluster, one_worker)
