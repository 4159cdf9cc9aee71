"""The sample feeds hold what samples/expected.toml says, received by plain clients through the server."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import pytest
from lxml import etree
from walking import NS, SAMPLES, rows_by_offset, walk

from samples import ReplayServer
from schemas import Feed, read_feeds

EXPECTED = tomllib.loads((SAMPLES / "expected.toml").read_text(encoding="utf-8"))
FEEDS, BAD = read_feeds(SAMPLES / "feeds")
NAMES = [feed.name for feed in FEEDS]
Record = tuple[str, str, bool]  # identifier, text, deleted


def oai(client: httpx.Client, feed: Feed, url: str) -> list[Record]:
    records = []
    for element in walk(client, url, metadataPrefix=feed.format).elements:
        header = element.find("oai:header", NS)
        assert header is not None
        metadata = element.find("oai:metadata", NS)
        text = "" if metadata is None else etree.tostring(metadata, encoding="unicode")
        records.append((str(header.findtext("oai:identifier", "", NS)), text, header.get("status") == "deleted"))
    return records


def rows_of(client: httpx.Client, feed: Feed, url: str) -> list[Any]:
    """The rows of a JSON or XML list; pages as large as the server allows."""
    if feed.format == "unesdoc":
        return rows_by_offset(client, url, "results", "offset", "limit", 10)
    if feed.format == "graasp":
        return list(client.post(url, json={"page": 1, "hitsPerPage": 100}).json()["hits"])
    if feed.format == "wordpress":
        return list(client.get(url, params={"per_page": 100}).json())
    body = client.get(url).json()
    return list(body["items"] if isinstance(body, dict) else body)


def rest(client: httpx.Client, feed: Feed, url: str) -> list[Record]:
    if feed.format == "oercommons_xml":
        text = client.get(url, params={"batch_size": 100}).text
        return [
            (identifier, payload, False)
            for payload, identifier in re.findall(r'(<result id="(\d+)">.*?</result>)', text, re.DOTALL)
        ]
    (name,) = feed.identifier
    return [(str(row[name]), json.dumps(row, ensure_ascii=False), False) for row in rows_of(client, feed, url)]


def rss(client: httpx.Client, feed: Feed, url: str) -> list[Record]:
    channel = etree.fromstring(client.get(url).content)
    return [
        (str(element.findtext("guid")), etree.tostring(element, encoding="unicode"), False)
        for element in channel.iter("item")
    ]


def table(client: httpx.Client, feed: Feed, url: str) -> list[Record]:
    text = client.get(url).content.decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text), delimiter=";", restkey="")
    return [(row["URL"], json.dumps(row, ensure_ascii=False), False) for row in rows]


CLIENTS: dict[str, Callable[[httpx.Client, Feed, str], list[Record]]] = {
    "oai_pmh": oai,
    "rest": rest,
    "opendatasoft": rest,
    "rss": rss,
    "csv": table,
}


@pytest.fixture(scope="module")
def received(server: ReplayServer, client: httpx.Client) -> Callable[[str], list[Record]]:
    feeds = {feed.name: feed for feed in FEEDS}

    @cache
    def of(name: str) -> list[Record]:
        feed = feeds[name]
        url = feed.url.replace("http://127.0.0.1:8765", server.url)
        return CLIENTS[feed.protocol](client, feed, url)

    return of


Received = Callable[[str], list[Record]]


def test_every_feed_file_is_good_and_expected() -> None:
    assert BAD == []
    assert set(NAMES) == set(EXPECTED["feeds"])


@pytest.mark.parametrize("name", NAMES)
def test_a_feed_lists_what_is_expected(received: Received, name: str) -> None:
    expected = EXPECTED["feeds"][name]
    records = received(name)
    assert 20 <= len(records) <= 60
    assert len({identifier for identifier, _, _ in records}) == len(records) == expected["listed"]
    assert sum(deleted for _, _, deleted in records) == expected["deleted"]
    assert sum(not text and not deleted for _, text, deleted in records) == expected["rejected"]
    rest_of_it = sum(expected[part] for part in ("deleted", "rejected", "quarantined"))
    assert expected["valid"] == expected["listed"] - rest_of_it


TITLE = re.compile(r'(<(dc:|lom:)?title[ >](?!</))|element="title"|"(title|name|NAME)": (\{"rendered": )?"[^"]')


@pytest.mark.parametrize("name", NAMES)
def test_the_records_without_a_title_are_as_many_as_are_to_be_quarantined(received: Received, name: str) -> None:
    texts = [text for _, text, deleted in received(name) if text and not deleted]
    cleaned = [re.sub(r"<title></title>|<title/>", "", text) for text in texts]
    untitled = [text for text in cleaned if not TITLE.search(text.partition('"creator"')[0] or text)]
    expected = EXPECTED["feeds"][name]
    assert len(untitled) == expected.get("untitled", expected["quarantined"])


@pytest.mark.parametrize("kind", ["same", "different"])
def test_both_records_of_every_pair_are_listed(received: Received, kind: str) -> None:
    keys = {f"{name}:{identifier}" for name in NAMES for identifier, _, _ in received(name)}
    for pair in EXPECTED[kind]:
        assert {pair["left"], pair["right"]} <= keys, pair["why"]
        assert pair["left"] < pair["right"], pair["why"]


def test_no_pair_is_both_the_same_and_different() -> None:
    pairs = [(pair["left"], pair["right"]) for pair in EXPECTED["same"] + EXPECTED["different"]]
    assert len(set(pairs)) == len(pairs)


def test_at_least_eight_works_are_at_two_partners() -> None:
    partners = {feed.name: feed.partner for feed in FEEDS}
    across = [
        pair
        for pair in EXPECTED["same"]
        if partners[pair["left"].split(":")[0]] != partners[pair["right"].split(":")[0]]
    ]
    assert len(across) >= 8


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("sample_col_oasis", "éжعí"),
        ("sample_serbia_phaidra", "чшčšé"),
        ("sample_golab_ils", "éжшعกã"),
        ("sample_unesco_unesdoc", "éжعóก"),
        ("sample_thailand_psu", "ก"),
        ("sample_alecso_oer", "عї"),
    ],
)
def test_the_texts_are_in_many_scripts(received: Received, name: str, letters: str) -> None:
    text = "".join(text for _, text, _ in received(name)).lower()
    assert all(letter in text for letter in letters)


def test_the_quirks_of_real_feeds_are_there(received: Received) -> None:
    every = {name: "".join(text for _, text, _ in received(name)) for name in NAMES}
    assert "Adeyanju , Thomas K" in every["sample_col_oasis"]
    assert "\u00c3\u00a9" in every["sample_col_oasis"], "mojibake"
    assert ">2554<" in every["sample_thailand_psu"], "a year of the Buddhist era"
    assert "@example.org" in every["sample_serbia_nardus"], "a provenance note with an address"
    assert "&quot;" in every["sample_alecso_oer"], "entities"
    assert "Creative Commons Attribution (CC BY)" in every["sample_golab_ils"]
    assert "PDT" in every["sample_autodesk_json"] or "PST" in every["sample_autodesk_json"]
    assert "&lt;p&gt;" in every["sample_col_oasis"], "HTML in a description"
    assert all(not re.search(r"[\w.]+@(?!\w*\.?example)", re.sub(r"https?://\S+", "", text)) for text in every.values())
