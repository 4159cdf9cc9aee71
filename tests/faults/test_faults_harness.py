"""The short form of `make faults`: some trials of every part but Airflow's; and the harness notices what fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from schemas import environment
from tests.faults import addresses, trials
from tests.faults.fuzz import damage, fuzz
from tests.faults.kills import Prepared, kills_of, prepared
from tests.faults.nights import require_equal
from tests.faults.servers import faults_of

SHORT = {"kills": (kills_of, [0, 6]), "faults": (faults_of, [2, 6])}
FUZZ_SEEDS = range(12)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """The partners and their first two nights, for both parts that begin with them."""
    with prepared(tmp_path_factory.mktemp("nights")) as both:
        yield both


@pytest.mark.parametrize("part", SHORT)
@pytest.mark.slow
def test_every_trial_of_the_short_form_is_survived(part: str, nights: Prepared) -> None:
    trials_of, seeds = SHORT[part]
    require_survival(part, lambda _: nullcontext(trials_of(nights)), nights.folder, seeds)


@pytest.mark.slow
def test_every_trial_of_the_short_form_of_fuzz_is_survived(tmp_path: Path) -> None:
    require_survival("fuzz", fuzz, tmp_path, FUZZ_SEEDS)


def require_survival(part: str, run: trials.Part, folder: Path, seeds: Sequence[int]) -> None:
    tally = trials.run_part(part, run, folder, iter(seeds), seconds=600)
    assert not tally.failures, "\n".join(tally.failures)
    assert tally.survived == tally.tried == len(seeds)


def test_no_hostile_address_is_connected_to(tmp_path: Path) -> None:
    with addresses.addresses(tmp_path) as trial_of:
        for seed in range(0, len(addresses.ADDRESSES), 11):
            trial_of(seed).run()


def test_a_connection_to_an_address_inside_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = environment({"ELIB_HOME": str(tmp_path), "ELIB_ALLOW_PRIVATE": "127.0.0.1"})
    monkeypatch.setattr(addresses, "environment", lambda variables: everything)
    with addresses.addresses(tmp_path) as trial_of, pytest.raises(AssertionError, match="connected to"):
        trial_of(0).run()


@contextmanager
def part_with_failures(folder: Path) -> Iterator[Callable[[int], trials.Trial]]:
    def trial(seed: int) -> trials.Trial:
        return trials.Trial(f"number {seed}", lambda: require_equal({"table": [("row",)] * seed}, {"table": []}))

    yield trial


def test_a_failure_is_counted_and_printed_with_its_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tally = trials.run_part("kills", part_with_failures, tmp_path, iter(range(3)), seconds=60)
    assert (tally.tried, tally.survived) == (3, 1)
    assert "--part kills --seed 2 --trials 1" in capsys.readouterr().out
    assert str(trials.total([tally, tally])).split() == ["total", "6", "2", "4"]


def test_a_part_ends_with_its_time_and_not_before_one_trial(tmp_path: Path) -> None:
    tally = trials.run_part("none", part_with_failures, tmp_path, itertools.repeat(0), seconds=0)
    assert tally.tried == 1


def test_the_same_seed_damages_a_text_in_the_same_way() -> None:
    from random import Random

    text = b"<record>text</record>" * 20
    assert damage(text, Random(5)) == damage(text, Random(5)) != damage(text, Random(6))
