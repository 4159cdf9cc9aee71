"""Lists that only name their records: each record asked for at its own address."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urljoin

import msgspec

from harvesters.causes import ServerFailed
from harvesters.http import Client
from harvesters.json_records import NotJson, identifier, raw_at, source_record
from schemas import Feed, HarvestFailed, RawResponse, Skipped, SourceRecord


def details(
    feed: Feed, client: Client, texts: list[msgspec.Raw], now: str
) -> tuple[list[SourceRecord], tuple[Skipped, ...], tuple[RawResponse, ...]]:
    """The record of every listed element; those that the server cannot give are skipped by name."""
    records: list[SourceRecord] = []
    skipped: list[Skipped] = []
    for text in texts:
        name = identifier(text, feed.identifier)
        try:
            read = _detail(feed, client, text, name, now)
        except (ServerFailed, NotJson) as error:
            read = Skipped(identifier=name, reason=str(error))
        except HarvestFailed as error:
            if error.cause != "bad_format":
                raise
            read = Skipped(identifier=name, reason=error.sentence)
        if isinstance(read, SourceRecord):
            records.append(read)
        else:
            skipped.append(read)
    return records, tuple(skipped), ()


def _detail(feed: Feed, client: Client, text: msgspec.Raw, name: str | None, now: str) -> SourceRecord | Skipped:
    asked = feed.request
    listed = msgspec.json.decode(text, type=dict[str, Any])
    fields = {key: quote(str(value), safe="") for key, value in listed.items()}
    try:
        url = urljoin(feed.url, (asked.detail_url or "").format_map(fields))
    except KeyError as error:
        return Skipped(identifier=name, reason=f"the listed element has no {error}, which detail_url needs")
    found = raw_at(msgspec.Raw(client.send(url).body), asked.detail_path)
    if found is None:
        return Skipped(identifier=name, reason=f"{url} has nothing at detail_path {asked.detail_path!r}")
    return source_record(found, feed, now, name)
