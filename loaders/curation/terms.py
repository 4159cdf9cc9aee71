"""Write what stewards map partners' terms to: in one transaction with a batch id, to be undone together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert

from loaders.catalog import check_signature
from loaders.curation.batches import Batch, new_batch_id
from loaders.curation.seen import SeenDecisions, check_seen
from loaders.curation.values import CannotDecide
from loaders.store import TermMappingRow, now, write_transaction
from schemas import Environment, TermMapping, sentence

_MAPPINGS: Any = TermMappingRow.__table__


def map_terms(
    env: Environment,
    mappings: Sequence[TermMapping],
    *,
    by: str,
    reason: str,
    seen: SeenDecisions | None = None,
) -> Batch:
    """Write mappings, whose ids do not count, as one batch. The next run, or a reprocess, of a feed reads them.

    Whether a list has the code is not checked here. Raises CannotDecide for none, or for one that lacks something;
    then none is written. So it is when another has mapped one of them since what was `seen`.
    """
    signature = {**check_signature(by, reason), "batch_id": new_batch_id(), "at": now()}
    _check_complete(mappings)
    rows = [
        {"field": each.field, "value": each.value, "feed": each.feed, "scheme": each.scheme, "code": each.code}
        for each in mappings
    ]
    with write_transaction(env) as connection:
        for row in rows:
            same_term = [_MAPPINGS.c[name].is_not_distinct_from(row[name]) for name in ("field", "value", "feed")]
            check_seen(connection, TermMappingRow, seen and seen.mapping, *same_term)
        connection.execute(insert(_MAPPINGS), [{**row, **signature} for row in rows])
    return Batch(signature["batch_id"], len(rows))


def _check_complete(mappings: Sequence[TermMapping]) -> None:
    """Raise CannotDecide for no mapping, or for one that lacks something."""
    if not mappings:
        raise CannotDecide(sentence("no term is given"))
    for each in mappings:
        if not each.field or not each.value or (each.code is None) != (each.scheme is None):
            raise CannotDecide(
                sentence(
                    "a mapping of %(value)s needs a field, and a list and a code together or neither",
                    value=repr(each.value),
                )
            )
