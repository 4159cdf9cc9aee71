"""The preview of a feed: a page in each language and its JSON, made of a sample of its records and of no catalog."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from loaders.reports.page import LANGUAGES, Rules, render, suffix, this_moment, write_texts
from loaders.reports.preview_facts import Looked, Summary, preview_facts

_WORDS = Path(__file__).with_name("preview_messages")
_SUMMED = ("title", "description", "languages", "license", "resource_types", "issued", "url")


def preview(
    reports_dir: Path, looked: Looked, rules: Rules, languages: Sequence[str] = LANGUAGES, *, at: str | None = None
) -> Summary:
    """Write preview/<feed>.html, <feed>.<language>.html and <feed>.json; `rules` are transforms.rules.rule_texts()."""
    facts = preview_facts(looked, rules, at or this_moment())
    folder, stem = reports_dir / "preview", looked.feed.name
    folder.mkdir(parents=True, exist_ok=True)
    files = {one: f"{stem}{suffix(one, languages)}.html" for one in languages}
    pages = [
        (name, render("preview.html", one, files, folder, rules, p=_words(one), **facts)) for one, name in files.items()
    ]
    said = msgspec.json.format(msgspec.json.encode(facts, order="sorted"), indent=1).decode()
    paths = write_texts(folder, [*pages, (f"{stem}.json", said + "\n")])
    return _summary(facts, [paths[0], paths[-1]])


@lru_cache
def _words(language: str) -> Mapping[str, str]:
    """What only the preview says, in one language."""
    return tomllib.loads((_WORDS / f"{language}.toml").read_text(encoding="utf-8"))


def _summary(facts: Mapping[str, Any], paths: list[Path]) -> Summary:
    filled = {one["field"]: one["share"] for one in facts["fields"]}
    return Summary(
        name=facts["feed"]["name"],
        counts=facts["counts"],
        fields=[(name, filled[name]) for name in _SUMMED if name in filled],
        licenses=[(one["label"] or "none", one["share"]) for one in facts["license_shares"]],
        languages=[(one["tag"] or "none", one["share"]) for one in facts["language_shares"]],
        issues=[(one["code"], one["count"]) for one in facts["issues"]],
        unmapped=len(facts["unmapped"]),
        rejections=[(one["reason"], one["count"]) for one in facts["rejections"]],
        paths=paths,
    )
