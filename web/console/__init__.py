"""The console: where stewards and operators see what needs a person, and decide."""

from fastapi import APIRouter, Depends

from web.console import (
    applications,
    asking,
    audit,
    decisions,
    feeds,
    links,
    pairs,
    quarantine,
    reader_reports,
    records,
    runs,
    search,
    terms,
    today,
    work,
)
from web.signing_in import steward

router = APIRouter(dependencies=[Depends(steward)])
for _pages in (
    today,
    applications,
    reader_reports,
    quarantine,
    pairs,
    terms,
    runs,
    work,
    records,
    feeds,
    links,
    search,
    audit,
    decisions,
    asking,
):
    router.include_router(_pages.router, prefix="/console")

__all__ = ["router"]
