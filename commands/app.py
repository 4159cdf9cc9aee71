"""How the commands become a typer application: plain output, exit codes from the functions' return values."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec

import typer

if TYPE_CHECKING:
    from schemas import BadFeed, Environment

_P = ParamSpec("_P")


def new_app(explanation: str) -> typer.Typer:
    """Return an application that prints plain text, which logs and other programs can read."""
    return typer.Typer(
        help=explanation,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def add_command(
    app: typer.Typer, name: str, function: Callable[_P, int], *, accepts_leading_dash: bool = False
) -> None:
    """Add a command: a typed function whose docstring is its help, and whose result is the exit code.

    With `accepts_leading_dash` an argument may begin with "-" and not be an option, such as a negative number.
    """

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        raise typer.Exit(function(*args, **kwargs))

    settings = {"ignore_unknown_options": True} if accepts_leading_dash else None
    app.command(name, context_settings=settings)(run)


def no_feed(env: Environment, name: str, error: BadFeed) -> str:
    """Return what to say of a feed that cannot be used: why, where it was looked for, and which name may be meant."""
    from loaders.declarations import feeds_in_use
    from schemas import nearest_advice

    advice = f"; {nearest_advice(name, feeds_in_use(env).names)}" if error.missing else ""
    return f"{error} (in {env.feeds}; ELIB_FEEDS names another folder){advice}"
