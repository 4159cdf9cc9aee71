"""Write the report of the night: one line per feed, what changed, what is held, and what needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from loaders.reports.duplicates import write_duplicates
from loaders.reports.feed import write_feed_report
from loaders.reports.night_facts import Absences, Troubles, UnusualFeeds, night_facts
from loaders.reports.page import Rules, current_time, write_pages
from loaders.reports.texts import LANGUAGES
from loaders.store import snapshot
from schemas import Feed


def write_all_reports(
    catalog_engine: Engine,
    reports_dir: Path,
    feeds: Sequence[Feed],
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
    troubles: Troubles | None = None,
    absences: Absences | None = None,
    unusual: UnusualFeeds | None = None,
    web_url: str = "",
) -> list[Path]:
    """Write the report of every feed, the duplicates, and the night that links to them; the night's page comes first.

    The arguments are those of write_night_report.
    """
    at = at or current_time()
    of_feeds = [
        path
        for feed in feeds
        for path in write_feed_report(
            catalog_engine,
            reports_dir,
            feed,
            languages,
            rules=rules,
            at=at,
            troubles=troubles,
            absences=absences,
            web_url=web_url,
        )
    ]
    duplicates = write_duplicates(catalog_engine, reports_dir, languages, at=at, web_url=web_url)
    night = write_night_report(
        catalog_engine,
        reports_dir,
        feeds,
        languages,
        rules=rules,
        at=at,
        troubles=troubles,
        absences=absences,
        unusual=unusual,
        web_url=web_url,
    )
    return night + of_feeds + duplicates


def write_night_report(
    catalog_engine: Engine,
    reports_dir: Path,
    feeds: Sequence[Feed],
    languages: Sequence[str] = LANGUAGES,
    *,
    rules: Rules | None = None,
    at: str | None = None,
    troubles: Troubles | None = None,
    absences: Absences | None = None,
    unusual: UnusualFeeds | None = None,
    web_url: str = "",
) -> list[Path]:
    """Write night.html, night.<language>.html and night.json, and return their paths, the first page first.

    `rules` are the texts of transforms.rules.rule_texts(), by code; `at` is the time of the report, by default now;
    `troubles` say, by feed, what is wrong with its file, `absences` which records wait to be deleted, `unusual` what is
    unusual in its last night; `web_url` is the web's public address, for links to its pages.
    """
    with snapshot(catalog_engine) as connection:
        facts = night_facts(connection, feeds, rules or {}, at or current_time(), troubles, absences, unusual)
    return write_pages(reports_dir, "night", "night.html", facts, languages, rules, web_url)
