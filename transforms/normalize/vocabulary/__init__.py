"""Partners' terms to the library's vocabularies."""

from transforms.normalize.vocabulary.terms import age_range, competency, learning_time, lookup, subjects, time_bounds

__all__ = [
    "age_range",
    "competency",
    "learning_time",
    "lookup",
    "subjects",
    "time_bounds",
]
