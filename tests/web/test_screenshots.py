"""The pictures of the guides: `make screenshots` writes those of docs/images again, from the pages as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from schemas import Environment
from tests.web.chromium import chromium, pytestmark
from tests.web.test_in_chromium import served, signed_in

__all__ = ["chromium", "pytestmark", "served"]
MAX_BYTES = 100_000
WIDTH, HEIGHT = 960, 560
PAGES = {
    "console-today": "/console",
    "console-quarantine": "/console/quarantine?feed=books",
    "console-record": "/console/records?key=books:100",
    "console-pairs": "/console/pairs",
    "console-terms": "/console/terms",
    "console-feed": "/console/feeds/books",
}


def test_every_picture_of_the_guide_is_made_and_small(
    chromium: Chromium, served: tuple[Environment, str], tmp_path: Path
) -> None:
    folder = Path(os.environ.get("ELIB_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    page = signed_in(chromium, served[1], width=WIDTH)
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    for name, path in PAGES.items():
        page.goto(path, wait_until="load")
        picture = page.screenshot(path=folder / f"{name}.png")
        assert 5_000 < len(picture) <= MAX_BYTES, (name, len(picture))
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_is_shown_in_the_guide(name: str) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "console.md").read_text("utf-8")
    assert f"images/{name}.png" in guide and (Path(__file__).parents[2] / "docs" / "images" / f"{name}.png").exists()
