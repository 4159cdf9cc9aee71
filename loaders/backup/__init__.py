"""Backup and restore of landing and the primary tables."""

from loaders.backup.backup import BadBackup, back_up, restore
from loaders.backup.feed_files import write_feed_files
from loaders.backup.kept import fetch_backup, make_backup, remove_older_backups
from loaders.backup.restored import NotReprocessed, check_reprocessed, waiting_feeds, waiting_keys

__all__ = [
    "BadBackup",
    "NotReprocessed",
    "back_up",
    "check_reprocessed",
    "fetch_backup",
    "make_backup",
    "remove_older_backups",
    "restore",
    "waiting_feeds",
    "waiting_keys",
    "write_feed_files",
]
