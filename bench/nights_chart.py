"""`python -m bench.nights_chart [--to FOLDER] FILE…`: one table and one chart of what `make bench` saved.

Writes nights.md, a table in Markdown, and nights.svg into the folder (ELIB_HOME/bench if not named): seconds of each
night and of sickle's iterator, and the largest peak of a stage, by records; all axes are logarithmic. A size that did
not come to its end is shown as far as it came. The table ends with ten million records, which nobody measures:
processor seconds and memory of each stage grow on with every record as between the last two sizes, and never shrink.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from schemas import environment

TABLE, CHART = "nights.md", "nights.svg"
_EXTRAPOLATED_RECORDS = 10_000_000

_Figures = tuple[float, float]  # processor seconds and peak MB of a stage
_WIDTH, _HEIGHT, _MARGIN, _GAP = 320, 240, 48, 60
_COLORS = {"first": "#1b6ca8", "identical": "#2e7d32", "changed": "#b26a00", "sickle": "#777777"}
_STYLE = "text{font:12px sans-serif;fill:#333}path{fill:none;stroke-width:2}line{stroke:#999}"


class _Line(NamedTuple):
    """What is drawn: its name, and (records, value) by size."""

    name: str
    points: list[tuple[float, float]]


def main() -> None:
    """Print the table, and write it and the chart."""
    parser = argparse.ArgumentParser(prog="python -m bench.nights_chart", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="files that make bench saved, one per size")
    parser.add_argument("--to", type=Path, default=environment().home / "bench", help="the folder to write into")
    arguments = parser.parse_args()
    write(arguments.to, [json.loads(path.read_text()) for path in arguments.files])
    print((arguments.to / TABLE).read_text(encoding="utf-8"))


def write(folder: Path, jobs: Iterable[dict[str, Any]]) -> None:
    """Write the table and the chart of several sizes into a folder."""
    by_size = sorted(jobs, key=lambda job: int(job["records"]))
    lines = [*_table(by_size), "", *_stage_table(by_size)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / CHART).write_text(_chart(by_size), encoding="utf-8")


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
                f"| {_grouped(job['records'])} | {night} | {sums['seconds']:.0f} | {times:.1f} | "
                f"{sums['processor']:.0f} | {sums['imports']:.0f} | {peak:.0f} |"
            )
    return lines


def _stage_table(jobs: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table of the stages: a column for each size, and one extrapolated from the last two."""
    names = [_grouped(job["records"]) for job in jobs]
    if len(jobs) > 1:
        names.append(f"{_grouped(_EXTRAPOLATED_RECORDS)}, extrapolated")
    lines = [f"| night | processor s / peak MB | {' | '.join(names)} |", f"|{'---|' * (len(names) + 2)}"]
    stages = {(night, row["stage"]): None for job in jobs for night in job["nights"] for row in job["nights"][night]}
    for night, stage in stages:
        measured = [_figures(job, night, stage) for job in jobs]
        if len(jobs) > 1:
            sizes = jobs[-2]["records"], jobs[-1]["records"]
            measured.append(_extrapolate(sizes, measured[-2], measured[-1]))
        cells = ("" if figures is None else f"{figures[0]:.1f} / {figures[1]:.0f}" for figures in measured)
        lines.append(f"| {night} | {stage} | {' | '.join(cells)} |")
    return lines


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _figures(job: dict[str, Any], night: str, stage: str) -> _Figures | None:
    """Return the figures of a stage; None where the job did not come so far."""
    rows = {row["stage"]: row for row in job["nights"].get(night, ())}
    return (rows[stage]["processor"], rows[stage]["peak_mb"]) if stage in rows else None


def _extrapolate(sizes: tuple[int, int], before: _Figures | None, last: _Figures | None) -> _Figures | None:
    """Return both figures at ten million records by what a record more took between two sizes."""
    if before is None or last is None:
        return None
    times = (_EXTRAPOLATED_RECORDS - sizes[1]) / (sizes[1] - sizes[0])
    seconds, peak = (new + times * max(0.0, new - old) for old, new in zip(before, last, strict=True))
    return seconds, peak


def _chart(jobs: Sequence[dict[str, Any]]) -> str:
    """Return the chart as SVG: time on the left, memory on the right."""
    nights = list(dict.fromkeys(night for job in jobs for night in job["nights"]))
    whole = {night: [job for job in jobs if night in job["nights"]] for night in nights}
    seconds = [
        _Line(night, [(job["records"], sum(row["seconds"] for row in job["nights"][night])) for job in whole[night]])
        for night in nights
    ]
    seconds.append(_Line("sickle", [(job["records"], job["sickle"]["seconds"]) for job in jobs]))
    memory = [
        _Line(night, [(job["records"], max(row["peak_mb"] for row in job["nights"][night])) for job in whole[night]])
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
