"""The library's dumps: whole folders below ELIB_HOME/downloads that appear at once, and go by a rule."""

from loaders.downloads.dumps import (
    FILES,
    MANIFEST_NAME,
    SUMS_NAME,
    DownloadsFailed,
    Dump,
    DumpFile,
    DumpManifest,
    file_of,
    list_dumps,
    newest_dump,
    remove_all_dumps,
)
from loaders.downloads.keeping import BadKeepRule, KeepRule, kept_names, read_rule, remove_others
from loaders.downloads.mirror import mirror_dumps
from loaders.downloads.writing import (
    DumpColumn,
    DumpEntry,
    DumpSource,
    catalog_state,
    erasures_state,
    write_dump,
)

__all__ = [
    "FILES",
    "MANIFEST_NAME",
    "SUMS_NAME",
    "BadKeepRule",
    "DownloadsFailed",
    "Dump",
    "DumpColumn",
    "DumpEntry",
    "DumpFile",
    "DumpManifest",
    "DumpSource",
    "KeepRule",
    "catalog_state",
    "erasures_state",
    "file_of",
    "kept_names",
    "list_dumps",
    "mirror_dumps",
    "newest_dump",
    "read_rule",
    "remove_all_dumps",
    "remove_others",
    "write_dump",
]
