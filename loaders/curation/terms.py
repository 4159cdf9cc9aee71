"""Write what stewards map partners' terms to: in one transaction with a batch id, to be undone together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert

from loaders.catalog import check_signature
from loaders.curation.batches import Batch, new_batch_id
from loaders.curation.values import CannotDecide
from loaders.store import TermMappingRow, now, write_transaction
from schemas import Environment, TermMapping

_MAPPINGS: Any = TermMappingRow.__table__


def map_terms(env: Environment, mappings: Sequence[TermMapping], *, by: str, reason: str) -> Batch:
    """Write mappings, whose ids do not count, as one batch. The next run, or a reprocess, of a feed reads them.

    Whether a list has the code is not checked here. Raises CannotDecide for none, or for one that lacks something;
    then none is written.
    """
    signature = {**check_signature(by, reason), "batch_id": new_batch_id(), "at": now()}
    if not mappings:
        raise CannotDecide("no term is given")
    for each in mappings:
        if not each.field or not each.value or (each.code is None) != (each.scheme is None):
            raise CannotDecide(f"a mapping of {each.value!r} needs a field, and a list and a code together or neither")
    rows = [
        {"field": each.field, "value": each.value, "feed": each.feed, "scheme": each.scheme, "code": each.code}
        for each in mappings
    ]
    with write_transaction(env) as connection:
        connection.execute(insert(_MAPPINGS), [{**row, **signature} for row in rows])
    return Batch(signature["batch_id"], len(rows))
