"""Partners that name addresses inside our network, in every form and place: nothing may connect to them (SSRF)."""

from __future__ import annotations

import ipaddress
import json
import random
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harvesters import harvest
from schemas import Ask, HarvestFailed, environment
from tests.faults.trials import Trial
from tests.harvesters.loopback import Answer, ReceivedRequest, Script, feed, serving

PORT = "{port}"  # stands for the port of a server on loopback that must not be asked
ADDRESSES = [
    *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/"),
    *("http://0x7f000001:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/", "http://0:{port}/"),
    *("http://0.0.0.0:{port}/", "http://127.8.8.8:{port}/", "http://127.0.0.1.:{port}/", "http://LOCALHOST.:{port}/"),
    *(
        "http://[::1]:{port}/",
        "http://[::]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::127.0.0.1]:{port}/",
    ),
    *(
        "http://[::ffff:7f00:1]:{port}/",
        "http://[0:0:0:0:0:ffff:7f00:0001]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
    ),
    *("http://[2002:7f00:1::]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/", "http://[::ffff:0:7f00:1]:{port}/"),
    *(
        "http://①②⑦.⓪.⓪.①:{port}/",
        "http://127。0。0。1:{port}/",
        "http://１２７.0.0.1:{port}/",
        "http://lοcalhost:{port}/",
    ),
    *("http://%31%32%37.0.0.1:{port}/", "http://example.org@127.0.0.1:{port}/", "http://u:p@127.0.0.1:{port}/"),
    *("http://127.0.0.1:{port}#@example.org/", "http://127.0.0.1:{port}\\@example.org/", "http:\\\\127.0.0.1:{port}/"),
    *("//127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "\thttp://127.0.0.1:{port}/"),
    *("http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/", "http://2852039166/", "http://0xa9fea9fe/"),
    *("http://[::ffff:a9fe:a9fe]/", "http://[fd00:ec2::254]/latest/", "http://[fe80::1]/", "http://[fe80::1%25lo]/"),
    *(
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
    ),
    *("http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://192.0.0.192/", "http://198.18.0.1/"),
    *("http://[fc00::1]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://224.0.0.1/", "http://255.255.255.255/"),
    *("http://metadata.google.internal/", "http://rebinding.example/", "http://mapped.example/", "http://two.example/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/", "dict://127.0.0.1:{port}/x"),
    *("unix:///run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/", "jar:http://127.0.0.1:{port}/!/"),
]
PUBLIC = "8.8.8.8"  # an address that a harvest may connect to; this one never gets through
# what names resolve to, time after time; the last answer is kept
NAMES = {
    "metadata.google.internal": [["169.254.169.254"]],
    "rebinding.example": [[PUBLIC], ["127.0.0.1"]],
    "mapped.example": [["::ffff:10.0.0.1"]],
    "two.example": [[PUBLIC, "10.0.0.7"]],
}
PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"]


class _Connections:
    """Watches every connection of this process, and refuses those that are not to the partner's own server."""

    def __init__(self) -> None:
        self.partner: int | None = None  # its port, while connections are watched
        self.made: list[Any] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect" or self.partner is None:
            return
        address = arguments[1]
        if address[:2] == ("127.0.0.1", self.partner):
            return
        if address[0] != PUBLIC:
            self.made.append(address)
        raise ConnectionRefusedError(f"the trial refuses a connection to {address}")


_watched = _Connections()
_hooked: list[bool] = []  # an audit hook cannot be taken away again


@contextmanager
def _watching(port: int) -> Iterator[_Connections]:
    if not _hooked:
        sys.addaudithook(_watched)
        _hooked.append(True)
    _watched.partner, _watched.made = port, []
    try:
        yield _watched
    finally:
        _watched.partner = None


@contextmanager
def _resolving() -> Iterator[None]:
    """Let the names of NAMES resolve as a hostile name server lets them."""
    real, answers = socket.getaddrinfo, {name: list(times) for name, times in NAMES.items()}

    def resolve(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
        times = answers.get(host)
        if times is None:
            return real(host, port, *arguments, **more)
        addresses = times.pop(0) if len(times) > 1 else times[0]
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(address).version], socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    socket.getaddrinfo = resolve
    try:
        yield
    finally:
        socket.getaddrinfo = real


def _list(address: str) -> Script:
    listed = json.dumps([{"id": str(n), "name": f"Title {n}", "url": address if n == 1 else f"/{n}"} for n in range(3)])
    return lambda request: Answer(listed if request.path == "/list" else json.dumps({"id": request.path[1:]}))


def _redirecting(address: str) -> Script:
    location = address.encode("utf-8").decode("latin-1")
    return lambda request: Answer(status=302, headers={"Location": location})


def _linking(address: str) -> Script:
    link = address.encode("utf-8").decode("latin-1")
    return lambda request: Answer('[{"id": "1", "name": "x"}]', headers={"Link": f'<{link}>; rel="next"'})


def _escaped(address: str) -> str:
    return address.replace("&", "&amp;").replace("<", "&lt;")


def _sitemap(element: str, child: str) -> Callable[[str], Script]:
    def script(address: str) -> Script:
        text = f"<{element}><{child}><loc>{_escaped(address)}</loc></{child}></{element}>"
        return lambda request: Answer(text) if request.path == "/sitemap.xml" else Answer(status=404)

    return script


def _robots(address: str) -> Script:
    redirected = _redirecting(address)

    def script(request: ReceivedRequest) -> Answer:
        return redirected(request) if request.path == "/robots.txt" else Answer("<urlset/>")

    return script


def _entity(address: str) -> Script:
    entity = f'<!DOCTYPE rss [<!ENTITY e SYSTEM "{_escaped(address)}">]>'
    body = f"{entity}<rss><channel><item><title>&e;</title></item></channel></rss>"
    return lambda request: Answer(body)


_NEXT = {"paging": "cursor", "records_path": "records", "cursor_path": "next", "page_param": "c"}
# where an address may stand: the script of the server for it, the path asked first, protocol, and the feed's keys
PLACES: dict[str, tuple[Callable[[str], Script], str, str, dict[str, Any]]] = {
    "redirect of a list": (_redirecting, "/list", "rest", {"format": "amb", "identifier": "id"}),
    "redirect of OAI-PMH": (_redirecting, "/oai", "oai_pmh", {}),
    "redirect of robots.txt": (_robots, "/sitemap.xml", "sitemap", {}),
    "next page": (_linking, "/list", "rest", {"format": "amb", "identifier": "id", "request": {"paging": "link"}}),
    "details": (_list, "/list", "rest", {"format": "amb", "identifier": "id", "request": {"detail_url": "{url}"}}),
    "sitemap's page": (_sitemap("urlset", "url"), "/sitemap.xml", "sitemap", {}),
    "sitemap of an index": (_sitemap("sitemapindex", "sitemap"), "/sitemap.xml", "sitemap", {}),
    "entity": (_entity, "/feed", "rss", {}),
    "the feed file's own": (_redirecting, "", "rest", {"format": "amb", "identifier": "id"}),
}


@contextmanager
def addresses(folder: Path) -> Iterator[Callable[[int], Trial]]:
    """Return the trial of each seed: every address in turn, then addresses by chance, in every place."""

    def trial(seed: int) -> Trial:
        address = ADDRESSES[seed] if seed < len(ADDRESSES) else _by_chance(random.Random(seed))
        return Trial(f"the address {address!a}", lambda: _refused(folder, address))

    yield trial


def _by_chance(dice: random.Random) -> str:
    """Return a private address in one of the forms that resolvers and parsers read."""
    network = ipaddress.IPv4Network(dice.choice(PRIVATE_NETWORKS))
    number = int(network.network_address) + dice.randrange(network.num_addresses)
    octets = list(ipaddress.IPv4Address(number).packed)
    forms = [
        ".".join(map(str, octets)),
        str(number),
        hex(number),
        oct(number).replace("o", ""),
        ".".join(map(hex, octets)),
        ".".join(f"0{octet:o}" for octet in octets),
        f"{octets[0]}.{number & 0xFFFFFF}",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        f"[::{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[fc{dice.randrange(256):02x}::{dice.randrange(65536):x}]",
        f"[fe8{dice.randrange(16):x}::{dice.randrange(65536):x}]",
        f"[fd{dice.randrange(256):02x}:{dice.randrange(65536):x}::{dice.randrange(65536):x}]",
    ]
    host = dice.choice(forms)
    scheme, user = dice.choice(["http", "https", "HTTP"]), dice.choice(["", "", "u@", "example.org@", "b.org:80@"])
    port, path = dice.choice(["", "", ":{port}", ":80"]), dice.choice(["", "x", "?a=b", "#@example.org"])
    return f"{scheme}://{user}{host}{port}/{path}"


def _refused(home: Path, address: str) -> None:
    with serving(lambda request: Answer("inside")) as inside:
        address = address.replace(PORT, inside.url.rsplit(":", 1)[1])
        for place, (script_for, path, protocol, keys) in PLACES.items():
            with serving(script_for(address)) as partner, _resolving():
                made = _connections(home, partner.url, partner.url + path if path else address, protocol, keys)
            assert not made, f"{place}: connected to {made}"
            assert not inside.requests, f"{place}: the inner server was asked {inside.requests}"


def _connections(home: Path, partner: str, url: str, protocol: str, keys: dict[str, Any]) -> list[Any]:
    """Harvest the feed, and return the connections to anybody but the partner."""
    host = partner.removeprefix("http://")
    env = environment({"ELIB_HOME": str(home), "ELIB_ALLOW_PRIVATE": host})
    try:
        declared = feed(url, protocol, **{**keys, "request": {"retries": 0, **keys.get("request", {})}})
    except ValueError:
        return []  # a mistake of the feed file
    with _watching(int(host.rsplit(":", 1)[1])) as connections, suppress(HarvestFailed):
        list(harvest(declared, Ask(), env))
    return connections.made
