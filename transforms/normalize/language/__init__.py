"""Language tags, and the language of a text."""

from transforms.normalize.language.detection import Detection, detect, detect_batch
from transforms.normalize.language.models import fasttext, py3langid
from transforms.normalize.language.profiles import langdetect_allows
from transforms.normalize.language.script import candidate_languages, script_of
from transforms.normalize.language.tags import language_tag, language_tags, macrolanguage
from transforms.normalize.language.texts import contradicts, hint_of, overrules, tag_texts, tag_words

__all__ = [
    "Detection",
    "candidate_languages",
    "contradicts",
    "detect",
    "detect_batch",
    "fasttext",
    "hint_of",
    "langdetect_allows",
    "language_tag",
    "language_tags",
    "macrolanguage",
    "overrules",
    "py3langid",
    "script_of",
    "tag_texts",
    "tag_words",
]
