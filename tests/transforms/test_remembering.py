"""What is remembered of records is bounded by its size, whatever a partner sends."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from hashlib import sha256

import pytest

from schemas import Assessment, Feed, SourceRecord
from transforms import transform
from transforms.remembering import REMEMBERED_CHARS, remember

FEED = Feed(name="x", title="x", partner="x", protocol="oai_pmh", url="https://e.org/oai", format="oai_dc")
DC = (
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/">{}</oai_dc:dc>'
)


def test_short_values_are_remembered_and_long_ones_are_not() -> None:
    calls: list[tuple[str, ...]] = []

    @remember(1_024)
    def joined(*texts: str, more: str = "") -> str:
        calls.append(texts)
        return "".join(texts) + more

    long = "x" * (REMEMBERED_CHARS // 1_024 + 1)
    for _ in range(2):
        assert (joined("a", "b"), joined("a", long), joined("a", more=long)) == ("ab", f"a{long}", f"a{long}")
    assert calls == [("a", "b"), ("a", long), ("a",), ("a", long), ("a",)]


def test_a_tuple_counts_by_the_texts_in_it() -> None:
    calls = 0

    @remember(1_024)
    def count(texts: tuple[tuple[str, str | None], ...]) -> int:
        nonlocal calls
        calls += 1
        return len(texts)

    for _ in range(2):
        count((("x" * REMEMBERED_CHARS, None),))
        count((("x", None),))
    assert calls == 3


def assess(inside: str) -> Assessment:
    payload = DC.format(inside)
    digest = sha256(payload.encode()).hexdigest()
    record = SourceRecord(
        feed="x", identifier="1", format="oai_dc", payload=payload, sha256=digest, harvested_at="2026-01-01T00:00:00Z"
    )
    return transform(record, FEED)


LONG: dict[str, Callable[[int], str]] = {
    "types": lambda number: f"<dc:type>type {number} {'word ' * 20_000}</dc:type>",
    "creators": lambda number: f"<dc:creator>{number} {'Name, ' * 20_000}</dc:creator>",
    "dates": lambda number: f"<dc:date>{number} {'x' * 100_000}</dc:date>",
    "rights": lambda number: f"<dc:rights>{number} {'y ' * 50_000}</dc:rights>",
    "addresses": lambda number: f"<dc:identifier>https://e.org/{number}/{'z' * 100_000}</dc:identifier>",
}


@pytest.mark.parametrize("kind", LONG)
def test_a_hundred_records_with_long_values_leave_little_in_memory(kind: str) -> None:
    assess(LONG[kind](0))
    tracemalloc.start()
    for number in range(1, 100):
        assess(LONG[kind](number))
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 4_000_000, "a hundred of 100,000 characters would be ten million"


def test_names_of_elements_are_forgotten_before_they_fill_the_memory() -> None:
    tracemalloc.start()
    for number in range(800):
        assess(f"<dc:e{number}{'n' * 40_000}>x</dc:e{number}{'n' * 40_000}>")
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 45_000_000, "eight hundred would be a hundred millions"


def test_an_element_with_100_000_attributes_is_rejected_by_name() -> None:
    many = " ".join(f'a{number}="v"' for number in range(100_000))
    rejection = assess(f"<dc:title {many}>A title</dc:title>").rejection
    assert rejection is not None
    assert rejection.reason == "more than 1000 attributes of one element, at title"
    some = " ".join(f'a{number}="v"' for number in range(900))
    assert assess(f"<dc:title {some}>A title</dc:title>").resource is not None
