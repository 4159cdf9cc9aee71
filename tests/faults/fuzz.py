"""Answers of the sample partners, records and addresses, damaged by dice: nothing raises, hangs or is a defect."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from harvesters import harvest
from samples.answer import Answer, Request
from samples.server import ReplayServer
from schemas import Ask, Environment, Feed, HarvestFailed, Page, SourceRecord, read_feed
from tests.faults.trials import Trial
from tests.fixtures.regenerate import fixtures
from tests.harvesters.loopback import open_environment
from tests.harvesters.test_harvesters_addresses import MALFORMED, PIECES, read_random_addresses
from transforms import transform, transform_all

SAMPLES = Path(__file__).parents[2] / "samples"
DEFECT = re.compile(r"[A-Za-z]+ at (harvesters|schemas)/\S+:\d+|A defect of the harvester")
RECORDS_A_TRIAL = 25
ADDRESSES_A_TRIAL = 300
_PORT = re.compile(r"127\.0\.0\.1:8765")
_INSERTS = [
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"&",
        b"&#0;",
        b"&eacute;",
        b"]]>",
        b"<!--",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b"\\ud800",
        b"null",
        b"NaN",
        b"1e999",
        b"-1",
        b"true",
        b",",
        b":",
        b"'",
        b";",
    ),
    *(
        b"<",
        b">",
        b"</",
        b"<x:y>",
        b"<?xml version='1.1'?>",
        b"<!DOCTYPE x>",
        b"\r",
        b"\n",
        b"\t",
        b" " * 40,
        b"9" * 400,
    ),
    *(
        b"http://[x]/",
        b"//[",
        b"\xd9\xa3",
        b"\xf0\x9f\x98\x80",
        b"{" * 50,
        b"[" * 300,
        b"<a>" * 300,
        b"=",
        b"%00",
        b"%zz",
    ),
]


def damage(text: bytes, dice: random.Random) -> bytes:
    """Return a text with up to eight changes: bits, pieces inserted, doubled, moved, cut out, or the rest cut off."""
    for _ in range(dice.randint(1, 8)):
        at, length = dice.randrange(len(text) + 1), dice.choice([1, 1, 4, 30, 300])
        here, piece, after = text[:at], text[at : at + length], text[at + length :]
        match dice.randrange(7):
            case 0:
                text = here + bytes(byte ^ 1 << dice.randrange(8) for byte in piece[:1]) + piece[1:] + after
            case 1:
                text = here + dice.choice(_INSERTS) + piece + after
            case 2:
                text = here + after
            case 3:
                text = here + piece * dice.choice([2, 2, 20]) + after
            case 4:
                text = here + dice.choice(_INSERTS) + after
            case 5:
                text = after + piece + here if dice.random() < 0.2 else here + piece[::-1] + after
            case _:
                text = here + piece if dice.random() < 0.3 else text
    return text


class DamagedSamples(ReplayServer):
    """The sample partners, whose answers are damaged by the dice with their status, type and headers."""

    dice = random.Random(0)

    def answer(self, request: Request) -> Answer:
        """Return the sample's answer, damaged in half of the cases."""
        answer = super().answer(request)
        if self.dice.random() < 0.5:
            answer = replace(answer, body=damage(answer.body, self.dice))
        if self.dice.random() < 0.05:
            answer = replace(
                answer, content_type=self.dice.choice(["text/plain", "application/zip", "", "x; charset=y"])
            )
        if self.dice.random() < 0.05:
            answer = replace(answer, status=self.dice.choice([204, 206, 301, 304, 404, 410, 416, 429, 500]))
        if self.dice.random() < 0.05:
            link = self.dice.choice([a for a in MALFORMED if a.isascii() and a.isprintable() and len(a) < 200])
            answer = replace(answer, headers={**answer.headers, "Link": f'<{link}>; rel="next"', "Retry-After": "0"})
        return answer


@contextmanager
def fuzz(folder: Path) -> Iterator[Callable[[int], Trial]]:
    """Return the trial of each seed: a sample feed's harvest, records of every format, and addresses, in turn."""
    env, texts = open_environment(folder), fixtures()
    paths = sorted((SAMPLES / "feeds").glob("*.toml"))
    with DamagedSamples(SAMPLES) as server:
        feeds = [_moved(path, server, folder) for path in paths]

        def trial(seed: int) -> Trial:
            if seed % 3 == 1:
                return Trial("damaged records", lambda: _records(random.Random(seed), texts))
            if seed % 3 == 2:
                rounds = partial(read_random_addresses, random.Random(seed), ADDRESSES_A_TRIAL)
                return Trial("random addresses", rounds)
            feed = feeds[seed // 3 % len(feeds)]
            return Trial(f"damaged answers to {feed.name}", lambda: _answers(server, feed, env, seed))

        yield trial


def _moved(path: Path, server: ReplayServer, folder: Path) -> Feed:
    """Return a sample feed that asks the server, quickly and without patience."""
    copy = folder / path.name
    text = _PORT.sub(f"127.0.0.1:{server.port}", path.read_text(encoding="utf-8"))
    copy.write_text(re.sub(r"^rate = .*$", "", text, flags=re.MULTILINE), encoding="utf-8")
    feed = read_feed(copy)
    quick = {"rate": 100_000.0, "backoff": 0.001, "retries": 1, "timeout": 5.0, "budget": 60.0}
    return feed.model_copy(update={"request": feed.request.model_copy(update=quick)})


def _answers(server: DamagedSamples, feed: Feed, env: Environment, seed: int) -> None:
    server.dice = random.Random(seed)
    pages: list[Page] = []
    try:
        pages.extend(harvest(feed, Ask(), env))
    except HarvestFailed as failed:
        told = [failed.sentence]
    else:
        told = [note for page in pages for note in page.notes]
    defects = [sentence for sentence in told if DEFECT.search(sentence)]
    assert not defects, f"defects of ours: {defects}"
    records = [record for page in pages for record in page.records]
    assessed = list(transform_all(records, feed))
    assert len(assessed) == len(records), f"{len(records)} records, {len(assessed)} assessments"


def _records(dice: random.Random, texts: list[Path]) -> None:
    for _ in range(RECORDS_A_TRIAL):
        path = dice.choice(texts)
        feed = Feed(name="fuzz", title="Fuzz", partner="A Library", protocol="files", url="fuzz")
        payload = damage(path.read_bytes(), dice).decode("utf-8", dice.choice(["replace", "ignore"]))
        if dice.random() < 0.1:
            payload = payload.replace("http://", "".join(dice.choices(PIECES, k=3)).encode("utf-8", "replace").decode())
        record = SourceRecord(
            feed=feed.name,
            identifier=path.stem,
            format=path.parent.name,
            payload=payload,
            harvested_at="2026-01-01T00:00:00Z",
        )
        assessment = transform(record, feed)
        assert (assessment.resource is None) != (assessment.rejection is None), f"{path}: {assessment}"
        if assessment.rejection is not None:
            assert "defect" not in str(assessment.rejection).lower(), f"{path.parent.name}: {assessment.rejection}"
