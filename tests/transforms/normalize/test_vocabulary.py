"""The library's lists and what partners say instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import read_vocabulary
from transforms.normalize.folding import compact, fold
from transforms.normalize.vocabulary import (
    VOCABULARIES,
    lookup,
    read_age_range,
    read_competency,
    read_learning_time,
    read_time_bounds,
    subjects,
)

TABLES = [field for field in VOCABULARIES if field not in ("subject", "unesco")]

TERMS = [
    ("resource_type", "info:eu-repo/semantics/doctoralThesis", "text"),
    ("resource_type", "http://purl.org/coar/resource_type/c_6501/", "text"),
    ("resource_type", "http://purl.org/coar/resource_type/c_12ce", "video"),
    ("resource_type", "http://purl.org/dc/dcmitype/StillImage", "image"),
    ("resource_type", "https://w3id.org/kim/hcrt/drill_and_practice", "drill_and_practice"),
    ("resource_type", "http://purl.org/dcx/lrmi-vocabs/learningResourceType/lessonPlan", "lesson_plan"),
    ("resource_type", "narrative_text", "text"),
    ("resource_type", "Conference papers", "text"),
    ("resource_type", "学術雑誌論文(journal article)", "text"),
    ("resource_type", "Diagram/Illustration", "diagram"),
    ("resource_type", "Simulacao", "simulation"),
    ("resource_type", "วิทยานิพนธ์", "text"),
    ("resource_type", "докторска дисертација", "text"),
    ("resource_type", "doktorska disertacija", "text"),
    ("resource_type", "презентације", "slide"),
    ("resource_type", "prezentacije", "slide"),
    ("resource_type", "الكتاب", "text"),
    ("resource_type", "كتاب مدرسي", "textbook"),
    ("resource_type", "План урока", "lesson_plan"),
    ("level", "https://w3id.org/kim/isced-2011/level3", "3"),
    ("level", "high-school", "3"),
    ("level", "основне академске студије", "6"),
    ("level", "มัธยมศึกษาตอนต้น", "2"),
    ("level", "التعليم الابتدائي", "1"),
    ("context", "graduate-professional", "higher education"),
    ("context", "Educacao superior", "higher education"),
    ("audience", "http://purl.org/dcx/lrmi-vocabs/educationalAudienceRole/student", "learner"),
    ("audience", "المعلمين", "teacher"),
    ("difficulty", "Advanced", "difficult"),
    ("difficulty", "http://data.education.fr/voc/scolomfr/concept/easy", "easy"),
    ("interactivity_type", "Misto", "mixed"),
    ("role", "graphical_designer", "graphical designer"),
    ("role", "Autor", "author"),
    ("relation_kind", "http://purl.org/dc/terms/isPartOf", "ispartof"),
    ("cost", "Nao", "no"),
    ("media_type", "application/pdf; charset=binary", "application/pdf"),
    ("media_type", "http://purl.org/NET/mediatypes/text/html", "text/html"),
    ("media_type", "image/jpg", "image/jpeg"),
    ("media_type", ".PPTX", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("media_type", "application/x-stata-syntax", "application/x-stata-syntax"),
    ("subject", "Математика", "0541"),
    ("subject", "Српски језик и књижевност", "0232"),
    ("subject", "srpski jezik i književnost", "0232"),
    ("subject", "รัฐศาสตร์", "0312"),
    ("subject", "Science > Physics", "0533"),
    ("subject", "Computer networks -- Security", "0612"),
    ("subject", "Environmental awareness", "concept10009"),
    ("unesco", "http://vocabularies.unesco.org/thesaurus/concept172", "concept172"),
    ("competency", "ICT-CFT 3.2", "ict-cft.3.2"),
]
LOM = {
    "resource_type": "exercise|simulation|questionnaire|diagram|figure|graph|index|slide|table|narrative text|exam"
    "|experiment|problem statement|self assessment|lecture",
    "role": "author|publisher|unknown|initiator|terminator|validator|editor|graphical designer|technical implementer"
    "|content provider|technical validator|educational validator|script writer|instructional designer"
    "|subject matter expert",
    "interactivity_type": "active|expositive|mixed",
    "audience": "teacher|author|learner|manager",
    "context": "school|higher education|training|other|pre-school|compulsory education|special education"
    "|vocational education|distance education|continuing education|professional development|library"
    "|educational administration|policy making",
    "difficulty": "very easy|easy|medium|difficult|very difficult",
    "relation_kind": "ispartof|haspart|isversionof|hasversion|isformatof|hasformat|references|isreferencedby|isbasedon"
    "|isbasisfor|requires|isrequiredby",
    "cost": "yes|no",
}
LRE = (
    "application|assessment|broadcast|case study|course|demonstration|drill and practice|educational game"
    "|enquiry-oriented activity|experiment|exploration|glossary|guide (advice sheets)|audio|data|image|model|text|video"
    "|lesson plan|open activity|presentation|project|reference|role play|simulation|tool|weblog|web page|wiki"
    "|other web resource|other"
)
LRMI = (
    "activity plan|assessment|assessment item|educator curriculum guide|lesson plan|physical learning resource"
    "|recorded lesson|supporting document|textbook|unit plan"
)
OER_COMMONS = (
    "Module|Activity/Lab|Teaching/Learning Strategy|Reading|Lecture Notes|Lesson|Homework/Assignment|Assessment"
    "|Lesson Plan|Diagram/Illustration|Full Course|Case Study|Lecture|Student Guide|Textbook|Unit of Study"
    "|Primary Source|Interactive|Syllabus|Game|Data Set|Simulation"
)
OER_LEVELS = (
    "preschool|lower-primary|upper-primary|middle-school|high-school|community-college-lower-division"
    "|college-upper-division|graduate-professional|career-technical|adult-education"
)
ISCED = (
    "Early childhood|Primary|Lower secondary|Upper secondary|Post-secondary non-tertiary|Short-cycle tertiary"
    "|Bachelor's or equivalent|Master's or equivalent|Doctoral or equivalent|Not elsewhere classified"
)
FIELDS_OF_STUDY = (
    "Generic programmes|Education|Arts and humanities|Social sciences, journalism and information"
    "|Business, administration and law|Natural sciences, mathematics and statistics|ICTs"
    "|Engineering, manufacturing and construction|Agriculture, forestry, fisheries and veterinary|Health and welfare"
    "|Services"
)
OER_USERS = "student|teacher|administrator|librarian|parent|other"


@pytest.mark.parametrize(("field", "written", "code"), TERMS)
def test_terms_find_their_concept(field: str, written: str, code: str) -> None:
    result = lookup(field, written)
    assert result is not None
    assert (result.code, result.source) == (code, written)


@pytest.mark.parametrize("field", LOM)
def test_every_value_of_lom_and_lre_is_known(field: str) -> None:
    assert [value for value in LOM[field].split("|") if lookup(field, value) is None] == []


@pytest.mark.parametrize("values", [LRE, LRMI, OER_COMMONS])
def test_every_resource_type_of_the_lists_is_known(values: str) -> None:
    assert [value for value in values.split("|") if lookup("resource_type", value) is None] == []


def test_every_level_and_broad_field_of_isced_is_known_by_its_short_name() -> None:
    for number, value in enumerate(ISCED.split("|")):
        result = lookup("level", value)
        assert result is not None and result.code == str(number), value
    for number, value in enumerate(FIELDS_OF_STUDY.split("|")):
        result = lookup("isced_f", value)
        assert result is not None and result.code == f"{number:02}", value


def test_every_level_and_user_of_oer_commons_is_known() -> None:
    assert [
        value for value in OER_LEVELS.split("|") if lookup("level", value) is None and lookup("context", value) is None
    ] == []
    assert [value for value in OER_USERS.split("|") if lookup("audience", value) is None] == []


@pytest.mark.parametrize("field", TABLES)
def test_a_term_means_one_thing_in_a_list(field: str) -> None:
    seen: dict[str, str] = {}
    for code, row in read_vocabulary(field).items():
        for term in row["terms"]:
            assert seen.setdefault(compact(term), code) == code, term
            result = lookup(field, term)
            assert result is not None
            assert result.code == code, term


@pytest.mark.parametrize("field", VOCABULARIES)
def test_codes_and_uris_mean_themselves(field: str) -> None:
    for code, row in (read_vocabulary("isced_f") if field == "subject" else read_vocabulary(field)).items():
        result = lookup(field, code)
        assert (None if result is None else result.code) == (None if field == "level" else code)  # a bare "4": a class?
        if isinstance(row, dict) and row.get("uri") and field not in ("isced_f", "subject"):
            by_uri = lookup(field, row["uri"])
            assert by_uri is not None
            assert by_uri.code == code


@pytest.mark.parametrize("field", VOCABULARIES)
def test_a_term_in_no_list_has_no_concept(field: str) -> None:
    for written in ("", "   ", "qwertz uiop asdf", "x" * 5000, "///", "http://example.org/zzz"):
        assert lookup(field, written) is None


def test_an_unknown_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="no vocabulary named 'colour'"):
        lookup("colour", "red")


def test_a_subject_has_a_code_in_both_schemes() -> None:
    assert [(subject.scheme, subject.code) for subject in subjects("Mathematics")] == [
        ("isced-f", "0541"),
        ("unesco", "concept118"),
    ]
    assert subjects("no such subject") == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ICT-CFT Pedagogy Knowledge Deepening", ("ict-cft", "Pedagogy", "Knowledge Deepening")),
        ("AI-CFT: Human agency", ("ai-cft", "Human-centred mindset", "Acquire")),
        ("Complex Problem-solving", ("ict-cft", "Pedagogy", "Knowledge Deepening")),
        ("Networking", None),
    ],
)
def test_a_competency_is_read_with_its_framework_aspect_and_level(
    written: str, expected: tuple[str, str, str] | None
) -> None:
    result = read_competency(written)
    assert (result and (result.framework, result.aspect, result.level)) == expected


@pytest.mark.parametrize(
    ("framework", "scheme", "number"),
    [("ict-cft", "UNESCO ICT-CFT", 18), ("ai-cft", "AI competency framework for teachers", 15)],
)
def test_every_cell_is_known_by_its_name_under_the_frameworks_name(framework: str, scheme: str, number: int) -> None:
    cells = {code: row for code, row in read_vocabulary("competency").items() if code.startswith(f"{framework}.")}
    assert len(cells) == number
    for code, row in cells.items():
        name = row["label"].partition(": ")[2]
        result = read_competency(name, scheme)
        assert result is not None, name
        assert result == read_competency(code.removeprefix(f"{framework}."), scheme)


@pytest.mark.parametrize(
    ("written", "ages"),
    [
        ("7-8", (7, 8)),
        ("12-20", (12, 20)),
        ("14-100", (14, None)),
        ("12-U", (12, None)),
        ("U-12", (None, 12)),
        ("U-U", None),
        ("2-3 year olds", (2, 3)),
        ("Ensino Fundamental", (6, 14)),
        ("12+", (12, None)),
        ("17-", (17, None)),
        (">15", (15, None)),
        ("A partir de 14 anos.", (14, None)),
        ("de 10 a 15 años", (10, 15)),
        ("от 7 до 10 лет", (7, 10)),
        ("до 12 лет", (None, 12)),
        ("ab 12 Jahren", (12, None)),
        ("7–8 ปี", (7, 8)),
        ("٧-٨ سنوات", (7, 8)),
        ("16 anos", (16, 16)),
        ("adults", (18, None)),
        ("взрослые", (18, None)),
        ("1 ano ensino médio", None),
        ("indefinida", None),
        ("20-10", None),
        ("300", None),
        ("", None),
    ],
)
def test_an_age_range_is_read_in_any_wording(written: str, ages: tuple[int | None, int | None] | None) -> None:
    result = read_age_range(written)
    assert (result and (result.min, result.max)) == ages


@pytest.mark.parametrize(
    ("written", "duration"),
    [
        ("PT1H30M", "PT1H30M"),
        ("PT200M", "PT3H20M"),
        ("PT1H0M", "PT1H"),
        ("P1DT2H", "P1DT2H"),
        ("45 minutes", "PT45M"),
        ("2 hours", "PT2H"),
        ("1h30", "PT1H30M"),
        ("1 hour and 30 minutes", "PT1H30M"),
        ("une heure", "PT1H"),
        ("90 минут", "PT1H30M"),
        ("45 นาที", "PT45M"),
        ("٤٥ دقيقة", "PT45M"),
        ("1,5 Stunden", "PT1H30M"),
        ("01:30:00", "PT1H30M"),
        ("3 weeks", "P3W"),
        ("PT1.5H", "PT1H30M"),
        ("0000-00-00T01:30", "PT1H30M"),
        ("half an hour", "PT30M"),
        ("ساعة واحدة", "PT1H"),
        ("1 hour (60 minutes)", "PT1H"),
        ("1 didactic hour", "PT45M"),
        ("2 didactic hours", "PT1H30M"),
        ("3 didactic hours", "PT2H15M"),
        ("2 академических часа", "PT1H30M"),
        ("2 школска часа", "PT1H30M"),
        ("3 Unterrichtsstunden", "PT2H15M"),
        ("Less than 1 didactic hour", None),
        ("More than 3 didactic hours", None),
        ("1-2 hours", None),
        ("45 min - 1 hour", None),
        ("> 2 h", None),
        ("2 hours+", None),
        ("2 x 45 min", None),
        ("1:30", None),
        ("PT0M", None),
        ("30", None),
        ("P", None),
    ],
)
def test_a_learning_time_is_read_as_an_iso_8601_duration(written: str, duration: str | None) -> None:
    assert read_learning_time(written) == duration


@pytest.mark.parametrize(
    ("written", "duration"), [("25:06", "PT25M6S"), ("1:02:03", "PT1H2M3S"), ("1506", "PT25M6S"), ("45 min", "PT45M")]
)
def test_the_length_of_a_recording_is_read_in_minutes_and_seconds(written: str, duration: str) -> None:
    assert read_learning_time(written, "media") == duration


@pytest.mark.parametrize(
    ("written", "bounds"),
    [
        ("Less than 1 didactic hour", "../PT45M"),
        ("More than 3 didactic hours", "PT2H15M/.."),
        ("менее 2 часов", "../PT2H"),
        ("أكثر من ساعتين", "PT2H/.."),
        ("2+ hours", "PT2H/.."),
        ("1-2 hours", "PT1H/PT2H"),
        ("45 min - 1 hour", "PT45M/PT1H"),
        ("2 hours", None),
        ("more than enough", None),
        ("", None),
    ],
)
def test_bounds_of_a_learning_time_are_read_as_an_interval(written: str, bounds: str | None) -> None:
    assert read_time_bounds(written) == bounds


@given(st.sampled_from(VOCABULARIES), st.text(max_size=120))
def test_any_term_has_a_labelled_concept_or_none(field: str, written: str) -> None:
    result = lookup(field, written)
    assert result is None or (result.source == written and result.label)


@given(st.text(max_size=100))
def test_any_age_and_time_is_read_without_an_error(written: str) -> None:
    ages, duration = read_age_range(written), read_learning_time(written)
    read_time_bounds(written)
    if ages is not None:
        assert ages.min is not None or ages.max is not None
    assert duration is None or read_learning_time(duration) == duration


@given(st.text(max_size=100))
def test_folding_is_idempotent(written: str) -> None:
    assert fold(fold(written)) == fold(written)


@pytest.mark.parametrize(
    ("term", "language", "codes"),
    [
        ("SEL", "en", []),
        ("sel", "fr", ["concept11001"]),
        ("Sol", None, []),
        ("Salt", None, ["concept11001"]),
        ("AIDS", "en", ["concept1927"]),
        ("Humans/psychology", "en", []),
        ("Mental Health/education", "en", ["concept11759"]),
        ("Dor - terapia", "pt", []),
        ("021", "en", []),
        ("info:eu-repo/classification/ddc/031", "en", []),
        ("Science/Biology", "en", ["0511", "concept219"]),
    ],
)
def test_qualifiers_short_words_and_codes_of_other_schemes_are_no_subjects(
    term: str, language: str | None, codes: list[str]
) -> None:
    assert [subject.code for subject in subjects(term, language)] == codes
