"""The library itself: its home page, its search and one page per resource. Anybody may read it, without an account."""

from fastapi import APIRouter

from web.library import home, resources, searching

router = APIRouter()
for _pages in (home, searching, resources):
    router.include_router(_pages.router)

__all__ = ["router"]
