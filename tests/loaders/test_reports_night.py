"""The report of the night says what the catalog says, in four languages, to people and to programs."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import Engine, Insert, create_engine, insert

from loaders import reports
from loaders.reports import (
    LANGUAGES,
    NoSuchLanguage,
    write_all_reports,
    write_gate_results,
    write_night_report,
)
from loaders.store import HarvestRunRow, IssueRow, MatchRow, ResourceRow, SourceRecordRow, Table, UnmappedValueRow
from loaders.store.database import open_engine
from schemas import Environment, Feed
from tests.catalogs import execute_all
from tests.loaders import nights

AT = "2026-03-14T05:00:00Z"
ARABIC = "مكتبة <الموارد> المفتوحة"


def feed(name: str, title: str, **settings: Any) -> Feed:
    return Feed(
        name=name, title=title, partner="A Partner", protocol="csv", url="https://learn.unesco.org/x.csv", **settings
    )


FEEDS = [
    feed("alecso", ARABIC),
    feed("col", "OAsis"),
    feed("quiet", "Тихий источник", status="paused"),
    feed("thai", "ไทย"),
]


def run(name: str, night: str, status: str, **counts: Any) -> Insert:
    stamp = night.replace("-", "") + "T010000000000"
    return insert(HarvestRunRow).values(
        id=f"{name}-{stamp}", feed=name, kind="harvest", status=status, started_at=f"{night}T01:00:00Z", **counts
    )


def record(key: str, status: str = "live", **columns: Any) -> Insert:
    name, _, identifier = key.partition(":")
    return insert(SourceRecordRow).values(
        key=key, feed=name, identifier=identifier, format="oai_dc", status=status, run_id="r", **columns
    )


def finding(key: str, code: str, severity: str, first: str, resolved: str | None = None) -> Insert:
    return insert(IssueRow).values(
        finding=f"{key}{code}", key=key, feed=key.partition(":")[0], run_id=first, code=code, severity=severity,
        path="title", value="<b>", first_run_id=first, resolved_run_id=resolved,
    )  # fmt: skip


@pytest.fixture
def engine(env: Environment) -> Engine:
    made = open_engine(env.catalog_url)
    with made.begin() as connection:
        held = json.dumps(["Live records would go from 900 to 300; this feed allows 45."])
        execute_all(
            connection,
            [
                run("alecso", "2026-03-13", "loaded", landed=900, added=900),
                run("alecso", "2026-03-14", "held", landed=300, deleted=100, reasons=held),
                run("col", "2026-02-01", "loaded", landed=1),
                run("col", "2026-03-12", "failed", cause="timeout", error="no answer"),
                run(
                    "col",
                    "2026-03-14",
                    "loaded",
                    landed=50,
                    added=30,
                    unchanged=11,
                    deleted=2,
                    rejected=3,
                    quarantined=4,
                ),
                run("thai", "2026-03-13", "held", reasons=held),
                run("thai", "2026-03-14", "failed", cause="not XML", error="an <html> page came, of 12 kB"),
                run("lost", "2026-03-01", "loaded", landed=2, added=2),
                record("col:1", resource_id="a"),
                record("col:2", resource_id="a"),
                record("col:3", resource_id="b", pending_status="quarantined"),
                record("col:4", "quarantined", pending_status="quarantined"),
                record("col:5", "deleted", resource_id="c"),
                record("lost:1", resource_id="d"),
                finding("col:1", "html_remains", "warning", "col-20260314T010000000000"),
                finding("col:2", "html_remains", "warning", "col-20260201T010000000000"),
                finding("col:3", "html_remains", "warning", "col-20260201T010000000000", "col-20260314T010000000000"),
                finding("col:4", "title_missing", "error", "col-20260314T010000000000"),
                insert(MatchRow).values(
                    left_key="col:1", right_key="alecso:1", probability=0.7, evidence="[]", verdict="review"
                ),
                insert(UnmappedValueRow).values(
                    field="resource_types", value="Kurzfilm", feed="col", count=3, first_seen=AT
                ),
                insert(ResourceRow).values(id="a", record="{}", record_sha256="", created_at=AT, updated_at=AT),
                insert(ResourceRow).values(
                    id="w", record="{}", record_sha256="", created_at=AT, updated_at=AT, withdrawn_at=AT
                ),
            ],
        )
    return made


@pytest.fixture
def written(engine: Engine, tmp_path: Path) -> dict[str, Path]:
    rules = {"html_remains": {"wrong": "There is HTML in a text."}}
    return {path.name: path for path in write_night_report(engine, tmp_path / "reports", FEEDS, rules=rules, at=AT)}


def data(written: dict[str, Path]) -> dict[str, Any]:
    return dict(json.loads(written["night.json"].read_text(encoding="utf-8")))


def test_there_is_one_page_per_language_and_the_same_as_json(written: dict[str, Path]) -> None:
    assert set(written) == {"night.html", "night.fr.html", "night.ru.html", "night.ar.html", "night.json"}
    assert not list(written["night.html"].parent.glob(".*"))


def funnel(env: Environment, folder: Path) -> list[int]:
    """The numbers of the one feed's row on the English page: the funnel, and what waits."""
    written = {
        path.name: path for path in write_night_report(open_engine(env.catalog_url), folder, [nights.feed()], at=AT)
    }
    page = html.document_fromstring(written["night.html"].read_text(encoding="utf-8"))
    shown = [int(cell.text) for cell in page.xpath("//tr[@id='feed-books']/td[@class='n' or @class='n zero']")]
    (feed_entry,) = data(written)["feeds"]
    stands = feed_entry["standing"]
    told = [feed_entry["funnel"][step] for step in ("landed", "normalized", "valid", "loaded", "unique")]
    assert shown[:6] == [*told, stands["quarantined"] + stands["rejected"]], "the page says what the JSON says"
    return shown[:6]


def test_a_feeds_funnel_is_correct_on_every_night(env: Environment, tmp_path: Path) -> None:
    sent = nights.sent
    first = [*(sent(f"r{n}") for n in range(5)), sent("b1", "bad"), sent("b2", "bad"), sent("u", unreadable=True)]
    nights.night(env, nights.feed(), first)
    assert funnel(env, tmp_path) == [8, 7, 5, 5, 0, 3]
    nights.night(env, nights.feed(), first)
    assert funnel(env, tmp_path) == [8, 7, 5, 5, 0, 3], "the same list again"
    nights.night(env, nights.feed(), [], full=False)
    assert funnel(env, tmp_path) == [8, 7, 5, 5, 0, 3], "an increment without a record"
    nights.night(env, nights.feed(), [sent("r0", "bad now"), sent("r1", None), sent("b1", "good")], full=False)
    assert funnel(env, tmp_path) == [7, 6, 5, 5, 0, 3], "r0 stays live as it was, r1 is gone, b1 is mended"
    nights.staged(env, nights.feed(), [sent(f"r{n}", "other") for n in range(9)])
    assert funnel(env, tmp_path) == [7, 6, 5, 5, 0, 3], "what is not loaded changes nothing"


def test_a_feeds_funnel_counts_its_records(written: dict[str, Path]) -> None:
    by_name = {feed_entry["name"]: feed_entry for feed_entry in data(written)["feeds"]}
    assert list(by_name) == ["alecso", "col", "quiet", "thai", "lost"]
    assert by_name["col"]["funnel"] == {"landed": 4, "normalized": 4, "valid": 3, "loaded": 3, "unique": 2}
    assert by_name["alecso"]["funnel"]["loaded"] == 0
    assert by_name["quiet"]["run"] is None
    assert by_name["lost"]["declared"] == "missing"
    stands = {"records": 4, "readable": 4, "live": 3, "unique": 2, "quarantined": 2, "rejected": 0}
    assert by_name["col"]["standing"] == stands


def test_the_headline_counts_only_what_was_done_that_night(written: dict[str, Path]) -> None:
    totals = data(written)["totals"]
    assert totals["landed"] == 350, "what a held run landed is there"
    done = {name: totals[name] for name in ("added", "changed", "unchanged", "deleted", "rejected", "quarantined")}
    assert done == {"added": 30, "changed": 0, "unchanged": 11, "deleted": 2, "rejected": 3, "quarantined": 4}
    page = html.document_fromstring(written["night.html"].read_text(encoding="utf-8"))
    tiles = {tile.findtext("dt"): tile.findtext("dd") for tile in page.xpath("//dl[@class='tiles']/div")}
    assert (tiles["Added"], tiles["Deleted"], tiles["Needs review"]) == ("30", "2", "4")


def test_the_headline_adds_up_every_run_of_the_night_also_several_of_one_feed(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        for hour, status in (("T02", "loaded"), ("T03", "undone"), ("T04", "failed")):
            connection.execute(insert(HarvestRunRow).values(
                id=f"col-20260314{hour}0000000000", feed="col", kind="harvest", status=status,
                started_at=f"2026-03-14{hour}:00:00.5Z", landed=7, added=5, deleted=1,
            ))  # fmt: skip
        later = {"status": "loaded", "started_at": "2026-03-14T05:00:01.0Z", "landed": 9, "added": 9}
        connection.execute(
            insert(HarvestRunRow).values(id="col-20260314T050001000000", feed="col", kind="harvest", **later)
        )
        publication = {"status": "loaded", "started_at": "2026-03-14T04:30:00.0Z", "added": 99}
        connection.execute(
            insert(HarvestRunRow).values(id="publish-20260314T043000000000", kind="publish", **publication)
        )
    write_night_report(engine, tmp_path, FEEDS, at=AT)
    totals = json.loads((tmp_path / "night.json").read_bytes())["totals"]
    assert (totals["landed"], totals["added"], totals["deleted"]) == (350 + 21, 30 + 10, 2 + 2)


def test_findings_are_counted_as_open_new_and_fixed(written: dict[str, Path]) -> None:
    counts = [(entry["code"], entry["standing"], entry["new"], entry["fixed"]) for entry in data(written)["issues"]]
    assert counts == [("title_missing", 1, 1, 0), ("html_remains", 2, 1, 1)]


def test_everything_that_needs_attention_is_listed(written: dict[str, Path]) -> None:
    wanted = [(need["what"], need["feed"], need["count"]) for need in data(written)["people"]]
    assert wanted == [
        ("failed", "thai", 1),
        ("held", "alecso", 1),
        ("held", "thai", 1),
        ("missing", "lost", 1),
        ("quarantined", "col", 2),
        ("pairs", None, 1),
        ("terms", None, 1),
    ]


def test_the_last_thirty_nights_are_listed_separately(written: dict[str, Path]) -> None:
    told = data(written)
    assert (len(told["nights"]), told["nights"][0], told["nights"][-1]) == (30, "2026-02-13", "2026-03-14")
    past = {
        feed_entry["name"]: {night: run["status"] for night, run in feed_entry["nights"].items()}
        for feed_entry in told["feeds"]
    }
    assert past["col"] == {"2026-03-12": "failed", "2026-03-14": "loaded"}


def test_a_page_is_complete_in_its_language_and_loads_nothing_external(written: dict[str, Path]) -> None:
    for language in LANGUAGES:
        whole(written["night.html" if language == "en" else f"night.{language}.html"], language)


def whole(path: Path, language: str) -> None:
    text = path.read_text(encoding="utf-8")
    page = html.document_fromstring(text)
    assert page.get("lang") == language
    assert page.get("dir") == ("rtl" if language == "ar" else "ltr")
    assert not page.xpath("//script | //link | //img | //iframe | //@src")
    assert not re.findall(r"url\(|@import", text)
    assert all(not target.startswith(("http", "//")) for target in page.xpath("//a/@href"))
    assert "Live records would go from 900 to 300" in text
    assert page.xpath("//svg[@role='img']/@aria-label")


def test_partner_text_is_escaped_and_keeps_its_own_direction(written: dict[str, Path]) -> None:
    page = html.document_fromstring(written["night.html"].read_text(encoding="utf-8"))
    titles = page.xpath("//bdi[@dir='auto'][@lang]")
    assert ARABIC in [title.text for title in titles]
    assert not page.xpath("//bdi//b")
    assert "an <html> page came, of 12 kB" in page.text_content()


def test_every_link_inside_the_page_has_its_target(written: dict[str, Path]) -> None:
    for name, path in written.items():
        if name.endswith(".html"):
            page = html.document_fromstring(path.read_text(encoding="utf-8"))
            ids = set(page.xpath("//@id"))
            assert {target[1:] for target in page.xpath("//a/@href") if target.startswith("#")} <= ids
            assert {target for target in page.xpath("//a/@href") if not target.startswith("#")} <= set(written)


def test_what_needs_a_person_links_to_the_console_and_is_printed_unfolded(engine: Engine, tmp_path: Path) -> None:
    write_night_report(engine, tmp_path, FEEDS, at=AT, web_url="https://library.example.org")
    page = html.document_fromstring((tmp_path / "night.html").read_text(encoding="utf-8"))
    links = page.xpath("//section[@aria-labelledby='people']//a[starts-with(@href, 'https://')]/@href")
    people = json.loads((tmp_path / "night.json").read_text(encoding="utf-8"))["people"]
    held = [need["run"] for need in people if need["what"] == "held"]
    assert held and all(f"https://library.example.org/console/runs/{run}" in links for run in held)
    folded = page.xpath("//details[contains(@class, 'screen')]")
    printed = page.xpath("//ul[contains(@class, 'paper')]")
    assert [each.xpath("count(.//li)") for each in folded] == [each.xpath("count(.//li)") for each in printed]


def test_every_link_of_every_report_leads_somewhere(engine: Engine, tmp_path: Path) -> None:
    write_gate_results(tmp_path / "reports", "alecso-20260314T010000000000", True, ["fewer"], {"quiet": True})
    paths = write_all_reports(engine, tmp_path / "reports", FEEDS, at=AT)
    assert paths[0] == tmp_path / "reports" / "night.html"
    for path in paths:
        if path.suffix == ".html":
            targets = html.document_fromstring(path.read_text(encoding="utf-8")).xpath("//a/@href")
            missing = [
                target for target in targets if not target.startswith("#") and not (path.parent / target).exists()
            ]
            assert not missing, f"{path.name} links to {missing}"
    first = paths[0].read_text(encoding="utf-8")
    assert 'href="feeds/alecso.html"' in first and 'href="duplicates.html"' in first
    assert 'href="gate/alecso-20260314T010000000000.html"' in first


def test_the_same_catalog_gives_the_same_bytes(engine: Engine, tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in write_night_report(engine, tmp_path / "one", FEEDS, at=AT)}
    assert {
        path.name: path.read_bytes() for path in write_night_report(engine, tmp_path / "two", FEEDS, at=AT)
    } == first


def test_an_empty_catalog_is_reported_too(tmp_path: Path) -> None:
    made = create_engine("sqlite://")
    Table.metadata.create_all(made)
    paths = write_night_report(made, tmp_path, [], at=AT)
    assert "No feed is declared" in paths[0].read_text(encoding="utf-8")


def test_an_unknown_language_is_an_error_that_names_the_known_ones(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NoSuchLanguage, match=r"'xx'.*en, fr, ru, ar"):
        write_night_report(engine, tmp_path, FEEDS, ["xx"], at=AT)


def test_every_language_has_the_same_messages_with_the_same_placeholders() -> None:
    messages = {
        language: tomllib.loads(
            (Path(reports.__file__).parent / "messages" / f"{language}.toml").read_text(encoding="utf-8")
        )
        for language in LANGUAGES
    }
    gaps = {
        language: {key: sorted(re.findall(r"{(\w+)}", text)) for key, text in keys.items()}
        for language, keys in messages.items()
    }
    assert all(gaps[language] == gaps["en"] for language in LANGUAGES)


# Words of the code and the database that nobody should have to know who reads a report.
CODE_WORDS = {
    "en": r"landed|staged|\bheld\b|\brefused\b|superseded|outcome|pending|quarantine|rejected",
    "fr": r"en quarantaine|\bretenue?s?\b|\brefusée?s?\b|rejetée?s?",
    "ru": r"карантин|задержан|отказано|приземл",
    "ar": r"الحجر|موقوف|مرفوض",
}


@pytest.mark.parametrize("folder", ["messages", "preview_messages", "reason_messages"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_of_the_reports_use_no_words_of_the_code(folder: str, language: str) -> None:
    path = Path(reports.__file__).parent / folder / f"{language}.toml"
    texts = tomllib.loads(path.read_text(encoding="utf-8"))
    assert [text for text in texts.values() if re.search(CODE_WORDS[language], text, re.IGNORECASE)] == []
