"""Rules about licence and cost."""

from __future__ import annotations

import re

from schemas import Resource
from transforms.remembering import remember
from transforms.rules.rule import Context, Rule, Violation, findings_of, from_findings
from transforms.rules.texts import finding

_CC_WORDS = re.compile(r"creative\s*commons|\bcc[\s-]?(?:by|0|zero)\b", re.IGNORECASE)
_CC_PARTS = re.compile(r"/licenses/([a-z-]+)/")


@remember(1_000)
def cc_parts(uri: str | None) -> frozenset[str]:
    """Return the conditions of a Creative Commons address, among by, sa, nc and nd; empty for anything else."""
    match = _CC_PARTS.search(uri) if uri else None
    return frozenset(match[1].split("-")) if match else frozenset()


def _missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if resource.license else [("license", "")]


def _assumed(resource: Resource, _: Context) -> list[Violation]:
    license_ = resource.license
    return [("license", license_.uri or license_.statement)] if license_ and license_.origin == "feed_default" else []


def _unversioned(resource: Resource, _: Context) -> list[Violation]:
    license_ = resource.license
    if not license_ or license_.uri or not _CC_WORDS.search(license_.statement):
        return []
    return [("license.statement", license_.statement)]


def _unknown(resource: Resource, context: Context) -> list[Violation]:
    license_ = resource.license
    violations = findings_of(context, "license_unknown")
    if violations or not license_ or license_.uri or license_.label or _CC_WORDS.search(license_.statement):
        return violations
    return [("license.statement", license_.statement)]


def _not_open(resource: Resource, _: Context) -> list[Violation]:
    license_ = resource.license
    return [("license", license_.uri or license_.statement)] if license_ and license_.open is False else []


def _no_derivatives(resource: Resource, _: Context) -> list[Violation]:
    uri = resource.license.uri if resource.license else None
    return [("license.uri", uri or "")] if "nd" in cc_parts(uri) else []


def _people_missing(resource: Resource, _: Context) -> list[Violation]:
    """Find an attribution licence without anybody to attribute to."""
    if resource.contributors or resource.publishers or not resource.license:
        return []
    uri = resource.license.uri
    return [("contributors", uri or "")] if "by" in cc_parts(uri) else []


def _cost_of_open(resource: Resource, _: Context) -> list[Violation]:
    open_license = resource.license is not None and resource.license.open
    return [("cost", "yes")] if resource.cost == "yes" and open_license else []


def _licensed(uri: str | None, **more: object) -> dict[str, object]:
    """Return a licence for an example."""
    base = {"uri": uri, "spdx": None, "label": None, "statement": uri or "", "origin": "record", "open": bool(uri)}
    return {"license": base | more}


BY = "https://creativecommons.org/licenses/by/4.0/"
_BY_ND = "https://creativecommons.org/licenses/by-nd/4.0/"

RULES = (
    Rule(
        code="license_missing", path="license", severity="warning", part="license", find=_missing,
        wrong="The record names no licence.",
        why="Without a licence a teacher may not copy, change or share the resource.",
        mend="Name the licence by its address (LOM 6.3, dc:rights), such as https://creativecommons.org/licenses/by/4.0/.",
        good=_licensed(BY), bad={"license": None},
    ),
    Rule(
        code="license_assumed", path="license", severity="info", part="license", find=_assumed,
        wrong="The licence is the one declared for the whole feed, not the record's own.",
        why="Single records may differ, and other libraries do not see it.",
        mend="Write the licence into each record.",
        good=_licensed(BY), bad=_licensed(BY, origin="feed_default"),
    ),
    Rule(
        code="license_unversioned", path="license.statement", severity="warning", part="license", find=_unversioned,
        wrong="A Creative Commons licence is named without its version or address.",
        why="The versions differ in law; we do not invent one.",
        mend="Give the licence's address with its version.",
        good=_licensed(BY), bad=_licensed(None, statement="Creative Commons Attribution (CC BY)", open=None),
    ),
    Rule(
        code="license_unknown", path="license.statement", severity="warning", part="license", find=_unknown,
        wrong="The statement of rights names no known licence.",
        why="Readers cannot tell what they may do.",
        mend="Name a known licence by its address, or a statement of rightsstatements.org.",
        good=_licensed(BY), bad=_licensed(None, statement="All rights as stated in the book", open=None),
    ),
    Rule(
        code="license_contradictory", path="license", severity="warning", part="license",
        find=from_findings("license_contradictory"),
        wrong="The record names licences that contradict each other.",
        why="Readers can rely on neither; the library shows the less permissive one, and calls nothing open.",
        mend="Keep only the licence that is valid.",
        good={"findings": []},
        bad={"findings": finding("license_contradictory", "license", "CC BY 4.0 | CC BY-NC 4.0")},
    ),
    Rule(
        code="license_not_open", path="license", severity="warning", part="license", find=_not_open,
        wrong="The licence is not an open one.",
        why="The library is for open educational resources: others must be marked, and may be left out.",
        mend="Publish under an open licence where you can, or leave the record out of the feed.",
        good=_licensed(BY), bad=_licensed("http://rightsstatements.org/vocab/InC/1.0/", open=False),
    ),
    Rule(
        code="license_no_derivatives", path="license.uri", severity="info", part="license", find=_no_derivatives,
        wrong="The licence forbids changes (ND).",
        why="Teachers may not translate or adapt the resource for their class.",
        mend="Consider a licence without ND.",
        good=_licensed(BY), bad=_licensed(_BY_ND),
    ),
    Rule(
        code="attribution_without_people", path="contributors", severity="warning", part="people", find=_people_missing,
        wrong="The licence asks for attribution, but the record names nobody.",
        why="A teacher who reuses the resource cannot fulfil the licence's condition.",
        mend="Name the author or the publisher.",
        good=_licensed(BY), bad=_licensed(BY) | {"contributors": [], "publishers": []},
    ),
    Rule(
        code="cost_under_open_license", path="cost", severity="warning", part="license", find=_cost_of_open,
        wrong="The record says that the resource costs money, and that its licence is open.",
        why="One of the two is wrong, and readers are put off.",
        mend="Correct the cost (LOM 6.1) or the licence.",
        good=_licensed(BY) | {"cost": "no"}, bad=_licensed(BY) | {"cost": "yes"},
    ),
)  # fmt: skip
