"""`elib erase`: take a person's name, contact, or a whole record out of every store, because the law asks for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas import Environment


def erase(
    key: Annotated[str | None, typer.Argument(help="The record's key, feed:identifier.")] = None,
    name: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A person's name, in any order.")] = None,
    contact: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="A mail address or telephone.")] = None,
    feed: Annotated[str | None, typer.Option(metavar="NAME", help="From every record of this feed.")] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decides.")] = "",
    reason: Annotated[str, typer.Option(metavar="WHY", help="Why, without repeating what is erased.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List what was erased, by digest.")] = False,
) -> int:
    """Erase a whole record, or a name or contact in it or in a feed, for good.

    Landing, the catalog with its history, reports and later backups hold nothing of it, and it stays out when the
    partner sends it again. It cannot be undone. After a break the same command completes it.
    """
    from loaders.catalog import Unsigned
    from loaders.erasure import CannotErase, list_erasures
    from loaders.migrations import migrate
    from loaders.store import FeedBusy
    from schemas import environment

    env = environment()
    migrate(env)
    if list_:
        print("\n".join(list_erasures(env)))
        return 0
    if not (yes or _is_meant(key, feed, [*(name or ()), *(contact or ())])):
        print("Nothing was erased.", file=sys.stderr)
        return 1
    try:
        replaced_in = _erase(env, key, feed, name or [], contact or [], by, reason)
    except (CannotErase, FeedBusy, Unsigned) as error:
        print(error, file=sys.stderr)
        return 1
    is_judged = replaced_in is None or _transform_again(env, replaced_in)
    return max(_publish(), int(not is_judged))


def _is_meant(key: str | None, feed: str | None, texts: list[str]) -> bool:
    what = " and ".join(texts) or "the whole record"
    where = f"record {key}" if key else f"every record of {feed}"
    print(f"Erase {what} from {where}, for good? Type yes: ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def _erase(
    env: Environment, key: str | None, feed: str | None, names: list[str], contacts: list[str], by: str, reason: str
) -> str | None:
    """Erase, say what was erased, and return the feed whose records are to be transformed again, if any."""
    from loaders.erasure import erase, older_backups
    from loaders.shell import elib_command

    texts = [*(f"--name={name}" for name in names), *(f"--contact={contact}" for contact in contacts)]
    erased = erase(env, by=by, reason=reason, key=key, feed=feed, names=names, contacts=contacts)
    print(f"Erased from {erased.landed} records in landing and {erased.rows} rows of the catalog.")
    if not (erased.landed or erased.rows):
        print("Nothing was found: compare the spelling. What is sent later is kept out all the same.")
    if erased.others:
        print(
            f"{len(erased.others)} more records of the same works name the person. To erase {_what(texts)} there too:"
        )
    for other in erased.others:
        print(elib_command("erase", other, *texts))
    for path in older_backups(env):
        print(f"{path} was made before: delete it, or keep it for as long as the law allows.")
    return erased.feed


def _what(texts: list[str]) -> str:
    return "it" if texts else "those records (with --name NAME, only the name)"


def _transform_again(env: Environment, feed: str) -> bool:
    """Judge the feed's records by the payloads that are left; return whether all of them are loaded."""
    from loaders.shell import elib_command
    from loaders.store import FeedBusy
    from pipeline.feed import begin_reprocess, load_feed, run_feed
    from schemas import BadFeed

    try:
        load_feed(env, feed)
        counts = run_feed(feed, begin_reprocess(feed))
    except (BadFeed, FeedBusy) as error:
        again = elib_command("reprocess", feed)
        print(f"Erased, and {feed} is not transformed again yet: {error}. Then run: {again}", file=sys.stderr)
        return False
    if not counts:
        decide = elib_command("review")
        print(f"Erased; what is left of {feed} is HELD until somebody decides: {decide}", file=sys.stderr)
    return bool(counts)


def _publish() -> int:
    """Publish what is left, and write the reports anew."""
    from commands.publish import publish_now
    from loaders.declarations import Undeclared
    from loaders.restored import NotReprocessed
    from loaders.shell import elib_command
    from loaders.store import FeedBusy

    try:
        print(publish_now())
    except (NotReprocessed, Undeclared, FeedBusy) as error:
        print(f"Erased, and not published yet: {error}. Then run: {elib_command('publish')}", file=sys.stderr)
        return 1
    return 0
