"""What passes between the rooms. Imports nothing of ours."""

from schemas.base import Base, replace
from schemas.environment import ROOT, Environment, environment
from schemas.feed import BadFeed, Expect, Feed, Request, read_feed, read_feeds
from schemas.match import Cluster, Evidence, Judgement, Match
from schemas.outcome import Assessment, Issue, Outcome, Rejection, Severity, Tombstone
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

__all__ = [name for name in dir() if not name.startswith("_")]
