"""Backup and restore of landing and the primary tables."""

from loaders.backup.backup import BadBackup, back_up, restore
from loaders.backup.feed_files import write_feed_files
from loaders.backup.kept import fetch_backup, make_backup, remove_older_backups

__all__ = [
    "BadBackup",
    "back_up",
    "fetch_backup",
    "make_backup",
    "remove_older_backups",
    "restore",
    "write_feed_files",
]
