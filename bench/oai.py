"""`python -m bench.oai [--records 200000] [--keep FOLDER]`: sickle over our OAI-PMH provider, beside prepared pages.

A made catalog is served by `elib web` in a process of its own. Its pages of oai_dc are fetched once and kept as files;
a second server gives out these very bytes. sickle's record iterator then walks both, in turn, twice. Prints records per
second of each, the ratio, and the memory of the web's process before and after.
"""

from __future__ import annotations

import argparse
import gzip
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from bench.web_pages import make_catalog, served
from loaders.store import engine
from schemas import environment

_TOKEN = re.compile(rb"<resumptionToken[^>]*>([^<]+)</resumptionToken>")
_MAX_RATIO = 1.1  # of the time over the provider to that over prepared pages
_WALK = """
import sys, time
from sickle import Sickle
began, count = time.perf_counter(), 0
for _ in Sickle(sys.argv[1]).ListRecords(metadataPrefix="oai_dc"):
    count += 1
print(count, time.perf_counter() - began)
"""


_SERVE = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
folder = Path(sys.argv[1])
names = dict(line.split("\\t") for line in (folder / "names.txt").read_text("utf-8").split("\\n"))
class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        token = parse_qs(urlsplit(self.path).query).get("resumptionToken", [""])[0]
        body = (folder / names[token]).read_bytes()
        self.send_response(200)
        for header in (("content-type", "text/xml; charset=utf-8"), ("content-encoding", "gzip")):
            self.send_header(*header)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
print(f"http://127.0.0.1:{server.server_address[1]}/oai", flush=True)
server.serve_forever()
"""


def main() -> int:
    """Measure; return 1 when the provider is slower than prepared pages by more than a tenth."""
    parser = argparse.ArgumentParser(prog="python -m bench.oai", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elib-bench-oai-") as temporary:
        folder = options.keep or Path(temporary)
        url = f"sqlite:///{folder}/home/catalog.db"
        variables = {"ELIB_HOME": f"{folder}/home", "ELIB_FEEDS": f"{folder}/feeds", "ELIB_CATALOG_URL": url}
        env = environment(variables)
        if not (env.home / "made").exists():
            make_catalog(env, options.records)
        engine(env).dispose()
        with served(variables) as address:
            return _measure(f"{address}/oai", Path(temporary) / "pages", options.turns)


def _measure(provider: str, folder: Path, turns: int) -> int:
    before = _memory(provider)
    names = _prepare(provider, folder)
    seconds: dict[str, list[float]] = {"provider": [], "prepared pages": []}
    with _prepared(folder, names) as prepared:
        for _ in range(turns):
            for name, address in (("prepared pages", prepared), ("provider", provider)):
                count, took = _walk(address)
                seconds[name].append(took)
                print(f"{name}: {count:,} records in {took:.1f} s, {count / took:,.0f}/s", flush=True)
    ratio = min(seconds["provider"]) / min(seconds["prepared pages"])
    print(f"sickle takes {ratio:.2f} times as long over the provider (at most {_MAX_RATIO} is wanted)")
    print(f"memory of the web: {before} MB before, {_memory(provider)} MB after")
    return int(ratio > _MAX_RATIO)


def _prepare(provider: str, folder: Path) -> dict[str, str]:
    """Keep every page as a file, as it comes compressed; return the file of each token ("": the first)."""
    folder.mkdir()
    names: dict[str, str] = {}
    token = ""
    with httpx.Client(timeout=120) as client:
        while True:
            arguments = {"resumptionToken": token} if token else {"metadataPrefix": "oai_dc"}
            with client.stream("GET", provider, params={"verb": "ListRecords", **arguments}) as response:
                packed = b"".join(response.iter_raw())
            path = folder / str(len(names))
            path.write_bytes(packed)
            names[token] = path.name
            next_token = _TOKEN.search(gzip.decompress(packed))
            if next_token is None:
                return names
            token = next_token[1].decode()


@contextmanager
def _prepared(folder: Path, names: dict[str, str]) -> Iterator[str]:
    """Serve the files in a process of its own, and yield the address."""
    command = [sys.executable, "-c", _SERVE, str(folder)]
    (folder / "names.txt").write_text("\n".join(f"{token}\t{name}" for token, name in names.items()), "utf-8")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _walk(address: str) -> tuple[int, float]:
    run = subprocess.run([sys.executable, "-c", _WALK, address], capture_output=True, text=True, check=True)
    count, took = run.stdout.split()
    return int(count), float(took)


def _memory(address: str) -> int:
    """Return the resident megabytes of the process that listens at an address."""
    port = urlsplit(address).port
    for connection in psutil.net_connections("tcp"):
        local: tuple[object, ...] = tuple(connection.laddr)
        if connection.status == psutil.CONN_LISTEN and local[1:] == (port,) and connection.pid:
            return round(psutil.Process(connection.pid).memory_info().rss / 1e6)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
