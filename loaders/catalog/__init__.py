"""The catalog's records and issues: load a staged run, undo it, and a steward's decision on a held one."""

from loaders.catalog.batch_facts import BatchFacts, forget_batch_facts, shared_facts
from loaders.catalog.corrections import standing_corrections
from loaders.catalog.decisions import Unsigned, check_signature, refuse, release, staged_rows
from loaders.catalog.gate_inputs import (
    accepted_licenses,
    deleted_keys,
    open_issues,
    quality_shares,
    read_gate_inputs,
    staged_keys,
    waiting_for,
)
from loaders.catalog.issues import ISSUE_TABLE, known_issues, write_issues
from loaders.catalog.loading import PENDING_COLUMNS, load
from loaders.catalog.mappings import active_mappings
from loaders.catalog.reprocessed import note_changes
from loaders.catalog.rollback import is_refusal, revoke_refusal, undo, undo_notes
from loaders.catalog.stream import BadLine, pipe
from loaders.catalog.uncoded_terms import recount_uncoded_terms
from loaders.catalog.undo_log import undo_log_path
from loaders.migrations import migrate

__all__ = [
    "ISSUE_TABLE",
    "PENDING_COLUMNS",
    "BadLine",
    "BatchFacts",
    "Unsigned",
    "accepted_licenses",
    "active_mappings",
    "check_signature",
    "deleted_keys",
    "forget_batch_facts",
    "is_refusal",
    "known_issues",
    "load",
    "migrate",
    "note_changes",
    "open_issues",
    "pipe",
    "quality_shares",
    "read_gate_inputs",
    "recount_uncoded_terms",
    "refuse",
    "release",
    "revoke_refusal",
    "shared_facts",
    "staged_keys",
    "staged_rows",
    "standing_corrections",
    "undo",
    "undo_log_path",
    "undo_notes",
    "waiting_for",
    "write_issues",
]
