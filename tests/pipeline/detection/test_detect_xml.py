"""XML lists of unknown partners: their fields are guessed as those of JSON lists are."""

from __future__ import annotations

from pathlib import Path

from schemas import Resource
from tests.pipeline.detection.partner_site import declared, harvested, look, site
from transforms import transform

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
LESSONS = """<?xml version="1.0" encoding="UTF-8"?>
<library xmlns="https://school.example/ns" total="3"><!-- of our school --><lessons>
 <lesson nr="l-1"><titre xml:lang="fr">Les volcans</titre><resume>Une leçon sur les volcans, avec une maquette.</resume>
  <adresse>https://school.example/l/1</adresse>
  <licence url="https://creativecommons.org/licenses/by/4.0/">CC BY</licence>
  <auteurs><auteur><nom>Awa Diop</nom></auteur><auteur><nom>Jean Petit</nom></auteur></auteurs>
  <langue>fr</langue></lesson>
 <lesson nr="l-2"><titre>Les fractions</titre><resume>Une leçon sur les fractions, avec des bandes de papier.</resume>
  <adresse>https://school.example/l/2</adresse>
  <licence url="https://creativecommons.org/licenses/by/4.0/">CC BY</licence>
  <auteurs><auteur><nom>Awa Diop</nom></auteur></auteurs>
  <langue>fr</langue></lesson>
 <lesson nr="l-3"><titre>Le cycle de l’eau</titre><resume>Une leçon sur l’eau, avec une expérience.</resume>
  <adresse>https://school.example/l/3</adresse>
  <licence url="https://creativecommons.org/licenses/by/4.0/">CC BY</licence>
  <auteurs><auteur><nom>Léa Roux</nom></auteur></auteurs>
  <langue>fr</langue></lesson>
</lessons></library>"""
WRAPPED = "<list>{}</list>".format(
    "".join(
        f"<rec><header><identifier>i{number}</identifier></header><metadata><title>Lesson {number}</title>"
        f"<url>https://school.example/{number}</url><author><name>Ana Diop</name></author></metadata></rec>"
        for number in range(4)
    )
)


def resources_of(text: str, home: Path) -> tuple[dict[str, object], list[Resource | None]]:
    """Return the declaration that is proposed for a list, and what becomes of its records."""
    with site({"/lessons.xml": text}) as server:
        best = look(f"{server.url}/lessons.xml", home).proposals[0]
        feed, records = declared(best, home), harvested(best, home)
    return best.declaration, [transform(record, feed).resource for record in records]


def test_an_xml_list_in_no_known_format_is_proposed_with_a_map_that_reads_it(tmp_path: Path) -> None:
    declaration, resources = resources_of(LESSONS, tmp_path)
    guesses = {"title": "titre", "description": "resume", "languages": "langue", "url": "adresse", "license": "licence"}
    assert declaration["map"] == guesses and declaration["identifier"] == "nr"
    assert [each and each.title["fr"] for each in resources] == ["Les volcans", "Les fractions", "Le cycle de l’eau"]
    assert [each and each.url for each in resources] == [f"https://school.example/l/{number}" for number in (1, 2, 3)]
    assert resources[0] is not None
    assert [leaf.value for leaf in resources[0].unmapped] == ["l-1", LICENCE, "Awa Diop", "Jean Petit"]


def test_records_in_a_wrapper_are_read_by_the_same_path_whether_a_value_is_repeated_or_not(tmp_path: Path) -> None:
    text = WRAPPED.replace("</author>", "</author><author><name>Bo Diop</name></author>", 1)
    declaration, resources = resources_of(text, tmp_path)
    assert declaration["identifier"] == "header.identifier"
    names = [[person.name for person in each.contributors] for each in resources if each is not None]
    assert names == [["Ana Diop", "Bo Diop"], ["Ana Diop"], ["Ana Diop"], ["Ana Diop"]]


def test_an_xml_document_whose_elements_have_no_title_is_no_list_of_records(tmp_path: Path) -> None:
    text = "<prices>{}</prices>".format("".join(f"<price id='{each}'>1{each}</price>" for each in range(5)))
    with site({"/prices.xml": text}) as server:
        detection = look(f"{server.url}/prices.xml", tmp_path)
    assert detection.proposals == () and detection.trouble is not None
