"""What an operator is told of a feed before anything is wrong: figures outside the band of its own nights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from schemas import FeedNight
from transforms.feed_health import MIN_NIGHTS, unusual

BEGAN = datetime(2026, 1, 1, 2, tzinfo=UTC)


def night(number: int, **measures: Any) -> FeedNight:
    return FeedNight(at=f"{BEGAN + timedelta(days=number):%Y-%m-%dT%H:%M:%S.%fZ}", **measures)


def usual_nights(random: Random, count: int, growth: float = 0.0, share: float = 0.8) -> list[FeedNight]:
    """Nights of a healthy feed: it grows steadily, some nights bring nothing, every measure scatters a little."""
    nights, records = [], random.randint(200, 50_000)
    for number in range(count):
        changes = 0 if random.random() < 0.3 else max(0, round(random.lognormvariate(3, 0.8)))
        records += round(records * growth) + changes // 2
        nights.append(
            night(
                number,
                changes=changes,
                records=records,
                promised=records + random.randint(0, 5),
                seconds=random.lognormvariate(4.5, 0.3),
                language=min(1.0, share + random.gauss(0, 0.004)),
                license=min(1.0, share + random.gauss(0, 0.004)),
                errors=max(0.0, random.gauss(0.02, 0.004)),
            )
        )
    return nights


@pytest.mark.parametrize("growth", [0.0, 0.01])
def test_a_healthy_feed_is_hardly_ever_called_unusual(growth: float) -> None:
    random, alarms, told = Random(7), 0, 0
    for _ in range(60):
        nights = usual_nights(random, 90, growth)
        for until in range(MIN_NIGHTS + 1, 90, 4):
            told += 1
            alarms += bool(unusual(nights[:until]))
    assert told > 1_000
    assert alarms / told <= 0.01


UNUSUAL: dict[str, tuple[dict[str, Any], str, str]] = {
    "two thirds of the records are gone": ({"records": 3_000}, "records", "low"),
    "the feed has doubled in a night": ({"records": 20_000}, "records", "high"),
    "the server says that it has a third only": ({"promised": 3_300}, "promised", "low"),
    "more changes than ever": ({"changes": 5_000}, "changes", "high"),
    "ten times as long as usual": ({"seconds": 900.0}, "seconds", "high"),
    "licences are missing": ({"license": 0.5}, "license", "low"),
    "languages are missing": ({"language": 0.6}, "language", "low"),
    "a tenth of the records has errors": ({"errors": 0.12}, "errors", "high"),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_one_odd_night_is_named_with_its_figure_and_its_band(case: str) -> None:
    measures, measure, manner = UNUSUAL[case]
    steady = {"changes": 20, "records": 10_000, "promised": 10_000, "seconds": 90.0}
    shares = {"language": 0.9, "license": 0.8, "errors": 0.02}
    nights = [night(number, **steady, **shares) for number in range(20)]
    (only,) = unusual([*nights, night(20, **{**steady, **shares, **measures})])
    assert (only.measure, only.manner, only.nights) == (measure, manner, 20)
    assert only.value == next(iter(measures.values()))
    assert not only.low <= only.value <= only.high
    assert unusual([*nights, night(20, **steady, **shares)]) == ()


def test_silence_is_longer_than_this_feed_was_ever_silent() -> None:
    daily = [night(number, changes=5) for number in range(20)]
    assert unusual([*daily, *(night(number) for number in range(20, 27))]) == ()
    (silent,) = unusual([*daily, *(night(number) for number in range(20, 28))])
    assert (silent.measure, silent.value) == ("silence", 8.0)
    every_ten_days = [night(number, changes=5 if number % 10 == 0 else 0) for number in range(100)]
    assert unusual([*every_ten_days, *(night(number) for number in range(100, 108))]) == ()
    nights = [*every_ten_days[40:], *(night(number) for number in range(100, 150))]
    assert unusual(nights) == (), "of too few changes nothing is learned"


def test_silence_does_not_end_by_itself() -> None:
    spoke = [night(number, changes=5) for number in range(20)]
    for days in (30, 200, 2_000):
        silent = [night(20 + number) for number in range(days - 61, days)]  # of the nights between none is kept
        assert [each.measure for each in unusual([*spoke, *silent])] == ["silence"], days
    assert unusual([*spoke, *silent, night(2_021, changes=5)]) == ()


def test_a_small_feed_that_loses_a_few_records_each_night_drifts() -> None:
    sizes = [500] * 10 + [500 - 8 * number for number in range(1, 51)]
    nights = [night(number, records=size) for number, size in enumerate(sizes)]
    told = [until for until in range(61) if any(each.manner == "drift" for each in unusual(nights[:until]))]
    assert told and sizes[told[0] - 1] > 250, "before half of it is gone"


def test_a_small_feed_that_is_suddenly_empty_is_told() -> None:
    nights = [night(number, records=12) for number in range(20)]
    (emptied,) = unusual([*nights, night(20, records=0)])
    assert (emptied.measure, emptied.manner, emptied.value) == ("records", "low", 0)
    assert unusual([*nights, night(20, records=7)]) == ()


def test_a_feed_that_has_grown_tenfold_in_a_night_is_told_once() -> None:
    sizes = [1_000] * 30 + [10_000 + 30 * number for number in range(30)]
    nights = [night(number, records=size) for number, size in enumerate(sizes)]
    assert [until for until in range(61) if unusual(nights[:until])] == [31]


def test_a_slow_loss_is_told_as_drift() -> None:
    nights = [night(number, license=0.9 - 0.004 * number) for number in range(60)]
    told = [until for until in range(10, 61) if unusual(nights[:until])]
    (first,) = unusual(nights[: told[0]])
    assert (first.measure, first.manner) == ("license", "drift")
    assert first.value < first.low
    assert told[0] < 50, "before a fifth of the licences is gone"


def test_a_feed_that_shrinks_after_it_grew_drifts() -> None:
    sizes = [10_000 + 100 * number for number in range(30)]
    sizes += [round(sizes[-1] * 0.96**number) for number in range(1, 31)]
    nights = [night(number, records=size) for number, size in enumerate(sizes)]
    assert not any(unusual(nights[:until]) for until in range(31)), "growth as usual"
    assert any(each.manner == "drift" for until in range(31, 61) for each in unusual(nights[:until]))


def test_a_young_feed_and_unmeasured_nights_say_nothing() -> None:
    assert unusual([]) == ()
    assert unusual([night(number, records=100) for number in range(MIN_NIGHTS)]) == ()
    assert unusual([night(number) for number in range(40)]) == ()
    assert unusual([*(night(number, records=1_000) for number in range(30)), night(30)]) == ()
