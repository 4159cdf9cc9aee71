"""OAI-PMH servers with rarer faults: failures sent as protocol errors, damaged compression, ignored dates."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import (
    HEAD,
    TAIL,
    Answer,
    Loopback,
    OaiServer,
    ReceivedRequest,
    Script,
    feed,
    identifiers,
    identify,
    listing,
    names,
    oai_error,
    open_environment,
    pages,
    record,
    serving,
)

ALL = set(names(range(25)))
WITHOUT_13 = ALL - set(names([13]))


def run(server: Script, home: Path, ask: Ask | None = None, **more: object) -> tuple[list[Page], Loopback]:
    with serving(server) as loopback:
        return pages(feed(loopback.url + "/oai", **more), open_environment(home), ask), loopback


def failure(server: Script, home: Path, ask: Ask | None = None, **more: object) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        run(server, home, ask, **more)
    return caught.value


def answering(change: Callable[[bytes], bytes], headers: dict[str, str] | None = None) -> Script:
    """A good repository whose every body is changed on its way."""
    server = OaiServer(count=25)
    return lambda request: Answer(change(server(request).bytes), headers=headers or {})


# compression


@pytest.mark.parametrize("at", [2, 30, -5], ids=["not gzip at all", "a damaged stream", "a wrong checksum"])
def test_a_damaged_gzip_is_a_cause_and_no_crash(tmp_path: Path, at: int) -> None:
    def damaged(body: bytes) -> bytes:
        packed = bytearray(gzip.compress(body))
        packed[at] ^= 0xFF
        packed[at + 1] ^= 0xFF
        return bytes(packed)

    failed = failure(answering(damaged, {"Content-Encoding": "gzip"}), tmp_path)
    assert failed.cause == "malformed"
    assert "damaged" in failed.sentence


def test_what_is_compressed_twice_is_read(tmp_path: Path) -> None:
    twice = answering(lambda body: gzip.compress(gzip.compress(body)), {"Content-Encoding": "gzip"})
    harvested, _ = run(twice, tmp_path)
    assert set(identifiers(harvested)) == ALL


# encodings


@pytest.mark.parametrize("inside", ["plain", "Žижа"])
@pytest.mark.parametrize("declared", ["utf8mb4", "UTF-16", "x-user-defined"])
def test_an_encoding_that_the_page_cannot_be_in_loses_no_record(tmp_path: Path, declared: str, inside: str) -> None:
    server = OaiServer(count=25, inside=lambda n: inside)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(server(request).bytes.replace(b'encoding="UTF-8"', f'encoding="{declared}"'.encode()))

    harvested, _ = run(script, tmp_path)
    assert set(identifiers(harvested)) == ALL
    assert inside in (harvested[0].records[0].payload or "")


def test_a_detected_encoding_may_have_a_name_that_only_python_knows(tmp_path: Path) -> None:
    """The XML parser does not know all of Python's names of encodings."""
    server = OaiServer(count=5, inside=lambda n: "Наставни план и програм за српски језик")

    def script(request: ReceivedRequest) -> Answer:
        text = server(request).bytes.decode()
        return Answer(text.encode("mac_cyrillic"), headers={"Content-Type": "text/xml; charset=mac_cyrillic"})

    harvested, _ = run(script, tmp_path)
    assert "Наставни план" in (harvested[0].records[0].payload or "")


# failures sent as protocol errors


@pytest.mark.parametrize("code", ["internalError", "badArgument", "badResumptionToken", "idDoesNotExist"])
def test_a_record_that_breaks_the_server_with_a_protocol_error_is_isolated(tmp_path: Path, code: str) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        ill = 13 in numbers and request.params["verb"] != "ListIdentifiers"
        return Answer(oai_error(code, "java.lang.NullPointerException")) if ill else None

    harvested, _ = run(OaiServer(count=25, broken=broken), tmp_path)
    assert set(identifiers(harvested)) == WITHOUT_13
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([13])
    assert harvested[-1].complete


def test_windows_that_return_much_less_than_the_whole_list_promised_are_truncated(tmp_path: Path) -> None:
    """The server says noRecordsMatch for a window with a broken record; only completeListSize shows it."""

    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(oai_error("noRecordsMatch")) if 13 in numbers else None

    failed = failure(OaiServer(count=25, broken=broken), tmp_path)
    assert failed.cause == "truncated"
    assert "of 25 records" in failed.sentence


def test_a_refused_set_after_a_good_one_is_a_fault_of_the_feed(tmp_path: Path) -> None:
    server = OaiServer(count=5)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(oai_error("badArgument", "no such set")) if request.params.get("set") == "b" else server(request)

    failed = failure(script, tmp_path, sets=["a", "b"])
    assert failed.cause == "bad_format"
    assert "no such set" in failed.sentence


def test_a_missing_page_in_the_middle_leads_to_smaller_windows(tmp_path: Path) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        return Answer("gone", 404) if request.params.get("resumptionToken") else server(request)

    harvested, _ = run(script, tmp_path)
    assert set(identifiers(harvested)) == ALL
    assert harvested[-1].complete


def test_one_forbidden_record_does_not_block_the_others(tmp_path: Path) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        if 13 not in numbers or request.params["verb"] == "ListIdentifiers":
            return None
        return Answer(status=403 if request.params["verb"] == "GetRecord" else 500)

    harvested, _ = run(OaiServer(count=25, broken=broken), tmp_path)
    assert set(identifiers(harvested)) == WITHOUT_13
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([13])


def test_get_record_that_always_fails_ends_the_harvest(tmp_path: Path) -> None:
    server = OaiServer(count=80, size=100, refuse={"ListRecords": "badVerb"})

    def script(request: ReceivedRequest) -> Answer:
        return Answer(status=403) if request.params["verb"] == "GetRecord" else server(request)

    assert failure(script, tmp_path).cause == "blocked"


def test_a_window_that_fails_in_its_middle_loses_no_record(tmp_path: Path) -> None:
    """All records have one datestamp, so that no window can be halved; ListIdentifiers fails twice, later on."""
    failed: list[str] = []

    class OneDay(OaiServer):
        def stamp(self, n: int) -> str:
            return "2026-01-05T10:00:00Z"

    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        token = request.params.get("resumptionToken", "")
        if request.params["verb"] == "ListIdentifiers" and token.startswith("20") and len(failed) < 2:
            failed.append(token)
            return Answer(status=500)
        return Answer(status=500) if 13 in numbers and request.params["verb"] == "ListRecords" else None

    harvested, _ = run(OneDay(count=25, broken=broken), tmp_path, request={"retries": 1})
    assert len(failed) == 2
    assert set(identifiers(harvested)) == ALL


def test_a_server_that_fails_for_its_whole_list_is_unreachable(tmp_path: Path) -> None:
    class OneDay(OaiServer):
        def stamp(self, n: int) -> str:
            return "2026-01-05T10:00:00Z"

        def within(self, n: int, since: str, until: str) -> bool:
            return (since or "0") <= self.stamp(n) <= (until or "9")

    broken = OneDay(count=25, broken=lambda numbers, request: Answer(status=500))
    assert failure(broken, tmp_path).cause == "unreachable"


def test_a_skipped_window_with_an_open_end_is_requested_again_with_it(tmp_path: Path) -> None:
    """The server's earliest datestamp is later than its records'."""

    class Old(OaiServer):
        def stamp(self, n: int) -> str:
            return f"2015-01-{n + 1:02d}T10:00:00Z"

    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if 13 in numbers else None

    harvested, _ = run(Old(count=25, broken=broken), tmp_path)
    assert set(identifiers(harvested)) == WITHOUT_13
    skipped = tuple(skipped for page in harvested for skipped in page.skipped)
    again, _ = run(Old(count=25), tmp_path, Ask(since="2026-01-01T00:00:00Z", full=False, retry=skipped))
    assert set(identifiers(again)) == set(names([13]))


# dates, methods, numbers


class Dateless(OaiServer):
    """A repository that ignores the dates of a request."""

    def within(self, n: int, since: str, until: str) -> bool:
        return True

    def list(self, verb: str, request: ReceivedRequest) -> Answer:
        request.params = {name: value for name, value in request.params.items() if name not in ("from", "until")}
        return super().list(verb, request)


def test_a_server_that_ignores_dates_is_harvested_record_by_record(tmp_path: Path) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if 13 in numbers and request.params["verb"] != "ListIdentifiers" else None

    harvested, loopback = run(Dateless(count=25, broken=broken), tmp_path)
    assert set(identifiers(harvested)) == WITHOUT_13
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([13])
    assert len(loopback.requests) < 60


@pytest.mark.parametrize(
    "refusal",
    [
        Answer("use POST", 400),
        Answer("use POST", 403),
        Answer("use POST", 404),
        Answer("use POST", 500),
        Answer(oai_error("badVerb", "no verb")),
        Answer("<html><title>A form</title></html>"),
    ],
    ids=["400", "403", "404", "500", "badVerb", "a page"],
)
@pytest.mark.parametrize(("declared", "wanted"), [("GET", "POST"), ("POST", "GET")])
def test_a_server_that_accepts_the_other_method_only_is_harvested(
    tmp_path: Path, refusal: Answer, declared: str, wanted: str
) -> None:
    server = OaiServer(count=25)
    harvested, _ = run(
        lambda request: server(request) if request.method == wanted else refusal, tmp_path, request={"method": declared}
    )
    assert set(identifiers(harvested)) == ALL
    assert f"the server accepts {wanted} only" in [note for page in harvested for note in page.notes]


@pytest.mark.parametrize("size", ["²", "9" * 5000, "-1", "many"])
def test_a_list_size_that_is_not_a_number_is_ignored(tmp_path: Path, size: str) -> None:
    harvested, _ = run(answering(lambda body: body.replace(b'Size="25"', f'Size="{size}"'.encode())), tmp_path)
    assert set(identifiers(harvested)) == ALL
    assert harvested[-1].complete


@pytest.mark.parametrize("clock", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "0001-01-01T00:00:00Z"])
def test_a_server_clock_at_the_end_of_the_calendar_does_no_harm(tmp_path: Path, clock: str) -> None:
    harvested, _ = run(answering(lambda body: body.replace(b"2026-03-01T00:00:00Z", clock.encode())), tmp_path)
    assert set(identifiers(harvested)) == ALL


def test_empty_pages_in_a_row_do_not_end_the_list(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] == "Identify":
            return Answer(identify())
        number = int(request.params.get("resumptionToken", 0))
        shown = record(number) if number in (0, 60) else ""
        return Answer(listing(shown, str(number + 1) if number < 60 else None))

    harvested, _ = run(script, tmp_path)
    assert identifiers(harvested) == names([0, 60])


def test_the_status_deleted_may_have_a_capital(tmp_path: Path) -> None:
    server = OaiServer(count=3, dead=frozenset({1}))

    def script(request: ReceivedRequest) -> Answer:
        return Answer(server(request).bytes.replace(b'status="deleted"', b'status="Deleted"'))

    harvested, _ = run(script, tmp_path)
    assert [record.deleted for page in harvested for record in page.records] == [False, True, False]


def test_the_status_deleted_may_be_the_record_s(tmp_path: Path) -> None:
    server = OaiServer(count=3, dead=frozenset({1}))

    def script(request: ReceivedRequest) -> Answer:
        return Answer(
            server(request).bytes.replace(b'<record><header status="deleted">', b'<record status="deleted"><header>')
        )

    harvested, _ = run(script, tmp_path)
    assert [record.deleted for page in harvested for record in page.records] == [False, True, False]


MARC = '<{} xmlns="http://www.loc.gov/MARC21/slim"><leader>00714{}am a2200205 a 4500</leader></{}>'


@pytest.mark.parametrize(
    ("metadata", "deleted"),
    [
        ('<record status="deleted"/>', True),
        ('<dc xmlns="http://www.openarchives.org/OAI/2.0/oai_dc/" status="Deleted"/>', True),
        (MARC.format("record", "d", "record"), True),
        (MARC.format("collection><record", "d", "record></collection"), True),
        (MARC.format("record", "c", "record"), False),
        ('<record status="published"/>', False),
        ("<dc><status>deleted</status></dc>", False),
    ],
)
def test_the_metadata_may_say_that_the_record_is_deleted(tmp_path: Path, metadata: str, deleted: bool) -> None:
    server = OaiServer(count=1)

    def script(request: ReceivedRequest) -> Answer:
        text = server(request).bytes.decode()
        begin, end = text.find("<metadata>"), text.find("</metadata>")
        return Answer(f"{text[:begin]}<metadata>{metadata}{text[end:]}" if begin >= 0 else text)

    harvested, _ = run(script, tmp_path)
    assert [record.deleted for page in harvested for record in page.records] == [deleted]


def test_a_token_of_a_connection_is_sent_by_post_as_by_get(tmp_path: Path) -> None:
    server = OaiServer(count=5)
    ask = Ask(credentials={"token": "s3cret"})
    _, loopback = run(server, tmp_path, ask, request={"method": "POST", "params": {"key": "{token}"}})
    assert {request.params["key"] for request in loopback.requests} == {"s3cret"}


@pytest.mark.parametrize("inside", ["", "<Identify/>", "<ListSets/>"])
@pytest.mark.parametrize("since", [None, "2026-01-01T00:00:00Z"])
def test_a_response_with_neither_a_list_nor_an_error_is_malformed(
    tmp_path: Path, inside: str, since: str | None
) -> None:
    whole = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] in ("ListRecords", "ListIdentifiers"):
            return Answer(f"{HEAD}{inside}{TAIL}")
        return whole(request)

    harvested = failure(script, tmp_path, Ask(since=since, full=since is None))
    assert harvested.cause == "malformed"
    assert "with neither a list nor an error" in harvested.sentence


def test_an_empty_list_is_an_empty_list(tmp_path: Path) -> None:
    whole = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(f"{HEAD}<ListRecords/>{TAIL}") if request.params["verb"] == "ListRecords" else whole(request)

    harvested, _ = run(script, tmp_path, Ask(since="2026-01-01T00:00:00Z", full=False))
    assert identifiers(harvested) == [] and harvested[-1].complete


# tokens and notes


@pytest.mark.parametrize(
    "element",
    [
        b"<resumptionToken><!-- the next page -->\\1</resumptionToken>",
        b'<resumptionToken xmlns="">\\1</resumptionToken>',
        b'<ResumptionToken completelistsize="25">\\1</ResumptionToken>',
        b"<resumptiontoken>\\1</resumptiontoken>",
        b"<resumptionToken><![CDATA[\\1]]></resumptionToken>",
    ],
)
def test_a_list_goes_on_however_its_resumption_token_is_written(tmp_path: Path, element: bytes) -> None:
    token = re.compile(rb"<resumptionToken[^>]*>([^<]+)</resumptionToken>")
    harvested, _ = run(answering(lambda body: token.sub(element, body)), tmp_path)
    assert set(identifiers(harvested)) == ALL


def test_a_broken_record_is_not_told_as_a_fault_of_the_pages_root(tmp_path: Path) -> None:
    harvested, _ = run(answering(lambda body: body.replace(b"about 13", b"a & b")), tmp_path)
    assert set(identifiers(harvested)) == WITHOUT_13
    assert not [note for page in harvested for note in page.notes if "root" in note]
