"""`elib harvest | elib transform | elib load`: the pipeline as filters of JSON lines, without Airflow."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas import Ask, Feed, SourceRecord, TermMapping

_SINCE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")


def parse_since(text: str) -> str:
    """Return a day or a moment of UTC as it is. Raises typer.BadParameter for any other text."""
    try:
        if not _SINCE.fullmatch(text):
            raise ValueError
        datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither YYYY-MM-DD nor YYYY-MM-DDThh:mm:ssZ") from None
    return text


def harvest(
    feed_file: Annotated[Path, typer.Argument(metavar="FEED", help="The feed file.")],
    since: Annotated[
        str | None,
        typer.Option(parser=parse_since, metavar="DATE", help="Only what changed since this day or second (UTC)."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many records.")] = None,
    token: Annotated[
        str | None,
        typer.Option(metavar="TOKEN", help="Begin at this resumption token, or cursor, of an earlier harvest."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check whether the server offers what is asked.")] = False,
) -> int:
    """Print a feed's records as JSON lines. Progress goes to standard error.

    Exits with 0 when the list is whole, 1 when the harvest failed, 2 when the feed file is bad.
    """
    from harvesters import check as check_offer
    from harvesters.client import from_environment
    from schemas import Ask, BadFeed, HarvestFailed, environment, read_feed

    try:
        feed = read_feed(feed_file)
    except BadFeed as error:
        print(error, file=sys.stderr)
        return 2
    try:
        credentials = from_environment(feed.connection, os.environ)
    except HarvestFailed as error:
        print(f"{feed.name}: failed: {error}", file=sys.stderr)
        return 1
    if token is not None:
        _require_tokens(feed, since)
    ask = Ask(since=since, full=since is None, limit=limit, credentials=credentials, token=token)
    if not check:
        return _print_records(feed, ask)
    problems = check_offer(feed, ask, environment())
    print("\n".join(problems) or f"{feed.name}: can be harvested")
    return 1 if problems else 0


def _require_tokens(feed: Feed, since: str | None) -> None:
    """Raise BadParameter where a list cannot go on from a token."""
    if not (feed.traits.has_verbs or feed.request.paging in ("cursor", "link")):
        raise typer.BadParameter("--token is for oai_pmh, and for lists with paging = 'cursor' or 'link'")
    if since is not None:
        raise typer.BadParameter("--token goes on with a list that was begun: leave --since out")


def _print_records(feed: Feed, ask: Ask) -> int:
    import msgspec

    from harvesters import harvest
    from harvesters.progress import ProgressLine
    from harvesters.repeats import Repeats
    from schemas import HarvestFailed, environment

    encoder, terminal, repeats = msgspec.json.Encoder(), ProgressLine(feed.name, sys.stderr), Repeats()
    try:
        for page in harvest(feed, ask, environment(), terminal):
            sys.stdout.buffer.write(encoder.encode_lines(page.records))
            repeats.add(page)
            for note in page.notes:
                terminal.say(note)
            for skipped in page.skipped:
                terminal.say(f"skipped {skipped.identifier or skipped.window or 'a record'}: {skipped.reason}")
        sys.stdout.buffer.flush()
    except HarvestFailed as error:
        sys.stdout.buffer.flush()
        terminal.say(f"failed: {error.cause}: {error.sentence}")
        return 1
    except BrokenPipeError:  # the reader has enough, as head does
        discard_stdout()
        return 0
    if repeated := repeats.count():
        terminal.say(f"the list repeats {repeated} record{'s' if repeated > 1 else ''} and may omit others")
    terminal.end()
    return 0


def discard_stdout() -> None:
    """Send the rest of standard output nowhere, so that closing it raises nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def transform(
    feeds: Annotated[Path | None, typer.Option(help="Folder of the feed files; ELIB_FEEDS unless given.")] = None,
    mappings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Mappings of terms as JSON lines; the catalog's unless given.")
    ] = None,
) -> int:
    """Turn records into assessments, line by line. Both are JSON lines, on standard input and output.

    What stewards mapped terms to is read once, from FILE, such as a run's staging/<run>/mappings.jsonl, or from the
    catalog.

    A feed without a file there is read without defaults, dialect or expectations; one whose file has a mistake is not
    read. Exits with 2 when a line is not a source record, its feed file has a mistake, or FILE cannot be read.
    """
    import msgspec

    from transforms import transform as transform_record

    encode = msgspec.json.Encoder(order="deterministic").encode
    lines = _SourceLines(feeds)
    try:
        mapped = _read_mappings(mappings)
    except (OSError, msgspec.DecodeError) as error:
        print(f"{mappings or 'the mappings'} cannot be read: {error}", file=sys.stderr)
        return 2
    try:
        for record, feed in lines:
            sys.stdout.buffer.write(encode(transform_record(record, feed, mapped)) + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has enough, as head does
        discard_stdout()
        return 0
    except OSError as error:
        print(f"the assessments cannot be written: {error}", file=sys.stderr)
        discard_stdout()
        return 1
    return 2 if lines.unread else 0


def _read_mappings(path: Path | None) -> tuple[TermMapping, ...]:
    """Return the mappings of a file, or those in force in the catalog, if there is one. Raises OSError, DecodeError."""
    import msgspec

    from schemas import TermMapping, environment

    if path is not None:
        return tuple(msgspec.json.Decoder(TermMapping).decode_lines(path.read_bytes()))
    from loaders.catalog import active_mappings

    return active_mappings(environment())


class _SourceLines:
    """The source records of standard input, each with its feed; `unread` counts the lines that could not be read."""

    def __init__(self, folder: Path | None) -> None:
        from schemas import environment, read_feeds

        good_feeds, bad_files = read_feeds(folder or environment().feeds)
        for error in bad_files:
            print(f"feed file left out: {error}", file=sys.stderr)
        self._mistakes = {error.path.stem: error.sentence for error in bad_files if not error.shadowed}
        self._feeds = {feed.name: feed for feed in good_feeds}
        self.unread = 0

    def __iter__(self) -> Iterator[tuple[SourceRecord, Feed]]:
        import msgspec

        from schemas import SourceRecord

        decode = msgspec.json.Decoder(SourceRecord).decode
        for number, line in enumerate(sys.stdin.buffer, 1):
            if not line.strip():
                continue
            try:
                record = decode(line)
            except msgspec.DecodeError as error:
                self._skip(number, f"not a source record: {error}")
                continue
            if record.feed in self._mistakes:  # without its defaults and dialect, its records would become others
                self._skip(number, f"not read: {record.feed}: {self._mistakes[record.feed]}")
                continue
            yield record, self._feed(record.feed, number)

    def _skip(self, number: int, why: str) -> None:
        print(f"line {number}: {why}", file=sys.stderr)
        self.unread += 1

    def _feed(self, name: str, number: int) -> Feed:
        if name not in self._feeds:
            from schemas import Feed

            print(f"line {number}: no file for feed {name!r}: read without its defaults", file=sys.stderr)
            self._feeds[name] = Feed(name=name, title=name, partner=name, protocol="files", url="stdin")
        return self._feeds[name]


def load(
    load_now: Annotated[bool, typer.Option("--load", help="Load at once, past the gate; needs --by.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who loads past the gate.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="End a feed's unfinished run first; only if its DAG does not run.")
    ] = False,
) -> int:
    """Stage assessments as one held run per feed. They are read from standard input.

    Exits with 2 when a line is bad (nothing is staged then), 1 when a feed is busy.
    """
    from loaders.catalog import BadLine, pipe
    from loaders.curation import run_counts_line
    from loaders.migrations import migrate
    from loaders.shell import elib_command
    from loaders.store import FeedBusy, WrongRunState
    from schemas import environment

    name = _name_of_loader(load_now, by)
    env = environment()
    migrate(env)
    try:
        runs = pipe(env, sys.stdin.buffer, load_by=name, take_over=take_over)
    except BadLine as error:
        print(f"{error}; nothing was staged", file=sys.stderr)
        return 2
    except (FeedBusy, WrongRunState) as error:
        print(error, file=sys.stderr)
        return 1
    try:
        for run in runs:
            result = f"HELD {run.run_id}" if run.held else f"loaded ungated by {name} {run.run_id}"
            print(f"{run.feed}: {run_counts_line(run.counts)} {result}")
        if any(run.held for run in runs):
            print(f"held runs, and how to decide on them: {elib_command('review', 'held')}")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has enough; all is staged
        discard_stdout()
    return 0


def _name_of_loader(load_now: bool, by: str | None) -> str | None:
    """Return who loads past the gate, or None where the run is held. Raises BadParameter for a load without a name."""
    if not load_now:
        return None
    if not (by or "").strip():
        raise typer.BadParameter("--load goes past the gate: add --by NAME")
    return (by or "").strip()
