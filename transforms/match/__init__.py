"""Which records are one work: candidate pairs by blocking, certain ones by identifier, probable ones by splink."""

from transforms.match.blocks import FORCED, LIMIT
from transforms.match.candidate import doubt
from transforms.match.clusters import cluster
from transforms.match.features import FEATURES, Live, feature, features
from transforms.match.fold import fold
from transforms.match.model import MODEL, VERSION, Model, ModelUnusable, matcher_version, read_model
from transforms.match.night import Matching, Resources, explain, match
from transforms.match.score import score
from transforms.match.touch import Changes, changes

__all__ = [
    "FEATURES",
    "FORCED",
    "LIMIT",
    "MODEL",
    "VERSION",
    "Changes",
    "Live",
    "Matching",
    "Model",
    "ModelUnusable",
    "Resources",
    "changes",
    "cluster",
    "doubt",
    "explain",
    "feature",
    "features",
    "fold",
    "match",
    "matcher_version",
    "read_model",
    "score",
]
