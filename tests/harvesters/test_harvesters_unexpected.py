"""An exception that nobody expected costs one record or page, is named and counted, and is told as a defect of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harvesters.causes import failed
from harvesters.client.skipped_pages import SkippedPages
from harvesters.records import Result, UnreadableElement, build_record, unreadable
from harvesters.unexpected import pages_with_defects, read_each, unexpected_response
from schemas import Feed, HarvestFailed, Page, SourceRecord
from tests.harvesters.loopback import (
    Answer,
    ReceivedRequest,
    feed,
    identifiers,
    open_environment,
    pages,
    serving,
)

BOOKS = feed("https://example.org/books", "rss")


def read(text: str) -> Result:
    if text == "bad":
        return build_record(BOOKS, text, {}[text])  # an exception of ours on what came
    return build_record(BOOKS, text, text.encode())


def results(texts: list[str]) -> list[Result]:
    return list(read_each(texts, read, lambda text: (text, text.encode()), BOOKS.url))


def test_an_unexpected_exception_skips_one_record_by_its_name_with_the_exceptions_text() -> None:
    first, bad, last = results(["a", "bad", "c"])
    assert [record.identifier for record in (first, last) if isinstance(record, SourceRecord)] == ["a", "c"]
    assert isinstance(bad, UnreadableElement)
    assert bad.skipped.identifier == "bad" and "KeyError: 'bad'" in bad.skipped.reason
    assert bad.raw is not None and bad.raw.body == b"bad"


def test_an_element_that_cannot_be_described_either_is_skipped_without_a_name() -> None:
    (bad,) = read_each(["bad"], read, lambda text: ({}[text], b""), BOOKS.url)
    assert isinstance(bad, UnreadableElement) and bad.skipped.identifier is None


def skipping(*skipped: Result) -> Iterator[Page]:
    yield Page(skipped=tuple(element.skipped for element in skipped if isinstance(element, UnreadableElement)))


def test_the_last_page_notes_defects_with_their_type_place_and_number() -> None:
    def pages() -> Iterator[Page]:
        yield from skipping(*results(["bad", "bad"]), unreadable("x", "a row without its id"))
        yield Page(complete=True)

    *_, last = pages_with_defects(pages(), BOOKS.url, None)
    (note,) = last.notes
    assert "KeyError at " in note and "kept 2 records" in note


def test_a_failed_harvest_says_its_defects_too() -> None:
    def pages() -> Iterator[Page]:
        yield from skipping(*results(["bad"]))
        raise failed("gone", "nothing is there")

    with pytest.raises(HarvestFailed, match=r"nothing is there.*KeyError at .*kept 1 record from"):
        list(pages_with_defects(pages(), BOOKS.url, None))


def test_an_exception_that_ends_a_harvest_is_a_malformed_response_and_named() -> None:
    def pages(of: Feed) -> Iterator[Page]:
        yield Page()
        raise ValueError("Invalid IPv6 URL")

    with pytest.raises(HarvestFailed, match="ValueError: Invalid IPv6 URL") as caught:
        list(pages_with_defects(pages(BOOKS), BOOKS.url, None))
    assert caught.value.cause == "malformed"


def test_a_full_disk_is_not_a_partners_fault() -> None:
    def pages() -> Iterator[Page]:
        yield Page()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        list(pages_with_defects(pages(), BOOKS.url, None))


def test_a_response_that_ends_a_harvest_is_kept_where_its_sentence_says_so() -> None:
    def pages() -> Iterator[Page]:
        yield Page(position={"offset": 7})
        raise unexpected_response(ValueError("odd"), BOOKS.url, b"the body")

    taken: list[Page] = []
    with pytest.raises(HarvestFailed, match="kept in landing"):
        for page in pages_with_defects(pages(), BOOKS.url, None):
            taken.append(page)
    assert taken[-1].raw[0].body == b"the body" and taken[-1].position == {"offset": 7}


@pytest.mark.parametrize(
    ("requested", "skipped", "fails"), [(3, 1, False), (40, 2, False), (39, 2, True), (2, 2, True)]
)
def test_a_harvest_that_skips_more_than_a_twentieth_of_its_pages_has_failed(
    requested: int, skipped: int, fails: bool
) -> None:
    pages = SkippedPages(requested=requested)
    for _ in range(skipped):
        pages.add(failed("unreachable", "the page answers 500"))
    if not fails:
        pages.require_few(BOOKS.url)
        return
    with pytest.raises(HarvestFailed, match=f"{skipped} of {requested} pages") as caught:
        pages.require_few(BOOKS.url)
    assert caught.value.cause == "server_failing"


@pytest.mark.parametrize(("status", "fails"), [(500, True), (403, False)])
def test_a_list_of_which_many_details_fail_by_the_server_is_never_whole(
    tmp_path: Path, status: int, fails: bool
) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/list":
            return Answer(json.dumps([{"id": str(n)} for n in range(20)]))
        number = int(request.path.rsplit("/", 1)[-1])
        return Answer(status=status) if number % 5 == 0 else Answer(json.dumps({"id": str(number)}))

    with serving(script) as loopback:
        request = {"detail_url": "/one/{id}"}
        of = feed(f"{loopback.url}/list", "rest", format="amb", identifier="id", request=request)
        if not fails:
            assert len(identifiers(pages(of, open_environment(tmp_path)))) == 16
            return
        with pytest.raises(HarvestFailed, match="4 of 21 pages") as caught:
            pages(of, open_environment(tmp_path))
    assert caught.value.cause == "server_failing"
