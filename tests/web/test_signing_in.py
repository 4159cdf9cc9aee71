"""Who may see the console: passwords, sessions, tokens, rates and headers."""

from __future__ import annotations

import json
import time
from base64 import b64encode

import pytest
from starlette.requests import Request

from loaders.accounts import add_account, change_account, end_sessions
from loaders.sessions import SESSION_SECONDS
from schemas import Environment
from tests.web.conftest import PASSWORD, STEWARD, Browser
from web.pages import tell
from web.signing_in import hash_password


def test_the_console_asks_who_it_is_and_goes_on_to_the_page_that_was_wanted(visitor: Browser, env: Environment) -> None:
    add_account(env, STEWARD, "steward", password=hash_password(PASSWORD))
    answer_before = visitor.get("/console?lang=fr")
    assert answer_before.url.path == "/sign-in" and answer_before.url.params["next"] == "/console?lang=fr"
    answer = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD, next="/console?lang=fr")
    assert answer.status_code == 200 and answer.url.path == "/console" and STEWARD in answer.text


@pytest.mark.parametrize("next_page", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x"])
def test_signing_in_never_leads_to_another_site(visitor: Browser, env: Environment, next_page: str) -> None:
    add_account(env, STEWARD, "steward", password=hash_password(PASSWORD))
    answer = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD, next=next_page)
    assert str(answer.url) == "http://127.0.0.1:8081/console"


@pytest.mark.parametrize("role", ["steward", "partner"])
def test_a_wrong_password_a_disabled_account_and_a_partner_do_not_see_the_console(
    visitor: Browser, env: Environment, role: str
) -> None:
    add_account(env, STEWARD, role, password=hash_password(PASSWORD))  # type: ignore[arg-type]
    assert visitor.submit("/sign-in", "/sign-in", name=STEWARD, password="something else").status_code == 401
    assert visitor.get("/console").url.path == "/sign-in"
    entered = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
    assert entered.status_code == (200 if role == "steward" else 403)
    change_account(env, STEWARD, disabled=True)
    assert visitor.get("/console").url.path == "/sign-in"


def test_a_copied_cookie_is_worth_nothing_after_signing_out(steward: Browser, env: Environment) -> None:
    copied = dict(steward.cookies)
    other = Browser(steward.app, base_url="http://127.0.0.1:8081", cookies=copied)
    assert other.get("/console").url.path == "/console"
    elsewhere = Browser(steward.app, base_url="http://127.0.0.1:8081")
    elsewhere.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
    steward.submit("/console", "/sign-out")
    for cookies in (copied, dict(other.cookies)):  # the one that was stolen, and what it became since
        thief = Browser(steward.app, base_url="http://127.0.0.1:8081", cookies=cookies)
        assert thief.get("/console").url.path == "/sign-in"
    assert elsewhere.get("/console").url.path == "/console", "another computer stays signed in"


@pytest.mark.parametrize("ending", ["disable", "role", "sign-out"])
def test_what_ends_an_accounts_sessions_ends_them_for_good(steward: Browser, env: Environment, ending: str) -> None:
    if ending == "disable":
        change_account(env, STEWARD, disabled=True)
        change_account(env, STEWARD, disabled=False)
    elif ending == "role":
        change_account(env, STEWARD, role="operator")
        change_account(env, STEWARD, role="steward")
    else:
        assert end_sessions(env, STEWARD) == 1
    assert steward.get("/console").url.path == "/sign-in"


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(
    steward: Browser, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + SESSION_SECONDS + 1
    monkeypatch.setattr("loaders.sessions.time.time", lambda: later)
    assert steward.get("/console").url.path == "/sign-in"


def test_a_session_that_somebody_else_began_is_not_that_of_who_signs_in(visitor: Browser, env: Environment) -> None:
    add_account(env, STEWARD, "steward", password=hash_password(PASSWORD))
    visitor.get("/sign-in")
    planted = dict(visitor.cookies)
    visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD)
    assert dict(visitor.cookies) != planted
    attacker = Browser(visitor.app, base_url="http://127.0.0.1:8081", cookies=planted)
    assert attacker.get("/console").url.path == "/sign-in"
    assert steward_files(env) == 1 and not list((env.home / "sessions").glob("*.tmp"))


def steward_files(env: Environment) -> int:
    """Return how many sessions are kept, each in a file that others cannot list."""
    assert (env.home / "sessions").stat().st_mode & 0o077 == 0
    return len(list((env.home / "sessions").glob("*.json")))


def test_another_password_ends_the_sessions_begun_with_the_old_one(steward: Browser, env: Environment) -> None:
    assert steward.get("/console").url.path == "/console"
    change_account(env, STEWARD, password=hash_password("another horse battery"))
    assert steward.get("/console").url.path == "/sign-in"
    steward.submit("/sign-in", "/sign-in", name=STEWARD, password="another horse battery")
    assert steward.get("/console").url.path == "/console"


@pytest.mark.parametrize("letter", ["x", "и", "\U00020000", '"'])
def test_messages_never_make_a_cookie_that_browsers_drop(letter: str) -> None:
    request = Request({"type": "http", "session": {"id": "i" * 43, "csrf": "c" * 40, "applications": ["A" * 26] * 10}})
    for number in range(4):
        tell(request, f"{number}{letter * 2_000}", is_error=True, undo="correction:" + "1" * 40)
    assert request.session["messages"][-1][0].startswith(f"3{letter}"), "the last is kept"
    assert len(b64encode(json.dumps(request.session).encode())) < 4_000


def test_a_form_without_the_sessions_token_is_not_taken(steward: Browser) -> None:
    assert steward.post("/sign-out", data={}).status_code == 403
    assert steward.post("/sign-out", data={"csrf_token": "x##y"}).status_code == 403
    assert steward.get("/console").url.path == "/console"


def test_many_tries_have_to_wait(visitor: Browser) -> None:
    answers = [visitor.submit("/sign-in", "/sign-in", name="nobody", password="x") for _ in range(12)]
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) > 0


def test_pages_tell_browsers_to_run_no_script_of_others_and_forms_are_bounded(visitor: Browser) -> None:
    page = visitor.get("/sign-in")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    cookie = page.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    assert visitor.post("/sign-in", data={"name": "x" * (2 << 20)}).status_code == 413


@pytest.mark.parametrize("path", ["/console", "/console/search", "/sign-in", "/partners/register"])
def test_no_browser_keeps_a_page_of_people_who_sign_in(visitor: Browser, path: str) -> None:
    assert visitor.get(path, follow_redirects=False).headers["cache-control"] == "no-store"
