"""Every report of a night, each linked from the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from loaders.reports.duplicates import duplicates
from loaders.reports.feed import feed_report
from loaders.reports.night import night
from loaders.reports.night_facts import Troubles
from loaders.reports.page import LANGUAGES, Rules, this_moment
from schemas import Feed


def all_reports(
    catalog_engine: Engine,
    reports_dir: Path,
    feeds: Sequence[Feed],
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
    troubles: Troubles | None = None,
) -> list[Path]:
    """Write the reports of every feed, the duplicates, and last the night that links to them; its page comes first."""
    said = at or this_moment()
    of_feeds = [
        path
        for feed in feeds
        for path in feed_report(catalog_engine, reports_dir, feed, languages, rules=rules, at=said, troubles=troubles)
    ]
    pairs = duplicates(catalog_engine, reports_dir, languages, at=said)
    first = night(catalog_engine, reports_dir, feeds, languages, rules=rules, at=said, troubles=troubles)
    return first + of_feeds + pairs
