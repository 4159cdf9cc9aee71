"""Decisions of stewards about records and pairs, and the lists that they read."""

from loaders.curation.absence import end_wait, list_waiting_absences
from loaders.curation.batches import (
    Batch,
    DryRun,
    accept_all,
    correct_all,
    dry_run_correction,
    judge_all,
    new_batch_id,
    refuse_all,
    undo_batch,
)
from loaders.curation.curation import (
    accept,
    judge,
    record_correction,
    refuse_version,
    undo_curation,
    what_is_replaced,
    withdraw,
)
from loaders.curation.lists import (
    list_curations,
    list_held_runs,
    list_pairs,
    list_run_changes,
    list_waiting_versions,
    run_counts_line,
)
from loaders.curation.mending import errors_of_waiting, settle_corrections
from loaders.curation.reader_reports import (
    READER_REPORT_ACTIONS,
    ReaderReportAction,
    Unanswered,
    decide_reader_reports,
    unanswered_readers,
)
from loaders.curation.seen import SeenDecisions, newest_decisions
from loaders.curation.terms import map_terms
from loaders.curation.values import CannotDecide

__all__ = [
    "READER_REPORT_ACTIONS",
    "Batch",
    "CannotDecide",
    "DryRun",
    "ReaderReportAction",
    "SeenDecisions",
    "Unanswered",
    "accept",
    "accept_all",
    "correct_all",
    "decide_reader_reports",
    "dry_run_correction",
    "end_wait",
    "errors_of_waiting",
    "judge",
    "judge_all",
    "list_curations",
    "list_held_runs",
    "list_pairs",
    "list_run_changes",
    "list_waiting_absences",
    "list_waiting_versions",
    "map_terms",
    "new_batch_id",
    "newest_decisions",
    "record_correction",
    "refuse_all",
    "refuse_version",
    "run_counts_line",
    "settle_corrections",
    "unanswered_readers",
    "undo_batch",
    "undo_curation",
    "what_is_replaced",
    "withdraw",
]
