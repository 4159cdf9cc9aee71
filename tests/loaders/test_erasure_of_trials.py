"""What is erased is erased from previews and uploads of partners too: such a trial is removed, and others stay."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from loaders.erasure import erase
from loaders.trials import mint_trial_id, trial_folder, write_part
from schemas import Environment
from tests.loaders.nights import feed, night, on_sqlite, sent

NAME = "Zofia Testname"


def trial(env: Environment, preview: object, upload: bytes = b"") -> Path:
    folder = trial_folder(env, mint_trial_id())
    assert folder is not None
    (folder / "inbox").mkdir(parents=True)
    write_part(folder, "preview", preview)
    if upload:
        (folder / "inbox" / "upload.csv").write_bytes(upload)
    return folder


@on_sqlite
@pytest.mark.parametrize("of_record", [False, True], ids=["name", "record"])
def test_trials_that_hold_what_is_erased_are_removed(env: Environment, of_record: bool) -> None:
    night(env, feed(), [sent("b-1734", title=f"By {NAME}")])
    body = f"b-1734,By {NAME}\n"
    gone = [
        trial(env, {"records": [{"identifier": "b-1734", "creator": f"By ZOFIA TESTNAME {NAME}"}]}),
        trial(env, {}, body.encode()),
        trial(env, {}, gzip.compress(body.encode())),
    ]
    kept = trial(env, {"records": [{"identifier": "b-9", "creator": "Another Person"}]}, b"b-9,Another Person\n")
    what = {"key": "books:b-1734"} if of_record else {"feed": "books", "names": [NAME]}
    erase(env, by="A Steward", reason="wanted", **what)  # type: ignore[arg-type]
    assert not any(each.exists() for each in gone)
    assert (kept / "preview.json").exists() and (kept / "inbox" / "upload.csv").exists()
