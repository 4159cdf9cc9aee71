"""A repository with many faults at once, and a harvest of it that is killed between pages."""

from __future__ import annotations

import random
from pathlib import Path

from harvesters import harvest
from schemas import Ask, Page
from tests.harvesters.loopback import (
    Answer,
    OaiServer,
    ReceivedRequest,
    feed,
    identifiers,
    names,
    oai_error,
    open_environment,
    serving,
)

COUNT = 60


class Storm:
    """A repository that fails in every way it can, by the throw of seeded dice; one record it can never give."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.poison = self.dice.randrange(COUNT)
        self.server = OaiServer(count=COUNT, size=7, broken=self.broken)

    def broken(self, numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if self.poison in numbers and request.params["verb"] != "ListIdentifiers" else None

    def __call__(self, request: ReceivedRequest) -> Answer:
        throw = self.dice.random()
        if throw < 0.1:
            return Answer(status=503, headers={"Retry-After": "0"})
        answer = self.server(request)
        if throw < 0.15 and "resumptionToken" in request.params:
            return Answer(oai_error("badResumptionToken"))
        if throw < 0.2 and request.params["verb"] == "ListRecords":
            return Answer(answer.bytes[: len(answer.bytes) * 2 // 3], answer.status)
        return answer


def weather(storm: Storm, home: Path) -> None:
    """Harvest the repository in pieces; nothing is lost but the record that it cannot give, which is named."""
    landed: list[Page] = []
    with serving(storm) as loopback:
        of, env = feed(loopback.url, request={"retries": 6}), open_environment(home)
        while not (landed and landed[-1].complete):
            position = landed[-1].position if landed else None
            for page in harvest(of, Ask(position=position), env):
                landed.append(page)
                if storm.dice.random() < 0.2:
                    break  # killed behind this page
    assert set(identifiers(landed)) == set(names(n for n in range(COUNT) if n != storm.poison))
    assert {skipped.identifier for page in landed for skipped in page.skipped} == set(names([storm.poison]))
