"""What the gate is told of a feed's past counts the same things as what it measures of the night."""

from __future__ import annotations

from loaders import staging
from loaders.catalog import gate_inputs
from loaders.curation import curation
from schemas import Environment
from tests.loaders.nights import feed, night, sent, staged

GOOD = [sent(f"r{n}", "good") for n in range(6)]
BAD = [sent("accepted", "bad but true"), sent("waits", "bad"), sent("unread", unreadable=True)]


def test_the_share_of_errors_before_is_the_share_that_an_unchanged_feed_has_after(env: Environment) -> None:
    assert gate_inputs.quality_shares(env, "books") is None
    night(env, feed(), [*GOOD, *BAD, sent("gone", "good"), sent("gone too", "bad")])
    curation.accept(env, "books:accepted", by="A Steward", reason="it is the title")
    night(env, feed(), [*GOOD, *BAD])
    before = gate_inputs.quality_shares(env, "books")
    facts = staging.gate_facts(env, staged(env, feed(), [*GOOD, *BAD]))
    failed = [row for row in facts if row["errors"] or row["change"] in ("rejected", "quarantined")]
    judged = [row for row in facts if row["live_after"] or row in failed]
    assert before is not None
    assert before["error_share"] == len(failed) / len(judged) == 3 / 9
