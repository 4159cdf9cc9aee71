"""Addresses of persons are landed word for word, and stored nowhere beyond landing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import harvesters
from samples import ReplayServer
from schemas import Ask, environment, read_feed
from transforms import transform

SAMPLES = Path(__file__).parents[2] / "samples"
MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
WITH_MAIL = {"sample_serbia_nardus", "sample_serbia_phaidra"}


@pytest.fixture(scope="module")
def server() -> Iterator[ReplayServer]:
    with ReplayServer(SAMPLES) as replay:
        yield replay


@pytest.mark.parametrize("name", sorted(path.stem for path in (SAMPLES / "feeds").glob("*.toml")))
def test_no_mail_address_of_a_record_survives_its_transformation(
    name: str, server: ReplayServer, tmp_path: Path
) -> None:
    env = environment({"ELIB_HOME": str(tmp_path), "ELIB_ALLOW_PRIVATE": "127.0.0.1"})
    declaration = (SAMPLES / "feeds" / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / f"{name}.toml").write_text(declaration.replace("http://127.0.0.1:8765", server.url), encoding="utf-8")
    feed = read_feed(tmp_path / f"{name}.toml")
    records = [record for page in harvesters.harvest(feed, Ask(), env) for record in page.records]
    assert any(MAIL.search(record.payload or "") for record in records) == (name in WITH_MAIL)
    made = [msgspec.json.encode(transform(record, feed)).decode() for record in records]
    assert made
    assert [address for text in made for address in MAIL.findall(text)] == []
