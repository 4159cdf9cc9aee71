"""Which dumps are kept: the newest ones, and the first one of each month for some months."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from loaders.downloads.dumps import DownloadsFailed, list_dumps, remove_dump
from schemas import Environment

_VARIABLE = "ELIB_DOWNLOADS_KEPT"
_RULE = re.compile(r"(\d{1,4})(?:\s*,\s*(\d{1,4}))?")


class BadKeepRule(DownloadsFailed, ValueError):
    """ELIB_DOWNLOADS_KEPT is no rule; the message says what to write."""

    cause = "bad_configuration"


class KeepRule(NamedTuple):
    """How many of the newest dumps are kept, and of how many months the first one."""

    newest: int = 7
    months: int = 12


def read_rule(variables: Mapping[str, str]) -> KeepRule:
    """Return the rule of ELIB_DOWNLOADS_KEPT, such as "7,12"; the usual one without it. Raises BadKeepRule."""
    text = variables.get(_VARIABLE, "").strip()
    if not text:
        return KeepRule()
    match = _RULE.fullmatch(text)
    if match is None or int(match[1]) < 1:
        advice = "write two numbers such as 7,12: how many of the newest are kept (1 or more), and of how many months"
        raise BadKeepRule(f"{_VARIABLE}: {text!r} is no such rule; {advice}")
    return KeepRule(int(match[1]), int(match[2] or 0))


def kept_names(names: Iterable[str], rule: KeepRule) -> set[str]:
    """Return which of the dumps with these names (YYYYMMDDT…) are kept."""
    ordered = sorted(names, reverse=True)
    first_of_month: dict[str, str] = {}
    for name in ordered:  # the newest first, so that the first one of a month is set last
        first_of_month[name[:6]] = name
    months = sorted(first_of_month, reverse=True)[: rule.months]
    return {*ordered[: rule.newest], *(first_of_month[month] for month in months)}


def remove_others(env: Environment, rule: KeepRule) -> list[str]:
    """Remove the dumps that the rule does not keep, and return their names."""
    names = [dump.manifest.name for dump in list_dumps(env)]
    gone = sorted(set(names) - kept_names(names, rule))
    for name in gone:
        remove_dump(env, name)
    return gone
