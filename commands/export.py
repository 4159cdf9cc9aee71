"""`elib export`: the published resources in one of the formats, to a file or to standard output."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from commands.pipe import discard_stdout, parse_since

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from loaders.browse import Cursor
    from pipeline.exporting import ExportCounts
    from schemas import Environment
    from transforms.exports import Export

_FORMATS = {"jsonl": "json"}  # what else a format is called
_WEB_URL_VARIABLE = "ELIB_WEB_URL"
_CURSOR = re.compile(r"[a-z0-9_]{1,100}-\d{8}T\d{12}(?:~[A-Za-z0-9]{0,40}(?:~[a-z0-9_]{1,100}-\d{8}T\d{12})?)?")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._-]+(?::\d{1,5})?(?:/[^\s\"<>]*)?")


def _parse_since(text: str) -> str:
    """Return a time, or a cursor of the changes, as it is. Raises typer.BadParameter for any other text."""
    if _CURSOR.fullmatch(text):
        return text
    try:
        return parse_since(text)
    except typer.BadParameter as error:
        advice = "nor a cursor of an earlier export or of /api/v1/changes, such as publish-20260101T020000000000"
        raise typer.BadParameter(f"{error}, {advice}") from None


def export(
    format_name: Annotated[
        str, typer.Argument(metavar="FORMAT", help="oai_dc, lom, lrmi, amb, marcxml, or json: the record as it is.")
    ],
    since: Annotated[
        str | None,
        typer.Option(
            parser=_parse_since,
            metavar="DATE|CURSOR",
            help="Only what changed from then on, and what was withdrawn: YYYY-MM-DD, YYYY-MM-DDThh:mm:ssZ, or the "
            "cursor that an earlier export or /api/v1/changes gave, which misses nothing and repeats nothing.",
        ),
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="NAME=VALUE",
            help="Only these: feed, language, level (ISCED 2011), type, subject (isced-f:… or unesco:…), competency, "
            "license, partner, open (yes, no, unknown). May be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file to write, whole or not at all; else standard output.")
    ] = None,
) -> int:
    """Write the published resources in one format. The catalog is read as it is at one moment.

    Prints to standard error how many there are, and the cursor for the next export. Exits with 2 for an unknown format
    or filter, a value of a filter that nothing is called here, or a wrong ELIB_WEB_URL; with 1 for a cursor that the
    catalog does not know, as after a restored backup.
    """
    from loaders.browse import UnknownCursor
    from loaders.catalog import migrate
    from pipeline.exporting import write_export
    from schemas import environment

    env = environment()
    try:
        chosen, wanted, site = _read_format(format_name), _read_filters(filters or ()), _read_site()
        migrate(env)
        _require_known(env, wanted)
    except _WrongWords as error:
        print(error, file=sys.stderr)
        return 2
    try:
        counts = _write(
            out, lambda file: write_export(env, chosen, file, since=_place(since), filters=wanted, site=site)
        )
    except UnknownCursor as unknown:
        print(
            f"The catalog does not know the publication {unknown}, perhaps because a backup was restored. Start over: "
            "export everything without --since, and delete what is not in it.",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:  # the reader has enough, as head does
        discard_stdout()
        return 0
    if counts is None:
        return 1
    _tell(counts, chosen.name)
    return 0


def _tell(counts: ExportCounts, format_name: str) -> None:
    """Print to standard error how many there are, and the cursor for the next export."""
    print(f"Exported: {counts.written} resources, {counts.withdrawn} withdrawn", file=sys.stderr)
    if counts.left_out:
        without = f"{counts.left_out} withdrawn resources are left out, for {format_name} has no form for them"
        print(f"{without}; json, oai_dc, lom and marcxml have", file=sys.stderr)
    if counts.cursor:
        print(f"Cursor: {counts.cursor}", file=sys.stderr)


def _place(since: str | None) -> str | Cursor:
    """Return a time as it is, and a cursor as one; empty for none."""
    from loaders.browse import parse_cursor

    return parse_cursor(since) if since and _CURSOR.fullmatch(since) else since or ""


class _WrongWords(ValueError):
    """What the command was given cannot be meant: a sentence."""


def _read_format(name: str) -> Export:
    from transforms.exports import EXPORTS

    chosen = EXPORTS.get(_FORMATS.get(name, name))
    if chosen is None:
        raise _WrongWords(f"{name!r} is no format; use one of {', '.join(EXPORTS)}")
    return chosen


def _read_filters(statements: Sequence[str]) -> Mapping[str, frozenset[str]]:
    from pipeline.exporting import BadFilter, read_filters

    try:
        return read_filters(statements)
    except BadFilter as error:
        raise _WrongWords(f"--filter {error}") from None


def _require_known(env: Environment, wanted: Mapping[str, frozenset[str]]) -> None:
    from pipeline.exporting import BadFilter, require_known_names

    try:
        require_known_names(env, wanted)
    except BadFilter as error:
        raise _WrongWords(f"--filter {error}") from None


def _read_site() -> str | None:
    """Return the library's public address; None without one."""
    site = os.environ.get(_WEB_URL_VARIABLE, "").rstrip("/")
    if site and not _ADDRESS.fullmatch(site):
        raise _WrongWords(f"{_WEB_URL_VARIABLE}: {site!r} is no address such as https://library.example.org")
    return site or None


def _write(out: Path | None, write: Callable[[IO[str]], ExportCounts]) -> ExportCounts | None:
    """Write to standard output, or to a file that is there as a whole or not at all; say why it cannot be, if so."""
    from loaders.store import whole_file

    try:
        if out is None:
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
            counts = write(sys.stdout)
            sys.stdout.flush()
            return counts
        with whole_file(out.absolute()) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
            return write(file)
    except BrokenPipeError:
        raise  # the reader has enough, which is no mistake
    except OSError as error:
        print(f"{out or 'standard output'} cannot be written: {error.strerror or error}", file=sys.stderr)
        return None
