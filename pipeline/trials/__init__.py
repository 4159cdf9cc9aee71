"""Try a declaration that is not yet a feed: test its source and preview its records, in a process of its own."""

from loaders.trials import remove_old_trials
from pipeline.trials.bounds import TrialBounds, TrialRefused
from pipeline.trials.trial import Stage, Trial, TrialState, Upload, begin_trial, read_trial

__all__ = [
    "Stage",
    "Trial",
    "TrialBounds",
    "TrialRefused",
    "TrialState",
    "Upload",
    "begin_trial",
    "read_trial",
    "remove_old_trials",
]
