"""Every page of the web that a person reads, and how axe-core examines it in Chromium."""

from __future__ import annotations

from typing import NamedTuple

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
# A route of a page, and the addresses at which it is examined; braces stand for ids of tests/web/full_library.py
STEWARDS_PAGES = {
    "/console": ("/console",),
    "/console/quarantine": ("/console/quarantine", "/console/quarantine?feed=books&text=nothing"),
    "/console/pairs": ("/console/pairs", "/console/pairs?feed=posters"),
    "/console/terms": ("/console/terms", "/console/terms?field=subjects&examples=Fotos%C3%ADntesi"),
    "/console/runs": ("/console/runs",),
    "/console/runs/{run_id}": ("/console/runs/{run}", "/console/runs/{held_run}"),
    "/console/records": ("/console/records?key=books:100&path=levels&life=1", "/console/records?key=books:1"),
    "/console/resources/{resource_id}": ("/console/resources/{resource}",),
    "/console/decisions": ("/console/decisions",),
    "/console/feeds": ("/console/feeds",),
    "/console/feeds/{name}": ("/console/feeds/books", "/console/feeds/lessons"),
    "/console/links": ("/console/links",),
    "/console/search": ("/console/search?text=100", "/console/search?text=photosynthesis"),
    "/console/applications": ("/console/applications?all=1",),
    "/console/applications/{application_id}": (
        "/console/applications/{waiting_application}",
        "/console/applications/{change_application}",
        "/console/applications/{accepted_application}",
    ),
    "/console/reports": ("/console/reports",),
    "/console/work/{work_id}": ("/console/work/{work}", "/console/work/{failed_work}"),
    "/console/waiting/{token}": ("/console/waiting/{waiting}",),
}
PARTNERS_PAGES = {
    "/partners/applications/{application_id}": (
        "/partners/applications/{draft_application}",
        "/partners/applications/{tested_application}",
        "/partners/applications/{asked_application}",
        "/partners/applications/{declined_application}",
        "/partners/applications/{accepted_application}",
    ),
    "/partners/applications/{application_id}/test": (
        "/partners/applications/{draft_application}/test",
        "/partners/applications/{tested_application}/test",
        "/partners/applications/{failed_application}/test",
    ),
    "/partners/applications/{application_id}/submit": ("/partners/applications/{tested_application}/submit",),
    "/partners/feeds": ("/partners/feeds",),
    "/partners/feeds/{name}": ("/partners/feeds/lessons",),
    "/partners/feeds/{name}/fixes": (
        "/partners/feeds/lessons/fixes",
        "/partners/feeds/lessons/fixes?state=new",
        "/partners/feeds/lessons/fixes?rule=address_missing",
    ),
    "/partners/feeds/{name}/records": ("/partners/feeds/lessons/records?identifier=3",),
    "/partners/feeds/{name}/change": ("/partners/feeds/lessons/change",),
}
PUBLIC_PAGES = {
    "/sign-in": ("/sign-in",),
    "/partners": ("/partners",),
    "/partners/register": ("/partners/register",),
    "/partners/sign-in": ("/partners/sign-in",),
    "/partners/sign-in/{token}": ("/partners/sign-in/{sign_in}",),
    "/partners/previews/{token}": ("/partners/previews/{preview}",),
    "/partners/hand-over/{token}": ("/partners/hand-over/{hand_over}",),
    "/": ("/",),
    "/search": ("/search?q=class", "/search?q=nowhere"),
    "/resources/{resource_id}": ("/resources/{resource}", "/resources/{gone}", "/resources/never"),
    "/resources/{resource_id}/report": ("/resources/{resource}/report",),
    "/resources/{resource_id}/reported": (
        "/resources/{reported}/reported?kind=takedown&message=m",
        "/resources/{reported}/reported?kind=takedown&message=waits",
    ),
    "/downloads/": ("/downloads/",),
    "/privacy": ("/privacy",),
    "/accessibility": ("/accessibility",),
}
PAGES_OF_THE_API = {"/api/v1": ("/api/v1",)}  # an application of its own, whose other routes are for machines
STATUSES = {"/resources/{gone}": 410, "/resources/never": 404}  # of the addresses that are not answered with 200
NOT_PAGES = {
    "/partners/drafts/{token}": "a redirect",
    "/partners/feeds/{name}/fixes.csv": "a file",
    "/downloads": "a redirect",
    "/downloads/latest/{file_name}": "a redirect",
    "/downloads/{dump_name}/{file_name}": "a file",
    "/feed.atom": "for machines",
    "/robots.txt": "for machines",
    "/sitemap.xml": "for machines",
    "/sitemap-pages.xml": "for machines",
    "/sitemap-{first}.xml": "for machines",
    "/oai": "for machines",
    "/oai/schemas/{prefix}.xsd": "for machines",
    "/static/base.css": "a file",
    "/healthz": "for machines",
    "/metrics": "for machines",
}
# All rules of axe-core; of what it finds the first place of each
_RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`);
}"""


class Reader(NamedTuple):
    """Somebody who reads pages: an open page of a browser, and the language that it was opened in."""

    page: Page
    language: str


def problems_in(reader: Reader, path: str, status: int = 200) -> list[str]:
    """Open a page once; return what axe, the width and the direction of writing show in both widths and colours."""
    page = reader.page
    page.emulate_media(color_scheme="light")
    answer = page.goto(path)
    problems = [] if answer is not None and answer.status == status else [f"{path}: not answered with {status}"]
    return problems + problems_shown(reader, path)


def problems_shown(reader: Reader, path: str) -> list[str]:
    """Return what is wrong with the page that is open, as problems_in does."""
    page, problems = reader.page, list[str]()
    if page.get_attribute("html", "dir") != ("rtl" if reader.language == "ar" else "ltr"):
        problems.append(f"{path}: wrong direction")
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            problems += [f"{path} ({width}, {scheme}): {violation}" for violation in page.evaluate(_RUN_AXE)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"{path} is wider than {width}")
    return problems
