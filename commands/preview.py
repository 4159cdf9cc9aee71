"""`make preview FEED=feeds/x.toml [N=100]`: what the library would make of a feed, without touching any catalog."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from loaders.reports.preview import preview
from loaders.reports.preview_facts import Looked, Summary
from pipeline.preview_sample import Picked, pick
from schemas import Assessment, BadFeed, Environment, Feed, HarvestFailed, Issue, environment, read_feed

_RECORDS = 100


def main(words: Sequence[str] | None = None) -> int:
    """Write the preview and say where it lies. 1 when the partner gives nothing, 2 when the feed file is bad."""
    asked = _arguments().parse_args(words)
    env = environment()
    try:
        feed = read_feed(_file(asked.feed, env))
        picked = pick(feed, asked.records, env)
    except BadFeed as error:
        print(f"{error}. Correct the feed file; docs/feeds.md has every key.", file=sys.stderr)
        return 2
    except HarvestFailed as error:
        print(f"{feed.name}: {error.cause}: {error.sentence}", file=sys.stderr)
        return 1
    if picked.nameless and not picked.records:
        print(f"{_file(asked.feed, env).name}: {_no_identifier(picked)}", file=sys.stderr)
        return 2
    if not picked.records:
        print(f"{feed.name}: {_nothing(picked)}", file=sys.stderr)
        return 1
    summary = _write(feed, picked, asked.records, env)
    print("\n".join(_said(summary)))
    return 0


def _write(feed: Feed, picked: Picked, wanted: int, env: Environment) -> Summary:
    """Run the records through everything, and write the report under reports/preview."""
    from transforms.rules import rule_texts

    looked = Looked(
        feed=feed,
        wanted=wanted,
        total=picked.total,
        records=list(picked.records.values()),
        assessments=_assess(feed, picked),
        notes=picked.notes,
        unreadable=picked.unreadable,
    )
    return preview(env.reports, looked, rule_texts())


def _assess(feed: Feed, picked: Picked) -> list[Assessment]:
    """What becomes of each record, with what the batch rules find among them."""
    from transforms import transform
    from transforms.rules import apply_batch_rules, facts_of

    assessed = [transform(record, feed) for record in picked.records.values()]
    found: dict[str, list[Issue]] = {}
    for issue in apply_batch_rules([facts_of(one.resource) for one in assessed if one.resource is not None]):
        found.setdefault(issue.key, []).append(issue)
    return [msgspec.structs.replace(one, issues=(*one.issues, *found.get(one.key, ()))) for one in assessed]


def _said(summary: Summary) -> list[str]:
    """A few lines for the terminal, and where the report lies; none of fields when no record could be read."""
    counts, made = summary.counts, summary.counts["accepted"] + summary.counts["quarantined"]
    why, times = summary.rejections[0] if summary.rejections else ("", 0)
    return [
        f"{summary.name}: {counts['records']} records looked at; "
        + ", ".join(f"{counts[name]} {name}" for name in ("accepted", "quarantined", "rejected", "deleted")),
        *([f"rejected  {times} × {why}"] if why else []),
        *(_of_what_was_read(summary) if made else []),
        *(f"{'report' if path.suffix == '.html' else 'json'}    {path}" for path in summary.paths),
    ]


def _of_what_was_read(summary: Summary) -> list[str]:
    return [
        "fields    " + _shares(summary.fields),
        "licence   " + _shares(summary.licenses),
        "language  " + _shares(summary.languages),
        "findings  " + (", ".join(f"{code} {count}" for code, count in summary.issues) or "none")
        + f"; {summary.unmapped} terms unmapped",
    ]  # fmt: skip


def _shares(shares: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in shares) or "none"


def _nothing(picked: Picked) -> str:
    """Why there is no report, in one sentence."""
    if picked.reasons:
        ((reason, _),) = picked.reasons.most_common(1)
        return f"nothing that came can be read ({reason}; {picked.unreadable[0]}); show this to the partner"
    return "the list holds no record; compare the feed's url, sets and format with what the partner offers"


def _no_identifier(picked: Picked) -> str:
    """That the feed file names as identifier what no record has, and what it could name."""
    wanted, names = " and ".join(picked.feed.identifier), ", ".join(sorted(picked.names)) or "no field"
    lacking = f"none of the {picked.nameless} records that came has {wanted}; they have {names}"
    return f"identifier: {lacking}. Name what tells them apart; docs/feeds.md has every key."


def _file(said: str, env: Environment) -> Path:
    """The feed file: a path, or the name of a feed in ELIB_FEEDS."""
    path = Path(said)
    return path if path.suffix == ".toml" else env.feeds / f"{said}.toml"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m commands.preview", description=__doc__)
    parser.add_argument("feed", type=_named, help="a feed file")
    parser.add_argument("--records", type=_positive, default=_RECORDS, help=f"how many records ({_RECORDS})")
    return parser


def _named(said: str) -> str:
    if not said.strip():
        raise argparse.ArgumentTypeError("no feed file is named: make preview FEED=feeds/col_oasis.toml")
    return said.strip()


def _positive(said: str) -> int:
    if not said.isdigit() or int(said) < 1:
        raise argparse.ArgumentTypeError(f"{said!r} is not a number of records")
    return int(said)


if __name__ == "__main__":
    sys.exit(main())
