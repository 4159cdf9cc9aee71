"""The frozen base class of every record that passes between the rooms."""

from typing import Any, TypeVar

import msgspec


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """A record: immutable, compared by value, read and written as JSON by msgspec."""


T = TypeVar("T", bound=msgspec.Struct)


def replace(record: T, **changes: Any) -> T:
    """Return a copy of the record with some fields changed."""
    return msgspec.structs.replace(record, **changes)
