"""Feeds for the tests of the steps: AMB records that a partner would list, landed and taken through every step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from loaders import store
from loaders.landing import ask, land
from pipeline import feed as tasks
from schemas import Environment, SourceRecord
from tests.loaders.nights import pages

FEED = """title = "Open Textbooks"
partner = "Example University"
protocol = "rest"
url = "https://example.org/api"
format = "amb"
identifier = "id"
absent_after = 1
"""
AUTHORS = ["Okafor", "Lindqvist", "Haddad", "Nakamura", "Petrovic", "Moreau", "Castillo", "Mbeki", "Ivanova", "Rahman"]
SUBJECTS = [
    "Photosynthesis",
    "Fractions",
    "Volcanoes",
    "Grammar",
    "Electricity",
    "Democracy",
    "Perspective",
    "Rhythm",
    "Chemistry",
    "Migration",
]


def declare(env: Environment, name: str, more: str = "") -> None:
    """Write the feed's file."""
    env.feeds.mkdir(parents=True, exist_ok=True)
    (env.feeds / f"{name}.toml").write_text(FEED + more, encoding="utf-8")


def listed(feed: str, number: int, /, **more: Any) -> SourceRecord:
    """A good AMB record of the feed; `more` replaces its fields."""
    title = f"{SUBJECTS[number % 10]} for class {number // 10 + 1}, a workbook of {feed}"
    record = {
        "id": f"https://{feed}.example.org/{number}",
        "name": title,
        "description": f"{title}: what pupils should know, with two experiments and a test at the end.",
        "inLanguage": ["en"],
        "license": {"id": "https://creativecommons.org/licenses/by/4.0/"},
        "creator": [{"type": "Person", "name": f"{AUTHORS[number % 10]}, {AUTHORS[number // 10 % 10]}"}],
        "datePublished": "2024-01-01",
        "learningResourceType": [{"id": "https://w3id.org/kim/hcrt/worksheet"}],
    }
    payload = json.dumps({key: value for key, value in (record | more).items() if value is not None})
    return SourceRecord(
        feed=feed, identifier=str(number), format="amb", payload=payload, harvested_at="2026-01-01T00:00:00Z"
    )


def land_only(env: Environment, name: str, records: Iterable[SourceRecord]) -> str:
    """A run of the feed with what the partner lists, as far as landing."""
    feed = tasks.load_feed(env, name)
    run = store.begin_run(env, name, version=tasks.transforms_version())
    landed = land(env.landing, feed, run, pages(records, size=200), ask=ask(env.landing, feed))
    store.note_listed(env, run, listed=landed.listed, notes=landed.notes)
    return run


def night(env: Environment, name: str, records: Iterable[SourceRecord]) -> tuple[str, dict[str, int]]:
    """A whole run of the feed through every step: its id, and the counts of what was loaded ({} when it is held)."""
    run = land_only(env, name, records)
    return run, tasks.run_feed(name, run)
