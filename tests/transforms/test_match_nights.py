"""An increment and a full run give the same pairs and the same clusters, whatever the nights bring."""

from __future__ import annotations

import random

import msgspec
import pyarrow as pa
import pytest

from schemas import Concept, Contributor, Identifier, Resource
from transforms.match import Live, Matching, Resources, cluster, features, match, read_model

SMALL = Resources(block=4)  # so that blocks cross the limit on most nights
TOPICS = [
    "Fractions for beginners",
    "Fractions for beginner",
    "Fractions for begginners",
    "Water cycle experiments",
    "Editorial",
    "Poems of the sea",
]


def some_record(chance: random.Random, key: str) -> Live:
    """A record out of few values, so that records share blocks, identifiers and titles."""
    title = chance.choice(TOPICS) + chance.choice(["", "", " 1", " 2", ": a lesson"])
    doi = chance.choice([None, None, "10.54675/a1", "10.54675/b2"])
    return Live(
        key.partition(":")[0],
        str(chance.random()),
        Resource(
            key=key,
            title={"en": title},
            contributors=tuple(
                Contributor(name=name, role="author", kind="person")
                for name in chance.sample(["Amina Diallo", "Li Wei", "Ana Petrović"], chance.randint(0, 2))
            ),
            issued_year=chance.choice([None, 2019, 2019, 2020]),
            publishers=(chance.choice(["Open Press", "School Board"]),),
            identifiers=(Identifier(scheme="doi", value=doi),) if doi else (),
            resource_types=(Concept(code="text", label="Text", source="text"),),
        ),
    )


def night(chance: random.Random, live: dict[str, Live]) -> dict[str, Live]:
    """Some records change, some go, some come."""
    after = dict(live)
    for key in chance.sample(sorted(after), min(len(after), chance.randint(0, 6))):
        if chance.random() < 0.4:
            del after[key]
        else:
            after[key] = some_record(chance, key)
    for _ in range(chance.randint(0, 8)):
        key = f"f{chance.randrange(3)}:{chance.randrange(200)}"
        after[key] = some_record(chance, key)
    return after


@pytest.mark.parametrize("seed", range(3))
def test_an_increment_gives_what_a_full_run_gives(seed: int) -> None:
    chance = random.Random(seed)
    live: dict[str, Live] = {f"f{n % 3}:{n}": some_record(chance, f"f{n % 3}:{n}") for n in range(40)}
    before: pa.Table = features(live.values())
    known: Matching = match(before, resources=SMALL)
    for _ in range(3):
        live = night(chance, live)
        now = features(live.values())
        known = match(now, before=before, known=known.pairs, resources=SMALL)
        full = match(now, resources=SMALL)
        assert known.pairs.to_pylist() == full.pairs.to_pylist()
        assert cluster(known.pairs, now) == cluster(full.pairs, now)
        before = now


@pytest.mark.parametrize("seed", range(3))
def test_no_pair_is_left_out_that_scoring_would_keep(seed: int) -> None:
    chance = random.Random(seed)
    rows = features(some_record(chance, f"f{n % 3}:{n}") for n in range(50))
    model = read_model()
    unlikely = match(rows, model=msgspec.structs.replace(model, review=1e-12)).pairs.to_pylist()
    kept = [pair for pair in unlikely if pair["probability"] >= model.review]
    assert 0 < len(kept) < len(unlikely)
    likely = [pair for pair in match(rows).pairs.to_pylist() if pair["probability"] >= model.review]
    assert [_seen(pair) for pair in likely] == [_seen(pair) for pair in kept]


def _seen(pair: dict[str, object]) -> tuple[object, ...]:
    return tuple(pair[name] for name in ("left_key", "right_key", "probability", "evidence"))


def test_a_quiet_night_looks_at_nothing_again() -> None:
    chance = random.Random(9)
    rows = features(some_record(chance, f"f{n % 3}:{n}") for n in range(30))
    full = match(rows)
    again = match(rows, before=rows, known=full.pairs)
    assert again.evaluated == 0
    assert again.pairs == full.pairs


def test_a_description_that_changes_behind_its_start_is_compared_again() -> None:
    text = (
        "Pupils cut apples and loaves into equal parts, name the parts as fractions, add them and compare what is left "
    )

    def described(key: str, title: str, end: str) -> Live:
        by = (Contributor(name="Amina Diallo", role="author", kind="person"),)
        whole = Resource(
            key=key, title={"en": title}, issued_year=2019, description={"en": text + end}, contributors=by
        )
        return Live("a", "", whole)

    stays = described("a:1", "Fractions for beginners at school", "over.")
    before = features([stays, described("a:2", "Fractions for beginers at school", "over.")])
    full = match(before)
    now = features([stays, described("a:2", "Fractions for beginers at school", "on the plate.")])
    night = match(now, before=before, known=full.pairs)
    assert night.pairs == match(now).pairs
    assert full.pairs["probability"][0].as_py() > night.pairs["probability"][0].as_py()


def test_an_identifier_that_ceases_to_be_shared_counts_again() -> None:
    chance = random.Random(1)

    def named(key: str, title: str) -> Live:
        live = some_record(chance, key)
        doi = (Identifier(scheme="doi", value="10.54675/c3"),)
        return live._replace(record=Resource(key=key, title={"en": title}, identifiers=doi))

    two = [named("a:1", "Fractions"), named("b:1", "Fractions: a unit")]
    others = [named("c:1", "Photosynthesis"), named("c:2", "History of writing")]
    crowded = features([*two, *others])
    full = match(crowded)
    assert full.pairs.num_rows == 0
    alone = match(features(two), before=crowded, known=full.pairs)
    assert alone.pairs["verdict"].to_pylist() == ["same"]
