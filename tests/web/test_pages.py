"""No page of the web is left out of what axe-core examines, unless there is a reason."""

from __future__ import annotations

from fastapi.routing import APIRoute

from schemas import Environment
from tests.web.pages import CONSOLE_AND_LIBRARY, IN_OTHER_BROWSER_TESTS, NOT_EXAMINED
from web import create_app
from web.settings import WebSettings


def test_every_page_is_examined_or_has_a_reason_not_to_be(env: Environment) -> None:
    routes = create_app(env, WebSettings(secret="s" * 40)).routes
    pages = [route.path for route in routes if isinstance(route, APIRoute) and "GET" in route.methods]
    listed = [*CONSOLE_AND_LIBRARY, *IN_OTHER_BROWSER_TESTS, *NOT_EXAMINED]
    assert sorted(listed) == sorted(set(pages)), "add the page to a table of tests/web/pages.py"
