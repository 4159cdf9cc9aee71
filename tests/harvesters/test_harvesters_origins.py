"""Which addresses have the same origin, however they are spelled."""

from __future__ import annotations

import httpx
import pytest

from harvesters.client.origins import origin_of


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://example.org", "https://EXAMPLE.org.:443/list", True),
        ("http://example.org:80/", "http://example.org/list", True),
        ("https://bücher.example/", "https://XN--BCHER-KVA.example", True),
        ("http://[::1]:8080/", "http://[0:0:0:0:0:0:0:1]:8080/", True),
        ("https://example.org", "https://them:theirs@example.org/", True),
        ("https://example.org", "http://example.org", False),
        ("https://example.org", "http://example.org:443", False),
        ("https://example.org", "https://example.org:8443", False),
        ("https://example.org", "https://www.example.org", False),
        ("https://example.org", "https://example.org@example.com/", False),
        ("https://example.org", "https://example.com\\@example.org.example.com/", False),
        ("https://example.org", "https://example.org.example.com/", False),
        ("https://example.org", "https://ex%61mple.org/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port_however_they_are_spelled(first: str, second: str, same: bool) -> None:
    assert (origin_of(httpx.URL(first)) == origin_of(httpx.URL(second))) is same
