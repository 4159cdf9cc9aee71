"""The library itself: home page, search, one page per resource, statements. Anybody may read it, without an account."""

from fastapi import APIRouter

from web.library import downloads, feed, home, reporting, resources, searching, sitemap, statements
from web.library.labels import value_label

router = APIRouter()
for _pages in (home, searching, resources, downloads, feed, sitemap, reporting, statements):
    router.include_router(_pages.router)

__all__ = ["router", "value_label"]
