"""Where the match features of a catalog are kept: a sorted Parquet file, and what has changed since it was written."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from schemas.base import Base

PLACES_BETWEEN = 2**24  # that a row of the base leaves free behind it, for records that come later


class FeatureFiles(NamedTuple):
    """Parquet files of features, one row per record: those of `base` but for `gone`, and those of `changed`.

    `base` is in the order of the keys, and never rewritten. `changed` has a column `idx` beside, which says where its
    rows stand among those of the base: row n of the base (from 0) is at (n + 1) * PLACES_BETWEEN. `gone` has the
    numbers (`row`) of the rows of the base that no longer count.
    """

    base: Path
    changed: Path | None = None
    gone: Path | None = None

    def query(self) -> str:
        """Return DuckDB's SQL for the features with a column `idx`: a smaller idx is a smaller key."""
        base = f"read_parquet({_quoted(self.base)}, file_row_number = true)"
        if self.changed is None or self.gone is None:
            return f"SELECT * EXCLUDE (file_row_number), (file_row_number + 1)::INTEGER AS idx FROM {base}"  # noqa: S608
        return (
            f"SELECT * EXCLUDE (row), (row + 1) * {PLACES_BETWEEN} AS idx "  # noqa: S608
            f"FROM (SELECT * RENAME (file_row_number AS row) FROM {base}) "
            f"ANTI JOIN read_parquet({_quoted(self.gone)}) USING (row) "
            f"UNION ALL BY NAME SELECT * FROM read_parquet({_quoted(self.changed)})"
        )

    def names(self) -> FeatureNames:
        """Return the names of the files."""
        base, changed, gone = (None if path is None else path.name for path in self)
        return FeatureNames(base=base or "", changed=changed, gone=gone)


class FeatureNames(Base, frozen=True, kw_only=True):
    """Names of the files of FeatureFiles, which are in one folder."""

    base: str = "features.parquet"
    changed: str | None = None
    gone: str | None = None

    def in_folder(self, folder: Path) -> FeatureFiles:
        """Return the paths of the files."""
        changed, gone = (None if name is None else folder / name for name in (self.changed, self.gone))
        return FeatureFiles(folder / self.base, changed, gone)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
