"""Assemble the shared record from a draft, field by field, with provenance."""

from transforms.normalize.record.assembly import Assembly
from transforms.normalize.record.dates import latest_day
from transforms.normalize.record.resource import assemble

__all__ = [
    "Assembly",
    "assemble",
    "latest_day",
]
