"""Which records are one work: candidate pairs by blocking, certain ones by identifier, probable ones by splink."""

from transforms.match.features import Live, feature, features
from transforms.match.model import Model, ModelUnusable, matcher_version, read_model
from transforms.match.night import Matching, Resources, explain, match
from transforms.match.touch import Changes, changes

__all__ = [
    "Changes",
    "Live",
    "Matching",
    "Model",
    "ModelUnusable",
    "Resources",
    "changes",
    "explain",
    "feature",
    "features",
    "match",
    "matcher_version",
    "read_model",
]
