"""Sentences that a page shows in the reader's language; `schemas` has them, since reports hold them too."""

from schemas import Sentence, SentenceValue, sentence

__all__ = ["Sentence", "SentenceValue", "sentence"]
