"""What the matcher reads of a catalog, by one process and by two: the same rows, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys

from schemas import ROOT, Environment
from tests.loaders.nights import feed, night, said

COMPARE = """
import resource
from pipeline.catalog import _live_features as live_features
from loaders.publication.match_state import live_versions
from schemas import environment

env = environment()
keys = live_versions(env)
alone = live_features(env, keys)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0)
both = live_features(env, keys, min_to_split=2)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0)
print(alone.equals(both), both["key"].to_pylist() == sorted(keys), both.num_rows)
"""


def test_two_processes_read_the_same_of_a_catalog_as_one(env: Environment) -> None:
    titles = ["Weather for schools", "Погода для школ", "الطقس للمدارس", "Време за школе"]
    night(env, feed(), [said(f"r{number}", f"{titles[number % 4]} {number}") for number in range(41)])
    variables = {**os.environ, "ELIB_HOME": str(env.home), "ELIB_CATALOG_URL": env.catalog_url}
    ended = subprocess.run(
        [sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False, cwd=ROOT, env=variables
    )
    assert ended.stdout == "False\nTrue\nTrue True 41\n", ended.stderr
