"""The times of the requests to a host, kept in Redis for all machines that harvest.

The time is that of the Redis server, so that machines whose clocks differ keep one rate. While Redis does not answer,
the caller keeps the rate by its files.
"""

from __future__ import annotations

import logging
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas import HarvestFailed

if TYPE_CHECKING:
    from redis.commands.core import Script

log = logging.getLogger("elib.feed")
_TIMEOUT_SECONDS = 2.0
_PAUSE_SECONDS = 15.0  # for which a Redis that did not answer is not asked again
_KEY = "elib:host:{}:last"
# KEYS[1]: when the last request was, or will be, sent. ARGV: the interval, and how far ahead a time may be before it
# means that the clock was set back. All in microseconds. Returns how long the caller waits.
_RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
local reserved = now
if last < now + tonumber(ARGV[2]) then reserved = math.max(now, last + tonumber(ARGV[1])) end
local keep = math.ceil((reserved - now + tonumber(ARGV[1])) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', reserved), 'PX', keep)
return string.format('%.0f', reserved - now)
"""


class SharedRate:
    """Reserves the times of requests in the Redis at a URL; one object per process and URL (`shared_rate`)."""

    def __init__(self, url: str) -> None:
        self._place = url.rpartition("@")[2].removeprefix("redis://").removeprefix("rediss://")
        self._reserve_script = _register(url)
        self._away_until = 0.0  # time.monotonic
        self._is_away = False

    def reserve(self, host: str, interval: float, max_ahead: float) -> float | None:
        """Reserve the host's next free time and return the seconds until then; None while Redis does not answer.

        `interval` and `max_ahead` are seconds: between two requests, and after which a time is not believed.
        """
        from redis.exceptions import RedisError

        if time.monotonic() < self._away_until:
            return None
        arguments = [round(interval * 1e6), round(max_ahead * 1e6)]
        try:
            wait = float(self._reserve_script([_KEY.format(host)], arguments)) / 1e6
        except (RedisError, OSError) as error:
            self._note_away(host, error)
            return None
        if self._is_away:
            log.warning("Redis at %s answers again, and keeps the rate of requests over all machines", self._place)
            self._is_away = False
        return wait

    def _note_away(self, host: str, error: Exception) -> None:
        self._away_until = time.monotonic() + _PAUSE_SECONDS
        if not self._is_away:
            sentence = (
                "Redis at %s does not answer (%s): until it does, ELIB_HOME/locks keeps the rate of requests to %s"
            )
            log.warning(sentence, self._place, str(error).rstrip("."), host)
            self._is_away = True


def shared_rate(url: str) -> SharedRate | None:
    """Return the process's SharedRate for ELIB_REDIS_URL; None where it is empty. Raises HarvestFailed."""
    return _shared_rate(url, os.getpid()) if url else None


@lru_cache(maxsize=4)
def _shared_rate(url: str, _pid: int) -> SharedRate:
    return SharedRate(url)


def _register(url: str) -> Script:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        sentence = "ELIB_REDIS_URL is set, and the Python package redis is missing: install requirements-cluster.txt"
        raise HarvestFailed("bad_configuration", sentence, again=True) from error
    try:
        redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        sentence = "ELIB_REDIS_URL is not the URL of a Redis: write it as redis://host:6379/0"
        raise HarvestFailed("bad_configuration", sentence, again=True) from error
    return redis.register_script(_RESERVE)
