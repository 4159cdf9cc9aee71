"""Documents with bytes changed at random end as records, skips or a failure with a known cause, and never otherwise.

ELIB_FUZZED is the number of documents per kind; the seed of each is its number, so that a failure can be repeated.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harvesters.causes import CAUSES
from schemas import Feed, HarvestFailed
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, feed, open_environment, pages, serving
from transforms import transform_all

NUMBER = int(os.environ.get("ELIB_FUZZED", "10"))
# pieces that partners really send, in places where they do not belong
ODD = [
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3", b"\xef\xbf\xbe", "\u2028\u202e\U000e0001".encode()),
    *(b"&", b"&#xd800;", b"&#0;", b"&nbsp;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x"),
    *(b'<!DOCTYPE a [<!ENTITY b "c">]>', b"\xf0\x9f\x98\x80", b"http://\xe2\x84\x80/", b"file:///etc/passwd"),
    *(b"http://[x]/", b"http://a]b/", b"//[", b"http://a:99999/", b"data:,"),
    *(b'"', b"'", b'"""', b"\\", b"\\ud800", b"{", b"}", b"[" * 2_000, b"]", b",", b";", b"\t", b"\r", b"\n"),
    *(b' xmlns="', b' xml:base="//["', b' xml:lang="\xc3"', b' encoding="latin-1"', b"charset=latin-1", b"xsi:a='b'"),
    *(b"1e999", b"NaN", b"null", b"-", b"9" * 5_000, b"0000-00-00", b"<div itemscope itemprop=a>" * 300, b"<a>" * 300),
]
SITEMAP = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
LISTED = "<url><loc>/1</loc></url><url><loc>/2</loc></url>"
LD = '<html><head><meta charset="utf-8"><script type="application/ld+json">{}</script></head></html>'
GRAPH = (
    '{"@context": "https://schema.org", "@graph": [{"@type": "Course", "@id": "#c", "name": "Реке", "author":'
    ' {"@id": "#p"}, "about": ["a", "b"]}, {"@type": "Person", "@id": "#p", "name": "Ada Example"},'
    ' {"@type": "WebPage", "mainEntity": {"@type": "Book", "name": "B"}}]}'
)
MICRODATA = (
    '<html><div itemscope itemtype="https://schema.org/Book"><b itemprop="name">Књига</b>'
    '<a itemprop="url" href="/x">x</a><div itemprop="author" itemscope itemtype="https://schema.org/Person">'
    '<b itemprop="name">Ada</b></div></div></html>'
)
RSS = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>T</title><language>fr</language>'
    + "".join(f"<item><guid>{n}</guid><title>Leçon {n}</title><link>/x{n}</link></item>" for n in range(4))
    + "</channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/c/" xml:lang="ar">'
    + "".join(f'<entry><id>urn:{n}</id><title>درس {n}</title><link href="c{n}.html"/></entry>' for n in range(4))
    + "</feed>"
)
TABLE = 'id;title;subject;subject\n1;"A ""b""";x;y\n2;كتاب;z;\n3;c;d;e;f\n'
JSON = '[{"id": "a", "name": "A"}, {"id": "b", "name": "Б", "tags": ["x", "y"]}, {"id": "c"}]'
LOM = (
    '<lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string language="sr">Лекција</string></title>'
    "</general></lom>"
)
FILES = {"a.xml": LOM.encode(), "b.json": b'{"id": "b", "name": "B"}', "c/d.xml": LOM.encode() * 3}


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in FILES.items():
            archive.writestr(name, body)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, body in FILES.items():
            member = tarfile.TarInfo(f"é{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


class Kind(NamedTuple):
    """One kind of document: a valid one, and the feed that it is of."""

    name: str
    valid: bytes
    protocol: str
    declared: dict[str, object]
    page: str = "/list"  # whose answer is changed


KINDS = [
    Kind("csv", TABLE.encode(), "csv", {"format": "oercommons_csv", "identifier": "id"}),
    Kind("csv in utf-16", TABLE.encode("utf-16"), "csv", {"format": "oercommons_csv", "identifier": "id"}),
    Kind("rss", RSS.encode(), "rss", {"format": ""}),
    Kind("atom", ATOM.encode(), "rss", {"format": ""}),
    Kind("sitemap", SITEMAP.format(f"{LISTED}<url><loc>/3?a=b&amp;c</loc></url>").encode(), "sitemap", {}),
    Kind("sitemap as text", b"http://127.0.0.1:9/1\nhttp://127.0.0.1:9/2\n", "sitemap", {}),
    Kind("json-ld", LD.format(GRAPH).encode(), "sitemap", {}, "/1"),
    Kind("microdata", MICRODATA.encode(), "sitemap", {}, "/1"),
    Kind("zip", zipped(), "files", {"format": "lom"}),
    Kind("tar", tarred(), "files", {"format": "lom"}),
    Kind("tar.gz", gzip.compress(tarred()), "files", {"format": "lom"}),
    Kind("json", JSON.encode(), "rest", {"format": "amb", "identifier": "id"}),
]


def changed(valid: bytes, chance: random.Random) -> bytes:
    """A document with a few of its bytes changed, left out, repeated or replaced by something odd."""
    body = bytearray(valid)
    for _ in range(chance.randint(1, 4)):
        begin = chance.randrange(len(body) + 1)
        end = min(len(body), begin + chance.choice([0, 1, 1, 2, 8, 60]))
        new = chance.choice([b"", bytes([chance.randrange(256)]), chance.choice(ODD), bytes(body[begin:end]) * 2])
        body[begin:end] = new
    return bytes(body[: chance.randrange(1, len(body) + 1)] if chance.random() < 0.1 else body)


class Changing:
    """A server whose answer is set from outside."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.body, self.headers = kind, kind.valid, dict[str, str]()

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.path == self.kind.page:
            return Answer(self.body, headers=self.headers)
        if request.path == "/list":
            return Answer(SITEMAP.format(LISTED))
        return Answer(status=404) if request.path == "/robots.txt" else Answer(LD.format(GRAPH))


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Changing, Loopback]]:
    script = Changing(request.param)
    with serving(script) as loopback:
        yield script, loopback


def harvest_once(of: Feed, home: Path) -> str:
    """Harvest and transform; return the cause of the failure, or "" for a harvest that ended."""
    try:
        harvested = pages(of, open_environment(home))
    except HarvestFailed as failed:
        assert failed.cause in CAUSES
        assert "defect" not in failed.sentence.lower(), failed.sentence
        return failed.cause
    assert harvested[-1].complete
    notes = [note for page in harvested for note in page.notes]
    assert not any("defect" in note.lower() for note in notes), notes
    records = [record for page in harvested for record in page.records]
    for assessment in transform_all(records, of):
        assert assessment.rejection is None or "defect" not in assessment.rejection.reason, assessment.rejection
    return ""


def test_a_document_of_odd_bytes_ends_no_harvest_but_by_a_known_cause(
    server: tuple[Changing, Loopback], tmp_path: Path
) -> None:
    script, loopback = server
    kind = script.kind
    declared = {"request": {"retries": 0, "budget": 20}, **kind.declared}
    of = feed(f"{loopback.url}/list", kind.protocol, **{"format": "", **declared})
    assert harvest_once(of, tmp_path) == ""
    for seed in range(NUMBER):
        chance = random.Random(f"{kind.name} {seed}")
        script.body = changed(kind.valid, chance)
        charset = chance.choice(["", "", "utf-8", "latin-1", "x-none", "\xe9"])
        script.headers = {"Content-Type": f"text/html; charset={charset}"} if charset else {}
        try:
            harvest_once(of, tmp_path)
        except BaseException as error:
            error.add_note(f"{kind.name}, seed {seed}: {script.body[:2_000]!r}")
            raise
