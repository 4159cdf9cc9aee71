"""Exceptions that nobody expected: each costs one record, entry or page, is named, and is told in the report.

What partners send makes libraries raise exceptions that they do not document. `read_each` turns one that a record
raises into a record that is skipped, `unexpected_response` one that a page raises into that page's failure, and
`pages_with_defects` one that ends a harvest into the harvest's; it also notes how many there were of which type, and
where in our code, since each of them is a defect of ours, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, TypeVar

from harvesters.causes import RequestFailed, as_harvest_failure, failed, unreadable_response
from harvesters.records import Result, UnreadableElement, unreadable
from schemas import HarvestFailed, Page, replace

T = TypeVar("T")
Description = tuple[str | None, bytes | None]  # of an element: its identifier and its text, so far as they are known
_ROOMS = ("harvesters", "schemas")
_MAX_TEXT_CHARS = 300
_MAX_KINDS_NOTED = 5
_REPORT_IT = "A defect of the harvester: report it to its developers."


def text_of(error: BaseException) -> str:
    """Return the type and the text of an exception on one line, shortened."""
    text = " ".join(str(error).encode("utf-8", "replace").decode().split())
    return f"{type(error).__name__}: {text[:_MAX_TEXT_CHARS]}" if text else type(error).__name__


def defect_of(error: BaseException) -> str:
    """Return an exception's type and the innermost place in our code, such as "TypeError at harvesters/x.py:12"."""
    place = "a place outside the harvesters"
    for frame, line in walk_tb(error.__traceback__):
        parts = PurePath(frame.f_code.co_filename).parts
        rooms = [number for number, part in enumerate(parts) if part in _ROOMS]
        if rooms and "site-packages" not in parts[rooms[-1] :]:
            place = f"{'/'.join(parts[rooms[-1] :])}:{line}"
    return f"{type(error).__name__} at {place}"


def is_of_the_system(error: Exception) -> bool:
    """Return whether an exception is an error of the system, such as a full disk, which no partner causes."""
    return isinstance(error, OSError) and error.errno is not None


def skip_unexpected(
    error: Exception, identifier: str | None = None, url: str = "", body: bytes | None = None
) -> UnreadableElement:
    """Return the record that an unexpected exception keeps us from reading; it counts as a defect of ours."""
    element = unreadable(identifier, f"not readable: {text_of(error)}", url, body)
    return replace(element, skipped=replace(element.skipped, defect=defect_of(error)))


def unexpected_response(error: Exception, url: str, body: bytes) -> RequestFailed:
    """Return the failure of one request on whose response an unexpected exception was raised; it carries the body."""
    what = f"{url} sends a response that is not readable ({text_of(error)}; {defect_of(error)})"
    return unreadable_response("malformed", what, url, body)


def read_each(
    elements: Iterable[T],
    read: Callable[[T], Result | Iterable[Result]],
    describe: Callable[[T], Description],
    url: str,
) -> Iterator[Result]:
    """Yield what `read` makes of each element; one on which it raises anything but HarvestFailed is skipped.

    `describe` says what is known of an element that was skipped; it may raise anything as well.
    """
    for element in elements:
        try:
            result = read(element)
            if isinstance(result, Iterable):
                yield from result
            else:
                yield result
        except HarvestFailed:
            raise
        except Exception as error:
            identifier, body = _described(element, describe)
            yield skip_unexpected(error, identifier, url, body)


def _described(element: T, describe: Callable[[T], Description]) -> Description:
    try:
        return describe(element)
    except Exception:
        return None, None


def pages_with_defects(pages: Iterable[Page], url: str, position: dict[str, Any] | None) -> Iterator[Page]:
    """Yield the pages of a harvest from `position` on; the last one notes the defects.

    Raises HarvestFailed, also for an unexpected exception.
    A response that its failure carries is yielded before the failure is raised, so that it is kept in landing.
    Errors of the system, such as a full disk, are raised as they are: no partner causes them.
    """
    defects: Counter[str] = Counter()
    last = Page(position=position or {})
    try:
        for page in pages:
            defects.update(_defects(page))
            last = replace(page, notes=(*page.notes, *_notes(defects))) if page.complete else page
            yield last
    except HarvestFailed as failure:
        if raw := getattr(failure, "raw", ()):  # of a RequestFailed
            yield Page(position=last.position, full=last.full, raw=raw)
        raise _with_notes(failure, _notes(defects)) from failure.__cause__
    except Exception as error:
        if is_of_the_system(error):
            raise
        what = f"{url} sends what is not readable ({text_of(error)}; {defect_of(error)})"
        raise failed("malformed", what, _REPORT_IT) from error


def _defects(page: Page) -> list[str]:
    return [skipped.defect for skipped in page.skipped if skipped.defect]


def _notes(defects: Counter[str]) -> list[str]:
    """Return one note for each type and place of unexpected exceptions, with the number of records."""
    return [
        f"{defect} kept {count} record{'s' * (count > 1)} from being read. {_REPORT_IT}"
        for defect, count in defects.most_common(_MAX_KINDS_NOTED)
    ]


def _with_notes(failure: HarvestFailed, notes: list[str]) -> HarvestFailed:
    """Return the failure as one of the whole harvest, with the notes that no page carries any more."""
    if notes:
        failure.sentence = " ".join([failure.sentence, *(f"Note: {note}" for note in notes)])
    return as_harvest_failure(failure)
