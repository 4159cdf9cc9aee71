"""Files that are given to the installation instead of an address: inbox:NAME is ELIB_HOME/inbox/NAME."""

from __future__ import annotations

from pathlib import Path

import httpx

from harvesters.causes import failed
from harvesters.client import Reply
from schemas import Environment, Feed

INBOX = "inbox:"


def inbox_path(feed: Feed, env: Environment) -> Path:
    """Return the file or folder that the feed's url names. Raises HarvestFailed when it leaves the inbox."""
    inbox = (env.home / "inbox").resolve()
    path = (inbox / feed.url.removeprefix(INBOX)).resolve()
    if not path.is_relative_to(inbox):
        raise failed("forbidden_address", f"{feed.url} leads out of {INBOX}")
    return path


def inbox_reply(feed: Feed, env: Environment) -> Reply:
    """Return a document of the inbox as if a server had sent it. Raises HarvestFailed."""
    path = inbox_path(feed, env)
    if not path.is_file():
        raise failed("gone", f"{feed.url}: there is no such file in ELIB_HOME/inbox")
    if path.stat().st_size > feed.request.max_bytes:
        raise failed("too_large", f"{feed.url} has more than {feed.request.max_bytes} bytes")
    return Reply(feed.url, 200, httpx.Headers(), path.read_bytes())
