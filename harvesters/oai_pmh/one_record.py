"""One record of a repository, requested with GetRecord."""

from __future__ import annotations

from sickle.oaiexceptions import IdDoesNotExist

from harvesters.client import Client
from harvesters.oai_pmh.records import RecordReader
from harvesters.oai_pmh.server import identify
from harvesters.oai_pmh.sickle_client import Repository
from schemas import Ask, Environment, Feed, Page


def find(feed: Feed, identifier: str, ask: Ask, env: Environment) -> Page:
    """Return a page with the record, or with why it cannot be read; an empty one when there is no such record."""
    with Client(feed, ask, env) as client:
        repository = Repository(client, feed.request.method)
        identify(repository, client)
        listed = RecordReader(feed, repository).get(identifier)
        if any(skipped.reason.startswith(IdDoesNotExist.__name__) for skipped in listed.skipped):
            return Page(notes=tuple(client.notes))
        return Page(
            records=listed.records, skipped=listed.skipped, raw=listed.raw, notes=(*client.notes, *listed.notes)
        )
