"""Try a declaration that is not yet a feed: test its source and preview its records, in a process of its own."""

from pipeline.trials.trial import (
    Stage,
    Trial,
    TrialRefused,
    TrialState,
    Upload,
    begin_trial,
    read_trial,
    remove_old_trials,
)

__all__ = [
    "Stage",
    "Trial",
    "TrialRefused",
    "TrialState",
    "Upload",
    "begin_trial",
    "read_trial",
    "remove_old_trials",
]
