"""What the tests in Debian's Chromium share: the browser, a web on a free port, and somebody who is signed in."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.conftest import PASSWORD, STEWARD

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; Debian's package chromium brings it"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def served_at(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port; yield its address without a slash at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        free.listen(128)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{free.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def sign_in_steward(page: Page, language: str = "en") -> None:
    """Sign the steward in by the form; the page is then Today, in that language."""
    page.goto(f"/sign-in?lang={language}")
    page.fill("#name", STEWARD)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_url("**/console")
