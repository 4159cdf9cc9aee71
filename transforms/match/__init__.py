"""Decide which records are one work: candidate pairs by blocking, weights by splink, titles by their words."""

from transforms.match.blocks import JUDGED_RULE, MAX_BLOCK_RECORDS
from transforms.match.buckets import join_buckets, plan_buckets, score_bucket
from transforms.match.clusters import cluster, cluster_files
from transforms.match.feature_rows import FEATURES, Live, features
from transforms.match.feature_tables import FeatureTables, load_features
from transforms.match.increments import Changes, changes
from transforms.match.links import Link, Links, find_links
from transforms.match.matching import Matching, PairCounts, Resources, explain, match, match_files
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
from transforms.match.vague_identifiers import find_vague_identifiers
from transforms.spelling import fold

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
    "PairCounts",
    "Resources",
    "changes",
    "cluster",
    "cluster_files",
    "explain",
    "features",
    "find_links",
    "find_vague_identifiers",
    "fold",
    "join_buckets",
    "load_features",
    "match",
    "match_files",
    "matcher_version",
    "plan_buckets",
    "read_model",
    "score",
    "score_bucket",
]
