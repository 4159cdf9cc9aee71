"""JSON lists and tables of unknown partners: where the records are, how they are paged, and what their fields are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.detection import Proposal
from schemas import Feed
from tests.harvesters.loopback import Answer, ReceivedRequest
from tests.pipeline.detection.partner_site import as_json, declared, harvested, look, site
from transforms import transform

COUNT = 47
ROWS = [
    {
        "id": f"r-{number}",
        "name": f"Lesson {number} about the water cycle",
        "summary": f"What pupils of class {number} should know about water, with two experiments.",
        "tags": ["water", "science"],
        "authors": [{"name": "Ana Example", "orcid": None}],
        "lang": "en",
        "link": f"https://school.example/lessons/{number}",
        "licence": "CC BY 4.0",
        "publishedAt": f"2024-01-{number % 28 + 1:02d}",
        "cover": {"src": f"https://school.example/pictures/{number}.jpg"},
    }
    for number in range(COUNT)
]


def whole(request: ReceivedRequest) -> Answer:
    return as_json(ROWS)


def by_page(request: ReceivedRequest) -> Answer:
    number, size = int(request.params.get("page", 1)), int(request.params.get("per_page", 10))
    return as_json({"total": COUNT, "page": number, "items": ROWS[(number - 1) * size : number * size]})


def by_page_from_zero(request: ReceivedRequest) -> Answer:
    number = int(request.params.get("page", 0))
    return as_json({"data": {"docs": ROWS[number * 10 : number * 10 + 10]}, "meta": {"totalElements": COUNT}})


def by_offset(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("offset", 0))
    return as_json({"response": {"numFound": COUNT, "start": start, "docs": ROWS[start : start + 10]}})


def by_start(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("start", 0))
    return as_json({"numFound": COUNT, "start": start, "docs": ROWS[start : start + 10]})


def by_page_unsaid(request: ReceivedRequest) -> Answer:
    number = int(request.params.get("page", 1))
    return as_json(ROWS[(number - 1) * 10 : number * 10])


def by_next(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("after", 0))
    more = start + 10 < COUNT
    return as_json({"results": ROWS[start : start + 10], "next": f"/list?after={start + 10}" if more else None})


def by_hal(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("after", 0))
    links = {"self": {"href": "/list"}} | ({"next": {"href": f"?after={start + 10}"}} if start + 10 < COUNT else {})
    return as_json({"_links": links, "_embedded": {"lessons": ROWS[start : start + 10]}})


def by_link_header(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("after", 0))
    link = {"Link": f'</list?after={start + 10}>; rel="next"'} if start + 10 < COUNT else {}
    return as_json(ROWS[start : start + 10], X_Total_Count=str(COUNT), **link)


def by_token(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("pageToken", "t0")[1:])
    more = {"nextPageToken": f"t{start + 10}"} if start + 10 < COUNT else {}
    return as_json({"lessons": ROWS[start : start + 10], **more})


def lines(request: ReceivedRequest) -> Answer:
    import json

    return Answer("\n".join(json.dumps(row) for row in ROWS))


def by_elasticsearch(request: ReceivedRequest) -> Answer:
    start = int(request.params.get("from", 0))
    hits = [{"_id": row["id"], "_source": row} for row in ROWS[start : start + 10]]
    return as_json({"took": 1, "hits": {"total": {"value": COUNT, "relation": "eq"}, "hits": hits}})


LISTS = {
    "elasticsearch": (by_elasticsearch, {"paging": "offset", "page_param": "from", "total_path": "hits.total.value"}),
    "whole": (whole, {}),
    "page": (by_page, {"paging": "page", "page_param": "page", "first": 1, "total_path": "total"}),
    "page_from_zero": (by_page_from_zero, {"paging": "page", "first": 0, "records_path": "data.docs"}),
    "offset": (by_offset, {"paging": "offset", "page_param": "offset", "total_path": "response.numFound"}),
    "start": (by_start, {"paging": "offset", "page_param": "start", "total_path": "numFound"}),
    "page_unsaid": (by_page_unsaid, {"paging": "page", "page_param": "page", "first": 1}),
    "next": (by_next, {"paging": "cursor", "cursor_path": "next"}),
    "hal": (by_hal, {"paging": "cursor", "cursor_path": "_links.next.href"}),
    "link_header": (by_link_header, {"paging": "link", "total_header": "X-Total-Count"}),
    "token": (by_token, {"paging": "cursor", "cursor_path": "nextPageToken", "page_param": "pageToken"}),
    "lines": (lines, {}),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_harvested_to_its_end_however_it_is_paged(name: str, tmp_path: Path) -> None:
    answer, request = LISTS[name]
    with site({"/list": answer}) as server:
        detection = look(f"{server.url}/list", tmp_path)
        best = detection.proposals[0]
        assert request.items() <= best.declaration.get("request", {}).items(), best.declaration
        assert len(server.requests) <= 25
        assert len({record.identifier for record in harvested(best, tmp_path)}) == COUNT


@pytest.mark.parametrize("query", ["?page=3", "?page=3&per_page=10", "?utm_source=mail&page=2#top"])
def test_a_page_amid_the_list_stands_for_the_whole_list(query: str, tmp_path: Path) -> None:
    with site({"/list": by_page}) as server:
        best = look(f"{server.url}/list{query}", tmp_path).proposals[0]
        assert len({record.identifier for record in harvested(best, tmp_path)}) == COUNT


def test_a_total_that_cannot_be_reached_is_a_warning(tmp_path: Path) -> None:
    with site({"/list": {"total": COUNT, "items": ROWS[:10]}}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
        assert any("more pages" in str(warning) for warning in best.warnings)
        assert best.total == COUNT


def resources(best: Proposal, home: Path) -> list[Any]:
    feed: Feed = declared(best, home)
    assessments = [transform(record, feed) for record in harvested(best, home)]
    return [assessment.resource for assessment in assessments if assessment.resource is not None]


def test_the_fields_of_a_json_list_are_guessed_and_read(tmp_path: Path) -> None:
    with site({"/list": whole}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
        read = resources(best, tmp_path)
    assert best.declaration["map"] == {
        "title": "name",
        "description": "summary",
        "keywords": "tags",
        "languages": "lang",
        "contributors:author": "authors[].name",
        "issued": "publishedAt",
        "license": "licence",
        "url": "link",
        "links:thumbnail": "cover.src",
    }
    assert len(read) == COUNT
    first = read[0]
    assert first.title == {"en": "Lesson 0 about the water cycle"}
    assert first.url == "https://school.example/lessons/0"
    assert first.license.spdx == "CC-BY-4.0"
    assert [contributor.name for contributor in first.contributors] == ["Ana Example"]
    examples = {field.path: (field.target, field.examples) for field in best.fields}
    assert examples["lang"] == ("languages", ("en",))
    assert len(examples["name"][1]) == 3


ONE_RECORD = {
    "id": "1",
    "title": "The garden in spring",
    "authors": [{"id": "a", "family": "Example", "given": "Ana"}, {"id": "b", "family": "Other", "given": "Ben"}],
}


def test_a_document_that_is_one_record_is_no_list_of_its_authors(tmp_path: Path) -> None:
    with site({"/1": ONE_RECORD}) as server:
        detection = look(f"{server.url}/1", tmp_path)
    assert not detection.proposals
    assert detection.trouble is not None
    assert "one record" in str(detection.trouble.what)


def test_a_list_under_a_title_of_its_own_is_a_list(tmp_path: Path) -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "All lessons", "items": ROWS[:5]}
    with site({"/feed.json": feed}) as server:
        best = look(f"{server.url}/feed.json", tmp_path).proposals[0]
        assert len(harvested(best, tmp_path)) == 5


NESTED = [
    {
        "id": f"n{number}",
        "attributes": {"title": f"The garden in week {number}", "body": "What grows in it."},
        "department": {"name": "Biology", "url": "https://school.example/biology"},
        "courses": [{"title": "A course", "description": "Of another thing.", "id": "c"}],
        "links": {"self": {"href": f"https://school.example/api/{number}"}},
        "image": {"src": f"https://school.example/{number}.png"},
        "website": f"https://school.example/{number}",
        "created": "2024-01-02",
    }
    for number in range(5)
]


def test_what_describes_something_else_is_not_taken_for_the_records_own(tmp_path: Path) -> None:
    with site({"/list": NESTED}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
    assert best.declaration["map"] == {
        "title": "attributes.title",
        "description": "attributes.body",
        "issued": "created",
        "url": "website",
        "links:thumbnail": "image.src",
    }


@pytest.mark.parametrize(
    ("value", "is_license"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", True),
        ("CC BY-SA 4.0", True),
        ("https://school.example/terms", False),
        ("https://school.example/pictures/licenses.png", False),
    ],
)
def test_a_licence_is_known_by_its_values_but_not_by_being_an_address(
    value: str, is_license: bool, tmp_path: Path
) -> None:
    rows = [{"id": str(n), "title": f"The garden in week {n}", "extra": value} for n in range(4)]
    with site({"/list": rows}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
    assert (best.declaration["map"].get("license") == "extra") == is_license


HEADERS = {
    "English": "No.,Title,Description,Keywords,Language,Author,Year,Licence,URL,Level",
    "French": "Numéro,Titre,Résumé,Mots-clés,Langue,Auteur,Année,Licence,Lien,Niveau",
    "Russian": "Номер,Название,Описание,Ключевые слова,Язык,Автор,Год,Лицензия,Ссылка,Уровень",
    "Arabic": "الرقم,العنوان,الوصف,الكلمات المفتاحية,اللغة,المؤلف,السنة,الترخيص,الرابط,المستوى",
    "Spanish": "Código,Título,Descripción,Palabras clave,Idioma,Autor,Año,Licencia,Enlace,Nivel",
    "Portuguese": "Código,Título,Descrição,Palavras-chave,Idioma,Autor,Ano,Licença,Ligação,Nível",
    "German": "Nummer,Titel,Beschreibung,Schlagwörter,Sprache,Autor,Jahr,Lizenz,Webadresse,Stufe",
    "Serbian": "Broj,Naslov,Opis,Ključne reči,Jezik,Autor,Godina,Licenca,Veza,Nivo",
    "Serbian in Cyrillic": "Број,Наслов,Опис,Кључне речи,Језик,Аутор,Година,Лиценца,Линк,Ниво",
}
FIELDS = ["title", "description", "keywords", "languages", "contributors:author", "issued", "license", "url", "levels"]


def table(header: str, delimiter: str = ",") -> str:
    rows = [
        f'{number},Lesson {number} of the garden,"What grows, and why, in {number} weeks.",garden|plants,en,'
        f"Ana Example,2021,CC BY 4.0,https://school.example/{number},primary"
        for number in range(1, 8)
    ]
    if delimiter != ",":
        rows = [row.replace('"What grows, and why,', "What grows and why").replace('weeks."', "weeks.") for row in rows]
    return "\r\n".join([header, *rows]).replace(",", delimiter if delimiter != "," else ",") + "\r\n"


@pytest.mark.parametrize("language", HEADERS)
def test_the_columns_of_a_table_are_guessed_in_eight_languages(language: str, tmp_path: Path) -> None:
    header = HEADERS[language]
    with site({"/table.csv": table(header)}) as server:
        best = look(f"{server.url}/table.csv", tmp_path).proposals[0]
        read = resources(best, tmp_path)
    columns = header.split(",")
    assert best.declaration["identifier"] == columns[0]
    guessed = {field.path: field.target for field in best.fields}
    assert [guessed[column] for column in columns[1:]] == FIELDS, best.declaration["map"]
    assert best.declaration["map"]["keywords"] == {"path": columns[3], "split": "|"}
    assert len(read) == 7
    assert read[0].url == "https://school.example/1"


ENCODED = {
    "utf_8_with_bom": ("utf-8-sig", ",", "French"),
    "windows_1252": ("cp1252", ";", "French"),
    "windows_1251": ("cp1251", "\t", "Russian"),
    "windows_1256": ("cp1256", ";", "Arabic"),
    "utf_16": ("utf-16", ";", "German"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_table_in_another_encoding_and_with_another_delimiter_is_read(name: str, tmp_path: Path) -> None:
    encoding, delimiter, language = ENCODED[name]
    body = table(HEADERS[language], delimiter).encode(encoding)
    with site({"/table": body}) as server:
        best = look(f"{server.url}/table", tmp_path).proposals[0]
        assert best.declaration["request"]["delimiter"] == delimiter
        assert best.declaration["identifier"] == HEADERS[language].split(",")[0]
        assert len(resources(best, tmp_path)) == 7


def test_lines_above_the_header_are_skipped(tmp_path: Path) -> None:
    text = "Ministry of Education\r\nList of resources, 2024\r\n\r\n" + table(HEADERS["English"])
    with site({"/table.csv": text}) as server:
        best = look(f"{server.url}/table.csv", tmp_path).proposals[0]
        assert best.declaration["identifier"] == "No."
        assert len(resources(best, tmp_path)) == 7


def test_titles_in_two_languages_keep_their_languages(tmp_path: Path) -> None:
    rows = [
        {"uuid": str(number), "title": {"en": f"The garden in week {number}", "fr": f"Le jardin, semaine {number}"}}
        for number in range(5)
    ]
    with site({"/list": rows}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
        read = resources(best, tmp_path)
    assert read[0].title == {"en": "The garden in week 0", "fr": "Le jardin, semaine 0"}


def test_keys_that_are_no_names_are_quoted(tmp_path: Path) -> None:
    rows = [{"dc:identifier": str(n), "dc:title": f"The garden in week {n}", "see-also": "x"} for n in range(5)]
    with site({"/list": rows}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
        assert len(resources(best, tmp_path)) == 5
    assert best.declaration["map"]["title"] == '"dc:title"'


def test_without_an_identifier_the_shortest_text_that_differs_is_proposed_with_a_warning(tmp_path: Path) -> None:
    rows = [
        {"heading": f"Week {number}", "text": f"In week {number} we look at the garden again."} for number in range(5)
    ]
    with site({"/list": rows}) as server:
        best = look(f"{server.url}/list", tmp_path).proposals[0]
        assert best.declaration["identifier"] == "heading"
        assert any("heading tells them apart" in str(warning) for warning in best.warnings)
        assert len(harvested(best, tmp_path)) == 5


def test_records_that_nothing_tells_apart_are_a_trouble(tmp_path: Path) -> None:
    with site({"/list": [{"kind": "lesson"}, {"kind": "lesson"}]}) as server:
        detection = look(f"{server.url}/list", tmp_path)
    assert not detection.proposals
    assert detection.trouble is not None
    assert "identifier" in str(detection.trouble.what)


@pytest.mark.parametrize(
    "text",
    ["Dear reader, welcome.\nThis is, as you see, a text.\n", "a,b\n", "", "1,2\n3,4\n5,6\n", '{"a": ', "plain"],
)
def test_a_text_that_is_no_table_is_not_proposed_as_one(text: str, tmp_path: Path) -> None:
    with site({"/text": text}) as server:
        detection = look(f"{server.url}/text", tmp_path)
    assert not detection.proposals
    assert detection.trouble is not None


def test_a_table_with_names_that_anybody_uses_is_mapped_and_no_platforms(tmp_path: Path) -> None:
    lines = ["id,title,url,description,language"]
    lines += [f"{n},Lesson {n} on water,https://school.example/{n},What pupils should know,en" for n in range(9)]
    table = Answer("\n".join(lines), headers={"Content-Type": "text/csv"})
    with site({"/list.csv": table}) as server:
        (best, *_) = look(f"{server.url}/list.csv", tmp_path).proposals
    mapping = best.declaration["map"]
    assert "format" not in best.declaration and best.declaration["identifier"] == "id"
    assert {"title", "url", "description", "languages"} <= {target.partition(":")[0] for target in mapping}
