"""`make up` is a real Airflow: a feed triggered by its REST API is harvested, loaded, and published by the catalog DAG.

`airflow dags test` would pass without a shared secret; only a scheduler that hands tasks to workers shows it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from commands.night import SAMPLES, write_sample_feeds
from samples.server import ReplayServer
from tests.dags.real_airflow import free_port, signed_in, start, states, until


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Path]]:
    """A running installation in a temporary home with the sample feeds, and a client with the admin's token."""
    home = tmp_path_factory.mktemp("home")
    port = free_port()
    with ReplayServer(SAMPLES) as server:
        feeds = write_sample_feeds(server.url.removeprefix("http://").rstrip("/"), home / "feeds")
        process = start(home, feeds, port)
        try:
            yield signed_in(home, port, process), home
        finally:
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=600) == 0
    with pytest.raises(httpx.ConnectError):  # nothing is left on its port
        httpx.get(f"http://127.0.0.1:{port}/")


@pytest.mark.slow
def test_a_feed_triggered_by_the_api_is_loaded_and_published(airflow: tuple[httpx.Client, Path]) -> None:
    client, home = airflow
    dag = "feed_sample_golab_apps"
    until(lambda: client.get(f"/api/v2/dags/{dag}").status_code == 200 or None, f"the DAG {dag}")
    client.patch(f"/api/v2/dags/{dag}", json={"is_paused": False}).raise_for_status()
    started = client.post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None}).raise_for_status().json()

    def loaded() -> str | None:
        state = states(client, dag, started["dag_run_id"])
        assert "failed" not in state.values(), state
        return state.get("load") if state.get("load") == "success" else None

    until(loaded, "the load task's success")
    engine = create_engine(f"sqlite:///{home / 'catalog.db'}")

    def published() -> int | None:
        with engine.connect() as connection:
            return connection.execute(text("select count(*) from resource")).scalar() or None

    assert until(published, "the catalog DAG's publication") > 0
    with engine.connect() as connection:
        live = connection.execute(text("select count(*) from source_record where status = 'live'")).scalar()
        waiting = connection.execute(
            text("select count(*) from source_record where status = 'live' and resource_id is null")
        ).scalar()
    assert live and waiting == 0


@pytest.mark.slow
def test_airflows_navigation_leads_to_the_console_that_is_served_beside_it(
    airflow: tuple[httpx.Client, Path],
) -> None:
    client, _ = airflow
    plugins = client.get("/api/v2/plugins").raise_for_status().json()["plugins"]
    (view,) = [view for plugin in plugins for view in plugin["external_views"] if "console" in view["href"]]
    assert view["destination"] == "nav" and view["category"]
    until(lambda: _answers(view["href"]) or None, "the console")


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, follow_redirects=True).url.path == "/sign-in"
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_every_component_that_the_home_page_shows_is_healthy(airflow: tuple[httpx.Client, Path]) -> None:
    client, _ = airflow
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")

    def healthy() -> bool | None:
        shown = client.get("/api/v2/monitor/health").raise_for_status().json()
        return all(shown[part]["status"] == "healthy" for part in parts) or None

    assert until(healthy, f"the health of {', '.join(parts)}")


@pytest.mark.slow
def test_the_api_requires_a_login(airflow: tuple[httpx.Client, Path]) -> None:
    client, _ = airflow
    stranger = httpx.get(str(client.base_url) + "/api/v2/dags")
    assert stranger.status_code == 401
