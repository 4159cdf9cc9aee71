"""What passes between the rooms. Imports nothing of ours."""

from schemas.base import Base, replace
from schemas.correction import CorrectionUnusable, correct
from schemas.environment import ROOT, Environment, environment
from schemas.feed import BadFeed, Expect, Feed, Request, read_feed, read_feeds
from schemas.match import MATCH_FIELDS, Cluster, Correction, Evidence, Judgement, Match, Member, match_sha256
from schemas.outcome import Assessment, Issue, Outcome, Rejection, Severity, Tombstone
from schemas.reason import Reason
from schemas.resource import (
    AgeRange,
    Competency,
    Concept,
    Contributor,
    Identifier,
    Language,
    Leaf,
    License,
    Link,
    Origin,
    Relation,
    Resource,
    Subject,
    Term,
    Text,
)
from schemas.source import Ask, HarvestFailed, Page, RawResponse, Skipped, SourceRecord

__all__ = [
    "MATCH_FIELDS",
    "ROOT",
    "AgeRange",
    "Ask",
    "Assessment",
    "BadFeed",
    "Base",
    "Cluster",
    "Competency",
    "Concept",
    "Contributor",
    "Correction",
    "CorrectionUnusable",
    "Environment",
    "Evidence",
    "Expect",
    "Feed",
    "HarvestFailed",
    "Identifier",
    "Issue",
    "Judgement",
    "Language",
    "Leaf",
    "License",
    "Link",
    "Match",
    "Member",
    "Origin",
    "Outcome",
    "Page",
    "RawResponse",
    "Reason",
    "Rejection",
    "Relation",
    "Request",
    "Resource",
    "Severity",
    "Skipped",
    "SourceRecord",
    "Subject",
    "Term",
    "Text",
    "Tombstone",
    "correct",
    "environment",
    "match_sha256",
    "read_feed",
    "read_feeds",
    "replace",
]
