"""How many exported records stand in one file: a list as OAI-PMH gives it, a collection of MARCXML, or lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from schemas import Published, Withdrawn
from transforms.exports.texts import escape

_OAI = "http://www.openarchives.org/OAI/2.0/"


class FileForm(NamedTuple):
    """What stands before, between and after the records of one file."""

    suffix: str
    head: str
    entry: Callable[[Published, str], str]
    deletion: Callable[[Withdrawn], str] | None  # None: the file has no way to say that a resource is gone
    tail: str


def _oai_header(resource: Published | Withdrawn, status: str = "") -> str:
    return (
        f"<header{status}><identifier>{escape(resource.oai_identifier)}</identifier>"
        f"<datestamp>{escape(resource.visible_at)}</datestamp></header>"
    )


def _oai_entry(published: Published, text: str) -> str:
    header = _oai_header(published)
    return f"<record>{header}<metadata>\n{text}\n</metadata></record>\n"


def _oai_deletion(withdrawn: Withdrawn) -> str:
    header = _oai_header(withdrawn, ' status="deleted"')
    return f"<record>{header}</record>\n"


OAI_LIST = FileForm(
    suffix=".xml",
    head=f'<?xml version="1.0" encoding="UTF-8"?>\n<ListRecords xmlns="{_OAI}">\n',
    entry=_oai_entry,
    deletion=_oai_deletion,
    tail="</ListRecords>\n",
)


def lines(suffix: str, deletion: Callable[[Withdrawn], str] | None = None) -> FileForm:
    """Return the form of a file with one record per line."""
    as_line = None if deletion is None else (lambda withdrawn: f"{deletion(withdrawn)}\n")
    return FileForm(suffix, "", lambda _, text: f"{text}\n", as_line, "")


def collection(head: str, tail: str, deletion: Callable[[Withdrawn], str]) -> FileForm:
    """Return the form of an XML file whose root holds the records as they are."""
    return FileForm(".xml", head, lambda _, text: f"{text}\n", lambda withdrawn: f"{deletion(withdrawn)}\n", tail)
