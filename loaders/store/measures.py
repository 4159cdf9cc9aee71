"""What is measured of a run: seconds of each step, requests, and shares of the feed's records, kept in its row."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import select, update

from loaders.store.models import HarvestRunRow
from loaders.store.transactions import write_transaction
from schemas import Base, Environment

_DIGITS = 3  # of seconds and shares that are kept


class RunMeasures(Base, frozen=True, kw_only=True):
    """The measures of a run.

    seconds: of work, by step; parts that several workers transform at once are added up
    requests, retries: of the harvest; a retry is counted among the requests too
    promised: how many records the partner's server said that there are; None when it did not say
    records: live records of the feed as it would stand after the load; None when nothing changed
    shares: of those records, by what they have: `language`, `license`, or `errors`
    """

    seconds: dict[str, float] = {}
    requests: int = 0
    retries: int = 0
    promised: int | None = None
    records: int | None = None
    shares: dict[str, float] = {}


def decode_measures(text: str | None) -> RunMeasures:
    """Decode harvest_run.measures; runs of versions that did not measure have none of them."""
    return msgspec.json.decode(text, type=RunMeasures) if text else RunMeasures()


def add_measures(
    env: Environment,
    run_id: str,
    *,
    seconds: Mapping[str, float] | None = None,
    requests: int = 0,
    retries: int = 0,
    promised: int | None = None,
    records: int | None = None,
    shares: Mapping[str, float] | None = None,
) -> None:
    """Add to the measures of a run: numbers to those that are there, and `promised`, `records`, `shares` instead."""
    with write_transaction(env) as connection:
        row = select(HarvestRunRow.measures).where(HarvestRunRow.id == run_id)
        before = decode_measures(connection.scalar(row))
        steps = dict(before.seconds)
        for step, took in (seconds or {}).items():
            steps[step] = round(steps.get(step, 0.0) + took, _DIGITS)
        measures = RunMeasures(
            seconds=steps,
            requests=before.requests + requests,
            retries=before.retries + retries,
            promised=before.promised if promised is None else promised,
            records=before.records if records is None else records,
            shares=before.shares if shares is None else {name: round(share, 4) for name, share in shares.items()},
        )
        values = {"measures": msgspec.json.encode(measures).decode()}
        connection.execute(update(HarvestRunRow).where(HarvestRunRow.id == run_id).values(**values))
