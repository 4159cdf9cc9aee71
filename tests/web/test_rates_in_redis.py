"""Rates of the web over several processes, kept in a real Redis, and by each process while that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.servers import RedisServer, require_redis
from web.guards import Rates


def test_two_processes_count_together_and_each_for_itself_while_redis_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    require_redis()
    redis = RedisServer(tmp_path)
    try:
        processes = [Rates(redis.url), Rates(redis.url)]
        allowed = [rates.use("3/minute", "sign-in", "somebody").is_allowed for _ in range(2) for rates in processes]
        assert allowed == [True, True, True, False]
    finally:
        redis.stop()
    allowed = [rates.use("1/minute", "sign-in", "somebody").is_allowed for _ in range(2) for rates in processes]
    assert allowed == [True, True, False, False]
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 2, "one for each process"
    assert "does not answer" in warnings[0] and "each process of the web counts for itself" in warnings[0]
