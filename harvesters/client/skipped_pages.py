"""Count the pages that a harvest skips because of exceptions: a harvest with too many of them has failed."""

from __future__ import annotations

from dataclasses import dataclass

from harvesters.causes import failed
from schemas import HarvestFailed

_MAX_SKIPPED_SHARE = 0.05  # of the requests
_MAX_SKIPPED_ALWAYS = 1  # one bad page never ends a feed, however short its list is
_COUNTED_CAUSES = ("unreachable", "malformed", "too_slow")


@dataclass
class SkippedPages:
    """The requests of one harvest, and how many of their pages could not be read."""

    requested: int = 0
    skipped: int = 0
    first: HarvestFailed | None = None

    def add(self, failure: HarvestFailed) -> None:
        """Count a page that is skipped for a failure of the server, or for an unexpected exception.

        What a rule of the server's keeps from us (a status 403, say) stays so, and would end the feed every night.
        """
        if failure.cause not in _COUNTED_CAUSES:
            return
        self.skipped += 1
        self.first = self.first or failure

    def require_few(self, url: str) -> None:
        """Raise HarvestFailed, with the cause of the first failure, if too many pages were skipped."""
        if self.first is None or self.skipped <= max(_MAX_SKIPPED_ALWAYS, self.requested * _MAX_SKIPPED_SHARE):
            return
        share = f"{self.skipped} of {self.requested} pages of {url} were skipped, more than {_MAX_SKIPPED_SHARE:.0%}"
        raise failed(self.first.cause, f"{share} (the first: {self.first.sentence.split('. ')[0]})")
