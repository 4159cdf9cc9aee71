"""Dates of whole records: the published value and the findings on it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import pytest

from schemas import Feed, SourceRecord
from transforms import transform

CASES = Path(__file__).parents[1] / "cases" / "dates" / "dates.tsv"
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<dc:title>Lesson</dc:title><dc:language>{language}</dc:language><dc:date>{date}</dc:date></oai_dc:dc>"
)
MODS = (
    '<mods xmlns="http://www.loc.gov/mods/v3"><titleInfo><title>Lesson</title></titleInfo><language><languageTerm>'
    "{language}</languageTerm></language><originInfo><dateIssued>{date}</dateIssued></originInfo></mods>"
)


def _rows() -> list[tuple[str, str, str]]:
    lines = (line.split("\t") for line in CASES.read_text(encoding="utf-8").splitlines()[1:])
    return [(language, date, expected) for language, date, expected, *_ in lines]


def _dated(date: str, language: str, payload: str = DC, **keys: Any) -> tuple[str, set[str]]:
    """Return the published date, and the codes of the issues of dates."""
    keys = {"format": "oai_dc"} | keys
    feed = Feed(
        name="sample", title="Sample", partner="Partner", protocol="oai_pmh", url="https://a.example/oai", **keys
    )
    record = SourceRecord(
        feed="sample",
        identifier="1",
        format=feed.format,
        payload=payload.format(language=language, date=escape(date)),
        harvested_at="2026-11-26T00:00:00Z",
    )
    assessment = transform(record, feed)
    assert assessment.resource is not None
    codes = {issue.code for issue in assessment.issues if issue.code.startswith("date_")}
    return assessment.resource.issued or "", codes


@pytest.mark.parametrize(("language", "date", "expected"), _rows())
def test_a_date_is_published_or_a_finding_says_why_not(language: str, date: str, expected: str) -> None:
    issued, codes = _dated(date, language)
    alternatives = expected.split("|")
    noted = "!date_*" in alternatives and codes - {"date_missing"}
    assert noted or any(value in issued for value in alternatives if not value.startswith("!"))


@pytest.mark.parametrize("date", ["5/3/10", "soon", "03.04.05", "الطبعة الأولى", "1550-1069 BCE"])
def test_an_unreadable_date_is_not_missing(date: str) -> None:
    assert _dated(date, "en") == ("", {"date_unreadable"})


@pytest.mark.parametrize("date", ["n.d.", "s.a.", "б.г.", "sans date", "unknown"])
def test_a_record_that_says_that_it_has_no_date_lacks_one(date: str) -> None:
    assert _dated(date, "en") == ("", {"date_missing"})


def test_a_calendar_that_nothing_names_is_noted() -> None:
    assert _dated("1440", "ar") == ("2018/2019", {"date_calendar_assumed"})
    assert _dated("1300", "ar") == ("", {"date_ambiguous"})


def test_cataloguers_years_are_of_the_common_era_unless_marked() -> None:
    assert _dated("1440", "ara", MODS, format="mods")[0] == "1440"
    assert _dated("1440 هـ", "ara", MODS, format="mods")[0] == "2018/2019"


def test_the_feeds_calendar_is_no_assumption() -> None:
    assert _dated("1440", "ar", calendar="hijri") == ("2018/2019", set())
    assert _dated("1440", "ar", calendar="gregorian")[0] == "1440"


def test_a_calendar_does_not_change_which_harvests_count() -> None:
    from loaders.landing.past import fingerprint

    keys = {"title": "Sample", "partner": "Partner", "protocol": "oai_pmh", "url": "https://a.example/oai"}
    feeds = [Feed(name="sample", **keys, calendar=calendar) for calendar in (None, "hijri")]  # type: ignore[arg-type]
    assert fingerprint(feeds[0]) == fingerprint(feeds[1])
