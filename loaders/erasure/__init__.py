"""Erase a person's name, contact or a whole record from every store, because the law asks for it."""

from loaders.erasure.erasure import (
    CannotErase,
    Erased,
    erase,
    erase_again,
    erasures_since,
    list_erasures,
    older_backups,
)
from loaders.erasure.outcomes import keep_erased_out

__all__ = [
    "CannotErase",
    "Erased",
    "erase",
    "erase_again",
    "erasures_since",
    "keep_erased_out",
    "list_erasures",
    "older_backups",
]
