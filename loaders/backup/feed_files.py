"""Write the feed files that a restored installation lacks, from the declarations that the catalog keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sqlalchemy import select

from loaders.feed_text import feed_text
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
                temporary.write_text(feed_text(json.loads(declaration)), encoding="utf-8")
            written.append(path)
    return written
