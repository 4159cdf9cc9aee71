"""Two partners whose lists change from night to night: an OAI-PMH repository and a JSON list, on one server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.harvesters.case_server import CaseServer
from tests.harvesters.loopback import Answer, Loopback, ReceivedRequest, serving
from tests.pipeline.feeds import SUBJECTS, listed

FEEDS = ("books", "sheets")
_REQUEST = "\n[request]\nrate = 100000\nbackoff = 0.001\nretries = 1\n"
_BOOKS, _BORN_EACH_NIGHT = 200, 6
_SHEETS = 80


class Partners:
    """Answers as the partners stand on `night`, from 1 on."""

    def __init__(self) -> None:
        self.night = 1

    def __call__(self, request: ReceivedRequest) -> Answer:
        if request.path == "/oai":
            return CaseServer({"repository": books(self.night)})(request)
        return Answer(json.dumps(sheets(self.night)), headers={"Content-Type": "application/json"})


def books(night: int) -> dict[str, Any]:
    """Return the repository of a night: some records are new, some changed and one deleted since the night before."""
    return {
        "date": _day(night).replace("T00", "T12"),
        "page": 25,
        "records": [_book(n, night) for n in range(_BOOKS + _BORN_EACH_NIGHT * (night - 1))],
    }


def _book(n: int, night: int) -> dict[str, Any]:
    born = 1 if n < _BOOKS else 2 + (n - _BOOKS) // _BORN_EACH_NIGHT
    changes = [on for on in range(born + 1, night + 1) if (n + 3 * on) % 20 == 0]
    dies = 2 + n // 20 if n % 20 == 7 else night + 1
    title = f"{SUBJECTS[n % 10]} for class {n // 10 + 1}, a workbook of {'sheets' if n < 30 else 'books'}"
    return {
        "id": f"oai:books.example.org:{n}",
        "stamp": _day(min(night, max([born, dies if dies <= night else born, *changes]))),
        "title": title if not changes else f"{title}, edition {len(changes) + 1}",
        "deleted": dies <= night,
    }


def sheets(night: int) -> list[dict[str, Any]]:
    """Return the list of a night: one record is absent and some are new and changed since the night before."""
    return [_sheet(n, night) for n in range(night - 1, _SHEETS + 3 * night)]


def _sheet(n: int, night: int) -> dict[str, Any]:
    edition = 1 + sum((n + on) % 15 == 0 for on in range(2, night + 1))
    return {**json.loads(listed("sheets", n).payload), "version": str(edition), "datePublished": f"{2000 + edition}"}


def _day(night: int) -> str:
    return f"{datetime(2026, 1, 1) + timedelta(days=night):%Y-%m-%dT%H:%M:%SZ}"


def declare(folder: Path, url: str) -> None:
    """Write the feed files of both partners."""
    folder.mkdir(parents=True, exist_ok=True)
    common = 'partner = "A Library"\nabsent_after = 1\n'
    oai = f'title = "Books"\nprotocol = "oai_pmh"\nformat = "oai_dc"\nurl = "{url}/oai"\n'
    rest = f'title = "Sheets"\nprotocol = "rest"\nformat = "amb"\nidentifier = "id"\nurl = "{url}/api"\n'
    (folder / "books.toml").write_text(oai + common + _REQUEST, encoding="utf-8")
    (folder / "sheets.toml").write_text(rest + common + _REQUEST, encoding="utf-8")


@contextmanager
def serving_partners() -> Iterator[tuple[Loopback, Partners]]:
    """Serve both partners on loopback."""
    partners = Partners()
    with serving(partners) as loopback:
        yield loopback, partners
