"""Decide which records are one work: candidate pairs by blocking, weights by splink, titles by their words."""

from transforms.match.blocks import JUDGED_RULE, MAX_BLOCK_RECORDS
from transforms.match.clusters import cluster
from transforms.match.feature_rows import FEATURES, Live, features
from transforms.match.feature_tables import FeatureTables, load_features
from transforms.match.folding import fold
from transforms.match.increments import Changes, changes
from transforms.match.links import Link, Links, find_links
from transforms.match.matching import Matching, Resources, explain, match
from transforms.match.model import (
    MODEL_PATH,
    MODEL_VERSION,
    LevelBound,
    Model,
    ModelUnusable,
    matcher_version,
    read_model,
)
from transforms.match.scoring import score

__all__ = [
    "FEATURES",
    "JUDGED_RULE",
    "MAX_BLOCK_RECORDS",
    "MODEL_PATH",
    "MODEL_VERSION",
    "Changes",
    "FeatureTables",
    "LevelBound",
    "Link",
    "Links",
    "Live",
    "Matching",
    "Model",
    "ModelUnusable",
    "Resources",
    "changes",
    "cluster",
    "explain",
    "features",
    "find_links",
    "fold",
    "load_features",
    "match",
    "matcher_version",
    "read_model",
    "score",
]
