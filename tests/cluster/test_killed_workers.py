"""A worker of two is switched off at work; the other ends the night, and the catalog is that of one worker."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.cluster_nights import (
    LONG_DAG,
    at_work,
    begin_one_worker,
    harvest_all,
    kill_at,
    landed,
    publish,
    require_recovery,
    require_same_catalogs,
    writing,
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

    run = trigger(cluster.client, "catalog")
    cluster.pause("catalog", False)
    killed = kill_at(cluster, "catalog", run, "publish", writing)
    cluster.require_success({"catalog": run})
    require_recovery(cluster, "catalog", run, "a worker killed in publish", killed)
    assert cluster.tries("catalog", run, "publish") == [2]
    cluster.pause("catalog", True)
    require_same_catalogs(cluster, one_worker)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "moment"), [("transform", at_work), ("load", writing)])
def test_a_worker_dies_in_the_other_steps_that_take_long(
    night: Night, task: str, moment: Callable[[Cluster], bool]
) -> None:
    cluster = night.cluster
    night.begin()
    runs = harvest_all(cluster)
    killed = kill_at(cluster, LONG_DAG, runs[LONG_DAG], task, moment)
    one_worker = begin_one_worker(cluster)
    cluster.require_success(runs)
    require_recovery(cluster, LONG_DAG, runs[LONG_DAG], f"a worker killed in {task}", killed)
    assert max(cluster.tries(LONG_DAG, runs[LONG_DAG], task)) == 2
    publish(cluster)
    require_same_catalogs(cluster, one_worker)
