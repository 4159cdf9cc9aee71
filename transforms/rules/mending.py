"""Tell which errors of a record are left once a steward's corrections are laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas import Correction, CorrectionUnusable, Resource, apply_correction, decides_license
from transforms.rules.registry import RULES
from transforms.rules.rule import Context

_ERROR_FINDS = {rule.code: rule.find for rule in RULES.values() if rule.severity == "error" and rule.find is not None}


def errors_left(
    record: Resource, errors: Iterable[tuple[str, str]], corrections: Sequence[Correction]
) -> tuple[str, ...]:
    """Return the codes of the errors that the corrected record has, sorted; empty when it may be published.

    `errors` are code and path of those that the record has as the partner wrote it. The rules on single records judge
    the corrected record; an error of another rule is mended by a correction of what it is about, and of nothing else. A
    correction that does not fit the record mends nothing.
    """
    corrected, paths = record, []
    for correction in corrections:
        try:
            corrected = apply_correction(corrected, correction)
        except CorrectionUnusable:
            continue
        paths.append(correction.path)
    left = {code for code, find in _ERROR_FINDS.items() if any(find(corrected, Context()))}
    others = ((code, path) for code, path in errors if code not in _ERROR_FINDS)
    left |= {code for code, path in others if not any(_overlap(path, corrected_path) for corrected_path in paths)}
    return tuple(sorted(left))


def _overlap(left: str, right: str) -> bool:
    """Return whether one path is the other or a part of it: levels and levels[0]; of a licence, what decides it."""
    if left == "license":
        return decides_license(right)
    shorter, longer = sorted((left, right), key=len)
    return longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))
