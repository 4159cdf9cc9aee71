"""The steps of a feed's DAG that look at the feed whole: batch rules, and the gate."""

from __future__ import annotations

from schemas import Environment, Feed, Reason


def check_neighbours(env: Environment, run_id: str) -> int:
    """Write what the batch rules find in the feed as it would stand; returns how many findings.

    Nothing is judged, and the findings stay as they are, when the run changes no record.
    """
    from loaders import staging
    from loaders.catalog import accepted_records, deleted_keys, open_findings, staged_records
    from loaders.store import feed_of
    from transforms.rules import Facts, apply_batch_rules, decode_facts

    planned = staging.read_staging_plan(env, run_id)
    if not planned.transform and not planned.deleted:
        return 0
    staged = {one.key: one for one in map(decode_facts, staged_records(env, planned.chunks))}
    gone = deleted_keys(env, run_id)
    before: dict[str, Facts] = {}
    for one in map(decode_facts, accepted_records(env, feed_of(run_id))):
        if one.key in staged:
            before[one.key] = one
        elif one.key not in gone:
            staged[one.key] = one
    narrowed = open_findings(env, feed_of(run_id), "license_narrowed")
    found = apply_batch_rules(staged.values(), before=before, narrowed_before=narrowed)
    return staging.write_batch_issues(env, run_id, found)


def judge_run(env: Environment, feed: Feed, run_id: str, counts: dict[str, int]) -> tuple[Reason, ...]:
    """Why the run must not be loaded as it is; nothing when it may. The verdict is kept under reports/gate."""
    from loaders import staging
    from loaders.backup import waiting_keys
    from loaders.catalog import quality_shares

    promised = waiting_keys(env, feed.name)
    if not promised and not any(counts[name] for name in ("added", "changed", "deleted", "rejected", "quarantined")):
        return ()
    from loaders.reports import keep_gate
    from transforms.gate import History, judge, with_promised

    history = History(**(quality_shares(env, feed.name) or {}))
    result = judge(with_promised(staging.gate_facts(env, run_id), promised), feed, history, counts)
    keep_gate(env.reports, run_id, result.held, result.reasons, result.results)
    return result.reasons
