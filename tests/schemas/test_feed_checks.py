"""What a feed file may not say: every reason names the key and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas import BadFeed, Feed, read_feed, read_feeds
from transforms.normalize.language import language_tag
from transforms.normalize.license import license_of

GOOD = {"title": '"Books"', "partner": '"A Library"', "protocol": '"oai_pmh"', "url": '"https://example.org/oai"'}


def declared(folder: Path, request: str = "", **keys: str) -> Feed:
    path = folder / "books.toml"
    written = {**GOOD, "format": '"oai_dc"', **keys}
    lines = [f"{key} = {value}" for key, value in written.items() if value]
    path.write_text("\n".join([*lines, "[request]", request]), encoding="utf-8")
    return read_feed(path)


def reasons(folder: Path, request: str = "", **keys: str) -> list[str]:
    with pytest.raises(BadFeed) as caught:
        declared(folder, request, **keys)
    return caught.value.reasons


@pytest.mark.parametrize(
    ("keys", "begins"),
    [
        (
            {"url": '"gopher://example.org"'},
            "url: 'gopher://example.org' is not a valid URL; use http:// or https://",
        ),
        ({"url": '"example.org/oai"'}, "url:"),
        ({"url": '"file:///etc/passwd"'}, "url:"),
        ({"url": '"inbox:partner"'}, "url:"),
        ({"url": '"https://exa mple.org/oai"'}, "url:"),
        ({"url": '"https://example.org/\\noai"'}, "url:"),
        ({"title": '"  "'}, "title: is empty"),
        ({"partner": '"A\\u0000"'}, "partner:"),
        ({"name": '"other"'}, "name: unknown key"),
        ({"schedule": '"* * * * * *"'}, "schedule:"),
        ({"schedule": '"0 0 31 2 *"'}, "schedule: '0 0 31 2 *' never fires; choose a date that exists"),
        ({"url": '"https://me:secret@example.org/"'}, "url: holds a user"),
        ({"format": '""'}, "format: required for oai_pmh"),
        ({"protocol": '"rest"', "format": '""', "identifier": '"id"'}, "format: required for rest"),
        ({"protocol": '"rest"'}, "identifier: required for rest"),
        ({"protocol": '"csv"'}, "identifier: required for csv"),
        ({"protocol": '"opendatasoft"'}, "identifier: required for opendatasoft"),
        ({"protocol": '"rss"', "sets": '["a"]'}, "sets: only oai_pmh"),
        ({"protocol": '"rss"', "prefix": '"rss"'}, "prefix: only oai_pmh has a metadataPrefix"),
        ({"prefix": '"oai dc"'}, "prefix: 'oai dc' is not a metadataPrefix"),
        ({"prefix": '""'}, "prefix: is empty"),
        ({"schedule": '"every night"'}, "schedule: 'every night'"),
        ({"default_license": '" "'}, "default_license: is empty"),
        ({"colour": '"red"'}, "colour: unknown key; remove it"),
        ({"trsut": "1"}, "trsut: unknown key; did you mean trust?"),
        ({"default_licence": '"CC0"'}, "default_licence: unknown key; did you mean default_license?"),
        ({"rate": "1"}, "rate: unknown key; did you mean request.rate?"),
        ({"title": ""}, "title: required and missing"),
        ({"schedule": '"R R R R R"'}, "schedule: 'R R R R R'"),
        ({"schedule": '"H 1 * * *"'}, "schedule: 'H 1 * * *'"),
    ],
)
def test_a_key_that_is_wrong_is_named(tmp_path: Path, keys: dict[str, str], begins: str) -> None:
    result = reasons(tmp_path, **keys)
    assert len(result) == 1
    assert result[0].startswith(begins)


@pytest.mark.parametrize(
    ("request_line", "key"),
    [
        ('paging = "cursor"', "request.cursor_path"),
        ('cursor_path = "next"', "request.cursor_path"),
        ('page_in = "body"', "request.page_in"),
        ("body = { a = 1 }", "request.body"),
        ('slice_by = "year"', "request.slice_by"),
        ('detail_url = "/one/{id}"', "request.detail_url"),
        ('since_format = "unix"', "request.since_format"),
        ('since_param = "since"\nsince_format = "iso"', "request.since_format"),
        ('since_param = "since"\nsince_format = "%Q"', "request.since_format"),
        ('since_param = "since"\nsince_format = "%Y-%"', "request.since_format"),
        ('verb = "GetRecord"', "request.verb"),
        ('delimiter = ";;"', "request.delimiter"),
        ("delimiter = '\"'", "request.delimiter"),
        ('escape = "\\\\\\\\"', "request.escape"),
        ('delimiter = ";"\nescape = ";"', "request.escape"),
        ("skip_lines = -1", "request.skip_lines"),
        ('quiet_hours = ["8-18"]', "request.quiet_hours"),
        ('quiet_hours = ["08:00-18:00 Europe/Nowhere"]', "request.quiet_hours"),
        ('headers = { Authorization = "Bearer x" }', "request.headers.Authorization"),
        ('headers = { X-Auth-Token = "x" }', "request.headers.X-Auth-Token"),
        ('headers = { Ocp-Apim-Subscription-Key = "x" }', "request.headers.Ocp-Apim-Subscription-Key"),
        ('headers = { X-Reader = "Key {token}" }', "request.headers.X-Reader"),
        ('headers = { X = "a\\r\\nb" }', "request.headers.X"),
        ('headers = { "X y" = "a" }', "request.headers.X y"),
        ('headers = { X = "\u00e9" }', "request.headers.X"),
        ("rate = 0", "request.rate"),
        ("rate = inf", "request.rate"),
        ("budget = nan", "request.budget"),
        ("colour = 1", "request.colour"),
    ],
)
def test_a_request_that_cannot_be_made_is_named(tmp_path: Path, request_line: str, key: str) -> None:
    assert [reason.split(":")[0] for reason in reasons(tmp_path, request_line)] == [key]


@pytest.mark.parametrize(
    "detail_url",
    ["/one", "/one/{}", "/one/{id", "/one/id}", "/one/{{id}}", "/{id!r}", "/{id[0]}", "/{a b}", "/{.id}", "//[/{id}"],
)
def test_a_detail_url_that_makes_no_address_is_named(tmp_path: Path, detail_url: str) -> None:
    keys = {"protocol": '"rest"', "format": '"amb"', "identifier": '"id"'}
    line = f"detail_url = {json.dumps(detail_url)}"
    assert [reason.split(":")[0] for reason in reasons(tmp_path, line, **keys)] == ["request.detail_url"]


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ({"exclude_sets": '[""]'}, "exclude_sets: holds an empty name"),
        ({"exclude_sets": '["a"]', "sets": '["a", "b"]'}, "exclude_sets: 'a' is in sets, too"),
        ({"exclude_sets": '["a"]', "protocol": '"rss"', "format": '"rss"'}, "exclude_sets: only oai_pmh"),
    ],
)
def test_sets_that_cannot_be_excluded_are_named(tmp_path: Path, keys: dict[str, str], mistake: str) -> None:
    result = reasons(tmp_path, **keys)
    assert len(result) == 1
    assert result[0].startswith(mistake)


@pytest.mark.parametrize(
    ("protocol", "usual"),
    [
        ("opendatasoft", "unesdoc"),
        ("rss", "rss"),
        ("csv", "oercommons_csv"),
        ("sitemap", "schema_org"),
        ("files", "lom"),
    ],
)
def test_protocols_have_their_usual_format(tmp_path: Path, protocol: str, usual: str) -> None:
    assert declared(tmp_path, protocol=f'"{protocol}"', format="", identifier='"id"').format == usual
    assert declared(tmp_path, protocol=f'"{protocol}"', identifier='"id"').format == "oai_dc"


def test_the_repositorys_prefix_is_the_format_unless_the_file_gives_one(tmp_path: Path) -> None:
    assert declared(tmp_path).metadata_prefix == "oai_dc"
    own = declared(tmp_path, format='"lom"', prefix='"oai_lom"')
    assert (own.format, own.metadata_prefix) == ("lom", "oai_lom")


def test_the_nearest_key_of_the_same_section_is_suggested(tmp_path: Path) -> None:
    assert reasons(tmp_path, 'delimeter = ";"') == ["request.delimeter: unknown key; did you mean request.delimiter?"]
    assert reasons(tmp_path, "trust = 1") == ["request.trust: unknown key; did you mean trust?"]


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    result = reasons(tmp_path, 'paging = "cursor"', url='"nowhere"', schedule='"never"')
    assert [reason.split(":")[0] for reason in result] == ["url", "schedule", "request.cursor_path"]


def test_wrong_types_hide_no_other_reason(tmp_path: Path) -> None:
    result = reasons(
        tmp_path,
        'rate = "fast"\nquiet_hours = ["8-18"]',
        url='"ftp://x"',
        schedule='"banana"',
        foo="1",
        full_every="-1",
        name='"other"',
        default_language='"klingonese"',
        default_license='"no licence at all"',
    )
    keys = ["name", "foo", "full_every", "request.rate", "url", "schedule"]
    keys += ["request.quiet_hours", "default_language", "default_license"]
    assert sorted(reason.split(":")[0] for reason in result) == sorted(keys)


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"protocol": '"gopher"', "sets": '["a"]', "format": "", "schedule": '"banana"'}, ["protocol", "schedule"]),
        ({"protocol": '"rest"', "identifier": "3", "url": '"x"'}, ["identifier", "url"]),
        ({"partner": "", "title": '" "'}, ["partner", "title"]),
    ],
)
def test_nothing_is_said_that_hangs_on_a_key_that_is_wrong(
    tmp_path: Path, keys: dict[str, str], wrong: list[str]
) -> None:
    assert sorted(reason.split(":")[0] for reason in reasons(tmp_path, **keys)) == wrong


def test_nothing_is_said_of_paging_when_how_to_ask_is_wrong(tmp_path: Path) -> None:
    result = reasons(tmp_path, 'method = "PUT"\npage_in = "body"\nbody = { a = 1 }')
    assert [reason.split(":")[0] for reason in result] == ["request.method"]


@pytest.mark.parametrize("written", ["en", "fr-CA", "sr-Latn", "zh_TW", "th", "eng", "ua", "AR"])
def test_a_default_language_is_one_that_the_normalizer_reads(written: str, tmp_path: Path) -> None:
    assert declared(tmp_path, default_language=f'"{written}"').default_language == written
    assert language_tag(written)


@pytest.mark.parametrize("written", ["klingonese", "und", "mul", "en fr", "qaa", "x-none", "english, please"])
def test_a_default_language_that_names_none_is_refused(written: str, tmp_path: Path) -> None:
    (reason,) = reasons(tmp_path, default_language=f'"{written}"')
    assert reason.startswith(f"default_language: '{written}'") and "sr-Latn" in reason


@pytest.mark.parametrize(
    "written",
    [
        "CC-BY-4.0",
        "CC BY-NC-SA 3.0 IGO",
        "creativecommons.org/licenses/by/4.0/",
        "cc0",
        "CC0-1.0",
        "MIT",
        "GFDL-1.3",
        "public domain",
        "In Copyright",
    ],
)
def test_a_default_licence_is_one_that_the_normalizer_reads(written: str, tmp_path: Path) -> None:
    assert declared(tmp_path, default_license=f'"{written}"').default_license == written
    read = license_of([], written)
    assert read and read.label
    address = "https://example.org/our-terms"
    assert declared(tmp_path, default_license=f'"{address}"').default_license == address


@pytest.mark.parametrize("written", ["no licence at all", "free", "yes", "CC BY 4.0 or not", "http://"])
def test_a_default_licence_that_names_none_is_refused(written: str, tmp_path: Path) -> None:
    (reason,) = reasons(tmp_path, default_license=f'"{written}"')
    assert reason.startswith(f"default_license: '{written}'") and "CC-BY-4.0" in reason


def test_files_may_come_from_the_inbox(tmp_path: Path) -> None:
    assert declared(tmp_path, protocol='"files"', url='"inbox:partner"').url == "inbox:partner"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x80\xff", "not readable as TOML"),
        (b'title = "\xe9"', "not readable as TOML"),
        (b'\xef\xbb\xbftitle = "t"', "byte order mark"),
        (b"trust = " + b"9" * 6000, "not readable as TOML"),
        (b"trust = " + b"[" * 100_000, "not readable as TOML"),
        (b"", "title: required and missing"),
        (None, "not readable: it is not a regular file"),
    ],
    ids=["binary", "latin-1", "byte order mark", "endless number", "endless nesting", "empty", "folder"],
)
def test_no_file_hides_the_others(tmp_path: Path, content: bytes | None, reason: str) -> None:
    declared(tmp_path)
    bad = tmp_path / "bad.toml"
    bad.mkdir() if content is None else bad.write_bytes(content)
    (tmp_path / "link.toml").symlink_to(tmp_path / "nowhere")
    good, problems = read_feeds(tmp_path)
    assert [feed.name for feed in good] == ["books"]
    assert [problem.path.name for problem in problems] == ["bad.toml", "link.toml"]
    assert reason in str(problems[0])


@pytest.mark.parametrize("nested", ["[" * 300 + "]" * 300, "{a=" * 300 + "1" + "}" * 300])
def test_a_body_that_is_nested_too_deep_is_this_files_mistake_and_no_other_feeds(tmp_path: Path, nested: str) -> None:
    request = f'method = "POST"\nbody = {{ query = {nested} }}'
    (reason,) = reasons(tmp_path, request, protocol='"rest"', identifier='"id"')
    assert "nested too deep" in reason or "not readable as TOML" in reason
    (tmp_path / "films.toml").write_text((tmp_path / "books.toml").read_text(encoding="utf-8").split("[request]")[0])
    assert [feed.name for feed in read_feeds(tmp_path)[0]] == ["films"]


def test_of_files_with_one_name_in_several_folders_the_first_counts_and_the_other_is_named(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, title in ((first, "Ours"), (second, "Theirs")):
        folder.mkdir()
        declared(folder, title=f'"{title}"')
    (second / "films.toml").write_bytes((second / "books.toml").read_bytes())
    feeds, problems = read_feeds([first, second, tmp_path / "missing"])
    assert [(feed.name, feed.title) for feed in feeds] == [("books", "Ours"), ("films", "Theirs")]
    (problem,) = problems
    assert problem.path == second / "books.toml" and problem.shadowed
    assert f"{second / 'books.toml'} is not read, because {first / 'books.toml'} has the same name" in problem.sentence


def test_a_mistake_in_the_first_folder_is_not_covered_by_a_good_file_in_the_second(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        declared(folder)
    (first / "books.toml").write_text("trsut = 1", encoding="utf-8")
    feeds, problems = read_feeds([first, second])
    assert feeds == []
    assert [(problem.path, problem.shadowed) for problem in problems] == [
        (first / "books.toml", False),
        (second / "books.toml", True),
    ]
