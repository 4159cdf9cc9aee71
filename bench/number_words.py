# /// script
# dependencies = ["unicode-rbnf==2.4.1"]
# ///
"""Write transforms/match/number_words.toml: numerals in words, by language, from Unicode CLDR.

    uv run bench/number_words.py

They are those of CLDR's rule-based number formats, cardinal and ordinal, in every gender and case that it has, folded
as titles are. CLDR has no words for parts and grades, and no numerals of some languages: these are in words.toml.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from transforms.spelling import fold  # noqa: E402  (the checkout is put on the path first)

_PATH = ROOT / "transforms" / "match" / "number_words.toml"
_HIGHEST = 20
_HEAD = (
    "# Written by bench/number_words.py from Unicode CLDR (Unicode licence, version 3); folded. Do not edit by hand\n"
)


def main() -> None:
    """Write the file."""
    from unicode_rbnf import RbnfEngine  # type: ignore[import-not-found]

    parts = [_HEAD]
    for language in sorted(RbnfEngine.get_supported_languages()):
        if "_" in language or language == "root":
            continue
        numbers = dict(_numbers(RbnfEngine.for_language(language)))
        words = {number: sorted(word for word in numbers if numbers[word] == number) for number in numbers.values()}
        parts.append(f"\n[{language}]\n")
        parts += [f"{number} = {json.dumps(words[number], ensure_ascii=False)}\n" for number in sorted(words)]
    _PATH.write_text("".join(parts), encoding="utf-8")


def _numbers(engine: object) -> Iterator[tuple[str, int]]:
    """Return the words of each number, the highest first, so that a word of two means the lower."""
    from unicode_rbnf.engine import FormatPurpose  # type: ignore[import-not-found]

    for number in range(_HIGHEST, 0, -1):
        for purpose in (FormatPurpose.CARDINAL, FormatPurpose.ORDINAL):
            try:
                spelled = engine.format_number(number, purpose=purpose)  # type: ignore[attr-defined]
            except ValueError:  # the language has no ordinals in words
                continue
            for text in spelled.text_by_ruleset.values():
                word = fold(text.replace("\u200b", " ").replace("\u00ad", "")).rpartition(" ")[2]
                if len(word) > 1 and not any(map(str.isdigit, word)):
                    yield word, number


if __name__ == "__main__":
    main()
