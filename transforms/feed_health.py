"""Tell what is unusual in a feed's last night, by the band that its own earlier nights have made.

Nothing is held because of it: an operator reads it before anything is wrong. The band of a measure is its median, and
on both sides the widest of three: four times the spread (median absolute deviation, scaled as a standard deviation), a
least width that nobody would call unusual, and for counts of changes the largest that ever was. A feed that grows each
night is judged by its steps, so that growth as usual is none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from statistics import median
from typing import NamedTuple

from schemas import FeedNight, Manner, Measure, Unusual

MIN_NIGHTS = 8  # below, there is no band
MAX_NIGHTS = 60  # older ones are forgotten, but for silence
_SPREADS = 4.0
_SCALED = 1.4826  # a median absolute deviation of a normal distribution, as its standard deviation
_LEAST_STEP = math.log(1.10)  # of records, from one night to the next
_LEAST_TIMES = math.log(4.0)  # of changes and seconds, against the median
_LEAST_SHARE = 0.05
_DRIFT_TIMES = math.log(1.5)  # of records, from the oldest third of the nights until now
_DRIFT_SHARE = 0.15
# no count below is unusually high, and no loss of so few but of all
_FEW_CHANGES, _FEW_SECONDS, _FEW_RECORDS = 20, 60.0, 20
_SILENT_DAYS, _SILENT_TIMES = 7.0, 2.0
_DAY = 86_400.0


class _Band(NamedTuple):
    low: float
    high: float
    nights: int


def unusual(nights: Sequence[FeedNight]) -> tuple[Unusual, ...]:
    """Return what is unusual in the last of the nights, which are in the order of time.

    Nights before the last 60 tell of silence only; of those that changed nothing none need be given.
    """
    known = list(nights)[-MAX_NIGHTS - 1 :]
    if len(known) <= MIN_NIGHTS:
        return ()
    judges = (_steps("records"), _steps("promised"), _changes, _seconds, *_SHARES)
    return (*(each for judge in judges for each in judge(known)), *_silence(nights))


def _steps(measure: Measure) -> Callable[[Sequence[FeedNight]], Iterator[Unusual]]:
    """Judge a number of records by its step from the night before, then by how far it has drifted."""

    def judge(nights: Sequence[FeedNight]) -> Iterator[Unusual]:
        values = _values(nights, measure)
        if getattr(nights[-1], measure) is None or len(values) <= MIN_NIGHTS:
            return
        logs = [math.log1p(value) for value in values]
        steps = [after - before for before, after in itertools.pairwise(logs)]
        band = _band(steps[:-1], _LEAST_STEP)
        low, high = (math.expm1(logs[-2] + edge) for edge in band[:2])
        last = values[-1]
        outside = _outside(measure, last, _Band(max(0.0, low), high, len(values) - 1))
        if outside and (abs(last - values[-2]) >= _FEW_RECORDS or last == 0):
            yield from outside
            return
        levels = _without_jumps(logs, band)
        if _turned(levels) and abs(last - math.expm1(levels[0])) >= _FEW_RECORDS:  # growth as usual is no drift
            yield from _drift(measure, values, levels, _DRIFT_TIMES, math.expm1)

    return judge


def _changes(nights: Sequence[FeedNight]) -> Iterator[Unusual]:
    """Judge the number of changes by the nights that had any: most nights of most feeds have none."""
    earlier = [float(night.changes) for night in nights[:-1] if night.changes]
    last = float(nights[-1].changes)
    if len(earlier) < MIN_NIGHTS or last < _FEW_CHANGES:
        return
    band = _band([math.log(value) for value in earlier], _LEAST_TIMES)
    high = max(math.exp(band.high), *earlier)
    if last > high:
        yield Unusual(measure="changes", value=last, low=0.0, high=high, manner="high", nights=len(earlier))


def _seconds(nights: Sequence[FeedNight]) -> Iterator[Unusual]:
    earlier, last = _values(nights[:-1], "seconds"), nights[-1].seconds
    if len(earlier) < MIN_NIGHTS or last is None or last < _FEW_SECONDS:
        return
    band = _band([math.log1p(value) for value in earlier], _LEAST_TIMES)
    high = math.expm1(band.high)
    if last > high:
        yield Unusual(measure="seconds", value=last, low=0.0, high=high, manner="high", nights=len(earlier))


def _share(measure: Measure) -> Callable[[Sequence[FeedNight]], Iterator[Unusual]]:
    def judge(nights: Sequence[FeedNight]) -> Iterator[Unusual]:
        values = _values(nights, measure)
        if getattr(nights[-1], measure) is None or len(values) <= MIN_NIGHTS:
            return
        band = _band(values[:-1], _LEAST_SHARE)
        last = values[-1]
        outside = _outside(measure, last, _Band(max(0.0, band.low), min(1.0, band.high), band.nights))
        yield from outside or _drift(measure, values, values, _DRIFT_SHARE, float)

    return judge


_SHARES = (_share("language"), _share("license"), _share("errors"))


def _silence(nights: Sequence[FeedNight]) -> Iterator[Unusual]:
    """Judge how long nothing has changed by the longest time that nothing did before."""
    moments = [_seconds_of(night.at) for night in nights if night.changes]
    if len(moments) <= MIN_NIGHTS:
        return
    longest = max(after - before for before, after in itertools.pairwise(moments)) / _DAY
    high = max(_SILENT_DAYS, _SILENT_TIMES * longest)
    days = (_seconds_of(nights[-1].at) - moments[-1]) / _DAY
    if days > high:
        yield Unusual(measure="silence", value=days, low=0.0, high=high, manner="high", nights=len(nights) - 1)


def _drift(
    measure: Measure, values: Sequence[float], scaled: Sequence[float], least: float, unscale: Callable[[float], float]
) -> Iterator[Unusual]:
    """Yield that a measure is far from the oldest third of its nights, though no night by itself is."""
    oldest = median(scaled[: max(MIN_NIGHTS // 2, len(scaled) // 3)])
    spread = _SPREADS * _SCALED * median(abs(after - before) for before, after in itertools.pairwise(scaled))
    width = max(least, spread)
    if abs(scaled[-1] - oldest) > width:
        low, high = max(0.0, unscale(oldest - width)), unscale(oldest + width)
        yield Unusual(measure=measure, value=values[-1], low=low, high=high, manner="drift", nights=len(values) - 1)


def _without_jumps(logs: Sequence[float], band: _Band) -> list[float]:
    """Return the levels as if every step outside the band, which was told in its night, had been made before them."""
    steps = [after - before for before, after in itertools.pairwise(logs)]
    usual = [step if band.low <= step <= band.high else 0.0 for step in steps]
    return [logs[-1] - rest for rest in reversed(list(itertools.accumulate(reversed(usual), initial=0.0)))]


def _turned(scaled: Sequence[float]) -> bool:
    """Tell whether the younger half of the nights moves otherwise than the older half did: growth as usual does not."""
    half = len(scaled) // 2
    older, younger = scaled[half] - scaled[0], scaled[-1] - scaled[half]
    return abs(younger) > 2 * abs(older) or older * younger < 0


def _outside(measure: Measure, last: float, band: _Band) -> tuple[Unusual, ...]:
    if band.low <= last <= band.high:
        return ()
    manner: Manner = "high" if last > band.high else "low"
    return (Unusual(measure=measure, value=last, low=band.low, high=band.high, manner=manner, nights=band.nights),)


def _band(values: Sequence[float], least: float) -> _Band:
    middle = median(values)
    spread = _SPREADS * _SCALED * median(abs(value - middle) for value in values)
    width = max(spread, least)
    return _Band(middle - width, middle + width, len(values))


def _values(nights: Sequence[FeedNight], measure: Measure) -> list[float]:
    return [float(value) for night in nights if (value := getattr(night, measure)) is not None]


def _seconds_of(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
