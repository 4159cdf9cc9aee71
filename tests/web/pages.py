"""Every page of the web that a person reads, and how axe-core examines it in Chromium."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDTHS = (1280, 390)
COLOUR_RULES = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# A route of a page, and the addresses below which the browser tests open it
CONSOLE_AND_LIBRARY = {
    "/sign-in": ("/sign-in",),
    "/console": ("/console",),
    "/console/quarantine": ("/console/quarantine",),
    "/console/pairs": ("/console/pairs",),
    "/console/terms": ("/console/terms", "/console/terms?field=subjects&examples=Fotos%C3%ADntesi"),
    "/console/runs": ("/console/runs",),
    "/console/runs/{run_id}": ("/console/runs/{run_id}",),
    "/console/records": ("/console/records?key=books:100&path=levels&life=1",),
    "/console/resources/{resource_id}": ("/console/resources/{resource_id}",),
    "/console/decisions": ("/console/decisions",),
    "/console/feeds": ("/console/feeds",),
    "/console/feeds/{name}": ("/console/feeds/books",),
    "/console/links": ("/console/links",),
    "/console/search": ("/console/search?text=100", "/console/search?text=photosynthesis"),
    "/console/applications": ("/console/applications?all=1",),
    "/console/reports": ("/console/reports",),
    "/partners": ("/partners",),
    "/partners/register": ("/partners/register",),
    "/partners/sign-in": ("/partners/sign-in",),
    "/": ("/",),
    "/search": ("/search?q=class",),
    "/resources/{resource_id}": ("/resources/{resource_id}",),
    "/resources/{resource_id}/report": ("/resources/{resource_id}/report",),
    "/downloads/": ("/downloads/",),
    "/privacy": ("/privacy",),
    "/accessibility": ("/accessibility",),
}
IN_OTHER_BROWSER_TESTS = {
    "/console/applications/{application_id}": "test_partners_in_chromium.py",
    "/partners/applications/{application_id}": "test_partners_in_chromium.py",
    "/partners/applications/{application_id}/test": "test_partners_in_chromium.py",
    "/partners/applications/{application_id}/submit": "test_partners_in_chromium.py",
    "/partners/feeds": "test_own_feed_in_chromium.py",
    "/partners/feeds/{name}": "test_own_feed_in_chromium.py",
    "/partners/feeds/{name}/fixes": "test_own_feed_in_chromium.py",
    "/partners/feeds/{name}/records": "test_own_feed_in_chromium.py",
    "/partners/feeds/{name}/change": "test_own_feed_in_chromium.py",
    "/partners/hand-over/{token}": "test_own_feed_in_chromium.py",
}
NOT_EXAMINED = {
    "/console/work/{work_id}": "axe has yet to see it: the progress of one piece of work",
    "/console/waiting/{token}": "axe has yet to see it: a piece of work before it begins",
    "/partners/sign-in/{token}": "axe has yet to see it: one button, opened from a mail",
    "/partners/drafts/{token}": "axe has yet to see it: opened from a mail",
    "/partners/previews/{token}": "axe has yet to see it: a trial shown to others",
    "/resources/{resource_id}/reported": "axe has yet to see it: thanks for a report",
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
}


def problems_in(page: Page, path: str, language: str) -> list[str]:
    """Open a page once; return what axe, the width and the direction of writing show in both widths and themes.

    All rules run in light colours; in dark ones only those that colours can break.
    """
    page.emulate_media(color_scheme="light")
    answer = page.goto(path)
    problems = [] if answer is not None and answer.status == 200 else [f"{path}: not answered with 200"]
    if page.get_attribute("html", "dir") != ("rtl" if language == "ar" else "ltr"):
        problems.append(f"{path}: wrong direction")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme, options in (("light", {}), ("dark", COLOUR_RULES)):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            violations = Axe().run(page, options=options).response["violations"]
            problems += [
                f"{path} ({width}, {scheme}): {each['id']}: {each['nodes'][0]['html'][:200]}" for each in violations
            ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"{path} is wider than {width}")
    return problems
