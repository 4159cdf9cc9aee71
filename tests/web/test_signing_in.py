"""Who may see the console: passwords, sessions, tokens, rates and headers."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import argon2
import pytest
from starlette.requests import Request

from loaders.accounts import add_account, change_account, end_sessions
from loaders.sessions import SESSION_SECONDS
from schemas import Environment
from tests.web.conftest import PASSWORD, PASSWORD_HASH, STEWARD, Browser
from web.pages import tell
from web.signing_in import hash_password


def test_the_console_asks_who_it_is_and_goes_on_to_the_page_that_was_wanted(visitor: Browser, env: Environment) -> None:
    add_account(env, STEWARD, "steward", password=hash_password(PASSWORD))
    answer_before = visitor.get("/console?lang=fr")
    assert answer_before.url.path == "/sign-in" and answer_before.url.params["next"] == "/console?lang=fr"
    answer = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD, next="/console?lang=fr")
    assert answer.status_code == 200 and answer.url.path == "/console" and STEWARD in answer.text


@pytest.mark.parametrize(
    "next_page", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x", "//[", "http://[::1"]
)
def test_signing_in_never_leads_to_another_site(visitor: Browser, env: Environment, next_page: str) -> None:
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    for page in ("/sign-in", "/partners/sign-in"):
        assert visitor.get(page, params={"next": next_page}).status_code == 200
    answer = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password=PASSWORD, next=next_page)
    assert str(answer.url) == "http://127.0.0.1:8081/console"
    undone = visitor.submit("/console/feeds", "/console/undo", batch="none", back=next_page)
    assert str(undone.url) == "http://127.0.0.1:8081/console/decisions"


@pytest.mark.parametrize("role", ["steward", "partner"])
def test_a_wrong_password_a_disabled_account_and_a_partner_do_not_see_the_console(
    visitor: Browser, env: Environment, role: str
) -> None:
    add_account(env, STEWARD, role, password=PASSWORD_HASH)  # type: ignore[arg-type]
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
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
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


@contextmanager
def from_address(visitor: Browser, address: str) -> Iterator[Browser]:
    """A browser of another client, in which nobody has signed in."""
    with Browser(visitor.app, base_url="http://127.0.0.1:8081", client=(address, 50_000)) as browser:
        yield browser


def try_in(browser: Browser, name: str, password: str = "x") -> int:
    return browser.submit("/sign-in", "/sign-in", name=name, password=password).status_code


def test_many_tries_have_to_wait(visitor: Browser) -> None:
    answers = [visitor.submit("/sign-in", "/sign-in", name="nobody", password="x") for _ in range(12)]
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) > 0


def test_a_stranger_who_guesses_keeps_the_owner_out_nowhere(visitor: Browser, env: Environment) -> None:
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    with from_address(visitor, "198.51.100.7") as stranger:
        assert [try_in(stranger, STEWARD) for _ in range(11)] == [401] * 10 + [429]
        assert try_in(visitor, STEWARD, PASSWORD) == 200, "at another address"


def test_who_guesses_from_many_addresses_is_stopped_and_the_owners_own_browser_still_gets_in(
    visitor: Browser, env: Environment
) -> None:
    add_account(env, STEWARD, "steward", password=PASSWORD_HASH)
    assert try_in(visitor, STEWARD, PASSWORD) == 200
    visitor.submit("/console", "/sign-out")
    for number in range(6):
        with from_address(visitor, f"198.51.100.{number}") as stranger:
            last = [try_in(stranger, STEWARD) for _ in range(10)]
    with from_address(visitor, "203.0.113.9") as stranger:
        assert try_in(stranger, STEWARD) == 429 and last[0] == 401, "whatever address it comes from"
        assert try_in(stranger, "Somebody else") == 401, "only this name"
    assert try_in(visitor, STEWARD, PASSWORD) == 200


def test_a_known_browser_may_not_guess_either_and_its_cookie_serves_no_other_name(
    visitor: Browser, env: Environment
) -> None:
    for name in (STEWARD, "Berta"):
        add_account(env, name, "steward", password=PASSWORD_HASH)
    assert try_in(visitor, STEWARD, PASSWORD) == 200
    (cookie,) = (each for each in visitor.cookies.jar if each.name.startswith("elib_browser"))
    assert cookie.path == "/sign-in" and cookie.value and "httponly" in {key.lower() for key in cookie._rest}
    visitor.submit("/console", "/sign-out")
    answers = [try_in(visitor, STEWARD) for _ in range(21)]
    assert answers[:19] == [401] * 19 and answers[-1] == 429, "its own tries, then those of any browser"
    digest = hashlib.sha256(b"Berta").hexdigest()
    with from_address(visitor, "198.51.100.8") as thief:
        thief.cookies.set(f"elib_browser_{digest[:8]}", cookie.value, domain="127.0.0.1", path="/sign-in")
        assert [try_in(thief, "Berta") for _ in range(11)][-1] == 429


@pytest.mark.parametrize("kind", ["unknown", "disabled", "partner", "known"])
def test_a_wrong_try_costs_as_much_whoever_the_name_is(
    visitor: Browser, env: Environment, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind != "unknown":
        password = None if kind == "partner" else hash_password(PASSWORD)
        add_account(env, STEWARD, "partner" if kind == "partner" else "steward", password=password)
        change_account(env, STEWARD, disabled=kind == "disabled")
    parameters = []
    verify = argon2.PasswordHasher.verify

    def counted(hasher: argon2.PasswordHasher, hashed: str, password: str) -> bool:
        parameters.append(argon2.extract_parameters(hashed))
        return bool(verify(hasher, hashed, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    page = visitor.submit("/sign-in", "/sign-in", name=STEWARD, password="wrong")
    assert page.status_code == 401 and "disabled" not in page.text
    assert parameters == [argon2.extract_parameters(hash_password(PASSWORD))]


def test_a_password_that_could_never_be_entered_is_not_set() -> None:
    with pytest.raises(ValueError, match="at most 200"):
        hash_password("x" * 201)


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
