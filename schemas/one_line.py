"""Text of partners in lines for people: logs, terminals, notifications and sentences of failures."""

from __future__ import annotations

import re

# Control characters, the ends of lines that Unicode adds, what turns the direction of text round, and code points that
# are no characters. Marks that only say a letter's direction, and joiners, belong to words of many languages.
_NOT_PLAIN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_PICTURES = {chr(code): chr(0x2400 + code) for code in range(0x20)} | {"\x7f": "␡"}  # ␊ and the like


def one_line(text: str) -> str:
    """Return the text as one line: what could forge a line, colour it or turn it round becomes a visible sign."""
    return _NOT_PLAIN.sub(lambda match: _PICTURES.get(match[0], "\ufffd"), text)
