"""Signed links: to sign in once, to a draft, and to a preview that may be passed on."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from starlette.requests import Request

from loaders.applications import use_link
from schemas import Base, Environment
from web.languages import marked
from web.settings import WebSettings

_Link = TypeVar("_Link")
SIGN_IN_SECONDS = 30 * 60
HAND_OVER_SECONDS = 7 * 24 * 3600
SHARED_SECONDS = 30 * 24 * 3600  # of links to a preview and to a draft
_TOO_OLD = marked("This link is too old. Ask for a new one.")
_NOT_OURS = marked("This link is not complete, or not from us. Copy all of it, or ask for a new one.")
_USED = marked("This link was used already. It works once; ask for a new one.")


class BadLink(Exception):
    """A link that does not hold; the text, which is in the translation catalogs, says why and what to do."""


class SignInLink(Base, frozen=True, kw_only=True):
    """What a sign-in link says: the mail address that it was sent to, where it leads, and its own number."""

    mail: str
    after: str
    id: str


class HandOverLink(Base, frozen=True, kw_only=True):
    """What a link says by which a feed is taken over: the feed, from whom and to which address, and its own number."""

    feed: str
    giver: str
    taker: str
    id: str


def sign_in_link(settings: WebSettings, mail: str, after: str = "/partners/feeds") -> str:
    """Return the whole address of a link by which the owner of a mail address signs in once, within 30 minutes."""
    token = _serializer(settings, "sign-in").dumps({"mail": mail, "after": after, "id": secrets.token_urlsafe(16)})
    return f"{public_url(settings)}/partners/sign-in/{token}"


def read_sign_in(settings: WebSettings, token: str) -> SignInLink:
    """Return what a sign-in link says, without using it. Raises BadLink."""
    return _read(settings, "sign-in", token, SIGN_IN_SECONDS, SignInLink)


def use_sign_in(env: Environment, settings: WebSettings, token: str) -> SignInLink:
    """Use a sign-in link and return what it says. Raises BadLink, also when it was used before."""
    link = read_sign_in(settings, token)
    expires_at = datetime.now(UTC) + timedelta(seconds=SIGN_IN_SECONDS + 1)
    if not use_link(env, link.id, expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")):
        raise BadLink(_USED)
    return link


def hand_over_link(settings: WebSettings, feed: str, giver: str, taker: str) -> str:
    """Return the whole address of a link by which the owner of a mail address takes a feed over, within a week.

    It signs in whoever has it as that address: it goes there by mail, and is shown to nobody else.
    """
    values = {"feed": feed, "giver": giver, "taker": taker, "id": secrets.token_urlsafe(16)}
    return f"{public_url(settings)}/partners/hand-over/{_serializer(settings, 'hand over').dumps(values)}"


def read_hand_over(settings: WebSettings, token: str) -> HandOverLink:
    """Return what a link to take a feed over says, without using it. Raises BadLink."""
    return _read(settings, "hand over", token, HAND_OVER_SECONDS, HandOverLink)


def use_hand_over(env: Environment, settings: WebSettings, token: str) -> HandOverLink:
    """Use a link to take a feed over and return what it says. Raises BadLink, also when it was used before."""
    link = read_hand_over(settings, token)
    expires_at = datetime.now(UTC) + timedelta(seconds=HAND_OVER_SECONDS + 1)
    if not use_link(env, link.id, expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")):
        raise BadLink(_USED)
    return link


def draft_link(settings: WebSettings, application_id: str) -> str:
    """Return the whole address by which a draft is opened again, in any browser, for 30 days."""
    return f"{public_url(settings)}/partners/drafts/{_serializer(settings, 'draft').dumps(application_id)}"


def read_draft_link(settings: WebSettings, token: str) -> str:
    """Return the id of the draft that a link opens. Raises BadLink."""
    return _read(settings, "draft", token, SHARED_SECONDS, str)


def preview_link(settings: WebSettings, trial_id: str) -> str:
    """Return the whole address at which a preview may be read by everybody who has it, for 30 days."""
    return f"{public_url(settings)}/partners/previews/{_serializer(settings, 'preview').dumps(trial_id)}"


def read_preview_link(settings: WebSettings, token: str) -> str:
    """Return the id of the trial that a link to a preview is for. Raises BadLink."""
    return _read(settings, "preview", token, SHARED_SECONDS, str)


def public_url(settings: WebSettings) -> str:
    """Return the address before all paths; never taken from a request, whose Host may be anybody's."""
    return settings.url or settings.listens_at


def settings_of(request: Request) -> WebSettings:
    """Return the settings of the application that a request came to."""
    settings: WebSettings = request.app.state.settings
    return settings


def _serializer(settings: WebSettings, purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret, salt=f"elib {purpose}")


def _read(settings: WebSettings, purpose: str, token: str, seconds: int, type_: type[_Link]) -> _Link:
    """Return what a link says. One of another version of the library may be signed, and say something else."""
    try:
        return msgspec.convert(_serializer(settings, purpose).loads(token, max_age=seconds), type_)
    except SignatureExpired as error:
        raise BadLink(_TOO_OLD) from error
    except (BadData, msgspec.ValidationError) as error:
        raise BadLink(_NOT_OURS) from error
