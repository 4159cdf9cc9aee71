"""From partners' terms, ages and times to the library's lists."""

from transforms.normalize.vocabulary.ages import read_age_range
from transforms.normalize.vocabulary.authorities import code_by_authority
from transforms.normalize.vocabulary.grades import read_grades
from transforms.normalize.vocabulary.mappings import (
    FIELD_SCHEMES,
    MappedTerm,
    TermMappings,
    concept_of_mapping,
    find_code,
    scheme_of_code,
    term_key,
)
from transforms.normalize.vocabulary.nearest import NearEntry, entries_of, nearest_entries
from transforms.normalize.vocabulary.terms import (
    VOCABULARIES,
    concept_of_code,
    lookup,
    read_competency,
    subjects,
)
from transforms.normalize.vocabulary.times import read_learning_time, read_time_bounds

__all__ = [
    "FIELD_SCHEMES",
    "VOCABULARIES",
    "MappedTerm",
    "NearEntry",
    "TermMappings",
    "code_by_authority",
    "concept_of_code",
    "concept_of_mapping",
    "entries_of",
    "find_code",
    "lookup",
    "nearest_entries",
    "read_age_range",
    "read_competency",
    "read_grades",
    "read_learning_time",
    "read_time_bounds",
    "scheme_of_code",
    "subjects",
    "term_key",
]
