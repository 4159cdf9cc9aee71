"""The first page for partners, and the page of a partner's own feeds and applications."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from loaders.applications import applications_of
from schemas import Environment
from web.pages import render
from web.partners import own
from web.signing_in import Partner

router = APIRouter()


@router.get("")
def welcome(request: Request) -> Response:
    """Say what registering a source is, and where to begin."""
    return render(request, "partners/welcome.html")


@router.get("/feeds")
def own_feeds(request: Request, account: Partner) -> Response:
    """List the feeds that a partner may see, and the applications that came from the account's address."""
    env: Environment = request.app.state.env
    return render(
        request,
        "partners/feeds.html",
        feeds=own.feed_lines(env, account.feeds),
        applications=applications_of(env, account.name),
    )
