"""A file of the installation that cannot be used: which, why, and what to do."""

from __future__ import annotations

from pathlib import Path


class UnusableFile(Exception):
    """A file that is damaged or cannot be read; the text is one sentence that names it and says what to do."""

    def __init__(self, path: Path, why: object, what_to_do: str) -> None:
        super().__init__(f"{path} cannot be used: {str(why).strip().rstrip('.')}; {what_to_do}")
        self.path = path
