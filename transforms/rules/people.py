"""Rules about the people and organisations of a record, and its dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from schemas import Contributor, Resource, read_vocabulary
from transforms.rules.rule import PLACEHOLDER_WORDS, Context, Rule, Violation, findings_of, from_findings
from transforms.rules.texts import finding

_PLACEHOLDER_NAMES = PLACEHOLDER_WORDS["person"]
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]")
_JOINED_BY_LETTERS = re.compile(  # without blanks: "김철수와 이영희", "山田太郎・佐藤花子"
    r"[\uac00-\ud7a3]{2,4}[와과] [\uac00-\ud7a3]{2,4}$|[\u4e00-\u9fff]{2}[・と&＆][\u4e00-\u9fff]{2}"
)
_CHARACTERS_OF_NAME = re.compile(r"[\u4e00-\u9fff\uac00-\ud7a3]{2,4}")
_WHOLE_WORD = re.compile(r"[^\W\d_]{2}[\w'’-]*(?![\w.'’-])")
_BUDDHIST_YEARS = range(2400, 2700)
_FIRST_PRINTED_YEAR = 1450


def _contributors_where(resource: Resource, applies: Callable[[Contributor], bool]) -> list[Violation]:
    """Return path and name of the contributors to whom something applies."""
    return [
        (f"contributors[{number}].name", contributor.name)
        for number, contributor in enumerate(resource.contributors)
        if applies(contributor)
    ]


def _missing(resource: Resource, _: Context) -> list[Violation]:
    return [] if resource.contributors or resource.publishers else [("contributors", "")]


def _placeholder(resource: Resource, _: Context) -> list[Violation]:
    return _contributors_where(resource, lambda contributor: contributor.name.strip().casefold() in _PLACEHOLDER_NAMES)


def _email(resource: Resource, _: Context) -> list[Violation]:
    with_address = _contributors_where(
        resource, lambda contributor: "@" in contributor.name and _EMAIL.search(contributor.name) is not None
    )
    return [(path, "(an address)") for path, _ in with_address]


def _several_in_one(resource: Resource, _: Context) -> list[Violation]:
    return _contributors_where(
        resource, lambda contributor: contributor.kind == "person" and _is_several(contributor.name)
    )


def _is_several(name: str) -> bool:
    """Whether a person's name may be several: "A B, C D", "John and Jane Doe", more commas than one name has."""
    if any(sign in name for sign in ";、；|") or _JOINED_BY_LETTERS.search(name):
        return True
    if " and " in f" {name.casefold()}" or _joins_names(name) or _joins_arabic_names(name):
        return True
    return _lists_names(re.split("[,،，]", name))


def _lists_names(parts: list[str]) -> bool:
    """Whether the parts between commas are more than one name has, or each a name."""
    further = parts[1:]
    if len(further) > 2 or any(len(_WHOLE_WORD.findall(part)) > 1 for part in further):
        return True
    return bool(further) and all(_CHARACTERS_OF_NAME.fullmatch(part.strip()) for part in parts)


def _joins_names(name: str) -> bool:
    """Whether "and" in any language stands between two to four words on each side: "Ramón y Cajal" is one name."""
    sides = [side.split() for side in _and().split(name)]
    return len(sides) > 1 and all(2 <= len(side) <= 4 and not _begins_small(side[0]) for side in sides)


def _begins_small(word: str) -> bool:
    """Whether a word begins with a small letter, in a script whose names begin with a capital (not in Georgian)."""
    return word[0].islower() and not "\u10d0" <= word[0] <= "\u10ff"


@lru_cache(maxsize=1)
def _and() -> re.Pattern[str]:
    names = read_vocabulary("corporate")
    return re.compile(f" (?:{'|'.join(map(re.escape, (*names['and'], *names['and_or_name'])))}) ", re.IGNORECASE)


def _joins_arabic_names(name: str) -> bool:
    """Whether a word is the Arabic "and", which is written together, before a given name: "أحمد علي ومحمد حسن"."""
    words = name.casefold().split()
    given = _given_names()
    return any(word.startswith("و") and word not in given and word[1:] in given for word in words[2:-1])


@lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    return frozenset(map(str.casefold, read_vocabulary("given_names")["names"]))


def _repeated(resource: Resource, _: Context) -> list[Violation]:
    if len(resource.contributors) < 2:
        return []
    known: set[tuple[str, str]] = set()
    violations = []
    for number, contributor in enumerate(resource.contributors):
        name_and_role = (contributor.name.casefold(), contributor.role)
        if name_and_role in known:
            violations.append((f"contributors[{number}].name", contributor.name))
        known.add(name_and_role)
    return violations


def _date_missing(resource: Resource, context: Context) -> list[Violation]:
    """Find a record that says no date; one whose date cannot be read has a finding of its own."""
    if resource.issued or resource.modified:
        return []
    return [] if any(findings_of(context, code) for code in _UNUSABLE_DATES) else [("issued", "")]


def _date_order(resource: Resource, _: Context) -> list[Violation]:
    """Compare by year only: precisions differ."""
    if not resource.issued_year or not resource.modified or not resource.modified[:4].isdecimal():
        return []
    return [("modified", resource.modified)] if int(resource.modified[:4]) < resource.issued_year else []


def _buddhist(resource: Resource, _: Context) -> list[Violation]:
    year = resource.issued_year
    return [("issued", str(year))] if year and year in _BUDDHIST_YEARS else []


def _too_old(resource: Resource, _: Context) -> list[Violation]:
    year = resource.issued_year
    return [("issued", str(year))] if year is not None and year < _FIRST_PRINTED_YEAR else []


def person(name: str, **more: str) -> dict[str, str]:
    """Return a contributor for an example."""
    return {"name": name, "role": "author", "kind": "person"} | more


_UNUSABLE_DATES = ("date_unreadable", "date_impossible", "date_future", "date_ambiguous")
_ONE_PERSON = {"contributors": [person("Curie, Marie")]}

RULES = (
    Rule(
        code="contributors_missing", path="contributors", severity="warning", part="people", find=_missing,
        wrong="The record names neither author nor publisher.",
        why="Readers judge a source by who made it, and duplicates are recognised by it.",
        mend="Name the author or the publishing organisation (LOM 2.3, dc:creator, dc:publisher).",
        good=_ONE_PERSON, bad={"contributors": [], "publishers": []},
    ),
    Rule(
        code="contributor_placeholder", path="contributors", severity="warning", part="people", find=_placeholder,
        wrong="A contributor is a placeholder such as “admin” or “unknown”.",
        why="It names nobody, and is shown to readers as an author.",
        mend="Name the author, or leave the field out.",
        good=_ONE_PERSON, bad={"contributors": [person("Administrator")]},
    ),
    Rule(
        code="contributor_email", path="contributors", severity="warning", part="people", find=_email,
        wrong="A contributor's name holds an e-mail address.",
        why="It is personal data that is published to the world and collected by senders of spam.",
        mend="Leave the address out of the name.",
        good=_ONE_PERSON, bad={"contributors": [person("someone@example.org")]},
    ),
    Rule(
        code="contributors_in_one", path="contributors", severity="warning", part="people", find=_several_in_one,
        wrong="One field holds several people.",
        why="They are taken for one person, and none of them is found by name.",
        mend="Repeat the field, one person in each.",
        good=_ONE_PERSON, bad={"contributors": [person("Curie, Marie; Curie, Pierre")]},
    ),
    Rule(
        code="contributor_repeated", path="contributors", severity="info", part="people", find=_repeated,
        wrong="The same person is named twice in the same role.",
        why="The list of authors is wrong in citations.",
        mend="Name each person once.",
        good={"contributors": [person("Curie, Marie"), person("Curie, Marie", role="editor")]},
        bad={"contributors": [person("Curie, Marie"), person("CURIE, Marie")]},
    ),
    Rule(
        code="date_missing", path="issued", severity="info", part="date", find=_date_missing,
        wrong="The record has no date.",
        why="Readers do not know whether it is up to date, and editions cannot be distinguished.",
        mend="Give the date of publication (LOM 2.3.3, dc:date), at least the year.",
        good={"issued": "2021"}, bad={"issued": None, "modified": None, "issued_year": None},
    ),
    Rule(
        code="date_unreadable", path="issued", severity="warning", part="date", find=from_findings("date_unreadable"),
        wrong="A date cannot be read.",
        why="The record has a date that nobody sees, and is sorted as if it had none.",
        mend="Write dates as YYYY, YYYY-MM or YYYY-MM-DD.",
        good={"findings": []}, bad={"findings": finding("date_unreadable", "issued", "5/3/10")},
    ),
    Rule(
        code="date_calendar_assumed", path="issued", severity="info", part="date",
        find=from_findings("date_calendar_assumed"),
        wrong="A year is taken for one of the Hijri or the Persian calendar, which nothing says.",
        why="1440 is 2018 in the Hijri calendar, and the fifteenth century in the Gregorian one.",
        mend="Name the calendar in the feed file (calendar), or export Gregorian dates as YYYY-MM-DD.",
        good={"findings": []}, bad={"findings": finding("date_calendar_assumed", "issued", "1440")},
    ),
    Rule(
        code="date_impossible", path="issued", severity="warning", part="date", find=from_findings("date_impossible"),
        wrong="A date is impossible.",
        why="The record is sorted wrongly, or not at all.",
        mend="Write dates as YYYY, YYYY-MM or YYYY-MM-DD.",
        good={"findings": []}, bad={"findings": finding("date_impossible", "issued", "2021-02-31")},
    ),
    Rule(
        code="date_future", path="issued", severity="warning", part="date", find=from_findings("date_future"),
        wrong="A date is in the future.",
        why="The record stays on top of every list of new resources.",
        mend="Correct the date; use the date of publication, not that of an embargo.",
        good={"findings": []}, bad={"findings": finding("date_future", "issued", "2221-05-01")},
    ),
    Rule(
        code="date_ambiguous", path="issued", severity="info", part="date", find=from_findings("date_ambiguous"),
        wrong="A date can be read in two ways.",
        why="03/04/2021 is March to some and April to others; we keep only what is certain.",
        mend="Write dates as YYYY-MM-DD.",
        good={"findings": []}, bad={"findings": finding("date_ambiguous", "issued", "03/04/2021")},
    ),
    Rule(
        code="date_order", path="modified", severity="warning", part="date", find=_date_order,
        wrong="The record was modified in a year before it was published.",
        why="One of the two dates is wrong.",
        mend="Correct the dates.",
        good={"issued": "2019", "issued_year": 2019, "modified": "2019"},
        bad={"issued": "2019", "issued_year": 2019, "modified": "2012-05"},
    ),
    Rule(
        code="date_buddhist_era", path="issued", severity="warning", part="date", find=_buddhist,
        wrong="The year looks like one of the Buddhist era.",
        why="2564 is 2021: unconverted, it is five centuries ahead.",
        mend="Export years of the common era (Buddhist era less 543).",
        good={"issued": "2021", "issued_year": 2021}, bad={"issued": "2564", "issued_year": 2564},
    ),
    Rule(
        code="date_before_print", path="issued", severity="info", part="date", find=_too_old,
        wrong="The year is before the first printed books.",
        why="It is probably a mistyped year, or one of another calendar.",
        mend="Give the year in which this resource was published.",
        good={"issued": "1895", "issued_year": 1895}, bad={"issued": "0202", "issued_year": 202},
    ),
)  # fmt: skip
