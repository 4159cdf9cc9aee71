"""What the library expects of a record: the registry of rules, the issues they find, and the quality score. Pure."""

from transforms.rules.across import CATALOG_RULE_CODES, apply_catalog_rules
from transforms.rules.batch import (
    Facts,
    apply_batch_rules,
    common_digests,
    decode_facts,
    encode_facts,
    facts_of,
    facts_of_json,
    license_issue,
)
from transforms.rules.mending import errors_left
from transforms.rules.registry import RULES, apply_rules, rule_texts
from transforms.rules.rule import Context, Fragment, Rule, context_of
from transforms.rules.score import WEIGHTS, score, score_parts

__all__ = [
    "CATALOG_RULE_CODES",
    "RULES",
    "WEIGHTS",
    "Context",
    "Facts",
    "Fragment",
    "Rule",
    "apply_batch_rules",
    "apply_catalog_rules",
    "apply_rules",
    "common_digests",
    "context_of",
    "decode_facts",
    "encode_facts",
    "errors_left",
    "facts_of",
    "facts_of_json",
    "license_issue",
    "rule_texts",
    "score",
    "score_parts",
]
