"""Where a site may answer: the addresses above the one that was typed, and what its pages say that it runs on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from lxml import html

from harvesters.client import join_address
from pipeline.detection.documents import Document

_MAX_SEARCHED_BYTES = 500_000  # of a page, for signs of what the site runs on
_MAX_LINKS = 2_000
_MAX_TYPED = 20  # links of one relation
# of pages and services of platforms: what stands before is the site
_SERVICE_PATH = re.compile(
    r"/(?:wp-json|wp-content|wp-admin|xmlui|jspui|handle|bitstream|browse|discover|simple-search|community-list"
    r"|communities|collections|items|entities|server|rest|api|oai|oai2d|cgi|cgi-bin|do|explore|dataset|feed"
    r"|login|search|home|edu-sharing)(?:/|$)"
)
_FILE = re.compile(r"/[^/]{1,200}\.(?:html?|php|aspx?|jsp|xml|json|csv)$", re.IGNORECASE)
_JOURNAL = re.compile(r"/index\.php(?:/[^/]+)?(?=/|$)")


class _OaiPath(NamedTuple):
    """Where a platform answers OAI-PMH, and what its pages hold."""

    path: str
    signs: tuple[bytes, ...] = ()  # in small letters


_COMMON = (
    _OaiPath("oai", (b"dataverse", b"blacklight", b"omeka")),
    _OaiPath(
        "server/oai/request", (b"dspace-angular", b"ds-app", b"/server/api", b"dspace 7", b"dspace 8", b"dspace 9")
    ),
    _OaiPath("oai/request", (b"dspace",)),
    _OaiPath("cgi/oai2", (b"eprints",)),
    _OaiPath("do/oai/", (b"bepress", b"digital commons", b"digitalcommons")),
    _OaiPath("index.php/index/oai", (b"open journal systems", b"open monograph press", b"/lib/pkp/")),
    _OaiPath("oai2d", (b"invenio",)),
)
_RARE = (
    _OaiPath("api/oai", (b"phaidra",)),
    _OaiPath("cgi-bin/koha/oai.pl", (b"koha",)),
    _OaiPath("cgi/oai", (b"eprints",)),
    _OaiPath("oai.php"),
    _OaiPath("oai2"),
    _OaiPath("ws/oai", (b"pure portal", b"elsevier pure")),
)
# of other platforms: the name of a family of probes, and what its pages hold
_SIGNS = {
    "wordpress": (b"wp-content", b"wp-json", b"wp-includes", b"wordpress"),
    "dspace": (b"dspace",),
    "opendatasoft": (b"opendatasoft", b"/explore/dataset/", b"ods-theme"),
    "invenio": (b"invenio",),
    "edu_sharing": (b"edu-sharing",),
    "ckan": (b"ckan",),
}


def with_query(url: str, query: str) -> str:
    """Return an address with more of a query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment=""))


def without_query(url: str) -> str:
    """Return an address without its query and fragment."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def join_path(base: str, path: str) -> str:
    """Return the address of a path under a site, whose address may lack its last slash."""
    return f"{base.rstrip('/')}/{path}"


def site_addresses(url: str) -> list[str]:
    """Return where the site of an address may begin, with a last slash: the likeliest first, the host itself last."""
    parts = urlsplit(url)
    path = parts.path
    journal = _JOURNAL.search(path)
    service = _SERVICE_PATH.search(path)
    candidates = [path[: journal.end()]] if journal else []
    if service is not None:
        candidates.append(path[: service.start()])
    elif _FILE.search(path):
        candidates.append(path.rpartition("/")[0])
    elif not journal:
        candidates.append(path)
    addresses = (f"{parts.scheme}://{parts.netloc}{candidate.rstrip('/')}/" for candidate in (*candidates, ""))
    return list(dict.fromkeys(addresses))


def families(document: Document | None) -> list[str]:
    """Return the families of platforms that a page has signs of."""
    page = b"" if document is None else document.body[:_MAX_SEARCHED_BYTES].lower()
    return [family for family, signs in _SIGNS.items() if any(sign in page for sign in signs)]


def signed_oai_paths(document: Document | None) -> list[str]:
    """Return where OAI-PMH answers, under a site, on the platforms that its page has signs of."""
    page = b"" if document is None else document.body[:_MAX_SEARCHED_BYTES].lower()
    return [row.path for row in (*_COMMON, *_RARE) if any(sign in page for sign in row.signs)]


def common_oai_paths() -> list[str]:
    """Return where OAI-PMH answers under many sites."""
    return [row.path for row in _COMMON]


def rare_oai_paths() -> list[str]:
    """Return where else OAI-PMH may answer under a site."""
    return [row.path for row in _RARE]


def oai_links(document: Document | None) -> list[str]:
    """Return the base URLs of OAI-PMH that a page links to."""
    links = (link for link in page_links(document) if "verb=identify" in link.lower() or _is_oai_path(link))
    return list(dict.fromkeys(without_query(link) for link in links))[:3]


def _is_oai_path(link: str) -> bool:
    path = urlsplit(link).path.lower().rstrip("/")
    return path.endswith(("/oai", "/oai2", "/oai/request", "/oai2d", "/oai-pmh", "oai.pl", "/oai.php"))


def page_links(document: Document | None) -> Iterator[str]:
    """Yield the addresses that a web page links to, resolved."""
    if document is None or document.page is None:
        return
    for number, element in enumerate(document.page.iter("a", "link")):
        if number >= _MAX_LINKS:
            return
        link = join_address(document.url, element.get("href") or "") if element.get("href") else None
        if link is not None:
            yield link


def typed_links(document: Document | None, relation: str, *types: str) -> list[tuple[str, str]]:
    """Return address and title of the links in a page's head of one relation, and of one of the types if any is given.

    https://html.spec.whatwg.org/multipage/links.html
    """
    if document is None or document.page is None:
        return []
    fitting = [each for each in document.page.iter("link") if _has_relation(each, relation, types)][:_MAX_TYPED]
    named = ((join_address(document.url, each.get("href", "")), each.get("title", "")) for each in fitting)
    return [(address, title) for address, title in named if address is not None]


def _has_relation(link: html.HtmlElement, relation: str, types: tuple[str, ...]) -> bool:
    named = relation in link.get("rel", "").lower().split()
    return named and (not types or link.get("type", "").lower().strip() in types)
