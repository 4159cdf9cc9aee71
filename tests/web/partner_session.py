"""Sign a partner in as a link does, without the mail: the session's cookie is made with the web's secret."""

from __future__ import annotations

import json
from base64 import b64encode

from itsdangerous import TimestampSigner

from loaders.accounts import Account, add_account
from schemas import Environment
from tests.web.conftest import Browser

SECRET = "s" * 40
MAIL = "lina@example.org"


def partner_account(env: Environment, *feeds: str, mail: str = MAIL) -> Account:
    return add_account(env, mail, "partner", feeds=feeds)


def session_cookie(account: Account) -> str:
    return TimestampSigner(SECRET).sign(b64encode(json.dumps({"account": account.id}).encode())).decode()


def sign_in(browser: Browser, account: Account) -> None:
    browser.cookies.set("elib_session", session_cookie(account), domain="127.0.0.1")
