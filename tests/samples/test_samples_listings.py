"""The paged lists behind the JSON samples answer as the partners' servers do."""

from __future__ import annotations

import httpx
import pytest
from lxml import etree
from walking import rows_by_offset

from samples import ReplayServer

DOC001 = "/unesco/opendatasoft/api/explore/v2.1/catalog/datasets/doc001/records"
POSTS = "/iite/wp-json/wp/v2/posts"
SEARCH = "/graasp/items/collections/search"


@pytest.mark.parametrize("size", [3, 10, 100])
def test_opendatasoft_by_offset_and_limit(server: ReplayServer, client: httpx.Client, size: int) -> None:
    url = server.url + DOC001
    rows = rows_by_offset(client, url, "results", "offset", "limit", size)
    assert len(rows) == client.get(url).json()["total_count"]
    assert len({row["url"] for row in rows}) == len(rows)


def test_opendatasoft_refines_and_refuses_past_its_window(server: ReplayServer, client: httpx.Client) -> None:
    url = server.url + DOC001
    russian = client.get(url, params={"refine": "language:rus", "limit": 100}).json()
    assert 0 < russian["total_count"] == len(russian["results"])
    assert all("rus" in row["language"] for row in russian["results"])
    for params in ({"limit": 101}, {"offset": 9_999, "limit": 10}):
        assert client.get(url, params=params).status_code == 400


def test_wordpress_says_its_totals_in_headers_and_refuses_a_page_past_the_last(
    server: ReplayServer, client: httpx.Client
) -> None:
    url = server.url + POSTS
    first = client.get(url, params={"per_page": 8, "page": 1})
    pages = int(first.headers["x-wp-totalpages"])
    rows = [row for page in range(1, pages + 1) for row in client.get(url, params={"per_page": 8, "page": page}).json()]
    assert len({row["id"] for row in rows}) == len(rows) == int(first.headers["x-wp-total"])
    past = client.get(url, params={"per_page": 8, "page": pages + 1})
    assert (past.status_code, past.json()["code"]) == (400, "rest_post_invalid_page_number")
    changed = client.get(url, params={"per_page": 100, "modified_after": "2024-06-01T00:00:00Z"}).json()
    assert 0 < len(changed) < len(rows)
    assert client.get(url, params={"modified_after": "2999-01-01T00:00:00"}).json() == []


def test_graasp_is_searched_by_post(server: ReplayServer, client: httpx.Client) -> None:
    url = server.url + SEARCH
    pages = [client.post(url, json={"query": "", "page": page, "hitsPerPage": 8}).json() for page in (1, 2, 3, 4)]
    hits = [hit["id"] for page in pages for hit in page["hits"]]
    assert len(set(hits)) == len(hits) == pages[0]["totalHits"]
    assert pages[3]["hits"] == []


def test_the_token_api_is_cut_by_batches_and_keeps_its_undeclared_entities(
    server: ReplayServer, client: httpx.Client
) -> None:
    url = server.url + "/alecso/api/search"
    texts = [client.get(url, params={"batch_start": start, "batch_size": 8}).text for start in (0, 8, 16, 24)]
    assert [text.count("<result ") for text in texts] == [8, 8, 4, 0]
    assert "&mdash;" in texts[0]
    with pytest.raises(etree.XMLSyntaxError, match="mdash"):
        etree.fromstring(texts[0].encode())
