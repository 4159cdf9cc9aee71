"""The web over an installation of its own, and a steward who is signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from httpx import Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from loaders.accounts import add_account
from schemas import Environment
from tests.installation import env, home
from web import create_app
from web.settings import WebSettings

__all__ = ["env", "home"]
PASSWORD = "correct horse battery"
# Checked like any other at signing in, in a thousandth of the time: a hash says what it costs.
PASSWORD_HASH = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)
STEWARD = "Amina"


class Browser(TestClient):
    """A browser without JavaScript: it sends the token that a page's form has."""

    def submit(self, page: str, to: str, /, **fields: str | list[str]) -> Response:
        """Open a page, fill in a form of it that posts to `to`, send it, and return the page that follows."""
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        assert token, f"{page} has no form"
        return self.post(to, data={"csrf_token": token[1], **fields})


@pytest.fixture
def visitor(env: Environment) -> Iterator[Browser]:
    """A browser in which nobody is signed in; the web is on SQLite and on PostgreSQL."""
    settings = WebSettings(secret="s" * 40)
    with Browser(create_app(env, settings), base_url="http://127.0.0.1:8081") as browser:
        yield browser


@pytest.fixture
def steward(visitor: Browser, env: Environment) -> Browser:
    """A browser in which a steward is signed in."""
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    answer = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
    assert answer.url.path == "/console"
    return visitor
