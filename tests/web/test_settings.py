"""The web refuses to listen where it would not be safe, and accounts are made on the command line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from commands.cli import main
from schemas import Environment, environment
from web.server import declared_proxies
from web.settings import UnsafeSettings, check_public, web_settings


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "ELIB_WEB_SECRET"),
        ({"ELIB_WEB_SECRET": "s" * 40}, "ELIB_WEB_URL"),
        ({"ELIB_WEB_SECRET": "s" * 40, "ELIB_WEB_URL": "http://library.example.org"}, "ELIB_WEB_URL"),
        ({"ELIB_WEB_URL": "https://library.example.org"}, "ELIB_WEB_SECRET"),
    ],
)
def test_the_web_does_not_listen_beyond_this_machine_without_secret_and_tls(
    tmp_path: Path, variables: dict[str, str], missing: str
) -> None:
    env = environment({"ELIB_HOME": str(tmp_path)})
    settings = web_settings(env, variables)
    with pytest.raises(UnsafeSettings, match=missing):
        check_public("0.0.0.0", settings, ["10.0.0.1"], variables)
    check_public("127.0.0.1", settings, [], variables)


def test_the_web_may_listen_behind_a_proxy_with_tls(tmp_path: Path) -> None:
    variables = {"ELIB_WEB_SECRET": "s" * 40, "ELIB_WEB_URL": "https://library.example.org/"}
    settings = web_settings(environment({"ELIB_HOME": str(tmp_path)}), variables)
    check_public("0.0.0.0", settings, declared_proxies("10.0.0.1, 10.1.0.0/16"), variables)
    with pytest.raises(UnsafeSettings, match="ELIB_WEB_BEHIND"):
        check_public("0.0.0.0", settings, [], variables)
    assert settings.url == "https://library.example.org"


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0", "::/0", "proxy.example.org", "10.0.0.1/8"])
def test_what_would_let_everybody_say_who_they_are_is_no_proxy(proxies: str) -> None:
    with pytest.raises(UnsafeSettings, match="ELIB_WEB_BEHIND"):
        declared_proxies(proxies)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    env = environment({"ELIB_HOME": str(tmp_path)})
    first = web_settings(env, {}).secret
    assert len(first) >= 32 and web_settings(env, {}).secret == first
    assert (tmp_path / "web.secret").stat().st_mode & 0o077 == 0
    (tmp_path / "web.secret").write_text("short")
    with pytest.raises(UnsafeSettings, match="delete it"):
        web_settings(env, {})


@pytest.mark.parametrize("variables", [{"ELIB_WEB_SECRET": "short"}, {"ELIB_WEB_URL": "library.example.org"}])
def test_settings_that_cannot_be_right_are_named(tmp_path: Path, variables: dict[str, str]) -> None:
    with pytest.raises(UnsafeSettings, match=next(iter(variables))):
        web_settings(environment({"ELIB_HOME": str(tmp_path)}), variables)


def test_accounts_are_added_listed_and_disabled(
    home: Environment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main(["user", *words])
        output = capsys.readouterr()
        return code, output.out + output.err

    assert run("list") == (0, "no account; `elib user add NAME` adds a steward\n")
    assert run("add", "Amina", typed="too short\n") == (
        1,
        "No account was added: a password has at least 12 characters.\n",
    )
    assert run("add", "Amina", typed="a password of many letters\n") == (0, "steward Amina added\n")
    assert run("add", "Amina", typed="a password of many letters\n")[0] == 1
    assert run("add", "Boris", "--role", "operator", typed="a password of many letters\n")[0] == 0
    assert run("disable", "Amina") == (0, "Amina disabled\n")
    listed = run("list")[1].splitlines()
    assert len(listed) == 2 and "disabled" in listed[0] and "operator" in listed[1]
    assert run("enable", "nobody")[0] == 1
    assert run("role", "Boris", "steward") == (0, "Boris is steward now\n")
    assert run("sign-out", "Boris") == (0, "sessions of Boris ended: 0\n")
    assert run("sign-out", "nobody")[0] == 1 and run("role", "nobody", "steward")[0] == 1
    assert run("add", "x", "--role", "emperor", typed="a password of many letters\n")[0] == 2
