"""A steward's correction laid over a record: whether it fits is asked when it is made, and at every publication."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from schemas.match import Correction
from schemas.resource import Origin, Resource

STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
UNTOUCHED = ("key", "provenance")


class CorrectionUnusable(Exception):
    """A correction that does not fit the record: which, where and why."""


def correct(record: Resource, correction: Correction) -> Resource:
    """The record with a steward's value at a path such as title.en or identifiers[0].value; the list's length stays.

    Raises CorrectionUnusable when the path leads nowhere or the value is not of the field's shape.
    """
    named = f"correction {correction.id} of {correction.path!r} by {correction.by}"
    steps = STEP.findall(correction.path)
    if not steps or steps[0] in UNTOUCHED or steps[0] not in Resource.__struct_fields__:
        raise CorrectionUnusable(f"{named}: no such field; name one of the shared record, such as title.en")
    tree = msgspec.to_builtins(record)
    try:
        _set(tree, steps, None if correction.value is None else msgspec.json.decode(correction.value))
        changed = msgspec.convert(tree, Resource)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CorrectionUnusable(f"{named}: {error}; correct the value or undo it") from error
    except (LookupError, TypeError) as error:
        why = f"the record has nothing at that place; set {steps[0]} as a whole, in JSON, or undo it"
        raise CorrectionUnusable(f"{named}: {why}") from error
    origin = Origin(key=f"curation:{correction.id}", path=correction.path, rule=f"curation: {correction.by}")
    return msgspec.structs.replace(changed, provenance={**changed.provenance, steps[0]: (origin,)})


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
