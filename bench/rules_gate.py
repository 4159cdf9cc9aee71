"""Measure the record rules, the batch rules, the gate and the reports: python -m bench.rules_gate."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from schemas import Expect, Feed, Resource

_BATCH_RECORDS, _GATE_ROWS = 20_000, 200_000
_TITLES = ("Основы ботаники", "Plants and light", "النباتات والضوء", "พืชและแสง", "Les plantes à l’école")


def _made_record(number: int) -> Resource:
    """Make a record of about 2 kB, in two languages, with a few issues."""
    title = _TITLES[number % len(_TITLES)]
    fields: dict[str, Any] = {
        "key": f"made:{number}",
        "title": {"en": f"Plants and light {number}", "und": title},
        "description": {"en": "How green plants turn light into food. " * 12, "und": f"{title}. " * 20},
        "keywords": [{"language": "en", "text": f"subject {index}"} for index in range(6)],
        "languages": [{"tag": "en", "origin": "declared", "confidence": 1.0}],
        "contributors": [{"name": f"Name {index}, Given", "role": "author", "kind": "person"} for index in range(3)],
        "issued": "2019",
        "issued_year": 2019,
        "url": f"http://learn.unesco.org/{number}",
        "links": [{"url": f"https://learn.unesco.org/{number}/{index}.pdf"} for index in range(3)],
        "identifiers": [{"scheme": "handle", "value": f"11599/{number}"}],
    }
    return msgspec.convert(fields, Resource)


def _measure() -> Iterator[tuple[str, str]]:
    """Yield each figure with its name."""
    from transforms.rules import Context, apply_batch_rules, apply_rules, facts_of, score

    records = [_made_record(number) for number in range(_BATCH_RECORDS)]
    contexts = [(record, Context()) for record in records]
    total_score, seconds = _time(lambda: sum(map(score, records, apply_rules(contexts))))
    rate, average = _BATCH_RECORDS / seconds, total_score / _BATCH_RECORDS
    yield "record rules and score", f"{rate:.0f} records/s (scores {average:.0f} on average)"
    issues, seconds = _time(lambda: sum(1 for _ in apply_batch_rules([facts_of(record) for record in records])))
    yield "batch rules", f"{_BATCH_RECORDS / seconds:.0f} records/s ({issues} issues)"
    yield from _gate()
    yield from _report()


def _gate() -> Iterator[tuple[str, str]]:
    from transforms.gate import SharesBefore, judge

    unchanged: dict[str, Any] = {
        "live_before": True,
        "live_after": True,
        "absent": False,
        "errors": 0,
        "codes": "",
        "restamped": False,
        "has_language": True,
        "has_license": True,
        "change": "none",
    }
    rows = [{"key": f"made:{number}", **unchanged} for number in range(_GATE_ROWS)]
    for row in rows[:3_000]:
        row["change"] = "changed"
    for row in rows[5_000:7_000]:
        row |= {"errors": 1, "codes": "address_missing"}
    expect = Expect(records=(1, _GATE_ROWS))
    feed = Feed(name="made", title="made", partner="made", protocol="files", url="x", expect=expect)
    history = SharesBefore(error_share=0.01, language_share=1.0, license_share=1.0)
    for name in ("gate with the import", "gate"):
        result, seconds = _time(lambda: judge(rows, feed, history, {"changed": 3_000}))
        yield name, f"{seconds:.2f} s for {_GATE_ROWS} rows, {'held' if result.held else 'passed'}"


def _report() -> Iterator[tuple[str, str]]:
    from sqlalchemy import create_engine, insert

    from loaders.reports import write_feed_report, write_night_report
    from loaders.store import SourceRecordRow, Table

    feed = Feed(name="made", title="made", partner="made", protocol="files", url="x")
    with tempfile.TemporaryDirectory(prefix="elib-bench-") as folder:
        engine = create_engine(f"sqlite:///{folder}/catalog.db")
        Table.metadata.create_all(engine)
        unchanged = {"feed": "made", "format": "oai_dc", "status": "live", "run_id": "r", "score": 70}
        with engine.begin() as connection:
            for start in range(0, _BATCH_RECORDS, 1_000):
                connection.execute(
                    insert(SourceRecordRow), [_row(number) | unchanged for number in range(start, start + 1_000)]
                )
        for name, write in (("night's report", lambda: write_night_report(engine, Path(folder), [feed])),
                            ("feed's report", lambda: write_feed_report(engine, Path(folder), feed))):  # fmt: skip
            _, seconds = _time(write)
            yield name, f"{seconds:.2f} s over {_BATCH_RECORDS} records"
        engine.dispose()


def _row(number: int) -> dict[str, Any]:
    text = msgspec.json.encode(_made_record(number)).decode()
    return {"key": f"made:{number}", "identifier": str(number), "resource_id": str(number // 2), "record": text}


def _time(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    for name, figure in _measure():
        sys.stdout.write(f"{name:26} {figure}\n")
