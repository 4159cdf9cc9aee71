"""The report of the night: one line a feed, what changed, what is held, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Engine

from loaders.reports.night_facts import Troubles, night_facts
from loaders.reports.page import LANGUAGES, Rules, this_moment, write_pages
from loaders.store import snapshot
from schemas import Feed


def night(
    catalog_engine: Engine,
    reports_dir: Path,
    feeds: Iterable[Feed],
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
    troubles: Troubles | None = None,
) -> list[Path]:
    """Write night.html, night.<language>.html and night.json, and return their paths, the first page first.

    `rules` are the texts of transforms.rules.rule_texts(), by code; `at` the time of the report (now, unless given);
    `troubles` say, by feed, what is wrong with its file.
    """
    said = at or this_moment()
    with snapshot(catalog_engine) as connection:
        facts = night_facts(connection, sorted(feeds, key=lambda feed: feed.name), rules or {}, said, troubles)
    return write_pages(reports_dir, "night", "night.html", facts, languages, rules)
