"""The licence under which the metadata of a resource may be passed on."""

from __future__ import annotations

import pytest

from schemas import BadFeed, Feed, read_declaration, read_leniently
from transforms.metadata_license import metadata_license

CC = "https://creativecommons.org/"
KEYS = {"title": "A", "partner": "A", "protocol": "rest", "url": "https://example.org", "format": "amb"}
DECLARED = {
    "zero": None,
    "by": "CC-BY-4.0",
    "by3": "CC BY 3.0 IGO",
    "sa": "https://creativecommons.org/licenses/by-sa/4.0/",
    "nc": "CC-BY-NC-4.0",
    "nd": "CC-BY-ND-4.0",
    "odbl": "ODbL",
    "most": "CC-BY-NC-ND-4.0",
    "later": "https://example.org/terms",  # of a declaration that another version accepted
}


def license_of_feeds(*names: str) -> str | None:
    feeds = [Feed(name=name, metadata_license=value, **KEYS) for name, value in DECLARED.items()]
    return metadata_license(feeds, unconsented={"silent"})(names)


@pytest.mark.parametrize(
    ("feeds", "uri"),
    [
        (("zero", "unknown"), "publicdomain/zero/1.0/"),
        (("zero", "by"), "licenses/by/4.0/"),
        (("by", "by3"), "licenses/by/4.0/"),
        (("by", "sa"), "licenses/by-sa/4.0/"),
        (("odbl", "sa"), "licenses/by-sa/4.0/"),
        (("sa", "most", "by"), "licenses/by-nc-nd/4.0/"),
        (("sa", "nc"), "licenses/by-nc-sa/4.0/"),  # no single one has both conditions
        (("nd", "nc"), "licenses/by-nc-nd/4.0/"),
        (("nd", "sa"), "licenses/by-nd/4.0/"),  # nothing that is changed may be shared, alike or not
    ],
)
def test_the_metadata_of_a_merged_resource_keeps_the_conditions_of_every_member(
    feeds: tuple[str, ...], uri: str
) -> None:
    assert license_of_feeds(*feeds) == license_of_feeds(*reversed(feeds)) == f"{CC}{uri}"


def test_metadata_without_consent_or_of_an_unknown_licence_is_not_passed_on() -> None:
    assert license_of_feeds("silent") is license_of_feeds("zero", "silent") is license_of_feeds("by", "later") is None


@pytest.mark.parametrize("wrong", ["CC-BY", "https://example.org/terms", "All rights reserved", "In Copyright", "mine"])
def test_a_feed_file_states_a_licence_of_metadata_whose_conditions_are_known(wrong: str) -> None:
    with pytest.raises(BadFeed, match=r"metadata_license: .* use CC0-1\.0, or a licence with its version"):
        read_declaration("a", {**KEYS, "metadata_license": wrong})
    feed, left_out = read_leniently("a", {**KEYS, "metadata_license": wrong})
    assert metadata_license([feed])(["a"]) is None, "a kept declaration never turns into CC0"
    assert left_out == ()
