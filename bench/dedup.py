"""Measures the matcher: DBLP–ACM, febrl, and a made catalog of N records with a nightly increment.

    python bench/dedup.py [RECORDS] [--corpora FOLDER]

Prints precision, recall and F1 of pairs after clustering, seconds and peak memory, as JSON lines: those of the full run
and the increment are the matcher's own, in a process of its own, those of the made catalog are bookkeeping. Corpora
that are not there are named and left out.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import msgspec  # noqa: E402  (the checkout is put on the path first)
import pyarrow as pa  # noqa: E402
import pyarrow.compute as pc  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from bench.made_catalog import Made  # noqa: E402
from schemas import Cluster, Contributor, Resource  # noqa: E402
from transforms.match import (  # noqa: E402
    Live,
    cluster,
    features,
    match,
)

_Pair = tuple[str, str]
_CORPORA = ROOT.parent / "shared" / "corpora" / "D_dedup"


def _quality(clusters: Iterable[Cluster], true: set[_Pair]) -> dict[str, float]:
    """Precision, recall and F1 of the pairs that clusters make."""
    found = {pair for one in clusters for pair in combinations(one.keys, 2)}
    right = len(found & true)
    precision, recall = right / max(1, len(found)), right / max(1, len(true))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _say(name: str, **figures: Any) -> dict[str, Any]:
    """Print one line of figures."""
    line = {"bench": name, **figures}
    print(json.dumps(line, ensure_ascii=False), flush=True)
    return line


def _dblp_acm(folder: Path) -> Iterator[dict[str, Any]]:
    """pyJedAI's D4: two bibliographies, 2 220 true pairs; their labels are used to measure only."""
    rows = features([*_bibliography(folder / "dblp.csv"), *_bibliography(folder / "acm.csv")])
    with (folder / "gt.csv").open(encoding="utf-8") as lines:
        true = {_ordered(f"dblp:{row['D1']}", f"acm:{row['D2']}") for row in csv.DictReader(lines, delimiter="%")}
    pairs = match(rows).pairs
    for one_to_one in (frozenset({"dblp", "acm"}), frozenset[str]()):
        found = cluster(pairs, rows, (), one_to_one).clusters
        yield _say("DBLP-ACM", one_to_one=bool(one_to_one), **_quality(found, true))


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


def febrl(folder: Path) -> Iterator[dict[str, Any]]:
    """febrl's made persons, read as if an address were a title and a person its author: not what the model is for."""
    for files in (["dataset1.csv"], ["dataset2.csv"], ["dataset3.csv"], ["dataset4a.csv", "dataset4b.csv"]):
        lives = [live for name in files for live in _persons(folder / name, name[7])]
        of: dict[str, list[str]] = {}
        for live in lives:
            of.setdefault(live.record.key.split("-")[1], []).append(live.record.key)
        true = {_ordered(*pair) for keys in of.values() for pair in combinations(keys, 2)}
        rows = features(lives)
        yield _say(f"febrl {'+'.join(files)}", **_quality(cluster(match(rows).pairs, rows).clusters, true))


def _persons(path: Path, number: str) -> Iterator[Live]:
    with path.open(encoding="utf-8") as lines:
        for raw in csv.DictReader(lines, skipinitialspace=True):
            row = {name.strip(): (value or "").strip() for name, value in raw.items()}
            born = row["date_of_birth"][:4]
            record = Resource(
                key=f"febrl{number}:{row['rec_id']}",
                title={"en": " ".join(row[name] for name in ("address_1", "address_2", "suburb"))},
                contributors=_authors([f"{row['given_name']} {row['surname']}"]),
                publishers=(row["suburb"],) if row["suburb"] else (),
                description={"en": row["soc_sec_id"]} if row["soc_sec_id"] else {},
                issued_year=int(born) if born.isdigit() else None,
            )
            yield Live(f"{path.stem}", "", record)


def _ordered(left: str, right: str) -> _Pair:
    return (left, right) if left < right else (right, left)


def _made(count: int, changed: int) -> Iterator[dict[str, Any]]:
    """A made catalog: a full run, then a night on which some records changed, some went and some came."""
    work_of: dict[str, int] = {}
    began = time.monotonic()
    rows, making = _made_features(count + changed // 2, work_of)
    keys = rows["key"].to_pylist()
    chance = random.Random(5)
    new = set(chance.sample(keys, changed // 2))
    folder = Path(tempfile.mkdtemp(prefix="dedup-"))
    pq.write_table(rows, folder / "later.parquet")
    earlier = _all_but(rows, new)
    earlier = _aged(earlier, set(chance.sample(earlier["key"].to_pylist(), changed // 2)))
    pq.write_table(earlier, folder / "earlier.parquet")
    everybody, here = set(keys), set(earlier["key"].to_pylist())
    del rows, earlier, keys
    yield _say("made catalog", records=len(here), seconds=round(time.monotonic() - began, 1), bookkeeping_mb=_peak())
    yield _say("features of all", records=count, **making)
    for kind, records, there in (("full", len(here), here), ("night", changed, everybody)):
        figures = _apart(folder, kind)
        clusters = msgspec.json.decode((folder / "clusters.json").read_bytes(), type=list[Cluster])
        true = _true(work_of, there)
        more = {"recall_with_review": _with_review(folder, clusters, true)} if kind == "full" else {}
        name = "full run" if kind == "full" else "increment"
        yield _say(name, records=records, **figures, **_quality(clusters, true), **more)
    shutil.rmtree(folder)


def _with_review(folder: Path, clusters: Iterable[Cluster], true: set[_Pair]) -> float:
    """The share of true pairs that are joined or put before a steward."""
    pairs = pq.read_table(folder / "pairs.parquet", columns=["left_key", "right_key", "verdict"])
    shown = pairs.filter(pc.not_equal(pairs["verdict"], "different"))
    kept_pairs = set(zip(shown["left_key"].to_pylist(), shown["right_key"].to_pylist(), strict=True))
    kept_pairs.update(pair for cluster_ in clusters for pair in combinations(cluster_.keys, 2))
    return round(len(kept_pairs & true) / max(1, len(true)), 4)


def _apart(folder: Path, kind: str) -> dict[str, Any]:
    """The matcher's own figures: it runs in a process that holds nothing of this one's."""
    command = [sys.executable, str(Path(__file__).with_name("match_run.py")), str(folder), kind]
    told: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def _made_features(count: int, work_of: dict[str, int]) -> tuple[pa.Table, dict[str, float]]:
    """The features of a made catalog, in parts so that its records need no memory; and what making them took."""
    parts: list[pa.Table] = []
    lives: list[Live] = []
    wall = cpu = 0.0
    for place, (live, work) in enumerate(Made(11).records(count), start=1):
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
    """The rows with some of them as they were before a change: without publisher, and a description of old."""
    old = [key in keys for key in rows["key"].to_pylist()]
    for name, before in (("publisher", None), ("digest", "old")):
        said = [before if is_old else value for is_old, value in zip(old, rows[name].to_pylist(), strict=True)]
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(said, pa.string()))
    return rows


def _true(work_of: dict[str, int], keys: set[str]) -> set[_Pair]:
    of: dict[int, list[str]] = {}
    for key, work in work_of.items():
        if key in keys:
            of.setdefault(work, []).append(key)
    return {_ordered(*pair) for same in of.values() if len(same) > 1 for pair in combinations(same, 2)}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Run what can be run and return the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="?", type=int, default=100_000)
    parser.add_argument("--corpora", type=Path, default=_CORPORA)
    parser.add_argument("--changed", type=int, default=None)
    said = parser.parse_args(arguments)
    lines: list[dict[str, Any]] = []
    for name, bench in (("pyjedai/ccer/D4", _dblp_acm), ("febrl", febrl)):
        folder = said.corpora / name
        lines += bench(folder) if folder.is_dir() else [_say(name, left_out=f"there is no folder {folder}")]
    return lines + list(_made(said.records, said.changed or max(2, said.records // 100)))


if __name__ == "__main__":
    main()
