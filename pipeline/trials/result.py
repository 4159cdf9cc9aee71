"""Keep a trial's result within its size: examples and sources are shortened first, then records are left out."""

from __future__ import annotations

import msgspec

from loaders.reports import PreviewFacts, PreviewRecord
from schemas import replace

_SHORT_SOURCE_CHARS = 2_000
_FEW_EXAMPLES = 5


def fitting_result(facts: PreviewFacts, max_bytes: int) -> PreviewFacts:
    """Return the facts, shortened as little as it takes for their JSON to have no more than so many bytes."""
    if _size(facts) <= max_bytes:
        return facts
    facts = replace(_with_fewer_examples(facts), records=[_shortened(record) for record in facts.records])
    rest = max_bytes - _size(replace(facts, records=[]))
    kept: list[PreviewRecord] = []
    for record in facts.records:
        rest -= len(msgspec.json.encode(record)) + 1
        if rest < 0:
            break
        kept.append(record)
    left_out = len(facts.records) - len(kept)
    notes = [*facts.notes, f"{left_out} large records are judged and not shown"] if left_out else facts.notes
    return replace(facts, records=kept, notes=notes)


def _size(facts: PreviewFacts) -> int:
    return len(msgspec.json.encode(facts))


def _with_fewer_examples(facts: PreviewFacts) -> PreviewFacts:
    return replace(
        facts,
        issues=[replace(row, examples=row.examples[:_FEW_EXAMPLES]) for row in facts.issues],
        unmapped=[replace(row, identifiers=row.identifiers[:_FEW_EXAMPLES]) for row in facts.unmapped],
    )


def _shortened(record: PreviewRecord) -> PreviewRecord:
    source = record.source
    is_cut = record.source_cut or (source is not None and len(source) > _SHORT_SOURCE_CHARS)
    shown = None if source is None else source[:_SHORT_SOURCE_CHARS]
    return msgspec.structs.replace(record, source=shown, source_cut=is_cut, record=None)
