"""A run belongs to its process as long as that works."""

from __future__ import annotations

import os
import subprocess
import sys

from loaders import store
from schemas import Environment

BEGIN = """
import sys
from loaders import store
from schemas import environment
store.begin_run(environment(), sys.argv[1])
"""


def test_a_killed_process_that_nobody_has_waited_for_does_not_block_its_feed(env: Environment) -> None:
    variables = {**os.environ, "ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url}
    child = subprocess.Popen([sys.executable, "-c", BEGIN, "books"], env=variables)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still a zombie
    try:
        run = store.begin_run(env, "books")
        assert store.read_run(env, run).status == "running"
    finally:
        assert child.wait() == 0
