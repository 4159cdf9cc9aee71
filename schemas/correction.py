"""A steward's correction laid over a record: whether it fits is asked when it is made, and at every publication."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from schemas.correction_checks import misfit
from schemas.match import Correction
from schemas.resource import Origin, Resource

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
_UNTOUCHED = ("key", "provenance")
LICENSE_PATH = "license.uri"  # the one part of a licence that the others follow from
_YEAR = re.compile(r"(?<![\dY-])\d{4}(?!\d)")  # with which a date in EDTF begins, or its end when its begin is open
_NO_LICENSE = {"uri": None, "spdx": None, "label": None, "statement": "", "origin": "record", "open": None}


class CorrectionUnusable(Exception):
    """A correction that does not fit the record: which, where and why."""


def correct(record: Resource, correction: Correction) -> Resource:
    """The record with a steward's value at a path such as title.en or identifiers[0].value; the list's length stays.

    What follows from the value is not left as it was: the year of a date; of a licence its names and whether it is
    open, which whoever knows licences fills in again. Raises CorrectionUnusable when the path leads nowhere, or the
    value is not of the field's shape, or none that it can have.
    """
    named = f"correction {correction.id} of {correction.path!r} by {correction.by}"
    steps = _STEP.findall(correction.path)
    if not steps or steps[0] in _UNTOUCHED or steps[0] not in Resource.__struct_fields__:
        raise CorrectionUnusable(f"{named}: no such field; name one of the shared record, such as title.en")
    if steps[0] == "issued_year":
        raise CorrectionUnusable(f"{named}: the year follows from the date; set issued")
    tree = msgspec.to_builtins(record)
    try:
        value = None if correction.value is None else msgspec.json.decode(correction.value)
        if correction.path == LICENSE_PATH:
            if value is None:
                raise CorrectionUnusable(f"{named}: a licence without an address is none; set license to null")
            tree["license"] = {**_NO_LICENSE, "statement": record.license.statement if record.license else value}
        _set(tree, steps, value)
        changed = _followed(msgspec.convert(tree, Resource), steps[0])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CorrectionUnusable(f"{named}: {error}; correct the value or undo it") from error
    except (LookupError, TypeError) as error:
        why = f"the record has nothing at that place; set {steps[0]} as a whole, in JSON, or undo it"
        raise CorrectionUnusable(f"{named}: {why}") from error
    wrong = misfit(changed, steps[0])
    if wrong is not None and wrong != misfit(record, steps[0]):
        raise CorrectionUnusable(f"{named}: {wrong}; correct the value or undo it")
    origin = Origin(key=f"curation:{correction.id}", path=correction.path, rule=f"curation: {correction.by}")
    return msgspec.structs.replace(changed, provenance={**changed.provenance, steps[0]: (origin,)})


def _followed(changed: Resource, field: str) -> Resource:
    if field != "issued":
        return changed
    year = _YEAR.search(changed.issued or "")
    return msgspec.structs.replace(changed, issued_year=None if year is None else int(year[0]))


def _set(tree: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        tree = tree[int(step[1:-1])] if step.startswith("[") else tree[step]
    last = steps[-1]
    if last.startswith("["):
        tree[int(last[1:-1])] = value
    elif value is None:
        tree.pop(last, None)
    else:
        tree[last] = value
