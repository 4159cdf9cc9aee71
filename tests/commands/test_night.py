"""The whole night over the sample feeds, as `make run` runs it: real Airflow, real HTTP on loopback, real catalog."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from sqlalchemy import MetaData, create_engine, select

from commands.night import SAMPLES
from loaders.search import Wanted, search_library
from loaders.store import engine
from pipeline import catalog as catalog_steps
from pipeline import feed as feed_steps
from samples.server import ReplayServer
from schemas import environment
from transforms.search_words import query_words

ROOT = Path(__file__).parents[2]
RUN_COUNTS = ("landed", "added", "changed", "unchanged", "deleted", "rejected", "quarantined")
EXPECTED = tomllib.loads((ROOT / "samples" / "expected.toml").read_text(encoding="utf-8"))
pytestmark = pytest.mark.slow


def night(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ELIB_"))}
    return subprocess.run(
        [sys.executable, "-m", "commands.cli", "run"],
        env={**clean, "ELIB_HOME": str(home), "PYTHONPATH": str(ROOT), **variables},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


def lines_by_feed(output: str) -> dict[str, dict[str, int]]:
    """The run's counts that the terminal showed, by feed."""
    counts = {}
    for line in output.splitlines():
        words = line.split()
        if len(words) > len(RUN_COUNTS) and all(re.fullmatch(r"\d+", word) for word in words[1 : len(RUN_COUNTS) + 1]):
            counts[words[0]] = dict(zip(RUN_COUNTS, map(int, words[1 : len(RUN_COUNTS) + 1]), strict=True))
    return counts


def tables(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every catalog table, ordered."""
    engine = create_engine(f"sqlite:///{home / 'catalog.db'}")
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two nights over the same samples: what the first printed, the counts of the second, the catalog after each.

    The second runs the steps of the DAGs without Airflow, which would take most of its time.
    """
    home = tmp_path_factory.mktemp("night")
    first = night(home)
    after_first = tables(home)
    shutil.copytree(home, home.with_name("after-first"))
    second = repeat(home, home / "samples" / "feeds")
    return {
        "home": home,
        "home_after_first": home.with_name("after-first"),
        "first": first,
        "second": second,
        "after_first": after_first,
        "after_second": tables(home),
    }


def repeat(home: Path, feeds: Path) -> dict[str, dict[str, int]]:
    """Run a night as the DAGs do, over feed files of sample partners that ended; return each feed's counts."""
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)", (feeds / "sample_graasp.toml").read_text(encoding="utf-8"))[1])
    names = sorted(path.stem for path in feeds.glob("*.toml"))
    with ReplayServer(SAMPLES, port), pytest.MonkeyPatch.context() as patched:
        patched.setenv("ELIB_HOME", str(home))
        patched.setenv("ELIB_FEEDS", str(feeds))
        patched.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
        patched.delenv("ELIB_CATALOG_URL", raising=False)
        counts = {name: feed_steps.run_feed(name, feed_steps.harvest(name)["run_id"]) for name in names}
        catalog_steps.publish_now()
        engine(environment()).dispose()
    return counts


def test_every_sample_feed_prints_a_line_and_the_night_succeeds(nights: dict[str, Any]) -> None:
    first = nights["first"]
    assert first.returncode == 0, first.stdout + first.stderr
    assert set(lines_by_feed(first.stdout)) == {path.stem for path in (ROOT / "samples" / "feeds").glob("*.toml")}
    for word in ("catalog.db", "night.html"):
        assert word in first.stdout
    assert "leaked" not in first.stderr, first.stderr


def test_the_night_names_what_opens_the_library_which_can_be_searched_in_arabic(nights: dict[str, Any]) -> None:
    assert re.search(r"^library  make web ", nights["first"].stdout, re.MULTILINE)
    env = environment({"ELIB_HOME": str(nights["home_after_first"])})
    for text in ("كسور عشرية", "الكُسُور العشريه"):  # the title has another article, no vowel signs, another letter
        found = search_library(env, Wanted(text, query_words(text)))
        assert any("الكسور العشرية" in title for each in found.resources for title in each.record.title.values()), text
    engine(env).dispose()


def test_the_counts_of_the_sample_feeds_are_as_expected(nights: dict[str, Any]) -> None:
    shown = lines_by_feed(nights["first"].stdout)
    for feed, wanted in EXPECTED["feeds"].items():
        counts = shown[feed]
        seen = {name: counts[name] for name in ("deleted", "rejected", "quarantined")}
        assert seen == {name: wanted[name] for name in seen}, feed
        assert counts["added"] == counts["landed"] - sum(seen.values()) == wanted["valid"], feed


def test_every_runs_counts_add_up(nights: dict[str, Any]) -> None:
    for shown in (lines_by_feed(nights["first"].stdout), nights["second"]):
        for feed, counts in shown.items():
            assert counts["landed"] == sum(counts[name] for name in RUN_COUNTS[1:]), feed


def test_a_second_identical_night_adds_and_changes_nothing(nights: dict[str, Any]) -> None:
    assert set(nights["second"]) == set(lines_by_feed(nights["first"].stdout))
    for feed, counts in nights["second"].items():
        assert counts["landed"] == counts["unchanged"], feed
    before, after = dict(nights["after_first"]), dict(nights["after_second"])
    assert len(before.pop("harvest_run")) < len(after.pop("harvest_run"))
    for name, rows in before.items():
        assert rows == after[name], name
    assert before["source_record"] and before["resource"] and before["issue"] and before["match"]


def test_records_of_the_same_work_are_merged_and_others_are_not(nights: dict[str, Any]) -> None:
    engine = create_engine(f"sqlite:///{nights['home'] / 'catalog.db'}")
    with engine.connect() as connection:
        of = dict(connection.exec_driver_sql("select key, resource_id from source_record").fetchall())
        review = set(
            connection.exec_driver_sql("select left_key, right_key from match where verdict = 'review'").fetchall()
        )
    apart = [
        pair
        for pair in EXPECTED["same"]
        if of[pair["left"]] != of[pair["right"]] and (pair["left"], pair["right"]) not in review
    ]
    joined = [pair for pair in EXPECTED["different"] if of[pair["left"]] and of[pair["left"]] == of[pair["right"]]]
    assert not joined, "merged, though they are different works"
    assert not apart, "one work, published twice, and nobody is asked"


def test_the_night_report_is_written_as_pages_and_json(nights: dict[str, Any]) -> None:
    reports = nights["home"] / "reports"
    report = json.loads((reports / "night.json").read_text(encoding="utf-8"))
    first, second = lines_by_feed(nights["first"].stdout), nights["second"]
    assert {feed["name"]: feed["run"]["landed"] for feed in report["feeds"]} == {
        name: counts["landed"] for name, counts in second.items()
    }
    totals = {name: report["totals"][name] for name in RUN_COUNTS}
    runs = [*first.values(), *second.values()]
    assert totals == {name: sum(counts[name] for counts in runs) for name in RUN_COUNTS}, "both are of one night"
    for feed in report["feeds"]:
        began = first[feed["name"]]
        landed = began["landed"] - began["deleted"]
        steps = [landed, landed - began["rejected"], began["added"], began["added"]]
        assert [feed["funnel"][name] for name in ("landed", "normalized", "valid", "loaded")] == steps, feed["name"]
        assert min(1, began["added"]) <= feed["funnel"]["unique"] <= began["added"], feed["name"]
    for name, language, direction in (("night.html", "en", "ltr"), ("night.ar.html", "ar", "rtl")):
        text = (reports / name).read_text(encoding="utf-8")
        page = html.document_fromstring(text)
        assert (page.get("lang"), page.get("dir")) == (language, direction)
        assert set(page.xpath("//tr/@id")) == {f"feed-{name}" for name in second}
        titles = page.xpath("//tr[@id='feed-sample_alecso_oer']//bdi[@dir='auto']")
        assert titles and all(title.text_content().strip() for title in titles)
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", text), "the page stands alone"


def test_failing_feeds_do_not_stop_the_others_in_a_second_make_run(nights: dict[str, Any], tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    partner = tmp_path / "partner"
    partner.mkdir()
    (partner / "replay.toml").write_text(
        '[[exchange]]\npath = "/html"\nfile = "page.html"\nheaders = {Content-Type = "text/html"}\n'
        '[[exchange]]\npath = "/broken"\nfile = "broken.xml"\nheaders = {Content-Type = "text/xml"}\n'
        '[[exchange]]\npath = "/good.json"\nfile = "good.json"\nheaders = {Content-Type = "application/json"}\n',
        encoding="utf-8",
    )
    (partner / "page.html").write_text("<html><head><title>Sign in</title></head><body><form></form></body></html>")
    (partner / "broken.xml").write_text("<OAI-PMH><ListRecords><record>")
    (partner / "good.json").write_text(json.dumps([{"id": "1", "title": "A lab", "app_url": "https://example.org/1"}]))
    with ReplayServer(partner) as server:
        oai = 'title="t"\npartner="p"\nprotocol="oai_pmh"\nformat="oai_dc"\n[request]\nretries=0\nrate=1000\n'
        write(feeds / "html.toml", f'url="{server.url}/html"\n' + oai)
        write(feeds / "broken.toml", f'url="{server.url}/broken"\n' + oai)
        write(feeds / "down.toml", 'url="http://127.0.0.1:9/oai"\n' + oai)
        write(feeds / "malformed.toml", 'title="x"\ncolour="red"\n')
        write(
            feeds / "good.toml",
            f'title="t"\npartner="p"\nprotocol="rest"\nformat="golab_apps"\nidentifier="id"\nurl="{server.url}/good.json"\n',
        )
        ran = night(nights["home_after_first"], ELIB_FEEDS=str(feeds), ELIB_ALLOW_PRIVATE="127.0.0.1")
    assert ran.returncode == 1
    output = ran.stdout
    assert "malformed.toml" in output and "colour: unknown key" in output
    failed = {line.split()[0]: line for line in output.splitlines() if " FAILED " in line}
    assert set(failed) == {"html", "broken", "down"}
    assert "unreachable" in failed["down"]
    assert "not_oai_pmh" in failed["html"] or "blocked" in failed["html"]
    assert lines_by_feed(output)["good"]["added"] == 1, output


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
