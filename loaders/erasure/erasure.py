"""Erase from landing, the undo logs, staging, the match, reports and the catalog; what is made from them follows.

Before anything is changed, the erasure is noted by digests (landing/erasures.jsonl); at its end, that it is done. Every
step may be repeated, so that one that was broken off is completed by the same command.
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from loaders.catalog import check_signature, forget_batch_facts
from loaders.declarations import feeds_in_use
from loaders.downloads import mirror_dumps, remove_all_dumps
from loaders.erasure.catalog import erase_catalog, is_known, records_of_same_works, wipe_free_pages
from loaders.erasure.people import ErasedPeople, erase_people
from loaders.erasure.undo_logs import erase_undo_logs
from loaders.landing import ERASURES_FILE_NAME, Erasure, Erasures, erase_landing, erasures_in, key_digest
from loaders.search import INDEX_FOLDER, LIBRARY_INDEX_FOLDER
from loaders.sessions import end_sessions_of
from loaders.store import feed_lock, feed_name_of, now, show_publications, sweep, write_transaction
from loaders.trials import remove_trials_that_hold
from schemas import ERASED, Environment, Resource, TextDigest, digest_text, nearest_advice, redact, redact_bytes

_KEPT_REPORTS = ("gate", "notified.json")  # they hold figures only
_Kind = Literal["record", "name", "contact"]


class CannotErase(LookupError):
    """There is nothing that could be erased; the message says what to give instead."""


class Erased(NamedTuple):
    """What was erased: records in landing, and rows of the catalog; and the keys of other records that hold it yet.

    These are records of the same works, of other feeds or beside the one erased. `feed` is to be transformed again when
    payloads of it were replaced: what was made of them may hold what no comparison of texts finds.
    """

    landed: int
    rows: int
    others: tuple[str, ...] = ()
    feed: str | None = None


def erase(
    env: Environment,
    *,
    by: str,
    reason: str,
    key: str | None = None,
    feed: str | None = None,
    names: Sequence[str] = (),
    contacts: Sequence[str] = (),
) -> Erased:
    """Erase a whole record (by `key`), or names and contacts from it, or from every record of a feed.

    The next publication and report hold nothing of it; nor does what the partner sends again. Raises CannotErase when
    no such record or feed is known, and FeedBusy while a run of the feed goes on.
    """
    signature = check_signature(by, reason)
    name = feed_name(key, feed)
    digests = _digests(names, contacts)
    if not (digests or key):
        raise CannotErase("give --name or --contact: all records of a feed are not erased at once; retire the feed")
    erasures = Erasures(env.landing)
    signature["reason"] = _redacted_reason(signature["reason"], erasures.of_feed(name), digests)
    mine = [_erasure(name, key, kind, digest, signature) for kind, digest in digests or [("record", None)]]
    with feed_lock(env, name, wait=False):
        _check_known(env, erasures, mine, key)
        others = records_of_same_works(env, mine, key)
        begun = [erasures.begin(each) for each in mine]  # all of them, so that a break leaves none out
        results = [_erase_one(env, erasures, each, key) for each in begun]
        _erase_trials(env, mine, key)
    replaced = erasures.replacing.intersection(each.id for each in begun)
    return _sum(results)._replace(others=others, feed=name if replaced else None)


def _sum(results: Sequence[Erased]) -> Erased:
    return Erased(sum(result.landed for result in results), sum(result.rows for result in results))


def _digests(names: Sequence[str], contacts: Sequence[str]) -> list[tuple[_Kind, TextDigest | None]]:
    of_names: list[tuple[_Kind, TextDigest | None]] = [("name", _digest_of(name)) for name in names]
    return [*of_names, *(("contact", _digest_of(contact)) for contact in contacts)]


def _redacted_reason(
    reason: str, earlier: Sequence[Erasure], digests: Sequence[tuple[_Kind, TextDigest | None]]
) -> str:
    """Return the reason without what is erased, or was erased before."""
    texts = [*(each.text for each in earlier), *(digest for _, digest in digests)]
    return redact(reason, [text for text in texts if text is not None])


def _check_known(env: Environment, erasures: Erasures, mine: Sequence[Erasure], key: str | None) -> None:
    """Raise CannotErase when neither the catalog nor landing knows the feed, unless an erasure is to be completed."""
    feed = mine[0].feed
    begun = any(each.id in erasures.all for each in mine)
    if not (begun or is_known(env, feed, key) or (env.landing / feed).is_dir()):
        known = feeds_in_use(env).names
        what = f"there is no record {key!r}" if key else f"there is no feed {feed!r}"
        raise CannotErase(what if feed in known else f"{what}; {nearest_advice(feed, known)}")


def erase_again(env: Environment) -> int:
    """Erase everything that was ever erased once more, after an older backup was restored; return how many erasures."""
    erasures = Erasures(env.landing)
    for erasure in erasures.all.values():
        with feed_lock(env, erasure.feed):
            _erase_one(env, erasures, erasure, None)
    return len(erasures.all)


def list_erasures(env: Environment) -> Iterator[str]:
    """List what was erased, by digest: who, when and why, and whether all of it is done."""
    erasures = Erasures(env.landing)
    for erasure in erasures.all.values():
        where = f"record {erasure.key_sha256[:12]}" if erasure.key_sha256 else "every record"
        done = erasures.done.get(erasure.id)
        state = f"done {done}" if done else "NOT DONE: run the same command again"
        yield f"{erasure.at} {erasure.kind} in {where} of {erasure.feed} by {erasure.by}: {erasure.reason}; {state}"
    if not erasures.all:
        yield "nothing was erased"


def older_backups(env: Environment) -> list[Path]:
    """Return the backups under ELIB_HOME/backups that were made before the last erasure."""
    return [path for path in sorted((env.home / "backups").glob("*.tar")) if erasures_since(env, path)]


def erasures_since(env: Environment, path: Path) -> int:
    """Return how many of the erasures that this installation knows a backup was made before."""
    with tarfile.open(path) as tar:
        try:
            member = tar.extractfile(f"landing/{ERASURES_FILE_NAME}")
        except KeyError:
            member = None
        of_backup = erasures_in(member.read()) if member else set()
    return len(set(Erasures(env.landing).all) - of_backup)


def feed_name(key: str | None, feed: str | None) -> str:
    """Return the feed of a record's key, or the feed that is named. Raises CannotErase when neither names one."""
    if key is not None and ":" not in key:
        raise CannotErase(f"{key!r} is not a record's key, which is feed:identifier")
    if key is not None and feed not in (None, key.partition(":")[0]):
        raise CannotErase(f"{key!r} is not a record of {feed}")
    name = feed or (key or "").partition(":")[0]
    if not name:
        raise CannotErase("give a record's key, or --feed with --name or --contact")
    return name


def _digest_of(text: str) -> TextDigest:
    try:
        digest = digest_text(text)
    except ValueError as error:
        raise CannotErase(str(error)) from error
    if digest.words == 1 and redact(text.casefold(), map(digest_text, _own_words())) == ERASED:
        raise CannotErase(f"{text!r} is a word that every record has; give the whole name")
    return digest


def _own_words() -> set[str]:
    """Return the values that our own records have by their schema, such as "person" and "author"."""
    components = msgspec.json.schema_components([Resource])[1]
    properties = [each for component in components.values() for each in component.get("properties", {}).values()]
    return {str(word) for each in properties for word in each.get("enum", ())}


def _erasure(
    feed: str,
    key: str | None,
    kind: _Kind,
    text: TextDigest | None,
    signature: dict[str, str],
) -> Erasure:
    """Return an erasure with its id, by which it is known again."""
    key_sha256 = key_digest(feed, key.partition(":")[2]) if key else None
    parts = (feed, key_sha256 or "", text.sha256 if text else "")
    return Erasure(
        id=sha256("\n".join(parts).encode()).hexdigest()[:32],
        kind=kind,
        feed=feed,
        key_sha256=key_sha256,
        text=text,
        by=signature["by"],
        at=now(),
        reason=signature["reason"].replace(key, ERASED) if key else signature["reason"],
    )


def _erase_one(env: Environment, erasures: Erasures, erasure: Erasure, key: str | None) -> Erased:
    """Take the steps of one erasure, from what is kept for good to what is made from it."""
    _forget_derived(env, erasure.feed)
    landed = erase_landing(env.landing, erasures, erasure)
    erase_undo_logs(env, erasures, erasure)
    if erasure.text is not None:
        erasures.redact_reasons(erasure.text)
    with write_transaction(env) as connection:
        people = _erase_people(connection, erasure)
        rows = people.rows + erase_catalog(connection, erasures, erasure, key)
    for account in people.accounts:
        end_sessions_of(env, account)
    show_publications(env)
    wipe_free_pages(env)
    _forget_derived(env, erasure.feed)
    erasures.finish(erasure, now())
    return Erased(landed, rows)


def _erase_people(connection: Connection, erasure: Erasure) -> ErasedPeople:
    """Erase partners whose address holds the contact; a name in a record may be that of somebody else."""
    if erasure.kind != "contact" or erasure.text is None or erasure.key_sha256 is not None:
        return ErasedPeople((), 0)
    return erase_people(connection, erasure.feed, erasure.text)


def _erase_trials(env: Environment, erasures: Sequence[Erasure], key: str | None) -> None:
    """Remove the previews and uploads of partners that hold what is erased; a record is known by its identifier."""
    digests = [each.text for each in erasures if each.text is not None]
    identifier = key.partition(":")[2].encode() if key and not digests else None

    def holds(body: bytes) -> bool:
        return identifier in body if identifier else redact_bytes(body, digests) != body

    remove_trials_that_hold(env, holds)


def _forget_derived(env: Environment, feed: str) -> None:
    """Delete what is made again: stagings and batch facts of the feed, match, search index, reports, dumps."""
    remove_all_dumps(env)  # a dump that is being written notices the erasure at its end, and goes too
    mirror_dumps(env)  # removes the copies elsewhere; where it cannot, the erasure is not done
    for folder in env.staging.glob(f"{feed}-*"):
        if feed_name_of(folder.name) == feed:
            shutil.rmtree(folder, ignore_errors=True)
    sweep(env.staging)
    shutil.rmtree(env.home / "match", ignore_errors=True)
    forget_batch_facts(env, feed)
    for index in (INDEX_FOLDER, LIBRARY_INDEX_FOLDER):  # a deleted document's words stay in it until it is made anew
        shutil.rmtree(env.home / index, ignore_errors=True)
    for path in env.reports.glob("*"):
        if path.is_dir() and path.name not in _KEPT_REPORTS:
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in _KEPT_REPORTS:
            path.unlink(missing_ok=True)
