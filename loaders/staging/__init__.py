"""Staging: every difference between landing and the feed's last loaded run, judged before it changes anything.

In the order of a run: `plan` (what to judge), for each chunk `read_chunk` and `write_outcomes`, `write_batch_issues`,
`stage` (the funnel), `facts` (for the gate).
"""

from loaders.staging.chunk import outcome_path, read_chunk, read_outcomes, write_outcomes
from loaders.staging.folder import forget_staging, staging_folder
from loaders.staging.merging import facts, merge, stage, write_batch_issues
from loaders.staging.outcomes import OutcomeWriter, finding_name, resource_columns, shown_term, storable
from loaders.staging.planning import CHUNK, Plan, plan, read_plan
from loaders.staging.rows import RowsUnreadable, batches, row_batches, row_files
from loaders.staging.state import write_state

__all__ = [
    "CHUNK",
    "OutcomeWriter",
    "Plan",
    "RowsUnreadable",
    "batches",
    "facts",
    "finding_name",
    "forget_staging",
    "merge",
    "outcome_path",
    "plan",
    "read_chunk",
    "read_outcomes",
    "read_plan",
    "resource_columns",
    "row_batches",
    "row_files",
    "shown_term",
    "stage",
    "staging_folder",
    "storable",
    "write_batch_issues",
    "write_outcomes",
    "write_state",
]
