"""People and organisations as repositories name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.normalize.people import is_corporate, read_authority_id, read_contributors, read_publisher

P, O = "person", "organisation"  # noqa: E741 - short in the tables below
ONE = [
    ("Rodríguez Pérez, María Elena", "María Elena Rodríguez Pérez", P),
    ("Pereira Filho, Saulo Rodrigues", "Saulo Rodrigues Pereira Filho", P),
    ("Sousa Santos, Boaventura de", "Boaventura de Sousa Santos", P),
    ("Петров Водкин, Кузьма Сергеевич", "Кузьма Сергеевич Петров Водкин", P),
    ("de la Cruz, Juan Carlos", "Juan Carlos de la Cruz", P),
    ("Doe, Jane Doe", "Jane Doe", P),
    ("Jane Doe, Jane", "Jane Doe", P),
    ("Jane Doe, M.D.", "Jane Doe, M.D.", P),
    ("Smith, John, V", "John Smith, V", P),
    ("José Ortega y Gasset", "José Ortega y Gasset", P),
    ("Costa e Silva, João", "João Costa e Silva", P),
    ("Zorb Fneed, Qwim Trel", "Zorb Fneed, Qwim Trel", P),  # which the finding contributors_in_one reports
    ("Adeyanju , Thomas K", "Thomas K Adeyanju", P),
    ("King, Martin Luther, Jr.", "Martin Luther King, Jr.", P),
    ("Encrenaz, Gaëlle,", "Gaëlle Encrenaz", P),
    ("Dr. Müller, Hans", "Dr. Hans Müller", P),
    ("Prof. Dr. Müller, Hans", "Prof. Dr. Hans Müller", P),
    ("проф. Петровић, Петар", "проф. Петар Петровић", P),
    ("Prof, Ana", "Ana Prof", P),
    ("García Márquez, Gabriel José", "Gabriel José García Márquez", P),
    ("Van den Heuvel, F.A.", "F.A. Van den Heuvel", P),
    ("Perera, GAC", "GAC Perera", P),
    ("Smith, John <john@x.org>", "John Smith", P),
    ("Smith, John, 1950-2001", "John Smith", P),
    ("John  Smith (University of X)", "John Smith", P),
    ("Петровић, Петар", "Петар Петровић", P),
    ("สมชาย ใจดี", "สมชาย ใจดี", P),
    ("UNESCO", "UNESCO", O),
    ("Ministry of Education, Science and Technology", "Ministry of Education, Science and Technology", O),
    ("Department of Physics, University of Belgrade", "Department of Physics, University of Belgrade", O),
    ("University of California, Berkeley", "University of California, Berkeley", O),
    ("Yale University, New Haven", "Yale University, New Haven", O),
    ("Harvard University, Cambridge, Massachusetts", "Harvard University, Cambridge, Massachusetts", O),
    ("Faculty of Law, Belgrade, Serbia", "Faculty of Law, Belgrade, Serbia", O),
    ("Press, William H.", "William H. Press", P),
    ("PANTEL, Klaus", "Klaus PANTEL", P),
    ("Smith, John, editor", "John Smith", P),
    ("Универзитет у Београду", "Универзитет у Београду", O),
    ("มหาวิทยาลัยสงขลานครินทร์", "มหาวิทยาลัยสงขลานครินทร์", O),
    ("وزارة التربية والتعليم", "وزارة التربية والتعليم", O),
    ("المنظمة العربية للتربية والثقافة والعلوم", "المنظمة العربية للتربية والثقافة والعلوم", O),
    ("Министерство просвещения Российской Федерации", "Министерство просвещения Российской Федерации", O),
    ("Bangsberg, D. R.", "D. R. Bangsberg", P),
    ("Sartory, Joseph.", "Joseph Sartory", P),
    ("Jones, Chas.", "Chas. Jones", P),
    ("Araripe, J.R.", "J.R. Araripe", P),
    ("FIOCRUZ/ICICT", "FIOCRUZ/ICICT", O),
    ("Library of Congress, Washington, D.C.", "Library of Congress, Washington, D.C.", O),
    ("Peace Corps (U.S.)", "Peace Corps (U.S.)", O),
    ("Johnson & Johnson", "Johnson & Johnson", O),
    ("Médecins Sans Frontières", "Médecins Sans Frontières", O),
    ("by John Smith", "John Smith", P),
    ("Réseau sur le stockage de l'énergie (RS2E)", "Réseau sur le stockage de l'énergie (RS2E)", O),
]
SEVERAL = [
    ("Ana Silva e Rui Costa", None, ["Ana Silva", "Rui Costa"]),
    ("Marta Kovač i Ivan Horvat", None, ["Marta Kovač", "Ivan Horvat"]),
    ("أحمد محمود و فاطمة علي", None, ["أحمد محمود", "فاطمة علي"]),
    ("สมชาย ใจดี และ สมหญิง รักเรียน", None, ["สมชาย ใจดี", "สมหญิง รักเรียน"]),
    ("Ann Roe, Institute of Physics", None, ["Ann Roe", "Institute of Physics"]),
    ("B. Martin, K. Ziegler", None, ["B. Martin", "K. Ziegler"]),
    (
        "UNESCO, Kirkland, Anna, International Bureau of Education",
        None,
        ["UNESCO", "Anna Kirkland", "International Bureau of Education"],
    ),
    ("UNESCO Office Bangkok, UNESCO, Smith, J.", "joined", ["UNESCO Office Bangkok", "UNESCO", "J. Smith"]),
    (
        "Ministry of Education, Science and Technology, Smith, Ann",
        "joined",
        ["Ministry of Education, Science and Technology", "Ann Smith"],
    ),
    ("World Heritage Committee, 44th session, Fuzhou", "joined", ["World Heritage Committee, 44th session, Fuzhou"]),
    ("Kirkland, Anna, UNESCO", None, ["Anna Kirkland", "UNESCO"]),
    ("Иванов И. И., Петров П. П.", None, ["Иванов И. И.", "Петров П. П."]),
    ("A. Smith, B. Jones and C. Brown", None, ["A. Smith", "B. Jones", "C. Brown"]),
    ("Smith, John; Doe, Jane", None, ["John Smith", "Jane Doe"]),
    ("Smith, John and Doe, Jane", None, ["John Smith", "Jane Doe"]),
    ("Smith, John, Doe, Jane", None, ["John Smith", "Jane Doe"]),
    ("John Smith, Jane Doe, Ann Lee", None, ["John Smith", "Jane Doe", "Ann Lee"]),
    ("John Smith & Jane Doe", "person", ["John Smith", "Jane Doe"]),
    ("J. Smith and A. Brown", None, ["J. Smith", "A. Brown"]),
    ("Smith, J., Brown, A. B. & Green, C.", None, ["J. Smith", "A. B. Brown", "C. Green"]),
    (
        "Arab League Educational, Cultural and Scientific Organization, UNESCO Office Doha",
        "joined",
        ["Arab League Educational, Cultural and Scientific Organization", "UNESCO Office Doha"],
    ),
    (
        "Organisation des Nations Unies pour l'éducation, la science et la culture, Dupont, Jean",
        "joined",
        ["Organisation des Nations Unies pour l'éducation, la science et la culture", "Jean Dupont"],
    ),
    (
        "University of California, Los Angeles, Smith, John",
        "joined",
        ["University of California, Los Angeles", "John Smith"],
    ),
]


@pytest.mark.parametrize(("written", "name", "kind"), ONE)
def test_a_single_name_is_read(written: str, name: str, kind: str) -> None:
    assert [(contributor.name, contributor.kind, contributor.role) for contributor in read_contributors(written)] == [
        (name, kind, "author")
    ]


@pytest.mark.parametrize(("written", "kind", "names"), SEVERAL)
def test_several_names_keep_their_order(written: str, kind: str | None, names: list[str]) -> None:
    assert [contributor.name for contributor in read_contributors(written, kind=kind)] == names


@pytest.mark.parametrize(
    "written",
    ["", " , ", "n/a", "Unknown", "[s.n.]", "x@y.org", "Anonymous", "مجهول", "(:Unav)", "Unknown, Unknown", "佚名"],
)
def test_placeholders_name_no_contributor(written: str) -> None:
    assert read_contributors(written) == ()


def test_the_kind_given_by_the_source_decides() -> None:
    assert [contributor.name for contributor in read_contributors("Smith, Jones, and Partners, London", kind=O)] == [
        "Smith, Jones, and Partners, London"
    ]
    assert read_contributors("Bureau, Anna", kind=P)[0].name == "Anna Bureau"


def test_orcid_in_any_spelling_and_with_its_check_digit() -> None:
    orcid = "https://orcid.org/0000-0002-1825-0097"
    for written in (
        "orcid::0000-0002-1825-0097",
        "0000-0002-1825-0097",
        "https://orcid.org/0000-0002-1825-0097/",
        "ORCID 0000000218250097",
    ):
        assert read_authority_id(written) == orcid
        assert read_contributors("Carberry, Josiah", authority=written)[0].id == orcid
    assert (
        read_contributors("Carberry, Josiah (0000-0002-1825-0097)")[0]
        == read_contributors("Carberry, Josiah", authority=orcid)[0]
    )
    assert read_authority_id("0000-0002-1825-0098") is None
    assert read_authority_id("3f2504e0-4f89-11d3-9a0c-0305e82c3301") is None
    assert read_authority_id("http://viaf.org/viaf/24604287") == "https://viaf.org/viaf/24604287"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Paris : UNESCO,", "UNESCO"),
        (" COL ", "COL"),
        ("[s.n.]", ""),
        ("Springer", "Springer"),
        ("© Elsevier", "Elsevier"),
    ],
)
def test_a_publisher_is_read_without_place_and_punctuation(written: str, name: str) -> None:
    assert read_publisher(written) == name


@given(st.text(max_size=200), st.sampled_from([None, "person", "organisation", "joined"]))
def test_any_text_gives_at_most_200_contributors_with_names(written: str, kind: str | None) -> None:
    result = read_contributors(written, kind=kind)
    read_publisher(written)
    assert all(contributor.name.strip() == contributor.name and contributor.name for contributor in result)
    assert len(result) <= 200


@given(st.text(max_size=80))
def test_a_corporate_name_is_never_split_at_a_comma(written: str) -> None:
    name = f"University of {written.replace(';', '').replace('|', '')}, Department of Physics"
    if is_corporate(name.split(",", maxsplit=1)[0]) and "," not in written and "،" not in written:
        assert len(read_contributors(name)) == 1


@given(st.sampled_from([written for written, *_ in ONE]))
def test_a_name_in_house_form_stays(written: str) -> None:
    first = read_contributors(written)[0]
    assert read_contributors(first.name)[0] == first
