"""OAI-PMH over real HTTP: whole lists, incremental harvests, recovery from server faults, and resuming."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvesters import check
from schemas import Ask, HarvestFailed, Skipped
from tests.harvesters.loopback import (
    Answer,
    OaiServer,
    ReceivedRequest,
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


def run(server: object, home: Path, ask: Ask | None = None, **more: object):
    with serving(server) as loopback:
        return pages(feed(loopback.url + "/oai", **more), open_environment(home), ask), loopback


def failure(server: object, home: Path, ask: Ask | None = None, **more: object) -> HarvestFailed:
    with pytest.raises(HarvestFailed) as caught:
        run(server, home, ask, **more)
    return caught.value


# the whole list


def test_the_whole_list_is_harvested_in_order_and_ends_complete(tmp_path: Path) -> None:
    harvested, loopback = run(OaiServer(count=25), tmp_path)
    assert identifiers(harvested) == names(range(25))
    assert [page.complete for page in harvested] == [False, False, False, True]
    assert harvested[-1].full
    assert harvested[-1].reports_all_deletions
    assert harvested[-1].response_date == "2026-03-01T00:00:00Z"
    assert harvested[0].total == 25
    assert loopback.verbs == ["Identify", "ListRecords", "ListRecords", "ListRecords"]


def test_the_payload_is_the_record_without_its_header_and_its_hash(tmp_path: Path) -> None:
    from hashlib import sha256

    harvested, _ = run(OaiServer(count=1, inside=lambda n: "  space  &amp; é\n"), tmp_path)
    first = harvested[0].records[0]
    assert first.payload.startswith("<record xmlns=")
    assert "header" not in first.payload
    assert "<dc:description>  space  &amp; é\n</dc:description>" in first.payload
    assert first.sha256 == sha256(first.payload.encode()).hexdigest()
    assert (first.datestamp, first.format) == ("2026-01-01T10:00:00Z", "oai_dc")


def test_deleted_headers_and_records_without_metadata_are_both_harvested(tmp_path: Path) -> None:
    bare = "<record><header><identifier>oai:example.org:bare</identifier></header></record>"
    server = OaiServer(count=3, dead=frozenset({1}))
    first = server.record(0) + server.record(1) + bare

    def script(request: ReceivedRequest) -> Answer:
        return Answer(identify() if request.params["verb"] == "Identify" else listing(first))

    harvested, _ = run(script, tmp_path)
    live, dead, naked = harvested[0].records
    assert not live.deleted
    assert dead.deleted
    assert dead.payload is None
    assert dead.sha256 is None
    assert not naked.deleted
    assert naked.payload == '<record xmlns="http://www.openarchives.org/OAI/2.0/"/>'


def test_sets_are_requested_one_after_another(tmp_path: Path) -> None:
    asked_sets = []

    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] == "Identify":
            return Answer(identify())
        asked_sets.append(request.params["set"])
        return Answer(listing(record(len(asked_sets))))

    harvested, _ = run(script, tmp_path, sets=["a", "b"])
    assert asked_sets == ["a", "b"]
    assert len(identifiers(harvested)) == 2


@pytest.mark.parametrize(
    ("granularity", "since"), [("YYYY-MM-DD", "2026-01-20"), ("YYYY-MM-DDThh:mm:ssZ", "2026-01-20T00:00:00Z")]
)
def test_an_incremental_harvest_uses_the_servers_granularity(tmp_path: Path, granularity: str, since: str) -> None:
    ask = Ask(since="2026-01-20T00:00:00Z", full=False)
    harvested, loopback = run(OaiServer(count=25, granularity=granularity), tmp_path, ask)
    assert loopback.requests[1].params["from"] == since
    assert identifiers(harvested) == names(range(19, 25))
    assert harvested[-1].complete
    assert not harvested[-1].full


def test_seconds_that_the_server_refuses_become_days(tmp_path: Path) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(oai_error("badArgument")) if "T" in request.params.get("from", "") else server(request)

    harvested, _ = run(script, tmp_path, Ask(since="2026-01-20T00:00:00Z", full=False))
    assert identifiers(harvested) == names(range(19, 25))
    assert any("only days" in note for page in harvested for note in page.notes)


def test_no_records_match_is_an_empty_list(tmp_path: Path) -> None:
    harvested, _ = run(OaiServer(count=0), tmp_path)
    assert identifiers(harvested) == []
    assert harvested[-1].complete


def test_protocol_errors_are_read_whatever_the_status(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] == "Identify":
            return Answer(identify())
        return Answer(oai_error("noRecordsMatch"), 404)

    harvested, _ = run(script, tmp_path)
    assert harvested[-1].complete


def test_a_server_that_accepts_post_only_gets_post(tmp_path: Path) -> None:
    server = OaiServer(count=15)
    harvested, loopback = run(
        lambda request: Answer(status=405) if request.method == "GET" else server(request), tmp_path
    )
    assert identifiers(harvested) == names(range(15))
    assert [request.method for request in loopback.requests] == ["GET", "POST", "POST", "POST"]


def test_a_server_without_list_records_is_harvested_record_by_record(tmp_path: Path) -> None:
    harvested, _ = run(OaiServer(count=12, refuse={"ListRecords": "badVerb"}, dead=frozenset({3})), tmp_path)
    assert identifiers(harvested) == names(range(12))
    assert [r.identifier for page in harvested for r in page.records if r.deleted] == names([3])
    assert harvested[-1].complete


def test_a_preview_stops_early_and_is_never_complete(tmp_path: Path) -> None:
    harvested, _ = run(OaiServer(count=25), tmp_path, Ask(limit=12))
    assert identifiers(harvested) == names(range(12))
    assert not any(page.complete for page in harvested)


@pytest.mark.parametrize(("policy", "told"), [("no", False), ("transient", False), ("persistent", True)])
def test_only_a_persistent_delete_policy_counts_as_telling_every_delete(
    tmp_path: Path, policy: str, told: bool
) -> None:
    harvested, _ = run(OaiServer(count=1, deleted=policy), tmp_path)
    assert harvested[-1].reports_all_deletions is told


def test_a_response_date_with_milliseconds_is_read_and_one_ahead_of_time_held_back(tmp_path: Path) -> None:
    def dated(clock: str):
        def script(request: ReceivedRequest) -> Answer:
            body = identify() if request.params["verb"] == "Identify" else listing(record(1))
            return Answer(body.replace("2026-03-01T00:00:00Z", clock))

        return script

    harvested, _ = run(dated("2026-03-01T07:00:00.123+07:00"), tmp_path)
    assert harvested[-1].response_date == "2026-03-01T00:00:00Z"
    harvested, _ = run(dated("2199-01-01T00:00:00Z"), tmp_path)
    assert harvested[-1].response_date < "2100"
    assert any("ahead" in note for note in harvested[0].notes)


def test_a_list_with_more_pages_than_allowed_is_refused(tmp_path: Path) -> None:
    failed = failure(OaiServer(count=50), tmp_path, request={"max_pages": 4})
    assert (failed.cause, failed.again) == ("too_large", False)


# never a truncated success


def test_a_list_shorter_than_its_size_is_truncated_with_both_counts(tmp_path: Path) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        if request.params.get("resumptionToken", "").startswith("10"):
            return Answer(listing("".join(server.record(n) for n in range(10, 20)), None, 25))
        return answer

    failed = failure(script, tmp_path)
    assert failed.cause == "truncated"
    assert "20 of 25" in failed.sentence


def test_a_size_known_to_be_wrong_is_not_trusted_when_the_feed_says_so(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(identify() if request.params["verb"] == "Identify" else listing(record(1), None, 500))

    assert failure(script, tmp_path).cause == "truncated"
    harvested, _ = run(script, tmp_path, request={"trust_list_size": False})
    assert harvested[-1].complete


@pytest.mark.parametrize("size", [10, 3])
def test_a_list_size_that_is_too_small_or_only_the_pages_is_ignored(tmp_path: Path, size: int) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        return Answer(answer.bytes.replace(b'completeListSize="25"', f'completeListSize="{size}"'.encode()))

    harvested, _ = run(script, tmp_path)
    assert identifiers(harvested) == names(range(25))
    assert harvested[-1].complete


def test_a_whole_list_much_shorter_than_the_last_is_truncated(tmp_path: Path) -> None:
    failed = failure(OaiServer(count=25), tmp_path, Ask(listed_before=100))
    assert failed.cause == "truncated"
    assert "25" in failed.sentence
    assert "100" in failed.sentence


def test_a_whole_list_shorter_than_the_feed_file_expects_is_truncated(tmp_path: Path) -> None:
    failed = failure(OaiServer(count=25), tmp_path, expect={"records": [30, 80]})
    assert (failed.cause, failed.again) == ("truncated", True)


def test_an_incremental_list_may_be_short(tmp_path: Path) -> None:
    harvested, _ = run(OaiServer(count=25), tmp_path, Ask(since="2026-01-20", full=False, listed_before=100))
    assert harvested[-1].complete


def test_a_token_that_leads_back_is_detected(tmp_path: Path) -> None:
    server = OaiServer(count=25, say_size=False)

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("resumptionToken", "").startswith("20"):
            return Answer(listing("".join(server.record(n) for n in range(10, 20)), "20||"))
        return server(request)

    failed = failure(script, tmp_path)
    assert failed.cause == "truncated"
    assert "same page" in failed.sentence


def test_a_long_loop_of_pages_is_detected(tmp_path: Path) -> None:
    server = OaiServer(count=260, size=1, say_size=False)

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("resumptionToken", "").startswith("250"):
            return Answer(listing(server.record(250), "120||"))
        return server(request)

    failed = failure(script, tmp_path)
    assert "same page again after 251 of" in failed.sentence


def test_a_loop_of_empty_pages_is_detected(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        return Answer(identify() if request.params["verb"] == "Identify" else listing("", "again"))

    assert failure(script, tmp_path).cause == "truncated"


def test_an_expired_token_restarts_its_window(tmp_path: Path) -> None:
    server, expired = OaiServer(count=25), []

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("resumptionToken", "").startswith("20") and not expired:
            expired.append(1)
            return Answer(oai_error("badResumptionToken"))
        return server(request)

    harvested, _ = run(script, tmp_path)
    assert set(identifiers(harvested)) == set(names(range(25)))
    assert harvested[-1].complete


def test_tokens_that_always_expire_lead_to_smaller_windows(tmp_path: Path) -> None:
    server = OaiServer(count=25)

    def script(request):
        return Answer(oai_error("badResumptionToken"), 400) if "resumptionToken" in request.params else server(request)

    harvested, _ = run(script, tmp_path)
    assert set(identifiers(harvested)) == set(names(range(25)))
    assert harvested[-1].complete


# one poison record


@pytest.mark.parametrize("poison", ["a & b", "<dc:title>never closed", "&nosuchentity;", "</dc:description></oops>"])
def test_a_record_that_is_not_well_formed_is_skipped_by_identifier(tmp_path: Path, poison: str) -> None:
    harvested, _ = run(OaiServer(count=25, inside=lambda n: poison if n == 13 else f"{n} é"), tmp_path)
    assert identifiers(harvested) == names(n for n in range(25) if n != 13)
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([13])
    assert sum(len(page.raw) for page in harvested) == 1
    assert harvested[-1].complete


def test_characters_that_xml_forbids_are_removed_and_noted(tmp_path: Path) -> None:
    harvested, _ = run(OaiServer(count=5, inside=lambda n: "bell\x07 and &#x1F; end" if n == 2 else ""), tmp_path)
    assert identifiers(harvested) == names(range(5))
    assert "bell and  end" in harvested[0].records[2].payload
    assert any("oai:example.org:2" in note for note in harvested[0].notes)
    assert len(harvested[0].raw) == 1


def test_undeclared_entities_become_their_characters_except_in_cdata(tmp_path: Path) -> None:
    harvested, _ = run(OaiServer(count=1, inside=lambda n: "caf&eacute;&nbsp;&amp; <![CDATA[&eacute;]]>"), tmp_path)
    assert "café\xa0&amp; &amp;eacute;" in harvested[0].records[0].payload
    assert not harvested[0].raw


def test_a_page_in_another_encoding_than_it_says_is_read(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] == "Identify":
            return Answer(identify())
        text = listing("".join(record(n, inside="Настава српског језика у школама") for n in range(5)))
        return Answer(text.encode("windows-1251"), headers={"Content-Type": "text/xml; charset=windows-1251"})

    harvested, _ = run(script, tmp_path)
    assert len(identifiers(harvested)) == 5
    assert "Настава српског" in harvested[0].records[0].payload


def test_a_record_that_breaks_the_server_is_isolated_by_date(tmp_path: Path) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return (
            Answer("<h1>Internal error</h1>", 500)
            if 17 in numbers and request.params["verb"] != "ListIdentifiers"
            else None
        )

    harvested, _ = run(OaiServer(count=40, broken=broken), tmp_path)
    assert set(identifiers(harvested)) == set(names(n for n in range(40) if n != 17))
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([17])
    assert harvested[-1].complete


def test_a_window_whose_identifiers_fail_too_is_skipped_by_its_dates(tmp_path: Path) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if 17 in numbers else None

    harvested, _ = run(OaiServer(count=40, granularity="YYYY-MM-DD", broken=broken), tmp_path)
    assert set(identifiers(harvested)) == set(names(n for n in range(40) if n != 17))
    skipped = [skipped for page in harvested for skipped in page.skipped]
    assert [(skip.identifier, skip.window) for skip in skipped] == [(None, ("2026-01-18", "2026-01-18"))]


def test_skipped_records_and_windows_are_requested_again(tmp_path: Path) -> None:
    retry = (
        Skipped(identifier="oai:example.org:3", reason="once"),
        Skipped(identifier=None, reason="once", window=("2026-01-06T00:00:00Z", "2026-01-06T23:59:59Z")),
    )
    harvested, _ = run(OaiServer(count=25), tmp_path, Ask(since="2026-01-24T00:00:00Z", full=False, retry=retry))
    assert sorted(identifiers(harvested)) == sorted(names([23, 24, 3, 5]))


def test_a_record_without_identifier_is_requested_again_by_its_date_in_the_feeds_sets(tmp_path: Path) -> None:
    asked_windows = []

    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] == "Identify":
            return Answer(identify())
        asked_windows.append([request.params.get(name) for name in ("set", "from", "until")])
        nameless = record(1, "2026-01-05T10:00:00.5Z").replace("<identifier>oai:example.org:1</identifier>", "")
        undated = record(2, "some day").replace("<identifier>oai:example.org:2</identifier>", "")
        return Answer(listing(nameless + undated + record(3)))

    first, _ = run(script, tmp_path, sets=["a"])
    skipped = tuple(skip for page in first for skip in page.skipped)
    datestamp = "2026-01-05T10:00:00Z"
    assert [skip.window for skip in skipped] == [(datestamp, datestamp), None]
    assert identifiers(first) == names([3])
    run(script, tmp_path, Ask(since="2026-02-01", full=False, retry=skipped), sets=["a"])
    assert asked_windows == [["a", None, None], ["a", "2026-02-01T00:00:00Z", None], ["a", datestamp, datestamp]]


def test_a_list_that_started_over_is_counted_once(tmp_path: Path) -> None:
    server, expired = OaiServer(count=25), []

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("resumptionToken", "").startswith("20") and not expired:
            expired.append(1)
            return Answer(oai_error("badResumptionToken"))
        return server(request)

    harvested, _ = run(script, tmp_path)
    assert len(identifiers(harvested)) == 45
    assert [page.counted for page in harvested] == [None] * (len(harvested) - 1) + [25]


def test_what_is_still_broken_is_skipped_again(tmp_path: Path) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if numbers == [3] else None

    retry = (Skipped(identifier="oai:example.org:3", reason="once"),)
    harvested, _ = run(OaiServer(count=25, broken=broken), tmp_path, Ask(since="2026-01-24", full=False, retry=retry))
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([3])
    assert harvested[-1].complete


def test_a_skipped_record_that_no_longer_exists_is_not_requested_again(tmp_path: Path) -> None:
    server, retry = OaiServer(count=5), (Skipped(identifier="oai:example.org:99", reason="once"),)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(oai_error("idDoesNotExist")) if request.params["verb"] == "GetRecord" else server(request)

    harvested, _ = run(script, tmp_path, Ask(since="2026-01-01", full=False, retry=retry))
    assert not [skipped for page in harvested for skipped in page.skipped]
    assert any("oai:example.org:99" in note for page in harvested for note in page.notes)


def test_a_server_whose_list_records_fails_is_harvested_record_by_record(tmp_path: Path) -> None:
    server = OaiServer(count=12)
    harvested, _ = run(
        lambda request: Answer(status=500) if request.params["verb"] == "ListRecords" else server(request), tmp_path
    )
    assert set(identifiers(harvested)) == set(names(range(12)))
    assert harvested[-1].complete


def test_a_truncated_page_is_requested_again(tmp_path: Path) -> None:
    server, cut = OaiServer(count=25), []

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        if request.params.get("resumptionToken", "").startswith("10") and not cut:
            cut.append(1)
            return Answer(answer.bytes[: len(answer.bytes) // 2])
        return answer

    harvested, _ = run(script, tmp_path)
    assert identifiers(harvested) == names(range(25))


# diagnosis


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("<html><body><form action='/login'><input type='password'></form></body></html>", "blocked"),
        ("<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head></html>", "blocked"),
        ("<!DOCTYPE html><html><head><title>It works!</title></head></html>", "not_oai_pmh"),
        ("<rss version='2.0'/>", "not_oai_pmh"),
        ("nothing here", "not_oai_pmh"),
        ("", "not_oai_pmh"),
    ],
)
def test_what_is_not_oai_pmh_is_named(tmp_path: Path, body: str, cause: str) -> None:
    failed = failure(lambda request: Answer(body), tmp_path)
    assert failed.cause == cause
    assert failed.sentence.endswith("The next run tries again.")


def test_a_format_that_the_server_lacks_is_named_with_those_it_has(tmp_path: Path) -> None:
    failed = failure(OaiServer(refuse={"ListRecords": "cannotDisseminateFormat"}), tmp_path, format="lom")
    assert failed.cause == "bad_format"
    assert "'lom'" in failed.sentence
    assert "oai_dc" in failed.sentence


def test_a_format_that_the_server_lists_and_refuses_is_not_reported_as_missing(tmp_path: Path) -> None:
    failed = failure(OaiServer(refuse={"ListRecords": "cannotDisseminateFormat"}), tmp_path, format="oai_dc")
    assert failed.cause == "bad_format"
    assert "lists 'oai_dc' and yet refuses it" in failed.sentence
    assert "does not offer" not in failed.sentence and failed.sentence.count("oai_dc") == 1


@pytest.mark.parametrize("refuse", [{}, {"ListRecords": "badVerb"}], ids=["ListRecords", "GetRecord"])
def test_a_repository_is_asked_for_the_feeds_prefix_and_records_keep_its_format(
    tmp_path: Path, refuse: dict[str, str]
) -> None:
    harvested, loopback = run(OaiServer(count=3, refuse=refuse), tmp_path, format="lom", prefix="oai_lom")
    assert {record.format for page in harvested for record in page.records} == {"lom"}
    prefixes = [request.params["metadataPrefix"] for request in loopback.requests if "metadataPrefix" in request.params]
    assert set(prefixes) == {"oai_lom"} and len(prefixes) >= 1


def test_a_prefix_that_the_server_lacks_is_named_with_those_it_has(tmp_path: Path) -> None:
    server = OaiServer(refuse={"ListRecords": "cannotDisseminateFormat"})
    failed = failure(server, tmp_path, format="lom", prefix="oai_lom")
    assert failed.cause == "bad_format"
    assert "does not offer 'oai_lom'; it offers oai_dc" in failed.sentence


def test_sets_that_the_server_lacks_are_named(tmp_path: Path) -> None:
    failed = failure(OaiServer(refuse={"ListRecords": "noSetHierarchy"}), tmp_path, sets=["textbooks"])
    assert "textbooks" in failed.sentence


def test_a_document_that_declares_entities_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE OAI-PMH [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    server = OaiServer(count=1)

    def script(request: ReceivedRequest) -> Answer:
        text = server(request).bytes.decode()
        return Answer(text.replace("?>\n", f"?>\n{bomb}", 1).replace("about 0", "&b;"))

    failed = failure(script, tmp_path)
    assert failed.cause == "malformed"
    assert "entities" in failed.sentence


def test_a_moved_server_is_followed_and_reported(tmp_path: Path) -> None:
    server = OaiServer(count=15)

    def script(request: ReceivedRequest) -> Answer:
        if request.path == "/oai":
            return Answer(status=301, headers={"Location": "/new/oai"})
        return server(request)

    harvested, loopback = run(script, tmp_path)
    assert identifiers(harvested) == names(range(15))
    assert any(note.startswith("moved:") for page in harvested for note in page.notes)
    assert [request.path for request in loopback.requests].count("/oai") == 1


def test_an_identify_that_is_not_well_formed_does_not_end_the_harvest(tmp_path: Path) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        return Answer(answer.bytes.replace(b">R<", b">Books & more<"))

    harvested, _ = run(script, tmp_path, Ask(since="2026-01-20", full=False))
    assert identifiers(harvested) == names(range(19, 25))
    assert harvested[-1].response_date == "2026-03-01T00:00:00Z"
    assert any("Identify" in note for note in harvested[0].notes)


def test_a_changed_base_url_is_reported(tmp_path: Path) -> None:
    def script(request: ReceivedRequest) -> Answer:
        identity = identify(url="https://new.example.org/oai")
        return Answer(identity if request.params["verb"] == "Identify" else listing(record(1)))

    harvested, _ = run(script, tmp_path)
    assert any("new.example.org" in note for note in harvested[0].notes)


# resume


def test_resuming_from_every_position_gives_what_an_uninterrupted_harvest_gives(tmp_path: Path) -> None:
    server = OaiServer(count=47)
    with serving(server) as loopback:
        of, env = feed(loopback.url + "/oai"), open_environment(tmp_path)
        whole = pages(of, env)
        for n, page in enumerate(whole[:-1]):
            rest = pages(of, env, Ask(position=page.position))
            assert identifiers(whole[: n + 1]) + identifiers(rest) == identifiers(whole)
            assert rest[-1].complete
            assert rest[-1].full
            assert rest[-1].response_date == whole[-1].response_date


def test_resuming_in_the_middle_of_sets_and_bisected_windows_loses_nothing(tmp_path: Path) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if 17 in numbers and request.params["verb"] == "ListRecords" else None

    with serving(OaiServer(count=40, broken=broken)) as loopback:
        of, env = feed(loopback.url + "/oai", sets=["a", "b"]), open_environment(tmp_path)
        whole = pages(of, env)
        assert set(identifiers(whole)) == set(names(range(40)))
        for n in range(0, len(whole) - 1, 3):
            rest = pages(of, env, Ask(position=whole[n].position))
            assert set(identifiers(whole[: n + 1])) | set(identifiers(rest)) == set(names(range(40)))
            assert rest[-1].complete


def test_a_token_that_expired_while_we_were_away_restarts_its_window(tmp_path: Path) -> None:
    server, away = OaiServer(count=25), []

    def script(request: ReceivedRequest) -> Answer:
        if away and request.params.get("resumptionToken") == away[0]:
            return Answer(oai_error("badResumptionToken"))
        return server(request)

    with serving(script) as loopback:
        of, env = feed(loopback.url + "/oai"), open_environment(tmp_path)
        first = pages(of, env)[0]
        away.append(first.position["windows"][0]["token"])
        server.size = 30
        rest = pages(of, env, Ask(position=first.position))
    assert set(identifiers(rest)) == set(names(range(25)))
    assert rest[-1].complete


def test_progress_reports_the_count_and_the_total(tmp_path: Path) -> None:
    from harvesters import harvest

    heard: list[tuple[int, int | None]] = []
    with serving(OaiServer(count=25)) as loopback:
        of = feed(loopback.url + "/oai")
        list(harvest(of, Ask(), open_environment(tmp_path), lambda n, total: heard.append((n, total))))
    assert heard == [(10, 25), (20, 25), (25, 25), (25, 25)]


def test_a_feed_is_checked_against_what_its_server_offers(tmp_path: Path) -> None:
    server = OaiServer(count=3)

    def script(request: ReceivedRequest) -> Answer:
        if request.params["verb"] == "Identify":
            return Answer(identify(url=f"http://{request.headers['host']}"))
        if request.params["verb"] == "ListSets":
            return Answer(listing("<set><setSpec>a</setSpec><setName>A</setName></set>", verb="ListSets"))
        return server(request)

    with serving(script) as loopback:
        env = open_environment(tmp_path)
        assert check(feed(loopback.url, sets=["a"]), Ask(), env) == []
        assert check(feed(loopback.url, format="lom", prefix="oai_dc"), Ask(), env) == []
        prefix = check(feed(loopback.url, format="oai_dc", prefix="oai_lom"), Ask(), env)
        wrong = check(feed(loopback.url, format="lom", sets=["a", "b"]), Ask(), env)
    assert prefix == ["prefix: 'oai_lom' is not offered; oai_dc are"]
    assert wrong == ["format: 'lom' is not offered; oai_dc are", "sets: 'b' is not offered"]


def test_a_response_that_cannot_be_parsed_is_kept_as_it_came(tmp_path: Path) -> None:
    server, cut = OaiServer(count=25), []

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        if request.params.get("resumptionToken", "").startswith("10") and len(cut) < 2:
            cut.append(answer.bytes[:1500])
            return Answer(cut[-1])
        return answer

    harvested, _ = run(script, tmp_path)
    assert set(identifiers(harvested)) == set(names(range(25)))
    assert [raw.body for page in harvested for raw in page.raw] == [cut[-1]]
