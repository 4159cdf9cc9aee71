"""A mistyped name of a feed is told with the name that may be meant, by every command that takes one."""

from __future__ import annotations

import pytest

from commands.cli import main
from schemas import Environment
from tests.installation import env, home  # noqa: F401 - fixtures
from tests.loaders.nights import on_sqlite
from tests.pipeline.conftest import library  # noqa: F401 - a fixture

SIGNED = ("--by", "A Steward", "--reason", "asked for")


@on_sqlite
def test_every_command_names_the_feed_that_may_be_meant(
    library: Environment,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (
        ("harvest-now", "boks"),
        ("reprocess", "boks"),
        ("check-record", "boks", "1"),
        ("export", "json", "--filter", "feed=boks"),
        ("erase", "--feed", "boks", "--name", "A Person", "--yes", *SIGNED),
        ("review", "feed-status", "boks", "paused", *SIGNED),
        ("review", "end-wait", "boks", *SIGNED),
        ("review", "accept", "boks:1", *SIGNED),
        ("review", "refuse", "boks:1", *SIGNED),
        ("review", "correct", "boks:1", "title.en", "A title", *SIGNED),
        ("review", "withdraw", "boks:1", *SIGNED),
        ("review", "same", "books:1", "boks:1", *SIGNED),
        ("erase", "boks:1", "--yes", *SIGNED),
        *(("review", each, "--feed", "boks") for each in ("held", "quarantined", "pairs", "absent", "curations")),
    ):
        code = main(words)
        printed = capsys.readouterr()
        assert code in (1, 2) and printed.out == "", words
        assert "boks" in printed.err and "did you mean books?" in printed.err, (words, printed.err)
