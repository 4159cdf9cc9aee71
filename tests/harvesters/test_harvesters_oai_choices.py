"""What a feed file may choose of OAI-PMH, and servers that refuse dates, keep failing, or send broken pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.cli import main
from schemas import Ask, HarvestFailed, Page
from tests.harvesters.loopback import (
    HEAD,
    TAIL,
    Answer,
    OaiServer,
    ReceivedRequest,
    Script,
    feed,
    identifiers,
    listing,
    names,
    oai_error,
    open_environment,
    pages,
    record,
    serving,
)

ALL = set(names(range(25)))


def run(script: Script, home: Path, ask: Ask | None = None, **more: object) -> tuple[list[Page], list[ReceivedRequest]]:
    with serving(script) as loopback:
        return pages(feed(loopback.url, **more), open_environment(home), ask), loopback.requests


def failure(script: Script, home: Path, ask: Ask | None = None, **more: object) -> tuple[HarvestFailed, int]:
    with serving(script) as loopback:
        with pytest.raises(HarvestFailed) as caught:
            pages(feed(loopback.url, **more), open_environment(home), ask)
        return caught.value, len(loopback.requests)


def notes(harvested: list[Page]) -> str:
    return " ".join(note for page in harvested for note in page.notes)


# dates that a server refuses


class RefusesFrom(OaiServer):
    """Refuses from where it is earlier than `earliest`; the server's Identify says 2020-01-01."""

    def __init__(self, earliest: str, refusal: Answer) -> None:
        super().__init__(count=25)
        self.earliest, self.refusal = earliest, refusal

    def list(self, verb: str, request: ReceivedRequest) -> Answer:
        since = request.params.get("from")
        return self.refusal if since is not None and since < self.earliest else super().list(verb, request)


@pytest.mark.parametrize("refusal", [Answer(oai_error("badArgument")), Answer("no", 400), Answer("no", 422)])
def test_a_from_before_the_earliest_datestamp_is_clamped(tmp_path: Path, refusal: Answer) -> None:
    harvested, requests = run(RefusesFrom("2020-01-01", refusal), tmp_path, Ask(since="2019-06-01", full=False))
    assert set(identifiers(harvested)) == ALL
    assert not harvested[-1].full
    assert [request.params["from"][:10] for request in requests if "from" in request.params][-1] == "2020-01-01"
    assert "earliest datestamp" in notes(harvested)


@pytest.mark.parametrize(
    "refusal", [Answer(oai_error("badArgument")), Answer(oai_error("badArgument"), 400), Answer("no", 404)]
)
@pytest.mark.parametrize("sets", [[], ["a", "b"]])
def test_a_server_that_refuses_every_from_is_asked_for_everything(
    tmp_path: Path, refusal: Answer, sets: list[str]
) -> None:
    ask = Ask(since="2026-01-05T00:00:00Z", full=False)
    harvested, requests = run(RefusesFrom("9", refusal), tmp_path, ask, sets=sets)
    assert set(identifiers(harvested)) == ALL
    assert harvested[-1].complete
    assert harvested[-1].full, "the whole list came, so that absence from it counts"
    assert "everything is requested" in notes(harvested)
    assert len(requests) < 15


def test_a_set_that_is_refused_is_not_taken_for_a_date_that_is(tmp_path: Path) -> None:
    server = OaiServer(count=5)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(oai_error("badArgument")) if request.params.get("set") == "wrong" else server(request)

    ask = Ask(since="2026-01-01", full=False)
    failed, _ = failure(script, tmp_path, ask, sets=["right", "wrong"])
    assert failed.cause == "bad_format"


# servers that keep failing


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("also_identify", [True, False])
def test_a_server_that_fails_amid_its_list_is_asked_a_few_times_only(
    tmp_path: Path, status: int, also_identify: bool
) -> None:
    """After its first page, the server answers nothing but errors (to lists, or to everything)."""
    server, given = OaiServer(count=25), []

    def script(request: ReceivedRequest) -> Answer:
        is_list = request.params["verb"] == "ListRecords"
        if given and (is_list or also_identify or request.params["verb"] == "ListIdentifiers"):
            return Answer(status=status)
        if is_list:
            given.append(request)
        return server(request)

    failed, requests = failure(script, tmp_path, request={"retries": 5})
    assert failed.cause == "server_failing"
    assert "after 10 records" in failed.sentence
    assert "max_drop" not in failed.sentence
    assert requests < 30


def test_a_server_that_fails_for_the_second_half_of_its_list_is_not_asked_all_night(tmp_path: Path) -> None:
    """Every request that touches a record from the 10th on fails; empty windows do not."""
    broken = OaiServer(count=200, broken=lambda numbers, request: Answer(status=500) if max(numbers) >= 10 else None)
    failed, requests = failure(broken, tmp_path)
    assert failed.cause == "server_failing"
    assert requests < 200


@pytest.mark.parametrize("poison", [0, 12, 24])
def test_one_record_that_breaks_the_server_is_still_isolated(tmp_path: Path, poison: int) -> None:
    def broken(numbers: list[int], request: ReceivedRequest) -> Answer | None:
        return Answer(status=500) if poison in numbers and request.params["verb"] != "ListIdentifiers" else None

    harvested, _ = run(OaiServer(count=25, broken=broken), tmp_path)
    assert set(identifiers(harvested)) == ALL - set(names([poison]))
    assert [skipped.identifier for page in harvested for skipped in page.skipped] == names([poison])


# broken pages


BROKEN_PAGES = {
    "without a record": f"{HEAD}<ListRecords><oops></ListRecords>{TAIL}",
    "of headers": f"{HEAD}<ListIdentifiers><header><identifier>&</identifier></header></ListIdentifiers>{TAIL}",
    "without anything": f"{HEAD}<ListRecords>&</ListRecords>{TAIL}",
}


@pytest.mark.parametrize("page", BROKEN_PAGES.values(), ids=BROKEN_PAGES.keys())
def test_a_broken_page_without_a_record_is_a_failure_with_a_sentence(tmp_path: Path, page: str) -> None:
    server = OaiServer(count=5)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(page) if request.params["verb"].startswith("List") else server(request)

    failed, _ = failure(script, tmp_path)
    assert failed.cause in ("malformed", "truncated", "server_failing")
    assert "not well-formed" in failed.sentence
    assert "Error" not in failed.sentence


def test_a_broken_page_without_a_record_amid_the_list_does_not_end_it(tmp_path: Path) -> None:
    server = OaiServer(count=25, size=5)

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        if str(request.params.get("resumptionToken", "")).startswith("10|"):
            text = answer.bytes.decode()
            token = text[text.index("<resumptionToken") :]
            return Answer(text[: text.index("<record>")] + "<oops>" + token)
        return answer

    harvested, _ = run(script, tmp_path, request={"trust_list_size": False})
    assert set(identifiers(harvested)) >= ALL - set(names(range(10, 15)))
    assert any(page.raw for page in harvested)


SCHEMA = 'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd"'


@pytest.mark.parametrize(
    "root",
    [
        f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" {SCHEMA}>',
        f'<OAI-PMH {SCHEMA} xmlns="http://www.openarchives.org/OAI/2.0/" other:x="1">',
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" lang=en>',
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" xmlns="http://www.openarchives.org/OAI/2.0/">',
    ],
    ids=["xsi undeclared", "two undeclared prefixes", "an attribute without quotes", "a namespace twice"],
)
@pytest.mark.parametrize("broken", [None, 1])
def test_a_root_that_is_not_well_formed_costs_no_good_record(tmp_path: Path, root: str, broken: int | None) -> None:
    records = "".join(record(n, inside="a & b" if n == broken else "fine") for n in range(3))
    page = f"<?xml version='1.0'?>\n{root}<responseDate>2026-03-01T00:00:00Z</responseDate><request>x</request>"
    answer = Answer(f"{page}<ListRecords>{records}</ListRecords></OAI-PMH>")
    server = OaiServer(count=3)
    harvested, _ = run(lambda request: answer if request.params["verb"] == "ListRecords" else server(request), tmp_path)
    assert identifiers(harvested) == names(n for n in range(3) if n != broken)
    assert [entry.identifier for page in harvested for entry in page.skipped] == (names([1]) if broken else [])


@pytest.mark.parametrize("token", ['<resumptionToken 1a="2" completeListSize="&#1;">a&#1;b</resumptionToken>', "\x01"])
def test_odd_characters_beside_a_broken_record_do_no_harm(tmp_path: Path, token: str) -> None:
    page = f"{HEAD}<ListRecords>{record(0)}{record(1, inside='&')}{token}</ListRecords>{TAIL}"
    server = OaiServer(count=2)

    def script(request: ReceivedRequest) -> Answer:
        if request.params.get("resumptionToken"):
            return Answer(listing(record(2)))
        return Answer(page) if request.params["verb"] == "ListRecords" else server(request)

    harvested, _ = run(script, tmp_path)
    assert identifiers(harvested)[:1] == names([0])
    assert harvested[-1].complete


# sets to exclude


def in_sets(n: int, *sets: str, stamp: str = "2026-01-01T00:00:00Z") -> str:
    specs = "".join(f"<setSpec>{name}</setSpec>" for name in sets)
    return record(n, stamp).replace("</header>", f"{specs}</header>")


SETS = [("books",), ("books", "private"), ("private:drafts",), ("privateer",), ()]


def repository_of_sets(request: ReceivedRequest) -> Answer:
    verb = request.params["verb"]
    records = [in_sets(n, *sets) for n, sets in enumerate(SETS)]
    if verb == "GetRecord":
        return Answer(listing(records[int(request.params["identifier"].rsplit(":", 1)[1])], verb=verb))
    if verb == "ListIdentifiers":
        headers = [text[text.index("<header") : text.index("</header>")] + "</header>" for text in records]
        return Answer(listing("".join(headers), size=5, verb=verb))
    return Answer(listing("".join(records), size=5)) if verb == "ListRecords" else OaiServer()(request)


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
@pytest.mark.parametrize(
    ("excluded", "left"), [(["private"], [0, 3, 4]), (["books", "privateer"], [2, 4]), (["none"], [0, 1, 2, 3, 4])]
)
def test_records_of_excluded_sets_are_left_out(tmp_path: Path, verb: str, excluded: list[str], left: list[int]) -> None:
    harvested, requests = run(repository_of_sets, tmp_path, exclude_sets=excluded, request={"verb": verb})
    assert identifiers(harvested) == names(left)
    assert harvested[-1].complete
    assert sum(request.params["verb"] == "GetRecord" for request in requests) in (0, len(left))


def test_a_record_that_is_moved_into_an_excluded_set_is_deleted_by_an_increment(tmp_path: Path) -> None:
    ask = Ask(since="2025-01-01", full=False)
    harvested, _ = run(repository_of_sets, tmp_path, ask, exclude_sets=["private"])
    deleted = {record.identifier: record.deleted for page in harvested for record in page.records}
    assert deleted == dict(zip(names(range(5)), [False, True, True, False, False], strict=True))


# ListIdentifiers and GetRecord by choice


@pytest.mark.parametrize("since", [None, "2026-01-11"])
def test_a_feed_may_choose_to_ask_for_each_record_alone(tmp_path: Path, since: str | None) -> None:
    ask = Ask(since=since, full=since is None)
    harvested, requests = run(OaiServer(count=25), tmp_path, ask, request={"verb": "ListIdentifiers"})
    assert set(identifiers(harvested)) == set(names(range(10 if since else 0, 25)))
    assert harvested[-1].complete
    verbs = {request.params["verb"] for request in requests}
    assert "ListRecords" not in verbs
    assert "GetRecord" in verbs


# from a given token on


def harvest_command(folder: Path, url: str, keys: list[str], *words: str) -> int:
    lines = ['title = "B"', 'partner = "P"', f'url = "{url}"', *keys]
    (folder / "books.toml").write_text("\n".join(lines), encoding="utf-8")
    return main(["harvest", str(folder / "books.toml"), *words])


@pytest.fixture
def _loopback_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELIB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ELIB_ALLOW_PRIVATE", "127.0.0.1,localhost")


OAI_KEYS = ['protocol = "oai_pmh"', 'format = "oai_dc"', "[request]", "rate = 100000", "retries = 0"]
CURSOR_KEYS = ['protocol = "rest"', 'format = "amb"', 'identifier = "id"', "[request]", "rate = 100000"]
CURSOR_KEYS += ['paging = "cursor"', 'page_param = "at"', 'cursor_path = "next"', 'records_path = "items"']
CURSOR_KEYS += ['total_path = "total"', "retries = 0"]


def by_cursor(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("at", "0"))
    items = [{"id": name} for name in names(range(25))[start : start + 10]]
    return Answer(json.dumps({"items": items, "total": 25, "next": str(start + 10) if start < 20 else None}))


@pytest.mark.usefixtures("_loopback_allowed")
@pytest.mark.parametrize(
    ("script", "keys", "token"),
    [(OaiServer(count=25), OAI_KEYS, "10||"), (by_cursor, CURSOR_KEYS, "10")],
    ids=["a resumption token", "a cursor"],
)
def test_a_harvest_goes_on_from_a_given_token(
    tmp_path: Path, script: Script, keys: list[str], token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(script) as loopback:
        assert harvest_command(tmp_path, loopback.url, keys, "--token", token) == 0
    printed = [json.loads(line)["identifier"] for line in capfd.readouterr().out.splitlines()]
    assert printed == names(range(10, 25))


@pytest.mark.usefixtures("_loopback_allowed")
def test_a_given_token_that_the_server_refuses_is_a_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        return Answer(oai_error("badResumptionToken")) if "resumptionToken" in request.params else server(request)

    with serving(script) as loopback:
        assert harvest_command(tmp_path, loopback.url, OAI_KEYS, "--token", "old") == 1
    assert "token_expired" in (error_text := capfd.readouterr().err)
    assert "without --token" in error_text


@pytest.mark.usefixtures("_loopback_allowed")
def test_a_token_is_refused_where_the_list_has_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert (
        harvest_command(tmp_path, "http://127.0.0.1/", ['protocol = "csv"', 'identifier = "id"'], "--token", "x") == 2
    )
    assert "--token" in capfd.readouterr().err


# the form of a date


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (None, "2026-01-20T00:00:00Z"),
        ("%Y-%m-%d", "2026-01-20"),
        ("unix", "1768867200"),
        ("unix_ms", "1768867200000"),
        ("from-index-date:%Y-%m-%d", "from-index-date:2026-01-20"),
        ("%d.%m.%Y %H:%M", "20.01.2026 00:00"),
    ],
)
def test_the_date_of_an_incremental_harvest_has_the_form_that_the_feed_names(
    tmp_path: Path, form: str | None, sent: str
) -> None:
    request = {"since_param": "since", **({"since_format": form} if form else {})}
    ask = Ask(since="2026-01-20", full=False)
    declared = {"protocol": "rest", "format": "amb", "identifier": "id", "request": request}
    _, requests = run(lambda _: Answer("[]"), tmp_path, ask, **declared)
    assert [request.params["since"] for request in requests] == [sent]


# pages of ListIdentifiers, sizes and skipped records


@pytest.mark.parametrize("poison", ["&bad;", "<a>", "\x01\x02", "]]>&"])
def test_a_broken_page_of_headers_costs_the_broken_header_only(tmp_path: Path, poison: str) -> None:
    server = OaiServer(count=25)

    def script(request: ReceivedRequest) -> Answer:
        answer = server(request)
        if request.params.get("verb") != "ListIdentifiers":
            return answer
        first = names(range(25))[3]
        text = answer.bytes.decode()
        return Answer(text.replace(f"<identifier>{first}</identifier>", f"<identifier>{first}</identifier>{poison}"))

    harvested, _ = run(script, tmp_path, request={"verb": "ListIdentifiers"})
    assert ALL - set(identifiers(harvested)) <= {names(range(25))[3]}
    assert harvested[-1].complete


@pytest.mark.parametrize("size", ["1,025", "1 025", "1.025", "1025.0", "1025 records"])
def test_a_list_that_is_shorter_than_its_size_is_truncated_however_that_is_written(tmp_path: Path, size: str) -> None:
    def script(request: ReceivedRequest) -> Answer:
        text = OaiServer(count=25)(request).bytes.decode()
        return Answer(text.replace('completeListSize="25"', f'completeListSize="{size}"'))

    failed, _ = failure(script, tmp_path)
    assert failed.cause == "truncated" and "1025" in failed.sentence
