"""The feed's report, the partner's fix-it list and the duplicates to review: complete, safe and true."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import html5lib
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from sqlalchemy import Engine, Insert, insert

from loaders.reports import (
    LANGUAGES,
    completeness,
    fix_list,
    lists,
    messages,
    write_duplicates,
    write_feed_report,
    write_gate_results,
)
from loaders.reports.duplicates import MAX_SHOWN_PAIRS
from loaders.store import HarvestRunRow, IssueRow, JudgementRow, MatchRow, SourceRecordRow, UnmappedValueRow
from loaders.store.database import open_engine
from schemas import Contributor, Environment, Feed, Language, Resource, harmless
from schemas import License as Licence
from tests.catalogs import execute_all

AT = "2026-03-14T05:00:00Z"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet may take for one
COL = Feed(name="col", title="OAsis", partner="Commonwealth of Learning", protocol="csv", url="https://oasis.col.org")
LAST, EARLIER = "col-20260314T010000000000", "col-20260313T010000000000"
HTML = {
    "wrong": "There is HTML.",
    "why": "It shows.",
    "mend": "Export plain text.",
    "mend.fr": "Exporter du texte simple.",
}
RULES = {"html_remains": HTML}


def record(key: str, **fields: Any) -> Insert:
    name, _, identifier = key.partition(":")
    text = msgspec.json.encode(Resource(key=key, **fields)).decode()
    return insert(SourceRecordRow).values(
        key=key, feed=name, identifier=identifier, format="oai_dc", status="live", record=text, run_id=LAST, score=80
    )


def issue(key: str, code: str, value: str, first: str = LAST, resolved: str | None = None, **columns: str) -> Insert:
    feed, severity = key.partition(":")[0], columns.get("severity", "warning")
    return insert(IssueRow).values(
        finding=f"{key}|{code}|{value}", key=key, feed=feed, run_id=first, code=code, severity=severity,
        path="title.en", value=value, first_run_id=first, resolved_run_id=resolved,
    )  # fmt: skip


@pytest.fixture
def engine(env: Environment) -> Engine:
    made = open_engine(env.catalog_url)
    by = Licence(uri="https://creativecommons.org/licenses/by/4.0/", spdx=None, label=None, statement="CC", origin="record", open=True)  # fmt: skip  # noqa: E501
    with made.begin() as connection:
        runs = [(EARLIER, "2026-03-13"), (LAST, "2026-03-14")]
        execute_all(
            connection,
            (
                insert(HarvestRunRow).values(
                    id=run, feed="col", kind="harvest", status="loaded", started_at=f"{night}T01:00:00Z", landed=4
                )
                for run, night in runs
            ),
        )
        execute_all(
            connection,
            [
                record("col:1", title={"en": "Plants & <light>", "ar": "النباتات"}, license=by),
                record(
                    "col:2", title={"en": "Air"}, languages=(Language(tag="en", origin="declared", confidence=1.0),)
                ),
                record("col:3", contributors=(Contributor(name="Curie, Marie", role="author", kind="person"),)),
                insert(SourceRecordRow).values(
                    key="col:9",
                    feed="col",
                    identifier="9",
                    format="oai_dc",
                    status="rejected",
                    run_id=LAST,
                    pending_status="rejected",
                    pending_reason="not well formed: line 3",
                ),
                record("other:1", title={"en": "Plants and light"}, license=by, issued="2019"),
                issue("col:1", "html_remains", '=HYPERLINK("http://x")', EARLIER),
                issue("col:2", "html_remains", 'a,b\n"c"'),
                issue("col:3", "title_missing", "", severity="error"),
                issue("col:3", "html_remains", "gone", EARLIER, LAST),
                issue("other:1", "html_remains", "of another feed"),
                insert(UnmappedValueRow).values(field="levels", value="Gymnasium", feed="col", count=9, first_seen=AT),
                insert(UnmappedValueRow).values(
                    field="levels", value="Schule", feed="col", count=3, first_seen=AT, mapped_to="2"
                ),
                insert(UnmappedValueRow).values(field="levels", value="خاص", feed="col", count=2, first_seen=AT),
            ],
        )
    return made


def load(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_the_fix_list_names_every_open_finding_with_the_partners_identifiers(engine: Engine, tmp_path: Path) -> None:
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    with (tmp_path / "feeds" / "col.fix.csv").open(encoding="utf-8-sig", newline="") as cells:
        rows = list(csv.DictReader(cells))
    assert [(row["identifier"], row["rule"]) for row in rows] == [
        ("9", "unreadable"),
        ("3", "title_missing"),
        ("1", "html_remains"),
        ("2", "html_remains"),
    ]
    assert rows[2]["value"] == '\'=HYPERLINK("http://x")'
    assert rows[3]["value"] == 'a,b\n"c"'
    assert rows[3]["suggestion"] == "Export plain text."
    with (tmp_path / "feeds" / "col.fix.fr.csv").open(encoding="utf-8-sig", newline="") as cells:
        french = list(csv.DictReader(cells))
    assert [(row["wrong"], row["suggestion"]) for row in french][2] == ("There is HTML.", "Exporter du texte simple.")
    same = load(tmp_path / "feeds", "col.fix.json")
    assert [row["value"] for row in same] == ["not well formed: line 3", "", '=HYPERLINK("http://x")', 'a,b\n"c"']


@given(st.text(), st.sampled_from(FORMULA), st.text(alphabet=" \u00a0\n\t", max_size=3))
def test_no_cell_of_the_fix_list_starts_a_formula(text: str, sign: str, space: str) -> None:
    for cell in (text, sign + text, space + sign + text):
        assert not harmless(cell).lstrip().startswith(FORMULA)
        assert harmless(cell).removeprefix("'") == cell or harmless(cell) == cell


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_a_spreadsheet_reads_each_cell_of_the_fix_list_as_it_was_written(texts: list[str]) -> None:
    standing = [fix_list.FixItem(text, "warning", "html_remains", text, text, text, "") for text in texts]
    with TemporaryDirectory() as folder:
        with fix_list.FixListFiles(Path(folder), "col", RULES, ["en"]) as files:
            assert list(files.write(standing)) == standing
        with (Path(folder) / "col.fix.csv").open(encoding="utf-8-sig", newline="") as cells:
            rows = list(csv.DictReader(cells))
        same = load(Path(folder), "col.fix.json")
    names = ("identifier", "path", "value", "since")
    assert [[row[name] for name in names] for row in rows] == [[harmless(text)] * 4 for text in texts]
    assert [[row[name] for name in names] for row in same] == [[text] * 4 for text in texts]


def test_an_interrupted_fix_list_leaves_the_previous_one(tmp_path: Path) -> None:
    def broken() -> Iterator[fix_list.FixItem]:
        yield finding._replace(value="half")
        raise OSError("the catalog is gone")

    finding = fix_list.FixItem("1", "warning", "html_remains", "title.en", "whole", "2026-03-14", "")
    with fix_list.FixListFiles(tmp_path, "col", RULES, LANGUAGES) as files:
        assert list(files.write([finding])) == [finding]
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {path.name for path in files.paths} and b"whole" in before["col.fix.json"]
    with pytest.raises(OSError, match="gone"), fix_list.FixListFiles(tmp_path, "col", RULES, LANGUAGES) as files:
        list(files.write(broken()))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_findings_are_listed_as_new_open_and_fixed(engine: Engine, tmp_path: Path) -> None:
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    told = load(tmp_path / "feeds", "col.json")
    assert [(entry["code"], entry["new"], entry["standing"], entry["fixed"]) for entry in told["issues"]] == [
        ("title_missing", 1, 0, 0),
        ("html_remains", 1, 1, 1),
    ]
    assert told["issue_count"] == 5
    page = html.document_fromstring((tmp_path / "feeds" / "col.issues-1.html").read_text(encoding="utf-8"))
    rows = [[cell.text_content() for cell in row.xpath("td")][:5] for row in page.xpath("//tbody/tr")]
    assert rows == [
        ["2026-03-14", "", "9", "error", "unreadable"],
        ["2026-03-14", "", "3", "error", "title_missing"],
        ["2026-03-13", "", "1", "warning", "html_remains"],
        ["2026-03-14", "", "2", "warning", "html_remains"],
        ["2026-03-13", "2026-03-14", "3", "warning", "html_remains"],
    ]
    assert told["score"] == 80.0
    assert [(entry["value"], entry["count"]) for entry in told["unmapped"]] == [("Gymnasium", 9), ("خاص", 2)]


def test_lists_are_rewritten_only_for_changed_feeds(engine: Engine, tmp_path: Path) -> None:
    first = write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    lists = {path: path.stat().st_mtime_ns for path in first if ".fix." in path.name or "-1.html" in path.name}
    assert len(lists) == len(LANGUAGES) + 3
    write_feed_report(engine, tmp_path, COL, rules=RULES, at="2026-03-15T05:00:00Z")
    assert {path: path.stat().st_mtime_ns for path in lists} == lists
    with engine.begin() as connection:
        connection.execute(issue("col:2", "mojibake", "x"))
    write_feed_report(engine, tmp_path, COL, rules=RULES, at="2026-03-15T05:00:00Z")
    assert "mojibake" in (tmp_path / "feeds" / "col.fix.csv").read_text(encoding="utf-8-sig")
    write_feed_report(engine, tmp_path, COL, rules={}, at="2026-03-15T05:00:00Z")
    assert "Export plain text" not in (tmp_path / "feeds" / "col.fix.csv").read_text(encoding="utf-8-sig")


def test_completeness_is_compared_with_last_month(engine: Engine, tmp_path: Path) -> None:
    write_feed_report(engine, tmp_path, COL, at="2026-02-01T05:00:00Z")
    with engine.begin() as connection:
        water = record("col:4", title={"en": "Water"})
        connection.execute(water.values(run_id="col-20260315T010000000000"))
    write_feed_report(engine, tmp_path, COL, at=AT)
    told = load(tmp_path / "feeds", "col.json")["completeness"]
    assert told["since"] == "2026-02-01"
    fields = {field["field"]: (field["share"], field["before"]) for field in told["fields"]}
    assert fields["title"] == (0.75, 0.6667)
    assert fields["license"] == (0.25, 0.3333)


def test_a_field_counts_as_filled_when_something_is_in_it() -> None:
    resources: list[dict[str, Any]] = [
        {"title": {"en": "Air"}, "keywords": [], "age_range": {"min": 6, "max": None}, "url": "", "issued": None},
        {"title": {}, "keywords": [{"language": "und", "text": "air"}], "url": "https://example.org", "unknown": 1},
    ]
    shares = completeness.field_shares(json.dumps(resource) for resource in resources)
    filled = {"title": 0.5, "keywords": 0.5, "age_range": 0.5, "url": 0.5}
    assert shares == {field: filled.get(field, 0.0) for field in completeness.FIELDS}
    assert completeness.field_shares([]) == {}


def test_one_completeness_per_week_is_remembered_for_a_year(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    days = [f"2025-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)] + ["2026-03-14"]
    for day in days:
        completeness.remember(path, completeness.read_history(path), day, {"title": 0.5})
    kept = list(completeness.read_history(path))
    assert kept == sorted(kept)
    assert 40 <= len(kept) <= 60
    assert kept[0] >= "2025-02-07"
    assert completeness.compared_date(completeness.read_history(path), "2026-03-14") == max(
        day for day in kept if day <= "2026-02-14"
    )


def test_the_feed_page_loads_nothing_external_and_its_links_exist(engine: Engine, tmp_path: Path) -> None:
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    for language in LANGUAGES:
        whole(tmp_path / "feeds", "col.html" if language == "en" else f"col.{language}.html", language)


def whole(folder: Path, name: str, language: str) -> None:
    page = html.document_fromstring((folder / name).read_text(encoding="utf-8"))
    assert page.get("dir") == ("rtl" if language == "ar" else "ltr")
    assert not page.xpath("//script | //link | //img | //@src")
    targets = {target for target in page.xpath("//a/@href") if not target.startswith(("#", "../"))}
    assert targets and all((folder / target).exists() for target in targets)
    assert page.xpath("//bdi[@dir='auto'][text()='خاص']")


def test_characters_that_html_forbids_are_shown_as_symbols(engine: Engine, tmp_path: Path) -> None:
    value = "a\x01b\x0b\x7f\x85\ufdd0\U0001fffe\tc\nd"
    with engine.begin() as connection:
        connection.execute(issue("col:2", "mojibake", value))
        connection.execute(
            insert(UnmappedValueRow).values(field="levels", value=value, feed="col", count=90, first_seen=AT)
        )
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    for name in ("col.html", "col.ar.html", "col.issues-1.html", "col.unmapped-1.html"):
        text = (tmp_path / "feeds" / name).read_text(encoding="utf-8")
        assert "a␁b␋␡\ufffd\ufffd\ufffd\tc\nd" in text, name
        parser = html5lib.HTMLParser()
        parser.parse(text)
        assert "invalid-codepoint" not in {code for _, code, _ in parser.errors}, name
    assert load(tmp_path / "feeds", "col.json")["unmapped"][0]["value"] == value, "JSON has them as they are"


def test_a_long_list_is_paged_completely_and_outdated_pages_are_deleted(tmp_path: Path) -> None:
    def identifiers(paths: list[Path]) -> list[str]:
        pages = [html.document_fromstring(path.read_text(encoding="utf-8")) for path in paths]
        return [cell for page in pages for cell in page.xpath("//tbody/tr/td[1]/bdi/text()")]

    def write(number: int) -> list[Path]:
        rows = ((f"<{n}>", "</td> & more") for n in range(number))
        return lists.write_list(tmp_path, "col.issues", "list_issues", ("identifier", "value"), rows, number)

    paths = write(2 * lists.PAGE_ROWS + 1)
    assert [path.name for path in paths] == ["col.issues-1.html", "col.issues-2.html", "col.issues-3.html"]
    assert identifiers(paths) == [f"<{n}>" for n in range(2 * lists.PAGE_ROWS + 1)]
    second = html.document_fromstring(paths[2].read_text(encoding="utf-8")).xpath("//tbody/tr/td[2]")
    assert [cell.text_content() for cell in second] == ["</td> & more"]
    assert [path.name for path in write(3)] == [path.name for path in tmp_path.glob("*.html")] == ["col.issues-1.html"]


def test_a_list_is_in_one_language_and_leads_back_to_its_feed(engine: Engine, tmp_path: Path) -> None:
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    for language, suffix in (("en", ""), ("fr", ".fr"), ("ar", ".ar")):
        feed_page = html.document_fromstring((tmp_path / "feeds" / f"col{suffix}.html").read_text(encoding="utf-8"))
        assert f"col.issues-1{suffix}.html" in feed_page.xpath("//a/@href")
        page = html.document_fromstring((tmp_path / "feeds" / f"col.issues-1{suffix}.html").read_text(encoding="utf-8"))
        assert (page.get("lang"), page.get("dir")) == (language, "rtl" if language == "ar" else "ltr")
        assert f"col{suffix}.html" in page.xpath("//header//a/@href")
        headings = [cell.text_content() for cell in page.xpath("//th")]
        assert headings == [messages(language)[column] for column in fix_list.LIST_COLUMNS]


def test_a_list_of_very_many_pages_is_written_in_one_language(tmp_path: Path) -> None:
    count = (lists.MAX_TRANSLATED_PAGES + 1) * lists.PAGE_ROWS
    assert lists.list_languages(count, LANGUAGES) == ("en",)
    assert lists.list_languages(lists.MAX_TRANSLATED_PAGES * lists.PAGE_ROWS, LANGUAGES) == LANGUAGES


def test_reports_link_to_the_webs_pages_when_it_has_an_address(engine: Engine, tmp_path: Path) -> None:
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT, web_url="https://library.example.org/")
    links = html.document_fromstring((tmp_path / "feeds" / "col.ar.html").read_text(encoding="utf-8")).xpath(
        "//a/@href"
    )
    assert "https://library.example.org/console/feeds/col" in links
    assert "https://library.example.org/partners/feeds/col/fixes" in links
    write_feed_report(engine, tmp_path, COL, rules=RULES, at=AT)
    assert "/console/" not in (tmp_path / "feeds" / "col.html").read_text(encoding="utf-8")


def pairs(engine: Engine, number: int) -> None:
    seen = [
        {"field": "title", "seen": "titles 0.93 alike", "weight": 7.25},
        {"field": "year", "seen": "differ", "weight": -2},
    ]
    with engine.begin() as connection:
        execute_all(
            connection,
            (
                insert(MatchRow).values(
                    left_key="col:1",
                    right_key=f"other:{n}",
                    probability=0.9 - n / 1000,
                    evidence=json.dumps(seen),
                    verdict="review",
                )
                for n in range(1, number + 1)
            ),
        )
        connection.execute(
            insert(MatchRow).values(left_key="col:2", right_key="col:3", probability=1.0, evidence="[]", verdict="same")
        )
        connection.execute(
            insert(JudgementRow).values(
                left_key="col:1", right_key="other:1", verdict="different", by="a steward", at=AT, reason="editions"
            )
        )


def test_pairs_are_shown_side_by_side_with_evidence_and_the_earlier_decision(engine: Engine, tmp_path: Path) -> None:
    pairs(engine, 1)
    write_duplicates(engine, tmp_path, at=AT)
    (pair,) = load(tmp_path, "duplicates.json")["pairs"]
    fields = {field["field"]: field for field in pair["fields"]}
    assert fields["title"]["left"] == [["en", "Plants & <light>"], ["ar", "النباتات"]]
    assert fields["title"]["right"] == [["en", "Plants and light"]]
    assert fields["title"]["differs"] and not fields["license"]["differs"]
    assert pair["judgement"]["verdict"] == "different"
    page = html.document_fromstring((tmp_path / "duplicates.html").read_text(encoding="utf-8"))
    assert page.xpath("//bdi[@lang='ar'][@dir='auto']/text()") == ["النباتات"]
    assert "titles 0.93 alike" in page.text_content()
    assert "elib review same col:1 other:1 --by NAME --reason WHY" in page.text_content()


def test_every_pair_is_on_some_page(engine: Engine, tmp_path: Path) -> None:
    pairs(engine, 120)
    write_duplicates(engine, tmp_path, at=AT)
    listed = [load(tmp_path, f"{stem}.json")["pairs"] for stem in ("duplicates", "duplicates-2", "duplicates-3")]
    assert [pair["right_key"] for page in listed for pair in page] == [f"other:{n}" for n in range(1, 121)]
    assert {path.name for path in tmp_path.glob("duplicates-*.html")} == {
        f"duplicates-{number}{end}.html" for number in (2, 3) for end in ("", ".fr", ".ru", ".ar")
    }


def test_more_pairs_than_fit_are_counted_and_the_page_says_where_all_of_them_are(
    engine: Engine, tmp_path: Path
) -> None:
    pairs(engine, MAX_SHOWN_PAIRS + 30)
    write_duplicates(engine, tmp_path, ["en"], at=AT, web_url="https://library.example.org")
    facts = load(tmp_path, "duplicates.json")
    assert (facts["count"], facts["shown"]) == (MAX_SHOWN_PAIRS + 30, MAX_SHOWN_PAIRS)
    shown = [
        pair["right_key"] for path in tmp_path.glob("duplicates*.json") for pair in load(tmp_path, path.name)["pairs"]
    ]
    assert sorted(shown) == sorted(f"other:{number}" for number in range(1, MAX_SHOWN_PAIRS + 1))
    page = html.document_fromstring((tmp_path / "duplicates.html").read_text(encoding="utf-8"))
    assert f"The first {MAX_SHOWN_PAIRS} are shown here." in page.text_content()
    assert page.xpath("//a[@href='https://library.example.org/console/pairs']")
    write_duplicates(engine, tmp_path, ["en"], at=AT)
    assert "review pairs" in (tmp_path / "duplicates.html").read_text(encoding="utf-8")


def test_the_page_says_when_no_pair_needs_a_decision(engine: Engine, tmp_path: Path) -> None:
    paths = write_duplicates(engine, tmp_path, at=AT)
    assert "No pair needs a decision" in paths[0].read_text(encoding="utf-8")


def test_the_gates_results_are_kept_for_the_newest_runs_only(tmp_path: Path) -> None:
    checks = [{"name": "live_drop", "observed": 70, "min": None, "max": 50.0, "success": False}]
    for number in range(35):
        run = f"col-20260314T{number:012}"
        write_gate_results(tmp_path, run, True, ["70 gone"], {"quiet": False, "expectations": checks}, ["en", "ar"])
    write_gate_results(tmp_path, "alecso-20260101T000000000000", False, [], {"quiet": True})
    kept = sorted(path.name for path in (tmp_path / "gate").glob("col-*.json"))
    assert kept == [f"col-20260314T{number:012}.json" for number in range(5, 35)]
    assert len(list((tmp_path / "gate").glob("col-*"))) == 3 * 30
    assert len(list((tmp_path / "gate").glob("alecso-*"))) == 5
    page = (tmp_path / "gate" / "col-20260314T000000000034.html").read_text(encoding="utf-8")
    assert "70 gone" in page and "NOT PASSED" in page
