"""`elib preview FEED`: what the library would make of a feed, without touching any catalog."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from loaders.reports import PreviewSummary, PreviewVerdict
    from schemas import Environment


def preview(
    feed: Annotated[str, typer.Argument(help="A feed file, or the name of a feed in ELIB_FEEDS.")],
    records: Annotated[int, typer.Option(min=1, help="How many records to look at.")] = 100,
) -> int:
    """Show what the library would make of a feed. Prints where the report is; no catalog is touched.

    Exits with 1 when the partner gives nothing, 2 when the feed file is bad.
    """
    if not feed.strip():
        raise typer.BadParameter("no feed file is named: make preview FEED=feeds/col_oasis.toml")
    from pipeline.preview import NoIdentifiers, NoRecords
    from pipeline.preview import preview as write_preview
    from schemas import BadFeed, HarvestFailed, environment, one_line, read_feed

    env = environment()
    path = _feed_file(feed.strip(), env)
    try:
        summary = write_preview(read_feed(path), records, env)
    except BadFeed as error:
        print(f"{error}. Correct the feed file; docs/feeds.md has every key.", file=sys.stderr)
        return 2
    except NoIdentifiers as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return 2
    except NoRecords as error:
        print(f"{path.stem}: {error}", file=sys.stderr)
        return 1
    except HarvestFailed as error:
        print(f"{path.stem}: {error.cause}: {error.sentence}", file=sys.stderr)
        return 1
    print("\n".join(map(one_line, _lines(summary))))
    return 0


def _feed_file(name: str, env: Environment) -> Path:
    path = Path(name)
    return path if path.suffix == ".toml" else env.feeds / f"{name}.toml"


def _lines(summary: PreviewSummary) -> list[str]:
    """Return a few lines for the terminal; those on fields only where a record could be read."""
    counts = summary.counts
    readable = counts.accepted + counts.quarantined
    reason, times = summary.rejections[0] if summary.rejections else ("", 0)
    return [
        f"{summary.name}: {counts.records} records looked at; "
        + ", ".join(f"{getattr(counts, name)} {name}" for name in ("accepted", "quarantined", "rejected", "deleted")),
        *([f"rejected  {times} × {reason}"] if reason else []),
        f"verdict   {_verdict(summary.verdict)}",
        *(_content_lines(summary) if readable else []),
        *(f"{'report' if path.suffix == '.html' else 'json'}    {path}" for path in summary.paths),
    ]


def _verdict(verdict: PreviewVerdict) -> str:
    """Return how many records can be published, and the three rules that keep most of the others from it."""
    first = ", ".join(f"{row.records} × {row.code}" for row in verdict.mend_first[:3])
    can_be = f"{verdict.publishable} of {verdict.looked_at} can be published"
    return f"{can_be}; mend first: {first}" if first else can_be


def _content_lines(summary: PreviewSummary) -> list[str]:
    issues = ", ".join(f"{code} {count}" for code, count in summary.issues) or "none"
    return [
        f"fields    {_shares(summary.fields)}",
        f"licence   {_shares(summary.licenses)}",
        f"language  {_shares(summary.languages)}",
        f"findings  {issues}; {summary.uncoded_terms} terms unmapped",
        *_address_lines(summary),
    ]


def _address_lines(summary: PreviewSummary) -> list[str]:
    """Return what to do where no record has an address, so that none of the feed can be published."""
    readable = summary.counts.accepted + summary.counts.quarantined
    if dict(summary.issues).get("address_missing", 0) < readable:
        return []
    key = 'set address in the feed file, such as address = "https://platform.example.org/item/{id}"'
    return [f"address   none of the {readable} records has one, so none can be published; {key}"]


def _shares(shares: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in shares) or "none"
