"""Previews over the sample partners and a generated repository: real HTTP, the whole way, and no catalog."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html

from commands.cli import main
from commands.night import SAMPLES, write_sample_feeds
from harvesters.evenly import evenly
from loaders.reports import LANGUAGES
from samples.answer import Answer, Request
from samples.server import ReplayServer

WORDS = Path(__file__).parents[2] / "loaders" / "reports" / "preview_messages"
RECORD = """<record xmlns="http://www.openarchives.org/OAI/2.0/"><header><identifier>oai:x:{number}</identifier>
<datestamp>{year}-03-01</datestamp></header><metadata><oai_dc:dc xmlns:dc="http://purl.org/dc/elements/1.1/"
xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"><dc:title>Lesson number {number}</dc:title>
<dc:identifier>https://example.org/{number}</dc:identifier></oai_dc:dc></metadata></record>"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1")
    monkeypatch.delenv("ELIB_FEEDS", raising=False)
    return tmp_path / "home"


@pytest.fixture
def samples(tmp_path: Path, home: Path) -> Iterator[tuple[ReplayServer, Path]]:
    with ReplayServer(SAMPLES) as server:
        yield server, write_sample_feeds(server.url.removeprefix("http://"), tmp_path / "feeds")


def read_preview(home: Path, feed: str) -> dict:
    return json.loads((home / "reports" / "preview" / f"{feed}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("feed", ["sample_serbia_phaidra", "sample_alecso_oer"])
def test_a_preview_shows_the_whole_feed_and_writes_nothing_else(
    feed: str, samples: tuple[ReplayServer, Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tomllib.loads((SAMPLES / "expected.toml").read_text(encoding="utf-8"))["feeds"][feed]
    assert main(["preview", str(samples[1] / f"{feed}.toml")]) == 0
    printed = capsys.readouterr().out
    preview = read_preview(home, feed)
    counts = preview["counts"]
    assert {name: counts[name] for name in ("quarantined", "rejected", "deleted")} == {
        name: expected[name] for name in ("quarantined", "rejected", "deleted")
    }
    assert counts["records"] == sum(counts[name] for name in ("accepted", "quarantined", "rejected", "deleted"))
    assert len(preview["records"]) == counts["records"]
    assert {path.name for path in home.iterdir()} <= {"reports", "locks"}
    assert {path.name for path in (home / "reports").iterdir()} == {"preview"}
    assert str(home / "reports" / "preview" / f"{feed}.html") in printed and f"{feed}.json" in printed
    assert f"{counts['records']} records" in printed


def test_a_feed_without_addresses_is_told_of_the_key_that_gives_them(
    samples: tuple[ReplayServer, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = samples[1] / "sample_graasp.toml"
    assert main(["preview", str(path)]) == 0
    assert "records has one, so none can be published; set address in the feed file" in capsys.readouterr().out
    text = path.read_text(encoding="utf-8")
    path.write_text(f'address = "https://library.example.org/collections/{{id}}"\n{text}', encoding="utf-8")
    assert main(["preview", str(path)]) == 0
    assert "set address" not in capsys.readouterr().out


def test_the_preview_page_is_complete_escaped_and_self_contained(
    samples: tuple[ReplayServer, Path], home: Path
) -> None:
    assert main(["preview", str(samples[1] / "sample_serbia_phaidra.toml")]) == 0
    preview = read_preview(home, "sample_serbia_phaidra")
    for language in LANGUAGES:
        name = "sample_serbia_phaidra" + ("" if language == "en" else f".{language}") + ".html"
        text = (home / "reports" / "preview" / name).read_text(encoding="utf-8")
        page = html.fromstring(text)
        assert page.get("lang") == language and page.get("dir") == ("rtl" if language == "ar" else "ltr")
        assert not page.xpath("//script | //img | //link | //iframe | //lom")
        assert not re.search(r"url\(|@import", text)
        assert len(page.xpath("//details[@class='record']")) == len(preview["records"])
        sources = {pre.text_content().strip() for pre in page.xpath("//pre[@dir='auto']")}
        assert sources == {shown(entry["source"]).strip() for entry in preview["records"] if entry["source"]}
        titles = page.xpath("//details[@class='record']//bdi[@dir='auto'][@lang='sr-Cyrl']")
        assert any("програмирање" in title.text_content() for title in titles)
        identifiers = {element.text_content() for element in page.xpath("//details[@class='record']/summary/small/bdi")}
        assert identifiers == {entry["identifier"] for entry in preview["records"]}


def shown(source: str) -> str:
    """A source as a page may hold it: the sample has a control character in a broken name."""
    return source.replace("\x9e", "\ufffd")


def test_shares_and_findings_agree_with_the_records(samples: tuple[ReplayServer, Path], home: Path) -> None:
    assert main(["preview", str(samples[1] / "sample_unesco_unesdoc.toml")]) == 0
    preview = read_preview(home, "sample_unesco_unesdoc")
    made = [entry["record"] for entry in preview["records"] if entry["record"]]
    for field in preview["fields"]:
        assert field["share"] == round(sum(bool(record.get(field["field"])) for record in made) / len(made), 4)
    assert sum(license_share["count"] for license_share in preview["license_shares"]) == len(made)
    issues = [(entry["identifier"], issue["code"]) for entry in preview["records"] for issue in entry["issues"]]
    listed = [
        (example["identifier"], summary["code"]) for summary in preview["issues"] for example in summary["examples"]
    ]
    assert issues and sorted(issues) == sorted(listed)
    assert all(summary["wrong"] and summary["mend"] for summary in preview["issues"])
    assert [term["count"] for term in preview["unmapped"]] == [len(term["identifiers"]) for term in preview["unmapped"]]
    assert preview["unmapped"]


def repository(folder: Path, years: dict[int, int]) -> Path:
    """A repository with so many records in each year, the oldest first."""
    folder.mkdir()
    (folder / "oai.toml").write_text(
        'path = "/oai"\npage_size = 50\n[identify]\nrepositoryName = "Lessons"\nadminEmail = "a@example.org"\n'
        f'earliestDatestamp = "{min(years)}-01-01"\ndeletedRecord = "no"\ngranularity = "YYYY-MM-DD"\n'
        '[formats.oai_dc]\nfile = "records.xml"\nschema = "http://www.openarchives.org/OAI/2.0/oai_dc.xsd"\n'
        'namespace = "http://www.openarchives.org/OAI/2.0/oai_dc/"\n',
        encoding="utf-8",
    )
    numbers = iter(range(100_000))
    records = [RECORD.format(number=next(numbers), year=year) for year, count in years.items() for _ in range(count)]
    text = f'<records xmlns="http://www.openarchives.org/OAI/2.0/">{"".join(records)}</records>'
    (folder / "records.xml").write_text(text, encoding="utf-8")
    return folder


def feed_file(path: Path, url: str, more: str) -> str:
    path.write_text(f'title="t"\npartner="p"\nurl="{url}"\n{more}', encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "years",
    [dict.fromkeys(range(2006, 2026), 40), {2006: 1, 2024: 400}, {2006: 400, 2025: 1}, {2025: 60}],
    ids=["even", "late", "early", "few"],
)
def test_preview_records_are_spread_over_the_whole_repository(
    years: dict[int, int], tmp_path: Path, home: Path
) -> None:
    with ReplayServer(repository(tmp_path / "partner", years)) as server:
        more = 'protocol="oai_pmh"\nformat="oai_dc"\n[request]\nrate=1000\n'
        assert (
            main(["preview", feed_file(tmp_path / "lessons.toml", f"{server.url}/oai", more), "--records", "50"]) == 0
        )
    records = read_preview(home, "lessons")["records"]
    assert len(records) == 50 == len({entry["identifier"] for entry in records})
    assert [entry["datestamp"] for entry in records] == sorted(entry["datestamp"] for entry in records)
    seen = {int(entry["datestamp"][:4]) for entry in records}
    if len(years) > 2:
        assert len({year // 4 for year in seen}) >= 4, "from the beginning, the middle and the end"
    else:
        assert seen == set(years)


class Posts:
    """A REST list of so many posts."""

    def __init__(self, total: int) -> None:
        self.total = total

    def answer(self, request: Request) -> Answer:
        parameters = dict(request.pairs)
        size, page = int(parameters["per_page"]), int(parameters["page"])
        first = (page - 1) * size
        posts = [
            {"id": number, "title": {"rendered": f"Lesson number {number}"}, "link": f"https://example.org/{number}"}
            for number in range(first, min(first + size, self.total))
        ]
        return Answer(json.dumps(posts).encode(), "application/json", headers={"X-WP-Total": str(self.total)})


def test_a_long_rest_list_is_sampled_at_several_places(tmp_path: Path, home: Path) -> None:
    with ReplayServer(SAMPLES, added={"posts": Posts(5_000)}) as server:
        more = (
            'protocol="rest"\nformat="wordpress"\nidentifier="id"\n[request]\nrate=1000\npaging="page"\nfirst=1\n'
            'size_param="per_page"\nsize=50\ntotal_header="X-WP-Total"\n'
        )
        assert (
            main(["preview", feed_file(tmp_path / "posts.toml", f"{server.url}/posts", more), "--records", "50"]) == 0
        )
        request_count = len(server.requests)
    preview = read_preview(home, "posts")
    assert preview["total"] == 5_000 and len(preview["records"]) == 50
    assert {int(entry["identifier"]) // 1_000 for entry in preview["records"]} == set(range(5))
    assert request_count <= 8


def test_a_limited_preview_takes_records_evenly_from_the_list(samples: tuple[ReplayServer, Path], home: Path) -> None:
    feed = str(samples[1] / "sample_alecso_oer.toml")
    assert main(["preview", feed]) == 0
    everything = [entry["identifier"] for entry in read_preview(home, "sample_alecso_oer")["records"]]
    assert main(["preview", feed, "--records", "5"]) == 0
    five = [entry["identifier"] for entry in read_preview(home, "sample_alecso_oer")["records"]]
    assert five == [everything[place * len(everything) // 5] for place in range(5)]


@pytest.mark.parametrize(("things", "number"), [(0, 3), (3, 3), (10, 1), (10, 3), (7, 100)])
def test_an_even_sample_starts_with_the_first_record_and_repeats_none(things: int, number: int) -> None:
    chosen = list(evenly(range(things), number))
    assert len(chosen) == min(things, number) == len(set(chosen))
    assert chosen[:1] == list(range(things))[:1] and chosen == sorted(chosen)


def test_an_invalid_feed_file_is_reported_in_one_sentence(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toml").write_text('title = "x"\ncolour = "red"\n', encoding="utf-8")
    assert main(["preview", str(tmp_path / "bad.toml")]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("bad.toml: ") and "colour" in error and "\n" not in error
    assert main(["preview", str(tmp_path / "missing.toml")]) == 2
    assert "missing.toml" in capsys.readouterr().err
    for words in ([""], ["x.toml", "--records", "0"]):
        assert main(["preview", *words]) == 2


@pytest.mark.parametrize("poison", [b"", b', {"app_url": "https://example.org/2", "title": }'], ids=["good", "poison"])
def test_an_identifier_that_no_record_has_is_reported_as_a_mistake_in_the_feed_file(
    poison: bytes, tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = tmp_path / "partner"
    partner.mkdir()
    (partner / "replay.toml").write_text(
        '[[exchange]]\npath = "/labs.json"\nfile = "labs.json"\nheaders = {Content-Type = "application/json"}\n'
    )
    labs = [{"app_url": f"https://example.org/{n}", "title": f"Lab {n}", "place": {"id": n}} for n in range(3)]
    (partner / "labs.json").write_bytes(json.dumps(labs).encode()[:-1] + poison + b"]")
    more = 'protocol="rest"\nformat="golab_apps"\nidentifier="identifier"\n[request]\nrate=1000\n'
    with ReplayServer(partner) as server:
        assert main(["preview", feed_file(tmp_path / "labs.toml", f"{server.url}/labs.json", more)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("labs.toml: identifier: none of the 3 records that came has identifier")
    assert "app_url, place.id, title" in error and "partner" not in error
    assert not (home / "reports").exists()


def test_a_feed_without_readable_records_says_why(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = repository(tmp_path / "partner", {2025: 7})
    declared = (partner / "oai.toml").read_text(encoding="utf-8")
    (partner / "oai.toml").write_text(declared.replace("[formats.oai_dc]", "[formats.lom]"), encoding="utf-8")
    with ReplayServer(partner) as server:
        more = 'protocol="oai_pmh"\nformat="lom"\n[request]\nrate=1000\n'
        assert main(["preview", feed_file(tmp_path / "lessons.toml", f"{server.url}/oai", more)]) == 0
    dublin_core = "<dc> of http://www.openarchives.org/OAI/2.0/oai_dc/"
    advice = 'format = "oai_dc" in the feed file reads such records, or prefix asks for others'
    why = f"the payload is {dublin_core}, not <czp> or <lom> or <obaa> as format lom says; {advice}"
    printed = capsys.readouterr().out
    assert f"rejected  7 × {why}" in printed
    assert "findings" not in printed and "none" not in printed
    assert read_preview(home, "lessons")["rejections"] == [{"reason": why, "count": 7}]
    for language in LANGUAGES:
        suffix = "" if language == "en" else f".{language}"
        page = html.parse(str(home / "reports" / "preview" / f"lessons{suffix}.html")).getroot()
        assert [heading.get("id") for heading in page.xpath("//h2")] == ["outcomes", "records"], (
            "nothing is claimed of nothing"
        )
        assert why in page.xpath("string(//section[@aria-labelledby='outcomes'])")


def test_a_failing_partner_is_reported_in_one_sentence_and_nothing_is_written(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = tmp_path / "down.toml"
    feed.write_text(
        'title="t"\npartner="p"\nprotocol="oai_pmh"\nformat="oai_dc"\nurl="http://127.0.0.1:9/oai"\n'
        "[request]\nretries=0\nrate=1000\n",
        encoding="utf-8",
    )
    assert main(["preview", str(feed)]) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith("down: unreachable: ") and "\n" not in error
    assert not (home / "reports").exists()


def test_every_language_has_the_same_messages() -> None:
    messages = {
        language: tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8")) for language in LANGUAGES
    }
    for language in LANGUAGES:
        assert messages[language].keys() == messages["en"].keys()
        for key, text in messages["en"].items():
            assert re.findall(r"{\w+}", messages[language][key]) == re.findall(r"{\w+}", text), (language, key)
