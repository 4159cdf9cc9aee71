"""Which id a resource keeps: the same whatever the run that made it was called."""

from __future__ import annotations

import pytest

from loaders.publication.identity import identify

AT = "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("first", ["0A", "0B"])
def test_when_two_resources_of_one_publication_join_the_smaller_key_keeps_its_id(first: str) -> None:
    second = "0B" if first == "0A" else "0A"
    resource_ids = {"books:1": first, "films:1": second}
    joined = identify([("books:1", "films:1")], resource_ids, {first: AT, second: AT}, {}, {}, "publish-2")
    assert (joined.ids, joined.redirects) == ([first], {second: first})


@pytest.mark.parametrize("first", ["0A", "0B"])
def test_the_key_decides_between_parts_of_one_size_and_the_larger_or_older_part_before_it(first: str) -> None:
    second = "0B" if first == "0A" else "0A"
    resource_ids = {"a": second, "b": first, "c": first}
    group = [("a", "b", "c")]
    assert identify(group, resource_ids, {first: AT, second: AT}, {}, {}, "publish-2").ids == [first], "the larger"
    resource_ids = {"a": second, "b": first}
    older = {first: "2025-01-01T00:00:00Z", second: AT}
    assert identify([("a", "b")], resource_ids, older, {}, {}, "publish-2").ids == [first], "the older"


def test_a_split_leaves_the_id_with_the_larger_part_or_the_smaller_key() -> None:
    created = {"0A": AT, "0B": AT}
    split = identify([("c",), ("a", "b")], {"a": "0A", "b": "0A", "c": "0A"}, created, {}, {}, "publish-2")
    assert split.ids[1] == "0A" != split.ids[0]
    even = identify([("b",), ("a",)], {"a": "0A", "b": "0A"}, created, {}, {}, "publish-2")
    assert even.ids[1] == "0A" != even.ids[0]
