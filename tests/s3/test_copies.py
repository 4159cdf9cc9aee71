"""Backups and downloads elsewhere: in a bucket or a folder they are whole, as many as here, and come back."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from commands.cli import main
from loaders.copies import CopyFailed, copy_place
from loaders.downloads import FILES, list_dumps
from loaders.store import engine
from pipeline import catalog as tasks_catalog
from schemas import Environment
from tests.installation import home
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.s3.server import S3Server, moto

__all__ = ["home", "moto"]
BY = ("--yes", "--by", "A Steward", "--reason", "a letter")
FEED_LICENSE = 'metadata_license = "CC0-1.0"\n'


@pytest.fixture(params=["bucket", "folder"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty place."""
    if request.param == "folder":
        (tmp_path / "share").mkdir()
        return str(tmp_path / "share")
    server: S3Server = request.getfixturevalue("moto")
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    return server.make_bucket(f"b{os.urandom(6).hex()}") + "/elib"


def published(env: Environment, count: int = 4) -> None:
    declare(env, "books", FEED_LICENSE)
    night(env, "books", [listed("books", number) for number in range(count)])
    tasks_catalog.publish_now()


@pytest.mark.parametrize("size", [0, 1, 70 << 20], ids=["nothing", "a byte", "in parts"])
def test_a_file_comes_back_as_it_was(elsewhere: str, size: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(size))
    place = copy_place(elsewhere)
    place.put(tmp_path / "file", "a/b c é.tar")
    assert place.names() == ["a/b c é.tar"]
    place.fetch("a/b c é.tar", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()
    assert stat.S_IMODE((tmp_path / "back").stat().st_mode) == 0o600
    place.remove("a/b c é.tar")
    place.remove("a/b c é.tar")
    assert place.names() == []


def test_a_backup_is_copied_and_the_library_comes_back_from_the_copy(
    home: Environment, elsewhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    published(home)
    before = rows(home, "resource", "id, title, created_at")
    assert main(["backup", "--copy-to", elsewhere]) == 0
    (name,) = copy_place(elsewhere).names()
    assert f"{elsewhere}/{name}" in capsys.readouterr().out
    engine(home).dispose()
    shutil.rmtree(home.home)
    assert main(["restore", f"{elsewhere}/{name}"]) == 0
    assert rows(home, "resource", "id, title, created_at") == before
    assert not list((home.home / "backups").glob("**/*.tar")), "what was fetched is removed"


def test_as_many_backups_are_kept_here_as_elsewhere_and_other_files_stay(
    home: Environment, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, folder = copy_place(elsewhere), home.home / "backups"
    folder.mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"older")
    for name in ("elib-20200101T000000Z.tar", "elib-20210101T000000Z.tar", "before-the-move.tar"):
        shutil.copy(tmp_path / "file", folder / name)
        place.put(tmp_path / "file", name)
    monkeypatch.setenv("ELIB_BACKUP_COPY", elsewhere)
    monkeypatch.setenv("ELIB_BACKUP_KEEP", "2")
    assert main(["backup"]) == 0
    here = sorted(path.name for path in folder.glob("*.tar"))
    assert here == place.names() and len(here) == 3
    assert here[:2] == ["before-the-move.tar", "elib-20210101T000000Z.tar"]


def test_only_its_owner_may_read_a_backup(home: Environment, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    assert main(["backup", "--copy-to", str(tmp_path / "share")]) == 0
    files = [*(home.home / "backups").glob("*.tar"), *(tmp_path / "share").iterdir()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600]


def test_downloads_elsewhere_are_those_that_are_here_and_an_erasure_takes_them(
    home: Environment, elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELIB_DOWNLOADS_COPY", elsewhere)
    monkeypatch.setenv("ELIB_DOWNLOADS_KEPT", "1,0")
    published(home)
    assert main(["downloads"]) == 0
    place, (dump,) = copy_place(elsewhere), list_dumps(home)
    (tmp_path / "file").write_bytes(b"ours not")
    place.put(tmp_path / "file", "README.txt")
    assert place.names() == sorted(["README.txt", *(f"{dump.manifest.name}/{name}" for name in FILES)])
    place.fetch(f"{dump.manifest.name}/resources.csv", tmp_path / "csv")
    assert (tmp_path / "csv").read_bytes() == (dump.folder / "resources.csv").read_bytes()
    place.remove(f"{dump.manifest.name}/manifest.json")  # as a copy that was broken off leaves it
    assert main(["downloads"]) == 0
    assert f"{dump.manifest.name}/manifest.json" in place.names()
    assert main(["downloads", "--even-unchanged"]) == 0
    (newer,) = list_dumps(home)
    assert {name.partition("/")[0] for name in place.names()} == {"README.txt", newer.manifest.name}
    assert main(["erase", "books:1", *BY]) == 0
    assert place.names() == ["README.txt"]


class _Refusing(BaseHTTPRequestHandler):
    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403)
        self.end_headers()
        self.wfile.write(b"<Error><Code>AccessDenied</Code>\n<Message>no</Message></Error>")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _refuse

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that refuses every request."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    for name, value in {"AWS_ALLOW_HTTP": "true", "AWS_REGION": "x", "AWS_ACCESS_KEY_ID": "a"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    yield
    server.shutdown()
    server.server_close()


def test_a_copy_that_fails_is_told_and_the_backup_here_stays(
    home: Environment, refusing: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--copy-to", "s3://elib/backups", "--keep", "1"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("NOT COPIED: s3://elib/backups: ") and len(message.splitlines()) == 1
    assert "403" in message and "keys" in message and "hunter2" not in message
    assert len(list((home.home / "backups").glob("elib-*.tar"))) == 1


def test_an_erasure_is_not_done_while_the_copies_cannot_be_removed(
    home: Environment, refusing: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published(home)
    monkeypatch.setenv("ELIB_DOWNLOADS_COPY", "s3://elib/downloads")
    capsys.readouterr()
    assert main(["erase", "books:1", *BY]) == 1
    assert "s3://elib/downloads: " in capsys.readouterr().err
    assert main(["erase", "--list"]) == 0 and "NOT DONE" in capsys.readouterr().out
    monkeypatch.delenv("ELIB_DOWNLOADS_COPY")
    assert main(["erase", "books:1", *BY]) == 0


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("backups", "neither s3://bucket/prefix nor an absolute path"),
        ("/not/mounted", "there is no such folder; mount the share"),
        ("s3://", "no address of a bucket"),
        ("s3://Bucket With Spaces/x", "no address of a bucket"),
        ("s3://key:secret@host/x", "no address of a bucket"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused_before_any_work(
    address: str, why: str, home: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CopyFailed, match=why):
        copy_place(address)
    assert main(["backup", "--copy-to", address]) == 1
    assert why.split(";", maxsplit=1)[0] in capsys.readouterr().err
    assert not list(home.home.glob("backups/*.tar"))


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize("address", ["s3://bucket", "s3://bucket/", "s3://"])
def test_a_backup_in_a_bucket_needs_a_name(
    command: str, address: str, home: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, address]) == 1
    assert capsys.readouterr().err == f"{address}: write s3://bucket/name, with the name of a backup\n"
