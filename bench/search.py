"""Measure the library's search: how good its first ten are beside plain LIKE, and how long it takes.

    python -m bench.search [--resources 200000] [--searches 200]

Relevance: a library of made resources in which those of bench/search_texts.py are hidden; of each topic two have it in
the title (worth 3), one among its keywords (2), one in the description (1). Made resources that have all words of a
query by chance would be right too, so that they are left out. Prints nDCG@10 by language.
Speed: a made catalog on SQLite; prints what its index takes, and p50 and p95 of searches with all facets beside one row
by primary key and beside LIKE on titles, in the same run: by the clock, and of the processor, which others at work on
the machine change less.
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import statistics
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from more_itertools import chunked
from sqlalchemy import Connection, insert, or_, select, update

from bench.__main__ import machine
from bench.made_catalog import MadeCatalog
from bench.search_texts import TITLES, TOPICS
from loaders.migrations import migrate
from loaders.search import LIBRARY_INDEX_FOLDER, Wanted, search_library, update_library_index
from loaders.store import HarvestRunRow, ResourceRow, engine, read_transaction, write_transaction
from schemas import Environment, Language, License, Resource, Text, environment
from transforms.search_words import indexed_words, query_words

SEED = 20260130
NOISE = 3_000  # made resources among which those of the relevance test are hidden
TOP = 10
UPDATED = 10_000
_AT = "2026-01-30T01:00:00.000000Z"
_BATCH_ROWS = 5_000
_OPEN = License(
    uri="https://creativecommons.org/licenses/by/4.0/",
    spdx="CC-BY-4.0",
    label="CC BY 4.0",
    statement="CC BY 4.0",
    origin="record",
    open=True,
)
_RESOURCES: Any = ResourceRow.__table__


class Query(NamedTuple):
    """What is typed, in which language, and how much each right resource is worth."""

    text: str
    language: str
    worth: dict[str, int]


def main() -> int:
    """Print the relevance, then the speed."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--resources", type=int, default=200_000)
    parser.add_argument("--searches", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elib-bench-search-") as folder:
        show_relevance(Path(folder) / "relevance")
        if arguments.resources:
            show_speed(Path(folder) / "speed", arguments.resources, arguments.searches)
    return 0


def show_relevance(home: Path) -> None:
    """Print nDCG@10 of the search and of LIKE, by language."""
    env = _installation(home)
    hidden, queries = hidden_library()
    noise = islice(_without_right_ones(_made_records(2 * NOISE), queries), NOISE)
    _write(env, [*((f"N{number:025}", record) for number, record in enumerate(noise)), *hidden])
    update_library_index(env, indexed_words, {})
    scores: dict[str, list[tuple[float, float]]] = {}
    for query in queries:
        scores.setdefault(query.language, []).append(
            (_ndcg(query, _searched(env, query)), _ndcg(query, _like(env, query)))
        )
    print(f"{len(queries)} queries over {NOISE + len(hidden)} resources: nDCG@{TOP}")
    print(f"{'language':10} {'queries':>8} {'search':>8} {'LIKE':>8}")
    for language, pairs in scores.items():
        print(f"{language:10} {len(pairs):8} {_mean(pairs, 0):8.3f} {_mean(pairs, 1):8.3f}")
    every = [pair for pairs in scores.values() for pair in pairs]
    print(f"{'all':10} {len(every):8} {_mean(every, 0):8.3f} {_mean(every, 1):8.3f}")
    engine(env).dispose()


def hidden_library() -> tuple[list[tuple[str, Resource]], list[Query]]:
    """Return the resources of the relevance test with their ids, and its queries."""
    resources: list[tuple[str, Resource]] = []
    queries: list[Query] = []
    for language, topics in TOPICS.items():
        first, second, passing = TITLES[language]
        for name, other_title, typed in topics:
            made = (
                (3, _made(language, first.format(name))),
                (3, _made(language, second.format(name))),
                (2, _made(language, other_title, keyword=name)),
                (1, _made(language, f"{other_title} 2", description=passing.format(name))),
            )
            worth = {}
            for grade, record in made:
                resource_id = f"R{len(resources):025}"
                resources.append((resource_id, record))
                worth[resource_id] = grade
            queries += [Query(text, language, worth) for text in typed]
    return resources, queries


def _without_right_ones(records: Iterable[Resource], queries: Sequence[Query]) -> Iterator[Resource]:
    """Yield the records without those whose texts have the letters of every word of a query, whatever their marks."""
    typed = [_plain(query.text).split() for query in queries]
    for record in records:
        people = (person.name for person in record.contributors)
        texts = (*record.title.values(), *record.description.values(), *people, *record.publishers)
        text = _plain(" ".join(texts))
        if not any(all(word in text for word in words) for words in typed):
            yield record


def _plain(text: str) -> str:
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    ).lower()


def _made_records(count: int) -> Iterator[Resource]:
    for live, _ in MadeCatalog(SEED).records(count):
        assert isinstance(live.record, Resource)
        yield live.record


def _made(language: str, title: str, *, keyword: str = "", description: str = "") -> Resource:
    return Resource(
        key=f"hidden:{title}",
        title={language: title},
        description={language: description} if description else {},
        keywords=(Text(language=language, text=keyword),) if keyword else (),
        languages=(Language(tag=language, origin="declared", confidence=1.0),),
        license=_OPEN,
    )


def _searched(env: Environment, query: Query) -> list[str]:
    wanted = Wanted(query.text, query_words(query.text))
    return [each.id for each in search_library(env, wanted, limit=TOP, facets=False).resources]


def _like(env: Environment, query: Query) -> list[str]:
    """Return what LIKE finds: every word in the record's JSON of title, keywords or description, titles first."""
    words = query.text.split()
    in_title = [_RESOURCES.c.title.ilike(f"%{word}%") for word in words]
    anywhere = [or_(_RESOURCES.c.title.ilike(f"%{word}%"), _RESOURCES.c.record.ilike(f"%{word}%")) for word in words]
    with read_transaction(env) as connection:
        first = list(connection.scalars(select(_RESOURCES.c.id).where(*in_title).limit(TOP)))
        more = connection.scalars(select(_RESOURCES.c.id).where(*anywhere).limit(2 * TOP))
        return [*first, *(each for each in more if each not in first)][:TOP]


def _ndcg(query: Query, ids: Sequence[str]) -> float:
    """Return the normalized discounted cumulative gain of the first ten (Järvelin and Kekäläinen 2002)."""
    gain: float = sum(
        (2 ** query.worth.get(each, 0) - 1) / math.log2(place + 2) for place, each in enumerate(ids[:TOP])
    )
    best = sorted(query.worth.values(), reverse=True)[:TOP]
    most: float = sum((2**worth - 1) / math.log2(place + 2) for place, worth in enumerate(best))
    return gain / most


def _mean(pairs: Sequence[tuple[float, float]], which: int) -> float:
    return statistics.fmean(pair[which] for pair in pairs)


def show_speed(home: Path, count: int, searches: int) -> None:
    """Print how long the index takes and how large it is, and how long searches take beside SQL."""
    env = _installation(home)
    print(f"\n{count} resources; {machine()}")
    records = _made_records(count)
    began = time.monotonic()
    ids = [each for each, _ in _write(env, ((f"S{number:025}", each) for number, each in enumerate(records)))]
    print(f"{'catalog written':24} {time.monotonic() - began:8.1f} s")
    before = _peak_mb()
    began = time.monotonic()
    update_library_index(env, indexed_words, {})
    size = sum(path.stat().st_size for path in (env.home / LIBRARY_INDEX_FOLDER).rglob("*") if path.is_file())
    memory = f"peak {_peak_mb():.0f} MB ({before:.0f} before)"
    print(f"{'index made anew':24} {time.monotonic() - began:8.1f} s, {size / 1e6:.0f} MB, {memory}")
    chance = random.Random(SEED)
    typed = list(_typed(env, chance, ids, searches))
    for text, chosen in typed[:20]:
        search_library(env, Wanted(text, query_words(text), chosen))
    measured: dict[str, list[tuple[float, float]]] = {}
    for text, chosen in typed:
        for name, run in _runs(env, chance, ids, text, chosen).items():
            began, processor = time.perf_counter(), time.process_time()
            run()
            took = (time.perf_counter() - began, time.process_time() - processor)
            measured.setdefault(name, []).append(took)
    print(f"{'milliseconds':24} {'p50':>8} {'p95':>8} {'CPU p50':>8} {'CPU p95':>8}")
    for name, pairs in measured.items():
        times = [sorted(pair[which] * 1000 for pair in pairs) for which in (0, 1)]
        figures = [each[place] for each in times for place in (len(each) // 2, int(len(each) * 0.95))]
        print(f"{name:24} " + " ".join(f"{figure:8.2f}" for figure in figures))
    _show_update(env, ids, chance)
    engine(env).dispose()


def _show_update(env: Environment, ids: Sequence[str], chance: random.Random) -> None:
    changed = chance.sample(list(ids), min(UPDATED, len(ids) // 10))
    _publication(env, "publish-20260131T010000000000", "2026-01-31T01:00:00.000000Z")
    with write_transaction(env) as connection:
        for batch in chunked(changed, 500):
            later = {"updated_at": "2026-01-31T01:00:01.000000Z", "quality": 90}
            connection.execute(update(_RESOURCES).where(_RESOURCES.c.id.in_(batch)).values(**later))
    began = time.monotonic()
    written = update_library_index(env, indexed_words, {})
    print(f"{f'{written} changed':24} {time.monotonic() - began:8.1f} s")


def _typed(
    env: Environment, chance: random.Random, ids: Sequence[str], searches: int
) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield what readers type: one or two words of a title, a beginning, a slip; some with filters."""
    with read_transaction(env) as connection:
        titles = [_title(connection, chance.choice(ids)) for _ in range(searches)]
    for number, title in enumerate(titles):
        words = title.split()
        text = chance.choice(words)[:12]
        if number % 5 == 1:
            text = " ".join(words[:2])[:40]
        elif number % 5 == 2:
            text = text[: max(3, len(text) // 2)]
        elif number % 5 == 3 and len(text) > 5:
            text = text[:3] + text[4:]
        yield text, {"level": ["1", "2"]} if number % 4 == 0 else {}


def _runs(
    env: Environment, chance: random.Random, ids: Sequence[str], text: str, chosen: dict[str, list[str]]
) -> dict[str, Callable[[], Any]]:
    wanted = Wanted(text, query_words(text), chosen)
    row = select(_RESOURCES.c.id, _RESOURCES.c.title).where(_RESOURCES.c.id == chance.choice(ids))
    like = select(_RESOURCES.c.id).where(_RESOURCES.c.title.ilike(f"%{text}%")).limit(20)

    def sql(query: Any) -> None:
        with read_transaction(env) as connection:
            connection.execute(query).all()

    return {
        "search with facets": lambda: search_library(env, wanted),
        "search without facets": lambda: search_library(env, wanted, facets=False),
        "one row by primary key": lambda: sql(row),
        "LIKE on titles": lambda: sql(like),
    }


def _title(connection: Connection, resource_id: str) -> str:
    return str(connection.scalar(select(_RESOURCES.c.title).where(_RESOURCES.c.id == resource_id)))


def _installation(home: Path) -> Environment:
    env = environment({"ELIB_HOME": str(home), "ELIB_FEEDS": str(home / "feeds")})
    migrate(env)
    _publication(env, "publish-20260130T010000000000", _AT)
    return env


def _publication(env: Environment, run_id: str, at: str) -> None:
    with write_transaction(env) as connection:
        values = {"id": run_id, "feed": None, "kind": "publish", "status": "loaded", "started_at": at}
        connection.execute(insert(HarvestRunRow).values(**values))


def _write(env: Environment, records: Iterable[tuple[str, Resource]]) -> list[tuple[str, str]]:
    """Write resources straight into the catalog; return their ids and titles."""
    encoder = msgspec.json.Encoder(order="deterministic")
    written = []
    for batch in chunked(records, _BATCH_ROWS):
        rows = []
        for resource_id, record in batch:
            title = next(iter(record.title.values()), "")
            values = {"id": resource_id, "title": title, "record": encoder.encode(record).decode(), "record_sha256": ""}
            rows.append({**values, "quality": 50, "members": 1, "created_at": _AT, "updated_at": _AT})
            written.append((resource_id, title))
        with write_transaction(env) as connection:
            connection.execute(insert(_RESOURCES), rows)
    return written


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
