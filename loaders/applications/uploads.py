"""Keep the files that partners send instead of an address, in ELIB_HOME/inbox, from where they are harvested."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import IO

from loaders.store import whole_file
from schemas import Environment

_FOLDER = "registrations"
_UNSAFE = re.compile(r"[^\w.-]")
_MAX_NAME_BYTES = 120  # a file system takes 255, and a temporary name is longer


def keep_upload(env: Environment, application_id: str, name: str, file: IO[bytes]) -> str:
    """Keep a file, and return its path below the inbox; an earlier file of the application goes.

    The name is made safe: no folder, no leading dot, and letters, digits, dots and dashes only.
    """
    safe = _shortened(_UNSAFE.sub("_", Path(name.replace("\\", "/")).name)).lstrip(".") or "file"
    remove_upload(env, application_id)
    folder = env.home / "inbox" / _FOLDER / application_id
    with whole_file(folder / safe) as temporary, temporary.open("wb") as written:
        shutil.copyfileobj(file, written)
    return f"{_FOLDER}/{application_id}/{safe}"


def _shortened(name: str) -> str:
    """Return the end of a name, which tells what the file is, of at most so many bytes."""
    return name.encode()[-_MAX_NAME_BYTES:].decode(errors="ignore")


def upload_path(env: Environment, kept: str) -> Path:
    """Return where a file lies that `keep_upload` has kept."""
    return env.home / "inbox" / kept


def remove_upload(env: Environment, application_id: str) -> None:
    """Remove the file of an application, if there is one."""
    shutil.rmtree(env.home / "inbox" / _FOLDER / application_id, ignore_errors=True)
