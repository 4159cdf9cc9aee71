"""A backup, everything else destroyed, and the catalog made again."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

from loaders import catalog, declarations, store
from loaders.backup import BadBackup, restore
from loaders.backup.backup import back_up
from loaders.curation import curation
from loaders.store import ResourceRow, SourceRecordRow, Table, engine, write_transaction
from schemas import Environment
from tests.loaders.nights import feed, night, rows, sent, stage

BY = {"by": "A Steward", "reason": "looked at it"}
PRIMARY = ("judgement", "curation", "redirect", "refused", "resource", "feed_declaration")
REBUILT = "key, status, payload_sha256, record, datestamp, pending_sha256, pending_status, resource_id"


def destroy(env: Environment) -> None:
    with write_transaction(env) as connection:
        for table in Table.metadata.tables:
            connection.execute(text(f'DELETE FROM "{table}"'))
    shutil.rmtree(env.landing)
    shutil.rmtree(env.staging)


def test_everything_can_be_rebuilt_from_the_backup(env: Environment, tmp_path: Path) -> None:
    night(env, feed(), [sent(f"r{n}", "old") for n in range(12)])
    waiting = sent("r7", "bad", datestamp="2026-02-02")
    night(env, feed(), [*(sent(f"r{n}", "new") for n in range(7)), waiting, sent("poor", "bad")])
    with write_transaction(env) as connection:
        made = {"id": "lr-1", "record": "{}", "record_sha256": "0", "created_at": "then", "updated_at": "then"}
        connection.execute(insert(ResourceRow).values(**made))
        members = SourceRecordRow.key.in_(("books:r1", "books:r2"))
        connection.execute(update(SourceRecordRow).where(members).values(resource_id="lr-1"))
    curation.judge(env, "same", "books:r2", "books:r1", **BY)
    curation.accept(env, "books:poor", **BY)
    declarations.keep_declaration(env, feed(trust=3))
    primary, records = {name: rows(env, name) for name in PRIMARY}, rows(env, "source_record", REBUILT)
    file = tmp_path / "backup.tar"
    assert back_up(env, file) == 4, "of each night a part, and the rows before it"
    destroy(env)
    restore(env, file)
    assert {name: rows(env, name) for name in PRIMARY} == primary
    assert primary["feed_declaration"]
    run = store.begin_run(env, "books", "reprocess")
    stage(env, run)
    catalog.load(env, run)
    assert rows(env, "source_record", REBUILT) == records
    gone = {"books:r8", "books:r9", "books:r10", "books:r11"}
    assert {row[0] for row in rows(env, "source_record", "key, status") if row[1] == "deleted"} == gone
    assert curation.judge(env, "different", "books:r2", "books:r1", **BY) == 2
    engine(env).dispose()


def test_decisions_made_since_the_backup_are_not_overwritten(env: Environment, tmp_path: Path) -> None:
    night(env, feed(), [sent(f"r{n}") for n in range(3)])
    curation.judge(env, "same", "books:r0", "books:r1", **BY)
    back_up(env, tmp_path / "backup.tar")
    restore(env, tmp_path / "backup.tar")
    with write_transaction(env) as connection:  # another catalog, where the first judgement is another one
        connection.execute(text("UPDATE judgement SET verdict = 'different', reason = 'looked again'"))
    decided = rows(env, "judgement")
    with pytest.raises(BadBackup, match="holds another judgement 1; restore into an empty catalog"):
        restore(env, tmp_path / "backup.tar")
    assert rows(env, "judgement") == decided


def test_restoring_a_truncated_backup_changes_nothing(lite: Environment, tmp_path: Path) -> None:
    night(lite, feed(), [sent(f"r{n}") for n in range(5)])
    file = tmp_path / "backup.tar"
    back_up(lite, file)
    whole = file.read_bytes()
    for size in (0, 700, len(whole) // 2):
        file.write_bytes(whole[:size])
        with pytest.raises(BadBackup, match=r"backup\.tar: not a"):
            restore(lite, file)
    file.write_bytes(whole)
    part = next(lite.landing.rglob("part-*"))
    landed = part.read_bytes()
    for other in (b"another", landed[:-1] + b"?", landed + b"?", b""):
        part.write_bytes(other)
        with pytest.raises(BadBackup, match="exists already and differs"):
            restore(lite, file)
    part.write_bytes(landed)
    assert restore(lite, file) > 0


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("tables/nonsense-00000.json", b"[]", "does not belong in a backup"),
        ("tables/resource-00000.json", b"[{", "cannot be read"),
        ("landing/../../outside", b"x", "does not belong in a backup"),
    ],
)
def test_foreign_content_in_a_backup_is_named_and_nothing_is_written(
    lite: Environment, tmp_path: Path, name: str, body: bytes, why: str
) -> None:
    file = tmp_path / "backup.tar"
    with tarfile.open(file, "w") as tar:
        for member_name, content in ((name, body), ("complete.json", b"{}")):
            member = tarfile.TarInfo(member_name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(BadBackup, match=why):
        restore(lite, file)
    assert not (tmp_path.parent / "outside").exists()
