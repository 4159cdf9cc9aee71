"""A publication reads only what may have to change, and ends as one that reads everything does."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from loaders.publication import begin_publication, publish_match, read_match_result
from loaders.publication.planning import read_catalog
from loaders.store import (
    CurationRow,
    HarvestRunRow,
    PublicationRow,
    RedirectRow,
    ResourceRow,
    SourceRecordRow,
    engine,
    read_transaction,
    write_transaction,
)
from schemas import Cluster, Environment, Match, environment
from tests.loaders.test_publish import FEATURES, PAIRS, curate, dump, gone, ids, laid, merge, night, put

KEYS = [f"{feed}:{number}" for feed in "abc" for number in range(12)]


def live_keys(env: Environment) -> list[str]:
    with read_transaction(env) as connection:
        return sorted(connection.scalars(select(SourceRecordRow.key).where(SourceRecordRow.status == "live")))


def loaded(env: Environment, chance: random.Random) -> None:
    """Records are added, changed, deleted and back again; sometimes one is erased with its row."""
    put(env, *chance.sample(KEYS, 4), title=chance.choice(("Fractions", "Decimals")), score=chance.choice((50, 60)))
    gone(env, *chance.sample(KEYS, 3))
    if chance.random() < 0.3:
        with write_transaction(env) as connection:
            connection.execute(delete(SourceRecordRow).where(SourceRecordRow.key == chance.choice(KEYS)))
    withheld = {"pending_status": "quarantined", "pending_reason": "errors: license_narrowed"}
    with write_transaction(env) as connection:
        waits = chance.random() < 0.5
        values = withheld if waits else dict.fromkeys(withheld)
        some = SourceRecordRow.key.in_(chance.sample(KEYS, 2))
        connection.execute(update(SourceRecordRow).where(some).values(**values))


def decided(env: Environment, chance: random.Random) -> None:
    """A steward corrects or withdraws records and resources, also ids of before, and takes decisions back."""
    with read_transaction(env) as connection:
        resource_ids = sorted(connection.scalars(select(ResourceRow.id)))
    for _ in range(chance.randrange(3)):
        by_id = resource_ids and chance.random() < 0.5
        target = {"resource_id": chance.choice(resource_ids)} if by_id else {"key": chance.choice(KEYS)}
        path = chance.choice(("title.en", "odd"))
        action = {"action": "withdraw"} if chance.random() < 0.4 else {"action": "set", "path": path, "value": '"Set"'}
        curate(env, **target, **action)
    with write_transaction(env) as connection:
        decisions = connection.scalars(select(CurationRow.id).where(CurationRow.undone_at.is_(None))).all()
        for number in [number for number in decisions if chance.random() < 0.3]:
            undone = update(CurationRow).where(CurationRow.id == number)
            connection.execute(undone.values(undone_at="2026-02-01T00:00:00Z"))


def matched(env: Environment, chance: random.Random) -> tuple[Any, ...]:
    """What a match finds: some clusters of two to four, some to review, some pairs that are related."""
    keys = live_keys(env)
    chance.shuffle(keys)
    clusters = []
    for _ in range(chance.randrange(6)):
        size = chance.choice((2, 2, 3, 4))
        members, keys = tuple(sorted(keys[:size])), keys[size:]
        clusters += [Cluster(keys=members, review=chance.choice((None, None, "years contradict")))] if members else []
    live = live_keys(env)
    pairs = sorted({tuple(sorted(chance.sample(live, 2))) for _ in range(chance.randrange(4))})
    matches = [
        Match(left_key=left, right_key=right, probability=chance.choice((0.5, 0.9)), verdict="same")
        for left, right in pairs
    ]
    related = [
        link
        for left, right in pairs[:2]
        for link in ((left, right, "hasversion", "edition"), (right, left, "isversionof", "edition"))
    ]
    return clusters, matches, related


def without_clock(env: Environment) -> Any:
    """Every row, with a word for the time of the newest publication."""
    with read_transaction(env) as connection:
        at = connection.scalar(select(func.max(PublicationRow.changed_at)))
    rows = {
        table: [tuple("now" if value == at else value for value in row) for row in its]
        for table, its in dump(env).items()
    }
    return rows | {"publication": len(rows["publication"])}


def copied(env: Environment, folder: Path) -> Environment:
    """The same installation again, in another folder."""
    engine(env).dispose()
    shutil.copytree(env.home, folder)
    return environment({"ELIB_HOME": str(folder)})


@pytest.mark.parametrize("seed", range(2))
def test_a_plan_of_what_changed_equals_one_of_everything(lite: Environment, tmp_path_factory: Any, seed: int) -> None:
    chance = random.Random(seed)
    skipped = alone = 0
    put(lite, *KEYS)
    for _ in range(10):
        loaded(lite, chance)
        decided(lite, chance)
        folder = laid(lite, "1", FEATURES, PAIRS, *matched(lite, chance))
        run = begin_publication(lite)
        other = copied(lite, tmp_path_factory.mktemp("whole") / "home")
        trust = {"b": chance.choice((0, 1))}
        with read_transaction(lite) as connection:
            before = read_catalog(connection, read_match_result(folder))
            skipped += before.standing
            alone += len(before.alone)
        counts = [
            publish_match(env, run, env.home / folder.relative_to(lite.home), merge=merge, trust=trust,
                          merge_version="1", whole=env is other)
            for env in (lite, other)
        ]  # fmt: skip
        assert counts[0] == counts[1]
        assert without_clock(lite) == without_clock(other)
        engine(other).dispose()
        shutil.rmtree(other.home)
    with read_transaction(lite) as connection:
        assert connection.scalar(select(func.count()).select_from(RedirectRow)), "works were joined"
        assert connection.scalar(select(func.max(HarvestRunRow.changed))), "resources changed"
    assert skipped, "some of the records were not read"
    assert alone, "some of the records were planned by themselves"


def test_only_what_may_have_to_change_is_read(env: Environment) -> None:
    put(env, *KEYS)
    night(env, ("a:1", "b:1"))
    put(env, "a:2", title="Decimals")
    gone(env, "a:3", "a:1")
    curate(env, key="a:4", action="set", path="title.en", value='"Mended"')
    curate(env, resource_id=ids(env)["a:5"], action="withdraw")
    folder = laid(
        env, "1", FEATURES, PAIRS, [Cluster(keys=("a:6", "b:6"))], (), [("a:7", "b:7", "hasversion", "edition")]
    )
    with read_transaction(env) as connection:
        before = read_catalog(connection, read_match_result(folder), ["a:8"])
    read = ["a:4", "a:5", "a:6", "a:7", "a:8", "b:1", "b:6", "b:7"]
    assert (sorted(before.live), sorted(before.not_published)) == (read, ["a:1", "a:3"])
    assert before.alone == ("a:2",)
    assert before.standing == len(KEYS) - len(read) - 3
    assert {before.live[key].resource_id for key in read} <= set(before.resources)
