"""Language tags, and the language of a text."""

from transforms.normalize.language.detection import Detection, detect
from transforms.normalize.language.models import fasttext, py3langid
from transforms.normalize.language.profiles import sees
from transforms.normalize.language.script import candidates, script_of
from transforms.normalize.language.texts import contradicts, langmap, langmap_ahead

__all__ = [
    "Detection",
    "candidates",
    "contradicts",
    "detect",
    "fasttext",
    "langmap",
    "langmap_ahead",
    "py3langid",
    "script_of",
    "sees",
]
