"""Read feed files: strictly, with a reason per key that is wrong, or leniently for declarations kept earlier."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schemas.feed.checks import mistakes_of
from schemas.feed.declaration import FEED_NAME, SECTIONS, Feed
from schemas.sentences import Mistake, Sentence, sentence

_KeyPath = tuple[str, ...]  # a key, or a section and a key in it
_KEYS = {
    "": [name for name in Feed.model_fields if name != "name"],
    **{section: list(model.model_fields) for section, model in SECTIONS.items()},
}
_VALUE_NAMES = re.compile(r"%\((\w+)\)s")
# What is wrong with a value of the wrong type or size, by Pydantic's name of it; the values are those of its context.
# https://docs.pydantic.dev/latest/errors/validation_errors/
_OF_PYDANTIC = {
    "string_type": sentence("Input should be a valid string"),
    "int_type": sentence("Input should be a valid integer"),
    "int_parsing": sentence("Input should be a valid integer"),
    "int_parsing_size": sentence("Input should be a valid integer"),
    "int_from_float": sentence("Input should be a valid integer, got a number with a fractional part"),
    "float_type": sentence("Input should be a valid number"),
    "float_parsing": sentence("Input should be a valid number"),
    "finite_number": sentence("Input should be a finite number"),
    "bool_type": sentence("Input should be a valid boolean"),
    "bool_parsing": sentence("Input should be a valid boolean"),
    "literal_error": sentence("Input should be %(expected)s"),
    "greater_than": sentence("Input should be greater than %(gt)s"),
    "greater_than_equal": sentence("Input should be greater than or equal to %(ge)s"),
    "less_than": sentence("Input should be less than %(lt)s"),
    "less_than_equal": sentence("Input should be less than or equal to %(le)s"),
    "list_type": sentence("Input should be a valid list"),
    "tuple_type": sentence("Input should be a valid list"),
    "dict_type": sentence("Input should be a valid table"),
    "model_type": sentence("Input should be a valid table"),
    "string_too_short": sentence("Input should not be empty"),
    "too_short": sentence("Input has too few values; at least %(min_length)s"),
    "too_long": sentence("Input has too many values; at most %(max_length)s"),
}
_MIN_KEY_SIMILARITY = 0.7  # of difflib, for a suggestion: trsut and trust have 0.8
# Stands in for required keys that a bad file lacks, so that its other keys can be checked.
_STAND_IN = {"name": "bad", "title": "-", "partner": "-", "protocol": "files", "url": "inbox:bad"}
# read_leniently keeps even a value that does not pass the checks where a key has no default; the default licence of the
# metadata permits everything, which a licence that this version does not know need not.
_WITHOUT_DEFAULT = frozenset({("url",), ("format",), ("identifier",), ("metadata_license",)})


class BadFeed(Exception):
    """A feed file that cannot be used: the file, and one reason per key that is wrong."""

    def __init__(
        self, path: Path, reasons: Sequence[Mistake], *, missing: bool = False, shadowed: bool = False
    ) -> None:
        super().__init__(f"{path.name}: " + "; ".join(reasons))
        self.path = path
        self.reasons = list(reasons)
        self.missing = missing
        self.shadowed = shadowed  # an earlier folder has a file of the same name, which counts

    @property
    def sentence(self) -> str:
        """Return what is wrong, as a report says it about the feed."""
        return "its file is missing" if self.missing else f"its file has a mistake: {'; '.join(self.reasons)}"


def read_feeds(folders: Path | Iterable[Path]) -> tuple[list[Feed], list[BadFeed]]:
    """Return every feed of one folder or several in name order, and an error for every file that does not declare one.

    Of files with the same name the one in the first folder counts; each of the others is an error.
    """
    paths: dict[str, Path] = {}
    bad: list[BadFeed] = []
    for folder in [folders] if isinstance(folders, Path) else folders:
        for path in sorted(folder.glob("*.toml")):
            first = paths.setdefault(path.name, path)
            if first != path:
                text = sentence(
                    "%(path)s is not read, because %(first)s has the same name and counts; rename it or remove it",
                    path=str(path),
                    first=str(first),
                )
                bad.append(BadFeed(path, [Mistake("", text)], shadowed=True))
    good: list[Feed] = []
    for name in sorted(paths):
        try:
            good.append(read_feed(paths[name]))
        except BadFeed as error:
            bad.append(error)
    return good, sorted(bad, key=lambda error: (error.path.name, error.shadowed))


def read_feed(path: Path) -> Feed:
    """Return the feed that a file declares. Raises BadFeed naming every key that is wrong."""
    return _reading(path, _read_feed)


def _reading(path: Path, read: Callable[[Path], Feed]) -> Feed:
    try:
        feed = read(path)
        feed.model_dump(mode="json")  # a declaration is kept as JSON
    except BadFeed:
        raise
    except Exception as error:  # whatever no check foresaw is this file's mistake too, and never stops the other feeds
        deep = isinstance(error, RecursionError) or "depth" in str(error)
        if deep:
            raise BadFeed(path, [Mistake("request.body", sentence("is nested too deep"))]) from error
        defect = sentence("%(error)s: %(why)s", error=type(error).__name__, why=str(error))
        raise BadFeed(path, [Mistake("", defect)]) from error
    return feed


def _read_feed(path: Path) -> Feed:
    return _checked(path, _read_toml(path))


def read_declaration(name: str, declaration: Mapping[str, Any]) -> Feed:
    """Return the feed that the keys of a feed file declare, as `read_feed` does. Raises BadFeed."""
    return _reading(Path(f"{name}.toml"), lambda path: _checked(path, _copy(declaration)))


def _checked(path: Path, keys: dict[str, Any]) -> Feed:
    reasons: list[Mistake] = []
    if not FEED_NAME.fullmatch(path.stem):
        text = sentence(
            "the file's name: %(name)s is not a feed name; use a-z, 0-9 and _, at most 64 characters",
            name=repr(path.stem),
        )
        reasons.append(Mistake("", text))
    if keys.pop("name", None) is not None:
        reasons.append(Mistake("name", sentence("unknown key; remove it, the file's name is the feed's")))
    try:
        feed = Feed.model_validate({**keys, "name": path.stem})
        reasons += mistakes_of(feed.model_dump())
    except ValidationError as error:
        errors = [dict(detail) for detail in error.errors()]
        raise BadFeed(path, [*reasons, *map(_reason, errors), *_further_mistakes(keys, errors)]) from error
    if reasons:
        raise BadFeed(path, reasons)
    return feed


def _read_toml(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():  # reading a pipe would wait for ever
        raise BadFeed(path, [Mistake("", sentence("not readable: it is not a regular file"))])
    try:
        content = path.read_text(encoding="utf-8")
        if content.startswith("\ufeff"):
            text = sentence("the file begins with a byte order mark; save it as UTF-8 without one")
            raise BadFeed(path, [Mistake("", text)])
        return tomllib.loads(content)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and not path.is_symlink()  # a dangling link is a mistake
        what = sentence("not readable: %(why)s", why=str(error.strerror or error))
        raise BadFeed(path, [Mistake("", what)], missing=missing) from error
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, an endless number or nesting
        raise BadFeed(path, [Mistake("", sentence("not readable as TOML: %(why)s", why=str(error)))]) from error


def _reason(error: dict[str, Any]) -> Mistake:
    key = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "extra_forbidden":
        if known := _nearest_key(key):
            return Mistake(key, sentence("unknown key; did you mean %(known)s?", known=known))
        return Mistake(key, sentence("unknown key; remove it"))
    if error["type"] == "missing":
        return Mistake(key, sentence("required and missing"))
    text = _OF_PYDANTIC.get(error["type"])
    if text is None:
        return Mistake(key, sentence("is not accepted: %(why)s", why=error["msg"]))
    names = set(_VALUE_NAMES.findall(text.text))
    context = error.get("ctx") or {}
    return Mistake(key, Sentence(text=text.text, values={name: str(context.get(name, "")) for name in names}))


def _nearest_key(key: str) -> str | None:
    """Return the known key with the same name in another section, else with a similar name in the same section."""
    section, _, name = key.rpartition(".")
    elsewhere = [f"{other}.{name}".lstrip(".") for other, names in _KEYS.items() if name in names]
    similar = get_close_matches(name, _KEYS.get(section, []), n=1, cutoff=_MIN_KEY_SIMILARITY)
    return next(iter(elsewhere + [f"{section}.{known}".lstrip(".") for known in similar]), None)


def _further_mistakes(keys: dict[str, Any], errors: list[dict[str, Any]]) -> list[Mistake]:
    """Return what is wrong with keys that are neither missing nor of a wrong type, so that one reading names all."""
    paths = [_key_path(error["loc"]) for error in errors if error["loc"]]
    rest = _copy(keys)
    for path in paths:
        _remove(rest, path)
    try:
        feed = Feed.model_validate({**_STAND_IN, **rest})
    except ValidationError:  # so much is wrong that leaving the wrong keys out does not help
        return []
    return mistakes_of(feed.model_dump(), {".".join(path) for path in paths})


def read_leniently(name: str, declaration: Mapping[str, Any]) -> tuple[Feed, tuple[str, ...]]:
    """Return the feed of a declaration that another version of this program accepted, and the keys left out, in order.

    Unknown keys are left out; a key whose value is not accepted falls to its default. Never raises.
    """
    keys = _copy(declaration)
    left_out: list[str] = []
    while True:
        feed, not_accepted = _try(name, keys)
        removed = [path for path in dict.fromkeys(not_accepted) if _remove(keys, path)]
        left_out += [".".join(path) for path in removed]
        if not removed:
            return feed, tuple(sorted(left_out))


def _try(name: str, keys: Mapping[str, Any]) -> tuple[Feed, Iterable[_KeyPath]]:
    """Return the feed, or a stand-in for it, and the paths of the keys that are not accepted."""
    stand_in = {"title": name, "partner": "-", "protocol": "files", "url": f"inbox:{name}"}
    try:
        feed = Feed.model_validate({**stand_in, **keys, "name": name})
    except ValidationError as error:
        return Feed.model_validate({**stand_in, "name": name}), [_key_path(detail["loc"]) for detail in error.errors()]
    paths = [_key_path(mistake.key.split(".")) for mistake in mistakes_of(feed.model_dump())]
    return feed, [path for path in paths if path not in _WITHOUT_DEFAULT]


def _key_path(parts: Iterable[Any]) -> _KeyPath:
    first, *rest = map(str, parts)
    return (first, *rest[:1]) if first in SECTIONS else (first,)


def _copy(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, dict) else value for key, value in keys.items()}


def _remove(keys: dict[str, Any], path: _KeyPath) -> bool:
    """Remove a key; return whether it was there."""
    *section, key = path
    parent = keys.get(section[0]) if section else keys
    if not isinstance(parent, dict) or key not in parent:
        return False
    del parent[key]
    return True
