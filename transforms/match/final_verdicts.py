"""Final verdicts of pairs: the matcher's, unless a steward judged the pair or something objects to its link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, overload

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from schemas import Evidence, Judgement, Match, MatchVerdict

Pair = tuple[str, str]
_DECODER = msgspec.json.Decoder(tuple[Evidence, ...])
BATCH = 20_000


class Overrides(NamedTuple):
    """What overrides the matcher's verdict on some pairs: objections, judgements, and those that are stale."""

    objections: Mapping[Pair, str]  # why the two records of a link must not stand in one cluster
    judged: Mapping[Pair, Judgement]
    stale: frozenset[Pair]

    def final(self, match: Match) -> Match:
        """Return the match as shown: a steward's verdict, or review where something objects or a judgement is old."""
        pair = match.left_key, match.right_key
        judged, objection = self.judged.get(pair), self.objections.get(pair)
        if judged is None and objection is None:
            return match
        verdict: MatchVerdict = match.verdict
        evidence = list(match.evidence)
        if judged:
            old = pair in self.stale
            verdict = "review" if old or objection else judged.verdict
            changed = "; the records have changed since" if old else ""
            seen = f"{judged.verdict}, by {judged.by}: {judged.reason}{changed}"
            evidence.append(Evidence(field="judgement", seen=seen, weight=0.0))
        if objection:
            verdict = "review"
            evidence.append(Evidence(field="cluster", seen=objection, weight=0.0))
        return msgspec.structs.replace(match, verdict=verdict, evidence=tuple(evidence))


class Matches(Sequence[Match]):
    """Every kept pair with its final verdict, in the order of the table or file; each is read when it is asked for."""

    def __init__(self, pairs: pa.Table | Path, overrides: Overrides) -> None:
        self.pairs = pairs
        self.overrides = overrides

    def __len__(self) -> int:
        return int(pq.read_metadata(self.pairs).num_rows if isinstance(self.pairs, Path) else self.pairs.num_rows)

    def __iter__(self) -> Iterator[Match]:
        return map(self.overrides.final, _read(self.pairs))

    @overload
    def __getitem__(self, place: int) -> Match: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Match]: ...
    def __getitem__(self, place: int | slice) -> Match | Sequence[Match]:
        if isinstance(self.pairs, Path):
            return Matches(pq.read_table(self.pairs), self.overrides)[place]
        places = range(len(self))[place]
        if isinstance(places, int):
            return next(iter(Matches(self.pairs.slice(places, 1), self.overrides)))
        return Matches(self.pairs.take(list(places)), self.overrides)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matches) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # a table has none


def read_verdicts(pairs: pa.Table) -> Iterator[Match]:
    """Return the pairs of a table as the matcher left them, without the evidence: it is not read."""
    names = ("left_key", "right_key", "probability", "verdict")
    for left, right, probability, verdict in zip(*(pairs[name].to_pylist() for name in names), strict=True):
        yield Match(left_key=left, right_key=right, probability=probability, verdict=verdict)


def _batches(pairs: pa.Table | Path) -> Iterator[pa.RecordBatch]:
    names = ["left_key", "right_key", "probability", "verdict", "evidence", "related"]
    if isinstance(pairs, pa.Table):
        yield from pairs.select(names).to_batches(max_chunksize=BATCH)
        return
    with pq.ParquetFile(pairs) as file:
        yield from file.iter_batches(BATCH, columns=names, use_threads=False)


def _read(pairs: pa.Table | Path) -> Iterator[Match]:
    """Return the pairs of a table or file as the matcher left them."""
    for part in _batches(pairs):
        for left, right, probability, verdict, encoded, related in zip(*map(pa.Array.to_pylist, part), strict=True):
            evidence = _DECODER.decode(encoded)
            if related:
                article = "an" if related == "edition" else "a"
                seen = f"{article} {related} of one work: linked, not merged"
                evidence += (Evidence(field="relation", seen=seen, weight=0.0),)
            yield Match(left_key=left, right_key=right, probability=probability, verdict=verdict, evidence=evidence)
