"""The words of a fix list: what is wrong and what to do, by rule, and the names of states and severities."""

from __future__ import annotations

from functools import cache

from loaders.reports import UNREADABLE, unreadable_texts
from transforms.rules import rule_texts
from web.languages import marked

STATE_NAMES = {
    "new": marked("new"),
    "back": marked("come back"),
    "standing": marked("standing"),
    "fixed": marked("fixed"),
}
SEVERITY_NAMES = {"error": marked("error"), "warning": marked("warning"), "info": marked("advice")}


class FixTexts:
    """What the partner is told about each rule, in a language: the reader's, or English without a translation."""

    def __init__(self, rules: dict[str, dict[str, str]]) -> None:
        self._rules = rules

    def text(self, rule: str, part: str, language: str) -> str:
        """Return `wrong` or `mend` of a rule; of an unknown rule its code, and nothing to do."""
        texts = self._rules.get(rule)
        if texts is None:
            return rule if part == "wrong" else ""
        return texts.get(f"{part}.{language}") or texts.get(part, "")

    def language(self, rule: str, part: str, language: str) -> str:
        """Return the language in which `text` gives it."""
        return language if self._rules.get(rule, {}).get(f"{part}.{language}") else "en"


@cache
def fix_texts() -> FixTexts:
    """Return the texts of every rule, and of records that could not be read."""
    return FixTexts({**rule_texts(), UNREADABLE: unreadable_texts()})
