"""Find a site's sitemap, and look whether its pages describe learning resources: as JSON-LD, or as microdata.

https://www.sitemaps.org/protocol.html ; the pages are requested as robots.txt allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from harvesters.client import join_address
from harvesters.documents.embedded import records_in
from harvesters.documents.locations import Sitemap, read_sitemap
from harvesters.documents.robots import Robots
from pipeline.detection.documents import Document
from pipeline.detection.found import Proposal, Trouble
from pipeline.detection.probing import Prober
from schemas import HarvestFailed, SourceRecord, sentence

_MAX_PAGES = 3  # that are looked at, spread over a sitemap
_MAX_SITEMAPS = 2  # of an index
_MAX_NAMED = 3  # in robots.txt
_SITEMAP_ROOTS = ("urlset", "sitemapindex")
# in the name of a sitemap: it is likelier to list learning resources than the others are
_WORDS = ("resource", "lesson", "course", "material", "oer", "publication", "item", "document", "ressource", "post")


_NOT_DESCRIBED = Trouble(
    what=sentence("The site has a sitemap, but the pages that were read do not describe any resource."),
    advice=sentence("Describe each resource in its page as JSON-LD (schema.org, type LearningResource)."),
)


def is_sitemap(document: Document) -> bool:
    """Return whether a document is a sitemap, or an index of sitemaps."""
    return document.root_name in _SITEMAP_ROOTS


def find_sitemap(prober: Prober, base: str) -> Iterator[Proposal]:
    """Yield the proposal for the sitemap that robots.txt names, or that is where sitemaps usually are."""
    host = join_address(base, "/") or base
    robots = prober.get(f"{host}robots.txt")
    named = _named_in(robots)
    usual = [f"{base.rstrip('/')}/sitemap.xml", f"{host}sitemap.xml"]
    for address in dict.fromkeys((*named, *usual[: 1 if named else 2])):
        document = prober.get(address)
        if document is not None and is_sitemap(document):
            proposals = list(propose_sitemap(prober, document))
            yield from proposals
            if proposals:
                return


def _named_in(robots: Document | None) -> list[str]:
    """Return the sitemaps that a robots.txt names."""
    if robots is None or robots.is_page or robots.status >= 400:
        return []
    lines = (line.partition(":") for line in robots.text(100_000).splitlines())
    named = (value.strip() for name, _, value in lines if name.strip().lower() == "sitemap")
    addresses = (join_address(robots.url, address) for address in named)
    return [address for address in addresses if address][:_MAX_NAMED]


def propose_sitemap(prober: Prober, document: Document) -> Iterator[Proposal]:
    """Yield the proposal for a sitemap of pages that describe resources; none if no page that was read does.

    Of an index the sitemap is proposed whose pages do.
    """
    sitemap = _read(document)
    if sitemap is None:
        return
    if not sitemap.is_index:
        yield from _of_pages(prober, document, sitemap)
        return
    addresses = [join_address(document.url, address) or "" for address, _ in sitemap.locations]
    for address in sorted(filter(None, addresses), key=_is_unlikely)[:_MAX_SITEMAPS]:
        proposals = list(_of_inner(prober, prober.get(address)))
        yield from proposals
        if proposals:
            return


def _of_inner(prober: Prober, document: Document | None) -> Iterator[Proposal]:
    """Yield the proposal for a sitemap that an index lists."""
    sitemap = _read(document) if document is not None else None
    if document is not None and sitemap is not None and not sitemap.is_index:
        yield from _of_pages(prober, document, sitemap)


def _is_unlikely(address: str) -> bool:
    return not any(word in urlsplit(address).path.lower() for word in _WORDS)


def _read(document: Document) -> Sitemap | None:
    try:
        return read_sitemap(document.reply, may_be_empty=True)
    except HarvestFailed:  # another document, which is no sitemap
        return None


def _of_pages(prober: Prober, document: Document, sitemap: Sitemap) -> Iterator[Proposal]:
    addresses = [address for location, _ in sitemap.locations if (address := join_address(document.url, location))]
    described, looked_at = _described(prober, _spread(addresses))
    if not described:
        prober.obstacle = _NOT_DESCRIBED
        return
    name = urlsplit(document.url).netloc
    yield Proposal(
        declaration={"protocol": "sitemap", "url": document.url, "format": "schema_org"},
        protocol="sitemap",
        recognised=sentence(
            "Sitemap of %(pages)s pages; %(described)s of %(read)s pages that were read describe a resource",
            pages=len(addresses),
            described=described,
            read=looked_at,
        ),
        name=name,
        records=described,
        total=len(addresses),
        warnings=(sentence("Each page is requested by itself, so that a harvest takes long."),),
    )


def _spread(addresses: Sequence[str]) -> list[str]:
    """Return a few addresses from the middle and the end of a list: its first page is often the home page."""
    count = len(addresses)
    positions = sorted({count // 2, count - 1, count // 4, 0} & set(range(count)), key=lambda at: (at == 0, at))
    return [addresses[position] for position in positions][:_MAX_PAGES]


def _described(prober: Prober, addresses: Sequence[str]) -> tuple[int, int]:
    """Return how many pages describe a resource, and how many were read."""
    if not addresses:
        return 0, 0
    try:
        robots = Robots(prober.client)
    except HarvestFailed:  # its rules cannot be asked, so that no page may be
        return 0, 0
    described = read = 0
    for address in addresses:
        page = prober.get(address) if robots.allow(address) else None
        if page is None or page.status >= 400:
            continue
        read += 1
        records = records_in(prober.client.feed, page.reply, address, None)
        described += any(isinstance(record, SourceRecord) for record in records)
    return described, read
