"""Commands as the user's shell takes them: how `elib` is called here, and arguments quoted."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def elib_command(*words: str, more: str = "") -> str:
    """Return a command line of `elib` that works in the user's shell, on one line; `more` follows as it is.

    In a checkout whose environment is not activated, `elib` is called by its path. Under make, PATH is make's own.
    """
    parts = [_program(), *map(_quote, words), more]
    return " ".join(part for part in parts if part)


def _program() -> str:
    own = Path(sys.executable).with_name("elib")
    on_path = None if os.environ.get("MAKELEVEL") else shutil.which("elib")
    if on_path and Path(on_path).absolute() == own.absolute():
        return "elib"
    if not own.exists():
        return f"{_quote(sys.executable)} -m commands.cli"
    here = Path.cwd()
    return _quote(str(own.relative_to(here) if own.is_relative_to(here) else own))


def _quote(word: str) -> str:
    """Quote a word for a POSIX shell; line ends and tabs are escaped, so that the command stays one line."""
    if not {"\n", "\t"} & set(word):
        return shlex.quote(word)
    escaped = "".join(_ESCAPES.get(character, character) for character in word)
    return f'"$(printf %b {shlex.quote(escaped)})"'
