"""The table and the chart of `make bench`: every size and night, beside sickle, and ten million by a stated rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from bench.__main__ import sizes_up_to
from bench.nights_chart import CHART, TABLE, write


def job(records: int, nights: dict[str, float]) -> dict[str, Any]:
    """What `make bench` saves: one stage per night, of so many processor seconds."""
    stages = {
        night: [{"stage": "load", "seconds": 2 * seconds, "processor": seconds, "imports": 1.0, "peak_mb": 200.0}]
        for night, seconds in nights.items()
    }
    return {"records": records, "sickle": {"seconds": records / 10_000}, "nights": stages}


def test_sizes_are_the_powers_of_ten_and_the_number_itself() -> None:
    assert sizes_up_to(1_000_000) == [10_000, 100_000, 1_000_000]
    assert sizes_up_to(20_000) == [10_000, 20_000] and sizes_up_to(500) == [500]


def test_a_table_and_a_chart_show_each_size_and_ten_million_by_what_a_record_more_takes(tmp_path: Path) -> None:
    write(tmp_path, [job(1_000_000, {"first": 12.0}), job(100_000, {"first": 3.0, "identical": 1.0})])
    table = (tmp_path / TABLE).read_text(encoding="utf-8")
    assert "| 100 000 | first | 6 | 0.6 | 3 | 1 | 200 |\n| 100 000 | identical | 2 | 0.2 |" in table
    assert "| first | load | 3.0 / 200 | 12.0 / 200 | 102.0 / 200 |" in table, "1 s more for each 100,000 records"
    assert "| identical | load | 1.0 / 200 |  |  |" in table, "a size that did not come to its end"
    texts = [each.text for each in ET.parse(tmp_path / CHART).iter("{http://www.w3.org/2000/svg}text")]
    assert {"first", "identical", "sickle", "seconds of a night", "peak MB of a stage"} <= set(texts)
