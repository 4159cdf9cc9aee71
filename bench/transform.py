"""Measure the transform by format on one process, and on two at once: python -m bench.transform.

Both stand beside what a plain Python loop does on the same machine in the same run, on one process and on two.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from samples import generated
from schemas import Feed, SourceRecord

_RECORDS = 5_000  # a round, as in a chunk
_ROUNDS = 5  # of which the median is printed: machines vary from second to second
_DC = "{http://purl.org/dc/elements/1.1/}"
_WRAPPED = '<record xmlns="http://www.openarchives.org/OAI/2.0/"><metadata>%s</metadata></record>'
_LOM = (Path(__file__).parent / "transform_lom.xml").read_text(encoding="utf-8")


def oai_dc(number: int) -> str:
    """Return the payload of a generated oai_dc record of 1.9 kB."""
    inside = generated.record(number).decode("utf-8").split("<metadata>", 1)[1].split("</metadata>", 1)[0]
    return _WRAPPED % inside


def lom(number: int) -> str:
    """Return the same record as LOM, 4.8 kB: two vCards, classifications, an educational part."""
    dc = fromstring(oai_dc(number))

    def first(name: str) -> str:
        element: Element | None = next(dc.iter(f"{_DC}{name}"), None)
        return escape(element.text or "") if element is not None else ""

    names = ("title", "description", "language", "subject", "coverage", "date", "rights", "identifier")
    family, _, given = first("creator").partition(", ")
    publisher = first("publisher")
    values = {name: first(name) for name in names} | {"family": family, "given": given, "publisher": publisher}
    return _WRAPPED % _LOM.format(number=number, **values)


_FORMATS: dict[str, Callable[[int], str]] = {"oai_dc": oai_dc, "lom": lom}


def _records(format_: str, first: int) -> list[SourceRecord]:
    """Make the records of a round, from a number on."""
    return [
        SourceRecord(
            feed="bench",
            identifier=generated.identifier(number),
            format=format_,
            datestamp=generated.datestamp(number),
            payload=_FORMATS[format_](number),
            harvested_at="2026-11-01T00:00:00Z",
        )
        for number in range(first, first + _RECORDS)
    ]


def _transform(job: tuple[str, int]) -> tuple[float, float]:
    """Return wall and processor seconds of reading records into the shared schema and encoding them for the catalog."""
    import msgspec

    from pipeline.feed import rare_garbage_collection
    from transforms import transform_all

    format_, first = job
    feed = Feed(
        name="bench", title="Bench", partner="Bench", protocol="oai_pmh", url="http://127.0.0.1/", format=format_
    )
    records = _records(format_, first)
    wall, processor = time.perf_counter(), time.process_time()
    with rare_garbage_collection():
        for assessment in transform_all(records, feed):
            if assessment.resource is None:
                raise SystemExit(f"{assessment.key} was rejected: {assessment.rejection}")
            msgspec.json.encode(assessment.resource, order="deterministic")
    return time.perf_counter() - wall, time.process_time() - processor


def _loop(_: Any) -> tuple[float, float]:
    """Return wall and processor seconds of a plain Python loop."""
    wall, processor = time.perf_counter(), time.process_time()
    total = 0
    for number in range(10_000_000):
        total += number & 7
    return time.perf_counter() - wall, time.process_time() - processor


def _measured() -> Iterator[tuple[str, str]]:
    """Yield each figure with its name."""
    from bench.warm import warm

    warm()
    context = multiprocessing.get_context("fork")
    with context.Pool(2, maxtasksperchild=1) as pool:
        for name, payload in _FORMATS.items():
            rounds = [pool.map(_transform, [(name, _RECORDS * number)], chunksize=1)[0][1] for number in range(_ROUNDS)]
            size = len(payload(1).encode("utf-8"))
            yield f"{name}, {size} bytes", f"{_RECORDS / median(rounds):.0f} records/s of processor time"
        jobs = [("oai_dc", 0), ("oai_dc", _RECORDS)]
        yield "two processes", f"{median(_gain(pool, _transform, jobs) for _ in range(_ROUNDS)):.2f} times one"
        yield (
            "two processes, a plain loop",
            f"{median(_gain(pool, _loop, [0, 1]) for _ in range(_ROUNDS)):.2f} times one",
        )


def _gain(pool: Any, work: Callable[[Any], tuple[float, float]], jobs: list[Any]) -> float:
    """Return how many times as fast as one process two are, each with its own half of the work."""
    alone = sum(pool.map(work, [job], chunksize=1)[0][0] for job in jobs)
    together = max(wall for wall, _ in pool.map(work, jobs, chunksize=1))
    return float(alone / together)


if __name__ == "__main__":
    for name, figure in _measured():
        print(f"{name:40} {figure}", flush=True)
    sys.exit(0)
