"""Detect which source answers at an address, or is in a file: the typed address first, then the site around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pipeline.detection.archives import propose_bytes, propose_path
from pipeline.detection.documents import Document
from pipeline.detection.found import Detection, Probe, Proposal, Trouble, shortened
from pipeline.detection.json_lists import propose_json
from pipeline.detection.oai import (
    TypedRequest,
    identify,
    identify_by_post,
    is_oai_pmh,
    propose_repository,
    typed_request,
)
from pipeline.detection.platforms import (
    PLATFORMS,
    is_dspace7,
    is_opendatasoft,
    is_wordpress_index,
    propose_dspace7,
    propose_opendatasoft,
    propose_opendatasoft_list,
    propose_wordpress,
    propose_wordpress_index,
)
from pipeline.detection.probing import BoundsReached, DetectionBounds, Prober
from pipeline.detection.sitemaps import find_sitemap, is_sitemap, propose_sitemap
from pipeline.detection.sites import (
    common_oai_paths,
    families,
    join_path,
    oai_links,
    rare_oai_paths,
    signed_oai_paths,
    site_addresses,
    typed_links,
    with_query,
    without_query,
)
from pipeline.detection.tables import propose_table
from pipeline.detection.troubles import nothing_in_file, nothing_recognised, unreadable_file
from pipeline.detection.typed_address import read_address
from pipeline.detection.xml_documents import is_feed, propose_xml
from schemas import Environment, HarvestFailed, sentence

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/rdf+xml")
_MAX_FEEDS = 2
_MAX_SHOWN_CHARS = 500  # of an address that was typed
_WORDPRESS = b"wordpress"
_OAI_ARGUMENTS = frozenset({"verb", "metadataPrefix", "resumptionToken"})
_METHOD_REFUSED = (405, 501)


def detect(address: str, env: Environment, *, bounds: DetectionBounds | None = None) -> Detection:
    """Return what answers at an address that a person typed; never raises because of it or of the server.

    The requests go through `harvesters.client`: `env.allow_private` names the hosts that need not be public.
    """
    typed = read_address(address)
    if isinstance(typed, Trouble):
        return Detection(address=shortened(address, _MAX_SHOWN_CHARS), trouble=typed)
    with Prober(typed[0], env, bounds or DetectionBounds()) as prober:
        search = _Search(prober, typed)
        proposals = search.collect()
        return Detection(
            address=search.address,
            proposals=tuple(proposals),
            probes=tuple(prober.probes),
            trouble=None if proposals else nothing_recognised(prober, search.document),
        )


def detect_file(path: Path, name: str) -> Detection:
    """Return what an uploaded file holds; `name` is what its owner calls it. Never raises because of the file.

    The url of a proposal is `inbox:` and the name: keep the file there under ELIB_HOME/inbox before it is harvested.
    """
    try:
        proposals = tuple(propose_path(path, f"inbox:{name}", name))
        trouble = None if proposals else nothing_in_file()
    except HarvestFailed as failure:
        proposals, trouble = (), unreadable_file(failure)
    result = sentence("A file that can be harvested.") if proposals else sentence("Nothing that can be harvested.")
    return Detection(address=name, proposals=proposals, probes=(Probe(address=name, result=result),), trouble=trouble)


class _Search:
    """The search for a source at an address, and around it."""

    def __init__(self, prober: Prober, typed: tuple[str, ...]) -> None:
        self.prober = prober
        self.typed = typed
        self.address = typed[0]
        self.document: Document | None = None  # at the typed address

    def collect(self) -> list[Proposal]:
        """Return the proposals, best first; those that were found before the bounds were reached."""
        proposals: list[Proposal] = []
        try:
            for proposal in self._proposals():
                if proposal.declaration not in [each.declaration for each in proposals]:
                    proposals.append(proposal)
        except BoundsReached:
            pass
        return sorted(proposals, key=lambda proposal: _ORDER.get(proposal.protocol, 0))

    def _proposals(self) -> Iterator[Proposal]:
        self.document = self._first()
        if self.document is not None and not is_oai_pmh(self.document):
            self.document = self._without_verb(self.document)
        if self.document is None:
            return
        self.prober.typed_url = self.document.url
        exact = False
        for proposal in self._exact(self.document):
            exact = True
            yield proposal
        if not exact:
            yield from self._around(self.document)

    def _first(self) -> Document | None:
        """Return what the typed address answers, with the first scheme that does."""
        for address in self.typed:
            self.address = address
            document = self.prober.get(address)
            if document is not None:
                return document
            if self.prober.failures[-1].cause == "forbidden_address":
                return None
        return None

    def _without_verb(self, document: Document) -> Document | None:
        """Return what the address answers without the arguments of OAI-PMH, which it does not speak."""
        parts = urlsplit(document.url)
        kept = [(name, value) for name, value in parse_qsl(parts.query, True) if name not in _OAI_ARGUMENTS]
        if len(kept) == len(parse_qsl(parts.query, True)):
            return document
        return self.prober.get(urlunsplit(parts._replace(query=urlencode(kept)))) or document

    # the typed address itself

    def _exact(self, document: Document) -> Iterator[Proposal]:
        """Yield the proposals for what the typed address itself answers."""
        if document.is_archive and document.status < 400:
            yield from self._archive(document)
        elif is_oai_pmh(document):
            yield from self._repository(typed_request(document.url))
        elif document.status in _METHOD_REFUSED:
            yield from self._repository_by_post(without_query(document.url))
        elif document.json is not None:
            yield from self._json(document)
        elif document.xml is not None:
            yield from self._xml(document)
        else:
            yield from propose_table(document)

    def _archive(self, document: Document) -> Iterator[Proposal]:
        try:
            yield from propose_bytes(document.body, document.url, document.url.rpartition("/")[2])
        except HarvestFailed as failure:
            self.prober.failures.append(failure)

    def _repository(self, typed: TypedRequest) -> Iterator[Proposal]:
        url = with_query(typed.base, urlencode(typed.params)) if typed.params else typed.base
        identity = identify(self.prober, url)
        if identity is not None:
            yield from propose_repository(self.prober, typed.base, identity, typed=typed)

    def _repository_by_post(self, base: str) -> Iterator[Proposal]:
        identity = identify_by_post(self.prober, base)
        if identity is not None:
            yield from propose_repository(self.prober, base, identity, method="POST")

    def _json(self, document: Document) -> Iterator[Proposal]:
        if is_wordpress_index(document):
            yield from propose_wordpress_index(self.prober, document)
        elif is_dspace7(document):
            yield from propose_dspace7(self.prober, document)
        elif is_opendatasoft(document) and "/catalog/datasets" in document.url:
            yield from propose_opendatasoft_list(self.prober, document)
        elif document.status < 400:
            yield from propose_json(self.prober, document)

    def _xml(self, document: Document) -> Iterator[Proposal]:
        if document.status >= 400:
            return
        if is_sitemap(document):
            yield from propose_sitemap(self.prober, document)
            return
        if is_feed(document) and _WORDPRESS in document.body[:4_000].lower():
            for base in site_addresses(document.url)[:1]:
                yield from propose_wordpress(self.prober, base, None)
        yield from propose_xml(self.prober, document)

    # the site around it

    def _around(self, document: Document) -> Iterator[Proposal]:
        """Yield the proposals of the first family that answers on the site; else those of its feeds and its sitemap.

        What the page links to and has signs of comes first, then what is commonest, each at the bases that an address
        may have; a feed of the newest entries does not end the search.
        """
        page = document if document.is_page else None
        main, *others = site_addresses(document.url)
        steps: tuple[Iterator[Proposal], ...] = (
            self._linked_repositories(page),
            *(self._with_signs(base, page) for base in (main, *others)),
            self._commonest(main, page),
            self._feeds(page),
            find_sitemap(self.prober, main),
            self._repositories(main, rare_oai_paths()),
            *(self._commonest(base, page) for base in others),
            self._platforms(main, page),
        )
        for step in steps:
            is_found = False
            for proposal in step:
                is_found |= _ORDER.get(proposal.protocol, 0) < _ORDER["rss"]
                yield proposal
            if is_found:
                return

    def _linked_repositories(self, page: Document | None) -> Iterator[Proposal]:
        yield from self._first_repository(oai_links(page))

    def _with_signs(self, base: str, page: Document | None) -> Iterator[Proposal]:
        """Yield the proposals of the platforms that the page has signs of, by OAI-PMH before their own interfaces."""
        proposals = list(self._repositories(base, signed_oai_paths(page)))
        yield from proposals
        for family in families(page) if not proposals else ():
            yield from PLATFORMS[family](self.prober, base, page)

    def _commonest(self, base: str, page: Document | None) -> Iterator[Proposal]:
        """Yield the proposals of what many sites have, whatever their pages hold."""
        if "oai" in base.lower() or page is None:
            proposals = list(self._first_repository([base.rstrip("/")]))
            yield from proposals
            if proposals:
                return
        for propose in (propose_wordpress, self._common_repositories, propose_opendatasoft):
            proposals = list(propose(self.prober, base, page))
            yield from proposals
            if proposals:
                return

    def _common_repositories(self, _prober: Prober, base: str, _page: Document | None) -> Iterator[Proposal]:
        yield from self._repositories(base, common_oai_paths())

    def _repositories(self, base: str, paths: Iterable[str]) -> Iterator[Proposal]:
        yield from self._first_repository(join_path(base, path) for path in paths)

    def _first_repository(self, places: Iterable[str]) -> Iterator[Proposal]:
        """Yield the proposal for the repository that answers at the first of some places."""
        for place in places:
            identity = identify(self.prober, place)
            if identity is not None:
                yield from propose_repository(self.prober, place, identity)
                return

    def _platforms(self, base: str, page: Document | None) -> Iterator[Proposal]:
        """Yield the proposals of the first platform that answers."""
        for propose in PLATFORMS.values():
            proposals = list(propose(self.prober, base, page))
            yield from proposals
            if proposals:
                return

    def _feeds(self, page: Document | None) -> Iterator[Proposal]:
        """Yield the proposals for the feeds that the typed page links to, but for those of comments."""
        links = typed_links(page, "alternate", *_FEED_TYPES)
        chosen = [address for address, title in links if "comment" not in f"{address} {title}".lower()]
        for address in chosen[:_MAX_FEEDS]:
            document = self.prober.get(address)
            if document is not None and is_feed(document):
                yield from propose_xml(self.prober, document)


_ORDER = {"sitemap": 1, "rss": 2}  # behind all other protocols
