"""JSON and XML lists over HTTP: paging, detail requests, and their records."""

from harvesters.lists.json_records import NotJson, elements, source_record
from harvesters.lists.link_header import is_next
from harvesters.lists.nameless import field_names, is_nameless
from harvesters.lists.paging import server_date

__all__ = [
    "NotJson",
    "elements",
    "field_names",
    "is_nameless",
    "is_next",
    "server_date",
    "source_record",
]
