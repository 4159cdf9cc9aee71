"""One harvest as landing has it: its parts, their footers, and why it failed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from loaders.landing.part import Footer
from schemas import Base, Skipped


class Failure(Base, frozen=True, kw_only=True):
    """Why a harvest failed."""

    cause: str
    sentence: str
    retryable: bool = msgspec.field(default=True, name="again")


class Harvest(Base, frozen=True, kw_only=True):
    """One harvest: its parts in order, of one run and of the interrupted runs that it continued."""

    parts: tuple[Path, ...]
    footers: tuple[Footer, ...]
    failure: Failure | None = None  # of its last run

    @property
    def last(self) -> Footer:
        """Return the newest part's footer."""
        return self.footers[-1]

    @property
    def listed(self) -> int:
        """Return how many rows the parts have."""
        return sum(footer.records for footer in self.footers)

    @property
    def counted(self) -> int:
        """Return how many records the list has: one listed again after a kill or an expired token counts once."""
        return self.listed if self.last.counted is None else self.last.counted

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Return what the harvest could not read."""
        return tuple(skipped for footer in self.footers for skipped in footer.skipped)

    @property
    def whole_list(self) -> bool:
        """Return whether a record that is not in this harvest is gone."""
        return self.listed_everything and not self.last.doubtful_repeats

    @property
    def listed_everything(self) -> bool:
        """Return whether the whole list was requested and read to its end, even if repeats may hide missing records."""
        return self.last.complete and self.last.full and not self.last.not_modified

    @property
    def repeats_a_list(self) -> bool:
        """Return whether the server answered that nothing changed: an earlier list was seen again."""
        return self.last.complete and self.last.not_modified
