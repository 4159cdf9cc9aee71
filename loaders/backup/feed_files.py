"""Write the feed files that a restored installation lacks, from the declarations that the catalog keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sqlalchemy import select

from loaders.store import FeedDeclarationRow, read_transaction, whole_file
from schemas import FEED_NAME, Environment


def write_feed_files(env: Environment) -> list[Path]:
    """Write a file to ELIB_HOME/feeds for every kept declaration whose feed has none, and return the files."""
    declarations = FeedDeclarationRow.feed, FeedDeclarationRow.declaration
    with read_transaction(env) as connection:
        kept = connection.execute(select(*declarations).order_by(FeedDeclarationRow.feed)).all()
    written: list[Path] = []
    for name, declaration in kept:
        path = env.registered_feeds / f"{name}.toml"
        if FEED_NAME.fullmatch(name) and not any(map(os.path.lexists, (env.feeds / path.name, path))):
            with whole_file(path) as temporary:
                temporary.write_text(_toml(json.loads(declaration)), encoding="utf-8")
            written.append(path)
    return written


def _toml(declaration: dict[str, Any]) -> str:
    """Return a declaration as TOML: its keys, then its sections."""
    sections = {key: keys for key, keys in declaration.items() if isinstance(keys, dict)}
    lines = _assignments({key: value for key, value in declaration.items() if key not in sections})
    for name, keys in sections.items():
        lines += ["", f"[{_text(name)}]", *_assignments(keys)]
    return "\n".join([*lines, ""])


def _assignments(keys: dict[str, Any]) -> list[str]:
    return [f"{_text(key)} = {_value(value)}" for key, value in keys.items() if value is not None]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(_assignments(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """Return a basic string, which TOML and JSON write alike but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
