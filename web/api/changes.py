"""/api/v1/changes: every resource, and then what publications changed, so that others keep an exact copy."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import Cursor, PublishedReader, UnknownCursor, changes_page, parse_cursor
from loaders.store import read_transaction
from pipeline.exporting import passed_on
from schemas import Environment, Published, Withdrawn
from transforms.exports import EXPORTS
from web.api import parameters
from web.api.answers import READING_RATE, answer, at_most, site_of
from web.pages import address
from web.problems import Problem

router = APIRouter()
PATH = "/api/v1/changes"


@router.get("/changes", dependencies=[at_most(READING_RATE), Depends(parameters.check_names)])
def changes(request: Request, since: parameters.Since = "", limit: parameters.ChangesLimit = 100) -> Response:
    """Return what changed after a cursor, in the order of the publications; without one, every resource.

    Each answer has the cursor for the next one. While `has_more` is true, ask again at once; then the copy has exactly
    what the library has. An unknown cursor, as after a restored backup, gets 410: start over without one.
    """
    env: Environment = request.app.state.env
    reader = PublishedReader(**passed_on(env, site=site_of(request)))
    try:
        cursor = parse_cursor(since) if since else Cursor()
        with read_transaction(env) as connection:
            page = changes_page(connection, cursor, reader, limit=limit)
    except ValueError as error:
        raise Problem(
            "bad-parameter", f"since: {error}", errors=[{"parameter": "since", "message": str(error)}]
        ) from None
    except UnknownCursor as unknown:
        detail = (
            f"The library does not know the publication {unknown}, perhaps because a backup was restored. Start over: "
            "read everything without `since`, and delete what you do not get."
        )
        raise Problem("unknown-cursor", detail, start_over=f"{site_of(request)}{PATH}") from None
    following = str(page.cursor)
    query = {"since": following, "limit": limit if "limit" in request.query_params else None}
    body = msgspec.json.encode(
        {
            "cursor": following,
            "has_more": page.has_more,
            "next": site_of(request) + address(PATH, query),
            "publication": page.newest.run_id if page.newest else None,
            "changes": [_change(each) for each in page.changes],
        }
    )
    headers = {"link": f'<{address(PATH, query)}>; rel="next"'} if page.has_more else {}
    return answer(
        request,
        body,
        changed_at=page.newest.visible_at if page.newest else None,
        cache="public, no-cache",
        headers=headers,
    )


def _change(change: Published | Withdrawn) -> dict[str, Any]:
    if isinstance(change, Published):
        return {
            "action": "upsert",
            "id": change.id,
            "visible_at": change.visible_at,
            "resource": msgspec.Raw(EXPORTS["json"].render(change).encode()),
        }
    gone = {"id": change.id, "visible_at": change.visible_at}
    if change.redirect is None:
        return {"action": "withdraw", **gone}
    return {"action": "redirect", **gone, "to": change.redirect}
