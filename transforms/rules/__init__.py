"""What we expect of a record: the registry of rules, the findings, and the quality score. Pure."""

from transforms.rules.registry import RULES, check, check_all, rule_texts
from transforms.rules.rule import Context, Rule, context_of
from transforms.rules.score import WEIGHTS, score, score_parts

__all__ = [
    "RULES",
    "WEIGHTS",
    "Context",
    "Rule",
    "check",
    "check_all",
    "context_of",
    "rule_texts",
    "score",
    "score_parts",
]
