"""Explain what an installation's files, disk and catalog can do wrong, as one sentence with what to do."""

from __future__ import annotations

import errno
import re

from sqlalchemy.exc import DatabaseError, DBAPIError

from loaders.store.database import BadCatalogUrl
from loaders.store.leases import LeaseLost, LockUnusable
from schemas import Environment, UnusableFile, one_line

_CUT_STATES = ("08", "57P", "25P03")  # the connection failed, the server shut down, or the session was idle too long
_NEW_LINE = "\n"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_FOLDER = {errno.ENOTDIR, errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG}
_LIBRARIES = {"duckdb", "_duckdb", "pyarrow"}
_MAKE_ROOM = "the disk is full: make room, then try again"
_MAKE_WRITABLE = (
    "this user cannot write there: make ELIB_HOME and the files in it writable, or set ELIB_HOME to a folder that is"
)
# what the libraries that report errors as text call a full disk, one that is read-only, and a damaged SQLite file
_TEXTS = {
    "full": re.compile(
        "no space left|disk is full|disk quota exceeded|database or disk is full|failed to offload data block", re.I
    ),
    "read-only": re.compile("read-?only|permission denied|unable to open database file|operation not permitted", re.I),
    "damaged": re.compile("malformed|not a database|file is encrypted", re.I),
}


def storage_sentence(error: BaseException, env: Environment) -> str | None:
    """Return what is wrong with a file or the disk, and what to do; None for an error of another kind."""
    if isinstance(error, UnusableFile):
        return one_line(str(error))
    if isinstance(error, OSError) and error.errno is not None:
        return _system_sentence(error, env)
    if isinstance(error, (LeaseLost, LockUnusable, BadCatalogUrl)):
        return one_line(str(error))
    if _lost_postgres(error):
        return f"PostgreSQL is not there: {one_line(str(error).partition(_NEW_LINE)[0])}; try again when it answers"
    return _library_sentence(error, env) if _is_of_a_library(error) else None


def is_interruption(error: BaseException) -> bool:
    """Return whether an error says nothing of the work itself: a lock was lost, or PostgreSQL went away or does not
    answer. What was done stands, as after a kill, and the step can be tried again.
    """
    return isinstance(error, LeaseLost) or _lost_postgres(error)


def _lost_postgres(error: BaseException) -> bool:
    """Return whether PostgreSQL cut the connection, or could not be reached (SQLSTATE classes 08 and 57P)."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if type(original).__module__.split(".")[0] != "psycopg" or type(original).__name__ == "InterfaceError":
        return False
    state = getattr(original, "sqlstate", None)
    return state.startswith(_CUT_STATES) if state else type(original).__name__ == "OperationalError"


def _library_sentence(error: BaseException, env: Environment) -> str | None:
    """Return the sentence for an error whose text alone tells what the disk says."""
    kind = next((kind for kind, text in _TEXTS.items() if text.search(str(error))), None)
    if kind is None:
        return None
    place, why = _place(error, env), one_line(str(error).partition("\n")[0])
    if kind == "damaged":
        return f"{place} is damaged ({why}): restore a backup into an empty ELIB_HOME with elib restore"
    return f"{place}: {_MAKE_ROOM if kind == 'full' else _MAKE_WRITABLE} ({why})"


def _place(error: BaseException, env: Environment) -> str:
    if not isinstance(error, DatabaseError):
        return str(env.home)
    if env.catalog_url.startswith("postgresql"):
        return "the catalog's PostgreSQL"
    return env.catalog_url.removeprefix("sqlite:///")


def _system_sentence(error: OSError, env: Environment) -> str | None:
    place = one_line(str(error.filename or env.home))
    if error.errno in _FULL:
        return f"{place}: {_MAKE_ROOM}"
    if error.errno in _READ_ONLY:
        return f"{place}: {_MAKE_WRITABLE}"
    if error.errno in _NO_FOLDER and error.filename:
        return f"{place}: {error.strerror}; check that ELIB_HOME names a folder, and put back what is missing in it"
    return None


def _is_of_a_library(error: BaseException) -> bool:
    """Return whether SQLAlchemy, DuckDB or Arrow report in the error what the disk says."""
    return isinstance(error, DatabaseError) or type(error).__module__.split(".")[0] in _LIBRARIES
