"""A PostgreSQL and a Redis of the test's own, on free ports of 127.0.0.1, which a test may stop and start again.

They are the machine's programs; root runs PostgreSQL, which refuses it, as the user postgres or nobody.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.dags.real_airflow import free_port, until

_NOT_ROOT = ("postgres", "nobody")


def require_redis() -> None:
    """Skip the test, or fail it in CI, where the machine has no Redis."""
    if shutil.which("redis-server") is None:
        skip_cluster("there is no program redis-server")


def skip_cluster(reason: str) -> NoReturn:
    """Skip the test; fail it where ELIB_TEST_CLUSTER is required: in CI a skip would hide that nothing was tried."""
    if os.environ.get("ELIB_TEST_CLUSTER") == "required":
        pytest.fail(f"ELIB_TEST_CLUSTER is required, and {reason}")
    pytest.skip(reason)


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL's programs; None where there is none."""
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return Path(on_path).parent if on_path else installed[-1].parent if installed else None


class Postgres:
    """A database server whose superuser `postgres` needs no password."""

    def __init__(self, folder: Path) -> None:
        programs = postgres_programs()
        assert programs is not None
        self._programs, self._log, self.port = programs, folder / "postgres.log", free_port()
        self._data = Path(tempfile.mkdtemp(prefix="elib-postgres-"))  # not in pytest's folder, which only we may enter
        self._user = next(pwd.getpwnam(name) for name in _NOT_ROOT if _exists(name)) if os.getuid() == 0 else None
        if self._user is not None:
            os.chown(self._data, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D", self._data)
        self.start()

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        user = None if self._user is None else self._user.pw_uid
        with self._log.open("ab") as log:
            ended = subprocess.run(
                command,
                cwd=self._data,
                user=user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        assert ended.returncode == 0, f"{program} ended with {ended.returncode}; see {self._log}"

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k '' -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-o", options)

    def stop(self) -> None:
        """Stop it as an administrator does: every connection is ended."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._data)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._data)

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        return f"{driver}://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, *databases: str) -> None:
        server = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            for name in databases:
                connection.execute(text(f"CREATE DATABASE {name}"))
        server.dispose()

    def ask(self, database: str, question: str, **values: object) -> list[tuple[object, ...]]:
        """The rows of a query, on a connection of its own; none while the server does not answer."""
        asking = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        try:
            with asking.connect() as connection:
                return [tuple(row) for row in connection.execute(text(question), values)]
        except OperationalError:
            return []
        finally:
            asking.dispose()


class RedisServer:
    """A Redis that keeps nothing on disk, so that a stop loses every message."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        with Redis.from_url(self.url) as client:

            def answers() -> bool | None:
                assert self._process.poll() is None, "redis-server ended"
                try:
                    return bool(client.ping())
                except RedisError:
                    return None

            until(answers, "an answer of Redis")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False
