"""Erase a name and a contact from the feed "books" in a process that kills itself at a chosen moment.

Arguments: the file (how its path ends; empty: nothing kills) and which time it is about to be replaced or appended to;
the name and the contact. The environment says which installation.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from loaders import erasure
from schemas import environment


def main() -> None:
    """Erase, and die at the moment that the arguments name."""
    file_name, times, name, contact = sys.argv[1:]
    seen = 0

    def kill_at(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        changed = {"os.rename": 1, "open": 0}.get(event)
        if changed is None or not str(arguments[changed]).endswith(file_name):
            return
        if event == "os.rename" or str(arguments[1]).startswith("a"):
            seen += 1
            if seen == int(times):
                os.kill(os.getpid(), signal.SIGKILL)

    if file_name:
        sys.addaudithook(kill_at)
    erasure.erase(environment(), by="A Steward", reason="asked for it", feed="books", names=[name], contacts=[contact])


if __name__ == "__main__":
    main()
