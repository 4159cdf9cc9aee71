"""What a partner changes of a feed: its address, contact and quiet hours, the weekly mail, and its end.

A change is an application of the same feed: a steward compares it with what holds, and until it is accepted the old
declaration holds. So is leaving: the declaration's status becomes `retired`, and what that would take out of the
library passes the gate.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from harvesters.client import leads_inside
from loaders.applications import (
    Application,
    ApplicationTrouble,
    answer_question,
    create_draft,
    give_up,
    open_change,
    submit_application,
    withdraw_application,
)
from loaders.browse import standing_of
from loaders.declarations import is_own_file
from loaders.fix_mails import choose_mail, end_mail
from loaders.store import read_kept
from schemas import BadFeed, Environment, Feed, read_declaration
from web.forms import field, posted
from web.languages import marked, reader_language
from web.links import settings_of
from web.mail import mail_address
from web.pages import error_in_words, gettext_of, mistakes_in_words, render, see, tell
from web.partners.access import NOT_PUBLIC
from web.partners.own.feeds import declared_feed
from web.signing_in import Partner, own_feed

router = APIRouter()
_CHANGE_RATE = "20/hour"  # of one account
MAX_URL_CHARS = 2_000
MAX_QUIET_HOURS = 6
_QUIET_EXAMPLE = "08:00-18:00 Europe/Belgrade"
_NOT_OURS = marked(
    "The library's developers keep the declaration of this feed in a file of their own. Write to them to change it."
)
_Form = Annotated[FormData, Depends(posted)]


@router.get("/feeds/{name}/change")
def change_page(request: Request, account: Partner, name: str) -> Response:
    """Show what may be changed of a feed, as it is now."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    feed = declared_feed(env, name)
    if feed is None:
        raise HTTPException(404, "There is no declaration of this feed.")
    return _change_form(request, env, feed, account.name, values=_values(feed, account.name))


def _values(feed: Feed, contact: str) -> dict[str, str]:
    return {"url": feed.url, "contact": contact, "quiet_hours": "\n".join(feed.request.quiet_hours), "remark": ""}


def _change_form(
    request: Request, env: Environment, feed: Feed, account: str, *, values: dict[str, str], troubles: Any = ()
) -> Response:
    return render(
        request,
        "partners/own/change.html",
        status=422 if troubles else 200,
        name=feed.name,
        feed=feed,
        values=values,
        troubles=troubles,
        standing=read_kept(env, standing_of, feed.name),
        change=open_change(env, feed.name),
        is_changeable=is_own_file(env, feed.name),
        has_mail_server=bool(settings_of(request).mail_url),
        not_ours=_NOT_OURS,
        quiet_example=_QUIET_EXAMPLE,
    )


@router.post("/feeds/{name}/change")
def submit_change(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Submit another address, contact or quiet hours to the stewards; nothing changes until one accepts it."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    feed = _changeable(request, env, name)
    if feed is None:
        return see(f"/partners/feeds/{name}/change")
    values = {
        "url": field(form, "url", MAX_URL_CHARS),
        "contact": field(form, "contact"),
        "quiet_hours": field(form, "quiet_hours"),
        "remark": field(form, "remark"),
    }
    declaration, troubles = _changed_declaration(request, feed, values)
    try:
        contact = mail_address(values["contact"])
    except ValueError:
        troubles.append(gettext_of(request, "The contact is not a mail address."))
        contact = ""
    if not troubles and declaration == _declaration(feed) and contact == account.name:
        troubles.append(gettext_of(request, "Nothing is changed."))
    if troubles:
        return _change_form(request, env, feed, account.name, values=values, troubles=troubles)
    text = marked("Your change is with the library. Until it is accepted, everything stays as it is.")
    return _submit(request, env, feed, contact, declaration, values["remark"], text)


@router.post("/feeds/{name}/leave")
def submit_leaving(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Ask the stewards to end a feed; nothing is taken out of the library before one has confirmed it."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    feed = _changeable(request, env, name)
    if feed is None:
        return see(f"/partners/feeds/{name}/change")
    if field(form, "sure") != "yes":
        tell(request, gettext_of(request, "Tick that you have read what happens."), is_error=True)
        return see(f"/partners/feeds/{name}/change")
    declaration = {**_declaration(feed), "status": "retired"}
    text = marked("Your wish to leave is with the library. Until it is confirmed, everything stays as it is.")
    return _submit(request, env, feed, account.name, declaration, field(form, "remark"), text)


@router.post("/feeds/{name}/come-back")
def submit_coming_back(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Ask the stewards to harvest a feed again that has ended; until one accepts it, it stays as it is."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    feed = _changeable(request, env, name)
    if feed is None:
        return see(f"/partners/feeds/{name}/change")
    if feed.status != "retired":
        tell(request, gettext_of(request, "This feed has not ended."), is_error=True)
        return see(f"/partners/feeds/{name}/change")
    declaration = {**_declaration(feed), "status": "active"}
    text = marked("Your wish to come back is with the library. Until it is accepted, everything stays as it is.")
    return _submit(request, env, feed, account.name, declaration, field(form, "remark"), text)


def _changeable(request: Request, env: Environment, name: str) -> Feed | None:
    """Return the feed that a change may be submitted for; None, with a message, when it cannot be changed now."""
    feed = declared_feed(env, name)
    if feed is None or not is_own_file(env, name):
        tell(request, gettext_of(request, _NOT_OURS), is_error=True)
        return None
    if open_change(env, name) is not None:
        text = marked("A change of this feed waits for the library already. Withdraw it first.")
        tell(request, gettext_of(request, text), is_error=True)
        return None
    return feed


def _declaration(feed: Feed) -> dict[str, Any]:
    """Return the keys that a feed's declaration sets."""
    keys: dict[str, Any] = feed.model_dump(mode="json", exclude_unset=True, exclude={"name"})
    return keys


def _changed_declaration(request: Request, feed: Feed, values: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the declaration with the form's values, and what is wrong with them."""
    quiet_hours = [line.strip() for line in values["quiet_hours"].splitlines() if line.strip()][:MAX_QUIET_HOURS]
    declaration = {**_declaration(feed), "url": values["url"]}
    request_keys = {**declaration.get("request", {}), "quiet_hours": quiet_hours}
    if not quiet_hours:
        del request_keys["quiet_hours"]
    declaration["request"] = request_keys
    if not request_keys:
        del declaration["request"]
    try:
        read_declaration(feed.name, declaration)
    except BadFeed as error:
        return declaration, mistakes_in_words(request, error.reasons)
    if values["url"] != feed.url and not values["url"].startswith(("http://", "https://")):  # another's file
        return declaration, [gettext_of(request, "The address does not begin with http:// or https://.")]
    env: Environment = request.app.state.env
    if values["url"] != feed.url and leads_inside(values["url"], env.allow_private):
        return declaration, [gettext_of(request, NOT_PUBLIC)]
    return declaration, []


def _submit(
    request: Request, env: Environment, feed: Feed, contact: str, declaration: dict[str, Any], remark: str, told: str
) -> Response:
    account: Any = request.state.account
    request.app.state.rates.check(request, _CHANGE_RATE, "change-feed", str(account.id))
    try:
        draft = create_draft(
            env,
            partner=feed.partner,
            contact=contact,
            language=reader_language(request),
            feed=feed.name,
            declaration=declaration,
        )
        _with_remark(env, submit_application(env, draft), account.name, remark)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    else:
        tell(request, gettext_of(request, told))
    return see(f"/partners/feeds/{feed.name}")


def _with_remark(env: Environment, application: Application, by: str, remark: str) -> None:
    if remark:
        answer_question(env, application, by=by, answer=remark)


@router.post("/feeds/{name}/change/withdraw")
def withdraw_change(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Withdraw a change that is not decided."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    change = open_change(env, name)
    try:
        if change is not None:
            withdraw_application(env, change)
    except ApplicationTrouble as error:
        tell(request, error_in_words(request, error), is_error=True)
    else:
        text = marked("Withdrawn. Everything stays as it is.") if change else marked("No change waits any more.")
        tell(request, gettext_of(request, text))
    return see(f"/partners/feeds/{name}")


@router.post("/feeds/{name}/mail")
def choose_weekly_mail(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Let the partner be told weekly what is new to fix, or not any more."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    if field(form, "wanted") == "yes":
        choose_mail(env, name, account.name, reader_language(request))
        text = marked("You get a mail when something is new to fix, at most one a week.")
    else:
        end_mail(env, name, account.name)
        text = marked("You get no mails about what is to be fixed any more.")
    tell(request, gettext_of(request, text))
    return see(f"/partners/feeds/{name}")


@router.post("/feeds/{name}/give-up")
def give_feed_up(request: Request, account: Partner, name: str, form: _Form) -> Response:
    """Let the partner see the feed no longer, when somebody else does."""
    env: Environment = request.app.state.env
    name = own_feed(account, name)
    if not give_up(env, name, account.name):
        text = marked("Nobody else looks after this feed. Hand it to a colleague, or leave.")
        tell(request, gettext_of(request, text), is_error=True)
        return see(f"/partners/feeds/{name}/change")
    tell(request, gettext_of(request, "You do not look after this feed any more."))
    return see("/partners/feeds")
