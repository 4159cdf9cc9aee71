"""What is a translation, an edition or a version of one work is linked, never merged; what only looks so is not."""

from __future__ import annotations

import random
from typing import Any, Literal

import pytest

from schemas import Concept, Contributor, Identifier, Judgement, Language, Relation, Resource, Text
from transforms.match import Live, Resources, cluster, features, find_links, match
from transforms.match.links import MAX_LINKED_RECORDS, MAX_SOURCES_IN_LANGUAGE
from transforms.match.version_names import language_bases

ENGLISH, FRENCH = "Teaching fractions with everyday objects", "Enseigner les fractions avec des objets du quotidien"


def record(key: str, title: str, language: str | None = "en", **fields: Any) -> Live:
    """A record with one title, one declared language, an author and a year, unless `fields` gives others."""
    people, url = fields.pop("people", ["Amina Diallo"]), fields.pop("url", f"https://repo.example/items/{key}")
    values: dict[str, Any] = {
        "title": {language or "und": title},
        "languages": (Language(tag=language, origin="declared", confidence=1.0),) if language else (),
        "contributors": tuple(Contributor(name=name, role="author", kind="person") for name in people),
        "issued_year": fields.pop("year", 2019),
        "resource_types": (Concept(code="text", label="Text", source="text"),),
        "identifiers": tuple(Identifier(scheme=scheme, value=value) for scheme, value in fields.pop("ids", ())),
        "relations": tuple(Relation(**relation) for relation in fields.pop("relations", ())),
        "alternative_titles": tuple(Text(language="und", text=text) for text in fields.pop("others", ())),
        "url": url,
    }
    return Live(key.partition(":")[0], "", Resource(key=key, **{**values, **fields}))


def links(*lives: Live) -> dict[tuple[str, str], tuple[str, tuple[str, str] | None]]:
    """The links between records: variant and kinds by pair."""
    links = find_links(features(lives))
    return {(link.left_key, link.right_key): (link.variant, link.kinds) for link in links.links}


def variants(*lives: Live) -> dict[tuple[str, str], str]:
    return {pair: variant for pair, (variant, _) in links(*lives).items()}


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("https://a.example/guide/12/eng", "https://a.example/guide/12/fre"),
        ("https://a.example/guide/12", "https://a.example/guide/12/fr"),
        ("https://a.example/en/guide/12", "https://a.example/fr/guide/12"),
        ("https://a.example/guide?id=12&lang=en", "https://a.example/guide?id=12&lang=fr"),
        ("https://a.example/guide/?lang=en", "https://a.example/guide/?lang=fr"),
        ("https://a.example/guide_12_en.html", "https://a.example/guide_12_fr.html"),
        ("https://a.example/12eng.pdf", "https://a.example/12fre.pdf"),
        ("https://a.example/12-en-US", "https://a.example/12-fr-FR"),
        ("https://en.a.example/guide/12", "https://fr.a.example/guide/12"),
        ("https://a.example/english/guide", "https://a.example/french/guide"),
    ],
)
def test_addresses_that_differ_in_the_language_are_translations(english: str, french: str) -> None:
    left, right = record("a:1", ENGLISH, url=english), record("a:2", FRENCH, "fr", url=french, people=[])
    assert links(left, right) == {("a:1", "a:2"): ("translation", None)}


@pytest.mark.parametrize(
    ("english", "other", "language"),
    [
        ("ark:/48223/pf0000370101", "ark:/48223/pf0000370101", "fr"),
        ("ark:/48223/pf0000370101_eng", "ark:/48223/pf0000370101_fre", "fr"),
        ("ark:/48223/pf0000370101", "ark:/48223/pf0000370101_rus", "ru"),
    ],
)
def test_an_ark_with_and_without_its_language_is_one_work(english: str, other: str, language: str) -> None:
    title = {"fr": FRENCH, "ru": "Изучаем дроби на предметах быта"}[language]
    left = record("a:1", ENGLISH, ids=[("ark", english)])
    assert variants(left, record("a:2", title, language, ids=[("ark", other)])) == {("a:1", "a:2"): "translation"}


@pytest.mark.parametrize(
    ("scheme", "english", "french"),
    [("doi", "10.54675/guide.en", "10.54675/guide.fr"), ("oai", "oai:a.example:12-en", "oai:a.example:12-fr")],
)
def test_identifiers_of_other_schemes_that_differ_in_the_language(scheme: str, english: str, french: str) -> None:
    left, right = record("a:1", ENGLISH, ids=[(scheme, english)]), record("b:2", FRENCH, "fr", ids=[(scheme, french)])
    assert variants(left, right) == {("a:1", "b:2"): "translation"}


def test_languages_that_the_library_counts_as_one_have_all_their_codes() -> None:
    bases = [language_bases([f"url:a.example/12/{code}"], ["hbs"]) for code in ("sr", "srp", "hr", "hrv", "bos")]
    assert bases == [["url:a.example/12"]] * 5
    assert language_bases(["url:a.example/12/ger", "url:b.example/12/deu"], ["de"]) == [
        "url:a.example/12",
        "url:b.example/12",
    ]


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("https://a.example/course/1/eng", "https://a.example/course/2/fre"),  # two lessons
        ("https://a.example/en", "https://a.example/fr"),  # two front pages
        ("https://a.example/12/spa", "https://a.example/12/ita"),  # marks of languages that are not theirs
        ("https://a.example/guide?page=1&lang=en", "https://a.example/guide?page=2&lang=fr"),
        ("https://a.com/node/12/en", "https://b.com/node/12/fr"),
    ],
)
def test_addresses_of_two_works_are_no_translations(english: str, french: str) -> None:
    assert links(record("a:1", ENGLISH, url=english), record("a:2", FRENCH, "fr", url=french)) == {}


def test_lessons_and_volumes_under_one_address_are_no_translations() -> None:
    first, second = (record(f"a:{n}", f"Lesson {n}", url=f"https://a.example/c?lang=en#l{n}") for n in (1, 2))
    shared = {"url": "https://a.example/course/fr"}
    lessons = [record(f"a:{n}", title, "fr", **shared) for n, title in ((3, "Les fractions"), (4, "Les angles"))]
    assert links(first, second, *lessons, record("a:5", "Mathematics", url="https://a.example/course")) == {}
    first = record("a:1", "Guide, volume 1", url="https://a.example/g/en")
    second = record("a:2", "Guide, tome 2", "fr", url="https://a.example/g/fr")
    assert links(first, second) == {}


def test_one_text_under_two_declared_languages_is_no_translation() -> None:
    described = {"description": {"en": "Pupils cut apples and loaves into equal parts and name them as fractions."}}
    left = record("a:1", ENGLISH, url="https://a.example/g?lang=en", **described)
    right = record("a:2", ENGLISH, "fr", url="https://a.example/g?lang=fr", **described)
    assert links(left, right) == {}


def says(kind: str, target: str, variant: str | None = None) -> dict[str, Any]:
    return {"relations": [{"kind": kind, "target": target, "variant": variant}]}


@pytest.mark.parametrize(
    "target",
    [
        *(
            "10.54675/abc",
            "https://doi.org/10.54675/abc",
            "11599/7",
            "http://hdl.handle.net/11599/7",
            "oai:a.example:7",
        ),
        *("ark:/48223/pf7", "https://a.example/handle/11599/7", "https://www.repo.example/items/a:1/", ENGLISH),
    ],
)
@pytest.mark.parametrize("kind", ["isversionof", "hasversion"])
def test_a_record_links_what_it_names_as_its_version(target: str, kind: str) -> None:
    ids = [("doi", "10.54675/abc"), ("handle", "11599/7"), ("ark", "ark:/48223/pf7")]
    named = record("a:oai:a.example:7", ENGLISH, ids=ids, url="https://repo.example/items/a:1")
    naming = record("b:1", "Fractions, a new course for schools", **says(kind, target))
    inverse = {"isversionof": "hasversion", "hasversion": "isversionof"}[kind]
    assert links(named, naming) == {("a:oai:a.example:7", "b:1"): ("version", (inverse, kind))}


def test_what_a_relation_is_called_tells_the_variant() -> None:
    named = record("a:1", ENGLISH, ids=[("doi", "10.54675/abc")])
    french = record("b:1", FRENCH, "fr", **says("isversionof", "10.54675/abc"))
    unknown = record("b:2", "Fractions", None, **says("isversionof", "10.54675/abc", "translation"))
    second = record("b:3", f"{ENGLISH}, 2nd edition", **says("isversionof", "10.54675/abc"))
    links = variants(named, french, unknown, second)
    assert [links["a:1", f"b:{n}"] for n in (1, 2, 3)] == ["translation", "translation", "edition"]


@pytest.mark.parametrize("kind", ["ispartof", "haspart", "references", "isreferencedby", "isbasedon", "requires"])
def test_other_relations_are_no_versions(kind: str) -> None:
    named = record("a:1", ENGLISH, ids=[("doi", "10.54675/abc")])
    assert links(named, record("b:1", FRENCH, "fr", **says(kind, "10.54675/abc"))) == {}


def test_a_collection_that_many_records_name_links_none_of_them() -> None:
    collection = record("a:0", "Open textbooks", ids=[("handle", "11599/1")])
    members = [record(f"a:{n}", f"Textbook {n} of physics", **says("isversionof", "11599/1")) for n in range(1, 7)]
    assert len(members) > MAX_SOURCES_IN_LANGUAGE
    crowd = find_links(features([collection, *members]))
    assert (crowd.links, crowd.crowded) == ([], [("handle:11599/1", len(members))])
    assert len(links(collection, *members[:2])) == 2


def test_a_number_names_a_record_of_its_own_feed_only() -> None:
    source = record("a:1", FRENCH, "fr", **says("isversionof", "1234", "translation"))
    assert variants(source, record("a:1234", ENGLISH)) == {("a:1", "a:1234"): "translation"}
    assert variants(source, record("b:1234", ENGLISH)) == {}


def test_a_title_names_a_work_of_the_same_people_only() -> None:
    source = record("a:1", FRENCH, "fr", **says("isversionof", ENGLISH, "translation"))
    assert variants(source, record("b:1", ENGLISH)) == {("a:1", "b:1"): "translation"}
    assert variants(source, record("b:1", ENGLISH, people=["Li Wei"])) == {}


def test_a_format_is_linked_where_it_is_not_merged() -> None:
    page = record("a:1", ENGLISH, ids=[("doi", "10.54675/abc")])
    copy = record("b:1", ENGLISH, **says("isformatof", "10.54675/abc"))
    rows = features([page, copy])
    links = find_links(rows).links
    assert [group.keys for group in cluster(match(rows).pairs, rows, links=links).clusters] == [("a:1", "b:1")]
    other = record("b:1", "An audio book for evenings", people=[], **says("isformatof", "10.54675/abc"))
    rows = features([page, other])
    assert cluster(match(rows).pairs, rows, links=find_links(rows).links).related == [
        ("a:1", "b:1", "hasformat", "version"),
        ("b:1", "a:1", "isformatof", "version"),
    ]


def test_an_alternative_title_tells_a_translation_where_people_year_and_numbers_agree() -> None:
    original = record("a:1", ENGLISH)
    assert variants(original, record("b:1", FRENCH, "fr", others=[ENGLISH])) == {("a:1", "b:1"): "translation"}
    assert variants(original, record("b:1", FRENCH, "fr", others=[ENGLISH.upper()], year=2021)) != {}


@pytest.mark.parametrize(
    "different",
    [
        {"people": ["Li Wei"]},
        {"people": []},
        {"year": 1999},
        {"others": [f"{ENGLISH} 2"]},
        {"others": ["Teaching fractions"]},
        {"language": "en"},
    ],
)
def test_an_alternative_title_alone_tells_nothing(different: dict[str, Any]) -> None:
    other = record("b:1", FRENCH, **{"language": "fr", "others": [ENGLISH], **different})
    assert links(record("a:1", ENGLISH), other) == {}


@pytest.mark.parametrize("edition", [", 2nd edition", ". Second edition", " (rev. ed.)"])
def test_the_title_but_for_the_edition_tells_an_edition(edition: str) -> None:
    isbns = ("9781894975001", "9781894975070")
    first, second = record("a:1", ENGLISH, ids=[("isbn", isbns[0])]), f"{ENGLISH}{edition}"
    assert variants(first, record("a:2", second, ids=[("isbn", isbns[1])], year=2025)) == {("a:1", "a:2"): "edition"}
    assert variants(record("a:2", second), record("b:3", f"{ENGLISH}, 7th edition")) == {("a:2", "b:3"): "edition"}


@pytest.mark.parametrize(
    "different",
    [
        {"people": ["Li Wei"]},
        {"title": f"{ENGLISH}, volume 2"},
        {"title": "Teaching angles, 2nd edition"},
        {"language": "fr"},
    ],
)
def test_another_edition_of_other_people_or_of_another_volume_is_not_linked(different: dict[str, Any]) -> None:
    other = record("a:2", **{"title": f"{ENGLISH}, 2nd edition", "language": "en", **different})
    assert links(record("a:1", ENGLISH), other) == {}


def test_the_title_of_a_series_tells_nothing() -> None:
    issues = [record(f"a:{n}", "Annual report of the school library") for n in (1, 2)]
    french = record("b:1", "Rapport annuel de la médiathèque", "fr", others=["Annual report of the school library"])
    assert links(*issues, french) == {}


def test_an_identifier_that_many_records_share_links_none_and_is_counted() -> None:
    half = (MAX_LINKED_RECORDS + 2) // 2
    shared = {"url": "https://a.example/series/en"}
    crowd = [record(f"f{n}:1", "Series", **shared) for n in range(half)]
    crowd += [record(f"g{n}:1", "Série", "fr", url="https://a.example/series/fr") for n in range(half)]
    links = find_links(features(crowd))
    assert (links.links, links.crowded) == ([], [("url:a.example/series", 2 * half)])


def test_ten_thousand_records_of_one_base_are_counted_at_once() -> None:
    crowd = features(record(f"f{n}:1", "Series", url="https://a.example/series/en") for n in range(10_000))
    assert find_links(crowd).crowded == [("url:a.example/series", 10_000)]


def clustered(*lives: Live, judgements: tuple[Judgement, ...] = ()) -> Any:
    rows = features(lives)
    pairs = match(rows, judgements=judgements).pairs
    return cluster(pairs, rows, judgements, links=find_links(rows).links)


def test_a_declared_version_is_not_merged_even_through_a_third_record() -> None:
    first = record("a:1", ENGLISH, ids=[("doi", "10.54675/one")])
    second = record("b:1", ENGLISH, ids=[("handle", "1/2")], **says("isversionof", "10.54675/one"))
    third = record("c:1", ENGLISH)
    assert clustered(first, second).clusters == []
    grouped = clustered(first, second, third)
    assert not any({"a:1", "b:1"} <= set(group.keys) for group in grouped.clusters)
    pair = next(match for match in grouped.matches if (match.left_key, match.right_key) == ("a:1", "b:1"))
    assert pair.verdict == "different"
    assert [evidence.seen for evidence in pair.evidence][-2:] == [
        "one record says so: doi:10.54675/one",
        "a version of one work: linked, not merged",
    ]


@pytest.mark.parametrize("verdict", ["same", "different"])
def test_a_steward_decides_over_a_link(verdict: Literal["same", "different"]) -> None:
    left = record("a:1", ENGLISH, url="https://a.example/en/1")
    right = record("b:1", FRENCH, "fr", url="https://a.example/fr/1")
    judged = Judgement(left_key="a:1", right_key="b:1", verdict=verdict, by="Steward", at="2026-01-01", reason="read")
    grouped = clustered(left, right, judgements=(judged,))
    assert grouped.related == []
    assert [group.keys for group in grouped.clusters] == ([("a:1", "b:1")] if verdict == "same" else [])


def some_record(chance: random.Random, key: str) -> Live:
    """A record out of few titles, languages, addresses and relations."""
    language, title = chance.choice([("en", ENGLISH), ("fr", FRENCH), ("en", "Angles"), ("fr", "Les angles")])
    number = chance.randrange(6)
    url = chance.choice([f"https://a.example/{number}/{language}", f"https://a.example/{number}"])
    relations = chance.choice([[], [], [{"kind": "isversionof", "target": f"https://a.example/{chance.randrange(6)}"}]])
    people = chance.choice([["Amina Diallo"], ["Li Wei"]])
    others = chance.choice([(), (), (ENGLISH,)])
    return record(key, title, language, url=url, relations=relations, people=people, others=others)


@pytest.mark.parametrize("seed", range(2))
def test_an_increment_links_what_a_full_run_links(seed: int) -> None:
    chance = random.Random(seed)
    live = {f"f{n % 3}:{n}": some_record(chance, f"f{n % 3}:{n}") for n in range(30)}
    before = features(live.values())
    known = match(before, resources=Resources(block=4))
    linked = 0
    for _ in range(3):
        for key in chance.sample(sorted(live), 5):
            del live[key]
        live |= {key: some_record(chance, key) for key in (f"f{chance.randrange(3)}:{chance.randrange(60)}",) * 6}
        now = features(live.values())
        known = match(now, before=before, known=known.pairs, resources=Resources(block=4))
        full = match(now, resources=Resources(block=4))
        links = find_links(now).links
        linked += len(links)
        assert cluster(known.pairs, now, links=links) == cluster(full.pairs, now, links=links)
        before = now
    assert linked
