"""The rate of requests to a host over several machines, kept in a real Redis, and without it when it is gone."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harvesters.client.rate import HostLimit
from schemas import HarvestFailed, environment
from tests.cluster.servers import RedisServer, require_redis
from tests.harvesters.loopback import ReceivedRequest, feed, pages, serving

RATE = 25.0
REQUESTS = 10


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    server = RedisServer(tmp_path)
    yield server
    server.stop()


def machine(folder: Path, url: str) -> HostLimit:
    """A machine that shares no folder with others."""
    return HostLimit(folder, "example.org", rate=RATE, connections=1, redis_url=url)


def seconds_of(*machines: HostLimit) -> float:
    """How long the machines need for their requests, all at the same time."""

    def ask(limit: HostLimit) -> None:
        for _ in range(REQUESTS):
            with limit.request(time.monotonic() + 30):
                pass

    threads = [threading.Thread(target=ask, args=(limit,)) for limit in machines]
    begins = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begins


def test_two_machines_together_keep_the_rate_of_a_host(tmp_path: Path, redis: RedisServer) -> None:
    seconds = seconds_of(machine(tmp_path / "one", redis.url), machine(tmp_path / "two", redis.url))
    assert seconds >= (2 * REQUESTS - 1) / RATE


def test_machines_that_share_a_folder_keep_the_rate_when_redis_is_gone_and_say_so_once(
    tmp_path: Path, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    machines = [machine(tmp_path, redis.url) for _ in range(2)]
    for limit in machines:
        with limit.request(time.monotonic() + 30):
            redis.stop()
    assert seconds_of(*machines) >= (2 * REQUESTS - 1) / RATE
    warnings = [record.getMessage() for record in caplog.records if "Redis" in record.getMessage()]
    assert len(warnings) == 1, warnings
    assert f"Redis at 127.0.0.1:{redis.port}/0 does not answer (" in warnings[0]
    assert warnings[0].endswith("until it does, ELIB_HOME/locks keeps the rate of requests to example.org")


def test_redis_keeps_the_rate_again_when_it_is_back(
    tmp_path: Path, redis: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvesters.client.shared_rate._PAUSE_SECONDS", 0.0)
    machines = [machine(tmp_path / name, redis.url) for name in ("one", "two")]
    redis.stop()
    with machines[0].request(time.monotonic() + 30):
        redis.start()
    assert seconds_of(*machines) >= (2 * REQUESTS - 1) / RATE
    assert "answers again" in caplog.text


def test_a_machine_whose_clock_is_five_minutes_ahead_stops_no_other_and_makes_none_faster(
    tmp_path: Path, redis: RedisServer
) -> None:
    """The time is that of Redis; without it, what the other machine has written is believed, and kept."""
    (tmp_path / "hosts").mkdir()
    (tmp_path / "hosts" / "example.org.last").write_bytes(struct.pack("<d", time.time() + 300))
    with machine(tmp_path, redis.url).request(time.monotonic() + 5):
        redis.stop()
    (tmp_path / "hosts" / "example.org.last").write_bytes(struct.pack("<d", time.time() + 300))
    late = machine(tmp_path, redis.url)
    with pytest.raises(HarvestFailed) as caught, late.request(time.monotonic() + 5):
        pass
    assert caught.value.cause == "too_slow"


def test_an_address_that_is_no_redis_ends_the_harvest_with_what_to_write(tmp_path: Path) -> None:
    variables = {"ELIB_HOME": str(tmp_path), "ELIB_ALLOW_PRIVATE": "127.0.0.1", "ELIB_REDIS_URL": "localhost:6379"}
    requests: list[ReceivedRequest] = []
    with serving(requests.append) as loopback, pytest.raises(HarvestFailed) as caught:
        pages(feed(loopback.url), environment(variables))
    assert caught.value.cause == "bad_configuration"
    assert "ELIB_REDIS_URL is not the URL of a Redis: write it as redis://host:6379/0" in caught.value.sentence
    assert requests == []
