"""What the detection of a source finds: proposals of feed declarations, and what was requested on the way."""

from __future__ import annotations

from typing import Any

from schemas import Base, Sentence, one_line


def shortened(text: str, max_chars: int) -> str:
    """Return a partner's text for a sentence: on one line, without what could forge one, and cut."""
    return one_line(" ".join(text[: 8 * max_chars].split())[:max_chars])


class OfferedFormat(Base, frozen=True, kw_only=True):
    """A metadata format that a server offers."""

    code: str  # theirs: a metadataPrefix
    name: str = ""  # what it is: its schema or namespace
    crosswalk: str | None = None  # the format of ours that reads it; None: no crosswalk does


class OfferedSet(Base, frozen=True, kw_only=True):
    """A set, collection or dataset of a server."""

    code: str  # theirs, as `sets` takes it
    name: str = ""


class SeenField(Base, frozen=True, kw_only=True):
    """A column, or a path inside a JSON record, that the records have."""

    path: str  # as `[map]` takes it: a column's name, or a JMESPath expression
    examples: tuple[str, ...] = ()  # up to three different values, shortened
    target: str | None = None  # the field of ours that it is guessed to be, a key of `[map]`; None: no guess


class Proposal(Base, frozen=True, kw_only=True):
    """A declaration of a feed that a server was seen to answer.

    `declaration` has the keys of a feed file without `title` and `partner`, nested as in the file: `protocol`, `url`,
    `format` or `map`, `identifier`, `prefix`, `sets`, `request` and so on. With these two and a name added it passes
    `schemas.read_feed`.
    """

    declaration: dict[str, Any]
    protocol: str  # of `schemas.PROTOCOLS`
    recognised: Sentence  # what it is: OAI-PMH repository “Repository of …”
    name: str = ""  # what the source calls itself; a first value for `title`
    formats: tuple[OfferedFormat, ...] = ()
    sets: tuple[OfferedSet, ...] = ()
    fields: tuple[SeenField, ...] = ()  # of JSON and CSV, for a form that corrects `[map]`
    records: int = 0  # seen in what was read
    total: int | None = None  # in the whole source, where it says so
    warnings: tuple[Sentence, ...] = ()


class Probe(Base, frozen=True, kw_only=True):
    """One request, or one file, and what came."""

    address: str
    result: Sentence
    milliseconds: int = 0


class Trouble(Base, frozen=True, kw_only=True):
    """Why nothing is proposed."""

    what: Sentence
    advice: Sentence  # what the partner can do


class Detection(Base, frozen=True, kw_only=True):
    """What was found at an address, or in a file: proposals, best first, or a trouble when there are none."""

    address: str  # as it was understood: with a scheme, without the blanks and marks around it
    proposals: tuple[Proposal, ...] = ()
    probes: tuple[Probe, ...] = ()
    trouble: Trouble | None = None
