"""Find the crosswalk that reads records of an unknown format: the one that leaves almost nothing of them unread."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.detection.fields import is_common_name
from transforms.crosswalks import CROSSWALKS, Unreadable, read

_MAX_RECORDS = 5  # that are read
_MIN_SHARE = 0.75  # of the leaves that a crosswalk accounts for
_MIN_FIELDS = 3  # of the shared record that it fills
_MIN_OWN_NAMES = 2
# read any object, or what no list of records holds
_NOT_FOR_LISTS = frozenset({"schema_org", "xoai", "edm", "atom", "rss", "instructables_rss"})
_JSON_LD = ("@type", "@context")


def fitting_json(records: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the crosswalk that reads JSON records, or rows by their columns; None if none does."""
    if any(mark in record for record in records for mark in _JSON_LD):
        return "schema_org"
    payloads = [json.dumps(record, ensure_ascii=False) for record in records[:_MAX_RECORDS]]
    return _best([name for name in _JSON if _has_own_names(name, payloads)], payloads)


def fitting_xml(payloads: Sequence[str]) -> str | None:
    """Return the crosswalk that reads XML records; None if none does."""
    return _best(_XML, payloads[:_MAX_RECORDS])


def fits(format_: str, payloads: Iterable[str]) -> bool:
    """Return whether a crosswalk reads records, whatever it leaves."""
    return any(_share(format_, payload) is not None for payload in payloads)


def _has_own_names(format_: str, payloads: Iterable[str]) -> bool:
    """Return whether a crosswalk reads at least two fields that are named as in few other records.

    A list of id, title, url and description is anybody's: its partner looks at a map of it instead.
    """
    names: set[str] = set()
    for payload in payloads:
        try:
            draft = read(format_, payload)
        except (Unreadable, RecursionError):
            continue
        paths = [each.path for statements in draft.fields.values() for each in statements]
        paths += [each.leaf.path for each in draft.ignored]
        names |= {_last_name(path) for path in paths}
    return sum(not is_common_name(name) for name in names) >= _MIN_OWN_NAMES


def _last_name(path: str) -> str:
    """Return the last key of a path such as $.about[0].id."""
    return path.rpartition(".")[2].partition("[")[0]


def _best(formats: Iterable[str], payloads: Sequence[str]) -> str | None:
    shares = {format_: _mean_share(format_, payloads) for format_ in formats}
    best = max(shares, key=lambda format_: shares[format_], default=None)
    return best if best is not None and shares[best] >= _MIN_SHARE else None


def _mean_share(format_: str, payloads: Sequence[str]) -> float:
    shares = [_share(format_, payload) or 0.0 for payload in payloads]
    return sum(shares) / len(shares) if shares else 0.0


def _share(format_: str, payload: str) -> float | None:
    """Return the share of a record's leaves that a crosswalk accounts for; None if unreadable or without a title."""
    try:
        draft = read(format_, payload)
    except (Unreadable, RecursionError):
        return None
    if not draft.get("title") or len(draft.fields) < _MIN_FIELDS:
        return None
    stated = {statement.path for statements in draft.fields.values() for statement in statements}
    taken = len(stated) + len(draft.used) + len(draft.ignored)
    return taken / max(1, taken + len(draft.unmapped))


_JSON = [
    name for name, crosswalk in CROSSWALKS.items() if not hasattr(crosswalk, "roots") and name not in _NOT_FOR_LISTS
]
_XML = [name for name, crosswalk in CROSSWALKS.items() if hasattr(crosswalk, "roots") and name not in _NOT_FOR_LISTS]
