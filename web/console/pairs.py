"""The page Pairs: two records side by side, and whether they are one work; by keyboard too."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import Place, count_alike, count_pairs, neighbours, pairs_like, read_pair
from loaders.curation import judge_all
from loaders.reports import evidence_in, pair_facts
from loaders.store import read_kept, read_transaction
from schemas import Environment
from web.console.decisions import decide, seen_in
from web.forms import field, posted
from web.languages import marked, reader_language
from web.pages import address, gettext_of, render, see
from web.signing_in import Steward

router = APIRouter()
_PATH = "/console/pairs"
_Key = Annotated[str, Query(max_length=4_000)]
MAX_ALIKE = 1_000  # pairs that are judged at once


@router.get("/pairs")
def pairs(request: Request, left: _Key = "", right: _Key = "", feed: _Key = "") -> Response:
    """Show a pair; without one, the first that waits."""
    env: Environment = request.app.state.env
    has_pair = bool(left and right)
    row = read_kept(env, read_pair, left, right) if has_pair else read_kept(env, neighbours, None, feed)[1]
    if has_pair and row is None:
        raise HTTPException(404, "These two records are no pair of the last publication.")
    waiting = read_kept(env, count_pairs, feed)
    if row is None:
        return render(request, "console/pairs.html", pair=None, waiting=waiting, feed=feed)
    before, after = read_kept(env, neighbours, _place(row), feed)
    with read_transaction(env) as connection:
        pair = next(pair_facts(connection, [row]))
    alike = read_kept(env, count_alike, row["evidence"], feed, MAX_ALIKE)
    language = reader_language(request)
    return render(
        request,
        "console/pairs.html",
        pair=pair,
        waiting=waiting,
        feed=feed,
        before=_link(before, feed),
        after=_link(after, feed),
        alike=alike,
        most=max((abs(each["weight"]) for each in pair["evidence"]), default=1.0) or 1.0,
        evidence=[{**each, "seen": evidence_in(each["seen"], language)} for each in pair["evidence"]],
    )


@router.post("/pairs")
def judge(request: Request, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Judge the pair, or all pairs with such evidence, and show the next one."""
    env: Environment = request.app.state.env
    left, right, feed = field(form, "left", 4_000), field(form, "right", 4_000), field(form, "feed")
    verdict, reason = field(form, "verdict"), field(form, "reason") or gettext_of(request, "compared side by side")
    with read_transaction(env) as connection:
        row = read_pair(connection, left, right)
        if row is None:
            raise HTTPException(404, "These two records are no pair of the last publication.")
        after = neighbours(connection, _place(row), feed)[1]
        meant = [(left, right)]
        if field(form, "scope") == "alike":
            meant = [
                each for each, _ in zip(pairs_like(connection, row["evidence"], feed), range(MAX_ALIKE), strict=False)
            ]
            after = None
    if verdict not in ("same", "different"):
        return see(_link(after, feed) or _PATH)

    def make() -> Any:
        return judge_all(env, verdict, meant, by=account.name, reason=reason, seen=seen_in(form))

    texts = {
        "same": marked("Judged to be one work: %(count)s."),
        "different": marked("Judged to be different works: %(count)s."),
    }
    return decide(request, _link(after, feed) or address(_PATH, feed=feed), make, texts[verdict])


def _place(row: Any) -> Place:
    return Place(row["probability"], row["left_key"], row["right_key"])


def _link(row: Any, feed: str) -> str:
    return "" if row is None else address(_PATH, left=row["left_key"], right=row["right_key"], feed=feed)
