"""No page of the web is left out of what axe-core examines."""

from __future__ import annotations

from fastapi.routing import APIRoute

from schemas import Environment
from tests.web.pages import NOT_PAGES, PARTNERS_PAGES, PUBLIC_PAGES, STEWARDS_PAGES
from web import create_app
from web.settings import WebSettings


def test_every_page_is_examined(env: Environment) -> None:
    routes = create_app(env, WebSettings(secret="s" * 40)).routes
    pages = [route.path for route in routes if isinstance(route, APIRoute) and "GET" in route.methods]
    listed = [*STEWARDS_PAGES, *PARTNERS_PAGES, *PUBLIC_PAGES, *NOT_PAGES]
    assert sorted(listed) == sorted(set(pages)), "add the page to a table of tests/web/pages.py"
