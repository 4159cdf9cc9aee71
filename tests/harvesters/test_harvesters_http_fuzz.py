"""Random damage to response heads and bodies: whatever a server sends, a request ends with a reply or a known cause.

ELIB_FUZZ_HTTP is the number of responses; the suite tries few.
"""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

from harvesters.causes import CAUSES
from harvesters.client import Client
from schemas import Ask, HarvestFailed
from tests.harvesters.loopback import ReceivedRequest, feed, open_environment
from tests.harvesters.raw_http import RESET, raw_serving

RESPONSES = int(os.environ.get("ELIB_FUZZ_HTTP", "1000"))
SEED = 13
BODY = b"<records><record>one</record></records>"
LINES = [
    *(b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK", b"http/1.1 200", b"HTTP/1.1 301 Moved", b"HTTP/1.1 100 Continue"),
    *(
        b"HTTP/1.1 204 No",
        b"HTTP/1.1 304 Not",
        b"HTTP/1.1 503 Busy",
        b"HTTP/9.9 999 X",
        b"HTTP/1.1 101 Switch",
        b"ICY 200",
    ),
    *(
        b"Content-Length: 39",
        b"Content-Length: 5",
        b"Content-Length: 999",
        b"Content-Length: -1",
        b"Content-Length: 39, 39",
    ),
    *(b"Content-Length: " + b"9" * 40, b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"TE: x"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Encoding: zstd, deflate", b"Content-Encoding: ,,x"),
    *(b"Location: http://[x]/", b"Location: //[", b"Location: ?a=b", b"Location: \xff\xfe", b"Location: javascript:1"),
    *(b"Set-Cookie: a=b; expires=Never", b"Set-Cookie: \xff==;;", b"Set-Cookie: a=b; domain=[; path=\x00", b"Cookie"),
    *(b"Retry-After: 0", b"Retry-After: -1", b"Retry-After: Mon, 99 Foo", b"ETag: \xff", b"Last-Modified: x GMT"),
    *(
        b"Content-Type : text/xml",
        b" folded",
        b"\tfolded",
        b": x",
        b"<b>Warning</b>: x",
        b"PHP Warning: y",
        b"\x00: \x00",
    ),
    *(b"Connection: keep-alive", b"Connection: upgrade", b"Upgrade: h2c", b"Date: yesterday", b"", b"\r", b"X" * 9000),
]
BODIES = [
    *(BODY, b"", BODY * 50, gzip.compress(BODY), gzip.compress(BODY)[:-9], b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd\x00"),
    *(
        b"27\r\n" + BODY + b"\r\n0\r\n\r\n",
        b"zz\r\n",
        b"27;x=y\r\n" + BODY,
        b"FFFFFFFFFFFFFFFFFFFF\r\nx",
        b"0\r\nA: b\r\n\r\n",
    ),
    *(b"\x1f\x9d\x90abc", b"[1,2", b"\x00" * 999, BODY + b"HTTP/1.1 200 OK\r\n\r\n", b"-1\r\n"),
]


def damaged(random_source: random.Random) -> bytes:
    """Return a response of random lines, with some bytes changed, or cut."""
    lines = [random_source.choice(LINES[:11]), *random_source.choices(LINES, k=random_source.randint(0, 6))]
    end = random_source.choice([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n"])
    answer = bytearray(end.join([*lines, b"", b""]) + random_source.choice(BODIES))
    for _ in range(random_source.choice([0, 0, 1, 3])):
        answer[random_source.randrange(len(answer))] = random_source.randrange(256)
    if random_source.random() < 0.2:
        del answer[random_source.randrange(len(answer)) :]
    return bytes(answer) + (RESET if random_source.random() < 0.1 else b"")


def test_no_response_raises_another_error(tmp_path: Path) -> None:
    random_source = random.Random(SEED)
    answers: list[bytes] = []

    def script(request: ReceivedRequest) -> bytes:
        answers.append(damaged(random_source))
        return answers[-1]

    outcomes: dict[str, int] = {}
    request = {"timeout": 2, "retries": 0, "max_redirects": 2}
    with (
        raw_serving(script) as server,
        Client(feed(server.url, request=request), Ask(), open_environment(tmp_path)) as client,
    ):
        for _ in range(RESPONSES):
            try:
                client.send(f"{server.url}/oai", params={"verb": "Identify"}, conditional=True)
                outcome = "a reply"
            except HarvestFailed as failure:
                outcome = failure.cause
            except Exception as error:
                raise AssertionError(f"{type(error).__name__} of {answers[-1][:500]!r}") from error
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(f"seed {SEED}: {RESPONSES} responses, {outcomes}")  # noqa: T201
    assert set(outcomes) <= {"a reply", *CAUSES}
    assert outcomes["a reply"] > RESPONSES / 10
