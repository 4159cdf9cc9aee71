"""Random nights of a feed: counts add up, a second identical night changes nothing, and states are right."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loaders import catalog, store
from loaders.store import engine
from schemas import SourceRecord, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import everything, feed, rows, run_counts, sent, staged

VERSIONS = ("old", "new", "bad one", "bad two", "unreadable", "deleted")
LISTED = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(VERSIONS), max_size=6)
NIGHTS = st.lists(st.tuples(LISTED, st.booleans(), st.sampled_from(["load", "load", "hold", "crash"])), max_size=6)
Night = tuple[dict[str, str], bool, str]


def listed(versions: dict[str, str]) -> list[SourceRecord]:
    return [_record(name, version) for name, version in sorted(versions.items())]


def _record(name: str, version: str) -> SourceRecord:
    if version == "deleted":
        return sent(name, None)
    return sent(name, version, unreadable=True) if version == "unreadable" else sent(name, version)


class Model:
    """What the catalog should say, in a few lines: the last accepted version, and what waits."""

    def __init__(self) -> None:
        self.listed: dict[str, str] = {}  # what the partner said last, since the last load
        self.accepted: dict[str, str] = {}
        self.waiting: dict[str, str] = {}
        self.known: set[str] = set()

    def hear(self, versions: dict[str, str], full: bool) -> None:
        if full:
            self.listed = dict.fromkeys(self.known | self.listed.keys(), "absent")
        self.listed |= versions

    def load(self) -> None:
        for name, version in self.listed.items():
            self.known.add(name)
            if version in ("deleted", "absent"):
                self.accepted.pop(name, None)
                self.waiting.pop(name, None)
            elif version in ("old", "new"):
                self.accepted[name] = version
                self.waiting.pop(name, None)
            else:
                self.waiting[name] = version
        self.listed = {}

    def states(self) -> list[tuple[str, str, bool]]:
        return [(name, self._state(name), name in self.waiting) for name in sorted(self.known)]

    def _state(self, name: str) -> str:
        if name in self.accepted:
            return "live"
        if name in self.waiting:
            return "rejected" if self.waiting[name] == "unreadable" else "quarantined"
        return "deleted"


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NIGHTS)
def test_random_nights(nights: list[Night]) -> None:
    with tempfile.TemporaryDirectory() as home:
        env = environment({"ELIB_HOME": str(Path(home))})
        new_catalog(env)
        model = Model()
        for versions, full, ending in nights:
            run = staged(env, feed(), listed(versions), full=full)
            run_counts(store.read_run(env, run).counts)
            model.hear(versions, full)
            if ending == "hold":
                store.hold_run(env, run, ["held by the test"])
            elif ending == "load":
                catalog.load(env, run)
                model.load()
                states = rows(env, "source_record", "identifier, status, pending_sha256 IS NOT NULL")
                assert [(name, status, bool(waits)) for name, status, waits in states] == model.states()
                before = everything(env)
                again = staged(env, feed(), listed(versions), full=full)
                counts = run_counts(catalog.load(env, again))
                assert counts.keys() <= {"landed", "unchanged"}
                assert everything(env) == before
        engine(env).dispose()
