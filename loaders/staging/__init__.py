"""Staging: every difference between landing and the feed's last loaded run, judged before the catalog changes.

In the order of a run: `plan_staging`, for each chunk `read_chunk` and `write_outcomes`, `write_batch_issues`, `stage`
(which returns the run's counts) and `gate_facts`.
"""

from loaders.staging.chunk import (
    read_chunk,
    read_landed,
    record_versions,
)
from loaders.staging.comparison import (
    accepted_versions,
    batch_errors,
    compare_outcomes,
    gate_facts,
    read_identifiers,
    stage,
    write_batch_issues,
    write_judged_versions,
)
from loaders.staging.damage import find_damage
from loaders.staging.erased import keep_erased_out, without_placeholders
from loaders.staging.folder import OUTCOMES_FOLDER, ROWS_FOLDER, outcome_path, remove_staging, staging_folder
from loaders.staging.licenses import StagedLicense, license_of_record, live_payloads, staged_licenses
from loaders.staging.mappings import read_mappings, write_mappings
from loaders.staging.outcomes import (
    OutcomeWriter,
    issue_id,
    names_code,
    read_outcomes,
    resource_columns,
    shorten_term,
    without_nul,
    write_outcomes,
)
from loaders.staging.planning import CHUNK_RECORDS, StagingPlan, plan_staging, read_staging_plan
from loaders.staging.rows import (
    RowsUnreadable,
    check_staged_files,
    open_parquet,
    parquet_batches,
    row_batches,
    row_files,
)
from loaders.staging.seconds import keep_seconds, take_seconds
from loaders.staging.state import write_catalog_state
from loaders.staging.waiting import WaitingAbsences, waiting_absences

__all__ = [
    "CHUNK_RECORDS",
    "OUTCOMES_FOLDER",
    "ROWS_FOLDER",
    "OutcomeWriter",
    "RowsUnreadable",
    "StagedLicense",
    "StagingPlan",
    "WaitingAbsences",
    "accepted_versions",
    "batch_errors",
    "check_staged_files",
    "compare_outcomes",
    "find_damage",
    "gate_facts",
    "issue_id",
    "keep_erased_out",
    "keep_seconds",
    "license_of_record",
    "live_payloads",
    "names_code",
    "open_parquet",
    "outcome_path",
    "parquet_batches",
    "plan_staging",
    "read_chunk",
    "read_identifiers",
    "read_landed",
    "read_mappings",
    "read_outcomes",
    "read_staging_plan",
    "record_versions",
    "remove_staging",
    "resource_columns",
    "row_batches",
    "row_files",
    "shorten_term",
    "stage",
    "staged_licenses",
    "staging_folder",
    "take_seconds",
    "waiting_absences",
    "without_nul",
    "without_placeholders",
    "write_batch_issues",
    "write_catalog_state",
    "write_judged_versions",
    "write_mappings",
    "write_outcomes",
]
