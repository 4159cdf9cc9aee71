"""Sign a partner in as a link does, without the mail: the session's cookie is made with the web's secret."""

from __future__ import annotations

import json
from base64 import b64encode

from itsdangerous import TimestampSigner

from loaders.accounts import Account, add_account
from loaders.sessions import begin_session
from schemas import Environment
from tests.web.conftest import Browser
from web.signing_in import trace_of

SECRET = "s" * 40
MAIL = "lina@example.org"


def partner_account(env: Environment, *feeds: str, mail: str = MAIL) -> Account:
    return add_account(env, mail, "partner", feeds=feeds)


def session_cookie(env: Environment, account: Account) -> str:
    session = {"id": begin_session(env, account.id, trace=trace_of(account))}
    return TimestampSigner(SECRET).sign(b64encode(json.dumps(session).encode())).decode()


def sign_in(browser: Browser, account: Account) -> None:
    browser.cookies.set("elib_session", session_cookie(browser.app.state.env, account), domain="127.0.0.1")  # type: ignore[attr-defined]
