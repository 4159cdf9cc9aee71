"""Why a run is held, as a code and figures: the reports turn them into a sentence in the reader's language."""

from __future__ import annotations

from schemas.base import Base


class Reason(Base, frozen=True, kw_only=True):
    """A stable code, and the figures that its sentence names; a share is a float from 0 to 1."""

    code: str
    figures: dict[str, int | float | str] = {}
