"""python -m samples.generate --records N: an OAI-PMH server of generated records; prints its address when ready."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from samples import generated, oai_xml
from samples.answer import Answer, Request
from samples.oai_xml import OaiError
from samples.repository import SECOND
from samples.server import ReplayServer

MAX_PRERENDERED_RECORDS = 100_000  # pages of a longer list are rendered on request, not before serving
_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"


class Generated:
    """N generated records as an OAI-PMH repository.

    Datestamps are in seconds. A resumption token is "first-start-end": the numbers of the list's first record, of the
    next page's first record, and of the record after the list's last.

    `revised` records, spread evenly, have a later version with the time at which the server began. A list that begins
    after the datestamps of all first versions has these; any other list has the first versions only. In a list, the
    number of a later version is `records` and more.
    """

    def __init__(self, records: int, page_size: int = 100, revised: int = 0) -> None:
        if not 0 <= revised <= records:
            raise ValueError(f"{revised} of {records} records cannot be revised")
        self.records = records
        self.revised = revised
        self._revised_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.page_size = page_size
        self._renderer = ThreadPoolExecutor(max_workers=1)
        self._next: tuple[tuple[int, int], Future[bytes]] | None = None  # the page after the last one sent
        starts = range(0, records, page_size) if records <= MAX_PRERENDERED_RECORDS else range(0)
        self._prerendered = {start: _rendered(start, min(start + page_size, records)) for start in starts}

    def answer(self, request: Request) -> Answer:
        arguments: dict[str, str] = {}
        try:
            verb, arguments = oai_xml.parse_arguments(request.form)
            content = self._content(verb, arguments, request.base_url)
            return Answer(oai_xml.response(request.base_url, {"verb": verb, **arguments}, content))
        except OaiError as failure:
            return Answer(oai_xml.error(request.base_url, arguments, failure))

    def _content(self, verb: str, arguments: dict[str, str], base_url: str) -> str | bytes:
        if verb == "Identify":
            return oai_xml.identify(_identify(base_url))
        if verb == "ListMetadataFormats":
            return oai_xml.formats([("oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", _DC)])
        if verb == "ListSets":
            raise OaiError("noSetHierarchy", "this repository offers no sets")
        if arguments.get("metadataPrefix", "oai_dc") != "oai_dc":
            raise OaiError("cannotDisseminateFormat", "oai_dc is the only format")
        if verb == "GetRecord":
            return b"<GetRecord>" + generated.record(self._number(arguments["identifier"])) + b"</GetRecord>"
        return self._list(verb, arguments)

    def _number(self, identifier: str) -> int:
        number = identifier.removeprefix(f"oai:{generated.HOST}:")
        if not number.isdigit() or int(number) >= self.records:
            raise OaiError("idDoesNotExist", f"no record {identifier}")
        return int(number)

    def _list(self, verb: str, arguments: dict[str, str]) -> bytes:
        if "set" in arguments:
            raise OaiError("noSetHierarchy", "this repository offers no sets")
        first, start, end = self._window(arguments)
        stop = min(start + self.page_size, end)
        if start >= stop:
            raise OaiError("noRecordsMatch", "no record in this window")
        name = verb.encode("ascii")
        token = f"{first}-{stop}-{end}" if stop < end else ""
        tail = oai_xml.token(token, start - first, end - first).encode("ascii")
        return b"<%s>%s%s</%s>" % (name, self._page(verb, start, stop), tail, name)

    def _page(self, verb: str, start: int, stop: int) -> bytes:
        if start >= self.records:
            return self._revised_page(verb, start - self.records, stop - self.records)
        if verb == "ListIdentifiers":
            return b"".join(generated.header(number) for number in range(start, stop))
        page = self._prerendered.get(start)
        if page is not None and stop == min(start + self.page_size, self.records):
            return page
        return self._rendered_ahead(start, stop)

    def _revised_page(self, verb: str, start: int, stop: int) -> bytes:
        render = generated.header if verb == "ListIdentifiers" else generated.record
        every = self.records // self.revised
        return b"\n".join(render(place * every, self._revised_at) for place in range(start, stop))

    def _rendered_ahead(self, start: int, stop: int) -> bytes:
        """Return a page, and start to render the one after it while the client reads this one."""
        ready = self._next
        body = ready[1].result() if ready and ready[0] == (start, stop) else _rendered(start, stop)
        after = stop, min(stop + self.page_size, self.records)
        self._next = (after, self._renderer.submit(_rendered, *after))
        return body

    def _window(self, arguments: dict[str, str]) -> tuple[int, int, int]:
        """Return the numbers of the list's first record, of this page's first, and of the one after the list's last."""
        if "resumptionToken" in arguments:
            parts = arguments["resumptionToken"].split("-")
            last = self.records + self.revised
            if len(parts) != 3 or not all(part.isdigit() for part in parts) or int(parts[2]) > last:
                raise OaiError("badResumptionToken", "this server did not make the token")
            return int(parts[0]), int(parts[1]), int(parts[2])
        first = _seconds(arguments["from"], end=False) if "from" in arguments else 0
        end = _seconds(arguments["until"], end=True) + 1 if "until" in arguments else self.records
        first = max(first, 0)
        if first >= self.records:
            return self.records, self.records, self.records + self.revised
        return first, first, min(end, self.records)


def _rendered(start: int, stop: int) -> bytes:
    return b"\n".join(generated.record(number) for number in range(start, stop))


def _seconds(stamp: str, *, end: bool) -> int:
    try:
        return int((datetime.fromisoformat(oai_xml.second(stamp, end=end)) - generated.EPOCH).total_seconds())
    except (ValueError, TypeError) as failure:
        raise OaiError("badArgument", f"{stamp} is not a date of either granularity") from failure


def _identify(base_url: str) -> dict[str, str]:
    return {
        "repositoryName": "Generated records",
        "baseURL": base_url,
        "protocolVersion": "2.0",
        "adminEmail": f"admin@{generated.HOST}",
        "earliestDatestamp": generated.datestamp(0),
        "deletedRecord": "no",
        "granularity": SECOND,
    }


@contextmanager
def serve_generated(records: int, page_size: int = 100, port: int = 0) -> Iterator[str]:
    """Serve a repository of generated records by a thread of this process; yield its address."""
    with _server_of(records, page_size, port) as server:
        yield f"{server.url}/oai"


def _server_of(records: int, page_size: int, port: int, revised: int = 0) -> ReplayServer:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "replay.toml").touch()
        return ReplayServer(Path(folder), port, added={"oai": Generated(records, page_size, revised)})


def main() -> None:
    """Serve generated records until interrupted; print the address first."""
    parser = argparse.ArgumentParser(prog="python -m samples.generate", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--revised", type=int, default=0, help="records with a later version, for a second harvest")
    options = parser.parse_args()
    server = _server_of(options.records, options.page_size, options.port, options.revised)
    print(f"{server.url}/oai", flush=True)  # noqa: T201 - the promise of the command line
    server.serve_forever()


if __name__ == "__main__":
    main()
