"""Staging: every difference between landing and the feed's last loaded run, judged before it changes anything.

In the order of a run: `plan` (what to judge), for each chunk `read_chunk` and `write_outcomes`, `write_batch_issues`,
`stage` (the funnel), `facts` (for the gate).
"""

from loaders.staging_chunk import read_chunk, read_outcomes, write_outcomes
from loaders.staging_folder import forget_staging, staging_folder
from loaders.staging_merge import facts, stage, write_batch_issues
from loaders.staging_plan import Plan, plan, read_plan

__all__ = [
    "Plan",
    "facts",
    "forget_staging",
    "plan",
    "read_chunk",
    "read_outcomes",
    "read_plan",
    "stage",
    "staging_folder",
    "write_batch_issues",
    "write_outcomes",
]
