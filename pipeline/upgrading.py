"""Say what a new version of the software will do to an installation, before it does anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pipeline.feed import transforms_version
from schemas import Environment, read_feeds

if TYPE_CHECKING:
    from loaders.upgrades import FeedToReprocess, Speed, UpgradePlan

_MINUTE, _HOUR = 60, 3600


class UpgradeCheck(NamedTuple):
    """What an upgrade will do, in lines for the operator.

    has_migrations: the catalog's tables are of an older version; nothing else of this version may run before
    has_later_work: the next publication, or a person, has more to do than usual
    """

    lines: tuple[str, ...]
    has_migrations: bool
    has_later_work: bool


def check_upgrade(env: Environment) -> UpgradeCheck:
    """Return what this version will do to the installation. Reads only.

    Raises loaders.migrations.NewerCatalog, and what the database raises when it does not answer.
    """
    from loaders.upgrades import plan_upgrade
    from transforms.match import matcher_version

    plan = plan_upgrade(env, transforms_version(), matcher_version())
    _, bad_files = read_feeds(env.feeds)
    lines = (
        *_migration_lines(plan),
        *_publication_lines(plan),
        *_kept_line(plan),
        *_download_line(plan),
        *_reprocess_lines(plan),
        *(f"Feed file: {error}" for error in bad_files),
    )
    return UpgradeCheck(lines, bool(plan.version.pending), plan.has_later_work or bool(bad_files))


def _migration_lines(plan: UpgradePlan) -> Iterator[str]:
    version = plan.version
    if version.revision is None:
        yield f"The catalog has no tables yet; they will be made, of version {version.newest}."
        return
    if not version.pending:
        yield f"The catalog is of this software's version, {version.newest}."
        return
    yield f"The catalog is of version {version.revision}, and this software needs {version.newest}. Migrations:"
    yield from (f"  {step.revision}  {step.sentence}" for step in version.pending)
    yield (
        f"  over {plan.records:,} live records and {plan.resources:,} resources; how long is not measured: "
        "allow minutes for a million records"
    )


def _publication_lines(plan: UpgradePlan) -> Iterator[str]:
    if plan.matched:
        why = f"no match of this matcher is kept; {_took(plan.match, plan.records, 'the longest match')}"
        yield f"The next publication compares all {plan.matched:,} live records again ({why})."
    if plan.merged:
        took = _took(plan.publish, plan.records, "the longest publication, without its match,")
        why = f"they were merged by other code; {took}"
        yield f"The next publication merges all {plan.merged:,} resources of several records again ({why})."
    if plan.derived:
        yield f"The next publication fills the derived columns of {plan.derived:,} resources again."
    for folder in plan.indexes:
        yield f"The next publication makes the index in {folder} anew, of {plan.resources:,} resources (not measured)."


def _took(speed: Speed | None, records: int, what: str) -> str:
    """Return how long something is to take by the run in which it took longest."""
    if speed is None:
        return "not measured"
    seconds = _duration(speed.seconds_for(records))
    return f"about {seconds}: {what} took {_duration(speed.seconds)} for {speed.records:,} records, in {speed.run_id}"


def _kept_line(plan: UpgradePlan) -> Iterator[str]:
    """Say what of the published catalog is not made again."""
    if not plan.resources:
        return
    kept = {
        "no full match": plan.matched,
        "no resource is merged without a change of its records": plan.merged,
        "no derived columns": plan.derived,
        "no search index": plan.indexes,
    }
    if names := [name for name, is_made in kept.items() if not is_made]:
        yield f"Not made again: {'; '.join(names)}."


def _download_line(plan: UpgradePlan) -> Iterator[str]:
    if plan.download is None or not (plan.has_later_work or plan.version.pending):
        return
    took = _took(plan.download.speed, plan.resources, "the longest download").replace(" records,", " resources,")
    yield (
        f"A download is written after the next publication if that changes anything of {plan.download.name}, "
        f"with {plan.download.resources:,} resources ({took})."
    )


def _reprocess_lines(plan: UpgradePlan) -> Iterator[str]:
    from loaders.shell import elib_command

    if not plan.reprocess:
        return
    yield (
        f"{len(plan.reprocess)} feeds were read with other code. New and changed records are read with this one's; "
        "the others stay as they are until you reprocess them:"
    )
    for feed in plan.reprocess:
        yield f"  {feed.feed}: {feed.records:,} records, {_expected(feed)}: {elib_command('reprocess', feed.feed)}"
    known = [feed.seconds for feed in plan.reprocess if feed.seconds is not None]
    if len(plan.reprocess) > 1:
        rest = len(plan.reprocess) - len(known)
        yield f"  together about {_duration(sum(known))}" + (f", and {rest} that were never measured" if rest else "")


def _expected(feed: FeedToReprocess) -> str:
    if feed.speed is None or feed.seconds is None:
        return "never measured"
    pace = f"{feed.speed.records / feed.speed.seconds:,.1f} records/s in {feed.speed.run_id}"
    if feed.speed.includes_waiting:
        return f"at most {_duration(feed.seconds)} ({pace}, with the time that the partner took)"
    return f"about {_duration(feed.seconds)} ({pace})"


def _duration(seconds: float) -> str:
    if seconds < 2 * _MINUTE:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
