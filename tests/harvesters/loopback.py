"""A real HTTP server on loopback whose answers a test scripts, and an OAI-PMH repository to serve with it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harvesters import harvest
from schemas import Ask, Environment, Feed, Page, environment

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-03-01T00:00:00Z</responseDate><request>http://example.org/oai</request>"
)
TAIL = "</OAI-PMH>"
NAMESPACES = 'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'


@dataclass
class ReceivedRequest:
    """One request that the server received."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


@dataclass
class Answer:
    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


Script = Callable[[ReceivedRequest], Answer]


@dataclass
class Loopback:
    url: str
    requests: list[ReceivedRequest]

    @property
    def verbs(self) -> list[str]:
        return [request.params.get("verb", "") for request in self.requests]


@contextmanager
def serving(script: Script, tls: Path | None = None) -> Iterator[Loopback]:
    """Run a server on a free port that answers each request with what `script` returns for it.

    With `tls`, a folder to write into, it speaks TLS with a self-signed certificate.
    """
    with _serving(script, self_signed(tls) if tls is not None else None) as loopback:
        yield loopback


@contextmanager
def serving_tls(script: Script, configure: Callable[[ssl.SSLContext], None]) -> Iterator[Loopback]:
    """Do the same with TLS, by the certificate that `configure` gives to a context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    configure(context)
    with _serving(script, context) as loopback:
        yield loopback


@contextmanager
def _serving(script: Script, tls: ssl.SSLContext | None) -> Iterator[Loopback]:
    requests: list[ReceivedRequest] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args: object) -> None:
            """Quiet."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
            params = dict(parse_qsl(url.query) + (parse_qsl(body.decode()) if form else []))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = ReceivedRequest(self.command, url.path, params, headers, body)
            requests.append(request)
            answer = script(request)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.headers.keys().isdisjoint(("Content-Length", "Transfer-Encoding")):
                self.send_header("Content-Length", str(len(answer.bytes)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.bytes)

        do_GET = do_POST = do_HEAD = answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Loopback(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", requests)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's TLS context with a self-signed certificate, the same for all servers of a folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if (folder / "server.pem").exists():
        context.load_cert_chain(folder / "server.pem")
        return context
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    text = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (folder / "server.pem").write_bytes(text + made.sign(key, hashes.SHA256()).public_bytes(pem))
    context.load_cert_chain(folder / "server.pem")
    return context


def open_environment(home: object) -> Environment:
    """Return an environment that may fetch from loopback."""
    return environment({"ELIB_HOME": str(home), "ELIB_ALLOW_PRIVATE": "127.0.0.1,localhost"})


def feed(url: str, protocol: str = "oai_pmh", **more: object) -> Feed:
    """Return a feed whose harvest sends requests quickly and hardly waits between retries."""
    request = {"rate": 100_000, "backoff": 0.001, "retries": 2, "timeout": 10, **dict(more.pop("request", {}))}
    required = {"name": "books", "title": "Books", "partner": "A Library", "protocol": protocol, "url": url}
    return Feed.model_validate({"format": "oai_dc", **required, "request": request, **more})


def pages(of: Feed, env: Environment, ask: Ask | None = None) -> list[Page]:
    return list(harvest(of, ask or Ask(), env))


def identifiers(harvested: list[Page]) -> list[str]:
    return [record.identifier for page in harvested for record in page.records]


def record(n: int, stamp: str = "2026-01-01T00:00:00Z", inside: str = "", status: str = "") -> str:
    """Return an oai_dc record with `inside` in its description; a deleted one has its header only."""
    attribute = f' status="{status}"' if status else ""
    header = f"<header{attribute}><identifier>oai:example.org:{n}</identifier><datestamp>{stamp}</datestamp></header>"
    if status == "deleted":
        return f"<record>{header}</record>"
    dc = f"<dc:title>Title {n}</dc:title><dc:description>{inside}</dc:description>"
    return f"<record>{header}<metadata><oai_dc:dc {NAMESPACES}>{dc}</oai_dc:dc></metadata></record>"


def identify(granularity: str = "YYYY-MM-DDThh:mm:ssZ", deleted: str = "persistent", url: str = "") -> str:
    fields = (
        f"<repositoryName>R</repositoryName><baseURL>{url or 'http://example.org/oai'}</baseURL>"
        "<protocolVersion>2.0</protocolVersion><adminEmail>admin@example.org</adminEmail>"
        f"<earliestDatestamp>2020-01-01</earliestDatestamp><deletedRecord>{deleted}</deletedRecord>"
        f"<granularity>{granularity}</granularity>"
    )
    return f"{HEAD}<Identify>{fields}</Identify>{TAIL}"


def listing(records: str, token: str | None = None, size: int | None = None, verb: str = "ListRecords") -> str:
    attribute = "" if size is None else f' completeListSize="{size}"'
    end = f"<resumptionToken{attribute}>{token or ''}</resumptionToken>" if token or size is not None else ""
    return f"{HEAD}<{verb}>{records}{end}</{verb}>{TAIL}"


def oai_error(code: str, text: str = "") -> str:
    return f'{HEAD}<error code="{code}">{text}</error>{TAIL}'


@dataclass
class OaiServer:
    """A repository of numbered records, one per day from 2026-01-01, with selection by date and resumption tokens.

    `broken` is called with each page's record numbers and may return an answer instead of the page.
    """

    count: int = 25
    size: int = 10
    say_size: bool = True
    granularity: str = "YYYY-MM-DDThh:mm:ssZ"
    deleted: str = "persistent"
    inside: Callable[[int], str] = lambda n: f"about {n}"
    broken: Callable[[list[int], ReceivedRequest], Answer | None] = lambda numbers, request: None
    refuse: dict[str, str] = field(default_factory=dict)  # verb → error code
    dead: frozenset[int] = frozenset()

    def __call__(self, request: ReceivedRequest) -> Answer:
        verb = request.params.get("verb", "")
        if verb in self.refuse:
            return Answer(oai_error(self.refuse[verb]))
        if verb == "Identify":
            return Answer(identify(self.granularity, self.deleted))
        if verb == "ListMetadataFormats":
            prefixes = "".join(
                f"<metadataFormat><metadataPrefix>{p}</metadataPrefix></metadataFormat>" for p in ("oai_dc",)
            )
            return Answer(f"{HEAD}<ListMetadataFormats>{prefixes}</ListMetadataFormats>{TAIL}")
        if verb == "GetRecord":
            n = int(request.params["identifier"].rsplit(":", 1)[-1])
            return self.broken([n], request) or Answer(listing(self.record(n), verb="GetRecord"))
        return self.list(verb, request)

    def list(self, verb: str, request: ReceivedRequest) -> Answer:
        token = request.params.get("resumptionToken")
        dates = "|".join(request.params.get(name, "") for name in ("from", "until"))
        start, since, until = (token or f"0|{dates}").split("|")
        chosen = [n for n in range(self.count) if self.within(n, since, until)]
        if not chosen:
            return Answer(oai_error("noRecordsMatch"))
        end = int(start) + self.size
        page = chosen[int(start) : end]
        following = f"{end}|{since}|{until}" if end < len(chosen) else None
        total = len(chosen) if self.say_size and (following or token) else None
        records = "".join(map(self.record if verb == "ListRecords" else self.header, page))
        return self.broken(page, request) or Answer(listing(records, following, total, verb))

    def within(self, n: int, since: str, until: str) -> bool:
        stamp = self.stamp(n)
        return (not since or stamp >= since) and (not until or stamp <= until or stamp[:10] == until)

    def stamp(self, n: int) -> str:
        return f"2026-{1 + n // 28:02d}-{1 + n % 28:02d}T10:00:00Z"

    def record(self, n: int) -> str:
        return record(n, self.stamp(n), self.inside(n), "deleted" if n in self.dead else "")

    def header(self, n: int) -> str:
        return self.record(n).split("<header", 1)[1].split("</header>")[0].join(("<header", "</header>"))


def names(numbers: object) -> list[str]:
    return [f"oai:example.org:{n}" for n in numbers]
