"""Every partner of the samples is recognised from the address of its site, and from the exact one; and harvested."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from samples import ReplayServer
from schemas import ROOT
from tests.pipeline.detection.partner_site import harvested, look


@pytest.fixture(scope="module")
def samples() -> Iterator[ReplayServer]:
    with ReplayServer(ROOT / "samples") as server:
        yield server


# address below the server, protocol, format or a mapped field, records that a whole harvest lists
SITES = [
    ("col", "oai_pmh", "oai_dc", 51),
    ("serbia/nardus", "oai_pmh", "dim", 23),
    ("serbia/phaidra", "oai_pmh", "lom", 26),
    ("thailand/chula", "oai_pmh", "oai_dc", 22),
    ("thailand/psu", "oai_pmh", "dim", 23),
    ("tunisia/uvt", "oai_pmh", "oai_dc", 24),
    ("iite", "rest", "wordpress", 21),
    ("unesco/opendatasoft", "opendatasoft", "unesdoc", 29),
    ("autodesk", "rss", "rss", 21),
    ("golab", "sitemap", "schema_org", 3),
]
EXACT = [
    ("col/server/oai/request", "oai_pmh", "oai_dc", 51),
    ("col/server/oai/request?verb=ListRecords&metadataPrefix=oai_dc", "oai_pmh", "oai_dc", 51),
    ("unesco/oai/in/rest/oai?verb=Identify", "oai_pmh", "oai_dc", 22),
    ("iite/wp-json", "rest", "wordpress", 21),
    ("iite/wp-json/wp/v2/posts", "rest", "wordpress", 21),
    ("iite/wp-json/wp/v2/posts?page=2&per_page=5", "rest", "wordpress", 21),
    ("iite/feed/", "rest", "wordpress", 21),
    ("unesco/opendatasoft/api/explore/v2.1/catalog/datasets", "opendatasoft", "unesdoc", 29),
    ("unesco/opendatasoft/api/explore/v2.1/catalog/datasets/doc001/records?limit=5", "opendatasoft", "unesdoc", 29),
    ("unesco/opendatasoft/explore/dataset/doc001/table/", "opendatasoft", "unesdoc", 29),
    ("autodesk/tag/type-id/rss.xml?sort=RECENT", "rss", "rss", 21),
    ("golab/sitemap.xml", "sitemap", "schema_org", 3),
    ("golab/rest/apps/retrieve.json", "rest", "golab_apps", 21),
    ("golab/rest/labs/retrieve.json", "rest", "golab_labs", 21),
    ("golab/rest/ils/retrieve.json", "rest", "golab_ils", 21),
    ("golab/rest/apps/retrieve.json?verb=Identify", "rest", "golab_apps", 21),
    ("alecso/export.csv", "csv", "oercommons_csv", 22),
    ("alecso/api/search?batch_start=8", "rest", "oercommons_xml", 20),
]


@pytest.mark.parametrize(("path", "protocol", "format_", "records"), [*SITES, *EXACT])
def test_a_partner_is_recognised_and_its_proposal_harvests_every_record(
    samples: ReplayServer, path: str, protocol: str, format_: str, records: int, tmp_path: Path
) -> None:
    detection = look(f"{samples.url}/{path}", tmp_path)
    assert detection.trouble is None, [*map(str, (detection.trouble.what, detection.trouble.advice))]
    best = detection.proposals[0]
    assert (best.protocol, best.declaration["format"]) == (protocol, format_), best.declaration
    assert len(harvested(best, tmp_path)) == records
    assert len(detection.probes) <= 25
    assert best.total in (None, records)


def test_of_an_opendatasoft_portal_every_dataset_is_proposed(samples: ReplayServer, tmp_path: Path) -> None:
    detection = look(f"{samples.url}/unesco/opendatasoft", tmp_path)
    assert [proposal.sets[0].code for proposal in detection.proposals] == ["doc001", "school-meals"]
    assert len(harvested(detection.proposals[1], tmp_path)) == 4


def test_the_dataset_of_the_typed_page_comes_first(samples: ReplayServer, tmp_path: Path) -> None:
    detection = look(f"{samples.url}/unesco/opendatasoft/explore/dataset/school-meals/table/", tmp_path)
    assert detection.proposals[0].sets[0].code == "school-meals"


def test_the_sets_and_formats_of_a_repository_are_named(samples: ReplayServer, tmp_path: Path) -> None:
    best = look(f"{samples.url}/col", tmp_path).proposals[0]
    assert best.name == "Sample of OAsis, Commonwealth of Learning"
    assert ("col_11599_2", "Textbooks") in [(each.code, each.name) for each in best.sets]
    assert [(each.code, each.crosswalk) for each in best.formats] == [("oai_dc", "oai_dc")]


def test_what_was_requested_is_told_in_sentences(samples: ReplayServer, tmp_path: Path) -> None:
    probes = look(f"{samples.url}/iite", tmp_path).probes
    assert str(probes[0].result) == "A web page: Sample of an institute's site"
    assert all(probe.address.startswith(samples.url) for probe in probes)
