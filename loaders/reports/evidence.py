"""The evidence of a pair in the reader's language: its label translated, the values of both records as they are."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

_MESSAGES = Path(__file__).parent / "evidence_messages"


@lru_cache
def evidence_messages(language: str) -> dict[str, str]:
    """The labels in a language, by the English ones; the longest first, since one may begin like another."""
    labels = tomllib.loads((_MESSAGES / f"{language}.toml").read_text(encoding="utf-8"))
    return {label: labels[label] for label in sorted(labels, key=len, reverse=True)}


def evidence_in(seen: str, language: str) -> tuple[str, str, str]:
    """The label, the values, and the language of the label: English where it has no translation."""
    if language != "en":
        for label, translated in evidence_messages(language).items():
            if seen == label or seen.startswith(f"{label}: "):
                return translated, seen[len(label) + 2 :], language
    return seen, "", "en"
