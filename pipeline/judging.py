"""Judge what one record alone does not show: whether its licence narrowed, and whether corrections mend its errors.

Both are worked out from landing and from stewards' decisions, so that a reprocess comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from schemas import Environment, Feed, Issue, License, decides_license

if TYPE_CHECKING:
    from loaders.staging import StagedLicense
    from schemas import Assessment, Correction

NARROWED = "license_narrowed"


class _Version(NamedTuple):
    """A version of a record, as far as its licence is concerned."""

    sha256: str
    format: str
    accepted: bool  # it may be published as far as its other errors are concerned
    decided: bool  # a steward accepted it, or states the licence
    license: License | None


class _Narrowing(NamedTuple):
    """A version whose licence permits less than that of the version accepted before it."""

    identifier: str
    version: _Version
    before: _Version
    newest: bool


def mended_versions(env: Environment, run_id: str, chunks: Iterable[str]) -> set[tuple[str, str]]:
    """Return the staged versions (identifier, sha256) that have errors, all of them mended by standing corrections."""
    corrections = _corrections_of(env, run_id)
    if not corrections:
        return set()
    from loaders import staging
    from transforms.rules import errors_left

    across = staging.batch_errors(env, run_id)
    mended = set()
    for assessment in _assessments(env, chunks, corrections):
        its_corrections = corrections[assessment.identifier]
        errors = [(error.code, error.path) for error in assessment.errors] + across.get(assessment.identifier, [])
        if errors and assessment.resource and not errors_left(assessment.resource, errors, its_corrections):
            mended.add((assessment.identifier, assessment.sha256 or ""))
    return mended


def narrowed_licenses(env: Environment, feed: Feed, run_id: str, chunks: Sequence[str]) -> Iterator[Issue]:
    """Yield an issue for each record whose licence permits less than in the version accepted before it.

    Only another payload can narrow a licence: where our own code reads the same payload better, nothing narrows.
    Writes the versions that a reprocess may not choose. A version that waits already, and is not staged again, keeps
    its issue.
    """
    from loaders import staging
    from transforms.rules import license_issue

    live = staging.live_payloads(env, run_id, chunks)
    versions = _staged_versions(env, run_id, chunks, live)
    confirmed = _confirmed(env, feed, run_id, _walk(env, feed.name, versions, live))
    staging.write_judged_versions(
        env, run_id, "narrowed", sorted((each.identifier, each.version.sha256) for each in confirmed)
    )
    for each in confirmed:
        key = f"{feed.name}:{each.identifier}"
        if each.newest and (issue := license_issue(key, each.before.license, each.version.license)):
            yield issue


def waiting_issues(env: Environment, run_id: str, chunks: Iterable[str]) -> Iterator[Issue]:
    """Yield the issues of versions that wait for their licence, and that this run neither stages again nor deletes."""
    from loaders.catalog import deleted_keys, open_issues, staged_keys, waiting_for
    from loaders.store import feed_name_of

    feed = feed_name_of(run_id)
    waiting = waiting_for(env, feed, NARROWED)
    if waiting:
        waiting = waiting.difference(staged_keys(env, run_id, chunks), deleted_keys(env, run_id))
    for key, value in open_issues(env, feed, NARROWED).items() if waiting else ():
        if key in waiting:
            yield Issue(key=key, code=NARROWED, severity="error", path="license", value=value)


def _corrections_of(env: Environment, run_id: str) -> dict[str, tuple[Correction, ...]]:
    """Return the standing corrections of the run's feed, by identifier."""
    from loaders.catalog import standing_corrections
    from loaders.store import feed_name_of, read_transaction

    prefix = f"{feed_name_of(run_id)}:"
    with read_transaction(env) as connection:
        corrections = standing_corrections(connection)
    return {key.removeprefix(prefix): each for key, each in corrections.items() if key.startswith(prefix)}


def _assessments(env: Environment, chunks: Iterable[str], identifiers: Mapping[str, object]) -> Iterator[Assessment]:
    from loaders import staging

    for chunk in chunks if identifiers else ():
        yield from staging.read_outcomes(env, chunk, identifiers.keys())


def _staged_versions(
    env: Environment, run_id: str, chunks: Iterable[str], live: Mapping[str, str]
) -> dict[str, list[_Version]]:
    """Return the versions of each record that could narrow its licence, oldest first; the last is the newest."""
    from loaders import staging

    accepted = staging.accepted_versions(env, run_id)
    publishable = accepted | mended_versions(env, run_id, chunks)
    corrections = _corrections_of(env, run_id)
    versions: dict[str, list[tuple[int, _Version]]] = {}
    for row in _comparable_rows(env, run_id, chunks, live):
        name = (row.identifier, row.sha256)
        version = _Version(
            sha256=row.sha256,
            format=row.format,
            accepted=row.errors == 0 or name in publishable,
            decided=name in accepted or any(decides_license(each.path) for each in corrections.get(row.identifier, ())),
            license=row.license,
        )
        versions.setdefault(row.identifier, []).append((row.age, version))
    return {
        identifier: [version for _, version in sorted(its, key=itemgetter(0), reverse=True)]
        for identifier, its in versions.items()
    }


def _comparable_rows(
    env: Environment, run_id: str, chunks: Iterable[str], live: Mapping[str, str]
) -> Iterator[StagedLicense]:
    """Yield the staged versions of records that have an earlier version, older ones first."""
    from loaders import staging
    from loaders.store import feed_name_of

    feed, seen = feed_name_of(run_id), set()
    for row in staging.staged_licenses(env, run_id, chunks):
        if row.age > 0:
            seen.add(row.identifier)
        elif row.identifier not in seen and live.get(f"{feed}:{row.identifier}") in (None, row.sha256):
            continue  # it is new, or the payload is the same
        yield row


def _walk(
    env: Environment, feed: str, versions: Mapping[str, list[_Version]], live: Mapping[str, str]
) -> list[_Narrowing]:
    """Go through the versions of each record, and return those that narrow the licence accepted before."""
    from loaders.catalog import accepted_licenses

    known = accepted_licenses(env, sorted({f"{feed}:{identifier}" for identifier in versions} & live.keys()))
    narrowings: list[_Narrowing] = []
    for identifier, its_versions in versions.items():
        key = f"{feed}:{identifier}"
        before = None
        if key in known and live[key] not in {version.sha256 for version in its_versions}:
            before = _Version(live[key], its_versions[-1].format, True, False, known[key])
        narrowings.extend(_narrowings(identifier, its_versions, before))
    return narrowings


def _narrowings(identifier: str, versions: list[_Version], before: _Version | None) -> Iterator[_Narrowing]:
    """Go through the versions of one record from the oldest; `before` is the version accepted before them."""
    from transforms.normalize.license import narrows

    for version in versions:
        if before is not None and not version.decided and narrows(before.license, version.license):
            yield _Narrowing(identifier, version, before, version is versions[-1])
        elif version.accepted:
            before = version


def _confirmed(env: Environment, feed: Feed, run_id: str, narrowings: list[_Narrowing]) -> list[_Narrowing]:
    """Return those that also narrow the licence which today's code reads in the payload accepted before."""
    from loaders import staging, store
    from transforms import transform_all
    from transforms.normalize.license import narrows

    before = {(each.identifier, each.before.format, each.before.sha256) for each in narrowings}
    if not before:
        return []
    with store.locked_run(env, run_id, shared=True):
        records = list(staging.read_landed(env, feed.name, sorted(before)))
    today = {
        (each.identifier, each.sha256): each.resource.license
        for each in transform_all(records, feed)
        if each.resource is not None
    }
    return [
        each._replace(before=each.before._replace(license=license_))
        for each in narrowings
        for license_ in (today.get((each.identifier, each.before.sha256), each.before.license),)
        if narrows(license_, each.version.license)
    ]
