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

__all__ = [
    "CannotErase",
    "Erased",
    "erase",
    "erase_again",
    "erasures_since",
    "list_erasures",
    "older_backups",
]
