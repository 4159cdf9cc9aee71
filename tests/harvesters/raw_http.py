"""A server on loopback that sends bytes as a test writes them, for HTTP that no library would send."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from tests.harvesters.loopback import Answer, ReceivedRequest

RawScript = Callable[[ReceivedRequest], bytes]
RESET = b"--reset--"  # at the end of what a script returns: the connection is reset instead of closed
KEEP = b"--keep--"  # the connection is kept for the next request


@dataclass
class RawServer:
    url: str
    requests: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0


@contextmanager
def raw_serving(script: RawScript) -> Iterator[RawServer]:
    """Run a server that answers each request with the bytes that `script` returns, and closes the connection."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"http://127.0.0.1:{listening.getsockname()[1]}")

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            server.connections += 1
            threading.Thread(target=_converse, args=(connection, script, server), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _converse(connection: socket.socket, script: RawScript, server: RawServer) -> None:
    with connection, suppress(OSError):
        connection.settimeout(20)
        while request := _receive(connection):
            server.requests.append(request)
            answer = script(request)
            connection.sendall(answer.removesuffix(RESET).removesuffix(KEEP))
            if answer.endswith(KEEP):
                continue
            if answer.endswith(RESET):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return


def _receive(connection: socket.socket) -> ReceivedRequest | None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    url = urlsplit(re.sub("^/+", "/", target))
    return ReceivedRequest(method, url.path, dict(parse_qsl(url.query)), headers, body)


def raw(answer: Answer, cut: bool = False) -> bytes:
    """Return an answer as HTTP/1.1; with `cut`, its body breaks off in its middle."""
    headers = {"Content-Length": str(len(answer.bytes)), "Connection": "close", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} OK", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    body = answer.bytes[: len(answer.bytes) // 2] if cut else answer.bytes
    return "\r\n".join(lines).encode("latin-1") + body
