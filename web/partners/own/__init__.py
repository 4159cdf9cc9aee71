"""A partner's own feeds: how they stand, what is to be fixed, and what the partner changes of them."""

from fastapi import APIRouter

from web.partners.own import changes, feeds, fix_list, handing_over, records
from web.partners.own.feeds import feed_lines

router = APIRouter()
for _pages in (feeds, fix_list, records, changes, handing_over):
    router.include_router(_pages.router)

__all__ = ["feed_lines", "router"]
