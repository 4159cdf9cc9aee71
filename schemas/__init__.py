"""What passes between the rooms: feeds, source records, outcomes, matches and corrections. Imports none of ours."""

from schemas import license_names
from schemas.base import Base, replace
from schemas.cluster import Cluster, Member
from schemas.correction import LICENSE_PATH, UNCORRECTABLE_FIELDS, Correction, CorrectionUnusable, apply_correction
from schemas.environment import ROOT, Environment, FeedFolders, environment
from schemas.feed import FEED_NAME, BadFeed, Expect, Feed, Request, read_feed, read_feeds, read_leniently
from schemas.match import (
    MATCH_FIELDS,
    Evidence,
    Judgement,
    Match,
    MatchVerdict,
    match_sha256,
)
from schemas.one_line import one_line
from schemas.outcome import Assessment, Issue, Outcome, Rejection, Severity, Tombstone
from schemas.protocols import PROTOCOLS, Protocol, ProtocolName
from schemas.reason import Reason
from schemas.redaction import ERASED, TextDigest, digest_text, redact, redact_bytes
from schemas.resource import (
    AgeRange,
    Competency,
    Concept,
    Contributor,
    Identifier,
    IdentifierScheme,
    LangMap,
    Language,
    Leaf,
    License,
    Link,
    Origin,
    Relation,
    Resource,
    ResourceView,
    Subject,
    Term,
    Text,
)
from schemas.source import Ask, HarvestFailed, Listing, Page, Progress, RawResponse, Skipped, SourceRecord
from schemas.unusable_file import UnusableFile
from schemas.version import __version__
from schemas.vocabulary import read_toml, read_vocabulary

__all__ = [
    "ERASED",
    "FEED_NAME",
    "LICENSE_PATH",
    "MATCH_FIELDS",
    "PROTOCOLS",
    "ROOT",
    "UNCORRECTABLE_FIELDS",
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
    "FeedFolders",
    "HarvestFailed",
    "Identifier",
    "IdentifierScheme",
    "Issue",
    "Judgement",
    "LangMap",
    "Language",
    "Leaf",
    "License",
    "Link",
    "Listing",
    "Match",
    "MatchVerdict",
    "Member",
    "Origin",
    "Outcome",
    "Page",
    "Progress",
    "Protocol",
    "ProtocolName",
    "RawResponse",
    "Reason",
    "Rejection",
    "Relation",
    "Request",
    "Resource",
    "ResourceView",
    "Severity",
    "Skipped",
    "SourceRecord",
    "Subject",
    "Term",
    "Text",
    "TextDigest",
    "Tombstone",
    "UnusableFile",
    "__version__",
    "apply_correction",
    "digest_text",
    "environment",
    "license_names",
    "match_sha256",
    "one_line",
    "read_feed",
    "read_feeds",
    "read_leniently",
    "read_toml",
    "read_vocabulary",
    "redact",
    "redact_bytes",
    "replace",
]
