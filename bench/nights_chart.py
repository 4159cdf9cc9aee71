"""`python -m bench.nights_chart FILE…`: one table and one chart of what `make bench` saved for several sizes.

Prints the table as Markdown and writes docs/images/nights.svg: seconds of each night and of sickle's iterator, and the
largest peak of a stage, by records; all axes are logarithmic.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from schemas import ROOT

CHART = ROOT / "docs" / "images" / "nights.svg"
_WIDTH, _HEIGHT, _MARGIN, _GAP = 320, 240, 48, 60
_COLORS = {"first": "#1b6ca8", "identical": "#2e7d32", "changed": "#b26a00", "sickle": "#777777"}
_STYLE = "text{font:12px sans-serif;fill:#333}path{fill:none;stroke-width:2}line{stroke:#999}"


class _Line(NamedTuple):
    """What is drawn: its name, and (records, value) by size."""

    name: str
    points: list[tuple[float, float]]


def main() -> None:
    """Print the table and write the chart."""
    parser = argparse.ArgumentParser(prog="python -m bench.nights_chart", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="files that make bench saved, one per size")
    jobs = sorted((json.loads(path.read_text()) for path in parser.parse_args().files), key=lambda job: job["records"])
    print("\n".join(_table(jobs)))
    CHART.write_text(_chart(jobs), encoding="utf-8")


def _table(jobs: Iterable[dict[str, Any]]) -> list[str]:
    """Return the lines of the table: a row for each size and night."""
    lines = [
        "| records | night | seconds | × sickle | processor, s | imports, s | peak MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for job in jobs:
        for night, stages in job["nights"].items():
            sums = {name: sum(row.get(name, 0.0) for row in stages) for name in ("seconds", "processor", "imports")}
            peak = max(row["peak_mb"] for row in stages)
            times = sums["seconds"] / job["sickle"]["seconds"]
            lines.append(
                f"| {job['records']:,} | {night} | {sums['seconds']:.0f} | {times:.1f} | {sums['processor']:.0f} | "
                f"{sums['imports']:.0f} | {peak:.0f} |".replace(",", " ")
            )
    return lines


def _chart(jobs: Sequence[dict[str, Any]]) -> str:
    """Return the chart as SVG: time on the left, memory on the right."""
    nights = list(dict.fromkeys(night for job in jobs for night in job["nights"]))
    seconds = [
        _Line(night, [(job["records"], sum(row["seconds"] for row in job["nights"][night])) for job in jobs])
        for night in nights
    ]
    seconds.append(_Line("sickle", [(job["records"], job["sickle"]["seconds"]) for job in jobs]))
    memory = [
        _Line(night, [(job["records"], max(row["peak_mb"] for row in job["nights"][night])) for job in jobs])
        for night in nights
    ]
    width, height = 2 * _WIDTH + 3 * _GAP, _HEIGHT + 2 * _MARGIN
    panels = _panel(seconds, "seconds of a night", _GAP), _panel(memory, "peak MB of a stage", _WIDTH + 2 * _GAP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    title = "<title>Time and memory of three nights by records</title>"
    return f"{head}{title}<style>{_STYLE}</style>{''.join(panels)}</svg>\n"


def _panel(lines: Sequence[_Line], title: str, left: int) -> str:
    """Return one diagram of the chart, whose axis of values begins at `left`."""
    xs, ys = (
        _decades(x for line in lines for x, _ in line.points),
        _decades(y for line in lines for _, y in line.points),
    )

    def x_of(value: float) -> float:
        return left + _WIDTH * (math.log10(value) - xs[0]) / (xs[-1] - xs[0])

    def y_of(value: float) -> float:
        return _MARGIN + _HEIGHT * (1 - (math.log10(max(value, 10 ** ys[0])) - ys[0]) / (ys[-1] - ys[0]))

    bottom = _MARGIN + _HEIGHT
    parts = [f'<text x="{left}" y="{_MARGIN - 20}">{title}</text>']
    parts += [f'<text x="{x_of(10**x):.0f}" y="{bottom + 18}" text-anchor="middle">{10**x:,}</text>' for x in xs]
    parts += [f'<text x="{left - 6}" y="{y_of(10**y) + 4:.0f}" text-anchor="end">{10**y:,}</text>' for y in ys]
    parts += [f'<line x1="{left}" y1="{y_of(10**y):.0f}" x2="{left + _WIDTH}" y2="{y_of(10**y):.0f}"/>' for y in ys]
    for line in lines:
        path = " L".join(f"{x_of(x):.1f} {y_of(y):.1f}" for x, y in line.points)
        x, y = line.points[-1]
        parts.append(f'<path d="M{path}" stroke="{_COLORS[line.name]}"/>')
        parts.append(f'<text x="{x_of(x) - 4:.0f}" y="{y_of(y) - 6:.0f}" text-anchor="end">{line.name}</text>')
    return "".join(parts)


def _decades(values: Iterable[float]) -> list[int]:
    """Return the powers of ten around values, at least two."""
    logarithms = [math.log10(max(value, 1)) for value in values]
    first, last = math.floor(min(logarithms)), math.ceil(max(logarithms))
    return list(range(first, max(last, first + 1) + 1))


if __name__ == "__main__":
    main()
