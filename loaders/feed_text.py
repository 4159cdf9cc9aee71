"""The text of a feed file: a declaration as TOML, and a file with some of its keys changed, comments and all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit


def feed_text(declaration: Mapping[str, Any], *, comment: str = "") -> str:
    """Return a declaration as the text of a feed file; keys without a value are left out."""
    document = tomlkit.document()
    for line in comment.splitlines():
        document.add(tomlkit.comment(line))
    document.update(_without_nulls(declaration))
    return tomlkit.dumps(document)


def changed_feed_text(text: str, declaration: Mapping[str, Any]) -> str:
    """Return a feed file's text changed so that it declares these keys: comments, and keys that stay, stay as they are.

    Raises tomlkit.exceptions.TOMLKitError when the text is no TOML.
    """
    document = tomlkit.parse(text)
    _change(document, _without_nulls(declaration))
    return tomlkit.dumps(document)


def _change(table: Any, keys: Mapping[str, Any]) -> None:
    for gone in [key for key in table if key not in keys]:
        del table[gone]
    for key, value in keys.items():
        if key in table and isinstance(table[key], dict) and isinstance(value, dict):
            _change(table[key], value)
        elif key not in table or table[key] != value:
            table[key] = value


def _without_nulls(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that have a value, plain ones before the sections, as TOML wants them."""
    filled = {key: _filled(value) for key, value in keys.items() if value is not None}
    return dict(sorted(filled.items(), key=lambda item: isinstance(item[1], dict)))


def _filled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _without_nulls(value)
    return [_filled(each) for each in value if each is not None] if isinstance(value, list) else value
