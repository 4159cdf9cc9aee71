"""The pages Feeds: how each of them stands; and one with its declaration, to be paused, harvested or reprocessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from loaders.browse import declaration_changes, declaration_versions, runs_page, waiting_counts
from loaders.curation import Batch
from loaders.declarations import feed_path, feeds_in_use, is_own_file, kept_declaration, set_expectations
from loaders.feed_status import change_status
from loaders.reports import last_runs, nights, reason_sentence, recent_runs
from loaders.store import read_kept, read_transaction
from loaders.task_notes import write_note
from pipeline.expectations import replay_expectations
from pipeline.feed_health import unusual_feeds
from schemas import FEED_NAME, BadFeed, Environment, Expect, Feed
from web.console.background import progress_of, work_on
from web.console.decisions import decide, status_undo
from web.console.expecting import QUESTIONS, NotUnderstood, answers_in, answers_of, expectations_of, lines_of
from web.forms import field, posted
from web.languages import marked, reader_language
from web.pages import error_in_words, gettext_of, render, see, tell
from web.signing_in import Steward

router = APIRouter()
_PATH = "/console/feeds"
_RUNS_SHOWN = 10
_ORDER = ("active", "paused", "missing", "retired")
_SECTIONS = ("request", "expect", "map")
_STATUS_ACTIONS = {
    "pause": ("paused", marked("Paused. It is not harvested until it is resumed.")),
    "resume": ("active", marked("Resumed. It is harvested again every night.")),
    "reopen": (
        "active",
        marked("Reopened. Its next harvest reads the whole list, and waits for a decision before anything changes."),
    ),
}


@router.get("/feeds")
def feeds(request: Request) -> Response:
    """Show every feed by its status: its last run, its last nights, and what is wrong with its file."""
    env: Environment = request.app.state.env
    in_use = feeds_in_use(env)
    declared = {feed.name: feed for feed in in_use.feeds}
    at = _now()
    with read_transaction(env) as connection:
        history = recent_runs(connection, at)
    last, waiting, unusual = read_kept(env, last_runs), read_kept(env, waiting_counts), read_kept(env, unusual_feeds)
    lines = [
        {
            "name": name,
            "title": declared[name].title if name in declared else name,
            "partner": declared[name].partner if name in declared else "",
            "status": declared[name].status if name in declared else "missing",
            "trouble": in_use.troubles.get(name),
            "run": last.get(name),
            "nights": history.get(name, {}),
            "waiting": waiting.get(name, 0),
            "unusual": unusual.get(name, ()),
        }
        for name in sorted({*declared, *last, *in_use.troubles})
    ]
    lines.sort(key=lambda line: _ORDER.index(str(line["status"])))
    groups = [(status, list(group)) for status, group in groupby(lines, key=lambda line: str(line["status"]))]
    work = work_on(env, "")
    progress = progress_of(env, work) if work else None
    language = reader_language(request)
    return render(
        request,
        "console/feeds.html",
        groups=groups,
        nights=nights(at),
        work=work,
        progress=progress,
        reason=lambda reason: reason_sentence(reason, language),
    )


@router.get("/feeds/{name}")
def feed(request: Request, name: str) -> Response:
    """Show a feed: its declaration as it counts now, its last runs, and what can be begun."""
    return _page(request, name)


def _page(request: Request, name: str, **tried: Any) -> Response:
    """Show a feed; `tried` is what the form of its expectations says, with what they would have done."""
    env: Environment = request.app.state.env
    if not FEED_NAME.fullmatch(name):
        raise HTTPException(404, "There is no such feed.")
    in_use = feeds_in_use(env)
    declared = next((each for each in in_use.feeds if each.name == name), None)
    at = _now()
    with read_transaction(env) as connection:
        runs = runs_page(connection, feed=name, limit=_RUNS_SHOWN)
        history = recent_runs(connection, at, name).get(name, {})
        versions, changes = declaration_versions(connection, name), declaration_changes(connection, name)
    waiting = read_kept(env, waiting_counts).get(name, 0)
    if declared is None and not runs and name not in in_use.troubles:
        raise HTTPException(404, "There is no such feed.")
    work = work_on(env, name)
    language = reader_language(request)
    answers = {"answers": answers_of(declared) if declared else {}, "replayed": None, "lines": ""}
    return render(
        request,
        "console/feed.html",
        name=name,
        feed=declared,
        declaration=_declaration(declared) if declared else [],
        kept=kept_declaration(env, name),
        versions=versions,
        changes=changes,
        trouble=in_use.troubles.get(name),
        path=feed_path(env, name),
        is_own=is_own_file(env, name),
        runs=runs,
        night_runs=history,
        nights=nights(at),
        unusual=read_kept(env, unusual_feeds, name).get(name, ()),
        waiting=waiting,
        work=work,
        progress=progress_of(env, work) if work else None,
        questions=QUESTIONS,
        reason=lambda reason: reason_sentence(reason, language),
        **answers | tried,
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _declaration(feed: Feed) -> list[tuple[str, str]]:
    """Return the keys that a declaration sets, those of sections with the section's name, and their values."""
    keys: dict[str, Any] = feed.model_dump(mode="json", exclude_unset=True, exclude={"name"})
    lines = []
    for key, value in keys.items():
        parts = value.items() if key in _SECTIONS and isinstance(value, dict) else ((None, value),)
        lines += [(f"{key}.{part}" if part else key, _text(each)) for part, each in parts]
    return lines


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@router.post("/feeds/{name}")
def set_feed_status(
    request: Request, name: str, account: Steward, form: Annotated[FormData, Depends(posted)]
) -> Response:
    """Pause a feed whose file is this installation's own, resume it, or reopen one that has ended."""
    env: Environment = request.app.state.env
    action = field(form, "action")
    if action not in _STATUS_ACTIONS or not FEED_NAME.fullmatch(name):
        raise HTTPException(422, "There is no such decision.")
    status, text = _STATUS_ACTIONS[action]
    reason = field(form, "reason") or gettext_of(request, text)

    def make() -> Batch:
        before = change_status(env, name, status, by=account.name, reason=reason)
        return Batch(status_undo(name, before), 1)

    return decide(request, f"{_PATH}/{name}", make, text)


@router.post("/feeds/{name}/expect")
def expect(request: Request, name: str, account: Steward, form: Annotated[FormData, Depends(posted)]) -> Response:
    """Replay expectations on the feed's last runs, or write them into its file."""
    env: Environment = request.app.state.env
    declared = next((each for each in feeds_in_use(env).feeds if each.name == name), None)
    if declared is None:
        raise HTTPException(404, "There is no such feed.")
    answers = answers_in(form)
    try:
        keys = expectations_of(answers)
    except NotUnderstood as error:
        text = marked("This is no expectation: %(what)s. Nothing was changed.")
        tell(request, gettext_of(request, text, what=str(error)), is_error=True)
        return _page(request, name, answers=answers)
    if field(form, "action") == "save":
        return _save(request, name, keys, account.name)
    tried = declared.model_copy(update={"expect": Expect.model_validate(keys)})
    return _page(request, name, answers=answers, replayed=replay_expectations(env, tried), lines=lines_of(keys))


def _save(request: Request, name: str, keys: dict[str, Any], by: str) -> Response:
    env: Environment = request.app.state.env
    try:
        set_expectations(env, name, keys)
        write_note(env, f"expect:{name}", "remarked", who=by, note=lines_of(keys))
    except BadFeed as error:
        tell(request, error_in_words(request, error), is_error=True)
    else:
        tell(request, gettext_of(request, "Saved. The feed's next run is judged by these expectations."))
    return see(f"{_PATH}/{name}")
