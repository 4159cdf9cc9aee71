"""What codes of the shared record are called, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from babel.core import Locale, UnknownLocaleError

from schemas import Subject, competency_label, subject_label
from web.languages import marked, translations

LEVELS = {
    "0": marked("Early childhood education"),
    "1": marked("Primary education"),
    "2": marked("Lower secondary education"),
    "3": marked("Upper secondary education"),
    "4": marked("Post-secondary non-tertiary education"),
    "5": marked("Short-cycle tertiary education"),
    "6": marked("Bachelor's or equivalent level"),
    "7": marked("Master's or equivalent level"),
    "8": marked("Doctoral or equivalent level"),
    "9": marked("Not elsewhere classified"),
}
TYPES = {
    "application": marked("Software application"),
    "assessment": marked("Assessment"),
    "audio": marked("Audio recording"),
    "case_study": marked("Case study"),
    "course": marked("Course"),
    "data": marked("Data"),
    "diagram": marked("Diagram"),
    "drill_and_practice": marked("Drill and practice"),
    "educational_game": marked("Game"),
    "experiment": marked("Experiment"),
    "image": marked("Image"),
    "index": marked("Reference work"),
    "lesson_plan": marked("Lesson plan"),
    "map": marked("Map"),
    "other": marked("Other"),
    "portal": marked("Web portal"),
    "questionnaire": marked("Questionnaire"),
    "script": marked("Lecture script"),
    "sheet_music": marked("Sheet music"),
    "simulation": marked("Simulation"),
    "slide": marked("Presentation"),
    "text": marked("Text"),
    "textbook": marked("Textbook"),
    "video": marked("Video"),
    "web_page": marked("Web page"),
    "worksheet": marked("Worksheet"),
}
AUDIENCES = {
    "teacher": marked("Teachers"),
    "learner": marked("Learners"),
    "author": marked("Authors"),
    "manager": marked("Managers"),
    "parent": marked("Parents"),
    "mentor": marked("Mentors"),
    "professional": marked("Professionals"),
    "counsellor": marked("Counsellors"),
    "librarian": marked("Librarians"),
    "general public": marked("General public"),
    "other": marked("Other"),
}
ROLES = {
    "author": marked("author"),
    "editor": marked("editor"),
    "publisher": marked("publisher"),
    "content provider": marked("content provider"),
    "unknown": marked("contributor"),
}
VARIANTS = {
    "translation": marked("in another language"),
    "edition": marked("another edition"),
    "version": marked("another version"),
}
RELATIONS = {
    "ispartof": marked("is part of"),
    "haspart": marked("has part"),
    "isversionof": marked("another version"),
    "hasversion": marked("another version"),
    "isformatof": marked("in another format"),
    "hasformat": marked("in another format"),
    "references": marked("refers to"),
    "isreferencedby": marked("is referred to by"),
    "isbasedon": marked("is based on"),
    "isbasisfor": marked("is the basis of"),
    "requires": marked("needs"),
    "isrequiredby": marked("is needed by"),
}
FIELDS = {
    "title": marked("title"),
    "description": marked("description"),
    "languages": marked("languages"),
    "license": marked("licence"),
    "levels": marked("levels"),
    "subjects": marked("subjects"),
    "resource_types": marked("type"),
    "url": marked("address"),
    "links": marked("addresses of files"),
    "keywords": marked("keywords"),
    "contributors": marked("people"),
    "publishers": marked("publishers"),
    "issued": marked("date"),
    "identifiers": marked("identifiers"),
}
OTHER_FIELD = marked("other details")
ROLE_OTHER = marked("contributor")


def label_of(table: Mapping[str, str], code: str) -> str:
    """Return the English label of a code, to be translated where it is shown; a code without one as it is."""
    return table.get(code, code)


def language_label(tag: str, reader: str) -> str:
    """Return what a language is called in the reader's language; a tag that CLDR does not know as it is."""
    try:
        name = Locale.parse(tag, sep="-").get_display_name(reader)
    except (UnknownLocaleError, ValueError):
        return tag
    return name or tag


def subject_of(subject: Subject, reader: str) -> tuple[str, str]:
    """Return a subject's label for a reader, and the language that it is in."""
    return subject_label(subject.scheme, subject.code, subject.label, reader)


def value_label(facet: str, value: str, language: str) -> tuple[str, str]:
    """Return what a value of a facet of the search is called, and the label's language; und where it is a name."""
    if facet == "language":
        return language_label(value, language), language
    if facet in ("level", "type"):
        return translations(language).gettext(label_of(LEVELS if facet == "level" else TYPES, value)), language
    if facet == "subject":
        scheme, _, code = value.partition(":")
        return subject_label(scheme, code, code, language)
    if facet == "competency":
        return competency_label(value, language)
    return value, "und"
