"""Web addresses: for showing, and for comparing."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transforms.normalize.urls import canonical_url, web_address


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("www.golabz.eu/lab/x", "http://www.golabz.eu/lab/x"),
        ("//host.org/x", "https://host.org/x"),
        ("http:/one.org/a", "http://one.org/a"),
        (" <https://x.org/a b.pdf> ", "https://x.org/a%20b.pdf"),
        ("HTTPS://X.org/A", "https://X.org/A"),
        ("http://пример.рф/путь", "http://пример.рф/путь"),
        ("golabz.eu", "http://golabz.eu"),
        ("https://https://x.org/a", "https://x.org/a"),
        ("http://x.org/a?b=1&amp;c=2", "http://x.org/a?b=1&c=2"),
    ],
)
def test_addresses_as_given(written: str, address: str) -> None:
    assert web_address(written) == address


@pytest.mark.parametrize(
    "written",
    [
        "",
        "10.1234/abc",
        "book.pdf",
        "mailto:x@y.org",
        "handle: 12/2",
        "http://",
        "e.g. see",
        "See http://x.org/a",
        "a b c",
    ],
)
def test_no_addresses(written: str) -> None:
    assert web_address(written) is None
    assert canonical_url(written) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("http://example.org", "https://EXAMPLE.org/"),
        ("http://example.org/a/../b/./c/", "http://example.org/b/c"),
        ("http://example.org/a?b=1&amp;c=2", "http://example.org/a?c=2&b=1"),
        ("http://example.org:80/a", "https://example.org:443/a/"),
        ("https://example.org/a?utm_source=x&b=2&a=1", "https://example.org/a?a=1&b=2#top"),
        ("https://münchen.de/straße", "https://xn--mnchen-3ya.de/stra%c3%9fe"),
        ("https://example.org/%7euser", "https://example.org/~user"),
        ("https://example.org//a//b", "https://example.org/a/b"),
        ("http://example.org/a;jsessionid=1F", "https://example.org/a"),
    ],
)
def test_two_spellings_of_one_page_are_equal(left: str, right: str) -> None:
    assert canonical_url(left) == canonical_url(right) is not None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("https://example.org/a?id=1", "https://example.org/a?id=2"),
        ("https://www.example.org/a", "https://example.org/a"),
        ("https://example.org/#/record/1", "https://example.org/#/record/2"),
        ("https://example.org/A", "https://example.org/a"),
    ],
)
def test_two_pages_stay_two(left: str, right: str) -> None:
    assert canonical_url(left) != canonical_url(right)


@given(st.text(max_size=200))
def test_the_web_address_of_any_text_is_its_own_web_address(written: str) -> None:
    address = web_address(written)
    if address is not None:
        assert web_address(address) == address


@given(
    st.sampled_from(["http://", "https://", "", "//"]),
    st.sampled_from(["example.org", "www.Example.org:80", "пример.рф", "a.b.museum", "10.0.0.1", "x_y.org"]),
    st.text(max_size=60),
)
@example("http://", "example.org", "'#")
def test_the_canonical_form_is_its_own(scheme: str, host: str, rest: str) -> None:
    once = canonical_url(f"{scheme}{host}/{rest}")
    if once is not None:
        assert canonical_url(once) == once
        assert once.startswith("https://")
        assert once.isascii()
