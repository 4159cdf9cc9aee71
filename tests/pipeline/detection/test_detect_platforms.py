"""Platforms by the address of their home page: what they are, which format is asked for, and that it is harvested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harvesters.loopback import (
    HEAD,
    TAIL,
    Answer,
    OaiServer,
    ReceivedRequest,
    oai_error,
)
from tests.pipeline.detection.partner_site import Route, answered, as_json, harvested, look, page, site

OAI_DC = ("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/")


def oai(*formats: tuple[str, str, str], broken: tuple[str, ...] = ()) -> Callable[[ReceivedRequest], Answer]:
    """A repository that offers formats by prefix, schema and namespace; those `broken` cannot be disseminated."""
    inner = OaiServer()

    def answer(request: ReceivedRequest) -> Answer:
        verb, prefix = request.params.get("verb"), request.params.get("metadataPrefix", "")
        if verb == "ListMetadataFormats":
            listed = "".join(
                f"<metadataFormat><metadataPrefix>{name}</metadataPrefix><schema>{schema}</schema>"
                f"<metadataNamespace>{namespace}</metadataNamespace></metadataFormat>"
                for name, schema, namespace in formats
            )
            return Answer(f"{HEAD}<ListMetadataFormats>{listed}</ListMetadataFormats>{TAIL}")
        if verb == "ListSets":
            return Answer(oai_error("noSetHierarchy"))
        if prefix in broken:
            return Answer(oai_error("cannotDisseminateFormat"))
        return inner(request)

    return answer


SITES: dict[str, tuple[dict[str, Route], str]] = {
    "DSpace 5 and 6": (
        {"/": page(head='<meta name="Generator" content="DSpace 6.3">'), "/oai/request": oai(OAI_DC)},
        "",
    ),
    "DSpace 7": ({"/": page("<ds-app></ds-app>"), "/server/oai/request": oai(OAI_DC)}, ""),
    "DSpace page": ({"/xmlui/handle/1/2": page(), "/oai/request": oai(OAI_DC)}, "xmlui/handle/1/2?show=full"),
    "EPrints": ({"/": page(head='<meta content="EPrints 3.4" name="Generator">'), "/cgi/oai2": oai(OAI_DC)}, ""),
    "OJS": (
        {"/index.php/physics/issue/current": page("/lib/pkp/js"), "/index.php/physics/oai": oai(OAI_DC)},
        "index.php/physics/issue/current",
    ),
    "OJS portal": ({"/": page("Open Journal Systems"), "/index.php/index/oai": oai(OAI_DC)}, ""),
    "Digital Commons": ({"/": page("bepress"), "/do/oai/": oai(OAI_DC)}, ""),
    "Invenio": ({"/": page("Invenio"), "/oai2d": oai(OAI_DC)}, ""),
    "Koha": (
        {"/cgi-bin/koha/opac-main.pl": page("Koha online"), "/cgi-bin/koha/oai.pl": oai(OAI_DC)},
        "cgi-bin/koha/opac-main.pl",
    ),
    "a linked base": ({"/": page('<a href="/records/oai-pmh">OAI-PMH</a>'), "/records/oai-pmh": oai(OAI_DC)}, ""),
    "a base without a page": ({"/services/oai": oai(OAI_DC)}, "services/oai/"),
    "no sign of it": ({"/": page(), "/oai2": oai(OAI_DC)}, ""),
}
_TRAILING = {"/services/oai": "/services/oai/"}


@pytest.mark.parametrize("name", SITES)
def test_an_oai_pmh_repository_is_found_where_its_platform_has_it(name: str, tmp_path: Path) -> None:
    routes, path = SITES[name]
    routes = {**routes, **{slashed: routes[plain] for plain, slashed in _TRAILING.items() if plain in routes}}
    with site(routes) as server:
        detection = look(f"{server.url}/{path}", tmp_path)
        assert [proposal.protocol for proposal in detection.proposals] == ["oai_pmh"]
        assert len(server.requests) <= 25
        assert len(harvested(detection.proposals[0], tmp_path)) == 25


def test_forms_to_sign_in_on_every_page_do_not_end_the_search(tmp_path: Path) -> None:
    form = '<form action="/login"><input type="password"></form>'
    absent = Answer(f"<html><body>{form}No such page</body></html>", 404, {"Content-Type": "text/html"})
    home = page(form + "<p>Our lessons</p>" * 2_000)
    with site({"/": home, "/ws/oai": oai(OAI_DC)}, absent) as server:
        assert look(server.url, tmp_path).proposals[0].protocol == "oai_pmh"


FORMATS = {
    "lom under another prefix": (
        [OAI_DC, ("teach", "http://ltsc.ieee.org/xsd/lomv1.0/lom.xsd", "http://ltsc.ieee.org/xsd/LOM")],
        (),
        {"format": "lom", "prefix": "teach"},
    ),
    "marc of two kinds": (
        [
            OAI_DC,
            ("unimarc", "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd", "http://www.loc.gov/MARC21/slim"),
        ],
        (),
        {"format": "unimarc"},
    ),
    "dim before oai_dc": (
        [OAI_DC, ("dim", "http://www.dspace.org/schema/dim.xsd", "http://www.dspace.org/xmlns/dspace/dim")],
        (),
        {"format": "dim"},
    ),
    "a format that does not come": (
        [OAI_DC, ("dim", "http://www.dspace.org/schema/dim.xsd", "http://www.dspace.org/xmlns/dspace/dim")],
        ("dim",),
        {"format": "oai_dc"},
    ),
    "by its prefix alone": ([("DC", "", "")], (), {"format": "oai_dc", "prefix": "DC"}),
    "one that nobody reads beside it": ([("rdf", "", "urn:x"), OAI_DC], (), {"format": "oai_dc"}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_best_format_that_comes_is_chosen_whatever_its_prefix(name: str, tmp_path: Path) -> None:
    formats, broken, expected = FORMATS[name]
    with site({"/oai": oai(*formats, broken=broken)}) as server:
        best = look(f"{server.url}/oai", tmp_path).proposals[0]
        chosen = {key: value for key, value in best.declaration.items() if key in ("format", "prefix")}
        assert chosen == expected
        assert len(harvested(best, tmp_path, limit=5)) > 0


def test_a_repository_that_takes_post_only_is_asked_so(tmp_path: Path) -> None:
    inner = oai(OAI_DC)

    def answer(request: ReceivedRequest) -> Answer:
        return inner(request) if request.method == "POST" else Answer("no GET", 405)

    with site({"/oai": answer}) as server:
        best = look(f"{server.url}/oai", tmp_path).proposals[0]
        assert best.declaration["request"] == {"method": "POST"}
        assert len(harvested(best, tmp_path)) == 25


def test_a_repository_whose_formats_nobody_reads_is_not_proposed(tmp_path: Path) -> None:
    with site({"/oai": oai(("rdf", "", "urn:x"))}) as server:
        detection = look(f"{server.url}/oai", tmp_path)
    assert not detection.proposals
    assert detection.trouble is not None
    assert "format" in str(detection.trouble.what)


def test_errors_with_an_error_status_are_still_oai_pmh(tmp_path: Path) -> None:
    inner = oai(OAI_DC)

    def answer(request: ReceivedRequest) -> Answer:
        if not request.params:
            return Answer(oai_error("badVerb"), 400)
        return inner(request)

    with site({"/oai": answer}) as server:
        assert look(f"{server.url}/oai", tmp_path).proposals[0].protocol == "oai_pmh"


def test_the_set_and_the_query_that_were_typed_are_kept(tmp_path: Path) -> None:
    inner = oai(OAI_DC)

    def answer(request: ReceivedRequest) -> Answer:
        return inner(request) if request.params.get("db") == "school" else Answer("which db?", 400)

    with site({"/oai": answer}) as server:
        typed = f"{server.url}/oai?db=school&verb=ListRecords&metadataPrefix=oai_dc&set=lessons"
        best = look(typed, tmp_path).proposals[0]
        assert best.declaration["url"] == f"{server.url}/oai"
        assert best.declaration["sets"] == ["lessons"]
        assert best.declaration["request"] == {"params": {"db": "school"}}
        harvested(best, tmp_path)
        assert {request.params["db"] for request in server.requests} == {"school"}


def test_the_address_that_a_repository_has_moved_to_is_proposed(tmp_path: Path) -> None:
    def moved(request: ReceivedRequest) -> Answer:
        return Answer(status=301, headers={"Location": f"/new/oai?verb={request.params.get('verb', '')}"})

    with site({"/oai": moved, "/new/oai": oai(OAI_DC)}) as server:
        assert look(server.url, tmp_path).proposals[0].declaration["url"] == f"{server.url}/new/oai"


POSTS = [
    {
        "id": number,
        "date_gmt": "2024-01-02T00:00:00",
        "modified_gmt": "2024-01-03T00:00:00",
        "slug": f"lesson-{number}",
        "link": f"https://school.example/lesson-{number}",
        "title": {"rendered": f"Lesson {number} &#8211; the garden"},
        "content": {"rendered": "<p>What grows in the garden.</p>", "protected": False},
    }
    for number in range(1, 13)
]


def posts(request: ReceivedRequest) -> Answer:
    size, number = int(request.params.get("per_page", 10)), int(request.params.get("page", 1))
    if (number - 1) * size >= len(POSTS):
        return as_json({"code": "rest_post_invalid_page_number"}) if number == 1 else Answer("{}", 400)
    return as_json(POSTS[(number - 1) * size : number * size], X_WP_Total=str(len(POSTS)))


def wordpress(*types: str) -> dict[str, Route]:
    routes = {f"/wp/v2/{name}": {"endpoints": [{"args": {"modified_after": {}}}]} for name in ("posts", *types)}
    listed = {name: {"name": name.title(), "rest_base": name, "rest_namespace": "wp/v2"} for name in types}
    return {
        "/wp-json/": {"name": "A school", "namespaces": ["wp/v2"], "routes": routes},
        "/wp-json/wp/v2/types": {"post": {"name": "Posts", "rest_base": "posts"}, **listed},
        **{f"/wp-json/wp/v2/{name}": posts for name in ("posts", *types)},
    }


@pytest.mark.parametrize("path", ["", "about/us", "wp-json/", "wp-json/wp/v2/posts?page=2", "wp-admin/"])
def test_a_wordpress_site_is_found_from_any_of_its_addresses(path: str, tmp_path: Path) -> None:
    pages = {f"/{path}": page(head='<link rel="https://api.w.org/" href="/wp-json/">')} if "json" not in path else {}
    with site({**wordpress(), **pages}) as server:
        best = look(f"{server.url}/{path}", tmp_path).proposals[0]
        assert best.declaration["format"] == "wordpress"
        assert len(harvested(best, tmp_path)) == 12


def test_a_wordpress_site_without_permalinks_is_asked_by_its_route(tmp_path: Path) -> None:
    pretty = wordpress()
    home = page("wp-content", '<link rel="https://api.w.org/" href="/?rest_route=/">')

    def answer(request: ReceivedRequest) -> Answer:
        route = request.params.get("rest_route")
        path = f"/wp-json{route}" if route else ""
        return answered(pretty[path], request) if path in pretty else home if not route else Answer("{}", 404)

    with site({"/": answer}) as server:
        best = look(server.url, tmp_path).proposals[0]
        assert best.declaration["request"]["params"] == {"rest_route": "/wp/v2/posts"}
        assert len(harvested(best, tmp_path)) == 12


def test_a_type_named_as_learning_resources_comes_before_the_posts(tmp_path: Path) -> None:
    with site({**wordpress("lessons", "testimonials"), "/": page("wp-content")}) as server:
        proposals = look(server.url, tmp_path).proposals
    assert [proposal.declaration["url"].rpartition("/")[2] for proposal in proposals] == ["lessons", "posts"]


def test_a_wordpress_site_that_closes_its_interface_is_proposed_by_its_feed(tmp_path: Path) -> None:
    closed = as_json({"code": "rest_not_logged_in", "data": {"status": 401}})
    closed.status = 401
    head = '<link rel="alternate" type="application/rss+xml" href="/feed/">'
    with site({"/": page("wp-content", head), "/wp-json/": closed, "/feed/": RSS}) as server:
        proposals = look(server.url, tmp_path).proposals
        assert [proposal.protocol for proposal in proposals] == ["rss"]
        assert len(harvested(proposals[0], tmp_path)) == 2


RSS = (
    '<rss version="2.0"><channel><title>News</title><link>https://school.example</link>'
    "<item><guid>1</guid><title>One</title><link>https://school.example/1</link></item>"
    "<item><guid>2</guid><title>Two</title><link>https://school.example/2</link></item></channel></rss>"
)
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><id>urn:n</id>'
    "<entry><id>1</id><title>One</title></entry><entry><id>2</id><title>Two</title></entry></feed>"
)


@pytest.mark.parametrize("feed", [RSS, ATOM])
def test_a_feed_is_found_by_the_link_of_a_page_but_not_that_of_comments(feed: str, tmp_path: Path) -> None:
    head = (
        '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">'
        '<link rel="alternate" type="application/atom+xml" href="news.xml">'
    )
    with site({"/": page(head=head), "/news.xml": feed, "/comments/feed": RSS}) as server:
        proposals = look(server.url, tmp_path).proposals
        assert [proposal.declaration["url"] for proposal in proposals] == [f"{server.url}/news.xml"]
        assert len(harvested(proposals[0], tmp_path)) == 2


LD = (
    '<script type="application/ld+json">{"@context": "https://schema.org", "@type": "LearningResource", '
    '"name": "The garden", "url": "https://school.example/garden"}</script>'
)


def sitemap(*locations: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{each}</loc></url>' for each in locations)}</urlset>"


def test_the_sitemap_that_robots_txt_names_is_proposed_if_its_pages_describe_resources(tmp_path: Path) -> None:
    routes = {
        "/": page(),
        "/robots.txt": "User-agent: *\nDisallow: /hidden/\nSitemap: /maps/all.xml\n",
        "/maps/all.xml": "<sitemapindex><sitemap><loc>/maps/1.xml</loc></sitemap></sitemapindex>",
        "/maps/1.xml": sitemap("/a", "/hidden/b", "/c", "/hidden/d"),
        "/a": page(head=LD),
        "/c": page(head=LD),
    }
    with site(routes) as server:
        proposals = look(server.url, tmp_path).proposals
        assert not [request.path for request in server.requests if request.path.startswith("/hidden")]
        assert [proposal.protocol for proposal in proposals] == ["sitemap"]
        assert len(harvested(proposals[0], tmp_path)) == 2


def test_a_sitemap_of_pages_that_describe_nothing_is_not_proposed(tmp_path: Path) -> None:
    with site({"/": page(), "/sitemap.xml": sitemap("/a", "/c"), "/a": page(), "/c": page()}) as server:
        detection = look(f"{server.url}/sitemap.xml", tmp_path)
    assert not detection.proposals
    assert detection.trouble is not None


def items(request: ReceivedRequest) -> Answer:
    number, size = int(request.params.get("page", 0)), int(request.params.get("size", 20))
    objects = [
        {
            "_embedded": {
                "indexableObject": {
                    "uuid": f"u{n}",
                    "name": f"Item {n}",
                    "handle": f"1/{n}",
                    "metadata": {"dc.title": [{"value": f"Item {n}", "language": "en"}]},
                }
            }
        }
        for n in range(30)
    ]
    shown = objects[number * size : (number + 1) * size]
    result = {"_embedded": {"objects": shown}, "page": {"number": number, "size": size, "totalElements": 30}}
    return as_json({"_embedded": {"searchResult": result}})


def test_a_dspace_7_without_oai_pmh_is_asked_by_its_search(tmp_path: Path) -> None:
    root = {"dspaceUI": "https://x.example", "dspaceVersion": "DSpace 7.6", "_links": {}}
    with site({"/": page("dspace"), "/server/api": root, "/server/api/discover/search/objects": items}) as server:
        best = look(server.url, tmp_path).proposals[0]
        assert best.declaration["format"] == "dspace7"
        assert best.total == 30
        assert len(harvested(best, tmp_path)) == 30


def test_the_root_of_a_dspace_7_interface_leads_to_its_oai_pmh(tmp_path: Path) -> None:
    root = {"dspaceUI": "https://x.example", "dspaceVersion": "DSpace 8.0", "_links": {}}
    with site({"/server/api": root, "/server/oai/request": oai(OAI_DC)}) as server:
        best = look(f"{server.url}/server/api", tmp_path).proposals[0]
        assert best.declaration["url"] == f"{server.url}/server/oai/request"


def test_a_dspace_6_without_oai_pmh_is_asked_by_its_rest_interface(tmp_path: Path) -> None:
    def rows(request: ReceivedRequest) -> Answer:
        start, size = int(request.params.get("offset", 0)), int(request.params.get("limit", 100))
        row = {"metadata": [{"key": "dc.title", "value": "Item"}], "lastModified": "2024-01-01 10:00:00.0"}
        listed = [{"uuid": f"u{n}", "handle": f"1/{n}", **row} for n in range(30)]
        return as_json(listed[start : start + size])

    status = {"okay": True, "authenticated": False, "sourceVersion": "6.3", "apiVersion": "6"}
    with site({"/": page("DSpace"), "/rest/status": status, "/rest/items": rows}) as server:
        best = look(server.url, tmp_path).proposals[0]
        assert best.declaration["format"] == "dspace6"
        assert len(harvested(best, tmp_path)) == 30


def invenio(request: ReceivedRequest) -> Answer:
    number, size = int(request.params.get("page", 1)), int(request.params.get("size", 10))
    hits = [
        {"id": f"h{n}", "links": {"self_html": f"https://x.example/{n}"}, "metadata": {"title": f"T {n}"}}
        for n in range(23)
    ]
    more = {"next": f"/api/records?page={number + 1}&size={size}"} if number * size < 23 else {}
    return as_json({"hits": {"hits": hits[(number - 1) * size : number * size], "total": 23}, "links": more})


def ckan(request: ReceivedRequest) -> Answer:
    start, size = int(request.params.get("start", 0)), int(request.params.get("rows", 10))
    rows = [
        {"id": f"c{n}", "name": f"set-{n}", "title": f"Set {n}", "resources": [], "metadata_modified": "2024-01-01"}
        for n in range(23)
    ]
    return as_json({"success": True, "result": {"count": 23, "results": rows[start : start + size]}})


def edu_sharing(request: ReceivedRequest) -> Answer:
    if request.method != "POST" or "criteria" not in request.json:
        return Answer("{}", 405)
    start, size = int(request.params.get("skipCount", 0)), int(request.params.get("maxItems", 10))
    nodes: list[dict[str, Any]] = [
        {
            "ref": {"id": f"n{n}"},
            "name": f"N {n}",
            "properties": {"cclom:title": [f"Node {n}"]},
            "content": {"url": "https://x.example"},
        }
        for n in range(23)
    ]
    shown = nodes[start : start + size]
    return as_json({"nodes": shown, "pagination": {"total": 23, "from": start, "count": len(shown)}})


INTERFACES: dict[str, dict[str, Route]] = {
    "InvenioRDM": {"/": page("InvenioRDM"), "/api/records": invenio},
    "CKAN": {"/": page("ckan"), "/api/3/action/package_search": ckan},
    "edu-sharing": {
        "/": page("edu-sharing"),
        "/edu-sharing/rest/_about": {"version": {"repository": "9.0"}},
        "/edu-sharing/rest/search/v1/queries/-home-/-default-/ngsearch": edu_sharing,
    },
}


@pytest.mark.parametrize("name", INTERFACES)
def test_an_interface_without_oai_pmh_is_read_by_a_map(name: str, tmp_path: Path) -> None:
    with site(INTERFACES[name]) as server:
        best = look(server.url, tmp_path).proposals[0]
        assert name.lower() in str(best.recognised).lower()
        assert best.total == 23
        assert len({each.identifier for each in harvested(best, tmp_path)}) == 23


def test_a_search_that_was_typed_keeps_what_it_searches_for(tmp_path: Path) -> None:
    with site({"/api/records": invenio}) as server:
        best = look(f"{server.url}/api/records?q=water&communities=school&page=2", tmp_path).proposals[0]
        harvested(best, tmp_path)
        queries = [request.params for request in server.requests if "q" in request.params]
    assert best.declaration["request"]["params"] == {"q": "water", "communities": "school"}
    assert [query["communities"] for query in queries] == ["school", "school"]


def test_an_xml_list_is_read_by_the_format_that_fits(tmp_path: Path) -> None:
    lom = (
        '<lom xmlns="http://ltsc.ieee.org/xsd/LOM" id="{0}"><general>'
        '<title><string language="en">Garden {0}</string></title>'
        "<identifier><catalog>URI</catalog><entry>https://school.example/{0}</entry></identifier><language>en</language>"
        '<description><string language="en">What grows.</string></description></general></lom>'
    )
    with site({"/all.xml": f"<list>{''.join(lom.format(n) for n in range(4))}</list>"}) as server:
        best = look(f"{server.url}/all.xml", tmp_path).proposals[0]
        assert (best.declaration["format"], best.declaration["identifier"]) == ("lom", "id")
        assert len(harvested(best, tmp_path)) == 4


def test_an_xml_list_that_no_format_reads_is_a_trouble_that_names_its_elements(tmp_path: Path) -> None:
    with site({"/all.xml": "<stock><part id='1'><w>2</w></part><part id='2'><w>3</w></part></stock>"}) as server:
        trouble = look(f"{server.url}/all.xml", tmp_path).trouble
    assert trouble is not None
    assert "stock" in str(trouble.what)
    assert "part" in str(trouble.what)


def test_a_page_of_records_by_get_record_style_listing_is_no_proof_of_anything(tmp_path: Path) -> None:
    """A JSON list that ignores its query answers Identify with 200, and is a JSON list."""
    rows = [{"id": n, "title": f"The garden in week {n}"} for n in range(3)]
    with site({"/list": rows, "/list/oai": rows}) as server:
        best = look(f"{server.url}/list?verb=Identify", tmp_path).proposals[0]
        assert best.protocol == "rest"
        assert best.declaration["url"] == f"{server.url}/list"
