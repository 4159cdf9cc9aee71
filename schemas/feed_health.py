"""What is measured of a feed's nights, and what of it is unusual."""

from __future__ import annotations

from typing import Literal

from schemas.base import Base
from schemas.reason import Reason

Measure = Literal["records", "promised", "changes", "seconds", "language", "license", "errors", "silence"]
Manner = Literal["high", "low", "drift"]
_SHARES = ("language", "license", "errors")


class FeedNight(Base, frozen=True, kw_only=True):
    """What one run of a feed measured; None where it was not measured.

    at: when the run began; UTC, ISO 8601
    changes: records that were added, changed or deleted
    records: live records after it; promised: how many the server said that it has
    seconds: of the harvest
    language, license, errors: shares of the records, 0 to 1
    """

    at: str
    changes: int = 0
    records: int | None = None
    promised: int | None = None
    seconds: float | None = None
    language: float | None = None
    license: float | None = None
    errors: float | None = None


class Unusual(Base, frozen=True, kw_only=True):
    """A measure outside the band that the feed's own nights have made.

    low, high: the band, in the unit of the measure: records, seconds, shares (0 to 1), days for `silence`
    manner: above the band, below it, or inside of it each night and yet far from where it was (`drift`)
    nights: how many nights the band is learned from
    """

    measure: Measure
    value: float
    low: float
    high: float
    manner: Manner
    nights: int

    @property
    def reason(self) -> Reason:
        """Return it as a code with figures, for a sentence; counts, seconds and days are rounded."""
        is_share = self.measure in _SHARES
        edges = {"value": self.value, "low": self.low, "high": self.high}
        figures = {name: float(edge) if is_share else round(edge) for name, edge in edges.items()}
        kind = "drift" if self.manner == "drift" else "unusual"
        return Reason(code=f"{kind}_{self.measure}", figures={**figures, "nights": self.nights})
