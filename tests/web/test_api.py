"""The API as the systems of other libraries use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import insert

from loaders.curation import withdraw
from loaders.search import LIBRARY_INDEX_FOLDER
from loaders.store import RedirectRow, engine, write_transaction
from pipeline import catalog as tasks_catalog
from schemas import Environment, environment
from tests.catalogs import new_catalog
from tests.loaders.nights import rows
from tests.pipeline.feeds import declare, listed, night
from tests.web.conftest import Browser
from web import create_app
from web.settings import WebSettings

CELL = {"type": "Concept", "id": "https://example.org/c", "prefLabel": {"en": "ICT-CFT 3.2"}}
SITE = "https://library.example.org"
PATH = "/api/v1/resources"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """A library of two feeds; the partner of one has not consented to pass on its metadata."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELIB_HOME", str(home))
        patch.setenv("ELIB_FEEDS", str(home / "feeds"))
        patch.delenv("ELIB_CATALOG_URL", raising=False)
        env = environment()
        new_catalog(env)
        declare(env, "books", 'metadata_license = "CC-BY-4.0"\n')
        night(
            env,
            "books",
            [listed("books", number, **({"teaches": [CELL]} if number == 0 else {})) for number in range(6)],
        )
        tasks_catalog.publish_now()
        yield env
        engine(env).dispose()


@pytest.fixture
def client(library: Environment) -> Iterator[Browser]:
    with Browser(
        create_app(library, WebSettings(secret="s" * 40, url=SITE)), base_url="http://127.0.0.1:8081"
    ) as browser:
        yield browser


def ids(env: Environment) -> dict[str, str]:
    return {title.partition(" ")[0]: resource_id for title, resource_id in rows(env, "resource", "title, id") if title}


def problem(answer: Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status and body["type"] == f"/api/v1#problem-{kind}" and body["detail"]
    return body


def test_a_search_finds_filters_counts_and_pages(library: Environment, client: Browser) -> None:
    found = client.get(PATH, params={"q": "photosynthesis"}).json()
    assert [each["id"] for each in found["resources"]] == [ids(library)["Photosynthesis"]]
    assert found["resources"][0]["metadata_license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert found["resources"][0]["record"]["title"]["en"].startswith("Photosynthesis")
    seen: list[str] = []
    address = f"{PATH}?page_size=4&order=newest&facets=false"
    while address:
        page = client.get(address).json()
        seen += [each["id"] for each in page["resources"]]
        address = page["links"].get("next", "").removeprefix(SITE)
    assert sorted(seen) == sorted(ids(library).values()) and page["facets"] == {}
    facets = client.get(PATH, params={"lang": "ru"}).json()["facets"]
    assert {"value": "en", "count": 6, "label": "английский", "language": "ru"} in facets["language"]
    assert client.get(PATH, params={"language": "fr"}).json()["total"] == 0


def test_competencies_are_a_facet_with_labels_in_four_languages(library: Environment, client: Browser) -> None:
    labels = {}
    for language in ("en", "fr", "ru", "ar"):
        (value,) = client.get(PATH, params={"lang": language}).json()["facets"]["competency"]
        assert (value["value"], value["count"], value["language"]) == ("ict-cft.3.2", 1, language)
        labels[language] = value["label"]
        page = client.get(f"/resources/{ids(library)['Photosynthesis']}", params={"lang": language})
        assert value["label"] in page.text and value["label"] in client.get("/search", params={"lang": language}).text
    assert len(set(labels.values())) == 4
    found = client.get(PATH, params={"competency": "ict-cft.3.2"}).json()
    assert [each["id"] for each in found["resources"]] == [ids(library)["Photosynthesis"]]
    assert client.get(PATH, params={"q": "résolution de problèmes complexes"}).json()["total"] == 1


@pytest.mark.parametrize(
    ("query", "kind", "names"),
    [
        ("quary=x", "unknown-parameter", "quary"),
        ("page=0", "bad-parameter", "page"),
        ("page=x", "bad-parameter", "page"),
        ("page_size=101", "bad-parameter", "page_size"),
        ("order=best", "bad-parameter", "order"),
        ("open=maybe", "bad-parameter", "open"),
        ("q=a&q=b", "bad-parameter", "q"),
        ("page=101&page_size=100", "too-deep", "/api/v1/changes"),
        ("q=a%00b", "bad-parameter", "NUL"),
    ],
)
def test_a_mistake_in_the_address_is_named(client: Browser, query: str, kind: str, names: str) -> None:
    assert names in problem(client.get(f"{PATH}?{query}"), 400, kind)["detail"]


def test_a_resource_comes_in_the_format_that_is_preferred(library: Environment, client: Browser) -> None:
    address = f"{PATH}/{ids(library)['Fractions']}"
    amb = 'application/ld+json; profile="https://w3id.org/kim/amb/latest/"'
    for accept, suffix in [
        (None, ".json"),
        ("*/*", ".json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ".json"),
        ("application/ld+json", ".jsonld"),
        (amb, ".amb.json"),
        (f"application/xml;q=0.5, {amb};q=0.4", ".oai_dc.xml"),
        ("application/json;q=0.1, application/marcxml+xml;q=0.2", ".marcxml"),
        ('application/xml; profile="http://ltsc.ieee.org/xsd/LOM"', ".lom.xml"),
        ("text/xml", ".oai_dc.xml"),
        ("application/json;q=0, */*;q=0.1", ".jsonld"),
        ("nonsense", ".json"),
        (";", ".json"),
        (f"application/json;q=0.5, {amb.replace('profile', 'Profile')};q=0.6", ".amb.json"),
        # what the parser of `email` fails at
        ("application/ld+json; q*=utf-8''0.5", ".jsonld"),
        ("application/ld+json; p*=utf-8''a; p*0=b", ".jsonld"),
        (f"application/ld+json; p*{'1' * 5_000}=x", ".jsonld"),
    ]:
        answer = client.get(address, headers={"accept": accept} if accept is not None else {})
        assert answer.status_code == 200, accept
        assert answer.headers["content-location"] == address + suffix, accept
        assert "Accept" in answer.headers["vary"]
        by_suffix = client.get(address + suffix)
        assert by_suffix.content == answer.content
        assert by_suffix.headers["content-type"] == answer.headers["content-type"]
        alternates = re.findall(r'<([^>]+)>; rel="alternate"', answer.headers["link"])
        assert len(alternates) == 5 and all(
            client.get(each.removeprefix(SITE)).status_code == 200 for each in alternates
        )
    assert "Fractions" in client.get(address + ".marcxml").text
    offered = problem(client.get(address, headers={"accept": "image/png"}), 406, "not-acceptable")["offered"]
    assert amb in offered
    problem(client.get(address + ".docx"), 404, "not-found")


def test_what_has_not_changed_is_not_sent_again(library: Environment, client: Browser) -> None:
    for path in (f"{PATH}/{ids(library)['Fractions']}", PATH, "/api/v1/changes", "/api/v1/openapi.json"):
        plain = client.get(path, headers={"accept-encoding": "identity"})
        packed = client.get(path, headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip" and packed.content == plain.content
        assert plain.headers["etag"] != packed.headers["etag"] and not plain.headers["etag"].startswith("W/")
        tag = {"accept-encoding": "identity", "if-none-match": f'"x", W/{plain.headers["etag"]}'}
        again = client.get(path, headers=tag)
        assert again.status_code == 304 and not again.content and again.headers["etag"] == plain.headers["etag"]
        head = client.head(path, headers={"accept-encoding": "identity"})
        assert head.headers["content-length"] == str(len(plain.content)) and not head.content
        if "last-modified" in plain.headers:
            known = {"if-modified-since": plain.headers["last-modified"]}
            assert client.get(path, headers=known).status_code == 304
            assert client.get(path, headers={"if-modified-since": "Mon, 01 Jan 2001 00:00:00 GMT"}).status_code == 200
            assert client.get(path, headers={**known, "if-none-match": '"x"'}).status_code == 200
        for unreadable in ("never", f"Mon, 01 Jan 2001 00:00:00 +{'9' * 20}", f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"):
            assert client.get(path, headers={"if-modified-since": unreadable}).status_code == 200, unreadable
        assert "set-cookie" not in plain.headers


def test_scripts_of_other_pages_may_read(client: Browser) -> None:
    asked = {"origin": "https://other.example.org", "access-control-request-method": "GET"}
    preflight = client.options(PATH, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    answer = client.get(PATH, headers=asked)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


def test_every_error_is_a_problem(client: Browser) -> None:
    problem(client.get("/api/v2/resources"), 404, "not-found")
    problem(client.get(f"{PATH}/01ARZ3NDEKTSV4RRFFQ69G5FAV"), 404, "not-found")
    refused = client.post(PATH, json={})
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    problem(client.post(PATH, content=b"x" * (1 << 20 | 1)), 413, "too-large")
    problem(client.get("/api/v1/changes?since=publish-20990101T000000000000"), 410, "unknown-cursor")
    problem(client.get("/api/v1/changes?since=a~b~c~d"), 400, "bad-parameter")


def test_a_defect_is_a_problem_and_in_the_log(
    library: Environment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(library, WebSettings(secret="s" * 40, url=SITE))
    (api,) = [route.app for route in app.routes if getattr(route, "path", "") == "/api"]
    del api.state.env
    with Browser(app, base_url="http://127.0.0.1:8081", raise_server_exceptions=False) as browser:
        answer = browser.get(f"{PATH}/x")
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert "env" in caplog.text


def test_who_asks_too_often_is_told_when_to_come_back(client: Browser) -> None:
    problem(client.get(PATH, params={"rate": "9999/second"}), 400, "unknown-parameter")
    first = client.get(PATH, params={"facets": "false"})
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-policy"]) == ("120", "120;w=60")
    for _ in range(int(first.headers["ratelimit-remaining"])):
        wrong = client.get(PATH, params={"page": "x"})
    assert wrong.headers["ratelimit-remaining"] == "0", "mistakes count too"
    answer = client.get(PATH, params={"facets": "false"})
    problem(answer, 429, "too-many-requests")
    assert 0 < int(answer.headers["retry-after"]) <= 60 and answer.headers["ratelimit-remaining"] == "0"


def test_people_can_read_about_it(client: Browser) -> None:
    page = client.get("/api/v1")
    assert page.status_code == 200 and "<script" not in page.text.partition("<main")[2].partition("</main>")[0]
    assert "/api/v1/changes" in page.text and 'id="problem-unknown-cursor"' in page.text
    described = client.get("/api/v1/openapi.json").json()
    assert described["servers"] == [{"url": f"{SITE}/api"}]
    assert set(described["paths"]) == {"/v1/resources", "/v1/resources/{name}", "/v1/changes"}


def test_ids_that_moved_or_are_gone(library: Environment, client: Browser) -> None:
    known = ids(library)
    with write_transaction(library) as connection:
        redirect = {"old_id": "01OLD", "id": known["Grammar"], "at": "2026-01-01T00:00:00Z"}
        connection.execute(insert(RedirectRow).values(**redirect))
    for suffix in ("", ".amb.json"):
        moved = client.get(f"{PATH}/01OLD{suffix}", follow_redirects=False)
        assert (moved.status_code, moved.headers["location"]) == (301, f"{PATH}/{known['Grammar']}{suffix}")
    withdraw(library, known["Volcanoes"], by="Amina", reason="a secret reason")
    tasks_catalog.publish_now()
    gone = client.get(f"{PATH}/{known['Volcanoes']}.lom.xml")
    assert problem(gone, 410, "withdrawn")["id"] == known["Volcanoes"] and "secret" not in gone.text


def test_without_an_index_the_search_says_so_and_resources_can_be_read(
    library: Environment, client: Browser, tmp_path: Path
) -> None:
    folder = library.home / LIBRARY_INDEX_FOLDER
    folder.rename(tmp_path / "aside")
    assert int(client.get(PATH).headers["retry-after"]) > 0
    problem(client.get(PATH), 503, "no-index")
    assert client.get(f"{PATH}/{ids(library)['Fractions']}").status_code == 200
    (tmp_path / "aside").rename(folder)
