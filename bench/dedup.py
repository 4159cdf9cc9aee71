"""Measure the matcher: DBLP–ACM, Cora, and a made catalog of N records with a nightly increment.

    python bench/dedup.py [RECORDS] [--corpora FOLDER]

Prints precision, recall and F1 of pairs after clustering, seconds and peak memory, as JSON lines. The full run and the
increment each run in a process of their own, so that their memory is the matcher's.
Where a corpus is absent, a line says so. Both are pyJedAI's (github.com/AI-team-UoA/pyJedAI, folder data): its folders
ccer/D4 and der/cora belong under pyjedai in the folder of corpora.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import msgspec  # noqa: E402  (the checkout is put on the path first)
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from bench.made_catalog import MadeCatalog  # noqa: E402
from schemas import Cluster, Contributor, Resource  # noqa: E402
from transforms.match import (  # noqa: E402
    Live,
    cluster,
    features,
    match,
)

_Pair = tuple[str, str]
_ROW_GROUP = 50_000
_CORA_MAX_CITATIONS = 40  # of a work; a larger cluster is for a person to look at
_CORPORA = ROOT.parent / "shared" / "corpora" / "D_dedup"


def _quality(clusters: Iterable[Cluster], true: set[_Pair]) -> dict[str, float]:
    """Return precision, recall and F1 of the pairs that clusters make."""
    joined = {pair for cluster_ in clusters for pair in combinations(cluster_.keys, 2)}
    right = len(joined & true)
    precision, recall = right / max(1, len(joined)), right / max(1, len(true))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _print(name: str, **figures: Any) -> dict[str, Any]:
    """Print one line of figures."""
    line = {"bench": name, **figures}
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return line


def _dblp_acm(folder: Path) -> Iterator[dict[str, Any]]:
    """Match pyJedAI's D4: two bibliographies, 2 220 true pairs; their labels are used to measure only."""
    rows = features([*_bibliography(folder / "dblp.csv"), *_bibliography(folder / "acm.csv")])
    with (folder / "gt.csv").open(encoding="utf-8") as lines:
        true = {_ordered(f"dblp:{row['D1']}", f"acm:{row['D2']}") for row in csv.DictReader(lines, delimiter="%")}
    pairs = match(rows).pairs
    for one_to_one in (frozenset({"dblp", "acm"}), frozenset[str]()):
        clusters = cluster(pairs, rows, (), one_to_one).clusters
        yield _print("DBLP-ACM", one_to_one=bool(one_to_one), **_quality(clusters, true))


def _cora(folder: Path) -> Iterator[dict[str, Any]]:
    """Match Cora: citations of 112 works, each in a feed of its own; works of more than 40 citations are left out."""
    with (folder / "cora.csv").open(encoding="utf-8") as lines:
        cited = {row["Entity Id"]: row for row in csv.DictReader(lines, delimiter="|")}
    with (folder / "cora_gt.csv").open(encoding="utf-8") as lines:
        works = _works(cited, csv.reader(lines, delimiter="|"))
    cited = {number: row for number, row in cited.items() if len(works[number]) <= _CORA_MAX_CITATIONS}
    rows = features(_citation(number, row) for number, row in cited.items())
    true = {_ordered(*pair) for number in cited for pair in combinations(map(_citation_key, works[number]), 2)}
    pairs = match(rows).pairs
    clusters = cluster(pairs, rows).clusters
    shown = _with_review(pairs, clusters, true)
    yield _print("Cora", records=rows.num_rows, true=len(true), **_quality(clusters, true), recall_with_review=shown)


def _works(cited: Iterable[str], pairs: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Return the citations of the work of each citation, joined by the true pairs."""
    works = {number: [number] for number in cited}
    for left, right in pairs:
        if works[left] is not works[right]:
            works[left].extend(works[right])
            works.update(dict.fromkeys(works[right], works[left]))
    return works


def _citation(number: str, row: dict[str, str]) -> Live:
    year = re.search(r"(?:19|20)\d\d", row["year"])
    record = Resource(
        key=_citation_key(number),
        title={"en": row["title"].strip(" .,'\"`")} if row["title"] else {},
        contributors=_authors(re.split(r",? and |&|;|(?<=\w\w),", row["author"])),
        publishers=(row["venue"],) if row["venue"] else (),
        issued_year=int(year[0]) if year else None,
    )
    return Live(f"cora{number}", "", record)


def _citation_key(number: str) -> str:
    return f"cora{number}:{number}"


def _bibliography(path: Path) -> Iterator[Live]:
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="%"):
            record = Resource(
                key=f"{path.stem}:{row['id']}",
                title={"en": row["title"]},
                contributors=_authors((row["authors"] or "").split(",")),
                publishers=(row["venue"],) if row["venue"] else (),
                issued_year=int(float(row["year"])) if row["year"] else None,
            )
            yield Live(path.stem, "", record)


def _authors(names: Iterable[str]) -> tuple[Contributor, ...]:
    return tuple(Contributor(name=name.strip(), role="author", kind="person") for name in names if name.strip())


def _ordered(left: str, right: str) -> _Pair:
    return (left, right) if left < right else (right, left)


def _made(count: int, changed: int) -> Iterator[dict[str, Any]]:
    """Match a made catalog: a full run, then a night on which some records changed and some came."""
    work_of: dict[str, int] = {}
    began = time.monotonic()
    rows, making = _made_features(count + changed // 2, work_of)
    keys = rows["key"].to_pylist()
    chance = random.Random(5)
    new = set(chance.sample(keys, changed // 2))
    folder = Path(tempfile.mkdtemp(prefix="dedup-"))
    pq.write_table(rows, folder / "later.parquet", row_group_size=_ROW_GROUP)
    earlier = _all_but(rows, new)
    earlier = _aged(earlier, set(chance.sample(earlier["key"].to_pylist(), changed // 2)))
    pq.write_table(earlier, folder / "earlier.parquet", row_group_size=_ROW_GROUP)
    all_keys, earlier_keys = set(keys), set(earlier["key"].to_pylist())
    del rows, earlier, keys
    yield _print(
        "made catalog", records=len(earlier_keys), seconds=round(time.monotonic() - began, 1), bookkeeping_mb=_peak()
    )
    yield _print("features of all", records=count, **making)
    for kind, records, matched_keys in (
        ("full", len(earlier_keys), earlier_keys),
        ("buckets", len(earlier_keys), earlier_keys),
        ("night", changed, all_keys),
    ):
        figures = _apart(folder, kind)
        clusters = msgspec.json.decode((folder / "clusters.json").read_bytes(), type=list[Cluster])
        true = _true(work_of, matched_keys)
        more = {"recall_with_review": _with_review(_kept_pairs(folder), clusters, true)} if kind == "full" else {}
        name = {"full": "full run", "buckets": "full run in buckets", "night": "increment"}[kind]
        yield _print(name, records=records, **figures, **_quality(clusters, true), **more)
    shutil.rmtree(folder)


def _with_review(pairs: pa.Table, clusters: Iterable[Cluster], true: set[_Pair]) -> float:
    """Return the share of true pairs that are joined or put before a steward."""
    shown = pairs.filter(pc.not_equal(pairs["verdict"], "different"))
    shown_pairs = set(zip(shown["left_key"].to_pylist(), shown["right_key"].to_pylist(), strict=True))
    shown_pairs.update(pair for cluster_ in clusters for pair in combinations(cluster_.keys, 2))
    return round(len(shown_pairs & true) / max(1, len(true)), 4)


def _kept_pairs(folder: Path) -> pa.Table:
    return pq.read_table(folder / "pairs.parquet", columns=["left_key", "right_key", "verdict"])


def _apart(folder: Path, kind: str) -> dict[str, Any]:
    """Run the matcher in a process that holds nothing of this one's, and return its figures."""
    command = [sys.executable, str(Path(__file__).with_name("match_run.py")), str(folder), kind]
    figures: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figures


def _made_features(count: int, work_of: dict[str, int]) -> tuple[pa.Table, dict[str, float]]:
    """Make the features of a made catalog, in parts so that its records need no memory; and the seconds it took."""
    parts: list[pa.Table] = []
    lives: list[Live] = []
    wall = cpu = 0.0
    for place, (live, work) in enumerate(MadeCatalog(11).records(count), start=1):
        work_of[live.record.key] = work
        lives.append(live)
        if len(lives) == 50_000 or place == count:
            began, used = time.monotonic(), time.process_time()
            parts.append(features(lives))
            wall, cpu = wall + time.monotonic() - began, cpu + time.process_time() - used
            lives = []
    return pa.concat_tables(parts).sort_by("key"), {"seconds": round(wall, 1), "cpu": round(cpu, 1)}


def _all_but(rows: pa.Table, keys: set[str]) -> pa.Table:
    return rows.filter(pa.array([key not in keys for key in rows["key"].to_pylist()]))


def _aged(rows: pa.Table, keys: set[str]) -> pa.Table:
    """Return the rows, some of them as they were before a change: without publisher, and with another digest."""
    old = [key in keys for key in rows["key"].to_pylist()]
    for name, before in (("publisher", None), ("digest", "old")):
        values = [before if is_old else value for is_old, value in zip(old, rows[name].to_pylist(), strict=True)]
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values, pa.string()))
    return rows


def _true(work_of: dict[str, int], keys: set[str]) -> set[_Pair]:
    keys_of: dict[int, list[str]] = {}
    for key, work in work_of.items():
        if key in keys:
            keys_of.setdefault(work, []).append(key)
    return {_ordered(*pair) for same in keys_of.values() if len(same) > 1 for pair in combinations(same, 2)}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Run what can be run and return the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=100_000)
    parser.add_argument("--corpora", type=Path, default=_CORPORA)
    parser.add_argument("--changed", type=int, default=None)
    options = parser.parse_args(arguments)
    lines: list[dict[str, Any]] = []
    for name, measure, folder in (("DBLP-ACM", _dblp_acm, "ccer/D4"), ("Cora", _cora, "der/cora")):
        path = options.corpora / "pyjedai" / folder
        lines += measure(path) if path.is_dir() else [_print(name, left_out=f"there is no folder {path}")]
    return lines + list(_made(options.records, options.changed or max(2, options.records // 100)))


if __name__ == "__main__":
    main()
