"""A feed: a partner's real source, declared in one TOML file. Data only; unknown keys are errors."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.feed.checks import wrong_in

FEED_NAME = re.compile(r"[a-z0-9_]{1,64}")
Protocol = Literal["oai_pmh", "rest", "opendatasoft", "rss", "csv", "sitemap", "files"]


# what a feed's records are in when its file does not say; oai_pmh and rest have no usual format
_USUAL_FORMAT = {
    "opendatasoft": "unesdoc",
    "rss": "rss",
    "csv": "oercommons_csv",
    "sitemap": "schema_org",
    "files": "lom",
}


class _Declared(BaseModel):
    """The base of what a feed file may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class Request(_Declared):
    """How to ask: paging, politeness and limits. Paths have dots between keys; a number picks from a list."""

    # what is asked
    method: Literal["GET", "POST"] = "GET"  # of the first try; OAI-PMH goes over to the other when this one is refused
    params: dict[str, str | int | list[str]] = {}  # always sent in the query
    body: dict[str, Any] = {}  # sent as JSON with POST
    headers: dict[str, str] = {}  # sent with every request; never credentials
    # how the list is paged
    paging: Literal["none", "page", "offset", "cursor", "link"] = "none"
    page_param: str = "page"  # the parameter that carries the page number, the offset or the cursor
    page_in: Literal["query", "body"] = "query"  # where that parameter goes: body for a search by POST
    size_param: str | None = None  # the parameter that carries the page size; None when the server decides
    size: int = Field(default=100, ge=1)  # records asked for in one page
    first: int = 0  # the first page's number or offset
    cursor_path: str | None = None  # where the response holds the next cursor, or the next page's address
    window: int | None = Field(default=None, ge=1)  # no record past this offset can be asked for (Opendatasoft: 10 000)
    slice_by: str | None = None  # opendatasoft: the field whose values slice a result past its window
    # where the answer holds things
    records_path: str = ""  # the list of records; empty: the response itself
    record_path: str = ""  # the record inside one element of that list; empty: the element itself
    detail_url: str | None = None  # the record's own address, {field} taken from the listed element; asked one by one
    detail_path: str = ""  # where that answer holds the record; empty: the answer itself
    total_path: str | None = None  # the number of records in the whole list
    total_header: str | None = None  # or the response header that says it (WordPress: X-WP-Total)
    datestamp_path: str | None = None  # when the record was last changed, inside the record
    since_param: str | None = None  # the parameter that asks for what changed since the last complete harvest
    # files
    delimiter: str | None = None  # csv: between columns; None: detected
    multi_value: str | None = None  # csv: between several values of one column
    encoding: str | None = None  # csv: of the file; None: detected
    # patience and politeness
    rate: float = Field(default=1.0, gt=0)  # requests a second
    connections: int = Field(default=1, ge=1)  # to one host at a time, over all processes of this machine
    timeout: float = Field(default=60, gt=0, le=86_400)  # seconds for one response
    budget: float = Field(default=6 * 3600, gt=0, le=7 * 86_400)  # seconds for the whole harvest
    retries: int = Field(default=5, ge=0)  # of one request, after the first try
    backoff: float = Field(default=2.0, ge=0, le=3_600)  # seconds before the first retry, then doubled, with jitter
    quiet_hours: list[str] = []  # "08:00-18:00 Europe/Belgrade": no request then
    max_pages: int = Field(default=1_000_000, ge=1)  # of one harvest
    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1)  # of one response, decompressed
    max_redirects: int = Field(default=5, ge=0)  # of one request
    trust_list_size: bool = True  # false where the number of records that the server says is known to be wrong


class Expect(_Declared):
    """What the feed should look like; the gate holds a run that does not."""

    records: tuple[int, int] | None = None
    max_drop: float = Field(default=0.05, ge=0, le=1)  # share of the live records that may go in one run
    max_drop_records: int = Field(default=20, ge=0)  # or so many, whichever is more; never more than half
    license_share: float | None = Field(default=None, ge=0, le=1)
    language_share: float | None = Field(default=None, ge=0, le=1)
    max_error_share: float | None = Field(default=None, ge=0, le=1)


class Feed(_Declared):
    """One feed. The file's stem is its name, which is never reused for another source."""

    name: str
    title: str = Field(min_length=1)
    partner: str = Field(min_length=1)
    protocol: Protocol
    url: str = Field(min_length=1)
    format: str = ""
    note: str = ""
    status: Literal["active", "paused", "retired"] = "active"
    schedule: str = "0 1 * * *"
    trust: int = 0
    full_every: int | None = Field(default=None, ge=1)  # every so many runs the whole list; None: by the protocol
    sets: list[str] = []
    identifier: list[str] = []
    default_license: str | None = None
    default_language: str | None = None
    dialect: str | None = None
    connection: str | None = None  # the Airflow connection that holds the credentials
    one_to_one: bool = False  # the feed is free of inner duplicates
    request: Request = Request()
    expect: Expect = Expect()

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, said: Any) -> Any:
        """One identifier field is a list of one, and a protocol has its usual format."""
        if not isinstance(said, dict):
            return said
        usual = {"format": said.get("format") or _USUAL_FORMAT.get(str(said.get("protocol")), "")}
        if isinstance(said.get("identifier"), str):
            usual["identifier"] = [said["identifier"]]
        return {**said, **usual}


SECTIONS = ("request", "expect")
# for required keys that a bad file lacks; nothing is said of them
_STAND_IN = {"name": "bad", "title": "-", "partner": "-", "protocol": "files", "url": "inbox:bad"}


class BadFeed(Exception):
    """A feed file that cannot be used: the file, and one line a key with its reason."""

    def __init__(self, path: Path, reasons: list[str], *, missing: bool = False) -> None:
        super().__init__(f"{path.name}: " + "; ".join(reasons))
        self.path = path
        self.reasons = reasons
        self.missing = missing

    @property
    def sentence(self) -> str:
        """What is wrong, as a report says it of the feed."""
        return "its file is missing" if self.missing else f"its file has a mistake: {'; '.join(self.reasons)}"


def read_feed(path: Path) -> Feed:
    """Read the feed that a file declares. Raises BadFeed naming every key that is wrong."""
    try:
        feed = _read_feed(path)
        feed.model_dump(mode="json")  # a declaration is kept as JSON
    except BadFeed:
        raise
    except Exception as error:  # whatever no check foresaw is this file's mistake too, and never stops the other feeds
        deep = isinstance(error, RecursionError) or "depth" in str(error)
        reason = "request.body: is nested too deep" if deep else f"{type(error).__name__}: {error}"
        raise BadFeed(path, [reason]) from error
    return feed


def _read_feed(path: Path) -> Feed:
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise BadFeed(path, ["not readable: it is no file"])
    try:
        text = path.read_text(encoding="utf-8")
        if text.startswith("\ufeff"):
            raise BadFeed(path, ["the file begins with a byte order mark; save it as UTF-8 without one"])
        said = tomllib.loads(text)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and not path.is_symlink()  # a link to nothing is a mistake
        raise BadFeed(path, [f"not readable: {error.strerror or error}"], missing=missing) from error
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number or a nesting without end
        raise BadFeed(path, [f"not readable as TOML: {error}"]) from error
    odd = f"the file's name: {path.stem!r} must be made of a-z, 0-9 and _ only, at most 64"
    reasons = [] if FEED_NAME.fullmatch(path.stem) else [odd]
    if said.pop("name", None) is not None:
        reasons.append("name: unknown key; remove it, the file's name is the feed's")
    try:
        feed = Feed.model_validate({**said, "name": path.stem})
        reasons += wrong_in(feed.model_dump())
    except ValidationError as error:
        errors = [dict(one) for one in error.errors()]
        raise BadFeed(path, [*reasons, *map(_reason, errors), *_further(said, errors)]) from error
    if reasons:
        raise BadFeed(path, reasons)
    return feed


def _further(said: dict[str, Any], errors: list[dict[str, Any]]) -> list[str]:
    """What is wrong besides keys that are missing or of a wrong type, so that a file is mended in one go."""
    places = [error["loc"][: 2 if error["loc"][0] in SECTIONS else 1] for error in errors if error["loc"]]
    rest = {key: dict(value) if isinstance(value, dict) else value for key, value in said.items()}
    for *section, key in places:
        inside = rest.get(section[0]) if section else rest
        if isinstance(inside, dict):
            inside.pop(key, None)
    try:
        feed = Feed.model_validate({**_STAND_IN, **rest})
    except ValidationError:  # a file so wrong that taking the wrong keys out does not help
        return []
    return wrong_in(feed.model_dump(), {".".join(map(str, place)) for place in places})


def _reason(error: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it, or compare its spelling with schemas/feed/declaration.py"
    if error["type"] == "missing":
        return f"{key}: required and missing"
    return f"{key}: {error['msg']}"


def read_feeds(folder: Path) -> tuple[list[Feed], list[BadFeed]]:
    """Every feed of a folder in name order, and every file that declares none."""
    good: list[Feed] = []
    bad: list[BadFeed] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            good.append(read_feed(path))
        except BadFeed as error:
            bad.append(error)
        except Exception as error:  # one file must never hide the others: what no check foresaw is named as well
            bad.append(BadFeed(path, [f"{type(error).__name__}: {error}"]))
    return good, bad
