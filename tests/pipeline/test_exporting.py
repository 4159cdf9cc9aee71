"""The licence of the metadata that an export names."""

from __future__ import annotations

import pytest

from pipeline.exporting import metadata_license
from schemas import Feed

CC = "https://creativecommons.org/"
DECLARED = {"a": "CC-BY-4.0", "b": "CC-BY-NC-ND-4.0", "c": None, "d": "https://creativecommons.org/licenses/by-sa/4.0/"}


@pytest.mark.parametrize(
    ("feeds", "uri"),
    [
        (("c",), "publicdomain/zero/1.0/"),
        (("unknown",), "publicdomain/zero/1.0/"),
        (("a",), "licenses/by/4.0/"),
        (("a", "c"), "licenses/by/4.0/"),
        (("a", "d"), "licenses/by-sa/4.0/"),
        (("d", "b", "a"), "licenses/by-nc-nd/4.0/"),
    ],
)
def test_the_metadata_of_a_merged_resource_has_the_licence_that_permits_least(feeds: tuple[str, ...], uri: str) -> None:
    about = {"title": "A", "partner": "A", "protocol": "rest", "url": "https://example.org", "format": "amb"}
    declared = [Feed(name=name, metadata_license=value, **about) for name, value in DECLARED.items()]
    assert metadata_license(declared)(feeds) == f"{CC}{uri}"
