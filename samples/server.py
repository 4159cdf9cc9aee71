"""One loopback HTTP server that replays folders of stored responses as the servers that sent them would."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from samples.answer import Answer, NothingStored, Request, Site
from samples.exchanges import read_exchanges
from samples.repository import read_repository
from samples.stored_pages import read_pages

_KINDS: dict[str, Callable[[Path], Site]] = {"oai.toml": read_repository, "replay.toml": read_exchanges}


def _sites(root: Path) -> dict[str, Site]:
    """Read every site of a folder, by the path it is mounted under ("" for the folder itself).

    A folder that holds oai.toml is a repository over records, one that holds replay.toml a list of exchanges; a
    folder (or single file) with neither in it or below it is read as stored OAI-PMH responses.
    """
    sites: dict[str, Site] = {}
    for name, read in _KINDS.items():
        for path in sorted(root.rglob(name)) if root.is_dir() else []:
            mount = path.parent.relative_to(root).as_posix()
            sites["" if mount == "." else mount] = read(path.parent)
    return sites or {"": read_pages(root)}


class ReplayServer:
    """A server of stored responses on 127.0.0.1, a context manager: `.url` is its address, without a last slash."""

    def __init__(self, root: Path, port: int = 0, *, added: dict[str, Site] | None = None) -> None:
        self.sites = {**_sites(root), **(added or {})}
        self.requests: list[str] = []  # every request so far, as "GET /path?query"
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve_forever(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def answer(self, request: Request) -> Answer:
        """Ask the site whose mount is the longest prefix of the path; a 404 names the request that none answers."""
        self.requests.append(str(request))
        path = request.path.strip("/")
        fitting = [mount for mount in self.sites if not mount or path == mount or path.startswith(mount + "/")]
        if not fitting:
            return _missing(request, f"the sites are {', '.join(sorted(self.sites))}")
        mount = max(fitting, key=len)
        inner = replace(request, path="/" + path[len(mount) :].strip("/"))
        try:
            return self.sites[mount].answer(inner)
        except NothingStored as reason:
            return _missing(request, str(reason))


def _missing(request: Request, reason: str) -> Answer:
    text = f"404: no stored response for {request}: {reason}\n"
    return Answer(text.encode("utf-8"), "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the error, except when the client is gone: tests kill harvests on purpose."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(replay: ReplayServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            path, _, query = self.path.partition("?")
            base_url = f"http://{self.headers.get('Host') or replay.url.removeprefix('http://')}{path}"
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(replay.answer(Request(self.command, unquote(path), query, base_url, headers, body)))

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_POST = do_HEAD = _respond  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
            """Print nothing: the requests are kept in ReplayServer.requests."""

    return Handler
