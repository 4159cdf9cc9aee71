"""The page of a partner's own feed: how many records come as far as the library, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from loaders.applications import open_change
from loaders.browse import Standing, fix_groups, last_night, read_run_summary, runs_page, standing_of
from loaders.declarations import feeds_in_use, is_own_file
from loaders.fix_mails import chosen_mail
from loaders.reports import nights, reason_sentence, recent_runs
from loaders.store import read_kept, read_transaction
from schemas import Environment, Feed
from web.languages import reader_language
from web.links import settings_of
from web.pages import gettext_of, render
from web.signing_in import Partner, own_feed

router = APIRouter()
_RUNS_SHOWN = 10


class FeedLine(NamedTuple):
    """One feed in a list: its name, title and status, and how its records stand."""

    name: str
    title: str
    status: str
    standing: Standing


@router.get("/feeds/{name}")
def feed_page(request: Request, account: Partner, name: str) -> Response:
    """Show how a feed stands: from received to published, its last nights, and what waits for the library."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    feed = declared_feed(env, name)
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    with read_transaction(env) as connection:
        night = last_night(connection, name)
        runs = runs_page(connection, feed=name, limit=_RUNS_SHOWN)
        night_runs = recent_runs(connection, at, name).get(name, {})
        loaded = read_run_summary(connection, night.last) if night else None
    groups = read_kept(env, fix_groups, name, night)
    language, decide = reader_language(request), gettext_of(request, "a steward of the library decides")
    reasons = runs[0].reasons if runs else ()
    return render(
        request,
        "partners/own/feed.html",
        name=name,
        feed=feed,
        standing=read_kept(env, standing_of, name),
        runs=runs,
        last=runs[0] if runs else None,
        loaded=loaded,
        reasons=[reason_sentence(reason, language, decide=decide) for reason in reasons],
        nights=nights(at),
        night_runs=night_runs,
        counts={
            state: sum(getattr(group, state) for group in groups) for state in ("new", "back", "standing", "fixed")
        },
        change=open_change(env, name),
        mail=chosen_mail(env, name, account.name),
        has_mail_server=bool(settings_of(request).mail_url),
        is_changeable=feed is not None and is_own_file(env, name),
    )


def feed_lines(env: Environment, names: Iterable[str]) -> list[FeedLine]:
    """Return how feeds stand, for a list of them, in the order of their names."""
    declared = {feed.name: feed for feed in feeds_in_use(env).feeds}
    return [
        FeedLine(
            name=name,
            title=declared[name].title if name in declared else name,
            status=declared[name].status if name in declared else "missing",
            standing=read_kept(env, standing_of, name),
        )
        for name in sorted(names)
    ]


def declared_feed(env: Environment, name: str) -> Feed | None:
    """Return the declaration of a feed that counts now; None when its file is missing and none is kept."""
    return next((feed for feed in feeds_in_use(env).feeds if feed.name == name), None)
