"""Check one record again: request it from its source now, and judge it as the next night would.

Nothing is written: neither landing nor the catalog changes, and the record is published by nothing that happens here.
Rules that compare a record with others, or with its earlier version, are only applied at night.
"""

from __future__ import annotations

import os
from typing import Literal

import msgspec

from schemas import Ask, Base, Environment, Feed, HarvestFailed, Issue, Page, Sentence, SourceRecord, sentence

CHECK_SECONDS = 45.0  # for all requests of one check
_MAX_RESPONSE_BYTES = 16 * 1024 * 1024
_MAX_RETRIES = 1
CheckState = Literal["read", "unreadable", "deleted", "absent", "failed"]
FindingState = Literal["stays", "mended", "new", "not_checked"]
_STATE_ORDER: tuple[FindingState, ...] = ("new", "stays", "not_checked", "mended")
_SEVERITY_ORDER = ("error", "warning", "info")


class CheckedFinding(Base, frozen=True, kw_only=True):
    """A finding of a record, and whether it is still there.

    state: stays; mended: it was there and is not now; new; not_checked: it is only looked for at night
    """

    code: str
    severity: str
    path: str
    value: str
    state: FindingState


class RecordCheck(Base, frozen=True, kw_only=True):
    """What a record is at its source now.

    state: read; unreadable: it came and cannot be read; deleted: the source says so; absent: the source has no such
        record; failed: it could not be requested
    message: what that means, for the partner; detail: what the server or the record said, in English
    is_same: whether it is word for word what was received last
    title: of the record as it is now
    """

    feed: str
    identifier: str
    at: str
    state: CheckState
    message: Sentence
    detail: str = ""
    is_same: bool = False
    title: str = ""
    findings: tuple[CheckedFinding, ...] = ()

    @property
    def is_publishable(self) -> bool:
        """Return whether nothing that was checked keeps the record from being published."""
        now = [finding for finding in self.findings if finding.state in ("stays", "new")]
        return self.state == "read" and not any(finding.severity == "error" for finding in now)


def check_record(env: Environment, feed: Feed, identifier: str) -> RecordCheck:
    """Request a record at the host's rate, transform it with the mappings in force, and compare its findings."""
    from harvesters import find_record
    from harvesters.client import from_environment
    from loaders.store import now

    bounded = bounded_feed(feed)
    result = RecordCheck(
        feed=feed.name,
        identifier=identifier,
        at=now(),
        state="failed",
        message=sentence("The record could not be requested from its source."),
    )
    try:
        ask = Ask(credentials=from_environment(feed.connection, os.environ))
        page = find_record(bounded, identifier, ask, env)
    except HarvestFailed as error:
        return msgspec.structs.replace(result, message=_why_failed(error), detail=error.sentence)
    return _judge(env, bounded, page, result)


def bounded_feed(feed: Feed) -> Feed:
    """Return the feed with less patience: one record is checked while somebody waits."""
    request = feed.request
    bounds = {
        "budget": min(request.budget, CHECK_SECONDS),
        "timeout": min(request.timeout, CHECK_SECONDS / 2),
        "retries": min(request.retries, _MAX_RETRIES),
        "backoff": min(request.backoff, 2.0),
        "max_bytes": min(request.max_bytes, _MAX_RESPONSE_BYTES),
    }
    return feed.model_copy(update={"request": request.model_copy(update=bounds)})


def _why_failed(error: HarvestFailed) -> Sentence:
    if error.cause == "quiet_hours":
        return sentence("Your quiet hours have begun: nothing is requested from your server now. Try again later.")
    if error.cause == "too_slow":
        return sentence(
            "The record did not come within %(seconds)s seconds. Where single records cannot be requested, the list is "
            "read from its beginning, which takes too long for this one. The next night looks at it again.",
            seconds=round(CHECK_SECONDS),
        )
    if error.cause == "too_large":
        return sentence(
            "The record cannot be requested alone, and the list is too large to be read at once. The next night looks "
            "at it again."
        )
    return sentence("Your server did not give the record.")


def _judge(env: Environment, feed: Feed, page: Page, result: RecordCheck) -> RecordCheck:
    replace = msgspec.structs.replace
    if page.records:
        return _judge_record(env, feed, page.records[0], result)
    if page.skipped:
        message = sentence("The record came, and it cannot be read.")
        return replace(result, state="unreadable", message=message, detail=page.skipped[0].reason)
    return replace(result, state="absent", message=sentence("Your server has no such record any more."))


def _judge_record(env: Environment, feed: Feed, record: SourceRecord, result: RecordCheck) -> RecordCheck:
    from loaders.browse import read_record_row
    from loaders.catalog import active_mappings
    from loaders.store import read_transaction
    from transforms import transform_all

    replace = msgspec.structs.replace
    if record.deleted:
        return replace(result, state="deleted", message=sentence("Your server says that the record is deleted."))
    (assessment,) = transform_all([record], feed, active_mappings(env, feed.name))
    with read_transaction(env) as connection:
        row = read_record_row(connection, record.key)
    received = None if row is None else row["pending_sha256"] or row["payload_sha256"]
    result = replace(result, is_same=received is not None and received == record.sha256)
    if assessment.rejection is not None:
        message = sentence("The record came, and it cannot be read.")
        return replace(result, state="unreadable", message=message, detail=assessment.rejection.reason)
    findings = _compared(env, record.key, assessment.issues)
    title = next(iter(assessment.resource.title.values()), "") if assessment.resource else ""
    return replace(result, state="read", message=_verdict(findings), title=title, findings=findings)


def _verdict(findings: tuple[CheckedFinding, ...]) -> Sentence:
    left = sum(finding.state in ("stays", "new") for finding in findings)
    if not left:
        return sentence("Nothing is left to fix in this record. The next night takes it over.")
    return sentence("What is left to fix in this record is shown below. Findings: %(left)s", left=left)


def _compared(env: Environment, key: str, issues: tuple[Issue, ...]) -> tuple[CheckedFinding, ...]:
    """Return the findings of now beside those of the catalog, what is left to do first."""
    from loaders.browse import record_fixes
    from loaders.staging import issue_id
    from loaders.store import read_transaction
    from transforms.rules import RULES

    now = {issue_id(key, issue.code, issue.path, issue.value): issue for issue in issues}
    with read_transaction(env) as connection:
        before = {issue_id(key, fix.rule, fix.path, fix.value): fix for fix in record_fixes(connection, key, None)}
    findings = [
        CheckedFinding(
            code=issue.code,
            severity=issue.severity,
            path=issue.path,
            value=issue.value,
            state="stays" if name in before else "new",
        )
        for name, issue in now.items()
    ]
    for name, fix in before.items():
        if name not in now:
            rule = RULES.get(fix.rule)
            is_checked = rule is not None and rule.find is not None
            findings.append(
                CheckedFinding(
                    code=fix.rule,
                    severity=fix.severity,
                    path=fix.path,
                    value=fix.value,
                    state="mended" if is_checked else "not_checked",
                )
            )
    return tuple(sorted(findings, key=_order))


def _order(finding: CheckedFinding) -> tuple[int, int, str, str]:
    state, severity = _STATE_ORDER.index(finding.state), _SEVERITY_ORDER.index(finding.severity)
    return severity, state, finding.code, finding.path
