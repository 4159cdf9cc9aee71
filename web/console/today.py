"""The page Today: what needs a person, grouped by cause."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from web.pages import render

router = APIRouter()


@router.get("")
def today(request: Request) -> Response:
    """Show what needs a person."""
    return render(request, "console/today.html")
