"""Count the pages that a harvest skips because of exceptions: a harvest with too many of them has failed."""

from __future__ import annotations

from dataclasses import dataclass

from harvesters.causes import failed, is_server_failure
from schemas import HarvestFailed

_MAX_SKIPPED_SHARE = 0.05  # of the requests
_MAX_SKIPPED_ALWAYS = 1  # one bad page never ends a feed, however short its list is
_COUNTED_CAUSES = ("unreachable", "malformed", "too_slow")
_SKIPPED_ADVICE = "Nothing was deleted. If this continues, show the partner the reasons that the feed's report lists."


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

    def require_few(self, url: str, *, records: int | None = None) -> None:
        """Raise HarvestFailed if too many pages were skipped: "server_failing", or with the cause of the first one.

        With `records`, what was skipped is of one record each, of so many that the list has: a list that was requested
        in ever smaller parts, so as to skip no more than that, took many requests.
        """
        of = self.requested if records is None else records
        if self.first is None or self.skipped <= max(_MAX_SKIPPED_ALWAYS, of * _MAX_SKIPPED_SHARE):
            return
        parts = "pages" if records is None else "records"
        share = f"{self.skipped} of {of} {parts} of {url} were skipped, more than {_MAX_SKIPPED_SHARE:.0%}"
        cause = "server_failing" if is_server_failure(self.first) else self.first.cause
        raise failed(cause, f"{share} (the first: {self.first.sentence.split('. ')[0]})", _SKIPPED_ADVICE)
