"""`elib check-record FEED IDENTIFIER`: one record as its source gives it now, judged as the next night would."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from commands.app import no_feed

if TYPE_CHECKING:
    from pipeline.record_check import RecordCheck

_MAX_MEMORY_BYTES = 4 << 30  # of address space, for the web: what one record of a partner may cost


def check_record(
    feed: Annotated[str, typer.Argument(help="The feed's name.")],
    identifier: Annotated[str, typer.Argument(help="The partner's own identifier of the record.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with bounded memory; for the web.")] = False,
) -> int:
    """Request one record from its source now and show its findings; neither landing nor the catalog is touched.

    Exits with 1 when the record did not come, or cannot be published as it is, and 2 when there is no such feed.
    """
    import msgspec

    from pipeline.feed import load_feed
    from pipeline.record_check import check_record as check
    from schemas import BadFeed, environment, one_line

    if as_json:
        _bound_memory()
    env = environment()
    try:
        declared = load_feed(env, feed)
    except BadFeed as error:
        print(no_feed(env, feed, error), file=sys.stderr)
        return 2
    result = check(env, declared, identifier)
    if as_json:
        print(msgspec.json.encode(result).decode())
        return 0
    print("\n".join(map(one_line, _lines(result))))
    return 0 if result.is_publishable else 1


def _lines(result: RecordCheck) -> list[str]:
    same = "as it was received last" if result.is_same else "not as it was received last"
    return [
        f"{result.feed}:{result.identifier}: {result.message}",
        *([result.detail] if result.detail else []),
        *([f"title  {result.title} ({same})"] if result.state == "read" else []),
        *(f"{each.state}  {each.severity}  {each.code}  {each.path}: {each.value}" for each in result.findings),
    ]


def _bound_memory() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MAX_MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MAX_MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
