"""`elib review`: what needs a person (held runs, quarantined records, pairs to review), and the decisions on it.

`--publish` after a decision matches and publishes in this process. Memory is no reason for a process of its own: the
publication is what this one does last, and a decision keeps only its own rows.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from commands.app import add_command, new_app
from commands.pipe import discard_stdout
from loaders.shell import elib_command

if TYPE_CHECKING:
    from schemas import Environment

PUBLISH_LATER = f"Effective at the next publication, which this starts now: {elib_command('publish')}"
_MAX_ANSWER_CHARS = 2_000
_CURATION_NUMBER = re.compile("[0-9]{1,9}")  # an INTEGER of the database
_CURATION_NUMBERS = re.compile("([0-9]{1,9})-([0-9]{1,9})")

_Feed = Annotated[str | None, typer.Option(metavar="NAME", help="Of this feed only.")]
_Run = Annotated[str, typer.Argument(help="The run's id, as `held` lists it.")]
_Key = Annotated[str, typer.Argument(help="A record's key, feed:identifier.")]
_Target = Annotated[str, typer.Argument(metavar="KEY-OR-RESOURCE", help="A record's key or a resource's id.")]
_By = Annotated[str, typer.Option(metavar="NAME", help="Who decides.")]
_Reason = Annotated[str, typer.Option(metavar="WHY", help="Why.")]
_Publish = Annotated[bool, typer.Option("--publish", help="Publish at once.")]


class _NotPublished(Exception):
    """A decision was made, and the publication after it failed."""


def held(feed: _Feed = None) -> int:
    """List every held run, with its reasons and what it would delete and change."""
    from loaders.curation import list_held_runs

    return _list(list_held_runs, feed)


def quarantined(feed: _Feed = None) -> int:
    """List every record with a version that needs review."""
    from loaders.curation import list_waiting_versions

    return _list(list_waiting_versions, feed)


def pairs(feed: _Feed = None) -> int:
    """List every pair of records that may be one work."""
    from loaders.curation import list_pairs

    return _list(list_pairs, feed)


def absent(feed: _Feed = None) -> int:
    """List every record that complete lists lack and that waits to be deleted."""
    from loaders.curation import list_waiting_absences

    return _list(list_waiting_absences, feed)


def curations(feed: _Feed = None) -> int:
    """List every correction, withdrawal and accepted version."""
    from loaders.curation import list_curations

    return _list(list_curations, feed)


def _list(lines: Callable[[Environment, str | None], Iterable[str]], feed: str | None) -> int:
    """Print what a list has, of one feed if it is given, which must be known."""

    def of_known_feed(env: Environment) -> Iterable[str]:
        if feed is not None:
            _require_feeds(env, feed)
        return lines(env, feed)

    return _print(of_known_feed)


def _require_feeds(env: Environment, *targets: str) -> None:
    """Raise CannotDecide when one of these names or keys is of a feed that nobody knows here."""
    from loaders.curation import CannotDecide
    from loaders.declarations import feeds_in_use
    from schemas import nearest_advice

    known = feeds_in_use(env).names
    for feed in (target.partition(":")[0] for target in targets):
        if feed not in known:
            raise CannotDecide(f"There is no feed {feed!r} here; {nearest_advice(feed, known)}")


def show(run: _Run) -> int:
    """Show what one staged run would do, record by record."""
    from loaders.curation import list_run_changes

    return _print(lambda env: list_run_changes(env, run))


def release(run: _Run, by: _By, reason: _Reason, publish: _Publish = False) -> int:
    """Load a held run."""
    from loaders import catalog
    from loaders.curation import run_counts_line

    def decide(env: Environment) -> str:
        return f"{run} loaded: {run_counts_line(catalog.release(env, run, by=by, reason=reason))}"

    return _decide(decide, publish)


def refuse(
    run: Annotated[str, typer.Argument(metavar="RUN-OR-KEY", help="A held run's id, or the key of a waiting record.")],
    by: _By,
    reason: _Reason,
    publish: _Publish = False,
) -> int:
    """Refuse a held run, or a record's version that needs review, until the partner's data changes."""
    from loaders import catalog, curation

    def decide(env: Environment) -> str:
        if ":" in run:  # a key is feed:identifier, and a run's id has none
            number = curation.refuse_version(env, run, by=by, reason=reason)
            return f"curation {number}: {run} refused; the version before it stays until the partner's data changes"
        count = catalog.refuse(env, run, by=by, reason=reason)
        return f"{run} refused: {count} versions will not be loaded unless the partner's data changes"

    return _decide(decide, publish, run)


def undo(
    what: Annotated[str, typer.Argument(metavar="RUN-OR-CURATION", help="A run's id, or a curation's number.")],
    by: _By,
    reason: _Reason,
    publish: _Publish = False,
) -> int:
    """Undo the newest loaded run of a feed, a refusal, an undo, or a curation by its number (several: 5-17)."""
    return _decide(lambda env: _undo(env, what, by, reason), publish)


def _undo(env: Environment, what: str, by: str, reason: str) -> str:
    from loaders.catalog import is_refusal, revoke_refusal, undo, undo_notes
    from loaders.curation import undo_curation
    from loaders.store import read_run

    if several := _CURATION_NUMBERS.fullmatch(what):
        return _undo_several(env, int(several[1]), int(several[2]), by, reason)
    if _CURATION_NUMBER.fullmatch(what):
        action = undo_curation(env, int(what), by=by, reason=reason)
        waits = "; a version that only this correction had mended waits again" if action == "set" else ""
        return f"curation {what} undone{waits}"
    run = read_run(env, what)
    if is_refusal(run):
        again = elib_command("reprocess", run.feed)
        count = revoke_refusal(env, what, by=by, reason=reason)
        return f"{what} undone: {count} versions can be loaded again; this stages them now: {again}"
    undoing = undo(env, what, by=by, reason=reason)
    return "; ".join([f"{what} undone by {undoing}", *undo_notes(env, undoing)])


def _undo_several(env: Environment, first: int, last: int, by: str, reason: str) -> str:
    from loaders.curation import CannotDecide, undo_curation

    if first > last:
        raise CannotDecide(f"{first}-{last} are no curations: give the smaller number first")
    for number in range(first, last + 1):
        undo_curation(env, number, by=by, reason=reason)
    return f"curations {first}-{last} undone"


def accept(
    key: _Key,
    by: _By,
    reason: _Reason,
    version: Annotated[str, typer.Option(help="Only if this version, as `quarantined` shows it, still waits.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Even if its page has no title or leads nowhere.")] = False,
    publish: _Publish = False,
) -> int:
    """Accept a quarantined version as it is."""
    from loaders import curation

    def decide(env: Environment) -> str:
        number = curation.accept(env, key, by=by, reason=reason, version=version, force=force)
        return f"curation {number}: {key} accepted"

    return _decide(decide, publish, key)


def same(left: _Key, right: _Key, by: _By, reason: _Reason, publish: _Publish = False) -> int:
    """Judge that two records are one work."""
    return _decide(lambda env: _judge(env, "same", left, right, by, reason), publish, left, right)


def different(left: _Key, right: _Key, by: _By, reason: _Reason, publish: _Publish = False) -> int:
    """Judge that two records are different works."""
    return _decide(lambda env: _judge(env, "different", left, right, by, reason), publish, left, right)


def _judge(env: Environment, verdict: str, left: str, right: str, by: str, reason: str) -> str:
    from loaders.curation import judge

    number = judge(env, verdict, left, right, by=by, reason=reason)
    return f"judgement {number}: {left} and {right} are {verdict}"


def correct(
    target: _Target,
    path: Annotated[str, typer.Argument(help="The field, such as title.en.")],
    value: Annotated[str, typer.Argument(help="The new value: text, or JSON where the field is no text.")],
    by: _By,
    reason: _Reason,
    publish: _Publish = False,
) -> int:
    """Set a field of a record or resource."""
    from loaders import curation

    def decide(env: Environment) -> str:
        replaced = curation.what_is_replaced(env, target, path)
        number = curation.record_correction(env, target, path, value, by=by, reason=reason)
        instead = f" in place of {replaced}" if replaced else ""
        return "; ".join([f"curation {number}: {path} of {target} set{instead}", *_waiting_after(env, target)])

    return _decide(decide, publish, target)


def _waiting_after(env: Environment, target: str) -> Iterable[str]:
    """Yield what becomes of each version that waits, now that a correction is made or undone."""
    from loaders.curation import errors_of_waiting
    from transforms.rules import errors_left

    for key, codes in errors_of_waiting(env, target, errors_left).items():
        if codes:
            yield f"the version of {key} that waits still needs review: {', '.join(codes)}"
        else:
            yield f"the version of {key} that waits has no error left and becomes the accepted one"


def withdraw(target: _Target, by: _By, reason: _Reason, publish: _Publish = False) -> int:
    """Withdraw a record or resource from publication."""
    from loaders import curation

    def decide(env: Environment) -> str:
        return f"curation {curation.withdraw(env, target, by=by, reason=reason)}: {target} withdrawn"

    return _decide(decide, publish, target)


def end_wait(
    target: Annotated[
        str, typer.Argument(metavar="KEY-OR-FEED", help="A record's key, or a feed for all of its records.")
    ],
    by: _By,
    reason: _Reason,
    publish: _Publish = False,
) -> int:
    """Delete at once what waits to be deleted, until the partner lists it again."""
    from loaders.curation import end_wait

    def decide(env: Environment) -> str:
        _require_feeds(env, target)
        numbers = end_wait(env, target, by=by, reason=reason)
        first, last = numbers[0], numbers[-1]
        curation = f"curation {first}" if first == last else f"curations {first}-{last}"
        return f"{curation}: {len(numbers)} absent {'record' if first == last else 'records'} of {target} deleted"

    return _decide(decide, publish)


def _decide(decide: Callable[[Environment], str], publish: bool, *targets: str) -> int:
    """Make a decision and print what it did, then publish or say when it will be published.

    Of `targets`, each that is a record's key must be of a known feed.
    """

    def lines(env: Environment) -> Iterable[str]:
        _require_feeds(env, *(target for target in targets if ":" in target))
        yield decide(env)
        yield _publish() if publish else PUBLISH_LATER

    return _print(lines)


def _publish() -> str:
    """Publish; return a line on what changed. Raises _NotPublished: the decision itself stands."""
    from commands.publish import publish_now

    try:
        return publish_now()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise _NotPublished(f"The decision stands, but the publication failed: {why}. {PUBLISH_LATER}") from error


def _print(lines: Callable[[Environment], Iterable[str]]) -> int:
    """Print the lines that a command gives; return 1, with a sentence on stderr, when it could not do its work."""
    from sqlalchemy.exc import OperationalError

    from loaders.catalog import Unsigned
    from loaders.curation import CannotDecide
    from loaders.feed_status import StatusUnchanged
    from loaders.migrations import migrate
    from loaders.store import BadCatalogUrl, FeedBusy, WrongRunState
    from schemas import BadFeed, environment, one_line

    env = environment()
    try:
        migrate(env)
        for line in lines(env):
            print(one_line(line))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has enough, as head does
        discard_stdout()
    except (
        Unsigned,
        WrongRunState,
        CannotDecide,
        FeedBusy,
        StatusUnchanged,
        BadFeed,
        _NotPublished,
        BadCatalogUrl,
    ) as error:
        print(_shortened(one_line(str(error))), file=sys.stderr)
        return 1
    except OperationalError as error:
        why = str(error).partition("\n")[0]
        print(f"The catalog cannot be used: {why}; check ELIB_CATALOG_URL", file=sys.stderr)
        return 1
    return 0


def _shortened(sentence: str) -> str:
    """Return a sentence that quotes what was typed, with the middle left out when that was very long."""
    if len(sentence) <= _MAX_ANSWER_CHARS:
        return sentence
    return f"{sentence[: _MAX_ANSWER_CHARS // 2]} … {sentence[-_MAX_ANSWER_CHARS // 2 :]}"


def feed_status(
    feed: Annotated[str, typer.Argument(help="The feed's name.")],
    status: Annotated[str, typer.Argument(metavar="STATUS", help="active, paused or retired.")],
    by: _By,
    reason: _Reason,
) -> int:
    """Pause a feed, resume it, end it, or reopen one that has ended; its file must be one that ELIB_HOME/feeds has."""
    from loaders.feed_status import FEED_STATUSES, change_status

    if status not in FEED_STATUSES:
        print(f"{status!r} is no status; give one of {', '.join(FEED_STATUSES)}", file=sys.stderr)
        return 2

    def lines(env: Environment) -> Iterable[str]:
        _require_feeds(env, feed)
        before = change_status(env, feed, status, by=by, reason=reason)
        yield f"{feed}: {status} (it was {before})"

    return _print(lines)


app = new_app("List what needs a person, and decide on it. Without a command: the held runs.")


@app.callback(invoke_without_command=True)
def _default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        raise typer.Exit(held())


for _function in (
    held, show, quarantined, absent, pairs, curations, release, refuse, undo, accept, same, different, withdraw,
):  # fmt: skip
    add_command(app, _function.__name__, _function)
add_command(app, "end-wait", end_wait)
add_command(app, "feed-status", feed_status)
add_command(app, "correct", correct, accepts_leading_dash=True)  # the value may be a negative number
