"""Time and memory stay within bounds while what a partner sends is unpacked."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib
from functools import partial
from pathlib import Path

import pyarrow
import pytest

from harvesters import harvest
from harvesters.client import Client
from harvesters.documents.zip_members import pieces
from schemas import Ask, HarvestFailed
from tests.growth import peak_megabytes
from tests.harvesters.loopback import Answer, feed, open_environment, serving

MEGABYTE = 1024 * 1024
MAX_BYTES = 4 * MEGABYTE
MAX_MEGABYTES = 75  # a harvest's own, beside what the process had
SPACES = b"<a>" + b" " * (5 * MEGABYTE // 2)  # well packed, and not well-formed

pytestmark = pytest.mark.early


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()


def harvest_zip(body: bytes, home: Path, **request: object) -> int:
    """Harvest a zip in the inbox, page by page as landing does; return how many were skipped."""
    (home / "inbox").mkdir(exist_ok=True)
    (home / "inbox" / "a.zip").write_bytes(body)
    request = {"max_bytes": MAX_BYTES, **request}
    of = feed("inbox:a.zip", "files", format="lom", request=request)
    return sum(len(page.skipped) for page in harvest(of, Ask(), open_environment(home)))


def test_a_gzip_of_a_million_empty_members_is_read(tmp_path: Path) -> None:
    body = gzip.compress(b"") * 1_000_000 + gzip.compress(b"<a/>")
    answer = Answer(body, headers={"Content-Encoding": "gzip"})
    with (
        serving(lambda request: answer) as loopback,
        Client(feed(loopback.url, request={"timeout": 60}), Ask(), open_environment(tmp_path)) as client,
    ):
        assert client.send(loopback.url).body == b"<a/>"


def test_decompression_ends_when_the_time_is_over(tmp_path: Path) -> None:
    body = gzip.compress(b"") * 2_000_000
    request = {"timeout": 1, "retries": 0}
    with (
        serving(lambda request: Answer(body)) as loopback,
        Client(feed(loopback.url, request=request), Ask(), open_environment(tmp_path)) as client,
        pytest.raises(HarvestFailed) as caught,
    ):
        client.send(loopback.url)
    assert caught.value.cause == "too_slow"


BOMBS = {
    "gzip": partial(gzip.compress, compresslevel=1),
    "deflate": partial(zlib.compress, level=1),
    "br": lambda zeros: pyarrow.Codec("brotli").compress(zeros, asbytes=True),
    "zstd": lambda zeros: pyarrow.Codec("zstd").compress(zeros, asbytes=True),
    "gzip, gzip": lambda zeros: gzip.compress(BOMBS["gzip"](zeros)),
    "br, zstd, gzip": lambda zeros: BOMBS["gzip"](BOMBS["zstd"](BOMBS["br"](zeros))),
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_takes_no_memory(tmp_path: Path, encoding: str) -> None:
    answer = Answer(BOMBS[encoding](b"\0" * (150 * MEGABYTE)), headers={"Content-Encoding": encoding})

    def request() -> None:
        of = feed(loopback.url, request={"max_bytes": MAX_BYTES})
        with Client(of, Ask(), open_environment(tmp_path)) as client:
            client.send(loopback.url)

    with serving(lambda request: answer) as loopback:
        assert peak_megabytes(request) < MAX_MEGABYTES
        with pytest.raises(HarvestFailed) as caught:
            request()
    assert caught.value.cause == "too_large"


ZIPS = {
    "sixty files that are not well-formed": lambda: {f"{number:03}.xml": SPACES for number in range(60)},
    "sixty files that are not JSON": lambda: {f"{number:03}.json": b"[" + SPACES for number in range(60)},
    "packages of many manifests": lambda: {
        f"{number}.zip": packed({f"{inner}/imsmanifest.xml": SPACES for inner in range(30)}) for number in range(2)
    },
}


@pytest.mark.parametrize("members", ZIPS.values(), ids=ZIPS.keys())
def test_a_zip_of_large_unreadable_files_takes_little_memory(tmp_path: Path, members: object) -> None:
    body = packed(members())
    assert peak_megabytes(lambda: harvest_zip(body, tmp_path)) < MAX_MEGABYTES


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_in_a_zip_takes_little_memory(tmp_path: Path, method: int) -> None:
    body = packed({"a.xml": b"\0" * (100 * MEGABYTE)}, method)
    assert peak_megabytes(lambda: harvest_zip(body, tmp_path)) < MAX_MEGABYTES
    with pytest.raises(HarvestFailed) as caught:
        harvest_zip(body, tmp_path)
    assert caught.value.cause == "too_large"


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_a_file_is_unpacked_exactly(method: int, size: int) -> None:
    content = random.Random(size).randbytes(size)
    with zipfile.ZipFile(io.BytesIO(packed({"a.xml": content}, method))) as archive:
        assert b"".join(pieces(archive, archive.getinfo("a.xml"))) == content


def test_damaged_files_of_a_zip_count_as_unpacked(tmp_path: Path) -> None:
    """Each is decompressed to its end before its checksum is found wrong."""
    body = bytearray(packed({f"{number:03}.xml": SPACES for number in range(70)}))
    for signature, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        at = body.find(signature)
        while at >= 0:
            body[at + offset : at + offset + 4] = b"\0\0\0\1"
            at = body.find(signature, at + 4)
    with pytest.raises(HarvestFailed) as caught:
        harvest_zip(bytes(body), tmp_path)
    assert caught.value.cause == "too_large"
    assert harvest_zip(packed({"a.xml": b"<a>", "b.xml": b"<b>"}), tmp_path) == 2


def test_files_that_hold_no_records_are_not_unpacked(tmp_path: Path) -> None:
    members = {f"{number}.mp4": b"\0" * (5 * MEGABYTE) for number in range(40)} | {"a.xml": b"<lom><a/></lom>"}
    assert harvest_zip(packed(members), tmp_path) == 0


def test_a_zip_that_lists_very_many_files_is_refused(tmp_path: Path) -> None:
    entry = packed({"a.xml": b""})
    directory = entry[entry.index(b"PK\x01\x02") : entry.index(b"PK\x05\x06")]
    many = directory * 300_000
    end = b"PK\x05\x06" + b"\0" * 8 + len(many).to_bytes(4, "little") + b"\0" * 6
    body = entry[: entry.index(b"PK\x01\x02")] + many + end
    assert peak_megabytes(lambda: harvest_zip(body, tmp_path)) < MAX_MEGABYTES
    with pytest.raises(HarvestFailed) as caught:
        harvest_zip(body, tmp_path)
    assert caught.value.cause == "too_large"
