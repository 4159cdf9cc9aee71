"""From partners' terms, ages and times to the library's lists."""

from transforms.normalize.vocabulary.ages import read_age_range
from transforms.normalize.vocabulary.authorities import code_by_authority
from transforms.normalize.vocabulary.grades import read_grades
from transforms.normalize.vocabulary.terms import (
    VOCABULARIES,
    concept_of_code,
    lookup,
    read_competency,
    subjects,
)
from transforms.normalize.vocabulary.times import read_learning_time, read_time_bounds

__all__ = [
    "VOCABULARIES",
    "code_by_authority",
    "concept_of_code",
    "lookup",
    "read_age_range",
    "read_competency",
    "read_grades",
    "read_learning_time",
    "read_time_bounds",
    "subjects",
]
