"""A process that has a lock: URL HOME NAME [LOCK_URL]. It says what it does, and obeys the words that it is sent.

write: write a row into the catalog, as a step of a run does. file: put a file in place. stay: begin a transaction, say
so, and stay in it until the next word. end: let go.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from loaders.store import LeaseLost, LockUnusable, hold_lock, whole_file, write_transaction
from schemas import Environment, environment


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def words() -> Iterator[str]:
    for line in sys.stdin:
        yield line.strip()


def obey(env: Environment, name: str, said: Iterator[str]) -> None:
    for word in said:
        try:
            if word == "end":
                return
            if word == "file":
                with whole_file(env.home / "written") as path:
                    path.write_text("written")
            else:
                with write_transaction(env) as connection:
                    change = "UPDATE harvest_run SET notes = :name WHERE kind = 'test'"
                    connection.execute(text(change), {"name": name})
                    if word == "stay":
                        say("in a transaction")
                        next(said)
            say("written")
        except LeaseLost as lost:
            say(f"lost: {lost}")


def main(url: str, home: str, name: str, lock_url: str = "") -> None:
    env = environment({"ELIB_HOME": home, "ELIB_CATALOG_URL": url, "ELIB_LOCK_URL": lock_url})
    try:
        with hold_lock(env, name, wait_seconds=60):
            say("held")
            obey(env, name, words())
        say("released")
    except LockUnusable as unusable:
        say(f"unusable: {unusable}")


if __name__ == "__main__":
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    main(*sys.argv[1:])
